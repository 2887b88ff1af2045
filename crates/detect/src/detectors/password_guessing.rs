//! # password-guessing
//! ## How
//! Log-ins that a server turned down are counted. Of SSH the parser infers them from packet lengths; FTP, Telnet, HTTP
//! (Basic, Digest), POP3, IMAP, SMTP, Redis and SOCKS say it in their replies; SMB, LDAP, Kerberos, MySQL, PostgreSQL, MQTT and VNC by a status. Of RDP a session
//! counts that ended within 12 seconds and 12 kB each way, ended by the server. `single`: one source at one service. `spray`: one source tries many accounts, few
//! times each. `distributed`: many sources fail at one service, each below the limit. The stronger form `success`: the
//! source got in within an hour of at least half as many failures, by packet times, in whatever order the rows came; not with an
//! account that it had used before.
//! ## Thresholds
//! SSH 30 in 30 minutes, FTP 20 in 15 (Zeek); HTTP 30 in 15, Telnet 10 in 15, others 20 in 15; 10 accounts with three failures at most in an
//! hour; 10 sources in an hour (Sekisho's own choice); RDP after the idea of Vizváry and Vykopal 2013.
//! ## State
//! 64 times, 16 accounts for each source and service at 20,000 of them; 64 accounts of 10,000 sources; 32 sources of 10,000
//! services; 20,000 log-ins that wait for the server's word and 20,000 accounts that worked before; the least recent forgotten.
//! ## Severity
//! From home high 0.8; from outside low 0.8; `distributed` medium 0.6, low if all come from outside; `success` critical 0.85. One account
//! that fails at a steady pace, like a password stored and out of date, low.
//! ## Benign
//! A stored password that expired (looked at: one account, steady pace), scanners, load tests; SSH agents that offer many keys. A
//! Digest that was out of date is refused and sent anew: log-ins by Digest that succeed take back the failures before them.
//! ## Blind
//! Forms of web sites, SIP, SNMP, SQL Server, WinRM by NTLM or Kerberos; SSH where lengths say nothing (compression, padding by
//! newer servers); anything in TLS without keys, RDP apart.
//! ## References
//! Zeek SSH::Password_Guessing, FTP::Bruteforcing; ATT&CK T1110.001, T1110.003, T1110.004.

use crate::contacts::{Contacts, mark, secs};
use crate::detection::Scope;
use crate::edges::Class;
use crate::registry::Detector;
use crate::rows::{Conn, Credential, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{
    About, Confidence, Measure, Origin, Reason, Samples, Severity, Stage, Traffic, What, useful, vital,
};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid, seeded_hash};
use std::collections::VecDeque;

static ABOUT: About = About {
    id: "password-guessing",
    title: "trying passwords",
    means: "Someone tries many log-ins that fail; worse if one then works.",
    techniques: &["T1110.001", "T1110.003", "T1110.004"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "single", means: "Many log-ins of one source at one service failed." },
        Reason { code: "spray", means: "One source tried many accounts, few times each." },
        Reason { code: "distributed", means: "Many sources failed to log in at one service, each a few times." },
    ],
    benign: "A stored password that is out of date, scanners, load tests, SSH agents that offer many keys.",
    clears: "No failed log-ins for a day, or the stored password was renewed.",
    next: &[
        "See whether the account that got in did anything unusual since.",
        "Lock the accounts that were tried, or change their passwords.",
        "Ask what runs on the source.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Clear(Traffic::Logins)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SINGLE: &Reason = ABOUT.at(0);
const SPRAY: &Reason = ABOUT.at(1);
const DISTRIBUTED: &Reason = ABOUT.at(2);

/// Sources and services with failures.
const MAX_GUESSED: usize = 20_000;
/// Guessing of which the evidence is gathered until the end; more is told as it stands.
const MAX_FOUND: usize = 4_096;
/// Sources of which accounts are kept.
const MAX_SPRAYS: usize = 10_000;
/// Services of which sources are kept.
const MAX_SERVICES: usize = 10_000;
/// Log-ins that wait for a verdict, and hosts that got in before a failure was heard of.
const MAX_WAITING: usize = 20_000;

/// Times kept of a source and service.
const MAX_TIMES: usize = 64;
/// Accounts told.
const MAX_ACCOUNTS: usize = 16;
/// Accounts counted of a source.
const MAX_SPRAYED: usize = 64;
/// Longest account kept.
const MAX_USER_LEN: usize = 48;
/// Most failures that one connection counts for.
const MAX_ATTEMPTS: u64 = 16;
/// Successes kept of a source and service.
const MAX_WON: usize = 8;

const MINUTES_15: u32 = 900;
const HOUR: u32 = 3_600;
/// Accounts, and failures of each at most, that make a spray.
const SPRAYED: usize = 10;
const FEW: u8 = 3;
/// Sources that make guessing distributed.
const SOURCES: usize = 10;
/// A pace is steady if no gap is shorter than this and gaps differ by a fifth at most.
const SLOW_PACE: u32 = 20;
/// Longest and largest session of RDP that may be a failed log-in; shortest and largest that is a success.
const RDP_SHORT: Interval = Interval::from_secs(12);
const RDP_SMALL: u64 = 12_000;
const RDP_LONG: Interval = Interval::from_secs(60);
const RDP_LARGE: u64 = 50_000;

/// Failures and the seconds within which they make guessing, by protocol, with where that comes from.
fn limit(protocol: &str) -> (usize, u32, Origin) {
    match protocol {
        "ssh" => (30, 1_800, Origin::Field("Zeek")),
        "ftp" => (20, MINUTES_15, Origin::Field("Zeek")),
        "http" => (30, MINUTES_15, Origin::Own),
        "telnet" => (10, MINUTES_15, Origin::Own),
        _ => (20, MINUTES_15, Origin::Own),
    }
}

/// A log-in that was judged.
struct Try<'a> {
    ts: Timestamp,
    uid: Uid,
    from: Addr,
    to: Addr,
    protocol: &'static str,
    user: &'a [u8],
    /// How often it failed.
    failures: u64,
    success: bool,
    /// Success takes back the failures before it.
    forgives: bool,
}

type Key = (Addr, Addr, &'static str);

#[derive(Clone, Copy)]
struct Won {
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

#[derive(Default)]
struct Guess {
    times: VecDeque<u32>,
    accounts: Vec<Box<str>>,
    more_accounts: bool,
    failures: u64,
    first: Timestamp,
    last: Timestamp,
    flows: Samples<Uid>,
    packets: Samples<u64>,
    won: Vec<Won>,
    client: Box<str>,
    most: usize,
    /// The step from host to host is noted.
    stepped: bool,
}

#[derive(Default)]
struct Spray {
    /// Hash, failures, last time.
    accounts: Vec<(u32, u8, u32)>,
    servers: Vec<Addr>,
    first: Timestamp,
    flows: Samples<Uid>,
    packets: Samples<u64>,
    failures: u64,
}

#[derive(Default)]
struct Service {
    sources: Contacts<32>,
    named: Vec<Addr>,
    first: Timestamp,
    failures: u64,
    flows: Samples<Uid>,
    packets: Samples<u64>,
}

/// See the module.
pub(crate) struct Guessing {
    seed: u64,
    waiting: Recent<Uid, (Box<str>, bool)>,
    guesses: Recent<Key, Box<Guess>>,
    found: HashMap<Key, Box<Guess>, SeededState>,
    won: Recent<Key, Won>,
    /// Accounts with which a source got in while it did not guess.
    own: Recent<(Addr, u32), ()>,
    sprays: Recent<Addr, Box<Spray>>,
    services: Recent<(Addr, &'static str), Box<Service>>,
}

/// The protocol's word, if it is one of those looked at.
fn protocol(name: &str) -> Option<&'static str> {
    ["ftp", "http", "imap", "pop3", "redis", "smtp", "socks", "telnet"].into_iter().find(|p| *p == name)
}

fn cut(user: &[u8]) -> Box<str> {
    String::from_utf8_lossy(user.get(..MAX_USER_LEN).unwrap_or(user)).into()
}

impl Guessing {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            waiting: Recent::of(scope, MAX_WAITING),
            guesses: Recent::of(scope, MAX_GUESSED),
            found: HashMap::with_hasher(SeededState(scope.seed)),
            won: Recent::of(scope, MAX_WAITING),
            own: Recent::of(scope, MAX_WAITING),
            sprays: Recent::of(scope, MAX_SPRAYS),
            services: Recent::of(scope, MAX_SERVICES),
        }
    }

    fn credential(&mut self, row: &Credential<'_>, cx: &mut Cx<'_>) {
        let Some(protocol) = protocol(row.protocol) else { return };
        let digest = row.method.eq_ignore_ascii_case(b"digest");
        if !row.method.is_empty() && row.success.is_none() {
            self.waiting.at(row.uid, || (cut(row.user), digest));
            return;
        }
        let Some(success) = row.success else { return };
        let waited = if row.method.is_empty() { self.waiting.remove(&row.uid) } else { None };
        let (user, digest) = waited.unwrap_or_else(|| (cut(row.user), digest));
        let attempt = Try {
            ts: row.ts,
            uid: row.uid,
            from: row.orig,
            to: row.resp,
            protocol,
            user: user.as_bytes(),
            failures: u64::from(!success),
            success,
            forgives: digest,
        };
        self.judged(&attempt, b"", cx);
    }

    /// The server judged a log-in.
    fn judged(&mut self, attempt: &Try<'_>, client: &[u8], cx: &mut Cx<'_>) {
        if attempt.failures > 0 {
            self.failed(attempt, client, cx);
        }
        if !attempt.success {
            return;
        }
        let key = (attempt.from, attempt.to, attempt.protocol);
        let account = (attempt.from, self.account(attempt.user));
        let own = !attempt.user.is_empty() && self.own.peek(&account).is_some();
        let won = Won { ts: attempt.ts, uid: attempt.uid, packet: cx.packet };
        if own && !self.guesses.peek(&key).or(self.found.get(&key)).is_some_and(|g| g.tried(attempt.user)) {
            return;
        }
        if let Some(guess) = self.found.get_mut(&key) {
            guess.won(won, key, cx);
            return;
        }
        match self.guesses.get(&key) {
            Some(_) if attempt.forgives => {
                self.guesses.remove(&key);
            }
            Some(guess) => {
                guess.won(won, key, cx);
                if guess.success(key.2).is_some() {
                    self.find(key, cx);
                }
            }
            None => {
                // The end of a session that failed is often heard of later than the beginning of one that did not.
                *self.won.at(key, || won) = won;
                if !attempt.user.is_empty() {
                    self.own.at(account, || ());
                }
            }
        }
    }

    /// An account as 32 bits.
    fn account(&self, user: &[u8]) -> u32 {
        let hash = seeded_hash(self.seed, &user.to_ascii_lowercase());
        u32::try_from(hash >> 32).unwrap_or(0)
    }

    fn failed(&mut self, attempt: &Try<'_>, client: &[u8], cx: &mut Cx<'_>) {
        let key = (attempt.from, attempt.to, attempt.protocol);
        let (limit, span, _) = limit(attempt.protocol);
        let below = if let Some(guess) = self.found.get_mut(&key) {
            guess.failed(attempt, client, span, cx.packet);
            guess.step(key, cx);
            false
        } else {
            let won = &self.won;
            let guess = self.guesses.at(key, || {
                let won = won.peek(&key).copied().into_iter().collect();
                Box::new(Guess { first: attempt.ts, last: attempt.ts, won, ..Guess::default() })
            });
            guess.failed(attempt, client, span, cx.packet);
            guess.step(key, cx);
            let found = guess.most >= limit || guess.success(key.2).is_some();
            if found {
                self.find(key, cx);
            }
            !found
        };
        self.spray(attempt, cx);
        if below {
            self.distributed(attempt, cx);
        }
    }

    /// It is guessing: what more of it comes is evidence.
    fn find(&mut self, key: Key, cx: &mut Cx<'_>) {
        let Some(guess) = self.guesses.remove(&key) else { return };
        if self.found.len() < MAX_FOUND {
            self.found.insert(key, guess);
        } else {
            tell(key, &guess, cx);
        }
    }

    fn spray(&mut self, attempt: &Try<'_>, cx: &mut Cx<'_>) {
        if attempt.user.is_empty() {
            return;
        }
        let account = self.account(attempt.user);
        let now = secs(attempt.ts);
        let spray = self.sprays.at(attempt.from, || Box::new(Spray { first: attempt.ts, ..Spray::default() }));
        spray.failures += 1;
        spray.flows.add(attempt.uid);
        spray.packets.add(cx.packet);
        if spray.servers.len() < sekisho_finding::MAX_PEERS && !spray.servers.contains(&attempt.to) {
            spray.servers.push(attempt.to);
        }
        if let Some(known) = spray.accounts.iter_mut().find(|a| a.0 == account) {
            (known.1, known.2) = (known.1.saturating_add(1), known.2.max(now));
            return;
        }
        if spray.accounts.len() >= MAX_SPRAYED {
            spray.accounts.remove(0);
        }
        spray.accounts.push((account, 1, now));
        let few = spray.accounts.iter().filter(|a| a.1 <= FEW && a.2 + HOUR >= now).count();
        if few < SPRAYED || few != SPRAYED && !few.is_multiple_of(8) {
            return;
        }
        let (severity, count) = (graded(attempt.from, cx), u64::try_from(few).unwrap_or(0));
        let mut raise = Raise::new(&ABOUT, SPRAY, attempt.from, severity, Confidence::percent(80))
            .between(spray.first, attempt.ts)
            .times(spray.failures)
            .measure(Measure::count("accounts within an hour", count, Some(SPRAYED as u64), "accounts", Origin::Own))
            .measure(Measure::count("failed log-ins", spray.failures, None, "", Origin::Own))
            .quote(
                "last account and protocol",
                &[attempt.user, b" by ", attempt.protocol.as_bytes()].concat(),
                cx.packet,
            );
        raise = spray.servers.iter().fold(raise, |raise, server| raise.peer(*server));
        raise = spray.flows.iter().fold(raise, Raise::flow);
        cx.raise(spray.packets.iter().fold(raise, Raise::packet));
        spray.failures = 0;
    }

    fn distributed(&mut self, attempt: &Try<'_>, cx: &mut Cx<'_>) {
        let now = secs(attempt.ts);
        let key = (attempt.to, attempt.protocol);
        let service = self.services.at(key, || Box::new(Service { first: attempt.ts, ..Service::default() }));
        service.failures += 1;
        if service.named.len() < 32 && !service.named.contains(&attempt.from) {
            service.named.push(attempt.from);
        }
        let new = service.sources.add(mark(self.seed, attempt.from), now);
        if !new {
            return;
        }
        service.flows.add(attempt.uid);
        service.packets.add(cx.packet);
        let sources = service.sources.within(now, HOUR);
        if sources < SOURCES {
            return;
        }
        let from_home = service.named.iter().any(|source| cx.hosts().is_internal(*source));
        let severity = match (from_home, cx.hosts().is_internal(attempt.to)) {
            (true, _) => Severity::Medium,
            (false, true) => Severity::Low,
            (false, false) => Severity::Info,
        };
        let count = u64::try_from(sources).unwrap_or(0);
        let mut raise = Raise::new(&ABOUT, DISTRIBUTED, attempt.to, severity, Confidence::percent(60))
            .key(attempt.protocol)
            .between(service.first, attempt.ts)
            .times(service.failures)
            .measure(Measure::count("sources within an hour", count, Some(SOURCES as u64), "hosts", Origin::Own));
        raise = service.named.iter().fold(raise, |raise, source| raise.peer(*source));
        raise = service.flows.iter().fold(raise, Raise::flow);
        cx.raise(service.packets.iter().fold(raise, Raise::packet));
        service.failures = 0;
    }

    fn rdp(&mut self, conn: &Conn<'_>, cx: &mut Cx<'_>) {
        let bytes = conn.orig_bytes.max(conn.resp_bytes);
        // Who ended it: the first letter for FIN or RST.
        let by_server =
            conn.history.iter().find(|l| matches!(l, b'F' | b'f' | b'R' | b'r')).is_some_and(u8::is_ascii_lowercase);
        let failed = conn.duration < RDP_SHORT && bytes < RDP_SMALL && bytes > 0 && by_server;
        let success = conn.duration > RDP_LONG && bytes > RDP_LARGE;
        if !failed && !success || !conn.history.starts_with(b"S") {
            return;
        }
        let attempt = Try {
            ts: conn.ts,
            uid: conn.uid,
            from: conn.orig,
            to: conn.resp,
            protocol: "rdp",
            user: b"",
            failures: u64::from(failed),
            success,
            forgives: false,
        };
        self.judged(&attempt, b"", cx);
    }
}

impl Guess {
    fn won(&mut self, won: Won, key: Key, cx: &mut Cx<'_>) {
        if self.won.len() < MAX_WON {
            self.won.push(won);
        }
        self.step(key, cx);
    }

    /// Notes that the source got hold of the server, once.
    fn step(&mut self, (from, to, protocol): Key, cx: &mut Cx<'_>) {
        if self.stepped || self.won.is_empty() {
            return;
        }
        if let Some((won, _)) = self.success(protocol) {
            self.stepped = true;
            cx.step((from, to), Class::Guessed, protocol, won.ts, won.uid);
        }
    }

    fn failed(&mut self, attempt: &Try<'_>, client: &[u8], span: u32, packet: u64) {
        (self.first, self.last) = (self.first.min(attempt.ts), self.last.max(attempt.ts));
        self.failures += attempt.failures;
        self.flows.add(attempt.uid);
        if packet > 0 {
            self.packets.add(packet);
        }
        for _ in 0..attempt.failures.min(MAX_ATTEMPTS) {
            if self.times.len() >= MAX_TIMES {
                self.times.pop_front();
            }
            self.times.push_back(secs(attempt.ts));
        }
        self.most = self.most.max(self.within(secs(self.last), span));
        if self.client.is_empty() && !client.is_empty() {
            self.client = cut(client);
        }
        if !attempt.user.is_empty() && !self.tried(attempt.user) {
            if self.accounts.len() < MAX_ACCOUNTS {
                self.accounts.push(cut(attempt.user));
            } else {
                self.more_accounts = true;
            }
        }
    }

    /// Did a log-in with that account fail?
    fn tried(&self, user: &[u8]) -> bool {
        let user = user.get(..MAX_USER_LEN).unwrap_or(user);
        self.accounts.iter().any(|a| a.as_bytes() == user)
    }

    /// Failures in the `span` seconds up to `until`.
    fn within(&self, until: u32, span: u32) -> usize {
        self.times.iter().filter(|at| **at <= until && **at + span >= until).count()
    }

    /// One account at a steady pace.
    fn is_stale(&self) -> bool {
        let mut times: Vec<u32> = self.times.iter().copied().collect();
        times.sort_unstable();
        let gaps = || times.windows(2).filter_map(|w| Some(w.get(1)? - w.first()?));
        let (Some(shortest), Some(longest)) = (gaps().min(), gaps().max()) else { return false };
        self.accounts.len() <= 1 && shortest >= SLOW_PACE && longest - shortest <= longest / 5
    }

    /// The success that came within an hour of at least half the failures that make guessing.
    fn success(&self, protocol: &str) -> Option<(Won, usize)> {
        let (limit, ..) = limit(protocol);
        let counted = self.won.iter().map(|won| (*won, self.within(secs(won.ts), HOUR)));
        counted.filter(|(_, failures)| failures * 2 >= limit).max_by_key(|(won, failures)| (*failures, won.ts))
    }

    fn accounts(&self) -> String {
        let more = if self.more_accounts { " and others" } else { "" };
        format!("{}{more}", self.accounts.join(" "))
    }
}

/// How bad guessing is, by where it comes from.
fn graded(from: Addr, cx: &Cx<'_>) -> Severity {
    if cx.hosts().is_internal(from) { Severity::High } else { Severity::Low }
}

/// Tells guessing as far as it was seen.
fn tell((from, to, protocol): Key, guess: &Guess, cx: &mut Cx<'_>) {
    let won = guess.success(protocol);
    let stale = guess.is_stale();
    let severity = match (cx.hosts().is_internal(from), cx.hosts().is_internal(to)) {
        (false, false) => Severity::Info,
        _ if won.is_some() => Severity::Critical,
        _ if stale => Severity::Low,
        _ => graded(from, cx),
    };
    let (limit, span, origin) = limit(protocol);
    let most = u64::try_from(guess.most).unwrap_or(0);
    let name = if span == MINUTES_15 { "failed log-ins within 15 minutes" } else { "failed log-ins within 30 minutes" };
    let confidence = Confidence::percent(if won.is_some() { 85 } else { 80 });
    let mut raise = Raise::new(&ABOUT, SINGLE, from, severity, confidence)
        .key(format!("{protocol} at {to}"))
        .peer(to)
        .between(guess.first, guess.last.max(won.map_or(guess.last, |(won, _)| won.ts)))
        .times(guess.failures)
        .measure(Measure::count(name, most, Some(limit as u64), "", origin))
        .measure(Measure::count("failed log-ins", guess.failures, None, "", origin));
    raise = guess.flows.iter().fold(raise, Raise::flow);
    raise = guess.packets.iter().fold(raise, Raise::packet);
    if !guess.accounts.is_empty() {
        raise = raise.quote("accounts", guess.accounts().as_bytes(), 0);
    }
    if !guess.client.is_empty() {
        raise = raise.quote("client", guess.client.as_bytes(), 0);
    }
    if let Some((won, failures)) = won {
        let (before, half) = (u64::try_from(failures).unwrap_or(0), Some(limit as u64 / 2));
        let name = "failures within the hour before the success";
        raise = raise.confirmed("success").flow(won.uid).packet(won.packet);
        raise = raise.measure(Measure::count(name, before, half, "", Origin::Own));
    }
    let result = if stale { "one account at a steady pace: probably that" } else { "no steady pace" };
    cx.raise(raise.benign("a stored password that is out of date", result));
}

impl Detector for Guessing {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        use Kind::{Kerberos, Ldap, MqttConnect, Mysql, Ntlm, Postgresql, Rfb, Ssh};
        &[Kind::Conn, Kind::Credential, Kerberos, Ldap, MqttConnect, Mysql, Ntlm, Postgresql, Rfb, Ssh]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        macro_rules! attempt {
            ($row:expr, $protocol:literal, $user:expr, $failures:expr, $success:expr, $client:expr) => {{
                let attempt = Try {
                    ts: $row.ts,
                    uid: $row.uid,
                    from: $row.orig,
                    to: $row.resp,
                    protocol: $protocol,
                    user: $user,
                    failures: $failures,
                    success: $success,
                    forgives: false,
                };
                self.judged(&attempt, $client, cx);
            }};
        }
        match row {
            Row::Conn(conn) if conn.app.starts_with(b"rdp") => self.rdp(conn, cx),
            Row::Credential(row) => self.credential(row, cx),
            Row::Kerberos(row) if row.request == "AS" => {
                // Wrong key, account locked; a proof that does not decipher (31), as MIT's centres say.
                let failed = row.success == Some(false) && matches!(row.error, Some(18 | 24 | 31));
                attempt!(row, "kerberos", row.client, u64::from(failed), row.success == Some(true), b"");
            }
            Row::Ldap(row) if row.opcode.starts_with("bind") => {
                let failed = row.result == "invalid credentials";
                // A bind without a name always succeeds.
                let success = row.result == "success" && !row.argument.is_empty();
                attempt!(row, "ldap", row.object, u64::from(failed), success, b"");
            }
            Row::MqttConnect(row) => {
                let failed = matches!(row.status, b"Refused: bad user name or password" | b"Refused: not authorized");
                let success = row.status == b"Connection Accepted" && row.password;
                attempt!(row, "mqtt", row.user, u64::from(failed && row.password), success, b"");
            }
            Row::Mysql(row) if row.command == b"login" => {
                let failed = row.error == Some(1045);
                attempt!(row, "mysql", row.argument, u64::from(failed), row.success == Some(true), b"");
            }
            Row::Ntlm(row) if !row.user.is_empty() => {
                let bad: &[&[u8]] = &[b"LOGON_FAILURE", b"WRONG_PASSWORD", b"NO_SUCH_USER", b"ACCOUNT_LOCKED_OUT"];
                let failed = bad.contains(&row.status);
                let success = row.status == b"SUCCESS" && row.success != Some(false);
                attempt!(row, "smb", row.user, u64::from(failed), success, row.workstation);
            }
            Row::Postgresql(row) => {
                let failed = matches!(row.error, b"28P01" | b"28000");
                let success = row.backend.ends_with(b"auth_ok");
                if failed || success {
                    attempt!(row, "postgresql", row.user, u64::from(failed), success, b"");
                }
            }
            Row::Rfb(row) => {
                attempt!(row, "vnc", b"", u64::from(row.auth == Some(false)), row.auth == Some(true), b"");
            }
            Row::Ssh(row) => {
                let success = row.success == Some(true);
                let failed = row.attempts.saturating_sub(u64::from(success));
                // An agent offers its keys one after the other before one fits. Programs that guess don't ask for the methods first, so
                // that the only refusal of a session is that of their password.
                let refused = row.success == Some(false) || row.refused == Some(true);
                let failed = if success { 0 } else { failed.max(u64::from(refused)) };
                attempt!(row, "ssh", b"", failed, success, row.client);
            }
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(&Key, &Guess)> = self.found.iter().map(|(key, guess)| (key, &**guess)).collect();
        all.sort_unstable_by_key(|(key, _)| **key);
        for (key, guess) in all {
            tell(*key, guess, cx);
        }
    }

    fn held_len(&self) -> usize {
        let guesses = self.guesses.iter().map(|(_, g)| g).chain(self.found.values()).map(|g| {
            size_of::<Guess>() + g.times.capacity() * 4 + g.accounts.iter().map(|a| a.len() + 16).sum::<usize>()
        });
        let sprays = self
            .sprays
            .iter()
            .map(|(_, s)| size_of::<Spray>() + s.accounts.capacity() * 12 + s.servers.capacity() * size_of::<Addr>());
        let services = self
            .services
            .iter()
            .map(|(_, s)| size_of::<Service>() + s.sources.held_len() + s.named.capacity() * size_of::<Addr>());
        self.waiting.held_len()
            + self.waiting.iter().map(|(_, w)| w.0.len()).sum::<usize>()
            + self.guesses.held_len()
            + self.found.allocation_size()
            + self.won.held_len()
            + self.own.held_len()
            + self.sprays.held_len()
            + self.services.held_len()
            + guesses.sum::<usize>()
            + sprays.sum::<usize>()
            + services.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        let waiting = self.waiting.forgotten() + self.won.forgotten() + self.own.forgotten();
        waiting + self.guesses.forgotten() + self.sprays.forgotten() + self.services.forgotten()
    }
}

#[cfg(test)]
mod tests;
