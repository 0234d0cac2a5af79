use super::*;
use crate::cluster::call::KILL_GRACE;

const LIMITS: ScriptLimits = ScriptLimits {
    start: Duration::from_secs(60),
    stop: Duration::from_secs(30),
    status: Duration::from_secs(10),
};

/// Runs a sequence against `world`, which answers (resource, verb, how many calls so far); gives the calls and the end.
fn begin_clean(resources: u8, started: bool) -> Sequence {
    let mut sequence = Sequence::begin(Goal::Clean, resources);
    sequence.recall(started);
    sequence
}

fn run(mut seq: Sequence, mut world: impl FnMut(u8, Verb, usize) -> Outcome) -> (Vec<(u8, Verb)>, Finish) {
    let (mut calls, mut now) = (Vec::new(), Instant::ZERO);
    for token in 0..1000 {
        match seq.poll(now, &LIMITS) {
            Request::Run { resource, verb } => {
                seq.called(Token(token), resource, verb, now, &LIMITS);
                calls.push((resource, verb));
                let outcome = world(resource, verb, calls.len());
                assert!(seq.done(Token(token), outcome, now, &LIMITS));
            }
            Request::Wait(until) => now = until,
            Request::Finished(finish) => return (calls, finish),
            Request::Kill(_) => panic!("nothing to kill"),
        }
    }
    panic!("no end: {seq:?}")
}

/// A well-behaved pair of resources with state.
fn honest(up: [bool; 2]) -> impl FnMut(u8, Verb, usize) -> Outcome {
    let mut up = up;
    move |resource, verb, _| {
        let state = &mut up[usize::from(resource)];
        match verb {
            Verb::Start => *state = true,
            Verb::Stop => *state = false,
            Verb::Status => return if *state { Outcome::Running } else { Outcome::Stopped },
        }
        Outcome::Ok
    }
}

use Verb::{Start, Status, Stop};

#[test]
fn up_goes_left_to_right_and_skips_what_runs() {
    let (calls, end) = run(Sequence::begin(Goal::Start, 2), honest([false, false]));
    assert_eq!((calls, end), (vec![(0, Status), (0, Start), (1, Status), (1, Start)], Finish::Started));
    let (calls, end) = run(Sequence::begin(Goal::Start, 2), honest([true, false]));
    assert_eq!((calls, end), (vec![(0, Status), (1, Status), (1, Start)], Finish::Started));
}

#[test]
fn down_goes_right_to_left_with_proof() {
    let (calls, end) = run(Sequence::begin(Goal::Stop, 2), honest([true, true]));
    assert_eq!((calls, end), (vec![(1, Stop), (1, Status), (0, Stop), (0, Status)], Finish::Stopped));
}

#[test]
fn the_clean_up_stops_only_what_is_not_stopped() {
    let (calls, end) = run(Sequence::begin(Goal::Clean, 2), honest([true, false]));
    assert_eq!((calls, end), (vec![(1, Status), (0, Status), (0, Stop), (0, Status)], Finish::Stopped));
}

#[test]
fn a_clean_up_that_cannot_run_a_script_has_no_end_but_where_this_boot_started_nothing() {
    for (present, started) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut seq = begin_clean(2, started);
        seq.believe(present);
        let (mut now, mut calls) = (Instant::ZERO, 0);
        let begun = now;
        let end = loop {
            match seq.poll(now, &LIMITS) {
                Request::Run { resource, verb } => {
                    assert_eq!(verb, Status, "nothing is stopped on no answer");
                    calls += 1;
                    seq.called(Token(calls), resource, verb, now, &LIMITS);
                    seq.done(Token(calls), Outcome::NotRun, now, &LIMITS);
                }
                Request::Wait(until) => now = until,
                Request::Finished(finish) => break Some(finish),
                Request::Kill(_) => panic!("nothing to kill"),
            }
            if now.since(begun) > Duration::from_secs(600) {
                break None;
            }
        };
        let over = (!present && !started).then_some(Finish::Stopped);
        assert_eq!(end, over, "present {present}, started {started}");
        assert!(calls < 200, "with pauses: {calls}");
        assert_eq!(seq.waits_for_script(), over.is_none());
        if over.is_none() {
            // The script is back: the group is proven stopped like any other.
            seq.believe(true);
            let (calls, end) = run(seq, honest([true, false]));
            assert_eq!((calls.first(), end), (Some(&(1, Status)), Finish::Stopped));
        }
    }
}

#[test]
fn a_call_that_could_not_be_run_is_tried_again_on_every_step() {
    for goal in [Goal::Clean, Goal::Start, Goal::Stop, Goal::Restart(0)] {
        let up = [matches!(goal, Goal::Stop | Goal::Restart(_) | Goal::Clean), false];
        let (plain, end) = run(Sequence::begin(goal, 1), honest(up));
        for fails in 1..=plain.len() {
            for times in 1..4 {
                let (mut inner, mut n) = (honest(up), 0);
                let world = |resource, verb, _| {
                    n += 1;
                    let now = (fails..fails + times).contains(&n);
                    if now { Outcome::NotRun } else { inner(resource, verb, 0) }
                };
                let (calls, ended) = run(Sequence::begin(goal, 1), world);
                assert_eq!(ended, end, "{goal:?}: call {fails} could not be run, {times} times");
                assert_eq!(calls.len(), plain.len() + times, "{calls:?}");
            }
        }
    }
    let (calls, end) = run(Sequence::begin(Goal::Stop, 1), |_, _, _| Outcome::NotRun);
    assert_eq!(end, Finish::StopFailed, "within the limit of a stop");
    assert!((20..60).contains(&calls.len()), "{}", calls.len());
    let (_, end) = run(Sequence::begin(Goal::Start, 1), |_, _, _| Outcome::NotRun);
    assert_eq!(end, Finish::StartFailed, "within the limit of a start: nothing was begun");
}

#[test]
fn a_clean_up_that_cannot_run_a_stop_does_not_end_on_a_word_of_status() {
    for first in [Outcome::Running, Outcome::Partly, Outcome::Unclear, Outcome::Failed(1), Outcome::Killed] {
        // For longer than any limit `stop` cannot be run, while `status` says stopped after its first answer.
        let (mut stops, mut asked) = (0, 0);
        let (calls, end) = run(Sequence::begin(Goal::Clean, 1), |_, verb, _| match verb {
            Stop => {
                stops += 1;
                if stops < 100 { Outcome::NotRun } else { Outcome::Ok }
            }
            Status => {
                asked += 1;
                if asked == 1 { first } else { Outcome::Stopped }
            }
            Start => panic!("nothing is started"),
        });
        assert_eq!((end, stops), (Finish::Stopped, 100), "{first:?}: a stop answered: {calls:?}");
        assert_eq!(calls.last(), Some(&(0, Status)));
    }
}

#[test]
fn a_failed_start_takes_down_all_and_says_so() {
    let mut inner = honest([false, false]);
    let world = |resource, verb, n| {
        if (resource, verb) == (1, Start) { Outcome::Failed(1) } else { inner(resource, verb, n) }
    };
    let (calls, end) = run(Sequence::begin(Goal::Start, 2), world);
    assert_eq!(end, Finish::StartFailed);
    assert_eq!(
        calls,
        [
            (0, Status),
            (0, Start),
            (1, Status),
            (1, Start),
            (1, Status),
            (1, Stop),
            (1, Status),
            (0, Stop),
            (0, Status)
        ]
    );
}

#[test]
fn a_start_that_says_no_of_a_running_service_is_a_start() {
    let mut inner = honest([false, false]);
    let world = |resource, verb, n| {
        let answer = inner(resource, verb, n);
        if verb == Start { Outcome::Failed(1) } else { answer }
    };
    assert_eq!(run(Sequence::begin(Goal::Start, 2), world).1, Finish::Started);
}

#[test]
fn a_missing_script_fails_the_start_and_is_not_asked_to_stop() {
    let mut inner = honest([false, false]);
    let world = |resource, verb, n| if resource == 1 { Outcome::NotRun } else { inner(resource, verb, n) };
    let missing = |resources| {
        let mut seq = Sequence::begin(Goal::Start, resources);
        seq.believe(false);
        seq
    };
    let (calls, end) = run(missing(2), world);
    assert_eq!(calls, [(0, Status), (0, Start), (1, Status), (0, Stop), (0, Status)]);
    assert_eq!(end, Finish::StartFailed);
    let (calls, end) = run(missing(1), |_, _, _| Outcome::NotRun);
    assert_eq!((calls, end), (vec![(0, Status)], Finish::StartFailed));
}

#[test]
fn a_stop_that_says_no_of_a_stopped_service_is_asked_twice_and_believed() {
    let (calls, end) = run(Sequence::begin(Goal::Stop, 1), |_, verb, _| match verb {
        Stop => Outcome::Failed(1),
        Start | Status => Outcome::Stopped,
    });
    assert_eq!((calls, end), (vec![(0, Stop), (0, Status), (0, Stop), (0, Status)], Finish::Stopped));
}

#[test]
fn a_stop_that_takes_its_time_is_asked_again_and_one_that_never_stops_is_stuck() {
    let slow = |_, verb, n| match verb {
        Status if n >= 6 => Outcome::Stopped,
        Status => Outcome::Running,
        Start | Stop => Outcome::Ok,
    };
    assert_eq!(run(Sequence::begin(Goal::Stop, 1), slow).1, Finish::Stopped);
    let never = |_, verb, _| if verb == Status { Outcome::Running } else { Outcome::Ok };
    let (calls, end) = run(Sequence::begin(Goal::Stop, 1), never);
    assert_eq!(end, Finish::StopFailed);
    assert!((20..90).contains(&calls.len()), "bounded by the limit of one stop: {}", calls.len());
    let world = |_, verb, _| if verb == Stop { Outcome::Killed } else { Outcome::Stopped };
    assert_eq!(run(Sequence::begin(Goal::Stop, 1), world).1, Finish::StopFailed, "its limit is over");
}

#[test]
fn a_script_without_a_status_is_stopped_at_the_daemons_start_and_else_taken_at_its_word() {
    let mute = |_, verb, _| if verb == Status { Outcome::Unclear } else { Outcome::Ok };
    let (calls, end) = run(Sequence::begin(Goal::Clean, 1), mute);
    assert_eq!((calls, end), (vec![(0, Status), (0, Stop), (0, Status)], Finish::Stopped));
    let (calls, end) = run(Sequence::begin(Goal::Start, 1), mute);
    assert_eq!((calls, end), (vec![(0, Status), (0, Start)], Finish::Started));
    assert_eq!(run(Sequence::begin(Goal::Stop, 1), mute).1, Finish::Stopped);
}

#[test]
fn silence_excuses_a_stop_that_said_no_only_where_this_boot_started_nothing() {
    let refuses = |_, verb, _| if verb == Status { Outcome::Unclear } else { Outcome::Failed(1) };
    let (calls, end) = run(begin_clean(1, false), refuses);
    assert_eq!((calls.len(), end), (5, Finish::Stopped), "asked twice, and on record as not started");
    for seq in [begin_clean(1, true), Sequence::begin(Goal::Stop, 1), Sequence::begin(Goal::Start, 1)] {
        let (calls, end) = run(seq, refuses);
        assert_eq!(end, Finish::StopFailed);
        assert!((40..90).contains(&calls.len()), "within the limit of one stop: {}", calls.len());
    }
    // It was seen running, so it did not say no because there is nothing to stop.
    let seen = |_, verb, n| match verb {
        Status if n == 1 => Outcome::Running,
        Status => Outcome::Unclear,
        Start | Stop => Outcome::Failed(1),
    };
    assert_eq!(run(begin_clean(1, false), seen).1, Finish::StopFailed);
    let seen_later = |_, verb, n| match verb {
        Status if n == 3 => Outcome::Partly,
        Status => Outcome::Unclear,
        Start | Stop => Outcome::Failed(1),
    };
    assert_eq!(run(begin_clean(1, false), seen_later).1, Finish::StopFailed);
    // No, no, and then yes: that is a stop.
    let late = |_, verb, n| match verb {
        Stop if n >= 5 => Outcome::Ok,
        Stop => Outcome::Failed(1),
        Start | Status => Outcome::Unclear,
    };
    assert_eq!(run(Sequence::begin(Goal::Stop, 1), late).1, Finish::Stopped);
    for unanswered in [Outcome::Killed, Outcome::Failed(1)] {
        let world = |_, verb, n| match verb {
            Status if n < 8 => unanswered,
            Status => Outcome::Stopped,
            Start | Stop => Outcome::Ok,
        };
        assert_eq!(
            run(Sequence::begin(Goal::Stop, 1), world).1,
            Finish::Stopped,
            "{unanswered:?}: asked again"
        );
    }
}

#[test]
fn the_culprit_is_the_call_that_it_failed_of() {
    let culprit = |mut seq: Sequence, world: &mut dyn FnMut(u8, Verb, usize) -> Outcome| {
        let (mut now, mut n) = (Instant::ZERO, 0);
        loop {
            match seq.poll(now, &LIMITS) {
                Request::Run { resource, verb } => {
                    n += 1;
                    seq.called(Token(1), resource, verb, now, &LIMITS);
                    seq.done(Token(1), world(resource, verb, n), now, &LIMITS);
                }
                Request::Wait(until) => now = until,
                Request::Finished(finish) => return (finish, seq.culprit()),
                Request::Kill(_) => panic!("nothing to kill"),
            }
        }
    };
    let of = |resource, verb, outcome| Some(Culprit { resource, verb, outcome });
    let mut start = |resource, verb, _| match (resource, verb) {
        (1, Start) => Outcome::Failed(5),
        (_, Status) => Outcome::Stopped,
        _ => Outcome::Ok,
    };
    let found = culprit(Sequence::begin(Goal::Start, 2), &mut start);
    assert_eq!(found, (Finish::StartFailed, of(1, Start, Outcome::Failed(5))));
    let mut stop = |resource, verb, _| match (resource, verb) {
        (0, Stop) => Outcome::Failed(32),
        (0, Status) => Outcome::Running,
        (_, Status) => Outcome::Stopped,
        _ => Outcome::Ok,
    };
    let found = culprit(Sequence::begin(Goal::Stop, 2), &mut stop);
    assert_eq!(found, (Finish::StopFailed, of(0, Stop, Outcome::Failed(32))), "not what status said of it");
    let mut lies = |_, verb, _| if verb == Status { Outcome::Running } else { Outcome::Ok };
    let found = culprit(Sequence::begin(Goal::Stop, 1), &mut lies);
    assert_eq!(found, (Finish::StopFailed, of(0, Status, Outcome::Running)));
    assert_eq!(culprit(Sequence::begin(Goal::Stop, 2), &mut honest([true, true])), (Finish::Stopped, None));
}

#[test]
fn a_stop_that_refuses_once_is_asked_again_though_it_was_asked_before() {
    // Twice it says yes and goes on running, then it says no and has stopped.
    let late = |_, verb, n| match verb {
        Status if n >= 6 => Outcome::Stopped,
        Status => Outcome::Running,
        Stop if n == 5 => Outcome::Failed(1),
        Start | Stop => Outcome::Ok,
    };
    let (calls, end) = run(Sequence::begin(Goal::Stop, 1), late);
    assert_eq!(end, Finish::Stopped);
    let verbs: Vec<Verb> = calls.iter().map(|call| call.1).collect();
    assert_eq!(
        verbs,
        [Stop, Status, Stop, Status, Stop, Status, Stop, Status],
        "its no is not believed alone"
    );
}

#[test]
fn half_a_service_is_stopped_again_until_all_of_it_is_and_is_never_taken_for_a_start() {
    let slow = |_, verb, n| match verb {
        Status if n >= 4 => Outcome::Stopped,
        Status => Outcome::Partly,
        Start | Stop => Outcome::Ok,
    };
    let (calls, end) = run(Sequence::begin(Goal::Stop, 1), slow);
    assert_eq!(end, Finish::Stopped);
    assert_eq!(calls.iter().filter(|(_, verb)| *verb == Stop).count(), 2, "{calls:?}");
    let never = |_, verb, _| if verb == Status { Outcome::Partly } else { Outcome::Ok };
    assert_eq!(run(Sequence::begin(Goal::Stop, 1), never).1, Finish::StopFailed);
    let (calls, _) = run(Sequence::begin(Goal::Clean, 1), slow);
    assert_eq!(calls[..2], [(0, Status), (0, Stop)], "left over in part: stopped");
    let (calls, end) = run(Sequence::begin(Goal::Start, 1), never);
    assert_eq!((calls, end), (vec![(0, Status), (0, Start)], Finish::Started), "what lacks is started");
    let refuses = |_, verb, _| if verb == Start { Outcome::Failed(1) } else { Outcome::Partly };
    assert_eq!(run(Sequence::begin(Goal::Start, 1), refuses).1, Finish::StopFailed, "no start, and no stop");
}

#[test]
fn a_restart_moves_only_what_is_right_of_the_failing_one() {
    let (calls, end) = run(Sequence::begin(Goal::Restart(1), 2), honest([true, true]));
    assert_eq!((calls, end), (vec![(1, Stop), (1, Status), (1, Status), (1, Start)], Finish::Started));
    let mut inner = honest([true, true]);
    let world = |resource, verb, n| if verb == Start { Outcome::Failed(1) } else { inner(resource, verb, n) };
    let (calls, end) = run(Sequence::begin(Goal::Restart(1), 2), world);
    assert_eq!((calls.last(), end), (Some(&(0, Status)), Finish::StartFailed));
}

#[test]
fn a_call_past_its_limit_is_killed_and_given_up_at_last() {
    let mut seq = Sequence::begin(Goal::Start, 1);
    assert_eq!(seq.poll(Instant::ZERO, &LIMITS), Request::Run { resource: 0, verb: Status });
    seq.called(Token(1), 0, Status, Instant::ZERO, &LIMITS);
    let limit = Instant::ZERO.plus(LIMITS.status);
    assert_eq!(seq.poll(Instant::from_millis(5), &LIMITS), Request::Wait(limit));
    assert_eq!(seq.poll(limit, &LIMITS), Request::Kill(Token(1)));
    assert_eq!(seq.poll(limit, &LIMITS), Request::Wait(limit.plus(KILL_GRACE)), "killed once");
    assert_eq!(seq.poll(limit.plus(KILL_GRACE), &LIMITS), Request::Finished(Finish::StartFailed));
    assert!(!seq.done(Token(1), Outcome::Killed, limit, &LIMITS), "too late: it was given up");
}

/// A mount of a server that is gone: nothing kills it, and it may come through at any time.
#[test]
fn a_start_that_nothing_can_kill_is_never_proven_stopped() {
    for aborted in [false, true] {
        let mut seq = Sequence::begin(Goal::Start, 1);
        let mut now = Instant::ZERO;
        seq.called(Token(1), 0, Status, now, &LIMITS);
        seq.done(Token(1), Outcome::Stopped, now, &LIMITS);
        seq.called(Token(2), 0, Start, now, &LIMITS);
        if aborted {
            seq.abort(now);
        }
        loop {
            match seq.poll(now, &LIMITS) {
                Request::Wait(until) => now = until,
                Request::Kill(token) => assert_eq!(token, Token(2)),
                Request::Run { verb, .. } => {
                    assert_eq!(verb, Stop);
                    break;
                }
                Request::Finished(finish) => panic!("{finish:?}"),
            }
        }
        let (calls, end) = run(seq, honest([false, false]));
        assert_eq!((calls, end), (vec![(0, Stop), (0, Status)], Finish::StopFailed));
    }
}

#[test]
fn an_abort_kills_the_start_and_takes_down_what_was_begun() {
    let mut seq = Sequence::begin(Goal::Start, 2);
    let now = Instant::ZERO;
    for (token, outcome) in [(1, Outcome::Stopped), (2, Outcome::Ok), (3, Outcome::Stopped)] {
        let Request::Run { resource, verb } = seq.poll(now, &LIMITS) else { panic!() };
        seq.called(Token(token), resource, verb, now, &LIMITS);
        seq.done(Token(token), outcome, now, &LIMITS);
    }
    assert_eq!(seq.poll(now, &LIMITS), Request::Run { resource: 1, verb: Start });
    seq.called(Token(4), 1, Start, now, &LIMITS);
    seq.abort(now);
    assert_eq!(seq.poll(now, &LIMITS), Request::Kill(Token(4)));
    seq.done(Token(4), Outcome::Killed, now, &LIMITS);
    let (calls, end) = run(seq, honest([true, true]));
    assert_eq!((calls, end), (vec![(1, Stop), (1, Status), (0, Stop), (0, Status)], Finish::Stopped));
}

#[test]
fn every_step_and_outcome_leads_somewhere() {
    let outcomes = [
        Outcome::Ok,
        Outcome::Failed(1),
        Outcome::Running,
        Outcome::Stopped,
        Outcome::Unclear,
        Outcome::Partly,
        Outcome::Killed,
        Outcome::NotRun,
    ];
    for goal in [Goal::Clean, Goal::Start, Goal::Stop, Goal::Restart(1)] {
        for first in outcomes {
            for second in outcomes {
                for third in outcomes {
                    let script = [first, second, third];
                    if goal == Goal::Clean && script.contains(&Outcome::NotRun) {
                        // It ends once the script can be run, and not before.
                        continue;
                    }
                    let (calls, end) = run(Sequence::begin(goal, 3), |_, _, n| script[n % 3]);
                    assert!(!calls.is_empty());
                    let up = matches!(goal, Goal::Start | Goal::Restart(_));
                    assert!(
                        up || !matches!(end, Finish::Started | Finish::StartFailed),
                        "{goal:?} {script:?}: {end:?}"
                    );
                }
            }
        }
    }
}
