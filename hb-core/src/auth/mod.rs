//! Frames to messages: the tag is checked over the received bytes before anything is decoded (DESIGN §4).

pub mod keys;
pub mod replay;
pub mod tag;

pub use keys::{Key, KeyError, Keyring, Method};
