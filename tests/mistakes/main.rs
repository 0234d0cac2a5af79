//! `mistakes CASE:DEPTH[:KIND,...]... [--seeds N]`: the exhaustive check over these, then so many seeds of the simulator, up
//! to the first broken rule. `cargo xtask mistakes` builds it with each known mistake in turn, and once without any.

use hb_sim::explore::{Bounds, CASES, Grain, explore};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(None) => {
            println!("nothing broken");
            ExitCode::SUCCESS
        }
        Ok(Some(broken)) => {
            println!("{broken}");
            ExitCode::FAILURE
        }
        Err(text) => {
            eprintln!("mistakes: {text}");
            ExitCode::from(2)
        }
    }
}

/// The first broken rule: who saw it, its name, and the timeline.
fn run(args: &[String]) -> Result<Option<String>, String> {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let broken = if word == "--seeds" {
            let seeds = words.next().and_then(|word| word.parse().ok()).ok_or("--seeds needs a number")?;
            simulate(seeds)
        } else {
            look(word)?
        };
        if broken.is_some() {
            return Ok(broken);
        }
    }
    Ok(None)
}

fn look(word: &str) -> Result<Option<String>, String> {
    let mut parts = word.split(':');
    let name = parts.next().unwrap_or_default();
    let case = *CASES.iter().find(|case| case.name == name).ok_or_else(|| format!("no case {name}"))?;
    let deepest: u8 =
        parts.next().and_then(|n| n.parse().ok()).ok_or_else(|| format!("{word}: CASE:DEPTH"))?;
    let kinds = parts.next().map_or(Ok(u32::MAX), Bounds::kinds)?;
    for faults in 0..=deepest {
        let bounds = Bounds { kinds, ..Bounds::new(Grain::Coarse, faults) };
        let report = explore(case, bounds, &mut |_| {});
        if let Some((violation, story)) = report.violation {
            return Ok(Some(format!("explore {}\n{}", violation.rule, story.join("\n"))));
        }
    }
    Ok(None)
}

fn simulate(seeds: u64) -> Option<String> {
    let broken = (0..seeds).find_map(|seed| hb_sim::run(seed).err())?;
    Some(format!("sim {}\n{broken}", broken.breach.rule))
}
