//! A configuration of a few words, with standard values for the rest: what `ha.cf` means where it says nothing.

use super::{AskConfig, MAX_NAME};
use super::{Config, ConfigError, GroupConfig, Isolated, LinkKind, ScriptLimits, Timing};
use crate::identity;
use crate::ids::Side;
use crate::time::Duration;
use core::fmt::Display;
use heapless::{String, Vec};

impl Timing {
    /// A peer that is late after half of `deadtime` in silence and dead after all of it, and a ping node likewise. Before the
    /// first meeting: `deadtime`, but at least 12 s, or twice `deadtime` where that is more, so that a network that comes up
    /// is no dead peer.
    #[must_use]
    pub fn new(keepalive: Duration, deadtime: Duration) -> Self {
        // The original's rule.
        let initdead = if deadtime > Duration::from_secs(10) {
            deadtime
        } else {
            deadtime.doubled().max(Duration::from_secs(12))
        };
        Self { keepalive, warntime: deadtime.divided(2), deadtime, initdead, deadping: deadtime }
    }
}

/// Beats each second, death after 30 s of silence.
impl Default for Timing {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(30))
    }
}

/// A minute for `start` and `stop`, 20 s for `status`.
impl Default for ScriptLimits {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { start: minute, stop: minute, status: Duration::from_secs(20) }
    }
}

impl GroupConfig {
    /// The group of `resources`, in the order in which they start, whose preferred node is called `preferred` and whose other
    /// node `other`. Claimable, without data.
    ///
    /// Both nodes give the same words, in the canonical form that [`identity::name_hash`] names; the first resource is the
    /// name of the group. A number of resources that a node has no room for is refused by [`Config::validate`].
    pub fn new<R: Display>(preferred: &str, other: &str, resources: &[R]) -> Self {
        Self {
            preferred: Side::of(preferred, other),
            resources: u8::try_from(resources.len()).unwrap_or(u8::MAX),
            claimable: true,
            name_hash: resources.first().map_or(0, identity::name_hash),
            digest: identity::line_digest(preferred, resources),
            data: None,
        }
    }
}

impl Config {
    /// The configuration of the node named `own` in a cluster with `peer`. What is not said is as `ha.cf` has it where it says
    /// nothing: no failback, an isolated node waits, standard [`ScriptLimits`], no ping nodes, no fence, no monitoring, no
    /// address that is asked for; and the machine's boot identity is not known. Each is a field, to be set to something else:
    ///
    /// ```
    /// # use hb_core::config::{Config, GroupConfig, LinkKind, Timing};
    /// # use hb_core::Duration;
    /// let group = GroupConfig::new("ha-1", "ha-2", &["IPaddr::192.0.2.1", "web"]);
    /// let timing = Timing::new(Duration::from_millis(200), Duration::from_secs(2));
    /// let config = Config::new("ha-1", "ha-2", timing, &[LinkKind::Datagram], &[group])?;
    /// let config = Config { failback: true, ..config };
    /// # assert!(config.validate().is_ok());
    /// # Ok::<(), hb_core::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Names`] and [`ConfigError::Room`], and what [`Self::validate`] says.
    pub fn new(
        own: &str,
        peer: &str,
        timing: Timing,
        links: &[LinkKind],
        groups: &[GroupConfig],
    ) -> Result<Self, ConfigError> {
        let short = |name: &str| (1..=MAX_NAME).contains(&name.len());
        if !short(own) || !short(peer) || own.eq_ignore_ascii_case(peer) {
            return Err(ConfigError::Names);
        }
        let config = Self {
            cluster: identity::cluster(own, peer),
            side: Side::of(own, peer),
            peer_name: String::try_from(peer).map_err(|_| ConfigError::Names)?,
            boot: 0,
            timing,
            timing_digest: identity::timing_digest(&timing),
            failback: false,
            isolated: Isolated::Wait,
            links: Vec::from_slice(links).map_err(|_| ConfigError::Room)?,
            line_time: Duration::ZERO,
            pings: 0,
            groups: Vec::from_slice(groups).map_err(|_| ConfigError::Room)?,
            fence: None,
            limits: ScriptLimits::default(),
            monitor: None,
            ask: AskConfig::default(),
        };
        config.validate()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{MAX_GROUPS, MAX_LINKS, MAX_RESOURCES};

    fn made(own: &str, peer: &str, links: usize, groups: &[GroupConfig]) -> Result<Config, ConfigError> {
        Config::new(own, peer, Timing::default(), &std::vec![LinkKind::Datagram; links], groups)
    }

    fn groups(count: usize) -> std::vec::Vec<GroupConfig> {
        (0..count).map(|at| GroupConfig::new("a", "b", &[at])).collect()
    }

    #[test]
    fn two_nodes_of_one_cluster_agree() {
        let [a, b] = [("a", "b"), ("b", "a")].map(|(own, peer)| made(own, peer, 1, &groups(1)).unwrap());
        assert_eq!((a.cluster, a.timing_digest, &a.groups), (b.cluster, b.timing_digest, &b.groups));
        assert_eq!((a.side, b.side), (Side::Even, Side::Odd));
        assert_eq!((a.peer_name.as_str(), b.peer_name.as_str()), ("b", "a"));
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let long = "x".repeat(MAX_NAME + 1);
        for (own, peer) in [("a", "A"), ("", "b"), ("a", ""), (long.as_str(), "b"), ("a", long.as_str())] {
            assert_eq!(made(own, peer, 1, &[]).unwrap_err(), ConfigError::Names, "{own} {peer}");
        }
        assert!(made("a", &long[1..], MAX_LINKS, &groups(MAX_GROUPS)).is_ok());
        assert_eq!(made("a", "b", MAX_LINKS + 1, &[]).unwrap_err(), ConfigError::Room);
        assert_eq!(made("a", "b", 1, &groups(MAX_GROUPS + 1)).unwrap_err(), ConfigError::Room);
        assert_eq!(made("a", "b", 0, &[]).unwrap_err(), ConfigError::NoLink);
        for resources in [0, MAX_RESOURCES + 1, 256] {
            let group = GroupConfig::new("a", "b", &std::vec!["web"; resources]);
            assert_eq!(made("a", "b", 1, &[group]).unwrap_err(), ConfigError::Resources, "{resources}");
        }
    }

    #[test]
    fn standard_times_hold_whatever_the_deadtime() {
        for ms in [21, 500, 5_999, 6_000, 10_000, 10_001, 30_000, 3_600_000] {
            let timing = Timing::new(Duration::from_millis(10), Duration::from_millis(ms));
            assert!(Config::new("a", "b", timing, &[LinkKind::Stream], &[]).is_ok(), "{ms} ms");
            let initdead = match ms {
                0..6_000 => 12_000,
                6_000..=10_000 => 2 * ms,
                _ => ms,
            };
            assert_eq!(timing.initdead, Duration::from_millis(initdead), "{ms} ms");
        }
    }
}
