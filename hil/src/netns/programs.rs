//! The programs that a rig runs: the daemon under test and the rig's own helper.

use crate::paths;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the built programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The daemon under test. Environment variable `HBD` names another one.
    pub hbd: PathBuf,
    /// The first process of a machine, and its mail service (`hil-node`).
    pub node: PathBuf,
    /// What becomes the daemon, and each other call of `hbd`: a program and its arguments, before those of `hbd`.
    /// Environment variable `HBD_LAUNCHER` holds them, with spaces between.
    pub launcher: Vec<String>,
    /// What the machines have for `/usr/bin` and `/usr/sbin` (`/bin` and `/sbin` where those are others), if not what
    /// the host has. Environment variable `HBD_TOOLS` names the folder.
    pub tools: Option<PathBuf>,
}

impl Programs {
    /// Builds both programs in the profile of the running test, once per process, and finds them.
    ///
    /// # Errors
    /// `cargo build` fails.
    pub fn build() -> io::Result<Self> {
        static BUILT: OnceLock<Result<Programs, String>> = OnceLock::new();
        BUILT
            .get_or_init(|| Self::build_now().map_err(|error| error.to_string()))
            .clone()
            .map_err(io::Error::other)
    }

    /// Builds the daemon of a later version of the wire (its feature `next-wire`), once per process, below the target folder.
    ///
    /// # Errors
    /// `cargo build` fails.
    pub fn next_wire() -> io::Result<PathBuf> {
        static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let build = || {
            let target = paths::target().join("next-wire");
            let features = ["--features", "hb-linux/next-wire,hb-linux/alloc-guard", "--target-dir"];
            let mut cargo = Command::new(paths::cargo());
            cargo.current_dir(paths::root());
            cargo
                .args(["build", "--quiet", "--package", "hb-linux", "--bin", "hbd"])
                .args(features)
                .arg(&target);
            match cargo.status() {
                Ok(status) if status.success() => Ok(target.join("debug/hbd")),
                Ok(_) => Err("the later version of hbd does not build".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        };
        BUILT.get_or_init(build).clone().map_err(io::Error::other)
    }

    fn build_now() -> io::Result<Self> {
        let own = std::env::current_exe()?;
        let release = own.components().any(|part| part.as_os_str() == "release");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        cargo.args(["build", "--quiet", "--package", "hb-hil", "--bin", "hil-node"]);
        let given = std::env::var_os("HBD").map(PathBuf::from);
        if given.is_none() {
            cargo.args(["--package", "hb-linux", "--bin", "hbd"]);
        }
        if given.is_none() && !release {
            // In every scenario an allocation after the start ends the daemon.
            cargo.args(["--features", "hb-linux/alloc-guard"]);
        }
        if release {
            cargo.arg("--release");
        }
        if !cargo.status()?.success() {
            return Err(io::Error::other("the programs under test do not build"));
        }
        // target/PROFILE/deps/TEST for a test, examples/NAME for an example, target/PROFILE/NAME for a program.
        let folder = own
            .ancestors()
            .skip(1)
            .find(|folder| folder.file_name().is_some_and(|name| name != "deps" && name != "examples"))
            .ok_or_else(|| io::Error::other("no target folder above the running program"))?;
        let hbd = given.unwrap_or_else(|| folder.join("hbd"));
        let launcher = std::env::var("HBD_LAUNCHER").unwrap_or_default();
        Ok(Self {
            hbd,
            node: folder.join("hil-node"),
            launcher: launcher.split_whitespace().map(str::to_owned).collect(),
            tools: std::env::var_os("HBD_TOOLS").map(PathBuf::from),
        })
    }
}
