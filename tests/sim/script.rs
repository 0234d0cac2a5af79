//! The resources of one simulated machine: what runs, and how its scripts answer.

use hb_core::{Duration, Outcome, Verb};

/// How a script answers one verb.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Does what it says, after the machine's script time.
    Honest,
    /// Exits with 1 and does nothing.
    Fails,
    /// Never ends by itself.
    Hangs,
}

/// The resources of one machine. They outlive the daemon, not the machine.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// Which resources run, by group and position.
    pub running: Vec<Vec<bool>>,
    /// How `start` answers.
    pub start: Answer,
    /// How `stop` answers.
    pub stop: Answer,
    /// How long one call takes.
    pub time: Duration,
    /// Every call so far: group, resource, verb.
    pub calls: Vec<(u8, u8, Verb)>,
}

impl Scripts {
    /// Nothing runs, every script is honest and takes 10 ms.
    #[must_use]
    pub fn new(groups: &[u8]) -> Self {
        Self {
            running: groups.iter().map(|n| vec![false; usize::from(*n)]).collect(),
            start: Answer::Honest,
            stop: Answer::Honest,
            time: Duration::from_millis(10),
            calls: Vec::new(),
        }
    }

    /// Anything of the group runs.
    #[must_use]
    pub fn any(&self, group: usize) -> bool {
        self.running.get(group).is_some_and(|resources| resources.iter().any(|up| *up))
    }

    /// Everything of the group runs.
    #[must_use]
    pub fn all(&self, group: usize) -> bool {
        self.running.get(group).is_some_and(|resources| resources.iter().all(|up| *up))
    }

    /// A call begins: its outcome, and after how long; `None` when it hangs. A `start` runs from its begin on.
    pub fn call(&mut self, group: u8, resource: u8, verb: Verb) -> Option<(Outcome, Duration)> {
        self.calls.push((group, resource, verb));
        let up = &mut self.running[usize::from(group)][usize::from(resource)];
        let answer = match verb {
            Verb::Start => self.start,
            Verb::Stop => self.stop,
            Verb::Status => {
                return Some((if *up { Outcome::Running } else { Outcome::Stopped }, self.time));
            }
        };
        match answer {
            Answer::Honest => {
                if verb == Verb::Start {
                    *up = true;
                }
                Some((Outcome::Ok, self.time))
            }
            Answer::Fails => Some((Outcome::Failed(1), self.time)),
            Answer::Hangs => None,
        }
    }

    /// A call ended well: a `stop` takes effect at its end.
    pub fn ended(&mut self, group: u8, resource: u8, verb: Verb, outcome: Outcome) {
        if (verb, outcome) == (Verb::Stop, Outcome::Ok) {
            self.running[usize::from(group)][usize::from(resource)] = false;
        }
    }
}
