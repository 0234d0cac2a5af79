//! `hbd page PORT`: how the pair stands, for a browser and for a collector of metrics, on this machine's loopback alone.
//!
//! ```text
//! browser, collector ---- HTTP, GET and HEAD ----> hbd page ---- status, at most twice a second ----> hbd
//! ```
//! A process of its own, started by the child that keeps the programs of `respawn` where `ha.cf` has a line `page PORT`: what
//! goes wrong here goes wrong far from the loop. It changes nothing, and can ask for the status alone. There is a place for
//! eight; who comes then waits in the kernel until one is done, and who is slow is cut.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod visitor;

use crate::attend::Client;
use crate::cli::args::Usage;
use crate::cli::{EXIT_FAILURE, Options, tell};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, poll, sleep_ms, timeout_until};
use crate::sys::{Fd, tcp};
use answer::Look;
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::Instant;
use request::Asked;
use std::path::Path;
use visitor::Visitor;

/// Connections at a time.
const PLACES: usize = 8;
/// Before another process tries the same port.
const AGAIN_MS: i32 = 5000;

/// The program that the daemon keeps running for this port.
pub(crate) fn client(port: u16, run_dir: &Path) -> Option<Client> {
    let own = std::env::current_exe().ok()?;
    // An update that put another file in its place.
    let own = own.to_str()?.trim_end_matches(" (deleted)");
    let words = [own, "page", &port.to_string(), "--run-dir", run_dir.to_str()?];
    Some(Client { user: "root".to_owned(), words: words.map(str::to_owned).to_vec() })
}

/// The port of a word.
///
/// # Errors
/// It is none.
pub(crate) fn port(word: &str) -> Result<u16, Usage> {
    let wrong = || Usage::new(format!("{word:?} is no port; write one such as 8694"));
    word.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)
}

/// `hbd page PORT`. Comes back when it cannot listen.
pub(crate) fn main(port: u16, options: &Options) -> i32 {
    match tcp::listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => serve(&listener, options),
        Err(why) => {
            tell(&format!("127.0.0.1:{port}: {why}"));
            sleep_ms(AGAIN_MS);
            EXIT_FAILURE
        }
    }
}

fn serve(listener: &Fd, options: &Options) -> ! {
    let mut clock = Clock::start();
    let mut look = Look::new(options);
    let mut visitors: Vec<Visitor> = Vec::new();
    loop {
        turn(listener, &mut visitors, &mut clock, -1, |now, asked| match asked {
            Asked::Get { wanted, body } => look.answer(now, wanted, body),
            Asked::Refused(line) => answer::refusal(line),
            Asked::More => Vec::new(),
        });
    }
}

/// Wait, at most so many milliseconds (-1: for ever), and serve all who can be served.
pub(crate) fn turn(
    listener: &Fd,
    visitors: &mut Vec<Visitor>,
    clock: &mut Clock,
    longest_ms: i32,
    mut answer: impl FnMut(Instant, Asked) -> Vec<u8>,
) {
    let room = visitors.len() < PLACES;
    let mut fds: Vec<PollFd> = visitors.iter().map(Visitor::poll_fd).collect();
    fds.push(if room { PollFd::readable(listener.raw()) } else { PollFd::NONE });
    let until = visitors.iter().map(Visitor::until).min().unwrap_or(Instant::NEVER);
    let timeout = match (timeout_until(clock.now(), until), longest_ms) {
        (timeout, ..0) => timeout,
        (..0, longest) => longest,
        (timeout, longest) => timeout.min(longest),
    };
    if poll(&mut fds, timeout).is_err() {
        sleep_ms(20);
    }
    let now = clock.now();
    visitors.retain_mut(|visitor| {
        visitor.serve(now, |asked| {
            let answer = answer(now, asked);
            (answer, clock.now())
        })
    });
    while visitors.len() < PLACES {
        match tcp::accept(listener) {
            Ok(Some(fd)) => visitors.push(Visitor::new(fd, clock.now())),
            Ok(None) => break,
            // Something runs short; it may be there again soon.
            Err(_) => {
                sleep_ms(20);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_ones_are_cut_and_the_ninth_waits_for_a_place() {
        let listener = tcp::listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        let here = SocketAddrV4::new(Ipv4Addr::LOCALHOST, tcp::local_port(&listener).unwrap());
        let (mut clock, mut visitors) = (Clock::start(), Vec::new());
        let slow: Vec<Fd> = (0..PLACES).map(|_| tcp::connect(here).unwrap()).collect();
        let quick = tcp::connect(here).unwrap();
        let said = |_, asked| format!("{asked:?}").into_bytes();
        let mut began = None;
        let mut got = [0; 400];
        let n = loop {
            turn(&listener, &mut visitors, &mut clock, -1, said);
            assert!(visitors.len() <= PLACES);
            began = began.or((visitors.len() == PLACES).then(|| clock.now()));
            // A byte now and then does not help.
            for fd in &slow {
                let _ = fd.write(b"G");
            }
            let _ = quick.write(b"GET /metrics HTTP/1.0\r\n\r\n");
            if let Ok(Some(n @ 1..)) = quick.read(&mut got) {
                break n;
            }
            sleep_ms(10);
        };
        assert_eq!(&got[..n], b"Get { wanted: Metrics, body: true }");
        assert!(
            clock.now().since(began.unwrap()) >= visitor::PATIENCE.minus(hb_core::Duration::from_millis(100))
        );
    }
}
