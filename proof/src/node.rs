//! A node, from its begin to its end.

use core::mem::MaybeUninit;
use hb_core::auth::{Key, KeyError, Keyring, Method};
use hb_core::config::{Config, ConfigError, Tuning};
use hb_core::{
    Action, Command, FRAME_BUF, Glance, GroupId, GroupStatus, Input, Instant, Node, Refusal, Saved, Status,
};

/// As large as a node: `cargo xtask budgets` reads the symbol's size. In a section of its own, so that it weighs nothing.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".sizes")]
pub static HB_SIZE_OF_NODE: [u8; size_of::<Node>()] = [0; size_of::<Node>()];

/// `Key::new`.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions)]
pub extern "C" fn hb_key(method: &Method, secret: &&[u8]) -> Result<Key, KeyError> {
    Key::new(*method, secret)
}

/// `Keyring::new`.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions)]
pub extern "C" fn hb_keyring(keys: &&[(u8, Key)], signer: u8) -> Result<Keyring, KeyError> {
    Keyring::new(keys, signer)
}

/// `Node::new`.
///
/// # Safety
/// `config` and `keys` are not used again.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions)]
pub unsafe extern "C" fn hb_new(
    config: &MaybeUninit<Config>,
    keys: &MaybeUninit<Keyring>,
    saved: &Saved,
    entropy: &[u8; 16],
    now: &Instant,
) -> Result<Node, ConfigError> {
    // SAFETY: the caller's promise.
    let (config, keys) = unsafe { (config.assume_init_read(), keys.assume_init_read()) };
    Node::new(config, keys, saved, *entropy, *now)
}

/// `Node::handle_input`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_input(node: &mut Node, now: &Instant, input: &Input<'_>) {
    node.handle_input(*now, *input);
}

/// `Node::poll_action`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_action(
    node: &mut Node,
    frame: &mut [u8; FRAME_BUF],
    place: &mut MaybeUninit<Option<Action>>,
) {
    place.write(node.poll_action(frame));
}

/// `Node::poll_deadline`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_deadline(node: &Node, place: &mut Instant) {
    *place = node.poll_deadline();
}

/// `Node::operator`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_operator(
    node: &mut Node,
    now: &Instant,
    command: &Command,
    place: &mut Result<(), Refusal>,
) {
    *place = node.operator(*now, *command);
}

/// `Node::retune` and `Node::tuning`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_retune(
    node: &mut Node,
    now: &Instant,
    tuning: &mut Tuning,
    place: &mut Result<(), ConfigError>,
) {
    *place = node.retune(*now, tuning);
    *tuning = node.tuning();
}

/// `Node::set_keys`.
///
/// # Safety
/// `keys` is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_set_keys(node: &mut Node, keys: &MaybeUninit<Keyring>) {
    // SAFETY: the caller's promise.
    node.set_keys(unsafe { keys.assume_init_read() });
}

/// `Node::status`.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions)]
pub extern "C" fn hb_status(node: &Node, now: &Instant) -> Status {
    node.status(*now)
}

/// `Node::glance` and `Node::group_status`.
#[unsafe(no_mangle)]
pub extern "C" fn hb_glance(node: &Node, group: u8, place: &mut MaybeUninit<(Glance, Option<GroupStatus>)>) {
    place.write((node.glance(), node.group_status(GroupId(group))));
}

/// `Node::saved`.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions)]
pub extern "C" fn hb_saved(node: &Node) -> Saved {
    node.saved()
}
