//! The child of the daemon that does one thing with one group's data and says how it went, a line for each:
//!
//! ```text
//! E TEXT    trouble, for people          P    the copy is about to be changed, and says *partial*
//! R STAMP AGE|-    what stands there     W STAMP MOVED    the pull is whole     K    written
//! ```

use super::kept;
use super::note::{self, Note};
use super::pull::{self, Order, Outcome};
use super::site::{Site, words};
use crate::sys::Fd;
use crate::sys::poll::sleep_ms;
use crate::sys::process::{self, Pid};
use core::fmt::Arguments;
use hb_core::Stamp;

/// Between two looks at a directory that is not mounted.
const LOOK_MS: i32 = 2000;
/// Longest line that is passed on.
const LINE: usize = 300;

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// Read what stands in the directory, once it can be used.
    Read,
    /// Put a stamp there.
    Write(Stamp),
    /// Pull.
    Pull(Order),
}

/// The child's life. It ends with `daemon`. `command`: that of a pull that is guarded.
pub fn run(site: &Site, job: &Job, command: &str, pipe: &Fd, daemon: Pid) -> i32 {
    process::new_session();
    process::become_helper(&[pipe.raw()], false);
    process::die_with(daemon);
    process::set_name(c"hbd-data");
    match job {
        Job::Read => read(site, pipe),
        Job::Write(stamp) => match write(site, stamp) {
            Ok(()) => tell(pipe, 'K', format_args!("")),
            Err(why) => tell(pipe, 'E', format_args!("{why}")),
        },
        Job::Pull(order) => match pull::pull(site, order, command, &|kind, args| tell(pipe, kind, args)) {
            Outcome::Whole(stamp, moved) => tell(pipe, 'W', format_args!("{}{moved}", note::fields(&stamp))),
            Outcome::Cut(why) => tell(pipe, 'E', format_args!("{why}")),
        },
    }
    0
}

fn tell(pipe: &Fd, kind: char, args: Arguments<'_>) {
    let mut text = format!("{kind} {args}");
    let mut end = text.len().min(LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text = text.replace('\n', " ");
    text.push('\n');
    let _ = pipe.write(text.as_bytes());
}

/// Wait until the directory can be used, and say what it holds. What it holds from then on says what is known of it.
fn read(site: &Site, pipe: &Fd) {
    let mut told = String::new();
    while let Err(why) = site.usable() {
        if why != told {
            tell(pipe, 'E', format_args!("{why}: nothing is started or pulled before it is there"));
            told = why;
        }
        sleep_ms(LOOK_MS);
    }
    let known = site.note();
    let stamp = note::reconcile(site.stamp(), known);
    let pulled = known.map_or(0, |known| known.pulled);
    if stamp.epoch != 0 {
        let now = Note { stamp, live: false, pulled };
        if known != Some(now)
            && let Err(why) = site.write(&now)
        {
            tell(pipe, 'E', format_args!("the stamp cannot be written: {}", words(&why)));
        }
    }
    let age = pull::seconds().checked_sub(pulled).filter(|_| pulled != 0);
    let age = age.map_or("-".to_string(), |age| age.to_string());
    tell(pipe, 'R', format_args!("{}{age}", note::fields(&stamp)));
}

/// Write a stamp. The one that stands there again: its tenure is over.
fn write(site: &Site, stamp: &Stamp) -> Result<(), String> {
    site.usable()?;
    let (here, known) = (site.stamp(), site.note());
    if here.is_none() && known.is_some_and(|known| known.stamp.epoch != 0) {
        return Err(format!(
            "{} has no stamp, and it had one: is its disk mounted? If this is the right one all the same: hbd data init {}",
            site.data.directory.display(),
            site.group
        ));
    }
    let over = known.is_some_and(|known| known.live && known.stamp == *stamp);
    let live = !over && !stamp.diverged;
    let about = |why: std::io::Error| format!("the stamp cannot be written: {}", words(&why));
    if live {
        kept::pin(&site.kept()).map_err(about)?;
    }
    let pulled = known.map_or(0, |known| known.pulled);
    site.write(&Note { stamp: *stamp, live, pulled }).map_err(about)
}
