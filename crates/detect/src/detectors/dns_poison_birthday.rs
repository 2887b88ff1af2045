//! # dns-poison-birthday
//! ## How
//! For each client, claimed server and question the answers within 10 seconds are counted that fit no open question: wrong
//! id, port, question or case; unasked ones too if the client is known to ask that server. `forged-flood`: 20 of them.
//! `duplicate-queries`: a resolver has 10 equal questions open at the same server, which lets one of many guesses fit. The
//! stronger form `won`: an answer fits after such answers came, and either its hop limit differs by 3 or more from the
//! server's usual one (after 3 forged), or a second, different answer to the same question follows (after 1).
//! Forged referrals for a whole zone are `dns-poison-kaminsky`'s and not counted here.
//! ## Thresholds
//! 20 and 100 answers, 10 questions, 10 s, a hop limit 3 off (Sekisho's own choice, after RFC 5452 §5 and CVE-2002-2211).
//! ## State
//! One counter for each client, server and question, at most 16,384.
//! ## Severity
//! `won` critical 0.85; 100 answers high 0.8; 20 medium 0.6; `duplicate-queries` alone low 0.6.
//! ## Benign
//! Copies of a packet by a mirror port are one. Late answers of a slow server are few. A load generator sends questions,
//! not answers.
//! ## Blind
//! Captures that do not see the resolver's own questions. Probes for open ports by packets that are no DNS (SAD DNS).
//! ## References
//! RFC 5452; CVE-2002-2211; SAD DNS (CCS 2020).

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit, OPEN_FOR};
use crate::registry::Detector;
use crate::rows::{DnsMessage, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "dns-poison-birthday",
    title: "flood of guessed answers",
    means: "Someone sends a resolver many forged answers hoping that one fits a question in flight.",
    techniques: &["T1557", "T1584.002"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "forged-flood", means: "Many answers came that fit no open question." },
        Reason { code: "duplicate-queries", means: "The resolver asks one server the same many times at once." },
    ],
    benign: "Copies made by a mirror port, slow servers, load generators.",
    clears: "No flood of answers that fit no question for 7 days.",
    next: &[
        "Compare what the resolver has for the name with the zone's servers.",
        "See whether the resolver draws source ports and ids at random.",
        "Empty the resolver's cache if a forged answer fitted.",
    ],
    needs: &[
        vital(What::Some(Traffic::Dns)),
        vital(What::ResolverSide),
        vital(What::Requests(Traffic::Dns)),
        useful(What::Answers(Traffic::Dns)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FORGED_FLOOD: &Reason = ABOUT.at(0);
const DUPLICATE_QUERIES: &Reason = ABOUT.at(1);

/// Clients, servers and questions counted.
const MAX_COUNTED: usize = 16_384;
/// Forged answers that are a flood, and a large one.
const FLOOD: u64 = 20;
const LARGE_FLOOD: u64 = 100;
/// Equal questions open at once.
const DUPLICATES: u16 = 10;
/// Forged answers before an answer from another distance counts as a win.
const FORGED_BEFORE: u64 = 3;
/// How far off its hop limit is.
const OTHER_DISTANCE: u64 = 3;

#[derive(Clone, Default)]
struct Flood {
    since: Timestamp,
    last: Timestamp,
    forged: u64,
    /// Forged answers that were told of already.
    raised: u64,
    ids: (u64, u64),
    packets: (u64, u64),
    uid: Uid,
    hop_limit: u64,
    sample: String,
    /// What the answer said that fitted, and its packet.
    fitted: Option<(String, u64)>,
}

/// See the module.
pub(crate) struct Birthday {
    floods: Recent<(Addr, Addr, u64), Flood>,
}

impl Birthday {
    pub fn new(scope: &Scope) -> Self {
        Self { floods: Recent::of(scope, MAX_COUNTED) }
    }

    fn query(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        if !e.by_resolver || e.in_flight < DUPLICATES || e.asked.is_some() {
            return;
        }
        let open = Measure::count("equal questions open", e.in_flight.into(), Some(DUPLICATES.into()), "", Origin::Own);
        cx.raise(
            Raise::new(&ABOUT, DUPLICATE_QUERIES, e.client, Severity::Low, Confidence::percent(60))
                .key(e.server.to_string())
                .peer(e.server)
                .at(m.ts)
                .flow(m.uid)
                .packet(m.packet)
                .measure(open)
                .quote("question", m.query.unwrap_or(&[]), m.packet),
        );
    }

    fn forged(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let flood = self.floods.at((e.client, e.server, e.question), Flood::default);
        if flood.forged == 0 || m.ts - flood.since > OPEN_FOR {
            flood.tell(e, cx);
            *flood = Flood { since: m.ts, packets: (m.packet, m.packet), ids: (m.id, m.id), ..Flood::default() };
            (flood.uid, flood.hop_limit) = (m.uid, m.hop_limit);
            flood.sample = in_words(m, e);
        }
        flood.forged += 1;
        flood.last = m.ts;
        flood.packets.1 = m.packet;
        flood.ids = (flood.ids.0.min(m.id), flood.ids.1.max(m.id));
        if matches!(flood.forged, FLOOD | LARGE_FLOOD) {
            flood.tell(e, cx);
        }
    }

    /// An answer that fits, or the second one.
    fn fits(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let Some(flood) = self.floods.get(&(e.client, e.server, e.question)) else { return };
        if m.ts - flood.since > OPEN_FOR {
            return;
        }
        let won = if e.fit == Fit::Late {
            true
        } else {
            flood.fitted = Some((in_words(m, e), m.packet));
            flood.forged >= FORGED_BEFORE && e.hop_difference(m.hop_limit) >= OTHER_DISTANCE
        };
        let Some((words, packet)) = flood.fitted.clone().filter(|_| won) else { return };
        let mut raise = flood.raise(e, Severity::Critical, Confidence::percent(85)).confirmed("won");
        raise = raise.quote("answer that fitted", words.as_bytes(), packet).packet(packet);
        if e.fit == Fit::Late {
            raise = raise.quote("answer that came too late", in_words(m, e).as_bytes(), m.packet).packet(m.packet);
        }
        cx.raise(raise);
    }
}

fn in_words(m: &DnsMessage<'_>, e: &Exchange) -> String {
    let name = m.query.unwrap_or(&[]).escape_ascii();
    let first = m.records().find(|r| r.section == 1);
    let said = first.map_or(format!("nothing, code {}", m.rcode), |r| r.data.escape_ascii().to_string());
    format!("id {} to port {}, hop limit {}: {name} is {said}", m.id, e.client_port, m.hop_limit)
}

impl Flood {
    fn tell(&mut self, e: &Exchange, cx: &mut Cx<'_>) {
        if self.forged >= FLOOD && self.forged > self.raised {
            let (severity, confidence) = match self.forged {
                LARGE_FLOOD.. => (Severity::High, Confidence::percent(80)),
                _ => (Severity::Medium, Confidence::percent(60)),
            };
            let raise = self.raise(e, severity, confidence);
            cx.raise(raise);
        }
    }

    fn raise(&mut self, e: &Exchange, severity: Severity, confidence: Confidence) -> Raise {
        let new = self.forged - std::mem::replace(&mut self.raised, self.forged);
        let span = u64::try_from((self.last - self.since).0 / 1_000_000).unwrap_or(0);
        let usual = u64::from(e.usual.hop_limit);
        Raise::new(&ABOUT, FORGED_FLOOD, e.client, severity, confidence)
            .key(e.server.to_string())
            .peer(e.server)
            .times(new)
            .between(self.since, self.last)
            .flow(self.uid)
            .packet(self.packets.0)
            .packet(self.packets.1)
            .measure(Measure::count("forged answers", self.forged, Some(FLOOD), "", Origin::Own))
            .measure(Measure::count("time", span, Some(10_000), "ms", Origin::Own))
            .measure(Measure::count("equal questions open", e.in_flight.into(), Some(10), "", Origin::Own))
            .measure(Measure::count("lowest id tried", self.ids.0, None, "", Origin::Own))
            .measure(Measure::count("highest id tried", self.ids.1, None, "", Origin::Own))
            .measure(Measure::count("hop limit of the forged", self.hop_limit, None, "", Origin::Own))
            .measure(Measure::count("usual hop limit of the server", usual, None, "", Origin::Own))
            .quote("forged answer", self.sample.as_bytes(), self.packets.0)
    }
}

impl Detector for Birthday {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(e)) = (row, cx.exchange()) else { return };
        match e.fit {
            Fit::Query => self.query(m, e, cx),
            Fit::Matching | Fit::Late => self.fits(m, e, cx),
            Fit::Copy => {}
            Fit::Unsolicited if e.usual.asked == 0 => {}
            _ if cx.zones().foreign(m, e.server, m.query.unwrap_or(&[])).is_some() => {}
            _ => self.forged(m, e, cx),
        }
    }

    fn held_len(&self) -> usize {
        self.floods.held_len() + self.floods.iter().map(|(_, f)| f.sample.len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.floods.forgotten()
    }
}

#[cfg(test)]
mod tests;
