//! The loop: the one place of the daemon that waits.
//!
//! ```text
//! poll(2) -> read the clock once -> links, pings, helper, scripts, control: one Input each, actions drained after each
//!         -> timers of the shell -> Input::Tick -> actions -> until the earliest deadline
//! ```
//! Whether silence may be judged (`drained`) is known without further system calls: what was not ready had nothing,
//! and what was ready was read until it had nothing left. Only when the wait ended much later than it should have (the
//! process was stopped, or had no processor) is the readiness older than the clock, and asked for again.
//!
//! A round that gave a fresh frame of the peer, in time, and in which nothing is due, has nothing to judge. It does not look
//! a second time at that link: it ends without a tick, and the next wait says whether the link had more ([`Read::Open`]). If
//! it had, it is read until it has nothing left. So no tick ever calls a link empty that nobody saw empty.
//!
//! A wait that fails is answered by a short pause, and then every descriptor is read directly: nothing here ever waits.
//! Time in which a link could not be read is told to the core as such ([`Input::Unread`]): it is the own stall. More
//! rounds than any sound cause makes, whatever the cause, are spaced out.
//!
//! An idle period with one UDP link: two waits, one send, one feed, one read.

use super::effects::Effects;
use super::interfaces::Interfaces;
use super::open::{self, Ending, Open};
use super::reload::Reload;
use super::requests::Facts;
use super::standbys::Standbys;
use crate::control::Server;
use crate::control::server::MAX_FDS;
use crate::link::Link;
use crate::scripts::MAX_OUTPUTS;
use crate::sys::clock::Clock;
use crate::sys::guard;
use crate::sys::poll::{PollFd, poll, sleep_ms, sleep_us, timeout_until};
use crate::sys::signal::Signals;
use hb_core::config::{MAX_GROUPS, MAX_LINKS};
use hb_core::{Duration, Input, Instant, Node, PeerState};

/// Reads of one link in one round. What is left is read in the next one, and silence is not judged meanwhile.
pub(super) const MAX_READS: usize = 512;
/// Frames within [`WINDOW`] that mean a flood: eight links at the shortest keepalive bring 80.
const FLOOD: u32 = 200;
/// How long frames are counted for that.
const WINDOW: Duration = Duration::from_millis(100);
/// More rounds than this within [`WINDOW`] are spaced out by [`SPACING_MS`].
const MANY_ROUNDS: u32 = 60;
const SPACING_MS: i32 = 2;
/// After a wait that failed.
const PAUSE_MS: i32 = 10;
/// A link that is said to have something and gives nothing is taken for one that could not be read, for this long: then
/// it is damaged datagrams that somebody sends, which the kernel throws away as they are read.
const HOLLOW: Duration = Duration::from_secs(5);
/// A wait that ends this much later than it should is taken for a stall.
const LATE: Duration = Duration::from_millis(5);

/// Places in the array of descriptors.
const SIGNALS: usize = 0;
const HELPER: usize = 1;
const PINGS: usize = 2;
const PROBES: usize = 3;
const RELOAD: usize = 4;
const INTERFACES: usize = 5;
const ANSWERS: usize = 6;
const DOG: usize = 7;
const ATTENDANT: usize = 8;
const LINKS: usize = 9;
pub(super) const CONTROL: usize = LINKS + MAX_LINKS;
pub(super) const SCRIPTS: usize = CONTROL + MAX_FDS;
pub(super) const TOTAL: usize = SCRIPTS + MAX_OUTPUTS;

/// The running daemon.
#[derive(Debug)]
pub(super) struct Shell {
    /// Decides.
    pub(super) node: Node,
    /// Does.
    pub(super) fx: Effects,
    /// Time.
    pub(super) clock: Clock,
    /// Signals as a descriptor.
    pub(super) signals: Signals,
    /// Operators.
    pub(super) server: Option<Server>,
    /// `SIGHUP`.
    pub(super) reload: Reload,
    /// Operators who wait for a look at the scripts.
    pub(super) standbys: Standbys,
    /// The child that answers `hbd why`.
    #[cfg(feature = "why")]
    pub(super) why: super::why::Answering,
    /// For the status.
    pub(super) facts: Facts,
    /// Claimable as the node knows it.
    pub(super) claimable: [bool; MAX_GROUPS],
    /// This machine's interfaces.
    pub(super) interfaces: Interfaces,
    /// The last reading of the clock.
    pub(super) now: Instant,
    /// The helper is to be replaced at this time.
    pub(super) revive: Instant,
    /// When it was replaced last: one that ends at once is not replaced at once.
    pub(super) revived: Instant,
    /// Frames read since the window began.
    pub(super) reads: u32,
    /// When the window began, and whether the last one was flooded.
    pub(super) window: (Instant, bool),
    /// Rounds since the window began.
    pub(super) rounds: u32,
    /// The last wait worked: what it called ready has something.
    pub(super) waited: bool,
    /// Since when a link is called ready and gives nothing.
    pub(super) hollow: Option<Instant>,
    /// The links that nobody saw empty.
    pub(super) open: Open,
}

/// What came of reading a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// It has nothing left.
    All,
    /// It may have more.
    More,
    /// It may have more, which the next wait says: the round must not end in a tick.
    Open,
    /// It was called ready, and there was nothing.
    Hollow,
    /// It could not be read.
    Not,
}

impl Shell {
    /// Run until the node says that all is done; answers whether every group is proven stopped.
    pub(super) fn run(&mut self) -> bool {
        self.drain();
        loop {
            self.round();
            if let Some(clean) = self.fx.exit {
                return clean;
            }
        }
    }

    fn round(&mut self) {
        guard::pass("round");
        let mut fds = [PollFd::NONE; TOTAL];
        self.collect(&mut fds);
        let fine = self.clock.granularity_us() == 1;
        if fine {
            // No system call here; and the work since the last reading is not slept on top of.
            self.now = self.clock.now();
        }
        let deadline = self.deadline();
        // Death is declared at its time, not up to a millisecond later, as poll(2) would have it.
        let exact = fine && self.node.glance().peer == PeerState::Late;
        let timeout = timeout_until(self.now, deadline);
        self.wait(&mut fds, if exact { timeout - i32::from(timeout > 0) } else { timeout });
        self.now = self.clock.now();
        if exact && self.now < deadline && !fds.iter().any(|fd| fd.can_read() || fd.can_write()) {
            sleep_us(deadline.since(self.now).as_micros().min(1000));
            self.wait(&mut fds, 0);
            self.now = self.clock.now();
        }
        self.facts.late.note(self.now, deadline);
        let heard = fds.get(LINKS..CONTROL).unwrap_or_default().iter().any(PollFd::can_read);
        let (flooded, many) = self.traffic(heard);
        if many {
            sleep_ms(SPACING_MS);
            self.now = self.clock.now();
        } else if fine && flooded && deadline > self.now.plus(Duration::from_millis(3)) {
            // Let some of it gather: one round for twenty datagrams in place of twenty.
            sleep_ms(1);
            self.now = self.clock.now();
        }
        let late = LATE.plus(Duration::from_micros(self.clock.granularity_us().saturating_mul(2)));
        let stalled = deadline != Instant::NEVER && self.now > deadline.plus(late);
        if stalled {
            self.wait(&mut fds, 0);
        }
        self.open.begin(self.waited && !stalled && !flooded && !many && self.now < deadline);
        self.serve(&fds);
    }

    /// Wait. If that fails, pause for a moment and take everything for ready.
    fn wait(&mut self, fds: &mut [PollFd; TOTAL], timeout_ms: i32) {
        self.waited = poll(fds, timeout_ms).is_ok();
        if !self.waited {
            sleep_ms(if timeout_ms < 0 { PAUSE_MS } else { timeout_ms.min(PAUSE_MS) });
            fds.iter_mut().for_each(PollFd::assume_ready);
        }
    }

    /// Is more being sent here than any peer sends? Are there more rounds than there is cause for?
    fn traffic(&mut self, heard: bool) -> (bool, bool) {
        if self.now >= self.window.0.plus(WINDOW) {
            self.window = (self.now, core::mem::take(&mut self.reads) >= FLOOD);
            self.rounds = 0;
        }
        self.rounds = self.rounds.saturating_add(1);
        (heard && self.window.1, self.rounds > MANY_ROUNDS)
    }

    /// What to wait for.
    fn collect(&self, fds: &mut [PollFd; TOTAL]) {
        let mut set = |at: usize, fd: PollFd| {
            if let Some(slot) = fds.get_mut(at) {
                *slot = fd;
            }
        };
        set(SIGNALS, PollFd::readable(self.signals.fd()));
        let helper = &self.fx.voice.helper;
        set(HELPER, helper.fd().map_or(PollFd::NONE, |fd| PollFd::new(fd, helper.wants_write())));
        // An answer that is awaited is looked for in each round, and wakes nobody.
        let pings = self.fx.pinger.fd().filter(|_| !self.fx.pinger.is_awaited());
        set(PINGS, pings.map_or(PollFd::NONE, PollFd::readable));
        set(PROBES, self.fx.announcer.fd().map_or(PollFd::NONE, PollFd::readable));
        set(INTERFACES, self.interfaces.fd().map_or(PollFd::NONE, PollFd::readable));
        set(ANSWERS, self.fx.asker.fd(self.now).map_or(PollFd::NONE, PollFd::readable));
        set(RELOAD, self.reload.fd().map_or(PollFd::NONE, PollFd::readable));
        set(ATTENDANT, self.fx.attendant.fd().map_or(PollFd::NONE, PollFd::readable));
        let dog = self.fx.dog.as_ref().and_then(super::dog::Dog::fd);
        set(DOG, dog.map_or(PollFd::NONE, PollFd::readable));
        for (i, link) in self.fx.links.iter().enumerate().take(MAX_LINKS) {
            let write = link.wants_write();
            set(LINKS + i, link.fd().map_or(PollFd::NONE, |fd| PollFd::new(fd, write)));
        }
        if let Some(server) = &self.server {
            server.poll_fds(self.now).into_iter().enumerate().for_each(|(i, fd)| set(CONTROL + i, fd));
        }
        if let Some(outputs) = fds.get_mut(SCRIPTS..) {
            self.fx.runner.poll_fds(self.now, outputs);
        }
    }

    /// The earliest time at which something is to be done without being asked.
    fn deadline(&self) -> Instant {
        let fx = &self.fx;
        let links = fx.links.iter().map(Link::deadline);
        let others = [
            self.node.poll_deadline(),
            fx.runner.deadline(),
            fx.pinger.deadline(),
            fx.announcer.deadline(),
            fx.asker.deadline(),
            fx.shout.deadline(),
            fx.copies.deadline(),
            fx.fencer.deadline(),
            fx.attendant.deadline(),
            fx.dog.as_ref().map_or(Instant::NEVER, super::dog::Dog::deadline),
            self.reload.deadline(),
            self.interfaces.deadline(),
            self.standbys.deadline(),
            self.server.as_ref().map_or(Instant::NEVER, |server| server.deadline(self.now)),
            self.revive,
        ];
        links.chain(others).min().unwrap_or(Instant::NEVER)
    }

    /// One round over everything that is ready or due. Heartbeats come first, and the tick that may declare a death
    /// comes last.
    fn serve(&mut self, fds: &[PollFd; TOTAL]) {
        let ready = |at: usize| fds.get(at).is_some_and(PollFd::can_read);
        // Before anything is sent: what goes out on an interface that is off may spoil it for good on old kernels.
        if ready(INTERFACES) || self.interfaces.deadline() <= self.now {
            self.serve_interfaces(ready(INTERFACES));
        }
        let (mut drained, mut unread, mut hollow) = (true, false, false);
        for i in 0..self.fx.links.len().min(MAX_LINKS) {
            let read = self.serve_link(i, fds.get(LINKS + i).copied().unwrap_or(PollFd::NONE));
            drained &= read != Read::More;
            unread |= read == Read::Not;
            hollow |= read == Read::Hollow && self.waited;
        }
        if ready(PINGS) || self.fx.pinger.is_awaited() || self.fx.pinger.deadline() <= self.now {
            let read = self.serve_pings();
            unread |= read == Read::Not;
            hollow |= read == Read::Hollow && self.waited && ready(PINGS);
        }
        unread |= self.is_hollow(hollow);
        if ready(HELPER) || fds.get(HELPER).is_some_and(PollFd::can_write) || self.revive <= self.now {
            self.serve_helper();
        }
        if self.standbys.deadline() <= self.now {
            self.answer_standbys(false);
        }
        let outputs = fds.get(SCRIPTS..).unwrap_or_default();
        let voice = &mut self.fx.voice;
        self.fx.runner.read(self.now, outputs, |what, line| voice.script_says(what, line));
        if ready(SIGNALS) {
            let caught = self.signals.take();
            self.serve_signals(caught);
        }
        self.fx.runner.tick(self.now);
        if (ready(PROBES) || self.fx.announcer.deadline() <= self.now)
            && let Some(input) = self.fx.announcer.service(self.now, &mut self.fx.voice)
        {
            self.give(input);
        }
        if ready(ANSWERS) || self.fx.asker.deadline() <= self.now {
            for input in self.fx.asker.service(self.now) {
                self.give(input);
            }
        }
        if self.fx.copies.deadline() <= self.now {
            self.serve_copies();
        }
        if self.fx.fencer.deadline() <= self.now {
            self.serve_fence();
        }
        if ready(ATTENDANT) || self.fx.attendant.deadline() <= self.now {
            self.fx.attendant.service(self.now, &mut self.fx.voice);
        }
        if self.fx.shout.deadline() <= self.now {
            self.fx.shout.tick(self.now, &self.node, &mut self.fx.voice);
        }
        if let Some(dog) = &mut self.fx.dog
            && let Some(input) = dog.tick(self.now, &mut self.fx.voice)
        {
            self.give(input);
        }
        if ready(RELOAD) || self.reload.deadline() <= self.now {
            self.serve_reload();
        }
        let asked = fds.get(CONTROL..SCRIPTS).unwrap_or_default();
        let due = self.server.as_ref().is_some_and(|server| server.deadline(self.now) <= self.now);
        if due || asked.iter().any(|fd| fd.can_read() || fd.can_write()) {
            self.serve_operators(fds);
        }
        match self.open.end(unread || self.node.poll_deadline() <= self.now) {
            Ending::Tick => {}
            Ending::Wait => return self.link_changes(),
            Ending::Look(links) => {
                for i in (0..self.fx.links.len()).filter(|&i| open::has(links, i)) {
                    let read = self.serve_link(i, fds.get(LINKS + i).copied().unwrap_or(PollFd::NONE));
                    drained &= read != Read::More;
                    unread |= read == Read::Not;
                }
            }
        }
        if unread {
            self.give(Input::Unread);
        }
        self.give(Input::Tick { drained });
        self.link_changes();
        self.facts.record.tick(self.now, &self.facts.late, &mut self.fx.voice.helper);
    }

    /// Was a link hollow in this round, and not for too long?
    fn is_hollow(&mut self, hollow: bool) -> bool {
        if !hollow {
            self.hollow = None;
            return false;
        }
        let since = *self.hollow.get_or_insert(self.now);
        self.now.since(since) < HOLLOW
    }

    /// Give one input to the node and do what it asks, with everything that follows at once.
    pub(super) fn give(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        self.fx.drain(self.now, &mut self.node);
        while let Some(input) = self.fx.queue.pop_front() {
            self.node.handle_input(self.now, input);
            self.fx.drain(self.now, &mut self.node);
        }
    }
}
