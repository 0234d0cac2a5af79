//! The bridge's fence between two machines whose only link it is: a dead one is reset and taken over from, one that the bridge
//! hears is not, a fire that comes again and a reset of the board in the middle of a pulse change nothing but the time.

use crate::netns::Node::{Ha1, Ha2};
use crate::netns::{Node, Stamp};
use crate::virt::board::{Board, Edge};
use crate::virt::case::Case;
use crate::virt::record::What;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const WORKS: Case = Case {
    name: "bridge-fence",
    about: "a dead kernel is reset by the bridge, no replay of that is; cut off from the bridge, the holder is",
    everyday: false,
    setup,
    story: works,
};

pub(super) const REFUSED: Case = Case {
    name: "bridge-refuses",
    about: "ha-2 hears nothing, the bridge hears ha-1: no reset, and the service stays",
    everyday: false,
    setup,
    story: refused,
};

pub(super) const CUT_SHORT: Case = Case {
    name: "bridge-reset-in-pulse",
    about: "the bridge is reset in the middle of a pulse: that pulse ends, and the fence still comes to its end",
    everyday: false,
    setup,
    story: cut_short,
};

/// What the bridge calls *refused*, and two of its reasons (docs/spec/bridge.md).
const REFUSAL: u8 = 7;
const HEARD: u8 = 0;
const NOT_ARMED: u8 = 2;
/// Where the reason is in it.
const REASON: usize = 9;
/// The pulse, and what an emulated board on a busy machine may add.
const PULSE: [u64; 2] = [500, 750];
/// Of a replay, at once: what the line carries in less than half a second.
const PART: usize = 800;
const LIMIT: Duration = Duration::from_secs(120);
/// From a fault to the reset line: a deadtime, and the words with the bridge on a busy machine.
const ASKED: Duration = Duration::from_millis(6000);

fn setup() -> Setup {
    let setup = Setup::new("250ms", "1500ms", "3", "8").serial_only(19_200).bridged();
    setup.with("fence", "bridge").with("nice_failback", "on")
}

impl Scene {
    fn edges(&self, since: Stamp) -> Vec<Edge> {
        let all = self.rig.board.as_ref().map(Board::edges).unwrap_or_default();
        all.into_iter().filter(|edge| edge.at >= since).collect()
    }

    /// How often the bridge refused a node for this reason since `since`.
    fn refusals(&self, node: Node, since: Stamp, why: u8) -> usize {
        let said = self.rig.board.as_ref().map(|board| board.said_to(node, since)).unwrap_or_default();
        said.iter().filter(|words| words.get(1) == Some(&REFUSAL) && words.get(REASON) == Some(&why)).count()
    }

    /// Measures the move to `to` by a fence that a fault at `since` made necessary.
    fn moved(&mut self, since: Stamp, to: Node) {
        let on = self.edges(since).first().map_or(Duration::MAX, |edge| edge.at.since(since));
        self.record.figure("from the fault to the reset line", on, Some(ASKED));
        if let Some(outage) = self.outage(since, to) {
            let length = outage.first_good.since(outage.last_good);
            self.record.figure(&format!("outage, {} to {}", outage.from, outage.to), length, None);
        }
    }

    /// Checks that since `since` there was one pulse, of this node's reset line, and how long it was.
    fn one_pulse(&mut self, node: Node, since: Stamp) {
        let edges = self.edges(since);
        let length = match edges[..] {
            [on, off] if on.on && !off.on && on.node == node && off.node == node => {
                u64::try_from(off.at.since(on.at).as_millis()).unwrap_or(u64::MAX)
            }
            _ => 0,
        };
        let held = (PULSE[0]..=PULSE[1]).contains(&(length + 1));
        let told = format!("{} edges, {length} ms", edges.len());
        self.record.check(&format!("one pulse, of {}'s reset line alone", node.name()), held, &told);
    }

    /// The kernel of a machine dies: it does nothing more, and its supply is there.
    fn kernel_dies(&mut self, node: Node) -> Told<Stamp> {
        let at = self.last_words(node, "echo c >/proc/sysrq-trigger")?;
        self.record.fault(What::Power, node.name(), true);
        Ok(at)
    }

    /// The node was reset, its daemon is back and has met the other one.
    fn comes_back(&mut self, node: Node, since: Stamp) -> Told<()> {
        self.reset_seen(node, since, LIMIT)?;
        self.until("its daemon is there again", LIMIT, |s| s.status(node).is_some())?;
        self.peer_up(node.other(), LIMIT)?;
        self.peer_up(node, LIMIT).map(drop)
    }
}

fn works(scene: &mut Scene) -> Told<()> {
    scene.in_service_by_bridge()?;
    let began = scene.kernel_dies(Ha1)?;
    scene.served_by(Ha2, LIMIT)?;
    scene.moved(began, Ha2);
    scene.one_pulse(Ha1, began);
    let fence = scene.status(Ha2);
    let said = fence.as_ref().map(|status| status.text("/fence/said").to_owned()).unwrap_or_default();
    let ok = fence.is_some_and(|status| status.flag("/fence/ok"));
    let back = Stamp::now();
    scene.record.check("the sense line was the proof", ok && said.contains("sense line"), &said);
    scene.comes_back(Ha1, began)?;
    scene.never_both(began);
    // All that ha-2 said meanwhile once more, its fire among it: genuine, signed, and of a reset that is over.
    let said = scene.rig.wire(Ha2).log(began).into_iter().filter(|chunk| chunk.from == Ha2.index());
    let said: Vec<u8> = said.take_while(|chunk| chunk.at < back).flat_map(|chunk| chunk.bytes).collect();
    let replayed = Stamp::now();
    for part in said.chunks(PART) {
        scene.rig.wire(Ha2).change(|line| line.send(Stamp::now(), Ha2.index(), part));
        scene.pass(Duration::from_millis(500));
    }
    let fires = scene.refusals(Ha2, replayed, NOT_ARMED) + scene.refusals(Ha2, replayed, HEARD);
    let moved = scene.edges(replayed);
    let told = format!("{} bytes replayed, {fires} requests refused, {moved:?}", said.len());
    scene.record.check("a genuine fire that comes later moves nothing", moved.is_empty() && fires > 0, &told);

    let cut = scene.cut_port(Ha2, true);
    scene.served_by(Ha1, LIMIT)?;
    scene.moved(cut, Ha1);
    scene.one_pulse(Ha2, cut);
    scene.never_both(cut);
    scene.cut_port(Ha2, false);
    scene.comes_back(Ha2, cut)?;
    scene.record.check("ha-1 goes on", scene.edges(cut).len() == 2, "no further edge");
    Ok(())
}

fn refused(scene: &mut Scene) -> Told<()> {
    scene.in_service_by_bridge()?;
    let since = scene.say("the wire on which the bridge sends to ha-2 is cut");
    scene.rig.wire(Ha2).change(|line| line.cut(Ha1.index(), true));
    scene.until("ha-2 calls ha-1 dead", LIMIT, |s| s.status(Ha2).is_some_and(|n| n.peer() == "dead"))?;
    scene.until("the bridge has refused it five times", LIMIT, |s| s.refusals(Ha2, since, HEARD) >= 5)?;
    scene.pass(Duration::from_secs(5));
    scene.stayed(Ha1, since);
    scene.rig.wire(Ha2).change(|line| line.cut(Ha1.index(), false));
    scene.say("it is mended");
    scene.peer_up(Ha2, LIMIT)?;
    scene.pass(Duration::from_secs(3));
    scene.stayed(Ha1, since);
    scene.never_both(since);
    let moved = scene.edges(since);
    scene.record.check("no output of the bridge moved", moved.is_empty(), &format!("{moved:?}"));
    Ok(())
}

fn cut_short(scene: &mut Scene) -> Told<()> {
    scene.in_service_by_bridge()?;
    let since = scene.kernel_dies(Ha1)?;
    scene.until("the reset line of ha-1 is on", LIMIT, |s| !s.edges(since).is_empty())?;
    scene.board()?.reset()?;
    scene.say("the bridge is reset");
    scene.served_by(Ha2, LIMIT)?;
    scene.comes_back(Ha1, since)?;
    scene.pass(Duration::from_secs(3));
    let edges = scene.edges(since);
    let whose = edges.iter().all(|edge| edge.node == Ha1);
    let turns = edges.chunks(2).all(|pair| matches!(pair, [on, off] if on.on && !off.on));
    scene.record.check("every pulse ended, and all were ha-1's", whose && turns, &format!("{edges:?}"));
    let first = edges.get(1).zip(edges.first()).map(|(off, on)| off.at.since(on.at));
    let short = first.is_some_and(|length| length < Duration::from_millis(PULSE[0]));
    scene.record.check("the reset of the bridge ended the pulse", short, &format!("{first:?}"));
    scene.never_both(since);
    Ok(())
}
