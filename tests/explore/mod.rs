//! The exhaustive check: two real [`hb_core::Node`]s, and every order of events that up to so many faults and commands
//! allow (DESIGN §4-§8).
//!
//! **What is explored.** Two machines with the node that ships, real frames between them, and a shell that does what
//! the nodes ask for. Time stands on a grid of one keepalive. Within an instant everything that can happen happens in
//! every order: frames arrive, timers fire, scripts end, writes reach the disk. A script takes any time up to its
//! limit. Faults and commands come at any point, up to the given number in one run: a frame is held back (and comes
//! later, again and again, or never) or copied, the wire is cut in one or both directions, a machine loses its power, a
//! daemon is killed or stands still, a state file is lost, a disk does not write, a script fails or hangs, a fence
//! fails, an operator says standby, takeover, stop, clear or confirm-down. What ends a fault costs nothing and comes at
//! any later time: the wire is joined, a daemon starts or goes on, a disk works again, a copy arrives.
//!
//! With data: a pull takes any time up to its limit, fails, hangs, finds its source off; stamps are written or not; a
//! service writes all the time that it runs. A disk that does not write is mended after one start that failed for it.
//!
//! **What is left out.** `status` is answered at once and truthfully. Frames take no time unless held back; each
//! direction keeps one copy, and the socket of a frozen daemon two frames. One link, one resource in a group, no ping
//! nodes, no monitor; no copy is too old. Operators who vouch tell the truth.
//!
//! **How.** Our own search, and not `stateright`: that keeps whole states in its queue (a node has 6 KB), counts every
//! step alike, so that it can neither bound the faults nor spend the fewest first, and documents that its *eventually*
//! misses cycles, which is all of L3 here. What is left of it is a set of hashes, which is the smallest part of this.
//!
//! Files: [`print`](self) and `canon` turn a world into one number, `world` holds it, `shell` drives a node, `steps`
//! says what can happen, `rules` what must hold, `fair` where it ends, `search` walks, `story` tells.

mod canon;
mod case;
mod choices;
mod coarse;
mod copies;
mod fair;
mod print;
mod rules;
mod search;
mod shell;
mod steps;
mod story;
mod world;

pub use case::{CASES, Case};
pub use rules::{RULES, Violation};
pub use search::{Bounds, Grain, Report, explore};
pub use steps::KINDS;
