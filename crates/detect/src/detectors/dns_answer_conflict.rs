//! # dns-answer-conflict
//! ## How
//! `double-answer`: a question gets two different answers that both fit it, and their addresses have nothing in common, or
//! one of them says that the name does not exist. `injected-early`: the same, the first came in less than half the
//! shortest time that the server ever took, and from another distance: its hop limit differs by 3 or more from the
//! second's. `resolver-differs`: a resolver whose own questions are seen tells a client an address that no server gave it
//! for the name while that might be kept. `nx-rewrite`: the servers said that the name does not exist, the resolver
//! tells its client an address.
//! ## Thresholds
//! Half the time, a hop limit 3 off, 10 s between the two answers (Sekisho's own choice, after Hold-On).
//! ## State
//! The addresses that each resolver was given for a name, and those of open answers: at most 50,000 names.
//! ## Severity
//! `injected-early` high 0.8; `double-answer` medium 0.6; `resolver-differs` medium 0.5; `nx-rewrite` low 0.7.
//! ## Benign
//! Two equal answers are copies. Answers in another order, with other times to live, or with one address in common are
//! those of a busy service. Local names, loopback and unspecified addresses, answers with a policy's extended error (RFC
//! 8914, 15 to 18) and addresses translated for IPv6 (64:ff9b::/96) are a resolver's own.
//! ## Blind
//! What a resolver had before the capture began: only names that it was seen asking for are compared. Fragments are put
//! together before anybody sees two versions of one.
//! ## References
//! RFC 5452; Duan et al., Hold-On, 2012; Herzberg and Shulman 2013.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit, OPEN_FOR, name_digest};
use crate::registry::Detector;
use crate::rows::{DnsMessage, Kind, Row, type_bit};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, Timestamp};
use smallvec::SmallVec;

static ABOUT: About = About {
    id: "dns-answer-conflict",
    title: "two stories about one name",
    means: "The same question got contradictory answers, or the resolver tells clients something that the servers did not say.",
    techniques: &["T1557", "T1565.002"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "double-answer", means: "One question got two answers that contradict each other." },
        Reason { code: "injected-early", means: "An answer from elsewhere came before the server's own." },
        Reason { code: "resolver-differs", means: "The resolver gave an address that no server gave it." },
        Reason { code: "nx-rewrite", means: "The resolver gave an address for a name that does not exist." },
    ],
    benign: "Services with many addresses, split DNS, captive portals, protective DNS.",
    clears: "The name gets one answer for 7 days.",
    next: &[
        "Ask the zone's servers which answer is right.",
        "See which clients used which address.",
        "See whether the resolver is meant to change answers.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::Requests(Traffic::Dns)), vital(What::Answers(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const DOUBLE_ANSWER: &Reason = ABOUT.at(0);
const INJECTED_EARLY: &Reason = ABOUT.at(1);
const RESOLVER_DIFFERS: &Reason = ABOUT.at(2);
const NX_REWRITE: &Reason = ABOUT.at(3);

/// Names and questions remembered.
const MAX_NAMES: usize = 50_000;
/// Addresses kept of one name.
const MAX_ADDRS: usize = 16;
/// Hop limits of two answers from different places.
const OTHER_DISTANCE: u64 = 3;
/// A resolver may keep an answer somewhat longer than it may, and be slow.
const GRACE: Interval = Interval::from_secs(10);
/// Longest time to live that is believed, in seconds (RFC 8767 §4).
const MAX_TTL: u64 = 604_800;
/// A and AAAA, by their bits.
const ADDRESSES: u64 = type_bit(1) | type_bit(28);
/// NXDOMAIN.
const NO_SUCH_NAME: u64 = 3;
/// Extended errors of a policy: blocked, censored, filtered, prohibited.
const POLICY: std::ops::RangeInclusive<u64> = 15..=18;

#[derive(Clone, Default)]
struct Given {
    addrs: SmallVec<[Addr; 2]>,
    until: Timestamp,
    /// There were more addresses than are kept.
    more: bool,
    /// It does not exist.
    none: bool,
    packet: u64,
}

impl Given {
    fn add(&mut self, addr: Addr) {
        if self.addrs.contains(&addr) {
            return;
        }
        self.more |= self.addrs.len() >= MAX_ADDRS;
        if !self.more {
            self.addrs.push(addr);
        }
    }
}

/// See the module.
pub(crate) struct Conflict {
    seed: u64,
    /// What a resolver was given for a name.
    given: Recent<(Addr, u64), Given>,
    /// The first answer to a question: of client, server and question.
    first: Recent<u64, Given>,
}

impl Conflict {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            given: Recent::of(scope, MAX_NAMES),
            first: Recent::lasting(scope, MAX_NAMES, OPEN_FOR),
        }
    }

    fn matching(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let name = m.query.unwrap_or(&[]);
        self.first.pass(m.ts);
        let first = self.first.at(e.key, Given::default);
        *first = Given { none: m.rcode == NO_SUCH_NAME, packet: m.packet, ..Given::default() };
        addrs(m).for_each(|(_, addr, _)| first.add(addr));
        if e.by_resolver {
            self.learn(m, e, name);
        }
        self.compare(m, e, name, cx);
    }

    /// What a server says to a resolver.
    fn learn(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8]) {
        if m.rcode == NO_SUCH_NAME {
            let ttl = m.records().find(|r| r.section == 2 && r.rtype == 6).map_or(0, |r| r.ttl);
            let given = self.note(m, e, name, ttl);
            given.none = given.addrs.is_empty();
            return;
        }
        for (owner, addr, ttl) in addrs(m) {
            let given = self.note(m, e, owner, ttl);
            given.none = false;
            given.add(addr);
        }
    }

    /// What the resolver was given for `owner`, to be kept for `ttl` from now on.
    fn note(&mut self, m: &DnsMessage<'_>, e: &Exchange, owner: &[u8], ttl: u64) -> &mut Given {
        let until = m.ts + Interval::from_secs(i64::try_from(ttl.min(MAX_TTL)).unwrap_or(0)) + GRACE;
        let given = self.given.at((e.client, name_digest(owner, self.seed)), Given::default);
        if m.ts > given.until {
            *given = Given::default();
        }
        given.until = given.until.max(until);
        given.packet = m.packet;
        given
    }

    /// What a resolver says to its client.
    fn compare(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8], cx: &mut Cx<'_>) {
        if m.authoritative || m.rcode != 0 || m.extended_error.is_some_and(|code| POLICY.contains(&code)) {
            return;
        }
        if self.given.is_empty() || !m.has_type(ADDRESSES) {
            return;
        }
        // An answer about the question itself and one about an alias are compared alike, by the owner.
        let mut owners: SmallVec<[&[u8]; 4]> = addrs(m).map(|(owner, ..)| owner).collect();
        owners.dedup();
        for owner in owners {
            let Some(given) = self.given.peek(&(e.server, name_digest(owner, self.seed))) else { continue };
            let told = || addrs(m).filter(|(o, ..)| *o == owner).map(|(_, addr, _)| addr);
            let own = || told().any(|a| is_own(a) || given.addrs.contains(&a));
            if m.ts > given.until || given.more || (given.addrs.is_empty() && !given.none) || own() {
                continue;
            }
            let (reason, severity, confidence) = match given.none {
                true => (NX_REWRITE, Severity::Low, Confidence::percent(70)),
                false => (RESOLVER_DIFFERS, Severity::Medium, Confidence::percent(50)),
            };
            let said = match given.addrs.first() {
                Some(addr) => format!("{} is at {addr}", owner.escape_ascii()),
                None => format!("{} does not exist", owner.escape_ascii()),
            };
            let mut raise = Raise::new(&ABOUT, reason, e.server, severity, confidence)
                .key(String::from_utf8_lossy(name).to_lowercase())
                .peer(e.client)
                .at(m.ts)
                .flow(m.uid)
                .packet(given.packet)
                .packet(m.packet)
                .measure(Measure::count("addresses from servers", given.addrs.len() as u64, None, "", Origin::Own))
                .quote("servers said", said.as_bytes(), given.packet)
                .benign("policy of the resolver", "the answer carries no extended error that says so");
            for addr in told() {
                let text = format!("{} is at {addr}", owner.escape_ascii());
                raise = raise.peer(addr).quote("client was told", text.as_bytes(), m.packet);
            }
            cx.raise(raise);
        }
    }

    fn late(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let Some(before) = e.asked.and_then(|a| Some((a, a.answered?))) else { return };
        let Some(first) = self.first.peek(&e.key) else { return };
        let (asked, answered) = before;
        let second: Vec<Addr> = addrs(m).map(|(_, addr, _)| addr).collect();
        let none = m.rcode == NO_SUCH_NAME;
        let apart = !second.is_empty() && !first.addrs.is_empty() && !second.iter().any(|a| first.addrs.contains(a));
        let denied = (none && !first.addrs.is_empty()) || (first.none && !second.is_empty());
        if first.packet != answered.packet || first.more || !(apart || denied) {
            return;
        }
        let delay = answered.ts - asked.ts;
        let hops = (u64::from(answered.hop_limit), m.hop_limit);
        let distance = if hops.0 == 0 || hops.1 == 0 { 0 } else { hops.0.abs_diff(hops.1) };
        let usual = if e.usual.answers > 1 { e.usual.fastest.max(delay) } else { m.ts - asked.ts };
        let early = distance >= OTHER_DISTANCE && delay.0.saturating_mul(2) < usual.0.max((m.ts - asked.ts).0);
        let (reason, severity, confidence) = match early {
            true => (INJECTED_EARLY, Severity::High, Confidence::percent(80)),
            false => (DOUBLE_ANSWER, Severity::Medium, Confidence::percent(60)),
        };
        let millis = |i: Interval| u64::try_from(i.0 / 1_000_000).unwrap_or(0);
        let name = m.query.unwrap_or(&[]);
        let mut raise = Raise::new(&ABOUT, reason, e.client, severity, confidence)
            .key(String::from_utf8_lossy(name).to_lowercase())
            .peer(e.server)
            .between(answered.ts, m.ts)
            .flow(asked.uid)
            .packet(asked.packet)
            .packet(answered.packet)
            .packet(m.packet)
            .measure(Measure::count("first answer after", millis(delay), None, "ms", Origin::Own))
            .measure(Measure::count("second answer after", millis(m.ts - asked.ts), None, "ms", Origin::Own))
            .measure(Measure::count("difference of hop limits", distance, Some(3), "", Origin::Own))
            .quote("first answer", words(name, &first.addrs).as_bytes(), answered.packet)
            .quote("second answer", words(name, &second).as_bytes(), m.packet)
            .benign("a doubled packet", "the two answers differ");
        for addr in first.addrs.iter().chain(&second) {
            raise = raise.peer(*addr);
        }
        cx.raise(raise);
    }
}

fn words(name: &[u8], addrs: &[Addr]) -> String {
    match addrs.first() {
        Some(addr) => format!("{} is at {addr}", name.escape_ascii()),
        None => format!("{} does not exist", name.escape_ascii()),
    }
}

/// Addresses of the answer section, with their owners.
fn addrs<'a>(m: &DnsMessage<'a>) -> impl Iterator<Item = (&'a [u8], Addr, u64)> + use<'a> {
    m.records().filter(|r| r.section == 1).filter_map(|r| Some((r.owner, r.addr()?, r.ttl)))
}

/// Addresses that resolvers make up themselves: blocked names, and IPv4 addresses for IPv6 (RFC 6052 §2.1).
fn is_own(addr: Addr) -> bool {
    match (addr.as_v4(), addr.octets()) {
        (Some([0 | 127, ..]), _) => true,
        (Some(_), _) => false,
        (None, [0, 0x64, 0xff, 0x9b, ..]) => true,
        (None, octets) => octets.iter().take(15).all(|b| *b == 0),
    }
}

impl Detector for Conflict {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(e)) = (row, cx.exchange()) else { return };
        if !matches!(m.qtype, 1 | 28) {
            return;
        }
        match e.fit {
            Fit::Matching => self.matching(m, e, cx),
            Fit::Late => self.late(m, e, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let addrs = |g: &Given| if g.addrs.spilled() { g.addrs.capacity() * size_of::<Addr>() } else { 0 };
        let owned = self.given.iter().map(|(_, g)| addrs(g)).chain(self.first.iter().map(|(_, g)| addrs(g)));
        self.given.held_len() + self.first.held_len() + owned.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.given.forgotten() + self.first.forgotten()
    }
}

#[cfg(test)]
mod tests;
