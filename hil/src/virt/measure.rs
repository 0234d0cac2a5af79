//! What a case measures: outages as the client felt them, the scripts' own time in the guest, overlap of the address.

use super::eye::Eye;
use super::scene::Scene;
use crate::netns::{Node, Outage, Reply, Sample, Span, Stamp, overlap, union};
use std::time::{Duration, SystemTime};

/// Milliseconds.
const DAY: u128 = 86_400_000;
/// How old the last answer to an eye may be.
const LIMIT: Duration = Duration::from_millis(400);

impl Scene {
    /// The outage after `since` that ended with an answer of `to`, measured by the client.
    #[must_use]
    pub fn outage(&self, since: Stamp, to: Node) -> Option<Outage> {
        let outages = self.rig.network.client.outages(since, Duration::ZERO);
        outages.into_iter().find(|outage| outage.to == to.name() && outage.from != to.name())
    }

    /// Measures the outage of a move to `to` that began at `since`, and what of it was not the scripts' own time in the
    /// guest: that may last `limit` at most.
    ///
    /// # Errors
    /// The service did not move there.
    pub fn take_over(&mut self, since: Stamp, to: Node, limit: Duration) -> Result<(), String> {
        let outage = self.outage(since, to).ok_or_else(|| format!("no move to {} was seen", to.name()))?;
        let length = outage.first_good.since(outage.last_good);
        // The client is answered before the log is written.
        self.until("the start is in the log", Duration::from_secs(10), |s| {
            s.start_scripts(to, since).is_some()
        })?;
        let scripts = self.start_scripts(to, since).unwrap_or_default();
        self.record.figure(&format!("outage, {} to {}", outage.from, outage.to), length, None);
        self.record.figure("of it start scripts in the guest", scripts, None);
        self.record.figure("outage without the scripts", length.saturating_sub(scripts), Some(limit));
        Ok(())
    }

    /// How long the last run of start scripts on a node took that began after `since`, by the stamps of its own log.
    #[must_use]
    pub fn start_scripts(&self, node: Node, since: Stamp) -> Option<Duration> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        // A guest takes its clock at boot, in whole seconds.
        let earliest = now.checked_sub(since.elapsed() + Duration::from_millis(1500))?.as_millis() % DAY;
        start_time(&self.guest(node).read("log/ha-log"), earliest)
    }

    /// For how long since `since` both machines had the service address, as the eyes saw it.
    #[must_use]
    pub fn both_held(&self, since: Stamp) -> Duration {
        let [first, second] = [0, 1].map(|eye| self.rig.network.eyes[eye].spans());
        overlap(&first, &second, Span { from: since, until: Stamp::NEVER })
    }

    /// For how long since `since` neither machine had the service address.
    #[must_use]
    pub fn nobody_held(&self, since: Stamp) -> Duration {
        let all = self.rig.network.eyes.iter().flat_map(Eye::spans).collect();
        let mut last = since;
        let mut nobody = Duration::ZERO;
        for span in union(all) {
            nobody += span.from.since(last);
            last = last.max(span.until);
        }
        // After the last answer there may be one under way.
        let tail = last.elapsed();
        if tail > LIMIT { nobody + tail } else { nobody }
    }

    /// The longest stretch since `since` in which no machine answered an eye: finer than [`Scene::nobody_held`], but a
    /// machine that is busy is silent too.
    #[must_use]
    pub fn longest_silence(&self, since: Stamp) -> Duration {
        let eyes = &self.rig.network.eyes;
        let mut answers: Vec<_> = eyes.iter().flat_map(|eye| eye.answers(since)).collect();
        answers.sort_unstable();
        let (mut last, mut longest) = (since, Duration::ZERO);
        for (sent, came) in answers {
            longest = longest.max(sent.since(last));
            last = last.max(came);
        }
        longest.max(last.elapsed())
    }

    /// Requests of the client that began after `since` and got no answer.
    #[must_use]
    pub fn failed_requests(&self, since: Stamp) -> Vec<Sample> {
        let failed = |sample: &Sample| sample.sent >= since && !matches!(sample.reply, Reply::Good(_));
        self.rig.network.client.samples().into_iter().filter(failed).collect()
    }

    /// Checks that since `since` only `node` has answered, and that nobody else had the service address.
    pub fn stayed(&mut self, node: Node, since: Stamp) {
        let client = &self.rig.network.client;
        let others = client.good(since).into_iter().filter(|(_, who)| who != node.name()).count();
        let pause = client.longest_outage(since);
        self.record.check("only it answered", others == 0, &format!("{others} answers of another"));
        self.record.figure("longest pause between two answers", pause, None);
        self.stayed_held(node, since);
    }

    /// Checks that since `since` only `node` had the service address, and nobody claimed it.
    pub fn stayed_held(&mut self, node: Node, since: Stamp) {
        let other = &self.rig.network.eyes[node.other().index()];
        let seen = other.spans().into_iter().filter(|span| span.until > since).count();
        let detail = format!("seen on {}: {seen} times", node.other().name());
        self.record.check(&format!("the service stayed on {}", node.name()), seen == 0, &detail);
    }

    /// Waits until both machines have the service address.
    ///
    /// # Errors
    /// It does not come to that in time.
    pub fn both_hold(&mut self, limit: Duration) -> Result<Stamp, String> {
        self.until("both have the service address", limit, |s| s.rig.network.eyes.iter().all(Eye::sees))
    }

    /// Waits until exactly one machine has the service address, and both daemons say so: an eye alone may miss a machine
    /// that is busy.
    ///
    /// # Errors
    /// It does not come to that in time.
    pub fn one_holds(&mut self, limit: Duration) -> Result<Stamp, String> {
        self.until("one has the service address, and the other's group is idle", limit, |s| {
            let sees = Node::BOTH.map(|node| s.rig.network.eyes[node.index()].sees());
            let says = |node: Node, state: &str| s.status(node).is_some_and(|status| status.group() == state);
            match sees {
                [true, false] => says(Node::Ha1, "held") && says(Node::Ha2, "idle"),
                [false, true] => says(Node::Ha2, "held") && says(Node::Ha1, "idle"),
                _ => false,
            }
        })
    }

    /// Checks that at no instant since `since` both machines had the service address.
    pub fn never_both(&mut self, since: Stamp) {
        let both = self.both_held(since);
        self.record.figure("both had the service address", both, Some(Duration::ZERO));
    }
}

/// From the claim of a group to the end of its last start script, in a log of `hbd`: the last such pair that began
/// after `earliest`, a time of day in milliseconds, and not half a day later.
fn start_time(log: &str, earliest: u128) -> Option<Duration> {
    let mut begin = None;
    let mut length = None;
    for line in log.lines() {
        if line.contains("Acquiring resource group: ") {
            begin = stamp(line).filter(|begin| (begin.as_millis() + DAY - earliest) % DAY < DAY / 2);
            length = None;
        } else if line.contains("Resource acquisition completed: ") {
            length = begin.take().and_then(|begin| stamp(line)?.checked_sub(begin));
        }
    }
    length
}

/// The time of day in a line such as `heartbeat: 2026/11/23_22:13:05.123 info: ...`.
fn stamp(line: &str) -> Option<Duration> {
    let (_, time) = line.split_whitespace().nth(1)?.split_once('_')?;
    let (clock, ms) = time.split_once('.')?;
    let mut seconds = 0;
    for part in clock.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(seconds) + Duration::from_millis(ms.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_are_timed_by_the_log() {
        let log = "heartbeat: 2026/11/24_03:12:13.527 info: Acquiring resource group: 192.168.2.50 (epoch 3): why\n\
                   heartbeat: 2026/11/24_03:12:13.683 info: Resource acquisition completed: 192.168.2.50 (epoch 3)\n\
                   heartbeat: 2026/11/24_03:12:20.000 info: something else\n";
        let at = |hour: u128, minute: u128| (hour * 60 + minute) * 60_000;
        assert_eq!(start_time(log, at(3, 12)), Some(Duration::from_millis(156)));
        assert_eq!(start_time(log, at(23, 0)), Some(Duration::from_millis(156)));
        assert_eq!(start_time(log, at(3, 13)), None);
        assert_eq!(start_time("nothing of the kind", 0), None);
    }
}
