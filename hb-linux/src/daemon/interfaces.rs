//! This machine's interfaces, as far as they concern the daemon: links follow theirs, and a group whose service address
//! went away with one is looked at.
//!
//! The kernel tells of every change (`rtnetlink`), before the loop sends anything: a change is read in the round in which
//! it happened, links first. Where the kernel tells nobody, links ask before each send, and addresses are looked at once a
//! second.

use super::voice::Voice;
use crate::config::Settings;
use crate::helper::Level;
use crate::link::Link;
use crate::sys::iface::{self, IfName};
use crate::sys::{Fd, route};
use core::net::Ipv4Addr;
use hb_core::{Duration, GroupId, Instant};
use std::os::fd::RawFd;

/// An interface that comes back gets its own addresses back within this, most of the time.
const SETTLE: Duration = Duration::from_millis(300);
/// A repeated announcement is sent within this time or not at all.
const PROMPT: Duration = Duration::from_millis(250);
/// Between two looks at the addresses where the kernel tells nobody.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A service address.
#[derive(Debug)]
struct Address {
    group: GroupId,
    resource: u8,
    ip: Ipv4Addr,
    /// The interface that had it last.
    iface: Option<IfName>,
    /// This machine had it, on an interface that was on, when it was looked at last.
    served: bool,
    /// When it is to be looked at.
    due: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Interfaces {
    told: Option<Fd>,
    next: Instant,
    /// How long an interface may be off before what was on it is looked at all the same.
    patience: Duration,
    addresses: Vec<Address>,
    /// When the addresses that are held are announced again, and how often.
    again: Instant,
    every: Option<Duration>,
}

impl Interfaces {
    /// Begin to listen, and tell the links whether that works.
    pub(super) fn new(settings: &Settings, links: &mut [Link], now: Instant) -> Self {
        let told = route::open().ok();
        let patience = settings.core.timing.deadtime;
        for link in links {
            link.watched(told.is_some());
            link.patience(now, patience);
        }
        let mut addresses = Vec::new();
        for (id, group) in (0_u8..).zip(&settings.groups) {
            for (resource, written) in (0_u8..).zip(&group.resources) {
                let Some(address) = &written.address else { continue };
                let (group, ip) = (GroupId(id), address.ip);
                addresses.push(Address {
                    group,
                    resource,
                    ip,
                    iface: None,
                    served: false,
                    due: Instant::NEVER,
                });
            }
        }
        let next = if told.is_some() || addresses.is_empty() { Instant::NEVER } else { now };
        let every = settings.announce_every.filter(|_| !addresses.is_empty());
        let again = every.map_or(Instant::NEVER, |every| now.plus(every));
        Self { told, next, patience, addresses, again, every }
    }

    /// The open descriptor to wait on.
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.told.as_ref().map(Fd::raw)
    }

    /// When [`Interfaces::service`] has something to do by itself.
    pub(super) fn deadline(&self) -> Instant {
        self.addresses
            .iter()
            .map(|address| address.due)
            .min()
            .unwrap_or(Instant::NEVER)
            .min(self.next)
            .min(self.again)
    }

    /// Take what the kernel told, have the links look, and look at the addresses.
    pub(super) fn service(&mut self, now: Instant, ready: bool, links: &mut [Link], voice: &mut Voice) {
        let told = ready && self.told.as_ref().is_some_and(route::take);
        if told {
            links.iter_mut().for_each(|link| link.look(now));
        }
        if told || self.next <= now {
            if self.next <= now {
                self.next = now.plus(LOOK_EVERY);
            }
            let patience = self.patience;
            self.addresses.iter_mut().for_each(|address| address.look(now, patience, voice));
        }
    }

    /// What is held is to be announced again. Not when that is late: the loop stood still, and another node may have it by
    /// now.
    pub(super) fn announce_again(&mut self, now: Instant) -> bool {
        let Some(every) = self.every.filter(|_| self.again <= now) else { return false };
        let late = now.since(self.again);
        self.again = now.plus(every);
        late <= PROMPT
    }

    /// The next resource that is to be looked at. Call until `None`.
    pub(super) fn due(&mut self, now: Instant) -> Option<(GroupId, u8)> {
        let address = self.addresses.iter_mut().find(|address| address.due <= now)?;
        address.due = Instant::NEVER;
        Some((address.group, address.resource))
    }
}

impl Address {
    fn look(&mut self, now: Instant, patience: Duration, voice: &mut Voice) {
        let up = |name: &IfName| iface::flags(name).is_ok_and(iface::Flags::up);
        // What cannot be asked now says nothing.
        let Ok(holder) = iface::holding(self.ip) else { return };
        if let Some(name) = holder {
            self.iface = Some(name);
        }
        if holder.as_ref().is_some_and(up) {
            (self.served, self.due) = (true, Instant::NEVER);
            return;
        }
        let back = self.iface.as_ref().is_some_and(up);
        if core::mem::replace(&mut self.served, false) {
            let name = self.iface.as_ref().map_or("?", IfName::as_str);
            if back {
                voice.say(Level::Warn, format_args!("service address {} is gone from {name}", self.ip));
            } else {
                voice.say(Level::Warn, format_args!("service address {}: {name} is off or gone", self.ip));
            }
            self.due = now.plus(if back { SETTLE } else { patience });
        } else if back && self.due != Instant::NEVER {
            self.due = self.due.min(now.plus(SETTLE));
        }
    }
}
