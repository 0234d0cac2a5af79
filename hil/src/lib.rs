//! Test rig and build tasks of `hbd`.

pub mod netns;
