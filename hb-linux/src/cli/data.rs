//! `hbd sync` and `hbd data`: the groups' data (DESIGN §9), by hand.

use super::args::{Options, Usage};
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_USAGE, ask, refuse, say, tell};
use crate::config::{self, Class, Paths, Settings};
use crate::control::snapshot::Copied;
use crate::control::wire::Request;
use crate::data::kept::{self, Kept, Twin};
use crate::data::note::Note;
use crate::data::site::{self, Site, words};
use crate::state;
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use crate::sys::random;
use hb_core::message::GroupState;
use hb_core::{Duration, Side, Stamp};
use std::path::Path;

/// Between two looks at a pull.
const STEP_MS: i32 = 200;

/// The files, and the groups with data that are meant: the one named, or all.
pub(super) fn sites(options: &Options, group: Option<&str>) -> Result<(Settings, Vec<Site>), i32> {
    let (settings, findings) = config::load(&Paths::new(&options.config_dir), options.node.as_deref());
    let Some(settings) = settings else {
        for finding in findings.of(Class::Configuration) {
            tell(&format!("error: {finding}"));
        }
        return Err(EXIT_NOT_CONFIGURED);
    };
    let mut sites: Vec<Site> =
        site::all(&settings, &options.places()).into_iter().map(|(_, site)| site).collect();
    let names: Vec<String> = sites.iter().map(|site| site.group.clone()).collect();
    if let Some(group) = group {
        sites.retain(|site| site.group == group);
    }
    if sites.is_empty() {
        match group {
            Some(group) if !names.is_empty() => {
                tell(&format!("{group:?} is no group with data; those are: {}", names.join(" ")));
            }
            _ => tell("no group has data; ha.cf says which: data GROUP directory DIR ..."),
        }
        return Err(EXIT_USAGE);
    }
    Ok((settings, sites))
}

/// `hbd data ...`
pub(super) fn data(options: &Options, words: &[String]) -> i32 {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => sites(options, None).map(|(_, sites)| list(&sites)),
        ["list", group] => sites(options, Some(group)).map(|(_, sites)| list(&sites)),
        ["restore", group] => sites(options, Some(group)).map(|(_, sites)| restore(options, &sites)),
        ["init", group] => {
            sites(options, Some(group)).map(|(settings, sites)| init(options, &settings, &sites))
        }
        ["restore" | "init"] => {
            Err(refuse(&Usage::new("data restore and data init need the name of a group")))
        }
        _ => Err(refuse(&Usage::new("write data list [GROUP], data restore GROUP or data init GROUP"))),
    };
    done.unwrap_or_else(|code| code)
}

fn line(site: &Site, file: &Kept) -> String {
    let folder = file.folder.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let note = match file.twin {
        Twin::Differs => "  (another one stands in its place)",
        Twin::There | Twin::Nowhere => "",
    };
    format!("{}  {folder}  {}{note}", site.group, file.path.display())
}

/// What was moved aside and is not in the tree.
fn list(sites: &[Site]) -> i32 {
    for site in sites {
        let all = kept::list(&site.data.directory, &site.kept());
        let open: Vec<&Kept> = all.iter().filter(|file| file.twin != Twin::There).collect();
        open.iter().for_each(|file| say(&line(site, file)));
        if open.is_empty() {
            say(&format!(
                "group {}: nothing was moved aside that {} lacks",
                site.group,
                site.data.directory.display()
            ));
        } else {
            let (dir, count, group) = (site.kept(), open.len(), &site.group);
            say(&format!(
                "group {group}: {count} files under {} are not in the tree; where the group is held, they are put back \
                 by: hbd data restore {group}",
                dir.display()
            ));
        }
    }
    EXIT_OK
}

/// Put back what the tree has nowhere. Only where the group is held: elsewhere the next pull would move it aside again.
fn restore(options: &Options, sites: &[Site]) -> i32 {
    let shot = match ask::snapshot(options) {
        Ok(shot) => shot,
        Err(why) => return ask::trouble(options, &why),
    };
    let mut code = EXIT_OK;
    for site in sites {
        let name = &site.group;
        if !shot.groups.iter().any(|group| group.name == *name && group.state == GroupState::Held) {
            tell(&format!(
                "group {name} is not held here, and what was put back would be moved aside by the next pull; take it over \
                 first: hbd takeover {name}"
            ));
            code = EXIT_FAILURE;
            continue;
        }
        let (mut done, mut left) = (0, 0);
        for file in kept::list(&site.data.directory, &site.kept()) {
            let back = match file.twin {
                Twin::There => continue,
                Twin::Differs => Ok(false),
                Twin::Nowhere => kept::restore(&site.data.directory, &file),
            };
            match back {
                Ok(true) => done += 1,
                Ok(false) => {
                    say(&line(site, &file));
                    left += 1;
                }
                Err(why) => {
                    tell(&format!("{}: {}", file.path.display(), words(&why)));
                    code = EXIT_FAILURE;
                }
            }
        }
        kept::tidy(&site.kept());
        say(&format!(
            "group {name}: {done} files put back, {left} left for you to compare with what is there"
        ));
    }
    code
}

/// The highest epoch that this node knows of a group.
fn newest(options: &Options, site: &Site, hash: u32) -> u32 {
    let saved = state::read_plain(&options.state_dir.join(state::FILE)).ok();
    let saved = saved.and_then(|bytes| state::decode(&bytes).ok()).map(|(saved, _)| saved);
    let of = |list: &[(u32, u32)]| {
        list.iter().filter(|(name, _)| *name == hash).map(|(_, epoch)| *epoch).max().unwrap_or(0)
    };
    let known = saved.map_or(0, |saved| of(&saved.copies).max(of(&saved.epochs)));
    let stood = site.stamp().map_or(0, |stamp| stamp.epoch);
    known.max(stood).max(site.note().map_or(0, |note| note.stamp.epoch))
}

/// Say that what stands in the directory is the group's data.
fn init(options: &Options, settings: &Settings, sites: &[Site]) -> i32 {
    if ask::runs(options) {
        tell("the daemon runs, and believes what it read; stop it first: hbd stop");
        return EXIT_FAILURE;
    }
    let mut bytes = [0; 4];
    if random::fill(&mut bytes).is_err() {
        tell("/dev/urandom gives nothing");
        return EXIT_FAILURE;
    }
    for site in sites {
        let first = settings.groups.iter().find(|g| g.name == site.group).and_then(|g| g.resources.first());
        let Some(hash) = first.map(config::name_hash) else { continue };
        let mut epoch = newest(options, site, hash).saturating_add(1);
        if epoch.is_multiple_of(2) != (settings.core.side == Side::Even) {
            epoch = epoch.saturating_add(1);
        }
        let line = u32::from_le_bytes(bytes).max(1);
        let stamp = Stamp { epoch, line, from: None, partial: false, diverged: true, last: false };
        let done = site.usable().and_then(|()| {
            site.write(&Note { stamp, live: false, pulled: 0 }).map_err(|why| String::from(words(&why)))
        });
        if let Err(why) = done {
            tell(&format!("group {}: {why}", site.group));
            return EXIT_FAILURE;
        }
        say(&format!(
            "group {}: {} counts as its newest data from the next start on; the other node's copy is pulled over, and what \
             only that one has is moved aside there",
            site.group,
            site.data.directory.display()
        ));
    }
    EXIT_OK
}

/// `hbd sync [GROUP] [--delete]`
pub(super) fn sync(options: &Options, group: Option<&str>) -> i32 {
    let sites = match sites(options, group) {
        Ok((_, sites)) => sites,
        Err(code) => return code,
    };
    if options.delete && group.is_none() {
        tell("--delete goes with the name of one group");
        return EXIT_USAGE;
    }
    let mut code = EXIT_OK;
    for site in &sites {
        if options.delete && !allow(&site.beside(".delete")) {
            return EXIT_FAILURE;
        }
        let asked =
            ask::simple(options, &Request::Sync(&site.group), &format!("group {}: pulling", site.group));
        let done = if asked == EXIT_OK && !options.no_wait { wait(options, &site.group) } else { asked };
        if done != EXIT_OK {
            code = done;
        }
    }
    code
}

/// The next pull may delete what it likes.
fn allow(path: &Path) -> bool {
    match std::fs::write(path, "") {
        Ok(()) => true,
        Err(why) => {
            tell(&format!("{}: {}", path.display(), words(&why)));
            false
        }
    }
}

fn wait(options: &Options, name: &str) -> i32 {
    match pulled(options, name) {
        Ok(true) => {
            say(&format!("group {name}: done"));
            EXIT_OK
        }
        Ok(false) => {
            tell(&format!("group {name}: the pull failed; the log says why"));
            EXIT_FAILURE
        }
        Err(code) => code,
    }
}

/// Wait for the end of a pull: did it end well?
pub(super) fn pulled(options: &Options, name: &str) -> Result<bool, i32> {
    let mut clock = Clock::start();
    let asked = clock.now();
    let mut idle = 0;
    loop {
        let shot = ask::snapshot(options).map_err(|why| ask::trouble(options, &why))?;
        let copy = shot.groups.iter().find(|group| group.name == name).and_then(|group| group.copy.as_ref());
        let Some(copy) = copy else { return Ok(false) };
        match outcome(copy, clock.now().since(asked)) {
            Some(well) => return Ok(well),
            None if copy.pulling => idle = 0,
            // It lost its reason, and was ended: the next one comes soon, or there is nothing to pull from.
            None if idle >= PATIENCE_MS => return Ok(false),
            None => idle += STEP_MS,
        }
        sleep_ms(STEP_MS);
    }
}

/// After a pull ended that brought nothing and did not fail, another one is waited for so long.
const PATIENCE_MS: i32 = 5000;

/// What came of a pull that was asked for that long ago. `None`: nothing yet. That no pull runs is no proof: one that is
/// ended for a reason of the daemon's has not failed, and has brought nothing.
fn outcome(copy: &Copied, ago: Duration) -> Option<bool> {
    if copy.pulling {
        return None;
    }
    let fresh = copy.age_s.is_some_and(|age| age <= ago.as_millis() / 1000);
    if copy.failed > 0 { Some(false) } else { fresh.then_some(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_that_was_ended_is_not_done() {
        let copy = |pulling, failed, age_s| Copied {
            age_s,
            stale: None,
            own: false,
            diverged: false,
            pulling,
            failed,
            moved: 0,
        };
        let ago = Duration::from_millis(2500);
        assert_eq!(outcome(&copy(true, 0, Some(1)), ago), None);
        assert_eq!(outcome(&copy(false, 0, Some(2)), ago), Some(true));
        assert_eq!(outcome(&copy(false, 0, Some(3)), ago), None, "that is the pull before");
        assert_eq!(outcome(&copy(false, 0, None), ago), None, "none was ever whole");
        assert_eq!(outcome(&copy(false, 1, Some(0)), ago), Some(false));
    }
}
