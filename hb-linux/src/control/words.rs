//! The words of states, here alone: on the control socket, in `hbd status`, its JSON and its metrics, and for hooks. What comes
//! through the socket is read into the state at once; nothing behind it compares words.

use core::fmt;
#[cfg(feature = "data")]
use hb_core::Stale;
use hb_core::config::FenceFailed;
use hb_core::message::{GroupState, Phase, Reason};
use hb_core::{PeerState, Wait};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that has a word.
pub trait Worded: Copy + PartialEq + 'static {
    /// What stands where nothing was said.
    const UNSAID: Self;
    /// Each of its kind that has a word of its own.
    const ALL: &'static [Self];
    /// Its word, in lower case: may be scripted against.
    fn as_str(self) -> &'static str;
}

macro_rules! words {
    ($($(#[$condition:meta])* $of:ident { $first:ident => $word:literal, $($state:ident $(($within:expr))? => $said:literal,)* })*) => {$(
        $(#[$condition])*
        impl Worded for $of {
            const UNSAID: Self = Self::$first;
            const ALL: &'static [Self] = &[Self::$first, $(Self::$state $(($within))?),*];
            fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $word,
                    $(Self::$state { .. } => $said,)*
                }
            }
        }
    )*};
}

/// How a link stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// The device is not open.
    Down,
    /// Nothing is heard on it.
    Dead,
    /// The peer does not hear this node on it.
    OneWay,
    /// It carries both ways.
    Up,
}

/// Whose machine a ping node is that does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The peer's.
    Peer,
    /// This node's.
    Own,
}

words! {
    Phase { Joining => "joining", Up => "up", Leaving => "leaving", }
    PeerState { Unknown => "unknown", Up => "up", Late => "late", Dead => "dead", }
    LinkState { Down => "down", Dead => "dead", OneWay => "one_way", Up => "up", }
    Whose { Peer => "peer", Own => "own", }
    GroupState {
        Unknown => "unknown",
        Idle => "idle",
        Starting => "starting",
        Held => "held",
        Stopping => "stopping",
        Failed => "failed",
        Stuck => "stuck",
    }
    Reason { Failback => "failback", Ping => "ping", Failed => "failed", Operator => "operator", }
    FenceFailed { Wait => "wait", Claim => "claim", }
    #[cfg(feature = "data")]
    Stale { Unread => "unread", Missing => "missing", Partial => "partial", Behind => "behind", Old => "old", }
    Wait {
        Peer => "peer",
        PeerRight => "peer_right",
        PeerRuns => "peer_runs",
        PeerStuck => "peer_stuck",
        PeerForeign => "peer_foreign",
        PeerNewer => "peer_newer",
        Fence => "fence",
        Isolated => "isolated",
        OneWay => "one_way",
        Answered => "answered",
        Asking => "asking",
        CannotAsk => "cannot_ask",
        Scripts => "scripts",
        Retry => "retry",
        Failed => "failed",
        ConfigDiffers => "config_differs",
        WatchdogPending => "watchdog_pending",
        Twin => "twin",
        PeerTwins => "peer_twins",
        Leaving => "leaving",
        // Why it is stale stands with the copy.
        StaleCopy(hb_core::Stale::Unread) => "stale_copy",
        PullEnds => "pull_ends",
        LastPull => "last_pull",
    }
}

/// A state that travels and is shown as its word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said<T>(pub T);

impl<T: Worded> Said<T> {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.as_str()
    }
}

impl<T: Worded> Default for Said<T> {
    fn default() -> Self {
        Self(T::UNSAID)
    }
}

impl<T: PartialEq> PartialEq<T> for Said<T> {
    fn eq(&self, other: &T) -> bool {
        self.0 == *other
    }
}

impl<T: Worded> fmt::Display for Said<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<T: Worded> Serialize for Said<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de, T: Worded> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = <&str>::deserialize(from)?;
        let state = T::ALL.iter().find(|state| state.as_str() == word);
        state.map(|state| Self(*state)).ok_or_else(|| D::Error::custom("no such word"))
    }
}

/// Tests write words.
#[cfg(test)]
impl<T: Worded> From<&str> for Said<T> {
    fn from(word: &str) -> Self {
        Self(*T::ALL.iter().find(|state| state.as_str() == word).expect("a word of it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_is_read_as_it_is_said<T: Worded + fmt::Debug>() {
        for (at, state) in T::ALL.iter().enumerate() {
            let mut buf = [0; 40];
            let bytes = postcard::to_slice(&Said(*state), &mut buf).expect("room");
            assert_eq!(postcard::from_bytes::<Said<T>>(bytes), Ok(Said(*state)), "{at}");
            assert!(state.as_str().bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{state:?}");
        }
        let mut buf = [0; 40];
        let bytes = postcard::to_slice("elsewhere", &mut buf).expect("room");
        assert!(postcard::from_bytes::<Said<T>>(bytes).is_err());
    }

    #[test]
    fn words_come_back_as_they_went_and_others_are_refused() {
        each_is_read_as_it_is_said::<Phase>();
        each_is_read_as_it_is_said::<PeerState>();
        each_is_read_as_it_is_said::<LinkState>();
        each_is_read_as_it_is_said::<Whose>();
        each_is_read_as_it_is_said::<GroupState>();
        each_is_read_as_it_is_said::<Reason>();
        each_is_read_as_it_is_said::<FenceFailed>();
        each_is_read_as_it_is_said::<Stale>();
        each_is_read_as_it_is_said::<Wait>();
    }
}
