//! What a copy of a group's data says of itself (DESIGN §9): which tenure wrote it, what it came from, whether it is
//! whole. Two stamps tell whether a pull could destroy what one disk alone holds.
//!
//! An epoch alone cannot tell that: after the loss of all state an epoch may be used a second time. So a stamp also
//! names its *line*, a random number that a node draws when it begins to write on a copy that is not its own already.
//! On a line only one node writes, and only forward: of two stamps of one line the one with the higher epoch has all
//! that the other has, but for what the service itself deleted. A disk can come back without its last seconds, or from a
//! backup; the shell then reads the stamp as *diverged*, and what is written from there on begins a line of its own.

use crate::ids::Side;

/// The stamp of a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The epoch that the copy was written under; 0 when no tenure ever wrote one here. Its parity names the writer.
    pub epoch: u32,
    /// The line that it belongs to; 0 if and only if `epoch` is 0.
    pub line: u32,
    /// What the line began with on its writer's disk: the other node's copy. Never for an `epoch` of 0.
    pub from: Option<Origin>,
    /// A pull over this copy did not end: it is neither what it was nor what its source was.
    pub partial: bool,
    /// Somebody wrote here after what the stamp says, or nobody knows: it may hold what no other copy holds, whatever
    /// the other one began with; and it may lack what another copy has of its own line.
    pub diverged: bool,
    /// It was pulled after the writer's last stop: all that this epoch wrote is here.
    pub last: bool,
}

/// Where a line branched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Epoch of the copy that it began with; 1 up to the epoch of the line's first tenure less 1.
    pub epoch: u32,
    /// Line of that copy; not 0.
    pub line: u32,
    /// [`Stamp::last`] of that copy: its writer's disk held nothing more.
    pub last: bool,
}

impl Stamp {
    /// The stamp of a copy that has none: it may be anything.
    pub const NONE: Self =
        Self { epoch: 0, line: 0, from: None, partial: false, diverged: true, last: false };

    /// Does it keep what the fields say of each other? A beat that shows another one is refused.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        let named = match self.epoch {
            0 => self.line == 0 && self.diverged && !self.last,
            _ => self.line != 0,
        };
        let branched = match self.from {
            None => true,
            Some(from) => from.epoch != 0 && from.epoch < self.epoch && from.line != 0,
        };
        named && branched
    }

    /// The node whose services wrote it.
    #[must_use]
    pub const fn writer(&self) -> Option<Side> {
        if self.epoch == 0 {
            None
        } else if self.epoch.is_multiple_of(2) {
            Some(Side::Even)
        } else {
            Some(Side::Odd)
        }
    }

    /// Both name the same tenure.
    #[must_use]
    pub const fn same(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.line == other.line && self.epoch != 0
    }

    /// Could the copy of node `me` under this stamp hold a file that `source` never had? A pull then moves aside what
    /// it would overwrite or delete.
    ///
    /// No, if it is an earlier state of the same line, pulled and never written on; or if the source's line began with
    /// all of it, pulled after its last stop. Everything else might, whatever the epochs say; and the last epoch of all,
    /// which both nodes use and more than once, says nothing (DESIGN §9.17).
    #[must_use]
    pub fn may_hold_more(&self, me: Side, source: &Self) -> bool {
        if self.diverged || self.epoch == 0 || self.epoch == u32::MAX {
            return true;
        }
        if self.writer() == Some(me) {
            let covered = source
                .from
                .is_some_and(|from| from.last && (from.epoch, from.line) == (self.epoch, self.line));
            return !covered;
        }
        self.line != source.line || self.epoch > source.epoch
    }

    /// Does `source`, the stopped copy of the other node, hold what its services wrote since node `me` last pulled?
    #[must_use]
    pub fn lacks(&self, me: Side, source: &Self) -> bool {
        source.writer() == Some(me.other())
            && !source.partial
            && (source.epoch > self.epoch || (self.same(source) && !self.last))
    }

    /// A pull from `source`, a holder's stamp, came to its end here: nothing is missing but what was written since.
    #[must_use]
    pub fn synced(&self, source: &Self) -> bool {
        self.same(source) && !self.partial && !self.diverged
    }

    /// The stamp for a tenure of node `me` at `epoch`, which begins on this copy; `fresh` is a new line's number.
    #[must_use]
    pub fn begin(&self, me: Side, epoch: u32, fresh: u32) -> Self {
        let own = self.writer() == Some(me) && !self.partial && !self.diverged;
        let (line, from) = if own {
            (self.line, self.from)
        } else {
            let last = self.last && !self.partial && !self.diverged;
            let from = Origin { epoch: self.epoch, line: self.line, last };
            // The last epoch is above nothing that it could have begun with.
            (fresh.max(1), (self.epoch != 0 && self.epoch < epoch).then_some(from))
        };
        Self { epoch, line, from, partial: false, diverged: false, last: false }
    }

    /// The stamp after a tenure on this copy that never came into service: what was written meanwhile is on no other
    /// disk, but nobody waits for it.
    #[must_use]
    pub const fn undone(&self) -> Self {
        Self { diverged: true, last: false, ..*self }
    }

    /// For the shell, at the end of a pull: the stamp to put in place of the own one, now that `self` came from the
    /// source as the last file. `source` and `last` are those of the action.
    ///
    /// `None`: somebody began to write there meanwhile, or the copy was exchanged. The pull is cut then, and the own
    /// stamp stays *partial*.
    #[must_use]
    pub const fn arrived(&self, source: &Self, last: bool) -> Option<Self> {
        let expected = self.line == source.line && (!last || self.epoch == source.epoch);
        if self.epoch == 0 || !expected || self.partial {
            return None;
        }
        Some(Self { partial: false, diverged: false, last, ..*self })
    }
}
