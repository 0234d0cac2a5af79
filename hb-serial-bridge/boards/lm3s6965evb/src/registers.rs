//! The registers that the bridge uses, by the names of the LM3S6965 data sheet (Luminary Micro, DS-LM3S6965).

/// One 32-bit register.
#[derive(Clone, Copy, Debug)]
pub struct Register(u32);

impl Register {
    /// What it reads.
    pub fn read(self) -> u32 {
        // SAFETY: the address is one of those below, a register of this part that may be read at any time.
        unsafe { core::ptr::read_volatile(self.0 as *const u32) }
    }

    /// Write all of it.
    pub fn write(self, value: u32) {
        // SAFETY: as above; no register here changes memory.
        unsafe { core::ptr::write_volatile(self.0 as *mut u32, value) }
    }

    /// Set these bits, leave the others.
    pub fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }
}

const fn at(base: u32, offset: u32) -> Register {
    Register(base + offset)
}

/// System control (chapter 5).
pub mod sysctl {
    use super::{Register, at};

    const BASE: u32 = 0x400F_E000;
    /// Reset cause.
    pub const RESC: Register = at(BASE, 0x05C);
    /// The watchdog did it.
    pub const RESC_WDT: u32 = 1 << 3;
    /// The program did it.
    pub const RESC_SW: u32 = 1 << 4;
    /// Raw interrupt status.
    pub const RIS: Register = at(BASE, 0x050);
    /// The PLL is locked.
    pub const RIS_PLLLRIS: u32 = 1 << 6;
    /// Run-mode clock configuration.
    pub const RCC: Register = at(BASE, 0x060);
    /// PLL (200 MHz) by 16, from the main oscillator with its 8 MHz crystal: 12.5 MHz.
    pub const RCC_12_5_MHZ: u32 = 15 << 23 | 1 << 22 | 14 << 6;
    /// Clock gating: the watchdog.
    pub const RCGC0: Register = at(BASE, 0x100);
    /// Of [`RCGC0`].
    pub const RCGC0_WDT: u32 = 1 << 3;
    /// Clock gating: UARTs.
    pub const RCGC1: Register = at(BASE, 0x104);
    /// UART0, UART1 and UART2.
    pub const RCGC1_UARTS: u32 = 0b111;
    /// Clock gating: GPIO ports.
    pub const RCGC2: Register = at(BASE, 0x108);
    /// Ports A (UART0), B (fences and senses), D (UART1), G (UART2).
    pub const RCGC2_GPIO_ABDG: u32 = 0b100_1011;
}

/// General-purpose in- and outputs (chapter 8).
#[derive(Clone, Copy, Debug)]
pub struct Gpio(u32);

impl Gpio {
    /// Port A.
    pub const A: Self = Self(0x4000_4000);
    /// Port B.
    pub const B: Self = Self(0x4000_5000);
    /// Port D.
    pub const D: Self = Self(0x4000_7000);
    /// Port G.
    pub const G: Self = Self(0x4002_6000);

    /// Data of these pins alone: address bits 9 to 2 are the mask.
    pub const fn gpiodata(self, mask: u8) -> Register {
        at(self.0, (mask as u32) << 2)
    }

    /// Direction: 1 is out.
    pub const fn gpiodir(self) -> Register {
        at(self.0, 0x400)
    }

    /// Alternate function select.
    pub const fn gpioafsel(self) -> Register {
        at(self.0, 0x420)
    }

    /// Pull-down select.
    pub const fn gpiopdr(self) -> Register {
        at(self.0, 0x514)
    }

    /// Digital enable.
    pub const fn gpioden(self) -> Register {
        at(self.0, 0x51C)
    }
}

/// A UART (chapter 12).
#[derive(Clone, Copy, Debug)]
pub struct UartRegisters(u32);

impl UartRegisters {
    /// UART0.
    pub const UART0: Self = Self(0x4000_C000);
    /// UART1.
    pub const UART1: Self = Self(0x4000_D000);
    /// UART2.
    pub const UART2: Self = Self(0x4000_E000);
    /// The receive FIFO is empty.
    pub const FR_RXFE: u32 = 1 << 4;
    /// The transmit FIFO is full.
    pub const FR_TXFF: u32 = 1 << 5;
    /// Overrun, break, parity and framing error beside the byte in [`Self::uartdr`].
    pub const DR_ERRORS: u32 = 0xF00;
    /// Eight bits, FIFOs on.
    pub const LCRH_8_FEN: u32 = 3 << 5 | 1 << 4;
    /// Receive, transmit, enable.
    pub const CTL_ON: u32 = 1 << 9 | 1 << 8 | 1;

    /// Data.
    pub const fn uartdr(self) -> Register {
        at(self.0, 0x000)
    }

    /// Flags.
    pub const fn uartfr(self) -> Register {
        at(self.0, 0x018)
    }

    /// Baud rate divisor, whole part.
    pub const fn uartibrd(self) -> Register {
        at(self.0, 0x024)
    }

    /// Baud rate divisor, 64ths.
    pub const fn uartfbrd(self) -> Register {
        at(self.0, 0x028)
    }

    /// Line control.
    pub const fn uartlcrh(self) -> Register {
        at(self.0, 0x02C)
    }

    /// Control.
    pub const fn uartctl(self) -> Register {
        at(self.0, 0x030)
    }
}

/// The watchdog (chapter 11). Its first time-out raises an interrupt flag, its second one resets.
pub mod watchdog {
    use super::{Register, at};

    const BASE: u32 = 0x4000_0000;
    /// What it counts down from.
    pub const WDTLOAD: Register = at(BASE, 0x000);
    /// Control.
    pub const WDTCTL: Register = at(BASE, 0x008);
    /// Count, and reset at the second time-out.
    pub const WDTCTL_INTEN_RESEN: u32 = 0b11;
    /// Any write clears the flag and loads the counter anew.
    pub const WDTICR: Register = at(BASE, 0x00C);
    /// Any other value than the key locks.
    pub const WDTLOCK: Register = at(BASE, 0xC00);
    /// The key.
    pub const WDTLOCK_UNLOCK: u32 = 0x1ACC_E551;
}
