//! Which system calls an i386 kernel of the 2.4 line has. Measured on real ones; Red Hat 9's own 2.4.20-8 was not to be
//! had and stands here with the numbers of 2.4.21-4.EL, which has the same back-ports.

/// Numbers below 222 at which every 2.4 kernel answers ENOSYS: calls that were gone or never came.
const GAPS: [u32; 13] = [17, 31, 32, 35, 44, 53, 56, 58, 98, 112, 137, 188, 189];
/// The last number that all have in common, those gaps aside.
const COMMON_END: u32 = 221;
/// No 2.4 kernel has it. Here the host's kernel itself makes a program call it, after a signal or a stop in `poll` or
/// `nanosleep`; so it stays open.
pub const RESTART: u32 = 0;

/// A kernel to imitate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kernel {
    /// Only what 2.4.18-14, 2.4.20, 2.4.21-4.EL and 2.4.27 all have.
    Strict,
    /// The same with `clock_gettime`, which some vendors added.
    Clock,
    /// Red Hat 9.
    RedHat9,
}

impl Kernel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Clock, Self::RedHat9];

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "2.4",
            Self::Clock => "2.4-clock",
            Self::RedHat9 => "2.4.20-8",
        }
    }

    /// The kernel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// Numbers above 221 that it has, as ranges with both ends.
    const fn added(self) -> &'static [(u32, u32)] {
        match self {
            Self::Strict => &[(224, 224), (238, 238)],
            Self::Clock => &[(224, 224), (238, 238), (265, 265)],
            Self::RedHat9 => &[(224, 249), (252, 253), (257, 258), (270, 270)],
        }
    }

    /// Does it have a call of this number?
    #[must_use]
    pub fn has(self, number: u32) -> bool {
        (1..=COMMON_END).contains(&number) && !GAPS.contains(&number)
            || self.added().iter().any(|&(from, to)| (from..=to).contains(&number))
    }

    /// Bits of `clone`'s flags that it knows; it ignores others.
    #[must_use]
    pub const fn clone_flags(self) -> u32 {
        match self {
            // Up to CLONE_NEWNS.
            Self::Strict | Self::Clock => 0x0003_ffff,
            // And what NPTL needs: SYSVSEM, SETTLS, the thread id flags, DETACHED, UNTRACED.
            Self::RedHat9 => 0x01ff_ffff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strict_table_is_what_the_reference_says() {
        let has = |number| Kernel::Strict.has(number);
        for number in [1, 3, 20, 43, 54, 102, 120, 168, 187, 190, 221, 224, 238] {
            assert!(has(number), "{number}");
        }
        for number in [17, 31, 32, 35, 44, 53, 56, 58, 98, 112, 137, 188, 189, 222, 223, 225, 237, 239, 240] {
            assert!(!has(number), "{number}");
        }
        assert!((239..600).all(|number| !has(number)));
    }

    #[test]
    fn each_other_kernel_has_the_strict_ones_and_what_is_its_own() {
        for number in 0..600 {
            let strict = Kernel::Strict.has(number);
            assert!(!strict || (Kernel::Clock.has(number) && Kernel::RedHat9.has(number)), "{number}");
            assert_eq!(Kernel::Clock.has(number), strict || number == 265, "{number}");
        }
        for number in [240, 243, 252, 258, 270] {
            assert!(Kernel::RedHat9.has(number), "{number}");
        }
        // epoll, the POSIX timers and clocks, and everything later.
        assert!(
            [222, 223, 250, 254, 256, 259, 265, 269, 271, 331, 359].iter().all(|&n| !Kernel::RedHat9.has(n))
        );
    }
}
