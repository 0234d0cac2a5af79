//! The kinds of faults and commands, and what each does to the world when it begins and when it ends.

use crate::open::Part;
use crate::setting::Setting;
use crate::world::World;
use hb_core::Duration;
use hb_core::config::LinkKind;
use hb_core::message::GroupState;

macro_rules! kinds {
    ($($kind:ident $about:literal,)*) => {
        /// One kind.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Kind { $(#[doc = $about] $kind,)* }

        /// All of them, in order.
        pub const KINDS: &[Kind] = &[$(Kind::$kind,)*];
    };
}

kinds! {
    CutAll "Every link is cut both ways.",
    CutLink "One link is cut both ways.",
    CutFrom "Nothing that one node sends arrives.",
    CutLinkFrom "Nothing that one node sends on one link arrives.",
    Loss "Frames of one link are lost.",
    LossAll "Frames of every link are lost.",
    Twice "Datagrams come twice.",
    Late "Datagrams overtake each other.",
    Flips "Bits of frames are changed.",
    Noise "Bursts of noise on a link.",
    Slow "Frames of one link take longer.",
    Device "The device of a link fails on one node.",
    Freeze "A daemon stands still.",
    Kill "A daemon dies alone, and is started again.",
    PowerLoss "A machine loses its power, and comes back.",
    StateLoss "The same, and its state file is gone.",
    DiskSlow "Writes take long.",
    DiskStuck "Writes do not end before the fault does.",
    StartFails "Start scripts fail.",
    StartHangs "Start scripts hang.",
    StartGrumbles "Start scripts work, and answer 1.",
    StopFails "Stop scripts fail.",
    StopHangs "Stop scripts hang.",
    StopGrumbles "Stop scripts work, and answer 1.",
    StopLies "Stop scripts do nothing, and answer 0.",
    StatusFails "Status scripts fail.",
    StatusFickle "Status scripts do what they like.",
    StatusHangs "Status scripts hang.",
    ScriptsMissing "Scripts of a node that runs nothing are not there.",
    StatusSilent "Status scripts have no word for anything.",
    StatusPartly "Status scripts say that a part runs.",
    StatusStays "Status scripts hang, and nothing can kill them before the fault ends.",
    ScriptsNotRun "Scripts cannot be run, though they are there.",
    ScriptsGone "Scripts lose their run bit, and the daemon learns of it.",
    GoneAtStart "A daemon dies alone, and its scripts are not there when it is started again.",
    ScriptsSlow "Scripts take long.",
    ResourceDies "A resource ends by itself.",
    PingAway "A ping node does not answer one node.",
    PingAllAway "No ping node answers one node.",
    Standby "An operator gives groups away.",
    Takeover "An operator takes groups.",
    ConfirmDown "An operator vouches that the peer is off.",
    Clear "An operator clears a group.",
    Stop "An operator stops a daemon, and starts it again.",
    DogBroken "A watchdog does not fire.",
    FenceFails "The fence fails.",
    PullsFail "Pulls of data fail.",
    PullsSlow "Pulls of data take long.",
    StampLoss "The stamp of a copy is gone, the daemon is not there.",
    Unclaimable "A node says that its scripts are not there.",
    Replay "Recorded frames are sent again.",
    Foreign "Linux-HA Heartbeat speaks in the peer's name.",
    LanCut "The clients' network is cut off from one node, which still has a carrier.",
    LanOneWay "Nothing that one node sends to the clients' network arrives.",
    LanCarrier "One node's interface to the clients has no carrier.",
    LanStranger "A third machine answers for the service addresses.",
    Isolation "One node is cut off from the peer and from every ping node.",
    Edit "The configuration changes between two lives, and back.",
    ThawOrder "A daemon stands still, and a command is what it finds first.",
    DogBusy "The device of the watchdog is busy when a daemon starts.",
    BootUnknown "A daemon that starts cannot read the identity of its boot.",
    DiskFails "Writes of the state fail.",
    OldStream "Recorded frames come as a stream.",
    HelloStream "Recorded hellos come as a stream.",
    NewerStream "Frames of a newer version come as a stream.",
    ForeignStream "Unsigned text of Linux-HA Heartbeat comes as a stream.",
    OwnStream "A node's own frames, of any life, come back to it as a stream.",
    StartStays "Start scripts hang, and nothing can kill them before the fault ends.",
    StopStays "Stop scripts hang, and nothing can kill them before the fault ends.",
    AnswerStream "Answers for service addresses that nobody asked for come as a stream.",
}

impl Kind {
    /// The swarm draws it.
    #[must_use]
    pub fn is_of_swarm(self) -> bool {
        self.part().is_none()
    }

    /// The part of the world that draws it, if one does and no swarm.
    #[must_use]
    pub fn part(self) -> Option<Part> {
        Some(match self {
            Self::Edit => Part::Edits,
            Self::ThawOrder => Part::Thaw,
            Self::DogBusy => Part::Busy,
            Self::BootUnknown => Part::Boot,
            Self::DiskFails => Part::Disk,
            Self::OldStream => Part::OldStream,
            Self::HelloStream => Part::Hellos,
            Self::NewerStream => Part::Newer,
            Self::ForeignStream => Part::Foreign,
            Self::OwnStream => Part::Own,
            Self::AnswerStream => Part::Answers,
            Self::StartStays | Self::StopStays => Part::Unkillable,
            _ => return None,
        })
    }

    /// Frames come that are nobody's life: what a node does must not depend on them.
    #[must_use]
    pub fn is_of_strangers(self) -> bool {
        use Kind::{AnswerStream, ForeignStream, HelloStream, NewerStream, OldStream, OwnStream, Replay};
        matches!(
            self,
            Replay | OldStream | HelloStream | NewerStream | ForeignStream | OwnStream | AnswerStream
        )
    }

    /// Such a fault of `host` may hold up what `survivor` does about the death of the other daemon.
    #[must_use]
    pub fn concerns(self, host: usize, survivor: usize) -> bool {
        match self {
            _ if self.is_of_links() || self.is_of_strangers() => false,
            Self::FenceFails | Self::PullsFail | Self::PullsSlow | Self::StampLoss | Self::Foreign => true,
            Self::LanCut | Self::LanOneWay | Self::LanCarrier | Self::LanStranger => true,
            // A machine whose daemon is dead does nothing that its peer has to wait for.
            _ => host == survivor,
        }
    }

    /// A call hangs that nothing can kill.
    #[must_use]
    pub fn is_unkillable(self) -> bool {
        matches!(self, Self::StatusStays | Self::StartStays | Self::StopStays)
    }

    /// Only the links are concerned.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        use Kind::{
            CutAll, CutFrom, CutLink, CutLinkFrom, Device, Flips, Late, Loss, LossAll, Noise, Slow, Twice,
        };
        matches!(
            self,
            CutAll
                | CutLink
                | CutFrom
                | CutLinkFrom
                | Loss
                | LossAll
                | Twice
                | Late
                | Flips
                | Noise
                | Slow
                | Device
        )
    }

    /// Could it ever find something to change in this setting?
    #[must_use]
    pub fn fits(self, setting: &Setting) -> bool {
        match self {
            Self::Twice | Self::Late => setting.links.iter().any(|link| link.kind == LinkKind::Datagram),
            Self::PingAway | Self::PingAllAway | Self::Isolation => setting.pings > 0,
            Self::DogBroken | Self::DogBusy => setting.dog.is_some(),
            Self::FenceFails => setting.fence.is_some(),
            Self::PullsFail | Self::PullsSlow | Self::StampLoss => setting.data.is_some(),
            _ => true,
        }
    }

    /// Scripts do not what they should, or take longer.
    #[must_use]
    pub fn is_of_scripts(self) -> bool {
        (Self::StartFails..=Self::ResourceDies).contains(&self) || self.is_unkillable()
    }
}

/// One fault or command of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Since the begin of the run.
    pub at: Duration,
    /// Until it ends.
    pub lasts: Duration,
    /// What.
    pub kind: Kind,
    /// Of this machine, or sent by it.
    pub host: usize,
    /// On this link.
    pub link: usize,
    /// How much, 0 to 999.
    pub amount: u64,
}

impl Fault {
    /// This, or where there is nothing that it could change, a cut of its link: every fault of a schedule befalls.
    #[must_use]
    pub fn or_a_cut(&self, world: &World) -> Self {
        if self.meets(world) { *self } else { Self { kind: Kind::CutLink, ..*self } }
    }

    /// Is there anything that it could change?
    fn meets(&self, world: &World) -> bool {
        let h = &world.hosts[self.host];
        let runs = h.runs();
        let datagram = world.wires[self.link].kind == LinkKind::Datagram;
        match self.kind {
            Kind::Freeze | Kind::ThawOrder | Kind::Kill | Kind::Stop => runs,
            // Beside a start record that is not on the disk nobody can tell what runs (S4).
            Kind::GoneAtStart => runs && h.writes.is_empty() && h.write_failed.is_none(),
            Kind::Standby | Kind::Takeover | Kind::ConfirmDown | Kind::Clear => runs,
            Kind::Twice | Kind::Late => datagram,
            Kind::PowerLoss | Kind::StateLoss => h.powered,
            Kind::PingAway | Kind::PingAllAway | Kind::Isolation => !h.reaches.is_empty(),
            Kind::DogBroken | Kind::DogBusy => h.dog.timeout.is_some(),
            Kind::FenceFails => h.config.fence.is_some(),
            Kind::PullsFail | Kind::PullsSlow | Kind::StampLoss => {
                h.config.groups.iter().any(|g| g.data.is_some())
            }
            Kind::ScriptsMissing => !(0..world.client.len()).any(|g| h.holds(g)),
            Kind::ResourceDies => {
                let group = (self.amount % world.client.len() as u64) as usize;
                h.shown(group).is_some_and(|s| s.state == GroupState::Held)
            }
            Kind::Replay => !world.recorded[self.host].is_empty() && world.hosts[1 - self.host].runs(),
            Kind::Foreign => runs && h.open >> self.link & 1 == 1,
            Kind::ForeignStream | Kind::NewerStream | Kind::AnswerStream => world.hosts[1 - self.host].runs(),
            Kind::OldStream | Kind::HelloStream => !world.recorded[self.host].is_empty(),
            Kind::OwnStream => !world.recorded[1 - self.host].is_empty(),
            Kind::CutAll
            | Kind::CutLink
            | Kind::CutFrom
            | Kind::CutLinkFrom
            | Kind::Loss
            | Kind::LossAll
            | Kind::Flips
            | Kind::Noise
            | Kind::Slow
            | Kind::Device
            | Kind::DiskSlow
            | Kind::DiskStuck
            | Kind::StartFails
            | Kind::StartHangs
            | Kind::StartGrumbles
            | Kind::StopFails
            | Kind::StopHangs
            | Kind::StopGrumbles
            | Kind::StopLies
            | Kind::StatusFails
            | Kind::StatusFickle
            | Kind::StatusHangs
            | Kind::StatusSilent
            | Kind::StatusPartly
            | Kind::StatusStays
            | Kind::StartStays
            | Kind::StopStays
            | Kind::ScriptsNotRun
            | Kind::ScriptsGone
            | Kind::ScriptsSlow
            | Kind::Edit
            | Kind::BootUnknown
            | Kind::DiskFails
            | Kind::Unclaimable
            | Kind::LanCut
            | Kind::LanOneWay
            | Kind::LanCarrier
            | Kind::LanStranger => true,
        }
    }
}
