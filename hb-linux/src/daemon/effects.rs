//! The only interpreter of [`Action`]: each becomes system calls that never wait. What comes back at once (a script
//! that cannot be run) is queued as an input for the loop.

use super::announce::Announcer;
use super::attendant::Attendant;
use super::copies::Copies;
use super::dog::Dog;
use super::fence::Fencer;
use super::history::History;
use super::mirrors::Mirrors;
use super::outage::Outages;
use super::shout::Shout;
use super::voice::Voice;
use crate::asker::Asker;
use crate::control::wire::Failing;
use crate::helper::Level;
use crate::link::{Link, Pinger};
use crate::scripts::{Finished, Runner, What};
use crate::state;
use crate::sys::guard;
use hb_core::{Action, FRAME_BUF, Input, Instant, Node, Outcome, Pulled};
use heapless::Deque;

/// Inputs that actions made, until the loop gives them to the node. A drain makes at most one per script call, and a
/// node has at most 8 under way, with as many that are being killed; and one per address that is asked for.
pub(super) const MAX_QUEUE: usize = 32 + 64;

/// Everything that actions act on.
#[derive(Debug)]
pub(super) struct Effects {
    /// The log.
    pub(super) voice: Voice,
    /// The links, by the core's numbers.
    pub(super) links: Vec<Link>,
    /// The script calls under way.
    pub(super) runner: Runner,
    /// The ping nodes.
    pub(super) pinger: Pinger,
    /// Ping nodes that say nothing.
    pub(super) mirrors: Mirrors,
    /// Gratuitous ARP and address probes.
    pub(super) announcer: Announcer,
    /// Questions for service addresses.
    pub(super) asker: Asker,
    /// The groups' data.
    pub(super) copies: Copies,
    /// The fence.
    pub(super) fencer: Fencer,
    /// The watchdog, if one is configured.
    pub(super) dog: Option<Dog>,
    /// What the loop is to give to the node next.
    pub(super) queue: Deque<Input<'static>, MAX_QUEUE>,
    /// Since when each group has been in its state.
    pub(super) history: History,
    /// How long nobody served.
    pub(super) outages: Outages,
    /// Keeps the programs of `respawn`, calls hooks.
    pub(super) attendant: Attendant,
    /// Says again which groups are stuck.
    pub(super) shout: Shout,
    /// What the helper could not write.
    pub(super) failing: Failing,
    /// The node has said that all is done: every group proven stopped?
    pub(super) exit: Option<bool>,
}

impl Effects {
    /// Do what `node` asks, until it asks no more.
    pub(super) fn drain(&mut self, now: Instant, node: &mut Node) {
        let mut frame = [0; FRAME_BUF];
        while let Some(action) = node.poll_action(&mut frame) {
            self.perform(now, node, action, &frame);
        }
    }

    fn perform(&mut self, now: Instant, node: &Node, action: Action, frame: &[u8]) {
        guard::pass(place(&action));
        match action {
            Action::Transmit { link, len } => {
                if let (Some(link), Some(frame)) = (self.links.get_mut(usize::from(link.0)), frame.get(..len))
                {
                    // What becomes of it shows in the link's counters and changes.
                    let _ = link.send(now, frame);
                }
            }
            Action::FeedWatchdog => {
                if let Some(dog) = &mut self.dog {
                    dog.feed(&mut self.voice);
                }
            }
            Action::Persist { serial } => {
                let watchdog = self.dog.as_ref().and_then(Dog::last_armed);
                self.voice.helper.persist(serial, state::encode(&node.saved(), watchdog).as_bytes());
            }
            Action::RunScript { group, resource, verb, token } => {
                let what = What { group, resource, verb };
                self.voice.script_begins(what);
                if let Some(finished) = self.runner.start(now, token, what) {
                    self.script_ended(now, &finished);
                }
            }
            Action::KillScript { token } => self.runner.kill(now, token),
            Action::Announce { group } => self.announcer.announce(now, group, &mut self.voice),
            Action::Ping => self.pinger.send_all(),
            Action::Fence => {
                if let Some(input) = self.fencer.fire(now, &mut self.voice) {
                    self.push(input);
                }
            }
            Action::Pull { group, token, source, last, keep } => {
                if !self.copies.pull(now, group, token, (source, last, keep)) {
                    self.push(Input::PullDone { token, outcome: Pulled::Cut { partial: false } });
                }
            }
            Action::EndPull { token } => {
                if let Some(input) = self.copies.end_pull(now, token) {
                    self.push(input);
                }
            }
            Action::WriteStamp { group, token, stamp } => {
                if !self.copies.write(now, group, token, stamp) {
                    self.push(Input::StampWritten { token, ok: false });
                }
            }
            Action::ProbeAddresses => self.announcer.probe(now, &mut self.voice),
            Action::Ask { group } => {
                let (asker, queue) = (&mut self.asker, &mut self.queue);
                // There is room for one question for each address.
                asker.ask(now, group, |input| {
                    let _ = queue.push_back(input);
                });
            }
            Action::Defend { group } => self.asker.defend(group),
            Action::Report(event) => {
                self.history.note(now, &event);
                self.shout.note(now, &event);
                self.voice.event(&event, node);
                self.attendant.note(&event, &self.voice.names, self.voice.last());
                if let Some((group, tale)) = self.outages.note(now, &event) {
                    self.voice.tale(group, &tale);
                }
            }
            Action::Exit { clean } => self.exit = Some(clean),
        }
    }

    /// A call ended: tell people, and have the node told.
    pub(super) fn script_ended(&mut self, now: Instant, finished: &Finished) {
        if finished.outcome == Outcome::Ok {
            self.announcer.started(now, finished.what);
        }
        self.voice.script_ends(finished);
        self.outages.script_took(finished.what.group, finished.took);
        self.push(Input::ScriptDone { token: finished.token, outcome: finished.outcome });
    }

    /// Queue an input for the node.
    pub(super) fn push(&mut self, input: Input<'static>) {
        if self.queue.push_back(input).is_err() {
            self.voice.say(Level::Error, format_args!("internal queue full: an answer to the node was lost"));
        }
    }
}

/// The action's name, for [`guard::pass`].
const fn place(action: &Action) -> &'static str {
    match action {
        Action::Transmit { .. } => "transmit",
        Action::FeedWatchdog => "feed",
        Action::Persist { .. } => "persist",
        Action::RunScript { .. } => "run-script",
        Action::KillScript { .. } => "kill-script",
        Action::Pull { .. } => "pull",
        Action::EndPull { .. } => "end-pull",
        Action::WriteStamp { .. } => "write-stamp",
        Action::Announce { .. } => "announce",
        Action::Ping => "ping",
        Action::Fence => "fence",
        Action::ProbeAddresses => "probe",
        Action::Ask { .. } => "ask",
        Action::Defend { .. } => "defend",
        Action::Report(_) => "report",
        Action::Exit { .. } => "exit",
    }
}
