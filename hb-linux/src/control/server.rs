//! The daemon's end of the control socket. Never waits, allocates nothing after its start, and lets nobody in but root and
//! the daemon's own user.
//!
//! An answer is put together as a whole, in a buffer that holds the longest one, and sent on as its caller takes it in:
//! whoever asks gets all of it. One answer is under way at a time; other callers wait for their turn, in the kernel's queue
//! if there are many, and one that does not read makes room for them.

use super::wire::{self, Front, HEAD, MAX_BODY, MAX_REQUEST, Reply, Request};
use crate::sys::{Fd, PollFd, Result, process, unix};
use core::ffi::CStr;
use hb_core::{Duration, Instant};

/// Clients at a time; more wait until one has hung up.
pub const MAX_CLIENTS: usize = 16;
/// Listeners at most.
const LISTENERS: usize = 3;
/// What to wait for: the listeners, then the clients.
pub const MAX_FDS: usize = LISTENERS + MAX_CLIENTS;
/// The number of the listener that answers `status` alone.
const STATUS: usize = 2;
/// A client that was quiet for this long makes room when all places are taken.
const QUIET: Duration = Duration::from_secs(1);
/// A caller that takes nothing of its answer for this long goes without.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two tries to take a caller when that fails (no free descriptor, no memory).
const AGAIN: Duration = Duration::from_millis(200);

/// The open listeners: the socket in the run directory, and the one of the abstract name, which no removal of files
/// touches. `None`: the name is taken by a stranger.
#[derive(Debug)]
pub struct Listeners {
    file: Fd,
    name: Option<Fd>,
    /// Answers `status` to a group of users, if the configuration names one.
    status: Option<Fd>,
}

impl Listeners {
    /// Listen at `path`, and at the abstract `name`.
    ///
    /// # Errors
    /// `EADDRINUSE`: a daemon listens there. Otherwise see [`unix::listen`].
    pub fn open(path: &CStr, name: &[u8]) -> Result<Self> {
        let name = match unix::listen_abstract(name) {
            Err(crate::sys::Errno::ADDRESS_IN_USE) if super::owner(name).is_none() => None,
            other => Some(other?),
        };
        Ok(Self { file: unix::listen(path, None)?, name, status: None })
    }

    /// Listen at `path` for whoever is in `group`, too: there only `status` is answered.
    ///
    /// # Errors
    /// See [`unix::listen`].
    pub fn also_for(&mut self, path: &CStr, group: u32) -> Result<()> {
        self.status = Some(unix::listen(path, Some(group))?);
        Ok(())
    }

    /// By their numbers.
    fn all(&self) -> [Option<&Fd>; LISTENERS] {
        [Some(&self.file), self.name.as_ref(), self.status.as_ref()]
    }

    /// Somebody else has the abstract name.
    #[must_use]
    pub fn name_is_taken(&self) -> bool {
        self.name.is_none()
    }
}

/// The listeners and their clients.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    clients: [Option<Caller>; MAX_CLIENTS],
    own_uid: u32,
    /// The answer under way, and how much of it is sent.
    out: Vec<u8>,
    sent: usize,
    /// To whom, and when it took the last piece.
    owner: Option<(usize, Instant)>,
    /// No caller is taken before this.
    accept_at: Instant,
}

#[derive(Debug)]
struct Caller {
    fd: Fd,
    /// It came by the socket that answers `status` alone.
    looks_only: bool,
    buf: [u8; MAX_REQUEST],
    len: usize,
    last_used: Instant,
}

/// Takes in the replies of one request.
#[derive(Debug)]
pub struct Out<'a> {
    fd: &'a Fd,
    bytes: &'a mut Vec<u8>,
    whole: bool,
}

/// Send one piece to a caller whom [`Out::keep`] has kept for later.
pub fn send(caller: &Fd, reply: &Reply<&str>) {
    let mut buf = [0; HEAD + MAX_BODY];
    if let Some(bytes) = wire::encode(reply, &mut buf) {
        // Who does not take it in, or is gone, goes without.
        let _ = unix::send(caller, bytes);
    }
}

impl Out<'_> {
    /// The caller, for an answer that comes later: see [`send`].
    ///
    /// # Errors
    /// As `dup(2)`.
    pub fn keep(&self) -> Result<Fd> {
        self.fd.duplicate()
    }

    /// Add one piece.
    pub fn send(&mut self, reply: &Reply<&str>) {
        let mut buf = [0; HEAD + MAX_BODY];
        match wire::encode(reply, &mut buf) {
            // Never more than was set aside: nothing is allocated here.
            Some(bytes) if self.bytes.len() + bytes.len() <= self.bytes.capacity() => {
                self.bytes.extend_from_slice(bytes);
            }
            Some(_) | None => self.whole = false,
        }
    }
}

impl Server {
    /// Serve on these listeners; no answer is longer than `room` bytes.
    #[must_use]
    pub fn new(listeners: Listeners, room: usize) -> Self {
        Self {
            listeners,
            clients: [const { None }; MAX_CLIENTS],
            own_uid: process::effective_uid(),
            out: Vec::with_capacity(room.max(2 * (HEAD + MAX_BODY))),
            sent: 0,
            owner: None,
            accept_at: Instant::ZERO,
        }
    }

    /// What to wait for: the listeners, then the clients.
    #[must_use]
    pub fn poll_fds(&self, now: Instant) -> [PollFd; MAX_FDS] {
        let mut fds = [PollFd::NONE; MAX_FDS];
        let (listeners, clients) = fds.split_at_mut(LISTENERS);
        if now >= self.accept_at && self.place(now).is_some() {
            for (slot, listener) in listeners.iter_mut().zip(self.listeners.all()) {
                *slot = listener.map_or(PollFd::NONE, |fd| PollFd::readable(fd.raw()));
            }
        }
        for (slot, (place, client)) in clients.iter_mut().zip(&self.clients).enumerate() {
            let Some(client) = client else { continue };
            match self.owner {
                None => *place = PollFd::readable(client.fd.raw()),
                Some((owner, _)) if owner == slot => *place = PollFd::new(client.fd.raw(), true),
                // Its turn comes.
                Some(_) => {}
            }
        }
        fds
    }

    /// When [`Server::serve`] has something to do without being asked.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Instant {
        let mut at = self.owner.map_or(Instant::NEVER, |(_, since)| since.plus(PATIENCE));
        if now < self.accept_at {
            at = at.min(self.accept_at);
        } else if self.place(now).is_none() {
            let quiet = self.clients.iter().flatten().map(|c| c.last_used.plus(QUIET)).min();
            at = at.min(quiet.unwrap_or(Instant::NEVER).max(now.plus(Duration::from_millis(10))));
        }
        at
    }

    /// Where a new caller would go: a free place, or that of one who was quiet for long.
    fn place(&self, now: Instant) -> Option<usize> {
        self.clients.iter().position(Option::is_none).or_else(|| {
            let quiet = |slot: usize, c: &Caller| {
                now.since(c.last_used) >= QUIET && self.owner.is_none_or(|(owner, _)| owner != slot)
            };
            let all = self.clients.iter().enumerate().filter_map(|(i, c)| Some((i, c.as_ref()?)));
            all.filter(|(i, c)| quiet(*i, c)).min_by_key(|(_, c)| c.last_used).map(|(i, _)| i)
        })
    }

    /// Serve whoever is ready, one request each at most; `ready` is what [`Server::poll_fds`] gave, after the wait.
    pub fn serve(
        &mut self,
        now: Instant,
        ready: &[PollFd],
        mut answer: impl FnMut(Request<'_>, &mut Out<'_>),
    ) {
        if let Some((slot, since)) = self.owner
            && now >= since.plus(PATIENCE)
        {
            self.drop_client(slot);
        }
        for (slot, fd) in ready.iter().skip(LISTENERS).take(MAX_CLIENTS).enumerate() {
            if self.owner.is_some_and(|(owner, _)| owner == slot) {
                if fd.can_write() || fd.hung_up() {
                    self.flush(now);
                }
            } else if fd.can_read() && self.owner.is_none() {
                self.read(now, slot, &mut answer);
            }
        }
        for which in 0..LISTENERS {
            if ready.get(which).is_some_and(PollFd::can_read) {
                self.accept(now, which);
            }
        }
    }

    fn accept(&mut self, now: Instant, which: usize) {
        let Some(listener) = self.listeners.all().get(which).copied().flatten() else { return };
        // Who may open that file may ask for the status; the group's members are the kernel's to tell.
        let looks_only = which == STATUS;
        let Some(slot) = self.place(now) else { return };
        match unix::accept(listener) {
            Ok(Some(fd)) => {
                let allowed = looks_only
                    || unix::peer(&fd).is_ok_and(|who| who.uid() == 0 || who.uid() == self.own_uid);
                if !allowed {
                    send(&fd, &Reply::Refused("permission denied: be root, as the daemon is"));
                } else if let Some(place) = self.clients.get_mut(slot) {
                    *place = Some(Caller { fd, looks_only, buf: [0; MAX_REQUEST], len: 0, last_used: now });
                }
            }
            Ok(None) => {}
            Err(_) => self.accept_at = now.plus(AGAIN),
        }
    }

    fn read(&mut self, now: Instant, slot: usize, answer: &mut impl FnMut(Request<'_>, &mut Out<'_>)) {
        let Some(place) = self.clients.get_mut(slot) else { return };
        let Some(caller) = place else { return };
        let room = caller.buf.get_mut(caller.len..).unwrap_or_default();
        let got = match caller.fd.read(room) {
            Ok(None) => return,
            Ok(Some(n)) if n > 0 => n,
            Err(why) if why.is_shortage() => return,
            Ok(Some(_)) | Err(_) => {
                *place = None;
                return;
            }
        };
        caller.last_used = now;
        caller.len += got;
        self.out.clear();
        self.sent = 0;
        let mut out = Out { fd: &caller.fd, bytes: &mut self.out, whole: true };
        let kept = match wire::decode::<Request<'_>>(caller.buf.get(..caller.len).unwrap_or_default()) {
            Front::Partial => caller.len < MAX_REQUEST,
            Front::Whole(request, used) => {
                if caller.looks_only && request != Request::Status {
                    out.send(&Reply::Refused("permission denied: this socket answers status alone; be root"));
                } else {
                    answer(request, &mut out);
                }
                if !out.whole {
                    out.bytes.clear();
                    out.send(&Reply::Refused("the answer is longer than the daemon's buffer"));
                }
                caller.buf.copy_within(used..caller.len, 0);
                caller.len -= used;
                true
            }
            Front::Foreign => {
                send(
                    &caller.fd,
                    &Reply::Refused("the daemon that runs here is another version of hbd: restart it"),
                );
                false
            }
        };
        if !kept {
            *place = None;
            self.out.clear();
        } else if !self.out.is_empty() {
            self.owner = Some((slot, now));
            self.flush(now);
        }
    }

    /// Send on what the caller takes in.
    fn flush(&mut self, now: Instant) {
        let Some((slot, _)) = self.owner else { return };
        let Some(Some(caller)) = self.clients.get_mut(slot) else { return };
        while let Some(rest) = self.out.get(self.sent..)
            && !rest.is_empty()
        {
            match unix::send(&caller.fd, rest) {
                Ok(Some(n)) => {
                    self.sent += n;
                    caller.last_used = now;
                    self.owner = Some((slot, now));
                }
                Ok(None) => return,
                Err(why) if why.is_shortage() => return,
                Err(_) => return self.drop_client(slot),
            }
        }
        self.owner = None;
        self.out.clear();
    }

    fn drop_client(&mut self, slot: usize) {
        if let Some(place) = self.clients.get_mut(slot) {
            *place = None;
        }
        if self.owner.is_some_and(|(owner, _)| owner == slot) {
            self.owner = None;
            self.out.clear();
        }
    }
}
