//! The page and its chapters.

use super::bridge;
use super::drawing::{Drawing, escape};
use crate::netns::{Node, Reply, Stamp};
use crate::table::human;
use crate::virt::case::Case;
use crate::virt::evidence::seconds;
use crate::virt::monitor;
use crate::virt::needs::Ready;
use crate::virt::record::{Fault, Record};
use crate::virt::run::{Ended, Verdict, word};
use crate::virt::scene::Scene;
use crate::virt::tally::Kind;
use std::fmt::Write as _;
use std::time::Duration;

/// Colours for light and dark; the page works without a network, a font or a script.
const STYLE: &str = include_str!("page.css");

/// What the colours mean.
const KEY: [(&str, &str); 8] = [
    ("one", "ha-1"),
    ("two", "ha-2"),
    ("bad", "no answer"),
    ("refused", "refused or cut short"),
    ("armed", "watchdog armed"),
    ("event", "reset, watchdog, panic; ARP call"),
    ("off", "no power"),
    ("fault", "link cut or noisy"),
];

/// Shorter pauses of the client are not drawn as outages.
const OUTAGE: Duration = Duration::from_millis(300);
/// What is drawn before the first thing of interest.
const LEAD: Duration = Duration::from_secs(4);

/// By node.
pub(super) const CLASSES: [&str; 2] = ["one", "two"];

/// The whole page.
#[must_use]
pub fn page(ended: &[Ended], ready: Option<&Ready>) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>hbd on the virtual rig</title>\n<style>\n{STYLE}</style></head><body>\n<h1>hbd on the virtual rig</h1>\n<p>"
    );
    for word in ["passed", "failed", "skipped"] {
        let count = ended.iter().filter(|one| class(&one.verdict) == word).count();
        if count > 0 {
            let _ = write!(text, "<span class=\"chip {word}\">{count} {word}</span> ");
        }
    }
    text += "</p>\n";
    if let Some(ready) = ready {
        let _ = writeln!(
            text,
            "<p class=\"small\">Two machines of pentium2 and 64 MB. Kernel: {}. hbd: SHA-256 {}.</p>",
            escape(&ready.kernel),
            escape(&ready.hbd_digest)
        );
    }
    text +=
        "<div class=\"wide\"><table><tr><th>case</th><th>result</th><th>took</th><th>measured</th></tr>\n";
    for one in ended {
        let name = match one.chapter.is_empty() {
            true => one.case.name.to_owned(),
            false => format!("<a href=\"#{0}\">{0}</a>", one.case.name),
        };
        let _ = writeln!(
            text,
            "<tr><td>{name}</td><td class=\"{}\">{}</td><td>{}</td><td>{}</td></tr>",
            class(&one.verdict),
            escape(&word(&one.verdict)),
            human(one.took),
            escape(&one.figures).replace("; ", "<br>")
        );
    }
    text += "</table></div>\n<p class=\"key\">";
    for (class, means) in KEY {
        let _ = write!(text, "<span><i class=\"{class}\"></i>{means}</span> ");
    }
    text += "</p>\n";
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
        "<h2 id=\"{0}\">{0}</h2>\n<p>{1}. <span class=\"{2}\">{3}</span></p>\n<div class=\"wide\">{4}</div>\n",
        case.name,
        escape(case.about),
        class(verdict),
        escape(&word(verdict)),
        drawing(scene)
    );
    text += "<div class=\"wide\"><table><tr><th>measured</th><th>ms</th><th>at most</th></tr>\n";
    for figure in &record.figures {
        let limit = figure.limit.map_or("-".to_owned(), |limit| limit.as_millis().to_string());
        let mark = if figure.limit.is_some_and(|limit| figure.value > limit) { "failed" } else { "" };
        let _ = writeln!(
            text,
            "<tr class=\"{mark}\"><td>{}</td><td>{}</td><td>{limit}</td></tr>",
            escape(&figure.what),
            figure.value.as_millis()
        );
    }
    for check in &record.checks {
        let (mark, held) = if check.held { ("", "yes") } else { ("failed", "NO") };
        let _ = writeln!(
            text,
            "<tr class=\"{mark}\"><td>{}</td><td>{held}</td><td>{}</td></tr>",
            escape(&check.what),
            escape(&check.detail)
        );
    }
    text += "</table></div>\n<ol>\n";
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
    let mut drawing = Drawing::new(record.began, interesting(scene), now);
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
    let seen = scene.rig.network.tally.seen();
    for (name, link) in [("null-modem", "serial"), ("heartbeat Ethernet", "eth1")] {
        let bars = fault_bars(record, link, now);
        if !bars.is_empty() {
            drawing.bars(name, &bars);
        }
    }
    for node in Node::BOTH {
        let (number, class) = (node.index(), CLASSES[node.index()]);
        // A frame ends with its zero byte.
        let wire = scene.rig.wire(node).log(record.began);
        let frames = wire.iter().filter(|chunk| chunk.from == number && chunk.bytes.contains(&0));
        drawing.counts(&format!("serial {}", node.name()), class, frames.map(|chunk| chunk.at));
        let beats = seen.iter().filter(|one| one.from == node && one.kind == Kind::Beat);
        drawing.counts(&format!("eth1 {}", node.name()), class, beats.map(|one| one.at));
    }
    bridge::lanes(&mut drawing, scene, now);
    let calls = seen.iter().filter(|one| one.kind == Kind::Announcement);
    drawing.counts("ARP calls", "event", calls.map(|one| one.at));
    drawing.bars("client", &client_bars(scene));
    let outages = scene.rig.network.client.outages(record.began, OUTAGE);
    let spans: Vec<(Stamp, Stamp)> = outages.iter().map(|o| (o.last_good, o.first_good.min(now))).collect();
    let seconds = |(from, until): &(Stamp, Stamp)| format!("{:.2} s", until.since(*from).as_secs_f64());
    let bars = spans.iter().map(|span| (span.0, span.1, "bad", format!("no answer for {}", seconds(span))));
    drawing.bars("outages", &bars.collect::<Vec<_>>());
    for span in &spans {
        drawing.label(span.0, span.1, &seconds(span));
    }
    for (number, (at, _)) in record.notes.iter().enumerate() {
        drawing.mark(*at, number + 1);
    }
    drawing.finish()
}

/// A moment before something was held, done to a link or answered for the first time: the boots alone are no story.
fn interesting(scene: &Scene) -> Stamp {
    let record = &scene.record;
    let held =
        scene.rig.network.eyes.iter().filter_map(|eye| eye.spans().first().map(|span| span.from)).min();
    let done = record.faults.iter().find(|fault| fault.begins).map(|fault| fault.at);
    let first = held.into_iter().chain(done).min().unwrap_or(record.began);
    Stamp(first.0.saturating_sub(LEAD.as_nanos() as u64)).max(record.began)
}

/// When a link was cut, or had noise on it.
fn fault_bars(record: &Record, link: &str, now: Stamp) -> Vec<(Stamp, Stamp, &'static str, String)> {
    let of_link: Vec<&Fault> = record.faults.iter().filter(|fault| fault.link == Some(link)).collect();
    let mut bars = Vec::new();
    for (at, fault) in of_link.iter().enumerate().filter(|(_, fault)| fault.begins) {
        let same = |other: &&&Fault| !other.begins && (other.what, other.node) == (fault.what, fault.node);
        let until = of_link[at..].iter().find(same).map_or(now, |end| end.at);
        let whose = fault.node.map_or(String::new(), |node| format!(", what {node} sends"));
        bars.push((fault.at, until, "fault", format!("{link}: {}{whose}", fault.what.name())));
    }
    bars
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
    let samples = scene.rig.network.client.samples();
    // Before the first answer there was no service that could be missed.
    let first =
        samples.iter().position(|sample| matches!(sample.reply, Reply::Good(_))).unwrap_or(samples.len());
    for sample in &samples[first..] {
        let (class, text) = match &sample.reply {
            Reply::Good(node) if node == Node::Ha1.name() => ("one", "answered by ha-1"),
            Reply::Good(_) => ("two", "answered by ha-2"),
            Reply::Silence => ("bad", "no answer"),
            Reply::Refused(_) => ("refused", "refused, reset or cut short"),
        };
        match bars.last_mut() {
            Some(last) if last.2 == class => last.1 = sample.sent.max(last.1),
            last => {
                // No gap between two that follow each other.
                if let Some(last) = last {
                    last.1 = sample.sent.max(last.1);
                }
                bars.push((sample.sent, sample.sent, class, text.to_owned()));
            }
        }
    }
    bars
}
