//! Time passed: silence is judged here and nowhere else, after everything that was queued has been taken in.

use super::{Node, OneWay};
use crate::cluster::fence::FenceEvent;
use crate::cluster::group::Group;
use crate::cluster::peer::PeerEvent;
use crate::cluster::ping;
use crate::config::Isolated;
use crate::event::{Cause, Event};
use crate::ids::LinkId;
use crate::message::GroupState;
use crate::status::PeerState;
use crate::time::{Duration, Earliest, Instant};

/// Pause between two ARP probes while somebody answers.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

impl Node {
    /// One round of inputs ends (DESIGN §6.3, §8.3).
    pub(super) fn tick(&mut self, drained: bool) {
        self.listened = self.now;
        if drained {
            self.recovering = false;
            self.undrained = None;
        } else {
            self.undrained.get_or_insert(self.now);
        }
        // A flood must not postpone the judgement for ever.
        let patience = self.config.timing.keepalive;
        if self.undrained.is_none_or(|since| self.now.since(since) >= patience) {
            self.recovering = false;
            self.ticked = self.now;
            self.judge_silence();
            self.judge_trial();
        }
        if self.unconfirmed.is_some_and(|until| self.now >= until) {
            self.unconfirmed = None;
        }
        if self.isolated.until().is_some_and(|until| self.now >= until) {
            self.not_isolated();
        }
        if self.may_fence() && self.fence_event(FenceEvent::Tick) {
            self.out.fence = true;
            self.report(Event::Fencing);
        }
        if let OneWay::Answered(again) = self.one_way
            && self.now >= again
        {
            self.one_way = OneWay::Probing;
            self.out.probe = true;
        }
        self.ask_tick();
        if self.now >= self.persist_again {
            self.persist();
        }
        self.judge_twin();
        if self.ping_round().is_some_and(|at| self.now >= at) {
            self.pinged = self.now;
            self.out.ping = true;
        }
        if self.now >= self.next_beat {
            self.steady_beat();
        }
    }

    /// Nobody could listen since the last tick: whoever was heard until then counts as heard until now.
    pub(super) fn unread(&mut self) {
        let (now, deaf) = (self.now, self.now.since(self.listened));
        self.listened = now;
        self.peer.last_heard = self.peer.last_heard.plus(deaf).min(now);
        for link in &mut self.links {
            link.last_heard = link.last_heard.plus(deaf).min(now);
        }
        self.pings.unread(deaf, now);
    }

    /// The beat that follows the keepalive; a loop that is behind does not send a burst (DESIGN §5.2).
    fn steady_beat(&mut self) {
        let keepalive = self.config.timing.keepalive;
        // Two keys take turns, and each has its beats at the keepalive.
        let keepalive = if self.on_trial() { keepalive.divided(2) } else { keepalive };
        self.next_beat = self.next_beat.plus(keepalive);
        if self.next_beat <= self.now {
            self.next_beat = self.now.plus(keepalive);
        }
        self.out.beat = true;
        self.out.ping = !self.pings.is_empty();
    }

    /// The silence after which the peer is dead: the larger one counts while the two nodes' times differ (DESIGN §7 O10.1).
    pub(super) fn deadtime(&self) -> Duration {
        let own = self.config.timing.deadtime;
        match self.peer.timing_digest {
            Some(digest) if digest != self.config.timing_digest => own.max(self.peer.deadtime),
            Some(_) | None => own,
        }
    }

    /// When the ping nodes are to be asked once more while the peer is silent.
    pub(super) fn ping_round(&self) -> Option<Instant> {
        if self.pings.is_empty() || !self.peer.alive() || self.peer.left {
            return None;
        }
        ping::extra_round(self.peer.last_heard, self.pinged, self.deadtime(), self.config.timing.keepalive)
    }

    /// When silence would change something.
    pub(super) fn silence_deadline(&self, at: &mut Earliest) {
        let last = self.peer.last_heard;
        at.or(match self.peer.state {
            PeerState::Unknown if self.foreign.live() => Instant::NEVER,
            PeerState::Unknown => last.plus(self.config.timing.initdead),
            PeerState::Up => last.plus(self.config.timing.warntime),
            PeerState::Late => last.plus(self.deadtime()),
            PeerState::Dead => self.reset_proof().unwrap_or(Instant::NEVER),
        });
        if let Some((_, since)) = self.peer.newer() {
            at.or(self.ripe(since));
        }
        if let Some(round) = self.ping_round() {
            at.or(round);
        }
        self.foreign_deadline(at);
    }

    /// When what a newer peer has said since then has stood for a deadtime; never, once that has passed.
    fn ripe(&self, since: Instant) -> Instant {
        let at = since.plus(self.deadtime());
        if self.ticked >= at { Instant::NEVER } else { at }
    }

    /// When a stuck peer's own watchdog must have reset it: its armed timeout and the deadtime after its last beat. That
    /// beat must have shown the group stuck: a node that says *armed* and *stuck* feeds no more until all is proven
    /// stopped; one that is cleaning, or tries a stop again, may feed (DESIGN §7 O7.1, O7.3).
    fn reset_proof(&self) -> Option<Instant> {
        let blocked = self.groups.iter().any(|group| group.peer_stuck);
        let stuck = blocked && self.peer.shows(GroupState::Stuck);
        let timeout = self.peer.watchdog.filter(|_| self.peer.armed && stuck)?;
        Some(self.peer.last_heard.plus(timeout).plus(self.deadtime()))
    }

    fn judge_silence(&mut self) {
        let silence = self.now.since(self.peer.last_heard);
        let timing = self.config.timing;
        match self.peer.state {
            // One that runs Heartbeat has a silence of its own.
            PeerState::Unknown if self.foreign.live() => {}
            PeerState::Unknown if silence >= timing.initdead => self.peer_silent(silence),
            PeerState::Up | PeerState::Late if silence >= self.deadtime() => self.peer_silent(silence),
            PeerState::Up if silence >= timing.warntime => {
                self.peer_event(PeerEvent::Late);
                if !self.peer.left {
                    self.report(Event::PeerLate(silence));
                }
            }
            PeerState::Dead if self.reset_proof().is_some_and(|at| self.now >= at) => self.peer_proven_off(),
            PeerState::Unknown | PeerState::Up | PeerState::Late | PeerState::Dead => {}
        }
        self.judge_links();
        while let Some(ping) = self.pings.fell_silent(self.now) {
            self.report(Event::PingDown(ping));
            self.out.beat = true;
        }
        self.judge_foreign();
        if matches!(self.one_way, OneWay::Evidence(_)) && self.peer.state == PeerState::Dead {
            self.report(Event::OneWayOrReplay);
            self.one_way = OneWay::Probing;
            self.out.probe = true;
        }
    }

    /// A link on which nothing came for the deadtime is down.
    fn judge_links(&mut self) {
        let deadtime = self.deadtime();
        for at in 0..self.links.len() {
            let Some(link) = self.links.get_mut(at) else { continue };
            if link.heard && self.now.since(link.last_heard) >= deadtime {
                link.heard = false;
                if let Ok(id) = u8::try_from(at) {
                    self.report(Event::LinkDown(LinkId(id)));
                }
            }
        }
    }

    /// The deadtime passed in silence on all links (DESIGN §4.25, §4.26).
    pub(super) fn peer_silent(&mut self, silence: Duration) {
        let foreign = self.foreign.dead();
        let met = self.peer.met.is_some() || foreign;
        self.peer_event(PeerEvent::Silent);
        // What it sends from now on may have been on its way since before.
        self.peer.owes_answer = met;
        self.shake.renew();
        match (met, self.peer.left) {
            // It said goodbye: its silence is no news.
            (_, true) => {}
            (true, false) if foreign => self.report(Event::ForeignDead(silence)),
            (true, false) => self.report(Event::PeerDead(silence)),
            (false, false) => self.report(Event::PeerNeverMet),
        }
        self.peer.hears = 0;
        for group in &mut self.groups {
            group.pinned = false;
            group.takeover = false;
        }
        // It was claimed in an earlier silence, or of a peer that was alive.
        self.decide_again(Cause::Anew);
        let mut alone = false;
        if met && !self.peer.left {
            let timing = self.config.timing;
            alone = self.pings.silent_with(self.peer.last_heard, self.deadtime(), timing.keepalive);
            let all_here =
                self.groups.iter().all(|g| matches!(g.state, GroupState::Held | GroupState::Starting));
            if alone && !all_here && self.config.isolated == Isolated::Wait {
                self.isolated.begin();
                self.report(Event::Isolated);
            }
        }
        if let Some(fence) = self.config.fence
            && (met || fence.startup)
            && !self.peer.left
        {
            let holds = self.groups.iter().any(|group| group.state == GroupState::Held);
            let delay = match (holds, alone) {
                (true, false) => Duration::ZERO,
                (false, _) => fence.delay,
                // The cut cable is this node's, it seems: the one with the whole network fires first.
                (true, true) => fence.delay.doubled(),
            };
            self.fence_event(FenceEvent::Needed(delay));
        }
        self.out.beat = true;
    }

    /// Would anything run here that a fence makes room for, or keeps whole? A node that takes itself for isolated, or can
    /// run nothing, would end a service that goes on (DESIGN §7 O2.2).
    pub(super) fn may_fence(&self) -> bool {
        let any =
            |g: &Group| matches!(g.state, GroupState::Held | GroupState::Starting) || g.config.claimable;
        !self.isolated.lasts() && self.groups.iter().any(any)
    }

    /// The answer of the ARP probe.
    pub(super) fn probe_done(&mut self, answered: bool) {
        if self.one_way == OneWay::Probing {
            self.one_way = if answered {
                OneWay::Answered(self.now.plus(self.deadtime().max(PROBE_PAUSE)))
            } else {
                OneWay::Cleared
            };
        }
    }

    /// Does evidence of a holder that cannot be reached forbid a claim?
    pub(super) fn one_way_blocks(&self) -> bool {
        match self.one_way {
            OneWay::Evidence(_) | OneWay::Probing | OneWay::Answered(_) => !self.peer.alive(),
            OneWay::None | OneWay::Cleared => false,
        }
    }
}
