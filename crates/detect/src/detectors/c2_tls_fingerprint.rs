//! # c2-tls-fingerprint
//! ## How
//! The JA4 of every TLS client at home that speaks with a server outside. `listed`: it stands in a list given with `--intel`, or its
//! beginning and end do (`t13d1516h2_*_e5627efa2ab1`: any ciphers). `host-new`: the host has never shown it before, hardly any other host
//! does, and the place is new. `net-rare`: one host alone has it, and goes with it to a place where no other host goes. JA4 sorts what browsers
//! shuffle, so one browser has one. JA3 (also `--intel`) is looked up by `intel-contact`.
//! ## Thresholds
//! Rare: one host of fifty (of fewer than a hundred, one), of ten or more that show any. New: a week after the host's first session, at a place that is new in the last
//! week, at least. Shared with common software: five hosts have it.
//! ## State
//! 65,536 hosts with fingerprints, 40 bytes each; 8,192 fingerprints with the hosts that have them; 16,384 hosts. The least recent are forgotten.
//! ## Severity
//! `listed` high 0.6; any ciphers 0.4; 0.8 if the name asked for is listed as well; low 0.3 if five hosts have it; an entry whose own date is past is `info`. `host-new` and `net-rare`
//! low 0.3.
//! ## Benign
//! A fingerprint tells the library (Go, Python, Java, OpenSSL), not what is done with it. New programs and updates.
//! ## Blind
//! Clients that imitate a browser. Before a week is over nothing is new. Servers at home.
//! ## References
//! FoxIO, JA4: TLS client fingerprinting (BSD licence); Salesforce JA3; nDPI MALICIOUS_FINGERPRINT.

use crate::detection::Scope;
use crate::outside::Usage;
use crate::registry::Detector;
use crate::rows::{Kind, Row, Ssl};
use crate::statistics::distinct::Distinct;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_intel::{Indicator, Table};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;
use std::sync::Arc;

static ABOUT: About = About {
    id: "c2-tls-fingerprint",
    title: "known-bad or out-of-place TLS client",
    means: "The TLS client software on this host matches a listed malicious tool, or is one this host never used.",
    techniques: &["T1071.001", "T1573.002"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "listed", means: "The fingerprint of its TLS client is listed." },
        Reason { code: "host-new", means: "It has a TLS client that is new to it, for a new place." },
        Reason { code: "net-rare", means: "It alone has that TLS client, and goes with it where nobody else goes." },
    ],
    benign: "New programs and updates: a fingerprint tells the library, not the intent.",
    clears: "The program is known and wanted, or the entry leaves the list.",
    next: &[
        "See which program on the host has the connection.",
        "Read the list's own entry and how old it is.",
        "Look for other hosts with the same fingerprint.",
    ],
    needs: &[vital(What::Some(Traffic::Tls)), vital(What::Requests(Traffic::Tls)), useful(What::Given("--intel"))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const LISTED: &Reason = ABOUT.at(0);
const HOST_NEW: &Reason = ABOUT.at(1);
const NET_RARE: &Reason = ABOUT.at(2);

const MAX_SEEN: usize = 65_536;
const MAX_PRINTS: usize = 8_192;
const MAX_HOSTS: usize = 16_384;
/// Hosts kept of a fingerprint: as many as make it common software.
const COMMON: usize = 5;
const WEEK: Interval = Interval::from_secs(7 * 86_400);

/// A session with a fingerprint that is worth a second look when all hosts have shown theirs.
struct Alone {
    ts: Timestamp,
    host: Addr,
    peer: Addr,
    place: u64,
    name: Box<[u8]>,
    uid: Uid,
    packet: u64,
}

/// Hosts that have a fingerprint, and its first session.
struct Print {
    hosts: [u64; COMMON],
    ja4: Box<str>,
    first: Alone,
}

impl Print {
    fn count(&self) -> usize {
        self.hosts.iter().filter(|h| **h != 0).count()
    }
}

/// See the module.
pub(crate) struct Fingerprints {
    state: SeededState,
    lists: Arc<Table>,
    /// Fingerprints that a host has shown.
    seen: Recent<u64, ()>,
    prints: Recent<u64, Print>,
    /// First session of each host.
    since: Recent<u64, Timestamp>,
    hosts: Distinct,
}

impl Fingerprints {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            lists: Arc::clone(&scope.intel),
            seen: Recent::of(scope, MAX_SEEN),
            prints: Recent::of(scope, MAX_PRINTS),
            since: Recent::of(scope, MAX_HOSTS),
            hosts: Distinct::default(),
        }
    }

    fn tls(&mut self, row: &Ssl<'_>, cx: &mut Cx<'_>) {
        if row.ja4.is_empty() || !cx.hosts().is_internal(row.orig) || cx.hosts().is_internal(row.resp) {
            return;
        }
        let (host, print) = (self.state.hash_one(row.orig.octets()), self.state.hash_one(row.ja4));
        self.hosts.add(host);
        let since = *self.since.at(host, || row.ts);
        let key = self.state.hash_one((host, print));
        let is_new = self.seen.peek(&key).is_none();
        self.seen.at(key, || ());
        let place = cx.outside().place(row.uid, row.resp);
        let known = self.prints.at(print, || Print {
            hosts: [0; COMMON],
            ja4: String::from_utf8_lossy(row.ja4).into(),
            first: Alone {
                ts: row.ts,
                host: row.orig,
                peer: row.resp,
                place,
                name: row.server_name.get(..120).unwrap_or(row.server_name).into(),
                uid: row.uid,
                packet: cx.packet,
            },
        });
        if !known.hosts.contains(&host)
            && let Some(free) = known.hosts.iter_mut().find(|h| **h == 0)
        {
            *free = host;
        }
        let count = known.count();
        if let Some(raise) = self.listed(row, count, cx) {
            cx.raise(raise);
            return;
        }
        if is_new && row.ts - since >= WEEK && self.is_rare(count) {
            let usage = cx.outside().usage(place);
            // A place whose first flow has not ended yet has no time.
            if usage.first == Timestamp::default() || row.ts - usage.first <= WEEK {
                let raise = new_print(HOST_NEW, row.orig, row.resp, row.ja4, count, usage)
                    .key(cx.called(place, row.resp))
                    .at(row.ts)
                    .flow(row.uid)
                    .packet(cx.packet)
                    .quote("name asked for", row.server_name, cx.packet)
                    .benign("the host has shown it before", "no");
                cx.raise(raise);
            }
        }
    }

    fn listed(&self, row: &Ssl<'_>, count: usize, cx: &Cx<'_>) -> Option<Raise> {
        if self.lists.is_empty() {
            return None;
        }
        let ja4 = std::str::from_utf8(row.ja4).ok()?;
        let (indicator, entry) = self.lists.client(ja4)?;
        let Indicator::Client(listed) = indicator else { return None };
        let named = self.lists.domain(row.server_name).is_some();
        let (common, any) = (count >= COMMON, listed.contains('*'));
        let (severity, sure) = match () {
            () if entry.expires.is_some_and(|until| row.ts >= until) => (Severity::Info, 30),
            () if common => (Severity::Low, 30),
            () if named => (Severity::High, 80),
            () => (Severity::High, if any { 40 } else { 60 }),
        };
        let list = self.lists.list(entry).map_or("", |list| list.name.as_str());
        let line = format!("{list} line {}: {}", entry.line, self.lists.label(entry));
        Some(
            Raise::new(&ABOUT, LISTED, row.orig, severity, Confidence::percent(sure))
                .key(listed)
                .peer(row.resp)
                .at(row.ts)
                .flow(row.uid)
                .packet(cx.packet)
                .quote("JA4", row.ja4, cx.packet)
                .quote("list", line.as_bytes(), 0)
                .quote("name asked for", row.server_name, cx.packet)
                .measure(Measure::count(
                    "hosts with it, up to five",
                    count as u64,
                    Some(COMMON as u64),
                    "",
                    Origin::Own,
                ))
                .benign(
                    "five hosts at home have it: common software",
                    if common { "yes: no more than low" } else { "no" },
                )
                .benign("the name asked for is listed as well", if named { "yes: worse" } else { "no" }),
        )
    }

    fn is_rare(&self, count: usize) -> bool {
        let usage = Usage { hosts: count as u64, of: self.hosts.count(), first: Timestamp::default() };
        count < COMMON && usage.is_rare()
    }
}

fn new_print(reason: &'static Reason, host: Addr, peer: Addr, ja4: &[u8], count: usize, usage: Usage) -> Raise {
    Raise::new(&ABOUT, reason, host, Severity::Low, Confidence::percent(30))
        .peer(peer)
        .quote("JA4", ja4, 0)
        .measure(Measure::count("hosts with it, up to five", count as u64, None, "", Origin::Own))
        .measure(Measure::count("hosts that go there", usage.hosts, None, "", Origin::Own))
}

impl Detector for Fingerprints {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Ssl]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Ssl(row) = row {
            self.tls(row, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut alone: Vec<&Print> = self.prints.iter().map(|(_, print)| print).collect();
        alone.retain(|print| print.count() == 1 && self.is_rare(1));
        // The table has no order.
        alone.sort_unstable_by_key(|p| (p.first.ts, p.first.uid));
        for Print { ja4, first, .. } in alone {
            let usage = cx.outside().usage(first.place);
            let (host, listed) = (first.host, self.lists.client(ja4).is_some());
            if usage.hosts > 1 || listed {
                continue;
            }
            let raise = new_print(NET_RARE, host, first.peer, ja4.as_bytes(), 1, usage)
                .key(cx.called(first.place, first.peer))
                .at(first.ts)
                .flow(first.uid)
                .packet(first.packet)
                .quote("name asked for", &first.name, first.packet)
                .benign("another host has the same program", "no");
            cx.raise(raise);
        }
    }

    fn held_len(&self) -> usize {
        let texts = self.prints.iter().map(|(_, p)| p.ja4.len() + p.first.name.len()).sum::<usize>();
        self.seen.held_len() + self.prints.held_len() + self.since.held_len() + self.hosts.held_len() + texts
    }

    fn forgotten(&self) -> u64 {
        self.seen.forgotten() + self.prints.forgotten() + self.since.forgotten()
    }
}

#[cfg(test)]
mod tests;
