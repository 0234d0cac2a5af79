//! TCP over IPv4 without waiting: the demo's service and the client that polls it.

pub use super::socket::accept;
use super::{Errno, Fd, Result, socket};
use core::net::SocketAddrV4;
use nix::sys::socket::{
    AddressFamily, Shutdown, SockType, SockaddrIn, getsockopt, setsockopt, shutdown, sockopt,
};

/// Accept connections to `address`, port 0 meaning any free one. An address that only old connections still name is
/// taken over.
///
/// # Errors
/// As `bind(2)`: [`Errno::ADDRESS_IN_USE`] while another process listens there.
pub fn listen(address: SocketAddrV4) -> Result<Fd> {
    let fd = socket::open(AddressFamily::Inet, SockType::Stream, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    socket::bind(&fd, &SockaddrIn::from(address))?;
    socket::listen(&fd)?;
    Ok(fd)
}

/// Begin a connection to `address`. It is there, or has failed, once the descriptor can be written: see [`outcome`].
/// Closing it drops what is under way and leaves nothing behind in either kernel.
///
/// # Errors
/// As `connect(2)`, if that is known at once.
pub fn connect(address: SocketAddrV4) -> Result<Fd> {
    let fd = socket::open(AddressFamily::Inet, SockType::Stream, None)?;
    setsockopt(&fd, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 })?;
    match socket::connect(&fd, &SockaddrIn::from(address)) {
        Ok(()) | Err(Errno(libc::EINPROGRESS)) => Ok(fd),
        Err(other) => Err(other),
    }
}

/// How a connection that was begun came out.
///
/// # Errors
/// Why it failed.
pub fn outcome(fd: &Fd) -> Result<()> {
    match getsockopt(fd, sockopt::SocketError)? {
        0 => Ok(()),
        why => Err(Errno(why)),
    }
}

/// Say that nothing more will be sent; reading goes on.
pub fn finish(fd: &Fd) {
    // It fails only if the other end is gone already.
    let _ = shutdown(fd.raw(), Shutdown::Write);
}

/// The port that a socket is bound to.
///
/// # Errors
/// As `getsockname(2)`.
#[cfg(test)]
pub fn local_port(fd: &Fd) -> Result<u16> {
    socket::own_address(fd).map(|address| address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll};
    use core::net::Ipv4Addr;

    const fn here(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    fn wait(fd: &Fd, write: bool) {
        let events = if write { PollFd::new(fd.raw(), true) } else { PollFd::readable(fd.raw()) };
        poll(&mut [events], 2000).unwrap();
    }

    #[test]
    fn a_request_is_answered_and_the_end_is_seen() {
        let listener = listen(here(0)).unwrap();
        let port = local_port(&listener).unwrap();
        assert!(accept(&listener).unwrap().is_none());
        let client = connect(here(port)).unwrap();
        wait(&client, true);
        assert_eq!(outcome(&client), Ok(()));
        wait(&listener, false);
        let server = accept(&listener).unwrap().unwrap();
        let mut got = [0; 8];
        assert_eq!(server.read(&mut got), Ok(None));
        assert_eq!(client.write(b"ping"), Ok(Some(4)));
        wait(&server, false);
        assert_eq!(server.read(&mut got), Ok(Some(4)));
        assert_eq!(server.write(b"pong"), Ok(Some(4)));
        finish(&server);
        wait(&client, false);
        assert_eq!(client.read(&mut got), Ok(Some(4)));
        wait(&client, false);
        assert_eq!(client.read(&mut got), Ok(Some(0)));
    }

    #[test]
    fn two_cannot_listen_at_one_address() {
        let first = listen(here(0)).unwrap();
        let port = local_port(&first).unwrap();
        assert_eq!(listen(here(port)).unwrap_err(), Errno::ADDRESS_IN_USE);
        drop(first);
        listen(here(port)).unwrap();
    }

    #[test]
    fn nobody_there_is_a_refusal() {
        let port = local_port(&listen(here(0)).unwrap()).unwrap();
        let refused = connect(here(port)).and_then(|fd| {
            wait(&fd, true);
            outcome(&fd)
        });
        assert_eq!(refused, Err(Errno(libc::ECONNREFUSED)));
    }
}
