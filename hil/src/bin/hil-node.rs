//! What runs inside a machine of the rig besides the daemon: its first process and its mail service.
//!
//! `hil-node init BOOT_ID_FILE` is process 1: mounts `/proc`, puts the boot id in place, says `ready`, collects orphans,
//! and ends with its standard input, and with it every process of the machine.
//!
//! `hil-node service DIR start|stop|status` is what the init script `jdmail` calls; see [`service`].

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

#[path = "hil_node/service.rs"]
mod service;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["init", boot_id] => init(Path::new(boot_id)),
        ["service", dir, verb] => return service::call(Path::new(dir), verb),
        ["serve", dir] => service::serve(Path::new(dir)),
        _ => Err(io::Error::other("usage: hil-node init FILE | service DIR start|stop|status")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hil-node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn init(boot_id: &Path) -> io::Result<()> {
    use nix::mount::{MsFlags, mount};
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>)?;
    mount(Some(boot_id), "/proc/sys/kernel/random/boot_id", None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    thread::spawn(|| {
        loop {
            if nix::sys::wait::wait().is_err() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    let mut stdout = io::stdout();
    stdout.write_all(b"ready\n")?;
    stdout.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
