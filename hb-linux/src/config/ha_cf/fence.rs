//! The fence: what proves a silent peer off, and what is done while it does not (DESIGN §7 O2).

use super::directive::Directive;
use super::{At, HaCf};
use crate::config::finding::Report;
use crate::config::lexer::Word;
use crate::config::settings::{FenceDevice, Given};
use hb_core::Duration;

/// The pulse of the drawn circuit, if the line does not say, and what it may be.
const PULSE: Duration = Duration::from_millis(1500);
const PULSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// `fence external SCRIPT [ARGS]`, `fence bridge`, `fence modem-line DEVICE [pulse TIME]`
pub(super) fn fence(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let device = match d.args {
        [kind, script, args @ ..] if kind.text == "external" => {
            let Some(script) = d.path(script.text, "/etc/ha.d/fence", report) else { return };
            FenceDevice::External { script, args: words(args) }
        }
        [kind, device, pulse @ ..] if kind.text == "modem-line" => {
            let Some(device) = d.path(device.text, "/dev/ttyS0", report) else { return };
            let pulse = match pulse {
                [] => Some(PULSE),
                [word, time] if word.text == "pulse" => d.time_of(time.text, PULSES.0, PULSES.1, report),
                _ => None,
            };
            let Some(pulse) = pulse else {
                report.error(d.line, format_args!("write `fence modem-line {} pulse 1.5`", device.display()));
                return;
            };
            let name = device.to_string_lossy();
            if ["ttyUSB", "ttyACM"].iter().any(|usb| name.contains(usb)) {
                report.error(
                    d.line,
                    format_args!(
                        "{name} is a USB adapter, whose lines fall whenever it is plugged in or reset; write a port of the \
                         board, such as /dev/ttyS0"
                    ),
                );
            }
            FenceDevice::ModemLine { device, pulse }
        }
        [kind] if cfg!(feature = "bridge") && kind.text == "bridge" => FenceDevice::Bridge,
        _ => {
            report.error(
                d.line,
                format_args!(
                    "`fence` takes the kind and what belongs to it; write for example `fence external /etc/ha.d/fence`"
                ),
            );
            return;
        }
    };
    d.set(&mut cf.fence, device, report);
}

/// `stonith TYPE CONFIGFILE`
pub(super) fn stonith(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [kind, file] = d.args else {
        report.error(
            d.line,
            format_args!(
                "`stonith` takes a type and a file; write for example `stonith baytech /etc/ha.d/conf`"
            ),
        );
        return;
    };
    let Some(path) = d.path(file.text, "/etc/ha.d/conf", report) else { return };
    let device = FenceDevice::Stonith { kind: kind.text.to_string(), given: Given::File(path) };
    d.set(&mut cf.fence, device, report);
}

/// `stonith_host HOST|* TYPE PARAMETERS...`: the device of the node HOST, or of both.
pub(super) fn stonith_host(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [host, kind, parameters @ ..] = d.args else {
        report.error(
            d.line,
            format_args!(
                "`stonith_host` takes a host, a type and its parameters; \
                 write for example `stonith_host * baytech 10.0.0.3 user password`"
            ),
        );
        return;
    };
    let given = Given::Parameters(words(parameters).join(" "));
    let device = FenceDevice::Stonith { kind: kind.text.to_string(), given };
    cf.stonith_hosts.push(At { value: (String::from(host.text), device), line: d.line });
}

/// `fence_delay TIME`
pub(super) fn delay(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let Some(time) = d.time(Duration::ZERO, Duration::from_secs(3600), report) {
        d.set(&mut cf.fence_delay, time, report);
    }
}

fn words(args: &[Word<'_>]) -> Vec<String> {
    args.iter().map(|word| word.text.to_string()).collect()
}

impl HaCf {
    /// The device that the node `own` has, with its line. Of several `stonith_host` lines for it the last one counts, as
    /// with the original.
    pub(crate) fn fence_of(&self, own: &str) -> Option<At<FenceDevice>> {
        let ours =
            |host: &&At<(String, FenceDevice)>| host.value.0 == "*" || host.value.0.eq_ignore_ascii_case(own);
        let host = self.stonith_hosts.iter().rev().find(ours);
        self.fence.clone().or_else(|| host.map(|h| At { value: h.value.1.clone(), line: h.line }))
    }

    /// Some fence is written, be it the other node's.
    pub(crate) fn any_fence(&self) -> bool {
        self.fence.is_some() || !self.stonith_hosts.is_empty()
    }
}
