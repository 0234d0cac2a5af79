//! Older calls with newer flags: what a 2.4 kernel refuses, and what it ignores, as far as the registers show it.

use super::kernel::Kernel;

/// `EPERM` and `EINVAL` of i386.
const EPERM: u16 = 1;
const EINVAL: u16 = 22;

/// What to do with a call by one of its arguments (0 to 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// The argument must lie in one of these ranges, both ends included, else the call answers this error.
    Only(usize, &'static [(u32, u32)], u16),
    /// None of these bits may be set, else the call answers this error.
    Without(usize, u32, u16),
    /// Old kernels ignore these bits: with one of them set, the tracer clears them.
    Ignores(usize, u32),
    /// Its arguments are in memory: the tracer reads them.
    Trace,
}

/// `open`: the flags end with O_NOFOLLOW; O_CLOEXEC, O_PATH, O_TMPFILE and O_NOATIME are ignored.
pub const OPEN: u32 = 5;
/// `times`.
pub const TIMES: u32 = 43;
/// `socketcall`.
pub const SOCKETCALL: u32 = 102;
/// `clone`.
pub const CLONE: u32 = 120;
/// `poll`.
pub const POLL: u32 = 168;
/// `mmap2`: MAP_POPULATE, MAP_NONBLOCK, MAP_STACK, MAP_HUGETLB and MAP_FIXED_NOREPLACE are ignored.
pub const MMAP2: u32 = 192;

/// The flags of `wait4` and `waitpid`: WNOHANG, WUNTRACED, __WNOTHREAD, __WALL, __WCLONE.
const NEWER_WAIT: u32 = !0xe000_0003;
/// Commands of `fcntl`: F_DUPFD to F_SETLKW64, and leases and F_NOTIFY. F_DUPFD_CLOEXEC and the OFD locks came later.
const FCNTL: &[(u32, u32)] = &[(0, 14), (1024, 1026)];
/// Limits up to RLIMIT_LOCKS.
const LIMITS: &[(u32, u32)] = &[(0, 10)];

/// Number, rule.
const RULES: &[(u32, Rule)] = &[
    (OPEN, Rule::Ignores(1, !0x0003_ffff)),
    (7, Rule::Without(2, NEWER_WAIT, EINVAL)),
    // lseek and _llseek: SEEK_DATA, SEEK_HOLE.
    (19, Rule::Only(2, &[(0, 2)], EINVAL)),
    (140, Rule::Only(4, &[(0, 2)], EINVAL)),
    // ioctl: TIOCGPTPEER, TIOCGDEV, TCGETS2 and its three setters (odd baud rates).
    (54, Rule::Only(1, IOCTLS, EINVAL)),
    (55, Rule::Only(1, FCNTL, EINVAL)),
    (221, Rule::Only(1, FCNTL, EINVAL)),
    (75, Rule::Only(0, LIMITS, EINVAL)),
    (76, Rule::Only(0, LIMITS, EINVAL)),
    (191, Rule::Only(0, LIMITS, EINVAL)),
    // getrusage: RUSAGE_SELF and RUSAGE_CHILDREN, not RUSAGE_THREAD.
    (77, Rule::Only(0, &[(0, 0), (u32::MAX, u32::MAX)], EINVAL)),
    (SOCKETCALL, Rule::Trace),
    (114, Rule::Without(2, NEWER_WAIT, EINVAL)),
    // clone: 0x1000 was CLONE_PID, which only process 0 may use; now it is CLONE_PIDFD.
    (CLONE, Rule::Without(0, 0x1000, EPERM)),
    // mlockall: MCL_ONFAULT.
    (152, Rule::Without(0, !3, EINVAL)),
    // sched_setscheduler: SCHED_OTHER, SCHED_FIFO, SCHED_RR; no SCHED_RESET_ON_FORK.
    (156, Rule::Only(1, &[(0, 2)], EINVAL)),
    (163, Rule::Without(3, !3, EINVAL)),
    (POLL, Rule::Trace),
    // prctl: to PR_SET_KEEPCAPS; no PR_SET_NAME, no PR_SET_CHILD_SUBREAPER.
    (172, Rule::Only(0, &[(1, 4), (7, 8)], EINVAL)),
    // mmap2: MAP_SHARED_VALIDATE was no type.
    (MMAP2, Rule::Ignores(3, 0x7fff_8000)),
    (219, Rule::Only(2, &[(0, 4)], EINVAL)),
];

/// Every `ioctl` but the newer ones named above.
const IOCTLS: &[(u32, u32)] = &[
    (0, 0x5440),
    (0x5442, 0x402c_542a),
    (0x402c_542e, 0x8004_5431),
    (0x8004_5433, 0x802c_5429),
    (0x802c_542b, u32::MAX),
];

/// The rules of a kernel, in the order of their numbers. `ticks`: the tracer answers `times`.
#[must_use]
pub fn of(kernel: Kernel, ticks: bool) -> Vec<(u32, Rule)> {
    let mut rules = RULES.to_vec();
    rules.push((CLONE, Rule::Ignores(0, !kernel.clone_flags())));
    if ticks {
        rules.push((TIMES, Rule::Trace));
    }
    rules.sort_by_key(|&(number, _)| number);
    rules
}

/// The bits that the kernel ignores in an argument of a call: argument, bits.
#[must_use]
pub fn ignored(kernel: Kernel, number: u32) -> Option<(usize, u32)> {
    of(kernel, false).into_iter().find_map(|(of, rule)| match rule {
        Rule::Ignores(argument, bits) if of == number => Some((argument, bits)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_ioctls_are_outside_the_ranges() {
        let open = |command: u32| IOCTLS.iter().any(|&(from, to)| (from..=to).contains(&command));
        for newer in [0x5441, 0x402c_542b, 0x402c_542c, 0x402c_542d, 0x8004_5432, 0x802c_542a] {
            assert!(!open(newer), "{newer:#x}");
        }
        // TCGETS, TIOCMGET, TIOCGPTN, TIOCSPTLCK, WDIOC_GETSUPPORT, WDIOC_SETTIMEOUT, SIOCGIFADDR.
        for older in [0x5401, 0x5415, 0x8004_5430, 0x4004_5431, 0x8028_5700, 0xc004_5706, 0x8915] {
            assert!(open(older), "{older:#x}");
        }
    }

    #[test]
    fn the_flags_that_clone_ignores_depend_on_the_kernel() {
        let settls = 0x0008_0000;
        let ignores =
            |kernel| ignored(kernel, CLONE).is_some_and(|(arg, bits)| arg == 0 && bits & settls != 0);
        assert!(ignores(Kernel::Strict) && !ignores(Kernel::RedHat9));
    }
}
