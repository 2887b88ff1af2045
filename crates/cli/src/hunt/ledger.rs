//! The hits, each told once: where it is deepest.

use hashbrown::{HashMap, HashSet};
use sekisho_hunt::Hit;
use sekisho_types::{Dir, FlowInfo, SeededState, Timestamp, Uid};
use std::rc::Rc;

/// Hits held before what is certain is told.
pub const HELD_COUNT_MAX: usize = 50_000;
/// Flows whose service is remembered for files that end after them.
const SERVICE_COUNT_MAX: usize = 100_000;
/// Labels of fields on one hit.
const FIELD_COUNT_MAX: usize = 4;
/// Packets by which the same bytes may differ as a stream and as a file: some parsers hold a line back.
const NEAR_PACKETS: u64 = 16;

/// Where the searched bytes are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A frame as captured.
    Frame,
    /// A field of a row.
    Field,
    /// Payloads of datagrams.
    Datagram,
    /// A TCP stream.
    Stream,
    /// What a TLS session carries, opened with keys.
    Decrypted,
    /// A file that a protocol carried, or a member of one, or of a stream.
    File,
}

impl Source {
    /// Its name in JSON.
    pub fn name(self, path: &[String]) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Field => "field",
            Self::Datagram => "datagram",
            Self::Stream => "stream",
            Self::Decrypted => "decrypted",
            Self::File if path.is_empty() => "file",
            Self::File => "member",
        }
    }
}

/// A hit and where it is.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its flow, if it is in one.
    pub flow: Option<Uid>,
    /// Who sent it.
    pub dir: Option<Dir>,
    /// Time of the packet.
    pub ts: Option<Timestamp>,
    /// The packet that brought its first byte.
    pub packet: Option<u64>,
    /// Where the bytes are from.
    pub source: Source,
    /// Offset in the stream, file, frame or field.
    pub offset: u64,
    /// The file's name.
    pub file: Option<Rc<str>>,
    /// Steps from the file or stream to the member.
    pub path: Vec<String>,
    /// Log and field; of a hit elsewhere: the fields that show the same.
    pub fields: Vec<Rc<str>>,
    /// The hit; its offset is in the innermost content.
    pub hit: Hit,
}

/// What is known of a flow that has hits.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The ends.
    pub info: FlowInfo,
    /// What is spoken.
    pub service: Option<Rc<str>>,
}

/// All hits so far.
pub struct Ledger {
    entries: Vec<Entry>,
    /// Flows of entries that are frames.
    frame_flows: HashMap<u64, Vec<Uid>, SeededState>,
    /// Flows with hits.
    pub flows: HashMap<Uid, Facts, SeededState>,
    services: HashMap<Uid, Rc<str>, SeededState>,
    names: HashSet<Rc<str>, SeededState>,
    /// Hits of open flows that were told before the flows' ends, because there were too many.
    pub early: u64,
}

type Key<'k> = (usize, &'k [u8]);

fn key(entry: &Entry) -> Key<'_> {
    (entry.hit.pattern, &entry.hit.bytes)
}

impl Ledger {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        let state = SeededState(seed);
        Self {
            entries: Vec::new(),
            frame_flows: HashMap::with_hasher(state),
            flows: HashMap::with_hasher(state),
            services: HashMap::with_hasher(state),
            names: HashSet::with_hasher(state),
            early: 0,
        }
    }

    /// One more.
    pub fn add(&mut self, entry: Entry, info: Option<&FlowInfo>) {
        if let Some(info) = info {
            let service = self.services.get(&info.uid).cloned();
            let facts = self.flows.entry(info.uid).or_insert_with(|| Facts { info: *info, service });
            facts.info = *info;
        }
        self.entries.push(entry);
    }

    /// A frame that has hits belongs to flow `uid`.
    pub fn frame_of(&mut self, packet: u64, uid: Uid) {
        self.frame_flows.entry(packet).or_default().push(uid);
    }

    /// The flow's conn row.
    pub fn service(&mut self, uid: Uid, service: &str) {
        let name = match self.names.get(service) {
            Some(name) => Rc::clone(name),
            None => {
                let name: Rc<str> = service.into();
                self.names.insert(Rc::clone(&name));
                name
            }
        };
        if let Some(facts) = self.flows.get_mut(&uid) {
            facts.service = Some(name);
        } else if self.services.len() < SERVICE_COUNT_MAX {
            self.services.insert(uid, name);
        }
    }

    /// Too many to be held?
    pub fn is_full(&self) -> bool {
        self.entries.len() >= HELD_COUNT_MAX
    }

    /// The hits, each once, in the order of their packets. Those of flows that `is_open` says may still be told better
    /// stay, unless they are too many.
    pub fn settle(&mut self, is_open: &dyn Fn(Uid) -> bool) -> Vec<Entry> {
        let entries = std::mem::take(&mut self.entries);
        let waits = |e: &Entry| {
            let flows = self.frame_flows.get(&e.packet.unwrap_or(0)).into_iter().flatten().copied();
            e.source < Source::File && e.flow.into_iter().chain(flows).any(is_open)
        };
        let (mut stay, mut ready): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(waits);
        if stay.len() > HELD_COUNT_MAX / 2 {
            self.early += stay.len() as u64;
            ready.append(&mut stay);
        }
        let mut told = self.once(ready);
        self.entries = stay;
        told.sort_by_key(|e| (e.packet.unwrap_or(u64::MAX), e.ts, e.source, e.offset, e.hit.offset));
        told
    }

    fn once(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let state = SeededState(0x68756e74);
        // Who has the same bytes, by flow; and anywhere.
        let mut same: HashMap<(Option<Uid>, Key<'_>), Vec<usize>, SeededState> = HashMap::with_hasher(state);
        let mut anywhere: HashSet<Key<'_>, SeededState> = HashSet::with_hasher(state);
        for (i, e) in entries.iter().enumerate() {
            same.entry((e.flow, key(e))).or_default().push(i);
            if e.source > Source::Field {
                anywhere.insert(key(e));
            }
        }
        let mut gone = vec![false; entries.len()];
        let mut labels: Vec<(usize, Rc<str>)> = Vec::new();
        for ((flow, _), group) in &same {
            cover(&entries, group, &mut gone);
            if flow.is_some() {
                fields(&entries, group, &mut gone, &mut labels);
            }
        }
        for (i, e) in entries.iter().enumerate() {
            gone[i] |= match e.source {
                // What is joined from many rows is told only if it is nowhere else.
                Source::Field if e.flow.is_none() => anywhere.contains(&key(e)),
                Source::Frame => {
                    let flows = self.frame_flows.get(&e.packet.unwrap_or(0)).into_iter().flatten();
                    let mut flows = flows.copied().map(Some);
                    flows.any(|flow| same.get(&(flow, key(e))).is_some_and(|g| !g.is_empty()))
                }
                _ => false,
            };
        }
        drop((same, anywhere));
        let mut entries = entries;
        for e in entries.iter_mut().filter(|e| e.source == Source::Frame) {
            e.flow = self.frame_flows.get(&e.packet.unwrap_or(0)).and_then(|f| f.last()).copied();
        }
        for (i, field) in labels {
            let fields = &mut entries[i].fields;
            if fields.len() < FIELD_COUNT_MAX && !fields.contains(&field) {
                fields.push(field);
                fields.sort();
            }
        }
        let mut gone = gone.into_iter();
        entries.retain(|_| !gone.next().unwrap_or(false));
        entries
    }
}

/// Each hit in a file stands for one in the stream that brought it: of the same packet, else of one near by.
fn cover(entries: &[Entry], group: &[usize], gone: &mut [bool]) {
    let place = |i: usize| entries.get(i).map_or((None, 0), |e| (e.dir, e.packet.unwrap_or(0)));
    let is_file = |i: &usize| entries[*i].source == Source::File;
    let is_plain = |i: &usize| matches!(entries[*i].source, Source::Datagram | Source::Stream | Source::Decrypted);
    let mut files: Vec<usize> = group.iter().copied().filter(is_file).collect();
    let mut plain: Vec<usize> = group.iter().copied().filter(is_plain).collect();
    files.sort_by_key(|i| place(*i));
    plain.sort_by_key(|i| place(*i));
    for near in [0, NEAR_PACKETS] {
        let mut rest = plain.iter().copied().filter(|i| !gone[*i]).collect::<Vec<_>>().into_iter().peekable();
        files.retain(|file| {
            let (dir, packet) = place(*file);
            let before = (dir, packet.saturating_sub(near));
            while rest.next_if(|i| place(*i) < before).is_some() {}
            let found = rest.next_if(|i| place(*i) <= (dir, packet.saturating_add(near)));
            found.inspect(|i| gone[*i] = true).is_none()
        });
    }
}

/// Fields that show what is told anyway become its labels; others are told once.
fn fields(entries: &[Entry], group: &[usize], gone: &mut [bool], labels: &mut Vec<(usize, Rc<str>)>) {
    let better = group.iter().copied().filter(|i| entries[*i].source > Source::Field && !gone[*i]);
    let better = better.min_by_key(|i| (entries[*i].packet, *i));
    let mut told: Vec<&[Rc<str>]> = Vec::new();
    for &i in group.iter().filter(|i| entries[**i].source == Source::Field) {
        let names = entries[i].fields.as_slice();
        if let Some(to) = better {
            labels.extend(names.iter().map(|n| (to, Rc::clone(n))));
            gone[i] = true;
        } else if told.contains(&names) {
            gone[i] = true;
        } else {
            told.push(names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: Source, flow: u64, packet: u64, text: &str) -> Entry {
        let hit = Hit {
            pattern: 0,
            offset: 0,
            bytes: text.as_bytes().to_vec(),
            len: text.len() as u64,
            before: Vec::new(),
            after: Vec::new(),
            path: Vec::new(),
        };
        let fields = if source == Source::Field { vec!["http.uri".into()] } else { Vec::new() };
        Entry {
            flow: (flow != 0).then(|| uid(flow)),
            dir: Some(Dir::Orig),
            ts: None,
            packet: Some(packet),
            source,
            offset: 0,
            file: None,
            path: Vec::new(),
            fields,
            hit,
        }
    }

    fn uid(n: u64) -> Uid {
        Uid::from_key(b'C', 0, &n.to_be_bytes())
    }

    fn check(entries: &[(Source, u64, u64, &str)], expected: &[(Source, u64, usize)]) {
        let mut ledger = Ledger::new(0);
        for (source, flow, packet, text) in entries {
            let mut e = entry(*source, *flow, *packet, text);
            if *source == Source::Frame {
                ledger.frame_of(*packet, uid(*flow));
                e.flow = None;
            }
            ledger.add(e, None);
        }
        let got: Vec<_> =
            ledger.settle(&|_| false).iter().map(|e| (e.source, e.packet.unwrap(), e.fields.len())).collect();
        assert_eq!(got, expected, "{entries:?}");
    }

    #[test]
    fn the_same_bytes_count_once() {
        use Source::{Field, File, Frame, Stream};
        check(&[(Frame, 1, 5, "a"), (Stream, 1, 5, "a"), (File, 1, 5, "a"), (Field, 1, 5, "a")], &[(File, 5, 1)]);
        check(&[(Frame, 1, 5, "a"), (Stream, 1, 5, "a")], &[(Stream, 5, 0)]);
        check(&[(Frame, 1, 5, "b"), (Stream, 1, 5, "a")], &[(Frame, 5, 0), (Stream, 5, 0)]);
        check(&[(Field, 1, 5, "a"), (Field, 1, 6, "a")], &[(Field, 5, 1)]);
    }

    #[test]
    fn each_occurrence_counts() {
        use Source::{File, Stream};
        let two =
            [(Stream, 1, 5, "a"), (Stream, 1, 5, "a"), (File, 1, 5, "a"), (Stream, 1, 90, "a"), (Stream, 2, 5, "a")];
        check(&two, &[(Stream, 5, 0), (Stream, 5, 0), (File, 5, 0), (Stream, 90, 0)]);
    }

    #[test]
    fn hits_of_open_flows_wait() {
        let mut ledger = Ledger::new(0);
        ledger.add(entry(Source::Stream, 1, 1, "a"), None);
        ledger.add(entry(Source::Stream, 2, 2, "a"), None);
        assert_eq!(ledger.settle(&|u| u == uid(1)).len(), 1);
        assert_eq!(ledger.settle(&|_| false).len(), 1);
    }
}
