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
pub struct Lines(());

impl Lines {
    /// At rest. A pin of this part is an input from its reset on; it becomes an output when its level is already low.
    pub fn new() -> Self {
        Gpio::B.gpiopdr().set(u32::from(RESETS | SENSES));
        Gpio::B.gpioden().set(u32::from(RESETS | SENSES));
        Gpio::B.gpiodata(RESETS).write(0);
        Gpio::B.gpiodir().set(u32::from(RESETS));
        Self(())
    }
}
