//! The scan for instructions that a Pentium lacks proves itself: each kind is planted into the shipped binary and must be
//! found there; and the emulated Pentium must trap on the same bytes.

use super::{Context, probe};
use crate::dist::{isa, toolchain::set_mode};
use crate::proc::Cmd;
use std::fs;

/// Name as the scan prints it, code, whether the emulated Pentium traps on it (QEMU's has MMX, and takes hints for
/// nothing). In 32-bit code there is no `cmpxchg16b`; `cmpxchg8b` is the i586's own.
const PLANTS: &[(&str, &[u8], bool)] = &[
    ("cmove", &[0x0f, 0x44, 0xc1], true),
    ("fcmovb", &[0xda, 0xc1], true),
    ("fcomi", &[0xdb, 0xf1], true),
    ("paddb", &[0x0f, 0xfc, 0xc0], false),
    ("movss", &[0xf3, 0x0f, 0x10, 0xc1], true),
    ("pxor", &[0x66, 0x0f, 0xef, 0xc0], true),
    ("sfence", &[0x0f, 0xae, 0xf8], true),
    ("popcnt", &[0xf3, 0x0f, 0xb8, 0xc1], true),
    ("prefetcht0", &[0x0f, 0x18, 0x0c, 0x24], false),
    ("nopl", &[0x0f, 0x1f, 0x00], false),
    ("endbr32", &[0xf3, 0x0f, 0x1e, 0xfb], false),
    ("sysenter", &[0x0f, 0x34], false),
];

/// The one-byte `nop` of the i386, which nobody may object to.
const NOP: u8 = 0x90;

/// Plants each, scans, and runs.
///
/// # Errors
/// A plant that is not found or does not trap, or a finding where nothing is planted.
pub(super) fn run(context: &Context, pentium: &[String]) -> Result<String, String> {
    let dir = context.folder("plant")?;
    let clean = fs::read(&context.hbd).map_err(|e| format!("{}: {e}", context.hbd.display()))?;
    let read = isa::check(&context.hbd)?;
    let room = PLANTS.iter().map(|(_, code, _)| code.len()).sum();
    let (address, length) = place(&isa::disassemble(&context.hbd)?, word(&clean, 24)?, room)?;
    let offset = file_offset(&clean, address)?;
    let planted = dir.join("hbd");
    let scan = |code: &[u8]| {
        let mut file = clean.clone();
        let site = file.get_mut(offset..offset + length).ok_or("the place is outside the file")?;
        site.fill(NOP);
        site[..code.len()].copy_from_slice(code);
        fs::write(&planted, &file).map_err(|e| format!("{}: {e}", planted.display()))?;
        Ok::<_, String>(isa::check(&planted))
    };
    scan(&[])?.map_err(|e| format!("plain nops are refused: {e}"))?;
    let all: Vec<u8> = PLANTS.iter().flat_map(|(_, code, _)| *code).copied().collect();
    let found = scan(&all)?.err().ok_or("nothing of what was planted is found")?;
    // Each of them, and nothing else.
    if !found.starts_with(&format!("{} of ", PLANTS.len())) {
        return Err(format!("{} kinds planted at {address:#x}: {found}", PLANTS.len()));
    }
    if let Some((name, ..)) = PLANTS.iter().find(|(name, ..)| !found.contains(&format!("\t{name}"))) {
        return Err(format!("{name} planted behind {address:#x} is not among: {found}"));
    }
    let mut traps = 0;
    for (name, code, _) in PLANTS.iter().filter(|(.., trap)| *trap) {
        // Bare, it runs to its end, or the trap would prove nothing.
        let (bare, emulated) = (ends(&dir, &[], code)?, ends(&dir, pentium, code)?);
        if bare != Some(0) || emulated.is_some() {
            return Err(format!("{name}: the host ended it with {bare:?}, the Pentium with {emulated:?}"));
        }
        traps += 1;
    }
    if ends(&dir, pentium, &[NOP])? != Some(0) {
        return Err("the emulated Pentium does not even run a nop".to_owned());
    }
    Ok(format!("{read}; {} planted kinds found, {traps} trap on the Pentium", PLANTS.len()))
}

/// The exit code of a program that is `code` and an exit; `None` for a signal.
fn ends(dir: &std::path::Path, launcher: &[String], code: &[u8]) -> Result<Option<i32>, String> {
    let path = dir.join("instruction");
    fs::write(&path, probe::instruction(code)).map_err(|e| format!("{}: {e}", path.display()))?;
    set_mode(&path, 0o755)?;
    let cmd = match launcher {
        [] => Cmd::new(&path),
        [first, rest @ ..] => Cmd::new(first).args(rest).args([&path]),
    };
    Ok(cmd.output()?.code)
}

/// The first stretch of whole instructions from the entry on with room for a plant: address and length.
fn place(disassembly: &str, entry: u32, room: usize) -> Result<(u32, usize), String> {
    let addresses = disassembly.lines().filter_map(|line| {
        let (address, _) = line.split_once(":\t")?;
        u32::from_str_radix(address.trim(), 16).ok()
    });
    let mut behind = addresses.skip_while(|address| *address != entry);
    behind.next().ok_or("no instruction at the entry")?;
    let mut lengths = behind.map(|address| address.wrapping_sub(entry) as usize);
    lengths.find(|length| *length >= room).map(|length| (entry, length)).ok_or_else(|| "no room".to_owned())
}

/// Where in the file an address is loaded from.
fn file_offset(file: &[u8], address: u32) -> Result<usize, String> {
    let word = |at: usize| {
        file.get(at..at + 4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .ok_or("the file ends early")
    };
    let (table, count) = (word(28)? as usize, word(44)? & 0xffff);
    for n in 0..count as usize {
        let head = table + 32 * n;
        let (kind, offset, at, size) = (word(head)?, word(head + 4)?, word(head + 8)?, word(head + 16)?);
        if kind == 1 && (at..at.wrapping_add(size)).contains(&address) {
            return Ok((address - at + offset) as usize);
        }
    }
    Err(format!("no segment holds {address:#x}"))
}

fn word(file: &[u8], at: usize) -> Result<u32, String> {
    let bytes = file.get(at..at + 4).ok_or("the file ends early")?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_ends_where_an_instruction_does() {
        let text = " 8048100:\tpush %ebp\n 8048101:\tmov %esp,%ebp\n 8048103:\tsub $8,%esp\n 8048106:\tret\n";
        assert_eq!(place(text, 0x804_8100, 4), Ok((0x804_8100, 6)));
        assert_eq!(place(text, 0x804_8101, 2), Ok((0x804_8101, 2)));
        assert!(place(text, 0x804_8100, 9).is_err() && place(text, 0x804_8102, 1).is_err());
    }
}
