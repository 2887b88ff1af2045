//! # ntlm-downgrade
//! ## How
//! Each NTLM login is looked at, whatever protocol carries it. `ntlmv1`: a named user answers with 24 bytes, which is version 1. `lm`: the answer has LAN Manager's
//! own response, or its session key was agreed on, without extended session security. `flag-stripped`: the client offered extended session security or keys
//! of 128 bits, and a server that granted them before does not. `fixed-challenge`: the challenge is 1122334455667788, for which tables exist, or the same for different clients of a
//! server. `smb1`: a server chose SMB 1 although version 2 was offered.
//! ## Thresholds
//! One login; two clients with the same challenge (MS-NLMP §3.2.5.1.1: it is random).
//! ## State
//! The last 16 challenges and the flags of 20,000 servers; the least recent forgotten.
//! ## Severity
//! `fixed-challenge` critical 0.95, if it only repeats high 0.85; `ntlmv1` and `lm` high 0.9 for machines' and administrators' accounts, else medium 0.9; `flag-stripped` medium 0.7;
//! `smb1` low 0.95.
//! ## Benign
//! Scanners that write to a share, old storage, a honeypot, a capture of a rehearsal.
//! ## Blind
//! Logins inside TLS and inside SQL Server's own protocol; LAN Manager's login of SMB 1 without NTLMSSP.
//! ## References
//! MS-NLMP §2.2.1, §2.2.2.5, §3.3; nDPI NDPI_SMB_INSECURE_VERSION; ATT&CK T1557.001, T1110.002.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, NtlmLogin, Row, SmbDowngrade};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Uid};

static ABOUT: About = About {
    id: "ntlm-downgrade",
    title: "old or fixed NTLM",
    means: "A login was made with a weak variant of NTLM, or a server's challenge makes cracking easy.",
    techniques: &["T1557.001", "T1110.002"],
    stage: Stage::Credential,
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Requests(Traffic::Windows)),
        useful(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
    reasons: &[
        Reason { code: "ntlmv1", means: "A user logged in with version 1 of NTLM." },
        Reason { code: "lm", means: "A user logged in with LAN Manager's response." },
        Reason { code: "flag-stripped", means: "A server took back protection that it granted before." },
        Reason { code: "fixed-challenge", means: "A server's challenge is always the same." },
        Reason { code: "smb1", means: "A server chose SMB 1 although version 2 was offered." },
    ],
    benign: "Scanners that write to a share, old storage, a honeypot.",
    clears: "Clients refuse versions below 2, and challenges differ.",
    next: &[
        "Find out what the server is that sends such a challenge.",
        "Let clients and controllers refuse NTLM version 1 (LmCompatibilityLevel 5).",
        "Change the passwords of the accounts named here.",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NTLMV1: &Reason = ABOUT.at(0);
const LM: &Reason = ABOUT.at(1);
const STRIPPED: &Reason = ABOUT.at(2);
const FIXED: &Reason = ABOUT.at(3);
const SMB1: &Reason = ABOUT.at(4);

const MAX_SERVERS: usize = 20_000;
/// Challenges kept of a server.
const MAX_CHALLENGES: usize = 16;
/// The challenge that tools send for which tables of answers are sold.
pub(super) const KNOWN_CHALLENGE: u64 = 0x1122_3344_5566_7788;
/// Bytes of a response of version 1.
const V1_LEN: u64 = 24;

/// NTLMSSP_NEGOTIATE_LM_KEY, extended session security, keys of 128 bits (MS-NLMP §2.2.2.5).
const LM_KEY: u64 = 0x80;
const EXTENDED: u64 = 0x0008_0000;
const KEYS_128: u64 = 0x2000_0000;

/// Flags as findings show them.
const FLAGS: &[(u64, &str)] = &[
    (0x1, "unicode"),
    (0x10, "sign"),
    (0x20, "seal"),
    (LM_KEY, "LM key"),
    (0x200, "NTLM"),
    (0x8000, "always sign"),
    (EXTENDED, "extended session security"),
    (0x0080_0000, "target information"),
    (KEYS_128, "128 bits"),
    (0x4000_0000, "key exchange"),
    (0x8000_0000, "56 bits"),
];

/// Accounts that may do everything, in small letters.
const PRIVILEGED: &[&[u8]] = &[b"admin", b"administrator", b"root"];

struct Login {
    challenge: u64,
    client: Addr,
    uid: Uid,
    packet: u64,
}

#[derive(Default)]
struct Server {
    logins: Vec<Login>,
    /// Flags that it granted.
    granted: u64,
}

/// See the module.
pub(crate) struct Downgrade {
    servers: Recent<Addr, Server>,
}

impl Downgrade {
    pub fn new(scope: &Scope) -> Self {
        Self { servers: Recent::of(scope, MAX_SERVERS) }
    }

    fn login(&mut self, row: &NtlmLogin<'_>, cx: &mut Cx<'_>) {
        weak_response(row, cx);
        let Some((flags, challenge)) = row.flags.zip(row.challenge) else { return };
        let server = self.servers.at(row.resp, Server::default);
        let lost = row.offered.unwrap_or(0) & server.granted & !flags & (EXTENDED | KEYS_128);
        server.granted |= flags;
        if lost != 0 {
            let raise = begin(STRIPPED, row.resp, Severity::Medium, 70, row).peer(row.orig);
            cx.raise(raise.quote("taken back", words(lost).as_bytes(), row.challenge_packet));
        }
        let same = |l: &&Login| l.challenge == challenge && l.client != row.orig && l.uid != row.uid;
        let other = server.logins.iter().find(same).map(|l| (l.client, l.uid, l.packet));
        let known = challenge == KNOWN_CHALLENGE;
        if server.logins.len() >= MAX_CHALLENGES {
            server.logins.remove(0);
        }
        let (client, uid, packet) = (row.orig, row.uid, row.challenge_packet);
        server.logins.push(Login { challenge, client, uid, packet });
        if !known && other.is_none() {
            return;
        }
        let (severity, confidence) = if known { (Severity::Critical, 95) } else { (Severity::High, 85) };
        let mut raise = begin(FIXED, row.resp, severity, confidence, row).peer(row.orig).quote(
            "challenge",
            format!("{challenge:016x}").as_bytes(),
            row.challenge_packet,
        );
        if let Some((client, uid, packet)) = other {
            let clients =
                Measure::count("clients with the same challenge", 2, Some(2), "", Origin::Standard("MS-NLMP"));
            raise = raise.peer(client).flow(uid).packet(packet).measure(clients);
        }
        cx.raise(raise);
    }
}

/// The login's facts.
fn begin(reason: &'static Reason, subject: Addr, severity: Severity, confidence: u8, row: &NtlmLogin<'_>) -> Raise {
    let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(confidence))
        .at(row.ts)
        .flow(row.uid)
        .packet(row.challenge_packet)
        .packet(row.packet)
        .quote("account", row.user, row.packet)
        .quote("workstation", row.workstation, row.packet)
        .quote("server's name", row.server_name, row.challenge_packet)
        .quote("carried by", row.over.as_bytes(), row.packet);
    if let Some(offered) = row.offered {
        raise = raise.quote("client offered", words(offered).as_bytes(), 0);
    }
    if let Some(flags) = row.flags {
        raise = raise.quote("server granted", words(flags).as_bytes(), row.challenge_packet);
    }
    raise
}

fn words(flags: u64) -> String {
    let names: Vec<&str> = FLAGS.iter().filter(|f| flags & f.0 != 0).map(|f| f.1).collect();
    names.join(", ")
}

/// Is it an account that may do much?
fn is_privileged(user: &[u8]) -> bool {
    user.ends_with(b"$") || PRIVILEGED.iter().any(|name| name.eq_ignore_ascii_case(user))
}

fn weak_response(row: &NtlmLogin<'_>, cx: &mut Cx<'_>) {
    if !row.answered || row.user.is_empty() {
        return;
    }
    // A response of version 2 has one of LAN Manager's length beside it.
    let short = row.nt_len <= V1_LEN;
    let agreed = |flag: u64| row.flags.is_some_and(|f| f & flag != 0) && row.offered.is_none_or(|f| f & flag != 0);
    let plain = row.flags.is_some_and(|f| f & EXTENDED == 0);
    let lm = short && plain && (row.lm_set && row.lm_len == V1_LEN || agreed(LM_KEY) && row.nt_len == V1_LEN);
    if !lm && row.nt_len != V1_LEN {
        return;
    }
    let severity = if is_privileged(row.user) { Severity::High } else { Severity::Medium };
    let raise = begin(if lm { LM } else { NTLMV1 }, row.orig, severity, 90, row)
        .key(String::from_utf8_lossy(row.user).to_lowercase())
        .peer(row.resp)
        .measure(Measure::count("NT response", row.nt_len, Some(V1_LEN), "bytes", Origin::Standard("MS-NLMP")))
        .measure(Measure::count("LAN Manager's response", row.lm_len, None, "bytes", Origin::Standard("MS-NLMP")));
    cx.raise(raise);
}

fn smb1(row: &SmbDowngrade<'_>, cx: &mut Cx<'_>) {
    let raise = Raise::new(&ABOUT, SMB1, row.resp, Severity::Low, Confidence::percent(95));
    cx.raise(raise.stage(Stage::Hygiene).peer(row.orig).at(row.ts).flow(row.uid).packet(row.packet));
}

impl Detector for Downgrade {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::NtlmLogin, Kind::SmbDowngrade]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::NtlmLogin(row) => self.login(row, cx),
            Row::SmbDowngrade(row) => smb1(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let logins = self.servers.iter().map(|(_, s)| s.logins.capacity() * size_of::<Login>());
        self.servers.held_len() + logins.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.servers.forgotten()
    }
}

#[cfg(test)]
mod tests;
