//! Identifications, packets before encryption, and the key exchange's messages (RFC 4253; SSH 1.5 as in
//! draft-ylonen-ssh-protocol-00).

use md5::{Digest, Md5};
use sekisho_types::Heap;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Names taken of one algorithm list; longer lists count as empty, as in Zeek.
pub const MAX_ALGORITHMS: usize = 100;
/// Longest packet before encryption that is waited for.
pub const MAX_PACKET_LEN: usize = 256 * 1024;

/// SSH message numbers (RFC 4250 §4.1.2).
pub mod msg {
    /// SSH_MSG_KEXINIT.
    pub const KEXINIT: u8 = 20;
    /// SSH_MSG_NEWKEYS.
    pub const NEWKEYS: u8 = 21;
    /// SSH1: SSH_SMSG_PUBLIC_KEY.
    pub const SSH1_PUBLIC_KEY: u8 = 2;
}

/// A protocol version that an identification offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// 1.x.
    V1,
    /// 1.99: both (RFC 4253 §5.1).
    Both,
    /// 2.x.
    V2,
}

impl Offer {
    /// What the line `SSH-…` offers.
    pub fn of(identification: &[u8]) -> Option<Self> {
        match identification.get(4)? {
            b'1' if identification.get(6..8) == Some(b"99") => Some(Self::Both),
            b'1' => Some(Self::V1),
            b'2' => Some(Self::V2),
            _ => None,
        }
    }

    /// The version that two offers come to; `None` if they do not meet.
    pub const fn agreed(client: Self, server: Self) -> Option<u8> {
        match (client, server) {
            (Self::V2 | Self::Both, Self::V2 | Self::Both) => Some(2),
            (Self::V1 | Self::Both, Self::V1 | Self::Both) => Some(1),
            (Self::V1, Self::V2) | (Self::V2, Self::V1) => None,
        }
    }
}

/// A packet before encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Message number.
    pub number: u8,
    /// What follows it, without padding.
    pub body: &'a [u8],
    /// Length of the whole packet on the wire.
    pub len: usize,
}

/// What the next bytes come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A whole packet.
    Packet(Packet<'a>),
    /// It is not all there yet.
    More,
    /// It cannot be one.
    Broken,
}

/// The packet at the start of `bytes` (RFC 4253 §6).
pub fn packet(bytes: &[u8]) -> Next<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return Next::More };
    let len = u32::from_be_bytes(*head) as usize;
    if !(2..=MAX_PACKET_LEN).contains(&len) {
        return Next::Broken;
    }
    let Some(inner) = rest.get(..len) else { return Next::More };
    let (Some((&padding, payload)), whole) = (inner.split_first(), len + 4) else { return Next::Broken };
    let end = payload.len().saturating_sub(usize::from(padding));
    match payload.get(..end).and_then(<[u8]>::split_first) {
        Some((&number, body)) => Next::Packet(Packet { number, body, len: whole }),
        None => Next::Broken,
    }
}

/// The SSH 1 packet at the start of `bytes`: length, one to eight bytes of padding, number, body, checksum.
pub fn packet_v1(bytes: &[u8]) -> Next<'_> {
    const CRC_LEN: usize = 4;
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return Next::More };
    let len = u32::from_be_bytes(*head) as usize;
    if !(CRC_LEN + 1..=MAX_PACKET_LEN).contains(&len) {
        return Next::Broken;
    }
    let padding = 8 - len % 8;
    let Some(inner) = rest.get(..padding + len) else { return Next::More };
    match inner.get(padding..padding + len - CRC_LEN).and_then(<[u8]>::split_first) {
        Some((&number, body)) => Next::Packet(Packet { number, body, len: 4 + padding + len }),
        None => Next::Broken,
    }
}

/// A `string` (RFC 4251 §5).
fn string<'a>(r: &mut Reader<'a>, item: &'static &'static str) -> ParseResult<&'a [u8]> {
    let len = r.u32(item)? as usize;
    r.take(item, len)
}

/// The lists of SSH_MSG_KEXINIT (RFC 4253 §7.1) as they stand on the wire, names between commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KexInit {
    /// kex, host key, encryption to server and to client, MAC likewise, compression likewise, languages likewise.
    pub lists: [Vec<u8>; 10],
}

/// Positions in [`KexInit::lists`].
pub mod list {
    #![allow(missing_docs, reason = "the names are those of RFC 4253")]
    pub const KEX: usize = 0;
    pub const HOST_KEY: usize = 1;
    pub const ENCRYPTION: [usize; 2] = [2, 3];
    pub const MAC: [usize; 2] = [4, 5];
    pub const COMPRESSION: [usize; 2] = [6, 7];
    pub const LANGUAGES: [usize; 2] = [8, 9];
}

impl Heap for KexInit {
    fn heap_len(&self) -> usize {
        self.lists.as_slice().heap_len()
    }
}

impl KexInit {
    /// From the message's body.
    pub fn parse(body: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(body);
        r.skip(&"cookie", 16)?;
        let mut lists: [Vec<u8>; 10] = Default::default();
        for list in &mut lists {
            *list = string(&mut r, &"name list")?.to_vec();
        }
        Ok(Self { lists })
    }

    /// The names of list `i`.
    pub fn names(&self, i: usize) -> Vec<&[u8]> {
        let text = self.lists.get(i).map_or(&[][..], Vec::as_slice);
        text.split(|b| *b == b',').filter(|n| !n.is_empty()).collect()
    }

    /// HASSH (salesforce/hassh): MD5 over four lists; `to` is 0 for a client, 1 for a server.
    pub fn hassh(&self, to: usize) -> [u8; 16] {
        let at = |pair: [usize; 2]| pair.get(to).copied().unwrap_or(0);
        let mut md5 = Md5::new();
        for (n, i) in [list::KEX, at(list::ENCRYPTION), at(list::MAC), at(list::COMPRESSION)].into_iter().enumerate() {
            if n > 0 {
                md5.update(b";");
            }
            md5.update(self.lists.get(i).map_or(&[][..], Vec::as_slice));
        }
        md5.finalize().into()
    }
}

/// The client's first choice that the server also has (RFC 4253 §7.1).
pub fn negotiate<'c>(client: &[&'c [u8]], server: &[&[u8]]) -> Option<&'c [u8]> {
    client.iter().find(|name| server.contains(name)).copied()
}

/// The server's public key in a key exchange reply: the first string of the body, if that begins with the name of
/// a key format as keys do (RFC 4253 §6.6). Group parameters and the like do not.
pub fn host_key(body: &[u8]) -> Option<&[u8]> {
    const NAME_LEN: std::ops::RangeInclusive<usize> = 5..=64;
    let key = string(&mut Reader::new(body), &"host key").ok()?;
    let format = string(&mut Reader::new(key), &"key format").ok()?;
    let is_name = NAME_LEN.contains(&format.len())
        && format.contains(&b'-')
        && format.iter().all(|b| b.is_ascii_alphanumeric() || b"-@._".contains(b));
    is_name.then_some(key)
}

/// Modulus and exponent of the host key in SSH_SMSG_PUBLIC_KEY.
pub fn host_key_v1(body: &[u8]) -> ParseResult<(&[u8], &[u8])> {
    fn integer<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
        let bits = usize::from(r.u16(&"integer")?);
        r.take(&"integer", bits.div_ceil(8))
    }
    let mut r = Reader::new(body);
    r.skip(&"cookie", 8)?;
    r.u32(&"server key")?;
    integer(&mut r)?;
    integer(&mut r)?;
    r.u32(&"host key")?;
    let (exponent, modulus) = (integer(&mut r)?, integer(&mut r)?);
    if modulus.is_empty() { Err(ParseError::bad(&"host key")) } else { Ok((modulus, exponent)) }
}

/// Base64 (RFC 4648 §4) of `bytes`, whose length is a multiple of three.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4);
    for chunk in bytes.chunks_exact(3) {
        let bits = chunk.iter().fold(0_usize, |acc, b| acc << 8 | usize::from(*b));
        for shift in [18, 12, 6, 0] {
            out.push(ALPHABET.get(bits >> shift & 63).copied().unwrap_or(b'='));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_packets_of_both_versions() {
        let bytes = [0, 0, 0, 6, 3, 21, 9, 0, 0, 0, 77];
        assert_eq!(packet(&bytes), Next::Packet(Packet { number: 21, body: &[9], len: 10 }));
        assert_eq!(packet(&bytes[..9]), Next::More);
        let v1 = [0, 0, 0, 6, 0, 0, 2, 7, 1, 2, 3, 4, 77];
        assert_eq!(packet_v1(&v1), Next::Packet(Packet { number: 2, body: &[7], len: 12 }));
        assert_eq!(packet_v1(&v1[..11]), Next::More);
    }

    #[test]
    fn rejects_broken_packets() {
        assert_eq!(packet(&[0xff; 40]), Next::Broken);
        assert_eq!(packet(&[0, 0, 0, 2, 9, 1]), Next::Broken);
        assert_eq!(packet_v1(&[0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]), Next::Broken);
        assert!(KexInit::parse(&[0; 20]).is_err());
        assert_eq!(host_key(&[0, 0, 0, 4, 0, 0, 0, 0]), None);
        assert!(host_key_v1(&[0; 8]).is_err());
    }

    #[test]
    fn agrees_on_versions() {
        let offer = |s: &[u8]| Offer::of(s).unwrap();
        let cases: &[(&[u8], &[u8], Option<u8>)] = &[
            (b"SSH-2.0-a", b"SSH-2.0-b", Some(2)),
            (b"SSH-2.0-a", b"SSH-1.99-b", Some(2)),
            (b"SSH-1.99-a", b"SSH-1.99-b", Some(2)),
            (b"SSH-1.5-a", b"SSH-1.99-b", Some(1)),
            (b"SSH-1.5-a", b"SSH-1.5-b", Some(1)),
            (b"SSH-1.5-a", b"SSH-2.0-b", None),
        ];
        for (client, server, want) in cases {
            assert_eq!(Offer::agreed(offer(client), offer(server)), *want);
        }
        assert_eq!(Offer::of(b"SSH-"), None);
    }

    #[test]
    fn negotiates_the_clients_first_choice() {
        assert_eq!(negotiate(&[b"b", b"a"], &[b"a", b"b"]), Some(&b"b"[..]));
        assert_eq!(negotiate(&[b"c"], &[b"a"]), None);
        assert_eq!(base64(b"Man"), b"TWFu");
    }
}
