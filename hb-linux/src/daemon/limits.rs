//! Whether the limits that the caller's shell set do for a daemon.

use crate::sys::Result as Raised;

/// Open files that a daemon with two groups and three links needs in the middle of a take-over.
const LEAST_FILES: u64 = 40;
/// Stack that its start needs.
const LEAST_STACK: u64 = 400 * 1024;

/// That the limits, raised as far as they may be, do for a daemon. `Err`: the sentence for the caller, whose shell has
/// set them: it would end later, at a moment when it is needed.
pub fn enough(files: Raised<u64>, stack: Raised<u64>) -> Result<(), String> {
    if let Ok(files) = files
        && files < LEAST_FILES
    {
        return Err(format!(
            "only {files} open files are allowed here, and a take-over needs up to {LEAST_FILES}: \
             raise the limit (ulimit -n 1024) and start again"
        ));
    }
    match stack {
        Ok(stack) if stack < LEAST_STACK => Err(format!(
            "only {} KB of stack are allowed here, and the start needs {}: \
             raise the limit (ulimit -s 1024) and start again",
            stack / 1024,
            LEAST_STACK / 1024
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn a_limit_that_would_end_the_daemon_later_is_named_with_the_command_that_mends_it() {
        let said = |files, stack| enough(files, stack).err().unwrap_or_default();
        assert_eq!(said(Ok(1024), Ok(1 << 20)), "");
        assert!(said(Ok(39), Ok(1 << 20)).ends_with("raise the limit (ulimit -n 1024) and start again"));
        assert!(said(Ok(1024), Ok(399 * 1024)).contains("only 399 KB of stack"));
        assert!(said(Ok(40), Ok(400 * 1024)).is_empty());
        // What a kernel does not tell is no reason to stay away.
        assert_eq!(said(Err(Errno::PERM), Err(Errno::PERM)), "");
    }
}
