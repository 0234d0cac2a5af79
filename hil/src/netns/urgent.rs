//! What watches, carries or acts for a rig comes before everything else on the machine: late, it would be the fault that it
//! looks for.

use nix::libc;

/// Above the daemon's own priority, whatever `rtprio` says below that.
const PRIORITY: libc::c_int = 50;

/// Who inherits it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heirs {
    /// Nobody: processes and threads that this one starts are ordinary.
    Nobody,
    /// Everything that this one starts, until it asks for something else.
    All,
}

/// Real-time priority for the calling thread. Says whether the kernel agreed.
pub(crate) fn urgent(heirs: Heirs) -> bool {
    let policy = match heirs {
        Heirs::Nobody => libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
        Heirs::All => libc::SCHED_FIFO,
    };
    let parameter: [libc::c_int; 1] = [PRIORITY];
    // SAFETY: the kernel reads one int, its `struct sched_param`, through the pointer; 0 is this thread. By number, because
    // musl's function of that name only answers `ENOSYS`.
    unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, parameter.as_ptr()) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 41 of `stat`: 0 is ordinary, 1 is `SCHED_FIFO`.
    fn policy() -> Option<u32> {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        stat.rsplit(") ").next()?.split(' ').nth(38)?.parse().ok()
    }

    #[test]
    fn an_urgent_thread_has_heirs_only_if_it_wants_them() {
        let of_child = |heirs| {
            let mine =
                move || urgent(heirs).then(|| (policy(), std::thread::spawn(policy).join().ok().flatten()));
            std::thread::spawn(mine).join().ok().flatten()
        };
        if let Some(found) = of_child(Heirs::Nobody) {
            assert_eq!(found, (Some(1), Some(0)));
            assert_eq!(of_child(Heirs::All), Some((Some(1), Some(1))));
        }
    }
}
