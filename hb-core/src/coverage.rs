//! Which (state, event) pairs of each total `match` a node has met; for the simulator, behind the feature `coverage`.
//!
//! The marks live inside the node, one bit per pair, and change nothing that it does.

/// One machine: its name, its states and its events.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// What it decides.
    pub name: &'static str,
    /// The states, in the order of their marks.
    pub states: &'static [&'static str],
    /// The events, in the order of their marks.
    pub events: &'static [&'static str],
}

/// States of a group, as [`crate::message::GroupState`] lists them.
const GROUP: [&str; 7] = ["Unknown", "Idle", "Starting", "Held", "Stopping", "Failed", "Stuck"];

/// All machines; the constants below are positions in it.
pub const MACHINES: [Machine; 10] = [
    Machine {
        name: "group",
        states: &GROUP,
        events: &[
            "Clean",
            "Claim",
            "Started",
            "StartFailed",
            "Restart",
            "Release",
            "Stopped",
            "StoppedForGood",
            "StopFailed",
            "Clear",
        ],
    },
    Machine {
        name: "peer",
        states: &["Unknown", "Up", "Late", "Dead"],
        events: &["Heard", "Late", "Silent"],
    },
    Machine {
        name: "fence",
        states: &["Unneeded", "Armed", "Fired", "Done", "Forgone"],
        events: &["Needed", "Heard", "Tick", "Succeeded", "Failed", "Vouched", "GaveUp"],
    },
    Machine { name: "conflict", states: &GROUP, events: &GROUP },
    Machine {
        name: "right",
        states: &["Joining", "Up Idle", "Up Failed", "Leaving"],
        events: &[
            "Unmet",
            "Foreign",
            "Gone stuck",
            "Gone one-way",
            "Gone isolated",
            "Gone",
            "Alien",
            "Newer",
            "Older",
            "Alive Unknown",
            "Alive Idle",
            "Alive Starting",
            "Alive Held",
            "Alive Stopping",
            "Alive Failed",
            "Alive Stuck",
        ],
    },
    Machine {
        name: "sequence",
        states: &["Check", "Stop", "Verify", "Look", "Start", "Confirm", "Done"],
        events: &["Ok", "Failed", "Running", "Stopped", "Unclear", "Partly", "Killed", "NotRun"],
    },
    Machine {
        name: "release",
        states: &GROUP,
        events: &["gate open", "gate persist", "gate fence", "gate data", "gate ask"],
    },
    Machine {
        name: "operator",
        states: &["Joining", "Up", "Leaving"],
        events: &["Standby", "Takeover", "ConfirmDown", "Clear", "Stop"],
    },
    Machine {
        name: "monitor",
        states: &["Fine", "Failing", "Restart", "Handover"],
        events: &["peer cannot take", "peer could take"],
    },
    Machine {
        name: "copy",
        states: &["Unread", "Rest", "Pulling", "Last", "Ending", "Writing", "Written", "Live"],
        events: &[
            "Read", "Due", "Fetch", "Halt", "Whole", "Cut", "Sign", "Signed", "Unsigned", "Held", "Over",
        ],
    },
];

pub(crate) const GROUP_CHANGE: usize = 0;
pub(crate) const PEER: usize = 1;
pub(crate) const FENCE: usize = 2;
pub(crate) const CONFLICT: usize = 3;
pub(crate) const RIGHT: usize = 4;
pub(crate) const SEQUENCE: usize = 5;
pub(crate) const RELEASE: usize = 6;
pub(crate) const OPERATOR: usize = 7;
pub(crate) const MONITOR: usize = 8;
pub(crate) const COPY: usize = 9;

/// Most states that a machine has.
const STATES: usize = 8;

/// The pairs met so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    marks: [[u16; STATES]; MACHINES.len()],
}

impl Coverage {
    /// Machine `machine` met event number `event` in state number `state`.
    pub fn mark(&mut self, machine: usize, state: usize, event: usize) {
        if let Some(row) = self.marks.get_mut(machine).and_then(|m| m.get_mut(state)) {
            *row |= 1u16.checked_shl(u32::try_from(event).unwrap_or(16)).unwrap_or(0);
        }
    }

    /// Was the pair met?
    #[must_use]
    pub fn met(&self, machine: usize, state: usize, event: usize) -> bool {
        let row = self.marks.get(machine).and_then(|m| m.get(state)).copied().unwrap_or(0);
        event < 16 && row >> event & 1 == 1
    }

    /// Add what another node met.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.marks.iter_mut().zip(&other.marks) {
            for (row, more) in ours.iter_mut().zip(theirs) {
                *row |= *more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_every_machine_has_its_mark() {
        for (machine, m) in MACHINES.iter().enumerate() {
            assert!(m.states.len() <= STATES && m.events.len() <= 16, "{}", m.name);
            for state in 0..m.states.len() {
                for event in 0..m.events.len() {
                    let mut coverage = Coverage::default();
                    assert!(!coverage.met(machine, state, event));
                    coverage.mark(machine, state, event);
                    assert!(coverage.met(machine, state, event));
                    let all = (0..MACHINES.len())
                        .flat_map(|m| (0..STATES).flat_map(move |s| (0..16).map(move |e| (m, s, e))));
                    assert_eq!(all.filter(|(m, s, e)| coverage.met(*m, *s, *e)).count(), 1);
                }
            }
        }
    }
}
