//! What was seen of one move: when the last answer came before it and the first one after, and what both nodes showed.

use crate::cli::ask::Way;
use crate::control::words::Said;
use core::net::Ipv4Addr;
use hb_core::message::GroupState;
use hb_core::{Duration, Instant};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Who saw one end of an outage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    /// An answer of the address over the network.
    Network,
    /// What this node shows of itself.
    Own,
    /// What the other node shows in its heartbeats.
    Peer,
    /// The other node was to lose its power then; what a dead node holds nobody shows.
    Command,
}

impl Edge {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Own => "own",
            Self::Peer => "peer",
            Self::Command => "command",
        }
    }
}

/// One address (or a group without any), and how long nobody served it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Outage {
    pub(super) what: String,
    /// Since the command.
    pub(super) from: Duration,
    /// `None`: it did not come back while it was waited for.
    pub(super) to: Option<Duration>,
    pub(super) seen_by: (Edge, Edge),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Watch {
    way: Way,
    /// The node that gives loses its power.
    pub(super) power: bool,
    asked: Option<Instant>,
    rows: Vec<Row>,
    groups: Vec<Group>,
    seen: Vec<(Instant, String)>,
}

#[derive(Debug)]
struct Row {
    address: Option<Ipv4Addr>,
    group: String,
    /// The last answer from the node that gives, the first one from the node that takes.
    last: Option<Instant>,
    first: Option<Instant>,
}

#[derive(Debug)]
struct Group {
    name: String,
    here: Said<GroupState>,
    there: Said<GroupState>,
    /// When the giving node was seen to hold no more, and the taking one to hold.
    left: Option<Instant>,
    held: Option<Instant>,
}

impl Watch {
    pub(super) fn new(way: Way, addresses: &[(String, Ipv4Addr)], asks: bool) -> Self {
        let row = |(group, address): &(String, Ipv4Addr)| Row {
            address: Some(*address),
            group: group.clone(),
            last: None,
            first: None,
        };
        let rows = if asks { addresses.iter().map(row).collect() } else { Vec::new() };
        Self { way, power: false, asked: None, rows, groups: Vec::new(), seen: Vec::new() }
    }

    /// The command is given now.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// Something else happened.
    pub(super) fn said(&mut self, now: Instant, what: String) {
        self.seen.push((now, what));
    }

    /// The address at this position answered. While this node has any part of the group it may have answered itself, which
    /// proves nothing to others.
    pub(super) fn answered(&mut self, now: Instant, at: usize) {
        let Some(row) = self.rows.get_mut(at) else { return };
        let here = self.groups.iter().find(|group| group.name == row.group).map(|group| group.here);
        if here.is_none_or(|here| here != GroupState::Idle) {
            return;
        }
        match self.way {
            Way::Here => row.last = Some(now),
            Way::Away if self.asked.is_some() && row.first.is_none() => {
                row.first = Some(now);
                self.seen
                    .extend(row.address.map(|address| (now, format!("{address} answers over the network"))));
            }
            Way::Away => {}
        }
    }

    /// What both nodes show of a group.
    pub(super) fn state(
        &mut self,
        now: Instant,
        name: &str,
        here: Said<GroupState>,
        there: Option<Said<GroupState>>,
    ) {
        let there = there.unwrap_or_default();
        let at = self.groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            self.groups.push(Group { name: name.to_string(), here, there, left: None, held: None });
            if !self.rows.iter().any(|row| row.group == name) {
                self.rows.push(Row { address: None, group: name.to_string(), last: None, first: None });
            }
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(at) else { return };
        if self.asked.is_some() && (group.here != here || group.there != there) {
            self.seen.push((now, format!("{name}: {here} here, {there} there")));
            let (gives, takes) = match self.way {
                Way::Here => (there, here),
                Way::Away => (here, there),
            };
            if gives != GroupState::Held {
                group.left.get_or_insert(now);
            }
            if takes == GroupState::Held {
                group.held.get_or_insert(now);
            }
        }
        (group.here, group.there) = (here, there);
    }

    /// Every address that can be seen from here has been.
    pub(super) fn is_measured(&self) -> bool {
        self.way == Way::Here || self.rows.iter().all(|row| row.address.is_none() || row.first.is_some())
    }

    /// Each address, or group without one.
    pub(super) fn outages(&self) -> Vec<Outage> {
        let Some(asked) = self.asked else { return Vec::new() };
        let of = |row: &Row| {
            let group = self.groups.iter().find(|group| group.name == row.group)?;
            let own = |at: Option<Instant>, edge| at.map(|at| (at, edge));
            let network = |at: Option<Instant>| at.map(|at| (at, Edge::Network));
            let (from, to) = match self.way {
                Way::Here if self.power => {
                    (network(row.last).or(own(Some(asked), Edge::Command)), own(group.held, Edge::Own))
                }
                Way::Here => (network(row.last).or(own(group.left, Edge::Peer)), own(group.held, Edge::Own)),
                Way::Away => (own(group.left, Edge::Own), network(row.first).or(own(group.held, Edge::Peer))),
            };
            let (from, begun_by) = from?;
            Some(Outage {
                what: row.address.map_or_else(|| row.group.clone(), |address| address.to_string()),
                from: from.since(asked),
                to: to.map(|(to, _)| to.since(asked)),
                seen_by: (begun_by, to.map_or(Edge::Network, |(_, edge)| edge)),
            })
        };
        self.rows.iter().filter_map(of).collect()
    }

    /// What happened since the command, in its order.
    pub(super) fn seen(&self) -> Vec<(Duration, String)> {
        let Some(asked) = self.asked else { return Vec::new() };
        self.seen.iter().map(|(at, what)| (at.since(asked), what.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn watch(way: Way, asks: bool) -> Watch {
        Watch::new(way, &[("web".to_string(), IP)], asks)
    }

    #[test]
    fn a_group_that_comes_is_missed_from_the_last_answer_until_this_node_holds_it() {
        let mut w = watch(Way::Here, true);
        w.state(at(0), "web", "idle".into(), Some("held".into()));
        w.answered(at(80), 0);
        w.asked(at(100));
        w.answered(at(120), 0);
        w.state(at(130), "web", "idle".into(), Some("stopping".into()));
        w.answered(at(140), 0);
        w.state(at(300), "web", "starting".into(), Some("idle".into()));
        // Its own answer proves nothing.
        w.answered(at(320), 0);
        assert!(w.is_measured());
        w.state(at(500), "web", "held".into(), Some("idle".into()));
        let seen_by = (Edge::Network, Edge::Own);
        assert_eq!(
            w.outages(),
            [Outage { what: "10.0.0.5".into(), from: ms(40), to: Some(ms(400)), seen_by }]
        );
        assert_eq!(w.seen().len(), 3);
    }

    #[test]
    fn a_group_whose_node_lost_its_power_is_missed_from_then_on_where_nothing_answers() {
        let mut w = watch(Way::Here, false);
        w.power = true;
        w.state(at(0), "web", "idle".into(), Some("held".into()));
        w.asked(at(100));
        w.said(at(150), "the fence has ended: Done".into());
        w.state(at(1100), "web", "idle".into(), Some("unknown".into()));
        w.state(at(1500), "web", "held".into(), Some("unknown".into()));
        let seen_by = (Edge::Command, Edge::Own);
        assert_eq!(w.outages(), [Outage { what: "web".into(), from: ms(0), to: Some(ms(1400)), seen_by }]);
        assert_eq!(w.seen().first(), Some(&(ms(50), "the fence has ended: Done".to_string())));
    }

    #[test]
    fn a_group_that_goes_is_missed_from_its_stop_until_the_first_answer_over_the_network() {
        let mut w = watch(Way::Away, true);
        w.state(at(0), "web", "held".into(), Some("idle".into()));
        w.answered(at(50), 0);
        w.asked(at(100));
        w.state(at(110), "web", "stopping".into(), Some("idle".into()));
        w.answered(at(120), 0);
        w.state(at(200), "web", "idle".into(), Some("starting".into()));
        assert!(!w.is_measured());
        w.answered(at(420), 0);
        w.state(at(450), "web", "idle".into(), Some("held".into()));
        w.answered(at(480), 0);
        assert!(w.is_measured());
        let seen_by = (Edge::Own, Edge::Network);
        assert_eq!(
            w.outages(),
            [Outage { what: "10.0.0.5".into(), from: ms(10), to: Some(ms(320)), seen_by }]
        );
    }

    #[test]
    fn where_nothing_can_be_asked_the_nodes_words_count() {
        let mut w = watch(Way::Away, false);
        w.state(at(0), "web", "held".into(), Some("idle".into()));
        w.asked(at(100));
        w.state(at(150), "web", "stopping".into(), None);
        w.state(at(700), "web", "idle".into(), Some("held".into()));
        let seen_by = (Edge::Own, Edge::Peer);
        assert_eq!(w.outages(), [Outage { what: "web".into(), from: ms(50), to: Some(ms(600)), seen_by }]);
        let mut w = watch(Way::Here, true);
        w.state(at(0), "web", "idle".into(), Some("held".into()));
        w.asked(at(100));
        w.state(at(150), "web", "idle".into(), Some("idle".into()));
        let outages = w.outages();
        assert_eq!((outages[0].to, outages[0].seen_by.0), (None, Edge::Peer));
    }
}
