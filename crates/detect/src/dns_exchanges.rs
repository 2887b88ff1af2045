//! Which DNS answers fit a question (`detections.md` §5): one table for all detectors that judge forgeries.
//!
//! An answer fits only if addresses, port, id and question agree. Keys are seeded digests: nobody outside can aim at them.

use crate::detection::Scope;
use crate::rows::{DnsMessage, Row};
use crate::table::Recent;
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid, seeded_hash};
use std::hash::BuildHasher;

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

/// Names up to this length are digested in less room.
const SHORT_NAME: usize = 64;

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
    exact: u64,
    /// Lower and upper case stand mixed in the name.
    mixed: bool,
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
    /// Digest of name, without case, and type.
    pub question: u64,
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
        self.at_hand = if let Row::DnsMessage(m) = row { self.message(m) } else { None };
    }

    fn message(&mut self, m: &DnsMessage<'_>) -> Option<Exchange> {
        let name = m.query.filter(|n| n.len() <= MAX_NAME_LEN && m.opcode == 0)?;
        let ((client, client_port), (server, _)) =
            if m.is_query { (m.sender(), m.receiver()) } else { (m.receiver(), m.sender()) };
        let question = name_digest(name, self.seed).wrapping_add(m.qtype);
        let exact = seeded_hash(self.seed, name);
        let keys = Keys {
            exchange: self.key(client, server, u64::from(client_port) << 16 | m.id),
            question: self.key(client, server, question),
        };
        self.asked.pass(m.ts);
        self.alike.pass(m.ts);
        let usual = *self.pairs.at((client, server), Usual::default);
        let mut exchange = Exchange {
            fit: Fit::Query,
            client,
            client_port,
            server,
            question,
            asked: None,
            in_flight: 0,
            set: 0,
            usual,
            by_resolver: (m.is_query && !m.recursion_desired) || self.resolvers.get(&client).is_some(),
        };
        if exchange.by_resolver && m.is_query {
            self.resolvers.at(client, || ());
        }
        if m.is_query {
            self.query(m, &keys, exact, &mut exchange);
        } else {
            exchange.set = answer_set(m, self.seed);
            self.answer(m, &keys, exact, &mut exchange);
        }
        Some(exchange)
    }

    fn key(&self, client: Addr, server: Addr, more: u64) -> u64 {
        SeededState(self.seed).hash_one((client, server, more))
    }

    fn query(&mut self, m: &DnsMessage<'_>, keys: &Keys, exact: u64, exchange: &mut Exchange) {
        let id = u16::try_from(m.id).unwrap_or(0);
        let alike = self.alike.at(keys.question, Alike::default);
        if m.ts - alike.last > OPEN_FOR {
            *alike = Alike::default();
        }
        alike.last = m.ts;
        let known = self.asked.get(&keys.exchange).filter(|a| a.question == exchange.question);
        let again = known.filter(|a| m.ts - a.ts <= if a.answered.is_some() { COPY_WITHIN } else { OPEN_FOR });
        if let Some(asked) = again {
            exchange.asked = Some(*asked);
        } else {
            alike.open = alike.open.saturating_add(1);
            alike.recent = [(exchange.client_port, id), alike.recent[0]];
            let name = m.query.unwrap_or(&[]);
            let mixed = name.iter().any(u8::is_ascii_uppercase) && name.iter().any(u8::is_ascii_lowercase);
            let asked = Asked {
                ts: m.ts,
                packet: m.packet,
                uid: m.uid,
                question: exchange.question,
                exact,
                mixed,
                dnssec_ok: m.dnssec_ok,
                authentic: m.authentic,
                answered: None,
            };
            *self.asked.at(keys.exchange, || asked) = asked;
            self.pairs.at((exchange.client, exchange.server), Usual::default).asked += 1;
        }
        exchange.in_flight = alike.open;
    }

    fn answer(&mut self, m: &DnsMessage<'_>, keys: &Keys, exact: u64, exchange: &mut Exchange) {
        let open = |asked: &Asked| m.ts - asked.ts <= OPEN_FOR;
        let alike = self.alike.get(&keys.question).filter(|a| m.ts - a.last <= OPEN_FOR);
        exchange.in_flight = alike.as_ref().map_or(0, |a| a.open);
        let answered = Answered {
            ts: m.ts,
            packet: m.packet,
            hop_limit: u8::try_from(m.hop_limit).unwrap_or(0),
            digest: m.digest,
            set: exchange.set,
        };
        if let Some(asked) = self.asked.get(&keys.exchange).filter(|a| open(a)) {
            exchange.asked = Some(*asked);
            exchange.fit = match asked.answered {
                _ if asked.question != exchange.question => Fit::BadQuestion,
                _ if asked.mixed && asked.exact != exact => Fit::BadCase,
                Some(first) if first.digest == m.digest && first.set == exchange.set => Fit::Copy,
                Some(_) => Fit::Late,
                None => Fit::Matching,
            };
            if exchange.fit == Fit::Matching {
                asked.answered = Some(answered);
                if let Some(alike) = alike {
                    alike.open = alike.open.saturating_sub(1);
                }
                let delay = m.ts - asked.ts;
                self.pairs.at((exchange.client, exchange.server), Usual::default).note(delay, answered.hop_limit);
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
        let nearest = self.key(exchange.client, exchange.server, u64::from(port) << 16 | u64::from(id));
        exchange.asked = self.asked.peek(&nearest).copied().filter(open);
    }
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

struct Keys {
    exchange: u64,
    question: u64,
}

/// Digest of a name without its case.
pub(crate) fn name_digest(name: &[u8], seed: u64) -> u64 {
    // Most names are short.
    if name.len() <= SHORT_NAME {
        lower_digest::<SHORT_NAME>(name, seed)
    } else {
        lower_digest::<MAX_NAME_LEN>(name, seed)
    }
}

fn lower_digest<const ROOM: usize>(name: &[u8], seed: u64) -> u64 {
    let mut lower = [0; ROOM];
    let name = name.get(..ROOM).unwrap_or(name);
    let Some(lower) = lower.get_mut(..name.len()) else { return 0 };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    seeded_hash(seed, lower)
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
