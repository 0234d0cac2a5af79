//! Time values as Heartbeat writes them: `2`, `0.5`, `500ms`, `250000us`.

use core::fmt;
use hb_core::Duration;

/// Why a word is not a time. `Display` says what to write instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimeError<'a> {
    /// Not a number with an optional unit.
    Form(&'a str),
    /// A number with a unit that `ha.cf` does not have, and what it means.
    Unit(&'a str, Duration),
    /// Too large to be counted in microseconds.
    Range(&'a str),
}

impl fmt::Display for TimeError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(word) => {
                write!(f, "`{word}` is not a time; write seconds (`2`, `0.5`) or milliseconds (`500ms`)")
            }
            Self::Unit(word, time) => {
                write!(f, "`{word}` has a unit that ha.cf does not know; write `{}`", Written(*time))
            }
            Self::Range(word) => write!(f, "`{word}` is too long a time; write seconds, at most 86400"),
        }
    }
}

/// Parse one time value. Digits beyond a microsecond are dropped.
pub(super) fn parse(word: &str) -> Result<Duration, TimeError<'_>> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    let unit_us = |unit: &str| match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Some(1_000_000),
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => Some(1000),
        "us" | "usec" | "usecs" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60_000_000),
        "h" | "hr" | "hour" | "hours" => Some(3_600_000_000),
        "d" | "day" | "days" => Some(86_400_000_000),
        _ => None,
    };
    let known = matches!(unit, "" | "ms" | "msec" | "us" | "usec");
    let lower = unit.to_ascii_lowercase();
    let scale: u64 = unit_us(&lower).ok_or(TimeError::Form(word))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return Err(TimeError::Form(word));
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| TimeError::Range(word))? };
    let mut us = whole.checked_mul(scale).ok_or(TimeError::Range(word))?;
    let mut place = scale;
    for digit in part.bytes() {
        place /= 10;
        us = us.saturating_add(place * u64::from(digit - b'0'));
    }
    let time = Duration::from_micros(us);
    if known { Ok(time) } else { Err(TimeError::Unit(word, time)) }
}

/// Shows a time as `ha.cf` takes it: `2`, `1500ms`, `250us`.
#[derive(Clone, Copy)]
pub(crate) struct Written(pub(crate) Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        if us.is_multiple_of(1_000_000) {
            write!(f, "{}", us / 1_000_000)
        } else if us.is_multiple_of(1000) {
            write!(f, "{}ms", us / 1000)
        } else {
            write!(f, "{us}us")
        }
    }
}

/// Shows a time for people: `2 s`, `1.5 s`, `500 ms`, `20.8 ms`. Rounded down to a tenth below a second, else to a millisecond.
#[derive(Clone, Copy)]
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        if us >= 1_000_000 {
            let (s, ms) = (us / 1_000_000, us / 1000 % 1000);
            match ms {
                0 => write!(f, "{s} s"),
                _ if ms.is_multiple_of(100) => write!(f, "{s}.{} s", ms / 100),
                _ => write!(f, "{s}.{ms:03} s"),
            }
        } else {
            match us / 100 % 10 {
                0 => write!(f, "{} ms", us / 1000),
                tenth => write!(f, "{}.{tenth} ms", us / 1000),
            }
        }
    }
}

/// The time rounded up to what people write: whole seconds from 10 s on, tenths from 1 s on, else milliseconds.
pub(super) fn round_up(time: Duration) -> Duration {
    let us = time.as_micros();
    let step = match us {
        10_000_000.. => 1_000_000,
        1_000_000.. => 100_000,
        _ => 1000,
    };
    Duration::from_micros(us.div_ceil(step).saturating_mul(step))
}

/// The time rounded down in the same steps, not below one millisecond.
pub(super) fn round_down(time: Duration) -> Duration {
    let us = time.as_micros();
    let step = match us {
        10_000_000.. => 1_000_000,
        1_000_000.. => 100_000,
        _ => 1000,
    };
    Duration::from_micros((us / step * step).max(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_heartbeat_takes() {
        for (word, us) in [
            ("2", 2_000_000),
            ("0.5", 500_000),
            (".25", 250_000),
            ("3.", 3_000_000),
            ("500ms", 500_000),
            ("500msec", 500_000),
            ("1.5ms", 1500),
            ("250us", 250),
            ("250usec", 250),
            ("0", 0),
            ("1.0000019", 1_000_001),
            ("86400", 86_400_000_000),
        ] {
            assert_eq!(parse(word), Ok(Duration::from_micros(us)), "{word}");
        }
    }

    #[test]
    fn other_units_are_errors_that_say_what_to_write() {
        for (word, written) in [
            ("10s", "10"),
            ("10sec", "10"),
            ("1min", "60"),
            ("2m", "120"),
            ("1h", "3600"),
            ("0.5s", "500ms"),
            ("500MS", "500ms"),
            ("10S", "10"),
            ("7msecs", "7ms"),
            ("1day", "86400"),
        ] {
            let text = parse(word).map_err(|e| e.to_string());
            assert_eq!(
                text,
                Err(format!("`{word}` has a unit that ha.cf does not know; write `{written}`")),
                "{word}"
            );
        }
    }

    #[test]
    fn everything_else_is_no_time() {
        for word in ["", ".", "ms", "-1", "1.2.3", "1x", "0x10", "two", "1e3", "+1", "1..", "5ms5"] {
            assert_eq!(parse(word), Err(TimeError::Form(word)), "{word}");
        }
        for word in ["99999999999999999999", "18446744073709551615"] {
            assert_eq!(parse(word), Err(TimeError::Range(word)), "{word}");
        }
        assert_eq!(
            TimeError::Form("x").to_string(),
            "`x` is not a time; write seconds (`2`, `0.5`) or milliseconds (`500ms`)"
        );
        assert_eq!(TimeError::Range("9").to_string(), "`9` is too long a time; write seconds, at most 86400");
    }

    #[test]
    fn times_are_shown_and_rounded() {
        for (us, shown, written) in [
            (2_000_000, "2 s", "2"),
            (1_500_000, "1.5 s", "1500ms"),
            (1_050_000, "1.050 s", "1050ms"),
            (500_000, "500 ms", "500ms"),
            (20_833, "20.8 ms", "20833us"),
            (0, "0 ms", "0"),
        ] {
            let time = Duration::from_micros(us);
            assert_eq!(
                (Shown(time).to_string().as_str(), Written(time).to_string().as_str()),
                (shown, written)
            );
        }
        assert_eq!(round_up(Duration::from_micros(10_000_001)), Duration::from_secs(11));
        assert_eq!(round_up(Duration::from_micros(1_000_001)), Duration::from_millis(1100));
        assert_eq!(round_up(Duration::from_micros(20_833)), Duration::from_millis(21));
        assert_eq!(round_down(Duration::from_micros(20_833)), Duration::from_millis(20));
        assert_eq!(round_down(Duration::from_micros(10)), Duration::from_millis(1));
    }
}
