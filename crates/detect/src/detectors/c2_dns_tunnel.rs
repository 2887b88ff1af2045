//! # c2-dns-tunnel
//! ## How
//! For each host at home and each registrable domain that it asks for names below, over UDP and TCP port 53: how many different names, how long what stands before
//! the domain, how many bytes these labels and the answers' texts carry. `fast` and `slow`: many long names, each asked for once. `odd-type`:
//! NULL, private and other types that nobody needs to find a service. `downstream`: much data in answers. Names with less
//! than twelve characters before the domain are not looked at, unless their type is odd.
//! ## Thresholds
//! `fast`: in ten minutes 100 different names, 80 % of all, 24 characters on average (Sekisho's own choice). `slow`: in a day 100
//! different names (RITA) and 60,480 bytes in them, 0.7 bytes a second (Özery et al. 2023, the slowest that they found). `odd-type`: five NULL or private
//! types, or 30 names of which half are asked for with other types than A, AAAA, PTR, HTTPS, SVCB, SRV and NS. `downstream`: 100 kB of answers
//! in a day, 70 % of the answers to TXT, NULL or CNAME questions.
//! ## State
//! 65,536 hosts with domains of which fewer than twelve such names were seen, 9 bytes each; 4,096 with more, at most 1,900 bytes each. The
//! least recent forgotten.
//! ## Severity
//! `fast` and `odd-type` high 0.8; `slow` medium 0.6, high from 1 MB a day on; `downstream` medium 0.6. Names like chance, labels above 48
//! characters (nDPI) and nobody connecting anywhere add to the confidence, up to 0.9. One step less if the host is a resolver: others stand behind it.
//! ## Benign
//! Block lists (a reversed address before the domain, or answers within 127.0.0.0/8), reputation services of virus scanners that are known by name,
//! reverse zones, zones of the LAN and what resolvers tell of the keys that they trust (RFC 8145) are left out. Content networks with names made of digests are asked for fewer and shorter ones, again and again.
//! ## Blind
//! Encrypted DNS. Slower than 0.7 bytes a second. Tunnels that change the domain. Twelve names come before anything is counted, of NULL and private types one. Of NULL answers the
//! size is not known.
//! ## References
//! RITA C2 over DNS; Özery, Nadler, Shabtai, Information-Based Heavy Hitters for Real-Time DNS Data Exfiltration Detection, arXiv 2307.02614; nDPI NDPI_DNS_SUSPICIOUS_TRAFFIC;
//! Amazon GuardDuty Trojan:EC2/DNSDataExfiltration.

use crate::detection::Scope;
use crate::dns_zones::last_dot;
use crate::domains;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Dns, Kind, Row};
use crate::statistics::distinct::Distinct;
use crate::statistics::{hints, randomness};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::borrow::Cow;
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "c2-dns-tunnel",
    title: "data inside DNS names",
    means: "Names asked below one domain look like carried data, not like host names.",
    techniques: &["T1071.004", "T1572", "T1048.003"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "fast", means: "It asks for many long names below one domain, each of them once." },
        Reason { code: "slow", means: "Over a day it asks for many names below one domain that together carry data." },
        Reason {
            code: "odd-type",
            means: "It asks for types of records below one domain that carry data and are of no other use.",
        },
        Reason { code: "downstream", means: "Answers below one domain carry much data." },
    ],
    benign: "Reputation services, block lists and content networks put digests into names.",
    clears: "The domain is known to be a service of that kind, or it is no longer asked for.",
    next: &[
        "Read the sample names: decode them as Base32 or hexadecimal.",
        "See who runs the domain and its name server.",
        "See which program on the host asks.",
    ],
    needs: &[
        vital(What::Some(Traffic::Dns)),
        vital(What::Requests(Traffic::Dns)),
        useful(What::Answers(Traffic::Dns)),
        useful(What::Clear(Traffic::Dns)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FAST: &Reason = ABOUT.at(0);
const SLOW: &Reason = ABOUT.at(1);
const ODD_TYPE: &Reason = ABOUT.at(2);
const DOWNSTREAM: &Reason = ABOUT.at(3);

const IBHH: Origin = Origin::Field("Özery et al. 2023");

/// Hosts with domains of which a few such names were seen, and of which more were.
const MAX_LIGHT: usize = 65_536;
const MAX_TUNNELS: usize = 4_096;
/// Names from which on a domain is looked at closely.
const PROMOTED: u8 = 12;
/// Characters before the domain below which a name carries nothing.
const MIN_SUB_LEN: usize = 12;
const MAX_NAME_LEN: usize = 253;
const SHORT_WINDOW: Interval = Interval::from_secs(600);
const DAY: Interval = Interval::from_secs(86_400);
const MIN_DISTINCT: u64 = 100;
const DISTINCT_PERCENT: u64 = 80;
const MIN_MEAN_LEN: u64 = 24;
/// Bytes of a day in names.
const SLOW_LEN: u64 = 60_480;
/// Bytes of a day in names from which on `slow` is worse.
const MUCH_LEN: u64 = 1_000_000;
const MIN_NULLS: u64 = 5;
const MIN_ODD: u64 = 30;
/// Bytes of a day in answers, and the share of questions that bring any, percent.
const DOWN_LEN: u64 = 100_000;
const DOWN_PERCENT: u64 = 70;
/// A label longer than any that a person has to read.
const LONG_LABEL: usize = 48;
/// Sample names kept.
const SAMPLES: usize = 6;

const NULL: u64 = 10;
/// Types for private use (RFC 6895 §3.1).
const PRIVATE: std::ops::RangeInclusive<u64> = 65_280..=65_534;

/// Domains of services that put digests of files and addresses into names.
const REPUTATION: &[&str] = &[
    "avast.com",
    "avcdn.net",
    "avqs.net",
    "barracudabrts.com",
    "cymru.com",
    "e5.sk",
    "fsapi.com",
    "kasperskylabs.net",
    "mailspike.net",
    "mcafee.com",
    "sophosxl.com",
    "sophosxl.net",
    "spamhaus.net",
    "spamhaus.org",
    "surbl.org",
    "trendmicro.com",
    "uribl.com",
    "webcfs00.com",
];
/// Top levels of zones that are the network's own.
fn is_local(top: &str) -> bool {
    matches!(top, "arpa" | "corp" | "home" | "internal" | "intranet" | "lan" | "local" | "localdomain" | "private")
}

/// What a name below a domain is made of.
struct Below<'a> {
    domain: &'a str,
    sub: &'a str,
}

/// Counts of one window.
#[derive(Default)]
struct Window {
    start: Timestamp,
    queries: u64,
    distinct: Distinct,
    /// Characters before the domain, of all names.
    total_len: u64,
    /// Bytes of answers that carry text.
    down_len: u64,
    /// Questions for types that carry text, for NULL and private ones, for types that are of no use to find anything.
    texts: u64,
    nulls: u64,
    odd: u64,
}

struct Tunnel {
    client: Addr,
    domain: Box<str>,
    short: Window,
    day: Window,
    first: Timestamp,
    /// Sum of the names' likelihoods, and the longest label.
    likelihood: f64,
    longest: usize,
    samples: Vec<Box<str>>,
    server: Addr,
    uid: Uid,
    packet: u64,
    /// Queries since it was last said.
    unsaid: u64,
    /// Reasons said in the windows at hand.
    said: [bool; 4],
}

/// See the module.
pub(crate) struct DnsTunnel {
    state: SeededState,
    light: Recent<u64, u8>,
    tunnels: Recent<u64, Box<Tunnel>>,
}

impl DnsTunnel {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            light: Recent::of(scope, MAX_LIGHT),
            tunnels: Recent::of(scope, MAX_TUNNELS),
        }
    }

    fn dns(&mut self, row: &Dns<'_>, cx: &mut Cx<'_>) {
        let odd = is_odd(row.qtype);
        // Most names are short: two labels and little before them.
        if row.resp_port != 53 || row.query.len() > MAX_NAME_LEN || (row.query.len() < MIN_SUB_LEN + 4 && !odd) {
            return;
        }
        let text = as_text(row.query);
        let Some(below) = below(&text) else { return };
        if (below.sub.len() < MIN_SUB_LEN && !odd) || below.sub.is_empty() || !cx.hosts().is_internal(row.orig) {
            return;
        }
        if is_service(&below) || is_block_list(row) || (is_null(row.qtype) && is_anchor_signal(row.query)) {
            return;
        }
        let key = self.state.hash_one((row.orig, below.domain));
        if self.tunnels.peek(&key).is_none() {
            let seen = self.light.at(key, || 0);
            *seen += 1;
            // One of these is odd enough.
            let promoted = if is_null(row.qtype) { 1 } else { PROMOTED };
            let seen = *seen;
            if seen < promoted {
                return;
            }
            self.light.remove(&key);
            let new = Tunnel {
                client: row.orig,
                domain: below.domain.into(),
                short: Window { start: row.ts, ..Window::default() },
                day: Window { start: row.ts, ..Window::default() },
                first: row.ts,
                likelihood: 0.0,
                longest: 0,
                samples: Vec::new(),
                server: row.resp,
                uid: row.uid,
                packet: cx.packet,
                unsaid: u64::from(seen) - 1,
                said: [false; 4],
            };
            self.tunnels.at(key, || Box::new(new));
        }
        let sub = self.state.hash_one(below.sub);
        if let Some(tunnel) = self.tunnels.get(&key) {
            tunnel.add(row, &below, sub, odd);
            tunnel.judge(row, cx);
        }
    }
}

impl Window {
    fn add(&mut self, row: &Dns<'_>, sub: (u64, u64), odd: bool, len: Interval) -> bool {
        let over = row.ts - self.start >= len;
        if over {
            *self = Self { start: row.ts, ..Self::default() };
        }
        self.queries += 1;
        self.distinct.add(sub.0);
        self.total_len += sub.1;
        self.odd += u64::from(odd);
        self.nulls += u64::from(is_null(row.qtype));
        if matches!(row.qtype, 5 | NULL | 16) {
            self.texts += 1;
            self.down_len += row.answers.texts().map(|t| t.len() as u64).sum::<u64>();
        }
        over
    }

    /// Characters before the domain on average.
    fn mean_len(&self) -> u64 {
        self.total_len / self.queries.max(1)
    }

    /// Characters of different names, taking these to be as long as all.
    fn up_len(&self) -> u64 {
        let all = u128::from(self.total_len) * u128::from(self.distinct.count()) / u128::from(self.queries.max(1));
        u64::try_from(all).unwrap_or(u64::MAX)
    }
}

impl Tunnel {
    fn add(&mut self, row: &Dns<'_>, below: &Below<'_>, sub: u64, odd: bool) {
        let sub = (sub, below.sub.len() as u64);
        if self.short.add(row, sub, odd, SHORT_WINDOW) {
            self.said = [false, self.said[1], false, self.said[3]];
        }
        if self.day.add(row, sub, odd, DAY) {
            self.said = [false; 4];
            self.likelihood = 0.0;
        }
        let longest = below.sub.split('.').max_by_key(|l| l.len()).unwrap_or("");
        self.likelihood += randomness::likelihood(longest.as_bytes());
        self.longest = self.longest.max(longest.len());
        if self.samples.len() < SAMPLES && self.day.queries.is_power_of_two() {
            self.samples.push(String::from_utf8_lossy(row.query).into());
        }
        (self.uid, self.server) = (row.uid, row.resp);
        self.unsaid += 1;
    }

    fn judge(&mut self, row: &Dns<'_>, cx: &mut Cx<'_>) {
        let (short, day) = (&self.short, &self.day);
        // Looked at now and then: counting different names is not free.
        let due = short.queries.is_multiple_of(16) || day.nulls == MIN_NULLS || day.queries.is_multiple_of(64);
        if !due {
            return;
        }
        let different = short.distinct.count();
        let of_day = day.distinct.count();
        let fast = different >= MIN_DISTINCT
            && different * 100 >= short.queries * DISTINCT_PERCENT
            && short.mean_len() >= MIN_MEAN_LEN;
        let slow = of_day >= MIN_DISTINCT && day.up_len() >= SLOW_LEN && of_day * 2 >= day.queries;
        let odd = day.nulls >= MIN_NULLS || (of_day >= MIN_ODD && day.odd * 2 >= day.queries);
        let down = day.down_len >= DOWN_LEN && day.texts * 100 >= day.queries * DOWN_PERCENT;
        let slow_severity = if day.up_len() >= MUCH_LEN { Severity::High } else { Severity::Medium };
        let all = [
            (fast, FAST, Severity::High, 0.8),
            (slow, SLOW, slow_severity, 0.6),
            (odd, ODD_TYPE, Severity::High, 0.8),
            (down, DOWNSTREAM, Severity::Medium, 0.6),
        ];
        for ((is, reason, severity, base), said) in all.into_iter().zip(0..) {
            if !is || std::mem::replace(self.said.get_mut(said).unwrap_or(&mut true), true) {
                continue;
            }
            let raise = self.raise(reason, severity, base, row, cx.packet);
            cx.raise(raise);
            self.unsaid = 0;
        }
    }

    fn raise(&self, reason: &'static Reason, severity: Severity, base: f64, row: &Dns<'_>, packet: u64) -> Raise {
        let (short, day) = (&self.short, &self.day);
        let likelihood = self.likelihood / day.queries.max(1) as f64;
        let mut signs = vec![base];
        if likelihood < randomness::RANDOM_BELOW {
            signs.push(0.3);
        }
        if self.longest > LONG_LABEL {
            signs.push(0.2);
        }
        let seconds = ((row.ts - day.start).0.max(1) as f64 / 1e9).max(1.0);
        let mut raise =
            Raise::new(&ABOUT, reason, self.client, severity, hints::confidence(hints::combine(&signs).min(0.9)))
                .key(&*self.domain)
                .peer(self.server)
                .between(self.first, row.ts)
                .times(self.unsaid.max(1))
                .flow(self.uid)
                .packet(self.packet)
                .packet(packet)
                .measure(Measure::count(
                    "different names in ten minutes",
                    short.distinct.count(),
                    Some(MIN_DISTINCT),
                    "",
                    Origin::Own,
                ))
                .measure(Measure::count(
                    "different names in a day",
                    day.distinct.count(),
                    Some(MIN_DISTINCT),
                    "",
                    Origin::Field("RITA v5"),
                ))
                .measure(Measure::count(
                    "characters before the domain",
                    day.mean_len(),
                    Some(MIN_MEAN_LEN),
                    "",
                    Origin::Own,
                ))
                .measure(Measure::count("bytes in different names", day.up_len(), Some(SLOW_LEN), "bytes", IBHH))
                .measure(Measure::count("bytes in answers", day.down_len, Some(DOWN_LEN), "bytes", Origin::Own))
                .measure(Measure::real("bytes a second in names", day.up_len() as f64 / seconds, Some(0.7), "", IBHH))
                .measure(Measure::count(
                    "questions for NULL or private types",
                    day.nulls,
                    Some(MIN_NULLS),
                    "",
                    Origin::Own,
                ))
                .measure(Measure::count("questions for odd types", day.odd, None, "", Origin::Own))
                .measure(Measure::count("questions", day.queries, None, "", Origin::Own))
                .measure(Measure::real(
                    "likelihood of the names",
                    likelihood,
                    Some(randomness::RANDOM_BELOW),
                    "bits",
                    Origin::Measured,
                ))
                .benign("a block list, or a reputation service that is known", "no")
                .lowered_for(Role::Resolver);
        for sample in &self.samples {
            raise = raise.quote("name", sample.as_bytes(), 0);
        }
        raise
    }
}

/// Text of a name. Tunnels whose way lets all bytes through use those beyond ASCII, too; here each stands for one of 64 characters, so
/// that lengths stay what they are and different names different.
fn as_text(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => name.iter().map(|b| char::from(if b.is_ascii() { *b } else { (b & 0x3f) + b'0' })).collect(),
    }
}

/// Does a validating resolver tell the zone which keys it trusts? `_ta-` and their tags in hexadecimal, asked for as NULL
/// (RFC 8145 §5.1).
fn is_anchor_signal(name: &[u8]) -> bool {
    let label = name.split(|b| *b == b'.').next().unwrap_or_default();
    let tags = label.split_at_checked(4).filter(|(mark, _)| mark.eq_ignore_ascii_case(b"_ta-")).map(|(_, tags)| tags);
    tags.is_some_and(|tags| {
        tags.split(|b| *b == b'-').all(|tag| tag.len() == 4 && tag.iter().all(u8::is_ascii_hexdigit))
    })
}

/// A type that no name server needs.
fn is_null(qtype: u64) -> bool {
    qtype == NULL || PRIVATE.contains(&qtype)
}

/// The parts of a name; `None` of names that are the network's own, and of those without a domain.
fn below(name: &str) -> Option<Below<'_>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let domain = domains::registrable(name);
    let dot = last_dot(domain.as_bytes(), domain.len())?;
    if domain.get(dot + 1..).is_none_or(is_local) {
        return None;
    }
    let sub = name.get(..name.len().checked_sub(domain.len() + 1)?)?;
    Some(Below { domain, sub })
}

/// Is it asked of a service that answers about digests or addresses?
fn is_service(below: &Below<'_>) -> bool {
    if REPUTATION.contains(&below.domain) {
        return true;
    }
    // A reversed address of version 4 or 6 in front.
    let labels = || below.sub.as_bytes().split(|b| *b == b'.');
    let is_octet = |l: &&[u8]| l.len() <= 3 && l.iter().all(u8::is_ascii_digit);
    let is_nibble = |l: &&[u8]| l.len() == 1;
    labels().take(4).take_while(is_octet).count() == 4 || labels().take(32).take_while(is_nibble).count() == 32
}

/// Are all answers addresses of the own host, as block lists give them (RFC 5782 §2.1)?
fn is_block_list(row: &Dns<'_>) -> bool {
    !row.answers.is_empty() && row.answers.texts().all(|t| t.starts_with(b"127."))
}

/// Is it a type that nobody asks for to find a host or a service?
fn is_odd(qtype: u64) -> bool {
    !matches!(qtype, 1 | 2 | 6 | 12 | 28 | 33 | 35 | 43 | 48 | 64 | 65)
}

impl Detector for DnsTunnel {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dns]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Dns(row) = row {
            self.dns(row, cx);
        }
    }

    fn held_len(&self) -> usize {
        let owned = |t: &Tunnel| {
            let samples: usize = t.samples.iter().map(|s| s.len() + size_of::<Box<str>>()).sum();
            size_of::<Tunnel>() + t.domain.len() + t.short.distinct.held_len() + t.day.distinct.held_len() + samples
        };
        self.light.held_len() + self.tunnels.held_len() + self.tunnels.iter().map(|(_, t)| owned(t)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.light.forgotten() + self.tunnels.forgotten()
    }
}

#[cfg(test)]
mod tests;
