//! The three files: one of any content, the others good.

use hb_linux::tested::{Class, Findings, Paths, Settings, Texts, examine_texts};

const HA_CF: &[u8] = b"keepalive 2\ndeadtime 10\nwarntime 5\ninitdead 120\nserial /dev/ttyS0\nbcast eth1\n\
    watchdog /dev/watchdog\nnode ha-1\nnode ha-2\nping 192.168.2.1\n";
const HARESOURCES: &[u8] = b"ha-1 192.168.2.50/24/eth0 jdmail\nha-2 IPaddr::192.168.2.51 httpd\n";
const AUTHKEYS: &[u8] = b"auth 1\n1 sha1 a-secret-word\n2 crc\n";

/// One of the three files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum File {
    /// `ha.cf`.
    HaCf,
    /// `haresources`.
    Haresources,
    /// `authkeys`.
    Authkeys,
}

/// Examines `text` in the place of one of the files; what comes out must keep its promises.
pub fn examine(file: File, text: &[u8]) {
    let at = |place, good| if file == place { text } else { good };
    let texts = Texts {
        ha_cf: at(File::HaCf, HA_CF),
        haresources: at(File::Haresources, HARESOURCES),
        authkeys: at(File::Authkeys, AUTHKEYS),
    };
    let (settings, findings) = examine_texts(&texts, &Paths::new("/nowhere"), "ha-1");
    judge(settings.as_ref(), &findings, text);
}

fn judge(settings: Option<&Settings>, findings: &Findings, text: &[u8]) {
    let refused = findings.any(Class::Configuration);
    assert_ne!(settings.is_some(), refused, "settings exactly without an error: {:?}", findings.as_slice());
    let lines = text.split(|byte| *byte == b'\n').count();
    for finding in findings.as_slice() {
        let shown = finding.to_string();
        assert!(!shown.chars().any(char::is_control), "a control character: {shown:?}");
        assert!(
            finding.line >= 1 && finding.line as usize <= lines.max(10),
            "line {}: {shown}",
            finding.line
        );
    }
    if let Some(settings) = settings {
        settings.core.validate().expect("the core takes what the parser made");
        assert!(settings.core.groups.len() == settings.groups.len());
        hb_core::Node::new(
            settings.core.clone(),
            settings.keys.clone(),
            &hb_core::Saved::default(),
            [7; 16],
            hb_core::Instant::ZERO,
        )
        .expect("a node of it");
    }
}
