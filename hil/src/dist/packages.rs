//! The packages beside the binaries: an archive, two for Debian's `dpkg`, one for Red Hat 9's `rpm`, and their sums.
//!
//! A package holds the binary; what stands around it is put and taken away by `hbd install`, as without a package. Packed
//! twice, and the bytes must be the same. None of this was installed on a real rpm 4.2: what its header may hold is checked.

use super::rpm;
use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const ABOUT: &str = "heartbeat and watchdog daemon for two-node hot standby";

/// Packs `old` and `full` (i586, static) and `native` into `target/dist/packages`.
///
/// # Errors
/// A tool is missing or fails, or two packings differ.
pub fn make(native: &Path, old: &Path, full: &Path) -> Result<String, String> {
    make_in(native, old, full, "packages")
}

fn make_in(native: &Path, old: &Path, full: &Path, name: &str) -> Result<String, String> {
    let second = format!("{name}-again");
    let once = pack(native, old, full, name)?;
    let again = pack(native, old, full, &second)?;
    for (first, second) in once.iter().zip(&again) {
        if read(first)? != read(second)? {
            return Err(format!("{} is another one when packed again", first.display()));
        }
    }
    let dist = paths::target().join("dist");
    let dir = dist.join(name);
    let names: Vec<String> = once.iter().filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())).collect();
    for (tool, file) in [("sha256sum", "SHA256SUMS"), ("md5sum", "MD5SUMS")] {
        let sums = done(Cmd::new(tool).args(&names).dir(&dir))?;
        write(&dir.join(file), &sums, 0o644)?;
    }
    fs::remove_dir_all(dist.join(second)).map_err(|e| e.to_string())?;
    Ok(format!("{} packages, twice the same", names.len()))
}

fn pack(native: &Path, old: &Path, full: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    let dir = paths::target().join("dist").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let made = Made { dir: dir.clone(), epoch: epoch() };
    let mut all = vec![made.archive(old, full)?, made.deb(old, "i386", None)?, made.rpm(old)?];
    if cfg!(target_arch = "x86_64") {
        all.push(made.deb(native, "amd64", Some(&libc_of(&read(native)?)))?);
    }
    fs::remove_dir_all(dir.join("work")).map_err(|e| e.to_string())?;
    Ok(all)
}

/// One packing: where, and the time that all files have.
struct Made {
    dir: PathBuf,
    epoch: String,
}

impl Made {
    fn archive(&self, binary: &Path, full: &Path) -> Result<PathBuf, String> {
        let name = format!("hbd-{VERSION}");
        let tree = self.dir.join("work").join(&name);
        put(binary, &tree.join("hbd"), 0o755)?;
        put(full, &tree.join("hbd-full"), 0o755)?;
        for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            put(&paths::root().join(file), &tree.join(file), 0o644)?;
        }
        for page in ["configuration.md", "hbd.8.md", "migration.md", "cable.md"] {
            put(&paths::root().join("docs").join(page), &tree.join("docs").join(page), 0o644)?;
        }
        let out = self.dir.join(format!("{name}-i586.tar.gz"));
        let tar = out.with_extension("");
        let time = format!("--mtime=@{}", self.epoch);
        done(
            Cmd::new("tar")
                .args([
                    "--sort=name",
                    "--owner=0",
                    "--group=0",
                    "--numeric-owner",
                    "--format=ustar",
                    "--mode=u=rwX,go=rX",
                    &time,
                    "-cf",
                ])
                .args([&tar])
                .args(["-C"])
                .args([self.dir.join("work")])
                .args([&name]),
        )?;
        done(Cmd::new("gzip").args(["-9", "-n"]).args([&tar]))?;
        Ok(out)
    }

    /// `needs`: of a binary that is not static.
    fn deb(&self, binary: &Path, arch: &str, needs: Option<&str>) -> Result<PathBuf, String> {
        let tree = self.dir.join("work").join(arch);
        put(binary, &tree.join("usr/sbin/hbd"), 0o755)?;
        let rights = "usr/share/doc/hbd/copyright";
        put(&paths::root().join("LICENSE-MIT"), &tree.join(rights), 0o644)?;
        let needs = needs.map_or(String::new(), |needs| format!("Depends: {needs}\n"));
        let control = format!(
            "Package: hbd\nVersion: {VERSION}\nArchitecture: {arch}\nMaintainer: the authors of hbd <root@localhost>\n\
             Section: admin\nPriority: optional\n{needs}Conflicts: heartbeat\nReplaces: heartbeat\nDescription: {ABOUT}\n \
             Reads the ha.cf, haresources and authkeys of Linux-HA Heartbeat.\n"
        );
        write(&tree.join("DEBIAN/control"), &control, 0o644)?;
        let script = |verb: &str, line: &str| {
            format!("#!/bin/sh\nset -e\nif [ \"$1\" = {verb} ]; then\n\t{line}\nfi\n")
        };
        write(&tree.join("DEBIAN/postinst"), &script("configure", INSTALL), 0o755)?;
        write(&tree.join("DEBIAN/prerm"), &script("remove", UNINSTALL), 0o755)?;
        let out = self.dir.join(format!("hbd_{VERSION}_{arch}.deb"));
        done(
            Cmd::new("dpkg-deb")
                .args(["-Zgzip", "-z9", "--root-owner-group", "--build"])
                .args([&tree, &out])
                .env("SOURCE_DATE_EPOCH", &self.epoch),
        )?;
        Ok(out)
    }

    fn rpm(&self, binary: &Path) -> Result<PathBuf, String> {
        let work = self.dir.join("work");
        let spec = work.join("hbd.spec");
        write(&spec, &rpm::spec(VERSION, ABOUT, INSTALL, UNINSTALL), 0o644)?;
        let top = work.join("rpm");
        let define = |name: &str, value: &str| [String::from("--define"), format!("{name} {value}")];
        let place = |path: &Path| path.display().to_string();
        if paths::which("rpmbuild").is_none() {
            return Err("rpmbuild is missing; install the package rpm".to_owned());
        }
        done(
            Cmd::new("rpmbuild")
                .args(["-bb", "--target", "i386-redhat-linux"])
                .args(define("_topdir", &place(&top)))
                .args(define("_tmppath", &place(&top.join("tmp"))))
                .args(define("_dbpath", &place(&top.join("db"))))
                .args(define("binary", &place(binary)))
                .args(rpm::MACROS.iter().flat_map(|(name, value)| define(name, value)))
                .args([&spec])
                .env("SOURCE_DATE_EPOCH", &self.epoch),
        )?;
        let name = format!("hbd-{VERSION}-1.i386.rpm");
        let out = self.dir.join(&name);
        fs::copy(top.join("RPMS/i386").join(&name), &out).map_err(|e| format!("{name}: {e}"))?;
        rpm::check(&read(&out)?)?;
        let (code, files, errors) = Cmd::new("rpm2cpio").args([&out]).output_bytes()?;
        let binary = read(binary)?;
        if code != Some(0) || !files.windows(binary.len()).any(|part| part == binary) {
            return Err(format!("rpm2cpio does not give the binary back: {errors}"));
        }
        Ok(out)
    }
}

/// rpm's own database is busy while a script of a package runs: nobody may ask it then.
const INSTALL: &str = "HBD_PACKAGED=1 /usr/sbin/hbd install";
/// Refused while the daemon runs, and the package stays. What was taken away by hand is no reason to stay.
const UNINSTALL: &str =
    "[ ! -f /var/lib/heartbeat/installed ] || HBD_PACKAGED=1 /usr/sbin/hbd install --uninstall";

/// The time of the commit, or of nothing in particular.
fn epoch() -> String {
    let asked = Cmd::new("git").args(["log", "-1", "--format=%ct"]).dir(&paths::root()).output();
    let time = asked.ok().map(|out| out.stdout.trim().to_owned()).filter(|time| time.parse::<u64>().is_ok());
    time.unwrap_or_else(|| "1700000000".to_owned())
}

/// The oldest C library that a binary of this machine runs with.
fn libc_of(binary: &[u8]) -> String {
    let text = String::from_utf8_lossy(binary);
    let newest = text
        .split("GLIBC_2.")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok())
        .max();
    format!("libc6 (>= 2.{})", newest.unwrap_or(17))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<(), String> {
    place(to, &read(from)?, mode)
}

fn write(to: &Path, text: &str, mode: u32) -> Result<(), String> {
    place(to, text.as_bytes(), mode)
}

fn place(to: &Path, bytes: &[u8], mode: u32) -> Result<(), String> {
    let all = || {
        for dir in to
            .parent()
            .into_iter()
            .flat_map(Path::ancestors)
            .take_while(|dir| !dir.exists())
            .collect::<Vec<_>>()
            .iter()
            .rev()
        {
            fs::create_dir(dir)?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        }
        fs::write(to, bytes)?;
        fs::set_permissions(to, fs::Permissions::from_mode(mode))
    };
    all().map_err(|e: std::io::Error| format!("{}: {e}", to.display()))
}

/// What it printed.
fn done(command: Cmd) -> Result<String, String> {
    let line = command.line();
    let out = command.output()?;
    if out.code == Some(0) {
        Ok(out.stdout)
    } else {
        Err(format!("{line}: {:?} {}", out.code, out.stderr.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_becomes_four_packages_and_their_sums() {
        if ["rpmbuild", "dpkg-deb"].into_iter().any(|tool| paths::which(tool).is_none()) {
            return println!("SKIPPED: no rpmbuild or no dpkg-deb");
        }
        let binary = fs::canonicalize("/bin/true").expect("a small program");
        let said = make_in(&binary, &binary, &binary, "packages-test").expect("packed");
        assert!(said.ends_with(" packages, twice the same"), "{said}");
        let dir = paths::target().join("dist/packages-test");
        let sums = fs::read_to_string(dir.join("SHA256SUMS")).expect("sums");
        assert_eq!(sums.lines().count(), fs::read_dir(&dir).expect("a list").count() - 2, "{sums}");
        let deb = dir.join(format!("hbd_{VERSION}_i386.deb"));
        let fields = done(Cmd::new("dpkg-deb").args(["-f"]).args([&deb])).expect("fields");
        assert!(fields.contains("Architecture: i386") && fields.contains("Conflicts: heartbeat"), "{fields}");
        let files = done(Cmd::new("dpkg-deb").args(["-c"]).args([&deb])).expect("files");
        assert!(files.lines().all(|line| line.contains(" root/root ")), "{files}");
        assert!(
            files.lines().any(|l| l.starts_with("-rwxr-xr-x") && l.ends_with(" ./usr/sbin/hbd")),
            "{files}"
        );
        let asked = done(
            Cmd::new("rpm")
                .args(["-qp", "--requires", "--scripts"])
                .args([dir.join(format!("hbd-{VERSION}-1.i386.rpm"))]),
        );
        assert!(asked.expect("answered").contains(INSTALL));
        fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn the_newest_symbol_names_the_library() {
        assert_eq!(libc_of(b"\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.2.5\0"), "libc6 (>= 2.34)");
        assert_eq!(libc_of(b""), "libc6 (>= 2.17)");
    }
}
