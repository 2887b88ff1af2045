//! Which DNS answers fit a question (`detections.md` §5): one table for all detectors that judge forgeries.
//!
//! An answer fits only if addresses, port, id and question agree. Keys are seeded digests: nobody outside can aim at them.

use crate::detection::Scope;
use crate::rows::{DnsMessage, Row};
use crate::table::Recent;
use sekisho_types::{Addr, Interval, SeededHasher, SeededState, Timestamp, Uid, seeded_hash, seeded_hash_folded};
use std::hash::{BuildHasher, Hash, Hasher};

/// Questions remembered.
const MAX_ASKED: usize = 262_144;
/// Different questions of one client to one server, whatever their ids and ports.
const MAX_ALIKE: usize = 131_072;
/// Pairs of client and server of which it is known how far and how fast the server is.
const MAX_PAIRS: usize = 16_384;
/// Hosts that answer others' questions by asking themselves.
const MAX_RESOLVERS: usize = 4_096;
/// How long a question is open.
pub(crate) const OPEN_FOR: Interval = Interval::from_secs(10);
/// From here on a repeated question is a new one, not a copy.
const COPY_WITHIN: Interval = Interval::from_secs(1);
/// Longest name that is looked at.
const MAX_NAME_LEN: usize = 512;

/// How a message fits what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is a question.
    Query,
    /// The first answer that fits.
    Matching,
    /// The same answer again: the network or the capture doubled it.
    Copy,
    /// A different answer to a question that was answered already.
    Late,
    /// The question was asked, from that port, with another id.
    BadId,
    /// The question was asked from another port.
    BadPort,
    /// Port and id fit, the question is another one.
    BadQuestion,
    /// All fits but the case of the name, which the client had mixed.
    BadCase,
    /// Nobody asked.
    Unsolicited,
}

impl Fit {
    /// An answer that the client would not take.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::BadId | Self::BadPort | Self::BadQuestion | Self::BadCase)
    }
}

/// An answer as it is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub ts: Timestamp,
    pub packet: u64,
    pub hop_limit: u8,
    digest: u64,
    /// Digest of the answer section without order and times to live.
    pub set: u64,
}

/// A question as it is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub ts: Timestamp,
    pub packet: u64,
    pub uid: Uid,
    question: u64,
    /// Digest of the name with its case, if lower and upper case stand mixed in it.
    mixed: Option<u64>,
    /// Signatures were wanted.
    pub dnssec_ok: bool,
    /// AD was set: the client wants to be told whether the answer is authentic.
    pub authentic: bool,
    pub answered: Option<Answered>,
}

/// What is usual between a client and a server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usual {
    /// Questions asked.
    pub asked: u64,
    /// Answers that fitted.
    pub answers: u64,
    /// Hop limit of most answers; 0 if none came.
    pub hop_limit: u8,
    /// How often, taking off the exceptions.
    weight: u16,
    /// The shortest time until an answer.
    pub fastest: Interval,
}

/// The message at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub fit: Fit,
    pub client: Addr,
    pub client_port: u16,
    pub server: Addr,
    /// Digest of the name without case: see [`name_digest`].
    pub name: u64,
    /// Digest of name, without case, and type.
    pub question: u64,
    /// Number of client, server and question.
    pub key: u64,
    /// The question that it belongs to, or that it comes closest to, as it was before this message.
    pub asked: Option<Asked>,
    /// Questions of this client to this server with that name and type that are open, under different ids or ports.
    pub in_flight: u16,
    /// Digest of the answer section without order and times to live.
    pub set: u64,
    /// What was usual before this message.
    pub usual: Usual,
    /// The client is a resolver: it asks without wanting recursion, or offers recursion to others.
    pub by_resolver: bool,
}

impl Exchange {
    /// By how much the hop limit differs from the server's usual one; 0 if either is unknown.
    pub fn hop_difference(&self, hop_limit: u64) -> u64 {
        if hop_limit == 0 || self.usual.hop_limit == 0 {
            return 0;
        }
        hop_limit.abs_diff(u64::from(self.usual.hop_limit))
    }
}

#[derive(Clone, Copy, Default)]
struct Alike {
    open: u16,
    last: Timestamp,
    /// Ports and ids of the two asked last.
    recent: [(u16, u16); 2],
}

/// See the module.
pub(crate) struct Exchanges {
    seed: u64,
    asked: Recent<u64, Asked>,
    alike: Recent<u64, Alike>,
    pairs: Recent<(Addr, Addr), Usual>,
    resolvers: Recent<Addr, ()>,
    at_hand: Option<Exchange>,
}

impl Exchanges {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            asked: Recent::lasting(scope, MAX_ASKED, OPEN_FOR),
            alike: Recent::lasting(scope, MAX_ALIKE, OPEN_FOR),
            pairs: Recent::of(scope, MAX_PAIRS),
            resolvers: Recent::of(scope, MAX_RESOLVERS),
            at_hand: None,
        }
    }

    /// How the message at hand fits; `None` of other rows.
    pub fn at_hand(&self) -> Option<&Exchange> {
        self.at_hand.as_ref()
    }

    pub fn forgotten(&self) -> u64 {
        self.pairs.forgotten()
    }

    pub fn row(&mut self, row: &Row<'_>) {
        self.at_hand = None;
        if let Row::DnsMessage(m) = row {
            self.message(m);
        }
    }

    fn message(&mut self, m: &DnsMessage<'_>) {
        let Some(name) = m.query.filter(|n| n.len() <= MAX_NAME_LEN && m.opcode == 0) else { return };
        let ((client, client_port), (server, _)) =
            if m.is_query { (m.sender(), m.receiver()) } else { (m.receiver(), m.sender()) };
        let digest = name_digest(name, self.seed);
        let question = digest.wrapping_add(m.qtype);
        let keys = Keys::new(self.seed, client, server);
        self.asked.pass(m.ts);
        self.alike.pass(m.ts);
        let Self { seed, asked, alike, pairs, resolvers, at_hand } = self;
        let usual = pairs.at((client, server), Usual::default);
        let by_resolver = if m.is_query && !m.recursion_desired {
            resolvers.at(client, || ());
            true
        } else {
            resolvers.get(&client).is_some()
        };
        let exchange = at_hand.insert(Exchange {
            fit: Fit::Query,
            client,
            client_port,
            server,
            name: digest,
            question,
            key: keys.of(question),
            asked: None,
            in_flight: 0,
            set: 0,
            usual: *usual,
            by_resolver,
        });
        if m.is_query {
            query(m, &keys, (asked, alike, usual), *seed, exchange);
        } else {
            exchange.set = answer_set(m, *seed);
            answer(m, &keys, (asked, alike, usual), *seed, exchange);
        }
    }
}

/// Questions, like ones, and what is usual between the two.
type Tables<'t> = (&'t mut Recent<u64, Asked>, &'t mut Recent<u64, Alike>, &'t mut Usual);

fn query(m: &DnsMessage<'_>, keys: &Keys, (asked, alike, usual): Tables<'_>, seed: u64, exchange: &mut Exchange) {
    let id = u16::try_from(m.id).unwrap_or(0);
    let alike = alike.at(exchange.key, Alike::default);
    if m.ts - alike.last > OPEN_FOR {
        *alike = Alike::default();
    }
    alike.last = m.ts;
    let name = m.query.unwrap_or(&[]);
    let new = || Asked {
        ts: m.ts,
        packet: m.packet,
        uid: m.uid,
        question: exchange.question,
        mixed: is_mixed(name).then(|| seeded_hash(seed, name)),
        dnssec_ok: m.dnssec_ok,
        authentic: m.authentic,
        answered: None,
    };
    let mut is_new = false;
    let asked = asked.at(keys.of_port(exchange.client_port, m.id), || {
        is_new = true;
        new()
    });
    let again = |a: &Asked| m.ts - a.ts <= if a.answered.is_some() { COPY_WITHIN } else { OPEN_FOR };
    if !is_new && asked.question == exchange.question && again(asked) {
        exchange.asked = Some(*asked);
    } else {
        if !is_new {
            *asked = new();
        }
        alike.open = alike.open.saturating_add(1);
        alike.recent = [(exchange.client_port, id), alike.recent[0]];
        usual.asked += 1;
    }
    exchange.in_flight = alike.open;
}

fn answer(m: &DnsMessage<'_>, keys: &Keys, (asked, alike, usual): Tables<'_>, seed: u64, exchange: &mut Exchange) {
    let open = |asked: &Asked| m.ts - asked.ts <= OPEN_FOR;
    let alike = alike.get(&exchange.key).filter(|a| m.ts - a.last <= OPEN_FOR);
    exchange.in_flight = alike.as_ref().map_or(0, |a| a.open);
    if let Some(asked) = asked.get(&keys.of_port(exchange.client_port, m.id)).filter(|a| open(a)) {
        exchange.asked = Some(*asked);
        let other_case = |exact: u64| exact != seeded_hash(seed, m.query.unwrap_or(&[]));
        exchange.fit = match asked.answered {
            _ if asked.question != exchange.question => Fit::BadQuestion,
            _ if asked.mixed.is_some_and(other_case) => Fit::BadCase,
            Some(first) if first.digest == m.digest && first.set == exchange.set => Fit::Copy,
            Some(_) => Fit::Late,
            None => Fit::Matching,
        };
        if exchange.fit == Fit::Matching {
            let hop_limit = u8::try_from(m.hop_limit).unwrap_or(0);
            let (digest, set) = (m.digest, exchange.set);
            asked.answered = Some(Answered { ts: m.ts, packet: m.packet, hop_limit, digest, set });
            if let Some(alike) = alike {
                alike.open = alike.open.saturating_sub(1);
            }
            usual.note(m.ts - asked.ts, hop_limit);
        }
        return;
    }
    let Some(alike) = alike else {
        exchange.fit = Fit::Unsolicited;
        return;
    };
    let same_port = alike.recent.iter().any(|(port, _)| *port == exchange.client_port);
    exchange.fit = if same_port { Fit::BadId } else { Fit::BadPort };
    let (port, id) = alike.recent[0];
    exchange.asked = asked.peek(&keys.of_port(port, u64::from(id))).copied().filter(open);
}

/// Do lower and upper case stand mixed in the name?
pub(crate) fn is_mixed(name: &[u8]) -> bool {
    // Bits of the letters' case, of one name as a whole.
    let cases = |cases: u8, b: &u8| cases | u8::from(b.is_ascii_uppercase()) | u8::from(b.is_ascii_lowercase()) << 1;
    name.iter().fold(0, cases) == 3
}

impl Usual {
    fn note(&mut self, delay: Interval, hop_limit: u8) {
        self.fastest = if self.answers == 0 { delay } else { self.fastest.min(delay) };
        self.answers += 1;
        if hop_limit == self.hop_limit {
            self.weight = self.weight.saturating_add(1);
        } else if self.weight <= 1 {
            (self.hop_limit, self.weight) = (hop_limit, 1);
        } else {
            self.weight -= 1;
        }
    }
}

/// Numbers of what happens between two hosts.
struct Keys(SeededHasher);

impl Keys {
    fn new(seed: u64, client: Addr, server: Addr) -> Self {
        let mut state = SeededState(seed).build_hasher();
        (client, server).hash(&mut state);
        Self(state)
    }

    fn of(&self, more: u64) -> u64 {
        let mut state = self.0;
        state.write_u64(more);
        state.finish()
    }

    fn of_port(&self, client_port: u16, id: u64) -> u64 {
        self.of(u64::from(client_port) << 16 | id)
    }
}

/// Digest of a name without its case.
pub(crate) fn name_digest(name: &[u8], seed: u64) -> u64 {
    seeded_hash_folded(seed, name.get(..MAX_NAME_LEN).unwrap_or(name))
}

/// A sum is the same in any order.
fn answer_set(m: &DnsMessage<'_>, seed: u64) -> u64 {
    let digest = |r: crate::rows::DnsEntry<'_>| {
        let owner = seeded_hash(seed ^ r.rtype, r.owner);
        seeded_hash(owner, r.data)
    };
    m.records().filter(|r| r.section == 1).map(digest).fold(m.rcode, u64::wrapping_add)
}

#[cfg(test)]
mod tests;
