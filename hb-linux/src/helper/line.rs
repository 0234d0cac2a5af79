//! How a line looks: in the log files nearly as the original wrote them, in syslog as RFC 3164 has it.
//!
//! ```text
//! heartbeat: 2026/11/23_22:13:05.123 info: node ha-2: up        (log file, debug file)
//! <134>Nov 23 22:13:05 heartbeat[412]: info: node ha-2: up      (/dev/log)
//! ```
//! Stamps have milliseconds, which the original's had not: scripts are timed by them.

use crate::config::Facility;
use crate::sys::clock::WallTime;
use core::fmt::Write;
use heapless::String;

/// Bytes of a line at most, its stamp included.
pub const LINE_MAX: usize = super::record::TEXT_MAX + 96;
/// A finished line without its end.
pub type Line = String<LINE_MAX>;

/// The name that lines begin with: log readers of old installations look for it.
const TAG: &str = "heartbeat";

/// How much a line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// The service is, or may be, lost; or two nodes run it.
    Critical,
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What happens.
    Info,
    /// For a search for a fault.
    Debug,
}

impl Level {
    /// As the original wrote it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "CRIT",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// Syslog's severity.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Critical => 2,
            Self::Error => 3,
            Self::Warn => 4,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }

    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0..=2 => Self::Critical,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// The line for a file, with its end of line.
#[must_use]
pub fn for_file(at: WallTime, level: Level, text: &str) -> Line {
    let t = at.local();
    let mut line = Line::new();
    // LINE_MAX holds the stamp and the longest text.
    let _ = write!(
        line,
        "{TAG}: {:04}/{:02}/{:02}_{:02}:{:02}:{:02}.{:03} {}: ",
        t.year,
        t.month,
        t.day,
        t.hour,
        t.minute,
        t.second,
        at.micros / 1000,
        level.as_str()
    );
    push_clean(&mut line, text);
    let _ = line.push('\n');
    line
}

/// The datagram for `/dev/log`.
#[must_use]
pub fn for_syslog(at: WallTime, facility: Facility, level: Level, pid: i32, text: &str) -> Line {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let t = at.local();
    let month = MONTHS.get(usize::from(t.month.saturating_sub(1))).unwrap_or(&"Jan");
    let priority = u32::from(facility.code) * 8 + u32::from(level.code());
    let mut line = Line::new();
    let _ = write!(
        line,
        "<{priority}>{month} {:2} {:02}:{:02}:{:02} {TAG}[{pid}]: {}: ",
        t.day,
        t.hour,
        t.minute,
        t.second,
        level.as_str()
    );
    push_clean(&mut line, text);
    line
}

/// Text from scripts and the network must not forge lines or steer a terminal.
fn push_clean(line: &mut Line, text: &str) {
    for c in text.trim_end().chars() {
        let shown = match c {
            '\t' | '\n' | '\r' => ' ',
            c if c.is_control() => '?',
            c => c,
        };
        if line.len() + 8 > LINE_MAX {
            return;
        }
        let _ = line.push(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: WallTime = WallTime { secs: 1_000_000_000, micros: 7_999 };

    #[test]
    fn lines_look_as_documented() {
        let line = for_file(AT, Level::Warn, "node ha-2: late\n");
        let (tag, rest) = line.split_once(": ").unwrap();
        let (stamp, text) = rest.split_once(' ').unwrap();
        assert_eq!((tag, text), ("heartbeat", "WARN: node ha-2: late\n"));
        // 2001-09-09 01:46:40 UTC; the day is the 8th or the 9th everywhere on earth.
        assert!(stamp.starts_with("2001/09/0") && stamp.ends_with(":40.007"), "{stamp}");
        let local0 = Facility { name: "local0", code: 16 };
        let line = for_syslog(AT, local0, Level::Info, 412, "up");
        assert!(line.starts_with("<134>Sep  ") && line.ends_with(":40 heartbeat[412]: info: up"), "{line}");
    }

    #[test]
    fn text_cannot_forge_a_line() {
        let line = for_file(AT, Level::Info, "a\nheartbeat: b\x1b[2J\tc\u{9b}");
        assert!(line.ends_with("info: a heartbeat: b?[2J c?\n"));
        let line = for_file(AT, Level::Critical, &"x".repeat(5000));
        assert!(line.len() <= LINE_MAX && line.ends_with("x\n"));
    }

    #[test]
    fn levels_have_their_numbers() {
        use Level::{Critical, Debug, Error, Info, Warn};
        for level in [Critical, Error, Warn, Info, Debug] {
            assert_eq!(Level::from_code(level.code()), level);
        }
    }
}
