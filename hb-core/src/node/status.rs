//! The snapshot for `hbd status`.

use super::{Node, OneWay};
use crate::cluster::ask::Ask;
use crate::cluster::group::{Group, Reset};
use crate::cluster::handover;
use crate::cluster::link::Link;
use crate::ids::GroupId;
use crate::input::Watchdog;
use crate::list::filled;
use crate::message::{GroupState, Reason};
use crate::status::{GroupStatus, LinkStatus, PeerState, PeerStatus, Status};
use crate::time::Instant;

impl Node {
    /// A snapshot of everything that people may want to see, as of `now`. Large: for a display, not for each step
    /// ([`Node::glance`]).
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        let (real, now) = (now, self.clock.running(now));
        let met = self.peer.met.is_some();
        let timing_match = self.peer.timing_digest.map(|digest| digest == self.config.timing_digest);
        let groups_agree = self.groups.iter().all(|group| group.agreed == Some(true));
        let one_way = match self.one_way {
            OneWay::None => false,
            // A first hello is unmet in every handshake; only one that is never answered is evidence.
            OneWay::Evidence(since) => now.since(since) >= self.config.timing.deadtime,
            OneWay::Probing | OneWay::Answered(_) | OneWay::Cleared => self.peer.state == PeerState::Dead,
        };
        Status {
            phase: self.phase,
            incarnation: self.incarnation,
            peer: PeerStatus {
                state: self.peer.state,
                deaf: self.peer.alive() && self.peer.hears == 0,
                foreign: self.foreign.live(),
                one_way,
                phase: met.then_some(self.peer.phase),
                incarnation: self.peer.met,
                last_heard: met.then(|| now.since(self.peer.last_heard)),
                config_match: timing_match.map(|agree| agree && groups_agree),
                timing_match,
                left: self.peer.left,
                twins: self.peers_twins_told(),
            },
            links: filled(self.links.iter().map(|link| self.link_status(link, now))),
            groups: filled(
                self.group_ids().zip(&self.groups).map(|(id, group)| self.status_of(id, group, real)),
            ),
            pings: filled(self.pings.alive()),
            fed: self.out.fed,
            isolated: self.isolated.lasts(),
            twin: self.has_twin(),
            worst_late: self.clock.worst(),
            events_lost: self.out.events_lost_total,
        }
    }

    pub(super) fn link_status(&self, link: &Link, now: Instant) -> LinkStatus {
        let hears = link.theirs.is_some_and(|n| self.peer.hears & 1u8.wrapping_shl(u32::from(n)) != 0);
        LinkStatus {
            open: link.open,
            heard: link.heard,
            hears: hears && self.peer.alive(),
            rx: link.rx,
            tx: link.tx,
            lost: link.lost,
            bad: link.bad,
            text: link.text,
            unsigned: !link.heard && link.unsigned.is_some_and(|at| now.since(at) < self.deadtime()),
            rtt: link.rtt,
        }
    }

    /// Why the group would be wanted here, if no operator's move stood against it.
    fn barred(&self, id: GroupId, group: &Group) -> Option<Reason> {
        let held = self.peers(id).is_some_and(|peer| peer.state == GroupState::Held);
        let facts = self.facts(id).filter(|_| group.pinned && held && group.state == GroupState::Idle)?;
        handover::wanted(&handover::Facts { pinned: false, ..facts })
    }

    pub(super) fn status_of(&self, id: GroupId, group: &Group, real: Instant) -> GroupStatus {
        GroupStatus {
            pinned: group.pinned,
            barred: self.barred(id, group),
            state: group.state,
            peer_state: self.peer.group(group.config.name_hash).map(|shown| shown.state),
            epoch: group.shown_epoch(),
            preferred_here: group.config.preferred == self.config.side,
            wanted: group.wanted,
            wait: group.wait,
            config_match: group.agreed,
            spent: group.spent(),
            answered_by: group.ask().and_then(Ask::answered_by),
            copy: self.copy_status(group, real),
            culprit: match group.state {
                GroupState::Unknown => group.sequence.culprit(),
                GroupState::Failed | GroupState::Stuck => group.culprit,
                GroupState::Idle | GroupState::Starting | GroupState::Held | GroupState::Stopping => None,
            },
            not_reset: group.unproven
                && matches!(self.watchdog, Watchdog::Armed { .. })
                && group.reset != Reset::Unfed,
        }
    }
}
