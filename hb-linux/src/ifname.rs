//! The name of a network interface.

/// Bytes of a name at most, without the NUL.
const NAME_MAX: usize = libc::IFNAMSIZ - 1;

/// The name of an interface, such as `eth1`, in the kernel's form.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct IfName([u8; libc::IFNAMSIZ]);

impl IfName {
    /// `None` if `name` cannot be that of an interface: empty, over 15 bytes, or with a blank or slash in it.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let bad = |b: u8| b == b'/' || b == 0 || b.is_ascii_whitespace();
        if name.is_empty() || name.len() > NAME_MAX || name.bytes().any(bad) {
            return None;
        }
        let mut raw = [0; libc::IFNAMSIZ];
        raw.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self(raw))
    }

    /// As the kernel tells one.
    #[must_use]
    pub const fn from_raw(raw: [u8; libc::IFNAMSIZ]) -> Self {
        Self(raw)
    }

    /// As the kernel takes it, zeros behind.
    #[must_use]
    pub const fn raw(&self) -> &[u8; libc::IFNAMSIZ] {
        &self.0
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&b| b == 0).unwrap_or(NAME_MAX);
        core::str::from_utf8(self.0.get(..len).unwrap_or(&[])).unwrap_or("?")
    }

    /// The interface itself, when this is the name of an alias: `eth0` of `eth0:1`.
    #[must_use]
    pub fn base(&self) -> Self {
        self.as_str().split(':').next().and_then(Self::new).unwrap_or(*self)
    }

    /// Is it the loopback?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.as_str() == "lo"
    }
}

impl core::fmt::Debug for IfName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::fmt::Display for IfName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::IfName;

    #[test]
    fn names_are_checked() {
        for bad in ["", "eth0/1", "a b", "sixteen-letters-", "x\0y"] {
            assert!(IfName::new(bad).is_none(), "{bad}");
        }
        assert_eq!(IfName::new("eth0:12").unwrap().base().as_str(), "eth0");
        assert_eq!(IfName::new("fifteen-letters").unwrap().to_string(), "fifteen-letters");
    }
}
