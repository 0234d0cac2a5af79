//! `cargo xtask picture`: runs `hbd demo` and draws what it printed as `docs/demo.svg`, the README's picture.
//!
//! A chapter of the demo is a caption, a second is a row: both nodes, both lines, and 50 ms of the client a mark.

mod draw;
mod rows;

use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// It takes about 20 s; a slow machine gets ample more.
const LIMIT: Duration = Duration::from_secs(150);

/// Where the picture is.
#[must_use]
pub fn place() -> PathBuf {
    paths::root().join("docs/demo.svg")
}

/// Runs the demo of the native build and writes the picture.
///
/// # Errors
/// The demo fails, or prints nothing that can be drawn.
pub fn command() -> Result<(), String> {
    let demo = Cmd::new(crate::dist::build::native()?).args(["demo"]).limit(LIMIT).output()?;
    if demo.code != Some(0) {
        return Err(format!("hbd demo: {:?}\n{}{}", demo.code, demo.stdout, demo.stderr));
    }
    let story = rows::read(&demo.stdout);
    if story.iter().map(|chapter| chapter.rows.len()).sum::<usize>() == 0 {
        return Err(format!("hbd demo printed no row that can be drawn:\n{}", demo.stdout));
    }
    fs::write(place(), draw::svg(&story)).map_err(|e| format!("{}: {e}", place().display()))?;
    println!("{}", place().display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_in_the_documents_is_one_of_a_whole_demo() {
        let picture = fs::read_to_string(place()).expect("docs/demo.svg: cargo xtask picture");
        for caption in
            ["Both nodes start", "Power loss", "Power is back", "null-modem is pulled", "operator moves"]
        {
            assert!(picture.contains(caption), "no {caption:?}: cargo xtask picture");
        }
        assert!(
            picture.matches("class=\"gap\"").count() >= 1 && picture.matches("class=\"good\"").count() >= 15
        );
    }
}
