//! The `Debug` text of a node or a frame, taken apart into a hash of everything that is plain and a list of everything
//! that is only meaningful in relation to something else: times, numbers of frames, names of lives, epochs.
//!
//! Reading the text instead of the fields keeps the core free of hooks. A field that this file does not know is hashed
//! as it stands: it can only tell states apart that are the same, never merge states that differ.

use std::cell::Cell;
use std::fmt::{self, Debug, Write};

/// What a number is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// A time of the node's own running clock.
    Running,
    /// The same, of which only matters whether it is still to come.
    Pending,
    /// The same, compared with the limit of one stop at most.
    FirstStop,
    /// A time of the machine's clock.
    Real,
    /// A name: equal or not (nonce, challenge, boot).
    Name,
    /// A sequence number of this side's frames: equal, lower or higher.
    Seq(u8),
    /// A counter of this side's lives: equal, lower or higher.
    Counter(u8),
    /// An epoch of this group: equal, lower or higher, by how much, even or odd.
    Epoch(u8),
    /// A script call of this node.
    Token,
    /// A write of this node.
    Serial,
}

/// The parts.
#[derive(Clone, Debug)]
pub(super) struct Print {
    /// Everything that is plain, in order.
    pub(super) skeleton: u64,
    /// Everything that is relative, in order.
    pub(super) values: Vec<(Class, u64)>,
    /// The node's stalled time and the deadline that it promised, in microseconds.
    pub(super) stalled: u64,
    pub(super) promised: u64,
}

impl Print {
    /// Of something that belongs to side 0 or 1.
    pub(super) fn of(side: u8, thing: &impl Debug) -> Self {
        let mut reader = Reader::new(side);
        // The reader takes everything.
        let _ = write!(reader, "{thing:?}");
        KNOWN.set(Some(reader.words));
        reader.print
    }
}

/// One more word in a hash.
pub(super) const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(17)
}

/// What an identifier means for the numbers that stand behind it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Plain,
    /// A field that the core only counts for people, or never changes.
    Skipped,
    /// A deadline that is only asked whether it has passed.
    Pending,
    FirstStop,
    Stalled,
    Promised,
    Name,
    Challenge,
    Boot,
    Seq,
    Counter,
    Epoch,
    Serial,
    /// A number named `state` is that of the generator: what it gives is always new.
    State,
    Groups,
    // Structs.
    Instant,
    Duration,
    Token,
    Clock,
    /// It describes the other side.
    Other,
    /// A struct that is told to people, and decides nothing.
    Told,
}

const fn kind(ident: &str) -> Kind {
    match ident.as_bytes() {
        b"config" | b"keys" | b"sends" | b"rx" | b"tx" | b"lost" | b"bad" | b"clean" | b"reported"
        | b"rtt" | b"worst" | b"fed" | b"events_lost" | b"events_lost_total" | b"next_token" | b"hold"
        | b"streams" => Kind::Skipped,
        // A copy is never too old here (`case`).
        b"begun" | b"fresh" | b"older" | b"moved" => Kind::Skipped,
        // Without ping nodes both scores are 0 for ever.
        b"score_gap" => Kind::Skipped,
        // What failed is told to people, and decides nothing.
        b"culprit" => Kind::Skipped,
        b"at" | b"persist_again" | b"pause_until" | b"quiet_until" | b"retry_at" | b"not_before"
        | b"hello_until" | b"answered" | b"until" | b"listens_until" | b"paid" => Kind::Pending,
        b"first_stop" => Kind::FirstStop,
        b"stalled" => Kind::Stalled,
        b"promised" => Kind::Promised,
        b"nonce" | b"met" | b"line" | b"one_way_life" => Kind::Name,
        b"challenge" | b"bytes" | b"theirs" | b"echo" => Kind::Challenge,
        b"boot" => Kind::Boot,
        b"seq" => Kind::Seq,
        b"counter" => Kind::Counter,
        b"epoch" | b"seen" | b"mark" | b"newest" | b"source" | b"unmet_limit" => Kind::Epoch,
        b"serial" | b"persist_serial" => Kind::Serial,
        b"state" => Kind::State,
        b"groups" => Kind::Groups,
        b"Instant" => Kind::Instant,
        b"Duration" => Kind::Duration,
        b"Token" => Kind::Token,
        b"Clock" => Kind::Clock,
        b"Culprit" => Kind::Told,
        b"Peer" | b"Link" | b"Echo" => Kind::Other,
        _ => Kind::Plain,
    }
}

/// An identifier: its hash and its kind.
#[derive(Clone, Copy, Default)]
struct Word {
    hash: u64,
    kind: Kind,
}

fn word(ident: &str) -> Word {
    let hash = ident.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| mix(hash, u64::from(byte)));
    Word { hash, kind: kind(ident) }
}

/// Where an identifier lies in the program: the same place is the same word.
type Place = (usize, usize);

/// Identifiers are string literals of the derived `Debug`, so each needs to be looked at only once.
type Words = Box<[(Place, Word); WORDS]>;
/// More than three times as many as there are.
const WORDS: usize = 1 << 10;

thread_local! {
    /// One reader at a time has it.
    static KNOWN: Cell<Option<Words>> = const { Cell::new(None) };
}

/// An open bracket.
#[derive(Clone, Copy, Default)]
struct Level {
    /// The struct around it, its field, and the tuple struct directly around it.
    owner: Kind,
    field: Kind,
    wrap: Kind,
    /// A list, its element, and the position in the nearest list `groups`.
    list: bool,
    item: u8,
    group: u8,
    /// It describes the other side.
    flip: bool,
}

struct Reader {
    side: u8,
    print: Print,
    words: Words,
    levels: Vec<Level>,
    top: Level,
    /// The number that is being read, and the identifier before it that has no meaning yet.
    number: Option<u64>,
    pending: Option<Word>,
    /// A challenge so far.
    bytes: u64,
    /// Skip until this depth is left or its field ends.
    skip: Option<usize>,
    text: bool,
}

impl Reader {
    fn new(side: u8) -> Self {
        let fresh = || Box::new([((0, 0), Word::default()); WORDS]);
        Self {
            side,
            words: KNOWN.take().unwrap_or_else(fresh),
            print: Print { skeleton: 1, values: Vec::with_capacity(64), stalled: 0, promised: 0 },
            levels: Vec::with_capacity(16),
            top: Level::default(),
            number: None,
            pending: None,
            bytes: 0,
            skip: None,
            text: false,
        }
    }

    fn known_word(&mut self, ident: &str) -> Word {
        let place = (ident.as_ptr() as usize, ident.len());
        let first = (place.0 ^ place.0 >> 9 ^ place.1 << 4) % WORDS;
        let mut at = first;
        while self.words[at].0 != place {
            if self.words[at].0 == (0, 0) || at == (first + 8) % WORDS {
                self.words[at] = (place, word(ident));
                break;
            }
            at = (at + 1) % WORDS;
        }
        self.words[at].1
    }

    fn plain(&mut self, word: u64) {
        self.print.skeleton = mix(self.print.skeleton, word);
    }

    fn put(&mut self, class: Class, value: u64) {
        self.plain(class.mark());
        self.print.values.push((class, value));
    }

    fn number_read(&mut self, n: u64) {
        let Level { owner, field, wrap, list, group, flip, .. } = self.top;
        let whose = if flip { 1 - self.side } else { self.side };
        let class = match (wrap, field) {
            (Kind::Instant, _) if owner == Kind::Clock => {
                if field == Kind::Promised {
                    self.print.promised = n;
                }
                Class::Real
            }
            (Kind::Instant, Kind::Pending) => Class::Pending,
            (Kind::Instant, Kind::FirstStop) => Class::FirstStop,
            (Kind::Instant, _) => Class::Running,
            (Kind::Duration, Kind::Stalled) => {
                self.print.stalled = n;
                return;
            }
            (Kind::Token, _) => Class::Token,
            (_, Kind::Challenge) if list => {
                self.bytes = (self.bytes << 8) | n;
                return;
            }
            (_, Kind::Name) => Class::Name,
            (_, Kind::Boot) => return self.put(Class::Name, n | BOOT),
            (_, Kind::Seq) => Class::Seq(whose),
            (_, Kind::Counter) => Class::Counter(whose),
            (_, Kind::Epoch) => Class::Epoch(group),
            (_, Kind::Serial) => Class::Serial,
            (_, Kind::State) => return,
            _ => return self.plain(n),
        };
        self.put(class, n);
    }

    fn open(&mut self, bracket: u8) {
        self.levels.push(self.top);
        let name = self.pending.take().unwrap_or_default();
        if self.skip.is_none() {
            self.plain(name.hash ^ u64::from(bracket));
        }
        if self.top.list && self.top.field == Kind::Groups {
            self.top.group = self.top.item;
        }
        self.top.wrap = Kind::Plain;
        match bracket {
            b'{' => {
                if name.kind == Kind::Told && self.skip.is_none() {
                    self.skip = Some(self.levels.len());
                }
                self.top.owner = name.kind;
                self.top.field = Kind::Plain;
                self.top.flip ^= name.kind == Kind::Other;
            }
            b'(' => self.top.wrap = name.kind,
            _ => {}
        }
        self.top.list = bracket == b'[';
        self.top.item = 0;
        self.bytes = 0;
    }

    fn close(&mut self) {
        self.end_value();
        if self.top.list && self.top.field == Kind::Challenge && self.skip.is_none() {
            self.put(Class::Name, self.bytes);
        }
        self.top = self.levels.pop().unwrap_or_default();
        if self.skip.is_some_and(|depth| self.levels.len() < depth) {
            self.skip = None;
        }
    }

    /// A unit variant is a value of its own.
    fn end_value(&mut self) {
        if let Some(value) = self.pending.take()
            && self.skip.is_none()
        {
            self.plain(value.hash);
        }
    }

    fn mark(&mut self, mark: u8) {
        if let Some(number) = self.number.take()
            && self.skip.is_none()
        {
            self.number_read(number);
        }
        match mark {
            b':' => {
                self.top.field = self.pending.take().unwrap_or_default().kind;
                if self.skip.is_none() && self.top.field == Kind::Skipped {
                    self.skip = Some(self.levels.len());
                }
            }
            b'{' | b'(' | b'[' => self.open(mark),
            b'}' | b')' | b']' => self.close(),
            b',' => {
                self.end_value();
                self.top.item = self.top.item.saturating_add(1);
                if self.skip == Some(self.levels.len()) {
                    self.skip = None;
                }
            }
            b'"' => self.text = true,
            _ => {}
        }
    }
}

/// Tells boots from nonces.
pub(super) const BOOT: u64 = 1 << 40;

impl Class {
    const fn mark(self) -> u64 {
        match self {
            Self::Running => 11,
            Self::Pending => 12,
            Self::FirstStop => 13,
            Self::Real => 14,
            Self::Name => 15,
            Self::Token => 16,
            Self::Serial => 17,
            Self::Seq(side) => 20 + side as u64,
            Self::Counter(side) => 30 + side as u64,
            Self::Epoch(group) => 40 + group as u64,
        }
    }
}

impl Write for Reader {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text {
            self.text = !text.ends_with('"');
            return Ok(());
        }
        // Derived code writes an identifier in one piece, and a number, and few marks at once.
        match text.as_bytes() {
            [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => self.pending = Some(self.known_word(text)),
            [b'0'..=b'9', ..] => {
                let digits = text.bytes();
                let number =
                    digits.fold(0u64, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
                self.number = Some(number);
            }
            marks => marks.iter().filter(|mark| **mark != b' ').for_each(|mark| self.mark(*mark)),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;
