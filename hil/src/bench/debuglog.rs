//! The scripts' own time, read from the daemon's debug log (`script NAME VERB ends after N us: OUTCOME`).

use crate::netns::{Node, Rig};
use std::time::Duration;

/// A place in the logs of both nodes: what is written after it belongs to the measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    debug: [usize; 2],
    log: [usize; 2],
}

/// What a script took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// `start`, `stop`, `status`.
    pub(super) verb: String,
    /// From fork to its end.
    pub(super) took: Duration,
}

impl Mark {
    /// Here.
    #[must_use]
    pub(super) fn new(rig: &Rig) -> Self {
        let length = |node: Node, file: &str| rig.machine(node).read(file).len();
        Self {
            debug: Node::BOTH.map(|node| length(node, "log/ha-debug")),
            log: Node::BOTH.map(|node| length(node, "log/ha-log")),
        }
    }

    /// What the debug log of a node got since.
    #[must_use]
    pub(super) fn debug(&self, rig: &Rig, node: Node) -> String {
        let text = rig.machine(node).read("log/ha-debug");
        text.get(self.debug[node.index()]..).unwrap_or_default().to_owned()
    }

    /// The scripts that ended on a node since.
    #[must_use]
    pub(super) fn calls(&self, rig: &Rig, node: Node) -> Vec<Call> {
        self.debug(rig, node).lines().filter_map(call).collect()
    }

    /// The sum of the calls with one of these verbs on a node since.
    #[must_use]
    pub(super) fn time(&self, rig: &Rig, node: Node, verbs: &[&str]) -> Duration {
        self.calls(rig, node).iter().filter(|c| verbs.contains(&c.verb.as_str())).map(|c| c.took).sum()
    }

    /// What the operators' log of a node got since.
    #[must_use]
    pub(super) fn log(&self, rig: &Rig, node: Node) -> String {
        rig.machine(node).read("log/ha-log").get(self.log[node.index()]..).unwrap_or_default().to_owned()
    }

    /// Bytes that both logs of a node grew by.
    #[must_use]
    pub(super) fn growth(&self, rig: &Rig, node: Node) -> usize {
        let now = Self::new(rig);
        let i = node.index();
        (now.debug[i] + now.log[i]).saturating_sub(self.debug[i] + self.log[i])
    }
}

/// Reads one line; `None` for any other.
fn call(line: &str) -> Option<Call> {
    let (head, tail) = line.split_once(" ends after ")?;
    let (number, _) = tail.split_once(" us")?;
    let mut words = head.split_whitespace().rev();
    let verb = words.next()?.to_owned();
    head.contains("script ").then_some(())?;
    Some(Call { verb, took: Duration::from_micros(number.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_script_is_read() {
        let line =
            "heartbeat: 2026/11/23_23:00:00 debug: script IPaddr::192.168.2.50 start ends after 31250 us: ok";
        assert_eq!(call(line), Some(Call { verb: "start".to_owned(), took: Duration::from_micros(31_250) }));
        assert_eq!(call("script jdmail start begins"), None);
        assert_eq!(call("the world ends after 5 us: well"), None);
    }
}
