//! # c2-fronting
//! ## How
//! Names of one connection out of the network that should agree. `sni-host`: a TLS session for one domain in which HTTP asks for another, seen with keys only; or a request of HTTP/2 for one domain whose Host field names another. `connect-sni`: a proxy is
//! asked to connect to one domain, and the TLS session through it asks for another. `sni-unresolved`: a TLS session to an address for a
//! name, neither of which the host has got from DNS, while it has nearly all others. `ip-sni`: the name asked for is an address, or no name at all.
//! ## Thresholds
//! Domains are compared by what somebody registered. Unresolved: 20 other sessions, 95 % of which DNS explains; an hour after the host's first session. All of Sekisho's own choice.
//! ## State
//! 8,192 connections with names; 131,072 names and addresses that hosts got from DNS, for a day or two; 2,048 hosts with up to four sessions that nothing explains. The
//! least recent are forgotten.
//! ## Severity
//! `sni-host`, `connect-sni` high 0.8; `sni-host` medium 0.5 if no certificate was seen (the session was resumed); both low 0.4 if one certificate has both names, or more names than are kept: clients may use one connection for both. `sni-unresolved` medium 0.5 where
//! one host of fifty goes, else low. `ip-sni` low 0.3.
//! ## Benign
//! HTTP/2 uses a connection for all names of its certificate. TLS inspection. Names from a hosts file. Of hosts that use encrypted DNS nothing is said to be unresolved.
//! ## Blind
//! Without keys what is asked for inside is not seen. Encrypted client hellos hide the outer name's meaning; they are not told, as most are sent to no purpose. A certificate without the name asked for is told by
//! `tls-cert-name`.
//! ## References
//! Fifield et al., Blocking-resistant communication through domain fronting, PETS 2015; RFC 9113 §9.1.1; nDPI TLS_MISSING_SNI, TLS_SUSPICIOUS_ESNI_USAGE; ATT&CK T1090.004.

use crate::catalogue::Catalogue;
use crate::certificate::Fingerprint;
use crate::detection::Scope;
use crate::dns_exchanges::name_digest;
use crate::dns_zones::registrable;
use crate::registry::Detector;
use crate::rows::{Dns, Http, Kind, Row, TlsSession, WebClient};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "c2-fronting",
    title: "names disagree between layers",
    means: "The name shown outside is not the name asked for inside, or no name is shown where one is expected.",
    techniques: &["T1090.004", "T1665"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "sni-host", means: "TLS was set up for one domain, and a request in it is for another." },
        Reason { code: "connect-sni", means: "The proxy was asked for one domain, and TLS through it for another." },
        Reason { code: "sni-unresolved", means: "It knows an address that it has not got from DNS." },
        Reason { code: "ip-sni", means: "TLS asks for an address in place of a name, or for no proper name." },
    ],
    benign: "Shared connections of HTTP/2, TLS inspection, names from a hosts file.",
    clears: "The program is known and wanted, or its names agree.",
    next: &[
        "See which program on the host has the connection.",
        "See who runs the name that is asked for inside.",
        "Look for other hosts with the same two names.",
    ],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Requests(Traffic::Tls)),
        useful(What::Clear(Traffic::Web)),
        useful(What::Some(Traffic::Dns)),
        useful(What::Clear(Traffic::Dns)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SNI_HOST: &Reason = ABOUT.at(0);
const CONNECT_SNI: &Reason = ABOUT.at(1);
const UNRESOLVED: &Reason = ABOUT.at(2);
const IP_SNI: &Reason = ABOUT.at(3);

const MAX_FLOWS: usize = 8_192;
const MAX_RESOLVED: usize = 131_072;
const MAX_HOSTS: usize = 2_048;
const MAX_ODD: usize = 4;
/// Longest name.
const MAX_NAME_LEN: usize = 253;
const DAY: Interval = Interval::from_secs(86_400);
/// Sessions of a host without which nothing is said, share of them that DNS explains, and time since the first.
const MIN_SESSIONS: u64 = 20;
const EXPLAINED_PERCENT: u64 = 95;
const SETTLED: Interval = Interval::from_secs(3_600);

/// Resolvers that answer by HTTPS or TLS: whoever asks them has answers that nobody sees.
const RESOLVERS: &[&str] = &[
    "adguard-dns.com",
    "cloudflare-dns.com",
    "controld.com",
    "dns.google",
    "mullvad.net",
    "nextdns.io",
    "one.one.one.one",
    "opendns.com",
    "quad9.net",
];
const DNS_OVER_TLS: u16 = 853;

/// Names of a connection.
#[derive(Default)]
struct Names {
    /// What a proxy was asked for.
    connect: Option<Box<[u8]>>,
    /// What TLS was asked for, and the certificate that was shown.
    sni: Option<Box<[u8]>>,
    leaf: Option<Fingerprint>,
    said: bool,
}

/// A session that nothing explains.
struct Odd {
    ts: Timestamp,
    server: Addr,
    place: u64,
    name: Box<[u8]>,
    uid: Uid,
    packet: u64,
}

/// TLS sessions of a host.
struct Host {
    first: Timestamp,
    sessions: u64,
    explained: u64,
    /// It uses encrypted DNS.
    hidden: bool,
    odd: Vec<Odd>,
}

/// See the module.
pub(crate) struct Fronting {
    state: SeededState,
    flows: Recent<Uid, Names>,
    /// Names and addresses that hosts got.
    resolved: Recent<u64, ()>,
    hosts: Recent<Addr, Host>,
}

impl Fronting {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            flows: Recent::of(scope, MAX_FLOWS),
            resolved: Recent::lasting(scope, MAX_RESOLVED, DAY),
            hosts: Recent::of(scope, MAX_HOSTS),
        }
    }

    fn name(&self, host: Addr, name: &[u8]) -> u64 {
        self.state.hash_one((host.octets(), name_digest(name, self.state.0)))
    }

    /// Of an address as it is written.
    fn addr(&self, host: Addr, addr: &[u8]) -> u64 {
        self.state.hash_one((host.octets(), addr))
    }

    fn dns(&mut self, row: &Dns<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(row.orig) || row.answers.is_empty() {
            return;
        }
        self.resolved.pass(cx.now);
        let name = self.name(row.orig, row.query);
        self.resolved.at(name, || ());
        for text in row.answers.texts().filter(|text| is_addr(text)) {
            self.resolved.at(self.addr(row.orig, text), || ());
        }
    }

    fn http(&mut self, row: &Http<'_>, cx: &mut Cx<'_>) {
        if !cx.hosts().is_internal(row.orig) {
            return;
        }
        if row.method == b"CONNECT" {
            let name = without_port(row.uri);
            if is_name(name) {
                self.flows.at(row.uid, Names::default).connect = Some(name.into());
            }
            return;
        }
        let host = without_port(row.host);
        if !row.decrypted || !is_name(host) {
            return;
        }
        let Some(names) = self.flows.get(&row.uid).filter(|n| !n.said) else { return };
        let Some(sni) = names.sni.as_deref().filter(|sni| !is_same(sni, host)) else { return };
        names.said = true;
        let shared = shares(names.leaf, sni, host, cx.catalogue());
        let raise = disagreement(SNI_HOST, (row.orig, row.resp), (sni, host), shared);
        cx.raise(raise.at(row.ts).flow(row.uid).packet(cx.packet).quote("asked by TLS", sni, 0).quote(
            "asked by HTTP",
            host,
            cx.packet,
        ));
    }

    /// HTTP/2 has two places for the name (RFC 9113 §8.3.1).
    fn authority(&mut self, row: &WebClient<'_>, cx: &mut Cx<'_>) {
        let (outer, inner) = (without_port(row.authority), without_port(row.other_host));
        if !cx.hosts().is_internal(row.orig) || !is_name(outer) || !is_name(inner) || is_same(outer, inner) {
            return;
        }
        let names = self.flows.at(row.uid, Names::default);
        if std::mem::replace(&mut names.said, true) {
            return;
        }
        let shared = shares(names.leaf, outer, inner, cx.catalogue());
        cx.raise(
            disagreement(SNI_HOST, (row.orig, row.resp), (outer, inner), shared)
                .at(row.ts)
                .flow(row.uid)
                .packet(cx.packet)
                .quote("authority", outer, cx.packet)
                .quote("Host", inner, cx.packet),
        );
    }

    fn tls(&mut self, row: &TlsSession<'_>, cx: &mut Cx<'_>) {
        if !cx.hosts().is_internal(row.client) {
            return;
        }
        let (sni, out) = (row.server_name, !cx.hosts().is_internal(row.server));
        let proxied = Catalogue::is_proxied(row.inside);
        if out && !sni.is_empty() && !is_name(sni) {
            cx.raise(
                Raise::new(&ABOUT, IP_SNI, row.client, Severity::Low, Confidence::percent(30))
                    .key(String::from_utf8_lossy(sni.get(..MAX_NAME_LEN).unwrap_or(sni)))
                    .peer(row.server)
                    .at(row.ts)
                    .flow(row.uid)
                    .packet(cx.packet)
                    .quote("asked by TLS", sni, cx.packet),
            );
        }
        if out && !proxied && row.established {
            self.explain(row, cx);
        }
        if !is_name(sni) {
            return;
        }
        let names = self.flows.at(row.uid, Names::default);
        names.sni = Some(sni.into());
        names.leaf = row.chain.texts().next().and_then(|fp| fp.try_into().ok());
        let Some(connect) = names.connect.as_deref().filter(|connect| !is_same(sni, connect)) else { return };
        names.said = true;
        let shared = shares(names.leaf, sni, connect, cx.catalogue());
        let raise = disagreement(CONNECT_SNI, (row.client, row.server), (connect, sni), shared);
        cx.raise(raise.at(row.ts).flow(row.uid).packet(cx.packet).quote("asked of the proxy", connect, 0).quote(
            "asked by TLS",
            sni,
            cx.packet,
        ));
    }

    /// Counts whether DNS explains a session.
    fn explain(&mut self, row: &TlsSession<'_>, cx: &Cx<'_>) {
        let sni = row.server_name;
        let hidden = row.server_port == DNS_OVER_TLS || RESOLVERS.iter().any(|r| ends_with(sni, r.as_bytes()));
        let by_addr = self.resolved.peek(&self.addr(row.client, row.server.to_string().as_bytes())).is_some();
        let explained = by_addr || (!sni.is_empty() && self.resolved.peek(&self.name(row.client, sni)).is_some());
        let host = self.hosts.at(row.client, || Host {
            first: row.ts,
            sessions: 0,
            explained: 0,
            hidden: false,
            odd: Vec::new(),
        });
        host.hidden |= hidden;
        host.sessions += 1;
        host.explained += u64::from(explained);
        let settled = row.ts - host.first >= SETTLED;
        if explained || !settled || !is_name(sni) || host.odd.iter().any(|o| *o.name == *sni) {
            return;
        }
        if host.odd.len() < MAX_ODD {
            let place = cx.outside().place(row.uid, row.server);
            let (ts, server, uid, packet) = (row.ts, row.server, row.uid, cx.packet);
            host.odd.push(Odd { ts, server, place, name: sni.into(), uid, packet });
        }
    }
}

fn disagreement(
    reason: &'static Reason,
    (host, peer): (Addr, Addr),
    (outer, inner): (&[u8], &[u8]),
    shared: Option<bool>,
) -> Raise {
    // Through a proxy nobody shares a connection: there the session begins with the name.
    let (severity, sure) = match shared {
        Some(true) => (Severity::Low, 40),
        None if reason.code == SNI_HOST.code => (Severity::Medium, 50),
        _ => (Severity::High, 80),
    };
    let shared = match shared {
        Some(true) => "yes: no more than low",
        Some(false) => "no",
        None => "not known: it was not seen",
    };
    let text = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase();
    Raise::new(&ABOUT, reason, host, severity, Confidence::percent(sure))
        .key(format!("{} in {}", text(inner), text(outer)))
        .peer(peer)
        .benign("one certificate may have both names", shared)
}

/// `host:port` without the port, in brackets or not.
fn without_port(host: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b':', host).filter(|at| host.iter().skip(at + 1).all(u8::is_ascii_digit));
    end.and_then(|at| host.get(..at)).unwrap_or(host)
}

/// Is it an address as answers write it?
fn is_addr(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_digit() || *b == b'.') || memchr::memchr(b':', text).is_some()
}

/// Is it a name that a host can have, with a dot, and no address?
fn is_name(text: &[u8]) -> bool {
    let plain = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let last = text.rsplit(|b| *b == b'.').next().unwrap_or(text);
    plain && text.len() <= MAX_NAME_LEN && text.contains(&b'.') && !last.iter().all(u8::is_ascii_digit)
}

fn is_same(a: &[u8], b: &[u8]) -> bool {
    let bare = |name: &'_ [u8]| name.strip_suffix(b".").unwrap_or(name).len();
    let (a, b) = (a.get(..bare(a)).unwrap_or(a), b.get(..bare(b)).unwrap_or(b));
    registrable(a).eq_ignore_ascii_case(registrable(b))
}

fn ends_with(name: &[u8], suffix: &[u8]) -> bool {
    let Some(head) = name.len().checked_sub(suffix.len()) else { return false };
    name.get(head..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        && (head == 0 || name.get(head - 1) == Some(&b'.'))
}

/// Does one certificate have both names, or more than are known? `None` if none was seen.
fn shares(leaf: Option<Fingerprint>, a: &[u8], b: &[u8], catalogue: &Catalogue) -> Option<bool> {
    let cert = leaf.and_then(|fp| catalogue.cert(&fp))?;
    let has = |name: &[u8]| cert.names.iter().any(|pattern| covers(pattern.as_bytes(), name));
    Some((cert.names.len() as u64) < cert.name_count || (has(a) && has(b)))
}

/// Does a certificate's name cover another (RFC 9525 §6.3)?
fn covers(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.strip_prefix(b"*.") {
        Some(parent) => {
            let below = memchr::memchr(b'.', name).and_then(|dot| name.get(dot + 1..));
            below.is_some_and(|below| below.eq_ignore_ascii_case(parent))
        }
        None => pattern.eq_ignore_ascii_case(name),
    }
}

impl Detector for Fronting {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dns, Kind::Http, Kind::TlsSession, Kind::WebClient]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dns(row) => self.dns(row, cx),
            Row::Http(row) => self.http(row, cx),
            Row::TlsSession(row) => self.tls(row, cx),
            Row::WebClient(row) if !row.other_host.is_empty() => self.authority(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let is_clear = |host: &Host| {
            let others = host.sessions.saturating_sub(host.odd.len() as u64).max(1);
            !host.hidden && others >= MIN_SESSIONS && host.explained * 100 >= others * EXPLAINED_PERCENT
        };
        let clear = self.hosts.iter().filter(|(_, host)| is_clear(host));
        let mut found: Vec<(Addr, &Host, &Odd)> =
            clear.flat_map(|(addr, host)| host.odd.iter().map(move |odd| (*addr, host, odd))).collect();
        // The table has no order.
        found.sort_unstable_by_key(|(addr, _, odd)| (*addr, odd.ts, odd.uid));
        for (addr, host, odd) in found {
            let usage = cx.outside().usage(odd.place);
            let severity = if usage.is_rare() { Severity::Medium } else { Severity::Low };
            let share = host.explained * 100 / host.sessions.max(1);
            cx.raise(
                Raise::new(&ABOUT, UNRESOLVED, addr, severity, Confidence::percent(50))
                    .key(String::from_utf8_lossy(&odd.name))
                    .peer(odd.server)
                    .at(odd.ts)
                    .flow(odd.uid)
                    .packet(odd.packet)
                    .quote("asked by TLS", &odd.name, odd.packet)
                    .measure(Measure::count("sessions of the host", host.sessions, Some(MIN_SESSIONS), "", Origin::Own))
                    .measure(Measure::count("explained by DNS", share, Some(EXPLAINED_PERCENT), "%", Origin::Own))
                    .measure(Measure::count("hosts that go there", usage.hosts, None, "", Origin::Own))
                    .benign("the host uses encrypted DNS", "no")
                    .benign(
                        "it was resolved before the capture began",
                        "hardly: it came an hour after the first session",
                    ),
            );
        }
    }

    fn held_len(&self) -> usize {
        let text = |name: &Option<Box<[u8]>>| name.as_ref().map_or(0, |n| n.len());
        let odd =
            |host: &Host| host.odd.capacity() * size_of::<Odd>() + host.odd.iter().map(|o| o.name.len()).sum::<usize>();
        self.flows.held_len()
            + self.resolved.held_len()
            + self.hosts.held_len()
            + self.flows.iter().map(|(_, n)| text(&n.connect) + text(&n.sni)).sum::<usize>()
            + self.hosts.iter().map(|(_, host)| odd(host)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.flows.forgotten() + self.resolved.forgotten() + self.hosts.forgotten()
    }
}

#[cfg(test)]
mod tests;
