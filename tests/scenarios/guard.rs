//! `hbd guard`: a copying of one's own, at the times of the daemon's (DESIGN §9).

use crate::mail::{By, GROUP, Mail, STORE, directives};
use hb_hil::netns::{Files, Node};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// It runs where and when the core would pull, behind a look at the source's stamp, and a takeover ends it.
#[test]
fn a_command_runs_when_the_core_would_pull() {
    let edit = |mut files: Files| {
        files.ha_cf += "\n";
        // No pull but those that are asked for.
        files.ha_cf += &directives(By::Rsync, "stale accept").replace("interval 1 ", "interval off ");
        files
    };
    let Some(mut mail) = Mail::build("a_command_runs_when_the_core_would_pull", By::Rsync, edit) else {
        return;
    };
    mail.rig
        .wait("the first pull is over", SOON, || mail.rig.hbd(Node::Ha2, &["sync", GROUP]).code == Some(0));
    let first = mail.deliver(Node::Ha1, 20);
    let guard = |mail: &Mail, node, words: &[&str]| {
        let all: Vec<&str> = ["guard", GROUP, "--"].iter().chain(words).copied().collect();
        mail.rig.hbd(node, &all)
    };
    let ran = |mail: &Mail, node| mail.path(node, "mnt/ran").exists();

    // The manual's own line would delete what pulls moved aside; with the exception it is the pull.
    let from = "192.168.2.2::mail/";
    let refused = guard(&mail, Node::Ha2, &["rsync", "-a", "--delete", from, STORE]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--exclude=.hbd/"), "{refused:?}");
    let done = guard(&mail, Node::Ha2, &["rsync", "-av", "--delete", "--exclude=.hbd/", from, STORE]);
    assert!(done.code == Some(0) && done.stdout.contains("user/new/000001.ha-1"), "{done:?}");
    assert!(mail.has(Node::Ha2, &first));

    // Whatever the command left undone, the copy is whole behind it.
    let second = mail.deliver(Node::Ha1, 5);
    let done = guard(&mail, Node::Ha2, &["touch", "/mnt/ran"]);
    assert!(done.code == Some(0) && ran(&mail, Node::Ha2) && mail.has(Node::Ha2, &second), "{done:?}");
    std::fs::remove_file(mail.path(Node::Ha2, "mnt/ran")).expect("it ran");

    // Not where the group is held, whatever crontab says so.
    let refused = guard(&mail, Node::Ha1, &["touch", "/mnt/ran"]);
    assert!(refused.code == Some(1) && !ran(&mail, Node::Ha1), "{refused:?}");
    let quiet = mail.rig.hbd(Node::Ha1, &["guard", "--quiet", GROUP, "--", "touch", "/mnt/ran"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(1), ""));

    // A command that fails leaves a copy that says so.
    let failed = guard(&mail, Node::Ha2, &["sh", "-c", "echo no way >&2; exit 7"]);
    assert!(failed.code == Some(1) && failed.stdout.contains("no way"), "{failed:?}");
    let log = mail.rig.machine(Node::Ha2).read("log/ha-log");
    assert!(log.contains("the command of hbd guard ended with 7: no way"), "{log}");

    // A source that is not mounted.
    let third = mail.deliver(Node::Ha1, 3);
    mail.run(Node::Ha1, &["umount", "-l", STORE]);
    let refused = guard(&mail, Node::Ha2, &["touch", "/mnt/ran"]);
    assert!(refused.code == Some(1) && !ran(&mail, Node::Ha2), "{refused:?}");
    let disk = mail.path(Node::Ha1, "disk").display().to_string();
    mail.run(Node::Ha1, &["mount", "--bind", &disk, STORE]);
    assert_eq!(guard(&mail, Node::Ha2, &["true"]).code, Some(0));
    assert!(mail.has(Node::Ha2, &third));

    // The holder dies: the claim waits for the command's end, and ends it.
    let all = ["guard", "--no-wait", GROUP, "--", "sh", "-c", "touch /mnt/ran; sleep 600"];
    assert_eq!(mail.rig.hbd(Node::Ha2, &all).code, Some(0));
    mail.rig.wait("the command runs", SOON, || ran(&mail, Node::Ha2));
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    let rest = mail.run(Node::Ha2, &["ps", "ax"]);
    assert!(!rest.lines().any(|line| line.contains("sleep 600")), "{rest}");
    for names in [&first, &second, &third] {
        assert!(mail.has(Node::Ha2, names));
    }
}
