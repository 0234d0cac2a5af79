//! The frames of a link test: coded as heartbeats are, with a content of their own.
//!
//! ```text
//! 00  COBS( 0C  kind  words...  CRC-32 )  00          every number with its lowest byte first
//! ```
//! The first byte is no version of the heartbeat protocol, so a daemon at the other end counts such a frame as bad and
//! does nothing else. All frames but [`Control`] take [`WIRE`] bytes on the line, as a steady heartbeat does, so what is
//! lost and how long it takes are what heartbeats would meet.

use crate::config::Crc32;
use crate::config::STEADY;
use hb_core::frame::encode;

/// Bytes that every frame but [`Control`] takes on the line, delimiters included.
pub(super) const WIRE: usize = STEADY as usize;
/// The same before COBS, which adds a code byte and two delimiters.
const PLAIN: usize = WIRE - 3;
/// Bytes of a [`Control`] before COBS.
const CONTROL: usize = 2 + 4 * WORDS + 4;
/// Bytes that the longest frame takes on the line.
pub(super) const MAX_WIRE: usize = CONTROL + 3;
/// Bytes of the longest frame before COBS.
pub(super) const MAX_PLAIN: usize = CONTROL;
/// Numbers in a [`Control`].
const WORDS: usize = 14;

const MARK: u8 = 0x0C;

/// What both ends tell each other at the common speed, again and again: the whole of what there is to agree on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Control {
    /// Names the sender's run.
    pub(super) nonce: u32,
    /// The run of the other end, as the sender heard it; 0 if it did not.
    pub(super) echo: u32,
    /// Speeds to test, a bit each in the order of [`crate::sys::tty::BAUDS`].
    pub(super) speeds: u16,
    /// Seconds for each of them.
    pub(super) seconds: u16,
    /// Somebody chose these on the command line.
    pub(super) chosen: bool,
    /// The step that the sender is ready for.
    pub(super) want: u8,
    /// The step that it finished last, which `report` is about.
    pub(super) done: u8,
    /// What it measured there.
    pub(super) report: Report,
}

/// What one end measured in one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Report {
    /// Frames that it sent.
    pub(super) sent: u32,
    /// Whole frames that it received.
    pub(super) good: u32,
    /// Damaged frames that it received.
    pub(super) bad: u32,
    /// Bytes that it received, those of damaged frames and noise included.
    pub(super) bytes: u32,
    /// Frames whose bits it could compare with those that were sent.
    pub(super) compared: u32,
    /// Wrong bits in them.
    pub(super) wrong: u32,
    /// The longest time between two whole frames, in microseconds.
    pub(super) gap_us: u32,
    /// The longest round trip, in microseconds; 0 if none was measured.
    pub(super) worst_us: u32,
    /// Bytes that the kernel lost during the step.
    pub(super) overruns: u32,
    /// Bytes with a bad stop bit that the kernel counted during the step.
    pub(super) framing: u32,
}

/// One frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    /// See there.
    Control(Control),
    /// "I am at the speed of this step": and do I hear you there?
    Sync { step: u8, hears: bool },
    /// Frame `seq` of the step's test, full of bits that `seq` fixes.
    Data { step: u8, seq: u32 },
    /// Frame `seq`, which tells when frame `echo` was received: `hold_us` before this one was sent.
    Echo { step: u8, seq: u32, echo: u32, hold_us: u32 },
    /// The test is over, after `total` frames of it.
    End { step: u8, total: u32 },
}

impl Frame {
    /// Code it for the line; the length in `out`.
    #[inline(never)]
    pub(super) fn encode(&self, out: &mut [u8; MAX_WIRE]) -> usize {
        let mut words = [0; WORDS];
        let (kind, step) = match *self {
            Self::Control(c) => {
                words = c.words();
                (0, 0)
            }
            Self::Sync { step, hears } => (1 + u8::from(hears), step),
            Self::Data { step, seq } => {
                words[0] = seq;
                (3, step)
            }
            Self::Echo { step, seq, echo, hold_us } => {
                [words[0], words[1], words[2]] = [seq, echo, hold_us];
                (4, step)
            }
            Self::End { step, total } => {
                words[0] = total;
                (5, step)
            }
        };
        let mut plain = [0; MAX_PLAIN];
        let len = if kind == 0 { CONTROL } else { PLAIN };
        let head = if kind == 0 { 2 } else { 3 };
        for (to, from) in plain.iter_mut().zip([MARK, kind, step]) {
            *to = from;
        }
        if kind != 0 {
            // Whatever is not used changes from frame to frame, so that every pattern of bits is on the line at times; and
            // from kind to kind, or a damaged Sync or End passes for the data frame of that number with a few wrong bits.
            let mut noise = (words[0] ^ u32::from(kind) << 28).wrapping_mul(0x9E37_79B9) | 1;
            for word in words.iter_mut().skip(if kind == 4 { 3 } else { 1 }) {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                *word = noise;
            }
        }
        let room = plain.get_mut(head..len - 4).unwrap_or(&mut []);
        for (to, from) in room.chunks_mut(4).zip(words) {
            to.iter_mut().zip(from.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        let sum = checksum(plain.get(..len - 4).unwrap_or(&[])).to_le_bytes();
        plain.iter_mut().skip(len - 4).zip(sum).for_each(|(to, from)| *to = from);
        encode(plain.get(..len).unwrap_or(&[]), out).unwrap_or(0)
    }

    /// What a decoded datagram says; `None` if it is none of ours, or damaged.
    #[inline(never)]
    pub(super) fn decode(plain: &[u8]) -> Option<Self> {
        let (body, sum) = plain.split_last_chunk::<4>()?;
        let [MARK, kind, rest @ ..] = body else { return None };
        if checksum(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        if *kind == 0 {
            return (plain.len() == CONTROL).then(|| Self::Control(Control::from_words(words(rest))));
        }
        let (&step, rest) = rest.split_first()?;
        if plain.len() != PLAIN {
            return None;
        }
        let [first, second, third, ..] = words(rest);
        match kind {
            1 | 2 => Some(Self::Sync { step, hears: *kind == 2 }),
            3 => Some(Self::Data { step, seq: first }),
            4 => Some(Self::Echo { step, seq: first, echo: second, hold_us: third }),
            5 => Some(Self::End { step, total: first }),
            _ => None,
        }
    }
}

impl Control {
    #[inline(never)]
    fn words(&self) -> [u32; WORDS] {
        let r = &self.report;
        let plan = u32::from(self.speeds) | u32::from(self.seconds) << 16;
        let state = u32::from_le_bytes([self.want, self.done, u8::from(self.chosen), 0]);
        [
            self.nonce, self.echo, plan, state, r.sent, r.good, r.bad, r.bytes, r.compared, r.wrong,
            r.gap_us, r.worst_us, r.overruns, r.framing,
        ]
    }

    #[inline(never)]
    fn from_words(words: [u32; WORDS]) -> Self {
        let [
            nonce,
            echo,
            plan,
            state,
            sent,
            good,
            bad,
            bytes,
            compared,
            wrong,
            gap_us,
            worst_us,
            overruns,
            framing,
        ] = words;
        let [want, done, chosen, _] = state.to_le_bytes();
        let [a, b, c, d] = plan.to_le_bytes();
        Self {
            nonce,
            echo,
            speeds: u16::from_le_bytes([a, b]),
            seconds: u16::from_le_bytes([c, d]),
            chosen: chosen != 0,
            want,
            done,
            report: Report { sent, good, bad, bytes, compared, wrong, gap_us, worst_us, overruns, framing },
        }
    }
}

/// The numbers at the front of `bytes`; zero where it ends.
fn words(bytes: &[u8]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    for (to, from) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *to = from.try_into().map_or(0, u32::from_le_bytes);
    }
    words
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(bytes);
    crc.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hb_core::frame::Decoder;

    fn through(frame: &Frame) -> (usize, Option<Frame>) {
        let mut out = [0; MAX_WIRE];
        let len = frame.encode(&mut out);
        let mut decoder = Decoder::<MAX_PLAIN>::new();
        let mut got = None;
        for byte in &out[..len] {
            if let Some(Ok(plain)) = decoder.push(*byte) {
                got = Frame::decode(plain);
            }
        }
        (len, got)
    }

    #[test]
    fn every_kind_comes_back_and_has_the_length_of_a_heartbeat() {
        for frame in [
            Frame::Sync { step: 3, hears: false },
            Frame::Sync { step: 3, hears: true },
            Frame::Data { step: 0, seq: 0 },
            Frame::Data { step: 11, seq: u32::MAX },
            Frame::Echo { step: 1, seq: 9, echo: 256, hold_us: 70_000 },
            Frame::End { step: 2, total: 1 << 24 },
        ] {
            assert_eq!(through(&frame), (WIRE, Some(frame)));
        }
    }

    #[test]
    fn a_control_frame_carries_every_field() {
        let report = Report {
            sent: 1,
            good: 2,
            bad: 3,
            bytes: 4,
            compared: 5,
            wrong: 6,
            gap_us: 7,
            worst_us: 8,
            overruns: 9,
            framing: u32::MAX,
        };
        let control = Control {
            nonce: 0x0102_0304,
            echo: 7,
            speeds: 0x0FFF,
            seconds: 300,
            chosen: true,
            want: 4,
            done: 255,
            report,
        };
        let (len, got) = through(&Frame::Control(control));
        assert_eq!((len, got), (MAX_WIRE, Some(Frame::Control(control))));
    }

    #[test]
    fn no_single_wrong_bit_passes_and_the_bits_differ_between_frames() {
        let mut out = [0; MAX_WIRE];
        let frame = Frame::Data { step: 1, seq: 77 };
        let len = frame.encode(&mut out);
        for bit in 8..(len - 1) * 8 {
            let mut damaged = out;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut decoder = Decoder::<MAX_PLAIN>::new();
            for byte in &damaged[..len] {
                if let Some(Ok(plain)) = decoder.push(*byte) {
                    assert_eq!(Frame::decode(plain), None, "bit {bit}");
                }
            }
        }
        let mut other = [0; MAX_WIRE];
        Frame::Data { step: 1, seq: 78 }.encode(&mut other);
        let differing: u32 = out.iter().zip(&other).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!((60..160).contains(&differing), "{differing}");
    }

    #[test]
    fn a_heartbeat_is_none_of_ours() {
        assert_eq!(Frame::decode(&[0x10, 0, 1, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(Frame::decode(&[]), None);
    }
}
