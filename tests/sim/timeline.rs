//! What a run leaves behind: nothing, every note to the byte, or a timeline for people.

use crate::fault::Fault;
use crate::note::Note;
use crate::world::World;
use std::fmt::Write;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keep {
    Nothing,
    Everything,
    News,
}

/// The kept lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    keep: Keep,
    text: String,
}

impl Timeline {
    /// Keep nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { keep: Keep::Nothing, text: String::new() }
    }

    /// Keep every note, and a sum of every frame.
    #[must_use]
    pub fn exact() -> Self {
        Self { keep: Keep::Everything, text: String::new() }
    }

    /// Keep what people want to read.
    #[must_use]
    pub fn readable() -> Self {
        Self { keep: Keep::News, text: String::new() }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.keep == Keep::Everything
    }

    /// The lines.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn note(&mut self, world: &World, note: &Note) {
        let kept = match self.keep {
            Keep::Nothing => false,
            Keep::Everything => true,
            Keep::News => !note.is_routine(),
        };
        if kept {
            self.stamp(world);
            let _ = writeln!(self.text, "{note:?}");
        }
    }

    pub(crate) fn fault(&mut self, world: &World, fault: &Fault, begins: bool) {
        if self.keep != Keep::Nothing {
            self.stamp(world);
            let word = if begins { "begins" } else { "ends" };
            let Fault { kind, host, link, amount, .. } = fault;
            let _ = writeln!(self.text, "*** {kind:?} {word}: host {host}, link {link}, amount {amount}");
        }
    }

    pub(crate) fn line(&mut self, world: &World, what: &str) {
        if self.keep != Keep::Nothing {
            self.stamp(world);
            let _ = writeln!(self.text, "*** {what}");
        }
    }

    fn stamp(&mut self, world: &World) {
        let us = world.now.as_micros().saturating_sub(1_000_000);
        let _ = write!(self.text, "{:>6}.{:06} ", us / 1_000_000, us % 1_000_000);
    }
}

impl std::fmt::Display for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
