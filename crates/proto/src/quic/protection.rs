//! Packet protection and its removal (RFC 9001 §5): Initial packets, whose keys anyone has who saw the client's first
//! connection id, and those whose secrets are known.

use super::packet::Packet;
use super::version::Profile;
use crate::handshake::keys::{Bulk, Suite, expand_label_by};
use ring::aead::{self, AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use smallvec::SmallVec;

/// Bytes of the sample that header protection is made from.
const SAMPLE_LEN: usize = 16;

/// Longest packet number; the sample is taken behind one.
const MAX_NUMBER_LEN: usize = 4;

/// Bits of the first byte that header protection covers: of long and of short headers (RFC 9001 §5.4.1).
const LONG_MASK: u8 = 0x0f;
const SHORT_MASK: u8 = 0x1f;
const LONG_BIT: u8 = 0x80;

/// Labels of a version (RFC 9001 §5.1, RFC 9369 §3.3.2).
struct Labels {
    key: &'static [u8],
    iv: &'static [u8],
    header: &'static [u8],
    update: &'static [u8],
}

const V1: Labels = Labels { key: b"quic key", iv: b"quic iv", header: b"quic hp", update: b"quic ku" };
const V2: Labels = Labels { key: b"quicv2 key", iv: b"quicv2 iv", header: b"quicv2 hp", update: b"quicv2 ku" };

const fn labels(v2: bool) -> &'static Labels {
    if v2 { &V2 } else { &V1 }
}

/// What protects payloads.
pub(super) struct Sealing {
    key: LessSafeKey,
    iv: [u8; 12],
}

/// Keys of one direction.
pub(super) struct Keys {
    pub(super) sealing: Sealing,
    pub(super) header: quic::HeaderProtectionKey,
}

/// A packet's header with its protection removed.
pub(super) struct Header {
    /// From the first byte to the end of the packet number.
    bytes: SmallVec<[u8; 64]>,
    /// The packet number as sent, and how many bytes it has.
    number: u32,
    number_len: usize,
}

impl Header {
    /// The key phase of a short header (RFC 9001 §6).
    pub(super) fn phase(&self) -> bool {
        self.bytes.first().is_some_and(|first| first & 4 != 0)
    }

    /// The whole packet number, with the largest one met so far (RFC 9000 §A.3).
    pub(super) fn number(&self, largest: Option<u64>) -> u64 {
        let window = 1u64 << (8 * self.number_len);
        let expected = largest.map_or(0, |n| n.saturating_add(1));
        let candidate = expected & !(window - 1) | u64::from(self.number);
        if candidate.saturating_add(window / 2) <= expected {
            candidate.saturating_add(window)
        } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
            candidate - window
        } else {
            candidate
        }
    }
}

/// Removes the protection of the header of `packet`, whose packet number begins at `number_at` (RFC 9001 §5.4).
pub(super) fn unmask(key: &quic::HeaderProtectionKey, packet: &[u8], number_at: usize) -> Option<Header> {
    let sample = packet.get(number_at + MAX_NUMBER_LEN..)?.get(..SAMPLE_LEN)?;
    let [mask_first, mask @ ..] = key.new_mask(sample).ok()?;
    let first = packet.first()?;
    let first = first ^ mask_first & if first & LONG_BIT != 0 { LONG_MASK } else { SHORT_MASK };
    let number_len = usize::from(first & 3) + 1;
    let mut bytes: SmallVec<[u8; 64]> = packet.get(..number_at + number_len)?.into();
    *bytes.first_mut()? = first;
    let mut number = 0;
    for (byte, mask) in bytes.get_mut(number_at..)?.iter_mut().zip(mask) {
        *byte ^= mask;
        number = number << 8 | u32::from(*byte);
    }
    Some(Header { bytes, number, number_len })
}

impl Sealing {
    fn new(algorithm: &'static aead::Algorithm, key: &[u8], iv: [u8; 12]) -> Option<Self> {
        Some(Self { key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?), iv })
    }

    /// Those that follow from a traffic secret.
    pub(super) fn derive(suite: &Suite, v2: bool, secret: &[u8]) -> Option<Self> {
        let algorithm = suite.aead()?;
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        let key = key.get_mut(..algorithm.key_len())?;
        suite.expand(secret, labels(v2).key, key)?;
        suite.expand(secret, labels(v2).iv, &mut iv)?;
        Self::new(algorithm, key, iv)
    }

    /// The frames of packet `number`, put into `plain`; false if it was not protected with these keys.
    pub(super) fn open(&self, packet: &[u8], header: &Header, number: u64, plain: &mut Vec<u8>) -> bool {
        let Some(payload) = packet.get(header.bytes.len()..) else { return false };
        plain.clear();
        plain.extend_from_slice(payload);
        let mut nonce = self.iv;
        nonce.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(n, s)| *n ^= s);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.key.open_in_place(nonce, Aad::from(&header.bytes), plain).map(|p| p.len());
        plain.truncate(len.unwrap_or(0));
        len.is_ok()
    }
}

/// The traffic secret after a key update (RFC 9001 §6.1).
pub(super) fn next_secret(suite: &Suite, v2: bool, secret: &[u8]) -> Option<Vec<u8>> {
    suite.next_secret_by(labels(v2).update, secret)
}

impl Keys {
    /// Keys of the Initial packets that the client (or, with false, the server) sends, from the client's first
    /// connection id.
    pub(super) fn initial(profile: &Profile, dcid: &[u8], client: bool) -> Option<Self> {
        let expand = |secret: &Prk, label: &[u8], out: &mut [u8]| expand_label_by(secret, label, out);
        let (mut secret, mut key, mut iv, mut header) = ([0; 32], [0; 16], [0; 12], [0; 16]);
        let first: &[u8] = if client { b"client in" } else { b"server in" };
        expand(&Salt::new(HKDF_SHA256, &profile.salt).extract(dcid), first, &mut secret)?;
        let secret = Prk::new_less_safe(HKDF_SHA256, &secret);
        let labels = labels(profile.v2);
        expand(&secret, labels.key, &mut key)?;
        expand(&secret, labels.iv, &mut iv)?;
        expand(&secret, labels.header, &mut header)?;
        Some(Self {
            sealing: Sealing::new(&AES_128_GCM, &key, iv)?,
            header: quic::HeaderProtectionKey::new(&quic::AES_128, &header).ok()?,
        })
    }

    /// Those that follow from a traffic secret.
    pub(super) fn derive(suite: &Suite, v2: bool, secret: &[u8]) -> Option<Self> {
        let algorithm = match suite.bulk {
            Bulk::Gcm(algorithm) if algorithm.key_len() == 16 => &quic::AES_128,
            Bulk::Gcm(_) => &quic::AES_256,
            Bulk::ChaCha => &quic::CHACHA20,
            Bulk::Cbc { .. } => return None,
        };
        let mut header = [0; 32];
        let header = header.get_mut(..algorithm.key_len())?;
        suite.expand(secret, labels(v2).header, header)?;
        let header = quic::HeaderProtectionKey::new(algorithm, header).ok()?;
        Some(Self { sealing: Sealing::derive(suite, v2, secret)?, header })
    }

    /// The frames of an Initial packet; `None` if it was not protected with these keys. The packet number is taken as
    /// sent: nobody sends so many Initial packets that it is cut.
    pub(super) fn open(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        self.open_next(packet, None, &mut plain).map(|_| plain)
    }

    /// Puts the frames of a packet with a long header into `plain`; `largest` is the largest packet number met so far.
    /// Gives back its number; `None` if it was not protected with these keys.
    pub(super) fn open_next(&self, packet: &Packet<'_>, largest: Option<u64>, plain: &mut Vec<u8>) -> Option<u64> {
        let header = unmask(&self.header, packet.bytes, packet.number_at)?;
        let number = header.number(largest);
        self.sealing.open(packet.bytes, &header, number, plain).then_some(number)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::version;
    use super::*;

    /// The inverse of [`Keys::open`]: an Initial packet of version `version` with `frames` in it.
    pub(crate) fn seal(
        version: u32,
        key_dcid: &[u8],
        ids: [&[u8]; 2],
        client: bool,
        number: u8,
        frames: &[u8],
    ) -> Vec<u8> {
        let profile = version::profile(version).unwrap();
        let keys = Keys::initial(&profile, key_dcid, client).unwrap();
        let first = if profile.v2 { 0xd0 } else { 0xc0 };
        let mut header = [&[first][..], &version.to_be_bytes()].concat();
        for id in ids {
            header.push(id.len() as u8);
            header.extend(id);
        }
        header.push(0);
        header.extend((0x4000 | (1 + frames.len() + 16) as u16).to_be_bytes());
        let at = header.len();
        header.push(number);
        let mut nonce = keys.sealing.iv;
        nonce[11] ^= number;
        let mut payload = frames.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.sealing.key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut payload).unwrap();
        let mut packet = [header, payload].concat();
        let mask = keys.header.new_mask(&packet[at + 4..at + 20]).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        packet[at] ^= mask[1];
        packet
    }

    /// A packet whose header ends with `number` in two bytes, with `frames` in it.
    pub(crate) fn seal_with(keys: &Keys, head: &[u8], number: u16, frames: &[u8]) -> Vec<u8> {
        let mut header = [head, &number.to_be_bytes()].concat();
        header[0] |= 1;
        let mut nonce = keys.sealing.iv;
        nonce[10..].iter_mut().zip(number.to_be_bytes()).for_each(|(n, s)| *n ^= s);
        let mut payload = frames.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.sealing.key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut payload).unwrap();
        let mut packet = [header, payload].concat();
        let at = head.len();
        let mask = keys.header.new_mask(&packet[at + 4..at + 20]).unwrap();
        packet[0] ^= mask[0] & if head[0] & LONG_BIT != 0 { LONG_MASK } else { SHORT_MASK };
        packet[at] ^= mask[1];
        packet[at + 1] ^= mask[2];
        packet
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The secrets of RFC 9001 §A.1 and RFC 9369 §A.1, and the client's Initial's mask of RFC 9001 §A.2.
    #[test]
    fn keys_of_the_standards() {
        let dcid = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let client = Keys::initial(&version::profile(1).unwrap(), &dcid, true).unwrap();
        assert_eq!(hex(&client.sealing.iv), "fa044b2f42a3fd3b46fb255c");
        let sample = [0xd1, 0xb1, 0xc9, 0x8d, 0xd7, 0x68, 0x9f, 0xb8, 0xec, 0x11, 0xd2, 0x42, 0xb1, 0x23, 0xdc, 0x9b];
        assert_eq!(hex(&client.header.new_mask(&sample).unwrap()), "437b9aec36");
        let server = Keys::initial(&version::profile(1).unwrap(), &dcid, false).unwrap();
        assert_eq!(hex(&server.sealing.iv), "0ac1493ca1905853b0bba03e");
        let v2 = Keys::initial(&version::profile(0x6b33_43cf).unwrap(), &dcid, true).unwrap();
        assert_eq!(hex(&v2.sealing.iv), "91f73e2351d8fa91660e909f");
    }

    #[test]
    fn opens_what_was_sealed_and_nothing_else() {
        let frames = [&[6, 0, 4][..], b"abcd", &[0; 40]].concat();
        for version in [1, 0x6b33_43cf, 0xff00_001d, 0xface_b002] {
            let mut bytes = seal(version, b"original", [b"other", b"me"], true, 7, &frames);
            let keys = Keys::initial(&version::profile(version).unwrap(), b"original", true).unwrap();
            assert_eq!(keys.open(&Packet::parse(&bytes).unwrap()).unwrap(), frames);
            let server = Keys::initial(&version::profile(version).unwrap(), b"original", false).unwrap();
            assert!(server.open(&Packet::parse(&bytes).unwrap()).is_none());
            *bytes.last_mut().unwrap() ^= 1;
            assert!(keys.open(&Packet::parse(&bytes).unwrap()).is_none());
        }
    }

    fn bytes(text: &str) -> Vec<u8> {
        let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        text.chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap()).collect()
    }

    /// The packets with short headers of RFC 9001 §A.5 and RFC 9369 §A.5: ChaCha20-Poly1305, both with one PING.
    #[test]
    fn opens_the_short_packets_of_the_standards() {
        let secret = bytes("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
        let suite = crate::handshake::keys::suite(0x1303).unwrap();
        for (v2, iv, next, packet) in [
            (
                false,
                "e0459b3474bdd0e44a41c144",
                "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
                "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
            ),
            (
                true,
                "a6b5bc6ab7dafce30ffff5dd",
                "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
                "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
            ),
        ] {
            let keys = Keys::derive(&suite, v2, &secret).unwrap();
            assert_eq!(hex(&keys.sealing.iv), iv);
            assert_eq!(next_secret(&suite, v2, &secret).unwrap(), bytes(next));
            let packet = bytes(packet);
            let header = unmask(&keys.header, &packet, 1).unwrap();
            assert_eq!((header.number, header.number_len, header.phase()), (0xbff4, 3, false));
            let number = header.number(Some(654_360_563));
            assert_eq!(number, 654_360_564);
            let mut plain = Vec::new();
            assert!(keys.sealing.open(&packet, &header, number, &mut plain));
            assert_eq!(plain, [1]);
            assert!(!keys.sealing.open(&packet, &header, number + 1, &mut plain));
            assert!(plain.is_empty());
        }
    }

    #[test]
    fn whole_packet_numbers() {
        let number =
            |number, number_len, largest| Header { bytes: SmallVec::new(), number, number_len }.number(largest);
        // RFC 9000 §A.3.
        assert_eq!(number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(number(0xff, 1, None), 0xff);
        assert_eq!(number(0xff, 1, Some(0x100)), 0xff);
        assert_eq!(number(0, 1, Some(0xff)), 0x100);
        assert_eq!(number(u32::MAX, 4, Some(u64::MAX - 1)), u64::MAX);
    }
}
