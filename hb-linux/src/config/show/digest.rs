//! What two nodes compare of their files, as numbers (`hb_core::identity`) beside the words that they are made of.

use super::super::haresources::Canonical;
use super::super::settings::Settings;
use super::super::time::Shown;
use core::fmt;
use hb_core::auth::Method;
use hb_core::identity;
use std::format;
use std::string::String;
use std::vec::Vec;

/// The numbers. `Display` prints them in an order that is the same on both nodes, whatever the order of the files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digests {
    /// Of the cluster: the two names.
    pub(super) cluster: (String, u16),
    /// Of the times that both must share.
    pub(super) times: (String, u32),
    /// Each group: its line in words, name hash, digest of the line.
    pub(super) groups: Vec<(String, u32, u32)>,
    /// The keys' indexes and methods, and which one signs: nothing of a secret goes into it.
    pub(super) keys: (String, u32),
    /// Of times and groups, as the daemon shows it.
    pub whole: u32,
}

/// Those of a valid configuration.
pub(super) fn of(settings: &Settings) -> Digests {
    let (own, peer) = (settings.own.to_ascii_lowercase(), settings.peer.to_ascii_lowercase());
    let names = if own < peer { format!("{own} {peer}") } else { format!("{peer} {own}") };
    let t = &settings.timing;
    let times = format!(
        "keepalive {}, deadtime {}, deadping {}",
        Shown(t.keepalive),
        Shown(t.deadtime),
        Shown(t.deadping)
    );
    let mut groups: Vec<_> = settings
        .groups
        .iter()
        .zip(&settings.core.groups)
        .map(|(group, core)| {
            let resources = group.resources.iter().map(Canonical);
            let preferred = group.preferred.to_ascii_lowercase();
            let line = resources.fold(preferred, |all, resource| format!("{all} {resource}"));
            (line, core.name_hash, core.digest)
        })
        .collect();
    groups.sort_by_key(|group| (group.1, group.2));
    let keys: Vec<String> = (0..=u8::MAX)
        .filter_map(|index| Some((index, settings.keys.get(index)?.method)))
        .map(|(index, method)| format!("{index} {}", word(method)))
        .collect();
    let keys = format!("{}, {} signs", keys.join(", "), settings.keys.signer());
    Digests {
        cluster: (names, identity::cluster(&settings.own, &settings.peer)),
        times: (times, settings.core.timing_digest),
        groups,
        keys: (keys.clone(), identity::name_hash(&keys)),
        whole: settings.config_digest,
    }
}

/// A method as `authkeys` writes it.
pub(super) fn word(method: Method) -> &'static str {
    match method {
        Method::Crc => "crc",
        Method::Md5 => "md5",
        Method::Sha1 => "sha1",
        Method::Sha256 => "sha256",
    }
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cluster  {:04x}               {}", self.cluster.1, self.cluster.0)?;
        writeln!(f, "times    {:08x}           {}", self.times.1, self.times.0)?;
        for (line, name, digest) in &self.groups {
            writeln!(f, "group    {name:08x} {digest:08x}  {line}")?;
        }
        writeln!(f, "keys     {:08x}           {}", self.keys.1, self.keys.0)?;
        writeln!(f, "all      {:08x}           times and groups, as in hbd status", self.whole)
    }
}
