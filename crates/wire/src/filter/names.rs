//! Names for numbers, and the readings of addresses that Rust's standard parsers don't know.

use sekisho_types::{Addr, MacAddr, Subnet};

const PROTOCOLS: [(&str, u8); 16] = [
    ("ah", 51),
    ("dccp", 33),
    ("eigrp", 88),
    ("esp", 50),
    ("gre", 47),
    ("icmp", 1),
    ("icmp6", 58),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6", 41),
    ("ospf", 89),
    ("pim", 103),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("vrrp", 112),
];

const PORTS: [(&str, u16); 27] = [
    ("bootpc", 68),
    ("bootps", 67),
    ("domain", 53),
    ("ftp", 21),
    ("ftp-data", 20),
    ("http", 80),
    ("https", 443),
    ("imap", 143),
    ("imaps", 993),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("mdns", 5353),
    ("microsoft-ds", 445),
    ("mysql", 3306),
    ("netbios-ns", 137),
    ("ntp", 123),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("sip", 5060),
    ("smtp", 25),
    ("snmp", 161),
    ("ssh", 22),
    ("submission", 587),
    ("syslog", 514),
    ("telnet", 23),
];

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
}

/// An IP protocol by name.
pub(super) fn protocol(name: &str) -> Option<u8> {
    named(&PROTOCOLS, name)
}

/// A port by name or number.
pub(super) fn port(word: &str) -> Option<u16> {
    word.parse().ok().or_else(|| named(&PORTS, word))
}

/// Two ports with a hyphen between, or one.
pub(super) fn port_range(word: &str) -> Option<(u16, u16)> {
    if let Some(p) = port(word) {
        return Some((p, p));
    }
    let (low, high) = word.split_once(['-', ':'])?;
    let (low, high) = (port(low)?, port(high)?);
    (low <= high).then_some((low, high))
}

/// A number, decimal or `0x` hexadecimal.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Six hexadecimal bytes with `:` or `-` between.
pub(super) fn mac(word: &str) -> Option<MacAddr> {
    let mut octets = [0; 6];
    let mut parts = word.split([':', '-']);
    for o in &mut octets {
        let part = parts.next().filter(|p| !p.starts_with('+'))?;
        *o = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(MacAddr(octets))
}

/// `ADDRESS/LENGTH`, `ADDRESS`, or the first one to three octets of an IPv4 network (`10`, `192.168`).
pub(super) fn net(word: &str) -> Option<Subnet> {
    if let Ok(net) = word.parse() {
        return Some(net);
    }
    let mut octets = [0; 4];
    let mut count = 0u8;
    let (start, len) = match word.split_once('/') {
        Some((start, len)) => (start, Some(len.parse::<u8>().ok()?)),
        None => (word, None),
    };
    let mut parts = start.split('.');
    for (octet, part) in octets.iter_mut().zip(&mut parts) {
        *octet = part.parse().ok()?;
        count += 1;
    }
    if parts.next().is_some() {
        return None;
    }
    Subnet::new(Addr::v4(octets), len.unwrap_or(count * 8))
}

/// A network with a mask such as 255.255.0.0; `None` if the mask has holes.
pub(super) fn net_with_mask(net: &str, mask: &str) -> Option<Subnet> {
    let bits = u32::from_be_bytes(mask.parse::<Addr>().ok()?.as_v4()?);
    let len = bits.leading_ones();
    if len < 32 && bits << len != 0 {
        return None;
    }
    Subnet::new(net.parse::<Addr>().ok().filter(Addr::is_v4)?, u8::try_from(len).ok()?)
}
