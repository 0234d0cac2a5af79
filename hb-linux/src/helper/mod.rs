//! The helper child (DESIGN §8.6): everything that touches a disk or another daemon, away from the timing path.
//!
//! ```text
//! hbd ----- log lines, state, orders -----> helper ----> log file, debug file, syslog, event ring, state file
//!     <---- state is on disk, failures ----        (holds the watchdog's descriptor, feeds nothing)
//! ```
//!
//! The two are joined by a pair of stream sockets: like a pipe it shows the other's end, but a pipe of Linux 2.4 holds
//! 4 KB, and no pipe can carry the descriptor of a watchdog that is armed later. The daemon never waits on it: a line
//! that does not fit is counted, and the count becomes a line of its own when there is room again; of states the newest
//! is kept and sent as soon as there is room.
//!
//! When the channel ends without an order, the daemon is dead. If a watchdog is armed, the helper keeps its descriptor
//! and stays until the machine resets; on kernels that disarm with the last close, this makes a killed daemon end like
//! a hung one.

#[cfg(feature = "late-record")]
pub mod keep;
pub mod line;
mod logfile;
mod outlet;
pub mod record;
pub mod ring;
mod run;
mod sync;
#[cfg(test)]
mod tests;

use crate::config::Facility;
use crate::scripts::Programs;
use crate::sys::Signal;
use crate::sys::clock::WallTime;
use crate::sys::poll::{PollFd, poll, sleep_ms};
use crate::sys::process::{self, Pid};
use crate::sys::{Errno, Fd, Result, sched, unix};
use crate::watchdog::Watchdog;
use hb_core::Instant;
use record::{RECORD_MAX, Record};
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::rc::Rc;

pub use line::Level;
pub use outlet::Outlet;
pub use record::{Reply, Targets};

/// Where the helper writes.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// `logfile`.
    pub log: Option<PathBuf>,
    /// `debugfile`.
    pub debug: Option<PathBuf>,
    /// `logfacility`.
    pub facility: Option<Facility>,
    /// The existing directory of the state file and the event ring.
    pub state_dir: PathBuf,
    /// Also write to standard error (`hbd run --foreground`).
    pub terminal: bool,
    /// What to look after on the disk.
    pub look: Option<Rc<Look>>,
}

/// What the helper looks after, for the daemon's loop never asks a disk: are the scripts there, and is the run directory?
#[derive(Debug)]
pub struct Look {
    /// The scripts of all groups.
    pub programs: Programs,
    /// Pid file and carried scripts are in it.
    pub run_dir: PathBuf,
}

/// Helpers that ended and were not taken from the list of processes yet.
const FORMER: usize = 4;

/// The daemon's end.
#[derive(Debug)]
pub struct Helper {
    setup: Setup,
    outlet: Outlet,
    pid: Pid,
    former: [Option<Pid>; FORMER],
    /// When it had last written all that it was given.
    wrote: Option<Instant>,
    /// The priority that it has while a state is waited for, 0 for none; and that state.
    haste: i32,
    awaited: Option<u32>,
}

impl Helper {
    /// Fork the helper. It gets a copy of the watchdog's descriptor, if there is one, and of nothing else. Call it
    /// before memory is locked and before anything large is built, so that the helper stays small.
    ///
    /// # Errors
    /// As `socketpair(2)` and `fork(2)`.
    pub fn start(setup: Setup, watchdog: Option<&Watchdog>) -> Result<Self> {
        let (channel, pid) = launch(&setup, watchdog)?;
        Ok(Self {
            setup,
            outlet: Outlet::new(channel),
            pid,
            former: [None; FORMER],
            wrote: None,
            haste: 0,
            awaited: None,
        })
    }

    /// Fork another one after [`Reply::Gone`]: somebody killed the helper. What was counted and what waits is kept.
    ///
    /// # Errors
    /// As [`Helper::start`].
    pub fn restart(&mut self, watchdog: Option<&Watchdog>) -> Result<()> {
        let (channel, pid) = launch(&self.setup, watchdog)?;
        self.outlet.reconnect(channel);
        if let Some(place) = self.former.iter_mut().find(|place| place.is_none()) {
            *place = Some(self.pid);
        }
        self.pid = pid;
        self.hasten();
        self.reap();
        Ok(())
    }

    /// Take helpers that ended from the list of processes: after `SIGCHLD`.
    pub fn reap(&mut self) {
        let _ = process::try_wait_for(self.pid);
        for place in &mut self.former {
            if place.is_some_and(process::has_ended) {
                *place = None;
            }
        }
    }

    /// After [`Helper::read`]: `now` is when it said that all is written, if it did.
    pub fn stamp(&mut self, now: Instant) {
        if self.outlet.take_news() {
            self.wrote = Some(now);
        }
    }

    /// When it last had written all that it was given, and how many lines and states it has not written yet.
    #[must_use]
    pub fn progress(&self) -> (Option<Instant>, u32) {
        (self.wrote, self.outlet.backlog())
    }

    /// The channel to wait on: for reading, and for writing as well if [`Helper::wants_write`].
    #[must_use]
    pub fn fd(&self) -> Option<RawFd> {
        self.outlet.fd()
    }

    /// Something waits for room in the channel.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outlet.wants_write()
    }

    /// Send on what waits. Call it when the channel has room.
    pub fn service(&mut self) {
        self.outlet.service();
    }

    /// Have one line written. Longer ones than [`record::TEXT_MAX`] are cut. Never waits.
    pub fn log(&mut self, at: WallTime, level: Level, to: Targets, text: &str) {
        self.outlet.log(at, level, to, text);
    }

    /// Have `bytes` (at most [`crate::state::MAX_BYTES`]) put in place of the state file. [`Reply::Persisted`] or
    /// [`Reply::PersistFailed`] comes back with `serial`; a newer state that overtakes a waiting one makes its answer
    /// stand for both.
    pub fn persist(&mut self, serial: u32, bytes: &[u8]) {
        self.awaited = Some(serial);
        self.hasten();
        self.outlet.persist(serial, bytes);
    }

    /// Give the helper a watchdog that was armed after its start.
    ///
    /// # Errors
    /// `EAGAIN`: no room now; try again later. `EPIPE`: the helper is gone.
    pub fn hold(&mut self, watchdog: &Watchdog) -> Result<()> {
        self.outlet.hold(watchdog)
    }

    /// Have the scripts looked at now; [`Reply::Scripts`] comes back. `false`: the helper does not take orders now.
    pub fn look(&mut self) -> bool {
        self.setup.look.is_some() && self.outlet.order(&Record::Look.encode())
    }

    /// Have the record of lateness written, when there is nothing else to do. `false`: the helper does not take orders now.
    #[cfg(feature = "late-record")]
    pub fn keep(&mut self, bytes: &[u8]) -> bool {
        self.outlet.order(&Record::Keep { bytes }.encode())
    }

    /// A claim waits for the state, not for a busy processor: the helper shall have the daemon's `priority` from the order to
    /// the answer. In between it sleeps on the disk.
    pub const fn may_hurry(&mut self, priority: i32) {
        self.haste = priority;
    }

    fn hasten(&self) {
        if self.awaited.is_some() && self.haste > 0 {
            sched::hurry(self.pid, self.haste);
        }
    }

    /// The next answer. Keep calling until `None`.
    pub fn read(&mut self) -> Option<Reply> {
        let reply = self.outlet.read();
        if let Some(Reply::Persisted { serial } | Reply::PersistFailed { serial, .. }) = reply
            && self.awaited == Some(serial)
        {
            self.awaited = None;
            if self.haste > 0 {
                sched::hurry(self.pid, 0);
            }
        }
        reply
    }

    /// Lines that did not fit, since the start.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.outlet.lost_in_all()
    }

    /// End in order: the helper writes what it has and goes. With `disarm` it closes the watchdog's descriptor (the
    /// daemon writes the magic character after that, see [`Watchdog::disarm`]); without, it keeps it open until the
    /// machine resets. Waits for the helper, at most `limit_ms`; only for the very end. `feed` is called all the time: who
    /// waits with an armed watchdog feeds it. Answers whether it went.
    pub fn stop(&mut self, disarm: bool, limit_ms: i32, mut feed: impl FnMut()) -> bool {
        let order = Record::Stop { disarm }.encode();
        let mut left = limit_ms;
        while !self.outlet.order(&order) || self.outlet.wants_write() {
            if left <= 0 || self.outlet.fd().is_none() {
                return !disarm || self.is_gone();
            }
            feed();
            self.wait(true);
            self.outlet.service();
            left -= STEP_MS;
        }
        while disarm && left > 0 {
            match self.outlet.read() {
                Some(Reply::Gone) => break,
                Some(_) => {}
                None => {
                    feed();
                    self.wait(false);
                    left -= STEP_MS;
                }
            }
        }
        !disarm || self.is_gone()
    }

    /// Have it end without a word of a daemon that died: the start failed. A watchdog that it holds it keeps.
    pub fn dismiss(&mut self) {
        let _ = self.outlet.order(&Record::Stop { disarm: false }.encode());
    }

    /// End it at once, and wait until it is gone, however long: while it lives, it holds the watchdog's descriptor, and
    /// the timer runs. A process that waits for a disk may take its time.
    pub fn kill(&mut self, mut feed: impl FnMut()) {
        while !self.is_gone() {
            let _ = process::signal(self.pid, Signal::SIGKILL);
            feed();
            sleep_ms(STEP_MS);
        }
    }

    /// It has ended, its descriptors with it. Takes it from the list of processes. Its channel may have ended a moment
    /// before.
    fn is_gone(&self) -> bool {
        (0..50).any(|_| {
            let gone = process::has_ended(self.pid);
            if !gone && self.outlet.fd().is_none() {
                sleep_ms(1);
            }
            gone
        })
    }

    fn wait(&self, write: bool) {
        let mut fds = [self.outlet.fd().map_or(PollFd::NONE, |fd| PollFd::new(fd, write))];
        if poll(&mut fds, STEP_MS).is_err() {
            sleep_ms(STEP_MS);
        }
    }
}

/// Between two looks at the end.
const STEP_MS: i32 = 20;

fn launch(setup: &Setup, watchdog: Option<&Watchdog>) -> Result<(Fd, Pid)> {
    let (ours, theirs) = unix::pair()?;
    let held = match watchdog {
        Some(watchdog) => Some(run::Held {
            fd: watchdog.fd().duplicate()?,
            timeout_s: watchdog.timeout_s(),
            fake: watchdog.is_fake(),
        }),
        None => None,
    };
    let pid = process::fork(move || run::run(setup, theirs, held))?;
    Ok((ours, pid))
}

/// Room for one record, and for the rest of one that the channel took a part of.
const _: () = assert!(RECORD_MAX <= 2048, "a record must fit one buffer of a socket");

/// What a failed channel means: the helper is gone.
fn is_gone(why: Errno) -> bool {
    matches!(why, Errno::PIPE | Errno(libc::ECONNRESET) | Errno(libc::ENOTCONN))
}

#[cfg(test)]
impl Helper {
    /// The helper's process, to know it among the children that end.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }
}
