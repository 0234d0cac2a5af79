//! A server under test, reached only by what the rig file says: shell commands, and a service that answers or not.

use crate::netns::{Stamp, Status};
use crate::proc::{Cmd, Output};
use crate::rigfile;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The hand on one server.
#[derive(Debug)]
pub struct Server {
    /// What the rig file says of it.
    pub file: rigfile::Server,
}

impl Server {
    /// Runs a shell command on it.
    ///
    /// # Errors
    /// The console itself does not start.
    pub fn run(&self, command: &str) -> Result<Output, String> {
        let line = format!("{} {}", self.file.console, quoted(command));
        Cmd::new("sh").args(["-c", &line]).limit(Duration::from_secs(30)).output()
    }

    /// Runs `hbd` on it with these words.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn hbd(&self, words: &str) -> Result<Output, String> {
        self.run(&format!("{} {words}", self.file.hbd))
    }

    /// What its daemon says; `None` while there is none.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let output = self.hbd("status --json").ok()?;
        if output.code == Some(0) { Status::parse(&output.stdout) } else { None }
    }

    /// The process number of its daemon.
    ///
    /// # Errors
    /// There is no daemon.
    pub fn daemon(&self) -> Result<u64, String> {
        let pid = self.status().and_then(|status| status.number("/pid"));
        pid.ok_or_else(|| format!("no daemon runs on {}", self.file.name))
    }

    /// Starts the daemon, if none runs.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self) -> Result<(), String> {
        if self.status().is_some() {
            return Ok(());
        }
        let command = self.file.start.clone().unwrap_or_else(|| format!("{} run", self.file.hbd));
        let output = self.run(&command)?;
        match output.code {
            Some(0) => Ok(()),
            code => Err(format!("{command}: {code:?} {}{}", output.stdout, output.stderr)),
        }
    }

    /// Why its power cannot be cut.
    #[must_use]
    pub fn no_power_switch(&self) -> Option<String> {
        self.file.power_off.is_none().then(|| "the rig file has no power_off and power_on".to_owned())
    }

    /// Cuts its power (`false`) or gives it back, and then waits until its console answers.
    ///
    /// # Errors
    /// The command fails, or the console does not answer in time.
    pub fn power(&self, on: bool) -> Result<(), String> {
        let command = if on { &self.file.power_on } else { &self.file.power_off };
        let command = command.as_ref().ok_or("no power switch")?;
        Cmd::new("sh").args(["-c", command]).limit(Duration::from_secs(60)).run()?;
        if on { self.wait_console() } else { Ok(()) }
    }

    /// Waits until the console answers.
    ///
    /// # Errors
    /// It does not within the time of the rig file.
    pub fn wait_console(&self) -> Result<(), String> {
        let begin = Stamp::now();
        while begin.elapsed() < Duration::from_secs(self.file.boot_s) {
            if self.run("true").is_ok_and(|output| output.code == Some(0)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Err(format!("the console of {} does not answer within {} s", self.file.name, self.file.boot_s))
    }
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Connects to the service again and again, and notes when it answered.
#[derive(Debug)]
pub struct Client {
    end: Arc<AtomicBool>,
    /// When it was asked, and whether it answered.
    samples: Arc<Mutex<Vec<(Stamp, bool)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Asks `service` every 20 ms, through `interface` if there is one.
    ///
    /// # Errors
    /// The thread does not start.
    pub fn start(service: SocketAddr, interface: Option<String>) -> std::io::Result<Self> {
        let (end, samples) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stop, list) = (Arc::clone(&end), Arc::clone(&samples));
        let thread = thread::Builder::new().name("client".to_owned()).spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let at = Stamp::now();
                let good = ask(service, interface.as_deref());
                list.lock().unwrap_or_else(PoisonError::into_inner).push((at, good));
                thread::sleep(Duration::from_millis(20));
            }
        })?;
        Ok(Self { end, samples, thread: Some(thread) })
    }

    /// Did the last question get its answer?
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.samples().last().is_some_and(|(_, good)| *good)
    }

    /// All questions so far.
    #[must_use]
    pub fn samples(&self) -> Vec<(Stamp, bool)> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask(service: SocketAddr, interface: Option<&str>) -> bool {
    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket, sockopt,
    };
    use nix::sys::time::TimeVal;
    use std::os::fd::AsRawFd;
    let limit = Duration::from_millis(300);
    let (Some(interface), SocketAddr::V4(v4)) = (interface, service) else {
        return TcpStream::connect_timeout(&service, limit).is_ok();
    };
    let Ok(socket) = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None) else {
        return false;
    };
    let time = TimeVal::new(0, 300_000);
    setsockopt(&socket, sockopt::BindToDevice, &interface.into()).is_ok()
        && setsockopt(&socket, sockopt::SendTimeout, &time).is_ok()
        && connect(socket.as_raw_fd(), &SockaddrIn::from(v4)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(console: &str) -> Server {
        let text = format!(
            "kind = \"wires\"\n[[server]]\nname = \"ha-1\"\nserial = \"/dev/ttyS0\"\nconfig = \"x\"\nconsole = \"{console}\"\n"
        );
        let Ok(rigfile::RigFile::Wires(wires)) = rigfile::RigFile::parse(&text) else { panic!("{text}") };
        Server { file: wires.servers[0].clone() }
    }

    #[test]
    fn the_console_gets_the_command_as_one_word() {
        let output = server("sh -c").run("echo 'a b' \"$((1 + 1))\"; exit 3").unwrap();
        assert_eq!((output.stdout.as_str(), output.code), ("a b 2\n", Some(3)));
    }

    #[test]
    fn a_server_without_daemon_and_switch_says_so() {
        let server = server("false");
        assert!(server.status().is_none() && server.daemon().is_err() && server.start().is_err());
        assert!(server.no_power_switch().is_some() && server.power(false).is_err());
    }
}
