//! A server where there is none: a machine of the rig of namespaces, with a real daemon, behind a pty.
//!
//! What a bench has in hardware is here a Unix socket: the rig file's commands are calls of this program that ask the
//! owner of the machine to cut its power, or to run something on it. So the whole way is gone that a real bench goes.

use crate::netns::{Builder, Machine, Node, Rig, SERVICE_PORT};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// All cases together take well under two minutes.
const LIMIT: Duration = Duration::from_secs(300);

/// Build the stand-in and run these cases on it (all, if none is named).
///
/// # Errors
/// What failed.
pub fn run(cases: &[&str]) -> Result<String, String> {
    // The serial line alone: that is what this rig is about.
    let Some(rig) = Builder::new("wires").with_serial().edit(|files| files.without("bcast")).build() else {
        return Ok("SKIPPED: needs root".to_owned());
    };
    rig.serial().set_baud(19_200);
    let told = |e: io::Error| e.to_string();
    let machine = rig.machine(Node::Ha1);
    let socket = machine.path("console");
    let file = machine.path("rig.toml");
    fs::write(&file, rig_file(&rig, &socket)?).map_err(told)?;
    let listener = UnixListener::bind(&socket).map_err(told)?;
    let over = AtomicBool::new(false);
    let status = thread::scope(|scope| {
        scope.spawn(|| serve(&rig, &listener, &over));
        let status = rig
            .client_net()
            .run(|| {
                Command::new(own_program())
                    .arg("wires")
                    .arg("--rig")
                    .arg(&file)
                    .args(cases)
                    .stdin(Stdio::null())
                    .spawn()
            })
            .and_then(|mut child| {
                let begun = Instant::now();
                loop {
                    match child.try_wait()? {
                        Some(status) => return Ok(status),
                        None if begun.elapsed() > LIMIT => {
                            child.kill()?;
                            child.wait()?;
                            return Err(io::Error::other(format!("not done after {} s", LIMIT.as_secs())));
                        }
                        None => thread::sleep(Duration::from_millis(50)),
                    }
                }
            });
        over.store(true, Ordering::Relaxed);
        // The listener waits for one connection more.
        let _ = UnixStream::connect(&socket);
        status
    });
    match status.map_err(told)? {
        status if status.success() => Ok("all that could run passed".to_owned()),
        status => Err(format!("cases failed: {status}; the table above names them")),
    }
}

/// This program, also after a build has put another one in its place.
fn own_program() -> String {
    format!("/proc/{}/exe", std::process::id())
}

/// As somebody would write it for this bench.
fn rig_file(rig: &Rig, socket: &Path) -> Result<String, String> {
    let machine = rig.machine(Node::Ha1);
    let hbd = machine.hbd(&[]);
    let words: Vec<String> = std::iter::once(hbd.get_program())
        .chain(hbd.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let console = format!("{} wires-console {}", own_program(), socket.display());
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
        off = format!("{console} off"),
        on = format!("{console} on"),
        hbd = words.join(" "),
    ))
}

/// Answer until it is over.
fn serve(rig: &Rig, listener: &UnixListener, over: &AtomicBool) {
    for stream in listener.incoming() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(stream) = stream {
            let _ = answer(rig, stream);
        }
    }
}

fn answer(rig: &Rig, mut stream: UnixStream) -> io::Result<()> {
    let mut request = String::new();
    stream.read_to_string(&mut request)?;
    let (verb, command) = request.split_once('\n').unwrap_or((&request, ""));
    let reply = match verb {
        "off" => {
            rig.power_off(Node::Ha1);
            json!({ "code": 0 })
        }
        "on" => {
            rig.power_on(Node::Ha1);
            json!({ "code": 0 })
        }
        _ => on_machine(rig.machine(Node::Ha1), command),
    };
    stream.write_all(reply.to_string().as_bytes())
}

fn on_machine(machine: &Machine, command: &str) -> Value {
    match machine.run(Command::new("sh").args(["-c", command]), Duration::from_secs(25)) {
        Ok(output) => json!({ "code": output.code, "stdout": output.stdout, "stderr": output.stderr }),
        Err(error) => json!({ "code": 255, "stderr": error.to_string() }),
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
