//! For which link a datagram is. Several links may share an interface and a port: then the kernel gives a broadcast to
//! every socket of it, a multicast to every socket that is not bound to another address, and a unicast to one of them,
//! whichever. What names the link is the address that the datagram was sent to.

use super::{Cast, Link};
use core::net::Ipv4Addr;

/// How the last datagram of a link was addressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// The kernel does not say.
    Unknown,
    /// To an address of this machine, from this one.
    Unicast(Ipv4Addr),
    /// To everybody.
    Broadcast,
    /// To this group.
    Multicast(Ipv4Addr),
}

/// The link that the datagram which the link `at` has just read belongs to: another one of the same interface and port if
/// it was sent to that one's address and the kernel gave it to this one alone. `None`: that one got it as well.
#[must_use]
pub fn owner(links: &[Link], at: usize) -> Option<usize> {
    let Some(Link::Udp(link)) = links.get(at) else { return Some(at) };
    let named = |of: &dyn Fn(Cast) -> bool| -> Option<usize> {
        links.iter().position(|other| match other {
            Link::Udp(other) => other.shares(link) && other.fd().is_some() && of(other.cast()),
            Link::Serial(_) => false,
        })
    };
    let copied = |of: &dyn Fn(Cast) -> bool| -> Option<usize> {
        if of(link.cast()) || named(of).is_none() { Some(at) } else { None }
    };
    match link.arrival() {
        Arrival::Unknown => Some(at),
        Arrival::Broadcast => copied(&|cast| cast == Cast::Broadcast),
        Arrival::Multicast(to) => {
            copied(&|cast| matches!(cast, Cast::Multicast { group, .. } if group == to))
        }
        Arrival::Unicast(from) => {
            let by_sender = named(&|cast| cast == Cast::Unicast { peer: from });
            let any = || named(&|cast| matches!(cast, Cast::Unicast { .. }));
            Some(by_sender.or_else(any).unwrap_or(at))
        }
    }
}
