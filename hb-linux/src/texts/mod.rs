//! The texts that the binary carries: packed by `build.rs`, for they would be a tenth of it otherwise.
//!
//! Scripts come first in the pack: whoever wants one does not unpack the manual.

#[cfg(test)]
mod lacking;
mod model;
#[cfg(test)]
mod pare;

use crate::config::Crc32;
use model::Model;

const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/texts.bin"));
/// Length and CRC-32 of each.
const TEXTS: [(usize, u32); 14] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// In the order of the pack: as `FILES` in `build.rs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
#[allow(missing_docs)]
pub(crate) enum Text {
    ShellFunctions,
    IpAddr,
    Jdmail,
    Filesystem,
    MailTo,
    Delay,
    Systemd,
    InitScript,
    Unit,
    Logrotate,
    Completion,
    Differences,
    Configuration,
    Commands,
}

impl Text {
    /// The text.
    pub(crate) fn read(self) -> String {
        let before: usize = TEXTS.iter().take(self as usize).map(|(length, _)| length).sum();
        let length = TEXTS.get(self as usize).map_or(0, |(length, _)| *length);
        let mut all = unpack(PACKED, before + length);
        String::from_utf8(all.split_off(before.min(all.len()))).unwrap_or_default()
    }

    /// Are these its bytes? Nothing is unpacked for that.
    pub(crate) fn is(self, bytes: &[u8]) -> bool {
        let mut crc = Crc32::new();
        crc.update(bytes);
        TEXTS.get(self as usize) == Some(&(bytes.len(), crc.finish()))
    }
}

/// The first `length` bytes of the pack.
fn unpack(packed: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = packed.iter().copied();
    let mut next = || u32::from(bytes.next().unwrap_or(0));
    let mut model = Model::new();
    let (mut low, mut high) = (0_u32, u32::MAX);
    let mut at = (0..4).fold(0, |at, _| at << 8 | next());
    let mut text = Vec::with_capacity(length);
    while text.len() < length {
        let mut byte = 0_u8;
        for _ in 0..8 {
            let middle = low + ((high - low) >> 12) * model.foretell();
            let bit = at <= middle;
            if bit {
                high = middle;
            } else {
                low = middle + 1;
            }
            model.learn(bit);
            byte = byte << 1 | u8::from(bit);
            while low >> 24 == high >> 24 {
                low <<= 8;
                high = high << 8 | 255;
                at = at << 8 | next();
            }
        }
        text.push(byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        for (text, file) in [
            (Text::ShellFunctions, include_str!("../resources/shellfuncs")),
            (Text::IpAddr, include_str!("../resources/IPaddr")),
            (Text::Jdmail, include_str!("../resources/jdmail")),
            (Text::Filesystem, include_str!("../resources/Filesystem")),
            (Text::MailTo, include_str!("../resources/MailTo")),
            (Text::Delay, include_str!("../resources/Delay")),
            (Text::Systemd, include_str!("../resources/systemd")),
            (Text::InitScript, include_str!("../install/files/heartbeat.init")),
            (Text::Unit, include_str!("../install/files/heartbeat.service")),
            (Text::Logrotate, include_str!("../install/files/heartbeat.logrotate")),
            (Text::Completion, include_str!("../install/files/hbd.bash")),
            (Text::Differences, include_str!("../install/files/differences")),
            (Text::Configuration, include_str!("../../../docs/configuration.md")),
            (Text::Commands, include_str!("../../../docs/hbd.8.md")),
        ] {
            let file = match text {
                _ if text <= Text::Systemd => pare::pare(file),
                _ if (text >= Text::Configuration || text == Text::Completion)
                    && !cfg!(feature = "manual") =>
                {
                    String::new()
                }
                _ if text >= Text::Configuration => lacking::without(file, &lacking::COMMANDS),
                _ => file.to_owned(),
            };
            assert!(text.read() == file, "{text:?}");
            assert!(text.is(file.as_bytes()) && !text.is(&file.as_bytes()[1..]), "{text:?}");
        }
        let pared = pare::pare("#!/bin/sh\n# how\n\n# why\na # b\n\t# c\nd\n");
        assert_eq!(pared, "#!/bin/sh\n# how\n\na # b\nd\n");
        let page = "    hbd data list\n    hbd stop\n\n**sync** pulls,\nand **data** so.\n\n**stop** stops\ndata.\n| `data GROUP` | x |\n\
                    | `database` | y |\n";
        let left = "    hbd stop\n\n**stop** stops\ndata.\n| `database` | y |\n";
        assert_eq!(lacking::without(page, &[(&["sync", "data"], false), (&["stop"], true)]), left);
        let whole: usize = TEXTS.iter().map(|(length, _)| length).sum();
        assert!(PACKED.len() * 5 < whole * 2, "{} of {whole} bytes", PACKED.len());
    }
}
