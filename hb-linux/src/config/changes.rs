//! What a changed `ha.cf` or `haresources` means for a daemon that runs: which directives it can follow at once, and
//! which it can follow at its next start only. What is compared for each stands in the table of directives.

use super::ha_cf::{Reload, reloads};
use super::settings::Settings;
use hb_core::config::Tuning;

/// The directives whose new values differ from those that hold, and can be followed at once.
pub(crate) fn followed(now: &Tuning, new: &Tuning) -> Vec<&'static str> {
    named(|reload| match reload {
        Reload::AtOnce(change) => (change.differs)(now, new).then_some(change.what),
        Reload::AtStart(_) | Reload::Programs | Reload::Nothing => None,
    })
}

/// What of `ha.cf` differs between the files as they were at the daemon's start and as they are, and needs a restart.
pub(crate) fn of_ha_cf(then: &Settings, new: &Settings) -> Vec<&'static str> {
    named(|reload| match reload {
        Reload::AtStart(change) => (change.differs)(then, new).then_some(change.what),
        Reload::AtOnce(_) | Reload::Programs | Reload::Nothing => None,
    })
}

/// The names that `of` gives for the directives, each once.
fn named(of: impl Fn(Reload) -> Option<&'static str>) -> Vec<&'static str> {
    let mut all = Vec::new();
    for name in reloads().filter_map(of) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
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
    use super::super::ha_cf::names;
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

    /// Each directive, a line that it changes if there must be one, and what is written in its place.
    const SAMPLES: &[(&str, &str, &str)] = &[
        ("node", "node a b", "node a c"),
        ("ping", "", "ping 10.0.0.9"),
        ("ping_group", "", "ping_group g 10.0.0.8 10.0.0.9"),
        ("keepalive", "keepalive 1", "keepalive 2"),
        ("warntime", "", "warntime 4"),
        ("deadtime", "deadtime 10", "deadtime 20"),
        ("initdead", "", "initdead 40"),
        ("deadping", "", "deadping 40"),
        ("auto_failback", "", "auto_failback off"),
        ("nice_failback", "", "nice_failback on"),
        ("baud", "", "baud 9600"),
        ("udpport", "bcast eth0", "udpport 695\nbcast eth0"),
        ("serial", "", "serial /dev/ttyS1"),
        ("serial_rtscts", "", "serial_rtscts on"),
        ("bcast", "", "bcast eth0"),
        ("udp", "", "udp eth0"),
        ("mcast", "", "mcast eth0 225.0.0.1 694 1 0"),
        ("ucast", "", "ucast eth0 10.0.0.2"),
        ("hopfudge", "", "hopfudge 1"),
        ("watchdog", "", "watchdog /dev/watchdog"),
        ("watchdog_timeout", "watchdog /dev/watchdog", "watchdog /dev/watchdog\nwatchdog_timeout 5"),
        ("watchdog_busy", "watchdog /dev/watchdog", "watchdog /dev/watchdog\nwatchdog_busy wait"),
        ("logfile", "", "logfile /l"),
        ("debugfile", "", "debugfile /d"),
        ("logfacility", "", "logfacility local0"),
        ("rtprio", "", "rtprio 5"),
        ("script_timeout", "", "script_timeout stop 5"),
        ("monitor", "", "monitor 10"),
        ("isolated", "ping 10.0.0.9", "ping 10.0.0.9\nisolated claim"),
        ("announce_every", "", "announce_every off"),
        ("status_group", "", "status_group adm"),
        ("answered", "", "answered wait"),
        ("bridge", "", "bridge /dev/ttyS2"),
        ("fence", "", "fence external /f"),
        ("fence_delay", "fence external /f", "fence external /f\nfence_delay 9"),
        ("fence_failed", "fence external /f", "fence external /f\nfence_failed claim"),
        ("startup_fence", "fence external /f", "fence external /f\nstartup_fence on"),
        ("stonith", "", "stonith baytech /f"),
        ("stonith_host", "", "stonith_host * baytech 10.0.0.3 user password"),
        ("data", "", "data x directory /jdmail\ndata x address a 10.1.0.1 address b 10.1.0.2"),
        #[cfg(feature = "page")]
        ("page", "", "page 8694"),
        ("respawn", "", "respawn root /bin/true"),
        ("crm", "", "crm no"),
    ];

    #[test]
    fn each_directive_is_followed_at_once_or_told_or_means_nothing() {
        assert_eq!(changes("# a comment\n"), (Vec::new(), Vec::new()));
        let page = include_str!("../../../docs/hbd.8.md");
        let page = page.split("\n**reload** ").nth(1).and_then(|text| text.split("\n\n").next()).unwrap();
        assert_eq!(names().count(), SAMPLES.len());
        for ((name, reload), &(sample, before, after)) in names().zip(reloads()).zip(SAMPLES) {
            assert_eq!(name, sample, "the samples are in the order of the table");
            let text = |line: &str| {
                let rest: Vec<&str> = HA_CF.lines().filter(|known| *known != before).collect();
                let (serial, first) = rest.split_last().expect("serial is the last line");
                // What is said of serial lines stands in front of them.
                format!("{}\n{line}\n{serial}\n", first.join("\n"))
            };
            let (then, new) = (settings(&text(before), "a x\n"), settings(&text(after), "a x\n"));
            let now = then.core.tuning();
            let (at_once, later) = (followed(&now, &tuning(&then, &new, &now)), of_ha_cf(&then, &new));
            let told = page.contains(&format!("`{name}`"));
            match reload {
                Reload::AtOnce(change) => {
                    assert!(
                        at_once.contains(&change.what) && later.is_empty(),
                        "{name}: {at_once:?} {later:?}"
                    );
                    assert!(told, "docs/hbd.8.md: reload follows `{name}`");
                }
                Reload::AtStart(change) => {
                    assert!(later.contains(&change.what), "{name}: {later:?}");
                    assert!(!told || name == "deadtime", "docs/hbd.8.md: reload does not follow `{name}`");
                }
                Reload::Programs => {
                    assert!(at_once.is_empty() && later.is_empty(), "{name}");
                    assert!(told, "docs/hbd.8.md: reload follows `{name}`");
                }
                Reload::Nothing => assert!(at_once.is_empty() && later.is_empty(), "{name}"),
            }
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
