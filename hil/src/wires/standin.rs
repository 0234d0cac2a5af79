//! A server where there is none: a machine of the rig of namespaces, with a real daemon, behind a pty.
//!
//! What a bench has in hardware is here a Unix socket: the rig file's commands are calls of this program that ask the
//! owner of the machine to cut its power, or to run something on it. So the whole way is gone that a real bench goes.

use crate::netns::{Builder, Namespace, Node, Rig, SERVICE_PORT};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// All cases together take well under two minutes. Each further round gets as much.
pub const LIMIT: Duration = Duration::from_secs(300);

/// Builds the stand-in and runs these cases on it (all, if none is named), with the words of a series behind them, in so
/// many rounds at most.
///
/// # Errors
/// What failed.
pub fn run(words: &[String], rounds: u32) -> Result<String, String> {
    // The serial line alone: that is what this rig is about.
    let Some(rig) = Builder::new("wires").with_serial().edit(|files| files.without("bcast")).build() else {
        return Ok("SKIPPED: needs root".to_owned());
    };
    rig.serial().set_baud(19_200);
    let told = |e: io::Error| e.to_string();
    let machine = rig.machine(Node::Ha1);
    let socket = machine.path("console");
    let file = machine.path("rig.toml");
    fs::write(&file, rig_file(&rig, &socket, None)?).map_err(told)?;
    match play(rig.client_net(), &socket, &file, words, LIMIT * rounds, &Namespaced(&rig))? {
        status if status.success() => Ok("all that could run passed".to_owned()),
        status => Err(format!("cases failed: {status}; the table above names them")),
    }
}

/// What stands in for a server.
pub trait StandIn: Sync {
    /// Cuts its power, or gives it back.
    ///
    /// # Errors
    /// It cannot be done.
    fn power(&self, on: bool) -> Result<(), String>;

    /// Runs a shell command on it: `code`, `stdout`, `stderr`.
    fn run(&self, command: &str) -> Value;
}

/// Runs this program's `wires --rig FILE` with these words, for `limit` at most, inside `net`; the rig file's commands come back by way of
/// `socket` to the stand-in.
///
/// # Errors
/// The program does not start, or does not end in time.
pub fn play(
    net: &Namespace,
    socket: &Path,
    file: &Path,
    words: &[String],
    limit: Duration,
    server: &dyn StandIn,
) -> Result<ExitStatus, String> {
    let told = |e: io::Error| e.to_string();
    let listener = UnixListener::bind(socket).map_err(told)?;
    let over = AtomicBool::new(false);
    let status = thread::scope(|scope| {
        scope.spawn(|| serve(server, &listener, &over));
        let start = || {
            let mut command = Command::new(own_program());
            command.arg("wires").arg("--rig").arg(file).args(words).stdin(Stdio::null());
            command.spawn()
        };
        let status = net.run(start).and_then(|mut child| {
            let begun = Instant::now();
            loop {
                match child.try_wait()? {
                    Some(status) => return Ok(status),
                    None if begun.elapsed() > limit => {
                        child.kill()?;
                        child.wait()?;
                        return Err(io::Error::other(format!("not done after {} s", limit.as_secs())));
                    }
                    None => thread::sleep(Duration::from_millis(50)),
                }
            }
        });
        over.store(true, Ordering::Relaxed);
        // The listener waits for one connection more.
        let _ = UnixStream::connect(socket);
        status
    });
    status.map_err(told)
}

/// The beginning of the rig file's commands: they ask whoever listens at `socket`.
#[must_use]
pub fn console_command(socket: &Path) -> String {
    format!("{} wires-console {}", own_program(), socket.display())
}

/// This program, also after a build has put another one in its place.
fn own_program() -> String {
    format!("/proc/{}/exe", std::process::id())
}

/// As somebody would write it for this bench; `power`: the commands of another power switch, off and on.
pub(super) fn rig_file(rig: &Rig, socket: &Path, power: Option<[String; 2]>) -> Result<String, String> {
    let machine = rig.machine(Node::Ha1);
    let hbd = machine.hbd(&[]);
    let words: Vec<String> = std::iter::once(hbd.get_program())
        .chain(hbd.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let console = console_command(socket);
    let [off, on] = power.unwrap_or_else(|| [format!("{console} off"), format!("{console} on")]);
    let [a, b, c, d] = crate::netns::SERVICE_ADDRESS;
    let evidence = crate::paths::scratch("wires")?;
    // Debug of a text is its TOML, as long as it holds no odd characters.
    Ok(format!(
        "kind = \"wires\"\nevidence = {evidence:?}\n\n[[server]]\nname = \"ha-1\"\nserial = {serial:?}\nbaud = 19200\n\
         config = {config:?}\nconsole = {run:?}\npower_off = {off:?}\npower_on = {on:?}\nhbd = {hbd:?}\n\
         service = \"{a}.{b}.{c}.{d}:{SERVICE_PORT}\"\ninterface = \"eth0\"\nboot_s = 20\n",
        serial = rig.serial().path(1),
        config = machine.path("etc"),
        run = format!("{console} run"),
        hbd = words.join(" "),
    ))
}

/// Answers until it is over.
fn serve(server: &dyn StandIn, listener: &UnixListener, over: &AtomicBool) {
    for stream in listener.incoming() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(stream) = stream {
            let _ = answer(server, stream);
        }
    }
}

fn answer(server: &dyn StandIn, mut stream: UnixStream) -> io::Result<()> {
    let mut request = String::new();
    stream.read_to_string(&mut request)?;
    let (verb, command) = request.split_once('\n').unwrap_or((&request, ""));
    let switched = |done: Result<(), String>| match done {
        Ok(()) => json!({ "code": 0 }),
        Err(why) => json!({ "code": 1, "stderr": why }),
    };
    let reply = match verb {
        "off" => switched(server.power(false)),
        "on" => switched(server.power(true)),
        _ => server.run(command),
    };
    stream.write_all(reply.to_string().as_bytes())
}

/// A machine of the rig of namespaces.
pub(super) struct Namespaced<'a>(pub(super) &'a Rig);

impl StandIn for Namespaced<'_> {
    fn power(&self, on: bool) -> Result<(), String> {
        if on {
            self.0.power_on(Node::Ha1);
        } else {
            self.0.power_off(Node::Ha1);
        }
        Ok(())
    }

    fn run(&self, command: &str) -> Value {
        let machine = self.0.machine(Node::Ha1);
        match machine.run(Command::new("sh").args(["-c", command]), Duration::from_secs(25)) {
            Ok(output) => json!({ "code": output.code, "stdout": output.stdout, "stderr": output.stderr }),
            Err(error) => json!({ "code": 255, "stderr": error.to_string() }),
        }
    }
}

/// `xtask wires-console SOCKET run|off|on [COMMAND]`: ask the owner of the stand-in; the exit code.
///
/// # Errors
/// Nobody answers.
pub fn console(socket: &str, words: &[&str]) -> Result<u8, String> {
    let told = |e: io::Error| format!("{socket}: {e}");
    let mut stream = UnixStream::connect(socket).map_err(told)?;
    let (verb, rest) = words.split_first().ok_or("run, off or on?")?;
    stream.write_all(format!("{verb}\n{}", rest.join(" ")).as_bytes()).map_err(told)?;
    stream.shutdown(Shutdown::Write).map_err(told)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).map_err(told)?;
    let reply: Value = serde_json::from_str(&reply).map_err(|e| e.to_string())?;
    let text = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or_default();
    print!("{}", text("stdout"));
    eprint!("{}", text("stderr"));
    let code = reply.get("code").and_then(Value::as_u64).and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(255))
}
