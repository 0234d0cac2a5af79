//! The epochs of the groups: which one a claim takes, what of the peer's is kept, and what the last ones mean (DESIGN §7).

use super::Node;
use crate::event::Event;
use crate::ids::GroupId;
use crate::message::{GroupState, Message};

/// More tenures than a peer has beside a node that cannot read its epochs.
const UNSEEN_EPOCHS: u32 = 1 << 10;

impl Node {
    /// Epochs and marks of a met peer count as seen. Its hello, if this has one, was taken (DESIGN §4.8).
    pub(super) fn epochs_of(&mut self, message: &Message) {
        let mut higher = false;
        for group in &mut self.groups {
            let at = self.peer.position(group.config.name_hash);
            let shown = at.and_then(|at| message.beat.groups.get(at));
            if let Some(shown) = shown {
                higher |= group.saw(shown.epoch.max(shown.mark.unwrap_or(0)));
            }
        }
        if higher {
            self.persist();
        }
    }

    /// A holder goes above the epoch of a starter that must withdraw. At the last one it stays where it is.
    pub(super) fn raise_epoch(&mut self, id: GroupId) {
        let side = self.config.side;
        let Some(group) = self.group_mut(id) else { return };
        let above = side.epoch_above(group.seen);
        if above <= group.epoch {
            self.name_last_epochs(id);
            return;
        }
        (group.epoch, group.seen) = (above, above);
        self.name_last_epochs(id);
        self.restamp(id);
        self.persist();
        self.out.beat = true;
    }

    /// The peer holds the group, and has the last epoch too: nothing will tell the mark of its next yield from the one here,
    /// so this one is over. Without that a group that is asked for would go to and fro without end.
    pub(super) fn forget_last_mark(&mut self, id: GroupId) {
        // The mark first: hardly ever is there one at the last epoch.
        let last = self.group(id).is_some_and(|group| group.mark.is_some() && group.spent());
        if last && self.peers(id).is_some_and(|shown| shown.state == GroupState::Held) {
            if let Some(group) = self.group_mut(id) {
                group.mark = None;
            }
            self.out.beat = true;
        }
    }

    /// Above all that were seen; of a newer peer none are, so far above that it used no higher one meanwhile.
    pub(super) fn next_epoch(&self, id: GroupId) -> u32 {
        let seen = self.group(id).map_or(0, |group| group.seen);
        let unseen = if self.peer.newer.is_some() { UNSEEN_EPOCHS } else { 0 };
        self.config.side.epoch_above(seen.saturating_add(unseen))
    }

    /// Nothing is above the epochs seen any more: said once, with the way out. What serves goes on, and moves only on
    /// death or when an operator asks (DESIGN §7 O5.6).
    pub(super) fn name_last_epochs(&mut self, id: GroupId) {
        let Some(group) = self.group_mut(id) else { return };
        if group.spent() && !core::mem::replace(&mut group.spent_said, true) {
            self.report(Event::EpochsSpent(id));
        }
    }
}
