//! `hbd check`: everything that is wrong, in one run, and then the chain of times for a person to read.

use super::build;
use super::chain::{self, Times};
use super::environment::{self, Look, Running};
use super::finding::{Class, Findings, Report};
use super::haresources::Canonical;
use super::settings::{Group, Medium, Script, asked};
use super::time::Shown;
use super::told;
use super::{Parsed, Paths};
use hb_core::Duration;
use hb_core::config::FenceFailed;
use std::io::{self, Write};

/// Exit code: nothing is wrong, or warnings only.
pub const EXIT_OK: u8 = 0;
/// Exit code: this machine lacks something that the files name.
pub const EXIT_ENVIRONMENT: u8 = 1;
/// Exit code: this user may not read the files.
pub const EXIT_DENIED: u8 = 4;
/// Exit code: the files are wrong.
pub const EXIT_CONFIGURATION: u8 = 6;

/// Print all findings and the chain of times to `out`. Touches nothing and runs nothing. Gives the exit code. `running` is
/// what a daemon on this machine says of itself.
///
/// # Errors
/// Those of `out`.
pub fn run(
    paths: &Paths,
    node: Option<&str>,
    running: Option<&Running>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut loaded = super::read(paths, node);
    environment::parsed(paths, &loaded.parsed, Look::Check(running), &mut loaded.findings);
    one_way_out(&loaded.parsed, &mut loaded.findings);
    answered(&loaded.parsed, &mut loaded.findings);
    unfenced(&loaded.parsed, &mut loaded.findings);
    #[cfg(feature = "bridge")]
    super::bridge::key(&loaded.parsed, loaded.settings.as_ref(), &mut loaded.findings);
    if let Some(daemon) = running {
        told::examine(&loaded.parsed, daemon, &mut loaded.findings);
    }
    for (class, heading) in [
        (Class::Configuration, "Configuration errors; hbd does not start with these:"),
        (Class::Environment, "Missing on this machine; hbd starts degraded:"),
        (Class::Warning, "Warnings:"),
    ] {
        list(&loaded.findings, class, heading, out)?;
    }
    if loaded.parsed.ha_cf_read {
        table(&loaded.parsed, &loaded.times, out)?;
    }
    let code = verdict(&loaded.findings, out)?;
    Ok(if code == EXIT_CONFIGURATION && super::denied(paths) { EXIT_DENIED } else { code })
}

/// Heartbeats that all go one way tell a dead machine from a cut cable only by luck.
fn one_way_out(parsed: &Parsed, findings: &mut Findings) {
    let way = |medium: &Medium| match medium {
        Medium::Serial { device, .. } => device.display().to_string(),
        Medium::Bcast { iface, .. } | Medium::Mcast { iface, .. } | Medium::Ucast { iface, .. } => {
            iface.clone()
        }
    };
    let links = &parsed.ha_cf.links;
    let Some(first) = links.first() else { return };
    if links.iter().any(|link| way(&link.value) != way(&first.value)) {
        return;
    }
    let other = match first.value {
        Medium::Serial { .. } => "bcast eth1",
        Medium::Bcast { .. } | Medium::Mcast { .. } | Medium::Ucast { .. } => "serial /dev/ttyS0",
    };
    Report::new(&parsed.ha_cf_file, findings).warn(
        first.line,
        format_args!(
            "all heartbeats go by {}: when that one cable is cut, a living peer looks like a dead one; \
             write a second way, such as `{other}`",
            way(&first.value)
        ),
    );
}

/// Whether an address that still answers holds a claim back follows from an armed watchdog. Without one somebody must say.
fn answered(parsed: &Parsed, findings: &mut Findings) {
    let cf = &parsed.ha_cf;
    let groups: Vec<Group> = parsed.groups.iter().map(|group| group.value.clone()).collect();
    if !parsed.ha_cf_read
        || cf.answered.is_some()
        || cf.watchdog.is_some()
        || cf.any_fence()
        || asked(&groups).next().is_none()
    {
        return;
    }
    let line = cf.nodes.first().map_or(1, |node| node.line);
    Report::new(&parsed.ha_cf_file, findings).warn(
        line,
        format_args!(
            "without a watchdog somebody must say what it means that a silent node's service address still answers; write \
             `answered wait` (nothing is claimed: a machine whose kernel answers while its programs are dead is not taken \
             over from) or `answered claim` (it is claimed, as without the line: behind a cut heartbeat cable both nodes \
             serve)"
        ),
    );
}

/// What a fence that is not waited for loses.
fn unfenced(parsed: &Parsed, findings: &mut Findings) {
    let cf = &parsed.ha_cf;
    if let Some(failed) = cf.fence_failed
        && failed.value == FenceFailed::Claim
        && cf.any_fence()
    {
        Report::new(&parsed.ha_cf_file, findings).warn(
            failed.line,
            format_args!(
                "`fence_failed claim`: when the fence fails, this node claims all the same once the service addresses are silent, \
                 so that a peer that lives behind cut links serves beside it; write `fence_failed wait` where two at once are \
                 worse than none"
            ),
        );
    }
}

/// Which addresses of a group are asked for before it is claimed on silence.
fn question(group: &Group) -> String {
    let addresses: Vec<String> =
        asked(core::slice::from_ref(group)).map(|(_, address)| address.ip.to_string()).collect();
    if addresses.is_empty() {
        return "no address on a network to ask for: claimed on silence alone".to_string();
    }
    format!("asked by ARP before a claim on silence: {}", addresses.join(", "))
}

fn list(findings: &Findings, class: Class, heading: &str, out: &mut dyn Write) -> io::Result<()> {
    if !findings.any(class) {
        return Ok(());
    }
    writeln!(out, "{heading}")?;
    for finding in findings.of(class) {
        writeln!(out, "{finding}")?;
    }
    writeln!(out)
}

fn verdict(findings: &Findings, out: &mut dyn Write) -> io::Result<u8> {
    let count = |class| findings.of(class).count();
    let code = if findings.any(Class::Configuration) {
        EXIT_CONFIGURATION
    } else if findings.any(Class::Environment) {
        EXIT_ENVIRONMENT
    } else {
        EXIT_OK
    };
    let word = if code == EXIT_OK { "ok" } else { "not ok" };
    writeln!(
        out,
        "{word}: configuration errors {}, missing here {}, warnings {}",
        count(Class::Configuration),
        count(Class::Environment),
        count(Class::Warning)
    )?;
    Ok(code)
}

/// The chain of times, then what the groups run.
fn table(parsed: &Parsed, times: &Times, out: &mut dyn Write) -> io::Result<()> {
    let cf = &parsed.ha_cf;
    let t = &times.timing;
    let mut row = |name: &str, time: &str, what: &str| writeln!(out, "  {name:<24} {time:>10}  {what}");
    let shown = |time: Duration| Shown(time).to_string();
    for link in &cf.links {
        if let Medium::Serial { baud, .. } = link.value {
            let (steady, hello) = chain::frame_times(baud);
            let what = format!("a heartbeat on the line at {baud} baud; {} for a first one", Shown(hello));
            row(&link.value.to_string(), &shown(steady), &what)?;
        }
    }
    row("keepalive", &shown(t.keepalive), "between two heartbeats")?;
    row("warntime", &shown(t.warntime), "silence after which the peer is reported late")?;
    if let Some(seconds) = times.watchdog {
        let timeout = Duration::from_secs(u64::from(seconds));
        let ahead = t.deadtime.minus(timeout);
        let what = format!("a node that hangs is reset, {} before the peer claims", Shown(ahead));
        let what = if ahead.is_zero() { "a node that hangs is reset, after the peer claims" } else { &what };
        row("watchdog", &shown(timeout), what)?;
    }
    row("deadtime", &shown(t.deadtime), "silence after which the peer is dead and its groups are claimed")?;
    row("initdead", &shown(t.initdead), "the same until the peer was met for the first time")?;
    if !cf.pings.is_empty() {
        row("deadping", &shown(t.deadping), "silence after which a ping node is dead")?;
    }
    row("script_timeout start", &shown(times.limits.start), "after which a start counts as failed")?;
    row("script_timeout stop", &shown(times.limits.stop), "after which a stop counts as hung")?;
    row("script_timeout status", &shown(times.limits.status), "after which a status counts as failed")?;
    match &times.monitor {
        Some(m) => {
            let what =
                format!("between two rounds of status; {} failures in a row restart the group", m.failures);
            row("monitor", &shown(m.period), &what)?;
        }
        None => row("monitor", "off", "services are not watched")?,
    }
    let stuck = match times.watchdog {
        Some(seconds) => {
            let whole = times.limits.stop.plus(Duration::from_secs(u64::from(seconds))).plus(t.deadtime);
            (shown(whole), "from a stop that hangs to the claim: stop limit, watchdog, deadtime")
        }
        None => {
            (String::from("never"), "no watchdog: a stop that hangs blocks the peer until `hbd confirm-down`")
        }
    };
    row("stop that hangs", &stuck.0, stuck.1)?;
    row(
        "failback",
        if build::failback(cf) { "on" } else { "off" },
        "the preferred node takes its groups back",
    )?;
    for group in &parsed.groups {
        writeln!(out, "\n  {} prefers {}:", group.value.name, group.value.preferred)?;
        writeln!(out, "    {}", question(&group.value))?;
        for resource in &group.value.resources {
            let name = Canonical(resource).to_string();
            match &resource.script {
                Script::File(path) => writeln!(out, "    {name:<30} {}", path.display())?,
                Script::Embedded => writeln!(out, "    {name:<30} carried by hbd")?,
                Script::Missing => writeln!(out, "    {name:<30} missing")?,
            }
        }
    }
    writeln!(out)
}
