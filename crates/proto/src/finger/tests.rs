use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

#[test]
fn parses_a_question() {
    let steps = [Step::Data(Orig, b"/W bob@inner@outer\r\n"), Step::Data(Resp, b"\r\nLogin: bob\r\nName: Bob\r\n")];
    let out = check_splits(ProtoId::Finger, 79, &steps);
    assert_eq!(
        out.rows,
        ["finger: query=Str(\"bob\") verbose=Bool(true) forward=Str(\"inner@outer\") answer=Str(\"Login: bob\") \
          answer_len=Count(25)"]
    );
    check_truncations(ProtoId::Finger, 79, &steps);
    check_damage(ProtoId::Finger, 79, &steps, 50);
}

#[test]
fn probes_need_the_port() {
    let flow = sekisho_types::FlowInfo::default();
    let ask =
        |orig: &[u8], port_match| probe(&Probe { transport: Transport::Tcp, orig, resp: b"", port_match, flow: &flow });
    assert_eq!(ask(b"bob\r\n", true), Guess::Yes);
    assert_eq!(ask(b"\r\n", true), Guess::Yes);
    assert_eq!(ask(b"bob", true), Guess::More);
    assert_eq!(ask(b"bob\r\n", false), Guess::No);
    assert_eq!(ask(b"\x16\x03\x01", true), Guess::No);
    assert_eq!(ask(b"GET / HTTP/1.1\r\nHost: x\r\n", true), Guess::No);
}

#[test]
fn limits_lines() {
    let mut b = Bench::new(ProtoId::Finger, Transport::Tcp, 79);
    b.data(Orig, &[b'x'; 10_000]).data(Resp, &[b'y'; 100_000]);
    assert!(b.held_len() < 3 * MAX_LINE_LEN, "{}", b.held_len());
}
