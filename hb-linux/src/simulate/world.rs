//! The two machines, what is between them, and the clock.

use super::PATIENCE;
use super::draw::Dice;
use super::ledger::Ledger;
use super::machine::Machine;
use super::options::Wish;
use super::settings::Pair;
use super::story::{Turn, When};
use super::times::Table;
use crate::config::Medium;
use crate::log::tale::Seconds;
use crate::log::{Text, reasons};
use hb_core::message::{GroupState, Phase};
use hb_core::{Command, Duration, GroupId, Input, Instant, LinkId, Node, Scope, Watchdog};
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

/// From the power's return to the daemon's start, if nothing else is said.
const BOOT: Duration = Duration::from_secs(60);
/// The way of a datagram.
const LAN: Duration = Duration::from_micros(200);
/// Steps at one instant: more is a node that asks for a look and does nothing in it.
const SPINS: u32 = 20_000;

/// How a story ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// Nothing was on its way any more.
    AtRest,
    /// Something still was.
    Restless,
}

/// One link.
pub(crate) struct Wire {
    pub(crate) name: String,
    /// Bits a second of a serial line.
    baud: Option<u32>,
    pub(crate) cut: bool,
    /// Per cent of the frames that never come.
    loss: u8,
    /// By sender: the line is busy until then.
    free: [Instant; 2],
}

/// A frame on its way.
pub(crate) struct Frame {
    at: Instant,
    to: usize,
    link: LinkId,
    bytes: Vec<u8>,
}

/// Everything.
pub(crate) struct World {
    pub(crate) now: Instant,
    /// When the story began.
    pub(crate) begun: Instant,
    pub(crate) machines: Vec<Machine>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) frames: Vec<Frame>,
    /// The clients' network lies in two halves.
    pub(crate) split: bool,
    pub(crate) boot: Duration,
    pub(crate) dice: Dice,
    pub(crate) ledger: Ledger,
    /// The timeline.
    pub(crate) said: Vec<String>,
    spins: (u32, Instant),
}

impl World {
    /// Both machines begin to boot.
    pub(crate) fn new(pair: &Pair, scripts: Table, wish: &Wish) -> Self {
        let [settings, _] = &pair.of;
        let wires = settings.links.iter().zip(&pair.names().links);
        let of = |at: usize| wish.loss.iter().find(|(link, _)| pair.link(link) == Some(at));
        let mut world = Self {
            now: Instant::from_millis(1000),
            begun: Instant::ZERO,
            machines: (0..2).filter_map(|side| Machine::new(pair, side, scripts.clone())).collect(),
            wires: wires
                .enumerate()
                .map(|(at, (medium, name))| Wire {
                    name: name.clone(),
                    baud: if let Medium::Serial { baud, .. } = medium { Some(*baud) } else { None },
                    cut: false,
                    loss: of(at).map_or(0, |(_, percent)| *percent),
                    free: [Instant::ZERO; 2],
                })
                .collect(),
            frames: Vec::new(),
            split: false,
            boot: wish.boot.unwrap_or(BOOT),
            dice: Dice::new(wish.seed.unwrap_or(1)),
            ledger: Ledger::new(settings.core.groups.len()),
            said: Vec::new(),
            spins: (0, Instant::ZERO),
        };
        world.note();
        world
    }

    /// The names of the nodes, by side.
    pub(crate) fn node_names(&self) -> Vec<&str> {
        self.machines.iter().map(|machine| machine.names.own.as_str()).collect()
    }

    /// Both join, and the groups start.
    pub(crate) fn settle_at_first(&mut self) -> bool {
        let Some(first) = self.machines.first() else { return false };
        let timing = first.config.timing;
        let end = self.now.plus(timing.initdead.times(2)).plus(PATIENCE);
        self.until_rest(timing.keepalive.times(8), end)
    }

    /// The story's clock begins.
    pub(crate) fn begin(&mut self, lines: &mut Vec<String>) {
        self.said.clear();
        self.begun = self.now;
        let holders: Vec<String> = (0_u8..)
            .zip(&self.machines.first().map(|m| m.names.groups.clone()).unwrap_or_default())
            .map(|(id, group)| {
                let on = self.machines.iter().find(|m| m.serves(GroupId(id)));
                format!("{} on {}", group.name, on.map_or("neither node", |m| m.names.own.as_str()))
            })
            .collect();
        lines.push(format!("{:>9}  -- both nodes are in service: {}", "0.00 s", holders.join(", ")));
    }

    /// All turns, and then until nothing is on its way.
    pub(crate) fn play(&mut self, story: &mut [When]) -> Ended {
        for when in story.iter() {
            self.until(self.begun.plus(when.at), |_| false);
            self.turn(when.turn);
        }
        let calm = self.machines.first().map_or(Duration::ZERO, |m| {
            let t = m.config.timing;
            t.deadtime.plus(t.deadtime).plus(t.deadping).plus(t.initdead)
        });
        let end = self.now.plus(PATIENCE).plus(calm.times(2)).plus(self.boot);
        if self.until_rest(calm, end) { Ended::AtRest } else { Ended::Restless }
    }

    /// Until nothing has changed for as long as this; false where that does not come by `end`.
    fn until_rest(&mut self, calm: Duration, end: Instant) -> bool {
        loop {
            let mark = self.mark();
            let limit = self.now.plus(calm).min(end);
            let moved = self.until(limit, |world| world.mark() != mark);
            if !moved && self.at_rest() {
                return true;
            }
            if self.now >= end {
                return false;
            }
        }
    }

    /// What changes while something is on its way.
    fn mark(&self) -> (usize, usize) {
        (self.ledger.changes(), self.said.len())
    }

    /// Nothing joins, leaves, starts or stops, and nobody boots. A node that stands still for good is at rest.
    fn at_rest(&self) -> bool {
        self.machines.iter().all(|machine| {
            let calm = machine.node.as_ref().is_none_or(|node| {
                let groups = (0_u8..).map(GroupId).map_while(|id| node.group_status(id));
                let moving = |state| matches!(state, GroupState::Starting | GroupState::Stopping);
                node.glance().phase == Phase::Up && !groups.into_iter().any(|group| moving(group.state))
            });
            machine.boot_at.is_none() && (machine.frozen || calm)
        })
    }

    /// Until `done`, or until `end`; which of the two?
    pub(crate) fn until(&mut self, end: Instant, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            if done(self) {
                return true;
            }
            let frames =
                self.frames.iter().filter(|frame| self.machines.get(frame.to).is_some_and(Machine::acts));
            let mut next = frames.map(|frame| frame.at).min().unwrap_or(Instant::NEVER);
            for machine in &self.machines {
                next = next.min(machine.deadline());
            }
            let next = next.max(self.now);
            if next > end {
                self.now = end;
                return false;
            }
            self.spins = if self.spins.1 == next { (self.spins.0 + 1, next) } else { (0, next) };
            if self.spins.0 > SPINS {
                self.say("the nodes ask for the same thing again and again");
                return false;
            }
            self.now = next;
            for side in 0..self.machines.len() {
                self.look_at(side);
            }
        }
    }

    /// Everything that is due at one machine.
    fn look_at(&mut self, side: usize) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(side) else { return };
        if machine.bites().is_some_and(|at| at <= now) {
            self.reset(side, "is reset by its watchdog");
        }
        let Some(machine) = self.machines.get_mut(side) else { return };
        if machine.boot_at.is_some_and(|at| at <= now) {
            self.start(side);
        }
        let Some(machine) = self.machines.get_mut(side).filter(|machine| machine.acts()) else { return };
        let mut due = machine.node.as_ref().is_some_and(|node| node.poll_deadline() <= now);
        let mut inputs: Vec<Input<'static>> = Vec::new();
        while let Some(at) = machine.writes.iter().position(|(at, ..)| *at <= now) {
            let (_, serial, saved) = machine.writes.remove(at);
            machine.saved = saved;
            inputs.push(Input::Persisted { serial });
        }
        while let Some(at) = machine.calls.iter().position(|call| call.due <= now) {
            let call = machine.calls.remove(at);
            let outcome = machine.ended(&call);
            inputs.push(Input::ScriptDone { token: call.token, outcome });
        }
        while let Some(at) = machine.answers.iter().position(|(at, _)| *at <= now) {
            inputs.push(machine.answers.remove(at).1);
        }
        let mut frames = Vec::new();
        while let Some(at) = self.frames.iter().position(|frame| frame.to == side && frame.at <= now) {
            frames.push(self.frames.remove(at));
        }
        due |= !inputs.is_empty() || !frames.is_empty();
        for frame in &frames {
            self.give(side, Input::Received { link: frame.link, bytes: &frame.bytes });
        }
        inputs.into_iter().for_each(|input| self.give(side, input));
        if due {
            self.give(side, Input::Tick { drained: true });
        }
        self.note();
    }

    /// What its daemon then asks for is done.
    pub(crate) fn give(&mut self, side: usize, input: Input<'_>) {
        let now = self.now;
        let actions = self.machines.get_mut(side).map(|m| m.give(now, Some(input))).unwrap_or_default();
        for (action, bytes) in actions {
            self.act(side, action, bytes);
        }
    }

    /// Its daemon starts.
    fn start(&mut self, side: usize) {
        let (now, entropy, links) = (self.now, self.dice.entropy(), self.wires.len());
        let Some(machine) = self.machines.get_mut(side) else { return };
        (machine.boot_at, machine.on) = (None, true);
        machine.boots += 1;
        let side_of_boots = u32::try_from(side).unwrap_or_default() + 1;
        machine.config.boot = machine.boots * 2 + side_of_boots;
        let (config, keys) = (machine.config.clone(), machine.keys.clone());
        let Ok(node) = Node::new(config, keys, &machine.saved, entropy, now) else { return };
        machine.node = Some(Box::new(node));
        let dog = machine.dog;
        if let Some(timeout) = dog {
            machine.fed = Some(now);
            self.give(side, Input::Watchdog(Watchdog::Armed { timeout }));
        }
        for link in (0..=u8::MAX).take(links) {
            self.give(side, Input::LinkChanged { link: LinkId(link), up: true });
        }
        self.give(side, Input::Tick { drained: true });
    }

    /// It loses its power for a moment, and boots.
    pub(crate) fn reset(&mut self, side: usize, how: &str) {
        let (now, boot) = (self.now, self.boot);
        let Some(machine) = self.machines.get_mut(side) else { return };
        machine.off();
        machine.boot_at = Some(now.plus(boot));
        let text = format!("{} {how}, and boots for {}", machine.names.own, Seconds(boot));
        self.say(&text);
        self.note();
    }

    fn turn(&mut self, turn: Turn) {
        let name = |side: usize| self.machines.get(side).map_or("?", |m| m.names.own.as_str());
        let text = match turn {
            Turn::Off(side) => format!("the power of {} goes", name(side)),
            Turn::On(side) => {
                format!("the power of {} is back, its daemon starts {} later", name(side), Seconds(self.boot))
            }
            Turn::Freeze(side, true) => format!("every program of {} stands still", name(side)),
            Turn::Freeze(side, false) => format!("the programs of {} go on", name(side)),
            Turn::Cut(link, cut) => {
                let link = link
                    .and_then(|link| self.wires.get(link))
                    .map_or("every link", |wire| wire.name.as_str());
                format!("{link} {}", if cut { "is cut" } else { "carries again" })
            }
            Turn::Clients(true) => "the clients' network falls in two between the nodes".into(),
            Turn::Clients(false) => "the clients' network is whole again".into(),
            Turn::Standby(side) => format!("an operator says hbd standby on {}", name(side)),
            Turn::Takeover(side) => format!("an operator says hbd takeover on {}", name(side)),
        };
        self.say(&text);
        let (now, boot) = (self.now, self.boot);
        match turn {
            Turn::Off(side) => self.machines.get_mut(side).into_iter().for_each(Machine::off),
            Turn::On(side) => {
                for machine in self.machines.get_mut(side).into_iter().filter(|m| m.node.is_none()) {
                    machine.boot_at = Some(now.plus(boot));
                }
            }
            Turn::Freeze(side, frozen) => {
                for machine in self.machines.get_mut(side).into_iter().filter(|m| m.on) {
                    machine.frozen = frozen;
                }
            }
            Turn::Cut(Some(link), cut) => {
                self.wires.get_mut(link).into_iter().for_each(|wire| wire.cut = cut)
            }
            Turn::Cut(None, cut) => self.wires.iter_mut().for_each(|wire| wire.cut = cut),
            Turn::Clients(split) => self.split = split,
            Turn::Standby(side) => self.operator(side, Command::Standby(Scope::All)),
            Turn::Takeover(side) => self.operator(side, Command::Takeover(Scope::All)),
        }
        self.note();
    }

    fn operator(&mut self, side: usize, command: Command) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(side) else { return };
        let acts = machine.acts();
        let Some(node) = machine.node.as_mut().filter(|_| acts) else {
            return self.say("  no daemon answers there");
        };
        let refused = node.operator(now, command).err();
        let mut text = Text::<300>::new();
        if let Some(refusal) = refused {
            reasons::refusal_words(&machine.names.own, &machine.names.peer, refusal, &mut text);
            self.say(&format!("  refused: {}", text.as_str()));
        }
        self.give(side, Input::Tick { drained: true });
    }

    /// A frame leaves; whether it comes is up to the wire.
    pub(crate) fn send(&mut self, from: usize, link: LinkId, bytes: Vec<u8>) {
        let now = self.now;
        let Some(wire) = self.wires.get_mut(usize::from(link.0)) else { return };
        let at = match (wire.baud, wire.free.get_mut(from)) {
            (Some(baud), Some(free)) => {
                let bits = bytes.len() as u64 * 10;
                let took = Duration::from_micros(bits.saturating_mul(1_000_000) / u64::from(baud.max(1)));
                *free = now.max(*free).plus(took);
                *free
            }
            _ => now.plus(LAN),
        };
        let lost = wire.cut || (wire.loss > 0 && self.dice.below(100) < u64::from(wire.loss));
        if !lost && self.machines.get(1 - from.min(1)).is_some_and(|machine| machine.on) {
            self.frames.push(Frame { at, to: 1 - from.min(1), link, bytes });
        }
    }

    /// A line of the timeline.
    pub(crate) fn say(&mut self, text: &str) {
        let at = format!("{}", Seconds(self.now.since(self.begun)));
        self.said.push(format!("{at:>9}  -- {text}"));
    }

    /// Who serves, and who may, as of now.
    fn note(&mut self) {
        let now = self.now;
        for (at, id) in (0_u8..).map(GroupId).enumerate().take(self.ledger.groups()) {
            let of = |what: fn(&Machine, GroupId) -> bool| {
                let mut both = self.machines.iter().map(|machine| what(machine, id));
                [both.next().unwrap_or_default(), both.next().unwrap_or_default()]
            };
            let (serves, may) = (of(Machine::serves), of(Machine::may_run));
            self.ledger.note(now, at, serves, may);
        }
    }
}
