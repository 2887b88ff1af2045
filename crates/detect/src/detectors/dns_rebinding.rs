//! # dns-rebinding
//! ## How
//! A name outside the local zones is answered with an address inside: RFC 1918, RFC 4193, loopback, link-local, carrier-grade
//! NAT, the unspecified address, one of these mapped into IPv6, or any other home network. `flip`: the same client was
//! given a public address for the name within 24 hours, and one of the two answers may be kept for 60 seconds at most.
//! `metadata`: 169.254.169.254 or fd00:ec2::254, where cloud machines read their credentials. The stronger form `used`: the
//! same client sends an HTTP request with that name as Host to the inside address within 60 seconds.
//! ## Thresholds
//! 24 h between the two answers, 60 s to live, 60 s until use (Sekisho's own choice).
//! ## State
//! For each client and name the last public and the last inside answer: at most 50,000, the least recent forgotten.
//! ## Severity
//! `used` with a response below 400 critical 0.9, other uses high 0.9; `flip` and `metadata` high 0.8; `private-answer` low 0.5.
//! ## Benign
//! Names of one label, below `.local`, `.internal`, `.lan`, `.home.arpa`, `.localdomain`, `.corp`, `.intranet`, `.private`
//! and reverse names are local. Names with the shape of a block list's question (an address reversed in front)
//! answered in 127/8 are left out, and so is 0.0.0.0 or loopback from a resolver at home, which is how ad blockers
//! answer. Authoritative answers of a server at home are split DNS. Names that three or more clients were given the same
//! inside address for, and no public one, are taken for split DNS too: `info`.
//! ## Blind
//! Encrypted DNS of the client, and captures behind the resolver.
//! ## References
//! Jackson et al., Protecting Browsers from DNS Rebinding Attacks, CCS 2007; Zeek policy detect-external-names; dnsmasq
//! `stop-dns-rebind`.

use crate::detection::Scope;
use crate::dns_exchanges::name_digest;
use crate::dns_zones::last_dot;
use crate::registry::Detector;
use crate::rows::{Dns, Http, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "dns-rebinding",
    title: "outside name pointing inside",
    means: "A public name resolves to one of your internal addresses, which lets a web page reach inside.",
    techniques: &["T1557", "T1190"],
    stage: Stage::Initial,
    reasons: &[
        Reason { code: "private-answer", means: "A public name was answered with an internal address." },
        Reason { code: "flip", means: "A name changed from a public to an internal address within its short life." },
        Reason {
            code: "metadata",
            means: "A public name was answered with the address of the cloud metadata service.",
        },
    ],
    benign: "Split DNS, block lists, ad blockers, names of home media servers.",
    clears: "The name is answered with public addresses only, or is configured as a local zone.",
    next: &[
        "Ask who runs the name and whether it should point inside.",
        "See what the client requested from the internal address.",
        "Let the resolver refuse internal addresses in answers from outside.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const PRIVATE_ANSWER: &Reason = ABOUT.at(0);
const FLIP: &Reason = ABOUT.at(1);
const METADATA: &Reason = ABOUT.at(2);

/// Clients and names of which the last answers are kept.
const MAX_PAIRS: usize = 50_000;
/// Longest name kept.
const MAX_NAME_LEN: usize = 253;
/// How long a public answer before makes an inside one a flip.
const FLIP_WITHIN: Interval = Interval::from_secs(86_400);
/// Most seconds that one of the two answers of a flip may be kept.
const FLIP_TTL: u64 = 60;
/// How long after the answer a request counts as its use.
const USED_WITHIN: Interval = Interval::from_secs(60);
/// Clients with the same inside answer from which on it is split DNS.
const SPLIT_CLIENTS: usize = 3;
/// Below `arpa`, names that stay at home.
const LOCAL_SUFFIXES: &[&[u8]] = &[b".home.arpa", b".in-addr.arpa", b".ip6.arpa"];

/// A public answer and how long it might be kept.
#[derive(Clone, Copy)]
struct Public {
    ts: Timestamp,
    addr: Addr,
    ttl: u64,
}

struct Inside {
    client: Addr,
    name: Box<[u8]>,
    ts: Timestamp,
    addr: Addr,
    ttl: u64,
    uid: Uid,
    packet: u64,
    reason: &'static Reason,
}

/// See the module.
pub(crate) struct Rebinding {
    seed: u64,
    /// The last public answer, by the digest of client and name.
    public: Recent<u64, Public>,
    /// The last answer that leads inside.
    inside: Recent<u64, Inside>,
}

impl Rebinding {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, public: Recent::of(scope, MAX_PAIRS), inside: Recent::of(scope, MAX_PAIRS) }
    }

    fn dns(&mut self, dns: &Dns<'_>, cx: &mut Cx<'_>) {
        // Questions of and answers from the LAN's own name services say nothing about public names.
        let is_address = dns.resp_port == 53 && matches!(dns.qtype, 1 | 28) && dns.query.len() <= MAX_NAME_LEN;
        if !is_address || dns.answers.is_empty() || is_local(dns.query) {
            return;
        }
        // Of several public ones in a row the last one stays.
        let mut last = None;
        for answer in dns.records() {
            let Some(addr) = answer.addr else { continue };
            let ttl = answer.ttl.unwrap_or(0);
            if !is_inside(addr) && !cx.hosts().is_internal(addr) {
                last = Some(Public { ts: dns.ts, addr, ttl });
                continue;
            }
            if is_expected(dns, addr, cx) {
                continue;
            }
            self.public(dns, last.take());
            self.inside(dns, addr, ttl, cx);
        }
        self.public(dns, last);
    }

    fn public(&mut self, dns: &Dns<'_>, public: Option<Public>) {
        if let Some(public) = public {
            *self.public.at(self.key(dns.orig, dns.query), || public) = public;
        }
    }

    fn key(&self, client: Addr, name: &[u8]) -> u64 {
        SeededState(self.seed).hash_one((client, name_digest(name, self.seed)))
    }

    fn inside(&mut self, dns: &Dns<'_>, addr: Addr, ttl: u64, cx: &mut Cx<'_>) {
        let key = self.key(dns.orig, dns.query);
        let public = self.public.peek(&key).copied();
        let flip = public.filter(|p| dns.ts - p.ts <= FLIP_WITHIN && p.ttl.min(ttl) <= FLIP_TTL);
        let reason = match (is_metadata(addr), flip) {
            (true, _) => METADATA,
            (false, Some(_)) => FLIP,
            _ => PRIVATE_ANSWER,
        };
        let (client, name, uid, packet) = (dns.orig, dns.query.into(), dns.uid, cx.packet);
        let inside = Inside { client, name, ts: dns.ts, addr, ttl, uid, packet, reason };
        match self.inside.get(&key) {
            Some(known) => *known = inside,
            None => _ = self.inside.at(key, || inside),
        }
        // Whether it is split DNS shows at the end.
        if reason.code == PRIVATE_ANSWER.code {
            return;
        }
        let (severity, confidence) = (Severity::High, Confidence::percent(80));
        let mut raise = Raise::new(&ABOUT, reason, dns.orig, severity, confidence)
            .key(String::from_utf8_lossy(dns.query))
            .peer(addr)
            .peer(dns.resp)
            .at(dns.ts)
            .flow(dns.uid)
            .packet(cx.packet)
            .measure(Measure::count("time to live", ttl, Some(FLIP_TTL), "s", Origin::Own))
            .quote("answer", format!("{} is at {addr}", dns.query.escape_ascii()).as_bytes(), cx.packet);
        if let Some(Public { ts, addr: public, ttl }) = flip {
            let gap = (dns.ts - ts).0 / 1_000_000_000;
            raise = raise
                .measure(Measure::count(
                    "time since the public answer",
                    u64::try_from(gap).unwrap_or(0),
                    Some(86_400),
                    "s",
                    Origin::Own,
                ))
                .quote("answer before", format!("{public}, to be kept for {ttl} s").as_bytes(), 0);
        }
        cx.raise(raise);
    }

    fn http(&mut self, http: &Http<'_>, cx: &mut Cx<'_>) {
        let host = http.host.split(|b| *b == b':').next().unwrap_or(&[]);
        if host.is_empty() || host.len() > MAX_NAME_LEN {
            return;
        }
        let Some(inside) = self.inside.peek(&self.key(http.orig, host)) else { return };
        if inside.addr != http.resp || http.ts < inside.ts || http.ts - inside.ts > USED_WITHIN {
            return;
        }
        let answered = http.status.is_some_and(|code| code < 400);
        let severity = if answered { Severity::Critical } else { Severity::High };
        // What one name inside is asked for in the ordinary way of split DNS is decided at the end.
        if inside.reason.code == PRIVATE_ANSWER.code {
            return;
        }
        let request = [http.method, b" ", http.uri, b" of ", http.host].concat();
        let raise = Raise::new(&ABOUT, inside.reason, http.orig, severity, Confidence::percent(90))
            .key(String::from_utf8_lossy(host))
            .confirmed("used")
            .peer(http.resp)
            .between(inside.ts, http.ts)
            .flow(inside.uid)
            .flow(http.uid)
            .packet(inside.packet)
            .packet(cx.packet)
            .measure(Measure::count("time to live", inside.ttl, Some(FLIP_TTL), "s", Origin::Own))
            .measure(Measure::count("status of the response", http.status.unwrap_or(0), None, "", Origin::Own))
            .quote("request", &request, cx.packet);
        cx.raise(raise);
    }
}

impl Detector for Rebinding {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dns, Kind::Http]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dns(dns) => self.dns(dns, cx),
            Row::Http(http) => self.http(http, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let all = self.inside.iter().map(|(_, inside)| inside);
        let plain = all.filter(|i| i.reason.code == PRIVATE_ANSWER.code);
        let mut plain: Vec<(&[u8], Addr, Addr, &Inside)> = plain.map(|i| (&*i.name, i.addr, i.client, i)).collect();
        plain.sort_unstable_by_key(|p| (p.0, p.1, p.2));
        for same in plain.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let split = same.len() >= SPLIT_CLIENTS;
            let severity = if split { Severity::Info } else { Severity::Low };
            let clients = u64::try_from(same.len()).unwrap_or(u64::MAX);
            for (name, addr, client, inside) in same {
                let raise = Raise::new(&ABOUT, PRIVATE_ANSWER, *client, severity, Confidence::percent(50))
                    .key(String::from_utf8_lossy(name))
                    .peer(*addr)
                    .at(inside.ts)
                    .flow(inside.uid)
                    .packet(inside.packet)
                    .measure(Measure::count("clients with that answer", clients, Some(3), "", Origin::Own))
                    .quote("answer", format!("{} is at {addr}", name.escape_ascii()).as_bytes(), inside.packet);
                cx.raise(if split {
                    raise.benign("split DNS", "several clients get the same internal address, none a public one")
                } else {
                    raise.benign("split DNS", "too few clients asked to tell")
                });
            }
        }
    }

    fn held_len(&self) -> usize {
        let names = self.inside.iter().map(|(_, inside)| inside.name.len()).sum::<usize>();
        self.public.held_len() + self.inside.held_len() + names
    }

    fn forgotten(&self) -> u64 {
        self.public.forgotten() + self.inside.forgotten()
    }
}

/// A name that belongs to the local network by its shape.
fn is_local(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let Some(dot) = last_dot(name, name.len()) else { return true };
    match name.get(dot + 1..).unwrap_or(&[]) {
        b"local" | b"internal" | b"lan" | b"localdomain" | b"corp" | b"intranet" | b"private" | b"localhost" => true,
        b"arpa" => LOCAL_SUFFIXES.iter().any(|s| name.ends_with(s)),
        _ => false,
    }
}

/// An address that no public name has business with.
fn is_inside(addr: Addr) -> bool {
    match (addr.as_v4(), addr.octets()) {
        (Some(v4), _) => matches!(
            v4,
            [0 | 10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..]
        ),
        (None, [0xfc | 0xfd, ..] | [0xfe, 0x80..=0xbf, ..]) => true,
        (None, octets) => matches!(octets, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 | 1]),
    }
}

fn is_metadata(addr: Addr) -> bool {
    addr == Addr::v4([169, 254, 169, 254])
        || addr == Addr::v6([0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54])
}

/// Block lists, ad blockers and split DNS.
fn is_expected(dns: &Dns<'_>, addr: Addr, cx: &Cx<'_>) -> bool {
    let null = addr == Addr::v4([0; 4]) || addr == Addr::UNSPECIFIED;
    let loopback =
        matches!(addr.as_v4(), Some([127, ..])) || addr.octets() == &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let own = cx.hosts().is_internal(dns.resp);
    (own && (null || loopback || dns.authoritative)) || (loopback && asks_block_list(dns.query))
}

/// `4.3.2.1.list.example`, or 32 nibbles: an address reversed in front of a list's name (RFC 5782 §2).
fn asks_block_list(name: &[u8]) -> bool {
    let number = |label: &[u8]| !label.is_empty() && label.len() <= 3 && label.iter().all(u8::is_ascii_digit);
    let nibble = |label: &[u8]| label.len() == 1 && label.iter().all(u8::is_ascii_hexdigit);
    let labels = || name.split(|b| *b == b'.');
    labels().take(4).filter(|l| number(l)).count() == 4 || labels().take(32).filter(|l| nibble(l)).count() == 32
}

#[cfg(test)]
mod tests;
