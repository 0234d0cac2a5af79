//! The folders that the daemon writes to.

use crate::config::Paths;
use crate::config::finding::Report;
use crate::daemon::pidfile;
use crate::sys::errno::Errno;
use crate::sys::host;

/// The run and the state directory can be written, or made, and nothing odd stands where a file of theirs belongs.
pub(super) fn examine(paths: &Paths, report: &mut Report<'_>) {
    for (dir, option, what) in [
        (&paths.run_dir, "run-dir", "lock and control socket"),
        (&paths.state_dir, "state-dir", "the state that is kept across restarts"),
    ] {
        // What is not there is made, in the nearest folder that is.
        let Some(there) = dir.ancestors().find(|dir| dir.exists()) else { continue };
        let Err(why) = host::writable(there) else { continue };
        let (dir, there) = (dir.display(), there.display());
        match why {
            Errno::READ_ONLY => report.lacks(
                1,
                format_args!(
                    "{there} is on a read-only file system, and {dir} holds {what}; \
                     run `mount -o remount,rw` on it, or name another folder with --{option}"
                ),
            ),
            _ => report.lacks(
                1,
                format_args!(
                    "{dir} holds {what}, and {there} cannot be written ({why}); run as root, or name another folder \
                     with --{option}"
                ),
            ),
        }
    }
    for file in [
        paths.run_dir.join(pidfile::FILE),
        paths.state_dir.join(pidfile::LOCK),
        paths.state_dir.join("events"),
    ] {
        // A link that leads nowhere as well.
        if file.symlink_metadata().is_ok() && !file.is_file() {
            report
                .lacks(1, format_args!("{} is no file, and hbd writes one there; remove it", file.display()));
        }
    }
    let scripts = paths.run_dir.join("resource.d");
    if scripts.symlink_metadata().is_ok() && !scripts.is_dir() {
        report.lacks(
            1,
            format_args!("{} is no folder, and hbd unpacks its scripts there; remove it", scripts.display()),
        );
    }
}
