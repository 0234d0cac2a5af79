//! `hbd drill`: moves the service to the other side and back, for real, and measures how long nobody answered at its address. It
//! goes on only while all is well, and says of each end of an outage who saw it: no node can ask for its own address from outside.

mod page;
mod probe;
mod report;
mod watch;

use super::args::{self, Usage};
use super::ask::{self, Way, arrived, broken, in_scope};
use super::groups::Groups;
use super::verdict::{self, Level};
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, Options, refuse, snapshot, tell};
use crate::config::{self, asked};
use crate::control::Snapshot;
use crate::control::client::{Client, Trouble, Verdict};
use crate::control::wire::{Request, Which};
use crate::sys::clock::{Clock, WallTime};
use crate::sys::poll::sleep_ms;
use core::net::Ipv4Addr;
use hb_core::{Duration, Instant};
use lexopt::{Arg, Parser, ValueExt};
use probe::Prober;
use report::{Drill, Step};
use std::ffi::OsString;
use std::format;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;
use watch::Watch;

/// Between two looks at daemon and network.
const LOOK_MS: i32 = 10;
/// A move that makes no progress for this long has failed.
const STILL: Duration = Duration::from_secs(15);
/// After a move: until all is well again, or the drill ends where it is.
const CALM: Duration = Duration::from_secs(60);
/// Before the first move.
const BRIEFLY: Duration = Duration::from_secs(3);
/// After a move: for the first answer over the network.
const ANSWER: Duration = Duration::from_secs(5);

/// What was asked for.
#[derive(Debug, Default)]
struct Wish {
    options: Options,
    which: Option<Groups>,
    /// Connections to this port are tried, in place of echo requests.
    port: Option<u16>,
    html: Option<PathBuf>,
    yes: bool,
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
    if !wish.yes {
        let question = format!(
            "{} will be stopped and started twice: to {}, then back. Go on? (yes or no)",
            groups.join(", "),
            other(way)
        );
        if !said_yes(&question) {
            tell("nothing was moved");
            return EXIT_FAILURE;
        }
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
    let back = if way == Way::Here { Way::Away } else { Way::Here };
    for way in [way, back] {
        let run =
            Run { wish: &wish, way, first: drill.steps.is_empty(), groups: &groups, addresses: &addresses };
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

fn said_yes(question: &str) -> bool {
    let _ = write!(std::io::stderr(), "{question} ").and_then(|()| std::io::stderr().flush());
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && line.trim().eq_ignore_ascii_case("yes")
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

/// One move.
struct Run<'a> {
    wish: &'a Wish,
    way: Way,
    first: bool,
    groups: &'a [String],
    addresses: &'a [(String, Ipv4Addr)],
}

impl Run<'_> {
    /// From one state in which all is well to the next. `Err`: what went wrong, with what was seen of the move if it began.
    fn step(&self, before: &Snapshot) -> Result<Step, Box<(Option<Step>, String)>> {
        let mut clock = Clock::start();
        let not_begun = |why: String| Box::new((None, format!("not moved: {why}")));
        let patience = if self.first { BRIEFLY } else { CALM };
        self.calm(&mut clock, patience).map_err(not_begun)?;
        let wanted: Vec<_> =
            self.addresses.iter().filter(|(group, _)| self.groups.contains(group)).cloned().collect();
        let mut prober = Prober::new(&wanted, self.wish.port, clock.now());
        let mut watch = Watch::new(self.way, &wanted, prober.asks());
        // What answers before is known first: an address that nobody may ask for is measured by the nodes' own word.
        let begin = clock.now();
        while clock.now() < begin.plus(Duration::from_millis(500)) {
            self.look(&mut clock, &mut prober, &mut watch).map_err(not_begun)?;
        }
        let asked = clock.now();
        watch.asked(asked);
        let which = self.wish.which();
        let request = match self.way {
            Way::Away => Request::Standby(which),
            Way::Here => Request::Takeover(which),
        };
        let verdict =
            Client::connect(&self.wish.options.run_dir).and_then(|mut client| client.ask(&request, |_| {}));
        match verdict {
            Ok(Verdict::Accepted) => {}
            Ok(Verdict::Refused(why)) => return Err(Box::new((None, format!("the daemon refused: {why}")))),
            Err(why) => return Err(Box::new((None, lost(why)))),
        }
        let moved = self.follow(&mut clock, &mut prober, &mut watch, asked);
        let (to, from) = match self.way {
            Way::Here => (&before.own.name, &before.peer.name),
            Way::Away => (&before.peer.name, &before.own.name),
        };
        let step = Step {
            from: from.clone(),
            to: to.clone(),
            took: clock.now().since(asked),
            outages: watch.outages(),
            seen: watch.seen(),
        };
        let moved = moved.and_then(|()| self.calm(&mut clock, CALM));
        match moved {
            Ok(()) => Ok(step),
            Err(why) => Err(Box::new((Some(step), why))),
        }
    }

    /// Until all is well.
    fn calm(&self, clock: &mut Clock, patience: Duration) -> Result<(), String> {
        let end = clock.now().plus(patience);
        loop {
            let shot = snapshot(&self.wish.options).map_err(lost)?;
            match well(&shot) {
                Ok(()) => return Ok(()),
                Err(why) if clock.now() >= end => return Err(why),
                // What heals by itself needs a moment.
                Err(_) => sleep_ms(200),
            }
        }
    }

    /// One look at network and daemon.
    fn look(&self, clock: &mut Clock, prober: &mut Prober, watch: &mut Watch) -> Result<Snapshot, String> {
        sleep_ms(LOOK_MS);
        let now = clock.now();
        for at in prober.service(now) {
            watch.answered(now, at);
        }
        let shot = snapshot(&self.wish.options).map_err(lost)?;
        let now = clock.now();
        for group in shot.groups.iter().filter(|group| self.groups.contains(&group.name)) {
            watch.state(now, &group.name, group.state, group.peer_state);
        }
        Ok(shot)
    }

    /// Until every group has arrived, and every address that answered before answers again.
    fn follow(
        &self,
        clock: &mut Clock,
        prober: &mut Prober,
        watch: &mut Watch,
        asked: Instant,
    ) -> Result<(), String> {
        let (mut progress, mut last, mut there) = (asked, Vec::new(), None);
        loop {
            let shot = self.look(clock, prober, watch)?;
            let now = clock.now();
            let groups: Vec<_> = shot.groups.iter().filter(|g| self.groups.contains(&g.name)).collect();
            if let Some((group, state, node)) = groups.iter().find_map(|g| broken(&shot, g)) {
                return Err(format!("group {} is {state} on {node}; see the log there", group.name));
            }
            if groups.iter().all(|group| arrived(group, self.way)) {
                let since = *there.get_or_insert(now);
                if watch.is_measured() || now.since(since) >= ANSWER {
                    return Ok(());
                }
            }
            let states: Vec<_> = groups.iter().map(|g| (g.state, g.peer_state)).collect();
            if states != last || groups.iter().any(|group| group.moving(&shot.peer)) {
                (progress, last) = (now, states);
            } else if there.is_none() && now.since(progress) >= STILL {
                return Err("nothing moved for 15 s; hbd status says what it waits for".into());
            }
        }
    }
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
