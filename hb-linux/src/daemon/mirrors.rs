//! Ping nodes that say nothing of this node's network: an address of this machine answers whatever happens, and the peer's
//! own falls silent with the peer (DESIGN §7 O2b). The core is told which they are, and counts neither.
//!
//! The peer's address is the one that its frames come from: only frames count that the core took as new beats of the life
//! that it met, so nobody can make a router look like the peer.

use crate::config::Settings;
use crate::control::words::Whose;
use crate::sys::iface;
use core::net::Ipv4Addr;
use hb_core::PingId;
use hb_core::config::MAX_LINKS;

/// Beats in a row from one address after which all of a link come from there.
const ENOUGH: u8 = 3;

/// Whose machine a ping node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mirror {
    /// Another one, as far as anybody knows.
    Neither,
    /// The peer's, by frames on the link of this number.
    Peer(u8),
    /// This node's.
    Own,
}

impl Mirror {
    /// As the status says it.
    pub(super) const fn whose(self) -> Option<Whose> {
        match self {
            Self::Neither => None,
            Self::Peer(_) => Some(Whose::Peer),
            Self::Own => Some(Whose::Own),
        }
    }
}

/// One ping node.
#[derive(Debug)]
struct Host {
    members: Vec<Ipv4Addr>,
    /// Bit *n*: the member *n* is an address of this machine.
    own: u32,
    told: Mirror,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Mirrors {
    hosts: Vec<Host>,
    /// By link: where the last beats came from, and how many of them in a row.
    senders: [Option<(Ipv4Addr, u8)>; MAX_LINKS],
}

impl Mirrors {
    pub(super) fn new(settings: &Settings) -> Self {
        let host = |members: &Vec<Ipv4Addr>| Host { members: members.clone(), own: 0, told: Mirror::Neither };
        let hosts = settings.pings.iter().map(|ping| host(&ping.members)).collect();
        let mut new = Self { hosts, senders: [None; MAX_LINKS] };
        new.look();
        new
    }

    /// Are there no ping nodes?
    pub(super) const fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// This machine's addresses may have changed.
    pub(super) fn look(&mut self) {
        // What cannot be asked now says nothing.
        self.look_with(|ip| {
            if ip.is_loopback() { Some(true) } else { iface::holding(ip).ok().map(|i| i.is_some()) }
        });
    }

    fn look_with(&mut self, is_own: impl Fn(Ipv4Addr) -> Option<bool>) {
        for host in &mut self.hosts {
            for (n, ip) in (0_u32..).zip(&host.members) {
                let bit = 1_u32.checked_shl(n).unwrap_or(0);
                match is_own(*ip) {
                    Some(true) => host.own |= bit,
                    Some(false) => host.own &= !bit,
                    None => {}
                }
            }
        }
    }

    /// A new beat of the peer came on this link from there.
    pub(super) fn heard(&mut self, link: usize, from: Ipv4Addr) {
        let Some(sender) = self.senders.get_mut(link) else { return };
        *sender = match *sender {
            Some((address, run)) if address == from => Some((from, run.saturating_add(1))),
            _ => Some((from, 1)),
        };
    }

    /// The next ping node that turned out to be another's machine than was told. Call until `None`.
    pub(super) fn change(&mut self) -> Option<(PingId, Mirror)> {
        for at in 0..self.hosts.len() {
            let now = self.judge(at);
            let host = self.hosts.get_mut(at)?;
            let was = core::mem::replace(&mut host.told, now);
            // On which of its links the peer was seen is for the words alone.
            if was.whose() != now.whose() {
                return Some((PingId(u8::try_from(at).unwrap_or(u8::MAX)), now));
            }
        }
        None
    }

    /// As told last.
    pub(super) fn of(&self, ping: usize) -> Mirror {
        self.hosts.get(ping).map_or(Mirror::Neither, |host| host.told)
    }

    /// A group says something as long as one member may.
    fn judge(&self, at: usize) -> Mirror {
        let Some(host) = self.hosts.get(at) else { return Mirror::Neither };
        let mut found = Mirror::Own;
        for (n, ip) in (0_u32..).zip(&host.members) {
            if host.own & 1_u32.checked_shl(n).unwrap_or(0) != 0 {
                continue;
            }
            let from = |sender: &Option<(Ipv4Addr, u8)>| sender.is_some_and(|s| s.0 == *ip && s.1 >= ENOUGH);
            match self.senders.iter().position(from) {
                Some(link) => found = Mirror::Peer(u8::try_from(link).unwrap_or(u8::MAX)),
                None => return Mirror::Neither,
            }
        }
        if host.members.is_empty() { Mirror::Neither } else { found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

    fn mirrors(hosts: &[&[Ipv4Addr]]) -> Mirrors {
        let host = |members: &&[Ipv4Addr]| Host { members: members.to_vec(), own: 0, told: Mirror::Neither };
        let mut new = Mirrors { hosts: hosts.iter().map(host).collect(), senders: [None; MAX_LINKS] };
        new.look_with(|ip| Some(ip == OWN));
        new
    }

    fn told(mirrors: &mut Mirrors) -> Vec<(u8, Mirror)> {
        core::iter::from_fn(|| mirrors.change()).map(|(ping, mirror)| (ping.0, mirror)).collect()
    }

    #[test]
    fn a_ping_node_is_the_peer_while_all_beats_of_a_link_come_from_it() {
        let mut m = mirrors(&[&[ROUTER], &[PEER]]);
        assert_eq!(told(&mut m), []);
        for _ in 0..2 {
            m.heard(1, PEER);
            m.heard(0, Ipv4Addr::new(198, 51, 100, 2));
        }
        assert_eq!(told(&mut m), [], "two may be chance");
        m.heard(1, PEER);
        assert_eq!(told(&mut m), [(1, Mirror::Peer(1))]);
        assert_eq!(told(&mut m), []);
        assert_eq!((m.of(0), m.of(1)), (Mirror::Neither, Mirror::Peer(1)));
        m.heard(1, Ipv4Addr::new(192, 0, 2, 3));
        assert_eq!(told(&mut m), [(1, Mirror::Neither)], "another address sends as well");
    }

    #[test]
    fn an_own_address_says_nothing_and_a_group_what_any_member_says() {
        let mut m = mirrors(&[&[OWN], &[OWN, PEER], &[PEER, ROUTER], &[]]);
        assert_eq!(told(&mut m), [(0, Mirror::Own)]);
        (0..ENOUGH).for_each(|_| m.heard(0, PEER));
        assert_eq!(told(&mut m), [(1, Mirror::Peer(0))]);
        m.look_with(|_| None);
        assert_eq!(told(&mut m), []);
        m.look_with(|_| Some(false));
        assert_eq!(told(&mut m), [(0, Mirror::Neither), (1, Mirror::Neither)], "the address moved away");
    }
}
