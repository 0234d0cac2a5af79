//! How the text of a resource's `status` is read.
//!
//! Init scripts answer in words; their exit code is not to be relied on. Each line for itself: `not running` or
//! `stopped` in any case means stopped; else `Running`, `running` or `OK` means running. All lines together: stopped and
//! nothing else is stopped, running and nothing else is running, neither is unclear. A script of several daemons may say
//! both: then a part of it runs, which is neither a start that is complete nor a stop that is proven. A bare `OK` beside
//! a `stopped` does not count.
//!
//! (Heartbeat 1.0 took "not running" for running; the later ones took the half of a service for all of it.)

use hb_core::Outcome;

/// Reads a `status` answer piece by piece; how the pieces are cut makes no difference. Needs no buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Words found in the line at hand, one bit each.
    line: u8,
    matched: [u8; PATTERNS.len()],
    lines: Lines,
}

/// What the lines so far said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Lines {
    stopped: bool,
    running: bool,
    ok: bool,
}

/// A word, whether its case matters, and what it means.
struct Pattern {
    word: &'static [u8],
    case: bool,
    means: Means,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Stopped,
    Running,
    Ok,
}

const PATTERNS: [Pattern; 5] = [
    Pattern { word: b"not running", case: false, means: Means::Stopped },
    Pattern { word: b"stopped", case: false, means: Means::Stopped },
    Pattern { word: b"running", case: true, means: Means::Running },
    Pattern { word: b"Running", case: true, means: Means::Running },
    Pattern { word: b"OK", case: true, means: Means::Ok },
];

impl Lines {
    /// With a line in which these words were found.
    fn and(mut self, found: u8) -> Self {
        let says = |means: Means| {
            PATTERNS.iter().enumerate().any(|(i, p)| p.means == means && found & (1 << i) != 0)
        };
        if says(Means::Stopped) {
            self.stopped = true;
        } else {
            self.running |= says(Means::Running);
            self.ok |= says(Means::Ok);
        }
        self
    }
}

impl Answer {
    /// Nothing read yet.
    #[must_use]
    pub const fn new() -> Self {
        let lines = Lines { stopped: false, running: false, ok: false };
        Self { line: 0, matched: [0; PATTERNS.len()], lines }
    }

    /// Read the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.lines = self.lines.and(core::mem::take(&mut self.line));
                self.matched = [0; PATTERNS.len()];
                continue;
            }
            for (i, (pattern, matched)) in PATTERNS.iter().zip(&mut self.matched).enumerate() {
                let next = advance(pattern, usize::from(*matched), byte);
                if next == pattern.word.len() {
                    self.line |= 1 << i;
                }
                *matched = u8::try_from(next).unwrap_or(0);
            }
        }
    }

    /// What the text read so far means: [`Outcome::Running`], [`Outcome::Partly`], [`Outcome::Stopped`] or
    /// [`Outcome::Unclear`].
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let all = self.lines.and(self.line);
        match (all.stopped, all.running, all.ok) {
            (true, true, _) => Outcome::Partly,
            (true, false, _) => Outcome::Stopped,
            (false, false, false) => Outcome::Unclear,
            (false, true, _) | (false, false, true) => Outcome::Running,
        }
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

    fn read(text: &str, piece: usize) -> Outcome {
        let mut answer = Answer::new();
        text.as_bytes().chunks(piece).for_each(|p| answer.feed(p));
        answer.outcome()
    }

    fn table(table: &[(&str, Outcome)]) {
        for (text, outcome) in table {
            for piece in 1..=text.len().max(1) {
                assert_eq!(read(text, piece), *outcome, "{text:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn answers_of_real_scripts() {
        let (running, stopped, unclear) = (Outcome::Running, Outcome::Stopped, Outcome::Unclear);
        table(&[
            ("httpd (pid 1234 1233) is running...\n", running),
            ("httpd is stopped\n", stopped),
            ("httpd dead but pid file exists\n", unclear),
            ("running\n", running),
            ("Running OK\n", running),
            ("stopped\n", stopped),
            ("OK", running),
            ("ok\n", unclear),
            ("RUNNING\n", unclear),
            ("jdmail not running\n", stopped),
            ("NOT Running\n", stopped),
            ("* sshd is not running ... failed!\n", stopped),
            ("Checking for running httpd: not running\n", stopped),
            ("smbd is running\nnmbd (pid 7) is running...\n", running),
            ("smbd is stopped\nnmbd is stopped\n", stopped),
            ("", unclear),
            ("Usage: jdmail {start|stop}\n", unclear),
            ("unused\n", unclear),
            ("not runnot running", stopped),
            ("rrunning", running),
            ("OOK", running),
            ("knot  running", running),
            ("not\nrunning", running),
        ]);
    }

    #[test]
    fn half_of_a_service_is_neither_running_nor_stopped() {
        let (partly, stopped) = (Outcome::Partly, Outcome::Stopped);
        table(&[
            ("smbd (pid 40) is running...\nnmbd is stopped\n", partly),
            ("rpc.mountd is stopped\nnfsd (pid 9 8) is running...", partly),
            ("a is running\nb is not running\n", partly),
            ("first is running\nsecond is Stopped\n", partly),
            ("httpd is stopped\n[  OK  ]\n", stopped),
        ]);
    }

    #[test]
    fn a_flood_before_the_word_changes_nothing() {
        let mut answer = Answer::new();
        for _ in 0..10_000 {
            answer.feed(b"not runn");
        }
        assert_eq!(answer.outcome(), Outcome::Unclear);
        answer.feed(b"ing OK");
        assert_eq!(answer.outcome(), Outcome::Stopped);
        let mut answer = Answer::new();
        answer.feed(&[0xff; 4096]);
        answer.feed(b"Running");
        assert_eq!(answer.outcome(), Outcome::Running);
    }
}
