//! The child that keeps the programs of `respawn` and calls hooks ([`crate::attend`]), as the daemon sees it: what changed is put
//! into its pipe, and never waited for.

use super::voice::Voice;
use crate::attend::{self, IDLE, LONGEST, REREAD, SEPARATOR, Setup};
use crate::config::{Paths, Settings};
use crate::control::words::Worded;
use crate::helper::Level;
use crate::log::{Names, Text, groups};
use crate::scripts::{Places, program};
use crate::sys::clock::WallTime;
use crate::sys::poll::sleep_ms;
use crate::sys::process::{self, Ended, Pid};
use crate::sys::{Fd, guard};
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, Event, Instant};
use std::os::fd::RawFd;

/// A hook may take so long, and a program of `respawn` to end, in milliseconds.
const LIMITS_MS: (u64, u64) = (10_000, 5_000);
/// Between two children, where somebody kills them.
const REVIVE_EVERY: Duration = Duration::from_secs(1);
/// At the daemon's end.
const STEP_MS: i32 = 20;

/// The daemon's end.
#[derive(Debug)]
pub(super) struct Attendant {
    setup: Setup,
    /// The files were read again since `setup` was made.
    again: bool,
    /// The child is to be told of it.
    pending: bool,
    /// `None`: there is nothing for it to do.
    child: Option<(Pid, Fd, Fd)>,
    /// Another child is to be made then.
    revive: Instant,
    revived: Instant,
    /// News that the pipe had no room for.
    lost: u32,
    /// As the original calls the peer's state.
    peer: &'static str,
    buf: [u8; LONGEST],
    len: usize,
}

/// A piece of news: what of, which, from what to what, and how the original called it.
#[derive(Default)]
struct News<'a> {
    kind: &'a str,
    of: (&'a str, &'a str),
    old: &'a str,
    new: &'a str,
    /// Type of the original's message, and its fields.
    message: &'a str,
    fields: &'a [(&'a str, &'a str)],
    count: Option<u32>,
}

impl Attendant {
    /// Makes the child, if there is something for it to do.
    #[must_use]
    pub(super) fn new(settings: &Settings, paths: &Paths, places: &Places) -> Self {
        let setup = Setup {
            clients: attend::clients(settings, paths),
            paths: paths.clone(),
            own: settings.own.clone(),
            env: program::environment(settings, places),
            limits_ms: LIMITS_MS,
        };
        let child = if setup.has_work() { attend::launch(&setup, false).ok() } else { None };
        Self {
            setup,
            again: false,
            pending: false,
            child,
            revive: Instant::NEVER,
            revived: Instant::ZERO,
            lost: 0,
            peer: "up",
            buf: [0; LONGEST],
            len: 0,
        }
    }

    /// Its lines.
    #[must_use]
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.child.as_ref().map(|(_, _, lines)| lines.raw())
    }

    /// When [`Attendant::service`] has something to do.
    #[must_use]
    pub(super) const fn deadline(&self) -> Instant {
        self.revive
    }

    /// After the end of a child.
    pub(super) fn reap(&mut self, now: Instant) {
        let Some((pid, ..)) = &self.child else { return };
        let ended = process::try_wait_for(*pid);
        if ended.is_none() && process::exists(*pid) {
            return;
        }
        self.child = None;
        self.len = 0;
        let idle = ended == Some(Ended::Code(IDLE));
        self.revive = if idle { Instant::NEVER } else { now.max(self.revived.plus(REVIVE_EVERY)) };
    }

    /// Log what it says; make another one.
    pub(super) fn service(&mut self, now: Instant, voice: &mut Voice) {
        self.listen(voice);
        if now < self.revive {
            return;
        }
        self.launch(now);
        voice.say(
            Level::Error,
            format_args!(
                "the process that keeps respawn's programs and calls hooks had ended; a new one was started"
            ),
        );
    }

    fn launch(&mut self, now: Instant) {
        // The child allocates; this process does not but for the words of the pipes.
        guard::disarm();
        let made = attend::launch(&self.setup, self.again);
        guard::arm();
        self.revived = now;
        self.child = made.ok();
        self.revive = if self.child.is_some() { Instant::NEVER } else { now.plus(REVIVE_EVERY) };
    }

    /// The files were read again and are right: its programs follow.
    pub(super) fn reread(&mut self, now: Instant) {
        self.again = true;
        self.pending = self.child.is_some();
        if self.pending {
            self.pass_on();
        } else {
            self.launch(now);
        }
    }

    /// Tell it, as soon as the pipe has room.
    fn pass_on(&mut self) {
        if let Some((_, pipe, _)) = self.child.as_ref().filter(|_| self.pending) {
            self.pending = !matches!(pipe.write(REREAD.as_bytes()), Ok(Some(_)));
        }
    }

    fn listen(&mut self, voice: &mut Voice) {
        let Some((_, _, lines)) = &self.child else { return };
        while let Some(room) = self.buf.get_mut(self.len..).filter(|room| !room.is_empty()) {
            let Ok(Some(n @ 1..)) = lines.read(room) else { break };
            self.len += n;
            while let Some(at) =
                self.buf.get(..self.len).and_then(|all| all.iter().position(|&byte| byte == b'\n'))
            {
                let line =
                    self.buf.get(..at).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or("W?");
                let (level, text) = line.split_at_checked(1).unwrap_or(("W", line));
                let level = match level {
                    "I" => Level::Info,
                    "E" => Level::Error,
                    _ => Level::Warn,
                };
                voice.say(level, format_args!("{text}"));
                self.buf.copy_within(at + 1..self.len, 0);
                self.len -= at + 1;
            }
        }
        if self.len == self.buf.len() {
            self.len = 0;
        }
    }

    /// Something changed; `said` is what the log says of it.
    pub(super) fn note(&mut self, event: &Event, names: &Names, said: &str) {
        if self.child.is_none() {
            return;
        }
        let (own, peer) = (names.own.as_str(), names.peer.as_str());
        let was = self.peer;
        let status = |node, st, old| [("HA_src", node), ("HA_st", st), ("HA_OSTATUS", old)];
        let plain = |kind, new| News { kind, new, ..News::default() };
        match *event {
            Event::Group { group, from, to, epoch, cause } => {
                let name = names.group(group);
                let mut why = Text::<120>::new();
                groups::cause_words(names, cause, to, &mut why);
                let (message, fields): (_, &[_]) = match (to, cause) {
                    (GroupState::Stopping, Cause::Handover(_)) => {
                        ("ip-request", &[("HA_src", peer), ("HA_ipaddr", name)])
                    }
                    (GroupState::Starting, _) => (
                        "ip-request-resp",
                        &[("HA_src", peer), ("HA_dest", own), ("HA_ipaddr", name), ("HA_ok", "OK")],
                    ),
                    _ => ("", &[]),
                };
                let news = News {
                    kind: "group",
                    of: ("HBD_GROUP", name),
                    old: from.as_str(),
                    new: to.as_str(),
                    message,
                    fields,
                    count: Some(epoch),
                };
                self.send(names, &news, why.as_str(), said);
            }
            Event::PeerMet(_)
            | Event::PeerUp
            | Event::PeerDead(_)
            | Event::PeerNeverMet
            | Event::ForeignDead(_) => {
                self.peer = match event {
                    Event::PeerMet(_) => "up",
                    Event::PeerUp => "active",
                    _ => "dead",
                };
                let fields = status(peer, self.peer, was);
                let news = News {
                    kind: "peer",
                    old: was,
                    new: self.peer,
                    message: "status",
                    fields: &fields,
                    ..News::default()
                };
                self.send(names, &news, said, said);
            }
            Event::ForeignLeft => {
                self.peer = "dead";
                let fields = [("HA_src", peer), ("HA_st", "dead")];
                let news = News { message: "shutdone", fields: &fields, ..plain("peer", "left") };
                self.send(names, &News { old: was, ..news }, said, said);
            }
            Event::PeerLate(_) => self.send(names, &News { old: was, ..plain("peer", "late") }, said, said),
            Event::PeerLeaving => {
                self.send(names, &News { old: was, ..plain("peer", "leaving") }, said, said)
            }
            Event::Joining(_) => {
                let fields = status(own, "up", "init");
                let news = News { old: "init", message: "status", fields: &fields, ..plain("node", "up") };
                self.send(names, &news, said, said);
            }
            Event::Joined => {
                let fields = status(own, "active", "up");
                let news = News { old: "up", message: "status", fields: &fields, ..plain("node", "active") };
                self.send(names, &news, said, said);
            }
            Event::Leaving => {
                self.send(names, &News { old: "active", ..plain("node", "leaving") }, said, said)
            }
            Event::Isolated => self.send(names, &plain("node", "isolated"), said, said),
            Event::NotIsolated => self.send(names, &plain("node", "not-isolated"), said, said),
            Event::LinkUp(link) | Event::LinkDown(link) => {
                let (old, new) =
                    if matches!(event, Event::LinkUp(_)) { ("dead", "up") } else { ("up", "dead") };
                let news = News { of: ("HBD_LINK", names.link(link)), old, ..plain("link", new) };
                self.send(names, &news, said, said);
            }
            Event::PingUp(ping) | Event::PingDown(ping) => {
                let up = matches!(event, Event::PingUp(_));
                let (old, new) = if up { ("dead", "ping") } else { ("ping", "dead") };
                let host = names.ping(ping);
                let fields = status(host, new, old);
                let news = News {
                    of: ("HBD_PING", host),
                    old,
                    message: "status",
                    fields: &fields,
                    ..plain("ping", new)
                };
                self.send(names, &news, said, said);
            }
            Event::MovedAside { group, files } => {
                let of = ("HBD_GROUP", names.group(group));
                self.send(
                    names,
                    &News { of, count: Some(files), ..plain("data", "moved-aside") },
                    said,
                    said,
                );
            }
            Event::Pulled(group)
            | Event::PullFailed(group)
            | Event::LastPullFailed(group)
            | Event::StaleAccepted(group, _)
            | Event::StartsBehind(group) => {
                let new = match event {
                    Event::Pulled(_) => "in-sync",
                    Event::StaleAccepted(..) | Event::StartsBehind(_) => "stale",
                    _ => "pull-failed",
                };
                let of = ("HBD_GROUP", names.group(group));
                self.send(names, &News { of, ..plain("data", new) }, said, said);
            }
            Event::Fenced | Event::FenceFailed => {
                let (new, result) =
                    if matches!(event, Event::Fenced) { ("fenced", "OK") } else { ("failed", "bad") };
                let fields = [("HA_src", own), ("HA_node", peer), ("HA_result", result)];
                let news = News { message: "stonith", fields: &fields, ..plain("fence", new) };
                self.send(names, &news, said, said);
            }
            Event::ConflictWon(group) | Event::ConflictLost(group) => {
                let new = if matches!(event, Event::ConflictWon(_)) { "won" } else { "lost" };
                let of = ("HBD_GROUP", names.group(group));
                self.send(names, &News { of, ..plain("conflict", new) }, said, said);
            }
            Event::FeedingStopped(group) | Event::NotResetAgain(group) => {
                let new = if matches!(event, Event::FeedingStopped(_)) { "reset" } else { "not-again" };
                let of = ("HBD_GROUP", names.group(group));
                self.send(names, &News { of, ..plain("watchdog", new) }, said, said);
            }
            _ => {}
        }
    }

    fn send(&mut self, names: &Names, news: &News<'_>, why: &str, said: &str) {
        self.pass_on();
        let Some((_, pipe, _)) = &self.child else { return };
        let mut text = Text::<{ LONGEST - 1 }>::new();
        let mut put = |name: &str, value: core::fmt::Arguments<'_>| {
            text.put(format_args!("{name}={value}{SEPARATOR}"));
        };
        put("HBD_EVENT", format_args!("{}", news.kind));
        put("HBD_NODE", format_args!("{}", names.own));
        put("HBD_PEER", format_args!("{}", names.peer));
        put("HBD_OLD", format_args!("{}", news.old));
        put("HBD_NEW", format_args!("{}", news.new));
        put("HBD_TIME", format_args!("{}", WallTime::now().secs));
        if !news.of.0.is_empty() {
            put(news.of.0, format_args!("{}", news.of.1));
        }
        if let Some(count) = news.count {
            let name = if news.kind == "group" { "HBD_EPOCH" } else { "HBD_COUNT" };
            put(name, format_args!("{count}"));
        }
        if self.lost > 0 {
            put("HBD_LOST", format_args!("{}", self.lost));
        }
        if !news.message.is_empty() {
            put("HA_t", format_args!("{}", news.message));
            put("HA_NICEFAILBACK", format_args!("yes"));
            for (name, value) in news.fields {
                put(name, format_args!("{value}"));
            }
        }
        put("HBD_WHY", format_args!("{why}"));
        put("HBD_LINE", format_args!("{said}"));
        let mut line = heapless::Vec::<u8, LONGEST>::new();
        let _ = line.extend_from_slice(text.as_str().as_bytes());
        let _ = line.push(b'\n');
        match pipe.write(&line) {
            Ok(Some(_)) => self.lost = 0,
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    /// The daemon's end: have the programs ended in order, and wait for that.
    pub(super) fn end(self) {
        let Some((pid, news, lines)) = self.child else { return };
        drop((news, lines));
        while !process::has_ended(pid) {
            sleep_ms(STEP_MS);
        }
    }
}
