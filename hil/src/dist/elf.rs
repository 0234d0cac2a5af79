//! Reads the ELF head of the binary: a 32-bit i386 program that needs no loader and no library.

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const ET_EXEC: u16 = 2;
const EM_386: u16 = 3;

/// Checks a whole file's bytes.
///
/// # Errors
/// The first thing that would keep it from running alone on an i386 Linux 2.4.
pub fn check(file: &[u8]) -> Result<String, String> {
    if file.get(..4) != Some(b"\x7fELF") {
        return Err("not an ELF file".to_owned());
    }
    if file.get(4..6) != Some(&[1, 1]) {
        return Err("not a 32-bit little-endian ELF file".to_owned());
    }
    let (kind, machine) = (half(file, 16)?, half(file, 18)?);
    if machine != EM_386 {
        return Err(format!("machine {machine}, wanted 3 (Intel 80386)"));
    }
    if kind != ET_EXEC {
        return Err(format!("type {kind}, wanted 2 (EXEC): a 2.4 kernel loads no static PIE"));
    }
    let (table, entry, count) = (word(file, 28)? as usize, usize::from(half(file, 42)?), half(file, 44)?);
    let mut loads = 0;
    for n in 0..usize::from(count) {
        match word(file, table + n * entry)? {
            PT_INTERP => return Err("PT_INTERP: it asks for a dynamic loader".to_owned()),
            PT_DYNAMIC => return Err("PT_DYNAMIC: it is linked against shared libraries".to_owned()),
            PT_LOAD => loads += 1,
            _ => {}
        }
    }
    if loads == 0 {
        Err("no PT_LOAD: nothing to run".to_owned())
    } else {
        Ok(format!("EXEC, {loads} segments"))
    }
}

fn half(file: &[u8], at: usize) -> Result<u16, String> {
    let bytes = file.get(at..at + 2).ok_or("the file ends inside its head")?;
    Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn word(file: &[u8], at: usize) -> Result<u32, String> {
    Ok(u32::from(half(file, at)?) | u32::from(half(file, at + 2)?) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with the given type and machine and one program header for each kind.
    fn elf(kind: u16, machine: u16, headers: &[u32]) -> Vec<u8> {
        let mut f = vec![0; 52];
        f[..6].copy_from_slice(b"\x7fELF\x01\x01");
        f[16..18].copy_from_slice(&kind.to_le_bytes());
        f[18..20].copy_from_slice(&machine.to_le_bytes());
        f[28..32].copy_from_slice(&52u32.to_le_bytes());
        f[42..44].copy_from_slice(&32u16.to_le_bytes());
        f[44..46].copy_from_slice(&(headers.len() as u16).to_le_bytes());
        for header in headers {
            f.extend(header.to_le_bytes());
            f.extend([0; 28]);
        }
        f
    }

    #[test]
    fn a_static_i386_program_passes() {
        assert_eq!(check(&elf(2, 3, &[1, 1, 7])), Ok("EXEC, 2 segments".to_owned()));
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |file: &[u8], word: &str| assert!(check(file).is_err_and(|e| e.contains(word)), "{word}");
        fault(&elf(2, 3, &[1, 3]), "PT_INTERP");
        fault(&elf(2, 3, &[1, 2]), "PT_DYNAMIC");
        fault(&elf(3, 3, &[1]), "PIE");
        fault(&elf(2, 62, &[1]), "machine 62");
        fault(&elf(2, 3, &[]), "PT_LOAD");
        fault(b"#!/bin/sh\n", "not an ELF");
        let mut wide = elf(2, 3, &[1]);
        wide[4] = 2;
        fault(&wide, "32-bit");
        fault(&elf(2, 3, &[1, 1])[..83], "ends");
    }

    #[test]
    fn the_test_program_itself_is_refused() {
        let own = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
        assert!(check(&own).is_err());
    }
}
