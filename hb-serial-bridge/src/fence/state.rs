//! One reset output, as a state machine: what it does at what, and what is answered.
//!
//! ```text
//!        arm (answered with a nonce)        fire (that nonce, in time)
//!  Rest ───────────────────────────► Armed ───────────────────────────► Held  the output is on here, and only here
//!   ▲ ◄──── 500 ms, or victim heard ───┘                                 │
//!   │                                                      hold time over│ sense fell: proven; victim spoke: failed
//!   ├◄───────────────────────────────────────────────────────────────────┤
//!   │                                                         else       ▼
//!   └◄── returned in a new boot: proven; heard in the old life: failed; time over: unproven ── Watched
//! ```

/// Where the output is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// Off.
    #[default]
    Rest,
    /// Off; a *fire* with the nonce that was answered turns it on.
    Armed,
    /// On.
    Held,
    /// Off; the victim is waited for.
    Watched,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Rest, Self::Armed, Self::Held, Self::Watched];
}

/// What happens to it. All that had to be checked was: who signed, the nonce, the boot, whether the victim is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// An *arm*, with nothing against it.
    Arm,
    /// A *fire* with the nonce of the last *arm*, with nothing against it.
    Fire,
    /// The victim is heard, and does not say that it is stuck.
    Heard,
    /// The victim shows a boot other than the one that was fired at.
    Returned,
    /// The time of the state is over, nothing was noted meanwhile.
    Due,
    /// The time of the state is over; the sense input fell meanwhile.
    DueSensed,
    /// The time of the state is over; the victim was heard meanwhile, and nothing was sensed.
    DueHeard,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 7] =
        [Self::Arm, Self::Fire, Self::Heard, Self::Returned, Self::Due, Self::DueSensed, Self::DueHeard];
}

/// What came of a *fire*.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fate {
    /// The output is on.
    Held,
    /// The pulse is over, and the victim was silent; it is waited for.
    Watched,
    /// The sense input fell during the pulse.
    Sensed,
    /// The victim was silent, and came back in a new boot.
    Returned,
    /// The victim was heard during the pulse, or after it in the same life: it was not reset.
    Failed,
    /// Nothing was sensed, and nothing came back in time.
    Unproven,
}

impl Fate {
    /// Every fate, in the order of their numbers on the wire.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Watched, Self::Sensed, Self::Returned, Self::Failed, Self::Unproven];
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Say {
    /// Nothing.
    Nothing,
    /// The nonce: a new one on the way from rest, else the one that stands.
    Nonce,
    /// What came, or comes, of the *fire* that stands.
    Fate(Fate),
    /// A pulse or its proof is under way.
    Busy,
    /// There is nothing to fire, or no longer.
    NotArmed,
}

/// The next state and the answer, for every state and event.
#[must_use]
pub const fn step(state: State, event: Event) -> (State, Say) {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Rest, E::Arm) => (S::Armed, Say::Nonce),
        (S::Rest, E::Fire) => (S::Rest, Say::NotArmed),
        (S::Rest, E::Heard | E::Returned | E::Due | E::DueSensed | E::DueHeard) => (S::Rest, Say::Nothing),

        (S::Armed, E::Arm) => (S::Armed, Say::Nonce),
        (S::Armed, E::Fire) => (S::Held, Say::Fate(Fate::Held)),
        (S::Armed, E::Heard | E::Returned | E::Due | E::DueSensed | E::DueHeard) => (S::Rest, Say::Nothing),

        (S::Held | S::Watched, E::Arm) => (state, Say::Busy),
        (S::Held, E::Fire) => (S::Held, Say::Fate(Fate::Held)),
        (S::Held, E::Heard | E::Returned) => (S::Held, Say::Nothing),
        (S::Held, E::Due) => (S::Watched, Say::Fate(Fate::Watched)),
        (S::Held, E::DueSensed) => (S::Rest, Say::Fate(Fate::Sensed)),
        (S::Held, E::DueHeard) => (S::Rest, Say::Fate(Fate::Failed)),

        (S::Watched, E::Fire) => (S::Watched, Say::Fate(Fate::Watched)),
        (S::Watched, E::Heard) => (S::Rest, Say::Fate(Fate::Failed)),
        (S::Watched, E::Returned) => (S::Rest, Say::Fate(Fate::Returned)),
        (S::Watched, E::Due | E::DueSensed | E::DueHeard) => (S::Rest, Say::Fate(Fate::Unproven)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Event as E;
        use State as S;
        let n = Say::Nothing;
        let f = Say::Fate;
        #[rustfmt::skip]
        let rows: [(S, [(S, Say); 7]); 4] = [
            // Arm, Fire, Heard, Returned, Due, DueSensed, DueHeard
            (S::Rest, [(S::Armed, Say::Nonce), (S::Rest, Say::NotArmed), (S::Rest, n), (S::Rest, n), (S::Rest, n), (S::Rest, n), (S::Rest, n)]),
            (S::Armed, [(S::Armed, Say::Nonce), (S::Held, f(Fate::Held)), (S::Rest, n), (S::Rest, n), (S::Rest, n), (S::Rest, n), (S::Rest, n)]),
            (S::Held, [(S::Held, Say::Busy), (S::Held, f(Fate::Held)), (S::Held, n), (S::Held, n), (S::Watched, f(Fate::Watched)), (S::Rest, f(Fate::Sensed)), (S::Rest, f(Fate::Failed))]),
            (S::Watched, [(S::Watched, Say::Busy), (S::Watched, f(Fate::Watched)), (S::Rest, f(Fate::Failed)), (S::Rest, f(Fate::Returned)), (S::Rest, f(Fate::Unproven)), (S::Rest, f(Fate::Unproven)), (S::Rest, f(Fate::Unproven))]),
        ];
        assert_eq!(rows.map(|row| row.0), S::ALL);
        for (state, row) in rows {
            for (event, expected) in E::ALL.into_iter().zip(row) {
                assert_eq!(step(state, event), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn the_output_goes_on_by_a_fire_from_armed_alone() {
        for state in State::ALL {
            for event in Event::ALL {
                let goes_on = step(state, event).0 == State::Held && state != State::Held;
                assert_eq!(goes_on, (state, event) == (State::Armed, Event::Fire), "{state:?} {event:?}");
            }
        }
    }
}
