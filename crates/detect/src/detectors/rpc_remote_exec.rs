//! # rpc-remote-exec
//! ## How
//! Calls of Windows RPC that create or run something on another machine are known by interface and number, which can be read
//! even where the arguments are sealed: services (svcctl 12, 24, 44, 45, 11, 23; start 19, 31), tasks (ITaskSchedulerService 1, 12, 19;
//! atsvc 0), WMI (IWbemServices 24, 25, 14, 15), values and saved hives of the registry (winreg 22, 20, 31), printer drivers
//! (spoolss 9, 89; IRemoteWinspool 39), cleared logs (eventlog 0, 12; IEventService 6), shutdowns. `winrm`: a request for
//! `/wsman` on port 5985 or 5986 that was accepted. `admin-share`: a program, known by content, was written to `ADMIN$` or the
//! root of a drive. `psexec-like`: such a program and a call that creates or starts something at the same target within ten minutes.
//! ## Thresholds
//! One call that was answered without a fault. Ten minutes between program and call (BZAR).
//! ## State
//! 16 calls and the last program for each pair of hosts, at most 20,000; eight opened files of 4,096 pairs; accounts of 20,000 pairs; the
//! least recent forgotten.
//! ## Severity
//! `psexec-like` critical 0.9; services, tasks, WMI, printer drivers, saved hives high 0.85; starting a service, values of the
//! registry, WinRM, programs on administrators' shares, cleared logs, shutdowns medium 0.6. From outside at least high.
//! ## Benign
//! Software distribution, backup and virus scanners that push agents, administrators' machines, monitoring (which reads by
//! ExecQuery, not counted), printer drivers from a print server.
//! ## Blind
//! Whether the call did what was asked is not looked at: a refusal without a fault counts. DCOM by class (ShellWindows, MMC20): activation alone also
//! begins every query of WMI. Calls inside encrypted SMB 3, and WinRM over HTTPS without keys.
//! ## References
//! MITRE BZAR; Zeek dce-rpc constants; MS-SCMR, MS-TSCH, MS-WMI, MS-RRP, MS-RPRN; ATT&CK T1569.002, T1053, T1047, T1021.

use crate::certificate::{Fingerprint, hex};
use crate::detection::Scope;
use crate::edges::Class;
use crate::registry::Detector;
use crate::rows::{DceRpc, Files, Http, Kind, Ntlm, Row};
use crate::shares::{Program, Shares};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "rpc-remote-exec",
    title: "running something on another Windows machine",
    means: "This host created a service, task or process on another machine, or changed it, over Windows remote calls.",
    techniques: &["T1569.002", "T1053.005", "T1053.002", "T1047", "T1021.002", "T1570"],
    stage: Stage::Lateral,
    reasons: REASONS,
    benign: "Software distribution, backup and virus scanners that push agents, administrators' machines.",
    clears: "The source is known to administer the target, or makes no such call for a week.",
    next: &[
        "Look at the target for new services, tasks and programs of that time.",
        "Ask whose account it was and whether it should administer that machine.",
        "See what the target did to others afterwards.",
    ],
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Requests(Traffic::Windows)),
        useful(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

static REASONS: &[Reason] = &[
    Reason {
        code: "psexec-like",
        means: "A program was put on an administrators' share, and something was started at the same machine.",
    },
    Reason { code: "service-create", means: "A service was created or changed." },
    Reason { code: "service-start", means: "A service was started." },
    Reason { code: "task", means: "A task was registered, enabled or run." },
    Reason { code: "at", means: "A task was added in the old way (at)." },
    Reason { code: "wmi", means: "A method was run over WMI, or an instance written." },
    Reason { code: "registry", means: "A value of the registry was set." },
    Reason { code: "registry-save", means: "A hive of the registry was saved to a file." },
    Reason { code: "winrm", means: "A session of Windows Remote Management was accepted." },
    Reason { code: "print-driver", means: "A printer driver was added, which is a program." },
    Reason { code: "admin-share", means: "A program was written to an administrators' share." },
    Reason { code: "log-clear", means: "An event log was cleared." },
    Reason { code: "shutdown", means: "The machine was told to shut down." },
];

/// Pairs of hosts of which calls are kept, and of which accounts are.
const MAX_PAIRS: usize = 20_000;
/// Calls kept of a pair.
const MAX_CALLS: usize = 16;
/// Longest account kept.
const MAX_USER_LEN: usize = 64;
/// How far program and call may be apart.
const TOGETHER: Interval = Interval::from_secs(600);

/// What a call means: reason and confirmed techniques.
fn reason(endpoint: &[u8], opnum: u64) -> Option<(&'static str, &'static str)> {
    Some(match (endpoint, opnum) {
        (b"svcctl", 11 | 12 | 23 | 24 | 44 | 45) => ("service-create", "T1569.002"),
        (b"svcctl", 19 | 31) => ("service-start", "T1569.002"),
        (b"ITaskSchedulerService", 1 | 12 | 19) => ("task", "T1053.005"),
        (b"atsvc", 0) => ("at", "T1053.002"),
        (b"IWbemServices", 14 | 15 | 24 | 25) => ("wmi", "T1047"),
        (b"winreg", 22) => ("registry", "T1112"),
        (b"winreg", 20 | 31) => ("registry-save", "T1003.002"),
        (b"spoolss", 9 | 89) | (b"IRemoteWinspool", 39) => ("print-driver", "T1547.012"),
        (b"eventlog", 0 | 12) | (b"IEventService", 6) => ("log-clear", "T1070.001"),
        (b"InitShutdown", 0 | 2) | (b"WindowsShutdown", 0) | (b"winreg", 24 | 30) => ("shutdown", "T1529"),
        _ => return None,
    })
}

/// Does it run something?
fn runs(code: &str) -> bool {
    matches!(code, "service-create" | "service-start" | "task" | "at" | "wmi")
}

fn severity(code: &str) -> (Severity, u8) {
    match code {
        "psexec-like" => (Severity::Critical, 90),
        "service-create" | "task" | "at" | "wmi" | "print-driver" | "registry-save" => (Severity::High, 85),
        _ => (Severity::Medium, 60),
    }
}

#[derive(Clone, Copy)]
struct Call {
    code: &'static str,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

struct Written {
    program: Program,
    sha256: Box<str>,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

#[derive(Default)]
struct Pair {
    calls: Vec<Call>,
    /// Names of the calls, for the finding.
    words: Vec<u8>,
    written: Option<Written>,
}

/// See the module.
pub(crate) struct RemoteExec {
    shares: Shares,
    pairs: Recent<(Addr, Addr), Box<Pair>>,
    accounts: Recent<(Addr, Addr), Box<[u8]>>,
}

impl RemoteExec {
    pub fn new(scope: &Scope) -> Self {
        Self { shares: Shares::new(scope), pairs: Recent::of(scope, MAX_PAIRS), accounts: Recent::of(scope, MAX_PAIRS) }
    }

    fn call(&mut self, row: &DceRpc<'_>, cx: &mut Cx<'_>) {
        let Some((code, technique)) = reason(row.endpoint, row.opnum) else { return };
        if row.orig == row.resp {
            return;
        }
        let call = Call { code, ts: row.ts, uid: row.uid, packet: cx.packet };
        let ends = (row.orig, row.resp);
        let pair = self.pairs.at(ends, Box::default);
        let words = [row.endpoint, b" ", row.operation].concat();
        if pair.calls.len() < MAX_CALLS {
            pair.calls.push(call);
            if memchr::memmem::find(&pair.words, &words).is_none() {
                let gap: &[u8] = if pair.words.is_empty() { b"" } else { b", " };
                pair.words.extend([gap, words.as_slice()].concat());
            }
        }
        if runs(code) {
            cx.step(ends, Class::Exec, code, row.ts, row.uid);
        }
        let raise = self.begin(code, ends, cx).at(row.ts).flow(row.uid).packet(cx.packet).technique(technique);
        cx.raise(raise.quote("call", &words, cx.packet));
        self.together(ends, cx);
    }

    /// A finding about a pair in the making.
    fn begin(&self, code: &'static str, (from, to): (Addr, Addr), cx: &Cx<'_>) -> Raise {
        let (mut severity, confidence) = severity(code);
        if !cx.hosts().is_internal(from) && cx.hosts().is_internal(to) {
            severity = severity.max(Severity::High);
        }
        let reason = ABOUT.reason(code).unwrap_or(ABOUT.at(1));
        let raise =
            Raise::new(&ABOUT, reason, from, severity, Confidence::percent(confidence)).key(to.to_string()).peer(to);
        match self.accounts.peek(&(from, to)) {
            Some(account) => raise.quote("account", account, 0).used(account),
            None => raise,
        }
    }

    /// Program and call at the same machine?
    fn together(&mut self, ends: (Addr, Addr), cx: &mut Cx<'_>) {
        let Some(pair) = self.pairs.peek(&ends) else { return };
        let Some(written) = &pair.written else { return };
        let near = |c: &&Call| runs(c.code) && Interval((c.ts - written.ts).0.abs()) <= TOGETHER;
        let Some(call) = pair.calls.iter().find(near) else { return };
        let (first, last) = (call.ts.min(written.ts), call.ts.max(written.ts));
        let raise = self
            .begin("psexec-like", ends, cx)
            .between(first, last)
            .flow(written.uid)
            .flow(call.uid)
            .packet(written.packet)
            .packet(call.packet)
            .measure(Measure::count(
                "time from one to the other",
                u64::try_from((last - first).whole_secs()).unwrap_or(0),
                Some(600),
                "s",
                Origin::Field("BZAR"),
            ))
            .quote("program", &written.program.path(), written.packet)
            .quote("SHA-256", written.sha256.as_bytes(), written.packet)
            .file(written.sha256.as_bytes())
            .quote("calls", &pair.words, call.packet);
        let (program, to) = (written.program.name.to_vec(), ends.1.to_string());
        let raise = match self.accounts.peek(&ends) {
            Some(account) => raise.tale(tale::RAN, &[&program, to.as_bytes(), account]),
            None => raise.tale(tale::RAN_BY_NOBODY, &[&program, to.as_bytes()]),
        };
        cx.raise(raise);
    }

    fn file(&mut self, file: &Files<'_>, cx: &mut Cx<'_>) {
        let Some(program) = self.shares.written(file).filter(Program::is_admin) else { return };
        if file.orig == file.resp {
            return;
        }
        let ends = (file.orig, file.resp);
        let sha256 = Fingerprint::try_from(file.sha256).map(|digest| hex(&digest)).unwrap_or_default();
        cx.step(ends, Class::Exec, "admin-share", file.ts, file.uid);
        let raise = self
            .begin("admin-share", ends, cx)
            .at(file.ts)
            .flow(file.uid)
            .packet(cx.packet)
            .technique("T1570")
            .quote("program", &program.path(), cx.packet)
            .quote("SHA-256", sha256.as_bytes(), cx.packet)
            .file(sha256.as_bytes());
        cx.raise(raise);
        let written =
            Written { program, sha256: sha256.into_boxed_str(), ts: file.ts, uid: file.uid, packet: cx.packet };
        self.pairs.at(ends, Box::default).written = Some(written);
        self.together(ends, cx);
    }

    fn http(&mut self, http: &Http<'_>, cx: &mut Cx<'_>) {
        let accepted = http.status.is_some_and(|s| (200..400).contains(&s));
        if !matches!(http.resp_port, 5985 | 5986) || !accepted || !http.uri.starts_with(b"/wsman") {
            return;
        }
        let ends = (http.orig, http.resp);
        cx.step(ends, Class::Exec, "winrm", http.ts, http.uid);
        let mut raise =
            self.begin("winrm", ends, cx).at(http.ts).flow(http.uid).packet(cx.packet).technique("T1021.006");
        if !http.user.is_empty() {
            raise = raise.quote("account", http.user, cx.packet).used(http.user);
        }
        cx.raise(raise.quote("request", &[http.method, b" ", http.uri, b" by ", http.agent].concat(), cx.packet));
    }

    fn account(&mut self, row: &Ntlm<'_>) {
        if !row.user.is_empty() && row.success != Some(false) {
            let user = row.user.get(..MAX_USER_LEN).unwrap_or(row.user);
            let kept = self.accounts.at((row.orig, row.resp), Box::default);
            if **kept != *user {
                *kept = user.into();
            }
        }
    }
}

impl Detector for RemoteExec {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DceRpc, Kind::Files, Kind::Http, Kind::Ntlm, Kind::SmbFiles]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::DceRpc(row) => self.call(row, cx),
            Row::Files(row) => self.file(row, cx),
            Row::Http(row) => self.http(row, cx),
            Row::Ntlm(row) => self.account(row),
            Row::SmbFiles(row) => self.shares.opened(row),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let pairs = self.pairs.iter().map(|(_, p)| {
            let written = p.written.as_ref().map_or(0, |w| w.program.path().len() + w.sha256.len());
            size_of::<Pair>() + p.calls.capacity() * size_of::<Call>() + p.words.capacity() + written
        });
        let accounts: usize = self.accounts.iter().map(|(_, a)| a.len()).sum();
        self.shares.held_len() + self.pairs.held_len() + self.accounts.held_len() + accounts + pairs.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.shares.forgotten() + self.pairs.forgotten() + self.accounts.forgotten()
    }
}

#[cfg(test)]
mod tests;
