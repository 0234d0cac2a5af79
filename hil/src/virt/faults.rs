//! What goes wrong in a case: wires, daemons, kernels.

use super::monitor;
use super::record::What;
use super::scene::{Scene, Told};
use crate::netns::{Node, Stamp};
use std::fs;
use std::thread;
use std::time::Duration;

/// A heartbeat link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// The null-modem.
    Serial,
    /// The heartbeat Ethernet.
    Ethernet,
}

impl Link {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Serial, Self::Ethernet];
}

impl Scene {
    /// Cuts these links, both ways. Says when it was done.
    ///
    /// # Errors
    /// The switch refuses.
    pub fn cut(&mut self, links: &[Link]) -> Told<Stamp> {
        self.plug(links, false)
    }

    /// Mends these links. Says when it was done.
    ///
    /// # Errors
    /// The switch refuses.
    pub fn mend(&mut self, links: &[Link]) -> Told<Stamp> {
        self.plug(links, true)
    }

    fn plug(&mut self, links: &[Link], whole: bool) -> Told<Stamp> {
        for link in links {
            match link {
                Link::Serial => {
                    for wire in self.rig.wires() {
                        wire.change(|line| [0, 1].map(|from| line.cut(from, !whole)));
                    }
                }
                Link::Ethernet => {
                    let ports = ["cross-ha-1", "cross-ha-2"];
                    self.rig.network.set(&ports, whole).map(drop).map_err(|e| e.to_string())?;
                }
            }
        }
        for link in links {
            let name = if *link == Link::Serial { "serial" } else { "eth1" };
            self.record.link_fault(What::Cut, name, None, !whole, 0);
        }
        Ok(self.say(&format!("{links:?}: {}", if whole { "mended" } else { "cut" })))
    }

    /// Cuts (or mends) the one wire of the null-modem on which `from` sends. Says when.
    pub fn cut_wire(&mut self, from: Node, cut: bool) -> Stamp {
        self.rig.wire(from).change(|line| line.cut(from.index(), cut));
        self.record.link_fault(What::Cut, "serial", Some(from.name()), cut, 0);
        let done = if cut { "is cut" } else { "is mended" };
        self.say(&format!("the wire on which {} sends {done}", from.name()))
    }

    /// Noise on both wires of the null-modem: of a thousand bytes so many get a bit changed, and bursts of bytes that
    /// nobody sent. Says when.
    pub fn noise(&mut self, flips: u64, bursts: bool) -> Stamp {
        for wire in self.rig.wires() {
            wire.change(|line| {
                for way in &mut line.ways {
                    way.flips = flips;
                    way.noise = bursts;
                }
            });
        }
        self.record.link_fault(What::Flips, "serial", None, flips > 0, flips);
        for node in Node::BOTH {
            self.record.link_fault(What::Noise, "serial", Some(node.name()), bursts, 0);
        }
        self.say(&format!("the null-modem: {flips} of 1000 bytes damaged, bursts of noise: {bursts}"))
    }

    /// A signal to the daemon alone, not to its helper. Says when the guest had taken it.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn signal_daemon(&mut self, node: Node, signal: &str) -> Told<Stamp> {
        let pid = self.daemon_pid(node)?;
        self.signal_process(node, signal, pid)
    }

    /// The process number of a daemon.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn daemon_pid(&self, node: Node) -> Told<u64> {
        let status = self.status(node).ok_or_else(|| format!("no daemon answers on {}", node.name()))?;
        Ok(status.number("/pid").ok_or("status names no process")?)
    }

    /// The same for a machine that is too busy to be asked for the number then. Says when the guest had taken it.
    ///
    /// # Errors
    /// It has not, in a minute.
    pub fn signal_process(&mut self, node: Node, signal: &str, pid: u64) -> Told<Stamp> {
        let line = format!("kill -{signal} {pid}");
        self.say(&format!("{}# {line}", node.name()));
        let answer = self.guest(node).shell(&line, Duration::from_secs(60))?;
        if answer.code != 0 {
            return Err(format!("{line}: {}", answer.text));
        }
        match signal {
            "KILL" => self.record.fault(What::Kill, node.name(), true),
            "STOP" => self.record.fault(What::Freeze, node.name(), true),
            "CONT" => self.record.fault(What::Freeze, node.name(), false),
            _ => {}
        }
        Ok(Stamp::now())
    }

    /// When QEMU told of an event of this name, since `since`.
    #[must_use]
    pub fn event(&self, node: Node, name: &str, since: Stamp) -> Option<Stamp> {
        let events = monitor::events(&self.guest(node).monitor, 0);
        events.into_iter().find(|event| event.name == name && event.at >= since).map(|event| event.at)
    }

    /// Waits until the machine is reset. Says when.
    ///
    /// # Errors
    /// It is not, in time.
    pub fn reset_seen(&mut self, node: Node, since: Stamp, limit: Duration) -> Told<Stamp> {
        let name = node.name();
        self.until(&format!("{name} is reset"), limit, |scene| scene.event(node, "RESET", since).is_some())?;
        self.event(node, "RESET", since).ok_or_else(|| format!("{name} was not reset"))
    }

    /// Freezes a whole machine, clock and all. Says when.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn freeze(&mut self, node: Node) -> Told<Stamp> {
        self.say(&format!("{} is frozen", node.name()));
        self.record.fault(What::Halt, node.name(), true);
        self.guest(node).qemu("stop")
    }

    /// Lets a frozen machine go on. Says when.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn thaw(&mut self, node: Node) -> Told<Stamp> {
        self.say(&format!("{} goes on", node.name()));
        self.record.fault(What::Halt, node.name(), false);
        self.guest(node).qemu("cont")
    }

    /// The kernel of a machine dies. Says when.
    ///
    /// # Errors
    /// The agent is not there.
    pub fn panic(&mut self, node: Node) -> Told<Stamp> {
        let at = self.last_words(node, "echo c >/proc/sysrq-trigger")?;
        self.record.fault(What::Power, node.name(), true);
        self.guest(node).console.wait(0, Duration::from_secs(10), |line| line.contains("Kernel panic"));
        self.guest(node).step_back();
        Ok(at)
    }

    /// An operator's command, which must be accepted. Says when it had been.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub fn operator(&mut self, node: Node, command: &str) -> Told<Stamp> {
        let what = match command.split(' ').next() {
            Some("standby") => What::Standby,
            Some("takeover") => What::Takeover,
            Some("stop") => What::Stop,
            Some("clear") => What::Clear,
            _ => return Err(format!("hbd {command}: no command of an operator")),
        };
        self.record.fault(what, node.name(), true);
        self.shell(node, &format!("hbd {command}"))?;
        Ok(Stamp::now())
    }

    /// From now on the start script fails on a machine, or does no longer.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn start_fails(&mut self, node: Node, fails: bool) -> Told<()> {
        let broken = self.guest(node).path("fail-start");
        let done = if fails { fs::write(broken, "") } else { fs::remove_file(broken) };
        self.record.fault(What::StartFails, node.name(), fails);
        done.map_err(|e| e.to_string())
    }

    /// A shell line that the machine does not survive: no answer is waited for.
    ///
    /// # Errors
    /// The agent is not there.
    pub fn last_words(&mut self, node: Node, line: &str) -> Told<Stamp> {
        let at = self.say(&format!("{}# {line}", node.name()));
        self.guest(node).agent.send(&format!("0 {line}")).map_err(|e| e.to_string())?;
        thread::sleep(Duration::from_millis(50));
        Ok(at)
    }
}
