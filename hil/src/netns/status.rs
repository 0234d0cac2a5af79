//! What `hbd status --json` says, read leniently: a missing field is "not said".

use serde_json::Value;

/// One answer of `hbd status --json`.
#[derive(Clone, PartialEq, Debug)]
pub struct Status(pub Value);

impl Status {
    /// Parses it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// A text anywhere in it by JSON pointer (`/peer/state`), or an empty one.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number anywhere in it by JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer).and_then(Value::as_u64)
    }

    /// Whether something anywhere in it, by JSON pointer, is true.
    #[must_use]
    pub fn flag(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
    }

    /// `joining`, `up` or `leaving`.
    #[must_use]
    pub fn phase(&self) -> &str {
        self.text("/phase")
    }

    /// `unknown`, `up`, `late` or `dead`.
    #[must_use]
    pub fn peer(&self) -> &str {
        self.text("/peer/state")
    }

    /// `joining`, `up` or `leaving`, as the peer showed it last.
    #[must_use]
    pub fn peer_phase(&self) -> &str {
        self.text("/peer/phase")
    }

    /// The state of the first group, the only one of the seed.
    #[must_use]
    pub fn group(&self) -> &str {
        self.text("/groups/0/state")
    }

    /// The epoch of the first group.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.number("/groups/0/epoch").unwrap_or_default()
    }

    /// The link over `medium` or named `medium` (`eth1`, `serial`...), whatever the daemon calls it.
    #[must_use]
    pub fn link(&self, medium: &str) -> Option<&Value> {
        let has = |link: &&Value, field: &str| {
            link.get(field).and_then(Value::as_str).is_some_and(|text| text.contains(medium))
        };
        self.0.get("links")?.as_array()?.iter().find(|link| has(link, "name") || has(link, "medium"))
    }

    /// The state of that link: `up`, `down`...
    #[must_use]
    pub fn link_state(&self, medium: &str) -> &str {
        self.link(medium).and_then(|link| link.get("state")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The sum of a counter (`rx`, `bad`...) over all links.
    #[must_use]
    pub fn counted(&self, counter: &str) -> u64 {
        let links = self.0.get("links").and_then(Value::as_array);
        links.into_iter().flatten().filter_map(|link| link.get(counter)?.as_u64()).sum()
    }
}
