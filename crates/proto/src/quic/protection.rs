//! Keys of Initial packets and their removal (RFC 9001 §5): anyone who saw the client's first connection id has them.

use super::packet::Packet;
use super::version::Profile;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

/// Longest label of HKDF-Expand-Label here, with all around it.
const MAX_INFO_LEN: usize = 32;

/// Bytes of the sample that header protection is made from.
const SAMPLE_LEN: usize = 16;

/// Longest packet number; the sample is taken behind one.
const MAX_NUMBER_LEN: usize = 4;

/// Keys of one direction.
pub(super) struct Keys {
    aead: LessSafeKey,
    iv: [u8; 12],
    header: quic::HeaderProtectionKey,
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand<const N: usize>(secret: &Prk, label: &str) -> Option<[u8; N]> {
    let mut info = Vec::with_capacity(MAX_INFO_LEN);
    info.extend(u16::try_from(N).ok()?.to_be_bytes());
    info.push(u8::try_from(6 + label.len()).ok()?);
    info.extend(b"tls13 ");
    info.extend(label.as_bytes());
    info.push(0);
    let mut out = [0; N];
    secret.expand(&[&info], Len(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

impl Keys {
    /// Keys of the packets that the client (or, with false, the server) sends, from the client's first connection id.
    pub(super) fn initial(profile: &Profile, dcid: &[u8], client: bool) -> Option<Self> {
        let secret = Salt::new(HKDF_SHA256, &profile.salt).extract(dcid);
        let secret: [u8; 32] = expand(&secret, if client { "client in" } else { "server in" })?;
        let secret = Prk::new_less_safe(HKDF_SHA256, &secret);
        let [key, iv, header] =
            if profile.v2 { ["quicv2 key", "quicv2 iv", "quicv2 hp"] } else { ["quic key", "quic iv", "quic hp"] };
        let key: [u8; 16] = expand(&secret, key)?;
        let header: [u8; 16] = expand(&secret, header)?;
        Some(Self {
            aead: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?),
            iv: expand(&secret, iv)?,
            header: quic::HeaderProtectionKey::new(&quic::AES_128, &header).ok()?,
        })
    }

    /// The frames of a packet; `None` if it was not protected with these keys. The packet number is taken as sent:
    /// nobody sends so many Initial packets that it is cut.
    pub(super) fn open(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let at = packet.number_at;
        let sample = packet.bytes.get(at + MAX_NUMBER_LEN..at + MAX_NUMBER_LEN + SAMPLE_LEN)?;
        let [mask_first, mask @ ..] = self.header.new_mask(sample).ok()?;
        let first = packet.bytes.first()? ^ mask_first & 0x0f;
        let number_len = usize::from(first & 3) + 1;
        let mut header = packet.bytes.get(..at + number_len)?.to_vec();
        *header.first_mut()? = first;
        let mut nonce = self.iv;
        let number = header.get_mut(at..)?;
        for (byte, mask) in number.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        for (iv, byte) in nonce.iter_mut().rev().zip(number.iter().rev()) {
            *iv ^= byte;
        }
        let mut payload = packet.bytes.get(at + number_len..)?.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.aead.open_in_place(nonce, Aad::from(&header), &mut payload).ok()?.len();
        payload.truncate(len);
        Some(payload)
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
        let mut nonce = keys.iv;
        nonce[11] ^= number;
        let mut payload = frames.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.aead.seal_in_place_append_tag(nonce, Aad::from(&header), &mut payload).unwrap();
        let mut packet = [header, payload].concat();
        let mask = keys.header.new_mask(&packet[at + 4..at + 20]).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        packet[at] ^= mask[1];
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
        assert_eq!(hex(&client.iv), "fa044b2f42a3fd3b46fb255c");
        let sample = [0xd1, 0xb1, 0xc9, 0x8d, 0xd7, 0x68, 0x9f, 0xb8, 0xec, 0x11, 0xd2, 0x42, 0xb1, 0x23, 0xdc, 0x9b];
        assert_eq!(hex(&client.header.new_mask(&sample).unwrap()), "437b9aec36");
        let server = Keys::initial(&version::profile(1).unwrap(), &dcid, false).unwrap();
        assert_eq!(hex(&server.iv), "0ac1493ca1905853b0bba03e");
        let v2 = Keys::initial(&version::profile(0x6b33_43cf).unwrap(), &dcid, true).unwrap();
        assert_eq!(hex(&v2.iv), "91f73e2351d8fa91660e909f");
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
}
