//! # dns-amplification
//! ## How
//! UDP flows of services that answer more than they are asked (DNS, NTP, SNMP, SSDP, CLDAP, memcached, CharGen, QOTD, portmap, mDNS, WS-Discovery, TFTP,
//! ARMS, CoAP), added up by minute. `reflector`: a service at home sends one outside network (/24, or /48 of IPv6) at least ten times as many bytes as came
//! from there, at least a megabyte in a minute, and the requests are alike: of nine in ten flows the mean request has one of
//! three lengths. `victim`: fifty or more outside hosts send from such ports ten megabytes in a minute to one host
//! at home, at least nine tenths of it unasked.
//! ## Thresholds
//! All are Sekisho's own choice. Usual factors (US-CERT TA14-017A): NTP 557, memcached 10,000 and more, CharGen 359, CLDAP 56 to 70, DNS 28 to 54, SSDP
//! 31, SNMP 6.
//! ## State
//! 20,000 servers with the networks they answer, 4,096 hosts at home that are answered from outside with up to 64 senders; the least recent forgotten.
//! ## Severity
//! Both high 0.85.
//! ## Benign
//! Zone transfers and other bulk answers go by TCP. Clients of time servers are answered with as much as they ask. A busy server of a zone
//! answers many networks by factors below ten, and different questions with different lengths.
//! ## Blind
//! Flows are counted when they end: a flood that goes on is seen at its end, or at the end of the capture. The share of the link that a flood takes is not known,
//! so that severity does not follow it. Requests that are alike are told by their lengths, not by what they say.
//! ## References
//! Rossow, Amplification Hell, NDSS 2014; US-CERT TA14-017A; RFC 5358.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "dns-amplification",
    title: "your hosts used (or hit) in reflection",
    means: "Small forged requests make a server here send large answers to a victim, or large answers nobody asked for flood a \
            host here.",
    techniques: &["T1498.002"],
    stage: Stage::Impact,
    reasons: &[
        Reason {
            code: "reflector",
            means: "A service here answers one outside network with far more than it is asked.",
        },
        Reason {
            code: "victim",
            means: "Many outside services send a host here large answers that it did not ask for.",
        },
    ],
    benign: "Monitoring of one's own from outside, measurements.",
    clears: "No such minute for 24 hours.",
    next: &[
        "See whether the service has to be reachable from outside at all.",
        "Limit its answers by rate, or turn off what answers large.",
        "Ask the provider upstream to filter, if you are the victim.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Answers(Traffic::Any)), useful(What::Requests(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const REFLECTOR: &Reason = ABOUT.at(0);
const VICTIM: &Reason = ABOUT.at(1);

/// Services that answer more than they are asked, by UDP port.
const SERVICES: &[(u16, &str)] = &[
    (17, "qotd"),
    (19, "chargen"),
    (53, "dns"),
    (69, "tftp"),
    (111, "portmap"),
    (123, "ntp"),
    (161, "snmp"),
    (389, "cldap"),
    (1900, "ssdp"),
    (3283, "arms"),
    (3702, "ws-discovery"),
    (5353, "mdns"),
    (5683, "coap"),
    (11211, "memcached"),
];

/// Servers at home with the networks that they answer.
const MAX_PAIRS: usize = 20_000;
/// Hosts at home that are answered from outside.
const MAX_VICTIMS: usize = 4_096;
/// Senders told apart of a victim.
const MAX_SENDERS: usize = 64;
/// Lengths of requests told apart.
const MAX_LENGTHS: usize = 8;
/// Flows and senders kept as samples.
const MAX_SAMPLES: usize = 8;
/// Time over which is added up, in nanoseconds.
const MINUTE: i64 = 60_000_000_000;
/// Bytes out for each byte in.
const FACTOR: u64 = 10;
/// Bytes out in a minute.
const REFLECTED_LEN: u64 = 1_000_000;
/// Lengths of requests that count as alike, and the share of flows that has them, in percent.
const ALIKE: usize = 3;
const ALIKE_PERCENT: u64 = 90;
/// Senders and bytes in a minute of a flood, and the share that nobody asked for, in percent.
const FLOOD_SENDERS: usize = 50;
const FLOOD_LEN: u64 = 10_000_000;
const UNASKED_PERCENT: u64 = 90;

/// Bytes of this minute and the one before.
#[derive(Clone, Copy, Default)]
struct Minutes {
    minute: i64,
    now: [u64; 2],
    before: [u64; 2],
}

impl Minutes {
    /// Adds bytes `[asked, answered]` to the minute; what they are over a sliding minute that ends there.
    fn add(&mut self, ts: Timestamp, bytes: [u64; 2]) -> [u64; 2] {
        let minute = ts.0.div_euclid(MINUTE);
        if minute > self.minute {
            self.before = if minute == self.minute + 1 { self.now } else { [0; 2] };
            (self.minute, self.now) = (minute, [0; 2]);
        }
        let left = u64::try_from(MINUTE - ts.0.rem_euclid(MINUTE)).unwrap_or(0) / 1_000_000_000;
        let mut sums = [0; 2];
        for (((now, before), new), sum) in self.now.iter_mut().zip(self.before).zip(bytes).zip(&mut sums) {
            *now = now.saturating_add(new);
            *sum = now.saturating_add(before.saturating_mul(left) / 60);
        }
        sums
    }
}

/// What a flow carried in its busiest minute, taking it for even.
fn per_minute(conn: &Conn<'_>) -> [u64; 2] {
    let seconds = u64::try_from(conn.duration.whole_secs()).unwrap_or(0).max(60);
    [conn.orig_bytes, conn.resp_bytes].map(|bytes| bytes.saturating_mul(60) / seconds)
}

#[derive(Default)]
struct Pair {
    minutes: Minutes,
    lengths: Vec<(u64, u64)>,
    flows: u64,
    samples: Vec<Uid>,
    peers: Vec<Addr>,
    first: Timestamp,
}

#[derive(Default)]
struct Target {
    minutes: Minutes,
    senders: Vec<Addr>,
    since: i64,
    samples: Vec<Uid>,
    ports: Vec<u16>,
    first: Timestamp,
}

/// See the module.
pub(crate) struct Amplification {
    pairs: Recent<(Addr, u16, Addr), Pair>,
    targets: Recent<Addr, Target>,
}

impl Amplification {
    pub fn new(scope: &Scope) -> Self {
        Self { pairs: Recent::of(scope, MAX_PAIRS), targets: Recent::of(scope, MAX_VICTIMS) }
    }

    /// A service at home answers somebody outside.
    fn served(&mut self, conn: &Conn<'_>, service: &'static str, cx: &mut Cx<'_>) {
        let pair = self.pairs.at((conn.resp, conn.resp_port, network(conn.orig)), Pair::default);
        if pair.flows == 0 {
            pair.first = conn.ts;
        }
        let [asked, answered] = pair.minutes.add(conn.ts + conn.duration, per_minute(conn));
        pair.flows += 1;
        let length = conn.orig_bytes.checked_div(conn.orig_pkts).unwrap_or(0);
        if let Some(known) = pair.lengths.iter_mut().find(|l| l.0 == length) {
            known.1 += 1;
        } else if pair.lengths.len() < MAX_LENGTHS {
            pair.lengths.push((length, 1));
        }
        if pair.samples.len() < MAX_SAMPLES {
            pair.samples.push(conn.uid);
        }
        if pair.peers.len() < MAX_SAMPLES && !pair.peers.contains(&conn.orig) {
            pair.peers.push(conn.orig);
        }
        if answered < REFLECTED_LEN || answered < asked.saturating_mul(FACTOR) {
            return;
        }
        pair.lengths.sort_unstable_by_key(|l| std::cmp::Reverse(l.1));
        let alike: u64 = pair.lengths.iter().take(ALIKE).map(|l| l.1).sum();
        if alike * 100 < pair.flows * ALIKE_PERCENT {
            return;
        }
        let lengths: Vec<String> = pair.lengths.iter().take(ALIKE).map(|l| format!("{} bytes", l.0)).collect();
        let factor = answered.checked_div(asked).unwrap_or(answered);
        let raise = Raise::new(&ABOUT, REFLECTOR, conn.resp, Severity::High, Confidence::percent(85))
            .key(format!("{service} {}/udp {}", conn.resp_port, network(conn.orig)))
            .between(pair.first, conn.ts + conn.duration)
            .packet(cx.packet)
            .measure(Measure::count("bytes out for each byte in", factor, Some(FACTOR), "", Origin::Own))
            .measure(Measure::count("bytes out in a minute", answered, Some(REFLECTED_LEN), "bytes", Origin::Own))
            .measure(Measure::count(
                "flows with like requests",
                alike * 100 / pair.flows,
                Some(ALIKE_PERCENT),
                "%",
                Origin::Own,
            ))
            .quote("mean length of a request", lengths.join(", ").as_bytes(), 0)
            .benign("a client with large answers", "the requests are alike, and nothing else is asked");
        let raise = pair.samples.iter().chain([&conn.uid]).fold(raise, |raise, uid| raise.flow(*uid));
        cx.raise(pair.peers.iter().fold(raise, |raise, peer| raise.peer(*peer)));
    }

    /// Somebody outside sends from a service's port to a host at home.
    fn answered(&mut self, conn: &Conn<'_>, from: (Addr, u16), to: Addr, bytes: [u64; 2], cx: &mut Cx<'_>) {
        let target = self.targets.at(to, Target::default);
        let end = conn.ts + conn.duration;
        let minute = end.0.div_euclid(MINUTE);
        if target.senders.is_empty() || minute > target.since + 1 {
            *target = Target { since: minute, first: conn.ts, minutes: target.minutes, ..Target::default() };
        }
        let [unasked, wanted] = target.minutes.add(end, bytes);
        if target.senders.len() < MAX_SENDERS && !target.senders.contains(&from.0) {
            target.senders.push(from.0);
        }
        if target.samples.len() < MAX_SAMPLES {
            target.samples.push(conn.uid);
        }
        if target.ports.len() < MAX_SAMPLES && !target.ports.contains(&from.1) {
            target.ports.push(from.1);
        }
        let sum = unasked.saturating_add(wanted);
        if target.senders.len() < FLOOD_SENDERS || sum < FLOOD_LEN || unasked * 100 < sum * UNASKED_PERCENT {
            return;
        }
        let senders = u64::try_from(target.senders.len()).unwrap_or(u64::MAX);
        let services: Vec<String> =
            target.ports.iter().filter_map(|p| Some(format!("{} {p}/udp", service(*p)?))).collect();
        let raise = Raise::new(&ABOUT, VICTIM, to, Severity::High, Confidence::percent(85))
            .between(target.first, end)
            .packet(cx.packet)
            .measure(Measure::count("senders, at least", senders, u64::try_from(FLOOD_SENDERS).ok(), "", Origin::Own))
            .measure(Measure::count("bytes in a minute", sum, Some(FLOOD_LEN), "bytes", Origin::Own))
            .measure(Measure::count(
                "nobody asked for",
                unasked.saturating_mul(100) / sum.max(1),
                Some(UNASKED_PERCENT),
                "%",
                Origin::Own,
            ))
            .quote("services", services.join(", ").as_bytes(), 0)
            .benign("answers to questions", "the host had sent nothing to those ports");
        let raise = target.samples.iter().chain([&conn.uid]).fold(raise, |raise, uid| raise.flow(*uid));
        cx.raise(target.senders.iter().take(MAX_SAMPLES).fold(raise, |raise, peer| raise.peer(*peer)));
    }
}

fn service(port: u16) -> Option<&'static str> {
    SERVICES.iter().find(|s| s.0 == port).map(|s| s.1)
}

/// Its /24, or /48 of IPv6.
fn network(addr: Addr) -> Addr {
    if let Some([a, b, c, _]) = addr.as_v4() {
        return Addr::v4([a, b, c, 0]);
    }
    let mut octets = [0; 16];
    octets.iter_mut().zip(addr.octets()).take(6).for_each(|(to, from)| *to = *from);
    Addr::v6(octets)
}

impl Detector for Amplification {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let Row::Conn(conn) = row else { return };
        if conn.proto != "udp" {
            return;
        }
        let home = |addr| cx.hosts().is_internal(addr);
        let (orig_home, resp_home) = (home(conn.orig), home(conn.resp));
        if orig_home == resp_home {
            return;
        }
        if let Some(service) = service(conn.resp_port) {
            if resp_home {
                self.served(conn, service, cx);
            } else {
                // What came before anything was asked, or without, nobody asked for.
                let unasked = if conn.orig_pkts == 0 { conn.resp_bytes } else { 0 };
                let bytes = per_minute(conn);
                let bytes = if unasked > 0 { [bytes[1], 0] } else { [0, bytes[1]] };
                self.answered(conn, (conn.resp, conn.resp_port), conn.orig, bytes, cx);
            }
        } else if resp_home && service(conn.orig_port).is_some() {
            // Its sender began it: nobody had asked.
            self.answered(conn, (conn.orig, conn.orig_port), conn.resp, [per_minute(conn)[0], 0], cx);
        }
    }

    fn held_len(&self) -> usize {
        let pair =
            |p: &Pair| p.lengths.capacity() * 16 + (p.samples.capacity() + p.peers.capacity()) * size_of::<Addr>();
        let target = |t: &Target| (t.senders.capacity() + t.samples.capacity()) * size_of::<Addr>();
        self.pairs.held_len()
            + self.targets.held_len()
            + self.pairs.iter().map(|(_, p)| pair(p)).sum::<usize>()
            + self.targets.iter().map(|(_, t)| target(t)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.targets.forgotten()
    }
}

#[cfg(test)]
mod tests;
