//! Syslog (RFC 5424, RFC 3164) over UDP (RFC 5426) and TCP (RFC 6587).
//!
//! A row per message. On the usual UDP port every datagram is one, with or without a priority, as Zeek has it; elsewhere a
//! flow must begin with a priority. Over TCP, which Zeek does not read, messages are framed by lines or by lengths.
//! Limits: [`MAX_MESSAGE_LEN`], [`MAX_LOSSES`]. Known gaps: the fields of RFC 5424 stay in the message; over TLS (RFC 5425) nothing is seen.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::SyslogRecord;

use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport};
use message::{Framed, MAX_PRIORITY};
use sekisho_record::EnumName;
use sekisho_types::{Dir, Heap};

/// Longest message over TCP that is read; at a longer one the stream is given up.
pub const MAX_MESSAGE_LEN: usize = 16 << 10;
/// Times that a stream may get out of step before it is given up.
pub const MAX_LOSSES: u8 = 16;
/// Fewest bytes that tell a message's beginning from chance where the port says nothing.
const MIN_TEXT_LEN: usize = 8;
/// With so many bytes a beginning can be told: a priority and some text.
const MIN_BEGINNING_LEN: usize = 5 + MIN_TEXT_LEN;

/// State of one flow.
pub struct Parser {
    /// What is incomplete of a stream, by direction.
    held: [Held; 2],
    /// The stream is out of step: whatever comes up to the next line's end belongs to nothing.
    torn: [bool; 2],
    /// How often that was so.
    losses: u8,
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    match p.transport {
        Transport::Udp if p.port_match && p.flow.tuple.resp_port == PORT => Guess::Yes,
        Transport::Udp => yes_if(is_message(bytes)),
        Transport::Tcp => match message::framed(p.orig) {
            Framed::Message(m, _) => yes_if(is_message(m)),
            Framed::More if p.orig.len() > MAX_MESSAGE_LEN => Guess::No,
            Framed::More if is_message(p.orig) => Guess::Yes,
            Framed::More if p.orig.len() < MIN_BEGINNING_LEN || length_before_priority(p.orig) => Guess::More,
            Framed::More | Framed::Lost => Guess::No,
        },
    }
}

/// A message's length, and behind it the beginning of a priority.
fn length_before_priority(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && bytes.get(digits..digits + 2) == Some(b" <")
}

/// The usual port, where datagrams need no priority.
const PORT: u16 = 514;

const fn yes_if(yes: bool) -> Guess {
    if yes { Guess::Yes } else { Guess::No }
}

/// A priority in range and then text: a version and a space (RFC 5424), or a time or tag (RFC 3164).
fn is_message(bytes: &[u8]) -> bool {
    let (priority, text) = message::priority(bytes);
    priority.is_some_and(|p| p <= MAX_PRIORITY)
        && text.len() >= MIN_TEXT_LEN
        && text.first().is_some_and(u8::is_ascii_alphanumeric)
        && text.iter().take(32).all(|b| matches!(b, b' '..=b'~' | b'\t'))
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "syslog", tcp_ports: &[514, 601], udp_ports: &[514], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { held: Default::default(), torn: [false; 2], losses: 0 }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            emit(bytes, cx);
            return;
        }
        let (Some(held), Some(torn)) = (self.held.get_mut(dir.index()), self.torn.get_mut(dir.index())) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        while let Some(rest) = joined.get(consumed..).filter(|rest| !rest.is_empty()) {
            if *torn {
                let end = memchr::memchr(b'\n', rest);
                consumed += end.map_or(rest.len(), |end| end + 1);
                *torn = end.is_none();
                continue;
            }
            match message::framed(rest) {
                Framed::Message(m, len) => {
                    consumed += len;
                    emit(m, cx);
                }
                Framed::More => break,
                Framed::Lost => {
                    *torn = true;
                    self.losses += 1;
                    if self.losses >= MAX_LOSSES {
                        return cx.reject("syslog_frame");
                    }
                }
            }
        }
        if !held.keep(joined, consumed, MAX_MESSAGE_LEN) {
            cx.reject("syslog_message_limit");
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        if let (Some(held), Some(torn)) = (self.held.get_mut(dir.index()), self.torn.get_mut(dir.index())) {
            // Segments mostly are whole lines: a hole that began at a line's start probably ends at one.
            *torn |= !held.is_empty();
            held.clear();
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        // The last line may have no end.
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let rest = held.join(&[]);
        if is_message(&rest) {
            emit(&rest, cx);
        }
    }

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        self.held.as_slice().heap_len()
    }
}

fn emit(bytes: &[u8], cx: &mut Cx<'_>) {
    // Zeek, which reads it over UDP, gives such flows no service.
    cx.recognize(Parser::DESCRIPTOR.service);
    let (priority, text) = message::priority(bytes);
    cx.emit(SyslogRecord {
        head: cx.head(cx.ts),
        proto: EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" }),
        facility: message::facility(priority),
        severity: message::severity(priority),
        message: text.into(),
        tail: cx.tail(),
    });
}
