//! A mail store for the stories of the data (DESIGN §9): a Maildir on each machine's disk, a generator of mail, and the
//! check that each mail is in the service's tree or listed by `hbd data list`.

use hb_hil::netns::{Builder, Files, Node, Rig, skip};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Where the store is on both machines: a folder of the machine's disk, mounted at each boot.
pub(crate) const STORE: &str = "/mnt/jdmail";
/// The seed's group.
pub(crate) const GROUP: &str = "192.168.2.50";
const LIMIT: Duration = Duration::from_secs(60);

/// How the nodes reach each other's disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// An rsync daemon on each.
    Rsync,
    /// `sshd` on each.
    Ssh,
}

/// Stands before rsync, and refuses what rsync 2.5.5 of Red Hat 9 does not know.
const OLD_RSYNC: &str = r#"#!/bin/sh
for word; do
    case $word in
    --server) break ;;
    --verbose|--quiet|--checksum|--archive|--backup|--backup-dir|--backup-dir=*|--suffix=*|--delete|--delete-after) ;;
    --delete-excluded|--ignore-errors|--max-delete=*|--partial|--force|--numeric-ids|--timeout|--timeout=*) ;;
    --exclude|--exclude=*|--include=*|--exclude-from=*|--include-from=*|--stats|--progress|--bwlimit=*) ;;
    --daemon|--no-detach|--config|--config=*|--port=*|--address=*|--rsync-path=*|--existing|--ignore-existing) ;;
    --*) echo "rsync 2.5.5: $word: unknown option" >&2; exit 1 ;;
    -*[!vqcarRbulLHpogDtSnWxBeCITPzh]*) echo "rsync 2.5.5: $word: unknown option" >&2; exit 1 ;;
    esac
done
exec /usr/bin/rsync "$@"
"#;

/// The same for ssh of OpenSSH 3.5.
const OLD_SSH: &str = r#"#!/bin/sh
value=
for word; do
    if [ -n "$value" ]; then
        case $value$word in
        -oBatchMode=*|-oUserKnownHostsFile=*|-oGlobalKnownHostsFile=*|-oStrictHostKeyChecking=*|-oIdentityFile=*) ;;
        -oPort=*|-oProtocol=*|-oKeepAlive=*|-oCiphers=*|-oCompression=*|-oUser=*|-oLogLevel=*|-oHostKeyAlias=*) ;;
        -o*) echo "OpenSSH 3.5: $word: bad configuration option" >&2; exit 255 ;;
        esac
        value=
        continue
    fi
    case $word in
    -[bcDeFiIlLmopR]) value=$word ;;
    -[1246aAACfgknNqstTvVxX]) ;;
    -*) echo "OpenSSH 3.5: $word: illegal option" >&2; exit 255 ;;
    *) break ;;
    esac
done
exec /usr/bin/ssh "$@"
"#;

/// A pair with a mail store, and every mail that was accepted: its name to its text.
pub(crate) struct Mail {
    pub(crate) rig: Rig,
    by: By,
    accepted: BTreeMap<String, String>,
    next: u32,
}

/// What `ha.cf` says of the store: pulls every second.
pub(crate) fn directives(by: By, more: &str) -> String {
    let transport = match by {
        By::Rsync => "transport rsync module mail".to_owned(),
        By::Ssh => "transport ssh".to_owned(),
    };
    let mut text = format!(
        "data {GROUP} directory {STORE} mountpoint yes interval 1 limit 20\n\
         data {GROUP} address ha-1 192.168.2.2 address ha-2 192.168.2.3\n\
         data {GROUP} {transport} {more}\n"
    );
    if by == By::Ssh {
        text += &format!(
            "data {GROUP} command ssh -i /mnt/key -o BatchMode=yes -o UserKnownHostsFile=/mnt/known_hosts\n"
        );
    }
    text
}

impl Mail {
    /// Both daemons run, ha-1 holds. `None` where there is no rig, or no rsync.
    pub(crate) fn settled(name: &str, by: By, more: &str) -> Option<Self> {
        let lines = directives(by, more);
        Self::build(name, by, move |mut files: Files| {
            files.ha_cf += "\n";
            files.ha_cf += &lines;
            files
        })
    }

    pub(crate) fn build(name: &str, by: By, edit: impl Fn(Files) -> Files + 'static) -> Option<Self> {
        for program in ["rsync", "sshd"] {
            if !["/usr/bin", "/usr/sbin"].iter().any(|dir| Path::new(dir).join(program).exists()) {
                skip(name, &format!("needs {program} (cargo xtask setup)"));
                return None;
            }
        }
        let rig = Builder::new(name).edit(edit).build()?;
        if Node::BOTH.iter().any(|node| rig.hbd(*node, &["data", "list"]).code == Some(3)) {
            skip(name, "this build of hbd has no data");
            return None;
        }
        let mail = Self { rig, by, accepted: BTreeMap::new(), next: 1 };
        for node in Node::BOTH {
            for folder in ["mnt/jdmail", "old", "disk/user/new", "disk/user/cur", "disk/user/tmp"] {
                fs::create_dir_all(mail.rig.machine(node).path(folder)).expect("a folder");
            }
        }
        if by == By::Ssh {
            mail.keys();
            for node in Node::BOTH {
                fs::write(mail.path(node, "mnt/slow"), "exec ssh \"$@\"\n").expect("a script");
            }
        }
        for node in Node::BOTH {
            mail.mount(node);
        }
        mail.rig.start_both();
        mail.rig.wait_settled(Node::Ha1, LIMIT);
        Some(mail)
    }

    /// Run a command on a machine; its standard output.
    pub(crate) fn run(&self, node: Node, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let output = self.rig.machine(node).run(&mut command, LIMIT).expect("the machine runs it");
        assert_eq!(output.code, Some(0), "{words:?}: {output:?}");
        output.stdout
    }

    /// The keys of `docs/data.md`: each node's own key is let in on the other one.
    fn keys(&self) {
        for node in Node::BOTH {
            let key = self.path(node, "mnt/key");
            for (file, about) in [(&key, "root"), (&self.path(node, "mnt/host_key"), "host")] {
                let mut make = Command::new("ssh-keygen");
                make.args(["-q", "-t", "ed25519", "-N", "", "-C", about, "-f"]).arg(file);
                assert!(make.status().expect("ssh-keygen").success());
            }
        }
        for node in Node::BOTH {
            let other = node.other();
            let public = fs::read_to_string(self.path(other, "mnt/key.pub")).expect("a key");
            fs::write(self.path(node, "mnt/authorized_keys"), public).expect("written");
            let host = fs::read_to_string(self.path(other, "mnt/host_key.pub")).expect("a key");
            let address = if other == Node::Ha1 { "192.168.2.2" } else { "192.168.2.3" };
            fs::write(self.path(node, "mnt/known_hosts"), format!("{address} {host}")).expect("written");
        }
    }

    /// What a boot does: mount the disk, start the server of the transport.
    fn mount(&self, node: Node) {
        let machine = self.rig.machine(node);
        let place = |below: &str| machine.path(below).display().to_string();
        self.run(node, &["mount", "--bind", &place("mnt"), "/mnt"]);
        self.run(node, &["mount", "--bind", &place("disk"), STORE]);
        if self.by == By::Ssh {
            // First on the daemon's path: programs that know no more than those of Red Hat 9.
            for (name, text) in [("rsync", OLD_RSYNC), ("ssh", OLD_SSH)] {
                machine.write(&format!("old/{name}"), text);
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(machine.path(&format!("old/{name}")), mode).expect("a mode");
            }
            self.run(node, &["mount", "--bind", &place("old"), "/usr/local/sbin"]);
            let refused = self.run(node, &["sh", "-c", "/usr/local/sbin/rsync --info=stats2 2>&1; /usr/local/sbin/ssh -o ConnectTimeout=1 x 2>&1; :"]);
            assert!(
                refused.contains("unknown option") && refused.contains("bad configuration option"),
                "{refused}"
            );
        }
        let mut server = match self.by {
            By::Rsync => {
                machine.write(
                    "etc/rsyncd.conf",
                    &format!(
                        "use chroot = no\nuid = root\ngid = root\n[mail]\npath = {STORE}\nread only = yes\n"
                    ),
                );
                let mut server = Command::new("rsync");
                server.args(["--daemon", "--no-detach", "--config"]).arg(machine.path("etc/rsyncd.conf"));
                server
            }
            By::Ssh => {
                self.run(node, &["mkdir", "-p", "/run/sshd"]);
                let mut server = Command::new("/usr/sbin/sshd");
                server.args(["-D", "-e", "-f", "/dev/null", "-h", "/mnt/host_key", "-o", "UsePAM=no"]);
                server.args(["-o", "AuthorizedKeysFile=/mnt/authorized_keys", "-o", "StrictModes=no"]);
                // Not the home of whoever runs the tests: what its `.bashrc` does is none of the story.
                server.args(["-o", "PidFile=none", "-o", "SetEnv=HOME=/mnt"]);
                server
            }
        };
        let log = fs::File::create(machine.path("log/transport")).expect("a log");
        server.stdout(log.try_clone().expect("a log")).stderr(log);
        machine.launch(&mut server).expect("the server of the transport");
    }

    pub(crate) fn path(&self, node: Node, below: &str) -> PathBuf {
        self.rig.machine(node).path(below)
    }

    /// Power on, mount, start the daemon.
    pub(crate) fn boot(&self, node: Node) {
        self.rig.power_on(node);
        self.mount(node);
        self.rig.start(node);
    }

    /// The server of `node` accepts so many mails; their names.
    pub(crate) fn deliver(&mut self, node: Node, count: u32) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            let name = format!("{:06}.{}", self.next, node.name());
            let text = format!("mail {name}\n{}", "x".repeat(self.next as usize % 700));
            self.next += 1;
            let (tmp, new) = (format!("disk/user/tmp/{name}"), format!("disk/user/new/{name}"));
            fs::write(self.path(node, &tmp), &text).expect("a mail");
            if node == Node::Ha2 {
                // Its clock is an hour ahead.
                let ahead = SystemTime::now() + Duration::from_secs(3600);
                let file = fs::File::options().write(true).open(self.path(node, &tmp)).expect("a mail");
                file.set_modified(ahead).expect("a time");
            }
            fs::rename(self.path(node, &tmp), self.path(node, &new)).expect("delivered");
            self.accepted.insert(name.clone(), text);
            names.push(name);
        }
        self.rig.note(format!("{count} mails on {}", node.name()));
        names
    }

    /// Somebody reads so many mails there: from `new` to `cur`.
    pub(crate) fn read(&self, node: Node, count: usize) {
        let new = self.path(node, "disk/user/new");
        for entry in fs::read_dir(&new).into_iter().flatten().flatten().take(count) {
            let to = format!("disk/user/cur/{}:2,S", entry.file_name().to_string_lossy());
            let _ = fs::rename(entry.path(), self.path(node, &to));
        }
    }

    /// Every mail of a tree: name to text.
    pub(crate) fn tree(dir: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for folder in ["user/new", "user/cur"] {
            for entry in fs::read_dir(dir.join(folder)).into_iter().flatten().flatten() {
                let file = entry.file_name().to_string_lossy().into_owned();
                let name = file.split(':').next().unwrap_or_default().to_owned();
                found.insert(name, fs::read_to_string(entry.path()).unwrap_or_default());
            }
        }
        found
    }

    /// Has `node` all of these on its disk?
    pub(crate) fn has(&self, node: Node, names: &[String]) -> bool {
        let tree = Self::tree(&self.path(node, "disk"));
        names.iter().all(|name| tree.contains_key(name))
    }

    /// Wait until `node` has pulled all of these, and says so.
    pub(crate) fn wait_pulled(&self, node: Node, names: &[String]) {
        self.rig.wait(&format!("{} has {} mails", node.name(), names.len()), LIMIT, || {
            self.rig.hbd(node, &["sync", GROUP]).code == Some(0) && self.has(node, names)
        });
    }

    /// Mails that are neither in the tree of `server` nor listed by either node.
    pub(crate) fn lost(&self, server: Node) -> Vec<String> {
        let tree = Self::tree(&self.path(server, "disk"));
        let listed: String =
            Node::BOTH.iter().map(|node| self.rig.hbd(*node, &["data", "list", GROUP]).stdout).collect();
        let gone = |(name, text): &(&String, &String)| {
            tree.get(*name).is_none_or(|there| there != *text) && !listed.contains(name.as_str())
        };
        self.accepted.iter().filter(gone).map(|(name, _)| name.clone()).collect()
    }

    /// The node that holds the group alone.
    pub(crate) fn server(&self) -> Option<Node> {
        let states = Node::BOTH.map(|node| self.rig.group(node));
        match states.each_ref().map(|state| state == "held") {
            [true, false] => Some(Node::Ha1),
            [false, true] => Some(Node::Ha2),
            _ => None,
        }
    }

    /// Both nodes are up, one of them serves, the other one has pulled from it since.
    pub(crate) fn at_rest(&self) -> Node {
        let mut server = None;
        self.rig.wait("one serves and the other one has pulled", LIMIT, || {
            server = self.server();
            let Some(other) = server.map(Node::other) else { return false };
            self.rig.hbd(other, &["sync", GROUP]).code == Some(0) && self.server() == server
        });
        server.expect("one that serves")
    }

    /// Everything is served or listed.
    pub(crate) fn nothing_lost(&self, server: Node) {
        let lost = self.lost(server);
        assert!(lost.is_empty(), "{} of {} mails are lost: {lost:?}", lost.len(), self.accepted.len());
    }

    /// What the manual's cron line would have made of these two disks, `from` copied over `to`: mails that no disk has.
    pub(crate) fn manual(&self, from: Node, to: Node) -> usize {
        let (a, b) = (self.path(from, "disk"), self.path(from, "manual"));
        let copy = |from: &Path, to: &Path| {
            let words = ["-a", "--delete", "--exclude=/.hbd"];
            let status = Command::new("rsync").args(words).arg(from.join("")).arg(to.join("")).status();
            assert!(status.expect("rsync").success());
        };
        copy(&self.path(to, "disk"), &b);
        copy(&a, &b);
        let (first, second) = (Self::tree(&a), Self::tree(&b));
        self.accepted.keys().filter(|name| !first.contains_key(*name) && !second.contains_key(*name)).count()
    }
}
