//! A case's schedule in the simulator: the same times, links and faults on two nodes of the core and a virtual clock, with
//! every rule checked after every step. So what a case found is found again without a machine, in milliseconds.
//!
//! What differs: the simulator damages frames where the null-modem damages bytes, a machine's boot always takes
//! 12 s, and a script 80 ms. A machine that stood still as a whole is not in its terms.

use super::rig::Setup;
use hb_core::auth::Method;
use hb_core::config::{Isolated, LinkKind, ScriptLimits, Timing};
use hb_core::{Duration, Side};
use hb_sim::dice::Dice;
use hb_sim::drift::Drift;
use hb_sim::fault::{Fault, Kind};
use hb_sim::setting::{Differs, LinkSetting, Setting};
use hb_sim::{Plan, Timeline, execute};
use serde_json::{Value, json};
use std::path::Path;

/// From a reset to the daemon's start in a guest.
const BOOT: Duration = Duration::from_secs(12);
/// One call of a script in a guest.
const SCRIPT: Duration = Duration::from_millis(80);
/// Bytes of a steady beat: so many chances has a damaged byte to damage it.
const BEAT: i32 = 26;

/// What the simulator made of a schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Played {
    /// Every rule held.
    Held {
        /// In a few words.
        about: String,
        /// What happened there.
        timeline: String,
    },
    /// A rule was broken.
    Broken {
        /// Which, and how.
        about: String,
        /// What happened there.
        timeline: String,
    },
    /// The schedule is not in the simulator's terms: why.
    Unplayable(String),
}

/// `cargo xtask hil --replay FILE`: the schedule in a case's `verdict.json`, with its timeline.
///
/// # Errors
/// The file, a schedule that cannot be played, or the broken rule.
pub fn command(file: &Path) -> Result<(), String> {
    let told = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| told(&e))?;
    let whole: Value = serde_json::from_str(&text).map_err(|e| told(&e))?;
    let schedule = whole.get("schedule").ok_or_else(|| told(&"no `schedule` in it"))?;
    match play(schedule) {
        Played::Held { about, timeline } => {
            println!("{timeline}{about}");
            Ok(())
        }
        Played::Broken { about, timeline } => Err(format!("{about}\n{timeline}")),
        Played::Unplayable(why) => Err(told(&why)),
    }
}

/// What of a set-up the simulator must know, as `verdict.json` has it.
#[must_use]
pub fn setup(setup: &Setup) -> Value {
    let times = &setup.times;
    json!({
        "keepalive": times.keepalive, "warntime": times.warntime, "deadtime": times.deadtime,
        "initdead": times.initdead, "baud": setup.baud, "ethernet": setup.ethernet,
        "bridge": setup.bridge,
        "failback": !setup.more.contains(&("nice_failback", "on")),
    })
}

/// Plays a schedule.
#[must_use]
pub fn play(schedule: &Value) -> Played {
    let plan = match plan(schedule) {
        Ok(plan) => plan,
        Err(why) => return Played::Unplayable(why),
    };
    match execute(&plan, Timeline::readable()) {
        Ok(report) => Played::Held {
            about: format!(
                "every rule held: {} faults, {} steps, {} beats",
                plan.faults.len(),
                report.steps,
                report.beats
            ),
            timeline: report.timeline.to_string(),
        },
        Err(broken) => Played::Broken {
            about: format!("{} is broken at {:?}: {}", broken.0.rule, broken.0.at, broken.0.what),
            timeline: broken.1.to_string(),
        },
    }
}

fn plan(schedule: &Value) -> Result<Plan, String> {
    let of = schedule.get("setup").ok_or("no `setup`")?;
    if of.get("bridge").and_then(Value::as_bool) == Some(true) {
        return Err("a bridge is not in its terms".to_owned());
    }
    let mut setting = setting(of)?;
    let entries = schedule.get("faults").and_then(Value::as_array).ok_or("no `faults`")?;
    let entries = entries.iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
    let end = schedule.get("until_s").and_then(Value::as_f64).ok_or("no `until_s`")?;
    // Each machine's first boot is the start of its daemon there.
    let boots = [0, 1]
        .map(|host| entries.iter().position(|e| e.what == "power" && !e.begins && e.host == Some(host)));
    let [Some(first), Some(second)] = boots else { return Err("not both machines have booted".to_owned()) };
    let zero = entries[first].at_s;
    setting.start_gap = after(entries[second].at_s, zero);
    let mut faults = Vec::new();
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.begins) {
        let ends = entries[at..].iter().find(|e| !e.begins && e.is_of(entry)).map_or(end, |e| e.at_s);
        faults.push(entry.fault(&setting, after(entry.at_s, zero), after(ends, entry.at_s))?);
    }
    faults.sort_by_key(|fault| fault.at);
    Ok(Plan { seed: 1, setting, faults, length: after(end, zero) })
}

fn after(at_s: f64, zero_s: f64) -> Duration {
    Duration::from_micros(((at_s - zero_s).max(0.0) * 1e6) as u64)
}

/// One line of a schedule.
struct Entry<'a> {
    at_s: f64,
    what: &'a str,
    begins: bool,
    link: Option<&'a str>,
    host: Option<usize>,
    amount: u64,
}

impl<'a> Entry<'a> {
    fn read(value: &'a Value) -> Result<Self, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let host = match text("node") {
            None => None,
            Some("ha-1") => Some(0),
            Some("ha-2") => Some(1),
            Some(other) => return Err(format!("no node {other}")),
        };
        Ok(Self {
            at_s: value.get("at_s").and_then(Value::as_f64).ok_or("a fault without `at_s`")?,
            what: text("what").ok_or("a fault without `what`")?,
            begins: value.get("begins").and_then(Value::as_bool).unwrap_or(true),
            link: text("link"),
            host,
            amount: value.get("amount").and_then(Value::as_u64).unwrap_or(0),
        })
    }

    fn is_of(&self, other: &Self) -> bool {
        (self.what, self.link, self.host) == (other.what, other.link, other.host)
    }

    fn fault(&self, setting: &Setting, at: Duration, lasts: Duration) -> Result<Fault, String> {
        let serial = setting.links.first().is_some_and(|link| link.kind == LinkKind::Stream);
        let link = match self.link {
            None | Some("serial") => 0,
            Some("eth1") => usize::from(serial),
            Some(other) => return Err(format!("no link {other}")),
        };
        let at_once = Duration::from_millis(1);
        let (kind, amount, lasts) = match (self.what, self.host) {
            ("cut", None) => (Kind::CutLink, 0, lasts),
            ("cut", Some(_)) => (Kind::CutLinkFrom, 0, lasts),
            ("flips", None) => (Kind::Flips, flips(self.amount), lasts),
            ("noise", Some(_)) => (Kind::Noise, 0, lasts),
            ("power", Some(_)) => (Kind::PowerLoss, 0, lasts),
            ("kill", Some(_)) => (Kind::Kill, 0, lasts),
            ("freeze", Some(_)) => (Kind::Freeze, 0, lasts),
            ("start-fails", Some(_)) => (Kind::StartFails, 0, lasts),
            // An amount of 1: told once.
            ("stop", Some(_)) => (Kind::Stop, 1, lasts),
            ("standby", Some(_)) => (Kind::Standby, 0, at_once),
            ("takeover", Some(_)) => (Kind::Takeover, 0, at_once),
            ("clear", Some(_)) => (Kind::Clear, 0, at_once),
            ("halt", _) => {
                return Err("a machine that stands still as a whole is not in its terms".to_owned());
            }
            (other, _) => return Err(format!("no fault {other} of {:?}", self.host)),
        };
        Ok(Fault { at, lasts, kind, host: self.host.unwrap_or(0), link, amount })
    }
}

/// The simulator's amount for so many damaged bytes of a thousand: it damages 20 + amount / 2 frames of a thousand.
fn flips(bytes: u64) -> u64 {
    let whole = (1.0 - bytes as f64 / 1000.0).powi(BEAT);
    let frames = (1000.0 * (1.0 - whole)) as u64;
    frames.saturating_sub(20) * 2
}

fn setting(setup: &Value) -> Result<Setting, String> {
    let time = |name: &str| -> Result<Duration, String> {
        let word = setup.get(name).and_then(Value::as_str).ok_or_else(|| format!("no `{name}`"))?;
        let (number, unit) = word.strip_suffix("ms").map_or((word, 1000), |number| (number, 1));
        let number: u64 = number.parse().map_err(|_| format!("{name} {word}: no whole time"))?;
        Ok(Duration::from_millis(number * unit))
    };
    let deadtime = time("deadtime")?;
    let timing = Timing {
        keepalive: time("keepalive")?,
        warntime: time("warntime")?,
        deadtime,
        initdead: time("initdead")?,
        deadping: deadtime,
    };
    let is = |name: &str| setup.get(name).and_then(Value::as_bool).unwrap_or(true);
    let link = |kind, baud| LinkSetting {
        kind,
        baud,
        latency: Duration::from_micros(200),
        jitter: Duration::from_micros(1000),
        split: true,
    };
    let baud = setup.get("baud").and_then(Value::as_u64);
    let serial = baud.map(|baud| link(LinkKind::Stream, baud));
    let ethernet = is("ethernet").then(|| link(LinkKind::Datagram, 0));
    let watchdog = (deadtime.minus(timing.keepalive).as_millis() / 1000).max(1);
    let limit = Duration::from_secs(60);
    // Drawn for what is not named here.
    Ok(Setting {
        timing,
        links: serial.into_iter().chain(ethernet).collect(),
        groups: vec![(Side::Even, 2)],
        failback: is("failback"),
        isolated: Isolated::Wait,
        pings: 1,
        fence: None,
        monitor: None,
        limits: ScriptLimits { start: limit, stop: limit, status: limit },
        script_time: SCRIPT,
        dog: Some((Duration::from_secs(watchdog), Duration::ZERO)),
        drift: [Drift::default(); 2],
        disk_time: Duration::from_millis(5),
        boot_time: BOOT,
        start_gap: Duration::ZERO,
        method: Method::Crc,
        data: None,
        differs: Differs::Nowhere,
        ..Setting::draw(&mut Dice::new(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(faults: &Value) -> Value {
        let times = Setup::new("500ms", "1500ms", "3", "8").with("nice_failback", "on");
        json!({ "setup": setup(&times), "faults": faults, "until_s": 90.0 })
    }

    fn boots() -> Vec<Value> {
        ["ha-1", "ha-2"]
            .iter()
            .map(|node| json!({ "at_s": 6.0, "what": "power", "begins": false, "node": node }))
            .collect()
    }

    #[test]
    fn a_schedule_becomes_the_same_faults_at_the_same_times() {
        let mut faults = boots();
        faults.push(json!({ "at_s": 20.0, "what": "cut", "begins": true, "link": "eth1" }));
        faults.push(json!({ "at_s": 22.0, "what": "cut", "begins": true, "link": "serial", "node": "ha-2" }));
        faults.push(json!({ "at_s": 30.5, "what": "cut", "begins": false, "link": "eth1" }));
        faults.push(json!({ "at_s": 40.0, "what": "standby", "begins": true, "node": "ha-1" }));
        let plan = plan(&schedule(&Value::from(faults))).expect("a plan");
        let told: Vec<_> = plan
            .faults
            .iter()
            .map(|f| (f.kind, f.at.as_millis(), f.lasts.as_millis(), f.link, f.host))
            .collect();
        assert_eq!(
            told,
            [
                (Kind::CutLink, 14_000, 10_500, 1, 0),
                (Kind::CutLinkFrom, 16_000, 68_000, 0, 1),
                (Kind::Standby, 34_000, 1, 0, 0),
            ]
        );
        assert_eq!((plan.length.as_millis(), plan.setting.failback), (84_000, false));
    }

    #[test]
    fn a_power_loss_moves_the_service_there_too() {
        let mut faults = boots();
        faults.push(json!({ "at_s": 40.0, "what": "power", "begins": true, "node": "ha-1" }));
        let played = play(&schedule(&Value::from(faults)));
        let Played::Held { timeline, .. } = played else { panic!("{played:?}") };
        let (_, rest) = timeline.split_once("PowerLoss begins").expect("the fault");
        assert!(rest.contains("host: 1"), "{timeline}");
    }

    #[test]
    fn what_is_not_in_its_terms_is_said() {
        let mut faults = boots();
        faults.push(json!({ "at_s": 40.0, "what": "halt", "begins": true, "node": "ha-1" }));
        assert!(
            matches!(play(&schedule(&Value::from(faults))), Played::Unplayable(why) if why.contains("terms"))
        );
        let lone = Value::from(vec![boots()[0].clone()]);
        assert!(matches!(play(&schedule(&lone)), Played::Unplayable(why) if why.contains("both")));
    }

    #[test]
    fn damaged_bytes_are_turned_into_damaged_frames() {
        // 1 - 0.988^26 = 0.27
        assert!((490..510).contains(&flips(12)), "{}", flips(12));
        assert_eq!(flips(0), 0);
    }
}
