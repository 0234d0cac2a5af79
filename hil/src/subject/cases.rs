//! The cases for any failover daemon: what its users will meet, said without its words.

use super::Trial;
use crate::netns::{Node, Stamp};
use std::thread;

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What the verdicts call it.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Plays it; the figures, or what did not hold.
    pub run: fn(&Trial<'_>) -> Result<String, String>,
}

/// All of them.
pub const CASES: &[Case] = &[
    Case { name: "calm", about: "nothing happens, and nothing moves", run: calm },
    Case { name: "power", about: "the one that serves loses its power, and comes back", run: power },
    Case { name: "stop", about: "the one that serves leaves in order", run: stop },
    Case { name: "cut", about: "the crossover cable is cut, and mended", run: cut },
];

/// The case of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

fn calm(trial: &Trial<'_>) -> Result<String, String> {
    let holder = trial.served()?;
    let since = Stamp::now();
    thread::sleep(trial.subject.within());
    trial.never_both(since)?;
    same(trial, holder)?;
    let outage = trial.rig.client().longest_outage(since);
    Ok(format!("{} serves, longest gap {} ms", holder.name(), outage.as_millis()))
}

fn power(trial: &Trial<'_>) -> Result<String, String> {
    let holder = trial.served()?;
    let at = trial.rig.power_off(holder);
    let outage = trial.taken_over(holder, at)?;
    trial.never_both(at)?;
    trial.rig.power_on(holder);
    trial.subject.start(&trial.rig, holder)?;
    thread::sleep(trial.subject.within());
    trial.served()?;
    trial.never_both(at)?;
    Ok(format!("{} ms without service; one of them serves after the return", outage.as_millis()))
}

fn stop(trial: &Trial<'_>) -> Result<String, String> {
    let holder = trial.served()?;
    let at = Stamp::now();
    trial.subject.stop(&trial.rig, holder)?;
    let outage = trial.taken_over(holder, at)?;
    trial.never_both(at)?;
    Ok(format!("{} ms without service", outage.as_millis()))
}

fn cut(trial: &Trial<'_>) -> Result<String, String> {
    let at = trial.cut_for(trial.subject.within());
    thread::sleep(trial.subject.within());
    trial.never_both(at)?;
    let holder = trial.served()?;
    let outage = trial.rig.client().longest_outage(at);
    Ok(format!("{} serves, longest gap {} ms", holder.name(), outage.as_millis()))
}

fn same(trial: &Trial<'_>, holder: Node) -> Result<(), String> {
    match trial.served()? {
        now if now == holder => Ok(()),
        now => Err(format!("the service went from {} to {} by itself", holder.name(), now.name())),
    }
}
