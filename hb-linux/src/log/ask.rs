//! What asking for the service addresses came to, in words (DESIGN §7 O2c).

use super::{LINE, Names, Text};
use crate::helper::Level::{self, Info, Warn};
use core::fmt;
use hb_core::{Event, Unable};

/// A hardware address as people write it.
#[derive(Clone, Copy, Debug)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
    }
}

/// Why a question could not leave, in words.
const fn unable(why: Unable) -> &'static str {
    match why {
        Unable::NoInterface => "there is no interface for it, and no route to it",
        Unable::Down => "its interface is down (ifconfig or ip link shows which)",
        Unable::NoCarrier => "its interface has no carrier: look at the cable and the switch",
        Unable::Refused => "the kernel refused to send",
    }
}

/// The line for one of these events.
pub(super) fn ask_line(names: &Names, event: &Event, out: &mut Text<LINE>) -> Level {
    let peer = names.peer.as_str();
    match *event {
        Event::AddressAnswered { address, mac, waits, .. } => {
            let (ip, mac) = (names.address(address), Mac(mac));
            let end = if waits { "not claimed" } else { "claimed all the same (answered claim)" };
            out.put(format_args!(
                "{peer} is silent on every link, but {ip} is still answered by {mac}: a cut heartbeat link, or a dead daemon on a living machine; {end}"
            ));
            Warn
        }
        Event::AddressSilent(group) => {
            let group = names.group(group);
            out.put(format_args!("Nobody has answered for the addresses of group {group} for a deadtime"));
            Info
        }
        Event::AskBlind { group, address, why } => {
            let (ip, group) = (names.address(address), names.group(group));
            out.put(format_args!(
                "Group {group}: {ip} cannot be asked for: {}; nothing is proven by silence, and nothing claimed before it can, or initdead has passed",
                unable(why)
            ));
            Warn
        }
        Event::AskDeaf(group) => {
            out.put(format_args!(
                "Group {}: its network is as silent as its address, though others answered there before: nothing is claimed before one answers, or initdead has passed",
                names.group(group)
            ));
            Warn
        }
        Event::AskGivenUp(group) => {
            out.put(format_args!(
                "Group {}: whether another machine has its address could not be asked for all of initdead: {peer} is taken for dead all the same",
                names.group(group)
            ));
            Warn
        }
        Event::AddressDuplicate { group, mac } => {
            out.put(format_args!(
                "Group {}: {} answers for its address while both nodes have it stopped: a proxy, or a duplicate address; not counted from now on",
                names.group(group),
                Mac(mac)
            ));
            Warn
        }
        Event::AnswersForged { group, mac } => {
            out.put(format_args!(
                "Group {}: {} sends ARP answers for its address that nobody asked for; they are not counted",
                names.group(group),
                Mac(mac)
            ));
            Warn
        }
        Event::AddressTaken { group, mac } => {
            out.put(format_args!(
                "Group {}: {} has its address, or is about to take it: given up here",
                names.group(group),
                Mac(mac)
            ));
            Warn
        }
        _ => Info,
    }
}
