//! The child that reads the files again: it may wait for a disk and allocate, which the daemon must not. What it finds
//! goes back through a pipe, one [`News`] after the other, in the framing of the control socket.

use crate::config::{self, Class, Paths, Settings};
use crate::control::wire;
use crate::log::Text;
use crate::sys::{Fd, process};
use core::fmt::Arguments;
use hb_core::Duration;
use hb_core::auth::keys::MAX_INDEX;
use hb_core::auth::{Key, KeyError, Keyring, Method};
use hb_core::config::{Isolated, MonitorConfig, ScriptLimits, Tuning};
use serde::{Deserialize, Serialize};

/// Longest line that is passed on.
const LINE: usize = 400;
/// Room for the longest piece of news.
const PIECE: usize = 512;

/// One piece of what was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum News<'a> {
    /// A line for people; `bad` if it is trouble.
    Line { bad: bool, text: &'a str },
    /// A key of `authkeys`.
    Key { index: u8, method: u8, secret: &'a [u8] },
    /// All is right: take over the keys before this, of which `signer` signs, and these values.
    Right { signer: u8, values: Values },
    /// Something is wrong: change nothing.
    Wrong,
}

/// [`Tuning`] in plain numbers. Times in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Values {
    warntime: u64,
    failback: bool,
    claim: bool,
    limits: [u64; 3],
    monitor: Option<(u64, u8)>,
}

impl From<&Tuning> for Values {
    fn from(tuning: &Tuning) -> Self {
        let ScriptLimits { start, stop, status } = tuning.limits;
        Self {
            warntime: tuning.warntime.as_micros(),
            failback: tuning.failback,
            claim: tuning.isolated == Isolated::Claim,
            limits: [start, stop, status].map(Duration::as_micros),
            monitor: tuning.monitor.map(|m| (m.period.as_micros(), m.failures)),
        }
    }
}

impl From<&Values> for Tuning {
    fn from(values: &Values) -> Self {
        let [start, stop, status] = values.limits.map(Duration::from_micros);
        Self {
            warntime: Duration::from_micros(values.warntime),
            failback: values.failback,
            isolated: if values.claim { Isolated::Claim } else { Isolated::Wait },
            limits: ScriptLimits { start, stop, status },
            monitor: values
                .monitor
                .map(|(period, failures)| MonitorConfig { period: Duration::from_micros(period), failures }),
        }
    }
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
    tell(pipe, &News::Right { signer: new.keys.signer(), values: (&tuning).into() });
}

fn line(pipe: &Fd, bad: bool, args: Arguments<'_>) {
    let mut text = Text::<LINE>::new();
    text.put(args);
    tell(pipe, &News::Line { bad, text: text.as_str() });
}

fn tell(pipe: &Fd, news: &News<'_>) {
    let mut buf = [0; PIECE];
    let Some(mut bytes) = wire::encode(news, &mut buf) else { return };
    while let Ok(Some(n)) = pipe.write(bytes)
        && n > 0
    {
        bytes = bytes.get(n..).unwrap_or_default();
        if bytes.is_empty() {
            return;
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

/// Takes [`News`] out of what came through the pipe so far, and says what is left of it.
pub(super) fn take<'b>(bytes: &'b [u8], mut each: impl FnMut(News<'b>)) -> &'b [u8] {
    let mut rest = bytes;
    while let wire::Front::Whole(news, used) = wire::decode::<News<'b>>(rest) {
        each(news);
        rest = rest.get(used..).unwrap_or_default();
    }
    rest
}
