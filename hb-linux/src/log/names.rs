//! Names for the core's numbers, gathered once at start.

use crate::config::{Settings, name_hash};
use hb_core::{GroupId, LinkId, PingId};

/// One resource group's names.
#[derive(Clone, Debug)]
pub struct GroupNames {
    /// The group's own: its first resource as written.
    pub name: String,
    /// The preferred node.
    pub preferred: String,
    /// The resources as written, from left to right.
    pub resources: Vec<String>,
    /// What a group that begins with each of them would be called on the wire.
    pub hashes: Vec<u32>,
}

/// All names of a cluster, by the core's numbers. Unknown numbers read `?`.
#[derive(Clone, Debug)]
pub struct Names {
    /// This node.
    pub own: String,
    /// The other node.
    pub peer: String,
    /// Links as the original calls them: the interface or the device.
    pub links: Vec<String>,
    /// The media of the links: `serial`, `bcast`, `mcast`, `ucast`.
    pub media: Vec<&'static str>,
    /// The groups.
    pub groups: Vec<GroupNames>,
    /// Ping nodes and ping groups.
    pub pings: Vec<String>,
    /// The addresses that are asked for before a claim.
    pub addresses: Vec<String>,
}

impl Names {
    /// The names that the configuration gives. Two media over one interface are told apart by their directive.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let short = |m: &crate::config::Medium| match (m, m.iface()) {
            (_, Some(iface)) => iface.to_string(),
            (crate::config::Medium::Serial { device, .. }, None) => device.display().to_string(),
            (_, None) => m.to_string(),
        };
        let all: Vec<String> = settings.links.iter().map(short).collect();
        let links = settings
            .links
            .iter()
            .zip(&all)
            .map(|(medium, name)| {
                if all.iter().filter(|other| *other == name).count() > 1 {
                    medium.to_string()
                } else {
                    name.clone()
                }
            })
            .collect();
        Self {
            own: settings.own.clone(),
            peer: settings.peer.clone(),
            links,
            media: settings.links.iter().map(crate::config::Medium::kind).collect(),
            groups: settings
                .groups
                .iter()
                .map(|g| GroupNames {
                    name: g.name.clone(),
                    preferred: g.preferred.clone(),
                    resources: g.resources.iter().map(|r| r.text.clone()).collect(),
                    hashes: g.resources.iter().map(name_hash).collect(),
                })
                .collect(),
            pings: settings.pings.iter().map(|p| p.name.clone()).collect(),
            addresses: crate::config::asked(&settings.groups).map(|(_, a)| a.ip.to_string()).collect(),
        }
    }

    /// A link's name.
    #[must_use]
    pub fn link(&self, id: LinkId) -> &str {
        self.links.get(usize::from(id.0)).map_or("?", String::as_str)
    }

    /// A group's name.
    #[must_use]
    pub fn group(&self, id: GroupId) -> &str {
        self.groups.get(usize::from(id.0)).map_or("?", |g| g.name.as_str())
    }

    /// A resource's name.
    #[must_use]
    pub fn resource(&self, group: GroupId, resource: u8) -> &str {
        self.groups
            .get(usize::from(group.0))
            .and_then(|g| g.resources.get(usize::from(resource)))
            .map_or("?", String::as_str)
    }

    /// A group's whole line, for `{}`.
    #[must_use]
    pub fn line(&self, id: GroupId) -> Line<'_> {
        Line(self.groups.get(usize::from(id.0)))
    }

    /// The resource with this name on the wire, and its group.
    #[must_use]
    pub fn resource_of(&self, hash: u32) -> Option<(&str, &str)> {
        self.groups.iter().find_map(|group| {
            let at = group.hashes.iter().position(|known| *known == hash)?;
            Some((group.resources.get(at)?.as_str(), group.name.as_str()))
        })
    }

    /// A ping node's name.
    #[must_use]
    pub fn ping(&self, id: PingId) -> &str {
        self.pings.get(usize::from(id.0)).map_or("?", String::as_str)
    }

    /// A service address.
    #[must_use]
    pub fn address(&self, number: u8) -> &str {
        self.addresses.get(usize::from(number)).map_or("?", String::as_str)
    }

    /// The number of the group with this name.
    #[must_use]
    pub fn find_group(&self, name: &str) -> Option<GroupId> {
        let at = self.groups.iter().position(|g| g.name == name)?;
        u8::try_from(at).ok().map(GroupId)
    }
}

/// See [`Names::line`].
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(Option<&'a GroupNames>);

impl core::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Some(group) = self.0 else { return f.write_str("?") };
        f.write_str(&group.preferred)?;
        group.resources.iter().try_for_each(|resource| write!(f, " {resource}"))
    }
}
