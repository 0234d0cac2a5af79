//! What the test machine must know to play a node: the core's configuration and keys, from a server's three files.
//!
//! A second reading of the files, apart from the daemon's own: where the two differ in what goes on the wire, the
//! server says `config_match: false`, and a case fails.

use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{GroupConfig, Isolated, LinkKind, ScriptLimits, Timing};
use hb_core::{Config, Duration};
use std::path::Path;

/// A node to be played.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What the core is told; one link, the serial line.
    pub config: Config,
    /// What signs and verifies.
    pub keys: Keyring,
}

/// The peer of `server`, from the files in `dir`.
///
/// # Errors
/// Which line is missing or makes no sense.
pub(super) fn peer_of(server: &str, dir: &Path) -> Result<Role, String> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    role(server, &read("ha.cf")?, &read("haresources")?, &read("authkeys")?)
}

fn role(server: &str, ha_cf: &str, haresources: &str, authkeys: &str) -> Result<Role, String> {
    let cf = lines(ha_cf);
    let nodes: Vec<&str> = cf.iter().filter(|l| l[0] == "node").flat_map(|l| l[1..].to_vec()).collect();
    let name = match nodes.as_slice() {
        [one, two] if *one == server => *two,
        [one, two] if *two == server => *one,
        _ => return Err(format!("ha.cf: two nodes are wanted, {server} one of them; found {nodes:?}")),
    };
    let last = |name: &str| cf.iter().rev().find(|l| l[0] == name).and_then(|l| l.get(1).copied());
    let time = |name: &str| -> Result<Option<Duration>, String> {
        last(name).map(|word| duration(word).ok_or(format!("ha.cf: {name} {word}"))).transpose()
    };
    let usual = Timing::default();
    let keepalive = time("keepalive")?.unwrap_or(usual.keepalive);
    let standard = Timing::new(keepalive, time("deadtime")?.unwrap_or(usual.deadtime));
    let timing = Timing {
        warntime: time("warntime")?.unwrap_or(standard.warntime),
        initdead: time("initdead")?.unwrap_or(standard.initdead),
        deadping: time("deadping")?.unwrap_or(standard.deadping),
        ..standard
    };
    let mut groups = Vec::new();
    for group in lines(&haresources.replace("\\\n", " ")) {
        let at_home = group[0].eq_ignore_ascii_case(name);
        groups.push(group_config(&group, if at_home { [name, server] } else { [server, name] })?);
    }
    let on = |name: &str| last(name).is_some_and(|word| matches!(word, "on" | "yes" | "true" | "1"));
    let failback = if last("auto_failback").is_some() { on("auto_failback") } else { !on("nice_failback") };
    let pings = cf.iter().map(|l| match l[0] {
        "ping" => l.len() - 1,
        "ping_group" => 1,
        _ => 0,
    });
    let standard = Config::new(name, server, timing, &[LinkKind::Stream], &groups);
    let limit = Duration::from_secs(60);
    let config = Config {
        boot: std::process::id().max(1),
        failback,
        isolated: Isolated::Claim,
        // At the slowest speed that a wire is measured at.
        line_time: Duration::from_millis(450),
        pings: u8::try_from(pings.sum::<usize>()).map_err(|_| "ha.cf: too many ping nodes".to_owned())?,
        limits: ScriptLimits { start: limit, stop: limit, status: limit },
        ..standard.map_err(|e| e.to_string())?
    };
    config.validate().map_err(|e| e.to_string())?;
    Ok(Role { name: name.to_owned(), config, keys: keys(authkeys)? })
}

/// The words of each line that says something.
fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .collect()
}

fn group_config(words: &[&str], [home, other]: [&str; 2]) -> Result<GroupConfig, String> {
    let canonical: Vec<String> = words[1..].iter().map(|resource| canonical(resource)).collect();
    if canonical.is_empty() {
        return Err(format!("haresources: {home} has no resource"));
    }
    Ok(GroupConfig::new(home, other, &canonical))
}

/// A bare address is one of `IPaddr`.
fn canonical(resource: &str) -> String {
    let address = resource.split('/').next().unwrap_or_default();
    if address.parse::<std::net::Ipv4Addr>().is_ok() {
        format!("IPaddr::{resource}")
    } else {
        resource.to_owned()
    }
}

fn duration(word: &str) -> Option<Duration> {
    let (number, scale) = match word.strip_suffix("ms").or(word.strip_suffix("msec")) {
        Some(ms) => (ms, 1e3),
        None => match word.strip_suffix("us").or(word.strip_suffix("usec")) {
            Some(us) => (us, 1.0),
            None => (word, 1e6),
        },
    };
    let us = number.parse::<f64>().ok()? * scale;
    // Positive and far below what a u64 holds, or no time that a file means.
    (0.0..1e15).contains(&us).then(|| Duration::from_micros(us.round() as u64))
}

fn keys(text: &str) -> Result<Keyring, String> {
    let (mut ring, mut signer) = (Vec::new(), None);
    for words in lines(text) {
        let index =
            |word: &str| word.parse::<u8>().map_err(|_| format!("authkeys: {word:?} is no key number"));
        match words.as_slice() {
            ["auth", number] => signer = Some(index(number)?),
            [number, method, secret @ ..] => {
                let method = match *method {
                    "crc" => Method::Crc,
                    "md5" => Method::Md5,
                    "sha1" => Method::Sha1,
                    "sha256" => Method::Sha256,
                    other => return Err(format!("authkeys: {other:?} is no method")),
                };
                let key = Key::new(method, secret.first().unwrap_or(&"").as_bytes());
                ring.push((index(number)?, key.map_err(|e| format!("authkeys: {e}"))?));
            }
            _ => return Err(format!("authkeys: {words:?}")),
        }
    }
    Keyring::new(&ring, signer.ok_or("authkeys: no auth line")?).map_err(|e| format!("authkeys: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hb_core::{Side, identity};

    #[test]
    fn a_role_is_read_from_the_seeds_files() {
        let cf = "keepalive 100ms\ndeadtime 1\ninitdead 3 # s\nnode ha-1\nnode ha-2\nping 192.168.2.1\n";
        let role = role("ha-1", cf, "# c\nha-1 192.168.2.50 jdmail\n", "auth 1\n1 sha1 secret\n").unwrap();
        assert_eq!((role.name.as_str(), role.config.side, role.config.pings), ("ha-2", Side::Odd, 1));
        let t = role.config.timing;
        assert_eq!([t.keepalive, t.deadtime, t.initdead].map(Duration::as_millis), [100, 1000, 3000]);
        let [group] = role.config.groups.as_slice() else { panic!("one group") };
        assert_eq!((group.preferred, group.resources), (Side::Even, 2));
        assert_eq!(group.name_hash, identity::name_hash("IPaddr::192.168.2.50"));
        assert!(role.config.failback);
    }

    #[test]
    fn what_is_missing_is_named() {
        let cf = "node ha-1\nnode ha-2\n";
        for (server, cf, resources, keys, part) in [
            ("ha-3", cf, "ha-1 x\n", "auth 1\n1 crc\n", "ha-3"),
            ("ha-1", "node ha-1 ha-2\nkeepalive x\n", "ha-1 x\n", "auth 1\n1 crc\n", "keepalive"),
            ("ha-1", cf, "ha-1\n", "auth 1\n1 crc\n", "no resource"),
            ("ha-1", cf, "ha-1 x\n", "1 crc\n", "auth"),
        ] {
            let error = role(server, cf, resources, keys).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
