//! A whole run before it begins: the setting and the schedule, drawn from the seed by a swarm of fault mixes.

use crate::dice::Dice;
use crate::fault::{Fault, KINDS, Kind};
use crate::setting::Setting;
use hb_core::Duration;

/// Keepalives that a run lasts at least, before it is healed.
pub const KEEPALIVES: u64 = 200;
/// Faults and commands of a run at least.
pub const FAULTS: usize = 5;

/// A run before it begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// What it was drawn from; also feeds the links' chance.
    pub seed: u64,
    /// What is fixed.
    pub setting: Setting,
    /// What befalls it, by time.
    pub faults: Vec<Fault>,
    /// Until it is healed.
    pub length: Duration,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5EED_0000_0000);
        let setting = Setting::draw(&mut dice);
        let keepalive = setting.timing.keepalive;
        let mix = Self::mix(&mut dice);
        let count = FAULTS as u64 + dice.pick(&[0, 2, 4, 8, 14]);
        let length = keepalive.times(KEEPALIVES);
        // Dense seeds strike while the pair is still busy with the fault before; sparse ones let it settle.
        let span = length.as_micros() * 9 / 10;
        let dense = dice.chance(400);
        let mut faults = Vec::new();
        let mut at = dice.range(0, 20) * keepalive.as_micros();
        for left in (1..=count).rev() {
            let mean = span.saturating_sub(at) / left;
            let gap = if dense && dice.chance(700) { keepalive.as_micros() * 3 } else { mean * 2 };
            at = (at + dice.roll(gap + 1)).min(span);
            let links = setting.links.len() as u64;
            faults.push(Fault::draw(&mut dice, &mix, Duration::from_micros(at), keepalive, links));
        }
        Self { seed, setting, faults, length }
    }

    /// Which kinds of faults this seed knows.
    fn mix(dice: &mut Dice) -> Vec<Kind> {
        let permille = dice.pick(&[60, 120, 250, 500]);
        let mut kinds: Vec<Kind> = KINDS.iter().copied().filter(|_| dice.chance(permille)).collect();
        while kinds.len() < 2 {
            kinds.push(dice.pick(KINDS));
        }
        kinds
    }

    /// Are the scripts of `host` not what they should be at some time?
    #[must_use]
    pub fn rough(&self, host: usize) -> bool {
        self.faults.iter().any(|f| f.host == host && f.kind.is_of_scripts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_their_seeds_and_long_enough() {
        for seed in 0..500 {
            let plan = Plan::draw(seed);
            assert_eq!(plan, Plan::draw(seed));
            assert!(plan.faults.len() >= FAULTS);
            assert!(plan.length >= plan.setting.timing.keepalive.times(KEEPALIVES));
            assert!(plan.faults.windows(2).all(|w| w[0].at <= w[1].at));
        }
        assert_ne!(Plan::draw(1), Plan::draw(2));
    }
}
