//! Any bytes as `ha.cf`, beside two good files.
#![no_main]

use hb_fuzz::files::{File, examine};

libfuzzer_sys::fuzz_target!(|text: &[u8]| examine(File::HaCf, text));
