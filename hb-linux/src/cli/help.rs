//! `hbd help`, as a whole and for each command, and the nearest command to a mistyped one. What a command does is told by the
//! manual page that the binary carries.

use super::Options;
use crate::config::distance;
#[cfg(feature = "manual")]
use crate::texts::Text;

/// The lines of a build with data.
#[cfg(feature = "data")]
macro_rules! data {
    () => {
        "  hbd sync [GROUP] [--delete] [--no-wait]        bring the copy of the data here up to date now
  hbd data list [GROUP]           what pulls moved aside and the tree lacks
  hbd data restore GROUP          put it back, where the group is held
  hbd data init GROUP             what stands in the directory is the group's data (with the daemon stopped)
"
    };
}

/// A build without data says nothing of it.
#[cfg(not(feature = "data"))]
macro_rules! data {
    () => {
        ""
    };
}

/// The line of a build with `monitor`.
#[cfg(feature = "monitor")]
macro_rules! monitor {
    () => {
        "  hbd monitor                     how things stand, live, also on a serial console; q quits
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "monitor"))]
macro_rules! monitor {
    () => {
        ""
    };
}

/// The line of a build with `export`.
#[cfg(feature = "export")]
macro_rules! export {
    () => {
        "  hbd export pacemaker [--pcs | --crm | --cib]    the groups as commands for Pacemaker, for those who outgrow two nodes
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "export"))]
macro_rules! export {
    () => {
        ""
    };
}

/// The line of a build with `page`.
#[cfg(feature = "page")]
macro_rules! page {
    () => {
        "  hbd page PORT                   the same for a browser and a collector of metrics, on this machine's loopback
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "page"))]
macro_rules! page {
    () => {
        ""
    };
}

/// The lines of a build with `config`.
#[cfg(feature = "config-show")]
macro_rules! config {
    () => {
        "  hbd config show                 every value of the three files, with file and line, or the rule that gave it
  hbd config digest               what the two nodes compare of them, to be compared
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "config-show"))]
macro_rules! config {
    () => {
        ""
    };
}

/// The lines of a build with `drill`.
#[cfg(feature = "drill")]
macro_rules! drill {
    () => {
        "  hbd drill [all|local|foreign|GROUP] [--port N] [--json] [--html FILE] [--yes]
                                  move the service to the other node and back, and measure the outage
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "drill"))]
macro_rules! drill {
    () => {
        ""
    };
}

/// The lines of a build with `simulate`.
#[cfg(feature = "simulate")]
macro_rules! simulate {
    () => {
        "  hbd simulate [--kill NODE@T[-T]] [--cut LINK@T-T] [--freeze NODE@T-T] [--slow-script NAME=T] [--seed N] [--plot FILE]
                                  play a story on this configuration: the timeline and the outage to expect
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "simulate"))]
macro_rules! simulate {
    () => {
        ""
    };
}

/// The line of a build with `why`.
#[cfg(feature = "why")]
macro_rules! why {
    () => {
        "  hbd why [GROUP]                 why it runs where it runs; what would happen if a node died, a link were cut, you moved it
"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "why"))]
macro_rules! why {
    () => {
        ""
    };
}

/// The line of a build with `events`.
#[cfg(feature = "events")]
macro_rules! events {
    () => {
        "  hbd events [--since T] [--follow] [--json] [--both FILE]    what changed last, and why; who reset this machine
"
    };
}

/// A build without them says nothing of them.
#[cfg(not(feature = "events"))]
macro_rules! events {
    () => {
        ""
    };
}

/// The line of a build with the demo.
#[cfg(feature = "demo")]
macro_rules! demo {
    () => {
        "  hbd demo                        show a failover: two daemons on this machine, no root, 30 seconds\n"
    };
}

/// A build without the demo says nothing of it.
#[cfg(not(feature = "demo"))]
macro_rules! demo {
    () => {
        ""
    };
}

/// The line of a build that tries scripts.
#[cfg(feature = "exercise")]
macro_rules! exercise {
    () => {
        "  hbd check --exercise WHAT       start and stop a group, or a script with its arguments; says what it does wrong\n"
    };
}

/// A build that does not says nothing of it.
#[cfg(not(feature = "exercise"))]
macro_rules! exercise {
    () => {
        ""
    };
}

/// The line of a build that tries the fence.
#[cfg(feature = "fence-test")]
macro_rules! fence_test {
    () => {
        "  hbd fence --test NODE           ask the fence, then the operator twice, then reset the peer\n"
    };
}

/// A build that does not says nothing of it.
#[cfg(not(feature = "fence-test"))]
macro_rules! fence_test {
    () => {
        ""
    };
}

/// The line of a build with `guard`.
#[cfg(feature = "guard")]
macro_rules! guard {
    () => {
        "  hbd guard [--quiet] GROUP -- COMMAND           run a copying of one's own (cron) when it is safe, as a pull of hbd's\n"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "guard"))]
macro_rules! guard {
    () => {
        ""
    };
}

/// The line of a build with the line test.
#[cfg(feature = "linktest")]
macro_rules! linktest {
    () => {
        "  hbd linktest [--baud RATE] [--seconds N] [--wait N] DEVICE    measure a null-modem cable; run it on both ends\n  hbd linktest --fence DEVICE     does that cable carry a reset line? run it on both ends\n"
    };
}

/// A build without it says nothing of it.
#[cfg(not(feature = "linktest"))]
macro_rules! linktest {
    () => {
        ""
    };
}

/// The whole help.
pub(super) const HELP: &str = concat!(
    "\
hbd: heartbeat and watchdog daemon for two-node hot standby

  hbd run [--foreground]          start the daemon (in the background, once its links are open)
  hbd stop [--no-wait]            leave in order: the groups stop here and start on the peer
  hbd restart                     stop in order, which hands over to a peer that stands by, and start again
  hbd reload [--force]            read the files again: keys and more hold at once, the rest is said
  hbd status [--json|--nagios|--prometheus]    this node, the peer, links, groups, watchdog, ping nodes; the first line says if all is well
  hbd check                       examine the configuration and this machine; touches nothing
",
    config!(),
    exercise!(),
    "  hbd standby [all|local|foreign|GROUP] [--no-wait]    give groups to the peer
  hbd takeover [all|local|foreign|GROUP] [--no-wait]   take groups from the peer
  hbd confirm-down NODE           vouch that the peer is switched off, so that its groups may be taken
                 [--force]        also while a service address still answers
",
    fence_test!(),
    "  hbd clear GROUP                 forget a failed start, or try a stuck stop again
",
    data!(),
    guard!(),
    monitor!(),
    page!(),
    export!(),
    why!(),
    simulate!(),
    drill!(),
    events!(),
    demo!(),
    linktest!(),
    "  hbd install [--from-heartbeat] [--uninstall] [--dry-run] [--root DIR]    put this program and all around it in place
  hbd send-arp ...                announce an address (for resource scripts)
  hbd version, hbd help [COMMAND]

Options: --config-dir DIR   ha.cf, haresources, authkeys, resource.d  (/etc/ha.d)
         --state-dir DIR    what is kept across restarts              (/var/lib/heartbeat)
         --run-dir DIR      process number and control socket         (/var/run/heartbeat)
         --node NAME        this node's name                          (uname -n)

A group is named by its first resource in haresources; local groups prefer this node.
Exit codes: 0 ok, 1 failure, 2 usage, 3 status: stopped (elsewhere: not in this version),
            4 permission, 5 not installed, 6 not configured, 7 not running."
);

/// Every command.
fn verbs() -> impl Iterator<Item = &'static str> {
    let lines = HELP.lines().filter_map(|line| line.strip_prefix("  hbd "));
    let words = lines.flat_map(|line| line.split(", hbd ")).filter_map(|line| line.split([' ', ',']).next());
    words.chain(["heartbeat"])
}

/// The command that is meant by `word`, if one is near.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
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
pub(super) fn of(verb: &str) -> Option<String> {
    let verb = verbs().find(|known| *known == verb)?;
    let lines = HELP
        .lines()
        .filter(|line| line.trim_start().strip_prefix("hbd ").is_some_and(|l| l.starts_with(verb)));
    Some(format!(
        "{}\nhbd help: every command, the options on all of them",
        lines.collect::<Vec<_>>().join("\n")
    ))
}

/// What the manual page says of one command; `None` if there is none of this name.
#[cfg(feature = "manual")]
pub(super) fn of(verb: &str) -> Option<String> {
    let verb = verbs().find(|known| *known == verb)?;
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
