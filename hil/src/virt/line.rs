//! The model of the null-modem: what each of its two wires does to the bytes on it. No clock and no socket here.
//!
//! The terms are those of the simulator (`tests/sim`): by sender, a wire is cut, has a latency, flips bits, or has bursts
//! of noise on it; both wires are paced by one rate. So what a case does here can be played there.

use crate::netns::Stamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Bits on the line per byte: start, eight, stop.
const BITS: u64 = 10;
/// Longest burst of noise, in bytes.
const BURST: u64 = 60;
/// Between two bursts at most.
const PAUSE: Duration = Duration::from_millis(40);
/// What may wait for its turn; a UART and its driver hold no more than about that. More is lost, and counted.
const BACKLOG: usize = 8192;

/// What befalls the bytes of one sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Nothing passes.
    pub cut: bool,
    /// From a byte's last bit to its arrival.
    pub latency: Duration,
    /// Of a thousand bytes, how many have one bit changed.
    pub flips: u64,
    /// Bytes that nobody sent come in bursts.
    pub noise: bool,
}

/// Both wires.
#[derive(Debug)]
pub struct Line {
    /// Bits per second; 0 paces nothing.
    pub baud: u32,
    /// By sender.
    pub ways: [Way; 2],
    /// By sender: bytes on the wire and when they arrive.
    flying: [VecDeque<(Stamp, u8)>; 2],
    /// By sender: when the wire is free.
    free: [Stamp; 2],
    /// By sender: when the next burst of noise begins.
    burst: [Stamp; 2],
    /// By sender: bytes that found the line too far behind.
    pub overrun: [u64; 2],
    dice: u64,
}

impl Line {
    /// A good line of this rate. `seed` is that of the noise.
    #[must_use]
    pub fn new(baud: u32, seed: u64) -> Self {
        Self {
            baud,
            ways: [Way::default(); 2],
            flying: Default::default(),
            free: [Stamp::default(); 2],
            burst: [Stamp::default(); 2],
            overrun: [0; 2],
            dice: seed | 1,
        }
    }

    /// Puts bytes of `from` on its wire. False if the wire is cut: they are gone.
    pub fn send(&mut self, now: Stamp, from: usize, bytes: &[u8]) -> bool {
        let way = self.ways[from];
        for &byte in bytes {
            if self.flying[from].len() >= BACKLOG {
                self.overrun[from] += 1;
                continue;
            }
            self.free[from] = self.free[from].max(now).plus(self.byte_time());
            if !way.cut {
                let arrival = self.free[from].plus(way.latency);
                let flip = if self.roll(1000) < way.flips { 1 << self.roll(8) } else { 0 };
                self.flying[from].push_back((arrival, byte ^ flip));
            }
        }
        !way.cut
    }

    /// The bytes of `from` that have arrived by now, noise among them.
    pub fn arrived(&mut self, now: Stamp, from: usize) -> Vec<u8> {
        self.make_noise(now, from);
        let mut bytes = Vec::new();
        while let Some(&(at, byte)) = self.flying[from].front()
            && at <= now
        {
            self.flying[from].pop_front();
            bytes.push(byte);
        }
        bytes
    }

    /// Nothing is on its way, and nothing comes of itself.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.flying.iter().all(VecDeque::is_empty) && !self.ways.iter().any(|way| way.noise)
    }

    /// Cuts now: what is on the wire is lost, in the middle of a frame if it so happens.
    pub fn cut(&mut self, from: usize, cut: bool) {
        self.ways[from].cut = cut;
        if cut {
            self.flying[from].clear();
        }
    }

    fn make_noise(&mut self, now: Stamp, from: usize) {
        if !self.ways[from].noise || self.ways[from].cut || now < self.burst[from] {
            return;
        }
        for _ in 0..=self.roll(BURST) {
            let byte = u8::try_from(self.roll(256)).unwrap_or(0);
            self.free[from] = self.free[from].max(now).plus(self.byte_time());
            let arrival = self.free[from];
            self.flying[from].push_back((arrival, byte));
        }
        let pause = u64::try_from(PAUSE.as_micros()).unwrap_or(1);
        self.burst[from] = self.free[from].plus(Duration::from_micros(self.roll(pause)));
    }

    fn byte_time(&self) -> Duration {
        match self.baud {
            0 => Duration::ZERO,
            baud => Duration::from_nanos(BITS * 1_000_000_000 / u64::from(baud)),
        }
    }

    /// A number below `below`, by xorshift.
    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn bytes_arrive_at_the_rate_of_the_line_and_in_order() {
        let mut line = Line::new(9600, 1);
        let bytes: Vec<u8> = (0..96).collect();
        assert!(line.send(Stamp(0), 0, &bytes));
        let half = line.arrived(Stamp(50 * MS), 0);
        assert!((47..=48).contains(&half.len()), "{}", half.len());
        let rest = line.arrived(Stamp(100 * MS), 0);
        assert_eq!([half, rest].concat(), bytes);
        assert!(line.idle());
    }

    #[test]
    fn a_cut_takes_one_way_only_and_what_is_on_it() {
        let mut line = Line::new(9600, 1);
        line.send(Stamp(0), 0, &[1; 96]);
        line.send(Stamp(0), 1, &[2; 96]);
        line.cut(0, true);
        assert!(!line.send(Stamp(0), 0, &[3]));
        assert_eq!(line.arrived(Stamp(200 * MS), 0), Vec::<u8>::new());
        assert_eq!(line.arrived(Stamp(200 * MS), 1).len(), 96);
    }

    #[test]
    fn flips_and_latency_do_what_they_say() {
        let mut line = Line::new(0, 7);
        line.ways[1] = Way { flips: 500, latency: Duration::from_millis(5), ..Way::default() };
        line.send(Stamp(0), 1, &[0; 1000]);
        assert!(line.arrived(Stamp(4 * MS), 1).is_empty());
        let damaged = line.arrived(Stamp(5 * MS), 1).iter().filter(|b| b.count_ones() == 1).count();
        assert!((400..600).contains(&damaged), "{damaged}");
    }

    #[test]
    fn noise_comes_of_itself() {
        let mut line = Line::new(19_200, 3);
        line.ways[0].noise = true;
        let came: usize = (0..1000).map(|ms| line.arrived(Stamp(ms * MS), 0).len()).sum();
        assert!(came > 200, "{came}");
        assert!(line.arrived(Stamp(1000 * MS), 1).is_empty());
    }
}
