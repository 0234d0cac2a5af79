//! Sockets with names in the file system, and pairs without.

use super::errno::{check, transfer};
use super::sockaddr::{bind_raw, connect_raw, len_of, socket};
use super::{Errno, Fd, Result};
use core::ffi::{CStr, c_int};
use core::mem::{offset_of, size_of};

/// The address of `path`, with its length.
fn name(path: &CStr) -> Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: an all-zero sockaddr_un is valid: integers only.
    let mut address: libc::sockaddr_un = unsafe { core::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.to_bytes_with_nul();
    if bytes.len() > address.sun_path.len() {
        return Err(Errno::NAME_TOO_LONG);
    }
    for (to, &from) in address.sun_path.iter_mut().zip(bytes) {
        *to = from as libc::c_char;
    }
    let len = offset_of!(libc::sockaddr_un, sun_path) + bytes.len();
    Ok((address, len as libc::socklen_t))
}

/// The address of an abstract name, which begins with a NUL and is no file.
fn abstract_address(name: &[u8]) -> Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: an all-zero sockaddr_un is valid: integers only.
    let mut address: libc::sockaddr_un = unsafe { core::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if name.first() != Some(&0) || name.len() > address.sun_path.len() {
        return Err(Errno::NAME_TOO_LONG);
    }
    for (to, &from) in address.sun_path.iter_mut().zip(name) {
        *to = from as libc::c_char;
    }
    let len = offset_of!(libc::sockaddr_un, sun_path) + name.len();
    Ok((address, len as libc::socklen_t))
}

/// Callers that may wait to be taken.
const BACKLOG: c_int = 128;

/// Listen at an abstract name (NUL first, 108 bytes at most), without waiting. Anybody may call: see [`peer`].
///
/// # Errors
/// `EADDRINUSE`: somebody has it.
pub fn listen_abstract(name: &[u8]) -> Result<Fd> {
    let (address, len) = abstract_address(name)?;
    let fd = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    bind_raw(&fd, &address, len)?;
    // SAFETY: listen touches no memory.
    check(unsafe { libc::listen(fd.raw(), BACKLOG) })?;
    Ok(fd)
}

/// Call the listener at an abstract name, as [`connect`].
///
/// # Errors
/// `ECONNREFUSED`: nobody listens. `EAGAIN`: too many wait already.
pub fn connect_abstract(name: &[u8]) -> Result<Fd> {
    let (address, len) = abstract_address(name)?;
    let fd = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    connect_raw(&fd, &address, len)?;
    fd.set_nonblocking(false)?;
    Ok(fd)
}

/// Listen at `path` (107 bytes at most), for the owner only (mode 0600), or for the owner and the group of this number
/// (mode 0660), without waiting. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// `EADDRINUSE`: somebody listens there. Otherwise as `bind(2)`.
pub fn listen(path: &CStr, group: Option<u32>) -> Result<Fd> {
    let (address, len) = name(path)?;
    if matches!(connect(path), Ok(_) | Err(Errno::AGAIN)) {
        return Err(Errno::ADDRESS_IN_USE);
    }
    // SAFETY: unlink reads a string that ends in NUL.
    unsafe { libc::unlink(path.as_ptr()) };
    let fd = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    let mask = super::process::umask(0o177);
    let bound = bind_raw(&fd, &address, len);
    super::process::umask(mask);
    bound?;
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    // SAFETY: chown and chmod read a string that ends in NUL; listen touches no memory.
    unsafe {
        if let Some(group) = group {
            check(libc::chown(path.as_ptr(), libc::uid_t::MAX, group))?;
        }
        check(libc::chmod(path.as_ptr(), mode))?;
        check(libc::listen(fd.raw(), BACKLOG))?;
    }
    Ok(fd)
}

/// Take a caller, not waiting on it either. `None`: nobody there.
///
/// # Errors
/// As `accept(2)`; a caller that is gone again is "nobody".
pub fn accept(listener: &Fd) -> Result<Option<Fd>> {
    let null = core::ptr::null_mut::<libc::sockaddr>();
    // SAFETY: accept may be given no address to write.
    let raw = unsafe { libc::accept(listener.raw(), null, core::ptr::null_mut()) };
    match Fd::adopt(raw) {
        Ok(fd) => {
            fd.set_nonblocking(true)?;
            Ok(Some(fd))
        }
        Err(Errno::AGAIN | Errno::INTR | Errno(libc::ECONNABORTED)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Call the listener at `path`. The connection waits on reads and writes.
///
/// # Errors
/// `ENOENT`, `ECONNREFUSED`: nobody listens. `EACCES`: not allowed. `EAGAIN`: too many wait already.
pub fn connect(path: &CStr) -> Result<Fd> {
    let (address, len) = name(path)?;
    let fd = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    connect_raw(&fd, &address, len)?;
    fd.set_nonblocking(false)?;
    Ok(fd)
}

/// A datagram socket that sends to `path` without waiting: syslog's `/dev/log`.
///
/// # Errors
/// As `connect(2)`.
pub fn connect_datagram(path: &CStr) -> Result<Fd> {
    let (address, len) = name(path)?;
    let fd = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    connect_raw(&fd, &address, len)?;
    Ok(fd)
}

/// The same for an abstract name (NUL first): where older versions of systemd listen.
///
/// # Errors
/// As `connect(2)`.
pub fn connect_datagram_abstract(name: &[u8]) -> Result<Fd> {
    let (address, len) = abstract_address(name)?;
    let fd = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    connect_raw(&fd, &address, len)?;
    Ok(fd)
}

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Ask the kernel who called.
///
/// # Errors
/// As `getsockopt(2)`.
pub fn peer(fd: &Fd) -> Result<Peer> {
    let mut raw = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = len_of::<libc::ucred>();
    let pointer = (&raw mut raw).cast();
    // SAFETY: getsockopt writes at most `len` bytes of one ucred.
    check(unsafe { libc::getsockopt(fd.raw(), libc::SOL_SOCKET, libc::SO_PEERCRED, pointer, &raw mut len) })?;
    Ok(Peer { pid: raw.pid, uid: raw.uid, gid: raw.gid })
}

/// Two connected stream sockets without names. Neither end waits.
///
/// # Errors
/// As `socketpair(2)`.
pub fn pair() -> Result<(Fd, Fd)> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: socketpair writes two ints to the array.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) })?;
    let [a, b] = [Fd::adopt(ends[0])?, Fd::adopt(ends[1])?];
    a.set_nonblocking(true)?;
    b.set_nonblocking(true)?;
    Ok((a, b))
}

/// Write to a socket without raising `SIGPIPE`. `None`: no room now.
///
/// # Errors
/// `EPIPE`: the other end is closed. Otherwise as `send(2)`.
pub fn send(fd: &Fd, bytes: &[u8]) -> Result<Option<usize>> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are of a live slice.
    transfer(|| unsafe { libc::send(fd.raw(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// Space for one descriptor's control message, aligned as its header.
#[repr(C)]
union Control {
    header: libc::cmsghdr,
    space: [u8; 64],
}

/// Write `bytes` with a descriptor that the receiver gets a copy of. `None`: no room now, nothing was sent.
///
/// # Errors
/// As [`send`].
pub fn send_with(fd: &Fd, bytes: &[u8], passenger: &Fd) -> Result<Option<usize>> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control { space: [0; 64] };
    // SAFETY: an all-zero msghdr is valid: integers and pointers that may be null.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // SAFETY: CMSG_SPACE computes; CMSG_FIRSTHDR answers the start of `control`, which has room for one int.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as _;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(passenger.raw());
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: every pointer in `message` is of a live local; sendmsg writes to none of them.
    transfer(|| unsafe { libc::sendmsg(fd.raw(), &raw const message, flags) })
}

/// Read bytes, and a descriptor if one came with them. `None`: nothing there; 0 bytes: the end.
///
/// # Errors
/// As `recvmsg(2)`.
pub fn receive_with(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, Option<Fd>)>> {
    let mut part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let mut control = Control { space: [0; 64] };
    // SAFETY: an all-zero msghdr is valid: integers and pointers that may be null.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: every pointer in `message` is of a live local or of `buf`, with its own length.
    let read = transfer(|| unsafe { libc::recvmsg(fd.raw(), &raw mut message, libc::MSG_DONTWAIT) })?;
    let Some(n) = read else { return Ok(None) };
    // SAFETY: the kernel filled `control` up to msg_controllen; the header is read only if one fits in it.
    let passenger = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null()
            || (*header).cmsg_level != libc::SOL_SOCKET
            || (*header).cmsg_type != libc::SCM_RIGHTS
        {
            None
        } else {
            Some(Fd::adopt(libc::CMSG_DATA(header).cast::<c_int>().read_unaligned())?)
        }
    };
    Ok(Some((n, passenger)))
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
        assert_eq!(who.pid, i32::try_from(std::process::id()).unwrap());
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

    #[test]
    fn a_descriptor_travels_with_its_bytes() {
        let (a, b) = pair().unwrap();
        let (read, write) = super::super::fd::pipe().unwrap();
        assert!(receive_with(&b, &mut [0; 8]).unwrap().is_none());
        assert_eq!(send(&a, b"plain"), Ok(Some(5)));
        let mut buf = [0; 5];
        assert!(matches!(receive_with(&b, &mut buf), Ok(Some((5, None)))));
        assert_eq!(send_with(&a, b"fd", &write), Ok(Some(2)));
        let (n, passenger) = receive_with(&b, &mut buf).unwrap().unwrap();
        assert_eq!(n, 2);
        drop(write);
        assert_eq!(passenger.unwrap().write(b"!"), Ok(Some(1)));
        assert_eq!(read.read(&mut buf), Ok(Some(1)));
        drop(a);
        assert!(matches!(receive_with(&b, &mut buf), Ok(Some((0, None)))));
    }
}
