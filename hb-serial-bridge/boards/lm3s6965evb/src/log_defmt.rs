//! The log in defmt's frames on UART0, for whoever has the image to read them by. The emulated UART takes every byte at once;
//! a real one is waited for, some milliseconds a line: this build is for trying alone.

use crate::registers::UartRegisters;
use crate::uart::Uart;
use hb_serial_bridge::{About, Stats};

/// The log.
#[derive(Debug)]
pub struct Log;

impl Log {
    /// On that UART, which must be the one that the logger below writes to.
    pub fn new(_uart: Uart) -> Self {
        Self
    }

    /// The board has started.
    pub fn start(&mut self, about: About) {
        defmt::info!("start: {}", about);
    }

    /// A reset line has moved.
    #[inline(never)]
    pub fn resets(&mut self, millis: u32, [a, b]: [bool; 2]) {
        defmt::info!("{=u32} ms: reset a {=bool}, b {=bool}", millis, a, b);
    }

    /// What was carried so far.
    #[inline(never)]
    pub fn carried(&mut self, millis: u32, a: &Stats, b: &Stats) {
        defmt::info!("{=u32} ms: a to b {}", millis, *a);
        defmt::info!("{=u32} ms: b to a {}", millis, *b);
    }

    /// Nothing waits here.
    pub fn pump(&mut self) {}
}

#[defmt::global_logger]
struct Logger;

// SAFETY: this program has one thread and no interrupt handler, so no log call comes between another one's bytes.
unsafe impl defmt::Logger for Logger {
    fn acquire() {}

    unsafe fn flush() {}

    unsafe fn release() {}

    unsafe fn write(bytes: &[u8]) {
        let uart = UartRegisters::UART0;
        for byte in bytes {
            while uart.uartfr().read() & UartRegisters::FR_TXFF != 0 {}
            uart.uartdr().write(u32::from(*byte));
        }
    }
}
