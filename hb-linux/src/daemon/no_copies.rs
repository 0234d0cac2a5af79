//! In place of `copies` in a build without the feature `data`: no group has any, so the core never asks; if it did, nothing
//! was brought or written.

use super::voice::Voice;
use crate::config::Settings;
use crate::scripts::Places;
use hb_core::{GroupId, Input, Instant, Stamp, Token};

/// No group has data.
#[derive(Debug)]
pub(super) struct Copies;

impl Copies {
    pub(super) const fn of(_: &Settings, _: &Places) -> Self {
        Self
    }

    pub(super) const fn write(&self, _: Instant, _: GroupId, _: Token, _: Stamp) -> bool {
        false
    }

    pub(super) const fn pull(&self, _: Instant, _: GroupId, _: Token, _: (Stamp, bool, bool)) -> bool {
        false
    }

    pub(super) const fn end_pull(&self, _: Instant, _: Token) -> Option<Input<'static>> {
        None
    }

    pub(super) const fn kill_all(&self) {}

    pub(super) const fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    pub(super) const fn service(&self, _: Instant, _: &mut Voice) -> [Input<'static>; 0] {
        []
    }
}
