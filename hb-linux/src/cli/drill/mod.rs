//! `hbd drill`: moves the service to the other side and back, for real, and measures how long nobody answered at its address. It
//! goes on only while all is well (and with `--power` it takes the power of the other node), and says of each end of an outage who saw it: no node can ask for its own address from outside.

mod page;
mod power;
mod probe;
mod report;
mod run;
mod watch;

use super::args::{self, Usage};
use super::ask::{self, Way, arrived, in_scope};
use super::groups::Groups;
use super::verdict::{self, Level};
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, Options, refuse, snapshot, tell};
use crate::config::{self, Settings, asked};
use crate::control::Snapshot;
use crate::control::client::Trouble;
use crate::control::wire::Which;
use crate::sys::clock::WallTime;
use core::net::Ipv4Addr;
use lexopt::{Arg, Parser, ValueExt};
use power::Fence;
use report::Drill;
use run::Run;
use std::ffi::OsString;
use std::format;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

/// What was asked for.
#[derive(Debug, Default)]
struct Wish {
    options: Options,
    which: Option<Groups>,
    /// Connections to this port are tried, in place of echo requests.
    port: Option<u16>,
    html: Option<PathBuf>,
    yes: bool,
    /// The other node loses its power too.
    power: bool,
}

/// How a group comes to the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    /// In order.
    Moved(Way),
    /// The other node, which has it, loses its power.
    Power,
}

impl How {
    const fn way(self) -> Way {
        match self {
            Self::Moved(way) => way,
            Self::Power => Way::Here,
        }
    }
}

/// There and back, and with `power` the other node's death while it serves: what ran there goes home afterwards.
fn moves(first: Way, power: bool) -> Vec<How> {
    let (away, here) = (How::Moved(Way::Away), How::Moved(Way::Here));
    match (first, power) {
        (Way::Away, false) => Vec::from([away, here]),
        (Way::Here, false) => Vec::from([here, away]),
        (Way::Away, true) => Vec::from([away, here, away, How::Power]),
        (Way::Here, true) => Vec::from([here, away, How::Power, away]),
    }
}

impl Wish {
    fn which(&self) -> Which<'_> {
        self.which.as_ref().map_or(Which::All, Groups::which)
    }
}

/// `hbd drill`, with the words behind it. 0: there and back, and all is well; 1: not so.
pub(super) fn main(words: Vec<OsString>, options: &Options) -> i32 {
    let wish = match read(words, options.clone()) {
        Ok(wish) => wish,
        Err(usage) => return refuse(&usage),
    };
    let paths = wish.options.paths();
    let Some(settings) = config::load(&paths, wish.options.node.as_deref()).0 else {
        tell("the files are wrong: hbd check says where");
        return EXIT_NOT_CONFIGURED;
    };
    let addresses: Vec<(String, Ipv4Addr)> = asked(&settings.groups)
        .filter_map(|(id, address)| Some((settings.groups.get(usize::from(id))?.name.clone(), address.ip)))
        .collect();
    let before = match snapshot(&wish.options) {
        Ok(shot) => shot,
        Err(why) => return ask::trouble(&wish.options, &why),
    };
    let (way, groups) = match plan(&before, wish.which()) {
        Ok(plan) => plan,
        Err(why) => {
            tell(&why);
            return EXIT_FAILURE;
        }
    };
    let other = |to| if to == Way::Here { &before.own.name } else { &before.peer.name };
    let mut fence = match wish.power.then(|| power(&settings, &wish.options, &before)).transpose() {
        Ok(fence) => fence,
        Err(why) => {
            tell(&format!("nothing was moved: {why}"));
            return EXIT_FAILURE;
        }
    };
    if !wish.yes {
        let question = format!(
            "{} will be stopped and started twice: to {}, then back. Go on? (yes or no)",
            groups.join(", "),
            other(way)
        );
        if !said(&question, "yes") {
            tell("nothing was moved");
            return EXIT_FAILURE;
        }
    }
    // No option answers this one.
    if let Some(fence) = &fence
        && !said(&fence.question(), &before.peer.name)
    {
        tell("nothing was moved");
        return EXIT_FAILURE;
    }
    let mut drill = Drill {
        begun: stamp(),
        node: before.own.name.clone(),
        peer: before.peer.name.clone(),
        groups: groups.clone(),
        port: wish.port,
        steps: Vec::new(),
        trouble: None,
    };
    for how in moves(way, wish.power) {
        let first = drill.steps.is_empty();
        let mut run =
            Run { wish: &wish, how, first, groups: &groups, addresses: &addresses, fence: fence.as_mut() };
        if drill.steps.last().is_some_and(|step| step.power) && run.is_there() {
            // Failback was quicker.
            continue;
        }
        match run.step(&before) {
            Ok(step) => drill.steps.push(step),
            Err(trouble) => {
                let (step, why) = *trouble;
                drill.steps.extend(step);
                drill.trouble = Some(why);
                break;
            }
        }
    }
    tell_of(&wish, &drill)
}

fn read(words: Vec<OsString>, options: Options) -> Result<Wish, Usage> {
    let mut parser = Parser::from_args(words);
    let mut wish = Wish { options, ..Wish::default() };
    let mut values = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("html") => wish.html = Some(PathBuf::from(parser.value()?)),
            Arg::Long("yes") => wish.yes = true,
            Arg::Long("power") => wish.power = true,
            Arg::Long("port") => {
                let word = parser.value()?.string()?;
                let port = word.parse().ok().filter(|port| *port > 0);
                let wrong = || Usage::new(format!("--port {word:?}: write a TCP port such as 25"));
                wish.port = Some(port.ok_or_else(wrong)?);
            }
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut wish.options)?;
            }
            Arg::Value(word) => values.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    wish.which = Some(Groups::read_one(&values)?);
    Ok(wish)
}

/// Which way first, and which groups. All of them run on one node, so that the way back leads to where they were.
fn plan(shot: &Snapshot, which: Which<'_>) -> Result<(Way, Vec<String>), String> {
    let all: Vec<_> = shot.groups.iter().filter(|group| in_scope(shot, group, which)).collect();
    let groups: Vec<String> = all.iter().map(|group| group.name.clone()).collect();
    if all.is_empty() {
        return Err("there is no such group".into());
    }
    if all.iter().all(|group| arrived(group, Way::Here)) {
        return Ok((Way::Away, groups));
    }
    if all.iter().all(|group| arrived(group, Way::Away)) {
        return Ok((Way::Here, groups));
    }
    Err(format!(
        "{} do not all run on one node: write hbd drill GROUP, or wait until nothing moves",
        groups.join(", ")
    ))
}

/// There is nobody to ask any more.
fn lost(why: Trouble) -> String {
    match why {
        Trouble::NotRunning => "no daemon answers here any more".into(),
        Trouble::NotAllowed => "permission denied: be root, as the daemon is".into(),
        Trouble::Broken(how) => how,
    }
}

/// Is all well, and nothing on its way?
fn well(shot: &Snapshot) -> Result<(), String> {
    let verdict = verdict::judge(shot);
    match (verdict.level, shot.settled()) {
        (Level::Ok, true) => Ok(()),
        (Level::Ok, false) => Err("a group is on its way".into()),
        _ => Err(format!("{verdict}")),
    }
}

/// The fence, if the power of the other node can be taken now.
fn power(settings: &Settings, options: &Options, shot: &Snapshot) -> Result<Fence, String> {
    if !settings.peer.eq_ignore_ascii_case(&shot.peer.name) {
        return Err("ha.cf names another peer than the daemon has; run hbd reload first".into());
    }
    Fence::prepare(settings, options)
}

/// Did the operator answer so? An input that has ended says no.
fn said(question: &str, expected: &str) -> bool {
    let _ = write!(std::io::stderr(), "{question} ").and_then(|()| std::io::stderr().flush());
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && line.trim().eq_ignore_ascii_case(expected)
}

fn stamp() -> String {
    let t = WallTime::now().local();
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
}

/// Print it, in the forms that were asked for.
fn tell_of(wish: &Wish, drill: &Drill) -> i32 {
    let text = if wish.options.json { report::json(drill) } else { report::text(drill) };
    if writeln!(std::io::stdout(), "{}", text.trim_end()).is_err() {
        return EXIT_FAILURE;
    }
    if let Some(file) = &wish.html
        && let Err(why) = std::fs::write(file, page::html(drill))
    {
        tell(&format!("{}: {why}", file.display()));
        return EXIT_FAILURE;
    }
    if drill.trouble.is_none() { EXIT_OK } else { EXIT_FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::sample;

    fn wish(words: &[&str]) -> Result<Wish, Usage> {
        read(words.iter().map(OsString::from).collect(), Options::default())
    }

    #[test]
    fn the_words_say_which_groups_and_where_the_report_goes() {
        let all = wish(&["foreign", "--json", "--html", "x.html", "--port", "25", "--yes"]).expect("right");
        assert_eq!(
            (all.which, all.port, all.yes, all.options.json),
            (Some(Groups::Foreign), Some(25), true, true)
        );
        assert_eq!(wish(&[]).expect("right").which, Some(Groups::All));
        for (words, part) in [(["--port", "0"], "write a TCP port"), (["web", "mail"], "one word too many")] {
            let usage = wish(&words).expect_err(words[0]);
            assert!(usage.text.contains(part), "{}", usage.text);
        }
    }

    #[test]
    fn what_ran_there_goes_home_after_the_power_came_back() {
        let (away, here) = (How::Moved(Way::Away), How::Moved(Way::Here));
        assert_eq!(moves(Way::Away, true), [away, here, away, How::Power]);
        assert_eq!(moves(Way::Here, true), [here, away, How::Power, away]);
        assert_eq!(moves(Way::Here, false), [here, away]);
        for first in [Way::Away, Way::Here] {
            let all = moves(first, true);
            let dies = all.iter().position(|how| *how == How::Power).expect("a death");
            assert_eq!(all[dies - 1], away, "the other node has it when it dies");
            // Where it ends is where it was.
            assert_ne!(all.last().map(|how| how.way()), Some(first));
        }
        assert!(wish(&["--power"]).expect("right").power);
    }

    #[test]
    fn a_drill_needs_all_its_groups_on_one_node_and_all_well() {
        let mut shot = sample();
        assert_eq!(plan(&shot, Which::All), Ok((Way::Away, Vec::from(["192.168.2.50".to_string()]))));
        assert!(plan(&shot, Which::Foreign).is_err_and(|why| why.contains("no such group")));
        assert_eq!(well(&shot), Ok(()));
        let mut other = shot.groups[0].clone();
        (other.name, other.state, other.peer_state) = ("db".into(), "idle".into(), Some("held".into()));
        shot.groups.push(other);
        assert!(plan(&shot, Which::All).is_err_and(|why| why.contains("hbd drill GROUP")));
        shot.groups[0].state = "idle".into();
        shot.groups[0].peer_state = Some("held".into());
        assert_eq!(plan(&shot, Which::All).map(|plan| plan.0), Ok(Way::Here));
        shot.peer.state = "dead".into();
        assert!(well(&shot).is_err());
    }
}
