//! Where a flow goes, as people would say it: the domain that somebody registered, or a small network.

use crate::dns_exchanges::name_digest;
use crate::dns_zones;
use sekisho_types::{Addr, SeededState, Subnet};
use std::fmt;
use std::hash::BuildHasher;

/// Where a flow goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Destination<'a> {
    /// The registrable domain of the name that the address was last known by.
    Domain(&'a str),
    /// The network of 24 bits, or 48 of version 6, of an address without a name.
    Network(Subnet),
    /// An address alone.
    Host(Addr),
}

impl<'a> Destination<'a> {
    /// Of `addr`, which goes by that name.
    pub fn of(addr: Addr, name: Option<&'a str>) -> Self {
        match name {
            Some(name) if name.as_bytes().contains(&b'.') => Self::Domain(registrable(name)),
            _ => {
                let len = if addr.is_v4() { 24 } else { 48 };
                Subnet::new(addr, len).map_or(Self::Host(addr), Self::Network)
            }
        }
    }

    /// Did it have a name?
    pub fn is_named(self) -> bool {
        matches!(self, Self::Domain(_))
    }

    /// A number that stands for it in tables.
    pub fn digest(self, seed: u64) -> u64 {
        match self {
            Self::Domain(name) => name_digest(name.as_bytes(), seed),
            Self::Network(net) => SeededState(seed).hash_one(net),
            Self::Host(addr) => SeededState(seed).hash_one(addr),
        }
    }
}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(&name.to_ascii_lowercase()),
            Self::Network(net) => net.fmt(f),
            Self::Host(addr) => addr.fmt(f),
        }
    }
}

/// The registrable domain of a name without a list of public suffixes (`detections.md` P8): the last two labels, three if
/// the one before a country's is short.
fn registrable(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    let domain = dns_zones::registrable(name.as_bytes());
    name.get(name.len() - domain.len()..).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (name, domain) in [
            ("www.Example.com", "example.com"),
            ("a.b.c.example.co.uk.", "example.co.uk"),
            ("b.c.example.de", "example.de"),
            ("example.com", "example.com"),
            ("x.abc.de", "x.abc.de"),
            ("localhost", "localhost"),
            ("", ""),
        ] {
            assert_eq!(Destination::Domain(registrable(name)).to_string(), domain, "{name}");
        }
    }

    #[test]
    fn digests_know_no_case() {
        let digest = |name| Destination::Domain(name).digest(7);
        assert_eq!(digest("Example.com"), digest("example.com"));
        assert_ne!(digest("example.com"), digest("example.org"));
    }
}
