//! `hbd`.

fn main() {}
