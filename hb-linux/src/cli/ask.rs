//! Commands to the running daemon: `status`, `stop`, `reload`, `standby`, `takeover`, `confirm-down`, `clear`.

use super::args::Options;
use super::{
    EXIT_FAILURE, EXIT_NOT_RUNNING, EXIT_OK, EXIT_PERMISSION, EXIT_STOPPED, say, show, status_json, tell,
    verdict,
};
use crate::control::client::{Client, Trouble, Verdict};
use crate::control::wire::{Reply, Request, Which};
use crate::control::words::Said;
use crate::control::{self, SOCKET, Snapshot, snapshot::Group};
use crate::daemon::pidfile;
use crate::sys::poll::sleep_ms;
use hb_core::Wait;
use hb_core::message::GroupState;

/// Between two looks at what the daemon is doing.
const STEP_MS: i32 = 50;
/// A move that makes no progress for this long is no longer waited for.
const STILL_MS: i32 = 15_000;
/// A group that is not known to be stopped for this long, for want of an answer, is no longer waited for.
const UNPROVEN_MS: i32 = 5_000;

/// Does a daemon run here, whether or not it answers? It holds the lock of its state directory, and listens at the name that
/// no removal of files touches.
pub(super) fn runs(options: &Options) -> bool {
    pidfile::is_locked(&options.state_dir)
        || control::owner(&control::abstract_name(&options.run_dir)).is_some()
}

/// Say why the daemon could not be asked; the exit code.
pub(super) fn trouble(options: &Options, trouble: &Trouble) -> i32 {
    match trouble {
        Trouble::NotRunning if runs(options) => {
            let pid =
                pidfile::owner(&options.state_dir).map_or(String::from("unknown"), |pid| pid.to_string());
            tell(&format!(
                "a daemon runs [pid {pid}], but no command reaches it: it begins or ends, or somebody removed {}; \
                 kill -TERM {pid} ends it in order",
                options.run_dir.join(SOCKET).display()
            ));
            EXIT_FAILURE
        }
        Trouble::NotRunning => {
            tell(&format!("not running (no daemon answers in {})", options.run_dir.display()));
            EXIT_NOT_RUNNING
        }
        Trouble::NotAllowed => {
            tell(&format!("permission denied in {}: be root, as the daemon is", options.run_dir.display()));
            EXIT_PERMISSION
        }
        Trouble::Broken(how) => {
            tell(&format!("a daemon runs, but: {how}"));
            EXIT_FAILURE
        }
    }
}

/// One look at everything.
///
/// # Errors
/// Why the daemon could not be asked.
pub fn snapshot(options: &Options) -> Result<Snapshot, Trouble> {
    Client::to_look(&options.run_dir)?.status()
}

/// `hbd status`.
pub(super) fn status(options: &Options) -> i32 {
    #[cfg(feature = "metrics")]
    if options.prometheus {
        return prometheus(options);
    }
    match snapshot(options) {
        Ok(shot) if options.json => {
            say(&status_json::json(&shot));
            EXIT_OK
        }
        Ok(shot) if options.nagios => {
            let verdict = verdict::judge(&shot);
            say(&verdict.to_string());
            verdict.level as i32
        }
        Err(why) if options.nagios => nagios_trouble(options, &why),
        Ok(shot) => {
            say(show::human(&shot).trim_end());
            EXIT_OK
        }
        Err(Trouble::NotRunning) if !runs(options) => {
            if !options.json {
                say("hbd is stopped on this machine");
            }
            EXIT_STOPPED
        }
        Err(other) => trouble(options, &other),
    }
}

/// `hbd status --prometheus`: that no daemon answers is a measurement, too.
#[cfg(feature = "metrics")]
fn prometheus(options: &Options) -> i32 {
    match snapshot(options) {
        Ok(shot) => {
            say(super::metrics::text(Some(&shot)).trim_end());
            EXIT_OK
        }
        Err(Trouble::NotRunning) => {
            say(super::metrics::text(None).trim_end());
            EXIT_STOPPED
        }
        Err(why) => trouble(options, &why),
    }
}

/// What a monitoring plugin says of a daemon that does not answer: nobody stands by, or nobody knows.
fn nagios_trouble(options: &Options, why: &Trouble) -> i32 {
    const UNKNOWN: i32 = 3;
    match why {
        Trouble::NotRunning if !runs(options) => {
            say("CRITICAL: hbd is stopped on this machine");
            verdict::Level::Critical as i32
        }
        Trouble::NotRunning => {
            say("CRITICAL: a daemon runs, but no command reaches it");
            verdict::Level::Critical as i32
        }
        Trouble::NotAllowed => {
            say("UNKNOWN: this user may not ask the daemon; be root");
            UNKNOWN
        }
        Trouble::Broken(how) => {
            say(&format!("CRITICAL: a daemon runs, but: {how}"));
            verdict::Level::Critical as i32
        }
    }
}

/// Ask for something that is done at once, and print what is said on the way.
pub(super) fn verdict(options: &Options, request: &Request<'_>) -> Result<Verdict, Trouble> {
    Client::connect(&options.run_dir).and_then(|mut client| {
        client.ask(request, |reply| {
            if let Reply::Text(line) = reply {
                say(&line);
            }
        })
    })
}

/// The same, and print what came of it.
fn command(options: &Options, request: &Request<'_>) -> Result<(), i32> {
    match verdict(options, request) {
        Ok(Verdict::Accepted) => Ok(()),
        Ok(Verdict::Refused(why)) => {
            tell(&format!("refused: {why}"));
            Err(EXIT_FAILURE)
        }
        Err(why) => Err(trouble(options, &why)),
    }
}

/// `hbd reload`, `hbd confirm-down`, `hbd clear`.
pub(super) fn simple(options: &Options, request: &Request<'_>, done: &str) -> i32 {
    match command(options, request) {
        Ok(()) => {
            say(done);
            EXIT_OK
        }
        Err(code) => code,
    }
}

/// `hbd reload`.
pub(super) fn reload(options: &Options) -> i32 {
    simple(options, if options.force { &Request::ReloadForced } else { &Request::Reload }, "reloaded")
}

/// `hbd confirm-down`.
pub(super) fn confirm_down(options: &Options, node: &str) -> i32 {
    let ask = if options.force { Request::ConfirmDownForce(node) } else { Request::ConfirmDown(node) };
    simple(options, &ask, &format!("{node} is confirmed down"))
}

/// `hbd why`: what is told is the answer.
#[cfg(feature = "why")]
pub(super) fn told(options: &Options, request: &Request<'_>) -> i32 {
    command(options, request).map_or_else(|code| code, |()| EXIT_OK)
}

/// `hbd stop`: ask, then wait until the daemon has ended, however long its scripts take.
pub(super) fn stop(options: &Options) -> i32 {
    let gone = matches!(Client::connect(&options.run_dir), Err(Trouble::NotRunning));
    if gone && !runs(options) {
        say("already stopped");
        return EXIT_OK;
    }
    if let Err(code) = command(options, &Request::Stop) {
        return code;
    }
    if options.no_wait {
        say("stopping");
        return EXIT_OK;
    }
    let mut told = String::new();
    let mut steps = 0;
    loop {
        match snapshot(options) {
            Ok(shot) => {
                // One call that could not be run may be run in a moment.
                let unproven = |g: &Group| g.state == GroupState::Unknown && g.trouble.is_some();
                steps = if shot.groups.iter().any(unproven) { steps + 1 } else { 0 };
                if let Some(group) = shot.groups.iter().find(|g| steps * STEP_MS > UNPROVEN_MS && unproven(g))
                {
                    tell(&format!(
                        "group {} is not known to be stopped, so the daemon does not end yet: {}; \
                         or hbd stop again, to end all the same",
                        group.name,
                        group.trouble.as_deref().unwrap_or_default()
                    ));
                    return EXIT_FAILURE;
                }
                if let Some(stuck) = shot.groups.iter().find(|g| g.state == GroupState::Stuck) {
                    tell(&format!(
                        "group {} is stuck: a stop script failed or hung, so the daemon does not end; see its log, \
                         mend it, then: hbd clear {}; or hbd stop again, to end all the same",
                        stuck.name, stuck.name
                    ));
                    return EXIT_FAILURE;
                }
                let line = stopping_line(&shot);
                if !line.is_empty() && line != told {
                    say(&line);
                    told = line;
                }
            }
            Err(Trouble::NotRunning) if !runs(options) => {
                say("stopped");
                return EXIT_OK;
            }
            // Between the socket's end and the process's.
            Err(Trouble::NotRunning) => {}
            Err(Trouble::Broken(how)) => {
                if how != told {
                    tell(&format!("still waiting: {how}"));
                    told = how;
                }
            }
            Err(other) => return trouble(options, &other),
        }
        sleep_ms(STEP_MS);
    }
}

fn stopping_line(shot: &Snapshot) -> String {
    let open: Vec<String> = shot
        .groups
        .iter()
        .filter(|g| !matches!(g.state.0, GroupState::Idle | GroupState::Failed))
        .map(|g| format!("{} ({})", g.name, g.state))
        .collect();
    if open.is_empty() { String::new() } else { format!("waiting for {}", open.join(", ")) }
}

/// Which way groups move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// To the peer.
    Away,
    /// To this node.
    Here,
}

/// `hbd standby` and `hbd takeover`: ask, then wait until the groups have arrived or cannot.
pub(super) fn move_groups(options: &Options, way: Way, which: Which<'_>) -> i32 {
    let before = match snapshot(options) {
        Ok(shot) => shot,
        Err(why) => return trouble(options, &why),
    };
    let request = match way {
        Way::Away => Request::Standby(which),
        Way::Here => Request::Takeover(which),
    };
    if let Err(code) = command(options, &request) {
        return code;
    }
    let targets: Vec<String> = before
        .groups
        .iter()
        .filter(|g| in_scope(&before, g, which) && !arrived(g, way))
        .map(|g| g.name.clone())
        .collect();
    let to = if way == Way::Away { &before.peer.name } else { &before.own.name };
    if options.no_wait {
        say(&format!("accepted: {} to {to}", targets.join(", ")));
        return EXIT_OK;
    }
    say(&format!("moving {} to {to}", targets.join(", ")));
    follow(options, way, &targets, to)
}

/// Watch the groups until they are where they should be.
fn follow(options: &Options, way: Way, targets: &[String], to: &str) -> i32 {
    let (mut still, mut last) = (0, Vec::new());
    loop {
        let shot = match snapshot(options) {
            Ok(shot) => shot,
            Err(why) => return trouble(options, &why),
        };
        let groups: Vec<&Group> = shot.groups.iter().filter(|g| targets.contains(&g.name)).collect();
        if groups.iter().all(|g| arrived(g, way)) {
            say(&format!("done: {} held by {to}", targets.join(", ")));
            return EXIT_OK;
        }
        if let Some((group, state, node)) = groups.iter().find_map(|g| broken(&shot, g)) {
            tell(&format!("group {} is {state} on {node}; see the log there", group.name));
            return EXIT_FAILURE;
        }
        let states: Vec<_> = groups.iter().map(|g| (g.state, g.peer_state)).collect();
        if states == last && groups.iter().all(|g| !g.moving(&shot.peer)) {
            still += STEP_MS;
        } else {
            still = 0;
            last = states;
        }
        if still >= STILL_MS {
            let waits: Vec<String> = groups
                .iter()
                .filter(|g| !arrived(g, way))
                .map(|g| format!("group {} is {} here: {}", g.name, g.state, reason(g)))
                .collect();
            tell(&format!("not moved: {}", waits.join("; ")));
            return EXIT_FAILURE;
        }
        sleep_ms(STEP_MS);
    }
}

fn reason(group: &Group) -> String {
    if group.wait_text.is_empty() {
        "the other node did not take part".to_string()
    } else {
        group.wait_text.clone()
    }
}

pub(super) fn in_scope(shot: &Snapshot, group: &Group, which: Which<'_>) -> bool {
    match which {
        Which::All => true,
        Which::Local => group.preferred == shot.own.name,
        Which::Foreign => group.preferred != shot.own.name,
        Which::One(name) => group.name == name,
    }
}

pub(super) fn arrived(group: &Group, way: Way) -> bool {
    match way {
        Way::Here => group.state == GroupState::Held,
        Way::Away if group.peer_state.is_none() => {
            // One of a newer version: that it runs something is all that can be read of it.
            group.state == GroupState::Idle && group.wait.is_some_and(|wait| wait == Wait::PeerRuns)
        }
        Way::Away => {
            group.state != GroupState::Held && group.peer_state.is_some_and(|state| state == GroupState::Held)
        }
    }
}

/// A group that will not get anywhere by itself: it, its state, and the node.
pub(super) fn broken<'a>(
    shot: &'a Snapshot,
    group: &'a Group,
) -> Option<(&'a Group, Said<GroupState>, &'a str)> {
    let bad = |state: Said<GroupState>| matches!(state.0, GroupState::Failed | GroupState::Stuck);
    if bad(group.state) {
        return Some((group, group.state, &shot.own.name));
    }
    group.peer_state.filter(|state| bad(*state)).map(|state| (group, state, shot.peer.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::Peer;

    fn group(state: &str, peer: Option<&str>) -> Group {
        Group { name: "g".into(), state: state.into(), peer_state: peer.map(Into::into), ..Group::default() }
    }

    #[test]
    fn a_group_has_arrived_when_one_side_holds_it_and_the_other_does_not() {
        assert!(arrived(&group("held", Some("idle")), Way::Here));
        assert!(!arrived(&group("held", Some("idle")), Way::Away));
        assert!(arrived(&group("idle", Some("held")), Way::Away));
        assert!(!arrived(&group("idle", None), Way::Away));
        let newer = |wait: &str| Group { wait: Some(wait.into()), ..group("idle", None) };
        assert!(arrived(&newer("peer_runs"), Way::Away) && !arrived(&newer("peer_newer"), Way::Away));
        assert!(!arrived(&group("stopping", Some("idle")), Way::Away));
    }

    /// What it showed last may stay so for ever.
    #[test]
    fn a_silent_peer_is_on_no_way() {
        let peer = |state: &str| Peer { state: state.into(), ..Peer::default() };
        let starts = group("idle", Some("starting"));
        assert!(starts.moving(&peer("up")) && starts.moving(&peer("late")) && !starts.moving(&peer("dead")));
        assert!(group("stopping", None).moving(&peer("dead")));
    }

    #[test]
    fn what_is_broken_on_either_side_ends_the_wait() {
        let mut shot = Snapshot::default();
        shot.own.name = "ha-1".into();
        assert_eq!(broken(&shot, &group("stuck", None)).map(|b| (b.1, b.2)), Some(("stuck".into(), "ha-1")));
        assert_eq!(broken(&shot, &group("idle", Some("failed"))).map(|b| b.1), Some("failed".into()));
        assert_eq!(broken(&shot, &group("held", Some("idle"))), None);
    }

    #[test]
    fn a_stop_names_what_it_waits_for() {
        let shot =
            Snapshot { groups: vec![group("stopping", None), group("idle", None)], ..Snapshot::default() };
        assert_eq!(stopping_line(&shot), "waiting for g (stopping)");
        assert_eq!(stopping_line(&Snapshot::default()), "");
    }
}
