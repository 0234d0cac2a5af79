//! What every benchmark does with the rig: bring it up, wait until all is well, cut the power of the holder.

use super::debuglog::Mark;
use super::row::ms;
use crate::netns::{Builder, Node, Rig, Stamp, Times};
use std::thread;
use std::time::Duration;

/// How long anything may take to settle.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
/// After this much more, every connection that the client has begun has ended.
const LATE_REPLIES: Duration = Duration::from_millis(350);
/// A stretch without a good answer up to this long is the client's own rhythm: it asks each 10 ms.
pub(super) const RESOLUTION: Duration = Duration::from_millis(40);

/// Keepalive and deadtime, in milliseconds, with the rest derived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Milliseconds between two heartbeats.
    pub(super) keepalive: u64,
    /// Milliseconds of silence after which a peer is dead.
    pub(super) deadtime: u64,
}

/// The setting of most rows of the table.
pub(super) const USUAL: Pace = Pace { keepalive: 100, deadtime: 500 };

impl Pace {
    /// As `ha.cf` has it.
    #[must_use]
    pub(super) fn times(self) -> Times {
        let warn = self.deadtime.saturating_sub(self.keepalive).max(self.keepalive + 1);
        let text = |ms: u64| format!("{ms}ms");
        Times::new(&text(self.keepalive), &text(warn), &text(self.deadtime), "3")
    }
}

/// A rig whose group stays where it is (`nice_failback on`), so that each loss can be measured from where the last one
/// left it. No other rig runs meanwhile.
///
/// # Errors
/// Not root.
pub(super) fn rig(name: &str, pace: Pace) -> Result<Rig, String> {
    build(Builder::new(name).times(pace.times()).edit(|files| files.with("nice_failback", "on")))
}

/// Builds a rig that has the machine for itself.
///
/// # Errors
/// Not root.
pub(super) fn build(builder: Builder) -> Result<Rig, String> {
    builder.alone().build().ok_or_else(|| "network namespaces need root".to_owned())
}

/// Starts both daemons and waits until `ha-1` serves.
pub(super) fn start(rig: &Rig) {
    rig.start_both();
    rig.wait_settled(Node::Ha1, PATIENCE);
}

/// True once `node` holds, the other is idle, both see each other up and the client is answered there.
#[must_use]
pub(super) fn settles(rig: &Rig, node: Node, limit: Duration) -> bool {
    let begin = Stamp::now();
    while begin.elapsed() < limit {
        if let (Some(own), Some(other)) = (rig.status(node), rig.status(node.other())) {
            let states = [own.group(), own.peer(), other.group(), other.peer()];
            if states == ["held", "up", "idle", "up"]
                && rig.client().answered_by().as_deref() == Some(node.name())
            {
                return true;
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Who serves the client.
///
/// # Errors
/// Nobody does.
pub(super) fn server(rig: &Rig) -> Result<Node, String> {
    let name = rig.client().answered_by().ok_or("nobody serves")?;
    Node::BOTH.into_iter().find(|n| n.name() == name).ok_or_else(|| format!("{name} answers"))
}

/// Waits until the other node than `lost` serves; the milliseconds that the client went without since `at`.
pub(super) fn gap(rig: &Rig, lost: Node, at: Stamp) -> f64 {
    rig.wait_answer(lost.other(), PATIENCE);
    thread::sleep(LATE_REPLIES);
    ms(rig.client().longest_outage(at))
}

/// One loss of power of the holder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// The client's last good answer to its first good one.
    pub(super) outage: f64,
    /// Of these milliseconds, what the scripts took.
    pub(super) scripts: f64,
}

/// Cuts the holder's links, then kills all of it; waits until the other serves; brings the lost node back and waits until
/// all is well. `number` shifts the moment within the heartbeat's rhythm.
pub(super) fn lose(rig: &Rig, holder: Node, pace: Pace, number: u64) -> Loss {
    thread::sleep(Duration::from_millis(number * 37 % pace.keepalive.max(1)));
    let mark = Mark::new(rig);
    let at = rig.power_off(holder);
    let outage = gap(rig, holder, at);
    let scripts = ms(mark.time(rig, holder.other(), &["start", "status"]));
    rig.power_on(holder);
    rig.start(holder);
    rig.wait_settled(holder.other(), PATIENCE);
    Loss { outage, scripts }
}

/// `count` losses, the holder each time the one that took over before.
pub(super) fn losses(rig: &Rig, pace: Pace, count: u64) -> Vec<Loss> {
    let mut holder = Node::Ha1;
    (0..count)
        .map(|number| {
            let loss = lose(rig, holder, pace, number);
            holder = holder.other();
            loss
        })
        .collect()
}

/// The stretches without service since `since` that are longer than the client's rhythm: their sum in milliseconds.
#[must_use]
pub(super) fn without_service(rig: &Rig, since: Stamp) -> f64 {
    let outages = rig.client().without_service(since, RESOLUTION);
    for o in &outages {
        let (at, length) = (ms(o.last_good.since(since)), ms(o.length()));
        println!("    no answer at +{at:.0} ms for {length:.0} ms: {} to {}", o.from, o.to);
    }
    outages.iter().map(|o| ms(o.length())).sum()
}
