//! The words after `hbd`.

use super::commands::{COMMANDS, Command, Run};
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

/// The options that go with every command.
const EVERYWHERE: [&str; 4] = ["config-dir", "state-dir", "run-dir", "node"];
/// Of which there is one at most.
const FORMS: [&str; 3] = ["json", "nagios", "prometheus"];

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
#[derive(Debug)]
pub struct Call {
    /// Which command.
    pub command: &'static Command,
    /// Its options.
    pub options: Options,
    /// Its words.
    pub words: Vec<String>,
    /// What stands behind a command that reads words and options itself.
    pub own: Vec<OsString>,
}

impl Call {
    fn new(command: &'static Command, options: Options) -> Self {
        Self { command, options, words: Vec::new(), own: Vec::new() }
    }

    /// The help on a command, or as a whole.
    fn help(command: Option<&Command>) -> Result<Self, Usage> {
        let words = command.map(|command| command.name.to_string()).into_iter().collect();
        Ok(Self { words, ..Self::new(Command::named("help")?, Options::default()) })
    }
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

    /// A command that this build leaves out.
    pub(crate) fn lacking(command: &str) -> Self {
        let text = format!(
            "this build of hbd has no {command}; hbd-full, which is beside it in the archive, has it"
        );
        Self { text, code: EXIT_UNSUPPORTED }
    }
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error)
    }
}

/// Read the words behind the program's name.
///
/// # Errors
/// What is wrong with them.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Call, Usage> {
    let mut parser = Parser::from_args(words);
    let mut options = Options::default();
    let mut command: Option<&'static Command> = None;
    let (mut words, mut given): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Call::help(command),
            Arg::Long("version") | Arg::Short('V') => command = Some(Command::named("version")?),
            // What follows is the script's.
            Arg::Long("exercise") if command.is_some_and(|command| command.name == "check") => {
                let own = parser.raw_args()?.collect();
                return Ok(Call { own, ..Call::new(Command::named("check --exercise")?, options) });
            }
            Arg::Long(name) => {
                let name = name.to_string();
                common(&name, &mut parser, &mut options)?;
                given.push(name);
            }
            Arg::Value(word) => {
                let word = word.string()?;
                if command.is_some() {
                    words.push(word);
                    continue;
                }
                let named = Command::named(&word)?;
                if let Run::Own(_) = named.run {
                    let own: Vec<OsString> = parser.raw_args()?.collect();
                    // They have options of their own, but for this one.
                    if !named.help.is_empty() && wants_help(&own) {
                        return Call::help(Some(named));
                    }
                    return Ok(Call { own, ..Call::new(named, options) });
                }
                command = Some(named);
            }
            Arg::Short(_) if command.is_some_and(|command| command.name == "guard") => {
                return Err(Usage::new(
                    "the command of guard stands behind --; write guard GROUP -- COMMAND",
                ));
            }
            Arg::Short(letter) => {
                return Err(Usage::new(format!("unknown option -{letter}; hbd help lists them")));
            }
        }
    }
    let command = command.ok_or_else(|| Usage::new(help::first(&options)))?;
    command.takes(&words)?;
    suits(command, &given, &options)?;
    Ok(Call { words, ..Call::new(command, options) })
}

fn wants_help(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "--help" || word == "-h")
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

/// An option that does nothing for this command is a mistake worth naming.
fn suits(command: &Command, given: &[String], options: &Options) -> Result<(), Usage> {
    let goes = |command: &Command, name: &String| command.options.contains(&name.as_str());
    let odd = |name: &&String| !EVERYWHERE.contains(&name.as_str()) && !goes(command, name);
    if let Some(name) = given.iter().find(odd) {
        let with =
            COMMANDS.iter().filter(|command| !matches!(command.run, Run::Own(_)) && goes(command, name));
        let with: Vec<&str> = with.map(|command| command.name).collect();
        return Err(Usage::new(format!("--{name} goes with {} only", with.join(", "))));
    }
    if command.name == "fence" && !options.test {
        return Err(Usage::new("fence resets the other node: write hbd fence --test NODE"));
    }
    if FORMS.iter().filter(|form| given.iter().any(|name| name == *form)).count() > 1 {
        return Err(Usage::new("--json, --nagios and --prometheus are forms of one answer: choose one"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
