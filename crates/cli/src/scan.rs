//! Holds contents against rules and lists of hashes, each different content once, and tells what it finds.

use crate::signatures::Signatures;
use anyhow::{Context, Result};
use hashbrown::HashMap;
use sekisho_files::IndexEntry;
use sekisho_output::{JsonEncoder, JsonStyle};
use sekisho_record::{Digest, Record};
use sekisho_signature::{Digests, Hit, MatchRecord, Outcome, Wanted};
use sekisho_types::SeededState;
use sekisho_unpack::{Completeness, Content, Form, Member};
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;

/// Contents remembered, so that equal ones aren't scanned again; when there are more, all are forgotten.
const SEEN_COUNT_MAX: usize = 1 << 20;

/// Matches remembered with them.
const SEEN_MATCH_COUNT_MAX: usize = 10_000;

/// Bytes of lines that may wait for the end.
const HELD_LEN_MAX: usize = 64 << 20;

/// Places told in a line for people.
const TOLD_PLACE_COUNT: usize = 3;

/// What was found in one content.
#[derive(Default)]
struct Findings {
    outcome: Outcome,
    /// By number of the list.
    hits: Vec<(usize, Hit)>,
}

/// What scanning came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Different contents scanned.
    pub contents: u64,
    /// Their bytes.
    pub len: u64,
    /// Rows told.
    pub matches: u64,
    /// Contents longer than the limit.
    pub cut: u64,
    /// Contents for which time was up.
    pub timed_out: u64,
    /// Contents on which the scanner failed.
    pub failed: u64,
    /// Contents that more rules match than are told.
    pub crowded: u64,
    /// Lines that found no room; their rows were written.
    pub untold: u64,
}

impl Totals {
    /// What was scanned and what was left out, on standard error.
    pub fn say(&self, quiet: bool) {
        if !quiet {
            eprintln!(
                "sekisho: {} matches in {} different contents of {} bytes",
                self.matches, self.contents, self.len
            );
            if self.cut > 0 {
                eprintln!("sekisho: {} contents were scanned up to --scan-size", self.cut);
            }
        }
        for (count, what) in [
            (self.timed_out, "contents were not scanned to the end: --scan-time"),
            (self.crowded, "contents have more matches than are told"),
            (self.failed, "contents made the scanner fail, which is a bug"),
            (self.untold, "matches were not printed: too many"),
        ] {
            if count > 0 {
                eprintln!("sekisho: {count} {what}");
            }
        }
    }
}

/// Lines for standard output.
pub enum Told {
    /// As they come.
    Now(Box<dyn Write>),
    /// At the end; what is held until then.
    Later(Vec<u8>),
}

impl Told {
    /// Lines are written as they come.
    pub fn now() -> Self {
        Self::Now(Box::new(BufWriter::new(io::stdout())))
    }

    /// Lines wait for the end.
    pub fn later() -> Self {
        Self::Later(Vec::new())
    }

    /// False if there is no room.
    fn line(&mut self, line: &[u8]) -> io::Result<bool> {
        match self {
            Self::Now(out) => out.write_all(line)?,
            Self::Later(held) if held.len() + line.len() <= HELD_LEN_MAX => held.extend_from_slice(line),
            Self::Later(_) => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Now(mut out) => out.flush(),
            Self::Later(held) => io::stdout().write_all(&held),
        }
    }
}

/// Scans contents.
pub struct Scan {
    signatures: Signatures,
    wanted: Wanted,
    content_len: u64,
    seen: HashMap<[u8; 32], Option<Rc<Findings>>, SeededState>,
    seen_matches: usize,
    rows: Option<Rows>,
    told: Told,
    json: Option<JsonEncoder>,
    line: Vec<u8>,
    failure: Option<io::Error>,
    /// Sums so far.
    pub totals: Totals,
}

/// `matches.ndjson`.
struct Rows {
    out: Box<dyn Write>,
    encoder: JsonEncoder,
}

impl Scan {
    /// Scans at most `content_len` bytes of each content. Lines go to `told`, as JSON if `json`; rows to `rows`.
    pub fn new(
        signatures: Signatures,
        content_len: u64,
        told: Told,
        json: bool,
        rows: Option<Box<dyn Write>>,
        seed: u64,
    ) -> Self {
        let schema = MatchRecord::static_schema();
        Self {
            wanted: signatures.wanted(),
            signatures,
            content_len,
            seen: HashMap::with_hasher(SeededState(seed)),
            seen_matches: 0,
            rows: rows.map(|out| Rows { out, encoder: JsonEncoder::new(schema, JsonStyle::Zeek) }),
            told,
            json: json.then(|| JsonEncoder::new(schema, JsonStyle::Ndjson)),
            line: Vec::new(),
            failure: None,
            totals: Totals::default(),
        }
    }

    /// One content: a file (the outermost member) or what was in it.
    pub fn member(&mut self, file: &IndexEntry, member: &Member<'_>, content: &Content<'_>) {
        let is_file = member.parent.is_none();
        if *member.form != Form::File || self.failure.is_some() {
            return;
        }
        let name = match member.step() {
            Some(step) if !is_file => Some(step.name.to_vec().into()).filter(|_| !step.name.is_empty()),
            _ => file.name.clone(),
        };
        let whole = member.completeness == Completeness::Complete && (!is_file || file.complete);
        let about = MatchRecord {
            ts: file.ts,
            fuid: file.fuid,
            uid: file.uid,
            path: (!is_file).then(|| member.path_text()),
            member: u64::from(member.id.0),
            name,
            size: content.len(),
            sha256: Some(Digest(member.sha256)),
            complete: whole,
            incomplete: (!whole)
                .then(|| if is_file { "the file has holes or is cut".into() } else { member.completeness.to_string() }),
            ..MatchRecord::default()
        };
        let result = self.result(&about, member, content);
        let shown = shown(file, member);
        for (list, hit) in &result.hits {
            if let Some(list) = self.signatures.lists.get(*list) {
                let row = about.clone().with_hash(list, *hit);
                self.tell(&shown, &row);
            }
        }
        for found in &result.outcome.matches {
            let row = about.clone().with_rule(found, &result.outcome);
            self.tell(&shown, &row);
        }
    }

    /// What is to be found in a content, from memory if an equal one was scanned.
    fn result(&mut self, about: &MatchRecord, member: &Member<'_>, content: &Content<'_>) -> Rc<Findings> {
        match self.seen.get(&member.sha256) {
            Some(Some(result)) => return Rc::clone(result),
            Some(None) => return Rc::default(),
            None => {}
        }
        let result = Rc::new(self.scanned(about, member, content));
        let count = result.outcome.matches.len() + result.hits.len();
        if self.seen.len() >= SEEN_COUNT_MAX || self.seen_matches + count > SEEN_MATCH_COUNT_MAX {
            self.seen.clear();
            self.seen_matches = 0;
        }
        self.seen_matches += count;
        self.seen.insert(member.sha256, (count > 0).then(|| Rc::clone(&result)));
        result
    }

    fn scanned(&mut self, about: &MatchRecord, member: &Member<'_>, content: &Content<'_>) -> Findings {
        let mut result = Findings::default();
        self.totals.contents += 1;
        self.totals.len += content.len().min(self.content_len);
        let mut digests = Digests { sha256: Some(member.sha256), ..Digests::default() };
        digests.complete(self.wanted, &mut |take| {
            content.pieces(&mut |piece| {
                take(piece);
                true
            });
        });
        for (i, list) in self.signatures.lists.iter().enumerate() {
            result.hits.extend(list.find(&digests).map(|hit| (i, hit)));
        }
        if let Some(rules) = &self.signatures.rules {
            let kind = member.kind.name().to_ascii_uppercase();
            result.outcome = rules.scan(&beginning(content, self.content_len), &about.externals(&kind));
            result.outcome.cut |= content.len() > self.content_len;
        }
        let Outcome { cut, timed_out, failed, left_out_count, .. } = result.outcome;
        self.totals.cut += u64::from(cut);
        self.totals.timed_out += u64::from(timed_out);
        self.totals.failed += u64::from(failed);
        self.totals.crowded += u64::from(left_out_count > 0);
        result
    }

    fn tell(&mut self, shown: &str, row: &MatchRecord) {
        self.totals.matches += 1;
        let mut write = || {
            if let Some(rows) = &mut self.rows {
                self.line.clear();
                rows.encoder.encode(row, &mut self.line);
                rows.out.write_all(&self.line)?;
            }
            self.line.clear();
            match &mut self.json {
                Some(encoder) => {
                    encoder.encode(row, &mut self.line);
                }
                None => people(shown, row, &mut self.line),
            }
            self.told.line(&self.line)
        };
        match write() {
            Ok(told) => self.totals.untold += u64::from(!told),
            Err(e) => {
                self.failure.get_or_insert(e);
            }
        }
    }

    /// Everything is written.
    pub fn finish(mut self) -> Result<Totals> {
        if let Some(e) = self.failure.take() {
            return Err(e).context("cannot write matches");
        }
        self.told.finish().context("cannot write matches")?;
        if let Some(rows) = &mut self.rows {
            rows.out.flush().context("cannot write matches.ndjson")?;
        }
        Ok(self.totals)
    }
}

/// The first `len` bytes, copied only if they aren't in memory in one piece.
fn beginning<'c>(content: &'c Content<'_>, len: u64) -> Cow<'c, [u8]> {
    let usable = usize::try_from(content.len().min(len)).unwrap_or(usize::MAX);
    if let Some(bytes) = content.as_slice() {
        return Cow::Borrowed(bytes.get(..usable).unwrap_or(bytes));
    }
    let mut bytes = Vec::with_capacity(usable);
    content.pieces(&mut |piece| {
        let left = usable.saturating_sub(bytes.len());
        bytes.extend_from_slice(piece.get(..left).unwrap_or(piece));
        bytes.len() < usable
    });
    Cow::Owned(bytes)
}

/// Where a content is, in one line: `C4J4Th3PJpwUYZZ6gc HTTP report.tgz → gzip → tar:b.txt`.
fn shown(file: &IndexEntry, member: &Member<'_>) -> String {
    let name = file.name.as_ref().map_or_else(|| file.fuid.to_string(), |n| n.0.escape_ascii().to_string());
    let mut shown = format!("{} {} {name}", file.uid, file.protocol);
    if member.parent.is_some() {
        shown.push_str(" → ");
        shown.push_str(&member.path_text());
    }
    shown
}

/// A line for people: `WHERE: RULE [TAGS] "DESCRIPTION" $a@0x1f+6:needle`.
fn people(shown: &str, row: &MatchRecord, out: &mut Vec<u8>) {
    let printable = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let mut line = format!("{shown}: ");
    match (&row.rule, &row.list) {
        (Some(rule), _) => line.push_str(rule),
        (None, Some(list)) => {
            let (hash, at) = (row.list_hash.unwrap_or_default(), row.list_line.unwrap_or_default());
            line.push_str(&format!("{hash} in {} line {at}", printable(list)));
        }
        (None, None) => {}
    }
    if !row.tags.0.is_empty() {
        line.push_str(&format!(" [{}]", row.tags.0.join(" ")));
    }
    if let Some(description) = &row.description {
        line.push_str(&format!(" \"{}\"", printable(description)));
    }
    for place in row.strings.0.iter().take(TOLD_PLACE_COUNT) {
        line.push(' ');
        line.push_str(place);
    }
    let more = row.string_count.saturating_sub(TOLD_PLACE_COUNT as u64);
    if more > 0 {
        line.push_str(&format!(" and {more} more"));
    }
    if let Some(why) = &row.incomplete {
        line.push_str(&format!(" ({why})"));
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}
