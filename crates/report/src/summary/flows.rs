use super::columns::conn;
use super::names::Names;
use super::{keep_least, listing};
use crate::bounded::{Top, Weight};
use crate::cells::Cells;
use crate::page::{Host, Page, Protocol, Service, Talker, Transport, Unseen};
use hashbrown::HashMap;
use sekisho_record::Text;
use sekisho_types::{Addr, SeededState, Subnet, Subnets, Timestamp, home_nets};

/// Hosts told apart.
const MAX_HOSTS: usize = 32_768;
/// Pairs of hosts told apart.
const MAX_PAIRS: usize = 32_768;
/// Combinations of transport, port and service told apart.
const MAX_SERVICES: usize = 8_192;
/// Protocol names told apart.
const MAX_PROTOCOLS: usize = 512;
/// Transports told apart.
const MAX_TRANSPORTS: usize = 32;
/// Names of transports and services; later ones are not told apart.
const MAX_WORDS: usize = 4_096;
/// Services kept per host and side.
const MAX_ROLES: usize = 12;

/// Connection states in which the responder did not take part: nothing was served.
const UNANSWERED: &[&[u8]] = &[b"S0", b"REJ", b"SH", b"RSTOS0"];
/// Services that are a part of another one, which names the host's role.
const PARTS: &[&[u8]] = &[b"ftp-data"];
/// Protocols whose content is encrypted.
const ENCRYPTED: &[&[u8]] = &[b"ssl", b"quic", b"ssh", b"ipsec", b"wireguard", b"dtls", b"openvpn", b"tls"];
#[derive(Clone, Copy, Default)]
struct Sum {
    flows: u64,
    packets: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, packets: u64, bytes: u64) {
        self.flows += 1;
        self.packets += packets;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// By bytes; flows count a little, so that silent ones are not the first to go.
impl Weight for Sum {
    fn weight(&self) -> u64 {
        self.bytes.saturating_add(self.flows)
    }
}

#[derive(Default)]
struct HostSum {
    sent: Sum,
    received: Sum,
    internal: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    serves: Roles,
    uses: Roles,
}

impl Weight for HostSum {
    fn weight(&self) -> u64 {
        self.sent.weight().saturating_add(self.received.weight())
    }
}

impl HostSum {
    fn seen(&mut self, ts: Option<Timestamp>, internal: bool) {
        self.internal |= internal;
        keep_least(&mut self.first, ts);
        self.last = self.last.max(ts);
    }
}

/// What a responder offered: a recognised service, or a port of a transport.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Role {
    word: Word,
    port: Option<u16>,
}

/// Services of a host with their flows.
#[derive(Default)]
struct Roles(Vec<(Role, u64)>);

impl Roles {
    fn add(&mut self, role: Role) {
        if let Some((_, n)) = self.0.iter_mut().find(|(r, _)| *r == role) {
            *n += 1;
        } else if self.0.len() < MAX_ROLES {
            self.0.push((role, 1));
        }
    }
}

#[derive(Default)]
struct PairSum {
    /// Start of the earliest flow, and whether the larger address opened it.
    opened: Option<(Option<Timestamp>, bool)>,
    /// From the smaller address to the larger, and back.
    up: Sum,
    down: Sum,
    flows: u64,
}

impl Weight for PairSum {
    fn weight(&self) -> u64 {
        self.up.weight().saturating_add(self.down.weight())
    }
}

/// Transport, whether a TCP responder took part, port, service.
type ServiceKey = (Word, bool, Option<u16>, Option<Word>);

/// A name by its number: rows then cost no allocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Word(u16);

/// Names of transports and services in order of appearance. The last place is for all that came too late.
pub(super) struct Words {
    numbers: HashMap<Box<[u8]>, Word, SeededState>,
    names: Vec<Box<[u8]>>,
    /// Where the few names that nearly all rows have are looked for first, by length and last letter.
    at_hand: [Word; AT_HAND],
}

/// Places of [`Words::at_hand`].
const AT_HAND: usize = 32;

impl Words {
    pub fn new(seed: u64) -> Self {
        Self { numbers: HashMap::with_hasher(SeededState(seed)), names: Vec::new(), at_hand: [Word(0); AT_HAND] }
    }

    pub fn number(&mut self, name: &[u8]) -> Word {
        let last = name.last().copied().unwrap_or(0);
        let place = (usize::from(last) ^ name.len() << 2) % AT_HAND;
        let word = self.at_hand.get(place).copied().unwrap_or(Word(0));
        if self.names.get(usize::from(word.0)).is_some_and(|known| **known == *name) {
            return word;
        }
        let word = self.find(name);
        if let Some(at_hand) = self.at_hand.get_mut(place) {
            *at_hand = word;
        }
        word
    }

    fn find(&mut self, name: &[u8]) -> Word {
        if let Some(word) = self.numbers.get(name) {
            return *word;
        }
        let name = if self.names.len() + 1 < MAX_WORDS { name } else { b"(others)" };
        let word = Word(u16::try_from(self.names.len()).unwrap_or(u16::MAX));
        if self.names.len() < MAX_WORDS {
            self.names.push(name.into());
            self.numbers.insert(name.into(), word);
            return word;
        }
        self.numbers.get(name).copied().unwrap_or(word)
    }

    pub fn name(&self, word: Word) -> &[u8] {
        self.names.get(usize::from(word.0)).map_or(b"", |n| n)
    }
}

/// What conn rows say.
pub(super) struct Flows {
    total: Sum,
    transports: Top<Box<[u8]>, Sum>,
    hosts: Top<Addr, HostSum>,
    pairs: Top<(Addr, Addr), PairSum>,
    services: Top<ServiceKey, Sum>,
    protocols: Top<Box<[u8]>, Sum>,
    words: Words,
    /// Networks whose hosts are internal.
    home: Subnets,
    one_sided: u64,
    missed_bytes: u64,
    unseen: Unseen,
}

impl Flows {
    pub fn new(seed: u64) -> Self {
        Self {
            total: Sum::default(),
            transports: Top::new(MAX_TRANSPORTS, seed),
            hosts: Top::new(MAX_HOSTS, seed),
            pairs: Top::new(MAX_PAIRS, seed),
            services: Top::new(MAX_SERVICES, seed),
            protocols: Top::new(MAX_PROTOCOLS, seed),
            words: Words::new(seed),
            home: Subnets::new(home_nets()),
            one_sided: 0,
            missed_bytes: 0,
            unseen: Unseen::default(),
        }
    }

    /// The networks whose hosts are internal, instead of the private ones.
    pub fn set_home(&mut self, nets: &[Subnet]) {
        self.home = Subnets::new(nets.iter().copied());
    }

    pub fn conn(&mut self, row: &Cells<'_>) {
        let number = |i| row.count(i).unwrap_or(0);
        let (up, down) = (number(conn::ORIG_BYTES), number(conn::RESP_BYTES));
        let (up_pkts, down_pkts) = (number(conn::ORIG_PKTS), number(conn::RESP_PKTS));
        let (packets, bytes) = (up_pkts.saturating_add(down_pkts), up.saturating_add(down));
        let transport = row.text(conn::PROTO).unwrap_or(b"unknown");
        let service = row.text(conn::APP).or_else(|| row.text(conn::SERVICE));
        self.total.add(packets, bytes);
        self.transports.at_ref(transport).add(packets, bytes);
        let natural = transport == b"icmp" || row.text(conn::STATE) == Some(b"S0");
        self.one_sided += u64::from(!natural && row.text(conn::ONE_SIDED).is_some());
        self.missed_bytes = self.missed_bytes.saturating_add(number(conn::MISSED));
        for name in service.unwrap_or(b"").split(|&b| b == b',').filter(|n| !n.is_empty()) {
            self.protocols.at_ref(name).add(packets, bytes);
        }
        self.content(row, service, bytes);

        let port = row.count(conn::RESP_P).and_then(|p| u16::try_from(p).ok()).filter(|_| has_ports(transport));
        let silent =
            transport == b"tcp" && service.is_none() && row.text(conn::STATE).is_some_and(|s| UNANSWERED.contains(&s));
        let part = service.is_some_and(|s| PARTS.contains(&s));
        let transport = self.words.number(transport);
        let service = service.map(|s| self.words.number(s));
        // Ports that nobody answered on are no services: a scan would be thousands of them.
        let key = (transport, !silent, port.filter(|_| !silent), service);
        self.services.at(key).add(packets, bytes);
        let (Some(orig), Some(resp)) = (row.addr(conn::ORIG), row.addr(conn::RESP)) else { return };
        let ts = row.time(conn::TS);
        self.pair(ts, orig, resp, (up_pkts, up), (down_pkts, down));
        let role = match (service, port) {
            _ if down_pkts == 0 || silent || part => None,
            (Some(word), _) => Some(Role { word, port: None }),
            (None, Some(_)) => Some(Role { word: transport, port }),
            (None, None) => None,
        };
        let (orig_local, resp_local) = (self.home.contains(orig), self.home.contains(resp));
        let host = self.hosts.at(orig);
        host.seen(ts, orig_local);
        host.sent.add(up_pkts, up);
        host.received.bytes = host.received.bytes.saturating_add(down);
        role.into_iter().for_each(|r| host.uses.add(r));
        let host = self.hosts.at(resp);
        host.seen(ts, resp_local);
        host.received.add(up_pkts, up);
        host.sent.bytes = host.sent.bytes.saturating_add(down);
        role.into_iter().for_each(|r| host.serves.add(r));
    }

    /// Counts what no row can show.
    fn content(&mut self, row: &Cells<'_>, service: Option<&[u8]>, bytes: u64) {
        let has_data = row.count(conn::ORIG_DATA).unwrap_or(0) > 0 || row.count(conn::RESP_DATA).unwrap_or(0) > 0;
        match service {
            Some(s) if s.split(|&b| b == b',').any(|n| ENCRYPTED.contains(&n)) => {
                self.unseen.encrypted_flows += 1;
                self.unseen.encrypted_bytes = self.unseen.encrypted_bytes.saturating_add(bytes);
            }
            None if has_data && row.text(conn::PROTO).is_some_and(has_ports) => {
                self.unseen.unknown_flows += 1;
                self.unseen.unknown_bytes = self.unseen.unknown_bytes.saturating_add(bytes);
            }
            _ => {}
        }
    }

    fn pair(&mut self, ts: Option<Timestamp>, orig: Addr, resp: Addr, up: (u64, u64), down: (u64, u64)) {
        let swapped = resp < orig;
        let key = if swapped { (resp, orig) } else { (orig, resp) };
        let (up, down) = if swapped { (down, up) } else { (up, down) };
        let pair = self.pairs.at(key);
        keep_least(&mut pair.opened, Some((ts, swapped)));
        pair.flows += 1;
        pair.up.add(up.0, up.1);
        pair.down.add(down.0, down.1);
    }

    /// Entries of the large tables.
    #[cfg(test)]
    pub fn table_len(&self) -> usize {
        self.hosts.len() + self.pairs.len() + self.services.len()
    }

    pub fn fill(&self, page: &mut Page, names: &Names) {
        let totals = &mut page.totals;
        totals.flows = self.total.flows;
        totals.transports = listing(&self.transports, |name, sum| Transport {
            name: Text::from(name),
            flows: sum.flows,
            packets: sum.packets,
            bytes: sum.bytes,
        })
        .rows;
        let count = |internal| {
            let single = self.hosts.iter().filter(|(a, _)| !a.is_multicast());
            single.filter(|(_, h)| h.internal == internal).count() as u64
        };
        totals.internal_hosts = count(true);
        // Hosts that were let go are taken for external ones: those are the many.
        totals.external_hosts = count(false) + self.hosts.let_go();
        if self.total.flows > 0 {
            page.completeness.one_sided_flows = self.one_sided;
        }
        page.completeness.gap_bytes = page.completeness.gap_bytes.max(self.missed_bytes);
        page.hosts = listing(&self.hosts, |addr, host| self.host(*addr, host, names));
        page.talkers = listing(&self.pairs, |&(low, high), pair| {
            let (up, down) = (pair.up.bytes, pair.down.bytes);
            let swapped = pair.opened.is_some_and(|o| o.1);
            let (a, b, a_to_b, b_to_a) = if swapped { (high, low, down, up) } else { (low, high, up, down) };
            Talker { a, b, flows: pair.flows, a_to_b, b_to_a }
        });
        page.services = listing(&self.services, |&(transport, answered, port, service), sum| Service {
            transport: Text::from(self.words.name(transport)),
            port,
            service: service.map(|s| Text::from(self.words.name(s))),
            answered,
            flows: sum.flows,
            bytes: sum.bytes,
        });
        // Numbers of words go by appearance; equal rows shall not.
        page.services.rows.sort_by(|a, b| {
            let key = |s: &'_ Service| (s.transport.clone(), s.port, s.service.clone());
            (b.bytes, b.flows).cmp(&(a.bytes, a.flows)).then_with(|| key(a).cmp(&key(b)))
        });
        page.protocols = listing(&self.protocols, |name, sum| Protocol {
            name: Text::from(name),
            flows: sum.flows,
            bytes: sum.bytes,
        });
        page.unseen = self.unseen;
    }

    /// `http`, or `tcp/8080`.
    fn role(&self, role: Role) -> Text {
        let mut name = self.words.name(role.word).to_vec();
        if let Some(port) = role.port {
            name.push(b'/');
            name.extend_from_slice(port.to_string().as_bytes());
        }
        Text(name)
    }

    fn host(&self, addr: Addr, host: &HostSum, names: &Names) -> Host {
        let named = |roles: &Roles| -> Vec<Text> {
            let mut sorted: Vec<_> = roles.0.iter().map(|&(role, n)| (n, self.role(role))).collect();
            sorted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            sorted.into_iter().map(|(_, name)| name).collect()
        };
        let (serves, uses) = (named(&host.serves), named(&host.uses));
        let mut roles = Vec::new();
        if addr.is_multicast() {
            roles.push("multicast group");
        }
        if serves.iter().any(|s| s.0 == b"dns") {
            roles.push("resolver");
        }
        if serves.iter().any(|s| s.0 != b"dns") {
            roles.push("server");
        }
        if !uses.is_empty() {
            roles.push("client");
        }
        Host {
            addr,
            internal: host.internal,
            name: names.name_of(addr).map(Text::from),
            roles,
            serves,
            uses,
            flows_out: host.sent.flows,
            flows_in: host.received.flows,
            sent: host.sent.bytes,
            received: host.received.bytes,
            first: host.first,
            last: host.last,
        }
    }
}

/// Do flows of this transport have ports?
fn has_ports(transport: &[u8]) -> bool {
    matches!(transport, b"tcp" | b"udp" | b"sctp")
}
