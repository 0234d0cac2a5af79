//! The embedded `IPaddr` script on real interfaces, with every shell and every tool that this machine has.

mod netns;

use netns::{alone, run, shell};
use std::path::PathBuf;

/// The script on disk, and an `hbd` that writes down how it was called.
struct Rig {
    dir: PathBuf,
    shell: &'static str,
    tool: &'static str,
}

impl Rig {
    fn call(&self, argument: &str, verb: &str) -> (i32, String) {
        let dir = self.dir.display();
        shell(&format!(
            "HBD_IPADDR_TOOL={} HBD={dir}/hbd {} {dir}/resource.d/IPaddr {argument} {verb}",
            self.tool, self.shell
        ))
    }

    fn announced(&self) -> String {
        for _ in 0..100 {
            let text = std::fs::read_to_string(self.dir.join("calls")).unwrap_or_default();
            if text.ends_with('\n') {
                std::fs::remove_file(self.dir.join("calls")).unwrap();
                return text.trim().to_owned();
            }
            hb_linux::sys::poll::sleep_ms(20);
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
        hb_linux::resources::unpack(&dir).unwrap();
        let stub = dir.join("hbd");
        std::fs::write(&stub, format!("#!/bin/sh\necho \"$@\" >>{}/calls\n", dir.display())).unwrap();
        run(&format!("chmod 755 {}", stub.display()));
        run("ip link add eth0 type veth peer name peer0");
        run("ip link set eth0 up; ip link set peer0 up; ip addr add 192.168.2.1/24 brd + dev eth0");
        for shell_name in ["dash", "bash --posix", "busybox ash"] {
            if shell(&format!("{shell_name} -c :")).0 != 0 {
                println!("SKIPPED {shell_name}: not installed");
                continue;
            }
            for tool in ["ip", "ifconfig"] {
                if shell(&format!("command -v {tool}")).0 != 0 {
                    println!("SKIPPED {tool}: not installed");
                    continue;
                }
                body(&Rig { dir: dir.clone(), shell: shell_name, tool });
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
        // The background announcements of this round must not be taken for the next one's.
        while !rig.announced().is_empty() {}
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
        if rig.tool == "ip" {
            run("ip link set eth0 down");
            let (code, text) = rig.call("192.168.2.50/24/eth0", "start");
            run("ip link set eth0 up");
            assert!(code == 1 && text.contains("eth0 is down"), "{code} {text}");
            assert_eq!(addresses(), before);
        }
    });
}
