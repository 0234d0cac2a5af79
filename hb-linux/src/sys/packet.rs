//! `AF_PACKET` sockets for ARP frames, Ethernet header included.

use super::sockaddr::{receive_raw, send_to_raw, socket};
use super::{Fd, Result};
use core::ffi::c_int;

const ETH_P_ARP: u16 = 0x0806;

/// A socket that sends ARP frames on any interface and, if `receive`, gets every ARP frame that arrives on any. Needs
/// root.
///
/// # Errors
/// As `socket(2)`: `EPERM` without root.
pub fn open(receive: bool) -> Result<Fd> {
    let protocol = if receive { c_int::from(ETH_P_ARP.to_be()) } else { 0 };
    socket(libc::AF_PACKET, libc::SOCK_RAW, protocol)
}

/// Send a whole frame on the interface with this index. `None`: no room now.
///
/// # Errors
/// As `sendto(2)`: `ENETDOWN`, `ENXIO` when the interface is down or gone.
pub fn send(fd: &Fd, frame: &[u8], index: i32) -> Result<Option<usize>> {
    let mut to = address();
    to.sll_ifindex = index;
    to.sll_halen = 6;
    to.sll_addr = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0];
    send_to_raw(fd, frame, &to)
}

/// Receive one frame with the index of its interface; frames that this machine sent are skipped. `None`: nothing there.
///
/// # Errors
/// As `recvfrom(2)`.
pub fn receive(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, i32)>> {
    loop {
        let mut from = address();
        let Some(n) = receive_raw(fd, buf, &mut from)? else { return Ok(None) };
        if from.sll_pkttype != libc::PACKET_OUTGOING {
            return Ok(Some((n, from.sll_ifindex)));
        }
    }
}

fn address() -> libc::sockaddr_ll {
    // SAFETY: an all-zero sockaddr_ll is valid: integers only.
    let mut address: libc::sockaddr_ll = unsafe { core::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = ETH_P_ARP.to_be();
    address
}
