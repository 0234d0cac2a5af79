//! Liveness of the peer (DESIGN §6), and its last view of the world.

use crate::auth::replay::Window;
use crate::ids::Incarnation;
use crate::list::refill;
use crate::message::wire::{MAX_GROUPS, NEWEST, OLDEST, Says};
use crate::message::{Beat, GroupBeat, GroupName, GroupState, Hello, Phase};
use crate::status::PeerState;
use crate::time::{Duration, Instant};
use heapless::Vec;

/// What can happen to the peer's liveness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PeerEvent {
    /// A new beat of the met incarnation came.
    Heard,
    /// `warntime` passed in silence.
    Late,
    /// The deadtime (`initdead` before the first meeting) passed in silence on all links.
    Silent,
}

/// The liveness machine.
///
/// ```text
///            heard            late
///  Unknown --------> Up <------------> Late
///     |              ^ heard             |
///     | silent       |                   | silent
///     +-----------> Dead <---------------+
/// ```
#[must_use]
pub(crate) const fn next(state: PeerState, event: PeerEvent) -> PeerState {
    match (state, event) {
        (PeerState::Unknown, PeerEvent::Heard) => PeerState::Up,
        (PeerState::Unknown, PeerEvent::Late) => PeerState::Unknown,
        (PeerState::Unknown, PeerEvent::Silent) => PeerState::Dead,
        (PeerState::Up, PeerEvent::Heard) => PeerState::Up,
        (PeerState::Up, PeerEvent::Late) => PeerState::Late,
        (PeerState::Up, PeerEvent::Silent) => PeerState::Dead,
        (PeerState::Late, PeerEvent::Heard) => PeerState::Up,
        (PeerState::Late, PeerEvent::Late) => PeerState::Late,
        (PeerState::Late, PeerEvent::Silent) => PeerState::Dead,
        (PeerState::Dead, PeerEvent::Heard) => PeerState::Up,
        (PeerState::Dead, PeerEvent::Late) => PeerState::Dead,
        (PeerState::Dead, PeerEvent::Silent) => PeerState::Dead,
    }
}

/// The peer as far as it was met.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Peer {
    pub(crate) state: PeerState,
    /// The last beat's fields.
    pub(crate) phase: Phase,
    pub(crate) unconfirmed: bool,
    pub(crate) armed: bool,
    pub(crate) hears: u8,
    pub(crate) score: u8,
    /// By position in its lists: groups that this node does not list.
    pub(crate) unknown: u8,
    /// By position: groups that are out of step, if there is more than a pair of lines that is; else none.
    pub(crate) tangled: u8,
    /// It left in order: what it showed idle needs neither waiting nor fencing.
    pub(crate) left: bool,
    /// An operator vouched that it is off, and it was not heard since.
    pub(crate) vouched: bool,
    /// Its life has met ours, so what it says that it hears is us.
    pub(crate) knows_us: bool,
    /// That its times differ was reported.
    pub(crate) timing_reported: bool,
    /// The met life was silent for a deadtime and has answered no challenge since: its frames may be old.
    pub(crate) owes_answer: bool,
    /// It speaks a version below ours, and cannot read what this node shows.
    pub(crate) older: bool,
    /// A later life of its machine was heard, unmet, and nothing of the met one since: what that showed is over.
    pub(crate) followed: bool,
    /// Sequence numbers of that incarnation on any link: only a fresh one is life.
    pub(crate) seqs: Window,
    /// The incarnation that proved to live.
    pub(crate) met: Option<Incarnation>,
    pub(crate) timing_digest: Option<u32>,
    /// Its machine's boot identity, if its last hello knew it.
    pub(crate) boot: Option<u32>,
    /// It speaks a newer version: what the header of its last frame says, and since when without a break.
    pub(crate) newer: Option<(Says, Instant)>,
    /// Running time of the last sign of life.
    pub(crate) last_heard: Instant,
    pub(crate) deadtime: Duration,
    pub(crate) watchdog: Option<Duration>,
    groups: Vec<GroupBeat, MAX_GROUPS>,
    /// The last hello's fields.
    names: Vec<GroupName, MAX_GROUPS>,
}

impl Peer {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: PeerState::Unknown,
            met: None,
            seqs: Window::default(),
            last_heard: now,
            phase: Phase::Joining,
            unconfirmed: false,
            armed: false,
            hears: 0,
            score: 0,
            groups: Vec::new(),
            names: Vec::new(),
            boot: None,
            deadtime: Duration::ZERO,
            watchdog: None,
            timing_digest: None,
            unknown: 0,
            tangled: 0,
            left: false,
            vouched: false,
            knows_us: false,
            timing_reported: false,
            owes_answer: false,
            newer: None,
            older: false,
            followed: false,
        }
    }

    /// Met, and not silent for its deadtime.
    pub(crate) fn alive(&self) -> bool {
        matches!(self.state, PeerState::Up | PeerState::Late)
    }

    /// What it says, while it is alive and of a newer version.
    pub(crate) fn newer(&self) -> Option<(Says, Instant)> {
        self.newer.filter(|_| self.alive())
    }

    /// Heard both ways: it has met our life, and hears it now.
    pub(crate) fn both_ways(&self) -> bool {
        self.alive() && self.knows_us && self.hears != 0
    }

    /// Its groups by our name: `None` when it does not list the group.
    pub(crate) fn group(&self, name_hash: u32) -> Option<&GroupBeat> {
        self.groups.get(self.position(name_hash)?)
    }

    /// Did its last beat show any group so?
    pub(crate) fn shows(&self, state: GroupState) -> bool {
        self.groups.iter().any(|group| group.state == state)
    }

    /// Where its beats list the group of that name.
    pub(crate) fn position(&self, name_hash: u32) -> Option<usize> {
        self.names.iter().position(|name| name.hash == name_hash)
    }

    /// The name of the group that its beats list there.
    pub(crate) fn hash_at(&self, at: usize) -> Option<u32> {
        self.names.get(at).map(|name| name.hash)
    }

    /// What its hello says of the group.
    pub(crate) fn name(&self, name_hash: u32) -> Option<&GroupName> {
        self.names.iter().find(|name| name.hash == name_hash)
    }

    /// What its hello lists.
    pub(crate) fn names(&self) -> impl Iterator<Item = &GroupName> {
        self.names.iter()
    }

    /// The name of the group that its beats list there, if this node does not list it.
    pub(crate) fn unknown_at(&self, at: usize) -> Option<u32> {
        self.hash_at(at).filter(|_| bit(self.unknown, at))
    }

    /// What its last beat shows of the groups that are out of step.
    pub(crate) fn tangled_groups(&self) -> impl Iterator<Item = &GroupBeat> {
        let shown: &[GroupBeat] = if self.tangled == 0 { &[] } else { &self.groups };
        shown.iter().enumerate().filter(|(at, _)| bit(self.tangled, *at)).map(|(_, shown)| shown)
    }

    /// May the peer run the group that its beats list there, or did it since the beat before? A new mark says that it did;
    /// what is stuck as before is nothing new.
    pub(crate) fn contests(&self, at: usize, shown: &GroupBeat) -> bool {
        let before = self.groups.get(at);
        let stuck = shown.state == GroupState::Stuck;
        let as_before = stuck && before.is_some_and(|before| before.state == GroupState::Stuck);
        let marked = shown.mark.is_some() && shown.mark != before.and_then(|before| before.mark);
        shown.state.may_run() && !as_before || marked
    }

    /// The same of any group that is out of step.
    pub(crate) fn contests_tangled(&self, beat: &Beat) -> bool {
        let strange = beat.groups.iter().enumerate().filter(|(at, _)| bit(self.tangled, *at));
        strange.fold(false, |contests, (at, shown)| contests | self.contests(at, shown))
    }

    /// A new life of the peer begins: nothing that the last one said holds any more.
    pub(crate) fn meet(&mut self, incarnation: Incarnation) {
        self.met = Some(incarnation);
        self.seqs = Window::default();
        self.hears = 0;
        self.left = false;
        self.newer = None;
        if OLDEST < NEWEST {
            self.older = false;
        }
        self.forget_body();
    }

    fn forget_body(&mut self) {
        self.groups.clear();
        self.names.clear();
        self.unknown = 0;
        self.tangled = 0;
        self.timing_digest = None;
        self.boot = None;
    }

    /// Take over the static view.
    pub(crate) fn take_hello(&mut self, hello: &Hello) {
        refill(&mut self.names, &hello.groups);
        // What is stuck in a life without one stays so after any later boot that might have been before it.
        self.boot = (hello.boot != 0).then_some(hello.boot);
        self.deadtime = hello.deadtime;
        self.watchdog = hello.watchdog;
        self.timing_digest = Some(hello.timing_digest);
    }

    /// Take over what can be read of a newer version. It sends the short form to a peer that it hears, and to no other.
    pub(crate) fn take_newer(&mut self, says: Says, short: bool, now: Instant) {
        let since = self.newer.filter(|(before, _)| *before == says).map_or(now, |(_, since)| since);
        self.newer = Some((says, since));
        self.phase = says.phase();
        self.unconfirmed = false;
        self.armed = false;
        self.hears = u8::from(short);
        self.forget_body();
    }

    /// Take over the dynamic view.
    pub(crate) fn take_beat(&mut self, beat: &Beat) {
        self.phase = beat.phase;
        self.unconfirmed = beat.unconfirmed;
        self.armed = beat.armed;
        self.hears = beat.hears;
        self.score = beat.score;
        refill(&mut self.groups, &beat.groups);
    }
}

fn bit(bits: u8, at: usize) -> bool {
    // A message lists no more groups than there are bits.
    bits & 1_u8.wrapping_shl(at as u32) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [PeerState; 4] = [PeerState::Unknown, PeerState::Up, PeerState::Late, PeerState::Dead];
    const EVENTS: [PeerEvent; 3] = [PeerEvent::Heard, PeerEvent::Late, PeerEvent::Silent];

    /// The whole table, written a second time by the rules instead of by the cells.
    #[test]
    fn every_pair_follows_the_rules() {
        for state in STATES {
            for event in EVENTS {
                let expected = match event {
                    PeerEvent::Heard => PeerState::Up,
                    PeerEvent::Silent => PeerState::Dead,
                    PeerEvent::Late if state == PeerState::Up => PeerState::Late,
                    PeerEvent::Late => state,
                };
                assert_eq!(next(state, event), expected, "{state:?} on {event:?}");
            }
        }
    }
}
