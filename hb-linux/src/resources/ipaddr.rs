//! The script `IPaddr` without a shell and without a process: the same words, answers and exit codes, a few requests to the
//! kernel each. The script beside this file is the readable one of the two, and runs where the kernel lacks `rtnetlink`.
//!
//! Runs in a child (of the daemon, or of whoever called `hbd` by that name), so it may wait and allocate.

use super::rtnetlink::{Addresses, Entry};
use crate::log::{LINE, Text};
use crate::sys::iface::{self, IfName};
use crate::sys::{Errno, fd};
use core::fmt::Arguments;
use core::net::Ipv4Addr;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest name of an interface that leaves room for a label.
const LABELLED: usize = 12;
/// How often an address is taken away that is still there.
const MOST_STOPS: u8 = 8;

/// An exit code: 1 failed, 2 usage, 3 stopped.
type Code = i32;

/// Say what is wrong.
fn fail(why: Arguments<'_>) -> Code {
    print(2, format_args!("IPaddr: {why}\n"));
    1
}

/// Without the buffers of the process that this one was forked from.
fn print(to: i32, what: Arguments<'_>) {
    let mut line = Text::<LINE>::new();
    line.put(what);
    fd::print(to, line.as_str().as_bytes());
}

/// Do what `words` say, an address and a verb. The exit code, and after a start the interface with the address, to be
/// announced there. `None`: this kernel, or this build, lacks what it takes.
pub(crate) fn call(words: &[&str], run_dir: &Path) -> Option<(Code, Option<(IfName, Ipv4Addr)>)> {
    if !cfg!(feature = "address") {
        return None;
    }
    let kernel = Addresses::open().ok()?;
    Some(match Job::read(words, run_dir, kernel).and_then(|mut job| job.act(words)) {
        Ok(started) => (0, started),
        Err(code) => (code, None),
    })
}

/// What is asked for.
struct Job<'a> {
    ip: Ipv4Addr,
    bits: Option<u8>,
    iface: Option<IfName>,
    broadcast: Option<Ipv4Addr>,
    run_dir: &'a Path,
    kernel: Addresses,
}

/// Where the address is.
struct Found {
    entry: Entry,
    dev: IfName,
    /// The interface is switched on.
    on: bool,
}

/// A number of up to `digits` digits, `most` at most.
fn number(word: &str, digits: usize, most: u16) -> Option<u8> {
    let plain = !word.is_empty() && word.len() <= digits && word.bytes().all(|b| b.is_ascii_digit());
    let value: u16 = word.parse().ok().filter(|&value| plain && value <= most)?;
    u8::try_from(value).ok()
}

fn ip_of(word: &str) -> Option<Ipv4Addr> {
    let (mut octets, mut words) = ([0; 4], word.split('.'));
    for octet in &mut octets {
        *octet = number(words.next()?, 3, 255)?;
    }
    words.next().is_none().then(|| Ipv4Addr::from(octets))
}

impl<'a> Job<'a> {
    fn read(words: &[&str], run_dir: &'a Path, kernel: Addresses) -> Result<Self, Code> {
        let [what, _] = words else { return Err(usage()) };
        let mut parts = what.split('/');
        let mut next = || parts.next().unwrap_or_default();
        let (address, bits, third, fourth) = (next(), next(), next(), next());
        let (name, highest) =
            if third.starts_with(|c: char| c.is_ascii_digit()) { ("", third) } else { (third, fourth) };
        let ip = ip_of(address)
            .ok_or_else(|| fail(format_args!("{address} is not an address; write it as 192.168.2.50")))?;
        let bits = (!bits.is_empty())
            .then(|| {
                number(bits, 2, 32).ok_or_else(|| {
                    fail(format_args!("/{bits} is not a number of bits; write 0 to 32, as in {address}/24"))
                })
            })
            .transpose()?;
        let broadcast = (!highest.is_empty())
            .then(|| {
                ip_of(highest).ok_or_else(|| {
                    let example = format_args!("{address}/24/192.168.2.255").to_string();
                    fail(format_args!("{highest} is not a broadcast address; write it as in {example}"))
                })
            })
            .transpose()?;
        let iface = (!name.is_empty())
            .then(|| IfName::new(name).map(|name| name.base()).ok_or_else(|| no_interface(name)))
            .transpose()?;
        Ok(Self { ip, bits, iface, broadcast, run_dir, kernel })
    }

    fn act(&mut self, words: &[&str]) -> Result<Option<(IfName, Ipv4Addr)>, Code> {
        match words.last() {
            Some(&"start") => self.start().map(|dev| (!dev.is_loopback()).then_some((dev, self.ip))),
            Some(&"stop") => self.stop().map(|()| None),
            Some(&("status" | "monitor")) => self.status().map(|()| None),
            _ => Err(usage()),
        }
    }

    /// An address on the loopback is another matter (a real server behind a director has it there), unless the loopback
    /// was asked for.
    fn find(&mut self) -> Result<Option<Found>, Code> {
        let all =
            self.kernel.list().map_err(|why| fail(format_args!("the addresses cannot be seen: {why}")))?;
        let loopback = self.iface.is_some_and(|name| name.is_loopback());
        for entry in all.into_iter().filter(|entry| entry.local == self.ip) {
            let Ok(dev) = iface::name(entry.index) else { continue };
            if loopback || !dev.is_loopback() {
                let on = iface::flags(&dev).is_ok_and(iface::Flags::up);
                return Ok(Some(Found { entry, dev, on }));
            }
        }
        Ok(None)
    }

    /// The longest route to the address, on its interface if one was named.
    fn route(&self) -> Result<(IfName, u8), Code> {
        let table = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let ip = u32::from(self.ip);
        let mut best: Option<(IfName, u8)> = None;
        for line in table.lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().and_then(IfName::new);
            // The kernel writes an address as a number in its own byte order.
            let mut hex = |at| words.nth(at).and_then(|word| u32::from_str_radix(word, 16).ok());
            let (Some(name), Some(to), Some(flags), Some(mask)) = (name, hex(0), hex(1), hex(3)) else {
                continue;
            };
            let (to, mask) = (u32::from_be_bytes(to.to_ne_bytes()), u32::from_be_bytes(mask.to_ne_bytes()));
            let bits = mask.count_ones() as u8;
            let wanted = self.iface.is_none_or(|iface| iface == name) && name.as_str() != "*";
            if flags & 1 != 0 && wanted && ip & mask == to && best.is_none_or(|(_, most)| bits > most) {
                best = Some((name, bits));
            }
        }
        let ip = self.ip;
        let Some((name, most)) = best else {
            let on = self.iface.map_or(String::new(), |name| format!(" on {name}"));
            return Err(fail(format_args!(
                "no route to {ip}{on}: set one up, or give bits and interface, as in {ip}/24/eth0"
            )));
        };
        if self.bits.is_none() && most == 0 {
            let text =
                format_args!("IPaddr: only the default route leads to {ip}; using {ip}/32 on {name}\n");
            print(2, text);
        }
        Ok((name, self.bits.unwrap_or(if most == 0 { 32 } else { most })))
    }

    fn start(&mut self) -> Result<IfName, Code> {
        let ip = self.ip;
        if let Some(found) = self.find()? {
            self.refuse_fixed(&found, self.is_ours())?;
            let dev = found.dev;
            return if found.on {
                Ok(dev)
            } else {
                Err(fail(format_args!(
                    "{ip} is on the interface {dev}, which is down; run: ifconfig {dev} up"
                )))
            };
        }
        let (dev, bits) = match (self.iface, self.bits) {
            (Some(name), Some(bits)) => (name, bits),
            _ => self.route()?,
        };
        let known = iface::flags(&dev).and_then(|flags| Ok((flags, iface::index(&dev)?)));
        let (flags, index) = known.map_err(|why| match why {
            Errno::NO_DEVICE => no_interface(dev.as_str()),
            _ => fail(format_args!("{dev}: {why}")),
        })?;
        // An interface that is off takes an address and does not serve it.
        if !flags.up() && !dev.is_loopback() {
            return Err(fail(format_args!("the interface {dev} is down; run: ifconfig {dev} up")));
        }
        let name = dev.as_str();
        let mut label = heapless::String::new();
        let _ = label.push_str(name);
        if name.len() <= LABELLED {
            let _ = label.push_str(":hb");
        }
        let highest = || (bits <= 30).then(|| Ipv4Addr::from(u32::from(ip) | u32::MAX >> bits));
        let entry = Entry {
            index,
            local: ip,
            peer: ip,
            bits,
            scope: if ip.is_loopback() { 254 } else { 0 },
            secondary: false,
            broadcast: self.broadcast.or_else(highest),
            label,
        };
        let _ = can_promote(&dev);
        self.take_note();
        self.kernel.add(&entry).map_err(|why| {
            self.drop_note();
            fail(format_args!("{ip}/{bits} cannot be set up on {dev}: {why}"))
        })?;
        Ok(dev)
    }

    fn stop(&mut self) -> Result<(), Code> {
        let ours = self.is_ours();
        self.drop_note();
        // A stop that failed is tried again, and the address is as much ours then.
        self.remove(ours).inspect_err(|_| {
            if ours {
                self.take_note();
            }
        })
    }

    fn remove(&mut self, ours: bool) -> Result<(), Code> {
        for _ in 0..MOST_STOPS {
            let Some(found) = self.find()? else { return Ok(()) };
            self.refuse_fixed(&found, ours)?;
            let Found { entry, dev, .. } = found;
            // Without this, removing the first address of a subnet takes the others with it.
            let before = if entry.secondary || can_promote(&dev) {
                Vec::new()
            } else {
                self.kernel.list().unwrap_or_default()
            };
            let removed = self.kernel.remove(&entry);
            flush_routes();
            let of_dev = |other: &&Entry| other.index == entry.index && other.local != self.ip;
            let before: Vec<Entry> = before.iter().filter(of_dev).cloned().collect();
            self.put_back(&before);
            // Another stop may have taken it away in passing.
            if let Err(why) = removed
                && self.find()?.is_some()
            {
                return Err(fail(format_args!("{} cannot be taken from {dev}: {why}", self.ip)));
            }
        }
        match self.find()? {
            None => Ok(()),
            Some(found) => Err(fail(format_args!("{} is still on {}", self.ip, found.dev))),
        }
    }

    /// What is on an interface that is off serves nobody, and comes back with the interface: it is neither.
    fn status(&mut self) -> Result<(), Code> {
        match self.find()? {
            None => {
                print(1, format_args!("stopped\n"));
                Err(3)
            }
            Some(Found { dev, on: false, .. }) => {
                print(1, format_args!("{} is on {dev}, and {dev} is down\n", self.ip));
                Err(1)
            }
            Some(_) => {
                print(1, format_args!("running\n"));
                Ok(())
            }
        }
    }

    /// A service address must not be one that the machine has anyway: neither would it move, nor may a stop take it away.
    /// What is set up here has a label (where the interface's name leaves room for one) or is a secondary address, and is
    /// `ours` by its note too: an operator may have moved it to another interface.
    fn refuse_fixed(&self, found: &Found, ours: bool) -> Result<(), Code> {
        let dev = found.dev;
        let labelled = found.entry.label.contains(':');
        if ours || labelled || found.entry.secondary || dev.as_str().len() > LABELLED {
            return Ok(());
        }
        let ip = self.ip;
        Err(fail(format_args!(
            "{ip} is a fixed address of {dev}; take it out of the network's files, and: ip addr del {ip} dev {dev}"
        )))
    }

    /// The addresses in `before` that went with the one that was removed. One whose own stop began meanwhile, which shows
    /// in its note, stays away.
    fn put_back(&mut self, before: &[Entry]) {
        if before.is_empty() {
            return;
        }
        let now = self.kernel.list().unwrap_or_default();
        let here = |entry: &Entry| {
            now.iter().any(|n| (n.index, n.local, n.bits) == (entry.index, entry.local, entry.bits))
        };
        for entry in before.iter().filter(|entry| !here(entry)) {
            if self.wanted(entry) {
                let _ = self.kernel.add(entry);
                if !self.wanted(entry) {
                    let _ = self.kernel.remove(entry);
                }
            }
        }
    }

    /// Set up by a start and not stopped, or by others.
    fn wanted(&self, entry: &Entry) -> bool {
        if self.note(format_args!("-{}", entry.local)).exists() {
            return true;
        }
        let label = &entry.label;
        if label.ends_with(":hb") {
            false
        } else if label.contains(':') {
            // The number of an alias that the script took by `ifconfig`.
            !self.note(format_args!(".{label}")).exists()
        } else {
            label.len() <= LABELLED
        }
    }

    fn note(&self, tail: Arguments<'_>) -> PathBuf {
        self.run_dir.join(format!("hbd-ipaddr{tail}"))
    }

    /// Set up by a start here and not stopped since.
    fn is_ours(&self) -> bool {
        self.note(format_args!("-{}", self.ip)).exists()
    }

    /// A start leaves a note: where the kernel takes the others of a subnet away with the first one it is wanted, and a stop
    /// knows it again wherever it is by then.
    fn take_note(&self) {
        let _ = fs::write(self.note(format_args!("-{}", self.ip)), "\n");
    }

    fn drop_note(&self) {
        let _ = fs::remove_file(self.note(format_args!("-{}", self.ip)));
    }
}

fn usage() -> Code {
    print(
        2,
        format_args!("usage: IPaddr ADDRESS[/BITS[/INTERFACE][/BROADCAST]] {{start|stop|status|monitor}}\n"),
    );
    2
}

fn no_interface(name: &str) -> Code {
    fail(format_args!("there is no interface {name}"))
}

/// Whether the kernel lets the other addresses of a subnet stay when the first one goes, and says so for `dev`. Kernels
/// before 2.6.12 cannot.
fn can_promote(dev: &IfName) -> bool {
    let switch = format!("/proc/sys/net/ipv4/conf/{dev}/promote_secondaries");
    let set = fs::read_to_string(&switch);
    set.is_ok_and(|set| set.starts_with('1') || fs::write(&switch, "1\n").is_ok())
}

/// A 2.4 kernel goes on answering ARP for an address that is gone, for two seconds, out of its cache of routes.
fn flush_routes() {
    let _ = fs::OpenOptions::new()
        .write(true)
        .open("/proc/sys/net/ipv4/route/flush")
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"0\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_the_script_reads_them() {
        let read = |what: &str| {
            let kernel = Addresses::open().unwrap();
            let job = Job::read(&[what, "status"], Path::new("/nonexistent"), kernel)?;
            Ok((job.ip.to_string(), job.bits, job.iface.map(|name| name.to_string()), job.broadcast))
        };
        let ip = |text: &str| text.parse::<Ipv4Addr>().ok();
        let at = |bits, iface: Option<&str>, broadcast| {
            Ok(("10.1.2.3".to_owned(), bits, iface.map(str::to_owned), broadcast))
        };
        for (what, want) in [
            ("10.1.2.3", at(None, None, None)),
            ("10.1.2.3/08", at(Some(8), None, None)),
            ("10.1.2.3/0/eth0", at(Some(0), Some("eth0"), None)),
            ("10.1.2.3//eth0", at(None, Some("eth0"), None)),
            ("10.1.2.3/24/eth0:1", at(Some(24), Some("eth0"), None)),
            ("10.1.2.3/24/10.1.2.9", at(Some(24), None, ip("10.1.2.9"))),
            ("10.1.2.3/24/eth0/10.1.2.9/more", at(Some(24), Some("eth0"), ip("10.1.2.9"))),
            ("10.1.2.03", at(None, None, None)),
            ("10.1.2", Err(1)),
            ("10.1.2.3.4", Err(1)),
            ("10.1.2.256", Err(1)),
            ("10.1..3", Err(1)),
            ("10.1.2.0003", Err(1)),
            ("10.1.2.3/33", Err(1)),
            ("10.1.2.3/024", Err(1)),
            ("10.1.2.3/+4", Err(1)),
            ("10.1.2.3/24/eth0/x", Err(1)),
            ("10.1.2.3/24/an-interface-of-a-long-name", Err(1)),
        ] {
            assert_eq!(read(what), want, "{what}");
        }
    }
}
