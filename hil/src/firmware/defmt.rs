//! Reads a board's defmt log by its image: defmt 1's frames without compression (`encoding-raw`), of what a board of ours logs.
//!
//! An image holds the texts as names of symbols, JSON, and their numbers as the symbols' values. A frame is the number of its text
//! and then what goes into it, in order: numbers with their lowest byte first, and for a `{}` the number of the type's own text and
//! what goes into that. A text with `|` is one of several, by a byte.

use crate::proc::Cmd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The texts of an image.
#[derive(Debug)]
pub(super) struct Texts(BTreeMap<u16, (String, String)>);

impl Texts {
    /// Those of `image`.
    ///
    /// # Errors
    /// binutils are missing, or its log is of another kind.
    pub(super) fn of(image: &Path) -> Result<Self, String> {
        let said = Cmd::new("arm-none-eabi-nm").args([image]).output()?;
        Self::read(&said.stdout).map_err(|e| format!("{}: {e}", image.display()))
    }

    fn read(symbols: &str) -> Result<Self, String> {
        for wanted in ["_defmt_encoding_ = raw", "_defmt_version_ = 4"] {
            if !symbols.lines().any(|line| line.ends_with(wanted)) {
                return Err(format!("its log cannot be read: no {wanted}"));
            }
        }
        let mut texts = BTreeMap::new();
        for line in symbols.lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(number), Some(_), Some(name)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Ok(Value::Object(symbol)) = serde_json::from_str::<Value>(name) else { continue };
            let field = |key: &str| symbol.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let number = u32::from_str_radix(number, 16).ok().and_then(|number| u16::try_from(number).ok());
            let number = number.ok_or_else(|| format!("{line}: no number of a text"))?;
            texts.insert(number, (field("tag"), field("data")));
        }
        Ok(Self(texts))
    }

    /// The lines of a log; one that is not whole yet is left out.
    ///
    /// # Errors
    /// Something that no text of this image explains.
    pub(super) fn lines(&self, mut log: &[u8]) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        while !log.is_empty() {
            let mut rest = log;
            match self.line(&mut rest)? {
                Some(line) => lines.push(line),
                None => break,
            }
            log = rest;
        }
        Ok(lines)
    }

    fn line(&self, log: &mut &[u8]) -> Result<Option<String>, String> {
        let Some(number) = take(log, 2) else { return Ok(None) };
        let (tag, text) = self.text(number)?;
        let level = tag.strip_prefix("defmt_").unwrap_or(tag);
        Ok(self.fill(text, log)?.map(|line| format!("{level} {line}")))
    }

    fn text(&self, number: u64) -> Result<(&str, &str), String> {
        let found = u16::try_from(number).ok().and_then(|number| self.0.get(&number));
        found.map(|(tag, text)| (tag.as_str(), text.as_str())).ok_or(format!("no text {number} in the image"))
    }

    /// `text` with what the log has for it; `None` where that is not whole.
    fn fill(&self, text: &str, log: &mut &[u8]) -> Result<Option<String>, String> {
        let mut chosen = text;
        if text.contains('|') {
            let Some(number) = take(log, 1) else { return Ok(None) };
            let one = usize::try_from(number).ok().and_then(|number| text.split('|').nth(number));
            chosen = one.ok_or_else(|| format!("no variant {number} of {text}"))?;
        }
        let mut filled = String::new();
        let mut rest = chosen;
        while let Some(at) = rest.find(['{', '}']) {
            filled += &rest[..at];
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                filled.push_str(&rest[..1]);
                rest = after;
                continue;
            }
            let (slot, after) =
                rest[1..].split_once('}').ok_or_else(|| format!("{text}: a brace is open"))?;
            let Some(value) = self.value(slot, log)? else { return Ok(None) };
            filled += &value;
            rest = after;
        }
        Ok(Some(filled + rest))
    }

    fn value(&self, slot: &str, log: &mut &[u8]) -> Result<Option<String>, String> {
        // What is behind a colon is how it is to look.
        let kind = slot.split(':').next().unwrap_or_default();
        let number = |log: &mut &[u8], len| Ok(take(log, len).map(|number| number.to_string()));
        match kind {
            "=u8" => number(log, 1),
            "=u16" => number(log, 2),
            "=u32" => number(log, 4),
            "=u64" => number(log, 8),
            "=bool" => Ok(take(log, 1).map(|number| (number != 0).to_string())),
            "" | "=?" => {
                let Some(number) = take(log, 2) else { return Ok(None) };
                let (_, text) = self.text(number)?;
                self.fill(text, log)
            }
            other => Err(format!("a value of the kind {other:?} is not known here")),
        }
    }
}

/// The next number of `len` bytes, if it is whole.
fn take(log: &mut &[u8], len: usize) -> Option<u64> {
    let (number, rest) = log.split_at_checked(len)?;
    *log = rest;
    Some(number.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        let symbol = |number: u16, tag: &str, data: &str| {
            format!("{number:08x} N {{\"package\":\"p\",\"tag\":\"{tag}\",\"data\":\"{data}\"}}\n")
        };
        let mut symbols = "00000001 N _defmt_encoding_ = raw\n00000002 N _defmt_version_ = 4\n".to_owned();
        symbols += &symbol(1, "defmt_prim", "None|Some({=?})");
        symbols += &symbol(2, "defmt_info", "{=u32} ms: {}");
        symbols += &symbol(0x103, "defmt_derived", "Some {{ at: {=u64:?}, on: {=bool}, last: {=?:?} }}");
        symbols += &symbol(4, "defmt_derived", "Only({=u8})");
        Texts::read(&symbols).expect("texts")
    }

    #[test]
    fn a_line_is_its_text_with_what_the_log_has_for_it() {
        let log = [2, 0, 9, 1, 0, 0, 3, 1, 7, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 4, 0, 5];
        let line = "info 265 ms: Some { at: 72057594037927943, on: true, last: Some(Only(5)) }";
        assert_eq!(texts().lines(&log), Ok(vec![line.to_owned()]));
        // The last byte is not there yet.
        assert_eq!(texts().lines(&log[..log.len() - 1]), Ok(vec![]));
    }

    #[test]
    fn what_no_text_explains_is_an_error() {
        assert!(texts().lines(&[9, 9]).is_err_and(|e| e.contains("no text")));
        assert!(Texts::read("00000001 N _defmt_encoding_ = rzcobs\n").is_err_and(|e| e.contains("raw")));
    }
}
