//! The commands: each one's name, words, options, lines of help, and what runs it, once for the parser, `hbd help`, the guesses
//! at mistyped ones, the completion, and the tests of what the manual says. A new one is a row here, and what it calls.

use super::args::{Options, Usage};
use super::ask::{self, Way};
use super::groups::Groups;
use super::{EXIT_FAILURE, EXIT_OK, VERSION, compat, help, say, send_arp};
use crate::control::wire::{Request, Which};
use crate::daemon;
use std::ffi::OsString;

/// One command.
#[derive(Debug)]
pub struct Command {
    /// As it is written behind `hbd`.
    pub name: &'static str,
    /// On a machine as it is installed, for root alone.
    pub root: bool,
    /// The options that go with it, beside those that go with all.
    pub options: &'static [&'static str],
    /// Its lines of `hbd help`; none for a command that is not shown.
    pub help: &'static str,
    /// The words behind it, and what runs it.
    pub(super) run: Run,
}

/// The words behind a command, and what runs it: gets them and the options, and gives the exit code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// No word.
    Alone(fn(&Options) -> i32),
    /// One word.
    One(What, fn(&Options, &str) -> i32),
    /// One word, or none.
    Maybe(What, fn(&Options, Option<&str>) -> i32),
    /// All groups, or those that a word means.
    Groups(fn(&Options, Which<'_>) -> i32),
    /// Words that it judges itself.
    Words(fn(&Options, &[String]) -> i32),
    /// Words and options that it reads itself.
    Own(fn(&Options, Vec<OsString>) -> i32),
}

/// What a word names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Group,
    Node,
    Device,
    Command,
    /// What is said where it was left out.
    Other(&'static str),
}

impl What {
    /// For who left it out.
    pub(super) const fn needed(self) -> &'static str {
        match self {
            Self::Group => "the name of a group (its first resource in haresources)",
            Self::Node => "the name of the other node",
            Self::Device => "a serial device, such as /dev/ttyS0",
            Self::Command => "the name of a command",
            Self::Other(what) => what,
        }
    }
}

/// Those that a build may lack, to be told apart from what is no command.
const OPTIONAL: [&str; 15] = [
    "check --exercise",
    "config",
    "data",
    "demo",
    "drill",
    "events",
    "export",
    "fence",
    "guard",
    "linktest",
    "monitor",
    "page",
    "simulate",
    "sync",
    "why",
];

/// Those of this build, in the order of `hbd help`.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "run",
        root: true,
        options: &["foreground"],
        help: "  hbd run [--foreground]          start the daemon (in the background, once its links are open)\n",
        run: Run::Alone(|options| daemon::run(options, EXIT_FAILURE)),
    },
    Command {
        name: "stop",
        root: true,
        options: &["no-wait"],
        help: "  hbd stop [--no-wait]            leave in order: the groups stop here and start on the peer\n",
        run: Run::Alone(ask::stop),
    },
    Command {
        name: "restart",
        root: true,
        options: &[],
        help: "  hbd restart                     stop in order, which hands over to a peer that stands by, and start again\n",
        run: Run::Alone(|options| super::restart::restart(options, EXIT_FAILURE)),
    },
    Command {
        name: "reload",
        root: true,
        options: &["force"],
        help: "  hbd reload [--force]            read the files again: keys and more hold at once, the rest is said\n",
        run: Run::Alone(ask::reload),
    },
    Command {
        name: "status",
        root: false,
        options: &["json", "nagios", #[cfg(feature = "metrics")] "prometheus"],
        help: "  hbd status [--json|--nagios|--prometheus]    this node, the peer, links, groups, watchdog, ping nodes; the first line says if all is well\n",
        run: Run::Alone(ask::status),
    },
    Command {
        name: "check",
        root: true,
        options: &["exercise"],
        help: "  hbd check                       examine the configuration and this machine; touches nothing\n",
        run: Run::Alone(super::check),
    },
    #[cfg(feature = "config-show")]
    Command {
        name: "config",
        root: true,
        options: &[],
        help: "  hbd config show                 every value of the three files, with file and line, or the rule that gave it
  hbd config digest               what the two nodes compare of them, to be compared\n",
        run: Run::One(What::Other("what to do; write config show or config digest"), super::settings::main),
    },
    #[cfg(feature = "exercise")]
    Command {
        name: "check --exercise",
        root: true,
        options: &[],
        help: "  hbd check --exercise WHAT       start and stop a group, or a script with its arguments; says what it does wrong\n",
        run: Run::Own(|options, words| crate::exercise::main(&words, options)),
    },
    Command {
        name: "standby",
        root: true,
        options: &["no-wait"],
        help: "  hbd standby [all|local|foreign|GROUP] [--no-wait]    give groups to the peer\n",
        run: Run::Groups(|options, which| ask::move_groups(options, Way::Away, which)),
    },
    Command {
        name: "takeover",
        root: true,
        options: &["no-wait"],
        help: "  hbd takeover [all|local|foreign|GROUP] [--no-wait]   take groups from the peer\n",
        run: Run::Groups(|options, which| ask::move_groups(options, Way::Here, which)),
    },
    Command {
        name: "confirm-down",
        root: true,
        options: &["force"],
        help: "  hbd confirm-down NODE           vouch that the peer is switched off, so that its groups may be taken
                 [--force]        also while a service address still answers\n",
        run: Run::One(What::Node, ask::confirm_down),
    },
    #[cfg(feature = "fence-test")]
    Command {
        name: "fence",
        root: true,
        options: &["test"],
        help: "  hbd fence --test NODE           ask the fence, then the operator twice, then reset the peer\n",
        run: Run::One(What::Node, super::fence::test),
    },
    Command {
        name: "clear",
        root: true,
        options: &[],
        help: "  hbd clear GROUP                 forget a failed start, or try a stuck stop again\n",
        run: Run::One(What::Group, |options, group| {
            ask::simple(options, &Request::Clear(group), &format!("{group} is cleared"))
        }),
    },
    #[cfg(feature = "data")]
    Command {
        name: "sync",
        root: true,
        options: &["delete", "no-wait"],
        help: "  hbd sync [GROUP] [--delete] [--no-wait]        bring the copy of the data here up to date now\n",
        run: Run::Maybe(What::Group, super::data::sync),
    },
    #[cfg(feature = "data")]
    Command {
        name: "data",
        root: true,
        options: &[],
        help: "  hbd data list [GROUP]           what pulls moved aside and the tree lacks
  hbd data restore GROUP          put it back, where the group is held
  hbd data init GROUP             what stands in the directory is the group's data (with the daemon stopped)\n",
        run: Run::Words(super::data::data),
    },
    #[cfg(feature = "guard")]
    Command {
        name: "guard",
        root: true,
        options: &["quiet", "no-wait"],
        help: "  hbd guard [--quiet] GROUP -- COMMAND           run a copying of one's own (cron) when it is safe, as a pull of hbd's\n",
        run: Run::Words(super::guard::main),
    },
    #[cfg(feature = "monitor")]
    Command {
        name: "monitor",
        root: false,
        options: &[],
        help: "  hbd monitor                     how things stand, live, also on a serial console; q quits\n",
        run: Run::Alone(super::monitor::main),
    },
    #[cfg(feature = "page")]
    Command {
        name: "page",
        root: false,
        options: &[],
        help: "  hbd page PORT                   the same for a browser and a collector of metrics, on this machine's loopback\n",
        run: Run::One(What::Other("a port, such as 8694"), |options, port| super::page::port(port).map_or_else(|usage| super::refuse(&usage), |port| super::page::main(port, options))),
    },
    #[cfg(feature = "export")]
    Command {
        name: "export",
        root: true,
        options: &["pcs", "crm", "cib"],
        help: "  hbd export pacemaker [--pcs | --crm | --cib]    the groups as commands for Pacemaker, for those who outgrow two nodes\n",
        run: Run::Own(|options, words| super::export::main(&words, options)),
    },
    #[cfg(feature = "why")]
    Command {
        name: "why",
        root: true,
        options: &[],
        help: "  hbd why [GROUP]                 why it runs where it runs; what would happen if a node died, a link were cut, you moved it\n",
        run: Run::Maybe(What::Group, |options, group| ask::told(options, &Request::Why(group.unwrap_or_default()))),
    },
    #[cfg(feature = "simulate")]
    Command {
        name: "simulate",
        root: true,
        options: &["kill", "cut", "freeze", "standby", "takeover", "slow-script", "loss", "boot", "seed", "plot"],
        help: "  hbd simulate [--kill NODE@T[-T]] [--cut LINK@T-T] [--freeze NODE@T-T] [--slow-script NAME=T] [--seed N] [--plot FILE]
                                  play a story on this configuration: the timeline and the outage to expect\n",
        run: Run::Own(|options, words| crate::simulate::main(words, options)),
    },
    #[cfg(feature = "drill")]
    Command {
        name: "drill",
        root: true,
        options: &["port", "json", "html", "yes", "power"],
        help: "  hbd drill [all|local|foreign|GROUP] [--port N] [--json] [--html FILE] [--yes] [--power]
                                  move the service to the other node and back, and measure the outage\n",
        run: Run::Own(|options, words| super::drill::main(words, options)),
    },
    #[cfg(feature = "events")]
    Command {
        name: "events",
        root: true,
        options: &["since", "follow", "json", "both"],
        help: "  hbd events [--since T] [--follow] [--json] [--both FILE]    what changed last, and why; who reset this machine\n",
        run: Run::Own(|options, words| super::events::main(words, options)),
    },
    #[cfg(feature = "demo")]
    Command {
        name: "demo",
        root: false,
        options: &["web"],
        help: "  hbd demo [--web [PORT]]         show a failover: two daemons on this machine, no root, 30 seconds\n",
        run: Run::Own(|_, words| crate::demo::main(words)),
    },
    #[cfg(feature = "linktest")]
    Command {
        name: "linktest",
        root: true,
        options: &["baud", "seconds", "wait", "fence"],
        help: "  hbd linktest [--baud RATE] [--seconds N] [--wait N] DEVICE    measure a null-modem cable; run it on both ends
  hbd linktest --fence DEVICE     does that cable carry a reset line? run it on both ends\n",
        run: Run::One(What::Device, |options, device| crate::linktest::main(device, options)),
    },
    Command {
        name: "install",
        root: true,
        options: &["root", "from-heartbeat", "uninstall", "dry-run"],
        help: "  hbd install [--from-heartbeat] [--uninstall] [--dry-run] [--root DIR]    put this program and all around it in place\n",
        run: Run::Own(|_, words| crate::install::main(words)),
    },
    Command {
        name: "send-arp",
        root: true,
        options: &[],
        help: "  hbd send-arp ...                announce an address (for resource scripts)\n",
        run: Run::Own(|_, words| send_arp::main(words)),
    },
    Command {
        name: "version",
        root: false,
        options: &[],
        help: "  hbd version, hbd help [COMMAND]\n",
        run: Run::Alone(|_| {
            say(&format!("hbd {VERSION}"));
            EXIT_OK
        }),
    },
    Command {
        name: "help",
        root: false,
        options: &[],
        help: "",
        run: Run::Maybe(What::Command, |_, command| help::print(command)),
    },
    // By the original's name.
    Command {
        name: "heartbeat",
        root: true,
        options: &[],
        help: "",
        run: Run::Own(|_, words| compat::heartbeat(words)),
    },
];

impl Command {
    /// The command of this name.
    ///
    /// # Errors
    /// This build lacks it, or there is none.
    pub(super) fn named(name: &str) -> Result<&'static Self, Usage> {
        match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => Ok(command),
            None if OPTIONAL.contains(&name) => Err(Usage::lacking(name)),
            None => Err(help::unknown(name)),
        }
    }

    /// Is the number of words right?
    pub(super) fn takes(&self, words: &[String]) -> Result<(), Usage> {
        let (least, most) = match self.run {
            Run::Alone(_) => (None, 0),
            Run::One(what, _) => (Some(what), 1),
            Run::Maybe(..) | Run::Groups(_) => (None, 1),
            Run::Words(_) | Run::Own(_) => return Ok(()),
        };
        match (least, words.get(most)) {
            (_, Some(word)) => Err(Usage::new(format!("{word:?} is one word too many"))),
            (Some(what), None) if words.is_empty() => {
                Err(Usage::new(format!("{} needs {}", self.name, what.needed())))
            }
            _ => Ok(()),
        }
    }

    /// Runs it; the exit code.
    pub(super) fn run(&self, options: &Options, words: &[String], own: Vec<OsString>) -> i32 {
        let first = words.first().map(String::as_str);
        match self.run {
            Run::Alone(run) => run(options),
            Run::One(_, run) => run(options, first.unwrap_or_default()),
            Run::Maybe(_, run) => run(options, first),
            Run::Groups(run) => run(options, Groups::read(first).which()),
            Run::Words(run) => run(options, words),
            Run::Own(run) => run(options, own),
        }
    }
}

/// What may stand behind each command, as cases of the completion for bash.
#[cfg(feature = "manual")]
pub(crate) fn completion() -> String {
    let shown =
        || COMMANDS.iter().filter(|command| !command.name.contains(' ') && command.name != "heartbeat");
    let names: Vec<&str> = shown().map(|command| command.name).collect();
    let case = |command: &Command| {
        let mut words: Vec<String> = synopsis_words(command);
        words.extend(command.options.iter().map(|option| format!("--{option}")));
        match command.run {
            Run::Groups(_) | Run::One(What::Group, _) | Run::Maybe(What::Group, _) => {
                words.push("$(_hbd_groups)".into());
            }
            Run::One(What::Node, _) | Run::Maybe(What::Node, _) => words.push("$(_hbd_nodes)".into()),
            Run::One(What::Device, _) | Run::Maybe(What::Device, _) => {
                words.push("$(echo /dev/ttyS*)".into())
            }
            Run::One(What::Command, _) | Run::Maybe(What::Command, _) => words.push(names.join(" ")),
            Run::One(What::Other(_), _) | Run::Maybe(What::Other(_), _) => {}
            Run::Alone(_) | Run::Words(_) | Run::Own(_) => {}
        }
        format!("\t{}) words=\"{}\" ;;\n", command.name, words.join(" "))
    };
    shown().map(case).collect()
}

/// The words that its lines of help show to be written as they are: `all`, `show`.
#[cfg(feature = "manual")]
fn synopsis_words(command: &Command) -> Vec<String> {
    let mut words = Vec::new();
    for line in
        command.help.lines().filter_map(|line| line.strip_prefix("  hbd ")?.strip_prefix(command.name))
    {
        // What it does stands behind two spaces, or an ellipsis.
        let synopsis = line.split("  ").next().unwrap_or_default().split(" ...").next().unwrap_or_default();
        for word in synopsis.split([' ', '|', '[', ']', ',']) {
            let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
            if plain && word != "hbd" && !words.iter().any(|known| known == word) {
                words.push(word.to_string());
            }
        }
    }
    words
}

#[cfg(all(test, feature = "manual"))]
#[path = "commands_tests.rs"]
mod tests;
