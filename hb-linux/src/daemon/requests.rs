//! What the daemon answers on the control socket. Builds everything in fixed buffers.

use super::effects::Effects;
use super::late::Lateness;
use super::late_record::LateRecord;
#[cfg(feature = "data")]
use crate::control::wire::CopyReply;
use crate::control::wire::{
    FenceReply, GroupReply, HelperReply, LinkReply, NodeReply, PeerReply, PingReply, Reply, Request,
    WatchdogReply, Which,
};
use crate::control::words::{LinkState, Said};
use crate::control::{Out, server};
use crate::helper::Level;
use crate::link::Link;
use crate::log::{Mac, Names, Text, groups, reasons};
use crate::sys::{Fd, process};
use hb_core::{Command, GroupId, Instant, LinkStatus, Node, Refusal, Scope, Status, Wait};

/// What only the shell knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// When the daemon began.
    pub(super) begun: Instant,
    /// Equal on nodes that agree.
    pub(super) config_digest: u32,
    /// Memory is locked and scheduling is real-time.
    pub(super) realtime: bool,
    /// How late the loop woke.
    pub(super) late: Lateness,
    /// The same over all lives.
    pub(super) record: LateRecord,
}

/// Answer a request that is no [`Request::Reload`] or [`Request::ReloadForced`].
pub(super) fn answer(
    now: Instant,
    node: &mut Node,
    fx: &mut Effects,
    facts: &Facts,
    request: Request<'_>,
    out: &mut Out<'_>,
) {
    let peer = fx.voice.names.peer.as_bytes();
    let is_peer = |name: &str| name.as_bytes().eq_ignore_ascii_case(peer);
    let command = match request {
        Request::Status => return status(now, &node.status(now), fx, facts, out),
        Request::Reload | Request::ReloadForced => return,
        #[cfg(feature = "why")]
        Request::Why(_) => return,
        Request::Stop => Command::Stop,
        Request::Standby(which) | Request::Takeover(which) => match scope(&fx.voice.names, which) {
            Ok(scope) if matches!(request, Request::Standby(_)) => Command::Standby(scope),
            Ok(scope) => Command::Takeover(scope),
            Err(name) => return no_group(&fx.voice.names, name, out),
        },
        Request::ConfirmDown(name) if is_peer(name) => Command::ConfirmDown,
        Request::ConfirmDownForce(name) if is_peer(name) => Command::ConfirmDownForce,
        Request::ConfirmDown(name) | Request::ConfirmDownForce(name) => {
            let mut text = Text::<200>::new();
            let names = &fx.voice.names;
            text.put(format_args!("{name:?} is not the other node; that one is {}", names.peer));
            return out.send(&Reply::Refused(text.as_str()));
        }
        #[cfg(feature = "data")]
        Request::Sync(name) => match fx.voice.names.find_group(name) {
            Some(group) => return sync(now, node, fx, group, None, out),
            None => return out.send(&Reply::Refused("that is no group here")),
        },
        #[cfg(feature = "data")]
        Request::Guard(name, words) => match fx.voice.names.find_group(name) {
            Some(group) => return sync(now, node, fx, group, Some(words), out),
            None => return out.send(&Reply::Refused("that is no group here")),
        },
        Request::Clear(name) => match fx.voice.names.find_group(name) {
            Some(group) => Command::Clear(group),
            None => return no_group(&fx.voice.names, name, out),
        },
    };
    operate(now, node, fx, command, |reply| out.send(reply));
}

/// There is no group of this name.
pub(super) fn no_group(names: &Names, name: &str, out: &mut Out<'_>) {
    let mut text = Text::<300>::new();
    text.put(format_args!("{name:?} is no group here; groups:"));
    names.groups.iter().for_each(|g| text.put(format_args!(" {}", g.name)));
    out.send(&Reply::Refused(text.as_str()));
}

/// Pull a group's data now, with `guarded` before it.
#[cfg(feature = "data")]
fn sync(
    now: Instant,
    node: &mut Node,
    fx: &mut Effects,
    group: GroupId,
    guarded: Option<&str>,
    out: &mut Out<'_>,
) {
    let verdict = node.pull_now(now, group);
    match guarded {
        // Each five minutes, from a crontab.
        Some(words) if verdict.is_ok() => fx.copies.guard(group, words),
        Some(_) => {}
        None => {
            let word = if verdict.is_ok() { "accepted" } else { "refused" };
            fx.voice.say_group(Level::Info, group, format_args!("operator: sync: {word}"));
        }
    }
    out.send(&match verdict {
        Ok(()) => Reply::Accepted,
        Err(Refusal::Busy) => Reply::Refused("a pull of it runs already"),
        Err(_) => Reply::Refused("there is nothing to pull: only a node that stands by pulls, from one that is heard to hold the group"),
    });
}

/// The answer to a `standby` that has waited for a look at the scripts.
pub(super) fn standby(now: Instant, node: &mut Node, fx: &mut Effects, scope: Scope, caller: &Fd) {
    operate(now, node, fx, Command::Standby(scope), |reply| server::send(caller, reply));
}

fn operate(
    now: Instant,
    node: &mut Node,
    fx: &mut Effects,
    command: Command,
    mut send: impl FnMut(&Reply<&str>),
) {
    let verdict = node.operator(now, command);
    let word = if verdict.is_ok() { "accepted" } else { "refused" };
    let mut text = Text::<100>::new();
    said(&fx.voice.names, command, &mut text);
    fx.voice.say(Level::Info, format_args!("operator: {}: {word}", text.as_str()));
    match verdict {
        Ok(()) => send(&Reply::Accepted),
        // Leaving already: that is what was asked for.
        Err(Refusal::Busy) if command == Command::Stop => send(&Reply::Accepted),
        Err(refusal) => {
            let mut text = Text::<300>::new();
            reasons::refusal_words(&fx.voice.names.own, &fx.voice.names.peer, refusal, &mut text);
            send(&Reply::Refused(text.as_str()));
        }
    }
}

/// A command as its operator wrote it.
fn said(names: &Names, command: Command, out: &mut Text<100>) {
    let (verb, scope) = match command {
        Command::Stop => ("stop", None),
        Command::Standby(scope) => ("standby", Some(scope)),
        Command::Takeover(scope) => ("takeover", Some(scope)),
        Command::ConfirmDown => ("confirm-down", None),
        Command::ConfirmDownForce => ("confirm-down --force", None),
        Command::Clear(group) => return out.put(format_args!("clear {}", names.group(group))),
    };
    out.put(format_args!("{verb}"));
    match scope {
        None => {}
        Some(Scope::All) => out.put(format_args!(" all")),
        Some(Scope::Local) => out.put(format_args!(" local")),
        Some(Scope::Foreign) => out.put(format_args!(" foreign")),
        Some(Scope::One(group)) => out.put(format_args!(" {}", names.group(group))),
    }
}

/// # Errors
/// The name that is none of a group.
pub(super) fn scope<'a>(names: &Names, which: Which<'a>) -> Result<Scope, &'a str> {
    match which {
        Which::All => Ok(Scope::All),
        Which::Local => Ok(Scope::Local),
        Which::Foreign => Ok(Scope::Foreign),
        Which::One(name) => names.find_group(name).map(Scope::One).ok_or(name),
    }
}

fn status(now: Instant, status: &Status, fx: &Effects, facts: &Facts, out: &mut Out<'_>) {
    let names = &fx.voice.names;
    out.send(&Reply::Node(NodeReply {
        name: &names.own,
        version: crate::cli::VERSION,
        pid: u32::try_from(process::own_pid().get()).unwrap_or(0),
        phase: Said(status.phase),
        incarnation: (status.incarnation.counter, status.incarnation.nonce),
        config_digest: facts.config_digest,
        isolated: status.isolated,
        twin: status.twin,
        worst_late_us: status.worst_late.as_micros(),
        uptime_s: now.since(facts.begun).as_millis() / 1000,
        lost_lines: status.events_lost.saturating_add(fx.voice.helper.lost()),
        realtime: facts.realtime,
    }));
    let peer = &status.peer;
    out.send(&Reply::Peer(PeerReply {
        name: &names.peer,
        state: Said(peer.state),
        phase: peer.phase.map(Said),
        last_heard_ms: peer.last_heard.map(hb_core::Duration::as_millis),
        config_match: peer.config_match,
        timing_match: peer.timing_match,
        left: peer.left,
        deaf: peer.deaf,
        foreign: peer.foreign,
        one_way: peer.one_way,
        twins: peer.twins,
    }));
    let ports = fx.links.iter().map(Link::is_limited_too);
    for (((link, name), medium), limited) in
        status.links.iter().zip(&names.links).zip(&names.media).zip(ports)
    {
        out.send(&Reply::Link(LinkReply {
            name,
            medium,
            state: Said(link_state(link)),
            rx: link.rx,
            tx: link.tx,
            lost: link.lost,
            bad: link.bad,
            text: link.text,
            unsigned: link.unsigned,
            limited,
            rtt_us: link.rtt.map(hb_core::Duration::as_micros),
        }));
    }
    for (id, (group, about)) in (0..=u8::MAX).map(GroupId).zip(status.groups.iter().zip(&names.groups)) {
        let (mut text, mut why, mut mac) = (Text::<300>::new(), Text::<120>::new(), Text::<20>::new());
        if let Some(address) = group.answered_by {
            mac.put(format_args!("{}", Mac(address)));
        }
        if let Some(wait) = group.wait {
            reasons::wait_words(names, id, wait, &mut text);
            if wait == Wait::Answered && !mac.is_empty() {
                text.put(format_args!("; it is {}", mac.as_str()));
            }
            if wait == Wait::ConfigDiffers {
                text.put(format_args!("; its line here: {}", names.line(id)));
            }
        }
        let change = fx.history.of(id);
        if let Some((cause, to)) = change.and_then(|change| change.why) {
            groups::cause_words(names, cause, to, &mut why);
        }
        out.send(&Reply::Group(GroupReply {
            name: &about.name,
            preferred: &about.preferred,
            state: Said(group.state),
            peer_state: group.peer_state.map(Said),
            epoch: group.epoch,
            wanted: group.wanted.map(Said),
            wait: group.wait.map(Said),
            wait_text: text.as_str(),
            config_match: group.config_match,
            pinned: group.pinned,
            barred: group.barred.map(Said),
            spent: group.spent,
            answered_by: Some(mac.as_str()).filter(|mac| !mac.is_empty()),
            since_s: change.map_or(0, |change| now.since(change.at).as_millis() / 1000),
            why: why.as_str(),
            // They follow.
            resources: Vec::new(),
            trouble: None,
            #[cfg(feature = "data")]
            copy: None,
        }));
        about.resources.iter().for_each(|r| out.send(&Reply::Resource(r)));
        let last = group.culprit.map(|c| fx.voice.last_line(id, c.resource, c.verb)).unwrap_or_default();
        let mut trouble = Text::<700>::new();
        reasons::trouble_words(names, id, group, &last, &mut trouble);
        if !trouble.is_empty() {
            out.send(&Reply::Trouble(trouble.as_str()));
        }
        #[cfg(feature = "data")]
        if let Some(copy) = &group.copy {
            out.send(&Reply::Copy(CopyReply {
                age_s: copy.age.map(|age| age.as_millis() / 1000),
                stale: copy.stale.map(Said),
                own: copy.stamp.is_some_and(|stamp| stamp.epoch != 0)
                    && copy.age.is_none()
                    && copy.stale.is_none(),
                diverged: copy.diverged,
                pulling: copy.pulling,
                failed: copy.failed.into(),
                moved: copy.moved,
            }));
        }
    }
    if let Some(dog) = &fx.dog {
        let armed = dog.armed();
        out.send(&Reply::Watchdog(WatchdogReply {
            device: dog.device(),
            timeout_s: armed.map(crate::watchdog::Watchdog::timeout_s),
            fed: status.fed,
            boot_status: armed.map(crate::watchdog::Watchdog::boot_status),
            held_by: Some(dog.trouble()).filter(|who| !who.is_empty()),
        }));
    }
    if let Some(name) = fx.fencer.name() {
        let last = fx.fencer.last();
        out.send(&Reply::Fence(FenceReply {
            device: name,
            failed: Said(fx.fencer.policy()),
            busy: fx.fencer.busy(),
            ok: last.map(|(ok, ..)| *ok),
            last_s: last.map(|(_, at, _)| now.since(*at).as_millis() / 1000),
            said: last.map_or("", |(.., said)| said),
        }));
    }
    #[cfg(feature = "bridge")]
    if let Some(bridge) = fx.fencer.bridge.reply(now) {
        out.send(&Reply::Bridge(bridge));
    }
    for (at, (&alive, host)) in status.pings.iter().zip(&names.pings).enumerate() {
        out.send(&Reply::Ping(PingReply {
            host: host.as_str(),
            alive,
            mirror: fx.mirrors.of(at).whose().map(Said),
        }));
    }
    let (last_write, backlog) = fx.voice.helper.progress();
    out.send(&Reply::Late(facts.late.reply()));
    #[cfg(feature = "late-record")]
    out.send(&Reply::LateRecord(facts.record.reply(&facts.late)));
    out.send(&Reply::Helper(HelperReply {
        alive: fx.voice.helper.fd().is_some(),
        last_write_ms: last_write.map(|at| now.since(at).as_millis()),
        backlog,
        failing: fx.failing,
    }));
    out.send(&Reply::End);
}

const fn link_state(link: &LinkStatus) -> LinkState {
    match (link.open, link.heard, link.hears) {
        (false, ..) => LinkState::Down,
        (true, true, true) => LinkState::Up,
        (true, true, false) => LinkState::OneWay,
        (true, false, _) => LinkState::Dead,
    }
}
