//! How long one row takes in each format: `cargo run --release -p sekisho-output --example encode`.

use sekisho_output::{Format, Sinks};
use sekisho_record::{EnumName, Port, Record, Set};
use sekisho_types::{Addr, CommunityId, FiveTuple, Interval, Timestamp, Uid};
use std::hint::black_box;
use std::time::Instant;

/// A connection, shaped as in Zeek's conn.log.
#[derive(Record)]
#[record(log = "conn")]
struct Conn {
    /// First packet.
    ts: Timestamp,
    /// Flow.
    uid: Uid,
    /// Originator.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Port.
    #[record(name = "id.orig_p")]
    orig_p: Port,
    /// Responder.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Port.
    #[record(name = "id.resp_p")]
    resp_p: Port,
    /// Transport.
    proto: EnumName,
    /// Service.
    service: Option<&'static str>,
    /// Time.
    duration: Option<Interval>,
    /// Bytes.
    orig_bytes: Option<u64>,
    /// Bytes.
    resp_bytes: Option<u64>,
    /// State.
    conn_state: &'static str,
    /// Local.
    local_orig: Option<bool>,
    /// Local.
    local_resp: Option<bool>,
    /// Missed.
    missed_bytes: u64,
    /// History.
    history: String,
    /// Packets.
    orig_pkts: u64,
    /// Bytes.
    orig_ip_bytes: u64,
    /// Packets.
    resp_pkts: u64,
    /// Bytes.
    resp_ip_bytes: u64,
    /// Tunnels.
    tunnel_parents: Option<Set<Uid>>,
    /// Protocol number.
    ip_proto: u64,
    /// Community ID.
    #[record(ext)]
    community_id: CommunityId,
    /// One end only.
    #[record(ext)]
    one_sided: Option<EnumName>,
    /// VLAN.
    vlan: Option<u64>,
}

const ROWS: u64 = 2_000_000;

fn row(i: u64) -> Conn {
    let tuple = FiveTuple {
        orig: Addr::v4([192, 168, 1, (i % 250) as u8]),
        resp: Addr::v4([203, 0, 113, (i / 250 % 250) as u8]),
        orig_port: 1024 + (i % 60_000) as u16,
        resp_port: 443,
        proto: 6,
    };
    let ts = Timestamp::from_parts(1_427_304_960, (i * 1_000 % 1_000_000_000) as u32);
    Conn {
        ts,
        uid: Uid::for_flow(&tuple, ts, 1),
        orig_h: tuple.orig,
        orig_p: Port(tuple.orig_port),
        resp_h: tuple.resp,
        resp_p: Port(443),
        proto: EnumName("tcp"),
        service: Some("ssl"),
        duration: Some(Interval(463_112_000 + i as i64)),
        orig_bytes: Some(1_203 + i),
        resp_bytes: Some(88_123 + i),
        conn_state: "SF",
        local_orig: Some(true),
        local_resp: Some(false),
        missed_bytes: 0,
        history: "ShADadFf".to_owned(),
        orig_pkts: 24,
        orig_ip_bytes: 2_300 + i,
        resp_pkts: 88,
        resp_ip_bytes: 93_000 + i,
        tunnel_parents: None,
        ip_proto: 6,
        community_id: CommunityId::new(&tuple, 0),
        one_sided: None,
        vlan: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn main() {
    let rows: Vec<_> = (0..1_000).map(row).collect();
    for formats in [&[Format::ZeekJson][..], &[Format::Zeek], &[Format::Ndjson], &Format::ALL] {
        let mut sinks = Sinks::new(formats, |_| Ok(Box::new(std::io::sink())));
        let start = Instant::now();
        for i in 0..ROWS {
            sinks.write(black_box(&rows[(i % 1_000) as usize])).expect("a sink takes everything");
        }
        let written = sinks.finish().expect("a sink takes everything");
        let secs = start.elapsed().as_secs_f64();
        let names: Vec<_> = formats.iter().map(|f| f.name()).collect();
        println!(
            "{:<22} {:>6.0} ns/row {:>7.0} MB/s {:>5} bytes/row",
            names.join("+"),
            secs * 1e9 / ROWS as f64,
            written.bytes as f64 / secs / 1e6,
            written.bytes / ROWS
        );
    }
}
