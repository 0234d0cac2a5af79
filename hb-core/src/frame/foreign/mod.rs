//! The text of Linux-HA Heartbeat (DESIGN §4), taken apart; `auth` checks who signed it.
//!
//! Two forms exist. *Classic*, on serial lines always, and in the datagrams of Heartbeat 1 and 2:
//!
//! ```text
//! >>>             one field a line; in a datagram one zero byte follows the last line
//! t=status
//! src=ha-1
//! seq=1a2b        numbers are hexadecimal, without a prefix
//! auth=1 a1189d79868ac7ca54cce1042b11ae34f468e352
//! <<<
//! ```
//!
//! The digest covers every line but `auth`, each with one line feed. *Netstring*, in the datagrams of Heartbeat 3: `###`
//! and a line feed, fields as `LEN:(TYPE)name=value,`, then `%%%` and a line feed, which the digest in one more netstring
//! covers, markers included. An `auth` field inside is the classic digest of the same fields, and is not looked at.
//!
//! No native frame looks like either: as a datagram it begins with a byte of 0x10 to 0x1F, and on a stream the zero byte
//! on both of its ends takes the collector back to the start of a line.

mod stream;

pub use stream::Collector;

/// Whether this build reads Heartbeat's text at all (the feature `linux-ha`).
pub const BUILT: bool = cfg!(feature = "linux-ha");
/// Bytes of one message on a stream at most, as in Heartbeat 1; a longer one is given up, so that lost line ends cannot
/// glue two messages together.
pub const MAX_TEXT: usize = if BUILT { 1400 } else { 0 };

const CLASSIC: &[u8] = b">>>";
const NETSTRING: &[u8] = b"###";
const CLASSIC_END: &[u8] = b"<<<";
const NETSTRING_END: &[u8] = b"%%%\n";
const AUTH: &[u8] = b"auth";

/// Is this datagram Heartbeat's text? What follows the marker need not make sense.
#[must_use]
pub fn is_text(datagram: &[u8]) -> bool {
    datagram.starts_with(CLASSIC) || datagram.starts_with(NETSTRING)
}

/// Which groups a node says that it holds; *local* ones prefer the sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Holds {
    /// Those that prefer it.
    pub local: bool,
    /// The other ones.
    pub foreign: bool,
}

/// One message, taken apart; every part borrows from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Text<'a> {
    /// It has its end, and everything between is a field.
    pub whole: bool,
    /// Who sent it (`src`); empty where it does not say.
    pub source: &'a [u8],
    /// What it is (`t`).
    pub kind: &'a [u8],
    /// Which start of the sender (`hg`).
    pub generation: Option<u32>,
    /// Its number in that (`seq`). What only manages the transport (`NS_...`) has none.
    pub seq: Option<u32>,
    /// Milliseconds of the sender's deadtime (`dt`); Heartbeat 1 does not say.
    pub deadtime: Option<u32>,
    /// What the sender holds (`rsc_hold`).
    pub holds: Option<Holds>,
    /// That is all of it (`rtype=full`); without, it comes on top of what was said before.
    pub full: bool,
    /// Index and digest, with a blank between.
    auth: &'a [u8],
    /// What the digest covers.
    signed: Signed<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Signed<'a> {
    /// The lines of these up to the end marker, but `auth`.
    Lines(&'a [u8]),
    /// These bytes.
    Bytes(&'a [u8]),
}

impl Default for Signed<'_> {
    fn default() -> Self {
        Self::Bytes(&[])
    }
}

impl<'a> Text<'a> {
    /// Take a datagram apart, or what a [`Collector`] has. Never fails: of what is no message of Heartbeat, or is cut,
    /// `whole` is false, and the rest is what could be read.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut text = Self::default();
        text.whole = if let Some(body) = bytes.strip_prefix(CLASSIC) {
            text.classic(body).is_some()
        } else {
            text.netstrings(bytes).is_some()
        };
        text
    }

    /// The key's index, and the digest in hexadecimal, of a whole message that has both.
    #[must_use]
    pub fn auth(&self) -> Option<(u8, &'a [u8])> {
        let at = self.auth.iter().position(|byte| *byte == b' ').filter(|_| self.whole)?;
        let (index, digest) = self.auth.split_at_checked(at)?;
        Some((u8::try_from(decimal(index)?).ok()?, digest.get(1..)?))
    }

    /// Hand everything that the digest covers to `take`, in order.
    pub fn each_signed(&self, take: &mut dyn FnMut(&[u8])) {
        match self.signed {
            Signed::Bytes(bytes) => take(bytes),
            Signed::Lines(body) => {
                for line in lines(body).take_while(|line| !line.starts_with(CLASSIC_END)) {
                    if split(line).is_none_or(|(name, _)| name != AUTH) {
                        take(line);
                        take(b"\n");
                    }
                }
            }
        }
    }

    /// What follows `>>>`.
    fn classic(&mut self, body: &'a [u8]) -> Option<()> {
        if !body.first().is_some_and(line_end) {
            return None;
        }
        self.signed = Signed::Lines(body);
        for line in lines(body) {
            if let Some(behind) = line.strip_prefix(CLASSIC_END) {
                return behind.iter().all(|byte| *byte == 0).then_some(());
            }
            let (name, value) = split(line)?;
            if name == AUTH {
                if !self.auth.is_empty() {
                    return None;
                }
                self.auth = value;
            }
            self.field(name, value);
        }
        None
    }

    fn netstrings(&mut self, bytes: &'a [u8]) -> Option<()> {
        let mut rest = bytes.strip_prefix(NETSTRING)?.strip_prefix(b"\n")?;
        loop {
            if let Some(behind) = rest.strip_prefix(NETSTRING_END) {
                let end = bytes.len().checked_sub(behind.len())?;
                self.signed = Signed::Bytes(bytes.get(..end)?);
                let (auth, behind) = netstring(behind)?;
                self.auth = auth;
                return behind.iter().all(|byte| *byte == 0).then_some(());
            }
            let (field, behind) = netstring(rest)?;
            // Values of other types are binary: nothing of them is of interest here.
            if let Some((name, value)) = field.strip_prefix(b"(0)").and_then(split) {
                self.field(name, value);
            }
            rest = behind;
        }
    }

    /// Of two fields of a name the first one counts.
    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b"src" if self.source.is_empty() => self.source = value,
            b"t" if self.kind.is_empty() => self.kind = value,
            b"hg" => self.generation = self.generation.or(hexadecimal(value)),
            b"seq" => self.seq = self.seq.or(hexadecimal(value)),
            b"dt" => self.deadtime = self.deadtime.or(hexadecimal(value)),
            b"rsc_hold" if self.holds.is_none() => {
                self.holds = match value {
                    b"none" => Some(Holds::default()),
                    b"local" => Some(Holds { local: true, foreign: false }),
                    b"foreign" => Some(Holds { local: false, foreign: true }),
                    b"all" => Some(Holds { local: true, foreign: true }),
                    _ => None,
                }
            }
            b"rtype" => self.full |= value == b"full",
            _ => {}
        }
    }
}

/// A line ends with a line feed, or with a carriage return; between fields, any number of them.
fn line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(line_end).filter(|line| !line.is_empty())
}

/// `name=value`, at the first `=`; an empty name is none.
fn split(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = field.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (name, value) = field.split_at_checked(at)?;
    Some((name, value.get(1..)?))
}

/// `LEN:bytes,` at the begin; and what follows.
fn netstring(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().take(6).position(|byte| *byte == b':')?;
    let (len, rest) = bytes.split_at_checked(at)?;
    let (field, rest) = rest.get(1..)?.split_at_checked(decimal(len)?)?;
    Some((field, rest.strip_prefix(b",")?))
}

/// At most five digits.
fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    digits.iter().try_fold(0_usize, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        Some(sum.wrapping_mul(10).wrapping_add(usize::from(digit)))
    })
}

/// At most eight digits, of either case.
pub(crate) fn hexadecimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, byte| Some(sum << 4 | u32::from(nibble(*byte)?)))
}

/// The value of one hexadecimal digit.
pub(crate) fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(all(test, feature = "linux-ha"))]
#[path = "tests.rs"]
mod tests;
