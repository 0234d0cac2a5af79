//! Since when each group has been in its state, and what brought it there: for `hbd status`.

use hb_core::config::MAX_GROUPS;
use hb_core::message::GroupState;
use hb_core::{Cause, Event, GroupId, Instant};

/// The last change of one group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    /// When.
    pub(super) at: Instant,
    /// The decision behind it, and the state that it led to first; `None` before the first change.
    pub(super) why: Option<(Cause, GroupState)>,
}

/// The last change of every group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct History([Change; MAX_GROUPS]);

impl History {
    /// Nothing has changed since `begun`.
    pub(super) const fn new(begun: Instant) -> Self {
        Self([Change { at: begun, why: None }; MAX_GROUPS])
    }

    /// Takes in what the node reports.
    pub(super) fn note(&mut self, now: Instant, event: &Event) {
        let Event::Group { group, to, cause, .. } = *event else { return };
        let Some(change) = self.0.get_mut(usize::from(group.0)) else { return };
        change.at = now;
        // The last script's good answer ends what a decision began: the decision is what people ask for.
        let ends_well = matches!(to, GroupState::Held | GroupState::Idle);
        if !(cause == Cause::Script && ends_well && change.why.is_some()) {
            change.why = Some((cause, to));
        }
    }

    /// The last change of `group`.
    pub(super) fn of(&self, group: GroupId) -> Option<Change> {
        self.0.get(usize::from(group.0)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupState::{Failed, Held, Idle, Starting, Stopping, Unknown};

    #[test]
    fn the_decision_is_remembered_and_not_the_scripts_good_answer() {
        let group = GroupId(1);
        let mut history = History::new(Instant::from_millis(5));
        assert_eq!(history.of(group), Some(Change { at: Instant::from_millis(5), why: None }));
        for (at, from, to, cause, why) in [
            (10, Unknown, Idle, Cause::Join, (Cause::Join, Idle)),
            (20, Idle, Starting, Cause::PeerDead, (Cause::PeerDead, Starting)),
            (30, Starting, Held, Cause::Script, (Cause::PeerDead, Starting)),
            (40, Held, Stopping, Cause::Operator, (Cause::Operator, Stopping)),
            (50, Stopping, Idle, Cause::Script, (Cause::Operator, Stopping)),
            (60, Starting, Failed, Cause::Script, (Cause::Script, Failed)),
        ] {
            let now = Instant::from_millis(at);
            history.note(now, &Event::Group { group, from, to, epoch: 1, cause });
            assert_eq!(history.of(group), Some(Change { at: now, why: Some(why) }), "{to:?}");
        }
        assert_eq!(history.of(GroupId(0)).and_then(|change| change.why), None);
        assert_eq!(history.of(GroupId(200)), None);
    }
}
