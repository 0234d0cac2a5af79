//! The table against the manual page, the help, and the completion that is made of it.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const MANUAL: &str = include_str!("../../../docs/hbd.8.md");

/// The words of `text` that are options.
fn options(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter_map(|word| word.strip_prefix("--")).filter(|word| !word.is_empty()).collect()
}

/// The synopsis of the manual page: each command's lines.
fn synopsis() -> BTreeMap<&'static str, String> {
    let chapter =
        MANUAL.split("\n## Synopsis\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("synopsis");
    let (mut all, mut name) = (BTreeMap::<&str, String>::new(), "");
    for line in chapter.lines() {
        let rest = line.strip_prefix("    hbd ");
        name = rest.and_then(|rest| rest.split(' ').next()).unwrap_or(name);
        all.entry(name).or_default().push_str(rest.unwrap_or(line));
        // `version | help [COMMAND]`.
        for other in rest.into_iter().flat_map(|rest| rest.split(" | ").skip(1)).filter(|_| name == "version")
        {
            all.insert(other.split(' ').next().expect("a name"), String::new());
        }
    }
    all
}

#[test]
fn each_name_is_there_once_and_those_that_a_build_may_lack_are_in_this_one() {
    let names: BTreeSet<&str> = COMMANDS.iter().map(|command| command.name).collect();
    assert_eq!(names.len(), COMMANDS.len());
    for name in OPTIONAL {
        assert!(names.contains(name), "{name}");
        assert!(Usage::lacking(name).text.contains(name));
    }
}

#[test]
fn the_manual_page_has_the_commands_of_the_table_with_their_options() {
    let synopsis = synopsis();
    let shown = COMMANDS.iter().filter(|command| command.name != "heartbeat" && !command.name.contains(' '));
    let names: BTreeSet<&str> = shown.clone().map(|command| command.name).collect();
    assert_eq!(synopsis.keys().copied().collect::<BTreeSet<_>>(), names);
    for command in shown {
        let known: BTreeSet<&str> = command.options.iter().copied().collect();
        assert_eq!(options(&synopsis[command.name]), known, "hbd {}: docs/hbd.8.md", command.name);
        assert!(options(command.help).is_subset(&known), "hbd {}: its help", command.name);
    }
}

#[test]
fn the_manual_page_says_which_are_not_for_root_alone() {
    let text =
        MANUAL.split("Only root may run them, but for ").nth(1).and_then(|rest| rest.split(';').next());
    let told: BTreeSet<&str> = text.expect("the sentence").split('`').skip(1).step_by(2).collect();
    let free: BTreeSet<&str> =
        COMMANDS.iter().filter(|command| !command.root).map(|command| command.name).collect();
    assert_eq!(told, free);
}

#[test]
fn the_completion_offers_words_and_options() {
    let text = completion();
    for case in [
        "\tstatus) words=\"--json --nagios --prometheus\" ;;\n",
        "\tstandby) words=\"all local foreign --no-wait $(_hbd_groups)\" ;;\n",
        "\tconfig) words=\"show digest\" ;;\n",
        "\tdata) words=\"list restore init\" ;;\n",
        "\tconfirm-down) words=\"--force $(_hbd_nodes)\" ;;\n",
        "\tdrill) words=\"all local foreign --port --json --html --yes --power\" ;;\n",
        "\tlinktest) words=\"--baud --seconds --wait --fence $(echo /dev/ttyS*)\" ;;\n",
        "\trestart) words=\"\" ;;\n",
    ] {
        assert!(text.contains(case), "{case} in\n{text}");
    }
    assert!(text.contains("\thelp) words=\"run stop restart ") && !text.contains("heartbeat)"), "{text}");
}
