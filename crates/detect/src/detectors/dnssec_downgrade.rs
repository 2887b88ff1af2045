//! # dnssec-downgrade
//! ## How
//! Names that were seen with a chain up to an anchor are known to be signed. `rrsig-stripped`: a client asked a resolver for such a name with signatures (DO) and is answered with records,
//! whole, but without any signature. `unsigned-was-signed`: servers with authority answer so three times, and no proof has come that the zone is
//! unsigned. `ad-never`: a resolver answered 50 times with what verifies here, to clients that asked for it to be checked, and never set AD. `do-stripped`: clients ask a forwarder with
//! DO, and it asks on without, for nine in ten names of ten or more. `cd-forced`: a forwarder sets CD in nine of ten of 50 questions or more.
//! ## Thresholds
//! Three answers, 50 and 10 questions, nine tenths (Sekisho's own choice); 7 days for names that were signed.
//! ## State
//! 50,000 names that were signed; 4,096 resolvers with counters; 16,384 questions open at forwarders; 4,096 names that came without signatures; the least recent forgotten.
//! ## Severity
//! `rrsig-stripped` and `unsigned-was-signed` medium 0.7; `ad-never` low 0.8; `do-stripped` and `cd-forced` `info` 0.8.
//! ## Benign
//! Answers that a policy made (extended errors 15 to 18, 4 forged, 29 synthesized) and truncated ones are left out. A zone that goes unsigned properly removes its DS record first: its names are
//! not bogus then, and the verdicts say insecure. A forwarder that validates by itself sets CD so that it gets the data whole.
//! ## Blind
//! Names that were not seen signed. Resolvers whose clients do not ask for signatures.
//! ## References
//! RFC 4035 §3.2; RFC 6840 §5.7 to §5.9; RFC 8914; RFC 3225.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit};
use crate::registry::Detector;
use crate::rows::{DnsEntry, DnsMessage, Kind, Row, type_bit};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_dnssec::{Status, Subject};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "dnssec-downgrade",
    title: "protection asked for but not delivered",
    means: "Clients ask for DNSSEC but answers lose signatures or the validated flag on the way.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason {
            code: "rrsig-stripped",
            means: "A signed name was answered without signatures although they were asked for.",
        },
        Reason {
            code: "ad-never",
            means: "A resolver does not say that signed answers are authentic: it does not validate.",
        },
        Reason { code: "do-stripped", means: "A forwarder does not pass on that signatures are wanted." },
        Reason { code: "cd-forced", means: "A forwarder asks for answers that were not checked." },
        Reason { code: "unsigned-was-signed", means: "A zone that was signed is served without signatures." },
    ],
    benign: "Old home routers, DNS64, filters that answer by policy, zones that went unsigned properly.",
    clears: "Signed names are answered with signatures, and resolvers set AD, for 7 days.",
    next: &[
        "Ask the resolver for the name with DO, and compare with its authoritative servers.",
        "See whether the resolver is set to validate.",
        "Look for a device on the way that knows no EDNS.",
    ],
    needs: &[vital(What::Some(Traffic::Signed)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const RRSIG_STRIPPED: &Reason = ABOUT.at(0);
const AD_NEVER: &Reason = ABOUT.at(1);
const DO_STRIPPED: &Reason = ABOUT.at(2);
const CD_FORCED: &Reason = ABOUT.at(3);
const UNSIGNED_WAS_SIGNED: &Reason = ABOUT.at(4);

/// Resolvers counted.
const MAX_RESOLVERS: usize = 4_096;
/// Questions open at forwarders.
const MAX_OPEN: usize = 16_384;
/// Names that came without signatures.
const MAX_BARE: usize = 4_096;
/// Answers of servers with authority.
const BARE_ANSWERS: u64 = 3;
/// Verified answers without AD; questions with CD.
const MANY: u64 = 50;
/// Questions passed on without DO.
const PASSED_ON: u64 = 10;
/// Share, in percent.
const MOST_PERCENT: u64 = 90;
/// How soon a forwarder asks on.
const AT_ONCE: Interval = Interval::from_secs(5);

const NS: u64 = 2;
const CNAME: u64 = 5;
const RRSIG: u64 = 46;
/// Extended errors of answers that the resolver made by itself: Forged, Blocked, Censored, Filtered, Prohibited, Synthesized.
const BY_POLICY: [u64; 6] = [4, 15, 16, 17, 18, 29];

#[derive(Default)]
struct Resolver {
    first: Timestamp,
    last: Timestamp,
    uid: Uid,
    packet: u64,
    /// Answers that verify, to clients that asked for it, and those of them with AD.
    verified: u64,
    authentic: u64,
    /// Questions that it asked with recursion, and those of them with CD.
    asked: u64,
    unchecked: u64,
    /// Questions with DO that it asked on, and those of them without.
    passed_on: u64,
    without: u64,
    /// Answers others.
    serves: bool,
}

/// See the module.
pub(crate) struct Downgrade {
    resolvers: Recent<Addr, Resolver>,
    /// Questions with DO that a host was asked, by host and question.
    open: Recent<(Addr, u64), Timestamp>,
    /// Answers of servers with authority to signed names, without signatures.
    bare: Recent<u64, u64>,
}

impl Downgrade {
    pub fn new(scope: &Scope) -> Self {
        Self {
            resolvers: Recent::of(scope, MAX_RESOLVERS),
            open: Recent::lasting(scope, MAX_OPEN, AT_ONCE),
            bare: Recent::of(scope, MAX_BARE),
        }
    }

    fn query(&mut self, m: &DnsMessage<'_>, e: &Exchange) {
        self.open.pass(m.ts);
        let passed = self.open.remove(&(e.client, e.question)).is_some_and(|at| m.ts - at <= AT_ONCE);
        if !m.recursion_desired {
            if passed {
                self.passed_on(m, e);
            }
            return;
        }
        if m.dnssec_ok {
            self.open.at((e.server, e.question), || m.ts);
        }
        let asker = self.resolver(e.client, m);
        asker.asked += 1;
        asker.unchecked += u64::from(m.unchecked);
        if passed {
            self.passed_on(m, e);
        }
    }

    fn passed_on(&mut self, m: &DnsMessage<'_>, e: &Exchange) {
        let resolver = self.resolver(e.client, m);
        resolver.passed_on += 1;
        if !m.dnssec_ok {
            resolver.without += 1;
            (resolver.uid, resolver.packet) = (m.uid, m.packet);
        }
    }

    fn resolver(&mut self, addr: Addr, m: &DnsMessage<'_>) -> &mut Resolver {
        let new = || Resolver { first: m.ts, uid: m.uid, packet: m.packet, ..Resolver::default() };
        let resolver = self.resolvers.at(addr, new);
        resolver.last = m.ts;
        resolver
    }

    fn answer(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        if m.recursion && !m.authoritative {
            self.resolver(e.server, m).serves = true;
        }
        let wanted = e.asked.is_some_and(|a| a.dnssec_ok);
        let policy = m.extended_error.is_some_and(|code| BY_POLICY.contains(&code));
        if !wanted || m.rcode != 0 || m.truncated || m.more > 0 || policy || !cx.dnssec().is_there() {
            return;
        }
        if m.has_type(type_bit(RRSIG)) || !cx.dnssec().was_signed(e.name, m.ts) {
            return;
        }
        let name = m.query.unwrap_or(&[]).to_ascii_lowercase();
        let of_name = |r: &DnsEntry<'_>| r.section == 1 && r.owner == name && !matches!(r.rtype, NS | CNAME);
        if !m.records().any(|r| of_name(&r)) {
            return;
        }
        let (reason, count, limit) = if m.authoritative {
            let bare = self.bare.at(e.name, || 0);
            *bare += 1;
            (UNSIGNED_WAS_SIGNED, *bare, BARE_ANSWERS)
        } else {
            (RRSIG_STRIPPED, 1, 1)
        };
        if count < limit {
            return;
        }
        let data = m.records().find(of_name).map(|r| r.data).unwrap_or_default();
        let words = format!("{} is answered with {}, without RRSIG", name.escape_ascii(), data.escape_ascii());
        cx.raise(
            Raise::new(&ABOUT, reason, e.server, Severity::Medium, Confidence::percent(70))
                .key(String::from_utf8_lossy(&name))
                .peer(e.client)
                .at(m.ts)
                .flow(m.uid)
                .packet(m.packet)
                .measure(Measure::count("answers without signature", count, Some(limit), "", Origin::Own))
                .quote("answer", words.as_bytes(), m.packet)
                .benign("an answer by policy", "it carries no extended error that says so")
                .benign("a zone that went unsigned", "the name had a chain up to an anchor before"),
        );
    }

    /// What verifies here: does the resolver say so, too?
    fn verified(&mut self, cx: &Cx<'_>) {
        let dnssec = cx.dnssec();
        for v in dnssec.verdicts().iter().filter(|v| v.status() == Status::Secure && v.subject == Subject::Answer) {
            let Some(source) = dnssec.origin(&v.seen) else { continue };
            if !source.recursion || source.authoritative || source.unchecked || !source.wanted {
                continue;
            }
            let resolver = self.resolvers.at(source.server, || Resolver { first: v.seen.at, ..Resolver::default() });
            resolver.last = v.seen.at;
            resolver.verified += 1;
            resolver.authentic += u64::from(source.authentic);
            if resolver.packet == 0 {
                (resolver.uid, resolver.packet) = (source.uid, source.packet);
            }
        }
    }
}

impl Detector for Downgrade {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(exchange)) = (row, cx.exchange()) else { return };
        match exchange.fit {
            Fit::Query => self.query(m, exchange),
            Fit::Matching => self.answer(m, exchange, cx),
            _ => {}
        }
        self.verified(cx);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.verified(cx);
        let mut all: Vec<(&Addr, &Resolver)> = self.resolvers.iter().collect();
        all.sort_unstable_by_key(|r| r.0);
        for (addr, r) in all {
            let base = |reason, severity| {
                Raise::new(&ABOUT, reason, *addr, severity, Confidence::percent(80))
                    .between(r.first, r.last)
                    .flow(r.uid)
                    .packet(r.packet)
            };
            let count = |name, value, limit| Measure::count(name, value, Some(limit), "", Origin::Own);
            if r.verified >= MANY && r.authentic == 0 {
                let raise = base(AD_NEVER, Severity::Low)
                    .times(r.verified)
                    .measure(count("answers that verify here", r.verified, MANY))
                    .measure(count("of these with AD", r.authentic, 1));
                cx.raise(raise.benign("clients that do not ask", "they set DO or AD"));
            }
            if r.serves && r.passed_on >= PASSED_ON && r.without * 100 >= r.passed_on * MOST_PERCENT {
                let raise = base(DO_STRIPPED, Severity::Info)
                    .times(r.without)
                    .measure(count("questions with DO asked on", r.passed_on, PASSED_ON))
                    .measure(count("of these without DO", r.without * 100 / r.passed_on.max(1), MOST_PERCENT));
                cx.raise(raise.benign("answers from its cache", "only questions that it asked on are counted"));
            }
            if r.serves && r.asked >= MANY && r.unchecked * 100 >= r.asked * MOST_PERCENT {
                let raise = base(CD_FORCED, Severity::Info)
                    .times(r.unchecked)
                    .measure(count("questions asked on", r.asked, MANY))
                    .measure(count("of these with CD", r.unchecked * 100 / r.asked.max(1), MOST_PERCENT));
                cx.raise(raise.benign("it validates by itself", "cannot be told from here"));
            }
        }
    }

    fn held_len(&self) -> usize {
        self.resolvers.held_len() + self.open.held_len() + self.bare.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.resolvers.forgotten()
    }
}

#[cfg(test)]
mod tests;
