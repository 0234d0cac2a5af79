//! What happens to the loop, a link, the fence and the peer's liveness, and what that entails at once.

use super::{Node, OneWay, cover};
use crate::cluster::fence::{Fence, FenceEvent};
use crate::cluster::group::Group;
use crate::cluster::peer::{self, PeerEvent};
use crate::config::FenceFailed;
use crate::event::{Cause, Event};
use crate::ids::LinkId;
use crate::message::GroupState;
use crate::status::PeerState;
use crate::time::Duration;

impl Node {
    /// The loop stood still for `gap`: what it believes may be old (DESIGN §6, §7 O8) (DESIGN §7 O2c.6).
    pub(super) fn stood_still(&mut self, gap: Duration, longest: bool) {
        let timing = self.config.timing;
        // On a busy machine with a short keepalive small gaps are no news.
        if longest || gap >= timing.warntime {
            self.report(Event::Stalled(gap));
        }
        self.recovering = true;
        self.ask_anew(gap);
        let holds = self.groups.iter().any(|g| matches!(g.state, GroupState::Held | GroupState::Starting));
        if gap > timing.deadtime.minus(timing.keepalive) {
            self.behind = true;
            if holds {
                self.unconfirmed = Some(self.now.plus(timing.keepalive.doubled()));
                self.out.beat = true;
            }
        }
    }

    pub(super) fn link_changed(&mut self, id: LinkId, up: bool) {
        let Some(link) = self.links.get_mut(usize::from(id.0)) else { return };
        let was_heard = link.heard;
        link.open = up;
        if !up {
            link.heard = false;
            if was_heard {
                self.report(Event::LinkDown(id));
            }
        } else {
            self.out.beat = true;
        }
    }

    /// Something happened to the fence; `true` when it fires now.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn fence_event(&mut self, event: FenceEvent) -> bool {
        cover!(self, FENCE, self.fence.index(), event.index());
        let (fence, fire) = self.fence.next(event, self.now);
        self.fence = fence;
        fire
    }

    /// Something happened to the peer's liveness; gives the state before.
    pub(super) fn peer_event(&mut self, event: PeerEvent) -> PeerState {
        cover!(self, PEER, self.peer.state, event);
        let next = peer::next(self.peer.state, event);
        core::mem::replace(&mut self.peer.state, next)
    }

    /// This node is not the isolated one, or not any more.
    pub(super) fn not_isolated(&mut self) {
        if self.isolated.end() {
            self.report(Event::NotIsolated);
        }
    }

    // DESIGN §7 O2.3.
    pub(super) fn fence_done(&mut self, ok: bool) {
        let claim = self.config.fence.is_some_and(|fence| fence.failed == FenceFailed::Claim);
        self.fence_event(if ok || !claim { FenceEvent::Answer(ok) } else { FenceEvent::GaveUp });
        let forgone = !ok && self.fence == Fence::Forgone;
        self.report(match (ok, forgone) {
            (true, _) => Event::Fenced,
            (false, true) => Event::FenceForgone,
            (false, false) => Event::FenceFailed,
        });
        if ok {
            self.peer_proven_off();
        } else if forgone && !self.peer.alive() {
            // Nothing proves the peer off.
            self.decide_again(Cause::Unfenced);
        }
    }

    /// What a claim rested on is gone before any of it runs: whether to claim at all is decided again, by all rules
    /// (DESIGN §7 O2.3, O2.5).
    pub(super) fn decide_again(&mut self, cause: Cause) {
        for id in self.group_ids() {
            if self.group(id).is_some_and(Group::not_begun) {
                self.release(id, cause);
            }
        }
    }

    /// Nothing of the peer can run any more: no block that rests on what it last showed holds, and no answer that it gave
    /// before is a sign of life (DESIGN §7 O2c.10).
    pub(super) fn peer_proven_off(&mut self) {
        self.shake.renew();
        let mut freed = false;
        for group in &mut self.groups {
            freed |= core::mem::take(&mut group.peer_stuck);
        }
        if freed {
            self.persist();
        }
        self.one_way = OneWay::Cleared;
        // What the life that ended sent before is asked about no more; another one is.
        self.one_way_life = self.peer.met.map_or(0, |life| life.nonce);
    }
}
