//! The `Debug` text of a node or a frame, taken apart into a hash of everything that is plain and a list of everything
//! that is only meaningful in relation to something else: times, numbers of frames, names of lives, epochs.
//!
//! Reading the text instead of the fields keeps the core free of hooks. A field that this file does not know is hashed
//! as it stands: it can only tell states apart that are the same, never merge states that differ.

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
        reader.print
    }
}

/// One more word in a hash.
pub(super) const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(17)
}

/// The hash of an identifier.
const fn word(name: &str) -> u64 {
    let (bytes, mut hash, mut at) = (name.as_bytes(), FNV, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(FNV_PRIME);
        at += 1;
    }
    hash
}

const FNV: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x100_0000_01B3;

/// What the core only counts for people, or never changes.
const SKIPPED: [u64; 18] = [
    word("config"),
    word("keys"),
    word("sends"),
    word("rx"),
    word("tx"),
    word("lost"),
    word("bad"),
    word("clean"),
    word("reported"),
    word("rtt"),
    word("worst"),
    word("fed"),
    word("events_lost"),
    word("events_lost_total"),
    word("next_token"),
    word("hold"),
    word("streams"),
    // Without ping nodes both scores are 0 for ever.
    word("score_gap"),
];
/// Deadlines that are only asked whether they have passed.
const PENDING: [u64; 6] = [
    word("quiet_until"),
    word("retry_at"),
    word("not_before"),
    word("hello_until"),
    word("answered"),
    word("until"),
];
const NAMES: [u64; 2] = [word("nonce"), word("met")];
const CHALLENGES: [u64; 3] = [word("challenge"), word("theirs"), word("echo")];
const EPOCHS: [u64; 3] = [word("epoch"), word("seen"), word("mark")];
const SERIALS: [u64; 2] = [word("serial"), word("persist_serial")];

/// An open bracket.
#[derive(Clone, Copy, Default)]
struct Level {
    /// The struct around it, its field, and the tuple struct directly around it.
    owner: u64,
    field: u64,
    wrap: u64,
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
    levels: Vec<Level>,
    top: Level,
    /// The identifier or number that is being read.
    ident: Option<u64>,
    number: Option<u64>,
    /// The last whole identifier.
    pending: u64,
    /// Elements of a challenge so far.
    bytes: u64,
    /// Skip until this depth is left or its field ends.
    skip: Option<usize>,
    text: bool,
}

impl Reader {
    fn new(side: u8) -> Self {
        Self {
            side,
            print: Print { skeleton: 1, values: Vec::with_capacity(64), stalled: 0, promised: 0 },
            levels: Vec::with_capacity(16),
            top: Level::default(),
            ident: None,
            number: None,
            pending: 0,
            bytes: 0,
            skip: None,
            text: false,
        }
    }

    fn plain(&mut self, word: u64) {
        self.print.skeleton = mix(self.print.skeleton, word);
    }

    fn put(&mut self, class: Class, value: u64) {
        self.plain(class.mark());
        self.print.values.push((class, value));
    }

    fn end_token(&mut self) {
        if let Some(ident) = self.ident.take() {
            self.pending = ident;
        }
        if let Some(number) = self.number.take()
            && self.skip.is_none()
        {
            self.number_read(number);
        }
    }

    fn number_read(&mut self, n: u64) {
        let Level { owner, field, wrap, list, group, flip, .. } = self.top;
        let whose = if flip { 1 - self.side } else { self.side };
        if wrap == word("Instant") {
            if owner == word("Clock") {
                if field == word("promised") {
                    self.print.promised = n;
                }
                self.put(Class::Real, n);
            } else if PENDING.contains(&field) {
                self.put(Class::Pending, n);
            } else if field == word("first_stop") {
                self.put(Class::FirstStop, n);
            } else {
                self.put(Class::Running, n);
            }
        } else if wrap == word("Duration") && field == word("stalled") {
            self.print.stalled = n;
        } else if wrap == word("Token") {
            self.put(Class::Token, n);
        } else if list && CHALLENGES.contains(&field) {
            self.bytes = (self.bytes << 8) | n;
        } else if NAMES.contains(&field) {
            self.put(Class::Name, n);
        } else if field == word("boot") {
            self.put(Class::Name, n | BOOT);
        } else if field == word("seq") {
            self.put(Class::Seq(whose), n);
        } else if field == word("counter") {
            self.put(Class::Counter(whose), n);
        } else if EPOCHS.contains(&field) {
            self.put(Class::Epoch(group), n);
        } else if SERIALS.contains(&field) {
            self.put(Class::Serial, n);
        } else if field != word("state") {
            // A number named `state` is that of the generator: what it gives is always new.
            self.plain(n);
        }
    }

    fn open(&mut self, bracket: u8) {
        self.levels.push(self.top);
        let name = core::mem::take(&mut self.pending);
        if self.skip.is_none() {
            self.plain(name ^ u64::from(bracket));
        }
        if self.top.list && self.top.field == word("groups") {
            self.top.group = self.top.item;
        }
        match bracket {
            b'{' => {
                self.top.owner = name;
                self.top.field = 0;
                self.top.wrap = 0;
                self.top.flip ^= [word("Peer"), word("Link"), word("Echo")].contains(&name);
            }
            b'(' => self.top.wrap = name,
            _ => self.top.wrap = 0,
        }
        self.top.list = bracket == b'[';
        self.top.item = 0;
        self.bytes = 0;
    }

    fn close(&mut self) {
        self.end_value();
        if self.top.list && CHALLENGES.contains(&self.top.field) && self.skip.is_none() {
            self.put(Class::Name, self.bytes);
        }
        self.top = self.levels.pop().unwrap_or_default();
        if self.skip.is_some_and(|depth| self.levels.len() < depth) {
            self.skip = None;
        }
    }

    /// A unit variant is a value of its own.
    fn end_value(&mut self) {
        let value = core::mem::take(&mut self.pending);
        if value != 0 && self.skip.is_none() {
            self.plain(value);
        }
    }

    fn mark(&mut self, mark: u8) {
        self.end_token();
        match mark {
            b':' => {
                self.top.field = core::mem::take(&mut self.pending);
                if self.skip.is_none() && SKIPPED.contains(&self.top.field) {
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
        for byte in text.bytes() {
            match byte {
                _ if self.text => self.text = byte != b'"',
                b'0'..=b'9' if self.ident.is_none() => {
                    let digit = u64::from(byte - b'0');
                    self.number = Some(self.number.unwrap_or(0).wrapping_mul(10).wrapping_add(digit));
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' => {
                    let hash = self.ident.unwrap_or(FNV);
                    self.ident = Some((hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
                }
                mark => self.mark(mark),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Inner {
        seq: u32,
        epoch: u32,
    }

    #[derive(Debug)]
    struct Peer {
        seq: u32,
        rx: u32,
        state: Option<u8>,
    }

    #[derive(Debug)]
    struct Thing {
        groups: [Inner; 2],
        peer: Peer,
        challenge: [u8; 2],
        kind: Option<bool>,
        new: u32,
    }

    fn thing() -> Thing {
        Thing {
            groups: [Inner { seq: 7, epoch: 4 }, Inner { seq: 8, epoch: 5 }],
            peer: Peer { seq: 9, rx: 1, state: None },
            challenge: [1, 2],
            kind: Some(true),
            new: 3,
        }
    }

    #[test]
    fn numbers_get_their_class_from_where_they_stand() {
        let print = Print::of(0, &thing());
        let expected = [
            (Class::Seq(0), 7),
            (Class::Epoch(0), 4),
            (Class::Seq(0), 8),
            (Class::Epoch(1), 5),
            (Class::Seq(1), 9),
            (Class::Name, 0x102),
        ];
        assert_eq!(print.values, expected);
    }

    #[test]
    fn what_is_plain_or_unknown_tells_states_apart_and_counters_do_not() {
        let same = |change: fn(&mut Thing)| {
            let mut other = thing();
            change(&mut other);
            Print::of(0, &other).skeleton == Print::of(0, &thing()).skeleton
        };
        assert!(same(|t| t.peer.rx = 77) && same(|t| t.groups[0].seq = 1));
        assert!(!same(|t| t.new = 4) && !same(|t| t.kind = None) && !same(|t| t.kind = Some(false)));
    }
}
