//! What will happen: a heap ordered by time, then by the order in which it was put in; and the frames on their way,
//! in slots that are used again.

use crate::stream::Source;
use hb_core::{Asked, Duration, FRAME_BUF, Incarnation, Instant, Outcome, Token, Verb};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One thing to come. `life` is the daemon's, `boots` the machine's: what belongs to an earlier one is void.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// A frame arrives.
    Frame { to: u8, link: u8, slot: u32 },
    /// A serial line is free for the frame that waits.
    LineFree { from: u8, link: u8 },
    /// The next frame of a stream: its run, how many are left, and the pause after it.
    Stream { to: u8, link: u8, source: Source, run: u32, left: u32, gap: Duration },
    /// A burst of noise arrives.
    Noise { to: u8, link: u8 },
    /// A script call ends.
    Script {
        host: u8,
        boots: u32,
        life: u32,
        group: u8,
        resource: u8,
        token: Token,
        verb: Verb,
        outcome: Outcome,
    },
    /// A write is on the disk.
    Persisted { host: u8, boots: u32, life: u32, serial: u32 },
    /// A write failed.
    PersistFailed { host: u8, life: u32, serial: u32 },
    /// The ARP probe ends.
    Probed { host: u8, life: u32 },
    /// A question for the addresses of a group has come to the other machines.
    Arp { host: u8, life: u32, group: u8 },
    /// What came of it comes back.
    Asked { host: u8, life: u32, group: u8, what: Asked },
    /// A ping node answers.
    Pong { host: u8, life: u32, ping: u8 },
    /// The fence device answers.
    Fenced { host: u8, life: u32, ok: bool },
    /// The watchdog may be due.
    Dog { host: u8 },
    /// The watchdog of an earlier life could be opened.
    DogOpened { host: u8, life: u32 },
    /// The machine has booted, and starts the daemon.
    Boot { host: u8, boots: u32 },
    /// The services write.
    Write,
    /// A pull ends.
    Pulled { host: u8, life: u32, token: Token, killed: bool },
    /// The stamps were read.
    Copies { host: u8, life: u32 },
    /// A stamp is on the disk.
    Stamped { host: u8, boots: u32, life: u32, token: Token },
    /// More of what queued up while the daemon stood still.
    Backlog { host: u8, life: u32 },
}

struct Item {
    at: Instant,
    order: u64,
    due: Due,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    /// The heap gives the greatest: the earliest is greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// The heap.
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Item>,
    order: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Instant, due: Due) {
        self.order += 1;
        self.heap.push(Item { at, order: self.order, due });
    }

    /// When the next thing is due.
    pub(crate) fn next(&self) -> Instant {
        self.heap.peek().map_or(Instant::NEVER, |item| item.at)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn pop(&mut self) -> Option<Due> {
        self.heap.pop().map(|item| item.due)
    }
}

/// A frame on its way, with what it says, for those who check.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) bytes: [u8; FRAME_BUF],
    pub(crate) len: usize,
    pub(crate) from: usize,
    /// The sender's boots and life when it was sent.
    pub(crate) boots: u32,
    pub(crate) life: Incarnation,
    pub(crate) seq: u32,
    /// The epochs that it shows, and the names, by group of the sender.
    pub(crate) epochs: [u32; 8],
    pub(crate) names: [u32; 8],
    /// No bit of it was changed.
    pub(crate) intact: bool,
    /// Of the next version: an older node reads its front alone.
    pub(crate) next: bool,
    pub(crate) sent: Instant,
}

/// Frames in slots.
#[derive(Default)]
pub(crate) struct Frames {
    slots: Vec<Frame>,
    free: Vec<u32>,
}

impl Frames {
    pub(crate) fn put(&mut self, bytes: &[u8], meta: Frame) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                // Only the bytes in use are copied.
                let frame = &mut self.slots[slot as usize];
                let Frame { len, from, boots, life, seq, epochs, names, intact, next, sent, .. } = meta;
                (frame.len, frame.from, frame.boots, frame.life) = (len, from, boots, life);
                (frame.seq, frame.epochs, frame.names) = (seq, epochs, names);
                (frame.intact, frame.next, frame.sent) = (intact, next, sent);
                slot
            }
            None => {
                self.slots.push(meta);
                (self.slots.len() - 1) as u32
            }
        };
        let frame = &mut self.slots[slot as usize];
        frame.bytes[..bytes.len()].copy_from_slice(bytes);
        frame.len = bytes.len();
        slot
    }

    pub(crate) fn get(&mut self, slot: u32) -> &mut Frame {
        &mut self.slots[slot as usize]
    }

    pub(crate) fn copy(&mut self, slot: u32) -> u32 {
        let frame = self.slots[slot as usize].clone();
        let bytes = frame.bytes;
        let len = frame.len;
        self.put(&bytes[..len], frame)
    }

    pub(crate) fn release(&mut self, slot: u32) {
        self.free.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_first_and_equal_times_in_order() {
        let mut queue = Queue::default();
        for (at, host) in [(5, 0), (3, 1), (5, 2), (3, 3)] {
            queue.push(Instant::from_millis(at), Due::Backlog { host, life: 0 });
        }
        let mut hosts = Vec::new();
        while let Some(Due::Backlog { host, .. }) = queue.pop() {
            hosts.push(host);
        }
        assert_eq!(hosts, [1, 3, 0, 2]);
        assert_eq!(queue.next(), Instant::NEVER);
    }
}
