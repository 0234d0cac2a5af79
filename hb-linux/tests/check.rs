//! `hbd check` as users and their scripts see it: exit codes, exact findings, and nothing touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

const SEED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seed");

/// A configuration directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str, ha_cf: &str, haresources: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-check-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("directory");
        for (file, from) in [("ha.cf", ha_cf), ("haresources", haresources), ("authkeys", "authkeys")] {
            fs::copy(Path::new(SEED).join(from), dir.join(file)).expect("copy");
        }
        fs::set_permissions(dir.join("authkeys"), fs::Permissions::from_mode(0o600)).expect("mode");
        Self(dir)
    }

    fn check(&self, node: Option<&str>) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command.arg("check").arg("--config-dir").arg(&self.0);
        if let Some(node) = node {
            command.args(["--node", node]);
        }
        let output = command.output().expect("hbd");
        let text = String::from_utf8_lossy(&output.stdout).replace(&format!("{}/", self.0.display()), "");
        (output.status.code(), text)
    }

    /// Every file with its size, mode and time of change.
    fn state(&self) -> BTreeMap<PathBuf, (u64, u32, i64, i64)> {
        let entries = fs::read_dir(&self.0).expect("list");
        entries
            .map(|entry| {
                let path = entry.expect("entry").path();
                let meta = fs::metadata(&path).expect("metadata");
                (path, (meta.len(), meta.mode(), meta.mtime(), meta.ctime_nsec()))
            })
            .collect()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("remove");
    }
}

#[test]
fn the_seeds_disagreement_is_named_and_nothing_is_touched() {
    let dir = Dir::new("seed", "ha.cf", "haresources");
    let before = dir.state();
    let (code, text) = dir.check(Some("ha-1"));
    assert_eq!(code, Some(6), "{text}");
    assert!(
        text.contains(
            "\nharesources:293: node `ha-a` is not in ha.cf, which names `ha-1` (ha.cf:38) and `ha-2` (ha.cf:40); \
             write `ha-1` or `ha-2` here\n"
        ),
        "{text}"
    );
    let errors = text.split("\n\n").next().unwrap_or_default();
    assert_eq!(errors.lines().count(), 2, "a heading and this one error: {errors}");
    assert_eq!(dir.state(), before);
}

#[test]
fn the_corrected_files_have_no_configuration_error() {
    for (name, ha_cf) in [("corrected", "ha.cf"), ("null-modem", "null-modem/ha.cf")] {
        let dir = Dir::new(name, ha_cf, "corrected/haresources");
        for node in ["ha-1", "ha-2"] {
            let (code, text) = dir.check(Some(node));
            // The machine that runs this has no jdmail.
            assert_eq!(code, Some(1), "{text}");
            assert!(!text.contains("Configuration errors; "), "{text}");
            assert!(text.contains("\nharesources:293: script `jdmail` is in none of "), "{text}");
            assert!(text.contains("  192.168.2.50 prefers ha-1:\n"), "{text}");
        }
    }
}

#[test]
fn readable_keys_and_a_foreign_name_are_errors() {
    let dir = Dir::new("keys", "ha.cf", "corrected/haresources");
    fs::set_permissions(dir.0.join("authkeys"), fs::Permissions::from_mode(0o644)).expect("mode");
    let (code, text) = dir.check(Some("ha-3"));
    assert_eq!(code, Some(6), "{text}");
    assert!(
        text.contains(
            "\nauthkeys:1: mode 644 lets others than the owner at the keys; run `chmod 600 authkeys`\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("\nha.cf:38: --node `ha-3` is not in ha.cf, which names `ha-1` and `ha-2`; "),
        "{text}"
    );
}
