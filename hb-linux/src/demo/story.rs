//! What happens in the demo, in order, and what is said about it at the end.

use super::client::{Client, Meter};
use super::files::{DEADTIME_MS, KEEPALIVE_MS, NAMES, TempDir, hex};
use super::nodes::{Common, Node};
use super::nullmodem::NullModem;
use super::processes;
use super::service;
use super::stage::{Beside, Failure, LIMIT, Out, Stage, seconds};
use super::timeline::{Timeline, Tone};
use crate::sys::clock::Clock;
use crate::sys::signal::Signals;
use crate::sys::{Errno, random, tcp, udp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::Duration;

/// A result for the table at the end: what happened, and how long the client went without an answer.
type Row = (&'static str, Option<Duration>);

/// Make everything that must be there before the first daemon starts.
pub(super) fn prepare(out: Out, ansi: bool) -> Result<Stage, String> {
    let hbd = std::fs::read_link("/proc/self/exe").map_err(|why| fault("/proc/self/exe", why.into()))?;
    let signals = Signals::install().map_err(|why| fault("signals", why))?;
    let temp = TempDir::new()?;
    let cable = NullModem::new().map_err(|why| fault("pseudo-terminal (is /dev/pts mounted?)", why))?;
    let mut key = [0; 16];
    random::fill(&mut key).map_err(|why| fault("/dev/urandom", why))?;
    let tcp_port = free_port(&|port| tcp::listen(service::address(port)).map(drop))?;
    let udp_port = free_port(&|port| {
        udp::open().and_then(|fd| udp::bind(&fd, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)))
    })?;
    let common = Common { hbd, port: tcp_port, udp_port, key: hex(&key) };
    let node = |index| Node::new(index, temp.path(), cable.device(index), &common);
    let nodes = [node(0)?, node(1)?];
    let mut clock = Clock::start();
    let start = clock.now();
    Ok(Stage {
        clock,
        signals,
        cable,
        nodes,
        client: Client::new(tcp_port, start),
        meter: Meter::default(),
        timeline: Timeline::new(out, ansi, start),
        end: start.plus(LIMIT),
        commands: Vec::new(),
        beside: Beside::default(),
        temp,
    })
}

fn fault(what: &str, why: Errno) -> String {
    format!("{what}: {why}")
}

/// A port that is free, from below those that the kernel gives to the client's own ends: with one of those, a client
/// that finds nobody could meet itself.
fn free_port(try_it: &dyn Fn(u16) -> Result<(), Errno>) -> Result<u16, String> {
    for _ in 0..64 {
        let mut two = [0; 2];
        random::fill(&mut two).map_err(|why| fault("/dev/urandom", why))?;
        let port = 10_000 + u16::from_le_bytes(two) % 10_000;
        match try_it(port) {
            Ok(()) => return Ok(port),
            Err(Errno::ADDRESS_IN_USE | Errno::ACCESS) => {}
            Err(why) => return Err(fault("port on the loopback interface", why)),
        }
    }
    Err(String::from("no free port between 10000 and 19999 on the loopback interface"))
}

/// Tell the whole story. Afterwards no process of it is alive.
pub(super) fn tell(stage: &mut Stage) -> Result<(), Failure> {
    introduce(stage);
    let up = start_both(stage)?;
    let rows = [
        ("power loss of the holder (kill -9, both lines silent)", power_loss(stage)?),
        ("its return, and failback to it", power_return(stage)?),
        ("null-modem pulled out for 2 s, UDP goes on", pull_cable(stage)?),
        ("hbd standby on the holder", standby(stage)?),
        ("hbd stop on the holder", ordered_stop(stage)?),
    ];
    finish(stage)?;
    sum_up(stage, up, &rows);
    Ok(())
}

fn introduce(stage: &mut Stage) {
    stage.timeline.text(format_args!(
        "hbd demo: two daemons on this machine, in {dir}\n\
         joined by a null-modem (two ptys) and UDP on lo; keepalive {KEEPALIVE_MS} ms, deadtime {DEADTIME_MS} ms.\n\
         One service behind an init script, at http://{address}/; a client asks it every\n\
         10 ms. A row is a second, a mark 50 ms: | answered, x not answered.\n",
        dir = stage.temp.path().display(),
        address = stage.client.address(),
    ));
}

/// The index of the preferred node, and of the other one.
const ONE: usize = 0;
const TWO: usize = 1;
/// How long each state is left alone, to be looked at.
const REST: Duration = Duration::from_millis(3000);

fn power_on(stage: &mut Stage, index: usize) -> Result<(), Failure> {
    stage.cable.set_power(index, true);
    if let Some(node) = stage.nodes.get_mut(index) {
        node.power_on()?;
    }
    Ok(())
}

fn command(stage: &mut Stage, index: usize, words: &[&str]) -> Result<(), Failure> {
    let now = stage.clock.now();
    let Some(node) = stage.nodes.get_mut(index) else { return Ok(()) };
    let text = format!("hbd {} on {}", words.join(" "), node.name);
    stage.timeline.event(now, Tone::Bold, format_args!("{text}"));
    let pid = node.command(words)?;
    stage.commands.push((pid, text));
    Ok(())
}

/// The longest time without service since the last call.
fn outage(stage: &mut Stage) -> Option<Duration> {
    stage.meter.take_worst().map(super::client::Outage::length)
}

fn start_both(stage: &mut Stage) -> Result<Duration, Failure> {
    let start = stage.clock.now();
    stage.timeline.chapter(start, "Both nodes start; ha-1 is the preferred one");
    power_on(stage, ONE)?;
    power_on(stage, TWO)?;
    let up = stage.until(10, "both nodes up and the service on ha-1", &|s| s.serves(ONE) && both_up(s))?;
    stage.pass(REST)?;
    Ok(stage.meter.first_good().unwrap_or(up).since(start))
}

fn both_up(stage: &Stage) -> bool {
    stage.nodes.iter().all(Node::is_up)
}

fn power_loss(stage: &mut Stage) -> Result<Option<Duration>, Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "Power loss: somebody pulls the plug of ha-1");
    stage.cable.set_power(ONE, false);
    let killed = stage.nodes.get_mut(ONE).map_or(0, Node::power_off);
    let now = stage.clock.now();
    let text = format_args!("kill -9: all {killed} processes of ha-1: daemon, helper, service");
    stage.timeline.event(now, Tone::Bold, text);
    stage.until(10, "the service on ha-2 after the power loss of ha-1", &|s| s.serves(TWO))?;
    let gap = outage(stage);
    stage.pass(REST)?;
    Ok(gap)
}

fn power_return(stage: &mut Stage) -> Result<Option<Duration>, Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "Power is back: ha-1 joins, and takes its service back");
    power_on(stage, ONE)?;
    stage.until(10, "failback of the service to ha-1", &|s| s.serves(ONE) && both_up(s))?;
    stage.pass(REST)?;
    Ok(outage(stage))
}

fn pull_cable(stage: &mut Stage) -> Result<Option<Duration>, Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "The null-modem is pulled out for 2 s: nothing may move");
    stage.cable.set_plugged(false);
    stage.timeline.event(now, Tone::Bold, format_args!("null-modem out"));
    stage.pass(Duration::from_secs(2))?;
    if !stage.serves(ONE) {
        return Err(Failure::from("the service moved because of one link of two"));
    }
    stage.cable.set_plugged(true);
    let now = stage.clock.now();
    stage.timeline.event(now, Tone::Bold, format_args!("null-modem in again"));
    stage
        .until(5, "the serial link up again", &|s| s.nodes.iter().all(|n| n.hears("serial") == Some(true)))?;
    stage.pass(Duration::from_secs(1))?;
    Ok(outage(stage))
}

fn standby(stage: &mut Stage) -> Result<Option<Duration>, Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "The operator moves the service to ha-2");
    command(stage, ONE, &["standby"])?;
    stage.until(10, "the service on ha-2 after hbd standby", &|s| s.serves(TWO) && s.commands.is_empty())?;
    stage.pass(REST)?;
    Ok(outage(stage))
}

fn ordered_stop(stage: &mut Stage) -> Result<Option<Duration>, Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "The daemon of ha-2 is stopped in order: ha-1 does not wait for deadtime");
    command(stage, TWO, &["stop"])?;
    stage.until(10, "the service on ha-1 after hbd stop on ha-2", &|s| {
        s.serves(ONE) && s.commands.is_empty()
    })?;
    stage.cable.set_power(TWO, false);
    stage.pass(Duration::from_millis(1500))?;
    Ok(outage(stage))
}

/// Stop what still runs, in order, and see that nothing is left.
fn finish(stage: &mut Stage) -> Result<(), Failure> {
    let now = stage.clock.now();
    stage.timeline.chapter(now, "The end: ha-1 is stopped too, and the service with it");
    command(stage, ONE, &["stop"])?;
    let off = |s: &Stage| s.commands.is_empty() && !s.nodes.iter().any(Node::is_on);
    stage.until(10, "the ordered end of both daemons", &off)?;
    // The helper outlives its daemon by what it still has to write.
    let ended = stage.until(3, "the end of all processes", &|s| left(s).is_empty());
    let left = left(stage);
    if left.is_empty() {
        ended.map(drop)
    } else {
        Err(Failure::Reason(format!("processes stayed behind:{left}")))
    }
}

/// The processes of both nodes, for people; empty if there is none.
fn left(stage: &Stage) -> String {
    let mut text = String::new();
    for node in &stage.nodes {
        for process in processes::of_node(&node.places.root) {
            text.push_str(&format!(" {} ({})", process.command, process.pid.get()));
        }
    }
    text
}

fn sum_up(stage: &mut Stage, up: Duration, rows: &[Row]) {
    let line = &mut stage.timeline;
    line.close();
    line.text(format_args!(
        "\nMeasured: from the last good answer to the next           client without answer\n\
         \u{20} {:<54}  {} to service up\n",
        "both nodes started",
        seconds(up)
    ));
    for (what, gap) in rows {
        let gap = gap.map_or_else(|| String::from("none"), seconds);
        line.text(format_args!("  {what:<54}  {gap:>7}\n"));
    }
    let (good, bad) = stage.meter.counts;
    let ([one, two], [from_one, from_two]) = (NAMES, stage.cable.carried);
    line.text(format_args!(
        "A death is silence for deadtime, {DEADTIME_MS} ms from the last beat, which was up to\n\
         {KEEPALIVE_MS} ms before the plug was pulled. The scripts' own time comes on top.\n\
         {good} answers, {bad} questions without one. Over the null-modem went {from_one} bytes from\n\
         {one} and {from_two} from {two}.\n"
    ));
}
