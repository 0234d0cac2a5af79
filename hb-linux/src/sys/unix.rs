//! Sockets with names in the file system, and pairs without.

use super::errno::transfer;
pub use super::socket::accept;
use super::{Errno, Fd, Result, socket};
use core::ffi::CStr;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, getsockopt, socketpair, sockopt,
};
use nix::unistd::{Gid, chown, unlink};

/// The address of an abstract name, which begins with a NUL and is no file.
fn abstract_address(name: &[u8]) -> Result<UnixAddr> {
    Ok(UnixAddr::new_abstract(name.strip_prefix(b"\0").ok_or(Errno::NAME_TOO_LONG)?)?)
}

/// A socket that is connected to `address`. It waits on reads and writes if `wait`.
fn call(kind: SockType, address: &UnixAddr, wait: bool) -> Result<Fd> {
    let fd = socket::open(AddressFamily::Unix, kind, None)?;
    socket::connect(&fd, address)?;
    if wait {
        fd.set_nonblocking(false)?;
    }
    Ok(fd)
}

/// Listen at an abstract name (NUL first, 108 bytes at most), without waiting. Anybody may call: see [`peer`].
///
/// # Errors
/// `EADDRINUSE`: somebody has it.
pub fn listen_abstract(name: &[u8]) -> Result<Fd> {
    let fd = socket::open(AddressFamily::Unix, SockType::Stream, None)?;
    socket::bind(&fd, &abstract_address(name)?)?;
    socket::listen(&fd)?;
    Ok(fd)
}

/// Call the listener at an abstract name, as [`connect`].
///
/// # Errors
/// `ECONNREFUSED`: nobody listens. `EAGAIN`: too many wait already.
pub fn connect_abstract(name: &[u8]) -> Result<Fd> {
    call(SockType::Stream, &abstract_address(name)?, true)
}

/// Listen at `path` (107 bytes at most), for the owner only (mode 0600), or for the owner and the group of this number
/// (mode 0660), without waiting. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// `EADDRINUSE`: somebody listens there. Otherwise as `bind(2)`.
pub fn listen(path: &CStr, group: Option<u32>) -> Result<Fd> {
    let address = UnixAddr::new(path)?;
    if matches!(connect(path), Ok(_) | Err(Errno::AGAIN)) {
        return Err(Errno::ADDRESS_IN_USE);
    }
    let _ = unlink(path);
    let fd = socket::open(AddressFamily::Unix, SockType::Stream, None)?;
    let mask = super::process::umask(if group.is_some() { 0o117 } else { 0o177 });
    let bound = socket::bind(&fd, &address);
    super::process::umask(mask);
    bound?;
    // Nobody can call before it listens.
    if let Some(group) = group {
        chown(path, None, Some(Gid::from_raw(group)))?;
    }
    socket::listen(&fd)?;
    Ok(fd)
}

/// Call the listener at `path`. The connection waits on reads and writes.
///
/// # Errors
/// `ENOENT`, `ECONNREFUSED`: nobody listens. `EACCES`: not allowed. `EAGAIN`: too many wait already.
pub fn connect(path: &CStr) -> Result<Fd> {
    call(SockType::Stream, &UnixAddr::new(path)?, true)
}

/// A datagram socket that sends to `path` without waiting: syslog's `/dev/log`.
///
/// # Errors
/// As `connect(2)`.
pub fn connect_datagram(path: &CStr) -> Result<Fd> {
    call(SockType::Datagram, &UnixAddr::new(path)?, false)
}

/// The same for an abstract name (NUL first): where older versions of systemd listen.
///
/// # Errors
/// As `connect(2)`.
pub fn connect_datagram_abstract(name: &[u8]) -> Result<Fd> {
    call(SockType::Datagram, &abstract_address(name)?, false)
}

/// Ask the kernel who called: process, user and group.
///
/// # Errors
/// As `getsockopt(2)`.
pub fn peer(fd: &Fd) -> Result<UnixCredentials> {
    Ok(getsockopt(fd, sockopt::PeerCredentials)?)
}

/// Two connected stream sockets without names. Neither end waits.
///
/// # Errors
/// As `socketpair(2)`.
pub fn pair() -> Result<(Fd, Fd)> {
    let (a, b) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::empty())?;
    let (a, b) = (Fd::adopt(a)?, Fd::adopt(b)?);
    a.set_nonblocking(true)?;
    b.set_nonblocking(true)?;
    Ok((a, b))
}

/// Write to a socket without raising `SIGPIPE`. `None`: no room now.
///
/// # Errors
/// `EPIPE`: the other end is closed. Otherwise as `send(2)`.
pub fn send(fd: &Fd, bytes: &[u8]) -> Result<Option<usize>> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    transfer(|| nix::sys::socket::send(fd.raw(), bytes, flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{PollFd, poll::poll};
    use std::ffi::CString;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_listener_is_private_and_knows_its_callers() {
        let path = std::env::temp_dir().join(format!("hbd-unix-{}", std::process::id()));
        let name = CString::new(path.to_str().unwrap()).unwrap();
        assert_eq!(connect(&name).unwrap_err(), Errno::NO_ENTRY);
        let listener = listen(&name, None).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(listen(&name, None).unwrap_err(), Errno::ADDRESS_IN_USE);
        // That try was a caller, too, and is gone again.
        while accept(&listener).unwrap().is_some() {}
        let caller = connect(&name).unwrap();
        let mut fds = [PollFd::readable(listener.raw())];
        poll(&mut fds, 2000).unwrap();
        let server = accept(&listener).unwrap().unwrap();
        assert!(accept(&listener).unwrap().is_none());
        let who = peer(&server).unwrap();
        assert_eq!(who.pid(), i32::try_from(std::process::id()).unwrap());
        assert_eq!(send(&caller, b"status"), Ok(Some(6)));
        let mut buf = [0; 16];
        assert_eq!(server.read(&mut buf), Ok(Some(6)));
        drop((server, listener));
        assert_eq!(send(&caller, b"x"), Err(Errno::PIPE));
        let again = listen(&name, None);
        assert!(again.is_ok(), "a stale socket is replaced");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let long = CString::new("/tmp/".to_owned() + &"x".repeat(120)).unwrap();
        assert_eq!(listen(&long, None).unwrap_err(), Errno::NAME_TOO_LONG);
    }
}
