use super::*;
use crate::ProtoId;
use crate::ber::build::tlv;
use crate::testing::Bench;
use sekisho_types::Dir::{Orig, Resp};

fn binding(oid: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(tag::SEQUENCE, &[tlv(tag::OID, oid), value.to_vec()].concat())
}

fn pdu(kind: u8, error: u8, bindings: &[Vec<u8>]) -> Vec<u8> {
    let numbers = [2, 1, 7, 2, 1, error, 2, 1, 0];
    tlv(kind, &[numbers.to_vec(), tlv(tag::SEQUENCE, &bindings.concat())].concat())
}

fn message(version: u8, community: &[u8], pdu: &[u8]) -> Vec<u8> {
    tlv(tag::SEQUENCE, &[vec![2, 1, version], tlv(tag::OCTET_STRING, community), pdu.to_vec()].concat())
}

fn v3(flags: u8, user: &[u8], body: &[u8]) -> Vec<u8> {
    let data = tlv(tag::SEQUENCE, &[vec![2, 1, 9, 2, 2, 5, 0xdc, 4, 1, flags, 2, 1, 3]].concat());
    let usm = [tlv(tag::OCTET_STRING, &[0x80, 0, 1]), vec![2, 1, 4, 2, 1, 5], tlv(tag::OCTET_STRING, user)].concat();
    let usm = tlv(tag::SEQUENCE, &[usm, tlv(tag::OCTET_STRING, &[]), tlv(tag::OCTET_STRING, &[])].concat());
    let parts = [vec![2, 1, 3], data, tlv(tag::OCTET_STRING, &usm), body.to_vec()];
    tlv(tag::SEQUENCE, &parts.concat())
}

fn bench() -> Bench {
    Bench::new(ProtoId::Snmp, Transport::Udp, 161)
}

const NULL: &[u8] = &[5, 0];

#[test]
fn parses_questions_and_answers() {
    let mut b = bench();
    let asked = [binding(SYS_DESCR, NULL), binding(SYS_UP_TIME, NULL)];
    let told = [
        binding(SYS_DESCR, &tlv(tag::OCTET_STRING, b"a box")),
        binding(SYS_UP_TIME, &tlv(0x43, &[0, 0x64])),
        binding(SYS_NAME, &tlv(tag::OCTET_STRING, b"box1")),
    ];
    b.data(Orig, &message(1, b"public", &pdu(kind::GET, 0, &asked)));
    assert!(b.out.confirmed.is_empty());
    b.data(Resp, &message(1, b"public", &pdu(kind::RESPONSE, 0, &told)));
    b.data(Orig, &message(1, b"other", &pdu(kind::GET_BULK, 0, &asked)));
    b.data(Orig, &message(1, b"other", &pdu(kind::SET, 0, &asked[..1])));
    b.data(Resp, &message(1, b"other", &pdu(kind::RESPONSE, 2, &asked[..1])));
    assert!(b.held_len() > 0);
    b.end();
    assert_eq!(b.out.confirmed, ["snmp"]);
    let rows = b.rows("snmp");
    assert_eq!(rows.len(), 1);
    for part in [
        "version=Str(\"2c\") community=Str(\"public\")",
        "get_requests=Count(2) get_bulk_requests=Count(2) get_responses=Count(4) set_requests=Count(1)",
        "display_string=Str(\"a box\") up_since=Time(1000000)",
        "sys_name=Str(\"box1\") first_oid=Str(\"1.3.6.1.2.1.1.1.0\")",
        "errors=Count(1)",
    ] {
        assert!(rows[0].contains(part), "{part}: {rows:?}");
    }
}

#[test]
fn parses_version_3() {
    let mut b = bench();
    let scoped = |pdu: Vec<u8>| tlv(tag::SEQUENCE, &[vec![4, 0, 4, 0], pdu].concat());
    b.data(Orig, &v3(4, b"", &scoped(pdu(kind::GET, 0, &[]))));
    b.data(Resp, &v3(0, b"", &scoped(pdu(kind::REPORT, 0, &[binding(SYS_UP_TIME, &tlv(0x41, &[1]))]))));
    b.data(Orig, &v3(7, b"alice", &tlv(tag::OCTET_STRING, b"\x12\x34"))).end();
    let rows = b.rows("snmp");
    for part in [
        "version=Str(\"3\") get_requests",
        "user=Str(\"alice\")",
        "security_level=Str(\"authPriv\") engine_id=Str(\"800001\")",
        "reports=Count(1) encrypted=Count(1)",
    ] {
        assert!(rows[0].contains(part), "{part}: {rows:?}");
    }
}

#[test]
fn parses_traps() {
    let mut b = Bench::new(ProtoId::Snmp, Transport::Udp, 162);
    let v1 = [tlv(tag::OID, &[0x2b, 6, 1]), tlv(0x40, &[10, 0, 0, 1]), vec![2, 1, 6, 2, 1, 1, 0x43, 1, 9, 0x30, 0]];
    b.data(Orig, &message(0, b"public", &tlv(kind::TRAP_V1, &v1.concat())));
    b.data(Orig, &message(1, b"public", &pdu(kind::TRAP, 0, &[binding(TRAP_OID, &tlv(tag::OID, &[0x2b]))]))).end();
    let rows = b.rows("snmp");
    assert!(rows[0].contains("traps=Count(2) trap_oid=Str(\"1.3.6.1\")"), "{rows:?}");
    assert!(b.out.confirmed.is_empty() && b.out.recognized == ["snmp"]);
}

#[test]
fn rejects_what_is_cut() {
    let whole = message(1, b"public", &pdu(kind::GET, 0, &[binding(SYS_DESCR, NULL)]));
    for cut in 0..whole.len() {
        let mut b = bench();
        b.data(Orig, &whole[..cut]).end();
        assert!(b.rows("snmp").is_empty(), "{cut}");
    }
}

#[test]
fn limits_texts_and_overlong_identifiers() {
    let mut b = bench();
    let oid = [&[0x2b][..], &[0x80; 10], &[0]].concat();
    b.data(Orig, &message(0, &[b'x'; 5000], &pdu(kind::GET, 0, &[binding(&oid, NULL)])));
    assert!(b.held_len() < 2 * MAX_TEXT_LEN);
    assert_eq!(b.out.weirds[0].name, "asn_oid_subidentifier_too_long");
    b.data(Resp, &message(0, b"x", &pdu(kind::RESPONSE, 0, &[binding(SYS_UP_TIME, &tlv(0x46, &[0x7f; 8]))]))).end();
    assert!(!b.rows("snmp")[0].contains("up_since"));
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let guess = |bytes: &[u8], port_match| {
        probe(&Probe { transport: Transport::Udp, orig: bytes, resp: &[], port_match, flow: &flow })
    };
    let good = message(0, b"public", &pdu(kind::GET, 0, &[binding(SYS_DESCR, NULL)]));
    assert_eq!(guess(&good, false), Guess::Yes);
    assert_eq!(guess(&[&good[..], b"x"].concat(), false), Guess::No);
    assert_eq!(guess(&[&good[..], b"x"].concat(), true), Guess::Yes);
    // An LDAP search.
    assert_eq!(guess(&[0x30, 0x05, 2, 1, 1, 0x63, 0], true), Guess::No);
    assert_eq!(guess(b"\x30", true), Guess::No);
}

#[test]
fn rules_and_eve_see_every_message() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Snmp, Transport::Udp, 161);
    let asked = [binding(SYS_DESCR, NULL), binding(SYS_UP_TIME, NULL)];
    b.data(Orig, &message(1, b"pub\x01lic", &pdu(kind::GET, 0, &asked)));
    b.data(Resp, &message(1, b"pub\x01lic", &pdu(kind::RESPONSE, 0, &asked[..1])));
    b.data(Orig, &v3(0, b"bob", &tlv(tag::SEQUENCE, &[vec![4, 0, 4, 0], pdu(kind::SET, 0, &[])].concat())));
    b.data(Orig, &v3(3, b"bob", &tlv(tag::OCTET_STRING, b"secret"))).end();
    let all = b.exchanges();
    assert_eq!(all.len(), 4);
    assert_eq!(
        all[0].json,
        r#"{"snmp":{"version":2,"community":"pub\u0001lic","pdu_type":"get_request","vars":["1.3.6.1.2.1.1.1.0","1.3.6.1.2.1.1.3.0"]}}"#
    );
    assert_eq!(
        (all[0].fact(Fact::SnmpCommunity), all[0].fact(Fact::SnmpPduType)),
        (&["pub\\x01lic".into()][..], &["0".into()][..])
    );
    assert!(all[1].json.contains(r#""pdu_type":"response""#) && all[1].fact(Fact::SnmpPduType) == ["2"]);
    assert_eq!((all[2].fact(Fact::SnmpVersion), all[2].fact(Fact::SnmpUsm)), (&["3".into()][..], &["bob".into()][..]));
    assert!(all[2].json.contains(r#""usm":"bob","pdu_type":"set_request""#), "{}", all[2].json);
    assert!(all[3].json.ends_with(r#""pdu_type":"encrypted"}}"#) && all[3].fact(Fact::SnmpPduType).is_empty());
}
