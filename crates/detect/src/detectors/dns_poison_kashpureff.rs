//! # dns-poison-kashpureff
//! ## How
//! A server may only speak of its own zones. Theirs is the zone in whose NS set it stood, as referrals that passed have told; of a
//! server that no referral has named it is the registrable domain of the question. In an answer that fits its question these owners are
//! allowed: the name asked for and those that its CNAME and DNAME records lead to, whatever lies in the server's zone, and, for addresses and
//! what belongs to them, names to which other records of the message point. `unrelated-answer`, `unrelated-additional`: any other owner
//! in the section. `authority-up`: the NS set of a zone above the server's own. `authority-sideways`: the NS set of a
//! zone in which nothing lies that was asked for. `upward-referral`: nothing but the root's NS set. The stronger form `accepted`:
//! while the foreign record may be kept, the same resolver answers somebody with it, or asks the planted server for a name of the
//! planted zone.
//! ## Thresholds
//! One record. What is known of a name is believed for 7 days.
//! ## State
//! Zones of 50,000 servers, addresses of 50,000 names, 4,096 foreign records with the resolver that got them; of each the least
//! recent is forgotten. Shared with the other judgements on forgeries: name servers of 50,000 zones, as answers that fitted tell them,
//! and never against what is known.
//! ## Severity
//! `accepted` critical 0.9. A foreign record that contradicts what is known of its name or zone high 0.8; other foreign records low 0.4. An
//! address of a name that a record points to outside the server's zone, if it contradicts what is known, medium 0.7. `upward-referral`
//! is `info`.
//! ## Benign
//! Servers of several zones that add addresses of neighbours (the server stands in the other zone's NS set too): left out. Chains
//! of CNAMEs into content networks lead to names that are allowed. SOA records name no servers for others: not
//! judged, nor are records of DNSSEC, EDNS and TSIG. Resolvers answer from what they hold: of them only answer and
//! additional section are judged, and addresses that differ say nothing. Zone transfers are left out.
//! ## Blind
//! Captures between clients and their resolver only: what the resolver was told is not seen. Without referrals a server's zone is a guess: then
//! the NS set of a zone above it is only judged if it contradicts what is known. Points of
//! records whose data is not told (AFSDB, NAPTR, KX): their messages' additional sections are left out.
//! ## References
//! CERT CA-1997-22 (the AlterNIC case); RFC 2181 §5.4.1; RFC 5452 §6; MaginotDNS (USENIX Security 2023).

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit, name_digest};
use crate::dns_zones::{is_within, registrable};
use crate::registry::Detector;
use crate::rows::{DnsEntry, DnsMessage, Kind, Row, type_bit};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid, seeded_hash};
use smallvec::SmallVec;
use std::borrow::Cow;

static ABOUT: About = About {
    id: "dns-poison-kashpureff",
    title: "records smuggled into an answer",
    means: "A DNS answer carried records for other people's names.",
    techniques: &["T1584.002", "T1557"],
    stage: Stage::Recon,
    reasons: &[
        Reason {
            code: "unrelated-additional",
            means: "The additional section speaks of names that are not the server's.",
        },
        Reason { code: "unrelated-answer", means: "The answer section speaks of names that nobody asked for." },
        Reason { code: "authority-up", means: "The answer names servers for a zone above the server's own." },
        Reason {
            code: "authority-sideways",
            means: "The answer names servers for a zone that has nothing to do with it.",
        },
        Reason { code: "upward-referral", means: "The server refers to the root instead of answering." },
    ],
    benign: "Servers of several zones, old servers that add more than they should, mistakes in delegations.",
    clears: "No such answer for 7 days; the resolver's cache was emptied.",
    next: &[
        "Ask the resolver for the foreign name and compare with its owner.",
        "See which clients were told the foreign record, and where they went.",
        "See whether the resolver checks what a server may speak of.",
    ],
    needs: &[vital(What::Some(Traffic::Dns)), vital(What::ResolverSide), vital(What::Answers(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const UNRELATED_ADDITIONAL: &Reason = ABOUT.at(0);
const UNRELATED_ANSWER: &Reason = ABOUT.at(1);
const AUTHORITY_UP: &Reason = ABOUT.at(2);
const AUTHORITY_SIDEWAYS: &Reason = ABOUT.at(3);
const UPWARD_REFERRAL: &Reason = ABOUT.at(4);

/// Servers of which it is known whose zones they were referred to for.
const MAX_SERVERS: usize = 50_000;
/// Names of which addresses are known.
const MAX_NAMES: usize = 50_000;
/// Foreign records remembered.
const MAX_PLANTED: usize = 4_096;
/// Zones kept of a server, and addresses of a name.
const MAX_KEPT: usize = 8;
/// Zones up to this length need no memory of their own.
const SHORT_NAME: usize = 64;
/// Names that an answer's aliases are followed through.
const MAX_ALIASES: usize = 16;
/// Foreign records quoted of one message.
const MAX_QUOTED: usize = 4;
/// How long an address is believed.
const BELIEVED_FOR: Interval = Interval::from_secs(7 * 86_400);
/// Longest time that a foreign record is watched for: a day, as resolvers keep nothing much longer.
const MAX_TTL: u64 = 86_400;

const NS: u64 = 2;
const CNAME: u64 = 5;
const SOA: u64 = 6;
const DNAME: u64 = 39;
/// ANY, IXFR and AXFR: whole zones.
const TRANSFERS: [u64; 2] = [251, 252];
/// Types whose data leads to a name that rows do not tell: MD to MG, MR, AFSDB, RT, PX, NAPTR, KX.
const UNTOLD: u64 = type_bit(3)
    | type_bit(4)
    | type_bit(7)
    | type_bit(8)
    | type_bit(9)
    | type_bit(18)
    | type_bit(21)
    | type_bit(26)
    | type_bit(35)
    | type_bit(36);
/// TKEY, TSIG: about other records, or about none.
const BESIDES: [u64; 2] = [249, 250];
/// The same of SIG, OPT, DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, by their bits.
const BESIDES_BITS: u64 = type_bit(24)
    | type_bit(41)
    | type_bit(43)
    | type_bit(46)
    | type_bit(47)
    | type_bit(48)
    | type_bit(50)
    | type_bit(51);
/// What comes with a name that a record points to: A, AAAA, SVCB, HTTPS, and CNAME on the way there.
const OF_TARGETS: [u64; 5] = [1, CNAME, 28, 64, 65];

/// Addresses of a name as its own servers tell them.
struct Known {
    ts: Timestamp,
    addrs: Vec<Addr>,
}

/// A foreign record that a resolver was given.
#[derive(Clone)]
struct Planted {
    reason: &'static Reason,
    server: Addr,
    key: Box<str>,
    /// Owner of the record, or the zone whose server was named.
    name: Box<[u8]>,
    words: Box<str>,
    ts: Timestamp,
    until: Timestamp,
    uid: Uid,
    packet: u64,
    /// Somebody else gave it too.
    excused: bool,
}

/// See the module.
pub(crate) struct Kashpureff {
    seed: u64,
    /// Zones whose NS sets a server stood in.
    served: Recent<Addr, Vec<Box<[u8]>>>,
    /// Zones of name servers whose address was not told with their name.
    glueless: Recent<u64, Vec<Box<[u8]>>>,
    known: Recent<u64, Known>,
    /// By resolver and record, or by resolver and planted server.
    planted: Recent<(Addr, u64), Planted>,
}

/// What the message may speak of.
struct Bailiwick<'a> {
    zone: SmallVec<[u8; SHORT_NAME]>,
    /// Told by a referral.
    learned: bool,
    /// The name asked for, in lower case, and where its aliases lead.
    asked: SmallVec<[&'a [u8]; 4]>,
    query: Cow<'a, [u8]>,
}

impl Bailiwick<'_> {
    fn is_asked(&self, name: &[u8]) -> bool {
        name == &*self.query || self.asked.contains(&name)
    }

    fn holds(&self, name: &[u8]) -> bool {
        is_within(name, &self.zone)
    }

    /// Is the zone above anything that was asked for?
    fn is_above_asked(&self, zone: &[u8]) -> bool {
        is_within(&self.query, zone) || self.asked.iter().any(|n| is_within(n, zone))
    }
}

impl Kashpureff {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            served: Recent::of(scope, MAX_SERVERS),
            glueless: Recent::of(scope, MAX_NAMES),
            known: Recent::of(scope, MAX_NAMES),
            planted: Recent::of(scope, MAX_PLANTED),
        }
    }

    /// The zone that the server may speak of: of those that it was referred to for the highest that the name lies in.
    fn bailiwick<'a>(&mut self, m: &DnsMessage<'a>, server: Addr) -> Bailiwick<'a> {
        let query = m.query.unwrap_or(&[]);
        let query = match query.iter().any(u8::is_ascii_uppercase) {
            true => Cow::Owned(query.to_ascii_lowercase()),
            false => Cow::Borrowed(query),
        };
        let zones = self.served.get(&server);
        let learned = zones.and_then(|z| z.iter().filter(|z| is_within(&query, z)).min_by_key(|z| z.len()));
        let zone = SmallVec::from_slice(learned.map_or_else(|| registrable(&query), |zone| &**zone));
        let learned = learned.is_some();
        let mut asked: SmallVec<[&[u8]; 4]> = SmallVec::new();
        // Aliases may stand in any order.
        let rounds = if m.has_type(type_bit(CNAME) | type_bit(DNAME)) { MAX_ALIASES } else { 0 };
        for _ in 0..rounds {
            let leads = |r: &DnsEntry<'a>| {
                let from = |name: &[u8]| match r.rtype {
                    CNAME => name == r.owner,
                    DNAME => is_within(name, r.owner),
                    _ => false,
                };
                r.section == 1 && (from(&query) || asked.iter().any(|n| from(n)))
            };
            let mut next = m.records().filter(leads).flat_map(|r| [r.owner, r.data]);
            match next.find(|n| *n != &*query && !asked.contains(n)) {
                Some(name) => asked.push(name),
                None => break,
            }
        }
        Bailiwick { zone, learned, asked, query }
    }

    fn answer(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        if !self.planted.is_empty() {
            self.tells(m, e, cx);
        }
        let from_cache = m.recursion && !m.authoritative;
        // What a cache says of the name itself is most of DNS: nothing foreign, and nothing to learn.
        let query = m.query.unwrap_or(&[]);
        let own = |r: &DnsEntry<'_>| r.section == 1 && r.owner.eq_ignore_ascii_case(query);
        if from_cache && m.records().all(|r| is_besides(r.rtype) || own(&r)) {
            return;
        }
        let b = self.bailiwick(m, e.server);
        let mut foreign: Vec<(&'static Reason, DnsEntry<'_>, bool)> = Vec::new();
        let mut points: Vec<(&'static Reason, DnsEntry<'_>, bool)> = Vec::new();
        let untold = m.has_type(UNTOLD) || m.more > 0;
        for r in m.records().filter(|r| !is_besides(r.rtype)) {
            match r.section {
                2 if r.rtype != NS || from_cache || b.holds(r.owner) => {}
                2 => {
                    if let Some(found) = self.authority(m, e, &b, &r, cx) {
                        foreign.push(found);
                    }
                }
                1 | 3 if b.holds(r.owner) || b.is_asked(r.owner) || r.rtype == SOA => {}
                1 | 3 if is_target(m, &r) => {
                    let moved = !from_cache && self.contradicts(&r, m.ts) && !self.is_neighbour(e.server, r.owner, cx);
                    points.extend(moved.then_some((UNRELATED_ADDITIONAL, r, true)));
                }
                3 if untold => {}
                1 | 3 if self.is_neighbour(e.server, r.owner, cx) => {}
                1 | 3 => {
                    let reason = if r.section == 1 { UNRELATED_ANSWER } else { UNRELATED_ADDITIONAL };
                    foreign.push((reason, r, !from_cache && self.contradicts(&r, m.ts)));
                }
                _ => {}
            }
        }
        if !points.is_empty() {
            self.raise(m, e, &b, &points, true, cx);
        }
        let reasons = [UNRELATED_ADDITIONAL, UNRELATED_ANSWER, AUTHORITY_UP, AUTHORITY_SIDEWAYS, UPWARD_REFERRAL];
        for reason in reasons.into_iter().filter(|_| !foreign.is_empty()) {
            let same: Vec<_> = foreign.iter().filter(|f| f.0.code == reason.code).copied().collect();
            if !same.is_empty() {
                self.raise(m, e, &b, &same, false, cx);
            }
        }
        if !from_cache && foreign.is_empty() && points.is_empty() {
            self.learn(m, &b);
        }
    }

    /// An NS set of the authority section that is outside the server's zone.
    fn authority<'a>(
        &self,
        m: &DnsMessage<'a>,
        e: &Exchange,
        b: &Bailiwick<'_>,
        r: &DnsEntry<'a>,
        cx: &Cx<'_>,
    ) -> Option<(&'static Reason, DnsEntry<'a>, bool)> {
        let answered = m.records().any(|r| r.section == 1);
        if r.owner.is_empty() {
            // The root's own servers speak of it, and so may everybody about a name right below it.
            let refers = !answered && !m.authoritative && b.query.contains(&b'.');
            return refers.then_some((UPWARD_REFERRAL, *r, false));
        }
        let said = cx.zones().said(m, r.owner);
        let known = cx.zones().get(r.owner);
        let contradicts = known.is_some_and(|k| k.contradicts(&said));
        if known.is_some_and(|k| k.addrs.contains(&e.server)) || self.is_neighbour(e.server, r.owner, cx) {
            return None;
        }
        if !b.is_above_asked(r.owner) {
            return Some((AUTHORITY_SIDEWAYS, *r, contradicts));
        }
        // Above the zone. A server that no referral has named may be one of the zone above.
        let is_up = is_within(&b.zone, r.owner) && (b.learned || contradicts);
        is_up.then_some((AUTHORITY_UP, *r, contradicts))
    }

    /// Is the server one of a zone that holds the name, too?
    fn is_neighbour(&self, server: Addr, name: &[u8], cx: &Cx<'_>) -> bool {
        let served = self.served.peek(&server).is_some_and(|zones| zones.iter().any(|z| is_within(name, z)));
        served || cx.zones().get(registrable(name)).is_some_and(|z| z.addrs.contains(&server))
    }

    /// Is the address of the name known to be another?
    fn contradicts(&self, r: &DnsEntry<'_>, now: Timestamp) -> bool {
        let (Some(addr), Some(known)) = (r.addr(), self.known.peek(&name_digest(r.owner, self.seed))) else {
            return false;
        };
        let alike = |a: &&Addr| a.is_v4() == addr.is_v4();
        let mut same_kind = known.addrs.iter().filter(alike).peekable();
        // Of a name with so many addresses not all are known.
        let whole = known.addrs.len() < MAX_KEPT && now - known.ts <= BELIEVED_FOR;
        whole && same_kind.peek().is_some() && same_kind.all(|a| *a != addr)
    }

    /// Learns whom the server refers to, and addresses of names of its zone.
    fn learn(&mut self, m: &DnsMessage<'_>, b: &Bailiwick<'_>) {
        // Who refers to a zone above the guess speaks for a zone higher up: of the root or a top-level domain.
        let refers = !b.learned && !m.authoritative && !m.records().any(|r| r.section == 1);
        let held =
            |r: &DnsEntry<'_>| b.holds(r.owner) || (refers && !r.owner.is_empty() && is_within(&b.query, r.owner));
        for ns in m.records().filter(|r| r.rtype == NS && r.section < 3 && !r.data.is_empty() && held(r)) {
            let mut glue = m.records().filter(|r| r.owner == ns.data).filter_map(|r| r.addr()).peekable();
            if glue.peek().is_none() {
                let key = name_digest(ns.data, self.seed);
                add(self.glueless.at(key, Vec::new), ns.owner);
                if let Some(known) = self.known.peek(&key) {
                    for addr in &known.addrs {
                        add(self.served.at(*addr, Vec::new), ns.owner);
                    }
                }
            }
            for addr in glue.take(MAX_KEPT) {
                add(self.served.at(addr, Vec::new), ns.owner);
            }
        }
        for r in m.records().filter(|r| b.holds(r.owner)) {
            let Some(addr) = r.addr() else { continue };
            let key = name_digest(r.owner, self.seed);
            if r.section == 1
                && let Some(zones) = self.glueless.get(&key)
            {
                for zone in zones.iter() {
                    add(self.served.at(addr, Vec::new), zone);
                }
            }
            let known = self.known.at(key, || Known { ts: m.ts, addrs: Vec::new() });
            known.ts = m.ts;
            if known.addrs.len() < MAX_KEPT && !known.addrs.contains(&addr) {
                known.addrs.push(addr);
            }
        }
    }

    /// One finding for what the message has of one reason. `pointed`: records that others of the message point to.
    fn raise(
        &mut self,
        m: &DnsMessage<'_>,
        e: &Exchange,
        b: &Bailiwick<'_>,
        found: &[(&'static Reason, DnsEntry<'_>, bool)],
        pointed: bool,
        cx: &mut Cx<'_>,
    ) {
        let Some((reason, ..)) = found.first() else { return };
        let contradicts = found.iter().any(|f| f.2);
        let (severity, confidence) = match (reason.code == UPWARD_REFERRAL.code, contradicts, pointed) {
            (true, ..) => (Severity::Info, 40),
            (_, _, true) => (Severity::Medium, 70),
            (_, true, _) => (Severity::High, 80),
            _ => (Severity::Low, 40),
        };
        let key = String::from_utf8_lossy(&b.zone).into_owned();
        let how = if b.learned { "told by a referral" } else { "taken from the question" };
        let words = format!("{} ({how}), asked for {}", shown(&b.zone), shown(&b.query));
        let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let mut raise = Raise::new(&ABOUT, reason, e.client, severity, Confidence::percent(confidence))
            .key(&*key)
            .peer(e.server)
            .at(m.ts)
            .flow(m.uid)
            .packet(m.packet)
            .measure(Measure::count("foreign records", count, Some(1), "", Origin::Standard("RFC 2181")))
            .quote("zone of the server", words.as_bytes(), m.packet);
        for (_, r, contradicts) in found.iter().take(MAX_QUOTED) {
            let mut words = in_words(r);
            if *contradicts && let Some(known) = self.known.peek(&name_digest(r.owner, self.seed)) {
                words += &format!("; known: {}", known.addrs.iter().map(Addr::to_string).collect::<Vec<_>>().join(" "));
            }
            raise = raise.quote("foreign record", words.as_bytes(), m.packet);
        }
        raise = match (pointed, contradicts) {
            (true, _) => raise.benign("a neighbour that moved", "a record of the answer points to the name"),
            (_, true) => raise.benign("servers of several zones", "the server stands in no NS set of the foreign zone"),
            _ => raise.benign("servers of several zones", "not known to be one of the foreign zone's servers"),
        };
        if reason.code == UPWARD_REFERRAL.code {
            raise = raise.stage(Stage::Hygiene);
        }
        cx.raise(raise);
        if reason.code != UPWARD_REFERRAL.code {
            self.plant(m, e, &key, found);
        }
    }

    /// Remembers what the resolver was given.
    fn plant(&mut self, m: &DnsMessage<'_>, e: &Exchange, key: &str, found: &[(&'static Reason, DnsEntry<'_>, bool)]) {
        for (reason, r, _) in found {
            let ttl = i64::try_from(r.ttl.clamp(1, MAX_TTL)).unwrap_or(1);
            let planted = Planted {
                reason,
                server: e.server,
                key: key.into(),
                name: r.owner.into(),
                words: in_words(r).into(),
                ts: m.ts,
                until: m.ts + Interval::from_secs(ttl),
                uid: m.uid,
                packet: m.packet,
                excused: false,
            };
            if r.rtype == NS {
                // Whoever is asked for a name of the zone from now on; whom the resolver asks anyway tells nothing.
                let glue = m.records().filter(|g| g.owner == r.data).filter_map(|g| g.addr());
                for addr in glue.take(MAX_KEPT) {
                    self.planted.at((e.client, server_key(addr, self.seed)), || planted.clone());
                }
            } else {
                self.planted.at((e.client, record_key(r, self.seed)), || planted.clone());
            }
        }
    }

    /// Does the resolver ask a planted server?
    fn asks(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        let key = (e.client, server_key(e.server, self.seed));
        let name = m.query.unwrap_or(&[]);
        let referred = self.served.peek(&e.server).is_some_and(|zones| zones.iter().any(|z| is_within(name, z)));
        let Some(planted) = self.planted.get(&key).filter(|p| p.server == e.server || e.usual.asked == 0) else {
            return;
        };
        if referred {
            return;
        }
        // Names of the planter's own zone it would be asked for anyway.
        if m.ts > planted.until || !is_within(name, &planted.name) || is_within(name, planted.key.as_bytes()) {
            return;
        }
        let planted = planted.clone();
        let words = format!("{} asks {} for {}", e.client, e.server, shown(name));
        accepted(&planted, e.client, None, m, &words, cx);
    }

    /// Does the resolver tell somebody what it was given? Or does somebody else give it the same?
    fn tells(&mut self, m: &DnsMessage<'_>, e: &Exchange, cx: &mut Cx<'_>) {
        for r in m.records().filter(|r| r.section == 1) {
            let key = record_key(&r, self.seed);
            let others = self.planted.get(&(e.client, key)).filter(|p| p.server != e.server);
            if let Some(planted) = others {
                planted.excused = true;
            }
            let given = self.planted.get(&(e.server, key)).filter(|p| !p.excused && m.ts <= p.until).cloned();
            if let Some(planted) = given {
                let words = format!("{} is told: {}", e.client, in_words(&r));
                accepted(&planted, e.server, Some(e.client), m, &words, cx);
            }
        }
    }
}

/// A planted record is used.
fn accepted(planted: &Planted, resolver: Addr, client: Option<Addr>, m: &DnsMessage<'_>, words: &str, cx: &mut Cx<'_>) {
    let mut raise = Raise::new(&ABOUT, planted.reason, resolver, Severity::Critical, Confidence::percent(90))
        .key(&*planted.key)
        .confirmed("accepted")
        .stage(Stage::Credential)
        .peer(planted.server)
        .between(planted.ts, m.ts)
        .flow(planted.uid)
        .flow(m.uid)
        .packet(planted.packet)
        .packet(m.packet)
        .quote("foreign record", planted.words.as_bytes(), planted.packet)
        .quote("accepted", words.as_bytes(), m.packet)
        .benign("another server gave the same record", "none was seen before it was used");
    if let Some(client) = client {
        raise = raise.peer(client);
    }
    cx.raise(raise);
}

fn is_besides(rtype: u64) -> bool {
    type_bit(rtype) & BESIDES_BITS != 0 || BESIDES.contains(&rtype)
}

fn add(zones: &mut Vec<Box<[u8]>>, zone: &[u8]) {
    if zones.len() < MAX_KEPT && !zones.iter().any(|z| **z == *zone) {
        zones.push(zone.into());
    }
}

/// Does another record of the message point to the owner, which then may have addresses here?
fn is_target(m: &DnsMessage<'_>, r: &DnsEntry<'_>) -> bool {
    OF_TARGETS.contains(&r.rtype) && m.records().any(|p| p.data == r.owner && p.addr().is_none())
}

fn record_key(r: &DnsEntry<'_>, seed: u64) -> u64 {
    seeded_hash(seeded_hash(seed ^ r.rtype, r.owner), r.data)
}

fn server_key(addr: Addr, seed: u64) -> u64 {
    seeded_hash(seed.wrapping_add(1), addr.octets())
}

fn shown(name: &[u8]) -> String {
    if name.is_empty() { ".".to_owned() } else { name.escape_ascii().to_string() }
}

fn in_words(r: &DnsEntry<'_>) -> String {
    let section = match r.section {
        1 => "answer",
        2 => "authority",
        _ => "additional",
    };
    let rtype = match r.rtype {
        1 => "A".to_owned(),
        NS => "NS".to_owned(),
        CNAME => "CNAME".to_owned(),
        28 => "AAAA".to_owned(),
        other => format!("TYPE{other}"),
    };
    format!("{section}: {} {rtype} {} (kept for {} s)", shown(r.owner), shown(r.data), r.ttl)
}

impl Detector for Kashpureff {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(exchange)) = (row, cx.exchange()) else { return };
        match exchange.fit {
            Fit::Query if !self.planted.is_empty() => self.asks(m, exchange, cx),
            Fit::Matching if m.rcode == 0 && m.qclass == 1 && !TRANSFERS.contains(&m.qtype) => {
                self.answer(m, exchange, cx);
            }
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let lists = |zones: &Vec<Box<[u8]>>| zones.iter().map(|z| z.len() + size_of::<Box<[u8]>>()).sum::<usize>();
        self.served.held_len()
            + self.glueless.held_len()
            + self.known.held_len()
            + self.planted.held_len()
            + self.served.iter().map(|(_, z)| lists(z)).sum::<usize>()
            + self.glueless.iter().map(|(_, z)| lists(z)).sum::<usize>()
            + self.known.iter().map(|(_, k)| k.addrs.capacity() * size_of::<Addr>()).sum::<usize>()
            + self.planted.iter().map(|(_, p)| p.key.len() + p.name.len() + p.words.len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.served.forgotten() + self.known.forgotten() + self.planted.forgotten()
    }
}

#[cfg(test)]
mod tests;
