//! Both ends toggle their DTR at times of their own, and look at DSR: what follows the own one is a bridge, and what moves by
//! itself is the peer. Pure.

/// A move of DSR within this time after an own one may follow from it.
const FOLLOWS_MS: u32 = 60;
/// Own moves that must all be followed to call it a bridge, and moves of the peer that prove it.
const ENOUGH: u32 = 6;

/// What was seen of DSR while both ends toggled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Watch {
    level: bool,
    /// Since the own last move.
    since_ms: Option<u32>,
    /// The own last move was followed.
    followed: bool,
    /// Own moves, and how many of them were followed by one of DSR to the same level.
    own: u32,
    follows: u32,
    /// Moves of DSR that followed none of ours.
    free: u32,
    dtr: bool,
}

/// What it comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// Not enough was seen yet.
    Open,
    /// DSR does what our own DTR does.
    Bridged,
    /// DSR is the peer's.
    Proven,
}

impl Watch {
    /// Our DTR is up, DSR is at this level.
    #[must_use]
    pub fn begin(level: bool) -> Self {
        Self { level, dtr: true, ..Self::default() }
    }

    /// Our own DTR moves.
    pub fn moved(&mut self, dtr: bool) {
        (self.since_ms, self.followed, self.dtr) = (Some(0), false, dtr);
        self.own += 1;
    }

    /// DSR is seen at `level`, `ms` after the look before.
    pub fn seen(&mut self, level: bool, ms: u32) {
        self.since_ms = self.since_ms.map(|since| since.saturating_add(ms));
        if core::mem::replace(&mut self.level, level) == level {
            return;
        }
        let near = self.since_ms.is_some_and(|since| since <= FOLLOWS_MS);
        if near && level == self.dtr && !self.followed {
            self.followed = true;
            self.follows += 1;
        } else {
            self.free += 1;
        }
    }

    /// So far.
    #[must_use]
    pub const fn finding(&self) -> Finding {
        if self.own < ENOUGH {
            Finding::Open
        } else if self.follows == self.own {
            Finding::Bridged
        } else if self.free >= ENOUGH && self.follows * 4 <= self.own {
            Finding::Proven
        } else {
            Finding::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends move every so many looks of 10 ms; what DSR is, by our and their DTR.
    fn run(ours: u32, theirs: u32, dsr: impl Fn(bool, bool) -> bool) -> Finding {
        let (mut dtr, mut peer) = (true, true);
        let mut watch = Watch::begin(dsr(dtr, peer));
        for look in 1..2000 {
            if look % ours == 0 {
                dtr = !dtr;
                watch.moved(dtr);
            }
            if look % theirs == 0 {
                peer = !peer;
            }
            watch.seen(dsr(dtr, peer), 10);
        }
        watch.finding()
    }

    #[test]
    fn a_bridge_is_told_from_a_peer() {
        assert_eq!(run(31, 47, |_, peer| peer), Finding::Proven);
        assert_eq!(run(31, 47, |own, _| own), Finding::Bridged);
        assert_eq!(run(31, 47, |_, _| true), Finding::Open, "nobody there, or no wire");
        assert_eq!(run(31, 5000, |_, peer| peer), Finding::Open, "the other end does not run it");
        assert_ne!(run(31, 47, |own, peer| own && peer), Finding::Proven, "both on one wire");
    }
}
