//! AMQP 0-9-1 and 1.0 (specification 0-9-1; OASIS AMQP 1.0), up to a switch to TLS within 1.0.
//!
//! A row per connection, written at its end: who speaks to whom, the login, the virtual host, which exchanges and queues
//! are named, how many messages went either way. Half conversations give what they can. Limits: [`MAX_TEXT_LEN`],
//! [`MAX_NAMES`], [`KEEP`]. Known gaps: of 1.0 a message in several transfers counts by transfers; 0-8, 0-9 and 0-10 are
//! recognised, not read. Zeek has no such log.

mod new;
mod old;
mod record;
#[cfg(test)]
mod tests;

pub use record::AmqpRecord;

use crate::frames::{self, Frame, Framed, Frames, Head, cut};
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use new::{Performative, Value, performative};
use old::{Method, method};
use sekisho_record::{Set, Text};
use sekisho_types::{Dir, Heap, block_len};

/// Longest name and text kept, in bytes.
pub const MAX_TEXT_LEN: usize = 256;
/// Exchanges, and queues, of one connection that are named.
pub const MAX_NAMES: usize = 32;
/// What is wanted of a frame.
pub const KEEP: usize = 4096;

/// Length of the header with which both ends begin.
const HEADER_LEN: usize = 8;

/// What a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    /// 0-9-1 and what came close before it.
    Old,
    /// 1.0, its login included.
    New,
    Tls,
    Unknown,
}

/// State of one connection.
pub struct Parser {
    frames: [Frames; 2],
    speech: [Option<Speech>; 2],
    row: Option<Box<AmqpRecord>>,
    /// The frame under way goes with a message of this direction.
    in_message: [bool; 2],
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "amqp", tcp_ports: &[5672], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { frames: Default::default(), speech: [None; 2], row: None, in_message: [false; 2] }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        // Segments often begin with a frame: what follows is taken for one, and heads are checked.
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(*row);
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |row| {
            let texts =
                [&row.version, &row.server, &row.client, &row.mechanism, &row.user, &row.vhost, &row.close_text];
            let names = row.exchanges.heap_len() + row.queues.heap_len();
            block_len(size_of::<AmqpRecord>()) + names + texts.map(Heap::heap_len).iter().sum::<usize>()
        });
        self.frames.as_slice().heap_len() + row
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.frames)
    }

    /// A header of eight bytes, or a frame of what was announced.
    fn head(&self, dir: Dir, bytes: &[u8]) -> Head {
        match (bytes.first(), self.spoken(dir)) {
            (None, _) => Head::More,
            // No length and no kind of frame looks like that: 0x414d5150 is beyond every limit.
            (Some(b'A'), _) => Head::whole(HEADER_LEN),
            (_, Some(Speech::New)) => new::head(bytes, KEEP),
            (_, Some(Speech::Old) | None) => old::head(bytes, KEEP),
            (_, Some(Speech::Tls | Speech::Unknown)) => Head::Bad,
        }
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool {
        if frame.bytes.first() == Some(&b'A') {
            return self.header(dir, frame.bytes, left, cx);
        }
        cx.recognize("amqp");
        if self.spoken(dir) == Some(Speech::New) {
            self.new_frame(dir, frame, cx);
        } else {
            self.old_frame(dir, frame, cx);
        }
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        cx.reject("amqp_broken_frame");
        false
    }
}

/// The client's header; the server's frames on the usual port.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let first = if p.orig.is_empty() { p.resp } else { p.orig };
    let shared = first.len().min(4);
    if first.get(..shared) == b"AMQP".get(..shared) {
        return match first.get(4..HEADER_LEN) {
            None => Guess::More,
            // Identifier and version: 0-9-1, 1.0 with its variants, and 0-8 to 0-10.
            Some([0, 0, 9, 1] | [0 | 2 | 3, 1, 0, 0] | [1, 1, 8 | 9 | 0, _]) => Guess::Yes,
            Some(_) => Guess::No,
        };
    }
    // Connection.Start on channel 0.
    match first {
        _ if !p.port_match || !p.orig.is_empty() => Guess::No,
        [1, 0, 0, 0, 0, _, _, 0, 10, 0, 10, 0, 9, ..] => Guess::Yes,
        [1] | [1, 0, ..] if first.len() < 13 => Guess::More,
        _ => Guess::No,
    }
}

impl Parser {
    /// What `dir` speaks: as its header says, else as the peer's.
    fn spoken(&self, dir: Dir) -> Option<Speech> {
        let [orig, resp] = self.speech;
        if dir.is_orig() { orig.or(resp) } else { resp.or(orig) }
    }

    fn row(&mut self, cx: &Cx<'_>) -> &mut AmqpRecord {
        self.row.get_or_insert_with(|| {
            Box::new(AmqpRecord {
                head: cx.head(cx.ts),
                version: None,
                server: None,
                client: None,
                mechanism: None,
                user: None,
                login_success: None,
                vhost: None,
                exchanges: Set::default(),
                queues: Set::default(),
                published: 0,
                published_len: 0,
                delivered: 0,
                delivered_len: 0,
                close_code: None,
                close_text: None,
                tail: cx.tail(),
            })
        })
    }

    /// False if the rest of the chunk, `left` bytes, is no longer this parser's.
    fn header(&mut self, dir: Dir, bytes: &[u8], left: usize, cx: &mut Cx<'_>) -> bool {
        let (speech, version) = match bytes {
            b"AMQP\0\0\x09\x01" => (Speech::Old, "0-9-1"),
            [b'A', b'M', b'Q', b'P', 0 | 3, 1, 0, 0] => (Speech::New, "1.0"),
            [b'A', b'M', b'Q', b'P', 2, 1, 0, 0] => (Speech::Tls, "1.0"),
            [b'A', b'M', b'Q', b'P', 1, 1, 8, 0] => (Speech::Old, "0-8"),
            [b'A', b'M', b'Q', b'P', 1, 1, 0, 9] => (Speech::Old, "0-9"),
            [b'A', b'M', b'Q', b'P', 1, 1, 0, 10] => (Speech::Unknown, "0-10"),
            _ => {
                cx.reject("amqp_unknown_version");
                return false;
            }
        };
        cx.recognize("amqp");
        if let Some(slot) = self.speech.get_mut(dir.index()) {
            *slot = Some(speech);
        }
        let row = self.row(cx);
        if dir.is_orig() || row.version.is_none() {
            row.version = Some(version.into());
        }
        match speech {
            Speech::Tls if self.speech == [Some(Speech::Tls); 2] || !dir.is_orig() => {
                cx.hand_over(None, left);
                false
            }
            Speech::Unknown => {
                cx.opaque();
                false
            }
            _ => true,
        }
    }

    fn old_frame(&mut self, dir: Dir, frame: Frame<'_>, cx: &mut Cx<'_>) {
        let Some(payload) = frame.bytes.get(old::HEAD_LEN..) else { return };
        match frame.bytes.first() {
            Some(&old::kind::METHOD) => match Method::parse(payload) {
                Ok(method) => self.method(dir, &method, cx),
                Err(_) => cx.weird("amqp_broken_method"),
            },
            Some(&old::kind::HEADER) => {
                let len = old::content_len(payload).unwrap_or(0);
                let in_message = self.in_message.get(dir.index()) == Some(&true);
                let row = self.row(cx);
                if in_message {
                    let total = if dir.is_orig() { &mut row.published_len } else { &mut row.delivered_len };
                    *total = total.saturating_add(len);
                }
            }
            _ => {}
        }
    }

    fn method(&mut self, dir: Dir, m: &Method<'_>, cx: &mut Cx<'_>) {
        if let Some(slot) = self.in_message.get_mut(dir.index()) {
            *slot = matches!(m.id, method::PUBLISH | method::DELIVER | method::GET_OK);
        }
        let text = |bytes: &[u8]| cut(bytes, MAX_TEXT_LEN);
        let some = |bytes: &[u8]| Some(bytes).filter(|b| !b.is_empty()).map(text);
        let is_orig = dir.is_orig();
        let row = self.row(cx);
        match m.id {
            method::START => {
                row.server = old::peer_name(m.properties).map(|n| text(&n));
                row.version.get_or_insert_with(|| "0-9-1".into());
            }
            method::START_OK => {
                row.client = old::peer_name(m.properties).map(|n| text(&n));
                row.mechanism = some(m.mechanism);
                row.user = old::user(m.mechanism, m.response).map(text);
            }
            method::TUNE => row.login_success = Some(true),
            method::OPEN => row.vhost = some(m.vhost),
            method::OPEN_OK => row.login_success = Some(true),
            method::CLOSE | method::CHANNEL_CLOSE => {
                if m.code != 200 && m.code != 0 {
                    (row.close_code, row.close_text) = (Some(m.code), some(m.text));
                }
                // ACCESS_REFUSED before the login's end.
                if m.code == 403 && row.login_success.is_none() && m.id == method::CLOSE {
                    row.login_success = Some(false);
                }
            }
            method::PUBLISH if is_orig => row.published += 1,
            method::DELIVER | method::GET_OK if !is_orig => row.delivered += 1,
            _ => {}
        }
        let mut full = false;
        // The exchange without a name is always there.
        for (names, name) in [(&mut row.exchanges, m.exchange), (&mut row.queues, m.queue)] {
            full |= !note(names, name);
        }
        if full {
            cx.weird("amqp_too_many_names");
        }
    }

    fn new_frame(&mut self, dir: Dir, frame: Frame<'_>, cx: &mut Cx<'_>) {
        let mut p = match Performative::parse(frame.bytes) {
            Ok(Some(p)) => p,
            Ok(None) => return,
            Err(_) => return cx.weird("amqp_broken_performative"),
        };
        let text = |value: Value<'_>| value.bytes().map(|b| cut(b, MAX_TEXT_LEN));
        let is_orig = dir.is_orig();
        let payload_len = frame.len.saturating_sub(new::HEAD_LEN as u64);
        let row = self.row(cx);
        match p.number {
            performative::SASL_INIT => {
                let (mechanism, response) = (p.next(), p.next());
                row.mechanism = text(mechanism);
                let user = old::user(mechanism.bytes().unwrap_or(&[]), response.bytes().unwrap_or(&[]));
                row.user = user.map(|u| cut(u, MAX_TEXT_LEN));
            }
            performative::SASL_OUTCOME => row.login_success = Some(p.next() == Value::Number(0)),
            performative::OPEN => {
                let (container, host) = (text(p.next()), text(p.next()));
                if is_orig {
                    (row.client, row.vhost) = (container, host);
                } else {
                    row.server = container;
                }
            }
            performative::ATTACH => {
                // Name, handle, role, modes of settling, source, target.
                let role = p.nth(2);
                let (source, target) = (p.nth(2), p.next());
                let receives = role == Value::Number(1);
                let (names, value) = if receives { (&mut row.queues, source) } else { (&mut row.exchanges, target) };
                let full = is_orig && !note(names, new::address(value).unwrap_or(&[]));
                if full {
                    cx.weird("amqp_too_many_names");
                }
            }
            performative::TRANSFER if is_orig => {
                row.published += 1;
                row.published_len = row.published_len.saturating_add(payload_len);
            }
            performative::TRANSFER => {
                row.delivered += 1;
                row.delivered_len = row.delivered_len.saturating_add(payload_len);
            }
            performative::CLOSE => {
                if let Some(error) = new::error(p.next()) {
                    row.close_text = Some(cut(&error, MAX_TEXT_LEN));
                }
            }
            _ => {}
        }
    }
}

/// Adds a name; false if there are too many.
fn note(names: &mut Set<Text>, name: &[u8]) -> bool {
    let name = cut(name, MAX_TEXT_LEN);
    if name.0.is_empty() || names.0.contains(&name) {
        return true;
    }
    if names.0.len() >= MAX_NAMES {
        return false;
    }
    names.insert(name)
}
