//! # name-poisoning
//! ## How
//! A machine answers broadcast questions for names (LLMNR, NetBIOS, multicast DNS) with its own address. Names are compared
//! with those known to be its own: from DNS, DHCP, what it called itself in NTLM. `many-names`: three different names that
//! are not its own within a day, or two by LLMNR that different hosts asked for within ten minutes. `wpad`: an answer for `wpad` or `isatap`.
//! `captured`: who had asked connected to it within ten seconds and sent an NTLM login.
//! ## Thresholds
//! Three names in 24 hours, two in ten minutes, own names by edit distance of at most two, ten seconds (Sekisho's own choice).
//! ## State
//! 16 names of each responder, at most 10,000 of them; the last 20,000 answers to a host and as many last logins at one; own names of 10,000 hosts; the least recent
//! forgotten.
//! ## Severity
//! `captured` critical 0.95, `many-names` high 0.8, `wpad` high 0.7.
//! ## Benign
//! A server with aliases, a name proxy for WINS, clusters (names that DNS leads to it are its own), sleep proxies of multicast DNS, which answer with the address of another.
//! ## Blind
//! Names that one asker asked for and one responder answered once, other than `wpad`; a responder that lies only to hosts not seen.
//! ## References
//! RFC 4795, RFC 1002, RFC 6762; ATT&CK T1557.001.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Dhcp, Dns, Kind, Ntlm, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Part, Reason, Severity, Stage, Traffic, What, tale, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "name-poisoning",
    title: "answering for names it does not own",
    means: "A machine answers broadcast questions for names that are not its own, to attract log-ins.",
    techniques: &["T1557.001"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "many-names", means: "Several names that are not its own were answered with its address." },
        Reason { code: "wpad", means: "The name by which browsers look for a proxy was answered." },
        Reason { code: "captured", means: "Who had asked for the name then logged in there by NTLM." },
    ],
    benign: "A server with aliases, a name proxy for WINS, clusters.",
    clears: "The names are known to be the machine's, or it answers for none but its own.",
    next: &[
        "Look at the machine that answers: what runs there?",
        "Change the passwords of the accounts that logged in there.",
        "Switch LLMNR and NetBIOS name resolution off.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Answers(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MANY_NAMES: &Reason = ABOUT.at(0);
const WPAD: &Reason = ABOUT.at(1);
const CAPTURED: &Reason = ABOUT.at(2);

const MAX_RESPONDERS: usize = 10_000;
/// Answers that may lead to a login.
const MAX_ANSWERS: usize = 20_000;
/// Hosts of which own names are kept, and names of each.
const MAX_OWN: usize = 10_000;
const OWN_NAMES: usize = 4;
/// Names kept of a responder.
const MAX_NAMES: usize = 16;
const MAX_NAME_LEN: usize = 64;
/// Names that are too many, and within which time.
const NAMES: usize = 3;
const DAY: Interval = Interval::from_secs(86_400);
/// Names asked for by different hosts, and within which time.
const TWO_WITHIN: Interval = Interval::from_secs(600);
/// How soon a login follows.
const LOGIN_WITHIN: Interval = Interval::from_secs(10);
/// Shortest name that another may be near to.
const MIN_NEAR_LEN: usize = 6;
/// Names for which no host stands.
const PROXY_NAMES: &[&[u8]] = &[b"wpad", b"isatap"];

/// A name that every server of Samba has besides its own.
const SAMBA: &[u8] = b"__samba__";

const LLMNR: u16 = 5355;
const NETBIOS: u16 = 137;
const MDNS: u16 = 5353;

struct Answer {
    name: Box<[u8]>,
    asker: Addr,
    ts: Timestamp,
    by: u16,
    uid: Uid,
    packet: u64,
}

/// What a host was last told by a responder.
#[derive(Default)]
struct Told {
    name: Box<[u8]>,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

/// A login at a host, and whether that was told.
struct Login {
    user: Box<[u8]>,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
    is_told: bool,
}

#[derive(Default)]
struct Responder {
    answers: Vec<Answer>,
    told: usize,
}

/// See the module.
pub(crate) struct Poisoning {
    responders: Recent<Addr, Responder>,
    told: Recent<(Addr, Addr), Told>,
    /// The last of each host at each other: an answer that came unasked is told when its flow is over, which is later.
    logins: Recent<(Addr, Addr), Login>,
    own: Recent<Addr, Vec<Box<[u8]>>>,
}

/// `FileSrv.local` as `filesrv`: the first label in small letters.
fn plain(name: &[u8]) -> Vec<u8> {
    let label = name.split(|b| *b == b'.').next().unwrap_or(&[]);
    label.get(..MAX_NAME_LEN).unwrap_or(label).trim_ascii().to_ascii_lowercase()
}

/// May one name be the other, written a little otherwise? Short ones are no others. Names of up to 64 bytes.
fn is_near(a: &[u8], b: &[u8]) -> bool {
    if a == b || a.len().min(b.len()) < MIN_NEAR_LEN || a.len().abs_diff(b.len()) > 2 {
        return a == b;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row, vec![i + 1]);
        for (j, y) in b.iter().enumerate() {
            let (above, left) = (diagonal.get(j + 1).copied().unwrap_or(0), row.last().copied().unwrap_or(0));
            let kept = diagonal.get(j).copied().unwrap_or(0) + usize::from(x != y);
            row.push(kept.min(above + 1).min(left + 1));
        }
        diagonal.clear();
    }
    row.last().is_some_and(|distance| *distance <= 2)
}

impl Poisoning {
    pub fn new(scope: &Scope) -> Self {
        Self {
            responders: Recent::of(scope, MAX_RESPONDERS),
            told: Recent::of(scope, MAX_ANSWERS),
            logins: Recent::of(scope, MAX_ANSWERS),
            own: Recent::of(scope, MAX_OWN),
        }
    }

    fn own(&mut self, host: Addr, name: &[u8]) {
        let name = plain(name);
        if name.is_empty() {
            return;
        }
        let names = self.own.at(host, Vec::new);
        if names.len() < OWN_NAMES && !names.iter().any(|n| **n == *name) {
            names.push(name.into());
        }
    }

    fn is_own(&self, host: Addr, name: &[u8], cx: &Cx<'_>) -> bool {
        let in_dns = cx.given_name_of(host).is_some_and(|known| is_near(&plain(known.as_bytes()), name));
        in_dns || self.own.peek(&host).is_some_and(|names| names.iter().any(|own| is_near(own, name)))
    }

    fn dns(&mut self, dns: &Dns<'_>, cx: &mut Cx<'_>) {
        let by = |port: u16| dns.resp_port == port || dns.orig_port == port;
        let Some(by) = [LLMNR, MDNS].into_iter().find(|port| by(*port)) else { return };
        if dns.query.is_empty() || dns.answers.is_empty() || dns.rcode.is_some_and(|code| code != 0) {
            return;
        }
        // Who answers does so with its own address.
        let its_own = |host: Addr| dns.records().any(|r| r.addr == Some(host));
        let Some(responder) = [dns.resp, dns.orig].into_iter().find(|host| its_own(*host)) else { return };
        let asker = if responder == dns.resp { dns.orig } else { dns.resp };
        self.answered((responder, asker), by, dns.query, (dns.ts, dns.uid, cx.packet), cx);
    }

    /// Who answers says to have the name itself.
    fn answered(
        &mut self,
        (responder, asker): (Addr, Addr),
        by: u16,
        name: &[u8],
        (ts, uid, packet): (Timestamp, Uid, u64),
        cx: &mut Cx<'_>,
    ) {
        let name = plain(name);
        if name == SAMBA {
            return;
        }
        let same = |a: &Answer| *a.name == *name && (a.asker == asker || by == MDNS);
        let known = self.responders.peek(&responder).is_some_and(|r| r.answers.iter().any(same));
        if !asker.is_multicast() {
            let told = Told { name: name.clone().into(), ts, uid, packet };
            *self.told.at((asker, responder), Told::default) = told;
            self.captured((asker, responder), cx);
        }
        if known || name.is_empty() {
            return;
        }
        let kept = self.responders.at(responder, Responder::default);
        if kept.answers.len() >= MAX_NAMES {
            kept.answers.remove(0);
        }
        kept.answers.push(Answer { name: name.clone().into(), asker, ts, by, uid, packet });
        if PROXY_NAMES.contains(&name.as_slice()) {
            self.raise(responder, WPAD, Severity::High, 70, ts, cx);
        }
        self.many(responder, ts, cx);
    }

    /// Names that are not its own, each once. By multicast DNS a host tells of services and of itself under several names.
    fn foreign(&self, responder: Addr, now: Timestamp, cx: &Cx<'_>) -> Vec<&Answer> {
        let mut names: Vec<&Answer> = Vec::new();
        let Some(kept) = self.responders.peek(&responder) else { return names };
        for answer in kept.answers.iter().filter(|a| now - a.ts <= DAY && a.by != MDNS) {
            if !self.is_own(responder, &answer.name, cx) && names.iter().all(|n| n.name != answer.name) {
                names.push(answer);
            }
        }
        names
    }

    fn many(&mut self, responder: Addr, now: Timestamp, cx: &mut Cx<'_>) {
        let names = self.foreign(responder, now, cx);
        let quick = names.iter().any(|a| {
            names.iter().any(|b| {
                let near = Interval((a.ts - b.ts).0.abs()) <= TWO_WITHIN;
                a.asker != b.asker && a.name != b.name && near && a.by == LLMNR && b.by == LLMNR
            })
        });
        let count = names.len();
        if count < NAMES && !quick {
            return;
        }
        let kept = self.responders.at(responder, Responder::default);
        if count > kept.told {
            kept.told = count;
            self.raise(responder, MANY_NAMES, Severity::High, 80, now, cx);
        }
    }

    fn raise(
        &self,
        responder: Addr,
        reason: &'static Reason,
        severity: Severity,
        confidence: u8,
        now: Timestamp,
        cx: &mut Cx<'_>,
    ) {
        let Some(kept) = self.responders.peek(&responder) else { return };
        let foreign = self.foreign(responder, now, cx).len();
        let mut raise = Raise::new(&ABOUT, reason, responder, severity, Confidence::percent(confidence))
            .at(now)
            .measure(Measure::count(
                "names that are not its own",
                u64::try_from(foreign).unwrap_or(0),
                Some(NAMES as u64),
                "names",
                Origin::Own,
            ))
            .benign("a server with aliases", "neither DNS nor DHCP nor NTLM gives it these names");
        let mut text = Vec::new();
        for answer in &kept.answers {
            let gap: &[u8] = if text.is_empty() { b"" } else { b" " };
            text.extend([gap, &answer.name].concat());
            raise = raise.flow(answer.uid).packet(answer.packet);
            if !answer.asker.is_multicast() {
                raise = raise.peer(answer.asker);
            }
        }
        raise = raise.quote("names answered", &text, 0);
        if reason.code == MANY_NAMES.code {
            raise = raise.tale(tale::LIED, &[&text]);
        }
        if let Some(own) = self.own.peek(&responder) {
            // A login that is passed on names its victim and the server, which have these names, too.
            let shared = |name: &[u8]| {
                self.own.iter().any(|(host, names)| *host != responder && names.iter().any(|n| **n == *name))
            };
            let own: Vec<&[u8]> = own.iter().map(|name| &**name).filter(|name| !shared(name)).collect();
            raise = raise.quote("its own names", &own.join(&b" "[..]), 0);
        }
        cx.raise(raise);
    }

    /// A login at a host that lied before?
    fn ntlm(&mut self, row: &Ntlm<'_>, cx: &mut Cx<'_>) {
        self.own(row.resp, row.server_name);
        self.own(row.orig, row.workstation);
        if row.user.is_empty() {
            return;
        }
        let user = row.user.get(..MAX_NAME_LEN).unwrap_or(row.user);
        let login = Login { user: user.into(), ts: row.ts, uid: row.uid, packet: cx.packet, is_told: false };
        let pair = (row.orig, row.resp);
        self.logins.remove(&pair);
        self.logins.at(pair, || login);
        self.captured(pair, cx);
    }

    /// Did a host log in where it had just been lied to?
    fn captured(&mut self, pair: (Addr, Addr), cx: &mut Cx<'_>) {
        let (Some(told), Some(login)) = (self.told.peek(&pair), self.logins.peek(&pair)) else { return };
        let (asker, responder) = pair;
        let after = login.ts - told.ts;
        if login.is_told || after.0 < 0 || after > LOGIN_WITHIN || self.is_own(responder, &told.name, cx) {
            return;
        }
        let account = [&login.user, &b" for the name "[..], &told.name].concat();
        let millis = u64::try_from(after.0 / 1_000_000).unwrap_or(0);
        let raise = Raise::new(&ABOUT, CAPTURED, responder, Severity::Critical, Confidence::percent(95))
            .key(asker.to_string())
            .peer(asker)
            .between(told.ts, login.ts)
            .flow(told.uid)
            .flow(login.uid)
            .packet(told.packet)
            .packet(login.packet)
            .measure(Measure::count("time from the answer to the login", millis, Some(10_000), "ms", Origin::Own))
            .quote("account", &account, login.packet)
            .part(asker, Part::Victim)
            .tale(tale::CAPTURED, &[asker.to_string().as_bytes(), &login.user, &told.name])
            .taken(&login.user);
        cx.raise(raise);
        if let Some(login) = self.logins.get(&pair) {
            login.is_told = true;
        }
    }

    fn dhcp(&mut self, dhcp: &Dhcp<'_>) {
        if let Some(host) = dhcp.assigned.or(dhcp.client) {
            self.own(host, dhcp.host_name);
        }
    }
}

impl Detector for Poisoning {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dhcp, Kind::Dns, Kind::NetbiosName, Kind::Ntlm]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dhcp(row) => self.dhcp(row),
            Row::Dns(row) => self.dns(row, cx),
            Row::NetbiosName(row) => {
                let when = (row.ts, row.uid, row.packet);
                self.answered((row.host, row.asker), NETBIOS, row.name, when, cx);
            }
            Row::Ntlm(row) => self.ntlm(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let answers = self.responders.iter().flat_map(|(_, r)| &r.answers);
        let own: usize = self.own.iter().flat_map(|(_, names)| names).map(|n| n.len() + 16).sum();
        let told: usize = self.told.iter().map(|(_, t)| t.name.len()).sum();
        let told = told + self.logins.iter().map(|(_, l)| l.user.len()).sum::<usize>() + self.logins.held_len();
        let answers: usize = answers.map(|a| a.name.len() + size_of::<Answer>()).sum();
        self.responders.held_len() + self.told.held_len() + self.own.held_len() + answers + told + own
    }

    fn forgotten(&self) -> u64 {
        self.responders.forgotten() + self.told.forgotten() + self.logins.forgotten() + self.own.forgotten()
    }
}

#[cfg(test)]
mod tests;
