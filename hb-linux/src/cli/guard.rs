//! `hbd guard`: a copying of one's own, run as the first part of a pull of the daemon's (DESIGN §9): only when the core
//! would pull, behind a look at the source's stamp, and ended by a takeover as any pull.

use super::args::{Options, Usage};
use super::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE, ask, data, refuse, tell};
use crate::control::client::Verdict;
use crate::control::wire::Request;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Longest command, its words with a byte between them: the request has to hold the group's name as well.
const LONGEST: usize = 300;
/// A script longer than this is not looked into.
const SCRIPT: u64 = 65_536;

/// `hbd guard [--quiet] [--no-wait] GROUP -- COMMAND`
pub(super) fn main(options: &Options, words: &[String]) -> i32 {
    match words {
        [group, command @ ..] if !command.is_empty() => guard(options, group, command),
        _ => refuse(&Usage::new("guard needs a group and a command; write guard [--quiet] GROUP -- COMMAND")),
    }
}

fn guard(options: &Options, group: &str, words: &[String]) -> i32 {
    let site = match data::sites(options, Some(group)) {
        Ok((_, mut sites)) => sites.remove(0),
        Err(code) => return code,
    };
    let packed = words.join("\0");
    if packed.len() > LONGEST || group.len() > MAX_GROUP || words.iter().any(|word| word.contains('\0')) {
        tell(&format!("the command is longer than {LONGEST} bytes; write it into a script"));
        return EXIT_USAGE;
    }
    if destroys(words) {
        tell(
            "the command would delete what pulls moved aside (.hbd in the directory): give its rsync --exclude=.hbd/",
        );
        return EXIT_USAGE;
    }
    let output = site.beside(".guard");
    match fs::remove_file(&output) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            tell(&format!("{}: {why}", output.display()));
            return EXIT_FAILURE;
        }
        _ => {}
    }
    match ask::verdict(options, &Request::Guard(group, &packed)) {
        Ok(Verdict::Accepted) if options.no_wait => return EXIT_OK,
        Ok(Verdict::Accepted) => {}
        Ok(Verdict::Refused(why)) => {
            if !options.quiet {
                tell(&format!("group {group}: not run: {why}"));
            }
            return EXIT_FAILURE;
        }
        Err(why) => return ask::trouble(options, &why),
    }
    let whole = match data::pulled(options, group) {
        Ok(whole) => whole,
        Err(code) => return code,
    };
    let ran = fs::read(&output);
    if let Ok(said) = &ran {
        let _ = std::io::stdout().write_all(said);
    }
    match (whole, ran) {
        (true, Ok(_)) => EXIT_OK,
        (true, Err(_)) => {
            tell(&format!(
                "group {group}: not run: hbd pulled by itself, for the copy here may hold what no other does"
            ));
            EXIT_FAILURE
        }
        (false, _) => {
            tell(&format!("group {group}: the pull failed; the log says why"));
            EXIT_FAILURE
        }
    }
}

/// Longest name of a group.
const MAX_GROUP: usize = 64;

/// Does it show a deletion, by itself or in the script that it is, that would not spare what pulls moved aside?
fn destroys(words: &[String]) -> bool {
    let mut text = words.join(" ");
    for word in words.iter().take(2) {
        let path = Path::new(word);
        if path.is_absolute() && fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() < SCRIPT) {
            text.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
        }
    }
    text.contains("rsync") && text.contains("--del") && !text.contains(".hbd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_that_spares_nothing_is_seen() {
        let place = std::env::temp_dir().join(format!("hbd-guard-{}", std::process::id()));
        let script = place.display();
        fs::write(&place, "#!/bin/sh\nrsync -a --delete a:/jdmail /\n").unwrap();
        for (line, bad) in [
            ("rsync -e ssh -avz --delete 192.168.2.2:/jdmail /".into(), true),
            ("/usr/bin/rsync -a --delete-after a:/jdmail/ /jdmail".into(), true),
            ("rsync -a --delete --exclude=.hbd/ a:/jdmail /".into(), false),
            ("rsync -a a:/jdmail /".into(), false),
            ("touch /tmp/x".into(), false),
            (format!("{script} now"), true),
            (format!("/bin/sh {script}"), true),
        ] {
            let words: Vec<String> = line.split(' ').map(String::from).collect();
            assert_eq!(destroys(&words), bad, "{line}");
        }
        fs::remove_file(place).unwrap();
    }
}
