//! What a changed `ha.cf` or `haresources` means for a daemon that runs: which directives it can follow at once, and
//! which it can follow at its next start only.

use super::settings::Settings;
use hb_core::config::Tuning;

/// The directives whose new values differ from those that hold, and can be followed at once.
pub(crate) fn followed(now: &Tuning, new: &Tuning) -> Vec<&'static str> {
    let pairs = [
        ("warntime", now.warntime != new.warntime),
        ("auto_failback", now.failback != new.failback),
        ("isolated", now.isolated != new.isolated),
        ("answered", now.answered != new.answered),
        ("script_timeout", now.limits != new.limits),
        ("monitor", now.monitor != new.monitor),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// What of `ha.cf` differs between the files as they were at the daemon's start and as they are, and needs a restart.
pub(crate) fn of_ha_cf(then: &Settings, new: &Settings) -> Vec<&'static str> {
    let (a, b) = (&then.timing, &new.timing);
    let pairs = [
        ("node", (&then.own, &then.peer) != (&new.own, &new.peer)),
        ("keepalive", a.keepalive != b.keepalive),
        ("deadtime", a.deadtime != b.deadtime),
        ("initdead", a.initdead != b.initdead),
        ("deadping", a.deadping != b.deadping),
        ("the links", then.links != new.links),
        ("ping", then.pings != new.pings),
        ("watchdog", then.watchdog != new.watchdog),
        ("bridge", then.bridge != new.bridge),
        ("the fence", (&then.fence, then.core.fence) != (&new.fence, new.core.fence)),
        ("data", then.data != new.data),
        ("the logs", then.log != new.log),
        ("rtprio", then.rtprio != new.rtprio),
        ("announce_every", then.announce_every != new.announce_every),
        ("status_group", then.status_group != new.status_group),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Do the groups differ? A comment, another spacing or a script that appeared since makes no difference.
pub(crate) fn of_haresources(then: &Settings, new: &Settings) -> bool {
    let line = |settings: &Settings| -> Vec<_> {
        settings.core.groups.iter().map(|group| (group.name_hash, group.digest, group.preferred)).collect()
    };
    line(then) != line(new)
}

/// The values of `new` that a daemon can go on with whose deadtime is that of `then`.
pub(crate) fn tuning(then: &Settings, new: &Settings, now: &Tuning) -> Tuning {
    let mut tuning = new.core.tuning();
    if new.timing.deadtime != then.timing.deadtime {
        // It was chosen for another deadtime, and waits with it.
        tuning.warntime = now.warntime;
    }
    tuning
}

#[cfg(test)]
mod tests {
    use super::super::{Paths, Texts, examine_texts};
    use super::*;
    use hb_core::Duration;

    const HA_CF: &str = "node a b\nkeepalive 1\ndeadtime 10\nserial /dev/ttyS0\n";

    fn settings(ha_cf: &str, haresources: &str) -> Settings {
        let (ha_cf, haresources) = (ha_cf.as_bytes(), haresources.as_bytes());
        let texts = Texts { ha_cf, haresources, authkeys: b"auth 1\n1 crc\n" };
        examine_texts(&texts, &Paths::new("/nowhere"), "a").0.expect("right")
    }

    fn changes(more: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let (then, new) = (settings(HA_CF, "a x\n"), settings(&format!("{HA_CF}{more}"), "a x\n"));
        let now = then.core.tuning();
        (followed(&now, &tuning(&then, &new, &now)), of_ha_cf(&then, &new))
    }

    #[test]
    fn each_directive_is_followed_at_once_or_at_the_next_start() {
        let (at_once, later): (&[&str], &[&str]) = (&[], &[]);
        assert_eq!(changes("# a comment\n"), (at_once.into(), later.into()));
        for (line, name) in [
            ("warntime 4", "warntime"),
            ("nice_failback on", "auto_failback"),
            ("auto_failback off", "auto_failback"),
            ("ping 10.0.0.9\nisolated claim", "isolated"),
            ("answered wait", "answered"),
            ("answered claim", "answered"),
            ("script_timeout stop 5", "script_timeout"),
            ("monitor 10", "monitor"),
        ] {
            let (at_once, later) = changes(line);
            assert_eq!(at_once, [name], "{line}");
            assert_eq!(later.is_empty(), !line.starts_with("ping"), "{line}: {later:?}");
        }
        for (line, name) in [
            ("initdead 40", "initdead"),
            ("deadping 40", "deadping"),
            ("bcast eth0", "the links"),
            ("ping 10.0.0.9", "ping"),
            ("watchdog /dev/watchdog", "watchdog"),
            ("logfacility local0", "the logs"),
            ("rtprio 5", "rtprio"),
            ("announce_every off", "announce_every"),
            ("status_group adm", "status_group"),
        ] {
            assert_eq!(changes(line), (Vec::new(), Vec::from([name])), "{line}");
        }
    }

    #[test]
    fn a_warntime_for_another_deadtime_waits_with_it() {
        let then = settings(HA_CF, "a x\n");
        let new = settings(&HA_CF.replace("deadtime 10", "deadtime 30\nwarntime 20"), "a x\n");
        let now = then.core.tuning();
        assert_eq!(tuning(&then, &new, &now).warntime, Duration::from_secs(5));
        assert_eq!(of_ha_cf(&then, &new), ["deadtime", "initdead", "deadping"]);
    }

    #[test]
    fn only_what_haresources_says_counts() {
        let then = settings(HA_CF, "a x\n");
        let differs = |text: &str| of_haresources(&then, &settings(HA_CF, &String::from(text)));
        assert!(!differs("# nothing else\n  a   x # really\n"));
        assert!(differs("a x y\n") && differs("b x\n") && differs("a x\na y\n") && differs("a y\n"));
    }
}
