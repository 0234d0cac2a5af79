//! The numbers by which two nodes know each other, their groups and their times: one place for every shell. The formulas are
//! in `docs/spec/wire.md` (*Identity*), with values to check them by.
//!
//! Each is made of CRC-32 ([`crate::auth::tag::crc32`]): they tell differing files apart, not friend from foe.

use crate::auth::tag::{Crc32, crc32_of};
use crate::config::Timing;
use crate::ids::Side;
use core::fmt::{self, Display, Write};

/// The cluster of the nodes named `own` and `peer`, in either order: frames of another one are not looked at.
#[must_use]
pub fn cluster(own: &str, peer: &str) -> u16 {
    let (first, second) = match Side::of(own, peer) {
        Side::Even => (own, peer),
        Side::Odd => (peer, own),
    };
    let mut crc = Crc32::new();
    folded(first).for_each(|byte| crc.update(&[byte]));
    crc.update(&[0]);
    folded(second).for_each(|byte| crc.update(&[byte]));
    let [a, b, c, d] = crc.end().to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d])
}

/// A node's name as it is compared and hashed: `A` to `Z` in lower case, so that two files which write one name in two ways
/// make one cluster.
pub fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// Digest of the times that both nodes must share: keepalive, deadtime, deadping. The others are each node's own matter:
/// when to warn, how long its own start may take.
#[must_use]
pub fn timing_digest(timing: &Timing) -> u32 {
    let bytes =
        [timing.keepalive, timing.deadtime, timing.deadping].map(|time| time.as_micros().to_be_bytes());
    crc32_of(bytes.each_ref().map(|bytes| bytes.as_slice()))
}

/// The name of a group: its first resource, in the canonical form (`NAME` or `NAME::ARGUMENT::ARGUMENT`; a bare address is
/// an argument of `IPaddr`).
#[must_use]
pub fn name_hash(first: impl Display) -> u32 {
    text([first])
}

/// The line of a group: the name of the preferred node, folded, and each resource in the canonical form behind one space.
#[must_use]
pub fn line_digest<R: Display>(preferred: &str, resources: impl IntoIterator<Item = R>) -> u32 {
    let mut digest = Digest(Crc32::new());
    folded(preferred).for_each(|byte| digest.0.update(&[byte]));
    for resource in resources {
        // Nothing that is written to a checksum fails.
        let _ = write!(digest, " {resource}");
    }
    digest.0.end()
}

fn text<const N: usize>(parts: [impl Display; N]) -> u32 {
    let mut digest = Digest(Crc32::new());
    for part in parts {
        let _ = write!(digest, "{part}");
    }
    digest.0.end()
}

/// Takes in what is written to it.
struct Digest(Crc32);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;
    use std::string::String;
    use std::vec::Vec;

    /// The rows of the document's table: what, of what, and the number.
    fn table() -> Vec<(String, Vec<String>, u32)> {
        let text = include_str!("../../docs/spec/wire.md");
        let section = text.split("## Identity").nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let row = |line: &str| {
            let cells: Vec<_> =
                line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
            let of = cells[1].split("`, `").map(String::from).collect();
            (String::from(cells[0]), of, u32::from_str_radix(cells[2], 16).unwrap())
        };
        rows.map(row).collect()
    }

    #[test]
    fn names_that_differ_in_case_are_one_cluster() {
        assert_eq!(cluster("HA-1", "ha-2"), cluster("ha-2", "ha-1"));
        assert_eq!(cluster("a_b", "aBc"), cluster("A_B", "abc"));
        assert_ne!(cluster("ha-1", "ha-2"), cluster("ha-1", "ha-3"));
        assert_eq!(line_digest("Ha-1", ["web"]), line_digest("hA-1", ["web"]));
        assert_ne!(
            line_digest("ha-1", ["web"]),
            line_digest("ha-1", ["Web"]),
            "scripts are told apart by case"
        );
    }

    #[test]
    fn the_documents_table_is_what_the_formulas_give() {
        let table = table();
        for kind in ["cluster", "times", "name", "line"] {
            assert!(table.iter().filter(|row| row.0 == kind).count() >= 2, "too few of {kind}: {table:?}");
        }
        for (what, of, number) in &table {
            let of: Vec<&str> = of.iter().map(String::as_str).collect();
            let got = match (what.as_str(), of.as_slice()) {
                ("cluster", [own, peer]) => {
                    assert_eq!(cluster(own, peer), cluster(peer, own));
                    u32::from(cluster(own, peer))
                }
                ("times", [keepalive, deadtime, deadping]) => {
                    let ms =
                        |text: &str| Duration::from_millis(text.trim_end_matches(" ms").parse().unwrap());
                    timing_digest(&Timing {
                        keepalive: ms(keepalive),
                        deadtime: ms(deadtime),
                        deadping: ms(deadping),
                        warntime: ms("1"),
                        initdead: ms("2"),
                    })
                }
                ("name", [first]) => name_hash(first),
                ("line", [preferred, resources @ ..]) => line_digest(preferred, resources),
                other => panic!("{other:?}"),
            };
            assert_eq!(got, *number, "{what} of {of:?} is {got:08x}");
        }
    }
}
