//! Which hardware address and which name an address has.

use crate::bounded::{Top, Weight};
use sekisho_types::{Addr, MacAddr, Timestamp};

/// What a hardware address was seen with.
#[derive(Default)]
struct Holder {
    count: u64,
    /// The least of its IPv4 addresses in the home networks, and the greatest: two of them make it a router's.
    span: Option<(Addr, Addr)>,
    /// It carried packets of hosts that are not in the home networks.
    carries: bool,
}

impl Weight for Holder {
    fn weight(&self) -> u64 {
        self.count
    }
}

/// Hardware address of an address, the latest.
#[derive(Default)]
struct Held {
    count: u64,
    latest: Option<(Timestamp, MacAddr)>,
}

impl Weight for Held {
    fn weight(&self) -> u64 {
        self.count
    }
}

/// What a client says of itself when it gets an address (RFC 2131, RFC 2132).
#[derive(Default)]
struct Lease {
    count: u64,
    latest: Option<Client>,
}

/// When it said so, its hardware address, its name.
type Client = (Timestamp, Option<MacAddr>, Option<Box<[u8]>>);

impl Weight for Lease {
    fn weight(&self) -> u64 {
        self.count
    }
}

/// See the module.
pub(super) struct Identities {
    holders: Top<MacAddr, Holder>,
    held: Top<Addr, Held>,
    leases: Top<Addr, Lease>,
}

impl Identities {
    /// Empty, for `most` addresses, and as many hardware addresses.
    pub fn new(seed: u64, most: usize) -> Self {
        Self { holders: Top::new(most, seed), held: Top::new(most, seed), leases: Top::new(most, seed) }
    }

    /// A packet at `ts` had both addresses at one end; `home`: is the address in the home networks?
    pub fn together(&mut self, ts: Timestamp, mac: MacAddr, addr: Addr, home: bool) {
        if mac.0[0] & 1 == 1 || mac == MacAddr::default() || addr.is_multicast() || is_nobody(addr) {
            return;
        }
        let holder = self.holders.at(mac);
        holder.count += 1;
        holder.carries |= !home;
        if !home {
            return;
        }
        if addr.is_v4() {
            let (least, most) = holder.span.unwrap_or((addr, addr));
            holder.span = Some((least.min(addr), most.max(addr)));
        }
        let held = self.held.at(addr);
        held.count += 1;
        held.latest = held.latest.max(Some((ts, mac)));
    }

    /// A client got an address.
    pub fn lease(&mut self, ts: Timestamp, addr: Addr, mac: Option<MacAddr>, name: Option<&[u8]>) {
        let lease = self.leases.at(addr);
        lease.count += 1;
        lease.latest = lease.latest.take().max(Some((ts, mac, name.map(Into::into))));
    }

    /// The hardware address of `addr`, unless it may be a router's.
    pub fn mac(&self, addr: Addr) -> Option<MacAddr> {
        let leased = self.leases.get(&addr).and_then(|l| l.latest.as_ref()).and_then(|l| l.1);
        leased.or_else(|| {
            let (_, mac) = self.held.get(&addr)?.latest?;
            let holder = self.holders.get(&mac)?;
            let alone = holder.span.is_none_or(|(least, most)| least == most);
            (!holder.carries && alone).then_some(mac)
        })
    }

    /// The name that the client at `addr` gave itself.
    pub fn name(&self, addr: Addr) -> Option<&[u8]> {
        self.leases.get(&addr)?.latest.as_ref()?.2.as_deref()
    }
}

/// An address that no host has.
pub(super) fn is_nobody(addr: Addr) -> bool {
    addr == Addr::UNSPECIFIED || addr.as_v4() == Some([0; 4])
}

/// `02:00:5e:10:00:01`, also with dashes.
pub(super) fn parse_mac(text: &[u8]) -> Option<MacAddr> {
    let mut mac = [0; 6];
    let mut parts = text.split(|b| matches!(b, b':' | b'-'));
    for octet in &mut mac {
        let part = parts.next().filter(|p| (1..=2).contains(&p.len()) && p.iter().all(u8::is_ascii_hexdigit))?;
        let part = std::str::from_utf8(part).ok()?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(MacAddr(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        text.parse().unwrap()
    }

    fn mac(last: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, 0, last])
    }

    #[test]
    fn a_routers_hardware_address_is_nobodys() {
        let mut of = Identities::new(1, 1000);
        let now = Timestamp(7);
        of.together(now, mac(1), addr("10.0.0.1"), true);
        of.together(now, mac(1), addr("fe80::1"), true);
        assert_eq!((of.mac(addr("10.0.0.1")), of.mac(addr("fe80::1"))), (Some(mac(1)), Some(mac(1))));
        // It carries another network, or the outside.
        of.together(now, mac(2), addr("10.1.0.1"), true);
        of.together(now, mac(2), addr("10.1.0.2"), true);
        of.together(now, mac(3), addr("10.0.0.254"), true);
        of.together(now, mac(3), addr("198.51.100.1"), false);
        assert_eq!((of.mac(addr("10.1.0.1")), of.mac(addr("10.0.0.254"))), (None, None));
        // But what a client says of itself stands, wherever it is.
        of.lease(now, addr("10.1.0.2"), Some(mac(9)), Some(b"printer"));
        assert_eq!((of.mac(addr("10.1.0.2")), of.name(addr("10.1.0.2"))), (Some(mac(9)), Some(&b"printer"[..])));
        of.together(now, MacAddr([255; 6]), addr("10.9.0.1"), true);
        of.together(now, mac(4), addr("0.0.0.0"), true);
        assert_eq!((of.mac(addr("10.9.0.1")), of.mac(addr("0.0.0.0"))), (None, None));
    }

    #[test]
    fn parses_hardware_addresses() {
        assert_eq!(parse_mac(b"02:00:5e:10:00:01"), Some(MacAddr([2, 0, 0x5e, 0x10, 0, 1])));
        assert_eq!(parse_mac(b"02-00-5E-10-00-01"), Some(MacAddr([2, 0, 0x5e, 0x10, 0, 1])));
        for wrong in [&b""[..], b"02:00:5e:10:00", b"02:00:5e:10:00:01:02", b"02:00:5e:10:00:+1", b"002:0:0:0:0:0"] {
            assert_eq!(parse_mac(wrong), None, "{wrong:?}");
        }
    }
}
