//! A whole status answer, put together again on the client's side out of the pieces that came.

#[cfg(feature = "data")]
pub use super::wire::CopyReply as Copied;
use super::wire::{self, HelperReply, LateReply, Reply};
use hb_core::PeerState;
use hb_core::message::GroupState;

/// The fence.
pub type Fence = wire::FenceReply<String>;
/// The bridge.
#[cfg(feature = "bridge")]
pub type Bridge = wire::BridgeReply<String>;
/// One ping node.
pub type Ping = wire::PingReply<String>;
/// This node.
pub type Own = wire::NodeReply<String>;
/// The peer.
pub type Peer = wire::PeerReply<String>;
/// One link.
pub type Link = wire::LinkReply<String>;
/// One group, with what followed it.
pub type Group = wire::GroupReply<String>;
/// The watchdog.
pub type Watchdog = wire::WatchdogReply<String>;

/// What `hbd status` shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Snapshot {
    pub own: Own,
    pub peer: Peer,
    pub links: Vec<Link>,
    pub groups: Vec<Group>,
    pub watchdog: Option<Watchdog>,
    pub fence: Option<Fence>,
    #[cfg(feature = "bridge")]
    pub bridge: Option<Bridge>,
    pub pings: Vec<Ping>,
    pub helper: HelperReply,
    pub late: LateReply,
    #[cfg(feature = "late-record")]
    pub late_record: wire::LateRecordReply,
}

impl Snapshot {
    /// Take in the next piece of the answer.
    pub fn add(&mut self, reply: Reply<String>) {
        match (reply, self.groups.last_mut()) {
            (Reply::Node(node), _) => self.own = node,
            (Reply::Peer(peer), _) => self.peer = peer,
            (Reply::Link(link), _) => self.links.push(link),
            (Reply::Group(group), _) => self.groups.push(group),
            (Reply::Resource(text), Some(group)) => group.resources.push(text),
            (Reply::Trouble(text), Some(group)) => group.trouble = Some(text),
            #[cfg(feature = "data")]
            (Reply::Copy(copy), Some(group)) => group.copy = Some(copy),
            #[cfg(feature = "data")]
            (Reply::Copy(_), None) => {}
            (Reply::Watchdog(watchdog), _) => self.watchdog = Some(watchdog),
            (Reply::Fence(fence), _) => self.fence = Some(fence),
            #[cfg(feature = "bridge")]
            (Reply::Bridge(bridge), _) => self.bridge = Some(bridge),
            (Reply::Ping(ping), _) => self.pings.push(ping),
            (Reply::Helper(helper), _) => self.helper = helper,
            (Reply::Late(late), _) => self.late = late,
            #[cfg(feature = "late-record")]
            (Reply::LateRecord(record), _) => self.late_record = record,
            (Reply::Resource(_) | Reply::Trouble(_), None) => {}
            (Reply::Accepted | Reply::Refused(_) | Reply::Text(_) | Reply::End, _) => {}
        }
    }

    /// Is no group on its way from one state to another?
    #[must_use]
    pub fn settled(&self) -> bool {
        self.groups.iter().all(|g| !g.moving(&self.peer))
    }

    /// Which groups are held here, as the original says it: `none`, `local`, `foreign`, `all`, or `transition`.
    #[must_use]
    pub fn holds(&self) -> &'static str {
        if !self.settled() {
            return "transition";
        }
        let held = |local: bool| {
            self.groups.iter().any(|g| (g.preferred == self.own.name) == local && g.state == GroupState::Held)
        };
        match (held(true), held(false)) {
            (true, true) => "all",
            (true, false) => "local",
            (false, true) => "foreign",
            (false, false) => "none",
        }
    }
}

impl Peer {
    /// Is it heard?
    #[must_use]
    pub fn is_heard(&self) -> bool {
        matches!(self.state.0, PeerState::Up | PeerState::Late)
    }
}

impl Group {
    /// Is it on its way here, or on the peer as far as that is heard?
    #[must_use]
    pub fn moving(&self, peer: &Peer) -> bool {
        let on_its_way = |state| matches!(state, GroupState::Starting | GroupState::Stopping);
        on_its_way(self.state.0)
            || peer.is_heard() && self.peer_state.is_some_and(|state| on_its_way(state.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(preferred: &str, state: &str, peer_state: Option<&str>) -> Group {
        Group {
            preferred: preferred.into(),
            state: state.into(),
            peer_state: peer_state.map(Into::into),
            ..Group::default()
        }
    }

    #[test]
    fn what_is_held_is_said_in_the_words_of_the_original() {
        let mut shot = Snapshot::default();
        shot.own.name = "a".into();
        shot.peer.state = "up".into();
        assert_eq!(shot.holds(), "none");
        shot.groups = vec![group("a", "held", Some("idle")), group("b", "idle", Some("held"))];
        assert_eq!(shot.holds(), "local");
        shot.groups[1].state = "held".into();
        assert_eq!(shot.holds(), "all");
        shot.groups[0].state = "failed".into();
        assert_eq!(shot.holds(), "foreign");
        shot.groups[0].peer_state = Some("starting".into());
        assert_eq!(shot.holds(), "transition");
    }
}
