use crate::testing::{Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::Iec104, 2404, &steps);
    check_damage(ProtoId::Iec104, 2404, &steps, 200);
    check_splits(ProtoId::Iec104, 2404, &steps)
}

fn information(asdu: &[u8]) -> Vec<u8> {
    [&[0x68, asdu.len() as u8 + 4, 2, 0, 4, 0], asdu].concat()
}

fn unnumbered(c0: u8) -> Vec<u8> {
    vec![0x68, 4, c0, 0, 0, 0]
}

#[test]
fn parses_a_session() {
    let o = check(&[
        (Dir::Orig, unnumbered(0x07)),
        (Dir::Resp, unnumbered(0x0b)),
        (Dir::Orig, information(&[45, 1, 6, 0, 1, 0, 100, 0, 0, 0x81])),
        (Dir::Resp, information(&[45, 1, 0x47, 0, 1, 0, 100, 0, 0, 0x81])),
        (Dir::Resp, information(&[1, 1, 3, 0, 1, 0, 200, 0, 0, 0x80])),
        (Dir::Orig, vec![0x68, 4, 1, 0, 2, 0]),
        (Dir::Orig, unnumbered(0x43)),
        (Dir::Orig, information(&[200, 1, 3, 0, 1, 0, 1, 0, 0, 9])),
    ]);
    assert_eq!(
        o.rows,
        [
            "iec104: is_orig=Bool(true) frame=Enum(U) control=Enum(STARTDT act)",
            "iec104: is_orig=Bool(false) frame=Enum(U) control=Enum(STARTDT con)",
            "iec104: is_orig=Bool(true) frame=Enum(I) type_id=Count(45) type_name=Str(\"C_SC_NA_1\") \
             cause=Str(\"activation\") negative=Bool(false) common_address=Count(1) object_count=Count(1) \
             addresses=[Count(100)] values=[Str(\"on\")] select=Bool(true)",
            "iec104: is_orig=Bool(false) frame=Enum(I) type_id=Count(45) type_name=Str(\"C_SC_NA_1\") \
             cause=Str(\"activation confirmation\") negative=Bool(true) common_address=Count(1) object_count=Count(1) \
             addresses=[Count(100)] values=[Str(\"on\")] select=Bool(true)",
            "iec104: is_orig=Bool(false) frame=Enum(I) type_id=Count(1) type_name=Str(\"M_SP_NA_1\") \
             cause=Str(\"spontaneous\") negative=Bool(false) common_address=Count(1) object_count=Count(1) \
             addresses=[Count(200)] values=[Str(\"off\")] quality=[Str(\"invalid\")]",
            "iec104: is_orig=Bool(true) frame=Enum(I) type_id=Count(200) cause=Str(\"spontaneous\") \
             negative=Bool(false) common_address=Count(1) object_count=Count(1) addresses=[Count(1)]",
        ]
    );
}

#[test]
fn goes_on_after_other_bytes() {
    let good = information(&[45, 1, 6, 0, 1, 0, 100, 0, 0, 1]);
    let o = check(&[(Dir::Orig, good.clone()), (Dir::Orig, [&[0x68, 1, 0x68, 200][..], &good].concat())]);
    assert_eq!((o.rows.len(), &o.weirds[..]), (2, &["iec104_lost_track"][..]));
}

#[test]
fn rejects_other_bytes() {
    let o = run_script(ProtoId::Iec104, 2404, &[Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |orig: &[u8], port_match| {
        (super::Parser::DESCRIPTOR.probe)(&Probe {
            transport: Transport::Tcp,
            orig,
            resp: b"",
            port_match,
            flow: &flow,
        })
    };
    assert_eq!(probe(&unnumbered(0x07), false), Guess::Yes);
    assert_eq!(probe(&unnumbered(0x08), true), Guess::No);
    assert_eq!(probe(&information(&[45, 1, 6, 0, 1, 0, 100, 0, 0, 1]), false), Guess::Yes);
    assert_eq!(probe(&information(&[45, 2, 6, 0, 1, 0, 100, 0, 0, 1]), true), Guess::No);
    assert_eq!(probe(&[0x68, 4, 1, 0, 2, 0], false), Guess::More);
    assert_eq!(probe(&[0x68, 4, 1, 0, 2, 0], true), Guess::Yes);
    assert_eq!(probe(b"hello world", true), Guess::No);
}
