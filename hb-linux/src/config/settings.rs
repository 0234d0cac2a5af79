//! Everything that the daemon needs to know, read once at start.

use core::fmt;
use core::net::Ipv4Addr;
use hb_core::auth::Keyring;
use hb_core::config::{DataConfig, Timing};
use std::path::PathBuf;
use std::rc::Rc;

/// A valid configuration: no finding of class `Configuration` was made.
#[derive(Clone)]
pub struct Settings {
    /// This node's name, as `ha.cf` writes it.
    pub own: String,
    /// The other node's name.
    pub peer: String,
    /// The times of the protocol; the same as in [`Settings::core`].
    pub timing: Timing,
    /// The heartbeat media in the order of `ha.cf`: position is the core's `LinkId`.
    pub links: Vec<Medium>,
    /// The ping nodes in the order of `ha.cf`: position is the core's `PingId`.
    pub pings: Vec<Ping>,
    /// The resource groups in the order of `haresources`: position is the core's `GroupId`.
    pub groups: Vec<Group>,
    /// The data that follows each of them.
    pub data: Vec<Option<DataSettings>>,
    /// The watchdog, if one is configured.
    pub watchdog: Option<WatchdogSettings>,
    /// The serial line that the bridge is behind, if there is one.
    pub bridge: Option<usize>,
    /// What proves the peer off, if anything does.
    pub fence: Option<FenceDevice>,
    /// Where log lines go.
    pub log: LogTargets,
    /// Real-time priority asked for by `rtprio`, 1 to 99; `None` means the lowest of its class.
    pub rtprio: Option<u8>,
    /// The port of `hbd page` (`page`).
    #[cfg(feature = "page")]
    pub page: Option<u16>,
    /// The group of users that may ask for the status (`status_group`).
    pub status_group: Option<String>,
    /// Between two announcements of the addresses that are held (`announce_every`); `None` is `off`.
    pub announce_every: Option<hb_core::Duration>,
    /// The programs that are kept running (`respawn`): as whom, and their words.
    pub respawn: Vec<(String, Vec<String>)>,
    /// What the core is told.
    pub core: hb_core::Config,
    /// The keys of `authkeys`.
    pub keys: Keyring,
    /// CRC-32 over the shared timing and all groups: equal on two nodes that agree (DESIGN §7 O10, §10).
    pub config_digest: u32,
    /// The files as parsed, for [`super::environment::examine`].
    pub(super) source: Rc<super::Parsed>,
}

/// One way by which heartbeats travel. `Display` gives its name for people, such as `serial /dev/ttyS0`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Medium {
    /// A serial line, raw, 8 data bits, no parity, 1 stop bit.
    Serial {
        /// The device.
        device: PathBuf,
        /// Bits a second.
        baud: u32,
        /// RTS/CTS flow control.
        rtscts: bool,
    },
    /// UDP to the broadcast address of an interface.
    Bcast {
        /// The interface.
        iface: String,
        /// The UDP port.
        port: u16,
    },
    /// UDP to a multicast group by one interface.
    Mcast {
        /// The interface.
        iface: String,
        /// The group, 224.0.0.0 to 239.255.255.255.
        group: Ipv4Addr,
        /// The UDP port.
        port: u16,
        /// Routers it may pass, plus 1.
        ttl: u8,
        /// Also deliver to this machine.
        loopback: bool,
    },
    /// UDP to one address by one interface.
    Ucast {
        /// The interface.
        iface: String,
        /// The peer's address. An own address is tolerated, so that `ha.cf` can be the same on both nodes.
        peer: Ipv4Addr,
        /// The UDP port.
        port: u16,
    },
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { device, .. } => write!(f, "serial {}", device.display()),
            Self::Bcast { iface, .. } => write!(f, "bcast {iface}"),
            Self::Mcast { iface, group, .. } => write!(f, "mcast {iface} {group}"),
            Self::Ucast { iface, peer, .. } => write!(f, "ucast {iface} {peer}"),
        }
    }
}

impl Medium {
    /// The directive's name: `serial`, `bcast`, `mcast` or `ucast`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Serial { .. } => "serial",
            Self::Bcast { .. } => "bcast",
            Self::Mcast { .. } => "mcast",
            Self::Ucast { .. } => "ucast",
        }
    }

    /// The network interface, for all but a serial line.
    #[must_use]
    pub fn iface(&self) -> Option<&str> {
        match self {
            Self::Serial { .. } => None,
            Self::Bcast { iface, .. } | Self::Mcast { iface, .. } | Self::Ucast { iface, .. } => Some(iface),
        }
    }
}

/// What proves a silent peer off. `Display` gives its name for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FenceDevice {
    /// `SCRIPT ARGS... reset NODE` answers 0 once the node is off, or has begun to boot.
    External {
        /// The script.
        script: PathBuf,
        /// What stands before the verb.
        args: Vec<String>,
    },
    /// DTR and RTS of a serial port, which lead to the peer's reset header.
    ModemLine {
        /// The port.
        device: PathBuf,
        /// How long the pair that fires is held.
        pulse: hb_core::Duration,
    },
    /// A reset output of the bridge on the serial line.
    Bridge,
    /// The command `stonith` of Linux-HA.
    Stonith {
        /// The type of the device.
        kind: String,
        /// What the device needs to know.
        given: Given,
    },
}

/// The parameters of a device of `stonith`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Given {
    /// In a file.
    File(PathBuf),
    /// Themselves; they may hold a password and are shown nowhere.
    Parameters(String),
}

impl fmt::Display for FenceDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External { script, .. } => write!(f, "external {}", script.display()),
            Self::ModemLine { device, .. } => write!(f, "modem-line {}", device.display()),
            Self::Bridge => f.write_str("bridge"),
            Self::Stonith { kind, .. } => write!(f, "stonith {kind}"),
        }
    }
}

/// One `ping` host, or one `ping_group`, which is alive while any member answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ping {
    /// The host as written, or the group's name.
    pub name: String,
    /// The addresses; exactly one for `ping`.
    pub members: Vec<Ipv4Addr>,
}

/// One logical line of `haresources`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its first resource as written; commands name the group so.
    pub name: String,
    /// The node in front of the line.
    pub preferred: String,
    /// Started from first to last, stopped from last to first.
    pub resources: Vec<Resource>,
}

/// The service addresses that can be asked for by ARP, with the number of their group: those of the machine alone (on the
/// loopback) cannot. At most 32.
pub fn asked(groups: &[Group]) -> impl Iterator<Item = (u8, &ServiceAddress)> {
    let resources = (0_u8..).zip(groups).flat_map(|(id, group)| group.resources.iter().map(move |r| (id, r)));
    let all = resources.filter_map(|(id, resource)| Some((id, resource.address.as_ref()?)));
    let local = |a: &ServiceAddress| a.ip.is_loopback() || a.iface.as_deref() == Some("lo");
    all.filter(move |(_, address)| !local(address)).take(32)
}

/// One resource of a group: the script `script` is called as `script args... start|stop|status`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// As written in the file, such as `192.168.2.50` or `Filesystem::/dev/sda1::/data1::ext2`.
    pub text: String,
    /// The script's name: the part before `::`, or `IPaddr` for a bare address.
    pub name: String,
    /// What runs.
    pub script: Script,
    /// Its arguments, without the verb.
    pub args: Vec<String>,
    /// The service address, if this is an `IPaddr` resource.
    pub address: Option<ServiceAddress>,
    /// The line that it stands on.
    pub line: u32,
}

/// Where a resource's script was found, in this order (DESIGN §10; `reference` of the original: `resource.d` wins).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Script {
    /// An executable file of `resource.d` or an init directory.
    File(PathBuf),
    /// No such file, but `hbd` carries a script of this name.
    Embedded,
    /// Nowhere: the group is not claimable here.
    Missing,
}

/// A service address with what the file says about its network; the rest is taken from the route to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceAddress {
    /// The address that clients use.
    pub ip: Ipv4Addr,
    /// Bits of the netmask, 1 to 32.
    pub prefix: Option<u8>,
    /// The interface to carry it.
    pub iface: Option<String>,
    /// The broadcast address.
    pub broadcast: Option<Ipv4Addr>,
}

/// The `data` lines of a group (DESIGN §9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataSettings {
    /// The directory, the same on both nodes.
    pub directory: PathBuf,
    /// The other node's address, for pulls.
    pub peer: String,
    /// How it is reached.
    pub transport: Transport,
    /// What rsync is to call for `transport ssh`, with blanks between the words.
    pub command: String,
    /// What takes no part, as patterns of rsync.
    pub excludes: Vec<String>,
    /// The directory is a mount point, and is not used while nothing is mounted there.
    pub mountpoint: bool,
    /// A pull that would delete more of the files is stopped, in per cent.
    pub max_delete: u8,
    /// What the core is told.
    pub core: DataConfig,
}

/// How the other node's directory is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// By a remote shell.
    Ssh,
    /// By an rsync daemon there.
    Rsync {
        /// The module whose path is the directory.
        module: String,
    },
}

/// `watchdog` and `watchdog_timeout`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchdogSettings {
    /// The device.
    pub device: PathBuf,
    /// The timeout to ask the driver for, in whole seconds (DESIGN §8).
    pub timeout_s: u32,
    /// What to do when another process holds the device for good.
    pub busy: WatchdogBusy,
}

/// What a node does whose watchdog is held by another process for longer than an earlier life of it may (DESIGN §7 O1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WatchdogBusy {
    /// Joins without one, and says so.
    #[default]
    Serve,
    /// Does not join, so that the peer serves.
    Wait,
}

/// `logfile`, `debugfile`, `logfacility`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogTargets {
    /// The log for people.
    pub logfile: Option<PathBuf>,
    /// The debug log, with the scripts' output.
    pub debugfile: Option<PathBuf>,
    /// Syslog, if it was asked for.
    pub facility: Option<Facility>,
}

/// A syslog facility.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facility {
    /// Its name.
    pub name: &'static str,
    /// Its number as in RFC 5424: `local0` is 16. Shifted left by 3 it goes into a message's priority.
    pub code: u8,
}
