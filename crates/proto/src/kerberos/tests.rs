use super::*;
use crate::ber::build::{field, int, seq, tlv};
use crate::ber::tag;

/// Identifier octets of universal types that only this protocol has (X.680 §8.4).
const GENERALIZED_TIME: u8 = 0x18;
const GENERAL_STRING: u8 = 0x1b;

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, bytes)
}

pub(crate) fn string(text: &str) -> Vec<u8> {
    tlv(GENERAL_STRING, text.as_bytes())
}

pub(crate) fn named(parts: &[&str]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = parts.iter().map(|p| string(p)).collect();
    seq(&[field(0, &int(1)), field(1, &seq(&parts))])
}

pub(crate) fn sealed(cipher: u8, text: &[u8]) -> Vec<u8> {
    seq(&[field(0, &int(cipher)), field(1, &int(2)), field(2, &octets(text))])
}

pub(crate) fn some_ticket(service: &[&str]) -> Vec<u8> {
    let parts = [field(0, &int(5)), field(1, &string("X.ORG")), field(2, &named(service)), field(3, &sealed(18, b"t"))];
    tlv(tag::application(app::TICKET), &seq(&parts))
}

pub(crate) fn some_ap_request() -> Vec<u8> {
    let options = tlv(tag::BIT_STRING, &[0, 0x20, 0, 0, 0]);
    let ticket = some_ticket(&["krbtgt", "X.ORG"]);
    let parts = [int(5), int(14), options, ticket, sealed(18, b"authenticator")];
    let parts: Vec<Vec<u8>> = parts.iter().zip(0..).map(|(p, n)| field(n, p)).collect();
    tlv(tag::application(app::AP_REQ), &seq(&parts))
}

pub(crate) fn some_request(tgs: bool, nonce: u8, preauth: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let kind = if tgs { app::TGS_REQ } else { app::AS_REQ };
    let data: Vec<Vec<u8>> =
        preauth.iter().map(|(kind, value)| seq(&[field(1, &int(*kind)), field(2, &octets(value))])).collect();
    let body = [
        field(0, &tlv(tag::BIT_STRING, &[0, 0x40, 0x80, 0, 0x10])),
        field(1, &named(&["alice"])),
        field(2, &string("X.ORG")),
        field(3, &named(&["krbtgt", "X.ORG"])),
        field(5, &tlv(GENERALIZED_TIME, b"20370913024805Z")),
        field(7, &int(nonce)),
        field(8, &seq(&[int(18), int(23)])),
    ];
    let parts = [field(1, &int(5)), field(2, &int(kind)), field(3, &seq(&data)), field(4, &seq(&body))];
    tlv(tag::application(kind), &seq(&parts))
}

pub(crate) fn some_reply(tgs: bool) -> Vec<u8> {
    let kind = if tgs { app::TGS_REP } else { app::AS_REP };
    let ticket = some_ticket(&["krbtgt", "X.ORG"]);
    let parts = [
        field(0, &int(5)),
        field(1, &int(kind)),
        field(3, &string("X.ORG")),
        field(4, &named(&["Alice"])),
        field(5, &ticket),
        field(6, &sealed(23, b"reply")),
    ];
    tlv(tag::application(kind), &seq(&parts))
}

pub(crate) fn some_error(code: u8, text: &str) -> Vec<u8> {
    let mut parts = vec![field(0, &int(5)), field(1, &int(30)), field(5, &int(1)), field(6, &int(code))];
    parts.extend([field(9, &string("X.ORG")), field(10, &named(&["krbtgt", "X.ORG"]))]);
    if !text.is_empty() {
        parts.push(field(11, &string(text)));
    }
    tlv(tag::application(app::ERROR), &seq(&parts))
}

#[test]
fn parses_requests() {
    let bytes = some_request(true, 9, &[(1, some_ap_request()), (2, b"x".to_vec())]);
    let Ok(Message::Request(m)) = Message::parse(&bytes) else { panic!("{:?}", Message::parse(&bytes)) };
    assert_eq!((m.tgs, m.nonce, m.options), (true, Some(9), Some(0x4080_0010)));
    assert_eq!(m.client.unwrap().text(), Text::from("alice"));
    assert_eq!(m.service.unwrap().text(), Text::from("krbtgt/X.ORG"));
    assert_eq!((&m.ciphers[..], &m.preauth[..]), (&[18, 23][..], &[1, 2][..]));
    assert_eq!(m.till, Some(Timestamp::from_parts(2_136_422_885, 0)));
    assert_eq!(m.ticket.unwrap().part.cipher, 18);
    assert_eq!(peek(&bytes), Ok(Some(bytes.len())));
}

#[test]
fn parses_replies_and_errors() {
    let bytes = some_reply(false);
    let Ok(Message::Reply(m)) = Message::parse(&bytes) else { panic!() };
    assert_eq!((m.client.text(), m.realm), (Text::from("Alice"), &b"X.ORG"[..]));
    assert_eq!((m.ticket.part.cipher_text, m.part.cipher), (&b"t"[..], 23));
    let bytes = some_error(25, "NEEDED_PREAUTH");
    let Ok(Message::Error(m)) = Message::parse(&bytes) else { panic!() };
    assert_eq!((m.code, m.text), (25, Some(&b"NEEDED_PREAUTH"[..])));
}

#[test]
fn parses_the_first_certificate() {
    let cert = seq(&[int(1), int(2)]);
    let more = [cert.clone(), seq(&[int(9)])].concat();
    let content = seq(&[tlv(tag::OID, &[1])]);
    let signed = seq(&[int(3), tlv(tag::SET, &[]), content, field(0, &more), tlv(tag::SET, &[])]);
    let cms = seq(&[tlv(tag::OID, &[1]), field(0, &signed)]);
    let request = seq(&[tlv(tag::primitive(0), &cms)]);
    assert_eq!(signed_request(&request), Ok(Some(&cert[..])));
    let reply = field(0, &seq(&[tlv(tag::primitive(0), &cms)]));
    assert_eq!(signed_reply(&reply), Ok(Some(&cert[..])));
    let none = seq(&[int(3), tlv(tag::SET, &[]), seq(&[]), tlv(tag::SET, &[])]);
    assert_eq!(certificate(&seq(&[tlv(tag::OID, &[1]), field(0, &none)])), Ok(None));
}

#[test]
fn rejects_other_versions_and_cut_messages() {
    let mut bytes = some_reply(true);
    for cut in 0..bytes.len() {
        assert!(Message::parse(&bytes[..cut]).is_err(), "{cut}");
    }
    let version = bytes.windows(3).position(|w| w == [2, 1, 5]).unwrap();
    bytes[version + 2] = 4;
    assert!(Message::parse(&bytes).is_err());
    assert!(Message::parse(&[0x30, 0]).is_err() && peek(&[0x30, 0]).is_err());
}

#[test]
fn limits_lists() {
    let many: Vec<(u8, Vec<u8>)> = (0..100).map(|n| (n, Vec::new())).collect();
    let bytes = some_request(false, 1, &many);
    let Ok(Message::Request(m)) = Message::parse(&bytes) else { panic!() };
    assert_eq!(m.preauth.len(), MAX_LIST_COUNT);
    let long = "x".repeat(3 * MAX_TEXT_LEN);
    let bytes = tlv(tag::SEQUENCE, &[field(0, &int(1)), field(1, &seq(&[string(&long)]))].concat());
    assert_eq!(name(&mut Ber::new(&bytes)).unwrap().text().0.len(), MAX_TEXT_LEN);
}
