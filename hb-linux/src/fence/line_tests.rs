use super::*;

/// A stand-in for a port and what is behind it.
struct Port {
    now: u32,
    dtr: bool,
    rts: bool,
    /// Every write, with its time.
    writes: Vec<(u32, bool, bool)>,
    behind: Behind,
    /// Since when the pair that fires is there.
    firing: Option<u32>,
    fired: bool,
    /// How much later than it should each wait ends.
    late: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Behind {
    /// A machine that is reset after this long, and drops its DTR.
    Victim(u32),
    /// A machine whose reset wire hangs in the air.
    Deaf,
    /// Nothing, or a machine without power.
    Nothing,
    /// Our own DTR.
    Bridge,
}

impl Port {
    fn new(behind: Behind) -> Self {
        // Opening a port raises both.
        Self { now: 0, dtr: true, rts: true, writes: Vec::new(), behind, firing: None, fired: false, late: 0 }
    }
}

impl Lines for Port {
    fn set(&mut self, dtr: bool, rts: bool) {
        (self.dtr, self.rts) = (dtr, rts);
        self.firing = (rts && !dtr).then_some(self.now);
        self.writes.push((self.now, dtr, rts));
    }

    fn dsr(&mut self) -> bool {
        match self.behind {
            Behind::Victim(_) => !self.fired,
            Behind::Deaf => true,
            Behind::Nothing => false,
            Behind::Bridge => self.dtr,
        }
    }

    fn wait(&mut self, ms: u32) -> u32 {
        let ms = ms + self.late;
        self.now += ms;
        if let (Behind::Victim(takes), Some(since)) = (self.behind, self.firing) {
            self.fired |= self.now - since >= takes;
        }
        ms
    }
}

fn run(behind: Behind, pulse: u32) -> (Outcome, Port) {
    let mut port = Port::new(behind);
    let outcome = reset(&mut port, pulse, false);
    assert_eq!((port.dtr, port.rts), (true, false), "it ends at rest");
    (outcome, port)
}

/// Times at which the pair that fires began and ended.
fn pulses(port: &Port) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for pair in port.writes.windows(2) {
        if !pair[0].1 && pair[0].2 {
            all.push((pair[0].0, pair[1].0));
        }
    }
    all
}

#[test]
fn a_machine_that_drops_its_dtr_was_reset() {
    let (outcome, port) = run(Behind::Victim(900), 1200);
    assert_eq!(outcome, Outcome::Reset);
    assert_eq!(
        pulses(&port).iter().map(|(from, to)| to - from).collect::<Vec<_>>(),
        [1200],
        "one, and as long as asked"
    );
    assert_eq!(run(Behind::Victim(1300), 1200).0, Outcome::Unproven, "too short");
}

/// A busy machine: the pulse is as long all the same, but for one wait.
#[test]
fn late_waits_do_not_add_up() {
    let mut port = Port::new(Behind::Victim(900));
    port.late = 35;
    assert_eq!(reset(&mut port, 1200, false), Outcome::Reset);
    let lengths: Vec<_> = pulses(&port).iter().map(|(from, to)| to - from).collect();
    assert!(matches!(lengths.as_slice(), [1200..=1245]), "{lengths:?}");
}

#[test]
fn a_plug_that_bridges_never_fires() {
    let (outcome, port) = run(Behind::Bridge, 1200);
    assert_eq!((outcome, pulses(&port)), (Outcome::Bridged, Vec::new()));
    assert!(port.writes.iter().all(|(_, dtr, rts)| *dtr || !*rts), "{:?}", port.writes);
}

#[test]
fn no_fall_is_no_proof() {
    for behind in [Behind::Deaf, Behind::Nothing] {
        let (outcome, port) = run(behind, 1200);
        assert_eq!((outcome, pulses(&port).len()), (Outcome::Unproven, 1));
    }
}

#[test]
fn a_probe_fires_nothing() {
    for (behind, outcome) in [
        (Behind::Victim(900), Outcome::Reset),
        (Behind::Nothing, Outcome::Unproven),
        (Behind::Bridge, Outcome::Bridged),
    ] {
        let mut port = Port::new(behind);
        assert_eq!(reset(&mut port, 1200, true), outcome);
        assert_eq!((pulses(&port), port.dtr, port.rts), (Vec::new(), true, false));
    }
}

#[test]
fn every_pair_is_as_drawn() {
    use Event::{Dsr, Due};
    use Phase::{After, Back, Over, Probe, Pulse, Settle};
    for (from, up, down, due) in [
        (Settle(false), Settle(true), Settle(false), Pulse(Seen::Dark)),
        (Settle(true), Settle(true), Settle(false), Probe),
        (Probe, Probe, Over(Outcome::Bridged), Back(true)),
        (Back(true), Back(true), Back(false), Pulse(Seen::Up)),
        (Back(false), Back(true), Back(false), Pulse(Seen::Dark)),
        (Pulse(Seen::Dark), Pulse(Seen::Dark), Pulse(Seen::Dark), After(Seen::Dark)),
        (Pulse(Seen::Up), Pulse(Seen::Up), Pulse(Seen::Fell), After(Seen::Up)),
        (Pulse(Seen::Fell), Pulse(Seen::Fell), Pulse(Seen::Fell), After(Seen::Fell)),
        (After(Seen::Dark), After(Seen::Dark), After(Seen::Dark), Over(Outcome::Unproven)),
        (After(Seen::Up), After(Seen::Up), After(Seen::Fell), Over(Outcome::Unproven)),
        (After(Seen::Fell), After(Seen::Fell), After(Seen::Fell), Over(Outcome::Reset)),
    ] {
        assert_eq!(
            [from.next(Dsr(true)), from.next(Dsr(false)), from.next(Due)],
            [up, down, due],
            "{from:?}"
        );
    }
    for outcome in [Outcome::Reset, Outcome::Unproven, Outcome::Bridged] {
        let over = Over(outcome);
        assert_eq!([over.next(Dsr(true)), over.next(Dsr(false)), over.next(Due)], [over; 3]);
    }
}
