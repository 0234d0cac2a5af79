//! The authenticated path: any bytes behind a wrong tag, any body behind a right one, any message there and back.
#![no_main]

use arbitrary::Arbitrary;
use hb_core::auth::{self, Authenticated, Key, Keyring, Method, Room};
use hb_core::message::wire::{self, MAX_DATAGRAM};
use hb_core::{BadFrame, Incarnation};
use hb_fuzz::messages::{AnyMessage, side};
use libfuzzer_sys::fuzz_target;

const CLUSTER: u16 = 0xC5A3;

#[derive(Arbitrary, Debug)]
enum Case {
    /// Bytes of anybody.
    Raw { bytes: Vec<u8>, odd: bool, met: Option<(u32, u32)> },
    /// A body of anything with a right tag of the method that needs no secret.
    Tagged { long: bool, stamped: bool, odd: bool, counter: u32, nonce: u32, body: Vec<u8> },
    /// A message that the wire can say, with any method, and one byte of it changed.
    Sealed { message: AnyMessage, method: u8, at: u16, flip: u8 },
}

fn keys(signer: u8) -> Keyring {
    let key = |method, secret: &[u8]| Key::new(method, secret).expect("a good key");
    let keys = [
        (0, key(Method::Crc, b"")),
        (1, key(Method::Md5, b"one")),
        (2, key(Method::Sha1, b"two")),
        (3, key(Method::Sha256, b"three")),
    ];
    Keyring::new(&keys, signer).expect("a good ring")
}

fuzz_target!(|case: Case| match case {
    Case::Raw { bytes, odd, met } => {
        let met = met.map(|(counter, nonce)| Incarnation { counter, nonce });
        let mut room = Room::new();
        let _ = auth::open_in(&mut room, &bytes, side(odd), CLUSTER, &keys(0), met);
    }
    Case::Tagged { long, stamped, odd, counter, nonce, body } =>
        tagged([long, stamped, odd], Incarnation { counter, nonce }, &body),
    Case::Sealed { message, method, at, flip } => sealed(&message, method % 4, at, flip),
});

/// What is taken seals to the same bytes: nothing can be said in two ways.
fn tagged([long, stamped, odd]: [bool; 3], met: Incarnation, body: &[u8]) {
    let [low, high] = CLUSTER.to_le_bytes();
    let mut bytes =
        vec![wire::VERSION << 4, u8::from(odd) | u8::from(long) << 1 | u8::from(stamped) << 2, low, high];
    if !long {
        bytes.push(wire::life_byte(met));
    }
    bytes.extend(body);
    let life = if long { [0; 8] } else { wire::life_bytes(met) };
    let covered: Vec<u8> = life.iter().chain(&bytes).copied().collect();
    bytes.extend(auth::tag::crc32(&covered).to_le_bytes());
    match auth::open(&bytes, side(!odd), CLUSTER, &keys(0), Some(met)) {
        Ok(message) => {
            let mut again = [0; MAX_DATAGRAM];
            let len = auth::seal(&message, CLUSTER, &keys(0), &mut again).expect("it was sealed once");
            assert_eq!(&again[..len], bytes);
        }
        Err(error) => assert!(matches!(error, BadFrame::BadBody | BadFrame::Malformed), "{error:?}"),
    }
}

fn sealed(message: &AnyMessage, signer: u8, at: u16, flip: u8) {
    let message = message.message();
    let mut out = [0; MAX_DATAGRAM];
    let len = auth::seal(&message, CLUSTER, &keys(signer), &mut out).expect("the wire can say it");
    let (me, met) = (message.source.other(), Some(message.incarnation));
    let open =
        |bytes: &[u8], me| auth::open(bytes, me, CLUSTER, &keys(0), met).map(Authenticated::into_inner);
    assert_eq!(open(&out[..len], me).as_ref(), Ok(&message));
    assert_eq!(open(&out[..len], message.source), Err(BadFrame::Own));
    if flip != 0 {
        out[usize::from(at) % len] ^= flip;
        assert!(open(&out[..len], me).is_err(), "a byte was changed");
    }
}
