//! Which numbered rule of `docs/DESIGN.md` stands behind a cause and behind a wait.

use hb_core::{Cause, Wait};

/// The rule by which a group came into its state.
pub(super) const fn of_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Join => "O1",
        Cause::PeerDead | Cause::Unfenced | Cause::Anew => "O2",
        Cause::PeerLeaving | Cause::PeerLeft | Cause::Leave => "O6",
        Cause::Right => "O3",
        Cause::Handover(_) | Cause::Operator => "O4",
        Cause::Conflict => "O5",
        Cause::Script | Cause::Retry => "O7",
        Cause::Monitor => "O8b",
        Cause::Data => "DESIGN 9",
    }
}

/// The rule by which a claim waits.
pub(super) const fn of_wait(wait: Wait) -> &'static str {
    match wait {
        Wait::Peer | Wait::WatchdogPending => "O1",
        Wait::PeerRuns | Wait::Fence => "O2",
        Wait::Isolated => "O2b",
        Wait::Answered | Wait::Asking | Wait::CannotAsk => "O2c",
        Wait::PeerRight | Wait::Scripts => "O3",
        Wait::Leaving => "O6",
        Wait::PeerStuck | Wait::Retry | Wait::Failed => "O7",
        Wait::ConfigDiffers => "O10",
        Wait::PeerForeign | Wait::PeerNewer | Wait::OneWay | Wait::Twin | Wait::PeerTwins => "DESIGN 4",
        Wait::StaleCopy(_) | Wait::PullEnds | Wait::LastPull => "DESIGN 9",
    }
}
