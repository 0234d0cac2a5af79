//! Any bytes as text of Linux-HA Heartbeat: taken apart, collected from a stream in pieces of any size, and signed.
#![no_main]

use hb_core::auth::text::{Digest, verify};
use hb_core::auth::{Key, Keyring, Method};
use hb_core::frame::foreign::{Collector, MAX_TEXT, Text, is_text};
use libfuzzer_sys::fuzz_target;

fn collected(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut collector = Collector::new();
    let mut all = Vec::new();
    for mut rest in bytes.chunks(piece) {
        while !rest.is_empty() {
            let before = rest.len();
            rest = collector.take(rest);
            assert!(rest.len() < before, "nothing was taken");
            all.extend(collector.message().map(<[u8]>::to_vec));
        }
    }
    all
}

fn signed(text: &Text<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    text.each_signed(&mut |part| all.extend_from_slice(part));
    all
}

fuzz_target!(|bytes: &[u8]| {
    let key = |method, secret: &[u8]| Key::new(method, secret).expect("a good key");
    let keys = [(1, key(Method::Crc, b"")), (2, key(Method::Md5, b"Hello!")), (3, key(Method::Sha1, b"HI!"))];
    let keys = Keyring::new(&keys, 1).expect("a good ring");
    let text = Text::parse(bytes);
    let method = verify(&text, &keys);
    assert!(method.is_none() || text.whole && is_text(bytes));
    if let Some(method) = method {
        // What is covered is covered to the last bit.
        let digest = |text: &Text<'_>| Digest::of(text, keys.get(text.auth()?.0)?);
        assert!(method != Method::Sha256 && digest(&text).is_some());
    }
    // The pieces do not matter, nor what stood in front, as long as a line ends.
    let messages = collected(bytes, 1);
    assert_eq!(messages, collected(bytes, 7));
    assert_eq!(messages, collected(bytes, bytes.len().max(1)));
    for message in &messages {
        assert!(is_text(message) && message.len() <= MAX_TEXT);
        let again = [b"\n", &message[..]].concat();
        assert_eq!(collected(&again, 5).first(), Some(message));
        if message.starts_with(b">>>") {
            assert!(message.is_ascii() && !message.contains(&0));
        }
        let taken = Text::parse(message);
        assert_eq!(signed(&taken), signed(&Text::parse(&[&message[..], b"\0"].concat())));
    }
});
