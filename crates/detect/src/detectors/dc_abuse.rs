//! # dc-abuse
//! ## How
//! Calls that domain controllers make among each other are followed. `dcsync`: a host that is no controller asks for changes of the directory
//! (drsuapi 3, 2). `dcshadow`: it registers itself for replication (drsuapi 5, 17). `netlogon-zero`: one client begins the handshake of a
//! machine's account again and again, as guessing an empty session key takes 256 tries on average; the stronger form `confirmed`: then the
//! account's password was set (netlogon 30). `backup-key`: a secret of the domain was read (lsarpc 43). What passes for a controller: a host with that
//! role, or one that answered Kerberos, LDAP, netlogon or drsuapi calls itself.
//! ## Thresholds
//! One call; 10 pairs of challenge and authentication (netlogon 4, then 5, 15 or 26) in 60 seconds (Sekisho's own choice).
//! ## State
//! 4,096 hosts that answer like controllers, 64 times of 4,096 pairs, 1,024 calls that wait for the end; the least recent forgotten.
//! ## Severity
//! `dcsync`, `dcshadow` and `netlogon-zero` with the password set critical 0.95, `netlogon-zero` high 0.9, `backup-key` high 0.7.
//! ## Benign
//! A controller that is just being promoted, servers that synchronise directories with other services, read-only controllers.
//! ## Blind
//! The domain's backup key itself (BackupKey 0): every Windows machine makes that call for its users' keys. Whether a call was refused. A controller that was taken over
//! replicates as before.
//! ## References
//! MS-DRSR, MS-NRPC, MS-LSAD; MITRE BZAR; CVE-2020-1472; ATT&CK T1003.006, T1207, T1210.

use crate::contacts::secs;
use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{DceRpc, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};
use std::collections::VecDeque;

static ABOUT: About = About {
    id: "dc-abuse",
    title: "directory replication or controller takeover",
    means: "A machine that is no domain controller behaves like one, or attacks one's machine account.",
    techniques: &["T1003.006", "T1207", "T1210"],
    stage: Stage::Credential,
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
    reasons: &[
        Reason {
            code: "dcsync",
            means: "A host that is no controller asked for the directory's changes, passwords included.",
        },
        Reason { code: "dcshadow", means: "A host that is no controller registered itself for replication." },
        Reason { code: "netlogon-zero", means: "The handshake of a machine's account was tried again and again." },
        Reason { code: "backup-key", means: "A secret of the domain was read." },
    ],
    benign: "A controller that is being promoted, servers that synchronise directories.",
    clears: "The source is known as a controller, or as one that synchronises directories.",
    next: &[
        "Find out whose account made the calls.",
        "If it was no controller: all passwords of the domain may be known, that of krbtgt first.",
        "Look at the directory for controllers that should not be there.",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const DCSYNC: &Reason = ABOUT.at(0);
const DCSHADOW: &Reason = ABOUT.at(1);
const NETLOGON_ZERO: &Reason = ABOUT.at(2);
const BACKUP_KEY: &Reason = ABOUT.at(3);

const MAX_HOSTS: usize = 4_096;
const MAX_WAITING: usize = 1_024;
/// Handshakes within the seconds.
const HANDSHAKES: usize = 10;
const WITHIN: u32 = 60;
const MAX_TIMES: usize = 64;

/// A call of a controller's kind that waits: who is one shows at the end.
struct Call {
    reason: &'static Reason,
    grade: (Severity, u8),
    from: Addr,
    to: Addr,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
    operation: Box<[u8]>,
}

#[derive(Default)]
struct Handshakes {
    times: VecDeque<u32>,
    challenged: bool,
    told: bool,
    most: usize,
}

/// See the module.
pub(crate) struct DcAbuse {
    like: Recent<Addr, ()>,
    handshakes: Recent<(Addr, Addr), Handshakes>,
    waiting: Vec<Call>,
    dropped: u64,
}

impl DcAbuse {
    pub fn new(scope: &Scope) -> Self {
        Self {
            like: Recent::of(scope, MAX_HOSTS),
            handshakes: Recent::of(scope, MAX_HOSTS),
            waiting: Vec::new(),
            dropped: 0,
        }
    }

    fn rpc(&mut self, row: &DceRpc<'_>, cx: &mut Cx<'_>) {
        if row.orig == row.resp {
            return;
        }
        match (row.endpoint, row.opnum) {
            (b"drsuapi", 2 | 3) => self.wait(row, DCSYNC, (Severity::Critical, 95), cx.packet),
            (b"drsuapi", 5 | 17) => self.wait(row, DCSHADOW, (Severity::Critical, 95), cx.packet),
            (b"lsarpc", 43) => self.wait(row, BACKUP_KEY, (Severity::High, 70), cx.packet),
            (b"netlogon", opnum) => self.netlogon(row, opnum, cx),
            _ => {}
        }
        if matches!(row.endpoint, b"drsuapi" | b"netlogon") && self.like.peek(&row.resp).is_none() {
            self.like.at(row.resp, || ());
        }
    }

    fn wait(&mut self, row: &DceRpc<'_>, reason: &'static Reason, grade: (Severity, u8), packet: u64) {
        let same = |c: &Call| (c.reason.code, c.from, c.to) == (reason.code, row.orig, row.resp);
        if self.waiting.iter().any(same) {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.dropped += 1;
            return;
        }
        let operation = [row.endpoint, b" ", row.operation].concat().into();
        let (from, to, ts, uid) = (row.orig, row.resp, row.ts, row.uid);
        self.waiting.push(Call { reason, grade, from, to, ts, uid, packet, operation });
    }

    fn netlogon(&mut self, row: &DceRpc<'_>, opnum: u64, cx: &mut Cx<'_>) {
        let now = secs(row.ts);
        let seen = self.handshakes.at((row.orig, row.resp), Handshakes::default);
        match opnum {
            4 => seen.challenged = true,
            5 | 15 | 26 if seen.challenged => {
                seen.challenged = false;
                if seen.times.len() >= MAX_TIMES {
                    seen.times.pop_front();
                }
                seen.times.push_back(now);
                let recent = seen.times.iter().filter(|at| **at + WITHIN >= now).count();
                seen.most = seen.most.max(recent);
                if recent >= HANDSHAKES && !seen.told {
                    seen.told = true;
                    cx.raise(zero(row, recent, (Severity::High, 90)).packet(cx.packet));
                }
            }
            30 if seen.told => {
                let most = seen.most;
                cx.raise(zero(row, most, (Severity::Critical, 95)).packet(cx.packet).confirmed("confirmed"));
            }
            _ => {}
        }
    }
}

fn zero(row: &DceRpc<'_>, most: usize, (severity, confidence): (Severity, u8)) -> Raise {
    let most = u64::try_from(most).unwrap_or(0);
    Raise::new(&ABOUT, NETLOGON_ZERO, row.orig, severity, Confidence::percent(confidence))
        .key(row.resp.to_string())
        .peer(row.resp)
        .at(row.ts)
        .flow(row.uid)
        .measure(Measure::count("handshakes within a minute", most, Some(HANDSHAKES as u64), "", Origin::Own))
        .quote("call", &[row.endpoint, b" ", row.operation].concat(), 0)
}

impl Detector for DcAbuse {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DceRpc]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::DceRpc(row) = row {
            self.rpc(row, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for call in &self.waiting {
            if cx.hosts().is(call.from, Role::DomainController) || self.like.peek(&call.from).is_some() {
                continue;
            }
            let (severity, confidence) = call.grade;
            let raise = Raise::new(&ABOUT, call.reason, call.from, severity, Confidence::percent(confidence))
                .key(call.to.to_string())
                .peer(call.to)
                .at(call.ts)
                .flow(call.uid)
                .packet(call.packet)
                .quote("call", &call.operation, call.packet)
                .benign("a domain controller replicates", "the source answered nothing that controllers answer");
            cx.raise(raise);
        }
    }

    fn held_len(&self) -> usize {
        let times: usize = self.handshakes.iter().map(|(_, h)| h.times.capacity() * 4).sum();
        let waiting: usize = self.waiting.iter().map(|c| c.operation.len() + size_of::<Call>()).sum();
        self.like.held_len() + self.handshakes.held_len() + times + waiting
    }

    fn forgotten(&self) -> u64 {
        self.like.forgotten() + self.handshakes.forgotten() + self.dropped
    }
}

#[cfg(test)]
mod tests;
