//! # pass-the-hash-hint
//! ## How
//! `ticket-moved`: a Kerberos ticket, known by the digest of its cipher text, is shown from another address than it was given to or shown from before, within its life.
//! The other reasons are weak alone. `overpass`: a reply to a login comes with RC4, although the account has had AES in the last 30 days. `ntlm-instead`: an account that
//! went to a server by Kerberos goes there by NTLM, and on an administrator's way (`ADMIN$`, the root of a drive, WinRM, RPC). `name-mismatch`: the client's name for itself in NTLM is
//! empty, random, or not the one that its address goes by, and it ran something on another machine. `no-as`: a client is given tickets of services, though none came to it by a login for ten hours of
//! a centre that others log in at.
//! ## Thresholds
//! Ten hours, a ticket's usual life; 20 uses of Kerberos or more, one in twenty by NTLM at most; three other clients of the centre; randomness −4.6 (Sekisho's own choice).
//! ## State
//! 65,536 tickets, 32,768 pairs of account and server, 32,768 accounts, 8,192 clients and as many odd names of theirs, 1,024 signs; the least recent forgotten. With `--state` accounts and their ways
//! are known from earlier runs.
//! ## Severity
//! `ticket-moved` high 0.8. Of the others one alone low 0.3, two of one client medium, combined; with `rpc-remote-exec` by the same client high.
//! ## Benign
//! A machine with several addresses: two of one hardware address or name, or one of each version of IP, are one machine. Access by address instead of name, for which there is no
//! Kerberos: without a history of it `ntlm-instead` says nothing. Old clients of an account.
//! ## Blind
//! Behind address translation all clients are one. Tickets inside TLS and in HTTP. Which account a ticket is of, unless the capture shows it being given.
//! ## References
//! ATT&CK T1550.002, T1550.003; MS-NLMP §2.2.1.3; RFC 4120 §5.3, RFC 4757.

use crate::detection::Scope;
use crate::history::{Carrier, Seen};
use crate::registry::Detector;
use crate::rows::{Arp, Dhcp, Kerberos, Kind, NtlmLogin, Row};
use crate::shares::is_admin;
use crate::statistics::randomness::{MIN_LABEL_LEN, RANDOM_BELOW, likelihood};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::collections::BTreeMap;
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "pass-the-hash-hint",
    title: "login that does not fit the person",
    means: "An account logs in in a way that fits stolen hashes or tickets.",
    techniques: &["T1550.002", "T1550.003"],
    stage: Stage::Lateral,
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Answers(Traffic::Any)), useful(What::Whole(Traffic::Any))],
    reasons: &[
        Reason { code: "ticket-moved", means: "A ticket of one machine was shown from another." },
        Reason { code: "overpass", means: "An account that has keys of AES logged in by RC4." },
        Reason { code: "ntlm-instead", means: "An account that goes to a server by Kerberos went there by NTLM." },
        Reason {
            code: "name-mismatch",
            means: "A client that ran something elsewhere calls itself by no name of its own.",
        },
        Reason { code: "no-as", means: "A client has tickets of services, but was not seen to log in." },
    ],
    benign: "Machines with several addresses, access by address, old clients of an account.",
    clears: "The machine is known to be the same, or the way of the login is explained.",
    next: &[
        "Ask the account's owner whether these logins were theirs.",
        "See what the client did at the server.",
        "Change the account's password, and reset the tickets of the realm if it was a controller's.",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MOVED: &Reason = ABOUT.at(0);
const OVERPASS: &Reason = ABOUT.at(1);
const INSTEAD: &Reason = ABOUT.at(2);
const MISNAMED: &Reason = ABOUT.at(3);
const NO_AS: &Reason = ABOUT.at(4);

const MAX_TICKETS: usize = 65_536;
const MAX_PAIRS: usize = 32_768;
const MAX_ACCOUNTS: usize = 32_768;
const MAX_CLIENTS: usize = 8_192;
const MAX_CENTRES: usize = 1_024;
const MAX_HINTS: usize = 1_024;
/// NTLM sessions of which it is not yet known what they are for.
const MAX_SESSIONS: usize = 1_024;
/// Longest name of an account that is kept.
const MAX_NAME_LEN: usize = 64;
/// A ticket's usual life.
const LIFE: Interval = Interval::from_secs(10 * 3_600);
/// How long an account is known to have keys of AES.
const KEYS_FOR: Interval = Interval::from_secs(30 * 86_400);
/// Uses of Kerberos that make it usual, and of how many one may be by NTLM.
const MIN_USES: u32 = 20;
const ONE_IN: u32 = 20;
/// Other clients that log in at a centre.
const CENTRE_CLIENTS: usize = 3;
/// What one weak sign is worth, in thousandths.
const WEAK: u32 = 300;

/// A ticket that was given or shown.
struct Ticket {
    holder: Addr,
    at: Timestamp,
    account: Box<[u8]>,
}

/// How an account goes to a server.
#[derive(Default)]
struct Ways {
    kerberos: u32,
    ntlm: u32,
    last: Timestamp,
    /// What is no later was counted in an earlier run.
    counted: Option<Timestamp>,
}

/// A client of Kerberos.
#[derive(Default)]
struct Client {
    logged_in: Option<Timestamp>,
    told: bool,
}

/// A centre: since when it is seen, and who logs in there.
struct Centre {
    since: Timestamp,
    clients: Vec<Addr>,
}

/// A weak sign.
struct Hint {
    reason: &'static Reason,
    client: Addr,
    peer: Addr,
    account: Box<[u8]>,
    words: String,
    measure: Option<Measure>,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

/// A ticket in two places.
struct Move {
    from: Addr,
    hint: Hint,
}

/// See the module.
pub(crate) struct Hints {
    state: SeededState,
    tickets: Recent<u64, Ticket>,
    /// By account and server.
    ways: Recent<(u64, u64), Ways>,
    /// Accounts that have had AES.
    aes: Recent<u64, Seen>,
    clients: Recent<Addr, Client>,
    centres: Recent<Addr, Centre>,
    macs: Recent<Addr, Box<[u8]>>,
    /// NTLM sessions that would be no use of an account's.
    sessions: Recent<Uid, Hint>,
    /// Clients with odd names for themselves, which matter if they ran something elsewhere.
    misnamed: Recent<Addr, Hint>,
    hints: Vec<Hint>,
    moves: Vec<Move>,
    refused: u64,
}

fn short(name: &[u8]) -> Box<[u8]> {
    name.get(..MAX_NAME_LEN).unwrap_or(name).into()
}

/// `eva/EXAMPLE.ORG` without the realm.
fn account(principal: &[u8]) -> &[u8] {
    principal.split(|b| *b == b'/').next().unwrap_or(principal)
}

/// The host's first label of `cifs/fs1.example.org` or `fs1.example.org`.
fn host(service: &[u8]) -> &[u8] {
    let name = service.split(|b| *b == b'/').nth(1).unwrap_or(service);
    name.split(|b| matches!(b, b'.' | b':' | b'@')).next().unwrap_or(name)
}

impl Hints {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            tickets: Recent::of(scope, MAX_TICKETS),
            ways: Recent::of(scope, MAX_PAIRS),
            aes: Recent::of(scope, MAX_ACCOUNTS),
            clients: Recent::of(scope, MAX_CLIENTS),
            centres: Recent::of(scope, MAX_CENTRES),
            macs: Recent::of(scope, MAX_CLIENTS),
            sessions: Recent::of(scope, MAX_SESSIONS),
            misnamed: Recent::of(scope, MAX_CLIENTS),
            hints: Vec::new(),
            moves: Vec::new(),
            refused: 0,
        }
    }

    fn digest(&self, name: &[u8]) -> u64 {
        self.state.hash_one(name.to_ascii_lowercase())
    }

    fn kerberos(&mut self, k: &Kerberos<'_>, cx: &Cx<'_>) {
        let name = account(k.client);
        if !k.shown.is_empty() {
            self.shown(k, cx.packet);
        }
        match (k.request, k.success) {
            ("AS", Some(true)) => {
                self.login(k, name, cx.packet);
            }
            ("TGS", Some(true)) => self.ticket(k, name, cx.packet),
            _ => {}
        }
        if !k.given.is_empty() && k.success == Some(true) {
            let digest = self.state.hash_one(k.given);
            self.tickets.at(digest, || Ticket { holder: k.orig, at: k.ts, account: short(name) });
        }
    }

    /// A ticket is shown, to a centre or to a service.
    fn shown(&mut self, k: &Kerberos<'_>, packet: u64) {
        let digest = self.state.hash_one(k.shown);
        let name = account(k.client);
        let ticket = self.tickets.at(digest, || Ticket { holder: k.orig, at: k.ts, account: short(name) });
        let (owner, from) = (ticket.account.clone(), ticket.holder);
        if from == k.orig {
            // Services count as used by the account that the ticket was given to.
            if k.request.is_empty() && !owner.is_empty() {
                self.used(&owner, k.shown_service, k.ts);
            }
            return;
        }
        // A machine has addresses of both versions of IP.
        let late = (k.ts - ticket.at).0.abs() > LIFE.0;
        if late || from.is_v4() != k.orig.is_v4() {
            return;
        }
        let again = |m: &Move| (m.from, m.hint.client, &m.hint.account) == (from, k.orig, &owner);
        if self.moves.iter().any(again) {
            return;
        }
        if self.moves.len() >= MAX_HINTS {
            self.refused += 1;
            return;
        }
        let service = if k.shown_service.is_empty() { k.service } else { k.shown_service };
        let words = format!("ticket for {}, held by {from}", String::from_utf8_lossy(service));
        let seconds = u64::try_from((k.ts - ticket.at).whole_secs().abs()).unwrap_or(0);
        let measure = Measure::count("time since the holder had it", seconds, Some(36_000), "s", Origin::Own);
        let (client, peer, ts, uid) = (k.orig, k.resp, k.ts, k.uid);
        let hint = Hint { reason: MOVED, client, peer, account: owner, words, measure: Some(measure), ts, uid, packet };
        self.moves.push(Move { from, hint });
    }

    /// An account has logged in.
    fn login(&mut self, k: &Kerberos<'_>, name: &[u8], packet: u64) {
        self.clients.at(k.orig, Client::default).logged_in = Some(k.ts);
        let centre = self.centres.at(k.resp, || Centre { since: k.ts, clients: Vec::new() });
        if centre.clients.len() <= CENTRE_CLIENTS && !centre.clients.contains(&k.orig) {
            centre.clients.push(k.orig);
        }
        let digest = self.digest(name);
        if k.reply_cipher.starts_with("aes") {
            self.aes.at(digest, Seen::default).again(k.ts, KEYS_FOR);
        } else if k.reply_cipher.starts_with("rc4")
            && self.aes.peek(&digest).is_some_and(|seen| seen.is_known(k.ts, KEYS_FOR))
        {
            let words = format!("reply with {}, earlier ones with AES", k.reply_cipher);
            self.hint(OVERPASS, (k.orig, k.resp), name, words, None, (k.ts, k.uid, packet));
        }
    }

    /// A client is given a ticket.
    fn ticket(&mut self, k: &Kerberos<'_>, name: &[u8], packet: u64) {
        self.used(name, k.service, k.ts);
        let centre = self.centres.at(k.resp, || Centre { since: k.ts, clients: Vec::new() });
        let others = centre.clients.iter().filter(|c| **c != k.orig).count();
        let long = k.ts - centre.since >= LIFE;
        let client = self.clients.at(k.orig, Client::default);
        // The ticket that others are given for may be had anew without a login.
        if account(k.service) == b"krbtgt" {
            client.logged_in = Some(k.ts);
            return;
        }
        let lately = client.logged_in.is_some_and(|at| k.ts - at < LIFE);
        if lately || !long || others < CENTRE_CLIENTS || client.told {
            return;
        }
        client.told = true;
        let words = format!("ticket for {}, no login seen for ten hours", String::from_utf8_lossy(k.service));
        self.hint(NO_AS, (k.orig, k.resp), name, words, None, (k.ts, k.uid, packet));
    }

    /// An account goes to a service by Kerberos.
    fn used(&mut self, name: &[u8], service: &[u8], ts: Timestamp) {
        let label = host(service);
        if name.is_empty() || label.is_empty() || account(service) == b"krbtgt" {
            return;
        }
        let key = (self.digest(name), self.digest(label));
        let ways = self.ways.at(key, Ways::default);
        ways.count(ts, |w| &mut w.kerberos);
    }

    fn ntlm(&mut self, row: &NtlmLogin<'_>, cx: &Cx<'_>) {
        if row.user.is_empty() || !row.answered || row.success == Some(false) {
            return;
        }
        let at = (row.ts, row.uid, row.packet);
        if let Some(words) = misnamed(row, cx) {
            let (client, peer, account, (ts, uid, packet)) = (row.orig, row.resp, short(row.user), at);
            let hint = || Hint { reason: MISNAMED, client, peer, account, words, measure: None, ts, uid, packet };
            self.misnamed.at(row.orig, hint);
        }
        if row.server_name.is_empty() {
            return;
        }
        let key = (self.digest(row.user), self.digest(host(row.server_name)));
        let Some(ways) = self.ways.get(&key) else { return };
        let usual = ways.kerberos;
        let rare = ways.ntlm.saturating_mul(ONE_IN) <= usual.saturating_add(ways.ntlm);
        ways.count(row.ts, |w| &mut w.ntlm);
        if usual < MIN_USES || !rare {
            return;
        }
        let words = format!("at {} by {}", String::from_utf8_lossy(row.server_name), row.over);
        let measure = Measure::count("uses of Kerberos before", u64::from(usual), Some(20), "", Origin::Own);
        let (client, peer, account) = (row.orig, row.resp, short(row.user));
        let (ts, uid, packet) = at;
        let hint = Hint { reason: INSTEAD, client, peer, account, words, measure: Some(measure), ts, uid, packet };
        if row.over == "rpc" || matches!(row.resp_port, 5985 | 5986) {
            self.push(hint);
        } else {
            self.sessions.at(row.uid, || hint);
        }
    }

    fn hint(
        &mut self,
        reason: &'static Reason,
        (client, peer): (Addr, Addr),
        name: &[u8],
        words: String,
        measure: Option<Measure>,
        (ts, uid, packet): (Timestamp, Uid, u64),
    ) {
        self.push(Hint { reason, client, peer, account: short(name), words, measure, ts, uid, packet });
    }

    fn push(&mut self, hint: Hint) {
        let same = |h: &Hint| (h.reason.code, h.client, h.peer) == (hint.reason.code, hint.client, hint.peer);
        if self.hints.iter().any(|h| same(h) && h.account == hint.account) {
            return;
        }
        if self.hints.len() < MAX_HINTS {
            self.hints.push(hint);
        } else {
            self.refused += 1;
        }
    }

    fn mac(&mut self, addr: Addr, mac: &[u8]) {
        let kept = self.macs.at(addr, Box::default);
        if **kept != *mac {
            *kept = mac.into();
        }
    }

    fn arp(&mut self, row: &Arp<'_>) {
        if let Some(addr) = row.orig.filter(|a| *a != Addr::UNSPECIFIED) {
            self.mac(addr, row.orig_mac.to_string().as_bytes());
        }
    }

    fn dhcp(&mut self, row: &Dhcp<'_>) {
        if let Some(addr) = row.assigned.filter(|_| !row.mac.is_empty()) {
            self.mac(addr, row.mac);
        }
    }

    /// Are these two addresses of one machine?
    fn is_same(&self, one: Addr, other: Addr, cx: &Cx<'_>) -> bool {
        let macs = self.macs.peek(&one).zip(self.macs.peek(&other));
        let names = cx.name_of(one).zip(cx.name_of(other));
        macs.is_some_and(|(a, b)| a == b) || names.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}

impl Ways {
    fn count(&mut self, ts: Timestamp, of: impl Fn(&mut Self) -> &mut u32) {
        if self.counted.is_none_or(|counted| ts > counted) {
            let count = of(self);
            *count = count.saturating_add(1);
        }
        self.last = self.last.max(ts);
    }
}

/// What is odd about the client's name for itself.
fn misnamed(row: &NtlmLogin<'_>, cx: &Cx<'_>) -> Option<String> {
    let name = host(row.workstation);
    if name.is_empty() {
        return Some("no name".to_owned());
    }
    let shown = String::from_utf8_lossy(name);
    let own = cx.name_of(row.orig).map(|own| host(own.as_bytes()).to_ascii_lowercase());
    // NetBIOS cuts names off.
    let fits = |own: &Vec<u8>| own.starts_with(&name.to_ascii_lowercase());
    match own {
        Some(own) if fits(&own) => None,
        Some(own) => Some(format!("'{shown}', known as '{}'", String::from_utf8_lossy(&own))),
        None => {
            let lower = name.to_ascii_lowercase();
            let random = name.len() >= MIN_LABEL_LEN && likelihood(&lower) < RANDOM_BELOW;
            random.then(|| format!("'{shown}', which looks random"))
        }
    }
}

fn begin(hint: &Hint, severity: Severity, confidence: Confidence) -> Raise {
    let raise = Raise::new(&ABOUT, hint.reason, hint.client, severity, confidence)
        .key(String::from_utf8_lossy(&hint.account).to_lowercase())
        .peer(hint.peer)
        .at(hint.ts)
        .flow(hint.uid)
        .packet(hint.packet)
        .quote("account", &hint.account, hint.packet)
        .quote("what was seen", hint.words.as_bytes(), hint.packet);
    match &hint.measure {
        Some(measure) => raise.measure(*measure),
        None => raise,
    }
}

impl Detector for Hints {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Arp, Kind::Dhcp, Kind::Kerberos, Kind::NtlmLogin, Kind::SmbMapping]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Arp(row) => self.arp(row),
            Row::Dhcp(row) => self.dhcp(row),
            Row::Kerberos(row) => self.kerberos(row, cx),
            Row::NtlmLogin(row) => self.ntlm(row, cx),
            Row::SmbMapping(row) if is_admin(row.path) => {
                if let Some(hint) = self.sessions.remove(&row.uid) {
                    self.push(hint);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for Move { from, hint } in &self.moves {
            if self.is_same(*from, hint.client, cx) {
                continue;
            }
            let raise = begin(hint, Severity::High, Confidence::percent(80)).peer(*from).technique("T1550.003");
            let raise = raise.benign("one machine with two addresses", "neither hardware address nor name is the same");
            cx.raise(raise);
        }
        let ran = |client: Addr, cx: &Cx<'_>| cx.has_found("rpc-remote-exec", client);
        let mut of_client: BTreeMap<Addr, Vec<&Hint>> = BTreeMap::new();
        let misnamed = self.misnamed.iter().map(|(_, hint)| hint).filter(|hint| ran(hint.client, cx));
        for hint in self.hints.iter().chain(misnamed) {
            of_client.entry(hint.client).or_default().push(hint);
        }
        for (client, hints) in of_client {
            let mut codes: Vec<&str> = hints.iter().map(|h| h.reason.code).collect();
            codes.sort_unstable();
            codes.dedup();
            let doubt = codes.iter().fold(1_000, |doubt, _| doubt * (1_000 - WEAK) / 1_000);
            let confidence = Confidence::new(u16::try_from(1_000 - doubt).unwrap_or(0));
            let severity = match (codes.len(), ran(client, cx)) {
                (_, true) => Severity::High,
                (2.., false) => Severity::Medium,
                _ => Severity::Low,
            };
            for hint in hints {
                let together = Measure::count("signs of this client", codes.len() as u64, Some(2), "", Origin::Own);
                cx.raise(begin(hint, severity, confidence).measure(together));
            }
        }
    }

    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let row = |account: &u64, seen: &Seen| {
            let (first, last) = seen.span();
            Some((last, (*account, first.0, last.0)))
        };
        let entry = |(account, first, last): (u64, i64, i64)| Some((account, Seen::carried(first, last)));
        carrier.table(("kerberos-aes", 1), &mut self.aes, row, entry);
        let row = |(account, server): &(u64, u64), ways: &Ways| {
            Some((ways.last, (*account, *server, ways.kerberos, ways.ntlm, ways.last.0)))
        };
        let entry = |(account, server, kerberos, ntlm, last): (u64, u64, u32, u32, i64)| {
            let last = Timestamp(last);
            Some(((account, server), Ways { kerberos, ntlm, last, counted: Some(last) }))
        };
        carrier.table(("kerberos-ways", 1), &mut self.ways, row, entry);
    }

    fn held_len(&self) -> usize {
        let own = |hint: &Hint| hint.account.len() + hint.words.len();
        let accounts: usize = self.tickets.iter().map(|(_, t)| t.account.len()).sum();
        let macs: usize = self.macs.iter().map(|(_, m)| m.len()).sum();
        let clients: usize = self.centres.iter().map(|(_, c)| c.clients.capacity() * size_of::<Addr>()).sum();
        let hints = self.hints.iter().chain(self.moves.iter().map(|m| &m.hint));
        let waiting = self.sessions.iter().map(|(_, h)| h).chain(self.misnamed.iter().map(|(_, h)| h));
        let hints = hints.chain(waiting).map(own).sum::<usize>();
        let lists = self.hints.capacity() * size_of::<Hint>() + self.moves.capacity() * size_of::<Move>();
        let tables = self.tickets.held_len() + self.ways.held_len() + self.aes.held_len() + self.clients.held_len();
        let more = self.misnamed.held_len() + self.centres.held_len() + self.macs.held_len() + self.sessions.held_len();
        tables + more + accounts + macs + clients + hints + lists
    }

    fn forgotten(&self) -> u64 {
        let tables = self.tickets.forgotten() + self.ways.forgotten() + self.aes.forgotten() + self.clients.forgotten();
        tables + self.misnamed.forgotten() + self.centres.forgotten() + self.sessions.forgotten() + self.refused
    }
}

#[cfg(test)]
mod tests;
