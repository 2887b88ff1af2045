use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

/// An IP address. IPv4 is kept in its mapped form `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2), so that
/// comparison and hashing never branch on the version.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addr([u8; 16]);

impl Hash for Addr {
    /// As two numbers, which hashers take faster than bytes with their length.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let n = u128::from_le_bytes(self.0);
        state.write_u64(n as u64);
        state.write_u64((n >> 64) as u64);
    }
}

const V4_PREFIX: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

impl Addr {
    /// Room that [`Addr::write`] asks for; the printed form has 39 characters at most.
    pub const ROOM_LEN: usize = 48;

    /// The unspecified IPv6 address `::`; also stands for "no address".
    pub const UNSPECIFIED: Self = Self([0; 16]);

    /// From four octets in network order.
    pub const fn v4(o: [u8; 4]) -> Self {
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, o[0], o[1], o[2], o[3]])
    }

    /// From sixteen octets in network order.
    pub const fn v6(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The sixteen octets, mapped form for IPv4.
    #[inline]
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The four octets of an IPv4 address.
    #[inline]
    pub fn as_v4(&self) -> Option<[u8; 4]> {
        if self.is_v4() { self.0.last_chunk::<4>().copied() } else { None }
    }

    /// Is this an IPv4 address?
    #[inline]
    pub fn is_v4(&self) -> bool {
        self.0.first_chunk::<12>() == Some(&V4_PREFIX)
    }

    /// Multicast (224.0.0.0/4, ff00::/8) or the IPv4 limited broadcast address.
    #[inline]
    pub fn is_multicast(&self) -> bool {
        match self.as_v4() {
            Some(v4) => v4[0] >= 224 && v4[0] < 240 || v4 == [255; 4],
            None => self.0[0] == 0xff,
        }
    }

    /// RFC 1918, RFC 4193, loopback, link-local: nobody's on the public Internet, and meant for one's own network.
    pub fn is_private(&self) -> bool {
        match (self.as_v4(), self.0) {
            (Some(v4), _) => {
                matches!(v4, [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..])
            }
            (None, [0xfc | 0xfd, ..] | [0xfe, 0x80..=0xbf, ..]) => true,
            (None, octets) => matches!(octets, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        }
    }

    /// The octets as they travel: 4 for IPv4, 16 for IPv6.
    pub fn wire_octets(&self) -> &[u8] {
        if self.is_v4() { &self.0[12..] } else { &self.0 }
    }

    /// Writes the printed form (IPv6: RFC 5952) into `buf`; returns its length. Bytes of `buf` behind it may be overwritten.
    pub fn write<const N: usize>(&self, buf: &mut [u8; N]) -> usize {
        const { assert!(N >= Self::ROOM_LEN) }
        match self.as_v4() {
            Some(v4) => write_v4(buf, v4),
            None => write_v6(buf, &self.0),
        }
    }

    /// What [`Addr::write`] writes, and other forms that the standard library reads; `None` of anything else.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        if let Some(v4) = read_v4(text) {
            return Some(Self::v4(v4));
        }
        // Only version 6 has colons, and cannot do without.
        if !text.contains(&b':') {
            return None;
        }
        let v6: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
        Some(Self(v6.octets()))
    }

    /// As the standard library's type.
    pub fn to_std(self) -> IpAddr {
        match self.as_v4() {
            Some(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
            None => IpAddr::V6(Ipv6Addr::from(self.0)),
        }
    }
}

/// Decimal digits of every octet, then a dot.
static DECIMAL: [[u8; 4]; 256] = {
    let mut table = [[b'.'; 4]; 256];
    let mut i = 0;
    while i < 256 {
        let v = i as u8;
        let (a, b, c) = (b'0' + v / 100, b'0' + v / 10 % 10, b'0' + v % 10);
        table[i] = match v {
            0..10 => [c, b'.', 0, 0],
            10..100 => [b, c, b'.', 0],
            100.. => [a, b, c, b'.'],
        };
        i += 1;
    }
    table
};

fn write_v4<const N: usize>(buf: &mut [u8; N], octets: [u8; 4]) -> usize {
    let mut at = 0;
    for o in octets {
        if let Some(place) = buf.get_mut(at..at + 4) {
            place.copy_from_slice(&DECIMAL[usize::from(o)]);
        }
        at += 2 + usize::from(o >= 10) + usize::from(o >= 100);
    }
    at - 1
}

/// Four numbers up to 255 without leading zeros, and dots between them.
fn read_v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut left = octets.iter_mut();
    let (mut octet, mut value, mut digits) = (left.next()?, 0u16, 0u8);
    for b in text {
        match b {
            b'0'..=b'9' if digits < 3 && (digits == 0 || value > 0) => {
                value = value * 10 + u16::from(b - b'0');
                digits += 1;
            }
            b'.' if digits > 0 => {
                *octet = u8::try_from(value).ok()?;
                (octet, value, digits) = (left.next()?, 0, 0);
            }
            _ => return None,
        }
    }
    *octet = u8::try_from(value).ok()?;
    (digits > 0 && left.next().is_none()).then_some(octets)
}

#[inline(never)]
fn write_v6<const N: usize>(buf: &mut [u8; N], octets: &[u8; 16]) -> usize {
    let (groups, _) = octets.as_chunks::<2>();
    let gap = longest_gap(groups);
    let mut at = write_groups(buf, 0, &groups[..gap.start]);
    if gap.is_empty() {
        return write_groups(buf, at, &groups[gap.end..]) - 1;
    }
    // One colon stands there already if anything does.
    let colons = if gap.start == 0 { 2 } else { 1 };
    buf[at..at + 2].copy_from_slice(b"::");
    at += colons;
    write_groups(buf, at, &groups[gap.end..]) - usize::from(gap.end < groups.len())
}

/// Writes each group without leading zeros and with a colon behind it; returns where the next would stand.
fn write_groups<const N: usize>(buf: &mut [u8; N], mut at: usize, groups: &[[u8; 2]]) -> usize {
    for &[high, low] in groups {
        let digits = [high >> 4, high & 15, low >> 4, low & 15].map(|d| HEX[usize::from(d)]);
        // Of four digits at most three go.
        let zeros = u16::from_be_bytes([high, low | 1]).leading_zeros() / 4;
        let text = u64::from(u32::from_le_bytes(digits)) | u64::from(b':') << 32;
        if let Some(place) = buf.get_mut(at..at + 8) {
            place.copy_from_slice(&(text >> (8 * zeros)).to_le_bytes());
        }
        at += 5 - zeros as usize;
    }
    at
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The longest run of at least two zero groups, the first of several (RFC 5952 §4.2); empty if there is none.
fn longest_gap(groups: &[[u8; 2]]) -> Range<usize> {
    let zeros = groups.iter().rev().fold(0u32, |bits, g| bits << 1 | u32::from(*g == [0, 0]));
    // A bit stays as long as its group and the next `len` are zero.
    let (mut starts, mut len) = (zeros & zeros >> 1, 1);
    if starts == 0 {
        return 0..0;
    }
    loop {
        len += 1;
        let longer = starts & zeros >> len;
        if longer == 0 {
            let start = starts.trailing_zeros() as usize;
            return start..start + len;
        }
        starts = longer;
    }
}

impl From<IpAddr> for Addr {
    fn from(a: IpAddr) -> Self {
        match a {
            IpAddr::V4(a) => Self::v4(a.octets()),
            IpAddr::V6(a) => Self::v6(a.octets()),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buf = [0; Self::ROOM_LEN];
        let len = self.write(&mut buf);
        f.pad(std::str::from_utf8(&buf[..len]).unwrap_or(""))
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_std().fmt(f)
    }
}

impl FromStr for Addr {
    type Err = std::net::AddrParseError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match read_v4(s.as_bytes()) {
            Some(v4) => Ok(Self::v4(v4)),
            None => s.parse::<IpAddr>().map(Self::from),
        }
    }
}

/// A 48-bit IEEE 802 address, printed as `02:00:5e:10:00:01`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// An address prefix such as `10.0.0.0/8`. IPv4 lengths are stored plus 96.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet {
    net: Addr,
    bits: u8,
}

/// Why a text is no subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetError;

impl fmt::Display for SubnetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address or ADDRESS/LENGTH, e.g. 192.168.0.0/16 or fd00::/8")
    }
}

impl std::error::Error for SubnetError {}

impl Subnet {
    /// Prefix of `len` bits (0..=32 for IPv4, 0..=128 for IPv6); `None` if `len` is too large.
    pub fn new(addr: Addr, len: u8) -> Option<Self> {
        let bits = if addr.is_v4() { len.checked_add(96)? } else { len };
        (bits <= 128).then(|| Self { net: Addr(mask(addr.0, bits)), bits })
    }

    /// Does the prefix cover `addr`?
    pub fn contains(&self, addr: Addr) -> bool {
        mask(addr.0, self.bits) == self.net.0
    }

    /// The first address of the prefix.
    pub fn network(&self) -> Addr {
        self.net
    }

    /// Prefix length as printed.
    pub fn prefix_len(&self) -> u8 {
        if self.net.is_v4() && self.bits >= 96 { self.bits - 96 } else { self.bits }
    }
}

/// Networks at home where the user names none (`detections.md` §1.2): RFC 1918, RFC 4193, link-local, loopback. Fewer than
/// those that Zeek, and so `conn`, takes as local, which hold networks of documentation, too.
const HOME_NETS: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/// The networks that pages and judgements take as home where the user names none.
pub fn home_nets() -> Vec<Subnet> {
    HOME_NETS.iter().filter_map(|net| net.parse().ok()).collect()
}

/// Prefixes that are asked about often.
#[derive(Clone, Debug, Default)]
pub struct Subnets {
    /// Network and mask of those that cover addresses of version 4.
    v4: Vec<(u32, u32)>,
    /// By the first octet of such an address, what they cover of it.
    firsts: Vec<Covered>,
    all: Vec<Subnet>,
}

/// How much of the addresses with one first octet is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Covered {
    Nothing,
    Some,
    All,
}

/// Of a network and mask, for addresses that begin with `first`.
fn covered(net: u32, mask: u32, first: u8) -> Covered {
    const OCTET: u32 = 0xff00_0000;
    let begins = (u32::from(first) << 24 ^ net) & mask & OCTET == 0;
    match (begins, mask & !OCTET) {
        (false, _) => Covered::Nothing,
        (true, 0) => Covered::All,
        (true, _) => Covered::Some,
    }
}

impl Subnets {
    /// These.
    pub fn new(nets: impl IntoIterator<Item = Subnet>) -> Self {
        let all: Vec<Subnet> = nets.into_iter().collect();
        let any = Addr::v4([0; 4]);
        let v4 = all.iter().filter_map(|net| match net.net.as_v4() {
            Some(octets) if net.bits >= 96 => {
                let mask = u32::MAX.checked_shl(128 - u32::from(net.bits)).unwrap_or(0);
                Some((u32::from_be_bytes(octets), mask))
            }
            _ => net.contains(any).then_some((0, 0)),
        });
        let v4: Vec<(u32, u32)> = v4.collect();
        let mut firsts = vec![Covered::Nothing; 256];
        for (first, most) in (0..=u8::MAX).zip(firsts.iter_mut()) {
            for (net, mask) in &v4 {
                *most = match (*most, covered(*net, *mask, first)) {
                    (Covered::All, _) | (_, Covered::All) => Covered::All,
                    (Covered::Some, _) | (_, Covered::Some) => Covered::Some,
                    _ => Covered::Nothing,
                };
            }
        }
        Self { v4, firsts, all }
    }

    /// Does one of them cover `addr`?
    #[inline]
    pub fn contains(&self, addr: Addr) -> bool {
        match addr.as_v4() {
            Some(octets) => {
                match self.firsts.get(usize::from(octets[0])) {
                    Some(Covered::Some) => {}
                    Some(Covered::All) => return true,
                    Some(Covered::Nothing) | None => return false,
                }
                let addr = u32::from_be_bytes(octets);
                self.v4.iter().any(|(net, mask)| addr & mask == *net)
            }
            None => self.all.iter().any(|net| net.contains(addr)),
        }
    }
}

fn mask(octets: [u8; 16], bits: u8) -> [u8; 16] {
    let keep = if bits == 0 { 0 } else { u128::MAX << (128 - u32::from(bits.min(128))) };
    (u128::from_be_bytes(octets) & keep).to_be_bytes()
}

impl FromStr for Subnet {
    type Err = SubnetError;
    fn from_str(s: &str) -> Result<Self, SubnetError> {
        let (addr, len) = match s.split_once('/') {
            Some((a, l)) => (a, Some(l.parse::<u8>().map_err(|_| SubnetError)?)),
            None => (s, None),
        };
        let addr: Addr = addr.parse().map_err(|_| SubnetError)?;
        let len = len.unwrap_or(if addr.is_v4() { 32 } else { 128 });
        Self::new(addr, len).ok_or(SubnetError)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.net, self.prefix_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_both_versions() {
        assert_eq!(Addr::v4([10, 0, 0, 1]).to_string(), "10.0.0.1");
        let a: Addr = "2001:db8::1".parse().expect("address");
        assert_eq!(a.to_string(), "2001:db8::1");
        assert!(!a.is_v4());
    }

    #[test]
    fn reads_as_the_standard_library() {
        let texts = [
            "",
            ".",
            "1",
            "1.2.3",
            "1.2.3.4",
            "1.2.3.4.",
            "1.2.3.4.5",
            ".1.2.3.4",
            "1..2.3",
            "255.255.255.255",
            "256.1.1.1",
            "1.1.1.256",
            "1.1.1.1000",
            "0.0.0.0",
            "00.0.0.0",
            "01.2.3.4",
            "1.2.3.04",
            "1.2.3.4 ",
            "+1.2.3.4",
            "a.b.c.d",
            "999.999.999.999",
            "::",
            "::1",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "::ffff:192.0.2.01",
            "fe80::1%1",
            ":",
            ":::",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8:9",
            "g::",
            "2001:DB8::A",
            "1:2",
            "1.2.3.4:80",
            "[::1]",
        ];
        for text in texts {
            let known = text.parse::<IpAddr>().ok().map(Addr::from);
            assert_eq!(text.parse::<Addr>().ok(), known, "{text}");
            assert_eq!(Addr::from_text(text.as_bytes()), known, "{text}");
        }
        assert_eq!(Addr::from_text(&[0xff, b':', b':']), None);
    }

    #[test]
    fn prints_as_the_standard_library() {
        // Every set of zero groups, with groups of one to four digits between them.
        for zeros in 0..=255u8 {
            for filling in [0x0001u16, 0x0020, 0x0a00, 0xffff, 0xabcd, 0x1000] {
                let mut octets = [0; 16];
                for i in (0..8).filter(|i| zeros >> i & 1 == 0) {
                    octets[2 * i..2 * i + 2].copy_from_slice(&(filling ^ (i as u16) << 4).to_be_bytes());
                }
                let addr = Addr::v6(octets);
                assert_eq!(addr.to_string(), addr.to_std().to_string());
            }
        }
        for o in 0..=255u8 {
            for addr in [Addr::v4([o, 255 - o, o / 3, 0]), Addr::v4([255, o, 10, o])] {
                assert_eq!(addr.to_string(), addr.to_std().to_string());
            }
        }
        assert_eq!(format!("{:>5}|{:<9}|", Addr::UNSPECIFIED, Addr::v4([1, 2, 3, 4])), "   ::|1.2.3.4  |");
    }

    #[test]
    fn subnets_contain() {
        let net: Subnet = "192.168.0.0/16".parse().expect("subnet");
        assert!(net.contains(Addr::v4([192, 168, 3, 4])));
        assert!(!net.contains(Addr::v4([192, 169, 3, 4])));
        assert_eq!(net.to_string(), "192.168.0.0/16");
        let any: Subnet = "0.0.0.0/0".parse().expect("subnet");
        assert!(any.contains(Addr::v4([1, 2, 3, 4])));
        assert!(!any.contains("2001:db8::1".parse().expect("address")));
        assert_eq!("fe80::/10".parse::<Subnet>().expect("subnet").to_string(), "fe80::/10");
    }

    #[test]
    fn rejects_nonsense() {
        for s in ["", "1.2.3.4/33", "::/129", "1.2.3/8", "1.2.3.4/x"] {
            assert_eq!(s.parse::<Subnet>(), Err(SubnetError), "{s}");
        }
    }

    #[test]
    fn many_prefixes_are_as_each_of_them() {
        let sets: [&[&str]; 7] = [
            &["10.0.0.0/8", "172.16.0.0/12", "fe80::/10"],
            &["::/0"],
            &["0.0.0.0/0"],
            &["192.0.2.7", "::1"],
            &["8.0.0.0/5", "172.16.0.0/12", "172.0.0.0/8"],
            &["64.0.0.0/2", "70.31.0.0/16", "200.31.2.0/24"],
            &[],
        ];
        let addrs = ["10.1.2.3", "172.31.0.1", "172.32.0.1", "192.0.2.7", "192.0.2.6", "fe80::1", "::1", "2001:db8::1"];
        for set in sets {
            let nets: Vec<Subnet> = set.iter().map(|n| n.parse().expect("subnet")).collect();
            for addr in addrs {
                let addr: Addr = addr.parse().expect("address");
                assert_eq!(Subnets::new(nets.clone()).contains(addr), nets.iter().any(|n| n.contains(addr)), "{addr}");
            }
            for first in 0..=u8::MAX {
                let addr = Addr::v4([first, 31, 2, 3]);
                assert_eq!(Subnets::new(nets.clone()).contains(addr), nets.iter().any(|n| n.contains(addr)), "{addr}");
            }
        }
    }
}
