//! The watchdog in the daemon's hands: armed last, tried again while it cannot be, fed only when the core says so.

use super::voice::Voice;
use crate::config::WatchdogSettings;
use crate::helper::Level;
use crate::sys::Errno;
use crate::watchdog::{Problem, Watchdog};
use hb_core::{Duration, Input, Instant, Watchdog as State};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::string::{String, ToString};

/// Between two tries while an earlier life holds it.
const RETRY_BUSY: Duration = Duration::from_secs(1);
/// Between two tries while it is missing or broken: an open may load a driver.
const RETRY_BROKEN: Duration = Duration::from_secs(30);

/// The configured watchdog.
#[derive(Debug)]
pub(super) struct Dog {
    path: CString,
    device: String,
    seconds: u32,
    armed: Option<Watchdog>,
    /// The helper has its descriptor, too.
    held: bool,
    problem: Option<Problem>,
    retry_at: Instant,
    feed_error: Option<Errno>,
}

impl Dog {
    /// Not armed yet. `None` without a directive.
    #[must_use]
    pub(super) fn new(settings: Option<&WatchdogSettings>) -> Option<Self> {
        let settings = settings?;
        Some(Self {
            path: CString::new(settings.device.as_os_str().as_bytes()).ok()?,
            device: settings.device.display().to_string(),
            seconds: settings.timeout_s,
            armed: None,
            held: false,
            problem: None,
            retry_at: Instant::ZERO,
            feed_error: None,
        })
    }

    /// When [`Dog::tick`] has something to do.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        if self.armed.is_some() && self.held { Instant::NEVER } else { self.retry_at }
    }

    /// Arm it, or give it to the helper, if that is due. Answers what the core is to be told.
    pub(super) fn tick(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        if now < self.deadline() {
            return None;
        }
        if self.armed.is_some() {
            self.give(now, voice);
            return None;
        }
        match Watchdog::open(&self.path, self.seconds) {
            Ok(watchdog) => {
                self.tell_armed(&watchdog, voice);
                let timeout = watchdog.timeout();
                self.armed = Some(watchdog);
                self.problem = None;
                self.give(now, voice);
                Some(Input::Watchdog(State::Armed { timeout }))
            }
            Err(problem) => {
                let busy = problem == Problem::Busy;
                self.retry_at = now.plus(if busy { RETRY_BUSY } else { RETRY_BROKEN });
                if self.problem.replace(problem) == Some(problem) {
                    return None;
                }
                voice.say(Level::Error, format_args!("watchdog {} is not armed: {problem}", self.device));
                Some(Input::Watchdog(if busy { State::Pending } else { State::Off }))
            }
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
            self.held = voice.helper.hold(watchdog).is_ok();
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
    pub(super) fn end(self, disarm: bool) {
        match self.armed {
            Some(watchdog) if disarm => watchdog.disarm(),
            Some(watchdog) => core::mem::forget(watchdog),
            None => {}
        }
    }
}
