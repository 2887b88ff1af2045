use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const INIT: &[u8] = b"\x04\x00\x03\x00\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\x04desk";

fn steps<'a>(minor: &'a [u8; 12], more: &[Step<'a>]) -> Vec<Step<'a>> {
    [&[Step::Data(Resp, b"RFB 003.008\n"), Step::Data(Orig, minor)], more].concat()
}

#[test]
fn parses_vnc_logins() {
    let script = steps(
        b"RFB 003.008\n",
        &[
            Step::Data(Resp, b"\x02\x02\x01"),
            Step::Data(Orig, b"\x02"),
            Step::Data(Resp, &[7; 16]),
            Step::Data(Orig, &[8; 16]),
            Step::Data(Resp, &[0; 4]),
            Step::Data(Orig, b"\x01"),
            Step::Data(Resp, INIT),
        ],
    );
    let out = check_splits(ProtoId::Rfb, 5900, &script);
    assert_eq!(
        out.rows,
        ["rfb: client_major_version=Str(\"003\") client_minor_version=Str(\"008\") server_major_version=Str(\"003\") \
          server_minor_version=Str(\"008\") authentication_method=Str(\"VNC\") auth=Bool(true) share_flag=Bool(true) \
          desktop_name=Str(\"desk\") width=Count(1024) height=Count(768) offered_types=[Count(2), Count(1)]"]
    );
    check_truncations(ProtoId::Rfb, 5900, &script);
    check_damage(ProtoId::Rfb, 5900, &script, 60);
}

#[test]
fn parses_old_versions_and_refusals() {
    let script =
        steps(b"RFB 003.003\n", &[Step::Data(Resp, &[0, 0, 0, 1]), Step::Data(Orig, b"\0"), Step::Data(Resp, INIT)]);
    let row = &check_splits(ProtoId::Rfb, 5900, &script).rows[0];
    assert!(row.contains("authentication_method=Str(\"None\") share_flag=Bool(false)"), "{row}");
    let script = steps(b"RFB 003.008\n", &[Step::Data(Resp, b"\0\0\0\0\x04busy")]);
    let row = &check_splits(ProtoId::Rfb, 5900, &script).rows[0];
    assert!(row.contains("failure_reason=Str(\"busy\")"), "{row}");
}

#[test]
fn parses_apples_login() {
    let challenge = [&[0, 2, 0, 128][..], &[1; 256]].concat();
    let script = steps(
        b"RFB 003.889\n",
        &[
            Step::Data(Resp, b"\x01\x1e"),
            Step::Data(Orig, b"\x1e"),
            Step::Data(Resp, &challenge),
            Step::Data(Orig, &[2; 256]),
            Step::Data(Resp, &[0, 0, 0, 1]),
        ],
    );
    let row = &check_splits(ProtoId::Rfb, 5900, &script).rows[0];
    assert!(row.contains("authentication_method=Str(\"Apple Remote Desktop\") auth=Bool(false)"), "{row}");
}

#[test]
fn tls_within_is_handed_over() {
    let script = steps(
        b"RFB 003.008\n",
        &[
            Step::Data(Resp, b"\x01\x13"),
            Step::Data(Orig, b"\x13"),
            Step::Data(Resp, &[0, 2]),
            Step::Data(Orig, &[0, 2]),
            Step::Data(Resp, b"\0\x01\0\0\x01\x05"),
            Step::Data(Orig, b"\0\0\x01\x05"),
            Step::Data(Orig, b"\x16\x03\x01"),
        ],
    );
    let out = check_splits(ProtoId::Rfb, 5900, &script);
    assert!(out.handed_over && out.rows[0].contains("VeNCrypt"), "{out:?}");
}

#[test]
fn limits_what_is_held() {
    let mut b = Bench::new(ProtoId::Rfb, Transport::Tcp, 5900);
    b.data(Orig, &[b'R'; 9000]);
    assert_eq!(b.out.rejected, Some("rfb_out_of_turn"));
    let mut b = Bench::new(ProtoId::Rfb, Transport::Tcp, 5900);
    b.data(Resp, b"RFB 003.008\n").data(Orig, b"RFB 003.003\n").data(Resp, &[0, 0, 0, 0, 0xff, 0, 0, 0]);
    assert_eq!(b.out.rejected, Some("text"));
}

#[test]
fn shows_the_beginning_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Rfb, Transport::Tcp, 5900);
    b.data(Resp, b"RFB 003.008\n").data(Orig, b"RFB 003.008\n").data(Resp, b"\x01\x02").data(Orig, b"\x02");
    b.data(Resp, &[7; 16]).data(Orig, &[8; 16]).data(Resp, &[0; 4]).data(Orig, b"\x01").data(Resp, INIT).end();
    let [session] = b.exchanges() else { panic!() };
    assert_eq!(
        (session.fact(Fact::RfbName), session.fact(Fact::RfbSectype)),
        (&["desk".into()][..], &["2".into()][..])
    );
    for part in [
        "\"authentication\":{\"security_type\":2,\"vnc\":{\"challenge\":\"07070707070707070707070707070707\",",
        "\"security_result\":\"OK\"},\"screen_shared\":true,\"framebuffer\":{\"width\":1024,\"height\":768,\"name\":\"desk\",\
         \"pixel_format\":{\"bits_per_pixel\":32,\"depth\":24,\"big_endian\":false,\"true_color\":true,\"red_max\":255,",
    ] {
        assert!(session.json.contains(part), "{}", session.json);
    }
    let mut b = Bench::watched(ProtoId::Rfb, Transport::Tcp, 5900);
    b.data(Resp, b"RFB 003.889\n").data(Orig, b"RFB 003.889\n").data(Resp, b"\x01\x1e").data(Orig, b"\x1e").end();
    assert_eq!((&b.exchanges()[0].events, b.exchanges()[0].over), (&vec!["unimplemented_security_type"], true));
}
