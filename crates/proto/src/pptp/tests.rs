use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 12).unwrap();
    [&len.to_be_bytes()[..], &[0, 1, 0x1a, 0x2b, 0x3c, 0x4d], &kind.to_be_bytes(), &[0; 2], body].concat()
}

fn start(kind: u16, result: u8, host: &str) -> Vec<u8> {
    let mut body = vec![1, 0, result, 0];
    body.extend([0; 10]);
    body.extend([0, 7]);
    for text in [host, "golden"] {
        body.extend(text.as_bytes());
        body.resize(body.len() + 64 - text.len(), 0);
    }
    message(kind, &body)
}

#[test]
fn parses_in_any_split() {
    let asks = [start(1, 0, "laptop"), message(7, &[0; 156]), message(5, &[0; 4])].concat();
    let answers =
        [start(2, 1, "gate"), message(8, &[0, 1, 0, 2, 1, 0, 0, 0]), message(8, &[0, 1, 0, 2, 4, 0, 0, 0])].concat();
    let steps = [Step::Data(Dir::Orig, &asks), Step::Data(Dir::Resp, &answers)];
    let outcome = check_splits(ProtoId::Pptp, 1723, &steps);
    assert_eq!(
        outcome.rows,
        [
            "pptp: orig_host=Str(\"laptop\") resp_host=Str(\"gate\") orig_vendor=Str(\"golden\") resp_vendor=Str(\"golden\") \
          resp_firmware=Count(7) messages=[Str(\"start-request\"), Str(\"outgoing-call-request\"), Str(\"echo-request\"), \
          Str(\"start-reply\"), Str(\"outgoing-call-reply\")] calls=Count(1) error=Count(4)"
        ]
    );
    check_truncations(ProtoId::Pptp, 1723, &steps);
    check_damage(ProtoId::Pptp, 1723, &steps, 300);
}

#[test]
fn rejects_other_streams() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Pptp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8]| probe(&Probe { transport: Transport::Tcp, orig, resp: b"", port_match: false, flow: &flow });
    let whole = start(1, 0, "x");
    assert_eq!(guess(&whole), Guess::Yes);
    for cut in 0..8 {
        assert_eq!(guess(&whole[..cut]), Guess::More);
    }
    assert_eq!(guess(b"GET / HTTP"), Guess::No);
    assert_eq!(guess(&[0, 156, 0, 1, 9]), Guess::No);
    let mut b = Bench::new(ProtoId::Pptp, Transport::Tcp, 1723);
    b.data(Dir::Orig, &[0xff, 0xff, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d]);
    assert_eq!(b.out.rejected, Some("pptp length"));
}

#[test]
fn limits_kinds() {
    let mut b = Bench::new(ProtoId::Pptp, Transport::Tcp, 1723);
    for kind in 3..300 {
        b.data(Dir::Orig, &message(if kind == 8 { 9 } else { kind }, &[0; 16]));
    }
    assert!(b.held_len() < 1024, "{}", b.held_len());
}
