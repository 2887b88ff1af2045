//! # kerberos-roasting
//! ## How
//! Requests to key distribution centres are followed. `tgs-rc4`: a client is given tickets of services that are encrypted with RC4 or DES
//! while nine tenths of the centre's tickets are not, or while it offered nothing better; tickets of machines (`name$`), of the centre itself and of password changes don't count.
//! `tgs-burst`: tickets for many services within minutes that are not used: no flow goes to a host of the ticket's name.
//! `asrep`: a reply to a client that proved nothing beforehand, encrypted with RC4, or of a centre that asks nine tenths of its accounts for proof.
//! `user-enum`: many names are tried of which the centre says that it does not know them, or asks for proof that never comes.
//! ## Thresholds
//! Types 1, 3, 23, 24 are weak (RFC 8429); nine tenths of 20 tickets or more; 10 services of three classes in 5 minutes, less than a fifth used within 10 minutes;
//! 20 names in 10 minutes (Sekisho's own choice).
//! ## State
//! 64 services and 64 names of 10,000 clients, counts and 64 accounts of 1,000 centres; the least recent forgotten.
//! ## Severity
//! `tgs-rc4` high 0.8 from three services on, else medium 0.6; `tgs-burst` medium 0.6; `asrep` high 0.85; `user-enum` medium 0.7.
//! ## Benign
//! Old services with RC4 keys only (of a centre whose other tickets are strong, they stand out), old Unix clients, portals that fetch tickets for their users, printers.
//! ## Blind
//! A realm in which most tickets are RC4 tells nothing by `tgs-rc4`. What FAST hides.
//! ## References
//! RFC 4120, RFC 8429; Suricata krb5.ticket_encryption; ATT&CK T1558.003, T1558.004.

use crate::contacts::{Contacts, secs};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Kerberos, Kind, Row};
use crate::signs::Signs;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid, seeded_hash};

static ABOUT: About = About {
    id: "kerberos-roasting",
    title: "collecting tickets to crack",
    means: "Tickets or replies that can be cracked offline are being collected.",
    techniques: &["T1558.003", "T1558.004", "T1087.002"],
    stage: Stage::Credential,
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Answers(Traffic::Any)), useful(What::Whole(Traffic::Any))],
    reasons: &[
        Reason { code: "tgs-rc4", means: "Tickets of services came with weak encryption, unlike others." },
        Reason { code: "tgs-burst", means: "Tickets for many services were fetched and not used." },
        Reason { code: "asrep", means: "A reply that a password can be guessed from was given without proof." },
        Reason { code: "user-enum", means: "Many names of accounts were tried." },
    ],
    benign: "Old services and clients, portals that fetch tickets for their users, printers.",
    clears: "The services have keys of AES, accounts have to prove themselves beforehand.",
    next: &[
        "Change the passwords of the accounts behind the services to long random ones.",
        "Ask what runs on the client.",
        "Let the accounts prove themselves beforehand (pre-authentication).",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const TGS_RC4: &Reason = ABOUT.at(0);
const TGS_BURST: &Reason = ABOUT.at(1);
const ASREP: &Reason = ABOUT.at(2);
const USER_ENUM: &Reason = ABOUT.at(3);

const MAX_CLIENTS: usize = 10_000;
const MAX_CENTRES: usize = 1_000;
/// Services with weak tickets told of a client; accounts counted of a centre.
const MAX_TOLD: usize = 8;
const MAX_ACCOUNTS: usize = 64;
/// Longest name kept.
const MAX_NAME_LEN: usize = 64;
/// Tickets from which on shares mean something, and the share that is strong, in percent.
const MIN_TICKETS: u64 = 20;
const STRONG_SHARE: u64 = 90;
/// Services with weak tickets that make it worse.
const WEAK_SERVICES: usize = 3;
/// Services within the seconds, their classes, the share used in percent, the seconds in which they may be.
const BURST: usize = 10;
const BURST_WITHIN: u32 = 300;
const BURST_CLASSES: usize = 3;
const USED_SHARE: usize = 20;
const USED_WITHIN: u32 = 600;
/// Names within the seconds.
const NAMES: usize = 20;
const NAMES_WITHIN: u32 = 600;
/// What lies before so long a silence belongs to something else.
const PAUSE: Interval = Interval::from_secs(600);
/// Whose signs they are.
const WEAK: usize = 0;
const FETCHED: usize = 1;
const REFUSED: usize = 2;
/// How a client proves itself beforehand: by timestamp, by certificate, inside FAST.
const PROOFS: &[&[u8]] = &[b"enc-timestamp", b"pk-as-req", b"fx-fast", b"encrypted-challenge"];

/// Services that a client fetched tickets for and has not used.
#[derive(Clone)]
struct Ticket {
    service: Box<[u8]>,
    at: u32,
    used: bool,
}

#[derive(Default)]
struct Client {
    tickets: Vec<Ticket>,
    weak: Vec<Box<[u8]>>,
    weak_only: bool,
    names: Contacts<64>,
    centre: Addr,
    /// Of weak tickets, of tickets, of names that are refused.
    signs: [Signs; 3],
    sample: Box<[u8]>,
    burst: usize,
    tried: usize,
}

#[derive(Default)]
struct Centre {
    strong: u64,
    weak: u64,
    /// Accounts that gave proof, and those that were answered without.
    proved: Vec<u32>,
    unproved: Vec<u32>,
}

/// A reply without proof that waits for the end of the run.
struct Reply {
    client: Addr,
    centre: Addr,
    account: Box<[u8]>,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct Roasting {
    seed: u64,
    clients: Recent<Addr, Box<Client>>,
    centres: Recent<Addr, Centre>,
    replies: Vec<Reply>,
    dropped: u64,
}

fn is_weak(cipher: &str) -> bool {
    cipher.starts_with("rc4") || cipher.starts_with("arcfour") || cipher.starts_with("des-")
}

fn cut(name: &[u8]) -> Box<[u8]> {
    name.get(..MAX_NAME_LEN).unwrap_or(name).into()
}

/// Services whose tickets everybody needs, and machines.
fn is_ordinary(service: &[u8]) -> bool {
    let (class, rest) = service.split_at(memchr::memchr(b'/', service).unwrap_or(service.len()));
    matches!(class, b"krbtgt" | b"kadmin") || class.ends_with(b"$") || rest.ends_with(b"$") || class.is_empty()
}

impl Roasting {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            clients: Recent::of(scope, MAX_CLIENTS),
            centres: Recent::of(scope, MAX_CENTRES),
            replies: Vec::new(),
            dropped: 0,
        }
    }

    fn hash(&self, name: &[u8]) -> u32 {
        u32::try_from(seeded_hash(self.seed, &name.to_ascii_lowercase()) >> 32).unwrap_or(0)
    }

    fn kerberos(&mut self, k: &Kerberos<'_>, cx: &mut Cx<'_>) {
        let account = self.hash(k.client);
        let new = || Box::new(Client { centre: k.resp, ..Client::default() });
        let client = self.clients.at(k.orig, new);
        let place = (k.uid, cx.packet, k.resp);
        match (k.request, k.success) {
            ("TGS", Some(true)) => self.ticket(k, cx.packet),
            ("AS", Some(true)) => {
                // The password proves itself: a name that was tried and then logs in is no guess.
                client.names.remove(account);
                self.reply(k, account, cx.packet);
            }
            ("AS", Some(false)) if matches!(k.error, Some(6 | 25)) => {
                client.signs[REFUSED].note(k.ts, PAUSE, place);
                client.names.add(account, secs(k.ts));
                let tried = client.names.within(secs(k.ts), NAMES_WITHIN);
                client.tried = client.tried.max(tried);
                if client.sample.is_empty() {
                    client.sample = cut(k.client);
                }
            }
            _ => {}
        }
    }

    fn ticket(&mut self, k: &Kerberos<'_>, packet: u64) {
        if is_ordinary(k.service) {
            return;
        }
        let weak = is_weak(k.cipher);
        let centre = self.centres.at(k.resp, Centre::default);
        *(if weak { &mut centre.weak } else { &mut centre.strong }) += 1;
        let Some(client) = self.clients.get(&k.orig) else { return };
        let (service, place) = (cut(k.service), (k.uid, packet, k.resp));
        client.signs[FETCHED].note(k.ts, PAUSE, place);
        if weak {
            client.signs[WEAK].note(k.ts, PAUSE, place);
            let offered = k.offered.texts().any(|c| !std::str::from_utf8(c).is_ok_and(is_weak));
            client.weak_only |= !offered && !k.offered.is_empty();
            if client.weak.len() < MAX_TOLD && !client.weak.contains(&service) {
                client.weak.push(service.clone());
            }
        }
        let now = secs(k.ts);
        if client.tickets.iter().any(|t| t.service == service) {
            return;
        }
        if client.tickets.len() >= MAX_ACCOUNTS {
            client.tickets.remove(0);
        }
        client.tickets.push(Ticket { service, at: now, used: false });
        let recent = || client.tickets.iter().filter(|t| t.at + BURST_WITHIN >= now);
        let mut classes: Vec<&[u8]> = recent().filter_map(|t| t.service.split(|b| *b == b'/').next()).collect();
        classes.sort_unstable();
        classes.dedup();
        if recent().count() >= BURST && classes.len() >= BURST_CLASSES {
            client.burst = client.burst.max(recent().count());
        }
    }

    fn reply(&mut self, k: &Kerberos<'_>, account: u32, packet: u64) {
        // What was asked for is not known.
        let Some(preauth) = k.preauth else { return };
        let proved = preauth.texts().any(|p| PROOFS.contains(&p));
        let centre = self.centres.at(k.resp, Centre::default);
        let list = if proved { &mut centre.proved } else { &mut centre.unproved };
        if list.len() < MAX_ACCOUNTS && !list.contains(&account) {
            list.push(account);
        }
        if proved {
            return;
        }
        if self.replies.len() < MAX_CENTRES {
            let account = cut(k.client);
            let strong = !is_weak(k.reply_cipher);
            if !strong || self.replies.iter().all(|r| r.account != account) {
                let (client, centre) = (k.orig, k.resp);
                self.replies.push(Reply {
                    client,
                    centre,
                    account,
                    ts: k.ts,
                    uid: k.uid,
                    packet: if strong { 0 } else { packet },
                });
            }
        } else {
            self.dropped += 1;
        }
    }

    /// Does a flow use a ticket?
    fn conn(&mut self, conn: &Conn<'_>, cx: &Cx<'_>) {
        let Some(client) = self.clients.peek(&conn.orig) else { return };
        if client.tickets.len() < BURST || conn.resp == client.centre {
            return;
        }
        let Some(name) = cx.name_of(conn.resp) else { return };
        let label = name.split('.').next().unwrap_or("");
        let now = secs(conn.ts);
        if let Some(client) = self.clients.get(&conn.orig) {
            for ticket in client.tickets.iter_mut().filter(|t| t.at.abs_diff(now) <= USED_WITHIN) {
                let host = ticket.service.split(|b| *b == b'/').nth(1).unwrap_or(&[]);
                let host = host.split(|b| matches!(b, b'.' | b':')).next().unwrap_or(&[]);
                ticket.used |= !host.is_empty() && host.eq_ignore_ascii_case(label.as_bytes());
            }
        }
    }

    fn asreps(&self, cx: &mut Cx<'_>) {
        for reply in &self.replies {
            let centre = self.centres.peek(&reply.centre);
            let asked = centre.is_some_and(|c| {
                let (proved, all) = (c.proved.len(), c.proved.len() + c.unproved.len());
                all >= BURST && proved * 100 >= all * 90
            });
            let weak = reply.packet > 0;
            if !weak && !asked {
                continue;
            }
            let raise = Raise::new(&ABOUT, ASREP, reply.client, Severity::High, Confidence::percent(85))
                .key(String::from_utf8_lossy(&reply.account))
                .peer(reply.centre)
                .at(reply.ts)
                .flow(reply.uid)
                .packet(reply.packet)
                .quote("account", &reply.account, reply.packet)
                .taken(&reply.account)
                .quote("encryption", if weak { b"weak" } else { b"strong" }, reply.packet);
            cx.raise(raise);
        }
    }
}

impl Client {
    fn begin(
        &self,
        reason: &'static Reason,
        addr: Addr,
        signs: usize,
        (severity, confidence): (Severity, u8),
    ) -> Raise {
        let raise = Raise::new(&ABOUT, reason, addr, severity, Confidence::percent(confidence));
        match self.signs.get(signs) {
            Some(signs) => signs.show(raise),
            None => raise,
        }
    }

    fn held_len(&self) -> usize {
        let lists = self.tickets.iter().map(|t| t.service.len() + 32).sum::<usize>();
        let lists = lists + self.signs.iter().map(Signs::held_len).sum::<usize>();
        size_of::<Self>() + lists + self.weak.iter().map(|w| w.len() + 16).sum::<usize>() + self.names.held_len()
    }
}

fn words(names: &[&[u8]]) -> Vec<u8> {
    names.join(&b" "[..])
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl Detector for Roasting {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Kerberos]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) if !self.clients.is_empty() => self.conn(row, cx),
            Row::Kerberos(row) => self.kerberos(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(&Addr, &Client)> = self.clients.iter().map(|(a, c)| (a, &**c)).collect();
        all.sort_unstable_by_key(|(addr, _)| **addr);
        for (addr, client) in all {
            let stands_out = self.centres.peek(&client.centre).is_some_and(|c| {
                let all = c.strong + c.weak;
                all >= MIN_TICKETS && c.strong * 100 >= all * STRONG_SHARE
            });
            if !client.weak.is_empty() && (stands_out || client.weak_only) {
                let many = client.weak.len() >= WEAK_SERVICES;
                let (severity, confidence) = if many { (Severity::High, 80) } else { (Severity::Medium, 60) };
                let services = words(&client.weak.iter().map(|w| &**w).collect::<Vec<_>>());
                let told = if client.weak_only {
                    "the client offered nothing better"
                } else {
                    "the centre's other tickets are strong"
                };
                let raise = client
                    .begin(TGS_RC4, *addr, WEAK, (severity, confidence))
                    .measure(Measure::count(
                        "services with weak tickets",
                        count(client.weak.len()),
                        Some(1),
                        "",
                        Origin::Standard("RFC 8429"),
                    ))
                    .quote("services", &services, 0)
                    .benign("old services with keys of RC4 only", told);
                cx.raise(raise);
            }
            let used = client.tickets.iter().filter(|t| t.used).count();
            if client.burst >= BURST && used * 100 < client.tickets.len() * USED_SHARE {
                let services = words(&client.tickets.iter().take(16).map(|t| &*t.service).collect::<Vec<_>>());
                let raise = client
                    .begin(TGS_BURST, *addr, FETCHED, (Severity::Medium, 60))
                    .measure(Measure::count(
                        "services within five minutes",
                        count(client.burst),
                        Some(BURST as u64),
                        "",
                        Origin::Own,
                    ))
                    .measure(Measure::count("tickets used", count(used), None, "", Origin::Own))
                    .quote("services", &services, 0);
                cx.raise(raise);
            }
            if client.tried >= NAMES {
                let raise = client
                    .begin(USER_ENUM, *addr, REFUSED, (Severity::Medium, 70))
                    .measure(Measure::count(
                        "names within ten minutes",
                        count(client.tried),
                        Some(NAMES as u64),
                        "names",
                        Origin::Own,
                    ))
                    .quote("first name", &client.sample, 0);
                cx.raise(raise);
            }
        }
        self.asreps(cx);
    }

    fn held_len(&self) -> usize {
        let clients: usize = self.clients.iter().map(|(_, c)| c.held_len()).sum();
        let centres: usize = self.centres.iter().map(|(_, c)| (c.proved.capacity() + c.unproved.capacity()) * 4).sum();
        let replies: usize = self.replies.iter().map(|r| r.account.len() + size_of::<Reply>()).sum();
        self.clients.held_len() + self.centres.held_len() + clients + centres + replies
    }

    fn forgotten(&self) -> u64 {
        self.clients.forgotten() + self.centres.forgotten() + self.dropped
    }
}

#[cfg(test)]
mod tests;
