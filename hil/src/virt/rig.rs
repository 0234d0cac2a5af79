//! Two guests, their wires and whoever watches them, built for one case.

use super::board::Board;
use super::guest::{Dog, Guest, Places};
use super::image::Image;
use super::line::Line;
use super::network::Network;
use super::relay::Relay;
use crate::firmware;
use crate::netns::{Files, Node, Slot, Times};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The guests' second serial port, where the null-modem is.
const TTY: &str = "/dev/ttyS1";

/// How the folders of sockets begin; the process follows.
const SOCKETS: &str = "hbd-virt-";

/// What a case wants to be built.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The times of `ha.cf`.
    pub times: Times,
    /// The rate of the null-modem; `None`: it is not in `ha.cf`.
    pub baud: Option<u32>,
    /// Whether the heartbeat Ethernet is in `ha.cf`.
    pub ethernet: bool,
    /// The driver behind `/dev/watchdog`.
    pub dog: Dog,
    /// Whether a boot starts the daemon.
    pub started: bool,
    /// More lines of `ha.cf`: directive and value.
    pub more: Vec<(&'static str, &'static str)>,
    /// The serial bridge is in the place of the null-modem. The daemon is then the one with every comfort: the build for the
    /// old servers has no room for the bridge.
    pub bridge: bool,
    /// QEMU traces what the guests write to their UARTs.
    pub traced: bool,
}

impl Setup {
    /// The seed's files with these times, over the heartbeat Ethernet and the null-modem at the seed's 19200.
    #[must_use]
    pub fn new(keepalive: &str, warntime: &str, deadtime: &str, initdead: &str) -> Self {
        Self {
            times: Times::new(keepalive, warntime, deadtime, initdead),
            baud: Some(19_200),
            ethernet: true,
            dog: Dog::Soft,
            started: true,
            more: Vec::new(),
            bridge: false,
            traced: false,
        }
    }

    /// Only the null-modem, at this rate.
    #[must_use]
    pub fn serial_only(mut self, baud: u32) -> Self {
        self.baud = Some(baud);
        self.ethernet = false;
        self
    }

    /// No boot starts the daemon.
    #[must_use]
    pub fn by_hand(mut self) -> Self {
        self.started = false;
        self
    }

    /// The serial bridge in the place of the null-modem.
    #[must_use]
    pub fn bridged(mut self) -> Self {
        self.bridge = true;
        self
    }

    /// Another line in `ha.cf`.
    #[must_use]
    pub fn with(mut self, directive: &'static str, value: &'static str) -> Self {
        self.more.push((directive, value));
        self
    }

    /// The three files of both nodes.
    #[must_use]
    pub fn files(&self) -> Files {
        let mut files = Files::corrected().with_times(&self.times);
        if let Some(baud) = self.baud {
            files = files.with_serial(Path::new(TTY)).with("baud", &baud.to_string());
        }
        if self.bridge {
            files = files.without("serial").with("bridge", TTY);
            files = files.with_keys(&format!("auth 2\n{}\n", firmware::key()));
        }
        if !self.ethernet {
            files = files.without("bcast").without("udpport");
        }
        for (directive, value) in &self.more {
            files = files.with(directive, value);
        }
        files
    }
}

/// The guests and everything between them.
#[derive(Debug)]
pub struct Rig {
    // Dropped in this order: the guests before their wires, and all before the folder of their sockets.
    /// The serial bridge, where there is one; switched off at first.
    pub board: Option<Board>,
    /// Both guests, switched off at first.
    pub guests: [Arc<Guest>; 2],
    /// The Ethernets and who is on them.
    pub network: Network,
    /// The null-modem. With a bridge nobody is at its ends: see [`Rig::wire`].
    pub relay: Relay,
    sockets: Folder,
    _slot: Slot,
}

/// A folder that goes with its holder.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Rig {
    /// Builds it; what is worth keeping goes into `evidence`.
    ///
    /// # Errors
    /// Something is refused.
    pub fn new(setup: &Setup, image: &Image, evidence: &Path) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let told = |e: std::io::Error| e.to_string();
        let slot = Slot::wait(false).map_err(told)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // A socket's path may have no more than 107 bytes: not below the target folder.
        let sockets = std::env::temp_dir().join(format!("{SOCKETS}{}-{number}", std::process::id()));
        clear_away();
        let _ = fs::remove_dir_all(&sockets);
        fs::create_dir_all(&sockets).map_err(told)?;
        let folder = Folder(sockets.clone());
        let network = Network::new().map_err(|e| format!("the networks: {e}"))?;
        let line = || Line::new(setup.baud.unwrap_or(19_200), 2003);
        let relay = Relay::new(&sockets, line()).map_err(told)?;
        let cables = setup.bridge.then(|| Board::cables(&sockets, line)).transpose()?;
        let switch = Arc::new(network.switch().try_clone().map_err(told)?);
        let guest = |node: Node| -> Result<Guest, String> {
            let wire = cables.as_ref().map_or(&relay, |cables| &cables[node.index()]);
            let places = Places { sockets: &sockets, evidence, tty: wire.path(node.index()) };
            let guest = Guest::new(node, image, setup.dog, places, Arc::clone(&switch))?;
            write_files(&guest, setup).map_err(told)?;
            Ok(if setup.traced { guest.traced() } else { guest })
        };
        let guests = [guest(Node::Ha1)?, guest(Node::Ha2)?].map(Arc::new);
        let board = cables.map(|cables| {
            Board::new(&firmware::image()?, cables, guests.each_ref().map(Arc::clone), &sockets, evidence)
        });
        Ok(Self { board: board.transpose()?, guests, network, relay, sockets: folder, _slot: slot })
    }

    /// A folder with a short path, for sockets.
    #[must_use]
    pub fn sockets(&self) -> &Path {
        &self.sockets.0
    }

    /// The cable at a guest's second serial port; the end with its number is its own.
    #[must_use]
    pub fn wire(&self, node: Node) -> &Relay {
        self.board.as_ref().map_or(&self.relay, |board| board.cable(node))
    }

    /// All serial cables.
    #[must_use]
    pub fn wires(&self) -> Vec<&Relay> {
        match &self.board {
            Some(board) => Node::BOTH.map(|node| board.cable(node)).to_vec(),
            None => vec![&self.relay],
        }
    }

    /// A guest.
    #[must_use]
    pub fn guest(&self, node: Node) -> &Guest {
        &self.guests[node.index()]
    }
}

/// Removes what processes left that are gone.
fn clear_away() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(SOCKETS).and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid);
        if owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The configuration, and the mark that a boot starts the daemon.
fn write_files(guest: &Guest, setup: &Setup) -> std::io::Result<()> {
    let files = setup.files();
    fs::write(guest.path("etc/ha.cf"), &files.ha_cf)?;
    fs::write(guest.path("etc/haresources"), &files.haresources)?;
    fs::write(guest.path("etc/authkeys"), &files.authkeys)?;
    fs::set_permissions(guest.path("etc/authkeys"), fs::Permissions::from_mode(0o600))?;
    if setup.bridge {
        fs::write(guest.path("full"), "")?;
    }
    if setup.started { fs::write(guest.path("autostart"), "") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_becomes_the_seeds_files() {
        let files =
            Setup::new("100ms", "200ms", "400ms", "3").serial_only(9600).with("nice_failback", "on").files();
        let has = |line: &str| files.ha_cf.lines().any(|l| l == line);
        assert!(has("serial /dev/ttyS1      # Linux") && has("baud 9600") && has("deadtime 400ms"));
        assert!(has("nice_failback on") && !files.ha_cf.lines().any(|l| l.starts_with("bcast")));
        assert!(files.haresources.contains("ha-1 192.168.2.50 jdmail"));
    }

    #[test]
    fn a_bridge_is_in_the_place_of_the_null_modem() {
        let files = Setup::new("100ms", "200ms", "400ms", "3").serial_only(19_200).bridged().files();
        let first = |word: &str| files.ha_cf.lines().filter(|l| l.split(' ').next() == Some(word)).count();
        assert_eq!((first("bridge"), first("serial"), first("bcast")), (1, 0, 0));
        assert_eq!(files.authkeys, "auth 2\n2 sha1 HI!\n");
    }
}
