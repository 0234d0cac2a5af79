//! The embedded `IPaddr` script on real interfaces, with every shell and every tool that this machine has; and what the binary
//! does in its place, which the script is the measure of.

mod netns;

use netns::{alone, run, shell};
use std::path::PathBuf;

/// The script on disk, and an `hbd` that writes down how it was called.
struct Rig {
    dir: PathBuf,
    shell: &'static str,
    /// `ip` or `ifconfig`.
    tool: &'static str,
    /// What goes in front of `PATH`: the directory with BusyBox's own tools, or nothing.
    path: String,
}

/// In the place of a shell: no script runs, but the binary by the script's name.
const BINARY: &str = "";

impl Rig {
    fn call(&self, argument: &str, verb: &str) -> (i32, String) {
        shell(&self.line("IPaddr", argument, verb))
    }

    /// The command line of a call of this script.
    fn line(&self, script: &str, argument: &str, verb: &str) -> String {
        let dir = self.dir.display();
        let place = if self.shell == BINARY { "binary" } else { "resource.d" };
        format!(
            "PATH={}$PATH HBD_RUN_DIR={dir} HBD_IPADDR_TOOL={} HBD={dir}/hbd {} {dir}/{place}/{script} {argument} {verb}",
            self.path, self.tool, self.shell
        )
    }

    fn who(&self) -> String {
        format!("{} {}{}", self.shell, self.path, self.tool)
    }

    /// The calls of a test before this one must not be taken for its own.
    fn forget_calls(&self) {
        hb_linux::tested::sleep_ms(200);
        let _ = std::fs::remove_file(self.dir.join("calls"));
    }

    /// No note says that an address is set up.
    fn no_notes(&self) {
        let left: Vec<_> = std::fs::read_dir(&self.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("hbd-ipaddr-"))
            .collect();
        assert!(left.is_empty(), "{}: {left:?}", self.who());
    }

    fn announced(&self) -> String {
        for _ in 0..100 {
            let text = std::fs::read_to_string(self.dir.join("calls")).unwrap_or_default();
            if text.ends_with('\n') {
                std::fs::remove_file(self.dir.join("calls")).unwrap();
                return text.trim().to_owned();
            }
            hb_linux::tested::sleep_ms(20);
        }
        String::new()
    }
}

fn addresses() -> String {
    run("ip -o -f inet addr show dev eth0").replace('\\', " ")
}

/// Call `body` for every shell and tool here, with eth0 at 192.168.2.1/24.
fn each(name: &str, body: impl Fn(&Rig)) {
    alone(name, || {
        let dir = std::env::temp_dir().join(format!("hbd-ipaddr-{name}-{}", std::process::id()));
        hb_linux::tested::unpack(&dir).unwrap();
        let stub = dir.join("hbd");
        std::fs::write(&stub, format!("#!/bin/sh\necho \"$@\" >>{}/calls\n", dir.display())).unwrap();
        run(&format!("chmod 755 {}", stub.display()));
        run("ip link add eth0 type veth peer name peer0");
        run("ip link set eth0 up; ip link set peer0 up; ip addr add 192.168.2.1/24 brd + dev eth0");
        let binary = dir.join("binary");
        std::fs::create_dir_all(&binary).unwrap();
        for name in ["IPaddr", "IPaddr2"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hbd"), binary.join(name)).unwrap();
        }
        body(&Rig { dir: dir.clone(), shell: BINARY, tool: "hbd", path: String::new() });
        for shell_name in ["dash", "bash --posix", "busybox ash"] {
            if shell(&format!("{shell_name} -c :")).0 != 0 {
                println!("SKIPPED {shell_name}: not installed");
                continue;
            }
            for tool in ["ip", "ifconfig"] {
                if shell(&format!("command -v {tool}")).0 == 0 {
                    body(&Rig { dir: dir.clone(), shell: shell_name, tool, path: String::new() });
                } else {
                    println!("SKIPPED {tool}: not installed");
                }
                // BusyBox prints what the net-tools of 2002 print.
                let own = dir.join(format!("busybox-{tool}"));
                if shell(&format!("busybox {tool}{}", if tool == "ip" { " addr" } else { " -a" })).0 == 0 {
                    let text = format!("#!/bin/sh\nexec busybox {tool} \"$@\"\n");
                    std::fs::create_dir_all(&own).unwrap();
                    std::fs::write(own.join(tool), text).unwrap();
                    run(&format!("chmod 755 {}", own.join(tool).display()));
                    let path = format!("{}:", own.display());
                    body(&Rig { dir: dir.clone(), shell: shell_name, tool, path });
                } else {
                    println!("SKIPPED busybox {tool}: not installed");
                }
            }
        }
        std::fs::remove_dir_all(&dir).unwrap();
    });
}

#[test]
fn every_form_of_address_comes_up_and_goes_down() {
    each("every_form_of_address_comes_up_and_goes_down", |rig| {
        for (argument, ip, want) in [
            ("192.168.2.50", "192.168.2.50", "192.168.2.50/24 brd 192.168.2.255"),
            ("192.168.2.50/25", "192.168.2.50", "192.168.2.50/25 brd 192.168.2.127"),
            ("192.168.2.50/24/192.168.2.210", "192.168.2.50", "192.168.2.50/24 brd 192.168.2.210"),
            ("10.9.9.9/24/eth0", "10.9.9.9", "10.9.9.9/24 brd 10.9.9.255"),
            ("10.9.9.9/20/eth0/10.9.9.99", "10.9.9.9", "10.9.9.9/20 brd 10.9.9.99"),
        ] {
            let who = format!("{} {} {argument}", rig.shell, rig.tool);
            assert_eq!(rig.call(argument, "status"), (3, "stopped".into()), "{who}");
            assert_eq!(rig.call(argument, "start"), (0, String::new()), "{who}");
            assert!(addresses().contains(want), "{who}: {}", addresses());
            assert_eq!(rig.announced(), format!("send-arp -i 500 -r 10 eth0 {ip}"), "{who}");
            assert_eq!(rig.call(argument, "status"), (0, "running".into()), "{who}");
            assert_eq!(rig.call(argument, "monitor"), (0, "running".into()), "{who}");
            assert_eq!(rig.call(argument, "start"), (0, String::new()), "{who}: again");
            rig.announced();
            assert_eq!(rig.call(argument, "stop"), (0, String::new()), "{who}");
            assert!(!addresses().contains(ip) && addresses().contains("192.168.2.1/24"), "{who}");
            assert_eq!(rig.call(argument, "stop"), (0, String::new()), "{who}: again");
        }
    });
}

#[test]
fn addresses_do_not_disturb_each_other() {
    each("addresses_do_not_disturb_each_other", |rig| {
        let all = ["10.9.9.7/24/eth0", "10.9.9.8/24/eth0", "10.9.9.9/24/eth0"];
        for argument in all {
            assert_eq!(rig.call(argument, "start").0, 0);
        }
        // The first one is the subnet's primary address.
        assert_eq!(rig.call(all[0], "stop").0, 0);
        let left: Vec<i32> = all.iter().map(|argument| rig.call(argument, "status").0).collect();
        assert_eq!(left, [3, 0, 0], "{} {}", rig.shell, rig.tool);
        assert_eq!((rig.call(all[1], "stop").0, rig.call(all[2], "stop").0), (0, 0));
        rig.forget_calls();
    });
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    each("what_cannot_be_done_is_said_and_changes_nothing", |rig| {
        let before = addresses();
        for (argument, verb, code, why) in [
            ("192.168.2.1", "start", 1, "fixed address of eth0"),
            ("192.168.2.1", "stop", 1, "fixed address of eth0"),
            ("198.51.100.1", "start", 1, "no route to 198.51.100.1"),
            ("192.168.2.50/24/eth9", "start", 1, "eth9"),
            ("192.168.2.256", "start", 1, "not an address"),
            ("192.168.2", "status", 1, "not an address"),
            ("192.168.2.50/33", "start", 1, "number of bits"),
            ("192.168.2.50/24/eth0/x", "start", 1, "not a broadcast address"),
            ("192.168.2.50", "restart", 2, "usage"),
            ("192.168.2.50", "", 2, "usage"),
        ] {
            let (got, text) = rig.call(argument, verb);
            assert!(got == code && text.contains(why), "{} {argument} {verb}: {got} {text}", rig.tool);
        }
        assert_eq!(addresses(), before);
        for argument in ["192.168.2.50/24/eth0", "10.1.1.1/32/eth0"] {
            run("ip link set eth0 down");
            let (code, text) = rig.call(argument, "start");
            run("ip link set eth0 up");
            assert!(code == 1 && text.contains("eth0 is down"), "{} {argument}: {code} {text}", rig.who());
            assert_eq!(addresses(), before);
        }
        rig.no_notes();
    });
}

#[test]
fn two_starts_at_once_set_up_two_addresses() {
    each("two_starts_at_once_set_up_two_addresses", |rig| {
        // A subnet of the interface's own, and one whose addresses have the mask of their class for a moment.
        let all: Vec<String> = ["192.168.2.50", "192.168.2.51", "10.7.7.1", "10.7.7.2", "10.7.7.3"]
            .map(|ip| format!("{ip}/24/eth0"))
            .to_vec();
        for round in 0..5 {
            let calls: Vec<String> =
                all.iter().map(|argument| format!("({}) &", rig.line("IPaddr", argument, "start"))).collect();
            run(&format!("{} wait", calls.join(" ")));
            for argument in &all {
                let answer = rig.call(argument, "status");
                assert_eq!(
                    answer,
                    (0, "running".into()),
                    "{} {round} {argument}: {}",
                    rig.who(),
                    addresses()
                );
            }
            for argument in &all {
                assert_eq!(rig.call(argument, "stop"), (0, String::new()), "{} {argument}", rig.who());
            }
            rig.no_notes();
        }
        rig.forget_calls();
    });
}

#[test]
fn an_address_on_an_interface_that_is_off_is_seen_and_taken_away() {
    each("an_address_on_an_interface_that_is_off_is_seen_and_taken_away", |rig| {
        let before = addresses();
        for argument in ["192.168.2.50/24/eth0", "10.1.1.1/32/eth0"] {
            assert_eq!(rig.call(argument, "start").0, 0);
            run("ip link set eth0 down");
            let (code, text) = rig.call(argument, "status");
            assert_eq!(code, 1, "{}: {text}", rig.who());
            assert!(text.contains("eth0 is down") && !text.contains("running") && !text.contains("stopped"));
            let (code, text) = rig.call(argument, "start");
            assert!(code == 1 && text.contains("eth0, which is down"), "{}: {text}", rig.who());
            assert_eq!(rig.call(argument, "stop"), (0, String::new()), "{}", rig.who());
            assert_eq!(rig.call(argument, "status"), (3, "stopped".into()), "{}", rig.who());
            run("ip link set eth0 up");
            assert_eq!(addresses(), before, "{}: it came back with the interface", rig.who());
        }
        rig.forget_calls();
    });
}

#[test]
fn an_address_that_was_moved_by_hand_is_taken_away_wherever_it_is() {
    each("an_address_that_was_moved_by_hand_is_taken_away_wherever_it_is", |rig| {
        run("ip link add eth1 type veth peer name peer1; ip link set eth1 up");
        let on_eth1 = || run("ip -o -f inet addr show dev eth1");
        let moved = || {
            run("ip addr flush to 192.168.2.50/32; ip addr add 192.168.2.50/24 dev eth1");
        };
        let (before, other) = (addresses(), on_eth1());
        assert_eq!(rig.call("192.168.2.50/24/eth0", "start"), (0, String::new()), "{}", rig.who());
        moved();
        assert_eq!(rig.call("192.168.2.50/24/eth0", "status"), (0, "running".into()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/24/eth0", "start"), (0, String::new()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/24/eth0", "stop"), (0, String::new()), "{}", rig.who());
        assert_eq!((addresses(), on_eth1()), (before.clone(), other.clone()), "{}", rig.who());
        rig.no_notes();
        // No start set that up: it may be the machine's own.
        moved();
        for verb in ["start", "stop"] {
            let (code, text) = rig.call("192.168.2.50/24/eth0", verb);
            let way_out = "ip addr del 192.168.2.50 dev eth1";
            assert!(code == 1 && text.contains(way_out), "{} {verb}: {code} {text}", rig.who());
        }
        run("ip addr del 192.168.2.50/24 dev eth1");
        assert_eq!(addresses(), before, "{}", rig.who());
        run("ip link del eth1");
        rig.no_notes();
        rig.forget_calls();
    });
}

#[test]
fn the_others_of_a_subnet_stay_on_a_kernel_that_does_not_promote_them() {
    each("the_others_of_a_subnet_stay_on_a_kernel_that_does_not_promote_them", |rig| {
        // As on 2.4: the kernel's switch is not there.
        run("echo 0 >/proc/sys/net/ipv4/conf/all/promote_secondaries");
        run("echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
        run("mount -t tmpfs none /proc/sys/net/ipv4/conf");
        let all = ["10.9.9.7/24/eth0", "10.9.9.8/24/eth0", "10.9.9.9/24/eth0/10.9.9.99"];
        let call = |argument, verb| shell(&rig.line("IPaddr", argument, verb));
        all.iter().for_each(|argument| assert_eq!(call(argument, "start"), (0, String::new())));
        run("ip addr add 10.9.9.66/24 brd + dev eth0 label eth0:adm");
        let before = addresses();
        assert_eq!(call(all[0], "stop"), (0, String::new()), "{}", rig.who());
        let state = all.map(|argument| call(argument, "status").0);
        assert_eq!(state, [3, 0, 0], "{}: {before} -> {}", rig.who(), addresses());
        let now = addresses();
        for kept in ["10.9.9.8/24 brd 10.9.9.255", "10.9.9.9/24 brd 10.9.9.99", "10.9.9.66/24"] {
            assert!(now.contains(kept), "{}: {kept} of {before} -> {now}", rig.who());
        }
        // All at once: nobody puts back what its own stop takes away.
        let calls: Vec<String> =
            all.iter().map(|argument| format!("({}) &", rig.line("IPaddr", argument, "stop"))).collect();
        run(&format!("{} wait; sleep 0.1", calls.join(" ")));
        let now = addresses();
        assert!(!now.contains("10.9.9.8/") && !now.contains("10.9.9.9/"), "{}: {now}", rig.who());
        assert!(now.contains("10.9.9.66/24"), "{}: {now}", rig.who());
        run("ip addr del 10.9.9.66/24 dev eth0; umount /proc/sys/net/ipv4/conf");
        rig.no_notes();
        rig.forget_calls();
    });
}

#[test]
fn an_alias_whose_name_is_printed_cut_off_is_taken_away() {
    each("an_alias_whose_name_is_printed_cut_off_is_taken_away", |rig| {
        if rig.tool != "ifconfig" || rig.path.is_empty() {
            return;
        }
        // The net-tools of 2002 print nine letters of a name.
        let cut = rig.dir.join("busybox-ifconfig/ifconfig");
        let whole = std::fs::read_to_string(&cut).unwrap();
        let script = "#!/bin/sh\nif [ \"$*\" = -a ]; then\nbusybox ifconfig -a | sed -E 's/^([^ ]{9})[^ ]*/\\1/'\nelse\nexec busybox ifconfig \"$@\"\nfi\n";
        std::fs::write(&cut, script).unwrap();
        run(
            "ip link add eth1.100 type veth peer name eth1.101 && ip link set eth1.100 up && ip addr add 10.3.3.1/24 dev eth1.100",
        );
        for argument in ["10.3.3.3/24/eth1.100", "10.3.3.4/24/eth1.100"] {
            assert_eq!(rig.call(argument, "start"), (0, String::new()), "{}", rig.who());
        }
        for argument in ["10.3.3.3/24/eth1.100", "10.3.3.4/24/eth1.100"] {
            assert_eq!(rig.call(argument, "stop"), (0, String::new()), "{}", rig.who());
            assert_eq!(rig.call(argument, "status"), (3, "stopped".into()), "{}", rig.who());
        }
        run("ip link del eth1.100");
        std::fs::write(&cut, whole).unwrap();
        rig.forget_calls();
    });
}

#[test]
fn many_addresses_are_no_matter() {
    each("many_addresses_are_no_matter", |rig| {
        let range = "seq 0 200 | while read -r i; do ip addr";
        run(&format!("{range} add 10.4.$((i / 100)).$((i % 100 + 1))/32 dev eth0 label eth0:m$i; done"));
        assert_eq!(rig.call("192.168.2.50/24/eth0", "start"), (0, String::new()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/24/eth0", "status").0, 0, "{}", rig.who());
        let ip = "192.168.2.50".parse().unwrap();
        assert_eq!(hb_linux::tested::holding(ip).unwrap().unwrap().as_str(), "eth0", "the daemon's own look");
        assert_eq!(rig.call("192.168.2.50/24/eth0", "stop"), (0, String::new()), "{}", rig.who());
        assert_eq!(hb_linux::tested::holding(ip), Ok(None));
        run(&format!("{range} del 10.4.$((i / 100)).$((i % 100 + 1))/32 dev eth0; done"));
        rig.forget_calls();
    });
}

#[test]
fn what_the_script_sets_up_the_binary_takes_away_and_the_other_way_round() {
    each("what_the_script_sets_up_the_binary_takes_away_and_the_other_way_round", |rig| {
        let binary = Rig { dir: rig.dir.clone(), shell: BINARY, tool: "hbd", path: String::new() };
        for argument in ["192.168.2.50", "10.9.9.9/20/eth0/10.9.9.99", "10.8.8.8/32/eth0", "10.8.8.9/31/eth0"]
        {
            for (one, other) in [(rig, &binary), (&binary, rig)] {
                let who = format!("{argument}: {} then {}", one.who(), other.who());
                assert_eq!(one.call(argument, "start"), (0, String::new()), "{who}");
                let set = addresses();
                assert_eq!(other.call(argument, "status"), (0, "running".into()), "{who}");
                assert_eq!(other.call(argument, "start"), (0, String::new()), "{who}");
                assert_eq!(addresses(), set, "{who}: set up once");
                assert_eq!(other.call(argument, "stop"), (0, String::new()), "{who}");
                assert_eq!(one.call(argument, "status"), (3, "stopped".into()), "{who}");
            }
        }
        rig.no_notes();
        rig.forget_calls();
    });
}

#[test]
fn an_address_of_the_loopback_is_another_matter() {
    each("an_address_of_the_loopback_is_another_matter", |rig| {
        // A real server behind a director has it there for good.
        run("ip addr add 192.168.2.50/32 dev lo label lo:vip");
        assert_eq!(rig.call("192.168.2.50/24/eth0", "status"), (3, "stopped".into()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/24/eth0", "start"), (0, String::new()), "{}", rig.who());
        rig.forget_calls();
        assert_eq!(rig.call("192.168.2.50/24/eth0", "stop"), (0, String::new()), "{}", rig.who());
        assert!(run("ip addr show dev lo").contains("192.168.2.50/32"), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/32/lo", "status"), (0, "running".into()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/32/lo", "stop"), (0, String::new()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/32/lo", "start"), (0, String::new()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/32/lo", "status"), (0, "running".into()), "{}", rig.who());
        assert_eq!(rig.call("192.168.2.50/32/lo", "stop"), (0, String::new()), "{}", rig.who());
        assert_eq!(rig.announced(), "", "{}: nobody to tell", rig.who());
    });
}
