//! A packet filter that drops one UDP port on its way in, told to the kernel as `nft` would tell it: the program itself is on
//! hardly any machine that builds this.

use super::namespace::Namespace;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};
use std::io;
use std::os::fd::AsRawFd as _;

const TABLE: &[u8] = b"hbrig\0";
const CHAIN: &[u8] = b"in\0";
const IPV4: u8 = 2;
/// Of netfilter's messages: those of `nf_tables`.
const TABLES: u16 = 10;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
const NESTED: u16 = 0x8000;

/// Drops what comes to this UDP port from any other machine.
///
/// # Errors
/// The kernel has no packet filter, or refuses.
pub(super) fn drop_port(net: &Namespace, port: u16) -> io::Result<()> {
    let hook = nested(4, &[attr(1, &1_u32.to_be_bytes()), attr(2, &0_u32.to_be_bytes())]);
    let chain =
        [attr(1, TABLE), attr(3, CHAIN), hook, attr(5, &1_u32.to_be_bytes()), attr(7, b"filter\0")].concat();
    let number = |kind: u16, value: u32| attr(kind, &value.to_be_bytes());
    let is = |value: &[u8]| expression(b"cmp\0", &[number(1, 1), number(2, 0), nested(3, &[attr(1, value)])]);
    let expressions = [
        // The protocol above IP is UDP, the destination port is this one, and that is the end of it.
        expression(b"meta\0", &[number(1, 1), number(2, 16)]),
        is(&[17]),
        expression(b"payload\0", &[number(1, 1), number(2, 2), number(3, 2), number(4, 2)]),
        is(&port.to_be_bytes()),
        expression(b"immediate\0", &[number(1, 0), nested(2, &[nested(2, &[number(1, 0)])])]),
    ];
    let rule = [attr(1, TABLE), attr(2, CHAIN), nested(4, &expressions)].concat();
    tell(net, &[(0, attr(1, TABLE)), (3, chain), (6, rule)])
}

/// Takes the filter away.
///
/// # Errors
/// There is none.
pub(super) fn remove(net: &Namespace) -> io::Result<()> {
    tell(net, &[(2, attr(1, TABLE))])
}

fn expression(name: &[u8], data: &[Vec<u8>]) -> Vec<u8> {
    nested(1, &[attr(1, name), nested(2, data)])
}

fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    attr(kind | NESTED, &parts.concat())
}

/// Length, kind, value, padded to four bytes.
fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(kind: u16, flags: u16, family: u8, resource: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + body.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].concat());
    bytes.extend([0; 8]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// All of it or nothing, as one batch.
fn tell(net: &Namespace, changes: &[(u16, Vec<u8>)]) -> io::Result<()> {
    let mut batch = message(0x10, REQUEST, 0, TABLES, &[]);
    for (kind, body) in changes {
        batch.extend(message(TABLES << 8 | kind, REQUEST | ACK | CREATE, IPV4, 0, body));
    }
    batch.extend(message(0x11, REQUEST, 0, TABLES, &[]));
    net.run(|| {
        let kernel =
            socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), SockProtocol::NetlinkNetFilter)?;
        bind(kernel.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        send(kernel.as_raw_fd(), &batch, MsgFlags::empty())?;
        for _ in changes {
            let mut buffer = [0; 4096];
            let length = recv(kernel.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            // An answer is a header and the error as a negative number, 0 for none.
            let Some(code) = buffer.get(16..20.min(length)).and_then(|b| b.try_into().ok()) else {
                return Err(io::Error::other("a short answer of the packet filter"));
            };
            match i32::from_ne_bytes(code) {
                0 => {}
                code => return Err(io::Error::from_raw_os_error(code.saturating_neg())),
            }
        }
        Ok(())
    })
}
