//! A shell script that never looks at its argument does the same for `start`, `stop` and `status`. Seen in its text; nothing
//! is allocated, for the child that would run it looks as well.

/// How much of a script is read: a longer one is taken for one that looks.
pub const READ: usize = 4096;

/// What a script that never looks at its argument does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deaf {
    /// The same at every call.
    Same,
    /// Each call starts something in the background: `status` and `stop` as well.
    Starts,
}

/// Does this shell script never look at its argument? `None` also where that cannot be told, or where it does nothing at all.
#[must_use]
pub fn deaf(text: &[u8]) -> Option<Deaf> {
    if text.len() >= READ || !is_shell(text) {
        return None;
    }
    let (mut does, mut starts) = (false, false);
    for line in text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii) {
        let first = words(line).next().unwrap_or_default();
        match first {
            [] | [b'#', ..] | b"exit" | b"echo" | b"sleep" | b"true" | b":" => {}
            // What is read in, or put together, sees the arguments, too.
            b"." | b"source" | b"eval" => return None,
            // Without a list it goes through the arguments.
            b"for" if words(line).nth(2) != Some(b"in") => return None,
            _ => does = true,
        }
        if !first.starts_with(b"#") {
            if looks(line) {
                return None;
            }
            starts |= line.ends_with(b"&") && !line.ends_with(b"&&");
        }
    }
    match (does, starts) {
        (_, true) => Some(Deaf::Starts),
        (true, false) => Some(Deaf::Same),
        (false, false) => None,
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty())
}

/// `$1`, `${1`, `$@`, `$*`, `$#`, or a word that takes the arguments.
fn looks(line: &[u8]) -> bool {
    let has = |word: &[u8]| line.windows(word.len()).any(|part| part == word);
    let parameter = |pair: &[u8]| matches!(pair, [b'$', b'1'..=b'9' | b'@' | b'*' | b'#']);
    let braced = |part: &[u8]| matches!(part, [b'$', b'{', b'0'..=b'9' | b'@' | b'*' | b'#' | b'!']);
    line.windows(2).any(parameter) || line.windows(3).any(braced) || has(b"shift") || has(b"getopts")
}

/// A text of one of the usual shells, which a file without a `#!` line is as well.
fn is_shell(text: &[u8]) -> bool {
    let Some(first) = text.strip_prefix(b"#!") else { return !text.starts_with(b"\x7fELF") };
    let first = first.split(|&b| b == b'\n').next().unwrap_or_default();
    first
        .split(|b| b.is_ascii_whitespace() || *b == b'/')
        .any(|word| [&b"sh"[..], b"bash", b"dash", b"ash", b"ksh", b"zsh"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_looks_is_told_from_who_does() {
        for (text, expected) in [
            ("/jdmail/startjd.sh &\n\n/jdmail/web/bin/startup.sh &\n", Some(Deaf::Starts)),
            ("#!/bin/bash\n# $1 is start\n/opt/mail/run &\nexit 0\n", Some(Deaf::Starts)),
            ("#!/usr/bin/env sh\nrun && \\\n go\n", Some(Deaf::Same)),
            ("#!/bin/sh\nmount /dev/sda1 /data &&\n  true\n", Some(Deaf::Same)),
            ("#!/bin/sh\necho stopped\nexit 3\n", None),
            ("#!/bin/sh\nsleep 600\n", None),
            ("#!/bin/sh\nrun $1 &\n", None),
            ("#!/bin/sh\ncase ${1:-start} in\nesac\nrun &\n", None),
            ("#!/bin/sh\nexec run \"$@\" &\n", None),
            ("#!/bin/sh\n. /etc/rc.d/init.d/functions\nrun &\n", None),
            ("#!/bin/sh\nfor verb; do :; done\ncase \"$verb\" in start) run & ;; esac\nrun &\n", None),
            ("#!/bin/sh\nfor verb\ndo :; done\nrun &\n", None),
            ("#!/bin/sh\nfor  verb;  do echo in; done\nrun &\n", None),
            ("#!/bin/sh\nfor part in a b; do run $part & done\nrun &\n", Some(Deaf::Starts)),
            ("#!/bin/sh\neval verb=\\$$#\nrun &\n", None),
            ("#!/usr/bin/perl\nsystem('run &');\n", None),
            ("\u{7f}ELF &\n", None),
            ("", None),
        ] {
            assert_eq!(deaf(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(deaf("run &\n".repeat(READ).as_bytes()), None);
    }
}
