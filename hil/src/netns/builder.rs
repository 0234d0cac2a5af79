//! What a rig is to be before it is built.

use super::files::{Files, Times};
use super::node::Node;
use super::programs::Programs;
use super::rig::Rig;
use std::io::{self, Write as _};

pub(super) type Edit = Box<dyn Fn(Files) -> Files>;

/// What kind of rig to build.
pub struct Builder {
    pub(super) name: String,
    pub(super) times: Times,
    pub(super) serial: bool,
    pub(super) alone: bool,
    pub(super) edits: Vec<(Option<Node>, Edit)>,
    pub(super) programs: [Option<Programs>; 2],
}

impl Builder {
    /// The seed's files with `ha-a` corrected and quick times, over the crossover cable only.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            times: Times::default(),
            serial: false,
            alone: false,
            edits: Vec::new(),
            programs: [None, None],
        }
    }

    /// Other times in `ha.cf`.
    #[must_use]
    pub fn times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// Uncomment the null-modem.
    #[must_use]
    pub fn with_serial(mut self) -> Self {
        self.serial = true;
        self
    }

    /// No other rig meanwhile: something is measured.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Other programs on a node than those that are built for the tests.
    #[must_use]
    pub fn programs_on(mut self, node: Node, programs: Programs) -> Self {
        self.programs[node.index()] = Some(programs);
        self
    }

    /// Changes the files of both nodes.
    #[must_use]
    pub fn edit(mut self, edit: impl Fn(Files) -> Files + 'static) -> Self {
        self.edits.push((None, Box::new(edit)));
        self
    }

    /// Changes the files of one node.
    #[must_use]
    pub fn edit_on(mut self, node: Node, edit: impl Fn(Files) -> Files + 'static) -> Self {
        self.edits.push((Some(node), Box::new(edit)));
        self
    }

    /// Builds it: both machines have booted, their daemons do not run yet, the client polls. Without root there is no
    /// rig: says so (`SKIPPED: ...` on standard output, past the test harness's capture) and gives `None`.
    ///
    /// # Panics
    /// If root is refused something: a broken rig is no reason to skip.
    #[must_use]
    pub fn build(self) -> Option<Rig> {
        if !nix::unistd::geteuid().is_root() {
            skip(&self.name, "needs root");
            return None;
        }
        let name = self.name.clone();
        Some(Rig::new(self).unwrap_or_else(|error| panic!("the rig of {name:?} cannot be built: {error}")))
    }
}

/// Says loudly that a test did not run, on standard output itself: the harness would swallow a `println!`.
pub fn skip(test: &str, why: &str) {
    let _ = writeln!(io::stdout(), "\nSKIPPED: {test}: {why}");
}
