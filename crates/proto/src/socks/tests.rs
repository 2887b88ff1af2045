use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const LOGIN: &[Step<'_>] = &[
    Step::Data(Orig, b"\x05\x02\0\x02"),
    Step::Data(Resp, b"\x05\x02"),
    Step::Data(Orig, b"\x01\x03bob\x06secret"),
    Step::Data(Resp, b"\x01\0"),
    Step::Data(Orig, b"\x05\x01\0\x03\x0bexample.org\x01\xbb"),
    Step::Data(Resp, b"\x05\0\0\x01\x0a\0\0\x02\x10\0"),
];

#[test]
fn parses_version_5_with_login() {
    let out = check_splits(ProtoId::Socks, 1080, LOGIN);
    assert_eq!(
        out.rows,
        ["socks: version=Count(5) user=Str(\"bob\") status=Str(\"succeeded\") request.name=Str(\"example.org\") \
          request_p=Port(443) bound.host=Addr(10.0.0.2) bound_p=Port(4096) command=Str(\"CONNECT\") auth_method=Count(2)"]
    );
    assert!(out.handed_over);
    check_truncations(ProtoId::Socks, 1080, LOGIN);
    check_damage(ProtoId::Socks, 1080, LOGIN, 100);
}

#[test]
fn parses_version_4_and_refusals() {
    let steps = [Step::Data(Orig, b"\x04\x01\0\x50\0\0\0\x01me\0a.example\0"), Step::Data(Resp, b"\0\x5b\0\0\0\0\0\0")];
    let out = check_splits(ProtoId::Socks, 1080, &steps);
    assert!(out.rows[0].contains("status=Str(\"general SOCKS server failure\") request.host=Addr(0.0.0.1)"), "{out:?}");
    assert!(!out.handed_over);
    let out = check_splits(ProtoId::Socks, 1080, &[LOGIN[0], LOGIN[1], LOGIN[2], Step::Data(Resp, b"\x01\x01")]);
    assert!(out.rows[0].contains("user=Str(\"bob\") status=Str(\"general SOCKS server failure\")"), "{out:?}");
}

#[test]
fn the_tunnel_is_told_once_and_what_it_carries_handed_over() {
    let mut b = Bench::new(ProtoId::Socks, Transport::Tcp, 1080);
    b.data(Orig, b"\x05\x01\0").data(Resp, b"\x05\0").data(Orig, b"\x05\x01\0\x01\x01\x02\x03\x04\0\x16");
    b.data(Resp, b"\x05\0\0\x01\0\0\0\0\0\0SSH-2.0-x\r\n");
    assert_eq!(b.out.tunnels, [TUNNEL]);
    assert_eq!(b.out.hand_over.as_ref().map(|h| (h.to, h.unconsumed)), Some((None, 11)));
}

#[test]
fn probes_need_both_sides() {
    let flow = sekisho_types::FlowInfo::default();
    let ask = |orig: &[u8], resp: &[u8]| {
        probe(&Probe { transport: Transport::Tcp, orig, resp, port_match: true, flow: &flow })
    };
    assert_eq!(ask(b"\x05\x01\0", b""), Guess::More);
    assert_eq!(ask(b"\x05\x01\0", b"\x05\0"), Guess::Yes);
    assert_eq!(ask(b"\x05\x01\0", b"\x05\x02"), Guess::No);
    assert_eq!(ask(b"\x04\x01\0\x50\x01\x02\x03\x04\0", b"\0\x5a"), Guess::Yes);
    assert_eq!(ask(b"GET / HTTP/1.1\r\n", b""), Guess::No);
    assert_eq!(ask(b"\x05\xff", b""), Guess::No);
}

#[test]
fn limits_what_is_held() {
    let mut b = Bench::new(ProtoId::Socks, Transport::Tcp, 1080);
    b.data(Orig, b"\x05\x01\0").data(Orig, &[5; 3000]);
    assert_eq!(b.out.rejected, Some("socks_out_of_turn"));
}
