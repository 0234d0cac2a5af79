//! What proves a silent peer off: what is called for it, and one call of it. The core says when (DESIGN §7 O2); the
//! daemon's child does it, or `hbd fence --test`.

mod call;
mod line;
mod port;
mod proof;

pub use call::{Call, Verdict};
pub use proof::{file as proof_file, proven};

use crate::config::{FenceDevice, Given, Settings};
use crate::scripts::Places;
use crate::scripts::program::{environment, needs_shell};
use crate::sys::Errno;
use crate::sys::spawn::{Image, Words};
use port::Port;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where the command `stonith` is.
pub const STONITH: [&str; 2] = ["/usr/sbin/stonith", "/sbin/stonith"];
const SHELL: &str = "/bin/sh";

/// What is asked of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Could it reset the peer? Changes nothing.
    Status,
    /// Reset the peer, or take its power; 0 only when that is done.
    Reset,
}

/// The device, with all that a call needs prepared.
#[derive(Debug)]
pub struct Device {
    name: String,
    means: Means,
}

#[derive(Debug)]
enum Means {
    /// A program.
    Called(Called),
    /// The modem lines of a port.
    Line(Port),
}

#[derive(Debug)]
struct Called {
    /// The files that may be it: the first one that is there.
    files: Vec<CString>,
    /// For [`Ask::Status`] and [`Ask::Reset`].
    words: [Words; 2],
    env: Words,
}

impl Device {
    /// The one of `settings`. `None`: there is none, or a name contains a NUL. Allocates, and looks at the script.
    #[must_use]
    pub fn prepare(settings: &Settings, places: &Places) -> Option<Self> {
        let device = settings.fence.as_ref()?;
        let name = format!("{device}");
        let (files, status, reset) = match device {
            FenceDevice::ModemLine { device, pulse } => {
                let file = CString::new(device.as_os_str().as_bytes()).ok()?;
                let pulse = u32::try_from(pulse.as_millis()).unwrap_or(u32::MAX);
                let port = Port::new(file, pulse, places.state_dir.clone());
                return Some(Self { name, means: Means::Line(port) });
            }
            // No process: the daemon asks it by the serial line that it holds.
            FenceDevice::Bridge => return None,
            FenceDevice::External { script, args } => {
                let path = script.to_string_lossy();
                let shell = needs_shell(script);
                let file = if shell { Path::new(SHELL) } else { script };
                let front = if shell { Vec::from(["sh", &path]) } else { Vec::from([&*path]) };
                let args: Vec<&str> = front.into_iter().chain(args.iter().map(String::as_str)).collect();
                let peer = settings.peer.as_str();
                let with = |verb: &str| Words::new(&[args.as_slice(), &[verb, peer]].concat());
                (Vec::from([file]), with("status")?, with("reset")?)
            }
            FenceDevice::Stonith { kind, given } => {
                let file;
                let given = match given {
                    Given::File(path) => {
                        file = path.to_string_lossy();
                        ["-F", &file]
                    }
                    Given::Parameters(words) => ["-p", words],
                };
                // Never both: a name beside `-S` is reset.
                let with = |last| Words::new(&["stonith", "-t", kind, given[0], given[1], last]);
                (STONITH.map(Path::new).into(), with("-S")?, with(&settings.peer)?)
            }
        };
        let files: Result<_, _> =
            files.iter().map(|file| CString::new(file.as_os_str().as_bytes())).collect();
        let env = Words::new(&environment(settings, places))?;
        let called = Called { files: files.ok()?, words: [status, reset], env };
        Some(Self { name, means: Means::Called(called) })
    }

    /// For people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Take hold of what it needs, at the start and before each call: a port at rest, and who guards it.
    ///
    /// # Errors
    /// The port cannot be opened, or has no modem lines.
    pub fn hold(&mut self) -> Result<(), Errno> {
        match &mut self.means {
            Means::Called(_) => Ok(()),
            Means::Line(port) => port.hold(),
        }
    }

    /// After `SIGCHLD`.
    pub fn reap(&mut self) {
        match &mut self.means {
            Means::Called(_) => {}
            Means::Line(port) => port.reap(),
        }
    }
}

impl Called {
    /// What to execute; asked in the child.
    fn image(&self, ask: Ask) -> Option<Image<'_>> {
        let [status, reset] = &self.words;
        let argv = match ask {
            Ask::Status => status,
            Ask::Reset => reset,
        };
        let there = |file: &&CString| Path::new(std::ffi::OsStr::from_bytes(file.to_bytes())).exists();
        let path = self.files.iter().find(there).or(self.files.first())?;
        Some(Image { path, argv, envp: &self.env })
    }
}
