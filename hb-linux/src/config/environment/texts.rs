//! What the text of a script shows without a run of it.

use crate::config::files::read_text;
use crate::config::finding::Report;
use crate::scripts::deaf::Deaf;
use crate::scripts::fitness;
use std::path::Path;

/// Name what is wrong with a script that can be run all the same.
pub(super) fn examine(path: &Path, line: u32, report: &mut Report<'_>) {
    let text = read_text(path);
    let has = |word: &[u8]| text.windows(word.len()).any(|w| w == word);
    if fitness::ear(path) == Some(Deaf::Same) {
        report.warn(
            line,
            format_args!(
                "{} never looks at its argument: `status` and `stop` do the same as `start`; tell them apart by `$1`",
                path.display()
            ),
        );
    }
    if text.starts_with(b"#!") && has(b"\r\n") {
        report.warn(line, format_args!("{0} has DOS line ends; run `dos2unix {0}`", path.display()));
    }
    if text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii).any(hands_over) {
        report.warn(
            line,
            format_args!(
                "{} hands over to systemctl, which answers for the unit and at a shutdown waits for hbd's own end; write \
                 `systemd::UNIT` instead",
                path.display()
            ),
        );
    }
}

/// A line that has systemd start or stop something, or that passes its own argument on.
fn hands_over(line: &[u8]) -> bool {
    let mut words = line.split(|b| b.is_ascii_whitespace() || *b == b'"').filter(|word| !word.is_empty());
    !line.starts_with(b"#")
        && words.any(|word| word.rsplit(|&b| b == b'/').next() == Some(b"systemctl"))
        && words.take(2).any(|word| [&b"start"[..], b"stop", b"$1", b"${1}"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{machine, missing};

    #[test]
    fn what_a_text_shows_is_named() {
        let place = machine("node a b\nbcast hbtest0\n", "a jdmail\n");
        let own = "ha.d/haresources:1: ha.d/resource.d/jdmail";
        let said = |text: &str| {
            place.file("ha.d/resource.d/jdmail", text, 0o755);
            missing(&place)
        };
        // The manual's own two lines.
        assert_eq!(
            said("/jdmail/startjd.sh &\n\n/jdmail/web/bin/startup.sh &\n"),
            [format!(
                "{own} never looks at its argument, so `status` and `stop` start it once more and nothing ends it; write as \
                 `case $1 in start) WHAT IT DOES NOW;; stop) WHAT ENDS IT;; status) if WHAT SHOWS THAT IT RUNS; then echo \
                 running; else echo stopped; exit 3; fi;; esac`, or run `mv ha.d/resource.d/jdmail \
                 ha.d/resource.d/jdmail.off`: hbd has a `jdmail` of its own"
            )]
        );
        assert_eq!(
            said("#!/bin/sh\nmount /dev/sda1 /jdmail\n"),
            [format!(
                "{own} never looks at its argument: `status` and `stop` do the same as `start`; tell them apart by `$1`"
            )]
        );
        let systemctl = format!(
            "{own} hands over to systemctl, which answers for the unit and at a shutdown waits for hbd's own end; write \
             `systemd::UNIT` instead"
        );
        for text in [
            "#!/bin/sh\nexec /bin/systemctl \"$1\" jdmail\n",
            "#!/bin/sh\ncase $1 in\nstart) systemctl start jdmail;;\nstatus) systemctl is-active jdmail;;\nesac\n",
        ] {
            assert_eq!(said(text), [systemctl.as_str()], "{text}");
        }
        let dos = "#!/bin/sh -e\ncase $1 in\r\nstatus) echo running;;\r\nesac\r\n";
        assert_eq!(said(dos), [format!("{own} has DOS line ends; run `dos2unix ha.d/resource.d/jdmail`")]);
        for text in [
            "#!/bin/sh\n# systemctl start x\ncase $1 in status) systemctl is-active x;; esac\n",
            "#!/bin/sh\necho stopped\n",
        ] {
            assert!(said(text).is_empty(), "{text}");
        }
    }
}
