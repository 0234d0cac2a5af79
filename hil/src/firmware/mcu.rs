//! The emulated board: QEMU, its UARTs on sockets, and the two lines between them and the nodes' ttys.

use crate::netns::raw_pty;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// QEMU with `image` on the board, its log on UART0, and each write to its GPIO and each edge of an output in `trace`. Ports A
/// and B are the next two serial ports that are given to it. It ends with the thread that starts it.
pub(crate) fn emulated_board(image: &Path, log: &Path, trace: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "qemu-system-arm", "-machine", "lm3s6965evb"]);
    command.args(["-display", "none", "-msg", "timestamp=on", "-kernel"]).arg(image);
    command.arg("-serial").arg(format!("file:{}", log.display()));
    command.args(["-d", "trace:pl061_set_output,trace:pl061_write", "-D"]).arg(trace);
    command
}

/// An output's edge in a line of that trace: its number, and whether it went on.
pub(crate) fn edge(line: &str) -> Option<(usize, bool)> {
    let (_, what) = line.split_once("pl061_set_output ")?;
    let (_, what) = what.split_once(" setting output ")?;
    let (number, level) = what.split_once(" to ")?;
    Some((number.parse().ok()?, level.trim() == "1"))
}

/// One run of QEMU; ended when dropped.
#[derive(Debug)]
pub(super) struct Mcu {
    qemu: Child,
    monitor: UnixStream,
    ports: [UnixStream; 2],
}

impl Mcu {
    /// Starts `image`. Its log and QEMU's trace of the GPIO are in `dir`, one file each for all of its lives.
    pub(super) fn start(image: &Path, dir: &Path) -> io::Result<Self> {
        let sockets = ["a", "b", "monitor"].map(|name| dir.join(name));
        for socket in &sockets {
            let _ = fs::remove_file(socket);
        }
        let [a, b, monitor] = sockets.each_ref().map(|s| format!("unix:{},server=on,wait=off", s.display()));
        let number = (0..).find(|n| !dir.join(format!("log{n}")).exists()).unwrap_or_default();
        let (log, trace) = (dir.join(format!("log{number}")), dir.join(format!("trace{number}")));
        let mut command = emulated_board(image, &log, &trace);
        command.args(["-monitor", &monitor, "-serial", &a, "-serial", &b]);
        let errors = File::create(dir.join("qemu"))?;
        let mut qemu = command.stdin(Stdio::null()).stdout(errors.try_clone()?).stderr(errors).spawn()?;
        let mut open = || -> io::Result<[UnixStream; 3]> {
            let began = Instant::now();
            loop {
                let streams = sockets.each_ref().map(UnixStream::connect);
                if let [Ok(a), Ok(b), Ok(monitor)] = streams {
                    return Ok([a, b, monitor]);
                }
                if qemu.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
                    let said = fs::read_to_string(dir.join("qemu")).unwrap_or_default();
                    return Err(io::Error::other(format!("qemu-system-arm does not run: {said}")));
                }
                thread::sleep(Duration::from_millis(20));
            }
        };
        let opened = open();
        if opened.is_err() {
            let _ = qemu.kill();
            let _ = qemu.wait();
        }
        let [a, b, monitor] = opened?;
        for stream in [&a, &b, &monitor] {
            stream.set_nonblocking(true)?;
        }
        Ok(Self { qemu, monitor, ports: [a, b] })
    }

    /// Both UARTs: one that is not wired to a tty is talked to here.
    pub(super) fn ports(&self) -> io::Result<[UnixStream; 2]> {
        Ok([self.ports[0].try_clone()?, self.ports[1].try_clone()?])
    }

    /// The memory from `from` on, `len` bytes of it.
    pub(super) fn memory(&mut self, from: u32, len: u32, file: &Path) -> io::Result<Vec<u8>> {
        let _ = fs::remove_file(file);
        self.monitor.write_all(format!("pmemsave {from} {len} \"{}\"\n", file.display()).as_bytes())?;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            match fs::read(file) {
                Ok(bytes) if bytes.len() == len as usize => return Ok(bytes),
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
        Err(io::Error::other("the monitor saves no memory"))
    }

    /// The reset pin.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        // Its echo of what came before, else it would stop listening some day.
        while matches!(self.monitor.read(&mut [0; 4096]), Ok(1..)) {}
        self.monitor.write_all(b"system_reset\n")
    }
}

impl Drop for Mcu {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

#[derive(Debug, Default)]
struct Shared {
    mcu: Mutex<Option<Mcu>>,
    noise: AtomicBool,
    end: AtomicBool,
}

/// Two ttys, each wired to a UART of the board; without a board they are wired to nothing.
#[derive(Debug)]
pub(super) struct Lines {
    ttys: [PathBuf; 2],
    shared: Arc<Shared>,
    pump: Option<JoinHandle<()>>,
}

impl Lines {
    pub(super) fn new() -> io::Result<Self> {
        let (first, _, first_tty) = raw_pty()?;
        let (second, _, second_tty) = raw_pty()?;
        let shared = Arc::new(Shared::default());
        let for_pump = Arc::clone(&shared);
        let pump = thread::Builder::new()
            .name("bridge lines".to_owned())
            .spawn(move || pump(&[first, second].map(File::from), &for_pump))?;
        Ok(Self { ttys: [first_tty, second_tty], shared, pump: Some(pump) })
    }

    /// The tty of the node at port A (0), or B (1).
    pub(super) fn tty(&self, at: usize) -> &Path {
        &self.ttys[at]
    }

    /// Wire the ttys to this board, or to none: what was there is switched off.
    pub(super) fn wire(&self, mcu: Option<Mcu>) {
        *self.shared.mcu.lock().unwrap_or_else(PoisonError::into_inner) = mcu;
    }

    /// Resets the board that is there.
    pub(super) fn reset(&self) -> io::Result<()> {
        let mut mcu = self.shared.mcu.lock().unwrap_or_else(PoisonError::into_inner);
        mcu.as_mut().map_or(Ok(()), Mcu::reset)
    }

    /// Noise on what both UARTs hear, between the nodes' writes, or none.
    pub(super) fn noise(&self, on: bool) {
        self.shared.noise.store(on, Ordering::Relaxed);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

/// Passes bytes on until the end. The lock is held while they move, never while nothing does.
fn pump(ttys: &[File; 2], shared: &Shared) {
    let mut dice = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = [0; 512];
    while !shared.end.load(Ordering::Relaxed) {
        let mut moved = false;
        if let Ok(mut mcu) = shared.mcu.lock() {
            for (n, mut tty) in ttys.iter().enumerate() {
                let port = mcu.as_mut().map(|mcu| &mut mcu.ports[n]);
                if let Ok(got @ 1..) = tty.read(&mut bytes) {
                    moved = true;
                    if let Some(mut port) = port.as_deref() {
                        let _ = port.write_all(&bytes[..got]);
                    }
                }
                let Some(mut port) = port.as_deref() else { continue };
                if shared.noise.load(Ordering::Relaxed) {
                    let noise: Vec<u8> = (0..24).map(|_| random(&mut dice)).collect();
                    let _ = port.write_all(&noise);
                }
                if let Ok(got @ 1..) = port.read(&mut bytes) {
                    moved = true;
                    // A tty that nobody reads is full: what a line would lose is lost.
                    let _ = tty.write(&bytes[..got]);
                }
            }
        }
        if !moved {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A random byte, a zero more often than others: noise that looks like delimiters too.
fn random(dice: &mut u64) -> u8 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    if dice.is_multiple_of(9) { 0 } else { (*dice >> 32) as u8 }
}
