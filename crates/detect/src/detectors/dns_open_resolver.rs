//! # dns-open-resolver
//! ## How
//! A server at home answers clients outside with recursion on offer and without authority: it gives records, or says with
//! a zone's SOA that there are none, for three names or more within 24 hours. `recursive`; `forwarder` if the server was
//! seen asking others for these names; `any` if it answers questions for everything (ANY) so, with 512 bytes or more.
//! ## Thresholds
//! 3 names within 24 h, 512 bytes (Sekisho's own choice after RFC 5358 and RFC 8482).
//! ## State
//! Names, clients and sums of each server at home that answers outside, at most 4,096.
//! ## Severity
//! High 0.95.
//! ## Benign
//! Refusals, referrals of a server that offers no recursion, and authoritative answers are no recursion. A public
//! resolver that is meant to be one has to be muted. Clients of the home networks are not outside.
//! ## Blind
//! Answers over TLS, HTTPS and QUIC.
//! ## References
//! RFC 5358 (BCP 140); RFC 8482.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit};
use crate::registry::Detector;
use crate::rows::{DnsMessage, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, Timestamp};

static ABOUT: About = About {
    id: "dns-open-resolver",
    title: "your server resolves for strangers",
    means: "An internal server answers recursive DNS questions from the internet.",
    techniques: &["T1498.002", "T1590.002"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "recursive", means: "The server resolves names for clients outside." },
        Reason { code: "forwarder", means: "The server passes questions of clients outside on to others." },
        Reason { code: "any", means: "The server gives clients outside large answers to questions for everything." },
    ],
    benign: "A public resolver that is meant to be one.",
    clears: "The server refuses recursion to clients outside.",
    next: &[
        "Allow recursion for your own networks only.",
        "See how much the server sends outside.",
        "Close port 53 towards the internet if nothing there needs it.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::Answers(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const RECURSIVE: &Reason = ABOUT.at(0);
const FORWARDER: &Reason = ABOUT.at(1);
const ANY: &Reason = ABOUT.at(2);

/// Servers watched, and questions remembered that servers passed on.
const MAX_SERVERS: usize = 4_096;
const MAX_PASSED: usize = 16_384;
/// Names and clients kept of a server.
const MAX_KEPT: usize = 8;
/// Different names that show it.
const NAMES: usize = 3;
/// In which they have to come.
const WINDOW: Interval = Interval::from_secs(86_400);
/// How long before its own answer a server may have asked.
const PASSED_WITHIN: Interval = Interval::from_secs(30);
/// Length of an answer to ANY that is worth amplifying.
const LARGE_LEN: u64 = 512;
/// The question for everything.
const TYPE_ANY: u64 = 255;

#[derive(Default)]
struct Served {
    since: Timestamp,
    names: Vec<(u64, Box<[u8]>)>,
    clients: Vec<Addr>,
    answers: u64,
    bytes: u64,
    passed_on: bool,
}

/// See the module.
pub(crate) struct OpenResolver {
    served: Recent<Addr, Served>,
    /// Servers at home that somebody outside asked.
    doors: Recent<Addr, ()>,
    /// When one of them asked others for a name.
    passed: Recent<(Addr, u64), Timestamp>,
}

impl OpenResolver {
    pub fn new(scope: &Scope) -> Self {
        Self {
            served: Recent::of(scope, MAX_SERVERS),
            doors: Recent::of(scope, MAX_SERVERS),
            passed: Recent::lasting(scope, MAX_PASSED, PASSED_WITHIN),
        }
    }

    fn answer(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let outside = cx.hosts().is_internal(e.server) && !cx.hosts().is_internal(e.client);
        let told = m.records().any(|r| r.section == 1 || r.rtype == 6);
        if !outside || !m.recursion || m.authoritative || !matches!(m.rcode, 0 | 3) || !told {
            return;
        }
        let passed = self.passed.peek(&(e.server, e.question)).is_some_and(|at| m.ts - *at <= PASSED_WITHIN);
        let served = self.served.at(e.server, Served::default);
        if served.answers == 0 || m.ts - served.since > WINDOW {
            *served = Served { since: m.ts, ..Served::default() };
        }
        served.answers += 1;
        served.bytes = served.bytes.saturating_add(m.len);
        served.passed_on |= passed;
        if served.clients.len() < MAX_KEPT && !served.clients.contains(&e.client) {
            served.clients.push(e.client);
        }
        if served.names.len() < MAX_KEPT && !served.names.iter().any(|n| n.0 == e.question) {
            served.names.push((e.question, m.query.unwrap_or(&[]).into()));
        }
        if served.names.len() < NAMES {
            return;
        }
        let reason = if served.passed_on { FORWARDER } else { RECURSIVE };
        cx.raise(served.raise(m, e, reason));
        if m.qtype == TYPE_ANY && m.len >= LARGE_LEN {
            cx.raise(served.raise(m, e, ANY));
        }
    }
}

impl Served {
    fn raise(&self, m: &DnsMessage<'_>, e: &Exchange, reason: &'static Reason) -> Raise {
        let mut raise = Raise::new(&ABOUT, reason, e.server, Severity::High, Confidence::percent(95))
            .key("53")
            .between(self.since, m.ts)
            .flow(m.uid)
            .packet(m.packet)
            .measure(Measure::count("different names", self.names.len() as u64, Some(3), "names", Origin::Own))
            .measure(Measure::count("answers", self.answers, None, "", Origin::Own))
            .measure(Measure::count("sent outside", self.bytes, None, "bytes", Origin::Own))
            .measure(Measure::count("length of this answer", m.len, None, "bytes", Origin::Own));
        for (_, name) in self.names.iter().take(NAMES) {
            raise = raise.quote("resolved", name, 0);
        }
        self.clients.iter().fold(raise, |raise, client| raise.peer(*client))
    }
}

impl Detector for OpenResolver {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(e)) = (row, cx.exchange()) else { return };
        match e.fit {
            Fit::Query if cx.hosts().is_internal(e.server) && !cx.hosts().is_internal(e.client) => {
                self.doors.at(e.server, || ());
            }
            Fit::Query if self.doors.peek(&e.client).is_some() => {
                self.passed.pass(m.ts);
                *self.passed.at((e.client, e.question), || m.ts) = m.ts;
            }
            Fit::Matching => self.answer(m, e, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.served.held_len() + self.doors.held_len() + self.passed.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.served.forgotten()
    }
}

#[cfg(test)]
mod tests;
