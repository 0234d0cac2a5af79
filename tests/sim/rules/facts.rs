//! What the rules look at besides the world: who can hear whom, and since when nothing else was changed.

use crate::fault::Fault;
use crate::note::Note;
use crate::open::Part;
use crate::plan::Plan;
use crate::world::World;
use hb_core::{Duration, Event, Instant, PeerState};

/// See the module.
pub struct Facts {
    /// The run's plan.
    pub plan: Plan,
    /// By sender: some link is open at both ends, not cut, and carries every frame whole.
    pub passes: [bool; 2],
    /// By sender: the longest that a frame takes on the best of those links.
    pub frame_time: [Duration; 2],
    /// Both daemons run, and each has met the other's life.
    pub met: bool,
    /// Since when frames pass both ways, and both have met, and neither stands still.
    pub clear_since: Option<Instant>,
    /// When something other than a link was last changed: a fault, a command, a daemon, power.
    pub changed: Instant,
    /// By survivor: when a fault or command last began or ended that may hold up what it does about a death.
    pub acted: [Instant; 2],
    /// By receiver: since when it hears the other, whose life it has met, whether or not that one hears it.
    pub hears: [Option<Instant>; 2],
    /// Since when a daemon is dead.
    pub dead_since: [Option<Instant>; 2],
    /// Faults, their ends, commands, resets, and silences that a node took for a death.
    pub events: u32,
    /// By receiver: when it last took in a frame.
    pub heard: [Instant; 2],
    /// By receiver: when that frame first came; a recorded copy of it may have come in front of it.
    pub came: [Instant; 2],
    /// By receiver: when that frame was sent.
    pub sent: [Instant; 2],
    /// Since when a daemon stands still.
    pub frozen_since: [Option<Instant>; 2],
    /// How much in all a daemon must not count as its running time.
    pub stood_still: [Duration; 2],
    frozen_at_heard: [Duration; 2],
    /// The same, with all that it may leave out: its promise may have been due when it began to stand still.
    may_not_count: [Duration; 2],
    may_not_at_death: [Duration; 2],
    links_changed: bool,
}

impl Facts {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            passes: [false; 2],
            frame_time: [Duration::ZERO; 2],
            met: false,
            clear_since: None,
            changed: Instant::ZERO,
            acted: [Instant::ZERO; 2],
            hears: [None; 2],
            dead_since: [Some(Instant::ZERO); 2],
            events: 0,
            heard: [Instant::ZERO; 2],
            came: [Instant::ZERO; 2],
            sent: [Instant::ZERO; 2],
            frozen_since: [None; 2],
            stood_still: [Duration::ZERO; 2],
            frozen_at_heard: [Duration::ZERO; 2],
            may_not_count: [Duration::ZERO; 2],
            may_not_at_death: [Duration::ZERO; 2],
            links_changed: true,
        }
    }

    /// A fault or command begins or ends now; `None`: everything is healed, or an operator clears.
    pub fn disturb(&mut self, now: Instant, fault: Option<&Fault>) {
        self.links_changed = true;
        // What strangers send is nothing that a node may answer with a move.
        if fault.is_some_and(|fault| fault.kind.is_of_strangers() && Part::Ghosts.on()) {
            return;
        }
        self.events += 1;
        if fault.is_some_and(|fault| fault.kind.is_of_links()) {
            return;
        }
        self.changed = now;
        for survivor in 0..2 {
            if !Part::Kept.on() || fault.is_none_or(|fault| fault.kind.concerns(fault.host, survivor)) {
                self.acted[survivor] = now;
            }
        }
    }

    /// What a node must count as its own gap when it stood still for `time`: all beyond its promise of at most one
    /// keepalive, if that is longer than another keepalive (DESIGN §6).
    fn gap(&self, time: Duration) -> Duration {
        let s = &self.plan.setting;
        let keepalive = s.slow(s.timing.keepalive);
        if time > keepalive.times(2) { time.minus(keepalive) } else { Duration::ZERO }
    }

    /// How long `host` stood still since it last took a frame in.
    #[must_use]
    pub fn frozen_since_heard(&self, host: usize) -> Duration {
        self.stood_still[host].minus(self.frozen_at_heard[host])
    }

    /// The most that `host` may leave out of its running time since the other daemon last died, for it stood still; all of a
    /// stall in which that happened.
    #[must_use]
    pub fn stalled_since_death(&self, host: usize) -> Duration {
        self.may_not_count[host].minus(self.may_not_at_death[host])
    }

    pub(crate) fn follow(&mut self, world: &World) {
        let now = world.now;
        let mut look = std::mem::take(&mut self.links_changed);
        for note in &world.notes {
            match *note {
                Note::Heard { host, sent, .. } => {
                    self.heard[host] = now;
                    let copied = world.replayed[host];
                    self.came[host] = if copied >= sent { copied } else { now };
                    self.sent[host] = sent;
                    self.frozen_at_heard[host] = self.stood_still[host];
                }
                Note::Said { event: Event::PeerMet(_), .. } => look = true,
                Note::Said { event: Event::PeerDead(_) | Event::PeerUp | Event::PeerNeverMet, .. } => {
                    self.events += 1;
                    look = true;
                }
                Note::Next { .. } => {}
                Note::Daemon { host, lives } => {
                    look = true;
                    self.changed = now;
                    self.events += 1;
                    self.dead_since[host] = (!lives).then_some(now);
                    self.may_not_at_death[1 - host] = self.may_not_count[1 - host];
                }
                Note::Power { .. } | Note::Bitten { .. } | Note::Fence { .. } => {
                    look = true;
                    self.changed = now;
                    self.events += 1;
                }
                Note::Frozen { host, frozen } => {
                    look = true;
                    self.changed = now;
                    if frozen {
                        self.frozen_since[host] = Some(now);
                    } else if let Some(since) = self.frozen_since[host].take() {
                        let time = now.since(since);
                        self.stood_still[host] = self.stood_still[host].plus(self.gap(time));
                        // Beyond its promise by more than a keepalive, and the promise was due at any time.
                        if time > self.plan.setting.fast(self.plan.setting.timing.keepalive) {
                            self.may_not_count[host] = self.may_not_count[host].plus(time);
                        }
                    }
                }
                Note::Sent { .. }
                | Note::Fed { .. }
                | Note::Called { .. }
                | Note::Ended { .. }
                | Note::Holds { .. }
                | Note::Said { .. }
                | Note::Announced { .. }
                | Note::Persisted { .. }
                | Note::Pull { .. }
                | Note::Pulled { .. }
                | Note::Probe { .. }
                | Note::Asked { .. } => {}
            }
        }
        if look || self.clear_since.is_none() {
            self.look(world);
        }
    }

    fn look(&mut self, world: &World) {
        for from in 0..2 {
            let open = |link: usize| world.hosts.iter().all(|h| h.open >> link & 1 == 1);
            let s = &self.plan.setting;
            let times = world.wires.iter().enumerate().filter_map(|(link, wire)| {
                let whole = wire.clean(from) && !world.cut[from][link] && open(link);
                let time = wire.frame_time(from, s.frame_bytes());
                // A link that may delay a beat until its sender counts as dead carries no life.
                let lives = s.slow(s.timing.keepalive).plus(time) < s.fast(s.timing.deadtime);
                (whole && lives).then_some(time)
            });
            let best = times.min();
            self.passes[from] = best.is_some();
            self.frame_time[from] = best.unwrap_or_default();
        }
        for host in 0..2 {
            if world.hosts[host].node.is_none() {
                self.frozen_since[host] = None;
            }
        }
        let glance = |host: usize| world.hosts[host].node.as_ref().map(hb_core::Node::glance);
        self.met = match (glance(0), glance(1)) {
            (Some(a), Some(b)) => a.met == Some(b.incarnation) && b.met == Some(a.incarnation),
            _ => false,
        };
        for to in 0..2 {
            let [Some(from), Some(h)] = [glance(1 - to), glance(to)] else {
                self.hears[to] = None;
                continue;
            };
            let alive = matches!(h.peer, PeerState::Up | PeerState::Late);
            let able = world.hosts.iter().all(|h| h.runs() && h.backlog.is_empty());
            let hears = alive && able && self.passes[1 - to] && h.met == Some(from.incarnation);
            self.hears[to] = if hears { self.hears[to].or(Some(world.now)) } else { None };
        }
        let run = world.hosts.iter().all(|h| h.runs() && h.backlog.is_empty());
        let clear = self.met && run && self.passes == [true; 2];
        self.clear_since = if clear { self.clear_since.or(Some(world.now)) } else { None };
    }

    /// How both nodes name a service, where they name it alike.
    #[must_use]
    pub fn named_alike(world: &World, service: usize) -> bool {
        let name = |h: usize| {
            let host = &world.hosts[h];
            host.lists(service).and_then(|at| host.config.groups.get(at)).map(|group| group.name_hash)
        };
        name(0).is_some() && name(0) == name(1)
    }
}
