//! How a group came into service here, as one line: why, how long the scripts took, how long nobody served.

use super::groups::cause_words;
use super::names::Names;
use super::{LINE, Text};
use crate::helper::Level;
use core::fmt;
use hb_core::config::MAX_LINKS;
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, GroupId, LinkId};

/// What a start followed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The peer fell silent: for so long on each link on which it had been heard.
    Silence([Option<Duration>; MAX_LINKS]),
    /// Something else.
    Cause(Cause),
}

/// One such story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tale {
    /// What the start followed from.
    pub reason: Reason,
    /// What its scripts took together.
    pub scripts: Duration,
    /// From when the group was last known to be served, by either node, until it was in service here.
    pub gap: Duration,
}

/// A time in seconds, to the hundredth.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.as_millis().saturating_add(5) / 10;
        write!(f, "{}.{:02} s", hundredths / 100, hundredths % 100)
    }
}

/// Put the line into `out`; returns how loud it is.
pub fn tale(names: &Names, group: GroupId, tale: &Tale, out: &mut Text<LINE>) -> Level {
    let (own, peer, name) = (names.own.as_str(), names.peer.as_str(), names.group(group));
    let level = match tale.reason {
        Reason::Silence(silent) => {
            out.put(format_args!("{own} took over {name}: no beat of {peer}"));
            let heard = (0_u8..).zip(silent).filter_map(|(at, time)| Some((LinkId(at), time?)));
            for (at, (link, time)) in heard.enumerate() {
                let comma = if at == 0 { "" } else { "," };
                out.put(format_args!("{comma} on {} for {}", names.link(link), Seconds(time)));
            }
            Level::Warn
        }
        Reason::Cause(cause) => {
            out.put(format_args!("{own} has started {name}: "));
            cause_words(names, cause, GroupState::Starting, out);
            Level::Info
        }
    };
    let (scripts, gap) = (Seconds(tale.scripts), Seconds(tale.gap));
    out.put(format_args!("; scripts took {scripts}; clients were without service for about {gap}"));
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::names::GroupNames;

    fn names() -> Names {
        Names {
            own: "ha-2".to_owned(),
            peer: "ha-1".to_owned(),
            links: ["ttyS0".to_owned(), "eth1".to_owned()].into(),
            media: ["serial", "bcast"].into(),
            groups: [GroupNames {
                name: "192.168.2.50".to_owned(),
                preferred: "ha-1".to_owned(),
                resources: ["192.168.2.50".to_owned()].into(),
                hashes: [7].into(),
            }]
            .into(),
            pings: [].into(),
            addresses: [].into(),
        }
    }

    #[test]
    fn a_takeover_says_why_and_how_long() {
        let names = names();
        let mut silent = [None; MAX_LINKS];
        silent[0] = Some(Duration::from_millis(10_004));
        silent[1] = Some(Duration::from_millis(10_011));
        let (scripts, gap) = (Duration::from_millis(1200), Duration::from_millis(11_296));
        let mut out = Text::new();
        let level =
            tale(&names, GroupId(0), &Tale { reason: Reason::Silence(silent), scripts, gap }, &mut out);
        assert_eq!(level, Level::Warn);
        assert_eq!(
            out.as_str(),
            "ha-2 took over 192.168.2.50: no beat of ha-1 on ttyS0 for 10.00 s, on eth1 for 10.01 s; \
             scripts took 1.20 s; clients were without service for about 11.30 s"
        );
        out.clear();
        let reason = Reason::Cause(Cause::PeerLeaving);
        let level = tale(&names, GroupId(0), &Tale { reason, scripts, gap }, &mut out);
        assert_eq!(level, Level::Info);
        assert!(out.as_str().starts_with("ha-2 has started 192.168.2.50: node ha-1 leaves; scripts took "));
    }
}
