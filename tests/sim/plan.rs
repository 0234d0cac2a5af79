//! A whole run before it begins: the setting and the schedule, drawn from the seed by a swarm of fault mixes.

use crate::dice::Dice;
use crate::fault::{Fault, KINDS, Kind};
use crate::open::Part;
use crate::setting::{Differs, Setting};
use crate::widen::widen;
use hb_core::config::{FenceConfig, FenceFailed, Isolated, Timing};
use hb_core::{Duration, Side};

/// Keepalives that a run lasts at least, before it is healed.
pub const KEEPALIVES: u64 = 200;
/// Faults and commands of a run at least.
pub const FAULTS: usize = 5;

/// A mix whose kinds belong together, and what the setting must have for it: what only their meeting reaches, chance
/// alone reaches seldom.
struct Theme {
    kinds: &'static [Kind],
    tweak: fn(&mut Setting),
}

const THEMES: &[Theme] = &[
    Theme {
        kinds: &[Kind::CutAll, Kind::CutAll, Kind::CutFrom, Kind::ConfirmDown, Kind::FenceFails],
        tweak: |s| {
            quick(s);
            s.fence = Some(FenceConfig {
                delay: s.timing.keepalive.times(20),
                startup: true,
                failed: FenceFailed::Wait,
            });
            s.fence_time = s.timing.deadtime.times(8);
        },
    },
    Theme {
        kinds: &[Kind::StatusFickle, Kind::StartGrumbles, Kind::Standby, Kind::Takeover],
        tweak: lasting,
    },
    Theme { kinds: &[Kind::StatusFickle, Kind::StartFails, Kind::Standby, Kind::Clear], tweak: lasting },
    Theme { kinds: &[Kind::StartFails, Kind::StatusFickle, Kind::Clear, Kind::PowerLoss], tweak: |_| {} },
    Theme {
        kinds: &[Kind::StopHangs, Kind::StopFails, Kind::Kill, Kind::CutAll, Kind::Standby],
        tweak: |_| {},
    },
    Theme { kinds: &[Kind::CutFrom, Kind::StateLoss, Kind::Kill, Kind::Replay, Kind::Stop], tweak: |_| {} },
    Theme { kinds: &[Kind::Isolation, Kind::Stop, Kind::ScriptsSlow, Kind::Kill], tweak: two_groups },
    Theme { kinds: &[Kind::Freeze, Kind::CutAll, Kind::Late, Kind::Kill], tweak: |_| {} },
    Theme {
        kinds: &[Kind::ResourceDies, Kind::StatusFails, Kind::Unclaimable, Kind::StartFails],
        tweak: |_| {},
    },
    Theme {
        kinds: &[Kind::StopHangs, Kind::ScriptsSlow, Kind::Kill, Kind::CutAll, Kind::Standby, Kind::Standby],
        tweak: two_groups,
    },
    Theme { kinds: &[Kind::Foreign, Kind::Kill, Kind::CutAll, Kind::Stop, Kind::StartFails], tweak: |_| {} },
];

/// A schedule for what needs a long chain of things in one order. Times are in keepalives: kind, host, begin, length,
/// amount.
struct Chain {
    tweak: fn(&mut Setting),
    faults: &'static [(Kind, usize, u64, u64, u64)],
}

const CHAINS: &[Chain] = &[
    // A node that still cleans one group loses the peer that had shown it another one stuck.
    Chain {
        tweak: two_groups,
        faults: &[
            (Kind::StopHangs, 0, 20, 150, 0),
            (Kind::Standby, 0, 25, 1, 0),
            (Kind::ScriptsSlow, 1, 70, 100, 890),
            (Kind::Kill, 1, 75, 2, 0),
            (Kind::CutAll, 0, 100, 60, 0),
        ],
    },
    // Starts that grumble are looked at again and again by a status script that does what it likes.
    Chain {
        tweak: |s| {
            quick(s);
            s.groups = vec![(Side::Even, 3)];
            s.script_time = Duration::from_millis(2);
            (s.monitor, s.differs, s.failback, s.data) = (None, Differs::Nowhere, true, None);
        },
        faults: &[
            (Kind::StartGrumbles, 0, 5, 190, 0),
            (Kind::StatusFickle, 0, 6, 190, 0),
            (Kind::Clear, 0, 30, 1, 0),
            (Kind::Standby, 1, 35, 1, 0),
            (Kind::PowerLoss, 0, 40, 4, 0),
            (Kind::StatusFickle, 0, 45, 150, 0),
            (Kind::PowerLoss, 0, 70, 4, 0),
            (Kind::StatusFickle, 0, 75, 120, 0),
            (Kind::PowerLoss, 0, 100, 4, 0),
            (Kind::StatusFickle, 0, 105, 90, 0),
            (Kind::PowerLoss, 0, 130, 4, 0),
            (Kind::StatusFickle, 0, 135, 60, 0),
        ],
    },
    // The answer of a fence comes when it is armed for the next death.
    Chain {
        tweak: slow_fence,
        faults: &[
            (Kind::FenceFails, 0, 5, 190, 0),
            (Kind::StartHangs, 1, 10, 180, 0),
            (Kind::CutAll, 0, 20, 30, 0),
            (Kind::ConfirmDown, 1, 45, 1, 0),
            (Kind::CutAll, 0, 52, 40, 0),
        ],
    },
    // Warntime and deadtime pass in one wait that ends late, but not so late that it counts as the node's own absence.
    Chain {
        tweak: |s| {
            quick(s);
            s.timing.warntime = s.timing.deadtime.minus(Duration::from_millis(10));
            (s.dog, s.pings, s.differs, s.start_gap) = (None, 0, Differs::Nowhere, Duration::ZERO);
        },
        faults: &[
            (Kind::CutAll, 0, 30, 20, 0),
            (Kind::Freeze, 0, 32, 1, 0),
            (Kind::CutAll, 0, 80, 20, 0),
            (Kind::Freeze, 1, 82, 1, 0),
            (Kind::CutFrom, 1, 130, 20, 0),
            (Kind::Freeze, 0, 132, 1, 0),
        ],
    },
    // A node that hears a holder and is not heard by it is asked to leave while it still cleans one of its groups.
    Chain {
        tweak: two_groups,
        faults: &[
            (Kind::CutFrom, 1, 20, 120, 0),
            (Kind::Kill, 1, 21, 2, 0),
            (Kind::ScriptsSlow, 1, 22, 120, 890),
            (Kind::Stop, 1, 48, 60, 1),
            (Kind::CutAll, 0, 180, 5, 0),
        ],
    },
];

/// A group that is clean at once beside one that takes long, and a ping node.
fn two_groups(s: &mut Setting) {
    s.groups = vec![(Side::Even, 1), (Side::Odd, 3)];
    s.pings = 1;
    s.isolated = Isolated::Wait;
    (s.dog, s.failback, s.differs, s.start_gap) = (None, true, Differs::Nowhere, Duration::ZERO);
    quick(s);
}

/// A fence device that answers when the peer has been back, and is gone again.
fn slow_fence(s: &mut Setting) {
    quick(s);
    s.groups = vec![(Side::Even, 1)];
    s.fence =
        Some(FenceConfig { delay: s.timing.keepalive.times(20), startup: false, failed: FenceFailed::Wait });
    s.fence_time = s.timing.keepalive.times(24);
    s.limits.start = s.timing.keepalive.times(60);
    (s.dog, s.pings, s.failback, s.differs) = (None, 0, false, Differs::Nowhere);
    s.start_gap = Duration::ZERO;
}

/// Faults last for many calls.
fn lasting(s: &mut Setting) {
    s.script_time = Duration::from_millis(5);
    s.monitor = None;
}

/// Deaths come before a slow script ends.
fn quick(s: &mut Setting) {
    let ms = Duration::from_millis;
    s.timing = Timing {
        keepalive: ms(50),
        warntime: ms(70),
        deadtime: ms(150),
        initdead: ms(150),
        deadping: ms(150),
    };
    s.links.iter_mut().for_each(|link| link.baud = 115_200);
}

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
        let mut setting = Setting::draw(&mut dice);
        let mix = Self::mix(&mut dice, &mut setting);
        let chain = dice.chance(20).then(|| &CHAINS[dice.roll(CHAINS.len() as u64) as usize]);
        if let Some(chain) = chain {
            (chain.tweak)(&mut setting);
        }
        let keepalive = setting.timing.keepalive;
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
        if let Some(chain) = chain {
            let fault = |(kind, host, at, lasts, amount): &(Kind, usize, u64, u64, u64)| Fault {
                at: keepalive.times(*at),
                lasts: keepalive.times(*lasts),
                kind: *kind,
                host: *host,
                link: 0,
                amount: *amount,
            };
            faults = chain.faults.iter().map(fault).collect();
        }
        let mut plan = Self { seed, setting, faults, length };
        // A chain needs its exact setting.
        if chain.is_none() {
            widen(&mut plan);
        }
        if Part::Versions.on() {
            crate::versions::mix(&mut plan);
        }
        plan
    }

    /// Which kinds of faults this seed knows.
    fn mix(dice: &mut Dice, setting: &mut Setting) -> Vec<Kind> {
        if dice.chance(300) {
            let theme = &THEMES[dice.roll(THEMES.len() as u64) as usize];
            (theme.tweak)(setting);
            return theme.kinds.to_vec();
        }
        let permille = dice.pick(&[60, 120, 250, 500]);
        let mut kinds: Vec<Kind> = KINDS
            .iter()
            .copied()
            .filter(|kind| kind.is_of_swarm())
            .filter(|_| dice.chance(permille))
            .filter(|kind| kind.fits(setting))
            .collect();
        while kinds.len() < 2 {
            let kind = dice.pick(KINDS);
            if kind.is_of_swarm() && kind.fits(setting) {
                kinds.push(kind);
            }
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
