//! The switch of the LAN and the crossover cable between the nodes, with a hand on every plug.

use super::clock::Stamp;
use super::namespace::Namespace;
use std::io;

/// Both Ethernet segments. They live in a namespace of their own, so that a plug is pulled on the switch's side and
/// the machine only sees its carrier go.
#[derive(Debug)]
pub struct Wiring {
    switch: Namespace,
}

impl Wiring {
    /// An empty switch (`lan`) and an empty crossover segment (`cross`; a hub, so that an intruder hears everything).
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn new() -> io::Result<Self> {
        let switch = Namespace::new("switch")?;
        switch.ip("link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
             link add cross type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ageing_time 0\n\
             link set lan up\n\
             link set cross up\n")?;
        Ok(Self { switch })
    }

    /// Plugs `host` into the LAN with its `eth0`.
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn plug_lan(&self, host: &Namespace) -> io::Result<()> {
        self.plug("lan", "eth0", host)
    }

    /// Plugs `host` into the crossover segment with its `eth1`.
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn plug_cross(&self, host: &Namespace) -> io::Result<()> {
        self.plug("cross", "eth1", host)
    }

    fn plug(&self, segment: &str, interface: &str, host: &Namespace) -> io::Result<()> {
        let port = format!("{segment}-{}", host.name());
        self.switch.ip(&format!(
            "link add {port} type veth peer name {interface} netns {}\n\
             link set {port} master {segment}\n\
             link set {port} up\n",
            host.path()
        ))?;
        Ok(())
    }

    /// Makes a port for a virtual machine: a tap `SEGMENT-HOST`, to be opened inside [`Wiring::switch`].
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn plug_tap(&self, segment: &str, host: &str) -> io::Result<()> {
        let port = format!("{segment}-{host}");
        self.switch.ip(&format!(
            "tuntap add dev {port} mode tap\n\
             link set {port} master {segment}\n\
             link set {port} up\n"
        ))?;
        Ok(())
    }

    /// The namespace with the switch's side of all plugs.
    #[must_use]
    pub const fn switch(&self) -> &Namespace {
        &self.switch
    }

    /// Pulls (`false`) or plugs (`true`) ports in one go; a port is `lan-HOST` or `cross-HOST`. Says when it was done.
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn set(&self, ports: &[String], up: bool) -> io::Result<Stamp> {
        let word = if up { "up" } else { "down" };
        let lines: String = ports.iter().map(|port| format!("link set {port} {word}\n")).collect();
        self.switch.ip(&lines)
    }
}
