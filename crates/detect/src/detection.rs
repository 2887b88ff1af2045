//! All detectors over one run.

use crate::cx::Cx;
use crate::desk::Desk;
use crate::geo::Geo;
use crate::history::{Carrier, History, HistoryError};
use crate::hosts::{Hosts, Role};
use crate::known::Known;
use crate::registry::{Detector, detectors};
use crate::rows::{Kind, Plan};
use sekisho_dnssec::Anchors;
use sekisho_finding::{Asset, Coverage, Fetched, Finding, Signed};
use sekisho_intel::Table;
use sekisho_record::{Record, Schema, Value, with_values};
use sekisho_types::{Addr, Day, Subnet, Timestamp};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is judged, as the user says.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Networks that are at home.
    pub home_nets: Vec<Subnet>,
    /// Seed of tables keyed by what is on the wire.
    pub seed: u64,
    /// Domains that the user knows as partners' or as worth imitating.
    pub known_domains: Vec<String>,
    /// Bytes that all tables of all detectors may come to take, findings included; `None` for [`FULL_LEN`].
    pub memory_len: Option<u64>,
    /// Lists of what has a bad name.
    pub intel: Arc<Table>,
    /// Countries and network operators of addresses.
    pub geo: Arc<Geo>,
    /// Days on which people are off, sorted.
    pub holidays: Arc<[Day]>,
    /// Where chains of DNSSEC begin; the root's keys unless the user names others.
    pub anchors: Anchors,
    /// Resolvers that hosts may ask.
    pub resolvers: Vec<Subnet>,
    /// Rules in Suricata's language are at work.
    pub has_rules: bool,
}

/// Bytes that all tables take at most when each has the number of entries that its detector names: `detections.md` §1.8.
pub const FULL_LEN: u64 = 256 << 20;

/// Slots by which the place of a row type is found.
const SLOTS: usize = 128;

/// A table has room for so many entries, however little memory there is.
const MIN_ENTRIES: usize = 64;

impl Scope {
    /// Entries of a table that has `most` of them with [`FULL_LEN`]: in proportion.
    pub(crate) fn entries(&self, most: usize) -> usize {
        let len = u128::from(self.memory_len.unwrap_or(FULL_LEN).min(FULL_LEN));
        let share = most as u128 * len / u128::from(FULL_LEN);
        usize::try_from(share).unwrap_or(most).max(MIN_ENTRIES).min(most)
    }

    /// With the networks that the user names as home, or else the private ones.
    pub fn new(home_nets: &[Subnet], seed: u64) -> Self {
        let home_nets = if home_nets.is_empty() { sekisho_types::home_nets() } else { home_nets.to_vec() };
        Self { home_nets, seed, ..Self::default() }
    }
}

/// What became of a run.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Findings that were not kept for want of room.
    pub refused: u64,
    /// What each detector used, by the id of its first judgement.
    pub spent: Vec<Spent>,
    /// What all detectors share and was forgotten for want of room: what it was about, and how many entries.
    pub forgotten: Vec<(&'static str, u64)>,
    /// What DNSSEC came to, if there was any.
    pub dnssec: Option<Signed>,
    /// How well each judgement could be made, in the list's order.
    pub coverage: Vec<Coverage>,
    /// Subjects of findings that are more than one of many to the network, sorted.
    pub assets: Vec<(Addr, Asset)>,
    /// What hosts at home are to be called: by themselves or by DNS.
    pub names: BTreeMap<Addr, String>,
    /// Programs that came to hosts at home, by time.
    pub fetched: Vec<Fetched>,
    /// The latest packet time of all rows.
    pub last: Timestamp,
}

/// What a detector used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The first of its judgements.
    pub id: &'static str,
    /// Rows that it saw.
    pub rows: u64,
    /// Bytes held at the end.
    pub held_len: usize,
    /// Entries that it forgot for want of room: what it judged, it judged without them.
    pub forgotten: u64,
}

/// See the module.
pub struct Detection {
    /// Row types met so far, with their columns if anybody reads them.
    types: Vec<(&'static Schema, Option<Plan>)>,
    /// Where in `types` the one is that was met last, by the address of its schema.
    slots: [usize; SLOTS],
    detectors: Vec<Box<dyn Detector>>,
    /// By kind, how many rows there were, and who sees them: indices into `detectors`.
    by_kind: Vec<(u64, Vec<usize>)>,
    known: Known,
    desk: Desk,
    now: Timestamp,
    /// Packet time of the earliest row.
    first: Option<Timestamp>,
    seed: u64,
    /// Of the state that the run began with: what it spans, and how many facts it had left out.
    carried: (Option<(Timestamp, Timestamp)>, u64),
}

impl Detection {
    /// All detectors, with nothing seen yet.
    pub fn new(scope: &Scope) -> Self {
        let detectors = detectors(scope);
        let wants = |kind: &Kind| {
            let all = detectors.iter().enumerate();
            (0, all.filter(|(_, d)| d.kinds().contains(kind)).map(|(i, _)| i).collect())
        };
        let by_kind = Kind::ALL.iter().map(wants).collect();
        Self {
            types: Vec::new(),
            slots: [0; SLOTS],
            by_kind,
            detectors,
            known: Known::new(scope),
            desk: Desk::new(scope),
            now: Timestamp::default(),
            first: None,
            seed: scope.seed,
            carried: (None, 0),
        }
    }

    /// Takes over what earlier runs knew, before the first row. After an error nothing may be judged with this.
    ///
    /// # Errors
    /// The state was made with another seed or by a newer version, or a fact of it is none.
    pub fn carry(&mut self, history: &History) -> Result<(), HistoryError> {
        if history.seed() != self.seed {
            return Err(HistoryError::Seed(history.seed()));
        }
        let mut carrier = Carrier::load(history);
        self.carry_all(&mut carrier);
        carrier.loaded()?;
        self.carried = (history.span(), history.left_out());
        if let Some((since, _)) = history.span() {
            self.known.view.known_since(since);
        }
        Ok(())
    }

    /// What is known now, earlier runs' facts included: to be asked before [`Detection::finish`].
    pub fn history(&mut self) -> History {
        let mut carrier = Carrier::save();
        self.carry_all(&mut carrier);
        let (before, left_out) = self.carried;
        let now = self.first.map(|first| (first, self.now));
        let span = match (before, now) {
            (Some(before), Some(now)) => Some((before.0.min(now.0), before.1.max(now.1))),
            (one, other) => one.or(other),
        };
        carrier.saved(self.seed, span, left_out)
    }

    fn carry_all(&mut self, carrier: &mut Carrier<'_>) {
        self.known.carry(carrier);
        self.desk.edges.carry(carrier);
        self.detectors.iter_mut().for_each(|detector| detector.carry(carrier));
    }

    /// The next row of the run, found while packet `packet` was looked at (0: while only time passed).
    pub fn add(&mut self, packet: u64, record: &dyn Record) {
        with_values(record, |values| self.add_values(packet, record.schema(), values));
    }

    /// The same by the row's values.
    pub fn add_values(&mut self, packet: u64, schema: &'static Schema, values: &[Value<'_>]) {
        let at = self.place(schema);
        let Some((_, Some(plan))) = self.types.get(at) else { return };
        let Some((seen, wanted)) = self.by_kind.get_mut(plan.kind() as usize) else { return };
        let (known, desk, detectors, now) = (&mut self.known, &mut self.desk, &mut self.detectors, &mut self.now);
        let first = &mut self.first;
        plan.show(values, &mut |row| {
            let ts = row.ts();
            *now = (*now).max(ts);
            if ts != Timestamp::default() {
                *first = Some(first.map_or(ts, |first| first.min(ts)));
            }
            *seen += 1;
            known.row(row, packet);
            let mut cx = Cx { packet, now: *now, known, desk, destination: Cell::new(None) };
            for i in &*wanted {
                if let Some(detector) = detectors.get_mut(*i) {
                    detector.row(row, &mut cx);
                }
            }
            known.after(row);
        });
    }

    /// Which of the row types it is.
    fn place(&mut self, schema: &'static Schema) -> usize {
        // Most types have a slot of their own.
        let slot = (std::ptr::from_ref(schema).addr() >> 4) % SLOTS;
        let known = self.slots.get(slot).copied().unwrap_or(0);
        if self.types.get(known).is_some_and(|t| std::ptr::eq(t.0, schema)) {
            return known;
        }
        let at = self.types.iter().position(|t| std::ptr::eq(t.0, schema)).unwrap_or_else(|| {
            self.types.push((schema, Plan::new(schema)));
            self.types.len() - 1
        });
        if let Some(known) = self.slots.get_mut(slot) {
            *known = at;
        }
        at
    }

    /// The run is over.
    pub fn finish(mut self) -> Verdict {
        self.known.finish();
        for detector in &mut self.detectors {
            let (known, desk) = (&self.known, &mut self.desk);
            let cx = &mut Cx { packet: 0, now: self.now, known, desk, destination: Cell::new(None) };
            detector.finish(cx);
        }
        self.desk.settle(&self.known.hosts);
        let rows = |i: usize| self.by_kind.iter().filter(|(_, who)| who.contains(&i)).map(|(rows, _)| rows).sum();
        let spent = self.detectors.iter().enumerate().map(|(i, d)| Spent {
            id: d.abouts().first().map_or("", |a| a.id),
            rows: rows(i),
            held_len: d.held_len(),
            forgotten: d.forgotten(),
        });
        let of_known = self.known.forgotten().into_iter();
        let forgotten = of_known.chain([("steps from host to host", self.desk.edges.refused())]);
        let abouts = self.detectors.iter().flat_map(|d| d.abouts()).copied();
        let coverage = self.known.view.coverage(abouts);
        let mut findings = self.desk.take();
        // Now it is known what hosts at home call themselves, and who lied about names.
        let names = self.known.names.settled(&|addr| self.known.hosts.is_internal(addr));
        for f in &mut findings {
            f.names.retain(|(addr, _)| !self.known.hosts.is_internal(*addr));
            let concerned = [f.subject].into_iter().chain(f.peers.named().iter().copied());
            let own: Vec<_> = concerned.filter_map(|addr| Some((addr, names.get(&addr)?.clone()))).collect();
            f.names.extend(own);
        }
        Verdict {
            spent: spent.collect(),
            assets: assets(&findings, &self.known.hosts),
            last: self.now,
            names,
            fetched: self.known.fetches.all(),
            findings,
            refused: self.desk.refused,
            forgotten: forgotten.filter(|(_, count)| *count > 0).collect(),
            dnssec: self.known.dnssec.summary(),
            coverage,
        }
    }
}

/// What the findings' subjects are to the network.
fn assets(findings: &[Finding], hosts: &Hosts) -> Vec<(Addr, Asset)> {
    let mut subjects: Vec<Addr> = findings.iter().map(|f| f.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let asset = |host: Addr| {
        if hosts.is(host, Role::DomainController) {
            Some(Asset::Critical)
        } else {
            hosts.is(host, Role::Server).then_some(Asset::Server)
        }
    };
    subjects.into_iter().filter_map(|host| Some((host, asset(host)?))).collect()
}
