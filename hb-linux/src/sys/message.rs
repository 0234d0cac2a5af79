//! `sendmsg` and `recvmsg` with one control message. nix allocates for the first, and for a descriptor that the second
//! brings; and it takes an `AF_PACKET` sender of 18 bytes, as Linux 2.6 to 5 tell it, for none.

use super::errno::transfer;
use super::{Fd, Result};
use core::ffi::c_int;
use core::mem::size_of;
use nix::errno::Errno as Number;

const WORD: usize = size_of::<usize>();
/// Bytes of a control message's head, as the kernel has it: its length, level and kind.
const HEAD: usize = WORD + 2 * size_of::<c_int>();

/// Room for the control messages of one datagram, aligned as they have to be.
#[repr(C, align(8))]
pub(super) struct Control {
    bytes: [u8; 128],
    len: usize,
}

impl Control {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 128], len: 0 }
    }

    /// A copy of `fd` for the receiver.
    fn passenger(fd: &Fd) -> Self {
        let mut control = Self::new();
        let len = HEAD + size_of::<c_int>();
        let (length, words) = control.bytes.split_at_mut(WORD);
        length.copy_from_slice(&len.to_ne_bytes());
        for (to, from) in words.chunks_mut(4).zip([libc::SOL_SOCKET, libc::SCM_RIGHTS, fd.raw()]) {
            to.copy_from_slice(&from.to_ne_bytes());
        }
        control.len = len.next_multiple_of(WORD);
        control
    }

    /// The first control message of this kind.
    pub(super) fn find(&self, level: c_int, kind: c_int) -> Option<&[u8]> {
        let mut rest = self.bytes.get(..self.len)?;
        loop {
            let len = usize::from_ne_bytes(*rest.first_chunk()?);
            let data = rest.get(HEAD..len)?;
            if (int(rest, WORD)?, int(rest, WORD + size_of::<c_int>())?) == (level, kind) {
                return Some(data);
            }
            rest = rest.get(len.next_multiple_of(WORD)..)?;
        }
    }
}

fn int(bytes: &[u8], at: usize) -> Option<c_int> {
    Some(c_int::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A message of one part with room for control messages.
fn header(part: &mut libc::iovec, control: &mut Control, len: usize) -> libc::msghdr {
    // SAFETY: an all-zero msghdr is valid: integers and pointers that may be null.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.as_mut_ptr().cast();
    message.msg_controllen = len as _;
    message
}

/// Receive into `buf`, with the sender's address in the form of the socket's family (`A` is one of integers) if it has
/// one, and what came beside. `None` is "nothing now".
pub(super) fn receive<A: Copy>(
    fd: &Fd,
    buf: &mut [u8],
    mut from: Option<&mut A>,
    control: &mut Control,
) -> Result<Option<usize>> {
    let mut part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    transfer(|| {
        let mut message = header(&mut part, control, size_of_val(&control.bytes));
        if let Some(from) = from.as_deref_mut() {
            message.msg_name = (&raw mut *from).cast();
            message.msg_namelen = size_of::<A>() as libc::socklen_t;
        }
        // SAFETY: buffer, address and control messages are live and exclusively borrowed, with their own lengths.
        let read = Number::result(unsafe { libc::recvmsg(fd.raw(), &raw mut message, libc::MSG_DONTWAIT) })?;
        control.len = message.msg_controllen as usize;
        Ok(read.cast_unsigned())
    })
}

/// Write `bytes` with a descriptor that the receiver gets a copy of. `None`: no room now, nothing was sent.
///
/// # Errors
/// `EPIPE`: the other end is closed. Otherwise as `sendmsg(2)`.
pub fn send_with(fd: &Fd, bytes: &[u8], passenger: &Fd) -> Result<Option<usize>> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control::passenger(passenger);
    let len = control.len;
    let message = header(&mut part, &mut control, len);
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    transfer(|| {
        // SAFETY: every pointer in `message` is of a live local or of `bytes`; sendmsg writes to none of them.
        let sent = Number::result(unsafe { libc::sendmsg(fd.raw(), &raw const message, flags) })?;
        Ok(sent.cast_unsigned())
    })
}

/// Read bytes, and a descriptor if one came with them. `None`: nothing there; 0 bytes: the end.
///
/// # Errors
/// As `recvmsg(2)`.
pub fn receive_with(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, Option<Fd>)>> {
    let mut control = Control::new();
    let Some(n) = receive::<libc::sockaddr_un>(fd, buf, None, &mut control)? else { return Ok(None) };
    let passenger = control.find(libc::SOL_SOCKET, libc::SCM_RIGHTS).and_then(|data| int(data, 0));
    Ok(Some((n, passenger.map(Fd::adopt_raw).transpose()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{fd::pipe, unix};

    #[test]
    fn a_descriptor_travels_with_its_bytes() {
        let (a, b) = unix::pair().unwrap();
        let (read, write) = pipe().unwrap();
        assert!(receive_with(&b, &mut [0; 8]).unwrap().is_none());
        assert_eq!(unix::send(&a, b"plain"), Ok(Some(5)));
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

    #[test]
    fn a_control_message_is_found_behind_others_and_nothing_is_found_in_nonsense() {
        let (read, _write) = pipe().unwrap();
        let mut control = Control::passenger(&read);
        let one = control.len;
        assert_eq!(control.find(libc::SOL_SOCKET, libc::SCM_RIGHTS), Some(&read.raw().to_ne_bytes()[..]));
        control.bytes.copy_within(..one, one);
        control.bytes[WORD] ^= 0xff;
        control.len = 2 * one;
        assert_eq!(control.find(libc::SOL_SOCKET, libc::SCM_RIGHTS), Some(&read.raw().to_ne_bytes()[..]));
        for length in [0, 1, HEAD - 1, one + 1, usize::MAX] {
            control.bytes[..WORD].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(control.find(libc::SOL_SOCKET, libc::SCM_RIGHTS), None, "{length}");
        }
    }
}
