//! The child's life.

use super::clients::{self, Lives, Next};
use super::hooks::{self, Call};
use super::{Client, IDLE, LONGEST, REREAD, Setup};
use crate::config;
use crate::ending::{Ending, Patience, Step};
use crate::sys::Fd;
use crate::sys::Signal;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, poll, sleep_ms, timeout_until};
use crate::sys::process::{self, Ended, Pid};
use crate::sys::signal::Signals;
use crate::sys::spawn::{Image, Program, Words, spawn};
use hb_core::{Duration, Instant};
use std::collections::{BTreeSet, VecDeque};
use std::ffi::CString;
use std::path::PathBuf;

/// Calls that wait behind the one that runs.
const QUEUE: usize = 64;
/// Of a hook that hangs.
const PATIENCE: Patience = Patience { grace: Duration::from_secs(1), give_up: None };

/// A hook that runs.
struct Hook {
    pid: Pid,
    path: PathBuf,
    ending: Ending,
}

/// A program and its lives.
struct Kept {
    client: Client,
    lives: Lives,
    pid: Option<Pid>,
    given_up: bool,
}

impl Kept {
    const fn new(client: Client) -> Self {
        Self { client, lives: Lives::NONE, pid: None, given_up: false }
    }

    fn name(&self) -> &str {
        self.client.words.first().map_or("", String::as_str)
    }
}

struct Child<'a> {
    setup: &'a Setup,
    says: &'a Fd,
    kept: Vec<Kept>,
    queue: VecDeque<Call>,
    hook: Option<Hook>,
    /// Calls that found no room in the queue.
    lost: u32,
    /// Programs that are not called, and that was said.
    refused: BTreeSet<PathBuf>,
    /// `ha.cf` is to be read again.
    reread: bool,
}

/// Be the child, until the pipe of the news ends.
pub(super) fn run(setup: &Setup, again: bool, orders: &Fd, says: &Fd) -> i32 {
    process::new_session();
    process::become_helper(&[orders.raw(), says.raw()], false);
    process::set_name(c"hbd-attend");
    let Ok(signals) = Signals::install() else { return 1 };
    let mut clock = Clock::start();
    let clients = if again { reread(setup) } else { None };
    let clients = clients.unwrap_or_else(|| setup.clients.clone());
    if again && clients.is_empty() && !setup.has_hooks() {
        return i32::from(IDLE);
    }
    let kept = clients.into_iter().map(Kept::new).collect();
    let (queue, refused) = (VecDeque::new(), BTreeSet::new());
    let mut child = Child { setup, says, kept, queue, hook: None, lost: 0, refused, reread: false };
    for n in 0..child.kept.len() {
        child.start(n, clock.now());
    }
    let mut text = Vec::new();
    loop {
        let deadline = child.hook.as_ref().map_or(Instant::NEVER, |hook| hook.ending.deadline());
        let mut fds = [PollFd::readable(orders.raw()), PollFd::readable(signals.fd())];
        if poll(&mut fds, timeout_until(clock.now(), deadline)).is_err() {
            sleep_ms(10);
        }
        let _ = signals.take();
        let now = clock.now();
        while let Some((pid, ended)) = process::reap() {
            child.ended(pid, ended, now);
        }
        let open = child.read(orders, &mut text);
        child.hooks(now);
        if core::mem::take(&mut child.reread) {
            child.follow(&mut clock);
        }
        if !open {
            child.leave(&mut clock);
            return 0;
        }
    }
}

impl Child<'_> {
    /// A line for the log; its first letter is the level.
    fn say(&self, level: char, text: &str) {
        let line = format!("{level}{}\n", text.replace('\n', " "));
        let _ = self.says.write(line.as_bytes());
    }

    fn start(&mut self, n: usize, now: Instant) {
        let Some(kept) = self.kept.get_mut(n) else { return };
        kept.lives.begin(now);
        let name = kept.client.words.first().map_or("", String::as_str);
        let said = match clients::start(self.setup, &kept.client) {
            Ok(pid) => {
                kept.pid = Some(pid);
                return;
            }
            Err(why) if why.0 == libc::ESRCH => {
                format!("respawn: {name} is not started: there is no user {}", kept.client.user)
            }
            Err(why) => format!("respawn: {name} cannot be started: {why}"),
        };
        self.say('W', &said);
    }

    fn ended(&mut self, pid: Pid, ended: Ended, now: Instant) {
        if self.hook.as_ref().is_some_and(|hook| hook.pid == pid) {
            if let Some(hook) = self.hook.take()
                && ended != Ended::Code(0)
                && !hook.ending.has_begun()
            {
                self.say('W', &format!("hook {} ended badly: {}", hook.path.display(), how(ended)));
            }
            return;
        }
        let Some(n) = self.kept.iter().position(|kept| kept.pid == Some(pid)) else { return };
        let Some(kept) = self.kept.get_mut(n) else { return };
        kept.pid = None;
        let (name, how) = (kept.name().to_owned(), how(ended));
        match kept.lives.end(now, ended) {
            Next::Again => {
                let said = format!("respawn: {name} ended ({how}) and is started again");
                self.say('W', &said);
                self.start(n, now);
            }
            Next::Asked => {
                let said = format!("respawn: {name} ended with 100: it is not started again");
                self.say('I', &said);
            }
            Next::GivenUp => {
                kept.given_up = true;
                let said = format!(
                    "respawn: {name} is given up ({how}): it ended within 30 s more than 10 times in a row"
                );
                self.say('E', &said);
            }
        }
    }

    /// Take the news that is there. `false`: the daemon has ended, or asks this process to.
    fn read(&mut self, orders: &Fd, text: &mut Vec<u8>) -> bool {
        let mut buf = [0; LONGEST];
        loop {
            match orders.read(&mut buf) {
                Ok(Some(0)) => return false,
                Ok(Some(n)) => text.extend_from_slice(buf.get(..n).unwrap_or_default()),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        while let Some(at) = text.iter().position(|&byte| byte == b'\n') {
            let rest = text.split_off(at + 1);
            let line = String::from_utf8_lossy(text).trim_end().to_owned();
            *text = rest;
            if line == REREAD.trim_end() {
                self.reread = true;
                continue;
            }
            let (calls, refused) = hooks::calls(self.setup, &line);
            for call in calls {
                if self.queue.len() < QUEUE {
                    self.queue.push_back(call);
                } else {
                    self.lost = self.lost.saturating_add(1);
                }
            }
            if let Some(path) = refused
                && self.refused.insert(path.clone())
            {
                self.say(
                    'W',
                    &format!(
                        "hook {} is Linux-HA's own and would move services by itself: it is not called; remove it",
                        path.display()
                    ),
                );
            }
        }
        true
    }

    /// Begin the next call, end one that hangs.
    fn hooks(&mut self, now: Instant) {
        if let Some(hook) = &mut self.hook
            && hook.ending.service(now, hook.pid) == Some(Step::Asked)
        {
            let said = format!("hook {} hangs and is ended", hook.path.display());
            self.say('W', &said);
        }
        while self.hook.is_none() {
            let Some(call) = self.queue.pop_front() else { break };
            self.begin(&call, now);
        }
        if self.queue.is_empty() && self.lost > 0 {
            let said = format!("hooks are too slow: {} calls of them were left out", self.lost);
            self.say('W', &said);
            self.lost = 0;
        }
    }

    fn begin(&mut self, call: &Call, now: Instant) {
        let (words, env) = hooks::words(self.setup, call);
        let path = CString::new(words.first().map_or("", String::as_str));
        let (Ok(file), Some(argv), Some(envp)) = (path, Words::new(&words), Words::new(&env)) else { return };
        let program = Program {
            choose: &|| Some(Image { path: &file, argv: &argv, envp: &envp }),
            stdin: None,
            stdout: None,
            stderr: None,
            held: &[],
            die_with_us: false,
        };
        match spawn(&program) {
            Ok(child) => {
                let limit = Duration::from_millis(self.setup.limits_ms.0);
                let ending = Ending::at(now.plus(limit), PATIENCE);
                self.hook = Some(Hook { pid: child.pid, path: call.path.clone(), ending });
            }
            Err(why) => self.say('W', &format!("hook {} cannot be called: {why}", call.path.display())),
        }
    }

    /// `ha.cf` may name other programs now: end those that are gone, start those that are new, and those that were given up.
    fn follow(&mut self, clock: &mut Clock) {
        // What is wrong with the files the daemon has said.
        let Some(wanted) = reread(self.setup) else { return };
        let kept = core::mem::take(&mut self.kept);
        let (stay, gone): (Vec<_>, Vec<_>) = kept.into_iter().partition(|kept| wanted.contains(&kept.client));
        self.kept = stay;
        for kept in gone.iter().rev() {
            self.say('I', &format!("respawn: {} is ended: ha.cf has it no more", kept.name()));
            self.end(kept, clock);
        }
        let known = |kept: &[Kept], client: &Client| kept.iter().any(|kept| kept.client == *client);
        for client in wanted {
            if !known(&self.kept, &client) {
                let kept = Kept { given_up: true, ..Kept::new(client) };
                self.say('I', &format!("respawn: {} is started: ha.cf has it now", kept.name()));
                self.kept.push(kept);
            }
        }
        for n in 0..self.kept.len() {
            let again = self.kept.get_mut(n).is_some_and(|kept| {
                core::mem::take(&mut kept.given_up) && {
                    kept.lives = Lives::NONE;
                    true
                }
            });
            if again {
                self.start(n, clock.now());
            }
        }
    }

    /// End a program, and what it left behind.
    fn end(&self, kept: &Kept, clock: &mut Clock) {
        let Some(pid) = kept.pid else { return };
        let _ = process::signal_group(pid, Signal::SIGTERM);
        let end = clock.now().plus(Duration::from_millis(self.setup.limits_ms.1));
        while !process::has_ended(pid) {
            if clock.now() >= end {
                let _ = process::kill_group(pid);
            }
            sleep_ms(10);
        }
        // What it left behind goes with it.
        let _ = process::kill_group(pid);
    }

    /// End the programs in order, the last one first; the hook that runs has its time, what waits is told.
    fn leave(&mut self, clock: &mut Clock) {
        for kept in self.kept.iter().rev() {
            self.end(kept, clock);
        }
        while self.hook.is_some() || !self.queue.is_empty() {
            let now = clock.now();
            while let Some((pid, ended)) = process::reap() {
                self.ended(pid, ended, now);
            }
            self.hooks(now);
            sleep_ms(10);
        }
    }
}

/// The programs that the files name now; `None`: they are not right.
fn reread(setup: &Setup) -> Option<Vec<Client>> {
    let (settings, _) = config::load(&setup.paths, Some(&setup.own));
    settings.map(|settings| super::clients(&settings, &setup.paths))
}

fn how(ended: Ended) -> String {
    match ended {
        Ended::Code(code) => format!("code {code}"),
        Ended::Signal(signal) => format!("signal {signal}"),
    }
}
