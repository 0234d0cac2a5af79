//! `hbd status --json`: a snapshot as one JSON object.

use super::json::Json;
use super::notes;
use super::verdict;
use crate::control::Snapshot;
use crate::control::wire::LATE_BOUNDS_US;
use crate::control::words::Said;

/// Of the object that [`json`] writes; documented in `docs/status-json.md`.
pub const SCHEMA: u64 = 1;

/// The object of DESIGN §10, on one line.
#[must_use]
pub fn json(s: &Snapshot) -> String {
    let mut j = Json::new();
    j.open('{').key("schema").number(SCHEMA);
    j.key("node").string(&s.own.name).key("phase").string(s.own.phase.as_str());
    j.key("incarnation").string(&format!("{}-{:08x}", s.own.incarnation.0, s.own.incarnation.1));
    j.key("config_digest").string(&format!("{:08x}", s.own.config_digest));
    let p = &s.peer;
    j.key("peer").open('{').key("name").string(&p.name).key("state").string(p.state.as_str());
    j.key("last_heard_ms").maybe_number(p.last_heard_ms).key("config_match").maybe_boolean(p.config_match);
    j.key("timing_match").maybe_boolean(p.timing_match).key("left").boolean(p.left);
    j.key("phase").maybe_string(p.phase.map(Said::as_str)).key("hears_us").boolean(!p.deaf);
    j.key("foreign")
        .boolean(p.foreign)
        .key("one_way")
        .boolean(p.one_way)
        .key("twins")
        .boolean(p.twins)
        .close('}');
    j.key("links").open('[');
    for l in &s.links {
        j.open('{')
            .key("name")
            .string(&l.name)
            .key("medium")
            .string(&l.medium)
            .key("state")
            .string(l.state.as_str());
        for (key, value) in [("rx", l.rx), ("tx", l.tx), ("lost", l.lost), ("bad", l.bad), ("text", l.text)] {
            j.key(key).number(value.into());
        }
        j.key("rtt_us")
            .maybe_number(l.rtt_us)
            .key("limited")
            .boolean(l.limited)
            .key("note")
            .maybe_string(notes::of_link(l).as_deref())
            .close('}');
    }
    j.close(']').key("groups").open('[');
    for g in &s.groups {
        j.open('{').key("name").string(&g.name).key("preferred").string(&g.preferred);
        j.key("state").string(g.state.as_str()).key("epoch").number(g.epoch.into());
        j.key("resources").open('[');
        g.resources.iter().for_each(|r| {
            j.string(r);
        });
        j.close(']').key("peer_state").maybe_string(g.peer_state.map(Said::as_str));
        j.key("wanted")
            .maybe_string(g.wanted.map(Said::as_str))
            .key("wait")
            .maybe_string(g.wait.map(Said::as_str));
        j.key("config_match").maybe_boolean(g.config_match).key("pinned").boolean(g.pinned);
        j.key("barred").maybe_string(g.barred.map(Said::as_str)).key("since_s").number(g.since_s);
        j.key("spent").boolean(g.spent).key("answered_by").maybe_string(g.answered_by.as_deref());
        j.key("why").string(&g.why).key("trouble").maybe_string(g.trouble.as_deref());
        #[cfg(feature = "data")]
        if let Some(copy) = &g.copy {
            j.key("data").open('{').key("age_s").maybe_number(copy.age_s);
            j.key("stale").maybe_string(copy.stale.map(Said::as_str)).key("own").boolean(copy.own);
            j.key("diverged").boolean(copy.diverged).key("pulling").boolean(copy.pulling);
            j.key("failed").number(copy.failed.into()).key("moved").number(copy.moved.into()).close('}');
        }
        j.close('}');
    }
    j.close(']').key("watchdog").open('{');
    let w = s.watchdog.as_ref();
    j.key("device").maybe_string(w.map(|w| w.device.as_str()));
    j.key("timeout_s").maybe_number(w.and_then(|w| w.timeout_s).map(u64::from));
    j.key("fed").number(w.map_or(0, |w| w.fed).into());
    j.key("boot_status").maybe_number(w.and_then(|w| w.boot_status).map(u64::from));
    j.key("held_by").maybe_string(w.and_then(|w| w.held_by.as_deref())).close('}');
    if let Some(f) = &s.fence {
        j.key("fence").open('{').key("device").string(&f.device).key("failed").string(f.failed.as_str());
        j.key("busy").boolean(f.busy).key("ok").maybe_boolean(f.ok).key("last_s").maybe_number(f.last_s);
        j.key("said").string(&f.said).close('}');
    }
    #[cfg(feature = "bridge")]
    if let Some(bridge) = &s.bridge {
        super::bridge::json(bridge, &mut j);
    }
    j.key("ping").open('[');
    for ping in &s.pings {
        j.open('{').key("host").string(&ping.host).key("alive").boolean(ping.alive);
        j.key("is_node").maybe_string(ping.mirror.map(Said::as_str)).close('}');
    }
    j.close(']')
        .key("isolated")
        .boolean(s.own.isolated)
        .key("twin")
        .boolean(s.own.twin)
        .key("version")
        .string(&s.own.version);
    j.key("pid").number(s.own.pid.into()).key("uptime_s").number(s.own.uptime_s);
    j.key("worst_late_us").number(s.own.worst_late_us).key("lost_lines").number(s.own.lost_lines.into());
    j.key("realtime").boolean(s.own.realtime);
    j.key("late").open('{').key("bounds_us");
    numbers(&mut j, &LATE_BOUNDS_US);
    j.key("counts");
    numbers(&mut j, &s.late.counts);
    j.key("sum_us").number(s.late.sum_us).key("deadtime_ms").number(s.late.deadtime_ms).close('}');
    #[cfg(feature = "late-record")]
    {
        let r = &s.late_record;
        let seconds = |at: i64| u64::try_from(at).unwrap_or(0);
        j.key("late_record").open('{').key("since").number(seconds(r.since)).key("counts");
        numbers(&mut j, &r.counts);
        j.key("sum_us").number(r.sum_us).key("worst_us").number(r.worst_us);
        j.key("worst_at").number(seconds(r.worst_at)).key("deadtime_ms").number(r.deadtime_ms).close('}');
    }
    j.key("helper").open('{').key("alive").boolean(s.helper.alive);
    j.key("last_write_ms").maybe_number(s.helper.last_write_ms);
    j.key("backlog").number(s.helper.backlog.into()).key("failing").open('[');
    s.helper.failing.names().for_each(|name| {
        j.string(name);
    });
    j.close(']').close('}');
    let verdict = verdict::judge(s);
    j.key("verdict").string(match verdict.level {
        verdict::Level::Ok => "ok",
        verdict::Level::Warning => "warning",
        verdict::Level::Critical => "critical",
    });
    j.key("said").open('[');
    verdict.said.iter().for_each(|text| {
        j.string(text);
    });
    j.close(']');
    j.close('}');
    j.finish()
}

fn numbers(j: &mut Json, all: &[u64]) {
    j.open('[');
    all.iter().for_each(|number| {
        j.number(*number);
    });
    j.close(']');
}

#[cfg(test)]
mod tests {
    use super::super::show::tests::sample;
    use super::*;
    use crate::control::snapshot::Fence;

    #[test]
    fn the_json_is_the_documented_object() {
        let expected = concat!(
            r#"{"schema":1,"node":"ha-1","phase":"up","incarnation":"12-9f3a01bc","config_digest":"001234ab","#,
            r#""peer":{"name":"ha-2","state":"up","last_heard_ms":120,"config_match":true,"#,
            r#""timing_match":true,"left":false,"phase":"up","#,
            r#""hears_us":true,"foreign":false,"one_way":false,"twins":false},"#,
            r#""links":[{"name":"eth1","medium":"bcast","state":"up","rx":10,"tx":11,"lost":0,"bad":0,"text":0,"rtt_us":412,"limited":true,"note":null}],"#,
            r#""groups":[{"name":"192.168.2.50","preferred":"ha-1","state":"held","epoch":4,"#,
            r#""resources":["192.168.2.50","jdmail"],"peer_state":"idle","wanted":null,"wait":null,"#,
            r#""config_match":null,"pinned":true,"barred":null,"since_s":90,"spent":false,"answered_by":null,"why":"node ha-2 left","trouble":null}],"#,
            r#""watchdog":{"device":"/dev/watchdog","timeout_s":8,"fed":99,"boot_status":0,"held_by":null},"#,
            r#""ping":[{"host":"192.168.2.1","alive":true,"is_node":null}],"isolated":false,"twin":false,"version":"0.1.0","pid":471,"#,
            r#""uptime_s":4000,"worst_late_us":1234,"lost_lines":0,"realtime":true,"#,
            r#""late":{"bounds_us":[1000,2000,5000,10000,20000,50000,100000,200000,500000,1000000],"counts":[0,0,0,0,0,0,0,0,0,0,0],"sum_us":0,"deadtime_ms":0},"#,
            r#""late_record":{"since":0,"counts":[0,0,0,0,0,0,0,0,0,0,0],"sum_us":0,"worst_us":0,"worst_at":0,"deadtime_ms":0},"#,
            r#""helper":{"alive":true,"last_write_ms":250,"backlog":0,"failing":[]},"#,
            r#""verdict":"ok","said":["ha-1 holds 192.168.2.50, ha-2 stands by"]}"#,
        );
        assert_eq!(json(&sample()), expected);
        let mut shot = sample();
        let device = "external /etc/ha.d/fence".into();
        shot.fence = Some(Fence {
            device,
            failed: "wait".into(),
            ok: Some(false),
            last_s: Some(4),
            ..Fence::default()
        });
        let fence = r#""fence":{"device":"external /etc/ha.d/fence","failed":"wait","busy":false,"ok":false,"last_s":4,"said":""},"#;
        assert!(json(&shot).contains(fence), "{}", json(&shot));
    }
}
