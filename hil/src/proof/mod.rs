//! Proofs about the core's machine code: it cannot panic (`nopanic`), it keeps its budgets (`budgets`).
//!
//! Both read an image of `hb-proof`: everything public of the core and the bridge, linked for a bare machine.

pub mod budgets;
pub mod count;
pub mod image;
pub mod nopanic;
pub mod plant;
