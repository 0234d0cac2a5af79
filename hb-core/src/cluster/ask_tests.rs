use super::*;

const HOLDER: Mac = [0, 12, 1, 2, 3, 4];
const FORGER: Mac = [6; 6];

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn at(n: u64) -> Instant {
    Instant::from_millis(n)
}

fn times(dead: bool) -> Times {
    Times { keepalive: ms(2000), lead: ms(2000), deadtime: ms(10_000), initdead: ms(60_000), dead }
}

/// A claim's round that begins at 8 s: a question each 500 ms, each heard out by `heard`.
fn asked(questions: u64, mut heard: impl FnMut(&mut Ask, u64)) -> Ask {
    let mut ask = Ask::new(1);
    ask.follow(Some(Purpose::Claim), at(8000));
    for n in 0..questions {
        ask.tick(&times(false), at(8000 + n * 500));
        assert!(core::mem::take(&mut ask.due), "question {n}");
        ask.left(1);
        heard(&mut ask, n);
    }
    ask
}

#[test]
fn three_questions_fit_between_warntime_and_deadtime() {
    let ask = asked(3, |_, _| {});
    assert!(!ask.enough(&times(false), at(9499)), "the last one may still be answered");
    assert!(ask.enough(&times(false), at(9500)));
    assert!(!asked(2, |_, _| {}).enough(&times(false), at(60_000)), "two are too few");
}

#[test]
fn a_question_that_did_not_leave_proves_nothing() {
    let mut ask = Ask::new(1);
    ask.follow(Some(Purpose::Claim), at(0));
    for n in 0..20 {
        ask.tick(&times(false), at(n * 500));
        if n % 3 != 2 {
            ask.left(1);
        }
    }
    assert!(!ask.enough(&times(false), at(60_000)), "never three in a row");
    let mut ask = asked(3, |_, _| {});
    ask.unable(at(9400));
    assert!(!ask.enough(&times(false), at(60_000)));
    assert!(ask.blind);
}

#[test]
fn every_address_of_the_group_must_be_asked_for() {
    let mut ask = Ask::new(0b101);
    ask.follow(Some(Purpose::Claim), at(0));
    for n in 0..20 {
        ask.tick(&times(false), at(n * 500));
        ask.left(0b001);
    }
    assert!(!ask.enough(&times(false), at(60_000)));
    for n in 20..23 {
        ask.tick(&times(false), at(n * 500));
        ask.left(0b001);
        ask.left(0b100);
    }
    assert!(ask.enough(&times(false), at(60_000)));
}

#[test]
fn silence_counts_on_a_network_that_lives_or_never_answered() {
    let ask = asked(3, |ask, _| ask.neighbour(1));
    assert!(ask.enough(&times(false), at(9500)));
    let ask = asked(9, |ask, n| {
        if n == 0 {
            ask.neighbour(1);
        }
    });
    assert!(!ask.enough(&times(false), at(20_000)), "it answered once, and is silent as well");
    assert!(ask.deaf(&times(false), at(18_000)));
    let mut two = asked(3, |_, _| {});
    two.mask = 0b11;
    two.neighbour(0b10);
    assert!(two.lives(), "each network for itself");
}

#[test]
fn it_is_quiet_one_deadtime_after_the_last_answer() {
    let mut ask = asked(1, |ask, _| {
        assert_eq!(ask.answer(HOLDER, &times(false), at(8001)), Came::Once);
        ask.answers(at(8001));
    });
    for n in 1..19 {
        ask.tick(&times(true), at(8000 + n * 1000));
        ask.left(1);
        assert_eq!(ask.enough(&times(true), at(8500 + n * 1000)), n >= 10, "{n}");
    }
}

#[test]
fn answers_count_only_while_questions_leave() {
    let mut ask = Ask::new(1);
    assert_eq!(ask.answer(HOLDER, &times(false), at(1)), Came::Nothing, "nobody asks");
    ask.follow(Some(Purpose::Claim), at(8000));
    assert_eq!(ask.answer(HOLDER, &times(false), at(8000)), Came::Nothing, "no question left yet");
    let mut ask = asked(1, |_, _| {});
    assert_eq!(ask.answer(HOLDER, &times(false), at(8001)), Came::Once);
    assert!(ask.last_answer().is_some());
    ask.follow(None, at(8100));
    ask.follow(Some(Purpose::Claim), at(9000));
    assert!(ask.last_answer().is_none(), "an answer to an earlier round");
}

#[test]
fn a_stream_that_nobody_asked_for_counts_for_nothing() {
    for pause in [1, 10, 100] {
        let mut ask = asked(4, |ask, n| {
            for at_ms in (0..500).step_by(pause) {
                if ask.answer(FORGER, &times(false), at(8000 + n * 500 + at_ms)) != Came::Nothing {
                    ask.answers(at(8000 + n * 500 + at_ms));
                }
            }
            ask.neighbour(1);
        });
        assert!(ask.last_answer().is_none(), "{pause} ms");
        assert_eq!(ask.stage, Stage::Asking);
        assert!(ask.enough(&times(false), at(10_000)), "{pause} ms: no later than without");
        // The holder is heard in spite of it.
        assert_eq!(ask.answer(HOLDER, &times(false), at(9501)), Came::Once);
    }
}

/// A question that is asked back has an answer more; a daemon that went on again asks, too.
#[test]
fn a_holder_that_answers_more_than_it_was_asked_now_and_then_is_no_stream() {
    let ask = asked(20, |ask, n| {
        let asked_at = 8000 + n * 500;
        let came = ask.answer(HOLDER, &times(false), at(asked_at + 1));
        assert_eq!(came, if n == 0 { Came::Once } else { Came::Counts });
        if n % 4 == 3 {
            assert_eq!(ask.answer(HOLDER, &times(false), at(asked_at + 300)), Came::Counts, "{n}");
        }
    });
    assert_eq!(ask.last_answer().map(|(_, _, mac)| mac), Some(HOLDER));
}

#[test]
fn answers_of_many_machines_at_once_count_from_the_second_on() {
    let mut ask = asked(6, |ask, n| {
        for k in 0..200_u64 {
            let mac = [2, 1, n as u8, (k >> 8) as u8, k as u8, 7];
            if ask.answer(mac, &times(false), at(8001 + n * 500)) != Came::Nothing {
                ask.answers(at(8001 + n * 500));
            }
        }
        ask.neighbour(1);
    });
    assert!(ask.last_answer().is_none(), "a new one each time");
    assert_eq!(ask.stage, Stage::Asking);
    for n in 6..8 {
        ask.tick(&times(false), at(8000 + n * 500));
        ask.answer(HOLDER, &times(false), at(8001 + n * 500));
    }
    assert_eq!(ask.last_answer().map(|(_, _, mac)| mac), Some(HOLDER));
}

#[test]
fn two_copies_of_each_answer_are_no_forgery() {
    let ask = asked(20, |ask, n| {
        for copy in 0..2 {
            let came = ask.answer(HOLDER, &times(false), at(8001 + copy + n * 500));
            assert_eq!(came, if n == 0 { Came::Once } else { Came::Counts });
        }
    });
    assert!(ask.last_answer().is_some());
}

#[test]
fn what_cannot_be_proven_is_waited_for_within_bounds() {
    let mut ask = Ask::new(1);
    ask.follow(Some(Purpose::Claim), at(8000));
    ask.tick(&times(true), at(8000));
    ask.unable(at(8000));
    assert!(!ask.given_up(&times(true), at(77_999)));
    assert!(ask.given_up(&times(true), at(78_000)), "initdead and a deadtime");
    ask.resign(at(78_000));
    assert_eq!(ask.stage, Stage::Silent);
    ask.unable(at(79_000));
    assert_eq!(ask.stage, Stage::Silent, "decided is decided");
    let mut ask = asked(1, |ask, _| {
        ask.answer(HOLDER, &times(false), at(8001));
        ask.answers(at(8001));
    });
    ask.unable(at(9000));
    assert!(!ask.given_up(&times(true), at(900_000)), "the holder was heard there");
}

#[test]
fn a_duplicate_is_one_while_the_peer_shows_itself_stopped() {
    let t = times(false);
    let mut ask = Ask::new(1);
    ask.suspect(HOLDER, 7, at(1000));
    assert_eq!(ask.convict(Some((7, at(4000))), &t, at(4999)), None, "too early");
    assert_eq!(ask.convict(Some((7, at(4000))), &t, at(5000)), Some(HOLDER));
    ask.suspect(HOLDER, 7, at(1000));
    assert_eq!(ask.convict(Some((9, at(4000))), &t, at(5000)), None, "it ran the group meanwhile");
    ask.suspect(HOLDER, 7, at(1000));
    assert_eq!(ask.convict(None, &t, at(5000)), None, "it runs the group, or is silent");
    ask.suspect(HOLDER, 7, at(1000));
    assert_eq!(ask.convict(Some((7, at(2000))), &t, at(5000)), None, "nothing was heard since");
}
