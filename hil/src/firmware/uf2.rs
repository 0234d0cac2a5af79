//! An image as the RP2040's boot ROM takes it from its drive: 512-byte blocks of 256 bytes of flash each (UF2).

/// Where the part's flash begins and what the boot ROM takes of it.
const FLASH: std::ops::Range<u32> = 0x1000_0000..0x1100_0000;
const FAMILY: u32 = 0xE48B_FF56;
const PAYLOAD: usize = 256;

/// The flash of a 32-bit little-endian ELF image from [`FLASH`] on, with zeros where it says nothing.
///
/// # Errors
/// It is no such image, or it has nothing in flash.
pub(super) fn flash_of(elf: &[u8]) -> Result<Vec<u8>, String> {
    let broken = || "the image is no 32-bit ELF file".to_owned();
    if elf.get(..6) != Some(b"\x7FELF\x01\x01") {
        return Err(broken());
    }
    let half = |at: usize| elf.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let word = |at: usize| elf.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (table, size, count) =
        (word(28).ok_or_else(broken)?, half(42).ok_or_else(broken)?, half(44).ok_or_else(broken)?);
    let mut flash = Vec::new();
    for n in 0..count {
        let at = table as usize + n * size;
        let field = |n: usize| word(at + 4 * n).ok_or_else(broken);
        // Kind, place in the file, address as loaded, bytes in the file.
        let (kind, from, to, len) = (field(0)?, field(1)? as usize, field(3)?, field(4)? as usize);
        if kind != 1 || len == 0 || !FLASH.contains(&to) {
            continue;
        }
        let start = (to - FLASH.start) as usize;
        let bytes = elf.get(from..from + len).ok_or_else(broken)?;
        flash.resize(flash.len().max(start + len), 0);
        flash[start..start + len].copy_from_slice(bytes);
    }
    if flash.is_empty() { Err("the image has nothing in flash".to_owned()) } else { Ok(flash) }
}

/// Packs what goes to the begin of the flash.
///
/// # Errors
/// It is larger than the flash can be.
pub(super) fn pack(flash: &[u8]) -> Result<Vec<u8>, String> {
    let blocks = flash.len().div_ceil(PAYLOAD);
    let too_large = || "the image is larger than any flash".to_owned();
    if blocks * PAYLOAD > FLASH.len() {
        return Err(too_large());
    }
    let total = u32::try_from(blocks).map_err(|_| too_large())?;
    let mut out = Vec::with_capacity(blocks * 512);
    for (n, piece) in (0..total).zip(flash.chunks(PAYLOAD)) {
        let address = FLASH.start + n * PAYLOAD as u32;
        let head = [0x0A32_4655, 0x9E5D_5157, 0x2000, address, PAYLOAD as u32, n, total, FAMILY]
            .map(u32::to_le_bytes);
        let mut block = head.concat();
        block.extend(piece);
        block.resize(508, 0);
        block.extend(0x0AB1_6F30_u32.to_le_bytes());
        out.extend(block);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flash_becomes_blocks_that_say_where_they_go() {
        let packed = pack(&[7; 300]).expect("it fits");
        assert_eq!(packed.len(), 1024);
        assert_eq!(&packed[..8], b"UF2\nWQ]\x9e");
        assert_eq!(packed[512 + 12..512 + 16], 0x1000_0100_u32.to_le_bytes());
        assert_eq!(packed[512 + 20..512 + 28], [1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!((packed[512 + 32 + 43], packed[512 + 32 + 44]), (7, 0));
    }

    #[test]
    fn an_image_is_read_by_its_program_headers() {
        let mut elf = vec![0; 84 + 4];
        elf[..6].copy_from_slice(b"\x7FELF\x01\x01");
        elf[28] = 52;
        (elf[42], elf[44]) = (32, 1);
        for (n, value) in [(0, 1_u32), (1, 84), (3, 0x1000_0002), (4, 4)] {
            elf[52 + 4 * n..56 + 4 * n].copy_from_slice(&value.to_le_bytes());
        }
        elf[84..].copy_from_slice(b"code");
        assert_eq!(flash_of(&elf), Ok(b"\0\0code".to_vec()));
        assert!(flash_of(b"text").is_err() && flash_of(&elf[..60]).is_err());
    }
}
