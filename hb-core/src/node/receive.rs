//! From bytes on a link to the peer's view: every bad frame is counted, an unmet incarnation is challenged, and only a
//! beat that is newer than all before it is a sign of life (DESIGN §4.5, §4.6, §4.9; groups by name: §5.3).

use super::{Line, Node, OneWay, twin};
use crate::auth::keys::SECRETS;
use crate::auth::{Opened, Room, open_any};
use crate::cluster::fence::FenceEvent;
use crate::cluster::handshake::Heard;
use crate::cluster::peer::PeerEvent;
use crate::config::LinkKind;
use crate::event::{BadFrame, Event};
use crate::frame::foreign::{self, BUILT};
use crate::ids::{Incarnation, LinkId, PingId};
use crate::message::wire::Says;
use crate::message::{Echo, GroupState, Hello, Message, Phase};
use crate::status::PeerState;
use core::ffi::CStr;

/// Bytes up to the first zero byte, with it; all of them where there is none.
fn up_to_zero(bytes: &[u8]) -> usize {
    if cfg!(feature = "large") {
        return CStr::from_bytes_until_nul(bytes).map_or(bytes.len(), |run| run.to_bytes_with_nul().len());
    }
    // Looked at one by one: slower, and small.
    bytes.iter().position(|byte| *byte == 0).map_or(bytes.len(), |at| at.saturating_add(1))
}

impl Node {
    /// Bytes of a stream in any split, or one datagram.
    pub(super) fn received(&mut self, link: LinkId, bytes: &[u8]) {
        let at = usize::from(link.0);
        match self.config.links.get(at) {
            Some(LinkKind::Datagram) => {
                if BUILT && foreign::is_text(bytes) {
                    return self.text(link, bytes);
                }
                let mut room = Room::new();
                let met = self.peer.met;
                let (side, cluster) = (self.config.side, self.config.cluster);
                let opened = open_any(&mut room, bytes, side, cluster, &self.keys, met, self.speaks());
                if twin::BUILT && matches!(opened, Err(BadFrame::Own)) {
                    let (keys, speaks) = (&self.keys, self.speaks());
                    let own = open_any(&mut room, bytes, side.other(), cluster, keys, None, speaks);
                    if let Ok(Opened { message, newer: None, .. }) = own {
                        self.own_side(message);
                    }
                } else {
                    self.opened(link, opened);
                }
            }
            Some(LinkKind::Stream) => self.stream_bytes(link, bytes),
            None => {}
        }
    }

    fn stream_bytes(&mut self, link: LinkId, bytes: &[u8]) {
        // A datagram comes out at a zero byte and nowhere else.
        let mut rest = bytes;
        let speaks = self.speaks();
        while !rest.is_empty() {
            let Some((run, behind)) = rest.split_at_checked(up_to_zero(rest)) else { return };
            rest = behind;
            let Some(Some(stream)) = self.streams.get_mut(usize::from(link.0)) else { return };
            let mut came = None;
            if let Some((last, before)) = run.split_last() {
                stream.decoder.skim(before);
                came = stream.decoder.push(*last);
            }
            match came {
                // In front of a frame: no text begins or ends with it.
                None if run == [0] && stream.text.idle() => {}
                None => self.collect(link, run),
                Some(Err(kind)) => {
                    self.collect(link, run);
                    // Text in front of a frame is no damaged one.
                    if !self.was_text(link) {
                        self.bad_frame(link, kind);
                    }
                }
                Some(Ok(frame)) => {
                    // Its second byte is the first one here.
                    let text = BUILT && matches!(frame.first(), Some(b'>' | b'#'));
                    if !text {
                        stream.text.restart();
                    }
                    let mut room = Room::new();
                    let met = self.peer.met;
                    let (side, cluster) = (self.config.side, self.config.cluster);
                    let opened = open_any(&mut room, frame, side, cluster, &self.keys, met, speaks);
                    if twin::BUILT && matches!(opened, Err(BadFrame::Own)) {
                        let keys = &self.keys;
                        let own = open_any(&mut room, frame, side.other(), cluster, keys, None, speaks);
                        if let Ok(Opened { message, newer: None, .. }) = own {
                            self.own_side(message);
                        }
                    } else {
                        self.opened(link, opened);
                    }
                    if text {
                        self.collect(link, run);
                    }
                }
            }
        }
    }

    fn opened(&mut self, link: LinkId, opened: Result<Opened<'_>, BadFrame>) {
        match opened {
            Ok(opened) => self.message(link, &opened),
            // On a broadcast medium the own frames come back; on a loop-back plug too. That is no fault.
            Err(BadFrame::Own) => {}
            Err(kind) => self.bad_frame(link, kind),
        }
    }

    pub(super) fn bad_frame(&mut self, id: LinkId, kind: BadFrame) {
        let now = self.now;
        let Some(link) = self.links.get_mut(usize::from(id.0)) else { return };
        if matches!(kind, BadFrame::UnknownKey | BadFrame::BadTag | BadFrame::Weak) {
            link.unsigned = Some(now);
        }
        // A short form of a life that was not met: the peer was restarted, or this node was. The hello explains it.
        if link.bad(kind) && kind != BadFrame::NotMet {
            self.report(Event::BadFrames(id, kind));
        }
    }

    fn message(&mut self, link: LinkId, opened: &Opened<'_>) {
        let message: &Message = opened.message;
        let met = self.peer.met == Some(message.incarnation);
        if self.is_weak(opened) {
            self.bad_frame(link, BadFrame::Weak);
            self.evidence(message, opened.newer);
            return;
        }
        if met && !self.peer.seqs.is_fresh(message.seq) {
            self.old_copy(link, message);
            return;
        }
        let proven = met && !self.peer.owes_answer;
        let heard = match &message.hello {
            Some(hello) if !met && !self.shake.may_admit(self.now, self.config.timing.deadtime) => {
                self.shake.later(hello);
                Heard::Nothing
            }
            Some(hello) => self.shake.hello(hello, proven, self.incarnation.nonce, self.now),
            None if proven => {
                self.shake.short();
                Heard::Met
            }
            None => Heard::Nothing,
        };
        let admitted = heard == Heard::Answers && !met;
        match (heard, &message.hello) {
            (Heard::Nothing, _) => {
                self.unproven(link, opened, met);
                return;
            }
            (Heard::Answers, Some(hello)) if admitted => self.admit(message.incarnation, hello, opened.newer),
            (Heard::Answers | Heard::Met, _) => {}
        }
        if heard == Heard::Answers {
            self.peer.owes_answer = false;
            self.one_way = OneWay::None;
        }
        if message.hello.is_some() {
            self.peer.knows_us = self.shake.knows_us;
            if self.shake.unfinished() {
                self.answer();
            }
        }
        self.signed_by_peer(opened);
        self.peer.seqs.accept(message.seq);
        self.peer.last_heard = self.now;
        self.peer.followed = false;
        // What came before a sign of life says nothing of what is held after it.
        if matches!(self.one_way, OneWay::Evidence(_)) {
            self.one_way = OneWay::None;
        }
        self.good_on(link, message);
        match opened.newer {
            Some(says) => self.take_newer(says, message, admitted),
            // It lives, and shows nothing else than before.
            None if opened.read.is_word() => {
                self.heard((self.peer.phase, self.peer.hears), false, self.peer.left);
            }
            None => {
                self.peer.newer = None;
                self.meet_version(opened.read);
                if let Some(hello) = &message.hello {
                    self.take_hello(hello);
                }
                self.epochs_of(message);
                self.take_beat(message, admitted);
                self.take_stamps(message, true);
            }
        }
    }

    /// A copy of a beat that another link brought already, or something that was sent long ago.
    fn old_copy(&mut self, id: LinkId, message: &Message) {
        let fresh_here =
            self.links.get(usize::from(id.0)).is_some_and(|link| link.seqs.is_fresh(message.seq));
        if fresh_here && self.peer.seqs.is_recent(message.seq) {
            self.good_on(id, message);
        } else {
            self.bad_frame(id, BadFrame::Replayed);
        }
    }

    /// The link brought a beat: its health, and the round trip.
    fn good_on(&mut self, id: LinkId, message: &Message) {
        let (now, beat) = (self.now, &message.beat);
        if let Some(echo) = beat.echo {
            self.peer_heard(echo.seq);
            self.offer_heard(echo.seq);
        }
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

    /// Anybody can make a `crc` frame: it moves nothing once the peer has shown that it has a secret to sign with (DESIGN §4.32).
    fn is_weak(&self, opened: &Opened<'_>) -> bool {
        SECRETS && self.keyed && !opened.method.has_secret()
    }

    /// A frame of the living peer was signed so.
    fn signed_by_peer(&mut self, opened: &Opened<'_>) {
        self.peer_key = Some(opened.key);
        if !self.keyed && opened.method.has_secret() {
            self.keyed = true;
            self.persist();
            // What it still signs with `crc` counts for nothing from here on: its trial of the secret ends when it sees this.
            self.out.beat = true;
        }
    }

    /// An incarnation answered an outstanding challenge: it lives now, and the one before does not (DESIGN §7 O7.1).
    fn admit(&mut self, incarnation: Incarnation, hello: &Hello, newer: Option<Says>) {
        // One that could not be read is no proof, neither then nor now.
        let rebooted =
            newer.is_none() && hello.boot != 0 && self.peer.boot.is_some_and(|boot| boot != hello.boot);
        // Of two machines in turns neither was reset.
        if rebooted && !self.peer_has_twins() {
            self.peer_proven_off();
        }
        self.remember_life(incarnation);
        self.peer.meet(incarnation);
        self.shake.admitted(self.now, self.config.timing.deadtime);
        if newer.is_none() {
            self.take_hello(hello);
        }
        for link in &mut self.links {
            link.forget_sequence();
        }
        self.report(Event::PeerMet(incarnation));
        self.out.beat = true;
    }

    /// An authentic frame of a life that was not met, or was silent for a deadtime and owes an answer: it changes nothing
    /// but the epochs seen (of one that was not met), is remembered if it shows a holder, and is challenged (DESIGN §4.27, §4.9).
    fn unproven(&mut self, id: LinkId, opened: &Opened<'_>, met: bool) {
        let message: &Message = opened.message;
        // It counts once the peer is dead, and nothing of the life that answered came after it.
        let holder = self.evidence(message, opened.newer);
        if holder && self.peer.alive() && self.is_newer_of_before(message) {
            self.peer_lives_twice(message.incarnation, false);
        }
        if met {
            // For who looks on: nothing rests on what a dead peer said of itself.
            self.peer.unconfirmed = message.beat.unconfirmed;
        }
        if let (false, Some(hello)) = (met, &message.hello) {
            self.peer.followed |=
                self.peer.met.is_some_and(|life| life.counter < message.incarnation.counter);
            let mut higher = false;
            for (name, shown) in hello.groups.iter().zip(&message.beat.groups) {
                let group = self.groups.iter_mut().find(|g| g.config.name_hash == name.hash);
                higher |= group.is_some_and(|group| group.saw_unmet(shown.epoch));
            }
            if higher {
                self.persist();
            }
            self.take_stamps(message, false);
        }
        if let Some(link) = self.links.get_mut(usize::from(id.0)) {
            link.rx = link.rx.saturating_add(1);
        }
        self.hello_until = self.now.plus(self.config.timing.deadtime);
        if met || self.shake.may_admit(self.now, self.config.timing.deadtime) {
            self.answer();
        }
    }

    /// May a frame that proves no life show a holder all the same? That forbids a claim until the addresses were asked.
    fn evidence(&mut self, message: &Message, newer: Option<Says>) -> bool {
        // All that a newer version says is *may run something*: evidence anew, once it ran nothing meanwhile.
        if newer.is_some_and(|says| says.nothing) && self.one_way == OneWay::Cleared {
            self.one_way = OneWay::None;
        }
        // Whatever it calls them: a line that is out of step with ours may be what one of ours is.
        let any = |only_held: bool| match newer {
            Some(says) => !says.nothing,
            None => message.beat.groups.iter().any(|shown| match shown.state {
                GroupState::Held => true,
                GroupState::Starting | GroupState::Stopping | GroupState::Stuck => !only_held,
                GroupState::Unknown | GroupState::Idle | GroupState::Failed => false,
            }),
        };
        let (shows_holder, held, life) = (any(false), any(true), message.incarnation.nonce);
        let anew = match self.one_way {
            OneWay::None | OneWay::Evidence(_) => shows_holder,
            // That nobody answered for what was only about to start says nothing of it once it is held, nor of another life.
            OneWay::Cleared => held && life != self.one_way_life,
            OneWay::Probing | OneWay::Answered(_) => false,
        };
        if anew {
            self.one_way = OneWay::Evidence(self.now);
            self.one_way_life = if held { life } else { 0 };
        }
        shows_holder
    }

    /// A hello that lacks something is answered at once.
    fn answer(&mut self) {
        if self.shake.may_answer(self.now) {
            self.out.beat = true;
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
            group.line = match self.peer.name(group.config.name_hash) {
                None => Line::Unlisted,
                Some(name) if name.digest == group.config.digest => Line::Same,
                Some(_) => Line::Differs,
            };
            let line = group.line;
            let same = matches!(line, Line::Same);
            now_differs |= !same;
            let was = group.agreed.replace(same && timing_agrees);
            if was == Some(false) {
                continue;
            }
            match line {
                Line::Same => {}
                Line::Differs => self.report(Event::GroupDiffers(id)),
                Line::Unlisted => self.report(Event::GroupUnlisted(id)),
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
        let strange = self.peer.tangled != 0 && self.peer.contests_tangled(&message.beat);
        for group in self.groups.iter_mut().filter(|group| group.state == GroupState::Held) {
            let name = group.config.name_hash;
            if self.peer.tangled != 0 && group.line != Line::Same {
                group.contested |= strange;
                continue;
            }
            if let Some(at) = self.peer.position(name)
                && let Some(shown) = message.beat.groups.get(at)
            {
                group.contested |= self.peer.contests(at, shown);
            }
        }
    }

    /// Of a newer version there is the header to go by (DESIGN §7 O7.1).
    #[cold]
    fn take_newer(&mut self, says: Says, message: &Message, admitted: bool) {
        if self.peer.newer.is_none() {
            self.report(Event::PeerNewer);
        }
        let before = (self.peer.phase, self.peer.hears);
        self.peer.take_newer(says, message.hello.is_none(), self.now);
        let mut changed = false;
        for group in &mut self.groups {
            // Which of them it runs cannot be read.
            group.contested |= !says.nothing && group.state == GroupState::Held;
            let stuck = !says.nothing && (says.stuck() || group.peer_stuck);
            changed |= core::mem::replace(&mut group.peer_stuck, stuck) != stuck;
        }
        if changed {
            self.persist();
        }
        self.heard(before, admitted, says.gives());
    }

    fn take_beat(&mut self, message: &Message, admitted: bool) {
        let beat = &message.beat;
        let before = (self.peer.phase, self.peer.hears);
        self.watch_contest(message);
        self.peer.take_beat(beat);
        self.follow_stuck();
        self.heard(before, admitted, beat.groups.iter().all(|g| !g.state.may_run()));
        // The peer saw the beat that says goodbye.
        if let (Some(leave), Some(echo)) = (self.leave, beat.echo)
            && echo.seq == (leave.seq & 0xFF) as u8
            && !self.peer_needs_copy(false)
        {
            self.leave = Some(super::Leave { until: self.now, ..leave });
        }
    }

    /// A sign of life. `phase` and `hears` are what the peer showed before, `stopped`: nothing may run there.
    fn heard(&mut self, (phase, hears): (Phase, u8), admitted: bool, stopped: bool) {
        let was_leaving = phase == Phase::Leaving && self.peer.state != PeerState::Unknown;
        let heard_us = self.peer.alive() && hears != 0;
        if !self.recovering {
            self.unconfirmed = None;
            self.behind = false;
        }
        self.not_isolated();
        self.peer.vouched = false;
        self.fence_event(FenceEvent::Heard);
        let before = self.peer_event(PeerEvent::Heard);
        if before != self.peer.state {
            self.report(Event::PeerUp);
        }
        if admitted || matches!(before, PeerState::Unknown | PeerState::Dead) {
            self.peer_is_back();
        }
        if self.peer.phase == Phase::Leaving && !was_leaving {
            self.report(Event::PeerLeaving);
        }
        self.peer.left = self.peer.phase == Phase::Leaving && stopped;
        if self.peer.hears == 0 && heard_us {
            self.report(Event::PeerDeaf);
        }
        self.peer_is_native();
    }

    /// What a peer shows of a stuck group (DESIGN §7 O7.2, O10.4). Only what was proven ends it: a later life that has not looked
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
        self.isolated.ends(until);
    }
}
