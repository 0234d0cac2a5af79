//! What a browser or a collector asks, read from bytes that anybody on this machine may have sent.

/// Longest head of a request, in bytes. Browsers send some hundreds.
pub(super) const LONGEST: usize = 4096;

/// A document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// `/`
    Page,
    /// `/status.txt`
    Text,
    /// `/status.json`
    Json,
    /// `/metrics`
    Metrics,
}

/// What the bytes so far come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// The head has not ended.
    More,
    /// This document; `body`: and not its head alone.
    Get { wanted: Wanted, body: bool },
    /// Nothing: the line that says why.
    Refused(&'static str),
}

const BAD: Asked = Asked::Refused("400 Bad Request");

/// Read them.
#[must_use]
pub(super) fn read(bytes: &[u8]) -> Asked {
    let Some(head) = head(bytes) else {
        return if bytes.len() >= LONGEST {
            Asked::Refused("431 Request Header Fields Too Large")
        } else {
            Asked::More
        };
    };
    // Nothing beyond ASCII is needed, and nothing that steers.
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    let Some(head) = core::str::from_utf8(head).ok().filter(|_| head.iter().all(plain)) else { return BAD };
    let mut lines = head.lines().map(|line| line.trim_end_matches('\r'));
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let &[method, target, version @ ("HTTP/1.0" | "HTTP/1.1")] = first.as_slice() else { return BAD };
    let body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return Asked::Refused("405 Method Not Allowed"),
    };
    let mut host = None;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { return BAD };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "host" if host.is_some() => return BAD,
            "host" => host = Some(value),
            // A body has no place here, and would be read as the next request.
            "transfer-encoding" => return BAD,
            "content-length" if value != "0" => return BAD,
            _ => {}
        }
    }
    match host {
        // A page from elsewhere whose name leads here must not read what this machine tells.
        Some(host) if !is_here(host) => return Asked::Refused("403 Forbidden"),
        None if version == "HTTP/1.1" => return BAD,
        _ => {}
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let wanted = match path {
        "/" | "/index.html" => Wanted::Page,
        "/status.txt" => Wanted::Text,
        "/status.json" => Wanted::Json,
        "/metrics" => Wanted::Metrics,
        _ => return Asked::Refused("404 Not Found"),
    };
    Asked::Get { wanted, body }
}

/// The bytes before the empty line.
fn head(bytes: &[u8]) -> Option<&[u8]> {
    let ends = |at: &usize| {
        let rest = bytes.get(*at..).unwrap_or_default();
        rest.starts_with(b"\n\n") || rest.starts_with(b"\n\r\n")
    };
    let end = (0..bytes.len().min(LONGEST)).find(ends)?;
    bytes.get(..end)
}

/// Does the name that the browser was given mean this machine? Of any port: a tunnel has another one.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|here| name.eq_ignore_ascii_case(here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Asked {
        read(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8694\r\n\r\n").as_bytes())
    }

    #[test]
    fn each_document_has_its_path() {
        let all = [
            ("/", Wanted::Page),
            ("/index.html", Wanted::Page),
            ("/?x=1", Wanted::Page),
            ("/status.txt", Wanted::Text),
            ("/status.json?1234", Wanted::Json),
            ("/metrics", Wanted::Metrics),
        ];
        for (target, wanted) in all {
            assert_eq!(get(target), Asked::Get { wanted, body: true }, "{target}");
        }
        for target in ["/x", "//", "/../etc/passwd", "/metrics/", "http://127.0.0.1/", "*", "/%6detrics"] {
            assert_eq!(get(target), Asked::Refused("404 Not Found"), "{target}");
        }
        let head = read(b"HEAD / HTTP/1.0\n\n");
        assert_eq!(head, Asked::Get { wanted: Wanted::Page, body: false });
    }

    #[test]
    fn what_is_no_request_is_refused_and_what_is_half_of_one_is_waited_for() {
        let whole = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\n\r\n";
        for cut in 0..whole.len() - 1 {
            assert_eq!(read(&whole[..cut]), Asked::More, "cut at {cut}");
        }
        assert!(matches!(read(whole), Asked::Get { wanted: Wanted::Metrics, body: true }));
        for bad in [
            "\r\n\r\n",
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\nno colon\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.0\r\nContent-Length: 4\r\n\r\nabcd",
            "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /\u{1b} HTTP/1.0\r\n\r\n",
            "GET /\u{e9} HTTP/1.0\r\n\r\n",
            "\u{16}\u{3}\u{1}\n\n",
        ] {
            assert_eq!(read(bad.as_bytes()), BAD, "{bad:?}");
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get"] {
            let asked = read(format!("{method} / HTTP/1.0\r\n\r\n").as_bytes());
            assert_eq!(asked, Asked::Refused("405 Method Not Allowed"), "{method}");
        }
        let mut long = b"GET / HTTP/1.0\r\nX: ".to_vec();
        long.resize(LONGEST, b'x');
        assert_eq!(read(&long), Asked::Refused("431 Request Header Fields Too Large"));
        assert_eq!(read(&long[..LONGEST - 1]), Asked::More);
    }

    #[test]
    fn a_name_of_another_place_is_refused() {
        for (host, here) in [
            ("127.0.0.1", true),
            ("LocalHost:9000", true),
            ("[::1]:8694", true),
            ("example.org", false),
            ("127.0.0.1.example.org:8694", false),
            ("localhost:x", false),
            ("", false),
        ] {
            let asked = read(format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
            assert_eq!(asked != Asked::Refused("403 Forbidden"), here, "{host}");
        }
    }

    #[test]
    fn no_bytes_make_it_fail() {
        let mut seed = 1_u32;
        let parts: [&[u8]; 12] = [
            b"GET ",
            b"/",
            b" HTTP/1.1",
            b"\r\n",
            b"\n",
            b"Host:",
            b"localhost",
            b":",
            b" ",
            b"\0",
            b"\xff",
            b"HEAD ",
        ];
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            while seed >> 28 != 0 && bytes.len() < 200 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes.extend_from_slice(parts[(seed >> 16) as usize % parts.len()]);
            }
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let asked = read(&bytes);
            let ended = bytes.windows(2).any(|pair| pair == b"\n\n")
                || bytes.windows(3).any(|three| three == b"\n\r\n");
            assert_eq!(asked == Asked::More, !ended, "{bytes:?}");
        }
    }
}
