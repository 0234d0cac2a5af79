//! Where the question for a group's service addresses is: nobody asks, nothing is proven, answered, or silent (DESIGN §7 O2c).

/// Where the question is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Nobody asks.
    Off,
    /// Questions leave; nothing is proven.
    Asking,
    /// Another machine has answered.
    Answered,
    /// Nobody answers, on networks that live.
    Silent,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AskEvent {
    /// There is a reason to ask.
    Begin,
    /// An answer counts.
    Answer,
    /// All answers turned out to be forged.
    Void,
    /// Enough questions met silence, for long enough.
    Enough,
    /// A question could not leave, or a network fell silent.
    Blind,
    /// The reason is gone.
    End,
}

/// The machine.
///
/// ```text
///          begin            enough
///   Off ----------> Asking ----------> Silent
///    ^               ^  |  <--blind---   |
///    |          void |  | answer         | answer
///    |               |  v                v
///    +-----end----  Answered <-----------+
///                       +-----enough----> Silent
/// ```
#[must_use]
pub(crate) const fn next(stage: Stage, event: AskEvent) -> Stage {
    match (stage, event) {
        (Stage::Off, AskEvent::Begin) => Stage::Asking,
        (
            Stage::Off,
            AskEvent::Answer | AskEvent::Void | AskEvent::Enough | AskEvent::Blind | AskEvent::End,
        ) => Stage::Off,
        (Stage::Asking, AskEvent::Answer) => Stage::Answered,
        (Stage::Asking, AskEvent::Enough) => Stage::Silent,
        (Stage::Asking, AskEvent::Begin | AskEvent::Void | AskEvent::Blind) => Stage::Asking,
        (Stage::Answered, AskEvent::Void) => Stage::Asking,
        (Stage::Answered, AskEvent::Enough) => Stage::Silent,
        // What was answered stays so while nothing can be asked.
        (Stage::Answered, AskEvent::Begin | AskEvent::Answer | AskEvent::Blind) => Stage::Answered,
        (Stage::Silent, AskEvent::Answer) => Stage::Answered,
        (Stage::Silent, AskEvent::Blind) => Stage::Asking,
        (Stage::Silent, AskEvent::Begin | AskEvent::Void | AskEvent::Enough) => Stage::Silent,
        (Stage::Asking | Stage::Answered | Stage::Silent, AskEvent::End) => Stage::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 4] = [Stage::Off, Stage::Asking, Stage::Answered, Stage::Silent];

    #[test]
    fn every_pair_follows_the_rules() {
        use AskEvent::{Answer, Begin, Blind, End, Enough, Void};
        for stage in STAGES {
            for event in [Begin, Answer, Void, Enough, Blind, End] {
                let expected = match (stage, event) {
                    (Stage::Off, Begin) => Stage::Asking,
                    (Stage::Off, _) | (_, End) => Stage::Off,
                    (_, Answer) => Stage::Answered,
                    (_, Enough) => Stage::Silent,
                    (Stage::Answered, Void) | (Stage::Silent, Blind) => Stage::Asking,
                    (stage, _) => stage,
                };
                assert_eq!(next(stage, event), expected, "{stage:?} on {event:?}");
            }
        }
    }
}
