//! Packets of QUIC 1 and 2: Initials, sealed with the keys that everybody has (RFC 9001 §5, RFC 9369 §3.3), and whole
//! connections whose secrets are told in a key log.

use crate::Dir;
use ring::aead::{self, AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf::{self, HKDF_SHA256, KeyType, Prk, Salt};

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

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
pub(crate) fn expand_into(secret: &Prk, label: &str, out: &mut [u8]) {
    let label = format!("tls13 {label}");
    let info = [&[0, out.len() as u8, label.len() as u8][..], label.as_bytes(), &[0]].concat();
    secret.expand(&[&info], Len(out.len())).and_then(|okm| okm.fill(out)).expect("short keys");
}

fn expand<const N: usize>(secret: &Prk, label: &str) -> [u8; N] {
    let mut out = [0; N];
    expand_into(secret, label, &mut out);
    out
}

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// TLS_AES_128_GCM_SHA256.
    Aes128,
    /// TLS_AES_256_GCM_SHA384.
    Aes256,
    /// TLS_CHACHA20_POLY1305_SHA256.
    ChaCha20,
}

impl Suite {
    /// Its number in hellos.
    pub const fn code(self) -> [u8; 2] {
        match self {
            Self::Aes128 => [0x13, 1],
            Self::Aes256 => [0x13, 2],
            Self::ChaCha20 => [0x13, 3],
        }
    }

    fn hash(self) -> hkdf::Algorithm {
        if self == Self::Aes256 { hkdf::HKDF_SHA384 } else { HKDF_SHA256 }
    }

    const fn secret_len(self) -> usize {
        if matches!(self, Self::Aes256) { 48 } else { 32 }
    }

    fn algorithms(self) -> (&'static aead::Algorithm, &'static quic::Algorithm) {
        match self {
            Self::Aes128 => (&AES_128_GCM, &quic::AES_128),
            Self::Aes256 => (&aead::AES_256_GCM, &quic::AES_256),
            Self::ChaCha20 => (&aead::CHACHA20_POLY1305, &quic::CHACHA20),
        }
    }
}

/// `header` and `frames` sealed: the packet number is the header's last `number_len` bytes. The header's key may be of
/// an older secret than the rest.
fn seal(
    suite: Suite,
    prefix: &str,
    [secret, header_secret]: [&Prk; 2],
    header: Vec<u8>,
    number_len: usize,
    frames: &[u8],
) -> Vec<u8> {
    let (algorithm, mask_algorithm) = suite.algorithms();
    let mut key = vec![0; algorithm.key_len()];
    expand_into(secret, &format!("{prefix} key"), &mut key);
    let mut nonce: [u8; 12] = expand(secret, &format!("{prefix} iv"));
    let mut mask_key = vec![0; mask_algorithm.key_len()];
    expand_into(header_secret, &format!("{prefix} hp"), &mut mask_key);
    let at = header.len() - number_len;
    nonce.iter_mut().rev().zip(header[at..].iter().rev()).for_each(|(n, b)| *n ^= b);
    let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("the key's length"));
    let mut sealed = frames.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&header), &mut sealed)
        .expect("a short packet");
    let mut packet = [header, sealed].concat();
    let mask = quic::HeaderProtectionKey::new(mask_algorithm, &mask_key).expect("the key's length");
    let mask = mask.new_mask(&packet[at + 4..at + 20]).expect("the sample's length");
    packet[0] ^= mask[0] & if packet[0] & 0x80 != 0 { 0x0f } else { 0x1f };
    packet[at..at + number_len].iter_mut().zip(&mask[1..]).for_each(|(byte, mask)| *byte ^= mask);
    packet
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
    let mut header = long(first, version, ids, Some(&[]), &[&[number][..], frames, &[0; 16]].concat());
    header.truncate(header.len() - frames.len() - 16);
    seal(Suite::Aes128, prefix, [&secret, &secret], header, 1, frames)
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
    client_hello_with(&[7; 32], name, alpn)
}

/// As [`client_hello`], with a random of one's own.
pub fn client_hello_with(random: &[u8; 32], name: &str, alpn: &[&str]) -> Vec<u8> {
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
    handshake(1, &[&[3, 3][..], random, &[0], &suites, &[1, 0], &block16(&extensions)].concat())
}

/// A server's hello that chooses TLS 1.3, AES-128-GCM and X25519.
pub fn server_hello() -> Vec<u8> {
    server_hello_with(Suite::Aes128)
}

/// A server's hello that chooses TLS 1.3, `suite` and X25519.
pub fn server_hello_with(suite: Suite) -> Vec<u8> {
    let extensions = [extension(43, &[3, 4]), extension(51, &[&[0, 29][..], &block16(&[6; 32])].concat())].concat();
    handshake(2, &[&[3, 3][..], &[8; 32], &[0], &suite.code(), &[0], &block16(&extensions)].concat())
}

/// The rest of a server's handshake: the protocol chosen, certificates, and messages that say nothing here.
pub fn server_flight(alpn: &str, certificates: &[&[u8]]) -> Vec<u8> {
    let protocol = [&[alpn.len() as u8][..], alpn.as_bytes()].concat();
    let list = certificates.iter().flat_map(|der| [&(der.len() as u32).to_be_bytes()[1..], der, &[0, 0]].concat());
    let list: Vec<u8> = list.collect();
    [
        handshake(8, &block16(&extension(16, &block16(&protocol)))),
        handshake(11, &[&[0][..], &(list.len() as u32).to_be_bytes()[1..], &list].concat()),
        handshake(15, &[&[4, 3][..], &block16(&[0x30; 70])].concat()),
        finished(),
    ]
    .concat()
}

/// The end of a handshake.
pub fn finished() -> Vec<u8> {
    handshake(20, &[0x0f; 32])
}

/// A STREAM frame; `last` ends the stream.
pub fn stream(id: u8, offset: u16, last: bool, data: &[u8]) -> Vec<u8> {
    let number = |n: u16| (0x4000 | n).to_be_bytes();
    [&[0x0e | u8::from(last), id][..], &number(offset), &number(data.len() as u16), data].concat()
}

/// A connection whose secrets are known: what its ends seal.
#[derive(Clone, Debug)]
pub struct Connection {
    version: u32,
    suite: Suite,
    random: [u8; 32],
    /// Connection ids by the end that chose them: the client's, the server's.
    ids: [Vec<u8>; 2],
    /// By sender: the traffic secret in use, its key phase, the last packet number.
    traffic: [Vec<u8>; 2],
    phase: [u8; 2],
    numbers: [u16; 2],
}

impl Connection {
    /// Both ends of a connection of `version` with connection ids of theirs; the secrets follow from `seed`.
    pub fn new(version: u32, suite: Suite, seed: u8, ids: [&[u8]; 2]) -> Self {
        let ids = ids.map(<[u8]>::to_vec);
        let mut new = Self {
            version,
            suite,
            random: [seed; 32],
            ids,
            traffic: Default::default(),
            phase: [0; 2],
            numbers: [0; 2],
        };
        new.traffic = [Dir::Orig, Dir::Resp].map(|dir| new.secret(dir, 1));
        new
    }

    /// The random of the client's hello.
    pub const fn random(&self) -> &[u8; 32] {
        &self.random
    }

    /// The secret of `level` (0: handshake, 1: traffic, 2: early data), some bytes that everybody can tell.
    fn secret(&self, dir: Dir, level: u8) -> Vec<u8> {
        vec![self.random[0] ^ (0x40 + level * 2 + u8::from(!dir.is_orig())); self.suite.secret_len()]
    }

    /// The lines of a key log (NSS format).
    pub fn key_log(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let line =
            |label: &str, dir, level| format!("{label} {} {}\n", hex(&self.random), hex(&self.secret(dir, level)));
        [
            line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", Dir::Orig, 0),
            line("SERVER_HANDSHAKE_TRAFFIC_SECRET", Dir::Resp, 0),
            line("CLIENT_TRAFFIC_SECRET_0", Dir::Orig, 1),
            line("SERVER_TRAFFIC_SECRET_0", Dir::Resp, 1),
            line("CLIENT_EARLY_TRAFFIC_SECRET", Dir::Orig, 2),
        ]
        .concat()
    }

    fn prefix(&self) -> &'static str {
        if self.version == V2 { "quicv2" } else { "quic" }
    }

    fn prk(&self, secret: &[u8]) -> Prk {
        Prk::new_less_safe(self.suite.hash(), secret)
    }

    fn long(&self, kind: u8, level: u8, dir: Dir, number: u16, frames: &[u8]) -> Vec<u8> {
        let [client, server] = &self.ids;
        let ids: [&[u8]; 2] = if dir.is_orig() { [server, client] } else { [client, server] };
        let kind = if self.version == V2 { (kind + 1) % 4 } else { kind };
        let content = [&number.to_be_bytes()[..], frames, &[0; 16]].concat();
        let mut header = long(0xc1 | kind << 4, self.version, ids, None, &content);
        header.truncate(header.len() - frames.len() - 16);
        let secret = self.prk(&self.secret(dir, level));
        seal(self.suite, self.prefix(), [&secret, &secret], header, 2, frames)
    }

    /// A Handshake packet.
    pub fn handshake(&self, dir: Dir, number: u16, frames: &[u8]) -> Vec<u8> {
        self.long(2, 0, dir, number, frames)
    }

    /// A 0-RTT packet of the client.
    pub fn early(&mut self, frames: &[u8]) -> Vec<u8> {
        self.numbers[0] += 1;
        self.long(1, 2, Dir::Orig, self.numbers[0], frames)
    }

    /// A 1-RTT packet, with the next number.
    pub fn short(&mut self, dir: Dir, frames: &[u8]) -> Vec<u8> {
        let i = dir.index();
        self.numbers[i] += 1;
        let [now, first] = [self.prk(&self.traffic[i]), self.prk(&self.secret(dir, 1))];
        let receiver = &self.ids[1 - i];
        let header = [&[0x41 | self.phase[i] << 2][..], receiver, &self.numbers[i].to_be_bytes()].concat();
        seal(self.suite, self.prefix(), [&now, &first], header, 2, frames)
    }

    /// From here on the sender of `dir` uses its next keys (RFC 9001 §6).
    pub fn update_keys(&mut self, dir: Dir) {
        let i = dir.index();
        let mut next = vec![0; self.traffic[i].len()];
        expand_into(&self.prk(&self.traffic[i]), &format!("{} ku", self.prefix()), &mut next);
        self.traffic[i] = next;
        self.phase[i] ^= 1;
    }
}
