//! The words of `hbd simulate`.

use crate::cli::Options;
use crate::cli::args::{self, Usage};
use crate::config::time_of;
use hb_core::Duration;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::format;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

/// What one part of the story does, to whom, from when to when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) what: What,
    pub(crate) whom: String,
    pub(crate) from: Duration,
    pub(crate) to: Option<Duration>,
}

/// See the manual page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Kill,
    Cut,
    Freeze,
    Standby,
    Takeover,
}

impl What {
    /// The option.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Cut => "cut",
            Self::Freeze => "freeze",
            Self::Standby => "standby",
            Self::Takeover => "takeover",
        }
    }
}

/// Which calls of a script take how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Slow {
    pub(crate) name: String,
    /// `start` or `stop`; both if it does not say.
    pub(crate) verb: Option<hb_core::Verb>,
    pub(crate) time: Duration,
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) options: Options,
    pub(crate) parts: Vec<Part>,
    pub(crate) slow: Vec<Slow>,
    /// Links, and per cent of the frames that are lost on them.
    pub(crate) loss: Vec<(String, u8)>,
    pub(crate) seed: Option<u64>,
    /// From the power's return to the daemon's start.
    pub(crate) boot: Option<Duration>,
    pub(crate) plot: Option<PathBuf>,
}

/// Read them.
pub(crate) fn read(words: Vec<OsString>, options: Options) -> Result<Wish, Usage> {
    let mut parser = Parser::from_args(words);
    let mut wish = Wish { options, ..Wish::default() };
    while let Some(arg) = parser.next()? {
        let name = match arg {
            Arg::Long(name) => name.to_string(),
            other => return Err(other.unexpected().into()),
        };
        let what = [What::Kill, What::Cut, What::Freeze, What::Standby, What::Takeover]
            .into_iter()
            .find(|what| what.word() == name);
        if let Some(what) = what {
            wish.parts.push(part(what, &parser.value()?.string()?)?);
            continue;
        }
        match name.as_str() {
            "slow-script" => wish.slow.push(slow(&parser.value()?.string()?)?),
            "loss" => wish.loss.push(loss(&parser.value()?.string()?)?),
            "seed" => {
                let word = parser.value()?.string()?;
                let number = word.parse();
                wish.seed = Some(
                    number.map_err(|_| Usage::new(format!("--seed {word:?}: write a number such as 7")))?,
                );
            }
            "boot" => {
                let word = parser.value()?.string()?;
                wish.boot = Some(time(&word).ok_or_else(|| Usage::new(format!("--boot {word:?}: {TIME}")))?);
            }
            "plot" => wish.plot = Some(PathBuf::from(parser.value()?)),
            name => args::common(name, &mut parser, &mut wish.options)?,
        }
    }
    Ok(wish)
}

const TIME: &str = "write a time such as 12, 0.5 or 500ms";

/// At most a day: a story is played to its end.
fn time(word: &str) -> Option<Duration> {
    time_of(word).filter(|time| *time <= Duration::from_secs(86_400))
}

/// `NODE@T`, `NODE@T-T`, `LINK@T-T`.
fn part(what: What, word: &str) -> Result<Part, Usage> {
    let form = match what {
        What::Kill => "write NODE@TIME, or NODE@TIME-TIME where its power comes back",
        What::Cut => {
            "write LINK@TIME-TIME; LINK may be `all`, or `clients` for the service addresses' network"
        }
        What::Freeze => "write NODE@TIME-TIME",
        What::Standby | What::Takeover => "write NODE@TIME",
    };
    let wrong = || Usage::new(format!("--{} {word:?}: {form}", what.word()));
    let (whom, when) = word.rsplit_once('@').ok_or_else(wrong)?;
    let (from, to) = match when.split_once('-') {
        Some((from, to)) => (from, Some(time(to).ok_or_else(wrong)?)),
        None => (when, None),
    };
    let from = time(from).ok_or_else(wrong)?;
    let fits = match what {
        What::Kill => true,
        What::Cut | What::Freeze => to.is_some(),
        What::Standby | What::Takeover => to.is_none(),
    };
    if !fits || whom.is_empty() || to.is_some_and(|to| to <= from) {
        return Err(wrong());
    }
    Ok(Part { what, whom: whom.to_string(), from, to })
}

/// `NAME=TIME`, `NAME:start=TIME`, `NAME:stop=TIME`.
fn slow(word: &str) -> Result<Slow, Usage> {
    let wrong = || {
        Usage::new(format!(
            "--slow-script {word:?}: write NAME=TIME, NAME:start=TIME or NAME:stop=TIME, such as jdmail=20"
        ))
    };
    let (name, when) = word.rsplit_once('=').ok_or_else(wrong)?;
    let time = time(when).ok_or_else(wrong)?;
    let (name, verb) = match name.rsplit_once(':') {
        Some((name, "start")) => (name, Some(hb_core::Verb::Start)),
        Some((name, "stop")) => (name, Some(hb_core::Verb::Stop)),
        _ => (name, None),
    };
    Ok(Slow { name: name.to_string(), verb, time })
}

/// `LINK=PERCENT`.
fn loss(word: &str) -> Result<(String, u8), Usage> {
    let parsed = word.rsplit_once('=').and_then(|(link, percent)| {
        let percent = percent.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100)?;
        Some((link.to_string(), percent))
    });
    parsed.ok_or_else(|| Usage::new(format!("--loss {word:?}: write LINK=PERCENT, such as eth1=20")))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn wish(words: &[&str]) -> Result<Wish, Usage> {
        read(words.iter().map(OsString::from).collect(), Options::default())
    }

    #[test]
    fn each_part_says_whom_and_when() {
        let wish = wish(&["--kill", "ha-1@10", "--kill", "ha-2@10-2000ms00", "--seed", "7"]);
        assert!(wish.is_err(), "{wish:?}");
        let wish = super::tests::wish(&[
            "--kill",
            "ha-1@10",
            "--cut",
            "/dev/ttyS0@5-7.5",
            "--slow-script",
            "IPaddr::10.0.0.5:stop=9",
            "--loss",
            "eth1=20%",
            "--seed",
            "7",
            "--boot",
            "30",
            "--plot",
            "x.svg",
        ])
        .expect("right");
        let s = |ms| Duration::from_millis(ms);
        assert_eq!(wish.parts[0], Part { what: What::Kill, whom: "ha-1".into(), from: s(10_000), to: None });
        let cut = Part { what: What::Cut, whom: "/dev/ttyS0".into(), from: s(5000), to: Some(s(7500)) };
        assert_eq!(wish.parts[1], cut);
        let stop = Some(hb_core::Verb::Stop);
        assert_eq!(wish.slow[0], Slow { name: "IPaddr::10.0.0.5".into(), verb: stop, time: s(9000) });
        assert_eq!(
            (wish.loss[0].clone(), wish.seed, wish.boot),
            (("eth1".into(), 20), Some(7), Some(s(30_000)))
        );
    }

    #[test]
    fn what_makes_no_sense_is_answered_with_the_form() {
        for (words, part) in [
            (["--kill", "ha-1"], "write NODE@TIME"),
            (["--kill", "ha-1@9-3"], "write NODE@TIME"),
            (["--cut", "eth1@5"], "write LINK@TIME-TIME"),
            (["--cut", "@5-6"], "write LINK@TIME-TIME"),
            (["--freeze", "ha-1@5"], "write NODE@TIME-TIME"),
            (["--standby", "ha-1@5-6"], "write NODE@TIME"),
            (["--slow-script", "web"], "write NAME=TIME"),
            (["--loss", "eth1=101"], "write LINK=PERCENT"),
            (["--seed", "x"], "write a number"),
            (["--boot", "never"], "write a time"),
            (["--kill", "ha-1@90000"], "write NODE@TIME"),
        ] {
            let usage = wish(&words).expect_err(words[1]);
            assert!(usage.text.contains(part), "{}", usage.text);
        }
    }
}
