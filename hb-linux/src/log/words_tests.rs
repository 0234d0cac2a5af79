//! Every event has words that fit a line, and the phrases that people have grepped for years are kept.

use super::super::names::GroupNames;
use super::super::reasons::refusal_words;
use super::*;
use hb_core::Cause;
use hb_core::message::GroupState;
use hb_core::message::Reason;
use hb_core::{Duration, Incarnation, LinkId, PingId, Refusal, Stale, Unable, Verb};

fn names(own: &str, peer: &str, resource: &str, link: &str) -> Names {
    Names {
        own: own.to_string(),
        peer: peer.to_string(),
        links: [link.to_string()].into(),
        media: ["bcast"].into(),
        groups: [GroupNames {
            name: resource.to_string(),
            preferred: own.to_string(),
            resources: [resource.to_string(), "jdmail".to_string()].into(),
            hashes: [7, 8].into(),
        }]
        .into(),
        pings: ["192.168.2.1".to_string()].into(),
        addresses: ["192.168.2.50".to_string()].into(),
    }
}

fn line(names: &Names, what: &Event) -> (Level, String) {
    let mut text = Text::new();
    let level = event(names, what, &About::default(), &mut text);
    (level, text.as_str().to_string())
}

const STATES: [GroupState; 7] = [
    GroupState::Unknown,
    GroupState::Idle,
    GroupState::Starting,
    GroupState::Held,
    GroupState::Stopping,
    GroupState::Failed,
    GroupState::Stuck,
];
const CAUSES: [Cause; 18] = [
    Cause::Join,
    Cause::PeerDead,
    Cause::PeerLeft,
    Cause::PeerLeaving,
    Cause::Right,
    Cause::Handover(Reason::Failback),
    Cause::Handover(Reason::Ping),
    Cause::Handover(Reason::Failed),
    Cause::Handover(Reason::Operator),
    Cause::Conflict,
    Cause::Leave,
    Cause::Script,
    Cause::Monitor,
    Cause::Retry,
    Cause::Operator,
    Cause::Data,
    Cause::Unfenced,
    Cause::Anew,
];
const WAITS: [Wait; 27] = [
    Wait::Peer,
    Wait::PeerRight,
    Wait::PeerRuns,
    Wait::PeerStuck,
    Wait::PeerForeign,
    Wait::PeerNewer,
    Wait::Fence,
    Wait::Isolated,
    Wait::OneWay,
    Wait::Answered,
    Wait::Asking,
    Wait::CannotAsk,
    Wait::Scripts,
    Wait::Retry,
    Wait::Failed,
    Wait::ConfigDiffers,
    Wait::WatchdogPending,
    Wait::Twin,
    Wait::PeerTwins,
    Wait::Leaving,
    Wait::StaleCopy(Stale::Unread),
    Wait::StaleCopy(Stale::Missing),
    Wait::StaleCopy(Stale::Partial),
    Wait::StaleCopy(Stale::Behind),
    Wait::StaleCopy(Stale::Old),
    Wait::PullEnds,
    Wait::LastPull,
];
const OUTCOMES: [Outcome; 8] = [
    Outcome::Ok,
    Outcome::Failed(7),
    Outcome::Running,
    Outcome::Stopped,
    Outcome::Unclear,
    Outcome::Partly,
    Outcome::Killed,
    Outcome::NotRun,
];

fn all_events() -> Vec<Event> {
    let (g, l, p, d) = (GroupId(0), LinkId(0), PingId(0), Duration::from_millis(10_000));
    let life = Incarnation { counter: 12, nonce: 7 };
    let mut all = Vec::from([
        Event::Joining(life),
        Event::Joined,
        Event::WatchdogPending,
        Event::PeerMet(life),
        Event::PeerUp,
        Event::PeerLate(d),
        Event::PeerDead(d),
        Event::PeerNeverMet,
        Event::PeerLeaving,
        Event::PeerDeaf,
        Event::OneWayOrReplay,
        Event::PeerForeign,
        Event::PeerNewer,
        Event::PeerOlder,
        Event::KeyTaken(2),
        Event::KeyNotTaken(2),
        Event::ForeignDead(d),
        Event::ForeignLeft,
        Event::ForeignHolds(g),
        Event::ForeignOld { shown: 1, known: u32::MAX },
        Event::LinkUp(l),
        Event::LinkDown(l),
        Event::Unproven(g),
        Event::MonitorFailed { group: g, resource: 1, count: 3 },
        Event::ConflictWon(g),
        Event::ConflictLost(g),
        Event::Wanted(g, Reason::Failback),
        Event::GroupDiffers(g),
        Event::GroupUnlisted(g),
        Event::PeerLists(7),
        Event::EpochsSpent(g),
        Event::Twin(life),
        Event::TwinGone,
        Event::PeerTwins(life),
        Event::PeerTwinsGone,
        Event::TimingDiffers { peer_deadtime: d },
        Event::ConfigAgrees,
        Event::PingUp(p),
        Event::PingDown(p),
        Event::Isolated,
        Event::NotIsolated,
        Event::Stalled(d),
        Event::Fencing,
        Event::Fenced,
        Event::FenceFailed,
        Event::FenceForgone,
        Event::ConfirmedDown,
        Event::Leaving,
        Event::FeedingStopped(g),
        Event::NotResetAgain(g),
        Event::Lost(4),
        Event::AddressAnswered { group: g, address: 0, mac: [0, 12, 1, 2, 3, 4], waits: true },
        Event::AddressAnswered { group: g, address: 0, mac: [0, 12, 1, 2, 3, 4], waits: false },
        Event::AddressSilent(g),
        Event::AskBlind { group: g, address: 0, why: Unable::NoCarrier },
        Event::AskBlind { group: g, address: 0, why: Unable::NoInterface },
        Event::AskBlind { group: g, address: 0, why: Unable::Down },
        Event::AskBlind { group: g, address: 0, why: Unable::Refused },
        Event::AskDeaf(g),
        Event::AskGivenUp(g),
        Event::AddressDuplicate { group: g, mac: [0, 12, 1, 2, 3, 4] },
        Event::AnswersForged { group: g, mac: [0, 12, 1, 2, 3, 4] },
        Event::AddressTaken { group: g, mac: [0, 12, 1, 2, 3, 4] },
        Event::Pulled(g),
        Event::MovedAside { group: g, files: 3 },
        Event::PullFailed(g),
        Event::LastPullFailed(g),
        Event::StaleAccepted(g, Stale::Old),
        Event::StartsBehind(g),
        Event::StampFailed(g),
    ]);
    for why in [
        BadFrame::Malformed,
        BadFrame::NewerVersion,
        BadFrame::Weak,
        BadFrame::OtherCluster,
        BadFrame::Own,
        BadFrame::UnknownKey,
        BadFrame::BadTag,
        BadFrame::BadBody,
        BadFrame::Replayed,
        BadFrame::NotMet,
        BadFrame::Text,
    ] {
        all.push(Event::BadFrames(l, why));
    }
    for from in STATES {
        for to in STATES {
            for cause in CAUSES {
                all.push(Event::Group { group: g, from, to, epoch: 4, cause });
            }
        }
    }
    all.extend(WAITS.map(|wait| Event::Waiting(g, wait)));
    for verb in [Verb::Start, Verb::Stop, Verb::Status] {
        all.extend(OUTCOMES.map(|outcome| Event::Script { group: g, resource: 1, verb, outcome }));
    }
    all
}

#[test]
fn every_event_has_words_that_fit() {
    let usual = names("ha-1", "ha-2", "192.168.2.50", "eth1");
    for what in all_events() {
        let (_, text) = line(&usual, &what);
        assert!(text.len() > 15 && !text.ends_with("...") && !text.contains('?'), "{what:?}: {text}");
    }
}

#[test]
fn with_the_longest_names_a_line_is_cut_and_not_lost() {
    let (node, resource) = ("n".repeat(64), "r".repeat(120));
    let long = names(&node, &node, &resource, "mcast eth1.1234567890 225.0.0.1");
    for what in all_events() {
        let (_, text) = line(&long, &what);
        assert!(text.len() > 15 && text.len() <= LINE, "{what:?}: {text}");
    }
}

#[test]
fn familiar_phrases_are_kept() {
    let n = names("ha-1", "ha-2", "192.168.2.50", "eth1");
    let ms = Duration::from_millis;
    let state = |from, to, cause| Event::Group { group: GroupId(0), from, to, epoch: 2, cause };
    let table = [
        (Event::PeerDead(ms(10_000)), Level::Warn, "node ha-2: is dead"),
        (Event::LinkDown(LinkId(0)), Level::Warn, "Link ha-2:eth1 dead."),
        (Event::LinkUp(LinkId(0)), Level::Info, "Link ha-2:eth1 up."),
        (Event::PeerUp, Level::Info, "Status update for node ha-2: status active"),
        (Event::Joined, Level::Info, "Local status now set to: 'active'"),
        (Event::PeerLate(ms(8000)), Level::Warn, "Late heartbeat: Node ha-2: interval 8000 ms"),
        (Event::PeerMet(Incarnation::default()), Level::Info, "Heartbeat restart on node ha-2"),
        (Event::PingDown(PingId(0)), Level::Warn, "node 192.168.2.1: is dead"),
        (
            state(GroupState::Idle, GroupState::Starting, Cause::PeerDead),
            Level::Info,
            "Acquiring resource group: 192.168.2.50",
        ),
        (
            state(GroupState::Starting, GroupState::Held, Cause::Script),
            Level::Info,
            "Resource acquisition completed",
        ),
        (
            state(GroupState::Held, GroupState::Stopping, Cause::Leave),
            Level::Info,
            "Releasing resource group: 192.168.2.50",
        ),
        (
            state(GroupState::Stopping, GroupState::Stuck, Cause::Script),
            Level::Critical,
            "hbd clear 192.168.2.50",
        ),
    ];
    for (what, level, phrase) in table {
        let (told, text) = line(&n, &what);
        assert!(text.contains(phrase), "{text}");
        assert_eq!(told, level, "{text}");
    }
}

#[test]
fn the_culprit_and_the_next_command_are_named() {
    let n = names("ha-1", "ha-2", "192.168.2.50", "eth1");
    let culprit = Culprit { resource: 1, verb: Verb::Stop, outcome: Outcome::Failed(32) };
    let about = About { culprit: Some(culprit), last: "umount: /mail: device is busy", ..About::default() };
    for (to, words) in [(GroupState::Stuck, "is stuck"), (GroupState::Failed, "could not be started")] {
        let what = Event::Group {
            group: GroupId(0),
            from: GroupState::Stopping,
            to,
            epoch: 2,
            cause: Cause::Script,
        };
        let mut text = Text::new();
        event(&n, &what, &about, &mut text);
        let script = n.resource(GroupId(0), 1);
        for word in [words, script, "stop: return code 32", "device is busy", "hbd clear 192.168.2.50"] {
            assert!(text.as_str().contains(word), "{word} in {text}");
        }
    }
    let what = Event::Script { group: GroupId(0), resource: 1, verb: Verb::Stop, outcome: Outcome::NotRun };
    for (why, file) in [(Errno::ACCESS, true), (Errno::AGAIN, false)] {
        let about = About { why: Some(why), ..About::default() };
        let mut text = Text::new();
        event(&n, &what, &about, &mut text);
        assert!(
            text.as_str().contains("could not be run (") && text.as_str().contains("tried again"),
            "{text}"
        );
        assert_eq!(text.as_str().contains("wrong with the file"), file, "{text}");
    }
}

#[test]
fn a_clean_up_that_left_something_does_not_say_otherwise() {
    let n = names("ha-1", "ha-2", "192.168.2.50", "eth1");
    for left in [0, 1] {
        let mut text = Text::new();
        event(&n, &Event::Joined, &About { left, ..About::default() }, &mut text);
        assert!(text.as_str().contains("Local status now set to: 'active'"), "{text}");
        assert_eq!(text.as_str().contains("no group is left over"), left == 0, "{text}");
    }
}

#[test]
fn refusals_are_sentences() {
    for refusal in [
        Refusal::NothingToDo,
        Refusal::PeerNotUp,
        Refusal::PeerUnable,
        Refusal::SelfUnable,
        Refusal::Scripts,
        Refusal::ConfigDiffers,
        Refusal::Busy,
        Refusal::PeerAlive,
        Refusal::StaleCopy,
        Refusal::AddressAnswers,
    ] {
        let mut text = Text::<300>::new();
        refusal_words("ha-1", "ha-2", refusal, &mut text);
        assert!(text.as_str().len() > 20 && !text.as_str().ends_with("..."), "{text}");
    }
}
