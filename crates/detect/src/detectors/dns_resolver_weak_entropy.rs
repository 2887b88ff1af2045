//! # dns-resolver-weak-entropy
//! ## How
//! Of each resolver (a host that asks servers without wanting recursion) the ports and ids of up to 256 questions over UDP
//! within 10 minutes are looked at, from 50 on. `fixed-port`: at most two ports. `sequential-port`, `txid-sequential`: 80 %
//! of the steps from one to the next are 1 to 4. `narrow-ports`: the standard deviation of the ports is below 296.
//! `txid-biased`: of 200 questions or more, a bit of the id is set in less than 30 % or more than 70 %, or ids repeat
//! far more often than chance has it. `no-cookie-0x20`: of 200 questions or more none had a DNS cookie or mixed case.
//! ## Thresholds
//! 296 is where DNS-OARC's port test says POOR (2008-07-28); the others are Sekisho's own choice. 30 and 70 % instead of 35
//! and 65 %, and at least 8 repeats, because of random ids the latter are met by chance too often: one window in 40,000,
//! and one in ten for three times the expected repeats.
//! ## State
//! 1 KiB for each of at most 4,096 resolvers.
//! ## Severity
//! `fixed-port` high 0.9; narrow, sequential and biased medium 0.8; `no-cookie-0x20` info 0.8.
//! ## Benign
//! A NAT device or load balancer that rewrites ports in front of the capture: the exposure is real nevertheless. Sequential
//! ports with ids that are fine hint at that.
//! ## Blind
//! Questions over TCP and TLS, where ports do not matter; fewer than 50 questions.
//! ## References
//! RFC 5452 §9; CERT VU#800113; DNS-OARC porttest; RFC 7873; RFC 9018.

use crate::detection::Scope;
use crate::dns_exchanges::Fit;
use crate::registry::Detector;
use crate::rows::{DnsMessage, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, Timestamp};

static ABOUT: About = About {
    id: "dns-resolver-weak-entropy",
    title: "resolver easy to fool",
    means: "This resolver uses predictable source ports or transaction ids, so forged answers have a good chance.",
    techniques: &["T1584.002"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "fixed-port", means: "The resolver asks from one or two ports only." },
        Reason { code: "narrow-ports", means: "The resolver's source ports lie close together." },
        Reason { code: "sequential-port", means: "The resolver's source ports count up." },
        Reason { code: "txid-sequential", means: "The resolver's transaction ids count up." },
        Reason { code: "txid-biased", means: "The resolver's transaction ids are not evenly distributed." },
        Reason { code: "no-cookie-0x20", means: "The resolver uses neither DNS cookies nor mixed case." },
    ],
    benign: "A NAT device or load balancer that rewrites the ports.",
    clears: "50 questions from ports and with ids that look random.",
    next: &[
        "Update the resolver, and remove any setting of its source port.",
        "See whether a NAT device before the resolver rewrites ports.",
        "Turn on DNS cookies, and validation of DNSSEC.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::ResolverSide), vital(What::Requests(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FIXED_PORT: &Reason = ABOUT.at(0);
const NARROW_PORTS: &Reason = ABOUT.at(1);
const SEQUENTIAL_PORT: &Reason = ABOUT.at(2);
const TXID_SEQUENTIAL: &Reason = ABOUT.at(3);
const TXID_BIASED: &Reason = ABOUT.at(4);
const NO_COOKIE: &Reason = ABOUT.at(5);

/// Resolvers looked at.
const MAX_RESOLVERS: usize = 4_096;
/// Questions looked at together, at least and at most.
const MIN_QUESTIONS: usize = 50;
const MAX_QUESTIONS: usize = 256;
/// Questions from which on the bits of ids mean something.
const MANY_QUESTIONS: usize = 200;
/// In which they have to come.
const WINDOW: Interval = Interval::from_secs(600);
/// Ports that are no choice.
const FIXED_PORTS: usize = 2;
/// Standard deviation of ports below which DNS-OARC calls them poor.
const POOR_DEVIATION: u64 = 296;
/// Steps of 1 to 4 that make a sequence, in percent.
const SEQUENCE_PERCENT: usize = 80;
/// Shares of set bits that are no chance, in percent.
const BIT_PERCENT: (usize, usize) = (30, 70);
/// Repeated ids that are no chance.
const REPEATS: usize = 8;
/// Forged answers that an attacker sends in a second.
const FORGED_PER_SECOND: u64 = 7_000;

#[derive(Default)]
struct Questions {
    since: Timestamp,
    last: Timestamp,
    packets: (u64, u64),
    drawn: Vec<(u16, u16)>,
    hardened: bool,
}

/// See the module.
pub(crate) struct WeakEntropy {
    of: Recent<Addr, Questions>,
}

impl WeakEntropy {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_RESOLVERS) }
    }

    fn question(&mut self, m: &DnsMessage<'_>, cx: &mut Cx<'_>) {
        let Some(e) = cx.exchange().filter(|e| e.fit == Fit::Query && e.asked.is_none() && e.by_resolver) else {
            return;
        };
        if m.proto != "udp" {
            return;
        }
        let questions = self.of.at(e.client, Questions::default);
        if questions.drawn.is_empty() || questions.drawn.len() >= MAX_QUESTIONS || m.ts - questions.since > WINDOW {
            questions.judge(e.client, cx);
            *questions = Questions { since: m.ts, packets: (m.packet, m.packet), ..Questions::default() };
        }
        let name = m.query.unwrap_or(&[]);
        let mixed = name.iter().any(u8::is_ascii_uppercase) && name.iter().any(u8::is_ascii_lowercase);
        questions.hardened |= m.cookie || mixed;
        questions.last = m.ts;
        questions.packets.1 = m.packet;
        questions.drawn.push((e.client_port, u16::try_from(m.id).unwrap_or(0)));
    }
}

impl Questions {
    fn judge(&self, resolver: Addr, cx: &mut Cx<'_>) {
        let count = self.drawn.len();
        if count < MIN_QUESTIONS {
            return;
        }
        let ports: Vec<u16> = self.drawn.iter().map(|d| d.0).collect();
        let ids: Vec<u16> = self.drawn.iter().map(|d| d.1).collect();
        let (distinct, deviation) = (distinct(&ports), deviation(&ports));
        let in_sequence = |all: &[u16]| steps(all) * 100 >= (count - 1) * SEQUENCE_PERCENT;
        let of_ports = if distinct <= FIXED_PORTS {
            Some((FIXED_PORT, Severity::High, Confidence::percent(90)))
        } else if in_sequence(&ports) {
            Some((SEQUENTIAL_PORT, Severity::Medium, Confidence::percent(80)))
        } else if deviation < POOR_DEVIATION {
            Some((NARROW_PORTS, Severity::Medium, Confidence::percent(80)))
        } else {
            None
        };
        let ids_count_up = in_sequence(&ids);
        let biased = count >= MANY_QUESTIONS && (odd_bit(&ids).is_some() || count - self::distinct(&ids) >= REPEATS);
        let of_ids = if ids_count_up {
            Some(TXID_SEQUENTIAL)
        } else if biased {
            Some(TXID_BIASED)
        } else {
            None
        };
        for (reason, severity, confidence) in
            of_ports.into_iter().chain(of_ids.map(|r| (r, Severity::Medium, Confidence::percent(80))))
        {
            let mut raise = self.raise(resolver, reason, severity, confidence, (distinct, deviation));
            if let Some(bit) = odd_bit(&ids).filter(|_| reason.code == TXID_BIASED.code) {
                let percent = u64::try_from(bit).unwrap_or(0);
                raise = raise.measure(Measure::count("share of a bit set", percent, Some(30), "%", Origin::Own));
            }
            if reason.code == SEQUENTIAL_PORT.code && of_ids.is_none() {
                raise = raise.benign("a NAT device rewrites the ports", "ids look random, ports count up: likely");
            }
            cx.raise(raise);
        }
        if count >= MANY_QUESTIONS && !self.hardened {
            let confidence = Confidence::percent(80);
            cx.raise(self.raise(resolver, NO_COOKIE, Severity::Info, confidence, (distinct, deviation)));
        }
    }

    fn raise(
        &self,
        resolver: Addr,
        reason: &'static Reason,
        severity: Severity,
        confidence: Confidence,
        (distinct, deviation): (usize, u64),
    ) -> Raise {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        // Where hardly any port comes twice, their range is what an attacker has to guess: of an even distribution, the
        // deviation times the root of 12.
        let range = deviation.saturating_mul(346) / 100;
        let choice = if distinct * 2 > self.drawn.len() { range.max(number(distinct)) } else { number(distinct) };
        let bits = u64::from(choice.max(1).ilog2()) + 16;
        let quiet = (1u64 << (bits - 1)) / FORGED_PER_SECOND;
        Raise::new(&ABOUT, reason, resolver, severity, confidence)
            .between(self.since, self.last)
            .times(number(self.drawn.len()))
            .packet(self.packets.0)
            .packet(self.packets.1)
            .measure(Measure::count("questions", number(self.drawn.len()), Some(50), "", Origin::Own))
            .measure(Measure::count("different ports", number(distinct), Some(2), "ports", Origin::Own))
            .measure(Measure::count("standard deviation of ports", deviation, Some(296), "", Origin::Field("DNS-OARC")))
            .measure(Measure::count("bits to guess at most", bits, None, "bits", Origin::Standard("RFC 5452")))
            .measure(Measure::count("time to an even chance of forgery", quiet, None, "s", Origin::Own))
    }
}

fn distinct(all: &[u16]) -> usize {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

/// Standard deviation, rounded down.
fn deviation(all: &[u16]) -> u64 {
    let count = (all.len() as u64).max(1);
    let sum: u64 = all.iter().map(|v| u64::from(*v)).sum();
    let squares: u64 = all.iter().map(|v| u64::from(*v) * u64::from(*v)).sum();
    (squares * count).saturating_sub(sum * sum).isqrt() / count
}

/// Steps of 1 to 4 from one to the next.
fn steps(all: &[u16]) -> usize {
    all.windows(2).filter(|w| matches!(w, [a, b] if (1..=4).contains(&b.wrapping_sub(*a)))).count()
}

/// The share in percent of a bit that is set too rarely or too often.
fn odd_bit(ids: &[u16]) -> Option<usize> {
    let share = |bit: u16| ids.iter().filter(|id| *id >> bit & 1 == 1).count() * 100 / ids.len().max(1);
    (0..16).map(share).find(|s| *s < BIT_PERCENT.0 || *s > BIT_PERCENT.1)
}

impl Detector for WeakEntropy {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::DnsMessage(m) = row {
            self.question(m, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<_> = self.of.iter().collect();
        all.sort_unstable_by_key(|(resolver, _)| **resolver);
        all.iter().for_each(|(resolver, questions)| questions.judge(**resolver, cx));
    }

    fn held_len(&self) -> usize {
        self.of.held_len() + self.of.iter().map(|(_, q)| q.drawn.capacity() * 4).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}

#[cfg(test)]
mod tests;
