//! The bridge's relay between two ports that give anything, take little, and fail: only whole frames that came in go out.
#![no_main]

use arbitrary::Arbitrary;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use hb_core::frame::Decoder;
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant};
use hb_serial_bridge::Bridge;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

const MAX_AGE: Duration = Duration::from_millis(300);

#[derive(Arbitrary, Debug)]
enum Op {
    /// Bytes come in at one of the ports.
    Bytes {
        at_b: bool,
        bytes: Vec<u8>,
    },
    /// A port takes so many more bytes, fails at the next read or write.
    Room {
        at_b: bool,
        bytes: u8,
    },
    Fail {
        at_b: bool,
        read: bool,
    },
    /// Milliseconds pass, then the bridge steps so often.
    Step {
        ms: u16,
        times: u8,
    },
}

#[derive(Default)]
struct Line {
    input: VecDeque<u8>,
    output: Vec<u8>,
    room: usize,
    fail_read: bool,
    fail_write: bool,
    failed: bool,
}

#[derive(Clone, Default)]
struct Port(Rc<RefCell<Line>>);

impl ErrorType for Port {
    type Error = ErrorKind;
}

impl ReadReady for Port {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let line = self.0.borrow();
        Ok(!line.input.is_empty() || line.fail_read)
    }
}

impl Read for Port {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut line = self.0.borrow_mut();
        if std::mem::take(&mut line.fail_read) {
            return Err(ErrorKind::Other);
        }
        let len = buf.len().min(line.input.len());
        buf.iter_mut().zip(line.input.drain(..len)).for_each(|(to, from)| *to = from);
        Ok(len)
    }
}

impl WriteReady for Port {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        let line = self.0.borrow();
        Ok(line.room > 0 || line.fail_write)
    }
}

impl Write for Port {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mut line = self.0.borrow_mut();
        let len = buf.len().min(line.room);
        line.output.extend_from_slice(&buf[..len]);
        line.room -= len;
        if std::mem::take(&mut line.fail_write) {
            // Some of it may be out all the same.
            line.failed = true;
            return Err(ErrorKind::Other);
        }
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::<LONGEST>::new();
    bytes.iter().filter_map(|byte| Some(decoder.push(*byte)?.ok()?.to_vec())).collect()
}

fuzz_target!(|ops: Vec<Op>| {
    let (a, b) = (Port::default(), Port::default());
    let mut bridge = Bridge::new(a.clone(), b.clone(), MAX_AGE);
    let mut came = [Vec::new(), Vec::new()];
    let mut read_failed = false;
    let mut now = Instant::ZERO;
    for op in ops {
        match op {
            Op::Bytes { at_b, bytes } => {
                let port = if at_b { &b } else { &a };
                port.0.borrow_mut().input.extend(&bytes);
                came[usize::from(at_b)].extend(bytes);
            }
            Op::Room { at_b, bytes } => {
                (if at_b { &b } else { &a }).0.borrow_mut().room += usize::from(bytes)
            }
            Op::Fail { at_b, read } => {
                let mut line = (if at_b { &b } else { &a }).0.borrow_mut();
                read_failed |= read;
                if read { line.fail_read = true } else { line.fail_write = true }
            }
            Op::Step { ms, times } => {
                now = now.plus(Duration::from_millis(u64::from(ms)));
                for _ in 0..times % 16 {
                    bridge.step(now);
                }
            }
        }
    }
    for (to, from, stats) in [(&b, &came[0], bridge.a_to_b()), (&a, &came[1], bridge.b_to_a())] {
        let line = to.0.borrow();
        // A failed read resynchronises the decoder, so that other bytes than ours may become a frame; and the begin of a
        // frame that was cut may be one: only the tag tells.
        if !read_failed && stats.cut == 0 {
            let mut sent = frames(from).into_iter();
            for frame in frames(&line.output) {
                let known = sent.any(|one| one == frame) || line.failed;
                assert!(known, "a frame that never came, or in another order: {frame:?}");
            }
        }
    }
    for (stats, from) in [(bridge.a_to_b(), &came[0]), (bridge.b_to_a(), &came[1])] {
        assert!(stats.bytes as usize <= from.len());
        let gone = stats.forwarded + stats.replaced + stats.stale + stats.cut;
        assert!(gone <= stats.frames && stats.frames - gone <= 2, "{stats:?}");
    }
});
