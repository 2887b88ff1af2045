//! Scripted packet sequences against conn records: one case per state and history feature.
use crate::table::Aside;
use crate::{Config, ConnRecord, Flow, FlowTable, Limits, Moment, OverlapPolicy, Packet, Sink};
use sekisho_types::{Addr, Dir, Timestamp, Uid, ip_proto};
use sekisho_wire::tcp_flags::{ACK, FIN, PSH, RST, SYN};
use sekisho_wire::{Anomaly, Decoded, Tcp};

const A: Addr = Addr::v4([10, 0, 0, 1]);
const B: Addr = Addr::v4([93, 184, 216, 34]);

/// Writes down all that comes out.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<ConnRecord>,
    pub(crate) streams: [Vec<u8>; 2],
    pub(crate) gaps: [u64; 2],
    /// Bytes and gaps handed on, checked against the flow's own count.
    pub(crate) positions: [u64; 2],
    /// Streams of several connections, or begun anew: positions are not checked.
    pub(crate) restarted: bool,
    pub(crate) closes: Vec<Dir>,
    pub(crate) datagrams: Vec<(Dir, Vec<u8>, u32)>,
    pub(crate) weirds: Vec<&'static str>,
    pub(crate) flip_on_datagram: bool,
    /// At the last data.
    partial: bool,
}

impl Sink for Log {
    type App = ();

    fn data(&mut self, flow: &mut Flow, (): &mut (), dir: Dir, bytes: &[u8], _: Moment) {
        self.positions[dir.index()] += bytes.len() as u64;
        self.partial = flow.info.midstream;
        if !self.restarted {
            assert_eq!(flow.stream_offset(dir), self.positions[dir.index()] + 1);
        }
        self.streams[dir.index()].extend_from_slice(bytes);
    }

    fn datagram(&mut self, flow: &mut Flow, (): &mut (), dir: Dir, payload: &[u8], wire_len: u32, _: Moment) {
        self.datagrams.push((dir, payload.to_vec(), wire_len));
        if self.flip_on_datagram {
            flow.request_flip();
            self.flip_on_datagram = false;
        }
    }

    fn gap(&mut self, flow: &mut Flow, (): &mut (), dir: Dir, len: u64, _: Moment) {
        self.positions[dir.index()] += len;
        assert!(self.restarted || flow.stream_offset(dir) == self.positions[dir.index()] + 1);
        self.gaps[dir.index()] += len;
        self.streams[dir.index()].extend_from_slice(format!("<{len}>").as_bytes());
    }

    fn half_closed(&mut self, _: &mut Flow, (): &mut (), dir: Dir, _: Moment) {
        self.closes.push(dir);
    }

    fn closed(&mut self, _: &mut Flow, (): (), record: ConnRecord, _: Moment) {
        self.records.push(record);
    }

    fn weird(&mut self, _: Option<&Flow>, name: &'static str, _: Moment) {
        self.weirds.push(name);
    }
}

/// A table with its log; time in milliseconds.
pub(crate) struct Bench {
    pub(crate) table: FlowTable<()>,
    pub(crate) log: Log,
    pub(crate) number: u64,
    pub(crate) ports: (u16, u16),
}

impl Bench {
    pub(crate) fn new(config: Config) -> Self {
        Self { table: FlowTable::new(config), log: Log::default(), number: 0, ports: (40_000, 80) }
    }

    pub(crate) fn send(&mut self, ms: i64, d: &Decoded, payload: &[u8]) {
        self.number += 1;
        let p = Packet {
            ts: Timestamp(1_700_000_000_000_000_000 + ms * 1_000_000),
            number: self.number,
            decoded: d,
            frame: payload,
            tunnel: None,
        };
        self.table.packet(&p, &mut self.log);
    }

    /// A TCP packet from A (`>`) or B (`<`).
    pub(crate) fn tcp(&mut self, ms: i64, from_a: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]) {
        let d = Decoded {
            tcp: Tcp { seq, ack, flags, window: 1000, ..Tcp::default() },
            ..self.decoded(ip_proto::TCP, from_a, payload.len() as u32, 40)
        };
        self.send(ms, &d, payload);
    }

    pub(crate) fn udp(&mut self, ms: i64, from_a: bool, payload: &[u8]) {
        let d = self.decoded(ip_proto::UDP, from_a, payload.len() as u32, 28);
        self.send(ms, &d, payload);
    }

    pub(crate) fn decoded(&self, proto: u8, from_a: bool, len: u32, headers: u32) -> Decoded {
        let (p, q) = self.ports;
        Decoded {
            ip_version: 4,
            proto,
            src: if from_a { A } else { B },
            dst: if from_a { B } else { A },
            src_port: if from_a { p } else { q },
            dst_port: if from_a { q } else { p },
            ip_len: len + headers,
            payload_len: len,
            payload_wire_len: len,
            has_transport: true,
            ..Decoded::default()
        }
    }

    pub(crate) fn finish(mut self) -> Log {
        self.table.finish(&mut self.log);
        let s = self.table.stats();
        assert_eq!((s.flows, s.buffered_len, s.allocated_len), (0, 0, 0));
        assert_eq!(
            (self.table.aside, self.table.shared.pool.lists_len(), self.table.wheel.len()),
            (Aside::default(), 0, 0)
        );
        assert_eq!(s.flows_total, self.log.records.len() as u64);
        self.log
    }
}

/// Runs a script of lines such as `> S 100` or `< SA 300 101`: direction, flags, relative sequence
/// number, acknowledgement, payload; one packet per 10 ms.
fn run(script: &str) -> Log {
    let mut b = Bench::new(Config::default());
    for (i, line) in script.lines().map(str::trim).filter(|l| !l.is_empty()).enumerate() {
        let mut words = line.split_whitespace();
        let from_a = words.next() == Some(">");
        let flags = words.next().unwrap().chars().fold(0, |f, c| {
            f | match c {
                'S' => SYN,
                'A' => ACK,
                'F' => FIN,
                'R' => RST,
                '.' => 0,
                c => panic!("flag {c}"),
            }
        });
        let seq = words.next().map_or(0, |w| w.parse().unwrap());
        let ack = words.next().map_or(0, |w| w.parse().unwrap());
        let payload = words.next().unwrap_or("");
        b.tcp(i as i64 * 10, from_a, flags, seq, ack, payload.as_bytes());
    }
    b.finish()
}

fn check(script: &str, state: &str, history: &str) -> Log {
    let log = run(script);
    assert_eq!(log.records.len(), 1, "{script}");
    let r = &log.records[0];
    let got = r.history.as_ref().map_or("", |h| h.as_str());
    assert_eq!((r.conn_state.0, got), (state, history), "{script}");
    log
}

/// As Zeek tells them: where only the first SYN was missed, the connection is whole.
#[test]
fn knows_connections_that_began_before_the_capture() {
    for (script, partial) in [
        ("> S 100\n< SA 300 101\n> A 101 301 x\n< A 301 102 y", false),
        ("< SA 300 101\n> A 101 301\n> A 101 301 x\n< A 301 102 y", false),
        ("> A 101 301 x\n< A 301 102 y", true),
        ("> S 100\n> A 101 301 x\n< A 301 102 y", true),
    ] {
        assert_eq!(run(script).partial, partial, "{script}");
    }
}

/// Some middleboxes count the zeros that fill a frame into the packet: no data, unless the stream goes on behind them.
#[test]
fn zeros_that_fill_a_frame_are_no_data() {
    let begin = || {
        let mut b = Bench::new(Config::default());
        b.tcp(0, true, SYN, 100, 0, b"");
        b.tcp(10, false, SYN | ACK, 300, 101, b"");
        b.tcp(20, true, ACK, 101, 301, &[0; 2]);
        b
    };
    let mut b = begin();
    b.tcp(25, true, ACK, 101, 301, &[0; 2]);
    b.tcp(30, true, ACK | PSH, 101, 301, b"hello");
    b.tcp(40, false, ACK, 301, 106, &[0; 6]);
    b.tcp(50, false, ACK | PSH, 301, 106, b"x");
    b.tcp(60, true, ACK, 106, 302, &[0; 6]);
    assert_eq!(b.finish().streams, [b"hello".to_vec(), b"x".to_vec()]);
    let mut b = begin();
    b.tcp(30, true, ACK | PSH, 103, 301, b"hello");
    assert_eq!(b.finish().streams[0], b"\0\0hello");
    let mut b = begin();
    b.tcp(30, false, ACK, 301, 103, b"");
    let log = b.finish();
    assert_eq!((&log.streams[0][..], log.gaps), (&[0, 0][..], [0, 0]));
    assert_eq!(log.records[0].missed_bytes, 0);
}

const HANDSHAKE: &str = "> S 100\n< SA 300 101\n> A 101 301\n";

#[test]
fn whole_connection() {
    let log = check(
        &format!("{HANDSHAKE}> A 101 301 hello\n< A 301 106 world!\n> FA 106 307\n< FA 307 107\n> A 107 308"),
        "SF",
        "ShADdFf",
    );
    let r = &log.records[0];
    assert_eq!((r.orig_bytes, r.resp_bytes, r.missed_bytes), (Some(5), Some(6), 0));
    assert_eq!((r.orig_pkts, r.resp_pkts, r.orig_ip_bytes, r.resp_ip_bytes), (5, 3, 205, 126));
    // The last ACK comes after the close and does not count.
    assert_eq!(r.duration.unwrap().0, 60_000_000);
    assert_eq!((log.streams[0].as_slice(), log.streams[1].as_slice()), (&b"hello"[..], &b"world!"[..]));
    assert_eq!(log.closes, [Dir::Orig, Dir::Resp]);
    assert!(r.local_orig && !r.local_resp);
    assert_eq!(log.weirds, [""; 0]);
}

#[test]
fn every_state() {
    check("> S 100", "S0", "S");
    check(HANDSHAKE, "S1", "ShA");
    check("> S 100\n< RA 0 101", "REJ", "Sr");
    check(&format!("{HANDSHAKE}> FA 101 301\n< A 301 102"), "S2", "ShAFa");
    check(&format!("{HANDSHAKE}< FA 301 101\n> A 101 302"), "S3", "ShAf");
    check(&format!("{HANDSHAKE}> RA 101 301"), "RSTO", "ShAR");
    check(&format!("{HANDSHAKE}< RA 301 101"), "RSTR", "ShAr");
    check("> S 100\n> R 101", "RSTOS0", "SR");
    check("> S 100\n> FA 101 1", "SH", "SF");
    check("> A 100 300 abc\n< A 300 103 de", "OTH", "Dd");
}

#[test]
fn history_letters() {
    // Retransmitted data, odd flags, FINs at the same and at another place.
    let script = format!("{HANDSHAKE}> A 101 301 abcd\n> A 101 301 abcd");
    check(&script, "S1", "ShADT");
    let many: String = (0..11).map(|_| "> A 101 301 abcd\n").collect();
    check(&format!("{HANDSHAKE}{many}"), "S1", "ShADTT");
    check("> SF 100", "SH", "Q");
    check("> FR 100", "OTH", "I");
    check(&format!("{HANDSHAKE}> FA 101 301\n> FA 101 301"), "S2", "ShAF");
    check(&format!("{HANDSHAKE}> FA 101 301\n> FA 109 301"), "S2", "ShAFF");
}

#[test]
fn limits_history_and_sets_letters_aside() {
    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 50_000);
    // A SYN-ACK first, sent again at other places: its sender turns out to be the responder.
    for i in 0..40 {
        b.tcp(i, false, SYN | ACK, 300 + i as u32, 101, &[]);
    }
    b.tcp(50, false, ACK, 340, 101, b"banner");
    for i in 0..40 {
        b.tcp(60 + i, false, RST, 400 + i as u32, 101, &[]);
    }
    let r = &b.finish().records[0];
    let history = r.history.as_ref().unwrap().as_str();
    assert!(history.starts_with("^hd") && history.len() <= 64, "{history}");
}

#[test]
fn packets_are_counted_beyond_32_bits() {
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"x");
    let flow = b.table.flow_mut(crate::FlowId { index: 0, generation: 1 }).unwrap().0;
    flow.orig.pkts = u32::MAX;
    b.udp(1, true, b"x");
    b.udp(2, true, b"x");
    assert_eq!(b.finish().records[0].orig_pkts, (1 << 32) + 1);
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"x");
    let flow = b.table.flow_mut(crate::FlowId { index: 0, generation: 1 }).unwrap().0;
    flow.orig.pkts = u32::MAX;
    flow.count(Dir::Orig, 10);
    flow.recount(Dir::Orig, Dir::Resp, 10);
    assert_eq!((flow.counters(Dir::Orig).pkts, flow.counters(Dir::Resp).pkts), (u64::from(u32::MAX), 1));
}

#[test]
fn zero_windows_are_noted() {
    let mut b = Bench::new(Config::default());
    let d = Decoded {
        tcp: Tcp { seq: 1, ack: 1, flags: ACK, window: 0, ..Tcp::default() },
        ..b.decoded(ip_proto::TCP, true, 0, 40)
    };
    b.send(0, &d, &[]);
    assert_eq!(b.finish().records[0].history.as_ref().unwrap().as_str(), "AW");
}

#[test]
fn directions_are_corrected() {
    // Midstream from a likely server port.
    let log = check("< A 300 100 data\n> A 100 304", "OTH", "^dA");
    assert_eq!((log.records[0].head.orig_p.0, log.records[0].resp_pkts), (40_000, 1));
    // The answer was captured before the question.
    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 50_000);
    b.tcp(0, false, SYN | ACK, 300, 101, &[]);
    b.tcp(1, true, SYN, 100, 0, &[]);
    b.tcp(2, true, ACK, 101, 301, &[]);
    let r = &b.finish().records[0];
    assert_eq!((r.head.orig_p.0, r.conn_state.0), (40_000, "S1"));
    assert_eq!(r.history.as_ref().unwrap().as_str(), "Hs^A");
    // The question was not captured at all: clear as soon as the connection goes on.
    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 50_000);
    b.tcp(0, false, SYN | ACK, 300, 101, &[]);
    b.tcp(1, false, ACK, 301, 101, b"banner");
    b.tcp(2, false, FIN | ACK, 307, 101, &[]);
    let log = b.finish();
    let r = &log.records[0];
    assert_eq!((r.head.orig_p.0, r.conn_state.0, r.orig_pkts), (40_000, "SHR", 0));
    assert_eq!(r.history.as_ref().unwrap().as_str(), "^hdf");
    assert_eq!(log.streams[1], b"banner");
    // A lone SYN-ACK stays as it was seen (a scan).
    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 50_000);
    b.tcp(0, false, SYN | ACK, 300, 101, &[]);
    let r = &b.finish().records[0];
    assert_eq!((r.head.orig_p.0, r.history.as_ref().unwrap().as_str()), (50_000, "H"));
}

#[test]
fn acknowledged_holes_are_gaps() {
    let log = check(&format!("{HANDSHAKE}> A 101 301 abc\n> A 109 301 xyz\n< A 301 112"), "S1", "ShADaG");
    let r = &log.records[0];
    assert_eq!(log.streams[0], b"abc<5>xyz");
    assert_eq!((r.missed_bytes, r.orig_gap_bytes, r.orig_bytes), (5, Some(5), Some(11)));
    // What was lost at the end, known only by its acknowledgement.
    let log = check(&format!("{HANDSHAKE}< A 301 111"), "S1", "ShAaG");
    assert_eq!((log.gaps, log.records[0].orig_bytes), ([10, 0], Some(10)));
    // Filled in time.
    let log = check(&format!("{HANDSHAKE}> A 104 301 def\n> A 101 301 abc\n< A 301 107"), "S1", "ShADTa");
    assert_eq!((log.streams[0].as_slice(), log.records[0].missed_bytes), (&b"abcdef"[..], 0));
}

#[test]
fn sequence_numbers_wrap() {
    let log = check(
        "> S 4294967290\n< SA 4294967295 4294967291\n> A 4294967291 0\n> A 4294967291 0 0123456789\n\
         < A 0 5 abc\n> FA 5 3\n< FA 3 6\n> A 6 4",
        "SF",
        "ShADdFf",
    );
    let r = &log.records[0];
    assert_eq!((r.orig_bytes, r.resp_bytes), (Some(10), Some(3)));
    assert_eq!((log.streams[0].as_slice(), log.streams[1].as_slice()), (&b"0123456789"[..], &b"abc"[..]));
}

#[test]
fn half_conversations_come_out_whole() {
    // Only the responder's packets, midstream, out of order; no acknowledgement of its data anywhere.
    let log = check("< A 301 101 220\n< A 308 110 331\n< A 304 101 x230\n< FA 311 120", "SHR", "^dtf");
    assert_eq!(log.streams[1], b"220x230331");
    assert_eq!(log.closes, [Dir::Resp]);
    assert_eq!(format!("{:?}", log.records[0].tail.one_sided), "Some(EnumName(\"resp\"))");
    // A lost piece is given up at the end.
    let log = check("< A 301 101 220\n< A 310 101 230", "OTH", "^d");
    assert_eq!(log.streams[1], b"220<6>230");
    assert_eq!(log.records[0].missed_bytes, 0);
    assert_eq!(log.records[0].resp_gap_bytes, Some(6));
}

#[test]
fn one_sided_holes_are_given_up_in_time() {
    let limits = Limits { unacked_hole_len: 4000, ..Limits::default() };
    let mut b = Bench::new(Config { limits, ..Config::default() });
    b.tcp(0, false, ACK, 1, 1, b"start");
    for i in 0..5u32 {
        b.tcp(1, false, ACK, 100 + i * 1000, 1, &[b'x'; 1000]);
    }
    assert_eq!(b.log.gaps[1], 94);
    assert_eq!(b.table.stats().buffered_len, 0);
    assert_eq!(b.finish().streams[1].len(), 5 + "<94>".len() + 5000);
}

#[test]
fn reset_and_keep_alive() {
    // A keep-alive repeats the byte before the next one; nothing of it is delivered.
    let script = format!("{HANDSHAKE}> A 101 301 abc\n< A 301 104\n> A 103 301 c\n< A 301 104\n> A 104 301 d");
    let log = check(&script, "S1", "ShADaT");
    assert_eq!((log.streams[0].as_slice(), log.gaps), (&b"abcd"[..], [0, 0]));
    // Data in a RST is no stream data; data after it is told.
    let log = check(&format!("{HANDSHAKE}< RA 301 101 bye\n< A 301 101 late"), "RSTR", "ShArtd");
    assert_eq!(log.closes, [Dir::Resp]);
    assert!(log.weirds.contains(&"data_after_reset"));
}

#[test]
fn data_on_syn() {
    let log = check("> S 100 0 early\n< SA 300 106\n> A 106 301 more", "S1", "SThD");
    assert_eq!((log.streams[0].as_slice(), log.records[0].orig_bytes), (&b"earlymore"[..], Some(9)));
    assert_eq!(log.weirds, ["SYN_with_data"]);
}

#[test]
fn cut_packets_are_gaps_with_what_was_captured() {
    let mut b = Bench::new(Config::default());
    b.tcp(0, true, SYN, 0, 0, &[]);
    b.tcp(1, false, SYN | ACK, 0, 1, &[]);
    b.tcp(2, true, ACK, 1, 1, &[]);
    let d = Decoded {
        tcp: Tcp { seq: 1, ack: 1, flags: ACK, window: 9, ..Tcp::default() },
        payload_wire_len: 100,
        ..b.decoded(ip_proto::TCP, true, 10, 40)
    };
    b.send(3, &d, b"0123456789");
    b.tcp(4, true, ACK, 101, 1, b"rest");
    b.tcp(5, false, ACK, 1, 105, &[]);
    let log = b.finish();
    assert_eq!(log.streams[0], b"0123456789<90>rest");
    let r = &log.records[0];
    assert_eq!((r.missed_bytes, r.orig_gap_bytes, r.cut_bytes, r.orig_bytes), (100, Some(90), Some(90), Some(104)));
}

#[test]
fn reused_ports_make_new_flows() {
    let whole = format!("{HANDSHAKE}> FA 101 301\n< FA 301 102\n> A 102 302\n");
    let log = run(&format!("{whole}> S 9000\n< SA 5000 9001"));
    assert_eq!(log.records.len(), 2);
    assert_eq!((log.records[0].conn_state.0, log.records[1].conn_state.0), ("SF", "S1"));
    assert_ne!(log.records[0].head.uid, log.records[1].head.uid);
    // A SYN at another place while the old connection lives; the same SYN again is a retransmission.
    assert_eq!(run(&format!("{HANDSHAKE}> S 9000")).records.len(), 2);
    assert_eq!(run("> S 100\n> S 100").records.len(), 1);
}

#[test]
fn timers_end_flows() {
    let count = |gap_ms: i64, script: fn(&mut Bench)| {
        let mut b = Bench::new(Config::default());
        script(&mut b);
        b.udp(gap_ms, true, b"x");
        b.table.stats().flows_expired
    };
    // An unanswered SYN: 5 s.
    let syn: fn(&mut Bench) = |b| b.tcp(0, true, SYN, 1, 0, &[]);
    assert_eq!((count(4_999, syn), count(5_000, syn)), (0, 1));
    // An established connection: 5 min.
    let open: fn(&mut Bench) = |b| {
        b.tcp(0, true, SYN, 1, 0, &[]);
        b.tcp(0, false, SYN | ACK, 1, 2, &[]);
        b.tcp(0, true, ACK, 2, 2, &[]);
    };
    assert_eq!((count(299_999, open), count(300_000, open)), (0, 1));
    // A closed one: 5 s.
    let closed: fn(&mut Bench) = |b| {
        b.tcp(0, true, SYN, 1, 0, &[]);
        b.tcp(0, false, SYN | ACK, 1, 2, &[]);
        b.tcp(0, true, FIN | ACK, 2, 2, &[]);
        b.tcp(0, false, FIN | ACK, 2, 3, &[]);
        b.tcp(0, true, ACK, 3, 3, &[]);
    };
    assert_eq!((count(4_999, closed), count(5_000, closed)), (0, 1));
    // UDP: 1 min.
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"q");
    b.udp(59_999, false, b"a");
    b.udp(119_998, true, b"q");
    b.udp(179_998, true, b"q");
    let log = b.finish();
    assert_eq!((log.records.len(), log.records[0].orig_pkts, log.records[1].orig_pkts), (2, 2, 1));
    // Question and answer: quiet for 9 s at a look every 10 s.
    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 53);
    b.udp(0, true, b"q");
    b.udp(900, false, b"a");
    b.udp(10_001, true, b"q");
    assert_eq!(b.finish().records.len(), 2);
}

#[test]
fn time_may_go_back() {
    let mut b = Bench::new(Config::default());
    b.tcp(100_000, true, SYN, 1, 0, &[]);
    b.tcp(99_990, false, SYN | ACK, 1, 2, &[]);
    let r = &b.finish().records[0];
    assert_eq!((r.conn_state.0, r.duration, r.orig_bytes), ("S1", None, None));
}

#[test]
fn udp_states_and_flips() {
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"ask");
    b.udp(5, false, b"answer");
    let log = b.finish();
    let r = &log.records[0];
    assert_eq!((r.conn_state.0, r.history.as_ref().unwrap().as_str()), ("SF", "Dd"));
    assert_eq!((r.orig_bytes, r.resp_bytes, r.orig_ip_bytes), (Some(3), Some(6), 31));
    assert_eq!(log.datagrams[1], (Dir::Resp, b"answer".to_vec(), 6));

    let mut b = Bench::new(Config::default());
    b.ports = (40_000, 53);
    b.udp(0, false, b"answer");
    let r = &b.finish().records[0];
    assert_eq!((r.conn_state.0, r.history.as_ref().unwrap().as_str()), ("SHR", "^d"));

    // On the application's request the counts stay where they were.
    let mut b = Bench::new(Config::default());
    b.ports = (5353, 5353);
    b.log.flip_on_datagram = true;
    b.udp(0, true, b"answer");
    b.udp(1, true, b"answer");
    let r = &b.finish().records[0];
    assert_eq!((r.conn_state.0, r.history.as_ref().unwrap().as_str()), ("SF", "D^d"));
    assert_eq!((r.orig_pkts, r.resp_pkts, r.head.resp_h), (1, 1, A));
}

#[test]
fn icmp_and_other_protocols() {
    let mut b = Bench::new(Config::default());
    b.ports = (8, 0);
    let ask = b.decoded(ip_proto::ICMP, true, 56, 28);
    let answer = Decoded { src_port: 0, dst_port: 0, ..b.decoded(ip_proto::ICMP, false, 56, 28) };
    b.send(0, &ask, &[0; 56]);
    b.send(1, &answer, &[0; 56]);
    let unreachable = Decoded { src_port: 3, dst_port: 1, ..b.decoded(ip_proto::ICMP, false, 28, 28) };
    b.send(2, &unreachable, &[0; 28]);
    let igmp = Decoded { has_transport: false, src_port: 9, ..b.decoded(2, true, 8, 24) };
    b.send(3, &igmp, &[0; 8]);
    b.send(4, &igmp, &[0; 8]);
    let log = b.finish();
    let rows: Vec<_> = log
        .records
        .iter()
        .map(|r| (r.proto.0, r.ip_proto, r.head.orig_p.0, r.head.resp_p.0, r.orig_bytes, r.resp_bytes, r.conn_state.0))
        .collect();
    assert_eq!(
        rows,
        [
            ("icmp", 1, 8, 0, Some(56), Some(56), "OTH"),
            ("icmp", 1, 3, 1, None, None, "OTH"),
            ("unknown_transport", 2, 0, 0, Some(0), Some(0), "OTH"),
        ]
    );
    assert!(log.records.iter().all(|r| r.history.is_none()));
}

#[test]
fn checksum_errors_are_counted_and_left_out() {
    let mut b = Bench::new(Config::default());
    let mut d = b.decoded(ip_proto::TCP, true, 3, 40);
    d.tcp.flags = ACK;
    d.tcp.window = 1;
    d.anomalies.insert(Anomaly::BadTransportChecksum);
    b.send(0, &d, b"bad");
    let log = b.finish();
    let r = &log.records[0];
    assert_eq!((r.history.as_ref().unwrap().as_str(), r.orig_pkts, r.checksum_errors), ("C", 0, Some(1)));
    assert_eq!((log.streams[0].len(), log.weirds[0]), (0, "bad_TCP_checksum"));
}

#[test]
fn limits_flows_by_evicting_the_longest_idle() {
    let limits = Limits { flow_count: 2, ..Limits::default() };
    let mut b = Bench::new(Config { limits, ..Config::default() });
    for (ms, port) in [(0, 1001), (1, 1002), (2, 1001), (3, 1003)] {
        b.ports = (port, 9999);
        b.udp(ms, true, b"x");
    }
    assert_eq!((b.log.records.len(), b.log.records[0].head.orig_p.0), (1, 1002));
    assert_eq!((b.table.stats().flows_evicted, b.table.stats().flows_peak), (1, 2));
    assert_eq!(b.finish().records.len(), 3);
}

#[test]
fn limits_buffers() {
    let limits = Limits { flow_reassembly_len: 8 * 2048, reassembly_len: 8 * 2048, ..Limits::default() };
    let mut b = Bench::new(Config { limits, ..Config::default() });
    b.tcp(0, true, SYN, 0, 0, &[]);
    b.tcp(1, false, SYN | ACK, 0, 1, &[]);
    for i in 0..100u32 {
        b.tcp(2, true, ACK, 2000 + i * 2000, 1, &[b'y'; 1000]);
        assert!(b.table.stats().allocated_len <= 8 * 2048);
    }
    assert!(b.table.stats().holes_forced > 80);
    let log = b.finish();
    let bytes = log.streams[0].iter().filter(|b| **b == b'y').count();
    assert_eq!(bytes, 100_000);
}

#[test]
fn incomplete_analysis_is_noted_once() {
    let mut b = Bench::new(Config::default());
    let d = b.decoded(ip_proto::UDP, true, 0, 28);
    let p = Packet { ts: Timestamp(0), number: 1, decoded: &d, frame: &[], tunnel: None };
    let handled = b.table.packet(&p, &mut b.log).unwrap();
    assert!(handled.first && handled.dir == Dir::Orig);
    let flow = b.table.flow_mut(handled.id).unwrap().0;
    flow.note_incomplete(Dir::Orig);
    flow.note_incomplete(Dir::Orig);
    flow.note_incomplete(Dir::Resp);
    assert_eq!(flow.history().as_str(), "DXx");
    b.table.finish(&mut b.log);
    assert!(b.table.flow(handled.id).is_none());
}

#[test]
fn tunnels_are_remembered() {
    let mut b = Bench::new(Config::default());
    let d = b.decoded(ip_proto::UDP, true, 0, 28);
    let outer = |n: u8| Some(Uid::from_key(b'C', 0, &[n]));
    for (number, tunnel) in [(1, outer(1)), (2, None), (3, outer(2)), (4, outer(1)), (5, outer(2))] {
        let p = Packet { ts: Timestamp(0), number, decoded: &d, frame: &[], tunnel };
        b.table.packet(&p, &mut b.log);
    }
    b.table.finish(&mut b.log);
    let parents = b.log.records[0].tunnel_parents.as_ref().unwrap();
    assert_eq!(parents.0, [outer(1).unwrap(), outer(2).unwrap()]);
}

#[test]
fn rejects_packets_without_a_flow() {
    let mut b = Bench::new(Config::default());
    b.send(0, &Decoded::default(), &[]);
    let cut = Decoded { has_transport: false, ..b.decoded(ip_proto::TCP, true, 0, 20) };
    b.send(1, &cut, &[]);
    assert_eq!((b.table.stats().packets_ignored, b.table.stats().flows_total), (2, 0));
    assert_eq!(b.finish().weirds, ["truncated_header"]);
}

/// Found by fuzzing: the position of such a FIN is 0, and one before that was taken for 2^64 - 1.
#[test]
fn a_fin_from_before_the_start_ends_nothing() {
    let mut b = Bench::new(Config::default());
    b.tcp(0, true, SYN, 0, 0, &[]);
    b.tcp(1, false, SYN | ACK, 0, 1, &[]);
    b.tcp(2, true, FIN | ACK, u32::MAX, 1, &[]);
    b.tcp(3, true, ACK, 1, 1, b"hello");
    b.tcp(4, false, ACK, 1, 6, &[]);
    b.tcp(5, true, ACK, 9, 1, b"more");
    b.tcp(6, false, ACK, 1, 13, &[]);
    let log = b.finish();
    assert_eq!((log.streams[0].as_slice(), log.gaps), (&b"hello<3>more"[..], [3, 0]));
}

#[test]
fn opaque_flows_are_only_counted() {
    let mut b = Bench::new(Config::default());
    b.tcp(0, true, SYN, 0, 0, &[]);
    b.tcp(1, false, SYN | ACK, 0, 1, &[]);
    b.tcp(2, true, ACK, 1, 1, b"hello");
    let p = b.decoded(ip_proto::TCP, true, 0, 40);
    let d = Decoded { tcp: Tcp { seq: 6, ack: 1, flags: ACK, window: 1, ..Tcp::default() }, ..p };
    let packet = Packet { ts: Timestamp(1_700_000_000_002_000_000), number: 9, decoded: &d, frame: &[], tunnel: None };
    let id = b.table.packet(&packet, &mut b.log).unwrap().id;
    b.table.flow_mut(id).unwrap().0.set_opaque();
    b.tcp(3, true, ACK, 6, 1, b"secret");
    b.tcp(4, true, ACK, 20, 1, b"later");
    assert_eq!(b.table.stats().allocated_len, 64, "no bytes, but a place in the list");
    b.tcp(5, false, ACK, 1, 25, &[]);
    let log = b.finish();
    assert_eq!((log.streams[0].as_slice(), log.gaps), (&b"hello"[..], [0, 0]));
    let r = &log.records[0];
    assert_eq!((r.orig_bytes, r.missed_bytes), (Some(24), 8));
}

proptest::proptest! {
    /// Any order, duplication and overlap of the same content gives the same stream.
    #[test]
    fn reassembly_equals_the_content(
        base in proptest::num::u32::ANY,
        cuts in proptest::collection::vec((0usize..600, 1usize..80), 1..120),
        acked in proptest::bool::ANY,
    ) {
        let content: Vec<u8> = (0..700u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut b = Bench::new(Config::default());
        b.tcp(0, true, SYN, base, 0, &[]);
        if acked {
            b.tcp(0, false, SYN | ACK, 77, base.wrapping_add(1), &[]);
        }
        let mut model = vec![false; content.len()];
        for (at, len) in cuts {
            let end = (at + len).min(content.len());
            model[at..end].fill(true);
            let seq = base.wrapping_add(1 + at as u32);
            b.tcp(1, true, ACK, seq, 78, &content[at..end]);
        }
        let log = b.finish();
        // What the naive model holds, holes as gaps.
        let top = model.iter().rposition(|x| *x).map_or(0, |i| i + 1);
        let (mut want, mut hole) = (Vec::new(), 0);
        for i in 0..top {
            if model[i] {
                if hole > 0 {
                    want.extend_from_slice(format!("<{hole}>").as_bytes());
                }
                hole = 0;
                want.push(content[i]);
            } else {
                hole += 1;
            }
        }
        proptest::prop_assert_eq!(&log.streams[0], &want);
        proptest::prop_assert!(!log.weirds.contains(&"rexmit_inconsistency"));
    }

    /// Whatever the packets, nothing panics and the gauges return to zero.
    #[test]
    fn any_operations_are_survived(data in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
        crate::fuzzing::fuzz_reassembly(&data);
    }
}

#[test]
fn overlap_policies() {
    for (overlap, want) in [(OverlapPolicy::First, &b"aBBBBc"[..]), (OverlapPolicy::Last, &b"aXXXXc"[..])] {
        let mut b = Bench::new(Config { overlap, ..Config::default() });
        b.tcp(0, true, SYN, 0, 0, &[]);
        b.tcp(1, true, ACK, 2, 1, b"BBBB");
        b.tcp(2, true, ACK, 2, 1, b"XXXX");
        b.tcp(3, true, ACK, 1, 1, b"a");
        b.tcp(4, true, ACK, 6, 1, b"c");
        assert_eq!(b.table.stats().overlap_conflicts, 1);
        let log = b.finish();
        assert_eq!(log.streams[0], want);
        assert!(log.weirds.contains(&"rexmit_inconsistency"));
    }
}

#[test]
fn a_syn_at_another_place_starts_the_stream_anew() {
    let mut b = Bench::new(Config::default());
    b.tcp(0, true, SYN, 100, 0, &[]);
    b.tcp(1, false, SYN | ACK, 300, 101, &[]);
    b.tcp(2, true, ACK, 101, 301, &[]);
    b.tcp(3, false, ACK, 301, 101, b"old");
    b.tcp(4, false, ACK, 310, 101, b"held");
    b.log.restarted = true;
    b.tcp(5, false, SYN | ACK, 5000, 101, &[]);
    b.tcp(6, false, ACK, 5001, 101, b"new");
    let log = b.finish();
    assert_eq!(log.streams[1], b"oldnew");
    assert!(log.weirds.contains(&"SYN_seq_jump"));
}

/// Times to connect and to respond, in milliseconds.
fn times(b: Bench) -> [Option<i64>; 2] {
    let r = &b.finish().records[0];
    [r.connect_time, r.response_time].map(|t| t.map(|t| t.0 / 1_000_000))
}

#[test]
fn the_first_steps_are_timed() {
    let open = |again: bool| {
        let mut b = Bench::new(Config::default());
        b.tcp(0, true, SYN, 0, 0, &[]);
        if again {
            b.tcp(1_000, true, SYN, 0, 0, &[]);
        }
        b.tcp(1_030, false, SYN | ACK, 0, 1, &[]);
        b.tcp(1_031, true, ACK, 1, 1, &[]);
        b
    };
    // A question, an acknowledgement of it, the answer in two parts, another question.
    let mut b = open(false);
    b.tcp(1_100, true, ACK, 1, 1, b"ask");
    b.tcp(1_120, false, ACK, 1, 4, &[]);
    b.tcp(1_350, false, ACK, 1, 4, b"ans");
    b.tcp(1_360, false, ACK, 4, 4, b"wer");
    b.tcp(9_000, true, ACK, 4, 7, b"ask");
    assert_eq!(times(b), [Some(1_030), Some(250)]);
    // Which of two SYNs was answered nobody knows; a server that speaks first was not asked.
    let mut b = open(true);
    b.tcp(1_100, false, ACK, 1, 1, b"220 hello");
    b.tcp(1_350, true, ACK, 1, 10, b"HELO");
    b.tcp(1_400, false, ACK, 10, 5, b"250");
    assert_eq!(times(b), [None, None]);
    // The beginning was not seen.
    let mut b = Bench::new(Config::default());
    b.tcp(0, true, ACK, 1, 1, b"ask");
    b.tcp(50, false, ACK, 1, 4, b"answer");
    assert_eq!(times(b), [None, None]);
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"ask");
    b.udp(3, true, b"ask again");
    b.udp(8, false, b"answer");
    assert_eq!(times(b), [None, Some(8)]);
    // Longer than half an hour, and out of order.
    let mut b = Bench::new(Config::default());
    b.udp(0, true, b"ask");
    b.udp(-5, false, b"answer");
    assert_eq!(times(b), [None, None]);
}
