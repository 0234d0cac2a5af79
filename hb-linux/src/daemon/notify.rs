//! What systemd is told of a unit with `Type=notify`: a datagram to the socket that `$NOTIFY_SOCKET` names.
//!
//! That the daemon is ready is told when its links are open and before the first script is called: a script that waits for
//! a unit of systemd must not be waited for by systemd.

use crate::sys::unix;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// The links are open.
pub(super) const READY: &[u8] = b"READY=1";

/// Tell `state` to whoever started this process, if it wants to know.
pub(super) fn tell(state: &[u8]) {
    if let Some(name) = std::env::var_os("NOTIFY_SOCKET") {
        send(&name, state);
    }
}

/// Whether it is read is no matter of the daemon's: nothing waits here, and nothing fails.
fn send(name: &OsStr, state: &[u8]) {
    let bytes = name.as_bytes();
    let socket = match bytes.split_first() {
        Some((b'@', rest)) => unix::connect_datagram_abstract(&[b"\0", rest].concat()),
        Some((b'/', _)) => match CString::new(bytes) {
            Ok(path) => unix::connect_datagram(&path),
            Err(_) => return,
        },
        _ => return,
    };
    if let Ok(socket) = socket {
        let _ = unix::send(&socket, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    #[test]
    fn both_kinds_of_names_are_told() {
        let path = std::env::temp_dir().join(format!("hbd-notify-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let name = format!("hbd-notify-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(path.as_os_str(), READY);
        send(OsStr::new(&format!("@{name}")), b"STOPPING=1");
        let mut buf = [0; 64];
        for (socket, word) in [(by_path, READY), (by_name, &b"STOPPING=1"[..])] {
            socket.set_nonblocking(true).unwrap();
            let n = socket.recv(&mut buf).unwrap();
            assert_eq!(&buf[..n], word);
        }
        // Nobody there, or no name at all.
        std::fs::remove_file(&path).unwrap();
        for name in ["", "relative", "@nobody-here"] {
            send(OsStr::new(name), READY);
        }
        send(path.as_os_str(), READY);
    }
}
