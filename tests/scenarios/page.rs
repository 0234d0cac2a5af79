//! The page beside a real daemon.

use crate::{SOON, never_both};
use hb_hil::netns::{Builder, Files, Machine, Node};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn get(machine: &Machine, host: &'static str, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    machine.net().run(|| {
        let mut stream = TcpStream::connect((host, 8694))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    })
}

#[test]
fn a_browser_on_the_machine_sees_the_pair_and_nobody_else_does() {
    let page = |files: Files| files.with("page", "8694");
    let Some(rig) = Builder::new("page").edit(page).build() else { return };
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let machine = rig.machine(Node::Ha1);
    rig.wait("the page is there", SOON, || get(machine, "127.0.0.1", "/metrics").is_ok());
    // Who opens a connection and says nothing holds up nobody.
    let idle: Vec<TcpStream> = machine
        .net()
        .run(|| (0..7).map(|_| TcpStream::connect(("127.0.0.1", 8694))).collect())
        .expect("connected");
    let metrics = get(machine, "127.0.0.1", "/metrics").expect("metrics");
    let table = get(machine, "127.0.0.1", "/status.txt").expect("the table");
    assert!(table.starts_with("HTTP/1.0 200 OK"), "{table}");
    assert!(metrics.starts_with("HTTP/1.0 200 OK") && metrics.contains("\nhbd_up 1\n"), "{metrics}");
    let shown = get(machine, "127.0.0.1", "/").expect("the page");
    // The rig has no watchdog, which is the first thing that status says of it.
    assert!(shown.contains("<b>WARNING: the watchdog is not armed"), "{shown}");
    assert!(shown.contains("192.168.2.50"), "{shown}");
    let json = get(machine, "127.0.0.1", "/status.json").expect("JSON");
    let body = json.split("\r\n\r\n").nth(1).expect("a body");
    let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&status["node"], &status["peer"]["state"]), (&"ha-1".into(), &"up".into()), "{status}");
    assert!(get(machine, "127.0.0.1", "/etc/passwd").expect("an answer").starts_with("HTTP/1.0 404"));
    drop(idle);
    // On the loopback alone.
    let other = rig.machine(Node::Ha2);
    assert!(get(other, "192.168.2.2", "/metrics").is_err());
    assert_eq!(rig.hbd(Node::Ha1, &["stop"]).code, Some(0));
    assert!(get(machine, "127.0.0.1", "/metrics").is_err(), "it ends with the daemon");
    never_both(&rig);
}
