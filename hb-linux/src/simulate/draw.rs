//! Chance, the same for the same seed.

/// SplitMix64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 where that is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// What a node begins its life with.
    pub(crate) fn entropy(&mut self) -> [u8; 16] {
        let both = (u128::from(self.next()) << 64) | u128::from(self.next());
        both.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_story() {
        let draw = |seed| (0..50).map(|_| Dice::below(&mut Dice::new(seed), 6)).collect::<std::vec::Vec<_>>();
        assert_eq!(draw(7), draw(7));
        let mut dice = Dice::new(1);
        let mut seen = [0; 6];
        (0..600).for_each(|_| seen[usize::try_from(dice.below(6)).unwrap()] += 1);
        assert!(seen.iter().all(|count| *count > 60), "{seen:?}");
        assert_ne!(Dice::new(1).entropy(), Dice::new(2).entropy());
        assert_eq!(Dice::new(1).below(0), 0);
    }
}
