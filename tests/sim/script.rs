//! The resources of one simulated machine: what runs, and how its scripts answer.

use hb_core::{Duration, Outcome, Verb};

/// How a script answers one verb.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Does what it says, after the machine's script time.
    Honest,
    /// Exits with 1 and does nothing.
    Fails,
    /// Never ends by itself. A `start` has brought the resource up; a `stop` has not taken it down.
    Hangs,
    /// Does it, and exits with 1 all the same.
    Grumbles,
    /// Says 0 and does nothing (`stop`); like `Honest` otherwise.
    Lies,
    /// Cannot be run at all.
    Missing,
    /// `status`: no word, whatever is so.
    Silent,
    /// `status`: of parts that run and parts that do not.
    Partly,
    /// `status`: the truth, or half of it, or a failure, or no answer, or it cannot be run, in turns that look like chance.
    Fickle,
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
    /// How `status` answers.
    pub status: Answer,
    /// How long one call takes.
    pub time: Duration,
    /// No call of this group can be run.
    pub not_run: Option<u8>,
    /// No call can be killed: one that hangs stays until that is over.
    pub stays: bool,
    /// Resources whose last `stop` answered 0 and did nothing. Their `status` is not silent: nobody could tell then.
    lied: Vec<(u8, u8)>,
    /// What [`Answer::Fickle`] goes on from.
    pub turns: u64,
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
            status: Answer::Honest,
            time: Duration::from_millis(10),
            not_run: None,
            lied: Vec::new(),
            stays: false,
            turns: 1,
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

    /// Every script does what it says.
    #[must_use]
    pub fn honest(&self) -> bool {
        [self.start, self.stop, self.status].iter().all(|answer| *answer == Answer::Honest)
    }

    /// A call begins: its outcome, and after how long; `None` when it hangs. A `start` runs from its begin on.
    pub fn call(&mut self, group: u8, resource: u8, verb: Verb) -> Option<(Outcome, Duration)> {
        let up = &mut self.running[usize::from(group)][usize::from(resource)];
        let answer = match verb {
            Verb::Start => self.start,
            Verb::Stop => self.stop,
            Verb::Status => self.status,
        };
        if self.not_run == Some(group) {
            return Some((Outcome::NotRun, Duration::from_micros(100)));
        }
        if verb == Verb::Start {
            *up |= matches!(answer, Answer::Honest | Answer::Lies | Answer::Hangs | Answer::Grumbles);
        }
        let truth = if *up { Outcome::Running } else { Outcome::Stopped };
        let outcome = match (verb, answer) {
            (_, Answer::Hangs) => return None,
            (_, Answer::Fickle) => return self.fickle(truth),
            (_, Answer::Missing) => return Some((Outcome::NotRun, Duration::from_micros(100))),
            (Verb::Status, Answer::Silent) if self.lied.contains(&(group, resource)) => truth,
            (Verb::Status, Answer::Silent) => Outcome::Unclear,
            (Verb::Status, Answer::Partly) => Outcome::Partly,
            (Verb::Status, Answer::Honest | Answer::Lies | Answer::Grumbles) => truth,
            (_, Answer::Fails) | (Verb::Start | Verb::Stop, Answer::Grumbles) => Outcome::Failed(1),
            (Verb::Start | Verb::Stop, Answer::Honest | Answer::Lies | Answer::Silent | Answer::Partly) => {
                Outcome::Ok
            }
        };
        Some((outcome, self.time))
    }

    fn fickle(&mut self, truth: Outcome) -> Option<(Outcome, Duration)> {
        self.turns =
            self.turns.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let outcome = match self.turns >> 60 {
            0..=5 => truth,
            // A script that has no word for it.
            6..=7 if truth == Outcome::Stopped => Outcome::Unclear,
            6..=7 => truth,
            8..=9 => Outcome::Partly,
            10..=11 => Outcome::Failed(1),
            12..=14 => Outcome::NotRun,
            _ => return None,
        };
        Some((outcome, self.time))
    }

    /// A call ended by itself: a `stop` takes effect at its end.
    pub fn ended(&mut self, group: u8, resource: u8, verb: Verb, outcome: Outcome) {
        // What it says was settled when it was called: a fault that began since changes no word, and so no deed, but that a
        // lie is seen as one.
        let does = match (outcome, self.stop) {
            (Outcome::Ok, Answer::Lies) | (Outcome::Killed, _) => false,
            (Outcome::Ok, _) | (_, Answer::Grumbles) => true,
            _ => false,
        };
        if verb == Verb::Stop {
            self.lied.retain(|one| *one != (group, resource));
            if self.stop == Answer::Lies && outcome == Outcome::Ok {
                self.lied.push((group, resource));
            }
        }
        if verb == Verb::Stop && does {
            self.running[usize::from(group)][usize::from(resource)] = false;
        }
    }
}
