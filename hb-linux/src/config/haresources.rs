//! `haresources`: a logical line is a group: its preferred node, then its resources from left to right.

use super::address;
use super::finding::Report;
use super::ha_cf::At;
use super::lexer::{self, Line, Syntax, Word};
use super::settings::{Group, Resource, Script, ServiceAddress};
use core::fmt;
use hb_core::config::{MAX_GROUPS, MAX_RESOURCES};

/// The script behind a bare address.
const IPADDR: &str = "IPaddr";

/// Parse `haresources`. `nodes` are those of `ha.cf`, found at `ha_cf`; with fewer than two of them names are not
/// checked, as that is an error of `ha.cf`. Of a group with errors the rest is kept. Scripts are not looked for yet.
pub(super) fn parse(
    bytes: &[u8],
    nodes: &[At<String>],
    ha_cf: &str,
    report: &mut Report<'_>,
) -> Vec<At<Group>> {
    let mut groups = Vec::new();
    let (lines, left_out) = lexer::lines(bytes, Syntax::Haresources, report);
    for line in &lines {
        if let Some(group) = one(line, nodes, ha_cf, report) {
            add(&mut groups, group, report);
        }
    }
    if lines.is_empty() && !left_out {
        report.warn(
            1,
            format_args!("no resource group: nothing will ever move; write for example `ha-1 192.168.2.50`"),
        );
    }
    groups
}

fn one(line: &Line<'_>, nodes: &[At<String>], ha_cf: &str, report: &mut Report<'_>) -> Option<At<Group>> {
    let line: Line<'_> = line.iter().map(|word| without_comma(*word, report)).collect();
    let (preferred, words) = line.split_first()?;
    // What is wrong with a part does not hide what may be wrong with the rest.
    let node = preferred_node(preferred, nodes, ha_cf, report);
    if words.is_empty() {
        report.error(
            preferred.line,
            format_args!("node `{0}` stands without a resource; write `{0} RESOURCE...`", preferred.text),
        );
        return None;
    }
    if words.len() > MAX_RESOURCES {
        report.error(
            preferred.line,
            format_args!("a group of {} resources; write at most {MAX_RESOURCES} in one line", words.len()),
        );
        return None;
    }
    let resources: Vec<Resource> = words.iter().filter_map(|word| resource(word, report)).collect();
    let name = resources.first()?.text.clone();
    let group = Group { name, preferred: node, resources };
    Some(At { value: group, line: preferred.line })
}

/// Commas divide nothing here, unlike in `ha.cf`.
fn without_comma<'a>(word: Word<'a>, report: &mut Report<'_>) -> Word<'a> {
    let text = word.text.trim_end_matches(',');
    if text.is_empty() || text.len() == word.text.len() {
        return word;
    }
    report.error(
        word.line,
        format_args!("`{}` ends in a comma, and blanks alone divide words here; write `{text}`", word.text),
    );
    Word { text, line: word.line }
}

/// The preferred node as `ha.cf` writes it. Heartbeat folds case, so a name that differs in case alone is taken.
fn preferred_node(word: &Word<'_>, nodes: &[At<String>], ha_cf: &str, report: &mut Report<'_>) -> String {
    let text = word.text;
    let [first, second] = nodes else { return String::from(text) };
    if text == first.value || text == second.value {
        return String::from(text);
    }
    if address::is_address(text) {
        report.error(
            word.line,
            format_args!(
                "the line begins with `{text}`, where the preferred node belongs; write `{0} {text} ...` or `{1} {text} ...`",
                first.value, second.value
            ),
        );
        return first.value.clone();
    }
    if let Some(near) = nodes.iter().find(|n| n.value.eq_ignore_ascii_case(text)) {
        report.warn(
            word.line,
            format_args!(
                "node `{text}` differs in case from `{0}` ({ha_cf}:{1}), which is taken; write `{0}`",
                near.value, near.line
            ),
        );
        return near.value.clone();
    }
    let mut of_one_host = nodes.iter().filter(|n| host(&n.value).eq_ignore_ascii_case(host(text)));
    if let (Some(near), None) = (of_one_host.next(), of_one_host.next()) {
        report.error(
            word.line,
            format_args!(
                "node `{text}` is not in ha.cf, which names it `{0}` ({ha_cf}:{1}); write `{0}` here",
                near.value, near.line
            ),
        );
        return near.value.clone();
    }
    report.error(
        word.line,
        format_args!(
            "node `{text}` is not in ha.cf, which names `{0}` ({ha_cf}:{1}) and `{2}` ({ha_cf}:{3}); \
             write `{0}` or `{2}` here",
            first.value, first.line, second.value, second.line
        ),
    );
    String::from(text)
}

/// A name without its domain.
pub(super) fn host(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

fn resource(word: &Word<'_>, report: &mut Report<'_>) -> Option<Resource> {
    let (text, line) = (word.text, word.line);
    let (name, mut rest) = cut(text);
    let mut args: Vec<String> = Vec::new();
    while let Some(tail) = rest {
        let (arg, more) = cut(tail);
        args.push(String::from(arg));
        rest = more;
    }
    let made = |name: &str, args: Vec<String>, address: Option<ServiceAddress>| {
        let (text, name) = (String::from(text), String::from(name));
        Some(Resource { text, name, script: Script::Missing, args, address, line })
    };
    if args.iter().any(String::is_empty) || name.is_empty() {
        report.error(line, format_args!("`{text}` has an empty part; write SCRIPT::ARGUMENT::ARGUMENT"));
        return None;
    }
    if address::is_address(name) {
        if !args.is_empty() {
            report.error(line, format_args!("`{text}`: an address takes no `::` argument; write `{name}`"));
            return None;
        }
        let (address, argument) = service(name, line, report)?;
        return made(IPADDR, Vec::from([argument]), Some(address));
    }
    if name.contains('/') || name.starts_with('.') {
        report.error(
            line,
            format_args!("`{name}` is a path; write the name of a script in resource.d or /etc/init.d"),
        );
        return None;
    }
    // IPaddr2 of the later original takes the same argument.
    if name == IPADDR || name == "IPaddr2" {
        let [argument] = args.as_slice() else {
            report.error(
                line,
                format_args!("`{text}`: {name} takes one address; write `{name}::192.168.2.50/24`"),
            );
            return None;
        };
        let (address, argument) = service(argument, line, report)?;
        return made(name, Vec::from([argument]), Some(address));
    }
    made(name, args, None)
}

/// What stands before the first `::`, and what after it. (The library's search for a text is larger than all of this.)
fn cut(text: &str) -> (&str, Option<&str>) {
    match text.as_bytes().windows(2).position(|pair| pair == b"::") {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 2..)),
        None => (text, None),
    }
}

/// A service address, and the word that a script is given for it: neither an alias nor a `/` too much stands in either.
fn service(word: &str, line: u32, report: &mut Report<'_>) -> Option<(ServiceAddress, String)> {
    let address = address::parse(word).map_err(|fault| report.error(line, format_args!("{fault}"))).ok()?;
    let alias = address::parts(word).find_map(|part| Some((part, address::under_alias(part)?)));
    let parts: Vec<&str> = address::parts(word)
        .map(|part| alias.filter(|(whole, _)| part == *whole).map_or(part, |(_, base)| base))
        .collect();
    let plain = parts.join("/");
    match alias {
        Some((part, base)) => report.warn(
            line,
            format_args!(
                "`{part}` is an alias, which is no device of its own: `{base}` is used and finds an alias by itself; \
                 write `{plain}`"
            ),
        ),
        None if plain != word => {
            report.warn(line, format_args!("`{word}` has a `/` too much, which is left out; write `{plain}`"));
        }
        None => {}
    }
    Some((address, plain))
}

/// Keep `group` unless it clashes with the ones before it.
fn add(groups: &mut Vec<At<Group>>, group: At<Group>, report: &mut Report<'_>) {
    let mut fits = true;
    for (at, resource) in group.value.resources.iter().enumerate() {
        let before = group.value.resources.get(..at).unwrap_or_default();
        for other in groups.iter().flat_map(|g| &g.value.resources).chain(before) {
            let own = before.iter().any(|r| core::ptr::eq(r, other));
            let same = Canonical(resource) == Canonical(other);
            let same_ip = match (&resource.address, &other.address) {
                (Some(a), Some(b)) => a.ip == b.ip,
                _ => false,
            };
            if same_ip || (same && own) || (same && at == 0) {
                report.error(
                    resource.line,
                    format_args!("`{}` is already in line {}; remove one", resource.text, other.line),
                );
                fits = false;
            } else if same {
                report.warn(
                    resource.line,
                    format_args!(
                        "`{}` is also in the group of line {}: the group that stops takes it from the other; \
                         move it to one of them",
                        resource.text, other.line
                    ),
                );
            }
        }
    }
    if fits && groups.len() == MAX_GROUPS {
        report.error(
            group.line,
            format_args!("one group too many; write at most {MAX_GROUPS}, or join two of them in one line"),
        );
        fits = false;
    }
    if fits {
        groups.push(group);
    }
}

/// A resource in the one form that is hashed and compared: `IPaddr::` stands before a bare address.
#[derive(Clone, Copy)]
pub(super) struct Canonical<'a>(pub(super) &'a Resource);

impl PartialEq for Canonical<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name && self.0.args == other.0.args
    }
}

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)?;
        self.0.args.iter().try_for_each(|arg| write!(f, "::{arg}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Findings;
    use super::*;

    fn run(text: &str) -> (Vec<At<Group>>, Vec<String>) {
        let nodes =
            [At { value: String::from("ha-1"), line: 38 }, At { value: String::from("ha-2"), line: 40 }];
        let mut findings = Findings::new();
        let groups = parse(text.as_bytes(), &nodes, "ha.cf", &mut Report::new("haresources", &mut findings));
        let texts = findings.as_slice().iter().map(|f| format!("{}: {}", f.line, f.text)).collect();
        (groups, texts)
    }

    fn shape(text: &str) -> Vec<(String, Vec<String>)> {
        let (groups, findings) = run(text);
        assert!(findings.is_empty(), "{findings:?}");
        let one = |g: &At<Group>| {
            let list = g.value.resources.iter().map(|r| Canonical(r).to_string()).collect();
            (format!("{}: {}", g.value.preferred, g.value.name), list)
        };
        groups.iter().map(one).collect()
    }

    #[test]
    fn groups_arguments_and_bare_addresses() {
        let groups = shape(
            "ha-1 192.168.2.50 jdmail # mail\nha-2\t10.0.0.170/24/eth0 Filesystem::/dev/sda1::/data1::ext2 \\\n  IPaddr::10.0.0.7 x:y\n",
        );
        let expected = [
            ("ha-1: 192.168.2.50", vec!["IPaddr::192.168.2.50", "jdmail"]),
            (
                "ha-2: 10.0.0.170/24/eth0",
                vec![
                    "IPaddr::10.0.0.170/24/eth0",
                    "Filesystem::/dev/sda1::/data1::ext2",
                    "IPaddr::10.0.0.7",
                    "x:y",
                ],
            ),
        ];
        assert_eq!(groups.len(), 2);
        for ((name, list), (expected_name, expected_list)) in groups.iter().zip(&expected) {
            assert_eq!(
                (name.as_str(), list),
                (*expected_name, &expected_list.iter().map(ToString::to_string).collect())
            );
        }
    }

    #[test]
    fn what_heartbeat_took_of_an_address_is_taken_with_a_warning() {
        let told = |why: &str, plain: &str| std::vec![format!("1: {why}; write `{plain}`")];
        for (word, plain, why) in [
            (
                "10.0.0.7/24/eth1/",
                "10.0.0.7/24/eth1",
                "`10.0.0.7/24/eth1/` has a `/` too much, which is left out",
            ),
            (
                "10.0.0.7//8/eth1",
                "10.0.0.7/8/eth1",
                "`10.0.0.7//8/eth1` has a `/` too much, which is left out",
            ),
            (
                "10.0.0.7/24/eth1:3/",
                "10.0.0.7/24/eth1",
                "`eth1:3` is an alias, which is no device of its own: `eth1` is used and finds an alias by itself",
            ),
        ] {
            for script in ["IPaddr", "IPaddr2"] {
                let (groups, texts) = run(&format!("ha-1 {script}::{word} web"));
                assert_eq!(texts, told(why, plain), "{word}");
                let first = groups.first().and_then(|g| g.value.resources.first()).unwrap();
                assert_eq!(first.args, [plain], "{word}");
            }
        }
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            (
                "ha-a 192.168.2.50 jdmail",
                "1: node `ha-a` is not in ha.cf, which names `ha-1` (ha.cf:38) and `ha-2` (ha.cf:40); \
                 write `ha-1` or `ha-2` here",
            ),
            (
                "\nHA-1 x",
                "2: node `HA-1` differs in case from `ha-1` (ha.cf:38), which is taken; write `ha-1`",
            ),
            (
                "ha-2.example.org x",
                "1: node `ha-2.example.org` is not in ha.cf, which names it `ha-2` (ha.cf:40); write `ha-2` here",
            ),
            (
                "HA-1. x",
                "1: node `HA-1.` is not in ha.cf, which names it `ha-1` (ha.cf:38); write `ha-1` here",
            ),
            (
                "192.168.2.50 jdmail",
                "1: the line begins with `192.168.2.50`, where the preferred node belongs; \
                 write `ha-1 192.168.2.50 ...` or `ha-2 192.168.2.50 ...`",
            ),
            ("ha-1, jdmail", "1: `ha-1,` ends in a comma, and blanks alone divide words here; write `ha-1`"),
            ("ha-1", "1: node `ha-1` stands without a resource; write `ha-1 RESOURCE...`"),
            ("ha-1 a::", "1: `a::` has an empty part; write SCRIPT::ARGUMENT::ARGUMENT"),
            ("ha-1 ::a", "1: `::a` has an empty part; write SCRIPT::ARGUMENT::ARGUMENT"),
            ("ha-1 a::::b", "1: `a::::b` has an empty part; write SCRIPT::ARGUMENT::ARGUMENT"),
            ("ha-1 10.0.0.1::x", "1: `10.0.0.1::x`: an address takes no `::` argument; write `10.0.0.1`"),
            (
                "ha-1 /etc/init.d/x",
                "1: `/etc/init.d/x` is a path; write the name of a script in resource.d or /etc/init.d",
            ),
            ("ha-1 IPaddr", "1: `IPaddr`: IPaddr takes one address; write `IPaddr::192.168.2.50/24`"),
            (
                "ha-1 IPaddr2::10.0.0.1::eth0",
                "1: `IPaddr2::10.0.0.1::eth0`: IPaddr2 takes one address; write `IPaddr2::192.168.2.50/24`",
            ),
            (
                "ha-1 a \\\n 10.0.0.1/eth0",
                "2: `eth0` stands where the number of mask bits belongs; write `10.0.0.1/24/eth0`",
            ),
            ("ha-1 a\nha-2 a", "2: `a` is already in line 1; remove one"),
            ("ha-1 a b\nha-2 b", "2: `b` is already in line 1; remove one"),
            ("ha-1 a b b", "1: `b` is already in line 1; remove one"),
            (
                "ha-1 10.0.0.1\nha-2 IPaddr::10.0.0.1",
                "2: `IPaddr::10.0.0.1` is already in line 1; remove one",
            ),
            ("ha-1 a 10.0.0.1/24\nha-2 b 10.0.0.1", "2: `10.0.0.1` is already in line 1; remove one"),
            (
                "ha-1 a x\nha-2 b x",
                "2: `x` is also in the group of line 1: the group that stops takes it from the other; \
                 move it to one of them",
            ),
            (
                "# nothing",
                "1: no resource group: nothing will ever move; write for example `ha-1 192.168.2.50`",
            ),
        ] {
            assert_eq!(run(text).1, [expected], "{text}");
        }
    }

    #[test]
    fn limits_of_groups_and_resources() {
        let line = |n: usize| (0..n).fold(String::from("ha-1"), |all, i| format!("{all} r{i}"));
        assert_eq!(run(&line(64)).0.len(), 1);
        assert_eq!(run(&line(65)).1, ["1: a group of 65 resources; write at most 64 in one line"]);
        let nine: String = (0..9).map(|i| format!("ha-1 g{i}\n")).collect();
        let (groups, findings) = run(&nine);
        assert_eq!(groups.len(), 8);
        assert_eq!(findings, ["9: one group too many; write at most 8, or join two of them in one line"]);
    }
}
