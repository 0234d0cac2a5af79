//! The keys that move groups: a direction, then which groups, then `y`. Whatever else is pressed, or half a minute without a key,
//! moves nothing.

use super::paint::COLUMNS;
use crate::cli::ask::{Way, in_scope};
use crate::control::Snapshot;
use crate::control::wire::{Request, Which};
use std::format;
use std::string::String;
use std::vec::Vec;

/// Looks that a question waits for its answer.
const PATIENCE: u8 = 30;

/// Which groups were chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pick {
    /// A set of them.
    Set(Which<'static>),
    /// This one of those on the screen, from 0.
    Nth(u8),
}

impl Pick {
    /// The same for the daemon; `None`: there are not so many.
    pub(super) fn which(self, shot: &Snapshot) -> Option<Which<'_>> {
        match self {
            Self::Set(which) => Some(which),
            Self::Nth(at) => shot.groups.get(usize::from(at)).map(|group| Which::One(&group.name)),
        }
    }
}

/// What is being asked at the foot of the screen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Moving {
    /// Nothing.
    #[default]
    Idle,
    /// Which groups, for so many looks now.
    Which(Way, u8),
    /// Whether these are to be moved, for so many looks now.
    Sure(Way, Pick, u8),
    /// Nothing; this came of the last answer.
    Said(String),
}

/// What is to be done after a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// It is none of these keys.
    Nothing,
    /// What is typed ahead must answer no question.
    Drain,
    /// The operator has said yes.
    Move(Way, Pick),
}

impl Moving {
    /// A key.
    ///
    /// ```text
    /// Idle, Said --s, t--> Which --a, l, f, 1..9--> Sure --y--> Move, Said
    ///                        '--any other--> Idle <--any other--'
    /// ```
    pub(super) fn key(&mut self, key: u8) -> Then {
        let (next, then) = match (&*self, key.to_ascii_lowercase()) {
            (Self::Idle | Self::Said(_), b's') => (Self::Which(Way::Away, 0), Then::Drain),
            (Self::Idle | Self::Said(_), b't') => (Self::Which(Way::Here, 0), Then::Drain),
            (Self::Which(way, _), b'a') => (Self::Sure(*way, Pick::Set(Which::All), 0), Then::Drain),
            (Self::Which(way, _), b'l') => (Self::Sure(*way, Pick::Set(Which::Local), 0), Then::Drain),
            (Self::Which(way, _), b'f') => (Self::Sure(*way, Pick::Set(Which::Foreign), 0), Then::Drain),
            (Self::Which(way, _), digit @ b'1'..=b'9') => {
                (Self::Sure(*way, Pick::Nth(digit - b'1'), 0), Then::Drain)
            }
            (Self::Sure(way, pick, _), b'y') => (Self::Idle, Then::Move(*way, *pick)),
            (Self::Which(..) | Self::Sure(..), _) => (Self::Said("nothing moved".into()), Then::Drain),
            (Self::Idle | Self::Said(_), _) => return Then::Nothing,
        };
        *self = next;
        then
    }

    /// Another look, and no key.
    pub(super) fn look(&mut self) {
        match self {
            Self::Which(_, looks) | Self::Sure(_, _, looks) if *looks >= PATIENCE => *self = Self::Idle,
            Self::Which(_, looks) | Self::Sure(_, _, looks) => *looks += 1,
            Self::Idle | Self::Said(_) => {}
        }
    }

    /// The foot of the screen. Without an answer of the daemon there is nothing to ask.
    pub(super) fn foot(&self, clock: &str, shot: Option<&Snapshot>) -> String {
        let keys = "q quits, r draws anew, s gives, t takes groups";
        match (self, shot) {
            (Self::Idle, _) | (Self::Which(..) | Self::Sure(..), None) => format!("{clock}   {keys}"),
            (Self::Said(what), _) => format!("{clock}   {what}"),
            (Self::Which(way, _), Some(shot)) => {
                let (word, to) = named(*way, shot);
                format!("{word} {to}: a all, l local ones, f foreign ones, 1-9 that group; else none")
            }
            (Self::Sure(way, pick, _), Some(shot)) => {
                let (word, to) = named(*way, shot);
                let which = pick.which(shot);
                let groups: Vec<&str> = shot
                    .groups
                    .iter()
                    .filter(|g| which.is_some_and(|which| in_scope(shot, g, which)))
                    .map(|g| g.name.as_str())
                    .collect();
                let tail = format!(" {to}: y; any other key: no");
                let what = if groups.is_empty() { "no group".into() } else { groups.join(", ") };
                let room = COLUMNS.saturating_sub(word.len() + 1 + tail.len());
                let what = if what.len() > room { format!("{} groups", groups.len()) } else { what };
                format!("{word} {what}{tail}")
            }
        }
    }
}

/// The word for a way, and where it leads.
fn named(way: Way, shot: &Snapshot) -> (&'static str, String) {
    match way {
        Way::Away => ("give", format!("to {}", shot.peer.name)),
        Way::Here => ("take", format!("to {}", shot.own.name)),
    }
}

/// What the daemon is asked for.
pub(super) fn request(way: Way, which: Which<'_>) -> Request<'_> {
    match way {
        Way::Away => Request::Standby(which),
        Way::Here => Request::Takeover(which),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::sample;

    fn pressed(keys: &[u8]) -> (Moving, Vec<Then>) {
        let mut moving = Moving::default();
        let then = keys.iter().map(|key| moving.key(*key)).collect();
        (moving, then)
    }

    #[test]
    fn nothing_moves_without_three_keys_in_this_order() {
        let (left, then) = pressed(b"sly");
        assert_eq!(
            (left, then.last()),
            (Moving::Idle, Some(&Then::Move(Way::Away, Pick::Set(Which::Local))))
        );
        assert_eq!(pressed(b"tfY").1.last(), Some(&Then::Move(Way::Here, Pick::Set(Which::Foreign))));
        assert_eq!(pressed(b"say").1.last(), Some(&Then::Move(Way::Away, Pick::Set(Which::All))));
        // Every other run of three keys.
        let mut moves = 0;
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                for c in [b'y', b'Y', b'n', b'a', b's', 27, b'\n'] {
                    let then = pressed(&[a, b, c]).1;
                    let moved = then.iter().any(|then| matches!(then, Then::Move(..)));
                    let right = b"stST".contains(&a) && b"alfALF123456789".contains(&b) && b"yY".contains(&c);
                    assert_eq!(moved, right, "{a} {b} {c}");
                    moves += u32::from(moved);
                }
            }
        }
        assert_eq!(moves, 4 * 15 * 2);
    }

    #[test]
    fn a_question_is_forgotten_after_half_a_minute() {
        let (mut moving, _) = pressed(b"sa");
        (0..PATIENCE).for_each(|_| moving.look());
        assert!(matches!(moving, Moving::Sure(..)));
        moving.look();
        assert_eq!((moving.key(b'y'), moving), (Then::Nothing, Moving::Idle));
    }

    #[test]
    fn the_foot_says_what_a_key_would_do() {
        let mut shot = sample();
        let foot = |keys: &[u8], shot: &Snapshot| pressed(keys).0.foot("22:13:05", Some(shot));
        assert!(foot(b"", &shot).ends_with("s gives, t takes groups"));
        assert_eq!(
            foot(b"s", &shot),
            "give to ha-2: a all, l local ones, f foreign ones, 1-9 that group; else none"
        );
        assert_eq!(foot(b"sa", &shot), "give 192.168.2.50 to ha-2: y; any other key: no");
        assert_eq!(foot(b"tf", &shot), "take no group to ha-1: y; any other key: no");
        assert_eq!(foot(b"s1", &shot), "give 192.168.2.50 to ha-2: y; any other key: no");
        assert_eq!(foot(b"s2", &shot), "give no group to ha-2: y; any other key: no");
        assert_eq!(Pick::Nth(1).which(&shot), None);
        assert_eq!(foot(b"sx", &shot), "22:13:05   nothing moved");
        assert!(pressed(b"sa").0.foot("22:13:05", None).contains("q quits"));
        let group = shot.groups[0].clone();
        shot.groups = vec![group; 8];
        for keys in [&b"s"[..], b"sa", b"tl"] {
            assert!(foot(keys, &shot).len() <= COLUMNS);
        }
        assert_eq!(foot(b"sa", &shot), "give 8 groups to ha-2: y; any other key: no");
    }
}
