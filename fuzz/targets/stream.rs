//! Any bytes on a serial line: the decoder, in pieces of any size.
#![no_main]

use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::MAX_DATAGRAM;
use libfuzzer_sys::fuzz_target;

fn decode<const N: usize>(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut decoder = Decoder::<N>::new();
    let results = bytes.iter().filter_map(|byte| Some(decoder.push(*byte)?.ok().map(<[u8]>::to_vec)));
    results.collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (large, small) = (decode::<MAX_DATAGRAM>(bytes), decode::<5>(bytes));
    // The same runs, of which a smaller buffer takes the short ones only.
    assert_eq!(large.len(), small.len());
    for (large, small) in large.iter().zip(&small) {
        match (large, small) {
            (Some(large), Some(small)) => assert!(large == small && small.len() <= 5),
            (Some(large), None) => assert!(large.len() > 5),
            (None, Some(_)) => panic!("a datagram that only a small buffer sees"),
            (None, None) => {}
        }
    }
    assert!(large.len() <= bytes.iter().filter(|byte| **byte == 0).count());
    for datagram in large.into_iter().flatten() {
        assert!((1..=MAX_DATAGRAM).contains(&datagram.len()));
        let mut frame = vec![0; max_encoded(datagram.len())];
        let len = encode(&datagram, &mut frame).expect("room for the longest code");
        assert_eq!(decode::<MAX_DATAGRAM>(&frame[..len]), [Some(datagram.clone())]);
        // Behind anything at all, as long as it ends.
        let behind = [bytes, &frame[..len]].concat();
        assert_eq!(decode::<MAX_DATAGRAM>(&behind).last(), Some(&Some(datagram)));
    }
});
