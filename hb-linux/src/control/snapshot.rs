//! A whole status answer, put together again on the client's side.

#[cfg(feature = "data")]
use super::wire::CopyReply;
use super::wire::{
    GroupReply, HelperReply, LateReply, LinkReply, NodeReply, PeerReply, Reply, WatchdogReply,
};

/// What `hbd status` shows. See [`super::wire`] for words and units.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Snapshot {
    pub node: String,
    pub version: String,
    pub pid: u32,
    pub phase: String,
    pub incarnation: (u32, u32),
    pub config_digest: u32,
    pub isolated: bool,
    pub twin: bool,
    pub worst_late_us: u64,
    pub uptime_s: u64,
    pub lost_lines: u32,
    pub realtime: bool,
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
    pub late_record: super::wire::LateRecordReply,
}

/// The fence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Fence {
    pub device: String,
    pub failed: String,
    pub busy: bool,
    pub ok: Option<bool>,
    pub last_s: Option<u64>,
    pub said: String,
}

/// The bridge; see [`super::wire::BridgeReply`].
#[cfg(feature = "bridge")]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Bridge {
    pub device: String,
    pub answers: bool,
    pub own: Option<[u32; 3]>,
    pub from: [Option<[u32; 3]>; 4],
    pub to: [Option<[u32; 3]>; 4],
}

/// One ping node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Ping {
    pub host: String,
    pub alive: bool,
    pub mirror: Option<String>,
}

/// The peer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Peer {
    pub name: String,
    pub state: String,
    pub phase: Option<String>,
    pub last_heard_ms: Option<u64>,
    pub config_match: Option<bool>,
    pub timing_match: Option<bool>,
    pub left: bool,
    pub deaf: bool,
    pub foreign: bool,
    pub one_way: bool,
    pub twins: bool,
}

/// One link.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Link {
    pub name: String,
    pub medium: String,
    pub state: String,
    pub rx: u32,
    pub tx: u32,
    pub lost: u32,
    pub bad: u32,
    pub text: u32,
    pub unsigned: bool,
    /// Broadcasts go to 255.255.255.255 as well.
    pub limited: bool,
    pub rtt_us: Option<u64>,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Group {
    pub name: String,
    pub preferred: String,
    pub state: String,
    pub peer_state: Option<String>,
    pub epoch: u32,
    pub wanted: Option<String>,
    pub wait: Option<String>,
    pub wait_text: String,
    pub config_match: Option<bool>,
    pub pinned: bool,
    pub barred: Option<String>,
    pub spent: bool,
    pub answered_by: Option<String>,
    pub since_s: u64,
    pub why: String,
    pub resources: Vec<String>,
    pub trouble: Option<String>,
    #[cfg(feature = "data")]
    pub copy: Option<Copied>,
}

/// The copy of a group's data.
#[cfg(feature = "data")]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Copied {
    pub age_s: Option<u64>,
    pub stale: Option<String>,
    pub own: bool,
    pub diverged: bool,
    pub pulling: bool,
    pub failed: u32,
    pub moved: u32,
}

/// The watchdog.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Watchdog {
    pub device: String,
    pub timeout_s: Option<u32>,
    pub fed: u32,
    pub boot_status: Option<u32>,
    pub held_by: Option<String>,
}

impl Snapshot {
    /// Take in the next piece of the answer.
    pub fn add(&mut self, reply: &Reply<'_>) {
        match reply {
            Reply::Node(node) => self.add_node(node),
            Reply::Peer(peer) => self.peer = Peer::from(peer),
            Reply::Link(link) => self.links.push(Link::from(link)),
            Reply::Group(group) => self.groups.push(Group::from(group)),
            Reply::Resource(text) => {
                if let Some(group) = self.groups.last_mut() {
                    group.resources.push((*text).to_string());
                }
            }
            Reply::Trouble(text) => {
                if let Some(group) = self.groups.last_mut() {
                    group.trouble = Some((*text).to_string());
                }
            }
            #[cfg(feature = "data")]
            Reply::Copy(copy) => {
                if let Some(group) = self.groups.last_mut() {
                    group.copy = Some(Copied::from(copy));
                }
            }
            Reply::Watchdog(watchdog) => self.watchdog = Some(Watchdog::from(watchdog)),
            Reply::Fence(f) => {
                self.fence = Some(Fence {
                    device: f.device.to_string(),
                    failed: f.failed.to_string(),
                    busy: f.busy,
                    ok: f.ok,
                    last_s: f.last_s,
                    said: f.said.to_string(),
                });
            }
            #[cfg(feature = "bridge")]
            Reply::Bridge(b) => {
                let device = b.device.to_string();
                self.bridge = Some(Bridge { device, answers: b.answers, own: b.own, from: b.from, to: b.to });
            }
            Reply::Ping { host, alive, mirror } => {
                self.pings.push(Ping { host: (*host).to_string(), alive: *alive, mirror: owned(*mirror) });
            }
            Reply::Helper(helper) => self.helper = *helper,
            Reply::Late(late) => self.late = *late,
            #[cfg(feature = "late-record")]
            Reply::LateRecord(record) => self.late_record = *record,
            Reply::Accepted | Reply::Refused(_) | Reply::Text(_) | Reply::End => {}
        }
    }

    fn add_node(&mut self, node: &NodeReply<'_>) {
        self.node = node.name.to_string();
        self.version = node.version.to_string();
        self.pid = node.pid;
        self.phase = node.phase.to_string();
        self.incarnation = node.incarnation;
        self.config_digest = node.config_digest;
        self.isolated = node.isolated;
        self.twin = node.twin;
        self.worst_late_us = node.worst_late_us;
        self.uptime_s = node.uptime_s;
        self.lost_lines = node.lost_lines;
        self.realtime = node.realtime;
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
            self.groups.iter().any(|g| (g.preferred == self.node) == local && g.state == "held")
        };
        match (held(true), held(false)) {
            (true, true) => "all",
            (true, false) => "local",
            (false, true) => "foreign",
            (false, false) => "none",
        }
    }
}

impl Group {
    /// Is it on its way here, or on the peer as far as that is heard?
    #[must_use]
    pub fn moving(&self, peer: &Peer) -> bool {
        let on_its_way = |state: &str| matches!(state, "starting" | "stopping");
        let heard = matches!(peer.state.as_str(), "up" | "late");
        on_its_way(&self.state) || heard && self.peer_state.as_deref().is_some_and(on_its_way)
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(ToString::to_string)
}

impl From<&PeerReply<'_>> for Peer {
    fn from(r: &PeerReply<'_>) -> Self {
        Self {
            name: r.name.to_string(),
            state: r.state.to_string(),
            phase: owned(r.phase),
            last_heard_ms: r.last_heard_ms,
            config_match: r.config_match,
            timing_match: r.timing_match,
            left: r.left,
            deaf: r.deaf,
            foreign: r.foreign,
            one_way: r.one_way,
            twins: r.twins,
        }
    }
}

impl From<&LinkReply<'_>> for Link {
    fn from(r: &LinkReply<'_>) -> Self {
        Self {
            name: r.name.to_string(),
            medium: r.medium.to_string(),
            state: r.state.to_string(),
            rx: r.rx,
            tx: r.tx,
            lost: r.lost,
            bad: r.bad,
            text: r.text,
            unsigned: r.unsigned,
            limited: r.limited,
            rtt_us: r.rtt_us,
        }
    }
}

impl From<&GroupReply<'_>> for Group {
    fn from(r: &GroupReply<'_>) -> Self {
        Self {
            name: r.name.to_string(),
            preferred: r.preferred.to_string(),
            state: r.state.to_string(),
            peer_state: owned(r.peer_state),
            epoch: r.epoch,
            wanted: owned(r.wanted),
            wait: owned(r.wait),
            wait_text: r.wait_text.to_string(),
            config_match: r.config_match,
            pinned: r.pinned,
            barred: owned(r.barred),
            spent: r.spent,
            answered_by: owned(r.answered_by),
            since_s: r.since_s,
            why: r.why.to_string(),
            resources: Vec::new(),
            trouble: None,
            #[cfg(feature = "data")]
            copy: None,
        }
    }
}

#[cfg(feature = "data")]
impl From<&CopyReply<'_>> for Copied {
    fn from(r: &CopyReply<'_>) -> Self {
        Self {
            age_s: r.age_s,
            stale: owned(r.stale),
            own: r.own,
            diverged: r.diverged,
            pulling: r.pulling,
            failed: r.failed,
            moved: r.moved,
        }
    }
}

impl From<&WatchdogReply<'_>> for Watchdog {
    fn from(r: &WatchdogReply<'_>) -> Self {
        Self {
            device: r.device.to_string(),
            timeout_s: r.timeout_s,
            fed: r.fed,
            boot_status: r.boot_status,
            held_by: owned(r.held_by),
        }
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
        let mut shot = Snapshot { node: "a".into(), ..Snapshot::default() };
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
