//! ARP and UDP links between two real hosts, each a network namespace.

mod netns;

use hb_core::{Duration, Instant};
use hb_linux::tested::{
    Announcer, Change, Clock, Errno, IfName, Incoming, Link, Outgoing, PollFd, Probe, Prober, Why, poll,
    send_arp, sleep_ms,
};
use netns::{alone, run, shell};
use std::process::{Child, Command};

/// The other host: a process that holds its namespace, joined to eth0 here by its own eth0.
struct Other {
    holder: Child,
}

impl Other {
    /// eth0 here has 192.168.2.1/24, eth0 there 192.168.2.2/24.
    fn new() -> Self {
        let holder = Command::new("unshare").args(["-n", "sleep", "60"]).spawn().unwrap();
        let other = Self { holder };
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        let name = format!("/proc/{}/ns/net", other.holder.id());
        while std::fs::read_link(&name).unwrap() == own {
            sleep_ms(5);
        }
        other.plug();
        other
    }

    fn plug(&self) {
        run(&format!("ip link add eth0 type veth peer name eth0 netns {}", self.holder.id()));
        run("ip link set eth0 up; ip addr add 192.168.2.1/24 brd + dev eth0");
        self.there("ip link set lo up; ip link set eth0 up; ip addr add 192.168.2.2/24 brd + dev eth0");
    }

    fn there(&self, command: &str) -> String {
        run(&format!("nsenter -t {} -n sh -c '{command}'", self.holder.id()))
    }

    fn mac(&self) -> String {
        self.there("cat /proc/net/arp; ip -o link show dev eth0")
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn eth0() -> IfName {
    IfName::new("eth0").unwrap()
}

fn probe(addresses: &[&str]) -> (Probe, Duration) {
    let mut clock = Clock::start();
    let begin = clock.now();
    let list: Vec<_> = addresses.iter().map(|ip| (ip.parse().unwrap(), None)).collect();
    let mut prober = Prober::again(begin, &list, None);
    while prober.result() == Probe::Running {
        poll(&mut [PollFd::readable(prober.fd().unwrap())], 20).unwrap();
        prober.service(clock.now());
    }
    (prober.result(), clock.now().since(begin))
}

#[test]
fn a_probe_finds_who_has_an_address_and_nobody_else() {
    alone("a_probe_finds_who_has_an_address_and_nobody_else", || {
        let other = Other::new();
        let (result, took) = probe(&["192.168.2.50"]);
        assert_eq!(result, Probe::Silent);
        assert!(took >= Duration::from_millis(900), "{took:?}");
        // Neither our own address nor the other's fixed one is what was asked for.
        other.there("ip addr add 192.168.2.50/24 dev eth0");
        let (result, took) = probe(&["192.168.2.51", "192.168.2.50"]);
        assert_eq!(result, Probe::Answered("192.168.2.50".parse().unwrap()));
        assert!(took < Duration::from_millis(900), "{took:?}");
        // A probe leaves nobody's cache changed.
        assert!(!other.mac().contains("192.168.2.1 "), "{}", other.mac());
        run("ip link set eth0 down");
        assert!(matches!(probe(&["192.168.2.50"]).0, Probe::Impossible(..)));
    });
}

#[test]
fn neighbours_learn_where_an_address_went() {
    alone("neighbours_learn_where_an_address_went", || {
        let other = Other::new();
        let own = run("cat /sys/class/net/eth0/address 2>/dev/null; ip -o link show dev eth0");
        let own = own.split("link/ether ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let vip = "192.168.2.50";
        let stale = format!("ip neigh replace {vip} lladdr 02:00:00:00:00:99 dev eth0 nud stale");
        let knows = || other.there(&format!("ip neigh show {vip}")).contains(&own);
        for round in 0..2 {
            run(&format!("ip addr add {vip}/24 dev eth0"));
            other.there(&stale);
            assert!(!knows());
            if round == 0 {
                send_arp(&eth0(), vip.parse().unwrap(), 100, 0).unwrap();
            } else {
                let mut announcer = Announcer::new();
                announcer.announce(Instant::ZERO, vip.parse().unwrap()).unwrap();
                assert!(announcer.deadline() > Instant::ZERO && announcer.deadline() < Instant::NEVER);
                // One that was just set up is announced for longer, and nothing makes that shorter.
                let ip = vip.parse().unwrap();
                announcer.started(Instant::ZERO, ip).unwrap();
                let first = announcer.deadline();
                announcer.announce(Instant::ZERO, ip).unwrap();
                assert_eq!(announcer.deadline(), first);
                let (mut now, mut repeats) = (first, 0);
                while announcer.deadline() < Instant::NEVER {
                    now = announcer.deadline();
                    announcer.service(now);
                    repeats += 1;
                }
                assert_eq!((repeats, now), (10, Instant::from_millis(5000)));
                announcer.announce(Instant::ZERO, ip).unwrap();
                run(&format!("ip addr del {vip}/24 dev eth0"));
                announcer.service(Instant::from_millis(60_000));
                assert_eq!(announcer.deadline(), Instant::NEVER, "it went on without the address");
            }
            assert!((0..50).any(|_| knows() || {
                sleep_ms(20);
                false
            }));
            shell(&format!("ip addr del {vip}/24 dev eth0"));
        }
        // Repeats end when the address is gone.
        run(&format!("ip addr add {vip}/24 dev eth0"));
        let mut gone = Command::new("sh")
            .args(["-c", &format!("sleep 0.3; ip addr del {vip}/24 dev eth0")])
            .spawn()
            .unwrap();
        let mut clock = Clock::start();
        let begin = clock.now();
        send_arp(&eth0(), vip.parse().unwrap(), 100, 100).unwrap();
        gone.wait().unwrap();
        assert!(clock.now().since(begin) < Duration::from_secs(5));
    });
}

#[test]
fn a_link_outlives_its_interface() {
    alone("a_link_outlives_its_interface", || {
        let other = Other::new();
        let (group, peer) = ("225.0.0.1".parse().unwrap(), "192.168.2.2".parse().unwrap());
        for (medium, mut link) in [
            ("bcast", Link::broadcast(eth0(), 694)),
            ("mcast", Link::multicast(eth0(), group, 694, 1, false)),
            ("ucast", Link::unicast(eth0(), peer, 694)),
        ] {
            let mut ms = 0;
            let mut step = |by: u64| {
                ms += by;
                Instant::from_millis(ms)
            };
            link.service(step(1));
            assert_eq!(link.take_change(), Some(Change::Opened), "{medium}");
            assert_eq!(link.send(step(1), b"beat"), Outgoing::Sent, "{medium}");
            // The own datagram does not come back.
            poll(&mut [PollFd::readable(link.fd().unwrap())], 50).unwrap();
            assert_eq!(link.read(step(1), &mut [0; 64]), Incoming::Empty, "{medium}");
            // Switched off and on again.
            run("ip link set eth0 down");
            assert!(matches!(link.send(step(1), b"beat"), Outgoing::Failed(_)), "{medium}");
            assert!(matches!(link.take_change(), Some(Change::Failed(_))), "{medium}");
            link.service(step(1001));
            assert!(!link.is_open(), "{medium}");
            run("ip link set eth0 up");
            link.service(step(1001));
            assert_eq!(link.take_change(), Some(Change::Opened), "{medium}");
            assert_eq!(link.send(step(1), b"beat"), Outgoing::Sent, "{medium}");
            // Pulled out and plugged in again: another interface of the same name.
            run("ip link del eth0");
            assert!(matches!(link.send(step(1), b"beat"), Outgoing::Failed(_)), "{medium}");
            assert!(matches!(link.take_change(), Some(Change::Failed(_))), "{medium}");
            other.plug();
            link.service(step(1001));
            assert_eq!(link.take_change(), Some(Change::Opened), "{medium}");
            assert_eq!(link.send(step(1), b"beat"), Outgoing::Sent, "{medium}");
        }
    });
}

#[test]
fn a_link_that_nobody_tells_asks_before_each_send() {
    alone("a_link_that_nobody_tells_asks_before_each_send", || {
        let _other = Other::new();
        let at = Instant::from_millis;
        let mut link = Link::broadcast(eth0(), 694);
        link.watched(false);
        link.service(at(1));
        assert_eq!(link.take_change(), Some(Change::Opened));
        run("ip addr add 10.5.5.1/24 brd + dev eth0; ip addr del 192.168.2.1/24 dev eth0");
        assert_eq!(link.send(at(2), b"beat"), Outgoing::Sent);
        let to = "10.5.5.255".parse().unwrap();
        assert_eq!(link.take_change(), Some(Change::Reopened(Why::Moved(to))));
        run("ip link set eth0 down");
        assert!(matches!(link.send(at(3), b"beat"), Outgoing::Dropped(_)));
        assert_eq!(link.take_change(), Some(Change::Failed(Errno::NET_DOWN)));
        assert!(!link.is_open(), "nothing goes out on an interface that is off");
        run("ip link set eth0 up");
        link.look(at(4));
        assert_eq!(link.take_change(), Some(Change::Opened));
        // Nobody answers: the second address as well, and it is said once.
        link.patience(at(4), Duration::from_millis(100));
        assert!(!link.wants_ways(at(103)) && link.wants_ways(at(104)));
        // No wake-up of its own: whatever round comes meanwhile asks, and one a deadtime later at the latest.
        assert_eq!(link.deadline(), at(204));
        link.ways(at(104), false, false);
        assert_eq!(link.take_change(), Some(Change::Reopened(Why::Both(Duration::from_millis(100), to))));
        assert_eq!(link.send(at(105), b"beat"), Outgoing::Sent);
        link.ways(at(204), false, false);
        assert_eq!((link.take_change(), link.is_open()), (None, true));
        // It answers, on another link as well: one address is tried, and given up for good when that fails.
        link.ways(at(304), true, false);
        assert_eq!(link.take_change(), None, "nothing is tried with the only link");
        link.ways(at(404), true, true);
        assert_eq!(link.take_change(), Some(Change::Reopened(Why::Directed(to))));
        link.ways(at(504), false, true);
        assert!(matches!(link.take_change(), Some(Change::Reopened(Why::Both(..)))));
        link.ways(at(604), true, true);
        assert_eq!(link.take_change(), None);
    });
}
