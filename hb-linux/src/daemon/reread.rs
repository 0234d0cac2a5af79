//! The child that reads the files again: it may wait for a disk and allocate, which the daemon must not. What it finds
//! goes back through a pipe, one [`News`] after the other: pieces of [`crate::framing`].

use crate::config::{self, Class, Paths, Settings};
use crate::framing::{self, Front, HEAD};
use crate::log::Text;
use crate::sys::{Fd, process};
use core::fmt::Arguments;
use hb_core::Duration;
use hb_core::auth::keys::MAX_INDEX;
use hb_core::auth::{Key, KeyError, Keyring, Method};
use hb_core::config::{Answered, Isolated, MonitorConfig, ScriptLimits, Tuning};

/// Longest line that is passed on.
const LINE: usize = 400;
/// Room for the longest piece of news.
const PIECE: usize = 512;

/// One piece of what was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News<'a> {
    /// A line for people; `bad` if it is trouble.
    Line { bad: bool, text: &'a str },
    /// A key of `authkeys`.
    Key { index: u8, method: u8, secret: &'a [u8] },
    /// All is right: take over the keys before this, of which `signer` signs, and these values.
    Right { signer: u8, tuning: Tuning },
    /// Something is wrong: change nothing.
    Wrong,
}

const FINE: u8 = 0;
const BAD: u8 = 1;
const KEY: u8 = 2;
const RIGHT: u8 = 3;
const WRONG: u8 = 4;
/// Of a [`News::Right`]: signer, switches, failures, then five times in microseconds.
const VALUES: usize = 3 + 5 * 8;

/// Content and kind of one piece.
fn encode<'b>(news: &News<'b>, values: &'b mut [u8; VALUES]) -> (u8, [&'b [u8]; 2]) {
    match *news {
        News::Line { bad, text } => (if bad { BAD } else { FINE }, [text.as_bytes(), &[]]),
        News::Key { index, method, secret } => {
            let [first, second, ..] = values;
            (*first, *second) = (index, method);
            (KEY, [values.get(..2).unwrap_or_default(), secret])
        }
        News::Right { signer, tuning } => {
            let claim = tuning.isolated == Isolated::Claim;
            let (period, failures) = tuning.monitor.map_or((0, 0), |m| (m.period.as_micros(), m.failures));
            let ScriptLimits { start, stop, status } = tuning.limits;
            let times = [tuning.warntime, start, stop, status].map(Duration::as_micros);
            let answered = match tuning.answered {
                None => 0,
                Some(Answered::Wait) => 4,
                Some(Answered::Claim) => 8,
            };
            let head = [signer, u8::from(tuning.failback) | u8::from(claim) << 1 | answered, failures];
            let bytes = times.into_iter().chain([period]).flat_map(u64::to_le_bytes);
            values.iter_mut().zip(head.into_iter().chain(bytes)).for_each(|(place, byte)| *place = byte);
            (RIGHT, [values.as_slice(), &[]])
        }
        News::Wrong => (WRONG, [&[], &[]]),
    }
}

fn decode(kind: u8, content: &[u8]) -> Option<News<'_>> {
    Some(match (kind, content) {
        (FINE | BAD, text) => News::Line { bad: kind == BAD, text: core::str::from_utf8(text).ok()? },
        (KEY, [index, method, secret @ ..]) => News::Key { index: *index, method: *method, secret },
        (RIGHT, [signer, switches, failures, times @ ..]) => {
            let time = |at: usize| {
                let bytes = times.get(at * 8..)?.first_chunk::<8>()?;
                Some(Duration::from_micros(u64::from_le_bytes(*bytes)))
            };
            let monitor = MonitorConfig { period: time(4)?, failures: *failures };
            let tuning = Tuning {
                warntime: time(0)?,
                failback: switches & 1 != 0,
                isolated: if switches & 2 != 0 { Isolated::Claim } else { Isolated::Wait },
                limits: ScriptLimits { start: time(1)?, stop: time(2)?, status: time(3)? },
                monitor: (*failures != 0).then_some(monitor),
                answered: match switches & 12 {
                    4 => Some(Answered::Wait),
                    8 => Some(Answered::Claim),
                    _ => None,
                },
            };
            News::Right { signer: *signer, tuning }
        }
        (WRONG, []) => News::Wrong,
        _ => return None,
    })
}

const METHODS: [Method; 4] = [Method::Crc, Method::Md5, Method::Sha1, Method::Sha256];

/// The key of a [`News::Key`].
pub(super) fn key(method: u8, secret: &[u8]) -> Result<Key, KeyError> {
    Key::new(*METHODS.get(usize::from(method)).ok_or(KeyError::Method)?, secret)
}

/// The child's life. `then` is what the files said at the daemon's start, `now` what holds.
pub(super) fn run(paths: &Paths, then: &Settings, now: &Tuning, pipe: &Fd) -> i32 {
    process::set_name(c"hbd-reload");
    process::become_helper(&[pipe.raw()], false);
    let (settings, findings) = config::load(paths, Some(&then.own));
    for finding in findings.of(Class::Configuration) {
        line(pipe, true, format_args!("{finding}"));
    }
    match settings {
        Some(new) => right(then, &new, now, pipe),
        None => tell(pipe, &News::Wrong),
    }
    0
}

fn right(then: &Settings, new: &Settings, now: &Tuning, pipe: &Fd) {
    let tuning = config::changes::tuning(then, new, now);
    let followed = config::changes::followed(now, &tuning);
    line(pipe, false, format_args!("authkeys was read again: its keys sign and verify from now on"));
    if !followed.is_empty() {
        line(pipe, false, format_args!("ha.cf: from now on as written there: {}", followed.join(", ")));
    }
    let restart = "takes effect at the next start (hbd stop, then hbd run)";
    let later = config::changes::of_ha_cf(then, new);
    if !later.is_empty() {
        line(pipe, true, format_args!("ha.cf: a change of {} {restart}", later.join(", ")));
    }
    if config::changes::of_haresources(then, new) {
        line(pipe, true, format_args!("haresources: its change {restart}"));
    }
    for index in 0..=MAX_INDEX {
        let Some(key) = new.keys.get(index) else { continue };
        let method = METHODS.iter().position(|m| *m == key.method).and_then(|at| u8::try_from(at).ok());
        tell(pipe, &News::Key { index, method: method.unwrap_or(u8::MAX), secret: key.secret });
    }
    tell(pipe, &News::Right { signer: new.keys.signer(), tuning });
}

fn line(pipe: &Fd, bad: bool, args: Arguments<'_>) {
    let mut text = Text::<LINE>::new();
    text.put(args);
    tell(pipe, &News::Line { bad, text: text.as_str() });
}

fn tell(pipe: &Fd, news: &News<'_>) {
    let mut values = [0; VALUES];
    let (kind, parts) = encode(news, &mut values);
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let head = framing::head(kind, u16::try_from(length).unwrap_or(0));
    for mut bytes in [&head, parts[0], parts[1]] {
        while let Ok(Some(n @ 1..)) = pipe.write(bytes) {
            bytes = bytes.get(n..).unwrap_or_default();
        }
    }
}

/// The keys of a reload, one after the other; no allocation.
#[derive(Debug, Default)]
pub(super) struct Keys(heapless::Vec<(u8, Key), { MAX_INDEX as usize + 1 }>);

impl Keys {
    /// Take in a [`News::Key`]. `false` if it is none.
    pub(super) fn add(&mut self, index: u8, method: u8, secret: &[u8]) -> bool {
        key(method, secret).is_ok_and(|key| self.0.push((index, key)).is_ok())
    }

    /// All of them.
    pub(super) fn ring(&self, signer: u8) -> Result<Keyring, KeyError> {
        Keyring::new(&self.0, signer)
    }
}

/// Takes [`News`] out of what came through the pipe so far. What is left of it; `None` if that is no news.
pub(super) fn take<'b>(bytes: &'b [u8], mut each: impl FnMut(News<'b>)) -> Option<&'b [u8]> {
    let mut rest = bytes;
    loop {
        match framing::front(rest, PIECE - HEAD, FINE..=WRONG) {
            Front::Partial => return Some(rest),
            Front::Whole((kind, content), used) => {
                each(decode(kind, content)?);
                rest = rest.get(used..).unwrap_or_default();
            }
            Front::Foreign => return None,
        }
    }
}
