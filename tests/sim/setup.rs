//! The configuration that the stories start from, and keys.

use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{AskConfig, GroupConfig, Isolated, LinkKind, MAX_GROUPS, ScriptLimits, Timing};
use hb_core::{Config, Duration, Side};

/// A configuration with one stream link, one datagram link and one group of two resources, preferred on the even side.
///
/// # Panics
/// Never: the names are short.
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
        line_time: Duration::ZERO,
        pings: 0,
        groups: [group].into_iter().collect(),
        fence: None,
        limits: ScriptLimits {
            start: Duration::from_secs(2),
            stop: Duration::from_secs(2),
            status: Duration::from_secs(1),
        },
        monitor: None,
        // One address for each group.
        ask: AskConfig { addresses: (0..MAX_GROUPS).map(|group| 1 << group).collect(), answered: None },
    }
}

/// One key of `method`, index 1.
///
/// # Panics
/// If the method does not take the secret.
#[must_use]
pub fn keyring(method: Method, secret: &[u8]) -> Keyring {
    // crc has no secret.
    let secret = if method == Method::Crc { b"" } else { secret };
    let key = Key::new(method, secret).expect("a good key");
    Keyring::new(&[(1, key)], 1).expect("a good ring")
}

/// One sha1 key, index 1.
#[must_use]
pub fn keys(secret: &[u8]) -> Keyring {
    keyring(Method::Sha1, secret)
}
