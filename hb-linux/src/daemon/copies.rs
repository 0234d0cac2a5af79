//! The groups' data as the daemon sees it: for each group one child at a time (see [`crate::data::worker`]), in the order
//! in which the core asked. The loop waits for none of them.

use super::voice::Voice;
use crate::config::Settings;
use crate::data::note;
use crate::data::pull::Order;
use crate::data::site::{self, Site};
use crate::data::worker::{self, Job};
use crate::ending::{Ending, Patience};
use crate::helper::Level;
use crate::scripts::Places;
use crate::sys::process::{self, Pid, own_pid};
use crate::sys::{Fd, fd, guard};
use hb_core::config::MAX_GROUPS;
use hb_core::{Duration, GroupId, Input, Instant, Pulled, Stamp, Token};
use heapless::Deque;

/// Of a pull that is to end.
const PATIENCE: Patience = Patience { grace: Duration::from_millis(300), give_up: None };
/// Between two looks at what a child says, and whether a group that was killed is gone.
const LOOK: Duration = Duration::from_millis(100);
/// After a child that could not be made, or ended without a word.
const PAUSE: Duration = Duration::from_secs(2);
/// Jobs that wait behind the one that runs: a pull, and writes of a claim that comes and goes.
const QUEUE: usize = 8;
/// More than the longest line of a child.
const BUF: usize = 512;
/// A command of `hbd guard`: no request is longer.
const COMMAND: usize = crate::control::wire::MAX_REQUEST;

/// A job, and whom its end is told to.
#[derive(Clone, Copy, Debug)]
struct Task {
    job: Job,
    token: Token,
}

/// A child at work.
#[derive(Debug)]
struct Running {
    task: Task,
    child: Pid,
    pipe: Fd,
    buf: [u8; BUF],
    len: usize,
    /// The child is reaped; what is left of its group is not.
    ended: bool,
    ending: Ending,
    /// The copy was changed.
    touched: bool,
    /// What it came to.
    said: Option<Said>,
}

#[derive(Clone, Copy, Debug)]
enum Said {
    Read(Stamp, Option<Duration>),
    Whole(Stamp, u32),
    Written,
}

/// The data of one group.
#[derive(Debug)]
struct Place {
    group: GroupId,
    site: Site,
    queue: Deque<Task, QUEUE>,
    running: Option<Running>,
    /// What stands in the directory, as this life knows it.
    own: Stamp,
    not_before: Instant,
    /// What `hbd guard` brought, for the next pull, or the one that runs.
    command: heapless::String<COMMAND>,
    /// It is for the next pull.
    guarded: bool,
}

/// All groups with data.
#[derive(Debug)]
pub(super) struct Copies {
    places: Vec<Place>,
    look: Instant,
}

impl Copies {
    /// Begins to read what stands in the directories.
    #[must_use]
    pub(super) fn of(settings: &Settings, places: &Places) -> Self {
        let sites = site::all(settings, places);
        let place = |(group, site)| {
            let mut queue = Deque::new();
            let _ = queue.push_back(Task { job: Job::Read, token: Token(0) });
            let (command, not_before) = (heapless::String::new(), Instant::ZERO);
            Place { group, site, queue, running: None, own: Stamp::NONE, not_before, command, guarded: false }
        };
        Self { places: sites.into_iter().map(place).collect(), look: Instant::ZERO }
    }

    fn place(&mut self, group: GroupId) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.group == group)
    }

    /// Write a stamp, after all that was asked for before.
    pub(super) fn write(&mut self, now: Instant, group: GroupId, token: Token, stamp: Stamp) -> bool {
        self.look = now;
        self.place(group)
            .is_some_and(|place| place.queue.push_back(Task { job: Job::Write(stamp), token }).is_ok())
    }

    /// Pull, after all that was asked for before.
    pub(super) fn pull(
        &mut self,
        now: Instant,
        group: GroupId,
        token: Token,
        (source, last, keep): (Stamp, bool, bool),
    ) -> bool {
        self.look = now;
        self.place(group).is_some_and(|place| {
            let guarded = core::mem::take(&mut place.guarded);
            let order = Order { source, last, keep, own: Stamp::NONE, guarded };
            place.queue.push_back(Task { job: Job::Pull(order), token }).is_ok()
        })
    }

    /// The next pull of the group, which the core is about to ask for, begins with this command.
    pub(super) fn guard(&mut self, group: GroupId, words: &str) {
        if let Some(place) = self.place(group) {
            place.command.clear();
            place.guarded = place.command.push_str(words).is_ok();
        }
    }

    /// End that pull. One that has not begun is answered at once.
    pub(super) fn end_pull(&mut self, now: Instant, token: Token) -> Option<Input<'static>> {
        self.look = now;
        for place in &mut self.places {
            if let Some(running) = place.running.as_mut().filter(|running| running.task.token == token) {
                running.ending.ask(now, running.child);
                return None;
            }
            let waiting = place.queue.len();
            for _ in 0..waiting {
                match place.queue.pop_front() {
                    Some(task) if task.token == token && matches!(task.job, Job::Pull(_)) => {}
                    Some(task) => drop(place.queue.push_back(task)),
                    None => {}
                }
            }
            if place.queue.len() < waiting {
                return Some(Input::PullDone { token, outcome: Pulled::Cut { partial: false } });
            }
        }
        None
    }

    /// End all children at once: for a daemon that goes.
    pub(super) fn kill_all(&self) {
        for running in self.places.iter().filter_map(|place| place.running.as_ref()) {
            let _ = process::kill_group(running.child);
        }
    }

    /// When [`Copies::service`] has something to do.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        let busy = self.places.iter().any(|place| place.running.is_some() || !place.queue.is_empty());
        if busy { self.look } else { Instant::NEVER }
    }

    /// After a child's end, and when it is due: begin what can begin, take in what children say.
    pub(super) fn service(
        &mut self,
        now: Instant,
        voice: &mut Voice,
    ) -> heapless::Vec<Input<'static>, MAX_GROUPS> {
        guard::pass("copies");
        let mut inputs = heapless::Vec::new();
        for place in &mut self.places {
            if let Some(input) = place.service(now, voice) {
                let _ = inputs.push(input);
            }
        }
        self.look = now.plus(LOOK);
        inputs
    }
}

impl Place {
    fn service(&mut self, now: Instant, voice: &mut Voice) -> Option<Input<'static>> {
        let mut input = None;
        if let Some(running) = &mut self.running {
            running.ended |= process::has_ended(running.child);
            running.listen(self.group, voice);
            running.ending.service(now, running.child);
            if running.ended && process::group_exists(running.child) {
                // What outlived its leader writes to the copy no longer.
                let _ = process::kill_group(running.child);
            } else if running.ended
                && let Some(running) = self.running.take()
            {
                input = self.end(now, &running);
            }
        }
        if self.running.is_none()
            && now >= self.not_before
            && let Some(task) = self.queue.front().copied()
        {
            match self.begin(task) {
                Some(running) => {
                    self.running = Some(running);
                    let _ = self.queue.pop_front();
                }
                None => self.not_before = now.plus(PAUSE),
            }
        }
        input
    }

    /// A child for `task`.
    fn begin(&self, mut task: Task) -> Option<Running> {
        if let Job::Pull(order) = &mut task.job {
            order.own = self.own;
        }
        let (ours, theirs) = fd::pipe().ok()?;
        ours.set_nonblocking(true).ok()?;
        let (site, command, daemon) = (&self.site, self.command.as_str(), own_pid());
        // The child allocates; this process does not.
        guard::disarm();
        let forked = process::fork(move || worker::run(site, &task.job, command, &theirs, daemon));
        guard::arm();
        let child = forked.ok()?;
        Some(Running {
            task,
            child,
            pipe: ours,
            buf: [0; BUF],
            len: 0,
            ended: false,
            ending: Ending::at(Instant::NEVER, PATIENCE),
            touched: false,
            said: None,
        })
    }

    /// What the end of a child means.
    fn end(&mut self, now: Instant, running: &Running) -> Option<Input<'static>> {
        let Task { job, token } = running.task;
        match (job, running.said) {
            (Job::Read, Some(Said::Read(stamp, age))) => {
                self.own = stamp;
                Some(Input::Copy { group: self.group, stamp, age })
            }
            (Job::Read, _) => {
                self.not_before = now.plus(PAUSE);
                let _ = self.queue.push_front(Task { job, token });
                None
            }
            (Job::Write(stamp), said) => {
                let ok = matches!(said, Some(Said::Written));
                if ok {
                    self.own = stamp;
                }
                Some(Input::StampWritten { token, ok })
            }
            (Job::Pull(_), Some(Said::Whole(stamp, moved))) => {
                self.own = stamp;
                Some(Input::PullDone { token, outcome: Pulled::Whole { stamp, moved } })
            }
            (Job::Pull(_), _) => {
                self.own.partial |= running.touched;
                Some(Input::PullDone { token, outcome: Pulled::Cut { partial: running.touched } })
            }
        }
    }
}

impl Running {
    /// Read the lines that are there.
    fn listen(&mut self, group: GroupId, voice: &mut Voice) {
        while let Some(room) = self.buf.get_mut(self.len..).filter(|room| !room.is_empty()) {
            let Ok(Some(n @ 1..)) = self.pipe.read(room) else { break };
            self.len += n;
            while let Some(at) = self.buf.get(..self.len).and_then(|all| all.iter().position(|&b| b == b'\n'))
            {
                let buf = self.buf;
                let line = core::str::from_utf8(buf.get(..at).unwrap_or_default()).unwrap_or("?");
                self.take(line, group, voice);
                self.buf.copy_within(at + 1..self.len, 0);
                self.len -= at + 1;
            }
        }
    }

    fn take(&mut self, line: &str, group: GroupId, voice: &mut Voice) {
        let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
        let mut words = rest.split_ascii_whitespace();
        match kind {
            "E" => voice.say_group(Level::Warn, group, format_args!("data:{rest}")),
            "P" => self.touched = true,
            "K" => self.said = Some(Said::Written),
            "R" => {
                let Some(stamp) = note::take(&mut words) else { return };
                let age = words.next().and_then(|word| word.parse().ok()).map(Duration::from_secs);
                self.said = Some(Said::Read(stamp, age));
            }
            "W" => {
                let Some(stamp) = note::take(&mut words) else { return };
                let moved = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
                self.said = Some(Said::Whole(stamp, moved));
            }
            _ => {}
        }
    }
}
