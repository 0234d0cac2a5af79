//! What people see: a line that moves while a speed is tested (on a terminal), and lines that stay for what it gave.

use super::advice::{Advice, advise, choose};
use super::frame::{Report, WIRE};
use super::session::{COMMON, Ending, Outcome, Session, Stage};
use crate::cli::say;
use crate::config::{Shown, Written};
use crate::sys::tty::{LineErrors, ModemLines};
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
    met: bool,
}

impl Show {
    /// On a terminal (`live`), or one line after the other.
    pub(super) fn new(live: bool) -> Self {
        Self { live, drawn: false, next: Instant::ZERO, told: 0, met: false }
    }

    /// When it wants to draw again.
    pub(super) fn deadline(&self) -> Instant {
        if self.live { self.next } else { Instant::NEVER }
    }

    /// Show where `session` is.
    pub(super) fn update(&mut self, now: Instant, session: &Session) {
        if !self.met && session.stage != Stage::Meet {
            self.met = true;
            self.line(format_args!("the other end answers at {COMMON} baud"));
        }
        // What the other end measured comes after the step.
        while let Some(outcome) = session.outcomes.get(self.told)
            && outcome.there.is_some()
        {
            self.told += 1;
            self.line(format_args!("{outcome}"));
        }
        if self.live && now >= self.next {
            self.next = now.plus(REDRAW);
            let (number, all) = session.position();
            let mut out = std::io::stdout();
            let _ = match session.progress(now) {
                Some(part) => write!(
                    out,
                    "\r{:>7} baud ({number} of {all}) {:>3} %: {} frames out, {} in, {} damaged, round trip up to {}\x1b[K",
                    session.baud,
                    part / 10,
                    session.tally.report.sent,
                    session.tally.report.good,
                    session.tally.report.bad,
                    Trip(session.tally.report.worst_us),
                ),
                None if !self.met => write!(out, "\rwaiting for the other end\x1b[K"),
                None => write!(out, "\r{:>7} baud: the ends agree\x1b[K", session.baud),
            };
            let _ = out.flush();
            self.drawn = true;
        }
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        if core::mem::take(&mut self.drawn) {
            let _ = write!(std::io::stdout(), "\r\x1b[K");
        }
        say(&std::format!("{text}"));
    }

    /// All that was measured, and what follows from it.
    pub(super) fn result(
        &mut self,
        session: &Session,
        lines: Option<ModemLines>,
        errors: Option<LineErrors>,
    ) -> bool {
        let outcomes = &session.outcomes;
        for outcome in outcomes.iter().skip(self.told) {
            self.line(format_args!("{outcome}"));
        }
        match lines {
            Some(l) => {
                let on = |on: bool| if on { "on" } else { "off" };
                let wires = match (l.cts, l.dsr, l.dcd) {
                    (false, false, false) => "no handshake wires: a 3-wire cable",
                    (true, true, _) => "handshake wires: a full null-modem, or bridges in the plug",
                    _ => "some handshake wires",
                };
                self.line(format_args!(
                    "modem lines: we drive DTR {}, RTS {}; we see CTS {}, DSR {}, DCD {} ({wires})",
                    on(l.dtr),
                    on(l.rts),
                    on(l.cts),
                    on(l.dsr),
                    on(l.dcd),
                ));
            }
            None => self.line(format_args!("modem lines: this device has none")),
        }
        match errors {
            Some(e) => self.line(format_args!(
                "kernel counters since the boot: overrun {}, buffer overrun {}, framing {}, parity {}, break {}",
                e.overrun, e.buffer_overrun, e.frame, e.parity, e.breaks
            )),
            None => self.line(format_args!("kernel counters: this device has none")),
        }
        let held = outcomes.iter().rev().find(|o| o.holds());
        match held {
            Some(fastest) => self.line(format_args!("fastest speed that holds: {} baud", fastest.baud)),
            None if outcomes.is_empty() => self.line(format_args!("no speed was tested")),
            None => self.line(format_args!("no speed holds without loss: see to cable, earth and plugs")),
        }
        match choose(outcomes).map(|o| (o, advise(o))) {
            Some((_, Some(advice))) => self.advice(&advice),
            Some((o, None)) => self.line(format_args!("{} baud loses too much for any deadtime", o.baud)),
            None => {}
        }
        held.is_some()
    }

    fn advice(&mut self, a: &Advice) {
        self.line(format_args!(
            "for ha.cf, with this line as the only link:\n    baud {}\n    keepalive {}\n    deadtime {}",
            a.baud,
            Written(a.keepalive),
            Written(a.deadtime)
        ));
        self.line(format_args!(
            "    # {} lost heartbeats in a row, a first heartbeat of {}, a round trip of {}; with a watchdog: deadtime {}",
            a.losses,
            Shown(a.first),
            Shown(a.round_trip),
            Written(a.with_watchdog)
        ));
    }
}

/// Why there is nothing to show, or not all; and what to look at.
pub(super) fn trouble(ending: Ending, session: &Session, device: &str, wait: Duration) -> Option<String> {
    let wait = Shown(wait);
    let heard = session.tally.uncounted();
    Some(match ending {
        Ending::Done => return None,
        Ending::NoAnswer if session.beats > 0 => std::format!(
            "heartbeats arrive at {device}: hbd itself runs at the other end; stop it there (`hbd stop`) and start \
             `hbd linktest` there"
        ),
        Ending::NoAnswer if heard > 0 => std::format!(
            "no answer within {wait}, but {heard} bytes of something else arrive at {device}: another program at the \
             other end (a getty, Heartbeat, a console), or another speed there; start `hbd linktest` there"
        ),
        Ending::NoAnswer => std::format!(
            "no answer within {wait}, not one byte: start `hbd linktest` at the other end too, and check that the cable \
             is a null-modem (2 and 3 crossed, 5 to 5), is in the right ports, and that {device} is that port"
        ),
        Ending::OneWay => String::from(
            "the other end is heard but does not hear this one: the wire from our transmit (pin 3 of a DE-9) to its \
             receive (pin 2) is open",
        ),
        Ending::Lost => String::from("the other end fell silent: ended there, or the cable was pulled out"),
        Ending::Loop => std::format!(
            "{device} hears itself: a loop-back plug, or transmit and receive touch; use a null-modem to the other server"
        ),
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
