//! Framing and authentication on their own, as a witness, a fence or a tool uses them.

use core::mem::MaybeUninit;
use hb_core::auth::{self, Authenticated, Keyring, Room, text};
use hb_core::config::{Config, ConfigError, GroupConfig, LinkKind, Timing};
use hb_core::frame::foreign::{self, Collector, Text};
use hb_core::frame::{self, Decoder};
use hb_core::message::{Message, wire};
use hb_core::{BadFrame, Duration, Incarnation, Side};

/// `auth::open`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_open(
    bytes: &&[u8],
    side: &Side,
    cluster: u16,
    keys: &Keyring,
    met: &Option<Incarnation>,
    place: &mut MaybeUninit<Result<Authenticated<Message>, BadFrame>>,
) {
    place.write(auth::open(bytes, *side, cluster, keys, *met));
}

/// `auth::open_in`; the sequence number, 0 if it did not open.
#[unsafe(no_mangle)]
pub extern "C" fn hb_open_in(
    room: &mut Room,
    bytes: &&[u8],
    side: &Side,
    cluster: u16,
    keys: &Keyring,
    met: &Option<Incarnation>,
) -> u32 {
    auth::open_in(room, bytes, *side, cluster, keys, *met).map_or(0, |message| message.seq)
}

/// `auth::seal`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_seal(
    message: &Message,
    cluster: u16,
    keys: &Keyring,
    out: &mut &mut [u8],
    place: &mut Option<usize>,
) {
    *place = auth::seal(message, cluster, keys, out);
}

/// `frame::encode`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_encode(bytes: &&[u8], out: &mut &mut [u8], place: &mut Option<usize>) {
    *place = frame::encode(bytes, out);
}

/// `Decoder::push`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_decode<'a>(
    decoder: &'a mut Decoder<{ wire::MAX_DATAGRAM }>,
    byte: u8,
    place: &mut MaybeUninit<Option<Result<&'a [u8], BadFrame>>>,
) {
    place.write(decoder.push(byte));
}

/// `Decoder::reset`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_decode_reset(decoder: &mut Decoder<{ wire::MAX_DATAGRAM }>) {
    decoder.reset();
}

/// `Collector::take`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_foreign_stream(collector: &mut Collector, bytes: &&[u8], place: &mut usize) -> bool {
    *place = collector.take(bytes).len();
    collector.message().is_some()
}

/// `Text::parse`, and `auth::text::verify`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_foreign_text(bytes: &&[u8], keys: &Keyring) -> bool {
    foreign::is_text(bytes) && text::verify(&Text::parse(bytes), keys).is_some()
}

/// `Config::new`, and what it is made of.
#[unsafe(no_mangle)]
pub extern "C" fn hb_config(
    names: &[&str; 2],
    times: &[Duration; 2],
    kinds: &&[LinkKind],
    resources: &&[&str],
    place: &mut MaybeUninit<Result<Config, ConfigError>>,
) {
    let timing = Timing::new(times[0], times[1]);
    let group = GroupConfig::new(names[0], names[1], resources);
    place.write(Config::new(names[0], names[1], timing, kinds, &[group]));
}

/// `Config::validate`, and the small functions.
#[unsafe(no_mangle)]
pub extern "C" fn hb_small(
    config: &Config,
    life: &Incarnation,
    names: &[&str; 2],
    place: &mut Result<(), ConfigError>,
) -> u32 {
    *place = config.validate();
    let side = Side::of(names[0], names[1]);
    side.other().epoch_above(life.counter) ^ u32::from(wire::life_byte(*life))
}
