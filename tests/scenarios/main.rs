//! Two real daemons on two machines, from the seed's own files, with a client that watches: one story per test.
//!
//! Every story builds its own rig ([`hb_hil::netns`]) and needs root; without it, it prints `SKIPPED` and passes. At
//! most two a processor run at a time, whatever the number of test threads.

mod addresses;
mod ask;
mod bridge;
mod commands;
mod daemon;
mod data;
mod disk;
mod fence;
mod foreign;
mod guard;
mod hooks;
mod hostile;
mod install;
mod keys;
mod links;
mod mail;
mod media;
mod page;
mod power;
mod scripts;
mod start;
mod twins;
mod versions;

use hb_hil::netns::{Builder, Node, Rig, Stamp};
use std::time::Duration;

/// Ample time for something that takes a second or two on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The quick deadtime of a rig that says nothing else.
pub(crate) const DEADTIME: Duration = Duration::from_secs(1);
/// Long enough for anything that would go wrong at that deadtime to have gone wrong.
pub(crate) const A_WHILE: Duration = Duration::from_secs(4);

/// Both daemons started, and all is well with ha-1 as the holder.
pub(crate) fn settled(builder: Builder) -> Option<Rig> {
    let rig = builder.build()?;
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    for node in Node::BOTH {
        // However slowly a daemon starts, its helper mends nothing that is not there yet.
        assert!(!rig.log(node).contains("somebody emptied"), "{}", rig.log(node));
    }
    Some(rig)
}

/// `node` loses its power, the other one serves, `node` boots and its daemon starts. Says when the power went.
pub(crate) fn lost_and_back(rig: &Rig, node: Node) -> Stamp {
    let lost = rig.power_off(node);
    rig.wait_answer(node.other(), SOON);
    rig.power_on(node);
    rig.start(node);
    lost
}

/// Nothing moves for `time`: the holder holds at the same epoch, the other is idle, both daemons are the same ones,
/// and the client never misses more than a few answers.
pub(crate) fn nothing_moves(rig: &Rig, holder: Node, time: Duration) {
    let since = rig.note(format!("nothing may move off {}", holder.name()));
    let epoch = rig.status(holder).expect("the holder's daemon answers").epoch();
    let daemons = Node::BOTH.map(|node| rig.machine(node).daemon_pid());
    rig.stays(&format!("{} holds and the other is idle", holder.name()), time, || {
        let own = rig.status(holder).expect("the holder's daemon answers");
        own.group() == "held" && own.epoch() == epoch && rig.group(holder.other()) == "idle"
    });
    assert_eq!(Node::BOTH.map(|node| rig.machine(node).daemon_pid()), daemons, "a daemon was replaced");
    assert_eq!(rig.overlap(since), Duration::ZERO, "both nodes had a part of the service");
    seen(rig, since);
    unbroken(rig, since, Duration::from_millis(250));
}

/// Somebody looked for addresses all the time since `since`: "never both" means something.
pub(crate) fn seen(rig: &Rig, since: Stamp) {
    let blind = rig.blind(since);
    assert!(blind < Duration::from_millis(500), "nobody looked for addresses for {blind:?}");
}

/// The client was never without an answer for `limit` since `since`.
pub(crate) fn unbroken(rig: &Rig, since: Stamp, limit: Duration) {
    let outages = rig.client().without_service(since, limit);
    assert!(outages.is_empty(), "the client was without an answer for over {limit:?}: {outages:?}");
}

/// Never both: not for a moment since the rig was built.
pub(crate) fn never_both(rig: &Rig) {
    let (first, second) = (rig.holding(Node::Ha1), rig.holding(Node::Ha2));
    let overlap = rig.overlap(rig.born());
    assert_eq!(overlap, Duration::ZERO, "both nodes had a part of the service: {first:?} {second:?}");
    seen(rig, rig.born());
}
