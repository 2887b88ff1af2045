use super::message::tests::{NONE, asking, chunk, string};
use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::Opcua, 4840, &steps);
    check_damage(ProtoId::Opcua, 4840, &steps, 200);
    check_splits(ProtoId::Opcua, 4840, &steps)
}

fn hello() -> Vec<u8> {
    chunk(b"HELF", &[&[0; 20][..], &string("opc.tcp://plc:4840")].concat())
}

fn acknowledge() -> Vec<u8> {
    chunk(b"ACKF", &[0; 20])
}

/// Opens channel 5 under `policy`.
fn open(policy: &str, request_id: u8, body: &[u8]) -> Vec<u8> {
    let uri = string(&format!("http://opcfoundation.org/UA/SecurityPolicy#{policy}"));
    let security = [&[5, 0, 0, 0][..], &uri, &NONE, &NONE].concat();
    chunk(b"OPNF", &[&security[..], &[1, 0, 0, 0, request_id, 0, 0, 0], body].concat())
}

/// A message of channel 5 with a type and a body.
fn message(request_id: u8, kind: u16, body: &[u8]) -> Vec<u8> {
    let head = [5, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, request_id, 0, 0, 0, 1, 0];
    chunk(b"MSGF", &[&head[..], &kind.to_le_bytes(), body].concat())
}

fn said(status: u32) -> Vec<u8> {
    [&[0; 12][..], &status.to_le_bytes(), &[0; 8]].concat()
}

#[test]
fn parses_a_session() {
    let opening = [&[1, 0, 0xbe, 1][..], &asking(), &[0; 8], &[1, 0, 0, 0]].concat();
    let write = [asking(), vec![1, 0, 0, 0], [&[3, 4, 0][..], &string("Pump")].concat()].concat();
    let o = check(&[
        (Dir::Orig, hello()),
        (Dir::Resp, acknowledge()),
        (Dir::Orig, open("None", 1, &opening)),
        (Dir::Resp, open("None", 1, &[&[1, 0, 0xc1, 1][..], &said(0)].concat())),
        (Dir::Orig, message(2, 673, &write)),
        (Dir::Resp, message(2, 397, &said(0x801f_0000))),
        (Dir::Orig, message(3, 826, &asking())),
        (Dir::Orig, message(4, 826, &asking())),
        (Dir::Resp, message(3, 829, &said(0))),
        (Dir::Resp, message(4, 829, &said(0))),
        (Dir::Resp, chunk(b"ERRF", &[&0x8086_0000u32.to_le_bytes()[..], &string("bye")].concat())),
    ]);
    let channel =
        "channel_id=Count(5) security_policy=Str(\"None\") security_mode=Enum(None) client_certificate=Bool(false)";
    assert_eq!(
        o.rows,
        [
            "opcua: service=Str(\"Hello\") endpoint_url=Str(\"opc.tcp://plc:4840\") rtt=Interval(1000000)".to_owned(),
            format!(
                "opcua: service=Str(\"OpenSecureChannel\") request_id=Count(1) {channel} status=Str(\"Good\") rtt=Interval(1000000)"
            ),
            format!(
                "opcua: service=Str(\"Write\") request_id=Count(2) {channel} item_count=Count(1) nodes=[Str(\"ns=4;s=Pump\")] \
                 status=Str(\"BadUserAccessDenied\") rtt=Interval(1000000)"
            ),
            format!(
                "opcua: service=Str(\"Publish\") request_id=Count(3) {channel} status=Str(\"Good\") rtt=Interval(2000000)"
            ),
            format!(
                "opcua: service=Str(\"Error\") {channel} status=Str(\"BadSecureChannelClosed\") reason=Str(\"bye\")"
            ),
        ]
    );
}

#[test]
fn notes_encryption_once() {
    let secret = chunk(b"MSGF", &[0xa5; 60]);
    let o = check(&[
        (Dir::Orig, hello()),
        (Dir::Orig, open("Basic256Sha256", 1, &[0xa5; 64])),
        (Dir::Resp, open("Basic256Sha256", 1, &[0xa5; 64])),
        (Dir::Orig, secret.clone()),
        (Dir::Resp, secret),
    ]);
    assert_eq!(o.rows.len(), 3, "{:?}", o.rows);
    let opened = "OpenSecureChannel";
    let row = o.rows.iter().find(|r| r.contains(opened)).unwrap();
    assert!(row.contains("security_policy=Str(\"Basic256Sha256\")") && row.contains("rtt=Interval(1000000)"));
    let row = o.rows.iter().find(|r| r.contains("Str(\"encrypted\")")).unwrap();
    assert!(row.contains("security_mode=Enum(SignAndEncrypt)"));
}

#[test]
fn signed_messages_are_read() {
    let o = check(&[
        (Dir::Orig, open("Basic256Sha256", 1, &[0xa5; 64])),
        (Dir::Orig, message(2, 428, &[asking(), string("opc.tcp://plc")].concat())),
        (Dir::Resp, message(2, 431, &said(0))),
    ]);
    assert!(o.rows[1].contains("service=Str(\"GetEndpoints\")") && o.rows[1].contains("security_mode=Enum(Sign)"));
}

#[test]
fn later_chunks_are_passed_over() {
    let mut first = message(2, 631, &asking());
    first[3] = b'C';
    let mut last = message(2, 673, b"data of the first");
    last[3] = b'F';
    let o = check(&[(Dir::Orig, first), (Dir::Orig, last), (Dir::Resp, message(2, 634, &said(0)))]);
    assert_eq!(o.rows.len(), 1, "{:?}", o.rows);
}

#[test]
fn rejects_other_bytes() {
    let o = run_script(ProtoId::Opcua, 4840, &[Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
}

#[test]
fn limits_pending_requests() {
    let mut bench = Bench::new(ProtoId::Opcua, Transport::Tcp, 4840);
    bench.data(Dir::Orig, &hello());
    for i in 0..200 {
        bench.data(Dir::Orig, &message(i, 631, &asking()));
    }
    assert_eq!(bench.rows("opcua").len(), 200 - super::MAX_PENDING);
    assert!(bench.held_len() < 24 << 10, "{}", bench.held_len());
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |orig: &[u8], resp: &[u8]| {
        let p = Probe { transport: Transport::Tcp, orig, resp, port_match: false, flow: &flow };
        (super::Parser::DESCRIPTOR.probe)(&p)
    };
    assert_eq!(probe(&hello(), b""), Guess::Yes);
    assert_eq!(probe(b"", &acknowledge()), Guess::Yes);
    assert_eq!(probe(b"HE", b""), Guess::More);
    assert_eq!(probe(b"HELO mail\r\n", b"220 mx"), Guess::No);
    assert_eq!(probe(b"MSG hello there", b""), Guess::No);
}
