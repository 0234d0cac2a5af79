//! Dependencies point one way (DESIGN §2): `hb-core <- hb-tests' library <- hb-linux, hil` and
//! `hb-core <- hb-serial-bridge <- hb-linux, hil`. Read from `cargo metadata`.

use super::Outcome;
use crate::proc::Cmd;
use serde_json::Value;

/// A crate, the workspace members that it may use, and the outside crates that it may use (`None`: any).
type Rule = (&'static str, &'static [&'static str], Option<&'static [&'static str]>);

const RULES: &[Rule] = &[
    ("hb-core", &[], Some(&["heapless", "crc", "md-5", "sha1", "sha2", "defmt"])),
    ("hb-tests", &["hb-core"], None),
    (
        "hb-linux",
        &["hb-core", "hb-tests", "hb-serial-bridge"],
        // postcard and serde carry the control protocol between the daemon and its command line.
        Some(&["nix", "libc", "embedded-io", "lexopt", "pico-args", "heapless", "postcard", "serde"]),
    ),
    ("hb-serial-bridge", &["hb-core"], Some(&["embedded-io", "heapless", "defmt", "cortex-m-rt"])),
    ("hb-proof", &["hb-core", "hb-serial-bridge"], Some(&["embedded-io"])),
    ("hb-hil", &["hb-core", "hb-tests", "hb-serial-bridge"], None),
    ("hb-scenarios", &[], None),
];

/// Checks every member's normal and build dependencies. Test dependencies are free, except that the core's tests
/// use no member either.
pub(super) fn check() -> Outcome {
    let packages = packages()?;
    let mut wrong = Vec::new();
    let mut edges = 0;
    for package in &packages {
        let name = text(package, "name");
        let Some(rule) = RULES.iter().find(|r| r.0 == name) else {
            wrong.push(format!(
                "{name}: not in the table of layers; add it to hil/src/test/deps.rs and DESIGN §2"
            ));
            continue;
        };
        for dependency in list(package, "dependencies") {
            edges += 1;
            let (on, kind) = (text(dependency, "name"), text(dependency, "kind"));
            let member = dependency.get("path").is_some_and(Value::is_string);
            wrong.extend(fault(rule, on, member, kind == "dev"));
        }
    }
    if edges == 0 {
        return Err("cargo metadata shows no dependency at all: nothing was checked".to_owned());
    }
    if wrong.is_empty() {
        Ok(format!("{} members, {edges} edges", packages.len()))
    } else {
        Err(wrong.join("\n"))
    }
}

/// What is wrong with one dependency, if anything.
fn fault((name, members, outside): &Rule, on: &str, member: bool, dev: bool) -> Option<String> {
    if dev {
        return (member && *name == "hb-core")
            .then(|| format!("{name}: its tests use {on}; the core stands alone"));
    }
    if member {
        return (!members.contains(&on))
            .then(|| format!("{name} uses {on}: against the direction of the layers"));
    }
    outside.filter(|list| !list.contains(&on)).map(|_| format!("{name} uses {on}, which is not in its list"))
}

/// The names of the workspace's members.
///
/// # Errors
/// cargo metadata fails.
pub(super) fn members() -> Result<Vec<String>, String> {
    Ok(packages()?.iter().map(|package| text(package, "name").to_owned()).collect())
}

/// The names of a member's integration-test programs.
///
/// # Errors
/// cargo metadata fails, or there is no such member.
pub(super) fn test_targets(member: &str) -> Result<Vec<String>, String> {
    let packages = packages()?;
    let package =
        packages.iter().find(|p| text(p, "name") == member).ok_or_else(|| format!("no member {member}"))?;
    let tests = list(package, "targets").iter().filter(|t| list(t, "kind").iter().any(|k| k == "test"));
    Ok(tests.map(|t| text(t, "name").to_owned()).collect())
}

fn packages() -> Result<Vec<Value>, String> {
    let out = Cmd::cargo(["metadata", "--format-version", "1", "--no-deps"]).output()?;
    if out.code != Some(0) {
        return Err(format!("cargo metadata: {}", out.stderr.trim()));
    }
    let all: Value = serde_json::from_str(&out.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    Ok(list(&all, "packages").to_vec())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> &'static Rule {
        RULES.iter().find(|r| r.0 == name).unwrap_or(&RULES[0])
    }

    #[test]
    fn a_layer_uses_only_what_lies_below() {
        assert_eq!(fault(of("hb-linux"), "hb-core", true, false), None);
        assert!(fault(of("hb-core"), "hb-linux", true, false).is_some());
        assert!(fault(of("hb-linux"), "hb-hil", true, false).is_some());
        assert!(fault(of("hb-serial-bridge"), "hb-linux", true, false).is_some());
    }

    #[test]
    fn what_ships_uses_only_its_list() {
        assert_eq!(fault(of("hb-core"), "heapless", false, false), None);
        assert!(fault(of("hb-core"), "libc", false, false).is_some());
        assert!(fault(of("hb-linux"), "tokio", false, false).is_some());
        assert_eq!(fault(of("hb-hil"), "serde_json", false, false), None);
    }

    #[test]
    fn tests_are_free_but_the_cores() {
        assert_eq!(fault(of("hb-linux"), "hb-hil", true, true), None);
        assert_eq!(fault(of("hb-core"), "proptest", false, true), None);
        assert!(fault(of("hb-core"), "hb-tests", true, true).is_some());
    }

    #[test]
    fn the_scenarios_are_no_part_of_the_cores_tests() {
        assert!(test_targets("no-such-member").is_err());
        let of = |member| test_targets(member).expect("cargo metadata");
        assert!(of("hb-scenarios").contains(&"scenarios".to_owned()));
        assert!(!of("hb-tests").contains(&"scenarios".to_owned()));
    }
}
