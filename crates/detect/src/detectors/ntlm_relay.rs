//! # ntlm-relay
//! ## How
//! Challenges of NTLM are random for each session (MS-NLMP §3.2.5.1.1), so the same one in two sessions was passed on. `challenge-reuse`: the server of one session is the
//! client of another that has the same challenge, within 30 seconds: it took the login of the first and gave it to the second's server. `response-reuse`: the same
//! proof (the first 16 bytes of a response of version 2, kept as a digest) comes from two sources to two servers, and one session's challenge and answer lie between the other's: the one in
//! the middle has two addresses, or there are two. `target-mismatch`: a challenge names a computer whose addresses in
//! DNS are others; where the second session is hidden by TLS, this is all that is to be seen.
//! ## Thresholds
//! 30 seconds between the two challenges; names of DNS are known for 24 hours (Sekisho's own choice).
//! ## State
//! Four sessions of each of 16,384 challenges and one of as many proofs, four addresses of 16,384 names, 1,024 relays; the least recent forgotten.
//! ## Severity
//! `challenge-reuse` and `response-reuse` critical 0.97 if the second server let the client in, else high 0.95; `target-mismatch` medium 0.5, of a host without another name low 0.4.
//! ## Benign
//! Reverse proxies and load balancers that pass NTLM through: hosts that several clients use as proxy are left out. A packet captured twice is one flow. A fixed challenge, as
//! honeypots have, is no sign, nor are recorded sessions that are played again. A name of a cluster leads to other addresses than its members'.
//! ## Blind
//! Logins inside TLS and in protocols that are not read (SQL Server). A relay between two captures.
//! ## References
//! MS-NLMP §2.2.1.2, §3.2.5.1.1; ATT&CK T1557.001.

use super::ntlm_downgrade::KNOWN_CHALLENGE;
use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Dns, Kind, NtlmLogin, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Part, Reason, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Interval, Timestamp, Uid};
use smallvec::SmallVec;

static ABOUT: About = About {
    id: "ntlm-relay",
    title: "login passed on to another server",
    means: "A machine in the middle forwards a user's login to a different server.",
    techniques: &["T1557.001"],
    stage: Stage::Credential,
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Answers(Traffic::Windows)),
        useful(What::Requests(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
    reasons: &[
        Reason { code: "challenge-reuse", means: "A host gave the challenge of one server to its own client." },
        Reason { code: "response-reuse", means: "The same answer to a challenge came from two hosts." },
        Reason { code: "target-mismatch", means: "A challenge names another computer than the one that sent it." },
    ],
    benign: "Reverse proxies and load balancers that pass NTLM through, names of clusters.",
    clears: "The host in the middle is known to be a proxy.",
    next: &[
        "Cut off the host in the middle, and see what it did at the server afterwards.",
        "Change the password of the account, or of the machine.",
        "Require signing of SMB and LDAP, and channel binding.",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const CHALLENGE: &Reason = ABOUT.at(0);
const RESPONSE: &Reason = ABOUT.at(1);
const MISMATCH: &Reason = ABOUT.at(2);

const MAX_CHALLENGES: usize = 16_384;
const MAX_NAMES: usize = 16_384;
/// Sessions of a challenge, addresses of a name.
const MAX_LEGS: usize = 4;
const MAX_ADDRS: usize = 4;
const MAX_RELAYS: usize = 1_024;
/// How far apart the two challenges may be.
const WITHIN: Interval = Interval::from_secs(30);
/// How long a name's address is believed.
const NAME_LASTS: Interval = Interval::from_secs(86_400);
/// Bytes of a response of version 1, which without a client's part is the same for the same challenge.
const V1_LEN: u64 = 24;
/// Longest name of a computer (NetBIOS), and of an account that is kept.
const MAX_NAME_LEN: usize = 15;
const MAX_ACCOUNT_LEN: usize = 64;

/// A session.
#[derive(Clone)]
struct Leg {
    uid: Uid,
    client: Addr,
    server: Addr,
    over: Box<str>,
    account: Box<[u8]>,
    at: Timestamp,
    packets: [u64; 2],
    success: Option<bool>,
}

impl Leg {
    /// Came the challenge here after that of `outer`, and the answer before that one's?
    fn is_within(&self, outer: &Self) -> bool {
        let ([challenge, answer], [outer_challenge, outer_answer]) = (self.packets, outer.packets);
        outer_challenge > 0 && outer_challenge < challenge && answer < outer_answer
    }
}

/// Two sessions with one login.
struct Relay {
    reason: &'static Reason,
    middle: Addr,
    victim: Leg,
    target: Leg,
}

/// A name and an address that it must not have.
struct Misnamed {
    leg: Leg,
    name: Box<[u8]>,
    addrs: SmallVec<[Addr; MAX_ADDRS]>,
}

/// Addresses of a name, and when they were last answered.
#[derive(Default)]
struct Known(SmallVec<[(Addr, Timestamp); 1]>);

/// See the module.
pub(crate) struct Relays {
    challenges: Recent<u64, SmallVec<[Leg; 1]>>,
    proofs: Recent<u64, Leg>,
    names: Recent<Box<[u8]>, Known>,
    relays: Vec<Relay>,
    misnamed: Vec<Misnamed>,
    refused: u64,
}

impl Relays {
    pub fn new(scope: &Scope) -> Self {
        Self {
            challenges: Recent::of(scope, MAX_CHALLENGES),
            proofs: Recent::of(scope, MAX_CHALLENGES),
            names: Recent::of(scope, MAX_NAMES),
            relays: Vec::new(),
            misnamed: Vec::new(),
            refused: 0,
        }
    }

    fn login(&mut self, row: &NtlmLogin<'_>) {
        let Some(challenge) = row.challenge else { return };
        let leg = Leg {
            uid: row.uid,
            client: row.orig,
            server: row.resp,
            over: row.over.into(),
            account: row.user.get(..MAX_ACCOUNT_LEN).unwrap_or(row.user).into(),
            at: row.challenged.unwrap_or(row.ts),
            packets: [row.challenge_packet, row.packet],
            success: row.success,
        };
        self.misnamed(&leg, row.server_name);
        let mut found = None;
        if !matches!(challenge, 0 | KNOWN_CHALLENGE) {
            let legs = self.challenges.at(challenge, SmallVec::new);
            for other in legs.iter().filter(|o| o.uid != leg.uid && (leg.at - o.at).0.abs() <= WITHIN.0) {
                let (victim, target) = match () {
                    () if other.server == leg.client => (other, &leg),
                    () if leg.server == other.client => (&leg, other),
                    () => continue,
                };
                found = Some((CHALLENGE, victim.clone(), target.clone()));
            }
            if legs.len() < MAX_LEGS {
                legs.push(leg.clone());
            }
        }
        if let Some(proof) = row.proof.filter(|_| row.nt_len > V1_LEN) {
            let other = self.proofs.at(proof, || leg.clone());
            let apart = other.client != leg.client && other.server != leg.server;
            if found.is_none() && apart && (leg.at - other.at).0.abs() <= WITHIN.0 {
                // Recorded sessions that are played again lie side by side, not one in the other.
                let pair =
                    [(&*other, &leg), (&leg, &*other)].into_iter().find(|(victim, target)| victim.is_within(target));
                found = pair.map(|(victim, target)| (RESPONSE, victim.clone(), target.clone()));
            }
            if other.uid != leg.uid {
                *other = leg;
            }
        }
        if let Some((reason, victim, target)) = found {
            self.note(Relay { reason, middle: target.client, victim, target });
        }
    }

    fn note(&mut self, relay: Relay) {
        if self.relays.len() < MAX_RELAYS {
            self.relays.push(relay);
        } else {
            self.refused += 1;
        }
    }

    /// Does the challenge name a computer that is elsewhere?
    fn misnamed(&mut self, leg: &Leg, name: &[u8]) {
        let Some(known) = key(name).and_then(|name| self.names.peek(&*name)) else { return };
        let lately = |ts: Timestamp| leg.at >= ts && leg.at - ts <= NAME_LASTS;
        let same_family = |addr: Addr| addr.is_v4() == leg.server.is_v4();
        let addrs = known.0.iter().filter(|(addr, ts)| lately(*ts) && same_family(*addr)).map(|(addr, _)| *addr);
        let addrs: SmallVec<[Addr; MAX_ADDRS]> = addrs.collect();
        let told = |m: &Misnamed| (m.leg.server, &*m.name) == (leg.server, name);
        if addrs.is_empty() || addrs.contains(&leg.server) || self.misnamed.iter().any(told) {
            return;
        }
        if self.misnamed.len() < MAX_RELAYS {
            self.misnamed.push(Misnamed { leg: leg.clone(), name: name.into(), addrs });
        } else {
            self.refused += 1;
        }
    }

    /// Names of machines at home, as servers of DNS know them; what neighbours say of themselves is what a relay may lie about.
    fn dns(&mut self, dns: &Dns<'_>, cx: &Cx<'_>) {
        if dns.resp_port != 53 || !matches!(dns.qtype, 1 | 28) {
            return;
        }
        for addr in dns.records().filter_map(|r| r.addr).filter(|addr| cx.hosts().is_internal(*addr)) {
            let Some(label) = dns.query.split(|b| *b == b'.').next().and_then(key) else { continue };
            let addrs = &mut self.names.at(label, Known::default).0;
            if let Some(known) = addrs.iter_mut().find(|a| a.0 == addr) {
                known.1 = known.1.max(dns.ts);
            } else if addrs.len() < MAX_ADDRS {
                addrs.push((addr, dns.ts));
            }
        }
    }
}

/// A computer's name as NetBIOS has it.
fn key(name: &[u8]) -> Option<Box<[u8]>> {
    let name = name.get(..MAX_NAME_LEN).unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase().into())
}

fn told(leg: &Leg) -> String {
    let outcome = match leg.success {
        Some(true) => "let in",
        Some(false) => "refused",
        None => "outcome not seen",
    };
    format!("{} to {} by {}, {outcome}", leg.client, leg.server, leg.over)
}

fn relayed(relay: &Relay, cx: &mut Cx<'_>) {
    let Relay { reason, middle, victim, target } = relay;
    let in_target = target.success == Some(true);
    let (severity, confidence) = if in_target { (Severity::Critical, 97) } else { (Severity::High, 95) };
    let millis = u64::try_from((target.at - victim.at).0.abs() / 1_000_000).unwrap_or(0);
    let words = match target.success {
        Some(true) => tale::RELAYED_IN,
        Some(false) => tale::RELAYED_REFUSED,
        None => tale::RELAYED,
    };
    let (client, server) = (victim.client.to_string(), target.server.to_string());
    let account = if target.account.is_empty() { &victim.account } else { &target.account };
    let mut raise = Raise::new(&ABOUT, reason, *middle, severity, Confidence::percent(confidence))
        .key(format!("{} at {}", String::from_utf8_lossy(account), target.server))
        .peer(target.server)
        .peer(victim.client)
        .part(target.server, Part::Server)
        .part(victim.client, Part::Victim)
        .tale(words, &[account, client.as_bytes(), server.as_bytes(), target.over.as_bytes()])
        .between(victim.at.min(target.at), victim.at.max(target.at))
        .flow(victim.uid)
        .flow(target.uid)
        .quote("account", account, target.packets[1])
        .taken(account)
        .used(account)
        .quote("taken", told(victim).as_bytes(), victim.packets[1])
        .quote("passed on", told(target).as_bytes(), target.packets[1])
        .measure(Measure::count("time between the challenges", millis, Some(30_000), "ms", Origin::Own))
        .benign("a proxy that passes logins through", "fewer than three hosts use it as one");
    for packet in victim.packets.iter().chain(&target.packets) {
        raise = raise.packet(*packet);
    }
    cx.raise(if in_target { raise.confirmed("used") } else { raise });
}

impl Detector for Relays {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dns, Kind::NtlmLogin]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dns(row) => self.dns(row, cx),
            Row::NtlmLogin(row) => self.login(row),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for relay in &self.relays {
            if !cx.hosts().is(relay.middle, Role::Proxy) {
                relayed(relay, cx);
            }
        }
        for Misnamed { leg, name, addrs } in &self.misnamed {
            let own = cx.name_of(leg.server).map(|own| own.split('.').next().unwrap_or(own).as_bytes());
            if cx.hosts().is(leg.server, Role::Proxy) || own.is_some_and(|own| key(own) == key(name)) {
                continue;
            }
            let (severity, confidence) = if own.is_some() { (Severity::Medium, 50) } else { (Severity::Low, 40) };
            let known: Vec<String> = addrs.iter().map(Addr::to_string).collect();
            let raise = Raise::new(&ABOUT, MISMATCH, leg.server, severity, Confidence::percent(confidence))
                .key(String::from_utf8_lossy(name))
                .peer(leg.client)
                .at(leg.at)
                .flow(leg.uid)
                .packet(leg.packets[0])
                .quote("computer named in the challenge", name, leg.packets[0])
                .quote("its addresses in DNS", known.join(" ").as_bytes(), 0)
                .quote("account", &leg.account, leg.packets[1])
                .benign("a name of a cluster, or a further address of that computer", "not known to DNS here");
            cx.raise(addrs.iter().fold(raise, |raise, addr| raise.peer(*addr)));
        }
    }

    fn held_len(&self) -> usize {
        let own = |leg: &Leg| leg.over.len() + leg.account.len();
        let legs = |legs: &SmallVec<[Leg; 1]>| {
            let spilled = if legs.spilled() { legs.capacity() * size_of::<Leg>() } else { 0 };
            spilled + legs.iter().map(own).sum::<usize>()
        };
        let challenges: usize = self.challenges.iter().map(|(_, l)| legs(l)).sum();
        let proofs: usize = self.proofs.iter().map(|(_, l)| own(l)).sum();
        let names: usize = self.names.iter().map(|(name, addrs)| name.len() + addrs.0.capacity() * 24).sum();
        self.challenges.held_len()
            + self.proofs.held_len()
            + self.names.held_len()
            + challenges
            + proofs
            + names
            + self.relays.capacity() * size_of::<Relay>()
            + self.misnamed.capacity() * size_of::<Misnamed>()
    }

    fn forgotten(&self) -> u64 {
        self.challenges.forgotten() + self.proofs.forgotten() + self.names.forgotten() + self.refused
    }
}

#[cfg(test)]
mod tests;
