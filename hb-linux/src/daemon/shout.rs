//! A group that stays stuck is said again, at growing distances: who reads the log of last night must not find one line.
//! One that keeps a node from leaving, stuck or not known to be stopped, is said at once: who sent a signal waits, and nothing
//! else tells him for what.

use super::voice::Voice;
use crate::helper::Level;
use crate::log::{Text, reasons};
use hb_core::config::MAX_GROUPS;
use hb_core::message::GroupState;
use hb_core::{Duration, Event, GroupId, Instant, Node};

/// The first time after this; each further distance is twice the one before.
const FIRST: Duration = Duration::from_secs(60);
/// But no longer than this.
const LONGEST: Duration = Duration::from_secs(3600);

/// On leave: what is not known to be stopped may be so in a moment.
const SOON: Duration = Duration::from_secs(5);

/// When each stuck group is said again, and on leave each one that is not known to be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shout {
    due: [Option<Due>; MAX_GROUPS],
    /// The node was asked to end.
    leaving: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Due {
    since: Instant,
    at: Instant,
    gap: Duration,
}

impl Shout {
    /// Nothing is stuck.
    pub(super) const fn new() -> Self {
        Self { due: [None; MAX_GROUPS], leaving: false }
    }

    /// Takes in what the node reports.
    pub(super) fn note(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::Leaving => {
                self.leaving = true;
                for due in &mut self.due {
                    match due {
                        Some(stuck) => stuck.at = now,
                        None => *due = Some(Due { since: now, at: now.plus(SOON), gap: FIRST }),
                    }
                }
            }
            Event::Group { group, to, .. } => {
                if let Some(due) = self.due.get_mut(usize::from(group.0)) {
                    // Not before it is decided whether the watchdog resets this machine for it.
                    let at = now.plus(if self.leaving { SOON } else { FIRST });
                    // One that is cleaned up goes on being unknown, without an event.
                    *due = (to == GroupState::Stuck).then_some(Due { since: now, at, gap: FIRST });
                }
            }
            _ => {}
        }
    }

    /// When [`Shout::tick`] has something to say.
    pub(super) fn deadline(&self) -> Instant {
        self.due.iter().flatten().map(|due| due.at).min().unwrap_or(Instant::NEVER)
    }

    /// The next group that is due, and for how long it has been stuck.
    fn take(&mut self, now: Instant) -> Option<(GroupId, Duration)> {
        let (at, due) = self.due.iter_mut().enumerate().find_map(|(at, due)| {
            let due = due.as_mut().filter(|due| due.at <= now)?;
            Some((at, due))
        })?;
        due.gap = due.gap.plus(due.gap).min(LONGEST);
        due.at = now.plus(due.gap);
        Some((GroupId(u8::try_from(at).unwrap_or(u8::MAX)), now.since(due.since)))
    }

    fn forget(&mut self, group: GroupId) {
        if let Some(due) = self.due.get_mut(usize::from(group.0)) {
            *due = None;
        }
    }

    /// Say what is due.
    pub(super) fn tick(&mut self, now: Instant, node: &Node, voice: &mut Voice) {
        while let Some((group, time)) = self.take(now) {
            // What has never been known to be stopped has had no event; what leaves by its scripts is on its way.
            let status = node.group_status(group);
            let stands = |state| matches!(state, GroupState::Stuck | GroupState::Unknown);
            let Some(status) = status.filter(|status| stands(status.state)) else {
                self.forget(group);
                continue;
            };
            let last = status.culprit.map(|c| voice.last_line(group, c.resource, c.verb)).unwrap_or_default();
            let mut trouble = Text::<700>::new();
            reasons::trouble_words(&voice.names, group, &status, &last, &mut trouble);
            let minutes = time.as_millis() / 60_000;
            let trouble = trouble.as_str();
            if self.leaving {
                let text = format_args!(
                    "keeps this node from ending, for {minutes} min by now: {trouble}; or, to end all the same, \
                     whereupon an armed watchdog resets this machine: hbd stop, once more"
                );
                voice.say_group(Level::Critical, group, text);
            } else {
                let text = format_args!("is still stuck, for {minutes} min by now: {trouble}");
                voice.say_group(Level::Critical, group, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hb_core::Cause;

    #[test]
    fn a_stuck_group_is_said_again_ever_more_seldom_until_it_is_not() {
        let mut shout = Shout::new();
        let change = |to| Event::Group {
            group: GroupId(1),
            from: GroupState::Stopping,
            to,
            epoch: 1,
            cause: Cause::Script,
        };
        assert_eq!(shout.deadline(), Instant::NEVER);
        shout.note(Instant::ZERO, &change(GroupState::Stuck));
        let mut said = Vec::new();
        while said.len() < 9 {
            let now = shout.deadline();
            while let Some((group, time)) = shout.take(now) {
                assert_eq!(group, GroupId(1));
                said.push(time.as_millis() / 60_000);
            }
        }
        assert_eq!(said, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
        shout.note(shout.deadline(), &change(GroupState::Idle));
        assert_eq!(shout.deadline(), Instant::NEVER);
        // Who is asked to end and cannot says so at once, whichever came first.
        let at = Instant::ZERO.plus(LONGEST);
        shout.note(Instant::ZERO, &change(GroupState::Stuck));
        shout.note(at, &Event::Leaving);
        assert_eq!(shout.deadline(), at);
        assert!(shout.take(at).is_some() && shout.deadline() > at);
        shout.note(at, &change(GroupState::Idle));
        shout.note(at, &change(GroupState::Stuck));
        assert_eq!((shout.take(at), shout.deadline()), (None, at.plus(SOON)));
        // The others may never have been known to be stopped: they are looked at, and forgotten if they are.
        let mut next = || shout.take(at.plus(SOON)).map(|(group, _)| group);
        assert_eq!([next(), next(), next()], [0, 1, 2].map(|at| Some(GroupId(at))));
        shout.forget(GroupId(0));
        assert_eq!(shout.due[0], None);
    }
}
