use super::link::tests::frame;
use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

/// A fragment of the master 1 for the outstation 4, or back, in one frame.
fn say(from_master: bool, fragment: &[u8]) -> Vec<u8> {
    let user = [&[0xc0], fragment].concat();
    if from_master { frame(0xc4, 4, 1, &user) } else { frame(0x44, 1, 4, &user) }
}

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::Dnp3, 20000, &steps);
    check_damage(ProtoId::Dnp3, 20000, &steps, 200);
    check_splits(ProtoId::Dnp3, 20000, &steps)
}

const CROB: [u8; 18] = [12, 1, 0x28, 1, 0, 3, 0, 3, 1, 100, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn parses_select_and_operate() {
    let mut refused = [&[0xc2, 0x81, 0, 0], &CROB[..]].concat();
    *refused.last_mut().unwrap() = 2;
    let o = check(&[
        (Dir::Orig, say(true, &[&[0xc1, 3], &CROB[..]].concat())),
        (Dir::Resp, say(false, &[&[0xc1, 0x81, 0, 0], &CROB[..]].concat())),
        (Dir::Orig, say(true, &[&[0xc2, 4], &CROB[..]].concat())),
        (Dir::Resp, say(false, &refused)),
    ]);
    let shared = "iin=Count(0) rtt=Interval(1000000) master=Count(1) outstation=Count(4) objects=[Str(\"g12v1\")] \
                  controls=[Str(\"3 LATCH_ON\")]";
    assert_eq!(
        o.rows,
        [
            format!("dnp3: fc_request=Str(\"SELECT\") fc_reply=Str(\"RESPONSE\") {shared}"),
            format!(
                "dnp3: fc_request=Str(\"OPERATE\") fc_reply=Str(\"RESPONSE\") {shared} control_status=Str(\"NO_SELECT\")"
            ),
        ]
    );
}

#[test]
fn joins_as_zeek_does() {
    let o = check(&[
        (Dir::Resp, say(false, &[0xf0, 0x82, 0x10, 0])),
        (Dir::Orig, say(true, &[0xd0, 0])),
        (Dir::Resp, say(false, &[0xf1, 0x82, 0, 0])),
        (Dir::Orig, say(true, &[0xd1, 0])),
        (Dir::Orig, say(true, &[0xc3, 1, 60, 1, 6])),
        (Dir::Resp, say(false, &[0xc3, 0x81, 0, 0])),
        (Dir::Orig, say(true, &[0xc4, 13])),
    ]);
    let shown: Vec<&str> = o.rows.iter().map(|r| r.split(" master").next().unwrap()).collect();
    assert_eq!(
        shown,
        [
            "dnp3: fc_reply=Str(\"UNSOLICITED_RESPONSE\") iin=Count(4096)",
            "dnp3: fc_request=Str(\"CONFIRM\") fc_reply=Str(\"UNSOLICITED_RESPONSE\") iin=Count(0)",
            "dnp3: fc_request=Str(\"READ\") fc_reply=Str(\"RESPONSE\") iin=Count(0) rtt=Interval(1000000)",
            "dnp3: fc_request=Str(\"COLD_RESTART\")",
        ]
    );
}

#[test]
fn requests_without_reply_have_rows() {
    let o = check(&[
        (Dir::Orig, say(true, &[&[0xc1, 6], &CROB[..]].concat())),
        (Dir::Orig, say(true, &[&[0xc2, 5], &CROB[..]].concat())),
        (Dir::Orig, say(true, &[0xc3, 1, 60, 1, 6])),
        (Dir::Resp, say(false, &[0xc3, 0x81, 0, 0])),
    ]);
    let shown: Vec<&str> = o.rows.iter().map(|r| r.split(" ").nth(1).unwrap()).collect();
    assert_eq!(
        shown,
        ["fc_request=Str(\"DIRECT_OPERATE_NR\")", "fc_request=Str(\"DIRECT_OPERATE\")", "fc_request=Str(\"READ\")"]
    );
}

#[test]
fn parses_fragments_over_frames_and_link_frames_between() {
    let long = [&[0xc5, 0x81, 0, 0, 1, 1, 1, 0, 0, 0xff, 7][..], &[0xaa; 256], &[30, 4, 0, 0, 0, 1, 0]].concat();
    let (a, b) = long.split_at(200);
    let o = check(&[
        (Dir::Orig, frame(0xc9, 4, 1, &[])),
        (Dir::Resp, frame(0x0b, 1, 4, &[])),
        (Dir::Orig, say(true, &[0xc5, 1, 60, 1, 6])),
        (Dir::Resp, [frame(0x44, 1, 4, &[&[0x40], a].concat()), frame(0x44, 1, 4, &[&[0x81], b].concat())].concat()),
    ]);
    assert_eq!(o.rows.len(), 1);
    assert!(o.rows[0].contains("objects=[Str(\"g60v1\")]"));
}

#[test]
fn the_outstation_may_open_the_connection() {
    let o = check(&[(Dir::Resp, say(true, &[0xc3, 1, 60, 1, 6])), (Dir::Orig, say(false, &[0xc3, 0x81, 0, 0]))]);
    assert_eq!(o.rows.len(), 1);
    assert!(o.rows[0].contains("fc_request=Str(\"READ\") fc_reply=Str(\"RESPONSE\")"));
    assert_eq!(o.weirds, ["dnp3_unexpected_flow_direction"]);
}

#[test]
fn parses_datagrams() {
    let mut bench = Bench::new(ProtoId::Dnp3, Transport::Udp, 20000);
    let ask = say(true, &[0xc3, 1, 60, 1, 6]);
    bench.data(Dir::Orig, &ask[..12]).data(Dir::Orig, &ask).data(Dir::Resp, &say(false, &[0xc3, 0x81, 0, 1])).end();
    assert_eq!(bench.rows("dnp3").len(), 1);
    assert_eq!(bench.out.confirmed.first(), Some(&"dnp3_udp"));
}

#[test]
fn rejects_other_bytes() {
    let o = run_script(ProtoId::Dnp3, 20000, &[Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |orig: &[u8], resp: &[u8]| {
        let p = Probe { transport: Transport::Tcp, orig, resp, port_match: false, flow: &flow };
        (super::Parser::DESCRIPTOR.probe)(&p)
    };
    let ask = say(true, &[0xc3, 1, 60, 1, 6]);
    assert_eq!(probe(&ask, b""), Guess::Yes);
    assert_eq!(probe(b"", &ask), Guess::Yes);
    assert_eq!(probe(&ask[..9], b""), Guess::More);
    assert_eq!(probe(b"\x05\x64\x05\xc0\0\0\0\0\0\0", b""), Guess::No);
    assert_eq!(probe(b"\x05\x01\x00", b""), Guess::No);
}

#[test]
fn shows_messages_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Dnp3, Transport::Tcp, 20000);
    b.data(Dir::Orig, &say(true, &[&[0xc1, 3], &CROB[..]].concat()));
    b.data(Dir::Resp, &say(false, &[0xc1, 0x81, 0x90, 0, 1, 1, 0, 3, 5, 5, 30, 4, 0, 0, 0, 0xfe, 0xff]));
    b.data(Dir::Orig, &say(true, &[0xc1, 0])).data(Dir::Orig, &say(true, &[0xc2, 2, 99, 1, 7, 1]));
    let [select, response, unknown] = [0, 1, 2].map(|at| b.exchanges()[at].clone());
    assert_eq!(b.exchanges().len(), 3, "a confirmation is none");
    assert_eq!(
        select.json,
        "{\"dnp3\":{\"type\":\"request\",\"control\":{\"dir\":true,\"pri\":true,\"fcb\":false,\"fcv\":false,\
         \"function_code\":4},\"src\":1,\"dst\":4,\"application\":{\"control\":{\"fir\":true,\"fin\":true,\"con\":false,\
         \"uns\":false,\"sequence\":1},\"function_code\":3,\"objects\":[{\"group\":12,\"variation\":1,\"qualifier\":40,\
         \"prefix_code\":2,\"range_code\":8,\"start\":0,\"stop\":0,\"count\":1,\"points\":[{\"prefix\":3,\"index\":3,\
         \"op_type\":3,\"qu\":0,\"cr\":0,\"tcc\":0,\"count\":1,\"ontime\":100,\"offtime\":0,\"status_code\":0,\
         \"reserved\":0}]}],\"complete\":true}}}"
    );
    assert_eq!((select.fact(Fact::Dnp3Obj), select.fact(Fact::Dnp3Func)), (&["3073".into()][..], &["3".into()][..]));
    assert_eq!(response.fact(Fact::Dnp3Ind), [0x9000.to_string()]);
    for part in [
        "\"points\":[{\"prefix\":0,\"index\":3,\"state\":1},{\"prefix\":0,\"index\":4,\"state\":0},",
        "\"points\":[{\"prefix\":0,\"index\":0,\"value\":-2}]",
        "\"iin\":{\"indicators\":[\"device_restart\",\"need_time\"]}",
    ] {
        assert!(response.json.contains(part), "{part} {}", response.json);
    }
    assert_eq!(unknown.events, ["unknown_object"]);
}
