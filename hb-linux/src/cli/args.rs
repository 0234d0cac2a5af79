//! The words after `hbd`.

use super::groups::Groups;
use super::{EXIT_UNSUPPORTED, EXIT_USAGE, help};
use crate::config::Paths;
use crate::scripts::Places;
use crate::sys::tty::BAUDS;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// Options that mean the same for every command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Holds `ha.cf`, `haresources`, `authkeys`, `resource.d`.
    pub config_dir: PathBuf,
    /// Holds what is kept across lives.
    pub state_dir: PathBuf,
    /// Holds the process number and the control socket.
    pub run_dir: PathBuf,
    /// This node's name; `None` is `uname -n`.
    pub node: Option<String>,
    /// `--foreground`.
    pub foreground: bool,
    /// `--json`.
    pub json: bool,
    /// `--nagios`.
    pub nagios: bool,
    /// `--prometheus`.
    #[cfg(feature = "metrics")]
    pub prometheus: bool,
    /// `--no-wait`.
    pub no_wait: bool,
    /// `reload`: take keys that the peer lacks. `confirm-down`: although a service address answers.
    pub force: bool,
    /// `guard`: nothing is said where there is nothing to pull.
    #[cfg(feature = "data")]
    pub quiet: bool,
    /// `fence`: a test.
    pub test: bool,
    /// `sync`: however much the pull deletes.
    #[cfg(feature = "data")]
    pub delete: bool,
    /// What `linktest` is to do.
    pub line: Line,
}

impl Options {
    /// Where the daemon has its files.
    #[must_use]
    pub fn places(&self) -> Places {
        Places {
            config_dir: self.config_dir.clone(),
            state_dir: self.state_dir.clone(),
            run_dir: self.run_dir.clone(),
        }
    }

    /// Where a look at the machine finds things.
    #[must_use]
    pub fn paths(&self) -> Paths {
        let mut paths = Paths::new(&self.config_dir);
        paths.run_dir.clone_from(&self.run_dir);
        paths.state_dir.clone_from(&self.state_dir);
        paths
    }
}

/// The options of `linktest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Speeds, a bit for each of `BAUDS`; 0 leaves the choice to the test.
    pub speeds: u16,
    /// For each speed.
    pub seconds: u16,
    /// Seconds to wait for the other end.
    pub wait: u16,
    /// Whether the wire carries a reset line, in place of the rest.
    pub fence: bool,
}

impl Line {
    /// As it is without options.
    pub const USUAL: Self = Self { speeds: 0, seconds: 5, wait: 60, fence: false };
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_dir: PathBuf::from("/etc/ha.d"),
            state_dir: PathBuf::from("/var/lib/heartbeat"),
            run_dir: PathBuf::from("/var/run/heartbeat"),
            node: None,
            foreground: false,
            json: false,
            nagios: false,
            #[cfg(feature = "metrics")]
            prometheus: false,
            no_wait: false,
            force: false,
            test: false,
            #[cfg(feature = "data")]
            quiet: false,
            #[cfg(feature = "data")]
            delete: false,
            line: Line::USUAL,
        }
    }
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Be the daemon.
    Run,
    /// Have it leave in order.
    Stop,
    /// Have it read its files again.
    Reload,
    /// Show what it knows.
    Status,
    /// Examine the configuration.
    Check,
    /// Call the scripts of a group, or one script.
    Exercise(Vec<OsString>),
    /// Give groups away.
    Standby(Groups),
    /// Take groups.
    Takeover(Groups),
    /// Vouch that this node is off.
    ConfirmDown(String),
    /// Reset this node by the fence, to see whether it works.
    Fence(String),
    /// Forget a failed start of this group.
    Clear(String),
    /// Show a failover.
    Demo(Vec<OsString>),
    /// Measure a serial line.
    Linktest(String),
    /// Announce an address.
    SendArp(Vec<OsString>),
    /// Put everything around the daemon in place.
    Install(Vec<OsString>),
    /// Be called by the original's name.
    Heartbeat(Vec<OsString>),
    /// End the daemon and start it again.
    Restart,
    /// Bring the copy of a group's data up to date, or of all groups.
    #[cfg(feature = "data")]
    Sync(Option<String>),
    /// Run a command as a part of a pull of this group's data.
    #[cfg(feature = "data")]
    Guard(String, Vec<String>),
    /// Look at a group's data.
    #[cfg(feature = "data")]
    Data(DataVerb),
    /// Show the last events.
    #[cfg(feature = "events")]
    Events(Vec<OsString>),
    /// Move the service there and back, and measure the outage.
    #[cfg(feature = "drill")]
    Drill(Vec<OsString>),
    /// Play a story on this configuration.
    #[cfg(feature = "simulate")]
    Simulate(Vec<OsString>),
    /// Say why a group runs where it runs, or all of them, and what would happen.
    #[cfg(feature = "why")]
    Why(Option<String>),
    /// Print every value of the configuration with its place.
    #[cfg(feature = "config-show")]
    ConfigShow,
    /// Print what two nodes compare of their files.
    #[cfg(feature = "config-show")]
    ConfigDigest,
    /// Print the groups for another program.
    #[cfg(feature = "export")]
    Export(Vec<OsString>),
    /// Show how things stand to a browser, on this port of this machine.
    #[cfg(feature = "page")]
    Page(u16),
    /// Show how things stand, live.
    #[cfg(feature = "monitor")]
    Monitor,
    /// Print the version.
    Version,
    /// Print the help, of one command or as a whole.
    Help(Option<String>),
}

/// What is done with a group's data.
#[cfg(feature = "data")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DataVerb {
    /// Say what was moved aside.
    List(Option<String>),
    /// Put it back.
    Restore(String),
    /// Take what stands there for the group's data.
    Init(String),
}

/// Why the words make no sense: what to print, and the exit code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    /// One line.
    pub text: String,
    /// [`EXIT_USAGE`] or [`EXIT_UNSUPPORTED`].
    pub code: i32,
}

impl Usage {
    pub(crate) fn new(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: EXIT_USAGE }
    }
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error)
    }
}

/// Verbs that a build may leave out, and that are asked for by who read of them.
#[cfg(feature = "data")]
const LATER: [&str; 2] = ["simulate", "monitor"];
#[cfg(not(feature = "data"))]
const LATER: [&str; 5] = ["simulate", "monitor", "sync", "data", "guard"];

/// Read the words behind the program's name.
///
/// # Errors
/// What is wrong with them.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<(Verb, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let mut options = Options::default();
    let mut verb: Option<String> = None;
    let mut values: Vec<String> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok((Verb::Help(verb), options)),
            Arg::Long("version") | Arg::Short('V') => verb = Some("version".to_string()),
            // What follows is the script's.
            Arg::Long("exercise") if verb.as_deref() == Some("check") => {
                return Ok((Verb::Exercise(parser.raw_args()?.collect()), options));
            }
            Arg::Long(name) => {
                let name = name.to_string();
                common(&name, &mut parser, &mut options)?;
            }
            Arg::Value(word) => {
                let word = word.string()?;
                match (&verb, word.as_str()) {
                    // These have options of their own, but for this one.
                    (None, "demo" | "send-arp" | "install" | "events" | "simulate" | "drill" | "export")
                        if parser.try_raw_args().is_some_and(|rest| wants_help(rest.as_slice())) =>
                    {
                        return Ok((Verb::Help(Some(word)), options));
                    }
                    (None, "demo") => return Ok((Verb::Demo(parser.raw_args()?.collect()), options)),
                    (None, "send-arp") => return Ok((Verb::SendArp(parser.raw_args()?.collect()), options)),
                    (None, "install") => return Ok((Verb::Install(parser.raw_args()?.collect()), options)),
                    #[cfg(feature = "events")]
                    (None, "events") => return Ok((Verb::Events(parser.raw_args()?.collect()), options)),
                    #[cfg(feature = "export")]
                    (None, "export") => return Ok((Verb::Export(parser.raw_args()?.collect()), options)),
                    #[cfg(feature = "drill")]
                    (None, "drill") => return Ok((Verb::Drill(parser.raw_args()?.collect()), options)),
                    #[cfg(feature = "simulate")]
                    (None, "simulate") => return Ok((Verb::Simulate(parser.raw_args()?.collect()), options)),
                    (None, "heartbeat") => {
                        return Ok((Verb::Heartbeat(parser.raw_args()?.collect()), options));
                    }
                    (None, _) => verb = Some(word),
                    (Some(_), _) => values.push(word),
                }
            }
            Arg::Short(_) if verb.as_deref() == Some("guard") => {
                return Err(Usage::new(
                    "the command of guard stands behind --; write guard GROUP -- COMMAND",
                ));
            }
            Arg::Short(letter) => {
                return Err(Usage::new(format!("unknown option -{letter}; hbd help lists them")));
            }
        }
    }
    let verb = verb.ok_or_else(|| Usage::new(help::first(&options)))?;
    let verb = resolve(&verb, &values)?;
    suits(&verb, &options)?;
    Ok((verb, options))
}

/// Take one of the options that every command knows; its value too.
pub(crate) fn common(name: &str, parser: &mut Parser, options: &mut Options) -> Result<(), Usage> {
    match name {
        "config-dir" => options.config_dir = directory(name, parser.value()?)?,
        "state-dir" => options.state_dir = directory(name, parser.value()?)?,
        "run-dir" => options.run_dir = directory(name, parser.value()?)?,
        "node" => options.node = Some(parser.value()?.string()?),
        "foreground" => options.foreground = true,
        "json" => options.json = true,
        "nagios" => options.nagios = true,
        #[cfg(feature = "metrics")]
        "prometheus" => options.prometheus = true,
        "no-wait" => options.no_wait = true,
        "force" => options.force = true,
        "test" => options.test = true,
        "fence" => options.line.fence = true,
        #[cfg(feature = "data")]
        "delete" => options.delete = true,
        #[cfg(feature = "data")]
        "quiet" => options.quiet = true,
        "baud" | "seconds" | "wait" => line(name, &parser.value()?.string()?, &mut options.line)?,
        _ => return Err(Usage::new(format!("unknown option --{name}; hbd help lists them"))),
    }
    Ok(())
}

fn line(name: &str, word: &str, line: &mut Line) -> Result<(), Usage> {
    let number: u32 = word.parse().unwrap_or(0);
    match (name, BAUDS.iter().position(|baud| *baud == number), u16::try_from(number)) {
        ("baud", Some(step), _) => line.speeds |= 1 << step,
        ("seconds", _, Ok(seconds @ 1..=3600)) => line.seconds = seconds,
        ("wait", _, Ok(seconds @ 1..=3600)) => line.wait = seconds,
        ("baud", ..) => return Err(Usage::new(format!("{word:?} is no speed; write one such as 19200"))),
        _ => return Err(Usage::new(format!("--{name} {word:?}: write seconds, 1 to 3600"))),
    }
    Ok(())
}

/// The daemon changes to `/`, so every path is made independent of where it was started.
fn directory(name: &str, path: OsString) -> Result<PathBuf, Usage> {
    if path.is_empty() {
        return Err(Usage::new(format!("--{name} is empty; write a directory")));
    }
    let path = PathBuf::from(path);
    Ok(std::path::absolute(&path).unwrap_or(path))
}

fn resolve(verb: &str, values: &[String]) -> Result<Verb, Usage> {
    let none = |verb: Verb| match values.first() {
        None => Ok(verb),
        Some(word) => Err(Usage::new(format!("{word:?} is one word too many"))),
    };
    let one = |what: &str| match values {
        [value] => Ok(value.clone()),
        [] => Err(Usage::new(format!("{verb} needs {what}"))),
        [_, word, ..] => Err(Usage::new(format!("{word:?} is one word too many"))),
    };
    match verb {
        "run" => none(Verb::Run),
        "stop" => none(Verb::Stop),
        "restart" => none(Verb::Restart),
        "reload" => none(Verb::Reload),
        "status" => none(Verb::Status),
        "check" => none(Verb::Check),
        "version" => none(Verb::Version),
        "help" => match values {
            [] => Ok(Verb::Help(None)),
            _ => Ok(Verb::Help(Some(one("the name of a command")?))),
        },
        "standby" => Ok(Verb::Standby(Groups::read(values)?)),
        "takeover" => Ok(Verb::Takeover(Groups::read(values)?)),
        "linktest" => Ok(Verb::Linktest(one("a serial device, such as /dev/ttyS0")?)),
        "confirm-down" => Ok(Verb::ConfirmDown(one("the name of the node that is off")?)),
        "fence" => Ok(Verb::Fence(one("--test and the name of the other node")?)),
        "clear" => Ok(Verb::Clear(one("the name of a group (its first resource in haresources)")?)),
        #[cfg(feature = "data")]
        "sync" => match values {
            [] => Ok(Verb::Sync(None)),
            _ => Ok(Verb::Sync(Some(one("the name of a group")?))),
        },
        #[cfg(feature = "data")]
        "data" => data(values).map(Verb::Data),
        #[cfg(feature = "data")]
        "guard" => match values {
            [group, command @ ..] if !command.is_empty() => Ok(Verb::Guard(group.clone(), command.to_vec())),
            _ => Err(Usage::new("guard needs a group and a command; write guard [--quiet] GROUP -- COMMAND")),
        },
        #[cfg(feature = "config-show")]
        "config" => match one("what to do; write config show or config digest")?.as_str() {
            "show" => Ok(Verb::ConfigShow),
            "digest" => Ok(Verb::ConfigDigest),
            other => Err(Usage::new(format!("config has no {other:?}; write config show or config digest"))),
        },
        #[cfg(feature = "page")]
        "page" => super::page::port(&one("a port, such as 8694")?).map(Verb::Page),
        #[cfg(feature = "monitor")]
        "monitor" => none(Verb::Monitor),
        #[cfg(feature = "why")]
        "why" => match values {
            [] => Ok(Verb::Why(None)),
            _ => Ok(Verb::Why(Some(one("the name of a group")?))),
        },
        other if LATER.contains(&other) => {
            Err(Usage { text: format!("{other} is not available in this version"), code: EXIT_UNSUPPORTED })
        }
        other => Err(unknown(other)),
    }
}

fn wants_help(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "--help" || word == "-h")
}

/// No such command: the nearest one, if one is near.
pub(super) fn unknown(word: &str) -> Usage {
    let near = help::nearest(word).map_or(String::new(), |verb| format!("; did you mean hbd {verb}?"));
    Usage::new(format!("unknown command {word:?}{near}; hbd help lists them"))
}

#[cfg(feature = "data")]
fn data(values: &[String]) -> Result<DataVerb, Usage> {
    let words: Vec<&str> = values.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => Ok(DataVerb::List(None)),
        ["list", group] => Ok(DataVerb::List(Some((*group).to_string()))),
        ["restore", group] => Ok(DataVerb::Restore((*group).to_string())),
        ["init", group] => Ok(DataVerb::Init((*group).to_string())),
        ["restore" | "init"] => Err(Usage::new("data restore and data init need the name of a group")),
        _ => Err(Usage::new("write data list [GROUP], data restore GROUP or data init GROUP")),
    }
}

/// Does the command wait for what it asked for?
fn waits(verb: &Verb) -> bool {
    #[cfg(feature = "data")]
    if matches!(verb, Verb::Sync(_) | Verb::Guard(..)) {
        return true;
    }
    matches!(verb, Verb::Stop | Verb::Standby(_) | Verb::Takeover(_))
}

/// An option that does nothing for this command is a mistake worth naming.
fn suits(verb: &Verb, options: &Options) -> Result<(), Usage> {
    let wrong = [
        (options.foreground && *verb != Verb::Run, "--foreground goes with run only"),
        (
            options.force && !matches!(verb, Verb::Reload | Verb::ConfirmDown(_)),
            "--force goes with reload and confirm-down only",
        ),
        #[cfg(feature = "data")]
        (options.delete && !matches!(verb, Verb::Sync(_)), "--delete goes with sync only"),
        #[cfg(feature = "data")]
        (options.quiet && !matches!(verb, Verb::Guard(..)), "--quiet goes with guard only"),
        (options.test && !matches!(verb, Verb::Fence(_)), "--test goes with fence only"),
        (
            !options.test && matches!(verb, Verb::Fence(_)),
            "fence resets the other node: write hbd fence --test NODE",
        ),
        (options.json && *verb != Verb::Status, "--json goes with status only"),
        (options.nagios && *verb != Verb::Status, "--nagios goes with status only"),
        #[cfg(feature = "metrics")]
        (options.prometheus && *verb != Verb::Status, "--prometheus goes with status only"),
        #[cfg(feature = "metrics")]
        (
            options.prometheus && (options.json || options.nagios),
            "--prometheus, --json and --nagios are forms of one answer: choose one",
        ),
        (options.nagios && options.json, "--nagios and --json are two forms of one answer: choose one"),
        (options.no_wait && !waits(verb), "--no-wait goes with stop, standby, takeover, sync and guard only"),
        (
            options.line != Line::USUAL && !matches!(verb, Verb::Linktest(_)),
            "--baud, --seconds, --wait and --fence go with linktest only",
        ),
    ];
    wrong.iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, text)| Err(Usage::new(text)))
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
