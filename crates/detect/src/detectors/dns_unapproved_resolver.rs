//! # dns-unapproved-resolver
//! ## How
//! Approved are the resolvers that `--resolver` names, that DHCP gave the host or its neighbours, and those at home. `plain`: a host at home is
//! answered by another one with recursion, ten times or more within 24 hours. `dot`: a TLS session to port 853. `doq`: QUIC that offers `doq`. `doh`:
//! HTTPS (or QUIC with HTTP/3) to a known provider's name or address, or requests of DNS over HTTPS that can be read. `changed`: more than nine tenths of a host's questions go to a resolver
//! within an hour that it did not ask before, while it asked others before. `dynamic`: a name below a domain of dynamic
//! DNS is asked for, a fact of the capture.
//! ## Thresholds
//! Ten questions, nine tenths, one hour; 20 questions before and after a change (Sekisho's own choice).
//! ## State
//! For each of 10,000 hosts 8 resolvers; 10,000 hosts with what DHCP gave them; the least recent forgotten.
//! ## Severity
//! `changed` high 0.6. `plain` low 0.8; `info` 0.5 where nothing is known of approved resolvers: neither `--resolver` nor DHCP says any, and no host at home
//! answers DNS. `dot`, `doq`, `doh` low 0.8, on servers medium 0.8. `dynamic` `info` 0.5.
//! ## Benign
//! Hosts that answer DNS themselves pass questions on: left out. Answers with authority come from a domain's own servers, not from a resolver.
//! Browsers switch to DNS over HTTPS by themselves unless the name use-application-dns.net is refused; phones have private DNS. A host
//! that takes up a resolver which DHCP gives has not changed for a bad reason.
//! ## Blind
//! Providers that are in no list, and sessions whose server name is encrypted. Once a host asks over an encrypted way, its
//! questions are not seen any more.
//! ## References
//! RFC 7858 (DoT); RFC 8484 (DoH); RFC 9250 (DoQ); GuardDuty UnusualDNSResolver, UnusualDoHActivity and UnusualDoTActivity.

use crate::detection::Scope;
use crate::dns_zones::{Domains, parent};
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Dhcp, Dns, Http, Kind, Quic, Row, Ssl};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Subnet, Timestamp, Uid};

static ABOUT: About = About {
    id: "dns-unapproved-resolver",
    title: "DNS that bypasses yours",
    means: "This host asks DNS servers outside the approved ones, possibly encrypted.",
    techniques: &["T1071.004", "T1572", "T1568"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "plain", means: "A host asks a resolver outside in clear." },
        Reason { code: "dot", means: "A host asks a resolver outside over TLS." },
        Reason { code: "doq", means: "A host asks a resolver outside over QUIC." },
        Reason { code: "doh", means: "A host asks a resolver outside over HTTPS." },
        Reason { code: "changed", means: "A host's questions moved to another resolver all at once." },
        Reason { code: "dynamic", means: "A name of a dynamic DNS service was asked for." },
    ],
    benign: "Browsers and phones with encrypted DNS of their own, roaming tunnels, network gear.",
    clears: "The host asks approved resolvers only, for 24 hours.",
    next: &[
        "See what on the host asks that resolver: a setting, a browser, a program.",
        "Answer use-application-dns.net with NXDOMAIN, so that browsers keep to your resolver.",
        "Let only your resolvers ask outside.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), useful(What::Requests(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const PLAIN: &Reason = ABOUT.at(0);
const DOT: &Reason = ABOUT.at(1);
const DOQ: &Reason = ABOUT.at(2);
const DOH: &Reason = ABOUT.at(3);
const CHANGED: &Reason = ABOUT.at(4);
const DYNAMIC: &Reason = ABOUT.at(5);

/// Hosts followed.
const MAX_HOSTS: usize = 10_000;
/// Resolvers kept of a host.
const MAX_RESOLVERS: usize = 8;
/// Resolvers that DHCP gave anybody.
const MAX_GIVEN: usize = 64;
/// Questions within a day that are worth mentioning.
const QUESTIONS: u64 = 10;
const DAY: Interval = Interval::from_secs(86_400);
/// Within which a change is sudden, questions before and after it, and the share that moved, in percent.
const HOUR: Interval = Interval::from_secs(3_600);
const STEADY: u64 = 20;
const MOVED_PERCENT: u64 = 90;
/// Names quoted of a resolver's questions.
const MAX_SAMPLES: usize = 3;
/// Port of DNS over TLS and over QUIC (RFC 7858 §3.1, RFC 9250 §4.1.1).
const DOT_PORT: u16 = 853;

/// Names of public resolvers' encrypted services. A host below one of these counts as well.
const PROVIDERS: &[&[u8]] = &[
    b"dns.google",
    b"dns64.dns.google",
    b"cloudflare-dns.com",
    b"one.one.one.one",
    b"cloudflare-gateway.com",
    b"quad9.net",
    b"doh.opendns.com",
    b"doh.familyshield.opendns.com",
    b"doh.sandbox.opendns.com",
    b"dns.opendns.com",
    b"dns.adguard.com",
    b"adguard-dns.com",
    b"dns.nextdns.io",
    b"doh.cleanbrowsing.org",
    b"controld.com",
    b"dns.mullvad.net",
    b"doh.mullvad.net",
    b"dns.alidns.com",
    b"doh.pub",
    b"dot.pub",
    b"doh.360.cn",
    b"doh.dns.apple.com",
    b"doh.xfinity.com",
    b"doh.cox.net",
    b"dns0.eu",
    b"dns.sb",
    b"odvr.nic.cz",
    b"doh.libredns.gr",
    b"doh.applied-privacy.net",
    b"dns.digitale-gesellschaft.ch",
    b"dns.switch.ch",
    b"ordns.he.net",
    b"doh.tiar.app",
    b"dns.twnic.tw",
    b"public.dns.iij.jp",
    b"doh.la.ahadns.net",
    b"rethinkdns.com",
    b"dns.njal.la",
    b"doh.ffmuc.net",
];
/// Addresses of public resolvers at which HTTPS is DNS.
const PROVIDER_ADDRS: &[[u8; 4]] = &[
    [1, 0, 0, 1],
    [1, 1, 1, 1],
    [1, 0, 0, 2],
    [1, 1, 1, 2],
    [1, 0, 0, 3],
    [1, 1, 1, 3],
    [8, 8, 4, 4],
    [8, 8, 8, 8],
    [9, 9, 9, 9],
    [9, 9, 9, 10],
    [9, 9, 9, 11],
    [149, 112, 112, 112],
    [149, 112, 112, 10],
    [149, 112, 112, 11],
    [208, 67, 220, 220],
    [208, 67, 222, 222],
    [94, 140, 14, 14],
    [94, 140, 15, 15],
    [223, 5, 5, 5],
    [223, 6, 6, 6],
];
/// Domains below which everybody may point a name at an address of his own.
const DYNAMIC_DOMAINS: &[&[u8]] = &[
    b"duckdns.org",
    b"no-ip.org",
    b"no-ip.com",
    b"no-ip.biz",
    b"no-ip.info",
    b"noip.me",
    b"ddns.net",
    b"hopto.org",
    b"zapto.org",
    b"sytes.net",
    b"servebeer.com",
    b"serveftp.com",
    b"servegame.com",
    b"myftp.org",
    b"myftp.biz",
    b"myvnc.com",
    b"redirectme.net",
    b"bounceme.net",
    b"dyndns.org",
    b"dyndns.biz",
    b"dyndns.info",
    b"homeip.net",
    b"dynu.net",
    b"dynu.com",
    b"freeddns.org",
    b"afraid.org",
    b"mooo.com",
    b"chickenkiller.com",
    b"strangled.net",
    b"changeip.org",
    b"3322.org",
    b"f3322.net",
    b"f3322.org",
    b"dynv6.net",
    b"now-dns.org",
    b"nsupdate.info",
    b"spdns.de",
    b"selfip.com",
    b"loginto.me",
    b"gotdns.ch",
    b"ddnss.de",
];

/// A resolver as one host uses it.
struct Used {
    resolver: Addr,
    first: Timestamp,
    last: Timestamp,
    /// Answers in all, and since `day`.
    answers: u64,
    day: Timestamp,
    in_day: u64,
    uid: Uid,
    packet: u64,
    samples: Vec<Box<[u8]>>,
    /// Is it outside, and not approved when it was last asked?
    outside: bool,
}

#[derive(Default)]
struct Host {
    used: Vec<Used>,
    /// What DHCP gave it.
    given: Vec<Addr>,
    /// Start of the hour in which changes are looked for, and whom it asked how often within.
    hour: Timestamp,
    in_hour: Vec<(Addr, u64)>,
    changed: bool,
}

/// See the module.
pub(crate) struct Unapproved {
    approved: Vec<Subnet>,
    /// What DHCP gave anybody.
    given: Vec<Addr>,
    hosts: Recent<Addr, Host>,
    /// Hosts at home that answer questions.
    answering: Recent<Addr, ()>,
    dynamic: Domains,
    providers: Domains,
}

impl Unapproved {
    pub fn new(scope: &Scope) -> Self {
        Self {
            approved: scope.resolvers.clone(),
            given: Vec::new(),
            hosts: Recent::of(scope, MAX_HOSTS),
            answering: Recent::of(scope, MAX_HOSTS),
            dynamic: Domains::new(DYNAMIC_DOMAINS),
            providers: Domains::new(PROVIDERS),
        }
    }

    /// A provider of DNS over HTTPS, by its name, or by its address where no name was said.
    fn is_provider(&self, name: &[u8], addr: Addr) -> bool {
        if name.is_empty() {
            return addr.as_v4().is_some_and(|v4| PROVIDER_ADDRS.contains(&v4));
        }
        self.providers.hold(name)
    }

    fn is_approved(&self, resolver: Addr) -> bool {
        self.approved.iter().any(|n| n.contains(resolver)) || self.given.contains(&resolver)
    }

    /// Somebody at home asks somebody outside who is not approved, for himself.
    fn bypasses(&self, client: Addr, resolver: Addr, cx: &Cx<'_>) -> bool {
        cx.hosts().is_internal(client)
            && !cx.hosts().is_internal(resolver)
            && !resolver.is_multicast()
            && !self.is_approved(resolver)
            && self.answering.peek(&client).is_none()
            && !cx.hosts().is(client, Role::Resolver)
    }

    fn dhcp(&mut self, dhcp: &Dhcp<'_>) {
        let client = dhcp.assigned.or(dhcp.client).filter(|c| *c != Addr::v4([0; 4]));
        for given in dhcp.resolvers.addrs().take(MAX_RESOLVERS) {
            if self.given.len() < MAX_GIVEN && !self.given.contains(&given) {
                self.given.push(given);
            }
            if let Some(client) = client {
                let host = self.hosts.at(client, Host::default);
                if host.given.len() < MAX_RESOLVERS && !host.given.contains(&given) {
                    host.given.push(given);
                }
            }
        }
    }

    fn dns(&mut self, dns: &Dns<'_>, cx: &mut Cx<'_>) {
        if dns.resp_port != 53 || dns.rcode.is_none() || dns.query.is_empty() {
            return;
        }
        if cx.hosts().is_internal(dns.resp) && dns.orig != dns.resp {
            self.answering.at(dns.resp, || ());
        }
        if !cx.hosts().is_internal(dns.orig) {
            return;
        }
        if dns.rcode == Some(0) && parent(dns.query).is_some_and(|domain| self.dynamic.hold(domain)) {
            let raise = Raise::new(&ABOUT, DYNAMIC, dns.orig, Severity::Info, Confidence::percent(50))
                .key(String::from_utf8_lossy(dns.query))
                .peer(dns.resp)
                .at(dns.ts)
                .flow(dns.uid)
                .packet(cx.packet)
                .quote("asked for", dns.query, cx.packet);
            cx.raise(raise.benign("a name of long standing", "what was asked for before the capture is not known"));
        }
        // Authority is no resolver's.
        if !dns.recursion || dns.authoritative {
            return;
        }
        let outside = self.bypasses(dns.orig, dns.resp, cx);
        let host = self.hosts.at(dns.orig, Host::default);
        host.note(dns, outside, cx.packet);
        if let Some(from) = host.moved(dns)
            && outside
        {
            let used = host.used.iter().find(|u| u.resolver == dns.resp);
            let in_hour: u64 = host.in_hour.iter().map(|h| h.1).sum();
            let here = host.in_hour.iter().find(|h| h.0 == dns.resp).map_or(0, |h| h.1);
            let mut raise = Raise::new(&ABOUT, CHANGED, dns.orig, Severity::High, Confidence::percent(60))
                .key(dns.resp.to_string())
                .peer(dns.resp)
                .peer(from.0)
                .between(used.map_or(dns.ts, |u| u.first), dns.ts)
                .flow(dns.uid)
                .packet(cx.packet)
                .measure(Measure::count("answers before by others", from.1, Some(STEADY), "", Origin::Own))
                .measure(Measure::count(
                    "share within an hour",
                    here * 100 / in_hour.max(1),
                    Some(MOVED_PERCENT),
                    "%",
                    Origin::Own,
                ))
                .quote("resolver before", from.0.to_string().as_bytes(), 0)
                .quote("resolver now", dns.resp.to_string().as_bytes(), cx.packet);
            raise = match host.given.is_empty() {
                true => raise.benign("a resolver that DHCP gave", "no lease of this host was seen"),
                false => raise.benign("a resolver that DHCP gave", "DHCP gave it another"),
            };
            host.changed = true;
            cx.raise(raise);
        }
    }

    /// A session that carries, or may carry, encrypted DNS.
    fn encrypted(&self, reason: &'static Reason, s: &Session<'_>, how: &str, cx: &mut Cx<'_>) {
        if !self.bypasses(s.orig, s.resp, cx) {
            return;
        }
        let server = cx.hosts().is(s.orig, Role::Server);
        let severity = if server { Severity::Medium } else { Severity::Low };
        let name = String::from_utf8_lossy(s.name);
        let raise = Raise::new(&ABOUT, reason, s.orig, severity, Confidence::percent(80))
            .key(if s.name.is_empty() { s.resp.to_string() } else { name.clone().into_owned() })
            .peer(s.resp)
            .at(s.ts)
            .flow(s.uid)
            .packet(cx.packet)
            .quote("resolver", format!("{name} {} port {}: {how}", s.resp, s.port).trim_start().as_bytes(), cx.packet)
            .benign(
                "a server",
                if server { "it serves others: no browser's own choice" } else { "it is not known to serve others" },
            );
        cx.raise(raise);
    }
}

/// What sessions of TLS, QUIC and HTTP have in common.
struct Session<'a> {
    ts: Timestamp,
    uid: Uid,
    orig: Addr,
    resp: Addr,
    port: u16,
    name: &'a [u8],
}

impl Host {
    fn note(&mut self, dns: &Dns<'_>, outside: bool, packet: u64) {
        if dns.ts - self.hour > HOUR {
            (self.hour, self.in_hour) = (dns.ts, Vec::new());
        }
        if let Some(known) = self.in_hour.iter_mut().find(|h| h.0 == dns.resp) {
            known.1 += 1;
        } else if self.in_hour.len() < MAX_RESOLVERS {
            self.in_hour.push((dns.resp, 1));
        }
        let at = self.used.iter().position(|u| u.resolver == dns.resp).unwrap_or_else(|| {
            // The one asked longest ago makes room, unless it is to be told.
            if self.used.len() >= MAX_RESOLVERS
                && let Some(idle) = self.used.iter().enumerate().min_by_key(|(_, u)| (u.is_told(), u.last)).map(|u| u.0)
            {
                self.used.swap_remove(idle);
            }
            self.used.push(Used {
                resolver: dns.resp,
                first: dns.ts,
                last: dns.ts,
                answers: 0,
                day: dns.ts,
                in_day: 0,
                uid: dns.uid,
                packet,
                samples: Vec::new(),
                outside,
            });
            self.used.len() - 1
        });
        let Some(used) = self.used.get_mut(at) else { return };
        if dns.ts - used.day > DAY && used.in_day < QUESTIONS {
            (used.day, used.in_day) = (dns.ts, 0);
        }
        used.answers += 1;
        used.in_day += 1;
        used.last = dns.ts;
        used.outside = outside;
        if used.samples.len() < MAX_SAMPLES && !used.samples.iter().any(|s| **s == *dns.query) {
            used.samples.push(dns.query.into());
        }
    }

    /// Whom the host asked most before, and how often, if it has just moved to the resolver of `dns`.
    fn moved(&self, dns: &Dns<'_>) -> Option<(Addr, u64)> {
        let here = self.used.iter().find(|u| u.resolver == dns.resp)?;
        let in_hour: u64 = self.in_hour.iter().map(|h| h.1).sum();
        let now = self.in_hour.iter().find(|h| h.0 == dns.resp).map_or(0, |h| h.1);
        // Since it asked this one for the first time.
        if self.changed || self.given.contains(&dns.resp) || now < STEADY || dns.ts - here.first > HOUR {
            return None;
        }
        let before = || self.used.iter().filter(|u| u.resolver != dns.resp && u.first < here.first);
        let all: u64 = before().map(|u| u.answers).sum();
        let still: u64 = before().filter(|u| u.last > here.first).map(|u| u.answers).sum();
        let most = before().max_by_key(|u| u.answers)?;
        let moved = now * 100 > in_hour * MOVED_PERCENT || still == 0;
        (all >= STEADY && moved).then_some((most.resolver, all))
    }
}

impl Used {
    fn is_told(&self) -> bool {
        self.outside && self.in_day >= QUESTIONS
    }
}

/// Is that DNS over HTTPS, by the request's target (RFC 8484 §4.1)?
fn is_doh(http: &Http<'_>) -> bool {
    let (path, query) = match http.uri.iter().position(|b| *b == b'?') {
        Some(at) => http.uri.split_at(at),
        None => (http.uri, &[][..]),
    };
    let asks = query.split(|b| matches!(b, b'?' | b'&')).any(|p| p.starts_with(b"dns=") && p.len() > 16);
    path.ends_with(b"/dns-query") && (asks || http.method == b"POST")
}

impl Detector for Unapproved {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dhcp, Kind::Dns, Kind::Http, Kind::Quic, Kind::Ssl]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dhcp(dhcp) => self.dhcp(dhcp),
            Row::Dns(dns) => self.dns(dns, cx),
            Row::Http(h) if is_doh(h) => {
                let Http { ts, uid, orig, resp, resp_port: port, host: name, .. } = *h;
                self.encrypted(DOH, &Session { ts, uid, orig, resp, port, name }, "a request of DNS over HTTPS", cx);
            }
            Row::Quic(q) => {
                let Quic { ts, uid, orig, resp, resp_port: port, server_name: name, .. } = *q;
                let session = Session { ts, uid, orig, resp, port, name };
                if q.alpn.texts().any(|p| p.starts_with(b"doq")) {
                    self.encrypted(DOQ, &session, "QUIC that offers doq", cx);
                } else if self.is_provider(name, resp) && q.alpn.texts().any(|p| p.starts_with(b"h3")) {
                    self.encrypted(DOH, &session, "HTTP/3 with a provider of DNS over HTTPS", cx);
                }
            }
            Row::Ssl(s) if s.resp_port == DOT_PORT || self.is_provider(s.server_name, s.resp) => {
                let Ssl { ts, uid, orig, resp, resp_port: port, server_name: name, .. } = *s;
                let session = Session { ts, uid, orig, resp, port, name };
                // TLS 1.3 hides what the server chose.
                let offers = s.offered.texts().any(|p| matches!(p, b"h2" | b"h3"));
                match (port, s.alpn) {
                    (DOT_PORT, alpn) if !alpn.starts_with(b"doq") => self.encrypted(DOT, &session, "TLS", cx),
                    (443, alpn) if matches!(alpn, b"h2" | b"h3") || (alpn.is_empty() && offers) => {
                        self.encrypted(DOH, &session, "HTTPS with a provider of DNS over HTTPS", cx);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let known = !self.approved.is_empty() || !self.given.is_empty() || !self.answering.is_empty();
        let grade = if known { (Severity::Low, 80) } else { (Severity::Info, 50) };
        let mut told: Vec<(Addr, &Used)> = Vec::new();
        for (host, h) in self.hosts.iter() {
            told.extend(h.used.iter().filter(|u| u.is_told()).map(|u| (*host, u)));
        }
        told.sort_unstable_by_key(|t| (t.0, t.1.resolver));
        for (host, used) in told {
            // What it is was perhaps learnt only later.
            if !self.bypasses(host, used.resolver, cx) {
                continue;
            }
            let mut raise = Raise::new(&ABOUT, PLAIN, host, grade.0, Confidence::percent(grade.1))
                .key(used.resolver.to_string())
                .peer(used.resolver)
                .between(used.first, used.last)
                .times(used.answers)
                .flow(used.uid)
                .packet(used.packet)
                .measure(Measure::count("questions answered in a day", used.in_day, Some(QUESTIONS), "", Origin::Own));
            for name in &used.samples {
                raise = raise.quote("asked for", name, 0);
            }
            cx.raise(raise.benign(
                "the resolver that it should ask",
                if known { "others are known to be" } else { "none is known: name yours with --resolver" },
            ));
        }
    }

    fn held_len(&self) -> usize {
        let used = |u: &Used| size_of::<Used>() + u.samples.iter().map(|s| s.len() + 16).sum::<usize>();
        let host = |h: &Host| {
            h.used.iter().map(used).sum::<usize>() + (h.given.capacity() + 2 * h.in_hour.capacity()) * size_of::<Addr>()
        };
        self.hosts.held_len() + self.answering.held_len() + self.hosts.iter().map(|(_, h)| host(h)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.hosts.forgotten() + self.answering.forgotten()
    }
}

#[cfg(test)]
mod tests;
