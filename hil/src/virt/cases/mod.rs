//! The cases, one story per file, in the order in which they run.

use super::case::Case;

mod bridged;
mod chapter5;
mod conflict;
mod daemon;
mod failing;
mod fenced;
mod frozen;
mod hardware_dog;
mod lines_moved;
mod links;
mod linktested;
mod memory;
mod noise;
mod ordered;
mod panicked;
mod pressure;
mod return_of_one;
mod serial;
mod wired;

/// All of them.
pub const CASES: &[Case] = &[
    chapter5::QUICK,
    daemon::STOPPED,
    serial::AT_9600,
    serial::AT_19200,
    daemon::KILLED,
    conflict::HEALED,
    conflict::ASKED,
    frozen::LINKED,
    frozen::ALONE,
    ordered::MOVES,
    ordered::END,
    panicked::PANIC,
    hardware_dog::BOOT_STATUS,
    links::ONE_OF_TWO,
    noise::AT_19200,
    noise::AT_9600,
    failing::START,
    return_of_one::BOTH_DOWN,
    pressure::KILLED,
    memory::EXHAUSTED,
    linktested::ADVICE,
    wired::SERVER,
    bridged::RELAY,
    fenced::WORKS,
    fenced::REFUSED,
    fenced::CUT_SHORT,
    lines_moved::FENCE,
    chapter5::SEED,
];
