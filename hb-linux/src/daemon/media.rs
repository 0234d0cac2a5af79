//! The links of the configuration, made.

use crate::config::{Medium, Settings};
use crate::link::Link;
use crate::sys::Errno;
use crate::sys::iface::IfName;

/// Every link, closed, in the order of the core's numbers.
///
/// # Errors
/// A device or interface name that no kernel would take, by the position of its link.
pub(super) fn links(settings: &Settings) -> Result<Vec<Link>, (usize, Errno)> {
    settings.links.iter().enumerate().map(|(i, medium)| link(medium).map_err(|why| (i, why))).collect()
}

fn link(medium: &Medium) -> Result<Link, Errno> {
    let name = |iface: &str| IfName::new(iface).ok_or(Errno::INVALID);
    Ok(match medium {
        Medium::Serial { device, baud, rtscts } => {
            Link::serial(&device.display().to_string(), *baud, *rtscts)?
        }
        Medium::Bcast { iface, port } => Link::broadcast(name(iface)?, *port),
        Medium::Mcast { iface, group, port, ttl, loopback } => {
            Link::multicast(name(iface)?, *group, *port, *ttl, *loopback)
        }
        Medium::Ucast { iface, peer, port } => Link::unicast(name(iface)?, *peer, *port),
    })
}
