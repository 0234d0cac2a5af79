//! Data follows the role (DESIGN §9), with real rsync: no mail is lost, and the manual's cron line loses it.

use crate::mail::{By, GROUP, Mail, STORE};
use hb_hil::netns::Node;
use std::fs;
use std::time::Duration;

/// A pull waits for the disk, which other tests use as well.
const SOON: Duration = Duration::from_secs(60);

/// Mail arrives on the primary after the last pull, it dies; more arrives on the standby; the primary returns.
fn dies_and_returns(by: By, name: &str) {
    let Some(mut mail) = Mail::settled(name, by, "") else { return };
    let first = mail.deliver(Node::Ha1, 30);
    mail.wait_pulled(Node::Ha2, &first);
    mail.deliver(Node::Ha1, 3);
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    mail.deliver(Node::Ha2, 12);
    mail.read(Node::Ha2, 9);
    assert!(mail.manual(Node::Ha1, Node::Ha2) >= 12, "the manual's line loses what came to the standby");
    mail.boot(Node::Ha1);
    mail.rig.wait_settled(Node::Ha1, SOON);
    mail.nothing_lost(Node::Ha1);
    // What was moved aside is put back where it is served.
    let restored = mail.rig.hbd(Node::Ha1, &["data", "restore", GROUP]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let all = Mail::tree(&mail.path(Node::Ha1, "disk"));
    assert_eq!(all.len(), 45, "{}", restored.stdout);
}

#[test]
fn the_primary_dies_and_returns() {
    dies_and_returns(By::Rsync, "the_primary_dies_and_returns");
}

#[test]
fn the_primary_dies_and_returns_over_ssh() {
    dies_and_returns(By::Ssh, "the_primary_dies_and_returns_over_ssh");
}

/// The disk of the holder is not mounted any more: an empty directory is no reason to delete the copy.
#[test]
fn an_unmounted_source_destroys_nothing() {
    let Some(mut mail) = Mail::settled("an_unmounted_source_destroys_nothing", By::Rsync, "") else { return };
    let first = mail.deliver(Node::Ha1, 30);
    mail.wait_pulled(Node::Ha2, &first);
    mail.run(Node::Ha1, &["umount", "-l", STORE]);
    let failed = |mail: &Mail| mail.rig.status(Node::Ha2).and_then(|s| s.number("/groups/0/data/failed"));
    mail.rig.wait("a pull fails", SOON, || failed(&mail).is_some_and(|n| n >= 1));
    assert!(mail.has(Node::Ha2, &first));
    let log = mail.rig.machine(Node::Ha2).read("log/ha-log");
    assert!(log.contains("data:"), "{log}");
}

/// The copy is not mounted at the standby: it starts nothing, whoever asks, and pulls nothing.
#[test]
fn a_directory_that_is_not_mounted_starts_nothing() {
    let Some(mut mail) =
        Mail::settled("a_directory_that_is_not_mounted_starts_nothing", By::Rsync, "stale accept")
    else {
        return;
    };
    let first = mail.deliver(Node::Ha1, 10);
    mail.wait_pulled(Node::Ha2, &first);
    mail.rig.power_off(Node::Ha2);
    mail.rig.power_on(Node::Ha2);
    mail.rig.start(Node::Ha2);
    mail.rig.wait("ha-2 has not read its stamp", SOON, || {
        mail.rig.status(Node::Ha2).is_some_and(|s| s.text("/groups/0/data/stale") == "unread")
    });
    mail.rig.power_off(Node::Ha1);
    mail.rig.stays("ha-2 starts nothing", crate::A_WHILE, || mail.rig.group(Node::Ha2) != "held");
    let asked = mail.rig.hbd(Node::Ha2, &["takeover", "--no-wait"]);
    assert_ne!(asked.code, Some(0), "{asked:?}");
    mail.boot(Node::Ha1);
    // Not by the client's last answer, which may be one of before.
    mail.rig.wait_group(Node::Ha1, "held", SOON);
    mail.nothing_lost(Node::Ha1);
}

/// The writer's disk comes back without its last seconds, which the standby has pulled.
#[test]
fn a_writer_that_lost_its_last_seconds_takes_nothing_along() {
    let name = "a_writer_that_lost_its_last_seconds_takes_nothing_along";
    let Some(mut mail) = Mail::settled(name, By::Rsync, "") else { return };
    let first = mail.deliver(Node::Ha1, 20);
    mail.wait_pulled(Node::Ha2, &first);
    let last = mail.deliver(Node::Ha1, 3);
    mail.wait_pulled(Node::Ha2, &last);
    // The standby's daemon is not there to take over: the writer is back before it.
    assert_eq!(mail.rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    mail.rig.power_off(Node::Ha1);
    for name in &last {
        fs::remove_file(mail.path(Node::Ha1, &format!("disk/user/new/{name}"))).expect("the power cut");
    }
    assert!(mail.manual(Node::Ha1, Node::Ha2) >= 3, "the manual's line loses the last seconds");
    mail.boot(Node::Ha1);
    // Not by the client's last answer, which may be one of before.
    mail.rig.wait_group(Node::Ha1, "held", SOON);
    mail.deliver(Node::Ha1, 2);
    mail.rig.start(Node::Ha2);
    mail.rig.wait_settled(Node::Ha1, SOON);
    mail.rig.wait("ha-2 has pulled", SOON, || !mail.has(Node::Ha2, &last));
    mail.nothing_lost(Node::Ha1);
}

/// Both sides of a cut accept mail.
#[test]
fn a_split_in_which_both_accept_mail() {
    use hb_hil::netns::Cable;
    let Some(mut mail) = Mail::settled("a_split_in_which_both_accept_mail", By::Rsync, "") else { return };
    let first = mail.deliver(Node::Ha1, 20);
    mail.wait_pulled(Node::Ha2, &first);
    let every = [Cable::Cross, Cable::Lan(Node::Ha1)];
    mail.rig.cut(&every);
    mail.rig.wait_group(Node::Ha2, "held", SOON);
    mail.deliver(Node::Ha1, 4);
    mail.deliver(Node::Ha2, 5);
    assert!(mail.manual(Node::Ha1, Node::Ha2) >= 5, "the manual's line loses one side");
    mail.rig.mend(&every);
    let server = mail.at_rest();
    mail.nothing_lost(server);
}

/// A pull that would delete much of the copy is stopped, and the operator's word lets it.
#[test]
fn a_mass_deletion_waits_for_a_word() {
    let Some(mut mail) = Mail::settled("a_mass_deletion_waits_for_a_word", By::Rsync, "") else { return };
    let first = mail.deliver(Node::Ha1, 40);
    mail.wait_pulled(Node::Ha2, &first);
    for name in &first[..20] {
        fs::remove_file(mail.path(Node::Ha1, &format!("disk/user/new/{name}"))).expect("deleted");
    }
    mail.rig.wait("the pull is stopped", SOON, || {
        mail.rig.machine(Node::Ha2).read("log/ha-log").contains("it would delete 20 of")
    });
    assert!(mail.has(Node::Ha2, &first));
    mail.rig.wait("the word is taken", SOON, || {
        mail.rig.hbd(Node::Ha2, &["sync", GROUP, "--delete"]);
        !mail.has(Node::Ha2, &first)
    });
    let listed = mail.rig.hbd(Node::Ha2, &["data", "list"]).stdout;
    assert!(listed.contains(&first[0]), "what was deleted stays for two pulls: {listed}");
}

/// Both lose their power while ha-2 serves; the old preferred node is back first, and serves what it has.
#[test]
fn a_power_cut_of_both_with_the_older_copy_back_first() {
    let name = "a_power_cut_of_both_with_the_older_copy_back_first";
    let Some(mut mail) = Mail::settled(name, By::Rsync, "") else { return };
    let first = mail.deliver(Node::Ha1, 20);
    mail.wait_pulled(Node::Ha2, &first);
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    mail.deliver(Node::Ha2, 6);
    mail.rig.power_off(Node::Ha2);
    mail.boot(Node::Ha1);
    // Not by the client's last answer, which may be one of before.
    mail.rig.wait_group(Node::Ha1, "held", SOON);
    mail.deliver(Node::Ha1, 4);
    assert!(mail.manual(Node::Ha1, Node::Ha2) >= 6, "the manual's line loses what ha-2 alone has");
    mail.boot(Node::Ha2);
    let server = mail.at_rest();
    mail.nothing_lost(server);
}

/// Two files of one name, one size and one time are not the same: a pull that keeps looks at what is in them.
#[test]
fn same_size_and_time_and_another_content() {
    let Some(mut mail) = Mail::settled("same_size_and_time_and_another_content", By::Rsync, "") else {
        return;
    };
    let first = mail.deliver(Node::Ha1, 10);
    mail.wait_pulled(Node::Ha2, &first);
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    let at = std::time::SystemTime::now() - Duration::from_secs(60);
    for (node, text) in [(Node::Ha1, "what ha-1 wrote"), (Node::Ha2, "what ha-2 wrote")] {
        let file = mail.path(node, "disk/user/box");
        fs::write(&file, text).expect("written");
        fs::File::options().write(true).open(&file).and_then(|file| file.set_modified(at)).expect("a time");
    }
    mail.boot(Node::Ha1);
    mail.rig.wait_settled(Node::Ha1, SOON);
    assert_eq!(fs::read_to_string(mail.path(Node::Ha1, "disk/user/box")).expect("there"), "what ha-2 wrote");
    let listed = mail.rig.hbd(Node::Ha1, &["data", "list"]).stdout;
    assert!(listed.contains("user/box") && listed.contains("another one stands in its place"), "{listed}");
    mail.nothing_lost(Node::Ha1);
}

/// The holder dies, and so does its disk for the pull that runs: the claim waits for the end of that, and serves the mixture
/// only where the directive says so.
#[test]
fn a_pull_that_runs_when_its_source_dies() {
    let name = "a_pull_that_runs_when_its_source_dies";
    let slow = |files: hb_hil::netns::Files| {
        let mut files = files;
        files.ha_cf += "\n";
        // A node's way to the other one: slow for the tree alone.
        files.ha_cf += &crate::mail::directives(By::Ssh, "stale accept")
            .replace("command ssh ", "command sh /mnt/slow ");
        files
    };
    let Some(mut mail) = Mail::build(name, By::Ssh, slow) else { return };
    let first = mail.deliver(Node::Ha1, 20);
    mail.wait_pulled(Node::Ha2, &first);
    fs::write(mail.path(Node::Ha2, "mnt/slow"), "sleep 3\nexec ssh \"$@\"\n").expect("a script");
    mail.deliver(Node::Ha1, 15);
    mail.rig.wait("the copy is being changed", SOON, || {
        let stamp = mail.rig.machine(Node::Ha2).read("disk/.hbd/stamp");
        stamp.split(' ').nth(6).is_some_and(|flags| flags.contains('p'))
    });
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    let rest = mail.run(Node::Ha2, &["ps", "ax"]);
    assert!(!rest.lines().any(|line| line.contains("rsync") && line.contains("--delete")), "{rest}");
    mail.deliver(Node::Ha2, 3);
    fs::write(mail.path(Node::Ha2, "mnt/slow"), "exec ssh \"$@\"\n").expect("a script");
    mail.boot(Node::Ha1);
    let server = mail.at_rest();
    mail.nothing_lost(server);
}

/// The disk of the puller has no room: nothing is changed.
#[test]
fn a_full_disk_at_the_puller() {
    let Some(mut mail) = Mail::settled("a_full_disk_at_the_puller", By::Rsync, "") else { return };
    assert_eq!(mail.rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    mail.run(Node::Ha2, &["mount", "-t", "tmpfs", "-o", "size=4m", "none", STORE]);
    mail.rig.start(Node::Ha2);
    mail.rig.wait_settled(Node::Ha1, SOON);
    mail.deliver(Node::Ha1, 5);
    mail.rig.wait("the first pull is whole", SOON, || mail.rig.hbd(Node::Ha2, &["sync"]).code == Some(0));
    fs::write(mail.path(Node::Ha1, "disk/user/new/large"), "y".repeat(8 << 20)).expect("a mail");
    mail.rig.wait("the pull says that there is no room", SOON, || {
        mail.rig.machine(Node::Ha2).read("log/ha-log").contains("KB left")
    });
    assert_eq!(mail.run(Node::Ha2, &["ls", "/mnt/jdmail/user/new"]).lines().count(), 5);
    let stale = mail.rig.status(Node::Ha2).expect("an answer").text("/groups/0/data/stale").to_owned();
    assert_ne!(stale, "partial", "before anything was changed");
}

/// Mail comes and is read all the time while it is pulled; then the holder dies.
#[test]
fn a_busy_maildir() {
    let Some(mut mail) = Mail::settled("a_busy_maildir", By::Rsync, "stale accept") else { return };
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(8) {
        mail.deliver(Node::Ha1, 3);
        mail.read(Node::Ha1, 2);
        std::thread::sleep(Duration::from_millis(15));
    }
    mail.rig.power_off(Node::Ha1);
    mail.rig.wait_answer(Node::Ha2, SOON);
    mail.read(Node::Ha2, 40);
    mail.deliver(Node::Ha2, 5);
    mail.boot(Node::Ha1);
    let server = mail.at_rest();
    mail.nothing_lost(server);
}

/// Stories that nobody wrote: `HBD_STORIES` of them (10), from seed `HBD_SEED` (1) on; every second one.
fn random_stories(half: u64) {
    let number =
        |name: &str, usual: u64| std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(usual);
    let first = number("HBD_SEED", 1);
    for seed in (first..first + number("HBD_STORIES", 10)).filter(|seed| seed % 2 == half) {
        let Some(mut mail) = Mail::settled(&format!("story {seed}"), By::Rsync, "stale accept") else {
            return;
        };
        story(&mut mail, seed);
        println!("story {seed}: no mail is lost");
    }
}

#[test]
fn random_stories_of_even_seeds() {
    random_stories(0);
}

#[test]
fn random_stories_of_odd_seeds() {
    random_stories(1);
}

fn story(mail: &mut Mail, seed: u64) {
    use hb_hil::netns::Cable;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut dice = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    for _ in 0..6 {
        // Whoever serves at the moment accepts mail, for both sides of a cut as well.
        for node in Node::BOTH {
            if mail.rig.group(node) == "held" {
                mail.deliver(node, dice(6) as u32);
                mail.read(node, dice(8) as usize);
            }
        }
        let node = Node::BOTH[dice(2) as usize];
        match dice(7) {
            0 => std::thread::sleep(Duration::from_millis(200 + dice(2500))),
            1 => {
                if mail.rig.machine(node).is_on() {
                    mail.rig.power_off(node);
                    if dice(2) == 0 {
                        lose_the_last(mail, node);
                    }
                } else {
                    mail.boot(node);
                }
            }
            2 => {
                let every = [Cable::Cross, Cable::Lan(Node::Ha1)];
                mail.rig.cut(&every);
                std::thread::sleep(Duration::from_millis(500 + dice(3000)));
                for node in Node::BOTH {
                    if mail.rig.group(node) == "held" {
                        mail.deliver(node, 1 + dice(4) as u32);
                    }
                }
                mail.rig.mend(&every);
            }
            3 => drop(mail.rig.machine(node).is_on().then(|| mail.rig.hbd(node, &["standby", "--no-wait"]))),
            4 => drop(mail.rig.machine(node).is_on().then(|| mail.rig.hbd(node, &["sync", "--no-wait"]))),
            5 => kill_a_pull(mail, node),
            _ => std::thread::sleep(Duration::from_millis(dice(1500))),
        }
    }
    for node in Node::BOTH {
        if !mail.rig.machine(node).is_on() {
            mail.boot(node);
        }
    }
    let server = mail.at_rest();
    mail.nothing_lost(server);
}

/// The pull that runs there, if one does, dies in the middle.
fn kill_a_pull(mail: &Mail, node: Node) {
    if mail.rig.machine(node).is_on() {
        mail.rig.hbd(node, &["sync", "--no-wait"]);
        mail.run(node, &["sh", "-c", "for pid in $(ps -C rsync -o pid=,args= | awk '/--delete/ {print $1}'); do kill -9 $pid; done; :"]);
    }
}

/// A power cut takes the newest mails that were not on the disk yet, of those that the other node has.
fn lose_the_last(mail: &Mail, node: Node) {
    let there = Mail::tree(&mail.path(node.other(), "disk"));
    let new = mail.path(node, "disk/user/new");
    let mut names: Vec<_> =
        fs::read_dir(&new).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
    names.sort();
    for name in names.iter().rev().take(3) {
        if there.contains_key(&*name.to_string_lossy()) {
            fs::remove_file(new.join(name)).expect("the power cut");
        }
    }
}
