//! The operators' own three files, shortened to the lines that say something, with their disagreement left in: the nodes
//! are `ha-1` and `ha-2`, and `haresources` names `ha-a`.

use super::toolchain::set_mode;
use std::fs;
use std::path::Path;

const HA_CF: &str = "\
debugfile /var/log/ha-debug
logfile /var/log/ha-log
logfacility     local0
keepalive 2
deadtime 10
warntime 8
initdead 120
udpport 694
bcast   eth1            # Linux
watchdog /dev/watchdog
node    ha-1
node    ha-2
ping 192.168.2.1
";
const HARESOURCES: &str = "ha-a 192.168.2.50 jdmail\n";
const AUTHKEYS: &str = "auth 1\n1 crc\n#2 sha1 HI!\n#3 md5 Hello!\n";

/// Writes `ha.cf`, `haresources` and `authkeys` (mode 600) into a folder.
///
/// # Errors
/// The file that cannot be written.
pub fn write(dir: &Path) -> Result<(), String> {
    for (name, text) in [("ha.cf", HA_CF), ("haresources", HARESOURCES), ("authkeys", AUTHKEYS)] {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    set_mode(&dir.join("authkeys"), 0o600)
}
