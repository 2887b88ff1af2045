//! # lateral-chain
//! ## How
//! Steps from host to host are what `rpc-remote-exec`, `admin-path-first-seen` (before its score) and the successes of
//! `password-guessing` saw. `hop`: a host was reached and within 30 minutes took a step itself, to a third one, after having taken none in the 30 days before;
//! the longest such path without a host twice counts. `worm`: three hosts begin to scan the same port, each but the first within ten
//! minutes after one of them that scanned before had reached it on that port. `same-file`: one client, or several, wrote the same program (SHA-256) to
//! shares of three hosts within an hour.
//! ## Thresholds
//! 30 minutes, depth 2 to 6; three hosts within 10 minutes each; three hosts within 60 minutes (Sekisho's own choice, after Hopper and BZAR).
//! ## State
//! 50,000 steps, what comes after that is not kept; with `--state` when 16,384 hosts took steps in earlier runs; 4,096 programs with 16 hosts each; opened files of 4,096 pairs.
//! ## Severity
//! `worm` critical 0.85; `same-file` critical 0.85 if a call ran something at one of the hosts, else medium 0.6; `hop` of three steps or more high 0.75, of
//! two medium 0.6. A path of mere sessions, whose first host neither guessed nor ran anything, is one step less severe while less than 14 days were seen, and
//! one of two steps then info: what a host does daily is not known.
//! ## Benign
//! Jump hosts, which have taken steps before; software distribution; nodes of a cluster.
//! ## Blind
//! Steps that leave no session that can be told, as in `admin-path-first-seen`; chains slower than 30 minutes a step.
//! ## References
//! Hopper, USENIX Security 2021; MITRE BZAR; Staniford et al., How to 0wn the Internet in Your Spare Time, 2002; ATT&CK T1021, T1210, T1570.

use crate::certificate::{Fingerprint, hex, short};
use crate::contacts::secs;
use crate::desk::Scanned;
use crate::detection::Scope;
use crate::edges::{Class, Edge, Edges};
use crate::registry::Detector;
use crate::rows::{Files, Kind, Row};
use crate::shares::Shares;
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{
    About, Act, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};

static ABOUT: About = About {
    id: "lateral-chain",
    title: "hopping from machine to machine",
    means: "A machine that was just taken over or administered now does the same to others.",
    techniques: &["T1021", "T1210", "T1570"],
    stage: Stage::Lateral,
    reasons: &[
        Reason { code: "hop", means: "A host was reached, and reached further ones from there." },
        Reason { code: "worm", means: "Hosts begin to scan for a port soon after they were reached on it." },
        Reason { code: "same-file", means: "The same program was written to several machines." },
    ],
    benign: "Jump hosts, software distribution, nodes of a cluster.",
    clears: "The hosts on the way are known to administer others, or nothing of the kind happens for a week.",
    next: &[
        "Begin with the first host: how was it reached?",
        "Cut the hosts on the path off from the network until they were looked at.",
        "Change the passwords of the accounts that were used.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const HOP: &Reason = ABOUT.at(0);
const WORM: &Reason = ABOUT.at(1);
const SAME_FILE: &Reason = ABOUT.at(2);

/// How soon a host that was reached takes a step itself.
const HOP_WITHIN: Interval = Interval::from_secs(1_800);
/// Longest path looked for, and least told.
const MAX_DEPTH: usize = 6;
const MIN_DEPTH: usize = 2;
/// Steps to a host that are tried as the one before.
const MAX_BEFORE: usize = 32;
/// How soon a host that was reached scans; hosts that make a worm.
const WORM_WITHIN: Interval = Interval::from_secs(600);
const WORM_HOSTS: usize = 3;
/// Programs, and hosts kept of each.
const MAX_PROGRAMS: usize = 4_096;
const MAX_HOSTS: usize = 16;
/// Hosts that got the same program, and within which time.
const SAME_HOSTS: usize = 3;
const HOUR: u32 = 3_600;
/// Steps that a host took within this time before make it a jump host.
const MONTH: Interval = Interval::from_secs(30 * 86_400);
/// When what hosts do is known.
const MATURE_AFTER: Interval = Interval::from_secs(14 * 86_400);

struct Copied {
    from: Addr,
    to: Addr,
    at: u32,
    ts: Timestamp,
    uid: Uid,
    packet: u64,
}

#[derive(Default)]
struct Program {
    path: Vec<u8>,
    copies: Vec<Copied>,
}

/// See the module.
pub(crate) struct Chain {
    shares: Shares,
    programs: Recent<Fingerprint, Program>,
}

impl Chain {
    pub fn new(scope: &Scope) -> Self {
        Self { shares: Shares::new(scope), programs: Recent::of(scope, MAX_PROGRAMS) }
    }

    fn file(&mut self, file: &Files<'_>, cx: &Cx<'_>) {
        let Some(program) = self.shares.written(file) else { return };
        let Ok(digest) = Fingerprint::try_from(file.sha256) else { return };
        let kept = self.programs.at(digest, || Program { path: program.path(), copies: Vec::new() });
        let known = kept.copies.iter().any(|c| (c.from, c.to) == (file.orig, file.resp));
        if kept.copies.len() < MAX_HOSTS && !known {
            let (from, to, at) = (file.orig, file.resp, secs(file.ts));
            kept.copies.push(Copied { from, to, at, ts: file.ts, uid: file.uid, packet: cx.packet });
        }
    }

    fn same_file(&self, cx: &mut Cx<'_>) {
        let mut all: Vec<(&Fingerprint, &Program)> = self.programs.iter().collect();
        all.sort_unstable_by_key(|(digest, _)| **digest);
        for (digest, program) in all {
            let mut copies: Vec<&Copied> = program.copies.iter().collect();
            copies.sort_unstable_by_key(|c| (c.at, c.to));
            let wide = copies.iter().map(|last| {
                let mut to: Vec<Addr> =
                    copies.iter().filter(|c| c.at <= last.at && c.at + HOUR >= last.at).map(|c| c.to).collect();
                to.sort_unstable();
                to.dedup();
                to.len()
            });
            let most = wide.max().unwrap_or(0);
            let (Some(first), Some(last), true) = (copies.first(), copies.last(), most >= SAME_HOSTS) else { continue };
            let ran = |c: &&&Copied| {
                cx.steps().all().iter().any(|s| s.class == Class::Exec && s.what != "admin-share" && s.to == c.to)
            };
            let (severity, confidence) =
                if copies.iter().any(|c| ran(&c)) { (Severity::Critical, 85) } else { (Severity::Medium, 60) };
            let mut raise = Raise::new(&ABOUT, SAME_FILE, first.from, severity, Confidence::percent(confidence))
                .key(short(digest))
                .between(first.ts, last.ts)
                .times(u64::try_from(copies.len()).unwrap_or(0))
                .measure(Measure::count(
                    "hosts within an hour",
                    u64::try_from(most).unwrap_or(0),
                    Some(SAME_HOSTS as u64),
                    "hosts",
                    Origin::Own,
                ))
                .quote("program", &program.path, first.packet)
                .quote("SHA-256", hex(digest).as_bytes(), first.packet);
            for copy in &copies {
                let Copied { from, to, ts, uid, packet, .. } = **copy;
                let act = Act { ts, host: from, to: Some(to), what: "copied", uid, packet };
                raise = raise.peer(to).flow(uid).packet(packet).act(act);
            }
            let name = program.path.rsplit(|b| *b == b'\\').next().unwrap_or(&[]);
            raise = raise.tale(tale::COPIED, &[copies.len().to_string().as_bytes(), name]);
            cx.raise(raise);
        }
    }

    fn hops(&self, cx: &mut Cx<'_>) {
        let mut steps: Vec<Edge> = cx.steps().all().to_vec();
        steps.sort_by_key(|s| (s.ts, s.from, s.to));
        let mut paths = Paths::new(&steps, cx.steps());
        for at in 0..steps.len() {
            paths.extend(at);
        }
        for path in paths.longest() {
            self.tell(&path, cx);
        }
    }

    fn tell(&self, path: &[Edge], cx: &mut Cx<'_>) {
        let (Some(first), Some(last)) = (path.first(), path.last()) else { return };
        let active = |class: Class| class != Class::Admin;
        let hostile = path.iter().any(|s| active(s.class))
            || cx.steps().all().iter().any(|s| s.from == first.from && active(s.class));
        let mature = cx.hosts().is_known_since(first.ts, MATURE_AFTER);
        let (severity, confidence) = match (path.len(), hostile || mature) {
            (..=2, true) => (Severity::Medium, 60),
            (..=2, false) => (Severity::Info, 30),
            (_, true) => (Severity::High, 75),
            (_, false) => (Severity::Medium, 45),
        };
        let depth = u64::try_from(path.len()).unwrap_or(0);
        let span = u64::try_from((last.ts - first.ts).whole_secs()).unwrap_or(0);
        let mut text = first.from.to_string();
        for step in path {
            text.push_str(&format!(" > {} by {}", step.to, step.what));
        }
        let mut raise = Raise::new(&ABOUT, HOP, first.from, severity, Confidence::percent(confidence))
            .key(format!("to {}", last.to))
            .between(first.ts, last.ts)
            .times(depth)
            .measure(Measure::count("steps one after the other", depth, Some(MIN_DEPTH as u64), "", Origin::Own))
            .measure(Measure::count("time from the first to the last", span, None, "s", Origin::Own))
            .quote("path", text.as_bytes(), last.packet)
            .benign("a jump host", "no host on the way had taken a step in the 30 days before");
        for step in path {
            let Edge { ts, from, to, what, uid, packet, .. } = *step;
            raise =
                raise.peer(to).flow(uid).packet(packet).act(Act { ts, host: from, to: Some(to), what, uid, packet });
        }
        let hosts: Vec<String> = path.iter().map(|s| s.to.to_string()).collect();
        raise = raise.tale(tale::HOPPED, &[format!("{} → {}", first.from, hosts.join(" → ")).as_bytes()]);
        if !mature {
            raise = raise.quality(Quality::Short);
        }
        cx.raise(raise);
    }
}

/// The longest path that ends in each step.
struct Paths<'a> {
    steps: &'a [Edge],
    /// The step before, and how many there are with this one.
    best: Vec<(Option<usize>, usize)>,
    /// Steps by where they lead, in order of time.
    to: HashMap<Addr, Vec<usize>, SeededState>,
    /// When each host took steps, in order; and those of earlier runs.
    took: HashMap<Addr, Vec<Timestamp>, SeededState>,
    earlier: &'a Edges,
    extended: Vec<bool>,
}

impl<'a> Paths<'a> {
    fn new(steps: &'a [Edge], earlier: &'a Edges) -> Self {
        let mut took: HashMap<Addr, Vec<Timestamp>, SeededState> = HashMap::with_hasher(SeededState(0));
        for step in steps {
            took.entry(step.from).or_default().push(step.ts);
        }
        let to = HashMap::with_hasher(SeededState(0));
        Self { steps, best: Vec::new(), to, took, earlier, extended: vec![false; steps.len()] }
    }

    /// Did the host take a step in the month before `ts`?
    fn took_before(&self, host: Addr, ts: Timestamp) -> bool {
        let last = self.took.get(&host).and_then(|all| all.get(all.partition_point(|t| *t < ts).checked_sub(1)?));
        last.is_some_and(|last| ts - *last < MONTH) || self.earlier.took_earlier(host, ts, MONTH)
    }

    /// Step `at`, after all that came before it.
    fn extend(&mut self, at: usize) {
        let Some(step) = self.steps.get(at) else { return };
        let mut best = (None, 1);
        let before = self.to.get(&step.from).map_or(&[][..], Vec::as_slice);
        for earlier in before.iter().rev().take(MAX_BEFORE) {
            let (Some(reached), Some((_, depth))) = (self.steps.get(*earlier), self.best.get(*earlier)) else {
                continue;
            };
            // One that took steps before it was reached is a jump host.
            let known = step.ts - reached.ts > HOP_WITHIN || self.took_before(step.from, reached.ts);
            if known || *depth >= MAX_DEPTH || self.is_on(*earlier, step.to) {
                continue;
            }
            if depth + 1 > best.1 {
                best = (Some(*earlier), depth + 1);
            }
        }
        if let Some(extended) = best.0.and_then(|before| self.extended.get_mut(before)) {
            *extended = true;
        }
        self.best.push(best);
        self.to.entry(step.to).or_default().push(at);
    }

    /// Is the host on the path that ends in step `at`?
    fn is_on(&self, at: usize, host: Addr) -> bool {
        self.path(at).iter().any(|s| s.from == host || s.to == host)
    }

    fn path(&self, at: usize) -> Vec<Edge> {
        let mut path = Vec::new();
        let mut next = Some(at);
        while let (Some(at), true) = (next, path.len() < MAX_DEPTH) {
            path.extend(self.steps.get(at));
            next = self.best.get(at).and_then(|(before, _)| *before);
        }
        path.reverse();
        path
    }

    /// Paths that no longer one contains, one for each first and last host.
    fn longest(&self) -> Vec<Vec<Edge>> {
        let mut told: Vec<(Addr, Addr)> = Vec::new();
        let mut paths: Vec<Vec<Edge>> = Vec::new();
        for (at, (_, depth)) in self.best.iter().enumerate() {
            if *depth < MIN_DEPTH || self.extended.get(at) != Some(&false) {
                continue;
            }
            paths.push(self.path(at));
        }
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        paths.retain(|path| {
            let ends = path.first().zip(path.last()).map(|(a, b)| (a.from, b.to));
            ends.is_some_and(|ends| {
                !told.contains(&ends) && told.len() < 256 && {
                    told.push(ends);
                    true
                }
            })
        });
        paths
    }
}

/// Hosts that scan for a port after one that scans for it had reached them on it.
fn worms(cx: &mut Cx<'_>) {
    let mut scans: Vec<Scanned> = cx.scans().to_vec();
    scans.sort_unstable_by_key(|s| (s.port, s.first, s.from));
    for same in scans.chunk_by(|a, b| a.port == b.port) {
        let reached = |scan: &Scanned| {
            same.iter().find(|s| {
                s.first < scan.first
                    && scan.first - s.first <= WORM_WITHIN
                    && s.from != scan.from
                    && s.open.contains(&scan.from)
            })
        };
        let taken: Vec<&Scanned> = same.iter().filter(|s| reached(s).is_some()).collect();
        let root = same.iter().find(|s| reached(s).is_none() && taken.iter().any(|t| s.open.contains(&t.from)));
        let Some(root) = root.filter(|_| taken.len() + 1 >= WORM_HOSTS) else { continue };
        let hosts = u64::try_from(taken.len() + 1).unwrap_or(0);
        let last = taken.iter().map(|s| s.first).max().unwrap_or(root.first);
        let mut raise = Raise::new(&ABOUT, WORM, root.from, Severity::Critical, Confidence::percent(85))
            .key(format!("port {}", root.port))
            .between(root.first, last)
            .times(hosts)
            .measure(Measure::count("hosts that scan", hosts, Some(WORM_HOSTS as u64), "hosts", Origin::Own));
        for scan in taken {
            let by = reached(scan).map_or(root.from, |by| by.from);
            let act = Act { ts: scan.first, host: by, to: Some(scan.from), what: "scanned", uid: scan.uid, packet: 0 };
            raise = raise.peer(scan.from).flow(scan.uid).act(act);
        }
        cx.raise(raise.flow(root.uid));
    }
}

impl Detector for Chain {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Files, Kind::SmbFiles]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Files(row) => self.file(row, cx),
            Row::SmbFiles(row) => self.shares.opened(row),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.same_file(cx);
        self.hops(cx);
        worms(cx);
    }

    fn held_len(&self) -> usize {
        let own = |p: &Program| p.path.capacity() + p.copies.capacity() * size_of::<Copied>();
        self.shares.held_len() + self.programs.held_len() + self.programs.iter().map(|(_, p)| own(p)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.shares.forgotten() + self.programs.forgotten()
    }
}

#[cfg(test)]
mod tests;
