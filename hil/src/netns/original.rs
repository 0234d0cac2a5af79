//! The original Heartbeat on a machine of the rig, from Debian's packages, which need not be installed for it.
//!
//! Where they are not, they are downloaded and unpacked below the target folder, once. On the machine, overlays put them
//! over its own view of `/usr`, `/etc` and `/var/lib`.

use super::clock::Stamp;
use super::machine::{Machine, write_script};
use super::package;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// The packages.
#[derive(Clone, Debug)]
pub struct Original {
    /// Where they are unpacked; `None` where they are installed.
    root: Option<PathBuf>,
}

/// In place of its own, which needs a dozen other packages: the daemon is what is wanted here. `HBD` is the program that
/// announces the address.
const IPADDR: &str = "#!/bin/sh\n\
    case \"$2\" in\n\
    start)\n\
        ip addr add \"$1/24\" dev eth0 label eth0:0 || exit 1\n\
        HBD send-arp -i 250 -r 5 eth0 \"$1\" >/dev/null 2>&1 & ;;\n\
    stop) ip addr del \"$1/24\" dev eth0 2>/dev/null; exit 0 ;;\n\
    *) ip addr show dev eth0 | grep -q \"inet $1/\" && echo running || echo stopped ;;\n\
    esac\n";
/// An ordered stop gets this long.
const STOPPED: Duration = Duration::from_secs(60);
const PROGRAM: &str = "/usr/libexec/heartbeat/heartbeat";

impl Original {
    /// Download (apt, as root) and unpack what is not there yet.
    ///
    /// # Errors
    /// Why they are not to be had here, for a message that says that something is skipped.
    pub fn fetch() -> Result<Self, String> {
        if Path::new(PROGRAM).exists() {
            return Ok(Self { root: None });
        }
        package::unpacked("heartbeat").map(|root| Self { root: Some(root) })
    }

    /// Starts Heartbeat on `machine`, in the foreground of a process, with the machine's own three files (less the lines
    /// that Heartbeat 3 has no use for there) and its init script. It logs where its `ha.cf` says.
    ///
    /// # Errors
    /// What does not work.
    pub fn start(&self, machine: &Machine) -> Result<(), String> {
        let over = machine.path("over");
        let ipaddr = IPADDR.replace("HBD", &machine.program().display().to_string());
        write_script(&machine.path("IPaddr"), &ipaddr).map_err(|error| error.to_string())?;
        let below = |folder: &str| match &self.root {
            Some(root) => format!("{}{folder}:{folder}", root.display()),
            None => folder.to_owned(),
        };
        let usr = match &self.root {
            Some(_) => format!("mount -t overlay overlay -o lowerdir={} /usr", below("/usr")),
            None => String::new(),
        };
        let lines = format!(
            "set -e\n\
             mkdir -p {over}; mount -t tmpfs tmpfs {over}; cd {over}; mkdir etc.up etc.work lib.up lib.work\n\
             {usr}\n\
             mount -t overlay overlay -o lowerdir={etc},upperdir=etc.up,workdir=etc.work /etc\n\
             mount -t overlay overlay -o lowerdir={lib},upperdir=lib.up,workdir=lib.work /var/lib\n\
             mount -t tmpfs tmpfs /run\n\
             [ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger\n\
             mkdir -p /run/lock /run/heartbeat/ccm /run/heartbeat/dopd /var/lib/heartbeat /etc/ha.d\n\
             grep -q ^haclient: /etc/group || echo 'haclient:x:64001:' >> /etc/group\n\
             grep -q ^hacluster: /etc/passwd || echo 'hacluster:x:64001:64001::/:/bin/false' >> /etc/passwd\n\
             chown hacluster:haclient /run/heartbeat/ccm /run/heartbeat/dopd\n\
             sed '/^watchdog/d' {own}/etc/ha.cf > /etc/ha.d/ha.cf\n\
             cp {own}/etc/haresources {own}/etc/authkeys /etc/ha.d/\n\
             cp {own}/init.d/jdmail /etc/init.d/\n\
             cp {own}/IPaddr /etc/ha.d/resource.d/\n\
             chmod 600 /etc/ha.d/authkeys\n",
            over = over.display(),
            etc = below("/etc"),
            lib = below("/var/lib"),
            own = machine.path("").display(),
        );
        let mut shell = Command::new("sh");
        let output =
            machine.run(shell.args(["-c", &lines]), Duration::from_secs(30)).map_err(|e| e.to_string())?;
        if output.code != Some(0) {
            return Err(format!("no overlay for Heartbeat: {output:?}"));
        }
        let mut heartbeat = Command::new(PROGRAM);
        heartbeat.arg("-f").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        machine.launch(&mut heartbeat).map(drop).map_err(|error| error.to_string())
    }

    /// `heartbeat stop` on `machine`: returns when it has released its resources and ended.
    ///
    /// # Errors
    /// It does not end, or says no.
    pub fn stop(&self, machine: &Machine) -> Result<(), String> {
        let told = |error: std::io::Error| format!("heartbeat -k: {error}");
        let mut order = Command::new(PROGRAM);
        order.arg("-k").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = machine.spawn(&mut order).map_err(told)?;
        let begin = Stamp::now();
        while begin.elapsed() < STOPPED {
            machine.reap();
            match child.try_wait().map_err(told)? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("heartbeat -k: {status}")),
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(format!("heartbeat -k does not end within {STOPPED:?}"))
    }
}
