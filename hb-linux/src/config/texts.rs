//! The three files as texts that came from elsewhere than their places.

use super::finding::Findings;
use super::settings::Settings;
use super::{Paths, authkeys, examine};

/// What would be in the three files.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// Of `ha.cf`.
    pub ha_cf: &'a [u8],
    /// Of `haresources`.
    pub haresources: &'a [u8],
    /// Of `authkeys`.
    pub authkeys: &'a [u8],
}

/// What the reader of the three files would make of these texts if they stood in the files of `paths`, with good permissions.
#[must_use]
pub fn examine_texts(texts: &Texts<'_>, paths: &Paths, node: &str) -> (Option<Settings>, Findings) {
    let ha_cf = paths.ha_cf();
    let bytes_of = |path: &std::path::Path| -> Vec<u8> {
        if path == ha_cf { texts.ha_cf.into() } else { texts.haresources.into() }
    };
    let keys = authkeys::from_text(texts.authkeys);
    let loaded = examine(paths, Some(node), keys, &|path, _| Some(bytes_of(path)));
    (loaded.settings, loaded.findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HA_CF: &[u8] = b"keepalive 2\ndeadtime 10\nserial /dev/ttyS0\nnode ha-1\nnode ha-2\n";

    fn examined(haresources: &[u8], authkeys: &[u8]) -> (bool, usize) {
        let texts = Texts { ha_cf: HA_CF, haresources, authkeys };
        let (settings, findings) = examine_texts(&texts, &Paths::new("/nowhere"), "ha-1");
        (
            settings.is_some(),
            findings.as_slice().iter().filter(|f| f.class == super::super::Class::Configuration).count(),
        )
    }

    #[test]
    fn texts_are_judged_like_files() {
        assert_eq!(examined(b"ha-1 192.168.2.50 jdmail\n", b"auth 1\n1 sha1 secret\n"), (true, 0));
        assert_eq!(examined(b"ha-a 192.168.2.50 jdmail\n", b"auth 1\n1 sha1 secret\n"), (false, 1));
        assert_eq!(examined(b"ha-1 192.168.2.50 jdmail\n", b"auth 2\n1 sha1 secret\n"), (false, 1));
    }
}
