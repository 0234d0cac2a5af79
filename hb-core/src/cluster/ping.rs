//! Ping nodes: the score of a node, and whether it takes itself for the isolated one (DESIGN §7 O2b).

use crate::config::MAX_PINGS;
use crate::ids::PingId;
use crate::time::{Duration, Earliest, Instant};
use heapless::Vec;

/// Whether this build has ping nodes (the feature `ask`); without them the score is 0 and compared
/// with nobody's, and no node takes itself for isolated.
pub(crate) const BUILT: bool = MAX_PINGS != 0;

/// One ping node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PingNode {
    /// Running time of its last answer; [`Instant::NEVER`] before the first.
    last: Instant,
    /// It answered within `deadping`.
    alive: bool,
    /// It is the peer's own machine, or this one: whether it answers says nothing of the own network.
    is_peer: bool,
}

/// Until when a node takes itself for the isolated one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Isolation(Option<Instant>);

impl Isolation {
    // DESIGN §7 O2b.1.
    pub(crate) fn begin(&mut self) {
        self.0 = Some(Instant::NEVER);
    }

    /// It ends at this time, if it has begun and does not end before.
    pub(crate) fn ends(&mut self, at: Instant) {
        if BUILT {
            self.0 = self.0.map(|until| until.min(at));
        }
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.0.filter(|_| BUILT)
    }

    pub(crate) fn lasts(&self) -> bool {
        self.until().is_some()
    }

    /// `true` when it lasted so far.
    pub(crate) fn end(&mut self) -> bool {
        BUILT && self.0.take().is_some()
    }
}

/// All ping nodes.
#[derive(Clone, Debug)]
pub(crate) struct Pings {
    nodes: Vec<PingNode, MAX_PINGS>,
    deadping: Duration,
}

impl Pings {
    pub(crate) fn new(count: u8, deadping: Duration) -> Self {
        let mut nodes = Vec::new();
        for _ in (0..count).take(MAX_PINGS) {
            let _ = nodes.push(PingNode { last: Instant::NEVER, alive: false, is_peer: false });
        }
        Self { nodes, deadping }
    }

    fn nodes(&self) -> &[PingNode] {
        if BUILT { &self.nodes } else { &[] }
    }

    fn nodes_mut(&mut self) -> &mut [PingNode] {
        if BUILT { &mut self.nodes } else { &mut [] }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes().is_empty()
    }

    /// Who answers, in configured order.
    pub(crate) fn alive(&self) -> impl Iterator<Item = bool> + '_ {
        self.nodes().iter().map(|node| node.alive)
    }

    /// Ping nodes that answer. One that is a node itself always answers that one, whatever its network does.
    pub(crate) fn score(&self) -> u8 {
        let counts = |node: &&PingNode| node.alive && !node.is_peer;
        self.nodes().iter().filter(counts).fold(0, |score, _| score.saturating_add(1))
    }

    /// An answer came. Gives `true` when the node did not answer before.
    pub(crate) fn answered(&mut self, ping: PingId, now: Instant) -> bool {
        let Some(node) = self.nodes_mut().get_mut(usize::from(ping.0)) else { return false };
        node.last = now;
        !core::mem::replace(&mut node.alive, true)
    }

    /// Its address is one that all verified frames of a link come from, or this node's, or it is neither any more.
    pub(crate) fn set_peer(&mut self, ping: PingId, is_peer: bool) {
        if let Some(node) = self.nodes_mut().get_mut(usize::from(ping.0)) {
            node.is_peer = is_peer;
        }
    }

    /// Time passed: the next node that fell silent, if any. Call until `None`.
    pub(crate) fn fell_silent(&mut self, now: Instant) -> Option<PingId> {
        let deadping = self.deadping;
        for (at, node) in self.nodes_mut().iter_mut().enumerate() {
            if node.alive && now.since(node.last) >= deadping {
                node.alive = false;
                return u8::try_from(at).ok().map(PingId);
            }
        }
        None
    }

    /// Answers could not be read for the time `deaf` before `now`.
    pub(crate) fn unread(&mut self, deaf: Duration, now: Instant) {
        for node in self.nodes_mut().iter_mut().filter(|node| node.last != Instant::NEVER) {
            node.last = node.last.plus(deaf).min(now);
        }
    }

    /// When the next node would fall silent.
    pub(crate) fn deadline(&self) -> Instant {
        let mut at = Earliest(Instant::NEVER);
        for node in self.nodes().iter().filter(|node| node.alive) {
            at.or(node.last.plus(self.deadping));
        }
        at.0
    }

    /// Did every ping node fall silent together with the links, whose last sign was at `links_silent`?
    ///
    /// *Together* is within one deadtime before, and not more than one and a half keepalives after it: a node that
    /// answered later proves that the own network outlived the peer. A node that was silent long before, or never
    /// answered, proves nothing either way (DESIGN §7 O2b.3).
    pub(crate) fn silent_with(&self, links_silent: Instant, deadtime: Duration, keepalive: Duration) -> bool {
        let before = links_silent.minus(deadtime);
        let after = together(links_silent, keepalive);
        let mut fell = false;
        for node in self.nodes() {
            if node.is_peer || node.last == Instant::NEVER || node.last < before {
                continue;
            }
            if node.last > after {
                return false;
            }
            fell = true;
        }
        fell
    }
}

/// An answer after this time does not fall silent together with links that were heard last at `links_silent`: the next beat
/// was due a keepalive after that, and half a keepalive is left for the way.
fn together(links_silent: Instant, keepalive: Duration) -> Instant {
    links_silent.plus(keepalive).plus(keepalive.divided(2))
}

/// When to ask the ping nodes beside the steady round, so that a living network shows itself after [`together`] and before
/// the deadtime, however few keepalives that is: the next time after `asked`, if any (DESIGN §7 O2b.2).
pub(crate) fn extra_round(
    links_silent: Instant,
    asked: Instant,
    deadtime: Duration,
    keepalive: Duration,
) -> Option<Instant> {
    // Two steady rounds fall in between.
    if deadtime >= keepalive.times(7).divided(2) {
        return None;
    }
    let first = together(links_silent, keepalive).plus(Duration::from_micros(1));
    let next = if asked < first { first } else { asked.plus(keepalive.divided(4)) };
    (next < links_silent.plus(deadtime)).then_some(next)
}

#[cfg(all(test, feature = "ask"))]
mod tests {
    use super::*;

    const DEAD: Duration = Duration::from_secs(10);
    const KEEP: Duration = Duration::from_secs(1);

    fn secs(s: u64) -> Instant {
        Instant::from_millis(s * 1000)
    }

    fn silent(answers: &[Option<u64>]) -> bool {
        let mut pings = Pings::new(u8::try_from(answers.len()).unwrap(), DEAD);
        for (at, answer) in answers.iter().enumerate() {
            if let Some(answer) = answer {
                pings.answered(PingId(u8::try_from(at).unwrap()), secs(*answer));
            }
        }
        pings.silent_with(secs(100), DEAD, KEEP)
    }

    #[test]
    fn isolation_needs_all_of_them_to_fall_silent_with_the_links() {
        assert!(silent(&[Some(100)]), "with the links");
        assert!(silent(&[Some(101)]), "one keepalive later: it was under way");
        assert!(silent(&[Some(92)]), "within one deadtime before");
        assert!(!silent(&[Some(105)]), "it answered after the peer fell silent");
        assert!(!silent(&[Some(100), Some(105)]), "one of two still answered");
        assert!(!silent(&[Some(60)]), "silent long before: proves nothing");
        assert!(!silent(&[None]), "never answered: proves nothing");
        assert!(silent(&[None, Some(100)]));
        assert!(!silent(&[]), "no ping node");
    }

    #[test]
    fn the_score_follows_answers_and_silence() {
        let mut pings = Pings::new(2, DEAD);
        assert_eq!(pings.score(), 0);
        assert!(pings.answered(PingId(0), secs(1)));
        assert!(!pings.answered(PingId(0), secs(2)));
        assert!(!pings.answered(PingId(7), secs(2)), "not configured");
        assert_eq!((pings.score(), pings.deadline()), (1, secs(12)));
        assert_eq!(pings.fell_silent(secs(11)), None);
        assert_eq!(pings.fell_silent(secs(12)), Some(PingId(0)));
        assert_eq!((pings.fell_silent(secs(12)), pings.score()), (None, 0));
        assert!(pings.answered(PingId(1), secs(13)));
        pings.set_peer(PingId(1), true);
        assert_eq!(pings.score(), 0, "one node answers itself");
        pings.set_peer(PingId(1), false);
        assert_eq!(pings.score(), 1);
    }
}
