//! How a key gets into the board: as texts that are fixed when its program is built.

use crate::Bridge;
use embedded_io::{Read, ReadReady, Write, WriteReady};
use hb_core::auth::{Key, Keyring, Method};
use hb_core::identity;

/// [`Bridge::guard`] with a line of `authkeys` and two node names, as [`keys`] and [`cluster`] read them. False, and nothing
/// done, where one of them makes no sense.
///
/// Never part of its caller: what a ring is made of takes more stack than a bridge that runs, and is gone after this.
#[inline(never)]
pub fn install<A, B>(bridge: &mut Bridge<A, B>, line: &str, nodes: &str, seed: u64) -> bool
where
    A: Read + ReadReady + Write + WriteReady,
    B: Read + ReadReady + Write + WriteReady,
{
    let (Some(cluster), Some((index, key))) = (cluster(nodes), key(line)) else { return false };
    bridge.guard_by(&[(index, key)], index, cluster, seed)
}

/// The ring of one line of `authkeys`: `2 sha1 secret`, as the nodes have it. `None` if it makes no sense, or the method is not
/// in this build.
#[must_use]
pub fn keys(line: &str) -> Option<Keyring> {
    let (index, key) = key(line)?;
    Keyring::new(&[(index, key)], index).ok()
}

fn key(line: &str) -> Option<(u8, Key)> {
    let mut words = line.split_ascii_whitespace();
    let index = words.next()?.parse().ok()?;
    let method = match words.next()? {
        "crc" => Method::Crc,
        "md5" => Method::Md5,
        "sha1" => Method::Sha1,
        "sha256" => Method::Sha256,
        _ => return None,
    };
    let key = Key::new(method, words.next().unwrap_or_default().as_bytes()).ok()?;
    words.next().is_none().then_some((index, key))
}

/// The cluster of two node names, as `ha.cf` has them: `ha-1 ha-2`.
#[must_use]
pub fn cluster(nodes: &str) -> Option<u16> {
    let mut words = nodes.split_ascii_whitespace();
    let (one, other) = (words.next()?, words.next()?);
    words.next().is_none().then(|| identity::cluster(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_authkeys_is_a_ring() {
        let ring = keys("1 crc").expect("crc is in every build");
        assert_eq!((ring.signer(), ring.get(1).map(|key| key.method)), (1, Some(Method::Crc)));
        for bad in ["", "1", "x crc", "16 crc", "1 crc secret", "1 rot13 secret", "1 crc \tsecret more"] {
            assert!(keys(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn two_names_are_a_cluster_in_any_order() {
        assert_eq!(cluster("ha-1 ha-2"), Some(0x4D32));
        assert_eq!(cluster("ha-2\tha-1"), Some(0x4D32));
        assert_eq!([cluster("ha-1"), cluster("a b c"), cluster("")], [None; 3]);
    }
}
