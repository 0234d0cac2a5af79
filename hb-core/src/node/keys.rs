//! New keys (DESIGN §4): beside a living peer a new signing key is on trial until the peer shows that it took a beat that
//! was signed with it. Until then every second beat is signed as before, so that a peer that lacks the key loses none.

use super::Node;
use crate::auth::Keyring;
use crate::event::Event;
use crate::list::filled;
use crate::time::Instant;
use heapless::Vec;

/// Whether this build tries keys (the feature `key-trial`); without it a new key is in use at once.
const BUILT: bool = cfg!(feature = "key-trial");
/// Rings that may be kept beside the one in use.
const OLD: usize = if BUILT { 1 } else { 0 };

/// A new signing key that the peer has not shown to have.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    /// What was in use, and is again if the trial fails.
    old: Vec<Keyring, OLD>,
    /// The first beat with the new key.
    first: u32,
    /// The peer shows it by then, or lacks it.
    until: Instant,
}

impl Trial {
    /// Beat `seq` is signed with the new key: of four at half the keepalive, the first and the last. The peer, which says at
    /// the keepalive what it heard last, would see turns of one always at the same point (DESIGN §4.31).
    const fn tries(&self, seq: u32) -> bool {
        matches!(seq.wrapping_sub(self.first) % 4, 0 | 3)
    }
}

impl Node {
    /// Puts `keys` into use at once, whether the peer has them or not, from the next frame on. Beside a living peer
    /// [`Node::try_keys`] is the safe way.
    pub fn set_keys(&mut self, keys: Keyring) {
        // What the peer has shown of the old ones says nothing of these.
        self.keyed &= keys.digest() == self.keys.digest();
        self.trial = None;
        self.keys = keys;
    }

    /// Whether `keys` are those in use, their order and signing key included.
    #[must_use]
    pub fn has_keys(&self, keys: &Keyring) -> bool {
        self.keys == *keys
    }

    /// New keys, after the file was read again. `true`: the signing key is new, the peer lives, and has half a deadtime
    /// (three keepalives at least) to show that it has it; see [`Node::key_trial`]. `false`: they are in use, as always in a
    /// build without the feature `key-trial`.
    ///
    /// # Errors
    /// The index of the key that the living peer signs with, which is not among them. Nothing was changed then.
    // DESIGN §4.31.
    pub fn try_keys(&mut self, now: Instant, keys: Keyring) -> Result<bool, u8> {
        self.read_clock(now);
        if !self.peer.alive() {
            self.set_keys(keys);
            return Ok(false);
        }
        if let Some(index) = self.peer_key.filter(|index| keys.get(*index) != self.keys.get(*index)) {
            return Err(index);
        }
        let (was, is) = (self.keys.signer(), keys.signer());
        let same = was == is && self.keys.get(was) == keys.get(is);
        let tried = BUILT && !same;
        let old = if tried { filled([self.keys.clone()].into_iter()) } else { Vec::new() };
        self.set_keys(keys);
        if tried {
            let half = self.deadtime().divided(2).max(self.config.timing.keepalive.times(3));
            let first = self.seq.saturating_add(1);
            self.trial = Some(Trial { old, first, until: self.now.plus(half) });
            self.out.beat = true;
            self.next_beat = self.now.plus(self.config.timing.keepalive.divided(2));
        }
        self.settle();
        Ok(tried)
    }

    /// How the last [`Node::try_keys`] stands. `None`: the signing key is still on trial. `Some(false)`: the peer did not take
    /// it, and the keys before it are in use.
    #[must_use]
    pub const fn key_trial(&self) -> Option<bool> {
        if self.on_trial() { None } else { Some(!self.trial_failed) }
    }

    pub(super) const fn on_trial(&self) -> bool {
        BUILT && self.trial.is_some()
    }

    /// The ring whose signing key the current beat is signed with.
    pub(super) fn signing(&self) -> &Keyring {
        match &self.trial {
            Some(trial) if BUILT && !trial.tries(self.seq) => trial.old.first().unwrap_or(&self.keys),
            Some(_) | None => &self.keys,
        }
    }

    /// The living peer says that our beat whose number ends in `low` was the last that it heard on a link.
    pub(super) fn peer_heard(&mut self, low: u8) {
        let Some(trial) = self.trial.as_ref().filter(|_| BUILT) else { return };
        let took = |seq: u32| seq >= trial.first && trial.tries(seq);
        if self.sends.number(low).is_some_and(took) {
            self.trial = None;
            self.trial_failed = false;
            self.report(Event::KeyTaken(self.keys.signer()));
        }
    }

    /// The peer had its time (DESIGN §4.31).
    pub(super) fn judge_trial(&mut self) {
        let Some(mut trial) = self.trial.take_if(|trial| BUILT && self.ticked >= trial.until) else { return };
        // Nobody is there to show anything.
        self.trial_failed = self.peer.alive();
        if self.trial_failed {
            self.report(Event::KeyNotTaken(self.keys.signer()));
            if let Some(old) = trial.old.pop() {
                self.set_keys(old);
            }
        }
    }

    /// When it has had it.
    pub(super) fn trial_deadline(&self) -> Instant {
        self.trial.as_ref().filter(|_| BUILT).map_or(Instant::NEVER, |trial| trial.until)
    }
}
