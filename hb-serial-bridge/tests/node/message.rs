//! What a node says that is not there. For the tests here, and for `hil`, which plays the nodes at an emulated board.

use hb_core::message::{Beat, GroupBeat, GroupName, GroupState, Hello, Message, Phase};
use hb_core::{Duration, Incarnation, Side};

/// The hello of a node that has met nobody, after boot `boot`: `groups` groups named 1 and so on, at home on the even node.
pub(crate) fn hello(boot: u32, deadtime: Duration, groups: u32) -> Hello {
    Hello {
        boot,
        challenge: [7; 8],
        echo: None,
        met: None,
        known: false,
        keepalive: Duration::from_millis(200),
        deadtime,
        watchdog: None,
        timing_digest: 3,
        groups: (1..=groups).map(|hash| GroupName { hash, digest: 2, preferred: Side::Even }).collect(),
    }
}

/// A beat that shows `groups` groups in one state, with or without a hello.
pub(crate) fn message(
    source: Side,
    incarnation: Incarnation,
    seq: u32,
    state: GroupState,
    groups: u32,
    hello: Option<Hello>,
) -> Message {
    let group = GroupBeat { state, wanted: None, able: true, epoch: 4, mark: None };
    let beat = Beat {
        phase: Phase::Up,
        unconfirmed: false,
        armed: false,
        link: 0,
        hears: 1,
        score: 0,
        echo: None,
        groups: (0..groups).map(|_| group).collect(),
        stamps: Default::default(),
    };
    Message { source, incarnation, seq, beat, hello }
}
