//! Two real nodes on one wire in virtual time, and what a copy of one of them foresees.

use super::*;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{AskConfig, Config, GroupConfig, LinkKind, ScriptLimits, Timing};
use hb_core::{Command, LinkId, Saved, Scope, Side, Wait};

const G: GroupId = GroupId(0);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(in crate::daemon::why) fn config(side: Side, addresses: u32) -> Config {
    let second = Duration::from_secs(1);
    let timing = Timing { warntime: ms(400), initdead: ms(2000), ..Timing::new(ms(100), second) };
    let group = GroupConfig::new("ha-1", "ha-2", &["disk", "web"]);
    let standard = Config::new("ha-1", "ha-2", timing, &[LinkKind::Datagram], &[group]).unwrap();
    Config {
        side,
        boot: 9,
        limits: ScriptLimits { start: second, stop: second, status: second },
        ask: AskConfig { addresses: [addresses].into_iter().collect(), answered: None },
        ..standard
    }
}

pub(in crate::daemon::why) fn around(answered: bool, addresses: u32) -> Around {
    Around {
        peer_stays: false,
        answered: [answered].into(),
        addresses: [addresses].into(),
        pings: Vec::new(),
        scripts: [(ms(150), ms(50))].into(),
    }
}

/// Both nodes in service for a while, the first one holding the group.
pub(in crate::daemon::why) fn pair(addresses: u32) -> [Future; 2] {
    let keys = || Keyring::new(&[(1, Key::new(Method::Crc, b"").unwrap())], 1).unwrap();
    let mut pair = [Side::Even, Side::Odd].map(|side| {
        let seed = [if side == Side::Even { 3 } else { 4 }; 16];
        let node =
            Node::new(config(side, addresses), keys(), &Saved::default(), seed, Instant::ZERO).unwrap();
        Future::new(node, Instant::ZERO, around(false, addresses), &[2])
    });
    for future in &mut pair {
        future.give(Input::LinkChanged { link: LinkId(0), up: true });
    }
    let mut frame = [0; FRAME_BUF];
    for step in 0..3000 {
        let now = Instant::from_millis(step);
        for at in 0..2 {
            pair[at].now = now;
            while let Some(call) = pair[at].calls.iter().position(|(due, ..)| *due <= now) {
                let (_, token, outcome) = pair[at].calls.swap_remove(call);
                pair[at].node.handle_input(now, Input::ScriptDone { token, outcome });
            }
            pair[at].node.handle_input(now, Input::Tick { drained: true });
            loop {
                while let Some(action) = pair[at].node.poll_action(&mut frame) {
                    if let Action::Transmit { link, len } = action {
                        let bytes = &frame[..len];
                        pair[1 - at].node.handle_input(now, Input::Received { link, bytes });
                    } else {
                        pair[at].perform(action);
                    }
                }
                let answers = core::mem::take(&mut pair[at].answers);
                if answers.is_empty() {
                    break;
                }
                answers.into_iter().for_each(|input| pair[at].node.handle_input(now, input));
            }
        }
    }
    assert_eq!(pair.each_ref().map(|f| f.state(G).unwrap()), [GroupState::Held, GroupState::Idle]);
    pair.each_mut().into_iter().for_each(|future| future.changes.clear());
    pair
}

fn copy(of: &Future, around: Around) -> Future {
    Future::new(of.node.clone(), of.now, around, &[2])
}

#[test]
fn a_death_is_foreseen_with_its_outage_and_changes_nothing() {
    let [a, b] = pair(0);
    let before = format!("{:?}", b.node.status(b.now));
    let mut future = copy(&b, around(false, 0));
    assert!(future.until(ms(20_000), |f| f.state(G) == Some(GroupState::Held)));
    let gap = future.now.since(b.now);
    // The deadtime since the last beat, and two start scripts of 150 ms.
    assert!(gap >= ms(1000 - 100 + 300) && gap <= ms(1000 + 300 + 50), "{gap:?}");
    assert_eq!(future.changes[0].3, Cause::PeerDead);
    assert_eq!(format!("{:?}", b.node.status(b.now)), before);
    // The holder goes on without a change.
    let mut future = copy(&a, around(false, 0));
    assert!(!future.until(ms(20_000), |f| !f.changes.is_empty()));
}

#[test]
fn an_address_that_answers_holds_a_claim_back_where_it_is_told_to() {
    let [_, mut b] = pair(1);
    let mut tuning = b.node.tuning();
    tuning.answered = Some(hb_core::config::Answered::Wait);
    b.node.retune(b.now, &tuning).unwrap();
    let mut future = copy(&b, around(true, 1));
    assert!(!future.until(ms(20_000), |f| f.state(G) == Some(GroupState::Held)));
    assert_eq!(future.node.group_status(G).unwrap().wait, Some(Wait::Answered));
    let mut future = copy(&b, around(false, 1));
    assert!(future.until(ms(20_000), |f| f.state(G) == Some(GroupState::Held)));
}

#[test]
fn a_standby_is_foreseen_while_the_peer_goes_on_as_it_is() {
    let [a, _] = pair(0);
    let mut future = copy(&a, Around { peer_stays: true, ..around(false, 0) });
    assert_eq!(future.node.operator(a.now, Command::Standby(Scope::All)), Ok(()));
    assert!(future.until(ms(20_000), |f| f.state(G) == Some(GroupState::Idle)));
    let took = future.now.since(a.now);
    assert!(took >= ms(100) && took <= ms(110), "two stop scripts of 50 ms: {took:?}");
    assert!(!future.until(ms(20_000), |f| f.state(G) != Some(GroupState::Idle)), "it stays given away");
}
