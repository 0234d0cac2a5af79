//! Proving a dead peer off (DESIGN §7 O2): one fence per death, fired by the holder at once and by the other after a
//! delay; dropped when the peer is heard before it fired. One that failed is tried again, or forgone by directive.

use crate::time::{Duration, Instant};

/// Pause between two tries of a fence that failed.
const RETRY: Duration = Duration::from_secs(5);

/// Where the fencing of the current death is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fence {
    /// The peer is alive, or needs no fence.
    Unneeded,
    /// It fires at this time.
    Armed(Instant),
    /// The device is at work.
    Fired,
    /// The peer is proven off.
    Done,
    /// It failed, and by directive nothing waits for it: the death counts as one without a fence.
    Forgone,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FenceEvent {
    /// The peer died and must be fenced after this pause.
    Needed(Duration),
    /// The peer is heard again.
    Heard,
    /// Time passed.
    Tick,
    /// The device answered: the peer is proven off, or it failed and is to be tried again.
    Answer(bool),
    /// The device failed, and is not to be waited for (`fence_failed claim`).
    GaveUp,
    /// An operator vouches that the peer is off.
    Vouched,
}

#[cfg(feature = "coverage")]
impl Fence {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Unneeded => 0,
            Self::Armed(_) => 1,
            Self::Fired => 2,
            Self::Done => 3,
            Self::Forgone => 4,
        }
    }
}

#[cfg(feature = "coverage")]
impl FenceEvent {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Needed(_) => 0,
            Self::Heard => 1,
            Self::Tick => 2,
            Self::Answer(true) => 3,
            Self::Answer(false) => 4,
            Self::Vouched => 5,
            Self::GaveUp => 6,
        }
    }
}

impl Fence {
    /// The next state, and whether to fire now.
    ///
    /// ```text
    ///  Unneeded --needed--> Armed --time--> Fired --ok--> Done
    ///     ^  ^               |   ^          | |            |
    ///     |  +-----heard-----+   +--failed--+ +--gave up--> Forgone
    ///     +---------------heard--------------+-------------+
    /// ```
    /// An operator's word leads to Done from everywhere (DESIGN §7 O2.4).
    #[must_use]
    pub(crate) fn next(self, event: FenceEvent, now: Instant) -> (Self, bool) {
        match (self, event) {
            (Self::Unneeded, FenceEvent::Needed(delay)) => (Self::Armed(now.plus(delay)), false),
            (Self::Armed(at), FenceEvent::Tick) if now >= at => (Self::Fired, true),
            (Self::Armed(_) | Self::Unneeded | Self::Done | Self::Forgone, FenceEvent::Heard) => {
                (Self::Unneeded, false)
            }
            (Self::Fired, FenceEvent::Answer(true)) => (Self::Done, false),
            (Self::Fired, FenceEvent::Answer(false)) => (Self::Armed(now.plus(RETRY)), false),
            (Self::Fired, FenceEvent::GaveUp) => (Self::Forgone, false),
            (
                Self::Unneeded | Self::Armed(_) | Self::Fired | Self::Done | Self::Forgone,
                FenceEvent::Vouched,
            ) => (Self::Done, false),
            // A fence that was fired runs its course, even when the peer is heard meanwhile.
            (Self::Fired, FenceEvent::Heard | FenceEvent::Needed(_) | FenceEvent::Tick) => (self, false),
            // The answers are of an earlier death.
            (Self::Armed(_), FenceEvent::Needed(_) | FenceEvent::Tick)
            | (Self::Armed(_) | Self::Unneeded, FenceEvent::Answer(_) | FenceEvent::GaveUp)
            | (Self::Unneeded, FenceEvent::Tick)
            | (
                Self::Done | Self::Forgone,
                FenceEvent::Needed(_) | FenceEvent::Tick | FenceEvent::Answer(_) | FenceEvent::GaveUp,
            ) => (self, false),
        }
    }

    /// When it wants [`FenceEvent::Tick`].
    pub(crate) fn deadline(self) -> Instant {
        match self {
            Self::Armed(at) => at,
            Self::Unneeded | Self::Fired | Self::Done | Self::Forgone => Instant::NEVER,
        }
    }

    /// Does it speak for the peer's death by itself, so that nobody has to be asked?
    pub(crate) const fn speaks(self) -> bool {
        match self {
            Self::Armed(_) | Self::Fired | Self::Done => true,
            Self::Unneeded | Self::Forgone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1000);

    #[test]
    fn every_pair_is_as_drawn() {
        let armed = Fence::Armed(NOW.plus(Duration::from_millis(1)));
        let due = Fence::Armed(NOW);
        let delay = Duration::from_secs(3);
        let later = Fence::Armed(NOW.plus(delay));
        let retry = Fence::Armed(NOW.plus(RETRY));
        use FenceEvent::{Answer, GaveUp, Heard, Needed, Tick, Vouched};
        let table = [
            (
                Fence::Unneeded,
                [
                    (Needed(delay), later, false),
                    (Heard, Fence::Unneeded, false),
                    (Tick, Fence::Unneeded, false),
                    (Answer(true), Fence::Unneeded, false),
                    (GaveUp, Fence::Unneeded, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
            (
                armed,
                [
                    (Needed(delay), armed, false),
                    (Heard, Fence::Unneeded, false),
                    (Tick, armed, false),
                    (Answer(true), armed, false),
                    (GaveUp, armed, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
            (
                due,
                [
                    (Needed(delay), due, false),
                    (Heard, Fence::Unneeded, false),
                    (Tick, Fence::Fired, true),
                    (Answer(false), due, false),
                    (GaveUp, due, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
            (
                Fence::Fired,
                [
                    (Needed(delay), Fence::Fired, false),
                    (Heard, Fence::Fired, false),
                    (Answer(true), Fence::Done, false),
                    (Answer(false), retry, false),
                    (GaveUp, Fence::Forgone, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
            (
                Fence::Done,
                [
                    (Needed(delay), Fence::Done, false),
                    (Heard, Fence::Unneeded, false),
                    (Tick, Fence::Done, false),
                    (Answer(false), Fence::Done, false),
                    (GaveUp, Fence::Done, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
            (
                Fence::Forgone,
                [
                    (Needed(delay), Fence::Forgone, false),
                    (Heard, Fence::Unneeded, false),
                    (Tick, Fence::Forgone, false),
                    (Answer(true), Fence::Forgone, false),
                    (GaveUp, Fence::Forgone, false),
                    (Vouched, Fence::Done, false),
                ],
            ),
        ];
        for (from, row) in table {
            for (event, to, fires) in row {
                assert_eq!(from.next(event, NOW), (to, fires), "{from:?} on {event:?}");
            }
        }
        assert_eq!(Fence::Fired.next(Tick, NOW), (Fence::Fired, false));
    }
}
