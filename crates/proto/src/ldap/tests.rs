use super::filter::tests::equal;
use super::*;
use crate::ber::build::{field, int, seq, tlv};
use crate::ber::tag;
use crate::gssapi::tests::{init, resp};
use crate::kerberos::message::tests::some_ap_request;
use crate::ntlm::tests as ntlm;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe};
use sekisho_types::Dir::{Orig, Resp};

fn octets(text: &str) -> Vec<u8> {
    tlv(tag::OCTET_STRING, text.as_bytes())
}

fn enumerated(n: u8) -> Vec<u8> {
    vec![tag::ENUMERATED, 1, n]
}

fn message(id: u8, operation: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    seq(&[int(id), tlv(0x60 | operation, &parts.concat())])
}

fn result(id: u8, operation: u8, code: u8, said: &str) -> Vec<u8> {
    message(id, operation, &[enumerated(code), octets(""), octets(said)])
}

fn simple_bind(id: u8, password: &str) -> Vec<u8> {
    message(id, op::BIND, &[int(3), octets("cn=me"), tlv(0x80, password.as_bytes())])
}

fn sasl_bind(id: u8, mechanism: &str, token: &[u8]) -> Vec<u8> {
    let sasl = tlv(0xa3, &[octets(mechanism), tlv(tag::OCTET_STRING, token)].concat());
    message(id, op::BIND, &[int(3), octets(""), sasl])
}

fn search(id: u8, filter: Vec<u8>) -> Vec<u8> {
    let head = [octets("dc=x"), enumerated(2), enumerated(0), int(5), int(0), vec![tag::BOOLEAN, 1, 0]];
    message(id, op::SEARCH, &[head.concat(), filter, seq(&[octets("cn"), octets("mail")])])
}

fn entry(id: u8, len: usize) -> Vec<u8> {
    message(id, op::SEARCH_ENTRY, &[octets("cn=a"), seq(&[octets(&"v".repeat(len))])])
}

fn bench() -> Bench {
    Bench::new(ProtoId::Ldap, Transport::Tcp, 389)
}

#[test]
fn parses_binds_and_searches() {
    let mut b = bench();
    b.data(Orig, &simple_bind(1, "secret")).data(Resp, &result(1, op::BIND_RESPONSE, 0, ""));
    b.data(Orig, &search(2, equal("uid", b"a*")));
    b.data(Resp, &[entry(2, 10), entry(2, 40_000), result(2, op::SEARCH_DONE, 4, "enough")].concat());
    b.data(Orig, &message(3, op::UNBIND, &[])).end();
    assert_eq!(b.out.confirmed, ["ldap_tcp"]);
    let rows = b.rows("ldap");
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0],
        "message_id=Int(1) version=Int(3) opcode=Str(\"bind simple\") result=Str(\"success\") object=Str(\"cn=me\") \
         argument=Str(\"REDACTED\") clear_password=Bool(true)"
    );
    assert_eq!(rows[1], "message_id=Int(3) opcode=Str(\"unbind\")");
    let searches = b.rows("ldap_search");
    for part in [
        "scope=Str(\"tree\") deref_aliases=Str(\"never\") base_object=Str(\"dc=x\") result_count=Count(2)",
        "result=Str(\"size limit exceeded\") diagnostic_message=Str(\"enough\") filter=Str(\"(uid=a\\\\2a)\")",
        "size_limit=Int(5)",
    ] {
        assert!(searches[0].contains(part), "{part}: {searches:?}");
    }
}

#[test]
fn parses_other_operations() {
    let mut b = bench();
    let change = seq(&[enumerated(2), seq(&[octets("mail"), tlv(tag::SET, &[octets("a"), octets("b")].concat())])]);
    b.data(Orig, &message(1, op::MODIFY, &[octets("cn=m"), seq(&[change])]));
    b.data(Resp, &result(1, op::MODIFY_RESPONSE, 50, ""));
    b.data(Orig, &message(2, op::ADD, &[octets("cn=n"), seq(&[])])).data(Resp, &result(2, op::ADD_RESPONSE, 68, ""));
    b.data(Orig, &seq(&[int(3), tlv(0x4a, b"cn=d")])).data(Resp, &result(3, op::DELETE_RESPONSE, 0, ""));
    b.data(Orig, &seq(&[int(4), vec![0x50, 1, 3]]));
    b.data(Orig, &message(5, op::EXTENDED, &[tlv(0x80, b"1.3.6.1.4.1.4203.1.11.3")])).end();
    let rows = b.rows("ldap");
    let want = [
        "opcode=Str(\"modify\") result=Str(\"insufficient access rights\") object=Str(\"cn=m\") argument=Str(\"replace(mail=a,b)\")",
        "opcode=Str(\"add\") result=Str(\"entry already exists\") entry=Str(\"cn=n\")",
        "opcode=Str(\"delete\") result=Str(\"success\") object=Str(\"cn=d\")",
        "opcode=Str(\"abandon\") object=Str(\"3\")",
        "opcode=Str(\"extended\") object=Str(\"1.3.6.1.4.1.4203.1.11.3 (whoami)\")",
    ];
    for (row, want) in rows.iter().zip(want) {
        assert!(row.contains(want), "{row}");
    }
    assert_eq!(rows.len(), want.len());
}

#[test]
fn start_tls_hands_over() {
    let mut b = bench();
    b.data(Orig, &message(1, op::EXTENDED, &[tlv(0x80, names::START_TLS)]));
    b.data(Resp, &[result(1, op::EXTENDED_RESPONSE, 0, ""), b"\x16\x03".to_vec()].concat());
    let over = b.out.hand_over.unwrap();
    assert_eq!((over.to, over.unconsumed), (Some(ProtoId::Tls), 2));
}

/// A SASL buffer with a Kerberos wrap token around `inside`.
fn wrapped(flags: u8, inside: &[u8], check: &[u8], turned: u8) -> Vec<u8> {
    let head = [5, 4, flags, 0xff, 0, check.len() as u8, 0, turned, 0, 0, 0, 0, 0, 0, 0, 1];
    let body = if turned == 0 { [inside, check].concat() } else { [check, inside].concat() };
    let token = [&head[..], &body].concat();
    [&(token.len() as u32).to_be_bytes()[..], &token].concat()
}

#[test]
fn reads_signed_messages_and_passes_over_sealed_ones() {
    let mut b = bench();
    let spnego =
        tlv(0x60, &[tlv(tag::OID, b"\x2b\x06\x01\x05\x05\x02"), field(0, &seq(&[field(2, &tlv(4, &gss()))]))].concat());
    b.data(Orig, &sasl_bind(1, "GSS-SPNEGO", &spnego)).data(Resp, &result(1, op::BIND_RESPONSE, 0, ""));
    assert_eq!(b.out.confirmed, ["ldap_tcp", "gssapi", "krb"]);
    b.data(Orig, &wrapped(0, &search(2, equal("a", b"1")), &[9; 12], 12));
    b.data(Resp, &wrapped(0, &[entry(2, 9), entry(2, 3000)].concat(), &[9; 12], 0));
    b.data(Resp, &wrapped(2, &[0xee; 5000], &[9; 12], 0));
    b.data(Resp, &wrapped(0, &result(2, op::SEARCH_DONE, 0, ""), &[9; 12], 0)).end();
    assert!(b.out.weirds.is_empty(), "{:?}", b.out.weirds);
    let rows = b.rows("ldap_search");
    assert!(rows[0].contains("result_count=Count(2) result=Str(\"success\")"), "{rows:?}");
    assert!(b.rows("kerberos")[0].contains("auth_service=Str(\"krbtgt/X.ORG\")"));
}

/// The server's answer to a bind, with its token.
fn bound(id: u8, code: u8, token: &[u8]) -> Vec<u8> {
    message(id, op::BIND_RESPONSE, &[enumerated(code), octets(""), octets(""), tlv(0x87, token)])
}

#[test]
fn logins_by_ntlm_have_their_row() {
    let mut b = bench();
    b.data(Orig, &sasl_bind(1, "GSS-SPNEGO", &init(&ntlm::negotiate())));
    b.data(Resp, &bound(1, 14, &resp(Some(1), Some(&ntlm::challenge("SRV", "srv", "")))));
    b.data(Orig, &sasl_bind(2, "GSS-SPNEGO", &resp(None, Some(&ntlm::authenticate("EX", "eva", "PC", 200)))));
    b.data(Resp, &bound(2, 49, &resp(Some(2), None))).end();
    assert_eq!(b.out.confirmed, ["ldap_tcp", "gssapi", "ntlm"]);
    let rows = b.rows("ntlm");
    assert!(rows.len() == 1 && rows[0].contains("username=Str(\"eva\")"), "{rows:?}");
    assert!(
        rows[0].contains("success=Bool(false)") && rows[0].contains("status=Str(\"invalid credentials\")"),
        "{rows:?}"
    );
}

/// An AP-REQ as GSS-API token.
fn gss() -> Vec<u8> {
    let mechanism = tlv(tag::OID, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
    tlv(0x60, &[mechanism, vec![1, 0], some_ap_request()].concat())
}

#[test]
fn parses_any_split() {
    let asked = [search(2, equal("uid", b"x")), message(9, op::UNBIND, &[])].concat();
    let told = [entry(2, 10), entry(2, 400), result(2, op::SEARCH_DONE, 0, "")].concat();
    let signed = [wrapped(0, &entry(2, 300), &[1; 12], 12), wrapped(2, &[7; 99], &[], 0)].concat();
    let (bind, bound) = (sasl_bind(1, "GSSAPI", &gss()), result(1, op::BIND_RESPONSE, 0, ""));
    let steps = [
        Step::Data(Orig, &bind),
        Step::Data(Resp, &bound),
        Step::Data(Resp, &signed),
        Step::Data(Orig, &asked),
        Step::Data(Resp, &told),
    ];
    let outcome = check_splits(ProtoId::Ldap, 389, &steps);
    assert_eq!((outcome.rows.len(), outcome.weirds.len()), (4, 0), "{outcome:?}");
    check_truncations(ProtoId::Ldap, 389, &steps);
    check_damage(ProtoId::Ldap, 389, &steps, 300);
}

#[test]
fn limits_messages_and_operations() {
    let mut b = bench();
    let long = octets(&"x".repeat(60_000));
    let add = message(1, op::ADD, &[long.clone(), seq(&[])]);
    b.data(Orig, &add);
    assert!(b.held_len() < 16 << 10, "{}", b.held_len());
    // 0x83: longer than two bytes can say.
    b.data(Orig, &[0x30, 0x83, 1, 0x86, 0xa0, 2, 1, 7, 0x68, 0x83, 1, 0x86, 0x98]);
    assert_eq!(b.out.weirds[0].name, "ldap_message_over_limit");
    b.gap(Orig, 100_000 - 8);
    for id in 0..=MAX_PENDING {
        let id = [2, 2, (id >> 8) as u8 + 1, id as u8];
        b.data(Orig, &tlv(tag::SEQUENCE, &[&id[..], &[0x4a, 1, b'x']].concat()));
    }
    assert!(b.rows("ldap").len() >= MAX_PENDING && b.held_len() < 1 << 20);
    b.gap(Orig, 1).data(Orig, &simple_bind(1, "")).end();
    assert!(b.out.weirds.iter().any(|w| w.name == "ldap_gap"));
}

#[test]
fn rejects_what_is_broken() {
    let mut b = bench();
    b.data(Orig, b"\x30\x05\x02\x01\x01\x04\x00").data(Orig, &simple_bind(1, "")).end();
    assert_eq!(b.out.weirds[0].name, "ldap_broken_message");
    assert!(b.rows("ldap").is_empty() && b.out.confirmed.is_empty());
}

#[test]
fn parses_datagrams() {
    let mut b = Bench::new(ProtoId::Ldap, Transport::Udp, 389);
    b.data(Orig, &search(1, equal("NtVer", &[6, 0, 0, 0])));
    b.data(Resp, &[entry(1, 20), result(1, op::SEARCH_DONE, 0, "")].concat()).end();
    assert_eq!(b.out.confirmed, ["ldap_udp"]);
    assert!(b.rows("ldap_search")[0].contains("filter=Str(\"(NtVer=0x00000006)\")"));
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let guess = |transport, orig: &[u8], resp: &[u8]| {
        probe::probe(&Probe { transport, orig, resp, port_match: false, flow: &flow })
    };
    for good in [simple_bind(1, ""), search(1, equal("a", b"b")), message(7, op::EXTENDED, &[tlv(0x80, b"1.2")])] {
        assert_eq!(guess(Transport::Tcp, &good, b""), Guess::Yes);
        assert_eq!(guess(Transport::Tcp, &good[..4], b""), Guess::More);
        assert_eq!(guess(Transport::Udp, &good, b""), Guess::Yes);
        assert_eq!(guess(Transport::Udp, &good[..4], b""), Guess::No);
    }
    assert_eq!(guess(Transport::Tcp, b"", &result(1, op::BIND_RESPONSE, 0, "")), Guess::Yes);
    // SNMP and a certificate.
    assert_eq!(guess(Transport::Udp, b"\x30\x0b\x02\x01\x00\x04\x06public\xa0\x00", b""), Guess::No);
    assert_eq!(guess(Transport::Tcp, b"\x30\x82\x01\x00\x30\x82\x00\xf0\xa0\x03\x02\x01\x02", b""), Guess::No);
    assert_eq!(guess(Transport::Tcp, b"GET /", b""), Guess::No);
}

#[test]
fn shows_exchanges_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Ldap, Transport::Tcp, 389);
    let values = tlv(tag::SET, &octets("v"));
    let found = message(2, op::SEARCH_ENTRY, &[octets("cn=a"), seq(&[seq(&[octets("mail"), values])])]);
    b.data(Orig, &search(2, equal("cn", b"a"))).data(Resp, &found).data(Resp, &result(2, op::SEARCH_DONE, 4, "so far"));
    b.data(Resp, &result(9, op::MODIFY_RESPONSE, 0, "")).end();
    let [search, unasked] = [0, 1].map(|at| b.exchanges()[at].clone());
    assert_eq!(
        search.json,
        "{\"ldap\":{\"request\":{\"message_id\":2,\"operation\":\"search_request\",\"search_request\":{\
         \"base_object\":\"dc=x\",\"scope\":2,\"deref_alias\":0,\"size_limit\":5,\"time_limit\":0,\"types_only\":false,\
         \"attributes\":[\"cn\",\"mail\"]}},\"responses\":[{\"operation\":\"search_result_entry\",\"search_result_entry\":{\
         \"base_object\":\"cn=a\",\"attributes\":[{\"type\":\"mail\",\"values\":[\"v\"]}]}},{\
         \"operation\":\"search_result_done\",\"search_result_done\":{\"result_code\":\"size_limit_exceeded\",\
         \"matched_dn\":\"\",\"message\":\"so far\"}}]}}"
    );
    assert_eq!(search.fact(Fact::LdapResponsesOperation), ["4", "5"]);
    assert_eq!(search.fact(Fact::LdapRequestAttributeType), ["cn", "mail"]);
    assert_eq!(search.fact(Fact::LdapResponsesAttributeType), ["mail"]);
    assert_eq!(search.fact(Fact::LdapResponsesDn), ["cn=a", ""]);
    assert_eq!((unasked.events, unasked.over), (vec!["request_not_found"], true));
}
