//! Asking and waiting: what the nodes, the client and the watchers of a rig say.

use super::Rig;
use crate::netns::clock::Stamp;
use crate::netns::holding::{self, Span};
use crate::netns::machine::Output;
use crate::netns::node::Node;
use crate::netns::status::Status;
use std::thread;
use std::time::Duration;

impl Rig {
    /// Runs `hbd` with these arguments on a node.
    ///
    /// # Panics
    /// If it does not end within 30 s.
    pub fn hbd(&self, node: Node, arguments: &[&str]) -> Output {
        let machine = self.machine(node);
        let output = machine.run(&mut machine.hbd(arguments), Duration::from_secs(30));
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", node.name()));
        let said = format!("{}{}", output.stdout, output.stderr);
        self.note(format!("{}: hbd {}: {:?} {}", node.name(), arguments.join(" "), output.code, said.trim()));
        output
    }

    /// `hbd status --json`; `None` while nothing answers.
    #[must_use]
    pub fn status(&self, node: Node) -> Option<Status> {
        let machine = self.machine(node);
        let output = machine.run(&mut machine.hbd(&["status", "--json"]), Duration::from_secs(5)).ok()?;
        if output.code == Some(0) { Status::parse(&output.stdout) } else { None }
    }

    /// The state of the seed's group on a node, `-` while its daemon does not answer.
    #[must_use]
    pub fn group(&self, node: Node) -> String {
        self.status(node).map_or_else(|| "-".to_owned(), |status| status.group().to_owned())
    }

    /// Waits until `condition` holds, at most `limit`, looking every 20 ms. Says when it held.
    ///
    /// # Panics
    /// If it does not hold in time.
    pub fn wait(&self, what: &str, limit: Duration, condition: impl FnMut() -> bool) -> Stamp {
        self.within(what, limit, condition).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
    }

    /// As [`Rig::wait`], where it is no failure of the test that it does not hold in time.
    pub fn within(&self, what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Option<Stamp> {
        let begin = self.note(format!("waiting until {what}"));
        loop {
            let at = Stamp::now();
            if condition() {
                self.note(format!("{what}: yes, after {:.3} s", at.since(begin).as_secs_f64()));
                return Some(at);
            }
            if begin.elapsed() >= limit {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the group shows `state` on `node`.
    pub fn wait_group(&self, node: Node, state: &str, limit: Duration) -> Stamp {
        self.wait(&format!("the group is {state} on {}", node.name()), limit, || self.group(node) == state)
    }

    /// Waits until the peer of `node` shows `state` there.
    pub fn wait_peer(&self, node: Node, state: &str, limit: Duration) -> Stamp {
        self.wait(&format!("{} sees its peer {state}", node.name()), limit, || {
            self.status(node).is_some_and(|status| status.peer() == state)
        })
    }

    /// Waits until the client is answered by `node`.
    pub fn wait_answer(&self, node: Node, limit: Duration) -> Stamp {
        self.wait(&format!("the client is answered by {}", node.name()), limit, || {
            self.client.answered_by().as_deref() == Some(node.name())
        })
    }

    /// Waits until all is well with `node` as the holder: it holds, the other is idle, each sees the other up, and the
    /// client gets its answers there.
    pub fn wait_settled(&self, node: Node, limit: Duration) -> Stamp {
        self.wait(&format!("{} serves and both nodes are up", node.name()), limit, || {
            let (Some(own), Some(other)) = (self.status(node), self.status(node.other())) else {
                return false;
            };
            own.group() == "held"
                && other.group() == "idle"
                && [own.peer(), other.peer(), own.phase(), other.phase()] == ["up"; 4]
                // What this one knows of the other: until then it is refused as a receiver.
                && own.peer_phase() == "up"
                && self.client.answered_by().as_deref() == Some(node.name())
        })
    }

    /// Watch that `condition` holds all the time for `time`, looking every 20 ms.
    ///
    /// # Panics
    /// At the first moment at which it does not hold.
    pub fn stays(&self, what: &str, time: Duration, mut condition: impl FnMut() -> bool) {
        let begin = self.note(format!("for {time:?} it must stay so that {what}"));
        while begin.elapsed() < time {
            assert!(condition(), "no longer after {:.3} s: {what}", begin.elapsed().as_secs_f64());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// When the node physically had any part of the service: the address, or the running server.
    #[must_use]
    pub fn holding(&self, node: Node) -> Vec<Span> {
        let mut spans = self.address_spans(node);
        spans.extend(self.service_spans(node));
        holding::union(spans)
    }

    /// When the node had the service address.
    #[must_use]
    pub fn address_spans(&self, node: Node) -> Vec<Span> {
        holding::spans(&self.watches[node.index()].events(), &self.losses(node))
    }

    /// When the node's mail server ran.
    #[must_use]
    pub fn service_spans(&self, node: Node) -> Vec<Span> {
        let log = self.machine(node).read("service.log");
        let mut events: Vec<(Stamp, bool)> = holding::stamps(&log, "up").map(|at| (at, true)).collect();
        events.extend(holding::stamps(&log, "down").map(|at| (at, false)));
        events.sort_by_key(|&(at, _)| at);
        holding::spans(&events, &self.losses(node))
    }

    fn losses(&self, node: Node) -> Vec<Stamp> {
        self.machine(node).off_times().into_iter().map(|(from, _)| from).collect()
    }

    /// For how long since `since` both nodes physically had a part of the service at the same time, at the least: see
    /// [`Self::blind`] for what that may miss.
    #[must_use]
    pub fn overlap(&self, since: Stamp) -> Duration {
        let window = Span { from: since, until: Stamp::NEVER };
        holding::overlap(&self.holding(Node::Ha1), &self.holding(Node::Ha2), window)
    }

    /// The longest time since `since` in which nobody looked for addresses on a machine, beyond the ten milliseconds that
    /// are usual: an overlap that is shorter than that may have been missed.
    #[must_use]
    pub fn blind(&self, since: Stamp) -> Duration {
        let spans = self.watches.iter().flat_map(|watch| watch.blind());
        spans
            .filter(|span| span.until > since)
            .map(|span| span.until.since(span.from))
            .max()
            .unwrap_or_default()
    }

    /// Prints what a failed scenario prints.
    pub fn tell(&self) {
        crate::netns::failure::print(self);
    }

    /// How often the init script was called with `verb` on a node since `since`.
    #[must_use]
    pub fn calls(&self, node: Node, verb: &str, since: Stamp) -> usize {
        let log = self.machine(node).read("service.log");
        let wanted = format!(" begin {verb} ");
        let calls = log.lines().filter(|line| line.contains(&wanted));
        calls
            .filter(|line| {
                line.split(' ').next().and_then(|at| at.parse().ok()).is_some_and(|at| Stamp(at) >= since)
            })
            .count()
    }

    /// Both logs of a node in one: `ha-log` is what operators read.
    #[must_use]
    pub fn log(&self, node: Node) -> String {
        self.machine(node).read("log/ha-log")
    }
}
