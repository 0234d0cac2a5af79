//! The data lines of groups.

use super::super::ha_cf::{At, HaCf};
use super::super::settings::{Settings, Transport};
use super::super::time::Written;
use super::rows::{Rows, on};
use hb_core::config::StalePolicy;
use std::format;
use std::string::ToString;

/// What each key of each group says, and what holds where none does. Values of files that are wrong as a whole are not known.
pub(super) fn rows(cf: &HaCf, settings: Option<&Settings>, rows: &mut Rows<'_>) {
    let Some(settings) = settings else { return };
    for (group, data) in settings.groups.iter().zip(&settings.data) {
        let (Some(data), Some(lines)) = (data, cf.data.iter().find(|lines| lines.group.value == group.name))
        else {
            continue;
        };
        let name = |key: &str| format!("data {} {key}", group.name);
        fn line<T>(at: &Option<At<T>>) -> Option<u32> {
            at.as_ref().map(|at| at.line)
        }
        rows.value(&name("directory"), data.directory.display(), line(&lines.directory), "");
        for address in &lines.addresses {
            rows.value(
                &name("address"),
                format!("{} {}", address.value.0, address.value.1),
                Some(address.line),
                "",
            );
        }
        let transport = match &data.transport {
            Transport::Ssh => "ssh".to_string(),
            Transport::Rsync { module } => format!("rsync module {module}"),
        };
        rows.value(&name("transport"), transport, line(&lines.daemon), "");
        if data.transport == Transport::Ssh {
            rows.value(&name("command"), &data.command, line(&lines.command), "");
        }
        for exclude in &data.excludes {
            let from = lines.excludes.iter().find(|at| at.value == *exclude).map(|at| at.line);
            rows.value(&name("exclude"), exclude, from, "");
        }
        let core = &data.core;
        rows.value(&name("interval"), Written(core.interval), line(&lines.interval), "");
        rows.value(&name("limit"), Written(core.limit), line(&lines.limit), "");
        rows.value(&name("stale_after"), Written(core.stale_after), line(&lines.stale_after), "");
        let stale = match core.stale {
            StalePolicy::AcceptAge => "accept what is only old",
            StalePolicy::Refuse => "refuse",
            StalePolicy::Wait => "wait",
            StalePolicy::Accept => "accept",
        };
        rows.value(&name("stale"), stale, line(&lines.stale), "");
        rows.value(&name("mountpoint"), on(data.mountpoint), line(&lines.mountpoint), "");
        rows.value(&name("max_delete"), data.max_delete, line(&lines.max_delete), "");
    }
}
