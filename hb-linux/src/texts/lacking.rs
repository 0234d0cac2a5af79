//! The pages of a build that lacks commands: what `docs/` says of those is left out, so that nobody is sent to them.

/// The commands that not every build has, and the directives of their names: whether this one has them.
pub(crate) const COMMANDS: [(&[&str], bool); 9] = [
    (&["sync", "data"], cfg!(feature = "data")),
    (&["demo"], cfg!(feature = "demo")),
    (&["linktest"], cfg!(feature = "linktest")),
    (&["fence --test"], cfg!(feature = "fence-test")),
    (&["guard"], cfg!(feature = "guard")),
    (&["monitor"], cfg!(feature = "monitor")),
    (&["why"], cfg!(feature = "why")),
    (&["events"], cfg!(feature = "events")),
    (&["bridge", "fence bridge"], cfg!(feature = "bridge")),
];

/// `page` without the `commands` that a build does not have: their lines of a synopsis, the paragraphs that begin with one, and the rows of a
/// table about a directive of that name.
pub(crate) fn without(page: &str, commands: &[(&[&str], bool)]) -> String {
    let about = |line: &str| {
        commands.iter().filter(|(_, here)| !here).flat_map(|(words, _)| *words).any(|word| {
            ["    hbd ", "**", "| `"].iter().any(|mark| {
                let rest = line.strip_prefix(mark).and_then(|rest| rest.strip_prefix(word));
                rest.is_some_and(|rest| rest.starts_with([' ', '\n', '*', '`']))
            })
        })
    };
    // A paragraph ends with the next empty line, which goes with it.
    let mut inside = false;
    page.split_inclusive('\n')
        .filter(|line| {
            let before = inside;
            inside = (inside || line.starts_with("**") && about(line)) && line.trim() != "";
            !(before || inside || about(line))
        })
        .collect()
}
