//! The next version's other message, and which version a node of such a build speaks.

use super::{FRAME_BUF, Node};
use crate::action::Action;
use crate::auth::next::seal_word;
use crate::config::LinkKind;
use crate::frame;
use crate::ids::LinkId;
use crate::message::wire::{MAX_SENT, Speaks};

/// A word follows the beats whose number this divides.
const EVERY: u32 = 8;

impl Node {
    /// Speak this version. For a node that has not sent anything yet; it speaks the newest if nothing is said.
    pub fn speak(&mut self, speaks: Speaks) {
        self.speaks = speaks;
    }

    /// Behind a beat that went out.
    pub(super) fn word_follows(&mut self) {
        let due = self.speaks.is_next() && !self.long_form && self.seq.is_multiple_of(EVERY);
        self.out.word = if due { self.out.transmit } else { 0 };
    }

    /// The word on the next link that it was not sent on yet.
    pub(super) fn next_word(&mut self, out: &mut [u8; FRAME_BUF]) -> Option<Action> {
        while self.out.word != 0 {
            if self.seq.is_multiple_of(EVERY) {
                self.seq = self.seq.checked_add(1)?;
                self.sends.sent(self.seq, self.now);
                self.note_offer();
            }
            let bit = self.out.word.trailing_zeros();
            self.out.word &= self.out.word.wrapping_sub(1);
            let id = LinkId(u8::try_from(bit).unwrap_or(0));
            let at = usize::from(id.0);
            let (message, says, number) = (self.compose(id), self.says(), self.seq);
            let (cluster, keys) = (self.config.cluster, self.signing());
            let len = match self.config.links.get(at) {
                Some(LinkKind::Datagram) => seal_word(&message, says, number, cluster, keys, out),
                Some(LinkKind::Stream) => {
                    let mut datagram = [0; MAX_SENT];
                    seal_word(&message, says, number, cluster, keys, &mut datagram)
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
