//! The cases: one stage of the work each, on traffic that the testkit makes.

mod flows;
pub mod protocols;
mod traffic;

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::{NoStore, mime_type};
use sekisho_flow::{Config, ConnRecord, Flow, FlowTable, Limits, Moment, Packet, Sink};
use sekisho_output::{Format, Sinks};
use sekisho_record::Record;
use sekisho_types::Dir;
use sekisho_wire::{LinkType, decode};
use std::hint::black_box;
use traffic::Traffic;

/// One round of a case: returns the number of items it handled.
pub type Round = Box<dyn FnMut() -> u64>;

/// A named case.
pub struct Case {
    /// Name for the command line.
    pub name: &'static str,
    /// What one item is.
    pub item: &'static str,
    /// Makes what the case works on, and the round that does the work.
    pub make: fn() -> Round,
}

/// Every case, in the order of a packet's way.
pub const CASES: &[Case] = &[
    Case { name: "read", item: "packet", make: read },
    Case { name: "decode", item: "packet", make: decode_only },
    Case { name: "flow", item: "packet", make: || flows(traffic::office(), Limits::default()) },
    Case { name: "flow-new", item: "packet", make: || flows(traffic::syn_flood(), Limits::default()) },
    Case {
        name: "flow-evict",
        item: "packet",
        make: || flows(traffic::syn_flood(), Limits { flow_count: 2048, ..Limits::default() }),
    },
    Case { name: "flows", item: "packet", make: flows::make },
    Case { name: "reorder", item: "packet", make: || flows(traffic::reordered(), Limits::default()) },
    Case { name: "pass-bulk", item: "packet", make: || pass(traffic::bulk()) },
    Case { name: "pass-http", item: "packet", make: || pass(traffic::http()) },
    Case { name: "pass-dns", item: "packet", make: || pass(traffic::dns()) },
    Case { name: "pass-tls", item: "packet", make: || pass(traffic::tls()) },
    Case { name: "pass-smtp", item: "packet", make: || pass(traffic::smtp()) },
    Case { name: "pass-fragments", item: "packet", make: || pass(traffic::fragments()) },
    Case { name: "pass", item: "packet", make: || pass(traffic::office()) },
    Case { name: "logs", item: "packet", make: logs },
    Case { name: "encode-json", item: "row", make: || encode(Format::ZeekJson) },
    Case { name: "encode-tsv", item: "row", make: || encode(Format::Zeek) },
    Case { name: "encode-ndjson", item: "row", make: || encode(Format::Ndjson) },
    Case { name: "mime", item: "file", make: mime },
    Case { name: "scan", item: "KiB", make: scan },
];

/// Takes everything, keeps the rows if asked.
struct Collect {
    rows: Vec<ConnRecord>,
    keep: bool,
}

impl Sink for Collect {
    type App = ();
    fn data(&mut self, _: &mut Flow, _: &mut (), _: Dir, bytes: &[u8], _: Moment) {
        black_box(bytes);
    }
    fn datagram(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: &[u8], _: u32, _: Moment) {}
    fn gap(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: u64, _: Moment) {}
    fn half_closed(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: Moment) {}
    fn closed(&mut self, _: &mut Flow, _: (), record: ConnRecord, _: Moment) {
        if self.keep {
            self.rows.push(record);
        } else {
            black_box(record);
        }
    }
    fn weird(&mut self, _: Option<&Flow>, _: &'static str, _: Moment) {}
}

/// The way from a file to frames.
fn read() -> Round {
    let path = std::env::temp_dir().join(format!("sekisho-bench-{:07}.pcap", std::process::id()));
    std::fs::write(&path, traffic::office().capture()).expect("room for the capture");
    let path = Removed(path);
    Box::new(move || {
        let mut captures = Captures::open(&[&path.0]).expect("the capture just written");
        let mut batch = Batch::new();
        let mut count = 0;
        while captures.fill(&mut batch) {
            batch.frames().for_each(|f| {
                black_box(f);
            });
            count += batch.len() as u64;
        }
        count
    })
}

/// A file that goes when this does.
struct Removed(std::path::PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn decode_only() -> Round {
    let traffic = traffic::office();
    Box::new(move || {
        for (_, data) in &traffic.frames {
            black_box(decode(LinkType::ETHERNET, black_box(data), data.len() as u32));
        }
        traffic.frames.len() as u64
    })
}

/// Headers and flow table, with nobody interested in the payload.
fn flows(traffic: Traffic, limits: Limits) -> Round {
    Box::new(move || {
        through_flows(&traffic, limits, &mut Collect { rows: Vec::new(), keep: false });
        traffic.frames.len() as u64
    })
}

fn through_flows(traffic: &Traffic, limits: Limits, sink: &mut Collect) {
    let mut table = FlowTable::new(Config { limits, ..Config::default() });
    for (i, (ts, data)) in traffic.frames.iter().enumerate() {
        let decoded = decode(LinkType::ETHERNET, data, data.len() as u32);
        let packet = Packet { ts: *ts, number: i as u64 + 1, decoded: &decoded, frame: data, tunnel: None };
        table.packet(&packet, sink);
    }
    table.finish(sink);
}

/// Everything but reading and writing.
fn pass(traffic: Traffic) -> Round {
    let batches = traffic.batches();
    Box::new(move || {
        let mut rows = |r: &dyn Record| {
            black_box(r.schema());
        };
        through_worker(&batches, &mut rows)
    })
}

fn through_worker(batches: &[Batch], rows: &mut dyn FnMut(&dyn Record)) -> u64 {
    let mut worker = Worker::new(Settings::default());
    let mut rows = |r: &dyn Record| rows(r);
    for batch in batches {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    batches.iter().map(|b| b.len() as u64).sum()
}

/// Everything but reading, with the rows written to nowhere.
fn logs() -> Round {
    let batches = traffic::office().batches();
    Box::new(move || {
        let mut sinks = Sinks::new(&[Format::ZeekJson], |_| Ok(Box::new(std::io::sink())));
        let count = through_worker(&batches, &mut |row| sinks.write(row).expect("a sink takes everything"));
        sinks.finish().expect("a sink takes everything");
        count
    })
}

/// Rows of conn, the longest and most frequent ones.
fn encode(format: Format) -> Round {
    let mut sink = Collect { rows: Vec::new(), keep: true };
    through_flows(&traffic::office(), Limits::default(), &mut sink);
    let mut sinks = Sinks::new(&[format], |_| Ok(Box::new(std::io::sink())));
    Box::new(move || {
        for row in &sink.rows {
            sinks.write(black_box(row)).expect("a sink takes everything");
        }
        sink.rows.len() as u64
    })
}

fn mime() -> Round {
    const HEADS: &[&[u8]] = &[
        b"<!doctype html>\n<html><body>",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"%PDF-1.7\n",
        b"{\"a\": [1, 2, 3]}",
        b"PK\x03\x04\x14\0\0\0",
        b"plain words and nothing else\n",
        &[0; 64],
        b"MZ\x90\0\x03",
    ];
    Box::new(|| {
        for head in HEADS.iter().cycle().take(100 * HEADS.len()) {
            black_box(mime_type(black_box(head)));
        }
        100 * HEADS.len() as u64
    })
}

/// Adds up what is found, so that it cannot be left out.
struct Sum(u64);

impl sekisho_scan::Sink for Sum {
    fn found(&mut self, literal: u32, _at: std::ops::Range<usize>) {
        self.0 += u64::from(literal);
    }
}

/// Eight thousand literals as rules have them, over text that looks like requests.
fn scan() -> Round {
    use sekisho_scan::{Literal, Scanner};
    let mut seed = 1u32;
    let mut next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let words = ["/wp-content/", "gate", ".php?id=", "admin", "User-Agent: ", "Mozilla/4.0", "panel", "&cmd=", "download"];
    let mut text = || format!("{}{:x}{}", words[next() as usize % words.len()], next() % 65_536, words[next() as usize % words.len()]);
    let literals: Vec<String> = (0..8000).map(|_| text()).collect();
    let list: Vec<_> = literals.iter().enumerate().map(|(n, l)| Literal { bytes: l.as_bytes(), nocase: n % 3 == 0 }).collect();
    let set = Scanner::new(&list);
    let hay: String = std::iter::repeat_with(text).take(4000).collect();
    Box::new(move || {
        let mut sum = Sum(0);
        set.scan(black_box(hay.as_bytes()), &mut sum);
        black_box(sum.0);
        hay.len() as u64 / 1024
    })
}
