//! The world's side of the contract: what each action of a node does, and what comes back.

use crate::host::Call;
use crate::note::Note;
use crate::queue::{Due, Frame};
use crate::versions::is_word;
use crate::world::World;
use hb_core::{Action, Duration, FRAME_BUF, GroupId, Input, LinkId, Node, Outcome, PingId, Verb, Watchdog};

/// From the kill of a script to its report.
const KILL_TIME: Duration = Duration::from_millis(1);
/// An ARP probe takes this long.
const PROBE_TIME: Duration = Duration::from_millis(50);
/// From an echo request to its answer.
const PING_TIME: Duration = Duration::from_millis(2);
/// A disk that refuses says so within this.
const REFUSAL: Duration = Duration::from_millis(50);
/// Disks that take this long never finish.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// FNV-1a: a checksum of a frame that ends with the same checksum would be the same for all of them.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl World {
    pub(crate) fn act(&mut self, host: usize, action: Action, buffer: &[u8; FRAME_BUF]) {
        let (life, boots) = (self.hosts[host].life, self.hosts[host].boots);
        let h = host as u8;
        match action {
            Action::Transmit { link, len } => self.transmit(host, link, &buffer[..len]),
            Action::FeedWatchdog => self.fed(host),
            Action::Persist { serial } => {
                let host = &mut self.hosts[host];
                if host.disk_fails {
                    (host.write_failed, host.failed_serial) = (Some(self.now), Some((life, serial)));
                    let time = host.disk_time.min(REFUSAL);
                    self.after(time, Due::PersistFailed { host: h, life, serial });
                    return;
                }
                let saved = host.node.as_ref().map(Node::saved).unwrap_or_default();
                host.writes.push_back((life, serial, saved));
                let time = host.disk_time;
                if time < NEVER {
                    self.after(time, Due::Persisted { host: h, boots, life, serial });
                }
            }
            Action::RunScript { group: GroupId(group), resource, verb, token } => {
                let host = &mut self.hosts[host];
                host.calls.push(Call { life, token, group, resource, verb, stays: false });
                if self.keep {
                    host.scripts.calls.push((group, resource, verb));
                }
                self.notes.push(Note::Called { host: usize::from(h), group, resource, verb });
                if let Some((outcome, time)) = host.scripts.call(group, resource, verb) {
                    let due = Due::Script { host: h, boots, life, group, resource, token, verb, outcome };
                    self.after(time, due);
                }
                self.watch_holds(usize::from(h));
            }
            Action::KillScript { token } => {
                let stays = self.hosts[host].scripts.stays;
                let calls = &mut self.hosts[host].calls;
                if let Some(call) = calls.iter_mut().find(|c| c.token == token && c.life == life) {
                    call.stays = stays;
                    let call = *call;
                    if !stays {
                        self.killed(host, call);
                    }
                }
            }
            Action::Announce { group } => {
                self.hosts[host].announced += 1;
                for service in self.hosts[host].services(usize::from(group.0)) {
                    let cache = &mut self.client[service];
                    if cache.is_none() || !self.deaf_client {
                        *cache = Some(host);
                    }
                }
                self.notes.push(Note::Announced { host, group: group.0 });
            }
            Action::Pull { group, token, source, last, keep } => {
                self.pull(host, group, token, source, last, keep);
            }
            Action::EndPull { token } => self.end_pull(host, token),
            Action::WriteStamp { group, token, stamp } => self.write_stamp(host, group, token, stamp),
            Action::ProbeAddresses => self.after(PROBE_TIME, Due::Probed { host: h, life }),
            Action::Ask { group } => self.ask(host, group),
            Action::Defend { group } => self.defend(host, group),
            Action::Fence => {
                let ok = self.fence_works;
                self.fenced += 1;
                self.notes.push(Note::Fence { host, works: ok });
                if ok {
                    self.power_cycle(1 - host);
                }
                self.after(self.fence_time, Due::Fenced { host: h, life, ok });
            }
            Action::Ping => {
                for at in 0..self.hosts[host].reaches.len() {
                    if self.hosts[host].reaches[at] {
                        self.after(PING_TIME, Due::Pong { host: h, life, ping: at as u8 });
                    }
                }
            }
            Action::Report(event) => {
                if self.keep {
                    self.hosts[host].events.push(event);
                }
                self.notes.push(Note::Said { host, event });
            }
            Action::Exit { clean } => {
                self.hosts[host].exited = Some(clean);
                self.hosts[host].dog.armed &= !clean;
                self.kill(host);
            }
        }
    }

    fn transmit(&mut self, host: usize, link: LinkId, bytes: &[u8]) {
        let now = self.now;
        if self.keep {
            self.hosts[host].sent.push((now, link, bytes.to_vec()));
        }
        self.hosts[host].beat = true;
        let Some(node) = &self.hosts[host].node else { return };
        let glance = node.glance();
        let (mut epochs, mut names) = ([0; 8], [0; 8]);
        for (name, group) in names.iter_mut().zip(&self.hosts[host].config.groups) {
            *name = group.name_hash;
        }
        for (group, epoch) in (0u8..).zip(epochs.iter_mut()).take(self.hosts[host].config.groups.len()) {
            *epoch = node.group_status(GroupId(group)).map_or(0, |g| {
                // The stamp of the copy is shown too.
                g.epoch.max(g.copy.and_then(|copy| copy.stamp).map_or(0, |stamp| stamp.epoch))
            });
        }
        if is_word(self.wires[usize::from(link.0)].kind, bytes) {
            epochs = [0; 8];
        }
        let meta = Frame {
            bytes: [0; FRAME_BUF],
            len: bytes.len(),
            from: host,
            boots: self.hosts[host].boots,
            life: glance.incarnation,
            seq: glance.seq,
            epochs,
            names,
            intact: true,
            next: self.hosts[host].next,
            sent: now,
        };
        let sum = if self.sums { sum(bytes) } else { 0 };
        self.notes.push(Note::Sent { host, link: link.0, seq: glance.seq, len: bytes.len(), sum });
        if self.records {
            self.record(host, link.0, bytes);
        }
        let slot = self.frames.put(bytes, meta);
        self.hand_over(host, link.0, slot);
    }

    /// One thing that was due.
    pub(crate) fn deliver(&mut self, due: Due) {
        match due {
            Due::Frame { to, .. }
            | Due::Noise { to, .. }
            | Due::Persisted { host: to, .. }
            | Due::PersistFailed { host: to, .. }
            | Due::Probed { host: to, .. }
            | Due::Pong { host: to, .. }
            | Due::Fenced { host: to, .. }
            | Due::DogOpened { host: to, .. }
            | Due::Pulled { host: to, .. }
            | Due::Stamped { host: to, .. }
            | Due::Copies { host: to, .. }
            | Due::Asked { host: to, .. }
                if self.hosts[usize::from(to)].frozen =>
            {
                self.queue_up(usize::from(to), due);
            }
            Due::Frame { to, link, slot } => self.arrive(usize::from(to), link, slot),
            Due::LineFree { from, link } => self.line_free(usize::from(from), link),
            Due::Stream { to, link, source, run, left, gap } => {
                self.stream(usize::from(to), link, source, run, left, gap);
            }
            Due::Noise { to, link } => self.noise(usize::from(to), link),
            Due::Script { host, boots, life, group, resource, token, verb, outcome } => {
                let h = &mut self.hosts[usize::from(host)];
                let Some(at) = h.calls.iter().position(|c| c.token == token && c.life == life) else {
                    return;
                };
                if h.boots != boots {
                    return;
                }
                // The scripts go on while the daemon stands still, and without it.
                if h.frozen && h.life == life {
                    h.backlog.push_back(due);
                    return;
                }
                let call = h.calls.swap_remove(at);
                h.scripts.ended(group, resource, verb, outcome);
                // It sat in the kernel with its work half done: what it is for comes about as it ends.
                if call.stays && verb == Verb::Start {
                    h.scripts.running[usize::from(group)][usize::from(resource)] = true;
                }
                let known = h.life == life && h.node.is_some();
                let host = usize::from(host);
                self.notes.push(Note::Ended { host, group, resource, verb, outcome, known });
                self.watch_holds(host);
                if known {
                    self.input(host, Input::ScriptDone { token, outcome });
                }
            }
            Due::Persisted { host, boots, life, serial } => {
                self.written(usize::from(host), boots, life, serial)
            }
            Due::PersistFailed { host, life, serial } if self.alive(host, life) => {
                self.input(usize::from(host), Input::PersistFailed { serial });
            }
            Due::Probed { host, life } if self.alive(host, life) => {
                let host = usize::from(host);
                let peer = &self.hosts[1 - host];
                let sees = self.probes_see_the_peer && peer.holds_any();
                let answered = self.address_answers || sees;
                self.notes.push(Note::Probe { host, answered });
                self.input(host, Input::ProbeDone { answered });
            }
            Due::Arp { host, life, group } => self.question(usize::from(host), life, group),
            Due::Asked { host, life, group, what } if self.alive(host, life) => {
                self.input(usize::from(host), Input::Asked { address: group, what });
            }
            Due::Fenced { host, life, ok } if self.alive(host, life) => {
                self.input(usize::from(host), Input::FenceDone { ok });
            }
            Due::Pong { host, life, ping } if self.alive(host, life) => {
                self.input(usize::from(host), Input::PingAnswer { ping: PingId(ping) });
            }
            Due::DogOpened { host, life } if self.alive(host, life) => {
                let host = usize::from(host);
                if self.hosts[host].dog.busy {
                    return;
                }
                if let Some(timeout) = self.hosts[host].dog.timeout {
                    self.arm(host);
                    self.input(host, Input::Watchdog(Watchdog::Armed { timeout }));
                }
            }
            Due::Dog { host } => self.look_at_dog(usize::from(host)),
            Due::Boot { host, boots } => self.booted(usize::from(host), boots),
            Due::Write => self.write_files(),
            Due::Pulled { host, life, token, killed } => self.pulled(usize::from(host), life, token, killed),
            Due::Stamped { host, boots, life, token } => self.stamped(usize::from(host), boots, life, token),
            Due::Copies { host, life } if self.alive(host, life) => self.tell_copies(usize::from(host)),
            Due::Backlog { host, life } if self.alive(host, life) => self.work_off(usize::from(host)),
            Due::Probed { .. }
            | Due::PersistFailed { .. }
            | Due::Pong { .. }
            | Due::Fenced { .. }
            | Due::DogOpened { .. }
            | Due::Copies { .. }
            | Due::Asked { .. }
            | Due::Backlog { .. } => {}
        }
    }

    /// A call that was killed ends soon.
    fn killed(&mut self, host: usize, call: Call) {
        let Call { life, token, group, resource, verb, .. } = call;
        let (boots, outcome) = (self.hosts[host].boots, Outcome::Killed);
        self.after(
            KILL_TIME,
            Due::Script { host: host as u8, boots, life, group, resource, token, verb, outcome },
        );
    }

    /// What nothing could kill can be killed again, and is.
    pub fn killable(&mut self, host: usize) {
        self.hosts[host].scripts.stays = false;
        let stays: Vec<Call> = self.hosts[host].calls.iter().filter(|call| call.stays).copied().collect();
        stays.into_iter().for_each(|call| self.killed(host, call));
    }

    pub(crate) fn alive(&self, host: u8, life: u32) -> bool {
        let h = &self.hosts[usize::from(host)];
        h.life == life && h.node.is_some()
    }

    /// The disk works again: what hung ends now, in its order.
    pub(crate) fn release_writes(&mut self, host: usize) {
        let boots = self.hosts[host].boots;
        let hung: Vec<(u32, u32)> = self.hosts[host].writes.iter().map(|(l, s, _)| (*l, *s)).collect();
        for (life, serial) in hung {
            self.after(Duration::from_millis(1), Due::Persisted { host: host as u8, boots, life, serial });
        }
    }

    /// A write is on the disk, of this daemon or of an earlier one: the helper outlives it.
    fn written(&mut self, host: usize, boots: u32, life: u32, serial: u32) {
        let h = &mut self.hosts[host];
        let Some(at) = h.writes.iter().position(|(l, s, _)| (*l, *s) == (life, serial)) else { return };
        if h.boots != boots {
            return;
        }
        if let Some((_, _, saved)) = h.writes.drain(..=at).next_back() {
            h.saved = saved;
            // A write that had begun before the one that failed says nothing of what that one was to keep.
            if h.failed_serial.is_none_or(|failed| (failed.0, failed.1) < (life, serial)) {
                (h.write_failed, h.failed_serial) = (None, None);
            }
        }
        self.notes.push(Note::Persisted { host, serial });
        if self.alive(host as u8, life) {
            self.input(host, Input::Persisted { serial });
        }
    }
}
