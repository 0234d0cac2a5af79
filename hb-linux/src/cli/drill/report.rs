//! A drill in words and as JSON.

use super::watch::{Edge, Outage};
use crate::cli::json::Json;
use crate::log::tale::Seconds;
use core::fmt::Write as _;
use hb_core::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

/// One move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) from: String,
    pub(super) to: String,
    /// `from` lost its power.
    pub(super) power: bool,
    /// From the command to the end of all that was waited for.
    pub(super) took: Duration,
    pub(super) outages: Vec<Outage>,
    /// Since the command.
    pub(super) seen: Vec<(Duration, String)>,
}

/// The whole drill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Drill {
    /// Local time.
    pub(super) begun: String,
    pub(super) node: String,
    pub(super) peer: String,
    pub(super) groups: Vec<String>,
    pub(super) port: Option<u16>,
    pub(super) steps: Vec<Step>,
    /// Why it ended early.
    pub(super) trouble: Option<String>,
}

impl Drill {
    /// What is said last.
    pub(super) fn verdict(&self) -> String {
        match &self.trouble {
            None => "well: there and back, and all is well".into(),
            Some(why) if self.steps.is_empty() => format!("NOT WELL: {why}"),
            Some(why) => {
                let at = self.steps.last().map_or("", |step| step.to.as_str());
                format!("NOT WELL: {why}; what runs where now: hbd status (the last move was to {at})")
            }
        }
    }

    /// How answers were asked for.
    pub(super) fn method(&self) -> String {
        match self.port {
            Some(port) => format!("connections to port {port}, every 20 ms"),
            None => "echo requests, every 20 ms".into(),
        }
    }
}

/// Who saw it, in words.
pub(super) fn edge_words(node: &str, peer: &str, edge: Edge) -> String {
    match edge {
        Edge::Network => format!("an answer over the network, as {node} saw it"),
        Edge::Own => format!("{node}'s own word"),
        Edge::Peer => format!("{peer}'s heartbeats"),
        Edge::Command => "the command to the fence".into(),
    }
}

/// One outage in words.
pub(super) fn outage_words(drill: &Drill, outage: &Outage) -> String {
    let (begin, end) = outage.seen_by;
    let begin = edge_words(&drill.node, &drill.peer, begin);
    match outage.to {
        Some(to) => format!(
            "{}: outage {}, from {} to {} after the command (its begin by {begin}; its end by {})",
            outage.what,
            Seconds(to.minus(outage.from)),
            Seconds(outage.from),
            Seconds(to),
            edge_words(&drill.node, &drill.peer, end)
        ),
        None => format!(
            "{}: gone {} after the command (by {begin}), and not seen again",
            outage.what,
            Seconds(outage.from)
        ),
    }
}

/// For people.
pub(super) fn text(drill: &Drill) -> String {
    let mut out = format!(
        "drill of {} on {} and {}, {}; measured from {} by {}\n",
        drill.groups.join(", "),
        drill.node,
        drill.peer,
        drill.begun,
        drill.node,
        drill.method()
    );
    for (number, step) in drill.steps.iter().enumerate() {
        let lost = if step.power { " loses its power" } else { "" };
        let _ = writeln!(out, "{}. {}{lost} -> {}, {}", number + 1, step.from, step.to, Seconds(step.took));
        for outage in &step.outages {
            let _ = writeln!(out, "   {}", outage_words(drill, outage));
        }
        for (at, what) in &step.seen {
            let at = format!("{}", Seconds(*at));
            let _ = writeln!(out, "   {at:>9}  {what}");
        }
    }
    let _ = writeln!(out, "{}", drill.verdict());
    if drill.trouble.is_none() {
        let _ = writeln!(
            out,
            "an operator's moves stand against failback until a node dies, leaves, or hbd standby or takeover is said"
        );
    }
    out
}

/// For programs; times in milliseconds.
pub(super) fn json(drill: &Drill) -> String {
    let mut j = Json::new();
    j.open('{').key("schema").number(1).key("begun").string(&drill.begun);
    j.key("node").string(&drill.node).key("peer").string(&drill.peer);
    j.key("groups").open('[');
    for group in &drill.groups {
        j.string(group);
    }
    j.close(']').key("port").maybe_number(drill.port.map(u64::from)).key("steps").open('[');
    for step in &drill.steps {
        j.open('{').key("from").string(&step.from).key("to").string(&step.to);
        j.key("power").boolean(step.power);
        j.key("took_ms").number(step.took.as_millis()).key("outages").open('[');
        for outage in &step.outages {
            j.open('{').key("what").string(&outage.what);
            j.key("outage_ms").maybe_number(outage.to.map(|to| to.minus(outage.from).as_millis()));
            j.key("from_ms")
                .number(outage.from.as_millis())
                .key("to_ms")
                .maybe_number(outage.to.map(Duration::as_millis));
            j.key("begin_seen_by").string(outage.seen_by.0.word());
            j.key("end_seen_by").string(outage.seen_by.1.word()).close('}');
        }
        j.close(']').key("seen").open('[');
        for (at, what) in &step.seen {
            j.open('{').key("ms").number(at.as_millis()).key("what").string(what).close('}');
        }
        j.close(']').close('}');
    }
    j.close(']').key("well").boolean(drill.trouble.is_none());
    j.key("trouble").maybe_string(drill.trouble.as_deref()).close('}');
    j.finish()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cli::drill) fn sample() -> Drill {
        let ms = Duration::from_millis;
        let outage = |from, to, seen_by| Outage { what: "10.0.0.5".into(), from: ms(from), to, seen_by };
        let step = |from: &str, to: &str, outage| Step {
            from: from.into(),
            to: to.into(),
            power: false,
            took: ms(1500),
            outages: Vec::from([outage]),
            seen: Vec::from([(ms(40), "web: idle here, <stopping> there".into())]),
        };
        Drill {
            begun: "2026-11-30 20:10:00".into(),
            node: "ha-1".into(),
            peer: "ha-2".into(),
            groups: Vec::from(["web".into()]),
            port: None,
            steps: Vec::from([
                step("ha-2", "ha-1", outage(40, Some(ms(1240)), (Edge::Network, Edge::Own))),
                step("ha-1", "ha-2", outage(10, Some(ms(910)), (Edge::Own, Edge::Network))),
            ]),
            trouble: None,
        }
    }

    #[test]
    fn each_end_of_an_outage_says_who_saw_it() {
        let text = text(&sample());
        assert!(text.contains("1. ha-2 -> ha-1, 1.50 s\n"), "{text}");
        assert!(text.contains("10.0.0.5: outage 1.20 s, from 0.04 s to 1.24 s after the command (its begin by an answer over the network, as ha-1 saw it; its end by ha-1's own word)"), "{text}");
        assert!(text.contains("well: there and back"), "{text}");
        let mut dead = sample();
        dead.steps[0].power = true;
        assert!(super::text(&dead).contains("1. ha-2 loses its power -> ha-1, 1.50 s\n"));
        let mut early = sample();
        early.steps[1].outages[0].to = None;
        early.trouble = Some("group web is stuck on ha-1".into());
        let text = super::text(&early);
        assert!(
            text.contains("10.0.0.5: gone 0.01 s after the command (by ha-1's own word), and not seen again"),
            "{text}"
        );
        assert!(text.ends_with("NOT WELL: group web is stuck on ha-1; what runs where now: hbd status (the last move was to ha-2)\n"), "{text}");
    }

    #[test]
    fn programs_get_milliseconds() {
        let object: serde_json::Value = serde_json::from_str(&json(&sample())).expect("JSON");
        assert_eq!(object["steps"][0]["outages"][0]["outage_ms"], 1200);
        assert_eq!(object["steps"][1]["outages"][0]["end_seen_by"], "network");
        assert_eq!(object["steps"][0]["seen"][0]["ms"], 40);
        assert_eq!((&object["well"], &object["trouble"]), (&true.into(), &serde_json::Value::Null));
    }
}
