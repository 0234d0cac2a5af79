//! One resource group on this node: its state machine, its epoch and mark, and the scripts that carry it.

use crate::cluster::ask::{self, Ask};
use crate::cluster::call::Goal;
use crate::cluster::data::Copy;
use crate::cluster::monitor::Monitor;
use crate::cluster::sequence::Sequence;
use crate::config::GroupConfig;
use crate::event::Wait;
use crate::message::{GroupState, Reason};
use crate::node::Line;
use crate::status::Culprit;
use crate::time::{Duration, Instant};

/// Copies of a group's data that a node has room for.
pub(crate) const COPIES: usize = if cfg!(feature = "data") { 1 } else { 0 };
/// First pause before a failed start is tried again when nobody else can; doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(10);
const RETRY_MAX: Duration = Duration::from_secs(320);

/// From here on epochs are not told apart by side any more; 2 for each claim are left below.
const LAST_EPOCHS: u32 = u32::MAX - 1;
/// What lives that never answered show moves the memory by this much at most in a life of ours.
const UNMET_STEP: u32 = 1 << 16;

/// What can happen to a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GroupEvent {
    /// The clean-up at the daemon's start proved it stopped.
    Clean,
    /// This node decided to run it.
    Claim,
    /// Every start succeeded.
    Started,
    /// A start failed, and everything is proven stopped.
    StartFailed,
    /// The monitor wants a restart in place.
    Restart,
    /// It must end here: handover, conflict, leave.
    Release,
    /// Every stop is proven.
    Stopped,
    /// Every stop is proven, and it must not start here again: the monitor gave up on it.
    StoppedForGood,
    /// A stop failed or hung.
    StopFailed,
    /// An operator: try again.
    Clear,
}

/// The machine; the diagram is at [`GroupState`]. A pair that cannot occur, or means nothing, changes nothing (DESIGN §5.5).
#[must_use]
pub(crate) const fn next(state: GroupState, event: GroupEvent) -> GroupState {
    use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};
    match (state, event) {
        (Unknown, GroupEvent::Clean) => Idle,
        (Unknown, GroupEvent::StopFailed) => Stuck,
        (Idle | Failed, GroupEvent::Claim) => Starting,
        (Starting, GroupEvent::Started) => Held,
        (Starting, GroupEvent::StartFailed) => Failed,
        (Starting | Held, GroupEvent::Release) => Stopping,
        (Starting | Stopping, GroupEvent::StopFailed) => Stuck,
        (Held, GroupEvent::Restart) => Starting,
        (Stopping, GroupEvent::Stopped) => Idle,
        (Stopping, GroupEvent::StoppedForGood) => Failed,
        (Failed, GroupEvent::Clear) => Idle,
        (Stuck, GroupEvent::Clear) => Stopping,
        (
            Unknown,
            GroupEvent::Claim
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Restart
            | GroupEvent::Release
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::Clear,
        ) => Unknown,
        (
            Idle,
            GroupEvent::Clean
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Restart
            | GroupEvent::Release
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::StopFailed
            | GroupEvent::Clear,
        ) => Idle,
        (
            Starting,
            GroupEvent::Clean
            | GroupEvent::Claim
            | GroupEvent::Restart
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::Clear,
        ) => Starting,
        (
            Held,
            GroupEvent::Clean
            | GroupEvent::Claim
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::StopFailed
            | GroupEvent::Clear,
        ) => Held,
        (
            Stopping,
            GroupEvent::Clean
            | GroupEvent::Claim
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Restart
            | GroupEvent::Release
            | GroupEvent::Clear,
        ) => Stopping,
        (
            Failed,
            GroupEvent::Clean
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Restart
            | GroupEvent::Release
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::StopFailed,
        ) => Failed,
        (
            Stuck,
            GroupEvent::Clean
            | GroupEvent::Claim
            | GroupEvent::Started
            | GroupEvent::StartFailed
            | GroupEvent::Restart
            | GroupEvent::Release
            | GroupEvent::Stopped
            | GroupEvent::StoppedForGood
            | GroupEvent::StopFailed,
        ) => Stuck,
    }
}

/// What must pass before the first start script of a claim runs (DESIGN §7 O2, §8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gate {
    /// Nothing: the scripts run.
    Open,
    /// The epoch is on its way to the disk: wait for this write, until this time at most.
    Persist {
        /// The write.
        serial: u32,
        /// Go on unproven at this time.
        until: Instant,
    },
    /// The fence must prove the peer off, if one is needed.
    Fence,
    /// It is put back in place from this resource on, and another machine may have taken it meanwhile: its addresses are
    /// asked for.
    Ask(u8),
    /// The data must be brought, and stamped.
    Data,
}

#[cfg(feature = "coverage")]
impl Gate {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Open => 0,
            Self::Persist { .. } => 1,
            Self::Fence => 2,
            Self::Data => 3,
            Self::Ask(_) => 4,
        }
    }
}

/// What becomes of the watchdog while the group is stuck (DESIGN §8): one reset per stuck episode, and none before the
/// record of it is on the disk.
///
/// ```text
///        stuck, armed                its record is on the disk
///  Free -------------> Asked(serial) -------------------------> Unfed --(reset; the record says Spent)--> Spent
///   ^                                                                                                      |
///   +-- proven stopped; or cleared by an operator, but for Unfed: the peer counts on that reset -----------+
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reset {
    /// None was asked for in this episode.
    Free,
    /// This write will hold that one is.
    Asked(u32),
    /// The watchdog is not fed for this group any more.
    Unfed,
    /// An earlier life did that already: this one feeds on, and shows the watchdog as not armed.
    Spent,
}

/// One group on this node.
// Small fields first and in this order, as in the node.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Group {
    pub(crate) state: GroupState,
    /// How the peer's last hello has it.
    pub(crate) line: Line,
    pub(crate) wait: Option<Wait>,
    pub(crate) wanted: Option<Reason>,
    /// The two lines agree, as last reported.
    pub(crate) agreed: Option<bool>,
    /// The running stop ends in [`GroupState::Failed`].
    pub(crate) for_good: bool,
    /// An operator's move stands.
    pub(crate) pinned: bool,
    /// An operator wants it here.
    pub(crate) takeover: bool,
    /// Both nodes run it, and that was reported.
    pub(crate) conflict: bool,
    /// The peer may run it too: once it does not, clients are told again.
    pub(crate) contested: bool,
    /// The next start script waits for the peer.
    pub(crate) held_back: bool,
    /// The start that runs restarts what this node held: it claims nothing.
    pub(crate) in_place: bool,
    /// It was stuck, and is not proven stopped since.
    pub(crate) unproven: bool,
    /// The peer showed it stuck, and nothing proved it stopped or the peer off since.
    pub(crate) peer_stuck: bool,
    /// Gratuitous ARP is due.
    pub(crate) announce: bool,
    /// This boot may have started it, and it was not proven stopped since.
    pub(crate) started: bool,
    /// That the epochs have come to their end was said.
    pub(crate) spent_said: bool,
    pub(crate) config: GroupConfig,
    /// What it is failed or stuck for.
    pub(crate) culprit: Option<Culprit>,
    /// The last bad answer that was told: one that is tried again is told once.
    pub(crate) told: Option<Culprit>,
    /// The epoch of the current or last tenure here.
    pub(crate) epoch: u32,
    /// The highest epoch that anybody showed this node.
    pub(crate) seen: u32,
    /// *Yielded at this epoch*.
    pub(crate) mark: Option<u32>,
    /// The one reset of a stuck episode.
    pub(crate) reset: Reset,
    /// What frames of lives that never answered may bring `seen` to.
    unmet_limit: u32,
    pub(crate) gate: Gate,
    /// When a failed start may be tried again, and the pause after that.
    pub(crate) retry_at: Instant,
    retry_pause: Duration,
    /// No failback before this: a conflict was solved.
    pub(crate) quiet_until: Instant,
    pub(crate) sequence: Sequence,
    pub(crate) monitor: Monitor,
    /// Its data, if it has any; of no size in a build without data.
    copies: [Option<Copy>; COPIES],
    /// The questions for its addresses, if it has any; of no size in a build without them.
    asks: [Option<Ask>; ask::ROOM],
}

impl Group {
    /// `seen` and `newest`: the highest epochs that the last life saw, on anything and on a stamp (DESIGN §5.4, §7 O1.2).
    pub(crate) fn new(config: GroupConfig, seen: u32, newest: u32) -> Self {
        let mut group = Self {
            config,
            state: GroupState::Unknown,
            epoch: 0,
            seen,
            unmet_limit: seen.saturating_add(UNMET_STEP),
            spent_said: false,
            mark: None,
            gate: Gate::Open,
            sequence: Sequence::none(),
            monitor: Monitor::new(),
            copies: [const { None }; COPIES],
            asks: [const { None }; ask::ROOM],
            for_good: false,
            pinned: false,
            takeover: false,
            wanted: None,
            wait: None,
            retry_at: Instant::ZERO,
            retry_pause: RETRY_FIRST,
            quiet_until: Instant::ZERO,
            conflict: false,
            contested: false,
            held_back: false,
            in_place: false,
            unproven: false,
            peer_stuck: false,
            announce: false,
            agreed: None,
            line: Line::Same,
            started: false,
            reset: Reset::Free,
            culprit: None,
            told: None,
        };
        for copy in &mut group.copies {
            *copy = config.data.map(|data| Copy::new(data, newest));
        }
        group
    }

    /// The copy of its data.
    #[inline(always)]
    pub(crate) fn copy(&self) -> Option<&Copy> {
        self.copies.first()?.as_ref()
    }

    /// The copy of its data.
    #[inline(always)]
    pub(crate) fn copy_mut(&mut self) -> Option<&mut Copy> {
        self.copies.first_mut()?.as_mut()
    }

    /// Its addresses, one bit each.
    pub(crate) fn set_addresses(&mut self, mask: u32) {
        for ask in &mut self.asks {
            *ask = (mask != 0).then(|| Ask::new(mask));
        }
    }

    /// The questions for its addresses.
    #[inline(always)]
    pub(crate) fn ask(&self) -> Option<&Ask> {
        self.asks.first()?.as_ref()
    }

    /// The questions for its addresses.
    #[inline(always)]
    pub(crate) fn ask_mut(&mut self) -> Option<&mut Ask> {
        self.asks.first_mut()?.as_mut()
    }

    /// A pull of its data runs, or may still run.
    #[inline(always)]
    pub(crate) fn pulls(&self) -> bool {
        self.copy().is_some_and(Copy::pulls)
    }

    /// It was claimed, and none of its start scripts has begun: nothing of it runs here.
    pub(crate) fn not_begun(&self) -> bool {
        let shut = match self.gate {
            Gate::Persist { .. } | Gate::Fence | Gate::Data => true,
            Gate::Ask(_) => false,
            Gate::Open => !self.sequence.begun(),
        };
        self.state == GroupState::Starting && !self.in_place && shut
    }

    /// Some of it runs here or may come up, and its addresses may be down all the same. What is held answers for itself.
    pub(crate) fn runs_in_part(&self) -> bool {
        match self.state {
            GroupState::Unknown => self.started,
            GroupState::Starting => !self.not_begun(),
            GroupState::Stopping => self.sequence.begun(),
            GroupState::Stuck => true,
            GroupState::Idle | GroupState::Held | GroupState::Failed => false,
        }
    }

    /// Its scripts are to be called for `goal`.
    pub(crate) fn begin(&mut self, goal: Goal) {
        self.sequence = self.sequence.after(goal, self.config.resources);
        self.sequence.believe(self.config.claimable);
        self.told = None;
    }

    /// No epoch is above those seen: the last few are the same for both nodes, and ties are broken by side.
    pub(crate) fn spent(&self) -> bool {
        self.seen >= LAST_EPOCHS
    }

    /// An epoch was shown by a life that never answered: it moves the memory, but all such frames of a life of ours by a
    /// step at most, so that no recording or stranger can bring the epochs to their end. `true` when it is the highest.
    /// DESIGN §7 O5.5.
    pub(crate) fn saw_unmet(&mut self, epoch: u32) -> bool {
        self.saw(epoch.min(self.unmet_limit))
    }

    /// An epoch was shown by anybody. `true` when it is the highest so far.
    pub(crate) fn saw(&mut self, epoch: u32) -> bool {
        let higher = epoch > self.seen;
        if higher {
            self.seen = epoch;
        }
        higher
    }

    /// An epoch was shown on a stamp, by a life that answered or not. `true` when it is the highest so far.
    pub(crate) fn saw_stamp(&mut self, epoch: u32, met: bool) -> bool {
        let epoch = if met { epoch } else { epoch.min(self.unmet_limit) };
        let newer = self.copy_mut().is_some_and(|copy| copy.saw(epoch));
        self.saw(epoch) || newer
    }

    /// What a beat says: the tenure's epoch while the group may run here, else the highest seen.
    pub(crate) fn shown_epoch(&self) -> u32 {
        match self.state {
            GroupState::Starting | GroupState::Held | GroupState::Stopping | GroupState::Stuck => self.epoch,
            GroupState::Unknown | GroupState::Idle | GroupState::Failed => self.seen,
        }
    }

    /// This node could start it.
    pub(crate) fn able(&self) -> bool {
        let fit = match self.state {
            GroupState::Idle | GroupState::Starting | GroupState::Held | GroupState::Stopping => true,
            GroupState::Unknown | GroupState::Failed | GroupState::Stuck => false,
        };
        fit && self.config.claimable && !self.for_good
    }

    /// The start failed here: when to try again if nobody else can (DESIGN §7 O7.4).
    pub(crate) fn plan_retry(&mut self, now: Instant) {
        self.retry_at = now.plus(self.retry_pause);
        self.retry_pause = self.retry_pause.doubled().min(RETRY_MAX);
    }

    /// A start succeeded, or the operator cleared the failure: the next pause is short again.
    pub(crate) fn forget_failures(&mut self) {
        self.retry_pause = RETRY_FIRST;
        self.retry_at = Instant::ZERO;
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
