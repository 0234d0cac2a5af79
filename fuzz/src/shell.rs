//! What a node's shell owes and may expect: tokens, feeds, exits.

use hb_core::message::GroupState;
use hb_core::{Action, FRAME_BUF, GroupId, LinkId, Node, Outcome, Side, Token, Verb};
use std::collections::BTreeSet;

/// Actions that one input may cause at most: every queue of the node full, and a frame on each link.
const MOST_ACTIONS: usize = 200;

/// A script call under way.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its name.
    pub token: Token,
    group: GroupId,
    resource: u8,
    verb: Verb,
}

/// The shell of a fuzzed node: it does nothing, and checks everything.
#[derive(Debug, Default)]
pub struct Shell {
    /// Script calls that were asked for and not answered.
    pub running: Vec<Call>,
    /// What honest scripts have running.
    up: BTreeSet<(u8, u8)>,
    given: BTreeSet<u32>,
    /// Pulls and stamps that were asked for and not answered.
    pub pulls: Vec<Token>,
    /// Stamps that were to be written.
    pub stamps: Vec<Token>,
    /// The newest write that was asked for.
    pub serial: u32,
    /// Frames of the last drain, each with its link.
    pub frames: Vec<(LinkId, Vec<u8>)>,
    /// The operator said stop.
    pub stopping: bool,
    /// The node said exit.
    pub ended: bool,
}

impl Shell {
    /// Takes every action of the node.
    pub fn drain(&mut self, node: &mut Node, any_link: bool, armed: bool) {
        let mut frame = [0; FRAME_BUF];
        self.frames.clear();
        for count in 0.. {
            assert!(count < MOST_ACTIONS, "actions without an end");
            match node.poll_action(&mut frame) {
                None => break,
                Some(Action::Transmit { link, len }) => {
                    assert!(len <= FRAME_BUF && len > 0);
                    self.frames.push((link, frame[..len].to_vec()));
                }
                Some(Action::FeedWatchdog) => {
                    assert!(armed, "fed a watchdog that is not armed");
                    assert!(!any_link || !self.frames.is_empty(), "fed without a beat");
                }
                Some(Action::RunScript { group, resource, verb, token }) => {
                    assert!(self.given.insert(token.0), "{token:?} was given out twice");
                    self.running.push(Call { token, group, resource, verb });
                }
                Some(Action::Pull { token, .. }) => {
                    assert!(self.given.insert(token.0), "{token:?} was given out twice");
                    self.pulls.push(token);
                }
                Some(Action::WriteStamp { token, stamp, .. }) => {
                    assert!(self.given.insert(token.0), "{token:?} was given out twice");
                    // Epochs end there: a branch at the last one cannot be told from its origin.
                    assert!(stamp.is_sound() || stamp.epoch == u32::MAX, "{stamp:?}");
                    self.stamps.push(token);
                }
                Some(Action::KillScript { token } | Action::EndPull { token }) => {
                    assert!(self.given.contains(&token.0), "{token:?} was never given out");
                }
                Some(Action::Persist { serial }) => self.serial = serial,
                Some(Action::Exit { .. }) => {
                    assert!(self.stopping, "an exit that nobody asked for");
                    self.ended = true;
                }
                Some(_) => {}
            }
        }
    }

    /// What an honest script would answer.
    pub fn honest(&mut self, call: &Call) -> Outcome {
        let place = (call.group.0, call.resource);
        match call.verb {
            Verb::Start => {
                self.up.insert(place);
                Outcome::Ok
            }
            Verb::Stop => {
                self.up.remove(&place);
                Outcome::Ok
            }
            Verb::Status if self.up.contains(&place) => Outcome::Running,
            Verb::Status => Outcome::Stopped,
        }
    }

    /// What must hold after every input.
    pub fn judge(&self, node: &Node, side: Side, now: hb_core::Instant) {
        assert!(node.poll_deadline() >= now || node.poll_deadline() == hb_core::Instant::NEVER);
        let status = node.status(now);
        for group in &status.groups {
            let tenure = matches!(group.state, GroupState::Held | GroupState::Starting);
            let own = group.epoch % 2 == if side == Side::Even { 0 } else { 1 };
            assert!(
                !tenure || own || group.epoch >= u32::MAX - 1,
                "held at the peer's epoch {}",
                group.epoch
            );
        }
        assert_eq!(node.saved().counter, status.incarnation.counter);
    }
}
