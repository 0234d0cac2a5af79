//! The documents, made of one look at the daemon that stands for half a second: who asks often asks the daemon no oftener.

use super::request::Wanted;
use crate::cli::{Options, ask, metrics, show, status_json, verdict};
use crate::control::Snapshot;
use crate::control::client::Trouble;
use hb_core::{Duration, Instant};

/// How long a look stands.
const FRESH: Duration = Duration::from_millis(500);
/// The page, with a place for each value.
const PAGE: &str = include_str!("page.html");

/// What the daemon said last.
pub(super) struct Look<'a> {
    options: &'a Options,
    last: Option<(Instant, Result<Snapshot, String>)>,
}

impl<'a> Look<'a> {
    pub(super) const fn new(options: &'a Options) -> Self {
        Self { options, last: None }
    }

    /// The whole answer, head and all. May wait for the daemon.
    pub(super) fn answer(&mut self, now: Instant, wanted: Wanted, body: bool) -> Vec<u8> {
        if self.last.as_ref().is_none_or(|(at, _)| now.since(*at) >= FRESH) {
            let shot = ask::snapshot(self.options).map_err(|why| match why {
                Trouble::NotRunning => "hbd does not run on this machine".to_owned(),
                Trouble::NotAllowed => "this page may not ask the daemon".to_owned(),
                Trouble::Broken(how) => format!("a daemon runs, but: {how}"),
            });
            self.last = Some((now, shot));
        }
        match &self.last {
            Some((_, shot)) => document(shot.as_ref().map_err(String::as_str), wanted, body),
            None => refusal("503 Service Unavailable"),
        }
    }
}

fn document(shot: Result<&Snapshot, &str>, wanted: Wanted, body: bool) -> Vec<u8> {
    let (kind, text) = match (wanted, shot) {
        (Wanted::Metrics, shot) => ("text/plain; version=0.0.4; charset=utf-8", metrics::text(shot.ok())),
        (Wanted::Page, shot) => ("text/html; charset=utf-8", page(shot)),
        (Wanted::Json, Ok(shot)) => ("application/json", status_json::json(shot)),
        (Wanted::Text, Ok(shot)) => ("text/plain; charset=utf-8", show::human(shot)),
        (Wanted::Json | Wanted::Text, Err(why)) => {
            let text = format!("{why}\n");
            return whole("503 Service Unavailable", "text/plain; charset=utf-8", &text, body);
        }
    };
    whole("200 OK", kind, &text, body)
}

/// The answer to what is none.
pub(crate) fn refusal(line: &str) -> Vec<u8> {
    whole(line, "text/plain; charset=utf-8", &format!("{line}\n"), true)
}

pub(crate) fn whole(line: &str, kind: &str, text: &str, body: bool) -> Vec<u8> {
    let allow = if line.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let mut answer = format!(
        "HTTP/1.0 {line}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nContent-Security-Policy: default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'\r\nConnection: close\r\n\r\n",
        text.len()
    );
    if body {
        answer.push_str(text);
    }
    answer.into_bytes()
}

fn page(shot: Result<&Snapshot, &str>) -> String {
    let (node, verdict, colour, status) = match shot {
        Ok(shot) => {
            let verdict = verdict::judge(shot);
            let colour = match verdict.level {
                verdict::Level::Ok => "#99dd99",
                verdict::Level::Warning => "#ffdd66",
                verdict::Level::Critical => "#ff9988",
            };
            (shot.own.name.as_str(), verdict.to_string(), colour, show::human(shot))
        }
        Err(why) => ("?", format!("CRITICAL: {why}"), "#ff9988", String::new()),
    };
    // The verdict is the first line of the table as well.
    let table = status.split_once('\n').map_or("", |(_, rest)| rest);
    let values = [("{node}", node), ("{verdict}", &verdict), ("{colour}", colour), ("{status}", table)];
    values.iter().fold(scripted(PAGE), |page, (place, value)| page.replace(place, &escaped(value)))
}

/// A page with what its script draws with.
pub(crate) fn scripted(page: &str) -> String {
    page.replace("{draw}", include_str!("draw.js"))
}

pub(crate) fn escaped(text: &str) -> String {
    // A value that looks like a place is none.
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('{', "&#123;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(answer: &[u8]) -> (String, String) {
        let text = String::from_utf8(answer.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn every_document_says_how_long_it_is_and_of_what_kind() {
        let mut shot = crate::cli::show::tests::sample();
        shot.groups[0].why = "<script>alert(1)</script> {status}".into();
        for (wanted, kind, within) in [
            (Wanted::Page, "text/html", "OK: ha-1 holds 192.168.2.50, ha-2 stands by"),
            (Wanted::Text, "text/plain", "OK: ha-1 holds"),
            (Wanted::Json, "application/json", "\"node\":\"ha-1\""),
            (Wanted::Metrics, "text/plain; version=0.0.4", "hbd_up 1\n"),
        ] {
            let (head, body) = split(&document(Ok(&shot), wanted, true));
            assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            assert!(head.contains(&format!("Content-Type: {kind}")), "{head}");
            assert!(body.contains(within), "{body}");
            let (same, none) = split(&document(Ok(&shot), wanted, false));
            assert_eq!((same, none.as_str()), (head, ""));
        }
        let (_, page) = split(&document(Ok(&shot), Wanted::Page, true));
        for harmless in ["&lt;script&gt;alert(1)&lt;/script&gt;", "&#123;status}"] {
            assert!(page.contains(harmless), "{page}");
        }
        assert_eq!(page.matches("<script").count(), 1, "its own");
    }

    #[test]
    fn the_page_loads_nothing_and_works_without_a_script() {
        let whole = scripted(PAGE);
        for from_elsewhere in ["http://", "https://", "src=", "@import", "url("] {
            let named = whole.replace("http://www.w3.org/2000/svg", "");
            assert!(!named.contains(from_elsewhere), "{from_elsewhere}");
        }
        assert!(whole.contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"));
        // What a browser of 2003 cannot parse it would not run at all.
        for new in ["=>", "let ", "const ", "`", "fetch(", "class ", "async "] {
            assert!(!whole.contains(new), "{new}");
        }
        assert!(whole.is_ascii() && whole.len() < 8192, "{}", whole.len());
    }

    #[test]
    fn a_daemon_that_does_not_answer_is_a_measurement_and_a_page_but_no_status() {
        let (head, body) = split(&document(Err("it <hangs>"), Wanted::Page, true));
        assert!(head.starts_with("HTTP/1.0 200") && body.contains("CRITICAL: it &lt;hangs&gt;"), "{body}");
        let (head, body) = split(&document(Err("x"), Wanted::Metrics, true));
        assert!(head.starts_with("HTTP/1.0 200") && body.ends_with("hbd_up 0\n"));
        let (head, body) = split(&document(Err("it hangs"), Wanted::Json, true));
        assert!(head.starts_with("HTTP/1.0 503 ") && body == "it hangs\n");
        let (head, _) = split(&refusal("405 Method Not Allowed"));
        assert!(head.contains("\r\nAllow: GET, HEAD\r\n"));
    }
}
