//! Captures made to hurt: each test is an attack on stack, memory or time, small enough for every run.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Stats, Worker};
use sekisho_files::NoStore;
use sekisho_record::Record;
use sekisho_testkit::{ipv6, pcap};
use sekisho_types::{Addr, Timestamp};

/// LINKTYPE_RAW: frames are IP packets.
const RAW: u32 = 101;

/// The pass over `frames`: counts, and how often each log had a row.
fn run(link: u32, frames: &[(Timestamp, Vec<u8>)]) -> (Stats, Vec<&'static str>) {
    let bytes = pcap(link, frames);
    let mut captures = Captures::from_bytes("attack", bytes);
    let mut settings = Settings::default();
    settings.budget(64 << 20);
    let mut worker = Worker::new(settings);
    let (mut batch, mut logs) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| logs.push(r.schema().log);
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore, None);
    }
    worker.finish(&mut rows, &mut NoStore);
    let stats = worker.stats();
    assert_eq!([stats.flow.flows, stats.flow.allocated_len, stats.files.open_now, stats.defrag.datagrams], [0; 4]);
    (stats, logs)
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
    let (stats, logs) = run(RAW, &frames);
    assert_eq!(stats.packets, u64::from(DEPTH) + 1);
    assert!(stats.defrag.whole > 0 && stats.defrag.whole < 20, "{}", stats.defrag.whole);
    assert!(stats.tunnels_too_deep > 0 && logs.contains(&"weird"));
}
