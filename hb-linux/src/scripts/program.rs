//! What is executed for a resource, prepared at start: nothing is allocated when a script is called.
//!
//! A service address needs no program: where no file of the name `IPaddr` is there, the child does it by itself
//! ([`crate::resources::ipaddr`]), without `execve`, at the daemon's priority, and waits for no disk. The process has one
//! thread, so the child's copy of the heap is consistent; signals are the default ones by then, and a limit ends it as it
//! ends a script. It holds what the daemon has open, for the few milliseconds that it lives. Its `status` needs no child
//! either, as long as the helper sees no such file.

use super::deaf::Deaf;
use super::fitness::{ear, unfit};
use crate::config::{Paths, Script, Settings};
use crate::resources::{self, ipaddr};
use crate::sys::guard;
use crate::sys::iface::{self, IfName};
use crate::sys::process::exit_now;
use crate::sys::spawn::{Image, Words};
use core::ffi::CStr;
use core::net::Ipv4Addr;
use hb_core::{GroupId, Outcome, Verb};
use std::ffi::CString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Places for the scripts' own use; all absolute.
#[derive(Clone, Debug)]
pub struct Places {
    /// `/etc/ha.d` or what `--config-dir` says.
    pub config_dir: PathBuf,
    /// `/var/lib/heartbeat` or what `--state-dir` says.
    pub state_dir: PathBuf,
    /// `/var/run/heartbeat` or what `--run-dir` says.
    pub run_dir: PathBuf,
}

/// One file that may be the script, and the words that it is called with.
#[derive(Debug)]
struct Candidate {
    file: CString,
    /// Executed in its place if it has no `#!` line: a shell, as the original did through its own shell.
    shell: bool,
}

/// One resource.
#[derive(Debug)]
struct Resource {
    candidates: Vec<Candidate>,
    /// `name args... verb`, by verb.
    plain: [Words; 3],
    /// `sh file args... verb` for each candidate without `#!`; else empty.
    by_shell: Vec<Option<[Words; 3]>>,
    /// `sh file args... verb`, for a script that `hbd` carries itself and has unpacked, and that file.
    carried: Option<(CString, [Words; 3])>,
    /// A service address, for what needs no script.
    address: Option<Own>,
}

/// A service address.
#[derive(Debug)]
struct Own {
    /// As it was written.
    words: String,
    ip: Ipv4Addr,
    /// It is wanted on the loopback.
    loopback: bool,
}

/// What is to be done for a call.
#[derive(Debug)]
pub enum Way<'a> {
    /// A program.
    Program(Image<'a>),
    /// This service address, by itself.
    Address(&'a str),
}

/// All programs of all groups.
#[derive(Debug)]
pub struct Programs {
    groups: Vec<Vec<Resource>>,
    env: Words,
    /// For `status`: as `env`, in the C locale, since the words of the answer are what counts.
    env_status: Words,
    run_dir: PathBuf,
}

const SHELL: &CStr = c"/bin/sh";
const VERBS: [Verb; 3] = [Verb::Start, Verb::Stop, Verb::Status];

impl Programs {
    /// Prepare everything that `settings` can ask for. `None` if a name contains a NUL.
    #[must_use]
    pub fn prepare(settings: &Settings, paths: &Paths, places: &Places) -> Option<Self> {
        let mut groups = Vec::new();
        for group in &settings.groups {
            let resources: Option<Vec<Resource>> =
                group.resources.iter().map(|r| Resource::prepare(r, paths, &places.run_dir)).collect();
            groups.push(resources?);
        }
        let env = environment(settings, places);
        let mut env_status = env.clone();
        env_status.push("LC_ALL=C".to_string());
        let run_dir = places.run_dir.clone();
        Some(Self { groups, env: Words::new(&env)?, env_status: Words::new(&env_status)?, run_dir })
    }

    /// In a child: what to execute for `verb` of a resource. Of what needs no program it does not come back.
    #[must_use]
    pub fn choose(&self, group: GroupId, resource: u8, verb: Verb) -> Option<Image<'_>> {
        match self.call(group, resource, verb)? {
            Way::Program(image) => Some(image),
            Way::Address(words) => {
                // No loop hangs on this child.
                guard::disarm();
                match ipaddr::call(&[words, verb.as_str()], &self.run_dir) {
                    Some((code, _)) => exit_now(code),
                    None => self.carried(self.resource(group, resource)?, verb),
                }
            }
        }
    }

    fn resource(&self, group: GroupId, resource: u8) -> Option<&Resource> {
        self.groups.get(usize::from(group.0))?.get(usize::from(resource))
    }

    fn envp(&self, verb: Verb) -> &Words {
        if verb == Verb::Status { &self.env_status } else { &self.env }
    }

    /// What to do for `verb` of a resource: execute the first file that is there and executable, else what `hbd` carries
    /// itself. A few system calls, for a child; `None` if there is nothing to execute.
    #[must_use]
    pub fn call(&self, group: GroupId, resource: u8, verb: Verb) -> Option<Way<'_>> {
        let (resource, envp) = (self.resource(group, resource)?, self.envp(verb));
        let at = VERBS.iter().position(|&v| v == verb)?;
        for (candidate, by_shell) in resource.candidates.iter().zip(&resource.by_shell) {
            if !executable(&candidate.file) {
                continue;
            }
            // It would start at each call.
            if ear(path_of(&candidate.file)) == Some(Deaf::Starts) {
                return None;
            }
            return Some(Way::Program(match by_shell {
                Some(words) if candidate.shell => Image { path: SHELL, argv: words.get(at)?, envp },
                _ => Image { path: &candidate.file, argv: resource.plain.get(at)?, envp },
            }));
        }
        match &resource.address {
            Some(own) => Some(Way::Address(&own.words)),
            None => self.carried(resource, verb).map(Way::Program),
        }
    }

    fn carried<'a>(&'a self, resource: &'a Resource, verb: Verb) -> Option<Image<'a>> {
        let at = VERBS.iter().position(|&v| v == verb)?;
        // Somebody may have emptied the run directory: a shell without its file would answer as a script that says no.
        let (_, words) = resource.carried.as_ref().filter(|(file, _)| executable(file))?;
        Some(Image { path: SHELL, argv: words.get(at)?, envp: self.envp(verb) })
    }

    /// Is there something to execute for every resource of the group, and can it be? Reads the disk.
    #[must_use]
    pub fn claimable(&self, group: GroupId) -> bool {
        self.groups.get(usize::from(group.0)).is_some_and(|resources| {
            resources.iter().all(|r| match r.candidates.iter().find(|c| executable(&c.file)) {
                Some(first) => unfit(path_of(&first.file)).is_none(),
                None => r.address.is_some() || r.carried.as_ref().is_some_and(|(file, _)| executable(file)),
            })
        })
    }

    /// Does no file stand in the way of the addresses of this group, of which it has some? Reads the disk.
    #[must_use]
    pub fn own_addresses(&self, group: GroupId) -> bool {
        self.groups.get(usize::from(group.0)).is_some_and(|resources| {
            let mut own = resources.iter().filter(|r| r.address.is_some()).peekable();
            own.peek().is_some() && own.all(|r| !r.candidates.iter().any(|c| executable(&c.file)))
        })
    }

    /// The `status` of a service address, asked of the kernel here and now; `None`: it is no address, or a child has to say
    /// it, since the kernel cannot be asked or the answer needs words.
    #[must_use]
    pub fn status_of_address(&self, group: GroupId, resource: u8) -> Option<Outcome> {
        let own = self.resource(group, resource)?.address.as_ref()?;
        let holder = if own.loopback { iface::holding(own.ip) } else { iface::holding_outside(own.ip) };
        match holder.ok()? {
            None => Some(Outcome::Stopped),
            Some(name) => iface::flags(&name).is_ok_and(iface::Flags::up).then_some(Outcome::Running),
        }
    }

    /// Number of groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }
}

impl Resource {
    fn prepare(resource: &crate::config::Resource, paths: &Paths, run_dir: &Path) -> Option<Self> {
        let by_verb = |front: &[&str]| -> Option<[Words; 3]> {
            let words = |verb: Verb| {
                let args = resource.args.iter().map(String::as_str);
                let all: Vec<&str> = front.iter().copied().chain(args).chain([verb.as_str()]).collect();
                Words::new(&all)
            };
            Some([words(Verb::Start)?, words(Verb::Stop)?, words(Verb::Status)?])
        };
        let mut files: Vec<PathBuf> = Vec::new();
        if let Script::File(found) = &resource.script {
            files.push(found.clone());
        }
        let dirs =
            core::iter::once(paths.config_dir.join("resource.d")).chain(paths.init_dirs.iter().cloned());
        for file in dirs.map(|dir| dir.join(&resource.name)) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let (mut candidates, mut by_shell) = (Vec::new(), Vec::new());
        for file in files {
            let shell = needs_shell(&file);
            let path = file.to_string_lossy();
            by_shell.push(if shell { Some(by_verb(&["sh", &path])?) } else { None });
            candidates.push(Candidate { file: CString::new(file.as_os_str().as_bytes()).ok()?, shell });
        }
        // What another script has started the carried one need not know. An address is one to both.
        let fits = resource.script == Script::Embedded || resource.address.is_some();
        let carried = match resources::unpacked_path(run_dir, &resource.name) {
            Some(file) if fits => {
                let words = by_verb(&["sh", &file.to_string_lossy()])?;
                Some((CString::new(file.as_os_str().as_bytes()).ok()?, words))
            }
            _ => None,
        };
        let own = resource.address.is_some() && resources::embedded(&resource.name);
        let written = resource.args.first().filter(|_| own && cfg!(feature = "address"));
        let address = written.zip(resource.address.as_ref()).map(|(words, address)| Own {
            words: words.clone(),
            ip: address.ip,
            loopback: address.iface.as_deref().and_then(IfName::new).is_some_and(|name| name.is_loopback()),
        });
        Some(Self { candidates, plain: by_verb(&[&resource.name])?, by_shell, carried, address })
    }
}

/// A text without a `#!` line, which the kernel would refuse to execute.
pub(crate) fn needs_shell(file: &Path) -> bool {
    let mut start = [0; 4];
    let read = std::fs::File::open(file).and_then(|mut f| f.read(&mut start));
    matches!(read, Ok(n) if n > 0) && !start.starts_with(b"#!") && start != *b"\x7fELF"
}

fn path_of(file: &CStr) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(file.to_bytes()))
}

fn executable(file: &CStr) -> bool {
    std::fs::metadata(path_of(file)).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// The mark in the environment of every script that the daemon with this run directory has started.
#[must_use]
pub fn mark(run_dir: &Path) -> String {
    format!("HBD_RUN_DIR={}", run_dir.display())
}

/// Where scripts find their programs.
pub const PATH: &str = "/sbin:/usr/sbin:/bin:/usr/bin:/usr/local/sbin:/usr/local/bin";

/// Where the original keeps its tools: Red Hat, Debian and 64-bit systems of old, and the packages since.
pub const ORIGINAL_TOOLS: [&str; 4] =
    ["/usr/lib/heartbeat", "/usr/lib64/heartbeat", "/usr/libexec/heartbeat", "/usr/local/lib/heartbeat"];

/// Where the original's `findif` is, if it is on this machine.
#[must_use]
pub fn findif() -> Option<&'static Path> {
    original_tools(&ORIGINAL_TOOLS.map(Path::new))
}

/// The first of these directories with `findif` in it, which the original's `IPaddr` calls. That script looks for it by
/// itself where `HA_BIN` is not set; a directory without it would be believed.
fn original_tools<'a>(dirs: &[&'a Path]) -> Option<&'a Path> {
    dirs.iter().copied().find(|dir| {
        let file = CString::new(dir.join("findif").as_os_str().as_bytes());
        file.is_ok_and(|file| executable(&file))
    })
}

/// What the original exports, and a few of our own.
#[must_use]
pub fn environment(settings: &Settings, places: &Places) -> Vec<String> {
    let dir = places.config_dir.display().to_string();
    let file = |path: &Option<PathBuf>| path.as_ref().map_or(String::new(), |p| p.display().to_string());
    // The original's own, as long as it is there.
    let own_functions = places.config_dir.join("shellfuncs");
    let functions =
        if own_functions.is_file() { own_functions } else { resources::functions_path(&places.run_dir) };
    let facility = settings.log.facility.map_or("none", |f| f.name);
    let mut env: Vec<String> = [
        ("PATH", PATH),
        ("HOME", "/"),
        ("SHELL", "/bin/sh"),
        ("HA_DIR", &dir),
        ("HA_FUNCS", &functions.display().to_string()),
        ("HA_RCDIR", &format!("{dir}/rc.d")),
        ("HA_RESOURCEDIR", &format!("{dir}/resource.d")),
        ("HA_FIFO", &places.state_dir.join("fifo").display().to_string()),
        ("HA_LOGFILE", &file(&settings.log.logfile)),
        ("HA_DEBUGLOG", &file(&settings.log.debugfile)),
        ("HA_LOGFACILITY", facility),
        ("HA_LOGTAG", "hbd"),
        ("HA_DATEFMT", "%Y/%m/%d_%T "),
        ("HA_DOCDIR", "/usr/share/doc/heartbeat"),
        ("HA_CURHOST", &settings.own),
        ("HBD_STATE_DIR", &places.state_dir.display().to_string()),
    ]
    .iter()
    .map(|(name, value)| format!("{name}={value}"))
    .collect();
    env.extend(findif().map(|dir| format!("HA_BIN={}", dir.display())));
    env.push(mark(&places.run_dir));
    // A script that would hand its call over to systemd answers for itself.
    env.push("SYSTEMCTL_SKIP_REDIRECT=1".to_string());
    if let Ok(own) = std::env::current_exe() {
        env.push(format!("HBD={}", own.display()));
    }
    for name in ["TZ", "LANG"] {
        if let Ok(value) = std::env::var(name) {
            env.push(format!("{name}={value}"));
        }
    }
    env
}

#[cfg(test)]
impl Programs {
    /// One group with these addresses, on the loopback or not; beside each of them this file may be.
    pub(crate) fn of_addresses(addresses: &[(Ipv4Addr, bool)], file: &CStr) -> Self {
        let words = |ip, loopback| if loopback { format!("{ip}/8/lo") } else { format!("{ip}") };
        let resource = |&(ip, loopback): &(Ipv4Addr, bool)| Resource {
            candidates: Vec::from([Candidate { file: file.into(), shell: false }]),
            plain: VERBS.map(|verb| Words::new(&["IPaddr", &ip.to_string(), verb.as_str()]).unwrap()),
            by_shell: Vec::from([None]),
            carried: None,
            address: Some(Own { words: words(ip, loopback), ip, loopback }),
        };
        Self { groups: Vec::from([addresses.iter().map(resource).collect()]), ..Self::of_texts(&[]) }
    }

    /// One group whose resources are these shell texts; the verb is their `$1`.
    pub(crate) fn of_texts(texts: &[&str]) -> Self {
        let words = |text: &str, verb: Verb| Words::new(&["sh", "-c", text, "test", verb.as_str()]).unwrap();
        let resource = |text: &&str| Resource {
            candidates: Vec::new(),
            plain: VERBS.map(|verb| words(text, verb)),
            by_shell: Vec::new(),
            carried: Some((c"/bin/sh".into(), VERBS.map(|verb| words(text, verb)))),
            address: None,
        };
        let env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
        Self {
            groups: Vec::from([texts.iter().map(resource).collect()]),
            env: Words::new(&env).unwrap(),
            env_status: Words::new(&[env[0], "LC_ALL=C"]).unwrap(),
            run_dir: PathBuf::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("hbd-program-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn only_executable_files_count_and_only_bare_texts_need_a_shell() {
        let with = file("with", "#!/bin/sh\n", 0o755);
        let bare = file("bare", "echo running\n", 0o755);
        let plain = file("plain", "#!/bin/sh\n", 0o644);
        let c = |p: &Path| CString::new(p.to_str().unwrap()).unwrap();
        assert!(executable(&c(&with)) && executable(&c(&bare)) && !executable(&c(&plain)));
        assert!(!executable(&c(&std::env::temp_dir())) && !executable(c"/nonexistent/x"));
        assert!(needs_shell(&bare) && !needs_shell(&with));
        assert!(!needs_shell(Path::new("/bin/sh")) && !needs_shell(Path::new("/nonexistent/x")));
        [with, bare, plain].iter().for_each(|p| std::fs::remove_file(p).unwrap());
    }

    #[test]
    fn a_script_whose_interpreter_went_away_is_no_script() {
        let script = file("interpreter", "#!/bin/sh\n", 0o755);
        let carried = file("carried", "#!/bin/sh\n", 0o700);
        let programs = Programs {
            groups: Vec::from([Vec::from([Resource {
                candidates: Vec::from([Candidate {
                    file: CString::new(script.to_str().unwrap()).unwrap(),
                    shell: false,
                }]),
                plain: VERBS.map(|verb| Words::new(&["x", verb.as_str()]).unwrap()),
                by_shell: Vec::from([None]),
                carried: Some((
                    CString::new(carried.to_str().unwrap()).unwrap(),
                    VERBS.map(|verb| Words::new(&["sh", verb.as_str()]).unwrap()),
                )),
                address: None,
            }])]),
            ..Programs::of_texts(&[])
        };
        assert!(programs.claimable(GroupId(0)));
        std::fs::write(&script, "#!/nonexistent/sh\n").unwrap();
        assert!(!programs.claimable(GroupId(0)), "the carried one is hidden by it");
        std::fs::remove_file(&script).unwrap();
        assert!(programs.claimable(GroupId(0)) && programs.call(GroupId(0), 0, Verb::Stop).is_some());
        // The run directory was emptied.
        std::fs::remove_file(&carried).unwrap();
        assert!(!programs.claimable(GroupId(0)) && programs.call(GroupId(0), 0, Verb::Stop).is_none());
    }

    #[test]
    fn an_address_is_asked_of_the_kernel_unless_a_file_stands_in_the_way() {
        let here = Ipv4Addr::LOCALHOST;
        let addresses = [(here, true), (here, false), (Ipv4Addr::new(198, 51, 100, 77), true)];
        let script = file("own-address", "#!/bin/sh\n", 0o755);
        let path = CString::new(script.to_str().unwrap()).unwrap();
        let programs = Programs::of_addresses(&addresses, &path);
        assert!(!programs.own_addresses(GroupId(0)) && !programs.own_addresses(GroupId(1)));
        std::fs::remove_file(&script).unwrap();
        assert!(programs.own_addresses(GroupId(0)));
        assert!(!Programs::of_texts(&["true"]).own_addresses(GroupId(0)), "it has none");
        let says = |at| programs.status_of_address(GroupId(0), at);
        // On the loopback it counts only where the loopback is meant, as for the script.
        let all = [says(0), says(1), says(2), says(3)];
        assert_eq!(all, [Some(Outcome::Running), Some(Outcome::Stopped), Some(Outcome::Stopped), None]);
    }

    #[test]
    fn a_directory_without_findif_is_not_told_to_the_originals_scripts() {
        let dir = std::env::temp_dir().join(format!("hbd-ha-bin-{}", std::process::id()));
        let (with, without) = (dir.join("with"), dir.join("without"));
        [&with, &without].iter().for_each(|dir| std::fs::create_dir_all(dir).unwrap());
        assert_eq!(original_tools(&[&without, &with]), None);
        let tool = with.join("findif");
        std::fs::write(&tool, "").unwrap();
        assert_eq!(original_tools(&[&without, &with]), None, "it cannot be executed");
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(original_tools(&[&without, &with]), Some(with.as_path()));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_status_is_asked_in_the_c_locale() {
        let programs = Programs::of_texts(&["true"]);
        let env = |verb| match programs.call(GroupId(0), 0, verb).unwrap() {
            Way::Program(image) => image.envp.iter().any(|word| word == "LC_ALL=C"),
            Way::Address(_) => false,
        };
        assert!(env(Verb::Status) && !env(Verb::Start) && !env(Verb::Stop));
        assert!(programs.claimable(GroupId(0)) && !programs.claimable(GroupId(1)));
        assert!(programs.call(GroupId(0), 1, Verb::Start).is_none());
    }
}
