//! Words that make sense, and what is said of those that do not.

use super::*;

fn read(line: &str) -> Result<Call, Usage> {
    parse(line.split_whitespace().map(OsString::from))
}

/// Which command, and its words.
fn call(line: &str) -> (&'static str, Vec<String>) {
    let call = read(line).expect(line);
    let own = call.own.into_iter().map(|word| word.into_string().expect("text"));
    (call.command.name, call.words.into_iter().chain(own).collect())
}

#[test]
fn commands_and_options_in_any_order() {
    let Call { command, options, .. } =
        read("--config-dir /c status --json --run-dir=/r --node ha-1").unwrap();
    assert_eq!(command.name, "status");
    assert_eq!(options.config_dir, PathBuf::from("/c"));
    assert_eq!(options.run_dir, PathBuf::from("/r"));
    assert_eq!(options.state_dir, PathBuf::from("/var/lib/heartbeat"));
    assert_eq!((options.node.as_deref(), options.json), (Some("ha-1"), true));
    for (line, name, words) in [
        ("standby", "standby", ""),
        ("standby --no-wait local", "standby", "local"),
        ("takeover 10.0.0.5", "takeover", "10.0.0.5"),
        ("clear 192.168.2.50", "clear", "192.168.2.50"),
        ("--help", "help", ""),
        ("standby --help", "help", "standby"),
        ("standby all --no-wait -h", "help", "standby"),
        ("help standby", "help", "standby"),
        ("install --help", "help", "install"),
        ("install --dry-run -h", "help", "install"),
        ("-V", "version", ""),
        ("send-arp -i 10 eth0", "send-arp", "-i 10 eth0"),
        ("guard web -- rsync -a x y", "guard", "web rsync -a x y"),
        ("data restore web", "data", "restore web"),
        ("check --exercise web --json", "check --exercise", "web --json"),
        ("heartbeat -h", "heartbeat", "-h"),
    ] {
        assert_eq!(call(line), (name, words.split_whitespace().map(String::from).collect()), "{line}");
    }
    let line = read("linktest --baud 19200 --baud=1200 /dev/ttyS1 --wait 5").unwrap();
    assert_eq!(line.words, ["/dev/ttyS1"]);
    assert_eq!(line.options.line, Line { speeds: 0b1_0001, seconds: 5, wait: 5, fence: false });
}

#[test]
fn which_groups_are_meant() {
    use super::super::groups::Groups;
    for (word, groups) in [
        (None, Groups::All),
        (Some("all"), Groups::All),
        (Some("local"), Groups::Local),
        (Some("foreign"), Groups::Foreign),
        (Some("failback"), Groups::Foreign),
        (Some("10.0.0.5"), Groups::One("10.0.0.5".into())),
    ] {
        assert_eq!(Groups::read(word), groups, "{word:?}");
    }
}

#[test]
fn paths_do_not_depend_on_where_the_command_is_given() {
    assert!(read("run --config-dir conf").unwrap().options.config_dir.is_absolute());
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
        ("check --no-wait", 2, "--no-wait goes with stop, standby, takeover, sync, guard only"),
        ("clear --force web", 2, "--force goes with reload, confirm-down only"),
        ("status --json --nagios", 2, "choose one"),
        ("guard -a web", 2, "stands behind --"),
        ("sync a b", 2, "one word too many"),
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
