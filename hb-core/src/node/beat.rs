//! The own view, as a beat: composed once, sent on every open link, fed to the watchdog in the same step.

use super::Node;
use crate::cluster::group::Group;
use crate::cluster::watchdog::{self, Step};
use crate::event::Event;
use crate::ids::LinkId;
use crate::input::Watchdog;
use crate::list::filled;
use crate::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message};

impl Node {
    /// Number the next beat, mark every open link, and feed the watchdog if the rules allow it (DESIGN §6.4, §7 O7.3).
    pub(super) fn send_beat(&mut self) {
        if self.seq == u32::MAX {
            // Numbers never repeat within a life: go on as a new one, which the peer challenges like any other.
            self.incarnation.nonce = (self.shake.random() & 0xFFFF_FFFF) as u32;
            self.seq = 0;
            // Who leaves says so under the first number of the new life.
            if let Some(leave) = &mut self.leave {
                leave.seq = 1;
            }
            self.hello_until = self.now.plus(self.config.timing.deadtime);
        }
        self.seq = self.seq.saturating_add(1);
        self.sends.sent(self.seq, self.now);
        self.note_offer();
        self.long_form = self.needs_hello();
        if self.long_form {
            self.shake.sends(self.now);
        }
        self.out.transmit = self
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.open)
            .fold(0, |bits, (at, _)| bits | 1u8.wrapping_shl(u32::try_from(at).unwrap_or(0)));
        #[cfg(feature = "next-wire")]
        self.word_follows();
        self.out.feed |= watchdog::may_feed(&Step {
            armed: matches!(self.watchdog, Watchdog::Armed { .. }),
            beat: true,
            late: self.late,
            keepalive: self.config.timing.keepalive,
            stuck: self.unfed(),
        });
    }

    /// The long form is sent until the peer is known to hear this life; and where the next beat may be one that another life
    /// of the peer hears first: that one cannot verify a short form, and its `initdead` may be shorter than what is left of
    /// our deadtime (DESIGN §4.7).
    fn needs_hello(&self) -> bool {
        let silent = self.peer.last_heard.plus(self.config.timing.keepalive.doubled());
        !self.peer.both_ways()
            || self.shake.unfinished()
            || self.now < self.hello_until
            || self.peer.left
            || self.now > silent
    }

    /// The message for one link (DESIGN §7 O7.3).
    pub(super) fn compose(&self, id: LinkId) -> Message {
        let hears = self
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.heard)
            .fold(0, |bits, (at, _)| bits | 1u8.wrapping_shl(u32::try_from(at).unwrap_or(0)));
        let link = self.links.get(usize::from(id.0));
        let echo = link.filter(|link| link.heard && link.seqs.newest() != 0).map(|link| Echo {
            seq: (link.seqs.newest() & 0xFF) as u8,
            hold: self.now.since(link.last_heard),
        });
        let beat = Beat {
            phase: self.phase,
            unconfirmed: self.unconfirmed.is_some(),
            armed: self.shows_armed(),
            link: id.0,
            hears,
            score: self.pings.score(),
            echo,
            groups: filled(self.groups.iter().map(|group| self.group_beat(group))),
            stamps: filled(self.shown_stamps()),
        };
        let hello = self.long_form.then(|| self.hello());
        Message { source: self.config.side, incarnation: self.incarnation, seq: self.seq, beat, hello }
    }

    fn hello(&self) -> Hello {
        let name = |group: &Group| GroupName {
            hash: group.config.name_hash,
            digest: group.config.digest,
            preferred: group.config.preferred,
        };
        Hello {
            boot: self.config.boot,
            challenge: self.shake.challenge(),
            echo: self.next_echo(),
            met: self.peer.met.map(|life| life.nonce),
            // What owes an answer is asked for it.
            known: self.shake.knows_us && !self.peer.owes_answer,
            keepalive: self.config.timing.keepalive,
            deadtime: self.config.timing.deadtime,
            watchdog: match self.watchdog {
                Watchdog::Armed { timeout } => Some(timeout),
                Watchdog::Off | Watchdog::Pending => None,
            },
            timing_digest: self.config.timing_digest,
            groups: filled(self.groups.iter().map(name)),
        }
    }

    /// The orderly end: everything is taken down, shown, and seen by the peer if it is there (DESIGN §7 O6).
    /// DESIGN §8.11, §7 O6.1.
    pub(super) fn follow_leave(&mut self) -> bool {
        let mut changed = false;
        for id in self.group_ids() {
            changed |= self.release(id, crate::event::Cause::Leave);
        }
        let running = self.groups.iter().any(|group| group.state.may_run() || group.pulls());
        match self.leave {
            _ if running => {}
            None => {
                // The beat that this sends shows everything stopped.
                self.out.beat = true;
                let seq = self.seq.saturating_add(1);
                let patience = self.config.timing.keepalive.doubled();
                let until = if self.peer.alive() { self.now.plus(patience) } else { self.now };
                let last = until.plus(self.longest_pull()).plus(patience);
                self.leave = Some(super::Leave { seq, until, last });
            }
            // A peer that claims has this node's disk to pull from until it is done, or its limit is over.
            Some(leave) if self.now < leave.last && self.peer_needs_copy(true) => {}
            Some(leave) if self.now >= leave.until && self.seq >= leave.seq && self.out.exit.is_none() => {
                self.out.exit = Some(true);
            }
            Some(_) => {}
        }
        changed
    }

    // DESIGN §5.1.
    pub(super) fn group_beat(&self, group: &Group) -> GroupBeat {
        let epoch = group.shown_epoch();
        GroupBeat {
            state: group.state,
            wanted: if group.state == GroupState::Idle { group.wanted } else { None },
            // A newer peer is the one that decides.
            able: self.able(group) && (self.peer.newer().is_none() || group.takeover),
            epoch,
            // A mark is never above what is shown with it: the wire sends the difference.
            mark: group.mark.map(|mark| mark.min(epoch)),
        }
    }

    /// Begin to leave.
    pub(super) fn begin_leave(&mut self) {
        self.phase = crate::message::Phase::Leaving;
        self.report(Event::Leaving);
        self.out.beat = true;
    }
}
