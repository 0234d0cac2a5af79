//! The configuration: `ha.cf`, `haresources`, `authkeys`, and everything that `hbd check` examines.
//!
//! ```text
//! file bytes -> lexer -> HaCf, [GroupLine], Keyring -> chain (times against each other) -> Settings -> hb_core::Config
//!                                                   -> environment (this machine against the files)
//! ```
//! Every stage reports into [`Findings`] and goes on, so that one run shows everything that is wrong. Nothing here
//! writes, opens a device, sends a packet or runs a script.

pub mod authkeys;
pub mod check;
pub mod environment;
pub mod finding;
pub mod settings;

pub use authkeys::{KeyFault, KeyFaults, reload_keys};
pub use finding::{Class, Finding, Findings};
pub use settings::{
    Facility, FileDigests, Group, LogTargets, Medium, Ping, Resource, Script, ServiceAddress, Settings,
    WatchdogSettings,
};

use std::path::PathBuf;
use std::vec::Vec;

/// Where the files and the machine's own facts are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// Holds `ha.cf`, `haresources`, `authkeys` and `resource.d`. `/etc/ha.d` unless `--config-dir` says otherwise.
    pub config_dir: PathBuf,
    /// Searched for scripts after `resource.d`, in this order.
    pub init_dirs: Vec<PathBuf>,
    /// `/proc`.
    pub proc_dir: PathBuf,
    /// `/etc`: `inittab` and `passwd`.
    pub etc_dir: PathBuf,
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
        }
    }
}

/// The files as parsed.
#[derive(Clone)]
pub(crate) struct Parsed {}

/// Read and examine the three files for the node named `node`, or named as this machine is (`uname -n`).
///
/// The settings are there exactly when no finding is of class `Configuration`.
#[must_use]
pub fn load(_paths: &Paths, _node: Option<&str>) -> (Option<Settings>, Findings) {
    (None, Findings::new())
}
