//! Why something waits, moves, or is refused, in words for operators.

use super::{Names, Text};
use hb_core::message::{GroupState, Reason};
use hb_core::{BadFrame, Culprit, GroupId, GroupStatus, Outcome, Refusal, Stale, Verb, Wait};

/// Why a move is wanted, in words.
#[must_use]
pub const fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Failback => "the preferred node takes its group back",
        Reason::Ping => "this side reaches more ping nodes",
        Reason::Failed => "a start failed, or a resource keeps failing, on the other node",
        Reason::Operator => "asked for by an operator",
    }
}

/// What the claim of a group waits for, in words.
pub fn wait_words<const N: usize>(names: &Names, id: GroupId, wait: Wait, out: &mut Text<N>) {
    let group = names.group(id);
    let peer = names.peer.as_str();
    match wait {
        Wait::Peer => out.put(format_args!("node {peer} was not met yet and initdead has not passed")),
        Wait::PeerRight => out.put(format_args!("the right to run it is node {peer}'s")),
        Wait::PeerRuns => out.put(format_args!("node {peer} may still run it")),
        Wait::PeerStuck => out.put(format_args!(
            "a stop failed on node {peer} and nothing proves it off; once it is: hbd confirm-down {peer}"
        )),
        Wait::PeerNewer => out.put(format_args!("node {peer} runs a newer hbd, runs nothing, and decides; to run it here: hbd takeover {group}")),
        Wait::PeerForeign => out.put(format_args!("node {peer} runs Linux-HA Heartbeat")),
        Wait::Fence => out.put(format_args!("the fence of node {peer} has not succeeded yet")),
        Wait::Isolated => out.put(format_args!(
            "this node takes itself for the isolated one; if {peer} is off: hbd confirm-down {peer}"
        )),
        Wait::OneWay => out.put(format_args!(
            "one-way link or replay: an address probe runs or was answered; if {peer} is off: hbd confirm-down {peer}"
        )),
        Wait::Answered => out.put(format_args!(
            "another machine still answers for its address, although node {peer} is silent; if {peer} is off: hbd confirm-down {peer}"
        )),
        Wait::Asking => {
            out.put(format_args!("it is being asked whether another machine answers for its address"));
        }
        Wait::CannotAsk => out.put(format_args!(
            "whether another machine answers for its address cannot be asked: the interface is down or without a carrier, or its network is silent; waited for up to initdead; if {peer} is off: hbd confirm-down {peer}"
        )),
        Wait::Scripts => out.put(format_args!("a script of it is missing or cannot be run here")),
        Wait::Retry => out.put(format_args!("starts failed on both nodes; the next try comes after a pause")),
        Wait::Failed => out.put(format_args!("a start failed here; when it is mended: hbd clear {group}")),
        Wait::ConfigDiffers => out.put(format_args!("haresources differs between the nodes; make both files the same (the log names the lines)")),
        Wait::WatchdogPending => out.put(format_args!("another process holds the watchdog, perhaps one of an earlier life that may still fire; status names it")),
        Wait::Twin => out.put(format_args!(
            "another machine calls itself {}: stop hbd on the wrong one, and give it a name of its own",
            names.own
        )),
        Wait::PeerTwins => out.put(format_args!(
            "two machines call themselves {peer}: stop hbd on the wrong one, and give it a name of its own"
        )),
        Wait::Leaving => out.put(format_args!("this node leaves")),
        Wait::StaleCopy(why @ (Stale::Missing | Stale::Unread)) => out.put(format_args!(
            "its data here cannot be used ({}): mount the disk; if it is the right one all the same, with the daemon stopped: hbd data init {group}",
            stale_words(why)
        )),
        Wait::StaleCopy(why) => out.put(format_args!(
            "its data here is stale ({}): node {peer} may bring the newer copy; to run it all the same: hbd takeover {group}",
            stale_words(why)
        )),
        Wait::PullEnds => out.put(format_args!("a pull of its data has to end first")),
        Wait::LastPull => out.put(format_args!("its data is pulled from node {peer} a last time")),
    }
}

/// The script call that a group fails of: script, verb, how it ended, and the last line that it printed.
pub fn culprit_words<const N: usize>(
    names: &Names,
    group: GroupId,
    culprit: Culprit,
    last: &str,
    out: &mut Text<N>,
) {
    let Culprit { resource, verb, outcome } = culprit;
    out.put(format_args!("{} {}: ", names.resource(group, resource), verb.as_str()));
    outcome_words(verb, outcome, out);
    if !last.is_empty() {
        out.put(format_args!(", its last line: {last}"));
    }
}

/// What is wrong with a group that is failed, stuck, or cannot be proven stopped, and what to do about it. Nothing for
/// any other.
pub fn trouble_words<const N: usize>(
    names: &Names,
    group: GroupId,
    status: &GroupStatus,
    last: &str,
    out: &mut Text<N>,
) {
    let name = names.group(group);
    if let Some(culprit) = status.culprit {
        culprit_words(names, group, culprit, last, out);
    }
    match status.state {
        GroupState::Unknown if status.culprit.is_some_and(|culprit| culprit.outcome == Outcome::NotRun) => {
            out.put(format_args!(
                "; it may run here until the script can be asked, which is tried again: hbd check"
            ));
        }
        GroupState::Unknown if status.culprit.is_some() => {
            out.put(format_args!("; it may run here until it is stopped, which is tried again: mend it"));
        }
        GroupState::Failed | GroupState::Stuck => {
            out.put(format_args!(
                "{}mend it, then: hbd clear {name}",
                if out.is_empty() { "" } else { "; " }
            ));
        }
        GroupState::Unknown
        | GroupState::Idle
        | GroupState::Starting
        | GroupState::Held
        | GroupState::Stopping => {}
    }
    if status.not_reset {
        out.put(format_args!("; the watchdog is fed for all that, and shown to {} as not armed", names.peer));
    }
}

/// How a script call ended, in words.
pub fn outcome_words<const N: usize>(verb: Verb, outcome: Outcome, out: &mut Text<N>) {
    match (outcome, verb) {
        (Outcome::Failed(code), _) => out.put(format_args!("return code {code}")),
        (Outcome::Killed, _) => out.put(format_args!("killed: it ran into its time limit")),
        (Outcome::NotRun, _) => out.put(format_args!("could not be run")),
        (Outcome::Stopped, Verb::Start) => {
            out.put(format_args!("said that it succeeded, but status says stopped"))
        }
        (Outcome::Running, Verb::Stop) => {
            out.put(format_args!("said that it succeeded, but status says running"))
        }
        (Outcome::Unclear, _) => out.put(format_args!("says neither that it runs nor that it is stopped")),
        (Outcome::Partly, _) => out.put(format_args!("says that a part of it runs")),
        (Outcome::Stopped, _) => out.put(format_args!("says stopped")),
        (Outcome::Running, _) => out.put(format_args!("says running")),
        (Outcome::Ok, _) => out.put(format_args!("succeeded late")),
    }
}

/// Why a copy is stale, in words.
#[must_use]
pub const fn stale_words(why: Stale) -> &'static str {
    match why {
        Stale::Unread => "its stamp was not read yet",
        Stale::Missing => "the directory has no stamp, although one is known: not mounted, or another disk",
        Stale::Partial => "a pull over it did not end",
        Stale::Behind => "later data was written on the other node",
        Stale::Old => "the last pull is longer ago than stale_after",
    }
}

/// What a frame was refused for, in words.
#[must_use]
pub const fn bad_frame(why: BadFrame) -> &'static str {
    match why {
        BadFrame::Malformed => "not a frame (noise, cut or too long)",
        BadFrame::NewerVersion => "frames of a newer version of hbd: update this node",
        BadFrame::OtherCluster => "frames of another cluster: give one of them another port or group",
        BadFrame::Own => "own frames come back (loop-back plug or echo)",
        BadFrame::UnknownKey => "signed with a key that authkeys does not list",
        BadFrame::BadTag => "failed authentication: damaged, or signed with another secret",
        BadFrame::BadBody => "signed, but not readable",
        BadFrame::Replayed => "replayed or duplicated frames",
        BadFrame::Weak => {
            "signed with crc only, though node and key of the peer are known: anybody could have sent them"
        }
        BadFrame::NotMet => "short frames of a start that never answered a challenge (perhaps a replay)",
        BadFrame::Text => "text of Linux-HA Heartbeat that no key of ours signed",
    }
}

/// Why a command is refused, in words for the operator.
pub fn refusal_words<const N: usize>(own: &str, peer: &str, refusal: Refusal, out: &mut Text<N>) {
    match refusal {
        Refusal::NothingToDo => {
            out.put(format_args!("nothing to do: no group is in a state that this changes"))
        }
        Refusal::PeerNotUp => {
            out.put(format_args!("node {peer} is not there, or is not heard both ways, to take the groups"));
        }
        Refusal::PeerUnable => out.put(format_args!(
            "node {peer} cannot run the group: a start failed there, a script is missing, or it is isolated"
        )),
        Refusal::SelfUnable => out.put(format_args!(
            "node {own} cannot run the group: a start failed here (hbd status says which, and how to clear it), or a script is missing"
        )),
        Refusal::Scripts => out.put(format_args!(
            "a script of the group is missing or cannot be run on {own}, so that it could not be stopped here either \
             (hbd check says which); put it back, then try again"
        )),
        Refusal::ConfigDiffers => {
            out.put(format_args!(
                "haresources or the times differ between the nodes: make them the same first"
            ));
        }
        Refusal::Busy => out.put(format_args!("node {own} is joining or leaving: try again in a moment")),
        Refusal::PeerAlive => {
            out.put(format_args!("node {peer} is alive: confirming it down would put two nodes on one disk"));
        }
        Refusal::AddressAnswers => out.put(format_args!(
            "another machine still answers for a service address (hbd status): node {peer} is not off; if that machine is another one: hbd confirm-down --force {peer}"
        )),
        Refusal::StaleCopy => out.put(format_args!(
            "the copy of the group's data that it would be started on is stale or not in sync (hbd status)"
        )),
    }
}
