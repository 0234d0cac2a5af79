//! What people see: a line that moves while a speed is tested (on a terminal), and lines that stay for what it gave.

use super::advice::{Advice, advise, choose};
use super::frame::{Report, WIRE};
use super::session::Session;
use super::step::{Ending, Outcome, Stage};
use crate::cli::say;
use crate::config::Written;
use crate::sys::tty::{self, LineErrors, ModemLines};
use core::fmt;
use hb_core::{Duration, Instant};
use std::io::Write;

/// Between two drawings of the moving line.
const REDRAW: Duration = Duration::from_millis(200);

/// The display.
#[derive(Debug)]
pub(super) struct Show {
    /// The terminal can go back to the beginning of a line.
    live: bool,
    drawn: bool,
    next: Instant,
    /// Outcomes that were printed.
    told: usize,
}

impl Show {
    /// On a terminal (`live`), or one line after the other.
    pub(super) fn new(live: bool) -> Self {
        Self { live, drawn: false, next: Instant::ZERO, told: 0 }
    }

    /// When it wants to draw again.
    pub(super) fn deadline(&self) -> Instant {
        if self.live { self.next } else { Instant::NEVER }
    }

    /// Show where `session` is.
    #[inline(never)]
    pub(super) fn update(&mut self, now: Instant, session: &Session) {
        // What the other end measured comes after the step.
        while let Some(outcome) = session.outcomes.get(self.told)
            && outcome.there.is_some()
        {
            self.told += 1;
            self.line(outcome);
        }
        if self.live && now >= self.next && session.stage != Stage::Meet {
            self.next = now.plus(REDRAW);
            let report = &session.tally.report;
            let _ = write!(
                std::io::stdout(),
                "\r{:>7} baud {:>3} %: {} frames out, {} in, {} damaged; round trip up to {}\x1b[K",
                session.baud,
                session.progress(now),
                report.sent,
                report.good,
                report.bad,
                Trip(report.worst_us),
            );
            let _ = std::io::stdout().flush();
            self.drawn = true;
        }
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &dyn fmt::Display) {
        let back = if core::mem::take(&mut self.drawn) { "\r\x1b[K" } else { "" };
        say(&format!("{back}{text}"));
    }

    /// All that was measured, and what follows from it.
    #[inline(never)]
    pub(super) fn result(
        &mut self,
        session: &Session,
        lines: Option<ModemLines>,
        errors: Option<LineErrors>,
    ) -> bool {
        let outcomes = &session.outcomes;
        for outcome in outcomes.iter().skip(self.told) {
            self.line(outcome);
        }
        let mut text = String::from("modem lines that are on:");
        let on = lines.map(tty::ModemLines::names);
        on.into_iter().flatten().for_each(|name| text.push_str(name));
        text.push_str(match lines {
            Some(lines) if lines.sees_peer() => "",
            Some(_) => "; a 3-wire cable",
            None => " this device has none",
        });
        self.line(&text);
        if let Some(e) = errors {
            self.line(&format_args!(
                "kernel counters since the boot: overrun {}, buffer overrun {}, framing {}, parity {}, break {}",
                e.overrun, e.buffer_overrun, e.frame, e.parity, e.breaks
            ));
        }
        let held = outcomes.iter().rev().find(|o| o.holds());
        match held {
            Some(fastest) => self.line(&format_args!("fastest speed that holds: {} baud", fastest.baud)),
            None => self.line(&"no speed holds without loss: see to cable, earth and plugs"),
        }
        match choose(outcomes).map(advise) {
            Some(Some(advice)) => self.advice(&advice),
            Some(None) => self.line(&"it loses too much for any deadtime"),
            None => {}
        }
        held.is_some()
    }

    #[inline(never)]
    fn advice(&mut self, a: &Advice) {
        let time = |us: u32| Duration::from_micros(us.into());
        self.line(&format_args!(
            "for ha.cf, with this line as the only link:\n    baud {}\n    keepalive {}\n    deadtime {}\n    \
             # {} lost heartbeats in a row, a first heartbeat of {}, a round trip of {}; with a watchdog: deadtime {}",
            a.baud,
            Written(time(a.keepalive)),
            Written(time(a.deadtime)),
            a.losses,
            Trip(a.first),
            Trip(a.round_trip),
            Written(time(a.with_watchdog))
        ));
    }
}

/// Why there is nothing to show, or not all; and what to look at. No ending: a signal.
#[inline(never)]
pub(super) fn trouble(ending: Option<Ending>, session: &Session) -> Option<&'static str> {
    Some(match ending {
        None => "interrupted",
        Some(Ending::Done) if session.outcomes.is_empty() => {
            "no speed in common: the two ends were asked for different ones"
        }
        Some(Ending::Done) => return None,
        Some(Ending::NoAnswer) if session.beats > 0 => {
            "no answer, but heartbeats: hbd itself runs at the other end; stop it there and start hbd linktest"
        }
        Some(Ending::NoAnswer) if session.tally.uncounted() > 0 => {
            "no answer, but bytes of something else: a getty, a console or Heartbeat at the other end, or hbd linktest \
             is not started there"
        }
        Some(Ending::NoAnswer) => {
            "no answer, not one byte: start hbd linktest at the other end too; check that the cable is a null-modem \
             (2 and 3 crossed, 5 to 5) and in the right ports"
        }
        Some(Ending::OneWay) => {
            "the other end is heard but does not hear this one: the wire from our transmit (pin 3 of a DE-9) to its \
             receive (pin 2) is open"
        }
        Some(Ending::Lost) => "the other end fell silent: ended there, or the cable was pulled out",
        Some(Ending::Loop) => "this port hears itself: a loop-back plug, or transmit and receive touch",
    })
}

/// A time in microseconds as milliseconds with one digit more.
struct Trip(u32);

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} ms", self.0 / 1000, self.0 / 100 % 10)
    }
}

/// `wrong` of `bits` as a rate; of none wrong, the bound that holds in 95 cases of 100.
struct Rate(u64, u64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(wrong, bits) = *self;
        let (mut high, mut power) = (if wrong == 0 { 3 } else { wrong }, 0);
        if bits == 0 {
            return f.write_str("unknown");
        }
        while high < bits {
            high *= 10;
            power += 1;
        }
        let below = if wrong == 0 { "below " } else { "" };
        write!(f, "{below}{}.{}e-{power}", high / bits, high * 10 / bits % 10)
    }
}

/// One direction of one step.
fn direction(f: &mut fmt::Formatter<'_>, name: &str, sent: u32, seen: Option<&Report>) -> fmt::Result {
    let bytes = u64::from(sent) * WIRE as u64;
    let Some(seen) = seen else {
        return writeln!(
            f,
            "        {name}: {sent} frames, {bytes} bytes; the other end did not say what arrived"
        );
    };
    let missing = seen.missing(sent);
    let damaged = seen.bad.min(missing);
    write!(
        f,
        "        {name}: {sent} frames, {bytes} bytes; lost {} frames, damaged {damaged}; lost {} bytes; bit error rate {}",
        missing - damaged,
        seen.lost_bytes(sent),
        Rate(seen.wrong.into(), seen.bits())
    )?;
    if seen.overruns > 0 || seen.framing > 0 {
        write!(f, "; overruns {}, framing errors {}", seen.overruns, seen.framing)?;
    }
    writeln!(f)
}

impl fmt::Display for Outcome {
    /// Four lines, the last without an end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.here.good, self.holds()) {
            (0, _) => "nothing gets through",
            (_, true) => "holds",
            _ => "does NOT hold",
        };
        writeln!(f, "{:>7} baud {verdict}", self.baud)?;
        direction(f, "out", self.here.sent, self.there.as_ref())?;
        direction(f, "in ", self.there.map_or(0, |there| there.sent), Some(&self.here))?;
        let [min, median, p99, max] = self.trips.min_median_p99_max.map(Trip);
        let count = self.trips.count;
        write!(f, "        round trip: min {min}, median {median}, p99 {p99}, max {max} ({count} measured)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::tests::outcome;
    use super::*;

    #[test]
    fn rates_are_written_with_two_digits() {
        for (wrong, bits, text) in [
            (1, 1000, "1.0e-3"),
            (12, 145_920, "8.2e-5"),
            (7, 7, "1.0e-0"),
            (0, 30_000, "below 1.0e-4"),
            (0, 0, "unknown"),
        ] {
            assert_eq!(Rate(wrong, bits).to_string(), text);
        }
    }

    #[test]
    fn an_outcome_tells_both_directions() {
        let here = Report { sent: 480, good: 480, bytes: 19_200, compared: 380, ..Report::default() };
        let there = Report { good: 477, bad: 2, bytes: 19_150, compared: 378, wrong: 3, framing: 4, ..here };
        let text = outcome(19_200, here, Some(there)).to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines[0], "19200 baud does NOT hold");
        assert_eq!(
            lines[1],
            "out: 480 frames, 19200 bytes; lost 1 frames, damaged 2; lost 50 bytes; bit error rate 2.6e-5; \
             overruns 0, framing errors 4"
        );
        assert_eq!(
            lines[2],
            "in : 480 frames, 19200 bytes; lost 0 frames, damaged 0; lost 0 bytes; bit error rate below 2.5e-5"
        );
        assert_eq!(lines[3], "round trip: min 1.0 ms, median 2.0 ms, p99 3.0 ms, max 4.0 ms (99 measured)");
    }
}
