//! Socket addresses between Rust's types and the kernel's, and the calls that every socket shares.

use super::errno::{check, transfer};
use super::{Errno, Fd, Result};
use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::net::{Ipv4Addr, SocketAddrV4};

/// A size as the kernel counts it.
pub(super) fn len_of<T>() -> libc::socklen_t {
    // Every type here is well below 4 GB.
    size_of::<T>() as libc::socklen_t
}

/// An IPv4 address in the kernel's form.
pub(super) fn in_addr(ip: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from(ip).to_be() }
}

/// An IPv4 address out of the kernel's form.
pub(super) fn from_in_addr(raw: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from_be(raw.s_addr))
}

/// Address and port in the kernel's form.
pub(super) fn to_raw(address: SocketAddrV4) -> libc::sockaddr_in {
    // SAFETY: an all-zero sockaddr_in is valid: integers only.
    let mut raw: libc::sockaddr_in = unsafe { core::mem::zeroed() };
    raw.sin_family = libc::AF_INET as libc::sa_family_t;
    raw.sin_port = address.port().to_be();
    raw.sin_addr = in_addr(*address.ip());
    raw
}

/// Address and port out of the kernel's form.
pub(super) fn from_raw(raw: &libc::sockaddr_in) -> SocketAddrV4 {
    SocketAddrV4::new(from_in_addr(raw.sin_addr), u16::from_be(raw.sin_port))
}

/// A new socket, close-on-exec and not waiting.
pub(super) fn socket(family: c_int, kind: c_int, protocol: c_int) -> Result<Fd> {
    // SAFETY: socket touches no memory.
    let fd = Fd::adopt(unsafe { libc::socket(family, kind, protocol) })?;
    fd.set_nonblocking(true)?;
    Ok(fd)
}

/// `setsockopt` with a plain value.
pub(super) fn set_option<T: Copy>(fd: &Fd, level: c_int, name: c_int, value: &T) -> Result<()> {
    let pointer = core::ptr::from_ref(value).cast::<c_void>();
    // SAFETY: pointer and length are of a live value without references in it.
    check(unsafe { libc::setsockopt(fd.raw(), level, name, pointer, len_of::<T>()) })?;
    Ok(())
}

/// `bind` to an address of any family.
pub(super) fn bind_raw<T: Copy>(fd: &Fd, address: &T, len: libc::socklen_t) -> Result<()> {
    let pointer = core::ptr::from_ref(address).cast();
    // SAFETY: the pointer is of a live address; `len` is at most its size.
    check(unsafe { libc::bind(fd.raw(), pointer, len.min(len_of::<T>())) })?;
    Ok(())
}

/// `connect` to an address of any family.
pub(super) fn connect_raw<T: Copy>(fd: &Fd, address: &T, len: libc::socklen_t) -> Result<()> {
    let pointer = core::ptr::from_ref(address).cast();
    // SAFETY: the pointer is of a live address; `len` is at most its size.
    check(unsafe { libc::connect(fd.raw(), pointer, len.min(len_of::<T>())) })?;
    Ok(())
}

/// `sendto` an address of any family; `None` is "no room now".
pub(super) fn send_to_raw<T: Copy>(fd: &Fd, bytes: &[u8], address: &T) -> Result<Option<usize>> {
    let pointer = core::ptr::from_ref(address).cast();
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: bytes and address are live, with their own lengths.
    transfer(|| unsafe {
        libc::sendto(fd.raw(), bytes.as_ptr().cast(), bytes.len(), flags, pointer, len_of::<T>())
    })
}

/// `recvfrom` with an address of the family that `address` has; `None` is "nothing now". `address` stays as it was where
/// the kernel has none to give.
pub(super) fn receive_raw<T: Copy>(fd: &Fd, buf: &mut [u8], address: &mut T) -> Result<Option<usize>> {
    let pointer = core::ptr::from_mut(address).cast();
    // SAFETY: buffer and address are live and exclusively borrowed, with their own lengths.
    transfer(|| unsafe {
        let mut len = len_of::<T>();
        libc::recvfrom(
            fd.raw(),
            buf.as_mut_ptr().cast(),
            buf.len(),
            libc::MSG_DONTWAIT,
            pointer,
            &raw mut len,
        )
    })
}

/// `recvmsg` of an IPv4 datagram with its sender, and where it was sent to with the own address that stands for that
/// (`IP_PKTINFO`), as far as the kernel says so. `None` is "nothing now".
pub(super) fn receive_with_target(fd: &Fd, buf: &mut [u8]) -> Result<Option<Received>> {
    let mut from = to_raw(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
    // Aligned as the control messages have to be.
    let mut control = [0_u64; 16];
    let mut part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    // SAFETY: an all-zero msghdr is valid: lengths of zero and null pointers.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = (&raw mut from).cast();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: buffer, address, part and control messages are live and exclusively borrowed, with their own lengths.
    let read = transfer(|| unsafe {
        message.msg_namelen = len_of::<libc::sockaddr_in>();
        message.msg_controllen = size_of_val(&control) as _;
        libc::recvmsg(fd.raw(), &raw mut message, libc::MSG_DONTWAIT)
    })?;
    let Some(len) = read else { return Ok(None) };
    Ok(Some(Received { len, from: from_raw(&from), to: target(&message) }))
}

/// One datagram of `receive_with_target`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Its length.
    pub len: usize,
    /// Its sender.
    pub from: SocketAddrV4,
    /// The address that it was sent to, and the own address that stands for that one: the same for a unicast.
    pub to: Option<(Ipv4Addr, Ipv4Addr)>,
}

fn target(message: &libc::msghdr) -> Option<(Ipv4Addr, Ipv4Addr)> {
    // SAFETY: the kernel filled the control messages of `message` up to the length in it, and the buffer behind them is
    // live in the caller.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(message);
        while let Some(header) = at.as_ref() {
            if header.cmsg_level == libc::IPPROTO_IP && header.cmsg_type == libc::IP_PKTINFO {
                let info: libc::in_pktinfo = libc::CMSG_DATA(at).cast::<libc::in_pktinfo>().read_unaligned();
                return Some((from_in_addr(info.ipi_addr), from_in_addr(info.ipi_spec_dst)));
            }
            at = libc::CMSG_NXTHDR(message, at);
        }
    }
    None
}

/// The address that a socket is bound to.
pub(super) fn own_address(fd: &Fd) -> Result<SocketAddrV4> {
    let mut raw = to_raw(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
    let mut len = len_of::<libc::sockaddr_in>();
    // SAFETY: getsockname writes at most `len` bytes of one sockaddr_in.
    check(unsafe { libc::getsockname(fd.raw(), (&raw mut raw).cast(), &raw mut len) })?;
    if i32::from(raw.sin_family) == libc::AF_INET { Ok(from_raw(&raw)) } else { Err(Errno::INVALID) }
}
