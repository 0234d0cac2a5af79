//! `cargo xtask labgrid`: the stand-in's power switch behind a place of labgrid, by labgrid's own coordinator, exporter and client.
//!
//! ```text
//!  wires --power_off--> labgrid-client ----> coordinator, place ha-1 <---- exporter
//!                             |
//!                             +--HTTP--> outlet (here) ----> stand-in
//! ```
//! Where labgrid is not there and cannot be fetched, the step says that it could not be run, and fails.

use super::standin::{self, LIMIT};
use crate::netns::{Builder, Namespace, Node};
use crate::paths;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Each program of labgrid is a Python that begins slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// Plays the case *power* with a place of labgrid as the power switch.
///
/// # Errors
/// It could not be run, or the case failed, or the outlet was not switched off and on.
pub fn run() -> Result<String, String> {
    let bin = programs().map_err(|why| format!("could not be run: {why}"))?;
    let Some(rig) = Builder::new("labgrid").with_serial().edit(|files| files.without("bcast")).build() else {
        return Err("could not be run: needs root".to_owned());
    };
    rig.serial().set_baud(19_200);
    let told = |e: io::Error| e.to_string();
    let (machine, net) = (rig.machine(Node::Ha1), rig.client_net());
    let (socket, file) = (machine.path("console"), machine.path("rig.toml"));
    let dir = paths::scratch("labgrid")?;
    for left in ["places.yaml", "resources.yaml"] {
        let _ = fs::remove_file(dir.join(left));
    }
    let outlet = net.run(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).map_err(told)?;
    let port = outlet.local_addr().map_err(told)?.port();
    let coordinator = net.run(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()).map_err(told)?;
    let exporter = format!(
        "ha-1:\n  NetworkPowerPort:\n    model: simplerest\n    host: 'http://127.0.0.1:{port}/outlet/{{index}}/{{value}}'\n    index: '3'\n"
    );
    fs::write(dir.join("exporter.yaml"), exporter).map_err(told)?;
    let lab = Lab { bin, dir, coordinator: coordinator.to_string(), net };
    let _coordinator = lab.start("labgrid-coordinator", &["-l", &lab.coordinator])?;
    lab.until(&["places"], |_| true)?;
    let words = ["-c", &lab.coordinator, "--hostname", "localhost", "--name", "bench", "exporter.yaml"];
    let _exporter = lab.start("labgrid-exporter", &words)?;
    lab.until(&["resources"], |said| said.contains("bench/ha-1/NetworkPowerPort"))?;
    lab.client(&["-p", "ha-1", "create"])?;
    lab.client(&["-p", "ha-1", "add-match", "bench/ha-1/NetworkPowerPort"])?;
    // Without the place nobody switches anything.
    if lab.client(&["-p", "ha-1", "power", "off"]).is_ok() {
        return Err("labgrid switched a place that nobody has".to_owned());
    }
    lab.client(&["-p", "ha-1", "acquire"])?;
    let power = ["off", "on"].map(|word| {
        format!("{} -x {} -p ha-1 power {word}", lab.bin.join("labgrid-client").display(), lab.coordinator)
    });
    fs::write(&file, standin::rig_file(&rig, &socket, Some(power))?).map_err(told)?;
    let (over, switched) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let status = thread::scope(|scope| {
        scope.spawn(|| serve(&outlet, &socket, &over, &switched));
        let words = ["power".to_owned()];
        let status = standin::play(net, &socket, &file, &words, LIMIT, &standin::Namespaced(&rig));
        over.store(true, Ordering::Relaxed);
        // The listener waits for one connection more.
        let _ = net.run(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        status
    })?;
    let switched = switched.into_inner().unwrap_or_default();
    lab.client(&["-p", "ha-1", "release"])?;
    if !status.success() {
        return Err(format!("the case failed: {status}; the outlet was switched {switched:?}"));
    }
    match switched.as_slice() {
        [false, true, ..] => {
            Ok("a place of labgrid switched the power off and on, the case passed".to_owned())
        }
        other => Err(format!("the outlet was switched {other:?}")),
    }
}

struct Lab<'a> {
    bin: PathBuf,
    dir: PathBuf,
    coordinator: String,
    net: &'a Namespace,
}

/// A program that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab<'_> {
    fn start(&self, program: &str, words: &[&str]) -> Result<Running, String> {
        let told = |e: io::Error| format!("{program}: {e}");
        let log = fs::File::create(self.dir.join(format!("{program}.log"))).map_err(told)?;
        let mut command = Command::new(self.bin.join(program));
        command.args(words).current_dir(&self.dir).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(told)?).stderr(log);
        self.net.run(|| command.spawn()).map(Running).map_err(told)
    }

    fn client(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("labgrid-client"));
        command.args(["-x", &self.coordinator]).args(words).current_dir(&self.dir).stdin(Stdio::null());
        let output = self.net.run(|| command.output()).map_err(|e| format!("labgrid-client: {e}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("labgrid-client {}: {said}", words.join(" ")))
    }

    /// Until what it says fits.
    fn until(&self, words: &[&str], fits: impl Fn(&str) -> bool) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.client(words) {
                Ok(said) if fits(&said) => return Ok(()),
                other if begun.elapsed() > PATIENCE => {
                    return Err(format!("labgrid does not come up; see {}: {other:?}", self.dir.display()));
                }
                _ => thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

/// The outlet: `GET /outlet/3/0` takes the power, `/outlet/3/1` gives it.
fn serve(outlet: &TcpListener, socket: &Path, over: &AtomicBool, switched: &Mutex<Vec<bool>>) {
    for stream in outlet.incoming() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(mut stream) = stream else { continue };
        let mut head = [0; 1024];
        let n = stream.read(&mut head).unwrap_or(0);
        let on = wanted(&String::from_utf8_lossy(head.get(..n).unwrap_or_default()));
        let done = on.is_some_and(|on| {
            let socket = socket.display().to_string();
            standin::console(&socket, &[if on { "on" } else { "off" }]) == Ok(0)
        });
        if let (Some(on), true, Ok(mut all)) = (on, done, switched.lock()) {
            all.push(on);
        }
        let line = if done { "200 OK" } else { "404 Not Found" };
        let _ = write!(stream, "HTTP/1.0 {line}\r\nContent-Length: 0\r\n\r\n");
    }
}

fn wanted(head: &str) -> Option<bool> {
    match head.lines().next()?.split(' ').nth(1)? {
        "/outlet/3/0" => Some(false),
        "/outlet/3/1" => Some(true),
        _ => None,
    }
}

/// Where labgrid's programs are: in the folder that `LABGRID` names, or in one that this makes by way of Python's registry.
fn programs() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("LABGRID") {
        return Ok(PathBuf::from(named));
    }
    let own = paths::target().join("labgrid-python");
    let bin = own.join("bin");
    if bin.join("labgrid-client").exists() {
        return Ok(bin);
    }
    let limit = Duration::from_secs(300);
    let own = own.display().to_string();
    crate::proc::Cmd::new("python3").args(["-m", "venv", &own]).limit(limit).run()?;
    let pip = bin.join("pip").display().to_string();
    crate::proc::Cmd::new(&pip).args(["install", "--quiet", "labgrid"]).limit(limit).run()?;
    Ok(bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outlet_knows_two_words() {
        assert_eq!(wanted("GET /outlet/3/0 HTTP/1.1\r\nHost: x\r\n\r\n"), Some(false));
        assert_eq!(wanted("GET /outlet/3/1 HTTP/1.1\r\n\r\n"), Some(true));
        for other in ["", "GET /outlet/3/ HTTP/1.1", "GET /outlet/4/1 HTTP/1.1", "GET"] {
            assert_eq!(wanted(other), None, "{other}");
        }
    }
}
