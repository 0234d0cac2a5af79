//! One call of a fence: a child that leads its own process group and has a time limit.
//!
//! ```text
//!  begin --> runs --(ends: 0)--> Done      --(ends otherwise)--> Failed      --(cannot be executed)--> NotRun
//!             |
//!           limit: SIGTERM to the group, after a grace SIGKILL, in the end nobody waits any more --> Late
//! ```
//! Only *Done* proves anything.

use super::{Ask, Device, Means};
use crate::ending::{Ending, Patience, Step};
use crate::scripts::output::{Last, Lines};
use crate::sys::process::{self, Ended, Pid, try_wait_for};
use crate::sys::spawn::{Child, Program, spawn};
use crate::sys::{Errno, Fd, fd};
use hb_core::{Duration, Instant};

/// With a call that came to its limit.
const PATIENCE: Patience =
    Patience { grace: Duration::from_millis(300), give_up: Some(Duration::from_secs(5)) };
/// Between two looks at what it prints.
const LOOK: Duration = Duration::from_millis(100);
/// Reads in one look: a flood must not hold up the loop.
const READS: usize = 8;

/// What a call came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It answered 0.
    Done,
    /// It answered something else; a signal counts as 128 and its number.
    Failed(i32),
    /// It was ended after its limit.
    Late,
    /// It could not be run.
    NotRun(Errno),
}

/// A call under way.
#[derive(Debug)]
pub struct Call {
    pid: Pid,
    /// Of a program: why it could not be executed.
    program: Option<Child>,
    output: Fd,
    lines: Lines,
    begun: Instant,
    look: Instant,
    ending: Ending,
}

impl Call {
    /// Begin one. The loop asks no disk: what is there, the child sees.
    ///
    /// # Errors
    /// No process or descriptor is to be had.
    pub fn begin(device: &Device, ask: Ask, now: Instant, limit: Duration) -> Result<Self, Errno> {
        let (output, theirs) = fd::pipe()?;
        output.set_nonblocking(true)?;
        let (pid, program) = match &device.means {
            Means::Called(called) => {
                let child = spawn(&Program {
                    choose: &|| called.image(ask),
                    stdin: None,
                    stdout: Some(&theirs),
                    stderr: Some(&theirs),
                    held: &[],
                    die_with_us: false,
                })?;
                (child.pid, Some(child))
            }
            Means::Line(port) => (port.fork(ask, &theirs)?, None),
        };
        let ending = Ending::at(now.plus(limit), PATIENCE);
        Ok(Self { pid, program, output, lines: Lines::new(), begun: now, look: now, ending })
    }

    /// When [`Call::service`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.ending.deadline().min(self.look)
    }

    /// How long it has been running.
    #[must_use]
    pub fn took(&self, now: Instant) -> Duration {
        now.since(self.begun)
    }

    /// The last line that it printed.
    #[must_use]
    pub fn last(&self) -> Last {
        self.lines.last()
    }

    /// Take in what it says, keep its limit, see whether it has ended. After a verdict it is to be dropped.
    pub fn service(&mut self, now: Instant, mut tell: impl FnMut(&str)) -> Option<Verdict> {
        let ended = try_wait_for(self.pid);
        self.listen(&mut tell);
        self.look = now.plus(LOOK);
        if let Some(ended) = ended {
            self.lines.end(&mut tell);
            if self.ending.has_begun() {
                let _ = process::kill_group(self.pid);
                return Some(Verdict::Late);
            }
            return Some(match (self.program.as_ref().and_then(Child::exec_error), ended) {
                (Some(why), _) => Verdict::NotRun(why),
                (None, Ended::Code(0)) => Verdict::Done,
                (None, Ended::Code(code)) => Verdict::Failed(code.into()),
                (None, Ended::Signal(signal)) => Verdict::Failed(i32::from(signal).saturating_add(128)),
            });
        }
        (self.ending.service(now, self.pid) == Some(Step::GivenUp)).then_some(Verdict::Late)
    }

    fn listen(&mut self, tell: &mut impl FnMut(&str)) {
        let mut buf = [0; 1024];
        for _ in 0..READS {
            let Ok(Some(n @ 1..)) = self.output.read(&mut buf) else { return };
            self.lines.feed(buf.get(..n).unwrap_or_default(), &mut *tell);
        }
    }

    /// End it at once: for a daemon that goes.
    pub fn kill(&self) {
        let _ = process::kill_group(self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::Called;
    use crate::sys::clock::Clock;
    use crate::sys::poll::sleep_ms;
    use crate::sys::spawn::Words;

    fn device(text: &str, file: &core::ffi::CStr) -> Device {
        let words = |verb| Words::new(&["sh", "-c", text, "sh", verb, "ha-2"]).unwrap();
        Device {
            name: "test".to_string(),
            means: Means::Called(Called {
                files: Vec::from([file.into()]),
                words: [words("status"), words("reset")],
                env: Words::new(&["PATH=/bin:/usr/bin"]).unwrap(),
            }),
        }
    }

    fn call(text: &str, file: &core::ffi::CStr, ask: Ask, limit: Duration) -> (Verdict, Vec<String>, Last) {
        let (mut clock, mut said) = (Clock::start(), Vec::new());
        let mut call = Call::begin(&device(text, file), ask, clock.now(), limit).unwrap();
        for _ in 0..3000 {
            if let Some(verdict) = call.service(clock.now(), |line| said.push(line.to_string())) {
                return (verdict, said, call.last());
            }
            sleep_ms(10);
        }
        panic!("no verdict");
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn only_zero_is_done() {
        for (text, verdict) in [
            ("test $1 = reset", Verdict::Done),
            ("test $1 = status && exit 0; exit 3", Verdict::Failed(3)),
            ("kill -9 $$", Verdict::Failed(137)),
        ] {
            assert_eq!(call(text, c"/bin/sh", Ask::Reset, LONG).0, verdict, "{text}");
        }
        let (verdict, said, last) =
            call("echo $1 $2; echo no route >&2; exit 1", c"/bin/sh", Ask::Status, LONG);
        assert_eq!((verdict, last.as_str()), (Verdict::Failed(1), "no route"));
        assert_eq!(said, ["status ha-2", "no route"]);
    }

    #[test]
    fn what_cannot_be_run_is_not_done() {
        let (verdict, ..) = call("", c"/nonexistent/fence", Ask::Reset, LONG);
        assert_eq!(verdict, Verdict::NotRun(Errno::NO_ENTRY));
    }

    #[test]
    fn what_hangs_is_ended_with_all_that_it_started() {
        let text = "trap '' TERM; sleep 300 & echo $!; wait; sleep 300";
        let (verdict, said, _) = call(text, c"/bin/sh", Ask::Reset, Duration::from_millis(1000));
        assert_eq!(verdict, Verdict::Late);
        let sleeper: u32 = said.first().expect("it had the time to say so").parse().unwrap();
        let gone =
            || !std::fs::read_to_string(format!("/proc/{sleeper}/stat")).is_ok_and(|s| !s.contains(") Z "));
        assert!((0..500).any(|_| gone() || {
            sleep_ms(10);
            false
        }));
    }
}
