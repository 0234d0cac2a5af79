use super::*;

const STAGES: [Stage; 8] = [
    Stage::Unread,
    Stage::Rest,
    Stage::Pulling,
    Stage::Last,
    Stage::Ending,
    Stage::Writing,
    Stage::Written,
    Stage::Live,
];
const EVENTS: [CopyEvent; 11] = [
    CopyEvent::Read,
    CopyEvent::Due,
    CopyEvent::Fetch,
    CopyEvent::Halt,
    CopyEvent::Whole,
    CopyEvent::Cut,
    CopyEvent::Sign,
    CopyEvent::Signed,
    CopyEvent::Unsigned,
    CopyEvent::Held,
    CopyEvent::Over,
];

/// A pull runs, or may still run.
fn pulls(stage: Stage) -> bool {
    matches!(stage, Stage::Pulling | Stage::Last | Stage::Ending)
}

/// Scripts of a tenure may run.
fn serves(stage: Stage) -> bool {
    matches!(stage, Stage::Written | Stage::Live)
}

/// Every pair, against the rules of DESIGN §9 and not against the table.
#[test]
fn every_pair_keeps_the_rules() {
    for stage in STAGES {
        for event in EVENTS {
            let (to, effect) = next(stage, event);
            let what = format!("{stage:?} on {event:?} gives {to:?}, {effect:?}");
            // A pull begins only at rest, and nothing but its own end ends it.
            assert_eq!(effect == Effect::Pull, pulls(to) && !pulls(stage), "{what}");
            assert!(effect != Effect::Pull || stage == Stage::Rest, "{what}");
            if pulls(stage) && !pulls(to) {
                assert!(matches!(event, CopyEvent::Whole | CopyEvent::Cut), "{what}");
                assert_eq!(to, Stage::Rest, "{what}");
            }
            // It is told to end once.
            assert_eq!(effect == Effect::End, to == Stage::Ending && stage != Stage::Ending, "{what}");
            // No script without the stamp on the disk, and none while a pull may still write.
            if serves(to) && !serves(stage) {
                assert_eq!((stage, event), (Stage::Writing, CopyEvent::Signed), "{what}");
            }
            if to == Stage::Live && stage != Stage::Live {
                assert_eq!((stage, event), (Stage::Written, CopyEvent::Held), "{what}");
            }
            assert_eq!(effect == Effect::Write, to == Stage::Writing && stage != Stage::Writing, "{what}");
            // A stamp that was written, or may have been, for a tenure that never served is taken back.
            let undone = matches!(stage, Stage::Writing | Stage::Written) && to == Stage::Rest;
            assert_eq!(effect == Effect::Restore, undone, "{what}");
            // The end of a tenure that served is noted, for without that its disk counts as one that was cut short.
            assert_eq!(effect == Effect::Close, stage == Stage::Live && to == Stage::Rest, "{what}");
            // What stands still does nothing; what was never read is never used.
            assert!(to != stage || effect == Effect::None, "{what}");
            assert!(stage != Stage::Unread || to == Stage::Unread || event == CopyEvent::Read, "{what}");
            assert!(stage == Stage::Unread || to != Stage::Unread, "{what}");
        }
    }
}

#[test]
fn every_stage_is_reached_and_left() {
    for target in STAGES {
        let entered = STAGES.iter().any(|s| *s != target && EVENTS.iter().any(|e| next(*s, *e).0 == target));
        assert!(entered || target == Stage::Unread, "{target:?}");
        assert!(EVENTS.iter().any(|e| next(target, *e).0 != target), "{target:?} is a trap");
    }
}

fn config(stale: StalePolicy) -> DataConfig {
    let (interval, limit) = (Duration::from_secs(60), Duration::from_secs(30));
    DataConfig { interval, limit, stale_after: Duration::from_secs(3600), stale }
}

fn stamp(epoch: u32) -> Stamp {
    Stamp { epoch, line: 7, from: None, partial: false, diverged: false, last: false }
}

#[test]
fn each_policy_decides_about_each_kind_of_stale_copy() {
    use StalePolicy::{Accept, AcceptAge, Refuse, Wait};
    let at = Instant::from_millis(1_000_000);
    let unread = Copy::new(config(StalePolicy::AcceptAge), 0);
    let read = |stamp, age| {
        let mut copy = Copy::new(config(StalePolicy::AcceptAge), 4);
        copy.stage = next(copy.stage, CopyEvent::Read).0;
        copy.read(stamp, age, at);
        copy
    };
    let hour = Some(Duration::from_secs(3600));
    let partial = read(Stamp { partial: true, ..stamp(4) }, hour);
    let behind = read(stamp(2), hour);
    let old = read(stamp(4), Some(Duration::from_secs(3601)));
    let unknown = read(stamp(4), None);
    let good = read(stamp(4), hour);
    let missing = read(Stamp::NONE, None);
    let first = Copy { newest: 0, ..missing.clone() };
    // The even side wrote them; the odd one pulled.
    for (copy, stale, passes) in [
        (&unread, Some(Stale::Unread), [false; 4]),
        (&partial, Some(Stale::Partial), [false, false, false, true]),
        (&behind, Some(Stale::Behind), [false, false, false, true]),
        (&old, Some(Stale::Old), [true, false, false, true]),
        (&unknown, Some(Stale::Old), [true, false, false, true]),
        (&good, None, [true; 4]),
        (&missing, Some(Stale::Missing), [false; 4]),
        (&first, None, [true; 4]),
    ] {
        for (policy, passes) in [AcceptAge, Refuse, Wait, Accept].into_iter().zip(passes) {
            let copy = Copy { config: config(policy), ..copy.clone() };
            assert_eq!(copy.stale(Side::Odd, at), stale);
            assert_eq!(copy.blocked(Side::Odd, at), stale.filter(|_| !passes), "{policy:?} {stale:?}");
            let asked = Copy { accepted: true, ..copy };
            let stubborn = matches!(stale, Some(Stale::Unread | Stale::Missing)) || policy == Refuse;
            let blocked = asked.blocked(Side::Odd, at);
            assert_eq!(blocked, stale.filter(|_| stubborn), "{policy:?} {stale:?}, asked for");
        }
    }
    assert_eq!(old.stale(Side::Even, at), None, "what this node wrote itself has no age");
    assert_eq!(old.age(Side::Even, at), None);
}

#[test]
fn the_age_grows_across_lives_and_begins_with_the_pull() {
    let mut copy = Copy::new(config(StalePolicy::AcceptAge), 0);
    let boot = Instant::from_millis(60_000);
    copy.read(stamp(4), Some(Duration::from_millis(86_400_001)), boot);
    let later = boot.plus(Duration::from_secs(5));
    assert_eq!(copy.age(Side::Odd, later), Some(Duration::from_millis(86_405_001)));
    copy.begun = later;
    copy.whole(stamp(4), 0);
    let end = later.plus(Duration::from_secs(9));
    assert_eq!(
        copy.age(Side::Odd, end),
        Some(Duration::from_secs(9)),
        "what was written meanwhile may be missing"
    );
}

#[test]
fn pauses_between_handovers_grow_and_are_forgotten_in_service() {
    let mut copy = Copy::new(config(StalePolicy::AcceptAge), 0);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        copy.rest_from_handovers(Instant::ZERO);
        pauses.push(copy.pause_until.since(Instant::ZERO).as_millis() / 1000);
    }
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]);
    copy.serve(Side::Even, 6);
    copy.rest_from_handovers(Instant::ZERO);
    assert_eq!(copy.pause_until, Instant::ZERO.plus(PAUSE_FIRST));
}

/// The writer's disk came back without its last seconds, or from a backup, while the other node had pulled them: that copy
/// is no earlier state of what is written from there on.
#[test]
fn a_tenure_on_what_was_cut_short_begins_a_line_of_its_own() {
    let pulled = stamp(4);
    assert!(!pulled.may_hold_more(Side::Odd, &stamp(4).begin(Side::Even, 6, 99)), "in order: the same line");
    let back = Stamp { diverged: true, ..stamp(4) };
    let tenure = back.begin(Side::Even, 6, 99);
    assert_eq!((tenure.line, tenure.diverged), (99, false));
    assert_eq!(tenure.from.map(|from| (from.epoch, from.line, from.last)), Some((4, 7, false)));
    assert!(tenure.is_sound() && pulled.may_hold_more(Side::Odd, &tenure), "the pull keeps");
}
