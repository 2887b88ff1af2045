//! Which certificates there are and which services show them (`detections.md` §6): what all judgements on certificates
//! read. Fed before the detectors; judged at the end of the run.

use crate::certificate::{Cert, Fingerprint, domain, hex, short};
use crate::detection::Scope;
use crate::hosts::Hosts;
use crate::rows::{Row, TlsSession};
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{About, Confidence, Reason, Severity};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};

/// Certificates kept: 100,000 entries of the catalogue's budget are shared with the services.
const MAX_CERTS: usize = 50_000;
/// Services kept, each with one certificate.
const MAX_SERVED: usize = 50_000;
/// Certificates of a chain kept.
const MAX_CHAIN: usize = 8;
/// Clients of a service told apart.
const MAX_CLIENTS: usize = 8;
/// Names asked of a service told apart.
const MAX_ASKED: usize = 16;
/// Longest name kept.
const MAX_NAME_LEN: usize = 253;
/// Alerts by which a client refuses a certificate (RFC 8446 §6.2): bad_certificate to certificate_unknown, unknown_ca,
/// bad_certificate_status_response.
const REFUSALS: &[u64] = &[42, 43, 44, 45, 46, 48, 113];
/// The alert of a client that does not know the authority.
const UNKNOWN_CA: u64 = 48;

/// Shortest validity of certificates that a maker's authority issues; those of intruders' kits are made for days.
const MAKERS_VALIDITY: Interval = Interval::from_secs(7 * 86_400);

/// Before this day the roots that come with the program are not those of the time, as authorities retire roots and add
/// others every year: 2025-01-01.
pub(crate) const ROOTS_SINCE: Timestamp = Timestamp::from_parts(1_735_689_600, 0);

/// Why a chain leads to no trusted root: the parsers' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    SelfSigned,
    /// As before, but its signature could not be checked.
    SelfIssued,
    UnknownRoot,
    /// The server's certificate alone, of an issuer that is no root.
    Alone,
    BadSignature,
    NoAuthority,
}

impl Fault {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "self-signed" => Self::SelfSigned,
            "self-issued" => Self::SelfIssued,
            "unknown-root" => Self::UnknownRoot,
            "alone" => Self::Alone,
            "bad-signature" => Self::BadSignature,
            "no-authority" => Self::NoAuthority,
            _ => return None,
        })
    }
}

/// How a certificate covers the name that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    #[default]
    Unknown,
    Covered,
    /// By the common name alone, which RFC 9525 does not allow.
    CommonName,
    Other,
}

/// A name that clients asked of a service.
#[derive(Clone, Debug)]
pub struct Asked {
    pub name: Box<str>,
    pub fit: Fit,
    /// Sessions with it that were established.
    pub established: u64,
}

/// A service and the certificate that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    pub server: Addr,
    pub port: u16,
    /// Of its own certificate.
    pub leaf: Fingerprint,
}

/// What was seen of a service with one certificate.
#[derive(Clone, Debug)]
pub struct Served {
    /// Of the first session.
    pub chain: Vec<Fingerprint>,
    pub fault: Option<Fault>,
    /// The chain leads to a trusted root and is valid; or would be, were it not for the time.
    pub vouched: bool,
    /// The root is one that the user added: no public one.
    pub private: bool,
    /// A certificate of an otherwise good chain is out of date.
    pub outdated: bool,
    pub first: Timestamp,
    pub last: Timestamp,
    pub packet: u64,
    pub uid: Uid,
    pub sessions: u64,
    pub established: u64,
    /// Clients refused the certificate by an alert.
    pub refused: u64,
    /// Clients that refused because they do not know the authority.
    pub unknown_ca: Vec<Addr>,
    /// Sessions established, for each of the first clients.
    pub clients: Vec<(Addr, u64)>,
    /// Clients that showed a certificate.
    pub client_certs: Vec<Addr>,
    pub asked: Vec<Asked>,
    /// Shortest prime of a finite-field key exchange, bits.
    pub dh_len: Option<u64>,
    /// Over datagrams.
    pub dtls: bool,
    /// Protocol in which TLS was begun.
    pub inside: Box<str>,
}

/// A service, what it showed, and its own certificate.
pub(crate) type Shown<'a> = (&'a Service, &'a Served, &'a Cert);

/// See the module.
pub struct Catalogue {
    certs: Recent<Fingerprint, Cert>,
    served: Recent<Service, Served>,
}

impl Catalogue {
    pub(crate) fn new(scope: &Scope) -> Self {
        Self { certs: Recent::of(scope, MAX_CERTS), served: Recent::of(scope, MAX_SERVED) }
    }

    /// All services with a certificate that could be read, in the order met.
    pub fn served(&self) -> Vec<Shown<'_>> {
        let mut all: Vec<Shown<'_>> = self
            .served
            .iter()
            .filter_map(|(service, served)| Some((service, served, self.certs.peek(&service.leaf)?)))
            .collect();
        all.sort_unstable_by_key(|(service, served, _)| (served.first, **service));
        all
    }

    /// What is kept of a certificate.
    pub(crate) fn cert(&self, fingerprint: &Fingerprint) -> Option<&Cert> {
        self.certs.peek(fingerprint)
    }

    pub(crate) fn row(&mut self, row: &Row<'_>, packet: u64) {
        match row {
            Row::TlsCert(cert) => {
                if let Ok(fp) = cert.fingerprint.try_into() {
                    self.certs.at(fp, || Cert::new(cert, packet));
                }
            }
            Row::TlsSession(session) => self.session(session, packet),
            _ => {}
        }
    }

    fn session(&mut self, s: &TlsSession<'_>, packet: u64) {
        let Some(leaf) = s.chain.texts().next().and_then(|fp| Fingerprint::try_from(fp).ok()) else { return };
        let service = Service { server: s.server, port: s.server_port, leaf };
        let known = self.served.get(&service).is_some();
        let served = self.served.at(service, || Served::new(s, packet));
        served.session(s);
        if !known && served.vouched {
            self.vouch(&service);
        }
    }

    /// The chain of a service leads to a trusted root: so do the authorities on the way.
    fn vouch(&mut self, service: &Service) {
        let Some(served) = self.served.peek(service) else { return };
        let on_the_way: Vec<Fingerprint> = self.path(served).iter().map(|(fp, _)| **fp).collect();
        for fp in on_the_way {
            if let Some(cert) = self.certs.get(&fp) {
                cert.vouched = true;
            }
        }
    }

    /// From a service's own certificate to the last issuer that it sent, by names and key identifiers.
    pub fn path<'c>(&'c self, served: &'c Served) -> Vec<(&'c Fingerprint, &'c Cert)> {
        let sent: Vec<_> = served.chain.iter().filter_map(|fp| Some((fp, self.certs.peek(fp)?))).collect();
        let mut path: Vec<(&Fingerprint, &Cert)> = Vec::new();
        let mut next = sent.first().copied().filter(|(fp, _)| served.chain.first() == Some(fp));
        while let Some(link) = next {
            path.push(link);
            let issuer = |c: &&(&Fingerprint, &Cert)| link.1.names_as_issuer(c.1) && path.iter().all(|p| p.0 != c.0);
            next = sent.iter().find(issuer).copied();
        }
        path
    }

    /// Is that a protocol of proxies, behind which the server is another than the flow's?
    pub fn is_proxied(inside: &str) -> bool {
        matches!(inside, "http" | "socks")
    }

    /// Authorities that trusted chains lead over, by name.
    pub fn vouched(&self) -> HashMap<&str, Vec<&Cert>, SeededState> {
        let mut by_name = HashMap::with_hasher(SeededState(0));
        for (_, cert) in self.certs.iter().filter(|(_, c)| c.vouched && c.ca) {
            by_name.entry(&*cert.subject).or_insert_with(Vec::new).push(cert);
        }
        by_name
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.certs.forgotten() + self.served.forgotten()
    }
}

impl Served {
    fn new(s: &TlsSession<'_>, packet: u64) -> Self {
        let chain = s.chain.texts().take(MAX_CHAIN).filter_map(|fp| fp.try_into().ok());
        let outdated = matches!(s.validation, b"certificate has expired" | b"certificate is not yet valid");
        Self {
            chain: chain.collect(),
            fault: Fault::named(s.fault),
            vouched: s.validation == b"ok" || outdated,
            private: s.added_root,
            outdated,
            first: s.ts,
            last: s.ts,
            packet,
            uid: s.uid,
            sessions: 0,
            established: 0,
            refused: 0,
            unknown_ca: Vec::new(),
            clients: Vec::new(),
            client_certs: Vec::new(),
            asked: Vec::new(),
            dh_len: None,
            dtls: s.version.is_some_and(|v| v >> 8 == 0xfe),
            inside: s.inside.into(),
        }
    }

    fn session(&mut self, s: &TlsSession<'_>) {
        self.first = self.first.min(s.ts);
        self.last = self.last.max(s.ts);
        self.sessions += 1;
        self.established += u64::from(s.established);
        if s.client_alert.is_some_and(|a| REFUSALS.contains(&a)) {
            self.refused += 1;
        }
        if s.client_alert == Some(UNKNOWN_CA) {
            note(&mut self.unknown_ca, s.client);
        }
        if s.client_cert && s.established {
            note(&mut self.client_certs, s.client);
        }
        if let Some(client) = self.clients.iter_mut().find(|c| c.0 == s.client) {
            client.1 += u64::from(s.established);
        } else if self.clients.len() < MAX_CLIENTS {
            self.clients.push((s.client, u64::from(s.established)));
        }
        self.dh_len = match (self.dh_len, s.dh_len) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.asked(s);
    }

    fn asked(&mut self, s: &TlsSession<'_>) {
        if s.server_name.is_empty() || s.server_name.len() > MAX_NAME_LEN {
            return;
        }
        // Most sessions ask for a name in lower case that is known already: nothing is allocated for them.
        let same = |a: &&mut Asked| a.name.as_bytes().eq_ignore_ascii_case(s.server_name);
        if let Some(asked) = self.asked.iter_mut().find(same) {
            asked.established += u64::from(s.established);
        } else if self.asked.len() < MAX_ASKED {
            let fit = match s.name_fits {
                "covered" => Fit::Covered,
                "common-name" => Fit::CommonName,
                "other" => Fit::Other,
                _ => Fit::Unknown,
            };
            let name = String::from_utf8_lossy(s.server_name).to_ascii_lowercase().into();
            self.asked.push(Asked { name, fit, established: u64::from(s.established) });
        }
    }

    /// Was it seen behind a proxy?
    pub fn is_proxied(&self) -> bool {
        Catalogue::is_proxied(&self.inside)
    }

    /// Every client that saw the certificate refused it: the danger was seen.
    pub fn is_refused(&self) -> bool {
        self.refused > 0 && self.established == 0
    }
}

/// Are these, the services of one authority that is not trusted, what a maker runs for its devices (`detections.md` §9,
/// `vendor-ca`)? All are outside and were taken by clients at home only; they have names of one domain, more than one server or
/// name of it, so that there is an authority at work and no lone certificate; and the certificates are in order: in time,
/// not made for hours, and for the names that were asked for.
pub(crate) fn are_makers(all: &[Shown<'_>], hosts: &Hosts) -> bool {
    let fine = |(service, served, cert): &Shown<'_>| {
        let outside = !hosts.is_internal(service.server) && !served.is_proxied();
        let taken = served.refused == 0 && served.established > 0;
        let by_home = served.clients.iter().all(|(client, _)| hosts.is_internal(*client));
        let named = !served.asked.is_empty() && served.asked.iter().all(|a| a.fit == Fit::Covered);
        let in_time = match (cert.not_before, cert.not_after) {
            (Some(from), Some(to)) => from <= served.first && served.last <= to && to - from >= MAKERS_VALIDITY,
            _ => false,
        };
        outside && taken && by_home && named && in_time && served.last >= ROOTS_SINCE
    };
    let names =
        || all.iter().flat_map(|(_, s, c)| s.asked.iter().map(|a| &*a.name).chain(c.names.iter().map(|n| &**n)));
    let Some(first) = names().next() else { return false };
    let one_domain = names().all(|name| domain(name) == domain(first));
    let several = names().any(|name| name != first) || all.iter().any(|s| all.iter().any(|o| o.0.server != s.0.server));
    one_domain && several && all.iter().all(fine)
}

fn note(list: &mut Vec<Addr>, addr: Addr) {
    if list.len() < MAX_CLIENTS && !list.contains(&addr) {
        list.push(addr);
    }
}

impl Service {
    /// Of a finding about the service and its certificate.
    pub fn key(&self) -> String {
        format!("{} {}", self.port, short(&self.leaf))
    }

    /// Is it one's own? What a proxy leads to is not.
    pub fn is_own(&self, served: &Served, hosts: &Hosts) -> bool {
        !served.is_proxied() && hosts.is_internal(self.server)
    }
}

/// A finding about a service's certificate with the evidence that all of them carry. One that only clients that refused it
/// saw is worth listing, not more.
pub(crate) fn raise(
    about: &'static About,
    reason: &'static Reason,
    (service, served, cert): Shown<'_>,
    (severity, confidence): (Severity, u8),
) -> Raise {
    let severity = if served.is_refused() { Severity::Info } else { severity };
    let mut raise = Raise::new(about, reason, service.server, severity, Confidence::percent(confidence))
        .key(service.key())
        .between(served.first, served.last)
        .times(served.sessions)
        .flow(served.uid)
        .packet(served.packet)
        .packet(cert.packet)
        .quote("certificate", cert.words().as_bytes(), cert.packet)
        .quote("SHA-256", hex(&service.leaf).as_bytes(), 0);
    for (client, _) in &served.clients {
        raise = raise.peer(*client);
    }
    if !served.asked.is_empty() {
        let names: Vec<&str> = served.asked.iter().map(|a| &*a.name).collect();
        raise = raise.quote("asked for", names.join(" ").as_bytes(), served.packet);
    }
    if served.is_refused() {
        return raise.benign("the client checks certificates", "it refused this one with an alert");
    }
    raise
}

/// The severity for a service of one's own, and one step less for others'.
pub(crate) fn graded((service, served, _): Shown<'_>, own: Severity, cx: &Cx<'_>) -> Severity {
    if service.is_own(served, cx.hosts()) { own } else { own.lowered(1) }
}
