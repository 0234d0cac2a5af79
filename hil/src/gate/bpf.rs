//! The seccomp filter of a kernel, as classic BPF.

use super::kernel::{Kernel, RESTART};
use super::rules::{self, Rule};

/// One instruction: operation, jump if true, jump if false, operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Operation code.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// `AUDIT_ARCH_I386`.
const I386: u32 = 0x4000_0003;
/// `ENOSYS`.
const ENOSYS: u16 = 38;

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_ABOVE: u16 = 0x25;
const IF_FROM: u16 = 0x35;
const IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW`, `_TRACE` and `_ERRNO`.
const ALLOW: u32 = 0x7fff_0000;
const TRACE: u32 = 0x7ff0_0000;
const ERRNO: u32 = 0x0005_0000;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const fn op(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

const fn test(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

const fn refuse(errno: u16) -> Instruction {
    op(RETURN, ERRNO | errno as u32)
}

/// The filter: i386 calls are judged, those of the host's own programs (scripts, the rig's helper) pass.
#[must_use]
pub fn filter(kernel: Kernel, ticks: bool) -> Vec<Instruction> {
    let mut program = vec![
        op(LOAD, ARCHITECTURE),
        test(IF_EQUAL, I386, 1, 0),
        op(RETURN, ALLOW),
        op(LOAD, NUMBER),
        test(IF_EQUAL, RESTART, 0, 1),
        op(RETURN, ALLOW),
    ];
    let mut presence = Vec::new();
    for (from, to) in ranges(kernel) {
        // Below this range and not in an earlier one: missing. In it: on to the rules.
        presence.extend([test(IF_FROM, from, 1, 0), refuse(ENOSYS), test(IF_ABOVE, to, 1, 0)]);
        presence.push(op(JUMP, 0));
    }
    presence.push(refuse(ENOSYS));
    let length = presence.len();
    for (at, one) in presence.iter_mut().enumerate().filter(|(_, one)| one.code == JUMP) {
        one.k = u32::try_from(length - at - 1).unwrap_or(0);
    }
    program.extend(presence);
    for (number, rule) in rules::of(kernel, ticks) {
        let checks = checks(rule);
        // The number is loaded anew: a check before may have loaded an argument.
        program
            .extend([op(LOAD, NUMBER), test(IF_EQUAL, number, 0, u8::try_from(checks.len()).unwrap_or(0))]);
        program.extend(checks);
    }
    program.push(op(RETURN, ALLOW));
    program
}

/// The instructions of one rule; they fall through when the call may pass.
fn checks(rule: Rule) -> Vec<Instruction> {
    let argument = |n: usize| op(LOAD, ARGUMENTS + 8 * u32::try_from(n).unwrap_or(0));
    match rule {
        Rule::Trace => vec![op(RETURN, TRACE)],
        Rule::Without(n, bits, errno) => vec![argument(n), test(IF_BITS, bits, 0, 1), refuse(errno)],
        Rule::Ignores(n, bits) => vec![argument(n), test(IF_BITS, bits, 0, 1), op(RETURN, TRACE)],
        Rule::Only(n, ranges, errno) => {
            let mut out = vec![argument(n)];
            for (at, &(from, to)) in ranges.iter().enumerate() {
                // Two instructions a range are left after this one, then the refusal.
                let left = u8::try_from(2 * (ranges.len() - at - 1)).unwrap_or(0);
                out.extend([test(IF_FROM, from, 0, 1), test(IF_ABOVE, to, 0, left + 1)]);
            }
            out.push(refuse(errno));
            out
        }
    }
}

/// The numbers that a kernel has, as ranges in order.
fn ranges(kernel: Kernel) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in (1..1024).filter(|&number| kernel.has(number)) {
        match ranges.last_mut() {
            Some((_, to)) if *to + 1 == number => *to = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's interpreter would answer.
    fn answer(program: &[Instruction], architecture: u32, number: u32, arguments: [u32; 6]) -> u32 {
        let (mut at, mut acc) = (0, 0);
        loop {
            let Instruction { code, jt, jf, k } = program[at];
            let jump = |holds: bool| usize::from(if holds { jt } else { jf });
            at += 1;
            match code {
                LOAD if k == NUMBER => acc = number,
                LOAD if k == ARCHITECTURE => acc = architecture,
                LOAD => acc = arguments[((k - ARGUMENTS) / 8) as usize],
                JUMP => at += k as usize,
                IF_EQUAL => at += jump(acc == k),
                IF_ABOVE => at += jump(acc > k),
                IF_FROM => at += jump(acc >= k),
                IF_BITS => at += jump(acc & k != 0),
                RETURN => return k,
                other => panic!("no operation {other:#x}"),
            }
        }
    }

    const NO: u32 = ERRNO | 38;
    const INVALID: u32 = ERRNO | 22;

    #[test]
    fn every_number_that_a_kernel_lacks_answers_enosys_and_no_other() {
        for kernel in Kernel::ALL {
            let program = filter(kernel, false);
            for number in 1..600 {
                let got = answer(&program, I386, number, [0; 6]);
                assert_eq!(got == NO, !kernel.has(number), "{kernel:?} {number}: {got:#x}");
            }
            assert_eq!(answer(&program, I386, u32::MAX, [0; 6]), NO);
            assert_eq!(answer(&program, I386, RESTART, [0; 6]), ALLOW);
            // Programs of the host.
            assert_eq!(answer(&program, 0xc000_003e, 331, [0; 6]), ALLOW);
        }
    }

    #[test]
    fn newer_flags_are_refused_or_handed_to_the_tracer() {
        let program = filter(Kernel::Strict, true);
        let at = |n: usize, value: u32| {
            let mut arguments = [0; 6];
            arguments[n] = value;
            arguments
        };
        for (number, arguments, want) in [
            (221, at(1, 1030), INVALID), // F_DUPFD_CLOEXEC
            (221, at(1, 13), ALLOW),     // F_SETLK64
            (221, at(1, 1026), ALLOW),
            (221, at(1, 1031), INVALID),
            (114, at(2, 8), INVALID), // WCONTINUED
            (114, at(2, 1), ALLOW),
            (172, at(0, 15), INVALID), // PR_SET_NAME
            (172, at(0, 1), ALLOW),
            (156, at(1, 0x4000_0002), INVALID),
            (156, at(1, 2), ALLOW),
            (77, at(0, 1), INVALID),
            (77, at(0, u32::MAX), ALLOW),
            (54, at(1, 0x802c_542a), INVALID),
            (54, at(1, 0x5401), ALLOW),
            (5, at(1, 0x8_0000), TRACE),
            (5, at(1, 0x2_8042), ALLOW),
            (120, at(0, 0x1011), ERRNO | 1),
            (120, at(0, 0x0008_0011), TRACE),
            (120, at(0, 0x4111), ALLOW),
            (102, at(0, 1), TRACE),
            (168, at(0, 0), TRACE),
            (43, at(0, 0), TRACE),
        ] {
            assert_eq!(answer(&program, I386, number, arguments), want, "{number} {arguments:x?}");
        }
        assert_eq!(answer(&filter(Kernel::Strict, false), I386, 43, [0; 6]), ALLOW);
    }

    #[test]
    fn it_fits_the_limit_of_the_kernel() {
        assert!(Kernel::ALL.iter().all(|&kernel| filter(kernel, true).len() < 4096));
    }
}
