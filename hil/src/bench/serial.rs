//! Bytes of a steady heartbeat on the null-modem, delimiters and all, by method of `authkeys`.

use super::row::{Row, Verdict, max, median};
use super::stage;
use crate::netns::{Builder, Chunk, Node, Rig, Stamp, Times};
use std::thread;
use std::time::Duration;

/// The method, its line in `authkeys`, the most bytes allowed.
const METHODS: [(&str, &str, Option<usize>); 4] = [
    ("crc", "auth 1\n1 crc\n", Some(24)),
    ("md5", "auth 3\n3 md5 Hello!\n", Some(36)),
    ("sha1", "auth 2\n2 sha1 HI!\n", Some(36)),
    ("sha256", "auth 4\n4 sha256 HI!\n", None),
];

/// What the epoch is raised to before anything is measured: a pair that has seen many take-overs.
const EPOCH: u64 = 2000;

/// Two links, one group, one ping node; looked at once sequence number and epoch are over 1000.
///
/// # Errors
/// No rig.
pub(super) fn heartbeat() -> Result<Vec<Row>, String> {
    METHODS.into_iter().map(|(method, keys, most)| one(method, keys, most)).collect()
}

fn one(method: &str, keys: &'static str, most: Option<usize>) -> Result<Row, String> {
    let builder = Builder::new("bench serial").times(Times::new("20ms", "300ms", "500ms", "3")).with_serial();
    // At the usual 19200 bit/s a heartbeat takes longer than 20 ms; its bytes are the same.
    let rig = stage::build(builder.edit(move |files| files.with("baud", "115200").with_keys(keys)))?;
    stage::start(&rig);
    age(&rig)?;
    // 1000 beats at 20 ms, and some more.
    thread::sleep(Duration::from_secs(23));
    let at = Stamp::now();
    thread::sleep(Duration::from_secs(5));
    let lengths = beats(&rig.serial().log(at), Node::Ha1.index());
    if lengths.is_empty() {
        return Err("nothing was sent on the null-modem".to_owned());
    }
    let epoch = rig.status(Node::Ha1).map_or(0, |s| s.epoch());
    if epoch <= 1000 {
        return Err(format!("the epoch is {epoch}, wanted one over 1000"));
    }
    let value = format!("{:.0} bytes, at most {:.0} (n={})", median(&lengths), max(&lengths), lengths.len());
    let verdict = most.map_or(Verdict::Shown, |most| Verdict::of(max(&lengths) <= most as f64));
    let bar = most.map_or_else(String::new, |most| format!("<= {most} bytes"));
    let note = format!("2 links, 1 group, 1 ping node, sequence over 1000, epoch {epoch}");
    Ok(Row::new(&format!("steady heartbeat on the serial wire, {method}"), &bar, value, verdict)
        .note(note)
        .samples(&lengths))
}

/// Both nodes get a life behind them in which the epoch rose over 1000.
fn age(rig: &Rig) -> Result<(), String> {
    for node in [Node::Ha2, Node::Ha1] {
        let said = rig.hbd(node, &["stop"]);
        if said.code != Some(0) {
            return Err(format!("hbd stop: exit {:?} {}", said.code, said.stderr.trim()));
        }
    }
    for node in Node::BOTH {
        let old = aged(&rig.machine(node).read("lib/state"));
        rig.machine(node).write("lib/state", &old);
    }
    stage::start(rig);
    Ok(())
}

/// A state file with all of its epochs at [`EPOCH`], and the checksum that goes with it.
fn aged(state: &str) -> String {
    let mut text = String::new();
    for line in state.lines().filter(|line| !line.starts_with("crc ")) {
        match line.strip_prefix("epoch ").and_then(|rest| rest.split_once(' ')) {
            Some((group, _)) => text += &format!("epoch {group} {EPOCH}\n"),
            None => text += &format!("{line}\n"),
        }
    }
    let crc = crc32(text.as_bytes());
    text + &format!("crc {crc:08x}\n")
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// The lengths of the frames that one end sent: the bytes are cut behind each delimiter that follows other bytes.
fn beats(log: &[Chunk], from: usize) -> Vec<f64> {
    let bytes: Vec<u8> =
        log.iter().filter(|c| c.from == from).flat_map(|c| c.bytes.iter().copied()).collect();
    let mut lengths = Vec::new();
    let (mut length, mut body) = (0usize, false);
    for byte in bytes {
        length += 1;
        if byte != 0 {
            body = true;
        } else if body {
            lengths.push(length as f64);
            (length, body) = (0, false);
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aged_state_has_its_checksum() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let old = aged("hbd-state 1\ncounter 42\nepoch 1a2b3c4d 17\ncrc 0badcafe\n");
        let body = "hbd-state 1\ncounter 42\nepoch 1a2b3c4d 2000\n";
        assert_eq!(old, format!("{body}crc {:08x}\n", crc32(body.as_bytes())));
    }

    #[test]
    fn both_delimiters_count() {
        let chunk = |bytes: &[u8]| Chunk { at: Stamp(0), from: 0, bytes: bytes.to_vec(), delivered: true };
        let log = [chunk(&[0, 1, 2, 3, 0, 0, 4]), chunk(&[5, 0]), Chunk { from: 1, ..chunk(&[0, 9, 0]) }];
        assert_eq!(beats(&log, 0), [5.0, 4.0]);
    }
}
