//! `cargo xtask firmware`: the bridge's boards, built, weighed against their budget, and the emulated one run.

mod defmt;
mod emulated;
mod fenced;
mod mcu;
mod node;
mod spoken;
mod uf2;
mod weigh;

use crate::dist::toolchain::Compiler;
use crate::paths;
use crate::table::Table;
use crate::test::Outcome;
pub(crate) use mcu::{edge, emulated_board};
use node::PROVISION;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of flash that a board's program may take, with `crc` and `sha1`.
const FLASH: u64 = 32 * 1024;
/// Bytes of RAM that it may take, its stack included.
const RAM: u64 = 6 * 1024;

/// Resets of the emulated board in the test command, each with ten bursts of noise; `firmware --resets 1000` is for longer.
const RESETS: u32 = 100;
const FEW_RESETS: u32 = 10;

/// A board of `hb-serial-bridge/boards`.
#[derive(Debug)]
pub struct Board {
    /// Its folder.
    pub name: &'static str,
    /// Its crate.
    package: &'static str,
    /// Rust's name of its processor.
    triple: &'static str,
    /// Features that are looked at but not weighed.
    also: Option<&'static str>,
}

const BOARDS: [Board; 2] = [
    Board {
        name: "lm3s6965evb",
        package: "hb-bridge-lm3s6965evb",
        triple: "thumbv7m-none-eabi",
        also: Some("defmt"),
    },
    Board { name: "rp2040", package: "hb-bridge-rp2040", triple: "thumbv6m-none-eabi", also: Some("defmt") },
];

/// The emulated board with the instructions of the RP2040's processor, which take more stack: it runs those too.
const FOR_RP2040: Board = Board { triple: "thumbv6m-none-eabi", ..BOARDS[0] };

/// The step of the test command.
///
/// # Errors
/// A board does not build or is over its budget.
pub fn step() -> Outcome {
    let weighed = build(&BOARDS.iter().collect::<Vec<_>>())?;
    let spoken = spoken::run(&speaking()?)?;
    let image = BOARDS[0].build(&PROVISION)?;
    let fenced = fenced::run(&image, RESETS)?;
    let ran = emulated::run(&image)?;
    let other = fenced::run(&FOR_RP2040.build(&PROVISION)?, FEW_RESETS)?;
    Ok(format!("{weighed}; {spoken}; {fenced}; {ran}; with the RP2040's instructions: {other}"))
}

/// The emulated board's image with its log in defmt's frames, beside the other one.
fn speaking() -> Result<PathBuf, String> {
    let board = &BOARDS[0];
    let target = board.cargo(&["build", "--features", "defmt"], &PROVISION)?;
    let image = target.join(board.triple).join("release").join(board.package);
    let own = image.with_extension("defmt");
    fs::copy(&image, &own).map_err(|e| format!("{}: {e}", own.display()))?;
    Ok(own)
}

/// The line of `authkeys` that a board of the rigs is built with.
pub(crate) const fn key() -> &'static str {
    let [(_, key), _] = PROVISION;
    key
}

/// The emulated board's image, with the key and the names of the rigs' pair.
///
/// # Errors
/// It does not build.
pub(crate) fn image() -> Result<PathBuf, String> {
    BOARDS[0].build(&PROVISION)
}

/// `firmware [BOARD] [--flash | --resets N | --log]`.
///
/// # Errors
/// As [`step`]; there is no such board, or it cannot be flashed.
pub fn command(words: &[&str]) -> Outcome {
    if let ["--resets", number] = *words {
        let resets = number
            .parse()
            .map_err(|_| format!("--resets {number}: not a number of resets; --resets 1000"))?;
        return fenced::run(&BOARDS[0].build(&PROVISION)?, resets);
    }
    if *words == ["--log"] {
        return spoken::run(&speaking()?);
    }
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--flash").collect();
    let boards: Vec<&Board> =
        BOARDS.iter().filter(|board| names.is_empty() || names.contains(&board.name)).collect();
    if let Some(unknown) = names.iter().find(|name| BOARDS.iter().all(|board| board.name != **name)) {
        let known = BOARDS.map(|board| board.name).join(", ");
        return Err(format!("no board {unknown}; there are {known}"));
    }
    let said = build(&boards)?;
    if words.contains(&"--flash") {
        return flash(&boards);
    }
    Ok(said)
}

fn build(boards: &[&Board]) -> Outcome {
    let mut table = Table::new(["board", "flash", "of", "static RAM", "stack room", "of", "result"]);
    let mut wrong = Vec::new();
    for board in boards {
        let image = board.build(&PROVISION)?;
        let sizes = weigh::sizes(&image)?;
        let stack = RAM.saturating_sub(sizes.ram);
        let fits = sizes.flash <= FLASH && stack >= weigh::STACK;
        if !fits {
            wrong.push(format!(
                "{}: flash {} of {FLASH}, RAM {} and {} of stack of {RAM}",
                board.name,
                sizes.flash,
                sizes.ram,
                weigh::STACK
            ));
        }
        let numbers = [sizes.flash, FLASH, sizes.ram, stack, RAM].map(|n| n.to_string());
        let [flash, of_flash, ram, stack, of_ram] = &numbers;
        let result = if fits { "ok" } else { "OVER" };
        table.row([board.name, flash, of_flash, ram, stack, of_ram, result]);
        let features = board.also.map_or_else(Vec::new, |features| vec!["--features", features]);
        board.cargo(&[&["clippy"], features.as_slice()].concat(), &PROVISION)?;
    }
    println!("\n{table}");
    if wrong.is_empty() {
        Ok(format!("{} boards within {FLASH} bytes of flash and {RAM} of RAM", boards.len()))
    } else {
        Err(wrong.join("\n"))
    }
}

impl Board {
    /// Builds it with this key and these names, and what else the environment says; gives the image.
    ///
    /// # Errors
    /// Nothing here builds for it, or it does not build.
    pub fn build(&self, provision: &[(&str, &str)]) -> Result<PathBuf, String> {
        let target = self.cargo(&["build"], provision)?;
        Ok(target.join(self.triple).join("release").join(self.package))
    }

    fn cargo(&self, words: &[&str], provision: &[(&str, &str)]) -> Result<PathBuf, String> {
        let compiler = [Compiler::Everyday, Compiler::Debian].into_iter().find(|c| c.has_source());
        let compiler = compiler.ok_or_else(|| {
            format!(
                "nothing here builds for {}: run `cargo xtask setup`, or rustup component add rust-src",
                self.triple
            )
        })?;
        let mut args = words.to_vec();
        args.extend(["--quiet", "--locked", "--release", "-p", self.package, "--target", self.triple]);
        args.extend(["-Zbuild-std=core", "-Zbuild-std-features=optimize_for_size"]);
        if words.contains(&"clippy") {
            args.extend(["--", "-D", "warnings"]);
        }
        let target = paths::scratch("firmware")?;
        let mut cargo = compiler.cargo(&args)?;
        for (name, value) in provision {
            cargo = cargo.env(name, value);
        }
        cargo.env("CARGO_TARGET_DIR", &target).dir(&folder()).limit(Duration::from_secs(600)).run()?;
        Ok(target)
    }
}

fn folder() -> PathBuf {
    paths::root().join("hb-serial-bridge/boards")
}

/// Puts the program of the one board that can be flashed onto it, or says where it is and what to do.
fn flash(boards: &[&Board]) -> Outcome {
    let [board] = boards else {
        return Err("name the board to be flashed: firmware rp2040 --flash".to_owned());
    };
    if board.name != "rp2040" {
        return Err(format!("{}: is only emulated; there is nothing to flash", board.name));
    }
    // With what its builder says, not with the key of a test.
    let image = board.build(&[])?;
    let bytes = fs::read(&image).map_err(|e| format!("{}: {e}", image.display()))?;
    let packed = uf2::pack(&uf2::flash_of(&bytes)?)?;
    let file = paths::scratch("firmware")?.join("rp2040.uf2");
    fs::write(&file, packed).map_err(|e| format!("{}: {e}", file.display()))?;
    let Some(drive) = drive() else {
        return Ok(format!(
            "hold BOOTSEL while the board is plugged in, then copy {} to the drive RPI-RP2",
            file.display()
        ));
    };
    let to = drive.join("rp2040.uf2");
    fs::copy(&file, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    Ok(format!("copied to {}; the board starts it by itself", drive.display()))
}

/// Where the boot ROM's drive is mounted: it has a file that says what it is.
fn drive() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let places = mounts.lines().filter_map(|line| line.split_whitespace().nth(1));
    places.map(Path::new).map(Path::to_path_buf).find(|place| {
        fs::read_to_string(place.join("INFO_UF2.TXT")).is_ok_and(|text| text.contains("RPI-RP2"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_board_is_named_with_those_that_there_are() {
        let said = command(&["stm32"]);
        assert!(said.is_err_and(|e| e == "no board stm32; there are lm3s6965evb, rp2040"));
    }

    #[test]
    fn each_board_has_its_folder_and_its_budget_in_the_linkers_script() {
        for board in &BOARDS {
            let text = fs::read_to_string(folder().join(board.name).join("memory.x")).expect("a script");
            assert!(text.contains("LENGTH = 32K") && text.contains("LENGTH = 6K - 2176"), "{}", board.name);
        }
    }
}
