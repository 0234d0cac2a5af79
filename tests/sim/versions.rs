//! Two versions of the wire beside each other: each life of a daemon speaks one of them, so that a restart is an update, or
//! the way back. Only a build with the feature `next-wire` has a second one.

use crate::dice::Dice;
use crate::fault::{Fault, Kind};
use crate::note::Note;
use crate::open::Part;
use crate::plan::Plan;
use crate::setting::Differs;
use crate::world::World;
use hb_core::Duration;
use hb_core::config::LinkKind;
use hb_core::message::wire::VERSION;

/// Restarts in order that a mixed plan has more than others, at most.
const UPDATES: u64 = 4;

/// Make `plan` one of a mixed pair. Out of it stays what two versions do not promise to each other: files that differ, data,
/// and the last epochs.
pub(crate) fn mix(plan: &mut Plan) {
    let mut dice = Part::Versions.dice(plan.seed);
    plan.setting.versions = Some(dice.word());
    plan.setting.differs = Differs::Nowhere;
    (plan.setting.data, plan.setting.last_epochs, plan.setting.edited) = (None, None, false);
    let of_data = |kind| matches!(kind, Kind::PullsFail | Kind::PullsSlow | Kind::StampLoss);
    plan.faults.retain(|fault| fault.kind != Kind::Edit && !of_data(fault.kind));
    // A claim that went on without its record (DESIGN section 8) is no matter of versions.
    let slow = |fault: &Fault| matches!(fault.kind, Kind::DiskSlow | Kind::DiskStuck | Kind::DiskFails);
    if plan.faults.iter().any(slow) {
        plan.faults.retain(|fault| fault.kind != Kind::GoneAtStart);
    }
    // Who stops beside a node that waits for a busy device leaves nobody to serve.
    if plan.faults.iter().any(|fault| fault.kind == Kind::DogBusy) {
        return;
    }
    let keepalive = plan.setting.timing.keepalive;
    let span = plan.length.as_micros() * 9 / 10;
    for _ in 0..dice.range(1, UPDATES) {
        let at = Duration::from_micros(dice.roll(span));
        let update = Fault::draw(&mut dice, &[Kind::Stop], at, keepalive, plan.setting.links.len() as u64);
        // An odd amount, that three does not divide: told once.
        plan.faults.push(Fault { amount: 1, ..update });
    }
    plan.faults.sort_by_key(|fault| fault.at);
}

/// Is that frame of the next version's other message? It shows nothing of its sender.
pub(crate) fn is_word(kind: LinkKind, bytes: &[u8]) -> bool {
    let word = |first: u8, flags: u8| first >> 4 > VERSION && flags & 1 << 6 != 0;
    match (kind, bytes) {
        (LinkKind::Datagram, [first, flags, ..]) => word(*first, *flags),
        // Behind the delimiter and a code that says that the first two bytes are none.
        (LinkKind::Stream, [0, code, first, flags, ..]) => *code > 2 && word(*first, *flags),
        _ => false,
    }
}

impl World {
    /// A life begins on `host`: which version does it speak?
    pub(crate) fn speak(&mut self, host: usize) {
        if let Some(word) = self.versions {
            let h = &mut self.hosts[host];
            // Of two that begin together mostly one of each.
            let first = h.life == 1 && word & 6 != 0;
            let drawn = Dice::new(word ^ u64::from(h.life) << 1 ^ host as u64).chance(500);
            h.next = if first { (word & 1 == 1) == (host == 1) } else { drawn };
            if h.next {
                self.notes.push(Note::Next { host });
            }
        }
        #[cfg(feature = "next-wire")]
        {
            use hb_core::message::wire::Speaks;
            let h = &mut self.hosts[host];
            let speaks = if h.next { Speaks::NEWEST } else { Speaks::RELEASED };
            if let Some(node) = &mut h.node {
                node.speak(speaks);
            }
        }
    }

    /// The daemon of `host` is of a later version than the other one: it decides.
    #[must_use]
    pub fn newer(&self, host: usize) -> bool {
        self.hosts[host].next && !self.hosts[1 - host].next
    }
}
