//! What a fault of a schedule does to the world when it begins and when it ends.

use crate::dice::Dice;
use crate::fault::{Fault, Kind};
use crate::script::Answer;
use crate::text::beat;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Command, Duration, GroupId, LinkId, Scope, Verb};

impl Fault {
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
            Kind::StartStays => (scripts.start, scripts.stays) = (Answer::Hangs, true),
            Kind::StopStays => (scripts.stop, scripts.stays) = (Answer::Hangs, true),
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
            Kind::Standby => Self::command(world, host, Command::Standby(Self::scope(amount, groups))),
            Kind::Takeover => Self::command(world, host, Command::Takeover(Self::scope(amount, groups))),
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
            | Kind::OwnStream
            | Kind::AnswerStream => world.begin_stream(self.kind, host, link, amount),
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
            | Kind::StatusPartly => world.hosts[host].scripts.status = Answer::Honest,
            Kind::StatusStays => {
                world.hosts[host].scripts.status = Answer::Honest;
                world.killable(host);
            }
            Kind::StartStays => {
                world.hosts[host].scripts.start = Answer::Honest;
                world.killable(host);
            }
            Kind::StopStays => {
                world.hosts[host].scripts.stop = Answer::Honest;
                world.killable(host);
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
            | Kind::OwnStream
            | Kind::AnswerStream => world.end_stream(host),
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

    fn scope(amount: u64, groups: u64) -> Scope {
        match amount % 4 {
            0 => Scope::All,
            1 => Scope::Local,
            2 => Scope::Foreign,
            _ => Scope::One(GroupId((amount / 4 % groups) as u8)),
        }
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
