//! Which (state, event) pairs were met over many runs, and the closed list of those that cannot be.

use hb_core::coverage::{Coverage, MACHINES};

/// Pairs that cannot occur: machine, state, event, and why. To meet one of them is a failure too.
const UNREACHABLE: &[(&str, &str, &str, &str)] = &[
    ("group", "Unknown|Starting|Held|Stopping|Stuck", "Claim", "only an idle or a failed group is claimed"),
    (
        "group",
        "Idle|Starting|Held|Stopping|Failed|Stuck",
        "Clean",
        "only a group in its clean-up reports its end",
    ),
    (
        "group",
        "Unknown|Idle|Held|Stopping|Failed|Stuck",
        "Started",
        "only a starting group has a start to report",
    ),
    (
        "group",
        "Unknown|Idle|Held|Stopping|Failed|Stuck",
        "StartFailed",
        "only a starting group has a start to report",
    ),
    ("group", "Unknown|Idle|Starting|Stopping|Failed|Stuck", "Restart", "only a held group is monitored"),
    ("group", "Unknown|Idle|Stopping|Failed|Stuck", "Release", "only a starting or a held group is released"),
    (
        "group",
        "Unknown|Idle|Starting|Held|Failed|Stuck",
        "Stopped",
        "only a stopping group has a stop to report",
    ),
    (
        "group",
        "Unknown|Idle|Starting|Held|Failed|Stuck",
        "StoppedForGood",
        "only a stopping group has a stop to report",
    ),
    ("group", "Idle|Held|Failed|Stuck", "StopFailed", "no stop runs in this state"),
    ("peer", "Unknown|Late|Dead", "Late", "warntime is judged of a peer that is up"),
    (
        "right",
        "Up Failed",
        "Unmet",
        "a start fails after a claim, and none is made before the peer was met or given up",
    ),
    ("sequence", "Check|Verify|Look|Confirm", "Ok", "status answers that it runs or not, or that it failed"),
    (
        "sequence",
        "Stop|Start",
        "Running|Partly|Unclear|Stopped",
        "start and stop answer with their exit code",
    ),
    ("sequence", "Look", "Running", "everything was proven stopped before; nobody else starts it"),
    ("sequence", "Done", "*", "a finished sequence has no call under way"),
    (
        "release",
        "Unknown|Idle|Held|Stopping|Failed|Stuck",
        "gate persist|gate fence|gate ask",
        "the gate is the starting group's",
    ),
    ("copy", "Rest|Pulling|Last|Ending|Writing|Written|Live", "Read", "a stamp is read once in a life"),
    (
        "copy",
        "Unread|Pulling|Last|Ending|Writing|Written|Live",
        "Due|Fetch|Sign",
        "only a copy at rest is pulled or signed",
    ),
    ("copy", "Last", "Over", "a claim that is given up ends its pull first"),
    ("copy", "Unread|Rest|Ending|Writing|Written|Live", "Halt", "only a running pull is ended"),
    ("copy", "Unread|Rest|Writing|Written|Live", "Whole|Cut", "no pull runs"),
    ("copy", "Unread|Rest|Pulling|Last|Ending|Written|Live", "Signed|Unsigned", "no stamp is being written"),
    (
        "copy",
        "Unread|Rest|Pulling|Last|Ending|Writing",
        "Held",
        "no start script runs before the stamp is written",
    ),
    ("release", "Unknown|Idle|Held|Stopping|Failed|Stuck", "gate data", "the gate is the starting group's"),
];

/// Pairs that can occur and need not within a campaign: machine, state, event, and where they are tried instead. Meeting one
/// is no failure; a fault behind one is seen by what is named, not by the campaign.
const ELSEWHERE: &[(&str, &str, &str, &str)] = &[
    (
        "peer",
        "Dead",
        "Silent",
        "a Heartbeat falls silent on the machine of a dead hbd: tests/failover/foreign.rs",
    ),
    (
        "fence",
        "Armed",
        "Succeeded",
        "an earlier fence ends late, one seed in very many: the fence's own table test",
    ),
    (
        "fence",
        "Unneeded|Armed|Done",
        "GaveUp",
        "an earlier fence that is not waited for ends late, one seed in very many: the fence's own table test",
    ),
    (
        "fence",
        "Forgone",
        "Needed|Succeeded|Failed|Vouched|GaveUp",
        "a fence answers once, and operators are rare: the fence's own table test",
    ),
    (
        "right",
        "Joining",
        "Gone stuck|Gone isolated",
        "a peer that dies stuck, or with the network, while this node still cleans: right's own table test",
    ),
    ("right", "Up Idle", "Unmet", "a peer that is met no more and not given up: right's own table test"),
    (
        "right",
        "*",
        "Older",
        "no simulated node is of an earlier version but with the feature next-wire: tests/failover/newer.rs",
    ),
    (
        "right",
        "*",
        "Older",
        "both nodes are of one version here: `cargo xtask sim-mixed`, tests/failover/older.rs",
    ),
    ("right", "*", "Newer", "no simulated node is of a later version: tests/failover/newer.rs"),
];

fn pairs() -> impl Iterator<Item = (usize, usize, usize)> {
    MACHINES.iter().enumerate().flat_map(|(at, m)| {
        (0..m.states.len()).flat_map(move |state| (0..m.events.len()).map(move |event| (at, state, event)))
    })
}

/// Does an entry of the list, with `*` for any and `|` between names, mean this pair?
fn named(
    list: &'static [(&str, &str, &str, &str)],
    (machine, state, event): (usize, usize, usize),
) -> Option<&'static str> {
    let m = &MACHINES[machine];
    let is = |pattern: &str, name: &str| pattern == "*" || pattern.split('|').any(|one| one == name);
    let entry = list
        .iter()
        .find(|(name, s, e, _)| *name == m.name && is(s, m.states[state]) && is(e, m.events[event]));
    entry.map(|(.., why)| *why)
}

fn unreachable(pair: (usize, usize, usize)) -> Option<&'static str> {
    named(UNREACHABLE, pair)
}

/// What is wrong: reachable pairs that were never met, and unreachable ones that were.
#[must_use]
pub fn faults(coverage: &Coverage) -> Vec<String> {
    let mut wrong = Vec::new();
    for (machine, state, event) in pairs() {
        let m = &MACHINES[machine];
        let (met, why) = (coverage.met(machine, state, event), unreachable((machine, state, event)));
        let pair = format!("{}: ({}, {})", m.name, m.states[state], m.events[event]);
        match (met, why) {
            (true, Some(why)) => wrong.push(format!("{pair} was met, though {why}")),
            (false, None) if named(ELSEWHERE, (machine, state, event)).is_some() => {}
            (false, None) => wrong.push(format!("{pair} was never met")),
            (true, None) | (false, Some(_)) => {}
        }
    }
    wrong
}

/// Pairs met, and pairs that can be.
#[must_use]
pub fn count(coverage: &Coverage) -> (usize, usize) {
    let reachable =
        || pairs().filter(|pair| unreachable(*pair).is_none() && named(ELSEWHERE, *pair).is_none());
    (reachable().filter(|(m, s, e)| coverage.met(*m, *s, *e)).count(), reachable().count())
}

/// One letter per pair.
#[must_use]
pub fn to_text(coverage: &Coverage) -> String {
    pairs().map(|(m, s, e)| if coverage.met(m, s, e) { '1' } else { '0' }).collect()
}

/// The reverse; `None` when it is of another version.
#[must_use]
pub fn from_text(text: &str) -> Option<Coverage> {
    let mut coverage = Coverage::default();
    let mut letters = text.chars();
    for (machine, state, event) in pairs() {
        if letters.next()? == '1' {
            coverage.mark(machine, state, event);
        }
    }
    letters.next().is_none().then_some(coverage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_every_pair() {
        let mut coverage = Coverage::default();
        coverage.mark(0, 1, 2);
        coverage.mark(8, 3, 1);
        assert_eq!(from_text(&to_text(&coverage)), Some(coverage));
        assert_eq!(from_text("01"), None);
    }

    #[test]
    fn every_entry_of_the_list_names_a_pair_and_has_a_reason() {
        for (machine, state, event, why) in UNREACHABLE.iter().chain(ELSEWHERE) {
            let m = MACHINES.iter().find(|m| m.name == *machine);
            let m = m.unwrap_or_else(|| panic!("no machine {machine}"));
            for state in state.split('|') {
                assert!(state == "*" || m.states.contains(&state), "{machine}: no state {state}");
            }
            for event in event.split('|') {
                assert!(event == "*" || m.events.contains(&event), "{machine}: no event {event}");
            }
            assert!(!why.is_empty());
        }
    }
}
