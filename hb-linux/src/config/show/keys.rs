//! Which key signs, and the others: indexes and methods, no secret.

use super::super::authkeys;
use super::digest::word;
use super::rows::{Row, Rows};
use std::format;
use std::fs;
use std::path::Path;
use std::vec::Vec;

/// What a good `authkeys` says; nothing of one that is wrong.
pub(super) fn of(path: &Path) -> Vec<Row> {
    let file = super::super::shown(path);
    let mut rows = Rows { file: &file, all: Vec::new() };
    let (Ok(keys), Ok(mut text)) = (authkeys::load(path), fs::read(path)) else { return rows.all };
    for (line, bytes) in (1_u32..).zip(text.split(|byte| *byte == b'\n')) {
        let first = bytes.split(|b| matches!(b, b' ' | b'\t' | b'\r')).find(|word| !word.is_empty());
        if first.is_some_and(|word| word == b"auth") {
            rows.at(format!("auth {}", keys.ring.signer()), line);
        }
        let index = first.and_then(|word| core::str::from_utf8(word).ok()).and_then(|word| word.parse().ok());
        if let Some((index, key)) = index.and_then(|index| Some((index, keys.ring.get(index)?))) {
            rows.at(format!("key {index} {}", word(key.method)), line);
        }
    }
    // Leave no copy of the secrets behind.
    text.fill(0);
    core::hint::black_box(&mut text);
    rows.all
}
