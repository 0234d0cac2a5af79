//! What `hbd status` says beside its rows: another machine of this name, frames of no key of ours, ping nodes that do not
//! count, who answers for an address, epochs that are spent. Table, JSON and verdict take the same words.

use crate::control::Snapshot;
use crate::control::snapshot::{Group, Link};
use crate::control::words::Whose;
use hb_core::Wait;

/// What it means that the epochs of a group have come to their end, and the way out.
const SPENT: &str = "its epochs are spent: it runs on where it is, and moves on death or by hand; to begin anew, on both nodes: \
                     hbd stop, then rm /var/lib/heartbeat/state, then hbd run";

/// Lines under the table that concern the whole node.
pub(super) fn of_node(s: &Snapshot) -> Vec<String> {
    let twin = twin(s).map(|text| {
        format!("{text}; stop hbd on the wrong one, and give it a name of its own (hostname, or --node)")
    });
    twin.into_iter().chain(s.links.iter().filter_map(unsigned)).collect()
}

/// Lines under the table that concern one group.
pub(super) fn of_group(s: &Snapshot, group: &Group) -> Vec<String> {
    // Where a claim waits for it, the words of that say it.
    let answers = group.answered_by.as_ref().filter(|_| group.wait.is_none_or(|wait| wait != Wait::Answered));
    let (name, peer) = (&group.name, &s.peer.name);
    let answers =
        answers.map(|mac| format!("group {name}: {mac} answers for its address, though {peer} is silent"));
    let spent = spent(group).map(|text| format!("group {text}"));
    answers.into_iter().chain(spent).collect()
}

/// Another machine calls itself as this one does, or as the peer does.
pub(super) fn twin(s: &Snapshot) -> Option<String> {
    let own = s
        .own
        .twin
        .then(|| format!("another machine calls itself {}: nothing new is claimed here", s.own.name));
    let peers = || {
        let name = &s.peer.name;
        s.peer.twins.then(|| format!("two machines call themselves {name}: nothing new is claimed here"))
    };
    own.or_else(peers)
}

/// The group cannot move by itself any more.
pub(super) fn spent(group: &Group) -> Option<String> {
    group.spent.then(|| format!("{}: {SPENT}", group.name))
}

/// Why a ping node does not count.
pub(super) fn not_counted(s: &Snapshot, whose: Whose) -> String {
    let whose = match whose {
        Whose::Own => "this machine",
        Whose::Peer => &s.peer.name,
    };
    format!("it is {whose} itself and does not count: write a router's address")
}

/// What comes on a link that is no heartbeat of the peer.
pub(super) fn of_link(link: &Link) -> Option<String> {
    link.unsigned.then(|| format!("frames come on {}, none signed with a key of ours", link.name))
}

/// The same, with what to do.
pub(super) fn unsigned(link: &Link) -> Option<String> {
    of_link(link).map(|note| format!("{note}: make authkeys the same on both nodes, then: hbd reload"))
}
