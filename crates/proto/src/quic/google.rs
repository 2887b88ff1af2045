//! Google QUIC up to Q050: public headers (draft-hamilton-early-deployment-quic §6) and the handshake messages of
//! QUIC Crypto, which are in clear, or under the keys of the Initial packet from Q050 on.

use sekisho_wire::{ParseResult, Reader};

/// How far from the start of a packet, or of its frames, a handshake message may begin.
const MAX_MESSAGE_AT: usize = 80;

/// Most tags of a message (its own limit is 128).
const MAX_TAGS: u16 = 128;

/// A header with a connection id and a version, as the client's first packets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Public<'a> {
    pub id: &'a [u8],
    pub version: u32,
}

/// The public header of Q043 and before, if it tells its version.
pub(super) fn public(bytes: &[u8]) -> Option<Public<'_>> {
    let (head, _) = bytes.split_first_chunk::<13>()?;
    let [flags, id @ .., a, b, c, d] = head;
    let version = u32::from_be_bytes([*a, *b, *c, *d]);
    // A version and a connection id of eight bytes; neither reset nor the bits that are not in use.
    let known = flags & 0xcb == 0x09 && super::version::is_google_clear(version);
    known.then_some(Public { id, version })
}

/// The long header of Q044 to Q049: lengths of both ids in one byte.
pub(super) fn long(bytes: &[u8]) -> Option<Public<'_>> {
    let mut r = Reader::new(bytes);
    let mut read = || -> ParseResult<(u8, u32, u8)> {
        Ok((r.u8(&"first byte")?, r.u32(&"version")?, r.u8(&"connection id lengths")?))
    };
    let (first, version, lens) = read().ok()?;
    let len = |nibble: u8| if nibble == 0 { 0 } else { usize::from(nibble) + 3 };
    let id = r.take(&"connection ids", len(lens >> 4) + len(lens & 15)).ok()?;
    (first & 0x80 != 0 && super::version::is_google_clear(version)).then_some(Public { id, version })
}

/// What a handshake message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ClientHello,
    ServerHello,
    Rejection,
}

/// A handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub kind: Kind,
    pub server_name: Option<&'a [u8]>,
    pub user_agent: Option<&'a [u8]>,
    pub alpn: Option<&'a [u8]>,
    /// The table of tags: four bytes each, and where the value ends.
    pub tags: &'a [u8],
}

/// The handshake message that begins near the start of `bytes`.
pub(super) fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let near = bytes.get(..MAX_MESSAGE_AT).unwrap_or(bytes);
    let tags = [(b"CHLO", Kind::ClientHello), (b"SHLO", Kind::ServerHello), (b"REJ\0", Kind::Rejection)];
    tags.into_iter().find_map(|(tag, kind)| {
        let at = memchr::memmem::find(near, tag)?;
        read(kind, bytes.get(at + tag.len()..)?)
    })
}

/// Number of tags, padding; then each tag with the end of its value; then the values.
fn read(kind: Kind, bytes: &[u8]) -> Option<Message<'_>> {
    let mut r = Reader::new(bytes);
    let count = r.u16_le(&"tag count").ok()?;
    if count == 0 || count > MAX_TAGS || r.u16_le(&"padding").ok()? != 0 {
        return None;
    }
    let table = r.take(&"tags", usize::from(count) * 8).ok()?;
    let values = r.rest();
    let mut message = Message { kind, server_name: None, user_agent: None, alpn: None, tags: table };
    let mut start = 0;
    for [tag @ .., a, b, c, d] in table.as_chunks::<8>().0 {
        let end = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
        // What lies behind the datagram's end is in another packet.
        let Some(value) = values.get(start..end) else { break };
        start = end;
        match tag {
            b"SNI\0" => message.server_name = Some(value),
            b"UAID" => message.user_agent = Some(value),
            b"ALPN" => message.alpn = Some(value),
            _ => {}
        }
    }
    Some(message)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A CHLO with these tags.
    pub(crate) fn chlo(tags: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut out = [&b"CHLO"[..], &(tags.len() as u16).to_le_bytes(), &[0, 0]].concat();
        let mut end = 0;
        for (tag, value) in tags {
            end += value.len() as u32;
            out.extend([&tag[..], &end.to_le_bytes()].concat());
        }
        tags.iter().for_each(|(_, value)| out.extend(*value));
        out
    }

    #[test]
    fn parses_public_headers() {
        let q43 = b"\x0d12345678Q043\x01";
        assert_eq!(public(q43), Some(Public { id: b"12345678", version: 0x5130_3433 }));
        assert_eq!(public(&q43[..12]), None);
        assert_eq!(public(b"\x0c12345678Q043\x01"), None);
        let q46 = b"\xc3Q046\x5012345678\0\0\0\x01";
        assert_eq!(long(q46), Some(Public { id: b"12345678", version: 0x5130_3436 }));
    }

    #[test]
    fn parses_hellos() {
        let hello = chlo(&[(b"PAD\0", &[b'-'; 9]), (b"SNI\0", b"h.test"), (b"UAID", b"ua/1"), (b"ALPN", b"h2")]);
        let packet = [&[0xa0, 1, 0, 4][..], &hello].concat();
        let m = message(&packet).unwrap();
        assert_eq!(
            (m.kind, m.server_name, m.user_agent),
            (Kind::ClientHello, Some(&b"h.test"[..]), Some(&b"ua/1"[..]))
        );
        let cut = message(&packet[..packet.len() - 3]).unwrap();
        assert_eq!((cut.server_name, cut.user_agent, cut.alpn), (Some(&b"h.test"[..]), None, None));
        assert_eq!(message(&[&[0; MAX_MESSAGE_AT][..], &hello].concat()), None);
        assert_eq!(message(b"CHLO\xff\xff\0\0"), None);
    }
}
