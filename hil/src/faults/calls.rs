//! The system calls that the daemon's loop makes, by name, and the errors that they are made to answer.

use nix::libc;

/// A call, by its number on this machine (x86-64).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) number: u64,
    /// Without it the peer hears nothing: it may be missing for less than deadtime only.
    pub(super) speaks: bool,
    /// How the daemon comes to make it.
    pub(super) cause: Cause,
}

/// What has to happen for a call to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// Nothing: it belongs to every keepalive, or to the monitor's scripts.
    Always,
    /// Somebody asks for the status.
    Asked,
    /// The kernel tells of a change of the link's interface.
    Changed,
}

const fn call(name: &'static str, number: i64, cause: Cause) -> Call {
    Call { name, number: number.cast_unsigned(), speaks: false, cause }
}

pub(super) const CALLS: &[Call] = &[
    call("poll", libc::SYS_poll, Cause::Always),
    call("recvfrom", libc::SYS_recvfrom, Cause::Always),
    call("recvmsg", libc::SYS_recvmsg, Cause::Always),
    call("read", libc::SYS_read, Cause::Always),
    Call { speaks: true, ..call("write", libc::SYS_write, Cause::Always) },
    Call { speaks: true, ..call("sendto", libc::SYS_sendto, Cause::Always) },
    call("sendmsg", libc::SYS_sendmsg, Cause::Always),
    call("ioctl", libc::SYS_ioctl, Cause::Changed),
    call("fcntl", libc::SYS_fcntl, Cause::Always),
    call("socket", libc::SYS_socket, Cause::Changed),
    call("setsockopt", libc::SYS_setsockopt, Cause::Changed),
    call("pipe2", libc::SYS_pipe2, Cause::Always),
    call("pipe", libc::SYS_pipe, Cause::Always),
    call("clone", libc::SYS_clone, Cause::Always),
    call("fork", libc::SYS_fork, Cause::Always),
    call("setpgid", libc::SYS_setpgid, Cause::Always),
    call("wait4", libc::SYS_wait4, Cause::Always),
    call("kill", libc::SYS_kill, Cause::Always),
    call("close", libc::SYS_close, Cause::Always),
    call("newfstatat", libc::SYS_newfstatat, Cause::Always),
    call("statx", libc::SYS_statx, Cause::Always),
    call("stat", libc::SYS_stat, Cause::Always),
    call("open", libc::SYS_open, Cause::Always),
    call("openat", libc::SYS_openat, Cause::Always),
    call("clock_nanosleep", libc::SYS_clock_nanosleep, Cause::Always),
    call("nanosleep", libc::SYS_nanosleep, Cause::Always),
    call("gettimeofday", libc::SYS_gettimeofday, Cause::Always),
    call("clock_gettime", libc::SYS_clock_gettime, Cause::Always),
    call("accept", libc::SYS_accept, Cause::Asked),
    call("accept4", libc::SYS_accept4, Cause::Asked),
    call("getsockopt", libc::SYS_getsockopt, Cause::Asked),
];

pub(super) const ERRORS: [(&str, i32); 7] = [
    ("EINTR", libc::EINTR),
    ("EAGAIN", libc::EAGAIN),
    ("ENOMEM", libc::ENOMEM),
    ("ENFILE", libc::ENFILE),
    ("EMFILE", libc::EMFILE),
    ("ENOSPC", libc::ENOSPC),
    ("EIO", libc::EIO),
];
