//! The parts of the running daemon, built in the order in which they may fail without leaving traces.

use super::announce::Announcer;
use super::attendant::Attendant;
use super::copies::Copies;
use super::dog::Dog;
use super::effects::Effects;
use super::fence::Fencer;
use super::history::History;
use super::interfaces::Interfaces;
use super::late::Lateness;
use super::late_record::LateRecord;
use super::media;
use super::mirrors::Mirrors;
use super::open::Open;
use super::outage::Outages;
use super::past::Past;
use super::pidfile::{self, PidFile};
use super::reload::Reload;
use super::requests::Facts;
use super::shell::Shell;
use super::shout::Shout;
use super::standbys::Standbys;
use super::start::{Start, failed};
use super::voice::Voice;
use crate::asker::{self, Asker};
use crate::cli::{EXIT_NOT_CONFIGURED, VERSION, tell};
use crate::config::Settings;
use crate::control::Server;
use crate::control::wire::Failing;
use crate::control::wire::{HEAD, MAX_BODY};
use crate::helper::{Helper, Level, Look, Setup};
use crate::link::{Link, Pinger};
use crate::log::Names;
use crate::resources;
use crate::scripts::{Places, Programs, Runner, leftover};
use crate::state;
use crate::sys::clock::Clock;
use crate::sys::signal::Signals;
use crate::sys::{Errno, host, oom, process, random, sched};
use hb_core::config::MAX_GROUPS;
use hb_core::{Instant, Node, PingId};
use heapless::Deque;
use std::path::Path;
use std::rc::Rc;

impl Start {
    /// Build everything, in the order in which it may fail without leaving traces.
    pub(super) fn shell(&self, pidfile: &mut PidFile, foreground: bool) -> Result<Shell, i32> {
        let Self { paths, places, settings, .. } = self;
        let signals = Signals::install().map_err(|why| failed(&format!("signals: {why}"), why))?;
        let mut clock = Clock::start();
        let look = Programs::prepare(settings, paths, places).ok_or(EXIT_NOT_CONFIGURED)?;
        let look = Look { programs: look, run_dir: places.run_dir.clone() };
        // Before there is a helper, which puts back what is missing of them.
        pidfile.write().map_err(|error| {
            let file = places.run_dir.join(pidfile::FILE);
            failed(&format!("{}: {error}", file.display()), Errno::from(&error))
        })?;
        let unpacked = resources::unpack(&places.run_dir);
        let past = Past::look(&places.state_dir);
        let helper = Helper::start(setup(settings, places, foreground, look), None)
            .map_err(|why| failed(&format!("the helper process cannot be started: {why}"), why))?;
        let mut voice = Voice::new(helper, Names::of(settings), false);
        self.first_lines(&mut voice);
        if let Err(error) = unpacked {
            voice.say(
                Level::Error,
                format_args!("{}: {error}", resources::functions_path(&places.run_dir).display()),
            );
        }
        let (found, left) = leftover::end_all(settings, &places.run_dir, &paths.proc_dir);
        if found > 0 {
            voice.say(
                Level::Warn,
                format_args!("{found} scripts of an earlier life were ended, {} would not go", left.len()),
            );
        }
        #[cfg(feature = "data")]
        end_pulls(places, paths, &mut voice);
        let loaded = state::load(&places.state_dir);
        if let Some((damage, kept)) = &loaded.damage {
            let kept = kept.as_ref().map_or(String::from("nowhere"), |path| path.display().to_string());
            voice.say(
                Level::Error,
                format_args!(
                    "{}: {damage}; kept as {kept}, starting without it",
                    places.state_dir.join(state::FILE).display()
                ),
            );
        }
        let entropy: [u8; 24] = entropy()?;
        let begun = clock.now();
        let record = LateRecord::load(&places.state_dir, begun, &mut voice);
        let mut links = self.links(begun, &mut voice)?;
        let interfaces = Interfaces::new(settings, &mut links, begun);
        let programs = Programs::prepare(settings, paths, places).ok_or(EXIT_NOT_CONFIGURED)?;
        let server = self.server(&mut voice);
        let reload = Reload::new(paths, settings);
        let mut claimable = [false; MAX_GROUPS];
        for (known, group) in claimable.iter_mut().zip(&settings.core.groups) {
            *known = group.claimable;
        }
        let attendant = Attendant::new(settings, paths, places);
        let mut fx = Effects {
            attendant,
            voice,
            links,
            runner: Runner::new(programs).beside(left, &paths.proc_dir),
            pinger: pinger(settings, &entropy),
            mirrors: Mirrors::new(settings),
            announcer: Announcer::new(settings),
            asker: asker(settings, &paths.proc_dir, begun),
            copies: Copies::of(settings, places),
            fencer: Fencer::of(settings, places),
            dog: Dog::new(settings.watchdog.as_ref(), loaded.watchdog_s, begun, &paths.proc_dir),
            queue: Deque::new(),
            history: History::new(begun),
            outages: Outages::new(),
            shout: Shout::new(),
            failing: Failing::default(),
            exit: None,
        };
        let _ = fx.pinger.try_open(begun);
        fx.fencer.hold(&mut fx.voice);
        // Validated, and one link is open: only now may a machine be reset.
        let watchdog = match &mut fx.dog {
            Some(dog) => dog.start(begun, &mut fx.voice),
            None => None,
        };
        if let Some(past) = past {
            past.tell(&loaded.saved, fx.dog.as_ref(), &mut fx.voice);
        }
        let seed = core::array::from_fn(|i| entropy.get(i).copied().unwrap_or(0));
        let now = clock.now();
        let mut node = Node::new(settings.core.clone(), settings.keys.clone(), &loaded.saved, seed, now)
            .map_err(|why| {
                tell(&format!("{why}"));
                EXIT_NOT_CONFIGURED
            })?;
        if let Some(input) = watchdog {
            node.handle_input(now, input);
        }
        let realtime = self.grip(&mut fx.voice);
        let mut shell = Shell {
            node,
            fx,
            clock,
            signals,
            server,
            reload,
            standbys: Standbys::default(),
            #[cfg(feature = "why")]
            why: super::why::Answering::default(),
            facts: Facts {
                begun,
                config_digest: settings.config_digest,
                realtime,
                late: Lateness::new(settings.timing.keepalive),
                record,
            },
            claimable,
            interfaces,
            now,
            revive: Instant::NEVER,
            revived: Instant::ZERO,
            reads: 0,
            window: (now, false),
            rounds: 0,
            waited: true,
            hollow: None,
            open: Open::default(),
        };
        shell.link_changes();
        shell.tell_mirrors();
        Ok(shell)
    }

    fn first_lines(&self, voice: &mut Voice) {
        voice.say(
            Level::Info,
            format_args!(
                "Configuration validated. Starting hbd {VERSION} as node {} [pid {}] on Linux {}",
                self.settings.own,
                process::own_pid().get(),
                host::kernel_release()
            ),
        );
        for finding in self.findings.as_slice() {
            voice.say(Level::Warn, format_args!("{finding}"));
        }
    }

    /// Every link, opened as far as it can be. At least one must be.
    fn links(&self, now: Instant, voice: &mut Voice) -> Result<Vec<Link>, i32> {
        let mut links = media::links(&self.settings).map_err(|(at, why)| {
            let medium = self.settings.links.get(at).map_or(String::new(), |m| format!("{m}"));
            failed(&format!("{medium}: {why}"), why)
        })?;
        let mut last = None;
        for link in &mut links {
            last = link.try_open(now).err().or(last);
        }
        match last {
            Some(why) if !links.iter().any(Link::is_open) => {
                voice.say(
                    Level::Critical,
                    format_args!("no heartbeat link can be opened ({why}); not starting"),
                );
                Err(failed(&format!("no heartbeat link can be opened: {why}; hbd check says more"), why))
            }
            _ => Ok(links),
        }
    }

    fn server(&self, voice: &mut Voice) -> Option<Server> {
        let listeners = self.listeners.take()?;
        if listeners.name_is_taken() {
            voice.say(
                Level::Warn,
                format_args!("another user's process has taken this daemon's second (abstract) socket name"),
            );
        }
        // The longest answer: every status line at its longest, and the names of the resources.
        let piece = HEAD + MAX_BODY;
        let settings = &self.settings;
        let names = &voice.names.groups;
        let resources: usize = names.iter().flat_map(|g| &g.resources).map(|name| name.len() + 16).sum();
        let room = 6 * piece
            + (2 * piece + 100) * settings.groups.len()
            + 400 * (settings.links.len() + settings.pings.len())
            + resources;
        Some(Server::new(listeners, room))
    }

    /// Stay in memory and come first. Both may be refused where tests run: said, shown in the status, lived without.
    fn grip(&self, voice: &mut Voice) -> bool {
        let locked = sched::lock_memory();
        if let Err(why) = locked {
            voice.say(Level::Warn, format_args!("memory cannot be locked: {why}"));
        }
        let priority = i32::from(self.settings.rtprio.unwrap_or(1));
        let realtime = sched::realtime(priority);
        if realtime.is_ok() {
            voice.helper.may_hurry(priority);
        }
        if let Err(why) = realtime {
            voice.say(
                Level::Warn,
                format_args!("real-time scheduling (priority {priority}) is refused: {why}"),
            );
        }
        // The helper has asked for itself. Its reason is the same, and so is what it is told.
        if let Err(why) = oom::spare() {
            voice.say(
                Level::Warn,
                format_args!(
                    "the kernel may end this daemon when memory runs out: exemption is refused: {why}"
                ),
            );
        }
        locked.is_ok() && realtime.is_ok()
    }
}

fn setup(settings: &Settings, places: &Places, terminal: bool, look: Look) -> Setup {
    Setup {
        log: settings.log.logfile.clone(),
        debug: settings.log.debugfile.clone(),
        facility: settings.log.facility,
        state_dir: places.state_dir.clone(),
        terminal,
        look: Some(Rc::new(look)),
    }
}

fn asker(settings: &Settings, proc_dir: &Path, now: Instant) -> Asker {
    let routes = std::fs::read_to_string(proc_dir.join("net/route")).unwrap_or_default();
    Asker::new(settings, asker::gateways(&routes), now)
}

fn entropy() -> Result<[u8; 24], i32> {
    let mut bytes = [0; 24];
    random::fill(&mut bytes).map_err(|why| failed(&format!("/dev/urandom: {why}"), why))?;
    Ok(bytes)
}

fn pinger(settings: &Settings, entropy: &[u8; 24]) -> Pinger {
    // The node has the first 16 bytes to itself.
    let mut pinger = Pinger::new(core::array::from_fn(|i| entropy.get(16 + i).copied().unwrap_or(0)));
    for (id, ping) in (0_u8..).zip(&settings.pings) {
        for &address in &ping.members {
            let _ = pinger.add(PingId(id), address);
        }
    }
    pinger
}

/// End what an earlier life left pulling: before the stamps are read, and before anything starts.
#[cfg(feature = "data")]
fn end_pulls(places: &Places, paths: &crate::config::Paths, voice: &mut Voice) {
    let left = leftover::end_pulls(&places.run_dir, &paths.proc_dir);
    if left > 0 {
        voice.say(
            Level::Error,
            format_args!(
                "{left} processes of an earlier life's pull would not go: they may still write to the data"
            ),
        );
    }
}
