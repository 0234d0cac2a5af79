//! Where a resource's script is: `resource.d`, then the init directories, then in `hbd` itself.

use super::Paths;
use super::settings::{Resource, Script};
use crate::resources;
use crate::scripts::fitness;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Find the script of `resource`. Beside it comes a file of that name that was passed over for want of a run bit.
///
/// As in the original a file counts when it is regular and somebody may execute it. What another script has started `hbd`'s
/// own one need not know: it takes the place of a file that lost its run bit only where it does the same.
pub(super) fn find(paths: &Paths, resource: &Resource) -> (Script, Option<PathBuf>) {
    let (name, mut idle) = (resource.name.as_str(), None);
    let first = paths.config_dir.join("resource.d");
    for dir in core::iter::once(&first).chain(&paths.init_dirs) {
        let path = dir.join(name);
        match fs::metadata(&path) {
            Ok(meta) if runs(&meta) => return (Script::File(path), idle),
            Ok(meta) if meta.is_file() => idle = idle.or(Some(path)),
            _ => {}
        }
    }
    let own = match name {
        "jdmail" => idle.is_none() && mail_system(resource).is_dir(),
        _ => resources::embedded(name) && (idle.is_none() || resource.address.is_some()),
    };
    (if own { Script::Embedded } else { Script::Missing }, idle)
}

/// Where the mail system of a `jdmail` is.
fn mail_system(resource: &Resource) -> &Path {
    Path::new(resource.args.first().map_or("/jdmail", String::as_str))
}

/// Is there something to execute, and can it be?
pub(super) fn is_there(script: &Script) -> bool {
    match script {
        Script::File(path) => fitness::unfit(path).is_none(),
        Script::Embedded => true,
        Script::Missing => false,
    }
}

/// What has this name and is no regular file, so it does not count.
pub(super) fn no_file(paths: &Paths, name: &str) -> Option<PathBuf> {
    let first = paths.config_dir.join("resource.d");
    let mut dirs = core::iter::once(&first).chain(&paths.init_dirs);
    dirs.find_map(|dir| Some(dir.join(name)).filter(|path| path.exists() && !path.is_file()))
}

/// A script of this name but for the case of its letters.
pub(super) fn other_case(paths: &Paths, name: &str) -> Option<String> {
    let first = paths.config_dir.join("resource.d");
    let dirs = core::iter::once(&first).chain(&paths.init_dirs);
    let files =
        dirs.filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten().map(|entry| entry.file_name());
    let own = resources::names().map(String::from);
    files
        .filter_map(|found| found.into_string().ok())
        .chain(own)
        .find(|found| found != name && found.eq_ignore_ascii_case(name))
}

/// Is this a regular file that somebody may execute?
pub(super) fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| runs(&meta))
}

fn runs(meta: &fs::Metadata) -> bool {
    meta.is_file() && meta.mode() & 0o111 != 0
}
