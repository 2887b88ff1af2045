//! # audit-cleartext-post
//! ## How
//! A host at home sends HTTP requests with POST, PUT or PATCH, unencrypted, to a host outside. For each device and host (of the
//! Host field, else the address): how many, how many bytes, the largest, of which types, to which paths. Requests that
//! were only readable because the session's keys were given are left out.
//! ## Thresholds
//! A body at all. 100 kB a day is shown beside the bytes as what is much (Sekisho's own choice); it changes nothing.
//! ## State
//! Each device and host: 30,000, the least recent forgotten; four types and four paths of each.
//! ## Severity
//! Info 0.95: it describes what the device does. Passwords in forms are `cleartext-credentials`.
//! ## Benign
//! Questions about certificates (OCSP) are public by design and left out, and so is what stays at home: UPnP, printers.
//! ## Blind
//! What bodies hold is not looked into: identifiers of the device in them (reason `identifiers` of the specification) are not
//! found, and neither is readable data in other protocols (`raw-json`).
//! ## References
//! nDPI HTTP risks; RFC 9110 §9.3; RFC 6960 appendix A (OCSP over HTTP).

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Http, Items, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "audit-cleartext-post",
    title: "data posted without encryption",
    means: "This device sends data by unencrypted HTTP to these places, this much.",
    techniques: &["T1040", "T1048.003"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "post", means: "It posted data in requests that anybody on the way can read." },
        Reason { code: "put", means: "It stored data with requests that anybody on the way can read." },
    ],
    benign: "Certificate checks, portals that ask for a log-in on public networks, UPnP at home.",
    clears: "The device sends over TLS, or no longer.",
    next: &["See in the flows named here what is sent.", "Look for a setting of the device that turns TLS on."],
    needs: &[
        vital(What::Some(Traffic::Web)),
        vital(What::Requests(Traffic::Web)),
        useful(What::Whole(Traffic::Web)),
        useful(What::Uncut(Traffic::Web)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const POST: usize = 0;
const PUT: usize = 1;

/// Devices and hosts of which something is kept.
const MAX_PAIRS: usize = 30_000;
/// Longest name of a host kept.
const MAX_HOST_LEN: usize = 253;
/// Types and paths kept of a pair, and how long one may be.
const MAX_KEPT: usize = 4;
const MAX_KEPT_LEN: usize = 120;
/// Bytes a day that are much.
const MUCH_BYTES: u64 = 100_000;
const DAY_SECS: u64 = 86_400;

struct Sent {
    server: Addr,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    bytes: u64,
    largest: u64,
    puts: u64,
    types: Vec<Box<[u8]>>,
    paths: Vec<Box<[u8]>>,
    flows: Vec<Uid>,
    packets: [u64; 2],
}

/// See the module.
pub(crate) struct CleartextPost {
    pairs: Recent<(Addr, Box<[u8]>), Sent>,
}

impl CleartextPost {
    pub fn new(scope: &Scope) -> Self {
        Self { pairs: Recent::of(scope, MAX_PAIRS) }
    }

    fn http(&mut self, http: &Http<'_>, cx: &Cx<'_>) {
        let puts = match http.method {
            b"POST" => 0,
            b"PUT" | b"PATCH" => 1,
            _ => return,
        };
        let inside = |a: Addr| cx.hosts().is_internal(a) || a.is_multicast();
        if http.decrypted || http.request_len == 0 || !inside(http.orig) || inside(http.resp) {
            return;
        }
        if is_ocsp(http) {
            return;
        }
        let host = http.host.split(|b| *b == b':').next().unwrap_or(&[]);
        let host = host.get(..MAX_HOST_LEN).unwrap_or(host).to_ascii_lowercase();
        let packet = cx.packet;
        let sent = self.pairs.at((http.orig, host.into_boxed_slice()), || Sent {
            server: http.resp,
            first: http.ts,
            last: http.ts,
            count: 0,
            bytes: 0,
            largest: 0,
            puts: 0,
            types: Vec::new(),
            paths: Vec::new(),
            flows: Vec::new(),
            packets: [packet; 2],
        });
        (sent.first, sent.last) = (sent.first.min(http.ts), sent.last.max(http.ts));
        sent.count += 1;
        sent.puts += puts;
        sent.bytes = sent.bytes.saturating_add(http.request_len);
        sent.largest = sent.largest.max(http.request_len);
        sent.packets[1] = packet;
        http.request_types.texts().for_each(|t| keep(&mut sent.types, t));
        // What stands behind the question mark may be secret.
        keep(&mut sent.paths, http.uri.split(|b| matches!(b, b'?' | b'#' | b';')).next().unwrap_or(&[]));
        if sent.flows.len() < MAX_KEPT && !sent.flows.contains(&http.uid) {
            sent.flows.push(http.uid);
        }
    }
}

/// A question about a certificate: public by design.
fn is_ocsp(http: &Http<'_>) -> bool {
    let has = |types: Items<'_>, wanted: &[u8]| types.texts().any(|t| t == wanted);
    has(http.request_types, b"application/ocsp-request") || has(http.response_types, b"application/ocsp-response")
}

fn keep(kept: &mut Vec<Box<[u8]>>, item: &[u8]) {
    let item = item.get(..MAX_KEPT_LEN).unwrap_or(item);
    if kept.len() < MAX_KEPT && !kept.iter().any(|k| **k == *item) {
        kept.push(item.into());
    }
}

fn tell(device: Addr, host: &[u8], sent: &Sent, cx: &mut Cx<'_>) {
    let put = sent.puts * 2 > sent.count;
    let Some(reason) = ABOUT.reasons.get(if put { PUT } else { POST }) else { return };
    let days = u64::try_from((sent.last - sent.first).0 / 1_000_000_000).unwrap_or(0) / DAY_SECS + 1;
    let key = if host.is_empty() { sent.server.to_string() } else { String::from_utf8_lossy(host).into_owned() };
    let mut raise = Raise::new(&ABOUT, reason, device, Severity::Info, Confidence::percent(95))
        .key(key)
        .peer(sent.server)
        .between(sent.first, sent.last)
        .times(sent.count)
        .packet(sent.packets[0])
        .packet(sent.packets[1])
        .measure(Measure::count("requests", sent.count, None, "", Origin::Own))
        .measure(Measure::count("bytes a day", sent.bytes / days, Some(MUCH_BYTES), "B", Origin::Own))
        .measure(Measure::count("bytes", sent.bytes, None, "B", Origin::Own))
        .measure(Measure::count("largest body", sent.largest, None, "B", Origin::Own))
        .benign("certificate checks are public by design", "these requests are none");
    if !sent.types.is_empty() {
        raise = raise.quote("types", &sent.types.join(&b", "[..]), 0);
    }
    raise = raise.quote("paths", &sent.paths.join(&b" "[..]), sent.packets[0]);
    raise = sent.flows.iter().fold(raise, |r, f| r.flow(*f));
    cx.raise(raise);
}

impl Detector for CleartextPost {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Http]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Http(http) = row {
            self.http(http, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<_> = self.pairs.iter().collect();
        all.sort_unstable_by_key(|p| p.0);
        for ((device, host), sent) in all {
            tell(*device, host, sent, cx);
        }
    }

    fn held_len(&self) -> usize {
        let texts = |t: &Vec<Box<[u8]>>| t.iter().map(|b| b.len() + 16).sum::<usize>();
        let own = |s: &Sent| texts(&s.types) + texts(&s.paths) + s.flows.capacity() * size_of::<Uid>();
        self.pairs.held_len() + self.pairs.iter().map(|(k, s)| k.1.len() + own(s)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten()
    }
}

#[cfg(test)]
mod tests;
