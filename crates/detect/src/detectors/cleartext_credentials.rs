//! # cleartext-credentials
//! ## How
//! A login crossed the network unencrypted: user and password of FTP, Telnet, POP3, IMAP, SMTP, XMPP, IRC, SOCKS, Redis,
//! MongoDB (PLAIN), MQTT, a simple bind of LDAP, Basic authentication of HTTP or a form that is posted with a field named
//! like a password, the community of SNMP 1 and 2c. `weak`: a proof from which a password can be guessed (CRAM-MD5,
//! DIGEST-MD5, APOP, HTTP Digest, SNMP 3 without authentication). The stronger form `accepted`: the server took it.
//! ## Thresholds
//! None: one login.
//! ## State
//! Logins that wait for the server's verdict: at most 30,000 connections, the least recent forgotten. Findings of one
//! protocol, server and account are one.
//! ## Severity
//! Across the border high 0.95; inside medium 0.95, at a server that five hosts at home or more use low (a service that the house runs so is
//! one thing to put in order, a login at a printer or a switch is a find), of administrators' accounts high 0.95 wherever; `weak` low 0.9; an SNMP
//! community that only read info 0.95, one that set something medium.
//! ## Benign
//! Anonymous FTP, decrypted sessions, logins of a host to itself. Whether it is a lab, a management network or an account
//! for everyone is the operator's to say.
//! ## Blind
//! Not looked at: PostgreSQL, MySQL, SQL Server, AMQP, STOMP, NNTP, SIP, RTSP, TACACS+, RADIUS, rlogin and rsh, session
//! cookies and bearer tokens. Whether an account is a domain's, the same name in Kerberos or NTLM, which would make it high. Passwords typed in Telnet without a prompt in words known to the parser.
//! ## References
//! nDPI NDPI_CLEAR_TEXT_CREDENTIALS; RFC 8314; RFC 7617.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Credential, Kind, MqttConnect, Row, Snmp};
use crate::table::Recent;
use crate::{Cx, Raise, Role};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "cleartext-credentials",
    title: "login readable on the wire",
    means: "A user name and password (or equivalent) crossed the network unencrypted.",
    techniques: &["T1040", "T1552"],
    stage: Stage::Hygiene,
    reasons: REASONS,
    benign: "Lab and management networks, accounts that are meant for everyone.",
    clears: "The account logs in over an encrypted session only.",
    next: &[
        "Change the password: whoever saw the traffic has it.",
        "Let the server offer the login after TLS only.",
        "See who else could have listened.",
    ],
    needs: &[
        vital(What::Some(Traffic::Logins)),
        vital(What::Requests(Traffic::Logins)),
        useful(What::Answers(Traffic::Logins)),
        useful(What::Whole(Traffic::Logins)),
        useful(What::Uncut(Traffic::Logins)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

static REASONS: &[Reason] = &[
    Reason { code: "ftp", means: "A password for FTP crossed in clear." },
    Reason { code: "http", means: "A password for a web server crossed in clear." },
    Reason { code: "imap", means: "A password for a mailbox crossed in clear, by IMAP." },
    Reason { code: "irc", means: "A password for IRC crossed in clear." },
    Reason { code: "ldap", means: "A password for a directory crossed in clear." },
    Reason { code: "mongodb", means: "A password for MongoDB crossed in clear." },
    Reason { code: "mqtt", means: "A password for an MQTT broker crossed in clear." },
    Reason { code: "pop3", means: "A password for a mailbox crossed in clear, by POP3." },
    Reason { code: "redis", means: "A password for Redis crossed in clear." },
    Reason { code: "smtp", means: "A password for a mail server crossed in clear." },
    Reason { code: "snmp", means: "A community of SNMP crossed in clear, which is a password." },
    Reason { code: "socks", means: "A password for a proxy crossed in clear." },
    Reason { code: "telnet", means: "A password for a shell crossed in clear." },
    Reason { code: "xmpp", means: "A password for chat crossed in clear." },
    WEAK,
];

const WEAK: Reason = Reason { code: "weak", means: "A proof crossed from which the password can be guessed offline." };

/// Logins that wait for a verdict.
const MAX_WAITING: usize = 30_000;

/// Longest account kept.
const MAX_USER_LEN: usize = 64;

/// Accounts of administrators, in small letters.
const ADMINS: &[&str] = &["admin", "administrator", "cisco", "enable", "root", "sa", "superuser"];

/// A login.
struct Login {
    ts: Timestamp,
    uid: Uid,
    client: Addr,
    server: Addr,
    reason: &'static Reason,
    user: String,
    method: String,
    password_len: Option<u64>,
    packet: u64,
}

/// See the module.
pub(crate) struct Cleartext {
    waiting: Recent<Uid, Login>,
}

fn reason(protocol: &str, clear: bool) -> Option<&'static Reason> {
    let code = if clear { protocol } else { WEAK.code };
    REASONS.iter().find(|r| r.code == code)
}

fn cut(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..MAX_USER_LEN).unwrap_or(text)).into_owned()
}

fn raise(login: &Login, success: Option<bool>, severity: Option<Severity>, cx: &mut Cx<'_>) {
    let inside = |host| cx.hosts().is_internal(host);
    let weak = login.reason.code == WEAK.code;
    let admin = ADMINS.iter().any(|a| login.user.eq_ignore_ascii_case(a));
    let severity = severity.unwrap_or(match (weak, inside(login.client) && inside(login.server)) {
        (true, _) => Severity::Low,
        (false, true) if !admin => Severity::Medium,
        _ => Severity::High,
    });
    // The machine that the operator can touch.
    let (subject, peer) =
        if inside(login.server) { (login.server, login.client) } else { (login.client, login.server) };
    let account = if login.user.is_empty() { "no account" } else { &login.user };
    let confidence = Confidence::percent(if weak { 90 } else { 95 });
    let mut raise = Raise::new(&ABOUT, login.reason, subject, severity, confidence)
        .key(format!("{account} at {}", login.server))
        .peer(peer)
        .at(login.ts)
        .flow(login.uid)
        .packet(login.packet)
        .quote("account and method", format!("{account} by {}", login.method).as_bytes(), login.packet);
    if let Some(len) = login.password_len {
        raise = raise.measure(Measure::count("length of the password", len, None, "bytes", Origin::Own));
    }
    if success == Some(true) {
        raise = raise.confirmed("accepted");
    }
    if severity == Severity::Medium && login.reason.code != "snmp" {
        raise = raise.lowered_for(Role::Server);
    }
    cx.raise(raise);
}

impl Cleartext {
    pub fn new(scope: &Scope) -> Self {
        Self { waiting: Recent::of(scope, MAX_WAITING) }
    }

    fn credential(&mut self, row: &Credential<'_>, cx: &mut Cx<'_>) {
        if !row.clear || row.orig == row.resp {
            return;
        }
        if row.method.is_empty() {
            if let Some(login) = self.waiting.remove(&row.uid) {
                raise(&login, row.success, None, cx);
            }
            return;
        }
        let Some(reason) = reason(row.protocol, row.password_len.is_some() || row.method == b"PLAIN") else { return };
        if row.protocol == "ftp"
            && (row.user.eq_ignore_ascii_case(b"anonymous") || row.user.eq_ignore_ascii_case(b"ftp"))
        {
            return;
        }
        let login = Login {
            ts: row.ts,
            uid: row.uid,
            client: row.orig,
            server: row.resp,
            reason,
            user: cut(row.user),
            method: cut(row.method),
            password_len: row.password_len,
            packet: row.packet,
        };
        if row.protocol == "http" || row.success.is_some() {
            return raise(&login, row.success, None, cx);
        }
        let before = self.waiting.remove(&row.uid);
        self.waiting.at(row.uid, || login);
        if let Some(before) = before {
            raise(&before, None, None, cx);
        }
    }

    fn mqtt(row: &MqttConnect<'_>, cx: &mut Cx<'_>) {
        let Some(reason) = reason("mqtt", true).filter(|_| row.password && !row.decrypted) else { return };
        let login = Login {
            ts: row.ts,
            uid: row.uid,
            client: row.orig,
            server: row.resp,
            reason,
            user: cut(row.user),
            method: "CONNECT".to_owned(),
            password_len: None,
            packet: cx.packet,
        };
        raise(&login, Some(row.status == b"Connection Accepted"), None, cx);
    }

    fn snmp(row: &Snmp<'_>, cx: &mut Cx<'_>) {
        let version3 = row.version == "3";
        let weak = version3 && row.level == "noAuthNoPriv" && row.responses > 0;
        let set = row.sets > 0 && row.responses > row.errors;
        // An agent that lets itself be set with an empty community is no better.
        if !weak && (version3 || row.community.is_empty() && !set) {
            return;
        }
        let Some(reason) = reason("snmp", !weak) else { return };
        let severity = if weak || set { None } else { Some(Severity::Info) };
        let login = Login {
            ts: row.ts,
            uid: row.uid,
            client: row.orig,
            server: row.resp,
            reason,
            // A community is a password, no account.
            user: String::new(),
            method: format!("version {}", row.version),
            password_len: Some(row.community.len() as u64).filter(|_| !version3),
            packet: cx.packet,
        };
        raise(&login, Some(row.responses > row.errors), severity, cx);
    }
}

impl Detector for Cleartext {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Credential, Kind::MqttConnect, Kind::Snmp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Credential(row) => self.credential(row, cx),
            Row::MqttConnect(row) => Self::mqtt(row, cx),
            Row::Snmp(row) => Self::snmp(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut left: Vec<&Login> = self.waiting.iter().map(|(_, login)| login).collect();
        left.sort_by_key(|login| (login.ts, login.client, login.server, login.packet));
        for login in left {
            raise(login, None, None, cx);
        }
    }

    fn held_len(&self) -> usize {
        self.waiting.held_len()
            + self.waiting.iter().map(|(_, l)| l.user.capacity() + l.method.capacity()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.waiting.forgotten()
    }
}

#[cfg(test)]
mod tests;
