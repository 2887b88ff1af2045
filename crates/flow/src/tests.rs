//! Scripted packet sequences against conn records: one case per state and history feature.
use crate::{Config, ConnRecord, Flow, FlowTable, Moment, Packet, Sink};
use sekisho_types::{Addr, Dir, Timestamp, ip_proto};
use sekisho_wire::tcp_flags::{ACK, FIN, RST, SYN};
use sekisho_wire::{Decoded, Tcp};

const A: Addr = Addr::v4([10, 0, 0, 1]);
const B: Addr = Addr::v4([93, 184, 216, 34]);

/// Writes down all that comes out.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<ConnRecord>,
    pub(crate) streams: [Vec<u8>; 2],
    pub(crate) gaps: [u64; 2],
    pub(crate) closes: Vec<Dir>,
    pub(crate) datagrams: Vec<(Dir, Vec<u8>, u32)>,
    pub(crate) weirds: Vec<&'static str>,
    pub(crate) flip_on_datagram: bool,
}

impl Sink for Log {
    type App = ();

    fn data(&mut self, _: &mut Flow, (): &mut (), dir: Dir, bytes: &[u8], _: Moment) {
        self.streams[dir.index()].extend_from_slice(bytes);
    }

    fn datagram(&mut self, flow: &mut Flow, (): &mut (), dir: Dir, payload: &[u8], wire_len: u32, _: Moment) {
        self.datagrams.push((dir, payload.to_vec(), wire_len));
        if self.flip_on_datagram {
            flow.request_flip();
            self.flip_on_datagram = false;
        }
    }

    fn gap(&mut self, _: &mut Flow, (): &mut (), dir: Dir, len: u64, _: Moment) {
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

    fn decoded(&self, proto: u8, from_a: bool, len: u32, headers: u32) -> Decoded {
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
