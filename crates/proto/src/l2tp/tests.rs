use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let flags = 0x8000 | u16::try_from(value.len() + 6).unwrap();
    [&flags.to_be_bytes()[..], &[0, 0], &kind.to_be_bytes(), value].concat()
}

fn control(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = [attribute(0, &kind.to_be_bytes()), attributes.concat()].concat();
    let len = u16::try_from(body.len() + 12).unwrap();
    [&[0xc8, 2][..], &len.to_be_bytes(), &[0; 8], &body].concat()
}

fn l2tp() -> Bench {
    Bench::new(ProtoId::L2tp, Transport::Udp, 1701)
}

#[test]
fn parses_a_tunnel() {
    let ask =
        control(1, &[attribute(7, b"lac"), attribute(8, b"golden"), attribute(9, &[0, 5]), attribute(11, b"secret?")]);
    let mut b = l2tp();
    b.data(Dir::Orig, &ask).data(Dir::Resp, &control(2, &[attribute(7, b"lns"), attribute(9, &[0, 6])]));
    b.data(Dir::Orig, &[0, 2, 0, 6, 0, 1, 0xff, 3]).data(Dir::Orig, &control(4, &[attribute(1, &[0, 6, 0, 0])])).end();
    assert_eq!(
        b.rows("l2tp"),
        ["orig_host=Str(\"lac\") resp_host=Str(\"lns\") orig_vendor=Str(\"golden\") orig_tunnel=Count(5) \
          resp_tunnel=Count(6) messages=[Str(\"SCCRQ\"), Str(\"SCCRP\"), Str(\"StopCCN\")] result=Count(6) authenticated=Bool(true)"]
    );
}

#[test]
fn rejects_cuts_and_damage() {
    let whole = control(1, &[attribute(7, b"lac"), attribute(9, &[0, 5])]);
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::L2tp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8]| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match: false, flow: &flow });
    assert_eq!(guess(&whole), Guess::Yes);
    for cut in 0..whole.len() {
        assert_eq!(guess(&whole[..cut]), Guess::No);
    }
    for at in 12..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 0xff;
        l2tp().data(Dir::Orig, &bad).end();
    }
}

#[test]
fn limits_texts_and_kinds() {
    let mut b = l2tp();
    for kind in 0..200 {
        b.data(Dir::Orig, &control(kind, &[attribute(7, &[b'x'; 900])]));
    }
    assert!(b.held_len() < 2048, "{}", b.held_len());
}
