//! One direction of an HTTP/1.x flow: where in a message it is, and how long the body will be (RFC 9112 §6).

use super::message::Version;
use crate::Cx;
use crate::mime::field::{Fold, token};
use crate::mime::{Facts, number};
use crate::web::{Body, Codings, Name};
use sekisho_record::Text;
use sekisho_types::{Heap, block_len};

/// What the next bytes of a direction are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// A request or status line.
    #[default]
    StartLine,
    /// Header fields.
    Header,
    /// So many bytes of a body.
    Fixed(u64),
    /// A body up to a multipart's last delimiter.
    UntilDelimiter,
    /// A body up to the end of the stream.
    UntilClose,
    /// A chunk's size.
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Fields behind the last chunk.
    Trailer,
    /// A body that should not be there: its first byte tells.
    Doubtful,
    /// A response of HTTP/0.9: nothing but content.
    Bare,
    /// A response began with a line that is none of HTTP; the next may be a status line.
    Strange,
    /// Anything, up to what is surely a start line.
    Resync,
    /// Of no interest.
    Off,
}

/// What an upgrade leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// HTTP/2 in clear.
    Http2,
    WebSocket,
    Other,
}

/// What the header of the current message says.
#[derive(Default)]
pub(crate) struct Head {
    pub(crate) version: Version,
    pub(crate) content_length: Option<u64>,
    /// A field told a length and more than that, or none that can be.
    pub(crate) bad_length: bool,
    pub(crate) chunked: bool,
    pub(crate) codings: Codings,
    pub(crate) facts: Facts,
    pub(crate) close: bool,
    pub(crate) wants_upgrade: bool,
    pub(crate) upgrade: Option<Upgrade>,
    pub(crate) etag: Option<Text>,
    pub(crate) range_request: bool,
}

impl Head {
    /// Takes up a field that matters to framing or content.
    pub(crate) fn learn(&mut self, known: Name, name: &[u8], value: &[u8], is_response: bool, cx: &mut Cx<'_>) {
        match known {
            Name::Content => {
                self.facts.learn(name, value);
            }
            Name::ContentLength => self.content_length(value, cx),
            Name::TransferEncoding => self.transfer_encoding(value, is_response, cx),
            Name::ContentEncoding => self.codings.add_all(value),
            Name::Connection => self.connection(value),
            Name::Upgrade => {
                self.upgrade = Some(match token(value) {
                    t if t.eq_ignore_ascii_case(b"websocket") => Upgrade::WebSocket,
                    t if t.eq_ignore_ascii_case(b"h2c") => Upgrade::Http2,
                    _ => Upgrade::Other,
                });
            }
            Name::ETag => self.etag = Some(value.into()),
            Name::Range => self.range_request = true,
            _ => {}
        }
    }

    fn content_length(&mut self, value: &[u8], cx: &mut Cx<'_>) {
        if self.chunked {
            cx.weird("HTTP_content_length_and_chunked");
        }
        let text = token(value);
        if text.is_empty() {
            return;
        }
        // A length that Zeek can't hold is no length to it.
        let len = number(text).filter(|n| i64::try_from(*n).is_ok());
        if len.is_none() {
            cx.weird_with("HTTP_bad_content_length", Some(text.into()));
        }
        // Two lengths in one field say nothing; of two fields the first counts, as for browsers and Suricata.
        self.bad_length |= len.is_none() || value.trim_ascii().len() > text.len();
        if self.content_length.is_none() {
            self.content_length = Some(len.unwrap_or(0));
        }
    }

    /// Of a response's field it is enough that the word stands in it, as browsers and Suricata have it; what is not
    /// chunked after all shows at once ([`State::ChunkSize`]).
    fn transfer_encoding(&mut self, value: &[u8], is_response: bool, cx: &mut Cx<'_>) {
        if is_response && has_word(value, b"chunked") {
            self.chunked = true;
        }
        if !self.version.has_chunks() {
            return;
        }
        if value.contains(&b',') {
            cx.weird_with("HTTP_chunked_multi", Some(value.into()));
        }
        for coding in value.split(|b| *b == b',') {
            let coding = token(coding);
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else {
                self.codings.add(coding);
            }
        }
        if self.chunked && self.content_length.is_some() {
            cx.weird("HTTP_content_length_and_chunked");
        }
    }

    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|b| *b == b',') {
            let option = token(option);
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.wants_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// Does `word` stand somewhere in `value`, in whatever case?
fn has_word(value: &[u8], word: &[u8]) -> bool {
    value.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))
}

/// Does a Connection field ask for further requests? Only its first option counts, as in Zeek.
pub(crate) fn keeps_alive(value: &[u8]) -> bool {
    token(value).eq_ignore_ascii_case(b"keep-alive")
}

impl Heap for Head {
    fn heap_len(&self) -> usize {
        self.facts.heap_len() + self.etag.heap_len()
    }
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        let body = self.body.as_ref().map_or(0, |b| block_len(size_of::<Body>()) + b.heap_len());
        self.head.heap_len() + self.fold.heap_len() + body
    }
}

/// One direction.
#[derive(Default)]
pub(crate) struct Side {
    pub(crate) state: State,
    pub(crate) head: Head,
    pub(crate) fold: Fold,
    pub(crate) body: Option<Box<Body>>,
    /// Row of the current or last message.
    pub(crate) row: u64,
    /// A message has begun and is not over.
    pub(crate) ongoing: bool,
    /// Messages begun so far.
    pub(crate) messages: u64,
}
