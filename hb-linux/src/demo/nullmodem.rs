//! The null-modem cable: two pseudo-terminals, and what one node sends is what the other one receives.

use crate::sys::poll::PollFd;
use crate::sys::{Result, pty::Pty};

/// The cable, one end per node. It can be pulled out, and a node without power drives no line.
#[derive(Debug)]
pub(super) struct NullModem {
    ends: [Pty; 2],
    powered: [bool; 2],
    plugged: bool,
    /// Bytes that arrived, by the node that sent them.
    pub(super) carried: [u64; 2],
}

impl NullModem {
    /// A plugged cable between two nodes that are off.
    ///
    /// # Errors
    /// This machine has no pseudo-terminal to give.
    pub(super) fn new() -> Result<Self> {
        let ends = [Pty::open()?, Pty::open()?];
        Ok(Self { ends, powered: [false; 2], plugged: true, carried: [0; 2] })
    }

    /// The device that node `index` has as its serial port.
    pub(super) fn device(&self, index: usize) -> &str {
        self.ends.get(index).and_then(|end| end.path().to_str().ok()).unwrap_or("")
    }

    /// Switch the port of node `index` on or off; either way what is queued in it is gone.
    pub(super) fn set_power(&mut self, index: usize, on: bool) {
        if let (Some(end), Some(powered)) = (self.ends.get(index), self.powered.get_mut(index)) {
            *powered = on;
            let _ = end.reset();
        }
    }

    /// Plug the cable in or pull it out.
    pub(super) const fn set_plugged(&mut self, plugged: bool) {
        self.plugged = plugged;
    }

    /// What it waits for.
    pub(super) fn poll_fds(&self) -> [PollFd; 2] {
        self.ends.each_ref().map(|end| PollFd::readable(end.near().raw()))
    }

    /// Pass on what has been sent. What the receiver has no room for is lost, as on a line without handshake.
    pub(super) fn run(&mut self) {
        let [a, b] = &self.ends;
        let through = self.plugged && self.powered == [true, true];
        for ((from, to), count) in [(a, b), (b, a)].into_iter().zip(&mut self.carried) {
            let mut buf = [0; 512];
            // Bounded: a node that sends without a pause is taken up again in the next round.
            for _ in 0..8 {
                let Ok(Some(n @ 1..)) = from.near().read(&mut buf) else { break };
                if through && let Ok(Some(written)) = to.near().write(buf.get(..n).unwrap_or(&[])) {
                    *count = count.saturating_add(written as u64);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Fd, poll};

    fn user(cable: &NullModem, index: usize) -> Fd {
        let path = std::ffi::CString::new(cable.device(index)).unwrap();
        Fd::open(&path, libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0).unwrap()
    }

    #[test]
    fn it_carries_only_while_plugged_and_both_have_power() {
        let mut cable = NullModem::new().unwrap();
        let (a, b) = (user(&cable, 0), user(&cable, 1));
        let mut got = [0; 16];
        for (power, plugged, arrives) in
            [([true, false], true, false), ([true, true], true, true), ([true, true], false, false)]
        {
            cable.set_power(0, power[0]);
            cable.set_power(1, power[1]);
            cable.set_plugged(plugged);
            a.write(b"beat").unwrap();
            poll::poll(&mut cable.poll_fds(), 1000).unwrap();
            cable.run();
            poll::poll(&mut [PollFd::readable(b.raw())], if arrives { 1000 } else { 20 }).unwrap();
            assert_eq!(b.read(&mut got), Ok(arrives.then_some(4)), "power {power:?}, plugged {plugged}");
        }
        assert_eq!(cable.carried, [4, 0]);
    }
}
