//! DNS over HTTPS (RFC 8484): the messages in requests and responses, as far as somebody watches. A helper of HTTP/2.

use crate::dns;
use sekisho_transaction::{Fact, Json, Value};
use sekisho_types::Heap;

/// Type of a body that is a message.
const MEDIA_TYPE: &[u8] = b"application/dns-message";

/// Longest message (RFC 8484 §6).
const MAX_MESSAGE_LEN: usize = 65_535;

/// A message, or what there is of it.
#[derive(Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    whole: bool,
}

impl Heap for Message {
    fn heap_len(&self) -> usize {
        self.bytes.heap_len()
    }
}

impl Message {
    /// The one that a GET's path carries (RFC 8484 §4.1).
    pub(crate) fn of_path(path: &[u8]) -> Option<Self> {
        let query = path.splitn(2, |b| *b == b'?').nth(1)?;
        let text = query.split(|b| *b == b'&').find_map(|part| part.strip_prefix(b"dns="))?;
        let bytes = base64url(text.get(..MAX_MESSAGE_LEN / 3 * 4).unwrap_or(text))?;
        dns::is_message(&bytes).then_some(Self { bytes, whole: true })
    }

    /// One that is to come as a body of this type.
    pub(crate) fn of_type(media_type: &[u8]) -> Option<Self> {
        let name = media_type.split(|b| *b == b';').next()?.trim_ascii();
        name.eq_ignore_ascii_case(MEDIA_TYPE).then(Self::default)
    }

    /// More of the body; `last`: its end. True if there is a message now.
    pub(crate) fn push(&mut self, bytes: &[u8], last: bool) -> bool {
        if self.whole {
            return false;
        }
        let room = MAX_MESSAGE_LEN.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.whole = last && dns::is_message(&self.bytes);
        self.whole
    }

    /// Is it all there?
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// What rules ask of it.
    pub(crate) fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if self.whole { dns::fact(&self.bytes, fact, nth) } else { None }
    }

    /// Its members of EVE.
    pub(crate) fn eve(&self, out: &mut Json<'_>) {
        if self.whole {
            dns::eve(&self.bytes, out);
        }
    }
}

/// Decodes base64url (RFC 4648 §5) without padding; `None` if it is none.
fn base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for b in text.iter().take_while(|b| **b != b'=') {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [_, _, _, byte] = (bits >> count).to_be_bytes();
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";

    #[test]
    fn parses_base64url() {
        assert_eq!(base64url(b"AAEC_-8"), Some(vec![0, 1, 2, 255, 239]));
        assert_eq!(base64url(b"YQ=="), Some(b"a".to_vec()));
        assert_eq!(base64url(b"a b"), None);
    }

    #[test]
    fn finds_messages_in_paths_and_bodies() {
        let path = b"/dns-query?x=1&dns=AAABAAABAAAAAAAAAWEEdGVzdAAAAQAB&y";
        let message = Message::of_path(path).unwrap();
        let name = message.fact(Fact::DnsQuery, 0).unwrap();
        assert_eq!(name.bytes(), Some(&b"a.test"[..]));
        assert!(Message::of_path(b"/dns-query?dns=AAAA").is_none() && Message::of_path(b"/").is_none());
        let mut body = Message::of_type(b"Application/DNS-message; x=y").unwrap();
        assert!(!body.push(&ASKED[..5], false) && body.fact(Fact::DnsQuery, 0).is_none());
        assert!(body.push(&ASKED[5..], true) && body.is_whole());
        assert!(Message::of_type(b"text/html").is_none());
    }

    #[test]
    fn limits_messages() {
        let mut body = Message::of_type(MEDIA_TYPE).unwrap();
        for _ in 0..100 {
            body.push(&[0; 4096], false);
        }
        assert_eq!(body.bytes.len(), MAX_MESSAGE_LEN);
    }
}
