//! What the loop does with each thing that is ready: the readers of links, ping nodes, helper, signals, scripts and
//! operators.

use super::bridge::Rest;
use super::mirrors::Mirror;
use super::requests;
use super::shell::{CONTROL, MAX_READS, Read, SCRIPTS, Shell, TOTAL};
use super::voice::Voice;
use crate::control::{Reply, Request};
use crate::helper::record::Output;
use crate::helper::{Level, Reply as FromHelper};
use crate::link::health::Change;
use crate::link::ping::Answer;
use crate::link::{self, Incoming, Link, Why};
use crate::sys::guard;
use crate::sys::signal::Caught;
use crate::sys::{Errno, PollFd};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, GroupId, GroupStatus, Input, Instant, LinkId, PeerState};

/// Longest datagram that is looked at; frames have less than a quarter of it, Linux-HA's messages less than this.
pub(super) const RECEIVE: usize = 2048;
/// Between two tries to replace the helper.
const REVIVE_EVERY: Duration = Duration::from_secs(1);

impl Shell {
    /// Read a link that is ready until it has nothing left; answers what came of it.
    pub(super) fn serve_link(&mut self, at: usize, fd: PollFd) -> Read {
        let id = LinkId(u8::try_from(at).unwrap_or(u8::MAX));
        let count = self.fx.links.len();
        let Some(link) = self.fx.links.get_mut(at) else { return Read::All };
        if link.wants_ways(self.now) {
            let spare = (0_u8..)
                .take(count)
                .any(|other| LinkId(other) != id && self.node.both_ways_on(LinkId(other)));
            // Heartbeat of Linux-HA cannot say that it hears this node: its text is no silence.
            let well = self.node.both_ways_on(id) || self.node.glance().foreign;
            link.ways(self.now, well, spare);
        }
        let open = link.is_open();
        if fd.can_write() || link.deadline() <= self.now || (!open && fd.can_read()) {
            link.service(self.now);
        }
        let read = if open && fd.can_read() { self.read_link(at, id) } else { Read::All };
        self.link_change(at, id);
        read
    }

    fn read_link(&mut self, at: usize, link: LinkId) -> Read {
        let mut buf = [0; RECEIVE];
        let mut rest = Rest::new();
        for turn in 0..MAX_READS {
            let Some(port) = self.fx.links.get_mut(at) else { return Read::All };
            match port.read(self.now, &mut buf) {
                Incoming::Copy => self.reads = self.reads.saturating_add(1),
                Incoming::Bytes(n) => {
                    let sender = port.sender().filter(|_| !self.fx.mirrors.is_empty());
                    // What a line had fitted: it had no more.
                    let stream = port.is_stream();
                    let emptied = n < buf.len() && stream;
                    self.reads = self.reads.saturating_add(1);
                    let Some(owner) = link::owner(&self.fx.links, at) else { continue };
                    let link =
                        if owner == at { link } else { LinkId(u8::try_from(owner).unwrap_or(u8::MAX)) };
                    let bytes = buf.get(..n).unwrap_or_default();
                    let bytes = self.fx.fencer.bridge.strain(self.now, at, stream, bytes, &mut rest);
                    let newest = self.node.newest_on(link);
                    self.node.handle_input(self.now, Input::Received { link, bytes });
                    self.drain();
                    let fresh = self.node.newest_on(link) != newest;
                    if fresh {
                        self.fx.outages.heard(self.now, link, &self.node);
                        if let Some(from) = sender {
                            self.fx.mirrors.heard(usize::from(link.0), from);
                            self.tell_mirrors();
                        }
                    }
                    if emptied {
                        return Read::All;
                    }
                    if fresh && turn == 0 && self.open.may(at) {
                        self.open.leave(at);
                        return Read::Open;
                    }
                }
                Incoming::Empty if turn == 0 => return Read::Hollow,
                Incoming::Empty | Incoming::Failed(_) => return Read::All,
                Incoming::Unread(_) => return Read::Not,
            }
        }
        Read::More
    }

    /// Tell of ping nodes that turned out to be a node.
    pub(super) fn tell_mirrors(&mut self) {
        while let Some((ping, mirror)) = self.fx.mirrors.change() {
            let voice = &mut self.fx.voice;
            voice.mirror(ping, mirror);
            self.give(Input::PingIsPeer { ping, is_peer: mirror != Mirror::Neither });
        }
    }

    /// Tell of a link that opened or failed.
    fn link_change(&mut self, at: usize, id: LinkId) {
        let Some(change) = self.fx.links.get_mut(at).and_then(Link::take_change) else { return };
        let voice = &mut self.fx.voice;
        let up = match change {
            Change::Opened => {
                voice.say_link(Level::Info, id, format_args!("is open"));
                Some(true)
            }
            Change::Failed(why) => {
                voice.say_link(Level::Error, id, format_args!("failed: {why}; tried again every second"));
                Some(false)
            }
            Change::SendFailing(why) => {
                voice.say_link(Level::Warn, id, format_args!("heartbeats cannot be sent: {why}"));
                None
            }
            Change::SendRestored => {
                voice.say_link(Level::Info, id, format_args!("heartbeats can be sent again"));
                None
            }
            Change::Reopened(why) => {
                say_reopened(voice, id, why);
                None
            }
        };
        if let Some(up) = up {
            self.give(Input::LinkChanged { link: id, up });
        }
    }

    /// Changes that sending has brought about.
    pub(super) fn link_changes(&mut self) {
        for at in 0..self.fx.links.len() {
            self.link_change(at, LinkId(u8::try_from(at).unwrap_or(u8::MAX)));
        }
    }

    /// An interface or address of this machine changed.
    pub(super) fn serve_interfaces(&mut self, ready: bool) {
        self.interfaces.service(self.now, ready, &mut self.fx.links, &mut self.fx.voice);
        if ready && !self.fx.mirrors.is_empty() {
            self.fx.mirrors.look();
            self.tell_mirrors();
        }
        self.link_changes();
        while let Some((group, resource)) = self.interfaces.due(self.now) {
            self.give(Input::Look { group, resource });
        }
        // A node that stood still, or whose peer shows a group as well, leaves it to the rules.
        let glance = self.node.glance();
        if self.interfaces.announce_again(self.now) && !glance.unconfirmed {
            let alive = matches!(glance.peer, PeerState::Up | PeerState::Late);
            let count = u8::try_from(self.fx.runner.programs().groups()).unwrap_or(u8::MAX);
            for group in (0..count).map(GroupId) {
                let held = |status: GroupStatus| {
                    let theirs = alive && status.peer_state == Some(GroupState::Held);
                    status.state == GroupState::Held && !theirs
                };
                if self.node.group_status(group).is_some_and(held) {
                    self.fx.announcer.repeat(group);
                }
            }
        }
    }

    /// Read the answers of the ping nodes; says what came of it.
    pub(super) fn serve_pings(&mut self) -> Read {
        self.fx.pinger.service(self.now);
        match self.fx.pinger.take_change() {
            Some(Change::Failed(why)) => {
                self.fx.voice.say(Level::Error, format_args!("ping nodes cannot be asked: {why}"));
            }
            Some(Change::Opened | Change::SendFailing(_) | Change::SendRestored | Change::Reopened(_))
            | None => {}
        }
        for n in 0..MAX_READS {
            match self.fx.pinger.read() {
                Answer::From(ping) => {
                    self.give(Input::PingAnswer { ping });
                    if !self.fx.pinger.is_awaited() {
                        return Read::All;
                    }
                }
                Answer::Other => {}
                Answer::Empty if n == 0 => return Read::Hollow,
                Answer::Empty => return Read::All,
                Answer::Unread => return Read::Not,
            }
        }
        Read::All
    }

    pub(super) fn serve_helper(&mut self) {
        self.fx.voice.helper.service();
        while let Some(reply) = self.fx.voice.helper.read() {
            match reply {
                FromHelper::Persisted { serial } => {
                    self.fx.failing.state = false;
                    self.give(Input::Persisted { serial });
                }
                FromHelper::PersistFailed { serial, why } => {
                    self.fx.failing.state = true;
                    self.give(Input::PersistFailed { serial });
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Error, format_args!("the state file cannot be written: {why}"));
                }
                FromHelper::OutputFailed { output, why } => {
                    self.fx.failing.log |= output == Output::Log;
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Warn, format_args!("{} cannot be written: {why}", output_name(output)));
                }
                FromHelper::OutputRestored { output } => {
                    self.fx.failing.log &= output != Output::Log;
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Info, format_args!("{} can be written again", output_name(output)));
                }
                FromHelper::Scripts { mask, own } => {
                    self.fx.runner.own_addresses(own);
                    self.scripts_seen(mask);
                    self.answer_standbys(true);
                }
                // Kept by the helper's end itself.
                FromHelper::Wrote { .. } => {}
                FromHelper::Gone => {
                    self.fx.runner.own_addresses(0);
                    self.revive = self.now.max(self.revived.plus(REVIVE_EVERY));
                }
            }
        }
        self.fx.voice.helper.stamp(self.now);
        if self.revive <= self.now {
            self.revive_helper();
        }
    }

    /// Somebody killed the helper: fork another one.
    fn revive_helper(&mut self) {
        let watchdog = self.fx.dog.as_ref().and_then(super::dog::Dog::armed);
        // The child allocates, as a helper may.
        guard::disarm();
        let started = self.fx.voice.helper.restart(watchdog);
        guard::arm();
        self.revived = self.now;
        if started.is_err() {
            self.revive = self.now.plus(REVIVE_EVERY);
            return;
        }
        self.revive = Instant::NEVER;
        // The new one tells it again.
        self.fx.failing.log = false;
        if let Some(dog) = &mut self.fx.dog {
            dog.helper_restarted();
        }
        self.fx.voice.say(Level::Error, format_args!("the helper process had ended; a new one was started"));
    }

    pub(super) fn serve_signals(&mut self, caught: Caught) {
        if caught.child() {
            self.reap();
        }
        if caught.terminate() {
            self.fx.voice.say(Level::Info, format_args!("asked to stop by a signal"));
            // Refused while it is leaving already, which is what is wanted.
            let _ = self.node.operator(self.now, Command::Stop);
            self.drain();
        }
        if caught.reload() {
            let tuning = self.node.tuning();
            if let Err(why) = self.reload.begin(self.now, &tuning, None, false) {
                self.fx.voice.say(Level::Warn, format_args!("reload: {}", not_now(why)));
            }
        }
        if caught.more_debug() || caught.less_debug() {
            self.fx.voice.set_debug(caught.more_debug());
        }
    }

    /// Take every child that ended.
    fn reap(&mut self) {
        loop {
            let voice = &mut self.fx.voice;
            let Some(finished) = self.fx.runner.reap(self.now, |what, line| voice.script_says(what, line))
            else {
                break;
            };
            guard::pass("script-ended");
            self.fx.script_ended(self.now, &finished);
            self.drain();
        }
        self.serve_copies();
        self.serve_fence();
        self.fx.attendant.reap(self.now);
        self.reload.reap();
        #[cfg(feature = "why")]
        self.why.reap();
        self.fx.links.iter_mut().for_each(link::Link::reap);
        if let Some(dog) = &mut self.fx.dog {
            dog.reap();
        }
        // The helper's end shows in its channel; here only its zombie goes, and those of helpers before it.
        self.fx.voice.helper.reap();
    }

    /// What the children over the groups' data came to.
    pub(super) fn serve_copies(&mut self) {
        for input in self.fx.copies.service(self.now, &mut self.fx.voice) {
            self.give(input);
        }
    }

    /// What the fence came to.
    pub(super) fn serve_fence(&mut self) {
        let fx = &mut self.fx;
        if let Some(input) = fx.fencer.service(self.now, &mut fx.links, &mut fx.voice) {
            self.give(input);
        }
    }

    /// What the helper found: of which groups every script is there, one bit each.
    fn scripts_seen(&mut self, mask: u16) {
        for at in 0..self.fx.runner.programs().groups() {
            let group = GroupId(u8::try_from(at).unwrap_or(u8::MAX));
            let claimable = mask & (1 << at) != 0;
            let Some(known) = self.claimable.get_mut(at) else { return };
            if core::mem::replace(known, claimable) == claimable {
                continue;
            }
            let (level, text) = if claimable {
                (Level::Info, "every script is there now")
            } else {
                (
                    Level::Warn,
                    "a script is missing or cannot be run (hbd check says which): not claimable here",
                )
            };
            self.fx.voice.say_group(level, group, format_args!("{text}"));
            self.give(Input::Claimable { group, claimable });
        }
    }

    /// Who waits for a look at the scripts waits no longer.
    pub(super) fn answer_standbys(&mut self, looked: bool) {
        if self.standbys.answer(self.now, looked, &mut self.node, &mut self.fx) {
            self.drain();
        }
    }

    pub(super) fn serve_operators(&mut self, fds: &[PollFd; TOTAL]) {
        let Some(server) = &mut self.server else { return };
        let (node, fx, reload, standbys, facts, now) =
            (&mut self.node, &mut self.fx, &mut self.reload, &mut self.standbys, &self.facts, self.now);
        let ready = fds.get(CONTROL..SCRIPTS).unwrap_or_default();
        #[cfg(feature = "why")]
        let why = &mut self.why;
        server.serve(now, ready, |request, out| {
            guard::pass("request");
            match request {
                #[cfg(feature = "why")]
                Request::Why(group) => why.answer(now, node, fx, reload.config(), group, out),
                Request::Reload | Request::ReloadForced => {
                    let force = request == Request::ReloadForced;
                    let begun =
                        out.keep().and_then(|caller| reload.begin(now, &node.tuning(), Some(caller), force));
                    if let Err(why) = begun {
                        out.send(&Reply::Refused(not_now(why)));
                    }
                }
                Request::Standby(which)
                    if requests::scope(&fx.voice.names, which)
                        .is_ok_and(|scope| standbys.begin(now, scope, out, &mut fx.voice.helper)) => {}
                _ => requests::answer(now, node, fx, facts, request, out),
            }
        });
        self.drain();
    }

    /// What the child of a reload has found.
    pub(super) fn serve_reload(&mut self) {
        if self.reload.service(self.now, &mut self.node, &mut self.fx.voice) {
            self.drain();
        }
        if self.reload.take_right() {
            self.fx.attendant.reread(self.now);
        }
    }
}

fn say_reopened(voice: &mut Voice, id: LinkId, why: Why) {
    let level = if matches!(why, Why::Directed(_)) { Level::Info } else { Level::Warn };
    match why {
        Why::Moved(to) => {
            voice.say_link(
                level,
                id,
                format_args!("the interface has changed: opened anew, sending to {to}"),
            );
        }
        Why::Silent(time) => {
            voice.say_link(
                level,
                id,
                format_args!("nobody answers for {} ms: opened anew, and so from now on", time.as_millis()),
            );
        }
        Why::Both(time, to) => voice.say_link(
            level,
            id,
            format_args!(
                "nobody answers for {} ms: opened anew, sending to {to} and to 255.255.255.255",
                time.as_millis()
            ),
        ),
        Why::Directed(to) => {
            voice.say_link(level, id, format_args!("the peer answers: sending to {to} alone again"));
        }
    }
}

/// Why a reload does not begin.
const fn not_now(why: Errno) -> &'static str {
    match why {
        Errno(libc::EBUSY) => "the last one is still under way",
        _ => "no process could be made for it",
    }
}

const fn output_name(output: Output) -> &'static str {
    match output {
        Output::Log => "logfile",
        Output::Debug => "debugfile",
        Output::Syslog => "syslog",
        Output::Ring => "the event ring",
    }
}
