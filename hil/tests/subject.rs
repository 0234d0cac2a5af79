//! The rig tries another daemon than `hbd`, and tells a good take-over from two machines that serve at once.

#[path = "../examples/shell_failover.rs"]
mod shell_failover;

use hb_hil::series::Outcome;
use hb_hil::subject::cases::named;
use std::thread;

#[test]
fn a_naive_script_takes_over_from_a_dead_machine_and_doubles_behind_a_cut_cable() {
    if !hb_hil::paths::is_root() {
        hb_hil::netns::skip("subject", "needs root");
        return;
    }
    // Each on a rig of its own, so at the same time.
    let [power, cut] = ["power", "cut"].map(|name| {
        thread::spawn(move || shell_failover::tried(&[named(name).expect("a case")]).expect("a rig"))
    });
    let [power, cut] = [power, cut].map(|case| case.join().expect("no case panics").all.remove(0).outcome);
    assert_eq!(power, Outcome::Passed);
    let Outcome::Failed(why) = cut else { panic!("the cut cable was not seen to double the service") };
    assert!(why[0].starts_with("both machines had the service for "), "{why:?}");
}
