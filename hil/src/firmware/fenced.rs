//! The fence of the emulated board: who asks as he should gets one pulse, seen in QEMU's trace of the outputs; nobody else gets
//! any, whatever comes in and however often the board is reset. The highest mark of the stack is read at the end.

use super::mcu::Mcu;
use super::node::{ARM, LIMIT, Node};
use super::weigh;
use crate::paths;
use crate::test::Outcome;
use hb_core::Side;
use hb_serial_bridge::fence::{Fate, HOLD, Named, Refusal, Word};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bursts of noise and of damaged or replayed requests behind each reset.
const BURSTS: u32 = 10;

/// Runs it, with so many resets of the board.
///
/// # Errors
/// What did not hold.
pub(super) fn run(image: &Path, resets: u32) -> Outcome {
    let dir = paths::scratch("firmware/fenced")?;
    for entry in fs::read_dir(&dir).map_err(|e| e.to_string())?.flatten() {
        fs::remove_file(entry.path()).map_err(|e| e.to_string())?;
    }
    let told = |e: std::io::Error| format!("the emulated board: {e}");
    let mut mcu = Mcu::start(image, &dir).map_err(told)?;
    let [a, b] = mcu.ports().map_err(told)?;
    let (mut a, mut b) = (Node::new(a, Side::Even)?, Node::new(b, Side::Odd)?);
    a.catches_up()?;
    b.catches_up()?;
    let pulse = asked_for(&mut a, &mut b, &dir)?;
    let stack = weigh::stack(image, &mut mcu)?;
    cut_short(&mut mcu, &mut a, &mut b, &dir)?;
    // Nothing moves from here on.
    let before = edges(&dir)?.len();
    let nonce = b.arm()?;
    let fire = Word::Fire { nonce, victim: Named { boot: 8, counter: 4 } };
    // Of a start that is over: what stood armed then is not armed now.
    restart(&mut mcu, &dir)?;
    b.catches_up()?;
    expect(b.asks(fire)?, not_armed(nonce))?;
    let recorded = [std::mem::take(&mut a.recorded), std::mem::take(&mut b.recorded)];
    let mut dice = 0x2545_F491_4F6C_DD1D_u64;
    let mut bursts = 0;
    for n in 0..resets {
        restart(&mut mcu, &dir)?;
        for burst in 0..BURSTS / 2 {
            for (node, bytes) in [&mut a, &mut b].into_iter().zip(&recorded) {
                node.write(&noise(&mut dice, (n + burst) % 3, bytes))?;
                bursts += 1;
            }
        }
        a.catches_up()?;
        b.catches_up()?;
    }
    let stack = stack.max(weigh::stack(image, &mut mcu)?);
    drop(mcu);
    let moved = edges(&dir)?.split_off(before);
    if !moved.is_empty() {
        return Err(format!("an output moved under noise or by a reset: {moved:?}"));
    }
    Ok(format!(
        "one pulse of {pulse} ms for whom it was due, no edge at {resets} resets and {bursts} bursts of noise; {stack} bytes of {} of stack used",
        weigh::STACK
    ))
}

/// What is refused makes no edge; what is taken makes two. Gives the length of the pulse by the board's clock, in milliseconds.
fn asked_for(a: &mut Node, b: &mut Node, dir: &Path) -> Result<u64, String> {
    let victim = Named { boot: 7, counter: 3 };
    let challenge = [1, 2, 3, 4];
    a.hello(victim.boot, victim.counter)?;
    b.hello(9, 5)?;
    // Neither is silent: the bridge has only just begun to listen, and hears both.
    a.catches_up()?;
    expect(b.asks(ARM)?, Word::Refused { challenge, why: Refusal::Heard })?;
    // A fire that was on its way for too long.
    let nonce = b.arm()?;
    std::thread::sleep(Duration::from_millis(700));
    expect(b.asks(Word::Fire { nonce, victim })?, not_armed(nonce))?;
    // A garbled one, in each of its bytes, and one with another nonce: not one is answered by a pulse.
    let nonce = b.arm()?;
    let line = b.line(Word::Fire { nonce, victim })?;
    for at in 0..line.len() {
        let mut bad = line.clone();
        bad[at] ^= 0x20;
        b.write(&bad)?;
    }
    let mut other = nonce;
    other[7] ^= 1;
    expect(b.asks(Word::Fire { nonce: other, victim })?, not_armed(other))?;
    let moved = edges(dir)?;
    if !moved.is_empty() {
        return Err(format!("an output moved for a request that was refused: {moved:?}"));
    }
    // One that came in time. On a machine that stands still meanwhile it may not be in time: then again.
    let nonce = fired(b, victim)?;
    expect(b.told()?, Word::Fate { nonce, fate: Fate::Watched })?;
    // The same one again makes no second pulse.
    expect(b.asks(Word::Fire { nonce, victim })?, Word::Fate { nonce, fate: Fate::Watched })?;
    a.hello(8, 4)?;
    expect(b.told()?, Word::Fate { nonce, fate: Fate::Returned })?;
    let moved = edges(dir)?;
    if !matches!(&moved[..], [on, off] if on.ends_with("0 to 1") && off.ends_with("0 to 0")) {
        return Err(format!("not one pulse of one output: {moved:?}"));
    }
    pulse(dir)
}

/// Resets the board, and waits for its new start: what is written before that is for the old one.
fn restart(mcu: &mut Mcu, dir: &Path) -> Result<(), String> {
    let starts = || fs::read_to_string(dir.join("log0")).map(|log| log.matches("start, cause").count());
    let told = |e: std::io::Error| format!("the emulated board: {e}");
    let before = starts().map_err(told)?;
    mcu.reset().map_err(told)?;
    let began = Instant::now();
    while starts().map_err(told)? <= before {
        if began.elapsed() > LIMIT {
            return Err("the board does not start after a reset".to_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The board is reset in the middle of a pulse: that ends it, and nothing goes on again.
fn cut_short(mcu: &mut Mcu, a: &mut Node, b: &mut Node, dir: &Path) -> Result<(), String> {
    let before = edges(dir)?.len();
    fired(b, Named { boot: 8, counter: 4 })?;
    restart(mcu, dir)?;
    a.catches_up()?;
    b.catches_up()?;
    std::thread::sleep(Duration::from_millis(HOLD.as_millis()));
    let moved = edges(dir)?.split_off(before);
    if moved.iter().filter(|edge| edge.ends_with("0 to 1")).count() != 1 {
        return Err(format!("a reset in the middle of a pulse: {moved:?}"));
    }
    a.hello(8, 4)?;
    b.hello(9, 5)
}

/// Arms and fires at `victim` until that is taken; the nonce.
pub(super) fn fired(b: &mut Node, victim: Named) -> Result<[u8; 8], String> {
    let began = Instant::now();
    loop {
        let nonce = b.arm()?;
        match b.asks(Word::Fire { nonce, victim })? {
            Word::Fate { fate: Fate::Held, .. } => return Ok(nonce),
            other if began.elapsed() > LIMIT => return Err(format!("no fire was taken: {other:?}")),
            _ => {}
        }
    }
}

const fn not_armed([a, b, c, d, ..]: [u8; 8]) -> Word {
    Word::Refused { challenge: [a, b, c, d], why: Refusal::NotArmed }
}

fn expect(found: Word, wanted: Word) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("the board said {found:?}, wanted {wanted:?}")) }
}

/// Every edge of an output so far.
fn edges(dir: &Path) -> Result<Vec<String>, String> {
    let trace = fs::read_to_string(dir.join("trace0")).map_err(|e| format!("QEMU's trace: {e}"))?;
    if !trace.contains("pl061_write") {
        return Err(format!("QEMU traces no GPIO:\n{trace}"));
    }
    Ok(trace.lines().filter(|line| line.contains("pl061_set_output")).map(str::to_owned).collect())
}

/// How long the first pulse was, by the board's log.
fn pulse(dir: &Path) -> Result<u64, String> {
    let log = fs::read_to_string(dir.join("log0")).map_err(|e| format!("the board's log: {e}"))?;
    let at = |text: &str| -> Result<u64, String> {
        let line = log.lines().find(|line| line.ends_with(text));
        let word = line.and_then(|line| line.split(' ').next()).ok_or(format!("no {text}: {log}"))?;
        word.parse().map_err(|_| format!("no time: {log}"))
    };
    let length = at("reset a, b 0 0")? - at("reset a, b 1 0")?;
    let wanted = HOLD.as_millis();
    // The board's own clock; one that is emulated on a busy machine may lose a turn of its loop.
    if (wanted..wanted + 250).contains(&length) {
        Ok(length)
    } else {
        Err(format!("a pulse of {length} ms, wanted {wanted}:\n{log}"))
    }
}

/// A burst: random bytes, what was recorded as it was, or that damaged.
fn noise(dice: &mut u64, kind: u32, recorded: &[u8]) -> Vec<u8> {
    let mut next = || {
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        *dice
    };
    match kind {
        0 => (0..64).map(|_| if next().is_multiple_of(9) { 0 } else { (next() >> 32) as u8 }).collect(),
        1 => recorded.to_vec(),
        _ => {
            let mut bytes = recorded.to_vec();
            for _ in 0..8 {
                let at = next() as usize % bytes.len();
                bytes[at] ^= 1 << (next() % 8);
            }
            bytes
        }
    }
}
