//! The simulator itself: one seed is one run to the byte, its rules can fail, and a campaign goes on where it ended.

use hb_sim::campaign::Campaign;
use hb_sim::plan::{FAULTS, KEEPALIVES};
use hb_sim::{Plan, Timeline, execute, execute_in};

/// The trace of a seed, with a sum of every frame.
fn trace(seed: u64) -> String {
    match execute(&Plan::draw(seed), Timeline::exact()) {
        Ok(report) => report.timeline.text().to_owned(),
        Err(broken) => panic!("seed {seed}: {:?}", broken.0),
    }
}

#[test]
fn one_seed_is_one_run_to_the_byte() {
    for seed in 0..40 {
        let first = trace(seed);
        assert!(first.len() > 10_000, "seed {seed}: a trace of {} bytes", first.len());
        assert_eq!(first, trace(seed), "seed {seed}");
        assert_ne!(first, trace(seed + 1000));
    }
}

#[test]
fn every_seed_is_long_enough_and_no_rule_breaks() {
    for seed in 0..300 {
        let report = hb_sim::run(seed).unwrap_or_else(|violation| panic!("{violation}"));
        let plan = Plan::draw(seed);
        assert!(report.faults.len() >= FAULTS, "seed {seed}");
        assert!(report.simulated >= plan.setting.timing.keepalive.times(KEEPALIVES), "seed {seed}");
    }
}

/// Seeds that broke a rule once, by the core's fault or the rule's: docs/simulator.md says what each of them showed.
#[test]
fn what_broke_a_rule_once_does_not_again() {
    let seeds = [
        428_640, 469_147, 508_341, 514_589, 681_295, 726_600, 733_073, 768_485, 773_806, 817_297, 834_757,
        846_758, 984_906, 996_001,
    ];
    for seed in seeds {
        if let Err(violation) = hb_sim::run(seed) {
            panic!("{violation}");
        }
    }
}

/// The first rule that breaks, over some seeds of a world with a planted mistake.
fn caught(seeds: std::ops::Range<u64>, change: impl Fn(&mut hb_sim::World)) -> Option<&'static str> {
    let mut seeds = seeds.filter_map(|seed| {
        execute_in(&Plan::draw(seed), Timeline::off(), &change).err().map(|broken| broken.0.rule)
    });
    seeds.next()
}

#[test]
fn a_pull_that_moves_nothing_aside_is_caught() {
    assert_eq!(caught(0..2000, |world| world.careless_pulls = true), Some("S7"));
}

#[test]
fn a_client_that_is_never_told_is_caught() {
    // As if every announcement were lost: the cache stays where it was put at first.
    assert_eq!(caught(0..500, |world| world.deaf_client = true), Some("L3"));
}

#[test]
fn a_campaign_goes_on_where_its_record_ends() {
    let record = std::env::temp_dir().join(format!("hb-sim-record-{}", std::process::id()));
    let _ = std::fs::remove_file(&record);
    let campaign =
        |seeds| Campaign { from: 0, seeds, jobs: 2, record: Some(record.clone()), progress: false };
    let first = campaign(500).go().expect("no violation");
    let lines = std::fs::read_to_string(&record).expect("a record").lines().count();
    assert_eq!((first.seeds, lines), (500, 1));
    let again = campaign(500).go().expect("no violation");
    assert_eq!((again.beats, again.kinds), (first.beats, first.kinds), "nothing is run twice");
    assert_eq!(campaign(600).go().expect("no violation").seeds, 600);
    let _ = std::fs::remove_file(&record);
}
