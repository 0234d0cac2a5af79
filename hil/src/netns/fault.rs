//! What a bad wire does to the bytes on it, and a count of what it did.

use nix::sys::termios::{BaudRate, cfgetospeed, tcgetattr};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Faults of one wire of a null-modem. None by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// One bit is wrong in one of so many bytes; 0 for none.
    pub flip_one_in: u32,
    /// One of so many bytes is lost; 0 for none.
    pub drop_one_in: u32,
    /// A line that is faster than this damages every tenth byte; 0 for any speed.
    pub ceiling: u32,
    /// On top of the time that the bits take.
    pub delay: Duration,
}

/// What a wire has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Damage {
    /// Bytes that were put on it.
    pub bytes: u32,
    /// Wrong bits.
    pub flipped: u32,
    /// Lost bytes.
    pub dropped: u32,
}

/// One wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) faults: Faults,
    pub(super) damage: Damage,
    random: u64,
}

impl Wire {
    /// A whole wire; the same `seed` does the same to the same bytes.
    pub(super) fn new(seed: u64) -> Self {
        Self { faults: Faults::default(), damage: Damage::default(), random: seed | 1 }
    }

    fn one_in(&mut self, n: u32) -> bool {
        n > 0 && self.next().is_multiple_of(n)
    }

    fn next(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from(self.random >> 32).unwrap_or_default()
    }

    /// What comes out at the other end of these bytes, sent at `baud`.
    pub(super) fn pass(&mut self, bytes: &[u8], baud: u32) -> Vec<u8> {
        let too_fast = self.faults.ceiling > 0 && baud > self.faults.ceiling;
        let flip = if too_fast { 10 } else { self.faults.flip_one_in };
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.damage.bytes += 1;
            if self.one_in(self.faults.drop_one_in) {
                self.damage.dropped += 1;
                continue;
            }
            let mut byte = byte;
            if self.one_in(flip) {
                self.damage.flipped += 1;
                byte ^= 1 << (self.next() % 8);
            }
            out.push(byte);
        }
        out
    }
}

/// The speed that the program at the other side of a pty has set, in bit/s.
pub(super) fn speed(master: &OwnedFd) -> u32 {
    let Ok(settings) = tcgetattr(master) else { return 0 };
    match cfgetospeed(&settings) {
        BaudRate::B1200 => 1200,
        BaudRate::B2400 => 2400,
        BaudRate::B4800 => 4800,
        BaudRate::B9600 => 9600,
        BaudRate::B19200 => 19_200,
        BaudRate::B38400 => 38_400,
        BaudRate::B57600 => 57_600,
        BaudRate::B115200 => 115_200,
        BaudRate::B230400 => 230_400,
        BaudRate::B460800 => 460_800,
        BaudRate::B500000 => 500_000,
        BaudRate::B921600 => 921_600,
        _ => 0,
    }
}

/// What a receiver set to another speed than the sender's makes of bytes: as many of its own as fit, none of them right.
pub(super) fn garble(bytes: &[u8], sent: u32, set: u32) -> Vec<u8> {
    let count = u64::from(set) * u64::try_from(bytes.len()).unwrap_or(0) / u64::from(sent.max(1));
    let count = usize::try_from(count).unwrap_or(0).min(4 * bytes.len());
    bytes.iter().cycle().take(count).map(|byte| byte.rotate_left(3) | 0x80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_wire_changes_nothing_and_a_bad_one_does_what_it_says() {
        let bytes: Vec<u8> = (0..=255).cycle().take(50_000).collect();
        let mut wire = Wire::new(7);
        assert_eq!(wire.pass(&bytes, 9600), bytes);
        wire.faults = Faults { flip_one_in: 500, drop_one_in: 1000, ..Faults::default() };
        let out = wire.pass(&bytes, 9600);
        assert_eq!(wire.damage.bytes, 100_000);
        assert!((60..150).contains(&wire.damage.flipped) && (25..80).contains(&wire.damage.dropped));
        assert_eq!(u32::try_from(bytes.len() - out.len()), Ok(wire.damage.dropped));
        let mut fast = Wire::new(7);
        fast.faults.ceiling = 19_200;
        assert_eq!(fast.pass(&bytes, 19_200), bytes);
        fast.pass(&bytes, 38_400);
        assert!((4_000..6_000).contains(&fast.damage.flipped));
    }

    #[test]
    fn another_speed_is_another_number_of_bytes() {
        assert_eq!(garble(&[0; 10], 9600, 19_200), [0x80; 20]);
        assert_eq!(garble(&[0; 10], 19_200, 9600).len(), 5);
    }
}
