//! `hbd status --prometheus`: a snapshot in the text exposition format, for a textfile collector.

use super::verdict;
use crate::control::Snapshot;
use crate::control::snapshot::Link;
use crate::control::wire::LATE_BOUNDS_US;
use crate::control::words::{LinkState, Worded};
use core::fmt::{Display, Write};
use hb_core::PeerState;
use hb_core::message::GroupState;

/// Writes one family after the other.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP hbd_{name} {help}\n# TYPE hbd_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "hbd_{name}");
        for (at, (key, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{open}{key}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// The whole page; of a machine on which no daemon answers, that alone.
pub(super) fn text(shot: Option<&Snapshot>) -> String {
    let mut page = Page(String::new());
    page.one("up", "gauge", "The daemon answers.", u8::from(shot.is_some()));
    if let Some(s) = shot {
        node(&mut page, s);
        links(&mut page, s);
        groups(&mut page, s);
        lateness(&mut page, s);
        #[cfg(feature = "late-record")]
        record(&mut page, s);
    }
    page.0
}

fn node(page: &mut Page, s: &Snapshot) {
    let verdict = verdict::judge(s).level as i32;
    page.one("verdict", "gauge", "0: OK, 1: WARNING, 2: CRITICAL, as hbd status begins.", verdict);
    page.family("info", "gauge", "This node, its peer, the version and the digest of the configuration.");
    let digest = format!("{:08x}", s.own.config_digest);
    let (node, peer, version) = (s.own.name.as_str(), s.peer.name.as_str(), s.own.version.as_str());
    page.sample("info", &[("node", node), ("peer", peer), ("version", version), ("config", &digest)], 1);
    page.one("uptime_seconds", "gauge", "Since the daemon's start.", s.own.uptime_s);
    page.one(
        "peer_up",
        "gauge",
        "The peer is heard within warntime.",
        u8::from(s.peer.state == PeerState::Up),
    );
    page.one("isolated", "gauge", "This node takes itself for the isolated one.", u8::from(s.own.isolated));
    page.one("lost_lines_total", "counter", "Log lines that found no room.", s.own.lost_lines);
    page.one("helper_alive", "gauge", "What writes logs and state runs.", u8::from(s.helper.alive));
    if let Some(w) = &s.watchdog {
        page.one("watchdog_armed", "gauge", "The watchdog is armed.", u8::from(w.timeout_s.is_some()));
        page.one("watchdog_feeds_total", "counter", "Times that it was fed.", w.fed);
    }
    if !s.pings.is_empty() {
        page.family("ping_alive", "gauge", "The ping node answers.");
        s.pings.iter().for_each(|p| page.sample("ping_alive", &[("host", &p.host)], u8::from(p.alive)));
    }
}

/// Name, help and value of a counter.
type Counter = (&'static str, &'static str, fn(&Link) -> u32);

fn links(page: &mut Page, s: &Snapshot) {
    page.family("link_up", "gauge", "The peer is heard on the link, and hears this node on it.");
    s.links
        .iter()
        .for_each(|l| page.sample("link_up", &[("link", &l.name)], u8::from(l.state == LinkState::Up)));
    let counters: [Counter; 4] = [
        ("link_received_frames_total", "Good frames received.", |l| l.rx),
        ("link_sent_frames_total", "Frames sent.", |l| l.tx),
        ("link_lost_beats_total", "Heartbeats of the peer that never came.", |l| l.lost),
        ("link_bad_frames_total", "Frames refused.", |l| l.bad),
    ];
    for (name, help, count) in counters {
        page.family(name, "counter", help);
        s.links.iter().for_each(|l| page.sample(name, &[("link", &l.name)], count(l)));
    }
    page.family("link_round_trip_seconds", "gauge", "The last round trip.");
    for link in &s.links {
        if let Some(us) = link.rtt_us {
            page.sample("link_round_trip_seconds", &[("link", &link.name)], seconds(us));
        }
    }
}

fn groups(page: &mut Page, s: &Snapshot) {
    page.family("group_state", "gauge", "1 for the state that the group is in on this node.");
    for group in &s.groups {
        for state in GroupState::ALL {
            let labels = [("group", group.name.as_str()), ("state", state.as_str())];
            page.sample("group_state", &labels, u8::from(group.state == *state));
        }
    }
    page.family("group_since_seconds", "gauge", "How long it has been in it.");
    s.groups.iter().for_each(|g| page.sample("group_since_seconds", &[("group", &g.name)], g.since_s));
    page.family("group_epoch", "gauge", "Epoch of this tenure, or the highest seen.");
    s.groups.iter().for_each(|g| page.sample("group_epoch", &[("group", &g.name)], g.epoch));
}

fn lateness(page: &mut Page, s: &Snapshot) {
    page.family("loop_late_seconds", "histogram", "How late the loop woke, since the daemon's start.");
    buckets(page, "loop_late_seconds", &s.late.counts, s.late.sum_us);
    let worst = seconds(s.own.worst_late_us);
    page.one("loop_late_worst_seconds", "gauge", "The longest that the loop was late.", worst);
    let allowed = seconds(s.late.deadtime_ms.saturating_mul(1000));
    page.one("deadtime_allowed_seconds", "gauge", "The deadtime that this lateness would allow.", allowed);
}

/// The same over all lives.
#[cfg(feature = "late-record")]
fn record(page: &mut Page, s: &Snapshot) {
    let r = &s.late_record;
    page.family(
        "late_record_seconds",
        "histogram",
        "How late the loop woke, over all lives on this machine.",
    );
    buckets(page, "late_record_seconds", &r.counts, r.sum_us);
    page.one("late_record_begun_seconds", "gauge", "When that record was begun, since 1970.", r.since);
    page.one("late_record_worst_seconds", "gauge", "The longest in it.", seconds(r.worst_us));
    page.one("late_record_worst_at_seconds", "gauge", "When that was, since 1970.", r.worst_at);
    let allowed = seconds(r.deadtime_ms.saturating_mul(1000));
    page.one(
        "late_record_deadtime_allowed_seconds",
        "gauge",
        "The deadtime that the record would allow.",
        allowed,
    );
}

/// The samples of a histogram of lateness.
fn buckets(page: &mut Page, name: &str, counts: &[u64], sum_us: u64) {
    let (bucket, mut sum) = (format!("{name}_bucket"), 0);
    for (count, bound) in counts.iter().zip(LATE_BOUNDS_US) {
        sum += count;
        page.sample(&bucket, &[("le", &seconds(bound))], sum);
    }
    sum += counts.last().unwrap_or(&0);
    page.sample(&bucket, &[("le", "+Inf")], sum);
    page.sample(&format!("{name}_sum"), &[], seconds(sum_us));
    page.sample(&format!("{name}_count"), &[], sum);
}

fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    let text = text.trim_end_matches('0');
    text.strip_suffix('.').unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::super::show::tests::sample;
    use super::*;
    use std::collections::BTreeMap;

    /// The page as a collector reads it: each sample with its labels, each of a family that was announced.
    fn parse(page: &str) -> BTreeMap<String, String> {
        let (mut kinds, mut samples) = (BTreeMap::new(), BTreeMap::new());
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {name}");
                continue;
            }
            if line.starts_with("# HELP ") {
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                name.strip_suffix(end).filter(|name| kinds.get(*name).is_some_and(|kind| kind == "histogram"))
            });
            let kind = kinds.get(family.unwrap_or(name)).unwrap_or_else(|| panic!("no TYPE before {line}"));
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                let whole = labels.starts_with('{') && labels.ends_with("\"}") && labels.contains("=\"");
                assert!(whole, "{line}");
            }
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(samples.insert(series.to_owned(), value.to_owned()).is_none(), "twice: {series}");
        }
        samples
    }

    #[test]
    fn a_collector_reads_every_line() {
        let mut shot = sample();
        shot.late.counts = [5, 4, 3, 2, 1, 0, 0, 0, 0, 1, 1];
        (shot.late.sum_us, shot.late.deadtime_ms) = (1_500_000, 2350);
        shot.late_record = crate::control::wire::LateRecordReply {
            since: 1_795_460_608,
            counts: [50, 4, 3, 2, 1, 0, 0, 0, 0, 1, 2],
            worst_us: 3_000_000,
            worst_at: 1_795_467_000,
            deadtime_ms: 9000,
            ..Default::default()
        };
        shot.links[0].name = "a\"b\\c".into();
        let samples = parse(&text(Some(&shot)));
        for (series, value) in [
            ("hbd_up", "1"),
            ("hbd_verdict", "0"),
            ("hbd_group_state{group=\"192.168.2.50\",state=\"held\"}", "1"),
            ("hbd_group_state{group=\"192.168.2.50\",state=\"idle\"}", "0"),
            ("hbd_link_up{link=\"a\\\"b\\\\c\"}", "1"),
            ("hbd_link_round_trip_seconds{link=\"a\\\"b\\\\c\"}", "0.000412"),
            ("hbd_loop_late_seconds_bucket{le=\"0.005\"}", "12"),
            ("hbd_loop_late_seconds_bucket{le=\"1\"}", "16"),
            ("hbd_loop_late_seconds_bucket{le=\"+Inf\"}", "17"),
            ("hbd_loop_late_seconds_count", "17"),
            ("hbd_loop_late_seconds_sum", "1.5"),
            ("hbd_deadtime_allowed_seconds", "2.35"),
            ("hbd_late_record_seconds_count", "63"),
            ("hbd_late_record_begun_seconds", "1795460608"),
            ("hbd_late_record_worst_seconds", "3"),
            ("hbd_late_record_deadtime_allowed_seconds", "9"),
        ] {
            assert_eq!(samples.get(series).map(String::as_str), Some(value), "{series}");
        }
        assert_eq!(samples.keys().filter(|name| name.contains("_bucket{")).count(), 22);
        let down = parse(&text(None));
        assert_eq!(down.into_iter().collect::<Vec<_>>(), [("hbd_up".into(), "0".into())]);
    }
}
