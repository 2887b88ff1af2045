//! What is carried from run to run: facts that take longer to know than a capture lasts.
//!
//! A state file is a line of JSON about the whole, a line of JSON for each fact, section by section, and a digest. Sections
//! belong to detectors and to what they share: each names itself and its version, and turns an entry of a table into a row and
//! back ([`Carrier`]).
//!
//! **Time.** A fact is a span of packet time, from when something was first seen until when it was last seen, and spans are
//! joined by their ends. So a capture that is judged twice changes nothing the second time, and two captures leave the same facts
//! in whichever order they come. A judge asks a fact as of the packet at hand: what was first seen later than that does
//! not count as known. So an older capture finds what was new then, and a capture judged again finds the same as before.

use crate::table::Recent;
use sekisho_types::{Interval, Timestamp, seeded_hash};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::hash::Hash;
use std::ops::Range;

/// What the first line calls itself, and the version of all but the sections.
const FORMAT: &str = "sekisho-state";
const VERSION: u64 = 1;

/// Longest state in bytes.
pub const MAX_HISTORY_LEN: usize = 64 << 20;
/// Most facts of a state; the oldest leave first.
pub const MAX_HISTORY_FACTS: usize = 500_000;
/// Facts that were not seen for so long are forgotten (`detections.md` §1.4 P6).
const EXPIRY: Interval = Interval::from_secs(90 * 86_400);
/// Of a thousand facts so many may be of later times than the one from which [`EXPIRY`] counts: packets of a clock that is
/// wrong make nothing old.
const LATE_SHARE: usize = 10;
/// Longest first line, and what is kept free for it and for the last.
const MAX_HEAD_LEN: usize = 64 << 10;
const SPARE_LEN: usize = MAX_HEAD_LEN + 64;
/// Most sections.
const MAX_SECTIONS: usize = 256;

/// Why a state cannot be used. It is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Something else.
    #[error("it is no state of sekisho's")]
    Foreign,
    /// Cut short or changed.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// What this version does not know.
    #[error("it was written by a newer sekisho: {0}")]
    Newer(String),
    /// Digests in it are of another seed.
    #[error("it was made with --seed {0}")]
    Seed(u64),
}

fn damaged(what: impl Into<String>) -> HistoryError {
    HistoryError::Damaged(what.into())
}

/// Facts of earlier runs, or of this one with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    seed: u64,
    /// Packet time of the first and the last row that was judged.
    span: Option<(Timestamp, Timestamp)>,
    left_out: u64,
    sections: Vec<Section>,
    /// Rows, each with its line end.
    text: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    version: u64,
    count: usize,
    /// In the text.
    rows: Range<usize>,
}

impl History {
    /// Of nothing yet, for runs with that seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A state as [`History::bytes`] gave it.
    pub fn read(bytes: &[u8]) -> Result<Self, HistoryError> {
        let head_len =
            memchr::memchr(b'\n', bytes.get(..MAX_HEAD_LEN).unwrap_or(bytes)).ok_or(HistoryError::Foreign)?;
        let head: Value =
            serde_json::from_slice(bytes.get(..head_len).unwrap_or(&[])).map_err(|_| HistoryError::Foreign)?;
        if head.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(HistoryError::Foreign);
        }
        match head.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(version) if version > VERSION => return Err(HistoryError::Newer(format!("version {version}"))),
            _ => return Err(damaged("its version is no number")),
        }
        if bytes.len() > MAX_HISTORY_LEN {
            return Err(damaged("it is too long"));
        }
        let body = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or(&[]);
        let last = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
        let (told, digest) = bytes.split_at(last);
        if digest != digest_of(told).as_bytes() {
            return Err(damaged("its digest does not fit"));
        }
        let number = |key: &str| head.get(key).and_then(Value::as_u64).ok_or_else(|| damaged(key));
        let time = |key: &str| head.get(key).and_then(Value::as_i64).map(Timestamp);
        let mut history = Self {
            seed: number("seed")?,
            span: time("since").zip(time("until")),
            left_out: number("left_out")?,
            sections: Vec::new(),
            text: told.get(head_len + 1..).unwrap_or(&[]).to_vec(),
        };
        let sections = head.get("sections").and_then(Value::as_array).ok_or_else(|| damaged("sections"))?;
        let mut ends = memchr::memchr_iter(b'\n', &history.text).map(|at| at + 1);
        let mut at = 0;
        for section in sections.iter().take(MAX_SECTIONS) {
            let (Some(name), Some(version), Some(count)) = (
                section.get(0).and_then(Value::as_str),
                section.get(1).and_then(Value::as_u64),
                section.get(2).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()),
            ) else {
                return Err(damaged("sections"));
            };
            let from = at;
            if let Some(last) = count.checked_sub(1) {
                at = ends.nth(last).ok_or_else(|| damaged("facts are missing"))?;
            }
            history.sections.push(Section { name: name.to_owned(), version, count, rows: from..at });
        }
        let names = |i: usize| history.sections.iter().skip(i).map(|s| &s.name);
        if at != history.text.len()
            || (0..history.sections.len()).any(|i| names(i + 1).any(|n| names(i).next() == Some(n)))
        {
            return Err(damaged("sections"));
        }
        Ok(history)
    }

    /// As it stands in a file.
    pub fn bytes(&self) -> Vec<u8> {
        let sections: Vec<Value> = self.sections.iter().map(|s| json!([s.name, s.version, s.count])).collect();
        let head = json!({
            "format": FORMAT,
            "version": VERSION,
            "seed": self.seed,
            "since": self.span.map(|s| s.0.0),
            "until": self.span.map(|s| s.1.0),
            "left_out": self.left_out,
            "sections": sections,
        });
        let mut bytes = head.to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.text);
        let digest = digest_of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Seed of the runs that it is for.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Facts in it.
    pub fn count(&self) -> usize {
        self.sections.iter().map(|s| s.count).sum()
    }

    /// Packet time of the first and the last row that was judged, if there was any.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Facts left out for want of room, in all runs together.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn digest_of(bytes: &[u8]) -> String {
    format!("{:016x}\n", seeded_hash(0, bytes))
}

/// When something was last seen that is kept as long as there is a state.
pub(crate) const UNDATED: Timestamp = Timestamp(i64::MAX);

/// A section of the state: its name, and the version of its rows.
pub type Named = (&'static str, u64);

/// Takes facts from a state to tables, or from tables to a state. A detector names each of its sections once, and how an
/// entry becomes a row and a row an entry; which way it goes, it does not ask.
pub struct Carrier<'a>(Way<'a>);

enum Way<'a> {
    Load(Loading<'a>),
    Save(Saving),
}

struct Loading<'a> {
    history: &'a History,
    asked: Vec<&'static str>,
    failed: Option<HistoryError>,
}

#[derive(Default)]
struct Saving {
    sections: Vec<Named>,
    rows: Vec<Saved>,
    text: Vec<u8>,
}

struct Saved {
    last: Timestamp,
    section: usize,
    row: Range<usize>,
}

impl<'a> Carrier<'a> {
    pub fn load(history: &'a History) -> Self {
        Self(Way::Load(Loading { history, asked: Vec::new(), failed: None }))
    }

    pub fn save() -> Self {
        Self(Way::Save(Saving::default()))
    }

    /// The entries of a table: `row` gives when one was last seen and what is kept of it, if it is worth keeping; `entry` the
    /// key and the value of such a row, if it is one.
    pub fn table<K: Eq + Hash, V, R: Serialize + DeserializeOwned>(
        &mut self,
        section: Named,
        table: &mut Recent<K, V>,
        row: impl Fn(&K, &V) -> Option<(Timestamp, R)>,
        entry: impl Fn(R) -> Option<(K, V)>,
    ) {
        match &mut self.0 {
            Way::Save(saving) => {
                let at = saving.begin(section);
                table
                    .iter()
                    .filter_map(|(key, value)| row(key, value))
                    .for_each(|(last, row)| saving.row(at, last, &row));
            }
            Way::Load(loading) => loading.rows(section, |row| {
                let (key, value) = entry(row)?;
                table.at(key, || value);
                Some(())
            }),
        }
    }

    /// The items of a list that is short by itself.
    pub fn list<T, R: Serialize + DeserializeOwned>(
        &mut self,
        section: Named,
        list: &mut Vec<T>,
        most: usize,
        row: impl Fn(&T) -> Option<(Timestamp, R)>,
        item: impl Fn(R) -> Option<T>,
    ) {
        match &mut self.0 {
            Way::Save(saving) => {
                let at = saving.begin(section);
                list.iter().filter_map(row).for_each(|(last, row)| saving.row(at, last, &row));
            }
            Way::Load(loading) => loading.rows(section, |row| {
                let item = item(row)?;
                if list.len() < most {
                    list.push(item);
                }
                Some(())
            }),
        }
    }

    /// All facts were taken from the state: did every row fit?
    pub fn loaded(self) -> Result<(), HistoryError> {
        let Way::Load(Loading { history, asked, failed }) = self.0 else { return Ok(()) };
        let strange = history.sections.iter().find(|s| !asked.contains(&s.name.as_str()));
        match (failed, strange) {
            (Some(error), _) => Err(error),
            (None, Some(section)) => Err(HistoryError::Newer(format!("it knows of '{}'", shown(&section.name)))),
            (None, None) => Ok(()),
        }
    }

    /// The state of all facts, for runs with that seed, of rows in `span`; `left_out` facts were left out before.
    pub fn saved(self, seed: u64, span: Option<(Timestamp, Timestamp)>, left_out: u64) -> History {
        let Way::Save(saving) = self.0 else { return History::new(seed) };
        saving.history(seed, span, left_out)
    }
}

/// Words of a file, for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

impl Loading<'_> {
    fn rows<R: DeserializeOwned>(&mut self, (name, version): Named, mut take: impl FnMut(R) -> Option<()>) {
        self.asked.push(name);
        let Some(section) = self.history.sections.iter().find(|s| s.name == name) else { return };
        if section.version > version {
            let newer = format!("version {} of '{name}'", section.version);
            self.failed.get_or_insert(HistoryError::Newer(newer));
            return;
        }
        // What an older version wrote of this section begins anew.
        if section.version < version {
            return;
        }
        let rows = self.history.text.get(section.rows.clone()).unwrap_or(&[]);
        for line in rows.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            if serde_json::from_slice(line).ok().and_then(&mut take).is_none() {
                self.failed.get_or_insert(damaged(format!("a fact of '{name}'")));
                return;
            }
        }
    }
}

impl Saving {
    fn begin(&mut self, section: Named) -> usize {
        self.sections.push(section);
        self.sections.len() - 1
    }

    fn row(&mut self, section: usize, last: Timestamp, row: &impl Serialize) {
        let from = self.text.len();
        if serde_json::to_writer(&mut self.text, row).is_err() {
            self.text.truncate(from);
            return;
        }
        self.text.push(b'\n');
        self.rows.push(Saved { last, section, row: from..self.text.len() });
    }

    fn history(self, seed: u64, span: Option<(Timestamp, Timestamp)>, mut left_out: u64) -> History {
        let Self { sections, mut rows, text } = self;
        let bytes = |row: &Saved| text.get(row.row.clone()).unwrap_or(&[]);
        // The newest first, and of equal age by what they say, so that tables' order shows nowhere.
        rows.sort_unstable_by(|a, b| {
            (b.last, b.section).cmp(&(a.last, a.section)).then_with(|| bytes(a).cmp(bytes(b)))
        });
        let undated = rows.partition_point(|row| row.last == UNDATED);
        let newest = rows.get(undated + (rows.len() - undated) * LATE_SHARE / 1000).map_or(UNDATED, |row| row.last);
        let oldest = Timestamp(newest.0.saturating_sub(EXPIRY.0));
        rows.truncate(rows.partition_point(|row| row.last >= oldest));
        let mut len = SPARE_LEN;
        let fits = |(i, row): &(usize, &Saved)| {
            len += row.row.len();
            *i < MAX_HISTORY_FACTS && len <= MAX_HISTORY_LEN
        };
        let kept = rows.iter().enumerate().take_while(fits).count();
        left_out = left_out.saturating_add(u64::try_from(rows.len() - kept).unwrap_or(0));
        rows.truncate(kept);
        // In a section the oldest stand first: a table that has become smaller forgets those.
        rows.reverse();
        rows.sort_by_key(|row| row.section);
        let mut history = History { seed, span, left_out, sections: Vec::new(), text: Vec::new() };
        let mut rest = rows.as_slice();
        for (i, (name, version)) in sections.iter().enumerate() {
            let (mine, others) = rest.split_at(rest.partition_point(|row| row.section <= i));
            let from = history.text.len();
            mine.iter().for_each(|row| history.text.extend_from_slice(bytes(row)));
            let rows = from..history.text.len();
            history.sections.push(Section { name: (*name).to_owned(), version: *version, count: mine.len(), rows });
            rest = others;
        }
        history
    }
}

/// When something was seen: in the rows of this run, and before it by the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    here: Option<(Timestamp, Timestamp)>,
    before: Option<(Timestamp, Timestamp)>,
}

impl Seen {
    /// As a row of a state tells.
    pub fn carried(first: i64, last: i64) -> Self {
        Self { here: None, before: Some((Timestamp(first), Timestamp(last.max(first)))) }
    }

    /// It is seen at `ts`: was it known then? Since it was seen last, no more than `within` may have passed.
    pub fn again(&mut self, ts: Timestamp, within: Interval) -> bool {
        let known = self.is_known(ts, within);
        self.here = Some(self.here.map_or((ts, ts), |(first, last)| (first.min(ts), last.max(ts))));
        known
    }

    /// As [`Seen::again`]. If it was not seen for so long before `ts` that it is not known any more, it begins anew.
    pub fn anew(&mut self, ts: Timestamp, within: Interval) -> bool {
        let is_over =
            |span: Option<(Timestamp, Timestamp)>| span.is_none_or(|(_, last)| ts.0.saturating_sub(last.0) >= within.0);
        if is_over(self.here) && is_over(self.before) {
            *self = Self::default();
        }
        self.again(ts, within)
    }

    /// Is it known at `ts`, and was it seen within that time before?
    pub fn is_known(&self, ts: Timestamp, within: Interval) -> bool {
        let recent = |last: Timestamp| ts.0.saturating_sub(last.0) < within.0;
        // Rows come when what they tell of is over, so those of this run may be younger.
        self.here.is_some_and(|(_, last)| recent(last)) || self.was_known(ts, within)
    }

    /// Was it seen in an earlier run, and before `ts` by no more than `within`?
    pub fn was_known(&self, ts: Timestamp, within: Interval) -> bool {
        self.before.is_some_and(|(first, last)| first < ts && ts.0.saturating_sub(last.0) < within.0)
    }

    /// First and last time.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        match (self.here, self.before) {
            (Some(here), Some(before)) => (here.0.min(before.0), here.1.max(before.1)),
            (Some(span), None) | (None, Some(span)) => span,
            (None, None) => <(Timestamp, Timestamp)>::default(),
        }
    }

    /// Does a state tell of it?
    pub fn is_carried(&self) -> bool {
        self.before.is_some()
    }

    /// First and last time in this run.
    pub fn here(&self) -> (Timestamp, Timestamp) {
        self.here.unwrap_or_default()
    }

    /// Was the first time of all in this run?
    pub fn began_here(&self) -> bool {
        self.here.is_some_and(|here| self.before.is_none_or(|before| here.0 <= before.0))
    }
}

#[cfg(test)]
mod tests;
