//! `cargo xtask budgets`: flash, RAM and instructions, each against the bar that is promised and a limit that catches
//! what creeps in. A limit above its bar is a miss that is known: it is said each time, and may not grow.

use super::count;
use super::image::BOARD;
use crate::paths;
use crate::table::Table;
use crate::test::Outcome;
use std::collections::BTreeMap;

/// What a board's program calls of a node: everything that two-node ownership needs.
const NODE: [&str; 8] =
    ["hb_key", "hb_keyring", "hb_new", "hb_input", "hb_action", "hb_deadline", "hb_operator", "hb_saved"];
/// The same, and the snapshot for people, who look at a board through something larger if at all.
const SHOWN: [&str; 1] = ["hb_status"];

/// One figure.
struct Row {
    what: &'static str,
    unit: &'static str,
    found: u64,
    limit: u64,
    /// What is promised, where something is.
    bar: Option<u64>,
}

/// A build of the node for the board: its features, and the limits of its flash and of its RAM.
struct Build {
    flash: &'static str,
    ram: &'static str,
    features: &'static str,
    /// With the snapshot for people.
    status: bool,
    limits: [u64; 2],
    bars: [Option<u64>; 2],
}

const KIB: u64 = 1024;

/// Two groups and three links, but for the last. Data follows a group where there is a disk, which no board has: weighed
/// for comparison.
const BUILDS: [Build; 7] = [
    Build {
        flash: "flash, crc",
        ram: "Node, crc",
        features: "",
        status: false,
        limits: [28 * KIB, 3_700],
        bars: [Some(28 * KIB), Some(4_608)],
    },
    Build {
        flash: "flash, crc, with status",
        ram: "Node, crc, with status",
        features: "",
        status: true,
        limits: [30_200, 3_700],
        bars: [None, Some(4_608)],
    },
    Build {
        flash: "flash, crc and md5",
        ram: "Node, crc and md5",
        features: "md5",
        status: false,
        limits: [32_000, 4_200],
        bars: [None, Some(4_608)],
    },
    Build {
        flash: "flash, crc and sha1",
        ram: "Node, crc and sha1",
        features: "sha1",
        status: false,
        limits: [33_200, 4_200],
        bars: [None, Some(4_608)],
    },
    Build {
        flash: "flash, crc and sha256",
        ram: "Node, crc and sha256",
        features: "sha256",
        status: false,
        limits: [30_900, 4_200],
        bars: [None, Some(4_608)],
    },
    Build {
        flash: "flash, crc and data, with status",
        ram: "Node, crc and data, with status",
        features: "data",
        status: true,
        limits: [37_700, 4_450],
        bars: [None, Some(4_608)],
    },
    Build {
        flash: "flash, everything, 8 groups and links",
        ram: "Node, everything, 8 groups and links",
        features: "md5,sha1,sha256,large,data,ask,linux-ha,twins,key-trial",
        status: true,
        limits: [68_300, 26_100],
        bars: [None, None],
    },
];

/// A name, what `hb-count` is told to do, on which medium, with which method; limit and bar.
type Count = (&'static str, &'static str, &'static str, &'static str, u64, Option<u64>);

/// A frame taken in on each medium, and a beat sent on two links, by method.
const COUNTS: [Count; 10] = [
    ("receive a crc beat, datagram", "receive", "datagram", "crc", 2_850, Some(3_200)),
    ("receive a crc beat, serial", "receive", "stream", "crc", 3_200, Some(3_200)),
    ("receive an md5 beat, datagram", "receive", "datagram", "md5", 8_300, None),
    ("receive a sha1 beat, datagram", "receive", "datagram", "sha1", 16_300, None),
    ("receive a sha256 beat, datagram", "receive", "datagram", "sha256", 19_600, None),
    ("send a crc beat on two UDP links", "beat", "datagram", "crc", 4_050, None),
    ("send a crc beat on two serial links", "beat", "stream", "crc", 4_900, None),
    ("send an md5 beat on two serial links", "beat", "stream", "md5", 20_000, None),
    ("send a sha1 beat on two serial links", "beat", "stream", "sha1", 36_000, None),
    ("send a sha256 beat on two serial links", "beat", "stream", "sha256", 44_000, None),
];

/// Measures everything and holds it against its limits.
pub fn check() -> Outcome {
    let mut rows = Vec::new();
    for build in &BUILDS {
        let (flash, ram) = weigh(build)?;
        let row = |what, found, n: usize| Row {
            what,
            unit: "bytes",
            found,
            limit: build.limits[n],
            bar: build.bars[n],
        };
        rows.extend([row(build.flash, flash, 0), row(build.ram, ram, 1)]);
    }
    count::build()?;
    for (what, kind, medium, method, limit, bar) in COUNTS {
        let found = count::instructions(kind, medium, method)?;
        rows.push(Row { what, unit: "instructions", found, limit, bar });
    }
    judge(&rows)
}

/// Bytes of code and constants of a node's program for the board, and bytes of one node.
fn weigh(build: &Build) -> Result<(u64, u64), String> {
    let library = BOARD.compile(&paths::root(), build.features)?;
    let out = paths::scratch("proof")?.join("budgets.elf");
    let shown = SHOWN.iter().filter(|_| build.status);
    let roots: Vec<String> = NODE.iter().chain(shown).map(|name| (*name).to_owned()).collect();
    let said = BOARD.link(&library, &roots, false, &out)?;
    if said.code != Some(0) {
        return Err(format!("the node's program does not link:\n{}", said.stderr));
    }
    let sections = BOARD.tool("size").args(["-A"]).args([&out]).output()?.stdout;
    let symbols = BOARD.tool("nm").args(["-S"]).args([&out]).output()?.stdout;
    let sections = section_sizes(&sections);
    let flash = [".text", ".rodata", ".data"].iter().filter_map(|name| sections.get(name)).sum();
    let node =
        symbol_size(&symbols, "HB_SIZE_OF_NODE").ok_or("the image does not say how large a node is")?;
    if sections.get(".text").is_none_or(|code| *code < 1000) {
        return Err("the image holds no code: nothing was weighed".to_owned());
    }
    Ok((flash, node))
}

/// Reads the lines of `size -A`.
fn section_sizes(text: &str) -> BTreeMap<&str, u64> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.parse().ok()?))
        })
        .collect()
}

/// Reads the line of a symbol of `nm -S`: address, size, kind, name.
fn symbol_size(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, size, _, found] if found == name => u64::from_str_radix(size, 16).ok(),
        _ => None,
    })
}

fn judge(rows: &[Row]) -> Outcome {
    let mut table = Table::new(["what", "found", "limit", "bar", "unit", "result"]);
    let (mut wrong, mut missed) = (Vec::new(), Vec::new());
    for row in rows {
        let promised = row.bar.map_or_else(String::new, |bar| bar.to_string());
        let said = format!("{}: {} {}, limit {}, bar {promised}", row.what, row.found, row.unit, row.limit);
        let misses = row.bar.is_some_and(|bar| row.found > bar);
        let result = if row.found > row.limit || misses && row.bar.is_some_and(|bar| row.limit <= bar) {
            wrong.push(said);
            "OVER"
        } else if misses {
            missed.push(said);
            "BAR MISSED"
        } else {
            "ok"
        };
        table.row([row.what, &row.found.to_string(), &row.limit.to_string(), &promised, row.unit, result]);
    }
    println!("\n{table}");
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let within = format!("{} figures within their limits", rows.len());
    Ok(if missed.is_empty() {
        within
    } else {
        format!("{within}, {} BARS MISSED: {}", missed.len(), missed.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_the_tools() {
        let text =
            "x.elf  :\nsection   size   addr\n.text    25686  32768\n.rodata    192  61760\nTotal    9999\n";
        let sizes = section_sizes(text);
        assert_eq!((sizes.get(".text"), sizes.get(".rodata")), (Some(&25_686), Some(&192)));
        let text = "0000f198 00000ca8 R HB_SIZE_OF_NODE\n00008000 T hb_new\n";
        assert_eq!(symbol_size(text, "HB_SIZE_OF_NODE"), Some(3240));
        assert_eq!(symbol_size(text, "hb_new"), None);
    }

    #[test]
    fn one_figure_over_its_limit_fails_and_a_known_miss_of_a_bar_is_said() {
        let row = |found, limit, bar| Row { what: "flash", unit: "bytes", found, limit, bar };
        assert!(judge(&[row(10, 10, Some(10))]).is_ok());
        assert!(judge(&[row(11, 10, None)]).is_err());
        assert!(judge(&[row(11, 10, Some(10))]).is_err());
        assert!(judge(&[row(11, 12, Some(10))]).is_ok_and(|said| said.contains("1 BARS MISSED: flash: 11")));
        assert!(judge(&[row(13, 12, Some(10))]).is_err());
        assert!(judge(&[row(1, 1, None), row(2, 1, None)]).is_err_and(|e| e.contains("flash: 2 bytes")));
    }
}
