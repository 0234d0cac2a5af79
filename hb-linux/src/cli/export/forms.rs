//! The plan in the words of `pcs`, of `crm`, and as a CIB.

use super::plan::{Plan, Primitive};
use core::fmt::Write as _;

/// The preference of a node for its group.
const PREFERENCE: u32 = 100;

impl Primitive {
    fn agent(&self) -> String {
        let provider = self.provider.map_or(String::new(), |provider| format!("{provider}:"));
        format!("{}:{provider}{}", self.class, self.kind)
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A script for `sh`. `PCS="pcs -f cib.xml"` has it written into a file in place of the cluster.
pub(super) fn pcs(plan: &Plan) -> String {
    let mut text = format!(
        "#!/bin/sh -e\n# The groups of hbd for Pacemaker. First a look: pcs cluster cib cib.xml; PCS='pcs -f cib.xml' sh THIS;\n\
         # crm_verify --xml-file cib.xml; crm_simulate --simulate --xml-file cib.xml; then: pcs cluster cib-push cib.xml\n\
         : \"${{PCS:=pcs}}\"\n$PCS property set stonith-enabled=false\n$PCS resource defaults update resource-stickiness={}\n",
        plan.stickiness
    );
    for bundle in &plan.bundles {
        for member in &bundle.members {
            let params = member.params.iter().map(|(key, value)| format!(" {key}={}", quoted(value)));
            let params: String = params.collect();
            let _ = writeln!(
                text,
                "$PCS resource create {} {}{params} op start timeout={}s stop timeout={}s monitor interval={}s timeout={}s \
                 --group {}",
                member.id,
                member.agent(),
                plan.start_s,
                plan.stop_s,
                plan.every_s,
                plan.status_s,
                bundle.id
            );
        }
        let _ =
            writeln!(text, "$PCS constraint location {} prefers {}={PREFERENCE}", bundle.id, bundle.prefers);
    }
    if !plan.pings.is_empty() {
        let hosts = quoted(&plan.pings.join(" "));
        let _ = writeln!(
            text,
            "$PCS resource create hbd-ping ocf:pacemaker:ping host_list={hosts} multiplier=1000 dampen=5s op monitor interval=10s \
             timeout=60s clone"
        );
        for bundle in &plan.bundles {
            let _ = writeln!(
                text,
                "$PCS constraint location {} rule score-attribute=pingd defined pingd",
                bundle.id
            );
        }
    }
    text
}

/// Lines for `crm configure load update FILE`.
pub(super) fn crm(plan: &Plan) -> String {
    let mut text =
        format!("property stonith-enabled=false\nrsc_defaults resource-stickiness={}\n", plan.stickiness);
    for bundle in &plan.bundles {
        for member in &bundle.members {
            let params =
                member.params.iter().map(|(key, value)| format!(" {key}=\"{}\"", value.replace('"', "\\\"")));
            let params: String = params.collect();
            let params = if params.is_empty() { params } else { format!(" params{params}") };
            let _ = writeln!(
                text,
                "primitive {} {}{params} op start timeout={}s interval=0 op stop timeout={}s interval=0 op monitor interval={}s \
                 timeout={}s",
                member.id,
                member.agent(),
                plan.start_s,
                plan.stop_s,
                plan.every_s,
                plan.status_s
            );
        }
        let members: String = bundle.members.iter().map(|member| format!(" {}", member.id)).collect();
        let _ = writeln!(text, "group {}{members}", bundle.id);
        let _ = writeln!(text, "location {0}-home {0} {PREFERENCE}: {1}", bundle.id, bundle.prefers);
    }
    if !plan.pings.is_empty() {
        let hosts = plan.pings.join(" ");
        let _ = writeln!(
            text,
            "primitive hbd-ping ocf:pacemaker:ping params host_list=\"{hosts}\" multiplier=1000 dampen=5s op monitor interval=10s \
             timeout=60s\nclone hbd-pings hbd-ping"
        );
        for bundle in &plan.bundles {
            let _ = writeln!(text, "location {0}-ping {0} rule pingd: defined pingd", bundle.id);
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole configuration as Pacemaker keeps it, for `crm_verify --xml-file`.
pub(super) fn cib(plan: &Plan) -> String {
    let mut text = String::from(
        "<cib validate-with=\"pacemaker-3.0\" epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\">\n <configuration>\n  <crm_config>\n   \
         <cluster_property_set id=\"cib-bootstrap-options\">\n    <nvpair id=\"opt-stonith\" name=\"stonith-enabled\" \
         value=\"false\"/>\n   </cluster_property_set>\n  </crm_config>\n  <nodes>\n",
    );
    for (n, node) in (1..).zip(&plan.nodes) {
        let _ = writeln!(text, "   <node id=\"{n}\" uname=\"{}\"/>", escaped(node));
    }
    text.push_str("  </nodes>\n  <resources>\n");
    for bundle in &plan.bundles {
        let _ = writeln!(text, "   <group id=\"{}\">", bundle.id);
        bundle.members.iter().for_each(|member| primitive(&mut text, plan, member));
        text.push_str("   </group>\n");
    }
    if !plan.pings.is_empty() {
        let ping = Primitive {
            id: "hbd-ping".to_owned(),
            class: "ocf",
            provider: Some("pacemaker"),
            kind: "ping".to_owned(),
            params: vec![
                ("host_list", plan.pings.join(" ")),
                ("multiplier", "1000".to_owned()),
                ("dampen", "5s".to_owned()),
            ],
        };
        text.push_str("   <clone id=\"hbd-pings\">\n");
        primitive(&mut text, plan, &ping);
        text.push_str("   </clone>\n");
    }
    text.push_str("  </resources>\n  <constraints>\n");
    for bundle in &plan.bundles {
        let (id, home) = (&bundle.id, escaped(&bundle.prefers));
        let _ = writeln!(
            text,
            "   <rsc_location id=\"{id}-home\" rsc=\"{id}\" node=\"{home}\" score=\"{PREFERENCE}\"/>"
        );
        if !plan.pings.is_empty() {
            let _ = writeln!(
                text,
                "   <rsc_location id=\"{id}-ping\" rsc=\"{id}\"><rule id=\"{id}-rule\" score-attribute=\"pingd\"><expression \
                 id=\"{id}-expr\" attribute=\"pingd\" operation=\"defined\"/></rule></rsc_location>"
            );
        }
    }
    let _ = write!(
        text,
        "  </constraints>\n  <rsc_defaults>\n   <meta_attributes id=\"rsc-options\">\n    <nvpair id=\"rsc-stickiness\" \
         name=\"resource-stickiness\" value=\"{}\"/>\n   </meta_attributes>\n  </rsc_defaults>\n </configuration>\n <status/>\n</cib>\n",
        plan.stickiness
    );
    text
}

fn primitive(text: &mut String, plan: &Plan, member: &Primitive) {
    let (id, class, kind) = (&member.id, member.class, escaped(&member.kind));
    let provider = member.provider.map_or(String::new(), |provider| format!(" provider=\"{provider}\""));
    let _ = writeln!(text, "    <primitive id=\"{id}\" class=\"{class}\"{provider} type=\"{kind}\">");
    if !member.params.is_empty() {
        let _ = writeln!(text, "     <instance_attributes id=\"{id}-params\">");
        for (key, value) in &member.params {
            let _ = writeln!(
                text,
                "      <nvpair id=\"{id}-{key}\" name=\"{key}\" value=\"{}\"/>",
                escaped(value)
            );
        }
        text.push_str("     </instance_attributes>\n");
    }
    let times =
        [("start", 0, plan.start_s), ("stop", 0, plan.stop_s), ("monitor", plan.every_s, plan.status_s)];
    text.push_str("     <operations>\n");
    for (name, every, limit) in times {
        let _ = writeln!(
            text,
            "      <op id=\"{id}-{name}\" name=\"{name}\" interval=\"{every}s\" timeout=\"{limit}s\"/>"
        );
    }
    text.push_str("     </operations>\n    </primitive>\n");
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;
    use crate::config::{Paths, Texts, examine_texts};

    fn plan() -> Plan {
        let ha_cf =
            b"node a b\nbcast eth0\nping 10.0.0.1\nmonitor 30\nauto_failback on\nwatchdog /dev/watchdog\n";
        let haresources =
            b"a 192.168.2.50/24/eth0 Filesystem::/dev/sdb1::/srv/a&b::ext3 jdmail MailTo::root@localhost::it's\nb 10.0.0.9 web::8080\n";
        let texts = Texts { ha_cf, haresources, authkeys: b"auth 1\n1 crc\n" };
        Plan::of(&examine_texts(&texts, &Paths::new("/nowhere"), "a").0.expect("right"))
    }

    #[test]
    fn each_resource_has_its_agent_in_the_order_of_its_line() {
        let plan = plan();
        let agents: Vec<String> =
            plan.bundles.iter().flat_map(|b| &b.members).map(Primitive::agent).collect();
        assert_eq!(
            agents,
            [
                "ocf:heartbeat:IPaddr2",
                "ocf:heartbeat:Filesystem",
                "lsb:jdmail",
                "ocf:heartbeat:MailTo",
                "ocf:heartbeat:IPaddr2",
                "lsb:web"
            ]
        );
        assert_eq!((plan.stickiness, plan.every_s), (0, 30));
        assert!(plan.notes.iter().any(|note| note.starts_with("web::8080: ")), "{:?}", plan.notes);
        assert!(plan.notes.iter().any(|note| note.starts_with("watchdog: ")), "{:?}", plan.notes);
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let plan = plan();
        let (pcs, crm, cib) = (pcs(&plan), crm(&plan), cib(&plan));
        assert!(pcs.contains(
            "$PCS resource create ip-192.168.2.50 ocf:heartbeat:IPaddr2 ip=192.168.2.50 cidr_netmask=24 nic=eth0 op start \
             timeout=60s stop timeout=60s monitor interval=30s timeout=20s --group group-192.168.2.50-24-eth0\n"
        ));
        assert!(pcs.contains(r"directory='/srv/a&b'") && pcs.contains(r"subject='it'\''s'"), "{pcs}");
        assert!(crm.contains("location group-10.0.0.9-home group-10.0.0.9 100: b\n"), "{crm}");
        assert!(
            crm.contains("group group-192.168.2.50-24-eth0 ip-192.168.2.50 fs-srv-a-b jdmail mailto\n"),
            "{crm}"
        );
        for id in plan.bundles.iter().flat_map(|b| b.members.iter().map(|m| &m.id).chain([&b.id])) {
            for form in [&pcs, &crm, &cib] {
                assert!(form.contains(id.as_str()), "{id}");
            }
        }
        assert!(cib.contains("value=\"/srv/a&amp;b\"") && cib.contains("operation=\"defined\""), "{cib}");
    }

    #[test]
    fn no_identifier_of_the_cib_is_given_twice() {
        let cib = cib(&plan());
        let ids: Vec<&str> = cib.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let once: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert!(ids.len() > 20 && once.len() == ids.len(), "{ids:?}");
        let opened = cib.matches('<').count() - cib.matches("</").count() - cib.matches("/>").count();
        assert_eq!(opened, cib.matches("</").count(), "what is opened is closed");
    }
}
