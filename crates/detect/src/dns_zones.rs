//! What DNS answers that fitted their questions have said about zones: whose servers they are, and where.
//!
//! Learnt only from answers that were asked for, and never against what is known: who contradicts is judged, not believed.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchanges, Fit, name_digest};
use crate::rows::{DnsMessage, Row, type_bit};
use crate::table::Recent;
use hashbrown::HashSet;
use sekisho_types::{Addr, Interval, SeededState, Timestamp};
use smallvec::SmallVec;

/// Zones known.
const MAX_ZONES: usize = 50_000;
/// Names and addresses kept of the servers of a zone.
pub(crate) const MAX_SERVERS: usize = 8;
/// From here on a zone may have got other servers.
const BELIEVED_FOR: Interval = Interval::from_secs(86_400);

/// Longest name as text.
const MAX_NAME_LEN: usize = 255;

const NS: u64 = 2;
const CNAME: u64 = 5;

/// The servers of a zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone {
    last: Timestamp,
    /// Digests of their names.
    pub names: Vec<u64>,
    /// Their addresses.
    pub addrs: Vec<Addr>,
}

/// What a message says about the servers of a zone: digests of their names, and their addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    names: SmallVec<[u64; MAX_SERVERS]>,
    pub addrs: SmallVec<[Addr; MAX_SERVERS]>,
}

impl Zone {
    /// Has it nothing in common with what is known here? False if too little is known on either side.
    pub fn contradicts(&self, said: &Said) -> bool {
        if !self.addrs.is_empty() && !said.addrs.is_empty() {
            return !said.addrs.iter().any(|a| self.addrs.contains(a));
        }
        !self.names.is_empty() && !said.names.is_empty() && !said.names.iter().any(|n| self.names.contains(n))
    }
}

/// See the module.
pub(crate) struct Zones {
    seed: u64,
    of: Recent<u64, Zone>,
}

impl Zones {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, of: Recent::of(scope, MAX_ZONES) }
    }

    /// What is known of the zone.
    pub fn get(&self, zone: &[u8]) -> Option<&Zone> {
        self.of.peek(&name_digest(zone, self.seed))
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }

    /// What the message says about servers of `zone`.
    pub fn said(&self, m: &DnsMessage<'_>, zone: &[u8]) -> Said {
        let mut said = Said::default();
        for ns in m.records().filter(|r| r.rtype == NS && r.section < 3 && r.owner == zone).take(MAX_SERVERS) {
            said.names.push(name_digest(ns.data, self.seed));
            let glue = m.records().filter(|r| r.owner == ns.data).filter_map(|r| r.addr());
            for addr in glue.take(MAX_SERVERS) {
                if said.addrs.len() < MAX_SERVERS && !said.addrs.contains(&addr) {
                    said.addrs.push(addr);
                }
            }
        }
        said
    }

    /// A zone above `name` that the message gives other servers than are known; of a zone that nothing is known of, others
    /// than `server`, who is said to have sent it.
    pub fn foreign<'a>(&self, m: &DnsMessage<'a>, server: Addr, name: &[u8]) -> Option<(&'a [u8], Said)> {
        if !m.has_type(type_bit(NS)) {
            return None;
        }
        let zone = m.records().find(|r| r.rtype == NS && r.section == 2).map(|r| r.owner)?;
        if zone.is_empty() || zone.len() >= name.len() || !is_within(name, zone) {
            return None;
        }
        let said = self.said(m, zone);
        let foreign = match self.get(zone) {
            Some(known) => known.contradicts(&said),
            None => !said.addrs.is_empty() && !said.addrs.contains(&server),
        };
        foreign.then_some((zone, said))
    }

    pub fn row(&mut self, row: &Row<'_>, exchanges: &Exchanges) {
        let (Row::DnsMessage(m), Some(exchange)) = (row, exchanges.at_hand()) else { return };
        if exchange.fit != Fit::Matching || m.rcode != 0 || !m.has_type(type_bit(NS)) {
            return;
        }
        let mut last: Option<&[u8]> = None;
        // A zone in which nothing lies that was asked for, or that its aliases lead to, is nobody's to tell.
        let asked = m.query.unwrap_or(&[]);
        let concerns = |zone: &[u8]| {
            is_within(asked, zone) || m.records().any(|r| r.section == 1 && r.rtype == CNAME && is_within(r.data, zone))
        };
        for r in m.records().filter(|r| r.rtype == NS && (r.section == 1 || (r.section == 2 && concerns(r.owner)))) {
            if last.replace(r.owner) == Some(r.owner) {
                continue;
            }
            let mut said = self.said(m, r.owner);
            let known = self.of.peek(&name_digest(r.owner, self.seed));
            if known.is_some_and(|k| k.contradicts(&said) && m.ts - k.last <= BELIEVED_FOR) {
                continue;
            }
            // Who answers with authority is a server of the zone himself.
            if m.authoritative && r.section == 2 && is_within(asked, r.owner) && !said.addrs.contains(&exchange.server)
            {
                said.addrs.truncate(MAX_SERVERS - 1);
                said.addrs.push(exchange.server);
            }
            let zone = self.of.at(name_digest(r.owner, self.seed), Zone::default);
            if zone.contradicts(&said) {
                *zone = Zone::default();
            }
            zone.last = m.ts;
            add(&mut zone.names, &said.names);
            add(&mut zone.addrs, &said.addrs);
        }
    }
}

fn add<T: Copy + PartialEq>(known: &mut Vec<T>, said: &[T]) {
    for item in said {
        if known.len() < MAX_SERVERS && !known.contains(item) {
            known.push(*item);
        }
    }
}

/// Is `name` the zone's apex or below it, whatever its case?
pub(crate) fn is_within(name: &[u8], zone: &[u8]) -> bool {
    if zone.is_empty() {
        return true;
    }
    let Some(front) = name.len().checked_sub(zone.len()) else { return false };
    let Some((front, end)) = name.split_at_checked(front) else { return false };
    matches!(front.last(), None | Some(b'.')) && end.eq_ignore_ascii_case(zone)
}

/// A list of domains, to be asked often.
pub(crate) struct Domains {
    all: HashSet<&'static [u8], SeededState>,
    /// A bit for each digest of their last two labels: most names end otherwise.
    ends: [u64; ENDS],
}

impl Domains {
    /// In lower case, at least two labels each.
    pub fn new(domains: &[&'static [u8]]) -> Self {
        let mut all = HashSet::with_hasher(SeededState(0));
        all.extend(domains.iter().copied());
        let mut ends = [0; ENDS];
        for end in domains.iter().filter_map(|domain| end_digest(domain)) {
            if let Some(bits) = ends.get_mut(place(end)) {
                *bits |= 1 << (end % 64);
            }
        }
        Self { all, ends }
    }

    /// Is `name` one of them or below it, whatever its case?
    pub fn hold(&self, name: &[u8]) -> bool {
        let may_be = |end: u64| self.ends.get(place(end)).is_some_and(|bits| bits >> (end % 64) & 1 == 1);
        if !end_digest(name).is_some_and(may_be) {
            return false;
        }
        // Of a longer name than there are the last labels, behind a dot.
        let name = match name.len().checked_sub(MAX_NAME_LEN) {
            Some(from @ 1..) => {
                let end = name.get(from..).unwrap_or(&[]);
                memchr::memchr(b'.', end).and_then(|dot| end.get(dot + 1..)).unwrap_or(&[])
            }
            _ => name,
        };
        let mut lower = [0; MAX_NAME_LEN];
        let Some(lower) = lower.get_mut(..name.len()) else { return false };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let mut rest = &*lower;
        while let Some(dot) = memchr::memchr(b'.', rest) {
            if self.all.contains(rest) {
                return true;
            }
            rest = rest.get(dot + 1..).unwrap_or(&[]);
        }
        false
    }
}

/// Words of bits for the ends of names.
const ENDS: usize = 32;

/// The word that has the bit of an end.
fn place(end: u64) -> usize {
    usize::try_from(end >> 32).unwrap_or(0) % ENDS
}

/// Digest of a name's last two labels without their case; `None` if there is but one.
fn end_digest(name: &[u8]) -> Option<u64> {
    let last = last_dot(name, name.len())?;
    let from = last_dot(name, last).map_or(0, |dot| dot + 1);
    Some(name_digest(name.get(from..)?, 0))
}

/// The domain that somebody registered, as far as the name's shape tells: the last two labels, or three where a short one stands
/// before a country's (`detections.md` P8); the name itself if it has no more.
pub(crate) fn registrable(name: &[u8]) -> &[u8] {
    // The last two dots, and the one before them.
    let Some(last) = last_dot(name, name.len()) else { return name };
    let Some(second) = last_dot(name, last) else { return name };
    let from = if name.len() - last - 1 == 2 && last - second - 1 <= 3 {
        last_dot(name, second).map_or(0, |dot| dot + 1)
    } else {
        second + 1
    };
    name.get(from..).unwrap_or(name)
}

/// Where the last dot before `end` stands. Labels are short: to look for it in pieces of a vector's length would take longer.
pub(crate) fn last_dot(name: &[u8], end: usize) -> Option<usize> {
    name.get(..end)?.iter().rposition(|b| *b == b'.')
}

/// `name` without its first label; `None` of the root.
pub(crate) fn parent(name: &[u8]) -> Option<&[u8]> {
    if name.is_empty() {
        return None;
    }
    let dot = name.iter().position(|b| *b == b'.');
    Some(dot.and_then(|d| name.get(d + 1..)).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_within_zones() {
        assert!(is_within(b"A.Victim.test", b"victim.test") && is_within(b"victim.test", b"victim.test"));
        assert!(!is_within(b"avictim.test", b"victim.test") && !is_within(b"test", b"victim.test"));
        assert!(is_within(b"test", b""));
        assert_eq!((parent(b"a.b"), parent(b"b"), parent(b"")), (Some(&b"b"[..]), Some(&b""[..]), None));
    }

    #[test]
    fn lists_of_domains_hold_what_is_below_them() {
        let all = Domains::new(&[b"example.com", b"a.example.net"]);
        for name in ["example.com", "www.Example.COM", "x.a.example.net", "a.example.net"] {
            assert!(all.hold(name.as_bytes()), "{name}");
        }
        let long = "a.".repeat(300);
        assert!(all.hold(format!("{long}example.com").as_bytes()));
        for name in ["com", "", "notexample.com", "example.net", "b.example.net", "example.com.test", &long] {
            assert!(!all.hold(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn domains_that_somebody_registered() {
        for (name, domain) in [
            ("www.example.com", "example.com"),
            ("example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("www.example.de", "example.de"),
            ("com", "com"),
            ("", ""),
        ] {
            assert_eq!(registrable(name.as_bytes()), domain.as_bytes(), "{name}");
        }
    }

    #[test]
    fn zones_are_contradicted_by_other_addresses_or_else_names() {
        let addr = |n: &u8| Addr::v4([192, 0, 2, *n]);
        let said = |names: &[u64], last: &[u8]| Said {
            names: names.iter().copied().collect(),
            addrs: last.iter().map(addr).collect(),
        };
        let zone = |names: &[u64], last: &[u8]| Zone {
            last: Timestamp(0),
            names: names.to_vec(),
            addrs: last.iter().map(addr).collect(),
        };
        assert!(zone(&[1], &[1]).contradicts(&said(&[1], &[2])));
        assert!(!zone(&[1], &[1]).contradicts(&said(&[2], &[1])));
        assert!(zone(&[1], &[1]).contradicts(&said(&[2], &[])));
        assert!(!zone(&[1], &[]).contradicts(&said(&[1], &[7])) && !zone(&[], &[]).contradicts(&said(&[1], &[1])));
    }
}
