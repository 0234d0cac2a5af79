//! One move of a drill, from one state in which all is well to the next.

use super::power::{BOOT, Fence};
use super::probe::Prober;
use super::report::Step;
use super::watch::Watch;
use super::{How, Wish, lost, well};
use crate::cli::ask::{Way, arrived, broken};
use crate::cli::snapshot;
use crate::config::Shown;
use crate::control::Snapshot;
use crate::control::client::{Client, Verdict};
use crate::control::wire::Request;
use crate::fence::Call;
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use core::net::Ipv4Addr;
use hb_core::{Duration, Instant};
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Between two looks at daemon and network.
const LOOK_MS: i32 = 10;
/// A move that makes no progress for this long has failed.
const STILL: Duration = Duration::from_secs(15);
/// After a move: until all is well again, or the drill ends where it is.
const CALM: Duration = Duration::from_secs(60);
/// Before the first move.
const BRIEFLY: Duration = Duration::from_secs(3);
/// After a move: for the first answer over the network.
const ANSWER: Duration = Duration::from_secs(5);

/// One move.
pub(super) struct Run<'a> {
    pub(super) wish: &'a Wish,
    pub(super) how: How,
    pub(super) first: bool,
    pub(super) groups: &'a [String],
    pub(super) addresses: &'a [(String, Ipv4Addr)],
    pub(super) fence: Option<&'a mut Fence>,
}

impl Run<'_> {
    /// Have all its groups arrived before it begins?
    pub(super) fn is_there(&self) -> bool {
        let here = |shot: &Snapshot| {
            let mut all = shot.groups.iter().filter(|group| self.groups.contains(&group.name));
            all.all(|group| arrived(group, self.how.way()))
        };
        snapshot(&self.wish.options).is_ok_and(|shot| here(&shot))
    }

    /// From one state in which all is well to the next. `Err`: what went wrong, with what was seen of the move if it began.
    pub(super) fn step(&mut self, before: &Snapshot) -> Result<Step, Box<(Option<Step>, String)>> {
        let mut clock = Clock::start();
        let not_begun = |why: String| Box::new((None, format!("not moved: {why}")));
        let patience = if self.first { BRIEFLY } else { CALM };
        self.calm(&mut clock, patience).map_err(not_begun)?;
        if self.how == How::Power
            && let Some(fence) = &mut self.fence
        {
            fence.could().map_err(not_begun)?;
        }
        let wanted: Vec<_> =
            self.addresses.iter().filter(|(group, _)| self.groups.contains(group)).cloned().collect();
        let mut prober = Prober::new(&wanted, self.wish.port, clock.now());
        let mut watch = Watch::new(self.how.way(), &wanted, prober.asks());
        watch.power = self.how == How::Power;
        // What answers before is known first: an address that nobody may ask for is measured by the nodes' own word.
        let begin = clock.now();
        while clock.now() < begin.plus(Duration::from_millis(500)) {
            self.look(&mut clock, &mut prober, &mut watch).map_err(not_begun)?;
        }
        let asked = clock.now();
        watch.asked(asked);
        let call = match (self.how, &self.fence) {
            (How::Power, Some(fence)) => Some(fence.begin(&mut clock).map_err(not_begun)?),
            _ => {
                self.ask().map_err(|why| Box::new((None, why)))?;
                None
            }
        };
        let moved = self.follow(&mut clock, &mut prober, &mut watch, asked, call);
        let (to, from) = match self.how.way() {
            Way::Here => (&before.own.name, &before.peer.name),
            Way::Away => (&before.peer.name, &before.own.name),
        };
        let step = Step {
            from: from.clone(),
            to: to.clone(),
            power: self.how == How::Power,
            took: clock.now().since(asked),
            outages: watch.outages(),
            seen: watch.seen(),
        };
        let moved = moved.and_then(|()| match self.how {
            How::Moved(_) => self.calm(&mut clock, CALM),
            How::Power => self
                .calm(&mut clock, BOOT)
                .map_err(|why| format!("{} is not back after {}: {why}", before.peer.name, Shown(BOOT))),
        });
        match moved {
            Ok(()) => Ok(step),
            Err(why) => Err(Box::new((Some(step), why))),
        }
    }

    /// Has the daemon move them.
    fn ask(&self) -> Result<(), String> {
        let which = self.wish.which();
        let request = match self.how.way() {
            Way::Away => Request::Standby(which),
            Way::Here => Request::Takeover(which),
        };
        let verdict =
            Client::connect(&self.wish.options.run_dir).and_then(|mut client| client.ask(&request, |_| {}));
        match verdict {
            Ok(Verdict::Accepted) => Ok(()),
            Ok(Verdict::Refused(why)) => Err(format!("the daemon refused: {why}")),
            Err(why) => Err(lost(why)),
        }
    }

    /// Until all is well.
    fn calm(&self, clock: &mut Clock, patience: Duration) -> Result<(), String> {
        let end = clock.now().plus(patience);
        loop {
            let shot = snapshot(&self.wish.options).map_err(lost)?;
            match well(&shot) {
                Ok(()) => return Ok(()),
                Err(why) if clock.now() >= end => return Err(why),
                // What heals by itself needs a moment.
                Err(_) => sleep_ms(200),
            }
        }
    }

    /// One look at network and daemon.
    fn look(&self, clock: &mut Clock, prober: &mut Prober, watch: &mut Watch) -> Result<Snapshot, String> {
        sleep_ms(LOOK_MS);
        let now = clock.now();
        for at in prober.service(now) {
            watch.answered(now, at);
        }
        let shot = snapshot(&self.wish.options).map_err(lost)?;
        let now = clock.now();
        for group in shot.groups.iter().filter(|group| self.groups.contains(&group.name)) {
            watch.state(now, &group.name, group.state, group.peer_state);
        }
        Ok(shot)
    }

    /// Until the fence has ended, every group has arrived, and every address that answered before answers again.
    fn follow(
        &self,
        clock: &mut Clock,
        prober: &mut Prober,
        watch: &mut Watch,
        asked: Instant,
        mut call: Option<Call>,
    ) -> Result<(), String> {
        let still = self.fence.as_ref().filter(|_| self.how == How::Power).map_or(STILL, |fence| fence.still);
        let (mut progress, mut last, mut there) = (asked, Vec::new(), None);
        loop {
            let shot = self.look(clock, prober, watch)?;
            let now = clock.now();
            if let Some(fence) = &self.fence
                && let Some(verdict) = call.as_mut().and_then(|call| call.service(now, |_| {}))
            {
                call = None;
                watch.said(now, format!("the fence has ended: {verdict:?}"));
                fence.judge(verdict)?;
            }
            let groups: Vec<_> = shot.groups.iter().filter(|g| self.groups.contains(&g.name)).collect();
            if let Some((group, state, node)) = groups.iter().find_map(|g| broken(&shot, g)) {
                return Err(format!("group {} is {state} on {node}; see the log there", group.name));
            }
            if call.is_none() && groups.iter().all(|group| arrived(group, self.how.way())) {
                let since = *there.get_or_insert(now);
                if watch.is_measured() || now.since(since) >= ANSWER {
                    return Ok(());
                }
            }
            let states: Vec<_> = groups.iter().map(|g| (g.state, g.peer_state)).collect();
            if states != last || groups.iter().any(|group| group.moving(&shot.peer)) {
                (progress, last) = (now, states);
            } else if there.is_none() && now.since(progress) >= still {
                return Err(format!("nothing moved for {}; hbd status says what it waits for", Shown(still)));
            }
        }
    }
}
