use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::tpkt::tests::{CONNECT, data, packet};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::S7comm, 102, &steps);
    check_damage(ProtoId::S7comm, 102, &steps, 200);
    check_splits(ProtoId::S7comm, 102, &steps)
}

fn setup(reference: u8) -> Vec<u8> {
    data(&[0x32, 1, 0, 0, 0, reference, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0])
}

#[test]
fn parses_a_session() {
    let confirm = [&[17, 0xd0], &CONNECT[2..]].concat();
    let write = [
        &[0x32, 1, 0, 0, 0, 2, 0, 14, 0, 5, 5, 1][..],
        &[0x12, 10, 0x10, 1, 0, 1, 0, 1, 0x84, 0, 0, 0x10, 0, 3, 0, 1, 1],
    ];
    let o = check(&[
        (Dir::Orig, packet(&CONNECT)),
        (Dir::Resp, packet(&confirm)),
        (Dir::Orig, setup(1)),
        (Dir::Resp, data(&[0x32, 3, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0xf0, 0, 0, 1, 0, 1, 0, 0xf0])),
        (Dir::Orig, data(&write.concat())),
        (Dir::Resp, data(&[0x32, 3, 0, 0, 0, 2, 0, 2, 0, 1, 0, 0, 5, 1, 3])),
        (Dir::Orig, data(&[&[0x32, 1, 0, 0, 0, 9, 0, 16, 0, 0, 0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat())),
    ]);
    let tsaps = "calling_tsap=Str(\"0x0100\") called_tsap=Str(\"0x0102\")";
    assert_eq!(
        o.rows,
        [
            format!(
                "s7comm: is_orig=Bool(true) protocol=Enum(S7comm) rosctr=Enum(JOB) pdu_ref=Count(1) func=Str(\"Setup Communication\") \
                 pdu_len=Count(240) success=Bool(true) rtt=Interval(1000000) {tsaps}"
            ),
            format!(
                "s7comm: is_orig=Bool(true) protocol=Enum(S7comm) rosctr=Enum(JOB) pdu_ref=Count(2) func=Str(\"Write Variable\") \
                 item_count=Count(1) items=[Str(\"DB1 2.0 BIT 1\")] success=Bool(false) \
                 item_errors=[Str(\"Access denied\")] rtt=Interval(1000000) {tsaps}"
            ),
            format!(
                "s7comm: is_orig=Bool(true) protocol=Enum(S7comm) rosctr=Enum(JOB) pdu_ref=Count(9) func=Str(\"PLC Stop\") \
                 pi_service=Str(\"P_PROGRAM\") {tsaps}"
            ),
        ]
    );
}

#[test]
fn parses_plus_and_units_in_several_packets() {
    let request = [0x72, 2, 0, 14, 0x31, 0, 0, 5, 0x42, 0, 0, 0, 5, 0, 0, 0, 0];
    let response = [0x72, 2, 0, 14, 0x32, 0, 0, 5, 0x42, 0, 0, 0, 5, 0, 0, 0, 0];
    let begun = packet(&[&[2, 0xf0, 0], &request[..]].concat());
    let o = check(&[
        (Dir::Orig, packet(&[2, 0xf0, 0])),
        (Dir::Orig, begun),
        (Dir::Orig, data(b"\x32\x01 the rest of the unit, which is no message")),
        (Dir::Resp, data(&response)),
        (Dir::Resp, data(b"")),
    ]);
    assert_eq!(
        o.rows,
        [
            "s7comm: is_orig=Bool(true) protocol=Enum(S7comm-plus) version=Count(2) rosctr=Enum(REQUEST) pdu_ref=Count(5) \
          func=Str(\"SetMultiVariables\") success=Bool(true) rtt=Interval(2000000)"
        ]
    );
}

#[test]
fn rejects_other_users_of_the_transport() {
    let mms = data(&[0x0d, 0xa4, 5, 6, 0x13, 1, 0]);
    let o = run_script(ProtoId::S7comm, 102, &[Step::Data(Dir::Orig, &mms)], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
}

#[test]
fn limits_pending_requests() {
    let mut bench = Bench::new(ProtoId::S7comm, Transport::Tcp, 102);
    for i in 0..=u8::MAX {
        bench.data(Dir::Orig, &setup(i));
    }
    assert_eq!(bench.rows("s7comm").len(), 256 - super::MAX_PENDING);
    assert!(bench.held_len() < 16 << 10, "{}", bench.held_len());
    assert_eq!(bench.end().rows("s7comm").len(), 256);
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |orig: &[u8], resp: &[u8]| {
        let p = Probe { transport: Transport::Tcp, orig, resp, port_match: false, flow: &flow };
        (super::Parser::DESCRIPTOR.probe)(&p)
    };
    assert_eq!(probe(&packet(&CONNECT), b""), Guess::More);
    assert_eq!(probe(&[packet(&CONNECT), setup(1)].concat(), &packet(&CONNECT)), Guess::Yes);
    assert_eq!(probe(&data(&[0x0d, 1]), b""), Guess::No);
    assert_eq!(probe(b"\x16\x03\x01\x00", b""), Guess::No);
    assert_eq!(probe(b"", b"GET"), Guess::No);
}
