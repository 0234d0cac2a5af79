//! Resource scripts as children: how they are called, how their answers are read, how they end.

pub mod answer;

pub use answer::Answer;
