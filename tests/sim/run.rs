//! One run: the plan's faults, every rule after every step, then everything is healed and must come to rest.

use crate::fault::Kind;
use crate::host::Host;
use crate::note::Note;
use crate::plan::Plan;
use crate::rules::{Breach, Excluded, Rules, Verdict, bounds, breach, rest};
use crate::timeline::Timeline;
use crate::world::World;
use hb_core::message::{GroupState, Phase};
use hb_core::{Command, Duration, GroupId, Instant};

/// What a run without a breach came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Steps of the world.
    pub steps: u64,
    /// Beats that both nodes sent.
    pub beats: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Faults and commands that befell it, each of which found something to change.
    pub faults: Vec<Kind>,
    /// What S1 excludes, and was seen.
    pub excluded: Excluded,
    /// Which pairs the nodes met.
    #[cfg(feature = "coverage")]
    pub coverage: hb_core::coverage::Coverage,
    /// The kept trace; empty unless asked for.
    pub timeline: Timeline,
}

/// A run that broke a rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The plan that broke it, as short as it could be made.
    pub plan: Plan,
    /// The rule.
    pub breach: Breach,
    /// What happened, for people.
    pub timeline: Timeline,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "seed {}: {} at {:?}: {}",
            self.plan.seed, self.breach.rule, self.breach.at, self.breach.what
        )?;
        writeln!(f, "{:#?}", self.plan.setting)?;
        for fault in &self.plan.faults {
            writeln!(f, "  {fault:?}")?;
        }
        write!(f, "{}", self.timeline)
    }
}

/// Run the plan of `seed`; a plan that breaks a rule is shrunk before it is given back.
///
/// # Errors
/// The broken rule, the shrunk plan and its timeline.
pub fn run(seed: u64) -> Result<Report, Box<Violation>> {
    let plan = Plan::draw(seed);
    execute(&plan, Timeline::off()).map_err(|broken| Box::new(crate::shrink::shrink(&plan, &broken.0)))
}

/// Run `plan` as it is, keeping what `timeline` keeps.
///
/// # Errors
/// The broken rule, and the timeline up to it.
pub fn execute(plan: &Plan, timeline: Timeline) -> Result<Report, Box<(Breach, Timeline)>> {
    execute_in(plan, timeline, |_| {})
}

/// Run `plan` in a world that `change` has changed, to plant a mistake in it.
///
/// # Errors
/// The broken rule, and the timeline up to it.
pub fn execute_in(
    plan: &Plan,
    timeline: Timeline,
    change: impl FnOnce(&mut World),
) -> Result<Report, Box<(Breach, Timeline)>> {
    let mut world = plan.setting.world(plan.seed);
    change(&mut world);
    world.sums = timeline.is_exact();
    world.records = plan.faults.iter().any(|f| f.kind == Kind::Replay || f.kind.is_of_strangers());
    let mut run = Run {
        rules: Rules::new(plan),
        world,
        timeline,
        met: Vec::new(),
        steps: 0,
        beats: 0,
        begin: Instant::from_millis(1000),
    };
    match run.whole(plan) {
        Ok(()) => {
            for host in 0..2 {
                run.world.kill(host);
            }
            #[cfg(feature = "coverage")]
            let coverage = {
                let mut all = run.world.hosts[0].coverage;
                all.add(&run.world.hosts[1].coverage);
                all
            };
            Ok(Report {
                seed: plan.seed,
                steps: run.steps,
                beats: run.beats,
                simulated: run.world.now.since(run.begin),
                faults: run.met,
                excluded: run.rules.excluded(),
                #[cfg(feature = "coverage")]
                coverage,
                timeline: run.timeline,
            })
        }
        Err(breach) => Err(Box::new((breach, run.timeline))),
    }
}

struct Run {
    rules: Rules,
    world: World,
    timeline: Timeline,
    met: Vec<Kind>,
    steps: u64,
    beats: u64,
    begin: Instant,
}

impl Run {
    fn whole(&mut self, plan: &Plan) -> Verdict {
        self.world.boot_after(0, Duration::ZERO);
        self.world.boot_after(1, plan.setting.start_gap);
        // Begins and ends by time; of equal times, the schedule's order.
        let mut turns: Vec<(Duration, usize, bool)> = Vec::with_capacity(plan.faults.len() * 2);
        for (at, fault) in plan.faults.iter().enumerate() {
            turns.push((fault.at, at, true));
            turns.push((fault.at.plus(fault.lasts), at, false));
        }
        turns.sort_by_key(|turn| (turn.0, turn.1, !turn.2));
        let mut begun = plan.faults.clone();
        for (at, fault, begins) in turns {
            self.until(self.begin.plus(at))?;
            if begins {
                begun[fault] = plan.faults[fault].or_a_cut(&self.world);
                self.met.push(begun[fault].kind);
            }
            let fault = &begun[fault];
            self.timeline.fault(&self.world, fault, begins);
            self.rules.facts.disturb(self.world.now, Some(fault));
            if begins {
                fault.begin(&mut self.world);
            } else {
                fault.end(&mut self.world);
            }
            self.judge()?;
        }
        let end = self.begin.plus(plan.length).max(self.world.now);
        self.until(end)?;
        self.heal(plan)
    }

    fn until(&mut self, end: Instant) -> Verdict {
        while self.world.step(end) {
            self.steps += 1;
            self.judge()?;
        }
        Ok(())
    }

    /// After a step: every rule, then the notes are done with.
    fn judge(&mut self) -> Verdict {
        let verdict = self.rules.check(&self.world);
        for note in &self.world.notes {
            self.beats += u64::from(matches!(note, Note::Sent { link: 0, .. }));
            self.timeline.note(&self.world, note);
        }
        self.world.notes.clear();
        verdict
    }

    /// All faults have ended. The pair comes to rest by itself; then an operator clears what waits for one, and after
    /// that nothing may wait.
    fn heal(&mut self, plan: &Plan) -> Verdict {
        self.timeline.line(&self.world, "healed");
        self.rules.facts.disturb(self.world.now, None);
        for host in 0..2 {
            if !self.world.hosts[host].edits.is_empty() {
                // Files that were put right are used by a new life.
                let _ = self.world.command(host, Command::Stop);
            }
            // A machine that nobody switched on, a daemon that an operator stopped.
            let boots = self.world.hosts[host].boots;
            self.world.booted(host, boots);
        }
        self.rest(plan, false)?;
        let mut cleared = false;
        for host in 0..2 {
            for group in 0..plan.setting.groups.len() {
                let state = self.world.hosts[host].shown(group).map(|s| s.state);
                if matches!(state, Some(GroupState::Stuck | GroupState::Failed)) {
                    self.rules.facts.disturb(self.world.now, None);
                    let _ = self.world.command(host, Command::Clear(GroupId(group as u8)));
                    cleared = true;
                }
            }
        }
        if !cleared {
            return Ok(());
        }
        self.timeline.line(&self.world, "cleared");
        self.judge()?;
        self.rest(plan, true)
    }

    /// Until the pair rests, for the bound at most; and it goes on resting.
    fn rest(&mut self, plan: &Plan, strict: bool) -> Verdict {
        let limit = self.world.now.plus(bounds::rest(plan));
        self.rest_by(plan, strict, limit)
    }

    fn rest_by(&mut self, plan: &Plan, strict: bool, limit: Instant) -> Verdict {
        let keepalive = plan.setting.timing.keepalive;
        loop {
            self.until(self.world.now.plus(keepalive))?;
            self.restart_leavers();
            let verdict = rest::check(&self.world, &self.rules.facts, strict);
            if verdict.is_ok() && self.at_ease() {
                break;
            }
            if self.world.now > limit {
                verdict?;
                return breach("L3", &self.world, "scripts still run on a healed pair".to_owned());
            }
        }
        // No rule fires: what could still be due has had its time.
        let t = &plan.setting.timing;
        let wait = plan.setting.slow(plan.setting.deadtime().plus(t.deadping).plus(t.keepalive.times(4)));
        let before = self.tenures();
        self.until(self.world.now.plus(wait))?;
        if self.tenures() != before && self.world.now > limit {
            return breach("L3", &self.world, "a healed pair that rested moved again".to_owned());
        }
        if self.tenures() != before {
            return self.rest_by(plan, strict, limit);
        }
        rest::check(&self.world, &self.rules.facts, strict)
    }

    /// A daemon that was told to stop has gone: it is started again.
    fn restart_leavers(&mut self) {
        for host in 0..2 {
            if self.world.hosts[host].node.is_none() && self.world.hosts[host].exited.is_some() {
                let boots = self.world.hosts[host].boots;
                self.world.booted(host, boots);
            }
        }
    }

    /// Nobody joins or leaves, everybody has met. A node with a stuck group cannot leave before an operator helps; nor can its
    /// peer meet it, where its files are other ones by now.
    fn at_ease(&self) -> bool {
        let calm = |h: &Host| match h.node.as_ref().map(|n| n.glance().phase) {
            Some(Phase::Up) => true,
            Some(Phase::Leaving) => rest::may_not_leave(h),
            Some(Phase::Joining) | None => false,
        };
        (self.rules.facts.met || rest::apart(&self.world)) && self.world.hosts.iter().all(calm)
    }

    fn tenures(&self) -> Vec<(Option<GroupState>, u32)> {
        let hosts = self.world.hosts.iter();
        hosts
            .flat_map(|h| (0..self.world.client.len()).map(|g| h.shown(g)))
            .map(|s| (s.map(|s| s.state), s.map_or(0, |s| s.epoch)))
            .collect()
    }
}
