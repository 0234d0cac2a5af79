use super::*;
use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};

const STATES: [GroupState; 7] = [Unknown, Idle, Starting, Held, Stopping, Failed, Stuck];
const PHASES: [Phase; 3] = [Phase::Joining, Phase::Up, Phase::Leaving];

fn alive(state: GroupState, mark: Option<u32>) -> PeerSituation {
    PeerSituation::Alive {
        state,
        mark,
        able: state != Failed,
        phase: Phase::Up,
        agrees: true,
        preferred: Side::Even,
    }
}

fn me(side: Side, mark: Option<u32>, peer: PeerSituation) -> Situation {
    Situation {
        me: side,
        phase: Phase::Up,
        state: Idle,
        mark,
        claimable: true,
        copy: None,
        newer: None,
        retry_due: true,
        preferred: Side::Even,
        twin: false,
        peer_twins: false,
        watchdog_pending: false,
        peer,
    }
}

/// Whatever the two marks, one node has the right, and the other one has not.
#[test]
fn exactly_one_side_has_the_right() {
    const MARKS: [Option<u32>; 4] = [None, Some(0), Some(7), Some(8)];
    for (even, odd) in MARKS.iter().flat_map(|even| MARKS.iter().map(move |odd| (*even, *odd))) {
        for first in [Side::Even, Side::Odd] {
            let of_even = token(even, odd, first, Side::Even);
            let of_odd = token(odd, even, first, Side::Odd);
            assert_ne!(of_even, of_odd, "{even:?} {odd:?} {first:?}");
            if even == odd {
                assert_eq!(of_even, first == Side::Even);
            }
        }
    }
}

#[test]
fn of_two_idle_nodes_exactly_one_claims() {
    for (a, b) in [(None, None), (Some(4), None), (None, Some(5)), (Some(4), Some(5)), (Some(6), Some(5))] {
        let even = decide(&me(Side::Even, a, alive(Idle, b)));
        let odd = decide(&me(Side::Odd, b, alive(Idle, a)));
        let claims = [even, odd].iter().filter(|d| matches!(d, Decision::Claim(_))).count();
        assert_eq!(claims, 1, "marks {a:?} {b:?}: {even:?} {odd:?}");
    }
}

#[test]
fn what_may_run_on_the_peer_is_never_claimed() {
    for state in STATES {
        for phase in PHASES {
            for mark in [None, Some(9)] {
                let peer = PeerSituation::Alive {
                    state,
                    mark,
                    able: true,
                    phase,
                    agrees: true,
                    preferred: Side::Even,
                };
                let decision = decide(&me(Side::Even, None, peer));
                if state.may_run() {
                    assert!(matches!(decision, Decision::Wait(_)), "{state:?} {phase:?}: {decision:?}");
                } else {
                    assert!(matches!(decision, Decision::Claim(_)), "{state:?} {phase:?}: {decision:?}");
                }
            }
        }
    }
}

#[test]
fn only_idle_and_failed_groups_of_a_node_in_service_claim() {
    let gone = PeerSituation::Gone { stuck: false, one_way: false, isolated: false };
    for state in STATES {
        for phase in PHASES {
            let mut s = me(Side::Odd, None, gone);
            s.state = state;
            s.phase = phase;
            let claims = matches!(decide(&s), Decision::Claim(_));
            assert_eq!(claims, phase == Phase::Up && matches!(state, Idle | Failed), "{state:?} {phase:?}");
        }
    }
}

#[test]
fn whatever_blocks_a_gone_peer_a_node_that_joins_or_leaves_claims_nothing() {
    for phase in PHASES.into_iter().filter(|phase| *phase != Phase::Up) {
        for block in 0..8_u8 {
            let (stuck, one_way, isolated) = (block & 1 != 0, block & 2 != 0, block & 4 != 0);
            for state in STATES {
                let mut s = me(Side::Odd, None, PeerSituation::Gone { stuck, one_way, isolated });
                (s.phase, s.state) = (phase, state);
                assert!(
                    matches!(decide(&s), Decision::Wait(_)),
                    "{phase:?} {state:?} {block:03b}: {:?}",
                    decide(&s)
                );
            }
        }
    }
}

#[test]
fn each_block_of_a_gone_peer_waits_under_its_own_name() {
    let gone = |stuck, one_way, isolated| {
        decide(&me(Side::Odd, Some(8), PeerSituation::Gone { stuck, one_way, isolated }))
    };
    assert_eq!(gone(false, false, false), Decision::Claim(Cause::PeerDead), "also with a mark");
    assert_eq!(gone(true, true, true), Decision::Wait(Wait::PeerStuck));
    assert_eq!(gone(false, true, true), Decision::Wait(Wait::OneWay));
    assert_eq!(gone(false, false, true), Decision::Wait(Wait::Isolated));
    assert_eq!(decide(&me(Side::Even, None, PeerSituation::Unmet)), Decision::Wait(Wait::Peer));
    assert_eq!(decide(&me(Side::Even, None, PeerSituation::Foreign)), Decision::Wait(Wait::PeerForeign));
}

#[test]
fn a_leaving_peer_gives_at_once_whatever_the_marks_say() {
    let peer = PeerSituation::Alive {
        state: Idle,
        mark: None,
        able: false,
        phase: Phase::Leaving,
        agrees: false,
        preferred: Side::Even,
    };
    assert_eq!(decide(&me(Side::Odd, Some(7), peer)), Decision::Claim(Cause::PeerLeaving));
}

#[test]
fn a_failed_start_is_sticky_while_the_peer_can() {
    let mut s = me(Side::Even, Some(4), alive(Idle, None));
    s.state = Failed;
    assert_eq!(decide(&s), Decision::Wait(Wait::Failed), "the right is the peer's");
    s.peer = alive(Idle, Some(5));
    assert_eq!(decide(&s), Decision::Decline, "the peer could, and waits for a mark above its own");
    s.peer = alive(Failed, Some(5));
    assert_eq!(decide(&s), Decision::Claim(Cause::Retry), "both failed");
    s.retry_due = false;
    assert_eq!(decide(&s), Decision::Wait(Wait::Retry));
}

#[test]
fn a_right_that_cannot_be_used_is_passed_on_once() {
    let mut s = me(Side::Even, None, alive(Idle, None));
    s.claimable = false;
    assert_eq!(decide(&s), Decision::Decline);
    s.mark = Some(2);
    assert_eq!(decide(&s), Decision::Wait(Wait::PeerRight), "passed on");
    let unable = PeerSituation::Alive {
        state: Idle,
        mark: None,
        able: false,
        phase: Phase::Up,
        agrees: true,
        preferred: Side::Even,
    };
    s.mark = None;
    s.peer = unable;
    assert_eq!(decide(&s), Decision::Wait(Wait::Scripts), "nobody could use it");
}

#[test]
fn lines_that_differ_start_on_one_node_and_move_nowhere() {
    let differ = |mark, preferred| PeerSituation::Alive {
        state: Idle,
        mark,
        able: true,
        phase: Phase::Up,
        agrees: false,
        preferred,
    };
    // Each line prefers its own node: the even side has the right, and both nodes know it.
    let mut even = me(Side::Even, None, differ(None, Side::Odd));
    even.preferred = Side::Even;
    let mut odd = me(Side::Odd, None, differ(None, Side::Even));
    odd.preferred = Side::Odd;
    assert_eq!(decide(&even), Decision::Claim(Cause::Right));
    assert_eq!(decide(&odd), Decision::Wait(Wait::PeerRight));
    // Once somebody yielded, the token does not travel between lines that differ.
    assert_eq!(
        decide(&me(Side::Odd, None, differ(Some(4), Side::Even))),
        Decision::Wait(Wait::ConfigDiffers)
    );
    assert_eq!(
        decide(&me(Side::Even, Some(4), differ(None, Side::Even))),
        Decision::Wait(Wait::ConfigDiffers)
    );
}

/// More than a pair of lines is out of step: the even side starts its own while all of the peer's is proven stopped.
#[test]
fn of_tangled_lines_one_side_starts_its_own() {
    let alien = |stuck, stopped, leaving| PeerSituation::Alien { stuck, stopped, leaving };
    for (side, mark) in [(Side::Even, None), (Side::Odd, None), (Side::Even, Some(4)), (Side::Odd, Some(5))] {
        let of = |peer| decide(&me(side, mark, peer));
        let waits = Decision::Wait(Wait::ConfigDiffers);
        let claims = Decision::Claim(Cause::Right);
        assert_eq!(of(alien(false, true, false)), if side == Side::Even { claims } else { waits });
        assert_eq!(of(alien(false, false, false)), waits);
        assert_eq!(of(alien(false, false, true)), waits, "it still stops");
        assert_eq!(of(alien(false, true, true)), Decision::Claim(Cause::PeerLeaving));
        assert_eq!(of(alien(true, true, true)), Decision::Wait(Wait::PeerStuck));
        assert_eq!(of(PeerSituation::Extra { stuck: false }), claims, "it is nobody else's");
        assert_eq!(of(PeerSituation::Extra { stuck: true }), Decision::Wait(Wait::PeerStuck));
    }
}
