//! Any bytes as `haresources`, beside two good files.
#![no_main]

use hb_fuzz::files::{File, examine};

libfuzzer_sys::fuzz_target!(|text: &[u8]| examine(File::Haresources, text));
