//! System calls: the only place with `unsafe`. Everything here exists on Linux 2.4.20 (DESIGN §1): no epoll, no
//! signalfd, no `*at()` calls, no `SOCK_CLOEXEC`; descriptors get their flags by `fcntl`.
//!
//! They are made by nix, with empty flags; a file that calls libc itself says first why nix will not do.
//!
//! The process has one thread, so nothing here races between making a descriptor and marking it close-on-exec.

pub mod clock;
#[cfg(feature = "data")]
pub mod disk;
pub mod errno;
pub mod fd;
pub mod guard;
pub mod host;
pub mod icmp;
pub mod iface;
mod ioctl;
pub mod limit;
pub mod message;
pub mod modem;
pub mod oom;
pub mod packet;
pub mod poll;
pub mod process;
pub mod pty;
pub mod random;
pub mod route;
pub mod sched;
pub mod signal;
mod socket;
pub mod spawn;
pub mod tcp;
pub mod tty;
pub mod udp;
pub mod unix;
#[cfg(feature = "attend")]
pub mod user;
pub mod wdt;

pub use errno::Errno;
pub use fd::Fd;
pub use poll::PollFd;
pub use signal::Signal;

/// What a system call gives: its value or the error number.
pub type Result<T> = core::result::Result<T, Errno>;
