//! Daemons that start, die and stand still; machines that lose their power and come back; watchdogs that fire.

use crate::note::Note;
use crate::queue::Due;
use crate::script::Answer;
use crate::world::World;
use hb_core::{Command, Duration, GroupId, Input, Instant, LinkId, Node, Watchdog};

/// Things that queue up for a daemon that stands still; the kernel drops what is more.
const BACKLOG: usize = 256;
/// Inputs that a daemon takes in per round after it stood still.
const ROUND: usize = 16;
/// A watchdog that did not fire is looked at again after this: it may have been mended.
const BROKEN: Duration = Duration::from_millis(10);
/// Until the stamps of the copies are read.
const READ_TIME: Duration = Duration::from_millis(4);
/// Between two such rounds.
const ROUND_TIME: Duration = Duration::from_micros(200);

impl World {
    /// Start the daemon of `host`; what an earlier one left running is ended first.
    ///
    /// # Panics
    /// If the configuration is refused.
    pub fn start(&mut self, host: usize) {
        let true_now = self.now;
        let h = &mut self.hosts[host];
        let now = h.drift.local(true_now);
        h.life += 1;
        h.born = true_now;
        h.exited = None;
        h.frozen = false;
        h.tick = false;
        h.calls.clear();
        self.apply_edit(host);
        let h = &mut self.hosts[host];
        self.epochs_heard[host] = [0; 8];
        self.stamps_told[host] = [0; 8];
        let mut entropy = [host as u8; 16];
        entropy[..4].copy_from_slice(&h.life.to_le_bytes());
        // A starting daemon looks for its scripts; later it may not have noticed yet that they are gone.
        let mut config = h.config.clone();
        config.groups.iter_mut().for_each(|group| group.claimable &= h.scripts.status != Answer::Missing);
        if h.boot_unknown {
            config.boot = 0;
        }
        h.claimable = config.groups.iter().map(|group| group.claimable).collect();
        let node = Node::new(config, h.keys.clone(), &h.saved, entropy, now);
        h.node = Some(node.expect("a good configuration"));
        self.speak(host);
        let h = &mut self.hosts[host];
        #[cfg(feature = "coverage")]
        if let (Some(node), Some(below)) = (&mut h.node, h.last_numbers) {
            node.age(u32::MAX - below);
        }
        let watchdog = h.watchdog;
        self.clear_backlog(host);
        self.notes.push(Note::Daemon { host, lives: true });
        let life = self.hosts[host].life;
        self.after(READ_TIME, Due::Copies { host: host as u8, life });
        self.watch_holds(host);
        self.drain(host);
        self.hosts[host].told = 0;
        self.tell_links(host);
        match self.hosts[host].dog {
            dog if dog.timeout.is_some() && (dog.armed || dog.busy) => {
                // Somebody still holds the device: it is opened a little later.
                self.input(host, Input::Watchdog(Watchdog::Pending));
                let wait = self.hosts[host].config.timing.keepalive;
                let life = self.hosts[host].life;
                self.after(wait, Due::DogOpened { host: host as u8, life });
            }
            crate::host::Dog { timeout: Some(timeout), .. } => {
                self.arm(host);
                self.input(host, Input::Watchdog(Watchdog::Armed { timeout }));
            }
            _ => self.input(host, Input::Watchdog(watchdog)),
        }
        self.input(host, Input::Tick { drained: true });
    }

    /// Tell the daemon which devices opened or failed since it was told last.
    pub fn tell_links(&mut self, host: usize) {
        for link in 0..self.hosts[host].config.links.len() {
            let h = &mut self.hosts[host];
            let (bit, up) = (1u8 << link, h.open >> link & 1 == 1);
            if h.node.is_some() && !h.frozen && (h.told & bit != 0) != up {
                h.told ^= bit;
                self.input(host, Input::LinkChanged { link: LinkId(link as u8), up });
            }
        }
    }

    /// The device of the watchdog is free.
    pub(crate) fn dog_free(&mut self, host: usize) {
        self.hosts[host].dog.busy = false;
        let life = self.hosts[host].life;
        self.after(READ_TIME, Due::DogOpened { host: host as u8, life });
    }

    /// Tell the daemon which groups have their scripts.
    pub fn tell_claimable(&mut self, host: usize) {
        for group in 0..self.hosts[host].config.groups.len() {
            let h = &mut self.hosts[host];
            let claimable = h.config.groups[group].claimable && h.scripts.status != Answer::Missing;
            if h.node.is_some() && !h.frozen {
                h.claimable[group] = claimable;
                self.input(host, Input::Claimable { group: GroupId(group as u8), claimable });
            }
        }
    }

    /// Kill the daemon of `host` (-9): its resources and running scripts go on.
    pub fn kill(&mut self, host: usize) {
        let h = &mut self.hosts[host];
        let Some(node) = h.node.take() else { return };
        #[cfg(feature = "coverage")]
        h.coverage.add(node.coverage());
        drop(node);
        h.frozen = false;
        h.deadline = Instant::NEVER;
        h.shown.fill(None);
        let life = h.life;
        // What ended meanwhile has had its effect on the machine.
        let ended: Vec<Due> = h.backlog.iter().filter(|d| matches!(d, Due::Script { .. })).copied().collect();
        self.clear_backlog(host);
        for due in ended {
            self.deliver(due);
        }
        debug_assert_eq!(self.hosts[host].life, life);
        self.break_pulls(host);
        self.notes.push(Note::Daemon { host, lives: false });
    }

    fn clear_backlog(&mut self, host: usize) {
        for due in std::mem::take(&mut self.hosts[host].backlog) {
            if let Due::Frame { slot, .. } = due {
                self.frames.release(slot);
            }
        }
    }

    /// Take the power from `host`: nothing runs any more. It has a new boot identity afterwards.
    pub fn power_off(&mut self, host: usize) {
        self.kill(host);
        let h = &mut self.hosts[host];
        h.boots += 1;
        h.powered = false;
        h.config.boot += 1;
        h.calls.clear();
        h.writes.clear();
        h.stamps.clear();
        h.dog.armed = false;
        for group in &mut h.scripts.running {
            group.fill(false);
        }
        self.notes.push(Note::Power { host, on: false });
        self.watch_holds(host);
    }

    /// Power off, and on again after the boot time, if machines come back at all.
    pub(crate) fn power_cycle(&mut self, host: usize) {
        self.power_off(host);
        if let Some(time) = self.boot_time {
            self.boot_after(host, time);
        }
    }

    /// The machine is switched on so that its daemon starts after `time`.
    pub fn boot_after(&mut self, host: usize, time: Duration) {
        let boots = self.hosts[host].boots;
        self.after(time, Due::Boot { host: host as u8, boots });
    }

    pub(crate) fn booted(&mut self, host: usize, boots: u32) {
        if self.hosts[host].boots == boots && self.hosts[host].node.is_none() {
            if !std::mem::replace(&mut self.hosts[host].powered, true) {
                self.notes.push(Note::Power { host, on: true });
            }
            self.start(host);
        }
    }

    /// SIGSTOP the daemon.
    pub fn freeze(&mut self, host: usize) {
        if self.hosts[host].node.is_some() && !std::mem::replace(&mut self.hosts[host].frozen, true) {
            self.notes.push(Note::Frozen { host, frozen: true });
        }
    }

    /// SIGCONT it: what queued up is read first, then the clock ticks.
    pub fn thaw(&mut self, host: usize) {
        if std::mem::take(&mut self.hosts[host].frozen) {
            self.notes.push(Note::Frozen { host, frozen: false });
            // All of it is one round, which a tick ends.
            self.tell_links(host);
            self.tell_claimable(host);
            self.work_off(host);
        }
    }

    /// The same, and an operator's command is what it finds first.
    pub fn thaw_with(&mut self, host: usize, command: Command) {
        if std::mem::take(&mut self.hosts[host].frozen) {
            self.notes.push(Note::Frozen { host, frozen: false });
            let _ = self.command(host, command);
            // All of it is one round, which a tick ends.
            self.tell_links(host);
            self.tell_claimable(host);
            self.work_off(host);
        }
    }

    pub(crate) fn queue_up(&mut self, host: usize, due: Due) {
        if self.hosts[host].backlog.len() < BACKLOG {
            self.hosts[host].backlog.push_back(due);
            return;
        }
        if let Due::Frame { slot, .. } = due {
            self.frames.release(slot);
        }
    }

    /// One round over what queued up.
    pub(crate) fn work_off(&mut self, host: usize) {
        for _ in 0..ROUND {
            let Some(due) = self.hosts[host].backlog.pop_front() else { break };
            self.deliver(due);
        }
        let drained = self.hosts[host].backlog.is_empty();
        self.hosts[host].tick = false;
        self.input(host, Input::Tick { drained });
        if !drained {
            let life = self.hosts[host].life;
            self.after(ROUND_TIME, Due::Backlog { host: host as u8, life });
        }
    }

    pub(crate) fn fed(&mut self, host: usize) {
        let h = &mut self.hosts[host];
        h.fed += 1;
        if let Some(timeout) = h.dog.timeout {
            h.dog.fires_at = self.now.plus(timeout);
        }
        let beat = h.beat || h.told == 0;
        self.notes.push(Note::Fed { host, beat });
    }

    /// The daemon opens the device: it counts from now on.
    pub(crate) fn arm(&mut self, host: usize) {
        let dog = &mut self.hosts[host].dog;
        let Some(timeout) = dog.timeout else { return };
        dog.armed = true;
        dog.armed_at = self.now;
        dog.fires_at = self.now.plus(timeout);
        if !std::mem::replace(&mut dog.looked_at, true) {
            let at = dog.fires_at;
            self.queue.push(at, Due::Dog { host: host as u8 });
        }
    }

    /// It fires when it was not fed for its timeout, up to its granularity later.
    pub(crate) fn look_at_dog(&mut self, host: usize) {
        let dog = self.hosts[host].dog;
        self.hosts[host].dog.looked_at = false;
        if !dog.armed {
            return;
        }
        if self.now < dog.fires_at {
            let late = Duration::from_micros(self.dice.roll(dog.granularity.as_micros() + 1));
            self.hosts[host].dog.looked_at = true;
            self.queue.push(dog.fires_at.plus(late), Due::Dog { host: host as u8 });
        } else if dog.broken {
            self.hosts[host].dog.looked_at = true;
            self.after(BROKEN, Due::Dog { host: host as u8 });
        } else {
            self.notes.push(Note::Bitten { host });
            self.power_cycle(host);
        }
    }
}
