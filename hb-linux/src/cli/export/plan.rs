//! What the groups are in Pacemaker's words, before it is written in one of its forms.

use crate::config::{Group, Resource, Script, Settings};
use hb_core::Duration;

/// A resource.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Primitive {
    pub(super) id: String,
    /// `ocf`, `lsb`, `systemd`.
    pub(super) class: &'static str,
    /// Of `ocf`.
    pub(super) provider: Option<&'static str>,
    pub(super) kind: String,
    pub(super) params: Vec<(&'static str, String)>,
}

/// A line of `haresources`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bundle {
    pub(super) id: String,
    pub(super) prefers: String,
    pub(super) members: Vec<Primitive>,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    pub(super) nodes: [String; 2],
    pub(super) bundles: Vec<Bundle>,
    /// Above the preference of 100: what runs stays where it is.
    pub(super) stickiness: u32,
    /// Limits of start and stop, period and limit of monitor, in seconds.
    pub(super) start_s: u64,
    pub(super) stop_s: u64,
    pub(super) every_s: u64,
    pub(super) status_s: u64,
    /// Asked by each node, where there are any.
    pub(super) pings: Vec<String>,
    /// What has no counterpart, for people.
    pub(super) notes: Vec<String>,
}

/// Between two looks at a service, where `monitor` says nothing.
const EVERY_S: u64 = 10;

impl Plan {
    pub(super) fn of(settings: &Settings) -> Self {
        let tuning = settings.core.tuning();
        let (mut ids, mut notes) = (Vec::new(), Vec::new());
        let bundles = settings.groups.iter().map(|group| bundle(group, &mut ids, &mut notes)).collect();
        if settings.watchdog.is_some() {
            notes.push(
                "watchdog: Pacemaker has sbd for that; set it up, then stonith-enabled=true".to_owned(),
            );
        }
        if settings.fence.is_some() {
            notes.push(
                "the fence: make a stonith resource of it (pcs stonith create), then stonith-enabled=true"
                    .to_owned(),
            );
        }
        if settings.data.iter().any(Option::is_some) {
            notes.push(
                "data: Pacemaker copies nothing; DRBD, or a disk that both reach, takes its place".to_owned(),
            );
        }
        Self {
            nodes: [settings.own.clone(), settings.peer.clone()],
            bundles,
            stickiness: if tuning.failback { 0 } else { 200 },
            start_s: seconds(tuning.limits.start),
            stop_s: seconds(tuning.limits.stop),
            every_s: tuning.monitor.map_or(EVERY_S, |monitor| seconds(monitor.period)),
            status_s: seconds(tuning.limits.status),
            pings: settings.pings.iter().flat_map(|ping| &ping.members).map(ToString::to_string).collect(),
            notes,
        }
    }
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).max(1)
}

fn bundle(group: &Group, ids: &mut Vec<String>, notes: &mut Vec<String>) -> Bundle {
    let id = fresh(&format!("group-{}", group.name), ids);
    let members = group.resources.iter().flat_map(|resource| primitives(resource, ids, notes)).collect();
    Bundle { id, prefers: group.preferred.clone(), members }
}

fn primitives(resource: &Resource, ids: &mut Vec<String>, notes: &mut Vec<String>) -> Vec<Primitive> {
    let mut make = |name: &str, class, provider, kind: &str, params: Vec<(&'static str, Option<String>)>| {
        let params = params.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        Primitive { id: fresh(name, ids), class, provider, kind: kind.to_owned(), params }
    };
    let heartbeat = Some("heartbeat");
    let arg = |n: usize| resource.args.get(n).filter(|word| !word.is_empty()).cloned();
    if let Some(address) = &resource.address {
        let params = vec![
            ("ip", Some(address.ip.to_string())),
            ("cidr_netmask", address.prefix.map(|bits| bits.to_string())),
            ("nic", address.iface.clone()),
            ("broadcast", address.broadcast.map(|ip| ip.to_string())),
        ];
        return vec![make(&format!("ip-{}", address.ip), "ocf", heartbeat, "IPaddr2", params)];
    }
    match resource.name.as_str() {
        "Filesystem" => {
            let params =
                vec![("device", arg(0)), ("directory", arg(1)), ("fstype", arg(2)), ("options", arg(3))];
            vec![make(&format!("fs{}", arg(1).unwrap_or_default()), "ocf", heartbeat, "Filesystem", params)]
        }
        "MailTo" => {
            vec![make("mailto", "ocf", heartbeat, "MailTo", vec![("email", arg(0)), ("subject", arg(1))])]
        }
        "Delay" => {
            let params = vec![("startdelay", arg(0)), ("stopdelay", arg(1)), ("mondelay", arg(2))];
            vec![make("delay", "ocf", heartbeat, "Delay", params)]
        }
        "systemd" => {
            let unit =
                |unit: &String| make(unit, "systemd", None, unit.trim_end_matches(".service"), Vec::new());
            resource.args.iter().map(unit).collect()
        }
        name => {
            if !resource.args.is_empty() {
                notes.push(format!(
                    "{}: an init script of Pacemaker takes no arguments; write one that has them in it",
                    resource.text
                ));
            }
            if resource.script == Script::Embedded {
                notes.push(format!(
                    "{name}: hbd carries it, Pacemaker does not; write an init script, or an agent"
                ));
            }
            vec![make(name, "lsb", None, name, Vec::new())]
        }
    }
}

/// An identifier of XML that was not given yet.
fn fresh(name: &str, ids: &mut Vec<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
    let mut id: String = name.chars().map(plain).collect();
    if !id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        id.insert(0, '_');
    }
    let first = id.clone();
    let mut n = 1;
    while ids.contains(&id) {
        n += 1;
        id = format!("{first}-{n}");
    }
    ids.push(id.clone());
    id
}
