//! What is told of a pair, with the words and the rules.

use super::foresee::tests::{config, pair};
use super::*;
use crate::log::names::GroupNames;
use hb_core::Side;

fn names(own: &str, peer: &str) -> Names {
    Names {
        own: own.to_owned(),
        peer: peer.to_owned(),
        links: ["eth1".to_owned()].into(),
        media: ["bcast"].into(),
        groups: [GroupNames {
            name: "web".to_owned(),
            preferred: "ha-1".to_owned(),
            resources: ["web".to_owned(), "db".to_owned()].into(),
            hashes: [7, 8].into(),
        }]
        .into(),
        pings: [].into(),
        addresses: [].into(),
    }
}

fn told(future: &Future, side: Side, addresses: u32, why: Option<(Cause, GroupState)>) -> Vec<String> {
    let (own, peer) = if side == Side::Even { ("ha-1", "ha-2") } else { ("ha-2", "ha-1") };
    let (names, outages) = (names(own, peer), Outages::new());
    let config = config(side, addresses);
    let present = Present {
        now: future.now,
        node: &future.node,
        names: &names,
        outages: &outages,
        config: &config,
        why: core::array::from_fn(|_| why),
    };
    let mut lines = Vec::new();
    present.tell(None, &mut |line| lines.push(line.to_owned()));
    lines
}

#[test]
fn the_holder_and_its_peer_say_what_would_happen() {
    let [a, b] = pair(0);
    let lines = told(&a, Side::Even, 0, Some((Cause::Right, GroupState::Starting)));
    let all = lines.join("\n");
    assert_eq!(lines[0], "web runs here, on ha-1: the right to run it is this node's (O3)", "{all}");
    assert!(
        all.contains("\n  if ha-2 died now: nothing moves, it goes on here (O2); outage 0.00 s"),
        "{all}"
    );
    assert!(all.contains("\n  if eth1 were cut: it is the last link"), "{all}");
    assert!(
        all.contains("\n  if you said hbd standby: it stops, then starts on ha-2 (O4); outage about 0.0"),
        "{all}"
    );
    let lines = told(&b, Side::Odd, 0, None);
    let all = lines.join("\n");
    assert!(lines[0].starts_with("web runs on ha-1: "), "{all}");
    assert!(all.contains("\n  if ha-1 died now: ha-2 takes it over (O2); outage about 0.9"), "{all}");
    assert!(all.contains("and its start scripts, which have not run here yet"), "{all}");
    // It cannot ask for an address that there is not, and so both would serve.
    assert!(all.contains("; BOTH would run it until a link is back"), "{all}");
    assert!(all.contains("\n  if you said hbd takeover: it stops, then starts on ha-2 (O4)"), "{all}");
}
