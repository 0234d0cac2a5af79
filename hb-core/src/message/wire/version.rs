//! Which versions there are, and which one a node speaks.
//!
//! The feature `next-wire` builds a node of a version that was never released, to try what header and front promise: one more
//! field, one more message (`next`). Such a build speaks the released version as well, where it is told to.

use super::Says;
use crate::message::Beat;

/// The protocol version of this release.
pub const VERSION: u8 = 1;
/// The highest version that this build speaks.
pub const NEWEST: u8 = if cfg!(feature = "next-wire") { VERSION + 1 } else { VERSION };
/// The lowest version that this build reads: beside a peer of one below its own, a node decides.
pub const OLDEST: u8 = 1;

/// The version that a node speaks: the newest of its build, unless it is told otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Speaks {
    #[cfg(feature = "next-wire")]
    next: bool,
}

impl Speaks {
    /// [`VERSION`].
    pub const RELEASED: Self = Self {
        #[cfg(feature = "next-wire")]
        next: false,
    };
    /// [`NEWEST`].
    pub const NEWEST: Self = Self {
        #[cfg(feature = "next-wire")]
        next: true,
    };

    /// As it stands in the header.
    #[must_use]
    pub const fn version(self) -> u8 {
        if self.is_next() { NEWEST } else { VERSION }
    }

    /// The one after the released one.
    #[cfg(feature = "next-wire")]
    pub(crate) const fn is_next(self) -> bool {
        self.next
    }

    #[cfg(not(feature = "next-wire"))]
    pub(crate) const fn is_next(self) -> bool {
        false
    }
}

/// What of a frame a node can read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Read {
    /// The frame is of its own version.
    All,
    /// The frame is of an older version, and all of it is understood.
    Older,
    /// The frame is of a newer version: header and front.
    Front,
    /// A message of the next version that holds no view of the sender: it is a sign of life.
    #[cfg(feature = "next-wire")]
    Word,
    /// Any other message of the next version.
    #[cfg(feature = "next-wire")]
    Next,
}

impl Read {
    /// Of a frame of `version`, whose header has these flags, by a node that speaks `speaks`.
    pub(super) const fn of(version: u8, flags: u8, speaks: Speaks) -> Self {
        if version > speaks.version() {
            return Self::Front;
        }
        if OLDEST < NEWEST && version < speaks.version() {
            return Self::Older;
        }
        #[cfg(feature = "next-wire")]
        if speaks.is_next() {
            return if flags & super::next::WORD == 0 { Self::Next } else { Self::Word };
        }
        let _ = flags;
        Self::All
    }

    /// It is a message of the next version.
    #[cfg(feature = "next-wire")]
    pub(crate) const fn is_next(self) -> bool {
        matches!(self, Self::Word | Self::Next)
    }

    #[cfg(not(feature = "next-wire"))]
    pub(crate) const fn is_next(self) -> bool {
        false
    }

    /// Bits of the flags that are this version's own, beside those of all.
    #[cfg(feature = "next-wire")]
    pub(super) const fn own_bits(self) -> u8 {
        if self.is_next() { super::next::WORD } else { 0 }
    }

    #[cfg(not(feature = "next-wire"))]
    pub(super) const fn own_bits(self) -> u8 {
        0
    }

    /// A sign of life, and nothing else.
    #[cfg(feature = "next-wire")]
    pub(crate) const fn is_word(self) -> bool {
        matches!(self, Self::Word)
    }

    #[cfg(not(feature = "next-wire"))]
    pub(crate) const fn is_word(self) -> bool {
        false
    }
}

/// How a message is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// In the next version, whose three bits are what the sender decided; else they follow from the beat.
    #[cfg(feature = "next-wire")]
    next: Option<Says>,
}

impl Style {
    /// As the released version has it.
    pub(crate) const RELEASED: Self = Self {
        #[cfg(feature = "next-wire")]
        next: None,
    };

    /// As `speaks` has it; `says` are the bits where they do not follow from the beat.
    pub(crate) fn of(speaks: Speaks, says: impl FnOnce() -> Says) -> Self {
        #[cfg(feature = "next-wire")]
        if speaks.is_next() {
            return Self { next: Some(says()) };
        }
        let _ = (speaks, says);
        Self::RELEASED
    }

    /// The version.
    #[cfg(feature = "next-wire")]
    pub(super) const fn speaks(self) -> Speaks {
        if self.next.is_some() { Speaks::NEWEST } else { Speaks::RELEASED }
    }

    #[cfg(not(feature = "next-wire"))]
    pub(super) const fn speaks(self) -> Speaks {
        Speaks::RELEASED
    }

    /// The three bits.
    pub(super) fn says(self, beat: &Beat) -> Says {
        #[cfg(feature = "next-wire")]
        if let Some(says) = self.next {
            return says;
        }
        Says::of(beat)
    }
}
