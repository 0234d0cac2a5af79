//! What `bridge` and `fence bridge` need (docs/bridge.md).

use super::Parsed;
use super::finding::{Findings, Report};
use super::ha_cf::HaCf;
use super::settings::{FenceDevice, Settings};
use hb_core::auth::Method;

/// What cannot work.
pub(super) fn faults(cf: &HaCf, report: &mut Report<'_>) {
    let fence = cf.fence.as_ref().filter(|fence| fence.value == FenceDevice::Bridge);
    if let (Some(fence), None) = (fence, &cf.bridge) {
        report.error(
            fence.line,
            format_args!(
                "`fence bridge` needs a bridge; write `bridge /dev/ttyS0` for the serial line that it is on"
            ),
        );
    }
    if let (Some(bridge), Some(rtscts)) = (&cf.bridge, cf.serial_rtscts.filter(|rtscts| rtscts.value)) {
        report.error(
            rtscts.line,
            format_args!(
                "`serial_rtscts on` waits for CTS, which the bridge of line {} does not drive; write `serial_rtscts off`",
                bridge.line
            ),
        );
    }
}

/// The key that a fence request is signed with, against what a board has.
pub(super) fn key(parsed: &Parsed, settings: Option<&Settings>, findings: &mut Findings) {
    let Some(fence) = parsed.ha_cf.fence.as_ref().filter(|fence| fence.value == FenceDevice::Bridge) else {
        return;
    };
    let Some(key) = settings.and_then(|settings| settings.keys.get(settings.keys.signer())) else { return };
    let mut report = Report::new(&parsed.ha_cf_file, findings);
    match key.method {
        Method::Sha1 => {}
        Method::Crc => report.warn(
            fence.line,
            format_args!(
                "`fence bridge` with `crc`: whoever is on one of the cables can have a node reset; sign with `sha1` in authkeys"
            ),
        ),
        Method::Md5 | Method::Sha256 => report.warn(
            fence.line,
            format_args!("`fence bridge`: the boards' program knows `sha1` alone, so it refuses each request; sign with `sha1` in authkeys"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Place;
    use std::string::String;
    use std::vec::Vec;

    fn said(ha_cf: &str) -> Vec<String> {
        let text = std::format!("node a\nnode b\nbcast eth0\n{ha_cf}\n");
        Place::new(&text, "a x", "auth 1\n1 sha1 x\n").load("a").1
    }

    #[test]
    fn a_fence_by_the_bridge_needs_one_and_a_bridge_needs_a_line_without_flow_control() {
        assert_eq!(said("bridge /dev/ttyS0\nfence bridge"), Vec::<String>::new());
        assert_eq!(
            said("fence bridge"),
            [
                "ha.d/ha.cf:4: `fence bridge` needs a bridge; write `bridge /dev/ttyS0` for the serial line that it is on"
            ]
        );
        assert_eq!(
            said("bridge /dev/ttyS0\nserial_rtscts on"),
            [
                "ha.d/ha.cf:5: `serial_rtscts on` waits for CTS, which the bridge of line 4 does not drive; write `serial_rtscts off`"
            ]
        );
    }

    #[test]
    fn the_key_of_a_fence_is_one_that_a_board_has() {
        for (method, words) in
            [("crc", "whoever is on one of the cables"), ("md5 s", "knows `sha1` alone"), ("sha1 s", "")]
        {
            let text = "node a\nnode b\nbcast eth0\nbridge /dev/ttyS0\nfence bridge\n";
            let place = Place::new(text, "a x", &std::format!("auth 1\n1 {method}\n"));
            let mut out = Vec::new();
            let _ = super::super::check::run(&place.paths, Some("a"), None, &mut out);
            let out = String::from_utf8_lossy(&out);
            assert_eq!(out.contains("`fence bridge`"), !words.is_empty(), "{method}: {out}");
            assert!(out.contains(words), "{method}: {out}");
        }
    }
}
