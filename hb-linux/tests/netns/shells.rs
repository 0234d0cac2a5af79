//! A script of the binary under every shell that this machine has.

use super::{alone, run, shell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The scripts on disk, and the shell that runs them.
pub(crate) struct Rig {
    pub(crate) dir: PathBuf,
    pub(crate) shell: &'static str,
    /// What stands in front of a call.
    pub(crate) env: String,
}

impl Rig {
    /// Exit code, and all that was printed. What the call leaves in the background does not keep it.
    pub(crate) fn call(&self, script: &str, words: &str) -> (i32, String) {
        let (dir, out) = (self.dir.display(), self.dir.join("out"));
        let (code, _) = shell(&format!(
            "PATH={dir}/bin:$PATH HBD_RUN_DIR={dir}/run {} {} {dir}/resource.d/{script} {words} >{} 2>&1 </dev/null",
            self.env,
            self.shell,
            out.display()
        ));
        (code, fs::read_to_string(out).unwrap().trim().to_owned())
    }

    pub(crate) fn expect(&self, script: &str, table: &[(&str, i32, &str)]) {
        for (words, code, part) in table {
            let (got, said) = self.call(script, words);
            let fits = if part.is_empty() { said.is_empty() } else { said.contains(part) };
            assert!(got == *code && fits, "{}: {script} {words}: {got} {said:?}", self.shell);
        }
    }

    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        run(&format!("chmod 755 {}", path.display()));
    }
}

/// Call `body` for every shell here, each time in a directory of its own.
pub(crate) fn each(name: &str, body: impl Fn(&Rig)) {
    alone(name, || {
        for (n, shell_name) in ["dash", "bash --posix", "busybox ash"].into_iter().enumerate() {
            if shell(&format!("{shell_name} -c :")).0 != 0 {
                println!("SKIPPED {shell_name}: not installed");
                continue;
            }
            let dir = std::env::temp_dir().join(format!("hbd-res-{}-{n}", std::process::id()));
            hb_linux::tested::unpack(&dir).unwrap();
            ["bin", "run"].iter().for_each(|sub| fs::create_dir_all(dir.join(sub)).unwrap());
            body(&Rig { dir: dir.clone(), shell: shell_name, env: String::new() });
            fs::remove_dir_all(&dir).unwrap();
        }
    });
}

/// A process by a line of shell. It keeps no output of the test open.
pub(crate) fn begin(line: &str) -> Child {
    let quiet = || Stdio::null();
    Command::new("sh").args(["-c", line]).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().unwrap()
}

pub(crate) fn gone(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// End the process whose number is in `file`.
pub(crate) fn end(file: &Path) {
    for pid in fs::read_to_string(file).unwrap_or_default().lines() {
        shell(&format!("kill -9 {pid}"));
    }
}

/// Wait until `done` says so; panics after a minute.
pub(crate) fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        hb_linux::tested::sleep_ms(100);
    }
    panic!("{what}");
}
