//! SIP (RFC 3261) over UDP and TCP, with the media that session descriptions (RFC 8866) offer.
//!
//! Rows follow Zeek's `sip.log`: per direction one request is under way, and what is said while it is, is added to
//! it, so that a BYE's row tells the path of the ACK before it, too. Unlike Zeek: also over TCP, requests of both
//! ends, every datagram stands for itself, and all methods of the standards are known. Limits: [`MAX_MESSAGE_LEN`],
//! [`MAX_TEXT_LEN`], [`MAX_PATH`]. Known gaps: compressed messages (RFC 5049); multipart bodies.

mod frame;
mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::SipRecord;

use crate::header::{Wait, count, fields};
use crate::{Cx, Descriptor, Held, Protocol, Start, Transport, sdp};
use message::{Message, Parsed, StartLine, before_parameter, blank_len, parse};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap, block_len};

/// Longest message over TCP that is held until it is whole; a longer one ends the parsing of the flow.
const MAX_MESSAGE_LEN: usize = 64 * 1024;
/// Longest value kept of one field.
const MAX_TEXT_LEN: usize = 2048;
/// Hops kept of a path.
const MAX_PATH: usize = 32;

/// Name in conn's `service`.
const SERVICE: &str = "sip";

/// State of one flow.
pub struct Parser {
    held: [Held; 2],
    /// What the message held waits for.
    waits: [Wait; 2],
    /// The request under way of each end.
    open: [Option<Box<SipRecord>>; 2],
    exchanges: Counter,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[5060], udp_ports: &[5060], probe: probe::probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { held: Default::default(), waits: Default::default(), open: [None, None], exchanges: Counter::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            // Anything else is a keep-alive, of which there are many kinds.
            let bytes = bytes.get(blank_len(bytes)..).unwrap_or(&[]);
            if let Parsed::Message(message, len) = parse(bytes, true) {
                frame::tell(dir, &message, bytes, len, self.exchanges.count(), cx);
                self.message(dir, &message, cx);
            }
            return;
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        loop {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            consumed += blank_len(rest);
            let rest = joined.get(consumed..).unwrap_or(&[]);
            let Some(wait) = self.waits.get_mut(dir.index()) else { return };
            if wait.is_on(rest) {
                break;
            }
            match parse(rest, false) {
                Parsed::Message(message, len) => {
                    *wait = Wait::default();
                    consumed += len;
                    frame::tell(dir, &message, rest, len, self.exchanges.count(), cx);
                    self.message(dir, &message, cx);
                }
                Parsed::More(missing) => {
                    *wait = Wait::on(rest, missing);
                    break;
                }
                Parsed::Not => {
                    cx.message(dir, &mut self.exchanges, &tx::Nothing, &["invalid_data"]);
                    return cx.reject("sip_no_message");
                }
            }
        }
        let kept = self.held.get_mut(dir.index()).is_some_and(|held| held.keep(joined, consumed, MAX_MESSAGE_LEN));
        if !kept {
            cx.reject("sip_message_too_long");
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        // Where the next message begins is unknown.
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for open in &mut self.open {
            if let Some(row) = open.take() {
                cx.emit(SipRecord { tail: cx.tail(), ..*row });
            }
        }
    }

    fn held_len(&self) -> usize {
        let row =
            |r: &Option<Box<SipRecord>>| r.as_ref().map_or(0, |r| block_len(size_of::<SipRecord>()) + r.heap_len());
        self.held.as_slice().heap_len() + self.open.iter().map(row).sum::<usize>()
    }
}

fn short(value: &[u8]) -> Text {
    value.get(..MAX_TEXT_LEN).unwrap_or(value).into()
}

impl Parser {
    fn message(&mut self, dir: Dir, message: &Message<'_>, cx: &mut Cx<'_>) {
        if !message.junk.is_empty() {
            cx.weird_with("sip_junk_before_request", Some(short(message.junk)));
        }
        if cx.is_watched() {
            cx.message(dir, &mut self.exchanges, &tx::View { message }, &[]);
        }
        match message.start {
            StartLine::Request { method, uri } => self.request(dir, method, uri, message, cx),
            StartLine::Response { code, reason } => self.response(dir.flip(), code, reason, message, cx),
        }
    }

    /// The row of the request under way that `dir` sent.
    fn row(&mut self, dir: Dir, cx: &Cx<'_>) -> Option<&mut SipRecord> {
        let open = self.open.get_mut(dir.index())?;
        Some(open.get_or_insert_with(|| Box::new(SipRecord::new(cx.head(cx.ts), cx.tail()))))
    }

    fn request(&mut self, dir: Dir, method: &[u8], uri: &[u8], message: &Message<'_>, cx: &mut Cx<'_>) {
        cx.recognize(SERVICE);
        let Some(row) = self.row(dir, cx) else { return };
        row.method = Some(short(method));
        row.uri = Some(short(uri));
        let mut is_sdp = false;
        for (name, value) in fields(message.header) {
            let text = || Some(short(&value));
            match name.to_ascii_uppercase().as_slice() {
                b"AUTHORIZATION" | b"PROXY-AUTHORIZATION" => row.auth_user = user_of(&value),
                b"CALL-ID" | b"I" => row.call_id = text(),
                b"CONTACT" | b"M" => row.contact = text(),
                b"CONTENT-LENGTH" | b"L" => row.request_body_len = Some(count(&value)),
                b"CONTENT-TYPE" | b"C" => is_sdp = names_sdp(&value),
                b"CSEQ" => row.seq = text(),
                b"DATE" => row.date = text(),
                b"FROM" | b"F" => row.request_from = Some(short(before_parameter(&value, b"tag="))),
                b"REPLY-TO" => row.reply_to = text(),
                b"SUBJECT" | b"S" => row.subject = text(),
                b"TO" | b"T" => row.request_to = text(),
                b"USER-AGENT" => row.user_agent = text(),
                b"VIA" | b"V" => push_hop(&mut row.request_path, &value, cx),
                _ => {}
            }
        }
        if is_sdp {
            row.request_media = UnsetIfEmpty(sdp::media(message.body));
        }
    }

    /// A response to the request under way that `dir` sent.
    fn response(&mut self, dir: Dir, code: u16, reason: &[u8], message: &Message<'_>, cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        let Some(row) = self.row(dir, cx) else { return };
        row.status_code = Some(code);
        row.status_msg = Some(short(reason));
        let mut is_sdp = false;
        for (name, value) in fields(message.header) {
            let text = || Some(short(&value));
            match name.to_ascii_uppercase().as_slice() {
                b"CONTENT-LENGTH" | b"L" => row.response_body_len = Some(count(&value)),
                b"CONTENT-TYPE" | b"C" => {
                    is_sdp = names_sdp(&value);
                    row.content_type = text();
                }
                b"FROM" | b"F" => row.response_from = Some(short(before_parameter(&value, b"tag="))),
                b"SERVER" | b"USER-AGENT" => row.server = text(),
                b"TO" | b"T" => row.response_to = text(),
                b"VIA" | b"V" => push_hop(&mut row.response_path, &value, cx),
                b"WARNING" => row.warning = text(),
                _ => {}
            }
        }
        if is_sdp {
            row.response_media = UnsetIfEmpty(sdp::media(message.body));
        }
        row.tail = cx.tail();
        let logged = row.clone();
        let final_status = !(100..200).contains(&code);
        let bye = row.method.as_ref().is_none_or(|m| m.0 == b"BYE" && (200..300).contains(&code));
        if (final_status || bye)
            && let Some(open) = self.open.get_mut(dir.index())
        {
            *open = None;
        }
        cx.emit(logged);
    }
}

fn push_hop(path: &mut Vec<Text>, via: &[u8], cx: &mut Cx<'_>) {
    if path.len() >= MAX_PATH {
        cx.weird("sip_path_too_long");
    } else {
        path.push(short(before_parameter(via, b"branch")));
    }
}

fn names_sdp(content_type: &[u8]) -> bool {
    content_type.get(..15).is_some_and(|t| t.eq_ignore_ascii_case(b"application/sdp"))
}

/// The user name in `Digest username="bob", …`.
fn user_of(credentials: &[u8]) -> Option<Text> {
    let key = b"username=\"";
    let at = memchr::memmem::find(credentials, key)?;
    let rest = credentials.get(at + key.len()..)?;
    rest.get(..memchr::memchr(b'"', rest)?).map(short)
}
