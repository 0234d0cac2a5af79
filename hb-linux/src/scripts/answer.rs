//! How the text of a resource's `status` is read.
//!
//! Init scripts answer in words; their exit code is not to be relied on. In this order, over all that they print:
//! `not running` or `stopped` in any case means stopped; else `Running`, `running` or `OK` means running; anything
//! else, silence included, means stopped. (Heartbeat 1.0 took "not running" for running.)

/// Reads a `status` answer piece by piece; how the pieces are cut makes no difference. Needs no buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    found: u8,
    matched: [u8; PATTERNS.len()],
}

/// A word and whether its case matters; for the last field see [`Answer::running`].
struct Pattern {
    word: &'static [u8],
    case: bool,
    means_running: bool,
}

const PATTERNS: [Pattern; 5] = [
    Pattern { word: b"not running", case: false, means_running: false },
    Pattern { word: b"stopped", case: false, means_running: false },
    Pattern { word: b"running", case: true, means_running: true },
    Pattern { word: b"Running", case: true, means_running: true },
    Pattern { word: b"OK", case: true, means_running: true },
];

impl Answer {
    /// Nothing read yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { found: 0, matched: [0; PATTERNS.len()] }
    }

    /// Read the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            for (i, (pattern, matched)) in PATTERNS.iter().zip(&mut self.matched).enumerate() {
                let next = advance(pattern, usize::from(*matched), byte);
                if next == pattern.word.len() {
                    self.found |= 1 << i;
                }
                *matched = u8::try_from(next).unwrap_or(0);
            }
        }
    }

    /// What the text read so far means.
    #[must_use]
    pub fn running(&self) -> bool {
        let says = |running: bool| {
            PATTERNS.iter().enumerate().any(|(i, p)| p.means_running == running && self.found & (1 << i) != 0)
        };
        !says(false) && says(true)
    }
}

/// With `matched` bytes of the word behind us, how many are matched after `byte`: the longest beginning of the word
/// that the text now ends with.
fn advance(pattern: &Pattern, matched: usize, byte: u8) -> usize {
    let same = |a: u8, b: u8| if pattern.case { a == b } else { a.eq_ignore_ascii_case(&b) };
    let seen = pattern.word.get(..matched).unwrap_or(&[]);
    (0..=matched)
        .rev()
        .find(|&keep| {
            let ends = pattern.word.get(..keep).is_some_and(|start| seen.ends_with(start));
            ends && pattern.word.get(keep).is_some_and(|&want| same(want, byte))
        })
        .map_or(0, |keep| keep + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, piece: usize) -> bool {
        let mut answer = Answer::new();
        text.as_bytes().chunks(piece).for_each(|p| answer.feed(p));
        answer.running()
    }

    #[test]
    fn answers_of_real_scripts() {
        let table = [
            ("httpd (pid 1234 1233) is running...\n", true),
            ("httpd is stopped\n", false),
            ("httpd dead but pid file exists\n", false),
            ("running\n", true),
            ("Running OK\n", true),
            ("stopped\n", false),
            ("OK", true),
            ("ok\n", false),
            ("RUNNING\n", false),
            ("jdmail not running\n", false),
            ("NOT Running\n", false),
            ("* sshd is not running ... failed!\n", false),
            ("first is running\nsecond is Stopped\n", false),
            ("", false),
            ("unused\n", false),
            ("not runnot running", false),
            ("rrunning", true),
            ("OOK", true),
            ("knot  running", true),
        ];
        for (text, running) in table {
            for piece in 1..=text.len().max(1) {
                assert_eq!(read(text, piece), running, "{text:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_flood_before_the_word_changes_nothing() {
        let mut answer = Answer::new();
        for _ in 0..10_000 {
            answer.feed(b"not runn");
        }
        assert!(!answer.running());
        answer.feed(b"ing OK");
        assert!(!answer.running());
        let mut answer = Answer::new();
        answer.feed(&[0xff; 4096]);
        answer.feed(b"Running");
        assert!(answer.running());
    }
}
