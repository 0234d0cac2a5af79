//! `hbd`.

fn main() {
    std::process::exit(hb_linux::cli::main(std::env::args_os()));
}
