//! Everything that lives while the demo runs, and the one place where it waits: the cable between the nodes, what they
//! say about themselves, the client, signals, ended children.

use super::client::{Answer, Client, Meter};
use super::files::{NAMES, TempDir};
use super::news;
use super::nodes::Node;
use super::nullmodem::NullModem;
use super::processes;
use super::timeline::{Cable, Look, Timeline, Tone};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, poll, timeout_until};
use crate::sys::process::{Ended, Pid, reap};
use crate::sys::signal::Signals;
use core::fmt;
use hb_core::message::GroupState;
use hb_core::{Duration, Instant};
use std::cell::RefCell;
use std::io::{Stdout, Write};
use std::rc::Rc;

/// Whatever happens, it is over after this.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Why the demo ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody asked for it.
    Interrupted,
    /// This went wrong.
    Reason(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::Reason(String::from(reason))
    }
}

/// What was printed so far, for whoever reads it beside standard output.
pub(super) type Copy = Rc<RefCell<Vec<u8>>>;

/// Standard output, and the copy.
#[derive(Debug)]
pub(super) struct Out {
    stdout: Stdout,
    copy: Option<Copy>,
}

impl Out {
    pub(super) fn new(copy: Option<Copy>) -> Self {
        Self { stdout: std::io::stdout(), copy }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.stdout.write(bytes)?;
        if let Some(copy) = &self.copy {
            copy.borrow_mut().extend_from_slice(bytes.get(..n).unwrap_or_default());
        }
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stdout.flush()
    }
}

/// What is done in one turn of the stage.
type Turn = dyn FnMut(&mut Clock);

/// What is done between two turns of the stage, and may not wait.
#[derive(Default)]
pub(super) struct Beside(pub(super) Option<Box<Turn>>);

impl Beside {
    fn turn(&mut self, clock: &mut Clock) {
        if let Some(work) = &mut self.0 {
            work(clock);
        }
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Beside").field(&self.0.is_some()).finish()
    }
}

/// Who looks on, besides standard output.
#[derive(Default)]
pub(super) struct Audience {
    pub(super) copy: Option<Copy>,
    pub(super) beside: Beside,
    /// After a good end nothing goes until somebody interrupts; what is said of that.
    pub(super) stay: Option<String>,
}

/// All parts. When it is dropped, however the demo ends, every process of the nodes goes, and then the directory.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) signals: Signals,
    pub(super) cable: NullModem,
    pub(super) nodes: [Node; 2],
    pub(super) client: Client,
    pub(super) meter: Meter,
    pub(super) timeline: Timeline<Out>,
    pub(super) end: Instant,
    /// Commands that run: which, and how it reads.
    pub(super) commands: Vec<(Pid, String)>,
    pub(super) beside: Beside,
    pub(super) temp: TempDir,
}

impl Stage {
    /// Run everything until `done`, for at most `seconds`; `what` says what is waited for.
    pub(super) fn until(
        &mut self,
        seconds: u64,
        what: &str,
        done: &dyn Fn(&Self) -> bool,
    ) -> Result<Instant, Failure> {
        let limit = self.clock.now().plus(Duration::from_secs(seconds));
        loop {
            let now = self.turn()?;
            if done(self) {
                return Ok(now);
            }
            if now >= limit {
                return Err(Failure::Reason(format!("{what}: not within {seconds} s")));
            }
        }
    }

    /// Run everything for this long.
    pub(super) fn pass(&mut self, time: Duration) -> Result<(), Failure> {
        let until = self.clock.now().plus(time);
        while self.turn()? < until {}
        Ok(())
    }

    /// Nothing happens any more; those beside are served until somebody interrupts.
    pub(super) fn stay(&mut self, text: &str) {
        self.timeline.text(format_args!("{text}\n"));
        loop {
            let _ = poll(&mut [PollFd::readable(self.signals.fd())], 20);
            let caught = self.signals.take();
            if caught.terminate() || caught.reload() {
                return;
            }
            self.beside.turn(&mut self.clock);
        }
    }

    /// Wait for the next thing, and see to it.
    fn turn(&mut self) -> Result<Instant, Failure> {
        let now = self.clock.now();
        let [one, two] = &self.nodes;
        let deadline = self.client.deadline().min(one.deadline()).min(two.deadline());
        let mut fds = vec![PollFd::readable(self.signals.fd()), one.watch.poll_fd(), two.watch.poll_fd()];
        fds.extend(self.cable.poll_fds());
        fds.extend(self.client.poll_fds());
        poll(&mut fds, timeout_until(now, deadline)).map_err(|why| format!("poll: {why}"))?;
        // First the cable: the nodes must not feel that the demo has other things to do.
        self.cable.run();
        let now = self.clock.now();
        let caught = self.signals.take();
        if caught.terminate() || caught.reload() {
            return Err(Failure::Interrupted);
        }
        while let Some((pid, ended)) = reap() {
            self.ended(now, pid, ended)?;
        }
        if now >= self.end {
            return Err(Failure::Reason(format!("not done after {} s", LIMIT.as_millis() / 1000)));
        }
        self.ask_nodes(now);
        self.ask_service(now);
        let look = self.look();
        self.timeline.show(now, look);
        self.beside.turn(&mut self.clock);
        if self.timeline.broken {
            return Err(Failure::from("standard output was closed"));
        }
        Ok(now)
    }

    fn ended(&mut self, now: Instant, pid: Pid, ended: Ended) -> Result<(), Failure> {
        for node in &mut self.nodes {
            match node.ended(pid) {
                None => {}
                Some(true) => return Ok(()),
                Some(false) => {
                    return Err(Failure::Reason(format!(
                        "the daemon of {} ended by itself: {ended:?}",
                        node.name
                    )));
                }
            }
        }
        if let Some(at) = self.commands.iter().position(|(command, _)| *command == pid) {
            let (_, text) = self.commands.swap_remove(at);
            if ended != Ended::Code(0) {
                return Err(Failure::Reason(format!("{text} failed: {ended:?}")));
            }
            self.timeline.event(now, Tone::Plain, format_args!("{text}: done"));
        }
        Ok(())
    }

    /// Tell what has changed on the nodes by their own account.
    fn ask_nodes(&mut self, now: Instant) {
        for node in self.nodes.iter_mut().filter(|node| node.is_on()) {
            let before = node.watch.latest().cloned().unwrap_or_default();
            if node.watch.run(now)
                && let Some(after) = node.watch.latest()
            {
                let (timeline, name) = (&mut self.timeline, node.name);
                news::tell(&before, after, &mut |tone, text| {
                    timeline.event(now, tone, format_args!("{name}: {text}"));
                });
            }
        }
    }

    fn ask_service(&mut self, now: Instant) {
        let (timeline, meter) = (&mut self.timeline, &mut self.meter);
        self.client.run(now, |answer| {
            let served = meter.served_by();
            let outage = meter.note(now, answer);
            timeline.mark(now, answer != Answer::Bad);
            match (answer, served, outage) {
                (Answer::Bad, Some(node), _) => {
                    let text = format_args!("client: {} does not answer any more", NAMES[node]);
                    timeline.event(now, Tone::Bad, text);
                }
                (Answer::Good(node), _, Some(outage)) => {
                    let gap = seconds(outage.length());
                    let text = format_args!("client: {} answers, after {gap} without", NAMES[node]);
                    timeline.event(now, Tone::Good, text);
                }
                (Answer::Good(node), old, _) if old != Some(node) => {
                    timeline.event(now, Tone::Good, format_args!("client: {} answers", NAMES[node]));
                }
                _ => {}
            }
        });
    }

    fn look(&self) -> Look {
        let word = |node: &Node| match node.state() {
            Some(GroupState::Held) => ("HELD", Tone::Good),
            Some(GroupState::Failed) => ("FAILED", Tone::Bad),
            Some(GroupState::Stuck) => ("STUCK", Tone::Bad),
            Some(GroupState::Starting) => ("starting", Tone::Plain),
            Some(GroupState::Stopping) => ("stopping", Tone::Plain),
            Some(GroupState::Idle) => ("idle", Tone::Plain),
            Some(GroupState::Unknown) => ("unknown", Tone::Plain),
            None if node.is_on() => ("booting", Tone::Plain),
            None => ("off", Tone::Bad),
        };
        let [one, two] = &self.nodes;
        let cable = |medium| match (one.hears(medium), two.hears(medium)) {
            (Some(true), Some(true)) => Cable::Good,
            (Some(false), _) | (_, Some(false)) => Cable::Dead,
            _ => Cable::Dark,
        };
        Look { nodes: [word(one), word(two)], cables: [cable("serial"), cable("bcast")] }
    }

    /// The node that holds the service by its own account, if just one does.
    pub(super) fn holder(&self) -> Option<usize> {
        let mut holders =
            self.nodes.iter().enumerate().filter(|(_, node)| node.state() == Some(GroupState::Held));
        match (holders.next(), holders.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        }
    }

    /// Node `index` holds the service, and the client is served by it.
    pub(super) fn serves(&self, index: usize) -> bool {
        self.holder() == Some(index) && self.meter.served_by() == Some(index)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for node in &self.nodes {
            processes::kill_all(&node.places.root);
        }
        while reap().is_some() {}
    }
}

/// A time for people: seconds with three digits.
pub(super) fn seconds(time: Duration) -> String {
    let ms = time.plus(Duration::from_micros(500)).as_millis();
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_milliseconds() {
        assert_eq!(seconds(Duration::from_micros(1_042_499)), "1.042 s");
        assert_eq!(seconds(Duration::from_micros(999_500)), "1.000 s");
    }
}
