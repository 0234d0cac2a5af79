//! What a failed scenario prints: enough to see what happened without running it again.

use super::clock::Stamp;
use super::node::Node;
use super::rig::Rig;
use std::time::Duration;

/// Prints the story, what the client saw, and both nodes' status and logs, to the captured standard error.
pub(super) fn print(rig: &Rig) {
    let second = |at: Stamp| at.since(rig.born()).as_secs_f64();
    eprintln!("\n==== {}: the story, in seconds", rig.name());
    let mut lines: Vec<(Stamp, String)> = rig.timeline();
    for (at, text, count) in rig.client().story(rig.born()) {
        lines.push((at, format!("    client: {text} x {count}")));
    }
    for outage in rig.client().outages(rig.born(), Duration::from_millis(50)) {
        lines.push((outage.last_good, format!("    client: outage of {:?} {outage:?}", outage.length())));
    }
    for node in Node::BOTH {
        for (what, spans) in [("address", rig.address_spans(node)), ("server", rig.service_spans(node))] {
            for span in spans {
                lines.push((span.from, format!("    {} {what} up", node.name())));
                if span.until != Stamp::NEVER {
                    lines.push((span.until, format!("    {} {what} down", node.name())));
                }
            }
        }
    }
    lines.sort_by_key(|&(at, _)| at);
    let skipped = lines.len().saturating_sub(250);
    for (at, text) in lines.iter().skip(skipped) {
        eprintln!("{:9.3} {text}", second(*at));
    }
    for node in Node::BOTH {
        let machine = rig.machine(node);
        eprintln!(
            "==== {}: daemon {:?}, ended {:?}",
            node.name(),
            machine.daemon_pid(),
            machine.daemon_exit()
        );
        match machine.run(&mut machine.hbd(&["status", "--json"]), Duration::from_secs(5)) {
            Ok(output) => eprintln!("status: {:?} {}{}", output.code, output.stdout, output.stderr),
            Err(error) => eprintln!("status: {error}"),
        }
        for file in ["log/stderr", "log/ha-log", "log/ha-debug", "service.log"] {
            tail(&format!("{} {file}", node.name()), &machine.read(file), 60);
        }
    }
}

fn tail(title: &str, text: &str, lines: usize) {
    let all: Vec<&str> = text.lines().collect();
    eprintln!("---- {title} ({} lines)", all.len());
    for line in all.iter().skip(all.len().saturating_sub(lines)) {
        eprintln!("{line}");
    }
}
