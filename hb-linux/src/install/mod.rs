//! `hbd install`: everything around the daemon, out of the binary.
//!
//! ```text
//! words -> layout (what kind of system) -> parts (what there is to put where) -> tree (puts it, or says it would)
//!                                                      record (what was put, for --uninstall) <-+
//! ```
//! Nothing that exists is overwritten, but for what an earlier `hbd install` put there and nobody changed since. All that
//! is done is listed. Below `--root` no program of the host is called.

mod heartbeat;
mod host;
mod layout;
mod markdown;
mod options;
mod packages;
mod parts;
mod record;
mod remove;
#[cfg(test)]
mod root_tests;
mod samples;
mod taking;
mod tree;
#[cfg(feature = "manual")]
mod troff;

use crate::cli::{EXIT_FAILURE, EXIT_OK, EXIT_PERMISSION, EXIT_USAGE, Options as Common, say, tell};
use crate::sys::process;
pub(crate) use host::restart_unit;
use layout::Layout;
use options::Options;
use std::ffi::OsString;
use std::path::Path;
use tree::Tree;

/// The state directory of the daemon, where the record of an installation is kept as well.
const STATE_DIR: &str = "var/lib/heartbeat";

/// `hbd install [--root DIR] [--from-heartbeat] [--uninstall] [--dry-run]`; the exit code.
#[must_use]
pub fn main(words: impl IntoIterator<Item = OsString>) -> i32 {
    let options = match options::parse(words) {
        Ok(options) => options,
        Err(text) => {
            tell(&text);
            return EXIT_USAGE;
        }
    };
    if process::effective_uid() != 0 && options.root.is_none() && !options.dry_run {
        tell("install: permission denied; be root, or try it with --dry-run, or below --root DIR");
        return EXIT_PERMISSION;
    }
    let tree = match Tree::open(&options) {
        Ok(tree) => tree,
        Err(text) => return failed(&text),
    };
    let done = if options.uninstall { remove::all(tree, &options) } else { install(tree, &options) };
    match done {
        Ok(()) => EXIT_OK,
        Err(text) => failed(&text),
    }
}

fn failed(text: &str) -> i32 {
    tell(&format!("install: {text}"));
    EXIT_FAILURE
}

fn install(mut tree: Tree, options: &Options) -> Result<(), String> {
    let layout = Layout::of(&tree, options);
    if let Some(package) = packages::heartbeat(&tree, options) {
        return Err(format!(
            "{} is installed and has the same services, scripts and names; remove it first (the files of /etc/ha.d stay): \
             {}",
            package.what, package.removal
        ));
    }
    if options.from_heartbeat {
        heartbeat::take_over(&mut tree, &layout, options)?;
    }
    parts::put_all(&mut tree, &layout)?;
    host::register(&tree, &layout, options);
    last_words(&tree, &layout, options);
    Ok(())
}

/// What to do next.
fn last_words(tree: &Tree, layout: &Layout, options: &Options) {
    if options.dry_run {
        return say("Nothing was touched.");
    }
    if options.root.is_none() && runs(tree, options) {
        say("A daemon runs here, with the program that it was started with, until: hbd restart");
    }
    if tree.samples_put() {
        say(
            "Next: write the two nodes and the service into the three files of /etc/ha.d, and copy them to the other node:",
        );
        say("  authkeys must be the same there. Then, on each node:");
    } else {
        say("Next:");
    }
    say("  hbd check");
    say(&format!("  /{}/heartbeat start", layout.init_dir));
}

/// Does a daemon run on the state of this tree?
fn runs(tree: &Tree, options: &Options) -> bool {
    let common = Common::default();
    crate::daemon::pidfile::is_locked(&tree.path(Path::new(STATE_DIR)))
        || options.root.is_none()
            && crate::control::owner(&crate::control::abstract_name(&common.run_dir)).is_some()
}
