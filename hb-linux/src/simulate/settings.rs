//! The configuration as each of the two nodes has it. Both are read from the files here.

use crate::cli::Options;
use crate::config::{self, Class, Settings};
use crate::log::Names;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Both nodes' settings, this machine's own first, by side: the even one is 0.
pub(crate) struct Pair {
    pub(crate) of: [Settings; 2],
    pub(crate) names: [Names; 2],
    /// Some group has data.
    pub(crate) data: bool,
}

impl Pair {
    /// Names for what both call the same.
    pub(crate) fn names(&self) -> &Names {
        let [names, _] = &self.names;
        names
    }

    /// The node of this name.
    pub(crate) fn node(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|names| names.own.eq_ignore_ascii_case(name))
    }

    /// The link of this name; a device also without its folder.
    pub(crate) fn link(&self, name: &str) -> Option<usize> {
        let links = &self.names().links;
        let short = |link: &String| link.rsplit('/').next() == Some(name);
        links.iter().position(|link| link == name).or_else(|| links.iter().position(short))
    }
}

/// Read the files as either node. A name that is none of the two is taken for the first one: a story may be played anywhere.
///
/// # Errors
/// What is wrong with the files, a line each.
pub(crate) fn load(options: &Options) -> Result<Pair, Vec<String>> {
    let paths = options.paths();
    let names = config::node_names(&paths);
    let known = |name: &String| names.iter().any(|node| node.eq_ignore_ascii_case(name));
    let own = options.node.clone().or_else(|| Some(crate::sys::host::node_name()));
    let first = own.filter(known).or_else(|| names.first().cloned());
    let read = |node: Option<&str>| -> Result<Settings, Vec<String>> {
        let (settings, findings) = config::load(&paths, node);
        let wrong = || findings.of(Class::Configuration).map(|finding| format!("{finding}")).collect();
        settings.ok_or_else(wrong)
    };
    let here: Settings = read(first.as_deref())?;
    let there: Settings = read(Some(&here.peer))?;
    Ok(pair(here, there))
}

/// Both, in their order, with what a simulation takes for given.
pub(crate) fn pair(here: Settings, there: Settings) -> Pair {
    let data = here.core.groups.iter().any(|group| group.data.is_some());
    let mut of = if here.core.side == hb_core::Side::Even { [here, there] } else { [there, here] };
    for settings in &mut of {
        for group in &mut settings.core.groups {
            // A script that is missing on this machine is there on the pair that is played.
            (group.claimable, group.data) = (true, None);
        }
    }
    let names = of.each_ref().map(Names::of);
    Pair { of, names, data }
}
