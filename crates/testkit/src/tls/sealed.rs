//! Sessions of TLS 1.3 whose secrets are told in a key log, so that what is said within can be read.

use super::{Client, client_hello, record, server_hello};
use crate::Dir;
use crate::der::{int, nth, octets, seq, tlv};
use crate::quic;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk};

/// Most bytes of a record.
const MAX_PLAIN_LEN: usize = 16_000;

/// One direction with one secret.
#[derive(Debug)]
struct Sealer {
    key: LessSafeKey,
    iv: [u8; 12],
    number: u64,
}

impl Sealer {
    fn new(secret: &[u8; 32]) -> Self {
        let secret = Prk::new_less_safe(HKDF_SHA256, secret);
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        quic::expand_into(&secret, "key", &mut key);
        quic::expand_into(&secret, "iv", &mut iv);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("the key's length"));
        Self { key, iv, number: 0 }
    }

    /// A record that hides content of this kind (RFC 8446 §5.2).
    fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(self.number.to_be_bytes()).for_each(|(n, b)| *n ^= b);
        self.number += 1;
        let mut body = [plain, &[kind]].concat();
        let head = [&[23, 3, 3][..], &((body.len() + 16) as u16).to_be_bytes()].concat();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(head), &mut body).expect("a short record");
        record(23, &body)
    }
}

/// A session with TLS_AES_128_GCM_SHA256.
#[derive(Debug)]
pub struct Sealed {
    random: [u8; 32],
    /// Of the handshake, client and server; of the data behind it, client and server.
    secrets: [[u8; 32]; 4],
    data: [Sealer; 2],
}

impl Sealed {
    /// A session with these secrets; `random` is the client's, and no two sessions have the same.
    pub fn new(random: [u8; 32], secrets: [[u8; 32]; 4]) -> Self {
        let data = [Sealer::new(&secrets[2]), Sealer::new(&secrets[3])];
        Self { random, secrets, data }
    }

    /// The lines of a key log (NSS format).
    pub fn key_log(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let labels = [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
        ];
        let line = |(label, secret): (&str, &[u8; 32])| format!("{label} {} {}\n", hex(&self.random), hex(secret));
        labels.into_iter().zip(&self.secrets).map(line).collect()
    }

    /// What client, server and client say until data may follow. The first cipher suite that `client` offers is that of the
    /// session; the first protocol of its ALPN is chosen.
    pub fn handshake(&self, client: &Client, sni: &str, certificates: &[&[u8]]) -> [Vec<u8>; 3] {
        assert_eq!(client.ciphers.first(), Some(&0x1301), "TLS_AES_128_GCM_SHA256");
        let [ours, theirs] = [&self.secrets[0], &self.secrets[1]].map(Sealer::new);
        let protocol = client.alpn.first().copied().unwrap_or("http/1.1");
        let flight = { theirs }.seal(22, &quic::server_flight(protocol, certificates));
        let hello = server_hello(client, &self.secrets[1], &self.random);
        let finished = [record(20, &[1]), { ours }.seal(22, &quic::finished())].concat();
        [client_hello(client, sni, &self.random), [hello, record(20, &[1]), flight].concat(), finished]
    }

    /// Records in which one side says this.
    pub fn data(&mut self, dir: Dir, bytes: &[u8]) -> Vec<u8> {
        let sealer = &mut self.data[dir.index()];
        bytes.chunks(MAX_PLAIN_LEN).flat_map(|part| sealer.seal(23, part)).collect()
    }
}

/// A certificate for these names, by an authority that nobody knows (RFC 5280); its signature fits nothing.
pub fn certificate(names: &[&str]) -> Vec<u8> {
    const ECDSA_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const EC_KEY: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
    const ALT_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];
    let oid = |bytes: &[u8]| tlv(6, bytes);
    let bits = |bytes: &[u8]| tlv(3, &[&[0], bytes].concat());
    let called = |name: &str| seq(&[tlv(0x31, &seq(&[oid(&COMMON_NAME), tlv(12, name.as_bytes())]))]);
    let signed = || seq(&[oid(&ECDSA_SHA256)]);
    let subject = names.first().copied().unwrap_or("none");
    let valid = seq(&[tlv(23, b"260101000000Z"), tlv(23, b"270131000000Z")]);
    let mut point = vec![4];
    point.extend((0..64u8).map(|i| i ^ subject.bytes().fold(7, |h: u8, b| h.wrapping_mul(31) ^ b)));
    let key = seq(&[seq(&[oid(&EC_KEY), oid(&P256)]), bits(&point)]);
    let alternatives: Vec<Vec<u8>> = names.iter().map(|n| tlv(0x82, n.as_bytes())).collect();
    let extensions = seq(&[seq(&[oid(&ALT_NAMES), octets(&seq(&alternatives))])]);
    let serial = int(names.iter().flat_map(|n| n.bytes()).fold(1, |h: u32, b| h.wrapping_mul(131) ^ u32::from(b)));
    let issuer = called("Example Authority");
    let body = seq(&[nth(0, &int(2)), serial, signed(), issuer, valid, called(subject), key, nth(3, &extensions)]);
    let numbers = [int(0x1357_9bdf), int(0x0246_8ace)];
    seq(&[body, signed(), bits(&seq(&numbers))])
}
