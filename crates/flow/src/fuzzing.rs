//! Entry points for fuzz targets and property tests: whatever the bytes, nothing may panic, streams come
//! out in order, and gauges return to zero.

use crate::{Config, ConnRecord, Flow, FlowTable, Limits, Moment, OverlapPolicy, Packet, Sink};
use sekisho_types::{Addr, Dir, Timestamp};
use sekisho_wire::{Decoded, Tcp};

/// Counts what comes out and checks what must hold.
#[derive(Debug, Default)]
struct Checker {
    opened: u64,
    closed: u64,
    delivered: u64,
}

impl Sink for Checker {
    type App = bool;

    fn opened(&mut self, _: &mut Flow, _: &mut bool, _: Moment) {
        self.opened += 1;
    }

    fn data(&mut self, flow: &mut Flow, app: &mut bool, _: Dir, bytes: &[u8], _: Moment) {
        assert!(!bytes.is_empty() && !*app && !flow.is_opaque());
        self.delivered += bytes.len() as u64;
        if bytes.first() == Some(&0xfe) {
            flow.set_opaque();
        }
        if bytes.first() == Some(&0xfd) {
            flow.request_flip();
        }
    }

    fn datagram(&mut self, _: &mut Flow, _: &mut bool, _: Dir, _: &[u8], _: u32, _: Moment) {}

    fn gap(&mut self, _: &mut Flow, app: &mut bool, _: Dir, len: u64, _: Moment) {
        assert!(len > 0 && !*app);
    }

    fn half_closed(&mut self, _: &mut Flow, _: &mut bool, _: Dir, _: Moment) {}

    fn ending(&mut self, _: &mut Flow, app: &mut bool, _: Moment) {
        *app = true;
    }

    fn closed(&mut self, _: &mut Flow, app: bool, record: ConnRecord, _: Moment) {
        assert!(app && !record.conn_state.0.is_empty());
        self.closed += 1;
    }

    fn weird(&mut self, _: Option<&Flow>, name: &'static str, _: Moment) {
        assert!(!name.is_empty());
    }
}

/// Reads `data` as a sequence of TCP packets, eight bytes each, of a few flows under tight bounds.
pub fn fuzz_reassembly(data: &[u8]) {
    let limits = Limits {
        flow_count: 3,
        flow_reassembly_len: 16_384,
        reassembly_len: 32_768,
        segment_count: 8,
        unacked_hole_len: 8_192,
        window_len: 1 << 16,
        ..Limits::default()
    };
    let overlap = if data.first().is_some_and(|b| b & 1 != 0) { OverlapPolicy::Last } else { OverlapPolicy::First };
    let mut table: FlowTable<bool> = FlowTable::new(Config { limits, overlap, ..Config::default() });
    let mut sink = Checker::default();
    let (ops, _) = data.as_chunks::<8>();
    let mut ts = Timestamp(0);
    for (number, op) in (1u64..).zip(ops) {
        let [who, flags, seq_hi, seq_lo, ack_hi, ack_lo, len, step] = *op;
        ts = Timestamp(ts.0 + (i64::from(step) << 26));
        let payload = vec![flags ^ len; usize::from(len) * 8];
        let wire_len = u32::from(len) * 8 + u32::from(who >> 7) * 4;
        let (a, b) = (Addr::v4([10, 0, 0, who & 3]), Addr::v4([10, 0, 1, 1]));
        let forth = who & 4 == 0;
        let base = if who & 8 == 0 { 0xffff_f000 } else { 0 };
        let decoded = Decoded {
            ip_version: 4,
            proto: 6,
            src: if forth { a } else { b },
            dst: if forth { b } else { a },
            src_port: if forth { 1000 } else { 80 },
            dst_port: if forth { 80 } else { 1000 },
            ip_len: wire_len + 40,
            payload_len: u32::from(len) * 8,
            payload_wire_len: wire_len,
            has_transport: true,
            tcp: Tcp {
                seq: u32::from(u16::from_be_bytes([seq_hi, seq_lo])).wrapping_add(base),
                ack: u32::from(u16::from_be_bytes([ack_hi, ack_lo])).wrapping_add(base),
                flags,
                window: u16::from(who),
                ..Tcp::default()
            },
            ..Decoded::default()
        };
        let packet = Packet { ts, number, decoded: &decoded, frame: &payload, tunnel: None };
        assert!(table.packet(&packet, &mut sink).is_some());
        assert!(table.stats().allocated_len <= limits.reassembly_len as u64);
    }
    table.finish(&mut sink);
    let stats = table.stats();
    assert_eq!((stats.flows, stats.buffered_len, stats.allocated_len), (0, 0, 0));
    assert_eq!((sink.opened, sink.closed), (stats.flows_total, stats.flows_total));
}
