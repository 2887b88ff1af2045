//! What the pools say they hold is compared with what the allocator says; and every pool keeps its cap and is empty
//! again at the end.

use sekisho_capture::{Batch, Captures, Frame};
use sekisho_engine::{Budget, MIN_LEN, Pool, Settings, Stats, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};
use sekisho_testkit::{Conversation, Dir, dns, flag, ip_fragments, udp_packet};
use sekisho_types::{Interval, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test at a time: the allocator counts for all.
static ALONE: Mutex<()> = Mutex::new(());

/// What the allocator keeps beside each block, on average: a header of eight bytes, and sizes in steps of sixteen.
const BLOCK_OVERHEAD: i64 = 15;

/// Estimates may be off by this part …
const PERCENT: i64 = 25;

/// … and this much, for what is remembered and for buffers that are not per flow.
const SLACK_LEN: i64 = 192 << 10;

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

type Packets = Vec<(Timestamp, Vec<u8>)>;

/// LINKTYPE_ETHERNET and LINKTYPE_RAW.
const ETHERNET: u32 = 1;
const RAW: u32 = 101;

/// Bytes that are allocated now.
fn live() -> i64 {
    let s = GLOBAL.stats();
    let blocks = s.allocations as i64 - s.deallocations as i64;
    s.bytes_allocated as i64 - s.bytes_deallocated as i64 + blocks * BLOCK_OVERHEAD
}

fn worker(mib: u64) -> Worker {
    let settings = Settings { budget: Budget::new(mib << 20).expect("enough"), ..Settings::default() };
    Worker::new(settings)
}

fn feed(worker: &mut Worker, link_type: u32, packets: &Packets, rows: &mut dyn FnMut(&dyn Record)) {
    let frames = packets.iter().enumerate().map(|(i, (ts, data))| Frame {
        ts: *ts,
        number: i as u64 + 1,
        link_type,
        interface: 0,
        orig_len: data.len() as u32,
        source: 0,
        offset: 0,
        data,
    });
    let mut rows = |r: &dyn Record| rows(r);
    worker.batch(frames, &mut rows, &mut NoStore);
}

/// Compares what is held with what is counted, in the middle of a pass; then ends it: nothing may be left.
fn check_honest(name: &str, link_type: u32, packets: impl Fn() -> Packets) {
    let _alone = alone();
    let packets = packets();
    let mut worker = worker(256);
    let before = live();
    let empty: u64 = worker.measure().iter().map(|p| p.used_len).sum();
    feed(&mut worker, link_type, &packets, &mut |_| {});
    let real = live() - before;
    let pools = worker.measure();
    let told = pools.iter().map(|p| p.used_len).sum::<u64>() as i64 - empty as i64;
    println!("{name}: {real} real, {told} told, {:?}", pools.map(|p| p.used_len));
    assert!((real - told).abs() <= real.max(told) * PERCENT / 100 + SLACK_LEN, "{name}: {real} real, {told} told");
    finish(name, &mut worker);
}

fn finish(name: &str, worker: &mut Worker) -> Stats {
    worker.finish(&mut |_: &dyn Record| {}, &mut NoStore);
    let pools = worker.pools();
    for (pool, state) in Pool::ALL.into_iter().zip(pools).skip(1) {
        // Flow tables and spare buffers keep room for flows to come.
        let left = if pool == Pool::Reassembly { state.cap_len } else { 0 };
        assert!(state.used_len <= left, "{name}: {pool:?} {state:?}");
    }
    for (pool, state) in Pool::ALL.into_iter().zip(pools) {
        // What one packet brings may stand above the cap for a moment.
        assert!(state.peak_len <= state.cap_len + 65_536, "{name}: {pool:?} {state:?}");
    }
    let stats = worker.stats();
    assert_eq!([stats.flow.flows, stats.flow.allocated_len, stats.parsers_len, stats.files.held_len], [0; 4], "{name}");
    assert_eq!([stats.tcp_open, stats.udp_open, stats.icmp_open], [0; 3], "{name}");
    stats
}

fn client(i: usize) -> String {
    format!("10.{}.{}.{}:{}", i >> 16 & 255, i >> 8 & 255, i & 255, 1024 + i % 60_000)
}

/// `count` conversations that `talk` makes, all at the same time.
fn conversations(count: usize, talk: impl Fn(Conversation) -> Conversation) -> Packets {
    let begin = |i| Conversation::new(client(i).as_str(), "192.0.2.1:80").every(Interval::from_millis(0));
    (0..count).flat_map(|i| talk(begin(i)).frames()).collect()
}

fn open_requests(count: usize) -> Packets {
    let field = |name: &str, len| format!("{name}: {}\r\n", "x".repeat(len));
    let lines = [field("Host", 20), field("User-Agent", 1000), field("Referer", 1500), field("Origin", 1500)].concat();
    let head = format!("GET /a HTTP/1.1\r\n{lines}\r\n");
    conversations(count, |c| c.syn().send(Dir::Orig, head.as_bytes()))
}

fn random_names(count: usize) -> Packets {
    let ask = |i: usize| {
        let name =
            format!("{:032x}.example.org", (i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        udp_packet(client(i).as_str(), "192.0.2.53:53", &dns::question(i as u16, &name, 1))
    };
    (0..count).map(|i| (Timestamp::from_parts(1_700_000_000, 0), ask(i))).collect()
}

fn early_segments(flows: usize, pieces: usize) -> Packets {
    conversations(flows, |c| {
        let mut c = c.syn();
        for _ in 0..pieces {
            c = c.lose(Dir::Orig, 100).segment(Dir::Orig, flag::ACK, &[b'z'; 1000]);
        }
        c
    })
}

fn first_fragments(count: usize) -> Packets {
    let whole = |i| udp_packet(client(i).as_str(), "192.0.2.1:7", &[b'f'; 2000]);
    let first = |i| ip_fragments(&whole(i), 1400).swap_remove(0);
    (0..count).map(|i| (Timestamp::from_parts(1_700_000_000, 0), first(i))).collect()
}

/// A gzip member whose stored blocks go on and on.
fn open_gzip_bodies(count: usize) -> Packets {
    let mut body = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    body.extend(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\0\xff\xff\0\0");
    body.extend([b'g'; 2000]);
    conversations(count, |c| c.syn().send(Dir::Orig, b"GET / HTTP/1.1\r\nHost: e\r\n\r\n").send(Dir::Resp, &body))
}

fn open_mails(count: usize) -> Packets {
    let body = format!("Subject: {}\r\nTo: {}\r\n\r\nhello", "s".repeat(500), "a@example.org, ".repeat(40));
    let envelope = format!("EHLO me\r\nMAIL FROM:<a@e>\r\n{}DATA\r\n", "RCPT TO:<somebody@example.org>\r\n".repeat(3));
    conversations(count, |c| {
        let c = c.syn().send(Dir::Resp, b"220 mail.example.org ESMTP\r\n").send(Dir::Orig, envelope.as_bytes());
        c.send(Dir::Resp, b"250 ok\r\n250 ok\r\n354 go\r\n").send(Dir::Orig, body.as_bytes())
    })
}

fn half_handshakes(count: usize) -> Packets {
    // A handshake message of 16 KiB of which most is still to come.
    let mut record = vec![22, 3, 1, 0x20, 0, 1, 0, 0x40, 0, 3, 3];
    record.extend([7; 32]);
    record.extend([0, 0, 2, 0x13, 1, 1, 0, 0x3f, 0xd0, 0, 21, 0x3f, 0xcc]);
    record.resize(3000, 0);
    conversations(count, |c| c.syn().send(Dir::Orig, &record))
}

fn syns(count: usize) -> Packets {
    conversations(count, |c| c.segment(Dir::Orig, flag::SYN, b""))
}

#[test]
fn open_requests_are_counted() {
    check_honest("requests", ETHERNET, || open_requests(3000));
}

#[test]
fn unanswered_names_are_counted() {
    check_honest("names", RAW, || random_names(6000));
}

#[test]
fn early_segments_are_counted() {
    check_honest("early segments", ETHERNET, || early_segments(300, 12));
}

#[test]
fn fragments_are_counted() {
    check_honest("fragments", RAW, || first_fragments(1500));
}

#[test]
fn decoders_are_counted() {
    check_honest("gzip", ETHERNET, || open_gzip_bodies(150));
}

#[test]
fn mails_are_counted() {
    check_honest("mails", ETHERNET, || open_mails(1000));
}

#[test]
fn handshakes_are_counted() {
    check_honest("handshakes", ETHERNET, || half_handshakes(2000));
}

#[test]
fn flows_are_counted() {
    check_honest("syns", ETHERNET, || syns(30_000));
}

fn captures() -> Vec<PathBuf> {
    sekisho_testkit::stored_captures(&["goldens"])
}

/// The goldens one after the other in one pass: their flows, cut short by the next capture's time or not.
#[test]
fn goldens_are_counted_and_leave_nothing() {
    let _alone = alone();
    let mut worker = worker(256);
    let (mut batch, paths) = (Batch::new(), captures());
    assert!(paths.len() > 50);
    let before = live();
    let empty: u64 = worker.measure().iter().map(|p| p.used_len).sum();
    for path in &paths {
        let mut captures = Captures::open(&[path]).expect("opens");
        while captures.fill(&mut batch) {
            worker.batch(batch.frames(), &mut |_: &dyn Record| {}, &mut NoStore);
        }
    }
    drop(batch);
    let real = live() - before;
    let told = worker.measure().iter().map(|p| p.used_len).sum::<u64>() as i64 - empty as i64;
    println!("goldens: {real} real, {told} told");
    assert!((real - told).abs() <= real.max(told) * PERCENT / 100 + SLACK_LEN, "{real} real, {told} told");
    finish("goldens", &mut worker);
}

/// Ordinary conversations within an attack that fills every pool, under the smallest budget: each keeps its cap, and
/// the ordinary rows are all there.
#[test]
fn pools_keep_their_caps_and_ordinary_flows_are_seen() {
    let _alone = alone();
    let attacks: [(&str, u32, Packets); 6] = [
        ("requests", ETHERNET, open_requests(12_000)),
        ("names", RAW, random_names(40_000)),
        ("early segments", ETHERNET, early_segments(1_000, 20)),
        ("fragments", RAW, first_fragments(20_000)),
        ("gzip", ETHERNET, open_gzip_bodies(1_500)),
        ("syns", ETHERNET, syns(60_000)),
    ];
    for (i, (name, link_type, mut packets)) in attacks.into_iter().enumerate() {
        let (step, mut mixed) = (packets.len() / 20, Packets::new());
        for n in 0..20usize {
            let begin = Conversation::new(format!("172.16.0.{n}:4000").as_str(), "198.51.100.1:80");
            let c = begin.syn().send(Dir::Orig, b"GET /ok HTTP/1.1\r\nHost: good\r\n\r\n");
            let c = c.send(Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").fin();
            mixed.extend(if link_type == RAW { c.packets() } else { c.frames() });
            mixed.extend(packets.drain(..step));
        }
        let mut worker = worker(MIN_LEN >> 20);
        let mut good = 0;
        feed(&mut worker, link_type, &mixed, &mut |row| {
            let mut fits = row.schema().log == "http";
            for_each(row, &mut |field, value| match (field.name, value) {
                ("host", Value::Str(host)) => fits &= host == b"good",
                ("status_code", Value::Count(code)) => fits &= code == 200,
                ("host" | "status_code", _) => fits = false,
                _ => {}
            });
            good += u64::from(fits);
        });
        assert_eq!(good, 20, "{name}");
        let stats = finish(name, &mut worker);
        let given_up = [
            stats.flow.flows_evicted,
            stats.flow.flows_evicted,
            stats.flow.holes_forced,
            stats.defrag.evicted,
            stats.decoding_refused,
            stats.flow.flows_evicted,
        ];
        assert!(given_up[i] > 0, "{name}: nothing was given up: {stats:?}");
        assert_eq!(stats.flows, stats.tcp_flows + stats.udp_flows + stats.icmp_flows, "{name}: every flow has its row");
    }
}
