//! The build script of every board: puts its memory's layout (`memory.x` in its folder) where the linker looks, and refuses a key
//! that the program could not use: it would be a relay that never fences, and say nothing.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x is beside the board's manifest");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo:rustc-link-arg=-Tdefmt.x");
    }
    println!("cargo:rerun-if-changed=memory.x");
    let [key, nodes] = ["HBD_BRIDGE_KEY", "HBD_BRIDGE_NODES"].map(|name| {
        println!("cargo:rerun-if-env-changed={name}");
        env::var(name).ok()
    });
    if let Err(wrong) = provisioned(key.as_deref(), nodes.as_deref()) {
        println!("cargo::error={wrong}");
    }
}

/// As `hb_serial_bridge::provision` reads them.
fn provisioned(key: Option<&str>, nodes: Option<&str>) -> Result<(), &'static str> {
    let (key, nodes) = match (key, nodes) {
        (None, None) => return Ok(()),
        (Some(key), Some(nodes)) => (key, nodes),
        _ => {
            return Err(
                "HBD_BRIDGE_KEY and HBD_BRIDGE_NODES go together; give both, or none for a relay alone",
            );
        }
    };
    let words: Vec<&str> = key.split_ascii_whitespace().collect();
    let index = words.first().and_then(|word| word.parse().ok()).is_some_and(|index: u8| index <= 15);
    let secret = match words[..] {
        [_, "sha1", secret] => secret.len() <= 64,
        [_, "crc"] => true,
        _ => false,
    };
    if !index || !secret {
        return Err("HBD_BRIDGE_KEY: one line of authkeys with sha1 or crc, as in 2 sha1 secret");
    }
    let nodes: Vec<&str> = nodes.split_ascii_whitespace().collect();
    match nodes[..] {
        [one, other] if one != other => Ok(()),
        _ => Err("HBD_BRIDGE_NODES: the two node names of ha.cf, as in ha-1 ha-2"),
    }
}
