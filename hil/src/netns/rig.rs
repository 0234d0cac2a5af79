//! The rig: build it, pull its plugs, ask what happened.

use super::addresses::AddressWatch;
use super::builder::Builder;
use super::client::Client;
use super::clock::Stamp;
use super::files::{Files, write_jdmail};
use super::firewall;
use super::intruder::Intruder;
use super::machine::{Machine, signal};
use super::namespace::Namespace;
use super::node::Node;
use super::nullmodem::NullModem;
use super::plugs::{Cable, Plugs};
use super::programs::Programs;
use super::slot::Slot;
use super::wiring::Wiring;
use nix::sys::signal::Signal;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

mod observe;

/// Two machines, a client, a gateway and an intruder. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Rig {
    // Dropped in this order: who watches first, then who is watched, then the place for the next rig.
    client: Client,
    watches: [AddressWatch; 2],
    machines: [Machine; 2],
    serial: Option<NullModem>,
    intruder: Intruder,
    client_net: Namespace,
    gateway: Namespace,
    plugs: Mutex<Plugs>,
    wiring: Wiring,
    timeline: Mutex<Vec<(Stamp, String)>>,
    born: Stamp,
    name: String,
    dir: PathBuf,
    _slot: Slot,
}

impl Rig {
    pub(super) fn new(builder: Builder) -> io::Result<Self> {
        let own = |node: Node| builder.programs[node.index()].clone().map_or_else(Programs::build, Ok);
        let programs = [own(Node::Ha1)?, own(Node::Ha2)?];
        let slot = Slot::wait(builder.alone)?;
        let dir = new_dir()?;
        let wiring = Wiring::new()?;
        let host = |name: &str, lines: &str| -> io::Result<Namespace> {
            let net = Namespace::new(name)?;
            wiring.plug_lan(&net)?;
            net.ip(lines)?;
            Ok(net)
        };
        let client_net =
            host("client", "addr add 192.168.2.100/24 broadcast + dev eth0\nlink set eth0 up\n")?;
        let gateway = host("gateway", "addr add 192.168.2.1/24 broadcast + dev eth0\nlink set eth0 up\n")?;
        let intruder = host("intruder", "addr add 192.168.2.66/24 broadcast + dev eth0\nlink set eth0 up\n")?;
        wiring.plug_cross(&intruder)?;
        let intruder = Intruder::new(intruder);
        intruder.become_host(Ipv4Addr::new(10, 0, 0, 66))?;
        let serial = if builder.serial { Some(NullModem::new()?) } else { None };
        let machine = |node: Node| -> io::Result<(Machine, AddressWatch)> {
            let net = Namespace::new(node.name())?;
            wiring.plug_lan(&net)?;
            wiring.plug_cross(&net)?;
            let watch = AddressWatch::new(&net)?;
            let folder = dir.join(node.name());
            let machine =
                Machine::new(net, folder, node.addresses().to_owned(), programs[node.index()].clone())?;
            let mut files = Files::corrected().with_times(&builder.times);
            if let Some(cable) = &serial {
                files = files.with_serial(cable.path(node.index()));
            }
            for (only, edit) in &builder.edits {
                if only.is_none_or(|only| only == node) {
                    files = edit(files);
                }
            }
            files.write(&machine)?;
            write_jdmail(&machine, &programs[node.index()].node)?;
            Ok((machine, watch))
        };
        let (first, first_watch) = machine(Node::Ha1)?;
        let (second, second_watch) = machine(Node::Ha2)?;
        let rig = Self {
            client: Client::new(&client_net)?,
            watches: [first_watch, second_watch],
            machines: [first, second],
            serial,
            intruder,
            client_net,
            gateway,
            plugs: Mutex::new(Plugs::new()),
            wiring,
            timeline: Mutex::default(),
            born: Stamp::now(),
            name: builder.name,
            dir,
            _slot: slot,
        };
        for node in Node::BOTH {
            rig.power_on(node);
        }
        Ok(rig)
    }

    /// The name it was built with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was built.
    #[must_use]
    pub fn born(&self) -> Stamp {
        self.born
    }

    /// A machine.
    #[must_use]
    pub fn machine(&self, node: Node) -> &Machine {
        &self.machines[node.index()]
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The client's network.
    #[must_use]
    pub fn client_net(&self) -> &Namespace {
        &self.client_net
    }

    /// The network of the ping node 192.168.2.1.
    #[must_use]
    pub fn gateway(&self) -> &Namespace {
        &self.gateway
    }

    /// A firewall on the node drops the heartbeats of others, or does so no more.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn firewall(&self, node: Node, on: bool) -> Stamp {
        let net = self.machine(node).net();
        let done = if on { firewall::drop_port(net, super::HEARTBEAT_PORT) } else { firewall::remove(net) };
        done.unwrap_or_else(|why| panic!("the firewall of {}: {why}", node.name()));
        self.note(format!("{}: firewall {}", node.name(), if on { "up" } else { "down" }))
    }

    /// The intruder, on the LAN; its plug in the crossover segment is [`Cable::Intruder`].
    #[must_use]
    pub fn intruder(&self) -> &Intruder {
        &self.intruder
    }

    /// The null-modem.
    ///
    /// # Panics
    /// If the rig was built without.
    #[must_use]
    pub fn serial(&self) -> &NullModem {
        self.serial.as_ref().expect("this rig has no null-modem")
    }

    /// Puts a line into the story that a failure prints. Says when.
    pub fn note(&self, text: impl Into<String>) -> Stamp {
        let at = Stamp::now();
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).push((at, text.into()));
        at
    }

    /// The story so far.
    #[must_use]
    pub fn timeline(&self) -> Vec<(Stamp, String)> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn plugs(&self) -> MutexGuard<'_, Plugs> {
        self.plugs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, plugs: &mut Plugs) -> Stamp {
        plugs.apply(&self.wiring, self.serial.as_ref()).unwrap_or_else(|error| panic!("the switch: {error}"))
    }

    /// Pulls these cables in one go. Says when it was done.
    pub fn cut(&self, cables: &[Cable]) -> Stamp {
        self.plug(cables, false)
    }

    /// Plugs these cables in again. Says when it was done.
    pub fn mend(&self, cables: &[Cable]) -> Stamp {
        self.plug(cables, true)
    }

    fn plug(&self, cables: &[Cable], whole: bool) -> Stamp {
        let mut plugs = self.plugs();
        for &cable in cables {
            plugs.set(cable, whole);
        }
        let at = self.apply(&mut plugs);
        self.note(format!("{} {cables:?}", if whole { "mended" } else { "cut" }));
        at
    }

    /// The machine loses its power: its plugs go dead, then everything on it ends. Says when the plugs were dead.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn power_off(&self, node: Node) -> Stamp {
        let at = {
            let mut plugs = self.plugs();
            plugs.power[node.index()] = false;
            self.apply(&mut plugs)
        };
        self.machine(node).power_off().unwrap_or_else(|error| panic!("power off {}: {error}", node.name()));
        self.note(format!("{} lost its power", node.name()));
        at
    }

    /// The machine boots; its daemon does not run yet.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn power_on(&self, node: Node) {
        self.machine(node).power_on().unwrap_or_else(|error| panic!("power on {}: {error}", node.name()));
        let mut plugs = self.plugs();
        plugs.power[node.index()] = true;
        self.apply(&mut plugs);
        drop(plugs);
        self.note(format!("{} booted", node.name()));
    }

    /// Starts the daemon. Says when.
    ///
    /// # Panics
    /// If it cannot be started at all; whether it stays is another matter.
    pub fn start(&self, node: Node) -> Stamp {
        let at = self.note(format!("daemon of {} started", node.name()));
        self.machine(node).start_daemon().unwrap_or_else(|error| panic!("start on {}: {error}", node.name()));
        at
    }

    /// Starts both daemons at the same time. Says when.
    pub fn start_both(&self) -> Stamp {
        let at = self.start(Node::Ha1);
        self.start(Node::Ha2);
        at
    }

    /// `kill -9` of the daemon alone. Says when.
    pub fn kill_daemon(&self, node: Node) -> Stamp {
        self.note(format!("kill -9 of the daemon on {}", node.name()));
        self.machine(node).kill_daemon()
    }

    /// SIGSTOP for the daemon. Says when.
    pub fn freeze(&self, node: Node) -> Stamp {
        self.note(format!("SIGSTOP for the daemon on {}", node.name()));
        self.machine(node).signal_daemon(Signal::SIGSTOP)
    }

    /// SIGCONT for the daemon. Says when.
    pub fn thaw(&self, node: Node) -> Stamp {
        self.note(format!("SIGCONT for the daemon on {}", node.name()));
        self.machine(node).signal_daemon(Signal::SIGCONT)
    }

    /// Sends a signal to any process that a machine's method named.
    pub fn signal(&self, pid: u32, which: Signal) {
        self.note(format!("{which} for process {pid}"));
        signal(pid, which);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // A daemon that ended itself for an allocation may look like one that the scenario killed.
        let allocated = Node::BOTH.map(|node| self.machine(node).read("log/stderr").contains("alloc-guard"));
        let broken = allocated.contains(&true);
        if thread::panicking() || broken {
            super::failure::print(self);
        }
        let _ = fs::remove_dir_all(&self.dir);
        assert!(thread::panicking() || !broken, "a daemon allocated memory after its start: {allocated:?}");
    }
}

/// A fresh folder; folders of processes that are gone are cleared away on the way.
fn new_dir() -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = std::env::temp_dir();
    for entry in fs::read_dir(&base)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("hbd-rig-").and_then(|rest| rest.split_once('-'));
        if let Some((pid, _)) = owner
            && pid.parse::<u32>().is_ok()
            && !Path::new("/proc").join(pid).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = base.join(format!("hbd-rig-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
