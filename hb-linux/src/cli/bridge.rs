//! The bridge in `hbd status`: a row for people, an object in `--json`.

use super::json::Json;
use crate::control::snapshot::Bridge;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// The counters of a direction, page by page, in the order in which the bridge has them; the last one is a time.
const COUNTERS: [[&str; 3]; 4] = [
    ["bytes", "frames", "forwarded"],
    ["malformed", "text", "own"],
    ["replaced", "stale", "cut"],
    ["read_errors", "write_errors", "last_frame_ms"],
];
/// No such time.
const NEVER: u32 = u32::MAX;

/// What follows the label.
pub(super) fn row(b: &Bridge) -> Vec<String> {
    let state = if b.answers { "answers" } else { "SILENT" };
    let mut row = Vec::from([b.device.clone(), state.to_string()]);
    if let (true, Some([up, ..])) = (b.answers, b.own) {
        row.push(format!("up {}", super::show::seconds(up.into())));
    }
    for (whose, [_, other, dropped, errors]) in [("from here", b.from), ("to here", b.to)] {
        let [malformed, ..] = other.unwrap_or_default();
        let dropped = dropped.unwrap_or_default().iter().fold(0_u32, |sum, n| sum.saturating_add(*n));
        let [read, write, _] = errors.unwrap_or_default();
        if malformed > 0 || dropped > 0 || read > 0 || write > 0 {
            let errors = read.saturating_add(write);
            row.push(format!("{whose} {malformed} malformed, {dropped} dropped, {errors} line errors"));
        }
    }
    row
}

/// The object `bridge`.
pub(super) fn json(b: &Bridge, j: &mut Json) {
    j.key("bridge").open('{').key("device").string(&b.device).key("answers").boolean(b.answers);
    let [up, boot, cause] = b.own.map_or([None; 3], |words| words.map(Some));
    let cause = cause.map(|cause| match cause {
        0 => "power",
        1 => "watchdog",
        2 => "program",
        _ => "unknown",
    });
    j.key("up_s").maybe_number(up.map(u64::from)).key("boot").maybe_number(boot.map(u64::from));
    j.key("cause").maybe_string(cause);
    for (key, pages) in [("from_here", b.from), ("to_here", b.to)] {
        j.key(key).open('{');
        for (names, words) in COUNTERS.iter().zip(pages) {
            for (at, name) in names.iter().enumerate() {
                let word = words.and_then(|words| words.get(at).copied());
                let time = *name == "last_frame_ms";
                j.key(name).maybe_number(word.filter(|word| !(time && *word == NEVER)).map(u64::from));
            }
        }
        j.close('}');
    }
    j.close('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_came_is_null_and_what_came_has_its_name() {
        let mut b =
            Bridge { device: "/dev/ttyS0".into(), answers: true, own: Some([90, 5, 1]), ..Bridge::default() };
        b.from = [Some([1, 2, 3]), Some([4, 5, 6]), Some([7, 8, 9]), Some([10, 11, NEVER])];
        let mut j = Json::new();
        j.open('{');
        json(&b, &mut j);
        j.close('}');
        let expected = concat!(
            r#"{"bridge":{"device":"/dev/ttyS0","answers":true,"up_s":90,"boot":5,"cause":"watchdog","#,
            r#""from_here":{"bytes":1,"frames":2,"forwarded":3,"malformed":4,"text":5,"own":6,"replaced":7,"stale":8,"cut":9,"#,
            r#""read_errors":10,"write_errors":11,"last_frame_ms":null},"#,
            r#""to_here":{"bytes":null,"frames":null,"forwarded":null,"malformed":null,"text":null,"own":null,"#,
            r#""replaced":null,"stale":null,"cut":null,"read_errors":null,"write_errors":null,"last_frame_ms":null}}}"#,
        );
        assert_eq!(j.finish().trim(), expected);
    }

    #[test]
    fn a_row_says_whether_it_answers_and_what_is_lost() {
        let mut b = Bridge { device: "/dev/ttyS0".into(), ..Bridge::default() };
        assert_eq!(row(&b), ["/dev/ttyS0", "SILENT"]);
        (b.answers, b.own) = (true, Some([90, 0, 0]));
        b.to = [Some([100, 9, 9]), Some([3, 0, 0]), Some([1, 1, 0]), Some([0, 0, 12])];
        assert_eq!(row(&b).last().map(String::as_str), Some("to here 3 malformed, 2 dropped, 0 line errors"));
    }
}
