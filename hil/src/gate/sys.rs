//! The few calls that no safe wrapper offers: fork, the filter, and a tracer's waiting and stopping.

use super::bpf::Instruction;
use nix::libc;
use std::io;

/// Two copies go on from here: 0 in the child, its number in the parent.
///
/// # Errors
/// No process is to be had.
pub fn fork() -> io::Result<i32> {
    // SAFETY: the launcher has one thread, so the child may do anything.
    check(unsafe { libc::fork() })
}

/// Puts a filter on this process and all that it starts, for ever.
///
/// # Errors
/// The kernel refuses it.
pub fn install(filter: &[Instruction]) -> io::Result<()> {
    let mut code: Vec<libc::sock_filter> =
        filter.iter().map(|i| libc::sock_filter { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect();
    let program = libc::sock_fprog {
        len: u16::try_from(code.len()).map_err(io::Error::other)?,
        filter: code.as_mut_ptr(),
    };
    // SAFETY: no memory is involved.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    // SAFETY: the program and its instructions live until the call returns; the kernel copies them.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })?;
    Ok(())
}

/// Waits for any tracee: its number and the status of `waitpid`. `None` when none is left.
#[must_use]
pub fn wait() -> Option<(i32, i32)> {
    loop {
        let mut status = 0;
        // SAFETY: waitpid writes one int.
        match check(unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) }) {
            Ok(pid) => return Some((pid, status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Lets a stopped tracee go on, with a signal or without (0). One that is gone is none of our business.
pub fn go_on(pid: i32, signal: i32) {
    // SAFETY: no memory is involved.
    let _ = unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, signal) };
}

/// Leaves a tracee in its stop until SIGCONT.
pub fn listen(pid: i32) {
    // SAFETY: no memory is involved.
    let _ = unsafe { libc::ptrace(libc::PTRACE_LISTEN, pid, 0, 0) };
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
