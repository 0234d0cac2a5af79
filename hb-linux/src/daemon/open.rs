//! Which links nobody saw empty in a round (see [`super::shell`]): what is left unlooked at costs no second system call, and
//! is never called empty.

/// See the module. A bit for each link.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Open {
    /// Left so in the round before, and in this one.
    before: u8,
    now: u8,
    /// This round may leave links so.
    brief: bool,
}

/// How a round ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Every link was seen empty: with a tick.
    Tick,
    /// Without one: nothing is due, and the next wait says whether the links had more.
    Wait,
    /// These links are to be read until they have nothing left, for something is due; then with a tick.
    Look(u8),
}

impl Open {
    /// A round begins; `brief`: it is in time, and nothing floods it.
    pub(super) fn begin(&mut self, brief: bool) {
        *self = Self { before: self.now, now: 0, brief };
    }

    /// May link `at` be left so after one fresh frame? Not twice in a row: what waits in it is read then.
    pub(super) fn may(&self, at: usize) -> bool {
        self.brief && bit(at).is_some_and(|bit| self.before & bit == 0)
    }

    /// It is left so.
    pub(super) fn leave(&mut self, at: usize) {
        self.now |= bit(at).unwrap_or(0);
    }

    /// The round ends; is anything `due`?
    pub(super) fn end(&mut self, due: bool) -> Ending {
        match self.now {
            0 => Ending::Tick,
            _ if !due => Ending::Wait,
            links => {
                // Nothing may be left in what follows.
                *self = Self::default();
                Ending::Look(links)
            }
        }
    }
}

/// Is link `at` among `links`?
pub(super) fn has(links: u8, at: usize) -> bool {
    bit(at).is_some_and(|bit| links & bit != 0)
}

fn bit(at: usize) -> Option<u8> {
    1_u8.checked_shl(u32::try_from(at).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tick_comes_before_every_link_was_seen_empty() {
        // Every sequence of rounds: in time or not, one frame waits in link 0, link 1 or both, something is due or not.
        for seed in 0..1_u32 << 12 {
            let mut open = Open::default();
            // Links of which the last read did not show that they are empty.
            let mut unseen = 0_u8;
            for round in 0..3 {
                let word = seed >> (4 * round);
                let (brief, ready, due) = (word & 1 != 0, ((word >> 1) & 3) as u8, word & 8 != 0);
                open.begin(brief);
                for at in 0..2 {
                    if !has(ready, at) {
                        // The wait said so.
                        unseen &= !(1 << at);
                    } else if open.may(at) {
                        open.leave(at);
                        unseen |= 1 << at;
                    } else {
                        unseen &= !(1 << at);
                    }
                }
                match open.end(due) {
                    Ending::Tick => assert_eq!(unseen, 0, "{seed:x} in round {round}"),
                    Ending::Wait => assert!(!due),
                    Ending::Look(links) => {
                        assert_eq!(links, unseen, "{seed:x} in round {round}");
                        assert!((0..8).all(|at| !open.may(at)), "they are read to the end");
                        unseen = 0;
                    }
                }
            }
        }
    }

    #[test]
    fn a_link_is_not_left_twice_in_a_row_nor_in_a_late_round() {
        let mut open = Open::default();
        open.begin(true);
        assert!(open.may(7) && !open.may(8));
        open.leave(7);
        open.begin(true);
        assert!(!open.may(7) && open.may(6));
        open.begin(true);
        assert!(open.may(7));
        open.begin(false);
        assert!(!open.may(7));
    }
}
