//! Packets that are to die on the way are told to detectors, and to nobody else.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, for_each};
use sekisho_testkit::{Endpoint, Frame, icmp_echo, ip, pcap};
use sekisho_types::{Addr, Timestamp, ip_proto};

/// LINKTYPE_RAW: frames are IP packets.
const RAW: u32 = 101;

const HOST: &str = "10.0.0.5";
const TARGET: &str = "198.51.100.9";
const ROUTER: &str = "10.0.0.1";

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn end(text: &str, port: u16) -> Endpoint {
    Endpoint::from((addr(text), port))
}

/// The `probe` rows of these packets, one millisecond apart.
fn told(judged: bool, packets: &[Vec<u8>]) -> Vec<String> {
    let frames: Vec<_> = (1..).map(|n| Timestamp(n * 1_000_000)).zip(packets.iter().cloned()).collect();
    let mut captures = Captures::from_bytes("hops", pcap(RAW, &frames));
    let mut worker = Worker::new(Settings { judged, ..Settings::default() });
    let (mut batch, mut told) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| {
        if r.schema().log == "probe" {
            let mut text = Vec::new();
            for_each(r, &mut |field, value| {
                if !matches!(field.name, "ts" | "uid") {
                    text.push(format!("{}={value:?}", field.name));
                }
            });
            told.push(text.join(" "));
        }
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    told
}

/// `packet` with another hop limit; the checksum of its header is not looked at.
fn dying(mut packet: Vec<u8>, ttl: u8) -> Vec<u8> {
    packet[8] = ttl;
    packet
}

fn echo() -> Vec<u8> {
    ip(addr(HOST), addr(TARGET), ip_proto::ICMP, &icmp_echo(8, 7, 3, b"x"))
}

/// A router says that `packet` died there: its header and eight bytes more.
fn exceeded(packet: &[u8]) -> Vec<u8> {
    let message = [&[11, 0, 0, 0, 0, 0, 0, 0][..], &packet[..28]].concat();
    ip(addr(ROUTER), addr(HOST), ip_proto::ICMP, &message)
}

#[test]
fn packets_and_answers_have_the_same_mark() {
    let udp = Frame::udp(end(HOST, 40_000), end(TARGET, 33_434), b"x").ttl(2).packet();
    let tcp = Frame::tcp(end(HOST, 40_000), end(TARGET, 443), 2).ttl(3).packet();
    let echo = dying(echo(), 1);
    let packets = [&udp, &tcp, &echo].map(|p| [p.clone(), exceeded(p)]).concat();
    let ends = format!("id.orig_h=Addr({HOST}) id.resp_h=Addr({TARGET})");
    let sent = |proto: &str, mark: u32, ttl: u8| {
        format!("{ends} proto=Str(\"{proto}\") mark=Count({mark}) ttl=Count({ttl}) router=Unset")
    };
    let died = |proto: &str, mark: u32| {
        format!("{ends} proto=Str(\"{proto}\") mark=Count({mark}) ttl=Unset router=Addr({ROUTER})")
    };
    let marks = [40_000 << 16 | 33_434, 40_000 << 16 | 443, 7 << 16 | 3];
    assert_eq!(
        told(true, &packets),
        [
            sent("udp", marks[0], 2),
            died("udp", marks[0]),
            sent("tcp", marks[1], 3),
            died("tcp", marks[1]),
            sent("icmp", marks[2], 1),
            died("icmp", marks[2]),
        ]
    );
    assert_eq!(told(false, &packets).len(), 0);
}

#[test]
fn ordinary_packets_are_not_told() {
    let packets = [
        // Ordinary limits; a group's packet that may not leave the link; one that goes on; a reply; another error.
        Frame::udp(end(HOST, 40_000), end(TARGET, 53), b"x").ttl(64).packet(),
        Frame::udp(end(HOST, 1_900), end("239.255.255.250", 1_900), b"x").ttl(1).packet(),
        Frame::tcp(end(HOST, 40_000), end(TARGET, 443), 16).ttl(3).packet(),
        dying(ip(addr(HOST), addr(TARGET), ip_proto::ICMP, &icmp_echo(0, 7, 3, b"x")), 2),
        ip(addr(ROUTER), addr(HOST), ip_proto::ICMP, &[&[3, 1, 0, 0, 0, 0, 0, 0][..], &echo()[..28]].concat()),
        // Time exceeded of a fragment's reassembly, and one that quotes nothing.
        ip(addr(ROUTER), addr(HOST), ip_proto::ICMP, &[&[11, 1, 0, 0, 0, 0, 0, 0][..], &echo()[..28]].concat()),
        ip(addr(ROUTER), addr(HOST), ip_proto::ICMP, &[11, 0, 0, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(told(true, &packets), [""; 0]);
}

#[test]
fn a_flow_that_lasts_tells_no_more() {
    let packets: Vec<Vec<u8>> =
        (0..300).map(|_| Frame::udp(end(HOST, 40_000), end(TARGET, 33_434), b"x").ttl(1).packet()).collect();
    assert_eq!(told(true, &packets).len(), 64);
}
