use super::*;
use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};

const STATES: [GroupState; 7] = [Unknown, Idle, Starting, Held, Stopping, Failed, Stuck];
const EVENTS: [GroupEvent; 10] = [
    GroupEvent::Clean,
    GroupEvent::Claim,
    GroupEvent::Started,
    GroupEvent::StartFailed,
    GroupEvent::Restart,
    GroupEvent::Release,
    GroupEvent::Stopped,
    GroupEvent::StoppedForGood,
    GroupEvent::StopFailed,
    GroupEvent::Clear,
];

/// Every pair against the rules of DESIGN §5, written from the rules' side.
#[test]
fn every_pair_keeps_the_rules() {
    for state in STATES {
        for event in EVENTS {
            let to = next(state, event);
            if to == Idle && state != Idle {
                let proof = matches!(event, GroupEvent::Clean | GroupEvent::Stopped | GroupEvent::Clear);
                assert!(proof, "idle without a proof: {state:?} {event:?}");
                assert_ne!(state, Stuck, "stuck is never shown as idle");
            }
            if state == Stuck {
                let expected = if event == GroupEvent::Clear { Stopping } else { Stuck };
                assert_eq!(to, expected, "only an operator moves a stuck group: {event:?}");
            }
            if to == Starting && state != Starting {
                assert!(matches!(event, GroupEvent::Claim | GroupEvent::Restart), "{state:?} {event:?}");
            }
            if to == Held && state != Held {
                assert_eq!((state, event), (Starting, GroupEvent::Started));
            }
            if to == Failed && state != Failed {
                let known = [(Starting, GroupEvent::StartFailed), (Stopping, GroupEvent::StoppedForGood)];
                assert!(known.contains(&(state, event)), "{state:?} {event:?}");
            }
            if event == GroupEvent::StopFailed && matches!(state, Unknown | Starting | Stopping) {
                assert_eq!(to, Stuck, "{state:?}");
            }
        }
    }
}

#[test]
fn every_state_is_reached_and_left() {
    for target in STATES {
        if target != Unknown {
            assert!(STATES.iter().any(|s| *s != target && EVENTS.iter().any(|e| next(*s, *e) == target)));
        }
        assert!(EVENTS.iter().any(|e| next(target, *e) != target), "{target:?} is a trap");
    }
}

#[test]
fn retries_grow_and_are_forgotten() {
    let config = GroupConfig {
        name_hash: 1,
        digest: 1,
        preferred: crate::ids::Side::Even,
        resources: 1,
        claimable: true,
        data: None,
    };
    let mut group = Group::new(config, 0, 0);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        group.plan_retry(Instant::ZERO);
        pauses.push(group.retry_at.since(Instant::ZERO).as_millis() / 1000);
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 320, 320]);
    group.forget_failures();
    group.plan_retry(Instant::ZERO);
    assert_eq!(group.retry_at, Instant::ZERO.plus(RETRY_FIRST));
}
