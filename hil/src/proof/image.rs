//! Builds `hb-proof` as a static library without std, and links it for a machine without an operating system.

use crate::dist::{I586, toolchain};
use crate::paths;
use crate::proc::{Cmd, Output};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolchain::{Compiler, Route};

/// The symbol that the panic handler calls and nothing defines.
pub const PANIC: &str = "hb_this_can_panic";
/// What a program gets from its C library: on a bare machine the compiler's own library has them.
const FROM_C: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];
/// What std, where it comes prebuilt with unwinding, names in tables that nothing here reads.
const UNWINDING: [&str; 2] = ["rust_eh_personality", "_Unwind_Resume"];

/// A machine to build for.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Rust's name of it.
    pub triple: &'static str,
    /// In front of the names of its binutils.
    pub tools: &'static str,
    /// The cargo profile of what ships for it.
    pub profile: &'static str,
}

/// A Cortex-M3: the bridge's kind of microcontroller.
pub const BOARD: Machine =
    Machine { triple: "thumbv7m-none-eabi", tools: "arm-none-eabi-", profile: "board" };
/// The old servers.
pub const SERVER: Machine = Machine { triple: I586, tools: "i686-linux-gnu-", profile: "release" };

impl Machine {
    /// One of its binutils.
    pub fn tool(&self, name: &str) -> Cmd {
        Cmd::new(format!("{}{name}", self.tools))
    }

    /// Compiles `hb-proof` of the workspace at `root` with `features` (of `hb-proof`, separated by commas).
    ///
    /// # Errors
    /// No toolchain for the machine is here, or the build fails.
    pub fn compile(&self, root: &Path, features: &str) -> Result<PathBuf, String> {
        let features = format!("freestanding,{features}");
        let mut args = vec!["rustc", "--quiet", "-p", "hb-proof", "--lib", "--crate-type", "staticlib"];
        args.extend(["--no-default-features", "--features", features.as_str()]);
        args.extend(["--profile", self.profile, "--target", self.triple]);
        // The C library of the prebuilt core is built for speed: from source it is weighed as it should be.
        let compiler = [Compiler::Everyday, Compiler::Debian].into_iter().find(|c| c.has_source());
        let (command, target) = match (compiler, toolchain::route(self.triple)?) {
            (Some(compiler), _) | (None, Route::Source(compiler)) => {
                args.extend(["-Zbuild-std=core", "-Zbuild-std-features=optimize_for_size"]);
                // Added to those of .cargo/config.toml.
                let options: Vec<&str> = compiler.short_jumps().into_iter().collect();
                let options = format!("target.{}.rustflags={options:?}", self.triple);
                (compiler.cargo(&args)?.args(["--config", &options]), paths::target().join("dist/build"))
            }
            (None, Route::Prebuilt) => (Cmd::cargo(&args), paths::target()),
        };
        command.dir(root).limit(Duration::from_secs(600)).run()?;
        Ok(target.join(self.triple).join(self.profile).join("libhb_proof.a"))
    }

    /// The C functions of a compiled `hb-proof`.
    ///
    /// # Errors
    /// There are none, or the file cannot be read.
    pub fn functions(&self, library: &Path) -> Result<Vec<String>, String> {
        let said = self.tool("nm").args([library]).output()?;
        let names =
            said.stdout.lines().filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                [_, "T", name] if name.starts_with("hb_") => Some(name.to_owned()),
                _ => None,
            });
        let names: Vec<String> = names.collect();
        if names.is_empty() {
            Err(format!("{}: no function of hb-proof", library.display()))
        } else {
            Ok(names)
        }
    }

    /// Links `library` with everything that `roots` can reach; `allowed` says whether a panic may be linked.
    ///
    /// # Errors
    /// The linker cannot be run. What it says of the link is in its output.
    pub fn link(
        &self,
        library: &Path,
        roots: &[String],
        allowed: bool,
        out: &Path,
    ) -> Result<Output, String> {
        let mut ld = self.tool("ld").args(["--gc-sections", "-o"]).args([out]);
        if self.triple == I586 {
            ld = ld.args(["-m", "elf_i386"]).args(FROM_C.map(|name| format!("--defsym={name}=0")));
        }
        ld = ld.args(UNWINDING.map(|name| format!("--defsym={name}=0")));
        if allowed {
            ld = ld.args([format!("--defsym={PANIC}=0")]);
        }
        let sizes = ["HB_SIZE_OF_NODE", "HB_SIZE_OF_BRIDGE"].map(str::to_owned);
        for root in roots.iter().chain(&sizes[..]) {
            ld = ld.args(["--undefined", root]);
        }
        let entry = roots.first().map_or("0", String::as_str);
        ld.args(["--entry", entry]).args([library]).output()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_its_tools_says_so() {
        let nowhere = Machine { tools: "no-such-machine-", ..BOARD };
        assert!(nowhere.functions(Path::new("x")).is_err_and(|e| e.contains("no-such-machine-nm")));
    }
}
