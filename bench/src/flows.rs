//! The flow table under many flows.

use crate::{Collect, Round};
use sekisho_flow::{Config, FlowTable, Limits, Packet};
use sekisho_types::{Addr, Timestamp, ip_proto};
use sekisho_wire::tcp_flags::{ACK, SYN};
use sekisho_wire::{Decoded, Tcp};
use std::hint::black_box;

/// Connections open at once: more than fit into the cache.
const FLOW_COUNT: u32 = 50_000;

/// Packets of a round.
const PACKET_COUNT: u32 = 50_000;

/// Packets whose flows are looked up ahead.
const AHEAD: usize = 8;

fn decoded(flow: u32, from_orig: bool, flags: u8) -> Decoded {
    let orig = (Addr::v4((0x0a00_0000 + flow / 4).to_be_bytes()), 1024 + (flow % 60_000) as u16);
    let resp = (Addr::v4([192, 0, 2, (flow % 7) as u8]), 443);
    let (src, dst) = if from_orig { (orig, resp) } else { (resp, orig) };
    Decoded {
        ip_version: 4,
        proto: ip_proto::TCP,
        src: src.0,
        dst: dst.0,
        src_port: src.1,
        dst_port: dst.1,
        ip_len: 40,
        has_transport: true,
        tcp: Tcp { seq: u32::from(flags & SYN == 0), ack: 1, flags, window: 500, ..Tcp::default() },
        ..Decoded::default()
    }
}

/// One packet after the other, a microsecond apart.
struct Line {
    table: FlowTable<()>,
    sink: Collect,
    count: u64,
}

impl Line {
    fn new(flow_count: usize) -> Self {
        let limits = Limits { flow_count, ..Limits::default() };
        let table = FlowTable::new(Config { limits, ..Config::default() });
        Self { table, sink: Collect { rows: Vec::new(), keep: false }, count: 0 }
    }

    fn take(&mut self, decoded: &Decoded) {
        self.count += 1;
        let ts = Timestamp(1_700_000_000_000_000_000 + self.count as i64 * 1000);
        let packet = Packet { ts, number: self.count, decoded, frame: &[], tunnel: None };
        self.table.packet(&packet, &mut self.sink);
    }
}

/// Connections that are opened and then acknowledge in random order, looked up ahead.
pub(crate) fn make() -> Round {
    let mut line = Line::new(1 << 20);
    for flow in 0..FLOW_COUNT {
        line.take(&decoded(flow, true, SYN));
        line.take(&decoded(flow, false, SYN | ACK));
        line.take(&decoded(flow, true, ACK));
    }
    let mut random = 1u64;
    // Made ahead: whether that is inlined would make more of a difference than the table.
    let packets: Vec<Decoded> = (0..PACKET_COUNT)
        .map(|_| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            decoded((random >> 33) as u32 % FLOW_COUNT, random >> 32 & 1 == 0, ACK)
        })
        .collect();
    Box::new(move || {
        let before = line.count;
        for batch in packets.chunks(AHEAD) {
            black_box(batch.iter().fold(0, |sum: u64, d| sum.wrapping_add(line.table.prefetch(d))));
            batch.iter().for_each(|d| line.take(d));
        }
        line.count - before
    })
}
