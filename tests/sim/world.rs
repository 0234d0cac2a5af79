//! Two machines, their links and the true clock. `step` does the next thing that is due.

use crate::dice::Dice;
use crate::host::Host;
use crate::lan::Lan;
use crate::note::Note;
use crate::queue::{Due, Frames, Queue};
use crate::setup::{config, keys};
use crate::wire::Wire;
use hb_core::config::MAX_LINKS;
use hb_core::{Command, Config, Duration, FRAME_BUF, GroupId, Input, Instant, LinkId, Refusal, Side};

/// Steps at one instant at most, and actions that follow one input: more is a node that asks for a tick and does nothing in
/// it, or for something that is done at once and makes it ask again.
const SPINS: u32 = 20_000;

/// Everything.
pub struct World {
    /// The two machines: 0 is the even side.
    pub hosts: [Host; 2],
    /// True time.
    pub now: Instant,
    /// The links.
    pub wires: Vec<Wire>,
    /// Link is cut: `cut[sender][link]`.
    pub cut: [[bool; MAX_LINKS]; 2],
    /// Somebody else answers an ARP probe.
    pub address_answers: bool,
    /// An ARP probe is answered by the other machine while it runs anything.
    pub probes_see_the_peer: bool,
    /// The network that the clients are on.
    pub lan: Lan,
    /// The fence device cuts the other machine's power, instead of failing.
    pub fence_works: bool,
    /// How long it takes to answer; the power goes at once.
    pub fence_time: Duration,
    /// How often it was fired.
    pub fenced: u32,
    /// A machine that was fenced or reset by its watchdog is back after this; `None`: it stays off.
    pub boot_time: Option<Duration>,
    /// How long a pull takes; and whether pulls work.
    pub pull_time: Duration,
    /// See `pull_time`.
    pub pulls_work: bool,
    /// A planted mistake: pulls destroy what they should move aside.
    pub careless_pulls: bool,
    /// Between two files that a service writes.
    pub write_pause: Duration,
    pub(crate) next_file: usize,
    /// Which version each life speaks; `None`: what its host says.
    pub versions: Option<u64>,
    /// Keep every event and every frame.
    pub keep: bool,
    /// Sums of the frames go into the notes.
    pub sums: bool,
    /// Frames are recorded, to be sent again.
    pub records: bool,
    /// What happened since the notes were last taken.
    pub notes: Vec<Note>,
    /// A planted mistake: only the first announcement of a group reaches the client.
    pub deaf_client: bool,
    /// By group: which machine the client's ARP cache points to.
    pub client: Vec<Option<usize>>,
    /// Longest time so far that both machines ran anything of group 0.
    pub overlap: Duration,
    /// Chance, for everything that the links and watchdogs do.
    pub dice: Dice,
    pub(crate) queue: Queue,
    pub(crate) frames: Frames,
    pub(crate) buffer: Option<Box<[u8; FRAME_BUF]>>,
    /// By receiver: what the frames that it took in have shown, of the life that it has met.
    pub(crate) heard_seq: [u32; 2],
    pub(crate) heard_life: [hb_core::Incarnation; 2],
    pub(crate) epochs_heard: [[u32; 8]; 2],
    /// By host and group: the highest epoch on a stamp that its daemon was given.
    pub(crate) stamps_told: [[u32; 8]; 2],
    /// Steps since true time last moved, and that time.
    spins: (u32, Instant),
    /// By receiver: when the newest frame was sent that came, of the life that the other daemon is in.
    pub(crate) came: [Instant; 2],
    /// By receiver: when something recorded last came to it.
    pub(crate) replayed: [Instant; 2],
    /// By who hears it: between two answers of one machine in a stream of them, about; and when the last one came.
    pub(crate) unasked: [Option<(Duration, Instant)>; 2],
    /// By sender: the stream in its name that runs.
    pub(crate) streams: [u32; 2],
    /// By sender: link and bytes of some of its frames.
    pub(crate) recorded: [Vec<(u8, Vec<u8>)>; 2],
    both_since: Option<Instant>,
}

impl World {
    /// Two machines without daemons, with the standard configuration as changed by `change`.
    #[must_use]
    pub fn new(change: impl Fn(&mut Config)) -> Self {
        let host = |side| {
            let mut config = config(side);
            change(&mut config);
            Host::new(config, keys(b"secret"))
        };
        let mut world = Self::of([host(Side::Even), host(Side::Odd)], 0);
        world.keep = true;
        world
    }

    /// Two machines on perfect links of 2 ms; `seed` feeds all chance.
    #[must_use]
    pub fn of(hosts: [Host; 2], seed: u64) -> Self {
        let latency = Duration::from_millis(2);
        Self {
            now: Instant::from_millis(1000),
            wires: hosts[0].config.links.iter().map(|kind| Wire::new(*kind, latency)).collect(),
            deaf_client: false,
            client: vec![None; hosts.iter().map(|host| host.config.groups.len()).max().unwrap_or(0)],
            hosts,
            cut: [[false; MAX_LINKS]; 2],
            address_answers: false,
            probes_see_the_peer: false,
            lan: Lan::default(),
            fence_works: true,
            fence_time: Duration::from_millis(100),
            fenced: 0,
            boot_time: None,
            pull_time: Duration::from_millis(20),
            pulls_work: true,
            careless_pulls: false,
            write_pause: Duration::from_millis(100),
            next_file: 0,
            versions: None,
            keep: false,
            sums: false,
            records: false,
            recorded: [Vec::new(), Vec::new()],
            came: [Instant::ZERO; 2],
            replayed: [Instant::ZERO; 2],
            unasked: [None; 2],
            streams: [0; 2],
            spins: (0, Instant::ZERO),
            notes: Vec::new(),
            overlap: Duration::ZERO,
            dice: Dice::new(seed),
            queue: Queue::default(),
            frames: Frames::default(),
            buffer: Some(Box::new([0; FRAME_BUF])),
            heard_seq: [0; 2],
            heard_life: [hb_core::Incarnation::default(); 2],
            epochs_heard: [[0; 8]; 2],
            stamps_told: [[0; 8]; 2],
            both_since: None,
        }
    }

    /// The nodes keep each other, or the world, busy without end at one instant: [`World::step`] does nothing any more.
    #[must_use]
    pub fn spins(&self) -> bool {
        self.spins.0 > SPINS
    }

    /// Count a step. `false` when there were too many.
    fn goes_on(&mut self) -> bool {
        if self.spins.1 != self.now {
            self.spins = (0, self.now);
        }
        self.spins.0 += 1;
        !self.spins()
    }

    /// Do the next thing that is due by `end`; `false` when there is nothing, and `end` is reached.
    ///
    /// # Panics
    /// In a world that is kept (a story): the nodes wake up without end. The rules of a run say the same.
    pub fn step(&mut self, end: Instant) -> bool {
        if !self.goes_on() {
            let deadlines = self.hosts.each_ref().map(|h| h.deadline);
            assert!(!self.keep, "progress: nodes wake up without end at {:?}: {deadlines:?}", self.now);
            return true;
        }
        let due = self.queue.next();
        if due <= self.now && due <= end {
            if let Some(due) = self.queue.pop() {
                self.deliver(due);
            }
            return true;
        }
        // A round of inputs ends with a tick, once nothing more is ready.
        for host in 0..2 {
            if std::mem::take(&mut self.hosts[host].tick) {
                // What came while it stood still is read in rounds, whatever else comes between them.
                let drained = self.hosts[host].backlog.is_empty();
                self.input(host, Input::Tick { drained });
                return true;
            }
        }
        let [a, b] = [self.wakes(0), self.wakes(1)];
        let next = due.min(a).min(b);
        if next > end {
            self.now = self.now.max(end);
            return false;
        }
        self.now = self.now.max(next);
        if due <= self.now {
            if let Some(due) = self.queue.pop() {
                self.deliver(due);
            }
        } else {
            let host = usize::from(a > self.now);
            self.input(host, Input::Tick { drained: true });
        }
        true
    }

    fn wakes(&self, host: usize) -> Instant {
        let h = &self.hosts[host];
        if h.runs() && h.backlog.is_empty() { h.deadline } else { Instant::NEVER }
    }

    /// Things that are to come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Let `time` pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while self.step(end) {
            self.notes.clear();
        }
        self.watch_overlap();
    }

    /// Let time pass until `what` holds, and say how long that took; `None` after `limit`.
    pub fn until(&mut self, limit: Duration, mut what: impl FnMut(&Self) -> bool) -> Option<Duration> {
        let begin = self.now;
        while self.now.since(begin) < limit {
            if what(self) {
                return Some(self.now.since(begin));
            }
            self.run(Duration::from_millis(1));
        }
        what(self).then(|| self.now.since(begin))
    }

    /// Everything of group 0 runs on `host`.
    #[must_use]
    pub fn serves(&self, host: usize) -> bool {
        self.hosts[host].scripts.all(0)
    }

    /// Cut or join every link, both ways.
    pub fn cut_all(&mut self, cut: bool) {
        self.cut = [[cut; MAX_LINKS]; 2];
    }

    /// Give bytes to `host` as if they came on `link`.
    pub fn inject(&mut self, host: usize, link: LinkId, bytes: &[u8]) {
        self.input(host, Input::Received { link, bytes });
    }

    /// Give one input, and do what follows.
    pub fn input(&mut self, host: usize, input: Input<'_>) {
        let h = &mut self.hosts[host];
        let now = h.drift.local(self.now);
        h.tick |= !matches!(input, Input::Tick { .. });
        if let Some(node) = &mut h.node {
            node.handle_input(now, input);
            self.drain(host);
        }
    }

    /// An operator's command; `None` when no daemon could answer.
    pub fn command(&mut self, host: usize, command: Command) -> Option<Result<(), Refusal>> {
        let h = &mut self.hosts[host];
        let now = h.drift.local(self.now);
        if h.frozen {
            return None;
        }
        let answer = h.node.as_mut()?.operator(now, command);
        self.drain(host);
        Some(answer)
    }

    /// Do everything that the node asks for, then look at what it shows.
    pub fn drain(&mut self, host: usize) {
        self.hosts[host].beat = false;
        // Taken out while the actions are done; `None` inside an action of this very drain, which drains nothing.
        let Some(mut buffer) = self.buffer.take() else { return };
        let mut actions = 0;
        while let Some(action) = self.hosts[host].node.as_mut().and_then(|node| node.poll_action(&mut buffer))
        {
            self.act(host, action, &buffer);
            actions += 1;
            if actions > SPINS {
                self.spins = (actions, self.now);
                break;
            }
        }
        self.buffer = Some(buffer);
        let h = &mut self.hosts[host];
        let Some(node) = &h.node else { return };
        h.deadline = h.drift.truly(node.poll_deadline());
        for (group, shown) in (0u8..).zip(h.shown.iter_mut()) {
            *shown = node.group_status(GroupId(group));
        }
    }

    pub(crate) fn after(&mut self, time: Duration, due: Due) {
        self.queue.push(self.now.plus(time), due);
    }

    /// Something may have begun or ceased to run on `host`.
    pub(crate) fn watch_holds(&mut self, host: usize) {
        for group in 0..self.hosts[host].held_since.len() {
            let holds = self.hosts[host].holds(group);
            if holds != self.hosts[host].held_since[group].is_some() {
                self.hosts[host].held_since[group] = holds.then_some(self.now);
                self.notes.push(Note::Holds { host, group, holds });
            }
            let answers = self.hosts[host].has_address(group);
            if answers != self.hosts[host].answers_since[group].is_some() {
                self.hosts[host].answers_since[group] = answers.then_some(self.now);
            }
        }
        self.watch_overlap();
    }

    fn watch_overlap(&mut self) {
        let both = self.hosts.iter().all(|host| host.scripts.any(0));
        match (both, self.both_since) {
            (true, None) => self.both_since = Some(self.now),
            (true, Some(since)) => self.overlap = self.overlap.max(self.now.since(since)),
            (false, Some(since)) => {
                self.overlap = self.overlap.max(self.now.since(since));
                self.both_since = None;
            }
            (false, None) => {}
        }
    }
}
