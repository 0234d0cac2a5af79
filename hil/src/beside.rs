//! Things that are done beside each other, so many at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// At most so many at once of what computes.
#[must_use]
pub fn computing() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// At most so many at once of what waits for most of its time: a rig of namespaces takes a sixth of a processor.
#[must_use]
pub fn waiting() -> usize {
    (2 * computing()).min(8)
}

/// Does `each` for all of `work`, `places` at a time, those in front first. What came of them, in the order of `work`.
pub fn beside<W: Sync, R: Send>(work: &[W], places: usize, each: impl Fn(&W) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(work.len())));
    let carry = || {
        while let Some((at, one)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            work.get(at).map(|one| (at, one))
        } {
            let result = each(one);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..places.min(work.len()) {
            scope.spawn(carry);
        }
        carry();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn everything_is_done_once_and_answered_in_order() {
        let work: Vec<u32> = (0..100).collect();
        assert_eq!(beside(&work, 3, |n| n * 2), work.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(beside(&[7], 0, |n| *n), [7]);
        assert!(beside(&[(); 0], 2, |()| ()).is_empty());
    }

    #[test]
    fn as_many_as_said_are_done_at_once() {
        // Neither comes past it before the other one is there.
        let both = Barrier::new(2);
        assert_eq!(beside(&[1, 2], 2, |n| (both.wait(), *n).1), [1, 2]);
    }
}
