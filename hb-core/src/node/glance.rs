//! What a program that checks a node after every step wants to know of it, cheap to ask. [`Node::status`] is for people.

use super::Node;
use crate::ids::{GroupId, Incarnation, LinkId};
use crate::message::Phase;
use crate::status::{GroupStatus, PeerState};

/// The few facts that [`Node::glance`] copies out of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glance {
    /// Where the node is in its life.
    pub phase: Phase,
    /// This life.
    pub incarnation: Incarnation,
    /// Number of the last beat.
    pub seq: u32,
    /// The peer's life that answered a challenge, and so proved to live (DESIGN §4.5); `None` before the first one.
    pub met: Option<Incarnation>,
    /// The peer's liveness.
    pub peer: PeerState,
    /// The peer runs Linux-HA Heartbeat, and is heard.
    pub foreign: bool,
    /// The peer has met this node's life and hears it now, and this node hears the peer.
    pub both_ways: bool,
    /// The loop stood still, and the peer was not heard since.
    pub unconfirmed: bool,
    /// The last beat of the peer was marked so.
    pub peer_unconfirmed: bool,
    /// This node takes itself for the isolated one.
    pub isolated: bool,
    /// Events that were lost because the queue was full.
    pub events_lost: u32,
}

impl Node {
    /// Copies out where the node stands. Cheap: it looks at no group and no link.
    #[must_use]
    pub fn glance(&self) -> Glance {
        Glance {
            phase: self.phase,
            incarnation: self.incarnation,
            seq: self.seq,
            met: self.peer.met,
            peer: self.peer.state,
            foreign: self.foreign.live(),
            both_ways: self.peer.both_ways(),
            unconfirmed: self.unconfirmed.is_some(),
            peer_unconfirmed: self.peer.unconfirmed,
            isolated: self.isolated.lasts(),
            events_lost: self.out.events_lost_total,
        }
    }

    /// Whether the peer is heard on this link and says that it hears this node on it. `false` for a link that there is not.
    #[must_use]
    pub fn both_ways_on(&self, link: LinkId) -> bool {
        self.links.get(usize::from(link.0)).is_some_and(|link| {
            let status = self.link_status(link, self.now);
            status.heard && status.hears
        })
    }

    /// The number of the newest beat that this link brought of the peer's life that proved to live; 0 before the first one. It
    /// grows with each beat that counts, and with nothing that is played back, forged or unproven.
    #[must_use]
    pub fn newest_on(&self, link: LinkId) -> u32 {
        self.links.get(usize::from(link.0)).map_or(0, |link| link.seqs.newest())
    }

    /// The group's part of [`Node::status`]; `None` when there is no such group.
    #[must_use]
    pub fn group_status(&self, id: GroupId) -> Option<GroupStatus> {
        self.group(id).map(|group| self.status_of(id, group, self.clock.real()))
    }

    /// As if this many beats of its life had gone out already: nobody can wait for a `u32` of them.
    #[cfg(feature = "coverage")]
    pub fn age(&mut self, beats: u32) {
        self.seq = self.seq.max(beats);
    }

    /// Which pairs of its machines this node has met.
    #[cfg(feature = "coverage")]
    #[must_use]
    pub fn coverage(&self) -> &crate::coverage::Coverage {
        &self.coverage
    }
}

/// Mark a pair as met; nothing at all without the feature.
#[cfg(feature = "coverage")]
macro_rules! cover {
    ($node:expr, $machine:ident, $state:expr, $event:expr) => {
        $node.coverage.mark(crate::coverage::$machine, $state as usize, $event as usize)
    };
}

#[cfg(not(feature = "coverage"))]
macro_rules! cover {
    ($node:expr, $machine:ident, $state:expr, $event:expr) => {};
}

pub(super) use cover;
