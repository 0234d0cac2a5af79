//! What happened in one step, for those who check and for the timeline.

use hb_core::{Event, Instant, Outcome, Verb};

/// One thing that happened. `host` is 0 (even) or 1 (odd).
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Note {
    /// A frame went out; `sum` names its bytes while a trace is kept.
    Sent { host: usize, link: u8, seq: u32, len: usize, sum: u32 },
    /// An intact frame of the other node was taken in: the first with its number or a higher one, of a met life.
    Heard { host: usize, link: u8, seq: u32, sent: Instant },
    /// The watchdog was fed; `beat`: in a step that sent one.
    Fed { host: usize, beat: bool },
    /// A script call began.
    Called { host: usize, group: u8, resource: u8, verb: Verb },
    /// A script call ended; `known`: the daemon that made it hears of it.
    Ended { host: usize, group: u8, resource: u8, verb: Verb, outcome: Outcome, known: bool },
    /// A group began or ceased to run on a machine.
    Holds { host: usize, group: usize, holds: bool },
    /// The daemon said this.
    Said { host: usize, event: Event },
    /// Gratuitous ARP.
    Announced { host: usize, group: u8 },
    /// A write is on the disk.
    Persisted { host: usize, serial: u32 },
    /// The daemon began or ended.
    Daemon { host: usize, lives: bool },
    /// Its life speaks the next version of the wire.
    Next { host: usize },
    /// The daemon was stopped or goes on.
    Frozen { host: usize, frozen: bool },
    /// The machine went off or on.
    Power { host: usize, on: bool },
    /// The watchdog fired.
    Bitten { host: usize },
    /// The fence device was used by `host`.
    Fence { host: usize, works: bool },
    /// A pull over the copy of `host` began.
    Pull { host: usize, group: u8, last: bool, keep: bool },
    /// It ended; `gone`: files that were destroyed and that no disk has any more.
    Pulled { host: usize, group: u8, whole: bool, moved: u32, gone: u32 },
    /// An ARP probe was answered, or not.
    Probe { host: usize, answered: bool },
    /// A question for the addresses of a group is answered.
    Asked { host: usize, group: u8 },
}

impl Note {
    /// Of no interest in a timeline for people.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::Sent { .. }
                | Self::Heard { .. }
                | Self::Fed { .. }
                | Self::Persisted { .. }
                | Self::Asked { .. }
        )
    }
}
