//! The reset lines of the two nodes, and what shows that a node is reset: port B of the GPIO.
//!
//! | pin | direction | what |
//! |---|---|---|
//! | PB0, PB1 | out, rest low | reset of the node at port A, at port B, through an optocoupler |
//! | PB4, PB5 | in, pulled down | high while the node at port A, at port B, has its supply or is not in reset |

use crate::registers::Gpio;

const RESETS: u8 = 0b11;
const SENSES: u8 = 0b11 << 4;

/// The lines.
#[derive(Debug)]
pub struct Lines {
    on: [bool; 2],
}

impl Lines {
    /// At rest. A pin of this part is an input from its reset on; it becomes an output when its level is already low.
    pub fn new() -> Self {
        Gpio::B.gpiopdr().set(u32::from(RESETS | SENSES));
        Gpio::B.gpioden().set(u32::from(RESETS | SENSES));
        Gpio::B.gpiodata(RESETS).write(0);
        Gpio::B.gpiodir().set(u32::from(RESETS));
        Self { on: [false; 2] }
    }

    /// The reset lines, of the nodes at port A and B. Only what changes is written. True if anything was.
    pub fn set(&mut self, on: [bool; 2]) -> bool {
        let changed = on != self.on;
        if changed {
            let [a, b] = on.map(u32::from);
            Gpio::B.gpiodata(RESETS).write(a | b << 1);
            self.on = on;
        }
        changed
    }

    /// What the sense inputs show, of the nodes at port A and B.
    pub fn senses(&self) -> [bool; 2] {
        let read = Gpio::B.gpiodata(SENSES).read();
        [read & 1 << 4 != 0, read & 1 << 5 != 0]
    }
}
