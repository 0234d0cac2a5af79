//! The small resource scripts of the binary: one table of calls for each, under every shell that this machine has.

mod netns;

use netns::run;
use netns::shells::{each, end, until};
use std::fs;

#[test]
fn a_mail_tells_and_never_holds_up() {
    each("a_mail_tells_and_never_holds_up", |rig| {
        let dir = rig.dir.display().to_string();
        rig.program(
            "bin/mail",
            &format!("#!/bin/sh\necho $$ >>{dir}/pids\necho \"$@\" >>{dir}/mails\nexec sleep 600\n"),
        );
        rig.expect(
            "MailTo",
            &[
                ("root,me@example.org status", 3, "stopped"),
                ("root,me@example.org stop", 0, ""),
                ("root,me@example.org start", 0, ""),
                ("root,me@example.org start", 0, ""),
                ("root,me@example.org monitor", 0, "running"),
                ("root,me@example.org Mail-group status", 3, "stopped"),
                ("root,me@example.org stop", 0, ""),
                ("root,me@example.org status", 3, "stopped"),
                ("root,me@example.org stop", 0, ""),
                ("", 2, "usage"),
                ("'a;b' start", 2, "no list of addresses"),
                ("root restart", 2, "usage"),
            ],
        );
        until("both mails are told", || {
            fs::read_to_string(rig.dir.join("mails")).unwrap_or_default().lines().count() == 2
        });
        let mails = fs::read_to_string(rig.dir.join("mails")).unwrap();
        assert!(
            mails.contains("-s Resource group takeover at ")
                && mails.contains("-s Resource group given away at ")
                && mails.lines().all(|line| line.ends_with(" root me@example.org")),
            "{}: {mails}",
            rig.shell
        );
        end(&rig.dir.join("pids"));
    });
}

#[test]
fn a_delay_waits_once_each_way() {
    each("a_delay_waits_once_each_way", |rig| {
        rig.program("bin/sleep", &format!("#!/bin/sh\necho \"$1\" >>{}/slept\n", rig.dir.display()));
        // busybox has a sleep of its own.
        let (pause, after) = if rig.shell == "busybox ash" { ("0", "0") } else { ("30", "7") };
        let call = |verb: &str| format!("{pause} {after} {verb}");
        rig.expect(
            "Delay",
            &[
                (&call("status"), 3, "stopped"),
                (&call("stop"), 0, ""),
                (&call("start"), 0, ""),
                (&call("start"), 0, ""),
                (&call("status"), 0, "running"),
                (&call("stop"), 0, ""),
                (&call("stop"), 0, ""),
                (&call("monitor"), 3, "stopped"),
                ("x start", 2, "usage"),
                ("start", 2, "usage"),
                ("3 restart", 2, "usage"),
            ],
        );
        if pause != "0" {
            assert_eq!(fs::read_to_string(rig.dir.join("slept")).unwrap(), "30\n7\n", "{}", rig.shell);
        }
    });
}

#[test]
fn units_of_systemd_are_one_resource() {
    each("units_of_systemd_are_one_resource", |rig| {
        let dir = rig.dir.display().to_string();
        run("mountpoint -q /run && umount -l /run; mount -t tmpfs run /run; mkdir -p /run/systemd/system");
        // Units are files; all calls are written down.
        rig.program(
            "bin/systemctl",
            &format!(
                "#!/bin/sh\necho \"$*\" >>{dir}/calls\ncd {dir}/run || exit 1\n\
                 while case $1 in --*) ;; *) false ;; esac; do shift; done\nverb=$1\nshift\n\
                 case $verb in\nstart) touch \"$@\" ;;\nstop) rm -f \"$@\" ;;\n\
                 is-active) if [ -e busy ]; then echo activating; exit 3; elif [ -e \"$1\" ]; then echo active; else echo inactive; exit 3; fi ;;\n\
                 is-system-running) if [ -e leaving ]; then echo stopping; exit 1; else echo running; fi ;;\nesac\n"
            ),
        );
        rig.expect(
            "systemd",
            &[
                ("mail web.service status", 3, "stopped"),
                ("mail web.service start", 0, ""),
                ("mail web.service status", 0, "running"),
                ("mail web.service start", 0, ""),
            ],
        );
        let drop_in = fs::read_to_string("/run/systemd/system/mail.service.d/90-hbd.conf").unwrap();
        assert_eq!(drop_in, "[Unit]\nBefore=heartbeat.service\n[Service]\nRestart=no\n");
        assert!(std::path::Path::new("/run/systemd/system/web.service.d/90-hbd.conf").exists());
        let calls = fs::read_to_string(rig.dir.join("calls")).unwrap();
        assert_eq!(calls.matches("daemon-reload").count(), 1, "{calls}");
        fs::remove_file(rig.dir.join("run/mail")).unwrap();
        rig.expect("systemd", &[("mail web.service status", 1, "running\nstopped")]);
        fs::write(rig.dir.join("run/busy"), "").unwrap();
        rig.expect("systemd", &[("mail web.service status", 1, ": activating")]);
        fs::remove_file(rig.dir.join("run/busy")).unwrap();
        rig.expect(
            "systemd",
            &[("mail web.service stop", 0, ""), ("mail web.service monitor", 3, "stopped")],
        );
        // Its own stop of the units waits for the daemon then.
        let calls = fs::read_to_string(rig.dir.join("calls")).unwrap();
        assert!(calls.contains("--job-mode=ignore-dependencies stop mail web.service"), "{calls}");
        // A machine that shuts down starts nothing again.
        fs::write(rig.dir.join("run/leaving"), "").unwrap();
        rig.expect(
            "systemd",
            &[
                ("mail start", 1, "this machine shuts down"),
                ("mail status", 3, "stopped"),
                ("", 2, "usage"),
                ("'a b*' start", 2, "usage"),
                ("mail restart", 2, "usage"),
            ],
        );
        run("rmdir /run/systemd/system/* 2>/dev/null; rm -r /run/systemd");
        rig.expect("systemd", &[("mail status", 1, "systemd does not run here")]);
        run("umount /run");
    });
}
