//! Frames to messages and back: the tag is checked over the received bytes before anything is decoded (DESIGN §4.3).
//!
//! [`open`] is the only maker of an [`Authenticated`] message, so code that takes one cannot be fed anything else.

#[cfg(any(feature = "md5", feature = "sha1", feature = "sha256"))]
mod hmac;
pub mod keys;
#[cfg(feature = "next-wire")]
pub mod next;
pub(crate) mod replay;
pub mod tag;
pub mod text;

pub use keys::{Key, KeyError, KeyRef, Keyring, Method};

use crate::event::BadFrame;
use crate::ids::{Incarnation, Side};
use crate::message::wire::{Read, Says, Speaks, Style};
use crate::message::{Message, wire};
use tag::Tag;

/// Something whose tag was checked. It says who made it, not that it is new: that is the rule of `auth::replay`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authenticated<T>(T);

impl<T> Authenticated<T> {
    /// The content, on its own.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> core::ops::Deref for Authenticated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Code `msg` and tag it with the signing key. Gives the length of the datagram in `out`.
///
/// `None` if `out` is too short ([`wire::MAX_DATAGRAM`] always suffices) or a field of the message is out of its range
/// (link above 7, score above 8, a [`crate::message::Hello`] with other groups than its beat).
#[must_use]
pub fn seal(msg: &Message, cluster: u16, keys: &Keyring, out: &mut [u8]) -> Option<usize> {
    seal_as(msg, Style::RELEASED, cluster, keys, out)
}

/// [`seal`], in another version.
#[must_use]
pub(crate) fn seal_as(
    msg: &Message,
    style: Style,
    cluster: u16,
    keys: &Keyring,
    out: &mut [u8],
) -> Option<usize> {
    let len = wire::encode(msg, style, cluster, keys.signer(), out)?;
    tag_behind(len, msg.hello.is_none().then_some(msg.incarnation), keys, out)
}

/// Tag the first `len` bytes of `out`, a short form of the life `short`; gives the length of the datagram.
fn tag_behind(len: usize, short: Option<Incarnation>, keys: &Keyring, out: &mut [u8]) -> Option<usize> {
    let key = keys.get(keys.signer())?;
    let life = life(short);
    let (signed, rest) = out.split_at_mut_checked(len)?;
    let tag = Tag::of(key, &life, signed)?;
    let room = rest.get_mut(..tag.bytes().len())?;
    room.iter_mut().zip(tag.bytes()).for_each(|(to, from)| *to = *from);
    len.checked_add(room.len())
}

/// Tag the first `len` bytes of `out` with the signing key, as a datagram of version 0, which no heartbeat ever has: what is
/// said to the serial bridge and by it (docs/spec/bridge.md). Gives the length with the tag; `None` if `out` is too short or
/// begins as a heartbeat does, so that no such tag is one of a heartbeat.
#[must_use]
pub fn sign(len: usize, keys: &Keyring, out: &mut [u8]) -> Option<usize> {
    out.first().filter(|first| **first >> 4 == 0)?;
    tag_behind(len, None, keys, out)
}

/// What a datagram of version 0 says before its tag; `None` if the key `index` is not listed or did not make that tag.
#[must_use]
pub fn verify<'a>(datagram: &'a [u8], index: u8, keys: &Keyring) -> Option<&'a [u8]> {
    datagram.first().filter(|first| **first >> 4 == 0)?;
    let key = keys.get(index)?;
    let (signed, tag) = datagram.split_at_checked(datagram.len().checked_sub(key.method.tag_len())?)?;
    Tag::of(key, &life(None), signed)?.matches(tag).then_some(signed)
}

/// Where [`open_in`] puts what it read: about 350 bytes, for the stack or kept. Nothing can be read out of it but by
/// the reference that a successful `open_in` gives.
#[derive(Debug)]
pub struct Room(Authenticated<Message>);

impl Room {
    /// An empty one.
    #[must_use]
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub const fn new() -> Self {
        Self(Authenticated(wire::blank(Side::Even)))
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// Check and decode the datagram `bytes` that came to node `me` of `cluster`. `met` is the peer's incarnation, once
/// its echo of the challenge was seen; without it only long forms can be read.
///
/// # Errors
/// The first of these that is wrong: version and cluster, length and reserved bits, the side, the key, the
/// incarnation, the tag, the body; [`BadFrame::NewerVersion`] for a newer frame, after its tag was checked.
pub fn open(
    bytes: &[u8],
    me: Side,
    cluster: u16,
    keys: &Keyring,
    met: Option<Incarnation>,
) -> Result<Authenticated<Message>, BadFrame> {
    let mut room = Room::new();
    open_in(&mut room, bytes, me, cluster, keys, met)?;
    Ok(room.0)
}

/// [`open`] without moving the message: a third fewer instructions for a heartbeat.
///
/// # Errors
/// As [`open`].
pub fn open_in<'r>(
    room: &'r mut Room,
    bytes: &[u8],
    me: Side,
    cluster: u16,
    keys: &Keyring,
    met: Option<Incarnation>,
) -> Result<&'r Authenticated<Message>, BadFrame> {
    match open_any(room, bytes, me, cluster, keys, met, Speaks::RELEASED)? {
        Opened { message, newer: None, .. } => Ok(message),
        Opened { newer: Some(_), .. } => Err(BadFrame::NewerVersion),
    }
}

/// A frame whose tag was checked.
pub(crate) struct Opened<'r> {
    /// Of a newer version the front only.
    pub(crate) message: &'r Authenticated<Message>,
    /// What the header of a newer version says; `None` if this node reads all of it.
    pub(crate) newer: Option<Says>,
    /// What of it this node can read.
    pub(crate) read: Read,
    /// How it was tagged.
    pub(crate) method: Method,
    /// The key that it was tagged with.
    pub(crate) key: u8,
}

/// [`open_in`] for a node that speaks `speaks`, and the front of a newer version too.
///
/// # Errors
/// As [`open`], but for [`BadFrame::NewerVersion`].
// DESIGN §4.17.
pub(crate) fn open_any<'r>(
    room: &'r mut Room,
    bytes: &[u8],
    me: Side,
    cluster: u16,
    keys: &Keyring,
    met: Option<Incarnation>,
    speaks: Speaks,
) -> Result<Opened<'r>, BadFrame> {
    let header = wire::Header::parse(bytes, cluster, speaks)?;
    if header.source == me {
        return Err(BadFrame::Own);
    }
    let key = keys.get(header.key).ok_or(BadFrame::UnknownKey)?;
    let short = match header.life {
        None => None,
        Some(byte) => Some(met.filter(|met| wire::life_byte(*met) == byte).ok_or(BadFrame::NotMet)?),
    };
    let signed_len = bytes.len().checked_sub(key.method.tag_len()).ok_or(BadFrame::Malformed)?;
    let (signed, received) = bytes.split_at_checked(signed_len).ok_or(BadFrame::Malformed)?;
    let tag = Tag::of(key, &life(short), signed).ok_or(BadFrame::BadTag)?;
    if !tag.matches(received) {
        return Err(BadFrame::BadTag);
    }
    let is_newer = header.read == Read::Front;
    let read = match header.read {
        Read::Front => wire::decode_front,
        #[cfg(feature = "next-wire")]
        Read::Word => wire::decode_word,
        _ => wire::decode,
    };
    read(&header, signed, short, &mut room.0.0).ok_or(BadFrame::BadBody)?;
    let newer = is_newer.then_some(header.says);
    Ok(Opened { message: &room.0, newer, read: header.read, method: key.method, key: header.key })
}

/// The unsent bytes in front of the tagged ones. A short form sends one byte of the sender's incarnation only, but is
/// tagged with all of it, so a frame of another life that shares the byte fails here and not on its sequence number.
/// A long form says its incarnation itself and has zeros here: its tag cannot be that of any short form, because both
/// begin with eight bytes and then the header, which says the form.
fn life(short: Option<Incarnation>) -> [u8; 8] {
    short.map_or([0; 8], wire::life_bytes)
}
