//! # admin-path-first-seen
//! ## How
//! Sessions that administer a machine are noted by source, target and way: SSH whose log-in worked, RDP that lasted 12
//! seconds and brought 12 kB, SMB to `ADMIN$` or the root of a drive, WinRM, VNC and Telnet whose log-in worked. A pair that was not seen in 30
//! days before scores: to a domain controller 3, from outside 3, between workstations 2, from a server to a workstation 2, from a workstation to a server 1; one more for three
//! new targets of one way within an hour, one more if the source has guessed, scanned or answered for others' names; two less if three other sources of
//! its subnet go the same way. With `--state` paths and sources of earlier runs are known, too.
//! ## Thresholds
//! Score 2; new after 30 days; what is usual is known after 14 days (Sekisho's own choice).
//! ## State
//! 200,000 paths, 20,000 sources with 16 targets each, four sources of 20,000 targets; the least recent forgotten.
//! ## Severity
//! Score 2 low 0.5, 3 medium 0.6, 4 and more high 0.7. While less than 14 days were seen, all are new: then one finding lists the targets of
//! a source and way as info 0.3.
//! ## Benign
//! Help desks and administrators (three sources of one subnet are), new staff, machines that changed their address.
//! ## Blind
//! SQL Server, IPMI, vSphere, RPC without SMB. The site's hours are not looked at. Hosts are told apart by address: where leases are
//! short, one machine counts as two.
//! ## References
//! Hopper, USENIX Security 2021; GuardDuty Behavior:EC2/NetworkPortUnusual; ATT&CK T1021.

use crate::contacts::{Contacts, mark, secs};
use crate::detection::Scope;
use crate::edges::Class;
use crate::history::{Carrier, Seen};
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Kind, Row};
use crate::shares::is_admin;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, useful, vital,
};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "admin-path-first-seen",
    title: "new administrative path",
    means: "This machine administers that machine this way for the first time in 30 days.",
    techniques: &["T1021.001", "T1021.002", "T1021.004", "T1021.005", "T1021.006"],
    stage: Stage::Lateral,
    reasons: &[
        Reason { code: "ws-ws", means: "A workstation administers another." },
        Reason { code: "ws-server", means: "A workstation administers a server." },
        Reason { code: "server-ws", means: "A server administers a workstation." },
        Reason { code: "to-dc", means: "A domain controller is administered." },
        Reason { code: "ext-int", means: "A machine at home is administered from outside." },
    ],
    benign: "Help desks and administrators, new staff, machines that changed their address.",
    clears: "The path is known for 30 days, or the source is an administrator's machine.",
    next: &["Ask whose session it was.", "See what else the source did before, and the target afterwards."],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Paths, sources with new targets, targets with sources.
const MAX_PATHS: usize = 200_000;
const MAX_SOURCES: usize = 20_000;
const MAX_TARGETS: usize = 20_000;
/// Sources of one subnet that make it one of administrators, beside the one at hand.
const ADMIN_SOURCES: usize = 3;
/// When a path is new again, and when what is usual is known.
const NEW_AFTER: Interval = Interval::from_secs(30 * 86_400);
const MATURE_AFTER: Interval = Interval::from_secs(14 * 86_400);
/// How long a subnet is one of administrators.
const ADMIN_FOR: Interval = Interval::from_secs(90 * 86_400);
/// The ways that there are, as a state names them, with ATT&CK's names for them.
const WAYS: &[(&str, &str)] = &[
    ("rdp", "T1021.001"),
    ("smb", "T1021.002"),
    ("ssh", "T1021.004"),
    ("telnet", "T1021"),
    ("vnc", "T1021.005"),
    ("winrm", "T1021.006"),
];
/// New targets within an hour that score.
const NEW_TARGETS: usize = 3;
const HOUR: u32 = 3_600;
/// Least of a session of RDP.
const RDP_LASTS: Interval = Interval::from_secs(12);
const RDP_LEN: u64 = 12_000;
/// Judgements about the source that score.
const SIGNS: &[&str] = &["password-guessing", "name-poisoning", "scan-horizontal", "scan-vertical", "c2-beacon"];

/// A session.
#[derive(Clone, Copy)]
struct Session {
    ts: Timestamp,
    uid: Uid,
    from: Addr,
    to: Addr,
    way: &'static str,
}

/// See the module.
pub(crate) struct FirstSeen {
    seed: u64,
    paths: Recent<(Addr, Addr, &'static str), Seen>,
    new: Recent<(Addr, &'static str), Contacts<16>>,
    admins: Recent<(Addr, &'static str), Vec<(Addr, Seen)>>,
}

impl FirstSeen {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            paths: Recent::of(scope, MAX_PATHS),
            new: Recent::of(scope, MAX_SOURCES),
            admins: Recent::of(scope, MAX_TARGETS),
        }
    }

    fn session(&mut self, s: Session, cx: &mut Cx<'_>) {
        if s.from == s.to {
            return;
        }
        cx.step((s.from, s.to), Class::Admin, s.way, s.ts, s.uid);
        let now = secs(s.ts);
        let known = self.paths.at((s.from, s.to, s.way), Seen::default).again(s.ts, NEW_AFTER);
        let others = self.other_admins(&s);
        if known {
            return;
        }
        let recent = self.new.at((s.from, s.way), Contacts::default);
        recent.add(mark(self.seed, s.to), now);
        let targets = recent.within(now, HOUR);
        let (code, mut score) = kind(&s, cx);
        score += i32::from(targets >= NEW_TARGETS) + i32::from(SIGNS.iter().any(|id| cx.has_found(id, s.from)));
        score -= if others >= ADMIN_SOURCES { 2 } else { 0 };
        let mature = cx.hosts().is_known_since(s.ts, MATURE_AFTER);
        self.raise(&s, (code, score, targets, others), mature, cx);
    }

    /// Other sources of the same subnet that go the same way.
    fn other_admins(&mut self, s: &Session) -> usize {
        let sources = self.admins.at((s.to, s.way), Vec::new);
        let is_near = |(from, seen): &&(Addr, Seen)| {
            *from != s.from && same_subnet(*from, s.from) && seen.is_known(s.ts, ADMIN_FOR)
        };
        let near = sources.iter().filter(is_near).count();
        if sources.len() <= ADMIN_SOURCES && sources.iter().all(|(from, _)| *from != s.from) {
            sources.push((s.from, Seen::default()));
        }
        if let Some((_, seen)) = sources.iter_mut().find(|(from, _)| *from == s.from) {
            seen.again(s.ts, ADMIN_FOR);
        }
        near
    }

    fn raise(&self, s: &Session, seen: (&'static str, i32, usize, usize), mature: bool, cx: &mut Cx<'_>) {
        let (code, score, targets, others) = seen;
        if score < 2 {
            return;
        }
        let (severity, confidence) = match (mature, score) {
            (false, _) => (Severity::Info, 30),
            (true, 2) => (Severity::Low, 50),
            (true, 3) => (Severity::Medium, 60),
            (true, _) => (Severity::High, 70),
        };
        let Some(reason) = ABOUT.reason(code) else { return };
        // What is usual not being known, one finding tells of all targets.
        let key = if mature { format!("{} by {}", s.to, s.way) } else { s.way.to_owned() };
        let count = |n: usize| u64::try_from(n).unwrap_or(0);
        let mut raise = Raise::new(&ABOUT, reason, s.from, severity, Confidence::percent(confidence))
            .key(key)
            .peer(s.to)
            .at(s.ts)
            .flow(s.uid)
            .packet(cx.packet)
            .measure(Measure::count("score", u64::try_from(score).unwrap_or(0), Some(2), "", Origin::Own))
            .measure(Measure::count(
                "new targets within an hour",
                count(targets),
                Some(NEW_TARGETS as u64),
                "hosts",
                Origin::Own,
            ))
            .measure(Measure::count(
                "others of its subnet that do the same",
                count(others),
                Some(ADMIN_SOURCES as u64),
                "hosts",
                Origin::Own,
            ));
        if let Some((_, id)) = WAYS.iter().find(|(way, _)| *way == s.way) {
            raise = raise.technique(*id);
        }
        if !mature {
            raise = raise.quality(Quality::Short);
        }
        cx.raise(raise);
    }
}

/// Reason and score of a new path.
fn kind(s: &Session, cx: &Cx<'_>) -> (&'static str, i32) {
    let hosts = cx.hosts();
    match () {
        () if !hosts.is_internal(s.from) => ("ext-int", if hosts.is_internal(s.to) { 3 } else { 0 }),
        () if hosts.is(s.to, Role::DomainController) => ("to-dc", 3),
        () if !hosts.is(s.to, Role::Server) && hosts.is(s.from, Role::Server) => ("server-ws", 2),
        () if hosts.is(s.to, Role::Server) || !hosts.is_internal(s.to) => ("ws-server", 1),
        () => ("ws-ws", 2),
    }
}

/// The same /24 of IPv4, /64 of IPv6.
fn same_subnet(a: Addr, b: Addr) -> bool {
    let len = if a.is_v4() { 15 } else { 8 };
    a.octets().iter().zip(b.octets()).take(len).all(|(x, y)| x == y)
}

/// The session that a row shows.
fn session(row: &Row<'_>) -> Option<Session> {
    macro_rules! session {
        ($row:expr, $way:literal) => {
            Some(Session { ts: $row.ts, uid: $row.uid, from: $row.orig, to: $row.resp, way: $way })
        };
    }
    match row {
        Row::Ssh(row) if row.success == Some(true) => session!(row, "ssh"),
        Row::Conn(row) if row.app.starts_with(b"rdp") && row.duration >= RDP_LASTS && row.resp_bytes >= RDP_LEN => {
            session!(row, "rdp")
        }
        Row::SmbMapping(row) if is_admin(row.path) => session!(row, "smb"),
        Row::Http(row)
            if matches!(row.resp_port, 5985 | 5986)
                && row.uri.starts_with(b"/wsman")
                && row.status.is_some_and(|s| (200..400).contains(&s)) =>
        {
            session!(row, "winrm")
        }
        Row::Rfb(row) if row.auth == Some(true) => session!(row, "vnc"),
        Row::Credential(row) if row.protocol == "telnet" && row.success == Some(true) => session!(row, "telnet"),
        _ => None,
    }
}

impl Detector for FirstSeen {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Credential, Kind::Http, Kind::Rfb, Kind::SmbMapping, Kind::Ssh]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Some(session) = session(row) {
            self.session(session, cx);
        }
    }

    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let way = |name: String| WAYS.iter().find(|(way, _)| *way == name).map(|(way, _)| *way);
        let row = |(from, to, way): &(Addr, Addr, &str), seen: &Seen| {
            let (first, last) = seen.span();
            Some((last, (from.to_string(), to.to_string(), (*way).to_owned(), first.0, last.0)))
        };
        let entry = |(from, to, name, first, last): (String, String, String, i64, i64)| {
            Some(((from.parse().ok()?, to.parse().ok()?, way(name)?), Seen::carried(first, last)))
        };
        carrier.table(("admin-paths", 1), &mut self.paths, row, entry);
        let row = |(to, way): &(Addr, &str), sources: &Vec<(Addr, Seen)>| {
            let spans = sources.iter().map(|(from, seen)| (from.to_string(), seen.span().0.0, seen.span().1.0));
            let last = sources.iter().map(|(_, seen)| seen.span().1).max()?;
            Some((last, (to.to_string(), (*way).to_owned(), spans.collect::<Vec<_>>())))
        };
        let entry = |(to, name, spans): (String, String, Vec<(String, i64, i64)>)| {
            let spans = spans.into_iter().take(ADMIN_SOURCES + 1);
            let sources = spans.map(|(from, first, last)| Some((from.parse().ok()?, Seen::carried(first, last))));
            Some(((to.parse().ok()?, way(name)?), sources.collect::<Option<_>>()?))
        };
        carrier.table(("admin-sources", 1), &mut self.admins, row, entry);
    }

    fn held_len(&self) -> usize {
        let new: usize = self.new.iter().map(|(_, c)| c.held_len()).sum();
        let admins: usize = self.admins.iter().map(|(_, a)| a.capacity() * size_of::<(Addr, Seen)>()).sum();
        self.paths.held_len() + self.new.held_len() + self.admins.held_len() + new + admins
    }

    fn forgotten(&self) -> u64 {
        self.paths.forgotten() + self.new.forgotten() + self.admins.forgotten()
    }
}

#[cfg(test)]
mod tests;
