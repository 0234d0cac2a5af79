//! The pairs that are explored: configuration, and what may befall them.

use super::canon::{self, LongAgo};
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{
    AskConfig, DataConfig, FenceConfig, FenceFailed, GroupConfig, Isolated, LinkKind, ScriptLimits,
    StalePolicy, Timing,
};
use hb_core::{Config, Duration, Side};

/// One beat, and the grid on which everything happens.
pub(super) const KEEPALIVE: Duration = Duration::from_millis(100);
/// The watchdog's timeout where it is armed: `deadtime - keepalive`.
pub(super) const DOG: Duration = Duration::from_millis(200);
/// Limit of each script call.
pub(super) const SCRIPT_LIMIT: Duration = Duration::from_micros(canon::STOP_LIMIT);
const DEADTIME: Duration = Duration::from_millis(300);
/// No copy is ever too old: what age decides is asked in `cluster::data` alone.
const DATA: DataConfig = DataConfig {
    interval: KEEPALIVE.times(4),
    limit: SCRIPT_LIMIT,
    stale_after: Duration::from_secs(1 << 32),
    stale: StalePolicy::AcceptAge,
};
const INITDEAD: Duration = Duration::from_millis(400);

/// A configuration of the pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// What is special about it.
    pub about: &'static str,
    /// One or two groups; the second one prefers the second node.
    pub groups: u8,
    /// `auto_failback on`.
    pub failback: bool,
    /// Both nodes have an armed watchdog, which outlives a killed daemon.
    pub watchdog: bool,
    /// Each node has a fence device; what one that failed means.
    pub fence: Option<FenceFailed>,
    /// The first node's file says a longer deadtime.
    pub longer: bool,
    /// The group has data.
    pub data: bool,
}

const PLAIN: Case = Case {
    name: "plain",
    about: "one group, no failback, no watchdog, no fence",
    groups: 1,
    failback: false,
    watchdog: false,
    fence: None,
    longer: false,
    data: false,
};

/// All of them.
pub const CASES: [Case; 8] = [
    PLAIN,
    Case { name: "failback", about: "the preferred node takes its group back", failback: true, ..PLAIN },
    Case {
        name: "watchdog",
        about: "an armed watchdog, and failback",
        failback: true,
        watchdog: true,
        ..PLAIN
    },
    Case { name: "fence", about: "a fence device at each node", fence: Some(FenceFailed::Wait), ..PLAIN },
    Case {
        name: "forgone",
        about: "a fence device at each node, and a fence that failed is not waited for",
        fence: Some(FenceFailed::Claim),
        ..PLAIN
    },
    Case { name: "deadtimes", about: "two files with different deadtimes", longer: true, ..PLAIN },
    Case {
        name: "two",
        about: "two groups, one preferred on each node, with failback",
        groups: 2,
        failback: true,
        ..PLAIN
    },
    Case { name: "data", about: "one group with data that the standby pulls", data: true, ..PLAIN },
];

impl Case {
    /// The deadtime that the file of `host` says.
    pub(super) fn deadtime(&self, host: usize) -> Duration {
        if self.longer && host == 0 { Duration::from_millis(500) } else { DEADTIME }
    }

    /// The deadtime that counts on `host` when it knows the peer's: the larger one.
    pub(super) fn agreed_deadtime(&self) -> Duration {
        self.deadtime(0).max(self.deadtime(1))
    }

    pub(super) fn initdead(&self, host: usize) -> Duration {
        INITDEAD.max(self.deadtime(host))
    }

    /// The longest times that the core, or a rule, looks back on. On its own clock: the silence of the peer, against the
    /// deadtime, `initdead`, and for a stuck peer its watchdog and the deadtime. On the machine's: for how long it stood
    /// still, against `deadtime - keepalive`, and the rules' silence. Both are asked for *at least* or *more than*.
    pub(super) fn long_ago(&self) -> LongAgo {
        let silence = self.agreed_deadtime().max(self.initdead(0)).max(self.initdead(1));
        let reset = if self.watchdog { DOG } else { Duration::ZERO }.plus(self.agreed_deadtime());
        LongAgo { running: silence.max(reset).as_micros(), real: silence.plus(KEEPALIVE).as_micros() }
    }

    pub(super) fn config(&self, host: usize, boot: u32) -> Config {
        let side = if host == 0 { Side::Even } else { Side::Odd };
        let group = |at: u8| GroupConfig {
            name_hash: 0x5000 + u32::from(at),
            digest: 1,
            preferred: if at == 0 { Side::Even } else { Side::Odd },
            resources: 1,
            claimable: true,
            data: self.data.then_some(DATA),
        };
        Config {
            cluster: 0xBEEF,
            side,
            peer_name: if host == 0 { "ha-2" } else { "ha-1" }.try_into().unwrap_or_default(),
            boot,
            timing: Timing {
                keepalive: KEEPALIVE,
                warntime: KEEPALIVE.times(2),
                deadtime: self.deadtime(host),
                initdead: self.initdead(host),
                deadping: DEADTIME,
            },
            timing_digest: if self.longer && host == 0 { 8 } else { 7 },
            failback: self.failback,
            isolated: Isolated::Wait,
            links: [LinkKind::Datagram].into_iter().collect(),
            line_time: Duration::ZERO,
            pings: 0,
            groups: (0..self.groups).map(group).collect(),
            fence: self.fence.map(|failed| FenceConfig { delay: KEEPALIVE, startup: false, failed }),
            limits: ScriptLimits { start: SCRIPT_LIMIT, stop: SCRIPT_LIMIT, status: SCRIPT_LIMIT },
            monitor: None,
            ask: AskConfig::default(),
        }
    }
}

/// A ring with a `crc` key: nobody forges here, and it is the fastest.
pub(super) fn keys() -> Keyring {
    let key = Key::new(Method::Crc, b"").expect("crc needs no secret");
    Keyring::new(&[(1, key)], 1).expect("one key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_a_good_configuration_on_the_grid() {
        for case in CASES {
            for host in 0..2 {
                let config = case.config(host, 1);
                config.validate().expect("valid");
                let t = config.timing;
                for time in [t.warntime, t.deadtime, t.initdead, DOG, SCRIPT_LIMIT] {
                    assert_eq!(time.as_micros() % KEEPALIVE.as_micros(), 0, "{}", case.name);
                }
                assert!(DOG <= t.deadtime.minus(KEEPALIVE), "the chain that S6 asks for");
            }
        }
    }
}
