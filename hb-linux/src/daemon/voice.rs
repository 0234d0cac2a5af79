//! The daemon's lines: events in words, scripts' output, its own remarks; all through the helper.

use super::mirrors::Mirror;
use crate::helper::{Helper, Level, Targets};
use crate::log::tale::{self, Tale};
use crate::log::words::{self, About};
use crate::log::{LINE, Names, Text};
use crate::scripts::{Finished, Last, What};
use crate::sys::Errno;
use crate::sys::clock::WallTime;
use core::fmt::Arguments;
use hb_core::config::MAX_GROUPS;
use hb_core::message::GroupState;
use hb_core::{Event, GroupId, LinkId, Node, Outcome, PingId, Verb};

/// The helper, and the names that its lines need.
#[derive(Debug)]
pub(super) struct Voice {
    /// Writes the lines, and the state.
    pub(super) helper: Helper,
    /// Names for numbers.
    pub(super) names: Names,
    text: Text<LINE>,
    /// Lines of level debug are sent as well.
    debug: bool,
    /// By group and verb: the last line of the last call that printed one, and why one could not be run.
    said: [[Said; 3]; MAX_GROUPS],
}

/// What a call left behind for people.
#[derive(Debug)]
struct Said {
    resource: u8,
    last: Last,
    why: Option<Errno>,
}

impl Said {
    const NOTHING: Self = Self { resource: u8::MAX, last: Last::new(), why: None };
}

impl Voice {
    /// Speaks through `helper`.
    #[must_use]
    pub(super) const fn new(helper: Helper, names: Names, debug: bool) -> Self {
        Self {
            helper,
            names,
            text: Text::new(),
            debug,
            said: [const { [const { Said::NOTHING }; 3] }; MAX_GROUPS],
        }
    }

    /// What was said last.
    pub(super) fn last(&self) -> &str {
        self.text.as_str()
    }

    /// A line of the daemon's own.
    pub(super) fn say(&mut self, level: Level, args: Arguments<'_>) {
        self.text.clear();
        self.text.put(args);
        self.send(level);
    }

    /// A line about a link.
    pub(super) fn say_link(&mut self, level: Level, link: LinkId, args: Arguments<'_>) {
        self.text.clear();
        self.text.put(format_args!("Link {}: {args}", self.names.link(link)));
        self.send(level);
    }

    /// A line about a group.
    pub(super) fn say_group(&mut self, level: Level, group: GroupId, args: Arguments<'_>) {
        self.text.clear();
        self.text.put(format_args!("Resource group {}: {args}", self.names.group(group)));
        self.send(level);
    }

    /// A ping node turned out to be a node itself, or not to be one any more.
    pub(super) fn mirror(&mut self, ping: PingId, mirror: Mirror) {
        self.text.clear();
        let (host, peer) = (self.names.ping(ping), &self.names.peer);
        let level = match mirror {
            Mirror::Peer(link) => {
                self.text.put(format_args!(
                    "ping node {host} is {peer} itself: its heartbeats on {} come from there. Whether it answers says nothing \
                     of this node's network, and does not count; write a router's address into ha.cf",
                    self.names.link(LinkId(link))
                ));
                Level::Warn
            }
            Mirror::Own => {
                self.text.put(format_args!(
                    "ping node {host} is this machine itself: that it answers says nothing of this node's network, and does \
                     not count; write a router's address into ha.cf"
                ));
                Level::Warn
            }
            Mirror::Neither => {
                self.text.put(format_args!("ping node {host} is none of the two nodes any more: it counts"));
                Level::Info
            }
        };
        self.send(level);
    }

    /// The line for an event of the core; `node` is asked for what it does not carry.
    pub(super) fn event(&mut self, event: &Event, node: &Node) {
        let mut about = About::default();
        let (mut last, mut why) = (Last::new(), None);
        let call = match *event {
            Event::Group { group, .. } => {
                about.culprit = node.group_status(group).and_then(|status| status.culprit);
                about.culprit.map(|culprit| (group, culprit.resource, culprit.verb))
            }
            Event::Script { group, resource, verb, .. } => Some((group, resource, verb)),
            Event::Joined => {
                let unproven = |id: &GroupId| {
                    let state = node.group_status(*id).map(|status| status.state);
                    matches!(state, Some(GroupState::Unknown | GroupState::Stuck))
                };
                about.left = (0..=u8::MAX).map(GroupId).take(MAX_GROUPS).filter(unproven).count();
                None
            }
            _ => None,
        };
        if let Some((group, resource, verb)) = call {
            last = self.last_line(group, resource, verb);
            why = self.said_of(group, resource, verb).and_then(|said| said.why);
        }
        (about.last, about.why) = (last.as_str(), why);
        self.text.clear();
        let level = words::event(&self.names, event, &about, &mut self.text);
        self.send(level);
    }

    /// How a group came into service here.
    pub(super) fn tale(&mut self, group: GroupId, told: &Tale) {
        self.text.clear();
        let level = tale::tale(&self.names, group, told, &mut self.text);
        self.send(level);
    }

    fn said_of(&self, group: GroupId, resource: u8, verb: Verb) -> Option<&Said> {
        let said = self.said.get(usize::from(group.0))?.get(verb_index(verb))?;
        (said.resource == resource).then_some(said)
    }

    /// The last line that the last such call printed; empty if none.
    pub(super) fn last_line(&self, group: GroupId, resource: u8, verb: Verb) -> Last {
        self.said_of(group, resource, verb).map(|said| said.last.clone()).unwrap_or_default()
    }

    /// A line that a script printed.
    pub(super) fn script_says(&mut self, what: What, line: &str) {
        let (resource, verb) = (self.names.resource(what.group, what.resource), what.verb.as_str());
        self.text.clear();
        self.text.put(format_args!("script {resource} {verb} says: {line}"));
        self.trace();
    }

    /// A line that the fence printed.
    pub(super) fn fence_says(&mut self, line: &str) {
        self.text.clear();
        self.text.put(format_args!("the fence says: {line}"));
        self.trace();
    }

    /// A script was called.
    pub(super) fn script_begins(&mut self, what: What) {
        let (resource, verb) = (self.names.resource(what.group, what.resource), what.verb.as_str());
        self.text.clear();
        self.text.put(format_args!("script {resource} {verb} begins"));
        self.trace();
    }

    /// A script ended. These lines tell how long the scripts of a take-over took.
    pub(super) fn script_ends(&mut self, finished: &Finished) {
        let what = finished.what;
        let group = self.said.get_mut(usize::from(what.group.0));
        if let Some(said) = group.and_then(|verbs| verbs.get_mut(verb_index(what.verb))) {
            *said = Said { resource: what.resource, last: finished.last.clone(), why: finished.why };
        }
        let (resource, verb) = (self.names.resource(what.group, what.resource), what.verb.as_str());
        self.text.clear();
        self.text.put(format_args!("script {resource} {verb} ends after {} us: ", finished.took.as_micros()));
        match finished.outcome {
            Outcome::Ok => self.text.put(format_args!("ok")),
            Outcome::Failed(code) => self.text.put(format_args!("failed with code {code}")),
            Outcome::Running => self.text.put(format_args!("running")),
            Outcome::Stopped => self.text.put(format_args!("stopped")),
            Outcome::Unclear => self.text.put(format_args!("says neither running nor stopped")),
            Outcome::Partly => self.text.put(format_args!("partly running")),
            Outcome::Killed => self.text.put(format_args!("killed")),
            Outcome::NotRun => self.text.put(format_args!("could not be run")),
        }
        if let Some(why) = finished.why {
            self.text.put(format_args!(": {why}"));
        }
        self.trace();
    }

    /// More or fewer lines in the debug log (`SIGUSR1`, `SIGUSR2`).
    pub(super) fn set_debug(&mut self, on: bool) {
        self.debug = on;
    }

    fn send(&mut self, level: Level) {
        let to = if level == Level::Debug { Targets::TRACE } else { Targets::ALL };
        if level != Level::Debug || self.debug {
            self.helper.log(WallTime::now(), level, to, self.text.as_str());
        }
    }

    fn trace(&mut self) {
        self.helper.log(WallTime::now(), Level::Debug, Targets::TRACE, self.text.as_str());
    }
}

const fn verb_index(verb: Verb) -> usize {
    match verb {
        Verb::Start => 0,
        Verb::Stop => 1,
        Verb::Status => 2,
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.helper.dismiss();
    }
}
