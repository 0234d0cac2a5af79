//! The auxiliary vector that a new program finds above its stack pointer, with what a 2.4 kernel puts there and no more:
//! no vDSO (`AT_SYSINFO_EHDR`, `AT_SYSINFO`), whose clock no filter would ever see, no `AT_RANDOM`, no `AT_SECURE`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const AT_NULL: u32 = 0;
const AT_IGNORE: u32 = 1;
/// `AT_SYSINFO` and `AT_SYSINFO_EHDR`.
pub const VDSO: [u32; 2] = [32, 33];

/// Is this entry one of 2.4's? Program headers, page size, entry, identity, HWCAP, CLKTCK, platform.
#[must_use]
pub const fn old(kind: u32) -> bool {
    matches!(kind, 3..=9 | 11..=17)
}

/// Hide the newer entries of a 32-bit program whose stack pointer is `stack`. Says how many were hidden, and whether the
/// vDSO was among them.
///
/// # Errors
/// The memory cannot be read or written, or has no such vector.
pub fn hide(memory: &File, stack: u32) -> io::Result<(u32, bool)> {
    let argc = word(memory, stack)?;
    // Number, arguments, zero; environment, zero.
    let mut at = next(stack, argc.checked_add(2).ok_or_else(strange)?)?;
    for _ in 0..65_536 {
        let entry = word(memory, at)?;
        at = next(at, 1)?;
        if entry == 0 {
            return hide_vector(memory, at);
        }
    }
    Err(strange())
}

fn hide_vector(memory: &File, mut at: u32) -> io::Result<(u32, bool)> {
    let (mut hidden, mut vdso) = (0, false);
    for _ in 0..64 {
        let kind = word(memory, at)?;
        if kind == AT_NULL {
            return Ok((hidden, vdso));
        }
        if !old(kind) {
            memory.write_all_at(&AT_IGNORE.to_le_bytes(), u64::from(at))?;
            hidden += 1;
            vdso |= VDSO.contains(&kind);
        }
        at = next(at, 2)?;
    }
    Err(strange())
}

/// One 32-bit word of a program's memory.
///
/// # Errors
/// Nothing is there.
pub fn word(memory: &File, at: u32) -> io::Result<u32> {
    let mut bytes = [0; 4];
    memory.read_exact_at(&mut bytes, u64::from(at))?;
    Ok(u32::from_le_bytes(bytes))
}

/// The address of a word further on.
fn next(at: u32, words: u32) -> io::Result<u32> {
    words.checked_mul(4).and_then(|bytes| at.checked_add(bytes)).ok_or_else(strange)
}

fn strange() -> io::Error {
    io::Error::other("no auxiliary vector above the stack pointer")
}
