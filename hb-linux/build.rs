//! Packs the texts that the binary carries: one text behind the other, each bit as short as the model finds it likely.

#[path = "src/texts/lacking.rs"]
mod lacking;
#[path = "src/texts/model.rs"]
mod model;
#[path = "src/texts/pare.rs"]
mod pare;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// In the order of `texts::Text`; what the daemon needs comes first.
const FILES: [&str; 14] = [
    "src/resources/shellfuncs",
    "src/resources/IPaddr",
    "src/resources/jdmail",
    "src/resources/Filesystem",
    "src/resources/MailTo",
    "src/resources/Delay",
    "src/resources/systemd",
    "src/install/files/heartbeat.init",
    "src/install/files/heartbeat.service",
    "src/install/files/heartbeat.logrotate",
    "src/install/files/hbd.bash",
    "src/install/files/differences",
    "../docs/configuration.md",
    "../docs/hbd.8.md",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/texts/lacking.rs");
    println!("cargo::rerun-if-changed=src/texts/model.rs");
    println!("cargo::rerun-if-changed=src/texts/pare.rs");
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let text = if file.starts_with("src/resources/") {
            pare::pare(&text)
        } else if file.starts_with("../docs/") {
            if cfg!(feature = "manual") { lacking::without(&text, &lacking::COMMANDS) } else { String::new() }
        } else if file.ends_with("hbd.bash") && !cfg!(feature = "manual") {
            String::new()
        } else {
            text
        };
        let text = text.into_bytes();
        texts.push((text.len(), crc32(&text)));
        all.extend(text);
    }
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("texts.bin"), pack(&all))?;
    fs::write(out.join("texts.rs"), format!("{texts:?}"))?;
    Ok(())
}

/// CRC-32 (IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0xEDB8_8320))
    })
}

/// An arithmetic coder over the model's probabilities.
fn pack(text: &[u8]) -> Vec<u8> {
    let (mut model, mut out) = (model::Model::new(), Vec::new());
    let (mut low, mut high) = (0_u32, u32::MAX);
    for byte in text {
        for at in (0..8).rev() {
            let bit = byte >> at & 1 == 1;
            let middle = low + ((high - low) >> 12) * model.foretell();
            if bit {
                high = middle;
            } else {
                low = middle + 1;
            }
            model.learn(bit);
            while low >> 24 == high >> 24 {
                out.push((high >> 24).to_le_bytes()[0]);
                low <<= 8;
                high = high << 8 | 255;
            }
        }
    }
    // Whatever lies between the two ends of what is left names the text; its lower end always does.
    out.extend(low.to_be_bytes());
    out
}
