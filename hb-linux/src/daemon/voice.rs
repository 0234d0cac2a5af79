//! The daemon's lines: events in words, scripts' output, its own remarks; all through the helper.

use crate::helper::{Helper, Level, Targets};
use crate::log::{LINE, Names, Text, words};
use crate::scripts::{Finished, What};
use crate::sys::clock::WallTime;
use core::fmt::Arguments;
use hb_core::{Event, GroupId, LinkId, Outcome};

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
}

impl Voice {
    /// Speaks through `helper`.
    #[must_use]
    pub(super) const fn new(helper: Helper, names: Names, debug: bool) -> Self {
        Self { helper, names, text: Text::new(), debug }
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

    /// The line for an event of the core.
    pub(super) fn event(&mut self, event: &Event) {
        self.text.clear();
        let level = words::event(&self.names, event, &mut self.text);
        self.send(level);
    }

    /// A line that a script printed.
    pub(super) fn script_says(&mut self, what: What, line: &str) {
        let (resource, verb) = (self.names.resource(what.group, what.resource), what.verb.as_str());
        self.text.clear();
        self.text.put(format_args!("script {resource} {verb} says: {line}"));
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
