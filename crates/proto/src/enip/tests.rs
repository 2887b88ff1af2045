use super::message::tests::{encapsulated, unconnected};
use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::Enip, 44818, &steps);
    check_damage(ProtoId::Enip, 44818, &steps, 200);
    check_splits(ProtoId::Enip, 44818, &steps)
}

fn rr(context: u8, cip: &[u8]) -> Vec<u8> {
    encapsulated(0x6f, 9, 0, context, &unconnected(cip))
}

/// Vendor 1, type 14, product 55, revision 20.11, serial, name.
const IDENTITY: [u8; 19] = [1, 0, 14, 0, 55, 0, 20, 11, 0x60, 0, 1, 2, 3, 4, 4, b'P', b'L', b'C', b'1'];

#[test]
fn parses_a_session() {
    let o = check(&[
        (Dir::Orig, encapsulated(0x65, 0, 0, 1, &[1, 0, 0, 0])),
        (Dir::Resp, encapsulated(0x65, 9, 0, 1, &[1, 0, 0, 0])),
        (Dir::Orig, rr(2, &[1, 2, 0x20, 1, 0x24, 1])),
        (Dir::Orig, rr(3, &[0x4d, 3, 0x91, 4, b'T', b'e', b'm', b'p', 0xc4, 0, 1, 0, 5, 0, 0, 0])),
        (Dir::Resp, rr(3, &[0xcd, 0, 0x0f, 1, 7, 0])),
        (Dir::Resp, rr(2, &[&[0x81, 0, 0, 0][..], &IDENTITY].concat())),
        (Dir::Orig, rr(4, &[5, 2, 0x20, 1, 0x24, 1])),
        (Dir::Orig, encapsulated(0x66, 9, 0, 5, &[])),
    ]);
    let shared = "proto=Enum(tcp) is_orig=Bool(true)";
    let ok = "session=Count(9) status=Str(\"SUCCESS\")";
    assert_eq!(
        o.rows,
        [
            format!("enip: {shared} command=Str(\"REGISTER_SESSION\") {ok} rtt=Interval(1000000)"),
            format!(
                "enip: {shared} command=Str(\"SEND_RR_DATA\") {ok} service=Str(\"Write_Tag\") tag=Str(\"Temp\") \
                 cip_status=Str(\"Privilege violation\") cip_extended_status=Count(7) rtt=Interval(1000000)"
            ),
            format!(
                "enip: {shared} command=Str(\"SEND_RR_DATA\") {ok} service=Str(\"Get_Attributes_All\") class=Count(1) \
                 class_name=Str(\"Identity\") instance=Count(1) cip_status=Str(\"Success\") rtt=Interval(3000000) \
                 vendor_id=Count(1) device_type=Count(14) product_code=Count(55) revision=Str(\"20.11\") \
                 serial=Str(\"0x04030201\") product_name=Str(\"PLC1\")"
            ),
            format!("enip: {shared} command=Str(\"UNREGISTER_SESSION\") {ok}"),
            format!(
                "enip: {shared} command=Str(\"SEND_RR_DATA\") {ok} service=Str(\"Reset\") class=Count(1) \
                 class_name=Str(\"Identity\") instance=Count(1)"
            ),
        ]
    );
}

#[test]
fn parses_connected_messages() {
    let unit = |connection: u8, cip: &[u8]| {
        let len = cip.len() as u8 + 2;
        let head = [0, 0, 0, 0, 0, 0, 2, 0, 0xa1, 0, 4, 0, connection, 0, 0, 0, 0xb1, 0, len, 0, 77, 0];
        encapsulated(0x70, 9, 0, 0, &[&head[..], cip].concat())
    };
    let o = check(&[
        (Dir::Orig, unit(1, &[0x0e, 3, 0x20, 4, 0x24, 100, 0x30, 3])),
        (Dir::Resp, unit(2, &[0x8e, 0, 0, 0, 1, 2])),
    ]);
    assert_eq!(o.rows.len(), 1);
    assert!(o.rows[0].contains("connection_id=Count(1) service=Str(\"Get_Attribute_Single\") class=Count(4)"));
    assert!(o.rows[0].contains("attribute=Count(3) cip_status=Str(\"Success\")"));
}

#[test]
fn parses_datagrams() {
    let mut bench = Bench::new(ProtoId::Enip, Transport::Udp, 44818);
    let item = [&[1, 0, 0x0c, 0, 37, 0, 1, 0, 0, 2, 0xaf, 0x12, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0][..], &IDENTITY];
    bench
        .data(Dir::Orig, &encapsulated(0x63, 0, 0, 0, &[]))
        .data(Dir::Resp, &encapsulated(0x63, 0, 0, 0, &item.concat()));
    let io = |n: u8| [2, 0, 2, 0x80, 8, 0, 7, 0, 0, 0, n, 0, 0, 0, 0xb1, 0, 4, 0, 1, 2, 3, 4];
    bench.data(Dir::Orig, &io(1)).data(Dir::Orig, &io(2)).end();
    let rows = bench.rows("enip");
    assert!(rows[0].contains("device_addr=Addr(192.0.2.9)") && rows[0].contains("product_name=Str(\"PLC1\")"));
    assert_eq!(
        rows[1],
        "proto=Enum(udp) is_orig=Bool(true) command=Str(\"IO_DATA\") connection_id=Count(7) io_count=Count(2) io_bytes=Count(8)"
    );
}

#[test]
fn rejects_other_bytes() {
    let o = run_script(ProtoId::Enip, 44818, &[Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
}

#[test]
fn limits_what_waits() {
    let mut bench = Bench::new(ProtoId::Enip, Transport::Tcp, 44818);
    for i in 0..200 {
        bench.data(Dir::Orig, &rr(i, &[0x0e, 2, 0x20, 1, 0x24, 1]));
    }
    assert_eq!(bench.rows("enip").len(), 200 - super::MAX_PENDING);
    assert!(bench.held_len() < 16 << 10, "{}", bench.held_len());
    let mut bench = Bench::new(ProtoId::Enip, Transport::Udp, 2222);
    for i in 0..200 {
        bench.data(Dir::Orig, &[2, 0, 2, 0x80, 8, 0, i, 0, 0, 0, 1, 0, 0, 0, 0xb1, 0, 0, 0]);
    }
    assert_eq!(bench.end().rows("enip").len(), super::MAX_CYCLIC);
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |transport, orig: &[u8], port_match| {
        (super::Parser::DESCRIPTOR.probe)(&Probe { transport, orig, resp: b"", port_match, flow: &flow })
    };
    let register = encapsulated(0x65, 0, 0, 1, &[1, 0, 0, 0]);
    assert_eq!(probe(Transport::Tcp, &register, false), Guess::Yes);
    assert_eq!(probe(Transport::Tcp, &rr(1, &[1, 2, 0x20, 1, 0x24, 1]), false), Guess::Yes);
    assert_eq!(probe(Transport::Tcp, &encapsulated(0x63, 0, 0, 0, &[]), false), Guess::No);
    assert_eq!(probe(Transport::Tcp, &encapsulated(0x63, 0, 0, 0, &[]), true), Guess::Yes);
    assert_eq!(probe(Transport::Tcp, b"\x16\x03\x01\x02\x00", true), Guess::No);
    assert_eq!(probe(Transport::Udp, &encapsulated(0x63, 0, 0, 0, &[]), true), Guess::Yes);
    assert_eq!(probe(Transport::Udp, &[0; 24], true), Guess::No);
}

#[test]
fn shows_messages_to_rules_and_eve() {
    use crate::testing::Bench;
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Enip, Transport::Tcp, 44818);
    b.data(Dir::Orig, &encapsulated(0x65, 0, 0, 1, &[1, 0, 0, 0]));
    let two = [10, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 14, 0, 0x0e, 3, 0x20, 1, 0x24, 1, 0x30, 5, 1, 2, 0x20, 6, 0x24, 1];
    b.data(Dir::Orig, &rr(2, &two));
    let [register, asked] = [0, 1].map(|at| b.exchanges()[at].clone());
    assert!(!register.over && !asked.over);
    b.data(Dir::Resp, &rr(2, &[0x8a, 0, 8, 1, 7, 0]));
    let refused = b.exchanges()[1].clone();
    // What came before will have no answer any more.
    assert!(b.exchanges()[0].over && refused.over);
    b.end();
    assert_eq!(b.exchanges().len(), 2);
    assert_eq!(
        register.json,
        "{\"enip\":{\"request\":{\"command\":\"register_session\",\"status\":\"success\",\
         \"register_session\":{\"protocol_version\":1,\"options\":0}}}}"
    );
    assert!(
        asked
            .json
            .contains("\"service\":\"Multiple Service Packet\",\"path\":[{\"segment_type\":\"class\",\"value\":2},")
    );
    assert_eq!(asked.fact(Fact::EnipCipService), ["10", "14", "1"]);
    assert_eq!(asked.fact(Fact::EnipCipClass), ["2", "1", "6"]);
    assert_eq!(asked.fact(Fact::EnipCipAttribute), ["5"]);
    assert_eq!(
        (refused.fact(Fact::EnipCipStatus), refused.fact(Fact::EnipCipExtendedstatus)),
        (&["8".into()][..], &["7".into()][..])
    );
    assert!(
        refused.json.contains("\"request\":{\"command\":\"send_rr_data\"") && refused.json.contains("\"response\"")
    );
}

#[test]
fn frames_are_the_message_its_items_and_services() {
    use crate::testing::Bench;
    let mut b = Bench::watched(ProtoId::Enip, Transport::Tcp, 44818);
    let two = [10, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 14, 0, 0x0e, 3, 0x20, 1, 0x24, 1, 0x30, 5, 1, 2, 0x20, 6, 0x24, 1];
    b.data_split(Dir::Orig, &rr(2, &two), 7).data(Dir::Resp, &rr(2, &[0x8a, 0, 8, 1, 7, 0]));
    let lines = b.frames();
    let of = |kind: &str| lines.iter().filter(|line| line.contains(kind)).cloned().collect::<Vec<_>>();
    let places = |kind| of(kind).iter().map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(places("to server enip.hdr"), ["0+24"]);
    assert_eq!(places("to server enip.data"), ["24+42"]);
    assert!(lines.iter().all(|line| line.contains(" tx=0 ")));
    assert_eq!(places("to server enip.pdu"), ["0+66"]);
    assert_eq!(places("to server enip.enip.item"), ["32+4", "36+30"]);
    assert_eq!(places("to server enip.cip"), ["40+26", "52+8", "60+6"]);
    assert_eq!(places("to client enip.cip"), ["40+6"]);
}
