//! Captures made to hurt: each test is an attack on stack, memory or time, small enough for every run.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Budget, MIN_LEN, Settings, Stats, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};
use sekisho_testkit::{Conversation, ipv6, pcap};
use sekisho_types::{Addr, Dir, Timestamp};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// LINKTYPE_RAW: frames are IP packets.
const RAW: u32 = 101;

/// What came of a pass: counts, the log of each row, and the body bytes of all HTTP responses.
struct Result {
    stats: Stats,
    logs: Vec<&'static str>,
    body_len: u64,
}

fn run(link: u32, frames: &[(Timestamp, Vec<u8>)]) -> Result {
    let bytes = pcap(link, frames);
    let mut captures = Captures::from_bytes("attack", bytes);
    let settings = Settings { budget: Budget::new(MIN_LEN).unwrap(), ..Settings::default() };
    let mut worker = Worker::new(settings);
    let (mut batch, mut logs, mut body_len) = (Batch::new(), Vec::new(), 0);
    let mut rows = |r: &dyn Record| {
        logs.push(r.schema().log);
        for_each(r, &mut |field, value| {
            if let ("response_body_len", Value::Count(n)) = (field.name, value) {
                body_len += n;
            }
        });
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    let stats = worker.stats();
    assert_eq!([stats.flow.flows, stats.flow.allocated_len, stats.files.open_now, stats.defrag.datagrams], [0; 4]);
    Result { stats, logs, body_len }
}

fn host(n: u8) -> Addr {
    let mut octets = [0; 16];
    (octets[0], octets[1], octets[15]) = (0xfd, 0, n);
    Addr::v6(octets)
}

/// An IPv6 fragment header and what follows it.
fn fragment(next: u8, offset: u16, more: bool, id: u32, rest: &[u8]) -> Vec<u8> {
    [&[next, 0][..], &(offset | u16::from(more)).to_be_bytes(), &id.to_be_bytes(), rest].concat()
}

/// Every datagram put together is itself a first fragment, whose last one waits already: without a bound
/// one packet nests as deep as there are datagrams waiting, and the stack ends first.
#[test]
fn fragments_inside_fragments_do_not_nest_without_end() {
    const DEPTH: u16 = 3000;
    let packet = |body: &[u8]| (Timestamp::from_parts(1, 0), ipv6(host(1), host(2), 44, body));
    let mut frames = Vec::new();
    let mut nested = vec![0; 8];
    for level in (0..DEPTH).rev() {
        // Every level above adds the eight bytes of its own last fragment to the end.
        let len = nested.len() as u16 + 8 * level;
        frames.push(packet(&fragment(44, len, false, u32::from(level), &[0; 8])));
        nested = fragment(44, 0, true, u32::from(level), &nested);
    }
    frames.push(packet(&nested));
    let Result { stats, logs, .. } = run(RAW, &frames);
    assert_eq!(stats.packets, u64::from(DEPTH) + 1);
    assert!(stats.defrag.whole > 0 && stats.defrag.whole < 20, "{}", stats.defrag.whole);
    assert!(stats.tunnels_too_deep > 0 && logs.contains(&"weird"));
}

/// A conversation from 10.0.0.1 to port 80, of which `client` and `server` are all that is said.
fn web(client: &[u8], server: &[u8]) -> Vec<(Timestamp, Vec<u8>)> {
    Conversation::new("10.0.0.1:40000", "10.0.0.2:80")
        .syn()
        .send(Dir::Orig, client)
        .send(Dir::Resp, server)
        .fin()
        .frames()
}

/// Zstandard: `blocks` blocks of 128 KiB of one byte, four bytes each.
fn zstd_bomb(blocks: usize) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
    for i in 1..=blocks {
        let header = (128 << 10 << 3) | 1 << 1 | u32::from(i == blocks);
        out.extend(&header.to_le_bytes()[..3]);
        out.push(b'A');
    }
    out
}

/// Each bomb stays below what one content may unfold to; a hundred of them in a quarter of a megabyte do not.
#[test]
fn many_small_bombs_share_one_allowance() {
    let bomb = zstd_bomb(400);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: {}\r\n\r\n", bomb.len());
    let response = [head.as_bytes(), &bomb].concat();
    let one = run(ETHERNET, &web(b"GET / HTTP/1.1\r\n\r\n", &response));
    assert_eq!(one.body_len, 400 * (128 << 10), "a single one is decoded");
    let many = run(ETHERNET, &web(&b"GET / HTTP/1.1\r\n\r\n".repeat(100), &response.repeat(100)));
    assert_eq!(many.logs.iter().filter(|l| **l == "http").count(), 100);
    assert!(many.body_len < 400 << 20, "{}", many.body_len);
    assert!(many.logs.contains(&"weird"));
}

/// One header line, a quadratic amount of text if each comma told of the whole line.
#[test]
fn a_line_of_commas_says_no_more_than_it_is_long() {
    let line = format!("GET / HTTP/1.1\r\nTransfer-Encoding: {}\r\n\r\n", ",".repeat(60_000)).into_bytes();
    let result = run(ETHERNET, &web(&line.repeat(20), b""));
    assert_eq!(result.logs.iter().filter(|l| **l == "http").count(), 20);
    assert!(result.stats.weirds < 200, "{} weirds", result.stats.weirds);
}
