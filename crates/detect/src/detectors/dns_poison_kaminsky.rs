//! # dns-poison-kaminsky
//! ## How
//! `forged-ns`: answers that fit no open question (wrong id, port, question or case), for names below a zone, carry name
//! servers of that zone whose addresses (or, without addresses, names) have nothing in common with those known from
//! answers that fitted; of a zone that nothing is known of, addresses other than the server's own. The stronger form
//! `won`: such an answer fits after forged ones came, or the resolver later asks a planted address for a name of the
//! zone. What it asks there, and which clients are told the planted addresses, is evidence. `random-siblings`: one host
//! asks for many different names right below one parent, of which hardly any exist, while no answer is forged.
//! ## Thresholds
//! `forged-ns`: 3 forged answers within 60 s are worth mentioning, 10 are an attack (Sekisho's own choice; a race that is
//! won in its first rounds needs no 50 names). `random-siblings`: 50 names within 60 s, at most 10 % of them answered
//! (after Musashi et al. 2011, who saw 1 to 40 where nobody attacked).
//! ## State
//! For each resolver and zone under attack the names, addresses and clients, at most 2,000; for each host and parent
//! digests of 64 names, at most 16,384. Zones known: see `dns-poison-kashpureff`.
//! ## Severity
//! `won` critical 0.9, 0.95 once a client was told a planted address; `forged-ns` high 0.85 from three names on, 0.8 of
//! fewer; below 10 answers medium 0.6. `random-siblings` medium 0.5.
//! ## Benign
//! Labels that are asked for below several parents are search lists at work (browsers' probes), labels of fewer than six
//! characters or of digits block lists and shortened questions (RFC 9156), names right below a top-level domain are
//! domains of their own, or hosts of a local network: they do not count as random. A server that
//! moves answers its questions; its answers fit.
//! ## Blind
//! Captures without the traffic between resolver and servers see neither forgeries nor their success. Without an earlier
//! honest answer a zone's servers are not known. Tunnels and made names whose names are answered are other judgements.
//! ## References
//! Kaminsky 2008 (CERT VU#800113); RFC 5452; Musashi et al. 2011; Herzberg and Shulman 2012.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit, name_digest};
use crate::dns_zones::{Said, parent};
use crate::registry::Detector;
use crate::rows::{DnsMessage, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "dns-poison-kaminsky",
    title: "forged referrals for random sibling names",
    means: "A resolver is being made to ask for random names in one domain while forged answers try to take over the whole \
            domain.",
    techniques: &["T1557", "T1584.002", "T1498"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "forged-ns", means: "Forged answers name other servers for a whole domain." },
        Reason { code: "random-siblings", means: "Many names that do not exist were asked for below one domain." },
    ],
    benign: "Floods of random names that only burden a server, measurements, search lists of browsers.",
    clears: "No forged answer for the domain for 7 days; the resolver's cache was emptied.",
    next: &[
        "Ask the resolver for the domain's servers and compare with the domain's owner.",
        "See who asked the resolver for the random names.",
        "See whether the resolver draws source ports and ids at random.",
    ],
    needs: &[
        vital(What::Some(Traffic::Dns)),
        vital(What::ResolverSide),
        vital(What::Requests(Traffic::Dns)),
        useful(What::Answers(Traffic::Dns)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FORGED_NS: &Reason = ABOUT.at(0);
const RANDOM_SIBLINGS: &Reason = ABOUT.at(1);

/// Resolvers and zones under attack.
const MAX_ATTACKS: usize = 2_000;
/// Hosts and parents whose names are counted.
const MAX_PARENTS: usize = 16_384;
/// Labels and questions of which it is remembered where they were asked.
const MAX_LABELS: usize = 16_384;
/// Different names counted of one attack or parent.
const MAX_NAMES: usize = 64;
/// Hosts of each kind kept of an attack.
const MAX_HOSTS: usize = 8;
/// How far apart signs of one attack may be.
const WINDOW: Interval = Interval::from_secs(60);
/// Forged answers that are mentioned, and that are an attack.
const FEW_FORGED: u64 = 3;
const MANY_FORGED: u64 = 10;
/// Names from which on a race over random names is one.
const SEVERAL_NAMES: u64 = 3;
/// While an attack goes on less is known of it than at its end.
const EARLY: Confidence = Confidence::percent(75);
/// Names below one parent that are a flood.
const SIBLINGS: u64 = 50;
/// Share of names answered at most, in percent.
const ANSWERED_PERCENT: u64 = 10;
/// Shorter labels are not random.
const MIN_LABEL_LEN: usize = 6;

/// Different items, up to a limit.
#[derive(Default)]
struct Few<T>(Vec<T>);

impl<T: PartialEq> Few<T> {
    /// Tells whether it is new and was kept.
    fn add(&mut self, item: T, max: usize) -> bool {
        let new = self.0.len() < max && !self.0.contains(&item);
        if new {
            self.0.push(item);
        }
        new
    }
}

/// An answer worth quoting.
#[derive(Clone, Copy)]
struct Sign {
    ts: Timestamp,
    packet: u64,
    uid: Uid,
}

impl Sign {
    fn of(m: &DnsMessage<'_>) -> Self {
        Self { ts: m.ts, packet: m.packet, uid: m.uid }
    }
}

struct Attack {
    zone: Box<[u8]>,
    first: Sign,
    last: Sign,
    forged: u64,
    raised: u64,
    names: Few<u64>,
    /// Servers in whose name the answers came.
    claimed: Few<Addr>,
    planted: Few<Addr>,
    known: Vec<Addr>,
    askers: Few<Addr>,
    ids: (u64, u64),
    /// Forged answers to the right port.
    right_port: u64,
    sample: String,
    won: Option<(Sign, String)>,
    /// What the resolver asked of planted addresses, and what clients were told, in words.
    used: Vec<(&'static str, String, u64)>,
    victims: Few<Addr>,
    /// Addresses that planted servers gave.
    given: Few<Addr>,
}

#[derive(Default)]
struct Siblings {
    since: Timestamp,
    labels: Few<u64>,
    asked: u64,
    answered: u64,
    samples: Vec<Box<[u8]>>,
    raised: bool,
}

/// See the module.
pub(crate) struct Kaminsky {
    seed: u64,
    attacks: Recent<(Addr, u64), Attack>,
    siblings: Recent<(Addr, u64), Siblings>,
    /// Below which parent a label was asked for first.
    labels: Recent<u64, u64>,
    /// Which client asked a resolver for a name.
    askers: Recent<u64, Addr>,
}

impl Kaminsky {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            attacks: Recent::of(scope, MAX_ATTACKS),
            siblings: Recent::of(scope, MAX_PARENTS),
            labels: Recent::of(scope, MAX_LABELS),
            askers: Recent::lasting(scope, MAX_LABELS, WINDOW),
        }
    }

    fn asked(&self, resolver: Addr, question: u64) -> u64 {
        SeededState(self.seed).hash_one((resolver, question))
    }

    fn query(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8], cx: &mut Cx<'_>) {
        self.askers.pass(m.ts);
        *self.askers.at(self.asked(e.server, e.question), || e.client) = e.client;
        if !self.attacks.is_empty() {
            self.asks_planted(m, e, name, cx);
        }
        let Some(parent) = parent(name) else { return };
        let label = name.split(|b| *b == b'.').next().unwrap_or(&[]);
        if label.len() < MIN_LABEL_LEN || label.iter().all(u8::is_ascii_digit) {
            return;
        }
        let (label_key, parent_key) = (name_digest(label, self.seed), name_digest(parent, self.seed));
        let elsewhere = *self.labels.at(label_key, || parent_key) != parent_key;
        if elsewhere || !parent.contains(&b'.') {
            return;
        }
        let siblings = self.siblings.at((e.client, parent_key), Siblings::default);
        if siblings.asked == 0 || m.ts - siblings.since > WINDOW {
            *siblings = Siblings { since: m.ts, raised: siblings.raised, ..Siblings::default() };
        }
        if !siblings.labels.add(label_key, MAX_NAMES) {
            return;
        }
        siblings.asked += 1;
        if siblings.samples.len() < 3 {
            siblings.samples.push(name.into());
        }
        let rare = siblings.answered * 100 <= siblings.asked * ANSWERED_PERCENT;
        if siblings.asked < SIBLINGS || !rare || siblings.raised {
            return;
        }
        siblings.raised = true;
        let span = (m.ts - siblings.since).0 / 1_000_000;
        let mut raise = Raise::new(&ABOUT, RANDOM_SIBLINGS, e.client, Severity::Medium, Confidence::percent(50))
            .stage(Stage::Impact)
            .key(String::from_utf8_lossy(parent).to_lowercase())
            .peer(e.server)
            .between(siblings.since, m.ts)
            .times(siblings.asked)
            .flow(m.uid)
            .packet(m.packet)
            .measure(Measure::count("different names", siblings.asked, Some(SIBLINGS), "names", Origin::Own))
            .measure(Measure::count("answered", siblings.answered, Some(SIBLINGS / 10), "names", Origin::Own))
            .measure(Measure::count("time", u64::try_from(span).unwrap_or(0), Some(60_000), "ms", Origin::Own))
            .benign("search list of a browser", "the labels were asked for below this domain only");
        for sample in &siblings.samples {
            raise = raise.quote("asked for", sample, 0);
        }
        cx.raise(raise);
    }

    fn answer(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8], cx: &mut Cx<'_>) {
        if e.fit == Fit::Matching && m.rcode == 0 && m.records().any(|r| r.section == 1) {
            let key = name_digest(parent(name).unwrap_or(&[]), self.seed);
            if let Some(siblings) = self.siblings.get(&(e.client, key)) {
                siblings.answered += 1;
            }
        }
        if !self.attacks.is_empty() && e.fit == Fit::Matching {
            self.tells(m, e, name, cx);
        }
        if !(e.fit.is_bad() || e.fit == Fit::Matching) {
            return;
        }
        let Some((zone, said)) = cx.zones().foreign(m, e.server, name) else { return };
        let known = cx.zones().get(zone).map(|k| k.addrs.clone()).unwrap_or_default();
        if e.fit == Fit::Matching {
            self.fits(m, e, zone, &said, cx);
        } else {
            self.forged(m, e, (zone, known), &said, cx);
        }
    }

    fn forged(&mut self, m: &DnsMessage<'_>, e: &Exchange, of: (&[u8], Vec<Addr>), said: &Said, cx: &mut Cx<'_>) {
        let (zone, known) = of;
        let asker = self.askers.peek(&self.asked(e.client, e.question)).copied();
        let sign = Sign::of(m);
        let attack = self.attacks.at((e.client, name_digest(zone, self.seed)), || Attack::new(zone, sign));
        if m.ts - attack.last.ts > WINDOW && attack.won.is_none() {
            attack.raise_attempt(e.client, false, cx);
            *attack = Attack::new(zone, sign);
        }
        if attack.forged == 0 {
            attack.known = known;
            attack.sample = in_words(m, e, zone);
            attack.ids = (m.id, m.id);
        }
        attack.forged += 1;
        attack.last = sign;
        attack.right_port += u64::from(e.fit == Fit::BadId);
        attack.ids = (attack.ids.0.min(m.id), attack.ids.1.max(m.id));
        attack.names.add(e.question, MAX_NAMES);
        attack.claimed.add(e.server, MAX_HOSTS);
        said.addrs.iter().for_each(|a| _ = attack.planted.add(*a, MAX_HOSTS));
        if let Some(asker) = asker {
            attack.askers.add(asker, MAX_HOSTS);
        }
        // Early, for those who watch a network live and in case that there is no room later on; again at the end.
        if attack.forged == MANY_FORGED && attack.won.is_none() {
            attack.raise_attempt(e.client, true, cx);
        }
    }

    /// An answer that contradicts what is known fits its question.
    fn fits(&mut self, m: &DnsMessage<'_>, e: &Exchange, zone: &[u8], said: &Said, cx: &mut Cx<'_>) {
        let Some(attack) = self.attacks.get(&(e.client, name_digest(zone, self.seed))) else { return };
        let same = said.addrs.iter().any(|a| attack.planted.0.contains(a));
        if attack.forged < FEW_FORGED || !same || attack.won.is_some() || m.ts - attack.last.ts > WINDOW {
            return;
        }
        attack.names.add(e.question, MAX_NAMES);
        let mut words = in_words(m, e, zone);
        if e.hop_difference(m.hop_limit) > 0 {
            words += &format!("; hop limit {}, usually {}", m.hop_limit, e.usual.hop_limit);
        }
        attack.won = Some((Sign::of(m), words));
        attack.raise_won(e.client, Sign::of(m), Confidence::percent(90), cx);
    }

    /// Does a resolver ask an address that was planted?
    fn asks_planted(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8], cx: &mut Cx<'_>) {
        let mut zone = Some(name);
        while let Some(at) = zone.filter(|z| !z.is_empty()) {
            zone = parent(at);
            let Some(attack) = self.attacks.get(&(e.client, name_digest(at, self.seed))) else { continue };
            let planted = attack.planted.0.contains(&e.server) && !attack.known.contains(&e.server);
            if !planted || attack.forged < FEW_FORGED {
                continue;
            }
            let words = format!("{} asks {} for {}", e.client, e.server, name.escape_ascii());
            if attack.won.is_none() {
                attack.won = Some((Sign::of(m), format!("not seen, but {words}")));
            }
            attack.use_of("asked of the planted server", words, m.packet);
            attack.raise_won(e.client, Sign::of(m), Confidence::new(920), cx);
        }
    }

    /// Does a planted server answer, or a resolver tell a client what was planted?
    fn tells(&mut self, m: &DnsMessage<'_>, e: &Exchange, name: &[u8], cx: &mut Cx<'_>) {
        let mut zone = Some(name);
        while let Some(at) = zone.filter(|z| !z.is_empty()) {
            zone = parent(at);
            let key = name_digest(at, self.seed);
            let addrs = || m.records().filter(|r| r.section == 1).filter_map(|r| r.addr());
            if let Some(attack) = self.attacks.get(&(e.client, key))
                && attack.won.is_some()
                && attack.planted.0.contains(&e.server)
            {
                addrs().for_each(|a| _ = attack.given.add(a, MAX_HOSTS));
            }
            let Some(attack) = self.attacks.get(&(e.server, key)).filter(|a| a.won.is_some()) else { continue };
            let Some(addr) = addrs().find(|a| attack.given.0.contains(a) || attack.planted.0.contains(a)) else {
                continue;
            };
            let words = format!("{} is told that {} is at {addr}", e.client, name.escape_ascii());
            attack.use_of("told to a client", words, m.packet);
            // Who asked for the random names is the attacker's hand, no victim.
            if !attack.askers.0.contains(&e.client) {
                attack.victims.add(e.client, MAX_HOSTS);
            }
            let confidence =
                if attack.victims.0.is_empty() { Confidence::percent(90) } else { Confidence::percent(95) };
            attack.raise_won(e.server, Sign::of(m), confidence, cx);
        }
    }
}

/// A forged answer.
fn in_words(m: &DnsMessage<'_>, e: &Exchange, zone: &[u8]) -> String {
    let ns = m.records().find(|r| r.rtype == 2 && r.section == 2 && r.owner == zone).map_or(&[][..], |r| r.data);
    let glue = m.records().find(|r| r.owner == ns).and_then(|r| r.addr());
    let name = m.query.unwrap_or(&[]).escape_ascii();
    let glue = glue.map_or(String::new(), |a| format!(" at {a}"));
    let (zone, ns) = (zone.escape_ascii(), ns.escape_ascii());
    format!("id {} to port {} for {name}: {zone} is served by {ns}{glue}", m.id, e.client_port)
}

impl Attack {
    fn new(zone: &[u8], sign: Sign) -> Self {
        Self {
            zone: zone.into(),
            first: sign,
            last: sign,
            forged: 0,
            raised: 0,
            names: Few::default(),
            claimed: Few::default(),
            planted: Few::default(),
            known: Vec::new(),
            askers: Few::default(),
            ids: (0, 0),
            right_port: 0,
            sample: String::new(),
            won: None,
            used: Vec::new(),
            victims: Few::default(),
            given: Few::default(),
        }
    }

    fn use_of(&mut self, label: &'static str, words: String, packet: u64) {
        // Room is left for the forged and the winning answer.
        if self.used.len() + 2 < sekisho_finding::MAX_QUOTES && !self.used.iter().any(|u| u.1 == words) {
            self.used.push((label, words, packet));
        }
    }

    fn raise_attempt(&mut self, resolver: Addr, early: bool, cx: &mut Cx<'_>) {
        if self.forged < FEW_FORGED || self.forged == self.raised {
            return;
        }
        let names = self.names.0.len() as u64;
        let (severity, confidence) = match (self.forged >= MANY_FORGED, names >= SEVERAL_NAMES) {
            (true, true) => (Severity::High, Confidence::percent(85)),
            (true, false) => (Severity::High, Confidence::percent(80)),
            _ => (Severity::Medium, Confidence::percent(60)),
        };
        // The measures of the surest word stay, which is to be the last one.
        let confidence = if early { EARLY } else { confidence };
        let raise = self.raise(resolver, severity, confidence);
        cx.raise(raise.benign("success of the attack", "no forged answer fitted an open question"));
    }

    fn raise_won(&mut self, resolver: Addr, sign: Sign, confidence: Confidence, cx: &mut Cx<'_>) {
        let mut raise = self.raise(resolver, Severity::Critical, confidence).confirmed("won");
        if let Some((won, words)) = &self.won {
            raise = raise.quote("winning answer", words.as_bytes(), won.packet).packet(won.packet).flow(won.uid);
        }
        for (label, words, packet) in &self.used {
            raise = raise.quote(label, words.as_bytes(), *packet);
        }
        raise = raise.packet(sign.packet).flow(sign.uid).between(self.first.ts, sign.ts);
        for victim in &self.victims.0 {
            raise = raise.peer(*victim);
        }
        cx.raise(raise);
    }

    fn raise(&mut self, resolver: Addr, severity: Severity, confidence: Confidence) -> Raise {
        let zone = String::from_utf8_lossy(&self.zone).into_owned();
        let span = u64::try_from((self.last.ts - self.first.ts).0 / 1_000_000).unwrap_or(0);
        let new = self.forged - std::mem::replace(&mut self.raised, self.forged);
        let mut raise = Raise::new(&ABOUT, FORGED_NS, resolver, severity, confidence)
            .key(zone)
            .times(new)
            .between(self.first.ts, self.last.ts)
            .flow(self.first.uid)
            .packet(self.first.packet)
            .packet(self.last.packet)
            .measure(Measure::count("forged answers", self.forged, Some(MANY_FORGED), "", Origin::Own))
            .measure(Measure::count("names", self.names.0.len() as u64, Some(SEVERAL_NAMES), "", Origin::Own))
            .measure(Measure::count("to the right port", self.right_port, None, "", Origin::Own))
            .measure(Measure::count("time", span, None, "ms", Origin::Own))
            .measure(Measure::count("lowest id tried", self.ids.0, None, "", Origin::Own))
            .measure(Measure::count("highest id tried", self.ids.1, None, "", Origin::Own))
            .measure(Measure {
                name: "hits to be expected if ids are random",
                thousandths: i64::try_from(self.right_port.saturating_mul(1000) / 65_536).unwrap_or(i64::MAX),
                threshold: None,
                unit: "",
                origin: Origin::Standard("RFC 5452"),
            });
        raise = raise.quote("forged answer", self.sample.as_bytes(), self.first.packet);
        if let Some(known) = self.known.first() {
            raise = raise.quote("known server of the zone", known.to_string().as_bytes(), 0);
        }
        let hosts = self.planted.0.iter().chain(&self.claimed.0).chain(&self.askers.0);
        hosts.fold(raise, |raise, host| raise.peer(*host))
    }
}

impl Detector for Kaminsky {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::DnsMessage(m), Some(exchange)) = (row, cx.exchange()) else { return };
        let name = m.query.unwrap_or(&[]);
        if exchange.fit == Fit::Query {
            self.query(m, exchange, name, cx);
        } else {
            self.answer(m, exchange, name, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut open: Vec<_> = self.attacks.iter().filter(|(_, a)| a.won.is_none()).map(|(key, _)| *key).collect();
        open.sort_unstable();
        for key in open {
            if let Some(attack) = self.attacks.get(&key) {
                attack.raise_attempt(key.0, false, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        let tables =
            self.attacks.held_len() + self.siblings.held_len() + self.labels.held_len() + self.askers.held_len();
        let labels = self.siblings.iter().map(|(_, s)| s.labels.0.capacity() * 8);
        tables + labels.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.attacks.forgotten() + self.siblings.forgotten()
    }
}

#[cfg(test)]
mod tests;
