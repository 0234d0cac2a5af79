//! Foretells the next bit of a text from the bytes before it. Packing (`build.rs`) and unpacking use the same one.
//!
//! Six contexts (the last 0, 1, 2, 3, 4 and 6 bytes) each say how likely a 1 is; a mixer that learns whom to believe makes one
//! probability of them. Whole numbers only: every machine must come to the same.

/// Lengths of the contexts, in bytes.
const ORDERS: [u32; 6] = [0, 1, 2, 3, 4, 6];
/// Places for each context, as a power of two. All of them are 6 MB for the moment in which something is unpacked.
const PLACES: u32 = 18;
/// After so many times a context is as hard to convince as it gets.
const SETTLED: u32 = 20;
/// A probability of one half, as it stands in a place.
const HALF: u32 = 1 << 31;
/// The logistic function 4096 / (1 + e^(-x/256)) at x = -2048, -1920, ... 2048.
const LOGISTIC: [i32; 33] = [
    1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
    3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
];

/// What is known of the text so far.
pub(crate) struct Model {
    /// For each context and place: probability of a 1 in 22 bits, less a half, then how often it was seen in 10. So an empty
    /// place is 0, and the memory of those that are never used is never touched.
    slots: Vec<u32>,
    /// By how many contexts were met before: how much each of them counts, in 65536ths.
    weights: [[i32; ORDERS.len()]; ORDERS.len() + 1],
    /// The inverse of [`LOGISTIC`].
    inverse: Vec<i32>,
    /// The last eight bytes.
    history: u64,
    /// The bits of this byte, behind a 1.
    bits: u32,
    /// Where each context stands, and what it says.
    at: [usize; ORDERS.len()],
    says: [i32; ORDERS.len()],
    /// How many of the contexts were met before.
    met: usize,
    mixed: i32,
}

impl Model {
    /// At the beginning of a text.
    pub(crate) fn new() -> Self {
        let mut inverse = vec![2047; 4096];
        let mut from = 0;
        for x in -2047..2048 {
            let to = usize::try_from(logistic(x)).unwrap_or(0);
            for slot in inverse.iter_mut().take(to + 1).skip(from) {
                *slot = x;
            }
            from = from.max(to + 1);
        }
        Self {
            slots: vec![0; ORDERS.len() << PLACES],
            weights: [[20_000; ORDERS.len()]; ORDERS.len() + 1],
            inverse,
            history: 0,
            bits: 1,
            at: [0; ORDERS.len()],
            says: [0; ORDERS.len()],
            met: 0,
            mixed: 2048,
        }
    }

    /// How likely the next bit is a 1, in 4096ths, 1 to 4095.
    pub(crate) fn foretell(&mut self) -> u32 {
        self.met = 0;
        for (n, order) in ORDERS.into_iter().enumerate() {
            let context = self.history & ((1 << (8 * order)) - 1);
            let key = (context.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(self.bits))
                .wrapping_mul(0xD6E8_FEB8_6659_FD93);
            let place = (n << PLACES) + usize::try_from(key >> (64 - PLACES)).unwrap_or(0);
            let slot = self.slots.get(place).copied().unwrap_or(0) ^ HALF;
            self.met += usize::from(slot & 1023 > 0);
            let says = self.inverse.get(usize::try_from(slot >> 20).unwrap_or(0)).copied().unwrap_or(0);
            if let (Some(at), Some(kept)) = (self.at.get_mut(n), self.says.get_mut(n)) {
                (*at, *kept) = (place, says);
            }
        }
        let weights = self.weights.get(self.met).copied().unwrap_or_default();
        let sum = self
            .says
            .iter()
            .zip(weights)
            .fold(0_i32, |sum, (says, weight)| sum.wrapping_add((says * weight) >> 8));
        self.mixed = logistic(sum >> 8).clamp(1, 4095);
        self.mixed.unsigned_abs()
    }

    /// What the bit was.
    pub(crate) fn learn(&mut self, bit: bool) {
        let error = if bit { 4095 - self.mixed } else { -self.mixed };
        if let Some(weights) = self.weights.get_mut(self.met) {
            for (weight, says) in weights.iter_mut().zip(self.says) {
                *weight += (says * error + (1 << 12)) >> 13;
            }
        }
        for at in self.at {
            if let Some(slot) = self.slots.get_mut(at) {
                let (likely, seen) = ((*slot ^ HALF) >> 10, *slot & 1023);
                // What was seen rarely learns quickly.
                let part = 2 * seen + 3;
                let likely = if bit {
                    likely + ((1 << 22) - 1 - likely) * 2 / part
                } else {
                    likely - likely * 2 / part
                };
                *slot = (likely << 10 | (seen + 1).min(SETTLED)) ^ HALF;
            }
        }
        self.bits = self.bits << 1 | u32::from(bit);
        if self.bits > 255 {
            self.history = self.history << 8 | u64::from(self.bits & 255);
            self.bits = 1;
        }
    }
}

/// [`LOGISTIC`] at any place, by straight lines between its points.
fn logistic(x: i32) -> i32 {
    let x = x.clamp(-2047, 2047) + 2048;
    let at = usize::try_from(x >> 7).unwrap_or(0);
    let point = |at: usize| LOGISTIC.get(at).copied().unwrap_or(4095);
    let part = x & 127;
    (point(at) * (128 - part) + point(at + 1) * part + 64) >> 7
}
