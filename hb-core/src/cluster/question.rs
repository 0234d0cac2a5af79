//! What a question for the service addresses is for, and the times that it goes by (DESIGN §7 O2c).

use crate::time::Duration;

/// The longest pause between two questions while a claim waits.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two questions before something is put back in place.
const SHORT: Duration = Duration::from_millis(100);

/// Why somebody asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Both nodes show the group proven stopped: who answers now is neither of them.
    Learn,
    /// The peer holds it: which machine and what else answers on the network is good to know.
    Know,
    /// The peer is silent, and the group may be claimed.
    Claim,
    /// It is claimed, and its addresses come up.
    Claimant,
    /// Something is to be put back in place.
    Back,
    /// It runs here in part, its addresses down perhaps: who asks is answered.
    Keep,
    /// It is taken down because another machine has the addresses: who asks is answered once that one is silent.
    Yield,
}

impl Purpose {
    /// Questions of the one go on as those of the other.
    pub(super) const fn round(self) -> u8 {
        match self {
            Self::Learn => 0,
            Self::Know => 1,
            Self::Claim | Self::Claimant => 2,
            Self::Back => 3,
            Self::Keep => 4,
            Self::Yield => 5,
        }
    }

    /// An answer ends what is served here, or about to be.
    pub(crate) const fn gives_up(self) -> bool {
        match self {
            Self::Learn | Self::Know | Self::Claim | Self::Keep | Self::Yield => false,
            Self::Claimant | Self::Back => true,
        }
    }

    /// Something waits for the outcome.
    pub(crate) const fn decides(self) -> bool {
        match self {
            Self::Learn | Self::Know | Self::Keep | Self::Yield => false,
            Self::Claim | Self::Claimant | Self::Back => true,
        }
    }
}

/// The times that the questions follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) keepalive: Duration,
    /// From `warntime` to the deadtime.
    pub(crate) lead: Duration,
    pub(crate) deadtime: Duration,
    pub(crate) initdead: Duration,
    /// The peer is dead, and not only late.
    pub(crate) dead: bool,
}

impl Times {
    /// Between two questions (DESIGN §7 O2c.2).
    pub(super) fn pace(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Learn => self.deadtime,
            Purpose::Know => self.deadtime.max(Duration::from_secs(10)),
            Purpose::Claim if self.dead => self.deadtime.divided(4).min(PAUSE),
            Purpose::Claim => self.lead.divided(4),
            Purpose::Claimant => self.keepalive,
            // The shell listens for a while after each.
            Purpose::Keep => self.keepalive.min(PAUSE),
            // As often as the questions of a claim that could be made meanwhile.
            Purpose::Yield => self.lead.divided(4).min(PAUSE),
            Purpose::Back => self.keepalive.divided(4).min(SHORT),
        }
    }
}
