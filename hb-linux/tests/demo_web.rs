//! `hbd demo --web` as somebody with a browser sees it.
#![cfg(feature = "demo-web")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The first answer that `fits`; a busy machine has a minute for it.
fn wait(port: u16, path: &str, fits: impl Fn(&str) -> bool) -> String {
    let begin = Instant::now();
    loop {
        let answer = get(port, path).unwrap_or_default();
        if fits(&answer) {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{path}: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_browser_begins_the_demo_sees_its_rows_and_an_interrupt_leaves_nothing() {
    let dir = std::env::temp_dir().join(format!("hbd-demo-web-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_hbd"))
        .args(["demo", "--web", &port.to_string()])
        .env("TMPDIR", &dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Who looks at the rows alone begins nothing.
    assert!(wait(port, "/status.txt", |answer| !answer.is_empty()).ends_with("\r\n\r\n"));
    let page = wait(port, "/", |answer| !answer.is_empty());
    assert!(page.contains("<title>hbd demo</title>"), "{page}");
    let rows = wait(port, "/status.txt", |answer| answer.contains(" s  ha-1["));
    assert!(rows.contains("Both nodes start; ha-1 is the preferred one"), "{rows}");
    assert!(!rows.contains('\u{1b}') && get(port, "/x").expect("an answer").contains(" 404 "), "{rows}");
    let pid = demo.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let mut told = String::new();
    demo.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
    assert_eq!(demo.wait().expect("it ends").code(), Some(1), "{told}");
    assert!(told.contains("interrupted"), "{told}");
    assert_eq!(std::fs::read_dir(&dir).expect("the folder").count(), 0, "nothing is left");
    std::fs::remove_dir(&dir).expect("removed");
    assert!(get(port, "/").is_err(), "and nobody listens");
}
