//! A stranger on both segments: hears, records, replays, floods.

use super::HEARTBEAT_PORT;
use super::clock::Stamp;
use super::namespace::Namespace;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::Duration;

/// Datagrams as they were heard.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// When, from whom, what.
    pub datagrams: Vec<(Stamp, Ipv4Addr, Vec<u8>)>,
}

impl Recording {
    /// Only what came from `sender`.
    #[must_use]
    pub fn of(mut self, sender: Ipv4Addr) -> Self {
        self.datagrams.retain(|(_, from, _)| *from == sender);
        self
    }

    /// Only what was heard before `end`.
    #[must_use]
    pub fn until(mut self, end: Stamp) -> Self {
        self.datagrams.retain(|(at, _, _)| *at < end);
        self
    }
}

/// The stranger.
#[derive(Debug)]
pub struct Intruder {
    net: Namespace,
}

impl Intruder {
    /// One whose plugs are already in the wiring.
    #[must_use]
    pub fn new(net: Namespace) -> Self {
        Self { net }
    }

    /// Its network.
    #[must_use]
    pub fn net(&self) -> &Namespace {
        &self.net
    }

    /// Takes this address, with /24, on the crossover segment, instead of any other there.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn become_host(&self, address: Ipv4Addr) -> io::Result<()> {
        self.net.ip(&format!(
            "addr flush dev eth1\naddr add {address}/24 broadcast + dev eth1\nlink set eth1 up\n"
        ))?;
        Ok(())
    }

    fn socket(&self, interface: &str, port: u16) -> io::Result<UdpSocket> {
        self.net.run(|| {
            let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))?;
            setsockopt(&socket, sockopt::BindToDevice, &interface.into())?;
            socket.set_broadcast(true)?;
            Ok(socket)
        })
    }

    /// Hear the broadcasts on `interface` for `time`.
    ///
    /// # Errors
    /// No socket.
    pub fn record(&self, interface: &str, time: Duration) -> io::Result<Recording> {
        let socket = self.socket(interface, HEARTBEAT_PORT)?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let end = Stamp::now().plus(time);
        let mut recording = Recording::default();
        let mut buffer = [0; 2048];
        while Stamp::now() < end {
            if let Ok((count, std::net::SocketAddr::V4(from))) = socket.recv_from(&mut buffer) {
                recording.datagrams.push((Stamp::now(), *from.ip(), buffer[..count].to_vec()));
            }
        }
        Ok(recording)
    }

    /// Plays `recording` to `target` on `interface` from the heartbeat port, in its own rhythm, once.
    ///
    /// # Errors
    /// No socket.
    pub fn replay(&self, interface: &str, target: Ipv4Addr, recording: &Recording) -> io::Result<()> {
        let socket = self.socket(interface, HEARTBEAT_PORT)?;
        let begin = Stamp::now();
        let Some((first, _, _)) = recording.datagrams.first() else { return Ok(()) };
        for (at, _, bytes) in &recording.datagrams {
            let due = begin.plus(at.since(*first));
            thread::sleep(due.since(Stamp::now()));
            let _ = socket.send_to(bytes, (target, HEARTBEAT_PORT));
        }
        Ok(())
    }

    /// Sends what `make` makes to `target` on `interface`, `rate` a second for `time`. Says how many went out.
    ///
    /// # Errors
    /// No socket.
    pub fn flood(
        &self,
        interface: &str,
        target: Ipv4Addr,
        rate: u32,
        time: Duration,
        mut make: impl FnMut(u64) -> Vec<u8>,
    ) -> io::Result<u64> {
        let socket = self.socket(interface, 0)?;
        let begin = Stamp::now();
        let mut sent = 0;
        loop {
            let passed = begin.elapsed();
            if passed >= time {
                return Ok(sent);
            }
            let due = u64::from(rate) * u64::try_from(passed.as_micros()).unwrap_or(u64::MAX) / 1_000_000;
            while sent < due {
                let _ = socket.send_to(&make(sent), (target, HEARTBEAT_PORT));
                sent += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Bytes that look like nothing: a cheap generator, the same sequence for the same seed.
#[must_use]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}
