//! `AF_PACKET` sockets for ARP frames, Ethernet header included. nix has no number for ARP alone, and makes no address of
//! this family.

use super::errno::{check, transfer};
use super::message::{Control, receive as receive_message};
use super::{Fd, Result};
use core::ffi::c_int;
use core::mem::size_of;
use nix::errno::Errno as Number;

const ETH_P_ARP: u16 = 0x0806;

/// A socket that sends ARP frames on any interface and, if `receive`, gets every ARP frame that arrives on any. Needs
/// root.
///
/// # Errors
/// As `socket(2)`: `EPERM` without root.
pub fn open(receive: bool) -> Result<Fd> {
    let protocol = if receive { c_int::from(ETH_P_ARP.to_be()) } else { 0 };
    // SAFETY: socket touches no memory.
    let fd = Fd::adopt_raw(check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, protocol) })?)?;
    fd.set_nonblocking(true)?;
    Ok(fd)
}

/// Send a whole frame on the interface with this index. `None`: no room now.
///
/// # Errors
/// As `sendto(2)`: `ENETDOWN`, `ENXIO` when the interface is down or gone.
pub fn send(fd: &Fd, frame: &[u8], index: i32) -> Result<Option<usize>> {
    let to = address(index);
    transfer(|| {
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: frame and address are live, with their own lengths.
        Number::result(unsafe {
            libc::sendto(fd.raw(), frame.as_ptr().cast(), frame.len(), flags, (&raw const to).cast(), len)
        })
        .map(isize::cast_unsigned)
    })
}

/// Receive one frame with the index of its interface; frames that this machine sent are skipped. `None`: nothing there.
///
/// # Errors
/// As `recvmsg(2)`.
pub fn receive(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, i32)>> {
    loop {
        let mut from = address(0);
        let Some(n) = receive_message(fd, buf, Some(&mut from), &mut Control::new())? else {
            return Ok(None);
        };
        if from.sll_pkttype != libc::PACKET_OUTGOING {
            return Ok(Some((n, from.sll_ifindex)));
        }
    }
}

/// Everybody on the interface with this index.
fn address(index: i32) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: ETH_P_ARP.to_be(),
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
    }
}
