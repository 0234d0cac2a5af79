//! Periodic `status` of a held group (directive `monitor`): N failures in a row mean one restart in place, and when
//! that does not last, a handover. It neither feeds nor starves the watchdog.
//!
//! A `status` that could not be run says nothing about the service: it counts only once it lasted for [`NOT_RUN_FOR`],
//! and then it is told, but nothing is restarted or handed over for it, since what cannot be asked cannot be stopped
//! either. A `status` that nothing can kill is a failure once its limit and the patience after its kill are over.

use crate::action::Verb;
use crate::cluster::ask;
use crate::cluster::call::{Call, Overdue};
use crate::config::{MonitorConfig, ScriptLimits};
use crate::ids::Token;
use crate::input::Outcome;
use crate::time::{Duration, Instant};

/// Good rounds over the group after which a restart in place is forgotten.
const FORGIVEN: u8 = 10;

/// Answers in a row that say neither running nor stopped, until a look gives the resource up, and their distance. What may
/// run is not taken down for want of a word.
const LOOKS: u8 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long `status` may not be runnable (no process to be had, the script being replaced) before that is a failure.
pub(crate) const NOT_RUN_FOR: Duration = Duration::from_secs(60);
/// Longest pause before a `status` that could not be run is tried again.
const NOT_RUN_PAUSE: Duration = Duration::from_secs(5);

/// What the monitor asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ask {
    /// Call `status` of this resource.
    Run(u8),
    /// Kill the call.
    Kill(Token),
    /// The call was killed and never ended: give [`Outcome::Killed`] for it.
    GiveUp(Token),
    /// Nothing until then.
    Wait(Instant),
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Nothing to do.
    Fine,
    /// It failed, this many times in a row; not enough yet.
    Failing(u8),
    /// Restart from this resource on.
    Restart(u8),
    /// It was restarted already: the other node should try.
    Handover(u8),
}

#[cfg(feature = "coverage")]
impl Verdict {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Fine => 0,
            Self::Failing(_) => 1,
            Self::Restart(_) => 2,
            Self::Handover(_) => 3,
        }
    }
}

/// Whether this build looks at what went away or came back (the feature `ask`).
const LOOKED: bool = ask::ROOM != 0;

/// The monitor of one group; runs only while the group is held.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    next: Instant,
    at: u8,
    failures: u8,
    good: u8,
    restarted: bool,
    /// The resources that are still to be looked at, one bit each; what is stopped of them is gone.
    looks: u64,
    /// The call under way began before the look.
    stale: bool,
    /// `status` could not be run since then.
    not_run: Option<Instant>,
    pub(crate) call: Option<Call>,
}

impl Monitor {
    /// What stands for the configuration where there is no monitor.
    pub(crate) const OFF: MonitorConfig = MonitorConfig { period: Duration::ZERO, failures: u8::MAX };

    pub(crate) fn new() -> Self {
        Self {
            next: Instant::NEVER,
            at: 0,
            failures: 0,
            good: 0,
            restarted: false,
            looks: 0,
            stale: false,
            not_run: None,
            call: None,
        }
    }

    /// The group is held from now on, after a restart in place or freshly.
    pub(crate) fn begin(&mut self, config: &MonitorConfig, now: Instant, restarted: bool) {
        self.next = now.plus(config.period);
        self.at = 0;
        self.failures = 0;
        self.good = 0;
        self.not_run = None;
        self.restarted = restarted;
        self.looks = 0;
    }

    /// Ask this resource now, the group being held. The answer to a call under way may be older than what the look is for.
    pub(crate) fn look(&mut self, resource: u8, now: Instant) {
        if !LOOKED {
            return;
        }
        self.looks |= 1_u64.wrapping_shl(u32::from(resource));
        self.next = now;
        self.at = self.first_look();
        self.failures = 0;
        self.stale = self.call.is_some();
    }

    /// What to do now, while the group is held.
    pub(crate) fn poll(&mut self, now: Instant) -> Ask {
        match &mut self.call {
            Some(call) => match call.overdue(now) {
                Overdue::No(until) => Ask::Wait(until),
                Overdue::Kill => Ask::Kill(call.token),
                Overdue::GiveUp => Ask::GiveUp(call.token),
            },
            None if now >= self.next => Ask::Run(self.at),
            None => Ask::Wait(self.next),
        }
    }

    /// The requested call runs under `token`.
    pub(crate) fn called(&mut self, token: Token, now: Instant, limits: &ScriptLimits) {
        let deadline = now.plus(limits.status);
        self.call = Some(Call { token, resource: self.at, verb: Verb::Status, deadline, killed: false });
    }

    /// The group is restarted in place.
    pub(crate) fn restarting(&mut self) {
        self.restarted = true;
    }

    /// The group comes up after a restart in place.
    pub(crate) fn was_restarting(&self) -> bool {
        self.restarted
    }

    /// The resource at hand.
    pub(crate) fn resource(&self) -> u8 {
        self.at
    }

    /// When it wants time to pass.
    pub(crate) fn deadline(&self) -> Instant {
        self.call.map_or(self.next, |call| call.deadline)
    }

    /// The group is not held any more: end the call, if one runs.
    pub(crate) fn end(&mut self, now: Instant) {
        self.next = Instant::NEVER;
        self.looks = 0;
        if let Some(call) = &mut self.call {
            call.deadline = call.deadline.min(now);
        }
    }

    /// The answer to the call; `None` when it is not ours (DESIGN §5.14).
    pub(crate) fn done(
        &mut self,
        token: Token,
        outcome: Outcome,
        last: u8,
        config: &MonitorConfig,
        now: Instant,
    ) -> Option<Verdict> {
        let resource = match self.call {
            Some(call) if call.token == token => {
                self.call = None;
                call.resource
            }
            Some(_) | None => return None,
        };
        if self.next == Instant::NEVER {
            return Some(Verdict::Fine);
        }
        if LOOKED && self.looks != 0 {
            return Some(self.looked(resource, outcome, config, now));
        }
        if outcome == Outcome::NotRun {
            return Some(self.could_not_run(config, now));
        }
        self.not_run = None;
        if outcome == Outcome::Running {
            self.failures = 0;
            if self.at < last {
                self.at = self.at.saturating_add(1);
                self.next = now;
            } else {
                self.at = 0;
                self.next = now.plus(config.period);
                self.good = self.good.saturating_add(1);
                self.restarted &= self.good < FORGIVEN;
            }
            return Some(Verdict::Fine);
        }
        self.good = 0;
        self.failures = self.failures.saturating_add(1);
        self.next = now.plus(config.period);
        Some(if self.failures < config.failures {
            Verdict::Failing(self.failures)
        } else if self.restarted {
            Verdict::Handover(self.at)
        } else {
            Verdict::Restart(self.at)
        })
    }

    /// Not asked, so not answered.
    fn could_not_run(&mut self, config: &MonitorConfig, now: Instant) -> Verdict {
        let since = *self.not_run.get_or_insert(now);
        self.next = now.plus(config.period.min(NOT_RUN_PAUSE));
        if now.since(since) < NOT_RUN_FOR {
            return Verdict::Fine;
        }
        self.not_run = Some(now);
        self.good = 0;
        self.failures = self.failures.saturating_add(1);
        Verdict::Failing(self.failures)
    }
}

impl Monitor {
    /// An answer of a look. It puts in place what is gone, however often: a service that fails by itself is the monitor's.
    /// DESIGN §7 O8b.2, O8b.3.
    fn looked(&mut self, at: u8, outcome: Outcome, config: &MonitorConfig, now: Instant) -> Verdict {
        if core::mem::take(&mut self.stale) {
            return Verdict::Fine;
        }
        match outcome {
            Outcome::Running => {
                self.looked_at(at, config, now);
                Verdict::Fine
            }
            Outcome::Stopped | Outcome::Partly => {
                self.rest(config, now);
                Verdict::Restart(at)
            }
            // Not run: nothing was learnt, and it is tried until something is.
            Outcome::NotRun => {
                self.next = now.plus(LOOK_AGAIN);
                Verdict::Fine
            }
            Outcome::Ok | Outcome::Failed(_) | Outcome::Killed | Outcome::Unclear => {
                self.failures = self.failures.saturating_add(1);
                self.next = now.plus(LOOK_AGAIN);
                let count = self.failures;
                if count >= LOOKS {
                    self.looked_at(at, config, now);
                }
                Verdict::Failing(count)
            }
        }
    }

    /// The look at this resource is over: the next one.
    fn looked_at(&mut self, at: u8, config: &MonitorConfig, now: Instant) {
        self.looks &= !1_u64.wrapping_shl(u32::from(at));
        if self.looks == 0 {
            self.rest(config, now);
        } else {
            (self.at, self.failures, self.next) = (self.first_look(), 0, now);
        }
    }

    /// The first of the resources to be looked at.
    fn first_look(&self) -> u8 {
        u8::try_from(self.looks.trailing_zeros()).unwrap_or(0) % 64
    }

    /// The look is over: as before it.
    fn rest(&mut self, config: &MonitorConfig, now: Instant) {
        self.looks = 0;
        self.at = 0;
        self.failures = 0;
        self.next = if config.period == Duration::ZERO { Instant::NEVER } else { now.plus(config.period) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: MonitorConfig = MonitorConfig { period: Duration::from_secs(10), failures: 2 };
    const LIMITS: ScriptLimits = ScriptLimits {
        start: Duration::from_secs(1),
        stop: Duration::from_secs(1),
        status: Duration::from_secs(1),
    };

    fn round(monitor: &mut Monitor, now: Instant, outcome: Outcome) -> Verdict {
        let Ask::Run(_) = monitor.poll(now) else { panic!("not due: {monitor:?}") };
        monitor.called(Token(9), now, &LIMITS);
        monitor.done(Token(9), outcome, 0, &CONFIG, now).unwrap()
    }

    #[cfg(feature = "ask")]
    #[test]
    fn a_look_asks_at_once_without_a_monitor_and_puts_back_what_is_gone() {
        let off = Monitor::OFF;
        let mut monitor = Monitor::new();
        assert_eq!(monitor.poll(Instant::ZERO), Ask::Wait(Instant::NEVER));
        let mut now = Instant::from_millis(5000);
        let mut answer = |monitor: &mut Monitor, want: u8, outcome| {
            assert_eq!(monitor.poll(now), Ask::Run(want));
            monitor.called(Token(3), now, &LIMITS);
            let verdict = monitor.done(Token(3), outcome, 1, &off, now);
            now = now.plus(LOOK_AGAIN);
            verdict
        };
        // All of it runs: nothing, and no round follows.
        monitor.look(3, Instant::from_millis(5000));
        monitor.look(1, Instant::from_millis(5000));
        assert_eq!(answer(&mut monitor, 1, Outcome::Running), Some(Verdict::Fine));
        assert_eq!(answer(&mut monitor, 3, Outcome::Running), Some(Verdict::Fine));
        assert_eq!(monitor.poll(Instant::from_millis(90_000)), Ask::Wait(Instant::NEVER));
        // A plain stopped is enough, each time.
        for _ in 0..2 {
            monitor.look(1, Instant::ZERO);
            assert_eq!(answer(&mut monitor, 1, Outcome::Stopped), Some(Verdict::Restart(1)));
            monitor.restarting();
        }
        // What is neither is asked three times, and a call that did not run counts for nothing.
        monitor.look(0, Instant::ZERO);
        assert_eq!(answer(&mut monitor, 0, Outcome::NotRun), Some(Verdict::Fine));
        assert_eq!(answer(&mut monitor, 0, Outcome::Failed(1)), Some(Verdict::Failing(1)));
        assert_eq!(answer(&mut monitor, 0, Outcome::Unclear), Some(Verdict::Failing(2)));
        assert_eq!(
            answer(&mut monitor, 0, Outcome::Killed),
            Some(Verdict::Failing(3)),
            "no word is no proof"
        );
        assert_eq!(monitor.poll(Instant::from_millis(90_000)), Ask::Wait(Instant::NEVER));
        // One without a word does not hide the next one, that is gone.
        monitor.look(0, Instant::ZERO);
        monitor.look(2, Instant::ZERO);
        for count in 1..=3 {
            assert_eq!(answer(&mut monitor, 0, Outcome::Unclear), Some(Verdict::Failing(count)));
        }
        assert_eq!(answer(&mut monitor, 2, Outcome::Stopped), Some(Verdict::Restart(2)));
    }

    #[cfg(feature = "ask")]
    #[test]
    fn an_answer_from_before_the_look_is_not_believed() {
        let mut monitor = Monitor::new();
        monitor.begin(&CONFIG, Instant::ZERO, false);
        let now = Instant::from_millis(10_000);
        assert_eq!(monitor.poll(now), Ask::Run(0));
        monitor.called(Token(1), now, &LIMITS);
        monitor.look(0, now);
        assert_eq!(monitor.done(Token(1), Outcome::Running, 0, &CONFIG, now), Some(Verdict::Fine));
        assert_eq!(monitor.poll(now), Ask::Run(0));
        monitor.called(Token(2), now, &LIMITS);
        assert_eq!(monitor.done(Token(2), Outcome::Stopped, 0, &CONFIG, now), Some(Verdict::Restart(0)));
        // The monitor's own rounds go on as before.
        assert_eq!(monitor.poll(now), Ask::Wait(now.plus(CONFIG.period)));
    }

    #[test]
    fn failures_in_a_row_restart_once_and_then_hand_over() {
        let mut monitor = Monitor::new();
        let mut now = Instant::ZERO;
        let mut step = |monitor: &mut Monitor, outcome| {
            now = now.plus(CONFIG.period);
            round(monitor, now, outcome)
        };
        monitor.begin(&CONFIG, Instant::ZERO, false);
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Failing(1));
        assert_eq!(step(&mut monitor, Outcome::Running), Verdict::Fine);
        assert_eq!(step(&mut monitor, Outcome::Killed), Verdict::Failing(1), "not in a row");
        assert_eq!(step(&mut monitor, Outcome::Running), Verdict::Fine);
        assert_eq!(step(&mut monitor, Outcome::Partly), Verdict::Failing(1), "half of it is not all of it");
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Restart(0));
        monitor.begin(&CONFIG, Instant::ZERO.plus(CONFIG.period.times(4)), true);
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Failing(1));
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Handover(0));
        for _ in 0..FORGIVEN {
            assert_eq!(step(&mut monitor, Outcome::Running), Verdict::Fine);
        }
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Failing(1));
        assert_eq!(step(&mut monitor, Outcome::Stopped), Verdict::Restart(0), "long ago: forgiven");
    }

    #[test]
    fn what_could_not_be_run_is_told_after_its_bound_and_restarts_nothing() {
        let mut monitor = Monitor::new();
        let mut now = Instant::ZERO;
        monitor.begin(&CONFIG, now, false);
        let mut told = 0;
        while now < Instant::ZERO.plus(NOT_RUN_FOR.times(5)) {
            now = monitor.next;
            match round(&mut monitor, now, Outcome::NotRun) {
                Verdict::Fine => {}
                Verdict::Failing(n) => {
                    told += 1;
                    assert_eq!(n, told, "counted once for each bound");
                    assert!(now.since(Instant::ZERO) >= NOT_RUN_FOR.times(u64::from(n)));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!((3..6).contains(&told), "{told}");
        now = monitor.next;
        assert_eq!(round(&mut monitor, now, Outcome::Running), Verdict::Fine);
        now = monitor.next;
        assert_eq!(round(&mut monitor, now, Outcome::Stopped), Verdict::Failing(1), "it runs: begun anew");
        now = monitor.next;
        assert_eq!(
            round(&mut monitor, now, Outcome::NotRun),
            Verdict::Fine,
            "no failure, and no life either"
        );
        now = monitor.next;
        assert_eq!(round(&mut monitor, now, Outcome::Stopped), Verdict::Restart(0));
    }

    #[test]
    fn a_status_that_nothing_can_kill_is_given_up_as_a_failure() {
        let mut monitor = Monitor::new();
        monitor.begin(&CONFIG, Instant::ZERO, false);
        let now = Instant::ZERO.plus(CONFIG.period);
        assert_eq!(monitor.poll(now), Ask::Run(0));
        monitor.called(Token(1), now, &LIMITS);
        let killed = now.plus(LIMITS.status);
        assert_eq!(monitor.poll(killed), Ask::Kill(Token(1)));
        let Ask::Wait(until) = monitor.poll(killed) else { panic!("{monitor:?}") };
        assert_eq!(monitor.poll(until), Ask::GiveUp(Token(1)));
        assert_eq!(
            monitor.done(Token(1), Outcome::Killed, 0, &CONFIG, until),
            Some(Verdict::Failing(1)),
            "a failure, and the next call a period later"
        );
        assert_eq!(monitor.poll(until), Ask::Wait(until.plus(CONFIG.period)));
    }

    #[test]
    fn a_group_that_is_not_held_any_more_is_not_judged() {
        let mut monitor = Monitor::new();
        monitor.begin(&CONFIG, Instant::ZERO, false);
        let now = Instant::ZERO.plus(CONFIG.period);
        assert_eq!(monitor.poll(now), Ask::Run(0));
        monitor.called(Token(1), now, &LIMITS);
        monitor.end(now);
        assert_eq!(monitor.poll(now), Ask::Kill(Token(1)));
        assert_eq!(monitor.done(Token(1), Outcome::Killed, 0, &CONFIG, now), Some(Verdict::Fine));
        assert_eq!(monitor.poll(now), Ask::Wait(Instant::NEVER));
        assert_eq!(monitor.done(Token(1), Outcome::Killed, 0, &CONFIG, now), None);
    }
}
