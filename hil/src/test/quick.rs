//! `cargo xtask quick`: an answer for who is at work, in five minutes on two cores: what most changes break is seen by it.
//! What it leaves out is said at its end; `cargo xtask test` decides.

use super::{Outcome, STEPS, Step, cargo};
use crate::beside::{self, beside};
use crate::model::look;
use crate::paths;
use crate::proc::Cmd;
use std::time::Duration;

/// Steps of the test command that are quick, by name.
const OF_ALL: [&str; 6] = ["fmt", "deps", "house", "trace", "lengths", "clippy"];
/// A small part of what the later steps try.
const SMALL: [Step; 2] = [
    Step {
        name: "tests",
        about: "unit tests of what ships, golden vectors, the stories of the rules",
        run: tests,
    },
    Step {
        name: "model",
        about: "one fault or command in every order, 2,000 seeds of the simulator",
        run: model,
    },
];
/// What the small model looks at, what takes longest first.
const LOOKS: [&[&str]; 5] = [
    &["two:1"],
    &["data:1", "plain:1"],
    &["--seeds", "2000"],
    &["fence:1", "deadtimes:1"],
    &["failback:1", "watchdog:1"],
];

/// Runs the steps and says what was not run.
///
/// # Errors
/// At least one failed; the text names them.
pub fn run() -> Result<(), String> {
    let quick = STEPS.iter().filter(|step| OF_ALL.contains(&step.name));
    let ended = super::run(&quick.chain(&SMALL).collect::<Vec<_>>());
    println!("\n{}", left_out());
    ended
}

/// What the test command does beside this.
fn left_out() -> String {
    let rest = STEPS.iter().filter(|step| !OF_ALL.contains(&step.name) && step.name != "setup");
    let rest: Vec<String> = rest.map(|step| format!("  {:<11} {}", step.name, step.about)).collect();
    format!("left out, `cargo xtask test` or each by its name:\n{}", rest.join("\n"))
}

fn tests() -> Outcome {
    let crates = ["test", "-p", "hb-core", "-p", "hb-linux", "-p", "hb-serial-bridge", "-p", "hb-tests"];
    let which = ["--lib", "--test", "frames", "--test", "vectors", "--test", "failover", "--test", "cases"];
    cargo::run_tests(&[&crates[..], &which, &["--no-fail-fast"]].concat(), 600)
}

fn model() -> Outcome {
    let build = ["build", "--quiet", "--profile", look::PROFILE, "-p", "hb-tests", "--bin", "mistakes"];
    Cmd::cargo(build).limit(Duration::from_secs(600)).run()?;
    let binary = paths::target().join(look::PROFILE).join("mistakes");
    let seen = beside(&LOOKS, beside::computing(), |args| look::look(&binary, args));
    let mut broken = Vec::new();
    for found in seen {
        broken.extend(found?);
    }
    if broken.is_empty() { Ok("no rule broken".to_owned()) } else { Err(broken.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_run_or_said_to_be_left_out() {
        let said = left_out();
        for step in STEPS.iter().filter(|step| step.name != "setup") {
            let out = said.contains(&format!("  {:<11} {}", step.name, step.about));
            assert!(OF_ALL.contains(&step.name) != out, "{}", step.name);
        }
        assert!(OF_ALL.iter().all(|name| STEPS.iter().any(|step| step.name == *name)));
    }
}
