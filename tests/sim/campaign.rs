//! Many seeds on several threads, in pieces that a later call goes on with.

use crate::fault::{KINDS, Kind};
use crate::plan::Plan;
use crate::run::{Report, Violation, execute, run};
use crate::timeline::Timeline;
#[cfg(feature = "coverage")]
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds between two lines of the record.
const PIECE: u64 = 500;
/// Violations after which there is no sense in going on.
const ENOUGH: usize = 5;

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Threads.
    pub jobs: usize,
    /// The record of pieces that are done: they are added, not run again.
    pub record: Option<PathBuf>,
    /// Say how far it is.
    pub progress: bool,
}

/// What many runs came to.
#[derive(Clone, Debug)]
pub struct Total {
    /// Seeds run.
    pub seeds: u64,
    /// Beats that the nodes sent.
    pub beats: u64,
    /// Simulated seconds.
    pub simulated_s: u64,
    /// How often each kind of fault found something to change, in the order of [`KINDS`].
    pub kinds: Vec<u64>,
    /// Seeds with two holders for longer than S1's bound: a group was stuck, a daemon was dead.
    pub excluded: [u64; 2],
    /// Which pairs were met.
    #[cfg(feature = "coverage")]
    pub coverage: hb_core::coverage::Coverage,
}

impl Default for Total {
    fn default() -> Self {
        Self {
            seeds: 0,
            beats: 0,
            simulated_s: 0,
            kinds: vec![0; KINDS.len()],
            excluded: [0; 2],
            #[cfg(feature = "coverage")]
            coverage: hb_core::coverage::Coverage::default(),
        }
    }
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.beats += report.beats;
        self.simulated_s += report.simulated.as_millis() / 1000;
        for kind in &report.faults {
            self.kinds[*kind as usize] += 1;
        }
        self.excluded[0] += u64::from(report.excluded.stuck);
        self.excluded[1] += u64::from(report.excluded.dead);
        #[cfg(feature = "coverage")]
        self.coverage.add(&report.coverage);
    }

    fn merge(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.beats += other.beats;
        self.simulated_s += other.simulated_s;
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(ours, theirs)| *ours += theirs);
        self.excluded.iter_mut().zip(&other.excluded).for_each(|(ours, theirs)| *ours += theirs);
        #[cfg(feature = "coverage")]
        self.coverage.add(&other.coverage);
    }

    /// Kinds of faults that never occurred.
    #[must_use]
    pub fn missing_kinds(&self) -> Vec<Kind> {
        let off = |kind: &Kind| kind.part().is_some_and(|part| !part.on());
        KINDS.iter().copied().filter(|kind| self.kinds[*kind as usize] == 0 && !off(kind)).collect()
    }

    /// One line of the record.
    fn line(&self, build: u64, from: u64) -> String {
        let kinds: Vec<String> = self.kinds.iter().map(u64::to_string).collect();
        let [stuck, dead] = self.excluded;
        let mut line = format!(
            "{build:016x} {from} {} {} {} {stuck} {dead} {}",
            self.seeds,
            self.beats,
            self.simulated_s,
            kinds.join(",")
        );
        #[cfg(feature = "coverage")]
        let _ = write!(line, " {}", crate::cover::to_text(&self.coverage));
        line.push('\n');
        line
    }

    fn parse(line: &str) -> Option<(u64, u64, Self)> {
        let mut words = line.split(' ');
        let build = u64::from_str_radix(words.next()?, 16).ok()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let (from, seeds, beats, simulated_s) = (number()?, number()?, number()?, number()?);
        let excluded = [number()?, number()?];
        let kinds: Vec<u64> = words.next()?.split(',').filter_map(|n| n.parse().ok()).collect();
        #[cfg(feature = "coverage")]
        let coverage = crate::cover::from_text(words.next()?)?;
        let total = Self {
            seeds,
            beats,
            simulated_s,
            kinds,
            excluded,
            #[cfg(feature = "coverage")]
            coverage,
        };
        (total.kinds.len() == KINDS.len()).then_some((build, from, total))
    }
}

/// Counts a thread while it works, also when it panics.
struct Working<'a>(&'a AtomicU64);

impl<'a> Working<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Print each seed that breaks a rule: the rule, what happened, and which faults were drawn by parts of the world; at the
/// end how many were run, for a survey that was cut short prints nothing either.
///
/// # Panics
/// If a thread panicked.
pub fn survey(campaign: &Campaign) {
    let next = AtomicU64::new(campaign.from);
    let end = campaign.from + campaign.seeds;
    let broke = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..campaign.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let plan = Plan::draw(seed);
                    let ran = std::panic::catch_unwind(|| execute(&plan, Timeline::off()));
                    let (rule, what) = match ran {
                        Ok(Ok(_)) => continue,
                        Ok(Err(broken)) => (broken.0.rule, broken.0.what),
                        Err(_) => ("panic", String::new()),
                    };
                    broke.fetch_add(1, Ordering::Relaxed);
                    let parts: Vec<Kind> =
                        plan.faults.iter().map(|f| f.kind).filter(|k| k.part().is_some()).collect();
                    println!(
                        "{seed} {rule} {what} | {parts:?} {:?} groups {} ratio {}",
                        plan.setting.differs,
                        plan.setting.groups.len(),
                        plan.setting.timing.deadtime.as_millis() * 10
                            / plan.setting.timing.keepalive.as_millis()
                    );
                }
            });
        }
    });
    let broke = broke.load(Ordering::Relaxed);
    println!("{} seeds from {}: {broke} broke a rule", campaign.seeds, campaign.from);
}

impl Campaign {
    /// Run it.
    ///
    /// # Errors
    /// The violations, shrunk; or that the record cannot be read or written.
    ///
    /// # Panics
    /// If a thread panicked.
    pub fn go(&self) -> Result<Total, Vec<String>> {
        let build = build().map_err(|e| vec![e])?;
        let (mut total, done) = self.recorded(build).map_err(|e| vec![e])?;
        let pieces: Vec<(u64, u64)> = (0..self.seeds.div_ceil(PIECE))
            .map(|n| (self.from + n * PIECE, PIECE.min(self.seeds - n * PIECE)))
            .filter(|(from, _)| !done.contains(from))
            .collect();
        let left: u64 = pieces.iter().map(|(_, count)| count).sum();
        let (next, ran, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let results = Mutex::new((Total::default(), Vec::<Box<Violation>>::new()));
        let working = AtomicU64::new(0);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let counted = Working::new(&working);
                scope.spawn(|| {
                    let _counted = counted;
                    while let Some((from, count)) = pieces.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                    {
                        let mut piece = Total::default();
                        let mut broken = Vec::new();
                        for seed in *from..from + count {
                            if stop.load(Ordering::Relaxed) {
                                return;
                            }
                            match run(seed) {
                                Ok(report) => piece.add(&report),
                                Err(violation) => broken.push(violation),
                            }
                            ran.fetch_add(1, Ordering::Relaxed);
                        }
                        let mut all = results.lock().expect("no thread panicked");
                        if broken.is_empty() {
                            self.remember(&piece.line(build, *from));
                        }
                        all.0.merge(&piece);
                        for violation in broken {
                            eprintln!("\n{violation}");
                            all.1.push(violation);
                        }
                        if all.1.len() >= ENOUGH {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
            if self.progress {
                scope.spawn(|| {
                    let mut shown = Instant::now();
                    while working.load(Ordering::Relaxed) > 0 {
                        std::thread::sleep(Duration::from_millis(100));
                        if shown.elapsed() >= Duration::from_secs(5) {
                            shown = Instant::now();
                            Self::show(ran.load(Ordering::Relaxed), left, began.elapsed());
                        }
                    }
                });
            }
        });
        let (sum, broken) = results.into_inner().expect("no thread panicked");
        total.merge(&sum);
        if broken.is_empty() {
            return Ok(total);
        }
        let short = |v: &Violation| format!("seed {}: {} {}", v.plan.seed, v.breach.rule, v.breach.what);
        Err(broken.iter().map(|v| short(v)).collect())
    }

    fn show(ran: u64, left: u64, took: Duration) {
        let rate = ran as f64 / took.as_secs_f64();
        let rest = (left - ran) as f64 / rate.max(0.001);
        eprintln!(
            "sim: {ran} of {left} seeds, {rate:.0} per second, {:.0} min {:.0} s to go",
            (rest / 60.0).floor(),
            rest % 60.0
        );
    }

    /// The pieces that this very program has done, and their sum: what another build passed proves nothing of this one.
    fn recorded(&self, build: u64) -> Result<(Total, Vec<u64>), String> {
        let (mut total, mut done) = (Total::default(), Vec::new());
        let Some(path) = &self.record else { return Ok((total, done)) };
        for line in read(path)?.lines() {
            let (by, from, piece) =
                Total::parse(line).ok_or_else(|| format!("{}: not a record: {line}", path.display()))?;
            let whole = piece.seeds == PIECE.min((self.from + self.seeds).saturating_sub(from));
            let within =
                by == build && from >= self.from && (from - self.from).is_multiple_of(PIECE) && whole;
            if within && !done.contains(&from) {
                total.merge(&piece);
                done.push(from);
            }
        }
        Ok((total, done))
    }

    fn remember(&self, line: &str) {
        if let Some(path) = &self.record {
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            if let Err(e) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
                eprintln!("sim: {}: {e}", path.display());
            }
        }
    }
}

/// Names the running program by its bytes.
fn build() -> Result<u64, String> {
    let path = std::env::current_exe().map_err(|e| e.to_string())?;
    let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)))
}

fn read(path: &Path) -> Result<String, String> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(|e| format!("{}: {e}", path.display())),
    }
}
