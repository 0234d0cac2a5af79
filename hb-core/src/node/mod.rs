//! The node: one `Input` in, actions out, one deadline.

use crate::action::Action;
use crate::auth::Keyring;
use crate::config::{Config, ConfigError, MAX_GROUPS};
use crate::input::{Command, Input, Refusal};
use crate::status::Status;
use crate::time::Instant;
use heapless::Vec;

/// What a node keeps across its lives; the shell writes it when [`Action::Persist`] says so.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Saved {
    /// Starts of the daemon so far.
    pub counter: u32,
    /// Highest epoch seen, by hash of the group's name.
    pub epochs: Vec<(u32, u32), MAX_GROUPS>,
}

/// Bytes that `poll_action` may need for one frame on the wire.
pub const FRAME_BUF: usize = 320;

/// One node of the cluster.
#[derive(Debug)]
pub struct Node {}

impl Node {
    /// A node that begins its life at `now`. `saved` is what the previous life left (default if nothing is left);
    /// `entropy` must be unpredictable: the incarnation's nonce and the challenges come from it.
    ///
    /// # Errors
    /// The relation that the configuration breaks.
    pub fn new(
        config: Config,
        keys: Keyring,
        saved: &Saved,
        entropy: [u8; 16],
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let _ = (keys, saved, entropy, now);
        config.validate()?;
        Ok(Self {})
    }

    /// Take in one thing that happened. Never fails, never blocks; work is bounded by the bytes handed in.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let _ = (now, input);
    }

    /// An operator's command: accepted (it then runs its course; watch the status) or refused with the reason.
    ///
    /// # Errors
    /// Why it is refused; nothing was changed then.
    pub fn operator(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        let _ = (now, command);
        Err(Refusal::Busy)
    }

    /// New keys, after the file was read again. Takes effect with the next frame.
    pub fn set_keys(&mut self, keys: Keyring) {
        let _ = keys;
    }

    /// The next thing to do, or `None` when all is done. A frame to send is written to `out`.
    pub fn poll_action(&mut self, out: &mut [u8; FRAME_BUF]) -> Option<Action> {
        let _ = out;
        None
    }

    /// When to give [`Input::Tick`] at the latest.
    #[must_use]
    pub fn poll_deadline(&self) -> Instant {
        Instant::NEVER
    }

    /// What is to be kept across lives, as of now.
    #[must_use]
    pub fn saved(&self) -> Saved {
        Saved::default()
    }

    /// A snapshot for people.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        let _ = now;
        unimplemented!()
    }
}
