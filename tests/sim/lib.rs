//! The deterministic simulator: two nodes on a virtual clock.
