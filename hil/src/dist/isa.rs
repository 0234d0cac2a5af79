//! Reads a disassembly of the binary and refuses every instruction that a Pentium (i586, no MMX) lacks.
//!
//! It is a list of what is allowed, not of what is not: an instruction nobody thought of fails too. The C library
//! and gcc's helpers are linked in, and Debian builds those for a later processor, so the final binary is read.

use crate::paths::which;
use crate::proc::Cmd;
use std::collections::HashMap;
use std::path::Path;

/// Instructions whose name objdump prints with or without an operand size (`b`, `w`, `l`).
const SIZED: &str = "adc add and bound bsf bsr bswap bt btc btr bts call cmp cmpxchg dec div enter idiv imul in inc \
    iret jmp lcall lds lea leave les lfs lgs ljmp lret lss mov mul neg not or out pop popa popf push pusha pushf rcl \
    rcr ret rol ror sal sar sbb shl shld shr shrd sub test xadd xchg xor";

/// Instructions with exactly one spelling.
const PLAIN: &str = "aaa aad aam aas cbtw clc cld cli cltd cmc cmpsb cmpsl cmpsw cmpxchg8b cpuid cwtd cwtl daa das \
    hlt insb insl insw int int3 into jcxz jecxz lahf lodsb lodsl lodsw loop loope loopne movsb movsl movsw movsbl \
    movsbw movswl movzbl movzbw movzwl nop outsb outsl outsw pause rdtsc sahf stos lods scas scasb scasl scasw stc std sti stosb \
    stosl stosw ud2 wait fwait xlat xlatb";

/// The 8087 to 80387 instructions, each with the operand sizes objdump may add (`s`, `l`, `t`, `ll`, `p`...).
const FLOAT: &str = "f2xm1 fabs fadd fbld fbstp fchs fclex fcom fcomp fcompp fcos fdecstp fdiv fdivr ffree fiadd ficom \
    ficomp fidiv fidivr fild fimul fincstp finit fist fistp fisub fisubr fld fld1 fldcw fldenv fldl2e fldl2t fldlg2 \
    fldln2 fldpi fldz fmul fnclex fninit fnop fnsave fnstcw fnstenv fnstsw fpatan fprem fprem1 fptan frndint frstor \
    fsave fscale fsin fsincos fsqrt fst fstcw fstenv fstp fstsw fsub fsubr ftst fucom fucomp fucompp fxam fxch fxtract \
    fyl2x fyl2xp1";
const FLOAT_SIZES: [&str; 7] = ["", "s", "l", "t", "ll", "p", "w"];

const CONDITIONS: &str =
    "a ae b be c e g ge l le na nae nb nbe nc ne ng nge nl nle no np ns nz o p pe po s z";
const PREFIXES: &str = "lock rep repz repnz repe repne data16 addr16 cs ds es fs gs ss notrack";
/// Fewer instructions than this in a whole daemon means that the disassembly was not understood.
const AT_LEAST: usize = 2000;

/// Disassembles the code sections of a binary and judges each instruction.
///
/// # Errors
/// No objdump, nothing decoded, or the first twenty offending lines.
pub fn check(binary: &Path) -> Result<String, String> {
    judge(&disassemble(binary)?, AT_LEAST)
}

/// The code sections of a binary as objdump prints them.
///
/// # Errors
/// No objdump, or it does not understand the file.
pub fn disassemble(binary: &Path) -> Result<String, String> {
    let tool = ["i686-linux-gnu-objdump", "objdump"].into_iter().find(|t| which(t).is_some());
    let tool = tool.ok_or("no objdump; install the package binutils")?;
    // -d decodes sections that hold code and no others; tables of data stay out of it.
    let out = Cmd::new(tool).args(["-d", "--no-show-raw-insn", "-M", "i386"]).args([binary]).output()?;
    if out.code == Some(0) { Ok(out.stdout) } else { Err(format!("{tool} -d: {}", out.stderr.trim())) }
}

/// Judges a disassembly as objdump prints it (`address:<TAB>instruction`).
///
/// # Errors
/// Fewer than `at_least` instructions, or some beyond i586.
pub fn judge(disassembly: &str, at_least: usize) -> Result<String, String> {
    let (mut count, mut bad) = (0, Vec::new());
    // A hundred thousand instructions have a hundred names.
    let mut names = HashMap::new();
    for line in disassembly.lines() {
        let Some((_, instruction)) = line.split_once(":\t") else { continue };
        count += 1;
        if !allowed(instruction, &mut names) {
            bad.push(line.trim());
        }
    }
    if !bad.is_empty() {
        let shown = bad.len().min(20);
        return Err(format!(
            "{} of {count} instructions are not i586:\n{}",
            bad.len(),
            bad[..shown].join("\n")
        ));
    }
    if count < at_least {
        return Err(format!("only {count} instructions decoded, so this proves nothing"));
    }
    Ok(format!("{count} instructions read"))
}

/// True for an instruction of the i586, MMX not included. `names` are those that were looked up before.
fn allowed<'a>(instruction: &'a str, names: &mut HashMap<&'a str, bool>) -> bool {
    let text = instruction.split('#').next().unwrap_or_default();
    let mut words =
        text.split_whitespace().map(|w| w.trim_end_matches(",pn").trim_end_matches(",pt")).peekable();
    while words.next_if(|w| in_list(w, PREFIXES)).is_some() {}
    // A prefix on its own line belongs to the next one.
    let Some(name) = words.next() else { return true };
    let operands: String = words.collect();
    if ["%xmm", "%ymm", "%zmm", "%mm", "%r8", "%cr", "%dr", "%db"].iter().any(|r| operands.contains(r)) {
        return false;
    }
    // The one-byte nop only: the long ones came with the P6.
    (name != "nop" || operands.is_empty()) && *names.entry(name).or_insert_with(|| known(name))
}

fn known(name: &str) -> bool {
    let unsized_name = name.strip_suffix(['b', 'w', 'l']);
    in_list(name, PLAIN)
        || in_list(name, SIZED)
        || unsized_name.is_some_and(|base| in_list(base, SIZED))
        || FLOAT_SIZES.iter().any(|size| name.strip_suffix(size).is_some_and(|base| in_list(base, FLOAT)))
        || ["j", "set"]
            .iter()
            .any(|kind| name.strip_prefix(kind).is_some_and(|cond| in_list(cond, CONDITIONS)))
}

fn in_list(word: &str, list: &str) -> bool {
    list.split_whitespace().any(|w| w == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(instruction: &str) -> Result<String, String> {
        judge(&format!(" 8049000:\t{instruction}\n"), 1)
    }

    #[test]
    fn what_a_pentium_has_passes() {
        for ok in [
            "mov    %esp,%ebp",
            "lock cmpxchg %ecx,(%edx)",
            "lock cmpxchg8b 0x10(%esi)",
            "rep stos %al,%es:(%edi)",
            "rep movsl %ds:(%esi),%es:(%edi)",
            "movzbl 0x4(%eax),%eax",
            "setne  %al",
            "jae    8049010 <main+0x10>",
            "fildll 0x8(%esp)",
            "fstpt  (%esp)",
            "fmulp  %st,%st(1)",
            "xchg   %ax,%ax",
            "bswap  %eax",
            "xadd   %eax,(%ecx)",
            "call   *0x8(%ebx)",
            "rep ret",
            "nop",
            "int    $0x80",
            "cs",
        ] {
            assert!(line(ok).is_ok(), "{ok}: {:?}", line(ok));
        }
    }

    #[test]
    fn what_came_later_is_refused() {
        for bad in [
            "cmove  %ecx,%eax",
            "cmovae %ebx,%eax",
            "fcmovb %st(1),%st",
            "fcomi  %st(1),%st",
            "fucomip %st(1),%st",
            "fisttpl (%esp)",
            "movdqu (%esi),%xmm0",
            "movq   (%esi),%mm0",
            "pxor   %mm1,%mm0",
            "addsd  %xmm1,%xmm0",
            "movsd  (%eax),%xmm1",
            "emms",
            "sfence",
            "sysenter",
            "endbr32",
            "nopw   %cs:0x0(%eax,%eax,1)",
            "nopl   0x0(%eax)",
            "nop    %eax",
            "popcnt %eax,%eax",
            "tzcnt  %eax,%ecx",
            "movbe  %eax,(%ecx)",
            "lock cmpxchg16b (%edi)",
            "prefetcht0 (%eax)",
            "rdpmc",
            "rdrand %eax",
            "(bad)",
        ] {
            assert!(line(bad).is_err_and(|e| e.contains(bad)), "{bad}");
        }
    }

    #[test]
    fn an_empty_disassembly_proves_nothing() {
        assert!(judge("hbd: file format elf32-i386\n", 1).is_err());
    }

    #[test]
    fn one_line_among_good_ones_is_found() {
        let text = " 8049000:\tnop\n 8049001:\tcmovne %eax,%ebx\n 8049004:\tret\n";
        assert!(judge(text, 1).is_err_and(|e| e.starts_with("1 of 3") && e.contains("8049001")));
    }
}
