//! A UART as a port of the bridge: its hardware FIFOs, 16 bytes each way, and nothing behind them.

use crate::clock::HZ;
use crate::registers::UartRegisters;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

/// A UART that runs.
#[derive(Debug)]
pub struct Uart(UartRegisters);

impl Uart {
    /// Switch it on: 8 bits, no parity, one stop bit.
    pub fn new(registers: UartRegisters, baud: u32) -> Self {
        // 64ths of the divisor, rounded (data sheet 12.2.2).
        let divisor = (HZ * 4 + baud / 2) / baud;
        registers.uartctl().write(0);
        registers.uartibrd().write(divisor >> 6);
        registers.uartfbrd().write(divisor & 63);
        registers.uartlcrh().write(UartRegisters::LCRH_8_FEN);
        registers.uartctl().write(UartRegisters::CTL_ON);
        Self(registers)
    }

    fn has_byte(&self) -> bool {
        self.0.uartfr().read() & UartRegisters::FR_RXFE == 0
    }

    fn has_room(&self) -> bool {
        self.0.uartfr().read() & UartRegisters::FR_TXFF == 0
    }
}

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.has_byte())
    }
}

impl Read for Uart {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut n = 0;
        for slot in buf {
            if !self.has_byte() {
                break;
            }
            let data = self.0.uartdr().read();
            if data & UartRegisters::DR_ERRORS != 0 {
                // Bytes were lost, or this is none.
                return Err(ErrorKind::Other);
            }
            *slot = data as u8;
            n += 1;
        }
        Ok(n)
    }
}

impl WriteReady for Uart {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.has_room())
    }
}

impl Write for Uart {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mut n = 0;
        for byte in buf {
            if !self.has_room() {
                break;
            }
            self.0.uartdr().write(u32::from(*byte));
            n += 1;
        }
        Ok(n)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
