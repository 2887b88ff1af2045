//! What stands in the lists.

use crate::formats::{self, Format};
use crate::indicator::{Indicator, MAX_NAME_LEN, url_key};
use hashbrown::HashMap;
use sekisho_types::{Addr, SeededState, Subnet, Timestamp};

/// Most entries of all lists together; further ones are not taken, and said.
pub const MAX_ENTRIES: usize = 2_000_000;

/// Longest list read, bytes.
pub const MAX_LIST_LEN: usize = 256 << 20;

/// Problems of a list that are kept; of more, how many.
pub const MAX_PROBLEMS: usize = 20;

/// Different labels kept; entries with others have none.
const MAX_LABELS: usize = 65_536;

/// Longest label kept, bytes.
const MAX_LABEL_LEN: usize = 120;

/// Labels of a name that are looked at, from the top.
const MAX_NAME_LABELS: usize = 32;

/// Beginnings of a URL that are looked at, the shortest first.
const MAX_URL_PARTS: usize = 32;

/// Seed of the tables: their keys are the user's own.
const SEED: u64 = 0x1ec7_1157;

/// Where something is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    list: u16,
    label: u32,
    /// Line of the list, from 1; in JSON the number of the attribute.
    pub line: u32,
    /// It is no longer true from then on, as the list says.
    pub expires: Option<Timestamp>,
}

/// Something in a list that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0: the list as a whole.
    pub line: u32,
    /// What is wrong.
    pub what: String,
}

/// A list that was read.
#[derive(Clone, Debug)]
pub struct List {
    /// As the user names it.
    pub name: String,
    /// When it was made, as far as is known.
    pub date: Option<Timestamp>,
    /// How it was read.
    pub format: Format,
    /// Entries taken.
    pub entries: u64,
    /// Entries of kinds that nobody looks for: mail addresses, user names.
    pub others: u64,
    /// What can't be used: the first [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How much can't be used.
    pub problem_count: u64,
}

type Map<K> = HashMap<K, Entry, SeededState>;

/// See the module.
#[derive(Clone, Debug)]
pub struct Table {
    lists: Vec<List>,
    labels: Vec<String>,
    label_of: HashMap<String, u32, SeededState>,
    addrs: Map<Addr>,
    /// By length of the prefix, the longest first.
    nets: Vec<(u8, bool, Map<Addr>)>,
    domains: Map<String>,
    urls: Map<String>,
    hashes: Map<String>,
    clients: Map<String>,
    count: usize,
}

impl Default for Table {
    fn default() -> Self {
        fn empty<K>() -> Map<K> {
            HashMap::with_hasher(SeededState(SEED))
        }
        Self {
            lists: Vec::new(),
            labels: Vec::new(),
            label_of: HashMap::with_hasher(SeededState(SEED)),
            addrs: empty(),
            nets: Vec::new(),
            domains: empty(),
            urls: empty(),
            hashes: empty(),
            clients: empty(),
            count: 0,
        }
    }
}

/// What a format's reader finds, on its way into the table.
pub(crate) struct Adding<'a> {
    table: &'a mut Table,
    list: List,
    number: u16,
}

impl Adding<'_> {
    /// An indicator of line `line`.
    pub fn entry(&mut self, line: u32, text: &str, label: &str, expires: Option<Timestamp>) {
        match Indicator::parse(text) {
            Ok(indicator) => self.indicator(line, indicator, label, expires),
            Err(why) => self.problem(line, format!("{:?}: {why}", cut(text, 60))),
        }
    }

    pub fn indicator(&mut self, line: u32, indicator: Indicator, label: &str, expires: Option<Timestamp>) {
        if self.table.count >= MAX_ENTRIES {
            return self.problem(line, format!("more than {MAX_ENTRIES} entries"));
        }
        let label = self.table.label_number(label);
        self.table.insert(indicator, Entry { list: self.number, label, line, expires });
        self.list.entries += 1;
    }

    /// An entry that nobody looks for.
    pub fn other(&mut self) {
        self.list.others += 1;
    }

    pub fn problem(&mut self, line: u32, what: String) {
        self.list.problem_count += 1;
        if self.list.problems.len() < MAX_PROBLEMS {
            self.list.problems.push(Problem { line, what });
        }
    }

    pub fn date(&mut self, date: Timestamp) {
        self.list.date = Some(date);
    }
}

fn cut(text: &str, len: usize) -> &str {
    let end = (0..=len.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

impl Table {
    /// Adds a list: its name, its text, and when it was made, where the text itself does not say so.
    pub fn add(&mut self, name: &str, text: &[u8], date: Option<Timestamp>) {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let whole = text.get(..MAX_LIST_LEN).unwrap_or(text);
        let format = Format::of(whole);
        let (problems, name) = (Vec::new(), name.to_owned());
        let list = List { name, date, format, entries: 0, others: 0, problems, problem_count: 0 };
        let number = u16::try_from(self.lists.len()).unwrap_or(u16::MAX);
        let mut adding = Adding { table: self, list, number };
        if number == u16::MAX {
            adding.problem(0, "too many lists".to_owned());
        } else {
            formats::read(format, whole, &mut adding);
        }
        if whole.len() < text.len() {
            adding.problem(0, format!("longer than {MAX_LIST_LEN} bytes; the rest is not read"));
        }
        let list = adding.list;
        self.lists.push(list);
    }

    /// Nothing listed?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The lists, in the order added.
    pub fn lists(&self) -> &[List] {
        &self.lists
    }

    /// Are there digests of `hex_len` hexadecimal digits: 32 of MD5, 40 of SHA-1, 64 of SHA-256?
    pub fn has_hashes(&self, hex_len: usize) -> bool {
        self.hashes.keys().any(|h| h.len() == hex_len)
    }

    /// The list of an entry.
    pub fn list(&self, entry: &Entry) -> Option<&List> {
        self.lists.get(usize::from(entry.list))
    }

    /// What the list says of it; may be empty.
    pub fn label(&self, entry: &Entry) -> &str {
        let at = entry.label.checked_sub(1).and_then(|l| usize::try_from(l).ok());
        at.and_then(|l| self.labels.get(l)).map_or("", String::as_str)
    }

    /// The address, or the smallest network around it.
    pub fn addr(&self, addr: Addr) -> Option<(Indicator, &Entry)> {
        if let Some(entry) = self.addrs.get(&addr) {
            return Some((Indicator::Addr(addr), entry));
        }
        let of_kind = self.nets.iter().filter(|n| n.1 == addr.is_v4());
        of_kind
            .filter_map(|(bits, _, nets)| Some((*bits, nets, Subnet::new(addr, *bits)?)))
            .find_map(|(_, nets, net)| Some((Indicator::Net(net), nets.get(&net.network())?)))
    }

    /// The name, or the nearest name above it.
    pub fn domain(&self, name: &[u8]) -> Option<(Indicator, &Entry)> {
        if self.domains.is_empty() || name.len() > MAX_NAME_LEN + 1 {
            return None;
        }
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let starts = name.match_indices('.').map(|(i, _)| i + 1);
        let mut starts: Vec<usize> = [0].into_iter().chain(starts).collect();
        let deep = starts.len().saturating_sub(MAX_NAME_LABELS);
        starts.drain(..deep);
        starts.into_iter().find_map(|start| {
            let part = name.get(start..)?;
            Some((Indicator::Domain(part.to_owned()), self.domains.get(part)?))
        })
    }

    /// The URL, or a listed one that it is below.
    pub fn url(&self, host: &[u8], path: &[u8]) -> Option<(Indicator, &Entry)> {
        if self.urls.is_empty() {
            return None;
        }
        let key = url_key(host, path)?;
        let ends = key.match_indices(['/', '?']).map(|(i, _)| i).take(MAX_URL_PARTS);
        ends.chain([key.len()]).find_map(|end| {
            let part = key.get(..end)?;
            Some((Indicator::Url(part.to_owned()), self.urls.get(part)?))
        })
    }

    /// A digest, in hexadecimal.
    pub fn hash(&self, hex: &str) -> Option<(Indicator, &Entry)> {
        if self.hashes.is_empty() {
            return None;
        }
        let hex = hex.to_ascii_lowercase();
        let entry = self.hashes.get(&hex)?;
        Some((Indicator::Hash(hex), entry))
    }

    /// The JA4 of a TLS client, or an entry for any ciphers.
    pub fn client(&self, ja4: &str) -> Option<(Indicator, &Entry)> {
        if self.clients.is_empty() {
            return None;
        }
        if let Some(entry) = self.clients.get(ja4) {
            return Some((Indicator::Client(ja4.to_owned()), entry));
        }
        let (head, rest) = ja4.split_once('_')?;
        let any = format!("{head}_*_{}", rest.split_once('_')?.1);
        let entry = self.clients.get(&any)?;
        Some((Indicator::Client(any), entry))
    }

    fn label_number(&mut self, label: &str) -> u32 {
        let label = cut(label.trim(), MAX_LABEL_LEN);
        if label.is_empty() {
            return 0;
        }
        if let Some(number) = self.label_of.get(label) {
            return *number;
        }
        if self.labels.len() >= MAX_LABELS {
            return 0;
        }
        self.labels.push(label.to_owned());
        let number = u32::try_from(self.labels.len()).unwrap_or(0);
        self.label_of.insert(label.to_owned(), number);
        number
    }

    /// The first list that names something is the one that counts.
    fn insert(&mut self, indicator: Indicator, entry: Entry) {
        let before = self.len();
        match indicator {
            Indicator::Addr(addr) => _ = self.addrs.entry(addr).or_insert(entry),
            Indicator::Net(net) => {
                let (bits, v4) = (net.prefix_len(), net.network().is_v4());
                let at = self.nets.iter().position(|n| (n.0, n.1) == (bits, v4)).unwrap_or_else(|| {
                    let at = self.nets.partition_point(|n| n.0 > bits);
                    self.nets.insert(at, (bits, v4, HashMap::with_hasher(SeededState(SEED))));
                    at
                });
                if let Some((_, _, nets)) = self.nets.get_mut(at) {
                    nets.entry(net.network()).or_insert(entry);
                }
            }
            Indicator::Domain(name) => _ = self.domains.entry(name).or_insert(entry),
            Indicator::Url(url) => _ = self.urls.entry(url).or_insert(entry),
            Indicator::Hash(hash) => _ = self.hashes.entry(hash).or_insert(entry),
            Indicator::Client(ja4) => _ = self.clients.entry(ja4).or_insert(entry),
        }
        self.count += self.len() - before;
    }

    fn len(&self) -> usize {
        let nets: usize = self.nets.iter().map(|n| n.2.len()).sum();
        self.addrs.len() + nets + self.domains.len() + self.urls.len() + self.hashes.len() + self.clients.len()
    }
}
