//! `explore [--campaign] [--depth N] [--case NAME]...`: the exhaustive check by hand and for `cargo xtask explore`.

use hb_sim::explore::{Bounds, CAMPAIGN, CASES, Case, Grain, explore};
use std::process::ExitCode;

/// States of two nodes that nothing befalls, at most: the largest case has some 2,600.
const UNDISTURBED: usize = 20_000;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("explore: {text}");
            ExitCode::from(2)
        }
    }
}

/// `Ok(false)` when a rule was broken.
fn run(args: &[String]) -> Result<bool, String> {
    let mut bounds = Bounds::new(Grain::Coarse, 2);
    let mut cases: Vec<Case> = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--depth" => bounds.faults = number(value()?)?,
            "--campaign" => return campaign(),
            "--fine" => bounds.grain = Grain::Fine,
            "--rest-every" => bounds.rest_every = number(value()?)?,
            "--only" => bounds.kinds = Bounds::kinds(value()?)?,
            "--states" => bounds.states = number(value()?)?,
            "--case" => {
                let name = value()?;
                let case = CASES.iter().find(|case| case.name == name);
                cases.push(*case.ok_or_else(|| format!("no case {name}"))?);
            }
            "--groups" => {
                let groups: u8 = number(value()?)?;
                cases.extend(CASES.iter().filter(|case| case.groups == groups));
            }
            other => {
                return Err(format!(
                    "{other}: --campaign, or --depth N, --fine, --only KIND,..., --rest-every N, --states N, --case NAME or --groups N"
                ));
            }
        }
    }
    if cases.is_empty() {
        cases.extend(CASES);
    }
    let mut whole = true;
    for case in cases {
        whole &= one(case, bounds);
    }
    Ok(whole)
}

/// What takes longer than a test run (its own list is in `hil`).
fn campaign() -> Result<bool, String> {
    let (began, mut whole) = (std::time::Instant::now(), true);
    for part in CAMPAIGN {
        let case = CASES.into_iter().find(|case| case.name == part.case);
        println!("of {}:", if part.kinds.is_empty() { "every kind" } else { part.kinds });
        whole &= one(case.ok_or_else(|| format!("no case {}", part.case))?, part.bounds()?);
    }
    println!("{} parts in {:.0} s", CAMPAIGN.len(), began.elapsed().as_secs_f64());
    Ok(whole)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number in range"))
}

/// Explore one case, fewest faults first, and print what came of it.
fn one(case: Case, bounds: Bounds) -> bool {
    println!("{} ({:?}): {}", case.name, bounds.grain, case.about);
    for faults in 0..=bounds.faults {
        let states = if faults == 0 { bounds.states.min(UNDISTURBED) } else { bounds.states };
        let bounds = Bounds { faults, states, ..bounds };
        let report = explore(case, bounds, &mut |line| eprintln!("    {line}"));
        let seconds = report.time.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = report.states as f64 / seconds.max(0.001);
        println!(
            "  {faults} faults: {} states, {} steps, longest path {}, {} followed to rest over {} states, {seconds:.1} s, {rate:.0} states/s{}",
            report.states,
            report.steps,
            report.depth,
            report.rests,
            report.on_the_way,
            if report.complete { "" } else { ", NOT COMPLETE" }
        );
        if let Some((_, story)) = report.violation {
            story.iter().for_each(|line| println!("{line}"));
            return false;
        }
        if !report.complete && faults == 0 {
            println!(
                "  two nodes that nothing befalls come to no end of states: a number of the core grows, or is always \
                 new, and tests/explore/print.rs takes it for a plain one"
            );
            return false;
        }
        if !report.complete {
            break;
        }
    }
    true
}
