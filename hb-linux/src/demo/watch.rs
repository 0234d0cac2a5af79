//! What a node says about itself: its status, asked for again and again over its control socket, without ever waiting.

use crate::control::wire::{Front, Reply, Request, decode, encode};
use crate::control::{SOCKET, Snapshot};
use crate::sys::poll::PollFd;
use crate::sys::{Fd, unix};
use hb_core::{Duration, Instant};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Between two questions.
const PERIOD: Duration = Duration::from_millis(20);
/// An answer that takes longer is given up.
const LIMIT: Duration = Duration::from_millis(1000);

/// The connection to one daemon.
#[derive(Debug)]
pub(super) struct Watch {
    socket: CString,
    line: Option<Fd>,
    /// A question is out since then.
    asked: Option<Instant>,
    next: Instant,
    got: Vec<u8>,
    building: Snapshot,
    latest: Option<Snapshot>,
}

impl Watch {
    /// Watch the daemon with this run directory.
    pub(super) fn new(run_dir: &Path) -> Self {
        let path = run_dir.join(SOCKET);
        Self {
            // The demo chose the path: it holds no NUL.
            socket: CString::new(path.as_os_str().as_bytes()).unwrap_or_default(),
            line: None,
            asked: None,
            next: Instant::ZERO,
            got: Vec::new(),
            building: Snapshot::default(),
            latest: None,
        }
    }

    /// The last whole answer, while the daemon answers.
    pub(super) const fn latest(&self) -> Option<&Snapshot> {
        self.latest.as_ref()
    }

    /// When it wants to be run again at the latest.
    pub(super) const fn deadline(&self) -> Instant {
        self.next
    }

    /// What it waits for.
    pub(super) fn poll_fd(&self) -> PollFd {
        self.line.as_ref().map_or(PollFd::NONE, |line| PollFd::readable(line.raw()))
    }

    /// Forget the daemon: it is gone.
    pub(super) fn forget(&mut self) {
        self.hang_up();
        self.latest = None;
    }

    fn hang_up(&mut self) {
        self.line = None;
        self.asked = None;
        self.got.clear();
    }

    /// Take in what came, and ask if it is time. `true`: there is a new answer.
    pub(super) fn run(&mut self, now: Instant) -> bool {
        let fresh = self.read();
        if self.asked.is_some_and(|asked| now.since(asked) >= LIMIT) {
            self.forget();
        }
        if now >= self.next {
            self.next = now.plus(PERIOD);
            if self.asked.is_none() && !self.ask(now) {
                self.forget();
            }
        }
        fresh
    }

    fn ask(&mut self, now: Instant) -> bool {
        if self.line.is_none() {
            let Ok(line) = unix::connect(&self.socket) else { return false };
            if line.set_nonblocking(true).is_err() {
                return false;
            }
            self.line = Some(line);
        }
        let mut buf = [0; 16];
        let Some(request) = encode(&Request::Status, &mut buf) else { return false };
        self.building = Snapshot::default();
        self.asked = Some(now);
        self.line.as_ref().is_some_and(|line| unix::send(line, request) == Ok(Some(request.len())))
    }

    fn read(&mut self) -> bool {
        let mut buf = [0; 4096];
        let mut fresh = false;
        loop {
            let Some(line) = &self.line else { return fresh };
            match line.read(&mut buf) {
                Ok(None) => return fresh,
                Ok(Some(n @ 1..)) => self.got.extend_from_slice(buf.get(..n).unwrap_or(&[])),
                // The daemon closed the connection after an answer, or ended: the next question will tell.
                Ok(Some(0)) | Err(_) => {
                    self.hang_up();
                    return fresh;
                }
            }
            fresh |= self.take();
        }
    }

    /// Take the whole messages out of what was received; `true` once the answer is complete.
    fn take(&mut self) -> bool {
        let mut used = 0;
        let mut fresh = false;
        while let Front::Whole(reply, length) = decode::<Reply<String>>(self.got.get(used..).unwrap_or(&[])) {
            used += length;
            let last = reply.is_last();
            self.building.add(reply);
            if last {
                self.latest = Some(core::mem::take(&mut self.building));
                self.asked = None;
                fresh = true;
            }
        }
        self.got.drain(..used);
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::wire::PingReply;
    use crate::control::{Listeners, Server, abstract_name};
    use crate::sys::poll::poll;

    #[test]
    fn it_asks_takes_the_answer_in_and_notices_the_end() {
        let dir = std::env::temp_dir().join(format!("hbd-watch-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = CString::new(dir.join(SOCKET).as_os_str().as_bytes()).unwrap();
        let at = Instant::from_millis;
        let mut watch = Watch::new(&dir);
        assert!(!watch.run(at(0)) && watch.latest().is_none(), "nobody is there yet");
        let listeners = Listeners::open(&path, &abstract_name(&dir)).unwrap();
        let mut server = Server::new(listeners, 0);
        watch.run(watch.deadline());
        for _ in 0..2 {
            let mut fds = server.poll_fds(at(20));
            poll(&mut fds, 2000).unwrap();
            server.serve(at(20), &fds, |_, out| {
                out.send(&Reply::Ping(PingReply { host: "gateway", alive: true, mirror: None }));
                out.send(&Reply::End);
            });
        }
        poll(&mut [watch.poll_fd()], 2000).unwrap();
        assert!(watch.run(at(50)));
        assert_eq!(watch.latest().map(|s| s.pings.len()), Some(1));
        drop(server);
        watch.run(at(60));
        watch.run(at(200));
        assert!(watch.latest().is_none());
        std::fs::remove_file(dir.join(SOCKET)).unwrap();
        std::fs::remove_dir(dir).unwrap();
    }
}
