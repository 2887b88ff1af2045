//! The search in rows: what only a parser sees, such as names that were packed, and what is spread over the names of a domain.

use super::ledger::{Entry, Source};
use super::seek::Core;
use hashbrown::HashMap;
use sekisho_hunt::Found;
use sekisho_record::{Record, Value, for_each};
use sekisho_types::{Dir, SeededState, Timestamp, Uid};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Logs without words from the wire.
const WORDLESS: &[&str] = &["analyzer", "conn", "known_hosts", "known_services", "stats", "tunnel", "weird"];
/// Domains whose names are joined.
const DOMAIN_COUNT_MAX: usize = 4096;
/// Bytes joined of one domain's names.
const JOINED_LEN_MAX: usize = 64 << 10;
/// Between values, so that nothing is found over their borders.
const BORDER: u8 = 0;

/// Rows on their way into the search.
pub struct Rows {
    core: Rc<RefCell<Core>>,
    /// The values of one row.
    text: Vec<u8>,
    /// Where each field's values lie in it.
    spans: Vec<(Range<usize>, &'static str)>,
    domains: HashMap<Vec<u8>, Joined, SeededState>,
    /// Names whose domains there was no room for.
    pub names_cut: u64,
}

/// The names below a domain, joined in the order of their queries.
#[derive(Default)]
struct Joined {
    /// All labels.
    all: Vec<u8>,
    /// The longest label of each name.
    longest: Vec<u8>,
    last: Vec<u8>,
    first_ts: Timestamp,
    names: u32,
}

impl Rows {
    pub fn new(core: Rc<RefCell<Core>>, seed: u64) -> Self {
        let domains = HashMap::with_hasher(SeededState(seed));
        Self { core, text: Vec::new(), spans: Vec::new(), domains, names_cut: 0 }
    }

    /// A row.
    pub fn row(&mut self, record: &dyn Record) {
        let log = record.schema().log;
        let (mut uid, mut ts, mut service, mut query) = (None, Timestamp(0), None, None);
        self.text.clear();
        self.spans.clear();
        let (text, spans) = (&mut self.text, &mut self.spans);
        let wordless = WORDLESS.contains(&log);
        for_each(record, &mut |field, value| match (field.name, value) {
            ("uid", Value::Uid(id)) => uid = Some(id),
            ("ts", Value::Time(at)) => ts = at,
            ("service", Value::Str(name)) if log == "conn" => {
                service = Some(String::from_utf8_lossy(name).into_owned())
            }
            ("service", Value::Enum(name)) if log == "conn" => service = Some(name.to_owned()),
            ("service", Value::List(list)) if log == "conn" => service = first(list),
            (name, value) if !wordless && !name.starts_with("id.") => {
                let start = text.len();
                push(text, value, 0);
                if text.len() > start {
                    if (log, name) == ("dns", "query") {
                        query = Some(start..text.len() - 1);
                    }
                    spans.push((start..text.len(), name));
                }
            }
            _ => {}
        });
        if log == "conn"
            && let Some(uid) = uid
        {
            self.core.borrow_mut().conn(uid, service.as_deref());
        }
        if let Some(name) = query.and_then(|q| self.text.get(q)).map(<[u8]>::to_vec) {
            self.join(&name, ts);
        }
        if !self.text.is_empty() {
            self.search(log, uid, ts);
        }
    }

    fn search(&self, log: &str, uid: Option<Uid>, ts: Timestamp) {
        let core = &mut self.core.borrow_mut();
        let mut found = Found::default();
        sekisho_hunt::search(&core.hunt, &self.text, &mut found);
        let packet = if found.hits.is_empty() { None } else { core.packet_at(ts) };
        for hit in found.hits {
            let at = usize::try_from(hit.offset).unwrap_or(usize::MAX);
            let Some((span, name)) = self.spans.iter().find(|s| s.0.contains(&at)) else { continue };
            let end = at.saturating_add(hit.bytes.len());
            // Nothing lies over the border of two fields.
            if hit.path.is_empty() && end > span.end {
                continue;
            }
            let offset = (at - span.start) as u64;
            let entry = Entry {
                flow: uid,
                dir: None,
                ts: Some(ts),
                packet,
                source: Source::Field,
                offset,
                file: None,
                path: Vec::new(),
                fields: vec![format!("{log}.{name}").into()],
                hit: sekisho_hunt::Hit { offset, ..hit },
            };
            core.add_row_hit(entry);
        }
    }

    /// Takes a name apart: what stands before its last two labels is joined with that of other names.
    fn join(&mut self, name: &[u8], ts: Timestamp) {
        let mut dots = name.iter().enumerate().rev().filter(|b| *b.1 == b'.').map(|b| b.0);
        let Some(cut) = dots.nth(1) else { return };
        let (labels, domain) = (&name[..cut], &name[cut + 1..]);
        let room = self.domains.len() < DOMAIN_COUNT_MAX;
        let joined = match self.domains.get_mut(domain) {
            Some(joined) => joined,
            None if room => {
                let joined = Joined { first_ts: ts, ..Joined::default() };
                self.domains.entry(domain.to_vec()).or_insert(joined)
            }
            None => {
                self.names_cut += 1;
                return;
            }
        };
        // Asked again, or for another type.
        if joined.last == labels {
            return;
        }
        if joined.all.len() + labels.len() > JOINED_LEN_MAX {
            self.names_cut += 1;
            return;
        }
        joined.last = labels.to_vec();
        joined.names += 1;
        joined.all.extend(labels.iter().filter(|b| **b != b'.'));
        joined.longest.extend_from_slice(labels.split(|b| *b == b'.').max_by_key(|l| l.len()).unwrap_or(labels));
    }

    /// No more rows: what was joined is searched.
    pub fn finish(&mut self) {
        let core = &mut self.core.borrow_mut();
        let mut domains: Vec<_> = self.domains.drain().filter(|d| d.1.names > 1).collect();
        domains.sort_by(|a, b| a.0.cmp(&b.0));
        for (domain, joined) in domains {
            let mut told: Vec<Vec<u8>> = Vec::new();
            for text in [&joined.all, &joined.longest] {
                let mut found = Found::default();
                sekisho_hunt::search(&core.hunt, text, &mut found);
                for hit in found.hits.into_iter().filter(|h| !h.path.is_empty()) {
                    if told.contains(&hit.bytes) {
                        continue;
                    }
                    told.push(hit.bytes.clone());
                    let name = format!("names below {}", String::from_utf8_lossy(&domain));
                    let entry = Entry {
                        flow: None,
                        dir: Some(Dir::Orig),
                        ts: Some(joined.first_ts),
                        packet: core.packet_at(joined.first_ts),
                        source: Source::Field,
                        offset: hit.offset,
                        file: Some(name.into()),
                        path: Vec::new(),
                        fields: vec!["dns.query".into()],
                        hit,
                    };
                    core.add_row_hit(entry);
                }
            }
        }
    }
}

fn first(list: &dyn sekisho_record::List) -> Option<String> {
    match list.item(0) {
        Value::Str(name) => Some(String::from_utf8_lossy(name).into_owned()),
        Value::Enum(name) => Some(name.to_owned()),
        _ => None,
    }
}

/// A value as text, if it holds something from the wire.
fn push(out: &mut Vec<u8>, value: Value<'_>, depth: u32) {
    use std::io::Write;
    const DEPTH_MAX: u32 = 2;
    match value {
        Value::Str(text) if !text.is_empty() => out.extend_from_slice(text),
        // Writing to memory doesn't fail.
        Value::Addr(addr) => drop(write!(out, "{addr}")),
        Value::Mac(mac) => drop(write!(out, "{mac}")),
        Value::Hex(digest) => digest.iter().for_each(|b| drop(write!(out, "{b:02x}"))),
        Value::List(list) if depth < DEPTH_MAX => {
            return (0..list.len()).for_each(|i| push(out, list.item(i), depth + 1));
        }
        _ => return,
    }
    out.push(BORDER);
}
