//! Where a flow goes, as people would say it: the domain that somebody registered, or a small network.

use crate::Cx;
use sekisho_types::{Addr, Subnet};

/// Labels that stand for kinds of organisations below a country's name are this long at most: `co`, `com`, `gov`.
const MAX_KIND_LEN: usize = 3;

/// The registrable domain of a name without a list of public suffixes (`detections.md` P8): the last two labels, three if
/// the one before a country's is short.
pub(crate) fn registrable(name: &str) -> String {
    let name = name.trim_end_matches('.');
    let labels: Vec<&str> = name.rsplitn(4, '.').collect();
    let count = match labels[..] {
        [top, kind, _, ..] if top.len() == 2 && kind.len() <= MAX_KIND_LEN => 3,
        _ => 2,
    };
    let kept: Vec<&str> = labels.into_iter().take(count).rev().collect();
    kept.join(".").to_ascii_lowercase()
}

/// Where `addr` is: the domain of the name that it was last known by, and whether there was one; of others the network of 24
/// bits, or 48 of version 6.
pub(crate) fn of(addr: Addr, cx: &Cx<'_>) -> (String, bool) {
    match cx.name_of(addr) {
        Some(name) if name.contains('.') => (registrable(name), true),
        _ => {
            let len = if addr.is_v4() { 24 } else { 48 };
            (Subnet::new(addr, len).map_or_else(|| addr.to_string(), |net| net.to_string()), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::registrable;

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
            assert_eq!(registrable(name), domain, "{name}");
        }
    }
}
