//! What the shell tells a node about its cluster, once, at start: times, links, groups, ping nodes, limits.

mod standard;

use crate::ids::Side;
use crate::message::wire;
use crate::time::Duration;
use heapless::{String, Vec};

/// Resource groups at most (lines of `haresources`): 8, and 2 without the feature `large`.
pub const MAX_GROUPS: usize = if cfg!(feature = "large") { wire::MAX_GROUPS } else { 2 };
/// Heartbeat links at most (serial lines and UDP media together): 8, and 3 without the feature `large`.
pub const MAX_LINKS: usize = if cfg!(feature = "large") { wire::MAX_LINKS } else { 3 };
/// Ping nodes at most; a ping group counts as one.
pub const MAX_PINGS: usize = if cfg!(feature = "ask") { wire::MAX_SCORE } else { 0 };
/// Resources in one group at most.
pub const MAX_RESOURCES: usize = 64;
/// Bytes of a node name at most.
pub const MAX_NAME: usize = 64;

/// The times that the protocol runs on. `2 x keepalive < deadtime <= initdead`, `warntime < deadtime`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Between two steady heartbeats. 10 ms to 1 h.
    pub keepalive: Duration,
    /// Silence after which the peer is reported late.
    pub warntime: Duration,
    /// Silence on all links after which the peer is dead.
    pub deadtime: Duration,
    /// The deadtime until the peer was met once since the own start.
    pub initdead: Duration,
    /// Silence after which a ping node is dead.
    pub deadping: Duration,
}

/// How bytes arrive on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    /// A byte stream (serial line): frames are COBS-coded between zero bytes.
    Stream,
    /// One frame per datagram (UDP).
    Datagram,
}

/// One resource group: one logical line of `haresources`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct GroupConfig {
    /// The node named in front of the line.
    pub preferred: Side,
    /// Number of resources, 1 to [`MAX_RESOURCES`]. Started from 0 upwards, stopped downwards.
    pub resources: u8,
    /// Whether every script of the group is present and executable here.
    pub claimable: bool,
    /// CRC-32 of the group's name (its first resource). Names, not positions, pair the groups of the two nodes.
    pub name_hash: u32,
    /// CRC-32 of the canonical line; differs when the two files differ in this group (DESIGN §7 O10).
    pub digest: u32,
    /// The data that follows the group, if any does (DESIGN §9).
    pub data: Option<DataConfig>,
}

/// A directory that the standby pulls from the holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataConfig {
    /// Pause between the end of one pull and the begin of the next. Above 0.
    pub interval: Duration,
    /// Limit of the one pull between the old holder's last stop and the new holder's first start. Above 0.
    pub limit: Duration,
    /// A copy pulled longer ago than this is stale.
    pub stale_after: Duration,
    /// Whether a group is started on a stale copy.
    pub stale: StalePolicy,
}

/// Whether a group is started on a stale copy when nothing newer is at hand. Stale is a copy that is not of the highest
/// epoch seen, or partial, or older than [`DataConfig::stale_after`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StalePolicy {
    /// On one that is only old, and loudly; for the rest, wait as [`Self::Wait`] does.
    #[default]
    AcceptAge,
    /// Never; an operator cannot say otherwise. Only a pull makes it good.
    Refuse,
    /// Not before a pull made it good, or an operator asked for the group (`hbd takeover`).
    Wait,
    /// At once, and loudly.
    Accept,
}

/// What an isolated non-holder does (DESIGN §7 O2b).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolated {
    /// Claim nothing until a ping node answers or an operator says so.
    Wait,
    /// Claim all the same.
    Claim,
}

/// The addresses of the groups, and what an answer for one of them means while the peer is silent (DESIGN §7 O2c). Of no
/// account in a build without the feature `ask`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AskConfig {
    /// By group: its addresses that can be asked for, one bit each, numbered by the shell over all groups. A group past
    /// the end has none, and is claimed on silence alone.
    pub addresses: Vec<u32, MAX_GROUPS>,
    /// What an answer means; without a directive that follows from what the peer announced.
    pub answered: Option<Answered>,
}

/// What is done while the peer is silent and a service address is still answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Nothing is claimed until a deadtime after the last answer: the machine lives behind a cut link.
    Wait,
    /// It is claimed all the same: its programs are dead, and only its kernel answers.
    Claim,
}

/// A fence device is configured (DESIGN §7 O2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceConfig {
    /// How long a node that holds nothing waits before it fires.
    pub delay: Duration,
    /// Also fence a peer that was not heard since the own start.
    pub startup: bool,
    /// What a fence that failed means for the claims that wait for it.
    pub failed: FenceFailed,
}

/// What is done when the fence device did not prove the peer off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FenceFailed {
    /// Nothing is claimed; it is tried again.
    #[default]
    Wait,
    /// This death counts as one without a fence: addresses are asked for, then the claim goes on.
    Claim,
}

/// Time limits of one script call. A call that exceeds its limit is killed and counts as failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptLimits {
    /// Limit of one `start`.
    pub start: Duration,
    /// Limit of one `stop`.
    pub stop: Duration,
    /// Limit of one `status`.
    pub status: Duration,
}

/// Periodic `status` of the held resources (directive `monitor`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MonitorConfig {
    /// Pause between two rounds over a held group.
    pub period: Duration,
    /// Failures in a row that mean a restart in place, and after that a handover. At least 1.
    pub failures: u8,
}

/// Everything a node needs to know besides keys and saved state.
#[derive(Clone, Debug)]
pub struct Config {
    /// CRC-16-sized hash of the two sorted node names and nothing else; frames of another cluster are counted.
    pub cluster: u16,
    /// This node's side.
    pub side: Side,
    /// The peer's name, to recognise a running Linux-HA Heartbeat (DESIGN §4).
    pub peer_name: String<MAX_NAME>,
    /// Hash that changes with every boot of this machine: a peer that sees it change has proof of a reset.
    pub boot: u32,
    /// The protocol's times.
    pub timing: Timing,
    /// Digest of the times that both nodes must share.
    pub timing_digest: u32,
    /// `nice_failback off` / `auto_failback on`: the preferred node takes its groups back when it returns.
    pub failback: bool,
    /// What an isolated non-holder does.
    pub isolated: Isolated,
    /// The links, in the order of `ha.cf`.
    pub links: Vec<LinkKind, MAX_LINKS>,
    /// How long the longest hello takes on the slowest of them; zero without a serial line.
    pub line_time: Duration,
    /// Number of ping nodes, 0 to [`MAX_PINGS`].
    pub pings: u8,
    /// The groups, in the order of `haresources`.
    pub groups: Vec<GroupConfig, MAX_GROUPS>,
    /// The fence, if one is configured.
    pub fence: Option<FenceConfig>,
    /// Limits of script calls.
    pub limits: ScriptLimits,
    /// Resource monitoring, off by default.
    pub monitor: Option<MonitorConfig>,
    /// Asking for the service addresses.
    pub ask: AskConfig,
}

/// What concerns this node alone, and may change while it runs: see [`crate::Node::retune`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tuning {
    /// As [`Timing::warntime`].
    pub warntime: Duration,
    /// As [`Config::failback`].
    pub failback: bool,
    /// As [`Config::isolated`].
    pub isolated: Isolated,
    /// As [`Config::limits`].
    pub limits: ScriptLimits,
    /// As [`Config::monitor`].
    pub monitor: Option<MonitorConfig>,
    /// As [`AskConfig::answered`].
    pub answered: Option<Answered>,
}

impl Tuning {
    fn validate(&self, deadtime: Duration) -> Result<(), ConfigError> {
        if self.warntime >= deadtime || self.warntime.is_zero() {
            return Err(ConfigError::Warntime);
        }
        if let Some(m) = &self.monitor
            && (m.failures == 0 || m.period.is_zero())
        {
            return Err(ConfigError::Monitor);
        }
        Ok(())
    }
}

/// Why a [`Config`] is refused; each names the relation that does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A node name is empty or longer than [`MAX_NAME`], or both are the same.
    Names,
    /// More than [`MAX_LINKS`] links or [`MAX_GROUPS`] groups.
    Room,
    /// `keepalive` is below 10 ms or above one hour.
    Keepalive,
    /// `deadtime` is not above twice `keepalive`.
    Deadtime,
    /// `warntime` is not below `deadtime`, or zero.
    Warntime,
    /// `initdead` is below `deadtime`.
    Initdead,
    /// There is no link.
    NoLink,
    /// Two groups have the same name.
    DuplicateGroup,
    /// A group has no resource, or more than [`MAX_RESOURCES`].
    Resources,
    /// More than [`MAX_PINGS`] ping nodes.
    Pings,
    /// `monitor` with no failures or a zero period.
    Monitor,
    /// A group's data with a zero interval or limit, or in a build without the feature `data`.
    Data,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Names => "two different names of 1 to 64 bytes are needed",
            Self::Room => "too many links or groups",
            Self::Keepalive => "keepalive must be 10ms to 1 hour",
            Self::Deadtime => "deadtime must be more than twice keepalive",
            Self::Warntime => "warntime must be above 0 and below deadtime",
            Self::Initdead => "initdead must not be below deadtime",
            Self::NoLink => "there is no heartbeat link",
            Self::DuplicateGroup => "two groups begin with the same resource",
            Self::Resources => "a group must have 1 to 64 resources",
            Self::Pings => "more than 8 ping nodes",
            Self::Monitor => "monitor needs a period above 0 and at least 1 failure",
            Self::Data => "data needs an interval and a limit above 0, and a build with it",
        })
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// What of it may change while the node runs.
    #[must_use]
    pub const fn tuning(&self) -> Tuning {
        Tuning {
            warntime: self.timing.warntime,
            failback: self.failback,
            isolated: self.isolated,
            limits: self.limits,
            monitor: self.monitor,
            answered: self.ask.answered,
        }
    }

    /// Takes over `new`, against the times that hold.
    pub(crate) fn retune(&mut self, new: &Tuning) -> Result<(), ConfigError> {
        new.validate(self.timing.deadtime)?;
        self.timing.warntime = new.warntime;
        self.failback = new.failback;
        self.isolated = new.isolated;
        self.limits = new.limits;
        self.monitor = new.monitor;
        self.ask.answered = new.answered;
        Ok(())
    }

    /// Check every relation that the state machine relies on.
    ///
    /// # Errors
    /// The first relation that does not hold.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let t = &self.timing;
        let hour = Duration::from_secs(3600);
        if t.keepalive < Duration::from_millis(10) || t.keepalive > hour {
            return Err(ConfigError::Keepalive);
        }
        if t.deadtime <= t.keepalive.doubled() {
            return Err(ConfigError::Deadtime);
        }
        self.tuning().validate(t.deadtime)?;
        if t.initdead < t.deadtime {
            return Err(ConfigError::Initdead);
        }
        if self.links.is_empty() {
            return Err(ConfigError::NoLink);
        }
        if usize::from(self.pings) > MAX_PINGS {
            return Err(ConfigError::Pings);
        }
        for (i, group) in self.groups.iter().enumerate() {
            if group.resources == 0 || usize::from(group.resources) > MAX_RESOURCES {
                return Err(ConfigError::Resources);
            }
            let room = cfg!(feature = "data");
            if group.data.is_some_and(|data| !room || data.interval.is_zero() || data.limit.is_zero()) {
                return Err(ConfigError::Data);
            }
            if self.groups.iter().skip(i + 1).any(|g| g.name_hash == group.name_hash) {
                return Err(ConfigError::DuplicateGroup);
            }
        }
        Ok(())
    }
}
