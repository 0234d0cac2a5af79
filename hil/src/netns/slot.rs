//! So many rigs at a time on one machine, across processes: timing on busy cores would mean nothing. A rig waits for most of
//! its time, so two share a processor.

use crate::beside;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::io;
use std::thread;
use std::time::Duration;

/// The right to run one rig; given back when dropped, also by a process that is killed.
#[derive(Debug)]
pub(crate) struct Slot {
    _places: Vec<Flock<File>>,
}

impl Slot {
    /// Waits for one of the places, or for all of them (`alone`: what is measured wants the machine for itself).
    ///
    /// Only the holder of the gate takes places, so that one who waits for all of them gets them in the end.
    pub(crate) fn wait(alone: bool) -> io::Result<Self> {
        let _gate = loop {
            match try_lock("gate")? {
                Some(gate) => break gate,
                None => thread::sleep(Duration::from_millis(50)),
            }
        };
        let all = beside::waiting();
        let wanted = if alone { all } else { 1 };
        let mut places: Vec<Option<Flock<File>>> = (0..all).map(|_| None).collect();
        loop {
            for (number, place) in places.iter_mut().enumerate() {
                if place.is_none() {
                    *place = try_lock(&number.to_string())?;
                }
                if !alone && place.is_some() {
                    break;
                }
            }
            if places.iter().flatten().count() >= wanted {
                return Ok(Self { _places: places.into_iter().flatten().collect() });
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn try_lock(name: &str) -> io::Result<Option<Flock<File>>> {
    let path = std::env::temp_dir().join(format!("hbd-rig-{name}.lock"));
    match Flock::lock(File::create(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}
