//! What the engine shows, and what it is told.

use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Interval, Timestamp};
use sekisho_wire::Decoded;

/// The packet at hand.
#[derive(Clone, Copy, Debug)]
pub struct PacketView<'a> {
    /// Packet time.
    pub ts: Timestamp,
    /// Number in the timeline, from 1; 0: only time passed.
    pub number: u64,
    /// Its headers; offsets are those in `frame`.
    pub decoded: &'a Decoded,
    /// Its bytes.
    pub frame: &'a [u8],
    /// What is odd about its headers and its place in its stream, by the names of `decode-event` and `stream-event`:
    /// `ipv4.pkt_too_small`, `stream.est_packet_out_of_window`.
    pub events: &'a [&'static str],
}

/// The flow that a packet or an exchange belongs to, as it stands with the packet at hand.
#[derive(Clone, Copy, Debug)]
pub struct FlowView {
    /// Who sent the packet at hand; the originator is the client.
    pub dir: Dir,
    /// Both ends were heard (of TCP: the handshake is complete, or was missed).
    pub established: bool,
    /// The protocol by the name that rules use: `http`, `tls`; `""`: not known (yet); `failed`: looked for in vain.
    pub app: &'static str,
    /// Packets of client and server, with this one.
    pub pkts: [u64; 2],
    /// Bytes of client and server on the wire.
    pub bytes: [u64; 2],
    /// Payload bytes of the streams so far.
    pub stream_len: [u64; 2],
    /// Time since the first packet.
    pub age: Interval,
    /// What it carries is encrypted: payload is not looked at any more.
    pub opaque: bool,
}

/// What a rule matched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The packet at hand.
    Packet,
    /// The stream of one direction: `offset` of the window that was looked at.
    Stream(Dir, u64),
    /// An exchange, by its number in the flow.
    Transaction(u64),
    /// A frame of one direction, by its number there, and of the exchange that it belongs to.
    Frame(Dir, u64, Option<u64>),
}

/// A frame, as far as it has come and was not looked at.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// What it is.
    pub kind: FrameKind,
    /// Whose bytes it has.
    pub dir: Dir,
    /// Its number among those of its direction, from 1.
    pub id: u64,
    /// The exchange that it belongs to.
    pub tx: Option<u64>,
    /// The bytes at hand.
    pub bytes: &'a [u8],
    /// Offset of the first of them in the frame.
    pub base: u64,
    /// How many of them were looked at before, and are there for matches that go on from them.
    pub reach: usize,
    /// They reach to its end.
    pub ends: bool,
}

/// Bytes that matched, as a place in what they were looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The fact; `None`: payload or stream.
    pub fact: Option<sekisho_transaction::Fact>,
    /// Offset of the first byte.
    pub offset: u32,
    /// Bytes.
    pub len: u32,
}

/// Buffers of a rule of which a piece is kept.
pub(crate) const EXCERPT_COUNT_MAX: usize = 4;
/// Bytes of a piece.
const EXCERPT_LEN_MAX: usize = 96;
/// Bytes of it before what matched.
const EXCERPT_LEAD_LEN: usize = 16;

/// A piece of what a rule looked at, with the bytes that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The fact; `None`: payload, stream or frame.
    pub fact: Option<sekisho_transaction::Fact>,
    /// Offset of the piece's first byte in it.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Which of them matched: start and end, in order, not overlapping.
    pub marks: Vec<(usize, usize)>,
}

impl Excerpt {
    /// Around the first of `spans` (offset and length) in `bytes`, which begin at `base`; of no spans, the beginning.
    pub(crate) fn of(bytes: &[u8], base: u64, spans: &[(u32, u32)]) -> Self {
        let place = |(at, len): &(u32, u32)| (*at as usize, (*at as usize).saturating_add(*len as usize));
        let mut places: Vec<(usize, usize)> = spans.iter().map(place).collect();
        places.sort_unstable();
        let start = places.first().map_or(0, |p| p.0.saturating_sub(EXCERPT_LEAD_LEN)).min(bytes.len());
        let end = start.saturating_add(EXCERPT_LEN_MAX).min(bytes.len());
        let mut marks: Vec<(usize, usize)> = Vec::new();
        for (from, to) in places {
            let from = from.max(start).max(marks.last().map_or(0, |m| m.1 + start));
            if from < to.min(end) {
                marks.push((from - start, to.min(end) - start));
            }
        }
        Self {
            fact: None,
            offset: base + start as u64,
            bytes: bytes.get(start..end).unwrap_or_default().to_vec(),
            marks,
        }
    }

    /// For one line: printable ASCII as it is, other bytes as `\xHH`; `open` and `close` stand around what matched.
    pub fn line(&self, open: &str, close: &str) -> String {
        let mut line = String::new();
        for (i, byte) in self.bytes.iter().enumerate() {
            if self.marks.iter().any(|m| m.0 == i) {
                line.push_str(open);
            }
            match byte {
                b'\\' => line.push_str("\\\\"),
                b' '..=b'~' => line.push(char::from(*byte)),
                _ => line.extend(byte.escape_ascii().map(char::from)),
            }
            if self.marks.iter().any(|m| m.1 == i + 1) {
                line.push_str(close);
            }
        }
        line
    }
}

/// A rule has matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule's number in its set.
    pub rule: u32,
    /// What it matched in.
    pub anchor: Anchor,
    /// What matched, as far as it is remembered.
    pub spans: Vec<Span>,
    /// Pieces of what matched, if they are kept ([`crate::Inspector::keep_excerpts`]).
    pub excerpts: Vec<Excerpt>,
    /// What its expressions captured for the packet: names and values.
    pub vars: Vec<crate::state::Var>,
    /// A `pass` rule that comes later in the order of evaluation has matched, too: nothing was done to the packet.
    pub passed: bool,
    /// What data sets and captures know about it, for the alert: members of a JSON object, without its braces.
    pub context: Box<[u8]>,
}

/// A file or body of an exchange, as far as the engine keeps it.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileView<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a [u8]>,
    /// The bytes that are kept: all, or a window of them.
    pub data: &'a [u8],
    /// Offset of the first of them in the content.
    pub base: u64,
    /// Bytes of `data` that were shown before, of a content that grows.
    pub seen: usize,
    /// Bytes of content so far.
    pub len: u64,
    /// It has ended, nothing is missing.
    pub complete: bool,
    /// What its first bytes say that it is.
    pub magic: Option<&'a str>,
    /// Digests, once complete, if they are computed.
    pub md5: Option<[u8; 16]>,
    /// As [`Self::md5`].
    pub sha1: Option<[u8; 20]>,
    /// As [`Self::md5`].
    pub sha256: Option<[u8; 32]>,
}

/// Files and bodies of an exchange, kept by the engine.
pub trait Content {
    /// The `nth` file that `dir` sent in this exchange; of HTTP the first is the body.
    fn file(&self, dir: Dir, nth: usize) -> Option<FileView<'_>>;
}

/// There are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoContent;

impl Content for NoContent {
    fn file(&self, _dir: Dir, _nth: usize) -> Option<FileView<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_what_matched_where() {
        let bytes: Vec<u8> = (0..200).map(|n| if n == 100 { b'\n' } else { b'a' + (n % 26) as u8 }).collect();
        let excerpt = Excerpt::of(&bytes, 1000, &[(101, 3), (99, 2), (98, 2), (150, 500)]);
        assert_eq!((excerpt.offset, excerpt.bytes.len()), (1082, 96));
        assert_eq!(excerpt.marks, [(16, 18), (18, 19), (19, 22), (68, 96)]);
        assert!(excerpt.line("<", ">").starts_with("efghijklmnopqrst<uv><\\n><xyz>abc"), "{}", excerpt.line("<", ">"));
        let plain = Excerpt::of(b"GET \\ x", 0, &[]);
        assert_eq!((plain.line("<", ">").as_str(), plain.marks.len()), ("GET \\\\ x", 0));
        // Places that lie outside, as a hostile rule may have them, mark nothing.
        assert_eq!(Excerpt::of(b"abc", 0, &[(7, 1), (u32::MAX, u32::MAX)]).marks, []);
        assert_eq!(Excerpt::of(b"", 5, &[(0, 0)]).line("<", ">"), "");
    }
}
