//! The events of a group's data as lines for operators (DESIGN §9).

use super::names::Names;
use super::reasons::stale_words;
use super::{LINE, Text};
use crate::helper::Level;
use hb_core::Event;

/// Put the line for `event`, one about a group's data, into `out`; returns how loud it is.
pub(super) fn data_line(names: &Names, event: &Event, out: &mut Text<LINE>) -> Level {
    let peer = names.peer.as_str();
    match *event {
        Event::Pulled(group) => {
            out.put(format_args!("The data of group {} is in sync with node {peer}", names.group(group)));
            Level::Info
        }
        Event::MovedAside { group, files } => {
            out.put(format_args!(
                "Pulling the data of group {} moved {files} files aside that were on this disk only: hbd data list names them",
                names.group(group)
            ));
            Level::Warn
        }
        Event::PullFailed(group) => {
            out.put(format_args!(
                "Pulling the data of group {} from node {peer} failed; it is tried again, and until then the copy grows old",
                names.group(group)
            ));
            Level::Error
        }
        Event::LastPullFailed(group) => {
            out.put(format_args!(
                "The last pull of group {}'s data failed: no start here, node {peer} may take it back; moving it waits a while",
                names.group(group)
            ));
            Level::Error
        }
        Event::StaleAccepted(group, why) => {
            out.put(format_args!(
                "Group {} starts on a stale copy of its data: {}",
                names.group(group),
                stale_words(why)
            ));
            Level::Critical
        }
        Event::StartsBehind(group) => {
            out.put(format_args!(
                "Group {} starts without what node {peer} wrote since the last pull: it could not be brought, and nobody else can run it",
                names.group(group)
            ));
            Level::Critical
        }
        Event::StampFailed(group) => {
            out.put(format_args!(
                "The stamp of group {}'s data could not be written: no start on a disk that takes no writes",
                names.group(group)
            ));
            Level::Error
        }
        // The caller hands over no other.
        _ => Level::Info,
    }
}
