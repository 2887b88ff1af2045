//! LDAP (RFC 4511 §4).

use crate::der::{enumerated, int, octets, seq, tlv};

/// Extensible match by all bits (MS-ADTS §3.1.1.3.4.4.1).
const BIT_AND: &str = "1.2.840.113556.1.4.803";

/// A message with its number.
pub fn message(id: u32, operation: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    seq(&[int(id), tlv(0x60 | operation, &parts.concat())])
}

/// A result, as of a bind (1), a search (5) or a change (7).
pub fn result(id: u32, operation: u8, code: u8) -> Vec<u8> {
    message(id, operation, &[enumerated(code), octets(b""), octets(b"")])
}

/// A bind with a SASL mechanism and its token.
pub fn sasl_bind(id: u32, mechanism: &str, token: &[u8]) -> Vec<u8> {
    let sasl = tlv(0xa3, &[octets(mechanism.as_bytes()), octets(token)].concat());
    message(id, 0, &[int(3), octets(b""), sasl])
}

/// The server's answer to it, with its token.
pub fn bound(id: u32, code: u8, token: &[u8]) -> Vec<u8> {
    message(id, 1, &[enumerated(code), octets(b""), octets(b""), tlv(0x87, token)])
}

/// The filter `(attribute=*)`.
pub fn present(attribute: &str) -> Vec<u8> {
    tlv(0x87, attribute.as_bytes())
}

/// The filter `(attribute=value)`.
pub fn equal(attribute: &str, value: &str) -> Vec<u8> {
    tlv(0xa3, &[octets(attribute.as_bytes()), octets(value.as_bytes())].concat())
}

/// The filter `(attribute:1.2.840.113556.1.4.803:=bits)`.
pub fn bits(attribute: &str, bits: u32) -> Vec<u8> {
    let value = bits.to_string();
    tlv(0xa9, &[tlv(0x81, BIT_AND.as_bytes()), tlv(0x82, attribute.as_bytes()), tlv(0x83, value.as_bytes())].concat())
}

/// All of these filters.
pub fn all(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0xa0, &parts.concat())
}

/// A search of a whole tree.
pub fn search(id: u32, base: &str, filter: &[u8], attributes: &[&str]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = attributes.iter().map(|a| octets(a.as_bytes())).collect();
    let head = [octets(base.as_bytes()), enumerated(2), enumerated(0), int(0), int(0), vec![1, 1, 0]].concat();
    message(id, 3, &[head, filter.to_vec(), seq(&names)])
}

/// An entry of a search's answer.
pub fn entry(id: u32, name: &str) -> Vec<u8> {
    message(id, 4, &[octets(name.as_bytes()), seq(&[])])
}

/// A change: one attribute gets one value.
pub fn modify(id: u32, name: &str, attribute: &str, value: &str) -> Vec<u8> {
    let change = seq(&[enumerated(2), seq(&[octets(attribute.as_bytes()), tlv(0x31, &octets(value.as_bytes()))])]);
    message(id, 6, &[octets(name.as_bytes()), seq(&[change])])
}
