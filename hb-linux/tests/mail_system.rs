//! The embedded `jdmail` with a mail system made of the manual's scripts, under every shell that this machine has.

mod netns;

use netns::run;
use netns::shells::{Rig, begin, each, end, gone, until};
use std::fs;

/// A mail system in `dir/jdmail` by the manual's scripts: a server that watches `control/.shutdown`, and a Tomcat. Both are
/// copies of a shell under the names that the real ones have.
fn mail_system(rig: &Rig) {
    let root = rig.dir.join("jdmail");
    let at = root.display();
    run(&format!("mkdir -p {at}/control {at}/web/bin {at}/web/logs {at}/jdk/bin"));
    run(&format!("cp $(command -v dash || command -v bash) {at}/jdmail && cp {at}/jdmail {at}/jdk/bin/java"));
    // As in the manual; the server is a shell here and is told what to do.
    rig.program(
        "jdmail/startjd.sh",
        &format!("#!/bin/sh\ncd {at}\necho the server begins\n./jdmail {at}/server.sh & \n"),
    );
    rig.program(
        "jdmail/server.sh",
        "[ ! -e refuses ] || exit 1\n[ ! -e deaf ] || trap '' TERM\nwhile [ -e deaf ] || [ ! -e control/.shutdown ]; do sleep 0.1; done\n",
    );
    rig.program(
        "jdmail/web/bin/startup.sh",
        &format!(
            "#!/bin/sh\n{at}/jdk/bin/java {at}/tomcat.sh -Dcatalina.base={at}/web -Dcatalina.home={at}/web start >>{at}/web/logs/catalina.out 2>&1 &\n"
        ),
    );
    rig.program("jdmail/tomcat.sh", &format!("echo $$ >{at}/tomcat.pid\nwhile :; do sleep 0.1; done\n"));
    rig.program("jdmail/web/bin/shutdown.sh", &format!("#!/bin/sh\nkill $(cat {at}/tomcat.pid)\n"));
}

/// The same rig, with the log of the mail system in it.
fn logging(rig: &Rig) -> Rig {
    Rig { dir: rig.dir.clone(), shell: rig.shell, env: format!("JDMAIL_LOG={}/log", rig.dir.display()) }
}

#[test]
fn jdmail_runs_by_the_vendors_scripts() {
    each("jdmail_runs_by_the_vendors_scripts", |rig| {
        mail_system(rig);
        let root = rig.dir.join("jdmail");
        let at = root.display();
        let rig = &logging(rig);
        let call = |verb: &str| format!("{at} {verb}");
        let (start, stop, status) = (call("start"), call("stop"), call("status"));
        // The mark of a stop that came with a copy of the other node's directory.
        fs::write(root.join("control/.shutdown"), "").unwrap();
        rig.expect(
            "jdmail",
            &[
                (&status, 3, "stopped"),
                (&stop, 0, ""),
                (&start, 0, ""),
                (&status, 0, "running"),
                (&start, 0, ""),
                (&call("monitor"), 0, "running"),
            ],
        );
        assert!(fs::read_to_string(rig.dir.join("log")).unwrap().contains("the server begins"));
        // The vendor's own loop would wait for this one for ever; it is neither waited for nor ended.
        let mut rsync = begin(&format!("exec sh -c 'while :; do sleep 1; done' {at}"));
        end(&root.join("tomcat.pid"));
        until("the web part is gone", || rig.call("jdmail", &status).1 != "running");
        rig.expect("jdmail", &[(&status, 1, "mail server: running\nweb part: stopped"), (&start, 0, "")]);
        rig.expect("jdmail", &[(&stop, 0, ""), (&status, 3, "stopped"), (&stop, 0, "")]);
        assert!(rsync.try_wait().unwrap().is_none(), "a copy of the directory was ended");
        gone(rsync);
        assert!(!root.join("control/.shutdown").exists(), "it would end the next one");
        // A server that does not come up is a start that failed, with a reason.
        fs::write(root.join("refuses"), "").unwrap();
        rig.expect(
            "jdmail",
            &[(&start, 1, "it did not come up: see "), (&stop, 0, ""), (&status, 3, "stopped")],
        );
        rig.expect(
            "jdmail",
            &[
                ("/nowhere status", 3, "stopped"),
                ("/nowhere start", 1, "/nowhere/startjd.sh is not there"),
                ("here start", 1, "is no directory by its full path; write jdmail::/jdmail"),
                ("", 2, "usage"),
                ("restart", 2, "usage"),
                ("a b start", 2, "usage"),
            ],
        );
    });
}

#[test]
fn jdmail_ends_what_does_not_end() {
    each("jdmail_ends_what_does_not_end", |rig| {
        mail_system(rig);
        let root = rig.dir.join("jdmail");
        let at = root.display().to_string();
        fs::write(root.join("deaf"), "").unwrap();
        // The steps of a stop are half a minute apart: here a nap counts ten times.
        let script = rig.dir.join("resource.d/jdmail");
        let text = fs::read_to_string(&script).unwrap().replace("waited + 1)", "waited + 10)");
        fs::write(&script, text).unwrap();
        rig.program(
            "jdmail/web/bin/shutdown.sh",
            &format!("#!/bin/sh\necho $$ >{at}/hangs\nexec sleep 60\n"),
        );
        let rig = &logging(rig);
        rig.expect("jdmail", &[(&format!("{at} start"), 0, ""), (&format!("{at} status"), 0, "running")]);
        let (code, said) = rig.call("jdmail", &format!("{at} stop"));
        assert_eq!(code, 0, "{}: {said}", rig.shell);
        assert!(said.contains("SIGTERM") && said.contains("SIGKILL"), "{}: {said}", rig.shell);
        rig.expect("jdmail", &[(&format!("{at} status"), 3, "stopped")]);
        end(&root.join("hangs"));
    });
}
