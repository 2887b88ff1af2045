//! # tls-weak-protocol
//! ## How
//! What client and server agreed upon: the version (`ssl2`, `ssl3`, `tls1.0`, `tls1.1`, `dtls1.0`), the class of the suite by
//! its IANA name (`null` no encryption, `anon` nobody proves who he is, `export` keys that were made weak, single DES among them, `rc4`, `3des`, `no-fs` a key exchange without forward
//! secrecy), and `compression`. `downgrade`: the server's random ends with the mark of a server that can do TLS 1.3, the client's hello offered
//! TLS 1.3, and yet less was chosen: somebody changed the hello on its way (RFC 8446 §4.1.3). `heartbleed`: a
//! heartbeat asks for more than it brought; `answered` if more came back. `obsolete-ssh`: SSH 1, or a
//! cipher that OpenSSH has removed.
//! ## Thresholds
//! Below TLS 1.2 is old (RFC 8996).
//! ## State
//! For each server, port and reason the first and the last session: 20,000, the least recent forgotten.
//! ## Severity
//! `ssl2`, `ssl3`, `null`, `anon`, `export` high 0.95; `tls1.0`, `tls1.1`, `dtls1.0`, `rc4`, `3des`, `compression`, `obsolete-ssh` medium 0.95;
//! `no-fs` low 0.95; one step less for others' servers, and another if no session came about. `downgrade` and `heartbleed/answered` critical
//! 0.9; heartbeats without an answer `info`.
//! ## Benign
//! Old devices. A scanner that offers old versions only: no session comes about. Inspecting proxies of old that copied the server's random look
//! like a downgrade.
//! ## Blind
//! Heartbeats that are encrypted. Suites that were offered and not chosen. Resumed sessions are judged as others.
//! ## References
//! RFC 8996, 9325, 7465, 6520, 8446 §4.1.3, 9142; Zeek policy weak-keys, heartbleed; Suricata tls-events; nDPI TLS_OBSOLETE_VERSION, TLS_WEAK_CIPHER, SSH_OBSOLETE.

use crate::catalogue::Catalogue;
use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row, Ssh, TlsSession};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "tls-weak-protocol",
    title: "old or weak encryption agreed upon",
    means: "An old or weak protocol or cipher was agreed upon.",
    techniques: &["T1557", "T1040"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "ssl2", means: "SSL 2 was agreed upon, which protects nothing." },
        Reason { code: "ssl3", means: "SSL 3 was agreed upon, which can be read by trial (POODLE)." },
        Reason { code: "tls1.0", means: "TLS 1.0 was agreed upon, which is no longer to be used." },
        Reason { code: "tls1.1", means: "TLS 1.1 was agreed upon, which is no longer to be used." },
        Reason { code: "dtls1.0", means: "DTLS 1.0 was agreed upon, which is no longer to be used." },
        Reason { code: "null", means: "A suite without encryption was agreed upon." },
        Reason { code: "anon", means: "A suite was agreed upon in which nobody proves who he is." },
        Reason { code: "export", means: "A suite with keys of 56 bits or fewer was agreed upon." },
        Reason { code: "rc4", means: "A suite with RC4 was agreed upon." },
        Reason { code: "3des", means: "A suite with 3DES was agreed upon." },
        Reason { code: "no-fs", means: "A suite without forward secrecy was agreed upon." },
        Reason { code: "compression", means: "Compression was agreed upon, which betrays secrets by length (CRIME)." },
        Reason { code: "downgrade", means: "Somebody made client and server agree upon less than both can do." },
        Reason { code: "heartbleed", means: "A heartbeat asked for memory of the server." },
        Reason { code: "obsolete-ssh", means: "An old version or cipher of SSH was agreed upon." },
    ],
    benign: "Old devices, scanners that test for old versions.",
    clears: "The service agrees upon TLS 1.2 or later with forward secrecy, for 30 days.",
    next: &[
        "See which clients need what is old, and whether the server must offer it.",
        "See what else the device offers: old encryption comes with old software.",
    ],
    needs: &[vital(What::Some(Traffic::Tls)), vital(What::Answers(Traffic::Tls)), useful(What::Requests(Traffic::Tls))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SSL2: &Reason = ABOUT.at(0);
const SSL3: &Reason = ABOUT.at(1);
const TLS10: &Reason = ABOUT.at(2);
const TLS11: &Reason = ABOUT.at(3);
const DTLS10: &Reason = ABOUT.at(4);
const NULL: &Reason = ABOUT.at(5);
const ANON: &Reason = ABOUT.at(6);
const EXPORT: &Reason = ABOUT.at(7);
const RC4: &Reason = ABOUT.at(8);
const TRIPLE_DES: &Reason = ABOUT.at(9);
const NO_FS: &Reason = ABOUT.at(10);
const COMPRESSION: &Reason = ABOUT.at(11);
const DOWNGRADE: &Reason = ABOUT.at(12);
const HEARTBLEED: &Reason = ABOUT.at(13);
const OBSOLETE_SSH: &Reason = ABOUT.at(14);

/// Services and reasons kept.
const MAX_SEEN: usize = 20_000;
/// Clients told apart.
const MAX_CLIENTS: usize = 8;
/// Longest cipher name kept.
const MAX_CIPHER_LEN: usize = 80;
/// Ciphers that OpenSSH has removed.
const OLD_SSH: &[&str] = &["arcfour", "3des", "blowfish", "cast128", "des", "none"];

struct Seen {
    reason: &'static Reason,
    first: Timestamp,
    last: Timestamp,
    packet: u64,
    uid: Uid,
    count: u64,
    established: u64,
    /// Heartbeats were answered.
    answered: bool,
    clients: Vec<Addr>,
    agreed: Box<str>,
    /// Behind a proxy: not the server itself.
    proxied: bool,
}

/// What a row says of a session.
struct Sign<'a> {
    ts: Timestamp,
    uid: Uid,
    client: Addr,
    established: bool,
    answered: bool,
    agreed: &'a str,
    proxied: bool,
}

/// See the module.
pub(crate) struct WeakProtocol {
    seen: Recent<(Addr, u16, &'static str), Seen>,
}

impl WeakProtocol {
    pub fn new(scope: &Scope) -> Self {
        Self { seen: Recent::of(scope, MAX_SEEN) }
    }

    fn note(&mut self, (server, port): (Addr, u16), reason: &'static Reason, sign: &Sign<'_>, packet: u64) {
        let new = || Seen {
            reason,
            first: sign.ts,
            last: sign.ts,
            packet,
            uid: sign.uid,
            count: 0,
            established: 0,
            answered: false,
            clients: Vec::new(),
            agreed: sign.agreed.get(..MAX_CIPHER_LEN).unwrap_or(sign.agreed).into(),
            proxied: sign.proxied,
        };
        let seen = self.seen.at((server, port, reason.code), new);
        seen.first = seen.first.min(sign.ts);
        seen.last = seen.last.max(sign.ts);
        seen.count += 1;
        seen.established += u64::from(sign.established);
        seen.answered |= sign.answered;
        if seen.clients.len() < MAX_CLIENTS && !seen.clients.contains(&sign.client) {
            seen.clients.push(sign.client);
        }
    }

    fn tls(&mut self, s: &TlsSession<'_>, packet: u64) {
        let sign = Sign {
            ts: s.ts,
            uid: s.uid,
            client: s.client,
            established: s.established,
            answered: s.heartbleed == "answered",
            agreed: s.cipher,
            proxied: Catalogue::is_proxied(s.inside),
        };
        let service = (s.server, s.server_port);
        let signs = [
            s.version.and_then(old_version),
            s.version.and_then(|_| weak_suite(s.cipher)),
            without_secrecy(s.cipher).then_some(NO_FS),
            s.compression.then_some(COMPRESSION),
            s.downgrade.then_some(DOWNGRADE),
            (!s.heartbleed.is_empty()).then_some(HEARTBLEED),
        ];
        for reason in signs.into_iter().flatten() {
            self.note(service, reason, &sign, packet);
        }
    }

    fn ssh(&mut self, s: &Ssh<'_>, packet: u64) {
        let cipher = std::str::from_utf8(s.cipher).unwrap_or("");
        if s.version == Some(1) || OLD_SSH.iter().any(|old| cipher.starts_with(old)) {
            let agreed = if s.version == Some(1) { "SSH 1" } else { cipher };
            let sign = Sign {
                ts: s.ts,
                uid: s.uid,
                client: s.orig,
                established: true,
                answered: false,
                agreed,
                proxied: false,
            };
            self.note((s.resp, s.resp_port), OBSOLETE_SSH, &sign, packet);
        }
    }
}

/// The version's reason, if it is an old one.
fn old_version(version: u64) -> Option<&'static Reason> {
    Some(match version {
        0x0002 => SSL2,
        0x0300 => SSL3,
        0x0301 => TLS10,
        0x0302 => TLS11,
        // DTLS before its standard had a number of its own.
        0xfeff | 0x0100 => DTLS10,
        _ => return None,
    })
}

/// How most suites begin: behind these nothing weak is named.
const SOUND: &[&str] = &[
    "TLS_AES_",
    "TLS_CHACHA20_",
    "TLS_ECDHE_RSA_WITH_AES_",
    "TLS_ECDHE_ECDSA_WITH_AES_",
    "TLS_ECDHE_RSA_WITH_CHACHA20_",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_",
];

/// The worst that a suite's name says.
fn weak_suite(suite: &str) -> Option<&'static Reason> {
    if SOUND.iter().any(|sound| suite.starts_with(sound)) {
        return None;
    }
    let has = |part: &str| suite.contains(part);
    Some(if has("WITH_NULL") {
        NULL
    } else if has("EXPORT") || has("DES40") || has("_DES_CBC_") || has("_DES_64_") {
        EXPORT
    } else if has("_anon_") {
        ANON
    } else if has("RC4") {
        RC4
    } else if has("3DES") || has("EDE3") {
        TRIPLE_DES
    } else {
        return None;
    })
}

/// Does the key exchange rest on the server's own key alone?
fn without_secrecy(suite: &str) -> bool {
    ["TLS_RSA_", "TLS_DH_RSA_", "TLS_DH_DSS_", "TLS_ECDH_RSA_", "TLS_ECDH_ECDSA_"].iter().any(|p| suite.starts_with(p))
}

impl Detector for WeakProtocol {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Ssh, Kind::TlsSession]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::TlsSession(session) => self.tls(session, cx.packet),
            Row::Ssh(ssh) => self.ssh(ssh, cx.packet),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<_> = self.seen.iter().collect();
        all.sort_unstable_by_key(|(key, seen)| (seen.first, **key));
        for ((server, port, _), seen) in all {
            tell(*server, *port, seen, cx);
        }
    }

    fn held_len(&self) -> usize {
        let texts: usize = self.seen.iter().map(|(_, s)| s.agreed.len() + size_of_val(&*s.clients)).sum();
        self.seen.held_len() + texts
    }

    fn forgotten(&self) -> u64 {
        self.seen.forgotten()
    }
}

/// Severity where a session with one's own server came about.
fn own_severity(reason: &'static Reason) -> Severity {
    match reason.code {
        "ssl2" | "ssl3" | "null" | "anon" | "export" => Severity::High,
        "no-fs" => Severity::Low,
        _ => Severity::Medium,
    }
}

fn tell(server: Addr, port: u16, seen: &Seen, cx: &mut Cx<'_>) {
    let attack = [DOWNGRADE.code, HEARTBLEED.code].contains(&seen.reason.code);
    let (severity, confidence) = if !attack {
        let steps = u32::from(seen.proxied || !cx.hosts().is_internal(server)) + u32::from(seen.established == 0);
        (own_severity(seen.reason).lowered(steps), 95)
    } else if seen.reason.code == HEARTBLEED.code && !seen.answered {
        (Severity::Info, 90)
    } else {
        (Severity::Critical, 90)
    };
    let mut raise = Raise::new(&ABOUT, seen.reason, server, severity, Confidence::percent(confidence))
        .key(port.to_string())
        .between(seen.first, seen.last)
        .times(seen.count)
        .flow(seen.uid)
        .packet(seen.packet)
        .quote("agreed upon", seen.agreed.as_bytes(), seen.packet);
    for client in &seen.clients {
        raise = raise.peer(*client);
    }
    if seen.answered && seen.reason.code == HEARTBLEED.code {
        raise = raise.confirmed("answered");
    }
    cx.raise(match (attack, seen.established) {
        (false, 0) => raise.benign("a scanner tries what the server takes", "no session came about"),
        (false, _) => raise.benign("a scanner tries what the server takes", "sessions came about"),
        (true, _) => raise,
    });
}

#[cfg(test)]
mod tests;
