//! A log for people on UART0, in plain text: `T word word...`, T in milliseconds. What does not fit the UART at once waits in
//! a line's place; a line that finds another one there is dropped and counted, for nothing waits for a log.

use crate::uart::Uart;
use embedded_io::{Write, WriteReady};
use hb_serial_bridge::{About, Stats};

const LINE: usize = 96;

/// The log.
#[derive(Debug)]
pub struct Log {
    uart: Uart,
    line: [u8; LINE],
    len: usize,
    out: usize,
}

impl Log {
    /// On that UART.
    pub fn new(uart: Uart) -> Self {
        Self { uart, line: [0; LINE], len: 0, out: 0 }
    }

    /// The board has started.
    pub fn start(&mut self, about: About) {
        self.say(0, "start, cause", &[u32::from(about.cause)]);
    }

    /// A reset line has moved.
    #[inline(never)]
    pub fn resets(&mut self, millis: u32, [a, b]: [bool; 2]) {
        self.say(millis, "reset a, b", &[u32::from(a), u32::from(b)]);
    }

    /// What was carried so far.
    #[inline(never)]
    pub fn carried(&mut self, millis: u32, a: &Stats, b: &Stats) {
        let numbers = [a.frames, a.forwarded, a.malformed, b.frames, b.forwarded, b.malformed];
        self.say(millis, "a to b, b to a", &numbers);
    }

    /// Say `text` and its numbers, if the line before is out.
    fn say(&mut self, millis: u32, text: &str, numbers: &[u32]) {
        self.pump();
        if self.out < self.len {
            return;
        }
        (self.len, self.out) = (0, 0);
        self.number(millis);
        self.put(b' ');
        text.bytes().for_each(|byte| self.put(byte));
        for number in numbers {
            self.put(b' ');
            self.number(*number);
        }
        self.put(b'\n');
        self.pump();
    }

    /// Hand over what the UART takes.
    pub fn pump(&mut self) {
        while let Some(rest @ [_, ..]) = self.line.get(self.out..self.len) {
            match self.uart.write_ready() {
                Ok(true) => self.out += self.uart.write(rest).unwrap_or(0),
                _ => break,
            }
        }
    }

    fn number(&mut self, mut number: u32) {
        let mut digits = [0; 10];
        let mut at = digits.len();
        loop {
            at -= 1;
            if let Some(digit) = digits.get_mut(at) {
                *digit = b'0' + (number % 10) as u8;
            }
            number /= 10;
            if number == 0 {
                break;
            }
        }
        digits.iter().skip(at).for_each(|digit| self.put(*digit));
    }

    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.line.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }
}
