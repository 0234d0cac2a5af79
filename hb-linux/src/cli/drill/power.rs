//! `hbd drill --power`: the fence takes the power of the other node while it serves, and this node has to take over.

use crate::cli::Options;
use crate::config::{FenceDevice, Settings, Shown};
use crate::fence::{Ask, Call, Device, Verdict};
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use hb_core::Duration;
use std::format;
use std::string::String;

/// The machine that lost its power has this long to be well again, its boot included.
pub(super) const BOOT: Duration = Duration::from_secs(600);
/// Between two looks at the fence's status.
const LOOK_MS: i32 = 20;

/// The fence of this node.
#[derive(Debug)]
pub(super) struct Fence {
    device: Device,
    peer: String,
    status: Duration,
    reset: Duration,
    /// What may pass without progress: the other node is silent for a deadtime, then the daemon fences it too.
    pub(super) still: Duration,
}

impl Fence {
    /// The fence that `ha.cf` names, which must say that it could.
    ///
    /// # Errors
    /// Why the power of nobody can be taken.
    pub(super) fn prepare(settings: &Settings, options: &Options) -> Result<Self, String> {
        let peer = settings.peer.clone();
        if settings.fence == Some(FenceDevice::Bridge) {
            return Err(format!(
                "fence bridge is asked by the daemon alone, over the line that it holds: pull the plug of {peer} by hand"
            ));
        }
        let Some(device) = Device::prepare(settings, &options.places()) else {
            return Err(format!(
                "no fence of this node could take the power of {peer}: write a line such as `fence external /etc/ha.d/fence` into \
                 ha.cf, or leave --power out"
            ));
        };
        let limits = settings.core.limits;
        let (status, reset) = (limits.status, limits.start);
        let slack = Duration::from_secs(15);
        let still = settings.core.timing.deadtime.plus(status).plus(reset).plus(slack);
        let mut fence = Self { device, peer, status, reset, still };
        fence.could()?;
        Ok(fence)
    }

    /// Does its status say that it could?
    pub(super) fn could(&mut self) -> Result<(), String> {
        self.device
            .hold()
            .map_err(|why| format!("fence {}: it cannot be opened: {why}", self.device.name()))?;
        let mut clock = Clock::start();
        let mut call = Call::begin(&self.device, Ask::Status, clock.now(), self.status)
            .map_err(|why| format!("fence {}: {why}", self.device.name()))?;
        let verdict = loop {
            if let Some(verdict) = call.service(clock.now(), |_| {}) {
                break verdict;
            }
            sleep_ms(LOOK_MS);
        };
        match verdict {
            Verdict::Done => Ok(()),
            other => Err(format!("the status of fence {} {}", self.device.name(), ended(other, self.status))),
        }
    }

    /// The question that is answered by a name.
    pub(super) fn question(&self) -> String {
        format!(
            "Fence {} will take the power of {} while it serves: no stop script runs there, and what was not written is lost. Which \
             node loses its power? (its name)",
            self.device.name(),
            self.peer
        )
    }

    /// Take it.
    pub(super) fn begin(&self, clock: &mut Clock) -> Result<Call, String> {
        Call::begin(&self.device, Ask::Reset, clock.now(), self.reset)
            .map_err(|why| format!("fence {}: {why}", self.device.name()))
    }

    /// What a verdict on the reset means.
    pub(super) fn judge(&self, verdict: Verdict) -> Result<(), String> {
        match verdict {
            Verdict::Done => Ok(()),
            other => Err(format!(
                "fence {} {}: {} is not proven off",
                self.device.name(),
                ended(other, self.reset),
                self.peer
            )),
        }
    }
}

fn ended(verdict: Verdict, limit: Duration) -> String {
    match verdict {
        Verdict::Done => "answered 0".into(),
        Verdict::Failed(code) => format!("answered {code}"),
        Verdict::Late => format!("was not done after {}", Shown(limit)),
        Verdict::NotRun(why) => format!("could not be run: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Paths, Texts, examine_texts};

    fn prepare(fence: &str) -> Result<Fence, String> {
        let ha_cf = format!("node a b\nbcast eth0\n{fence}\n");
        let texts =
            Texts { ha_cf: ha_cf.as_bytes(), haresources: b"a 10.0.0.5\n", authkeys: b"auth 1\n1 crc\n" };
        let settings = examine_texts(&texts, &Paths::new("/nowhere"), "a").0.expect("right");
        Fence::prepare(&settings, &Options::default())
    }

    #[test]
    fn without_a_fence_that_could_nothing_is_begun() {
        for (fence, told) in [
            ("", "no fence of this node could take the power of b: write a line"),
            ("fence external /bin/false", "the status of fence external /bin/false answered 1"),
            ("fence external /nonexistent/fence", "could not be run"),
        ] {
            let why = prepare(fence).expect_err(fence);
            assert!(why.contains(told), "{why}");
        }
        let fence = prepare("fence external /bin/true").expect("it could");
        assert!(fence.question().contains("the power of b while it serves"), "{}", fence.question());
        assert!(fence.still > Duration::from_secs(15));
        assert_eq!(fence.judge(Verdict::Done), Ok(()));
        let why = fence.judge(Verdict::Failed(3)).expect_err("not done");
        assert_eq!(why, "fence external /bin/true answered 3: b is not proven off");
    }
}
