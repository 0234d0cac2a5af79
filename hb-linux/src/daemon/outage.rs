//! How a group came into service here, told once it has: what it followed from, how long its scripts took, and how long
//! nobody served.

use crate::log::tale::{Reason, Tale};
use hb_core::config::{MAX_GROUPS, MAX_LINKS};
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, Event, GroupId, Instant, LinkId, Node};

/// What is known of one group's service.
#[derive(Clone, Copy, Debug)]
struct Service {
    /// When it was last known to be served by either node; `None` before that.
    served: Option<Instant>,
    /// What its present start followed from.
    cause: Option<Cause>,
    /// It is being stopped.
    stops: bool,
    /// How long the scripts of that start or stop took.
    scripts: Duration,
    /// What those of the last whole start and of the last whole stop took.
    took: (Option<Duration>, Option<Duration>),
}

impl Service {
    const NOTHING: Self =
        Self { served: None, cause: None, stops: false, scripts: Duration::ZERO, took: (None, None) };
}

/// All groups, and the links on which the peer is heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outages {
    groups: [Service; MAX_GROUPS],
    /// When the peer's last beat came on each link.
    heard: [Option<Instant>; MAX_LINKS],
    /// How long each link had been silent when the peer was taken for dead.
    silent: [Option<Duration>; MAX_LINKS],
}

impl Outages {
    /// Nothing was heard yet, and nobody serves.
    pub(super) const fn new() -> Self {
        Self { groups: [Service::NOTHING; MAX_GROUPS], heard: [None; MAX_LINKS], silent: [None; MAX_LINKS] }
    }

    /// A beat of the peer that counts came on `link`.
    pub(super) fn heard(&mut self, now: Instant, link: LinkId, node: &Node) {
        if let Some(heard) = self.heard.get_mut(usize::from(link.0)) {
            *heard = Some(now);
        }
        for (id, group) in (0..=u8::MAX).map(GroupId).zip(&mut self.groups) {
            let Some(status) = node.group_status(id) else { return };
            if status.peer_state == Some(GroupState::Held) {
                group.served = Some(now);
            }
        }
    }

    /// A script of `group` ended.
    pub(super) fn script_took(&mut self, group: GroupId, took: Duration) {
        if let Some(group) = self.groups.get_mut(usize::from(group.0))
            && (group.cause.is_some() || group.stops)
        {
            group.scripts = group.scripts.plus(took);
        }
    }

    /// What the scripts of the group's last whole start and of its last whole stop took here.
    #[cfg_attr(not(feature = "why"), allow(dead_code))]
    pub(super) fn took(&self, group: GroupId) -> (Option<Duration>, Option<Duration>) {
        self.groups.get(usize::from(group.0)).map_or((None, None), |group| group.took)
    }

    /// Takes in what the node reports. Answers what is to be told, when a group has come into service that was served
    /// before, here or there.
    pub(super) fn note(&mut self, now: Instant, event: &Event) -> Option<(GroupId, Tale)> {
        if let Event::PeerDead(_) = event {
            self.silent = self.heard.map(|at| at.map(|at| now.since(at)));
        }
        let Event::Group { group: id, from, to, cause, .. } = *event else { return None };
        let silent = self.silent;
        let group = self.groups.get_mut(usize::from(id.0))?;
        if from == GroupState::Held {
            group.served = Some(now);
        }
        match to {
            GroupState::Starting => {
                (group.cause, group.stops, group.scripts) = (Some(cause), false, Duration::ZERO);
                None
            }
            GroupState::Held => {
                let cause = group.cause.take()?;
                group.took.0 = Some(group.scripts);
                let served = group.served?;
                let reason = match cause {
                    Cause::PeerDead => Reason::Silence(silent),
                    other => Reason::Cause(other),
                };
                Some((id, Tale { reason, scripts: group.scripts, gap: now.since(served) }))
            }
            GroupState::Unknown
            | GroupState::Idle
            | GroupState::Stopping
            | GroupState::Failed
            | GroupState::Stuck => {
                if to == GroupState::Idle && group.stops {
                    group.took.1 = Some(group.scripts);
                }
                (group.cause, group.stops) = (None, from == GroupState::Held && to == GroupState::Stopping);
                if group.stops {
                    group.scripts = Duration::ZERO;
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupState::{Held, Idle, Starting, Stopping};

    fn change(from: GroupState, to: GroupState, cause: Cause) -> Event {
        Event::Group { group: GroupId(0), from, to, epoch: 2, cause }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn a_death_is_told_with_the_silence_of_each_link_the_scripts_and_the_gap() {
        let mut outages = Outages::new();
        outages.heard[0] = Some(at(1000));
        outages.heard[2] = Some(at(990));
        outages.groups[0].served = Some(at(1000));
        assert_eq!(outages.note(at(11_000), &Event::PeerDead(Duration::from_secs(10))), None);
        // A link that is heard again while the scripts run does not change what the death followed from.
        outages.heard[2] = Some(at(11_100));
        outages.script_took(GroupId(0), Duration::from_millis(7));
        assert_eq!(outages.note(at(11_200), &change(Idle, Starting, Cause::PeerDead)), None);
        outages.script_took(GroupId(0), Duration::from_millis(900));
        outages.script_took(GroupId(0), Duration::from_millis(300));
        let (_, tale) = outages.note(at(12_400), &change(Starting, Held, Cause::Script)).unwrap();
        let mut silent = [None; MAX_LINKS];
        (silent[0], silent[2]) = (Some(Duration::from_millis(10_000)), Some(Duration::from_millis(10_010)));
        let (scripts, gap) = (Duration::from_millis(1200), Duration::from_millis(11_400));
        assert_eq!(tale, Tale { reason: Reason::Silence(silent), scripts, gap });
    }

    #[test]
    fn a_first_start_is_no_tale_and_a_restart_in_place_counts_from_its_own_stop() {
        let mut outages = Outages::new();
        assert_eq!(outages.note(at(10), &change(Idle, Starting, Cause::Right)), None);
        assert_eq!(outages.note(at(20), &change(Starting, Held, Cause::Script)), None);
        assert_eq!(outages.note(at(500), &change(Held, Stopping, Cause::Monitor)), None);
        outages.script_took(GroupId(0), Duration::from_millis(80));
        assert_eq!(outages.note(at(600), &change(Stopping, Idle, Cause::Script)), None);
        outages.script_took(GroupId(0), Duration::from_millis(100));
        assert_eq!(outages.note(at(610), &change(Idle, Starting, Cause::Monitor)), None);
        outages.script_took(GroupId(0), Duration::from_millis(30));
        let (_, tale) = outages.note(at(650), &change(Starting, Held, Cause::Script)).unwrap();
        let (scripts, gap) = (Duration::from_millis(30), Duration::from_millis(150));
        assert_eq!(tale, Tale { reason: Reason::Cause(Cause::Monitor), scripts, gap });
        assert_eq!(outages.took(GroupId(0)), (Some(scripts), Some(Duration::from_millis(80))));
        // A start that fails is none, and its scripts are forgotten.
        assert_eq!(outages.note(at(700), &change(Idle, Starting, Cause::Retry)), None);
        assert_eq!(outages.note(at(800), &change(Starting, Stopping, Cause::Script)), None);
        outages.script_took(GroupId(0), Duration::from_millis(30));
        assert_eq!(outages.groups[0].cause, None);
    }
}
