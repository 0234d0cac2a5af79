//! Text of Linux-HA Heartbeat on a link: verified, it shows a peer that is alive, has left, or holds groups; anything else
//! is counted and named (DESIGN §4).

use super::{Node, OneWay};
use crate::auth::{Keyring, Method, text};
use crate::cluster::fence::FenceEvent;
use crate::cluster::foreign::{Change, Said, State, Worth, next};
use crate::cluster::peer::PeerEvent;
use crate::event::{BadFrame, Cause, Event};
use crate::frame::foreign::{BUILT, Text};
use crate::ids::{GroupId, LinkId};
use crate::message::GroupState;
use crate::time::{Earliest, Instant};

/// What the text of `bytes` says, if it is the peer's and a listed key signed it (DESIGN §4.19, §4.20).
fn read(bytes: &[u8], peer: &str, keys: &Keyring) -> Result<Said, BadFrame> {
    let text = Text::parse(bytes);
    // Heartbeat 3 folds names to lower case.
    if !text.source.eq_ignore_ascii_case(peer.as_bytes()) {
        return Err(if text.whole { BadFrame::OtherCluster } else { BadFrame::Malformed });
    }
    let method = text::verify(&text, keys).ok_or(BadFrame::Text)?;
    Ok(Said::of(&text, method != Method::Crc))
}

impl Node {
    /// A datagram that is text.
    pub(super) fn text(&mut self, link: LinkId, bytes: &[u8]) {
        if !self.deaf_to_text() {
            let said = read(bytes, &self.config.peer_name, &self.keys);
            self.said(link, said);
        }
    }

    /// Look for text among the bytes of a stream.
    pub(super) fn collect(&mut self, link: LinkId, bytes: &[u8]) {
        let mut rest = bytes;
        while BUILT && !rest.is_empty() {
            let deaf = self.deaf_to_text();
            let Some(Some(stream)) = self.streams.get_mut(usize::from(link.0)) else { break };
            rest = stream.text.take(rest);
            let Some(message) = stream.text.message() else { continue };
            stream.texts = true;
            if !deaf {
                let said = read(message, &self.config.peer_name, &self.keys);
                self.said(link, said);
            }
        }
    }

    /// Did text come on a stream since this was last asked?
    pub(super) fn was_text(&mut self, link: LinkId) -> bool {
        let stream = self.streams.get_mut(usize::from(link.0)).and_then(Option::as_mut);
        BUILT && stream.is_some_and(|stream| core::mem::take(&mut stream.texts))
    }

    /// While native frames of the peer live, text is none of its (DESIGN §4.21).
    fn deaf_to_text(&self) -> bool {
        self.peer.alive() && !self.peer.left
    }

    fn said(&mut self, link: LinkId, said: Result<Said, BadFrame>) {
        let said = match said {
            Ok(said) => said,
            Err(kind) => {
                if kind == BadFrame::Text
                    && let Some(link) = self.links.get_mut(usize::from(link.0))
                {
                    link.text = link.text.saturating_add(1);
                }
                return self.bad_frame(link, kind);
            }
        };
        match self.foreign.worth(&said) {
            Worth::Fresh => self.heard_foreign(&said),
            Worth::Known | Worth::Unnumbered => {}
            Worth::Replayed => self.bad_frame(link, BadFrame::Replayed),
            Worth::Weak => self.bad_frame(link, BadFrame::Text),
            Worth::OldGeneration => {
                self.old_generation(&said);
                self.bad_frame(link, BadFrame::Replayed);
            }
        }
    }

    /// A recording, or a Heartbeat that lost its generation: no life, but as for frames that answer no challenge, an
    /// address that answers is asked for first.
    fn old_generation(&mut self, said: &Said) {
        let (Some((shown, _)), Some(heard)) = (said.numbers, self.foreign.heard) else { return };
        if self.peer.met.is_none() && self.one_way == OneWay::None && !self.foreign.live() {
            self.one_way = OneWay::Evidence(self.now);
        }
        if !core::mem::replace(&mut self.foreign.old_reported, true) {
            self.report(Event::ForeignOld { shown, known: heard.generation });
        }
    }

    // DESIGN §4.23.
    fn heard_foreign(&mut self, said: &Said) {
        let was_live = self.foreign.live();
        let settled = was_live && self.foreign.watched(self.now, self.deadtime());
        let begins = self.foreign.take(said, self.now);
        if begins || self.now.since(self.foreign.saved) >= self.config.timing.keepalive {
            self.foreign_saved();
        }
        // One that is read after a stall may be older than its next start.
        self.behind &= self.recovering;
        if said.shut_done && settled && !begins && !self.behind {
            return self.foreign_left();
        }
        self.foreign.state = next(self.foreign.state, Change::Heard);
        if !was_live {
            self.foreign_up();
        }
        if said.report && settled && !begins {
            self.yield_to_foreign();
        }
    }

    fn foreign_saved(&mut self) {
        self.foreign.saved = self.now;
        self.persist();
    }

    /// The peer runs Heartbeat, as this node did not know: whatever was known of it is over.
    fn foreign_up(&mut self) {
        if self.peer.alive() {
            self.peer_event(PeerEvent::Silent);
        }
        self.peer.left = false;
        self.peer.vouched = false;
        self.fence_event(FenceEvent::Heard);
        self.not_isolated();
        self.report(Event::PeerForeign);
        self.out.beat = true;
    }

    /// It released everything, and says so: nothing needs to be waited for, nor fenced (DESIGN §4.23).
    fn foreign_left(&mut self) {
        self.foreign.state = next(self.foreign.state, Change::ShutDone);
        self.foreign.close();
        self.foreign_saved();
        self.peer.left = true;
        self.report(Event::ForeignLeft);
        self.foreign_gone();
    }

    /// Its silence is to be judged as that of a peer of our own.
    fn foreign_gone(&mut self) {
        let silence = self.now.since(self.foreign.last_heard);
        self.peer.last_heard = self.foreign.last_heard;
        self.peer_silent(silence);
    }

    /// It cannot hear this node: where it says that it runs a group that runs here, only this node can give in (DESIGN §4.24).
    fn yield_to_foreign(&mut self) {
        let Some(holds) = self.foreign.holds else { return };
        for id in self.group_ids() {
            let Some(group) = self.group(id) else { continue };
            let theirs = if group.config.preferred == self.config.side { holds.foreign } else { holds.local };
            if theirs && matches!(group.state, GroupState::Held | GroupState::Starting) {
                self.give_in(id);
            }
        }
    }

    fn give_in(&mut self, id: GroupId) {
        self.report(Event::ForeignHolds(id));
        self.release(id, Cause::Conflict);
    }

    /// A frame of the peer's own life came: it runs this program, and text of before is over for good.
    pub(super) fn peer_is_native(&mut self) {
        if BUILT {
            self.foreign.state = next(self.foreign.state, Change::Native);
            if self.foreign.close() {
                self.foreign_saved();
            }
        }
    }

    /// An operator vouched, against no life.
    pub(super) fn foreign_vouched(&mut self) {
        self.foreign.state = next(self.foreign.state, Change::Silent);
    }

    /// It is heard, so that nobody can vouch for its end.
    pub(super) fn foreign_heard(&self) -> bool {
        BUILT && self.foreign.state == State::Up
    }

    pub(super) fn judge_foreign(&mut self) {
        if !self.foreign.live() {
            return;
        }
        let silence = self.now.since(self.foreign.last_heard);
        if silence >= self.foreign_limit() {
            self.foreign.state = next(self.foreign.state, Change::Silent);
            self.foreign_saved();
            self.foreign_gone();
        } else if silence >= self.deadtime() {
            self.foreign.state = next(self.foreign.state, Change::Quiet);
        }
    }

    /// The silence after which it is dead.
    pub(super) fn foreign_limit(&self) -> crate::time::Duration {
        self.foreign.limit(self.deadtime(), self.config.timing.initdead)
    }

    /// When its silence would change something.
    pub(super) fn foreign_deadline(&self, at: &mut Earliest) {
        let last = self.foreign.last_heard;
        at.or(match self.foreign.state {
            State::Up => last.plus(self.deadtime()),
            State::Quiet => last.plus(self.foreign_limit()),
            State::Absent | State::Dead | State::Left => Instant::NEVER,
        });
    }
}
