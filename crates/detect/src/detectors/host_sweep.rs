//! # host-sweep
//! ## How
//! A source asks for many addresses: `arp` by address resolution, `ndp` by neighbour solicitation, `icmp` by echo or timestamp requests, `udp` by datagrams
//! to services that devices are found by. Different targets within a time are counted, and how many did not answer.
//! ## Thresholds
//! `arp`, `ndp`: 40 targets in 60 seconds of which 60 % do not answer; `arp` also 100 in an hour, four fifths of them next to the one before.
//! `icmp`: 25 targets in five minutes, half without an answer. `udp`: 25 targets in five minutes on 137, 161, 502, 623, 1900, 5353, 20000, 47808
//! (Sekisho's own choice).
//! ## State
//! 128 targets of each source and way, at most 10,000 of them; hardware addresses of 1,024 routers; the least recent forgotten.
//! ## Severity
//! Low 0.7, medium if the source also scanned ports. From outside info.
//! ## Benign
//! Routers, which ask for whatever an outside scan wants (a machine whose hardware address carries traffic of hosts elsewhere is one: not counted), inventory
//! and address management, phones that look for peers, the few questions of a host that starts.
//! ## Blind
//! Address resolution behind a router; sweeps slower than these limits. ARP is summed up over five minutes, so a sweep is told that much later.
//! ## References
//! arpwatch; RFC 826, RFC 4861, RFC 5227; ATT&CK T1018, T1016.

use crate::contacts::{Contacts, mark, secs};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Arp, Conn, Icmp, Kind, Ndp, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, MacAddr, Timestamp, Uid};

static ABOUT: About = About {
    id: "host-sweep",
    title: "who is alive?",
    means: "This host asks systematically which addresses exist.",
    techniques: &["T1018", "T1016"],
    stage: Stage::Discovery,
    reasons: &[
        Reason { code: "arp", means: "Many addresses of the link were asked for by ARP." },
        Reason { code: "ndp", means: "Many addresses of the link were asked for by neighbour discovery." },
        Reason { code: "icmp", means: "Many addresses were sent echo or timestamp requests." },
        Reason { code: "udp", means: "A service that devices are found by was asked for at many addresses." },
    ],
    benign: "Routers, inventory and address management, phones that look for peers.",
    clears: "No further sweep, or the host is known to look for machines.",
    next: &["See which addresses answered, and what the source did with them.", "Ask what runs on the source."],
    needs: &[vital(What::Some(Traffic::Any)), useful(What::Answers(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Sources and ways.
const MAX_SWEEPS: usize = 10_000;
/// Routers.
const MAX_ROUTERS: usize = 1_024;
/// Targets kept.
const KEPT: usize = 128;
/// Targets on the link, the seconds, and the share without an answer in percent.
const LINK: (usize, u32, usize) = (40, 60, 60);
/// The same of echoes.
const ECHO: (usize, u32, usize) = (25, 300, 50);
/// Datagrams: whether they are answered does not matter.
const DATAGRAM: (usize, u32, usize) = (25, 300, 0);
/// Targets one after the other, the seconds, and the share of neighbours in percent.
const ORDERED: (usize, u32, u64) = (100, 3_600, 80);
/// Services by which devices are found.
const FOUND_BY: &[u16] = &[137, 161, 502, 623, 1900, 5353, 20000, 47808];

/// Who, and how: the reason's code.
type Key = (Addr, MacAddr, &'static str);

#[derive(Default)]
struct Sweep {
    asked: Contacts<KEPT>,
    silent: Contacts<KEPT>,
    first: Timestamp,
    last: Timestamp,
    targets: Vec<Addr>,
    answered: Vec<Addr>,
    count: u64,
    steps: u64,
    before: Option<u32>,
    most: usize,
    uid: Uid,
    packets: [u64; 2],
    found: bool,
}

/// See the module.
pub(crate) struct HostSweep {
    seed: u64,
    sweeps: Recent<Key, Box<Sweep>>,
    routers: Recent<MacAddr, ()>,
}

/// A question for an address.
struct Question {
    key: Key,
    target: Addr,
    ts: Timestamp,
    uid: Uid,
    answered: bool,
}

impl HostSweep {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, sweeps: Recent::of(scope, MAX_SWEEPS), routers: Recent::of(scope, MAX_ROUTERS) }
    }

    fn asked(&mut self, q: &Question, limits: (usize, u32, usize), cx: &Cx<'_>) {
        let (target, now) = (mark(self.seed, q.target), secs(q.ts));
        let sweep =
            self.sweeps.at(q.key, || Box::new(Sweep { first: q.ts, last: q.ts, uid: q.uid, ..Sweep::default() }));
        sweep.packets = [if sweep.packets[0] == 0 { cx.packet } else { sweep.packets[0] }, cx.packet];
        if !sweep.asked.add(target, now) {
            return;
        }
        sweep.add(q, target);
        let (hosts, span, share) = limits;
        let asked = sweep.asked.within(now, span);
        let silent = sweep.silent.within(now, span);
        if asked >= hosts && silent * 100 >= asked * share {
            sweep.found = true;
            sweep.most = sweep.most.max(asked);
        }
        let (hosts, span, share) = ORDERED;
        let slow = sweep.asked.within(now, span);
        if q.key.2 == "arp" && slow >= hosts && sweep.steps * 100 >= sweep.count * share {
            sweep.found = true;
            sweep.most = sweep.most.max(slow);
        }
    }

    fn arp(&mut self, arp: &Arp<'_>, cx: &Cx<'_>) {
        if !matches!(arp.operation, "request" | "probe") || self.routers.peek(&arp.orig_mac).is_some() {
            return;
        }
        let key = (arp.orig.unwrap_or(Addr::UNSPECIFIED), arp.orig_mac, "arp");
        let answered = arp.replies > 0;
        self.asked(&Question { key, target: arp.resp, ts: arp.ts, uid: Uid::default(), answered }, LINK, cx);
    }

    fn ndp(&mut self, ndp: &Ndp<'_>, cx: &Cx<'_>) {
        let Some(target) = ndp.target else { return };
        match ndp.operation {
            "neighbour_solicitation" if !ndp.duplicate => {
                if ndp.source_mac.is_some_and(|mac| self.routers.peek(&mac).is_some()) {
                    return;
                }
                let from = if ndp.is_orig { ndp.orig } else { ndp.resp };
                let key = (from, MacAddr::default(), "ndp");
                self.asked(&Question { key, target, ts: ndp.ts, uid: ndp.uid, answered: false }, LINK, cx);
            }
            "neighbour_advertisement" => {
                let asker = if ndp.is_orig { ndp.resp } else { ndp.orig };
                if let Some(sweep) = self.sweeps.get(&(asker, MacAddr::default(), "ndp")) {
                    sweep.answered(target, mark(self.seed, target));
                }
            }
            _ => {}
        }
    }

    fn icmp(&mut self, icmp: &Icmp<'_>, cx: &Cx<'_>) {
        if !matches!(icmp.icmp_type, 8 | 13 | 17 | 128) || icmp.resp.is_multicast() {
            return;
        }
        let key = (icmp.orig, MacAddr::default(), "icmp");
        let answered = icmp.answers > 0;
        self.asked(&Question { key, target: icmp.resp, ts: icmp.ts, uid: Uid::default(), answered }, ECHO, cx);
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &Cx<'_>) {
        // Whatever comes from elsewhere bears the address of the router that passes it on.
        for (host, mac) in [(conn.orig, conn.orig_mac), (conn.resp, conn.resp_mac)] {
            if let Some(mac) = mac
                && !cx.hosts().is_internal(host)
                && !host.is_multicast()
                && self.routers.peek(&mac).is_none()
            {
                self.routers.at(mac, || ());
            }
        }
        if conn.proto == "udp" && FOUND_BY.contains(&conn.resp_port) && !conn.resp.is_multicast() && conn.orig_pkts > 0
        {
            let key = (conn.orig, MacAddr::default(), "udp");
            let answered = conn.resp_pkts > 0;
            self.asked(&Question { key, target: conn.resp, ts: conn.ts, uid: conn.uid, answered }, DATAGRAM, cx);
        }
    }
}

impl Sweep {
    fn add(&mut self, q: &Question, target: u32) {
        (self.first, self.last) = (self.first.min(q.ts), self.last.max(q.ts));
        self.count += 1;
        if self.targets.len() < sekisho_finding::MAX_PEERS {
            self.targets.push(q.target);
        }
        if q.answered {
            self.answered(q.target, target);
        } else {
            self.silent.add(target, secs(q.ts));
        }
        let [.., a, b, c, d] = *q.target.octets();
        let number = u32::from_be_bytes([a, b, c, d]);
        self.steps += u64::from(self.before.is_none_or(|before| before.abs_diff(number) == 1));
        self.before = Some(number);
    }

    fn answered(&mut self, target: Addr, mark: u32) {
        self.silent.remove(mark);
        if self.answered.len() < 24 && !self.answered.contains(&target) {
            self.answered.push(target);
        }
    }

    fn held_len(&self) -> usize {
        let lists = (self.targets.capacity() + self.answered.capacity()) * size_of::<Addr>();
        size_of::<Self>() + self.asked.held_len() + self.silent.held_len() + lists
    }
}

fn raise((from, mac, code): Key, sweep: &Sweep, cx: &mut Cx<'_>) {
    let Some(reason) = ABOUT.reason(code) else { return };
    let limits = match code {
        "icmp" => ECHO,
        "udp" => DATAGRAM,
        _ => LINK,
    };
    // Advertisements may have come later than the questions.
    if code == "ndp" && sweep.silent.len() * 100 < sweep.asked.len() * limits.2 {
        return;
    }
    let scans = cx.has_found("scan-horizontal", from) || cx.has_found("scan-vertical", from);
    let local = matches!(code, "arp" | "ndp") || cx.hosts().is_internal(from);
    let severity = match (local, scans) {
        (false, _) => Severity::Info,
        (true, true) => Severity::Medium,
        (true, false) => Severity::Low,
    };
    let count = |n: usize| u64::try_from(n).unwrap_or(0);
    let (name, limit) = match (limits.1, sweep.most) {
        (60, most) if most >= ORDERED.0 && sweep.asked.within(secs(sweep.last), 60) < limits.0 => {
            ("targets within an hour, one after the other", ORDERED.0)
        }
        (60, _) => ("targets within a minute", limits.0),
        _ => ("targets within five minutes", limits.0),
    };
    let order = if sweep.steps * 100 >= sweep.count * ORDERED.2 { "one after the other" } else { "in no order" };
    let mut raise = Raise::new(&ABOUT, reason, from, severity, Confidence::percent(70))
        .key(if mac == MacAddr::default() { String::new() } else { mac.to_string() })
        .between(sweep.first, sweep.last)
        .times(sweep.count)
        .flow(sweep.uid)
        .packet(sweep.packets[0])
        .packet(sweep.packets[1])
        .measure(Measure::count(name, count(sweep.most), Some(count(limit)), "hosts", Origin::Own))
        .measure(Measure::count("targets in all", sweep.count, None, "hosts", Origin::Own))
        .measure(Measure::count("targets without an answer", count(sweep.silent.len()), None, "hosts", Origin::Own))
        .quote("order", order.as_bytes(), 0)
        .benign("a router asks for what others want", "it passes on nothing from elsewhere");
    raise = sweep.answered.iter().chain(&sweep.targets).fold(raise, |raise, host| raise.peer(*host));
    if !local {
        raise = raise.stage(Stage::Recon);
    }
    if !sweep.answered.is_empty() {
        raise = raise.quote("hosts that answered", super::scan_horizontal::list(&sweep.answered).as_bytes(), 0);
    }
    cx.raise(raise);
}

impl Detector for HostSweep {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Arp, Kind::Conn, Kind::Icmp, Kind::Ndp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Arp(row) => self.arp(row, cx),
            Row::Conn(row) => self.conn(row, cx),
            Row::Icmp(row) => self.icmp(row, cx),
            Row::Ndp(row) => self.ndp(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(Key, &Sweep)> =
            self.sweeps.iter().filter(|(_, s)| s.found).map(|(key, sweep)| (*key, &**sweep)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        for (key, sweep) in all {
            // A router may be known for one only later.
            if self.routers.peek(&key.1).is_none() {
                raise(key, sweep, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        let own = self.sweeps.iter().map(|(_, s)| s.held_len()).sum::<usize>();
        self.sweeps.held_len() + self.routers.held_len() + own
    }

    fn forgotten(&self) -> u64 {
        self.sweeps.forgotten() + self.routers.forgotten()
    }
}

#[cfg(test)]
mod tests;
