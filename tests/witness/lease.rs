//! Never two holders, in every order of what can happen: cuts, late and lost frames, starts of each member, orders, at both
//! ends of the drift. And the ways that are too long to be met there.

use crate::search::{Seen, search};
use crate::world::{LENGTH, Left, Runs, TERMS, WITNESS, World, at};
use hb_core::Duration;
use hb_core::witness::{Ask, From, Rate, State, Voter, Why};

const NONE: Left = Left { starts: [0; 3], stands: 2, orders: 0, late: 0 };
/// Which clocks are fast: of each kind the worst, a slow holder before fast voters, and their opposites.
const CLOCKS: [[u64; 3]; 4] = [[4, 5, 5], [5, 4, 4], [4, 5, 4], [4, 4, 5]];

fn never_two(left: Left, steps: u32) -> Vec<Seen> {
    let look =
        |rates| search(World::new(rates, left), steps).unwrap_or_else(|broken| panic!("{rates:?}: {broken}"));
    let all: Vec<Seen> = CLOCKS.into_iter().map(look).collect();
    // Nothing is shown by a search that never gets there.
    for seen in &all {
        assert!(seen.held == [true, true] && seen.moved, "{seen:?}");
    }
    all
}

#[test]
fn through_every_cut() {
    never_two(NONE, 5);
}

#[test]
fn through_a_late_frame() {
    let left = Left { late: 1, ..NONE };
    let seen = search(World::new([4, 5, 5], left), 4).unwrap_or_else(|broken| panic!("{broken}"));
    assert!(seen.moved, "{seen:?}");
}

#[test]
fn through_a_start_of_a_node() {
    never_two(Left { starts: [1, 0, 0], ..NONE }, 4);
}

#[test]
fn through_a_start_of_the_witness() {
    let seen = never_two(Left { starts: [0, 0, 1], ..NONE }, 4);
    assert!(seen.iter().all(|seen| seen.renewed), "no vote was renewed by the word of an earlier start");
}

#[test]
fn through_orders_and_what_is_given_back() {
    never_two(Left { stands: 3, orders: 1, late: 1, ..NONE }, 2);
}

#[test]
fn a_node_whose_clock_is_outside_the_drift_gets_no_vote() {
    // Its clock counts three where the others count five: it would hold long after their promise.
    let seen = search(World::new([3, 5, 5], NONE), 5).unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(seen.held, [false, true]);
}

/// Node 0 holds, by the witness alone.
fn held_by_the_witness() -> World {
    let mut world = World::new([4, 5, 5], NONE);
    assert!(world.nodes[0].stand(2));
    renew(&mut world);
    assert_eq!((world.nodes[0].state, world.runs[0]), (State::Holding, Runs::Group));
    world
}

/// One beat of node 0 to the witness, and back.
fn renew(world: &mut World) {
    world.beat(0, [false, true]);
    world.asked(0, 1);
    world.answered(0, 1);
}

#[test]
fn a_beat_of_before_a_start_of_the_witness_is_no_word_of_an_earlier_one() {
    let mut world = held_by_the_witness();
    world.start(WITNESS);
    world.nodes[0].hear(From::Witness, world.witness.boot);
    world.step();
    // It presents the word of the first start to the second one, and that frame is late.
    world.beat(0, [false, true]);
    for _ in 0..8 {
        world.step();
    }
    assert!(!world.runs_now(0));
    // The second start may vote by now, and does, for the other node.
    world.nodes[1].hear(From::Witness, world.witness.boot);
    assert!(world.nodes[1].stand(3));
    world.beat(1, [false, true]);
    world.asked(1, 1);
    world.answered(1, 1);
    assert!(world.runs_now(1));
    world.start(WITNESS);
    let late = world.asks[0][1].expect("it is on its way");
    let now = at(world.clocks[WITNESS]);
    assert_eq!(world.witness.ask(&late, Rate::Within, now, &TERMS), Err(Why::Elsewhen));
}

#[test]
fn a_witness_that_started_renews_by_its_own_word_alone() {
    let mut world = held_by_the_witness();
    world.start(WITNESS);
    world.step();
    // It has not heard of the start: its beat tells nothing.
    renew(&mut world);
    assert_eq!(world.witness.lease, None);
    world.nodes[0].hear(From::Witness, world.witness.boot);
    // Without the word a vote would be one anew.
    world.beat(0, [false, true]);
    let ask = world.asks[0][1].expect("a beat");
    assert!(ask.token.is_some());
    let mut other = world.witness;
    let now = at(world.clocks[WITNESS]);
    assert_eq!(other.ask(&Ask { token: None, ..ask }, Rate::Within, now, &TERMS), Err(Why::Muted));
    // A word of another tenure is none of this one's, and the word of this start proves nothing of before it.
    let word = ask.token.expect("a word");
    let mut tenure = word.tenure;
    tenure.epoch += 2;
    for wrong in
        [hb_core::witness::Vote { tenure, ..word }, hb_core::witness::Vote { boot: other.boot, ..word }]
    {
        assert_eq!(other.ask(&Ask { token: Some(wrong), ..ask }, Rate::Within, now, &TERMS), Err(Why::Muted));
    }
    world.asked(0, 1);
    world.answered(0, 1);
    assert_eq!(world.nodes[0].votes[1].map(|held| held.vote.boot), Some(world.witness.boot));
    // And it holds on through as many steps as there are beats.
    for _ in 0..6 {
        world.step();
        renew(&mut world);
        assert!(world.runs_now(0) && world.nodes[0].state == State::Holding);
    }
}

#[test]
fn a_word_that_has_ended_is_not_presented() {
    let mut world = held_by_the_witness();
    // The peer's vote carries it on, and the witness is cut off until its vote has ended.
    for _ in 0..4 {
        world.step();
        world.beat(0, [true, false]);
        world.asked(0, 0);
        world.answered(0, 0);
    }
    assert!(world.nodes[0].state == State::Holding && world.nodes[0].votes[1].is_some());
    world.start(WITNESS);
    world.nodes[0].hear(From::Witness, world.witness.boot);
    world.beat(0, [false, true]);
    assert_eq!(world.asks[0][1].and_then(|ask| ask.token), None);
}

#[test]
fn a_vote_longer_than_any_start_waits_for_is_refused() {
    let mut world = World::new([4; 3], NONE);
    assert!(world.nodes[0].stand(2));
    world.beat(0, [false, true]);
    let ask = world.asks[0][1].expect("a beat");
    let longer = Ask { length: LENGTH.plus(Duration::from_micros(1)), ..ask };
    let now = at(world.clocks[WITNESS]);
    assert_eq!(world.witness.ask(&longer, Rate::Within, now, &TERMS), Err(Why::TooLong));
    assert!(world.witness.ask(&ask, Rate::Within, now, &TERMS).is_ok());
}

#[test]
fn a_life_that_its_peer_kept_up_gets_the_witness_back_by_its_epoch() {
    let mut world = held_by_the_witness();
    for _ in 0..8 {
        world.step();
        world.beat(0, [true, false]);
        world.asked(0, 0);
        world.answered(0, 0);
    }
    assert!(world.witness.backs(at(world.clocks[WITNESS])).is_none());
    renew(&mut world);
    assert!(world.witness.backs(at(world.clocks[WITNESS])).is_some());
}

#[test]
fn what_was_played_back_backs_nobody() {
    let mut world = held_by_the_witness();
    world.beat(0, [false, true]);
    let recorded = world.asks[0][1].expect("a beat");
    world.asked(0, 1);
    world.stopped(0, [false, true]);
    world.asked(0, 1);
    let now = at(world.clocks[WITNESS]);
    assert!(world.witness.backs(now).is_none(), "it was given back");
    assert_eq!(world.witness.ask(&recorded, Rate::Within, now, &TERMS), Err(Why::Old));
    // Nor does an epoch at or below the one that ended, whoever asks.
    let mut older = recorded;
    (older.tenure.life.nonce, older.number) = (99, 1000);
    assert_eq!(world.witness.ask(&older, Rate::Within, now, &TERMS), Err(Why::Old));
}

#[test]
fn nobody_gets_a_vote_before_its_clock_was_measured_but_by_a_word() {
    let mut world = World::new([4; 3], NONE);
    assert!(world.nodes[0].stand(2));
    world.beat(0, [false, true]);
    let ask = world.asks[0][1].expect("a beat");
    let now = at(world.clocks[WITNESS]);
    let mut voter: Voter = world.witness;
    assert_eq!(voter.ask(&ask, Rate::Unknown, now, &TERMS), Err(Why::Clock));
    let vote = voter.ask(&ask, Rate::Within, now, &TERMS).expect("a vote");
    // After a start of the voter it is not known again, and the word carries it over.
    let mut voter = Voter::new(77, now, &TERMS);
    let word = Ask { heard: 77, token: Some(vote), number: 2, ..ask };
    assert_eq!(voter.ask(&word, Rate::Outside, now, &TERMS), Err(Why::Clock));
    assert!(voter.ask(&word, Rate::Unknown, now, &TERMS).is_ok());
}

#[test]
fn what_gives_a_claim_back_late_ends_no_later_one() {
    let mut world = held_by_the_witness();
    world.stopped(0, [false, true]);
    let late = world.asks[0][1].take().expect("it gives its vote back");
    assert!(world.nodes[0].stand(4));
    renew(&mut world);
    assert!(world.runs_now(0));
    let now = at(world.clocks[WITNESS]);
    assert_eq!(world.witness.ask(&late, Rate::Within, now, &TERMS), Err(Why::Old));
    assert!(world.witness.backs(now).is_some());
}
