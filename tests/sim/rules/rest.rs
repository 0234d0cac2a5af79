//! L3, at the end: a healed pair has come to rest. Per group exactly one holder, or one of a closed list of waiting
//! states, each with its reason in `status`; and the client's ARP cache points to the holder.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::host::Host;
use crate::setting::Differs;
use crate::world::World;
use hb_core::message::{GroupState, Phase};
use hb_core::{GroupStatus, Wait};

/// May a group that nobody holds stay so, with these two views? Each pair names the reason that an operator reads.
fn waits(a: &GroupStatus, b: &GroupStatus) -> bool {
    use GroupState::{Failed, Idle, Stuck};
    let reasoned = |status: &GroupStatus, other: &GroupStatus| match (status.state, status.wait) {
        // Its own state is the reason: a stop failed here.
        (Stuck, _) => true,
        // The other node's stop failed.
        (Idle | Failed, Some(Wait::PeerStuck)) => other.state == Stuck,
        // Both failed: the next try comes after its pause, or the other node has the right to try.
        (Failed, Some(Wait::Retry | Wait::Failed)) => true,
        (Idle, Some(Wait::PeerRight)) => true,
        // The newer version has failed too, and offers the group now and then: who is due for its next try makes it then.
        (Failed, Some(Wait::PeerNewer)) => other.state == Failed,
        // The copy is stale, and the directive does not take it; or it is being made good.
        (Idle | Failed, Some(Wait::StaleCopy(_) | Wait::PullEnds | Wait::LastPull)) => true,
        // It was told to leave, and waits for another group of its own that is stuck (`may_leave`).
        (Idle | Failed, Some(Wait::Leaving)) => true,
        // The operator must make the two lines agree.
        (Idle | Failed, Some(Wait::ConfigDiffers)) => true,
        _ => false,
    };
    // Waiting for the right alone is a reason only when the node that has the right cannot use it.
    let stands = |status: &GroupStatus| {
        matches!(
            (status.state, status.wait),
            (Stuck, _)
                | (_, Some(Wait::PeerStuck | Wait::ConfigDiffers | Wait::StaleCopy(_) | Wait::Leaving))
                | (Failed, Some(Wait::Retry | Wait::Failed))
        )
    };
    reasoned(a, b) && reasoned(b, a) && (stands(a) || stands(b))
}

/// A host whose daemon was told to leave and cannot, for a group of it is stuck: an operator's to settle.
#[must_use]
pub fn may_not_leave(h: &Host) -> bool {
    let leaves = h.node.as_ref().is_some_and(|node| node.glance().phase == Phase::Leaving);
    leaves && (0..8).any(|g| h.shown(g).is_some_and(|s| s.state == GroupState::Stuck))
}

/// Files were put right under a daemon that may not leave: its life and the other node's cannot hear each other, and it is the
/// next one that will.
#[must_use]
pub fn apart(world: &World) -> bool {
    world.hosts.iter().any(|h| may_not_leave(h) && !h.edits.is_empty())
}

/// Is every group of a healed pair where it may stay? `strict`: an operator has cleared what waits for one.
///
/// # Errors
/// The group that is not, and both nodes' views of it.
pub fn check(world: &World, facts: &Facts, strict: bool) -> Verdict {
    for group in 0..world.client.len() {
        one(world, facts, group, strict)?;
    }
    Ok(())
}

/// A service that one node alone has in its file.
fn alone(
    world: &World,
    group: usize,
    views: [Option<&GroupStatus>; 2],
    serves: [bool; 2],
    strict: bool,
) -> Verdict {
    let Some((host, shown)) = views.iter().enumerate().find_map(|(h, view)| Some((h, (*view)?))) else {
        return Ok(());
    };
    let waits = matches!(shown.wait, Some(Wait::ConfigDiffers | Wait::StaleCopy(_)));
    let fine = match shown.state {
        GroupState::Held => serves[host],
        GroupState::Stuck | GroupState::Failed => !strict,
        GroupState::Idle => waits,
        GroupState::Unknown | GroupState::Starting | GroupState::Stopping => false,
    };
    if fine {
        return Ok(());
    }
    let what = format!("group {group}, on {host} alone, is not at rest: {:?} {:?}", shown.state, shown.wait);
    breach("L3", world, what)
}

fn one(world: &World, facts: &Facts, group: usize, strict: bool) -> Verdict {
    if world.hosts.iter().any(|h| h.node.is_none()) {
        return breach("L3", world, "a healed pair has a daemon that does not live".to_owned());
    }
    let lists = [0, 1].map(|h: usize| world.hosts[h].lists(group));
    let at = |h: usize, of: fn(&Host, usize) -> bool| lists[h].is_some_and(|at| of(&world.hosts[h], at));
    let (serves, holds) = (
        [at(0, |h, at| h.scripts.all(at)), at(1, |h, at| h.scripts.all(at))],
        [at(0, Host::holds), at(1, Host::holds)],
    );
    let (a, b) = match [0, 1].map(|h: usize| world.hosts[h].view(group)) {
        [Some(a), Some(b)] => (a, b),
        // Only one node has it in its file: it serves, or waits for an operator.
        views => return alone(world, group, views, serves, strict),
    };
    // A stop that failed is an operator's to settle, whether or not anything runs any more.
    let down = |s: &GroupStatus, holds: bool| match s.state {
        GroupState::Idle | GroupState::Failed => !holds,
        GroupState::Stuck => !strict,
        GroupState::Unknown | GroupState::Starting | GroupState::Held | GroupState::Stopping => false,
    };
    let served = serves[0] && a.state == GroupState::Held && down(b, holds[1])
        || serves[1] && b.state == GroupState::Held && down(a, holds[0]);
    // S5: whatever a node has forgotten, the holder of a pair that talks is above all that the other one remembers.
    // But for what a newer version remembers: an older holder cannot read it, and no claim rests on it.
    let hidden = world.newer(0) || world.newer(1);
    let raised = |holder: &GroupStatus, other: &GroupStatus| holder.epoch >= other.epoch || hidden;
    if Facts::named_alike(world, group)
        && facts.met
        && (served && !(a.state != GroupState::Held || raised(a, b))
            || served && b.state == GroupState::Held && !raised(b, a))
    {
        let what = format!(
            "group {group}: the holder is not above what its peer remembers: {} | {}",
            a.epoch, b.epoch
        );
        return breach("S5", world, what);
    }
    let differ = [a, b].iter().all(|s| s.wait == Some(Wait::ConfigDiffers) || s.state == GroupState::Stuck);
    // Stale copies on both nodes wait for an operator who takes one of them, or for ever by directive.
    let stale = [a, b].iter().any(|s| matches!(s.wait, Some(Wait::StaleCopy(_))));
    // One line here, two there: what one node waits for is the operator's, whatever the other one thinks of it.
    let merged = facts.plan.setting.differs == Differs::Merged
        && !holds[0]
        && !holds[1]
        && [a, b].iter().any(|s| s.wait == Some(Wait::ConfigDiffers));
    // Of a newer peer nothing says which of its groups is stuck; and where the files differ it may be any of them.
    let differs = facts.plan.setting.differs != Differs::Nowhere || facts.plan.setting.edited;
    let hidden_stuck = |h: usize, own: &GroupStatus| {
        let stuck = |at| world.hosts[1 - h].shown(at).is_some_and(|shown| shown.state == GroupState::Stuck);
        (differs || world.newer(1 - h)) && own.wait == Some(Wait::PeerStuck) && (0..8).any(stuck)
    };
    let hidden_stuck = !holds[0] && !holds[1] && (hidden_stuck(0, a) || hidden_stuck(1, b));
    let settled = served || merged || hidden_stuck && !strict || (!strict || differ || stale) && waits(a, b);
    // Not heard, its machine answers for what is stuck on it.
    let unheard = !strict && apart(world) && !facts.met;
    let answered = |own: &GroupStatus, other: &GroupStatus, h: usize| {
        let idle = own.state == GroupState::Idle;
        let of_it = matches!(own.wait, Some(Wait::Answered | Wait::PeerStuck | Wait::StaleCopy(_)));
        let of_any = own.wait == Some(Wait::OneWay) && world.hosts[h].holds_any();
        idle && (of_it && other.state == GroupState::Stuck && holds[h] || of_any)
    };
    let settled = settled || unheard && (answered(a, b, 1) || answered(b, a, 0));
    let view = |s: &GroupStatus| format!("{:?} epoch {} wait {:?}", s.state, s.epoch, s.wait);
    if !settled {
        let what = format!("group {group} is not at rest: {} | {}, serves {serves:?}", view(a), view(b));
        return breach("L3", world, what);
    }
    // After a state loss the last announcement may be the loser's only if the winner never re-announced.
    let holder = [a, b].iter().position(|s| s.state == GroupState::Held);
    // Beside a newer node that runs another group an older one cannot know when to: the daemon announces once a minute.
    if let (Some(holder), Some(client)) = (holder, world.client[group])
        && client != holder
        && !world.newer(1 - holder)
        && facts.met
    {
        let what = format!("group {group} runs on {holder}, and the client's cache points to {client}");
        return breach("L3", world, what);
    }
    Ok(())
}
