//! `hbd why`: why a group runs where it runs, and what would happen now if the other node died, a link were cut, or an operator
//! moved it. A child asks the real core, on its copy of everything; the daemon goes on meanwhile, and nothing is changed.

mod foresee;
mod rules;

use super::effects::Effects;
use super::outage::Outages;
use super::requests;
use crate::control::{Out, Reply, server};
use crate::log::tale::Seconds;
use crate::log::{Names, Text, groups, reasons};
use crate::sys::process::{self, Pid};
use crate::sys::{Errno, Fd, guard};
use core::fmt::Arguments;
use foresee::{Around, Future};
use hb_core::config::{Config, MAX_GROUPS};
use hb_core::message::GroupState;
use hb_core::{
    Cause, Command, Duration, GroupId, GroupStatus, Input, Instant, LinkId, Node, PeerState, Scope, Wait,
};

/// What would move is foreseen for this long beside the configured times.
const FURTHER: Duration = Duration::from_secs(60);

/// The child that answers, until it is reaped.
#[derive(Debug, Default)]
pub(super) struct Answering(Option<Pid>);

impl Answering {
    /// Have a child answer about the group of this name, or about all of them.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        node: &Node,
        fx: &Effects,
        config: &Config,
        name: &str,
        out: &mut Out<'_>,
    ) {
        let names = &fx.voice.names;
        let only = names.find_group(name);
        if only.is_none() && !name.is_empty() {
            return requests::no_group(names, name, out);
        }
        let begun = out.keep().and_then(|caller| {
            self.begin(&caller, |caller| {
                let present = Present::of(now, node, fx, config);
                present.tell(only, &mut |line| server::send(caller, &Reply::Text(line)));
            })
        });
        match begun {
            Ok(()) => {}
            Err(Errno(libc::EBUSY)) => out.send(&Reply::Refused("another one is being answered: ask again")),
            Err(_) => out.send(&Reply::Refused("no process could be made for it")),
        }
    }

    /// # Errors
    /// `EBUSY`: one is answering. As `fork(2)`.
    fn begin(&mut self, caller: &Fd, answer: impl FnOnce(&Fd)) -> Result<(), Errno> {
        if self.0.is_some() {
            return Err(Errno(libc::EBUSY));
        }
        guard::disarm();
        let child = process::fork(|| {
            process::set_name(c"hbd-why");
            process::become_helper(&[caller.raw()], false);
            answer(caller);
            server::send(caller, &Reply::Accepted);
            0
        });
        guard::arm();
        self.0 = Some(child?);
        Ok(())
    }

    /// After `SIGCHLD`.
    pub(super) fn reap(&mut self) {
        if self.0.is_some_and(process::has_ended) {
            self.0 = None;
        }
    }
}

/// What is known of the present.
#[derive(Debug)]
pub(super) struct Present<'a> {
    pub(super) now: Instant,
    pub(super) node: &'a Node,
    pub(super) names: &'a Names,
    pub(super) outages: &'a Outages,
    pub(super) config: &'a Config,
    /// By group: what brought it to its state first.
    pub(super) why: [Option<(Cause, GroupState)>; MAX_GROUPS],
}

impl<'a> Present<'a> {
    /// Of the running daemon.
    pub(super) fn of(now: Instant, node: &'a Node, fx: &'a Effects, config: &'a Config) -> Self {
        let why = core::array::from_fn(|at| {
            fx.history.of(GroupId(u8::try_from(at).unwrap_or(u8::MAX))).and_then(|change| change.why)
        });
        Self { now, node, names: &fx.voice.names, outages: &fx.outages, config, why }
    }

    /// Everything about `group`, or about all of them; a line each.
    pub(super) fn tell(&self, only: Option<GroupId>, say: &mut impl FnMut(&str)) {
        let count = u8::try_from(self.names.groups.len()).unwrap_or(u8::MAX);
        for id in (0..count).map(GroupId).filter(|id| only.is_none_or(|only| only == *id)) {
            if let Some(status) = self.node.group_status(id) {
                Answer { present: self, id, status, say }.tell();
            }
        }
    }

    fn around(&self, peer_stays: bool, peer_answers: bool) -> Around {
        let core = self.config;
        let theirs =
            |at: u8| self.node.group_status(GroupId(at)).and_then(|s| s.peer_state) == Some(GroupState::Held);
        let counts = core.groups.iter().map(|group| u64::from(group.resources));
        Around {
            peer_stays,
            answered: (0..).zip(&core.groups).map(|(at, _)| peer_answers && theirs(at)).collect(),
            addresses: core.ask.addresses.iter().copied().collect(),
            pings: self.node.status(self.now).pings.iter().copied().collect(),
            scripts: (0..)
                .map(GroupId)
                .zip(counts)
                .map(|(id, count)| {
                    let (start, stop) = self.outages.took(id);
                    let each = |all: Option<Duration>| all.unwrap_or_default().divided(count);
                    (each(start), each(stop))
                })
                .collect(),
        }
    }

    fn future(&self, peer_stays: bool, peer_answers: bool) -> Future {
        let resources: Vec<u8> = self.config.groups.iter().map(|group| group.resources).collect();
        Future::new(self.node.clone(), self.now, self.around(peer_stays, peer_answers), &resources)
    }

    /// Longer than anything that comes takes.
    fn limit(&self) -> Duration {
        let timing = self.config.timing;
        timing.initdead.plus(timing.deadtime).plus(timing.deadtime).plus(FURTHER)
    }
}

/// About one group.
struct Answer<'a, S: FnMut(&str)> {
    present: &'a Present<'a>,
    id: GroupId,
    status: GroupStatus,
    say: &'a mut S,
}

impl<S: FnMut(&str)> Answer<'_, S> {
    fn say(&mut self, args: Arguments<'_>) {
        let mut text = Text::<700>::new();
        text.put(args);
        (self.say)(text.as_str());
    }

    fn tell(&mut self) {
        self.why_here();
        let peer = self.present.node.glance().peer;
        let alive = matches!(peer, PeerState::Up | PeerState::Late);
        if alive {
            self.a_death();
            self.cuts();
            self.an_operator();
        } else {
            let names = self.present.names;
            self.say(format_args!(
                "  {} is not there: what it would do is not known; if this node died as well, nobody would serve",
                names.peer
            ));
        }
    }

    fn why_here(&mut self) {
        let (names, status) = (self.present.names, self.status);
        let name = names.group(self.id);
        let why = self.present.why.get(usize::from(self.id.0)).copied().flatten();
        let mut text = Text::<300>::new();
        match (status.state, why) {
            (GroupState::Held | GroupState::Starting, Some((cause, to))) => {
                text.put(format_args!("{name} runs here, on {}: ", names.own));
                groups::cause_words(names, cause, to, &mut text);
                text.put(format_args!(" ({})", rules::of_cause(cause)));
            }
            (GroupState::Held | GroupState::Starting, None) => {
                text.put(format_args!("{name} runs here, on {}", names.own));
            }
            _ if status.peer_state == Some(GroupState::Held) => {
                text.put(format_args!(
                    "{name} runs on {}: that node shows it, and only one may (O2); hbd why there says what brought it there",
                    names.peer
                ));
            }
            _ => text.put(format_args!("{name} runs nowhere that is known here")),
        }
        if status.pinned {
            text.put(format_args!("; an operator's move stands against failback (O4)"));
        }
        self.say(format_args!("{}", text.as_str()));
        if let Some(wait) = status.wait.filter(|_| status.state != GroupState::Held) {
            let mut text = Text::<300>::new();
            reasons::wait_words(names, self.id, wait, &mut text);
            self.say(format_args!("  not started here: {} ({})", text.as_str(), rules::of_wait(wait)));
        }
    }

    /// The other node loses its power now.
    fn a_death(&mut self) {
        let mut future = self.present.future(false, false);
        let peer = &self.present.names.peer;
        let outcome = self.foreseen(&mut future);
        self.say(format_args!("  if {peer} died now: {}", outcome.as_str()));
    }

    /// Cables are pulled, and both nodes live.
    fn cuts(&mut self) {
        let (node, names) = (self.present.node, self.present.names);
        let count = u8::try_from(names.links.len()).unwrap_or(u8::MAX);
        let well: Vec<LinkId> = (0..count).map(LinkId).filter(|link| node.both_ways_on(*link)).collect();
        for &link in &well {
            let name = names.link(link);
            match well.iter().find(|other| **other != link) {
                Some(other) => {
                    let mut future = self.present.future(true, false);
                    future.give(Input::LinkChanged { link, up: false });
                    let moved = future.until(self.present.limit(), |f| !f.changes.is_empty());
                    let what = if moved { "something moves" } else { "nothing moves" };
                    self.say(format_args!(
                        "  if {name} were cut: {what}: {} is heard on {} (DESIGN 6); outage 0.00 s",
                        names.peer,
                        names.link(*other)
                    ));
                }
                None => self.say(format_args!("  if {name} were cut: it is the last link, so:")),
            }
        }
        let mut future = self.present.future(false, true);
        let outcome = self.foreseen(&mut future);
        let theirs = self.status.peer_state == Some(GroupState::Held);
        let taken = future.state(self.id) == Some(GroupState::Held);
        let both = match (theirs, taken, future.node.group_status(self.id).and_then(|s| s.wait)) {
            (true, true, _) => "; BOTH would run it until a link is back, then the newer claim goes on (O5)",
            (true, false, Some(Wait::Answered)) => "; it runs on there",
            _ => "",
        };
        self.say(format_args!("  if every link were cut, and both nodes lived: {}{both}", outcome.as_str()));
    }

    /// What becomes of the group here while nobody is heard.
    fn foreseen(&self, future: &mut Future) -> Text<400> {
        let (id, begun) = (self.id, future.now);
        let mut text = Text::new();
        if self.status.state == GroupState::Held {
            let stops =
                future.until(self.present.limit(), |f| f.changes.iter().any(|(_, group, ..)| *group == id));
            if stops {
                text.put(format_args!("it does not stay as it is here"));
            } else {
                text.put(format_args!("nothing moves, it goes on here (O2); outage 0.00 s"));
            }
            return text;
        }
        let held = future.until(self.present.limit(), |f| f.state(id) == Some(GroupState::Held));
        if held {
            let gap = Seconds(future.now.since(begun));
            text.put(format_args!("{} takes it over (O2); outage about {gap}", self.present.names.own));
            if self.present.outages.took(id).0.is_none() {
                text.put(format_args!(" and its start scripts, which have not run here yet"));
            }
            return text;
        }
        text.put(format_args!("{} does not take it: ", self.present.names.own));
        match future.node.group_status(id).and_then(|status| status.wait) {
            Some(wait) => {
                reasons::wait_words(self.present.names, self.id, wait, &mut text);
                text.put(format_args!(" ({})", rules::of_wait(wait)));
            }
            None => text.put(format_args!("no reason is known")),
        }
        text
    }

    /// An operator moves everything.
    fn an_operator(&mut self) {
        let (names, id) = (self.present.names, self.id);
        let here = self.status.state == GroupState::Held;
        let (verb, command) = if here {
            ("standby", Command::Standby(Scope::All))
        } else {
            ("takeover", Command::Takeover(Scope::All))
        };
        let mut future = self.present.future(true, false);
        let begun = future.now;
        if let Err(refusal) = future.node.operator(begun, command) {
            let mut text = Text::<300>::new();
            reasons::refusal_words(&names.own, &names.peer, refusal, &mut text);
            return self.say(format_args!("  hbd {verb} would be refused: {}", text.as_str()));
        }
        let (start, stop) = self.present.outages.took(id);
        let mut gap = start.unwrap_or_default();
        if here {
            let stopped = future.until(self.present.limit(), |f| f.state(id) == Some(GroupState::Idle));
            if !stopped {
                return self.say(format_args!("  hbd {verb}: it would not be stopped here in time (O7)"));
            }
            gap = gap.plus(future.now.since(begun));
        } else {
            gap = gap.plus(stop.unwrap_or_default());
        }
        let to = if here { &names.peer } else { &names.own };
        let unknown = match (start, stop) {
            (Some(_), Some(_)) => "",
            _ => ", and what scripts take that have not run here yet",
        };
        self.say(format_args!(
            "  if you said hbd {verb}: it stops, then starts on {to} (O4); outage about {}{unknown}",
            Seconds(gap)
        ));
    }
}

#[cfg(test)]
mod tests;
