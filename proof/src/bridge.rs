//! The bridge's relay, between two ports of which nothing is known.

use core::mem::MaybeUninit;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use hb_core::auth::Keyring;
use hb_core::{Duration, Instant};
use hb_serial_bridge::report::{self, Page};
use hb_serial_bridge::{About, Bridge, Port as At, Stats, provision};

/// A port as a board has it: four functions and something that they know.
#[repr(C)]
#[derive(Debug)]
pub struct Port {
    context: *mut u8,
    /// Negative: an error. So are the others.
    read_ready: extern "C" fn(*mut u8) -> i32,
    read: extern "C" fn(*mut u8, *mut u8, usize) -> i32,
    write_ready: extern "C" fn(*mut u8) -> i32,
    write: extern "C" fn(*mut u8, *const u8, usize) -> i32,
}

impl ErrorType for Port {
    type Error = ErrorKind;
}

fn count(answer: i32) -> Result<usize, ErrorKind> {
    usize::try_from(answer).map_err(|_| ErrorKind::Other)
}

impl ReadReady for Port {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        count((self.read_ready)(self.context)).map(|ready| ready != 0)
    }
}

impl Read for Port {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        count((self.read)(self.context, buf.as_mut_ptr(), buf.len()))
    }
}

impl WriteReady for Port {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        count((self.write_ready)(self.context)).map(|ready| ready != 0)
    }
}

impl Write for Port {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        count((self.write)(self.context, buf.as_ptr(), buf.len()))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// As large as a bridge.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".sizes")]
pub static HB_SIZE_OF_BRIDGE: [u8; size_of::<Bridge<Port, Port>>()] = [0; size_of::<Bridge<Port, Port>>()];

/// `Bridge::new`, `set_about` and `pass_text`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_new(
    place: &mut MaybeUninit<Bridge<Port, Port>>,
    a: Port,
    b: Port,
    max_age: u64,
    about: &About,
    text: bool,
) {
    let bridge = place.write(Bridge::new(a, b, Duration::from_micros(max_age)));
    bridge.set_about(*about);
    bridge.pass_text(text);
}

/// `Bridge::guard`, with the ring of a node.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_guard(bridge: &mut Bridge<Port, Port>, keys: &Keyring, cluster: u16, seed: u64) {
    bridge.guard(keys.clone(), cluster, seed);
}

/// `Bridge::sense`, `resets` and `fence` of the node at port `A`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_fence(bridge: &mut Bridge<Port, Port>, up: bool, place: &mut [bool; 2]) -> u8 {
    bridge.sense(At::A, up);
    *place = bridge.resets();
    bridge.fence(At::A) as u8
}

/// `provision::keys`, `provision::cluster` and `provision::install`.
///
/// # Safety
/// `text` points at `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_bridge_provision(
    bridge: &mut Bridge<Port, Port>,
    text: *const u8,
    len: usize,
    keys: &mut MaybeUninit<Option<Keyring>>,
    cluster: &mut Option<u16>,
) -> bool {
    // SAFETY: the caller's promise.
    let text = unsafe { core::slice::from_raw_parts(text, len) };
    let text = core::str::from_utf8(text).unwrap_or_default();
    keys.write(provision::keys(text));
    *cluster = provision::cluster(text);
    provision::install(bridge, text, text, 1)
}

/// `report::ask`: the question for the page of that number.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_ask(number: u8, place: &mut [u8; report::ASK_LEN]) -> bool {
    Page::of(number).is_some_and(|page| {
        *place = report::ask(page);
        true
    })
}

/// `report::read`: page and words of a datagram.
///
/// # Safety
/// `datagram` points at `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_bridge_report(
    datagram: *const u8,
    len: usize,
    page: &mut u8,
    words: &mut [u32; 3],
) -> bool {
    // SAFETY: the caller's promise.
    let datagram = unsafe { core::slice::from_raw_parts(datagram, len) };
    report::read(datagram).is_some_and(|(found, read)| {
        (*page, *words) = (found.number(), read);
        true
    })
}

/// `Bridge::step`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_step(bridge: &mut Bridge<Port, Port>, now: u64) -> bool {
    bridge.step(Instant::from_micros(now))
}

/// The bridge's counters.
#[unsafe(no_mangle)]
pub extern "C" fn hb_bridge_stats(bridge: &Bridge<Port, Port>, place: &mut [Stats; 2]) {
    *place = [*bridge.a_to_b(), *bridge.b_to_a()];
}

/// `Bridge::into_ports`.
///
/// # Safety
/// `bridge` is one, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_bridge_end(
    bridge: *mut Bridge<Port, Port>,
    place: &mut MaybeUninit<(Port, Port)>,
) {
    // SAFETY: the caller's promise.
    place.write(unsafe { bridge.read() }.into_ports());
}
