//! The relay on lines that take the time that lines take, behind the small buffers that boards have: how late a frame is,
//! and what is lost when both lines are full of noise. All time is virtual.

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant};
use hb_serial_bridge::Bridge;
use hb_serial_bridge::report::{self, Page};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Bytes in each buffer of a UART: the LM3S6965 has 16, the RP2040 32.
const FIFO: usize = 16;
/// Microseconds between two steps of the board's loop: what one turn takes that checks a sha1 tag each way, and more.
const STEP_US: u64 = 500;

/// A UART and the two wires at it.
#[derive(Default)]
struct Uart {
    /// Bytes on the wire to the board, with the time when the last bit of each is there.
    wire_in: VecDeque<(u64, u8)>,
    rx: VecDeque<u8>,
    tx: VecDeque<u8>,
    /// When the byte in the shift register is out, and what went out when.
    shift: Option<(u64, u8)>,
    out: Vec<(u64, u8)>,
    overruns: u32,
    now: u64,
    byte_us: u64,
}

impl Uart {
    /// Time goes on to `now`.
    fn advance(&mut self, now: u64) {
        while let Some((_, byte)) = self.wire_in.front().copied().filter(|(at, _)| *at <= now) {
            self.wire_in.pop_front();
            if self.rx.len() < FIFO { self.rx.push_back(byte) } else { self.overruns += 1 }
        }
        loop {
            match self.shift {
                Some((end, byte)) if end <= now => {
                    self.out.push((end, byte));
                    self.shift = self.tx.pop_front().map(|next| (end + self.byte_us, next));
                }
                Some(_) => break,
                None => match self.tx.pop_front() {
                    Some(next) => self.shift = Some((self.now.max(now) + self.byte_us, next)),
                    None => break,
                },
            }
        }
        self.now = now;
    }

    /// `bytes` are sent to the board from `at` on, one behind the other. Says when the last one is there.
    fn send(&mut self, at: u64, bytes: &[u8]) -> u64 {
        let mut end = self.wire_in.back().map_or(at, |(last, _)| at.max(*last));
        for byte in bytes {
            end += self.byte_us;
            self.wire_in.push_back((end, *byte));
        }
        end
    }
}

#[derive(Clone)]
struct Port(Rc<RefCell<Uart>>);

impl Port {
    fn new(baud: u64) -> Self {
        Self(Rc::new(RefCell::new(Uart { byte_us: 10_000_000 / baud, ..Uart::default() })))
    }
}

impl ErrorType for Port {
    type Error = ErrorKind;
}

impl ReadReady for Port {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.0.borrow().rx.is_empty())
    }
}

impl Read for Port {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut uart = self.0.borrow_mut();
        let n = buf.len().min(uart.rx.len());
        assert!(n > 0, "this read would block");
        buf.iter_mut().zip(uart.rx.drain(..n)).for_each(|(to, from)| *to = from);
        Ok(n)
    }
}

impl WriteReady for Port {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.borrow().tx.len() < FIFO)
    }
}

impl Write for Port {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mut uart = self.0.borrow_mut();
        let n = buf.len().min(FIFO - uart.tx.len());
        assert!(n > 0, "this write would block");
        uart.tx.extend(&buf[..n]);
        // An idle shift register takes the first byte at once.
        if uart.shift.is_none() {
            let first = uart.tx.pop_front();
            uart.shift = first.map(|byte| (uart.now + uart.byte_us, byte));
        }
        Ok(n)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        panic!("a flush may block");
    }
}

fn frame(datagram: &[u8]) -> Vec<u8> {
    let mut out = vec![0; max_encoded(datagram.len())];
    let len = encode(datagram, &mut out).unwrap();
    out.truncate(len);
    out
}

/// When the last byte of each whole frame was out, and the frame.
fn heard(out: &[(u64, u8)]) -> Vec<(u64, Vec<u8>)> {
    let mut decoder = Decoder::<LONGEST>::new();
    out.iter().filter_map(|(at, byte)| Some((*at, decoder.push(*byte)?.ok()?.to_vec()))).collect()
}

struct Bench {
    a: Port,
    b: Port,
    bridge: Bridge<Port, Port>,
    now: u64,
}

impl Bench {
    fn new(baud: u64) -> Self {
        let (a, b) = (Port::new(baud), Port::new(baud));
        let bridge = Bridge::new(a.clone(), b.clone(), Duration::from_millis(1000));
        Self { a, b, bridge, now: 0 }
    }

    fn run_until(&mut self, end: u64) {
        while self.now < end {
            self.now += STEP_US;
            self.a.0.borrow_mut().advance(self.now);
            self.b.0.borrow_mut().advance(self.now);
            while self.bridge.step(Instant::from_micros(self.now)) {}
        }
    }
}

/// The longest time from the last byte of a frame in to its last byte out, in microseconds, over `beats` beats of `len`
/// bytes on the line every 100 ms each way. `ask`: with a question in front of, within and behind each of them.
fn worst_delay(len: usize, ask: bool) -> (u64, u64) {
    const BEATS: u64 = 200;
    let mut bench = Bench::new(19_200);
    let question = frame(&report::ask(Page::Bridge));
    let (mut worst, mut whole) = (0, 0);
    for n in 0..BEATS {
        let at = n * 200_000 + n * 37 % STEP_US;
        let datagram = [&[0x11, (n % 251) as u8][..], &vec![0x5A; len - 5]].concat();
        let coded = frame(&datagram);
        assert_eq!(coded.len(), len);
        if ask {
            // From the side that the beat goes to, so that the answer is in its way, at every moment of the beat.
            bench.b.0.borrow_mut().send(at + n * 211 % 30_000, &question);
        }
        let there = bench.a.0.borrow_mut().send(at, &coded);
        bench.run_until(at + 199_000);
        let out = std::mem::take(&mut bench.b.0.borrow_mut().out);
        let frames = heard(&out);
        let (done, _) = frames.iter().find(|(_, one)| *one == datagram).expect("the beat");
        assert_eq!(frames.len(), 1 + usize::from(ask));
        worst = worst.max(done - there);
        whole += 1;
    }
    (worst, whole)
}

#[test]
fn a_beat_is_late_by_its_own_time_and_by_one_frame_more_when_the_bridge_says_something() {
    // Steady beats with crc, sha1 and sha256, and a hello.
    for len in [24, 32, 36, 120] {
        let frame_us = len as u64 * 520;
        let (worst, beats) = worst_delay(len, false);
        println!("{len} bytes at 19200: {worst} us late at most in {beats}, frame time {frame_us} us");
        assert!(worst <= frame_us + 1_000, "{len} bytes: {worst} us");
        let (worst, _) = worst_delay(len, true);
        println!("{len} bytes at 19200, beside an answer of the bridge: {worst} us");
        assert!(worst <= 2 * frame_us + 1_000, "{len} bytes: {worst} us");
    }
}

#[test]
fn ten_seconds_of_noise_on_both_full_lines_cost_no_whole_frame() {
    let mut bench = Bench::new(115_200);
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
    let ports = [bench.a.clone(), bench.b.clone()];
    for n in 0..100_u64 {
        for (port, sent) in ports.iter().zip(&mut sent) {
            let mut uart = port.0.borrow_mut();
            // 100 ms of line, 1150 bytes: noise, a beat within it, noise. Some of it looks like frames.
            let noise = |len: u64, next: &mut dyn FnMut() -> u64| -> Vec<u8> {
                (0..len).map(|_| if next().is_multiple_of(9) { 0 } else { next() as u8 }).collect()
            };
            let before = noise(300 + next() % 400, &mut next);
            let beat = [&[0x11, n as u8][..], &next().to_le_bytes(), b"beat"].concat();
            let behind = noise(1_150 - before.len() as u64 - frame(&beat).len() as u64, &mut next);
            uart.send(n * 100_000, &[before, frame(&beat), behind].concat());
            sent.push(beat);
        }
        bench.run_until((n + 1) * 100_000);
    }
    bench.run_until(11_000_000);
    for (at, port) in ports.iter().enumerate() {
        let uart = port.0.borrow();
        assert_eq!(uart.overruns, 0, "the loop was too slow for the line");
        let out = heard(&uart.out);
        // The beats of the other side, each once and in order. What looked like a frame may have taken a place, but
        // a line that is as fast as the other one carries all that comes whole.
        let mut left = out.iter();
        for beat in &sent[1 - at] {
            assert!(left.any(|(_, one)| one == beat), "a beat was lost");
        }
    }
    for stats in [bench.bridge.a_to_b(), bench.bridge.b_to_a()] {
        println!("{stats:?}");
        assert!(stats.bytes >= 114_000, "10 s at 115200: {} bytes", stats.bytes);
        assert_eq!((stats.replaced, stats.stale, stats.cut), (0, 0, 0));
        assert_eq!(stats.forwarded, stats.frames);
    }
}
