//! The loop: the one place of the daemon that waits.
//!
//! ```text
//! poll(2) -> read the clock once -> links, pings, helper, scripts, control: one Input each, actions drained after each
//!         -> timers of the shell -> Input::Tick -> actions -> until the earliest deadline
//! ```
//! Whether silence may be judged (`drained`) is known without further system calls: what was not ready had nothing,
//! and what was ready was read until it had nothing left. Only when the wait ended much later than it should have (the
//! process was stopped, or had no processor) is the readiness older than the clock, and asked for again.
//!
//! An idle period with one UDP link: two waits, one send, one feed, two reads (the second finds nothing).

use super::effects::Effects;
use super::reload::Reload;
use super::requests::{self, Facts};
use crate::control::server::MAX_CLIENTS;
use crate::control::{Reply, Request, Server};
use crate::helper::{self, Level, Reply as FromHelper};
use crate::link::health::Change;
use crate::link::ping::Answer;
use crate::link::{Incoming, Link};
use crate::scripts::MAX_CALLS;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, poll, timeout_until};
use crate::sys::signal::{Caught, Signals};
use crate::sys::{guard, process};
use hb_core::config::{MAX_GROUPS, MAX_LINKS};
use hb_core::{Command, Duration, GroupId, Input, Instant, LinkId, Node};

/// Reads of one link in one round. What is left is read in the next one, and silence is not judged meanwhile.
const MAX_READS: usize = 512;
/// Longest datagram that is looked at; frames have less than a quarter of it, Linux-HA's messages less than this.
const RECEIVE: usize = 2048;
/// Between two looks at the scripts of a group.
const CLAIMABLE_EVERY: Duration = Duration::from_secs(5);
/// Between two tries to replace the helper.
const REVIVE_EVERY: Duration = Duration::from_secs(1);
/// A wait that ends this much later than it should is taken for a stall.
const LATE: Duration = Duration::from_millis(5);

/// Places in the array of descriptors.
const SIGNALS: usize = 0;
const HELPER: usize = 1;
const PINGS: usize = 2;
const PROBES: usize = 3;
const LINKS: usize = 4;
const CONTROL: usize = LINKS + MAX_LINKS;
const SCRIPTS: usize = CONTROL + 1 + MAX_CLIENTS;
const TOTAL: usize = SCRIPTS + MAX_CALLS;

/// The running daemon.
#[derive(Debug)]
pub(super) struct Shell {
    /// Decides.
    pub(super) node: Node,
    /// Does.
    pub(super) fx: Effects,
    /// Time.
    pub(super) clock: Clock,
    /// Signals as a descriptor.
    pub(super) signals: Signals,
    /// Operators.
    pub(super) server: Option<Server>,
    /// `SIGHUP`.
    pub(super) reload: Reload,
    /// For the status.
    pub(super) facts: Facts,
    /// Claimable as the node knows it.
    pub(super) claimable: [bool; MAX_GROUPS],
    /// When the next group's scripts are looked at, and which.
    pub(super) look: (Instant, u8),
    /// The last reading of the clock.
    pub(super) now: Instant,
    /// The helper is to be replaced at this time.
    pub(super) revive: Instant,
    /// When it was replaced last: one that ends at once is not replaced at once.
    pub(super) revived: Instant,
}

impl Shell {
    /// Run until the node says that all is done; answers whether every group is proven stopped.
    pub(super) fn run(&mut self) -> bool {
        self.drain();
        loop {
            self.round();
            if let Some(clean) = self.fx.exit {
                return clean;
            }
        }
    }

    fn round(&mut self) {
        let mut fds = [PollFd::NONE; TOTAL];
        self.collect(&mut fds);
        if self.clock.granularity_us() == 1 {
            // No system call here; and the work since the last reading is not slept on top of.
            self.now = self.clock.now();
        }
        let deadline = self.deadline();
        if poll(&mut fds, timeout_until(self.now, deadline)).is_err() {
            // Nothing that can be mended: go on by the timers alone.
            fds = [PollFd::NONE; TOTAL];
        }
        self.now = self.clock.now();
        let late = LATE.plus(Duration::from_micros(self.clock.granularity_us().saturating_mul(2)));
        if deadline != Instant::NEVER && self.now > deadline.plus(late) && poll(&mut fds, 0).is_err() {
            fds = [PollFd::NONE; TOTAL];
        }
        self.serve(&fds);
    }

    /// What to wait for.
    fn collect(&self, fds: &mut [PollFd; TOTAL]) {
        let mut set = |at: usize, fd: PollFd| {
            if let Some(slot) = fds.get_mut(at) {
                *slot = fd;
            }
        };
        set(SIGNALS, PollFd::readable(self.signals.fd()));
        let helper = &self.fx.voice.helper;
        set(HELPER, helper.fd().map_or(PollFd::NONE, |fd| PollFd::new(fd, helper.wants_write())));
        set(PINGS, self.fx.pinger.fd().map_or(PollFd::NONE, PollFd::readable));
        set(PROBES, self.fx.announcer.fd().map_or(PollFd::NONE, PollFd::readable));
        for (i, link) in self.fx.links.iter().enumerate().take(MAX_LINKS) {
            let write = link.wants_write();
            set(LINKS + i, link.fd().map_or(PollFd::NONE, |fd| PollFd::new(fd, write)));
        }
        if let Some(server) = &self.server {
            server.poll_fds().into_iter().enumerate().for_each(|(i, fd)| set(CONTROL + i, fd));
        }
        if let Some(outputs) = fds.get_mut(SCRIPTS..) {
            self.fx.runner.poll_fds(outputs);
        }
    }

    /// The earliest time at which something is to be done without being asked.
    fn deadline(&self) -> Instant {
        let fx = &self.fx;
        let links = fx.links.iter().map(Link::deadline);
        let others = [
            self.node.poll_deadline(),
            fx.runner.deadline(),
            fx.pinger.deadline(),
            fx.announcer.deadline(),
            fx.dog.as_ref().map_or(Instant::NEVER, super::dog::Dog::deadline),
            self.look.0,
            self.revive,
        ];
        links.chain(others).min().unwrap_or(Instant::NEVER)
    }

    /// One round over everything that is ready or due. Heartbeats come first, and the tick that may declare a death
    /// comes last.
    fn serve(&mut self, fds: &[PollFd; TOTAL]) {
        let ready = |at: usize| fds.get(at).is_some_and(PollFd::can_read);
        let mut drained = true;
        for i in 0..self.fx.links.len().min(MAX_LINKS) {
            drained &= self.serve_link(i, fds.get(LINKS + i).copied().unwrap_or(PollFd::NONE));
        }
        if ready(PINGS) || self.fx.pinger.deadline() <= self.now {
            self.serve_pings();
        }
        if ready(HELPER) || fds.get(HELPER).is_some_and(PollFd::can_write) || self.revive <= self.now {
            self.serve_helper();
        }
        let outputs = fds.get(SCRIPTS..).unwrap_or_default();
        let voice = &mut self.fx.voice;
        self.fx.runner.read(outputs, |what, line| voice.script_says(what, line));
        if ready(SIGNALS) {
            let caught = self.signals.take();
            self.serve_signals(caught);
        }
        self.fx.runner.tick(self.now);
        if (ready(PROBES) || self.fx.announcer.deadline() <= self.now)
            && let Some(input) = self.fx.announcer.service(self.now, &mut self.fx.voice)
        {
            self.give(input);
        }
        if let Some(dog) = &mut self.fx.dog
            && let Some(input) = dog.tick(self.now, &mut self.fx.voice)
        {
            self.give(input);
        }
        if self.look.0 <= self.now {
            self.look_at_scripts();
        }
        if fds.iter().skip(CONTROL).take(1 + MAX_CLIENTS).any(PollFd::can_read) {
            self.serve_operators(fds);
        }
        self.give(Input::Tick { drained });
        self.link_changes();
    }

    /// Give one input to the node and do what it asks, with everything that follows at once.
    fn give(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        self.fx.drain(self.now, &mut self.node);
        while let Some(input) = self.fx.queue.pop_front() {
            self.node.handle_input(self.now, input);
            self.fx.drain(self.now, &mut self.node);
        }
    }

    /// Read a link that is ready until it has nothing left; answers whether it has nothing left.
    fn serve_link(&mut self, at: usize, fd: PollFd) -> bool {
        let id = LinkId(u8::try_from(at).unwrap_or(u8::MAX));
        let Some(link) = self.fx.links.get_mut(at) else { return true };
        if fd.can_write() || link.deadline() <= self.now {
            link.service(self.now);
        }
        let mut drained = true;
        if fd.can_read() {
            drained = self.read_link(at, id);
        }
        self.link_change(at, id);
        drained
    }

    fn read_link(&mut self, at: usize, link: LinkId) -> bool {
        let mut buf = [0; RECEIVE];
        for _ in 0..MAX_READS {
            let Some(port) = self.fx.links.get_mut(at) else { return true };
            match port.read(self.now, &mut buf) {
                Incoming::Bytes(n) => {
                    let bytes = buf.get(..n).unwrap_or_default();
                    self.node.handle_input(self.now, Input::Received { link, bytes });
                    self.drain();
                }
                Incoming::Empty | Incoming::Failed(_) => return true,
            }
        }
        false
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

    fn serve_pings(&mut self) {
        self.fx.pinger.service(self.now);
        match self.fx.pinger.take_change() {
            Some(Change::Failed(why)) => {
                self.fx.voice.say(Level::Error, format_args!("ping nodes cannot be asked: {why}"));
            }
            Some(Change::Opened | Change::SendFailing(_) | Change::SendRestored) | None => {}
        }
        for _ in 0..MAX_READS {
            match self.fx.pinger.read() {
                Answer::From(ping) => self.give(Input::PingAnswer { ping }),
                Answer::Other => {}
                Answer::Empty => return,
            }
        }
    }

    fn serve_helper(&mut self) {
        self.fx.voice.helper.service();
        while let Some(reply) = self.fx.voice.helper.read() {
            match reply {
                FromHelper::Persisted { serial } => self.give(Input::Persisted { serial }),
                FromHelper::PersistFailed { why, .. } => {
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Error, format_args!("the state file cannot be written: {why}"));
                }
                FromHelper::OutputFailed { output, why } => {
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Warn, format_args!("{} cannot be written: {why}", output_name(output)));
                }
                FromHelper::OutputRestored { output } => {
                    let voice = &mut self.fx.voice;
                    voice.say(Level::Info, format_args!("{} can be written again", output_name(output)));
                }
                FromHelper::Gone => self.revive = self.now.max(self.revived.plus(REVIVE_EVERY)),
            }
        }
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
        if let Some(dog) = &mut self.fx.dog {
            dog.helper_restarted();
        }
        self.fx.voice.say(Level::Error, format_args!("the helper process had ended; a new one was started"));
    }

    fn serve_signals(&mut self, caught: Caught) {
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
            let voice = &mut self.fx.voice;
            let tell = |(bad, line): (bool, &str)| voice.say(level(bad), format_args!("reload: {line}"));
            self.reload.run(&mut self.node, tell);
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
            self.fx.script_ended(&finished);
            self.drain();
        }
        // The helper's end shows in its channel; here only its zombie goes.
        let _ = process::try_wait_for(self.fx.voice.helper.pid());
    }

    /// See whether the scripts of the next group appeared or went away: a few looks at files, one group at a time.
    fn look_at_scripts(&mut self) {
        let count = self.fx.runner.programs().groups();
        let group = GroupId(self.look.1);
        let next = self.look.1.saturating_add(1);
        self.look = (self.now.plus(CLAIMABLE_EVERY), if usize::from(next) < count { next } else { 0 });
        let claimable = self.fx.runner.programs().claimable(group);
        let Some(known) = self.claimable.get_mut(usize::from(group.0)) else { return };
        if usize::from(group.0) >= count || *known == claimable {
            return;
        }
        *known = claimable;
        let (level, text) = if claimable {
            (Level::Info, "every script is there now")
        } else {
            (Level::Warn, "a script is missing or not executable: not claimable here")
        };
        self.fx.voice.say_group(level, group, format_args!("{text}"));
        self.give(Input::Claimable { group, claimable });
    }

    fn serve_operators(&mut self, fds: &[PollFd; TOTAL]) {
        let Some(server) = &mut self.server else { return };
        let (node, fx, reload, facts, now) =
            (&mut self.node, &mut self.fx, &self.reload, &self.facts, self.now);
        let ready = fds.get(CONTROL..SCRIPTS).unwrap_or_default();
        server.serve(ready, |request, out| {
            if request == Request::Reload {
                let taken = reload.run(node, |(bad, line)| {
                    fx.voice.say(level(bad), format_args!("reload: {line}"));
                    out.send(&Reply::Text(line));
                });
                out.send(&if taken { Reply::Accepted } else { Reply::Refused("nothing was changed") });
            } else {
                requests::answer(now, node, fx, facts, request, out);
            }
        });
        self.drain();
    }
}

const fn level(bad: bool) -> Level {
    if bad { Level::Warn } else { Level::Info }
}

const fn output_name(output: helper::record::Output) -> &'static str {
    match output {
        helper::record::Output::Log => "logfile",
        helper::record::Output::Debug => "debugfile",
        helper::record::Output::Syslog => "syslog",
        helper::record::Output::Ring => "the event ring",
    }
}
