//! The watchdog in the daemon's hands: armed last, tried again while it cannot be, fed only when the core says so.
//!
//! DESIGN §7 O1.6.

use super::keeper::Keeper;
use super::voice::Voice;
use crate::config::{WatchdogBusy, WatchdogSettings};
use crate::helper::Level;
use crate::opening::Opening;
use crate::sys::{Errno, Fd, process};
use crate::watchdog::{self, Problem, Watchdog};
use hb_core::{Duration, Input, Instant, Watchdog as State};
use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Between two tries while an earlier life holds it.
const RETRY_BUSY: Duration = Duration::from_secs(1);
/// A device that is held this long after the start is not held by an earlier life whose timer may still fire, unless that
/// life armed a longer timeout.
const USUAL_WAIT: u32 = 60;
/// Between two tries while it is missing or broken: an open may load a driver. A child does it.
const RETRY_BROKEN: Duration = Duration::from_secs(30);

/// The configured watchdog.
#[derive(Debug)]
pub(super) struct Dog {
    path: CString,
    device: String,
    seconds: u32,
    busy: WatchdogBusy,
    /// The timeout that this life armed, or the one before that did.
    last_armed: Option<u32>,
    /// Held by another process until then, it is not an earlier life's.
    busy_until: Instant,
    /// That time came, and the node was told what follows.
    gave_up: bool,
    /// Who held it when this life began, for people.
    holder: String,
    armed: Option<Watchdog>,
    /// The helper has its descriptor, too.
    held: bool,
    /// Has it as well, where helper and daemon may be killed by one name.
    keeper: Keeper,
    needs_keeper: bool,
    problem: Option<Problem>,
    opening: Opening,
    retry_at: Instant,
    feed_error: Option<Errno>,
}

impl Dog {
    /// Not armed yet. `None` without a directive. `last_armed`: what the state file says; `proc_dir`: where to look for the
    /// process that holds the device.
    #[must_use]
    pub(super) fn new(
        settings: Option<&WatchdogSettings>,
        last_armed: Option<u32>,
        now: Instant,
        proc_dir: &Path,
    ) -> Option<Self> {
        let settings = settings?;
        let wait = Duration::from_secs(last_armed.unwrap_or(USUAL_WAIT).into());
        Some(Self {
            busy: settings.busy,
            last_armed,
            busy_until: now.plus(wait),
            gave_up: false,
            holder: watchdog::holder(&settings.device, proc_dir),
            path: CString::new(settings.device.as_os_str().as_bytes()).ok()?,
            device: settings.device.display().to_string(),
            seconds: settings.timeout_s,
            armed: None,
            held: false,
            keeper: Keeper::prepare()?,
            needs_keeper: false,
            problem: None,
            opening: Opening::default(),
            retry_at: Instant::ZERO,
            feed_error: None,
        })
    }

    /// When [`Dog::tick`] has something to do without being waited for.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        let done = self.armed.is_some() && self.held && self.keeper.is_there() == self.needs_keeper;
        if done || self.opening.is_busy() { Instant::NEVER } else { self.retry_at }
    }

    /// What to wait on: a child opens the device.
    #[must_use]
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.opening.fd()
    }

    /// After `SIGCHLD`.
    pub(super) fn reap(&mut self) {
        self.opening.reap();
        self.keeper.reap();
    }

    /// Arm it, before the loop begins. Answers what the core is to be told.
    pub(super) fn start(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        let opened = open(&self.path);
        self.arm(now, opened, voice)
    }

    /// Have it opened, arm it, or give it to the helper, if that is due. Answers what the core is to be told.
    pub(super) fn tick(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        if let Some(opened) = self.opening.take() {
            return self.arm(now, opened, voice);
        }
        if now < self.deadline() {
            return None;
        }
        if self.armed.is_some() {
            self.give(now, voice);
            return None;
        }
        // Without a child to be had it is tried again soon; nothing is known until then.
        self.retry_at = now.plus(RETRY_BUSY);
        let path = &self.path;
        let _ = self.opening.begin(|| open(path), b"V");
        None
    }

    fn arm(&mut self, now: Instant, opened: Result<Fd, Errno>, voice: &mut Voice) -> Option<Input<'static>> {
        let armed =
            opened.map_err(Problem::from).and_then(|fd| Watchdog::armed(&self.path, fd, self.seconds));
        match armed {
            Ok(watchdog) => {
                self.tell_armed(&watchdog, voice);
                let timeout = watchdog.timeout();
                self.last_armed = Some(watchdog.timeout_s());
                self.needs_keeper = !watchdog.has_magic_close() || !process::can_be_named();
                self.armed = Some(watchdog);
                self.problem = None;
                self.give(now, voice);
                Some(Input::Watchdog(State::Armed { timeout }))
            }
            Err(problem) => {
                let busy = problem == Problem::Busy;
                self.retry_at = now.plus(if busy { RETRY_BUSY } else { RETRY_BROKEN });
                if busy && now >= self.busy_until && !self.gave_up {
                    self.gave_up = true;
                    self.problem = Some(problem);
                    return self.give_up(voice);
                }
                if busy && self.gave_up {
                    return None;
                }
                if self.problem.replace(problem) == Some(problem) {
                    return None;
                }
                voice.say(
                    Level::Error,
                    format_args!(
                        "watchdog {} is not armed: {problem}{}{}",
                        self.device,
                        if busy { "; it is held by " } else { "" },
                        if busy { self.holder.as_str() } else { "" }
                    ),
                );
                Some(Input::Watchdog(if busy { State::Pending } else { State::Off }))
            }
        }
    }

    /// It was held for longer than an earlier life's timer could still run.
    fn give_up(&self, voice: &mut Voice) -> Option<Input<'static>> {
        let waited = self.last_armed.unwrap_or(USUAL_WAIT);
        let (device, holder) = (&self.device, &self.holder);
        match self.busy {
            WatchdogBusy::Serve => {
                voice.say(
                    Level::Critical,
                    format_args!(
                        "watchdog {device} is still held after {waited} s, by {holder}: going on WITHOUT a watchdog (watchdog_busy serve); end that program, and it is armed"
                    ),
                );
                Some(Input::Watchdog(State::Off))
            }
            WatchdogBusy::Wait => {
                voice.say(
                    Level::Critical,
                    format_args!(
                        "watchdog {device} is still held after {waited} s, by {holder}: this node does not join, its peer serves (watchdog_busy wait); end that program, or write watchdog_busy serve"
                    ),
                );
                None
            }
        }
    }

    /// The timeout in seconds that this life armed, or the last one that did.
    #[must_use]
    pub(super) const fn last_armed(&self) -> Option<u32> {
        self.last_armed
    }

    /// Why it is not armed, for people; empty while it is.
    #[must_use]
    pub(super) fn trouble(&self) -> &str {
        match self.problem {
            Some(Problem::Busy) if self.armed.is_none() => &self.holder,
            Some(_) | None => "",
        }
    }

    fn tell_armed(&self, watchdog: &Watchdog, voice: &mut Voice) {
        voice.say(
            Level::Info,
            format_args!(
                "watchdog {} armed: {} s{} ({})",
                self.device,
                watchdog.timeout_s(),
                if watchdog.timeout_was_set() { "" } else { ", the driver's own: it cannot be set" },
                watchdog.identity()
            ),
        );
        if watchdog.timeout_s() != self.seconds {
            voice.say(
                Level::Warn,
                format_args!("watchdog {}: {} s were asked for", self.device, self.seconds),
            );
        }
        if watchdog.was_reset_by_it() {
            voice.say(Level::Warn, format_args!("the last start of this machine was the watchdog's reset"));
        }
    }

    fn give(&mut self, now: Instant, voice: &mut Voice) {
        if let Some(watchdog) = &self.armed {
            self.held = self.held || voice.helper.hold(watchdog).is_ok();
            if self.needs_keeper {
                // Without a process to be had it is tried again.
                let _ = self.keeper.hold(watchdog.fd());
            }
            self.retry_at = now.plus(RETRY_BUSY);
        }
    }

    /// The helper is another one now: it needs the descriptor again unless it got it at its start.
    pub(super) fn helper_restarted(&mut self) {
        self.held = self.armed.is_some();
    }

    /// Feed it. A device that fails is fed on: it may answer again, and if not, it resets the machine, as it should.
    pub(super) fn feed(&mut self, voice: &mut Voice) {
        let Some(watchdog) = &mut self.armed else { return };
        match (watchdog.feed(), self.feed_error) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.feed_error = None;
                voice.say(Level::Info, format_args!("watchdog {} takes its feed again", self.device));
            }
            (Err(why), before) if before != Some(why) => {
                self.feed_error = Some(why);
                voice.say(Level::Critical, format_args!("watchdog {} cannot be fed: {why}", self.device));
            }
            (Err(_), _) => {}
        }
    }

    /// Feed it at the very end, when nobody is left to be told of an error. Not if the end is not `clean`.
    pub(super) fn feed_quietly(&mut self, clean: bool) {
        if clean && let Some(watchdog) = &mut self.armed {
            let _ = watchdog.feed();
        }
    }

    /// The armed watchdog.
    #[must_use]
    pub(super) const fn armed(&self) -> Option<&Watchdog> {
        self.armed.as_ref()
    }

    /// Its device, for people.
    #[must_use]
    pub(super) fn device(&self) -> &str {
        &self.device
    }

    /// The end: magic close if every group is proven stopped; else it is left running.
    pub(super) fn end(mut self, disarm: bool) {
        if disarm {
            let (keeper, armed) = (&mut self.keeper, &mut self.armed);
            keeper.end(|| {
                let _ = armed.as_mut().map(Watchdog::feed);
            });
        }
        match self.armed {
            Some(watchdog) if disarm => watchdog.disarm(),
            Some(watchdog) => core::mem::forget(watchdog),
            None => {}
        }
    }
}

fn open(path: &CStr) -> Result<Fd, Errno> {
    Fd::open(path, Watchdog::flags(path), 0o600)
}
