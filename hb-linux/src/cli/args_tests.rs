//! Words that make sense, and what is said of those that do not.

use super::*;

fn read(line: &str) -> Result<(Verb, Options), Usage> {
    parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn commands_and_options_in_any_order() {
    let (verb, options) = read("--config-dir /c status --json --run-dir=/r --node ha-1").unwrap();
    assert_eq!(verb, Verb::Status);
    assert_eq!(options.config_dir, PathBuf::from("/c"));
    assert_eq!(options.run_dir, PathBuf::from("/r"));
    assert_eq!(options.state_dir, PathBuf::from("/var/lib/heartbeat"));
    assert_eq!((options.node.as_deref(), options.json), (Some("ha-1"), true));
    assert_eq!(read("standby").unwrap().0, Verb::Standby(Groups::All));
    assert_eq!(read("standby --no-wait local").unwrap().0, Verb::Standby(Groups::Local));
    assert_eq!(read("takeover 10.0.0.5").unwrap().0, Verb::Takeover(Groups::One("10.0.0.5".into())));
    assert_eq!(read("takeover foreign").unwrap().0, Verb::Takeover(Groups::Foreign));
    assert_eq!(read("clear 192.168.2.50").unwrap().0, Verb::Clear("192.168.2.50".to_string()));
    assert_eq!(read("--help").unwrap().0, Verb::Help(None));
    for line in ["standby --help", "standby all --no-wait -h", "help standby"] {
        assert_eq!(read(line).unwrap().0, Verb::Help(Some("standby".to_string())), "{line}");
    }
    for line in ["install --help", "install --dry-run -h"] {
        assert_eq!(read(line).unwrap().0, Verb::Help(Some("install".to_string())), "{line}");
    }
    assert_eq!(read("-V").unwrap().0, Verb::Version);
    let (verb, options) = read("linktest --baud 19200 --baud=1200 /dev/ttyS1 --wait 5").unwrap();
    assert_eq!(verb, Verb::Linktest("/dev/ttyS1".to_string()));
    assert_eq!(options.line, Line { speeds: 0b1_0001, seconds: 5, wait: 5, fence: false });
    assert_eq!(
        read("send-arp -i 10 eth0").unwrap().0,
        Verb::SendArp(["-i", "10", "eth0"].map(OsString::from).into())
    );
}

#[test]
fn paths_do_not_depend_on_where_the_command_is_given() {
    assert!(read("run --config-dir conf").unwrap().1.config_dir.is_absolute());
}

#[test]
fn mistakes_are_named() {
    for (line, code, part) in [
        ("", 2, "no command"),
        ("start", 2, "unknown command \"start\"; did you mean hbd run?"),
        ("stauts", 2, "did you mean hbd status?"),
        ("take-over", 2, "did you mean hbd takeover?"),
        ("confirmdown ha-1", 2, "did you mean hbd confirm-down?"),
        ("xyzzy", 2, "unknown command \"xyzzy\"; hbd help lists them"),
        ("status now", 2, "one word too many"),
        ("standby web mail", 2, "one word too many"),
        ("confirm-down", 2, "needs the name"),
        ("clear a b", 2, "one word too many"),
        ("fence --test", 2, "the name of the other node"),
        ("fence ha-2", 2, "write hbd fence --test NODE"),
        ("clear --test a", 2, "fence only"),
        ("status --colour", 2, "unknown option"),
        ("stop --json", 2, "status only"),
        ("status --foreground", 2, "run only"),
        ("check --no-wait", 2, "--no-wait goes"),
        ("run --node", 2, "node"),
        ("run -x", 2, "unknown option -x"),
        ("run --run-dir=", 2, "--run-dir is empty"),
        ("linktest", 2, "needs a serial device"),
        ("linktest --baud 1234 /dev/ttyS0", 2, "no speed"),
        ("linktest --seconds 0 /dev/ttyS0", 2, "1 to 3600"),
        ("linktest --wait x /dev/ttyS0", 2, "1 to 3600"),
        ("status --wait 3", 2, "linktest only"),
        ("monitor all", 2, "one word too many"),
        ("moniter", 2, "did you mean hbd monitor?"),
    ] {
        let usage = read(line).unwrap_err();
        assert_eq!(usage.code, code, "{line}");
        assert!(usage.text.contains(part), "{line}: {}", usage.text);
    }
}
