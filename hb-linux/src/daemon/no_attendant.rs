//! In place of `attendant` in a build without the feature `attend`: nobody is told, and no program is kept.

use super::voice::Voice;
use crate::config::{Paths, Settings};
use crate::log::Names;
use crate::scripts::Places;
use hb_core::{Event, Instant};
use std::os::fd::RawFd;

/// Nobody.
#[derive(Debug)]
pub(super) struct Attendant;

impl Attendant {
    pub(super) const fn new(_: &Settings, _: &Paths, _: &Places) -> Self {
        Self
    }

    pub(super) const fn fd(&self) -> Option<RawFd> {
        None
    }

    pub(super) const fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    pub(super) const fn reap(&self, _: Instant) {}

    pub(super) const fn service(&self, _: Instant, _: &mut Voice) {}

    pub(super) const fn note(&self, _: &Event, _: &Names, _: &str) {}

    pub(super) const fn reread(&self, _: Instant) {}

    pub(super) const fn end(self) {}
}
