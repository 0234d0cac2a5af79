//! Which sequence numbers of a met life are new (DESIGN §4.6).
//!
//! A heartbeat carries the sender's whole state, so an older one is worth nothing, and the window needs no memory of
//! holes: the highest number is all of it. A node keeps one window for the life that it has met, where only what is fresh
//! counts as life, and one for each link, to tell a copy from a replay and to count what never came on that link. Meeting
//! another life starts them anew.

/// Copies of a beat that come this many beats after a newer one are still copies, not a replay.
const LATE_COPY: u32 = 64;

/// The highest sequence number so far, 0 before the first. Numbers begin at 1 and never wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Window {
    newest: u32,
}

impl Window {
    /// The highest number so far, 0 if there is none.
    #[inline]
    pub(crate) const fn newest(self) -> u32 {
        self.newest
    }

    /// Is `seq` above everything so far?
    #[inline]
    pub(crate) const fn is_fresh(self, seq: u32) -> bool {
        seq > self.newest
    }

    /// Is `seq`, which is not fresh, so near the highest that it may be a copy which another link delayed?
    #[inline]
    pub(crate) const fn is_recent(self, seq: u32) -> bool {
        self.newest.saturating_sub(seq) < LATE_COPY
    }

    /// Takes in `seq`. Returns how many numbers were jumped over since the one before, 0 for the first of all; `None` if
    /// it is not fresh.
    #[inline]
    pub(crate) const fn accept(&mut self, seq: u32) -> Option<u32> {
        if !self.is_fresh(seq) {
            return None;
        }
        let skipped = match self.newest {
            0 => 0,
            newest => seq.saturating_sub(newest).saturating_sub(1),
        };
        self.newest = seq;
        Some(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_higher_number_is_fresh() {
        let mut window = Window::default();
        assert_eq!(window.accept(0), None, "no beat has this number");
        assert_eq!(window.accept(5), Some(0));
        assert_eq!(window.accept(5), None);
        assert_eq!(window.accept(4), None);
        assert_eq!(window.accept(6), Some(0));
        assert_eq!(window.accept(9), Some(2));
        assert_eq!(window.accept(7), None);
        assert_eq!(window.newest(), 9);
        assert!(window.is_fresh(10) && !window.is_fresh(9));
    }

    #[test]
    fn the_last_number_is_the_end() {
        let mut window = Window::default();
        assert_eq!(window.accept(u32::MAX), Some(0));
        assert_eq!(window.accept(u32::MAX), None);
        assert_eq!(window.accept(1), None);
    }

    #[test]
    fn a_copy_may_be_late_and_not_old() {
        let mut window = Window::default();
        window.accept(100);
        assert!(window.is_recent(100) && window.is_recent(37) && !window.is_recent(36));
    }

    #[test]
    fn each_number_is_fresh_at_most_once_in_any_order() {
        proptest::proptest!(|(seqs: std::vec::Vec<u8>)| {
            let (mut window, mut highest) = (Window::default(), 0);
            for seq in seqs.into_iter().map(u32::from) {
                assert_eq!(window.accept(seq).is_some(), seq > highest);
                highest = highest.max(seq);
            }
        });
    }
}
