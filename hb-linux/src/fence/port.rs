//! The reset line on a real port: who holds it, who pulses, who puts it back.
//!
//! ```text
//!  daemon ----forks---> pulse: writes a byte to the guardian, goes through `line`, dies with the daemon
//!    |  holds the pipe                       |
//!    +------forks---> guardian: holds the port; rest again a little after the byte, and when the pipe ends
//! ```
//! The pipe ends with the daemon and its pulse, however they end. Who kills the guardian as well leaves the lines as they are:
//! then the capacitor of the circuit ends the pulse (`docs/fence.md`).

use super::Ask;
use super::line::{self, Lines, Outcome};
use super::proof;
use crate::sys::clock::Clock;
use crate::sys::poll::{poll, sleep_ms};
use crate::sys::process::{self, Pid, own_pid};
use crate::sys::{Errno, Fd, PollFd, fd, guard, modem};
use core::fmt::Arguments;
use std::ffi::CString;
use std::path::PathBuf;

/// What the guardian waits for beyond a whole reset.
const SLACK_MS: u32 = 250;

/// The device of `fence modem-line`.
#[derive(Debug)]
pub struct Port {
    /// The device.
    pub device: CString,
    /// How long the pair that fires is held.
    pub pulse_ms: u32,
    /// Where `hbd linktest --fence` leaves what it found.
    pub state_dir: PathBuf,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    port: Fd,
    pipe: Fd,
    guardian: Pid,
}

impl Port {
    /// Nothing is opened yet.
    #[must_use]
    pub const fn new(device: CString, pulse_ms: u32, state_dir: PathBuf) -> Self {
        Self { device, pulse_ms, state_dir, held: None }
    }

    /// Open it, put it at rest, and have it guarded, unless it is already.
    ///
    /// # Errors
    /// As [`modem::open`] and `fork(2)`.
    pub fn hold(&mut self) -> Result<(), Errno> {
        self.reap();
        if self.held.is_some() {
            return Ok(());
        }
        let port = modem::open(&self.device)?;
        modem::set(&port, true, false)?;
        let (read, pipe) = fd::pipe()?;
        let longest = line::longest_ms(self.pulse_ms).saturating_add(SLACK_MS);
        let kept = [port.raw(), read.raw()];
        let guardian = process::fork(|| {
            // It may allocate; this process does not.
            guard::disarm();
            process::new_session();
            process::become_helper(&kept, false);
            process::set_name(c"hbd-fence");
            watch(&mut Real::new(&port), &read, longest);
            0
        });
        self.held = Some(Held { guardian: guardian?, port, pipe });
        Ok(())
    }

    /// A guardian that was killed is replaced at the next reset.
    pub fn reap(&mut self) {
        let gone = |held: &Held| process::has_ended(held.guardian);
        if self.held.as_ref().is_some_and(gone) {
            self.held = None;
        }
    }

    /// In a child: do what is asked, say in a line what came of it, and give the exit code. 0 alone is a proof.
    pub fn act(&self, ask: Ask, out: &Fd) -> i32 {
        let say = |text: Arguments<'_>| {
            let _ = out.write(format!("{text}\n").as_bytes());
        };
        let Some(held) = &self.held else {
            say(format_args!("the port is not open"));
            return 3;
        };
        let device = self.device.to_string_lossy();
        if let Err(why) = proof::proven(&self.state_dir, &device) {
            say(format_args!("refused: {why}; run hbd linktest --fence {device} on both nodes"));
            return 2;
        }
        let mut real = Real::new(&held.port);
        let _ = held.pipe.write(b"!");
        let outcome = line::reset(&mut real, self.pulse_ms, ask == Ask::Status);
        if let Some(why) = real.failed {
            say(format_args!("the port does not obey: {why}"));
            return 3;
        }
        match (outcome, ask) {
            (Outcome::Reset, Ask::Reset) => say(format_args!("the other side's DTR fell under the pulse")),
            (Outcome::Reset, Ask::Status) => {
                say(format_args!("the other side's DTR is up, and our own does not move it"))
            }
            (Outcome::Unproven, Ask::Reset) => {
                say(format_args!("unproven: DSR did not fall under the pulse"))
            }
            (Outcome::Unproven, Ask::Status) => {
                say(format_args!("DSR is down: the other machine is off, or the plug is out"))
            }
            (Outcome::Bridged, _) => {
                say(format_args!(
                    "refused: our own DTR moves our DSR (a plug that bridges them, or a loopback)"
                ));
            }
        }
        match outcome {
            Outcome::Reset => 0,
            Outcome::Unproven => 1,
            Outcome::Bridged => 2,
        }
    }

    /// A child that acts.
    ///
    /// # Errors
    /// As `fork(2)`.
    pub fn fork(&self, ask: Ask, out: &Fd) -> Result<Pid, Errno> {
        let daemon = own_pid();
        process::fork(|| {
            guard::disarm();
            process::new_session();
            crate::sys::signal::ignore_requests();
            process::die_with(daemon);
            process::set_name(c"hbd-pulse");
            self.act(ask, out)
        })
    }
}

/// The guardian's life: rest a little after each byte, and at the end.
fn watch(lines: &mut impl Lines, pipe: &Fd, longest_ms: u32) {
    let mut armed = false;
    loop {
        let mut fds = [PollFd::readable(pipe.raw())];
        let timeout = if armed { i32::try_from(longest_ms).unwrap_or(i32::MAX) } else { -1 };
        let ready = poll(&mut fds, timeout);
        let mut byte = [0];
        match ready {
            Ok(0) => {
                lines.set(true, false);
                armed = false;
            }
            Ok(_) => match pipe.read(&mut byte) {
                Ok(Some(1..)) => armed = true,
                Ok(None) => {}
                Ok(Some(0)) | Err(_) => {
                    lines.set(true, false);
                    return;
                }
            },
            Err(_) => sleep_ms(100),
        }
    }
}

/// The port itself.
struct Real<'a> {
    port: &'a Fd,
    clock: Clock,
    failed: Option<Errno>,
}

impl<'a> Real<'a> {
    fn new(port: &'a Fd) -> Self {
        Self { port, clock: Clock::start(), failed: None }
    }
}

impl Lines for Real<'_> {
    fn set(&mut self, dtr: bool, rts: bool) {
        self.failed = modem::set(self.port, dtr, rts).err().or(self.failed);
    }

    fn dsr(&mut self) -> bool {
        modem::dsr(self.port).unwrap_or_else(|why| {
            self.failed = Some(why);
            true
        })
    }

    fn wait(&mut self, ms: u32) -> u32 {
        let from = self.clock.now();
        sleep_ms(i32::try_from(ms).unwrap_or(0));
        u32::try_from(self.clock.now().since(from).as_millis()).unwrap_or(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Signal;
    use std::path::Path;

    /// Writes each setting into a file.
    struct Paper<'a>(&'a Path);

    impl Lines for Paper<'_> {
        fn set(&mut self, dtr: bool, rts: bool) {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(self.0).unwrap();
            writeln!(file, "{dtr} {rts}").unwrap();
        }

        fn dsr(&mut self) -> bool {
            true
        }

        fn wait(&mut self, ms: u32) -> u32 {
            ms
        }
    }

    /// A daemon that holds a pulse, and is killed in the middle of it; with its guardian's word on paper.
    fn killed(armed: bool, name: &str) {
        let paper = std::env::temp_dir().join(format!("hbd-guardian-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&paper);
        let (read, write) = fd::pipe().unwrap();
        let daemon = process::fork(|| {
            if armed {
                let _ = write.write(b"!");
            }
            sleep_ms(120_000);
            0
        })
        .unwrap();
        // Other tests' children may have a copy of the pipe for a moment, until they execute something.
        let guardian = process::fork(|| {
            process::become_helper(&[read.raw()], false);
            watch(&mut Paper(&paper), &read, 120_000);
            0
        })
        .unwrap();
        drop(write);
        sleep_ms(50);
        assert!(!paper.exists(), "nothing is touched while the daemon lives");
        process::signal(daemon, Signal::SIGKILL).unwrap();
        let ended = process::wait_for(guardian);
        process::wait_for(daemon);
        assert_eq!(ended, Some(process::Ended::Code(0)));
        assert_eq!(std::fs::read_to_string(&paper).unwrap(), "true false\n", "rest, once");
        std::fs::remove_file(paper).unwrap();
    }

    #[test]
    fn a_killed_daemon_leaves_the_line_at_rest() {
        killed(false, "idle");
        killed(true, "pulse");
    }

    #[test]
    fn a_pulse_that_was_killed_is_ended_while_the_daemon_lives() {
        let paper = std::env::temp_dir().join(format!("hbd-guardian-late-{}", std::process::id()));
        let _ = std::fs::remove_file(&paper);
        let (read, write) = fd::pipe().unwrap();
        let guardian = process::fork(|| {
            process::become_helper(&[read.raw()], false);
            watch(&mut Paper(&paper), &read, 50);
            0
        })
        .unwrap();
        write.write(b"!").unwrap();
        let rests = || std::fs::read_to_string(&paper).is_ok_and(|text| text == "true false\n");
        assert!((0..2000).any(|_| rests() || {
            sleep_ms(10);
            false
        }));
        assert!(process::exists(guardian), "and it goes on");
        process::signal(guardian, Signal::SIGKILL).unwrap();
        process::wait_for(guardian);
        std::fs::remove_file(paper).unwrap();
    }

    #[test]
    fn a_port_without_modem_lines_cannot_be_held() {
        let (_master, name) = crate::sys::pty::open().unwrap();
        let mut port = Port::new(name, 100, PathBuf::from("/nonexistent"));
        assert!(port.hold().is_err());
        assert_eq!(port.act(Ask::Reset, &fd::pipe().unwrap().1), 3);
    }
}
