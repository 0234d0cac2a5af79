//! Relay between two serial ports.
#![cfg_attr(not(test), no_std)]
