use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

/// 2023-11-14 22:13:20 UTC in NTP's count, with a quarter of a second.
const TIME: [u8; 8] = [0xe8, 0xfe, 0x6f, 0x80, 0x40, 0, 0, 0];

fn time(first: u8, stratum: u8, id: &[u8; 4]) -> Vec<u8> {
    let mut m = vec![first, stratum, 6, 0xec, 0, 0, 0x80, 0, 0, 1, 0, 0];
    m.extend(id);
    m.extend([0; 24]);
    m.extend(TIME);
    m
}

fn ntp() -> Bench {
    Bench::new(ProtoId::Ntp, Transport::Udp, 123)
}

#[test]
fn parses_question_and_answer() {
    let mut b = ntp();
    b.data(Dir::Orig, &time(0xe3, 0, &[0; 4])).data(Dir::Resp, &time(0x24, 2, &[192, 0, 2, 1])).end();
    let rows = b.rows("ntp");
    assert!(
        rows[0].starts_with("version=Count(4) mode=Count(3) stratum=Count(0) poll=Interval(64000000000)"),
        "{rows:?}"
    );
    assert!(rows[0].contains("precision=Interval(954) root_delay=Interval(500000000) root_disp=Interval(1000000000)"));
    assert!(
        rows[0].contains("ref_time=Time(0)")
            && rows[0].contains("xmt_time=Time(1700000000250000000) num_exts=Count(0) leap=Count(3)")
    );
    assert!(rows[1].contains("mode=Count(4) stratum=Count(2)") && rows[1].contains("ref_id=Str(\"192.0.2.1\")"));
    assert_eq!(b.out.confirmed, ["ntp"]);
}

#[test]
fn parses_extensions_and_keys() {
    let mut m = time(0x24, 1, b"GPS\0");
    m.extend([1, 4, 0, 20].into_iter().chain([7; 16]));
    m.extend([0, 0, 0, 5].into_iter().chain([9; 16]));
    let mut b = ntp();
    b.data(Dir::Orig, &m);
    let row = &b.rows("ntp")[0];
    assert!(
        row.contains("num_exts=Count(1)") && row.contains("key_id=Count(5)") && row.contains("ref_id=Str(\"GPS\\0\")"),
        "{row}"
    );
    for cut in 0..m.len() {
        ntp().data(Dir::Orig, &m[..cut]).end();
    }
    assert_eq!(Message::parse(&[0x23; 47]).unwrap_err().item(), "ntp time");
}

#[test]
fn parses_control_and_private() {
    let mut b = ntp();
    b.data(Dir::Orig, &[0x17, 0, 3, 42, 0, 0, 0, 0]);
    for _ in 0..3 {
        b.data(Dir::Resp, &[&[0xd7, 0, 3, 42, 0, 6, 0, 72][..], &[0; 432]].concat());
    }
    assert!(b.rows("ntp_admin").is_empty() && b.held_len() > 0);
    b.end();
    assert_eq!(
        b.rows("ntp_admin"),
        [
            "version=Count(2) mode=Count(7) operations=[Str(\"monlist-1\")] requests=Count(1) replies=Count(3) errors=Count(0) \
          request_bytes=Count(8) reply_bytes=Count(1320)"
        ]
    );
    let mut b = ntp();
    b.data(Dir::Orig, &[0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        .data(Dir::Resp, &[0x16, 0xc2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        .end();
    assert!(
        b.rows("ntp_admin")[0]
            .contains("operations=[Str(\"read-variables\")] requests=Count(1) replies=Count(1) errors=Count(1)")
    );
}

#[test]
fn limits_operations_and_rubbish() {
    let mut b = ntp();
    for code in 0..=255 {
        b.data(Dir::Orig, &[0x17, 0, 3, code, 0, 0, 0, 0]);
    }
    b.end();
    assert_eq!(b.rows("ntp_admin")[0].matches("Str(").count(), MAX_OPERATIONS);
    let mut b = ntp();
    for _ in 0..MAX_BAD {
        b.data(Dir::Orig, b"rubbish");
    }
    assert_eq!(b.out.rejected, Some("ntp_malformed"));
    for byte in 0..=255 {
        for exponent in 0..=255u8 {
            let mut m = time(byte, byte, &[byte; 4]);
            (m[2], m[3]) = (exponent, exponent);
            ntp().data(Dir::Orig, &m).end();
        }
    }
}

#[test]
fn recognised_by_content() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Ntp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig, port_match| probe(&Probe { transport: Transport::Udp, orig, resp: &[], port_match, flow: &flow });
    let good = time(0xe3, 0, &[0; 4]);
    assert_eq!(guess(&good, false), Guess::Yes);
    assert_eq!(guess(&good, true), Guess::Yes);
    assert_eq!(guess(&[0x23; 48], false), Guess::No);
    assert_eq!(guess(&[0x17, 0, 3, 42, 0, 0, 0, 0], true), Guess::Yes);
    assert_eq!(guess(&[0x17, 0, 3, 42, 0, 0, 0, 0], false), Guess::No);
    assert_eq!(guess(b"\0\0", true), Guess::No);
}

#[test]
fn shows_messages_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Ntp, Transport::Udp, 123);
    b.data(Dir::Resp, &time(0x24, 2, b"LOCL")).data(Dir::Orig, &time(0x13, 0, &[0; 4])).end();
    let [answer] = b.exchanges() else { panic!("version 2 is shown") };
    assert_eq!(answer.json, "{\"ntp\":{\"version\":4,\"mode\":4,\"stratum\":2,\"reference_id\":\"4c:4f:43:4c\"}}");
    assert_eq!(answer.fact(Fact::NtpReferenceId), ["LOCL"]);
}
