//! The reset line in the null-modem: what is done to DTR and RTS, when, and what the peer's answer on DSR proves. Pure: the
//! port is a [`Lines`].
//!
//! Rest is DTR up, RTS down. Only RTS up with DTR down fires. The victim's DTR is our DSR, and its UART clears it on reset.

/// The three lines of a port, and time.
pub trait Lines {
    /// Set both outputs in one step.
    fn set(&mut self, dtr: bool, rts: bool);
    /// The level of DSR, which the peer drives.
    fn dsr(&mut self) -> bool;
    /// Let this time pass; answers how much did.
    fn wait(&mut self, ms: u32) -> u32;
}

/// Between two looks at DSR. Edges are not counted by every driver, so the level is.
pub const LOOK_MS: u32 = 10;
/// Before the probe, and for each half of it: long enough for any driver and cable.
const SETTLE_MS: u32 = 50;
/// How long after the pulse a fall still counts: a machine clears its UART at once.
const AFTER_MS: u32 = 500;

/// Where a reset is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// At rest, DSR seen up or not.
    Settle(bool),
    /// Our own DTR alone is down: it must not move our DSR.
    Probe,
    /// It is up again; DSR up or not.
    Back(bool),
    /// Fires.
    Pulse(Seen),
    /// At rest again, and looking.
    After(Seen),
    /// Done.
    Over(Outcome),
}

/// What DSR did since the pulse began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// It was not up when the pulse began, so it cannot fall: the machine is off, or the plug is out.
    Dark,
    /// It is up.
    Up,
    /// It was up and fell: the victim's UART was reset.
    Fell,
}

/// What a reset came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The victim's DTR fell under the pulse.
    Reset,
    /// It was fired, and nothing shows that it did something.
    Unproven,
    /// Our own DTR moves our DSR: the plug bridges them, or the port is looped back. Nothing was fired.
    Bridged,
}

/// What happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// DSR is seen up, or not.
    Dsr(bool),
    /// The phase has had its time.
    Due,
}

impl Phase {
    /// The next phase.
    ///
    /// ```text
    ///  Settle --due, DSR up--> Probe --due--> Back --due--> Pulse --due--> After --due--> Over(Reset or Unproven)
    ///     |                      |                            ^
    ///     |                      +--DSR falls--> Over(Bridged)|
    ///     +--due, DSR down------------------------------------+
    /// ```
    #[must_use]
    pub const fn next(self, event: Event) -> Self {
        match (self, event) {
            (Self::Settle(_), Event::Dsr(up)) => Self::Settle(up),
            (Self::Settle(true), Event::Due) => Self::Probe,
            (Self::Settle(false), Event::Due) => Self::Pulse(Seen::Dark),
            (Self::Probe, Event::Dsr(true)) => Self::Probe,
            (Self::Probe, Event::Dsr(false)) => Self::Over(Outcome::Bridged),
            (Self::Probe, Event::Due) => Self::Back(true),
            (Self::Back(_), Event::Dsr(up)) => Self::Back(up),
            (Self::Back(true), Event::Due) => Self::Pulse(Seen::Up),
            (Self::Back(false), Event::Due) => Self::Pulse(Seen::Dark),
            (Self::Pulse(seen), Event::Dsr(up)) => Self::Pulse(seen.next(up)),
            (Self::Pulse(seen), Event::Due) => Self::After(seen),
            (Self::After(seen), Event::Dsr(up)) => Self::After(seen.next(up)),
            (Self::After(Seen::Fell), Event::Due) => Self::Over(Outcome::Reset),
            (Self::After(Seen::Up | Seen::Dark), Event::Due) => Self::Over(Outcome::Unproven),
            (Self::Over(_), Event::Dsr(_) | Event::Due) => self,
        }
    }

    /// DTR and RTS in this phase.
    const fn outputs(self) -> (bool, bool) {
        match self {
            Self::Settle(_) | Self::Back(_) | Self::After(_) | Self::Over(_) => (true, false),
            Self::Probe => (false, false),
            Self::Pulse(_) => (false, true),
        }
    }

    /// How long it lasts.
    const fn lasts(self, pulse_ms: u32) -> u32 {
        match self {
            Self::Settle(_) | Self::Probe | Self::Back(_) => SETTLE_MS,
            Self::Pulse(_) => pulse_ms,
            Self::After(_) => AFTER_MS,
            Self::Over(_) => 0,
        }
    }
}

impl Seen {
    const fn next(self, up: bool) -> Self {
        match (self, up) {
            (Self::Fell, _) | (Self::Up, false) => Self::Fell,
            (Self::Up, true) => Self::Up,
            // What comes up only then may be a plug that is being put in.
            (Self::Dark, _) => Self::Dark,
        }
    }
}

/// How long a whole reset takes.
#[must_use]
pub const fn longest_ms(pulse_ms: u32) -> u32 {
    pulse_ms.saturating_add(3 * SETTLE_MS)
}

/// Go through it. `probe_only`: up to the pulse, and not further; then `Reset` means that it could be fired.
pub fn reset(lines: &mut impl Lines, pulse_ms: u32, probe_only: bool) -> Outcome {
    let mut phase = Phase::Settle(false);
    loop {
        if let Phase::Over(outcome) = phase {
            lines.set(true, false);
            return outcome;
        }
        if let (true, Phase::Pulse(seen)) = (probe_only, phase) {
            lines.set(true, false);
            return if seen == Seen::Up { Outcome::Reset } else { Outcome::Unproven };
        }
        let (dtr, rts) = phase.outputs();
        // One write a phase: the pulse is one, and so is its end.
        lines.set(dtr, rts);
        let mut left = phase.lasts(pulse_ms);
        while left > 0 && !matches!(phase, Phase::Over(_)) {
            let step = left.min(LOOK_MS);
            left = left.saturating_sub(lines.wait(step));
            phase = phase.next(Event::Dsr(lines.dsr()));
        }
        phase = phase.next(Event::Due);
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
