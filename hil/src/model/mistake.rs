//! The known mistakes: `tests/mistakes/*.txt`, one each.

use crate::paths;
use std::fs;

/// Seeds of the simulator that a mistake gets if it does not say how many.
const SEEDS: u64 = 2000;

/// A mistake that somebody could make in the core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// The name of its file.
    pub name: String,
    /// Why it is dangerous.
    pub why: String,
    /// The file that it is made in, from the workspace's root.
    pub file: String,
    /// Where the exhaustive check looks for it: cases with their depth.
    pub explore: Vec<String>,
    /// The rules of which one must be reported as broken.
    pub rules: Vec<String>,
    /// The simulator must see it too, and report one of these.
    pub sim: Vec<String>,
    /// In so many seeds; 0: the usual number.
    pub most: u64,
    /// Stories of `tests/failover` that must fail: names of tests, or beginnings of their paths.
    pub stories: Vec<String>,
    /// What stands there, exactly once.
    pub find: String,
    /// What is put there.
    pub put: String,
}

impl Mistake {
    /// Seeds of the simulator that it gets.
    #[must_use]
    pub const fn seeds(&self) -> u64 {
        match (self.sim.is_empty(), self.most) {
            (true, _) => 0,
            (false, 0) => SEEDS,
            (false, most) => most,
        }
    }
}

/// All of them, or those with these names.
///
/// # Errors
/// A file cannot be read, or says something that is not understood; a name is unknown.
pub fn read(names: &[&str]) -> Result<Vec<Mistake>, String> {
    let dir = paths::root().join("tests/mistakes");
    let entries = fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut all = Vec::new();
    for path in
        entries.flatten().map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "txt"))
    {
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        all.push(parse(&name, &text).map_err(|e| format!("{}: {e}", path.display()))?);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|m| m.name != **name)) {
        return Err(format!("no mistake {unknown}"));
    }
    all.retain(|mistake| names.is_empty() || names.contains(&mistake.name.as_str()));
    Ok(all)
}

fn parse(name: &str, text: &str) -> Result<Mistake, String> {
    let (head, body) = text.split_once("--- find\n").ok_or("no `--- find`")?;
    let (find, put) = body.split_once("\n--- put\n").ok_or("no `--- put`")?;
    let field = |key: &str| {
        head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(str::to_owned)
    };
    let needed = |key: &str| field(key).ok_or_else(|| format!("no `{key}: `"));
    let list = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mistake = Mistake {
        name: name.to_owned(),
        why: needed("why")?,
        file: needed("file")?,
        explore: list(field("explore").unwrap_or_default()),
        rules: list(field("rules").unwrap_or_default()),
        sim: list(field("sim").unwrap_or_default()),
        most: field("seeds").map_or(Ok(0), |n| n.parse().map_err(|_| "`seeds: ` wants a number"))?,
        stories: list(field("stories").unwrap_or_default()),
        find: find.to_owned(),
        put: put.strip_suffix('\n').unwrap_or(put).to_owned(),
    };
    if mistake.explore.is_empty() && mistake.sim.is_empty() && mistake.stories.is_empty() {
        return Err("nobody looks for it: `explore: `, `sim: ` or `stories: `".to_owned());
    }
    if !mistake.explore.is_empty() && mistake.rules.is_empty() {
        return Err("no `rules: `".to_owned());
    }
    Ok(mistake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_mistake_still_has_its_place() {
        let all = read(&[]).unwrap_or_default();
        assert!(all.len() >= 12, "{}", all.len());
        for mistake in all {
            let text = fs::read_to_string(paths::root().join(&mistake.file)).unwrap_or_default();
            assert_eq!(text.matches(&mistake.find).count(), 1, "{}", mistake.name);
        }
    }

    #[test]
    fn a_file_without_a_needed_line_is_refused() {
        let good = "why: w\nfile: f\nexplore: plain:1\nrules: S1 S2\n--- find\n  a\n--- put\n  b\n";
        let mistake = parse("x", good);
        assert!(mistake.is_ok_and(|m| m.find == "  a" && m.put == "  b" && m.rules == ["S1", "S2"]));
        for line in ["why: w\n", "file: f\n", "explore: plain:1\n", "rules: S1 S2\n", "--- put\n"] {
            assert!(parse("x", &good.replace(line, "")).is_err(), "{line}");
        }
    }
}
