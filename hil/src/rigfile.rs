//! The rig file: what the test machine is wired to. `docs/bench.md` describes every line.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A rig.
#[derive(Debug)]
pub enum RigFile {
    /// Two emulated machines: everything is made by the rig itself.
    Qemu(Qemu),
    /// Real servers on real cables.
    Wires(Wires),
}

/// What every rig file says.
#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// The virtual rig.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    #[serde(rename = "kind")]
    _kind: String,
    /// Where evidence goes; `target/hil` if it is not said. Relative to the rig file.
    pub evidence: Option<PathBuf>,
}

/// The bench around a test machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wires {
    #[serde(rename = "kind")]
    _kind: String,
    /// Where evidence goes; `target/wires` if it is not said. Relative to the rig file, as all paths in it.
    pub evidence: Option<PathBuf>,
    /// The machines under test, one or two.
    #[serde(rename = "server")]
    pub servers: Vec<Server>,
}

/// One server under test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its `uname -n`, as in its `ha.cf`.
    pub name: String,
    /// The device of the test machine whose cable goes to it.
    pub serial: PathBuf,
    /// The speed of that line, in bit/s.
    #[serde(default = "usual_baud")]
    pub baud: u32,
    /// A copy of its `/etc/ha.d`.
    pub config: PathBuf,
    /// Shell command that runs its last argument, itself a shell command, on the server: `ssh root@10.0.0.1`.
    pub console: String,
    /// Shell command of the test machine that cuts the server's power.
    pub power_off: Option<String>,
    /// Shell command of the test machine that gives it back.
    pub power_on: Option<String>,
    /// `hbd` on the server, with options if it needs any.
    #[serde(default = "usual_hbd")]
    pub hbd: String,
    /// Command on the server that starts the daemon, where a boot does not; `HBD run` if it is not said.
    pub start: Option<String>,
    /// The service as a client sees it: `address:port` that accepts connections while it runs.
    pub service: Option<String>,
    /// The test machine's interface on the service's network.
    pub interface: Option<String>,
    /// Seconds from power-on until the console answers.
    #[serde(default = "usual_boot")]
    pub boot_s: u64,
}

fn usual_baud() -> u32 {
    19_200
}

fn usual_hbd() -> String {
    "/usr/sbin/hbd".to_owned()
}

fn usual_boot() -> u64 {
    180
}

impl RigFile {
    /// Reads and examines `path`.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in it and where.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let told = |what: String| {
            let lines = what.lines().map(|line| format!("{}:{line}", path.display()));
            lines.collect::<Vec<_>>().join("\n")
        };
        let mut rig = Self::parse(&text).map_err(told)?;
        let base = path.parent().unwrap_or(Path::new("."));
        match &mut rig {
            Self::Wires(wires) => {
                for server in &mut wires.servers {
                    server.config = base.join(&server.config);
                    server.serial = base.join(&server.serial);
                }
                wires.evidence = wires.evidence.take().map(|dir| base.join(dir));
            }
            Self::Qemu(rig) => rig.evidence = rig.evidence.take().map(|dir| base.join(dir)),
        }
        Ok(rig)
    }

    /// Errors are `LINE: what; what to write`, one per line; without a line where it is not one's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rig = match read::<Kind>(text)?.kind.as_str() {
            "qemu" => Self::Qemu(read(text)?),
            "wires" => Self::Wires(read(text)?),
            other => return Err(format!(" kind {other:?} is none; write \"qemu\" or \"wires\"")),
        };
        let Self::Wires(wires) = &rig else { return Ok(rig) };
        let mut wrong = Vec::new();
        if !(1..=2).contains(&wires.servers.len()) {
            let count = wires.servers.len();
            wrong.push(format!(" {count} servers; write one or two [[server]] sections"));
        }
        for (at, server) in wires.servers.iter().enumerate() {
            let name = &server.name;
            if wires.servers[..at].iter().any(|other| other.name == *name) {
                wrong.push(format!(" {name}: named twice; write each server's own `uname -n`"));
            }
            if wires.servers[..at].iter().any(|other| other.serial == server.serial) {
                wrong.push(format!(" {name}: the serial device of another server; write its own"));
            }
            if server.power_off.is_some() != server.power_on.is_some() {
                wrong.push(format!(" {name}: half a power switch; power_off and power_on go together"));
            }
            if server.service.as_deref().is_some_and(|s| s.parse::<std::net::SocketAddr>().is_err()) {
                wrong.push(format!(" {name}: no place of a service; write service as address:port"));
            }
        }
        if wrong.is_empty() { Ok(rig) } else { Err(wrong.join("\n")) }
    }
}

/// The error names its line.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(String::new(), |before| format!("{}:", before.matches('\n').count() + 1));
        format!("{line} {}", error.message().replace('\n', "; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BENCH: &str = "kind = \"wires\"\n[[server]]\nname = \"ha-1\"\nserial = \"/dev/ttyS0\"\nconfig = \"ha.d\"\n\
                         console = \"ssh root@ha-1\"\n";

    #[test]
    fn what_is_not_said_is_usual() {
        let Ok(RigFile::Wires(wires)) = RigFile::parse(BENCH) else { panic!("it is a bench") };
        let [server] = wires.servers.as_slice() else { panic!("one server") };
        assert_eq!((server.baud, server.hbd.as_str(), server.boot_s), (19_200, "/usr/sbin/hbd", 180));
        assert!(server.power_off.is_none() && server.service.is_none());
        let qemu = RigFile::parse("kind = \"qemu\"\n");
        assert!(matches!(qemu, Ok(RigFile::Qemu(Qemu { evidence: None, .. }))));
    }

    #[test]
    fn the_example_of_the_documentation_is_one() {
        let text = include_str!("../../docs/bench.md");
        let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let rig = RigFile::parse(example.expect("an example"));
        assert!(matches!(&rig, Ok(RigFile::Wires(wires)) if wires.servers.len() == 2), "{rig:?}");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("", "kind"),
            ("kind = \"wire\"\n", "wire"),
            ("kind = \"wires\"\n", "server"),
            (&format!("{BENCH}colour = 1\n"), "7: unknown field `colour`"),
            (&format!("{BENCH}baud = 1\nbaud = 2\n"), "8: "),
            (&format!("{BENCH}power_on = \"x\"\n"), "go together"),
            (&format!("{BENCH}service = \"ha\"\n"), "address:port"),
            ("kind = \"qemu\"\nserver = 1\n", "server"),
        ] {
            let error = RigFile::parse(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
        // All of it in one go.
        let twice = BENCH.replacen("kind = \"wires\"\n", "", 1);
        let error = RigFile::parse(&format!("{BENCH}{twice}service = \"ha\"\n")).expect_err("twice");
        assert!(
            ["twice", "another server", "address:port"].iter().all(|part| error.contains(part)),
            "{error}"
        );
    }
}
