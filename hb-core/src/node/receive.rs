//! From bytes on a link to the peer's view: every bad frame is counted, an unmet incarnation is challenged, and only a
//! beat that is newer than all before it is a sign of life.

use super::{Line, Node, OneWay};
use crate::auth::{Authenticated, Room, open_in};
use crate::cluster::fence::FenceEvent;
use crate::cluster::peer::PeerEvent;
use crate::config::LinkKind;
use crate::event::{BadFrame, Event};
use crate::frame::foreign;
use crate::ids::{Incarnation, LinkId, PingId};
use crate::message::{Echo, GroupState, Hello, Message, Phase};
use crate::status::PeerState;

/// Copies of a beat that come this many beats after a newer one are still copies, not a replay.
const LATE_COPY: u32 = 64;

impl Node {
    /// Bytes of a stream in any split, or one datagram.
    pub(super) fn received(&mut self, link: LinkId, bytes: &[u8]) {
        let at = usize::from(link.0);
        match self.config.links.get(at) {
            Some(LinkKind::Datagram) => {
                if foreign::datagram(bytes, &self.config.peer_name) {
                    self.heard_foreign();
                    return;
                }
                let mut room = Room::new();
                let met = self.peer.met;
                let opened =
                    open_in(&mut room, bytes, self.config.side, self.config.cluster, &self.keys, met);
                self.opened(link, opened);
            }
            Some(LinkKind::Stream) => self.stream_bytes(link, bytes),
            None => {}
        }
    }

    fn stream_bytes(&mut self, link: LinkId, bytes: &[u8]) {
        // A datagram comes out at a zero byte and nowhere else.
        for run in bytes.split_inclusive(|byte| *byte == 0) {
            let Some(Some(stream)) = self.streams.get_mut(usize::from(link.0)) else { return };
            let is_foreign = stream.foreign.take(run, &self.config.peer_name);
            let mut came = None;
            if let Some((last, before)) = run.split_last() {
                stream.decoder.skim(before);
                came = stream.decoder.push(*last);
            }
            match came {
                None => {}
                Some(Err(kind)) => self.bad_frame(link, kind),
                Some(Ok(frame)) => {
                    let mut room = Room::new();
                    let met = self.peer.met;
                    let opened =
                        open_in(&mut room, frame, self.config.side, self.config.cluster, &self.keys, met);
                    self.opened(link, opened);
                }
            }
            if is_foreign {
                self.heard_foreign();
            }
        }
    }

    fn heard_foreign(&mut self) {
        if self.foreign_at.is_none() {
            self.report(Event::PeerForeign);
        }
        self.foreign_at = Some(self.now);
    }

    fn opened(&mut self, link: LinkId, opened: Result<&Authenticated<Message>, BadFrame>) {
        match opened {
            Ok(message) => self.message(link, message),
            // On a broadcast medium the own frames come back; on a loop-back plug too. That is no fault.
            Err(BadFrame::Own) => {}
            Err(kind) => self.bad_frame(link, kind),
        }
    }

    fn bad_frame(&mut self, id: LinkId, kind: BadFrame) {
        let Some(link) = self.links.get_mut(usize::from(id.0)) else { return };
        // A short form of a life that was not met: the peer was restarted, or this node was. The hello explains it.
        if link.bad(kind) && kind != BadFrame::NotMet {
            self.report(Event::BadFrames(id, kind));
        }
    }

    fn message(&mut self, link: LinkId, message: &Message) {
        if self.peer.met == Some(message.incarnation) && message.seq <= self.peer.seq {
            self.old_copy(link, message);
            return;
        }
        let admitted = match &message.hello {
            Some(hello) => {
                let met = self.peer.met;
                let admitted = self.shake.hello(message.incarnation, hello, met, self.incarnation.nonce);
                if admitted {
                    self.admit(message.incarnation, hello);
                } else if met != Some(message.incarnation) {
                    self.unmet(link, message, hello);
                    return;
                }
                self.peer.knows_us = self.shake.knows_us;
                if self.shake.unfinished() {
                    self.answer();
                }
                admitted
            }
            None => {
                self.shake.short();
                false
            }
        };
        self.peer.seq = message.seq;
        self.peer.last_heard = self.now;
        self.good_on(link, message);
        if let Some(hello) = &message.hello {
            self.take_hello(hello);
        }
        self.epochs_of(message);
        self.take_beat(message, admitted);
        self.take_stamps(message, true);
    }

    /// A copy of a beat that another link brought already, or something that was sent long ago.
    fn old_copy(&mut self, id: LinkId, message: &Message) {
        let newest = self.peer.seq;
        let fresh_here = self.links.get(usize::from(id.0)).is_some_and(|link| message.seq > link.seq);
        if fresh_here && newest.saturating_sub(message.seq) < LATE_COPY {
            self.good_on(id, message);
        } else {
            self.bad_frame(id, BadFrame::Replayed);
        }
    }

    /// The link brought a beat: its health, and the round trip.
    fn good_on(&mut self, id: LinkId, message: &Message) {
        let (now, beat) = (self.now, &message.beat);
        let rtt = beat.echo.and_then(|Echo { seq, hold }| self.sends.round_trip(seq, hold, now));
        let Some(link) = self.links.get_mut(usize::from(id.0)) else { return };
        let up = link.good(now, message.seq, beat.link);
        if rtt.is_some() {
            link.rtt = rtt;
        }
        if up {
            self.report(Event::LinkUp(id));
        }
    }

    /// An incarnation answered the outstanding challenge: it lives now, and the one before does not.
    fn admit(&mut self, incarnation: Incarnation, hello: &Hello) {
        // One that could not be read is no proof, neither then nor now.
        let rebooted = hello.boot != 0 && self.peer.boot.is_some_and(|boot| boot != hello.boot);
        if rebooted {
            self.peer_proven_off();
        }
        self.peer.meet(incarnation);
        self.take_hello(hello);
        for link in &mut self.links {
            link.forget_sequence();
        }
        self.one_way = OneWay::None;
        self.report(Event::PeerMet(incarnation));
        self.out.beat = true;
    }

    /// An authentic frame of a life that was not met: it changes nothing but the epochs seen, and is challenged.
    fn unmet(&mut self, id: LinkId, message: &Message, hello: &Hello) {
        let mut shows_holder = false;
        let mut higher = false;
        for (name, shown) in hello.groups.iter().zip(&message.beat.groups) {
            let Some(group) = self.groups.iter_mut().find(|g| g.config.name_hash == name.hash) else {
                continue;
            };
            higher |= group.saw(shown.epoch);
            shows_holder |= match shown.state {
                GroupState::Starting | GroupState::Held | GroupState::Stopping | GroupState::Stuck => true,
                GroupState::Unknown | GroupState::Idle | GroupState::Failed => false,
            };
        }
        if higher {
            self.persist();
        }
        self.take_stamps(message, false);
        if shows_holder && self.peer.met.is_none() && self.one_way == OneWay::None {
            self.one_way = OneWay::Evidence(self.now);
        }
        if let Some(link) = self.links.get_mut(usize::from(id.0)) {
            link.rx = link.rx.saturating_add(1);
        }
        self.hello_until = self.now.plus(self.config.timing.deadtime);
        self.answer();
    }

    /// A hello that lacks something is answered at once.
    fn answer(&mut self) {
        if self.shake.may_answer(self.now) {
            self.out.beat = true;
        }
    }

    /// Epochs and marks of a met peer count as seen. Its hello, if this has one, was taken.
    fn epochs_of(&mut self, message: &Message) {
        let mut higher = false;
        for group in &mut self.groups {
            let at = self.peer.position(group.config.name_hash);
            let shown = at.and_then(|at| message.beat.groups.get(at));
            if let Some(shown) = shown {
                higher |= group.saw(shown.epoch.max(shown.mark.unwrap_or(0)));
            }
        }
        if higher {
            self.persist();
        }
    }

    fn take_hello(&mut self, hello: &Hello) {
        self.peer.take_hello(hello);
        let timing = self.config.timing_digest;
        let timing_agrees = hello.timing_digest == timing;
        let before = self.groups.iter().any(|g| g.agreed == Some(false));
        let mut now_differs = !timing_agrees;
        for id in self.group_ids() {
            let Some(group) = self.groups.get_mut(usize::from(id.0)) else { continue };
            let same =
                self.peer.name(group.config.name_hash).is_some_and(|n| n.digest == group.config.digest);
            now_differs |= !same;
            let was = group.agreed.replace(same && timing_agrees);
            let listed = self.peer.name(group.config.name_hash).is_some();
            if !same && was != Some(false) {
                self.report(if listed { Event::GroupDiffers(id) } else { Event::GroupUnlisted(id) });
            }
        }
        self.compare_lines();
        if !timing_agrees && !self.peer.timing_reported {
            self.report(Event::TimingDiffers { peer_deadtime: hello.deadtime });
        }
        self.peer.timing_reported = !timing_agrees;
        if before && !now_differs {
            self.report(Event::ConfigAgrees);
        }
    }

    /// Beside a held group: may the peer run it too, or did it since the beat before? A new mark says that it did.
    fn watch_contest(&mut self, message: &Message) {
        for group in self.groups.iter_mut().filter(|group| group.state == GroupState::Held) {
            let name = group.config.name_hash;
            let before = self.peer.group(name);
            let marked = before.and_then(|before| before.mark);
            if let Some(shown) = self.peer.position(name).and_then(|at| message.beat.groups.get(at)) {
                let stuck = shown.state == GroupState::Stuck;
                let as_before = stuck && before.is_some_and(|before| before.state == GroupState::Stuck);
                group.contested |= shown.state.may_run() && !as_before;
                group.contested |= shown.mark.is_some() && shown.mark != marked;
            }
        }
    }

    fn take_beat(&mut self, message: &Message, admitted: bool) {
        let beat = &message.beat;
        let was_leaving = self.peer.phase == Phase::Leaving && self.peer.state != PeerState::Unknown;
        let heard_us = self.peer.alive() && self.peer.hears != 0;
        self.watch_contest(message);
        self.peer.take_beat(beat);
        self.follow_stuck();
        if !self.recovering {
            self.unconfirmed = None;
        }
        if self.isolated.take().is_some() {
            self.report(Event::NotIsolated);
        }
        self.peer.vouched = false;
        self.fence_event(FenceEvent::Heard);
        let before = self.peer_event(PeerEvent::Heard);
        if before != self.peer.state {
            self.report(Event::PeerUp);
        }
        if admitted || matches!(before, PeerState::Unknown | PeerState::Dead) {
            self.peer_is_back();
        }
        if beat.phase == Phase::Leaving && !was_leaving {
            self.report(Event::PeerLeaving);
        }
        self.peer.left = beat.phase == Phase::Leaving && beat.groups.iter().all(|g| !g.state.may_run());
        if beat.hears == 0 && heard_us {
            self.report(Event::PeerDeaf);
        }
        self.foreign_at = None;
        // The peer saw the beat that says goodbye.
        if let (Some(leave), Some(echo)) = (self.leave, beat.echo)
            && echo.seq == (leave.seq & 0xFF) as u8
            && !self.peer_needs_copy(false)
        {
            self.leave = Some(super::Leave { until: self.now, ..leave });
        }
    }

    /// What a peer shows of a stuck group (DESIGN §7 O7). Only what was proven ends it: a later life that has not looked
    /// yet, or a stop that was tried again, may still run it. What starts or is held there was proven stopped before.
    fn follow_stuck(&mut self) {
        let mut changed = false;
        let tangled = self.peer.tangled != 0;
        let strange = self.tangled_peer().map_or(GroupState::Idle, |claim| claim.state);
        let any_stuck = self.peer.tangled_groups().any(|shown| shown.state == GroupState::Stuck);
        for group in &mut self.groups {
            let shown = match self.peer.group(group.config.name_hash) {
                // Whatever of the lines that are out of step runs there may be what ours runs.
                _ if tangled && group.line != Line::Same => match strange {
                    _ if any_stuck => GroupState::Stuck,
                    GroupState::Idle => GroupState::Idle,
                    _ => GroupState::Unknown,
                },
                Some(shown) => shown.state,
                None => continue,
            };
            let stuck = match shown {
                GroupState::Stuck => true,
                GroupState::Unknown | GroupState::Stopping => group.peer_stuck,
                GroupState::Idle | GroupState::Starting | GroupState::Held | GroupState::Failed => false,
            };
            changed |= core::mem::replace(&mut group.peer_stuck, stuck) != stuck;
        }
        if changed {
            self.persist();
        }
    }

    pub(super) fn ping_answered(&mut self, ping: PingId) {
        if self.pings.answered(ping, self.now) {
            self.report(Event::PingUp(ping));
            self.out.beat = true;
        }
        // What cut this node off may be mended this very moment: the peer has the time to be heard first.
        let until = self.now.plus(self.config.timing.keepalive.times(2));
        if let Some(isolated) = &mut self.isolated {
            *isolated = until.min(*isolated);
        }
    }
}
