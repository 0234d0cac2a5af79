//! The machine's configuration, made from the seed's own three files.

use super::machine::{Machine, write_script};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const HA_CF: &str = include_str!("../../../hb-linux/tests/seed/ha.cf");
const HARESOURCES: &str = include_str!("../../../hb-linux/tests/seed/haresources");
const AUTHKEYS: &str = include_str!("../../../hb-linux/tests/seed/authkeys");

/// The four times of `ha.cf`, as they are written there.
#[derive(Clone, Debug)]
pub struct Times {
    /// Between two heartbeats.
    pub keepalive: String,
    /// When the peer is late.
    pub warntime: String,
    /// When it is dead.
    pub deadtime: String,
    /// The deadtime until it was met once.
    pub initdead: String,
}

impl Times {
    /// Times in `ha.cf` syntax.
    #[must_use]
    pub fn new(keepalive: &str, warntime: &str, deadtime: &str, initdead: &str) -> Self {
        let own = str::to_owned;
        Self {
            keepalive: own(keepalive),
            warntime: own(warntime),
            deadtime: own(deadtime),
            initdead: own(initdead),
        }
    }
}

impl Default for Times {
    /// Quick, but with room for two busy cores: 100 ms, 500 ms, 1 s, 3 s.
    fn default() -> Self {
        Self::new("100ms", "500ms", "1", "3")
    }
}

/// The three files and the init script of one machine.
#[derive(Clone, Debug)]
pub struct Files {
    /// `ha.cf`.
    pub ha_cf: String,
    /// `haresources`.
    pub haresources: String,
    /// `authkeys`.
    pub authkeys: String,
}

impl Files {
    /// The seed's files to the letter.
    #[must_use]
    pub fn seed() -> Self {
        Self { ha_cf: HA_CF.to_owned(), haresources: HARESOURCES.to_owned(), authkeys: AUTHKEYS.to_owned() }
    }

    /// The seed's files with the one correction they need: `ha-a` is `ha-1`.
    #[must_use]
    pub fn corrected() -> Self {
        let mut files = Self::seed();
        files.haresources = files.haresources.replace("\nha-a ", "\nha-1 ");
        files
    }

    /// Writes `times` over the seed's.
    #[must_use]
    pub fn with_times(self, times: &Times) -> Self {
        self.with("keepalive", &times.keepalive)
            .with("warntime", &times.warntime)
            .with("deadtime", &times.deadtime)
            .with("initdead", &times.initdead)
    }

    /// Uncomment the null-modem: `baud 19200` and `serial`, on `device`.
    #[must_use]
    pub fn with_serial(mut self, device: &Path) -> Self {
        let serial = format!("serial {}", device.display());
        self.ha_cf = self
            .ha_cf
            .replace("#baud   19200", "baud   19200")
            .replace("#serial /dev/ttyS0      # Linux", &format!("{serial}      # Linux"));
        self
    }

    /// Gives directive `name` of `ha.cf` the value `value`: in its own line if it has one, else in a new one.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let is_it = |line: &str| line.split_whitespace().next() == Some(name);
        let line = format!("{name} {value}");
        if self.ha_cf.lines().any(is_it) {
            let lines = self.ha_cf.lines().map(|old| if is_it(old) { &line } else { old });
            self.ha_cf = lines.collect::<Vec<_>>().join("\n") + "\n";
        } else {
            if !self.ha_cf.ends_with('\n') {
                self.ha_cf.push('\n');
            }
            self.ha_cf += &line;
            self.ha_cf.push('\n');
        }
        self
    }

    /// Takes directive `name` out of `ha.cf`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let lines = self.ha_cf.lines().filter(|line| line.split_whitespace().next() != Some(name));
        self.ha_cf = lines.collect::<Vec<_>>().join("\n") + "\n";
        self
    }

    /// Other `authkeys`.
    #[must_use]
    pub fn with_keys(mut self, text: &str) -> Self {
        text.clone_into(&mut self.authkeys);
        self
    }

    /// Puts the files on a machine's disk, `authkeys` with mode 600.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, machine: &Machine) -> io::Result<()> {
        fs::write(machine.path("etc/ha.cf"), &self.ha_cf)?;
        fs::write(machine.path("etc/haresources"), &self.haresources)?;
        let keys = machine.path("etc/authkeys");
        fs::write(&keys, &self.authkeys)?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600))
    }
}

/// Puts the init script `jdmail` in the machine's `/etc/init.d`.
pub(super) fn write_jdmail(machine: &Machine, helper: &Path) -> io::Result<()> {
    let text = format!(
        "#!/bin/sh\n\
         # jdmail: the mail system. Called as `jdmail [anything...] start|stop|status`.\n\
         # chkconfig: 345 80 20\n\
         for verb; do :; done\n\
         case \"$verb\" in\n\
         start|stop|status) exec {} service {} \"$verb\" ;;\n\
         *) echo \"usage: $0 start|stop|status\" >&2; exit 2 ;;\n\
         esac\n",
        helper.display(),
        machine.path("").display(),
    );
    write_script(&machine.path("init.d/jdmail"), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_changed_only_where_it_must_be() {
        let files = Files::corrected().with_times(&Times::default()).with_serial(Path::new("/dev/pts/7"));
        assert!(files.ha_cf.contains("\nserial /dev/pts/7      # Linux\n"), "{}", files.ha_cf);
        assert!(files.ha_cf.contains("\nbaud   19200\n") && files.ha_cf.contains("\nkeepalive 100ms\n"));
        assert!(
            files.haresources.ends_with("\nha-1 192.168.2.50 jdmail")
                || files.haresources.contains("\nha-1 192.168.2.50 jdmail\n")
        );
        assert_eq!(files.ha_cf.lines().count(), HA_CF.lines().count());
    }

    #[test]
    fn a_directive_is_replaced_added_and_taken_out() {
        let files = Files::seed().with("deadtime", "3").with("nice_failback", "on").without("watchdog");
        assert_eq!(files.ha_cf.matches("deadtime").count(), 1);
        assert!(files.ha_cf.ends_with("nice_failback on\n") && !files.ha_cf.contains("\nwatchdog"));
    }
}
