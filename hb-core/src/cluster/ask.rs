//! Whether another machine answers for a group's service addresses (DESIGN §7 O2c). Silence of the peer is no proof that
//! its machine is off; an address that is still answered is a proof that it is not.
//!
//! A question is one ARP request for each address of the group. Of the answers, those count that came while questions
//! left; a stream of answers that nobody asked for is recognized by coming late after an answer to the same question.
//! Silence counts only after questions left for every address, on networks on which something else answered meanwhile or
//! nothing ever did.

use crate::cluster::question::{Purpose, Times};
use crate::cluster::stage::{self, AskEvent, Stage};
use crate::cluster::voice::{PROMPT, Voice, confirm};
use crate::time::{Duration, Earliest, Instant};
use heapless::Vec;

/// Machines of this kind that a group has room for: none in a build without the feature `ask`.
pub(crate) const ROOM: usize = if cfg!(feature = "ask") { 1 } else { 0 };
/// Questions in a row that silence needs at least.
const QUESTIONS: u16 = 3;
/// Machines whose answers are told apart.
const VOICES: usize = 8;
/// Machines that answer one question for the first time, after which one answer alone counts for nothing.
const CROWD: u8 = 5;
/// Proxies and duplicates that are remembered.
const KNOWN: usize = 4 * ROOM;

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// What an answer comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    /// Nothing: it does not count.
    Nothing,
    /// It counts.
    Counts,
    /// It counts, and may be the first of a stream: no reason yet to give up what is served.
    Once,
    /// Its machine sends what nobody asked for: nothing of it counts from now on.
    Forged,
}

/// The questions about one group.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Its addresses, one bit each.
    pub(crate) mask: u32,
    pub(crate) stage: Stage,
    pub(crate) purpose: Option<Purpose>,
    /// A question is due.
    pub(crate) due: bool,
    /// The addresses are to be answered for, before they are here.
    pub(crate) defend: bool,
    /// When they were answered for last.
    defended: Instant,
    /// The last question was one back.
    asked_back: bool,
    /// It was claimed then; `true`: after a silence.
    pub(crate) decided: Option<(Instant, bool)>,
    /// The last question could not leave.
    pub(crate) blind: bool,
    /// Silence is taken as proven although it is not: it was waited for long enough.
    resigned: bool,
    /// What was said of this round already.
    pub(crate) told: bool,
    pub(crate) told_blind: bool,
    /// Nothing is proven since then.
    unproven: Instant,
    /// The number of the last question, and when it was due.
    question: u16,
    asked_at: Instant,
    /// Its addresses for which it left.
    left: u32,
    /// Questions in a row that left for all of them.
    run: u16,
    /// By address: something else on its network answered in these questions, in those before, and ever.
    lively: u32,
    lively_before: u32,
    heard: u32,
    voices: Vec<Voice, VOICES>,
    /// Machines that were heard first in this question; too many of them in any question of this round.
    fresh: u8,
    crowd: bool,
    /// Who answered while both nodes showed the group stopped, when, and at which epoch of the peer's.
    suspect: Option<(Mac, Instant, u32)>,
    /// Since which question nobody has answered.
    alone: Option<Instant>,
}

impl Ask {
    pub(crate) fn new(mask: u32) -> Self {
        Self {
            mask,
            stage: Stage::Off,
            purpose: None,
            due: false,
            defend: false,
            defended: Instant::ZERO,
            asked_back: false,
            decided: None,
            blind: false,
            resigned: false,
            told: false,
            told_blind: false,
            unproven: Instant::ZERO,
            question: 0,
            asked_at: Instant::ZERO,
            left: 0,
            run: 0,
            lively: 0,
            lively_before: 0,
            heard: 0,
            voices: Vec::new(),
            fresh: 0,
            crowd: false,
            suspect: None,
            alone: None,
        }
    }

    /// Something happened; `true` when the stage changed.
    pub(crate) fn event(&mut self, event: AskEvent, now: Instant) -> bool {
        let to = stage::next(self.stage, event);
        let changed = to != self.stage;
        if changed && to == Stage::Asking {
            self.unproven = now;
        }
        if to == Stage::Silent {
            self.told_blind = false;
        }
        self.stage = to;
        changed
    }

    /// The reason to ask is this one now (DESIGN §7 O2c.4).
    pub(crate) fn follow(&mut self, purpose: Option<Purpose>, now: Instant) {
        let round = |purpose: Option<Purpose>| purpose.map(Purpose::round);
        if round(self.purpose) != round(purpose) {
            self.event(AskEvent::End, now);
            self.voices.clear();
            (self.question, self.run, self.left, self.lively, self.lively_before) = (0, 0, 0, 0, 0);
            (self.crowd, self.blind, self.told, self.told_blind, self.fresh) =
                (false, false, false, false, 0);
            (self.due, self.resigned, self.alone) = (false, false, None);
            if purpose.is_some() {
                self.event(AskEvent::Begin, now);
            }
        } else if self.purpose != purpose && purpose == Some(Purpose::Claimant) {
            self.asked_at = Instant::ZERO;
        }
        self.purpose = purpose;
    }

    /// When the next question is due.
    fn next_question(&self, times: &Times) -> Instant {
        match self.purpose {
            None => Instant::NEVER,
            Some(_) if self.question == 0 || self.asked_at == Instant::ZERO => Instant::ZERO,
            Some(purpose) => {
                let due = self.asked_at.plus(times.pace(purpose));
                let last = self.unsure().filter(|voice| voice.question == self.question);
                let first = last.map(|voice| voice.first.plus(confirm(times))).min();
                first.map_or(due, |again| due.min(again))
            }
        }
    }

    /// Machines that answered a claimant, or before something is put back, and are not sure to be the holder: each may be a
    /// stray answer, or the first of a stream.
    fn unsure(&self) -> impl Iterator<Item = &Voice> {
        let gives_up = self.purpose.is_some_and(Purpose::gives_up);
        self.voices.iter().filter(move |voice| gives_up && !voice.sure && self.counts(voice))
    }

    /// Until when such a machine is asked once more, and may answer.
    pub(crate) fn doubt(&self, times: &Times) -> Option<Instant> {
        let until = self.unsure().filter_map(|voice| match self.question.saturating_sub(voice.question) {
            0 => Some(voice.first.plus(confirm(times).doubled())),
            1 => Some(self.asked_at.plus(confirm(times))),
            _ => None,
        });
        until.max()
    }

    fn counts(&self, voice: &Voice) -> bool {
        !voice.forged && (!self.crowd || voice.answered > 1)
    }

    /// Time passed: ask what is due.
    pub(crate) fn tick(&mut self, times: &Times, now: Instant) {
        if now >= self.next_question(times) {
            self.ask(now);
        }
    }

    /// One more question, now.
    pub(crate) fn ask(&mut self, now: Instant) {
        if self.question != 0 && self.left != self.mask {
            // The one before never left.
            self.run = 0;
        }
        if self.question.is_multiple_of(QUESTIONS) {
            self.lively_before = core::mem::take(&mut self.lively);
        }
        if self.crowd {
            let last = self.question;
            self.voices.retain(|voice| voice.answered > 1 || voice.unasked > 0 || voice.question == last);
        }
        self.question = self.question.saturating_add(1);
        (self.asked_at, self.left, self.due, self.fresh, self.asked_back) = (now, 0, true, 0, false);
        self.alone.get_or_insert(now);
    }

    /// The question for this address left (DESIGN §7 O2c.5).
    pub(crate) fn left(&mut self, address: u32) {
        if self.question != 0 && self.left != self.mask {
            self.left |= address & self.mask;
            if self.left == self.mask {
                self.run = self.run.saturating_add(1);
                self.blind = false;
            }
        }
    }

    /// It could not leave.
    pub(crate) fn unable(&mut self, now: Instant) {
        self.run = 0;
        self.alone = None;
        self.blind = true;
        if !self.resigned {
            self.event(AskEvent::Blind, now);
        }
    }

    /// Nobody could ask for `gap`, as long as the pause between two questions or longer: silence is proven anew. `true` where
    /// something was decided before that.
    pub(crate) fn anew(&mut self, gap: Duration, times: &Times, now: Instant) -> bool {
        let old = self.purpose.is_some_and(|purpose| gap >= times.pace(purpose)) && !self.resigned;
        if old {
            (self.run, self.asked_at, self.alone) = (0, Instant::ZERO, None);
            self.event(AskEvent::Blind, now);
        }
        old && self.decided.is_some()
    }

    /// Something else on the network of this address answered.
    pub(crate) fn neighbour(&mut self, address: u32) {
        self.heard |= address & self.mask;
        self.lively |= address & self.mask;
    }

    /// Another machine answered for an address of the group (DESIGN §7 O2c.4).
    pub(crate) fn answer(&mut self, mac: Mac, times: &Times, now: Instant) -> Came {
        let (Some(purpose), question) = (self.purpose, self.question) else { return Came::Nothing };
        if question == 0 {
            return Came::Nothing;
        }
        // Two questions, to everybody and to one, are answered one right after the other.
        let pace = times.pace(purpose);
        let pace = if purpose.gives_up() { pace.min(confirm(times)) } else { pace };
        let pause = pace.divided(4).max(PROMPT);
        let Some(at) = self.voices.iter().position(|voice| voice.mac == mac) else {
            self.fresh = self.fresh.saturating_add(1);
            self.crowd |= self.fresh >= CROWD;
            let voice = Voice::new(mac, question, now);
            if self.voices.push(voice).is_err()
                && !self.crowd
                && let Some(oldest) = self.voices.iter_mut().min_by_key(|voice| voice.last)
            {
                *oldest = voice;
            }
            return if self.crowd { self.recount(now) } else { Came::Once };
        };
        let Some(voice) = self.voices.get_mut(at) else { return Came::Nothing };
        let first = voice.again(question, pause, confirm(times), now);
        if voice.forged {
            // Not counted again, however long the stream lasts.
            let came = self.recount(now);
            return if first { Came::Forged } else { came };
        }
        match (self.crowd && voice.answered < 2, voice.sure) {
            (true, _) => Came::Nothing,
            (false, false) => Came::Once,
            (false, true) => Came::Counts,
        }
    }

    /// An answer counts: what was proven before is void.
    pub(crate) fn answers(&mut self, now: Instant) {
        (self.lively, self.lively_before, self.resigned) = (0, 0, false);
        self.event(AskEvent::Answer, now);
    }

    /// Another machine asks: answer for the addresses, as if they were here. Questions that have waited, or a stream of them, are
    /// answered once, or the answers would be taken for a stream that nobody asked for.
    pub(crate) fn answer_for(&mut self, now: Instant) {
        if now >= self.defended.plus(PROMPT) || self.defended == Instant::ZERO {
            (self.defend, self.defended) = (true, now);
        }
    }

    /// The machine that this node gives way to answered: it answers for the addresses itself.
    pub(crate) fn rival(&mut self) {
        self.alone = None;
    }

    /// Another machine asks for what this node takes down. Whom it gave way to is kept off by nothing, as long as that one
    /// answers itself; but there is nobody else to answer once it has not, and the rest of the group still runs here.
    pub(crate) fn answer_unless_rivalled(&mut self, times: &Times, now: Instant) {
        let pace = times.pace(Purpose::Yield);
        if self.alone.is_some_and(|since| now >= since.plus(pace)) {
            self.answer_for(now);
        }
    }

    /// Another machine asks for what this node is about to take: answer, and ask back at once, for it may be about to take
    /// it too. Once for each question of the own, so that two do not go on so without a pause.
    pub(crate) fn ask_back(&mut self, now: Instant) {
        self.answer_for(now);
        if !self.asked_back {
            self.ask(now);
            self.asked_back = true;
        }
    }

    /// Some answers do not count any more: is any left?
    fn recount(&mut self, now: Instant) -> Came {
        if self.last_answer().is_none() {
            self.event(AskEvent::Void, now);
        }
        Came::Nothing
    }

    /// The last answer that counts: when, to which question, and of whom.
    pub(crate) fn last_answer(&self) -> Option<(Instant, u16, Mac)> {
        let last = self.voices.iter().filter(|voice| self.counts(voice)).max_by_key(|voice| voice.last)?;
        Some((last.last, last.question, last.mac))
    }

    /// The machine that holds the addresses, as far as answers say; `None` where nobody answers, or nothing is asked.
    pub(crate) fn answered_by(&self) -> Option<Mac> {
        self.last_answer().filter(|_| self.stage == Stage::Answered).map(|(_, _, mac)| mac)
    }

    /// Do the networks of all addresses live, as far as anybody can tell (DESIGN §7 O2c.5)?
    fn lives(&self) -> bool {
        (self.lively | self.lively_before | !self.heard) & self.mask == self.mask
    }

    /// Nobody has answered for long enough (DESIGN §7 O2c.5).
    pub(crate) fn enough(&self, times: &Times, now: Instant) -> bool {
        let Some(purpose) = self.purpose else { return false };
        // The last question may still be answered; those before it may not.
        let open = u16::from(now < self.asked_at.plus(self.window(purpose, times)));
        let quiet = self.last_answer().is_none_or(|(at, question, _)| {
            let heard_out = self.question.saturating_sub(question).saturating_sub(open);
            now >= at.plus(times.deadtime) && heard_out >= QUESTIONS
        });
        quiet && self.run.saturating_sub(open) >= QUESTIONS && self.lives()
    }

    /// How long the last question may be answered before silence counts.
    fn window(&self, purpose: Purpose, times: &Times) -> Duration {
        match purpose {
            // The deadtime may fall between two questions of a slower pace.
            Purpose::Claim => times.lead.divided(4).min(times.pace(purpose)),
            Purpose::Learn
            | Purpose::Know
            | Purpose::Claimant
            | Purpose::Back
            | Purpose::Keep
            | Purpose::Yield => times.pace(purpose),
        }
    }

    /// The networks are as silent as the addresses, for a deadtime.
    pub(crate) fn deaf(&self, times: &Times, now: Instant) -> bool {
        let since = self.last_answer().map_or(self.unproven, |(at, _, _)| at);
        let waits = matches!(self.stage, Stage::Asking | Stage::Answered);
        waits && self.run >= QUESTIONS && !self.lives() && now >= since.plus(times.deadtime)
    }

    /// A silence that was proven is none any more: the network fell silent.
    pub(crate) fn faded(&self) -> bool {
        self.stage == Stage::Silent && !self.resigned && !self.lives()
    }

    /// Go on without a proof.
    pub(crate) fn resign(&mut self, now: Instant) {
        self.resigned = true;
        self.event(AskEvent::Enough, now);
    }

    /// Nothing could be proven for so long that it is not waited for any more. A network on which the holder was heard is
    /// waited for until it can be asked again.
    pub(crate) fn given_up(&self, times: &Times, now: Instant) -> bool {
        now >= self.patience(times)
    }

    fn patience(&self, times: &Times) -> Instant {
        let bound = times.deadtime.plus(times.initdead);
        match (self.stage, self.last_answer()) {
            (Stage::Off | Stage::Silent, _) => Instant::NEVER,
            (Stage::Answered, _) if self.blind => Instant::NEVER,
            (Stage::Asking | Stage::Answered, Some((at, _, _))) => at.plus(bound),
            (Stage::Asking | Stage::Answered, None) => self.unproven.plus(bound),
        }
    }

    /// When time alone changes something, after it was looked at last at `ticked`.
    pub(crate) fn deadline(&self, times: &Times, ticked: Instant, at: &mut Earliest) {
        at.or(self.next_question(times));
        if let (Some(purpose), Stage::Asking | Stage::Answered) = (self.purpose, self.stage)
            && purpose.decides()
        {
            at.or(self.patience(times));
            if self.run >= QUESTIONS && self.lives() {
                let quiet = self.last_answer().map_or(Instant::ZERO, |(at, _, _)| at.plus(times.deadtime));
                let heard_out = self.asked_at.plus(self.window(purpose, times));
                // What has been looked at since comes to nothing before the next question.
                for time in [quiet.max(self.asked_at), quiet.max(heard_out)] {
                    if time > ticked {
                        at.or(time);
                    }
                }
            }
        }
        if let Some(until) = self.doubt(times).filter(|until| *until > ticked) {
            at.or(until);
        }
        if let Some((_, since, _)) = self.suspect {
            at.or(since.plus(times.keepalive.doubled()));
        }
    }

    /// This machine answered while both nodes showed the group stopped, the peer at this epoch.
    pub(crate) fn suspect(&mut self, mac: Mac, epoch: u32, now: Instant) {
        if self.suspect.is_none() {
            self.suspect = Some((mac, now, epoch));
        }
    }

    /// The machine that answered two keepalives ago, if the peer still shows, in a beat that came since, that it did not
    /// run the group then (DESIGN §7 O2c.3).
    pub(crate) fn convict(
        &mut self,
        peer: Option<(u32, Instant)>,
        times: &Times,
        now: Instant,
    ) -> Option<Mac> {
        let (mac, since, epoch) = self.suspect?;
        let due = now >= since.plus(times.keepalive.doubled());
        let same = peer.is_some_and(|(shown, _)| shown == epoch);
        if due || !same {
            self.suspect = None;
        }
        let heard_since = peer.is_some_and(|(_, heard)| heard >= since.plus(times.keepalive));
        (due && same && heard_since).then_some(mac)
    }
}

/// Proxies and duplicates: machines that answer for an address that neither node has.
pub(crate) type Known = Vec<Mac, KNOWN>;

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
