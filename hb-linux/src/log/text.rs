//! A line of text in a fixed buffer: what does not fit is cut, nothing is allocated, nothing fails.

use core::fmt;

/// Up to `N` bytes of UTF-8 text. Writing to it never fails; a cut line ends in `...`.
#[derive(Clone)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
    cut: bool,
}

/// Room for one log line without its stamp.
pub const LINE: usize = 400;

impl<const N: usize> Text<N> {
    /// Nothing written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0, cut: false }
    }

    /// What was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text_of(&self.bytes, self.len)
    }

    /// Forget what was written.
    pub fn clear(&mut self) {
        self.len = 0;
        self.cut = false;
    }

    /// Is it empty?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Write formatted text; never fails.
    pub fn put(&mut self, args: fmt::Arguments<'_>) {
        let _ = fmt::Write::write_fmt(self, args);
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        Room { bytes: &mut self.bytes, len: &mut self.len, cut: &mut self.cut }.write(s);
        Ok(())
    }
}

#[inline(never)]
fn text_of(bytes: &[u8], len: usize) -> &str {
    bytes.get(..len).and_then(|b| core::str::from_utf8(b).ok()).unwrap_or("")
}

/// A text of any size: what is long is compiled once for all of them.
struct Room<'a> {
    bytes: &'a mut [u8],
    len: &'a mut usize,
    cut: &'a mut bool,
}

impl Room<'_> {
    #[inline(never)]
    fn write(&mut self, s: &str) {
        const MARK: &str = "...";
        if *self.cut {
            return;
        }
        if *self.len + s.len() <= self.bytes.len() {
            self.push(s);
            return;
        }
        *self.cut = true;
        let limit = self.bytes.len().saturating_sub(MARK.len());
        if *self.len <= limit {
            let mut fits = limit - *self.len;
            while !s.is_char_boundary(fits) {
                fits -= 1;
            }
            self.push(s.get(..fits).unwrap_or(""));
        } else {
            while *self.len > limit || text_of(self.bytes, *self.len).is_empty() {
                if *self.len == 0 {
                    break;
                }
                *self.len -= 1;
            }
        }
        self.push(MARK);
    }

    fn push(&mut self, s: &str) {
        let end = *self.len + s.len();
        if let Some(room) = self.bytes.get_mut(*self.len..end) {
            room.copy_from_slice(s.as_bytes());
            *self.len = end;
        }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_at_a_character() {
        let mut text = Text::<10>::new();
        text.put(format_args!("{}{}", "1234567890", ""));
        assert_eq!(text.as_str(), "1234567890");
        text.put(format_args!("x"));
        assert_eq!(text.as_str(), "1234567...");
        text.put(format_args!("more"));
        assert_eq!(text.as_str(), "1234567...");
        text.clear();
        text.put(format_args!("123456\u{e4}\u{e4}\u{e4}"));
        assert_eq!(text.as_str(), "123456...");
        text.clear();
        text.put(format_args!("12345\u{e4}\u{e4}{}", "more"));
        assert_eq!(text.as_str(), "12345\u{e4}...");
    }

    #[test]
    fn a_full_buffer_of_wide_characters_is_cut_between_them() {
        let mut text = Text::<9>::new();
        text.put(format_args!("\u{4e2d}\u{4e2d}\u{4e2d}"));
        text.put(format_args!("!"));
        assert_eq!(text.as_str(), "\u{4e2d}\u{4e2d}...");
    }
}
