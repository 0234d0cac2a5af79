//! Frames on the links: from the sender's kernel over the line to the receiver's daemon, with all that can befall them.

use crate::note::Note;
use crate::queue::Due;
use crate::world::World;
use hb_core::config::LinkKind;
use hb_core::{Duration, Input, LinkId, PeerState};

/// Between two bursts of noise, at most.
const NOISE_PAUSE: u64 = 40_000;
/// Longest burst of noise, in bytes.
const BURST: u64 = 60;
/// Frames recorded of each sender.
const RECORDED: usize = 24;

impl World {
    /// The daemon of `from` hands a frame to its kernel. A serial line sends one at a time, and keeps only the newest
    /// of those that wait.
    pub(crate) fn hand_over(&mut self, from: usize, link: u8, slot: u32) {
        let now = self.now;
        let Some(wire) = self.wires.get_mut(usize::from(link)) else { return };
        let way = &mut wire.ways[from];
        if wire.kind == LinkKind::Datagram || wire.baud == 0 || now >= way.busy_until {
            self.launch(from, link, slot);
        } else if let Some(older) = way.waiting.replace(slot) {
            self.frames.release(older);
        } else {
            let at = way.busy_until;
            self.queue.push(at, Due::LineFree { from: from as u8, link });
        }
    }

    /// The line is free: what waits goes out.
    pub(crate) fn line_free(&mut self, from: usize, link: u8) {
        if let Some(slot) = self.wires[usize::from(link)].ways[from].waiting.take() {
            self.launch(from, link, slot);
        }
    }

    /// A frame enters the line.
    fn launch(&mut self, from: usize, link: u8, slot: u32) {
        let now = self.now;
        let to = 1 - from as u8;
        let len = self.frames.get(slot).len;
        let wire = &mut self.wires[usize::from(link)];
        let stream = wire.kind == LinkKind::Stream;
        let on_line = wire.line_time(len);
        let mut at = now.plus(on_line).plus(wire.latency);
        if !wire.jitter.is_zero() {
            at = at.plus(Duration::from_micros(self.dice.roll(wire.jitter.as_micros() + 1)));
        }
        let way = &mut wire.ways[from];
        way.busy_until = now.plus(on_line);
        if self.cut[from][usize::from(link)] || self.dice.chance(way.loss) {
            self.frames.release(slot);
            return;
        }
        if self.dice.chance(way.flips) {
            let frame = self.frames.get(slot);
            let bit = self.dice.roll(frame.len as u64 * 8) as usize;
            frame.bytes[bit / 8] ^= 1 << (bit % 8);
            frame.intact = false;
        }
        if stream {
            // Bytes do not overtake each other.
            at = at.max(way.last_arrival);
            way.last_arrival = at;
        } else {
            if self.dice.chance(way.late) {
                at = at.plus(Duration::from_micros(self.dice.roll(way.late_by.as_micros() + 1)));
            }
            if self.dice.chance(way.twice) {
                let again = at.plus(Duration::from_micros(self.dice.roll(20_000)));
                let copy = self.frames.copy(slot);
                self.queue.push(again, Due::Frame { to, link, slot: copy });
            }
        }
        self.queue.push(at, Due::Frame { to, link, slot });
    }

    /// A frame arrives at a daemon that runs.
    pub(crate) fn arrive(&mut self, to: usize, link: u8, slot: u32) {
        let frame = self.frames.get(slot);
        let (from, mut len, boots) = (frame.from, frame.len, frame.boots);
        let stream = self.wires[usize::from(link)].kind == LinkKind::Stream;
        let lost = self.cut[from][usize::from(link)] || self.hosts[from].boots != boots;
        if lost && !stream || self.hosts[to].node.is_none() || self.hosts[to].open >> link & 1 == 0 {
            self.frames.release(slot);
            return;
        }
        if lost {
            // The line went dead in the middle of it.
            len = self.dice.roll(len as u64) as usize;
            self.frames.get(slot).intact = false;
        }
        let split = stream && self.wires[usize::from(link)].split && self.dice.chance(300);
        let (bytes, meta) = {
            let frame = self.frames.get(slot);
            // Of the next version an older node reads header and front.
            let epochs = if frame.next && !self.hosts[to].next { [0; 8] } else { frame.epochs };
            (frame.bytes, (frame.intact, frame.life, frame.seq, epochs, frame.names, frame.sent))
        };
        self.frames.release(slot);
        let at = if split { self.dice.roll(len as u64 + 1) as usize } else { 0 };
        for part in [&bytes[..at], &bytes[at..len]] {
            if !part.is_empty() {
                self.input(to, Input::Received { link: LinkId(link), bytes: part });
            }
        }
        let (intact, life, seq, epochs, names, sent) = meta;
        // What cannot be verified tells nobody anything.
        let [a, b] = &self.hosts;
        let alike = a.config.cluster == b.config.cluster && a.keys == b.keys;
        if intact
            && alike
            && self.hosts[from].node.as_ref().is_some_and(|node| node.glance().incarnation == life)
        {
            self.came[to] = self.came[to].max(sent);
        }
        // What a dead peer sends counts from its answer on.
        let alive = |glance: &hb_core::Glance| matches!(glance.peer, PeerState::Up | PeerState::Late);
        let glance = self.hosts[to].node.as_ref().map(hb_core::Node::glance);
        let met = glance.filter(alive).and_then(|glance| glance.met);
        if !intact || met != Some(life) {
            return;
        }
        if self.heard_life[to] != life {
            self.heard_life[to] = life;
            self.heard_seq[to] = 0;
        }
        if seq > self.heard_seq[to] {
            self.heard_seq[to] = seq;
            for (at, group) in self.hosts[to].config.groups.iter().enumerate() {
                if let Some(theirs) = names.iter().position(|name| *name == group.name_hash) {
                    let heard = &mut self.epochs_heard[to][at];
                    *heard = (*heard).max(epochs[theirs]);
                }
            }
            self.notes.push(Note::Heard { host: to, link, seq, sent });
        }
    }

    /// Record some of what `from` sends, whether or not it ever arrives.
    pub(crate) fn record(&mut self, from: usize, link: u8, bytes: &[u8]) {
        let recorded = &mut self.recorded[from];
        if recorded.len() < RECORDED {
            recorded.push((link, bytes.to_vec()));
        } else if self.dice.chance(100) {
            let at = self.dice.roll(RECORDED as u64) as usize;
            recorded[at] = (link, bytes.to_vec());
        }
    }

    /// Send what was recorded of `from` once more.
    pub fn replay(&mut self, from: usize) {
        let to = 1 - from;
        self.replayed[to] = self.now;
        for (link, bytes) in self.recorded[from].clone() {
            let open = self.hosts[to].open >> link & 1 == 1;
            if open && !self.hosts[to].frozen {
                self.inject(to, LinkId(link), &bytes);
            }
        }
    }

    /// Begin or end noise towards the peer of `from` on `link`.
    pub fn set_noise(&mut self, from: usize, link: usize, on: bool) {
        let way = &mut self.wires[link].ways[from];
        way.noise = on;
        if on && !std::mem::replace(&mut way.noise_comes, true) {
            self.after(Duration::from_micros(1), Due::Noise { to: 1 - from as u8, link: link as u8 });
        }
    }

    /// A burst of noise, and the next one while there is any.
    pub(crate) fn noise(&mut self, to: usize, link: u8) {
        let from = 1 - to;
        let way = &mut self.wires[usize::from(link)].ways[from];
        way.noise_comes = way.noise;
        if !way.noise {
            return;
        }
        let mut burst = [0u8; BURST as usize];
        let len = self.dice.range(1, BURST) as usize;
        for byte in &mut burst[..len] {
            *byte = self.dice.word() as u8;
        }
        let pause = Duration::from_micros(self.dice.range(100, NOISE_PAUSE));
        self.after(pause, Due::Noise { to: to as u8, link });
        if self.hosts[to].open >> link & 1 == 1 {
            self.input(to, Input::Received { link: LinkId(link), bytes: &burst[..len] });
        }
    }
}
