//! One number for a state of the world: two worlds that can only behave alike have the same.
//!
//! Times count from now, names by their first appearance, sequence numbers and lives by their order, epochs by their
//! order, distance and parity. What lies further back than anything the core compares with is long ago.

use super::print::{Class, Print, mix};
use hb_core::Instant;

/// From where on the past is all one, in microseconds ([`super::case::Case::long_ago`]).
#[derive(Clone, Copy)]
pub(super) struct LongAgo {
    /// For the node's own running clock.
    pub(super) running: u64,
    /// For the machine's clock.
    pub(super) real: u64,
}

/// The limit of one stop, in microseconds: a first stop longer ago than this is past it.
pub(super) const STOP_LIMIT: u64 = 200_000;

/// What lies further ahead than this, in microseconds, is far: no fault and nothing that follows from one by itself takes as
/// long, but for the few waits that are counted in seconds ([`Marks::calm`]).
const FAR: u64 = 2_000_000;

/// What a state is told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Marks {
    /// Two worlds that can only behave alike have the same.
    pub(super) state: u64,
    /// Two worlds that differ by nothing but how far ahead something is that is far ahead have the same; `None` where
    /// nothing is.
    pub(super) calm: Option<u64>,
}

/// The first pool of epochs.
const EPOCHS: u8 = 6;

/// What a time of one host is relative to.
#[derive(Clone, Copy, Default)]
struct Base {
    real: u64,
    running: u64,
}

/// Collects a world and hashes it at the end, when the order of all numbers is known.
pub(super) struct Canon {
    hash: u64,
    /// The same, with every time that is [`FAR`] ahead as one.
    calm: u64,
    far: bool,
    long_ago: LongAgo,
    base: Base,
    host: u8,
    names: Vec<u64>,
    tokens: Vec<u64>,
    /// Numbers of both sides' frames, lives and writes, and both groups' epochs; 0 is in each.
    pools: [Vec<u64>; 8],
    /// In the order in which they came: pool and number.
    ranked: Vec<(u8, u64)>,
}

impl Canon {
    pub(super) fn new(long_ago: LongAgo) -> Self {
        Self {
            hash: 0,
            calm: 1,
            far: false,
            long_ago,
            base: Base::default(),
            host: 0,
            names: Vec::with_capacity(24),
            tokens: Vec::new(),
            pools: Default::default(),
            ranked: Vec::with_capacity(64),
        }
    }

    pub(super) fn plain(&mut self, word: u64) {
        self.hash = mix(self.hash, word);
        self.calm = mix(self.calm, word);
    }

    fn time(&mut self, base: u64, at: u64, horizon: u64) {
        let word = since(base, at, horizon);
        self.hash = mix(self.hash, word);
        let far = word > AHEAD + FAR && word != u64::MAX;
        self.far |= far;
        self.calm = mix(self.calm, if far { AHEAD + FAR + 1 } else { word });
    }

    /// What follows belongs to a host: its tokens and writes are its own.
    pub(super) fn host(&mut self, host: u8, now: Instant, print: Option<&Print>) {
        self.host = host;
        self.tokens.clear();
        let real = now.as_micros();
        self.base = match print {
            // A frozen node's clock stands at what it promised; reading it later subtracts the rest.
            Some(print) => Base { real, running: real.min(print.promised).saturating_sub(print.stalled) },
            None => Base { real, running: real },
        };
    }

    pub(super) fn print(&mut self, print: &Print) {
        self.plain(print.skeleton);
        for (class, value) in &print.values {
            self.value(*class, *value);
        }
    }

    pub(super) fn value(&mut self, class: Class, value: u64) {
        match class {
            Class::Running => self.time(self.base.running, value, self.long_ago.running),
            Class::Real => self.time(self.base.real, value, self.long_ago.real),
            Class::Pending => self.time(self.base.running, value, 0),
            Class::FirstStop => self.time(self.base.running, value, STOP_LIMIT),
            Class::Name => {
                let name = nth(&mut self.names, value);
                self.plain(name);
            }
            Class::Token => {
                let token = nth(&mut self.tokens, value);
                self.plain(token);
            }
            Class::Seq(side) => self.rank(side, value),
            Class::Counter(side) => self.rank(2 + side, value),
            Class::Serial => self.rank(4 + self.host, value),
            Class::Epoch(group) => self.rank(EPOCHS + group, value),
        }
    }

    fn rank(&mut self, pool: u8, value: u64) {
        self.pools[usize::from(pool)].push(value);
        self.ranked.push((pool, value));
    }

    /// The numbers of everything so far.
    pub(super) fn finish(mut self) -> Marks {
        let maps: [Vec<(u64, u64)>; 8] = std::array::from_fn(|pool| {
            let values = &mut self.pools[pool];
            values.push(0);
            values.sort_unstable();
            values.dedup();
            closed_up(values, pool >= usize::from(EPOCHS))
        });
        for (pool, value) in std::mem::take(&mut self.ranked) {
            let map = &maps[usize::from(pool)];
            let at = map.partition_point(|(from, _)| *from < value);
            self.plain(map[at].1);
        }
        Marks { state: mix(self.hash, 0), calm: self.far.then_some(self.calm) }
    }
}

/// Sorted numbers with long gaps closed up: to 2, or with parity kept to 5 or 6.
fn closed_up(values: &[u64], parity: bool) -> Vec<(u64, u64)> {
    let (mut last, mut to) = (0, 0);
    let close = |gap: u64| match (gap, parity) {
        (0..=2, false) | (0..=6, true) => gap,
        (_, false) => 2,
        (_, true) => 6 - gap % 2,
    };
    let step = |value: &u64| {
        to += close(value - last);
        last = *value;
        (*value, to)
    };
    values.iter().map(step).collect()
}

/// What is ahead is above this.
const AHEAD: u64 = 1 << 40;

/// A time relative to `base`: how far ahead, or how long ago up to `horizon`.
fn since(base: u64, at: u64, horizon: u64) -> u64 {
    if at == u64::MAX {
        u64::MAX
    } else if at > base {
        AHEAD + (at - base)
    } else {
        (base - at).min(horizon)
    }
}

/// The position of a value among those that came before.
fn nth(seen: &mut Vec<u64>, value: u64) -> u64 {
    let at = seen.iter().position(|other| *other == value).unwrap_or_else(|| {
        seen.push(value);
        seen.len() - 1
    });
    at as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(Class, u64)]) -> u64 {
        let mut canon = Canon::new(LongAgo { running: 1_000_000, real: 1_000_000 });
        canon.host(0, Instant::from_micros(10_000_000), None);
        values.iter().for_each(|(class, value)| canon.value(*class, *value));
        canon.finish().state
    }

    #[test]
    fn only_relations_count() {
        use Class::{Epoch, Name, Running, Seq};
        assert_eq!(of(&[(Seq(0), 7), (Seq(0), 9)]), of(&[(Seq(0), 100), (Seq(0), 102)]));
        assert_ne!(of(&[(Seq(0), 7), (Seq(0), 7)]), of(&[(Seq(0), 7), (Seq(0), 8)]));
        assert_eq!(of(&[(Name, 7), (Name, 9)]), of(&[(Name, 1), (Name, 2)]));
        assert_ne!(of(&[(Name, 7), (Name, 7)]), of(&[(Name, 1), (Name, 2)]));
        assert_eq!(of(&[(Epoch(0), 20), (Epoch(0), 21)]), of(&[(Epoch(0), 30), (Epoch(0), 31)]));
        assert_ne!(of(&[(Epoch(0), 20), (Epoch(0), 21)]), of(&[(Epoch(0), 21), (Epoch(0), 22)]), "parity");
        assert_ne!(of(&[(Epoch(0), 20), (Epoch(0), 21)]), of(&[(Epoch(0), 21), (Epoch(0), 20)]), "order");
        assert_eq!(of(&[(Running, 1)]), of(&[(Running, 2)]), "long ago");
        assert_ne!(of(&[(Running, 10_000_001)]), of(&[(Running, 10_000_002)]));
    }

    #[test]
    fn what_is_far_ahead_is_calm() {
        let marks = |ahead: u64| {
            let mut canon = Canon::new(LongAgo { running: 1_000_000, real: 1_000_000 });
            canon.host(0, Instant::from_micros(10_000_000), None);
            canon.value(Class::Pending, 10_000_000 + ahead);
            canon.finish()
        };
        let (near, far, further) = (marks(FAR), marks(FAR + 1), marks(5 * FAR));
        assert_eq!(near.calm, None);
        assert_ne!(far.state, further.state);
        assert!(far.calm.is_some() && far.calm == further.calm, "{far:?} {further:?}");
    }

    #[test]
    fn gaps_close_up_and_keep_parity() {
        let map = closed_up(&[0, 3, 40, 41, 90], true);
        assert!(map.iter().all(|(from, to)| from % 2 == to % 2), "{map:?}");
        assert_eq!(map.last(), Some(&(90, 3 + 5 + 1 + 5)));
        assert_eq!(closed_up(&[0, 1, 40], false), [(0, 0), (1, 1), (40, 3)]);
    }
}
