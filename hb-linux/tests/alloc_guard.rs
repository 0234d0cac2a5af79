//! Is the allocation guard armed wherever the loop passes? A byte is allocated on purpose at each place in turn, by Rust
//! and by the C library; the daemon must end there, and must not without it.
#![cfg(feature = "alloc-guard")]

use hb_linux::tested::pty;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const ABORT: i32 = 6;

/// One node without a peer: it cleans up, waits for `initdead`, claims, and serves.
struct Lonely {
    dir: PathBuf,
    child: Child,
    _line: hb_linux::tested::Fd,
}

impl Lonely {
    fn start(name: &str, plant: Option<&str>) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-guard-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("etc/resource.d")).unwrap();
        let (line, device) = pty::open().unwrap();
        let shown = dir.display();
        let ha_cf = format!(
            "debugfile {shown}/debug\nlogfile {shown}/log\nkeepalive 100ms\nwarntime 300ms\ndeadtime 500ms\n\
             initdead 700ms\nbaud 115200\nserial {}\nnode ha-1\nnode ha-2\n",
            device.to_str().unwrap()
        );
        let script = "#!/bin/sh\nd=${0%/*}/../..\ncase $1 in\nstart) touch $d/up;;\nstop) rm -f $d/up;;\n\
                      status) [ -e $d/up ] && echo running || echo stopped;;\nesac\n";
        let put = |place: &str, text: &str, mode| {
            fs::write(dir.join(place), text).unwrap();
            fs::set_permissions(dir.join(place), fs::Permissions::from_mode(mode)).unwrap();
        };
        put("etc/ha.cf", &ha_cf, 0o644);
        put("etc/haresources", "ha-1 svc\n", 0o644);
        put("etc/authkeys", "auth 1\n1 sha1 secret\n", 0o600);
        put("etc/resource.d/svc", script, 0o755);
        let said = fs::File::create(dir.join("said")).unwrap();
        let mut command = hbd(&dir, &["run", "--foreground"]);
        command.stdout(Stdio::null()).stderr(said);
        if let Some(plant) = plant {
            command.env("HBD_PLANT", plant);
        }
        let child = command.spawn().unwrap();
        Self { dir, child, _line: line }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dir.join("said")).unwrap_or_default()
    }

    /// How it ended; while it runs, `poke` is called again and again.
    fn end(&mut self, poke: impl Fn(&Path)) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            poke(&self.dir);
            thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Lonely {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn hbd(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
    command.args(words).arg("--config-dir").arg(dir.join("etc")).args(["--node", "ha-1"]);
    command.arg("--state-dir").arg(dir.join("state")).arg("--run-dir").arg(dir.join("run"));
    command.stdin(Stdio::null());
    command
}

fn ask(dir: &Path, word: &str) -> String {
    let output = hbd(dir, &[word]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_allocation_anywhere_in_the_loop_ends_the_daemon() {
    let places =
        ["round", "transmit", "persist", "run-script", "script-ended", "report", "request", "reload", "exit"];
    let plants = places.iter().flat_map(|place| [(*place).to_owned(), format!("c-{place}")]);
    for pair in plants.collect::<Vec<_>>().chunks(3) {
        thread::scope(|scope| {
            for plant in pair {
                scope.spawn(move || {
                    let mut node = Lonely::start(plant, Some(plant));
                    let status = node.end(|dir| match plant.trim_start_matches("c-") {
                        "request" => drop(ask(dir, "status")),
                        "reload" => drop(ask(dir, "reload")),
                        "exit" => drop(ask(dir, "stop")),
                        _ => {}
                    });
                    let said = node.said();
                    assert_eq!(status.and_then(|s| s.signal()), Some(ABORT), "{plant}: {status:?} {said}");
                    assert!(said.contains("alloc-guard: memory was allocated"), "{plant}: {said}");
                });
            }
        });
    }
}

#[test]
fn without_one_it_serves_and_stops_in_order() {
    for plant in [None, Some("no-such-place")] {
        let mut node = Lonely::start(plant.unwrap_or("none"), plant);
        let begun = Instant::now();
        while !ask(&node.dir, "status").contains("held") {
            assert!(begun.elapsed() < PATIENCE, "{}", node.said());
            thread::sleep(Duration::from_millis(50));
        }
        ask(&node.dir, "reload");
        // Some beats in steady service.
        thread::sleep(Duration::from_secs(1));
        let status = node.end(|dir| drop(ask(dir, "stop")));
        assert_eq!(status.and_then(|s| s.code()), Some(0), "{}", node.said());
        assert!(!node.said().contains("alloc-guard"), "{}", node.said());
    }
}
