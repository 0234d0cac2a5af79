//! Stories on a whole configuration.

use super::options::read;
use super::settings::{Pair, pair};
use super::*;
use crate::config::{Paths, Texts, examine_texts};
use std::string::ToString;

const HA_CF: &str = "node ha-1 ha-2\nkeepalive 1\ndeadtime 10\nbaud 19200\nserial /dev/ttyS0\nbcast eth1\n";
const GROUPS: &str = "ha-1 192.168.2.50 web\n";

fn configured(ha_cf: &str, haresources: &str) -> Pair {
    let one = |node: &str| {
        let (ha_cf, haresources) = (ha_cf.as_bytes(), haresources.as_bytes());
        let texts = Texts { ha_cf, haresources, authkeys: b"auth 1\n1 sha1 secret\n" };
        let (settings, findings) = examine_texts(&texts, &Paths::new("/nowhere"), node);
        settings.unwrap_or_else(|| panic!("{findings:?}"))
    };
    pair(one("ha-1"), one("ha-2"))
}

fn played(ha_cf: &str, words: &[&str]) -> (Played, String) {
    let wish = read(words.iter().map(OsString::from).collect(), Options::default()).expect("right words");
    let played = play(&wish, &configured(ha_cf, GROUPS)).expect("right names");
    let all = played.lines.join("\n");
    (played, all)
}

/// The figure behind `expected outage`, in milliseconds.
fn outage(all: &str) -> u64 {
    let word = all.split("expected outage ").nth(1).unwrap_or_else(|| panic!("{all}"));
    word.split(' ').next().unwrap().replace('.', "").parse::<u64>().unwrap() * 10
}

#[test]
fn a_death_costs_a_deadtime_and_the_start_scripts() {
    let (story, all) = played(HA_CF, &["--kill", "ha-1@5", "--slow-script", "web:start=3"]);
    assert!(story.well, "{all}");
    assert!(all.contains("   5.00 s  -- the power of ha-1 goes"), "{all}");
    assert!(all.contains("ha-2 WARN: node ha-1: is dead: no beat on any link for 10"), "{all}");
    assert!(all.contains("at the end on ha-2"), "{all}");
    // A deadtime from the last beat on, a question for the address, and 3.5 s of scripts.
    let outage = outage(&all);
    assert!((12_500..16_000).contains(&outage), "{outage}: {all}");
    assert_eq!(
        played(HA_CF, &["--kill", "ha-1@5", "--slow-script", "web:start=3"]).1,
        all,
        "the same words, the same story"
    );
}

#[test]
fn one_link_of_two_is_no_outage() {
    let (story, all) = played(HA_CF, &["--cut", "ttyS0@5-60"]);
    assert!(story.well && all.contains("192.168.2.50: served all the time; at the end on ha-1"), "{all}");
    assert!(all.contains("Link ha-2:/dev/ttyS0 dead."), "{all}");
}

#[test]
fn two_that_hold_at_once_are_named_and_fail_the_story() {
    // Both live, no link, and nobody says that an address which answers holds a claim back.
    let (story, all) = played(&format!("{HA_CF}answered claim\n"), &["--cut", "all@5-40"]);
    assert!(!story.well && all.contains("BOTH NODES ran it for "), "{all}");
    assert!(all.ends_with(" played") && all.contains("\nNOT WELL: two nodes ran one group at once"), "{all}");
    let (story, all) = played(&format!("{HA_CF}answered wait\n"), &["--cut", "all@5-40"]);
    assert!(story.well && all.contains("served all the time"), "{all}");
}

#[test]
fn what_stands_still_is_reset_by_its_watchdog_before_the_peer_claims() {
    let (story, all) =
        played(&format!("{HA_CF}watchdog /dev/watchdog\n"), &["--freeze", "ha-1@5-500", "--boot", "20"]);
    assert!(story.well, "{all}");
    assert!(all.contains("-- ha-1 is reset by its watchdog, and boots for 20.00 s"), "{all}");
    let (story, all) = played(HA_CF, &["--freeze", "ha-1@5-100"]);
    assert!(!story.well || !all.contains("BOTH"), "{all}");
    assert!(all.contains("the programs of ha-1 go on"), "{all}");
}

#[test]
fn an_operator_and_a_power_that_comes_back() {
    let (story, all) = played(HA_CF, &["--standby", "ha-1@3", "--kill", "ha-1@20-30", "--boot", "5"]);
    assert!(story.well, "{all}");
    assert!(all.contains("3.00 s  -- an operator says hbd standby on ha-1"), "{all}");
    assert!(all.contains("30.00 s  -- the power of ha-1 is back, its daemon starts 5.00 s later"), "{all}");
    assert!(all.contains("ha-1 info: Local status now set to: 'init' (start number 2)"), "{all}");
    let (_, refused) = played(HA_CF, &["--takeover", "ha-1@3"]);
    assert!(refused.contains("  refused: "), "{refused}");
}

#[test]
fn random_stories_come_to_rest_and_are_never_served_twice_with_a_watchdog_and_answers_that_count() {
    let guarded = format!("{HA_CF}watchdog /dev/watchdog\nanswered wait\n");
    for seed in 0..12 {
        let (story, all) = played(&guarded, &["--seed", &seed.to_string()]);
        assert!(story.well, "seed {seed}:\n{all}");
    }
}

#[test]
fn the_picture_shows_each_node_the_clients_and_what_was_done() {
    let (story, _) = played(HA_CF, &["--kill", "ha-1@5-100", "--cut", "eth1@2-4"]);
    let svg = &story.svg;
    assert!(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"), "{svg}");
    for part in
        [">ha-1<", ">ha-2<", ">clients<", "eth1: cut", "ha-1: no power", "nobody serves", "expected outage"]
    {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
    assert_eq!(svg.matches("<rect").count(), svg.matches("</rect>").count() + 1);
}

#[test]
fn what_the_configuration_has_not_is_named() {
    let wish =
        |words: [&str; 2]| read(words.iter().map(OsString::from).collect(), Options::default()).unwrap();
    let pair = configured(HA_CF, GROUPS);
    for (words, part) in [
        (["--kill", "ha-3@5"], "the nodes are ha-1 and ha-2"),
        (["--cut", "eth9@5-6"], "the links are /dev/ttyS0, eth1"),
        (["--slow-script", "nobody=3"], "the resources are 192.168.2.50, web"),
    ] {
        let why = play(&wish(words), &pair).err().expect(words[1]);
        assert!(why.contains(part), "{why}");
    }
}
