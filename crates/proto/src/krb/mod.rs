//! Kerberos 5 (RFC 4120) between clients and key distribution centres, over UDP and TCP (§7.2).
//!
//! One row per exchange: a request and its reply or error. That pre-authentication is needed is part of the
//! conversation, not a row, where the server says so in words, as in Zeek. Unlike Zeek, which stops at the first, every
//! exchange of a flow is logged. Limits: [`MAX_MESSAGE_LEN`], [`crate::kerberos::message`]. Known gaps: password changes
//! (RFC 3244), FAST (RFC 6113): what is inside its armour is encrypted.

#[cfg(test)]
mod tests;
mod tx;

use crate::ber::Header;
use crate::certs;
use crate::kerberos::message::{KdcRequest, peek};
use crate::kerberos::{KerberosRecord, Message};
use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport};
use sekisho_types::{Dir, Heap};

/// Longest message over TCP; tickets with many groups have some 60 KiB.
pub const MAX_MESSAGE_LEN: usize = 128 << 10;
/// Bytes of the length before each message over TCP.
const PREFIX_LEN: usize = 4;

/// Errors that are not logged: "prove yourself first", in the words of MIT's and Microsoft's servers.
const PART_OF_THE_TALK: [&[u8]; 2] = [b"NEEDED_PREAUTH", b"Need to use PA-ENC-TIMESTAMP/PA-PK-AS-REQ"];

/// One direction of a TCP connection.
#[derive(Default)]
struct Side {
    held: Held,
    lost: bool,
}

/// State of one flow.
pub struct Parser {
    sides: Option<Box<[Side; 2]>>,
    row: Option<Box<KerberosRecord>>,
    /// Nonce of the last request.
    nonce: Option<i64>,
    asked: bool,
    /// What rules and EVE see, if anybody watches.
    tx: Option<Box<tx::Exchanges>>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "krb", tcp_ports: &[88], udp_ports: &[88], probe };

    fn start(start: &Start<'_>) -> Self {
        let sides = (start.transport == Transport::Tcp).then(Box::default);
        Self { sides, row: None, nonce: None, asked: false, tx: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(mut sides) = self.sides.take() else {
            if self.message(dir, bytes, cx).is_none() {
                cx.weird("krb_broken_message");
            }
            return;
        };
        if let Some(side) = sides.get_mut(dir.index()).filter(|s| !s.lost) {
            self.stream(side, dir, bytes, cx);
        }
        self.sides = Some(sides);
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        if let Some(side) = self.sides.as_deref_mut().and_then(|s| s.get_mut(dir.index())) {
            // One message usually is all that a direction has: there is no way back into step worth its state.
            *side = Side { held: Held::new(), lost: true };
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(tx) = &mut self.tx {
            tx.end(cx);
        }
        self.log(cx);
    }

    fn held_len(&self) -> usize {
        let sides = self.sides.as_deref().map_or(0, |s| {
            sekisho_types::block_len(size_of::<[Side; 2]>()) + s.iter().map(|s| s.held.heap_len()).sum::<usize>()
        });
        sides + self.tx.heap_len() + self.row.as_ref().map_or(0, |row| row.held_len())
    }
}

/// A message's tag and a length that agrees with the datagram or with the length before it.
fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let (announced, message) = match p.transport {
        Transport::Udp => (Some(bytes.len()), bytes),
        Transport::Tcp => match bytes.split_first_chunk::<PREFIX_LEN>() {
            Some((prefix, rest)) => (usize::try_from(u32::from_be_bytes(*prefix)).ok(), rest),
            None if bytes.first().is_none_or(|b| *b == 0) => return Guess::More,
            None => return Guess::No,
        },
    };
    let Some(announced) = announced.filter(|len| *len <= MAX_MESSAGE_LEN) else { return Guess::No };
    match peek(message) {
        Ok(Some(len)) if len == announced || (p.port_match && len < announced) => inside(message),
        Ok(None) if p.transport == Transport::Tcp => Guess::More,
        _ => Guess::No,
    }
}

/// The sequence inside, with the version as first element.
fn inside(message: &[u8]) -> Guess {
    let Ok(Some(outer)) = Header::parse(message) else { return Guess::No };
    let content = message.get(outer.header_len..).unwrap_or(&[]);
    let inner = match Header::parse(content) {
        Ok(Some(inner)) if inner.tag == crate::ber::tag::SEQUENCE => inner,
        Ok(None) => return Guess::More,
        _ => return Guess::No,
    };
    match content.get(inner.header_len..inner.header_len + 5) {
        Some([0xa0 | 0xa1, 3, 2, 1, 5]) => Guess::Yes,
        Some(_) => Guess::No,
        None => Guess::More,
    }
}

const fn service(cx: &Cx<'_>) -> &'static str {
    match cx.transport {
        Transport::Tcp => "krb_tcp",
        Transport::Udp => "krb",
    }
}

impl Parser {
    /// Messages of a stream, each behind its length.
    fn stream(&mut self, side: &mut Side, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let joined = side.held.join(bytes);
        let mut consumed = 0;
        while let Some((prefix, rest)) = joined.get(consumed..).and_then(|b| b.split_first_chunk::<PREFIX_LEN>()) {
            let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
            if len > MAX_MESSAGE_LEN {
                return self.lose(side, "krb_message_over_limit", cx);
            }
            let Some(message) = rest.get(..len) else { break };
            if self.message(dir, message, cx).is_none() {
                return self.lose(side, "krb_broken_message", cx);
            }
            consumed += PREFIX_LEN + len;
        }
        if !side.held.keep(joined, consumed, PREFIX_LEN + MAX_MESSAGE_LEN) {
            self.lose(side, "krb_message_over_limit", cx);
        }
    }

    fn lose(&mut self, side: &mut Side, why: &'static str, cx: &mut Cx<'_>) {
        *side = Side { held: Held::new(), lost: true };
        cx.weird(why);
    }

    /// `None` if it cannot be read.
    fn message(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> Option<()> {
        let message = Message::parse(bytes).ok()?;
        cx.confirm(service(cx));
        if cx.is_watched() {
            self.tx.get_or_insert_default().message(dir, &message, cx);
        }
        match message {
            Message::Request(m) => self.request(dir, &m, cx),
            Message::Reply(m) => {
                if let Some(row) = self.answered(cx) {
                    row.reply(&m);
                    if let Some(der) = m.certificate {
                        let seen = certs::log(der, source(cx), true, dir.is_orig(), cx);
                        (row.server_cert_subject, row.server_cert_fuid) = (seen.subject, seen.fuid);
                    }
                    self.log(cx);
                }
            }
            Message::Error(m) => {
                if let Some(row) = self.answered(cx) {
                    row.error(&m);
                    if m.text.is_some_and(|t| PART_OF_THE_TALK.contains(&t)) {
                        self.row = None;
                    }
                    self.log(cx);
                }
            }
            Message::ApRequest(ticket) => {
                let row = self.row.get_or_insert_with(|| Box::new(KerberosRecord::new(cx)));
                row.shown(&ticket);
            }
            Message::Other => {}
        }
        Some(())
    }

    fn request(&mut self, dir: Dir, m: &KdcRequest<'_>, cx: &mut Cx<'_>) {
        let again = m.nonce.is_some() && m.nonce == self.nonce;
        if again && self.row.is_none() {
            // Sent again, and the reply was on its way.
            return;
        }
        if !again {
            self.log(cx);
        }
        (self.nonce, self.asked) = (m.nonce, true);
        let row = self.row.get_or_insert_with(|| Box::new(KerberosRecord::new(cx)));
        row.request(m);
        if let Some(der) = m.certificate {
            let seen = certs::log(der, source(cx), true, dir.is_orig(), cx);
            (row.client_cert_subject, row.client_cert_fuid) = (seen.subject, seen.fuid);
        }
    }

    /// The row that an answer belongs to; none if it comes a second time.
    fn answered(&mut self, cx: &Cx<'_>) -> Option<&mut KerberosRecord> {
        if self.row.is_none() && self.asked {
            return None;
        }
        Some(self.row.get_or_insert_with(|| Box::new(KerberosRecord::new(cx))))
    }

    fn log(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(crate::Event::KerberosRecord(row));
        }
    }
}

/// Zeek's name of the source of a certificate.
const fn source(cx: &Cx<'_>) -> &'static str {
    match cx.transport {
        Transport::Tcp => "KRB_TCP",
        Transport::Udp => "KRB",
    }
}
