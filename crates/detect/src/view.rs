//! What of each kind of traffic could be seen, and so how well each judgement could be made (`detections.md` §1.7, §13).
//! Counted by flow, session and DNS message; nothing is kept of any one of them.

use crate::detection::Scope;
use crate::hosts::Hosts;
use crate::rows::{Conn, DnsMessage, Row, TlsSession};
use sekisho_finding::{About, Cause, Coverage, Lack, Need, Sight, Traffic, What};
use sekisho_types::Timestamp;

/// Lacks that concern less than this share of what was there leave a judgement as it is, in thousandths.
const WEAK_PER_MILLE: u64 = 10;

/// If so much of a kind's UDP flows has no answer, answers were not captured, rather than not given; in percent.
const UNANSWERED_PERCENT: u64 = 90;

/// If so few of a kind's flows are lone answers by UDP, they are strays or forged, and no questions are missing; in percent.
const STRAY_PERCENT: u64 = 10;

/// Nanoseconds of a day.
const DAY: i64 = 86_400 * 1_000_000_000;

/// TLS 1.3, and what its drafts were called (RFC 8446 §4.1.2); DTLS 1.3 (RFC 9147 §5.3).
const fn encrypts_certificates(version: u64) -> bool {
    matches!(version, 0x0304 | 0xfefc) || version >> 8 == 0x7f
}

/// A set of kinds of traffic.
type Kinds = u16;

const fn kind(traffic: Traffic) -> Kinds {
    1 << traffic.number()
}

/// What was seen of a kind of traffic.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    flows: u64,
    /// Of which only what the asked side sends was seen.
    without_requests: u64,
    /// Lone packets by UDP of the side that is asked: perhaps nobody asked.
    strays: u64,
    /// Of which only what the asking side sends was seen.
    without_answers: u64,
    /// UDP flows without an answer: perhaps there was none.
    unanswered: u64,
    /// Of which the side that hands over mails was not seen.
    without_bodies: u64,
    holed: u64,
    missing_len: u64,
    cut: u64,
    cut_len: u64,
    /// Payload of all flows, whether it was seen or not.
    len: u64,
    encrypted: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct View {
    of: [Seen; Traffic::ALL.len()],
    /// Flows with addresses of the link layer.
    linked: u64,
    /// Messages between resolvers and the servers that they ask.
    resolver_side: u64,
    /// TLS sessions in which a certificate is due.
    due: u64,
    /// Of these, those that encrypt it.
    encrypted: u64,
    first: Option<Timestamp>,
    last: Timestamp,
    given: Vec<&'static str>,
}

/// Kinds of traffic that a protocol belongs to, by its name in conn.
fn of_app(name: &[u8]) -> Kinds {
    const LOGIN: Kinds = kind(Traffic::Logins);
    const OFFERED: Kinds = kind(Traffic::Offered);
    const CONTROL: Kinds = kind(Traffic::Control) | OFFERED;
    const MAIL: Kinds = kind(Traffic::Mail) | LOGIN;
    match name {
        b"http" | b"http2" | b"http3" => kind(Traffic::Web) | LOGIN | OFFERED,
        b"ssl" | b"dtls" | b"quic" => kind(Traffic::Tls),
        b"dns" => kind(Traffic::Dns),
        b"ssdp" => kind(Traffic::Announcements),
        b"smtp" | b"imap" | b"pop3" => MAIL,
        b"ftp" | b"telnet" | b"irc" | b"socks" => LOGIN,
        b"ldap" | b"mongodb" | b"mqtt" | b"redis" | b"snmp" => LOGIN | OFFERED,
        b"smb" | b"dce_rpc" | b"rdp" => kind(Traffic::Windows),
        b"kafka" | b"memcached" | b"rfb" | b"rtsp" | b"bacnet" | b"enip" => OFFERED,
        b"modbus" | b"dnp3_tcp" | b"dnp3_udp" | b"s7comm" | b"iec104" => CONTROL,
        _ => 0,
    }
}

/// The same by port, for flows whose protocol could not be recognised, or only as TLS.
fn of_port(is_udp: bool, port: u16) -> Kinds {
    let name: &[u8] = match (is_udp, port) {
        (_, 53 | 853) | (true, 784 | 8853) => b"dns",
        (false, 80 | 8000 | 8080 | 8443 | 9200) | (_, 443) => b"http",
        (false, 25 | 465 | 587 | 2525) => b"smtp",
        (false, 143 | 993) => b"imap",
        (false, 110 | 995) => b"pop3",
        (false, 21) => b"ftp",
        (false, 23) => b"telnet",
        (false, 389 | 636) => b"ldap",
        (false, 1883 | 8883) => b"mqtt",
        (false, 6379) => b"redis",
        (false, 27017) => b"mongodb",
        (true, 161) => b"snmp",
        (_, 11211) => b"memcached",
        (false, 9092) => b"kafka",
        (false, 502) => b"modbus",
        (false, 102) => b"s7comm",
        (false, 2404) => b"iec104",
        (_, 20000) => b"dnp3_tcp",
        (true, 1900) => b"ssdp",
        (false, 135 | 139 | 445) => b"smb",
        (false, 3389) => b"rdp",
        _ => b"",
    };
    of_app(name)
}

/// Is the content encrypted: is the last protocol that is known TLS?
struct Apps {
    kinds: Kinds,
    hidden: bool,
    fetched_mail: bool,
}

fn apps(conn: &Conn<'_>) -> Apps {
    let mut all = Apps { kinds: 0, hidden: false, fetched_mail: false };
    for name in conn.app.split(|b| *b == b',') {
        let kinds = of_app(name);
        all.fetched_mail |= matches!(name, b"imap" | b"pop3");
        if kinds & kind(Traffic::Tls) != 0 {
            all.hidden = true;
        } else if kinds != 0 {
            all.hidden = false;
        }
        all.kinds |= kinds;
    }
    let is_udp = conn.proto == "udp";
    if all.kinds & !kind(Traffic::Tls) == 0 {
        all.kinds |= of_port(is_udp, conn.resp_port);
    }
    if all.kinds & kind(Traffic::Dns) != 0 && !matches!(conn.resp_port, 53 | 853 | 784 | 8853) {
        // mDNS and the like.
        all.kinds &= !kind(Traffic::Dns);
        all.kinds |= if conn.resp_port == 5353 { kind(Traffic::Announcements) } else { 0 };
    }
    all.fetched_mail |= matches!(conn.resp_port, 110 | 143 | 993 | 995);
    all
}

impl View {
    pub fn new(scope: &Scope) -> Self {
        let options =
            [("--intel", !scope.intel.is_empty()), ("--geoip", !scope.geo.is_empty()), ("--rules", scope.has_rules)];
        Self {
            of: [Seen::default(); Traffic::ALL.len()],
            linked: 0,
            resolver_side: 0,
            due: 0,
            encrypted: 0,
            first: None,
            last: Timestamp::default(),
            given: options.into_iter().filter(|o| o.1).map(|o| o.0).collect(),
        }
    }

    pub fn row(&mut self, row: &Row<'_>, hosts: &Hosts) {
        match row {
            Row::Conn(conn) => self.conn(conn, hosts),
            Row::DnsMessage(message) => self.dns(message),
            Row::TlsSession(session) => self.session(session),
            Row::SmbHidden(row) if row.first => self.at(Traffic::Windows, |seen| seen.encrypted += 1),
            // Those of the wire are flows of their own.
            Row::Mail(mail) if !mail.file.is_empty() => {
                self.at(Traffic::Mail, |seen| {
                    seen.flows += 1;
                    seen.holed += u64::from(!mail.complete);
                });
            }
            _ => {}
        }
    }

    /// What earlier runs judged counts as well where days are asked for.
    pub fn known_since(&mut self, since: Timestamp) {
        self.first = Some(since);
    }

    /// The verdicts on answers of DNS with signatures.
    pub fn signed(&mut self, count: u64) {
        self.at(Traffic::Signed, |seen| seen.flows = count);
    }

    fn at(&mut self, traffic: Traffic, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.of.get_mut(traffic.number()) {
            change(seen);
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, hosts: &Hosts) {
        self.first = Some(self.first.map_or(conn.ts, |first| first.min(conn.ts)));
        self.last = self.last.max(Timestamp(conn.ts.0.saturating_add(conn.duration.0)));
        self.linked += u64::from(conn.orig_mac.is_some());
        let gap_len = conn.orig_gap.saturating_add(conn.resp_gap);
        let is_tcp = conn.proto == "tcp";
        if is_tcp && conn.orig_bytes == 0 && conn.resp_bytes == 0 && gap_len == 0 || conn.proto == "icmp" {
            // Attempts, and what has no ends that ask and answer.
            self.at(Traffic::Any, |seen| seen.flows += 1);
            if conn.proto == "icmp" {
                self.at(Traffic::Icmp, |seen| {
                    seen.flows += 1;
                    seen.cut += u64::from(conn.cut > 0);
                    seen.cut_len = seen.cut_len.saturating_add(conn.cut);
                    seen.len = seen.len.saturating_add(conn.orig_bytes).saturating_add(conn.resp_bytes);
                });
            }
            return;
        }
        let apps = apps(conn);
        let mut kinds = apps.kinds | kind(Traffic::Any);
        if hosts.is_internal(conn.orig) || !hosts.is_internal(conn.resp) {
            kinds &= !kind(Traffic::Offered);
        }
        let unanswered = !is_tcp && conn.state == "S0";
        let without_answers = conn.one_sided == "orig" && conn.state != "S0";
        let stray = !is_tcp && conn.one_sided == "resp" && conn.resp_pkts <= 1;
        let without_requests = conn.one_sided == "resp" && !stray;
        let without_bodies = if apps.fetched_mail { without_answers } else { without_requests };
        while kinds != 0 {
            let number = kinds.trailing_zeros() as usize;
            kinds &= kinds - 1;
            let Some(seen) = self.of.get_mut(number) else { return };
            seen.flows += 1;
            seen.unanswered += u64::from(unanswered);
            seen.without_answers += u64::from(without_answers);
            seen.without_requests += u64::from(without_requests);
            seen.strays += u64::from(stray);
            seen.without_bodies += u64::from(without_bodies);
            if conn.cut > 0 {
                // What was cut is a hole, too, but the cause is another.
                seen.cut += 1;
                seen.cut_len = seen.cut_len.saturating_add(conn.cut);
            } else if gap_len > 0 {
                seen.holed += 1;
                seen.missing_len = seen.missing_len.saturating_add(gap_len);
            }
            seen.len = seen.len.saturating_add(conn.orig_bytes).saturating_add(conn.resp_bytes);
            seen.encrypted += u64::from(apps.hidden);
        }
    }

    fn dns(&mut self, message: &DnsMessage<'_>) {
        // RFC 1034 §4.3.1: who resolves asks servers without recursion, and they offer none.
        let asks = message.is_query && !message.recursion_desired;
        let answers = !message.is_query && message.authoritative && !message.recursion;
        self.resolver_side += u64::from(message.resp_port == 53 && (asks || answers));
    }

    fn session(&mut self, session: &TlsSession<'_>) {
        let Some(version) = session.version else { return };
        if session.resumed || !session.established && session.chain.is_empty() && !encrypts_certificates(version) {
            return;
        }
        self.due += 1;
        self.encrypted += u64::from(session.chain.is_empty() && encrypts_certificates(version));
    }

    /// How well each of these judgements could be made.
    pub fn coverage(&self, abouts: impl Iterator<Item = &'static About>) -> Vec<Coverage> {
        abouts.map(|about| self.one(about)).collect()
    }

    fn one(&self, about: &'static About) -> Coverage {
        let mut causes: Vec<(Cause, Sight)> = Vec::new();
        let seen = about.looks_at().and_then(|t| self.of.get(t.number())).map_or(0, |s| s.flows);
        for need in about.needs {
            self.lacks(need, &mut |cause, sight| causes.push((cause, sight)));
        }
        let ungiven = causes.iter().any(|c| c.0.lack == Lack::Option && c.1 == Sight::Blind);
        let worst = causes.iter().map(|c| c.1).max().unwrap_or(Sight::Working);
        let idle = about.looks_at().is_some() && seen == 0 && !ungiven;
        let mut causes: Vec<Cause> = causes.into_iter().map(|c| c.0).collect();
        if idle {
            causes.clear();
        }
        causes.sort_unstable();
        // Of several spans the shortest that is not reached says it.
        causes.dedup_by_key(|c| (c.lack, c.traffic, c.option));
        Coverage { about, sight: if idle { Sight::Idle } else { worst }, seen, causes }
    }

    /// Calls `tell` with what of `need` was not there, and how that leaves the judgement.
    fn lacks(&self, need: &Need, tell: &mut dyn FnMut(Cause, Sight)) {
        // `whole`: nothing of what is needed is there.
        let mut put = |lack: Lack, traffic: Traffic, (count, of): (u64, u64), bytes: u64, whole: bool| {
            if count == 0 {
                return;
            }
            let sight = match () {
                () if whole && need.vital => Sight::Blind,
                () if count.saturating_mul(1000) >= of.saturating_mul(WEAK_PER_MILLE) => Sight::Weakened,
                () => Sight::Working,
            };
            tell(Cause { lack, traffic, option: None, count, of, bytes }, sight);
        };
        let seen = |traffic: Traffic| self.of.get(traffic.number()).copied().unwrap_or_default();
        match need.what {
            What::Some(_) => {}
            What::Requests(traffic) => {
                let s = seen(traffic);
                let few = s.strays.saturating_mul(100) < s.flows.saturating_mul(STRAY_PERCENT);
                let count = s.without_requests + if few { 0 } else { s.strays };
                put(Lack::Requests, traffic, (count, s.flows), 0, count >= s.flows);
            }
            What::Answers(traffic) => {
                let s = seen(traffic);
                let none = s.unanswered.saturating_mul(100) >= s.flows.saturating_mul(UNANSWERED_PERCENT);
                let count = s.without_answers + if none { s.unanswered } else { 0 };
                put(Lack::Answers, traffic, (count, s.flows), 0, count >= s.flows);
            }
            What::Bodies => {
                let s = seen(Traffic::Mail);
                put(Lack::Bodies, Traffic::Mail, (s.without_bodies, s.flows), 0, s.without_bodies >= s.flows);
            }
            What::Whole(traffic) => {
                let s = seen(traffic);
                put(Lack::Holes, traffic, (s.holed, s.flows), s.missing_len, s.holed >= s.flows);
            }
            What::Uncut(traffic) => {
                let s = seen(traffic);
                // Where the most part of every flow is there, much can be judged.
                let whole = s.cut >= s.flows && s.cut_len.saturating_mul(2) >= s.len;
                put(Lack::Cut, traffic, (s.cut, s.flows), s.cut_len, whole);
            }
            What::Clear(traffic) => {
                let s = seen(traffic);
                put(Lack::Encrypted, traffic, (s.encrypted, s.flows), 0, s.encrypted >= s.flows);
            }
            What::Certificates => {
                put(Lack::Certificates, Traffic::Tls, (self.encrypted, self.due), 0, self.encrypted >= self.due)
            }
            What::ResolverSide if self.resolver_side == 0 => {
                let flows = seen(Traffic::Dns).flows;
                put(Lack::ResolverSide, Traffic::Dns, (flows, flows), 0, true);
            }
            What::ResolverSide => {}
            What::LinkLayer if self.linked == 0 => {
                let flows = seen(Traffic::Any).flows;
                put(Lack::LinkLayer, Traffic::Any, (flows, flows), 0, true);
            }
            What::LinkLayer => {}
            What::Days(days) => {
                let span = self.first.map_or(0, |first| self.last.0.saturating_sub(first.0));
                let whole = u64::try_from(span / DAY).unwrap_or(0);
                if whole < u64::from(days) {
                    let sight = if need.vital { Sight::Blind } else { Sight::Weakened };
                    let (traffic, of) = (Traffic::Any, u64::from(days));
                    tell(Cause { lack: Lack::Days, traffic, option: None, count: whole, of, bytes: 0 }, sight);
                }
            }
            What::Given(option) => {
                if !self.given.contains(&option) {
                    let traffic = Traffic::Any;
                    let cause = Cause { lack: Lack::Option, traffic, option: Some(option), count: 0, of: 0, bytes: 0 };
                    tell(cause, if need.vital { Sight::Blind } else { Sight::Weakened });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
