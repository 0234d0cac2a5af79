//! The page and its chapters.

use super::drawing::{Drawing, escape};
use crate::netns::{Node, Reply, Stamp};
use crate::table::human;
use crate::virt::case::Case;
use crate::virt::evidence::seconds;
use crate::virt::monitor;
use crate::virt::needs::Ready;
use crate::virt::run::{Ended, Verdict, word};
use crate::virt::scene::Scene;
use crate::virt::tally::Kind;
use std::fmt::Write as _;
use std::time::Duration;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1160px;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}\
svg{width:100%}svg text{font:11px system-ui,sans-serif;fill:#444}.label{text-anchor:end}.axis,.number{text-anchor:middle}\
.ground{fill:#f4f4f2}.one{fill:#2a6fb0}.two{fill:#c77c11}.bad{fill:#c0392b}.refused{fill:#e59866}.off{fill:#555}\
.event{fill:#7d3c98}.armed{fill:#d7c3e3}.mark{stroke:#999;stroke-width:.7;stroke-dasharray:3 3}.passed{color:#1e7d32}.failed{color:#c0392b}\
.skipped{color:#8a6d00}ol{columns:2;font-size:13px}";

/// By node.
const CLASSES: [&str; 2] = ["one", "two"];

/// The whole page.
#[must_use]
pub fn page(ended: &[Ended], ready: Option<&Ready>) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>hbd on the virtual rig</title>\
         <style>{STYLE}</style></head><body>\n<h1>hbd on the virtual rig</h1>\n"
    );
    if let Some(ready) = ready {
        let _ = writeln!(
            text,
            "<p>Kernel: {}. hbd: SHA-256 {}.</p>",
            escape(&ready.kernel),
            escape(&ready.hbd_digest)
        );
    }
    text += "<table><tr><th>case</th><th>result</th><th>took</th><th>measured</th></tr>\n";
    for one in ended {
        let _ = writeln!(
            text,
            "<tr><td><a href=\"#{0}\">{0}</a></td><td class=\"{1}\">{2}</td><td>{3}</td><td>{4}</td></tr>",
            one.case.name,
            class(&one.verdict),
            escape(&word(&one.verdict)),
            human(one.took),
            escape(&one.figures).replace("; ", "<br>")
        );
    }
    text += "</table>\n<p>Blue: ha-1. Orange: ha-2. Red: no answer. Light red: refused or cut short. Light \
             purple: watchdog armed. Purple: what QEMU or the kernel told of resets and watchdogs. Grey: no power.</p>\n";
    for one in ended {
        text += &one.chapter;
    }
    text + "</body></html>\n"
}

/// The chapter of one case that ran.
#[must_use]
pub fn chapter(case: &Case, verdict: &Verdict, scene: &Scene) -> String {
    let record = &scene.record;
    let mut text = format!(
        "<h2 id=\"{0}\">{0}</h2>\n<p>{1}. <span class=\"{2}\">{3}</span></p>\n",
        case.name,
        escape(case.about),
        class(verdict),
        escape(&word(verdict))
    );
    text += &drawing(scene);
    text += "<ol>\n";
    for (at, note) in &record.notes {
        let _ = writeln!(text, "<li>{:.2} s: {}</li>", seconds(*at, record), escape(note));
    }
    text + "</ol>\n"
}

const fn class(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "failed",
        Verdict::Skipped(_) => "skipped",
    }
}

fn drawing(scene: &Scene) -> String {
    let record = &scene.record;
    let now = Stamp::now();
    let mut drawing = Drawing::new(record.began, now);
    for node in Node::BOTH {
        let (name, class) = (node.name(), CLASSES[node.index()]);
        let spans = scene.rig.network.eyes[node.index()].spans();
        let mut bars: Vec<(Stamp, Stamp, &str, String)> = scene
            .guest(node)
            .off_times()
            .iter()
            .map(|&(from, until)| {
                (from.max(record.began), until.min(now), "off", format!("{name}: no power"))
            })
            .collect();
        bars.extend(spans.iter().map(|span| {
            let title = format!(
                "{name} has the service address for {:.2} s",
                span.until.since(span.from).as_secs_f64()
            );
            (span.from, span.until, class, title)
        }));
        drawing.bars(&format!("{name} holds"), &bars);
        drawing.bars(&format!("{name} watchdog"), &dog_events(scene, node));
    }
    let wire = scene.rig.relay.log(record.began);
    let seen = scene.rig.network.tally.seen();
    for node in Node::BOTH {
        let (number, class) = (node.index(), CLASSES[node.index()]);
        // A frame ends with its zero byte.
        let frames = wire.iter().filter(|chunk| chunk.from == number && chunk.bytes.contains(&0));
        drawing.counts(&format!("serial {}", node.name()), class, frames.map(|chunk| chunk.at));
        let beats = seen.iter().filter(|one| one.from == node && one.kind == Kind::Beat);
        drawing.counts(&format!("eth1 {}", node.name()), class, beats.map(|one| one.at));
    }
    let calls = seen.iter().filter(|one| one.kind == Kind::Announcement);
    drawing.counts("ARP calls", "event", calls.map(|one| one.at));
    drawing.bars("client", &client_bars(scene));
    for (number, (at, _)) in record.notes.iter().enumerate() {
        drawing.mark(*at, number + 1);
    }
    drawing.finish()
}

/// When the watchdog was armed, and what QEMU and the kernel told of resets and watchdogs.
fn dog_events(scene: &Scene, node: Node) -> Vec<(Stamp, Stamp, &'static str, String)> {
    let guest = scene.guest(node);
    let wide = Duration::from_millis(200);
    let told = ["RESET", "WATCHDOG", "STOP", "RESUME", "GUEST_PANICKED"];
    let events = monitor::events(&guest.monitor, 0);
    let console = guest.console.lines(0);
    let found = |word: &str| -> Vec<Stamp> {
        console.iter().filter(|(_, line)| line.contains(word)).map(|(at, _)| *at).collect()
    };
    let resets = events.iter().filter(|event| event.name == "RESET").map(|event| event.at);
    let ends: Vec<Stamp> = resets
        .chain(guest.off_times().iter().map(|(from, _)| *from))
        .chain(found("Heartbeat shutdown complete"))
        .collect();
    let mut bars = Vec::new();
    for from in found("watchdog /dev/watchdog armed") {
        let until = ends.iter().copied().filter(|end| *end > from).min().unwrap_or_else(Stamp::now);
        bars.push((from, until, "armed", format!("{}: the watchdog is armed", node.name())));
    }
    let of_qemu = events.into_iter().filter(|e| told.contains(&e.name.as_str())).map(|e| (e.at, e.name));
    let words = ["softdog:", "watchdog: watchdog", "Kernel panic"];
    let lines = console.into_iter().filter(|(_, line)| words.iter().any(|w| line.contains(w)));
    bars.extend(of_qemu.chain(lines).map(|(at, text)| (at, at.plus(wide), "event", text)));
    bars
}

/// The client's answers as bars: runs of the same answer.
fn client_bars(scene: &Scene) -> Vec<(Stamp, Stamp, &'static str, String)> {
    let mut bars: Vec<(Stamp, Stamp, &'static str, String)> = Vec::new();
    for sample in scene.rig.network.client.samples() {
        let (class, text) = match &sample.reply {
            Reply::Good(node) if node == Node::Ha1.name() => ("one", "answered by ha-1"),
            Reply::Good(_) => ("two", "answered by ha-2"),
            Reply::Silence => ("bad", "no answer"),
            Reply::Refused(_) => ("refused", "refused, reset or cut short"),
        };
        match bars.last_mut() {
            Some(last) if last.2 == class => last.1 = sample.sent.max(last.1),
            _ => bars.push((sample.sent, sample.sent, class, text.to_owned())),
        }
    }
    bars
}
