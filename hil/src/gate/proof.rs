//! The gate proves itself: what must be refused is refused, by raw calls, and on the bare host it is not.

use super::kernel::Kernel;
use super::probe::{self, Call, DATA, Told};
use super::ticks;
use super::{Context, auxv};
use std::fs;

/// The most that one probe asks: the numbers of every call that a kernel lacks.
const NUMBERS: u32 = 470;
const ENOSYS: i32 = -38;
const EINVAL: i32 = -22;

/// All proofs.
///
/// # Errors
/// The first that fails.
pub(super) fn run(context: &Context) -> Result<String, String> {
    let dir = context.folder("proof")?;
    let mut numbers = 0;
    for kernel in Kernel::ALL {
        numbers += missing_numbers(context, &dir, kernel)?;
        older_calls(context, &dir, kernel)?;
    }
    bare(&dir)?;
    odd_wrap(context, &dir)?;
    Ok(format!(
        "{numbers} missing calls on {} kernels, newer flags, no vDSO, the odd wrap",
        Kernel::ALL.len()
    ))
}

/// Every number that the kernel lacks answers ENOSYS, 331 (pipe2) among them; the vector is as 2.4 makes it.
fn missing_numbers(context: &Context, dir: &std::path::Path, kernel: Kernel) -> Result<usize, String> {
    let missing: Vec<u32> = (1..NUMBERS).filter(|&number| !kernel.has(number)).collect();
    if !missing.contains(&331) {
        return Err(format!("{}: call 331 is not among the missing ones", kernel.name()));
    }
    let calls: Vec<Call> = missing.iter().map(|&number| [number, 0, 0, 0, 0, 0, 0]).collect();
    let told = probe::run(dir, &context.launcher(kernel, &dir.join("log"), None), &calls, &[])?;
    let wrong: Vec<String> = missing
        .iter()
        .zip(&told.answers)
        .filter(|(_, answer)| **answer != ENOSYS)
        .map(|(number, answer)| format!("{number}: {answer}"))
        .collect();
    if !wrong.is_empty() {
        return Err(format!("{}: not ENOSYS: {}", kernel.name(), wrong.join(", ")));
    }
    // AT_IGNORE, 1, is what a hidden entry has become.
    let newer: Vec<u32> = told.auxv().into_iter().filter(|kind| *kind != 1 && !auxv::old(*kind)).collect();
    if told.auxv().is_empty() || !newer.is_empty() {
        return Err(format!("{}: the auxiliary vector has {newer:?} of {:?}", kernel.name(), told.auxv()));
    }
    Ok(missing.len())
}

/// The memory that the calls below point to: arguments of `socketcall`, a path, and room for answers.
const PLAIN: u32 = DATA;
const CLOEXEC: u32 = DATA + 12;
const SEQPACKET: u32 = DATA + 24;
const PAIR: u32 = DATA + 36;
const PATH: u32 = DATA + 52;
const ROOM: u32 = DATA + 200;

fn data() -> Vec<u32> {
    let mut data = vec![2, 2, 0, 2, 2 | 0x8_0000, 0, 1, 5, 0, 1, 1, 0, ROOM];
    data.extend([*b"/dev", *b"/nul", *b"l\0\0\0"].map(u32::from_le_bytes));
    data
}

/// Newer flags of older calls, and the older calls themselves.
fn older_calls(context: &Context, dir: &std::path::Path, kernel: Kernel) -> Result<(), String> {
    let asks: Vec<(&str, Call, Want)> = vec![
        ("getpid", [20, 0, 0, 0, 0, 0, 0], Want::Good),
        ("gettid", [224, 0, 0, 0, 0, 0, 0], Want::Good),
        ("socket", [102, 1, PLAIN, 0, 0, 0, 0], Want::Good),
        ("socket with SOCK_CLOEXEC", [102, 1, CLOEXEC, 0, 0, 0, 0], Want::Error(EINVAL)),
        ("a sequenced-packet socket", [102, 1, SEQPACKET, 0, 0, 0, 0], Want::Error(-94)),
        ("a pair of sockets", [102, 8, PAIR, 0, 0, 0, 0], Want::Good),
        ("accept4", [102, 18, PLAIN, 0, 0, 0, 0], Want::Error(EINVAL)),
        ("F_DUPFD_CLOEXEC", [221, 1, 1030, 10, 0, 0, 0], Want::Error(EINVAL)),
        ("F_DUPFD", [221, 1, 0, 10, 0, 0, 0], Want::Good),
        ("waitpid with WCONTINUED", [7, u32::MAX, 0, 8, 0, 0, 0], Want::Error(EINVAL)),
        ("PR_SET_NAME", [172, 15, PATH, 0, 0, 0, 0], Want::Error(EINVAL)),
        ("open with O_CLOEXEC", [5, PATH, 0x8_0000, 0, 0, 0, 0], Want::Good),
        ("MCL_ONFAULT", [152, 5, 0, 0, 0, 0, 0], Want::Error(EINVAL)),
        ("SCHED_RESET_ON_FORK", [156, 0, 0x4000_0000, PATH, 0, 0, 0], Want::Error(EINVAL)),
        ("TCGETS2", [54, 1, 0x802c_542a, ROOM, 0, 0, 0], Want::Error(EINVAL)),
        ("getrusage of a thread", [77, 1, ROOM, 0, 0, 0, 0], Want::Error(EINVAL)),
    ];
    let calls: Vec<Call> = asks.iter().map(|(_, call, _)| *call).collect();
    let launcher = context.launcher(kernel, &dir.join("log"), None);
    let told = probe::run(dir, &launcher, &calls, &data())?;
    for ((name, _, want), answer) in asks.iter().zip(&told.answers) {
        if !want.met(*answer) {
            return Err(format!("{}: {name} answers {answer}, wanted {want:?}", kernel.name()));
        }
    }
    let opened = answer_of(&asks, &told, "open with O_CLOEXEC");
    // F_GETFD of that number, in a second run that opens in the same order.
    let mut again = calls;
    again.push([221, opened.cast_unsigned(), 1, 0, 0, 0, 0]);
    let told = probe::run(dir, &launcher, &again, &data())?;
    match told.answers.last() {
        Some(0) => Ok(()),
        other => Err(format!("{}: F_GETFD after O_CLOEXEC answers {other:?}, not 0", kernel.name())),
    }
}

fn answer_of(asks: &[(&str, Call, Want)], told: &Told, name: &str) -> i32 {
    let at = asks.iter().position(|(ask, _, _)| *ask == name);
    at.and_then(|at| told.answers.get(at).copied()).unwrap_or(-1)
}

#[derive(Clone, Copy, Debug)]
enum Want {
    Good,
    Error(i32),
}

impl Want {
    fn met(self, answer: i32) -> bool {
        match self {
            Self::Good => answer >= 0,
            Self::Error(error) => answer == error,
        }
    }
}

/// Without the gate the same questions are answered otherwise: the proofs above can fail.
fn bare(dir: &std::path::Path) -> Result<(), String> {
    let calls: [Call; 3] =
        [[331, 0, 0, 0, 0, 0, 0], [102, 1, CLOEXEC, 0, 0, 0, 0], [221, 1, 1030, 10, 0, 0, 0]];
    let told = probe::run(dir, &[], &calls, &data())?;
    // pipe2 with no place for its answer: EFAULT.
    if told.answers[0] != -14 || told.answers[1] < 0 || told.answers[2] < 0 {
        return Err(format!("on the bare host: {:?}", told.answers));
    }
    if auxv::VDSO.iter().all(|kind| !told.auxv().contains(kind)) {
        return Err("the host gives its programs no vDSO: that it is hidden proves nothing".to_owned());
    }
    Ok(())
}

/// `times(2)` tells the odd values, in their order.
fn odd_wrap(context: &Context, dir: &std::path::Path) -> Result<(), String> {
    let wrap = super::tracer::now_ns().map_err(|e| e.to_string())? + 150_000_000;
    let file = dir.join("wrap");
    fs::write(&file, wrap.to_string()).map_err(|e| format!("{}: {e}", file.display()))?;
    let launcher = context.launcher(Kernel::Strict, &dir.join("wrap.log"), Some(&file));
    // nanosleep of 5 ms between two readings.
    let pause = [162, DATA, 0, 0, 0, 0, 0];
    let calls: Vec<Call> = (0..60).flat_map(|_| [[43, 0, 0, 0, 0, 0, 0], pause]).collect();
    let told = probe::run(dir, &launcher, &calls, &[0, 5_000_000])?;
    let values: Vec<u32> = told.answers.iter().step_by(2).map(|a| a.cast_unsigned()).collect();
    let mut changes = values.clone();
    changes.dedup();
    let odd = changes.windows(4).any(|w| w[0] <= ticks::LAST && w[0] > ticks::ODD[0] && w[1..] == ticks::ODD);
    if odd { Ok(()) } else { Err(format!("times(2) does not wrap as it should: {changes:?}")) }
}
