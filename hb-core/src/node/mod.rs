//! The node: one [`Input`] in, actions out, one deadline. It only puts the rules of `cluster` together.
//!
//! `life` begins it, `news` is what befalls it, `receive` takes frames in, `foreign`
//! takes Heartbeat's text, `tick` judges silence, `decide` settles the
//! groups, `ask` asks for their addresses, `differs` is about lines that the peer has otherwise, `claim` and `data` are
//! about their copies, `scripts` carries them, `beat` and `output` send, `older` decides beside a peer of an older version;
//! `operator`, `status` and `glance` are for those who look on.

mod ask;
mod beat;
mod claim;
mod data;
mod decide;
mod differs;
mod epochs;
mod foreign;
mod glance;
mod keys;
mod life;
mod news;
#[cfg(feature = "next-wire")]
mod next;
mod older;
mod operator;
mod output;
mod receive;
mod scripts;
mod status;
mod tick;
mod twin;

use crate::action::Action;
use crate::auth::Keyring;
use crate::cluster::ask::Known;
use crate::cluster::clock::Clock;
use crate::cluster::fence::Fence;
use crate::cluster::foreign::Foreign;
use crate::cluster::group::{Gate, Group, Reset};
use crate::cluster::handshake::Handshake;
use crate::cluster::link::{Link, SendTimes};
use crate::cluster::peer::Peer;
use crate::cluster::ping::{Isolation, Pings};
use crate::config::{Config, MAX_GROUPS, MAX_LINKS, Tuning};
use crate::event::Event;
use crate::frame::{self, Decoder};
use crate::ids::{GroupId, Incarnation};
use crate::input::{Input, Watchdog};
use crate::message::wire::MAX_HEARD;
use crate::message::{GroupState, Phase};
use crate::time::{Duration, Earliest, Instant};
pub(crate) use differs::Line;
pub use glance::Glance;
use glance::cover;
use heapless::{Deque, Vec};
pub use life::{Record, Saved};
use scripts::ScriptAction;

/// Bytes that [`Node::poll_action`] may need for one frame on the wire.
pub const FRAME_BUF: usize = frame::MAX_FRAME;
/// Events that may wait between two drains; what does not fit is counted.
const MAX_EVENTS: usize = 24;
/// A claim waits for its epoch to reach the disk for one keepalive, and this at most (DESIGN §8).
const PERSIST_MAX: Duration = Duration::from_secs(1);
/// From a write that failed to the next try.
const PERSIST_RETRY: Duration = Duration::from_secs(1);

/// What a link needs to take a byte stream apart.
#[derive(Clone, Debug)]
struct Stream {
    decoder: Decoder<MAX_HEARD>,
    text: frame::foreign::Collector,
    /// Text came since the last zero byte.
    texts: bool,
}

/// Evidence that somebody holds the groups whom this node cannot make itself heard to (DESIGN §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OneWay {
    /// Nothing of the kind.
    None,
    /// Since then, authentic frames of an unmet incarnation show a holder; nothing is claimed yet anyway.
    Evidence(Instant),
    /// The addresses are being probed.
    Probing,
    /// Somebody answered; probe again at this time.
    Answered(Instant),
    /// Nobody answered: the frames are a recording, or their sender is gone; or it only began to start
    /// (`Node::one_way_life`).
    Cleared,
}

/// The orderly end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Leave {
    /// The beat that showed everything stopped.
    seq: u32,
    /// The peer need not be waited for after this, unless it pulls.
    until: Instant,
    /// Nor after this.
    last: Instant,
}

/// One node of the cluster.
///
/// The loop that drives it, in six steps:
/// 1. make it with [`Node::new`];
/// 2. drain [`Node::poll_action`] until `None`, doing each action;
/// 3. sleep until [`Node::poll_deadline`] or until something is ready;
/// 4. read the clock once;
/// 5. give one [`Input`] for each thing that is ready, doing step 2 after each;
/// 6. end the round with [`Input::Tick`], and go to step 2.
///
/// It can be cloned to try what would happen next. Two clones are one life: only one of them may ever send.
// In this order, and in that of C: a processor with short instructions reaches the first 32 bytes, the first words and
// the first kilobyte with one of them, so what is looked at most stands in front and what is large behind.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Node {
    out: Outbox,
    phase: Phase,
    /// Input that queued up while the loop stood still is being taken in.
    recovering: bool,
    /// It stood still for so long that the peer may have written this node off, and has heard nothing since that was not
    /// in the queue: what the peer shows may be older than its next life.
    behind: bool,
    /// The current beat is a long form.
    long_form: bool,
    /// A group that is no longer configured may still run here.
    unlisted: bool,
    /// The peer has signed with a secret of this ring: `crc` proves nothing any more.
    keyed: bool,
    /// The peer did not take the key that was last on trial.
    trial_failed: bool,
    /// The key that the peer's last sign of life was tagged with.
    peer_key: Option<u8>,
    seq: u32,
    /// The nonce of the life that the evidence which was asked about showed as a holder, whose addresses answer; zero where it
    /// was only on its way there.
    one_way_life: u32,
    next_token: u32,
    persist_serial: u32,
    incarnation: Incarnation,
    /// Running time of the current input.
    now: Instant,
    /// Running time of the last round that read all input: the timers of claims look at this, so that queued input comes
    /// first.
    ticked: Instant,
    /// Whether this node takes itself for the isolated one.
    isolated: Isolation,
    /// The loop stood still: yield to any higher epoch until this time or a frame of the peer.
    unconfirmed: Option<Instant>,
    /// Links were not read empty since then: silence is not judged yet.
    undrained: Option<Instant>,
    watchdog: Watchdog,
    fence: Fence,
    one_way: OneWay,
    leave: Option<Leave>,
    /// How late the current round began.
    late: Duration,
    /// Running time up to which it is known what came on the links: the last tick, or the last [`Input::Unread`].
    listened: Instant,
    /// Send the long form at least until then.
    hello_until: Instant,
    next_beat: Instant,
    /// When a write that failed is tried again.
    persist_again: Instant,
    /// When the ping nodes were asked last beside the steady round.
    pinged: Instant,
    /// Which way the two scores differ, and since when.
    score_gap: (core::cmp::Ordering, Instant),
    clock: Clock,
    config: Config,
    peer: Peer,
    groups: Vec<Group, MAX_GROUPS>,
    pings: Pings,
    shake: Handshake,
    sends: SendTimes,
    /// Another machine of this name, and two of the peer's; of no size in a build that tells no twins.
    twin: [twin::Twin; twin::ROOM],
    lives: [twin::Lives; twin::ROOM],
    foreign: Foreign,
    /// Proxies and duplicates of service addresses.
    known: Known,
    keys: Keyring,
    /// A new signing key, until the peer shows that it has it.
    trial: Option<keys::Trial>,
    links: Vec<Link, MAX_LINKS>,
    queue: Queue,
    streams: Vec<Option<Stream>, MAX_LINKS>,
    /// What a peer of an older version is offered; of no size in a build that reads no older version.
    offers: [older::Offer; older::ROOM],
    #[cfg(feature = "next-wire")]
    speaks: crate::message::wire::Speaks,
    #[cfg(feature = "coverage")]
    coverage: crate::coverage::Coverage,
}

/// What is due, for [`Node::poll_action`] to hand out.
#[derive(Clone, Debug, Default)]
struct Outbox {
    beat: bool,
    /// Links that the current beat was not sent on yet, one bit each.
    transmit: u8,
    /// The same of a word of the next version.
    #[cfg(feature = "next-wire")]
    word: u8,
    feed: bool,
    ping: bool,
    persist: bool,
    fence: bool,
    probe: bool,
    exit: Option<bool>,
    events_lost: u32,
    events_lost_total: u32,
    fed: u32,
}

/// What waits in line for [`Node::poll_action`].
#[derive(Clone, Debug, Default)]
struct Queue {
    calls: Deque<ScriptAction, 24>,
    events: Deque<Event, MAX_EVENTS>,
}

impl Node {
    /// Takes in one thing that happened at `now`, the caller's clock as it was read for this round. Never fails, never blocks;
    /// work is bounded by the bytes handed in. A clock that goes backwards is held.
    // Kept apart, so that it stays compiled as this crate is: a caller built for size fills memory byte by byte.
    #[inline(never)]
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.read_clock(now);
        match input {
            Input::Received { link, bytes } => self.received(link, bytes),
            Input::LinkChanged { link, up } => self.link_changed(link, up),
            Input::ScriptDone { token, outcome } => self.script_done(token, outcome),
            Input::PingAnswer { ping } => self.ping_answered(ping),
            Input::PingIsPeer { ping, is_peer } => self.pings.set_peer(ping, is_peer),
            Input::Persisted { serial } => self.persisted(serial),
            Input::PersistFailed { serial } => self.persist_failed(serial),
            Input::FenceDone { ok } => self.fence_done(ok),
            Input::ProbeDone { answered } => self.probe_done(answered),
            Input::Asked { address, what } => self.asked(address, what),
            Input::Claimable { group, claimable } => {
                if let Some(group) = self.groups.get_mut(usize::from(group.0)) {
                    self.out.beat |= group.config.claimable != claimable;
                    group.config.claimable = claimable;
                }
            }
            Input::Look { group, resource } => self.look(group, resource),
            Input::Copy { group, stamp, age } => self.copy_read(group, &stamp, age),
            Input::StampWritten { token, ok } => self.stamp_written(token, ok),
            Input::PullDone { token, outcome } => self.pull_done(token, &outcome),
            Input::Watchdog(watchdog) => {
                if watchdog == Watchdog::Pending && self.watchdog != watchdog {
                    self.report(Event::WatchdogPending);
                }
                if watchdog != self.watchdog {
                    // How long it is armed for is in the long form.
                    self.hello_until = self.now.plus(self.config.timing.deadtime);
                }
                if self.watchdog != watchdog {
                    // The shell keeps what was armed beside what the node saves; and the peer is shown that it can, or cannot.
                    self.persist();
                    self.out.beat = true;
                }
                self.watchdog = watchdog;
                self.ask_for_reset();
            }
            Input::Unread => self.unread(),
            Input::Tick { drained } => self.tick(drained),
        }
        self.settle();
        if matches!(input, Input::Tick { .. }) {
            self.late = Duration::ZERO;
        }
    }

    /// Every way into the node begins here: whatever comes first after a stall finds it.
    pub(super) fn read_clock(&mut self, now: Instant) {
        let worst = self.clock.worst();
        let reading = self.clock.read(now);
        self.now = reading.now;
        self.late = self.late.max(reading.late);
        if let Some(gap) = reading.gap {
            self.stood_still(gap, reading.late > worst);
        }
    }

    /// The part of the configuration that may change in this life, as it holds now: see [`Node::retune`].
    #[must_use]
    pub const fn tuning(&self) -> Tuning {
        self.config.tuning()
    }

    /// When to give [`Input::Tick`] at the latest, on the caller's clock. To be asked for anew after every input.
    #[must_use]
    pub fn poll_deadline(&self) -> Instant {
        self.clock.promised()
    }

    /// Brings everything to rest after an input: decisions, scripts, the beat that shows them, the next deadline.
    fn settle(&mut self) {
        // Each round can only follow from a change of the one before; a group passes few states without an answer.
        for _ in 0..8 {
            let decided = self.decide();
            let carried = self.carry();
            if !decided && !carried {
                break;
            }
        }
        self.follow_offer();
        if core::mem::take(&mut self.out.beat) {
            self.send_beat();
        }
        let deadline = self.deadline();
        self.clock.promise(deadline);
    }

    /// The earliest time at which something changes by itself, in running time.
    fn deadline(&self) -> Instant {
        let mut at = Earliest(self.next_beat);
        self.silence_deadline(&mut at);
        at.or(self.trial_deadline());
        at.or(self.persist_again);
        at.or(self.pings.deadline());
        if self.may_fence() {
            at.or(self.fence.deadline());
        }
        at.or(self.twin_deadline());
        self.offer_deadline(&mut at);
        for until in [self.unconfirmed, self.isolated.until()].into_iter().flatten() {
            at.or(until);
        }
        if let Some(leave) = self.leave {
            at.or(if self.peer_needs_copy(true) { leave.last } else { leave.until });
        }
        if let OneWay::Answered(again) = self.one_way {
            at.or(again);
        }
        for (id, group) in self.group_ids().zip(&self.groups) {
            self.group_deadline(group, &mut at);
            self.copy_deadline(id, &mut at);
            self.ask_deadline(id, &mut at);
        }
        at.0
    }

    /// When `group` wants time to pass.
    fn group_deadline(&self, group: &Group, at: &mut Earliest) {
        Self::script_deadline(group, at);
        if let Gate::Persist { until, .. } = group.gate {
            at.or(until);
        }
        if group.state == GroupState::Failed && group.retry_at > self.ticked {
            at.or(group.retry_at);
        }
        if group.quiet_until > self.ticked {
            at.or(group.quiet_until);
        }
    }

    /// Tell people.
    fn report(&mut self, event: Event) {
        if self.queue.events.push_back(event).is_err() {
            self.out.events_lost = self.out.events_lost.saturating_add(1);
            self.out.events_lost_total = self.out.events_lost_total.saturating_add(1);
        }
    }

    fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len() as u8).map(GroupId)
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(usize::from(id.0))
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(usize::from(id.0))
    }

    /// The first group whose stop failed or hung, so that it may still run.
    fn stuck_group(&self) -> Option<GroupId> {
        self.group_ids().find(|id| self.group(*id).is_some_and(|g| g.state == GroupState::Stuck))
    }

    /// Whether the watchdog is no longer fed, for a group that is stuck, or was and is not proven stopped since.
    fn unfed(&self) -> bool {
        self.groups.iter().any(|group| group.unproven && group.reset == Reset::Unfed)
    }

    /// The watchdog is armed, and what it is fed for is in order: then, and only then, silence of this node proves that
    /// it was reset. One that is fed beside a stuck group is not shown.
    fn shows_armed(&self) -> bool {
        matches!(self.watchdog, Watchdog::Armed { .. })
            && (self.unfed() || !self.groups.iter().any(|group| group.unproven))
    }

    /// The next thing for the shell to do; `None` when nothing is left. To be called until then after [`Node::new`], and after
    /// every input and command. The bytes of an [`Action::Transmit`] are put into `out`; nothing else touches it.
    #[must_use]
    #[inline(never)]
    pub fn poll_action(&mut self, out: &mut [u8; FRAME_BUF]) -> Option<Action> {
        self.next_action(out)
    }
}
