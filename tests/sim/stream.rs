//! Streams of frames that are nobody's life: recorded ones, text, frames of a newer version, a node's own; and of answers for
//! service addresses, to questions that nobody asked.

use crate::fault::Kind;
use crate::queue::Due;
use crate::world::World;
use hb_core::config::LinkKind;
use hb_core::{Asked, Duration, Input, LinkId};

/// Frames of one stream at most: twenty thousand a second for a moment, ten a second for long.
const MOST: u32 = 250;
/// Frames a second, by step; beside them, one in a keepalive.
const RATES: [u64; 8] = [10, 30, 100, 300, 1000, 3000, 10_000, 20_000];

/// Machines that answer by turns.
const VOICES: u64 = 4;

/// Texts in the name of one node (0, 1), as Linux-HA sends them, whole and in part.
const TEXTS: [[&[u8]; 3]; 2] = [
    [
        b">>>\nsrc=ha-1\n",
        b">>>\nt=status\nst=active\nsrc=ha-1\nseq=5f\nhg=4a2b\nts=4f3c\nld=0.1\n<<<\n",
        b"###\n13:src=ha-1\n%%%\n",
    ],
    [
        b">>>\nsrc=ha-2\n",
        b">>>\nt=status\nst=active\nsrc=ha-2\nseq=5f\nhg=4a2b\nts=4f3c\nld=0.1\n<<<\n",
        b"###\n13:src=ha-2\n%%%\n",
    ],
];

/// What a stream is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Frames of the peer, of any life.
    Old,
    /// Of those the longest.
    Hellos,
    /// The same with a newer version, and a tag that does not fit.
    Newer,
    /// Unsigned text in the peer's name.
    Foreign,
    /// What the receiver itself sent, in this life or another one.
    Own,
    /// Answers for the service addresses, on the clients' network.
    Answers,
}

impl World {
    /// Begin a stream that seems to come from `from`.
    pub(crate) fn begin_stream(&mut self, kind: Kind, from: usize, link: usize, amount: u64) {
        let source = match kind {
            Kind::HelloStream => Source::Hellos,
            Kind::NewerStream => Source::Newer,
            Kind::ForeignStream => Source::Foreign,
            Kind::OwnStream => Source::Own,
            Kind::AnswerStream => Source::Answers,
            _ => Source::Old,
        };
        let gap = match amount % 9 {
            8 => self.hosts[from].config.timing.keepalive,
            step => Duration::from_micros(1_000_000 / RATES[step as usize]),
        };
        self.streams[from] = self.streams[from].wrapping_add(1);
        let run = self.streams[from];
        if source == Source::Answers {
            let voices = if run % 3 == 1 { VOICES } else { 1 };
            let each = gap.times(voices * self.client.len() as u64);
            self.unasked[1 - from] = (run % 3 != 2).then_some((each, self.now));
        }
        self.after(gap, Due::Stream { to: 1 - from as u8, link: link as u8, source, run, left: MOST, gap });
    }

    /// It ends.
    pub(crate) fn end_stream(&mut self, from: usize) {
        self.streams[from] = self.streams[from].wrapping_add(1);
    }

    /// The next frame of a stream.
    pub(crate) fn stream(&mut self, to: usize, link: u8, source: Source, run: u32, left: u32, gap: Duration) {
        let from = 1 - to;
        if self.streams[from] != run || left == 0 {
            return;
        }
        let due = Due::Stream { to: to as u8, link, source, run, left: left - 1, gap };
        self.after(gap, due);
        if self.hosts[to].frozen || self.hosts[to].node.is_none() {
            return;
        }
        let datagram = self.wires[usize::from(link)].kind == LinkKind::Datagram;
        let (on, mut bytes) = match source {
            Source::Foreign => {
                let text = TEXTS[from][self.dice.roll(3) as usize];
                (link, text.to_vec())
            }
            Source::Own => self.recorded_frame(to, false),
            Source::Old | Source::Newer => self.recorded_frame(from, false),
            Source::Hellos => self.recorded_frame(from, true),
            Source::Answers => return self.unasked(to, run),
        };
        if source == Source::Newer {
            // The version stands in the upper half of the first byte; on a line behind the delimiter and the code.
            let at = if self.wires[usize::from(on)].kind == LinkKind::Datagram { 0 } else { 2 };
            if let Some(byte) = bytes.get_mut(at) {
                *byte = byte.wrapping_add(0x10 + 0x10 * (self.dice.roll(3) as u8));
            }
        }
        let open = self.hosts[to].open >> on & 1 == 1;
        if open && !bytes.is_empty() && (datagram || source != Source::Foreign || self.dice.chance(500)) {
            self.replayed[to] = self.now;
            self.inject(to, LinkId(on), &bytes);
        }
    }

    /// One answer: of one machine, of four by turns, or of a machine that nobody saw before.
    fn unasked(&mut self, to: usize, run: u32) {
        if !self.lan.hears(to) {
            return;
        }
        let machine = match run % 3 {
            0 => 3,
            1 => 3 + self.dice.roll(VOICES),
            _ => 3 + self.dice.roll(1 << 32),
        };
        if let Some((_, last)) = &mut self.unasked[to] {
            *last = self.now;
        }
        let [.., a, b, c, d, e] = machine.to_be_bytes();
        let address = self.dice.roll(self.client.len() as u64) as u8;
        self.input(to, Input::Asked { address, what: Asked::Answered { mac: [2, a, b, c, d, e] } });
    }

    /// One of the recorded frames of `from`, by chance; `long`: of the longer half.
    fn recorded_frame(&mut self, from: usize, long: bool) -> (u8, Vec<u8>) {
        let count = self.recorded[from].len() as u64;
        if count == 0 {
            return (0, Vec::new());
        }
        let mut at = self.dice.roll(count) as usize;
        if long {
            let other = self.dice.roll(count) as usize;
            let len = |at: usize| self.recorded[from][at].1.len();
            at = if len(other) > len(at) { other } else { at };
        }
        self.recorded[from][at].clone()
    }
}
