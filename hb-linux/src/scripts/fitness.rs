//! Can a file be run that is there and has its run bit? A script whose interpreter is not there cannot, nor one that is
//! empty, or on a file system that is mounted without the right to execute: each is as good as missing.

use super::deaf::{Deaf, READ, deaf};
use super::program::PATH;
use crate::sys::host;
use core::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// As much of the first line as every kernel looks at.
const FIRST_LINE: usize = 127;

/// Why a file cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It has no bytes.
    Empty,
    /// The interpreter that its first line names is not there or cannot be run; what is missing.
    Interpreter(String),
    /// Its lines end as those of DOS do, so the interpreter's name ends with a carriage return.
    Dos,
    /// It is on a file system without the right to execute.
    NoExec,
    /// It never looks at its argument, and starts something at each call: to run it for a `status` would start that.
    Deaf,
}

impl fmt::Display for Unfit {
    /// What is wrong; what to do instead. To be put behind the name of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty, so it cannot be run; put the script back"),
            Self::Interpreter(name) => {
                write!(f, "is a script of `{name}`, which is not there; install it, or write another first line")
            }
            Self::Dos => f.write_str(
                "has lines that end as those of DOS do, so its `#!` line names no program; run `dos2unix` on it",
            ),
            Self::Deaf => f.write_str(
                "never looks at its argument, so `status` and `stop` start it once more and nothing ends it; write as \
                 `case $1 in start) WHAT IT DOES NOW;; stop) WHAT ENDS IT;; status) if WHAT SHOWS THAT IT RUNS; then echo \
                 running; else echo stopped; exit 3; fi;; esac`",
            ),
            Self::NoExec => f.write_str("is on a file system that is mounted `noexec`; mount it with `exec`"),
        }
    }
}

/// Why `file`, which has its run bit, cannot be run; `None` if it can, as far as can be told. Reads the disk.
#[must_use]
pub fn unfit(file: &Path) -> Option<Unfit> {
    // Who may not read it cannot tell.
    let mut start = [0; FIRST_LINE];
    let n = File::open(file).and_then(|mut f| f.read(&mut start)).ok()?;
    let start = start.get(..n)?;
    if start.is_empty() {
        return Some(Unfit::Empty);
    }
    if host::executable(file) == Some(false) {
        return Some(Unfit::NoExec);
    }
    if let Some(line) = start.strip_prefix(b"#!")
        && let Some(why) = interpreter_lacks(line)
    {
        return Some(why);
    }
    (ear(file) == Some(Deaf::Starts)).then_some(Unfit::Deaf)
}

/// What `file` does without a look at its argument. Reads the disk, and allocates nothing.
#[must_use]
pub fn ear(file: &Path) -> Option<Deaf> {
    let mut text = [0; READ];
    let mut len = 0;
    let mut file = File::open(file).ok()?;
    while let Ok(n @ 1..) = file.read(text.get_mut(len..)?) {
        len += n;
    }
    deaf(text.get(..len)?)
}

/// `line`: what stands behind the `#!`.
fn interpreter_lacks(line: &[u8]) -> Option<Unfit> {
    let line = line.split(|&b| b == b'\n').next()?;
    if line.ends_with(b"\r") {
        // An argument swallows it, and so do some interpreters; the name of a program never does.
        let words = line.split(|&b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty());
        if words.count() == 1 {
            return Some(Unfit::Dos);
        }
    }
    let text = String::from_utf8_lossy(line);
    let mut words = text.split([' ', '\t']).map(|word| word.trim_end_matches('\r')).filter(|w| !w.is_empty());
    let program = words.next()?;
    if !is_program(&Path::new("/").join(program)) {
        return Some(Unfit::Interpreter(program.to_string()));
    }
    // `env` finds the interpreter by the path that scripts get.
    if Path::new(program).file_name().is_some_and(|name| name == "env") {
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        let there = |dir: &str| is_program(&Path::new(dir).join(name));
        if !PATH.split(':').any(there) {
            return Some(Unfit::Interpreter(name.to_string()));
        }
    }
    None
}

fn is_program(file: &Path) -> bool {
    file.is_file() && host::executable(file) != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_script_without_its_interpreter_cannot_be_run() {
        let file = std::env::temp_dir().join(format!("hbd-fitness-{}", std::process::id()));
        let lacks = |name: &str| Some(Unfit::Interpreter(name.to_string()));
        for (text, expected) in [
            ("#!/bin/sh\nexit\n", None),
            ("#! /bin/sh -e\n", None),
            ("#!/bin/sh", None),
            ("echo running\n", None),
            ("\u{7f}ELF", None),
            ("#!/usr/bin/env sh\n", None),
            ("#!/usr/bin/env -S LANG=C sh -e\n", None),
            ("", Some(Unfit::Empty)),
            ("#!/bin/sh\r\nexit\r\n", Some(Unfit::Dos)),
            ("#!/nonexistent/sh\n", lacks("/nonexistent/sh")),
            ("#!nonexistent\n", lacks("nonexistent")),
            ("#!\t/tmp\n", lacks("/tmp")),
            ("/jdmail/startjd.sh &\n/jdmail/web/bin/startup.sh &\n", Some(Unfit::Deaf)),
            ("#!/usr/bin/env nonexistent-9\n", lacks("nonexistent-9")),
            ("#!/usr/bin/env -S nonexistent-9 -x\n", lacks("nonexistent-9")),
        ] {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(unfit(&file), expected, "{text:?}");
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(unfit(&file), None, "what is not there is named by others");
    }
}
