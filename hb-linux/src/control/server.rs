//! The daemon's end of the control socket. Never waits, allocates nothing, and lets nobody in but root and the
//! daemon's own user.

use super::wire::{self, Front, HEAD, MAX_BODY, MAX_REQUEST, Reply, Request};
use crate::sys::{Fd, PollFd, Result, process, unix};
use core::ffi::CStr;

/// Clients at a time. The one that was quiet for longest makes room for a new one.
pub const MAX_CLIENTS: usize = 4;

/// The listener and its clients.
#[derive(Debug)]
pub struct Server {
    listener: Fd,
    clients: [Option<Caller>; MAX_CLIENTS],
    own_uid: u32,
    turn: u32,
    out: [u8; HEAD + MAX_BODY],
}

#[derive(Debug)]
struct Caller {
    fd: Fd,
    buf: [u8; MAX_REQUEST],
    len: usize,
    last_used: u32,
}

/// Sends the replies of one request. A caller that does not take them in is dropped.
#[derive(Debug)]
pub struct Out<'a> {
    fd: &'a Fd,
    buf: &'a mut [u8],
    alive: bool,
}

/// Send one piece to a caller whom [`Out::keep`] has kept for later.
pub fn send(caller: &Fd, reply: &Reply<'_>) {
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

    /// Send one piece.
    pub fn send(&mut self, reply: &Reply<'_>) {
        if !self.alive {
            return;
        }
        let Some(bytes) = wire::encode(reply, self.buf) else { return };
        self.alive = matches!(unix::send(self.fd, bytes), Ok(Some(n)) if n == bytes.len());
    }
}

impl Server {
    /// Listen at `path`.
    ///
    /// # Errors
    /// See [`unix::listen`].
    pub fn open(path: &CStr) -> Result<Self> {
        Ok(Self {
            listener: unix::listen(path)?,
            clients: [const { None }; MAX_CLIENTS],
            own_uid: process::effective_uid(),
            turn: 0,
            out: [0; HEAD + MAX_BODY],
        })
    }

    /// What to wait for: the listener, then the clients.
    #[must_use]
    pub fn poll_fds(&self) -> [PollFd; 1 + MAX_CLIENTS] {
        let mut fds = [PollFd::NONE; 1 + MAX_CLIENTS];
        let sockets = core::iter::once(Some(&self.listener))
            .chain(self.clients.iter().map(|c| c.as_ref().map(|caller| &caller.fd)));
        for (slot, fd) in fds.iter_mut().zip(sockets) {
            if let Some(fd) = fd {
                *slot = PollFd::readable(fd.raw());
            }
        }
        fds
    }

    /// Serve whoever is ready, one request each at most; `ready` is what [`Server::poll_fds`] gave, after the wait.
    pub fn serve(&mut self, ready: &[PollFd], mut answer: impl FnMut(Request<'_>, &mut Out<'_>)) {
        for (slot, fd) in ready.iter().skip(1).take(MAX_CLIENTS).enumerate() {
            if fd.can_read() {
                self.turn = self.turn.wrapping_add(1);
                self.read(slot, &mut answer);
            }
        }
        if ready.first().is_some_and(PollFd::can_read) {
            self.accept();
        }
    }

    fn accept(&mut self) {
        let Ok(Some(fd)) = unix::accept(&self.listener) else { return };
        let allowed = unix::peer(&fd).is_ok_and(|who| who.uid == 0 || who.uid == self.own_uid);
        if !allowed {
            return;
        }
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let age = |c: &Option<Caller>| c.as_ref().map_or(u32::MAX, |c| turn.wrapping_sub(c.last_used));
        if let Some(slot) = self.clients.iter_mut().max_by_key(|c| age(c)) {
            *slot = Some(Caller { fd, buf: [0; MAX_REQUEST], len: 0, last_used: turn });
        }
    }

    fn read(&mut self, slot: usize, answer: &mut impl FnMut(Request<'_>, &mut Out<'_>)) {
        let Some(place) = self.clients.get_mut(slot) else { return };
        let Some(caller) = place else { return };
        caller.last_used = self.turn;
        let room = caller.buf.get_mut(caller.len..).unwrap_or_default();
        let got = match caller.fd.read(room) {
            Ok(None) => return,
            Ok(Some(n)) if n > 0 => n,
            Ok(Some(_)) | Err(_) => {
                *place = None;
                return;
            }
        };
        caller.len += got;
        let mut out = Out { fd: &caller.fd, buf: &mut self.out, alive: true };
        let kept = match wire::decode::<Request<'_>>(caller.buf.get(..caller.len).unwrap_or_default()) {
            Front::Partial => caller.len < MAX_REQUEST,
            Front::Whole(request, used) => {
                answer(request, &mut out);
                let kept = out.alive;
                caller.buf.copy_within(used..caller.len, 0);
                caller.len -= used;
                kept
            }
            Front::Foreign => {
                out.send(&Reply::Refused("the daemon that runs here is another version of hbd: restart it"));
                false
            }
        };
        if !kept {
            *place = None;
        }
    }
}
