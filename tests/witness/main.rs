//! The votes of DESIGN §7 O9: two nodes and the witness, every order of events, and what a measured clock is worth.

mod clocks;
mod lease;
mod search;
mod world;
