//! `times(2)` of Red Hat's `HZ=512` kernel around its wrap: 838,860,796, then 805,306,365 for 27 ms, then 1,073,741,823
//! for 4 ms, then 0.

/// The last value that is in order.
pub const LAST: u32 = 838_860_796;
/// It is held for this long, in nanoseconds.
const BACK: (u32, u64) = (805_306_365, 27_000_000);
/// And then this one.
const FORTH: (u32, u64) = (1_073_741_823, 4_000_000);
/// The odd values in their order.
pub const ODD: [u32; 3] = [BACK.0, FORTH.0, 0];
/// A tick is 10 ms.
const TICK_NS: u64 = 10_000_000;

/// What a program is told. Each odd value is told at least once, however seldom the program asks: the harder case.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    wrap_ns: u64,
    told: usize,
    asked: bool,
}

impl Ticks {
    /// The counter becomes 0 at `wrap_ns` of the host's monotonic clock.
    #[must_use]
    pub const fn new(wrap_ns: u64) -> Self {
        Self { wrap_ns, told: 0, asked: false }
    }

    /// The counter at `now_ns`.
    pub fn at(&mut self, now_ns: u64) -> u32 {
        let due = odd_due(self.wrap_ns, now_ns);
        // Who asks for the first time after the wrap has nothing to catch up with.
        if !self.asked && due == ODD.len() {
            self.told = due;
        }
        self.asked = true;
        if self.told < due {
            self.told += 1;
            return ODD[self.told - 1];
        }
        match self.told {
            0 => {
                let left = self.wrap_ns.saturating_sub(BACK.1 + FORTH.1).saturating_sub(now_ns);
                LAST.wrapping_sub(ticks(left))
            }
            3 => ticks(now_ns.saturating_sub(self.wrap_ns)),
            held => ODD[held - 1],
        }
    }
}

/// How many of the odd values are due: the first 31 ms before the wrap.
fn odd_due(wrap_ns: u64, now_ns: u64) -> usize {
    let left = wrap_ns.saturating_sub(now_ns);
    match () {
        () if left > BACK.1 + FORTH.1 => 0,
        () if left > FORTH.1 => 1,
        () if left > 0 => 2,
        () => 3,
    }
}

fn ticks(ns: u64) -> u32 {
    u32::try_from(ns / TICK_NS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_sequence_is_the_kernels() {
        let mut ticks = Ticks::new(10_000 * MS);
        let told: Vec<u32> =
            [9_949, 9_968, 9_970, 9_995, 9_997, 10_000, 10_010, 11_000].map(|ms| ticks.at(ms * MS)).to_vec();
        assert_eq!(told, [LAST - 2, LAST, ODD[0], ODD[0], ODD[1], 0, 1, 100]);
    }

    #[test]
    fn one_who_asks_seldom_is_told_each_odd_value_once() {
        let mut ticks = Ticks::new(10_000 * MS);
        assert_eq!(ticks.at(9_000 * MS), LAST - 96);
        let told: Vec<u32> = [10_100, 10_200, 10_300, 10_400].map(|ms| ticks.at(ms * MS)).to_vec();
        assert_eq!(told, [ODD[0], ODD[1], 0, 40]);
    }

    #[test]
    fn one_who_begins_after_it_sees_nothing_odd() {
        assert_eq!(Ticks::new(10_000 * MS).at(10_500 * MS), 50);
    }
}
