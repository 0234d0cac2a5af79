//! What one direction has carried and dropped. All counters stop at their highest value.

use hb_core::Instant;

/// Counters of one direction, from the port that is read to the port that is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stats {
    /// Bytes read, good or not.
    pub bytes: u32,
    /// Whole frames read, but for those that the bridge itself was asked with.
    pub frames: u32,
    /// Frames and texts written to their last byte.
    pub forwarded: u32,
    /// Runs of bytes between two delimiters that are neither frame nor whole text: noise, console text, cut frames, too
    /// long ones.
    pub malformed: u32,
    /// Whole messages of Linux-HA Heartbeat read, passed on or not.
    pub text: u32,
    /// Frames that the bridge itself was asked with.
    pub asked: u32,
    /// Frames of the bridge's own written to the port that this direction writes.
    pub own: u32,
    /// Frames and texts that a newer one replaced before their first byte was written.
    pub replaced: u32,
    /// Frames and texts dropped before their first byte was written because they had waited for too long.
    pub stale: u32,
    /// Frames and texts given up in the middle because the rest could not be written in time.
    pub cut: u32,
    /// Errors of the port that is read; the frame under way is dropped with each.
    pub read_errors: u32,
    /// Errors of the port that is written; the frame under way is tried again.
    pub write_errors: u32,
    /// When the last whole frame was read.
    pub last_frame: Option<Instant>,
}

impl Stats {
    pub(crate) const NONE: Self = Self {
        bytes: 0,
        frames: 0,
        forwarded: 0,
        malformed: 0,
        text: 0,
        asked: 0,
        own: 0,
        replaced: 0,
        stale: 0,
        cut: 0,
        read_errors: 0,
        write_errors: 0,
        last_frame: None,
    };
}

/// One more, as far as it can be counted.
pub(crate) fn count(counter: &mut u32) {
    add(counter, 1);
}

/// `more` more, as far as they can be counted.
pub(crate) fn add(counter: &mut u32, more: usize) {
    *counter = counter.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
}
