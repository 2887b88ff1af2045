use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const SESSION: &[Step<'_>] = &[
    Step::Data(Resp, b"\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"),
    Step::Data(Orig, b"\xff\xfb\x18\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0\xff\xfa\x18\0xterm\xff\xf0"),
    Step::Data(Resp, b"\r\ngolden os 1.0\r\n\r\nlogin: "),
    Step::Data(Orig, b"bov"),
    Step::Data(Resp, b"bov"),
    Step::Data(Orig, b"\x7fb\r\0"),
    Step::Data(Resp, b"\x08 \x08b\r\nPassword: "),
    Step::Data(Orig, b"wrong\r\0"),
    Step::Data(Resp, b"\r\nLogin incorrect\r\nlogin: "),
    Step::Data(Orig, b"alice\r\0"),
    Step::Data(Resp, b"\r\nPassword: "),
    Step::Data(Orig, b"secret\r\0"),
    Step::Data(Resp, b"\r\nLast login: today\r\n$ "),
    Step::Data(Orig, b"ls\r\0"),
];

#[test]
fn parses_a_login() {
    let out = check_splits(ProtoId::Telnet, 23, SESSION);
    assert_eq!(
        out.rows,
        ["telnet: user=Str(\"alice\") login_attempts=Count(2) login_success=Bool(true) terminal=Str(\"xterm\") \
          columns=Count(80) rows=Count(24) orig_options=[Str(\"TERMINAL-TYPE\"), Str(\"NAWS\")] \
          resp_options=[Str(\"ECHO\"), Str(\"SUPPRESS-GO-AHEAD\")] banner=Str(\"golden os 1.0\") encrypted=Bool(false)"]
    );
    let out = check_splits(ProtoId::Telnet, 23, &SESSION[..9]);
    assert!(out.rows[0].contains("user=Str(\"bob\") login_attempts=Count(1) login_success=Bool(false)"), "{out:?}");
    check_truncations(ProtoId::Telnet, 23, SESSION);
    check_damage(ProtoId::Telnet, 23, SESSION, 100);
}

#[test]
fn names_come_from_options_too() {
    let steps = [Step::Data(Orig, b"\xff\xfb\x27\xff\xfa\x27\0\0USER\x01bob\xff\xf0")];
    assert!(check_splits(ProtoId::Telnet, 23, &steps).rows[0].contains("user=Str(\"bob\")"));
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let ask = |orig: &[u8], resp: &[u8], port_match| {
        probe(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(ask(b"", b"\xff\xfd\x18\xff\xfd\x1f", false), Guess::Yes);
    assert_eq!(ask(b"", b"\xff\xfd\x18", false), Guess::No);
    assert_eq!(ask(b"", b"\xff\xfd\x18", true), Guess::Yes);
    assert_eq!(ask(b"", b"router\r\nUsername: ", true), Guess::Yes);
    assert_eq!(ask(b"", b"\xff\xd8\xff\xe0", true), Guess::No);
    assert_eq!(ask(b"GET / HTTP/1.1\r\n", b"", false), Guess::No);
}

#[test]
fn limits_lines_and_dialogue() {
    let mut b = Bench::new(ProtoId::Telnet, Transport::Tcp, 23);
    b.data(Resp, b"login: ").data(Orig, &[b'x'; 100_000]);
    assert!(b.held_len() < 2048, "{}", b.held_len());
    b.data(Resp, &[b'x'; 70_000]);
    assert!(b.out.opaque);
}

#[test]
fn frames_are_commands_lines_and_prompts() {
    let out = check_splits(ProtoId::Telnet, 23, &SESSION[..11]);
    let of = |kind: &str| out.frames.iter().filter(|line| line.contains(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(
        of("to server telnet.ctl"),
        [
            "to server telnet.ctl 0+3 \"\\xff\\xfb\\x18\"",
            "to server telnet.ctl 3+3 \"\\xff\\xfb\\x1f\"",
            "to server telnet.ctl 6+7 \"\\xff\\xfa\\x1f\\x00P\\x00\\x18\"",
            "to server telnet.ctl 13+2 \"\\xff\\xf0\"",
            "to server telnet.ctl 15+9 \"\\xff\\xfa\\x18\\x00xterm\"",
            "to server telnet.ctl 24+2 \"\\xff\\xf0\"",
        ]
    );
    assert_eq!(
        of("to client telnet.data"),
        [
            "to client telnet.data 12+26 \"\\r\\ngolden os 1.0\\r\\n\\r\\nlogin: \"",
            "to client telnet.data 38+9 \"bov\\x08 \\x08b\\r\\n\"",
            "to client telnet.data 47+12 \"Password: \\r\\n\"",
            "to client telnet.data 59+17 \"Login incorrect\\r\\n\"",
            "to client telnet.data 76+9 \"login: \\r\\n\"",
            "to client telnet.data 85+? \"Password: \"",
        ]
    );
    assert_eq!(of("to client telnet.pdu").len(), 10);
}
