//! The kinds of faults and commands, and what each does to the world when it begins and when it ends.

use crate::dice::Dice;
use crate::open::Part;
use crate::script::Answer;
use crate::setting::Setting;
use crate::text::beat;
use crate::world::World;
use hb_core::config::LinkKind;
use hb_core::message::GroupState;
use hb_core::{Command, Duration, GroupId, LinkId, Scope, Verb};

macro_rules! kinds {
    ($($kind:ident $about:literal,)*) => {
        /// One kind.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Kind { $(#[doc = $about] $kind,)* }

        /// All of them, in order.
        pub const KINDS: &[Kind] = &[$(Kind::$kind,)*];
    };
}

kinds! {
    CutAll "Every link is cut both ways.",
    CutLink "One link is cut both ways.",
    CutFrom "Nothing that one node sends arrives.",
    CutLinkFrom "Nothing that one node sends on one link arrives.",
    Loss "Frames of one link are lost.",
    LossAll "Frames of every link are lost.",
    Twice "Datagrams come twice.",
    Late "Datagrams overtake each other.",
    Flips "Bits of frames are changed.",
    Noise "Bursts of noise on a link.",
    Slow "Frames of one link take longer.",
    Device "The device of a link fails on one node.",
    Freeze "A daemon stands still.",
    Kill "A daemon dies alone, and is started again.",
    PowerLoss "A machine loses its power, and comes back.",
    StateLoss "The same, and its state file is gone.",
    DiskSlow "Writes take long.",
    DiskStuck "Writes do not end before the fault does.",
    StartFails "Start scripts fail.",
    StartHangs "Start scripts hang.",
    StartGrumbles "Start scripts work, and answer 1.",
    StopFails "Stop scripts fail.",
    StopHangs "Stop scripts hang.",
    StopGrumbles "Stop scripts work, and answer 1.",
    StopLies "Stop scripts do nothing, and answer 0.",
    StatusFails "Status scripts fail.",
    StatusFickle "Status scripts do what they like.",
    StatusHangs "Status scripts hang.",
    ScriptsMissing "Scripts of a node that runs nothing are not there.",
    StatusSilent "Status scripts have no word for anything.",
    StatusPartly "Status scripts say that a part runs.",
    StatusStays "Status scripts hang, and nothing can kill them.",
    ScriptsNotRun "Scripts cannot be run, though they are there.",
    ScriptsGone "Scripts lose their run bit, and the daemon learns of it.",
    GoneAtStart "A daemon dies alone, and its scripts are not there when it is started again.",
    ScriptsSlow "Scripts take long.",
    ResourceDies "A resource ends by itself.",
    PingAway "A ping node does not answer one node.",
    PingAllAway "No ping node answers one node.",
    Standby "An operator gives groups away.",
    Takeover "An operator takes groups.",
    ConfirmDown "An operator vouches that the peer is off.",
    Clear "An operator clears a group.",
    Stop "An operator stops a daemon, and starts it again.",
    DogBroken "A watchdog does not fire.",
    FenceFails "The fence fails.",
    PullsFail "Pulls of data fail.",
    PullsSlow "Pulls of data take long.",
    StampLoss "The stamp of a copy is gone, the daemon is not there.",
    Unclaimable "A node says that its scripts are not there.",
    Replay "Recorded frames are sent again.",
    Foreign "Linux-HA Heartbeat speaks in the peer's name.",
    LanCut "The clients' network is cut off from one node, which still has a carrier.",
    LanOneWay "Nothing that one node sends to the clients' network arrives.",
    LanCarrier "One node's interface to the clients has no carrier.",
    LanStranger "A third machine answers for the service addresses.",
    Isolation "One node is cut off from the peer and from every ping node.",
    Edit "The configuration changes between two lives, and back.",
    ThawOrder "A daemon stands still, and a command is what it finds first.",
    DogBusy "The device of the watchdog is busy when a daemon starts.",
    BootUnknown "A daemon that starts cannot read the identity of its boot.",
    DiskFails "Writes of the state fail.",
    OldStream "Recorded frames come as a stream.",
    HelloStream "Recorded hellos come as a stream.",
    NewerStream "Frames of a newer version come as a stream.",
    ForeignStream "Unsigned text of Linux-HA Heartbeat comes as a stream.",
    OwnStream "A node's own frames, of any life, come back to it as a stream.",
}

impl Kind {
    /// The swarm draws it.
    #[must_use]
    pub fn is_of_swarm(self) -> bool {
        self.part().is_none()
    }

    /// The part of the world that draws it, if one does and no swarm.
    #[must_use]
    pub fn part(self) -> Option<Part> {
        Some(match self {
            Self::Edit => Part::Edits,
            Self::ThawOrder => Part::Thaw,
            Self::DogBusy => Part::Busy,
            Self::BootUnknown => Part::Boot,
            Self::DiskFails => Part::Disk,
            Self::OldStream => Part::OldStream,
            Self::HelloStream => Part::Hellos,
            Self::NewerStream => Part::Newer,
            Self::ForeignStream => Part::Foreign,
            Self::OwnStream => Part::Own,
            _ => return None,
        })
    }

    /// Frames come that are nobody's life: what a node does must not depend on them.
    #[must_use]
    pub fn is_of_strangers(self) -> bool {
        use Kind::{ForeignStream, HelloStream, NewerStream, OldStream, OwnStream, Replay};
        matches!(self, Replay | OldStream | HelloStream | NewerStream | ForeignStream | OwnStream)
    }

    /// Such a fault of `host` may hold up what `survivor` does about the death of the other daemon.
    #[must_use]
    pub fn concerns(self, host: usize, survivor: usize) -> bool {
        match self {
            _ if self.is_of_links() || self.is_of_strangers() => false,
            Self::FenceFails | Self::PullsFail | Self::PullsSlow | Self::StampLoss | Self::Foreign => true,
            Self::LanCut | Self::LanOneWay | Self::LanCarrier | Self::LanStranger => true,
            // A machine whose daemon is dead does nothing that its peer has to wait for.
            _ => host == survivor,
        }
    }

    /// Only the links are concerned.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        use Kind::{
            CutAll, CutFrom, CutLink, CutLinkFrom, Device, Flips, Late, Loss, LossAll, Noise, Slow, Twice,
        };
        matches!(
            self,
            CutAll
                | CutLink
                | CutFrom
                | CutLinkFrom
                | Loss
                | LossAll
                | Twice
                | Late
                | Flips
                | Noise
                | Slow
                | Device
        )
    }

    /// Could it ever find something to change in this setting?
    #[must_use]
    pub fn fits(self, setting: &Setting) -> bool {
        match self {
            Self::Twice | Self::Late => setting.links.iter().any(|link| link.kind == LinkKind::Datagram),
            Self::PingAway | Self::PingAllAway | Self::Isolation => setting.pings > 0,
            Self::DogBroken | Self::DogBusy => setting.dog.is_some(),
            Self::FenceFails => setting.fence.is_some(),
            Self::PullsFail | Self::PullsSlow | Self::StampLoss => setting.data.is_some(),
            _ => true,
        }
    }

    /// Scripts do not what they should, or take longer.
    #[must_use]
    pub fn is_of_scripts(self) -> bool {
        (Self::StartFails..=Self::ResourceDies).contains(&self)
    }
}

/// One fault or command of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Since the begin of the run.
    pub at: Duration,
    /// Until it ends.
    pub lasts: Duration,
    /// What.
    pub kind: Kind,
    /// Of this machine, or sent by it.
    pub host: usize,
    /// On this link.
    pub link: usize,
    /// How much, 0 to 999.
    pub amount: u64,
}

impl Fault {
    /// This, or where there is nothing that it could change, a cut of its link: every fault of a schedule befalls.
    #[must_use]
    pub fn or_a_cut(&self, world: &World) -> Self {
        if self.meets(world) { *self } else { Self { kind: Kind::CutLink, ..*self } }
    }

    /// Is there anything that it could change?
    fn meets(&self, world: &World) -> bool {
        let h = &world.hosts[self.host];
        let runs = h.runs();
        let datagram = world.wires[self.link].kind == LinkKind::Datagram;
        match self.kind {
            Kind::Freeze | Kind::ThawOrder | Kind::Kill | Kind::Stop | Kind::GoneAtStart => runs,
            Kind::Standby | Kind::Takeover | Kind::ConfirmDown | Kind::Clear => runs,
            Kind::Twice | Kind::Late => datagram,
            Kind::PowerLoss | Kind::StateLoss => h.powered,
            Kind::PingAway | Kind::PingAllAway | Kind::Isolation => !h.reaches.is_empty(),
            Kind::DogBroken | Kind::DogBusy => h.dog.timeout.is_some(),
            Kind::FenceFails => h.config.fence.is_some(),
            Kind::PullsFail | Kind::PullsSlow | Kind::StampLoss => {
                h.config.groups.iter().any(|g| g.data.is_some())
            }
            Kind::ScriptsMissing => !(0..world.client.len()).any(|g| h.holds(g)),
            Kind::ResourceDies => {
                let group = (self.amount % world.client.len() as u64) as usize;
                h.shown(group).is_some_and(|s| s.state == GroupState::Held)
            }
            Kind::Replay => !world.recorded[self.host].is_empty() && world.hosts[1 - self.host].runs(),
            Kind::Foreign => runs && h.open >> self.link & 1 == 1,
            Kind::ForeignStream | Kind::NewerStream => world.hosts[1 - self.host].runs(),
            Kind::OldStream | Kind::HelloStream => !world.recorded[self.host].is_empty(),
            Kind::OwnStream => !world.recorded[1 - self.host].is_empty(),
            Kind::CutAll
            | Kind::CutLink
            | Kind::CutFrom
            | Kind::CutLinkFrom
            | Kind::Loss
            | Kind::LossAll
            | Kind::Flips
            | Kind::Noise
            | Kind::Slow
            | Kind::Device
            | Kind::DiskSlow
            | Kind::DiskStuck
            | Kind::StartFails
            | Kind::StartHangs
            | Kind::StartGrumbles
            | Kind::StopFails
            | Kind::StopHangs
            | Kind::StopGrumbles
            | Kind::StopLies
            | Kind::StatusFails
            | Kind::StatusFickle
            | Kind::StatusHangs
            | Kind::StatusSilent
            | Kind::StatusPartly
            | Kind::StatusStays
            | Kind::ScriptsNotRun
            | Kind::ScriptsGone
            | Kind::ScriptsSlow
            | Kind::Edit
            | Kind::BootUnknown
            | Kind::DiskFails
            | Kind::Unclaimable
            | Kind::LanCut
            | Kind::LanOneWay
            | Kind::LanCarrier
            | Kind::LanStranger => true,
        }
    }

    /// It begins.
    pub fn begin(&self, world: &mut World) {
        let Self { host, link, amount, .. } = *self;
        let links = world.wires.len();
        let groups = world.client.len() as u64;
        let scripts = &mut world.hosts[host].scripts;
        match self.kind {
            Kind::CutAll => world.cut_all(true),
            Kind::CutLink => (0..2).for_each(|from| world.cut[from][link] = true),
            Kind::CutFrom => world.cut[host] = [true; 8],
            Kind::CutLinkFrom => world.cut[host][link] = true,
            Kind::Loss => world.wires[link].ways.iter_mut().for_each(|way| way.loss = 100 + amount),
            Kind::LossAll => (0..links).for_each(|link| world.wires[link].ways[host].loss = 50 + amount / 2),
            Kind::Twice => world.wires[link].ways.iter_mut().for_each(|way| way.twice = 100 + amount),
            Kind::Late => world.wires[link].ways.iter_mut().for_each(|way| {
                way.late = 100 + amount / 2;
                way.late_by = Duration::from_millis(1 + amount / 5);
            }),
            Kind::Flips => world.wires[link].ways.iter_mut().for_each(|way| way.flips = 20 + amount / 2),
            Kind::Noise => world.set_noise(host, link, true),
            Kind::Slow => world.wires[link].latency = Duration::from_millis(5 + amount / 20),
            Kind::Device => Self::device(world, host, link, false),
            Kind::Freeze => world.freeze(host),
            Kind::Kill => world.kill(host),
            Kind::PowerLoss => world.power_off(host),
            Kind::StateLoss => {
                world.power_off(host);
                world.hosts[host].saved = hb_core::Saved::default();
            }
            Kind::DiskSlow => world.hosts[host].disk_time = Duration::from_millis(50 + amount * 2),
            Kind::DiskStuck => world.hosts[host].disk_time = Duration::from_secs(3600),
            Kind::StartFails => scripts.start = Answer::Fails,
            Kind::StartHangs => scripts.start = Answer::Hangs,
            Kind::StartGrumbles => scripts.start = Answer::Grumbles,
            Kind::StopFails => scripts.stop = Answer::Fails,
            Kind::StopHangs => scripts.stop = Answer::Hangs,
            Kind::StopGrumbles => scripts.stop = Answer::Grumbles,
            Kind::StopLies => scripts.stop = Answer::Lies,
            Kind::StatusFails => scripts.status = Answer::Fails,
            Kind::StatusFickle => scripts.status = Answer::Fickle,
            Kind::StatusHangs => scripts.status = Answer::Hangs,
            Kind::StatusSilent => scripts.status = Answer::Silent,
            Kind::StatusPartly => scripts.status = Answer::Partly,
            Kind::StatusStays => (scripts.status, scripts.stays) = (Answer::Hangs, true),
            Kind::ScriptsNotRun => Self::missing(world, host, Answer::Missing),
            Kind::ScriptsGone => {
                Self::missing(world, host, Answer::Missing);
                (0..groups).for_each(|group| Self::claimable(world, host, group, false));
            }
            Kind::GoneAtStart => {
                world.kill(host);
                Self::missing(world, host, Answer::Missing);
                let boots = world.hosts[host].boots;
                world.booted(host, boots);
            }
            // Whoever removes the scripts of a running service leaves nothing that could stop it.
            Kind::ScriptsMissing => {
                let h = &world.hosts[host];
                if !(0..groups as usize).any(|g| h.holds(g)) {
                    Self::missing(world, host, Answer::Missing);
                }
            }
            Kind::ScriptsSlow => scripts.time = Duration::from_millis(10 + amount),
            Kind::ResourceDies => {
                let group = (amount % groups) as usize;
                let h = &mut world.hosts[host];
                let held = h.shown(group).is_some_and(|s| s.state == GroupState::Held);
                if let Some(up) = h.scripts.running.get_mut(group).and_then(|r| r.last_mut()).filter(|_| held)
                {
                    *up = false;
                }
                world.watch_holds(host);
            }
            Kind::PingAway => {
                if let Some(reaches) = world.hosts[host].reaches.first_mut() {
                    *reaches = false;
                }
            }
            Kind::PingAllAway => world.hosts[host].reaches.fill(false),
            Kind::Isolation => {
                world.hosts[host].reaches.fill(false);
                world.cut_all(true);
            }
            Kind::Standby => Self::command(world, host, Command::Standby(Self::scope(amount))),
            Kind::Takeover => Self::command(world, host, Command::Takeover(Self::scope(amount))),
            Kind::ConfirmDown => Self::command(world, host, Command::ConfirmDown),
            Kind::Clear => Self::command(world, host, Command::Clear(GroupId((amount % groups) as u8))),
            Kind::Stop => {
                Self::command(world, host, Command::Stop);
                if amount % 3 == 0 {
                    Self::command(world, host, Command::Stop);
                }
            }
            Kind::DogBroken => world.hosts[host].dog.broken = true,
            Kind::FenceFails => world.fence_works = false,
            Kind::PullsFail => world.pulls_work = false,
            Kind::PullsSlow => world.pull_time = Duration::from_millis(50 + amount * 4),
            Kind::StampLoss => {
                world.kill(host);
                world.hosts[host].disks.iter_mut().for_each(|disk| disk.stamp = hb_core::Stamp::NONE);
            }
            Kind::Unclaimable => Self::claimable(world, host, amount % groups, false),
            Kind::Replay => world.replay(host),
            Kind::LanCut => world.lan.deaf[host] = true,
            Kind::LanOneWay => world.lan.cut[host] = true,
            Kind::LanCarrier => world.lan.carrier[host] = false,
            Kind::LanStranger => world.lan.stranger = true,
            Kind::Foreign => Self::foreign(world, host, link, amount),
            Kind::Edit => world.edit(host, amount, false),
            Kind::ThawOrder => world.freeze(host),
            Kind::DogBusy => {
                world.hosts[host].dog.busy = true;
                Self::restart(world, host, amount);
            }
            Kind::BootUnknown => {
                world.hosts[host].boot_unknown = true;
                Self::restart(world, host, amount);
            }
            Kind::DiskFails => world.hosts[host].disk_fails = true,
            Kind::OldStream
            | Kind::HelloStream
            | Kind::NewerStream
            | Kind::ForeignStream
            | Kind::OwnStream => world.begin_stream(self.kind, host, link, amount),
        }
    }

    /// It ends.
    pub fn end(&self, world: &mut World) {
        let Self { host, link, amount, .. } = *self;
        let links = world.wires.len();
        let groups = world.client.len() as u64;
        match self.kind {
            Kind::CutAll => world.cut_all(false),
            Kind::CutLink => (0..2).for_each(|from| world.cut[from][link] = false),
            Kind::CutFrom => world.cut[host] = [false; 8],
            Kind::CutLinkFrom => world.cut[host][link] = false,
            Kind::Loss => world.wires[link].ways.iter_mut().for_each(|way| way.loss = 0),
            Kind::LossAll => (0..links).for_each(|link| world.wires[link].ways[host].loss = 0),
            Kind::Twice => world.wires[link].ways.iter_mut().for_each(|way| way.twice = 0),
            Kind::Late => world.wires[link].ways.iter_mut().for_each(|way| way.late = 0),
            Kind::Flips => world.wires[link].ways.iter_mut().for_each(|way| way.flips = 0),
            Kind::Noise => world.set_noise(host, link, false),
            Kind::Slow => world.wires[link].latency = Duration::from_millis(1),
            Kind::Device => Self::device(world, host, link, true),
            Kind::Freeze => world.thaw(host),
            Kind::Kill | Kind::PowerLoss | Kind::StateLoss | Kind::StampLoss | Kind::Stop => {
                let boots = world.hosts[host].boots;
                world.booted(host, boots);
            }
            Kind::DiskSlow => world.hosts[host].disk_time = Duration::from_millis(1),
            Kind::DiskStuck => {
                world.hosts[host].disk_time = Duration::from_millis(1);
                world.release_writes(host);
            }
            Kind::StartFails | Kind::StartHangs | Kind::StartGrumbles => {
                world.hosts[host].scripts.start = Answer::Honest;
            }
            Kind::StopFails | Kind::StopHangs | Kind::StopGrumbles | Kind::StopLies => {
                world.hosts[host].scripts.stop = Answer::Honest;
            }
            Kind::StatusFails
            | Kind::StatusHangs
            | Kind::StatusFickle
            | Kind::StatusSilent
            | Kind::StatusPartly
            | Kind::StatusStays => {
                let scripts = &mut world.hosts[host].scripts;
                (scripts.status, scripts.stays) = (Answer::Honest, false);
            }
            Kind::ScriptsMissing | Kind::ScriptsNotRun | Kind::GoneAtStart => {
                Self::missing(world, host, Answer::Honest);
                world.tell_claimable(host);
            }
            Kind::ScriptsGone => {
                Self::missing(world, host, Answer::Honest);
                (0..groups).for_each(|group| Self::claimable(world, host, group, true));
            }
            Kind::ScriptsSlow => world.hosts[host].scripts.time = Duration::from_millis(5),
            Kind::PingAway | Kind::PingAllAway => world.hosts[host].reaches.fill(true),
            Kind::Isolation => {
                world.hosts[host].reaches.fill(true);
                world.cut_all(false);
            }
            Kind::DogBroken => world.hosts[host].dog.broken = false,
            Kind::FenceFails => world.fence_works = true,
            Kind::PullsFail => world.pulls_work = true,
            Kind::PullsSlow => world.pull_time = Duration::from_millis(20),
            Kind::Unclaimable => Self::claimable(world, host, amount % groups, true),
            Kind::Replay => world.replay(host),
            Kind::LanCut => world.lan.deaf[host] = false,
            Kind::LanOneWay => world.lan.cut[host] = false,
            Kind::LanCarrier => world.lan.carrier[host] = true,
            Kind::LanStranger => world.lan.stranger = false,
            // Nobody but a monitor would ever see it: somebody brings it up by hand.
            Kind::ResourceDies => {
                let group = (amount % groups) as usize;
                let h = &mut world.hosts[host];
                let held = h.shown(group).is_some_and(|s| s.state == GroupState::Held);
                if held && h.calls.iter().all(|c| usize::from(c.group) != group || c.verb == Verb::Status) {
                    h.scripts.running[group].fill(true);
                    world.watch_holds(host);
                }
            }
            Kind::Edit => world.edit(host, amount, true),
            Kind::ThawOrder => world.thaw_with(host, Self::order(amount, groups)),
            Kind::DogBusy => world.dog_free(host),
            Kind::BootUnknown => {
                world.hosts[host].boot_unknown = false;
                if amount % 2 == 0 {
                    Self::restart(world, host, amount / 2);
                }
            }
            Kind::DiskFails => world.hosts[host].disk_fails = false,
            Kind::OldStream
            | Kind::HelloStream
            | Kind::NewerStream
            | Kind::ForeignStream
            | Kind::OwnStream => world.end_stream(host),
            Kind::Standby | Kind::Takeover | Kind::ConfirmDown | Kind::Clear | Kind::Foreign => {}
        }
    }

    /// A new life begins soon: after a kill, or after a loss of power.
    fn restart(world: &mut World, host: usize, amount: u64) {
        if amount.is_multiple_of(3) {
            world.power_off(host);
        } else {
            world.kill(host);
        }
        let soon = world.hosts[host].config.timing.keepalive.times(1 + amount % 7);
        world.boot_after(host, soon);
    }

    /// Any command but one that vouches.
    fn order(amount: u64, groups: u64) -> Command {
        match amount % 4 {
            0 => Command::Standby(Scope::All),
            1 => Command::Takeover(Scope::All),
            _ => Command::Clear(GroupId((amount / 4 % groups) as u8)),
        }
    }

    fn scope(amount: u64) -> Scope {
        [Scope::All, Scope::Local, Scope::Foreign][(amount % 3) as usize]
    }

    fn command(world: &mut World, host: usize, command: Command) {
        let _ = world.command(host, command);
    }

    fn device(world: &mut World, host: usize, link: usize, up: bool) {
        let bit = 1u8 << link;
        let open = &mut world.hosts[host].open;
        *open = if up { *open | bit } else { *open & !bit };
        world.tell_links(host);
    }

    fn missing(world: &mut World, host: usize, answer: Answer) {
        let scripts = &mut world.hosts[host].scripts;
        (scripts.start, scripts.stop, scripts.status) = (answer, answer, answer);
    }

    fn claimable(world: &mut World, host: usize, group: u64, claimable: bool) {
        if let Some(group) = world.hosts[host].config.groups.get_mut(group as usize) {
            group.claimable = claimable;
            world.tell_claimable(host);
        }
    }

    /// Text of the other node, of a newer start each time: signed, and now and then not.
    fn foreign(world: &mut World, host: usize, link: usize, amount: u64) {
        let h = &world.hosts[host];
        if h.open >> link & 1 == 1 && !h.frozen {
            let generation = (world.now.as_micros() / 1000) as u32;
            let deadtime = h.config.timing.deadtime.as_millis();
            let node = ["ha-1", "ha-2"][1 - host];
            let mut bytes = beat(&h.keys, node, generation, 1, &format!("dt={deadtime:x}"));
            if amount.is_multiple_of(4) {
                bytes = format!(">>>\nt=status\nsrc={node}\nhg={generation:x}\nseq=1\n<<<\n").into_bytes();
            }
            world.inject(host, LinkId(link as u8), &bytes);
        }
    }

    /// Draw one of `kinds`; times are in keepalives.
    pub(crate) fn draw(
        dice: &mut Dice,
        kinds: &[Kind],
        at: Duration,
        keepalive: Duration,
        links: u64,
    ) -> Self {
        let kind = dice.pick(kinds);
        let tenths = match dice.roll(4) {
            0 => dice.range(1, 10),
            1 => dice.range(5, 40),
            2 => dice.range(20, 150),
            _ => dice.range(100, 400),
        };
        Self {
            at,
            lasts: Duration::from_micros(keepalive.as_micros() / 10 * tenths),
            kind,
            host: dice.roll(2) as usize,
            link: dice.roll(links) as usize,
            amount: dice.roll(900),
        }
    }
}
