//! The answers of `cl_status`, to the word.

use super::*;
use crate::control::snapshot::{Group, Link, Own, Peer, Ping};

fn shot() -> Snapshot {
    Snapshot {
        own: Own { name: "ha-1".into(), phase: "up".into(), ..Own::default() },
        peer: Peer { name: "ha-2".into(), state: "dead".into(), ..Peer::default() },
        links: vec![Link { name: "eth1".into(), state: "dead".into(), ..Link::default() }],
        groups: vec![Group { preferred: "ha-1".into(), state: "held".into(), ..Group::default() }],
        pings: vec![Ping { host: "gw".into(), alive: true, mirror: None }],
        ..Snapshot::default()
    }
}

#[test]
fn the_words_and_codes_of_cl_status() {
    let ask = |line: &str| {
        let mut all: Vec<String> = line.split_whitespace().map(String::from).collect();
        let human = all.iter().position(|word| word == "-m").map(|at| all.remove(at)).is_some();
        let verbose = all.iter().position(|word| word == "-v").map(|at| all.remove(at)).is_some();
        let command = all.remove(0);
        let ask = Ask { command, values: all, human, verbose };
        let answer = answer(&shot(), &ask, || b"deadtime 10 # s\ndeadtime 30\n#keepalive 2\n".to_vec());
        assert_eq!(answer.why.is_empty(), !answer.lines.is_empty(), "{line}");
        (answer.lines.join(" "), answer.code)
    };
    let table = [
        ("rscstatus", "local", 0),
        ("listnodes", "gw ha-2 ha-1", 0),
        ("listnodes -n", "ha-2 ha-1", 0),
        ("nodestatus ha-1", "active", 0),
        ("nodestatus ha-2", "dead", 1),
        ("nodestatus gw", "ping", 0),
        ("nodestatus nobody", "", 11),
        ("nodetype gw", "ping", 0),
        ("nodetype ha-2", "normal", 0),
        ("listhblinks ha-2", "\teth1", 0),
        ("hblinkstatus ha-2 eth1", "dead", 1),
        ("hblinkstatus ha-2 eth9", "", 13),
        ("hblinkstatus gw gw", "up", 0),
        ("listhblinks nobody", "", 13),
        ("listhblinks -v ha-2", "\teth1\tdead", 0),
        ("listnodes -p -n", "gw ha-2 ha-1", 0),
        ("listnodes -p", "gw", 0),
        ("nodestatus HA-1", "active", 0),
        ("nodestatus -m ha-2", "The cluster node ha-2 is dead", 1),
        ("nodestatus", "", 11),
        ("nodeweight ha-1", "100", 0),
        ("nodesite nobody", "", 11),
        ("rscstatus -m", "This node is holding local resources.", 0),
        ("clientstatus ha-1 ipfail", "online", 0),
        ("clientstatus ha-2 ipfail 500", "offline", 1),
        ("clientstatus ha-1 ccm", "offline", 1),
        ("hbparameter -p deadtime", "30", 0),
        ("hbparameter -p keepalive", "", 1),
        ("hbparameter deadtime", "", 11),
        ("nonsense", "", 11),
    ];
    for (line, text, code) in table {
        assert_eq!(ask(line), (text.to_string(), code), "{line}");
    }
}
