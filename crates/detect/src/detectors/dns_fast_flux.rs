//! # dns-fast-flux
//! ## How
//! A name's answers within 24 hours are put together: its distinct addresses and the distinct networks that these lie in. `single`: score
//! 1.32 · addresses + 18.54 · networks above 142.38, at least 12 addresses, and answers that changed: at least three came more than one time to live
//! apart, and brought addresses that were not there before. `double`: the addresses of the name servers of the name's domain, as
//! answers tell them beside their NS records, fulfil the same.
//! ## Thresholds
//! Weights and limit are those of Holz et al. 2008, who count autonomous systems. Without a table of these a network is the first 16 bits of an IPv4
//! address, the first 32 of an IPv6 one, and 12 addresses are asked for in addition (Sekisho's own choice). Times to live up to 1,800 s;
//! three answers, two of which brought something new.
//! ## State
//! For each name with such a time to live up to 32 addresses and 8 clients; 20,000 names and domains, the least recent forgotten. 65,536 outside addresses that
//! were connected to.
//! ## Severity
//! `single` medium 0.6, `double` high 0.75; one level less if none of the addresses was connected to.
//! ## Benign
//! Pools of time servers, content networks and clouds have many addresses in many networks, too: names below the domains of
//! large ones, or whose aliases lead there, are left out, and so are names of address tests of calls (STUN). Names that five hosts or more asked for lose a
//! level. Names of home networks, and addresses inside, do not count.
//! ## Blind
//! Encrypted DNS. Captures much shorter than a few times to live. Networks are a rough stand-in for autonomous systems: a cloud of many prefixes looks
//! like many.
//! ## References
//! Holz et al., Measuring and Detecting Fast-Flux Service Networks, NDSS 2008; ICANN SSAC SAC 025; joint advisory on fast flux, 2025.

use crate::detection::Scope;
use crate::dns_exchanges::Fit;
use crate::dns_zones::{Domains, registrable};
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Dns, DnsMessage, Kind, Row, type_bit};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};
use smallvec::SmallVec;

static ABOUT: About = About {
    id: "dns-fast-flux",
    title: "name that hops between addresses",
    means: "This name changes its addresses quickly over many unrelated networks.",
    techniques: &["T1568.001"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "single", means: "A name's addresses change quickly over many networks." },
        Reason {
            code: "double",
            means: "The addresses of a name and those of its name servers change over many networks.",
        },
    ],
    benign: "Content networks, pools of time servers, peer-to-peer trackers, large clouds.",
    clears: "The name keeps to a few networks for 24 hours.",
    next: &[
        "Ask who registered the domain, and when.",
        "See what the clients exchanged with the addresses.",
        "See whether the addresses belong to access networks of homes.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SINGLE: &Reason = ABOUT.at(0);
const DOUBLE: &Reason = ABOUT.at(1);

const NS: u64 = 2;

/// Names and domains followed.
const MAX_NAMES: usize = 20_000;
/// Addresses kept of a name.
const MAX_ADDRS: usize = 32;
/// Clients kept of a name.
const MAX_CLIENTS: usize = 8;
/// Outside addresses that were connected to.
const MAX_CONTACTS: usize = 65_536;
/// Longest name followed.
const MAX_NAME_LEN: usize = 253;
/// What belongs together.
const WINDOW: Interval = Interval::from_secs(86_400);
/// Answers that may be kept longer change nothing quickly.
const MAX_TTL: u64 = 1_800;
/// Addresses at least, where networks stand in for autonomous systems.
const MIN_ADDRS: usize = 12;
/// Answers more than a time to live apart.
const MIN_ANSWERS: u32 = 3;
/// Of these, ones with addresses that were not there before.
const MIN_CHANGES: u32 = 2;
/// Weights and limit of Holz et al., in hundredths.
const PER_ADDR: u64 = 132;
const PER_NETWORK: u64 = 1_854;
const LIMIT: u64 = 14_238;
/// Hosts from which on a name is a common one.
const COMMON: usize = 5;
/// Domains of pools, content networks and clouds, and of trackers.
const LARGE: &[&[u8]] = &[
    b"ntp.org",
    b"akamai.net",
    b"akamaiedge.net",
    b"akamaihd.net",
    b"akadns.net",
    b"akam.net",
    b"edgekey.net",
    b"edgesuite.net",
    b"amazonaws.com",
    b"awsglobalaccelerator.com",
    b"cloudfront.net",
    b"elb.amazonaws.com.cn",
    b"aaplimg.com",
    b"apple.com",
    b"apple-dns.net",
    b"azure.com",
    b"azure-dns.com",
    b"azureedge.net",
    b"azurefd.net",
    b"msedge.net",
    b"microsoft.com",
    b"office.com",
    b"trafficmanager.net",
    b"windows.net",
    b"windowsupdate.com",
    b"google.com",
    b"googleapis.com",
    b"googlevideo.com",
    b"googleusercontent.com",
    b"gvt1.com",
    b"facebook.com",
    b"fbcdn.net",
    b"whatsapp.net",
    b"fastly.net",
    b"fastlylb.net",
    b"cloudflare.com",
    b"cloudflare.net",
    b"cdn77.org",
    b"cdngslb.com",
    b"alicdn.com",
    b"kunlunaq.com",
    b"tcdn.qq.com",
    b"llnwd.net",
    b"lswcdn.net",
    b"footprint.net",
    b"netflix.com",
    b"nflxvideo.net",
    b"oraclecloud.com",
    b"digitaloceanspaces.com",
    b"steamcontent.com",
    b"tor.dan.me.uk",
    b"debian.org",
    b"bittorrent.com",
    b"utorrent.com",
];

#[derive(Default)]
struct Flux {
    since: Timestamp,
    addrs: Vec<Addr>,
    /// Answers more than a time to live after the one counted last, and those of them that brought something new.
    answers: u32,
    changes: u32,
    last: Timestamp,
    ttl: u64,
    most_ttl: u64,
    clients: Vec<Addr>,
    flows: Vec<Uid>,
    packet: u64,
}

impl Flux {
    fn networks(&self) -> usize {
        let network = |a: &Addr| match a.as_v4() {
            Some([a, b, ..]) => [a, b, 0, 0],
            None => a.octets().first_chunk::<4>().copied().unwrap_or_default(),
        };
        let mut all: Vec<[u8; 4]> = self.addrs.iter().map(network).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// In hundredths.
    fn score(&self) -> u64 {
        let many = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        many(self.addrs.len()) * PER_ADDR + many(self.networks()) * PER_NETWORK
    }

    fn is_flux(&self) -> bool {
        self.addrs.len() >= MIN_ADDRS
            && self.answers >= MIN_ANSWERS
            && self.changes >= MIN_CHANGES
            && self.score() > LIMIT
    }

    fn add(&mut self, ts: Timestamp, ttl: u64, addrs: impl Iterator<Item = Addr>) {
        // What has shown itself to be flux stays so.
        if self.addrs.is_empty() || (ts - self.since > WINDOW && !self.is_flux()) {
            *self = Self { since: ts, clients: std::mem::take(&mut self.clients), ..Self::default() };
        }
        let gap = Interval::from_secs(i64::try_from(self.ttl).unwrap_or(0));
        let apart = self.answers == 0 || ts - self.last > gap;
        let before = self.addrs.len();
        for addr in addrs {
            if self.addrs.len() < MAX_ADDRS && !self.addrs.contains(&addr) {
                self.addrs.push(addr);
            }
        }
        if apart {
            self.changes += u32::from(self.answers > 0 && self.addrs.len() > before);
            self.answers += 1;
            (self.last, self.ttl) = (ts, ttl);
        }
        self.most_ttl = self.most_ttl.max(ttl);
    }
}

/// See the module.
pub(crate) struct FastFlux {
    names: Recent<Box<[u8]>, Flux>,
    /// Name servers' addresses by domain.
    servers: Recent<Box<[u8]>, Flux>,
    contacts: Recent<Addr, ()>,
    large: Domains,
}

impl FastFlux {
    pub fn new(scope: &Scope) -> Self {
        Self {
            names: Recent::of(scope, MAX_NAMES),
            servers: Recent::of(scope, MAX_NAMES),
            contacts: Recent::of(scope, MAX_CONTACTS),
            large: Domains::new(LARGE),
        }
    }

    /// Is the name in a large operator's domain?
    fn is_large(&self, name: &[u8]) -> bool {
        self.large.hold(name) || name.split(|b| *b == b'.').any(|l| l.starts_with(b"stun"))
    }

    fn dns(&mut self, dns: &Dns<'_>, cx: &Cx<'_>) {
        if dns.resp_port != 53 || !matches!(dns.qtype, 1 | 28) || dns.query.len() > MAX_NAME_LEN {
            return;
        }
        let with_ttl = || dns.records().filter_map(|r| Some((r, r.ttl?)));
        let ttl = with_ttl().filter(|(r, _)| r.addr.is_some()).map(|(_, ttl)| ttl).min();
        let Some(ttl) = ttl.filter(|t| *t <= MAX_TTL) else { return };
        let all = dns.records().filter_map(|r| r.addr);
        let outside: SmallVec<[Addr; 8]> = all.filter(|a| !cx.hosts().is_internal(*a)).collect();
        if outside.is_empty() || self.is_large(dns.query) {
            return;
        }
        if with_ttl().any(|(r, _)| r.addr.is_none() && self.is_large(r.text)) {
            return;
        }
        let flux = match self.names.get(dns.query) {
            Some(flux) => flux,
            None => self.names.at(dns.query.into(), Flux::default),
        };
        flux.add(dns.ts, ttl, outside.into_iter());
        if flux.clients.len() < MAX_CLIENTS && cx.hosts().is_internal(dns.orig) && !flux.clients.contains(&dns.orig) {
            flux.clients.push(dns.orig);
        }
        if flux.flows.len() < MAX_CLIENTS {
            flux.flows.push(dns.uid);
        }
        flux.packet = if cx.packet > 0 { cx.packet } else { flux.packet };
    }

    /// Addresses of name servers, as they stand beside NS records.
    fn message(&mut self, m: &DnsMessage<'_>) {
        if !m.has_type(type_bit(NS)) {
            return;
        }
        let mut last: &[u8] = &[];
        for ns in
            m.records().filter(|r| r.rtype == NS && r.section < 3 && r.ttl <= MAX_TTL && r.owner.len() <= MAX_NAME_LEN)
        {
            if ns.owner == last || !ns.owner.contains(&b'.') || self.is_large(ns.data) {
                continue;
            }
            last = ns.owner;
            let is_server = |name: &[u8]| m.records().any(|r| r.rtype == NS && r.owner == ns.owner && r.data == name);
            let glue = || m.records().filter(|r| r.addr().is_some() && r.ttl <= MAX_TTL && is_server(r.owner));
            if let Some(ttl) = glue().map(|r| r.ttl).min() {
                self.servers.at(ns.owner.into(), Flux::default).add(m.ts, ttl, glue().filter_map(|r| r.addr()));
            }
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &Cx<'_>) {
        let outside = || cx.hosts().is_internal(conn.orig) && !cx.hosts().is_internal(conn.resp);
        if conn.resp_port != 53 && conn.resp_pkts > 0 && outside() {
            self.contacts.at(conn.resp, || ());
        }
    }

    fn raise(&self, name: &[u8], flux: &Flux, cx: &mut Cx<'_>) {
        // The machine to look at is one that asked; a resolver asked for others.
        let plain = flux.clients.iter().find(|c| !cx.hosts().is(**c, Role::Resolver));
        let Some(client) = plain.or(flux.clients.first()).copied() else { return };
        let servers = self.servers.peek(registrable(name)).filter(|s| s.is_flux());
        let (reason, severity, confidence) = match servers {
            Some(_) => (DOUBLE, Severity::High, 75),
            None => (SINGLE, Severity::Medium, 60),
        };
        let contacted = flux.addrs.iter().find(|a| self.contacts.peek(*a).is_some());
        let common = flux.clients.len() >= COMMON;
        let severity = severity.lowered(u32::from(contacted.is_none()) + u32::from(common));
        let many = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let span = many(usize::try_from((flux.last - flux.since).whole_secs()).unwrap_or(0));
        let score = i64::try_from(flux.score()).unwrap_or(i64::MAX).saturating_mul(10);
        let holz = Origin::Field("Holz et al. 2008");
        let limit = i64::try_from(LIMIT).ok().map(|l| l * 10);
        let mut raise = Raise::new(&ABOUT, reason, client, severity, Confidence::percent(confidence));
        for measure in [
            Measure { name: "score", thousandths: score, threshold: limit, unit: "", origin: holz },
            Measure::count("addresses", many(flux.addrs.len()), Some(many(MIN_ADDRS)), "", Origin::Own),
            Measure::count("networks", many(flux.networks()), None, "", Origin::Own),
            Measure::count("answers apart", flux.answers.into(), Some(MIN_ANSWERS.into()), "", holz),
            Measure::count("time to live at most", flux.most_ttl, Some(MAX_TTL), "s", holz),
            Measure::count("time", span, Some(86_400), "s", Origin::Own),
        ] {
            raise = raise.measure(measure);
        }
        let list = |addrs: &[Addr]| addrs.iter().map(Addr::to_string).collect::<Vec<_>>().join(" ");
        raise = raise.quote("addresses", list(&flux.addrs).as_bytes(), flux.packet);
        if let Some(servers) = servers {
            raise = raise.quote("addresses of name servers", list(&servers.addrs).as_bytes(), 0);
        }
        raise = raise
            .benign("a content network or a pool", "neither the name nor its aliases are below a known one's domain")
            .benign("a common name", if common { "five hosts or more asked for it" } else { "few hosts asked for it" })
            .benign(
                "nobody went there",
                if contacted.is_some() { "an address was connected to" } else { "no connection was seen" },
            )
            .key(String::from_utf8_lossy(name))
            .between(flux.since, flux.last)
            .times(flux.answers.into())
            .packet(flux.packet);
        raise = flux.flows.iter().fold(raise, |raise, uid| raise.flow(*uid));
        raise = contacted.into_iter().chain(flux.addrs.iter().take(3)).fold(raise, |raise, addr| raise.peer(*addr));
        raise = flux.clients.iter().filter(|c| **c != client).fold(raise, |raise, c| raise.peer(*c));
        cx.raise(raise);
    }
}

impl Detector for FastFlux {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns, Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dns(dns) => self.dns(dns, cx),
            Row::DnsMessage(m) if cx.exchange().is_some_and(|e| e.fit == Fit::Matching) => self.message(m),
            Row::Conn(conn) => self.conn(conn, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut found: Vec<(&Box<[u8]>, &Flux)> = self.names.iter().filter(|(_, f)| f.is_flux()).collect();
        found.sort_unstable_by_key(|f| f.0);
        for (name, flux) in found {
            self.raise(name, flux, cx);
        }
    }

    fn held_len(&self) -> usize {
        let of = |flux: &Flux| {
            (flux.addrs.capacity() + flux.clients.capacity()) * size_of::<Addr>()
                + flux.flows.capacity() * size_of::<Uid>()
        };
        let table = |flux: &Recent<Box<[u8]>, Flux>| {
            flux.held_len() + flux.iter().map(|(name, flux)| name.len() + of(flux)).sum::<usize>()
        };
        table(&self.names) + table(&self.servers) + self.contacts.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.names.forgotten() + self.servers.forgotten()
    }
}

#[cfg(test)]
mod tests;
