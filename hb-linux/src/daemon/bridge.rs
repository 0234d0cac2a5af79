//! The bridge behind a serial line (`bridge` in ha.cf): its counters, and its fence. What it says is taken out of the line before
//! the node reads it; what is said to it goes out between two heartbeats.

use super::voice::Voice;
use crate::config::{FenceDevice, Medium, Settings};
use crate::control::wire::BridgeReply;
use crate::fence::Verdict;
use crate::helper::Level;
use crate::link::Link;
use crate::scripts::Last;
use core::fmt::Write;
use hb_core::{Duration, Instant};
use hb_serial_bridge::client::{Client, MAX_LINE, Outcome};
use hb_serial_bridge::fence::{Fate, Refusal};
use hb_serial_bridge::report::{Page, Part};
use std::boxed::Box;
use std::string::{String, ToString};

/// A read's bytes without the bridge's: one that was held back before may be added.
pub(super) type Rest = heapless::Vec<u8, { super::serve::RECEIVE + 8 }>;
/// A line that is busy with a heartbeat is looked at again so soon.
const BUSY: Duration = Duration::from_millis(5);

/// The bridge, if there is one.
#[derive(Debug)]
pub(super) struct Bridge(Option<Box<Line>>);

#[derive(Debug)]
struct Line {
    /// Which link it is behind.
    at: usize,
    device: String,
    client: Client,
    /// It is the fence.
    fences: bool,
    /// A reset is under way: since when, and until when at most.
    reset: Option<(Instant, Instant)>,
    /// The line was busy.
    later: Instant,
    answers: Option<bool>,
}

impl Bridge {
    /// The one of `settings`. Allocates all that is needed later.
    pub(super) fn of(settings: &Settings) -> Self {
        let line = settings.bridge.and_then(|at| {
            let Some(Medium::Serial { device, .. }) = settings.links.get(at) else { return None };
            let (cluster, side) = (settings.core.cluster, settings.core.side);
            Some(Box::new(Line {
                at,
                device: device.display().to_string(),
                client: Client::new(settings.keys.clone(), cluster, side),
                fences: settings.fence == Some(FenceDevice::Bridge),
                reset: None,
                later: Instant::ZERO,
                answers: None,
            }))
        });
        Self(line)
    }

    /// What came on the link `at`: what of it the node is to read.
    pub(super) fn strain<'a>(
        &mut self,
        now: Instant,
        at: usize,
        stream: bool,
        bytes: &'a [u8],
        rest: &'a mut Rest,
    ) -> &'a [u8] {
        let Some(line) = &mut self.0 else { return bytes };
        if line.at != at {
            if !stream {
                line.client.meet(bytes);
            }
            return bytes;
        }
        rest.clear();
        for byte in bytes {
            // It has room for as many, and for one that was held back.
            line.client.take(*byte, now, &mut |byte| {
                let _ = rest.push(byte);
            });
        }
        rest
    }

    /// It is the fence: its name.
    pub(super) fn fence(&self) -> Option<&str> {
        self.0.as_ref().filter(|line| line.fences).map(|_| "bridge")
    }

    /// A reset is under way.
    pub(super) fn busy(&self) -> bool {
        self.0.as_ref().is_some_and(|line| line.reset.is_some())
    }

    /// Begin a reset.
    pub(super) fn fire(&mut self, now: Instant, limit: Duration) {
        if let Some(line) = &mut self.0 {
            // The bridge's nonce is what nobody can foresee; this one is only to tell one request from another.
            line.client.fire(now, (now.as_micros() & 0xFFFF_FFFF) as u32);
            (line.reset, line.later) = (Some((now, now.plus(limit))), Instant::ZERO);
        }
    }

    /// When [`Self::service`] has something to do.
    pub(super) fn deadline(&self) -> Instant {
        let Some(line) = &self.0 else { return Instant::NEVER };
        let until = line.reset.map_or(Instant::NEVER, |(_, until)| until);
        line.client.deadline().max(line.later).min(until)
    }

    /// Say what is to be said, when the line is free for it; what a reset came to, with how long it took and why.
    pub(super) fn service(
        &mut self,
        now: Instant,
        links: &mut [Link],
        voice: &mut Voice,
    ) -> Option<(Verdict, Duration, Last)> {
        let line = self.0.as_deref_mut()?;
        if line.client.deadline() <= now && line.later <= now {
            match links.get_mut(line.at) {
                Some(link) if link.is_idle(now) => {
                    let mut frame = [0; MAX_LINE];
                    let len = line.client.say(now, &mut frame);
                    if let Some(frame @ [_, ..]) = frame.get(..len) {
                        let _ = link.send(now, frame);
                    }
                }
                _ => line.later = now.plus(BUSY),
            }
        }
        line.tell(now, voice);
        let (begun, until) = line.reset?;
        let mut why = Last::new();
        let verdict = match line.client.outcome() {
            Some(Outcome::Proven(fate)) => {
                let _ = why.write_str(fate_words(fate));
                Verdict::Done
            }
            Some(Outcome::Not(fate)) => {
                let _ = why.write_str(fate_words(fate));
                Verdict::Failed(1)
            }
            Some(Outcome::OtherBoot) => {
                let _ = why.write_str("the node is in a later boot than this one knows of");
                Verdict::Failed(2)
            }
            None if now < until => return None,
            None => {
                let words = if line.client.fired() {
                    "unproven: the pulse was made, and the node has not come back yet"
                } else if !line.client.answers(now) {
                    "the bridge does not answer"
                } else {
                    line.client.refused().map_or("the bridge takes no key of this node's", refusal_words)
                };
                let _ = why.write_str(words);
                line.client.give_up();
                Verdict::Late
            }
        };
        line.reset = None;
        Some((verdict, now.since(begun), why))
    }

    /// For the status.
    pub(super) fn reply(&self, now: Instant) -> Option<BridgeReply<&str>> {
        let line = self.0.as_deref()?;
        let lane = |to_asker| {
            [Part::Carried, Part::Other, Part::Dropped, Part::Errors]
                .map(|part| line.client.page(Page::Lane { to_asker, part }))
        };
        Some(BridgeReply {
            device: &line.device,
            answers: line.client.answers(now),
            own: line.client.page(Page::Bridge),
            from: lane(false),
            to: lane(true),
        })
    }
}

impl Line {
    /// Say when it begins to answer, and when it no longer does.
    fn tell(&mut self, now: Instant, voice: &mut Voice) {
        let answers = self.client.answers(now);
        // At the start it has the time of a few questions.
        if self.answers == Some(answers) || self.answers.is_none() && !answers && now < self.client.patience()
        {
            return;
        }
        self.answers = Some(answers);
        let device = self.device.as_str();
        if answers {
            voice.say(Level::Info, format_args!("Bridge {device}: it answers"));
        } else {
            voice.say(
                Level::Warn,
                format_args!("Bridge {device}: it does not answer; no counters, no fence by it"),
            );
        }
    }
}

const fn fate_words(fate: Fate) -> &'static str {
    match fate {
        Fate::Held | Fate::Watched => "waited for",
        Fate::Sensed => "the sense line of the node fell under the pulse",
        Fate::Returned => "the node was silent and came back in a new boot",
        Fate::Failed => "the node was heard on: it was not reset",
        Fate::Unproven => "unproven: the node never came back",
    }
}

const fn refusal_words(why: Refusal) -> &'static str {
    match why {
        Refusal::Heard => "refused: the bridge itself hears the node",
        Refusal::Busy => "refused: a pulse or its proof is under way",
        Refusal::NotArmed => "refused: too late after its answer",
        Refusal::OtherBoot => "refused: the node is in a later boot",
    }
}
