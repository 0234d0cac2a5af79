//! The rig: build it, pull its plugs, ask what happened.

use super::addresses::AddressWatch;
use super::client::Client;
use super::clock::Stamp;
use super::files::{Files, Times, write_jdmail};
use super::holding::{self, Span};
use super::intruder::Intruder;
use super::machine::{Machine, Output, signal};
use super::namespace::Namespace;
use super::nullmodem::NullModem;
use super::plugs::{Cable, Plugs};
use super::programs::Programs;
use super::slot::Slot;
use super::status::Status;
use super::wiring::Wiring;
use nix::sys::signal::Signal;
use std::fs;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// One of the two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// The preferred node of `haresources`, 192.168.2.2 and 10.0.0.1.
    Ha1,
    /// The other one, 192.168.2.3 and 10.0.0.2.
    Ha2,
}

impl Node {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Ha1, Self::Ha2];

    /// 0 or 1.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Ha1 => 0,
            Self::Ha2 => 1,
        }
    }

    /// The other node.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Ha1 => Self::Ha2,
            Self::Ha2 => Self::Ha1,
        }
    }

    /// Its `uname -n`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ha1 => "ha-1",
            Self::Ha2 => "ha-2",
        }
    }

    /// Its address on the crossover cable.
    #[must_use]
    pub const fn cross_address(self) -> Ipv4Addr {
        match self {
            Self::Ha1 => Ipv4Addr::new(10, 0, 0, 1),
            Self::Ha2 => Ipv4Addr::new(10, 0, 0, 2),
        }
    }

    const fn addresses(self) -> &'static str {
        match self {
            Self::Ha1 => {
                "addr add 192.168.2.2/24 broadcast + dev eth0\nlink set eth0 up\n\
                 addr add 10.0.0.1/24 broadcast + dev eth1\nlink set eth1 up\n"
            }
            Self::Ha2 => {
                "addr add 192.168.2.3/24 broadcast + dev eth0\nlink set eth0 up\n\
                 addr add 10.0.0.2/24 broadcast + dev eth1\nlink set eth1 up\n"
            }
        }
    }
}

type Edit = Box<dyn Fn(Files) -> Files>;

/// What kind of rig to build.
pub struct Builder {
    name: String,
    times: Times,
    serial: bool,
    alone: bool,
    edits: Vec<(Option<Node>, Edit)>,
}

impl Builder {
    /// The seed's files with `ha-a` corrected and quick times, over the crossover cable only.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            times: Times::default(),
            serial: false,
            alone: false,
            edits: Vec::new(),
        }
    }

    /// Other times in `ha.cf`.
    #[must_use]
    pub fn times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// Uncomment the null-modem.
    #[must_use]
    pub fn with_serial(mut self) -> Self {
        self.serial = true;
        self
    }

    /// No other rig meanwhile: something is measured.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Change the files of both nodes.
    #[must_use]
    pub fn edit(mut self, edit: impl Fn(Files) -> Files + 'static) -> Self {
        self.edits.push((None, Box::new(edit)));
        self
    }

    /// Change the files of one node.
    #[must_use]
    pub fn edit_on(mut self, node: Node, edit: impl Fn(Files) -> Files + 'static) -> Self {
        self.edits.push((Some(node), Box::new(edit)));
        self
    }

    /// Build it: both machines have booted, their daemons do not run yet, the client polls. Without root there is no
    /// rig: says so (`SKIPPED: ...` on standard output, past the test harness's capture) and gives `None`.
    ///
    /// # Panics
    /// If root is refused something: a broken rig is no reason to skip.
    #[must_use]
    pub fn build(self) -> Option<Rig> {
        if !nix::unistd::geteuid().is_root() {
            skip(&self.name, "needs root");
            return None;
        }
        let name = self.name.clone();
        Some(Rig::new(self).unwrap_or_else(|error| panic!("the rig of {name:?} cannot be built: {error}")))
    }
}

/// Say loudly that a test did not run, on standard output itself: the harness would swallow a `println!`.
pub fn skip(test: &str, why: &str) {
    let _ = writeln!(io::stdout(), "\nSKIPPED: {test}: {why}");
}

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
    fn new(builder: Builder) -> io::Result<Self> {
        let programs = Programs::build()?;
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
            let machine = Machine::new(net, folder, node.addresses().to_owned(), programs.clone())?;
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
            write_jdmail(&machine, &programs.node)?;
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

    /// Put a line into the story that a failure prints. Says when.
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

    /// Pull these cables in one go. Says when it was done.
    pub fn cut(&self, cables: &[Cable]) -> Stamp {
        self.plug(cables, false)
    }

    /// Plug these cables in again. Says when it was done.
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

    /// Start the daemon. Says when.
    ///
    /// # Panics
    /// If it cannot be started at all; whether it stays is another matter.
    pub fn start(&self, node: Node) -> Stamp {
        let at = self.note(format!("daemon of {} started", node.name()));
        self.machine(node).start_daemon().unwrap_or_else(|error| panic!("start on {}: {error}", node.name()));
        at
    }

    /// Start both daemons at the same time. Says when.
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

    /// Send a signal to any process that a machine's method named.
    pub fn signal(&self, pid: u32, which: Signal) {
        self.note(format!("{which} for process {pid}"));
        signal(pid, which);
    }

    /// Run `hbd` with these arguments on a node.
    ///
    /// # Panics
    /// If it does not end within 30 s.
    pub fn hbd(&self, node: Node, arguments: &[&str]) -> Output {
        let machine = self.machine(node);
        let output = machine.run(&mut machine.hbd(arguments), Duration::from_secs(30));
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", node.name()));
        let said = format!("{}{}", output.stdout, output.stderr);
        self.note(format!("{}: hbd {}: {:?} {}", node.name(), arguments.join(" "), output.code, said.trim()));
        output
    }

    /// `hbd status --json`; `None` while nothing answers.
    #[must_use]
    pub fn status(&self, node: Node) -> Option<Status> {
        let machine = self.machine(node);
        let output = machine.run(&mut machine.hbd(&["status", "--json"]), Duration::from_secs(5)).ok()?;
        if output.code == Some(0) { Status::parse(&output.stdout) } else { None }
    }

    /// The state of the seed's group on a node, `-` while its daemon does not answer.
    #[must_use]
    pub fn group(&self, node: Node) -> String {
        self.status(node).map_or_else(|| "-".to_owned(), |status| status.group().to_owned())
    }

    /// Wait until `condition` holds, at most `limit`, looking every 20 ms. Says when it held.
    ///
    /// # Panics
    /// If it does not hold in time.
    pub fn wait(&self, what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Stamp {
        let begin = self.note(format!("waiting until {what}"));
        loop {
            let at = Stamp::now();
            if condition() {
                self.note(format!("{what}: yes, after {:.3} s", at.since(begin).as_secs_f64()));
                return at;
            }
            assert!(begin.elapsed() < limit, "not within {limit:?}: {what}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Wait until the group shows `state` on `node`.
    pub fn wait_group(&self, node: Node, state: &str, limit: Duration) -> Stamp {
        self.wait(&format!("the group is {state} on {}", node.name()), limit, || self.group(node) == state)
    }

    /// Wait until the peer of `node` shows `state` there.
    pub fn wait_peer(&self, node: Node, state: &str, limit: Duration) -> Stamp {
        self.wait(&format!("{} sees its peer {state}", node.name()), limit, || {
            self.status(node).is_some_and(|status| status.peer() == state)
        })
    }

    /// Wait until the client is answered by `node`.
    pub fn wait_answer(&self, node: Node, limit: Duration) -> Stamp {
        self.wait(&format!("the client is answered by {}", node.name()), limit, || {
            self.client.answered_by().as_deref() == Some(node.name())
        })
    }

    /// Wait until all is well with `node` as the holder: it holds, the other is idle, each sees the other up, and the
    /// client gets its answers there.
    pub fn wait_settled(&self, node: Node, limit: Duration) -> Stamp {
        self.wait(&format!("{} serves and both nodes are up", node.name()), limit, || {
            let (Some(own), Some(other)) = (self.status(node), self.status(node.other())) else {
                return false;
            };
            own.group() == "held"
                && other.group() == "idle"
                && own.peer() == "up"
                && other.peer() == "up"
                && self.client.answered_by().as_deref() == Some(node.name())
        })
    }

    /// Watch that `condition` holds all the time for `time`, looking every 20 ms.
    ///
    /// # Panics
    /// At the first moment at which it does not hold.
    pub fn stays(&self, what: &str, time: Duration, mut condition: impl FnMut() -> bool) {
        let begin = self.note(format!("for {time:?} it must stay so that {what}"));
        while begin.elapsed() < time {
            assert!(condition(), "no longer after {:.3} s: {what}", begin.elapsed().as_secs_f64());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// When the node physically had any part of the service: the address, or the running server.
    #[must_use]
    pub fn holding(&self, node: Node) -> Vec<Span> {
        let mut spans = self.address_spans(node);
        spans.extend(self.service_spans(node));
        holding::union(spans)
    }

    /// When the node had the service address.
    #[must_use]
    pub fn address_spans(&self, node: Node) -> Vec<Span> {
        holding::spans(&self.watches[node.index()].events(), &self.losses(node))
    }

    /// When the node's mail server ran.
    #[must_use]
    pub fn service_spans(&self, node: Node) -> Vec<Span> {
        let log = self.machine(node).read("service.log");
        let mut events: Vec<(Stamp, bool)> = holding::stamps(&log, "up").map(|at| (at, true)).collect();
        events.extend(holding::stamps(&log, "down").map(|at| (at, false)));
        events.sort_by_key(|&(at, _)| at);
        holding::spans(&events, &self.losses(node))
    }

    fn losses(&self, node: Node) -> Vec<Stamp> {
        self.machine(node).off_times().into_iter().map(|(from, _)| from).collect()
    }

    /// For how long since `since` both nodes physically had a part of the service at the same time.
    #[must_use]
    pub fn overlap(&self, since: Stamp) -> Duration {
        let window = Span { from: since, until: Stamp::NEVER };
        holding::overlap(&self.holding(Node::Ha1), &self.holding(Node::Ha2), window)
    }

    /// How often the init script was called with `verb` on a node since `since`.
    #[must_use]
    pub fn calls(&self, node: Node, verb: &str, since: Stamp) -> usize {
        let log = self.machine(node).read("service.log");
        let wanted = format!(" begin {verb} ");
        let calls = log.lines().filter(|line| line.contains(&wanted));
        calls
            .filter(|line| {
                line.split(' ').next().and_then(|at| at.parse().ok()).is_some_and(|at| Stamp(at) >= since)
            })
            .count()
    }

    /// Both logs of a node in one: `ha-log` is what operators read.
    #[must_use]
    pub fn log(&self, node: Node) -> String {
        self.machine(node).read("log/ha-log")
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if thread::panicking() {
            super::failure::print(self);
        }
        let _ = fs::remove_dir_all(&self.dir);
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
