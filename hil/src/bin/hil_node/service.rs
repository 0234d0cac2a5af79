//! The mail service: a small HTTP server on the service address that says which node answers.
//!
//! `DIR` holds what it needs: `run/service.pid` while it runs, and `service.log`, one line per fact, each with nanoseconds
//! of CLOCK_MONOTONIC: `NS begin|end VERB CODE` for every call, `NS up PID` and `NS down PID` for the server. Files with
//! these names change its behaviour: `fail-start` (start ends with 1), `hang-stop` (stop never ends and ends nothing),
//! `idle-stop` (stop says that it is done and ends nothing), `slow-start` and `slow-stop` (milliseconds to sleep first), `mute-status` (status says nothing
//! and ends with 1), `refuse-stop` (stop says why not, ends with 1 and ends nothing).

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

const PID_FILE: &str = "run/service.pid";
const ADDRESS: &str = "192.168.2.50:8025";

/// One call of the init script.
pub(crate) fn call(dir: &Path, verb: &str) -> ExitCode {
    log(dir, &format!("begin {verb} 0"));
    let result = match verb {
        "start" => start(dir),
        "stop" => stop(dir),
        "status" => Ok(status(dir)),
        _ => Ok(2),
    };
    let code = result.unwrap_or_else(|error| {
        eprintln!("jdmail: {verb}: {error}");
        1
    });
    log(dir, &format!("end {verb} {code}"));
    ExitCode::from(code)
}

fn start(dir: &Path) -> io::Result<u8> {
    pause(dir, "slow-start");
    if dir.join("fail-start").exists() {
        return Err(io::Error::other("the mail queue is damaged"));
    }
    if running(dir).is_some() {
        return Ok(0);
    }
    // The listener is open before the call ends: whoever connects from now on is answered.
    let listener: OwnedFd = TcpListener::bind(ADDRESS)?.into();
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    let child = Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg(dir)
        .stdin(Stdio::from(listener))
        .stdout(null.try_clone()?)
        .stderr(null)
        .process_group(0)
        .spawn()?;
    fs::write(dir.join(PID_FILE), child.id().to_string())?;
    log(dir, &format!("up {}", child.id()));
    Ok(0)
}

fn stop(dir: &Path) -> io::Result<u8> {
    if dir.join("hang-stop").exists() {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
    if dir.join("idle-stop").exists() {
        return Ok(0);
    }
    if dir.join("refuse-stop").exists() {
        println!("umount: /mail: device is busy");
        return Ok(1);
    }
    pause(dir, "slow-stop");
    if let Some(pid) = running(dir) {
        kill(pid, Signal::SIGTERM)?;
        while running(dir).is_some() {
            thread::sleep(Duration::from_millis(1));
        }
        log(dir, &format!("down {pid}"));
    }
    let _ = fs::remove_file(dir.join(PID_FILE));
    Ok(0)
}

fn status(dir: &Path) -> u8 {
    if dir.join("mute-status").exists() {
        return 1;
    }
    if running(dir).is_some() {
        println!("jdmail is running");
        0
    } else {
        println!("jdmail is stopped");
        3
    }
}

/// The server's process, if it is alive (a process that only waits to be collected is not) and really the server: the
/// number may be another's by now.
fn running(dir: &Path) -> Option<Pid> {
    let pid: i32 = fs::read_to_string(dir.join(PID_FILE)).ok()?.trim().parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit(") ").next()?.chars().next()?;
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let serves = words.split(|&byte| byte == 0).nth(1) == Some(b"serve");
    (serves && state != 'Z').then(|| Pid::from_raw(pid))
}

fn pause(dir: &Path, knob: &str) {
    if let Ok(text) = fs::read_to_string(dir.join(knob)) {
        thread::sleep(Duration::from_millis(text.trim().parse().unwrap_or(0)));
    }
}

/// Answers every connection on the listener at standard input with the node's name, for ever.
pub(crate) fn serve(dir: &Path) -> io::Result<()> {
    let _ = dir;
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let name = nix::unistd::gethostname()?.to_string_lossy().into_owned();
    let body = format!("{name}\n");
    let answer =
        format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    loop {
        if let Ok((stream, _)) = listener.accept() {
            let _ = reply(stream, answer.as_bytes());
        }
    }
}

fn reply(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut request = [0; 256];
    let _ = stream.read(&mut request)?;
    stream.write_all(answer)
}

fn log(dir: &Path, text: &str) {
    let now =
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(dir.join("service.log")) {
        let _ = file.write_all(format!("{} {text}\n", now.as_nanos()).as_bytes());
    }
}
