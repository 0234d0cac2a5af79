//! The whole public interface of `hb-core` and of the library that runs on the bridge, behind C functions of which the compiler knows
//! no caller. `cargo xtask nopanic` links it without the symbol that its panic handler names: what links cannot panic.
//! `cargo xtask budgets` weighs the same image, whose own glue is a few instructions for each function.
//!
//! Arguments are the core's own types behind pointers, so every value that such a type can have is possible.

#![cfg_attr(feature = "freestanding", no_std)]

#[cfg(feature = "bridge")]
pub mod bridge;
pub mod frames;
pub mod node;
#[cfg(feature = "freestanding")]
mod panic;
