//! A command's end of the control socket. May wait and allocate: it is no part of the daemon.

use super::wire::{self, Front, MAX_REQUEST, Reply, Request};
use super::{SOCKET, STATUS_SOCKET, Snapshot};
use crate::sys::poll::{PollFd, poll, sleep_ms};
use crate::sys::{Errno, Fd, process, unix};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The daemon answers at once or is in trouble; a stopped one (SIGSTOP) is told from a dead one by this.
const PATIENCE_MS: i32 = 10_000;

/// Why the daemon could not be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// None runs here.
    NotRunning,
    /// Only root and the daemon's own user may ask.
    NotAllowed,
    /// One runs, but does not answer as it should; the text says how.
    Broken(String),
}

/// The last word of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is done or runs its course.
    Accepted,
    /// Nothing was changed, for this reason.
    Refused(String),
}

/// A connection to the running daemon.
#[derive(Debug)]
pub struct Client {
    fd: Fd,
    buf: Vec<u8>,
}

impl Client {
    /// Call the daemon whose run directory this is.
    ///
    /// # Errors
    /// None runs, or this user may not ask.
    pub fn connect(run_dir: &Path) -> Result<Self, Trouble> {
        Self::at(run_dir, SOCKET)
    }

    /// The same to look only: also by the socket of `status_group`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn to_look(run_dir: &Path) -> Result<Self, Trouble> {
        match Self::at(run_dir, SOCKET) {
            Err(Trouble::NotAllowed) => Self::at(run_dir, STATUS_SOCKET).map_err(|_| Trouble::NotAllowed),
            other => other,
        }
    }

    fn at(run_dir: &Path, socket: &str) -> Result<Self, Trouble> {
        let path = run_dir.join(socket);
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Trouble::NotRunning)?;
        let mut waited = 0;
        let called = loop {
            let called = match unix::connect(&path) {
                // Somebody removed the file: the daemon listens at its other name, too.
                Err(Errno::NO_ENTRY | Errno(libc::ECONNREFUSED | libc::ENOTDIR)) => {
                    by_name(&super::abstract_name(run_dir))
                }
                other => other,
            };
            // Many call at once: one's turn comes.
            if called.as_ref().is_err_and(|why| why.is_shortage()) && waited < PATIENCE_MS {
                sleep_ms(20);
                waited += 20;
                continue;
            }
            break called;
        };
        match called {
            Ok(fd) => Ok(Self { fd, buf: Vec::new() }),
            Err(Errno::AGAIN) => {
                Err(Trouble::Broken("it takes no caller in: too many call at once".to_string()))
            }
            Err(Errno::NO_ENTRY | Errno(libc::ECONNREFUSED | libc::ENOTDIR)) => Err(Trouble::NotRunning),
            Err(Errno::ACCESS | Errno::PERM) => Err(Trouble::NotAllowed),
            Err(other) => Err(Trouble::Broken(other.to_string())),
        }
    }

    /// Ask, hand every piece of the answer to `each`, and give the last one's meaning.
    ///
    /// # Errors
    /// [`Trouble::NotRunning`] if the daemon ended before it answered.
    pub fn ask(
        &mut self,
        request: &Request<'_>,
        mut each: impl FnMut(Reply<String>),
    ) -> Result<Verdict, Trouble> {
        self.ask_for(request, &mut each)
    }

    /// Made once for all who ask.
    fn ask_for(
        &mut self,
        request: &Request<'_>,
        each: &mut dyn FnMut(Reply<String>),
    ) -> Result<Verdict, Trouble> {
        let mut buf = [0; MAX_REQUEST];
        let bytes =
            wire::encode(request, &mut buf).ok_or_else(|| Trouble::Broken("name too long".to_string()))?;
        match unix::send(&self.fd, bytes) {
            Ok(Some(n)) if n == bytes.len() => {}
            Err(Errno::PIPE) => return Err(Trouble::NotRunning),
            Err(other) => return Err(Trouble::Broken(other.to_string())),
            Ok(_) => return Err(Trouble::Broken("it takes no request in".to_string())),
        }
        loop {
            match wire::decode::<Reply<String>>(&self.buf) {
                Front::Whole(reply, used) => {
                    self.buf.drain(..used);
                    match reply {
                        Reply::Refused(why) => return Ok(Verdict::Refused(why)),
                        reply if reply.is_last() => return Ok(Verdict::Accepted),
                        reply => each(reply),
                    }
                }
                Front::Partial => self.read_more()?,
                Front::Foreign => {
                    let text = "it is another version of hbd: restart it with this one";
                    return Err(Trouble::Broken(text.to_string()));
                }
            }
        }
    }

    /// Everything that `hbd status` shows.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn status(&mut self) -> Result<Snapshot, Trouble> {
        let mut snapshot = Snapshot::default();
        match self.ask(&Request::Status, |reply| snapshot.add(reply))? {
            Verdict::Accepted => Ok(snapshot),
            Verdict::Refused(why) => Err(Trouble::Broken(why)),
        }
    }

    fn read_more(&mut self) -> Result<(), Trouble> {
        let mut fds = [PollFd::readable(self.fd.raw())];
        let mut waited = 0;
        while !fds[0].can_read() {
            if waited >= PATIENCE_MS {
                let text = "it does not answer (stopped, or short of processor time)";
                return Err(Trouble::Broken(text.to_string()));
            }
            // In steps, for a signal ends a wait early and no clock is read here.
            poll(&mut fds, 100).map_err(|why| Trouble::Broken(why.to_string()))?;
            waited += 100;
        }
        let mut piece = [0; 4096];
        match self.fd.read(&mut piece) {
            Ok(Some(n)) if n > 0 => {
                self.buf.extend_from_slice(piece.get(..n).unwrap_or_default());
                Ok(())
            }
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(Errno(libc::ECONNRESET)) => Err(Trouble::NotRunning),
            Err(other) => Err(Trouble::Broken(other.to_string())),
        }
    }
}

/// Call the daemon at its abstract name; who listens there must be root or this user.
fn by_name(name: &[u8]) -> Result<Fd, Errno> {
    let fd = unix::connect_abstract(name)?;
    let (owner, own) = (unix::peer(&fd)?.uid(), process::effective_uid());
    match owner {
        _ if owner == own => Ok(fd),
        0 => Err(Errno::ACCESS),
        _ if own == 0 => Err(Errno(libc::ECONNREFUSED)),
        _ => Err(Errno::ACCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{PingReply, Which};
    use super::super::{Listeners, Server, abstract_name};
    use super::*;
    use crate::sys::clock::Clock;
    use crate::sys::poll::timeout_until;
    use crate::sys::process::{Ended, fork, wait_for};
    use hb_core::Instant;

    fn directory(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("hbd-control-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Listen in `dir`.
    fn open(dir: &Path) -> Server {
        let path = CString::new(dir.join(SOCKET).to_str().unwrap()).unwrap();
        Server::new(Listeners::open(&path, &abstract_name(dir)).unwrap(), 100_000)
    }

    fn serve(server: &mut Server, rounds: usize) {
        let mut clock = Clock::start();
        for _ in 0..rounds {
            let now = clock.now();
            let mut fds = server.poll_fds(now);
            let at = server.deadline(now);
            let wait = if at == Instant::NEVER { 2000 } else { timeout_until(now, at) };
            if poll(&mut fds, wait) == Ok(0) && server.deadline(now) == Instant::NEVER {
                return;
            }
            server.serve(clock.now(), &fds, |request, out| match request {
                Request::Status => {
                    out.send(&Reply::Ping(PingReply { host: "gateway", alive: true, mirror: None }));
                    out.send(&Reply::End);
                }
                Request::Clear("much") => {
                    (0..600).for_each(|_| out.send(&Reply::Text("x".repeat(150).as_str())));
                    out.send(&Reply::End);
                }
                Request::Clear(group) => {
                    out.send(&Reply::Text(group));
                    out.send(&Reply::Refused("why not"));
                }
                _ => out.send(&Reply::Accepted),
            });
        }
    }

    #[test]
    fn questions_are_answered_over_one_connection() {
        let dir = directory("ask");
        assert!(matches!(Client::connect(&dir), Err(Trouble::NotRunning)));
        let mut server = open(&dir);
        let child = fork(|| {
            let mut client = Client::connect(&dir).unwrap();
            let shot = client.status().unwrap();
            let mut texts = 0;
            let refused = client
                .ask(&Request::Clear("g"), |reply| texts += i32::from(reply == Reply::Text("g".to_string())));
            let moved = client.ask(&Request::Standby(Which::All), |_| ());
            let good = shot.pings.len() == 1
                && shot.pings[0].host == "gateway"
                && shot.pings[0].alive
                && refused == Ok(Verdict::Refused("why not".to_string()))
                && texts == 1
                && moved == Ok(Verdict::Accepted);
            i32::from(!good)
        })
        .unwrap();
        serve(&mut server, 5);
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_groups_socket_answers_status_alone() {
        let dir = directory("group");
        let path = |name: &str| CString::new(dir.join(name).to_str().unwrap()).unwrap();
        let mut listeners = Listeners::open(&path(SOCKET), &abstract_name(&dir)).unwrap();
        listeners.also_for(&path(STATUS_SOCKET), 0).unwrap();
        let mode = std::fs::metadata(dir.join(STATUS_SOCKET)).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&mode) & 0o777, 0o660);
        let mut server = Server::new(listeners, 100_000);
        let child = fork(|| {
            let mut client = Client::at(&dir, STATUS_SOCKET).unwrap();
            let looked = client.status().is_ok_and(|shot| shot.pings.len() == 1);
            let refused = matches!(client.ask(&Request::Stop, |_| ()), Ok(Verdict::Refused(_)));
            i32::from(!(looked && refused))
        })
        .unwrap();
        serve(&mut server, 4);
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn callers_that_hang_about_make_room() {
        let dir = directory("room");
        let mut server = open(&dir);
        let idle: Vec<Client> = (0..super::super::server::MAX_CLIENTS)
            .map(|_| {
                let client = Client::connect(&dir).unwrap();
                serve(&mut server, 1);
                client
            })
            .collect();
        let child = fork(|| i32::from(Client::connect(&dir).unwrap().status().is_err())).unwrap();
        // All places are taken; after a second of quiet one is free.
        serve(&mut server, 6);
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
        drop(idle);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn forty_at_once_and_a_slow_reader_all_get_the_whole_answer_without_the_file() {
        let dir = directory("many");
        let mut server = open(&dir);
        // Somebody emptied the run directory.
        std::fs::remove_file(dir.join(SOCKET)).unwrap();
        let children: Vec<_> = (0..40)
            .map(|number| {
                fork(|| {
                    let mut bytes = 0;
                    let slow = number % 10 == 0;
                    let answer = Client::connect(&dir).unwrap().ask(&Request::Clear("much"), |reply| {
                        if let Reply::Text(text) = reply {
                            if slow && bytes % 15_000 == 0 {
                                sleep_ms(20);
                            }
                            bytes += text.len();
                        }
                    });
                    i32::from(answer != Ok(Verdict::Accepted) || bytes != 90_000)
                })
                .unwrap()
            })
            .collect();
        serve(&mut server, 100_000);
        for child in children {
            assert_eq!(wait_for(child), Some(Ended::Code(0)));
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn nonsense_is_answered_and_hung_up_on() {
        let dir = directory("nonsense");
        let mut server = open(&dir);
        let client = Client::connect(&dir).unwrap();
        unix::send(&client.fd, &[1, 0, 99, 7]).unwrap();
        serve(&mut server, 2);
        let mut buf = [0; 200];
        let n = client.fd.read(&mut buf).unwrap().unwrap();
        assert!(matches!(wire::decode::<Reply<String>>(&buf[..n]), Front::Whole(Reply::Refused(_), _)));
        assert_eq!(client.fd.read(&mut buf), Ok(Some(0)));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
