use super::super::{Paths, Texts, Transport, examine_texts};
use hb_core::Duration;
use hb_core::config::StalePolicy;

const HA_CF: &str = "node ha-1 ha-2\nserial /dev/ttyS0\n";
const WHOLE: &str =
    "data 10.0.0.5 directory /jdmail\ndata 10.0.0.5 address ha-1 10.1.0.1 address ha-2 10.1.0.2\n";

fn look(data: &str) -> (Option<super::DataSettings>, Vec<String>) {
    let ha_cf = format!("{HA_CF}{data}");
    let texts = Texts {
        ha_cf: ha_cf.as_bytes(),
        haresources: b"ha-1 10.0.0.5 jdmail\nha-2 10.0.0.6\n",
        authkeys: b"auth 1\n1 crc\n",
    };
    let (settings, findings) = examine_texts(&texts, &Paths::new("/nowhere"), "ha-1");
    let errors = findings.of(super::super::Class::Configuration).map(ToString::to_string).collect();
    (settings.and_then(|settings| settings.data.into_iter().next().flatten()), errors)
}

#[test]
fn the_usual_values_are_the_manuals() {
    let data = look(WHOLE).0.unwrap();
    assert_eq!(data.peer, "10.1.0.2");
    assert_eq!((data.transport, data.command.as_str()), (Transport::Ssh, "ssh -o BatchMode=yes"));
    assert_eq!(data.core.interval, Duration::from_secs(300));
    assert_eq!(data.core.stale, StalePolicy::AcceptAge);
    assert!(!data.mountpoint && data.max_delete == 20 && data.excludes.contains(&"*.pid".to_string()));
}

#[test]
fn each_key_is_taken() {
    let more = "data 10.0.0.5 interval 60 limit 30 stale_after 120 stale refuse mountpoint yes max_delete 5\n\
                data 10.0.0.5 exclude /cache command ssh -p 2222 -i /root/.ssh/hbd\n";
    let data = look(&format!("{WHOLE}{more}")).0.unwrap();
    assert_eq!(data.command, "ssh -p 2222 -i /root/.ssh/hbd");
    assert_eq!((data.core.interval, data.core.limit), (Duration::from_secs(60), Duration::from_secs(30)));
    assert_eq!((data.core.stale, data.max_delete), (StalePolicy::Refuse, 5));
    assert!(data.mountpoint && data.excludes.ends_with(&["/cache".to_string()]));
    let data = look(&format!("{WHOLE}data 10.0.0.5 transport rsync module mail\n")).0.unwrap();
    assert_eq!(data.transport, Transport::Rsync { module: "mail".to_string() });
}

#[test]
fn mistakes_are_named() {
    for (lines, part) in [
        ("data", "names no group"),
        ("data 10.0.0.5", "says nothing"),
        ("data 10.0.0.7 directory /d address ha-1 a address ha-2 b", "is no group of haresources"),
        ("data 10.0.0.5 directory /d address ha-1 a", "one address of each node"),
        ("data 10.0.0.5 directory /d address ha-1 a address ha-1 b", "one address of each node"),
        ("data 10.0.0.5 directory /d address ha-3 a", "neither of the nodes"),
        ("data 10.0.0.5 address ha-1 a address ha-2 b", "has no directory"),
        ("data 10.0.0.5 directory jdmail", "not a full path"),
        ("data 10.0.0.5 directory /d;reboot", "letters, digits"),
        ("data 10.0.0.5 directory / address ha-1 a address ha-2 b", "directory of the system"),
        ("data 10.0.0.5 directory /a/../etc address ha-1 a address ha-2 b", "directory of the system"),
        ("data 10.0.0.5 directory", "has no value"),
        ("data 10.0.0.5 colour red", "is not known"),
        ("data 10.0.0.5 stale maybe", "stale refuse"),
        ("data 10.0.0.5 mountpoint maybe", "neither yes nor no"),
        ("data 10.0.0.5 transport smoke", "transport ssh"),
        ("data 10.0.0.5 interval 0", "out of range"),
        ("data 10.0.0.5 max_delete 200", "not a number"),
        (
            "data 10.0.0.5 directory /d address ha-1 a address ha-2 b transport rsync",
            "needs the name of a module",
        ),
        ("data 10.0.0.5 directory /d address ha-1 a address ha-2 b module m", "goes with `transport rsync`"),
        (
            "data 10.0.0.5 directory /d address ha-1 a address ha-2 b\ndata 10.0.0.6 directory /d/e address ha-1 a address ha-2 b",
            "one in the other",
        ),
    ] {
        let (data, errors) = look(&format!("{lines}\n"));
        assert!(data.is_none() || part == "one in the other" || part.contains("system"), "{lines}");
        assert!(errors.iter().any(|error| error.contains(part)), "{lines}: {errors:?}");
    }
}
