//! # intel-contact
//! ## How
//! Lists given with `--intel` name addresses, networks, domains, URLs and digests. Looked up are: the other end of every
//! flow (the smallest network that holds it), names asked for in DNS, named in TLS and in HTTP's Host (with every name
//! above them, whole labels only), URLs (with every listed beginning, up to a slash), digests of files, of server
//! certificates (SHA-256) and of TLS clients (JA3). A flow that names a listed host counts for the name alone, and so does
//! a flow to a listed address whose name, from the last DNS answer, is listed. The stronger form `answered`: bytes went both ways.
//! ## Thresholds
//! 25 MB for +0.15 (RITA); 10 other names on an address for −0.3 (Sekisho's own choice).
//! ## State
//! Hits by host and indicator: 20,000; flows that named a listed host: 16,384; names on listed addresses: 4,096
//! addresses with 10 each. The least recent are forgotten.
//! ## Severity
//! `address`, `name`, `url`: answered high 0.7, with 25 MB and more 0.85; without an answer medium 0.5. `file`, `certificate` high
//! 0.9; `client` (JA3, shared by many programs) medium 0.5; `dns-only` low 0.5; `inbound` (a listed host came to a service
//! and was answered) low 0.5; without an answer it is not told. Entries past the date that the list itself gives are info.
//! ## Benign
//! Stale entries, sinkholes, addresses of content networks (ten or more other names on the address lower the confidence by
//! 0.3), researchers, link previews that only resolve a name.
//! ## Blind
//! Without `--intel`. Names in encrypted DNS and encrypted client hellos; lists say nothing of what is new. Addresses at home
//! are never looked up, as many lists hold private networks.
//! ## References
//! Zeek intelligence framework; RITA threat intel; nDPI MALWARE_HOST_CONTACTED; MISP core format.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Dns, Files, Http, Kind, Row, Ssl};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_intel::{Entry, Indicator, Table};
use sekisho_types::{Addr, Timestamp, Uid};
use std::fmt::Write;
use std::sync::Arc;

static ABOUT: About = About {
    id: "intel-contact",
    title: "talked to a listed host",
    means: "This device contacted an address, network, name or file that is on a supplied list.",
    techniques: &["T1071"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "address", means: "It contacted a listed address." },
        Reason { code: "name", means: "It contacted a listed name." },
        Reason { code: "url", means: "It requested a listed URL." },
        Reason { code: "file", means: "It sent or received a listed file." },
        Reason { code: "certificate", means: "It met a server with a listed certificate." },
        Reason { code: "client", means: "It has a TLS client with a listed fingerprint." },
        Reason { code: "dns-only", means: "It asked for a listed name; no flow to it was seen." },
        Reason { code: "inbound", means: "A listed host came to it and was answered." },
    ],
    benign: "Stale entries, sinkholes, addresses shared by many names, researchers, link previews.",
    clears: "No further contact, or the entry leaves the list.",
    next: &[
        "Read the list's own entry and how old it is.",
        "See what went over the flows named here.",
        "Look for other hosts with the same contact.",
    ],
    needs: &[
        vital(What::Given("--intel")),
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Clear(Traffic::Dns)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const ADDRESS: usize = 0;
const NAME: usize = 1;
const URL: usize = 2;
const FILE: usize = 3;
const CERTIFICATE: usize = 4;
const CLIENT: usize = 5;
const DNS_ONLY: usize = 6;
const INBOUND: usize = 7;

/// Hosts and indicators of which something is kept.
const MAX_HITS: usize = 20_000;
/// Flows known to belong to a listed name.
const MAX_FLOWS: usize = 16_384;
/// Listed addresses whose other names are counted.
const MAX_SHARED: usize = 4_096;
/// Names on an address that make it a shared one.
const SHARED_NAMES: usize = 10;
/// Bytes that make it surer (RITA).
const MUCH_BYTES: u64 = 25_000_000;
/// Peers, flows and packets kept of a hit.
const MAX_SAMPLES: usize = 8;

type Key = (Addr, String);

/// What is known of one host and one indicator.
struct Hit {
    reason: usize,
    entry: Entry,
    first: Timestamp,
    last: Timestamp,
    flows_count: u64,
    asked: u64,
    answered: bool,
    bytes: u64,
    peers: Vec<Addr>,
    flows: Vec<Uid>,
    packets: Vec<u64>,
}

/// One sign of a hit.
struct Sign {
    ts: Timestamp,
    peer: Option<Addr>,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct Contact {
    lists: Arc<Table>,
    hits: Recent<Key, Hit>,
    /// Flows that named something listed.
    flows: Recent<Uid, Key>,
    /// Names that are not listed, on addresses that are.
    shared: Recent<Addr, Vec<Box<[u8]>>>,
}

fn text(indicator: &Indicator) -> String {
    match indicator {
        Indicator::Addr(addr) => addr.to_string(),
        Indicator::Net(net) => net.to_string(),
        Indicator::Domain(text) | Indicator::Url(text) | Indicator::Hash(text) | Indicator::Client(text) => {
            text.clone()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn keep<T: PartialEq>(samples: &mut Vec<T>, item: T) {
    if samples.len() < MAX_SAMPLES && !samples.contains(&item) {
        samples.push(item);
    }
}

impl Contact {
    pub fn new(scope: &Scope) -> Self {
        Self {
            lists: Arc::clone(&scope.intel),
            hits: Recent::of(scope, MAX_HITS),
            flows: Recent::of(scope, MAX_FLOWS),
            shared: Recent::of(scope, MAX_SHARED),
        }
    }

    /// Notes a sign; what names more than the resolver's answer replaces `dns-only`.
    fn hit(&mut self, host: Addr, reason: usize, found: (String, Entry), sign: &Sign) -> &mut Hit {
        let (indicator, entry) = found;
        let hit = self.hits.at((host, indicator), || Hit {
            reason,
            entry,
            first: sign.ts,
            last: sign.ts,
            flows_count: 0,
            asked: 0,
            answered: false,
            bytes: 0,
            peers: Vec::new(),
            flows: Vec::new(),
            packets: Vec::new(),
        });
        if hit.reason == DNS_ONLY || hit.reason == INBOUND {
            hit.reason = reason;
        }
        (hit.first, hit.last) = (hit.first.min(sign.ts), hit.last.max(sign.ts));
        if let Some(peer) = sign.peer {
            keep(&mut hit.peers, peer);
        }
        if sign.uid != Uid::default() {
            keep(&mut hit.flows, sign.uid);
        }
        keep(&mut hit.packets, sign.packet);
        hit
    }

    fn domain(&self, name: &[u8]) -> Option<(String, Entry)> {
        self.lists.domain(name).map(|(indicator, entry)| (text(&indicator), *entry))
    }

    fn addr(&self, addr: Addr) -> Option<(String, Entry)> {
        self.lists.addr(addr).map(|(indicator, entry)| (text(&indicator), *entry))
    }

    /// Logs have digests as bytes, lists and some columns as text.
    fn hash(&self, digest: &[u8]) -> Option<(String, Entry)> {
        let is_text = matches!(digest.len(), 32 | 40 | 64) && digest.iter().all(u8::is_ascii_hexdigit);
        let found = match std::str::from_utf8(digest) {
            Ok(hex) if is_text => self.lists.hash(hex),
            _ if matches!(digest.len(), 16 | 20 | 32) => self.lists.hash(&hex(digest)),
            _ => None,
        };
        found.map(|(indicator, entry)| (text(&indicator), *entry))
    }

    fn dns(&mut self, dns: &Dns<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(dns.orig) {
            return;
        }
        let Some(found) = self.domain(dns.query) else { return };
        let sign = Sign { ts: dns.ts, peer: None, uid: dns.uid, packet: cx.packet };
        self.hit(dns.orig, DNS_ONLY, found, &sign).asked += 1;
    }

    /// A flow from inside names a host: by a listed name or URL, or not.
    fn named(
        &mut self,
        ends: (Addr, Addr),
        uid: Uid,
        name: &[u8],
        found: Option<(usize, (String, Entry))>,
        sign: &Sign,
    ) {
        let (host, peer) = ends;
        if let Some((reason, found)) = found {
            self.flows.at(uid, || (host, found.0.clone()));
            self.hit(host, reason, found, sign);
        } else if !name.is_empty() && self.lists.addr(peer).is_some() {
            let names = self.shared.at(peer, Vec::new);
            if names.len() < SHARED_NAMES && !names.iter().any(|n| **n == *name) {
                names.push(name.into());
            }
        }
    }

    fn http(&mut self, http: &Http<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(http.orig) || http.host.is_empty() {
            return;
        }
        let host = http.host.split(|b| *b == b':').next().unwrap_or(&[]);
        let url = self.lists.url(http.host, http.uri).map(|(indicator, entry)| (URL, (text(&indicator), *entry)));
        let found = url.or_else(|| self.domain(host).map(|f| (NAME, f)));
        let sign = Sign { ts: http.ts, peer: Some(http.resp), uid: http.uid, packet: cx.packet };
        self.named((http.orig, http.resp), http.uid, host, found, &sign);
    }

    fn ssl(&mut self, ssl: &Ssl<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(ssl.orig) {
            return;
        }
        let sign = Sign { ts: ssl.ts, peer: Some(ssl.resp), uid: ssl.uid, packet: cx.packet };
        for print in ssl.chain.texts() {
            if let Some(found) = self.hash(print) {
                self.hit(ssl.orig, CERTIFICATE, found, &sign).flows_count += 1;
            }
        }
        if let Some(found) = self.hash(ssl.ja3) {
            self.hit(ssl.orig, CLIENT, found, &sign).flows_count += 1;
        }
        let found = self.domain(ssl.server_name).map(|f| (NAME, f));
        self.named((ssl.orig, ssl.resp), ssl.uid, ssl.server_name, found, &sign);
    }

    fn files(&mut self, file: &Files<'_>, cx: &Cx<'_>) {
        let inside = |a: Addr| cx.hosts().is_internal(a);
        let Some(host) = [file.orig, file.resp].into_iter().find(|a| inside(*a)) else { return };
        let peer = if host == file.orig { file.resp } else { file.orig };
        for digest in [file.sha256, file.sha1, file.md5] {
            if let Some(found) = self.hash(digest) {
                let sign = Sign { ts: file.ts, peer: Some(peer), uid: file.uid, packet: cx.packet };
                let hit = self.hit(host, FILE, found, &sign);
                hit.flows_count += 1;
                hit.bytes += file.seen;
                return;
            }
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &Cx<'_>) {
        let answered = conn.orig_bytes > 0 && conn.resp_bytes > 0;
        let (out, back) = (cx.hosts().is_internal(conn.orig), cx.hosts().is_internal(conn.resp));
        let named = self.flows.remove(&conn.uid);
        let (host, reason, found) = match (named, out, back) {
            (Some((host, indicator)), ..) => {
                let Some(hit) = self.hits.peek(&(host, indicator.clone())) else { return };
                (host, hit.reason, (indicator, hit.entry))
            }
            (None, true, false) => {
                let Some(found) = self.addr(conn.resp) else { return };
                // The same place has a listed name, by which it is known already.
                match cx.name_of(conn.resp).and_then(|n| self.domain(n.as_bytes())) {
                    Some(named) => (conn.orig, NAME, named),
                    None => (conn.orig, ADDRESS, found),
                }
            }
            (None, false, true) if answered => {
                let Some(found) = self.addr(conn.orig) else { return };
                (conn.resp, INBOUND, found)
            }
            _ => return,
        };
        let peer = if reason == INBOUND { conn.orig } else { conn.resp };
        let sign = Sign { ts: conn.ts, peer: Some(peer), uid: conn.uid, packet: 0 };
        let hit = self.hit(host, reason, found, &sign);
        hit.flows_count += 1;
        hit.bytes += conn.orig_bytes.saturating_add(conn.resp_bytes);
        hit.answered |= answered;
    }

    /// Flows to an address before its listed name was seen belong to that name, too.
    fn fold(&mut self, cx: &Cx<'_>) {
        let mut bare: Vec<(Key, Key)> = Vec::new();
        for ((host, indicator), hit) in self.hits.iter().filter(|(_, h)| h.reason == ADDRESS) {
            let name = hit.peers.first().filter(|_| hit.peers.len() == 1).and_then(|p| cx.name_of(*p));
            if let Some((name, _)) = name.and_then(|n| self.domain(n.as_bytes())) {
                bare.push(((*host, indicator.clone()), (*host, name)));
            }
        }
        bare.sort_unstable();
        for (from, to) in bare {
            if self.hits.peek(&to).is_none() {
                continue;
            }
            let Some(old) = self.hits.remove(&from) else { continue };
            let Some(hit) = self.hits.get(&to) else { continue };
            if hit.reason == DNS_ONLY {
                hit.reason = NAME;
            }
            (hit.first, hit.last) = (hit.first.min(old.first), hit.last.max(old.last));
            hit.flows_count += old.flows_count;
            hit.bytes = hit.bytes.saturating_add(old.bytes);
            hit.answered |= old.answered;
            old.peers.into_iter().for_each(|p| keep(&mut hit.peers, p));
            old.flows.into_iter().for_each(|f| keep(&mut hit.flows, f));
            old.packets.into_iter().for_each(|p| keep(&mut hit.packets, p));
        }
    }

    /// How bad, how sure.
    fn grade(&self, hit: &Hit, shared: bool) -> (Severity, Confidence) {
        let (severity, percent) = match hit.reason {
            FILE | CERTIFICATE => (Severity::High, 90),
            CLIENT => (Severity::Medium, 50),
            DNS_ONLY | INBOUND => (Severity::Low, 50),
            _ if hit.answered => (Severity::High, 70),
            _ => (Severity::Medium, 50),
        };
        let stale = hit.entry.expires.is_some_and(|until| until < hit.last);
        let mut confidence = Confidence::percent(percent);
        if hit.answered && hit.bytes >= MUCH_BYTES && hit.reason <= URL {
            confidence = confidence.plus(150);
        }
        if shared {
            confidence = confidence.plus(-300);
        }
        (if stale { Severity::Info } else { severity }, confidence)
    }

    fn tell(&self, host: Addr, indicator: &str, hit: &Hit, cx: &mut Cx<'_>) {
        let Some(reason) = ABOUT.reasons.get(hit.reason) else { return };
        let names_on = |a: &Addr| self.shared.peek(a).is_some_and(|n| n.len() >= SHARED_NAMES);
        let shared = hit.reason == ADDRESS && hit.peers.iter().any(names_on);
        let (severity, confidence) = self.grade(hit, shared);
        let mut raise = Raise::new(&ABOUT, reason, host, severity, confidence)
            .key(indicator)
            .between(hit.first, hit.last)
            .times(hit.flows_count.max(hit.asked).max(1))
            .quote("listed", self.source(hit).as_bytes(), 0)
            .measure(Measure::count("flows", hit.flows_count, None, "", Origin::Own))
            .measure(Measure::count("bytes both ways", hit.bytes, Some(MUCH_BYTES), "B", Origin::Field("RITA")))
            .measure(Measure::count("questions for the name", hit.asked, None, "", Origin::Own))
            .benign(
                "an address that many names share is listed for one of them",
                if shared {
                    "ten other names or more were seen on it"
                } else {
                    "fewer than ten other names were seen on it"
                },
            );
        if hit.entry.expires.is_some() {
            let stale = hit.entry.expires.is_some_and(|until| until < hit.last);
            raise = raise.benign(
                "the entry may be out of date",
                if stale {
                    "the list says that it was no longer true by then"
                } else {
                    "it was true by then, as the list says"
                },
            );
        }
        if hit.answered && hit.reason <= URL {
            raise = raise.confirmed("answered");
        }
        raise = hit.peers.iter().fold(raise, |r, p| r.peer(*p));
        raise = hit.flows.iter().fold(raise, |r, f| r.flow(*f));
        raise = hit.packets.iter().fold(raise, |r, p| r.packet(*p));
        cx.raise(raise);
    }

    /// `bad.txt line 7 (plain list of 20 days before): scanner`
    fn source(&self, hit: &Hit) -> String {
        let Some(list) = self.lists.list(&hit.entry) else { return String::new() };
        let age = list.date.map_or("of unknown age".to_owned(), |date| {
            let days = (hit.last - date).0 / 86_400_000_000_000;
            if days >= 0 { format!("{days} days old then") } else { format!("made {} days later", -days) }
        });
        let label = self.lists.label(&hit.entry);
        let gap = if label.is_empty() { "" } else { ": " };
        format!("{} line {} ({} list, {age}){gap}{label}", list.name, hit.entry.line, list.format.name())
    }
}

impl Detector for Contact {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        // Without lists no row is worth a look.
        if self.lists.is_empty() {
            return &[];
        }
        &[Kind::Conn, Kind::Dns, Kind::Files, Kind::Http, Kind::Ssl]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn, cx),
            Row::Dns(dns) => self.dns(dns, cx),
            Row::Files(file) => self.files(file, cx),
            Row::Http(http) => self.http(http, cx),
            Row::Ssl(ssl) => self.ssl(ssl, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.fold(cx);
        let mut all: Vec<(&Key, &Hit)> = self.hits.iter().collect();
        all.sort_unstable_by_key(|h| h.0);
        for ((host, indicator), hit) in all {
            self.tell(*host, indicator, hit, cx);
        }
    }

    fn held_len(&self) -> usize {
        let samples = |h: &Hit| (h.peers.capacity() + h.flows.capacity()) * 16 + h.packets.capacity() * 8;
        let hits: usize = self.hits.iter().map(|(k, h)| k.1.capacity() + samples(h)).sum();
        let names: usize = self.shared.iter().flat_map(|(_, n)| n).map(|n| n.len() + 16).sum();
        self.hits.held_len() + self.flows.held_len() + self.shared.held_len() + hits + names
    }

    fn forgotten(&self) -> u64 {
        self.hits.forgotten() + self.shared.forgotten()
    }
}

#[cfg(test)]
mod tests;
