use super::*;
use crate::auth::Key;
use crate::frame::foreign::Collector;
use std::format;
use std::string::String;
use std::vec::Vec;

const CAPTURED: &str = include_str!("../../tests/heartbeat/captured.txt");
/// A heartbeat of Heartbeat 1.0.
const BODY: &str =
    "t=status\nst=active\nsrc=nodea\nseq=1a2b\nhg=1a\nts=3f7a1b2c\nld=0.00 0.01 0.05 1/92 12345\nttl=3\n";

fn ring(keys: &[(u8, Method, &str)]) -> Keyring {
    let keys: Vec<_> = keys
        .iter()
        .filter(|(_, method, _)| method.is_built())
        .map(|(index, method, secret)| (*index, Key::new(*method, secret.as_bytes()).unwrap()))
        .collect();
    Keyring::new(&keys, keys[0].0).unwrap()
}

fn captured(method: &str) -> Keyring {
    let (method, secret) = match method {
        "crc" => (Method::Crc, ""),
        "md5" => (Method::Md5, "Interop-Key-For-MD5"),
        _ => (Method::Sha1, "Interop-Key-For-SHA1"),
    };
    ring(&[(1, method, secret), (9, Method::Crc, "")])
}

fn built(method: &str) -> bool {
    match method {
        "md5" => Method::Md5.is_built(),
        "sha1" => Method::Sha1.is_built(),
        _ => true,
    }
}

#[test]
fn every_captured_message_verifies_and_none_with_a_bit_changed() {
    let (mut count, mut kinds) = (0, Vec::new());
    for line in CAPTURED.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        let [method, form, kind, sender, hex] = words[..] else { panic!("{line}") };
        if !built(method) {
            continue;
        }
        let mut bytes: Vec<u8> =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        let keys = captured(method);
        let text = Text::parse(&bytes);
        assert!(text.whole, "{line}");
        assert_eq!((text.source, text.kind), (sender.as_bytes(), kind.as_bytes()));
        assert_eq!(text.seq.is_none(), kind.starts_with("NS_"), "{line}");
        assert!(text.generation.is_some(), "{line}");
        let expected = keys.get(1).map(|key| key.method);
        assert_eq!(verify(&text, &keys), expected, "{line}");
        // As it comes on a stream.
        let mut collector = Collector::new();
        collector.take(&bytes);
        assert_eq!(
            collector.message().map(|bytes| verify(&Text::parse(bytes), &keys)),
            Some(expected),
            "{line}"
        );
        // Behind its last byte only, and inside the other digest, nothing is covered.
        let covered = bytes.len() - if form == "classic" { 4 } else { 0 };
        for at in 0..covered {
            bytes[at] ^= 2;
            let inner =
                form == "classic" && !bytes[at].is_ascii() || verify(&Text::parse(&bytes), &keys).is_none();
            assert!(inner, "{line}: byte {at}");
            bytes[at] ^= 2;
        }
        count += 1;
        kinds.push((form.to_owned(), kind.to_owned()));
    }
    kinds.sort();
    kinds.dedup();
    if built("md5") && built("sha1") {
        assert_eq!((count, kinds.len()), (39, 30), "each type in each form, each method in each");
    }
}

fn classic(auth: &str) -> String {
    format!(">>>\n{BODY}auth={auth}\n<<<\n")
}

#[test]
fn the_vectors_of_heartbeat_1_verify() {
    let keys = ring(&[(1, Method::Crc, ""), (2, Method::Md5, "Hello!"), (3, Method::Sha1, "HI!")]);
    let verify = |auth: &str| verify(&Text::parse(classic(auth).as_bytes()), &keys);
    assert_eq!(verify("1 1adb2328"), Some(Method::Crc));
    let md5 = Method::Md5.is_built().then_some(Method::Md5);
    assert_eq!(verify("2 48ceddaa48d66467cceced28b25a88e0"), md5);
    let sha1 = Method::Sha1.is_built().then_some(Method::Sha1);
    assert_eq!(verify("3 a1189d79868ac7ca54cce1042b11ae34f468e352"), sha1);
    for wrong in [
        "1 1adb2329",
        "1 11adb2328",
        "1 ",
        "4 1adb2328",
        "2 1adb2328",
        "2 48ceddaa48d66467cceced28b25a88e",
        "2 48ceddaa48d66467cceced28b25a88e00",
        "2 48ceddaa48d66467cceced28b25a88e0a1",
        "3 a1189d79868ac7ca54cce1042b11ae34f468e35g",
        "3 ",
    ] {
        assert_eq!(verify(wrong), None, "{wrong}");
    }
}

#[test]
fn a_digest_of_cksum_has_no_leading_zeros() {
    let keys = ring(&[(1, Method::Crc, "")]);
    let mut short = 0;
    for n in 0..600 {
        let body = format!("t=status\nseq={n:x}\n");
        let mut sum = CKSUM.digest();
        sum.update(body.as_bytes());
        let digest = format!("{:x}", sum.finalize());
        short += usize::from(digest.len() < 8);
        let text = format!(">>>\n{body}auth=1 {digest}\n<<<\n");
        assert_eq!(verify(&Text::parse(text.as_bytes()), &keys), Some(Method::Crc), "{digest}");
    }
    assert!(short > 10);
}
