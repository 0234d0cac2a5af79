//! The begin of a life, and what is kept across lives.

use super::{Node, OneWay, Outbox, Queue, Stream};
use crate::auth::Keyring;
use crate::cluster::clock::Clock;
use crate::cluster::fence::Fence;
use crate::cluster::foreign::{Foreign, Heard};
use crate::cluster::group::{COPIES, Group, Reset};
use crate::cluster::handshake::Handshake;
use crate::cluster::link::{Link, SendTimes};
use crate::cluster::peer::Peer;
use crate::cluster::ping::{Isolation, Pings};
use crate::config::{Config, ConfigError, GroupConfig, LinkKind, MAX_GROUPS};
use crate::event::Event;
use crate::frame::{self, Decoder};
use crate::ids::Incarnation;
use crate::input::Watchdog;
use crate::list::filled;
use crate::message::Phase;
use crate::time::{Duration, Instant};
use heapless::Vec;

/// What a node keeps across its lives; the shell writes it when [`crate::Action::Persist`] says so.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Saved {
    /// Starts of the daemon so far.
    pub counter: u32,
    /// Highest epoch seen, by hash of the group's name.
    pub epochs: Vec<(u32, u32), MAX_GROUPS>,
    /// Digest of the keys with which the peer has signed by a secret one; 0: it has not.
    pub keyed: u32,
    /// Highest epoch seen on a stamp, by hash of the group's name; of groups with data.
    pub copies: Vec<(u32, u32), { COPIES * MAX_GROUPS }>,
    /// Hashes of the names of the groups that the peer showed stuck, and nothing proved stopped since (DESIGN §7 O7).
    pub stuck: Vec<u32, MAX_GROUPS>,
    /// The boot identity that the peer had then; 0 when it is not known, or nothing is stuck.
    pub stuck_boot: u32,
    /// The boot that [`Record::started`] speaks of, as [`Config::boot`] has it; 0 when unknown.
    pub boot: u32,
    /// What this machine did with each group, by hash of the group's name (DESIGN §8).
    pub records: Vec<(u32, Record), MAX_GROUPS>,
    /// A group that is no longer configured may have been started in this boot, and was not proven stopped since.
    pub unlisted: bool,
    /// What the last life left cannot be read: whatever it said of a group counts as its worst.
    pub lost: bool,
    /// The newest text of the peer's Linux-HA Heartbeat, if it ever ran one: nothing below it is taken again.
    pub foreign: Option<Heard>,
}

/// What outlives a daemon about a group on this machine. On the disk before the first start script runs, and before the
/// watchdog is let run out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// This boot may have started it, and it was not proven stopped since.
    pub started: bool,
    /// It was stuck, and the watchdog was no longer fed for it; neither proven stopped nor cleared since.
    pub reset: bool,
}

impl Saved {
    /// What it says of this boot counts.
    const fn same_boot(&self, boot: u32) -> bool {
        boot == 0 || self.boot == 0 || boot == self.boot
    }

    fn record(&self, hash: u32) -> Option<Record> {
        self.records.iter().find(|(other, _)| *other == hash).map(|(_, record)| *record)
    }

    /// May the boot `boot` have started the group `hash`? No record of a daemon that has been here is the worst one.
    /// `left_over`: see there (DESIGN §8.9).
    fn started(&self, hash: u32, boot: u32, left_over: bool) -> bool {
        if self.lost {
            return true;
        }
        let first = self.counter == 0 && self.records.is_empty();
        if first || !self.same_boot(boot) {
            return false;
        }
        match self.record(hash) {
            Some(record) => record.started,
            // The state of a version without records, or a group that is new here: its resources may have run under
            // another name.
            None => self.records.is_empty() || left_over,
        }
    }

    /// A group that is not configured any more may have been left running.
    fn left_over(&self, groups: &[GroupConfig]) -> bool {
        let listed = |hash: u32| groups.iter().any(|group| group.name_hash == hash);
        self.unlisted || self.records.iter().any(|(hash, record)| record.started && !listed(*hash))
    }
}

impl Node {
    /// A node that begins its life at `now`. `saved` is what the previous life left (default if nothing is left);
    /// `entropy` must be unpredictable: the incarnation's nonce and the challenges come from it.
    ///
    /// # Errors
    /// The relation that the configuration breaks.
    // DESIGN §4.19, §4.32, §6.1, §8.4, §7 O7.2.
    pub fn new(
        config: Config,
        keys: Keyring,
        saved: &Saved,
        entropy: [u8; 16],
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut node = Self {
            clock: Clock::new(now, config.timing.keepalive),
            now,
            ticked: now,
            late: Duration::ZERO,
            phase: Phase::Joining,
            incarnation: Incarnation { counter: saved.counter.saturating_add(1), nonce: 0 },
            seq: 0,
            shake: Handshake::new(entropy, config.timing.keepalive, config.line_time),
            peer: Peer::new(now),
            links: Vec::new(),
            streams: Vec::new(),
            sends: SendTimes::default(),
            pings: Pings::new(config.pings, config.timing.deadping),
            pinged: Instant::ZERO,
            groups: Vec::new(),
            fence: Fence::Unneeded,
            watchdog: Watchdog::Off,
            foreign: Foreign::new(now, saved.foreign),
            one_way: OneWay::None,
            one_way_life: 0,
            known: Vec::new(),
            twin: [super::twin::Twin::new(now, config.timing.keepalive); super::twin::ROOM],
            lives: [super::twin::Lives::NONE; super::twin::ROOM],
            isolated: Isolation::default(),
            score_gap: (core::cmp::Ordering::Equal, now),
            unconfirmed: None,
            recovering: false,
            behind: false,
            listened: now,
            undrained: None,
            hello_until: now,
            long_form: true,
            next_beat: now.plus(config.timing.keepalive),
            leave: None,
            next_token: 0,
            persist_serial: 0,
            unlisted: false,
            persist_again: Instant::NEVER,
            offers: [super::older::Offer::NONE; super::older::ROOM],
            #[cfg(feature = "next-wire")]
            speaks: crate::message::wire::Speaks::NEWEST,
            out: Outbox::default(),
            queue: Queue::default(),
            #[cfg(feature = "coverage")]
            coverage: crate::coverage::Coverage::default(),
            peer_key: None,
            trial: None,
            trial_failed: false,
            keyed: saved.keyed != 0 && saved.keyed == keys.digest(),
            config,
            keys,
        };
        // In place: what is made beforehand and moved in costs a board as much again for a moment.
        node.incarnation.nonce = (node.shake.random() & 0xFFFF_FFFF) as u32;
        for kind in &node.config.links {
            let stream = match kind {
                LinkKind::Stream => Some(Stream {
                    decoder: Decoder::new(),
                    text: frame::foreign::Collector::new(),
                    texts: false,
                }),
                LinkKind::Datagram => None,
            };
            let _ = node.links.push(Link::default());
            let _ = node.streams.push(stream);
        }
        let left_over = saved.left_over(&node.config.groups);
        for group in &node.config.groups {
            let of = |list: &[(u32, u32)]| {
                list.iter().find(|(hash, _)| *hash == group.name_hash).map_or(0, |(_, epoch)| *epoch)
            };
            let newest = if COPIES == 0 { 0 } else { of(&saved.copies) };
            let mut fresh = Group::new(*group, of(&saved.epochs), newest);
            fresh.started = saved.started(group.name_hash, node.config.boot, left_over);
            if saved.record(group.name_hash).is_some_and(|record| record.reset) {
                fresh.reset = Reset::Spent;
            }
            #[expect(
                clippy::manual_contains,
                reason = "it looks at sixteen at a time, for one or two that are there"
            )]
            let peer_stuck = saved.stuck.iter().any(|hash| *hash == group.name_hash);
            fresh.peer_stuck = peer_stuck;
            let _ = node.groups.push(fresh);
        }
        node.unlisted = saved.same_boot(node.config.boot) && left_over;
        node.peer.boot = (saved.stuck_boot != 0).then_some(saved.stuck_boot);
        let addresses = &node.config.ask.addresses;
        for (group, mask) in node.groups.iter_mut().zip(addresses) {
            group.set_addresses(*mask);
        }
        node.report(Event::Joining(node.incarnation));
        node.persist();
        node.begin_cleaning();
        node.settle();
        Ok(node)
    }

    /// What is to be kept across lives, as of now: what [`crate::Action::Persist`] asks to have written.
    #[must_use]
    pub fn saved(&self) -> Saved {
        let epochs = filled(self.groups.iter().map(|group| (group.config.name_hash, group.seen)));
        let newest = |group: &Group| group.copy().map(|copy| (group.config.name_hash, copy.newest));
        let copies = filled(self.groups.iter().filter_map(newest));
        let stuck: Vec<u32, MAX_GROUPS> =
            filled(self.groups.iter().filter(|group| group.peer_stuck).map(|group| group.config.name_hash));
        let stuck_boot = self.peer.boot.filter(|_| !stuck.is_empty()).unwrap_or(0);
        let record = |group: &Group| {
            let record = Record { started: group.started, reset: group.reset != Reset::Free };
            (group.config.name_hash, record)
        };
        Saved {
            counter: self.incarnation.counter,
            epochs,
            keyed: if self.keyed { self.keys.digest() } else { 0 },
            copies,
            stuck,
            stuck_boot,
            boot: self.config.boot,
            records: filled(self.groups.iter().map(record)),
            unlisted: self.unlisted,
            lost: false,
            foreign: self.foreign.heard,
        }
    }

    /// A write failed. A newer one is on its way, or the same is tried again later (DESIGN §8.8).
    pub(super) fn persist_failed(&mut self, serial: u32) {
        if serial == self.persist_serial {
            self.persist_again = self.now.plus(super::PERSIST_RETRY);
        }
    }

    /// What is to be kept has changed. Gives the serial of the write that will hold it.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn persist(&mut self) -> u32 {
        if !self.out.persist {
            self.out.persist = true;
            self.persist_again = Instant::NEVER;
            self.persist_serial = self.persist_serial.wrapping_add(1);
        }
        self.persist_serial
    }
}
