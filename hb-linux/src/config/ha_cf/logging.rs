//! `logfacility`.

use super::HaCf;
use super::directive::Directive;
use crate::config::finding::Report;
use crate::config::settings::Facility;

/// Names and numbers as in RFC 5424 and `syslog.conf`.
const FACILITIES: [(&str, u8); 21] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// `logfacility NAME|none`
pub(super) fn facility(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(word) = d.value("local0", report) else { return };
    if word == "none" {
        d.set(&mut cf.facility, None, report);
    } else if let Some((name, code)) = FACILITIES.iter().find(|(name, _)| *name == word) {
        d.set(&mut cf.facility, Some(Facility { name, code: *code }), report);
    } else {
        report.error(
            d.line,
            format_args!(
                "logfacility: `{word}` is not a syslog facility; write auth, authpriv, cron, daemon, ftp, kern, lpr, \
                 mail, news, security, syslog, user, uucp, local0 to local7, or none"
            ),
        );
    }
}
