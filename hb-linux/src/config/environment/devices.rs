//! Serial lines and the watchdog: is the device there, and is nobody else on it?

use super::getty::Getty;
use super::machine::Machine;
use crate::config::Paths;
use crate::config::finding::Report;
use crate::config::ha_cf::HaCf;
use crate::config::settings::{FenceDevice, Medium};
use crate::fence::proven;
use core::fmt;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Each `serial` device exists, is a character device, and neither a getty nor the kernel's console sits on it.
pub(super) fn serial(paths: &Paths, machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    let links = cf.links.iter().filter_map(|link| match &link.value {
        Medium::Serial { device, .. } => Some((device, link.line, false)),
        Medium::Bcast { .. } | Medium::Mcast { .. } | Medium::Ucast { .. } => None,
    });
    let fence = cf.fence.iter().filter_map(|fence| match &fence.value {
        FenceDevice::ModemLine { device, .. } => Some((device, fence.line, true)),
        FenceDevice::External { .. } | FenceDevice::Bridge | FenceDevice::Stonith { .. } => None,
    });
    for (device, line, fires) in links.chain(fence) {
        let shown = device.display();
        match fs::metadata(device) {
            Ok(meta) if meta.file_type().is_char_device() => {}
            Ok(_) => report.lacks(
                line,
                format_args!("{shown} is not a character device; write a serial device such as /dev/ttyS0"),
            ),
            Err(_) => report.lacks(
                line,
                format_args!("{shown} is not there; write a serial device that is, such as /dev/ttyS0"),
            ),
        }
        let Some(tty) = device.strip_prefix("/dev").ok().and_then(Path::to_str) else { continue };
        if let Some(getty) = Getty::on(paths, tty) {
            report.lacks(
                line,
                format_args!("a getty runs on {tty} ({getty}) and eats heartbeats; {}", getty.advice(tty)),
            );
        }
        let console =
            |word: &str| word.strip_prefix("console=").and_then(|c| c.split(',').next()) == Some(tty);
        if fires && let Err(why) = proven(&paths.state_dir, &device.to_string_lossy()) {
            report.lacks(
                line,
                format_args!("fence: {why}, so it refuses to reset anybody; run `hbd linktest --fence {shown}` on both nodes"),
            );
        }
        if machine.cmdline.split_whitespace().any(console) {
            let find = if fires { Report::lacks } else { Report::warn };
            find(
                report,
                line,
                format_args!(
                    "the kernel's console is on {tty} and mixes its messages into heartbeats; \
                     remove `console={tty}` from the kernel's command line"
                ),
            );
        }
    }
}

/// The watchdog is the character device 10:130 and a driver answers for it.
pub(super) fn watchdog(machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    let Some(watchdog) = &cf.watchdog else { return };
    let (line, shown) = (watchdog.line, watchdog.value.display());
    if lets_go(&machine.release) {
        report.warn(
            line,
            format_args!(
                "softdog of Linux {} stops its timer when the last process that has it open ends, and be it killed: hbd, its \
                 helper and a shell called `watchdog-keeper` keep it open, so that `killall -9 hbd` still ends in a reset, but who \
                 kills all three leaves both nodes serving; `modprobe softdog nowayout=1` resets then too, and after an orderly \
                 stop as well",
                machine.release
            ),
        );
    }
    // Today's kernels number further watchdogs /dev/watchdog0 and on, with a major of their own.
    let numbered = watchdog
        .value
        .file_name()
        .and_then(|n| n.to_str()?.strip_prefix("watchdog"))
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let (is_device, number) = match fs::metadata(&watchdog.value) {
        Ok(meta) => (meta.file_type().is_char_device(), Some(device_number(meta.rdev()))),
        Err(_) => (false, None),
    };
    match number {
        None if machine.watchdog_driver || numbered => {
            report.lacks(line, format_args!("{shown} is not there; run `mknod {shown} c 10 130`"));
        }
        None => report.lacks(
            line,
            format_args!("{shown} is not there; run `modprobe softdog`, then `mknod {shown} c 10 130`"),
        ),
        Some(_) if is_device && numbered => {}
        Some((10, 130)) if is_device => {
            if !machine.watchdog_driver {
                report.lacks(line, format_args!("no driver answers for {shown}; run `modprobe softdog`"));
            }
        }
        // Whatever it is, somebody may need it: another name is written, and nothing is removed.
        Some((major, minor)) if is_device => report.lacks(
            line,
            format_args!(
                "{shown} is the device {major}:{minor}, not the watchdog 10:130; write `watchdog {}`",
                Other(&watchdog.value)
            ),
        ),
        Some(_) => report.lacks(
            line,
            format_args!("{shown} is not a character device; write `watchdog {}`", Other(&watchdog.value)),
        ),
    }
}

/// A kernel of the 2.4 line whose softdog is disarmed by the last close, whatever was written before. 2.4.20 and 2.4.21 keep
/// their timer.
fn lets_go(release: &str) -> bool {
    let old =
        |rest: &str| !["20", "21"].contains(&rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(""));
    release.strip_prefix("2.4.").is_some_and(old)
}

/// A name for the watchdog that is not taken by something else.
struct Other<'a>(&'a Path);

impl fmt::Display for Other<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const USUAL: &str = "/dev/watchdog";
        if self.0 == Path::new(USUAL) {
            write!(f, "{USUAL}.hbd` and run `mknod {USUAL}.hbd c 10 130")
        } else {
            f.write_str(USUAL)
        }
    }
}

/// Major and minor number of a device, in the kernel's packing.
const fn device_number(device: u64) -> (u64, u64) {
    let major = (device >> 8 & 0xFFF) | (device >> 32 & !0xFFF);
    let minor = (device & 0xFF) | (device >> 12 & !0xFF & 0xFFFF_FFFF);
    (major, minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers() {
        assert_eq!(device_number(0x0A82), (10, 130));
        assert_eq!(device_number(0x0103), (1, 3));
        assert_eq!(device_number(0x0010_8801), (0x88, 0x101));
    }
}
