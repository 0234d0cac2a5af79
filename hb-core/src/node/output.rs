//! Handing out what is to be done, one action at a time: beats first, then the watchdog, then everything else.

use super::scripts::ScriptAction;
use super::{FRAME_BUF, Node};
use crate::action::Action;
use crate::auth::seal_as;
use crate::config::LinkKind;
use crate::event::Event;
use crate::frame;
use crate::ids::LinkId;
use crate::message::wire::{MAX_SENT, Style};

impl Node {
    pub(super) fn next_action(&mut self, out: &mut [u8; FRAME_BUF]) -> Option<Action> {
        if let Some(transmit) = self.next_frame(out) {
            return Some(transmit);
        }
        #[cfg(feature = "next-wire")]
        if let Some(transmit) = self.next_word(out) {
            return Some(transmit);
        }
        if core::mem::take(&mut self.out.feed) {
            self.out.fed = self.out.fed.saturating_add(1);
            return Some(Action::FeedWatchdog);
        }
        match self.queue.calls.pop_front() {
            Some(ScriptAction::Kill(token)) => return Some(Action::KillScript { token }),
            Some(ScriptAction::Run { group, resource, verb, token }) => {
                return Some(Action::RunScript { group, resource, verb, token });
            }
            None => {}
        }
        for id in self.group_ids() {
            if let Some(group) = self.group_mut(id)
                && core::mem::take(&mut group.announce)
            {
                return Some(Action::Announce { group: id });
            }
            if let Some(action) = self.ask_action(id) {
                return Some(action);
            }
            if let Some(action) = self.copy_action(id) {
                return Some(action);
            }
        }
        if core::mem::take(&mut self.out.persist) {
            return Some(Action::Persist { serial: self.persist_serial });
        }
        if core::mem::take(&mut self.out.fence) {
            return Some(Action::Fence);
        }
        if core::mem::take(&mut self.out.probe) {
            return Some(Action::ProbeAddresses);
        }
        if core::mem::take(&mut self.out.ping) {
            return Some(Action::Ping);
        }
        if let Some(event) = self.queue.events.pop_front() {
            return Some(Action::Report(event));
        }
        if self.out.events_lost > 0 {
            return Some(Action::Report(Event::Lost(core::mem::take(&mut self.out.events_lost))));
        }
        self.out.exit.take().map(|clean| Action::Exit { clean })
    }

    /// The current beat on the next link that it was not sent on yet (DESIGN §4.2).
    fn next_frame(&mut self, out: &mut [u8; FRAME_BUF]) -> Option<Action> {
        while self.out.transmit != 0 {
            let bit = self.out.transmit.trailing_zeros();
            self.out.transmit &= self.out.transmit.wrapping_sub(1);
            let id = LinkId(u8::try_from(bit).unwrap_or(0));
            let at = usize::from(id.0);
            let message = self.compose(id);
            let style = Style::of(self.speaks(), || self.says());
            let (cluster, keys) = (self.config.cluster, self.signing());
            let len = match self.config.links.get(at) {
                Some(LinkKind::Datagram) => seal_as(&message, style, cluster, keys, out),
                Some(LinkKind::Stream) => {
                    let mut datagram = [0; MAX_SENT];
                    seal_as(&message, style, cluster, keys, &mut datagram)
                        .and_then(|len| datagram.get(..len))
                        .and_then(|datagram| frame::encode(datagram, out))
                }
                None => None,
            };
            if let (Some(len), Some(link)) = (len, self.links.get_mut(at)) {
                link.tx = link.tx.saturating_add(1);
                return Some(Action::Transmit { link: id, len });
            }
        }
        None
    }
}
