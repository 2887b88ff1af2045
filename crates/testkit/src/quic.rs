//! Initial packets of QUIC 1 and 2, sealed with the keys that everybody has (RFC 9001 §5, RFC 9369 §3.3).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

const SALT_1: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SALT_2: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";

/// Version 2.
pub const V2: u32 = 0x6b33_43cf;

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(secret: &Prk, label: &str) -> [u8; N] {
    let label = format!("tls13 {label}");
    let info = [&[0, N as u8, label.len() as u8][..], label.as_bytes(), &[0]].concat();
    let mut out = [0; N];
    secret.expand(&[&info], Len(N)).and_then(|okm| okm.fill(&mut out)).expect("short keys");
    out
}

/// A packet with a long header whose `first` byte, ids, and content behind the length are these.
pub fn long(first: u8, version: u32, ids: [&[u8]; 2], token: Option<&[u8]>, content: &[u8]) -> Vec<u8> {
    let mut out = [&[first][..], &version.to_be_bytes()].concat();
    for id in ids {
        out.push(id.len() as u8);
        out.extend(id);
    }
    if let Some(token) = token {
        out.push(token.len() as u8);
        out.extend(token);
    }
    out.extend((0x4000 | content.len() as u16).to_be_bytes());
    out.extend(content);
    out
}

/// An Initial packet with number `number` and these frames; the keys come from `key_dcid`.
pub fn initial(version: u32, key_dcid: &[u8], ids: [&[u8]; 2], client: bool, number: u8, frames: &[u8]) -> Vec<u8> {
    let (salt, prefix, first) = if version == V2 { (SALT_2, "quicv2", 0xd0) } else { (SALT_1, "quic", 0xc0) };
    let secret = Salt::new(HKDF_SHA256, &salt).extract(key_dcid);
    let secret =
        Prk::new_less_safe(HKDF_SHA256, &expand::<32>(&secret, if client { "client in" } else { "server in" }));
    let key: [u8; 16] = expand(&secret, &format!("{prefix} key"));
    let mut nonce: [u8; 12] = expand(&secret, &format!("{prefix} iv"));
    let mask: [u8; 16] = expand(&secret, &format!("{prefix} hp"));
    nonce[11] ^= number;
    let mut packet = long(first, version, ids, Some(&[]), &[&[number][..], frames, &[0; 16]].concat());
    let at = packet.len() - frames.len() - 17;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("the key's length"));
    let mut sealed = frames.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&packet[..=at]), &mut sealed)
        .expect("a short packet");
    packet.truncate(at + 1);
    packet.extend(sealed);
    let header = quic::HeaderProtectionKey::new(&quic::AES_128, &mask).expect("the key's length");
    let mask = header.new_mask(&packet[at + 4..at + 20]).expect("the sample's length");
    packet[0] ^= mask[0] & 0x0f;
    packet[at] ^= mask[1];
    packet
}

/// A CRYPTO frame.
pub fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    [&[6][..], &(0x4000 | offset).to_be_bytes(), &(0x4000 | data.len() as u16).to_be_bytes(), data].concat()
}

fn block16(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

fn extension(code: u16, body: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &block16(body)].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// A client's hello for `name` with these protocols.
pub fn client_hello(name: &str, alpn: &[&str]) -> Vec<u8> {
    let protocols: Vec<u8> = alpn.iter().flat_map(|p| [&[p.len() as u8][..], p.as_bytes()].concat()).collect();
    let extensions = [
        extension(0, &block16(&[&[0][..], &block16(name.as_bytes())].concat())),
        extension(10, &block16(&[0, 29, 0, 23])),
        extension(13, &block16(&[4, 3, 8, 4])),
        extension(16, &block16(&protocols)),
        extension(43, &[2, 3, 4]),
        extension(51, &block16(&[&[0, 29][..], &block16(&[5; 32])].concat())),
        extension(57, &[1, 1, 30]),
    ]
    .concat();
    let suites = block16(&[0x13, 1, 0x13, 2, 0x13, 3]);
    handshake(1, &[&[3, 3][..], &[7; 32], &[0], &suites, &[1, 0], &block16(&extensions)].concat())
}

/// A server's hello that chooses TLS 1.3, AES-128-GCM and X25519.
pub fn server_hello() -> Vec<u8> {
    let extensions = [extension(43, &[3, 4]), extension(51, &[&[0, 29][..], &block16(&[6; 32])].concat())].concat();
    handshake(2, &[&[3, 3][..], &[8; 32], &[0, 0x13, 1, 0], &block16(&extensions)].concat())
}
