//! What a board's image takes: flash and static RAM, by its sections.

use super::mcu::Mcu;
use crate::proc::Cmd;
use std::path::Path;

/// Bytes that the stack gets, by the linker's scripts.
pub(super) const STACK: u64 = 2176;

/// Sections that are in flash, and in RAM. `.data` is in both.
const IN_FLASH: [&str; 6] = [".boot2", ".vector_table", ".text", ".rodata", ".data", ".gnu.sgstubs"];
const IN_RAM: [&str; 3] = [".data", ".bss", ".uninit"];

/// Bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sizes {
    pub(super) flash: u64,
    pub(super) ram: u64,
}

/// Weighs an image.
///
/// # Errors
/// binutils are missing, or the image has no code.
pub(super) fn sizes(image: &Path) -> Result<Sizes, String> {
    let said = Cmd::new("arm-none-eabi-size").args(["-A"]).args([image]).output()?;
    read(&said.stdout).ok_or_else(|| format!("{}: holds no code: nothing was weighed", image.display()))
}

/// Where the stack ends, below everything else.
const BOTTOM: u32 = 0x2000_0000;
/// What it was painted with at the start (cortex-m-rt, feature `paint-stack`).
const PAINT: [u8; 4] = 0xCCCC_CCCC_u32.to_le_bytes();

/// Bytes of the stack that the running board has used since its start.
///
/// # Errors
/// All of it, or it cannot be read.
pub(super) fn stack(image: &Path, mcu: &mut Mcu) -> Result<u64, String> {
    let room = mcu.memory(BOTTOM, STACK as u32, &image.with_extension("stack")).map_err(|e| e.to_string())?;
    let free = room.as_chunks::<4>().0.iter().take_while(|word| **word == PAINT).count() as u64 * 4;
    if free == 0 { Err(format!("the stack took all of its {STACK} bytes")) } else { Ok(STACK - free) }
}

fn read(text: &str) -> Option<Sizes> {
    let sections: Vec<(&str, u64)> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.parse().ok()?))
        })
        .collect();
    let sum = |of: &[&str]| {
        sections.iter().filter(|(name, _)| of.contains(name)).map(|(_, size)| size).sum::<u64>()
    };
    let sizes = Sizes { flash: sum(&IN_FLASH), ram: sum(&IN_RAM) };
    (sum(&[".text"]) > 1000).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_summed_where_they_are() {
        let text = "image  :\nsection  size  addr\n.vector_table 1024 0\n.text 5188 1024\n.rodata 48 6212\n\
                    .data 8 536870912\n.bss 3884 536870920\n.debug_str 99999 0\nTotal 110151\n";
        assert_eq!(read(text), Some(Sizes { flash: 1024 + 5188 + 48 + 8, ram: 3892 }));
        assert_eq!(read("section size addr\n.text 0 0\n"), None);
    }
}
