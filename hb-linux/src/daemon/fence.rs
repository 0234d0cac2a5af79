//! The fence as the daemon sees it: one call at a time, which the loop never waits for.

use super::bridge::Bridge;
use super::voice::Voice;
use crate::config::Settings;
use crate::fence::{Ask, Call, Device, Verdict};
use crate::helper::Level;
use crate::link::Link;
use crate::scripts::{Last, Places};
use crate::sys::guard;
use hb_core::config::FenceFailed;
use hb_core::{Duration, Input, Instant};

/// The fence, if there is one, and what it last came to.
#[derive(Debug)]
pub(super) struct Fencer {
    device: Option<Device>,
    /// The bridge on a serial line, which may be the fence.
    pub(super) bridge: Bridge,
    /// Of one reset.
    limit: Duration,
    policy: FenceFailed,
    call: Option<Call>,
    last: Option<(bool, Instant, Last)>,
}

impl Fencer {
    /// Allocates all that is needed later.
    #[must_use]
    pub(super) fn of(settings: &Settings, places: &Places) -> Self {
        let policy = settings.core.fence.map_or(FenceFailed::Wait, |fence| fence.failed);
        let device = Device::prepare(settings, places);
        let bridge = Bridge::of(settings);
        Self { device, bridge, limit: settings.core.limits.start, policy, call: None, last: None }
    }

    /// Take hold of a port, which is to be at rest while nothing is reset.
    pub(super) fn hold(&mut self, voice: &mut Voice) {
        if let Some(device) = &mut self.device
            && let Err(why) = device.hold()
        {
            voice.say(Level::Error, format_args!("Fence {}: it cannot be opened: {why}", device.name()));
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> Option<&str> {
        self.device.as_ref().map(Device::name).or_else(|| self.bridge.fence())
    }

    /// What is done when it fails.
    pub(super) const fn policy(&self) -> FenceFailed {
        self.policy
    }

    /// A reset is under way.
    pub(super) fn busy(&self) -> bool {
        self.call.is_some() || self.bridge.busy()
    }

    /// What the last reset came to: did it succeed, when, its last line or why not.
    pub(super) const fn last(&self) -> Option<&(bool, Instant, Last)> {
        self.last.as_ref()
    }

    /// Begin a reset. What comes to nothing is answered at once.
    pub(super) fn fire(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        let Some(name) = self.name() else { return Some(Input::FenceDone { ok: false }) };
        voice.say(
            Level::Warn,
            format_args!("Fence {name}: the reset begins, {} ms at most", self.limit.as_millis()),
        );
        let Some(device) = &mut self.device else {
            self.bridge.fire(now, self.limit);
            return None;
        };
        match device.hold().and_then(|()| Call::begin(device, Ask::Reset, now, self.limit)) {
            Ok(call) => {
                self.call = Some(call);
                None
            }
            Err(why) => Some(self.end(now, Verdict::NotRun(why), Duration::ZERO, Last::new(), voice)),
        }
    }

    /// When [`Fencer::service`] has something to do.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        self.call.as_ref().map_or(Instant::NEVER, Call::deadline).min(self.bridge.deadline())
    }

    /// After a child's end, and when it is due.
    pub(super) fn service(
        &mut self,
        now: Instant,
        links: &mut [Link],
        voice: &mut Voice,
    ) -> Option<Input<'static>> {
        if let Some((verdict, took, last)) = self.bridge.service(now, links, voice) {
            return Some(self.end(now, verdict, took, last, voice));
        }
        if let Some(device) = &mut self.device {
            device.reap();
        }
        let call = self.call.as_mut()?;
        guard::pass("fence-runs");
        let verdict = call.service(now, |line| voice.fence_says(line))?;
        let (took, last) = (call.took(now), call.last());
        self.call = None;
        Some(self.end(now, verdict, took, last, voice))
    }

    fn end(
        &mut self,
        now: Instant,
        verdict: Verdict,
        took: Duration,
        last: Last,
        voice: &mut Voice,
    ) -> Input<'static> {
        let name = self.name().unwrap_or("?");
        let took = took.as_millis();
        let said = if last.is_empty() { "nothing" } else { last.as_str() };
        match verdict {
            Verdict::Done => voice.say(Level::Info, format_args!("Fence {name}: the reset succeeded after {took} ms")),
            Verdict::Failed(code) => voice.say(
                Level::Error,
                format_args!("Fence {name}: the reset failed with exit code {code} after {took} ms; it said last: {said}"),
            ),
            Verdict::Late => voice.say(
                Level::Error,
                format_args!("Fence {name}: the reset was not done after {took} ms and was ended; it said last: {said}"),
            ),
            Verdict::NotRun(why) => {
                voice.say(Level::Error, format_args!("Fence {name}: it could not be run, so nobody was reset: {why}"));
            }
        }
        let ok = verdict == Verdict::Done;
        self.last = Some((ok, now, last));
        Input::FenceDone { ok }
    }

    /// End a call at once: for a daemon that goes.
    pub(super) fn kill_all(&self) {
        self.call.iter().for_each(Call::kill);
    }
}
