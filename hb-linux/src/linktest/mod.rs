//! `hbd linktest DEVICE`: run on both ends of a null-modem cable, it measures the cable.
//!
//! The ends meet at 9600 baud and step together through the speeds that both can set. At each speed both send frames of
//! a heartbeat's length without a pause for some seconds, count what arrives, and tell each other at 9600 baud again.
//! The measuring is pure (`frame`, `tally`, `session`, `advice`); this file is what touches the machine.

mod advice;
mod fence;
mod frame;
mod session;
mod show;
mod step;
mod tally;
mod toggles;

use crate::cli::args::Line;
use crate::cli::{EXIT_FAILURE, EXIT_OK, EXIT_PERMISSION, Options, tell, terminal};
use crate::daemon::pidfile;
use crate::link::port::SerialPort;
use crate::sys::clock::{Clock, WallTime};
use crate::sys::poll::{poll, timeout_until};
use crate::sys::signal::Signals;
use crate::sys::tty::{self, BAUDS, LineErrors};
use crate::sys::{Errno, PollFd, Result, random, sched};
use frame::MAX_WIRE;
use hb_core::{Duration, Instant};
use session::{COMMON, Session};
use show::Show;
use std::ffi::CString;
use step::{Do, Ending, Plan, Stage};
use tally::micros;

/// The speeds that are tested if none is named: a bit for each of [`BAUDS`] from 9600 on, without 500000.
const USUAL: u16 = 0b1011_1111_1000;

/// Test the line at `device`; the exit code. 0: some speed holds; 1: none does, or nobody answers; 4: not permitted.
#[must_use]
pub fn main(device: &str, options: &Options) -> i32 {
    let done = if options.line.fence { fence::test(device, options) } else { test(device, options) };
    let why = match done {
        Ok(code) => return code,
        Err(why) => why,
    };
    let reason = match why {
        Errno::BUSY if pidfile::is_locked(&options.state_dir) => "in use by hbd; stop it first: hbd stop",
        Errno::BUSY => "in use by another program",
        Errno::NO_ENTRY => "not there; name a serial device such as /dev/ttyS0",
        Errno::NOT_TTY => "not a serial device; name one such as /dev/ttyS0",
        other => other.text(),
    };
    tell(&format!("linktest: {device}: {reason}"));
    if why == Errno::ACCESS || why == Errno::PERM { EXIT_PERMISSION } else { EXIT_FAILURE }
}

/// The whole test; the exit code. Errors are the device's.
#[inline(never)]
fn test(device: &str, options: &Options) -> Result<i32> {
    let name = CString::new(device).map_err(|_| Errno::INVALID)?;
    let port = SerialPort::open(&name, COMMON, false)?;
    let line = &options.line;
    let chosen = *line != Line::USUAL;
    let asked = if line.speeds == 0 { USUAL } else { line.speeds };
    let mut speeds = 0;
    for (step, baud) in BAUDS.iter().enumerate() {
        if asked >> step & 1 == 1 && tty::set_speed(port.fd(), *baud).is_ok() {
            speeds |= 1 << step;
        }
    }
    tty::set_speed(port.fd(), COMMON)?;
    let signals = Signals::install()?;
    let mut nonce = [0; 4];
    random::fill(&mut nonce)?;
    let mut show = Show::new(terminal());
    // As the daemon runs, so that the times are those that it would meet.
    if let Err(why) = sched::realtime(1) {
        show.line(&format!("no real-time scheduling here ({why}): times may be longer than the daemon's"));
    }
    let mut clock = FineClock::start();
    let plan = Plan { speeds, seconds: line.seconds, chosen, wait: Duration::from_secs(line.wait.into()) };
    let granularity = Duration::from_micros(clock.clock.granularity_us());
    let session = Box::new(Session::new(plan, u32::from_le_bytes(nonce), granularity, clock.now()));
    show.line(&format!("waiting for the other end of {device}: start hbd linktest there too"));
    let mut bench = Bench { port, session, out: [0; MAX_WIRE], rest: 0..0, errors: None };
    let ending = bench.run(&mut clock, &signals, &mut show)?;
    let (fd, session) = (bench.port.fd(), &bench.session);
    let holds = !session.outcomes.is_empty()
        && show.result(session, tty::modem_lines(fd).ok(), tty::line_errors(fd).ok());
    let trouble = show::trouble(ending, session);
    if let Some(text) = trouble {
        show.line(&format!("hbd linktest: {text}"));
    }
    Ok(if holds && trouble.is_none() { EXIT_OK } else { EXIT_FAILURE })
}

/// The port and what runs on it.
struct Bench {
    port: SerialPort,
    session: Box<Session>,
    /// The latest frame, and which of its bytes the port had no room for.
    out: [u8; MAX_WIRE],
    rest: core::ops::Range<usize>,
    /// The kernel's counters when the step's test began.
    errors: Option<LineErrors>,
}

impl Bench {
    /// Until the session is over; `None`: a signal ended it.
    #[inline(never)]
    fn run(&mut self, clock: &mut FineClock, signals: &Signals, show: &mut Show) -> Result<Option<Ending>> {
        loop {
            let now = clock.now();
            self.read(now)?;
            if signals.take().terminate() {
                return Ok(None);
            }
            let deadline = match self.act(now)? {
                Do::Over(ending) => return Ok(Some(ending)),
                Do::Wait(until) => until,
                Do::Send(_) | Do::Speed(_) => now,
            };
            show.update(now, &self.session);
            let wait = timeout_until(now, deadline.min(show.deadline()));
            let port = PollFd::new(self.port.raw(), !self.rest.is_empty());
            poll(&mut [port, PollFd::readable(signals.fd())], wait)?;
        }
    }

    #[inline(never)]
    fn read(&mut self, now: Instant) -> Result<()> {
        let mut buf = [0; 512];
        // Bounded, so that a line that never falls silent cannot keep the rest waiting.
        for _ in 0..8 {
            let Some(n) = self.port.try_read(&mut buf)? else { return Ok(()) };
            self.session.receive(now, buf.get(..n).unwrap_or(&[]));
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        if let Some(rest @ [_, ..]) = self.out.get(self.rest.clone()) {
            self.rest.start += self.port.try_write(rest)?.unwrap_or(0);
        }
        Ok(())
    }

    /// Do what there is to do at `now`; the last answer says what then.
    #[inline(never)]
    fn act(&mut self, now: Instant) -> Result<Do> {
        self.write()?;
        if self.session.stage == Stage::Data {
            if self.errors.is_none() {
                self.errors = tty::line_errors(self.port.fd()).ok();
            }
            if let Ok(queued) = tty::output_queued(self.port.fd())
                && queued > self.session.allowance()
            {
                self.session.behind(now, queued);
            }
        }
        loop {
            match self.session.poll(now, self.rest.is_empty(), &mut self.out) {
                Do::Send(len) => {
                    self.rest = 0..len;
                    self.write()?;
                }
                Do::Speed(baud) => {
                    // The last bits are in the hardware still; the line was reckoned to be free by now.
                    tty::drain(self.port.fd())?;
                    if let Some((then, now)) = self.errors.take().zip(tty::line_errors(self.port.fd()).ok()) {
                        let overruns = |e: &LineErrors| e.overrun.wrapping_add(e.buffer_overrun);
                        let framing = now.frame.wrapping_sub(then.frame);
                        self.session.counted(overruns(&now).wrapping_sub(overruns(&then)), framing);
                    }
                    tty::set_speed(self.port.fd(), baud)?;
                }
                last => return Ok(last),
            }
        }
    }
}

/// The daemon's clock, and between its steps, on a kernel where these are 10 ms, the wall clock.
struct FineClock {
    clock: Clock,
    coarse: Instant,
    fine: Instant,
    wall_us: u32,
}

impl FineClock {
    fn start() -> Self {
        let mut clock = Clock::start();
        let coarse = clock.now();
        Self { clock, coarse, fine: coarse, wall_us: wall_us() }
    }

    #[inline(never)]
    fn now(&mut self) -> Instant {
        let coarse = self.clock.now();
        if self.clock.granularity_us() == 1 {
            return coarse;
        }
        let (passed, wall_us) = (micros(coarse.since(self.coarse)), wall_us());
        let step = between_steps(passed, wall_us.wrapping_sub(self.wall_us));
        (self.coarse, self.wall_us) = (coarse, wall_us);
        // Never behind the daemon's clock.
        self.fine = self.fine.plus(Duration::from_micros(step.into())).max(coarse);
        self.fine
    }
}

/// How much time passed when the coarse clock says `passed` and the wall clock `wall`, which somebody may have set;
/// in microseconds.
const fn between_steps(passed: u32, wall: u32) -> u32 {
    if wall <= passed.saturating_add(10_000) { wall } else { passed }
}

/// The wall clock in microseconds, which wrap after 71 minutes.
fn wall_us() -> u32 {
    let now = WallTime::now();
    (now.secs as u32).wrapping_mul(1_000_000).wrapping_add(now.micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_was_set_does_not_count() {
        let time = |passed: u32, wall| between_steps(passed * 1000, wall);
        assert_eq!(
            [time(0, 3), time(0, 9999), time(10, 12_345), time(20, 21_000)],
            [3, 9999, 12_345, 21_000]
        );
        assert_eq!([time(0, 5_u32.wrapping_neg()), time(0, 3_600_000_000), time(10, 0)], [0, 0, 0]);
    }
}
