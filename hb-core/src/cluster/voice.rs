//! One machine that answers for a service address: what it answers to, and whether it sends more than it is asked for
//! (DESIGN §7 O2c).

use crate::cluster::ask::Mac;
use crate::cluster::question::Times;
use crate::time::{Duration, Instant};

/// Answers that nobody asked for, from which on nothing of that machine counts, if they are more than the others.
const UNASKED: u16 = 3;
/// Answers of one machine that come closer together than this may be to one question.
pub(super) const PROMPT: Duration = Duration::from_millis(10);
/// After the first answer to who serves already, or is about to, it is asked once more: a stream shows itself meanwhile.
const CONFIRM: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(100));

/// How long after its first answer a machine is asked once more.
pub(super) fn confirm(times: &Times) -> Duration {
    times.keepalive.min(CONFIRM.1).max(CONFIRM.0)
}

/// A machine that answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    pub(super) mac: Mac,
    pub(super) last: Instant,
    /// When it answered the current question first.
    pub(super) first: Instant,
    /// The question that it was heard in first.
    born: u16,
    /// The question that it answered last, and how many it answered.
    pub(super) question: u16,
    pub(super) answered: u16,
    /// Answers that nobody asked for.
    pub(super) unasked: u16,
    /// It sends so many of them that nothing of it counts.
    pub(super) forged: bool,
    /// It has answered question by question since then, and goes on so for long enough to be no stream.
    since: Instant,
    pub(super) sure: bool,
}

impl Voice {
    /// It is heard for the first time, in this question.
    pub(super) const fn new(mac: Mac, question: u16, now: Instant) -> Self {
        Self {
            mac,
            last: now,
            first: now,
            born: question,
            question,
            answered: 1,
            unasked: 0,
            forged: false,
            since: now,
            sure: false,
        }
    }

    /// One more answer; `true` when it shows that nothing of this machine counts. Answers to one question that come within
    /// `pause` may be its copies.
    pub(super) fn again(&mut self, question: u16, pause: Duration, confirm: Duration, now: Instant) -> bool {
        if self.question != question {
            if question > self.question.saturating_add(1) {
                // It was asked once more, and said nothing.
                self.since = now;
            }
            self.sure |= now >= self.since.plus(confirm);
            self.question = question;
            self.answered = self.answered.saturating_add(1);
            self.first = now;
        } else if now >= self.first.plus(pause) {
            // It may be the answer to an earlier question that it has left open.
            let questions = question.saturating_sub(self.born).saturating_add(1);
            if self.answered.saturating_add(self.unasked) >= questions {
                self.unasked = self.unasked.saturating_add(1);
            } else {
                self.answered = self.answered.saturating_add(1);
            }
        }
        self.last = now;
        // A holder's own come too: to a question that was asked back, or late. Of a stream there are more than answers.
        let first = !self.forged && self.unasked >= UNASKED && self.unasked > self.answered;
        self.forged |= first;
        first
    }
}
