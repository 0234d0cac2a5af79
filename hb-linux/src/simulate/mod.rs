//! `hbd simulate`: plays a story on this configuration. Two nodes of the real core, the links of `ha.cf` between them, scripts that
//! take the time which they took here, and a clock that jumps from one thing to the next. Nothing of this machine is touched, and
//! the same words give the same story.
//!
//! ```text
//! options -> story (turns) -> world (two machines, wires, network) -> ledger (who ran what) -> timeline, plot
//! ```

mod act;
mod draw;
mod ledger;
mod machine;
mod options;
mod plot;
mod settings;
mod story;
mod times;
mod world;

use crate::cli::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_USAGE, Options, tell};
use crate::log::tale::Seconds;
use hb_core::Duration;
use options::Wish;
use std::ffi::OsString;
use std::format;
use std::io::Write;
use std::string::String;
use std::vec::Vec;
use world::{Ended, World};

/// How a story went.
pub(crate) struct Played {
    /// The timeline, a line each.
    pub(crate) lines: Vec<String>,
    /// The picture.
    pub(crate) svg: String,
    /// Neither node may be serving beside the other one, and the pair came to rest.
    pub(crate) well: bool,
}

/// The words after `simulate`. 0: at no time did two run one group; 1: they did, or nothing came to rest; 2, 6: the words, the files.
pub(crate) fn main(words: Vec<OsString>, options: &Options) -> i32 {
    let wish = match options::read(words, options.clone()) {
        Ok(wish) => wish,
        Err(usage) => {
            tell(&usage.text);
            return usage.code;
        }
    };
    let pair = match settings::load(&wish.options) {
        Ok(pair) => pair,
        Err(lines) => {
            lines.iter().for_each(|line| tell(line));
            return EXIT_NOT_CONFIGURED;
        }
    };
    let played = match play(&wish, &pair) {
        Ok(played) => played,
        Err(why) => {
            tell(&why);
            return EXIT_USAGE;
        }
    };
    let mut out = std::io::stdout().lock();
    for line in &played.lines {
        if writeln!(out, "{line}").is_err() {
            return EXIT_FAILURE;
        }
    }
    if let Some(file) = &wish.plot
        && let Err(why) = std::fs::write(file, &played.svg)
    {
        tell(&format!("{}: {why}", file.display()));
        return EXIT_FAILURE;
    }
    if played.well { EXIT_OK } else { EXIT_FAILURE }
}

/// Play what is wished for on these two configurations.
///
/// # Errors
/// The story names what the configuration has not.
pub(crate) fn play(wish: &Wish, pair: &settings::Pair) -> Result<Played, String> {
    let times = times::of(wish, pair)?;
    let mut story = story::of(wish, pair)?;
    let mut world = World::new(pair, times.table.clone(), wish);
    let mut lines =
        Vec::from([String::from("# nothing of this machine is touched: the real core, in virtual time")]);
    lines.extend(times.notes.iter().map(|note| format!("# {note}")));
    if pair.data {
        lines.push("# data: pulls are left out; every copy counts as good".into());
    }
    lines
        .push("# ping nodes answer, and clients reach both nodes, but where the story says otherwise".into());
    if !world.settle_at_first() {
        lines.append(&mut world.said);
        lines.push("the pair does not come to rest by itself: nothing is played".into());
        return Ok(Played { lines, svg: String::new(), well: false });
    }
    world.begin(&mut lines);
    let ended = world.play(&mut story);
    lines.append(&mut world.said);
    let (begin, end) = (world.begun, world.now);
    lines.push(String::new());
    let mut well = true;
    for (at, group) in pair.names().groups.iter().enumerate() {
        let judged = world.ledger.judge(at, begin, end);
        lines.push(format!("{}: {}", group.name, judged.words(&world.node_names(), begin)));
        well &= judged.both.is_empty();
    }
    let word = match (well, ended) {
        (false, _) => "NOT WELL: two nodes ran one group at once",
        (true, Ended::AtRest) => "well: at no time did two nodes run one group",
        (true, Ended::Restless) => {
            well = false;
            "NOT WELL: the pair did not come to rest"
        }
    };
    lines.push(format!("{word}; {} played", Seconds(end.since(begin))));
    let svg = plot::draw(&world, pair, &story);
    Ok(Played { lines, svg, well })
}

/// Longer than this nothing is waited for after the last turn of the story.
const PATIENCE: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests;
