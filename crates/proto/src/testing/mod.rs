//! A minimal host for parser tests and fuzz targets: feeds a parser and collects what comes out.

mod exchanges;
mod frames;

pub use exchanges::{TestExchange, TestExchanges, all_facts};
pub use frames::{TestFrame, TestFrames};

use crate::{
    Cx, Event, Expectation, FileId, FileInfo, FileMeta, Files, Outbox, Parser, ProtoId, Sight, Start, Transport,
};
#[cfg(test)]
use crate::{Guess, Probe};
use sekisho_record::{Record, for_each};
use sekisho_transaction::{Frame, FrameId, FrameSet, Look, Mark, Transaction};
use sekisho_types::{Addr, Arrival, Dir, FiveTuple, FlowInfo, Seen, Timestamp, Uid, ip_proto};

/// A file as the test host saw it.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// What the parser said when it opened the file.
    pub meta: FileMeta,
    /// The content.
    pub content: Vec<u8>,
    /// Bytes given, those given twice counted twice.
    pub seen: u64,
    /// Missing bytes.
    pub missing: u64,
    /// Closed, and whether as complete.
    pub closed: Option<bool>,
}

/// How much of a file with random access is kept.
const TEST_FILE_LEN: u64 = 1 << 16;

/// Keeps file content in memory, and writes exchanges down if the outbox says that somebody watches.
#[derive(Default)]
pub struct TestFiles(pub Vec<TestFile>, pub TestExchanges, pub TestFrames);

impl Files for TestFiles {
    fn open(&mut self, _flow: &FlowInfo, _ts: Timestamp, meta: FileMeta) -> FileId {
        self.0.push(TestFile { meta, content: Vec::new(), seen: 0, missing: 0, closed: None });
        FileId(self.0.len() as u64 - 1)
    }

    fn data(&mut self, id: FileId, _at: Arrival, bytes: &[u8]) {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            assert!(f.closed.is_none(), "data after close");
            f.content.extend_from_slice(bytes);
            f.seen += bytes.len() as u64;
        }
    }

    fn data_at(&mut self, id: FileId, _at: Arrival, (offset, _): (u64, bool), bytes: &[u8]) {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            assert!(f.closed.is_none(), "data after close");
            f.seen += bytes.len() as u64;
            // Offsets are hostile; what lies far out is only counted.
            let (start, end) =
                (offset.min(TEST_FILE_LEN), offset.saturating_add(bytes.len() as u64).min(TEST_FILE_LEN));
            if f.content.len() < end as usize {
                f.content.resize(end as usize, 0);
            }
            f.content[start as usize..end as usize].copy_from_slice(&bytes[..(end - start) as usize]);
        }
    }

    fn gap(&mut self, id: FileId, _ts: Timestamp, len: u64) {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            f.missing += len;
        }
    }

    fn set_name(&mut self, id: FileId, name: &[u8]) {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            f.meta.filename = Some(name.into());
        }
    }

    fn set_total(&mut self, id: FileId, len: u64) {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            f.meta.total_len = Some(len);
        }
    }

    fn info(&self, id: FileId) -> FileInfo {
        let seen_bytes = self.0.get(id.0 as usize).map_or(0, |f| f.seen);
        FileInfo { fuid: Uid::from_key(b'F', 0, &id.0.to_be_bytes()), mime_type: None, seen_bytes }
    }

    fn close(&mut self, id: FileId, _ts: Timestamp, complete: bool) -> FileInfo {
        if let Some(f) = self.0.get_mut(id.0 as usize) {
            assert!(f.closed.is_none(), "closed twice");
            f.closed = Some(complete);
        }
        self.info(id)
    }

    fn transaction(&mut self, at: &Sight<'_>, look: Look, tx: &dyn Transaction, mark: &mut Mark) {
        self.1.show(at, look, tx, mark);
    }

    fn frame(&mut self, _at: &Sight<'_>, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        self.2.begin(dir, frame, skip)
    }

    fn frame_known(&mut self, _flow: &FlowInfo, dir: Dir, id: FrameId, len: Option<u64>, tx: Option<u64>) {
        self.2.known(dir, id, len, tx);
    }
}

/// One flow with one parser.
pub struct Bench {
    /// The flow; tests may change it before the first data.
    pub flow: FlowInfo,
    /// What came out.
    pub out: Outbox,
    /// Files that passed.
    pub files: TestFiles,
    /// Packet time of the next call.
    pub ts: Timestamp,
    /// Streams that it is in: 1 for what speaks in a TLS session.
    pub depth: usize,
    transport: Transport,
    packet: u64,
    parser: Parser,
}

impl Bench {
    /// A flow 10.0.0.1:40000 → 10.0.0.2:`port` with a parser for `id`.
    pub fn new(id: ProtoId, transport: Transport, port: u16) -> Self {
        let proto = if transport == Transport::Tcp { ip_proto::TCP } else { ip_proto::UDP };
        let tuple = FiveTuple {
            orig: Addr::v4([10, 0, 0, 1]),
            resp: Addr::v4([10, 0, 0, 2]),
            orig_port: 40000,
            resp_port: port,
            proto,
        };
        let flow = FlowInfo {
            tuple,
            uid: Uid::for_flow(&tuple, Timestamp(0), 0),
            seen: Seen { orig: true, resp: true },
            ..FlowInfo::default()
        };
        let parser =
            Parser::start(id, &Start { transport, flow: &flow, handed_over_by: None, begun: None, expected: None });
        Self {
            flow,
            out: Outbox::default(),
            files: TestFiles::default(),
            ts: Timestamp(1_000_000_000),
            depth: 0,
            transport,
            packet: 0,
            parser,
        }
    }

    /// As [`Bench::new`], with somebody who watches exchanges and asks for everything.
    pub fn watched(id: ProtoId, transport: Transport, port: u16) -> Self {
        let mut bench = Self::new(id, transport, port);
        bench.out.watched = Some(all_facts());
        bench.out.frames = FrameSet::all();
        bench
    }

    /// Exchanges shown so far.
    pub fn exchanges(&self) -> &[TestExchange] {
        &self.files.1.0
    }

    /// Frames so far, one a line: see [`TestFrames::lines`].
    pub fn frames(&self) -> Vec<String> {
        self.files.2.lines()
    }

    /// A flow that `id` takes over with a row that another protocol began.
    pub fn handed_over(id: ProtoId, row: &Event) -> Self {
        let mut bench = Self::new(id, Transport::Tcp, 80);
        let (transport, flow) = (Transport::Tcp, &bench.flow);
        bench.parser =
            Parser::start(id, &Start { transport, flow, handed_over_by: None, begun: Some(row), expected: None });
        bench
    }

    /// A flow that fulfils `expectation`: its parser is the one expected.
    pub fn expected(expectation: &Expectation) -> Self {
        let transport = if expectation.proto == ProtoId::Tftp { Transport::Udp } else { Transport::Tcp };
        let mut bench = Self::new(expectation.proto, transport, expectation.port.unwrap_or(20));
        let start =
            Start { transport, flow: &bench.flow, handed_over_by: None, begun: None, expected: Some(expectation) };
        bench.parser = Parser::start(expectation.proto, &start);
        bench
    }

    fn call(&mut self, f: impl FnOnce(&mut Parser, &mut Cx<'_>)) {
        self.packet += 1;
        let mut cx = Cx::new(self.ts, self.packet, &self.flow, self.transport, &mut self.out, &mut self.files);
        cx.set_depth(self.depth);
        f(&mut self.parser, &mut cx);
        self.ts = self.ts + sekisho_types::Interval::from_millis(1);
    }

    /// Feeds bytes unless the parser has rejected the flow, gone opaque or handed over.
    pub fn data(&mut self, dir: Dir, bytes: &[u8]) -> &mut Self {
        if self.out.rejected.is_none() && !self.out.opaque && self.out.hand_over.is_none() {
            self.files.2.arrive(dir, bytes);
            self.call(|p, cx| p.data(dir, bytes, cx));
        }
        self
    }

    /// As [`Bench::data`], cut into pieces of `n` bytes.
    pub fn data_split(&mut self, dir: Dir, bytes: &[u8], n: usize) -> &mut Self {
        for piece in bytes.chunks(n.max(1)) {
            self.data(dir, piece);
        }
        self
    }

    /// Bytes that the parser's state takes.
    pub fn held_len(&self) -> usize {
        self.parser.held_len()
    }

    /// Does the parser still get bytes?
    pub fn is_open(&self) -> bool {
        self.out.rejected.is_none() && !self.out.opaque && self.out.hand_over.is_none()
    }

    /// A hole.
    pub fn gap(&mut self, dir: Dir, len: u64) -> &mut Self {
        if self.out.rejected.is_none() && !self.out.opaque && self.out.hand_over.is_none() {
            self.files.2.skip(dir, len);
            self.call(|p, cx| p.gap(dir, len, cx));
        }
        self
    }

    /// An orderly close of one direction.
    pub fn half_closed(&mut self, dir: Dir) -> &mut Self {
        self.call(|p, cx| p.half_closed(dir, cx));
        self
    }

    /// The end of the flow.
    pub fn end(&mut self) -> &mut Self {
        self.call(|p, cx| p.end(cx));
        self
    }

    /// Rows of `log` as text, one per row: `name=value` for every set column except ids and times.
    pub fn rows(&self, log: &str) -> Vec<String> {
        let of_log = self.out.events.iter().map(Event::record).filter(|r| r.schema().log == log);
        of_log.map(row_text).collect()
    }
}

/// `name=value` of every set column of `record` except the flow's ids and `ts`.
pub fn row_text(record: &dyn Record) -> String {
    let mut text = String::new();
    for_each(record, &mut |field, value| {
        let skipped =
            matches!(field.name, "ts" | "uid" | "community_id" | "one_sided") || field.name.starts_with("id.");
        let shown = format!("{value:?}");
        if !skipped && shown != "Unset" {
            text.push_str(&format!("{}={shown} ", field.name));
        }
    });
    text.trim_end().to_owned()
}

/// One step of a scripted flow.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Bytes in a direction.
    Data(Dir, &'a [u8]),
    /// A hole.
    Gap(Dir, u64),
    /// An orderly close of a direction.
    Close(Dir),
}

/// What a scripted flow gave, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Every row: log and columns, see [`row_text`].
    pub rows: Vec<String>,
    /// Every file: name, source, depth, sizes, completeness and content.
    pub files: Vec<String>,
    /// Names of anomalies.
    pub weirds: Vec<&'static str>,
    /// Why the parser gave up, if it did.
    pub rejected: Option<&'static str>,
    /// Another protocol was to continue.
    pub handed_over: bool,
    /// Every exchange that rules and EVE were shown.
    pub exchanges: Vec<String>,
    /// Every frame.
    pub frames: Vec<String>,
}

/// Runs a script with every piece of data cut into pieces whose sizes `next_len` gives.
pub fn run_script(id: ProtoId, port: u16, steps: &[Step<'_>], next_len: &mut dyn FnMut() -> usize) -> Outcome {
    let mut bench = Bench::watched(id, Transport::Tcp, port);
    let mut ts = bench.ts;
    for step in steps {
        // Times go with the steps, so that spans between them are the same for every split.
        ts = ts + sekisho_types::Interval::from_millis(1);
        bench.ts = ts;
        match *step {
            Step::Data(dir, mut bytes) => {
                while !bytes.is_empty() {
                    bench.ts = ts;
                    let (piece, rest) = bytes.split_at(next_len().clamp(1, bytes.len()));
                    bench.data(dir, piece);
                    bytes = rest;
                }
            }
            Step::Gap(dir, len) => {
                bench.gap(dir, len);
            }
            Step::Close(dir) => {
                bench.half_closed(dir);
            }
        }
    }
    bench.end();
    let event = |e: &Event| format!("{}: {}", e.record().schema().log, row_text(e.record()));
    let file = |f: &TestFile| {
        let m = &f.meta;
        let content = String::from_utf8_lossy(&f.content);
        format!(
            "{:?} {} depth={} orig={} total={:?} range={:?} missing={} closed={:?} {content:?}",
            m.filename, m.source, m.depth, m.is_orig, m.total_len, m.range, f.missing, f.closed
        )
    };
    Outcome {
        rows: bench.out.events.iter().map(event).collect(),
        files: bench.files.0.iter().map(file).collect(),
        weirds: bench.out.weirds.iter().map(|w| w.name).collect(),
        rejected: bench.out.rejected,
        handed_over: bench.out.hand_over.is_some(),
        exchanges: bench.files.1.lines(),
        frames: bench.frames(),
    }
}

/// Runs a script whole, byte by byte and in many irregular splits; all must give the same.
///
/// # Panics
/// If they don't.
pub fn check_splits(id: ProtoId, port: u16, steps: &[Step<'_>]) -> Outcome {
    let want = run_script(id, port, steps, &mut || usize::MAX);
    assert_eq!(run_script(id, port, steps, &mut || 1), want, "byte by byte");
    for seed in 1..40u64 {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % (seed as usize * 3) + 1
        };
        assert_eq!(run_script(id, port, steps, &mut next), want, "split {seed}");
    }
    want
}

/// Cuts the last data of a script off at every byte: no cut may panic.
pub fn check_truncations(id: ProtoId, port: u16, steps: &[Step<'_>]) {
    for last in 0..steps.len() {
        let Some((Step::Data(dir, bytes), before)) = steps.get(..=last).and_then(|s| s.split_last()) else { continue };
        for cut in 0..bytes.len() {
            let mut cut_off = before.to_vec();
            cut_off.push(Step::Data(*dir, &bytes[..cut]));
            run_script(id, port, &cut_off, &mut || usize::MAX);
        }
    }
}

/// Damages a script's bytes in `rounds` ways (flipped, doubled, removed bytes); every result must parse the same
/// whole and byte by byte.
///
/// # Panics
/// If one doesn't.
pub fn check_damage(id: ProtoId, port: u16, steps: &[Step<'_>], rounds: u64) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for round in 0..rounds {
        let mut bytes: Vec<Vec<u8>> =
            steps.iter().map(|s| if let Step::Data(_, b) = s { b.to_vec() } else { Vec::new() }).collect();
        for _ in 0..=random(4) {
            let piece = random(bytes.len());
            let Some(b) = bytes.get_mut(piece).filter(|b| !b.is_empty()) else { continue };
            let at = random(b.len());
            match random(4) {
                0 => b[at] ^= 1 << random(8),
                1 => b.insert(at, b"\r\n.-: ;=\x00\xff"[random(10)]),
                2 => drop(b.remove(at)),
                _ => b.extend_from_within(at..),
            }
        }
        let damaged: Vec<Step<'_>> = steps
            .iter()
            .zip(&bytes)
            .map(|(s, b)| if let Step::Data(dir, _) = s { Step::Data(*dir, b) } else { *s })
            .collect();
        let whole = run_script(id, port, &damaged, &mut || usize::MAX);
        let single = run_script(id, port, &damaged, &mut || 1);
        assert_eq!(whole, single, "round {round}: {damaged:?}");
    }
}

/// What a TCP probe says of two directions' first bytes.
///
/// # Panics
/// If it isn't `want`.
#[cfg(test)]
pub(crate) fn check_probe(probe: fn(&Probe<'_>) -> Guess, orig: &str, resp: &str, port_match: bool, want: Guess) {
    let flow = FlowInfo::default();
    let (o, r) = (orig.as_bytes(), resp.as_bytes());
    let p = Probe { transport: Transport::Tcp, orig: o, resp: r, port_match, flow: &flow };
    assert_eq!(probe(&p), want, "{orig:?} {resp:?} {port_match}");
}
