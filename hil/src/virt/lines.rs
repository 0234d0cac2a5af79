//! QEMU's traces: the moment in front of a line, and what a guest writes into a modem control register.

use crate::netns::Stamp;
use std::time::{Duration, SystemTime};

/// DTR and RTS in a modem control register.
pub const DTR: u8 = 1;
/// Of the same.
pub const RTS: u8 = 2;

/// When a line of a trace was written (`-msg timestamp=on` puts the wall clock in front); now, where that is not said.
pub(super) fn stamp(line: &str) -> Stamp {
    let wall = line.split_once('@').and_then(|(_, rest)| rest.split_once(':')).map(|(time, _)| time);
    let wall = wall.and_then(|time| time.parse().ok()).map(Duration::from_secs_f64);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ago = now.saturating_sub(wall.unwrap_or(now));
    let ago = u64::try_from(ago.as_nanos()).unwrap_or_default();
    Stamp(Stamp::now().0.saturating_sub(ago))
}

/// What a line of the trace of an emulated UART writes into its modem control register.
pub(super) fn modem_control(line: &str) -> Option<(Stamp, u8)> {
    let (_, value) = line.split_once("serial_write write addr 0x04 val 0x")?;
    Some((stamp(line), u8::from_str_radix(value.trim(), 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_modem_control_register_is_read() {
        let line = "7@1796094928.2:serial_write write addr 0x04 val 0x0b";
        assert!(matches!(modem_control(line), Some((_, 0x0b))));
        assert_eq!(modem_control("7@1796094928.2:serial_write write addr 0x00 val 0x04"), None);
        assert_eq!(modem_control("7@1796094928.2:serial_read read addr 0x04 val 0x0b"), None);
    }

    #[test]
    fn an_earlier_line_is_of_an_earlier_time() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64();
        let ago = |seconds: f64| stamp(&format!("7@{:.6}:x", now - seconds));
        assert!(ago(2.5) < ago(1.5) && ago(1.5) < stamp("no time"));
    }
}
