//! `hbd check --exercise GROUP|SCRIPT [ARGS]`: starts and stops a resource as the daemon would, twice each, and says what its
//! script does wrong.

mod call;
mod faults;

use crate::cli::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_USAGE, Options, say, snapshot, tell};
use crate::config::{self, Class, Paths, Settings};
use crate::resources;
use crate::scripts::{Programs, fitness};
use crate::sys::clock::Clock;
use call::{Called, strays};
use faults::{Expected, faults};
use hb_core::{GroupId, Verb};
use std::ffi::OsString;
use std::fs;

/// What is called, and what must hold then.
const CYCLE: [(Verb, Expected); 9] = [
    (Verb::Status, Expected::Stopped),
    (Verb::Start, Expected::Done),
    (Verb::Status, Expected::Running),
    (Verb::Start, Expected::Again),
    (Verb::Status, Expected::Running),
    (Verb::Stop, Expected::Done),
    (Verb::Status, Expected::Stopped),
    (Verb::Stop, Expected::Again),
    (Verb::Status, Expected::Stopped),
];

/// The words behind `--exercise` to the exit code: 0 nothing is wrong, 1 something is.
#[must_use]
pub(crate) fn main(words: &[OsString], options: &Options) -> i32 {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if words.is_empty() {
        tell("--exercise needs a group of haresources, or a script and its arguments");
        return EXIT_USAGE;
    }
    if snapshot(options).is_ok() {
        tell("a daemon runs here, and would start or stop the same thing: `hbd stop` first");
        return EXIT_FAILURE;
    }
    let paths = options.paths();
    let Some(settings) = chosen(&paths, options.node.as_deref(), &words) else {
        return EXIT_NOT_CONFIGURED;
    };
    match cycle(&settings, &paths, options) {
        Ok(0) => {
            say("ok");
            EXIT_OK
        }
        Ok(wrong) => {
            say(&format!("not ok: {wrong} to mend"));
            EXIT_FAILURE
        }
        Err(why) => {
            tell(&why);
            EXIT_FAILURE
        }
    }
}

/// Settings whose only group is what was asked for.
fn chosen(paths: &Paths, node: Option<&str>, words: &[String]) -> Option<Settings> {
    let (settings, findings) = config::load(paths, node);
    let Some(mut settings) = settings else {
        findings.of(Class::Configuration).for_each(|finding| tell(&format!("{finding}")));
        return None;
    };
    if let [name] = words
        && let Some(group) = settings.groups.iter().find(|group| group.name == *name)
    {
        settings.groups = Vec::from([group.clone()]);
        return Some(settings);
    }
    let line = format!("{} {}\n", settings.own, words.join("::"));
    let (settings, findings) = config::load_instead(paths, node, &line);
    if settings.is_none() {
        findings.of(Class::Configuration).for_each(|finding| tell(&finding.text));
    }
    settings
}

/// Call everything; gives how much is wrong.
fn cycle(settings: &Settings, paths: &Paths, options: &Options) -> Result<usize, String> {
    let run_dir = &options.run_dir;
    // As the daemon makes it; what is unpacked there is for root alone.
    fs::create_dir_all(run_dir)
        .and_then(|()| resources::unpack(run_dir))
        .map_err(|error| format!("{}: {error}", run_dir.display()))?;
    let programs = Programs::prepare(settings, paths, &options.places()).ok_or("a word with a NUL byte")?;
    let resources = settings.groups.first().map_or(&[][..], |group| &group.resources);
    for resource in resources {
        match &resource.script {
            config::Script::File(file) => {
                if let Some(why) = fitness::unfit(file) {
                    return Err(format!("{} {why}; nothing was run", file.display()));
                }
            }
            config::Script::Embedded => {}
            config::Script::Missing => {
                return Err(format!(
                    "script `{}` is not there (`hbd check` says more); nothing was run",
                    resource.name
                ));
            }
        }
    }
    let (mut clock, mut wrong) = (Clock::start(), 0);
    let before = strays(run_dir);
    let mut ran: Vec<Called> = Vec::new();
    for (verb, expected) in CYCLE {
        let mut order: Vec<usize> = (0..resources.len()).collect();
        if verb == Verb::Stop {
            order.reverse();
        }
        for at in order {
            let limits = &settings.core.limits;
            let limit = verb.limit(limits);
            let (group, number) = (GroupId(0), u8::try_from(at).unwrap_or(0));
            let called = call::call(&programs, &mut clock, (group, number, verb), limit)?;
            let name = resources.get(at).map_or("", |r| r.text.as_str());
            say(&format!("{name} {}: {called}", verb.as_str()));
            let found = faults(&called, verb, expected, limit);
            wrong += found.len();
            found.iter().for_each(|fault| say(&format!("    {fault}")));
            let early = ran.len() < resources.len();
            // A service that serves is nobody's to stop, and what ignores its argument has begun with this call.
            if early && (called.running() || called.left) {
                called.end();
                return Err(
                    "it runs before it was started: nothing more is called; stop it and try again".to_owned()
                );
            }
            ran.push(called);
        }
    }
    let left: Vec<String> = call::settled(run_dir)
        .into_iter()
        .filter(|s| !before.contains(s))
        .map(|s| format!("{} ({})", s.0, s.1))
        .collect();
    if !left.is_empty() {
        say(&format!("    left after the stop: {}; let it wait until they have ended", left.join(", ")));
        wrong += 1;
    }
    Ok(wrong)
}
