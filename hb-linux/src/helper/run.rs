//! The helper itself: reads records, writes files, keeps the watchdog's descriptor.

use super::line::{self, Level};
use super::logfile::{Edge, LogFile};
use super::record::{Output, RECORD_MAX, Record, Reply, Targets, parse};
use super::ring::Ring;
use super::sync::Sync;
use super::{Look, Setup};
use crate::config::Facility;
use crate::daemon::pidfile;
use crate::state;
use crate::sys::clock::{Clock, WallTime};
use crate::sys::poll::{PollFd, poll, sleep_ms, timeout_until};
use crate::sys::{Errno, Fd, message, oom, process, unix};
use hb_core::{Duration, GroupId, Instant};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The watchdog as the helper has it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) fd: Fd,
    pub(super) timeout_s: u32,
    pub(super) fake: bool,
}

/// The helper's life, from fork to exit.
pub(super) fn run(setup: &Setup, channel: Fd, held: Option<Held>) -> i32 {
    let daemon = process::parent_pid();
    let held_raw = held.as_ref().map_or(-1, |held| held.fd.raw());
    process::set_name(c"hbd-helper");
    // Refused: the daemon says so for both.
    let _ = oom::spare();
    process::become_helper(&[channel.raw(), held_raw], setup.terminal);
    let mut writer = Writer::new(setup, &channel, daemon);
    let end = serve(&mut writer, held);
    writer.finish();
    drop(channel);
    match end {
        End::Ordered => 0,
        End::Keep(held) => keep(held),
    }
}

/// How the channel ended.
enum End {
    /// Everything is settled.
    Ordered,
    /// A watchdog is armed and nobody feeds it any more.
    Keep(Held),
}

fn serve(writer: &mut Writer<'_>, mut held: Option<Held>) -> End {
    let mut buf = [0; 4 * RECORD_MAX];
    let mut filled = 0;
    let mut passenger = None;
    let mut look = Looking::new(writer.look);
    loop {
        look.at_times(writer);
        writer.settle_sync();
        let room = buf.get_mut(filled..).unwrap_or(&mut []);
        match message::receive_with(writer.channel, room) {
            Ok(None) => {
                writer.idle();
                let sync = writer.sync.as_ref().map_or(PollFd::NONE, |sync| PollFd::readable(sync.end.raw()));
                let ready = poll(&mut [PollFd::readable(writer.channel.raw()), sync], look.patience());
                if ready.is_err() {
                    sleep_ms(20);
                }
                continue;
            }
            // Something runs short here; the daemon is as good as before.
            Err(why) if !super::is_gone(why) => {
                sleep_ms(20);
                continue;
            }
            Ok(Some((n @ 1.., fd))) => {
                filled += n;
                passenger = fd.or(passenger);
            }
            Ok(Some((0, _))) | Err(_) => return orphaned(writer, held),
        }
        // A claim waits for the state: it goes before the lines that came before it.
        let mut used = 0;
        let mut newest = None;
        while let Some((record, len)) = parse(buf.get(used..filled).unwrap_or(&[])) {
            used += len;
            if let Record::State { serial, bytes } = record {
                newest = Some((serial, bytes));
            }
        }
        if let Some((serial, bytes)) = newest {
            writer.state(serial, bytes);
        }
        writer.follow();
        let mut used = 0;
        while let Some((record, len)) = parse(buf.get(used..filled).unwrap_or(&[])) {
            used += len;
            writer.count = writer.count.wrapping_add(1);
            match record {
                Record::Log { at, level, to, text } => writer.log(at, level, to, text),
                Record::State { .. } => {}
                Record::Hold { timeout_s, fake } => {
                    held = passenger.take().map(|fd| Held { fd, timeout_s, fake }).or(held);
                }
                Record::Stop { disarm } => {
                    return match held {
                        Some(held) if !disarm => End::Keep(held),
                        _ => End::Ordered,
                    };
                }
                Record::Look => look.again(),
                #[cfg(feature = "late-record")]
                Record::Keep { bytes } => writer.keep.take(bytes),
                Record::Unknown => {}
            }
        }
        buf.copy_within(used..filled, 0);
        filled -= used;
    }
}

/// Between two looks at the disk.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// When to look at the disk next, and what was told.
struct Looking {
    clock: Clock,
    due: Instant,
    told: Option<(u16, u16)>,
    /// The run directory could not be filled again, which was said.
    in_vain: bool,
    nothing: bool,
}

impl Looking {
    fn new(look: Option<&Look>) -> Self {
        Self {
            clock: Clock::start(),
            due: Instant::ZERO,
            told: None,
            in_vain: false,
            nothing: look.is_none(),
        }
    }

    /// How long to wait for records at most, in milliseconds.
    fn patience(&mut self) -> i32 {
        if self.nothing { -1 } else { timeout_until(self.clock.now(), self.due) }
    }

    /// Look at once, and say what was seen though it be the same as before.
    fn again(&mut self) {
        (self.due, self.told) = (Instant::ZERO, None);
    }

    /// Look, if it is time: which groups have all their scripts, and is the run directory as it should be?
    fn at_times(&mut self, writer: &mut Writer<'_>) {
        let now = self.clock.now();
        let Some(look) = writer.look else { return };
        if now < self.due {
            return;
        }
        self.due = now.plus(LOOK_EVERY);
        let bits = |holds: &dyn Fn(GroupId) -> bool| {
            let groups = (0..).take(look.programs.groups()).map(GroupId);
            groups.fold(0, |bits, id| bits | u16::from(holds(id)) << id.0)
        };
        let mask = bits(&|id| look.programs.claimable(id));
        let own = if cfg!(feature = "address") { bits(&|id| look.programs.own_addresses(id)) } else { 0 };
        if self.told.replace((mask, own)) != Some((mask, own)) {
            writer.reply(Reply::Scripts { mask, own });
        }
        let pid = look.run_dir.join(pidfile::FILE);
        if pid.exists() && crate::resources::is_unpacked(&look.run_dir) {
            self.in_vain = false;
        } else {
            let made = restore(&look.run_dir, &pid, writer.daemon);
            let told = core::mem::replace(&mut self.in_vain, made.is_err());
            let dir = look.run_dir.display();
            let text = match made {
                Ok(()) => {
                    format!("somebody emptied {dir}: the pid file and the scripts in it were made again")
                }
                Err(error) => format!("somebody emptied {dir}, and it cannot be filled again: {error}"),
            };
            if !(told && self.in_vain) {
                writer.log(WallTime::now(), Level::Warn, Targets::ALL, &text);
            }
        }
    }
}

/// Put back what the daemon needs of its run directory; commands reach it by the socket's abstract name meanwhile.
fn restore(dir: &Path, pid: &Path, daemon: i32) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    let unpacked = crate::resources::unpack(dir);
    pidfile::write(pid, daemon)?;
    unpacked
}

/// The daemon ended without an order.
fn orphaned(writer: &mut Writer<'_>, held: Option<Held>) -> End {
    let now = WallTime::now();
    match held {
        Some(held) => {
            let text = format!(
                "hbd is gone without an orderly stop; its watchdog resets this machine within {} s",
                held.timeout_s
            );
            writer.log(now, Level::Critical, Targets::ALL, &text);
            End::Keep(held)
        }
        None => {
            writer.log(now, Level::Error, Targets::ALL, "hbd is gone without an orderly stop");
            End::Ordered
        }
    }
}

/// Hold the descriptor until the machine resets; or, for the stand-in, until it would have.
fn keep(held: Held) -> i32 {
    if held.fake {
        sleep_ms(i32::try_from(held.timeout_s.saturating_mul(1000)).unwrap_or(i32::MAX));
        let _ = held.fd.write(b"R");
        return 0;
    }
    loop {
        let _ = poll(&mut [], -1);
    }
}

/// Everything that the helper writes to.
struct Writer<'a> {
    channel: &'a Fd,
    daemon: i32,
    log: Option<LogFile>,
    debug: Option<LogFile>,
    syslog: Option<Syslog>,
    ring: Option<Ring>,
    terminal: Option<Fd>,
    state_dir: &'a Path,
    look: Option<&'a Look>,
    /// Records taken in, and those that the daemon knows to be written.
    count: u32,
    told: u32,
    sync: Option<Sync>,
    #[cfg(feature = "late-record")]
    keep: super::keep::Keep,
}

impl<'a> Writer<'a> {
    fn new(setup: &'a Setup, channel: &'a Fd, daemon: i32) -> Self {
        let mut writer = Self {
            channel,
            daemon,
            log: setup.log.clone().map(LogFile::new),
            debug: setup.debug.clone().map(LogFile::new),
            syslog: setup.facility.map(Syslog::new),
            ring: None,
            terminal: if setup.terminal { terminal() } else { None },
            state_dir: &setup.state_dir,
            look: setup.look.as_deref(),
            count: 0,
            told: 0,
            sync: None,
            #[cfg(feature = "late-record")]
            keep: super::keep::Keep::default(),
        };
        match Ring::open(&setup.state_dir) {
            Ok(ring) => writer.ring = Some(ring),
            Err(why) => writer.reply(Reply::OutputFailed { output: Output::Ring, why }),
        }
        writer
    }

    /// Tell the daemon. It reads eagerly, so there is room; if not, an answer to a state is worth a moment.
    fn reply(&self, reply: Reply) {
        let bytes = reply.encode();
        let mut rest = &bytes[..];
        for _ in 0..50 {
            match unix::send(self.channel, rest) {
                Ok(Some(n)) => rest = rest.get(n..).unwrap_or(&[]),
                Ok(None) => sleep_ms(20),
                Err(why) if why.is_shortage() => sleep_ms(20),
                Err(_) => return,
            }
            if rest.is_empty() {
                return;
            }
        }
    }

    fn follow(&mut self) {
        for file in [&mut self.log, &mut self.debug].into_iter().flatten() {
            file.follow();
        }
    }

    fn log(&mut self, at: WallTime, level: Level, to: Targets, text: &str) {
        let line = line::for_file(at, level, text);
        if let Some(terminal) = &self.terminal {
            // Who does not read (a terminal held by XOFF, a pipe that is full) goes without.
            let _ = terminal.write(line.as_bytes());
        }
        let mut edges = heapless::Vec::<(Output, Edge), 4>::new();
        if to.has(Targets::LOG)
            && let Some(file) = &mut self.log
            && let Some(edge) = file.write(&line)
        {
            let _ = edges.push((Output::Log, edge));
        }
        if to.has(Targets::DEBUG)
            && let Some(file) = &mut self.debug
            && let Some(edge) = file.write(&line)
        {
            let _ = edges.push((Output::Debug, edge));
        }
        if to.has(Targets::SYSLOG)
            && let Some(syslog) = &mut self.syslog
            && let Some(edge) = syslog.write(at, level, self.daemon, text)
        {
            let _ = edges.push((Output::Syslog, edge));
        }
        if to.has(Targets::RING)
            && let Some(ring) = &mut self.ring
            && let Err(why) = ring.write(&line)
        {
            self.ring = None;
            let _ = edges.push((Output::Ring, Edge::Failed(why)));
        }
        for (output, edge) in edges {
            self.tell(output, edge);
        }
    }

    fn tell(&mut self, output: Output, edge: Edge) {
        match edge {
            Edge::Failed(why) => self.reply(Reply::OutputFailed { output, why }),
            Edge::Restored(lost) => {
                let file = match output {
                    Output::Log => &mut self.log,
                    Output::Debug => &mut self.debug,
                    Output::Syslog | Output::Ring => &mut None,
                };
                if let Some(file) = file {
                    let note = format!("{lost} lines before the last one could not be written here");
                    file.write(&line::for_file(WallTime::now(), Level::Warn, &note));
                }
                self.reply(Reply::OutputRestored { output });
            }
        }
    }

    fn state(&self, serial: u32, bytes: &[u8]) {
        self.reply(match state::replace(self.state_dir, bytes) {
            Ok(()) => Reply::Persisted { serial },
            Err(error) => Reply::PersistFailed { serial, why: Errno::from(error) },
        });
    }

    /// Begin to bring to the disk what must outlive a reset. Called when there is nothing else to do.
    fn idle(&mut self) {
        #[cfg(feature = "late-record")]
        self.keep.idle(self.state_dir);
        if self.sync.is_some() {
            return;
        }
        if !self.ring.as_mut().is_some_and(Ring::take_dirty) {
            return self.wrote(self.count);
        }
        match self.ring.as_ref().map(|ring| Sync::begin(ring, self.count)) {
            Some(Ok(sync)) => self.sync = Some(sync),
            // Without a child it is done here.
            Some(Err(_)) | None => self.flush(),
        }
    }

    fn flush(&mut self) {
        let done = self.ring.as_ref().map_or(Ok(()), Ring::flush);
        self.synced(done, self.count);
    }

    /// Take what the child of [`Writer::idle`] has said.
    fn settle_sync(&mut self) {
        let Some(sync) = &self.sync else { return };
        let mut code = [0; 4];
        let done = match sync.end.read(&mut code) {
            Ok(None) => return,
            Ok(Some(4)) if code == [0; 4] => Ok(()),
            Ok(Some(4)) => Err(Errno(i32::from_ne_bytes(code))),
            // Somebody killed it.
            Ok(Some(_)) | Err(_) => self.ring.as_ref().map_or(Ok(()), Ring::flush),
        };
        process::wait_for(sync.child);
        let count = sync.count;
        self.sync = None;
        self.synced(done, count);
    }

    fn synced(&mut self, done: Result<(), Errno>, count: u32) {
        if let Err(why) = done {
            self.ring = None;
            self.reply(Reply::OutputFailed { output: Output::Ring, why });
        }
        self.wrote(count);
    }

    fn wrote(&mut self, count: u32) {
        if self.told != count {
            self.told = count;
            self.reply(Reply::Wrote { count });
        }
    }

    /// Bring everything to the disk, at the end.
    fn finish(&mut self) {
        #[cfg(feature = "late-record")]
        self.keep.finish(self.state_dir);
        if let Some(sync) = &self.sync {
            process::wait_for(sync.child);
            self.settle_sync();
        }
        if self.ring.as_mut().is_some_and(Ring::take_dirty) {
            self.flush();
        }
        self.wrote(self.count);
    }
}

/// Standard error, opened anew so that writes do not wait, which must not be set on what the caller's shell shares. What
/// cannot be opened again (a socket) is sent to as a socket.
fn terminal() -> Option<Fd> {
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_NONBLOCK | libc::O_NOCTTY;
    Fd::open(c"/proc/self/fd/2", flags, 0).ok()
}

/// The system's logger at `/dev/log`.
struct Syslog {
    facility: Facility,
    socket: Option<Fd>,
    lost: u32,
}

impl Syslog {
    fn new(facility: Facility) -> Self {
        Self { facility, socket: None, lost: 0 }
    }

    /// One datagram. A logger that was restarted is connected to again; one that does not read loses lines, so that
    /// it cannot hold up the state.
    fn write(&mut self, at: WallTime, level: Level, pid: i32, text: &str) -> Option<Edge> {
        let line = line::for_syslog(at, self.facility, level, pid, text);
        match self.send(line.as_bytes()) {
            Ok(()) if self.lost > 0 => Some(Edge::Restored(core::mem::take(&mut self.lost))),
            Ok(()) => None,
            Err(why) => {
                self.lost = self.lost.saturating_add(1);
                (self.lost == 1).then_some(Edge::Failed(why))
            }
        }
    }

    fn send(&mut self, line: &[u8]) -> Result<(), Errno> {
        for _ in 0..2 {
            let socket = match self.socket.take() {
                Some(socket) => socket,
                None => unix::connect_datagram(c"/dev/log")?,
            };
            // An error means that the logger was restarted: this socket is dead, the next one may not be.
            if let Ok(sent) = unix::send(&socket, line) {
                self.socket = Some(socket);
                return sent.map(drop).ok_or(Errno::AGAIN);
            }
        }
        Err(Errno::PIPE)
    }
}
