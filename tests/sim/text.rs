//! Text of Linux-HA Heartbeat, signed with the keys of a node.

use hb_core::auth::Keyring;
use hb_core::auth::text::Digest;
use hb_core::frame::foreign::Text;
use std::fmt::Write as _;

/// A classic message with these fields (`name=value`, with a blank between) and the digest of the key that signs; with a
/// zero byte behind it, as in a datagram. Of a key whose method Heartbeat does not have, the digest is empty.
#[must_use]
pub fn text(keys: &Keyring, fields: &str) -> Vec<u8> {
    let lines = fields.replace(' ', "\n");
    let index = keys.signer();
    let blank = format!(">>>\n{lines}\nauth={index} \n<<<\n");
    let digest = keys.get(index).and_then(|key| Digest::of(&Text::parse(blank.as_bytes()), key));
    let mut digits = String::new();
    for byte in digest.iter().flat_map(|digest| digest.bytes()) {
        let _ = write!(digits, "{byte:02x}");
    }
    // Of a checksum no leading zeros are printed.
    let shown = if digits.len() == 8 { digits.trim_start_matches('0') } else { &digits };
    format!(">>>\n{lines}\nauth={index} {shown}\n<<<\n\0").into_bytes()
}

/// A heartbeat of `node`, of that start of its daemon and that number; `more` may be `dt=...` or the like.
#[must_use]
pub fn beat(keys: &Keyring, node: &str, generation: u32, seq: u32, more: &str) -> Vec<u8> {
    let fields =
        format!("t=status st=active {more} src={node} seq={seq:x} hg={generation:x} ts=3f7a1b2c ttl=3");
    text(keys, &fields.replace("  ", " "))
}
