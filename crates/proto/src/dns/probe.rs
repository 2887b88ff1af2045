//! Recognition: lenient on the usual ports, elsewhere only messages that are right to the last byte.

use super::message::{HEADER_LEN, Header, Name, Walk};
use super::read::Message;
use super::{MAX_QUESTIONS, op, tcp};
use crate::{Guess, Probe, Transport};

/// More records than this in one section are not believed on a usual port either.
const MAX_PLAUSIBLE_RECORDS: u16 = 2048;
/// Largest first message over TCP that is waited for on an unusual port.
const MAX_FIRST_TCP_LEN: usize = 1024;

/// See [`crate::Descriptor::probe`].
pub fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    match p.transport {
        Transport::Udp => datagram(bytes, p.port_match),
        Transport::Tcp => stream(bytes, p.port_match),
    }
}

fn datagram(msg: &[u8], port_match: bool) -> Guess {
    let Some(header) = Header::parse(msg) else { return Guess::No };
    let plain = plausible(header) && (port_match || strict(header, msg));
    // On the usual port an operation that nobody knows is no reason to doubt a message that can be read.
    let odd = || port_match && header.qdcount == 1 && Message::parse(msg).is_some_and(|m| m.queries.len() == 1);
    if plain || odd() { Guess::Yes } else { Guess::No }
}

fn stream(bytes: &[u8], port_match: bool) -> Guess {
    let Some((prefix, rest)) = bytes.split_first_chunk::<{ tcp::PREFIX_LEN }>() else { return Guess::More };
    let len = usize::from(u16::from_be_bytes(*prefix));
    if len < HEADER_LEN || (!port_match && len > MAX_FIRST_TCP_LEN) {
        return Guess::No;
    }
    let Some(header) = Header::parse(rest) else { return Guess::More };
    if !plausible(header) {
        return Guess::No;
    }
    if port_match {
        return Guess::Yes;
    }
    match rest.get(..len) {
        Some(msg) if strict(header, msg) => Guess::Yes,
        Some(_) => Guess::No,
        None => Guess::More,
    }
}

fn plausible(h: Header) -> bool {
    let known = matches!(h.opcode, op::QUERY..=op::STATUS | op::NOTIFY..=op::NETBIOS_REFRESH);
    known && h.qdcount <= MAX_QUESTIONS && [h.ancount, h.nscount, h.arcount].iter().all(|n| *n < MAX_PLAUSIBLE_RECORDS)
}

/// A message that hardly anything else can be: every section readable, nothing left over.
fn strict(h: Header, msg: &[u8]) -> bool {
    if h.qdcount != 1 || h.z & 4 != 0 || !matches!(h.opcode, op::QUERY | op::NOTIFY | op::UPDATE) {
        return false;
    }
    if !h.qr && h.opcode == op::QUERY && (h.ancount > 0 || h.nscount > 1 || h.arcount > 2 || h.rcode != 0 || h.ra) {
        return false;
    }
    let mut walk = Walk::new(msg, false);
    let mut name = Name::default();
    let Some(q) = walk.question(&mut name) else { return false };
    let class = q.qclass & 0x7fff;
    if !matches!(class, 1 | 3 | 4 | 254 | 255)
        || q.qtype == 0
        || !name.as_bytes().iter().all(|b| *b > b' ' && *b != 0x7f)
    {
        return false;
    }
    for _ in 0..u32::from(h.ancount) + u32::from(h.nscount) + u32::from(h.arcount) {
        let Some(head) = walk.rr_head(&mut name) else { return false };
        walk.up_to(head.rdlength);
    }
    walk.left() == 0 && walk.oddities.is_empty()
}
