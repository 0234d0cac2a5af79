//! `hbd demo --web [PORT]`: the demo's timeline for browsers on this machine, while it goes on and until Ctrl-C after its end.
//!
//! ```text
//!  story --rows--> timeline --+--> standard output
//!                             +--> copy --GET /, GET /status.txt--> browser, which draws the rows
//! ```
//! The rows that everybody can read are all that the page knows. It is served between two turns of the stage, so that a
//! browser holds up nothing.

use super::complain;
use super::stage::{Audience, Beside, Copy};
use crate::cli::page::answer::{escaped, refusal, scripted, whole};
use crate::cli::page::request::{Asked, Wanted};
use crate::cli::page::visitor::Visitor;
use crate::cli::page::{self, turn};
use crate::sys::clock::Clock;
use crate::sys::{Fd, tcp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::Duration;
use std::cell::RefCell;
use std::rc::Rc;

/// Where no port is said.
const PORT: u16 = 8695;
/// The story begins without a browser after this.
const WAIT: Duration = Duration::from_secs(60);
/// The page, with a place for the rows so far.
const PAGE: &str = include_str!("web.html");

/// The words behind `--web`; the exit code.
pub(super) fn main(words: &[String]) -> i32 {
    let port = match words {
        [] => Ok(PORT),
        [port] => page::port(port).map_err(|usage| usage.text),
        [_, word, ..] => Err(format!("{word:?} is one word too many")),
    };
    let port = match port {
        Ok(port) => port,
        Err(why) => {
            complain(&format!("hbd demo --web: {why}\n"));
            return 2;
        }
    };
    let listener = match tcp::listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => listener,
        Err(why) => {
            return complain(&format!(
                "hbd demo --web: 127.0.0.1:{port}: {why}; write another port behind --web\n"
            ));
        }
    };
    let copy = Copy::default();
    let mut web = Web { listener, visitors: Vec::new(), rows: Rc::clone(&copy), pages: 0 };
    let address = format!("http://127.0.0.1:{port}/");
    crate::cli::say(&format!("The demo is at {address} and begins when a browser is there, or in 60 s."));
    let mut clock = Clock::start();
    let end = clock.now().plus(WAIT);
    while web.pages == 0 && clock.now() < end {
        web.turn(&mut clock, 200);
    }
    let beside = Beside(Some(Box::new(move |clock: &mut Clock| web.turn(clock, 0))));
    super::run(Audience { copy: Some(copy), beside, stay: Some(format!("{address} stays until Ctrl-C.")) })
}

struct Web {
    listener: Fd,
    visitors: Vec<Visitor>,
    rows: Rc<RefCell<Vec<u8>>>,
    /// How often the page was asked for.
    pages: u32,
}

impl Web {
    /// Serve whom can be served; waits at most so many milliseconds for the first.
    fn turn(&mut self, clock: &mut Clock, longest_ms: i32) {
        let (rows, pages) = (&self.rows, &mut self.pages);
        turn(&self.listener, &mut self.visitors, clock, longest_ms, |_, asked| {
            *pages += u32::from(matches!(asked, Asked::Get { wanted: Wanted::Page, .. }));
            answer(&String::from_utf8_lossy(&rows.borrow()), asked)
        });
    }
}

fn answer(rows: &str, asked: Asked) -> Vec<u8> {
    match asked {
        Asked::Get { wanted: Wanted::Page, body } => whole(
            "200 OK",
            "text/html; charset=utf-8",
            &scripted(PAGE).replace("{rows}", &escaped(rows)),
            body,
        ),
        Asked::Get { wanted: Wanted::Text, body } => whole("200 OK", "text/plain; charset=utf-8", rows, body),
        Asked::Get { .. } => refusal("404 Not Found"),
        Asked::Refused(line) => refusal(line),
        Asked::More => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_rows_are_all_that_there_is() {
        let get = |wanted| {
            let answer = answer("  0 s  <ha-1> {rows}\n", Asked::Get { wanted, body: true });
            String::from_utf8(answer).expect("text")
        };
        let page = get(Wanted::Page);
        assert!(
            page.starts_with("HTTP/1.0 200 OK\r\n") && page.contains("  0 s  &lt;ha-1&gt; &#123;rows}\n"),
            "{page}"
        );
        // Nothing from elsewhere: no address but the name space of SVG, which the script spells in two parts.
        assert!(!page.contains("http://") && !page.contains("https:") && !page.contains("src="), "{page}");
        assert!(get(Wanted::Text).ends_with("\r\n\r\n  0 s  <ha-1> {rows}\n"));
        for wanted in [Wanted::Json, Wanted::Metrics] {
            assert!(get(wanted).starts_with("HTTP/1.0 404"), "{wanted:?}");
        }
        assert!(answer("", Asked::Refused("403 Forbidden")).starts_with(b"HTTP/1.0 403 Forbidden\r\n"));
    }

    #[test]
    fn a_wrong_port_is_named() {
        for words in [&["0"][..], &["x"], &["1", "2"]] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(main(&words), 2, "{words:?}");
        }
    }
}
