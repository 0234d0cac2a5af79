//! What is wrong with a call: a sentence each, with what to do instead.

use super::call::Called;
use crate::sys::process::Ended;
use hb_core::{Duration, Outcome, Verb};

/// What must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// `status` says stopped.
    Stopped,
    /// `status` says running.
    Running,
    /// It succeeds.
    Done,
    /// It succeeds although it is done already.
    Again,
}

/// All that is wrong with this call. `limit` is the time after which the daemon would have killed it.
pub(super) fn faults(called: &Called, verb: Verb, expected: Expected, limit: Duration) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Some(ended) = called.ended else {
        found.push(
            "it does not end within script_timeout; put into the background what runs on, or raise that",
        );
        return found;
    };
    if called.took.plus(called.took) > limit {
        found.push("it takes more than half of script_timeout; raise that");
    }
    let says = called.outcome();
    match (verb, expected) {
        (Verb::Status, Expected::Running) => match says {
            Some(Outcome::Running) if ended == Ended::Code(0) => {}
            Some(Outcome::Running) => {
                found.push("`status` says running and exits with another code than 0; exit 0")
            }
            Some(Outcome::Stopped) => {
                found.push(
                    "`status` says stopped after a start that succeeded; let `start` wait until it runs",
                );
            }
            _ => found.push("`status` says neither `running` nor `stopped` alone; print one of them"),
        },
        (Verb::Status, _) => match says {
            Some(Outcome::Stopped) if ended == Ended::Code(3) => {}
            Some(Outcome::Stopped) => {
                found.push("`status` says stopped and exits with another code than 3; exit 3")
            }
            Some(Outcome::Running) => {
                found.push("`status` says running where it should be stopped; let `stop` wait until all of it has ended");
            }
            _ => found.push("`status` says neither `running` nor `stopped` alone; print one of them"),
        },
        (_, Expected::Again) if ended != Ended::Code(0) => {
            found.push("it fails where all is done already; exit 0 then");
        }
        (_, _) if ended != Ended::Code(0) => found.push("it fails"),
        _ => {}
    }
    match verb {
        Verb::Status if called.left => {
            found.push("`status` leaves processes behind, as if it were a start: tell the verbs apart by the last argument");
        }
        Verb::Start if called.kept.is_some() => {
            found.push(
                "what it starts keeps the script's output open; start it with `>/dev/null 2>&1 </dev/null`",
            );
        }
        Verb::Stop if called.left || called.kept.is_some() => {
            found.push("`stop` leaves processes of its own behind; let it wait for them");
        }
        _ => {}
    }
    found
}
