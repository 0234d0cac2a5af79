//! What one run is made of, drawn from its seed: configuration, links, clocks, scripts, watchdogs.

use crate::dice::Dice;
use crate::drift::Drift;
use crate::host::{Dog, Host};
use crate::queue::Due;
use crate::setup::{config, keyring};
use crate::wire::Wire;
use crate::world::World;
use hb_core::auth::Method;
use hb_core::config::{
    Answered, DataConfig, FenceConfig, FenceFailed, GroupConfig, Isolated, LinkKind, MonitorConfig,
    ScriptLimits, StalePolicy, Timing,
};
use hb_core::message::wire::max_datagram;
use hb_core::{Config, Duration, Side};

/// What frame coding adds to a datagram on a serial line: delimiters and one code byte per 254.
const CODING: usize = 5;

/// How the two configurations differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Differs {
    /// Not at all.
    Nowhere,
    /// In the line of the first group.
    Line,
    /// In the first line, which prefers another node too.
    Preference,
    /// The second node has a longer deadtime.
    Times,
    /// In the name of the last group: each node has one that the other does not list.
    Missing,
    /// The second node has one resource more in front of its last group, which so has another name.
    Front,
    /// The second node does not list the last group.
    Extra,
    /// The second node has one line for the first two groups.
    Merged,
}

/// One link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkSetting {
    /// Serial or datagrams.
    pub kind: LinkKind,
    /// Of a serial line.
    pub baud: u64,
    /// Way of a frame.
    pub latency: Duration,
    /// Up to this much more.
    pub jitter: Duration,
    /// Reads may split frames.
    pub split: bool,
}

/// Everything that is fixed for one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The times of both nodes.
    pub timing: Timing,
    /// The links.
    pub links: Vec<LinkSetting>,
    /// Preferred side and number of resources of each group.
    pub groups: Vec<(Side, u8)>,
    /// Failback.
    pub failback: bool,
    /// What an isolated node does.
    pub isolated: Isolated,
    /// Ping nodes.
    pub pings: u8,
    /// The fence.
    pub fence: Option<FenceConfig>,
    /// How long its device takes.
    pub fence_time: Duration,
    /// The monitor.
    pub monitor: Option<MonitorConfig>,
    /// Limits of scripts.
    pub limits: ScriptLimits,
    /// How long one script call takes.
    pub script_time: Duration,
    /// Timeout and granularity of the watchdogs.
    pub dog: Option<(Duration, Duration)>,
    /// The two clocks.
    pub drift: [Drift; 2],
    /// How long a disk write takes.
    pub disk_time: Duration,
    /// From a reset to the start of the daemon.
    pub boot_time: Duration,
    /// The second node starts this much later.
    pub start_gap: Duration,
    /// How frames are signed.
    pub method: Method,
    /// Whether the groups have data, and how long a pull takes.
    pub data: Option<(DataConfig, Duration)>,
    /// What an answer for a service address means; and whether other hosts answer on the clients' network.
    pub answered: Option<Answered>,
    /// See `answered`.
    pub others: bool,
    /// Where the two configurations differ.
    pub differs: Differs,
    /// The files are changed during the run: times may double, a group may have one resource more.
    pub edited: bool,
    /// The groups begin so far below the last epoch.
    pub last_epochs: Option<u32>,
    /// Each life begins so far below the last number of a beat.
    pub last_numbers: Option<u32>,
    /// Each life speaks either version of the wire, as this decides.
    pub versions: Option<u64>,
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// From a reset to the start of the daemon, in keepalives: one machine of ten hangs in its boot (a disk check that asks).
const fn boot(drawn: u64) -> u64 {
    if drawn > 36 { drawn * 6 } else { drawn }
}

impl Setting {
    /// Draw one.
    pub fn draw(dice: &mut Dice) -> Self {
        let keepalive = dice.pick(&[50, 100, 200, 500, 1000, 2000]);
        let deadtime = keepalive * dice.pick(&[5, 6, 8, 10, 10, 15, 20, 30]) / 2;
        let timing = Timing {
            keepalive: ms(keepalive),
            warntime: ms(deadtime * dice.pick(&[3, 5, 8]) / 10).max(ms(keepalive * 5 / 4)),
            deadtime: ms(deadtime),
            initdead: ms(deadtime * dice.pick(&[1, 2, 4])),
            deadping: ms(deadtime * dice.pick(&[1, 1, 2])),
        };
        let many = dice.chance(30);
        let count = if many { dice.range(4, 8) } else { dice.range(1, 3) };
        let groups = if many { dice.range(1, 2) } else { dice.pick(&[1, 1, 2]) };
        let links = (0..count).map(|_| Self::link(dice, keepalive)).collect();
        let dog_timeout = match dice.roll(4) {
            0 => ms(keepalive * 2),
            1 => ms(deadtime + keepalive),
            _ => ms(deadtime - keepalive),
        };
        let dog = dice.chance(500).then(|| {
            let slack = deadtime.saturating_sub(dog_timeout.as_millis() + keepalive);
            (dog_timeout, ms(dice.pick(&[0, slack / 2, keepalive])))
        });
        let script_time = ms(dice.pick(&[1, 5, 10, 30, 100])).min(ms(keepalive * 2));
        let limit = |dice: &mut Dice| ms(dice.range(2, 30) * keepalive).max(script_time.times(3));
        let wild = dice.chance(50);
        let clock = |dice: &mut Dice| Drift {
            ppm: if wild { dice.range(0, 10_000) as i32 - 5000 } else { dice.range(0, 200) as i32 - 100 },
            offset: ms(dice.roll(100_000)),
        };
        Self {
            timing,
            links,
            groups: (0..groups)
                .map(|_| (dice.pick(&[Side::Even, Side::Odd]), dice.range(1, 3) as u8))
                .collect(),
            failback: dice.chance(500),
            isolated: dice.pick(&[Isolated::Wait, Isolated::Wait, Isolated::Claim]),
            pings: dice.pick(&[0, 0, 1, 2]),
            fence: dice.chance(250).then(|| {
                let (delay, startup) = (dice.roll(4), dice.chance(300));
                // Every fourth, at the cost of no number.
                let failed = if delay == 3 { FenceFailed::Claim } else { FenceFailed::Wait };
                FenceConfig { delay: ms(delay * keepalive), startup, failed }
            }),
            fence_time: ms(dice.pick(&[10, 100, deadtime, deadtime * 4])),
            monitor: dice.chance(250).then(|| MonitorConfig {
                period: ms(keepalive * dice.range(1, 10)),
                failures: dice.range(1, 3) as u8,
            }),
            limits: ScriptLimits { start: limit(dice), stop: limit(dice), status: limit(dice) },
            script_time,
            dog,
            drift: [clock(dice), clock(dice)],
            disk_time: ms(dice.pick(&[0, 1, 5, 20])),
            boot_time: ms(keepalive * boot(dice.range(3, 40))),
            start_gap: ms(dice.pick(&[0, 0, 1, keepalive / 2, deadtime * 2, deadtime * 5])),
            method: if dice.chance(40) { Method::Sha1 } else { Method::Crc },
            data: dice.chance(400).then(|| {
                let data = DataConfig {
                    interval: ms(keepalive * dice.range(2, 30)),
                    limit: ms(keepalive * dice.range(4, 40)),
                    stale_after: ms(deadtime * dice.pick(&[5, 100])),
                    stale: dice.pick(&[
                        StalePolicy::AcceptAge,
                        StalePolicy::AcceptAge,
                        StalePolicy::Refuse,
                        StalePolicy::Wait,
                        StalePolicy::Accept,
                    ]),
                };
                (data, ms(dice.pick(&[5, keepalive / 2, keepalive * 3])))
            }),
            answered: dice.pick(&[None, None, Some(Answered::Wait), Some(Answered::Claim)]),
            others: dice.chance(700),
            differs: match dice.roll(40) {
                0 => Differs::Line,
                1 => Differs::Preference,
                2 => Differs::Times,
                3 => Differs::Missing,
                _ => Differs::Nowhere,
            },
            edited: false,
            last_epochs: None,
            last_numbers: None,
            versions: None,
        }
    }

    fn link(dice: &mut Dice, keepalive: u64) -> LinkSetting {
        let kind = dice.pick(&[LinkKind::Stream, LinkKind::Datagram]);
        // A long form of two groups takes 26 ms at 57,600; the line must carry two of them in half a keepalive.
        let baud = match keepalive {
            0..150 => 115_200,
            150..500 => dice.pick(&[57_600, 115_200]),
            500..1500 => dice.pick(&[19_200, 38_400, 115_200]),
            _ => dice.pick(&[9600, 19_200, 115_200]),
        };
        LinkSetting {
            kind,
            baud,
            latency: Duration::from_micros(dice.pick(&[50, 200, 1000, 4000])),
            jitter: Duration::from_micros(dice.pick(&[0, 0, 100, 3000])),
            split: dice.chance(300),
        }
    }

    /// Bytes of the longest frame on a line.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        max_datagram(self.groups.len()) + CODING
    }

    /// The configuration of one side.
    ///
    /// # Panics
    /// Never: eight groups and eight links at most.
    #[must_use]
    pub fn config(&self, side: Side) -> Config {
        let mut c = config(side);
        c.timing = self.timing;
        c.failback = self.failback;
        c.isolated = self.isolated;
        c.pings = self.pings;
        c.fence = self.fence;
        c.monitor = self.monitor;
        c.ask.answered = self.answered;
        c.limits = self.limits;
        c.links = self.links.iter().map(|l| l.kind).collect();
        let group = |(at, (preferred, resources)): (usize, &(Side, u8))| GroupConfig {
            name_hash: 0x5011 + at as u32,
            digest: 1 + at as u32,
            preferred: *preferred,
            resources: *resources,
            claimable: true,
            data: self.data.map(|(data, _)| data),
        };
        c.groups = self.groups.iter().enumerate().map(group).collect();
        c.boot = 1 + side as u32 * 1000;
        if side == Side::Odd {
            match self.differs {
                Differs::Nowhere => {}
                Differs::Line => c.groups[0].digest = 99,
                Differs::Preference => {
                    c.groups[0].digest = 99;
                    c.groups[0].preferred = c.groups[0].preferred.other();
                }
                Differs::Times => {
                    c.timing.deadtime = c.timing.deadtime.times(2);
                    c.timing.initdead = c.timing.initdead.times(2);
                    c.timing_digest = 8;
                }
                // The name differs: each node has a group that the other does not list.
                Differs::Missing | Differs::Front => {
                    if let Some(last) = c.groups.last_mut() {
                        (last.name_hash, last.digest) = (0x7777, 0x7777);
                        last.resources += u8::from(self.differs == Differs::Front);
                    }
                }
                Differs::Extra => {
                    c.groups.pop();
                }
                Differs::Merged => {
                    c.groups[0].resources += c.groups[1].resources;
                    c.groups[0].digest = 99;
                    c.groups.remove(1);
                }
            }
        }
        c
    }

    /// Under which group of its file a side has a service.
    fn listed(&self, side: Side, service: usize) -> Option<u8> {
        let at = service as u8;
        match self.differs {
            Differs::Extra if side == Side::Odd => (service + 1 < self.groups.len()).then_some(at),
            Differs::Merged if side == Side::Odd => Some(at.saturating_sub(1)),
            _ => Some(at),
        }
    }

    /// Resources that the group of a service has at most, in either file at any time.
    #[must_use]
    pub fn resources(&self, service: usize) -> u64 {
        let own = self.groups.get(service).map_or(0, |(_, n)| u64::from(*n));
        let all = || self.groups.iter().map(|(_, n)| u64::from(*n)).sum();
        match self.differs {
            Differs::Merged => all(),
            Differs::Front => own + 1,
            _ => own + u64::from(self.edited),
        }
    }

    /// The two machines, without daemons.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        let hosts = [Side::Even, Side::Odd].map(|side| {
            let mut host = Host::new(self.config(side), keyring(self.method, b"secret"));
            host.drift = self.drift[side as usize];
            host.disk_time = self.disk_time;
            host.scripts.time = self.script_time;
            host.scripts.turns = seed | 1;
            for service in 0..self.groups.len() {
                host.listed[service] = self.listed(side, service);
            }
            host.last_numbers = self.last_numbers;
            if let Some(below) = self.last_epochs {
                for group in &host.config.groups {
                    let _ = host.saved.epochs.push((group.name_hash, u32::MAX - below));
                }
            }
            if let Some((timeout, granularity)) = self.dog {
                host.dog = Dog { timeout: Some(timeout), granularity, ..Dog::default() };
            }
            host
        });
        let mut world = World::of(hosts, seed);
        world.versions = self.versions;
        world.fence_time = self.fence_time;
        world.write_pause = self.timing.keepalive.times(2);
        if let Some((_, time)) = self.data {
            world.pull_time = time;
            world.after(world.write_pause, Due::Write);
        }
        world.boot_time = Some(self.boot_time);
        world.probes_see_the_peer = true;
        world.lan.others = self.others;
        world.wires = self
            .links
            .iter()
            .map(|l| Wire { baud: l.baud, jitter: l.jitter, split: l.split, ..Wire::new(l.kind, l.latency) })
            .collect();
        world
    }

    /// The fastest rate by which one clock runs ahead of true time, in parts per million.
    #[must_use]
    pub fn ppm(&self) -> u64 {
        self.drift.iter().map(|d| u64::from(d.ppm.unsigned_abs())).max().unwrap_or(0)
    }

    /// `time` on a clock, at most, in true time: `time x (1 + drift)`.
    #[must_use]
    pub fn slow(&self, time: Duration) -> Duration {
        // 1 / (1 - d) <= 1 + 1.01 d for d below 1 %.
        time.plus(Duration::from_micros((time.as_micros() * self.ppm() * 101).div_ceil(100_000_000) + 2))
    }

    /// `time` on a clock, at least, in true time: `time x (1 - drift)`.
    #[must_use]
    pub fn fast(&self, time: Duration) -> Duration {
        time.minus(Duration::from_micros((time.as_micros() * self.ppm()).div_ceil(1_000_000) + 2))
    }

    /// The deadtime that counts, at most: the larger one while they differ.
    #[must_use]
    pub fn deadtime(&self) -> Duration {
        match self.differs {
            Differs::Times => self.timing.deadtime.times(2),
            _ if self.edited => self.timing.deadtime.times(2),
            _ => self.timing.deadtime,
        }
    }

    /// The longer initdead.
    #[must_use]
    pub fn initdead(&self) -> Duration {
        match self.differs {
            Differs::Times => self.timing.initdead.times(2),
            _ if self.edited => self.timing.initdead.times(2),
            _ => self.timing.initdead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_a_valid_configuration() {
        for seed in 0..2000 {
            let setting = Setting::draw(&mut Dice::new(seed));
            for side in [Side::Even, Side::Odd] {
                assert_eq!(setting.config(side).validate(), Ok(()), "{seed} {setting:?}");
            }
        }
    }
}
