//! The cases: one hot function each, on traffic that the testkit makes.

mod flows;

use sekisho_capture::Frame;
use sekisho_engine::{Settings, Worker};
use sekisho_files::{NoStore, mime_type};
use sekisho_flow::{ConnRecord, Flow, FlowTable, Moment, Packet, Sink};
use sekisho_output::{Format, Sinks};
use sekisho_record::Record;
use sekisho_testkit::Conversation;
use sekisho_types::{Addr, Dir, Timestamp};
use sekisho_wire::{LinkType, decode};
use std::hint::black_box;

/// A named case: runs `n` rounds and returns the number of items it handled.
pub struct Case {
    /// Name for the command line.
    pub name: &'static str,
    /// What one item is.
    pub item: &'static str,
    /// Runs `n` rounds.
    pub run: fn(&Traffic, usize) -> u64,
}

/// Every case.
pub const CASES: &[Case] = &[
    Case { name: "decode", item: "packet", run: run_decode },
    Case { name: "flow", item: "packet", run: run_flow },
    Case { name: "flows", item: "packet", run: flows::run_flows },
    Case { name: "flood", item: "packet", run: flows::run_flood },
    Case { name: "pass", item: "packet", run: run_pass },
    Case { name: "encode", item: "row", run: run_encode },
    Case { name: "mime", item: "file", run: run_mime },
];

/// A few hundred HTTP conversations.
pub struct Traffic {
    frames: Vec<(Timestamp, Vec<u8>)>,
    rows: Vec<ConnRecord>,
}

impl Traffic {
    /// The same every time.
    pub fn new() -> Self {
        let request = b"GET /index.html HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
        let mut response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20000\r\n\r\n".to_vec();
        response.extend(b"<html><body>0123456789".iter().cycle().take(20_000));
        let mut frames = Vec::new();
        for i in 0..200u16 {
            let orig = (Addr::v4([10, 0, (i >> 8) as u8, i as u8]), 40_000 + i);
            let conversation = Conversation::new(orig, (Addr::v4([192, 0, 2, 80]), 80))
                .at(Timestamp(1_700_000_000_000_000_000 + i64::from(i) * 1_000_000))
                .syn()
                .send(Dir::Orig, request)
                .send(Dir::Resp, &response)
                .ack(Dir::Orig)
                .fin();
            frames.extend(conversation.frames());
        }
        frames.sort_by_key(|f| f.0);
        let mut traffic = Self { frames, rows: Vec::new() };
        let mut collect = Collect(Vec::new());
        let mut table = FlowTable::new(Default::default());
        traffic.through(&mut table, &mut collect);
        traffic.rows = collect.0;
        traffic
    }

    fn through(&self, table: &mut FlowTable<()>, sink: &mut Collect) {
        for (i, (ts, data)) in self.frames.iter().enumerate() {
            let decoded = decode(LinkType::ETHERNET, data, data.len() as u32);
            let packet = Packet { ts: *ts, number: i as u64 + 1, decoded: &decoded, frame: data, tunnel: None };
            table.packet(&packet, sink);
        }
        table.finish(sink);
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes everything, keeps the rows.
struct Collect(Vec<ConnRecord>);

impl Sink for Collect {
    type App = ();
    fn data(&mut self, _: &mut Flow, _: &mut (), _: Dir, bytes: &[u8], _: Moment) {
        black_box(bytes);
    }
    fn datagram(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: &[u8], _: u32, _: Moment) {}
    fn gap(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: u64, _: Moment) {}
    fn half_closed(&mut self, _: &mut Flow, _: &mut (), _: Dir, _: Moment) {}
    fn closed(&mut self, _: &mut Flow, _: (), record: ConnRecord, _: Moment) {
        self.0.push(record);
    }
    fn weird(&mut self, _: Option<&Flow>, _: &'static str, _: Moment) {}
}

fn run_decode(t: &Traffic, n: usize) -> u64 {
    for _ in 0..n {
        for (_, data) in &t.frames {
            black_box(decode(LinkType::ETHERNET, black_box(data), data.len() as u32));
        }
    }
    (n * t.frames.len()) as u64
}

fn run_flow(t: &Traffic, n: usize) -> u64 {
    for _ in 0..n {
        let mut sink = Collect(Vec::new());
        t.through(&mut FlowTable::new(Default::default()), &mut sink);
        black_box(sink.0.len());
    }
    (n * t.frames.len()) as u64
}

fn run_pass(t: &Traffic, n: usize) -> u64 {
    for _ in 0..n {
        let mut worker = Worker::new(Settings::default());
        let mut rows = |r: &dyn Record| {
            black_box(r.schema());
        };
        let frames = t.frames.iter().enumerate().map(|(i, (ts, data))| Frame {
            ts: *ts,
            number: i as u64 + 1,
            link_type: 1,
            interface: 0,
            orig_len: data.len() as u32,
            source: 0,
            offset: 0,
            data,
        });
        worker.batch(frames, &mut rows, &mut NoStore, None);
        worker.finish(&mut rows, &mut NoStore);
    }
    (n * t.frames.len()) as u64
}

fn run_encode(t: &Traffic, n: usize) -> u64 {
    let mut sinks = Sinks::new(&[Format::ZeekJson], |_| Ok(Box::new(std::io::sink())));
    for _ in 0..n {
        for row in &t.rows {
            sinks.write(black_box(row)).expect("a sink takes everything");
        }
    }
    (n * t.rows.len()) as u64
}

fn run_mime(_: &Traffic, n: usize) -> u64 {
    const HEADS: &[&[u8]] = &[
        b"<!doctype html>\n<html><body>", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"%PDF-1.7\n", b"{\"a\": [1, 2, 3]}",
        b"PK\x03\x04\x14\0\0\0", b"plain words and nothing else\n", &[0; 64], b"MZ\x90\0\x03",
    ];
    for _ in 0..n {
        for head in HEADS {
            black_box(mime_type(black_box(head)));
        }
    }
    (n * HEADS.len()) as u64
}
