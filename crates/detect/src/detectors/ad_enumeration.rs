//! # ad-enumeration
//! ## How
//! Calls that list users, groups, sessions, shares and policies (samr, lsarpc, srvsvc, wkssvc) and searches of LDAP are counted for
//! each source. `rpc-burst`: many such calls of many kinds, or at many machines, within ten minutes. `session-hunt`: who is logged in is asked of many machines.
//! `ldap-sweep`: searches of a whole tree bring many entries under several filters, or ask for attributes that hold
//! security descriptors, delegation or local passwords. `ldap-roast-filter`: a filter looks for accounts whose tickets or replies can be cracked or which may
//! delegate. `zone-transfer`: a whole zone was handed out.
//! ## Thresholds
//! 30 calls of 8 kinds, or 30 calls at 5 machines, in 10 minutes (BZAR's list of calls); 10 machines; 1,000 entries under 5 filters in 10
//! minutes (Sekisho's own choice). A server needs four times as many calls and entries.
//! ## State
//! 64 calls, 32 machines and 16 filters of 10,000 sources; the least recent forgotten.
//! ## Severity
//! `session-hunt` and `ldap-roast-filter` high 0.75, `rpc-burst`, `ldap-sweep` and `zone-transfer` medium 0.6; a name server that takes a zone info.
//! ## Benign
//! Synchronisation of identities, mail servers, vulnerability scanners; a host that joins a domain or logs in makes fewer calls.
//! ## Blind
//! LDAP that is sealed or inside TLS without keys; calls inside encrypted SMB 3. What one source usually asks is not learned.
//! ## References
//! MITRE BZAR; Zeek dce-rpc constants, ldap; MS-SAMR, MS-LSAD, MS-SRVS, MS-WKST, MS-ADTS; ATT&CK T1087.002, T1069.002, T1482, T1049.

use crate::contacts::{Contacts, mark, secs};
use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{DceRpc, Dns, Kind, LdapSearch, Row};
use crate::signs::Signs;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, seeded_hash};

static ABOUT: About = About {
    id: "ad-enumeration",
    title: "reading the directory like a map",
    means: "This host lists users, groups, sessions or shares far beyond normal work.",
    techniques: &["T1087.002", "T1069.002", "T1482", "T1018", "T1135", "T1033", "T1049"],
    stage: Stage::Discovery,
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
    reasons: &[
        Reason {
            code: "rpc-burst",
            means: "Many calls that list users, groups, shares or policies came within minutes.",
        },
        Reason { code: "session-hunt", means: "Many machines were asked who is logged in." },
        Reason {
            code: "ldap-sweep",
            means: "Searches brought much of the directory, or attributes that attackers look for.",
        },
        Reason {
            code: "ldap-roast-filter",
            means: "A search looked for accounts that can be attacked offline or may delegate.",
        },
        Reason { code: "zone-transfer", means: "A whole zone of DNS was handed out." },
    ],
    benign: "Synchronisation of identities, mail servers, vulnerability scanners, inventory.",
    clears: "The source is known to read the directory, or stops doing so for a week.",
    next: &[
        "Ask what runs on the source and whose account it uses.",
        "See what it did with what it learned: which machines did it go to next?",
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const RPC_BURST: &Reason = ABOUT.at(0);
const SESSION_HUNT: &Reason = ABOUT.at(1);
const LDAP_SWEEP: &Reason = ABOUT.at(2);
const ROAST_FILTER: &Reason = ABOUT.at(3);
const ZONE_TRANSFER: &Reason = ABOUT.at(4);

const MAX_SOURCES: usize = 10_000;
/// Calls, kinds and machines within the seconds.
const CALLS: usize = 30;
const KINDS: usize = 8;
const MACHINES: usize = 5;
const WITHIN: u32 = 600;
/// Calls and searches before so long a silence belong to something else.
const PAUSE: Interval = Interval::from_secs(600);
/// Whose signs they are.
const CALLED: usize = 0;
const SEARCHED: usize = 1;
/// Machines asked who is logged in.
const HUNTED: usize = 10;
/// Entries and filters.
const ENTRIES: u64 = 1_000;
const FILTERS: usize = 5;
/// Factor for servers.
const SERVER_FACTOR: usize = 4;
/// Calls kept of a source.
const MAX_CALLS: usize = 128;
/// Longest filter told.
const MAX_FILTER_LEN: usize = 200;
/// Attributes that hold rights or secrets.
const TELLING: &[&[u8]] = &[
    b"ntsecuritydescriptor",
    b"msds-allowedtodelegateto",
    b"ms-mcs-admpwd",
    b"mslaps-password",
    b"mslaps-encryptedpassword",
];
/// Bits of userAccountControl: no proof needed beforehand, trusted for delegation in both ways.
const BITS: &[&[u8]] =
    &[b"1.2.840.113556.1.4.803:=4194304", b"1.2.840.113556.1.4.803:=524288", b"1.2.840.113556.1.4.803:=16777216"];

/// Does the call list something? BZAR's list, by interface and number.
fn lists(endpoint: &[u8], opnum: u64) -> bool {
    match endpoint {
        b"samr" => matches!(
            opnum,
            6 | 7 | 8 | 11 | 13 | 15 | 16 | 17 | 18 | 20 | 25 | 28 | 33 | 36 | 39 | 40 | 46 | 47 | 48 | 51
        ),
        b"lsarpc" => matches!(opnum, 7 | 11 | 13 | 14 | 15 | 24 | 35 | 45 | 46 | 50 | 57 | 58 | 68 | 76 | 77),
        b"srvsvc" => matches!(opnum, 8 | 9 | 12 | 15 | 16 | 21 | 23 | 24 | 28 | 36),
        b"wkssvc" => matches!(opnum, 0 | 2 | 5 | 13 | 20),
        _ => false,
    }
}

#[derive(Default)]
struct Source {
    /// Kind and second of each call.
    calls: Vec<(u32, u32)>,
    machines: Contacts<32>,
    hunted: Contacts<32>,
    operations: Vec<Box<[u8]>>,
    entries: u64,
    filters: Vec<(u32, Box<[u8]>)>,
    since: u32,
    /// Of calls and of searches.
    signs: [Signs; 2],
    told: [bool; 3],
}

/// See the module.
pub(crate) struct Enumeration {
    seed: u64,
    sources: Recent<Addr, Box<Source>>,
}

fn lower_has(text: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(&text.to_ascii_lowercase(), what).is_some()
}

/// Does a filter look for accounts that can be attacked offline, or which may delegate?
fn is_roast(filter: &[u8]) -> bool {
    lower_has(filter, b"serviceprincipalname=*")
        || BITS.iter().any(|bit| lower_has(filter, bit))
        || lower_has(filter, b"admincount=1")
}

impl Enumeration {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, sources: Recent::of(scope, MAX_SOURCES) }
    }

    fn rpc(&mut self, row: &DceRpc<'_>, cx: &mut Cx<'_>) {
        if !lists(row.endpoint, row.opnum) || row.orig == row.resp {
            return;
        }
        let now = secs(row.ts);
        let kind = u32::try_from(row.opnum).unwrap_or(0) | u32::from(row.endpoint.first().copied().unwrap_or(0)) << 16;
        let target = mark(self.seed, row.resp);
        let source = self.sources.at(row.orig, Box::default);
        source.signs[CALLED].note(row.ts, PAUSE, (row.uid, cx.packet, row.resp));
        if source.calls.len() >= MAX_CALLS {
            source.calls.drain(..MAX_CALLS / 2);
        }
        source.calls.push((kind, now));
        source.machines.add(target, now);
        let words = [row.endpoint, b" ", row.operation].concat();
        if source.operations.len() < 16 && !source.operations.iter().any(|o| **o == *words) {
            source.operations.push(words.into());
        }
        if matches!((row.endpoint, row.opnum), (b"srvsvc", 12) | (b"wkssvc", 2)) {
            source.hunted.add(target, now);
        }
        self.burst(row.orig, now, cx);
    }

    fn burst(&mut self, from: Addr, now: u32, cx: &mut Cx<'_>) {
        let factor = if cx.hosts().is(from, Role::Server) { SERVER_FACTOR } else { 1 };
        let Some(source) = self.sources.get(&from) else { return };
        let recent = || source.calls.iter().filter(|c| c.1 + WITHIN >= now);
        let mut kinds: Vec<u32> = recent().map(|c| c.0).collect();
        let calls = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        let machines = source.machines.within(now, WITHIN);
        let hunted = source.hunted.within(now, WITHIN);
        let count = |n: usize| u64::try_from(n).unwrap_or(0);
        if !source.told[0] && calls >= CALLS * factor && (kinds.len() >= KINDS || machines >= MACHINES) {
            source.told[0] = true;
            let raise = source
                .begin(RPC_BURST, from, CALLED, (Severity::Medium, 60))
                .times(count(calls))
                .measure(Measure::count(
                    "calls within ten minutes",
                    count(calls),
                    Some(count(CALLS * factor)),
                    "",
                    Origin::Own,
                ))
                .measure(Measure::count("kinds of calls", count(kinds.len()), Some(KINDS as u64), "", Origin::Own))
                .measure(Measure::count(
                    "machines called",
                    count(machines),
                    Some(MACHINES as u64),
                    "hosts",
                    Origin::Own,
                ));
            cx.raise(raise);
        }
        let Some(source) = self.sources.get(&from) else { return };
        if !source.told[1] && hunted >= HUNTED * factor {
            source.told[1] = true;
            let raise = source.begin(SESSION_HUNT, from, CALLED, (Severity::High, 75)).times(count(hunted)).measure(
                Measure::count(
                    "machines asked who is logged in",
                    count(hunted),
                    Some(count(HUNTED * factor)),
                    "hosts",
                    Origin::Own,
                ),
            );
            cx.raise(raise);
        }
    }

    fn search(&mut self, row: &LdapSearch<'_>, cx: &mut Cx<'_>) {
        let now = secs(row.ts);
        let source = self.sources.at(row.orig, || Box::new(Source { since: now, ..Source::default() }));
        if now.saturating_sub(source.since) > WITHIN {
            (source.entries, source.since) = (0, now);
            source.filters.clear();
        }
        if row.scope == "tree" {
            source.entries += row.count;
            let hash = u32::try_from(seeded_hash(self.seed, row.filter) >> 32).unwrap_or(0);
            if source.filters.len() < 16 && source.filters.iter().all(|f| f.0 != hash) {
                source.filters.push((hash, row.filter.get(..MAX_FILTER_LEN).unwrap_or(row.filter).into()));
            }
        }
        source.signs[SEARCHED].note(row.ts, PAUSE, (row.uid, cx.packet, row.resp));
        let is_telling = |a: &&[u8]| row.count > 0 && TELLING.contains(&a.to_ascii_lowercase().as_slice());
        let telling = row.attributes.texts().find(is_telling);
        let factor = if cx.hosts().is(row.orig, Role::Server) { SERVER_FACTOR as u64 } else { 1 };
        let swept = source.entries >= ENTRIES * factor && source.filters.len() >= FILTERS;
        if (swept || telling.is_some()) && !source.told[2] {
            source.told[2] = true;
            let (entries, filters) = (source.entries, u64::try_from(source.filters.len()).unwrap_or(0));
            let mut raise = source
                .begin(LDAP_SWEEP, row.orig, SEARCHED, (Severity::Medium, 60))
                .packet(cx.packet)
                .measure(Measure::count("entries within ten minutes", entries, Some(ENTRIES * factor), "", Origin::Own))
                .measure(Measure::count("different filters", filters, Some(FILTERS as u64), "", Origin::Own))
                .quote("filter", row.filter, cx.packet);
            if let Some(attribute) = telling {
                raise = raise.quote("attribute", attribute, cx.packet);
            }
            cx.raise(raise);
        }
        if is_roast(row.filter) {
            let raise = Raise::new(&ABOUT, ROAST_FILTER, row.orig, Severity::High, Confidence::percent(75))
                .peer(row.resp)
                .at(row.ts)
                .flow(row.uid)
                .packet(cx.packet)
                .measure(Measure::count("entries found", row.count, None, "", Origin::Own))
                .quote("filter", row.filter, cx.packet);
            cx.raise(raise);
        }
    }

    fn dns(&self, row: &Dns<'_>, cx: &mut Cx<'_>) {
        if !matches!(row.qtype, 251 | 252) || row.rcode != Some(0) || row.answers.len() < 2 {
            return;
        }
        let raise = Raise::new(&ABOUT, ZONE_TRANSFER, row.orig, Severity::Medium, Confidence::percent(60))
            .key(String::from_utf8_lossy(row.query))
            .peer(row.resp)
            .at(row.ts)
            .flow(row.uid)
            .packet(cx.packet)
            .measure(Measure::count(
                "records handed out",
                u64::try_from(row.answers.len()).unwrap_or(0),
                Some(2),
                "",
                Origin::Own,
            ))
            .quote("zone", row.query, cx.packet)
            .lowered_for(Role::Resolver);
        cx.raise(raise);
    }
}

impl Source {
    fn begin(
        &self,
        reason: &'static Reason,
        from: Addr,
        signs: usize,
        (severity, confidence): (Severity, u8),
    ) -> Raise {
        let raise = Raise::new(&ABOUT, reason, from, severity, Confidence::percent(confidence));
        let raise = match self.signs.get(signs) {
            Some(signs) => signs.show(raise),
            None => raise,
        };
        if self.operations.is_empty() { raise } else { raise.quote("calls", &self.operations.join(&b", "[..]), 0) }
    }

    fn held_len(&self) -> usize {
        let lists = self.calls.capacity() * 8 + self.signs.iter().map(Signs::held_len).sum::<usize>();
        let words = self.operations.iter().map(|o| o.len() + 16).sum::<usize>();
        let filters = self.filters.iter().map(|f| f.1.len() + 24).sum::<usize>();
        size_of::<Self>() + lists + words + filters + self.machines.held_len() + self.hunted.held_len()
    }
}

impl Detector for Enumeration {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DceRpc, Kind::Dns, Kind::LdapSearch]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::DceRpc(row) => self.rpc(row, cx),
            Row::Dns(row) => self.dns(row, cx),
            Row::LdapSearch(row) => self.search(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.sources.held_len() + self.sources.iter().map(|(_, s)| s.held_len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.sources.forgotten()
    }
}

#[cfg(test)]
mod tests;
