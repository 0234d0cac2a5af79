//! The shell of one node: gives it an input and does all that it asks for.

use super::actions::Action as Step;
use super::case::{self, DOG};
use super::rules::{Checked, Violation, broken};
use super::scripts::Oddity;
use super::world::{Copy, Daemon, Frame, GROUPS, SOCKET, World};
use hb_core::auth;
use hb_core::message::{GroupState, Message};
use hb_core::{
    Action, Command, Event, FRAME_BUF, Input, Instant, LinkId, Node, PeerState, Refusal, Side, Watchdog,
};
use std::cell::OnceCell;
use std::rc::Rc;

impl World {
    /// Start the daemon of `host`, as its shell does.
    pub(super) fn start(&mut self, host: usize) -> Checked {
        let machine = &mut self.machines[host];
        machine.life += 1;
        machine.socket.clear();
        machine.write = None;
        machine.off = false;
        // Without a record and without scripts no node can tell what runs, so the scripts are there again.
        if machine.scripts.oddity == Oddity::Gone && !self.on_record(host) {
            self.machines[host].scripts.mended();
        }
        let machine = &mut self.machines[host];
        let gone = machine.scripts.oddity == Oddity::Gone;
        machine.scripts.told_gone = gone;
        let mut entropy = [u8::try_from(host).unwrap_or(0); 16];
        entropy[..4].copy_from_slice(&machine.life.to_le_bytes());
        let mut config = (*machine.config).clone();
        config.boot = machine.boot;
        config.groups.iter_mut().for_each(|group| group.claimable = !gone);
        let node = Node::new(config, case::keys(), &machine.disk, entropy, self.now).expect("a good case");
        let life = node.status(self.now).incarnation;
        let mut shown = [0; GROUPS];
        for (at, (_, epoch)) in machine.disk.epochs.iter().enumerate() {
            shown[at] = *epoch;
        }
        machine.memory.begin(self.now, shown);
        machine.daemon = Some(Daemon { node: Rc::new(node), life, frozen: false, print: OnceCell::new() });
        self.settle(host)?;
        self.tell_copy(host)?;
        self.input(host, Input::LinkChanged { link: LinkId(0), up: true })?;
        if self.case.watchdog {
            self.machines[host].dog = Some(self.now.plus(DOG));
            self.input(host, Input::Watchdog(Watchdog::Armed { timeout: DOG }))?;
        }
        self.input(host, Input::Tick { drained: true })
    }

    /// Give the daemon of `host` an input, if there is one, and do what follows.
    pub(super) fn input(&mut self, host: usize, input: Input<'_>) -> Checked {
        let now = self.now;
        let Some(daemon) = &mut self.machines[host].daemon else { return Ok(()) };
        Rc::make_mut(&mut daemon.node).handle_input(now, input);
        self.settle(host)
    }

    /// An operator's command.
    pub(super) fn command(&mut self, host: usize, command: Command) -> Result<Checked, Refusal> {
        let now = self.now;
        let Some(daemon) = &mut self.machines[host].daemon else { return Err(Refusal::Busy) };
        Rc::make_mut(&mut daemon.node).operator(now, command)?;
        Ok(self.settle(host))
    }

    /// A frame comes. `true` when the daemon took it for a sign of life.
    pub(super) fn receive(&mut self, host: usize, frame: &Frame) -> Result<bool, Violation> {
        let Some(before) = self.status(host) else { return Ok(false) };
        if frame.long || before.peer.incarnation == Some(frame.life) {
            let shown = &mut self.machines[host].memory.shown;
            shown.iter_mut().zip(frame.shows).for_each(|(to, from)| *to = (*to).max(from));
        }
        let checked = self.input(host, Input::Received { link: LinkId(0), bytes: &frame.bytes });
        let Some(after) = self.status(host) else { return checked.map(|()| false) };
        let took = after.links[0].bad == before.links[0].bad
            && after.peer.incarnation == Some(frame.life)
            && after.peer.last_heard.is_some_and(hb_core::Duration::is_zero);
        checked.map(|()| took)
    }

    /// Do everything that the daemon of `host` asks for, until it asks for nothing.
    fn settle(&mut self, host: usize) -> Checked {
        loop {
            if let Some(daemon) = &mut self.machines[host].daemon {
                daemon.print = OnceCell::new();
            }
            let (mut events, mut answers) = (Vec::new(), Vec::new());
            self.drain(host, &mut events, &mut answers)?;
            self.check_host(host, &events)?;
            if answers.is_empty() {
                return Ok(());
            }
            let now = self.now;
            for input in answers {
                let Some(daemon) = &mut self.machines[host].daemon else { return Ok(()) };
                Rc::make_mut(&mut daemon.node).handle_input(now, input);
            }
        }
    }

    /// Take every action; `answers` are inputs that come before anything else can happen.
    fn drain(&mut self, host: usize, events: &mut Vec<Event>, answers: &mut Vec<Input<'static>>) -> Checked {
        let mut buffer = [0; FRAME_BUF];
        let mut beat = false;
        loop {
            let machine = &mut self.machines[host];
            let Some(daemon) = &mut machine.daemon else { return Ok(()) };
            let Some(action) = Rc::make_mut(&mut daemon.node).poll_action(&mut buffer) else {
                return Ok(());
            };
            match action {
                Action::Transmit { len, .. } => {
                    beat = true;
                    self.send(host, &buffer[..len]);
                }
                Action::FeedWatchdog if !beat => return broken("S6", "a feed without a beat"),
                Action::FeedWatchdog if armed_beside_stuck(daemon, self.now) => {
                    return broken("O7", "a feed while a stop is stuck, and the watchdog shown as armed");
                }
                Action::FeedWatchdog => machine.dog = Some(self.now.plus(DOG)),
                Action::Persist { serial } => machine.write = Some((serial, daemon.node.saved())),
                Action::RunScript { group, verb, token, .. } => {
                    answers.extend(self.call_script(host, usize::from(group.0), verb, token)?);
                }
                Action::KillScript { token } => answers.extend(self.kill_script(host, token)),
                Action::Fence => {
                    let heard = daemon.node.status(self.now).peer.state;
                    machine.fencing = true;
                    if matches!(heard, PeerState::Up | PeerState::Late) {
                        return broken("O2", format!("{} fences a peer that it hears", letter(host)));
                    }
                }
                Action::ProbeAddresses => {
                    let answered = self.machines[1 - host].runs.iter().any(|runs| *runs);
                    answers.push(Input::ProbeDone { answered });
                }
                Action::Report(event) => {
                    self.tell(|| format!("{} says {event:?}", letter(host)));
                    events.push(event);
                }
                // No group of a case has addresses to ask for.
                Action::Ask { .. } | Action::Defend { .. } | Action::Announce { .. } | Action::Ping => {}
                Action::Pull { .. } | Action::EndPull { .. } | Action::WriteStamp { .. }
                    if !self.case.data =>
                {
                    return broken("S7", "no group has data, and it asks for some");
                }
                Action::Pull { token, source, last, keep, .. } => {
                    self.pull(host, token, source, last, keep)?;
                }
                Action::EndPull { token } => {
                    if machine.copies.pull.is_some_and(|pull| pull.token == token) {
                        answers.extend(self.end_pull(host, false));
                    }
                }
                Action::WriteStamp { token, stamp, .. } => machine.copies.writes.push((token, stamp)),
                Action::Exit { clean } => {
                    let loose = self.groups().any(|group| self.machines[host].scripts.loose(group));
                    let machine = &mut self.machines[host];
                    if clean && (loose || machine.runs.iter().any(|runs| *runs)) {
                        return broken("S4", format!("{} ends as clean, and its group runs", letter(host)));
                    }
                    if clean {
                        machine.dog = None;
                    }
                    self.end_daemon(host);
                    self.tell(|| format!("{} ends, clean: {clean}", letter(host)));
                    return Ok(());
                }
            }
        }
    }

    /// The daemon is gone. What its scripts began stays as it is.
    pub(super) fn end_daemon(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        machine.daemon = None;
        machine.socket.clear();
        machine.write = None;
        machine.copies.writes.clear();
        machine.copies.pull = None;
        machine.fencing = false;
        machine.memory.end();
        self.forget_calls(host);
        self.wire[1 - host].clear();
    }

    fn send(&mut self, host: usize, bytes: &[u8]) {
        self.sent[host] += 1;
        let number = self.sent[host];
        let Some(life) = self.daemon(host).map(|daemon| daemon.life) else { return };
        let side = if host == 0 { Side::Odd } else { Side::Even };
        let opened = auth::open(bytes, side, self.machines[host].config.cluster, &case::keys(), Some(life));
        let message: Message = opened.expect("the core reads what it writes").into_inner();
        let mut shows = [0; GROUPS];
        for (shows, group) in shows.iter_mut().zip(&message.beat.groups) {
            *shows = group.epoch.max(group.mark.unwrap_or(0));
        }
        message.beat.stamps.iter().for_each(|(_, stamp)| shows[0] = shows[0].max(stamp.epoch));
        let words = if self.story.is_some() { words(&message) } else { String::new() };
        let (bytes, print, long) = (bytes.to_vec(), OnceCell::new(), message.hello.is_some());
        let frame = Rc::new(Frame { bytes, message, print, life, number, long, shows, words });
        let to = 1 - host;
        self.tell(|| format!("{} sends {}", letter(host), frame.words));
        if self.cut[host] || self.daemon(to).is_none() {
            return;
        }
        let armed = self.armed[host].take();
        if let Some(action) = armed {
            let receiver = self.machines[to].life;
            self.tape[host] = Some(Copy { frame: Rc::clone(&frame), came: false, receiver });
            if matches!(action, Step::Delay(_)) {
                return;
            }
        }
        if self.awake(to).is_none() {
            let socket = &mut self.machines[to].socket;
            if socket.len() < SOCKET {
                socket.push(frame);
            }
        } else {
            self.wire[host].push(frame);
        }
    }

    /// A line of the timeline.
    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            story.borrow_mut().push(line());
        }
    }
}

/// A group is stuck, and the node shows that its watchdog will reset it.
fn armed_beside_stuck(daemon: &Daemon, now: Instant) -> bool {
    let status = daemon.node.status(now);
    let stuck = |group: &&hb_core::GroupStatus| group.state == GroupState::Stuck;
    status.groups.iter().filter(stuck).any(|group| !group.not_reset)
}

/// The machine's name in the timeline.
pub(super) const fn letter(host: usize) -> &'static str {
    if host == 0 { "A" } else { "B" }
}

fn words(message: &Message) -> String {
    let beat = &message.beat;
    let groups: Vec<String> = beat
        .groups
        .iter()
        .map(|group| {
            let mark = group.mark.map(|mark| format!(" yielded {mark}")).unwrap_or_default();
            let wanted = group.wanted.map(|reason| format!(" wanted {reason:?}")).unwrap_or_default();
            format!("{:?} {}{mark}{wanted}", group.state, group.epoch)
        })
        .collect();
    let hello = if message.hello.is_some() { ", hello" } else { "" };
    let unsure = if beat.unconfirmed { ", unconfirmed" } else { "" };
    format!("beat {} {:?} [{}]{hello}{unsure}", message.seq, beat.phase, groups.join(", "))
}
