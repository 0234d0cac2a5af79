//! The parsed files to [`Settings`] and to what the core is told.

use super::Parsed;
use super::chain::{Times, frame_times};
use super::files::Crc32;
use super::finding::Report;
use super::ha_cf::HaCf;
use super::haresources::Canonical;
use super::scripts;
use super::settings::{
    DataSettings, Group, LogTargets, Medium, Settings, WatchdogBusy, WatchdogSettings, asked,
};
use hb_core::auth::Keyring;
use hb_core::config::{
    AskConfig, Config, FenceConfig, FenceFailed, GroupConfig, Isolated, LinkKind, MAX_GROUPS,
};
use hb_core::{Duration, Side, identity};
use std::path::PathBuf;
use std::rc::Rc;

/// `announce_every`, if the file does not say.
pub(super) const ANNOUNCE_EVERY: Duration = Duration::from_secs(60);
/// `fence_delay`, if the file does not say and two keepalives are not longer.
const FENCE_DELAY: Duration = Duration::from_secs(2);

/// Everything that is not in the parsed files themselves.
pub(super) struct Extra {
    pub(super) own: String,
    pub(super) peer: String,
    pub(super) keys: Keyring,
    pub(super) data: Vec<Option<DataSettings>>,
    pub(super) boot: u32,
}

/// Build the settings from files without errors. If the core refuses them all the same, its reason is reported.
pub(super) fn settings(
    parsed: Rc<Parsed>,
    times: &Times,
    extra: Extra,
    report: &mut Report<'_>,
) -> Option<Settings> {
    let Extra { own, peer, keys, data, boot } = extra;
    let cf = &parsed.ha_cf;
    let groups: Vec<Group> = parsed.groups.iter().map(|g| g.value.clone()).collect();
    let links: Vec<Medium> = cf.links.iter().map(|l| l.value.clone()).collect();
    let Some(core) = core_config(cf, &groups, &data, times, &own, &peer, boot) else {
        report.error(
            1,
            format_args!("more links, ping nodes or groups than hbd takes; write at most 8 of each"),
        );
        return None;
    };
    if let Err(error) = core.validate() {
        report.error(1, format_args!("{error}; write other values"));
        return None;
    }
    let watchdog = cf.watchdog.as_ref().zip(times.watchdog).map(|(device, timeout_s)| WatchdogSettings {
        device: device.value.clone(),
        timeout_s,
        busy: cf.watchdog_busy.map_or(WatchdogBusy::Serve, |busy| busy.value),
    });
    let fence = cf.fence_of(&own).map(|fence| fence.value);
    let behind = |link: &super::ha_cf::At<Medium>| match (&link.value, &cf.bridge) {
        (Medium::Serial { device, .. }, Some(bridge)) => *device == bridge.value,
        _ => false,
    };
    Some(Settings {
        bridge: cf.links.iter().position(behind),
        fence,
        timing: times.timing,
        links,
        pings: cf.pings.iter().map(|p| p.value.clone()).collect(),
        groups,
        data,
        watchdog,
        log: log_targets(cf),
        rtprio: cf.rtprio.map(|p| p.value),
        #[cfg(feature = "page")]
        page: cf.page.map(|port| port.value),
        status_group: cf.status_group.as_ref().map(|group| group.value.clone()),
        announce_every: cf.announce_every.map_or(Some(ANNOUNCE_EVERY), |a| a.value),
        respawn: cf.respawn.iter().map(|respawn| respawn.value.clone()).collect(),
        config_digest: config_digest(&core),
        core,
        keys,
        own,
        peer,
        source: parsed,
    })
}

/// The original's rule: without a facility the two files have defaults, with one they do not.
pub(super) fn log_targets(cf: &HaCf) -> LogTargets {
    let facility = cf.facility.and_then(|f| f.value);
    let target = |given: &Option<super::ha_cf::At<PathBuf>>, default: &str| match given {
        Some(path) => Some(path.value.clone()),
        None => facility.is_none().then(|| PathBuf::from(default)),
    };
    LogTargets {
        logfile: target(&cf.logfile, "/var/log/ha-log"),
        debugfile: target(&cf.debugfile, "/var/log/ha-debug"),
        facility,
    }
}

fn core_config(
    cf: &HaCf,
    groups: &[Group],
    data: &[Option<DataSettings>],
    times: &Times,
    own: &str,
    peer: &str,
    boot: u32,
) -> Option<Config> {
    let kind = |medium: &Medium| match medium {
        Medium::Serial { .. } => LinkKind::Stream,
        Medium::Bcast { .. } | Medium::Mcast { .. } | Medium::Ucast { .. } => LinkKind::Datagram,
    };
    let mut links = heapless::Vec::new();
    for link in &cf.links {
        links.push(kind(&link.value)).ok()?;
    }
    let mut core_groups = heapless::Vec::new();
    for (group, data) in groups.iter().zip(data) {
        core_groups.push(group_config(group, data.as_ref(), own, peer)?).ok()?;
    }
    Some(Config {
        cluster: identity::cluster(own, peer),
        side: Side::of(own, peer),
        peer_name: heapless::String::try_from(peer).ok()?,
        boot,
        timing: times.timing,
        timing_digest: identity::timing_digest(&times.timing),
        failback: failback(cf),
        isolated: cf.isolated.map_or(Isolated::Wait, |i| i.value),
        links,
        line_time: line_time(cf),
        pings: u8::try_from(cf.pings.len()).ok()?,
        groups: core_groups,
        fence: cf.fence_of(own).map(|_| fence(cf, times)),
        limits: times.limits,
        monitor: times.monitor,
        ask: AskConfig { addresses: addresses(groups), answered: cf.answered.map(|a| a.value) },
    })
}

/// The other node must have had its time to fire before a node that holds nothing does.
pub(super) fn fence(cf: &HaCf, times: &Times) -> FenceConfig {
    let usual = times.timing.keepalive.doubled().max(FENCE_DELAY);
    FenceConfig {
        delay: cf.fence_delay.map_or(usual, |delay| delay.value),
        startup: cf.startup_fence.is_some_and(|startup| startup.value),
        failed: cf.fence_failed.map_or(FenceFailed::Wait, |failed| failed.value),
    }
}

/// How long the longest hello takes on the slowest serial line.
fn line_time(cf: &HaCf) -> Duration {
    let time = |medium: &Medium| match medium {
        Medium::Serial { baud, .. } => frame_times(*baud).1,
        Medium::Bcast { .. } | Medium::Mcast { .. } | Medium::Ucast { .. } => Duration::ZERO,
    };
    cf.links.iter().map(|link| time(&link.value)).max().unwrap_or(Duration::ZERO)
}

/// The addresses of each group that can be asked for, one bit each.
fn addresses(groups: &[Group]) -> heapless::Vec<u32, MAX_GROUPS> {
    let mut masks: heapless::Vec<u32, MAX_GROUPS> = groups.iter().take(MAX_GROUPS).map(|_| 0).collect();
    for (bit, (group, _)) in (0..u32::BITS).zip(asked(groups)) {
        if let Some(mask) = masks.get_mut(usize::from(group)) {
            *mask |= 1 << bit;
        }
    }
    masks
}

/// `auto_failback`, else the opposite of `nice_failback`, else on.
pub(super) fn failback(cf: &HaCf) -> bool {
    let nice = cf.nice_failback.is_some_and(|n| n.value);
    cf.auto_failback.map_or(!nice, |auto| auto.value)
}

/// What a group that begins with `resource` is called on the wire: the CRC-32 of its canonical form.
#[must_use]
pub fn name_hash(resource: &super::settings::Resource) -> u32 {
    identity::name_hash(Canonical(resource))
}

fn group_config(group: &Group, data: Option<&DataSettings>, own: &str, peer: &str) -> Option<GroupConfig> {
    let own_side = Side::of(own, peer);
    let preferred = if group.preferred == own { own_side } else { own_side.other() };
    Some(GroupConfig {
        name_hash: name_hash(group.resources.first()?),
        digest: identity::line_digest(&group.preferred, group.resources.iter().map(Canonical)),
        preferred,
        resources: u8::try_from(group.resources.len()).ok()?,
        claimable: group.resources.iter().all(|r| scripts::is_there(&r.script)),
        data: data.map(|data| data.core),
    })
}

/// Over the shared times and all groups, in whatever order the groups stand.
fn config_digest(core: &Config) -> u32 {
    let groups = core.groups.iter().fold(0_u32, |sum, group| {
        let mut crc = Crc32::new();
        crc.update(&group.name_hash.to_be_bytes());
        crc.update(&group.digest.to_be_bytes());
        sum.wrapping_add(crc.finish())
    });
    let mut crc = Crc32::new();
    crc.update(&core.timing_digest.to_be_bytes());
    crc.update(&groups.to_be_bytes());
    crc.finish()
}
