//! Message bytes.
use crate::time::Duration;
/// Step of [`super::Echo::hold`] on the wire.
pub const ECHO_UNIT: Duration = Duration::from_micros(128);
