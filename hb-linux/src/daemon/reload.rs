//! `hbd reload` and `SIGHUP`: a child reads the files (see [`super::reread`]), and when all of them are right, their keys
//! and what concerns this node alone hold from then on; of the rest it is said that it needs a restart. A file that is
//! wrong changes nothing, and neither does a disk that does not answer.
//!
//! ```text
//! idle --(request: fork)--> reading --(right, wrong, end of pipe, or LIMIT: kill)--> told --> idle once it is reaped
//!                                \--(right: a new signing key)--> on trial --(taken, not taken)--^
//! ```
//!
//! DESIGN §8.13.

use super::reread::{self, Keys, News};
use super::voice::Voice;
use crate::config::{Paths, Settings};
use crate::control::{Reply, server};
use crate::helper::Level;
use crate::sys::Signal;
use crate::sys::process::{self, Pid};
use crate::sys::{Errno, Fd, fd, guard};
use core::fmt::Arguments;
use hb_core::auth::Keyring;
use hb_core::config::Tuning;
use hb_core::{Duration, Instant, Node, PeerState};
use std::os::fd::RawFd;
use std::rc::Rc;

/// The child is given up after this; an operator's command waits for longer.
const LIMIT: Duration = Duration::from_secs(8);
/// Between two looks at a key that is on trial.
const LOOK: Duration = Duration::from_millis(20);
/// More than a piece of news takes.
const BUF: usize = 1024;

/// The files as they were at the start, and the child that reads them again, if there is one.
pub(super) struct Reload {
    paths: Paths,
    then: Rc<Settings>,
    reading: Option<Reading>,
    /// Children that were not reaped yet: the one that reads, and one that was killed and hangs at its disk.
    children: [Option<Pid>; 2],
    /// The files were right; not taken yet.
    right: bool,
}

impl core::fmt::Debug for Reload {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reload")
            .field("reading", &self.reading)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

struct Reading {
    child: Pid,
    pipe: Fd,
    /// Who asked; `None` is a signal.
    caller: Option<Fd>,
    until: Instant,
    buf: [u8; BUF],
    len: usize,
    keys: Keys,
    /// Take keys that the peer lacks.
    force: bool,
    /// A signing key is on trial; what held before.
    trial: Option<Tuning>,
}

impl Reload {
    /// As the daemon starts.
    #[must_use]
    pub(super) fn new(paths: &Paths, settings: &Rc<Settings>) -> Self {
        Self {
            paths: paths.clone(),
            then: Rc::clone(settings),
            reading: None,
            children: [None; 2],
            right: false,
        }
    }

    /// Begin. `caller` gets what the log gets, and the answer.
    ///
    /// # Errors
    /// Why it does not begin; `EBUSY`: another one is under way.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        tuning: &Tuning,
        caller: Option<Fd>,
        force: bool,
    ) -> Result<(), Errno> {
        if self.reading.is_some() {
            return Err(Errno(libc::EBUSY));
        }
        let (paths, then) = (&self.paths, &self.then);
        let body = |pipe: &Fd| reread::run(paths, then, tuning, pipe);
        let reading = launch(&mut self.children, now, caller, body)?;
        self.reading = Some(Reading { force, ..reading });
        Ok(())
    }

    /// The files as they were at the start.
    #[cfg(feature = "why")]
    pub(super) fn config(&self) -> &hb_core::Config {
        &self.then.core
    }

    /// What to wait on.
    #[must_use]
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.reading.as_ref().filter(|reading| reading.trial.is_none()).map(|reading| reading.pipe.raw())
    }

    /// When [`Reload::service`] has something to do without being waited for.
    #[must_use]
    pub(super) fn deadline(&self) -> Instant {
        self.reading.as_ref().map_or(Instant::NEVER, |reading| reading.until)
    }

    /// After `SIGCHLD`.
    pub(super) fn reap(&mut self) {
        reap(&mut self.children);
    }

    /// Take in what the child has found. Answers `true` when `node` was changed and has actions.
    pub(super) fn service(&mut self, now: Instant, node: &mut Node, voice: &mut Voice) -> bool {
        guard::pass("reload");
        let Some(reading) = &mut self.reading else { return false };
        if let Some(before) = reading.trial {
            let Some(taken) = node.key_trial() else {
                reading.until = now.plus(LOOK);
                return false;
            };
            if !taken {
                reading.goes_back(now, node, voice, &before);
            }
            self.end(taken, voice);
            return true;
        }
        let mut end = None;
        let room = reading.buf.get_mut(reading.len..).unwrap_or_default();
        match reading.pipe.read(room) {
            Ok(Some(n)) if n > 0 => {
                reading.len += n;
                end = reading.take(now, node, voice);
            }
            Ok(None) if now < reading.until => {}
            Ok(None) => {
                reading.line(
                    voice,
                    true,
                    format_args!("the files could not be read in {} s", LIMIT.as_millis() / 1000),
                );
                end = Some(false);
            }
            // The child ended before it was through, or fills the pipe with what is no news.
            Ok(Some(_)) | Err(_) => end = Some(false),
        }
        let Some(right) = end else { return false };
        if reading.trial.is_some() {
            reading.until = now.plus(LOOK);
            return true;
        }
        self.end(right, voice)
    }

    /// Answer, and be idle again.
    fn end(&mut self, right: bool, voice: &mut Voice) -> bool {
        let Some(reading) = &mut self.reading else { return false };
        if !right {
            reading.line(voice, true, format_args!("what was in use stays as it is"));
        }
        reading.answer(&if right { Reply::Accepted } else { Reply::Refused("nothing was changed") });
        let _ = process::signal(reading.child, Signal::SIGKILL);
        self.reading = None;
        self.right = right;
        self.reap();
        right
    }

    /// Has a reload ended well since the last call?
    pub(super) fn take_right(&mut self) -> bool {
        core::mem::take(&mut self.right)
    }
}

impl core::fmt::Debug for Reading {
    /// Not the buffer: secrets pass through it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reading").field("until", &self.until).field("len", &self.len).finish_non_exhaustive()
    }
}

/// Fork the child, which runs `body` on its end of a pipe.
fn launch(
    children: &mut [Option<Pid>],
    now: Instant,
    caller: Option<Fd>,
    body: impl FnOnce(&Fd) -> i32,
) -> Result<Reading, Errno> {
    reap(children);
    let place = children.iter_mut().find(|child| child.is_none()).ok_or(Errno(libc::EBUSY))?;
    let (ours, theirs) = fd::pipe()?;
    ours.set_nonblocking(true)?;
    // The child allocates; this process does not.
    guard::disarm();
    let forked = process::fork(move || body(&theirs));
    guard::arm();
    let child = forked?;
    *place = Some(child);
    let until = now.plus(LIMIT);
    Ok(Reading {
        child,
        pipe: ours,
        caller,
        until,
        buf: [0; BUF],
        len: 0,
        keys: Keys::default(),
        force: false,
        trial: None,
    })
}

fn reap(children: &mut [Option<Pid>]) {
    for place in children {
        if place.is_some_and(process::has_ended) {
            *place = None;
        }
    }
}

impl Reading {
    /// The news that are complete; `Some` when they are all: was everything right?
    fn take(&mut self, now: Instant, node: &mut Node, voice: &mut Voice) -> Option<bool> {
        let buf = self.buf;
        let mut end = None;
        let whole = buf.get(..self.len).unwrap_or_default();
        let rest = reread::take(whole, |news| match news {
            News::Line { bad, text } => self.line(voice, bad, format_args!("{text}")),
            News::Key { index, method, secret } => {
                if !self.keys.add(index, method, secret) {
                    end = Some(false);
                }
            }
            News::Right { signer, tuning } if end.is_none() => {
                let Ok(ring) = self.keys.ring(signer) else {
                    end = Some(false);
                    return;
                };
                let before = node.tuning();
                end = Some(match node.retune(now, &tuning) {
                    Ok(()) => self.take_keys(now, node, voice, ring, &before),
                    Err(why) => {
                        self.line(voice, true, format_args!("{why}"));
                        false
                    }
                });
            }
            News::Right { .. } => {}
            News::Wrong => end = Some(false),
        });
        let Some(rest) = rest else { return Some(false) };
        let left = rest.len();
        self.buf.copy_within(self.len - left..self.len, 0);
        self.len = left;
        end
    }

    /// The keys of right files. `false`: they were refused, and everything is as `before`.
    fn take_keys(
        &mut self,
        now: Instant,
        node: &mut Node,
        voice: &mut Voice,
        ring: Keyring,
        before: &Tuning,
    ) -> bool {
        let alive = matches!(node.glance().peer, PeerState::Up | PeerState::Late);
        if self.force || !alive {
            if !node.has_keys(&ring) {
                self.of_peer(
                    voice,
                    format_args!("has not shown that it has these keys: see hbd status once it is heard"),
                );
            }
            node.set_keys(ring);
            return true;
        }
        match node.try_keys(now, ring) {
            Ok(trial) => {
                self.trial = trial.then_some(*before);
                true
            }
            Err(index) => {
                self.of_peer(
                    voice,
                    format_args!(
                        "signs with key {index}, which authkeys does not list as it is in use: keep it until that node signs \
                         with another; to take the file all the same: hbd reload --force"
                    ),
                );
                let _ = node.retune(now, before);
                false
            }
        }
    }

    /// The peer took nothing that was signed with the new key.
    fn goes_back(&self, now: Instant, node: &mut Node, voice: &mut Voice, before: &Tuning) {
        self.of_peer(
            voice,
            format_args!(
                "takes nothing that is signed with the key that auth names: it lacks the key, or has another secret or method \
                 under its number; put the same line into authkeys there, hbd reload there, then here; to sign with it all the \
                 same: hbd reload --force"
            ),
        );
        let _ = node.retune(now, before);
    }

    /// Trouble with the other node.
    fn of_peer(&self, voice: &mut Voice, args: Arguments<'_>) {
        let mut text = crate::log::Text::<{ crate::log::LINE }>::new();
        text.put(format_args!("node {} {args}", voice.names.peer));
        self.line(voice, true, format_args!("{}", text.as_str()));
    }

    fn line(&self, voice: &mut Voice, bad: bool, args: Arguments<'_>) {
        voice.say(if bad { Level::Warn } else { Level::Info }, format_args!("reload: {args}"));
        let mut text = crate::log::Text::<{ crate::log::LINE }>::new();
        text.put(args);
        self.answer(&Reply::Text(text.as_str()));
    }

    fn answer(&self, reply: &Reply<&str>) {
        if let Some(caller) = &self.caller {
            server::send(caller, reply);
        }
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
