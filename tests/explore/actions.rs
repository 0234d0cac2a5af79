//! Every step that there is, and of which kind it is.

use super::scripts::{End, Oddity};
use hb_core::{Command, GroupId, Scope};

/// One step. The number is a host (of the sender, for frames), or a host and a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    // What happens by itself, at no cost.
    Deliver(u8),
    Finish(u8, u8),
    Written(u8),
    Fenced(u8),
    PullEnds(u8),
    Tick(u8),
    TickEarly(u8),
    Bark(u8),
    Time,
    /// Time, and then the timers of both nodes in this order: first A, first B, both before any frame arrives.
    Round(u8),
    // What ends a fault, and what a fault left behind: at no cost.
    Start(u8),
    Join,
    Resume(u8),
    /// The same, and its timers come before its input is read to the end.
    ResumeEarly(u8),
    Repair(u8),
    Replay(u8),
    /// Scripts answer as they should again.
    Mend(u8),
    /// A call that nothing could kill is gone.
    LeftEnds(u8),
    // Faults and commands: each costs one.
    Delay(u8),
    Record(u8),
    CutAll,
    Cut(u8),
    Power(u8),
    Kill(u8),
    Freeze(u8),
    LoseFile(u8),
    BreakDisk(u8),
    FenceFails(u8),
    PullFails(u8),
    PullHangs(u8),
    Hang(u8, u8, End),
    Fail(u8, u8),
    WrongCode(u8, u8),
    CouldNotRun(u8, u8),
    Odd(u8, Oddity),
    MissingAtStart(u8),
    Order(u8, Order),
}

/// The kinds of faults, and commands; a set of them is a bit each.
pub const KINDS: [&str; 20] = [
    "delay",
    "record",
    "cut",
    "power",
    "kill",
    "freeze",
    "lose-file",
    "break-disk",
    "fence-fails",
    "hang",
    "fail",
    "order",
    "pull",
    "not-run",
    "run-bit",
    "missing",
    "silent",
    "wrong-code",
    "late",
    "stays",
];

/// Which of [`KINDS`] it is; `None` for what costs nothing.
pub(super) const fn kind(action: Action) -> Option<usize> {
    Some(match action {
        Action::Delay(_) => 0,
        Action::Record(_) => 1,
        Action::CutAll | Action::Cut(_) => 2,
        Action::Power(_) => 3,
        Action::Kill(_) => 4,
        Action::Freeze(_) => 5,
        Action::LoseFile(_) => 6,
        Action::BreakDisk(_) => 7,
        Action::FenceFails(_) => 8,
        Action::Hang(_, _, End::Killed | End::Open) => 9,
        Action::Fail(..) => 10,
        Action::Order(..) => 11,
        Action::PullFails(_) | Action::PullHangs(_) => 12,
        Action::CouldNotRun(..) | Action::Odd(_, Oddity::NotRun) => 13,
        Action::Odd(_, Oddity::Gone) => 14,
        Action::MissingAtStart(_) => 15,
        Action::Odd(_, Oddity::Silent | Oddity::Partly | Oddity::Nothing) => 16,
        Action::WrongCode(..) => 17,
        Action::Hang(_, _, End::Late) => 18,
        Action::Hang(_, _, End::Never) | Action::Odd(_, Oddity::Deaf) => 19,
        Action::Deliver(_)
        | Action::Finish(..)
        | Action::Written(_)
        | Action::Fenced(_)
        | Action::PullEnds(_)
        | Action::Tick(_)
        | Action::TickEarly(_)
        | Action::Bark(_)
        | Action::Time
        | Action::Round(_)
        | Action::Start(_)
        | Action::Join
        | Action::Resume(_)
        | Action::ResumeEarly(_)
        | Action::Repair(_)
        | Action::Mend(_)
        | Action::LeftEnds(_)
        | Action::Replay(_) => return None,
    })
}

/// An operator's command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Standby,
    Takeover,
    Stop,
    Clear(u8),
    ConfirmDown,
}

impl Order {
    pub(super) const fn command(self) -> Command {
        match self {
            Self::Standby => Command::Standby(Scope::All),
            Self::Takeover => Command::Takeover(Scope::All),
            Self::Stop => Command::Stop,
            Self::Clear(group) => Command::Clear(GroupId(group)),
            Self::ConfirmDown => Command::ConfirmDown,
        }
    }
}
