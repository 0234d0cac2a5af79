//! One pull (DESIGN §9): it looks before it leaps, and what it would destroy it moves aside.
//!
//! ```text
//! the source's stamp is the one in the beat -> dry run: too much deleted? room? -> note *partial*
//!   -> the command of `hbd guard`, if there is one -> rsync, again while files vanish -> the source's stamp once more -> all on the disk -> note what arrived
//! ```

use super::kept;
use super::note::{self, Note};
use super::rsync::{self, End, How, Run};
use super::site::{Site, words};
use crate::sys::clock::WallTime;
use crate::sys::disk;
use crate::sys::poll::sleep_ms;
use core::fmt::Arguments;
use hb_core::Stamp;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs of rsync while files vanish from under it.
const TRIES: u8 = 3;
/// Looks for the right stamp: the source may be about to write it.
const LOOKS: u8 = 3;
/// Deleting so few files is never too much.
const FEW: usize = 5;
/// So many more than the dry run said may go in the real one, at least: mail is being read meanwhile.
const SLACK: usize = 50;

/// What the core asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// The source's stamp, as its beat shows it.
    pub source: Stamp,
    /// The source is stopped: files that vanish are a failure.
    pub last: bool,
    /// The copy may hold what no other does.
    pub keep: bool,
    /// The own stamp as this life knows it.
    pub own: Stamp,
    /// A command of the operator's goes first (`hbd guard`).
    pub guarded: bool,
}

/// How it went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// What arrived, and how many files were moved aside for good.
    Whole(Stamp, u32),
    /// Why not. Whether the copy was changed was told before.
    Cut(String),
}

/// Seconds of this machine's calendar.
#[must_use]
pub fn seconds() -> u64 {
    u64::try_from(WallTime::now().secs).unwrap_or(0)
}

/// Pull. `tell` is called with `P` before the first change to the copy, and with what people should know.
pub fn pull(site: &Site, order: &Order, command: &str, tell: &dyn Fn(char, Arguments<'_>)) -> Outcome {
    match steps(site, order, command, tell) {
        Ok((stamp, moved)) => Outcome::Whole(stamp, moved),
        Err(why) => Outcome::Cut(why),
    }
}

fn steps(
    site: &Site,
    order: &Order,
    command: &str,
    tell: &dyn Fn(char, Arguments<'_>),
) -> Result<(Stamp, u32), String> {
    let begun = seconds();
    site.usable()?;
    let here = site.stamp().unwrap_or(Stamp::NONE);
    let known = Stamp { diverged: here.diverged, partial: here.partial, ..order.own };
    if here != known {
        return Err(format!(
            "{} does not hold the stamp that it had when this daemon looked last: another disk is mounted there",
            site.data.directory.display()
        ));
    }
    expect(site, &order.source)?;
    // A command may do more than the rest of the pull would.
    let most = plan(site, order)?.or(order.guarded.then_some(SLACK));
    let changes = most.is_some();
    let mut moved = 0;
    let note = site.note().unwrap_or(Note { stamp: here, live: false, pulled: 0 });
    let partial = Note { stamp: Stamp { partial: true, ..here }, live: false, pulled: note.pulled };
    if let Some(most) = most {
        tell('P', format_args!(""));
        site.write(&partial).map_err(|why| format!("the stamp cannot be written: {}", words(&why)))?;
        if order.keep {
            kept::pin(&site.kept()).map_err(|why| about(&site.kept(), &why))?;
        }
        if order.guarded && order.keep {
            tell(
                'E',
                format_args!(
                    "the command of hbd guard is not run this time: the copy here may hold what no other does, which only a \
                 pull of hbd's own moves aside"
                ),
            );
        } else if order.guarded {
            guarded(site, command, &partial)?;
        }
        moved = bring(site, order, most)?;
        site.usable()?;
        if site.stamp() != Some(partial.stamp) {
            return Err("the directory was exchanged during the pull".to_string());
        }
        disk::sync();
    }
    // As the last file: what came is what the source still is.
    let after = fetch(site)?;
    let Some(stamp) = after.arrived(&order.source, order.last) else {
        return Err("the source began another tenure during the pull".to_string());
    };
    if changes && !order.keep {
        kept::grow_older(&site.kept()).map_err(|why| about(&site.kept(), &why))?;
    }
    site.write(&Note { stamp, live: false, pulled: begun })
        .map_err(|why| format!("the stamp cannot be written: {}", words(&why)))?;
    Ok((stamp, moved))
}

/// Run the operator's command. What it left undone, the rest of the pull does: only then the copy is whole (DESIGN §9.10).
fn guarded(site: &Site, command: &str, partial: &Note) -> Result<(), String> {
    let words: Vec<String> = command.split('\0').map(ToString::to_string).collect();
    let (code, said) = rsync::command(site, &words, &site.beside(".guard"));
    if site.stamp() != Some(partial.stamp) {
        site.usable()?;
        site.write(partial)
            .map_err(|why| format!("the stamp cannot be written: {}", super::site::words(&why)))?;
        return Err(format!(
            "the command of hbd guard wrote into {}, where the stamp is and what was moved aside; give its rsync \
             --exclude=.hbd/",
            site.data.directory.join(super::site::OWN).display()
        ));
    }
    // 24: files vanished from under rsync; they are looked for once more.
    match code {
        0 | 24 => Ok(()),
        127 => Err("the command of hbd guard cannot be run".to_string()),
        code => Err(format!("the command of hbd guard ended with {code}: {said}")),
    }
}

fn about(path: &Path, why: &std::io::Error) -> String {
    format!("{}: {}", path.display(), words(why))
}

/// The stamp that the source's directory holds.
fn fetch(site: &Site) -> Result<Stamp, String> {
    let place = site.beside(".theirs");
    match fs::remove_file(&place) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(about(&place, &why)),
        _ => {}
    }
    let run = rsync::run(site, &rsync::stamp_words(site, &place), &site.beside(".out"));
    if run.end != End::Whole {
        return Err(format!("the stamp of {} cannot be fetched: {}", site.data.peer, told(&run)));
    }
    let bytes = fs::read(&place).map_err(|why| about(&place, &why))?;
    note::decode_stamp(&bytes).ok_or_else(|| "the source's stamp is damaged".to_string())
}

/// Wait a moment for the stamp that the beat shows.
fn expect(site: &Site, source: &Stamp) -> Result<(), String> {
    let mut last = String::new();
    for look in 0..LOOKS {
        if look > 0 {
            sleep_ms(1000);
        }
        match fetch(site) {
            Ok(found) if found == *source => return Ok(()),
            Ok(_) => {
                last = "the directory there does not hold the data that the heartbeat shows: is its disk mounted?"
                    .to_string();
            }
            Err(why) => last = why,
        }
    }
    Err(last)
}

/// Look what would be done: how many files may go at most. `None`: nothing is to be done (DESIGN §9.8).
fn plan(site: &Site, order: &Order) -> Result<Option<usize>, String> {
    let output = site.beside(".out");
    let run = rsync::run(site, &rsync::tree_words(site, How::Dry), &output);
    accept(&run, order.last)?;
    let bytes = fs::read(&output).map_err(|why| about(&output, &why))?;
    let text = String::from_utf8_lossy(&bytes);
    let plan = rsync::plan(&text);
    let word = site.beside(".delete");
    let allowed = word.exists();
    let gone = kept::gone(&plan.deleted, &plan.brought);
    // What a pull that keeps moves aside stays; but nobody knows what a directory without a stamp is.
    let judged = !order.keep || order.own.epoch == 0;
    let all = kept::files(&site.data.directory).len();
    let share = all.saturating_mul(usize::from(site.data.max_delete)) / 100;
    if judged && gone > FEW.max(share) && !allowed {
        return Err(format!(
            "it would delete {gone} of {all} files, more than {} %: look at both directories; if that is right: hbd sync {} --delete",
            site.data.max_delete, site.group
        ));
    }
    site.has_room(plan.bytes)?;
    if allowed {
        // For one pull.
        let _ = fs::remove_file(&word);
    }
    let changes = order.keep || !plan.deleted.is_empty() || !plan.brought.is_empty();
    let most = plan.deleted.len().saturating_add(plan.brought.len()).saturating_add(share.max(SLACK));
    Ok(changes.then_some(most))
}

/// A run whose files vanished is good enough for a live source.
fn accept(run: &Run, last: bool) -> Result<(), String> {
    match run.end {
        End::Whole => Ok(()),
        End::Vanished if !last => Ok(()),
        End::Vanished | End::Failed(_) => Err(told(run)),
    }
}

fn told(run: &Run) -> String {
    match run.end {
        End::Failed(127) => {
            "rsync cannot be run; install it (rpm -i rsync, apt-get install rsync)".to_string()
        }
        End::Failed(code) if run.said.is_empty() => format!("rsync ended with {code}"),
        End::Failed(code) => format!("rsync ended with {code}: {}", run.said),
        End::Whole | End::Vanished => format!("files vanished during the pull: {}", run.said),
    }
}

/// Bring everything; counts what was moved aside for good.
fn bring(site: &Site, order: &Order, most: usize) -> Result<u32, String> {
    let (kept, output) = (site.kept(), site.beside(".out"));
    let kind = if order.keep { "k" } else { "p0" };
    let mut moved = 0_usize;
    for attempt in 1..=TRIES {
        // A folder for each try: a second copy of a file must not take the place of the first.
        let aside: PathBuf = kept::free(&kept, &format!("{kind}-{}-e{}", date(seconds()), order.own.epoch));
        let run = rsync::run(
            site,
            &rsync::tree_words(site, How::Real { aside: &aside, keep: order.keep, most }),
            &output,
        );
        if order.keep {
            moved = moved.saturating_add(kept::files(&aside).len());
        }
        match run.end {
            End::Whole => break,
            End::Vanished if !order.last && attempt < TRIES => {}
            End::Vanished | End::Failed(_) => {
                accept(&run, order.last)?;
            }
        }
    }
    Ok(u32::try_from(moved).unwrap_or(u32::MAX))
}

/// A time of the calendar (UTC) as `20261130-120716`.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let number = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(number <= 2);
    format!("{year:04}{number:02}{day:02}-{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn folders_have_a_date_that_people_read() {
        assert_eq!(date(0), "19700101-000000");
        assert_eq!(date(951_782_400), "20000229-000000");
        assert_eq!(date(1_796_040_436), "20261130-120716");
        assert_eq!(date(4_102_444_799), "20991231-235959");
    }
}
