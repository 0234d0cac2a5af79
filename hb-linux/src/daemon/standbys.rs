//! A `standby` waits for the helper's look at the scripts: a group is not given away whose script lost its run bit a moment
//! ago, for it could not be stopped. The loop itself never asks a disk.

use super::effects::Effects;
use super::requests;
use crate::control::Out;
use crate::helper::Helper;
use crate::sys::Fd;
use hb_core::{Duration, Instant, Node, Scope};
use heapless::Vec;

/// A helper whose disk does not answer is not waited for any longer: what it saw last counts then.
const LIMIT: Duration = Duration::from_secs(1);
/// Who asks beside so many is answered at once.
const AT_ONCE: usize = 4;

/// Operators who wait for their answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Standbys {
    waiting: Vec<Waiting, AT_ONCE>,
    /// The helper left the last one without an answer, and has not answered since: nobody waits for it meanwhile.
    hangs: bool,
}

#[derive(Debug)]
struct Waiting {
    scope: Scope,
    caller: Fd,
    until: Instant,
}

impl Standbys {
    /// Ask for a look. `false`: there will be none; decide by what is known.
    pub(super) fn begin(&mut self, now: Instant, scope: Scope, out: &Out<'_>, helper: &mut Helper) -> bool {
        if self.hangs || self.waiting.is_full() || !helper.look() {
            return false;
        }
        let Ok(caller) = out.keep() else { return false };
        self.waiting.push(Waiting { scope, caller, until: now.plus(LIMIT) }).is_ok()
    }

    /// When the oldest is answered without a look.
    pub(super) fn deadline(&self) -> Instant {
        self.waiting.first().map_or(Instant::NEVER, |waiting| waiting.until)
    }

    /// The scripts were looked at, or will not be: answer everybody. Answers whether there was anybody.
    pub(super) fn answer(&mut self, now: Instant, looked: bool, node: &mut Node, fx: &mut Effects) -> bool {
        self.hangs = !looked;
        let any = !self.waiting.is_empty();
        while !self.waiting.is_empty() {
            let waiting = self.waiting.remove(0);
            requests::standby(now, node, fx, waiting.scope, &waiting.caller);
        }
        any
    }
}
