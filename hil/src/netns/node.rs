//! The two nodes by name.

use std::net::Ipv4Addr;

/// One of the two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// The preferred node of `haresources`, 192.168.2.2 and 10.0.0.1.
    Ha1,
    /// The other one, 192.168.2.3 and 10.0.0.2.
    Ha2,
}

impl Node {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Ha1, Self::Ha2];

    /// 0 or 1.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Ha1 => 0,
            Self::Ha2 => 1,
        }
    }

    /// The other node.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Ha1 => Self::Ha2,
            Self::Ha2 => Self::Ha1,
        }
    }

    /// Its `uname -n`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ha1 => "ha-1",
            Self::Ha2 => "ha-2",
        }
    }

    /// Its address on the crossover cable.
    #[must_use]
    pub const fn cross_address(self) -> Ipv4Addr {
        match self {
            Self::Ha1 => Ipv4Addr::new(10, 0, 0, 1),
            Self::Ha2 => Ipv4Addr::new(10, 0, 0, 2),
        }
    }

    pub(super) const fn addresses(self) -> &'static str {
        match self {
            Self::Ha1 => {
                "addr add 192.168.2.2/24 broadcast + dev eth0\nlink set eth0 up\n\
                 addr add 10.0.0.1/24 broadcast + dev eth1\nlink set eth1 up\n"
            }
            Self::Ha2 => {
                "addr add 192.168.2.3/24 broadcast + dev eth0\nlink set eth0 up\n\
                 addr add 10.0.0.2/24 broadcast + dev eth1\nlink set eth1 up\n"
            }
        }
    }
}
