use super::message::tests::datagram;
use crate::testing::Bench;
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

fn bench() -> Bench {
    Bench::new(ProtoId::Bacnet, Transport::Udp, 47808)
}

const READ: [u8; 11] = [0x00, 0x05, 7, 12, 0x0c, 0, 0, 0, 5, 0x19, 85];

#[test]
fn parses_requests_with_answers() {
    let mut b = bench();
    b.data(Dir::Orig, &datagram(10, &[1, 4], &READ));
    b.data(Dir::Orig, &datagram(10, &[1, 4], &[0, 5, 8, 15, 0x0c, 1, 0, 0, 1, 0x19, 85, 0x3e, 0x91, 1, 0x3f, 0x49, 8]));
    b.data(Dir::Resp, &datagram(10, &[1, 0], &[0x50, 8, 15, 0x91, 2, 0x91, 40]));
    b.data(
        Dir::Resp,
        &datagram(10, &[1, 0], &[0x30, 7, 12, 0x0c, 0, 0, 0, 5, 0x19, 85, 0x3e, 0x44, 0x41, 0xac, 0, 0, 0x3f]),
    );
    b.data(Dir::Orig, &datagram(10, &[1, 4], &[0, 5, 9, 20, 0x09, 0])).end();
    let shared = "is_orig=Bool(true) bvlc=Str(\"Original-Unicast-NPDU\") kind=Enum(CONFIRMED)";
    assert_eq!(
        b.rows("bacnet"),
        [
            format!(
                "{shared} invoke_id=Count(8) service=Str(\"write-property\") objects=[Str(\"binary-output 1\")] \
                 properties=[Str(\"present-value\")] value=Str(\"1\") priority=Count(8) result=Enum(ERROR) \
                 error=Str(\"property: write-access-denied\") rtt=Interval(1000000)"
            ),
            format!(
                "{shared} invoke_id=Count(7) service=Str(\"read-property\") objects=[Str(\"analog-input 5\")] \
                 properties=[Str(\"present-value\")] value=Str(\"21.5\") result=Enum(ACK) rtt=Interval(3000000)"
            ),
            format!("{shared} invoke_id=Count(9) service=Str(\"reinitialize-device\") value=Str(\"coldstart\")"),
        ]
    );
}

#[test]
fn parses_announcements() {
    let mut b = bench();
    b.data(Dir::Orig, &datagram(11, &[1, 0], &[0x10, 8]));
    b.data(Dir::Orig, &datagram(11, &[1, 0], &[0x10, 0, 0xc4, 2, 0, 4, 0xd2, 0x22, 5, 0xc4, 0x91, 3, 0x21, 15]));
    b.data(Dir::Orig, &datagram(5, &[0, 60], &[])).end();
    assert_eq!(
        b.rows("bacnet"),
        [
            "is_orig=Bool(true) bvlc=Str(\"Original-Broadcast-NPDU\") kind=Enum(UNCONFIRMED) service=Str(\"who-is\")",
            "is_orig=Bool(true) bvlc=Str(\"Original-Broadcast-NPDU\") kind=Enum(UNCONFIRMED) service=Str(\"i-am\") \
             objects=[Str(\"device 1234\")] device=Count(1234) vendor_id=Count(15)",
            "is_orig=Bool(true) bvlc=Str(\"Register-Foreign-Device\") kind=Enum(BVLC)",
        ]
    );
}

#[test]
fn survives_every_truncation() {
    let whole = datagram(10, &[1, 0x28, 0, 5, 1, 2, 0, 6, 1, 3, 255], &READ);
    for len in 0..whole.len() {
        bench().data(Dir::Orig, &whole).data(Dir::Orig, &whole[..len]).end();
    }
}

#[test]
fn rejects_other_bytes() {
    let mut b = bench();
    b.data(Dir::Orig, b"hello").end();
    assert!(b.rows("bacnet").is_empty() && b.out.rejected.is_some());
}

#[test]
fn limits_pending_requests() {
    let mut b = bench();
    for i in 0..=u8::MAX {
        b.data(Dir::Orig, &datagram(10, &[1, 4], &[&[0, 5, i], &READ[3..]].concat()));
    }
    assert_eq!(b.rows("bacnet").len(), 256 - super::MAX_PENDING);
    assert!(b.held_len() < 24 << 10, "{}", b.held_len());
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |transport, orig: &[u8], port_match| {
        (super::Parser::DESCRIPTOR.probe)(&Probe { transport, orig, resp: b"", port_match, flow: &flow })
    };
    let read = datagram(10, &[1, 4], &READ);
    assert_eq!(probe(Transport::Udp, &read, false), Guess::Yes);
    assert_eq!(probe(Transport::Tcp, &read, true), Guess::No);
    assert_eq!(probe(Transport::Udp, &read[..10], true), Guess::No);
    assert_eq!(probe(Transport::Udp, &datagram(5, &[0, 60], &[]), false), Guess::No);
    assert_eq!(probe(Transport::Udp, &datagram(5, &[0, 60], &[]), true), Guess::Yes);
}
