//! What the filter cannot do: arguments in memory, the auxiliary vector, another clock. Follows a program and all that it
//! starts, and writes down each new thing it meets.

use super::kernel::Kernel;
use super::socket::{self, Verdict};
use super::ticks::Ticks;
use super::{auxv, rules, sys};
use nix::libc::{self, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The code segment of a 32-bit program on a 64-bit kernel.
const CODE_32: u64 = 0x23;
/// Descriptors of one `poll` that are looked at.
const MOST_POLLED: u32 = 256;

/// Follows one program.
#[derive(Debug)]
pub struct Tracer {
    kernel: Kernel,
    wrap_ns: Option<u64>,
    ticks: BTreeMap<i32, Ticks>,
    met: BTreeSet<String>,
    log: Option<File>,
}

impl Tracer {
    /// Takes hold of a process. Everything that it does from now on is followed; it dies with the tracer.
    ///
    /// # Errors
    /// It cannot be traced, or the log cannot be opened.
    pub fn seize(pid: i32, kernel: Kernel, wrap_ns: Option<u64>, log: Option<&Path>) -> io::Result<Self> {
        let log = log.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        let options = Options::PTRACE_O_TRACESECCOMP
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        ptrace::seize(Pid::from_raw(pid), options)?;
        Ok(Self { kernel, wrap_ns, ticks: BTreeMap::new(), met: BTreeSet::new(), log })
    }

    /// Follows until nobody is left.
    pub fn run(mut self) {
        while let Some((pid, status)) = sys::wait() {
            if !libc::WIFSTOPPED(status) {
                self.ticks.remove(&pid);
                continue;
            }
            let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
            let stops = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal);
            match event {
                0 => sys::go_on(pid, signal),
                libc::PTRACE_EVENT_STOP if stops => sys::listen(pid),
                libc::PTRACE_EVENT_EXEC => self.act(pid, Self::begin),
                libc::PTRACE_EVENT_SECCOMP => self.act(pid, Self::call),
                _ => sys::go_on(pid, 0),
            }
        }
    }

    /// A process that was killed meanwhile is no error; anything else is one of the gate, and is written down as such. The
    /// memory of one that is dead has no bytes; an address that nothing is at is an error of another kind.
    fn act(&mut self, pid: i32, what: fn(&mut Self, i32) -> io::Result<()>) {
        if let Err(error) = what(self, pid)
            && Path::new(&format!("/proc/{pid}/mem")).exists()
            && error.raw_os_error() != Some(libc::ESRCH)
            && error.kind() != io::ErrorKind::UnexpectedEof
        {
            self.meet(format!("error {error}"));
        }
        sys::go_on(pid, 0);
    }

    /// Writes down what is met for the first time. A line at a time: several tracers may share the file.
    fn meet(&mut self, what: String) {
        if !self.met.contains(&what) {
            if let Some(log) = &mut self.log {
                let _ = log.write_all(format!("{what}\n").as_bytes());
            }
            self.met.insert(what);
        }
    }

    /// A new program has begun.
    fn begin(&mut self, pid: i32) -> io::Result<()> {
        let regs = ptrace::getregs(Pid::from_raw(pid))?;
        if regs.cs != CODE_32 {
            return Ok(());
        }
        let (hidden, vdso) = auxv::hide(&memory(pid)?, low(regs.rsp))?;
        self.meet(format!("begun {}", if vdso { "vdso hidden" } else { "without vdso" }));
        self.meet(format!("hidden {hidden}"));
        Ok(())
    }

    /// A call that the filter hands over.
    fn call(&mut self, pid: i32) -> io::Result<()> {
        let mut regs = ptrace::getregs(Pid::from_raw(pid))?;
        let number = low(regs.orig_rax);
        match number {
            rules::SOCKETCALL => self.socketcall(pid, &mut regs)?,
            rules::POLL => self.poll(pid, &regs)?,
            rules::TIMES => self.times(pid, &mut regs)?,
            _ => {
                let Some((argument, bits)) = rules::ignored(self.kernel, number) else { return Ok(()) };
                let registers = [&mut regs.rbx, &mut regs.rcx, &mut regs.rdx, &mut regs.rsi];
                if let Some(register) = registers.into_iter().nth(argument) {
                    self.meet(format!("ignored call {number} bits {:#x}", low(*register) & bits));
                    *register &= u64::from(!bits);
                }
            }
        }
        ptrace::setregs(Pid::from_raw(pid), regs).map_err(io::Error::from)
    }

    fn socketcall(&mut self, pid: i32, regs: &mut user_regs_struct) -> io::Result<()> {
        let (call, at) = (low(regs.rbx), low(regs.rcx));
        let memory = memory(pid)?;
        let mut words = [0; 6];
        for (n, word) in (0..).zip(words.iter_mut().take(socket::words(call))) {
            *word = auxv::word(&memory, at.wrapping_add(4 * n))?;
        }
        self.meet(format!("socketcall {call}"));
        match socket::judge(call, words) {
            Verdict::Pass => {}
            Verdict::Refuse(errno) => {
                self.meet(format!("refused socketcall {call} {words:x?} error {errno}"));
                answer(regs, errno.wrapping_neg());
            }
            Verdict::Replace(n, value) => {
                self.meet(format!("ignored socketcall {call} word {n} {:#x} for {value:#x}", words[n]));
                let offset = u64::from(at) + 4 * n as u64;
                memory.write_all_at(&value.to_le_bytes(), offset)?;
            }
        }
        Ok(())
    }

    /// `struct pollfd { int fd; short events, revents; }`.
    fn poll(&mut self, pid: i32, regs: &user_regs_struct) -> io::Result<()> {
        let memory = memory(pid)?;
        for n in 0..low(regs.rcx).min(MOST_POLLED) {
            let at = u64::from(low(regs.rbx)) + 8 * u64::from(n) + 4;
            let mut bytes = [0; 2];
            // What is not there, the kernel will say.
            if memory.read_exact_at(&mut bytes, at).is_err() {
                return Ok(());
            }
            let events = u16::from_le_bytes(bytes);
            if let Some(seen) = socket::poll_events(events) {
                self.meet(format!("ignored poll events {events:#x}"));
                memory.write_all_at(&seen.to_le_bytes(), at)?;
            }
        }
        Ok(())
    }

    /// `times`, on a clock of ours; the process times that it would fill in are zeros.
    fn times(&mut self, pid: i32, regs: &mut user_regs_struct) -> io::Result<()> {
        let Some(wrap_ns) = self.wrap_ns else { return Ok(()) };
        let value = self.ticks.entry(pid).or_insert(Ticks::new(wrap_ns)).at(now_ns()?);
        self.meet("times".to_owned());
        if super::ticks::ODD.contains(&value) {
            self.meet(format!("times {value}"));
        }
        let buffer = low(regs.rbx);
        if buffer != 0 {
            memory(pid)?.write_all_at(&[0; 16], u64::from(buffer))?;
        }
        answer(regs, value);
        Ok(())
    }
}

/// The host's monotonic clock.
///
/// # Errors
/// There is none.
pub fn now_ns() -> io::Result<u64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)?;
    u64::try_from(std::time::Duration::from(now).as_nanos()).map_err(io::Error::other)
}

fn memory(pid: i32) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem"))
}

/// The call is not made; the program gets `value`.
fn answer(regs: &mut user_regs_struct, value: u32) {
    regs.orig_rax = u64::MAX;
    // As the kernel widens the answer of a 32-bit call.
    regs.rax = i64::from(value.cast_signed()).cast_unsigned();
}

/// The 32 bits of a register that a 32-bit program has.
fn low(register: u64) -> u32 {
    (register & u64::from(u32::MAX)) as u32
}
