//! Becomes a program on a kernel of the 2.4 line, as far as the program can tell.

use super::kernel::Kernel;
use super::tracer::Tracer;
use super::{bpf, sys};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, setsid};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// How to launch.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The kernel to imitate.
    pub kernel: Kernel,
    /// Where the tracer writes down what it meets.
    pub log: Option<PathBuf>,
    /// When `times(2)` wraps as at `HZ=512`, in nanoseconds of the host's monotonic clock.
    pub wrap_ns: Option<u64>,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

impl Launch {
    /// Reads `KERNEL [--log FILE] [--wrap-at FILE] PROGRAM [ARGUMENT...]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(words: Vec<OsString>) -> Result<Self, String> {
        let mut words = words.into_iter().peekable();
        let kernel = words.next().and_then(|word| Kernel::named(word.to_str()?));
        let names = Kernel::ALL.map(Kernel::name).join(", ");
        let kernel = kernel.ok_or_else(|| format!("the first word is a kernel: {names}"))?;
        let mut launch = Self { kernel, log: None, wrap_ns: None, command: Vec::new() };
        while let Some(option) = words.next_if(|word| word.to_str().is_some_and(|w| w.starts_with("--"))) {
            let value = words.next().ok_or_else(|| format!("{} wants a value", option.display()))?;
            match option.to_str() {
                Some("--log") => launch.log = Some(value.into()),
                Some("--wrap-at") => {
                    let text = fs::read_to_string(&value);
                    launch.wrap_ns = text.ok().and_then(|text| text.trim().parse().ok());
                    launch.wrap_ns.ok_or("--wrap-at wants a file that holds nanoseconds")?;
                }
                _ => return Err(format!("no option {}", option.display())),
            }
        }
        launch.command.extend(words);
        if launch.command.is_empty() { Err("no program is named".to_owned()) } else { Ok(launch) }
    }

    /// Become the program. The tracer is nobody's child, so that the program has no child that it did not make.
    ///
    /// # Errors
    /// Anything that keeps it from starting; on success it does not return.
    pub fn become_it(&self) -> io::Result<std::convert::Infallible> {
        let own = getpid();
        let (mut ready, mut say) = io::pipe()?;
        let between = sys::fork()?;
        if between == 0 {
            if sys::fork()? == 0 {
                drop(ready);
                match self.trace(own, &mut say) {
                    Ok(()) => std::process::exit(0),
                    Err(error) => {
                        let _ = write!(say, "{error}");
                        std::process::exit(1);
                    }
                }
            }
            std::process::exit(0);
        }
        waitpid(Pid::from_raw(between), None)?;
        drop(say);
        let mut said = String::new();
        ready.read_to_string(&mut said)?;
        if said != READY {
            return Err(io::Error::other(format!("the tracer does not start: {said}")));
        }
        sys::install(&bpf::filter(self.kernel, self.wrap_ns.is_some()))?;
        Err(Command::new(&self.command[0]).args(&self.command[1..]).exec())
    }

    fn trace(&self, pid: Pid, say: &mut io::PipeWriter) -> io::Result<()> {
        setsid()?;
        // Whoever waits for the end of the program's output must not wait for us.
        let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        let tracer = Tracer::seize(pid.as_raw(), self.kernel, self.wrap_ns, self.log.as_deref())?;
        say.write_all(READY.as_bytes())?;
        // The reader waits for the end of the pipe.
        let _ = std::mem::replace(say, io::pipe()?.1);
        tracer.run();
        Ok(())
    }
}

/// What the tracer says when it has taken hold.
const READY: &str = "ready";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Launch, String> {
        Launch::parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_program_begins_where_the_options_end() {
        let launch = parse("2.4.20-8 --log /tmp/log hbd run --foreground");
        assert!(launch.is_ok_and(|l| l.kernel == Kernel::RedHat9
            && l.wrap_ns.is_none()
            && l.log == Some(PathBuf::from("/tmp/log"))
            && l.command == ["hbd", "run", "--foreground"]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, why) in [
            ("2.6 hbd", "kernel"),
            ("", "kernel"),
            ("2.4", "no program"),
            ("2.4 --wrap-at /no/such/file hbd", "nanoseconds"),
            ("2.4 --fast yes hbd", "--fast"),
            ("2.4 --log", "value"),
        ] {
            assert!(parse(line).is_err_and(|e| e.contains(why)), "{line}");
        }
    }
}
