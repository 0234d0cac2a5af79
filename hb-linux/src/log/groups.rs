//! A group's change of state as a line: what it became, and what brought it there.

use super::names::Names;
use super::reasons::{culprit_words, reason_words};
use super::words::About;
use super::{LINE, Text};
use crate::helper::Level;
use hb_core::message::GroupState;
use hb_core::{Cause, GroupId};

pub(super) fn group_line(
    names: &Names,
    group: GroupId,
    (from, to): (GroupState, GroupState),
    epoch: u32,
    cause: Cause,
    about: &About<'_>,
    out: &mut Text<LINE>,
) -> Level {
    let name = names.group(group);
    let mut level = Level::Info;
    match to {
        GroupState::Starting => out.put(format_args!("Acquiring resource group: {name} (epoch {epoch}): ")),
        GroupState::Held => out.put(format_args!("Resource acquisition completed: {name} (epoch {epoch}): ")),
        GroupState::Stopping if from == GroupState::Starting => {
            level = Level::Warn;
            out.put(format_args!("Stopping what was begun of resource group: {name} (epoch {epoch}): "));
        }
        GroupState::Stopping => {
            out.put(format_args!("Releasing resource group: {name} (epoch {epoch}): "));
        }
        GroupState::Idle if from == GroupState::Unknown => {
            out.put(format_args!("Resource group {name} is proven stopped here: "));
        }
        GroupState::Idle if from == GroupState::Failed => {
            out.put(format_args!("Resource group {name} may be started here again: "));
        }
        GroupState::Idle => out.put(format_args!("Resource group {name} is released and stopped: ")),
        GroupState::Failed => {
            level = Level::Error;
            out.put(format_args!(
                "Resource group {name} could not be started and is stopped again (mend it, then: hbd clear {name}): "
            ));
        }
        GroupState::Stuck => {
            level = Level::Critical;
            out.put(format_args!(
                "Resource group {name} is stuck, it may still run (mend it, then: hbd clear {name}): "
            ));
        }
        GroupState::Unknown => out.put(format_args!("Resource group {name} is unknown again: ")),
    }
    match (to, about.culprit) {
        (GroupState::Failed | GroupState::Stuck, Some(culprit)) => {
            culprit_words(names, group, culprit, about.last, out);
        }
        _ => cause_words(names, cause, to, out),
    }
    level
}

/// What brought a group to `to`.
pub fn cause_words<const N: usize>(names: &Names, cause: Cause, to: GroupState, out: &mut Text<N>) {
    let peer = names.peer.as_str();
    match cause {
        Cause::Join => out.put(format_args!("clean-up at start")),
        Cause::PeerDead => out.put(format_args!("node {peer} is dead or was never met")),
        Cause::PeerLeaving => out.put(format_args!("node {peer} leaves")),
        Cause::PeerLeft => out.put(format_args!("Linux-HA Heartbeat of node {peer} was shut down in order")),
        Cause::Right => out.put(format_args!("the right to run it is this node's")),
        Cause::Handover(reason) => out.put(format_args!("handover: {}", reason_words(reason))),
        Cause::Conflict => out.put(format_args!("both nodes had it")),
        Cause::Leave => out.put(format_args!("this node leaves")),
        Cause::Script => out.put(format_args!(
            "{}",
            match to {
                GroupState::Held => "every start script succeeded",
                GroupState::Idle => "each resource stopped, by its stop script's answer or its status",
                GroupState::Stuck => "a stop script failed or hung, or status still says running",
                GroupState::Failed | GroupState::Stopping => "a start script failed",
                GroupState::Starting | GroupState::Unknown => "a script's answer",
            }
        )),
        Cause::Monitor => out.put(format_args!("the monitor found it not running")),
        Cause::Retry => out.put(format_args!("another try after a start failed on both nodes")),
        Cause::Operator => out.put(format_args!("asked for by an operator")),
        Cause::Data => out.put(format_args!("its data could not be brought up to date")),
        Cause::Unfenced => out.put(format_args!("the fence failed, so it is decided again")),
        Cause::Anew => out.put(format_args!("what it was claimed on is old, so it is decided again")),
    }
}
