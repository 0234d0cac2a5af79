//! A program of 120 bytes that makes raw system calls, and nothing else: an i386 ELF file, written here byte by byte, so
//! that no library stands between the gate and the question.

use crate::dist::toolchain::set_mode;
use crate::proc::Cmd;
use std::fs;
use std::path::{Path, PathBuf};

/// One raw call: its number and up to six arguments.
pub(super) type Call = [u32; 7];

/// Where the file is loaded.
const BASE: u32 = 0x0804_8000;
/// The ELF head and one program header.
const HEADS: usize = 52 + 32;
/// Bytes of the initial stack that the program writes out first.
const STACK: usize = 256;
/// Where data begins that arguments may point to.
pub(super) const DATA: u32 = BASE + 0x1000;

/// What a probe told.
#[derive(Debug)]
pub(super) struct Told {
    /// The answer of each call; errors are negative.
    pub(super) answers: Vec<i32>,
    /// The words on the stack at the start: argument count, arguments, environment, auxiliary vector, texts.
    pub(super) stack: Vec<u32>,
}

/// The raw program that makes `calls`, with `data` at [`DATA`].
#[must_use]
pub(super) fn program(calls: &[Call], data: &[u32]) -> Vec<u8> {
    let table: Vec<u32> = calls.iter().flatten().copied().chain([u32::MAX]).collect();
    let length = u32::try_from(4 * table.len()).unwrap_or(0);
    // The table comes after the data, which have a page.
    let at = DATA + 0x1000;
    let mut code = vec![0x89, 0xe1]; // mov ecx, esp
    write_out(&mut code, STACK as u32);
    code.push(0xbf); // mov edi, table
    code.extend(at.to_le_bytes());
    let start = code.len();
    code.extend([0x57, 0x8b, 0x07, 0x83, 0xf8, 0xff]); // push edi; mov eax, [edi]; cmp eax, -1
    let leave = code.len();
    code.extend([0x74, 0]); // je end
    code.extend([0x8b, 0x5f, 0x04, 0x8b, 0x4f, 0x08, 0x8b, 0x57, 0x0c]); // mov ebx, ecx, edx
    code.extend([0x8b, 0x77, 0x10, 0x8b, 0x6f, 0x18, 0x8b, 0x7f, 0x14]); // mov esi, ebp, edi
    code.extend([0xcd, 0x80, 0x5f, 0x89, 0x07, 0x83, 0xc7, 0x1c]); // int 0x80; pop edi; mov [edi], eax; add edi, 28
    code.extend([0xeb, (start as i32 - code.len() as i32 - 2) as u8]); // jmp start
    code[leave + 1] = (code.len() - leave - 2) as u8;
    code.push(0xb9); // mov ecx, table
    code.extend(at.to_le_bytes());
    write_out(&mut code, length);
    code.extend([0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80]); // exit(0)
    elf(&code, data, &table)
}

/// A program that is `code` and then ends with 0.
#[must_use]
pub(super) fn instruction(code: &[u8]) -> Vec<u8> {
    let mut all = code.to_vec();
    all.extend([0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80]); // exit(0)
    elf(&all, &[], &[])
}

/// `write(1, ecx, length)`.
fn write_out(code: &mut Vec<u8>, length: u32) {
    code.extend([0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xba]);
    code.extend(length.to_le_bytes());
    code.extend([0xcd, 0x80]);
}

fn elf(code: &[u8], data: &[u32], table: &[u32]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let size = u32::try_from(0x2000 + 4 * table.len()).unwrap_or(0);
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    // Version, entry, program headers, section headers, flags.
    file.extend(words(&[1, BASE + HEADS as u32, 52, 0, 0]));
    // Sizes of the heads, one program header, no section.
    file.extend([52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // PT_LOAD, read, write and execute.
    file.extend(words(&[1, 0, BASE, BASE, size, size, 7, 0x1000]));
    file.extend(code);
    file.resize(0x1000, 0);
    file.extend(words(data));
    file.resize(0x2000, 0);
    file.extend(words(table));
    file
}

/// Writes the program into `dir` and runs it behind `launcher` (nothing: on the bare host).
///
/// # Errors
/// It does not run to its end.
pub(super) fn run(dir: &Path, launcher: &[String], calls: &[Call], data: &[u32]) -> Result<Told, String> {
    let path: PathBuf = dir.join("probe");
    fs::write(&path, program(calls, data)).map_err(|e| format!("{}: {e}", path.display()))?;
    set_mode(&path, 0o755)?;
    let first = launcher.first().map_or_else(|| path.clone(), PathBuf::from);
    let mut cmd = Cmd::new(first);
    if !launcher.is_empty() {
        cmd = cmd.args(&launcher[1..]).args([&path]);
    }
    let (code, out, err) = cmd.output_bytes()?;
    if code != Some(0) {
        return Err(format!("the probe ended with {code:?}: {}", err.trim()));
    }
    let words: Vec<u32> = out.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
    if words.len() != STACK / 4 + 7 * calls.len() + 1 {
        return Err(format!("the probe told {} words", words.len()));
    }
    let (stack, answers) = words.split_at(STACK / 4);
    Ok(Told {
        answers: answers.chunks_exact(7).map(|call| call[0].cast_signed()).collect(),
        stack: stack.to_vec(),
    })
}

impl Told {
    /// The kinds of the auxiliary vector's entries.
    #[must_use]
    pub(super) fn auxv(&self) -> Vec<u32> {
        let argc = self.stack.first().copied().unwrap_or(0) as usize;
        let environment = self.stack.iter().skip(argc + 2);
        let vector = environment.skip_while(|word| **word != 0).skip(1).step_by(2);
        vector.take_while(|kind| **kind != 0).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_a_static_i386_program() {
        let file = program(&[[20, 0, 0, 0, 0, 0, 0]], &[]);
        assert!(crate::dist::elf::check(&file).is_ok(), "{:?}", crate::dist::elf::check(&file));
    }

    #[test]
    fn the_vector_is_found_behind_arguments_and_environment() {
        let told = Told { answers: vec![], stack: vec![1, 77, 0, 88, 89, 0, 32, 1, 33, 2, 6, 4096, 0, 0] };
        assert_eq!(told.auxv(), [32, 33, 6]);
    }
}
