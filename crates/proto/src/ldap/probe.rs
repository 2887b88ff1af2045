//! Recognition: a message's head whose parts fit together, and a beginning of the operation that no other has.

use super::message::{Head, op};
use crate::ber::{Header, tag};
use crate::{Guess, Probe, Transport};

/// See [`crate::Descriptor::probe`].
pub fn probe(p: &Probe<'_>) -> Guess {
    let (bytes, request) = if p.orig.is_empty() { (p.resp, false) } else { (p.orig, true) };
    match bytes.first() {
        Some(&tag::SEQUENCE) => message(p, bytes, request),
        None => Guess::More,
        Some(_) => Guess::No,
    }
}

fn message(p: &Probe<'_>, bytes: &[u8], request: bool) -> Guess {
    let more = if p.transport == Transport::Tcp { Guess::More } else { Guess::No };
    let head = match Head::parse(bytes) {
        Ok(Some(head)) => head,
        Ok(None) => return more,
        Err(_) => return Guess::No,
    };
    if p.transport == Transport::Udp && head.total_len > bytes.len() {
        return Guess::No;
    }
    let expected = match head.op {
        op::BIND | op::SEARCH | op::MODIFY | op::ADD | op::DELETE | op::RENAME | op::COMPARE | op::EXTENDED => request,
        op::UNBIND | op::ABANDON => request && p.port_match,
        op::SEARCH_ENTRY | op::SEARCH_DONE | op::BIND_RESPONSE => !request || p.transport == Transport::Udp,
        op::MODIFY_RESPONSE
        | op::ADD_RESPONSE
        | op::DELETE_RESPONSE
        | op::RENAME_RESPONSE
        | op::COMPARE_RESPONSE
        | op::SEARCH_REFERENCE
        | op::EXTENDED_RESPONSE
        | op::INTERMEDIATE => !request,
        _ => false,
    };
    if !expected || !(0..=0x7fff_ffff).contains(&head.id) || !head.ends_well(bytes) {
        return Guess::No;
    }
    if p.port_match || begins_well(head.op, head.body(bytes)) { Guess::Yes } else { Guess::No }
}

/// The first element of an operation's content has the kind that it must have. What is not there yet is believed.
fn begins_well(operation: u8, body: &[u8]) -> bool {
    let Ok(Some(first)) = Header::parse(body) else { return operation == op::DELETE || body.is_empty() };
    match operation {
        op::BIND => first.tag == tag::INTEGER && first.content_len == 1,
        op::SEARCH | op::MODIFY | op::ADD | op::RENAME | op::COMPARE | op::SEARCH_ENTRY => {
            first.tag == tag::OCTET_STRING
        }
        op::EXTENDED => first.tag == tag::primitive(0),
        op::DELETE => true,
        _ => first.tag == tag::ENUMERATED,
    }
}
