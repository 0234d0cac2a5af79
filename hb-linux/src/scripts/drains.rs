//! Pipes of scripts that have ended, held open by what they started: read on and forgotten for as long as anybody holds
//! them. A service that writes to a pipe without a reader would die of it.

use crate::sys::Fd;
use hb_core::config::{MAX_GROUPS, MAX_RESOURCES};
use hb_core::{Duration, Instant};

/// One for each resource. More are held only by services that outlived their own `stop`: the oldest is let go.
const MAX: usize = MAX_GROUPS * MAX_RESOURCES;
/// Between two rounds while something comes: a pipe of 4 KB (Linux 2.4) takes 80 KB a second then.
const BUSY: Duration = Duration::from_millis(50);
/// Between two rounds while nothing does. A service that fills its pipe meanwhile waits that long.
const QUIET: Duration = Duration::from_secs(1);
/// Reads of one pipe in one round: it is empty then, or waits for the next.
const READS: usize = 16;

/// The pipes.
#[derive(Debug)]
pub(super) struct Drains {
    pipes: [Option<Fd>; MAX],
    /// How many there are.
    held: usize,
    oldest: usize,
    next: Instant,
}

impl Drains {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self { pipes: [const { None }; MAX], held: 0, oldest: 0, next: Instant::NEVER }
    }

    /// Read `pipe` from now on.
    pub(super) fn take(&mut self, now: Instant, pipe: Fd) {
        let free = self.pipes.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.oldest = (self.oldest + 1) % MAX;
            self.oldest
        });
        if let Some(slot) = self.pipes.get_mut(at) {
            self.held += usize::from(slot.replace(pipe).is_none());
            self.next = self.next.min(now.plus(BUSY));
        }
    }

    /// When [`Drains::tick`] has something to do.
    pub(super) fn deadline(&self) -> Instant {
        if self.held == 0 { Instant::NEVER } else { self.next }
    }

    /// Read what came; let go what nobody holds any more.
    pub(super) fn tick(&mut self, now: Instant) {
        if now < self.deadline() {
            return;
        }
        let mut came = false;
        for slot in &mut self.pipes {
            let Some(pipe) = slot else { continue };
            let mut buf = [0; 4096];
            for _ in 0..READS {
                match pipe.read(&mut buf) {
                    Ok(Some(1..)) => came = true,
                    Ok(None) => break,
                    Ok(Some(0)) | Err(_) => {
                        *slot = None;
                        self.held = self.held.saturating_sub(1);
                        break;
                    }
                }
            }
        }
        self.next = if self.held == 0 { Instant::NEVER } else { now.plus(if came { BUSY } else { QUIET }) };
    }

    /// How many are read.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.held
    }
}
