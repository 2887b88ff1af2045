use super::*;
use crate::ProtoId;
use crate::testing::Bench;
use sekisho_types::Dir::{Orig, Resp};

fn packet(code: u8, id: u8, attributes: &[(u8, &[u8])]) -> Vec<u8> {
    let body: Vec<u8> =
        attributes.iter().flat_map(|(kind, value)| [&[*kind, value.len() as u8 + 2][..], value].concat()).collect();
    let len = (HEADER_LEN + body.len()) as u16;
    [&[code, id][..], &len.to_be_bytes(), &[7; 16], &body].concat()
}

fn bench() -> Bench {
    Bench::new(ProtoId::Radius, Transport::Udp, 1812)
}

#[test]
fn parses_a_login_with_challenge() {
    let mut b = bench();
    b.data(
        Orig,
        &packet(1, 1, &[(1, b"ann"), (31, b"00-1B-63-84-45-E6"), (77, b"CONNECT 11Mbps"), (4, &[10, 0, 0, 9])]),
    );
    b.data(Resp, &packet(11, 1, &[(8, &[172, 16, 3, 33]), (18, b"code?"), (24, b"s1")]));
    b.data(Orig, &packet(1, 2, &[(1, b"ann"), (24, b"s1")])).data(Resp, &packet(2, 2, &[])).end();
    assert_eq!(b.out.confirmed, ["radius"]);
    let rows = b.rows("radius");
    assert_eq!(rows.len(), 1, "{rows:?}");
    for part in [
        "username=Str(\"ann\") mac=Str(\"00:1b:63:84:45:e6\")",
        "connect_info=Str(\"CONNECT 11Mbps\") reply_msg=Str(\"code?\") result=Str(\"success\") ttl=Interval(3000000)",
        "challenges=Count(1)",
    ] {
        assert!(rows[0].contains(part), "{part}: {rows:?}");
    }
}

#[test]
fn requests_under_way_are_told_apart() {
    let mut b = bench();
    b.data(Orig, &packet(1, 1, &[(1, b"ann")])).data(Orig, &packet(1, 2, &[(1, b"bob")]));
    b.data(Orig, &packet(1, 1, &[(1, b"ann")]));
    b.data(Resp, &packet(3, 2, &[])).data(Resp, &packet(2, 1, &[])).data(Orig, &packet(1, 3, &[(1, b"eve")])).end();
    let rows = b.rows("radius_exchange");
    let want = [("bob", "Access-Reject"), ("ann", "retries=Count(1)"), ("eve", "Access-Request")];
    assert_eq!(rows.len(), want.len());
    for (row, (user, what)) in rows.iter().zip(want) {
        assert!(row.contains(user) && row.contains(what), "{row}");
    }
    let logins = b.rows("radius");
    assert!(logins[0].contains("username=Str(\"ann\") result=Str(\"failed\")"), "as in Zeek");
    assert!(logins[0].contains("mixed=Bool(true)"));
    assert!(logins[2].contains("result=Str(\"unknown\")"));
}

#[test]
fn parses_accounting_and_disconnection() {
    let mut b = Bench::new(ProtoId::Radius, Transport::Udp, 1813);
    b.data(Orig, &packet(4, 1, &[(1, b"ann"), (40, &[0, 0, 0, 2]), (44, b"77")])).data(Resp, &packet(5, 1, &[]));
    b.data(Resp, &packet(40, 9, &[(1, b"ann")])).data(Orig, &packet(42, 9, &[])).end();
    let rows = b.rows("radius_exchange");
    assert!(rows[0].contains("acct_status=Str(\"Stop\") acct_session=Str(\"77\")"), "{rows:?}");
    assert!(rows[1].contains("request=Str(\"Disconnect-Request\") reply=Str(\"Disconnect-NAK\")"), "{rows:?}");
    assert!(b.rows("radius").is_empty());
}

#[test]
fn rejects_broken_attributes() {
    let mut b = bench();
    let mut bytes = packet(1, 1, &[(1, b"ann")]);
    *bytes.last_mut().unwrap() = 0;
    b.data(Orig, &bytes[..bytes.len() - 1]).data(Orig, &[&packet(1, 1, &[])[..], &[1, 1]].concat()).end();
    assert_eq!(b.out.rejected, Some("radius_broken_packet"));
    assert!(b.rows("radius").is_empty() && b.out.confirmed.is_empty());
}

#[test]
fn limits_logins_under_way() {
    let mut b = bench();
    for n in 0..1000u16 {
        b.data(Orig, &packet([1, 4, 12][usize::from(n % 3)], (n / 3) as u8, &[(1, &[b'x'; 200])]));
    }
    assert!(b.held_len() < MAX_PENDING * 1024, "{}", b.held_len());
    assert!(!b.rows("radius_exchange").is_empty());
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let guess =
        |orig: &[u8], port_match| probe(&Probe { transport: Transport::Udp, orig, resp: &[], port_match, flow: &flow });
    let good = packet(1, 1, &[(1, b"ann")]);
    assert_eq!(guess(&good, false), Guess::Yes);
    assert_eq!(guess(&[&good[..], &[9, 2]].concat(), false), Guess::No);
    assert_eq!(guess(&[&good[..], &[9, 2]].concat(), true), Guess::Yes);
    assert_eq!(guess(&good[..good.len() - 1], true), Guess::No);
    for other in [99, 2] {
        assert_eq!(guess(&packet(other, 1, &[(1, b"ann")]), false), Guess::No);
    }
    assert_eq!(guess(b"short", true), Guess::No);
}
