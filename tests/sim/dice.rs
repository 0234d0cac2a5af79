//! The one source of chance: SplitMix64 from a seed. Equal seeds roll equally, on every machine.

/// A generator.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Seeded.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// 0 to `sides - 1`; 0 for no side.
    pub fn roll(&mut self, sides: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(sides)) >> 64) as u64
    }

    /// `low` to `high`, both included.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll(high.saturating_sub(low).saturating_add(1))
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u64) -> bool {
        permille > 0 && self.roll(1000) < permille
    }

    /// One of `items`, which are not empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_stay_within_and_reach_both_ends() {
        let mut dice = Dice::new(1);
        let rolls: Vec<u64> = (0..1000).map(|_| dice.range(3, 7)).collect();
        assert_eq!((rolls.iter().min(), rolls.iter().max()), (Some(&3), Some(&7)));
        assert!(!dice.chance(0) && dice.chance(1000));
        assert_eq!(Dice::new(5).word(), Dice::new(5).word());
        assert_ne!(Dice::new(5).word(), Dice::new(6).word());
    }
}
