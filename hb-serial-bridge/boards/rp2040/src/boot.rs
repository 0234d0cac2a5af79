//! What the boot ROM loads before the program: it sets the flash chip up to be run from.

/// The second stage of the boot ROM, for the usual flash chips.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_GENERIC_03H;
