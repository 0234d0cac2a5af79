//! Two versions of the wire on two real daemons: one node after the other is updated, and goes back. The later version is the
//! one of the feature `next-wire`, in a binary of its own.

use crate::{A_WHILE, DEADTIME, SOON, never_both, nothing_moves};
use hb_hil::netns::{Builder, Node, Programs, Rig, Stamp, Status};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As for any move that an operator asks for, beyond its scripts.
const MOVE: Duration = Duration::from_millis(1000);

/// A pair whose nodes run what a link names, so that an update is another link.
struct Pair {
    rig: Rig,
    released: PathBuf,
    next: PathBuf,
    links: [PathBuf; 2],
}

impl Pair {
    /// Both nodes of the released version; `None` without root.
    fn build(name: &str, folder: &str) -> Option<Self> {
        let programs = Programs::build().expect("the programs build");
        let next = Programs::next_wire().expect("the later version builds");
        let folder = next.with_file_name(folder);
        std::fs::create_dir_all(&folder).expect("the disk takes a folder");
        let links = Node::BOTH.map(|node| folder.join(format!("hbd-{}", node.name())));
        let released = programs.hbd.clone();
        links.iter().for_each(|link| point(link, &released));
        let of = |node: Node| Programs { hbd: links[node as usize].clone(), ..programs.clone() };
        let builder = Builder::new(name).edit(|files| files.with("nice_failback", "on"));
        let builder = builder.programs_on(Node::Ha1, of(Node::Ha1)).programs_on(Node::Ha2, of(Node::Ha2));
        Some(Self { rig: builder.build()?, released, next, links })
    }

    /// The daemon of `node` stops in order and starts again, of that version. Its peer knows it, and holds what it held.
    fn restart(&self, node: Node, next: bool) {
        let rig = &self.rig;
        let out = rig.hbd(node, &["stop"]);
        assert_eq!(out.code, Some(0), "{out:?}");
        self.start(node, next);
    }

    fn start(&self, node: Node, next: bool) {
        let version = if next { &self.next } else { &self.released };
        point(&self.links[node as usize], version);
        self.rig.note(format!(
            "{} is {} from now on",
            node.name(),
            if next { "newer" } else { "of the release" }
        ));
        self.rig.start(node);
        let up = |node| self.rig.status(node).is_some_and(|status| status.peer() == "up");
        self.rig.wait("both know each other", SOON, || Node::BOTH.into_iter().all(up));
        self.rig.wait("it has looked at its group and joined", SOON, || {
            let joined = |status: Status| status.phase() == "up" && status.group() != "unknown";
            self.rig.status(node).is_some_and(joined)
        });
    }

    /// The holder is told to give everything away: the client misses no more than in any such move.
    fn standby(&self, holder: Node) {
        let asked = Stamp::now();
        let out = self.rig.hbd(holder, &["standby"]);
        assert_eq!(out.code, Some(0), "{out:?}");
        self.moved(holder.other(), asked, MOVE);
    }

    /// What the scripts of the last move took on both nodes: they are not the daemons' to answer for.
    fn scripts(&self) -> Duration {
        Node::BOTH.into_iter().map(|node| last_calls(&self.rig.machine(node).read("log/ha-debug"))).sum()
    }

    fn moved(&self, to: Node, since: Stamp, limit: Duration) {
        let rig = &self.rig;
        rig.wait_answer(to, SOON);
        rig.wait_group(to, "held", SOON);
        let gap = rig.client().longest_outage(since);
        let scripts = self.scripts();
        rig.note(format!("the move to {} cost {gap:?}, its scripts {scripts:?}", to.name()));
        assert!(gap <= limit + scripts, "the move to {} cost {gap:?}, its scripts {scripts:?}", to.name());
        assert_eq!(rig.overlap(rig.born()), Duration::ZERO, "both nodes had a part of the service");
    }
}

/// Of a log, the time of the last four calls of scripts: a group of two resources stops or starts with as many.
fn last_calls(log: &str) -> Duration {
    let time = |line: &str| line.split(" ends after ").nth(1)?.split(' ').next()?.parse().ok();
    log.lines().rev().filter_map(time).take(4).map(Duration::from_micros).sum()
}

fn point(link: &Path, to: &Path) {
    let _ = std::fs::remove_file(link);
    symlink(to, link).expect("the disk takes a link");
}

#[test]
fn a_rolling_update_there_and_back() {
    let Some(pair) = Pair::build("rolling update there and back", "rolling") else { return };
    let rig = &pair.rig;
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    // There: the standby first, then what it took over from.
    pair.restart(Node::Ha2, true);
    nothing_moves(rig, Node::Ha1, Duration::from_secs(2));
    assert!(rig.log(Node::Ha1).contains("speaks a newer version"), "{}", rig.log(Node::Ha1));
    assert!(rig.log(Node::Ha2).contains("speaks an older version"), "{}", rig.log(Node::Ha2));
    pair.standby(Node::Ha1);
    nothing_moves(rig, Node::Ha2, Duration::from_secs(2));
    pair.restart(Node::Ha1, true);
    nothing_moves(rig, Node::Ha2, Duration::from_secs(2));
    // And back.
    pair.restart(Node::Ha1, false);
    nothing_moves(rig, Node::Ha2, Duration::from_secs(2));
    pair.standby(Node::Ha2);
    nothing_moves(rig, Node::Ha1, A_WHILE);
    // Once more by the older one's wish alone, and by an ordered stop of each.
    let asked = Stamp::now();
    let out = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    pair.moved(Node::Ha2, asked, MOVE);
    let asked = Stamp::now();
    let out = rig.hbd(Node::Ha1, &["takeover"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    pair.moved(Node::Ha1, asked, MOVE);
    let asked = Stamp::now();
    pair.restart(Node::Ha2, false);
    rig.wait_settled(Node::Ha1, SOON);
    pair.moved(Node::Ha1, asked, MOVE);
    never_both(rig);
}

#[test]
fn either_version_takes_over_from_the_other_and_both_start_together() {
    let Some(pair) = Pair::build("two versions, losses", "losses") else { return };
    let rig = &pair.rig;
    // A cold start of two versions serves.
    point(&pair.links[1], &pair.next);
    rig.start_both();
    let decides = Node::Ha2;
    rig.wait_answer(decides, SOON);
    rig.wait_group(decides, "held", SOON);
    for holder in [Node::Ha2, Node::Ha1] {
        let lost = rig.power_off(holder);
        pair.moved(holder.other(), lost, DEADTIME + Duration::from_millis(1500));
        rig.power_on(holder);
        pair.start(holder, holder == Node::Ha2);
        nothing_moves(rig, holder.other(), Duration::from_secs(2));
    }
    // A newer node that cannot start it hands over: the older one waits for a deadtime.
    for holder in [Node::Ha2, Node::Ha1] {
        let asked = rig.note(format!("{} leaves in order", holder.name()));
        let out = rig.hbd(holder, &["stop"]);
        assert_eq!(out.code, Some(0), "{out:?}");
        pair.moved(holder.other(), asked, MOVE);
        pair.start(holder, holder == Node::Ha2);
    }
    never_both(rig);
}
