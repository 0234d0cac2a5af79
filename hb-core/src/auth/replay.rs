//! Which sequence numbers of a met incarnation are new (DESIGN §4).
//!
//! A heartbeat carries the sender's whole state, so an older one is worth nothing, and the window needs no memory of
//! holes: the highest number is all of it. A node keeps one window for the incarnation it has met, where only
//! [`Seen::Fresh`] counts as life, and one for each link, to count what never came on that link. Meeting another
//! incarnation starts them anew.

/// What a sequence number is to a [`Window`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Seen {
    /// Above everything seen before.
    Fresh {
        /// Numbers that were jumped over since the one before; 0 for the first of all.
        skipped: u32,
    },
    /// The highest again: a copy from another link, or a repeat.
    Duplicate,
    /// Below the highest: late, or played back.
    Old,
}

/// The highest sequence number so far. Numbers begin at 1 and never wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    newest: u32,
}

impl Window {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: 0 }
    }

    /// The highest number so far, 0 if there is none.
    #[must_use]
    pub const fn newest(&self) -> u32 {
        self.newest
    }

    /// Would `seq` be [`Seen::Fresh`]?
    #[must_use]
    pub const fn is_fresh(&self, seq: u32) -> bool {
        seq > self.newest
    }

    /// Judge `seq` and remember it. Number 0 is never sent and is [`Seen::Old`].
    pub const fn accept(&mut self, seq: u32) -> Seen {
        if self.is_fresh(seq) {
            let skipped =
                if self.newest == 0 { 0 } else { seq.saturating_sub(self.newest).saturating_sub(1) };
            self.newest = seq;
            Seen::Fresh { skipped }
        } else if seq == self.newest && seq != 0 {
            Seen::Duplicate
        } else {
            Seen::Old
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_higher_number_is_fresh() {
        let mut window = Window::new();
        assert_eq!(window.accept(0), Seen::Old);
        assert_eq!(window.accept(5), Seen::Fresh { skipped: 0 });
        assert_eq!(window.accept(5), Seen::Duplicate);
        assert_eq!(window.accept(4), Seen::Old);
        assert_eq!(window.accept(6), Seen::Fresh { skipped: 0 });
        assert_eq!(window.accept(9), Seen::Fresh { skipped: 2 });
        assert_eq!(window.accept(7), Seen::Old);
        assert_eq!(window.newest(), 9);
        assert!(window.is_fresh(10) && !window.is_fresh(9));
    }

    #[test]
    fn the_last_number_is_the_end() {
        let mut window = Window::new();
        assert_eq!(window.accept(u32::MAX), Seen::Fresh { skipped: 0 });
        assert_eq!(window.accept(u32::MAX), Seen::Duplicate);
        assert_eq!(window.accept(1), Seen::Old);
    }

    #[test]
    fn each_number_is_fresh_at_most_once_in_any_order() {
        proptest::proptest!(|(seqs: std::vec::Vec<u8>)| {
            let (mut window, mut highest) = (Window::new(), 0);
            for seq in seqs.into_iter().map(u32::from) {
                let fresh = matches!(window.accept(seq), Seen::Fresh { .. });
                assert_eq!(fresh, seq > highest);
                highest = highest.max(seq);
            }
        });
    }
}
