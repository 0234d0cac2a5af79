//! The core's events as lines for operators: what happened, to what, and why.
//!
//! People have grepped Heartbeat's log for years, so what means the same is said with the same words
//! (`node ha-2: is dead`, `Link ha-2:eth1 dead.`, `Local status now set to: 'active'`, ...).

use super::ask::ask_line;
use super::data::data_line;
use super::groups::group_line;
use super::names::Names;
use super::reasons::{bad_frame, outcome_words, reason_words, wait_words};
use super::{LINE, Text};
use crate::helper::Level;
use crate::sys::Errno;
use hb_core::{BadFrame, Culprit, Event, GroupId, Outcome, Wait};

/// What the daemon knows beside an event.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// What the event's group fails of.
    pub culprit: Option<Culprit>,
    /// The last line that the call in question printed.
    pub last: &'a str,
    /// Why the call in question could not be run.
    pub why: Option<Errno>,
    /// Groups that are not proven stopped, nor held.
    pub left: usize,
}

/// Put the line for `event` into `out`; returns how loud it is.
pub fn event(names: &Names, event: &Event, about: &About<'_>, out: &mut Text<LINE>) -> Level {
    use Level::{Critical as Crit, Error, Info, Warn};
    let (own, peer) = (names.own.as_str(), names.peer.as_str());
    match *event {
        Event::Joining(life) => {
            out.put(format_args!(
                "Local status now set to: 'init' (start number {}): groups are unknown until proven stopped",
                life.counter
            ));
            Info
        }
        Event::Joined if about.left > 0 => {
            out.put(format_args!(
                "Local status now set to: 'active': {} of the groups not proven stopped here yet (hbd status says which)",
                about.left
            ));
            Warn
        }
        Event::Joined => {
            out.put(format_args!(
                "Local status now set to: 'active': no group is left over from an earlier life"
            ));
            Info
        }
        Event::WatchdogPending => {
            out.put(format_args!(
                "The watchdog is held by another process, perhaps one of an earlier life of the daemon that may still fire: not joining until that is settled"
            ));
            Warn
        }
        Event::PeerMet(life) => {
            out.put(format_args!(
                "Heartbeat restart on node {peer}: met it, start number {} there, it answered our challenge",
                life.counter
            ));
            Info
        }
        Event::PeerUp => {
            out.put(format_args!("Status update for node {peer}: status active: it is heard both ways"));
            Info
        }
        Event::PeerLate(silence) => {
            out.put(format_args!(
                "Late heartbeat: Node {peer}: interval {} ms: no beat for warntime",
                silence.as_millis()
            ));
            Warn
        }
        Event::PeerDead(silence) => {
            out.put(format_args!(
                "node {peer}: is dead: no beat on any link for {} ms (deadtime)",
                silence.as_millis()
            ));
            Warn
        }
        Event::PeerNeverMet => {
            out.put(format_args!(
                "node {peer}: is dead: never heard since the own start, and initdead has passed"
            ));
            Warn
        }
        Event::PeerLeaving => {
            out.put(format_args!("node {peer}: leaves in order: an ordered stop was asked for there"));
            Info
        }
        Event::PeerDeaf => {
            out.put(format_args!(
                "node {peer}: hears nothing of {own}, though it is heard here: check the transmitting side of the links"
            ));
            Warn
        }
        Event::OneWayOrReplay => {
            out.put(format_args!(
                "One-way link or replay: signed frames of node {peer} arrive, but their sender never answers a challenge; they do not count as life"
            ));
            Warn
        }
        Event::Twin(life) => {
            out.put(format_args!(
                "another machine calls itself {own}: signed by our keys, its start number {}; nothing new is claimed here. Stop hbd on the wrong one, and give it a name of its own (hostname, or --node)",
                life.counter
            ));
            Crit
        }
        Event::TwinGone => {
            out.put(format_args!("no other machine calls itself {own} any more"));
            Info
        }
        Event::PeerTwins(life) => {
            out.put(format_args!(
                "two machines call themselves {peer}: signed by our keys, one of start number {}; nothing new is claimed here. Stop hbd on the wrong one, and give it a name of its own (hostname, or --node)",
                life.counter
            ));
            Crit
        }
        Event::PeerTwinsGone => {
            out.put(format_args!("one machine alone calls itself {peer} again"));
            Info
        }
        Event::PeerForeign => {
            out.put(format_args!(
                "node {peer}: runs Linux-HA Heartbeat, signed with a key of ours: it is alive, and nothing is claimed against it; install hbd there too"
            ));
            Error
        }
        Event::ForeignDead(silence) => {
            out.put(format_args!(
                "node {peer}: is dead: its Linux-HA Heartbeat fell silent {} ms ago, longer than its deadtime and ours",
                silence.as_millis()
            ));
            Warn
        }
        Event::ForeignLeft => {
            out.put(format_args!(
                "node {peer}: its Linux-HA Heartbeat was shut down in order, and has released everything"
            ));
            Info
        }
        Event::ForeignHolds(group) => {
            out.put(format_args!(
                "Group {}: Linux-HA Heartbeat on node {peer} took it, and cannot hear this node: it is stopped here; to go on here, stop Heartbeat there",
                names.group(group)
            ));
            Error
        }
        Event::ForeignOld { shown, known } => {
            out.put(format_args!(
                "Text in the name of {peer}, of generation {shown}, is older than {known} was: a recording, which counts for nothing; if Heartbeat of {peer} lost its counter, there: printf '%15d\\n' {known} > /var/lib/heartbeat/hb_generation, and start it again"
            ));
            Error
        }
        Event::PeerNewer => {
            out.put(format_args!(
                "node {peer}: speaks a newer version: it is alive, and it decides what runs where until {own} is updated too"
            ));
            Warn
        }
        Event::PeerOlder => {
            out.put(format_args!(
                "node {peer}: speaks an older version: {own} decides what runs where until {peer} is updated too"
            ));
            Warn
        }
        Event::KeyTaken(index) => {
            out.put(format_args!(
                "node {peer}: has key {index}: every heartbeat is signed with it from now on"
            ));
            Info
        }
        Event::KeyNotTaken(index) => {
            out.put(format_args!(
                "node {peer}: takes nothing that is signed with key {index}; the keys before it are in use again"
            ));
            Warn
        }
        Event::LinkUp(link) => {
            out.put(format_args!("Link {peer}:{} up.", names.link(link)));
            Info
        }
        Event::LinkDown(link) => {
            out.put(format_args!(
                "Link {peer}:{} dead. Nothing was heard on it for a deadtime, or its device failed",
                names.link(link)
            ));
            Warn
        }
        Event::BadFrames(link, BadFrame::Text) => {
            out.put(format_args!(
                "Text in the name of {peer} that no key of ours signed came on {}: it counts for nothing; counted from now on (see hbd status), said once. If {peer} runs Linux-HA Heartbeat, make both authkeys the same",
                names.link(link)
            ));
            Warn
        }
        Event::BadFrames(link, why) => {
            let tell = match why {
                BadFrame::Own => Info,
                _ => Warn,
            };
            out.put(format_args!(
                "Bad frames on link {}: {}; counted from now on (see hbd status), said once",
                names.link(link),
                bad_frame(why)
            ));
            tell
        }
        Event::Group { group, from, to, epoch, cause } => {
            group_line(names, group, (from, to), epoch, cause, about, out)
        }
        Event::Unproven(group) => {
            out.put(format_args!(
                "Group {}: the claim goes on unproven: the disk did not confirm the new epoch in time",
                names.group(group)
            ));
            Warn
        }
        Event::Script { group, resource, verb, outcome } => {
            script_line(names, group, Culprit { resource, verb, outcome }, about, out)
        }
        Event::MonitorFailed { group, resource, count } => {
            out.put(format_args!(
                "Monitor: {} of group {} did not say that it runs, {count} in a row",
                names.resource(group, resource),
                names.group(group)
            ));
            Warn
        }
        Event::ConflictWon(group) => {
            out.put(format_args!(
                "Both nodes hold group {}: this node keeps it, its epoch is the higher one; its addresses are announced again",
                names.group(group)
            ));
            Warn
        }
        Event::ConflictLost(group) => {
            out.put(format_args!(
                "Both nodes hold group {}: this node stops it, the epoch of {peer} is the higher one",
                names.group(group)
            ));
            Warn
        }
        Event::Wanted(group, reason) => {
            out.put(format_args!("Group {} is wanted here: {}", names.group(group), reason_words(reason)));
            Info
        }
        Event::Waiting(group, wait) => {
            out.put(format_args!("Group {} waits: ", names.group(group)));
            wait_words(names, group, wait, out);
            match wait {
                Wait::PeerStuck
                | Wait::OneWay
                | Wait::Answered
                | Wait::CannotAsk
                | Wait::Scripts
                | Wait::Isolated
                | Wait::Failed => Warn,
                _ => Info,
            }
        }
        Event::GroupDiffers(group) => {
            out.put(format_args!(
                "haresources differs between the nodes in group {}: it is taken over on death and not moved otherwise, until both files are the same; here: {}",
                names.group(group),
                names.line(group)
            ));
            Error
        }
        Event::GroupUnlisted(group) => {
            out.put(format_args!(
                "haresources of {peer} has no line that begins with {}; here: {}; make both files the same (hbd check)",
                names.group(group),
                names.line(group)
            ));
            Error
        }
        Event::PeerLists(hash) => {
            match names.resource_of(hash) {
                Some((resource, group)) => out.put(format_args!(
                    "haresources of {peer} has a line that begins with {resource}; here that is a resource of group {group}"
                )),
                None => out.put(format_args!(
                    "haresources of {peer} has a line that begins with a resource which no line here has (its name's CRC-32 is {hash:08x}, see docs/spec/wire.md)"
                )),
            }
            Error
        }
        Event::TimingDiffers { peer_deadtime } => {
            out.put(format_args!(
                "The times in ha.cf differ between the nodes (deadtime of {peer}: {} ms): the larger deadtime counts",
                peer_deadtime.as_millis()
            ));
            Error
        }
        Event::EpochsSpent(group) => {
            out.put(format_args!(
                "Group {}: its epochs have come to their end: it runs on where it is, and moves on death or by hand; to begin anew, in a quiet hour on both nodes: hbd stop, then rm /var/lib/heartbeat/state (both removed before either starts), then hbd run",
                names.group(group)
            ));
            Error
        }
        Event::ConfigAgrees => {
            out.put(format_args!("The configurations of both nodes agree again"));
            Info
        }
        Event::PingUp(ping) => {
            let host = names.ping(ping);
            out.put(format_args!("Status update for node {host}: status ping: it answers"));
            Info
        }
        Event::PingDown(ping) => {
            out.put(format_args!("node {}: is dead: ping node silent for deadping", names.ping(ping)));
            Warn
        }
        Event::Isolated => {
            out.put(format_args!(
                "This node takes itself for the isolated one: every link and every ping node fell silent together; it claims nothing until a ping node answers or an operator says so (hbd confirm-down {peer})"
            ));
            Crit
        }
        Event::NotIsolated => {
            out.put(format_args!(
                "No longer isolated: a ping node or {peer} is heard again, or an operator said so"
            ));
            Info
        }
        Event::Stalled(gap) => {
            out.put(format_args!(
                "The own loop stood still for {} ms: no heartbeat was sent meanwhile (suspended, or no processor time)",
                gap.as_millis()
            ));
            Warn
        }
        Event::Fencing => {
            out.put(format_args!("Resetting node {peer} by its fence: it is dead and may still run a group"));
            Warn
        }
        Event::Fenced => {
            out.put(format_args!("node {peer} now reset: the fence proved it off"));
            Info
        }
        Event::FenceFailed => {
            out.put(format_args!(
                "Resetting node {peer} failed: nothing is claimed before the fence succeeds; it is tried again. If the machine \
                 is off, say so: hbd confirm-down {peer}"
            ));
            Crit
        }
        Event::FenceForgone => {
            out.put(format_args!(
                "Resetting node {peer} failed, and fence_failed says claim: its groups are claimed although nothing proves it \
                 off; if it lives, both nodes serve"
            ));
            Crit
        }
        Event::ConfirmedDown => {
            out.put(format_args!(
                "The operator confirmed that node {peer} is off: its groups may be claimed"
            ));
            Warn
        }
        Event::Leaving => {
            out.put(format_args!("Heartbeat shutdown in progress: giving up all groups, asked to stop"));
            Info
        }
        Event::FeedingStopped(group) => {
            out.put(format_args!(
                "EMERGENCY: the watchdog is no longer fed and will reset this machine: a stop script of group {} failed or hung",
                names.group(group)
            ));
            Crit
        }
        Event::NotResetAgain(group) => {
            let name = names.group(group);
            out.put(format_args!(
                "EMERGENCY: group {name} is stuck again after the watchdog's reset: no second one, the watchdog is fed and \
                 shown to {peer} as not armed; mend it, then: hbd clear {name}"
            ));
            Crit
        }
        Event::AddressAnswered { .. }
        | Event::AddressSilent(_)
        | Event::AskBlind { .. }
        | Event::AskDeaf(_)
        | Event::AskGivenUp(_)
        | Event::AddressDuplicate { .. }
        | Event::AnswersForged { .. }
        | Event::AddressTaken { .. } => ask_line(names, event, out),
        Event::Pulled(_)
        | Event::MovedAside { .. }
        | Event::PullFailed(_)
        | Event::LastPullFailed(_)
        | Event::StaleAccepted(..)
        | Event::StartsBehind(_)
        | Event::StampFailed(_) => data_line(names, event, out),
        Event::Lost(count) => {
            out.put(format_args!(
                "{count} events were not told: they came faster than they could be written"
            ));
            Warn
        }
    }
}

fn script_line(
    names: &Names,
    group: GroupId,
    call: Culprit,
    about: &About<'_>,
    out: &mut Text<LINE>,
) -> Level {
    let Culprit { resource, verb, outcome } = call;
    let (res, name) = (names.resource(group, resource), names.group(group));
    out.put(format_args!("{res} {} (group {name}): ", verb.as_str()));
    outcome_words(verb, outcome, out);
    if let (Outcome::NotRun, Some(why)) = (outcome, about.why) {
        out.put(format_args!(" ({why}); it is tried again"));
        if !why.is_shortage() {
            out.put(format_args!(", and hbd check says what is wrong with the file"));
        }
    } else if outcome == Outcome::NotRun {
        out.put(format_args!(": no such script, or no process could be made; it is tried again"));
    }
    if !about.last.is_empty() {
        out.put(format_args!(", its last line: {}", about.last));
    }
    Level::Error
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
