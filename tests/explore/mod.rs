//! The exhaustive check: two real [`hb_core::Node`]s, and every order of events that up to so many faults and commands
//! allow (DESIGN §4-§8).
//!
//! **What is explored.** Two machines with the node that ships, real frames between them, and a shell that does what
//! the nodes ask for. Time stands on a grid of one keepalive. Within an instant everything that can happen happens in
//! every order: frames arrive, timers fire, scripts end, writes reach the disk. A script takes any time up to its
//! limit. Faults and commands come at any point, up to the given number in one run: a frame is held back (and comes
//! later, again and again, or never) or copied, the wire is cut in one or both directions, a machine loses its power, a
//! daemon is killed or stands still, a state file is lost, a disk does not write, a fence fails, an operator says
//! standby, takeover, stop, clear or confirm-down. What ends a fault costs nothing and comes at any later time: the wire
//! is joined, a daemon starts or goes on, a disk works again, scripts answer as they should, a copy arrives.
//!
//! With data: a pull takes any time up to its limit, fails, hangs, finds its source off; stamps are written or not; a
//! service writes all the time that it runs. A disk that does not write is mended after one start that failed for it.
//!
//! A script fails, or hangs; cannot be run, once or until somebody mends it; is missing, known to be so while the daemon
//! runs or before it starts; does it and answers non-zero; is done just when it is killed; cannot be killed at all, and a
//! `start` of these brings its resource up at any later time. `status` says nothing, or *a part runs*, or never ends.
//!
//! **What is left out.** `status` is answered at once, and truthfully where it is answered; a `stop` that answers 0 has
//! stopped it. A `start` that nothing can kill has its effect by the time its daemon ends. No scripts are missing at a start
//! while the disk does not know what this boot started (its write was lost, or the file): no node can tell. Scripts that cannot be run
//! are mended after one start or stop that failed for it. Frames take no time unless held back; each direction keeps one
//! copy, and the socket of a frozen daemon two frames. One link, one resource in a group, no ping nodes, no monitor; no copy
//! is too old. Operators who vouch tell the truth.
//!
//! **How.** Our own search, and not `stateright`: that keeps whole states in its queue (a node has 6 KB), counts every
//! step alike, so that it can neither bound the faults nor spend the fewest first, and documents that its *eventually*
//! misses cycles, which is all of L3 here. What is left of it is a set of hashes, which is the smallest part of this.
//!
//! Files: [`print`](self) and `canon` turn a world into one number, `world` holds it, `shell` drives a node, `actions` and
//! `choices` say what can happen, `steps` and `answers` what it does, `rules` what must hold, `fair` where it ends, `search`
//! walks, `story` tells, `campaign` lists what takes longer than a test run.

mod actions;
mod answers;
mod campaign;
mod canon;
mod case;
mod choices;
mod coarse;
mod copies;
mod fair;
mod print;
mod rules;
mod scripts;
mod search;
mod shell;
mod steps;
mod story;
mod world;

pub use actions::KINDS;
pub use campaign::{CAMPAIGN, Part};
pub use case::{CASES, Case};
pub use rules::{RULES, Violation};
pub use search::{Bounds, Grain, Report, explore};
