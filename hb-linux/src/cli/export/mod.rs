//! `hbd export pacemaker`: the groups as commands for Pacemaker, for those who outgrow two nodes. Reads the files, asks no daemon.

mod forms;
mod plan;

use super::args::Usage;
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_PERMISSION, Options, refuse, tell};
use crate::config::{self, Class};
use plan::Plan;
use std::ffi::OsString;
use std::io::Write;

/// Whose words are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Pcs,
    Crm,
    Cib,
}

fn form(words: &[OsString]) -> Result<Form, Usage> {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    match words.as_slice() {
        ["pacemaker"] | ["pacemaker", "--pcs"] => Ok(Form::Pcs),
        ["pacemaker", "--crm"] => Ok(Form::Crm),
        ["pacemaker", "--cib"] => Ok(Form::Cib),
        _ => Err(Usage::new("write export pacemaker [--pcs | --crm | --cib]")),
    }
}

/// See the module. What has no counterpart there goes to standard error.
pub(super) fn main(words: &[OsString], options: &Options) -> i32 {
    let form = match form(words) {
        Ok(form) => form,
        Err(usage) => return refuse(&usage),
    };
    let paths = options.paths();
    let (settings, findings) = config::load(&paths, options.node.as_deref());
    let Some(settings) = settings else {
        findings.of(Class::Configuration).for_each(|finding| tell(&format!("{finding}")));
        return if config::denied(&paths) { EXIT_PERMISSION } else { EXIT_NOT_CONFIGURED };
    };
    let plan = Plan::of(&settings);
    let text = match form {
        Form::Pcs => forms::pcs(&plan),
        Form::Crm => forms::crm(&plan),
        Form::Cib => forms::cib(&plan),
    };
    plan.notes.iter().for_each(|note| tell(note));
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => EXIT_OK,
        Err(_) => EXIT_FAILURE,
    }
}
