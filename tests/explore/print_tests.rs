use super::*;

#[expect(dead_code, reason = "read by `Debug`")]
#[derive(Debug)]
struct Inner {
    seq: u32,
    epoch: u32,
}

#[expect(dead_code, reason = "read by `Debug`")]
#[derive(Debug)]
struct Peer {
    seq: u32,
    rx: u32,
    state: Option<u8>,
}

#[expect(dead_code, reason = "read by `Debug`")]
#[derive(Debug)]
struct Thing {
    groups: [Inner; 2],
    peer: Peer,
    challenge: [u8; 2],
    kind: Option<bool>,
    new: u32,
}

fn thing() -> Thing {
    Thing {
        groups: [Inner { seq: 7, epoch: 4 }, Inner { seq: 8, epoch: 5 }],
        peer: Peer { seq: 9, rx: 1, state: None },
        challenge: [1, 2],
        kind: Some(true),
        new: 3,
    }
}

#[test]
fn numbers_get_their_class_from_where_they_stand() {
    let print = Print::of(0, &thing());
    let expected = [
        (Class::Seq(0), 7),
        (Class::Epoch(0), 4),
        (Class::Seq(0), 8),
        (Class::Epoch(1), 5),
        (Class::Seq(1), 9),
        (Class::Name, 0x102),
    ];
    assert_eq!(print.values, expected);
}

#[test]
fn what_is_plain_or_unknown_tells_states_apart_and_counters_do_not() {
    let same = |change: fn(&mut Thing)| {
        let mut other = thing();
        change(&mut other);
        Print::of(0, &other).skeleton == Print::of(0, &thing()).skeleton
    };
    assert!(same(|t| t.peer.rx = 77) && same(|t| t.groups[0].seq = 1));
    assert!(!same(|t| t.new = 4) && !same(|t| t.kind = None) && !same(|t| t.kind = Some(false)));
}

/// The core's own type: the bytes are new with each, so they count as a name.
#[expect(dead_code, reason = "read by `Debug`")]
#[derive(Debug)]
struct Challenge {
    bytes: [u8; 2],
}

#[expect(dead_code, reason = "read by `Debug`")]
#[derive(Debug)]
struct Shake {
    challenge: Challenge,
    before: Option<Challenge>,
}

#[test]
fn the_bytes_of_a_challenge_are_a_name_wherever_it_stands() {
    let of = |now, before| {
        let shake = Shake { challenge: Challenge { bytes: now }, before: Some(Challenge { bytes: before }) };
        Print::of(0, &shake)
    };
    let print = of([1, 2], [3, 4]);
    assert_eq!(print.values, [(Class::Name, 0x102), (Class::Name, 0x304)]);
    assert_eq!(print.skeleton, of([5, 6], [7, 8]).skeleton);
}
