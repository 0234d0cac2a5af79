//! The agreement of the two ends, without input or output of its own: bytes and times in, what to do next out.
//!
//! ```text
//!  Meet --both hear each other--> Agree --leader wants none--> Bye --> over
//!                                 |   ^
//!        both want the same step  v   | at the common speed again
//!                                Sync +--nothing heard at this speed: it does not hold
//!                                 |   |
//!          both hear each other   v   |
//!                                Data-+--silence
//!                                 |   |
//!                   time is over  v   |
//!                                Tail-+
//! ```
//! Meet, Agree and Bye are at [`COMMON`]; Sync, Data and Tail at the speed of the step. The leader, known by its number,
//! chooses the step. A control frame says all there is to say: any one is enough. Every stage ends by itself, so an end
//! that falls silent is waited for at the common speed and then given up.

use super::frame::{Control, Frame, MAX_WIRE, Report, WIRE};
use super::step::{Do, Ending, Outcome, Plan, Stage};
use super::tally::{Heard, Tally, Trips, micros};
use crate::sys::tty::BAUDS;
use hb_core::{Duration, Instant};

/// The speed at which the ends meet and agree.
pub(super) const COMMON: u32 = 9600;
/// No step.
const NONE: u8 = 255;
/// No step is left.
const LAST: u8 = 254;
/// Between two control frames.
const PERIOD: Duration = Duration::from_millis(250);
/// How long the ends try to hear each other at a new speed.
const SYNC: Duration = Duration::from_secs(3);
/// Silence that ends a step.
const SILENCE: Duration = Duration::from_secs(1);
/// How long the end is told to the other one.
const BYE: Duration = Duration::from_millis(1500);
/// How often an end that follows says that it is ready: if all of that is lost, it waits for [`SYNC`] in vain.
const TELLS: u8 = 3;
/// Frames that tell the end of a step.
const ENDS: u8 = 3;
/// Steps in a row that did not hold, after which faster ones are not tried.
const ENOUGH: usize = 2;

/// One end of a link test.
#[derive(Debug)]
pub(super) struct Session {
    nonce: u32,
    plan: Plan,
    /// What the clock steps by, and a little more: so far ahead of the line frames may be handed over.
    lead: Duration,
    pub(super) stage: Stage,
    since: Instant,
    /// The bits of everything handed over are out.
    line_free: Instant,
    /// The speed of the line.
    pub(super) baud: u32,
    want: u8,
    done: u8,
    /// How often `want` was sent since it changed.
    told: u8,
    next_control: Instant,
    /// The latest control frame of the other end.
    peer: Option<Control>,
    /// It came since the last step ended.
    fresh: bool,
    /// The other end's run.
    peer_nonce: u32,
    heard_at: Instant,
    ending: Option<Ending>,
    pub(super) tally: Tally,
    /// What the steps gave.
    pub(super) outcomes: Vec<Outcome>,
    /// Heartbeats heard: the daemon itself runs at the other end.
    pub(super) beats: u32,
}

impl Session {
    /// A run that begins at `now` at the common speed. `nonce` must differ from that of every other run; a clock that
    /// steps by `step` hands frames over.
    pub(super) fn new(plan: Plan, nonce: u32, step: Duration, now: Instant) -> Self {
        Self {
            nonce: nonce.max(1),
            plan,
            lead: step.times(2).plus(Duration::from_millis(4)),
            stage: Stage::Meet,
            since: now,
            line_free: now,
            baud: COMMON,
            want: NONE,
            done: NONE,
            told: 0,
            next_control: now,
            peer: None,
            fresh: false,
            peer_nonce: 0,
            heard_at: now,
            ending: None,
            tally: Tally::new(NONE),
            outcomes: Vec::new(),
            beats: 0,
        }
    }

    /// Per cent of the running step's time that have passed.
    pub(super) fn progress(&self, now: Instant) -> u32 {
        let passed = if self.stage == Stage::Data { micros(now.since(self.since)) } else { 0 };
        passed / (u32::from(self.seconds()).max(1) * 10_000)
    }

    fn go(&mut self, now: Instant, stage: Stage) {
        self.stage = stage;
        self.since = now;
    }

    /// The speeds that both ends can set and may test.
    fn speeds(&self) -> u16 {
        self.peer.map_or(self.plan.speeds, |peer| self.plan.speeds & peer.speeds)
    }

    fn leads(&self) -> Option<bool> {
        let peer = self.peer?;
        Some((self.plan.chosen, self.nonce) > (peer.chosen, peer.nonce))
    }

    /// Seconds for a step: the leader's.
    fn seconds(&self) -> u16 {
        match (self.leads(), self.peer) {
            (Some(false), Some(peer)) => peer.seconds,
            _ => self.plan.seconds,
        }
    }

    /// Take in bytes that came at `now`.
    #[inline(never)]
    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        for byte in bytes {
            match self.tally.push(now, *byte) {
                Some(Heard::Frame(frame)) => self.frame(now, &frame),
                Some(Heard::Other(0x10..=0x1F)) => self.beats = self.beats.saturating_add(1),
                Some(Heard::Other(_)) | None => {}
            }
        }
    }

    #[inline(never)]
    fn frame(&mut self, now: Instant, frame: &Frame) {
        match *frame {
            Frame::Control(control) => self.control(now, control),
            Frame::Sync { step, hears } if step == self.want => {
                if let Stage::Sync { hears: known } = &mut self.stage {
                    *known = true;
                    if hears {
                        self.go(now, Stage::Data);
                    }
                }
            }
            Frame::Data { step, .. } | Frame::Echo { step, .. } if step == self.want => {
                if matches!(self.stage, Stage::Sync { .. }) {
                    self.go(now, Stage::Data);
                }
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn control(&mut self, now: Instant, control: Control) {
        if control.nonce == self.nonce {
            self.ending = Some(Ending::Loop);
        } else if self.peer_nonce != 0 && control.nonce != self.peer_nonce && self.stage != Stage::Meet {
            self.ending = Some(Ending::Lost);
        }
        self.peer_nonce = control.nonce;
        self.peer = Some(control);
        self.fresh = true;
        self.heard_at = now;
        if let Some(last) = self.outcomes.last_mut()
            && last.step == control.done
        {
            last.there = Some(control.report);
        }
    }

    /// What is to be done at `now`; called again and again until it says to wait. `room`: the port takes a frame.
    #[inline(never)]
    pub(super) fn poll(&mut self, now: Instant, room: bool, out: &mut [u8; MAX_WIRE]) -> Do {
        if let Some(ending) = self.ending {
            return Do::Over(ending);
        }
        loop {
            let before = self.stage;
            match self.advance(now) {
                Some(todo) => return todo,
                None if self.stage == before => break,
                None => {}
            }
        }
        match self.slot() {
            Some(at) if room && at <= now => self.send(now, out),
            Some(at) if room => Do::Wait(at.min(self.limit())),
            _ => Do::Wait(self.limit()),
        }
    }

    /// The port has so many bytes waiting, more than was reckoned with.
    pub(super) fn behind(&mut self, now: Instant, bytes: usize) {
        self.line_free = now.plus(self.line_time(bytes));
    }

    fn line_time(&self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(0).saturating_mul(10_000_000);
        Duration::from_micros(bits.div_ceil(u64::from(self.baud.max(1))))
    }

    /// When this stage ends if nothing happens.
    #[inline(never)]
    fn limit(&self) -> Instant {
        let step = Duration::from_secs(u64::from(self.seconds()));
        let heard = self.tally.last().map_or(self.since, |last| last.max(self.since));
        match self.stage {
            Stage::Meet => self.since.plus(self.plan.wait),
            // The other end may have a whole step before it until it is back.
            Stage::Agree => self.since.max(self.heard_at).plus(step).plus(SYNC.times(3)),
            Stage::Change { .. } => self.line_free,
            Stage::Sync { .. } => self.since.plus(SYNC),
            Stage::Data => self.since.plus(step).min(heard.plus(SILENCE)),
            Stage::Tail { .. } => heard.plus(SILENCE).min(self.since.plus(SYNC.times(2)).plus(SILENCE)),
            Stage::Bye => self.since.plus(BYE),
        }
    }

    /// Leave the stage if it is over.
    #[inline(never)]
    fn advance(&mut self, now: Instant) -> Option<Do> {
        let over = now >= self.limit();
        match self.stage {
            Stage::Meet => match self.peer {
                Some(peer) if peer.echo == self.nonce => self.go(now, Stage::Agree),
                Some(_) if over => return Some(Do::Over(Ending::OneWay)),
                None if over => return Some(Do::Over(Ending::NoAnswer)),
                _ => {}
            },
            Stage::Agree if over => return Some(Do::Over(Ending::Lost)),
            Stage::Agree => self.agree(now),
            Stage::Change { to_step } if over => return Some(self.change(now, to_step)),
            Stage::Sync { .. } if over => self.finish(now),
            Stage::Data if over && now >= self.since.plus(Duration::from_secs(u64::from(self.seconds()))) => {
                self.go(now, Stage::Tail { told: 0 });
            }
            // Silence needs no farewell.
            Stage::Data if over => self.finish(now),
            Stage::Tail { told } if over || (told >= ENDS && self.tally.total.is_some()) => self.finish(now),
            Stage::Bye if over => return Some(Do::Over(Ending::Done)),
            _ => {}
        }
        None
    }

    /// At the common speed: settle what comes next.
    #[inline(never)]
    fn agree(&mut self, now: Instant) {
        let (Some(leads), Some(peer), true) = (self.leads(), self.peer, self.fresh) else { return };
        if leads {
            if peer.done != self.done {
                return;
            }
            let next = self.next();
            self.set_want(now, next);
        } else {
            if peer.done != self.done {
                if peer.done != self.want || peer.done == NONE {
                    return;
                }
                // The leader tried a step of which nothing was heard here.
                self.close(false);
            }
            self.set_want(now, peer.want);
        }
        if self.want == LAST {
            self.go(now, Stage::Bye);
        } else if self.want != self.done && if leads { peer.want == self.want } else { self.told >= TELLS } {
            self.go(now, Stage::Change { to_step: true });
        }
    }

    fn set_want(&mut self, now: Instant, want: u8) {
        if want != self.want {
            self.want = want;
            self.told = 0;
            self.next_control = now;
        }
    }

    /// The leader's choice: the slowest speed above the last one, until enough have failed.
    fn next(&self) -> u8 {
        let from = if self.done == NONE { 0 } else { self.done + 1 };
        let failed = self.outcomes.iter().rev().take_while(|o| !o.holds()).count();
        let mut left = (from..).zip(BAUDS.iter().skip(usize::from(from)));
        match left.find(|(step, _)| self.speeds() >> step & 1 == 1) {
            Some((step, _)) if failed < ENOUGH => step,
            _ => LAST,
        }
    }

    #[inline(never)]
    fn change(&mut self, now: Instant, to_step: bool) -> Do {
        if to_step {
            self.baud = BAUDS.get(usize::from(self.want)).copied().unwrap_or(COMMON);
            self.tally = Tally::new(self.want);
            self.go(now, Stage::Sync { hears: false });
        } else {
            self.baud = COMMON;
            self.tally = Tally::new(NONE);
            self.next_control = now;
            self.heard_at = now;
            self.go(now, Stage::Agree);
        }
        Do::Speed(self.baud)
    }

    /// The step is over: keep what it gave, and go back to the common speed.
    fn finish(&mut self, now: Instant) {
        let leads = self.leads() == Some(true);
        // An end that follows and heard nothing cannot know whether the leader was there at all: the leader says it.
        if leads || self.tally.report.good > 0 || self.tally.report.sent > 0 {
            self.close(true);
        } else {
            self.told = 0;
        }
        // What the other end said before the step is old news.
        self.fresh = false;
        self.go(now, Stage::Change { to_step: false });
    }

    /// Note the step down as done, with what was measured in it, if anything was.
    fn close(&mut self, measured: bool) {
        self.done = self.want;
        let baud = BAUDS.get(usize::from(self.want)).copied().unwrap_or(COMMON);
        let here = if measured { self.tally.report } else { Report::default() };
        let trips = if measured { self.tally.trips() } else { Trips::default() };
        self.outcomes.push(Outcome { baud, step: self.done, here, trips, there: None });
    }

    /// The kernel's own counters for the step that was just closed.
    pub(super) fn counted(&mut self, overruns: u32, framing: u32) {
        if let Some(last) = self.outcomes.last_mut() {
            (last.here.overruns, last.here.framing) = (overruns, framing);
        }
    }

    /// When the next frame may be handed over.
    #[inline(never)]
    fn slot(&self) -> Option<Instant> {
        match self.stage {
            Stage::Meet | Stage::Agree | Stage::Bye => Some(self.next_control.max(self.line_free)),
            Stage::Change { .. } => None,
            Stage::Sync { .. } => Some(self.line_free),
            // What is timed goes when its first bit does, so that the time of handing over is the time of leaving.
            Stage::Data if self.tally.is_timed() => Some(self.line_free),
            Stage::Data => Some(self.line_free.minus(self.lead)),
            Stage::Tail { told } => (told < ENDS).then_some(self.line_free),
        }
    }

    #[inline(never)]
    fn send(&mut self, now: Instant, out: &mut [u8; MAX_WIRE]) -> Do {
        // The first bit leaves then.
        let at = self.line_free.max(now);
        let step = self.want;
        let frame = match self.stage {
            Stage::Meet | Stage::Agree | Stage::Bye | Stage::Change { .. } => {
                // Until the other end is heard again, it may not hear this one either: it must not go to the step alone.
                let ready = self.fresh;
                self.told = if ready { self.told.saturating_add(1) } else { 0 };
                // What is said last before an end is heard no more: by one that follows to a step, and at the end.
                let follows = ready && self.want != self.done && self.leads() == Some(false);
                let hurry = self.stage == Stage::Bye || (follows && self.want < LAST);
                self.next_control = if hurry { now } else { now.plus(PERIOD) };
                Frame::Control(Control {
                    nonce: self.nonce,
                    echo: self.peer_nonce,
                    speeds: self.plan.speeds,
                    seconds: self.plan.seconds,
                    chosen: self.plan.chosen,
                    want: if ready { self.want } else { self.done },
                    done: self.done,
                    report: self.outcomes.last().map_or(Report::default(), |last| last.here),
                })
            }
            Stage::Sync { hears } => Frame::Sync { step, hears },
            Stage::Data => {
                let seq = self.tally.report.sent;
                let owed = self.tally.take_owed();
                self.tally.sent(seq, at);
                match owed {
                    Some((echo, came)) => Frame::Echo { step, seq, echo, hold_us: micros(at.since(came)) },
                    None => Frame::Data { step, seq },
                }
            }
            Stage::Tail { told } => {
                self.stage = Stage::Tail { told: told + 1 };
                Frame::End { step, total: self.tally.report.sent }
            }
        };
        let len = frame.encode(out);
        self.line_free = at.plus(self.line_time(len));
        Do::Send(len)
    }

    /// Bytes that may wait in the port when all goes as reckoned.
    pub(super) fn allowance(&self) -> usize {
        let ahead = self.lead.as_micros().saturating_mul(u64::from(self.baud)) / 10_000_000;
        usize::try_from(ahead).unwrap_or(0) + 2 * WIRE
    }
}

#[cfg(test)]
pub(super) mod tests;
