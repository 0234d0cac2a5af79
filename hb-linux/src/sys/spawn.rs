//! Scripts as children: everything is built beforehand, so that between `fork` and `execve` nothing is allocated. nix's
//! `execve` allocates its lists of words.

use super::fd::{connect, pipe};
use super::process::{Pid, exit_now, own_pid, split};
use super::{Errno, Fd, Result, oom, sched, signal};
use core::ffi::{CStr, c_char};
use nix::unistd::setpgid;

/// Words for `execve`: arguments or environment, in the form that the kernel takes.
#[derive(Debug)]
pub struct Words {
    /// All words, each with its NUL, for the pointers alone. Never changed after those were taken.
    _bytes: Vec<u8>,
    /// Where each word begins in those, then null. The heap block stays where it is when `Words` moves.
    pointers: Vec<*const c_char>,
}

impl Words {
    /// Prepare `words`. `None` if one contains a NUL.
    #[must_use]
    pub fn new<S: AsRef<[u8]>>(words: &[S]) -> Option<Self> {
        Self::of(&words.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>())
    }

    /// Made once for all kinds of words.
    fn of(words: &[&[u8]]) -> Option<Self> {
        let total = words.iter().map(|word| word.len() + 1).sum();
        let mut bytes = Vec::with_capacity(total);
        let mut starts = Vec::with_capacity(words.len());
        for word in words {
            if word.contains(&0) {
                return None;
            }
            starts.push(bytes.len());
            bytes.extend_from_slice(word);
            bytes.push(0);
        }
        let base: *const c_char = bytes.as_ptr().cast();
        let mut pointers: Vec<_> = starts.iter().map(|&at| base.wrapping_add(at)).collect();
        pointers.push(core::ptr::null());
        Some(Self { _bytes: bytes, pointers })
    }

    fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}

/// A file with its words.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The file to execute, as an absolute path.
    pub path: &'a CStr,
    /// The arguments; the first one is the name.
    pub argv: &'a Words,
    /// The whole environment.
    pub envp: &'a Words,
}

/// What to run, and how. The child leads a process group of its own, at normal priority, with default signals.
#[allow(missing_debug_implementations)]
pub struct Program<'a> {
    /// What to execute. Asked in the child, which may look at files: a disk that answers late holds up the child alone.
    /// `None`: there is nothing, told as `ENOENT`. It may do the work itself and end the child with its exit code.
    pub choose: &'a dyn Fn() -> Option<Image<'a>>,
    /// Where its input comes from; `/dev/null` if from nowhere.
    pub stdin: Option<&'a Fd>,
    /// Where its output goes; `/dev/null` if nowhere.
    pub stdout: Option<&'a Fd>,
    /// Where its errors go; `/dev/null` if nowhere.
    pub stderr: Option<&'a Fd>,
    /// What it has open besides, under the same numbers.
    pub held: &'a [&'a Fd],
    /// Killed by the kernel when this process ends, however it ends. Its own children are not.
    pub die_with_us: bool,
}

/// A child that was started.
#[derive(Debug)]
pub struct Child {
    /// Its number; also the number of its process group.
    pub pid: Pid,
    exec_error: Fd,
}

impl Child {
    /// After it ended: why it could not be executed, or `None` if it was (and then its exit code is its own).
    #[must_use]
    pub fn exec_error(&self) -> Option<Errno> {
        let mut buf = [0; 4];
        match self.exec_error.read(&mut buf) {
            Ok(Some(4)) => Some(Errno(i32::from_ne_bytes(buf))),
            _ => None,
        }
    }
}

/// Start `program`. Does not wait for the `execve`: see [`Child::exec_error`]. Its end comes through
/// [`super::process::reap`].
///
/// # Errors
/// As `pipe(2)` and `fork(2)`: there is no child then.
pub fn spawn(program: &Program<'_>) -> Result<Child> {
    let (read, write) = pipe()?;
    read.set_nonblocking(true)?;
    let parent = own_pid();
    let Some(pid) = split()? else {
        let why = become_program(program, parent);
        let _ = write.write(&why.0.to_ne_bytes());
        exit_now(127)
    };
    // Both sides set the group, so that it exists for whoever comes first.
    let _ = setpgid(pid.nix(), pid.nix());
    Ok(Child { pid, exec_error: read })
}

/// In the child: turn into the program. Comes back only with the reason why not.
fn become_program(program: &Program<'_>, parent: Pid) -> Errno {
    let _ = setpgid(Pid(0).nix(), Pid(0).nix());
    signal::reset();
    if program.die_with_us {
        super::process::die_with(parent);
    }
    super::process::umask(0o022);
    if let Err(why) = connect_all(program.stdin, program.stdout, program.stderr) {
        return why;
    }
    for fd in program.held {
        let _ = fd.set_close_on_exec(false);
    }
    let Some(image) = (program.choose)() else { return Errno::NO_ENTRY };
    // What this program does itself, it does at its own priority.
    sched::ordinary();
    oom::ordinary();
    execute(&image)
}

/// Comes back only with the reason why not.
fn execute(image: &Image<'_>) -> Errno {
    // SAFETY: path, argv and envp end in NUL and null as execve wants, and live until it replaces this program.
    unsafe { libc::execve(image.path.as_ptr(), image.argv.as_ptr(), image.envp.as_ptr()) };
    Errno::last()
}

/// In a child of [`super::process::fork`]: turn into `image`, in the process group as it is, with default signals; killed
/// by the kernel when `parent` ends. Comes back only with the reason why not.
#[cfg(any(feature = "attend", feature = "data"))]
pub fn become_image(image: &Image<'_>, parent: Pid, stdout: Option<&Fd>, stderr: Option<&Fd>) -> Errno {
    signal::reset();
    super::process::die_with(parent);
    connect_all(None, stdout, stderr).err().unwrap_or_else(|| execute(image))
}

/// Standard input, output and errors: `/dev/null` where there is none.
fn connect_all(stdin: Option<&Fd>, stdout: Option<&Fd>, stderr: Option<&Fd>) -> Result<()> {
    connect(stdin, 0, libc::O_RDONLY)?;
    connect(stdout, 1, libc::O_WRONLY)?;
    connect(stderr, 2, libc::O_WRONLY)
}

#[cfg(test)]
impl Words {
    /// The words again.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let all = self._bytes.strip_suffix(b"\0").unwrap_or(&[]);
        all.split(|&b| b == 0)
            .map(|word| core::str::from_utf8(word).unwrap_or("?"))
            .take(self.pointers.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll, sleep_ms};
    use crate::sys::process::{Ended, group_exists, kill_group, wait_for};

    fn shell(script: &str) -> (Child, Fd) {
        let argv = Words::new(&["sh", "-c", script]).unwrap();
        let envp = Words::new(&["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HBD_TEST=yes"]).unwrap();
        let (read, write) = pipe().unwrap();
        let program = Program {
            choose: &|| Some(Image { path: c"/bin/sh", argv: &argv, envp: &envp }),
            stdout: Some(&write),
            stderr: None,
            stdin: None,
            held: &[],
            die_with_us: false,
        };
        (spawn(&program).unwrap(), read)
    }

    fn output(read: &Fd) -> String {
        let (mut text, mut buf) = (Vec::new(), [0; 512]);
        while let Ok(Some(n @ 1..)) = read.read(&mut buf) {
            text.extend_from_slice(&buf[..n]);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn words_keep_their_bounds() {
        let words = Words::new(&["a", "", "b c"]).unwrap();
        assert_eq!(words.iter().collect::<Vec<_>>(), ["a", "", "b c"]);
        assert_eq!(Words::new::<&str>(&[]).unwrap().iter().count(), 0);
        assert!(Words::new(&["a\0b"]).is_none());
    }

    #[test]
    fn a_child_runs_with_its_environment_group_and_output() {
        let (child, read) = shell("echo $HBD_TEST $$; ps -o pgid= -p $$ 2>/dev/null || echo $$; exit 3");
        assert_eq!(wait_for(child.pid), Some(Ended::Code(3)));
        assert_eq!(child.exec_error(), None);
        let text = output(&read);
        let pid = child.pid.get().to_string();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["yes", &pid, &pid]);
    }

    #[test]
    fn what_cannot_be_executed_says_why() {
        let words = Words::new(&["nothing"]).unwrap();
        let none = Words::new::<&str>(&[]).unwrap();
        let program = Program {
            choose: &|| Some(Image { path: c"/nonexistent/nothing", argv: &words, envp: &none }),
            stdout: None,
            stderr: None,
            stdin: None,
            held: &[],
            die_with_us: true,
        };
        let child = spawn(&program).unwrap();
        assert_eq!(wait_for(child.pid), Some(Ended::Code(127)));
        assert_eq!(child.exec_error(), Some(Errno::NO_ENTRY));
    }

    #[test]
    fn a_group_dies_with_its_grandchildren() {
        let (child, read) = shell("sleep 60 & echo up; wait");
        let mut fds = [PollFd::readable(read.raw())];
        poll(&mut fds, 5000).unwrap();
        kill_group(child.pid).unwrap();
        assert_eq!(wait_for(child.pid), Some(Ended::Signal(9)));
        for _ in 0..200 {
            if !group_exists(child.pid) {
                return;
            }
            sleep_ms(10);
        }
        panic!("the grandchild lives");
    }
}
