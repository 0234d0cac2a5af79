use super::*;
use std::collections::VecDeque;

/// The outcome of a step, as if it had been measured.
pub(in super::super) fn outcome(baud: u32, here: Report, there: Option<Report>) -> Outcome {
    let trips = Trips { count: 99, min_median_p99_max: [1000, 2000, 3000, 4000] };
    Outcome { baud, step: 4, here, trips, there }
}

/// What the line does to the bytes of one direction.
#[derive(Clone, Copy, Default)]
struct Wire {
    /// Nothing passes.
    cut: bool,
    /// Above this speed every tenth byte is damaged.
    ceiling: u32,
    /// Every so manieth byte is lost; 0 loses none.
    lose: u32,
    /// Microseconds on top of the time on the line.
    delay: u64,
    /// Cut from this second on.
    until: Option<u64>,
    /// One byte in so many has a wrong bit, by chance; 0: none.
    flip: u32,
}

struct Bench {
    ends: [Session; 2],
    wires: [Wire; 2],
    /// By receiving end.
    flying: [VecDeque<(Instant, u32, u8)>; 2],
    sent: [u32; 2],
    lost: [u32; 2],
    bauds: Vec<u32>,
    now: Instant,
    /// What the chance of `flip` comes from.
    dice: u32,
}

const ALL: u16 = 0b1011_1111_1000;

fn plan(speeds: u16, seconds: u16) -> Plan {
    Plan { speeds, seconds, chosen: speeds != ALL, wait: Duration::from_secs(20) }
}

impl Bench {
    fn new(plans: [Plan; 2], wire: Wire) -> Self {
        let end = |n: u32, plan| Session::new(plan, 1000 + n, Duration::from_micros(1), Instant::ZERO);
        Self {
            ends: [end(0, plans[0]), end(1, plans[1])],
            wires: [wire; 2],
            flying: Default::default(),
            sent: [0; 2],
            lost: [0; 2],
            bauds: Vec::new(),
            now: Instant::ZERO,
            dice: 1,
        }
    }

    /// Of a byte under way, the bit that the wire turns over.
    fn flipped(&mut self, one_in: u32) -> u8 {
        for shift in [13_i8, -17, 5] {
            let moved = if shift > 0 { self.dice << shift } else { self.dice >> -shift };
            self.dice ^= moved;
        }
        if one_in > 0 && self.dice.is_multiple_of(one_in) { 1 << (self.dice >> 29) } else { 0 }
    }

    /// Until both ends are done, at most `limit` seconds; how they ended.
    fn run(&mut self, limit: u64) -> [Option<Ending>; 2] {
        let mut endings = [None; 2];
        let mut out = [0; MAX_WIRE];
        while endings.contains(&None) && self.now < Instant::from_millis(limit * 1000) {
            let mut next = Instant::NEVER;
            for (end, ending) in endings.iter_mut().enumerate() {
                while let Some(&(at, baud, byte)) = self.flying[end].front()
                    && at <= self.now
                {
                    self.flying[end].pop_front();
                    // A receiver at another speed sees something else, and not as many of it.
                    match (baud == self.ends[end].baud, byte & 3) {
                        (true, _) => self.ends[end].receive(self.now, &[byte]),
                        (false, 0) => {}
                        (false, _) => self.ends[end].receive(self.now, &[byte.rotate_left(3) | 0x80]),
                    }
                }
                while ending.is_none() {
                    match self.ends[end].poll(self.now, true, &mut out) {
                        Do::Send(len) => self.carry(end, &out[..len]),
                        Do::Speed(baud) => {
                            if end == 0 {
                                self.bauds.push(baud);
                            }
                        }
                        Do::Wait(at) => {
                            assert!(at > self.now, "it would spin");
                            next = next.min(at);
                            break;
                        }
                        Do::Over(how) => *ending = Some(how),
                    }
                }
            }
            let arrivals = self.flying.iter().filter_map(|flying| flying.front());
            let next = arrivals.fold(next, |next, byte| next.min(byte.0));
            if !endings.contains(&None) {
                break;
            }
            self.now = next.max(self.now.plus(Duration::from_micros(1)));
        }
        endings
    }

    fn carry(&mut self, from: usize, bytes: &[u8]) {
        let (wire, baud) = (self.wires[from], self.ends[from].baud);
        let free = self.flying[1 - from].back().map_or(self.now, |last| last.0);
        let start = self.now.plus(Duration::from_micros(wire.delay)).max(free);
        for (n, &byte) in (1..).zip(bytes) {
            let at = start.plus(Duration::from_micros(n * 10_000_000 / u64::from(baud)));
            self.sent[from] += 1;
            let cut = wire.cut || wire.until.is_some_and(|s| self.now >= Instant::from_millis(s * 1000));
            if cut || (wire.lose > 0 && self.sent[from].is_multiple_of(wire.lose)) {
                self.lost[from] += 1;
                continue;
            }
            let damage = wire.ceiling > 0 && baud > wire.ceiling && self.sent[from].is_multiple_of(10);
            let byte = byte ^ u8::from(damage) ^ self.flipped(wire.flip);
            self.flying[1 - from].push_back((at, baud, byte));
        }
    }

    fn outcomes(&self, end: usize) -> Vec<(u32, bool)> {
        self.ends[end].outcomes.iter().map(|o| (o.baud, o.holds())).collect()
    }
}

#[test]
fn a_good_cable_holds_at_every_speed_and_both_ends_say_the_same() {
    let mut bench = Bench::new([plan(ALL, 2); 2], Wire { delay: 3000, ..Wire::default() });
    assert_eq!(bench.run(60), [Some(Ending::Done); 2]);
    let speeds = [9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];
    let all: Vec<(u32, bool)> = speeds.iter().map(|&baud| (baud, true)).collect();
    assert_eq!([bench.outcomes(0), bench.outcomes(1)], [all.clone(), all]);
    assert_eq!(bench.ends[0].baud, COMMON);
    assert_eq!(bench.bauds, speeds.iter().flat_map(|&baud| [baud, COMMON]).collect::<Vec<_>>());
    for (a, b) in bench.ends[0].outcomes.iter().zip(&bench.ends[1].outcomes) {
        assert_eq!((Some(a.here), a.there), (b.there, Some(b.here)));
        // Busy all the time: 2 s at 4 bytes in 40 bits and so on.
        let full = u64::from(a.baud) * 2 / 10 / WIRE as u64;
        let sent = u64::from(a.here.sent);
        assert!(sent <= full + 40 && sent * 100 >= full * 95, "{} of {full} at {}", a.here.sent, a.baud);
        // Twice a frame's time and the delay.
        let [min, _, _, max] = a.trips.min_median_p99_max;
        let least = 2 * (3000 + 40 * 10 * 1_000_000 / a.baud);
        assert!(min.abs_diff(least) < 700 && max < least + 5000, "{:?} against {least}", a.trips);
        assert!(a.trips.count >= 10);
    }
}

#[test]
fn a_speed_that_does_not_hold_is_found_and_two_end_the_search() {
    let wire = Wire { ceiling: 57_600, ..Wire::default() };
    let mut bench = Bench::new([plan(ALL, 1); 2], wire);
    assert_eq!(bench.run(60), [Some(Ending::Done); 2]);
    let expected =
        [(9600, true), (19_200, true), (38_400, true), (57_600, true), (115_200, false), (230_400, false)];
    assert_eq!([bench.outcomes(0), bench.outcomes(1)], [expected; 2]);
}

#[test]
fn every_lost_byte_is_found() {
    let wire = Wire { lose: 1009, ..Wire::default() };
    let mut bench = Bench::new([plan(1 << 4, 20); 2], wire);
    assert_eq!(bench.run(90), [Some(Ending::Done); 2]);
    let outcome = &bench.ends[0].outcomes[0];
    let there = outcome.there.unwrap();
    let bytes = outcome.here.sent * 40;
    let (lost, frames) = (there.lost_bytes(outcome.here.sent), there.missing(outcome.here.sent));
    assert!(lost.abs_diff(bytes / 1009) <= 2, "{lost} of {bytes}");
    // A delimiter that is lost between two others costs no frame.
    assert!(frames <= lost && frames * 10 >= lost * 9, "{frames} frames for {lost} bytes");
    assert!(!outcome.holds());
}

#[test]
fn the_end_where_somebody_chose_decides() {
    let chosen = Plan { speeds: 1 << 6, seconds: 3, chosen: true, wait: Duration::from_secs(20) };
    for plans in [[chosen, plan(ALL, 1)], [plan(ALL, 1), chosen]] {
        let mut bench = Bench::new(plans, Wire::default());
        assert_eq!(bench.run(60), [Some(Ending::Done); 2]);
        assert_eq!([bench.outcomes(0), bench.outcomes(1)], [[(57_600, true)]; 2]);
        let sent = bench.ends[0].outcomes[0].here.sent;
        assert!(sent > 57_600 * 3 / 400 * 9 / 10, "{sent}");
    }
    let other = Plan { speeds: 1 << 5, ..chosen };
    let mut bench = Bench::new([chosen, other], Wire::default());
    assert_eq!(bench.run(60), [Some(Ending::Done); 2]);
    assert!(bench.outcomes(0).is_empty() && bench.outcomes(1).is_empty());
}

#[test]
fn nobody_there_one_way_and_a_loop_are_told_apart() {
    let cut = Wire { cut: true, ..Wire::default() };
    let mut bench = Bench::new([plan(ALL, 1); 2], cut);
    assert_eq!(bench.run(60), [Some(Ending::NoAnswer); 2]);
    assert_eq!(bench.now.since(Instant::ZERO).as_millis() / 1000, 20);
    let mut bench = Bench::new([plan(ALL, 1); 2], Wire::default());
    bench.wires[1] = cut;
    assert_eq!(bench.run(60), [Some(Ending::NoAnswer), Some(Ending::OneWay)]);
    let mut end = Session::new(plan(ALL, 1), 7, Duration::ZERO, Instant::ZERO);
    let mut out = [0; MAX_WIRE];
    let Do::Send(len) = end.poll(Instant::ZERO, true, &mut out) else { panic!("silent") };
    end.receive(Instant::ZERO, &out[..len]);
    assert_eq!(end.poll(Instant::ZERO, true, &mut out), Do::Over(Ending::Loop));
}

#[test]
fn a_cable_that_is_pulled_ends_both_in_bounded_time() {
    for second in [1, 2, 3, 5, 8] {
        for both in [true, false] {
            let wire = Wire { until: Some(second), ..Wire::default() };
            let mut bench = Bench::new([plan(ALL, 2); 2], wire);
            if !both {
                bench.wires[1] = Wire::default();
            }
            let endings = bench.run(60);
            assert!(!endings.contains(&None), "second {second}, both {both}: {endings:?}");
            assert!(endings.contains(&Some(Ending::Lost)), "{endings:?}");
        }
    }
}

#[test]
fn noise_in_the_agreement_costs_time_and_nothing_else() {
    // Every second control frame or so is lost.
    let wire = Wire { lose: 83, ..Wire::default() };
    let mut bench = Bench::new([plan(ALL, 1); 2], wire);
    let endings = bench.run(120);
    assert_eq!(endings, [Some(Ending::Done); 2]);
    assert_eq!(bench.outcomes(0), [(9600, false), (19_200, false)]);
    assert_eq!(bench.outcomes(1), bench.outcomes(0));
}

#[test]
fn a_noisy_line_is_measured_and_never_called_dead() {
    // Of the control frames, every sixth and every third is lost; the ends agree all the same.
    for (flip, dice) in (1..=150).flat_map(|dice| [(400, dice), (150, dice)]) {
        let mut bench = Bench::new([plan(1 << 7, 1); 2], Wire { flip, ..Wire::default() });
        bench.dice = 0x9E37_79B9_u32.wrapping_mul(dice) | 1;
        assert_eq!(bench.run(120), [Some(Ending::Done); 2], "one in {flip}, dice {dice}");
        for end in &bench.ends {
            let good: Vec<u32> = end.outcomes.iter().map(|o| o.here.good).collect();
            assert!(good.len() == 1 && good[0] > 50, "one in {flip}, dice {dice}: {good:?} whole frames");
        }
    }
}

#[test]
fn a_daemon_at_the_other_end_is_recognised() {
    let mut end = Session::new(plan(ALL, 1), 7, Duration::ZERO, Instant::ZERO);
    end.receive(Instant::ZERO, &[0, 4, 0x11, 2, 3, 0]);
    assert_eq!(end.beats, 1);
}
