//! How long things may take, as formulas over the setting.

use crate::plan::Plan;
use hb_core::Duration;

/// From the kill of a script to its report, and from a write to its answer on a good disk, at most.
const REPORT: Duration = Duration::from_millis(30);
/// The core's pauses between two tries of a stop: 100 ms, doubled up to 1 s.
const STOP_PAUSE: Duration = Duration::from_millis(100);
const STOP_PAUSE_MAX: Duration = Duration::from_secs(1);
/// The core's pause before a failed fence is tried again.
pub(super) const FENCE_RETRY: Duration = Duration::from_secs(5);
/// What was killed and did not end is given up after this.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// An answer to a challenge may take this long whatever the times are.
const LEAST_ANSWER: Duration = Duration::from_millis(250);

/// What one call that nothing can kill takes beyond its limit, where there are such calls. No group waits for two of them
/// at the same resource: the first one that ends beyond the limit of a stop, or is a start, decides.
fn unkillable(plan: &Plan, host: usize) -> Duration {
    let stays = plan.faults.iter().any(|f| f.host == host && f.kind.is_unkillable());
    if stays { KILL_GRACE } else { Duration::ZERO }
}

/// How long an answer may take to a challenge that was given before (DESIGN §4): it stands for three keepalives, and the
/// one before for as long again.
#[must_use]
pub fn answer(plan: &Plan) -> Duration {
    let s = &plan.setting;
    s.slow(s.timing.keepalive.times(3).max(LEAST_ANSWER).times(2))
}

/// From the order to stop a group to its proven end, while no stop is stuck.
///
/// Honest scripts: a running call is killed, then per resource one `stop` and one `status`. Others, per resource: stops
/// are tried for `limit.stop`, the last one runs for another limit, each is followed by a `status`, with pauses.
#[must_use]
pub fn stop(plan: &Plan, host: usize, group: usize) -> Duration {
    let s = &plan.setting;
    let per_resource = if plan.rough(host) {
        let calls = s.limits.stop.times(2).plus(s.limits.status.times(2)).plus(unkillable(plan, host));
        calls.plus(STOP_PAUSE_MAX).plus(REPORT.times(4))
    } else {
        s.script_time.times(2).plus(STOP_PAUSE)
    };
    let running = REPORT.plus(unkillable(plan, host));
    s.slow(running.plus(per_resource.times(s.resources(group))))
}

/// From the opened gate to everything started: per resource one `status`, one `start`, one `status` when it grumbled.
#[must_use]
pub fn start(plan: &Plan, host: usize, group: usize) -> Duration {
    let s = &plan.setting;
    let per_resource = if plan.rough(host) {
        s.limits.start.plus(s.limits.status.times(2)).plus(unkillable(plan, host)).plus(REPORT.times(3))
    } else {
        s.script_time.times(2)
    };
    s.slow(per_resource.times(s.resources(group)))
}

/// A starting daemon's clean-up: per resource a `status`, and where it does not say stopped a stop and its proof.
#[must_use]
pub fn clean(plan: &Plan, host: usize, group: usize) -> Duration {
    let s = &plan.setting;
    let look = if plan.rough(host) {
        s.limits.status.plus(unkillable(plan, host)).plus(REPORT)
    } else {
        s.script_time
    };
    s.slow(look.times(s.resources(group))).plus(stop(plan, host, group))
}

/// What a claim waits for its epoch to reach the disk.
#[must_use]
pub fn persist(plan: &Plan) -> Duration {
    plan.setting.slow(plan.setting.timing.keepalive.min(Duration::from_secs(1)))
}

/// What a claim spends on its data: a pull ends, the last pull within its limit, the stamp is written within it.
#[must_use]
pub fn data(plan: &Plan) -> Duration {
    plan.setting.data.map_or(Duration::ZERO, |(data, _)| plan.setting.slow(data.limit.times(2).plus(REPORT)))
}

/// What a claim waits for the fence, while the fence works.
#[must_use]
pub fn fence(plan: &Plan) -> Duration {
    // Who holds something and reaches no ping node waits twice as long.
    let cut_off = if plan.setting.pings > 0 { 2 } else { 1 };
    let time = |delay: Duration| plan.setting.slow(delay.times(cut_off).plus(plan.setting.fence_time));
    plan.setting.fence.map_or(Duration::ZERO, |fence| time(fence.delay))
}

/// The time within which a healed pair comes to rest, derived from the longest chain of waits that can follow:
///
/// 1. a stuck node's watchdog resets it (its timeout and granularity), it boots, and joins (clean-up, `initdead`);
/// 2. a fence that failed is tried again; it resets the other node, which boots and joins the same way;
/// 3. a conflict is solved (one keepalive, a stop) and its quiet time of one deadtime ends;
/// 4. the ping scores settle (`deadping` twice: to fall and to differ, and two keepalives);
/// 5. each group starts, fails over once to the other node, and fails back: three stops and three starts.
#[must_use]
pub fn rest(plan: &Plan) -> Duration {
    let s = &plan.setting;
    let dog = s.dog.map_or(Duration::ZERO, |(timeout, granularity)| timeout.plus(granularity));
    let groups = 0..s.groups.len();
    let longest = |f: fn(&Plan, usize, usize) -> Duration| {
        groups.clone().map(|g| f(plan, 0, g).max(f(plan, 1, g))).max().unwrap_or(Duration::ZERO)
    };
    let join = s.boot_time.plus(longest(clean)).plus(s.initdead()).plus(s.timing.keepalive.times(4));
    let reset = s.deadtime().plus(dog).plus(join);
    let fenced = if s.fence.is_some() {
        fence(plan).times(2).plus(FENCE_RETRY).plus(s.deadtime()).plus(join)
    } else {
        Duration::ZERO
    };
    let quiet = s.timing.keepalive.plus(longest(stop)).plus(s.deadtime());
    let pings = s.timing.deadping.times(2).plus(s.timing.keepalive.times(4));
    let moves = longest(stop).plus(persist(plan)).plus(data(plan)).plus(longest(start)).times(3);
    s.slow(reset.plus(fenced).plus(quiet).plus(pings).plus(moves))
}
