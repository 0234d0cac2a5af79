//! A process group that has its time and then is to end: asked by `SIGTERM`, killed after a grace, given up if even that
//! does not end it (a process in a driver).

use crate::sys::Signal;
use crate::sys::process::{self, Pid};
use hb_core::{Duration, Instant};

/// How far it is, and when the next step is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    step: Step,
    due: Instant,
    patience: Patience,
}

/// What was done last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing: it has its time.
    Runs,
    /// It was asked to end.
    Asked,
    /// It was killed.
    Killed,
    /// It is waited for no longer.
    GivenUp,
}

/// How long each step is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// From `SIGTERM` to `SIGKILL`.
    pub grace: Duration,
    /// From `SIGKILL` until it is given up; `None` is never.
    pub give_up: Option<Duration>,
}

impl Ending {
    /// It is asked at `limit`; [`Instant::NEVER`] is when it is told to.
    #[must_use]
    pub const fn at(limit: Instant, patience: Patience) -> Self {
        Self { step: Step::Runs, due: limit, patience }
    }

    /// When [`Ending::service`] has something to do.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.due
    }

    /// Was it asked to end, or more?
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.step != Step::Runs
    }

    /// Its time is over now. One that was asked already is left alone.
    pub fn ask(&mut self, now: Instant, group: Pid) {
        if self.step == Step::Runs {
            self.due = now;
            self.service(now, group);
        }
    }

    /// Take the step that is due, if any.
    pub fn service(&mut self, now: Instant, group: Pid) -> Option<Step> {
        if now < self.due {
            return None;
        }
        (self.step, self.due) = match self.step {
            Step::Runs => {
                let _ = process::signal_group(group, Signal::SIGTERM);
                (Step::Asked, now.plus(self.patience.grace))
            }
            Step::Asked => {
                let _ = process::kill_group(group);
                (Step::Killed, self.patience.give_up.map_or(Instant::NEVER, |time| now.plus(time)))
            }
            Step::Killed | Step::GivenUp => (Step::GivenUp, Instant::NEVER),
        };
        Some(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::sleep_ms;
    use crate::sys::process::{Ended, fork, try_wait_for, wait_for};

    const PATIENCE: Patience =
        Patience { grace: Duration::from_millis(300), give_up: Some(Duration::from_millis(1000)) };

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// A child that leads its group; deaf to `SIGTERM` if so.
    fn child(deaf: bool) -> Pid {
        let (read, write) = crate::sys::fd::pipe().unwrap();
        let child = fork(|| {
            process::new_session();
            if deaf {
                crate::sys::signal::ignore_requests();
            }
            let _ = write.write(b"!");
            sleep_ms(60_000);
            0
        })
        .unwrap();
        assert_eq!(read.read(&mut [0]), Ok(Some(1)));
        child
    }

    #[test]
    fn it_is_asked_once_killed_once_and_then_given_up() {
        let group = child(true);
        let mut ending = Ending::at(at(50), PATIENCE);
        assert_eq!((ending.service(at(49), group), ending.has_begun()), (None, false));
        assert_eq!((ending.service(at(50), group), ending.deadline()), (Some(Step::Asked), at(350)));
        // Asked already: nothing is put off.
        ending.ask(at(100), group);
        assert_eq!((ending.service(at(349), group), ending.deadline()), (None, at(350)));
        assert_eq!(try_wait_for(group), None, "it is deaf");
        assert_eq!((ending.service(at(350), group), ending.deadline()), (Some(Step::Killed), at(1350)));
        assert_eq!(wait_for(group), Some(Ended::Signal(9)));
        assert_eq!(
            (ending.service(at(1350), group), ending.deadline()),
            (Some(Step::GivenUp), Instant::NEVER)
        );
    }

    #[test]
    fn one_without_a_limit_is_ended_when_it_is_told_to() {
        let group = child(false);
        let mut ending = Ending::at(Instant::NEVER, Patience { give_up: None, ..PATIENCE });
        assert_eq!(ending.service(at(u64::MAX / 2000), group), None);
        ending.ask(at(10), group);
        assert_eq!((ending.has_begun(), ending.deadline()), (true, at(310)));
        assert_eq!(wait_for(group), Some(Ended::Signal(15)));
        assert_eq!((ending.service(at(310), group), ending.deadline()), (Some(Step::Killed), Instant::NEVER));
    }
}
