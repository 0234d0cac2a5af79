//! How a resource's `status` is read: its words, and where they do not decide, its exit code.
//!
//! Only what goes to the standard output is the answer; a tool's complaints are not. Each line for itself: *stopped* is
//! `stopped` in any case, and `running` in any case behind a `not`, a `no` or a word that ends in `n't`, with other words
//! between (as Heartbeat 3.0 read them), or behind `cannot`, `never`, `none` or `nothing`; what systemd prints as
//! `Active: inactive` and `Active: failed`, and Upstart as `stop/waiting`, is, too. Else *running* is `Running`, `running`,
//! `OK` or `Active: active`. A negation ends with its clause (`,` `;` `:` `.` `!` `?`, `but`, or the bracket that it stands
//! in); what is *not stopped* says nothing. A terminal's colours are left out. All lines together: stopped and nothing
//! else, running and nothing else, both, or neither. A bare `OK` beside a `stopped` does not count.
//!
//! *On its way* is `Active: activating` and `Active: deactivating`, whatever a journal behind them quotes, and where nothing
//! else is said the words `starting` and `stopping`: supervisors exit with 3 whenever all is not up, and what is being
//! stopped still runs.
//!
//! | words   | exit 0                       | exit 3  | any other exit, or a signal |
//! |---------|------------------------------|---------|-----------------------------|
//! | running | running                      | running | running                     |
//! | stopped | stopped                      | stopped | stopped                     |
//! | both    | running if it *tells*, else partly | stopped | partly                |
//! | neither | running if it *tells*, else unclear | stopped | unclear              |
//! | on its way | running if it *tells*, else partly | partly | partly             |
//!
//! A script *tells* when it answered 1 or 3 as it was last proven stopped: then its 0 says more than that the script
//! came to its end. *Partly* is a service of several daemons of which some run: not a start that is complete, and not a
//! stop that is proven.
//!
//! What this costs with scripts that are not LSB: one that prints both words and takes its exit code from the last
//! daemon alone is read by that daemon, so half of the service passes for all of it (3: stopped; 0: running). Let such a
//! `status` exit with 1 when any part differs from the others. One that exits with 3 for anything but *stopped*, and
//! prints neither word, is read as stopped. One that always exits with 0 loses nothing.
//!
//! (Heartbeat 1.0 took "not running" for running; the later ones took the half of a service for all of it, and looked at
//! no exit code.)
//!
//! DESIGN §5.17.

use crate::sys::process::Ended;
use hb_core::Outcome;

/// What the words say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Words {
    /// Nothing that is known.
    Neither,
    /// That it runs.
    Running,
    /// That it is stopped.
    Stopped,
    /// Both.
    Both,
    /// That it is being started or stopped.
    Moving,
}

/// The table above. `tells`: it answered 1 or 3 when it was last proven stopped.
#[must_use]
pub const fn judge(words: Words, ended: Ended, tells: bool) -> Outcome {
    match (words, ended) {
        (Words::Running, _) => Outcome::Running,
        (Words::Stopped, _) | (Words::Both | Words::Neither, Ended::Code(3)) => Outcome::Stopped,
        (Words::Both | Words::Neither | Words::Moving, Ended::Code(0)) if tells => Outcome::Running,
        (Words::Both | Words::Moving, _) => Outcome::Partly,
        (Words::Neither, _) => Outcome::Unclear,
    }
}

/// Reads a `status` answer piece by piece; how the pieces are cut makes no difference. Needs no buffer but for the
/// word at hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The last bytes of the word at hand, and its length.
    word: [u8; WORD],
    len: usize,
    matched: [u8; PATTERNS.len()],
    line: Found,
    all: Found,
    /// A negation stands before the word at hand; and one stood before the bracket that is open.
    negated: bool,
    outside: Option<bool>,
    /// The negation is one of what follows within this bracket: a *stopped* behind it is none.
    denied: bool,
    escape: Escape,
    /// `Active:` stands before the word at hand.
    active: bool,
}

/// Within the sequence of a terminal, by which a script sets its colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Escape {
    #[default]
    Outside,
    /// Its first byte was read.
    Begun,
    /// `ESC [`: until a letter.
    Until,
    /// `ESC (`: one more byte.
    Last,
}

/// The longest word that is looked at as a whole, and a `running` with what stands before it.
const WORD: usize = 10;

/// What was said, in a line or in all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Found {
    stopped: bool,
    running: bool,
    ok: bool,
    /// It is on its way, and systemd says so: what its journal quotes is older.
    moving: bool,
    /// Something is on its way.
    begun: bool,
}

/// A word that counts wherever it stands, also within another one.
struct Pattern {
    word: &'static [u8],
    case: bool,
    means: Means,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Stopped,
    /// In any case: stopped when it is negated.
    NotRunning,
    Running,
    Ok,
}

const PATTERNS: [Pattern; 6] = [
    Pattern { word: b"stopped", case: false, means: Means::Stopped },
    Pattern { word: b"stop/waiting", case: false, means: Means::Stopped },
    Pattern { word: b"running", case: false, means: Means::NotRunning },
    Pattern { word: b"running", case: true, means: Means::Running },
    Pattern { word: b"Running", case: true, means: Means::Running },
    Pattern { word: b"OK", case: true, means: Means::Ok },
];

impl Answer {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Read the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.take(byte);
        }
    }

    fn take(&mut self, byte: u8) {
        if self.escaped(byte) {
            return;
        }
        // `NotRunning`, written as one word; its last letter is at hand.
        let glued = self.len >= WORD - 1
            && self.word.get(1..).is_some_and(|word| word.eq_ignore_ascii_case(b"notrunnin"));
        let negated = self.negated || glued;
        for (pattern, matched) in PATTERNS.iter().zip(&mut self.matched) {
            let next = advance(pattern, usize::from(*matched), byte);
            *matched = u8::try_from(next).unwrap_or(0);
            if next != pattern.word.len() {
                continue;
            }
            match pattern.means {
                Means::Stopped => self.line.stopped |= !self.denied,
                Means::NotRunning => self.line.stopped |= negated,
                Means::Running => self.line.running |= !negated,
                Means::Ok => self.line.ok = true,
            }
        }
        // Letters of other alphabets as well, and the printer's apostrophe.
        if byte.is_ascii_alphabetic() || byte == b'\'' || !byte.is_ascii() {
            self.word.rotate_left(1);
            if let Some(last) = self.word.last_mut() {
                *last = byte;
            }
            self.len = self.len.saturating_add(1);
            return;
        }
        if self.len > 0 {
            self.end_word(byte);
        }
        match byte {
            b'\n' => self.end_line(),
            b',' | b';' | b':' | b'.' | b'!' | b'?' => (self.negated, self.denied) = (false, false),
            b'(' => (self.outside, self.denied) = (Some(self.negated), false),
            b')' => {
                self.negated = self.outside.take().unwrap_or(self.negated);
                self.denied &= self.negated;
            }
            _ => {}
        }
    }

    /// Is `byte` part of a terminal's sequence? It ends the word before it.
    fn escaped(&mut self, byte: u8) -> bool {
        self.escape = match (self.escape, byte) {
            (_, b'\n') => Escape::Outside,
            (_, 0x1b) => {
                if self.len > 0 {
                    self.end_word(byte);
                }
                Escape::Begun
            }
            (Escape::Begun, b'[') => Escape::Until,
            (Escape::Begun, b'(') => Escape::Last,
            (Escape::Until, 0x20..=0x3f) => Escape::Until,
            (Escape::Outside, _) => return false,
            (Escape::Begun | Escape::Until | Escape::Last, _) => {
                self.escape = Escape::Outside;
                return true;
            }
        };
        byte != b'\n'
    }

    /// A word ended with `next` behind it.
    fn end_word(&mut self, next: u8) {
        let from = WORD - self.len.min(WORD);
        let word = self.word.get(from..).unwrap_or_default();
        let whole = self.len <= WORD;
        let is = |text: &[u8]| whole && word.eq_ignore_ascii_case(text);
        if core::mem::take(&mut self.active) {
            self.line.stopped |= is(b"inactive") || is(b"failed");
            self.line.running |= is(b"active") || is(b"reloading");
            self.line.moving |= word.ends_with(b"activating");
        }
        self.line.begun |= is(b"starting") || is(b"stopping");
        let ends = |text: &[u8]| {
            word.len()
                .checked_sub(text.len())
                .and_then(|at| word.get(at..))
                .is_some_and(|t| t.eq_ignore_ascii_case(text))
        };
        if is(b"not") || is(b"cannot") || is(b"never") || ends(b"n't") || ends("n\u{2019}t".as_bytes()) {
            (self.negated, self.denied) = (true, true);
        } else if is(b"no") || is(b"none") || is(b"nothing") {
            self.negated = true;
        } else if is(b"but") {
            (self.negated, self.denied) = (false, false);
        }
        self.active = whole && word == b"Active" && next == b':';
        self.len = 0;
    }

    fn end_line(&mut self) {
        self.all = self.all.and(core::mem::take(&mut self.line));
        self.matched = [0; PATTERNS.len()];
        (self.negated, self.outside, self.active) = (false, None, false);
        self.denied = false;
    }

    /// What the words of the text read so far say.
    #[must_use]
    pub fn words(&self) -> Words {
        // What was not ended yet counts, too.
        let mut rest = *self;
        rest.take(b'\n');
        if rest.all.moving {
            return Words::Moving;
        }
        match (rest.all.stopped, rest.all.running, rest.all.ok) {
            (true, true, _) => Words::Both,
            (true, false, _) => Words::Stopped,
            (false, false, false) if rest.all.begun => Words::Moving,
            (false, false, false) => Words::Neither,
            (false, true, _) | (false, false, true) => Words::Running,
        }
    }
}

impl Found {
    /// With a line of this.
    fn and(mut self, line: Self) -> Self {
        self.moving |= line.moving;
        self.begun |= line.begun;
        if line.stopped {
            self.stopped = true;
        } else {
            self.running |= line.running;
            self.ok |= line.ok;
        }
        self
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
#[path = "answer_tests.rs"]
mod tests;
