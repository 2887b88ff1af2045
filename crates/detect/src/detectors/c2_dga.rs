//! # c2-dga
//! ## How
//! For each host at home the registered names (the label before the top level) that DNS says do not exist, different ones, within ten
//! minutes: how much like chance their letters follow each other. No single name is judged, only the median of many. `resolved`: soon after, a name of the same
//! shape does exist, in public address space: the meeting point was found.
//! ## Thresholds
//! `nx-burst`: ten different names in ten minutes whose labels of seven characters or more have a median likelihood below −4.6 bits a
//! character (measured: 99.9 % of sets of ten generated names, 0.01 % of sets of real ones), with two top levels or three lengths.
//! `resolved`: within 30 minutes, likelihood at most 0.5 above the median, length within two of the others or the same top level.
//! ## State
//! 8,192 hosts with 64 names each, 24 bytes a name; 65,536 domains that had an answer, 16,384 that had none. The least recent forgotten.
//! ## Severity
//! `nx-burst` medium 0.6; `resolved` high 0.8, and 0.9 (`used`) once the host connects there. One step less for a mail relay, which looks up what senders claim.
//! ## Benign
//! Browsers try one to three names without a dot, which are no domains. A forgotten search suffix gives one domain. Names that more than 30 % of
//! hosts ask for in vain are somebody's mistake. Resolvers are not judged, but the hosts behind them.
//! ## Blind
//! Names put together from words. Encrypted DNS. Hosts behind a resolver of which only the far side is seen.
//! ## References
//! Antonakakis et al., From Throw-Away Traffic to Bots, USENIX Security 2012 (Pleiades); Schüppen et al., FANCI, USENIX Security 2018; nDPI
//! NDPI_SUSPICIOUS_DGA_DOMAIN; Amazon GuardDuty Trojan:EC2/DGADomainRequest.B.

use crate::detection::Scope;
use crate::domains;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Dns, Kind, Row};
use crate::statistics::distinct::Distinct;
use crate::statistics::randomness;
use crate::statistics::robust::median;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "c2-dga",
    title: "machine-made names",
    means: "This host asks for many domains that look generated, most of which do not exist.",
    techniques: &["T1568.002"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "nx-burst", means: "It asked in a row for many generated names that do not exist." },
        Reason { code: "resolved", means: "After many generated names that do not exist it found one that does." },
    ],
    benign: "Broken software, mail gateways that look up senders, a crawler over lists of expired domains.",
    clears: "The program that asks is known and wanted, or it asks no more.",
    next: &[
        "See which program on the host asks.",
        "See who registered the name that was found, and when.",
        "Look for other hosts that ask for the same names.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const BURST: &Reason = ABOUT.at(0);
const RESOLVED: &Reason = ABOUT.at(1);

const MAX_CLIENTS: usize = 8_192;
const MAX_ANSWERED: usize = 65_536;
const MAX_MISSING: usize = 16_384;
/// Names kept of a host.
const MAX_NAMES: usize = 64;
const WINDOW: Interval = Interval::from_secs(600);
const AFTERWARDS: Interval = Interval::from_secs(1800);
/// Names that do not exist.
const MIN_NAMES: usize = 10;
const MIN_TOPS: usize = 2;
const MIN_LENGTHS: usize = 3;
/// How far the name that was found may be from the others.
const LIKE: f64 = 0.5;
const LEN_LIKE: usize = 2;
/// Share of hosts that ask for the same names, percent, and hosts from which on it means something.
const SHARED_PERCENT: u64 = 30;
const MIN_CLIENTS: u64 = 5;
/// Names quoted.
const QUOTED: usize = 6;

/// A name that does not exist.
#[derive(Clone, Copy)]
struct Missing {
    at: Timestamp,
    domain: u64,
    /// Of the label, in thousandths of a bit; 0 of labels that are too short.
    likelihood: i16,
    len: u8,
    top: u8,
}

/// What was last seen of a burst.
struct Burst {
    at: Timestamp,
    middle: f64,
    lengths: (usize, usize),
    tops: [u8; 4],
    /// The name that was found, and where.
    found: Option<(Box<str>, Addr)>,
}

#[derive(Default)]
struct Client {
    missing: Vec<Missing>,
    samples: Vec<Box<str>>,
    burst: Option<Burst>,
    unsaid: u64,
}

/// See the module.
pub(crate) struct Dga {
    state: SeededState,
    clients: Recent<Addr, Box<Client>>,
    /// Domains that had an answer.
    answered: Recent<u64, ()>,
    /// Domains that had none, with a bit for each host that asked.
    missing: Recent<u64, u64>,
    asking: Distinct,
    /// Hosts of which a name was found.
    waiting: usize,
}

/// The label that somebody registered, and the top level.
fn parts(domain: &str) -> Option<(&str, &str)> {
    let dot = domain.bytes().position(|b| b == b'.')?;
    let (label, top) = (domain.get(..dot)?, domain.get(dot + 1..)?);
    (!label.is_empty() && top.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'-')).then_some((label, top))
}

impl Dga {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            clients: Recent::of(scope, MAX_CLIENTS),
            answered: Recent::of(scope, MAX_ANSWERED),
            missing: Recent::of(scope, MAX_MISSING),
            asking: Distinct::default(),
            waiting: 0,
        }
    }

    fn dns(&mut self, row: &Dns<'_>, cx: &mut Cx<'_>) {
        if row.resp_port != 53 || !matches!(row.qtype, 1 | 28) || !cx.hosts().is_internal(row.orig) {
            return;
        }
        let Ok(name) = std::str::from_utf8(row.query) else { return };
        let domain = domains::registrable(name);
        let Some((label, top)) = parts(domain) else { return };
        let hash = self.state.hash_one(domain);
        match row.rcode {
            Some(0) if !row.answers.is_empty() => {
                self.answered.at(hash, || ());
                if let Some(client) = self.clients.get(&row.orig) {
                    self.waiting += usize::from(client.answered(row, domain, label, self.state.hash_one(top), cx));
                }
            }
            Some(3) if self.answered.peek(&hash).is_none() && !cx.hosts().is(row.orig, Role::Resolver) => {
                let host = self.state.hash_one(row.orig);
                self.asking.add(host);
                *self.missing.at(hash, || 0) |= 1 << (host % 64);
                let likelihood = if label.len() >= randomness::MIN_LABEL_LEN {
                    randomness::likelihood(label.as_bytes())
                } else {
                    0.0
                };
                let missing = Missing {
                    at: row.ts,
                    domain: hash,
                    likelihood: thousandths(likelihood),
                    len: u8::try_from(label.len()).unwrap_or(u8::MAX),
                    top: low_byte(self.state.hash_one(top)),
                };
                let client = self.clients.at(row.orig, Box::default);
                if client.missing(missing, domain) {
                    client.judge(row, &self.missing, self.asking.count(), cx);
                }
            }
            _ => {}
        }
    }

    /// Does a host go where a generated name led?
    fn conn(&mut self, row: &Conn<'_>, cx: &mut Cx<'_>) {
        if self.waiting == 0 || row.orig_pkts == 0 || row.resp_pkts == 0 {
            return;
        }
        let Some(client) = self.clients.get(&row.orig) else { return };
        let Some(burst) = &client.burst else { return };
        let Some((name, addr)) = &burst.found else { return };
        if *addr == row.resp && row.ts - burst.at <= AFTERWARDS {
            let raise = client.raise(
                RESOLVED,
                Severity::High,
                Confidence::percent(90),
                row.orig,
                burst.at,
                row.ts,
                row.uid,
                cx.packet,
            );
            cx.raise(raise.key(&**name).peer(row.resp).confirmed("used").times(1));
        }
    }
}

fn low_byte(hash: u64) -> u8 {
    hash.to_le_bytes()[0]
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn thousandths(x: f64) -> i16 {
    (x * 1000.0) as i16
}

impl Client {
    /// Notes a name; is it one more?
    fn missing(&mut self, missing: Missing, domain: &str) -> bool {
        self.missing.retain(|m| missing.at - m.at < WINDOW);
        if self.missing.iter().any(|m| m.domain == missing.domain) {
            return false;
        }
        if self.missing.is_empty() {
            self.samples.clear();
        }
        if self.missing.len() >= MAX_NAMES {
            self.missing.remove(0);
        }
        self.missing.push(missing);
        self.unsaid += 1;
        if self.samples.len() < QUOTED {
            self.samples.push(domain.into());
        }
        true
    }

    fn judge(&mut self, row: &Dns<'_>, asked: &Recent<u64, u64>, asking: u64, cx: &mut Cx<'_>) {
        if self.missing.len() < MIN_NAMES {
            return;
        }
        let mut all: Vec<f64> =
            self.missing.iter().filter(|m| m.likelihood < 0).map(|m| f64::from(m.likelihood) / 1000.0).collect();
        all.sort_unstable_by(f64::total_cmp);
        let middle = median(&all);
        if all.len() < MIN_NAMES || middle >= randomness::RANDOM_BELOW {
            return;
        }
        let mut lengths: Vec<u8> = self.missing.iter().map(|m| m.len).collect();
        let mut tops: Vec<u8> = self.missing.iter().map(|m| m.top).collect();
        [&mut lengths, &mut tops].into_iter().for_each(|v| {
            v.sort_unstable();
            v.dedup();
        });
        if tops.len() < MIN_TOPS && lengths.len() < MIN_LENGTHS {
            return;
        }
        let hosts = |m: &&Missing| {
            asked
                .peek(&m.domain)
                .is_some_and(|marks| u64::from(marks.count_ones()) * 100 > asking.min(64) * SHARED_PERCENT)
        };
        if asking >= MIN_CLIENTS && self.missing.iter().filter(hosts).count() * 2 > self.missing.len() {
            return;
        }
        let bounds = (lengths.first().copied().unwrap_or(0), lengths.last().copied().unwrap_or(0));
        let mut few = [0; 4];
        few.iter_mut().zip(&tops).for_each(|(few, top)| *few = *top);
        let found = self.burst.take().and_then(|b| b.found);
        self.burst = Some(Burst { at: row.ts, middle, lengths: (bounds.0.into(), bounds.1.into()), tops: few, found });
        let first = self.missing.first().map_or(row.ts, |m| m.at);
        let raise =
            self.raise(BURST, Severity::Medium, Confidence::percent(60), row.orig, first, row.ts, row.uid, cx.packet);
        cx.raise(raise.times(std::mem::take(&mut self.unsaid)));
    }

    /// A name exists: is it one of the same kind? True if it is the first.
    fn answered(&mut self, row: &Dns<'_>, domain: &str, label: &str, top: u64, cx: &mut Cx<'_>) -> bool {
        let Some(burst) = &mut self.burst else { return false };
        let likelihood = randomness::likelihood(label.as_bytes());
        let fits = likelihood <= burst.middle + LIKE
            && label.len() >= randomness::MIN_LABEL_LEN
            && (label.len() + LEN_LIKE >= burst.lengths.0 && label.len() <= burst.lengths.1 + LEN_LIKE
                || burst.tops.contains(&low_byte(top)))
            && row.ts - burst.at <= AFTERWARDS;
        let addrs = row.records().filter_map(|r| r.addr);
        let public = addrs.filter(|a| !cx.hosts().is_internal(*a)).last();
        let (true, Some(addr)) = (fits, public) else { return false };
        let first = burst.found.replace((domain.into(), addr)).is_none();
        let at = burst.at;
        let raise =
            self.raise(RESOLVED, Severity::High, Confidence::percent(80), row.orig, at, row.ts, row.uid, cx.packet);
        cx.raise(raise.key(domain).peer(addr).times(1).measure(Measure::real(
            "likelihood of the name",
            likelihood,
            None,
            "bits",
            Origin::Measured,
        )));
        first
    }

    #[expect(clippy::too_many_arguments, reason = "what the finding says")]
    fn raise(
        &self,
        reason: &'static Reason,
        severity: Severity,
        confidence: Confidence,
        client: Addr,
        first: Timestamp,
        last: Timestamp,
        flow: Uid,
        packet: u64,
    ) -> Raise {
        let middle = self.burst.as_ref().map_or(0.0, |b| b.middle);
        let mut raise = Raise::new(&ABOUT, reason, client, severity, confidence)
            .between(first.min(last), last)
            .flow(flow)
            .packet(packet)
            .measure(Measure::count(
                "different names that do not exist",
                self.missing.len() as u64,
                Some(MIN_NAMES as u64),
                "",
                Origin::Own,
            ))
            .measure(Measure::real(
                "median likelihood of the labels",
                middle,
                Some(randomness::RANDOM_BELOW),
                "bits",
                Origin::Measured,
            ))
            .benign("more than 30 % of hosts ask for the same names", "no")
            .lowered_for(Role::MailRelay);
        for name in &self.samples {
            raise = raise.quote("name", name.as_bytes(), 0);
        }
        raise
    }
}

impl Detector for Dga {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) => self.conn(row, cx),
            Row::Dns(row) => self.dns(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let owned = |c: &Client| {
            let samples: usize = c.samples.iter().map(|s| s.len() + size_of::<Box<str>>()).sum();
            size_of::<Client>() + c.missing.capacity() * size_of::<Missing>() + samples
        };
        self.clients.held_len()
            + self.answered.held_len()
            + self.missing.held_len()
            + self.clients.iter().map(|(_, c)| owned(c)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.clients.forgotten() + self.answered.forgotten() + self.missing.forgotten()
    }
}

#[cfg(test)]
mod tests;
