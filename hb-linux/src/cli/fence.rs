//! `hbd fence --test NODE`: ask the fence whether it could, ask the operator twice, reset the other node.

use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_USAGE, Options, ask, say, tell};
use crate::config::{self, FenceDevice, Shown};
use crate::fence::{Ask, Call, Device, Verdict};
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use hb_core::Duration;
use std::io::{BufRead, Write};

/// Between two looks at a call.
const LOOK_MS: i32 = 20;

/// The exit code: 0 the other node was reset; 1 it was not; 2 that is not the other node; 6 there is no fence.
pub(super) fn test(options: &Options, node: &str) -> i32 {
    let paths = options.paths();
    let (settings, findings) = config::load(&paths, options.node.as_deref());
    let Some(settings) = settings else {
        findings.as_slice().iter().for_each(|finding| tell(&format!("{finding}")));
        return EXIT_NOT_CONFIGURED;
    };
    let peer = &settings.peer;
    if !node.eq_ignore_ascii_case(peer) {
        tell(&format!("{node:?} is not the other node; that one is {peer}"));
        return EXIT_USAGE;
    }
    if settings.fence == Some(FenceDevice::Bridge) {
        tell(&format!(
            "fence bridge is asked by the daemon alone, over the line that it holds: nothing was reset. To try it, pull the plug of \
             {peer} while it serves nothing, and see whether hbd status here says done"
        ));
        return EXIT_FAILURE;
    }
    let Some(mut device) = Device::prepare(&settings, &options.places()) else {
        tell(
            "there is no fence for this node in ha.cf; write a line such as `fence external /etc/ha.d/fence`",
        );
        return EXIT_NOT_CONFIGURED;
    };
    if let Err(why) = device.hold() {
        tell(&format!("fence {}: it cannot be opened: {why}", device.name()));
        return EXIT_FAILURE;
    }
    let limits = settings.core.limits;
    say(&format!("fence {}: status, {} at most", device.name(), Shown(limits.status)));
    if call(&device, Ask::Status, limits.status) != Verdict::Done {
        tell(&format!(
            "its status says no: nothing was reset. Mend that first; it must answer 0 when {peer} could be reset"
        ));
        return EXIT_FAILURE;
    }
    if let Ok(shot) = ask::snapshot(options) {
        say(&format!("{peer} is {} to the daemon here", shot.peer.state));
    }
    say(&format!(
        "{peer} will be reset NOW: no stop script runs there, and what it serves is gone until it is up again."
    ));
    if !asked("Go on? (yes or no)", "yes") || !asked("Which node is to be reset? (its name)", peer) {
        say("nothing was reset");
        return EXIT_FAILURE;
    }
    say(&format!("fence {}: reset, {} at most", device.name(), Shown(limits.start)));
    if call(&device, Ask::Reset, limits.start) != Verdict::Done {
        tell(&format!("the reset failed: {peer} is not proven off"));
        return EXIT_FAILURE;
    }
    say(&format!("the fence says that {peer} was reset; look whether it boots"));
    EXIT_OK
}

/// One answer from the operator. An input that has ended says no.
fn asked(question: &str, expected: &str) -> bool {
    let _ = write!(std::io::stdout(), "{question} ").and_then(|()| std::io::stdout().flush());
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && line.trim().eq_ignore_ascii_case(expected)
}

/// Call it, wait for its end, and say how that went.
fn call(device: &Device, what: Ask, limit: Duration) -> Verdict {
    let mut clock = Clock::start();
    let mut call = match Call::begin(device, what, clock.now(), limit) {
        Ok(call) => call,
        Err(why) => return said(Verdict::NotRun(why), Duration::ZERO),
    };
    loop {
        let now = clock.now();
        if let Some(verdict) = call.service(now, |line| say(&format!("  {line}"))) {
            return said(verdict, call.took(now));
        }
        sleep_ms(LOOK_MS);
    }
}

fn said(verdict: Verdict, took: Duration) -> Verdict {
    let took = took.as_millis();
    match verdict {
        Verdict::Done => say(&format!("  answered 0 after {took} ms")),
        Verdict::Failed(code) => say(&format!("  answered {code} after {took} ms")),
        Verdict::Late => say(&format!("  not done after {took} ms, ended")),
        Verdict::NotRun(why) => say(&format!("  could not be run: {why}")),
    }
    verdict
}
