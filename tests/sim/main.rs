//! `hb-sim`: many seeds of the simulator, one seed in detail, or its speed. `cargo xtask sim` builds and runs it.

use hb_sim::campaign::Campaign;
use hb_sim::{Plan, Timeline, cover, execute, run, speed};
use std::process::ExitCode;

const HELP: &str = "hb-sim [--seeds N] [--from S] [--jobs J] [--record FILE] [--no-coverage]
hb-sim --seed S [--exact]    one seed, with its timeline
hb-sim --open NAME ...       with a part of the world on that the core cannot stand yet (tests/sim/open.rs)
hb-sim --only NAME,... ...    no other part of the widened world (none: none of them)
hb-sim --survey [--seeds N] [--from S]   every seed that breaks a rule, one line each, not shrunk
hb-sim --speed               simulated time per real time, one core, a settled pair at keepalive 1 s";

fn main() -> ExitCode {
    match words(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("sim: {text}");
            ExitCode::FAILURE
        }
    }
}

fn words(args: &[String]) -> Result<(), String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut campaign = Campaign { from: 0, seeds: 20_000, jobs, record: None, progress: true };
    let (mut coverage, mut exact, mut survey, mut one) = (true, false, false, None);
    let mut args = args.iter();
    while let Some(word) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{word} needs a value\n{HELP}"));
        match word.as_str() {
            "--seeds" => campaign.seeds = number(value()?)?,
            "--from" => campaign.from = number(value()?)?,
            "--jobs" => campaign.jobs = number(value()?)? as usize,
            "--record" => campaign.record = Some(value()?.into()),
            "--seed" => one = Some(number(value()?)?),
            "--exact" => exact = true,
            "--survey" => survey = true,
            "--open" => hb_sim::open::switch_on(value()?)?,
            "--only" => hb_sim::open::only(value()?)?,
            "--no-coverage" => coverage = false,
            "--speed" => return speed::print(),
            _ => return Err(format!("what is {word}?\n{HELP}")),
        }
    }
    match one {
        Some(seed) => detail(seed, exact),
        None if survey => {
            hb_sim::campaign::survey(&campaign);
            Ok(())
        }
        None => many(&campaign, coverage),
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.replace('_', "").parse().map_err(|_| format!("{word} is not a number"))
}

fn detail(seed: u64, exact: bool) -> Result<(), String> {
    let kept = if exact { Timeline::exact() } else { Timeline::readable() };
    match execute(&Plan::draw(seed), kept) {
        Ok(report) => {
            print!("{}", report.timeline);
            println!("seed {seed}: no breach in {} steps, {} beats", report.steps, report.beats);
            Ok(())
        }
        // Every frame of the run as it was drawn; else the shrunk one.
        Err(broken) if exact => {
            let (breach, timeline) = *broken;
            print!("{timeline}");
            Err(format!("seed {seed}: {} at {:?}: {}", breach.rule, breach.at, breach.what))
        }
        Err(_) => match run(seed) {
            Err(violation) => Err(violation.to_string()),
            Ok(_) => Err(format!("seed {seed} broke a rule once and not again")),
        },
    }
}

fn many(campaign: &Campaign, coverage: bool) -> Result<(), String> {
    let began = std::time::Instant::now();
    let total = campaign.go().map_err(|broken| format!("violations:\n{}", broken.join("\n")))?;
    let (met, pairs) = cover::count(&total.coverage);
    let [stuck, dead] = total.excluded;
    println!("excluded from S1's bound: {stuck} seeds with a stuck group, {dead} with a dead daemon");
    println!(
        "{} seeds, {} beats, {} simulated hours, 0 violations, {met} of {pairs} pairs met, {} kinds of faults, {:.0} s",
        total.seeds,
        total.beats,
        total.simulated_s / 3600,
        total.kinds.iter().filter(|n| **n > 0).count(),
        began.elapsed().as_secs_f64()
    );
    let mut wrong: Vec<String> =
        total.missing_kinds().iter().map(|k| format!("fault {k:?} never occurred")).collect();
    wrong.extend(cover::faults(&total.coverage));
    if coverage && !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    Ok(())
}
