//! The script calls that carry a group up or down: left to right up, right to left down, each answer judged
//! (DESIGN §5, §7; `status` is asked before each start and after each stop).
//!
//! What counts as evidence:
//! - `status` *stopped* proves a resource stopped, and excuses a `stop` that said no twice;
//! - a `stop` that said yes is believed when `status` has no word against it (a script without `status`);
//! - a `stop` that said no, and silence, prove nothing, but where the synced record says that this boot has not started
//!   the group since it was last proven stopped: a script without `status` says no because there is nothing to stop;
//! - a call that could not be run is no answer: it is tried again, and proves neither that the resource runs nor that it
//!   is stopped. Only a script that is known to be missing, of a group that this boot has not started, is passed over.

use crate::action::Verb;
use crate::cluster::call::{Call, Finish, Goal, Overdue, Request};
use crate::config::ScriptLimits;
use crate::ids::Token;
use crate::input::Outcome;
use crate::status::Culprit;
use crate::time::{Duration, Instant};

/// First pause before a stop, or a call that could not be run, is tried again; doubles up to [`STOP_PAUSE_MAX`].
const STOP_PAUSE: Duration = Duration::from_millis(100);
const STOP_PAUSE_MAX: Duration = Duration::from_secs(1);
/// The same at the daemon's start, where a script may be missing for days.
const CHECK_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The step at the current resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Down: `status`, to leave alone what is stopped.
    Check,
    /// Down: `stop`.
    Stop,
    /// Down: `status`, for the proof.
    Verify,
    /// Up: `status`, to leave alone what runs.
    Look,
    /// Up: `start`.
    Start,
    /// Up: `status` after a start that answered non-zero: a script that is not LSB may say so of a running service.
    Confirm,
    /// Done.
    Done(Finish),
}

/// One run of calls.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Sequence {
    /// On the way down, the first stop of the resource at hand; on the way up, since when its calls cannot be run.
    began: Instant,
    not_before: Instant,
    goal: Goal,
    step: Step,
    at: u8,
    /// The way down ends here.
    low: u8,
    last: u8,
    /// The way down ends in this, instead of in what the goal says.
    failing: bool,
    aborted: bool,
    /// A `start` was given up that nothing could kill, in this row of calls or before it: it may bring its resource up at
    /// any time, so nothing is proven by these calls.
    loose: bool,
    /// The scripts are here, as far as the shell knows: a call that could not be run is worth another try.
    present: bool,
    /// This boot may have started the group, and it was not proven stopped since: silence excuses no failed stop.
    started: bool,
    /// The resource at hand ran in part before its start.
    partly: bool,
    /// Calls in a row that could not be run.
    not_run: u8,
    /// How often in a row `stop` answered non-zero.
    refused: u8,
    tries: u8,
    /// That call, until it ends after all.
    out: Option<Token>,
    /// The first bad answer about the resource at hand.
    bad: Option<Culprit>,
    /// What the sequence failed of.
    culprit: Option<Culprit>,
    pub(crate) call: Option<Call>,
}

impl Sequence {
    /// Nothing to do.
    pub(crate) fn none() -> Self {
        Self {
            goal: Goal::Stop,
            step: Step::Done(Finish::Stopped),
            at: 0,
            low: 0,
            last: 0,
            failing: false,
            aborted: false,
            loose: false,
            out: None,
            present: true,
            started: true,
            partly: false,
            not_run: 0,
            bad: None,
            culprit: None,
            refused: 0,
            tries: 0,
            began: Instant::ZERO,
            not_before: Instant::ZERO,
            call: None,
        }
    }

    /// Begin `goal` over `resources` resources (1 or more).
    pub(crate) fn begin(goal: Goal, resources: u8) -> Self {
        let last = resources.saturating_sub(1);
        let (step, at, low) = match goal {
            Goal::Clean => (Step::Check, last, 0),
            Goal::Stop => (Step::Stop, last, 0),
            Goal::Restart(from) => (Step::Stop, last, from.min(last)),
            Goal::Start => (Step::Look, 0, 0),
        };
        Self { goal, step, at, low, last, ..Self::none() }
    }

    /// The same, after the calls before: a `start` that is still out stays so (DESIGN §5.16).
    pub(crate) fn after(&self, goal: Goal, resources: u8) -> Self {
        Self { out: self.out, loose: self.out.is_some(), ..Self::begin(goal, resources) }
    }

    /// Whether this boot may have started the group, as the record of the earlier lives has it.
    pub(crate) fn recall(&mut self, started: bool) {
        self.started = started;
    }

    /// There is nothing to do any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::none();
    }

    /// What the sequence failed of; while it still runs, what it cannot get past.
    pub(crate) fn culprit(&self) -> Option<Culprit> {
        self.culprit.or(self.bad)
    }

    /// Something of the group may run, by the record or by what `status` said since (DESIGN §5.6).
    pub(crate) fn saw_running(&self) -> bool {
        self.started
    }

    /// It goes on only once a script can be run.
    pub(crate) fn waits_for_script(&self) -> bool {
        self.not_run > 0
    }

    /// Anything may run of what these calls are to bring up, or take down.
    pub(crate) fn begun(&self) -> bool {
        match (self.step, self.at > 0 || self.partly) {
            (Step::Done(Finish::Stopped | Finish::StartFailed), _) => false,
            (Step::Look, earlier) => earlier,
            // One that could not be run has begun nothing.
            (Step::Start, earlier) => earlier || self.call.is_some(),
            (Step::Check | Step::Stop | Step::Verify | Step::Confirm | Step::Done(_), _) => true,
        }
    }

    /// The scripts of the group are here, or some are not, as the shell sees it.
    pub(crate) fn believe(&mut self, present: bool) {
        self.present = present;
    }

    /// Turn back: end what runs, take down what was begun, and finish as stopped.
    pub(crate) fn abort(&mut self, now: Instant) {
        self.aborted = true;
        self.low = 0;
        if matches!(self.step, Step::Look | Step::Start | Step::Confirm) {
            match &mut self.call {
                // The answer of the call turns the sequence round, once it is killed.
                Some(call) => call.deadline = call.deadline.min(now),
                None => self.turn_down(self.step != Step::Look || self.partly),
            }
        }
    }

    /// The number of its step among the marks.
    #[cfg(feature = "coverage")]
    pub(crate) fn step_index(&self) -> usize {
        match self.step {
            Step::Check => 0,
            Step::Stop => 1,
            Step::Verify => 2,
            Step::Look => 3,
            Step::Start => 4,
            Step::Confirm => 5,
            Step::Done(_) => 6,
        }
    }

    /// What to do now. Call again after every answer and at the time it gives (DESIGN §5.16, §5.15).
    pub(crate) fn poll(&mut self, now: Instant, limits: &ScriptLimits) -> Request {
        if let Some(call) = &mut self.call {
            match call.overdue(now) {
                Overdue::No(until) => return Request::Wait(until),
                Overdue::Kill => return Request::Kill(call.token),
                Overdue::GiveUp => {
                    if call.verb == Verb::Start {
                        (self.out, self.loose) = (Some(call.token), true);
                    }
                    self.call = None;
                    self.answer(Outcome::Killed, now, limits);
                }
            }
        }
        if let Step::Done(finish) = self.step {
            return Request::Finished(finish);
        }
        if now < self.not_before {
            return Request::Wait(self.not_before);
        }
        let verb = match self.step {
            Step::Check | Step::Verify | Step::Look | Step::Confirm => Verb::Status,
            Step::Stop => Verb::Stop,
            Step::Start => Verb::Start,
            Step::Done(finish) => return Request::Finished(finish),
        };
        Request::Run { resource: self.at, verb }
    }

    /// The requested call runs under `token`.
    pub(crate) fn called(
        &mut self,
        token: Token,
        resource: u8,
        verb: Verb,
        now: Instant,
        limits: &ScriptLimits,
    ) {
        if verb == Verb::Stop && self.tries == 0 && self.refused == 0 && self.not_run == 0 {
            self.began = now;
        }
        self.call =
            Some(Call { token, resource, verb, deadline: now.plus(verb.limit(limits)), killed: false });
    }

    /// The pause before the next call ends then.
    pub(crate) fn not_before(&self) -> Instant {
        if let Step::Done(_) = self.step { Instant::NEVER } else { self.not_before }
    }

    /// The answer to a call. `false` when it is not ours (DESIGN §5.7).
    pub(crate) fn done(
        &mut self,
        token: Token,
        outcome: Outcome,
        now: Instant,
        limits: &ScriptLimits,
    ) -> bool {
        // What it brought up at last is taken down by the next row of calls alone.
        if self.out == Some(token) {
            self.out = None;
        }
        match self.call {
            Some(call) if call.token == token => {
                self.call = None;
                self.answer(outcome, now, limits);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The total table over (step, outcome) (DESIGN §5.10, §5.7, §5.9).
    fn answer(&mut self, outcome: Outcome, now: Instant, limits: &ScriptLimits) {
        self.note(outcome);
        if outcome == Outcome::NotRun {
            self.could_not_run(now, limits);
            return;
        }
        self.not_run = 0;
        if self.aborted && matches!(self.step, Step::Look | Step::Start | Step::Confirm) {
            // Nothing was begun by a call that only looked.
            self.turn_down(self.step != Step::Look || self.partly || outcome == Outcome::Partly);
            return;
        }
        let in_time = now.since(self.began) < limits.stop;
        match (self.step, outcome) {
            (_, Outcome::NotRun) | (Step::Done(_), _) => {}
            (Step::Check, Outcome::Stopped) => self.below(),
            // What is not said to be stopped is stopped, for an earlier life may have left it running.
            (
                Step::Check,
                Outcome::Running
                | Outcome::Partly
                | Outcome::Unclear
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed,
            ) => {
                // It runs, whoever started it.
                self.started |= matches!(outcome, Outcome::Running | Outcome::Partly);
                self.step = Step::Stop;
            }
            (
                Step::Stop,
                Outcome::Ok | Outcome::Running | Outcome::Partly | Outcome::Unclear | Outcome::Stopped,
            ) => {
                self.refused = 0;
                self.step = Step::Verify;
            }
            (Step::Stop, Outcome::Failed(_)) => {
                self.refused = self.refused.saturating_add(1);
                self.step = Step::Verify;
            }
            (Step::Stop, Outcome::Killed) => self.end(Finish::StopFailed),
            // Stopped, though `stop` said no: ask it once more, then believe `status` (old scripts are not LSB).
            (Step::Verify, Outcome::Stopped) if self.refused == 1 => self.stop_again(now),
            (Step::Verify, Outcome::Stopped) => self.below(),
            // A script without a `status` never says more than nothing: its `stop` has to do.
            (Step::Verify, Outcome::Unclear) if self.refused == 0 => self.below(),
            // It says no, and nothing says that there is anything to stop.
            (Step::Verify, Outcome::Unclear) if self.refused == 1 && !self.started => self.stop_again(now),
            (Step::Verify, Outcome::Unclear) if !self.started => self.below(),
            // Half of it is not stopped either; and what did not answer may answer yet.
            (
                Step::Verify,
                Outcome::Running
                | Outcome::Partly
                | Outcome::Unclear
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed,
            ) => {
                // What runs after a stop that said no did not say no because there was nothing to stop.
                self.started |= matches!(outcome, Outcome::Running | Outcome::Partly);
                if in_time {
                    self.stop_again(now);
                } else {
                    self.end(Finish::StopFailed);
                }
            }
            (Step::Look | Step::Confirm, Outcome::Running) | (Step::Start, Outcome::Ok) => self.above(),
            // What lacks is started; the script leaves alone what runs.
            (Step::Look, Outcome::Stopped | Outcome::Unclear | Outcome::Partly) => {
                self.partly = outcome == Outcome::Partly;
                self.step = Step::Start;
            }
            (
                Step::Start,
                Outcome::Failed(_) | Outcome::Running | Outcome::Partly | Outcome::Unclear | Outcome::Stopped,
            ) => self.step = Step::Confirm,
            (Step::Look, Outcome::Ok | Outcome::Failed(_) | Outcome::Killed) => self.fail(false),
            (Step::Start, Outcome::Killed)
            | (
                Step::Confirm,
                Outcome::Stopped
                | Outcome::Unclear
                | Outcome::Partly
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed,
            ) => {
                self.fail(true);
            }
        }
    }

    /// A call that could not be run is no answer: it is tried again, on the way up and down within the limit of a start
    /// or a stop, and at the daemon's start until it can be run (DESIGN §5.11, §5.12, §7 O1.4).
    fn could_not_run(&mut self, now: Instant, limits: &ScriptLimits) {
        if self.not_run == 0 && matches!(self.step, Step::Look | Step::Start | Step::Confirm) {
            self.began = now;
        }
        let lasts = now.since(self.began);
        match self.step {
            Step::Done(_) => {}
            Step::Look | Step::Start | Step::Confirm => {
                let begun = self.step == Step::Confirm || self.partly;
                if self.aborted {
                    self.turn_down(begun);
                } else if self.present && lasts < limits.start {
                    self.not_run_again(now);
                } else {
                    self.fail(begun);
                }
            }
            // It is not there, and this boot has not started it.
            Step::Check if !self.present && !self.started => self.below(),
            Step::Check => self.not_run_again(now),
            Step::Stop | Step::Verify if lasts < limits.stop => self.not_run_again(now),
            // It was not proven stopped, and a later word of `status` alone is no proof: until it can be run, and then
            // with the whole time of a stop.
            Step::Stop | Step::Verify if self.goal == Goal::Clean => {
                self.began = now;
                self.not_run_again(now);
            }
            Step::Stop | Step::Verify => self.end(Finish::StopFailed),
        }
    }

    fn not_run_again(&mut self, now: Instant) {
        let at_start = self.goal == Goal::Clean;
        self.not_before =
            now.plus(pause(self.not_run, if at_start { CHECK_PAUSE_MAX } else { STOP_PAUSE_MAX }));
        self.not_run = self.not_run.saturating_add(1);
    }

    /// Remember the first bad answer about the resource at hand; a `start` or `stop` says more than a `status`.
    #[cfg_attr(not(feature = "large"), inline(never))]
    fn note(&mut self, outcome: Outcome) {
        let no_answer = matches!(outcome, Outcome::Failed(_) | Outcome::Killed | Outcome::NotRun);
        let (verb, bad) = match self.step {
            Step::Check | Step::Look => (Verb::Status, no_answer),
            Step::Verify => (Verb::Status, outcome != Outcome::Stopped),
            Step::Confirm => (Verb::Status, outcome != Outcome::Running),
            Step::Start => (Verb::Start, no_answer),
            Step::Stop => (Verb::Stop, no_answer),
            Step::Done(_) => return,
        };
        if bad && (self.bad.is_none() || verb != Verb::Status) {
            self.bad = Some(Culprit { resource: self.at, verb, outcome });
        } else if self.step == Step::Stop {
            // Whatever it said before, now it says yes.
            self.bad = None;
        }
    }

    fn end(&mut self, finish: Finish) {
        self.culprit = self.bad;
        self.step = Step::Done(finish);
    }

    /// The resource at hand is down: the next one to the left.
    fn below(&mut self) {
        self.next_resource();
        if self.at > self.low {
            self.at = self.at.saturating_sub(1);
            self.step = if self.goal == Goal::Clean { Step::Check } else { Step::Stop };
        } else if self.loose {
            self.step = Step::Done(Finish::StopFailed);
        } else if matches!(self.goal, Goal::Restart(_)) && !self.failing && !self.aborted {
            self.goal = Goal::Start;
            self.step = Step::Look;
        } else {
            let failed = self.failing && !self.aborted;
            self.step = Step::Done(if failed { Finish::StartFailed } else { Finish::Stopped });
        }
    }

    /// The resource at hand is up: the next one to the right.
    fn above(&mut self) {
        self.next_resource();
        if self.at < self.last {
            self.at = self.at.saturating_add(1);
            self.step = Step::Look;
        } else {
            self.step = Step::Done(Finish::Started);
        }
    }

    fn stop_again(&mut self, now: Instant) {
        self.not_before = now.plus(pause(self.tries, STOP_PAUSE_MAX));
        self.tries = self.tries.saturating_add(1);
        self.step = Step::Stop;
    }

    /// What was counted belongs to the resource at hand.
    fn next_resource(&mut self) {
        (self.refused, self.tries, self.not_run) = (0, 0, 0);
        (self.bad, self.partly) = (None, false);
    }

    fn fail(&mut self, begun: bool) {
        self.failing = true;
        self.low = 0;
        self.culprit = self.bad;
        self.turn_down(begun);
    }

    /// From the way up to the way down, with or without the resource at hand.
    fn turn_down(&mut self, begun: bool) {
        self.next_resource();
        if begun {
            self.step = Step::Stop;
        } else if self.at == 0 {
            self.below();
        } else {
            self.at = self.at.saturating_sub(1);
            self.step = Step::Stop;
        }
    }
}

/// The pause after `before` of them, at `most`.
fn pause(before: u8, most: Duration) -> Duration {
    (0..before.min(8)).fold(STOP_PAUSE, |pause, _| pause.doubled()).min(most)
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
