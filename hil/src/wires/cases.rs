//! The cases that need one server and a played peer. Each begins with the server holding and both up.

use super::bench::{Answer, Bench, Verdict};
use super::peer::{Line, Peer};
use crate::netns::Stamp;
use hb_core::message::GroupState::{Held, Idle};
use hb_core::{Command, Scope};
use std::time::Duration;

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// For the command line and the evidence.
    pub name: &'static str,
    /// In a line.
    pub about: &'static str,
    pub(super) run: fn(&mut Bench) -> Answer,
}

/// All of them, in the order in which they run.
pub const CASES: &[Case] = &[
    Case { name: "meets", about: "the two meet, and the preferred server holds", run: meets },
    Case { name: "power", about: "power off, take-over, power on, return", run: power },
    Case { name: "silent", about: "the daemon stands still and goes on", run: silent },
    Case { name: "killed", about: "the daemon is killed and started again", run: killed },
    Case { name: "cut", about: "the cable is cut and mended", run: cut },
    Case { name: "one-way", about: "one wire of the cable is cut", run: one_way },
    Case { name: "noise", about: "noise on the line", run: noise },
    Case { name: "peer-lost", about: "the peer loses its power and comes back", run: peer_lost },
    Case { name: "stop", about: "ordered stop", run: stop },
    Case { name: "standby", about: "standby, and back by take-over", run: standby },
    Case { name: "takeover", about: "the peer takes, and gives back", run: takeover },
    Case { name: "watchdog", about: "the daemon stands still and the watchdog resets", run: watchdog },
];

/// What a busy test machine may add to any measured time.
const SLACK: Duration = Duration::from_millis(700);
/// For scripts.
const SCRIPTS: Duration = Duration::from_secs(15);

fn meets(b: &mut Bench) -> Answer {
    let (_, deadtime) = b.times();
    b.stays("nobody moves", deadtime * 2, |b| b.server_is("held", "up") && b.peer_is(Idle))?;
    let rtt = b.peer()?.status().and_then(|s| s.links.first().and_then(|l| l.rtt));
    let rtt = rtt.ok_or_else(|| Verdict::Failed("no round trip was measured".to_owned()))?;
    Ok(format!("round trip {:.1} ms", rtt.as_micros() as f64 / 1000.0))
}

/// The peer takes over within the deadtime of the silence that began at `since`.
fn taken_over(b: &Bench, since: Stamp) -> Result<Duration, String> {
    taken_within(b, since, Duration::ZERO)
}

/// The same of a silence that began up to `later` after `since`.
fn taken_within(b: &Bench, since: Stamp, later: Duration) -> Result<Duration, String> {
    let (_, deadtime) = b.times();
    b.wait("the peer holds", deadtime + SLACK + SCRIPTS, |b| b.peer_is(Held))?;
    let began = b.peer_began(since).ok_or("the peer holds and never began")?;
    let after = began.since(since);
    if after > deadtime + SLACK + later {
        return Err(format!("the peer took over only after {:.3} s", after.as_secs_f64()));
    }
    Ok(after)
}

/// As [`taken_over`], and not before the deadtime less a keepalive and what was on its way had passed.
fn taken_after_silence(b: &Bench, since: Stamp) -> Result<Duration, String> {
    let (keepalive, deadtime) = b.times();
    let after = taken_over(b, since)?;
    if after + keepalive * 2 < deadtime {
        return Err(format!("the peer took over after {:.3} s already", after.as_secs_f64()));
    }
    Ok(after)
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

fn power(b: &mut Bench) -> Answer {
    if let Some(why) = b.server.no_power_switch() {
        return Err(Verdict::Skipped(why));
    }
    let at = b.note("power off");
    b.server.power(false)?;
    // The switch takes its time, some seconds if it is asked over a network: the silence begins between the two.
    let took = b.note("power is off").since(at);
    let after = taken_within(b, at, took)?.saturating_sub(took);
    b.note("power on");
    b.server.power(true)?;
    b.settle()?;
    let overlap = b.overlap(at);
    if !overlap.is_zero() {
        return Err(Verdict::Failed(format!("both served for {}", seconds(overlap))));
    }
    Ok(format!("taken over after {}, both at once never", seconds(after)))
}

fn silent(b: &mut Bench) -> Answer {
    if let Some(status) = b.server.status()
        && status.number("/watchdog/timeout_s").is_some()
    {
        return Err(Verdict::Skipped(
            "the watchdog would reset the server: see the case watchdog".to_owned(),
        ));
    }
    let pid = b.server.daemon()?;
    let at = b.note("SIGSTOP");
    b.server.run(&format!("kill -STOP {pid}"))?;
    let after = taken_after_silence(b, at)?;
    let resumed = b.note("SIGCONT");
    b.server.run(&format!("kill -CONT {pid}"))?;
    let (_, deadtime) = b.times();
    // The stalled one yields to the newer claim; then the service may go home.
    let limit = deadtime * 2 + SCRIPTS;
    b.wait("the server has let go", limit, |b| b.server_is("idle", "up"))?;
    let overlap = b.overlap(resumed);
    b.settle()?;
    Ok(format!(
        "taken over after {}; without a watchdog both served for {} after the resumption",
        seconds(after),
        seconds(overlap)
    ))
}

fn killed(b: &mut Bench) -> Answer {
    let pid = b.server.daemon()?;
    let at = b.note("kill -9");
    b.server.run(&format!("kill -9 {pid}"))?;
    let after = taken_after_silence(b, at)?;
    b.settle()?;
    Ok(format!("taken over after {}, home again after the restart", seconds(after)))
}

fn cut(b: &mut Bench) -> Answer {
    let at = b.note("the cable is cut");
    b.peer()?.set_line(Line { deaf_server: true, deaf_peer: true, ..Line::default() });
    let after = taken_after_silence(b, at)?;
    let (_, deadtime) = b.times();
    b.wait("the server sees the peer dead", deadtime + SLACK, |b| b.server_is("held", "dead"))?;
    let mended = b.note("the cable is mended");
    b.peer()?.set_line(Line::default());
    // One of the two keeps running without a gap, the other one stops.
    let settled = b.wait("one of them holds", deadtime + SCRIPTS, |b| {
        (b.server_is("held", "up") && b.peer_is(Idle)) || (b.server_is("idle", "up") && b.peer_is(Held))
    })?;
    b.settle()?;
    Ok(format!(
        "both held after {}; one again {} after the mending",
        seconds(after),
        seconds(settled.since(mended))
    ))
}

fn one_way(b: &mut Bench) -> Answer {
    let (_, deadtime) = b.times();
    b.note("the wire to the server is cut");
    b.peer()?.set_line(Line { deaf_server: true, ..Line::default() });
    b.wait("the server sees the peer dead", deadtime * 2 + SLACK, |b| b.server_is("held", "dead"))?;
    // The peer hears a holder that does not hear it: it must not claim.
    b.stays("the peer claims nothing", deadtime * 2, |b| b.peer_is(Idle) && b.server_is("held", "dead"))?;
    b.note("mended");
    b.peer()?.set_line(Line::default());
    b.settle()?;
    Ok("the peer, which hears the holder, claimed nothing".to_owned())
}

fn noise(b: &mut Bench) -> Answer {
    let before = b.server.status().map_or(0, |s| s.counted("bad"));
    b.note("noise: one bit in one of 200 bytes, both ways");
    b.peer()?.set_line(Line { noise_one_in: 200, ..Line::default() });
    let time = Duration::from_secs(8).max(b.times().1 * 3);
    let whole = |b: &Bench| b.server.status().is_some_and(|s| s.group() == "held") && b.peer_is(Idle);
    let counts = |b: &Bench| {
        let bad = b.server.status().map_or(0, |s| s.counted("bad")).saturating_sub(before);
        let theirs = b.peer().ok().and_then(Peer::status);
        (bad, theirs.and_then(|s| s.links.first().map(|l| l.bad)).unwrap_or(0))
    };
    // A beat is hit once in eight: a slow keepalive gives chance fewer of them.
    let (mut rounds, mut hit) = (0, (0, 0));
    while rounds < 6 && (hit.0 == 0 || hit.1 == 0) {
        b.stays("the server holds and the peer idles", time, whole)?;
        (rounds, hit) = (rounds + 1, counts(b));
    }
    let (bad, theirs) = hit;
    b.peer()?.set_line(Line::default());
    if bad == 0 || theirs == 0 {
        return Err(Verdict::Failed(format!("{bad} and {theirs} bad frames: there was no noise")));
    }
    Ok(format!("{bad} bad frames at the server, {theirs} at the peer, nothing moved"))
}

fn peer_lost(b: &mut Bench) -> Answer {
    let (_, deadtime) = b.times();
    b.stop_peer();
    let at = Stamp::now();
    let dead = b.wait("the server sees the peer dead", deadtime + SLACK, |b| b.server_is("held", "dead"))?;
    b.settle()?;
    Ok(format!("seen dead after {}, served on, met again", seconds(dead.since(at))))
}

fn stop(b: &mut Bench) -> Answer {
    let at = b.note("hbd stop");
    let output = b.server.hbd("stop")?;
    if output.code != Some(0) {
        return Err(Verdict::Failed(format!(
            "hbd stop: {:?} {}{}",
            output.code, output.stdout, output.stderr
        )));
    }
    let (keepalive, _) = b.times();
    let stopped = b.note("the daemon has ended");
    b.wait("the peer holds", keepalive + SLACK, |b| b.peer_is(Held))?;
    let overlap = b.overlap(at);
    if !overlap.is_zero() {
        return Err(Verdict::Failed(format!("both served for {}", seconds(overlap))));
    }
    let began = b.peer_began(at).ok_or("the peer holds and never began".to_owned())?;
    b.settle()?;
    let gap = began.since(at);
    Ok(format!("stopped in {}, the peer served {} after the order", seconds(stopped.since(at)), seconds(gap)))
}

fn standby(b: &mut Bench) -> Answer {
    let at = b.note("hbd standby");
    let output = b.server.hbd("standby")?;
    if output.code != Some(0) {
        return Err(Verdict::Failed(format!("hbd standby: {:?} {}", output.code, output.stderr)));
    }
    b.wait("the peer holds and the server idles", SCRIPTS, |b| b.peer_is(Held) && b.server_is("idle", "up"))?;
    let (_, deadtime) = b.times();
    b.stays("an order stands", deadtime * 2, |b| b.peer_is(Held) && b.server_is("idle", "up"))?;
    let output = b.server.hbd("takeover")?;
    if output.code != Some(0) {
        return Err(Verdict::Failed(format!("hbd takeover: {:?} {}", output.code, output.stderr)));
    }
    b.wait("the server holds again", SCRIPTS, |b| b.server_is("held", "up") && b.peer_is(Idle))?;
    never_both(b, at)
}

fn takeover(b: &mut Bench) -> Answer {
    let at = b.note("the peer is ordered to take");
    let refused = |r| Verdict::Failed(format!("the peer refuses: {r:?}"));
    b.peer()?.command(Command::Takeover(Scope::All)).map_err(refused)?;
    b.wait("the peer holds", SCRIPTS, |b| b.peer_is(Held) && b.server_is("idle", "up"))?;
    b.peer()?.command(Command::Standby(Scope::All)).map_err(refused)?;
    b.wait("the server holds", SCRIPTS, |b| b.server_is("held", "up") && b.peer_is(Idle))?;
    never_both(b, at)
}

fn never_both(b: &Bench, since: Stamp) -> Answer {
    let overlap = b.overlap(since);
    if overlap.is_zero() {
        Ok("there and back, both at once never".to_owned())
    } else {
        Err(Verdict::Failed(format!("both served for {}", seconds(overlap))))
    }
}

fn watchdog(b: &mut Bench) -> Answer {
    let Some(timeout) = b.server.status().and_then(|s| s.number("/watchdog/timeout_s")) else {
        return Err(Verdict::Skipped("the server has no armed watchdog".to_owned()));
    };
    let boot = |b: &Bench| b.server.run("cat /proc/sys/kernel/random/boot_id").map(|o| o.stdout);
    let first = boot(b)?;
    let pid = b.server.daemon()?;
    let at = b.note("SIGSTOP");
    b.server.run(&format!("kill -STOP {pid}"))?;
    let after = taken_after_silence(b, at)?;
    std::thread::sleep(Duration::from_secs(timeout));
    b.server.wait_console()?;
    b.wait("the server has booted anew", Duration::from_secs(b.server.file.boot_s), |b| {
        boot(b).is_ok_and(|now| !now.trim().is_empty() && now != first)
    })?;
    let overlap = b.overlap(at);
    b.settle()?;
    if !overlap.is_zero() {
        return Err(Verdict::Failed(format!("both served for {}", seconds(overlap))));
    }
    Ok(format!("taken over after {}, reset by its watchdog, both at once never", seconds(after)))
}
