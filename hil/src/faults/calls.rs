//! The system calls that the daemon's loop makes, by name, and the errors that they are made to answer.

use nix::libc;
use std::collections::BTreeSet;

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
    /// The Ethernet link is silent for a deadtime while the serial line is up: it is opened anew.
    Cut,
    /// The peer is silent for longer than `warntime`: its deadline is met to the microsecond.
    Silent,
    /// The helper process has ended: another one is started.
    Orphaned,
    /// Somebody has the files read again, and is answered later.
    Reread,
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
    call("clock_nanosleep", libc::SYS_clock_nanosleep, Cause::Silent),
    call("nanosleep", libc::SYS_nanosleep, Cause::Silent),
    call("gettimeofday", libc::SYS_gettimeofday, Cause::Always),
    call("clock_gettime", libc::SYS_clock_gettime, Cause::Always),
    call("accept", libc::SYS_accept, Cause::Asked),
    call("accept4", libc::SYS_accept4, Cause::Asked),
    call("getsockopt", libc::SYS_getsockopt, Cause::Asked),
    call("bind", libc::SYS_bind, Cause::Cut),
    call("dup", libc::SYS_dup, Cause::Reread),
    call("socketpair", libc::SYS_socketpair, Cause::Orphaned),
];

/// Calls of the loop that cannot fail: the number of the own process, the way back from a signal's handler, and what the
/// kernel makes of a wait that a tracer interrupted; and a wish for the helper of which nobody looks at the answer.
const CANNOT_FAIL: [i64; 4] =
    [libc::SYS_getpid, libc::SYS_rt_sigreturn, libc::SYS_restart_syscall, libc::SYS_sched_setscheduler];

/// What the loop makes and nothing here tries.
pub(super) fn untried(seen: &BTreeSet<u64>) -> Vec<u64> {
    let known = |number: u64| {
        CALLS.iter().any(|call| call.number == number)
            || CANNOT_FAIL.iter().any(|call| call.cast_unsigned() == number)
    };
    seen.iter().copied().filter(|number| !known(*number)).collect()
}

pub(super) const ERRORS: [(&str, i32); 7] = [
    ("EINTR", libc::EINTR),
    ("EAGAIN", libc::EAGAIN),
    ("ENOMEM", libc::ENOMEM),
    ("ENFILE", libc::ENFILE),
    ("EMFILE", libc::EMFILE),
    ("ENOSPC", libc::ENOSPC),
    ("EIO", libc::EIO),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_nothing_tries_is_found() {
        let seen = |calls: &[i64]| calls.iter().map(|call| call.cast_unsigned()).collect();
        assert!(untried(&seen(&[libc::SYS_poll, libc::SYS_getpid, libc::SYS_dup])).is_empty());
        let mapped = libc::SYS_mmap;
        assert_eq!(untried(&seen(&[libc::SYS_poll, mapped])), [mapped.cast_unsigned()]);
    }
}
