//! Another machine that calls itself as this one does: a cloned disk, a copied configuration (DESIGN §4).
//!
//! The own frames come back on broadcast media, and old ones may be played back; neither answers a challenge. So a long
//! form of the own side and another life has its challenge answered in ours, and what answers ours lives now: a twin. The
//! two use the fields that the handshake with the peer has; each echo goes to the peer and to the twin in turns.
//!
//! The peer of twins meets their lives in turns, each as the later one. One that answers after another one has taken its
//! place proves that both live.

use super::Node;
use crate::auth::replay::Window;
use crate::event::Event;
use crate::ids::Incarnation;
use crate::message::Message;
use crate::time::{Duration, Instant};

/// Whether this build tells twins at all (the feature `twins`); without it the own frames are dropped, whosever they are.
pub(super) const BUILT: bool = cfg!(feature = "twins");
/// Room for what is known of them.
pub(super) const ROOM: usize = if BUILT { 1 } else { 0 };

/// What is known of a twin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Twin {
    /// The challenge of another life of the own side, to be answered until then.
    theirs: Option<([u8; 8], Instant)>,
    /// One answered ours: it lives until then, unless it answers again.
    until: Option<Instant>,
    /// It answered last then.
    answered: Option<Instant>,
    /// A new life listens until then: one that is there already has answered by that time.
    listens_until: Instant,
}

impl Twin {
    /// As a life begins.
    pub(super) fn new(begun: Instant, keepalive: Duration) -> Self {
        Self { listens_until: begun.plus(keepalive), ..Self::default() }
    }
}

/// The lives of the peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lives {
    /// The one that was met before, as long as it might come back.
    before: Option<Before>,
    /// Two of them live, or seem to: until then.
    until: Option<Instant>,
    /// That they do was said: each has answered after the other one had.
    told: bool,
}

impl Lives {
    pub(super) const NONE: Self = Self { before: None, until: None, told: false };
}

/// A life of the peer that another one has taken the place of.
#[derive(Clone, Copy, Debug)]
struct Before {
    life: Incarnation,
    /// Numbers of it that came.
    seqs: Window,
    /// It is of no account from then on.
    until: Instant,
}

impl Node {
    /// An authentic frame of the own side (DESIGN §4.10, §4.12).
    pub(super) fn own_side(&mut self, message: &Message) {
        let Some(hello) = &message.hello else { return };
        if message.incarnation == self.incarnation {
            return;
        }
        let timing = self.config.timing;
        let until = self.now.plus(self.twin_patience());
        let Some(twin) = self.twin.first_mut() else { return };
        // Long forms go out meanwhile, no more of them than beats.
        self.hello_until = self.now.plus(timing.deadtime);
        // One that has just begun may meet the peer and claim well within a keepalive: it is answered at once, the first time.
        self.out.beat |= twin.theirs.is_none_or(|(_, until)| self.now >= until);
        twin.theirs = Some((hello.challenge, self.hello_until));
        let spaced = twin.answered.is_none_or(|at| self.now.since(at) >= timing.keepalive.doubled());
        if !spaced || !self.shake.twin_answers(hello, self.now) {
            return;
        }
        twin.answered = Some(self.now);
        if twin.until.replace(until).is_none() {
            self.report(Event::Twin(message.incarnation));
            self.out.beat = true;
        }
    }

    /// A challenge and its answer take a few beats, on turns.
    fn twin_patience(&self) -> Duration {
        self.config.timing.deadtime.plus(self.config.timing.keepalive.times(8))
    }

    /// Another machine of this name lives.
    pub(super) fn has_twin(&self) -> bool {
        self.twin.first().is_some_and(|twin| twin.until.is_some())
    }

    /// Too young to know whether there is another machine of this name.
    pub(super) fn listens(&self) -> bool {
        self.twin.first().is_some_and(|twin| self.now < twin.listens_until)
    }

    /// The echo of the next long form.
    pub(super) fn next_echo(&self) -> Option<[u8; 8]> {
        let peers = self.shake.echo();
        let Some(twin) = self.twin.first() else { return peers };
        let twins = twin.theirs.filter(|(_, until)| self.now < *until).map(|(challenge, _)| challenge);
        if self.seq.is_multiple_of(2) { twins.or(peers) } else { peers.or(twins) }
    }

    /// The life `next` of the peer takes the place of the one that is met, which is remembered for as long as it might come
    /// back. The one before that one may be `next`.
    pub(super) fn remember_life(&mut self, next: Incarnation) {
        let (seqs, until) = (self.peer.seqs, self.now.plus(self.twin_patience()));
        let Some(lives) = self.lives.first_mut() else { return };
        let met = self.peer.met.map(|life| Before { life, seqs, until });
        let before = core::mem::replace(&mut lives.before, met);
        if before.is_some_and(|before| before.life == next) {
            self.peer_lives_twice(next, true);
        }
    }

    /// A frame of the life that was met before the one that is met, above all of it that came.
    pub(super) fn is_newer_of_before(&mut self, message: &Message) -> bool {
        let before = self.lives.first_mut().and_then(|lives| lives.before.as_mut());
        let Some(before) = before.filter(|before| before.life == message.incarnation) else { return false };
        before.seqs.accept(message.seq).is_some()
    }

    /// The life that was met before is heard still; `proven`: it has answered after the one that took its place had. What
    /// the one shows says nothing of the other: nothing new is claimed beside them.
    pub(super) fn peer_lives_twice(&mut self, life: Incarnation, proven: bool) {
        let patience = if proven { self.twin_patience() } else { self.deadtime() };
        let until = self.now.plus(patience);
        let Some(lives) = self.lives.first_mut() else { return };
        lives.until = Some(lives.until.map_or(until, |before| before.max(until)));
        if proven && !core::mem::replace(&mut lives.told, true) {
            self.report(Event::PeerTwins(life));
        }
    }

    /// Two lives of the peer live (DESIGN §4.14, §4.15).
    pub(super) fn peer_has_twins(&self) -> bool {
        self.lives.first().is_some_and(|lives| lives.until.is_some())
    }

    /// And it was said.
    pub(super) fn peers_twins_told(&self) -> bool {
        self.peer_has_twins() && self.lives.first().is_some_and(|lives| lives.told)
    }

    /// They did not show themselves again.
    fn judge_peers_twins(&mut self) {
        let now = self.now;
        let Some(lives) = self.lives.first_mut() else { return };
        lives.before.take_if(|before| now >= before.until);
        if lives.until.take_if(|until| now >= *until).is_some() && core::mem::take(&mut lives.told) {
            self.report(Event::PeerTwinsGone);
        }
    }

    pub(super) fn judge_twin(&mut self) {
        self.judge_peers_twins();
        let now = self.now;
        let Some(twin) = self.twin.first_mut() else { return };
        if twin.until.is_some_and(|until| now >= until) {
            *twin = Twin::default();
            self.report(Event::TwinGone);
            self.out.beat = true;
        }
    }

    pub(super) fn twin_deadline(&self) -> Instant {
        let own = self.twin.first().and_then(|twin| twin.until);
        let peers = self.lives.first().and_then(|lives| lives.until);
        own.unwrap_or(Instant::NEVER).min(peers.unwrap_or(Instant::NEVER))
    }
}
