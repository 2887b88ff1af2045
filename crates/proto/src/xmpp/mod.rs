//! XMPP (RFC 6120, RFC 6121), Jabber before: streams of XML with SASL and STARTTLS.
//!
//! Zeek's analyzer knows STARTTLS only and has no log; ours has one row per stream. What is said is counted, not kept;
//! passwords are not kept either. Limits: [`MAX_TEXT_LEN`] and those of `scan`. Known gaps: streams over WebSocket and
//! HTTP; a stream whose beginning was not captured is recognised on its usual port only.

mod record;
mod scan;
#[cfg(test)]
mod tests;

pub use record::XmppRecord;

use crate::sasl::Auth;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use scan::{Found, Scanner, Tag};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};

/// Longest text kept of an attribute or element.
const MAX_TEXT_LEN: usize = 512;

/// Bytes in which a stream's first tag has to tell its namespace.
const MAX_PROBE_LEN: usize = 1024;

/// Name in conn's `service`.
const SERVICE: &str = "xmpp";

/// State of one flow.
pub struct Parser {
    scanners: [Scanner; 2],
    session: Session,
}

#[derive(Default)]
struct Session {
    row: Option<Box<XmppRecord>>,
    auth: Auth,
    /// The text under way is wanted for that.
    wanted: [Wanted; 2],
    starttls_asked: bool,
    /// Inside a refusal or an error, whose first element names it.
    failing: bool,
    proceed: bool,
}

/// What an element's text is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    Answer,
    Jid,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let guess = side(p.orig).either(side(p.resp));
    let stanza = |b: &[u8]| [&b"<iq "[..], b"<message ", b"<presence"].iter().any(|s| b.starts_with(s));
    if guess == Guess::No && p.port_match && (stanza(p.orig) || stanza(p.resp)) { Guess::Yes } else { guess }
}

/// `<?xml …?><stream:stream … jabber:…>`.
fn side(bytes: &[u8]) -> Guess {
    let text = bytes.get(..MAX_PROBE_LEN).unwrap_or(bytes).trim_ascii_start();
    if text.is_empty() {
        return if bytes.len() < MAX_PROBE_LEN { Guess::More } else { Guess::No };
    }
    let mut rest = text;
    if let Some(declaration) = text.strip_prefix(b"<?xml") {
        let Some(end) = memchr::memmem::find(declaration, b"?>") else { return Guess::More };
        rest = declaration.get(end + 2..).unwrap_or(&[]).trim_ascii_start();
    }
    let begin = b"<stream:stream";
    let len = begin.len().min(rest.len());
    if rest.get(..len) != begin.get(..len) && !b"<?xml".starts_with(rest) {
        return Guess::No;
    }
    let told = [&b"jabber:"[..], b"etherx.jabber.org"].iter().any(|n| memchr::memmem::find(rest, n).is_some());
    match told {
        true => Guess::Yes,
        false if bytes.len() < MAX_PROBE_LEN => Guess::More,
        false => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[5222, 5269, 5275], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { scanners: Default::default(), session: Session::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { scanners: [orig, resp], session } = self;
        let scanner = if dir.is_orig() { orig } else { resp };
        let mut input = bytes;
        while scanner.next(&mut input, &mut |found| session.found(dir, found, cx)) {
            if session.wants(dir) {
                scanner.collect();
            }
            if session.proceed {
                return cx.hand_over(None, input.len());
            }
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        // Stanzas begin at depth 1; a restart of the stream sets it right.
        if let Some(scanner) = self.scanners.get_mut(dir.index()) {
            *scanner = Scanner::default();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.session.row.take() {
            cx.emit(XmppRecord { tail: cx.tail(), ..*row });
        }
    }

    fn held_len(&self) -> usize {
        let row = self.session.row.as_ref().map_or(0, |r| block_len(size_of::<XmppRecord>()) + r.heap_len());
        self.scanners.as_slice().heap_len() + self.session.auth.heap_len() + row
    }
}

fn short(text: &[u8]) -> Text {
    text.get(..MAX_TEXT_LEN).unwrap_or(text).into()
}

impl Session {
    fn row(&mut self, cx: &Cx<'_>) -> &mut XmppRecord {
        self.row.get_or_insert_with(|| Box::new(XmppRecord::new(cx.head(cx.ts), cx.tail())))
    }

    fn wants(&self, dir: Dir) -> bool {
        self.wanted.get(dir.index()).is_some_and(|w| *w != Wanted::Nothing)
    }

    fn want(&mut self, dir: Dir, what: Wanted) {
        if let Some(wanted) = self.wanted.get_mut(dir.index()) {
            *wanted = what;
        }
    }

    fn found(&mut self, dir: Dir, found: Found<'_>, cx: &mut Cx<'_>) {
        match found {
            Found::Begin { tag, depth, empty } => self.begin(dir, tag, depth, empty, cx),
            Found::End { name, text, .. } => self.end(dir, name, text, cx),
        }
    }

    fn begin(&mut self, dir: Dir, tag: Tag<'_>, depth: u32, empty: bool, cx: &mut Cx<'_>) {
        self.want(dir, Wanted::Nothing);
        match tag.name() {
            b"stream:stream" => self.stream(dir, tag, cx),
            b"message" | b"presence" | b"iq" if depth <= 1 => self.stanza(dir, tag.name(), cx),
            b"starttls" if dir.is_orig() => self.starttls_asked = true,
            b"proceed" if !dir.is_orig() => {
                if self.starttls_asked {
                    self.row(cx).tls = true;
                    self.proceed = true;
                } else {
                    cx.weird("XMPP: proceed without starttls");
                }
            }
            b"auth" if dir.is_orig() => {
                self.auth.begin_told(SERVICE, tag.attribute(b"mechanism").unwrap_or(b""), cx);
                let method = self.auth.mechanism.clone();
                let row = self.row(cx);
                row.auth_attempts += 1;
                row.auth_method = method;
                if !empty {
                    self.want(dir, Wanted::Answer);
                }
            }
            b"response" if dir.is_orig() && !empty => self.want(dir, Wanted::Answer),
            b"success" if !dir.is_orig() => self.row(cx).auth_success = Some(true),
            b"failure" if !dir.is_orig() && depth <= 1 => {
                self.row(cx).auth_success = Some(false);
                self.failing = !empty;
            }
            b"stream:error" => self.failing = true,
            b"jid" if !dir.is_orig() && !empty => self.want(dir, Wanted::Jid),
            name if self.failing => {
                self.failing = false;
                self.row(cx).error = Some(short(name));
            }
            _ => {}
        }
    }

    fn stream(&mut self, dir: Dir, tag: Tag<'_>, cx: &mut Cx<'_>) {
        if dir.is_orig() {
            cx.confirm(SERVICE);
        } else {
            cx.recognize(SERVICE);
        }
        let text = |name: &[u8]| tag.attribute(name).map(short);
        let row = self.row(cx);
        if dir.is_orig() {
            row.kind = match tag.attribute(b"xmlns") {
                Some(b"jabber:client") => Some("client"),
                Some(b"jabber:server") => Some("server"),
                Some(b"jabber:component:accept" | b"jabber:component:connect") => Some("component"),
                _ => row.kind,
            };
            row.to = text(b"to").or(row.to.take());
            row.from = text(b"from").or(row.from.take());
            row.version = text(b"version").or(row.version.take());
        } else {
            row.stream_id = text(b"id").or(row.stream_id.take());
        }
    }

    fn stanza(&mut self, dir: Dir, name: &[u8], cx: &mut Cx<'_>) {
        cx.recognize(SERVICE);
        let row = self.row(cx);
        let counter = match (name, dir) {
            (b"message", Dir::Orig) => &mut row.orig_messages,
            (b"message", Dir::Resp) => &mut row.resp_messages,
            (b"presence", Dir::Orig) => &mut row.orig_presences,
            (b"presence", Dir::Resp) => &mut row.resp_presences,
            (_, Dir::Orig) => &mut row.orig_iqs,
            (_, Dir::Resp) => &mut row.resp_iqs,
        };
        *counter += 1;
    }

    fn end(&mut self, dir: Dir, name: &[u8], text: &[u8], cx: &mut Cx<'_>) {
        let wanted = self.wanted.get_mut(dir.index()).map(std::mem::take).unwrap_or_default();
        match (wanted, name) {
            (Wanted::Answer, b"auth" | b"response") => {
                self.auth.answer_told(SERVICE, text.trim_ascii(), cx);
                let user = self.auth.user.clone();
                let row = self.row(cx);
                row.user = user.or(row.user.take());
            }
            (Wanted::Jid, b"jid") => self.row(cx).jid = Some(short(text)),
            _ => {}
        }
    }
}
