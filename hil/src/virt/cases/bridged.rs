//! The serial bridge as a cable: whatever befalls it, the nodes see a line that is there or is not, and no output of it moves.

use crate::netns::Node::{self, Ha1, Ha2};
use crate::netns::Stamp;
use crate::virt::board::Board;
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{SOON, Scene, Told};
use std::time::Duration;

pub(super) const RELAY: Case = Case {
    name: "bridge-relay",
    about: "the serial bridge as the null-modem: noise, resets of it, a cut on either side, no supply, a daemon restarted",
    everyday: false,
    setup: || Setup::new("250ms", "1500ms", "3", "8").bridged(),
    story,
};

/// For a link to be called up or dead, on a machine that does ten other things.
const LIMIT: Duration = Duration::from_secs(60);

impl Scene {
    /// The bridge of this case.
    ///
    /// # Errors
    /// It was built without one.
    pub(super) fn board(&self) -> Told<&Board> {
        self.rig.board.as_ref().ok_or_else(|| "this rig has no bridge".to_owned())
    }

    /// The board on, then both machines, and the service on the first; each knows its bridge.
    ///
    /// # Errors
    /// It does not come to that.
    pub(super) fn in_service_by_bridge(&mut self) -> Told<()> {
        self.board()?.power_on()?;
        self.say("the bridge is switched on");
        self.in_service()?;
        self.bridge_answers()?;
        self.link("the nodes hear each other by way of the bridge", true)
    }

    /// Waits until both nodes are answered by the bridge.
    ///
    /// # Errors
    /// They are not, in time.
    pub(super) fn bridge_answers(&mut self) -> Told<()> {
        self.until("both are answered by the bridge", LIMIT, |s| {
            Node::BOTH.iter().all(|&n| s.status(n).is_some_and(|status| status.flag("/bridge/answers")))
        })
        .map(drop)
    }

    /// Waits until the serial line is up on both, or dead on both.
    fn link(&mut self, what: &str, up: bool) -> Told<()> {
        let is = |s: &Self, n| s.status(n).is_some_and(|status| (status.link_state("serial") == "up") == up);
        self.until(what, LIMIT, |s| Node::BOTH.iter().all(|&n| is(s, n))).map(drop)
    }

    /// Both ways of the cable between a node and the bridge.
    pub(super) fn cut_port(&mut self, node: Node, cut: bool) -> Stamp {
        self.rig.wire(node).change(|line| [0, 1].map(|from| line.cut(from, cut)));
        let done = if cut { "is cut" } else { "is mended" };
        self.say(&format!("the cable between the bridge and {} {done}", node.name()))
    }
}

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service_by_bridge()?;
    let since = scene.noise(12, true);
    scene.pass(Duration::from_secs(10));
    scene.until("the bridge counts the noise of both lines, and passes on what is whole", LIMIT, |s| {
        let Some(status) = s.status(Ha2) else { return false };
        let all = ["from_here", "to_here"].into_iter().flat_map(|way| {
            ["malformed", "forwarded"].map(|counter| status.number(&format!("/bridge/{way}/{counter}")))
        });
        all.into_iter().all(|number| number.is_some_and(|number| number > 5))
    })?;
    scene.noise(0, false);
    for number in 1..=3 {
        scene.board()?.reset()?;
        scene.say(&format!("the bridge is reset in mid-flight, {number} of 3"));
        scene.pass(Duration::from_millis(700));
    }
    scene.bridge_answers()?;
    for node in Node::BOTH {
        scene.cut_port(node, true);
        scene.link(&format!("cut beside {}: the line is dead on both", node.name()), false)?;
        scene.cut_port(node, false);
        scene.link("the line is up on both", true)?;
    }
    scene.board()?.power_off();
    scene.say("the bridge has no supply");
    scene.link("the line is dead on both", false)?;
    scene.board()?.power_on()?;
    scene.link("a new life of the bridge: the line is up on both", true)?;
    scene.shell(Ha2, "hbd stop")?;
    scene.until("the daemon of ha-2 has ended", SOON, |s| s.status(Ha2).is_none())?;
    scene.shell(Ha2, "hbd run")?;
    scene.peer_up(Ha1, LIMIT)?;
    scene.peer_up(Ha2, LIMIT)?;
    scene.link("its daemon is there again: the line is up on both", true)?;
    scene.stayed(Ha1, since);
    scene.never_both(since);
    let edges = scene.board()?.edges();
    scene.record.check("no output of the bridge moved", edges.is_empty(), &format!("{edges:?}"));
    Ok(())
}
