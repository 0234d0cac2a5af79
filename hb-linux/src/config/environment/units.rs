//! Units of systemd that are resources: nobody else may start them.

use crate::config::Paths;
use crate::config::finding::Report;
use crate::config::settings::Resource;
use std::fs;

/// No unit of `systemd::UNIT` is enabled: a boot would start it on the standby node as well. Links are looked at, and nobody
/// is asked.
pub(super) fn enabled(paths: &Paths, resource: &Resource, report: &mut Report<'_>) {
    if resource.name != "systemd" {
        return;
    }
    let Ok(dirs) = fs::read_dir(paths.etc_dir.join("systemd/system")) else { return };
    for dir in dirs.flatten().map(|entry| entry.path()) {
        if dir.extension().is_none_or(|ending| ending != "wants" && ending != "requires") {
            continue;
        }
        for unit in &resource.args {
            let unit = full(unit);
            let link = dir.join(&unit);
            if fs::symlink_metadata(&link).is_ok() {
                report.lacks(
                    resource.line,
                    format_args!(
                        "`{unit}` is enabled ({}), so every boot starts it, on the standby node as well; run \
                         `systemctl disable {unit}`",
                        link.display()
                    ),
                );
            }
        }
    }
}

/// A name without an ending is a service's.
fn full(unit: &str) -> String {
    let endings = ["service", "socket", "target", "mount", "timer", "path"];
    match unit.rsplit_once('.') {
        Some((_, ending)) if endings.contains(&ending) => unit.to_owned(),
        _ => format!("{unit}.service"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{machine, missing};

    #[test]
    fn an_enabled_unit_is_named() {
        let place = machine("node a b\nbcast hbtest0\n", "a systemd::mail::web.socket\n");
        place.file("etc/systemd/system/mail.service", "", 0o644);
        assert!(missing(&place).is_empty(), "it is there, that is all");
        place.file("etc/systemd/system/multi-user.target.wants/mail.service", "", 0o644);
        place.file("etc/systemd/system/sockets.target.wants/web.socket", "", 0o644);
        let mut said = missing(&place);
        said.sort();
        assert_eq!(
            said,
            [
                "ha.d/haresources:1: `mail.service` is enabled \
                 (etc/systemd/system/multi-user.target.wants/mail.service), so every boot starts it, on the standby node \
                 as well; run `systemctl disable mail.service`",
                "ha.d/haresources:1: `web.socket` is enabled (etc/systemd/system/sockets.target.wants/web.socket), so \
                 every boot starts it, on the standby node as well; run `systemctl disable web.socket`",
            ]
        );
    }
}
