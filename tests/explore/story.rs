//! A path to a broken rule, as a timeline for people.

use super::actions::{Action, Order, kind};
use super::case::Case;
use super::fair::Fair;
use super::rules::Violation;
use super::scripts::End;
use super::world::World;
use std::cell::RefCell;
use std::rc::Rc;

/// Lines of what follows by itself at most.
const LATER: usize = 60;

/// Walk the path again and say what happens.
pub(super) fn tell(case: Case, coarse: bool, path: &[Action], violation: &Violation) -> Vec<String> {
    let mut world = World::new(case);
    world.coarse = coarse;
    let lines = Rc::new(RefCell::new(Vec::new()));
    world.story = Some(Rc::clone(&lines));
    let begin = world.now;
    let mut story = Vec::new();
    let (mut faults, mut whole) = (0, true);
    let mut state = states(&world);
    for action in path {
        let at = world.now.since(begin).as_millis();
        let ended = world.apply(*action);
        if let Some(words) = words(*action) {
            let cost = kind(*action).is_some();
            faults += u32::from(cost);
            story.push(format!("{at:>6} ms  {}{words}", if cost { "** " } else { "" }));
        }
        story.extend(lines.borrow_mut().drain(..).map(|line| format!("               {line}")));
        let now = states(&world);
        if now != state {
            story.push(format!("           => {now}"));
            state = now;
        }
        whole &= ended.is_ok();
        if !whole {
            break;
        }
    }
    if whole {
        // It broke later, on the way to the rest.
        story.push(format!("{:>6} ms  every fault ends", world.now.since(begin).as_millis()));
        let _ = Fair::default().check(&world);
        let later: Vec<String> = lines.borrow_mut().drain(..).collect();
        story.extend(later.iter().take(LATER).map(|line| format!("               {line}")));
    }
    story.push(format!("broken {}: {} ({faults} faults and commands)", violation.rule, violation.what));
    story
}

fn words(action: Action) -> Option<String> {
    let name = |id: u8| if id == 0 { "A" } else { "B" };
    Some(match action {
        // Told where they happen, or of no interest.
        Action::Deliver(_) | Action::Tick(_) | Action::Time | Action::Round(_) => return None,
        Action::TickEarly(id) => format!("{}'s timers come before its input", name(id)),
        Action::Finish(id, group) => format!("{}'s script of group {group} ends well", name(id)),
        Action::Written(id) => format!("{}'s state is on its disk", name(id)),
        Action::PullEnds(id) => format!("{}'s pull has come to its end", name(id)),
        Action::PullFails(id) => format!("{}'s pull fails", name(id)),
        Action::PullHangs(id) => format!("{}'s pull hangs", name(id)),
        Action::Fenced(id) => format!("{}'s fence takes the other's power", name(id)),
        Action::Bark(id) => format!("{}'s watchdog resets it", name(id)),
        Action::Start(id) => format!("{}'s daemon starts", name(id)),
        Action::Join => "the wire is whole".to_owned(),
        Action::Resume(id) => format!("{} goes on", name(id)),
        Action::ResumeEarly(id) => format!("{} goes on, and its timers come before its input", name(id)),
        Action::Repair(id) => format!("{}'s disk works again", name(id)),
        Action::Replay(id) => format!("the copy of {}'s frame comes", name(id)),
        Action::Delay(id) => format!("{}'s frame is held back", name(id)),
        Action::Record(id) => format!("{}'s frame is copied", name(id)),
        Action::CutAll => "the wire is cut".to_owned(),
        Action::Cut(id) => format!("{} is not heard any more", name(id)),
        Action::Power(id) => format!("{} loses its power", name(id)),
        Action::Kill(id) => format!("{}'s daemon is killed, its resources stay", name(id)),
        Action::Freeze(id) => format!("{}'s daemon stands still", name(id)),
        Action::LoseFile(id) => format!("{} has lost its state file, and its daemon starts", name(id)),
        Action::BreakDisk(id) => format!("{}'s disk does not write", name(id)),
        Action::FenceFails(id) => format!("{}'s fence fails", name(id)),
        Action::Hang(id, group, end) => {
            let how = match end {
                End::Open | End::Killed => "hangs",
                End::Late => "is done when it is killed",
                End::Never => "hangs, and nothing can kill it",
            };
            format!("{}'s script of group {group} {how}", name(id))
        }
        Action::WrongCode(id, group) => {
            format!("{}'s script of group {group} does it, and says no", name(id))
        }
        Action::CouldNotRun(id, group) => format!("{}'s script of group {group} could not be run", name(id)),
        Action::Odd(id, oddity) => format!("the scripts of {} are odd from now on: {oddity:?}", name(id)),
        Action::Mend(id) => format!("the scripts of {} answer as they should again", name(id)),
        Action::MissingAtStart(id) => format!("{}'s scripts are missing, and its daemon starts", name(id)),
        Action::LeftEnds(id) => format!("a call of {} that nothing could kill is gone", name(id)),
        Action::Fail(id, group) => format!("{}'s script of group {group} fails", name(id)),
        Action::Order(id, order) => {
            let order = match order {
                Order::Standby => "standby".to_owned(),
                Order::Takeover => "takeover".to_owned(),
                Order::Stop => "stop".to_owned(),
                Order::Clear(group) => format!("clear {group}"),
                Order::ConfirmDown => "confirm-down".to_owned(),
            };
            format!("operator at {}: {order}", name(id))
        }
    })
}

/// Both machines in one line.
fn states(world: &World) -> String {
    let of = |host: usize| {
        let machine = &world.machines[host];
        let groups = world.groups().map(|group| {
            let shown = world.shown(host, group).map_or("no daemon".to_owned(), |state| format!("{state:?}"));
            format!("{shown}{}", if machine.runs[group] { " (runs)" } else { "" })
        });
        groups.collect::<Vec<_>>().join(", ")
    };
    format!("A {}; B {}", of(0), of(1))
}
