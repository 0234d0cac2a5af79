//! That the wire carries what the fence rests on: found once by `hbd linktest --fence`, which runs on both ends, and kept in
//! the state directory.

use std::path::{Path, PathBuf};

/// Where it is kept: `DEVICE SECONDS proven`.
#[must_use]
pub fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("fence-line")
}

/// Was `device` proven?
///
/// # Errors
/// Why not, for people.
pub fn proven(state_dir: &Path, device: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(file(state_dir)).unwrap_or_default();
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [of, _, "proven"] if *of == device => Ok(()),
        [of, _, "proven"] => Err(format!("what was proven is {of}, not this line")),
        _ => Err("this line was never proven".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proven_is_one_device() {
        let dir = std::env::temp_dir().join(format!("hbd-proof-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let keep = |text: &str| std::fs::write(file(&dir), text).unwrap();
        assert_eq!(proven(&dir, "/dev/ttyS0"), Err("this line was never proven".into()));
        keep("/dev/ttyS0 1795000000 proven\n");
        assert_eq!(proven(&dir, "/dev/ttyS0"), Ok(()));
        assert_eq!(proven(&dir, "/dev/ttyS1"), Err("what was proven is /dev/ttyS0, not this line".into()));
        for text in ["/dev/ttyS0 1795000000 refused\n", "/dev/ttyS0 proven\n", "/dev/ttyS0 1 proven more\n"] {
            keep(text);
            assert!(proven(&dir, "/dev/ttyS0").is_err(), "{text}");
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
