//! Groups of addresses and ports, with variables, negation and nesting, to sorted ranges.

use super::Word;
use crate::config::Config;
use crate::ir::{AddrRange, Addresses, Ports};
use crate::limits::{GROUP_DEPTH_MAX, GROUP_RANGE_COUNT_MAX, GROUP_WORK_MAX};
use crate::refusal::{Code, Done, refuse, refuse_help};
use hashbrown::HashMap;
use sekisho_types::{Addr, SeededState};
use std::net::IpAddr;
use std::sync::Arc;

/// Variables of Suricata's default configuration, for configurations that have none.
const DEFAULT_ADDRESSES: &[(&str, &str)] = &[
    ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
    ("EXTERNAL_NET", "!$HOME_NET"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
];

const DEFAULT_PORTS: &[(&str, &str)] = &[
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
    ("SIP_PORTS", "[5060,5061]"),
];

/// Ranges, as numbers of 128 bits: addresses, or ports.
type Ranges = Vec<(u128, u128)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Port,
}

impl Kind {
    const fn last(self) -> u128 {
        match self {
            Self::Address => u128::MAX,
            Self::Port => u16::MAX as u128,
        }
    }

    const fn code(self) -> Code {
        match self {
            Self::Address => Code::Address,
            Self::Port => Code::Port,
        }
    }

    const fn section(self) -> &'static str {
        match self {
            Self::Address => "address-groups",
            Self::Port => "port-groups",
        }
    }
}

/// Groups that were resolved already, by their text; rules repeat few of them.
pub(crate) struct Groups<'a> {
    config: &'a Config,
    addresses: HashMap<Box<str>, Addresses, SeededState>,
    ports: HashMap<Box<str>, Ports, SeededState>,
    variables: HashMap<(bool, Box<str>), Arc<Ranges>, SeededState>,
    work: u64,
}

impl<'a> Groups<'a> {
    pub fn new(config: &'a Config) -> Self {
        let state = SeededState(0);
        Self {
            config,
            addresses: HashMap::with_hasher(state),
            ports: HashMap::with_hasher(state),
            variables: HashMap::with_hasher(state),
            work: 0,
        }
    }

    /// Addresses of a rule's head.
    pub fn addresses(&mut self, word: Word<'_>) -> Done<Addresses> {
        if let Some(known) = self.addresses.get(word.text) {
            return Ok(known.clone());
        }
        let ranges = self.whole(Kind::Address, word)?;
        let group = Addresses(ranges.iter().map(|&(first, last)| AddrRange { first, last }).collect());
        self.addresses.insert(word.text.into(), group.clone());
        Ok(group)
    }

    /// Ports of a rule's head.
    pub fn ports(&mut self, word: Word<'_>) -> Done<Ports> {
        if let Some(known) = self.ports.get(word.text) {
            return Ok(known.clone());
        }
        let ranges = self.whole(Kind::Port, word)?;
        let narrow = |n: u128| u16::try_from(n).unwrap_or(u16::MAX);
        let group = Ports(ranges.iter().map(|&(first, last)| (narrow(first), narrow(last))).collect());
        self.ports.insert(word.text.into(), group.clone());
        Ok(group)
    }

    fn whole(&mut self, kind: Kind, word: Word<'_>) -> Done<Ranges> {
        let ranges = self.item(kind, word, 0)?;
        if ranges.is_empty() {
            return refuse(kind.code(), word.at, word.text.len(), "nothing is left of this group");
        }
        Ok(ranges)
    }

    /// One item: negated, a group, a variable or a literal.
    fn item(&mut self, kind: Kind, word: Word<'_>, depth: usize) -> Done<Ranges> {
        let fail = |text: &str| refuse(kind.code(), word.at, word.text.len(), text);
        if depth > GROUP_DEPTH_MAX {
            return refuse(Code::Limit, word.at, word.text.len(), "groups are nested too deep");
        }
        let text = word.text.trim();
        let word = Word { text, at: word.at + word.text.len() - word.text.trim_start().len() };
        if let Some(rest) = text.strip_prefix('!') {
            let inner = self.item(kind, Word { text: rest, at: word.at + 1 }, depth + 1)?;
            self.spend(word, inner.len())?;
            return Ok(complement(&inner, kind.last()));
        }
        if let Some(name) = text.strip_prefix('$') {
            return self.variable(kind, name, word, depth).map(|ranges| ranges.to_vec());
        }
        if let Some(inner) = text.strip_prefix('[') {
            let Some(inner) = inner.strip_suffix(']') else { return fail("the group's ] is missing") };
            return self.group(kind, Word { text: inner, at: word.at + 1 }, depth);
        }
        let range = match kind {
            Kind::Address => address(text),
            Kind::Port => port(text),
        };
        match range {
            Some(range) => Ok(vec![range]),
            None if text.is_empty() => fail("an item of the group is empty"),
            None => fail(&format!("{text} is no {}", if kind == Kind::Port { "port" } else { "address" })),
        }
    }

    /// What stands between brackets: those named, without those negated; without any named all but those negated.
    fn group(&mut self, kind: Kind, inner: Word<'_>, depth: usize) -> Done<Ranges> {
        let mut ranges = Vec::new();
        let mut without = Vec::new();
        let mut named = false;
        for item in items(inner) {
            if let Some(rest) = item.text.trim_start().strip_prefix('!') {
                let at = item.at + item.text.len() - rest.len();
                without.extend(self.item(kind, Word { text: rest, at }, depth + 1)?);
            } else {
                named = true;
                ranges.extend(self.item(kind, item, depth + 1)?);
            }
            self.spend(item, ranges.len() / 16 + without.len() / 16 + 1)?;
            if ranges.len() + without.len() > GROUP_RANGE_COUNT_MAX {
                return refuse(Code::Limit, inner.at, inner.text.len(), "the group has too many items");
            }
        }
        self.spend(inner, ranges.len() + without.len())?;
        let ranges = if named { join(ranges) } else { vec![(0, kind.last())] };
        if without.is_empty() { Ok(ranges) } else { Ok(common(&ranges, &complement(&join(without), kind.last()))) }
    }

    fn variable(&mut self, kind: Kind, name: &str, word: Word<'_>, depth: usize) -> Done<Arc<Ranges>> {
        let key = (kind == Kind::Port, Box::from(name));
        if let Some(known) = self.variables.get(&key) {
            let known = Arc::clone(known);
            self.spend(word, known.len())?;
            return Ok(known);
        }
        let config = self.config;
        let defaults = if kind == Kind::Port { DEFAULT_PORTS } else { DEFAULT_ADDRESSES };
        let given = config.path("vars").get(kind.section()).get(name).text();
        let Some(text) = given.or_else(|| defaults.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)) else {
            return refuse(Code::Variable, word.at, word.text.len(), format!("the variable ${name} is not defined"));
        };
        // Places within a variable's text mean nothing in the rule.
        let ranges = self.item(kind, Word { text, at: word.at }, depth + 1).map_err(|mut refusal| {
            (refusal.at, refusal.len) = (word.at, word.text.len());
            refusal.text = format!("the variable ${name}: {}", refusal.text);
            refusal
        })?;
        let ranges = Arc::new(ranges);
        self.variables.insert(key, Arc::clone(&ranges));
        Ok(ranges)
    }

    fn spend(&mut self, word: Word<'_>, count: usize) -> Done {
        self.work = self.work.saturating_add(count as u64);
        if self.work > GROUP_WORK_MAX {
            let help = "name large groups in few rules";
            return refuse_help(Code::Limit, word.at, word.text.len(), "the rules' groups are too large", help);
        }
        Ok(())
    }
}

/// Items between commas that are in no brackets.
fn items(inner: Word<'_>) -> impl Iterator<Item = Word<'_>> {
    let mut rest = Some(inner);
    std::iter::from_fn(move || {
        let word = rest.take()?;
        let mut depth = 0u32;
        let end = word.text.bytes().position(|c| {
            match c {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && c == b','
        });
        let (text, behind) = end.and_then(|n| word.text.split_at_checked(n)).unwrap_or((word.text, ""));
        // A comma at the end is forgiven.
        rest = behind
            .strip_prefix(',')
            .map(|behind| Word { text: behind, at: word.at + text.len() + 1 })
            .filter(|word| !word.text.trim().is_empty());
        Some(Word { text, at: word.at })
    })
}

fn number(text: &str) -> Option<u128> {
    let addr: IpAddr = text.trim().parse().ok()?;
    Some(u128::from_be_bytes(*Addr::from(addr).octets()))
}

/// Four decimal numbers, as nearly all addresses are: the number of the address.
fn dotted(text: &str) -> Option<u128> {
    let mut parts = [0u8; 4];
    let mut rest = text.as_bytes();
    for (n, part) in parts.iter_mut().enumerate() {
        let (digits, value) = match rest {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => (3, (a - b'0', b - b'0', c - b'0')),
            [a @ b'1'..=b'9', b @ b'0'..=b'9', ..] => (2, (0, a - b'0', b - b'0')),
            [a @ b'0'..=b'9', ..] => (1, (0, 0, a - b'0')),
            _ => return None,
        };
        let (a, b, c) = value;
        *part = u8::try_from(u32::from(a) * 100 + u32::from(b) * 10 + u32::from(c)).ok()?;
        rest = match (rest.get(digits..)?, n) {
            ([b'.', rest @ ..], 0..=2) => rest,
            ([], 3) => &[],
            _ => return None,
        };
    }
    Some(u128::from_be_bytes(*Addr::v4(parts).octets()))
}

fn address(text: &str) -> Option<(u128, u128)> {
    if let Some(n) = dotted(text) {
        return Some((n, n));
    }
    if text.eq_ignore_ascii_case("any") {
        return Some((0, u128::MAX));
    }
    if let Some((base, prefix)) = text.split_once('/') {
        let is_v4 = base.contains('.') && !base.contains(':');
        let base = number(base)?;
        let bits = if is_v4 && prefix.contains('.') {
            let mask: std::net::Ipv4Addr = prefix.parse().ok()?;
            let mask = mask.to_bits();
            if mask.leading_ones() + mask.trailing_zeros() < 32 {
                return None;
            }
            mask.leading_ones() + 96
        } else {
            let bits: u32 = prefix.parse().ok()?;
            let bits = if is_v4 { bits.checked_add(96)? } else { bits };
            if bits > 128 {
                return None;
            }
            bits
        };
        let hosts = u128::MAX.checked_shr(bits).unwrap_or(0);
        return Some((base & !hosts, base | hosts));
    }
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (number(first)?, number(last)?);
        return (first <= last).then_some((first, last));
    }
    let n = number(text)?;
    Some((n, n))
}

fn port(text: &str) -> Option<(u128, u128)> {
    if text.eq_ignore_ascii_case("any") {
        return Some((0, Kind::Port.last()));
    }
    let number = |text: &str| text.trim().parse::<u16>().ok().map(u128::from);
    if let Some((first, last)) = text.split_once(':') {
        let first = if first.trim().is_empty() { 0 } else { number(first)? };
        let last = if last.trim().is_empty() { Kind::Port.last() } else { number(last)? };
        return (first <= last).then_some((first, last));
    }
    let n = number(text)?;
    Some((n, n))
}

/// Sorted, none touching the next.
fn join(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut joined: Ranges = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined
}

fn complement(ranges: &[(u128, u128)], last: u128) -> Ranges {
    let mut rest = Vec::with_capacity(ranges.len() + 1);
    let mut from = Some(0);
    for &(first, end) in ranges {
        if let Some(start) = from.filter(|&start| start < first) {
            rest.push((start, first - 1));
        }
        from = end.checked_add(1);
    }
    if let Some(start) = from.filter(|&start| start <= last) {
        rest.push((start, last));
    }
    rest
}

fn common(a: &[(u128, u128)], b: &[(u128, u128)]) -> Ranges {
    let mut both = Vec::new();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(&&(a0, a1)), Some(&&(b0, b1))) = (a.peek(), b.peek()) {
        let (first, last) = (a0.max(b0), a1.min(b1));
        if first <= last {
            both.push((first, last));
        }
        if a1 < b1 {
            a.next();
        } else {
            b.next();
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NoFiles;

    fn groups(config: &Config, text: &str) -> Done<Addresses> {
        Groups::new(config).addresses(Word { text, at: 0 })
    }

    #[test]
    fn resolves_addresses() {
        let yaml = "vars: {address-groups: {HOME_NET: '[10.0.0.0/8,192.168.0.0/16]', X: '!$HOME_NET', LOOP: '$LOOP'}}";
        let config = Config::parse("c", yaml, &mut NoFiles).unwrap();
        let has = |group: &str, addr: &str| groups(&config, group).unwrap().has(addr.parse().unwrap());
        assert!(groups(&config, "any").unwrap().is_any());
        assert!(has("$HOME_NET", "10.2.3.4") && !has("$HOME_NET", "11.0.0.0") && has("$X", "::1"));
        assert!(has("[$HOME_NET, !10.1.0.0/16]", "10.2.0.0") && !has("[$HOME_NET, !10.1.0.0/16]", "10.1.9.9"));
        assert!(has("![1.2.3.4,1.2.3.6-1.2.3.9]", "1.2.3.5") && !has("![1.2.3.4,1.2.3.6-1.2.3.9]", "1.2.3.7"));
        assert!(has("[!1.1.1.1]", "2001:db8::1") && has("[2001:db8::/32,[1.1.1.1]]", "2001:db8::9"));
        assert!(has("10.0.0.0/255.255.0.0", "10.0.9.9") && !has("10.0.0.0/255.255.0.0", "10.1.0.0"));
        for bad in ["", "!any", "10.0.0.0/33", "1.2.3", "[1.2.3.4", "$NO", "$LOOP", "[$X,!$X]", "10.0.0.0/255.0.255.0"]
        {
            assert!(groups(&config, bad).is_err(), "{bad}");
        }
        let deep = format!("{}1.1.1.1{}", "[".repeat(99), "]".repeat(99));
        assert_eq!(groups(&config, &deep).unwrap_err().code, Code::Limit);
    }

    #[test]
    fn reads_addresses_as_the_library_does() {
        for text in [
            "1.2.3.4",
            "10.20.255.0",
            "01.2.3.4",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            "1..2.3",
            "",
            "999.1.1.1",
        ] {
            assert_eq!(dotted(text), number(text), "{text}");
        }
    }

    #[test]
    fn resolves_ports() {
        let config = Config::default();
        let ports = |text| Groups::new(&config).ports(Word { text, at: 0 }).unwrap();
        assert_eq!(&*ports("[80:90,!85,1024:]").0, [(80, 84), (86, 90), (1024, 65535)]);
        assert_eq!(&*ports("!80").0, [(0, 79), (81, 65535)]);
        assert_eq!(&*ports(":3").0, [(0, 3)]);
        assert!(ports("any").is_any());
        for text in ["90:80", "65536", "x", "!any"] {
            assert!(Groups::new(&config).ports(Word { text, at: 0 }).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_hostile_variables() {
        let mut yaml = String::from("vars:\n  address-groups:\n    A0: '[1.1.1.1,3.3.3.3]'\n");
        for n in 1..40 {
            yaml += &format!("    A{n}: '[{}]'\n", vec![format!("$A{}", n - 1); 50].join(","));
        }
        let config = Config::parse("c", &yaml, &mut NoFiles).unwrap();
        assert_eq!(groups(&config, "$A39").unwrap_err().code, Code::Limit);
        assert!(groups(&config, "$A10").is_ok());
    }
}
