//! The networks of the guests: the switch and the heartbeat cable of the namespace rig, with taps for the guests; the
//! gateway, the client, and an eye on each guest.

use super::eye::Eye;
use super::tally::Tally;
use crate::netns::{Client, Namespace, Node, Stamp, Wiring};
use std::io;
use std::time::Duration;

/// Port of the service, as the operators' manual has it.
const SERVICE_PORT: u16 = 8080;

/// Between two requests of the client: the web server makes a process for each, which takes an emulated machine several
/// milliseconds.
const CLIENT_PERIOD: Duration = Duration::from_millis(20);

/// Everything on the wires but the guests.
#[derive(Debug)]
pub struct Network {
    /// The client of the service.
    pub client: Client,
    /// By node: does it have the service address?
    pub eyes: [Eye; 2],
    /// What goes over the wires.
    pub tally: Tally,
    hosts: Vec<Namespace>,
    wiring: Wiring,
}

impl Network {
    /// Everything plugged in.
    ///
    /// # Errors
    /// The kernel or `ip` refuses.
    pub fn new() -> io::Result<Self> {
        let wiring = Wiring::new()?;
        for node in Node::BOTH {
            wiring.plug_tap("lan", node.name())?;
            wiring.plug_tap("cross", node.name())?;
        }
        let tally = Tally::new(wiring.switch())?;
        let host = |name: &str, lines: &str| -> io::Result<Namespace> {
            let net = Namespace::new(name)?;
            wiring.plug_lan(&net)?;
            net.ip(&format!("{lines}link set eth0 up\n"))?;
            Ok(net)
        };
        let client_net = host("client", "addr add 192.168.2.100/24 broadcast + dev eth0\n")?;
        let gateway = host("gateway", "addr add 192.168.2.1/24 broadcast + dev eth0\n")?;
        let eye = |node: Node| -> io::Result<(Namespace, Eye)> {
            let number = node.index() + 1;
            let net = host(
                &format!("eye-{number}"),
                &format!("addr add 192.168.2.10{number}/24 broadcast + dev eth0\n"),
            )?;
            net.ip(&format!("neigh add 192.168.2.50 lladdr {} nud permanent dev eth0\n", lan_mac(node)))?;
            let eye = Eye::new(&net)?;
            Ok((net, eye))
        };
        let [(first_net, first), (second_net, second)] = [eye(Node::Ha1)?, eye(Node::Ha2)?];
        let client = Client::to_port(&client_net, SERVICE_PORT, CLIENT_PERIOD)?;
        let hosts = vec![client_net, gateway, first_net, second_net];
        Ok(Self { client, eyes: [first, second], tally, hosts, wiring })
    }

    /// The namespace in which the guests' ends of the cables are.
    #[must_use]
    pub fn switch(&self) -> &Namespace {
        self.wiring.switch()
    }

    /// The namespace of the client.
    #[must_use]
    pub fn client_net(&self) -> &Namespace {
        &self.hosts[0]
    }

    /// Pulls (`false`) or plugs in (`true`) ports, each `lan-NODE` or `cross-NODE`. Says when it was done.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn set(&self, ports: &[&str], up: bool) -> io::Result<Stamp> {
        let ports: Vec<String> = ports.iter().map(|&port| port.to_owned()).collect();
        self.wiring.set(&ports, up)
    }
}

/// The hardware address of a node on the LAN.
#[must_use]
pub fn lan_mac(node: Node) -> String {
    format!("52:54:00:00:02:0{}", node.index() + 2)
}

/// The hardware address of a node on the heartbeat cable.
#[must_use]
pub fn cross_mac(node: Node) -> String {
    format!("52:54:00:00:0a:0{}", node.index() + 1)
}

/// The address of a node on the LAN.
#[must_use]
pub const fn lan_address(node: Node) -> &'static str {
    match node {
        Node::Ha1 => "192.168.2.2",
        Node::Ha2 => "192.168.2.3",
    }
}
