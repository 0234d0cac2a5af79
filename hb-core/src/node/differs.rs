//! Lines that the two files do not have in common (DESIGN §7 O10). Groups are paired by name; a line that begins with
//! another resource has no partner, and yet may run the same resources. So where more than one line is out of step, all
//! of them stand against all of the peer's: *tangled*.

use super::Node;
use crate::cluster::conflict::Claim;
use crate::event::Event;
use crate::ids::GroupId;
use crate::message::GroupState;
use crate::message::wire::MAX_GROUPS;

/// How the peer's file has a group of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Line {
    /// The same, or nothing is known yet.
    #[default]
    Same,
    /// A line of that name, but another one.
    Differs,
    /// No line of that name.
    Unlisted,
}

impl Node {
    /// The line of each group was looked up in the peer's hello: which of the peer's own are out of step?
    /// DESIGN §7 O10.3, O10.4 (DESIGN §7 O10.2).
    pub(super) fn compare_lines(&mut self) {
        let mut strange = 0u8;
        let mut unknown = 0u8;
        for (at, name) in self.peer.names().enumerate() {
            let bit = 1u8.wrapping_shl(u32::try_from(at).unwrap_or(0));
            match self.groups.iter().find(|group| group.config.name_hash == name.hash) {
                Some(group) if group.line == Line::Same => {}
                Some(_) => strange |= bit,
                None => unknown |= bit,
            }
        }
        let unlisted = self.groups.iter().any(|group| group.line == Line::Unlisted);
        let several = strange & strange.wrapping_sub(1) != 0;
        let tangled = (unlisted && strange | unknown != 0) || (unknown != 0 && strange != 0) || several;
        self.peer.tangled = if tangled { strange | unknown } else { 0 };
        if self.peer.unknown != unknown {
            self.peer.unknown = unknown;
            // Said once for a life of the peer: its list is fixed in it.
            for at in 0..MAX_GROUPS {
                if let Some(hash) = self.peer.unknown_at(at) {
                    self.report(Event::PeerLists(hash));
                }
            }
        }
    }

    /// Does group `id` stand against all of the peer's lines that are out of step?
    pub(super) fn tangled(&self, id: GroupId) -> bool {
        self.peer.tangled != 0 && self.group(id).is_some_and(|group| group.line != Line::Same)
    }

    /// Everything that the peer may run of the lines that are out of step, as one claim; `None` when all of it is proven
    /// stopped, or the peer is not alive.
    pub(super) fn tangled_peer(&self) -> Option<Claim> {
        if !self.peer.alive() {
            return None;
        }
        let unconfirmed = self.peer.unconfirmed;
        self.peer.tangled_groups().fold(None, |best, shown| {
            stronger(best, Claim { state: shown.state, epoch: shown.epoch, unconfirmed })
        })
    }

    /// The same of this node.
    pub(super) fn tangled_own(&self) -> Option<Claim> {
        let unconfirmed = self.unconfirmed.is_some();
        let own = self.groups.iter().filter(|group| group.line != Line::Same);
        own.fold(None, |best, group| {
            stronger(best, Claim { state: group.state, epoch: group.epoch, unconfirmed })
        })
    }
}

/// Of several groups the one that goes before the others in a conflict: what is held, what starts, and the rest that may
/// run; of equals the highest epoch.
fn stronger(best: Option<Claim>, next: Claim) -> Option<Claim> {
    let rank = |state| match state {
        GroupState::Held => 3,
        GroupState::Starting => 2,
        GroupState::Stuck => 1,
        GroupState::Unknown | GroupState::Stopping | GroupState::Idle | GroupState::Failed => 0,
    };
    let order = |claim: &Claim| (rank(claim.state), claim.epoch);
    if !next.state.may_run() || best.is_some_and(|best| order(&best) > order(&next)) {
        return best;
    }
    Some(next)
}
