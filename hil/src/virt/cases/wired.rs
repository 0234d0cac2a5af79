//! The path of real wires, with an emulated machine as the server: a rig file for it, this machine as the peer on a tty,
//! the machine's own watchdog and power switch, and the cases that need no second machine.

use crate::netns::Node::{self, Ha1};
use crate::virt::adapter::Adapter;
use crate::virt::case::Case;
use crate::virt::guest::Guest;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use crate::wires::standin::{self, StandIn};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

pub(super) const SERVER: Case = Case {
    name: "wires",
    about: "one machine as the server of a rig of real wires, this one as the peer at the end of its null-modem",
    everyday: false,
    setup: || Setup::new("250ms", "1", "3", "8").serial_only(19_200),
    story,
};

/// The cases of the other rig that ask something of a machine: its power, its watchdog, its line.
const CASES: [&str; 6] = ["meets", "power", "cut", "noise", "standby", "watchdog"];
/// For one command in the guest; `hbd standby` waits for the peer.
const LIMIT: Duration = Duration::from_secs(20);

fn story(scene: &mut Scene) -> Told<()> {
    let told = |e: std::io::Error| e.to_string();
    scene.boot(Ha1)?;
    let adapter = Adapter::new(scene.rig.relay.path(Node::Ha2.index())).map_err(told)?;
    let evidence = scene.guest(Ha1).path("../wires");
    fs::create_dir_all(&evidence).map_err(told)?;
    let socket = scene.rig.sockets().join("console");
    let file = evidence.join("rig.toml");
    let console = standin::console_command(&socket);
    let text = format!(
        "kind = \"wires\"\nevidence = \".\"\n\n[[server]]\nname = \"ha-1\"\nserial = {:?}\nbaud = 19200\nconfig = {:?}\n\
         console = {:?}\npower_off = {:?}\npower_on = {:?}\nhbd = \"/sbin/hbd\"\nservice = \"192.168.2.50:8080\"\n\
         interface = \"eth0\"\nboot_s = 90\n",
        adapter.path(),
        scene.guest(Ha1).path("etc"),
        format!("{console} run"),
        format!("{console} off"),
        format!("{console} on"),
    );
    fs::write(&file, text).map_err(told)?;
    scene.say(&format!("this machine is the peer: {}", CASES.join(", ")));
    let server = Server(scene.guest(Ha1));
    let words = CASES.map(str::to_owned);
    let net = scene.rig.network.client_net();
    let ended = standin::play(net, &socket, &file, &words, standin::LIMIT, &server)?;
    scene.record.check("every case of the rig of wires", ended.success(), &ended.to_string());
    for case in CASES {
        let verdict = evidence.join("ha-1").join(case).join("verdict.json");
        let verdict: Value = fs::read_to_string(verdict)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let text = |name: &str| verdict.get(name).and_then(Value::as_str).unwrap_or("not said").to_owned();
        let (word, detail) = (text("verdict"), text("detail"));
        // None of these may be skipped here: everything that they need is there.
        scene.record.check(&format!("{case} has passed"), word == "passed", &format!("{word}: {detail}"));
    }
    Ok(())
}

/// The guest, as the stand-in of the other rig.
struct Server<'a>(&'a Guest);

impl StandIn for Server<'_> {
    fn power(&self, on: bool) -> Result<(), String> {
        if on {
            self.0.power_on().map(drop)
        } else {
            self.0.power_off();
            Ok(())
        }
    }

    fn run(&self, command: &str) -> Value {
        match self.0.shell(command, LIMIT) {
            Ok(answer) => json!({ "code": answer.code, "stdout": answer.text }),
            Err(error) => json!({ "code": 255, "stderr": error }),
        }
    }
}
