//! `hbd config show` and `hbd config digest`. What a running daemon knows of the other node's files goes to standard error, so
//! that two outputs of `digest` can be compared as they are.

use super::args::Usage;
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_PERMISSION, Options, ask, refuse, tell};
use crate::config::{self, Class, Findings};
use crate::control::Snapshot;

/// `hbd config show|digest`.
pub(super) fn main(options: &Options, what: &str) -> i32 {
    match what {
        "show" => show(options),
        "digest" => digest(options),
        other => refuse(&Usage::new(format!("config has no {other:?}; write config show or config digest"))),
    }
}

/// `hbd config show`: 0, or 6 (4) where the files are wrong (may not be read).
fn show(options: &Options) -> i32 {
    match config::show::values(&options.paths(), options.node.as_deref(), &mut std::io::stdout()) {
        Ok(findings) => judged(options, &findings),
        Err(_) => EXIT_FAILURE,
    }
}

/// `hbd config digest`: 0, 1 where the daemons say that they differ, or 6 (4) as above.
fn digest(options: &Options) -> i32 {
    match config::show::digests(&options.paths(), options.node.as_deref(), &mut std::io::stdout()) {
        Ok(Ok(digests)) => match ask::snapshot(options) {
            Ok(shot) => {
                let (agree, lines) = compared(&shot, digests.whole);
                lines.iter().for_each(|line| tell(line));
                if agree { EXIT_OK } else { EXIT_FAILURE }
            }
            Err(_) => {
                tell("no daemon answers here, so nothing is known of the other node's files");
                EXIT_OK
            }
        },
        Ok(Err(findings)) => judged(options, &findings),
        Err(_) => EXIT_FAILURE,
    }
}

fn judged(options: &Options, findings: &Findings) -> i32 {
    findings.of(Class::Configuration).for_each(|finding| tell(&format!("{finding}")));
    match findings.any(Class::Configuration) {
        false => EXIT_OK,
        true if config::denied(&options.paths()) => EXIT_PERMISSION,
        true => EXIT_NOT_CONFIGURED,
    }
}

/// What the daemon here knows: does everything agree, and the lines that say it.
fn compared(shot: &Snapshot, files: u32) -> (bool, Vec<String>) {
    let (mut lines, mut agree, peer) = (Vec::new(), true, &shot.peer.name);
    if shot.own.config_digest != files {
        agree = false;
        lines.push(format!(
            "the daemon here runs with other files ({:08x}): hbd reload, or hbd restart for what that cannot follow",
            shot.own.config_digest
        ));
    }
    if shot.links.iter().any(|link| link.unsigned) {
        agree = false;
        lines.push(format!("keys: no frame of {peer} is signed with a key of ours; make authkeys the same"));
    }
    let Some(whole) = shot.peer.config_match else {
        lines.push(format!("{peer} has not said yet what it runs with"));
        return (agree, lines);
    };
    if shot.peer.timing_match == Some(false) {
        lines.push(format!("times: {peer} runs with others"));
    }
    for group in shot.groups.iter().filter(|group| group.config_match == Some(false)) {
        lines.push(format!("group {}: {peer} runs with another line, or without it", group.name));
    }
    if whole {
        lines.push(format!("times and groups: the daemons of {} and {peer} agree", shot.own.name));
    } else if lines.is_empty() {
        lines.push(format!("groups: {peer} has one that this node lacks"));
    }
    (agree && whole, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{Group, Link, Own, Peer};

    fn shot(whole: Option<bool>, times: Option<bool>, group: Option<bool>) -> Snapshot {
        Snapshot {
            own: Own { name: "ha-1".into(), config_digest: 7, ..Own::default() },
            peer: Peer { name: "ha-2".into(), config_match: whole, timing_match: times, ..Peer::default() },
            groups: vec![Group { name: "web".into(), config_match: group, ..Group::default() }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_the_daemons_know_is_said_by_name() {
        let same = shot(Some(true), Some(true), Some(true));
        let (agree, lines) = compared(&same, 7);
        assert!(agree && lines == ["times and groups: the daemons of ha-1 and ha-2 agree"], "{lines:?}");
        let (agree, lines) = compared(&same, 8);
        assert!(!agree && lines[0].contains("other files (00000007)"), "{lines:?}");
        let (agree, lines) = compared(&shot(Some(false), Some(false), Some(false)), 7);
        assert!(!agree && lines.len() == 2, "{lines:?}");
        assert!(lines[0].starts_with("times: ha-2") && lines[1].starts_with("group web: ha-2"), "{lines:?}");
        let (agree, lines) = compared(&shot(Some(false), Some(true), Some(true)), 7);
        assert!(!agree && lines == ["groups: ha-2 has one that this node lacks"], "{lines:?}");
        let (agree, lines) = compared(&shot(None, None, None), 7);
        assert!(agree && lines == ["ha-2 has not said yet what it runs with"], "{lines:?}");
        let unsigned = Link { unsigned: true, ..Link::default() };
        let (agree, lines) = compared(&Snapshot { links: vec![unsigned], ..same }, 7);
        assert!(!agree && lines[0].starts_with("keys: "), "{lines:?}");
    }
}
