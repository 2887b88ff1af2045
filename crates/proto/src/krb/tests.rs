use super::*;
use crate::ProtoId;
use crate::kerberos::message::tests::{some_ap_request, some_error, some_reply, some_request};
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use sekisho_types::Dir::{Orig, Resp};

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], message].concat()
}

fn udp() -> Bench {
    Bench::new(ProtoId::Krb, Transport::Udp, 88)
}

#[test]
fn parses_an_exchange() {
    let mut b = udp();
    b.data(Orig, &some_request(false, 1, &[(2, b"t".to_vec())])).data(Resp, &some_reply(false)).end();
    assert_eq!(b.out.confirmed, ["krb"]);
    let rows = b.rows("kerberos");
    assert_eq!(rows.len(), 1);
    for part in [
        "request_type=Str(\"AS\") client=Str(\"alice/X.ORG\") service=Str(\"krbtgt/X.ORG\") success=Bool(true)",
        "cipher=Str(\"aes256-cts-hmac-sha1-96\") forwardable=Bool(true) renewable=Bool(true)",
        "reply_cipher=Str(\"rc4-hmac\")",
        "new_ticket=Hex",
    ] {
        assert!(rows[0].contains(part), "{part}: {rows:?}");
    }
}

#[test]
fn every_exchange_is_a_row_and_repeats_are_none() {
    let mut b = udp();
    let request = some_request(false, 1, &[]);
    b.data(Orig, &request).data(Resp, &some_error(25, "NEEDED_PREAUTH"));
    let second = some_request(false, 2, &[(2, b"t".to_vec())]);
    b.data(Orig, &second).data(Orig, &second).data(Resp, &some_reply(false)).data(Resp, &some_reply(false));
    b.data(Orig, &second);
    b.data(Orig, &some_request(true, 3, &[(1, some_ap_request())])).data(Resp, &some_error(7, "")).end();
    let rows = b.rows("kerberos");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[1].contains("request_type=Str(\"TGS\") client=Str(\"X.ORG\")") || rows[1].contains("TGS"), "{rows:?}");
    assert!(rows[1].contains("error_msg=Str(\"KDC_ERR_S_PRINCIPAL_UNKNOWN\")"), "{rows:?}");
    assert!(rows[1].contains("auth_service=Str(\"krbtgt/X.ORG\")"), "{rows:?}");
    assert!(b.held_len() <= 64, "nothing is kept");
}

#[test]
fn replies_alone_are_rows() {
    let mut b = udp();
    b.data(Resp, &some_reply(false)).data(Resp, &some_reply(true)).end();
    assert_eq!(b.rows("kerberos").len(), 2);
}

#[test]
fn parses_any_split() {
    let (request, reply) = (framed(&some_request(false, 1, &[])), framed(&some_reply(false)));
    let steps = [Step::Data(Orig, &request), Step::Data(Resp, &reply)];
    let outcome = check_splits(ProtoId::Krb, 88, &steps);
    assert_eq!(outcome.rows.len(), 1);
    check_truncations(ProtoId::Krb, 88, &steps);
    check_damage(ProtoId::Krb, 88, &steps, 300);
}

#[test]
fn rejects_what_is_broken() {
    let mut b = udp();
    b.data(Orig, b"\x6a\x03\x30\x01\x00").end();
    assert_eq!(b.out.weirds[0].name, "krb_broken_message");
    assert!(b.out.confirmed.is_empty() && b.rows("kerberos").is_empty());
}

#[test]
fn limits_messages() {
    let mut b = Bench::new(ProtoId::Krb, Transport::Tcp, 88);
    b.data(Orig, &(MAX_MESSAGE_LEN as u32 + 1).to_be_bytes()).data(Orig, &[0x6a; 5000]);
    assert_eq!(b.out.weirds[0].name, "krb_message_over_limit");
    assert!(b.held_len() < 256);
    b.gap(Resp, 9).data(Resp, &framed(&some_reply(false))).end();
    assert!(b.rows("kerberos").is_empty(), "no step is kept behind a hole");
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let guess =
        |transport, bytes: &[u8]| probe(&Probe { transport, orig: bytes, resp: &[], port_match: false, flow: &flow });
    let request = some_request(false, 1, &[]);
    assert_eq!(guess(Transport::Udp, &request), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &[&request[..], b"x"].concat()), Guess::No);
    assert_eq!(guess(Transport::Tcp, &framed(&request)), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, &framed(&request)[..5]), Guess::More);
    assert_eq!(guess(Transport::Tcp, b"GET / HTTP"), Guess::No);
    assert_eq!(guess(Transport::Udp, b"\x30\x05"), Guess::No);
}

#[test]
fn rules_and_eve_see_exchanges() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Krb, Transport::Udp, 88);
    b.data(Orig, &some_request(false, 1, &[])).data(Resp, &some_error(25, "NEEDED_PREAUTH"));
    b.data(Orig, &some_request(false, 2, &[(2, b"t".to_vec())])).data(Resp, &some_reply(false));
    b.data(Orig, &some_request(true, 3, &[])).end();
    let all = b.exchanges();
    assert_eq!(all.len(), 3);
    assert!(
        all[0].json.starts_with(
            r#"{"krb5":{"msg_type":"KRB_ERROR","failed_request":"KRB_AS_REQ","error_code":"KDC_ERR_PREAUTH_REQUIRED","#
        ),
        "{}",
        all[0].json
    );
    assert_eq!(
        (all[0].fact(Fact::Krb5MsgType), all[0].fact(Fact::Krb5ErrCode)),
        (&["30".into()][..], &["25".into()][..])
    );
    assert!(all[1].json.contains(r#""msg_type":"KRB_AS_REP","cname":"Alice""#), "{}", all[1].json);
    assert!(all[1].json.contains(r#""encryption":"rc4-hmac","weak_encryption":true"#), "{}", all[1].json);
    assert_eq!(all[1].fact(Fact::Krb5Sname), ["krbtgt", "X.ORG"]);
    assert_eq!(all[1].fact(Fact::Krb5WeakEncryption), ["1"]);
    assert!(all[2].over && all[2].json.contains(r#""msg_type":"KRB_TGS_REQ""#), "never answered");
    assert!(all[2].fact(Fact::Krb5ErrCode).is_empty());
}
