//! What makes a drawn plan as hostile as the world is: each part adds to it from a stream of chance of its own.

use crate::dice::Dice;
use crate::fault::{Fault, Kind};
use crate::open::Part;
use crate::plan::Plan;
use crate::setting::{Differs, Setting};
use hb_core::config::LinkKind;
use hb_core::{Duration, Side};

/// In a thousand seeds.
const LISTS: u64 = 40;
const EDITS: u64 = 70;
const RATIO: u64 = 120;
const THREE: u64 = 60;
const EIGHT: u64 = 15;
const EPOCHS: u64 = 20;
const NUMBERS: u64 = 20;
const OLD: u64 = 60;
const STREAM: u64 = 20;
const BUSY: u64 = 60;
const THAW: u64 = 50;
const BOOT: u64 = 40;
const DISK: u64 = 50;
const UNKILLABLE: u64 = 25;

/// Add to `plan`, whose seed decides what.
pub(crate) fn widen(plan: &mut Plan) {
    setting(plan.seed, &mut plan.setting);
    faults(plan);
    let edited = |f: &Fault| f.kind == Kind::Edit;
    plan.setting.edited = plan.faults.iter().any(edited);
    plan.faults.sort_by_key(|fault| fault.at);
}

fn setting(seed: u64, s: &mut Setting) {
    let mut dice = Part::Ratio.dice(seed);
    if Part::Ratio.on() && dice.chance(RATIO) {
        ratio(&mut dice, s);
    }
    let mut dice = Part::Groups.dice(seed);
    if Part::Groups.on() {
        let count = match dice.roll(1000) {
            0..EIGHT => 8,
            n if n < EIGHT + THREE => 3,
            _ => 0,
        };
        if count > s.groups.len() {
            let more = count - s.groups.len();
            s.groups.extend((0..more).map(|_| (dice.pick(&[Side::Even, Side::Odd]), dice.range(1, 2) as u8)));
            if count > 3 {
                s.data = None;
            }
            fast_enough(s);
        }
    }
    let mut dice = Part::Lists.dice(seed);
    if Part::Lists.on() {
        if dice.chance(LISTS) {
            let two = [Differs::Missing, Differs::Front, Differs::Extra, Differs::Merged];
            s.differs = if s.groups.len() > 1 { dice.pick(&two) } else { dice.pick(&two[..2]) };
            if s.differs == Differs::Merged {
                s.data = None;
            }
        }
    } else if s.differs == Differs::Missing {
        s.differs = Differs::Line;
    }
    let mut dice = Part::Epochs.dice(seed);
    s.last_epochs = (Part::Epochs.on() && dice.chance(EPOCHS)).then(|| dice.roll(24) as u32);
    let mut dice = Part::Numbers.dice(seed);
    s.last_numbers = (Part::Numbers.on() && dice.chance(NUMBERS)).then(|| dice.range(1, 150) as u32);
}

/// The finest times that are permitted.
fn ratio(dice: &mut Dice, s: &mut Setting) {
    let keepalive = s.timing.keepalive;
    let tenths = |n: u64| Duration::from_micros(keepalive.as_micros() / 10 * n);
    let deadtime = tenths(dice.pick(&[21, 21, 22, 25]));
    s.timing.deadtime = deadtime;
    s.timing.warntime = tenths(dice.pick(&[12, 15, 20]));
    s.timing.initdead = deadtime.times(dice.pick(&[1, 2, 4]));
    s.timing.deadping = deadtime.times(dice.pick(&[1, 1, 2]));
    if let Some((timeout, granularity)) = &mut s.dog {
        (*timeout, *granularity) = (deadtime.minus(keepalive), Duration::ZERO);
    }
}

/// A line must carry two long forms in half a keepalive.
fn fast_enough(s: &mut Setting) {
    let bits = s.frame_bytes() as u64 * 10;
    let least = bits * 4_000_000 / s.timing.keepalive.as_micros();
    for link in s.links.iter_mut().filter(|link| link.kind == LinkKind::Stream) {
        link.baud = link.baud.max(least);
    }
}

fn faults(plan: &mut Plan) {
    let keepalive = plan.setting.timing.keepalive;
    let links = plan.setting.links.len() as u64;
    let span = plan.length.as_micros() * 9 / 10;
    let mut more: Vec<Fault> = Vec::new();
    let mut add = |part: Part, permille: u64, most: u64, kinds: &[Kind]| {
        let mut dice = part.dice(plan.seed ^ 0xFA_0175);
        if !part.on() || !dice.chance(permille) {
            return None;
        }
        let count = dice.range(1, most);
        for _ in 0..count {
            let at = Duration::from_micros(dice.roll(span));
            more.push(Fault::draw(&mut dice, kinds, at, keepalive, links));
        }
        Some(dice)
    };
    add(Part::Edits, EDITS, 3, &[Kind::Edit]);
    add(Part::Thaw, THAW, 3, &[Kind::ThawOrder]);
    add(Part::Disk, DISK, 2, &[Kind::DiskFails]);
    let stays = [Kind::StartStays, Kind::StopStays];
    let stays = add(Part::Unkillable, UNKILLABLE, 2, &stays);
    if plan.setting.dog.is_some() {
        add(Part::Busy, BUSY * 2, 2, &[Kind::DogBusy]);
    }
    let gone = add(Part::Boot, BOOT, 2, &[Kind::BootUnknown]).is_some_and(|mut dice| dice.chance(500));
    let mut deaths = Vec::new();
    for (part, kind) in [
        (Part::OldStream, Kind::OldStream),
        (Part::Hellos, Kind::HelloStream),
        (Part::Newer, Kind::NewerStream),
        (Part::Foreign, Kind::ForeignStream),
        (Part::Own, Kind::OwnStream),
        (Part::Answers, Kind::AnswerStream),
    ] {
        if let Some(mut dice) = add(part, STREAM, 2, &[kind]) {
            deaths.push((kind, dice.range(0, 12), dice.chance(600)));
        }
    }
    if let Some(mut dice) = add(Part::Old, OLD, 3, &[Kind::Replay]) {
        more.extend(partition(&mut dice, keepalive, span, links));
    }
    if let Some(mut dice) = stays {
        orders(&mut dice, &plan.setting, &mut more);
    }
    if gone {
        gone_in_an_unknown_boot(&mut more);
    }
    for (kind, before, wanted) in deaths {
        death_before(&mut more, kind, keepalive.times(before), wanted);
    }
    plan.faults.extend(more);
}

/// What makes a start or a stop that nothing can kill begin, outlast the patience of its daemon, and an operator wonder.
fn orders(dice: &mut Dice, s: &Setting, faults: &mut Vec<Fault>) {
    let stays: Vec<usize> = (0..faults.len()).filter(|at| faults[*at].kind.is_unkillable()).collect();
    for at in stays {
        if dice.chance(600) {
            let least = s.limits.start.max(s.limits.stop).plus(Duration::from_secs(6));
            faults[at].lasts = faults[at].lasts.max(least);
        }
        let stays = faults[at];
        let kind = if stays.kind == Kind::StartStays { Kind::Takeover } else { Kind::Standby };
        let order = Fault { at: stays.at.plus(s.timing.keepalive), kind, amount: 0, ..stays };
        faults.push(order);
        for _ in 0..dice.roll(3) {
            let after = Duration::from_micros(dice.roll(stays.lasts.as_micros() * 5 / 4 + 1));
            faults.push(Fault { at: stays.at.plus(after), kind: Kind::Clear, ..stays });
        }
    }
}

/// Scripts that are not there when a daemon starts that cannot tell the boot from the one before: what the record says counts.
fn gone_in_an_unknown_boot(faults: &mut Vec<Fault>) {
    let Some(unknown) = faults.iter().find(|f| f.kind == Kind::BootUnknown).copied() else { return };
    let half = unknown.lasts.divided(2);
    faults.push(Fault { kind: Kind::GoneAtStart, at: unknown.at.plus(half), lasts: half, ..unknown });
}

/// The death that a stream in the dead node's name is about: who is gone stays away until it ends.
fn death_before(faults: &mut Vec<Fault>, kind: Kind, before: Duration, wanted: bool) {
    let Some(stream) = faults.iter_mut().find(|f| f.kind == kind).filter(|_| wanted) else { return };
    stream.lasts = stream.lasts.times(4);
    let (at, lasts) = (stream.at.minus(before), stream.lasts.plus(before));
    let host = if kind == Kind::OwnStream { 1 - stream.host } else { stream.host };
    faults.push(Fault { kind: Kind::PowerLoss, at, lasts, host, link: 0, amount: 0 });
}

/// Frames that nobody took in, the death of who sent them, and their coming.
fn partition(dice: &mut Dice, keepalive: Duration, span: u64, links: u64) -> Vec<Fault> {
    let at = Duration::from_micros(dice.roll(span / 2));
    let cut = keepalive.times(dice.range(3, 40));
    let host = dice.roll(2) as usize;
    let fault = |kind, at, lasts| Fault { at, lasts, kind, host, link: 0, amount: 0 };
    let death = at.plus(cut);
    let dead = keepalive.times(dice.range(10, 80));
    let cut_kind = dice.pick(&[Kind::CutAll, Kind::CutFrom]);
    let death_kind = dice.pick(&[Kind::PowerLoss, Kind::Kill, Kind::StateLoss]);
    let mut all = vec![fault(cut_kind, at, cut.plus(keepalive)), fault(death_kind, death, dead)];
    for _ in 0..dice.range(1, 6) {
        let later = keepalive.times(dice.range(1, 100));
        let mut replay = fault(Kind::Replay, death.plus(later), keepalive.times(dice.range(1, 20)));
        replay.link = dice.roll(links) as usize;
        all.push(replay);
    }
    all
}
