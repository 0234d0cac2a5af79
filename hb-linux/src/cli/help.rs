//! `hbd help`, as a whole and for each command, and the nearest command to a mistyped one. What a command does is told by the
//! manual page that the binary carries; which there are stands in the table (`commands.rs`).

use super::args::Usage;
use super::commands::COMMANDS;
use super::{EXIT_OK, Options, refuse, say};
use crate::config::distance;
#[cfg(feature = "manual")]
use crate::texts::Text;

/// Before the commands.
const HEAD: &str = "hbd: heartbeat and watchdog daemon for two-node hot standby\n\n";

/// Behind them.
const FOOT: &str = "
Options: --config-dir DIR   ha.cf, haresources, authkeys, resource.d  (/etc/ha.d)
         --state-dir DIR    what is kept across restarts              (/var/lib/heartbeat)
         --run-dir DIR      process number and control socket         (/var/run/heartbeat)
         --node NAME        this node's name                          (uname -n)

A group is named by its first resource in haresources; local groups prefer this node.
Exit codes: 0 ok, 1 failure, 2 usage, 3 status: stopped (elsewhere: not in this build),
            4 permission, 5 not installed, 6 not configured, 7 not running.";

/// Prints the help on one command, or the whole; the exit code.
pub(super) fn print(command: Option<&str>) -> i32 {
    let text = match command {
        None => {
            let lines = COMMANDS.iter().map(|command| command.help);
            [HEAD].into_iter().chain(lines).chain([FOOT]).collect()
        }
        Some(command) => match of(command) {
            Some(text) => text,
            None => return refuse(&unknown(command)),
        },
    };
    say(text.trim_end());
    EXIT_OK
}

/// No such command: the nearest one, if one is near.
pub(super) fn unknown(word: &str) -> Usage {
    let near = nearest(word).map_or(String::new(), |verb| format!("; did you mean hbd {verb}?"));
    Usage::new(format!("unknown command {word:?}{near}; hbd help lists them"))
}

/// Every command.
fn verbs() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name).filter(|name| !name.contains(' '))
}

/// The command that is meant by `word`, if one is near.
fn nearest(word: &str) -> Option<&'static str> {
    // What other programs call it.
    match word {
        "start" => return Some("run"),
        "failover" => return Some("takeover"),
        "failback" => return Some("takeover foreign"),
        _ => {}
    }
    let near = verbs().map(|verb| (distance(word, verb), verb));
    let near = near.filter(|(distance, verb)| *distance <= 2 && *distance * 2 < verb.len());
    near.min_by_key(|(distance, _)| *distance).map(|(_, verb)| verb)
}

/// The lines of the help on one command, in a build without the manual page; `None` if there is none of this name.
#[cfg(not(feature = "manual"))]
fn of(verb: &str) -> Option<String> {
    let lines = COMMANDS.iter().find(|command| command.name == verb)?.help;
    Some(format!("{lines}hbd help: every command, the options on all of them"))
}

/// What the manual page says of one command; `None` if there is none of this name.
#[cfg(feature = "manual")]
fn of(verb: &str) -> Option<String> {
    let command = COMMANDS.iter().find(|command| command.name == verb)?;
    let page = Text::Commands.read();
    let begins = |line: &str, front: &str| {
        line.strip_prefix(front)
            .and_then(|rest| rest.strip_prefix(verb))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
    };
    let mut text: Vec<String> =
        page.lines().filter(|line| begins(line, "    hbd ")).map(|line| line.trim_start().into()).collect();
    if text.is_empty() {
        text.push(format!("hbd {verb}"));
    }
    let commands = page.split("\n## Commands\n").nth(1)?.split("\n## ").next()?;
    // Some are told of in the block of another one.
    let blocks = || commands.split("\n\n").filter(|block| block.starts_with("**"));
    let has_own = blocks().any(|block| begins(block, "**"));
    let names = |block: &str| block.split("**").skip(1).step_by(2).any(|name| begins(name, ""));
    let mut own = false;
    for block in commands.split("\n\n") {
        own = match (block.starts_with("**"), has_own) {
            (false, _) => own,
            (true, true) => begins(block, "**"),
            (true, false) => names(block),
        };
        if own {
            text.push(format!("\n{}", block.trim_end().replace("**", "").replace('`', "")));
        }
    }
    if command.root {
        text.push("\nFor root alone.".into());
    }
    text.push("\nhbd help: every command, the options on all of them, the exit codes".into());
    Some(text.join("\n"))
}

/// What one wants first, for who gives no command.
pub(super) fn first(options: &Options) -> String {
    let configured = options.config_dir.join("ha.cf").exists();
    let three = if configured {
        "  hbd status    how things stand: this node, the other one, every service
  hbd check     is the configuration right, and this machine fit for it?
  hbd help      every command; hbd COMMAND --help tells of one"
    } else if cfg!(not(feature = "demo")) {
        "  hbd install   put this program, and samples of its files, in place
  hbd check     is the configuration right, and this machine fit for it?
  hbd help      every command"
    } else {
        "  hbd demo      see a failover on this machine, in 20 seconds
  hbd install   put this program, and samples of its files, in place
  hbd help      every command; hbd COMMAND --help tells of one"
    };
    format!("no command given; first of all:\n{three}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_help_out_of_the_manual_page() {
        let all: Vec<&str> = verbs().collect();
        assert!(all.len() >= 18 && all.contains(&"confirm-down") && all.contains(&"help"), "{all:?}");
        for verb in all {
            let text = of(verb).expect(verb);
            assert!(text.starts_with(&format!("hbd {verb}")), "{text}");
            let told = text.lines().any(|line| line.starts_with(&format!("{verb} ")) || line.contains(verb));
            assert!(told && !text.contains("**") && !text.contains('`'), "{text}");
        }
        let standby = of("standby").expect("standby");
        assert!(standby.contains("gives groups to the other node"), "{standby}");
        assert!(!standby.contains("vouch") && !standby.contains("hbd takeover ["), "{standby}");
        let check = of("check").expect("check");
        assert!(
            check.contains("touches nothing") && check.contains("starts and stops the resources"),
            "{check}"
        );
        // Told of with another one.
        let takeover = of("takeover").expect("takeover");
        assert!(
            takeover.contains("hbd takeover [all") && takeover.contains("takes them from it"),
            "{takeover}"
        );
        let formula = of("linktest").expect("linktest");
        assert!(formula.contains("keepalive = max(100 ms"), "{formula}");
        assert_eq!(of("nonsense"), None);
        assert_eq!(of("stat"), None);
    }

    #[test]
    fn who_gives_no_command_is_told_three() {
        let options = Options { config_dir: "/nowhere".into(), ..Options::default() };
        let text = first(&options);
        assert!(text.starts_with("no command given") && text.contains("hbd demo"), "{text}");
        assert_eq!(text.lines().count(), 4);
    }
}
