//! Recognition: by the client's CONNECT; on the usual port also by the server's answer or a packet of a session.

use super::message::{self, Connect, Packet, kind};
use crate::frames::Head;
use crate::{Guess, Probe, Transport};

/// Longest start looked at.
const MAX_LEN: usize = 256;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (p.orig.first(), p.resp.first()) {
        (None, None) => Guess::More,
        (Some(0x10), _) => connect(p.orig),
        (Some(_), _) if p.port_match => in_session(p.orig),
        (None, Some(_)) if p.port_match => in_session(p.resp),
        _ => Guess::No,
    }
}

/// Packet type, length, and the length of the protocol's name with the name.
fn connect(orig: &[u8]) -> Guess {
    let digits = orig.iter().skip(1).take(4).take_while(|b| **b & 0x80 != 0).count();
    let name = orig.get(2 + digits..).unwrap_or(&[]);
    for want in [&b"\0\x04MQTT"[..], b"\0\x06MQIsdp"] {
        let shared = name.len().min(want.len());
        if name.get(..shared) == want.get(..shared) {
            return if shared == want.len() { Guess::Yes } else { Guess::More };
        }
    }
    Guess::No
}

/// A whole packet of a kind that tells itself apart.
fn in_session(bytes: &[u8]) -> Guess {
    let len = match message::head(bytes, MAX_LEN, false) {
        Head::Bad => return Guess::No,
        Head::More => return Guess::More,
        Head::Message { len, .. } => len,
    };
    let Some(packet) = Packet::new(bytes, len) else { return Guess::More };
    let short = len <= MAX_LEN as u64;
    if short && (bytes.len() as u64) < len {
        return Guess::More;
    }
    let yes = match packet.kind {
        kind::CONNECT => Connect::parse(packet.body).is_ok(),
        kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => len == 4,
        kind::CONNACK => short && matches!(packet.body, [0 | 1, _, ..]),
        kind::PINGREQ | kind::PINGRESP | kind::DISCONNECT => len == 2,
        kind::PUBLISH => {
            let Some((topic_len, rest)) = packet.body.split_first_chunk() else { return Guess::More };
            let topic_len = usize::from(u16::from_be_bytes(*topic_len));
            let topic = rest.get(..topic_len).unwrap_or(rest);
            (1..MAX_LEN).contains(&topic_len) && topic.iter().all(|b| *b >= 0x20) && len > topic_len as u64 + 3
        }
        kind::SUBSCRIBE | kind::UNSUBSCRIBE => short && message::subscribe(packet.body, 4, true, 1).is_ok(),
        _ => false,
    };
    if yes { Guess::Yes } else { Guess::No }
}
