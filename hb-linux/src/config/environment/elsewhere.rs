//! Where the network's own configuration sets an address: it would do so at every boot, on the standby node as well.

use crate::config::files::read_text;
use core::net::Ipv4Addr;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder below `/etc`, what the names of its files begin and end with, and who reads them.
const PLACES: [(&str, &str, &str); 5] = [
    // Red Hat, SUSE.
    ("sysconfig/network-scripts", "ifcfg-", ""),
    // Debian.
    ("network/interfaces.d", "", ""),
    ("netplan", "", ".yaml"),
    ("NetworkManager/system-connections", "", ""),
    ("systemd/network", "", ".network"),
];

/// Those of them that an old server may have.
const OLD: usize = 2;

/// The first file that sets `ip`, and the line in which it does.
pub(super) fn fixed(etc: &Path, ip: Ipv4Addr) -> Option<(PathBuf, usize)> {
    let mut files = Vec::from([etc.join("network/interfaces")]);
    let places: &[_] = if cfg!(feature = "systemd") { &PLACES } else { &PLACES[..OLD] };
    for &(dir, begin, end) in places {
        let entries = fs::read_dir(etc.join(dir)).into_iter().flatten().flatten();
        let named = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(begin) && name.ends_with(end) && !name.ends_with('~')
        };
        files.extend(entries.map(|entry| entry.path()).filter(named));
    }
    // What the folder gives has no order.
    files.sort();
    files.into_iter().find_map(|file| {
        let text = String::from_utf8_lossy(&read_text(&file)).into_owned();
        let at = text.lines().position(|line| sets(line, ip))? + 1;
        Some((file, at))
    })
}

/// Does this line give an interface the address? The forms:
///
/// ```text
/// IPADDR=1.2.3.4   IPADDR_0="1.2.3.4"        ifcfg
/// address 1.2.3.4/24                         interfaces
/// addresses: [1.2.3.4/24, 5.6.7.8/24]        netplan, as a list in one line
/// - 1.2.3.4/24                               netplan, as a list of lines
/// address1=1.2.3.4/24,1.2.3.1                NetworkManager: the address before the first comma
/// Address=1.2.3.4/24                         networkd
/// ```
fn sets(line: &str, ip: Ipv4Addr) -> bool {
    let line = line.trim_start();
    // A name server stands in such a list too, but without a mask.
    let masked = |word: &str| word.contains('/') && is(word, ip);
    let list = |text: &str| text.split(',').any(masked);
    let named = |name: &str| {
        name.starts_with("IPADDR")
            || name == "Address"
            || name.strip_prefix("address").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    };
    if line.starts_with('#') {
        return false;
    }
    if let Some((name, value)) = line.split_once('=') {
        return named(name.trim()) && value.split(',').next().is_some_and(|first| is(first, ip));
    }
    if cfg!(feature = "systemd") {
        if let Some(value) = line.strip_prefix("addresses:") {
            return list(value);
        }
        if let Some(value) = line.strip_prefix("- ") {
            return masked(value.split(':').next().unwrap_or_default());
        }
    }
    line.strip_prefix("address").is_some_and(|value| is(value, ip))
}

/// Is this word the address, with or without brackets, quotes and a mask?
fn is(word: &str, ip: Ipv4Addr) -> bool {
    let word = word.trim().trim_matches(['"', '\'', '[', ']', ' ']);
    word.split('/').next().and_then(|word| word.parse().ok()) == Some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_each_kind_of_file() {
        let ip = Ipv4Addr::new(192, 168, 2, 50);
        for line in [
            "IPADDR=192.168.2.50",
            "IPADDR1='192.168.2.50'",
            "  address 192.168.2.50/24",
            "      addresses: [10.0.0.1/8, 192.168.2.50/24]",
            "        - 192.168.2.50/24",
            "        - \"192.168.2.50/24\":",
            "address2=192.168.2.50/24,192.168.2.1",
            "Address=192.168.2.50/24",
        ] {
            assert!(sets(line, ip), "{line}");
        }
        for line in [
            "#IPADDR=192.168.2.50",
            "GATEWAY=192.168.2.50",
            "address1=192.168.2.5/24,192.168.2.50",
            "Gateway=192.168.2.50",
            "      gateway4: 192.168.2.50",
            "        addresses: [192.168.2.50]",
            "- to: 192.168.2.50/24",
            "address 192.168.2.5",
            "",
        ] {
            assert!(!sets(line, ip), "{line}");
        }
    }
}
