//! `hbd install` of the built binary below copied roots, and the files that it puts: the init script under every shell that
//! this machine has, the unit, the completion.

mod listing;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A root, removed with the test.
struct Root(PathBuf);

impl Root {
    /// A copy of this machine's `/etc`, with the folders that a system has beside it.
    fn copied(name: &str) -> Self {
        let root = Self::empty(name);
        let copied = Command::new("cp").args(["-a", "/etc"]).arg(root.path("etc")).status().unwrap();
        assert!(copied.success());
        for dir in
            ["usr/sbin", "usr/bin", "usr/lib", "usr/share/man/man8", "var/lib", "var/log", "lib/systemd"]
        {
            fs::create_dir_all(root.path(dir)).unwrap();
        }
        root
    }

    fn empty(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-install-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    fn write(&self, below: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn install(&self, words: &[&str]) -> String {
        let output = self.try_install(words);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn try_install(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hbd"))
            .args(["install", "--root"])
            .arg(&self.0)
            .args(words)
            .output()
            .unwrap()
    }

    /// Everything in it.
    fn all(&self) -> Vec<String> {
        listing::listing(&self.0)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_copied_root_is_the_same_again_to_the_byte() {
    let root = Root::copied("identical");
    root.write("lib/systemd/systemd", "", 0o755);
    let before = root.all();
    let would = root.install(&["--dry-run"]);
    assert_eq!(root.all(), before, "a dry run touched something");
    let did = root.install(&[]);
    for path in
        ["/usr/sbin/hbd", "/init.d/heartbeat", "/etc/systemd/system/heartbeat.service", "/etc/ha.d/authkeys"]
    {
        assert!(would.contains(path) && did.contains(path), "{path}\n{would}\n{did}");
    }
    assert!(
        did.contains("left to do     /bin/systemctl daemon-reload") || !root.path("bin/systemctl").exists()
    );
    let meta = fs::metadata(root.path("etc/ha.d/authkeys")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o7777, 0o600);
    let own = fs::read(env!("CARGO_BIN_EXE_hbd")).unwrap();
    assert!(fs::read(root.path("usr/sbin/hbd")).unwrap() == own);
    assert_eq!(fs::read_link(root.path("usr/bin/cl_status")).unwrap(), Path::new("/usr/sbin/hbd"));
    let installed = root.all();
    let again = root.install(&[]);
    assert!(!again.contains("installed") && root.all() == installed, "{again}");
    root.install(&["--dry-run", "--uninstall"]);
    assert_eq!(root.all().len(), installed.len());
    root.install(&["--uninstall"]);
    assert!(root.all() == before, "left over, or gone");
}

#[test]
fn it_refuses_beside_the_originals_package_and_says_how_to_remove_it() {
    let root = Root::empty("package");
    root.write("var/lib/dpkg/status", "Package: heartbeat\nStatus: install ok installed\n", 0o644);
    for words in [&[][..], &["--from-heartbeat"], &["--dry-run"]] {
        let output = root.try_install(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("apt-get remove heartbeat"), "{said}");
    }
    assert!(!root.path("usr").exists());
}

/// The shells of this machine.
fn shells() -> Vec<&'static str> {
    let there = |shell: &&str| {
        Command::new("/bin/sh")
            .args(["-c", &format!("{shell} -c :")])
            .output()
            .is_ok_and(|o| o.status.success())
    };
    ["dash", "bash", "bash --posix", "busybox ash"].into_iter().filter(there).collect()
}

#[test]
fn every_verb_of_the_init_script_under_every_shell() {
    let root = Root::empty("init");
    fs::create_dir_all(root.path("etc/rc.d/init.d")).unwrap();
    root.install(&[]);
    // It writes down how it was called, and answers as it was told.
    let stub = root.write(
        "stub",
        &format!("#!/bin/sh\necho \"$@\" >>{0}/calls\nexit `cat {0}/code`\n", root.0.display()),
        0o755,
    );
    let lock = root.path("subsys/heartbeat");
    fs::create_dir_all(root.path("subsys")).unwrap();
    let shells = shells();
    assert!(!shells.is_empty());
    for shell in shells {
        let call = |verb: &str, code: i32| {
            fs::write(root.path("code"), code.to_string()).unwrap();
            let _ = fs::remove_file(root.path("calls"));
            let line = format!("{shell} {} {verb}", root.path("etc/rc.d/init.d/heartbeat").display());
            let output = Command::new("/bin/sh")
                .args(["-c", &line])
                .env("HBD_PROGRAM", &stub)
                .env("HBD_SUBSYS", root.path("subsys"))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code().unwrap(), fs::read_to_string(root.path("calls")).unwrap_or_default(), said)
        };
        for verb in ["start", "status", "reload", "force-reload", "standby", "restart", "stop"] {
            let was = lock.exists();
            for code in [1, 7] {
                assert_eq!(call(verb, code), (code, format!("heartbeat {verb}\n"), String::new()), "{shell}");
                assert_eq!(lock.exists(), was, "{shell}: {verb} failed, and is as if it had not");
            }
            assert_eq!(call(verb, 0), (0, format!("heartbeat {verb}\n"), String::new()), "{shell}");
            assert_eq!(lock.exists(), verb != "stop", "{shell}: rc calls K scripts by this file: {verb}");
        }
        for verb in ["", "begin"] {
            let (code, calls, said) = call(verb, 0);
            assert!(
                code == 2 && calls.is_empty() && said.contains("start|stop|status|restart|reload"),
                "{shell}: {said}"
            );
        }
        // A system without that folder, and one from which the program was removed.
        fs::remove_dir(root.path("subsys")).unwrap();
        assert_eq!((call("start", 0).0, call("stop", 0).0), (0, 0), "{shell}");
        fs::create_dir(root.path("subsys")).unwrap();
        fs::rename(&stub, root.path("gone")).unwrap();
        assert_eq!((call("start", 0).0, call("stop", 0).0), (5, 0), "{shell}");
        fs::rename(root.path("gone"), &stub).unwrap();
    }
}

#[test]
fn rc_finds_what_it_reads_in_the_init_script() {
    let root = Root::empty("header");
    root.install(&[]);
    let script = fs::read_to_string(root.path("etc/init.d/heartbeat")).unwrap();
    let head: Vec<&str> = script.lines().take_while(|line| line.starts_with('#')).collect();
    for line in [
        "#!/bin/sh",
        "# chkconfig: 2345 75 05",
        "### BEGIN INIT INFO",
        "# Default-Stop:      0 1 6",
        "### END INIT INFO",
    ] {
        assert!(head.contains(&line), "{line}: {head:?}");
    }
    assert!(head.iter().any(|line| line.starts_with("# description: ")));
}

#[test]
fn the_unit_says_what_it_must_and_systemd_understands_it() {
    let root = Root::empty("unit");
    root.write("lib/systemd/systemd", "", 0o755);
    root.install(&[]);
    let path = root.path("etc/systemd/system/heartbeat.service");
    let unit = fs::read_to_string(&path).unwrap();
    for line in [
        "Type=notify",
        "KillMode=process",
        "SendSIGKILL=no",
        "OOMPolicy=continue",
        "TasksMax=infinity",
        "Alias=hbd.service",
    ] {
        assert!(unit.lines().any(|have| have == line), "{line}");
    }
    for link in ["hbd.service", "multi-user.target.wants/heartbeat.service"] {
        let target = fs::read_link(root.path("etc/systemd/system").join(link)).unwrap();
        assert_eq!(target, Path::new("/etc/systemd/system/heartbeat.service"));
    }
    // Its program is looked for on this machine.
    let here =
        root.write("heartbeat.service", &unit.replace("/usr/sbin/hbd", env!("CARGO_BIN_EXE_hbd")), 0o644);
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(here).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let ours: Vec<&str> = said.lines().filter(|line| line.contains("heartbeat.service")).collect();
            assert!(ours.is_empty(), "{ours:?}");
        }
        Err(_) => println!("SKIPPED: no systemd-analyze here"),
    }
}

#[test]
fn bash_completes_verbs_and_options() {
    let root = Root::empty("completion");
    fs::create_dir_all(root.path("etc/bash_completion.d")).unwrap();
    root.install(&[]);
    let file = root.path("etc/bash_completion.d/hbd");
    let complete = |words: &str| {
        let script = format!(
            ". {}; hbd() {{ {} \"$@\"; }}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _hbd; echo ${{COMPREPLY[@]}}",
            file.display(),
            env!("CARGO_BIN_EXE_hbd")
        );
        let output = Command::new("bash").args(["-c", &script]).output();
        output.map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if complete("hbd st").is_err() {
        return println!("SKIPPED: no bash here");
    }
    for (words, answer) in [
        ("hbd sta", "status standby"),
        ("hbd h", "help"),
        ("hbd status --j", "--json"),
        ("hbd takeover fo", "foreign"),
        ("hbd install --from", "--from-heartbeat"),
        ("hbd run --conf", "--config-dir"),
    ] {
        let said = complete(words).unwrap();
        assert!(answer.split(' ').all(|word| said.split(' ').any(|have| have == word)), "{words}: {said}");
    }
}
