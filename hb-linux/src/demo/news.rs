//! What is new between two answers of one node.

use super::timeline::Tone;
use crate::control::Snapshot;
use crate::control::words::LinkState;
use core::fmt;
use hb_core::PeerState;
use hb_core::message::{GroupState, Phase};

/// What an operator would notice between two answers of one node, told line by line.
pub(super) fn tell(before: &Snapshot, after: &Snapshot, say: &mut dyn FnMut(Tone, fmt::Arguments<'_>)) {
    let peer = &after.peer.name;
    let known = !before.peer.name.is_empty();
    let leaving = |s: &Snapshot| s.peer.phase.is_some_and(|phase| phase == Phase::Leaving);
    if leaving(after) {
        // What follows is no news: it said that it would be silent.
        if !leaving(before) {
            say(Tone::Plain, format_args!("{peer} says goodbye"));
        }
    } else if before.peer.state != after.peer.state {
        match after.peer.state.0 {
            PeerState::Up => say(Tone::Good, format_args!("hears {peer}")),
            PeerState::Late => say(Tone::Bad, format_args!("{peer} is late")),
            PeerState::Dead => say(Tone::Bad, format_args!("{peer} is dead, silent on all links")),
            PeerState::Unknown => {}
        }
    }
    for (link, old) in after.links.iter().zip(&before.links) {
        // When the peer is gone, all links are silent, and that has been said.
        match (old.state == LinkState::Up, link.state == LinkState::Up) {
            (true, false) if after.peer.state == PeerState::Up => {
                say(Tone::Bad, format_args!("{} link is {}", link.medium, link.state));
            }
            (false, true) if before.peer.state == PeerState::Up => {
                say(Tone::Good, format_args!("{} link is up", link.medium));
            }
            _ => {}
        }
    }
    for (at, group) in after.groups.iter().enumerate() {
        let same = before.groups.get(at).is_some_and(|old| old.state == group.state);
        if !same && (known || group.state == GroupState::Held) {
            let tone = match group.state.0 {
                GroupState::Held => Tone::Good,
                GroupState::Failed | GroupState::Stuck => Tone::Bad,
                _ => Tone::Plain,
            };
            say(tone, format_args!("{} is {}", group.name, group.state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{Group, Link};

    fn snapshot(peer: &str, serial: &str, group: &str) -> Snapshot {
        let mut s = Snapshot::default();
        s.peer.name = String::from("ha-2");
        s.peer.state = peer.into();
        s.links.push(Link { medium: String::from("serial"), state: serial.into(), ..Link::default() });
        s.groups.push(Group { name: String::from("web"), state: group.into(), ..Group::default() });
        s
    }

    fn texts(before: &Snapshot, after: &Snapshot) -> Vec<String> {
        let mut all = Vec::new();
        tell(before, after, &mut |_, text| all.push(text.to_string()));
        all
    }

    #[test]
    fn a_cut_link_is_told_only_while_the_peer_lives() {
        let whole = snapshot("up", "up", "held");
        assert_eq!(texts(&whole, &snapshot("up", "dead", "held")), ["serial link is dead"]);
        assert_eq!(texts(&whole, &snapshot("dead", "dead", "held")), ["ha-2 is dead, silent on all links"]);
        assert!(texts(&whole, &whole).is_empty());
    }

    #[test]
    fn a_goodbye_is_not_followed_by_an_obituary() {
        let (before, mut after) = (snapshot("up", "up", "idle"), snapshot("up", "up", "idle"));
        after.peer.phase = Some("leaving".into());
        assert_eq!(texts(&before, &after), ["ha-2 says goodbye"]);
        let mut silent = snapshot("dead", "dead", "idle");
        silent.peer.phase = after.peer.phase;
        assert!(texts(&after, &silent).is_empty());
    }

    #[test]
    fn the_groups_way_is_told() {
        let before = snapshot("dead", "dead", "idle");
        assert_eq!(texts(&before, &snapshot("dead", "dead", "starting")), ["web is starting"]);
        assert_eq!(texts(&Snapshot::default(), &snapshot("unknown", "dead", "idle")), [""; 0]);
    }
}
