//! # audit-insecure-protocol
//! ## How
//! A session of a protocol, or of a version, that should be retired was answered: SMB 1, Telnet, rlogin and rsh, FTP, POP3
//! and IMAP on connections without TLS, TFTP, SNMP 1 and 2c, NTLM 1, SSH 1, PPTP, RDP with its own security instead of
//! TLS, VNC, control messages of NTP, LDAP with a password in clear.
//! ## Thresholds
//! None: one answered session.
//! ## State
//! None; findings of one machine, protocol and port are one.
//! ## Severity
//! SMB 1 and NTLM 1 medium 0.95, the others low 0.95.
//! ## Benign
//! Exceptions that somebody has agreed to: to be muted with an end. VNC within a tunnel is not seen at all.
//! ## Blind
//! Not looked at: RIP, OSPF, VRRP and HSRP, LLMNR and NetBIOS names, IPMI, old industrial protocols as such, open Wi-Fi.
//! Which LDAP session is signed or sealed: only simple binds are told. Old TLS versions are `tls-` judgements.
//! ## References
//! nDPI NDPI_UNSAFE_PROTOCOL, NDPI_SMB_INSECURE_VERSION; RFC 8314; Microsoft's advice on SMB 1 and NTLM 1.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "audit-insecure-protocol",
    title: "outdated protocol in use",
    means: "This device uses a protocol or version that should be retired.",
    techniques: &["T1040", "T1557"],
    stage: Stage::Hygiene,
    reasons: REASONS,
    benign: "Old devices that know nothing better, agreed on as exceptions.",
    clears: "The protocol was not used for 30 days.",
    next: &["See who still uses it.", "Move them to the secure version.", "Switch the old one off."],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

static REASONS: &[Reason] = &[
    Reason { code: "ftp", means: "FTP without TLS is in use." },
    Reason { code: "imap", means: "IMAP without TLS is in use." },
    Reason { code: "ldap", means: "LDAP takes passwords in clear." },
    Reason { code: "ntlm1", means: "NTLM version 1 is in use, whose answers can be turned back into password hashes." },
    Reason { code: "ntp-control", means: "A time server answers control messages." },
    Reason { code: "pop3", means: "POP3 without TLS is in use." },
    Reason { code: "pptp", means: "PPTP is in use, whose encryption is broken." },
    Reason { code: "rdp", means: "Remote desktop runs with its own security instead of TLS." },
    Reason { code: "rlogin", means: "rlogin or rsh is in use, which trust addresses." },
    Reason { code: "smb1", means: "SMB version 1 is in use." },
    Reason { code: "snmp", means: "SNMP version 1 or 2c is in use, whose only protection crosses in clear." },
    Reason { code: "ssh1", means: "SSH version 1 is in use." },
    Reason { code: "telnet", means: "Telnet is in use." },
    Reason { code: "tftp", means: "TFTP is in use." },
    Reason { code: "vnc", means: "VNC is in use." },
];

/// Names in conn's `app`, and reasons.
const APPS: &[(&[u8], &str)] = &[
    (b"ftp", "ftp"),
    (b"imap", "imap"),
    (b"pop3", "pop3"),
    (b"pptp", "pptp"),
    (b"rfb", "vnc"),
    (b"rlogin", "rlogin"),
    (b"rsh", "rlogin"),
    (b"telnet", "telnet"),
    (b"tftp", "tftp"),
];

/// See the module.
pub(crate) struct Insecure;

struct Seen {
    reason: &'static str,
    ts: Timestamp,
    uid: Uid,
    client: Addr,
    server: Addr,
    port: u16,
}

fn raise(seen: &Seen, cx: &mut Cx<'_>) {
    let Some(reason) = REASONS.iter().find(|r| r.code == seen.reason) else { return };
    let medium = matches!(seen.reason, "smb1" | "ntlm1");
    let severity = if medium { Severity::Medium } else { Severity::Low };
    let (subject, peer) =
        if cx.hosts().is_internal(seen.server) { (seen.server, seen.client) } else { (seen.client, seen.server) };
    let raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(95))
        .key(format!("{} port {}", seen.server, seen.port))
        .peer(peer)
        .at(seen.ts)
        .flow(seen.uid)
        .packet(cx.packet);
    cx.raise(raise);
}

/// What a flow's protocols show.
fn of_conn(conn: &Conn<'_>) -> Option<&'static str> {
    if conn.app.is_empty() {
        return None;
    }
    let apps = || conn.app.split(|b| *b == b',');
    let found = apps().find_map(|app| APPS.iter().find(|a| a.0 == app))?;
    // Of TFTP the answer mostly comes from another port, in a flow of its own, whose ends are the other way round.
    if found.1 == "tftp" {
        return (conn.resp_pkts == 0 || conn.resp_port == 69).then_some(found.1);
    }
    // What began in clear may have gone on in TLS.
    let clear = apps().all(|app| !matches!(app, b"ssl" | b"tls" | b"dtls"));
    (clear && conn.resp_bytes > 0).then_some(found.1)
}

impl Insecure {
    pub fn new(_scope: &Scope) -> Self {
        Self
    }
}

impl Detector for Insecure {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Ldap, Kind::Ntlm, Kind::NtpControl, Kind::Rdp, Kind::SmbMapping, Kind::Snmp, Kind::Ssh]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        macro_rules! seen {
            ($row:expr, $reason:expr) => {
                Seen {
                    reason: $reason,
                    ts: $row.ts,
                    uid: $row.uid,
                    client: $row.orig,
                    server: $row.resp,
                    port: $row.resp_port,
                }
            };
        }
        let seen = match row {
            Row::Conn(r) => match of_conn(r) {
                Some(reason) => seen!(r, reason),
                None => return,
            },
            Row::Ldap(r) if r.opcode == "bind simple" && !r.argument.is_empty() && !r.decrypted => seen!(r, "ldap"),
            Row::Ntlm(r) if r.version == Some(1) => seen!(r, "ntlm1"),
            Row::NtpControl(r) if r.replies > r.errors => seen!(r, "ntp-control"),
            Row::Rdp(r) if r.security == b"RDP" => seen!(r, "rdp"),
            Row::SmbMapping(r) if r.dialect == "1" => seen!(r, "smb1"),
            Row::Snmp(r) if r.version != "3" && r.responses > 0 => seen!(r, "snmp"),
            Row::Ssh(r) if r.version == Some(1) => seen!(r, "ssh1"),
            _ => return,
        };
        raise(&seen, cx);
    }

    fn held_len(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests;
