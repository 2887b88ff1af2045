//! What an entity's header fields say about its content.

use super::field;
use crate::{Cx, FileId, FileMeta, Range};
use sekisho_record::Text;
use sekisho_types::Heap;

/// Longest boundary kept (RFC 2046 §5.1.1 allows 70); a longer one is cut, and so never found.
const MAX_BOUNDARY_LEN: usize = 512;

/// How a body is made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One content.
    #[default]
    Leaf,
    /// `message/*`: an entity of its own.
    Message,
    /// `multipart/*` with a boundary.
    Multipart,
}

/// Content transfer encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Any that leaves the bytes as they are.
    #[default]
    Identity,
    /// RFC 2045 §6.8.
    Base64,
    /// RFC 2045 §6.7.
    QuotedPrintable,
}

/// Header facts of one entity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// From Content-Type.
    pub(crate) kind: Kind,
    /// Of a multipart, without the leading dashes.
    pub(crate) boundary: Vec<u8>,
    /// From Content-Transfer-Encoding.
    pub(crate) encoding: Encoding,
    /// From Content-Disposition or Content-Type, whichever came last, as in Zeek.
    pub(crate) filename: Option<Text>,
    /// `type/subtype` in lower case.
    pub(crate) declared_mime: Option<Text>,
    /// From Content-Range: first byte, last byte, total.
    pub(crate) range: Option<(u64, u64, Option<u64>)>,
}

impl Facts {
    /// Takes up a header field; true if it was one of these.
    pub(crate) fn learn(&mut self, name: &[u8], value: &[u8]) -> bool {
        match name.len() {
            12 if name.eq_ignore_ascii_case(b"content-type") => self.content_type(value),
            13 if name.eq_ignore_ascii_case(b"content-range") => self.range = content_range(value),
            19 if name.eq_ignore_ascii_case(b"content-disposition") => {
                if let Some(filename) = field::filename(value, "filename") {
                    self.filename = Some(filename.into());
                }
            }
            25 if name.eq_ignore_ascii_case(b"content-transfer-encoding") => {
                let token = field::token(value);
                self.encoding = match token.len() {
                    6 if token.eq_ignore_ascii_case(b"base64") => Encoding::Base64,
                    16 if token.eq_ignore_ascii_case(b"quoted-printable") => Encoding::QuotedPrintable,
                    _ => Encoding::Identity,
                };
            }
            _ => return false,
        }
        true
    }

    /// Is the content plain text or HTML, as it is unless it says otherwise (RFC 2045 §5.2)?
    pub(crate) fn is_text(&self) -> bool {
        let mime = self.declared_mime.as_ref().map_or(&b"text/plain"[..], |mime| &mime.0);
        matches!(mime, b"text/plain" | b"text/html")
    }

    fn content_type(&mut self, value: &[u8]) {
        let mime = field::token(value);
        let Some(slash) = memchr::memchr(b'/', mime) else { return };
        self.declared_mime = Some(mime.to_ascii_lowercase().into());
        self.kind = Kind::Leaf;
        let main = mime.get(..slash).unwrap_or(&[]);
        if main.eq_ignore_ascii_case(b"message") {
            self.kind = Kind::Message;
        } else if main.eq_ignore_ascii_case(b"multipart") {
            let mut parameters = field::parameters(value);
            if let Some((_, boundary)) = parameters.find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))
                && !boundary.is_empty()
            {
                self.kind = Kind::Multipart;
                self.boundary = boundary.get(..MAX_BOUNDARY_LEN).unwrap_or(&boundary).to_vec();
            }
        }
        // Nearly every type comes without parameters, or with a charset only.
        if value.len() > mime.len()
            && let Some(filename) = field::filename(value, "name")
        {
            self.filename = Some(filename.into());
        }
    }

    /// Begins the entity's file. `key` names the resource of which a Content-Range tells a part.
    pub(crate) fn open(&self, origin: &Origin, depth: u64, total_len: Option<u64>, cx: &mut Cx<'_>) -> FileId {
        let range = match (self.range, &origin.range_key) {
            (Some((start, _, total)), Some(key)) => Some(Range { start, total, key: key.clone() }),
            _ => None,
        };
        cx.file_open(FileMeta {
            source: origin.source,
            depth,
            is_orig: origin.is_orig,
            filename: self.filename.clone(),
            suggested_name: origin.suggested_name.clone(),
            total_len,
            declared_mime: self.declared_mime.clone(),
            range,
            ..FileMeta::default()
        })
    }
}

impl Heap for Facts {
    fn heap_len(&self) -> usize {
        self.boundary.heap_len() + self.filename.heap_len() + self.declared_mime.heap_len()
    }
}

impl Heap for Origin {
    fn heap_len(&self) -> usize {
        self.range_key.heap_len() + self.suggested_name.heap_len()
    }
}

/// What the files of a message have in common.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Zeek's source name.
    pub(crate) source: &'static str,
    /// Direction of the content.
    pub(crate) is_orig: bool,
    /// Set if parts are ranges of the resource so named.
    pub(crate) range_key: Option<Text>,
    /// What to call files without a name of their own.
    pub(crate) suggested_name: Option<Text>,
    /// Log the number of the entity as `depth` (Zeek does so for mail, not for HTTP).
    pub(crate) numbered: bool,
}

/// `bytes first-last/total` (RFC 9110 §14.4).
fn content_range(value: &[u8]) -> Option<(u64, u64, Option<u64>)> {
    let value = value.trim_ascii();
    let (unit, rest) = value.split_at_checked(5)?;
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let slash = memchr::memchr(b'/', rest)?;
    let (range, total) = rest.split_at_checked(slash)?;
    let dash = memchr::memchr(b'-', range)?;
    let (first, last) = range.split_at_checked(dash)?;
    let (first, last) = (number(first)?, number(last.get(1..)?)?);
    (last >= first).then_some((first, last, number(total.get(1..)?)))
}

/// A decimal number between white space, or `None`.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fields: &[(&str, &str)]) -> Facts {
        let mut f = Facts::default();
        for (name, value) in fields {
            assert!(f.learn(name.as_bytes(), value.as_bytes()), "{name}");
        }
        f
    }

    #[test]
    fn parses_types() {
        let f = facts(&[("Content-Type", "Multipart/Mixed; charset=x; boundary=\"a b\"")]);
        assert_eq!((f.kind, &f.boundary[..]), (Kind::Multipart, &b"a b"[..]));
        assert_eq!(f.declared_mime, Some("multipart/mixed".into()));
        assert_eq!(facts(&[("content-type", "multipart/mixed")]).kind, Kind::Leaf);
        assert_eq!(facts(&[("content-type", "message/rfc822")]).kind, Kind::Message);
        assert_eq!(facts(&[("content-type", "text/plain; name=x.txt")]).filename, Some("x.txt".into()));
        assert_eq!(facts(&[("content-transfer-encoding", "BASE64")]).encoding, Encoding::Base64);
        assert!(!Facts::default().learn(b"subject", b"x"));
    }

    #[test]
    fn parses_ranges() {
        for (value, want) in [
            ("bytes 0-99/1000", Some((0, 99, Some(1000)))),
            ("bytes 5 - 6 / *", Some((5, 6, None))),
            ("Bytes 5-5/6", Some((5, 5, Some(6)))),
            ("bytes 6-5/7", None),
            ("bytes */7", None),
            ("items 0-1/2", None),
            ("bytes 99999999999999999999-1/2", None),
        ] {
            assert_eq!(content_range(value.as_bytes()), want, "{value}");
        }
    }
}
