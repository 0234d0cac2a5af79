//! Two machines with real nodes, the wire between them, and what could happen next.

use super::actions::Action;
use super::canon::{Canon, Marks};
use super::case::{Case, KEEPALIVE};
use super::copies::Copies;
use super::print::{BOOT, Class, Print};
use super::rules::Memory;
use super::scripts::Scripts;
use hb_core::message::{GroupState, Message};
use hb_core::{Config, Duration, GroupStatus, Incarnation, Instant, Node, Saved, Side, Status};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// Groups at most.
pub(super) const GROUPS: usize = 2;
/// Frames that a frozen node's socket keeps.
pub(super) const SOCKET: usize = 2;

/// A frame as it was sent.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) message: Message,
    pub(super) print: OnceCell<Print>,
    pub(super) life: Incarnation,
    /// How many frames its machine had sent with it.
    pub(super) number: u32,
    /// It carries a hello: a receiver that has not met the life can read it.
    pub(super) long: bool,
    /// Per group the highest epoch in it.
    pub(super) shows: [u32; GROUPS],
    /// In words, for the timeline.
    pub(super) words: String,
}

impl Frame {
    fn print(&self) -> &Print {
        self.print.get_or_init(|| Print::of(u8::from(self.message.source == Side::Odd), &self.message))
    }
}

/// A copy that may come (again) at any time.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) frame: Rc<Frame>,
    /// It came once already.
    pub(super) came: bool,
    /// The receiver's life when it was made.
    pub(super) receiver: u32,
}

/// A daemon.
#[derive(Clone, Debug)]
pub(super) struct Daemon {
    pub(super) node: Rc<Node>,
    pub(super) life: Incarnation,
    pub(super) frozen: bool,
    pub(super) print: OnceCell<Rc<Print>>,
}

impl Daemon {
    pub(super) fn group(&self, now: Instant, group: usize) -> GroupStatus {
        self.node.status(now).groups[group]
    }

    fn print(&self, side: u8) -> &Print {
        self.print.get_or_init(|| Rc::new(Print::of(side, &*self.node)))
    }
}

/// A machine.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) daemon: Option<Daemon>,
    pub(super) config: Rc<Config>,
    pub(super) boot: u32,
    /// Starts of the daemon.
    pub(super) life: u32,
    pub(super) disk: Saved,
    pub(super) disk_broken: bool,
    /// Since then.
    pub(super) broken_at: Instant,
    /// A write under way: number and content.
    pub(super) write: Option<(u32, Saved)>,
    pub(super) copies: Copies,
    /// It has no power: nobody reads its disk.
    pub(super) off: bool,
    /// The fence device is at work.
    pub(super) fencing: bool,
    /// The group's one resource runs, or may.
    pub(super) runs: [bool; GROUPS],
    /// It runs, and the daemon said that it cannot stop it.
    pub(super) stuck: [bool; GROUPS],
    pub(super) scripts: Scripts,
    /// When the armed watchdog resets the machine.
    pub(super) dog: Option<Instant>,
    /// What waits in a socket that is not read.
    pub(super) socket: Vec<Rc<Frame>>,
    /// What the rules need to remember.
    pub(super) memory: Memory,
}

/// The whole.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) case: Case,
    pub(super) now: Instant,
    pub(super) machines: [Machine; 2],
    /// On its way, by sender.
    pub(super) wire: [Vec<Rc<Frame>>; 2],
    /// By sender: nothing gets through.
    pub(super) cut: [bool; 2],
    /// By sender.
    pub(super) tape: [Option<Copy>; 2],
    /// By sender: what befalls its next frame, when faults come between instants.
    pub(super) armed: [Option<Action>; 2],
    /// What happens in an instant happens in one order ([`super::Grain::Coarse`]).
    pub(super) coarse: bool,
    /// Frames sent so far.
    pub(super) sent: [u32; 2],
    /// Both hold the group, and one of them must go on.
    pub(super) contested: [bool; GROUPS],
    /// Both go on, and both know it, since then.
    pub(super) both_since: [Option<Instant>; GROUPS],
    /// Where the timeline goes, when one is wanted.
    pub(super) story: Option<Rc<RefCell<Vec<String>>>>,
}

impl World {
    /// Two machines without a daemon.
    pub(super) fn new(case: Case) -> Self {
        let machine = |host: usize| {
            let boot = 1 + u32::from(host == 1) * 0x8000;
            Machine {
                daemon: None,
                config: Rc::new(case.config(host, boot)),
                boot,
                life: 0,
                disk: Saved::default(),
                disk_broken: false,
                broken_at: Instant::ZERO,
                write: None,
                copies: Copies::new(),
                off: false,
                fencing: false,
                runs: [false; GROUPS],
                stuck: [false; GROUPS],
                scripts: Scripts::default(),
                dog: None,
                socket: Vec::new(),
                memory: Memory::default(),
            }
        };
        Self {
            case,
            now: Instant::from_millis(10_000),
            machines: [machine(0), machine(1)],
            wire: [Vec::new(), Vec::new()],
            cut: [false; 2],
            tape: [None, None],
            armed: [None; 2],
            coarse: false,
            sent: [0; 2],
            contested: [false; GROUPS],
            both_since: [None; GROUPS],
            story: None,
        }
    }

    pub(super) fn groups(&self) -> std::ops::Range<usize> {
        0..usize::from(self.case.groups)
    }

    pub(super) fn daemon(&self, host: usize) -> Option<&Daemon> {
        self.machines[host].daemon.as_ref()
    }

    /// A daemon that runs.
    pub(super) fn awake(&self, host: usize) -> Option<&Daemon> {
        self.daemon(host).filter(|daemon| !daemon.frozen)
    }

    pub(super) fn status(&self, host: usize) -> Option<Status> {
        Some(self.daemon(host)?.node.status(self.now))
    }

    /// What the daemon of `host` says of the group.
    pub(super) fn shown(&self, host: usize, group: usize) -> Option<GroupState> {
        Some(self.daemon(host)?.group(self.now, group).state)
    }

    /// The last frame of `from` came, and the other daemon took it for life.
    pub(super) fn fresh(&self, from: usize) -> bool {
        self.sent[from] != 0 && self.machines[1 - from].memory.took == self.sent[from]
    }

    /// A timer of `host` is due.
    pub(super) fn due(&self, host: usize) -> bool {
        self.awake(host).is_some_and(|daemon| daemon.node.poll_deadline() <= self.now)
    }

    /// The next time at which something is due, when nothing is left to be done now.
    pub(super) fn next_time(&self) -> Option<Instant> {
        if self.wire.iter().any(|wire| !wire.is_empty()) {
            return None;
        }
        let mut at = Instant::NEVER;
        for (host, machine) in self.machines.iter().enumerate() {
            if machine.writes() && machine.daemon.is_some() {
                return None;
            }
            if let Some(dog) = machine.dog {
                at = at.min(dog);
            }
            // A start that cannot write its stamp has failed; one such failure tells as much as a row of them does.
            let since = machine.broken_at.plus(limit().times(2));
            if machine.disk_broken && self.case.data && self.now >= since {
                return None;
            }
            if machine.scripts.felt_enough(self.now) {
                return None;
            }
            let Some(daemon) = &machine.daemon else { continue };
            if daemon.frozen {
                at = at.min(self.now.plus(KEEPALIVE));
            } else if self.due(host) || !machine.socket.is_empty() {
                return None;
            } else {
                at = at.min(daemon.node.poll_deadline());
            }
        }
        let overdue = |machine: &Machine| {
            machine.daemon.as_ref().is_some_and(|daemon| !daemon.frozen)
                && (machine.scripts.calls.iter().any(|call| call.open() && at >= call.since.plus(limit()))
                    || machine.copies.pull.is_some_and(|pull| pull.overdue(at)))
        };
        if at == Instant::NEVER || at <= self.now || self.machines.iter().any(overdue) {
            return None;
        }
        Some(at)
    }

    /// The state, as one number.
    pub(super) fn fingerprint(&self) -> u64 {
        self.marks().state
    }

    /// What the state is told by.
    pub(super) fn marks(&self) -> Marks {
        let mut canon = Canon::new(self.case.long_ago());
        for (host, machine) in self.machines.iter().enumerate() {
            let side = u8::from(host == 1);
            let print = machine.daemon.as_ref().map(|daemon| daemon.print(side));
            canon.host(side, self.now, print);
            machine.canon(side, self.now, &mut canon);
            if let Some(print) = print {
                canon.print(print);
                canon.plain(u64::from(self.daemon(host).is_some_and(|daemon| daemon.frozen)));
            }
            canon.plain(u64::from(self.cut[host]) | u64::from(self.fresh(host)) << 1);
            canon.plain(match self.armed[host] {
                None => 0,
                Some(Action::Delay(_)) => 1,
                Some(_) => 2,
            });
            canon.plain(self.wire[host].len() as u64);
            for frame in &self.wire[host] {
                canon.print(frame.print());
            }
            if let Some(copy) = &self.tape[host] {
                let same_life = copy.receiver == self.machines[1 - host].life;
                let newest = copy.frame.number > self.machines[1 - host].memory.took;
                canon.plain(
                    2 | u64::from(copy.came) << 2 | u64::from(same_life) << 3 | u64::from(newest) << 4,
                );
                canon.print(copy.frame.print());
            }
        }
        for since in self.both_since {
            canon.value(Class::Real, since.map_or(0, Instant::as_micros));
        }
        canon.plain(u64::from(self.contested[0]) | u64::from(self.contested[1]) << 1);
        canon.finish()
    }
}

/// The limit of every call.
fn limit() -> Duration {
    super::case::SCRIPT_LIMIT
}

impl Machine {
    fn canon(&self, side: u8, now: Instant, canon: &mut Canon) {
        let bits = [
            self.daemon.is_some(),
            self.disk_broken,
            self.fencing,
            self.runs[0],
            self.runs[1],
            self.stuck[0],
            self.stuck[1],
            self.off,
        ];
        canon.plain(bits.iter().fold(1, |word, bit| word << 1 | u64::from(*bit)));
        canon.value(Class::Name, u64::from(self.boot) | BOOT);
        canon.value(Class::Real, if self.disk_broken { self.broken_at.as_micros() } else { 0 });
        canon.saved(side, &self.disk);
        if let Some((serial, saved)) = &self.write {
            canon.value(Class::Serial, u64::from(*serial));
            canon.saved(side, saved);
        }
        self.scripts.canon(now, canon);
        if let Some(dog) = self.dog {
            canon.value(Class::Real, dog.as_micros());
        }
        canon.plain(self.socket.len() as u64);
        for frame in &self.socket {
            canon.print(frame.print());
        }
        self.copies.canon(canon);
        self.memory.canon(canon);
    }
}

impl Canon {
    fn saved(&mut self, side: u8, saved: &Saved) {
        self.value(Class::Counter(side), u64::from(saved.counter));
        for (at, (_, epoch)) in saved.epochs.iter().enumerate() {
            self.value(Class::Epoch(u8::from(at == 1)), u64::from(*epoch));
        }
        saved.copies.iter().for_each(|(_, epoch)| self.value(Class::Epoch(0), u64::from(*epoch)));
        self.value(Class::Name, u64::from(saved.boot) | BOOT);
        self.value(Class::Name, u64::from(saved.stuck_boot) | BOOT);
        // Of a name its last bit tells one group from the other.
        let records = saved.records.iter().fold(2 | u64::from(saved.lost), |word, (name, record)| {
            let bits = u64::from(record.started) | u64::from(record.reset) << 1 | u64::from(*name & 1) << 2;
            word << 4 | 8 | bits
        });
        self.plain(saved.stuck.iter().fold(records, |word, name| word << 2 | 2 | u64::from(*name & 1)));
    }
}
