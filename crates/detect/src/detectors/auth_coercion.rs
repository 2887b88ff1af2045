//! # auth-coercion
//! ## How
//! Calls of Windows RPC by which a machine can be made to log in elsewhere are known by interface and number: encrypting
//! file system (`efs`: 0, 4 to 9, 12, 13, 15, 16), change notification of printers (`print`: spoolss 62, 65), distributed file system (`dfs`: 12, 13),
//! shadow copies (`vss`: 8, 9), backup of event logs (`eventlog`: 9). The stronger form `confirmed`: within ten seconds the
//! called host logged in somewhere by NTLM with its machine's account (`…$`).
//! ## Thresholds
//! One call; 10 seconds (Sekisho's own choice).
//! ## State
//! The last call to each of 4,096 hosts; the least recent forgotten.
//! ## Severity
//! `confirmed` critical 0.95 for a domain controller, else high 0.9; the call alone to a domain controller or a server high 0.7, to others
//! medium 0.6; `print` low 0.4: clients of print servers make that call daily.
//! ## Benign
//! Print servers, backup by shadow copies, users of the encrypting file system.
//! ## Blind
//! Logins by Kerberos, and those that leave through TLS or WebDAV without NTLM in sight. The path in the call is not read.
//! ## References
//! MS-EFSR, MS-RPRN, MS-DFSNM, MS-FSRVP, MS-EVEN; ATT&CK T1187.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{DceRpc, Kind, Ntlm, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "auth-coercion",
    title: "forcing a machine to log in",
    means: "This host made a server connect back and log in at a place of its choosing.",
    techniques: &["T1187"],
    stage: Stage::Credential,
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
    reasons: &[
        Reason { code: "efs", means: "A call of the encrypting file system named a file elsewhere." },
        Reason { code: "print", means: "A printer was asked to notify somebody of changes." },
        Reason { code: "dfs", means: "A root of the distributed file system was to be added or removed." },
        Reason { code: "vss", means: "Shadow copies of a share were asked for." },
        Reason { code: "eventlog", means: "An event log was to be backed up to a place elsewhere." },
    ],
    benign: "Print servers, backup by shadow copies, users of the encrypting file system.",
    clears: "The source is known to print or to back up at that machine.",
    next: &[
        "See where the machine logged in afterwards, and what came of it.",
        "Require signing of SMB and LDAP, switch off services that are not needed.",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MAX_CALLED: usize = 4_096;
/// How soon the called host logs in.
const WITHIN: Interval = Interval::from_secs(10);

struct Call {
    code: &'static str,
    from: Addr,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct Coercion {
    called: Recent<Addr, Call>,
}

fn code(endpoint: &[u8], opnum: u64) -> Option<&'static str> {
    Some(match (endpoint, opnum) {
        (b"efsrpc" | b"efsrpc2", 0 | 4..=9 | 12 | 13 | 15 | 16) => "efs",
        (b"spoolss", 62 | 65) => "print",
        (b"netdfs", 12 | 13) => "dfs",
        (b"FileServerVssAgent", 8 | 9) => "vss",
        (b"eventlog", 9) => "eventlog",
        _ => return None,
    })
}

fn begin(code: &str, from: Addr, to: Addr, severity: Severity, confidence: u8) -> Raise {
    let reason = ABOUT.reason(code).unwrap_or(ABOUT.at(0));
    Raise::new(&ABOUT, reason, from, severity, Confidence::percent(confidence)).key(to.to_string()).peer(to)
}

impl Coercion {
    pub fn new(scope: &Scope) -> Self {
        Self { called: Recent::of(scope, MAX_CALLED) }
    }

    fn call(&mut self, row: &DceRpc<'_>, cx: &mut Cx<'_>) {
        let Some(code) = code(row.endpoint, row.opnum).filter(|_| row.orig != row.resp) else { return };
        let call = Call { code, from: row.orig, ts: row.ts, uid: row.uid, packet: cx.packet };
        let central = cx.hosts().is(row.resp, Role::DomainController) || cx.hosts().is(row.resp, Role::Server);
        let (severity, confidence) = match (code, central) {
            ("print", _) => (Severity::Low, 40),
            (_, true) => (Severity::High, 70),
            (_, false) => (Severity::Medium, 60),
        };
        let raise = begin(code, row.orig, row.resp, severity, confidence).at(row.ts).flow(row.uid).packet(cx.packet);
        cx.raise(raise.quote("call", &[row.endpoint, b" ", row.operation].concat(), cx.packet));
        match self.called.get(&row.resp) {
            Some(known) => *known = call,
            None => {
                self.called.at(row.resp, || call);
            }
        }
    }

    fn login(&self, row: &Ntlm<'_>, cx: &mut Cx<'_>) {
        let Some(call) = self.called.peek(&row.orig).filter(|_| row.user.ends_with(b"$")) else { return };
        let after = row.ts - call.ts;
        if after.0 < 0 || after > WITHIN {
            return;
        }
        let dc = cx.hosts().is(row.orig, Role::DomainController);
        let (severity, confidence) = if dc { (Severity::Critical, 95) } else { (Severity::High, 90) };
        let millis = u64::try_from(after.0 / 1_000_000).unwrap_or(0);
        let raise = begin(call.code, call.from, row.orig, severity, confidence)
            .confirmed("confirmed")
            .peer(row.resp)
            .between(call.ts, row.ts)
            .flow(call.uid)
            .flow(row.uid)
            .packet(call.packet)
            .packet(cx.packet)
            .measure(Measure::count("time from the call to the login", millis, Some(10_000), "ms", Origin::Own))
            .quote("account", row.user, cx.packet)
            .quote("logged in at", row.resp.to_string().as_bytes(), cx.packet);
        cx.raise(raise);
    }
}

impl Detector for Coercion {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DceRpc, Kind::Ntlm]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::DceRpc(row) => self.call(row, cx),
            Row::Ntlm(row) => self.login(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.called.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.called.forgotten()
    }
}

#[cfg(test)]
mod tests;
