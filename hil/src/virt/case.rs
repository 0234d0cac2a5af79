//! A case: what it is called, what is built for it, and its story.

use super::rig::Setup;
use super::scene::{Scene, Told};

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// As the command line calls it.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Whether it belongs to those that `cargo xtask test` runs.
    pub everyday: bool,
    /// What is built.
    pub setup: fn() -> Setup,
    /// What happens.
    pub story: fn(&mut Scene) -> Told<()>,
}
