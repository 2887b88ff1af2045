//! RTSP (RFC 2326, RFC 7826): who controls which stream, and where its media go.
//!
//! Zeek has none; ours has one row per request, matched with its response by number. Media interleaved with messages
//! are passed over. Limits: [`MAX_MESSAGE_LEN`], [`MAX_PENDING`], [`MAX_TEXT_LEN`]. Known gaps: RTSP over HTTP;
//! passwords of Basic logins are not kept, their user names are.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::RtspRecord;

use crate::header::{Wait, count, fields};
use crate::mime::Base64;
use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport, sdp};
use message::{Message, Parsed, StartLine, parse};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, list_len};

/// Longest message that is held until it is whole; a longer one ends the parsing of the flow.
const MAX_MESSAGE_LEN: usize = 64 * 1024;
/// Requests that may wait for a response; beyond, the oldest is logged without.
const MAX_PENDING: usize = 32;
/// Longest value kept of one field.
const MAX_TEXT_LEN: usize = 1024;
/// A request line is awaited up to here.
const MAX_PROBE_LINE: usize = 1024;

/// Name in conn's `service`, where Zeek has none.
const SERVICE: &str = "rtsp";

/// Methods that a flow may begin with.
const METHODS: [&[u8]; 8] =
    [b"ANNOUNCE ", b"DESCRIBE ", b"GET_PARAMETER ", b"OPTIONS ", b"PLAY ", b"RECORD ", b"SETUP ", b"TEARDOWN "];

/// State of one flow.
pub struct Parser {
    held: [Held; 2],
    /// What the message held waits for.
    waits: [Wait; 2],
    /// Bytes of a packet of media still to come.
    media_left: [usize; 2],
    pending: Vec<RtspRecord>,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    side(p.orig).either(side(p.resp))
}

fn side(bytes: &[u8]) -> Guess {
    let Some(b'A' | b'D' | b'G' | b'O' | b'P' | b'R' | b'S' | b'T') = bytes.first() else {
        return if bytes.is_empty() { Guess::More } else { Guess::No };
    };
    let head = bytes.get(..MAX_PROBE_LINE).unwrap_or(bytes);
    if METHODS.iter().chain([&&b"RTSP/"[..]]).all(|m| !m.starts_with(head.get(..m.len()).unwrap_or(head))) {
        return Guess::No;
    }
    match memchr::memchr(b'\n', head).and_then(|at| head.get(..at)) {
        Some(line) if StartLine::parse(line.trim_ascii_end()).is_some() => Guess::Yes,
        None if head.len() < MAX_PROBE_LINE => Guess::More,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[554, 8554], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { held: Default::default(), waits: Default::default(), media_left: [0; 2], pending: Vec::new() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let (Some(held), Some(left)) = (self.held.get_mut(dir.index()), self.media_left.get_mut(dir.index())) else {
            return;
        };
        // Nothing is held while a packet passes.
        let skipped = (*left).min(bytes.len());
        *left -= skipped;
        let joined = held.join(bytes.get(skipped..).unwrap_or(&[]));
        let mut consumed = 0;
        loop {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            // Empty lines between messages.
            let blank = rest.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
            consumed += blank;
            let rest = joined.get(consumed..).unwrap_or(&[]);
            let Some(wait) = self.waits.get_mut(dir.index()) else { return };
            // A packet begins without a line.
            if rest.first() != Some(&b'$') && wait.is_on(rest) {
                break;
            }
            match parse(rest) {
                Parsed::Message(message, len) => {
                    *wait = Wait::default();
                    consumed += len;
                    self.message(dir, &message, cx);
                }
                Parsed::Media(len) => {
                    *wait = Wait::default();
                    consumed += len.min(rest.len());
                    if let Some(left) = self.media_left.get_mut(dir.index()) {
                        *left = len.saturating_sub(rest.len());
                    }
                }
                Parsed::More(missing) => {
                    *wait = Wait::on(rest, missing);
                    break;
                }
                Parsed::Not => return cx.reject("rtsp_no_message"),
            }
        }
        let kept = self.held.get_mut(dir.index()).is_some_and(|held| held.keep(joined, consumed, MAX_MESSAGE_LEN));
        if !kept {
            cx.reject("rtsp_message_too_long");
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match self.media_left.get_mut(dir.index()) {
            Some(left) if *left >= len => *left -= len,
            // Where the next message begins is unknown.
            _ => cx.opaque(),
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for row in std::mem::take(&mut self.pending) {
            cx.emit(RtspRecord { tail: cx.tail(), ..row });
        }
    }

    fn held_len(&self) -> usize {
        self.held.as_slice().heap_len() + list_len(&self.pending) + self.pending.as_slice().heap_len()
    }
}

fn short(value: &[u8]) -> Text {
    value.get(..MAX_TEXT_LEN).unwrap_or(value).into()
}

impl Parser {
    fn message(&mut self, dir: Dir, message: &Message<'_>, cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        match message.start {
            StartLine::Request { method, uri, version } => {
                let mut row = RtspRecord::new(cx.head(cx.ts), cx.tail());
                row.method = Some(short(method));
                row.uri = Some(short(uri));
                row.version = Some(short(version));
                row.reversed = !dir.is_orig();
                add(&mut row, message);
                if self.pending.len() >= MAX_PENDING {
                    let oldest = self.pending.remove(0);
                    cx.emit(RtspRecord { tail: cx.tail(), ..oldest });
                }
                self.pending.push(row);
            }
            StartLine::Response { code, reason, version } => {
                let cseq = fields(message.header).find(|(name, _)| name.eq_ignore_ascii_case(b"cseq"));
                let cseq = cseq.map(|(_, value)| count(&value));
                let asked = |r: &RtspRecord| r.reversed == dir.is_orig() && (cseq.is_none() || r.cseq == cseq);
                let mut row = match self.pending.iter().position(asked) {
                    Some(at) => self.pending.remove(at),
                    None => RtspRecord { version: Some(short(version)), ..RtspRecord::new(cx.head(cx.ts), cx.tail()) },
                };
                row.status_code = Some(code);
                row.status_msg = Some(short(reason));
                add(&mut row, message);
                cx.emit(RtspRecord { tail: cx.tail(), ..row });
            }
        }
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
    }
}

/// What a message's fields and body add to its row.
fn add(row: &mut RtspRecord, message: &Message<'_>) {
    for (name, value) in fields(message.header) {
        let text = || Some(short(&value));
        match name.to_ascii_lowercase().as_slice() {
            b"authorization" => log_in(row, &value),
            b"content-type" => row.content_type = text(),
            b"cseq" => row.cseq = Some(count(&value)),
            b"server" => row.server = text(),
            b"session" => row.session = value.split(|b| *b == b';').next().map(short),
            b"transport" => row.transport = text(),
            b"user-agent" => row.user_agent = text(),
            _ => {}
        }
    }
    let is_sdp = row
        .content_type
        .as_ref()
        .is_some_and(|t| t.0.get(..15).is_some_and(|t| t.eq_ignore_ascii_case(b"application/sdp")));
    if is_sdp && !message.body.is_empty() {
        row.media = UnsetIfEmpty(sdp::media(message.body));
    }
}

fn log_in(row: &mut RtspRecord, credentials: &[u8]) {
    let end = credentials.iter().position(|b| *b == b' ').unwrap_or(credentials.len());
    let (method, rest) = credentials.split_at_checked(end).unwrap_or((credentials, &[]));
    row.auth_method = Some(short(method));
    if method.eq_ignore_ascii_case(b"basic") {
        let mut text = Vec::new();
        let mut decoder = Base64::default();
        decoder.push(rest.trim_ascii(), &mut text);
        decoder.finish(&mut text);
        row.auth_user = text.split(|b| *b == b':').next().map(short);
        return;
    }
    let key = b"username=\"";
    let found = memchr::memmem::find(rest, key).and_then(|at| rest.get(at + key.len()..));
    row.auth_user = found.and_then(|rest| rest.get(..memchr::memchr(b'"', rest)?)).map(short);
}
