//! `cargo xtask nopanic`: what ships of the core and the bridge links without the function that every panic calls. The
//! check proves itself: with an `unwrap` planted it must not link, and for no other reason.

use super::image::{BOARD, Machine, PANIC, SERVER};
use super::plant::{self, PLANTS};
use crate::paths;
use crate::table::Table;
use crate::test::Outcome;
use std::collections::BTreeSet;
use std::path::Path;

/// Every feature set that ships, and each hash alone: one hash's code may hide behind another's.
const BOARD_SETS: [&str; 10] = [
    "",
    "md5",
    "sha1",
    "sha256",
    "bridge",
    "data",
    "linux-ha",
    "twins",
    "key-trial",
    "md5,sha1,sha256,data,linux-ha,bridge",
];
const SERVER_SETS: [&str; 2] = ["", ALL];
const ALL: &str = "md5,sha1,sha256,large,data,ask,linux-ha,twins,key-trial,bridge";

/// Links every machine and feature set, then the planted copies.
pub fn check() -> Outcome {
    let root = paths::root();
    let mut table = Table::new(["machine", "features", "planted", "result"]);
    let (mut linked, mut caught, mut wrong) = (0, 0, Vec::new());
    let sets = BOARD_SETS.map(|set| (BOARD, set)).into_iter().chain(SERVER_SETS.map(|set| (SERVER, set)));
    for (machine, set) in sets {
        let verdict = judge(&machine, &root, set)?;
        let shown = if set.is_empty() { "crc" } else { set };
        table.row([machine.triple, shown, "", &verdict.to_string()]);
        match verdict {
            Verdict::Linked(_) => linked += 1,
            Verdict::Panics(callers) => wrong.push(format!("{} with {shown}: {callers}", machine.triple)),
        }
    }
    for plant in &PLANTS {
        let verdict = judge(&BOARD, &plant::copy(plant)?, ALL)?;
        table.row([BOARD.triple, ALL, plant.file, &verdict.to_string()]);
        match verdict {
            Verdict::Panics(_) => caught += 1,
            Verdict::Linked(_) => wrong.push(format!("{}: the planted unwrap was not found", plant.file)),
        }
    }
    println!("\n{table}");
    if wrong.is_empty() {
        Ok(format!("{linked} feature sets cannot panic; {caught} planted unwraps found"))
    } else {
        Err(wrong.join("\n"))
    }
}

/// What the link says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It holds no panic; so many functions were the roots.
    Linked(usize),
    /// It holds one, in these functions.
    Panics(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linked(roots) => write!(f, "links from {roots} functions"),
            Self::Panics(callers) => write!(f, "can panic: {callers}"),
        }
    }
}

fn judge(machine: &Machine, root: &Path, features: &str) -> Result<Verdict, String> {
    println!("-- {} with crc {features}", machine.triple);
    let library = machine.compile(root, features)?;
    let roots = machine.functions(&library)?;
    let out = paths::scratch("proof")?.join("nopanic.elf");
    let said = machine.link(&library, &roots, false, &out)?;
    if said.code == Some(0) {
        return Ok(Verdict::Linked(roots.len()));
    }
    let undefined = undefined(&said.stderr);
    if undefined.iter().ne([&PANIC]) {
        return Err(format!("{} does not link, and not for a panic:\n{}", library.display(), said.stderr));
    }
    machine.link(&library, &roots, true, &out)?;
    let code = machine.tool("objdump").args(["-d", "-C", "--no-show-raw-insn"]).args([&out]).output()?;
    Ok(Verdict::Panics(callers(&code.stdout).into_iter().collect::<Vec<_>>().join(", ")))
}

/// The names that the linker misses.
fn undefined(errors: &str) -> BTreeSet<&str> {
    errors
        .lines()
        .filter_map(|line| line.split_once("undefined reference to `")?.1.split('\'').next())
        .collect()
}

/// The functions that call a panic: whatever is called that exists to panic, from what does not.
fn callers(code: &str) -> BTreeSet<String> {
    let panics = |name: &str| {
        let parts = ["panic", "_fail", "begin_unwind"];
        (name.starts_with("core::") || name.contains("rust_")) && parts.iter().any(|part| name.contains(part))
    };
    let mut inside = "";
    let mut found = BTreeSet::new();
    for line in code.lines() {
        let named = |line: &'_ str| {
            line.split_once('<').map(|(_, name)| name.trim_end_matches([':', '>']).to_owned())
        };
        if line.ends_with(">:") {
            inside = line;
        } else if let (Some(function), Some(called)) = (named(inside), named(line))
            && panics(&called)
            && !panics(&function)
        {
            found.insert(function);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_missing_symbol_counts() {
        let said = "x.o: in function `f':\nx.c:(.text+0x4): undefined reference to `hb_this_can_panic'\n";
        assert!(undefined(said).iter().eq([&PANIC]));
        let said = format!("{said}x.c: undefined reference to `memcpy'\n");
        assert_eq!(undefined(&said).len(), 2);
        assert!(undefined("ld: cannot find -lc\n").is_empty());
    }

    #[test]
    fn callers_are_named_and_the_machinery_is_not() {
        let code = "00008000 <core::panicking::panic_fmt>:\n 8004: bl 8018 <rust_begin_unwind>\n\
                    00008100 <hb_core::node::Node::settle>:\n 8104: bl 8000 <core::panicking::panic_fmt>\n\
                    00008200 <hb_input>:\n 8204: bl 8100 <hb_core::node::Node::settle>\n";
        assert_eq!(callers(code).into_iter().collect::<Vec<_>>(), ["hb_core::node::Node::settle"]);
    }
}
