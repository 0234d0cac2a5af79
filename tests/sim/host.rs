//! One machine: its daemon, its disk, its resources, its clock, its watchdog.

use crate::copies::Pull;
use crate::disk::Disk;
use crate::drift::Drift;
use crate::edit::{Edit, Whole};
use crate::queue::Due;
use crate::script::Scripts;
use hb_core::auth::Keyring;
use hb_core::{
    Config, Duration, Event, GroupId, GroupStatus, Instant, LinkId, Node, Saved, Stamp, Token, Verb, Watchdog,
};
use std::collections::VecDeque;

/// A script call that runs, of this daemon or an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    pub(crate) life: u32,
    pub(crate) token: Token,
    /// The group.
    pub group: u8,
    /// Position in the group.
    pub resource: u8,
    /// With what.
    pub verb: Verb,
    /// It was to be killed, and nothing can.
    pub(crate) stays: bool,
}

/// The watchdog of a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dog {
    /// There is one, and the daemon arms it with this timeout.
    pub timeout: Option<Duration>,
    /// It fires up to this much after its timeout.
    pub granularity: Duration,
    /// It never fires.
    pub broken: bool,
    /// Another program has the device: no daemon that starts gets it.
    pub busy: bool,
    pub(crate) armed: bool,
    pub(crate) armed_at: Instant,
    pub(crate) fires_at: Instant,
    pub(crate) looked_at: bool,
}

/// One machine.
pub struct Host {
    /// Its configuration, used at the next start of the daemon.
    pub config: Config,
    /// Its keys, used at the next start of the daemon.
    pub keys: Keyring,
    /// The daemon, while it lives.
    pub node: Option<Node>,
    /// What is on its disk.
    pub saved: Saved,
    /// Its resources.
    pub scripts: Scripts,
    /// What the daemon told people, while [`crate::World::keep`] is set.
    pub events: Vec<Event>,
    /// The daemon ended by itself.
    pub exited: Option<bool>,
    /// Frames it sent, while [`crate::World::keep`] is set: time, link, bytes as they went out.
    pub sent: Vec<(Instant, LinkId, Vec<u8>)>,
    /// Gratuitous ARP bursts.
    pub announced: u32,
    /// Feeds of the watchdog.
    pub fed: u32,
    /// Ping nodes that answer it.
    pub reaches: Vec<bool>,
    /// The watchdog state given to the daemon at start, when [`Dog::timeout`] is not set.
    pub watchdog: Watchdog,
    /// The watchdog that really fires.
    pub dog: Dog,
    /// Its clock.
    pub drift: Drift,
    /// How long a write takes; [`Duration`] of an hour or more never ends.
    pub disk_time: Duration,
    /// Writes of the state fail: nothing reaches the disk.
    pub disk_fails: bool,
    /// A daemon that starts cannot read the identity of this boot.
    pub boot_unknown: bool,
    /// A frozen daemon: input is queued, and no clock ticks.
    pub frozen: bool,
    /// It is switched on.
    pub powered: bool,
    /// By group: what the daemon was told of its scripts.
    pub(crate) claimable: Vec<bool>,
    /// Links whose device is open, one bit each.
    pub open: u8,
    /// What the daemon was told of that.
    pub(crate) told: u8,
    /// Starts of the machine and of the daemon.
    pub(crate) boots: u32,
    pub(crate) life: u32,
    /// By service: under which group of its file, if at all.
    pub(crate) listed: [Option<u8>; 8],
    /// What its files are changed to at its next start, and whether that is the way back.
    pub(crate) edits: Vec<(Edit, bool)>,
    /// When its daemon began.
    pub(crate) born: Instant,
    /// Its newest write failed, then.
    pub(crate) write_failed: Option<Instant>,
    /// The life that tried it, and its serial.
    pub(crate) failed_serial: Option<(u32, u32)>,
    /// Each life of its daemon begins so far below the last number of a beat.
    pub(crate) last_numbers: Option<u32>,
    /// Its daemon speaks the next version of the wire; in a build with the feature `next-wire` only.
    pub next: bool,
    pub(crate) whole: Option<Box<Whole>>,
    pub(crate) backlog: VecDeque<Due>,
    pub(crate) calls: Vec<Call>,
    pub(crate) writes: VecDeque<(u32, u32, Saved)>,
    /// By group: its data.
    pub disks: Vec<Disk>,
    pub(crate) pulls: Vec<Pull>,
    pub(crate) stamps: VecDeque<(Token, u32, GroupId, Stamp)>,
    /// A round of inputs is to be ended with a tick.
    pub(crate) tick: bool,
    /// True time of the node's deadline, kept after every step.
    pub(crate) deadline: Instant,
    /// By group: something of it may run, since then.
    pub(crate) held_since: Vec<Option<Instant>>,
    /// By group: since when its kernel answers for the address.
    pub(crate) answers_since: Vec<Option<Instant>>,
    /// By group: what the daemon shows, as of its last step.
    pub(crate) shown: Vec<Option<GroupStatus>>,
    /// A beat went out in this step.
    pub(crate) beat: bool,
    #[cfg(feature = "coverage")]
    pub(crate) coverage: hb_core::coverage::Coverage,
}

impl Host {
    /// A machine that is on, with a daemon that was never started.
    pub(crate) fn new(config: Config, keys: Keyring) -> Self {
        let resources: Vec<u8> = config.groups.iter().map(|g| g.resources).collect();
        let listed = std::array::from_fn(|at| (at < resources.len()).then_some(at as u8));
        Self {
            reaches: vec![true; usize::from(config.pings)],
            scripts: Scripts::new(&resources),
            held_since: vec![None; resources.len()],
            answers_since: vec![None; resources.len()],
            shown: vec![None; resources.len()],
            disks: vec![Disk::default(); resources.len()],
            claimable: config.groups.iter().map(|g| g.claimable).collect(),
            pulls: Vec::new(),
            stamps: VecDeque::new(),
            config,
            keys,
            node: None,
            saved: Saved::default(),
            events: Vec::new(),
            exited: None,
            sent: Vec::new(),
            announced: 0,
            fed: 0,
            watchdog: Watchdog::Off,
            dog: Dog::default(),
            drift: Drift::default(),
            disk_time: Duration::from_millis(1),
            disk_fails: false,
            boot_unknown: false,
            listed,
            edits: Vec::new(),
            born: Instant::ZERO,
            write_failed: None,
            failed_serial: None,
            last_numbers: None,
            next: false,
            whole: None,
            frozen: false,
            powered: true,
            open: 0xFF,
            told: 0,
            boots: 0,
            life: 0,
            backlog: VecDeque::new(),
            calls: Vec::new(),
            writes: VecDeque::new(),
            tick: false,
            deadline: Instant::NEVER,
            beat: false,
            #[cfg(feature = "coverage")]
            coverage: hb_core::coverage::Coverage::default(),
        }
    }

    /// *Holds* (DESIGN §5): something of the group runs, or a start is under way, with or without a daemon.
    #[must_use]
    pub fn holds(&self, group: usize) -> bool {
        let starting = |call: &Call| usize::from(call.group) == group && call.verb == Verb::Start;
        self.scripts.any(group) || self.calls.iter().any(starting)
    }

    /// Its kernel answers for the group's address, which is the last resource: up when its start ends, and down when its stop
    /// does.
    #[must_use]
    pub fn has_address(&self, group: usize) -> bool {
        let Some((up, rest)) = self.scripts.running.get(group).and_then(|all| all.split_last()) else {
            return false;
        };
        let comes = |call: &Call| {
            usize::from(call.group) == group
                && usize::from(call.resource) == rest.len()
                && call.verb == Verb::Start
        };
        *up && !self.calls.iter().any(comes)
    }

    /// It holds anything.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        (0..self.held_since.len()).any(|group| self.holds(group))
    }

    /// Under which group of its file it has a service, if at all. Where the files agree, the numbers do too.
    #[must_use]
    pub fn lists(&self, service: usize) -> Option<usize> {
        self.listed.get(service).copied().flatten().map(usize::from)
    }

    /// The services that one of its groups is made of.
    pub fn services(&self, group: usize) -> impl Iterator<Item = usize> + use<> {
        let listed = self.listed;
        (0..listed.len()).filter(move |service| listed[*service].is_some_and(|at| usize::from(at) == group))
    }

    /// Since when it holds the service.
    #[must_use]
    pub fn serves_since(&self, service: usize) -> Option<Instant> {
        self.held_since(self.lists(service)?)
    }

    /// What its daemon shows of the service.
    #[must_use]
    pub fn view(&self, service: usize) -> Option<&GroupStatus> {
        self.shown(self.lists(service)?)
    }

    /// Starts of its daemon so far.
    #[must_use]
    pub fn lives(&self) -> u32 {
        self.life
    }

    /// How long its daemon has lived.
    #[must_use]
    pub fn lived(&self, now: Instant) -> Duration {
        now.since(self.born)
    }

    /// Script calls, writes, pulls and inputs that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.calls.len() + self.writes.len() + self.pulls.len() + self.stamps.len() + self.backlog.len()
    }

    /// When its newest write failed, if it did.
    #[must_use]
    pub fn last_failure(&self) -> Option<Instant> {
        self.write_failed
    }

    /// One group more.
    pub(crate) fn grow(&mut self, resources: u8) {
        self.scripts.running.push(vec![false; usize::from(resources)]);
        self.held_since.push(None);
        self.answers_since.push(None);
        self.shown.push(None);
        self.disks.push(Disk::default());
        self.claimable.push(true);
    }

    /// One group less, of which nothing runs.
    pub(crate) fn shrink(&mut self) {
        self.scripts.running.pop();
        self.held_since.pop();
        self.answers_since.pop();
        self.shown.pop();
        self.disks.pop();
        self.claimable.pop();
    }

    /// Since when it holds the group.
    #[must_use]
    pub fn held_since(&self, group: usize) -> Option<Instant> {
        self.held_since.get(group).copied().flatten()
    }

    /// Since when its kernel answers for the group's address.
    #[must_use]
    pub fn answers_since(&self, group: usize) -> Option<Instant> {
        self.answers_since.get(group).copied().flatten()
    }

    /// A pull over one of its copies runs.
    #[must_use]
    pub fn pulling(&self) -> bool {
        !self.pulls.is_empty()
    }

    /// What the daemon shows of the group, as of its last step; `None` without a daemon.
    #[must_use]
    pub fn shown(&self, group: usize) -> Option<&GroupStatus> {
        self.shown.get(group)?.as_ref()
    }

    /// The daemon lives and is not frozen.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.node.is_some() && !self.frozen
    }
}
