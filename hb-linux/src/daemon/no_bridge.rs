//! In place of `bridge` in a build without that feature: no bridge is behind any line.

use super::voice::Voice;
use crate::config::Settings;
use crate::fence::Verdict;
use crate::link::Link;
use crate::scripts::Last;
use hb_core::{Duration, Instant};

/// Nothing is taken out.
pub(super) type Rest = heapless::Vec<u8, 0>;

/// None.
#[derive(Debug)]
pub(super) struct Bridge;

impl Bridge {
    pub(super) const fn of(_: &Settings) -> Self {
        Self
    }

    pub(super) const fn strain<'a>(
        &self,
        _: Instant,
        _: usize,
        _: bool,
        bytes: &'a [u8],
        _: &'a mut Rest,
    ) -> &'a [u8] {
        bytes
    }

    pub(super) const fn fence(&self) -> Option<&str> {
        None
    }

    pub(super) const fn busy(&self) -> bool {
        false
    }

    pub(super) const fn fire(&self, _: Instant, _: Duration) {}

    pub(super) const fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    pub(super) const fn service(
        &self,
        _: Instant,
        _: &mut [Link],
        _: &mut Voice,
    ) -> Option<(Verdict, Duration, Last)> {
        None
    }
}
