//! `hbd monitor`: how things stand, live. Plain ANSI on 80 columns and 24 rows, within what a serial console of 9600 baud carries;
//! without a terminal a line for each change. It looks once a second, and moves groups after a question alone.

mod moving;
mod paint;
mod screen;

use super::events::last_lines;
use super::{EXIT_FAILURE, EXIT_OK, Options, snapshot, tell};
use crate::control::client::{Client, Trouble, Verdict};
use crate::control::wire::{Reply, Request};
use crate::sys::clock::WallTime;
use crate::sys::poll::{PollFd, poll};
use crate::sys::signal::Signals;
use crate::sys::tty::Keyboard;
use moving::{Moving, Then};
use paint::{FAREWELL, Painter, ROWS};
use screen::Past;
use std::io::{self, IsTerminal, Write};

/// Between two looks.
const LOOK_MS: i32 = 1000;

/// `hbd monitor`.
pub(super) fn main(options: &Options) -> i32 {
    // What ends it comes here, so that the terminal is always left as it was.
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(why) => {
            tell(&format!("signals: {why}"));
            return EXIT_FAILURE;
        }
    };
    if io::stdout().is_terminal() { draw(options, &signals) } else { say(options, &signals) }
}

/// The live screen, until `q`, a signal, or the end of the terminal.
fn draw(options: &Options, signals: &Signals) -> i32 {
    // Without one (`< /dev/null`) a signal ends it.
    let keyboard = Keyboard::open().ok();
    let (mut painter, mut past, mut moving) = (Painter::new(), Past::default(), Moving::default());
    loop {
        let clock = time_of_day();
        let events = last_lines(&options.state_dir, ROWS);
        let shot = snapshot(options);
        let rows = match &shot {
            Ok(shot) => {
                past.note(shot);
                screen::screen(shot, &past, &events, moving.foot(&clock, Some(shot)))
            }
            Err(why) => screen::silent(&trouble(options, why), &events, moving.foot(&clock, None)),
        };
        if !put(&painter.paint(&rows)) {
            return EXIT_FAILURE;
        }
        match wait(signals, keyboard.as_ref()) {
            Heard::Nothing => moving.look(),
            Heard::Redraw => painter.forget(),
            Heard::Key(key) => match moving.key(key) {
                Then::Nothing => {}
                Then::Drain => keyboard.iter().for_each(Keyboard::drain),
                Then::Move(way, pick) => {
                    let which = shot.as_ref().ok().and_then(|shot| pick.which(shot));
                    let said = which.map(|which| asked(options, &moving::request(way, which)));
                    moving = Moving::Said(said.unwrap_or_else(|| "there is no such group".into()));
                }
            },
            Heard::End => break,
        }
    }
    put(FAREWELL);
    EXIT_OK
}

/// Have the daemon do it; what it says.
fn asked(options: &Options, request: &Request<'_>) -> String {
    let mut said = String::new();
    let verdict = Client::connect(&options.run_dir).and_then(|mut client| {
        client.ask(request, |reply| {
            if let Reply::Text(line) = reply {
                said = line;
            }
        })
    });
    match verdict {
        Ok(Verdict::Accepted) if said.is_empty() => "accepted: it moves".into(),
        Ok(Verdict::Accepted) => format!("accepted: {said}"),
        Ok(Verdict::Refused(why)) => format!("refused: {why}"),
        Err(why) => trouble(options, &why),
    }
}

/// Without a terminal: what changed, a line each, until a signal or until nobody reads.
fn say(options: &Options, signals: &Signals) -> i32 {
    let mut told: Vec<String> = Vec::new();
    loop {
        let lines = match snapshot(options) {
            Ok(shot) => screen::lines(&shot),
            Err(why) => Vec::from([trouble(options, &why)]),
        };
        for line in lines.iter().filter(|line| !told.contains(line)) {
            if !put(&format!("{} {line}\n", time_of_day())) {
                return EXIT_OK;
            }
        }
        told = lines;
        if matches!(wait(signals, None), Heard::End) {
            return EXIT_OK;
        }
    }
}

/// What came in a second.
enum Heard {
    Nothing,
    Redraw,
    Key(u8),
    End,
}

fn wait(signals: &Signals, keyboard: Option<&Keyboard>) -> Heard {
    let keys = keyboard.map_or(PollFd::NONE, |_| PollFd::readable(Keyboard::FD));
    let mut fds = [PollFd::readable(signals.fd()), keys];
    if poll(&mut fds, LOOK_MS).is_err() {
        return Heard::Nothing;
    }
    let [signal, key] = fds;
    if signal.can_read() {
        let caught = signals.take();
        // A terminal that is gone says so by the same signal as a reload.
        if caught.terminate() || caught.reload() {
            return Heard::End;
        }
    }
    match keyboard.filter(|_| key.can_read() || key.hung_up()).map(Keyboard::key) {
        None => Heard::Nothing,
        // Control-C and control-D as well, where the terminal makes no signal of them.
        Some(Some(b'q' | b'Q' | 3 | 4) | None) => Heard::End,
        Some(Some(b'r' | b'R' | 12)) => Heard::Redraw,
        Some(Some(key)) => Heard::Key(key),
    }
}

fn put(bytes: &str) -> bool {
    let mut out = io::stdout();
    out.write_all(bytes.as_bytes()).is_ok() && out.flush().is_ok()
}

fn time_of_day() -> String {
    let t = WallTime::now().local();
    format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second)
}

fn trouble(options: &Options, why: &Trouble) -> String {
    match why {
        Trouble::NotRunning if super::ask::runs(options) => {
            "CRITICAL: a daemon runs, but no command reaches it".into()
        }
        Trouble::NotRunning => "CRITICAL: hbd is stopped on this machine".into(),
        Trouble::NotAllowed => "UNKNOWN: this user may not ask the daemon; be root".into(),
        Trouble::Broken(how) => format!("CRITICAL: a daemon runs, but: {how}"),
    }
}
