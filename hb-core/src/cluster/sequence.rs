//! The script calls that carry a group up or down: left to right up, right to left down, each answer judged
//! (DESIGN §5, §7; `status` is asked before each start and after each stop).

use crate::action::Verb;
use crate::config::ScriptLimits;
use crate::ids::Token;
use crate::input::Outcome;
use crate::time::{Duration, Instant};

/// A killed call that is never reported (a process that cannot die) is given up after this.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// First pause before a stop is tried again; doubles up to [`STOP_PAUSE_MAX`], within the limit of one stop.
const STOP_PAUSE: Duration = Duration::from_millis(100);
const STOP_PAUSE_MAX: Duration = Duration::from_secs(1);

/// What the whole sequence is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    /// Prove everything stopped at the daemon's start: stop what `status` does not report stopped.
    Clean,
    /// Bring everything up.
    Start,
    /// Take everything down.
    Stop,
    /// Take down what is right of and including this resource, and bring it up again.
    Restart(u8),
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finish {
    /// Everything is up.
    Started,
    /// A start failed, and everything is proven stopped again.
    StartFailed,
    /// Everything is proven stopped.
    Stopped,
    /// Something may still run.
    StopFailed,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// Call the script; then [`Sequence::called`].
    Run {
        /// Position in the group.
        resource: u8,
        /// What with.
        verb: Verb,
    },
    /// Kill the call.
    Kill(Token),
    /// Nothing until an answer comes or this time.
    Wait(Instant),
    /// It ended; it is asked no more.
    Finished(Finish),
}

/// The running call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) token: Token,
    pub(crate) resource: u8,
    pub(crate) verb: Verb,
    pub(crate) deadline: Instant,
    pub(crate) killed: bool,
}

impl Call {
    /// Past its limit, or told to end: kill it once; give it up when even that has no effect.
    pub(crate) fn overdue(&mut self, now: Instant) -> Overdue {
        if now < self.deadline {
            Overdue::No(self.deadline)
        } else if self.killed {
            Overdue::GiveUp
        } else {
            self.kill(now);
            Overdue::Kill
        }
    }

    fn kill(&mut self, now: Instant) {
        self.killed = true;
        self.deadline = now.plus(KILL_GRACE);
    }
}

/// The verdict of [`Call::overdue`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overdue {
    /// Not before this time.
    No(Instant),
    /// Kill it now.
    Kill,
    /// It was killed and never ended.
    GiveUp,
}

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
pub(crate) struct Sequence {
    goal: Goal,
    step: Step,
    at: u8,
    /// The way down ends here.
    low: u8,
    last: u8,
    /// The way down ends in this, instead of in what the goal says.
    failing: bool,
    aborted: bool,
    /// The scripts are here: one that cannot be run says nothing of its resource.
    present: bool,
    /// How often in a row `stop` answered non-zero.
    refused: u8,
    tries: u8,
    first_stop: Instant,
    not_before: Instant,
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
            present: true,
            refused: 0,
            tries: 0,
            first_stop: Instant::ZERO,
            not_before: Instant::ZERO,
            call: None,
        }
    }

    /// Begin `goal` over `resources` resources (1 or more).
    #[cfg_attr(not(feature = "large"), inline(never))]
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
                None => self.turn_down(self.step != Step::Look),
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

    /// What to do now. Call again after every answer and at the time it gives.
    pub(crate) fn poll(&mut self, now: Instant, limits: &ScriptLimits) -> Request {
        if let Some(call) = &mut self.call {
            match call.overdue(now) {
                Overdue::No(until) => return Request::Wait(until),
                Overdue::Kill => return Request::Kill(call.token),
                Overdue::GiveUp => {
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
        if verb == Verb::Stop && self.tries == 0 && self.refused == 0 {
            self.first_stop = now;
        }
        self.call =
            Some(Call { token, resource, verb, deadline: now.plus(verb.limit(limits)), killed: false });
    }

    /// The pause before the next call ends then.
    pub(crate) fn not_before(&self) -> Instant {
        match self.step {
            Step::Done(_) => Instant::NEVER,
            Step::Check | Step::Stop | Step::Verify | Step::Look | Step::Start | Step::Confirm => {
                self.not_before
            }
        }
    }

    /// The answer to a call. `false` when it is not ours.
    pub(crate) fn done(
        &mut self,
        token: Token,
        outcome: Outcome,
        now: Instant,
        limits: &ScriptLimits,
    ) -> bool {
        match self.call {
            Some(call) if call.token == token => {
                self.call = None;
                self.answer(outcome, now, limits);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The total table over (step, outcome).
    fn answer(&mut self, outcome: Outcome, now: Instant, limits: &ScriptLimits) {
        if self.aborted && matches!(self.step, Step::Look | Step::Start | Step::Confirm) {
            // Nothing was begun by a call that only looked, or that never ran.
            self.turn_down(self.step != Step::Look && outcome != Outcome::NotRun);
            return;
        }
        match (self.step, outcome) {
            (Step::Check, Outcome::Stopped) => self.below(),
            // A script that is not there cannot have started anything in this configuration. One that is there, and could
            // not be run, may have.
            (Step::Check, Outcome::NotRun) if !self.present => self.below(),
            // What is not said to be stopped is stopped, for an earlier life may have left it running.
            (
                Step::Check,
                Outcome::NotRun
                | Outcome::Running
                | Outcome::Partly
                | Outcome::Unclear
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed,
            ) => {
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
            (Step::Stop, Outcome::Killed | Outcome::NotRun) => self.step = Step::Done(Finish::StopFailed),
            // Stopped, though `stop` said no: ask it once more, then believe `status` (old scripts are not LSB).
            // A script without a `status` never says more than nothing: its `stop` has to do.
            (Step::Verify, Outcome::Stopped | Outcome::Unclear) if self.refused == 1 => {
                self.stop_again(now);
            }
            (Step::Verify, Outcome::Stopped | Outcome::Unclear) => self.below(),
            // Half of it is not stopped either.
            (Step::Verify, Outcome::Running | Outcome::Partly)
                if now.since(self.first_stop) < limits.stop =>
            {
                self.stop_again(now)
            }
            (
                Step::Verify,
                Outcome::Running
                | Outcome::Partly
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed
                | Outcome::NotRun,
            ) => {
                self.step = Step::Done(Finish::StopFailed);
            }
            (Step::Look | Step::Confirm, Outcome::Running) | (Step::Start, Outcome::Ok) => self.above(),
            // What lacks is started; the script leaves alone what runs.
            (Step::Look, Outcome::Stopped | Outcome::Unclear | Outcome::Partly) => self.step = Step::Start,
            (
                Step::Start,
                Outcome::Failed(_) | Outcome::Running | Outcome::Partly | Outcome::Unclear | Outcome::Stopped,
            ) => self.step = Step::Confirm,
            (Step::Look, Outcome::NotRun | Outcome::Ok | Outcome::Failed(_) | Outcome::Killed)
            | (Step::Start, Outcome::NotRun) => self.fail(false),
            (Step::Start, Outcome::Killed)
            | (
                Step::Confirm,
                Outcome::Stopped
                | Outcome::Unclear
                | Outcome::Partly
                | Outcome::Ok
                | Outcome::Failed(_)
                | Outcome::Killed
                | Outcome::NotRun,
            ) => {
                self.fail(true);
            }
            (Step::Done(_), _) => {}
        }
    }

    /// The resource at hand is down: the next one to the left.
    fn below(&mut self) {
        self.refused = 0;
        self.tries = 0;
        if self.at > self.low {
            self.at = self.at.saturating_sub(1);
            self.step = if self.goal == Goal::Clean { Step::Check } else { Step::Stop };
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
        if self.at < self.last {
            self.at = self.at.saturating_add(1);
            self.step = Step::Look;
        } else {
            self.step = Step::Done(Finish::Started);
        }
    }

    fn stop_again(&mut self, now: Instant) {
        let doublings = 0..self.tries.min(8);
        let pause = doublings.fold(STOP_PAUSE, |pause, _| pause.doubled()).min(STOP_PAUSE_MAX);
        self.tries = self.tries.saturating_add(1);
        self.not_before = now.plus(pause);
        self.step = Step::Stop;
    }

    fn fail(&mut self, begun: bool) {
        self.failing = true;
        self.low = 0;
        self.turn_down(begun);
    }

    /// From the way up to the way down, with or without the resource at hand.
    fn turn_down(&mut self, begun: bool) {
        self.refused = 0;
        self.tries = 0;
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

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
