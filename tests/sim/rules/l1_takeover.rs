//! L1: a dead holder's groups run on the survivor within `silence + frame time + fence + own stalls + persist + scripts`:
//! `silence` is the deadtime, or `initdead` where it never met the peer.
//!
//! The clock runs while everything holds that the rule asks for: the other daemon is dead, the survivor runs, its scripts
//! work, its ping nodes answer, the fence works. A stall of its own, a fault or a command begins it anew; so does a
//! state that the rule excludes: failed, stuck, leaving, a stale copy that the directive does not take, a peer that was
//! never met, seems to hold, and whose address answers (DESIGN §4). So does one of which frames came when it was taken for
//! dead, or those of an earlier life after its last: its machine answers, and who sends may be a holder that cannot hear. While the dead daemon's
//! machine still runs the group, or the clients' network is not whole, a survivor that asks its addresses (O2c) waits, and
//! the clock begins when that ends.
//!
//! A frame that was held back for less than a deadtime is a late one, not an old one: it begins the clock anew. After a
//! deadtime of silence nothing that comes in the dead one's name does; but for the answer to a challenge, where the survivor
//! had given one when the daemon died, for it took it for dead already: it is good for twice the time that an answer may
//! take (DESIGN §4), and for nothing once a fence or an operator has spoken.
//!
//! Frames of the dead one that came when it was taken for dead show a holder, whose addresses are asked for again each
//! second: the bound grows by one such round.
//!
//! A peer that the survivor knows to be stuck blocks it until its reset is proven (O7). Silence proves it when the
//! survivor has heard of an armed watchdog, `timeout + deadtime` after the last beat: the bound grows by the timeout. A
//! watchdog that an earlier life left armed is nobody's word: it may reset the machine, and only the next boot proves so.
//! Nor is silence a proof behind a beat that shows the stop tried again, or a later life that has not looked yet.

use super::facts::Facts;
use super::{Verdict, bounds, breach};
use crate::fault::Kind;
use crate::note::Note;
use crate::open::Part;
use crate::world::World;
use hb_core::config::Answered;
use hb_core::message::{GroupState, Phase};
use hb_core::{Cause, Duration, Event, Incarnation, Instant, PeerState, Wait};

/// The least pause between two ARP probes, and how long one takes.
const PROBE: Duration = Duration::from_millis(1050);

/// Between two questions at most: of who serves while it doubts an answer, and of who waits.
const CONFIRM: Duration = Duration::from_millis(40);
const PACE: Duration = Duration::from_secs(1);

/// A stream of answers comes to `host`, or came a deadtime ago at most, in which each machine answers so rarely, beside
/// questions that are `pace` apart, that it answers as a holder does. The core tells a stream by a fourth of a pause and
/// three more answers than questions; half of that is left to chance.
fn sparse(world: &World, facts: &Facts, host: usize, pace: Duration) -> bool {
    let lasts = facts.plan.setting.slow(facts.plan.setting.deadtime());
    world.unasked[host].is_some_and(|(each, last)| each >= pace.divided(8) && world.now.since(last) <= lasts)
}

/// A copy of a datagram comes this much later.
const LATE_COPY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy)]
struct Clock {
    since: Instant,
    bound: Duration,
}

pub(super) struct Takeover {
    /// By survivor and group.
    clocks: [Vec<Option<Clock>>; 2],
    /// By host and group: what the other one may know of it as stuck.
    stuck: [Vec<Stuck>; 2],
    /// By host: since when its last life has shown its watchdog as armed.
    armed: [Option<Instant>; 2],
    /// By host: its power was off since it last showed anything.
    reset: [bool; 2],
    /// By host: when that life began.
    born: [Instant; 2],
    /// By survivor: as of the step before, the other one counted as dead.
    dead: [bool; 2],
    /// By survivor: when it last took the other one for dead.
    taken: [Option<Instant>; 2],
    /// By host: its last life.
    life: [Option<Incarnation>; 2],
    /// By survivor: the other one died when it owed an answer to a challenge, and nothing has proven it off since.
    owed: [bool; 2],
}

/// What a group was last shown as.
#[derive(Clone, Copy)]
enum Stuck {
    No,
    /// Stuck, since then.
    Yes(Instant),
    /// Stuck before, and not proven stopped by what is shown.
    Kept,
    /// Not any more, since then: the other node knows once it hears a beat sent later.
    Until(Instant),
}

impl Takeover {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            clocks: [vec![None; groups], vec![None; groups]],
            stuck: [vec![Stuck::No; groups], vec![Stuck::No; groups]],
            armed: [None; 2],
            reset: [false; 2],
            born: [Instant::ZERO; 2],
            dead: [false; 2],
            taken: [None; 2],
            life: [None; 2],
            owed: [false; 2],
        }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for host in 0..2 {
            self.follow(world, facts, host);
        }
        self.follow_owed(world);
        if Part::Ghosts.on() {
            self.ghosts(world, facts)?;
        }
        for survivor in 0..2 {
            let glance = world.hosts[survivor].node.as_ref().map(hb_core::Node::glance);
            let answers = self.owed[survivor]
                && facts.dead_since[1 - survivor]
                    .is_some_and(|dead| world.now.since(dead) <= bounds::answer(&facts.plan));
            let replayed = world.replayed[survivor] == world.now && (answers || !self.dead[survivor]);
            if replayed || Self::last_frames(world, facts, survivor) {
                self.clocks[survivor].fill(None);
            }
            self.dead[survivor] = glance.is_some_and(|glance| glance.peer == PeerState::Dead);
            for group in 0..world.client.len() {
                if world.hosts[1 - survivor].node.is_some() || world.hosts[survivor].lists(group).is_none() {
                    self.clocks[survivor][group] = None;
                } else {
                    self.judge(world, facts, survivor, group)?;
                }
            }
        }
        Ok(())
    }

    /// No holder gives its group up for the sake of a daemon that is dead, and was silent for a deadtime of the holder's
    /// own running time: whatever comes in its name is old. A machine that does answer for the address is no ghost (O2c).
    fn ghosts(&self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            let Note::Said { host, event: Event::Group { group, from: GroupState::Held, cause, .. } } = *note
            else {
                continue;
            };
            let Some(dead) = facts.dead_since[1 - host] else { continue };
            let s = &facts.plan.setting;
            let late = world.wires.iter().map(|w| w.frame_time(1 - host, s.frame_bytes())).max();
            let silence = s.slow(s.deadtime());
            let silence = if self.owed[host] { silence.max(bounds::answer(&facts.plan)) } else { silence };
            let margin = silence.plus(late.unwrap_or_default()).plus(LATE_COPY);
            let margin = margin.plus(facts.stalled_since_death(host));
            let for_peer = matches!(cause, Cause::Conflict | Cause::Handover(_));
            let taken = |note: &Note| {
                let Note::Said { host: h, event: Event::AddressTaken { group: g, .. } } = *note else {
                    return false;
                };
                let at = usize::from(g.0);
                let holder = world.lan.stranger || world.answers(host, at);
                let holder = holder || sparse(world, facts, host, CONFIRM);
                h == host && g == group && holder
            };
            if for_peer
                && !world.notes.iter().any(taken)
                && facts.frozen_since[host].is_none()
                && world.now.since(dead) > margin
            {
                let what = format!("{host} gives group {} up for a daemon that is dead: {cause:?}", group.0);
                return breach("L1", world, what);
            }
        }
        Ok(())
    }

    /// What the dead one sent just before its death shows a holder to a survivor that takes it for dead already.
    fn last_frames(world: &World, facts: &Facts, survivor: usize) -> bool {
        let asks = |note: &Note| matches!(*note, Note::Said { host, event: Event::OneWayOrReplay } if host == survivor);
        let Some(dead) = facts.dead_since[1 - survivor] else { return false };
        let bytes = facts.plan.setting.frame_bytes();
        let late = world.wires.iter().map(|wire| wire.frame_time(1 - survivor, bytes)).max();
        world.notes.iter().any(asks) && world.now.since(dead) <= late.unwrap_or_default().plus(LATE_COPY)
    }

    /// Who owes an answer to whom when it dies: the survivor takes it for dead, or for another life, and asks already.
    fn follow_owed(&mut self, world: &World) {
        for note in &world.notes {
            match *note {
                Note::Daemon { host, lives: false } => {
                    let survivor = &world.hosts[1 - host];
                    let glance = survivor.node.as_ref().map(hb_core::Node::glance);
                    let alive = |g: &hb_core::Glance| matches!(g.peer, PeerState::Up | PeerState::Late);
                    self.owed[1 - host] = !glance.as_ref().is_some_and(alive);
                }
                Note::Said { host, event: Event::PeerDead(_) | Event::PeerNeverMet } => {
                    self.taken[host] = Some(world.now);
                }
                Note::Said { host, event: Event::Fenced | Event::ConfirmedDown } => self.owed[host] = false,
                _ => {}
            }
        }
    }

    fn follow(&mut self, world: &World, facts: &Facts, host: usize) {
        if world.notes.iter().any(|note| matches!(*note, Note::Daemon { host: h, lives: true } if h == host))
        {
            self.born[host] = world.now;
        }
        let h = &world.hosts[host];
        if let Some(node) = &h.node {
            self.life[host] = Some(node.glance().incarnation);
            let own = h.dog.armed && h.dog.armed_at >= self.born[host];
            self.armed[host] = own.then_some(h.dog.armed_at);
        }
        let off = |note: &Note| matches!(*note, Note::Power { host: h, on: false } if h == host);
        self.reset[host] |= world.notes.iter().any(off);
        let reset = self.reset[host];
        self.reset[host] &= h.node.is_none();
        for (group, stuck) in self.stuck[host].iter_mut().enumerate() {
            *stuck = match (*stuck, h.view(group).map(|shown| shown.state)) {
                (Stuck::Yes(since), Some(GroupState::Stuck)) => Stuck::Yes(since),
                (_, Some(GroupState::Stuck)) => Stuck::Yes(world.now),
                (Stuck::Yes(_) | Stuck::Kept, Some(_)) if reset => Stuck::Until(world.now),
                (Stuck::Yes(_) | Stuck::Kept, Some(GroupState::Unknown | GroupState::Stopping)) => {
                    Stuck::Kept
                }
                (Stuck::Yes(_) | Stuck::Kept, Some(_)) => Stuck::Until(world.now),
                (Stuck::Until(since), _) if facts.sent[1 - host] > since => Stuck::No,
                (before, _) => before,
            };
        }
    }

    /// The survivor may wait for a proof that the peer was reset, because it knows this group as stuck there.
    /// Of a newer version nothing says which of its groups it is, and what was learned of it outlasts its being newer.
    fn blocked(&self, world: &World, survivor: usize, group: usize) -> bool {
        let stuck = |stuck: &Stuck| !matches!(*stuck, Stuck::No);
        let any = world.versions.is_some() && self.stuck[1 - survivor].iter().any(stuck);
        any || stuck(&self.stuck[1 - survivor][group])
    }

    /// Silence alone comes to prove it.
    fn proof_comes(&self, world: &World, facts: &Facts, survivor: usize) -> bool {
        // Of a newer version's watchdog nothing can be read.
        if world.newer(1 - survivor) {
            return false;
        }
        let heard = facts.sent[survivor];
        let shows = |stuck: &Stuck| matches!(*stuck, Stuck::Yes(since) if heard >= since);
        // What it heard in an earlier life of its own it does not know any more.
        self.armed[1 - survivor].is_some_and(|since| heard >= since)
            && self.stuck[1 - survivor].iter().any(shows)
            && facts.heard[survivor] >= self.born[survivor]
    }

    fn judge(&mut self, world: &World, facts: &Facts, survivor: usize, group: usize) -> Verdict {
        let clock = self.clocks[survivor][group].filter(|clock| clock.since >= facts.acted[survivor]);
        // A script that outlived its daemon has brought the address up: the claimant has met it, and asks anew.
        let taken = world.notes.iter().any(|note| {
            matches!(*note, Note::Said { host, event: Event::AddressTaken { group: g, .. } }
                if host == survivor && usize::from(g.0) == group)
        });
        let clock = clock.filter(|_| !taken || !world.answers(survivor, group));
        if !self.applies(world, facts, survivor, group) {
            self.clocks[survivor][group] = None;
            return Ok(());
        }
        let clock = clock
            .unwrap_or_else(|| Clock { since: world.now, bound: self.bound(world, facts, survivor, group) });
        self.clocks[survivor][group] = Some(clock);
        let waited = world.now.since(clock.since);
        if waited <= clock.bound {
            return Ok(());
        }
        let shown = world.hosts[survivor].view(group);
        let what = format!(
            "group {group} does not run on {survivor} {waited:?} after the death, bound {:?}: {shown:?}",
            clock.bound
        );
        breach("L1", world, what)
    }

    fn applies(&self, world: &World, facts: &Facts, survivor: usize, group: usize) -> bool {
        let h = &world.hosts[survivor];
        let (Some(node), Some(shown)) = (h.node.as_ref(), h.view(group)) else { return false };
        let glance = node.glance();
        let waits = match shown.wait {
            Some(Wait::StaleCopy(_)) => true,
            Some(Wait::PeerStuck) => {
                self.blocked(world, survivor, group) && !self.proof_comes(world, facts, survivor)
            }
            // The clients' network is not as it should be.
            Some(Wait::Answered | Wait::Asking | Wait::CannotAsk) => {
                let deadtime = facts.plan.setting.deadtime();
                !world.lan.whole() || sparse(world, facts, survivor, deadtime.divided(4).min(PACE))
            }
            // Another process has the device at this very moment (O1): the clock begins when it is free.
            Some(Wait::WatchdogPending) => h.dog.busy,
            // Its last life was never met; or frames came when it was taken for dead, or of an earlier life after its last.
            Some(Wait::OneWay) => {
                let bytes = facts.plan.setting.frame_bytes();
                let late = world.wires.iter().map(|wire| wire.frame_time(1 - survivor, bytes)).max();
                let came = world.came[survivor].plus(late.unwrap_or_default()).max(world.replayed[survivor]);
                let other = &world.hosts[1 - survivor];
                let played = other.lives() > 1 && world.replayed[survivor] > facts.heard[survivor];
                let shown = played || self.taken[survivor].is_some_and(|at| came >= at);
                (glance.met != self.life[1 - survivor] || shown) && other.holds_any()
            }
            _ => false,
        };
        // The machine of the dead daemon runs it still, and answers for it.
        let s = &facts.plan.setting;
        let may_wait = match s.answered {
            Some(answered) => answered == Answered::Wait,
            None => s.dog.is_some() || s.fence.is_some(),
        };
        let answers = may_wait && world.answers(survivor, group);
        let fit =
            !matches!(shown.state, GroupState::Failed | GroupState::Stuck) && glance.phase != Phase::Leaving;
        let at = h.lists(group).unwrap_or(group);
        let serves = h.scripts.all(at) && shown.state == GroupState::Held;
        let able = h.runs() && h.backlog.is_empty() && h.scripts.honest() && h.claimable[at];
        let fence = world.fence_works || facts.plan.setting.fence.is_none();
        fit && able && fence && !serves && !waits && !answers && h.reaches.iter().all(|reached| *reached)
    }

    fn bound(&self, world: &World, facts: &Facts, survivor: usize, group: usize) -> Duration {
        let plan = &facts.plan;
        let s = &plan.setting;
        let h = &world.hosts[survivor];
        let glance = h.node.as_ref().map(hb_core::Node::glance);
        let met = glance.as_ref().is_some_and(|glance| glance.met.is_some());
        let silence = if met { s.deadtime() } else { s.initdead().max(s.deadtime()) };
        let frame = world.wires.iter().map(|wire| wire.frame_time(1 - survivor, s.frame_bytes())).max();
        let idle = h.view(group).is_some_and(|shown| shown.state == GroupState::Idle);
        let ready = idle && glance.is_some_and(|glance| glance.phase == Phase::Up);
        // What runs when the clock begins comes to its end first.
        let clean = if ready {
            Duration::ZERO
        } else {
            bounds::clean(plan, survivor, group).plus(s.slow(s.timing.keepalive))
        };
        let isolated = if s.pings > 0 { s.slow(s.timing.keepalive.times(4)) } else { Duration::ZERO };
        let failed = s.fence.is_some() && plan.faults.iter().any(|f| f.kind == Kind::FenceFails);
        let again = if failed { bounds::fence(plan).plus(bounds::FENCE_RETRY) } else { Duration::ZERO };
        // Old frames show a holder, whom nobody has met any more: its address is asked first.
        // So does a newer version's life in its clean-up.
        // So do its last frames, where they came when it was taken for dead.
        let taken = h.view(group).is_some_and(|shown| shown.wait == Some(Wait::OneWay));
        let shown = world.records || world.versions.is_some() || taken;
        let probes = if met && !shown { Duration::ZERO } else { s.slow(s.deadtime()).plus(PROBE) };
        // One deadtime after the last answer; or the questions begin when the group is clean, or Heartbeat's text ends.
        let foreign = h.view(group).is_some_and(|shown| shown.wait == Some(Wait::PeerForeign));
        let asked = if ready && !foreign { Duration::ZERO } else { s.slow(s.deadtime()) };
        let reset = if self.blocked(world, survivor, group) {
            s.dog.map_or(Duration::ZERO, |(timeout, _)| timeout)
        } else {
            Duration::ZERO
        };
        s.slow(silence.plus(reset))
            .plus(frame.unwrap_or_default())
            .plus(bounds::fence(plan))
            .plus(again)
            .plus(probes)
            .plus(asked)
            .plus(isolated)
            .plus(bounds::persist(plan))
            .plus(bounds::data(plan))
            .plus(clean)
            .plus(bounds::start(plan, survivor, group))
    }
}
