//! `hbd send-arp [-i MS] [-r COUNT] [-p PIDFILE] IFACE ADDRESS [...]`: announce an address by gratuitous ARP.
//!
//! Takes the words of the original's `send_arp` as well: hardware address, broadcast address and netmask behind the
//! address are read over, for the kernel knows them.

use super::args::Usage;
use super::{EXIT_FAILURE, EXIT_OK, EXIT_PERMISSION, refuse, tell};
use crate::arp;
use crate::sys::Errno;
use crate::sys::iface::IfName;
use core::net::Ipv4Addr;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

#[derive(Debug, PartialEq, Eq)]
struct Job {
    iface: IfName,
    address: Ipv4Addr,
    interval_ms: i32,
    repeat: u32,
}

/// Do it; the exit code.
pub(super) fn main(words: Vec<OsString>) -> i32 {
    let job = match read(words) {
        Ok(job) => job,
        Err(usage) => return refuse(&usage),
    };
    match arp::send_arp(&job.iface, job.address, job.interval_ms, job.repeat) {
        Ok(()) => EXIT_OK,
        Err(Errno::NO_ADDRESS) => {
            tell(&format!("{} is not an address of {} here: nothing was announced", job.address, job.iface));
            EXIT_FAILURE
        }
        Err(why) => {
            tell(&format!("{} on {}: {why}", job.address, job.iface));
            if why == Errno::PERM { EXIT_PERMISSION } else { EXIT_FAILURE }
        }
    }
}

fn read(words: Vec<OsString>) -> Result<Job, Usage> {
    let mut parser = Parser::from_args(words);
    let (mut interval_ms, mut repeat) = (500, 1);
    let mut values: Vec<String> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('i') => interval_ms = parser.value()?.parse()?,
            Arg::Short('r') => repeat = parser.value()?.parse()?,
            Arg::Short('p') => drop(parser.value()?),
            Arg::Value(word) => values.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let (iface, address) = match values.as_slice() {
        [iface, address, rest @ ..] if rest.len() <= 3 => (iface, address),
        _ => return Err(Usage::new("write: hbd send-arp [-i MILLISECONDS] [-r COUNT] INTERFACE ADDRESS")),
    };
    let bad = |what: &str, word: &str| Usage::new(format!("{word:?} is no {what}"));
    Ok(Job {
        iface: IfName::new(iface).ok_or_else(|| bad("interface", iface))?,
        address: address.parse().map_err(|_| bad("IPv4 address", address))?,
        interval_ms: Some(interval_ms)
            .filter(|ms| (1..=60_000).contains(ms))
            .ok_or_else(|| Usage::new("the interval must be 1 to 60000 ms"))?,
        repeat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_and_those_of_the_original() {
        let line = |text: &str| read(text.split_whitespace().map(OsString::from).collect());
        let job = line("-i 200 -r 5 eth0 192.168.2.50").unwrap();
        assert_eq!((job.interval_ms, job.repeat, job.iface.as_str()), (200, 5, "eth0"));
        let old = line("-i 500 -r 10 -p /tmp/pid eth0 192.168.2.50 auto 192.168.2.255 ffffffffffff").unwrap();
        assert_eq!((old.address, old.repeat), (Ipv4Addr::new(192, 168, 2, 50), 10));
        for wrong in ["", "eth0", "eth0 300.1.1.1", "-i 0 eth0 1.2.3.4", "-x eth0 1.2.3.4", "e/0 1.2.3.4"] {
            assert_eq!(line(wrong).unwrap_err().code, 2, "{wrong}");
        }
    }
}
