//! What a script prints, as lines for the debug log.

/// Longest line that is logged as one.
const LINE: usize = 200;
/// Lines of one call that are logged; what follows is read and forgotten.
const MAX_LINES: u16 = 100;

/// Longest last line that is kept for people.
const LAST: usize = 120;

/// The last line that a call printed; empty if none.
pub type Last = heapless::String<LAST>;

/// Cuts a script's output into lines. Control characters become blanks, so that no script can forge a log line.
#[derive(Clone, Debug)]
pub struct Lines {
    line: [u8; LINE],
    len: usize,
    told: u16,
    last: Last,
}

impl Lines {
    /// Nothing read yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { line: [0; LINE], len: 0, told: 0, last: Last::new() }
    }

    /// Read the next piece and hand every finished line to `tell`.
    pub fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(&str)) {
        for &byte in bytes {
            if byte == b'\n' || self.len == LINE {
                self.end(&mut tell);
            }
            if byte != b'\n'
                && let Some(slot) = self.line.get_mut(self.len)
            {
                *slot = if byte.is_ascii_control() { b' ' } else { byte };
                self.len += 1;
            }
        }
    }

    /// The last line so far.
    #[must_use]
    pub fn last(&self) -> Last {
        self.last.clone()
    }

    /// Hand over what is left without a line end.
    pub fn end(&mut self, mut tell: impl FnMut(&str)) {
        let len = core::mem::take(&mut self.len);
        let line = self.line.get(..len).unwrap_or_default();
        // Other encodings than UTF-8 (GB 2312, Latin-1) are shown as far as they can be read.
        let text = match core::str::from_utf8(line) {
            Ok(text) => text,
            Err(bad) => {
                for byte in self.line.iter_mut().take(len).skip(bad.valid_up_to()) {
                    if !byte.is_ascii() {
                        *byte = b'?';
                    }
                }
                self.line.get(..len).and_then(|l| core::str::from_utf8(l).ok()).unwrap_or("")
            }
        };
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        self.last.clear();
        for c in text.trim_start().chars() {
            if self.last.push(c).is_err() {
                break;
            }
        }
        if self.told > MAX_LINES {
            return;
        }
        self.told += 1;
        tell(if self.told > MAX_LINES { "(more output, not logged)" } else { text });
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::new(), Vec::new());
        pieces.iter().for_each(|p| lines.feed(p, |l| all.push(l.to_string())));
        lines.end(|l| all.push(l.to_string()));
        all
    }

    #[test]
    fn pieces_become_lines() {
        assert_eq!(lines(&[b"one\nt", b"wo\n\nthr", b"ee"]), ["one", "two", "three"]);
        assert_eq!(lines(&[b"a\x1b[1mb\rc\n"]), ["a [1mb c"]);
        assert_eq!(lines(&[b"ok \xd5\xfd\n"]), ["ok ??"]);
        assert_eq!(lines(&["\u{6b63}\n".as_bytes()]), ["\u{6b63}"]);
    }

    #[test]
    fn the_last_line_is_kept_also_of_a_flood() {
        let mut lines = Lines::new();
        lines.feed(&b"y\n".repeat(5000), |_| {});
        lines.feed(b"umount: /mail: device is busy\n\n", |_| {});
        assert_eq!(lines.last().as_str(), "umount: /mail: device is busy");
        lines.feed(&[b'x'; 199], |_| {});
        lines.end(|_| {});
        assert_eq!(lines.last().len(), LAST);
        assert_eq!(Lines::new().last().as_str(), "");
    }

    #[test]
    fn long_lines_are_split_and_floods_end() {
        let long = lines(&[&[b'x'; 450]]);
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [200, 200, 50]);
        let flood = lines(&[&b"y\n".repeat(5000)]);
        assert_eq!(flood.len(), usize::from(MAX_LINES) + 1);
        assert_eq!(flood[usize::from(MAX_LINES)], "(more output, not logged)");
    }
}
