//! The demo's service: a small HTTP responder that says which node it runs on. It is an ordinary daemon, as an init
//! script expects one: `hbd demo --service NODE PORT PIDFILE` comes back once it answers, with 0, or says why not.

use crate::sys::Signal;
use crate::sys::poll::{PollFd, poll, timeout_until};
use crate::sys::process::{exit_now, fork, new_session};
use crate::sys::signal::Signals;
use crate::sys::{Fd, Result, clock::Clock, fd, tcp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::{Duration, Instant};
use std::fs;
use std::path::{Path, PathBuf};

/// It ends by itself after this long: more than a demo lasts, so that nothing stays if the demo was killed.
const LIFE: Duration = Duration::from_secs(90);
/// Connections at a time; more wait in the kernel's queue.
const MAX_CLIENTS: usize = 32;
/// A client that is silent for this long is dropped.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the service is reached, as if it were its service address: the same on both nodes.
pub(super) const fn address(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// What the command line of the service says.
#[derive(Debug)]
pub(super) struct Job {
    node: String,
    port: u16,
    pid_file: PathBuf,
}

impl Job {
    /// Read `NODE PORT PIDFILE`.
    pub(super) fn parse(words: &[String]) -> Option<Self> {
        let [node, port, pid_file] = words else { return None };
        Some(Self { node: node.clone(), port: port.parse().ok()?, pid_file: PathBuf::from(pid_file) })
    }

    /// Start the service and come back when it answers. The exit code of the verb, or what went wrong.
    pub(super) fn start(&self) -> core::result::Result<(), String> {
        let at = format!("127.0.0.1:{}", self.port);
        let listener = tcp::listen(address(self.port)).map_err(|why| format!("{at}: {why}"))?;
        let child =
            fork(|| i32::from(self.serve(&listener).is_err())).map_err(|why| format!("fork: {why}"))?;
        // The listener is open and the child has it, so from here on connections are accepted.
        write_pid(&self.pid_file, child.get()).map_err(|why| {
            let _ = crate::sys::process::signal(child, Signal::SIGKILL);
            format!("{}: {why}", self.pid_file.display())
        })
    }

    /// In the child: serve until `SIGTERM`, whose last act is to remove the file with its number.
    fn serve(&self, listener: &Fd) -> Result<()> {
        new_session();
        let signals = Signals::install()?;
        fd::standard_to_null(3)?;
        let mut clock = Clock::start();
        let end = clock.now().plus(LIFE);
        let mut clients: Vec<(Fd, Instant)> = Vec::with_capacity(MAX_CLIENTS);
        let mut served = 0_u32;
        loop {
            let now = clock.now();
            if signals.take().terminate() || now >= end {
                let _ = fs::remove_file(&self.pid_file);
                exit_now(0);
            }
            clients.retain(|(_, since)| now.since(*since) < PATIENCE);
            let mut fds = vec![PollFd::readable(signals.fd())];
            fds.push(if clients.len() < MAX_CLIENTS {
                PollFd::readable(listener.raw())
            } else {
                PollFd::NONE
            });
            fds.extend(clients.iter().map(|(client, _)| PollFd::readable(client.raw())));
            let deadline = if clients.is_empty() { end } else { now.plus(PATIENCE) };
            poll(&mut fds, timeout_until(now, deadline))?;
            let mut ready = fds.iter().skip(2).map(PollFd::can_read);
            clients.retain(|(client, _)| !ready.next().unwrap_or(false) || !self.answer(client, &mut served));
            while clients.len() < MAX_CLIENTS {
                let Ok(Some(client)) = tcp::accept(listener) else { break };
                // Its request is mostly here already.
                if !self.answer(&client, &mut served) {
                    clients.push((client, now));
                }
            }
        }
    }

    /// Answer what a client has sent; `true` once there is nothing more to do for it.
    fn answer(&self, client: &Fd, served: &mut u32) -> bool {
        let mut request = [0; 512];
        match client.read(&mut request) {
            Ok(None) => false,
            Ok(Some(0)) | Err(_) => true,
            Ok(Some(_)) => {
                *served = served.wrapping_add(1);
                let body = format!("{} {served}\n", self.node);
                let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
                let reply = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                let sent = client.write(reply.as_bytes());
                tcp::finish(client);
                // The client closes first, so that no dead connection keeps the port; an error ends it at once.
                sent.is_err()
            }
        }
    }
}

/// Leave the service's number where its script looks for it, whole or not at all.
fn write_pid(path: &Path, pid: i32) -> std::io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, format!("{pid}\n"))?;
    fs::rename(&new, path)
}

/// The init script around the service, for `node`; `hbd` is the program that runs now.
pub(super) fn script(hbd: &Path, node: &str, port: u16, pid_file: &Path) -> String {
    format!(
        r#"#!/bin/sh
# An ordinary init script, as haresources names them: start, stop and status of the demo's service on {node}.
PIDFILE='{pid}'

case "$1" in
start)
	exec '{hbd}' demo --service {node} {port} "$PIDFILE"
	;;
stop)
	[ -s "$PIDFILE" ] || exit 0
	read pid < "$PIDFILE"
	kill "$pid" 2>/dev/null || {{ rm -f "$PIDFILE"; exit 0; }}
	# The service removes the file as its last act, mostly within a millisecond.
	n=0
	while [ -f "$PIDFILE" ]; do
		n=$((n + 1))
		[ $n -lt 2000 ] && continue
		kill -0 "$pid" 2>/dev/null || break
		[ $n -lt 2005 ] || exit 1
		sleep 1
	done
	rm -f "$PIDFILE"
	;;
status)
	if [ -s "$PIDFILE" ] && read pid < "$PIDFILE" && kill -0 "$pid" 2>/dev/null; then
		echo running
	else
		echo stopped
		exit 3
	fi
	;;
*)
	echo "usage: $0 start|stop|status" >&2
	exit 2
	;;
esac
"#,
        pid = pid_file.display(),
        hbd = hbd.to_string_lossy().replace('\'', r"'\''"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn the_command_line_is_three_words() {
        let job = Job::parse(&words("ha-1 8080 /tmp/pid")).unwrap();
        assert_eq!((job.node.as_str(), job.port), ("ha-1", 8080));
        for wrong in ["", "ha-1 8080", "ha-1 port /tmp/pid", "ha-1 70000 /tmp/pid", "ha-1 1 /tmp/pid more"] {
            assert!(Job::parse(&words(wrong)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_second_service_cannot_start_at_the_same_address() {
        let listener = tcp::listen(address(0)).unwrap();
        let port = tcp::local_port(&listener).unwrap();
        let job = Job { node: String::from("ha-2"), port, pid_file: PathBuf::from("/nonexistent/pid") };
        assert!(job.start().unwrap_err().contains("in use"));
    }
}
