//! Running programs: always with a time limit, never with our stdin, ended as a whole process group.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What cargo sets for a program that it runs and that a nested build must not inherit: the library path
/// would point another rustc at the wrong libraries.
const NOT_INHERITED: [&str; 4] =
    ["LD_LIBRARY_PATH", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "RUST_RECURSION_COUNT"];

/// What a finished program left.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; `None` when a signal or the time limit ended it.
    pub code: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

/// One program to run.
#[derive(Debug)]
pub struct Cmd {
    inner: Command,
    limit: Duration,
}

impl Cmd {
    /// A program by name or path; the limit is 10 minutes until [`Cmd::limit`] says otherwise.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(program);
        inner.stdin(Stdio::null()).process_group(0);
        for name in NOT_INHERITED {
            inner.env_remove(name);
        }
        Self { inner, limit: Duration::from_secs(600) }
    }

    /// The cargo that runs us, in the workspace's root.
    pub fn cargo<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Self {
        Self::new(super::paths::cargo()).args(args).dir(&super::paths::root())
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.inner.args(args);
        self
    }

    /// Sets one variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Removes one variable of its environment.
    #[must_use]
    pub fn env_remove(mut self, name: &str) -> Self {
        self.inner.env_remove(name);
        self
    }

    /// Sets its working folder.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.inner.current_dir(dir);
        self
    }

    /// Sets its user and group (only root can).
    #[must_use]
    pub fn user(mut self, id: u32) -> Self {
        self.inner.uid(id).gid(id);
        self
    }

    /// Sets the time after which its process group is killed.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command as one line, for messages (cargo without its folder).
    pub fn line(&self) -> String {
        let program = Path::new(self.inner.get_program());
        let cargo = program.file_name().filter(|name| *name == "cargo");
        let words = std::iter::once(cargo.unwrap_or(program.as_os_str())).chain(self.inner.get_args());
        words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it with our output streams.
    ///
    /// # Errors
    /// It cannot be started, fails, or exceeds its limit.
    pub fn run(mut self) -> Result<(), String> {
        let mut child = self.start()?;
        let status = wait(&mut child, self.limit);
        self.judge(status)
    }

    /// Runs it, passes each line of its standard output on to ours and to `see`.
    ///
    /// # Errors
    /// As [`Cmd::run`].
    pub fn run_seeing(mut self, mut see: impl FnMut(&str) + Send) -> Result<(), String> {
        self.inner.stdout(Stdio::piped());
        let mut child = self.start()?;
        let stdout = child.stdout.take();
        let limit = self.limit;
        let status = thread::scope(|scope| {
            scope.spawn(|| {
                for line in stdout.into_iter().flat_map(|s| BufReader::new(s).lines()).map_while(Result::ok) {
                    println!("{line}");
                    see(&line);
                }
            });
            wait(&mut child, limit)
        });
        self.judge(status)
    }

    /// Runs it silently and returns what it wrote and how it ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn output(self) -> Result<Output, String> {
        let (code, stdout, stderr) = self.output_bytes()?;
        Ok(Output { code, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr })
    }

    /// As [`Cmd::output`], with its standard output as it is: exit code, output, errors.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn output_bytes(mut self) -> Result<(Option<i32>, Vec<u8>, String), String> {
        self.inner.stdout(Stdio::piped());
        self.inner.stderr(Stdio::piped());
        let mut child = self.start()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let limit = self.limit;
        thread::scope(|scope| {
            let out = scope.spawn(|| slurp(out));
            let err = scope.spawn(|| slurp(err));
            let status = wait(&mut child, limit);
            let code = status.ok().flatten().and_then(|s| s.code());
            let bytes = |t: thread::Result<Vec<u8>>| t.unwrap_or_default();
            Ok((code, bytes(out.join()), String::from_utf8_lossy(&bytes(err.join())).into_owned()))
        })
    }

    fn start(&mut self) -> Result<Child, String> {
        self.inner.spawn().map_err(|e| format!("{}: {e}", self.line()))
    }

    fn judge(&self, status: std::io::Result<Option<ExitStatus>>) -> Result<(), String> {
        match status {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(format!("{}: {status}", self.line())),
            Ok(None) => Err(format!("{}: not done after {} s, killed", self.line(), self.limit.as_secs())),
            Err(e) => Err(format!("{}: {e}", self.line())),
        }
    }
}

fn slurp(from: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // A read error ends the text early; the exit code still tells.
        let _ = from.read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for the child; kills its group at the limit and then answers `None`.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Cmd {
        Cmd::new("sh").args(["-c", script])
    }

    #[test]
    fn failure_names_the_command() {
        assert_eq!(sh("exit 3").run(), Err("sh -c exit 3: exit status: 3".to_owned()));
        assert!(Cmd::new("/no/such/program").run().is_err_and(|e| e.contains("/no/such/program")));
    }

    #[test]
    fn output_is_captured_with_the_code() {
        let got = sh("echo out; echo err >&2; exit 6").output();
        assert!(got.is_ok_and(|o| o.code == Some(6) && o.stdout == "out\n" && o.stderr == "err\n"));
    }

    #[test]
    fn the_limit_ends_the_whole_group() {
        let began = Instant::now();
        let got = sh("sleep 60 & sleep 60").limit(Duration::from_millis(100)).run_seeing(|_| {});
        assert!(got.is_err_and(|e| e.contains("killed")));
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
