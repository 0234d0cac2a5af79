//! Service addresses on the wire: bursts of gratuitous ARP for a group that this node holds, and the probe whether
//! anybody answers for any of them.
//!
//! DESIGN §7 O8b.4.

use super::voice::Voice;
use crate::arp::{self, Probe, Prober};
use crate::config::Settings;
use crate::helper::Level;
use crate::scripts::What;
use crate::sys::Fd;
use crate::sys::iface::IfName;
use core::net::Ipv4Addr;
use hb_core::{GroupId, Input, Instant, Verb};
use std::os::fd::RawFd;

/// The groups' addresses, and what is under way for them.
#[derive(Debug)]
pub(super) struct Announcer {
    /// Group, position in it, and address.
    addresses: Vec<(GroupId, u8, Ipv4Addr)>,
    /// Each address, with the interface if the file names one.
    targets: Vec<(Ipv4Addr, Option<IfName>)>,
    announcer: arp::Announcer,
    prober: Option<Prober>,
    /// The socket of the last probe, kept open.
    idle: Option<Fd>,
}

impl Announcer {
    /// Nothing under way.
    #[must_use]
    pub(super) fn new(settings: &Settings) -> Self {
        let (mut addresses, mut targets) = (Vec::new(), Vec::new());
        for (id, group) in (0_u8..).zip(&settings.groups) {
            let all = (0_u8..).zip(&group.resources).filter_map(|(at, r)| Some((at, r.address.as_ref()?)));
            for (at, address) in all {
                addresses.push((GroupId(id), at, address.ip));
                targets.push((address.ip, address.iface.as_deref().and_then(IfName::new)));
            }
        }
        let mut announcer = arp::Announcer::new();
        if !addresses.is_empty() {
            announcer.open();
        }
        Self { addresses, targets, announcer, prober: None, idle: None }
    }

    /// A start ended well: if it was that of an address, tell the neighbours at once. Without a word: it is part of the
    /// start, and a script may have set up something else.
    pub(super) fn started(&mut self, now: Instant, what: What) {
        let of = |known: &&(GroupId, u8, Ipv4Addr)| (known.0, known.1) == (what.group, what.resource);
        if what.verb == Verb::Start
            && let Some(&(_, _, ip)) = self.addresses.iter().find(of)
        {
            let _ = self.announcer.started(now, ip);
        }
    }

    /// Announce every address of `group`, now and a few times more within a second.
    pub(super) fn announce(&mut self, now: Instant, group: GroupId, voice: &mut Voice) {
        for &(_, _, ip) in self.addresses.iter().filter(|(of, _, _)| *of == group) {
            match self.announcer.announce(now, ip) {
                Ok(()) => voice.say(Level::Info, format_args!("announcing {ip} by gratuitous ARP")),
                Err(why) => voice.say(Level::Warn, format_args!("{ip} cannot be announced: {why}")),
            }
        }
    }

    /// Announce every address of `group` that is here, once and without a word.
    pub(super) fn repeat(&mut self, group: GroupId) {
        for &(_, _, ip) in self.addresses.iter().filter(|(of, _, _)| *of == group) {
            let _ = self.announcer.tell(ip);
        }
    }

    /// Begin to ask whether any address of any group answers.
    pub(super) fn probe(&mut self, now: Instant, voice: &mut Voice) {
        voice.say(Level::Info, format_args!("asking by ARP whether a service address is in use"));
        let fd = self.idle.take().or_else(|| self.prober.take().and_then(Prober::end_of));
        self.prober = Some(Prober::again(now, &self.targets, fd));
    }

    /// When [`Announcer::service`] has something to do.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        let probe = match &self.prober {
            Some(prober) if prober.result() == Probe::Running => prober.deadline(),
            Some(_) => Instant::ZERO,
            None => Instant::NEVER,
        };
        self.announcer.deadline().min(probe)
    }

    /// The open descriptor to wait on.
    #[must_use]
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.prober.as_ref().and_then(Prober::fd)
    }

    /// Send what is due, read what came; answers the end of a probe.
    pub(super) fn service(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        if self.announcer.deadline() <= now {
            self.announcer.service(now);
        }
        let prober = self.prober.as_mut()?;
        prober.service(now);
        let answered = match prober.result() {
            Probe::Running => return None,
            Probe::Silent => {
                voice.say(Level::Info, format_args!("no service address is in use"));
                false
            }
            Probe::Answered(ip) => {
                voice.say(Level::Warn, format_args!("{ip} is in use: somebody answered the ARP probe"));
                true
            }
            Probe::Impossible(ip, why) => {
                voice.say(Level::Warn, format_args!("{ip} cannot be asked for: {why}; taken for in use"));
                true
            }
        };
        self.idle = self.prober.take().and_then(Prober::end_of);
        Some(Input::ProbeDone { answered })
    }
}
