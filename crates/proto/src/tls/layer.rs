//! The record layer over a stream (RFC 8446 §5.1, RFC 5246 §6.2) and that of SSL 2: where records begin and end.
//! Nothing is buffered here but headers and the few octets of small records; encrypted content is only counted.

use super::names::version;
use sekisho_types::Heap;

/// Content types (IANA TLS ContentType).
pub(super) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
    pub(crate) const HEARTBEAT: u8 = 24;
}

/// Octets of a record header, in SSL 2 the first octets of a message included.
pub(super) const HEAD_LEN: usize = 5;

/// Octets kept of a small record (alerts) or, in SSL 2, of a message: a hello with one certificate.
const MAX_SMALL_LEN: usize = 64;
const MAX_V2_LEN: usize = 0x7fff;

/// What a record is, as far as its header and the direction's state tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// In clear, of this content type.
    Clear(u8),
    Encrypted,
    /// SSL 2 message of this type.
    V2(u8),
}

/// One direction's position in the record layer.
#[derive(Debug, Default)]
pub(super) struct Layer {
    head: [u8; HEAD_LEN],
    head_len: usize,
    /// The record being read and how many octets of it are to come.
    open: Option<(Content, usize)>,
    /// Length of the open record.
    pub(super) len: usize,
    small: Vec<u8>,
    /// The position is lost: nothing more is read in this direction.
    pub(super) lost: bool,
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Tls {
        content: u8,
        len: usize,
    },
    V2 {
        kind: u8,
        len: usize,
    },
    /// Neither: why.
    Bad(&'static str),
}

/// What SSL 2 is still possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Dialect {
    /// No TLS record seen: an SSL 2 hello may come.
    #[default]
    Open,
    Tls,
    /// The server answered in SSL 2.
    V2,
}

/// Reads a header under the session's dialect, which it may fix.
pub(super) fn header(head: &[u8; HEAD_LEN], is_orig: bool, dialect: &mut Dialect) -> Header {
    let [a, b, c, d, e] = *head;
    let v2_len = usize::from(u16::from_be_bytes([a & 0x7f, b]));
    let tls_version = u16::from_be_bytes([b, c]);
    let known_version = (version::SSL3..=version::TLS13).contains(&tls_version);
    match *dialect {
        Dialect::V2 if a & 0x80 != 0 && v2_len >= 3 => return Header::V2 { kind: c, len: v2_len - 3 },
        Dialect::V2 => return Header::Bad("bad SSL 2 record"),
        Dialect::Tls if !known_version => return Header::Bad("invalid version late in TLS connection"),
        Dialect::Open if a & 0x80 != 0 => {
            let client = c == 1 && is_orig && matches!(u16::from_be_bytes([d, e]), 2 | 0x300..=0x303);
            let server = c == 4 && e < 2 && !is_orig;
            if server {
                *dialect = Dialect::V2;
            }
            if (client || server) && v2_len >= 3 {
                return Header::V2 { kind: c, len: v2_len - 3 };
            }
            return Header::Bad("not SSL or TLS");
        }
        _ => {}
    }
    if !known_version {
        return Header::Bad("invalid version in TLS connection");
    }
    // Types up to 26 are assigned; Zeek leaves room up to 30.
    if !(20..=30).contains(&a) {
        return Header::Bad("invalid type in TLS connection");
    }
    *dialect = Dialect::Tls;
    Header::Tls { content: a, len: usize::from(u16::from_be_bytes([d, e])) }
}

impl Heap for Layer {
    fn heap_len(&self) -> usize {
        self.small.heap_len()
    }
}

impl Layer {
    /// Collects header octets from `bytes`; returns the header once complete, and what follows.
    pub(super) fn take_head<'b>(&mut self, bytes: &'b [u8]) -> (Option<[u8; HEAD_LEN]>, &'b [u8]) {
        let n = (HEAD_LEN - self.head_len.min(HEAD_LEN)).min(bytes.len());
        let (piece, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
        for (to, from) in self.head.iter_mut().skip(self.head_len).zip(piece) {
            *to = *from;
        }
        self.head_len += n;
        if self.head_len < HEAD_LEN {
            return (None, rest);
        }
        self.head_len = 0;
        (Some(self.head), rest)
    }

    /// A record of `len` octets begins.
    pub(super) fn open(&mut self, content: Content, len: usize) {
        self.open = Some((content, len));
        self.len = len;
        self.small.clear();
        // In SSL 2 the first two octets of the message's content are in the header.
        if let Content::V2(_) = content {
            let [.., d, e] = self.head;
            self.small.extend([d, e]);
        }
    }

    /// The header of the open record, or of the one that just ended.
    pub(super) fn head_of_open(&self) -> super::open::Head {
        let [content, a, b, c, d] = self.head;
        super::open::Head { content, version: u16::from_be_bytes([a, b]), len: u16::from_be_bytes([c, d]) }
    }

    /// The open record.
    pub(super) fn current(&self) -> Option<Content> {
        self.open.map(|(content, _)| content)
    }

    /// The part of `bytes` that belongs to the open record, what follows, and whether the record ends with it.
    pub(super) fn take_body<'b>(&mut self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8], bool) {
        let Some((content, left)) = self.open else { return (&[], bytes, false) };
        let (piece, rest) = bytes.split_at_checked(left.min(bytes.len())).unwrap_or((bytes, &[]));
        let left = left - piece.len();
        self.open = (left > 0).then_some((content, left));
        (piece, rest, left == 0)
    }

    /// Keeps the start of a small record.
    pub(super) fn keep(&mut self, piece: &[u8], content: Content) {
        let limit = if let Content::V2(_) = content { MAX_V2_LEN } else { MAX_SMALL_LEN };
        let room = limit.saturating_sub(self.small.len());
        self.small.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    /// What was kept of the record that just ended.
    pub(super) fn take_small(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.small)
    }

    /// Passes over `len` missing octets; false if the position is lost by that.
    #[must_use]
    pub(super) fn skip(&mut self, len: u64) -> bool {
        match &mut self.open {
            Some((_, left)) if len < *left as u64 => {
                *left -= usize::try_from(len).unwrap_or(0);
                true
            }
            _ => {
                self.lost = true;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_headers() {
        let mut d = Dialect::Open;
        assert_eq!(header(&[22, 3, 1, 2, 0], true, &mut d), Header::Tls { content: 22, len: 512 });
        assert_eq!(d, Dialect::Tls);
        assert!(matches!(header(&[22, 4, 1, 2, 0], true, &mut d), Header::Bad(_)));
        assert!(matches!(header(&[0x80, 28, 1, 0, 2], true, &mut d), Header::Bad(_)));
        let mut d = Dialect::Open;
        assert_eq!(header(&[0x80, 28, 1, 0, 2], true, &mut d), Header::V2 { kind: 1, len: 25 });
        assert_eq!(d, Dialect::Open);
        assert_eq!(header(&[0x83, 0, 4, 0, 1], false, &mut d), Header::V2 { kind: 4, len: 765 });
        assert_eq!(d, Dialect::V2);
        assert!(matches!(header(&[0x47, 0x45, 0x54, 0x20, 0x2f], true, &mut Dialect::Open), Header::Bad(_)));
    }

    #[test]
    fn gaps_inside_a_record_keep_the_position() {
        let mut l = Layer::default();
        l.open(Content::Encrypted, 100);
        assert!(l.skip(60));
        assert_eq!(l.take_body(&[0; 50]), (&[0; 40][..], &[0; 10][..], true));
        assert!(!l.skip(1));
        assert!(l.lost);
    }
}
