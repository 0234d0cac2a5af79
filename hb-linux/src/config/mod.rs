//! The configuration: `ha.cf`, `haresources`, `authkeys`, and everything that `hbd check` examines.
//!
//! ```text
//! bytes -> lexer -> ha_cf, haresources, authkeys -> chain, names (against each other) -> build -> Settings
//!                                                -> environment (this machine against them)
//! ```
//! Every stage reports into [`Findings`] and goes on, so that one run shows everything that is wrong. Nothing here
//! writes, opens a device, sends a packet or runs a script.

mod address;
pub mod authkeys;
#[cfg(feature = "bridge")]
mod bridge;
mod build;
mod chain;
pub(crate) mod changes;
pub mod check;
#[cfg(feature = "data")]
mod data;
pub mod environment;
mod files;
pub mod finding;
mod ha_cf;
mod haresources;
mod key_fault;
mod lexer;
mod names;
#[cfg(test)]
mod names_tests;
#[cfg(feature = "simulate")]
mod played;
mod scripts;
pub mod settings;
#[cfg(feature = "config-show")]
pub mod show;
#[cfg(test)]
mod tests;
mod texts;
mod time;
mod told;

pub use files::distance;
pub use finding::{Class, Findings};
#[cfg(test)]
pub(crate) use ha_cf::names as directives;
pub use key_fault::{KeyFaultKind, KeyFaults};
#[cfg(feature = "data")]
pub use settings::{DataSettings, Transport};
pub use settings::{
    Facility, Group, Medium, Resource, Script, Settings, WatchdogBusy, WatchdogSettings, asked,
};
pub use settings::{FenceDevice, Given};
pub use texts::{Texts, examine_texts};

pub use build::name_hash;
pub(crate) use chain::{STEADY, frame_times};
pub(crate) use files::Crc32;
#[cfg(feature = "simulate")]
pub(crate) use played::{node_names, time_of};
pub(crate) use time::{Shown, Written};

use crate::sys::host::{boot_identity, node_name};
use crate::sys::iface;
use chain::Times;
use core::net::Ipv4Addr;
use finding::Report;
use ha_cf::{At, HaCf};
use hb_core::auth::{Keyring, Method};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Where the files and the machine's own facts are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// Holds `ha.cf`, `haresources`, `authkeys` and `resource.d`. `/etc/ha.d` unless `--config-dir` says otherwise.
    pub config_dir: PathBuf,
    /// Searched for scripts after `resource.d`, in this order.
    pub init_dirs: Vec<PathBuf>,
    /// `/proc`.
    pub proc_dir: PathBuf,
    /// `/etc`: `inittab`, `passwd` and the links of the run levels.
    pub etc_dir: PathBuf,
    /// `/var/run`, where Linux-HA Heartbeat leaves its process number.
    pub pid_dir: PathBuf,
    /// The daemon's lock and control socket. `/var/run/heartbeat` unless `--run-dir` says otherwise.
    pub run_dir: PathBuf,
    /// What the daemon keeps. `/var/lib/heartbeat` unless `--state-dir` says otherwise.
    pub state_dir: PathBuf,
    /// `/var/spool/cron`: the users' tables, on some systems one folder deeper.
    pub cron_dir: PathBuf,
}

impl Paths {
    /// The system's own places around `config_dir`.
    #[must_use]
    pub fn new(config_dir: impl Into<PathBuf>) -> Self {
        Self {
            config_dir: config_dir.into(),
            init_dirs: [PathBuf::from("/etc/rc.d/init.d"), PathBuf::from("/etc/init.d")].into(),
            proc_dir: PathBuf::from("/proc"),
            etc_dir: PathBuf::from("/etc"),
            pid_dir: PathBuf::from("/var/run"),
            run_dir: PathBuf::from("/var/run/heartbeat"),
            state_dir: PathBuf::from("/var/lib/heartbeat"),
            cron_dir: PathBuf::from("/var/spool/cron"),
        }
    }

    /// `ha.cf`.
    #[must_use]
    pub fn ha_cf(&self) -> PathBuf {
        self.config_dir.join("ha.cf")
    }

    /// `haresources`.
    #[must_use]
    pub fn haresources(&self) -> PathBuf {
        self.config_dir.join("haresources")
    }

    /// `authkeys`.
    #[must_use]
    pub fn authkeys(&self) -> PathBuf {
        self.config_dir.join("authkeys")
    }
}

/// The files as parsed, also when they have errors.
pub(crate) struct Parsed {
    ha_cf_file: String,
    haresources_file: String,
    ha_cf_read: bool,
    ha_cf: HaCf,
    groups: Vec<At<Group>>,
}

/// Everything that one look at the files gives.
struct Loaded {
    parsed: Rc<Parsed>,
    times: Times,
    settings: Option<Settings>,
    findings: Findings,
}

/// Read and examine the three files for the node named `node`, or named as this machine is (`uname -n`).
///
/// The settings are there exactly when no finding is of class `Configuration`. What this machine lacks is another
/// matter: see [`environment::examine`].
#[must_use]
pub fn load(paths: &Paths, node: Option<&str>) -> (Option<Settings>, Findings) {
    let loaded = read(paths, node);
    (loaded.settings, loaded.findings)
}

/// The same with this text in the place of `haresources`.
#[must_use]
pub fn load_instead(paths: &Paths, node: Option<&str>, haresources: &str) -> (Option<Settings>, Findings) {
    let place = paths.haresources();
    let loaded = examine(paths, node, authkeys::load(&paths.authkeys()), &|path, report| {
        if path == place { Some(haresources.into()) } else { files::read(path, report) }
    });
    (loaded.settings, loaded.findings)
}

/// Is one of the three files there, and this user may not read it?
#[must_use]
pub fn denied(paths: &Paths) -> bool {
    files::denied(paths)
}

fn read(paths: &Paths, node: Option<&str>) -> Loaded {
    examine(paths, node, authkeys::load(&paths.authkeys()), &files::read)
}

/// Examine what `bytes_of` gives for the places of `ha.cf` and `haresources`.
fn examine(
    paths: &Paths,
    node: Option<&str>,
    keys: Result<authkeys::Keys, KeyFaults>,
    bytes_of: &dyn Fn(&Path, &mut Report<'_>) -> Option<Vec<u8>>,
) -> Loaded {
    let mut findings = Findings::new();
    let ha_cf_file = shown(&paths.ha_cf());
    let haresources_file = shown(&paths.haresources());
    let authkeys_path = paths.authkeys();

    let report = &mut Report::new(&ha_cf_file, &mut findings);
    let bytes = bytes_of(&paths.ha_cf(), report);
    let ha_cf_read = bytes.is_some();
    let mut ha_cf = bytes.map(|b| ha_cf::parse(&b, report)).unwrap_or_default();
    leave_out_own_ucast(&mut ha_cf, |ip| matches!(iface::holding(ip), Ok(Some(_))), report);
    let times = chain::resolve(&ha_cf, report);
    let own = ha_cf_read.then(|| names::own_and_peer(&ha_cf, node, &node_name(), report)).flatten();

    let report = &mut Report::new(&haresources_file, &mut findings);
    let bytes = bytes_of(&paths.haresources(), report);
    let mut groups = bytes.map(|b| haresources::parse(&b, &ha_cf.nodes, "ha.cf", report)).unwrap_or_default();
    for resource in groups.iter_mut().flat_map(|g| &mut g.value.resources) {
        resource.script = scripts::find(paths, resource).0;
    }

    let report = &mut Report::new(&ha_cf_file, &mut findings);
    if ha_cf_read {
        names::cross(&ha_cf, &groups, report);
    }
    #[cfg(feature = "data")]
    let data = {
        let names = own.as_ref().map(|(own, peer)| (own.as_str(), peer.as_str()));
        data::resolve(&ha_cf, &groups, names, report)
    };
    #[cfg(not(feature = "data"))]
    let data = groups.iter().map(|_| None).collect();
    let keys = key_findings(keys, &authkeys_path, &ha_cf, &mut findings);

    let parsed = Rc::new(Parsed { ha_cf_file, haresources_file, ha_cf_read, ha_cf, groups });
    let mut settings = None;
    if let (Some((own, peer)), Some(keys), false) = (own, keys, findings.any(Class::Configuration)) {
        let extra = build::Extra { own, peer, keys, data, boot: boot_identity() };
        let report = &mut Report::new(&parsed.ha_cf_file, &mut findings);
        settings = build::settings(parsed.clone(), &times, extra, report);
    }
    Loaded { parsed, times, settings, findings }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The faults of `authkeys` as findings, and a word on a key that is none.
fn key_findings(
    keys: Result<authkeys::Keys, KeyFaults>,
    path: &Path,
    ha_cf: &HaCf,
    findings: &mut Findings,
) -> Option<Keyring> {
    let file = shown(path);
    let report = &mut Report::new(&file, findings);
    match keys {
        Ok(authkeys::Keys { ring: keys, line, warnings }) => {
            for warning in &warnings {
                report.warn(warning.line, format_args!("{warning}"));
            }
            let network = ha_cf.links.iter().find(|l| l.value.iface().is_some());
            let signs = keys.get(keys.signer()).map(|k| k.method);
            if let (Some(link), Some(Method::Crc)) = (network, signs) {
                report.warn(
                    line,
                    format_args!(
                        "the key that signs is crc: everyone on the network of `{}` can speak for the peer; \
                         write a sha1 key, unless nobody else is on it",
                        link.value
                    ),
                );
            }
            let crc = |index: &u8| keys.get(*index).is_some_and(|key| key.method == Method::Crc);
            if let Some(index) = (0..=15).find(crc)
                && keys.digest() != 0
            {
                report.warn(
                    line,
                    format_args!(
                        "key {index} is crc, beside a key with a secret: anybody can sign with it, and it counts for nothing once \
                         the other node has signed with a secret; remove it when both nodes have the secret"
                    ),
                );
            }
            Some(keys)
        }
        Err(faults) => {
            for fault in &faults {
                match (fault.kind, files::misspelt(path)) {
                    (KeyFaultKind::Unreadable(files::ABSENT), Some(there)) => {
                        report.error(fault.line, format_args!("{}", files::Move { there: &there, path }));
                    }
                    (KeyFaultKind::Mode(mode), _) => report.error(
                        fault.line,
                        format_args!(
                            "mode {mode:03o} lets others than the owner at the keys; run `chmod 600 {file}`"
                        ),
                    ),
                    (kind, _) if kind.is_warning() => report.warn(fault.line, format_args!("{fault}")),
                    _ => report.error(fault.line, format_args!("{fault}")),
                }
            }
            None
        }
    }
}

/// A `ucast` line to this machine itself is left out, so that `ha.cf` can be the same on both nodes and hold one line
/// for each: what remains has the same position on both. By `lo` the loopback stays, for two daemons on one machine.
fn leave_out_own_ucast(cf: &mut HaCf, is_own: impl Fn(Ipv4Addr) -> bool, report: &mut Report<'_>) {
    let before = cf.links.len();
    let mut last = 1;
    let own = |iface: &str, peer: Ipv4Addr| if peer.is_loopback() { iface != "lo" } else { is_own(peer) };
    cf.links.retain(|link| match &link.value {
        Medium::Ucast { iface, peer, .. } if own(iface, *peer) => {
            last = link.line;
            false
        }
        _ => true,
    });
    if cf.links.is_empty() && before > 0 {
        report.error(
            last,
            format_args!("this node would send heartbeats to itself only; write the peer's address into another `ucast`"),
        );
    }
}
