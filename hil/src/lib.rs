//! The machinery behind `cargo xtask`: set-up, the one test command, the static i586 binary, benchmarks; and the rig of
//! network namespaces that the scenario tests and the benchmarks run on.
//!
//! Nothing in this crate ships. It drives cargo, Debian's cross tools and QEMU, and reads what they made.

pub mod bench;
pub mod beside;
pub mod dist;
pub mod faults;
pub mod firmware;
pub mod fuzz;
pub mod gate;
pub mod model;
pub mod netns;
pub mod paths;
pub mod picture;
pub mod proc;
pub mod proof;
pub mod rigfile;
pub mod series;
pub mod setup;
pub mod sim;
pub mod subject;
pub mod table;
pub mod test;
pub mod virt;
pub mod wires;
