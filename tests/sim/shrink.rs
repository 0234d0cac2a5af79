//! From a plan that breaks a rule to a short one that breaks the same rule.

use crate::plan::Plan;
use crate::rules::Breach;
use crate::run::{Violation, execute};
use crate::timeline::Timeline;

/// Tries at most: a shrink must not take longer than the search.
const TRIES: usize = 400;

/// Drop faults, then shorten them, while the same rule breaks.
#[must_use]
pub fn shrink(plan: &Plan, first: &Breach) -> Violation {
    let mut best = plan.clone();
    let mut tries = 0;
    let mut breaks = |candidate: &Plan| {
        tries += 1;
        tries <= TRIES && execute(candidate, Timeline::off()).is_err_and(|broken| broken.0.rule == first.rule)
    };
    let mut size = best.faults.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.faults.len() {
            let mut candidate = best.clone();
            candidate.faults.drain(at..(at + size).min(best.faults.len()));
            if breaks(&candidate) {
                best = candidate;
            } else {
                at += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    for at in 0..best.faults.len() {
        for part in [8, 2] {
            let mut candidate = best.clone();
            candidate.faults[at].lasts = best.faults[at].lasts.divided(part);
            if breaks(&candidate) {
                best = candidate;
            }
        }
    }
    match execute(&best, Timeline::readable()) {
        Err(broken) => Violation { plan: best, breach: broken.0, timeline: broken.1 },
        // Cannot be: the same plan gives the same run.
        Ok(report) => Violation { plan: best, breach: first.clone(), timeline: report.timeline },
    }
}
