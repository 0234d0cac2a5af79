//! Two hosts, their links and the virtual clock.

use crate::script::Scripts;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{GroupConfig, Isolated, LinkKind, ScriptLimits, Timing};
use hb_core::{
    Action, Config, Duration, Event, FRAME_BUF, GroupId, Input, Instant, LinkId, Node, Outcome, PingId,
    Saved, Side, Token, Verb, Watchdog,
};

/// A configuration with one stream link, one datagram link and one group of two resources, preferred on the even side.
#[must_use]
pub fn config(side: Side) -> Config {
    let other = match side {
        Side::Even => "ha-2",
        Side::Odd => "ha-1",
    };
    let group = GroupConfig {
        name_hash: 0x5011,
        digest: 1,
        preferred: Side::Even,
        resources: 2,
        claimable: true,
        data: None,
    };
    Config {
        cluster: 0xBEEF,
        side,
        peer_name: other.try_into().expect("short name"),
        boot: 1,
        timing: Timing {
            keepalive: Duration::from_millis(100),
            warntime: Duration::from_millis(300),
            deadtime: Duration::from_millis(500),
            initdead: Duration::from_millis(3000),
            deadping: Duration::from_millis(500),
        },
        timing_digest: 7,
        failback: true,
        isolated: Isolated::Wait,
        links: [LinkKind::Stream, LinkKind::Datagram].into_iter().collect(),
        pings: 0,
        groups: [group].into_iter().collect(),
        fence: None,
        limits: ScriptLimits {
            start: Duration::from_secs(2),
            stop: Duration::from_secs(2),
            status: Duration::from_secs(1),
        },
        monitor: None,
    }
}

/// One sha1 key, index 1.
#[must_use]
pub fn keys(secret: &[u8]) -> Keyring {
    let key = Key::new(Method::Sha1, secret).expect("a good key");
    Keyring::new(&[(1, key)], 1).expect("a good ring")
}

/// What is on its way.
#[derive(Clone, Debug)]
enum Pending {
    Frame { to: usize, link: LinkId, bytes: Vec<u8> },
    Script { host: usize, life: u32, token: Token, group: u8, resource: u8, verb: Verb, outcome: Outcome },
    Persisted { host: usize, life: u32, serial: u32 },
    Probed { host: usize, life: u32 },
    Pong { host: usize, life: u32, ping: PingId },
    Fenced { host: usize, life: u32, ok: bool },
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
    /// What the daemon told people.
    pub events: Vec<Event>,
    /// The daemon ended by itself.
    pub exited: Option<bool>,
    /// Frames it sent: time, link, bytes as they went out.
    pub sent: Vec<(Instant, LinkId, Vec<u8>)>,
    /// Gratuitous ARP bursts.
    pub announced: u32,
    /// Feeds of the watchdog.
    pub fed: u32,
    /// Ping nodes that answer it.
    pub reaches: Vec<bool>,
    /// Input is queued, and no clock ticks.
    frozen: bool,
    queued: Vec<(LinkId, Vec<u8>)>,
    calls: Vec<(Token, u8, u8, Verb)>,
    life: u32,
    /// The watchdog given to the daemon at start.
    pub watchdog: Watchdog,
}

/// Everything.
pub struct World {
    /// The two machines: 0 is the even side.
    pub hosts: [Host; 2],
    /// The virtual clock.
    pub now: Instant,
    /// Latency of every link.
    pub latency: Duration,
    /// Link is cut: `cut[sender][link]`.
    pub cut: [[bool; 2]; 2],
    /// Somebody answers an ARP probe.
    pub address_answers: bool,
    /// The fence device cuts the other machine's power, instead of failing.
    pub fence_works: bool,
    /// How often it was fired.
    pub fenced: u32,
    pending: Vec<(Instant, Pending)>,
    /// Longest time so far that both machines ran anything of group 0.
    pub overlap: Duration,
    both_since: Option<Instant>,
}

impl World {
    /// Two machines that are switched off, with the standard configuration as changed by `change`.
    #[must_use]
    pub fn new(change: impl Fn(&mut Config)) -> Self {
        let host = |side| {
            let mut config = config(side);
            change(&mut config);
            let resources: Vec<u8> = config.groups.iter().map(|g| g.resources).collect();
            Host {
                reaches: vec![true; usize::from(config.pings)],
                scripts: Scripts::new(&resources),
                config,
                keys: keys(b"secret"),
                node: None,
                saved: Saved::default(),
                events: Vec::new(),
                exited: None,
                sent: Vec::new(),
                announced: 0,
                fed: 0,
                frozen: false,
                queued: Vec::new(),
                calls: Vec::new(),
                life: 0,
                watchdog: Watchdog::Off,
            }
        };
        Self {
            hosts: [host(Side::Even), host(Side::Odd)],
            now: Instant::from_millis(1000),
            latency: Duration::from_millis(2),
            cut: [[false; 2]; 2],
            address_answers: false,
            fence_works: true,
            fenced: 0,
            pending: Vec::new(),
            overlap: Duration::ZERO,
            both_since: None,
        }
    }

    /// Start the daemon of `host`.
    ///
    /// # Panics
    /// If the configuration is refused.
    pub fn start(&mut self, host: usize) {
        let h = &mut self.hosts[host];
        h.life += 1;
        h.exited = None;
        h.frozen = false;
        h.queued.clear();
        let mut entropy = [u8::try_from(host).unwrap_or(0); 16];
        entropy[..4].copy_from_slice(&h.life.to_le_bytes());
        let node = Node::new(h.config.clone(), h.keys.clone(), &h.saved, entropy, self.now);
        h.node = Some(node.expect("a good configuration"));
        let watchdog = h.watchdog;
        self.drain(host);
        for link in 0..2 {
            self.input(host, Input::LinkChanged { link: LinkId(link), up: true });
        }
        self.input(host, Input::Watchdog(watchdog));
        self.input(host, Input::Tick { drained: true });
    }

    /// Kill the daemon of `host` (-9): its resources go on.
    pub fn kill(&mut self, host: usize) {
        self.hosts[host].node = None;
        self.hosts[host].calls.clear();
        self.hosts[host].queued.clear();
    }

    /// Take the power from `host`: nothing runs any more. It has a new boot identity afterwards.
    pub fn power_off(&mut self, host: usize) {
        self.kill(host);
        let h = &mut self.hosts[host];
        h.config.boot += 1;
        for group in &mut h.scripts.running {
            group.fill(false);
        }
        self.watch_overlap();
    }

    /// SIGSTOP the daemon.
    pub fn freeze(&mut self, host: usize) {
        self.hosts[host].frozen = true;
    }

    /// SIGCONT it: what queued up is read first, then the clock ticks.
    pub fn thaw(&mut self, host: usize) {
        self.hosts[host].frozen = false;
        for (link, bytes) in std::mem::take(&mut self.hosts[host].queued) {
            self.input(host, Input::Received { link, bytes: &bytes });
        }
        self.input(host, Input::Tick { drained: true });
    }

    /// Cut or join every link, both ways.
    pub fn cut_all(&mut self, cut: bool) {
        self.cut = [[cut; 2]; 2];
    }

    /// Give bytes to `host` as if they came on `link`.
    pub fn inject(&mut self, host: usize, link: LinkId, bytes: &[u8]) {
        self.input(host, Input::Received { link, bytes });
    }

    /// Let `time` pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.plus(time);
        loop {
            let due = self.pending.iter().map(|(at, _)| *at).min().unwrap_or(Instant::NEVER);
            let tick = |h: &Host| match &h.node {
                Some(node) if !h.frozen => node.poll_deadline(),
                _ => Instant::NEVER,
            };
            let next = due.min(tick(&self.hosts[0])).min(tick(&self.hosts[1]));
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            if due <= self.now {
                let at = self.pending.iter().position(|(at, _)| *at == due).expect("found above");
                let (_, pending) = self.pending.remove(at);
                self.deliver(pending);
            } else {
                let host = usize::from(tick(&self.hosts[0]) > self.now);
                self.input(host, Input::Tick { drained: true });
            }
        }
        self.now = end;
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

    fn deliver(&mut self, pending: Pending) {
        let alive = |world: &Self, host: usize, life: u32| world.hosts[host].life == life;
        match pending {
            Pending::Frame { to, link, bytes } => {
                let h = &mut self.hosts[to];
                if h.frozen {
                    h.queued.push((link, bytes));
                } else {
                    self.input(to, Input::Received { link, bytes: &bytes });
                }
            }
            Pending::Script { host, life, token, group, resource, verb, outcome }
                if alive(self, host, life) =>
            {
                let h = &mut self.hosts[host];
                if h.calls.iter().any(|(t, ..)| *t == token) {
                    h.calls.retain(|(t, ..)| *t != token);
                    h.scripts.ended(group, resource, verb, outcome);
                    self.watch_overlap();
                    self.input(host, Input::ScriptDone { token, outcome });
                }
            }
            Pending::Persisted { host, life, serial } if alive(self, host, life) => {
                self.input(host, Input::Persisted { serial });
            }
            Pending::Probed { host, life } if alive(self, host, life) => {
                let answered = self.address_answers;
                self.input(host, Input::ProbeDone { answered });
            }
            Pending::Fenced { host, life, ok } if alive(self, host, life) => {
                self.input(host, Input::FenceDone { ok });
            }
            Pending::Pong { host, life, ping } if alive(self, host, life) => {
                self.input(host, Input::PingAnswer { ping });
            }
            Pending::Script { .. }
            | Pending::Persisted { .. }
            | Pending::Probed { .. }
            | Pending::Pong { .. }
            | Pending::Fenced { .. } => {}
        }
    }

    /// Give one input, and do what follows.
    pub fn input(&mut self, host: usize, input: Input<'_>) {
        let now = self.now;
        if let Some(node) = &mut self.hosts[host].node {
            node.handle_input(now, input);
            self.drain(host);
        }
    }

    /// Do everything that the node asks for.
    pub fn drain(&mut self, host: usize) {
        let mut buffer = [0; FRAME_BUF];
        while let Some(action) = self.hosts[host].node.as_mut().and_then(|node| node.poll_action(&mut buffer))
        {
            self.act(host, action, &buffer);
        }
    }

    fn after(&mut self, time: Duration, pending: Pending) {
        self.pending.push((self.now.plus(time), pending));
    }

    fn act(&mut self, host: usize, action: Action, buffer: &[u8]) {
        let (now, life) = (self.now, self.hosts[host].life);
        match action {
            Action::Transmit { link, len } => {
                let bytes = buffer[..len].to_vec();
                self.hosts[host].sent.push((now, link, bytes.clone()));
                if !self.cut[host][usize::from(link.0)] {
                    self.after(self.latency, Pending::Frame { to: 1 - host, link, bytes });
                }
            }
            Action::FeedWatchdog => self.hosts[host].fed += 1,
            Action::Persist { serial } => {
                let h = &mut self.hosts[host];
                h.saved = h.node.as_ref().map(Node::saved).unwrap_or_default();
                self.after(Duration::from_millis(1), Pending::Persisted { host, life, serial });
            }
            Action::RunScript { group: GroupId(group), resource, verb, token } => {
                let h = &mut self.hosts[host];
                h.calls.push((token, group, resource, verb));
                if let Some((outcome, time)) = h.scripts.call(group, resource, verb) {
                    self.after(time, Pending::Script { host, life, token, group, resource, verb, outcome });
                }
                self.watch_overlap();
            }
            Action::KillScript { token } => {
                let call = self.hosts[host].calls.iter().find(|(t, ..)| *t == token).copied();
                if let Some((_, group, resource, verb)) = call {
                    let outcome = Outcome::Killed;
                    let done = Pending::Script { host, life, token, group, resource, verb, outcome };
                    self.after(Duration::from_millis(1), done);
                }
            }
            Action::Announce { .. } => self.hosts[host].announced += 1,
            Action::ProbeAddresses => self.after(Duration::from_millis(50), Pending::Probed { host, life }),
            Action::Fence => {
                let ok = self.fence_works;
                self.fenced += 1;
                if ok {
                    self.power_off(1 - host);
                }
                self.after(Duration::from_millis(100), Pending::Fenced { host, life, ok });
            }
            Action::Ping => {
                for (at, reaches) in self.hosts[host].reaches.clone().into_iter().enumerate() {
                    if reaches {
                        let ping = PingId(u8::try_from(at).unwrap_or(0));
                        self.after(self.latency, Pending::Pong { host, life, ping });
                    }
                }
            }
            // No group of this world has data.
            Action::Pull { .. } | Action::EndPull { .. } | Action::WriteStamp { .. } => {}
            Action::Report(event) => self.hosts[host].events.push(event),
            Action::Exit { clean } => {
                self.hosts[host].exited = Some(clean);
                self.kill(host);
            }
        }
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
