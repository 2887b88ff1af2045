//! Versions of QUIC: what they are called, how their Initial packets are protected, what their handshake is.

/// What a version's Initial packets are protected with (RFC 9001 §5.2), and what they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub salt: [u8; 20],
    /// Labels and packet types of version 2 (RFC 9369 §3).
    pub v2: bool,
    /// Google's numbers of frame types.
    pub google_frames: bool,
    /// Google's handshake instead of TLS.
    pub google_hello: bool,
}

/// Version negotiation (RFC 9000 §17.2.1).
pub(super) const NEGOTIATION: u32 = 0;

/// Version 2 (RFC 9369 §3.1).
const VERSION_2: u32 = 0x6b33_43cf;

const V1: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const V2: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
const DRAFT_22: [u8; 20] = *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
const DRAFT_23: [u8; 20] = *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const DRAFT_29: [u8; 20] = *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const Q050: [u8; 20] = *b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
const T050: [u8; 20] = *b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
const T051: [u8; 20] = *b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";

/// How packets of `version` are read; `None` if the version is unknown.
pub(super) fn profile(version: u32) -> Option<Profile> {
    const Q050_VERSION: u32 = u32::from_be_bytes(*b"Q050");
    const T050_VERSION: u32 = u32::from_be_bytes(*b"T050");
    const T051_VERSION: u32 = u32::from_be_bytes(*b"T051");
    let salt = match version {
        0x0000_0001 | 0xff00_0021 | 0xff00_0022 | 0xface_b003 | 0xface_b004 => V1,
        VERSION_2 => V2,
        0xff00_001d..=0xff00_0020 => DRAFT_29,
        0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e | 0xface_b010..=0xface_b015 => DRAFT_23,
        0xff00_0016 | 0xface_b001 => DRAFT_22,
        Q050_VERSION => Q050,
        T050_VERSION => T050,
        T051_VERSION => T051,
        _ => return None,
    };
    let google_frames = matches!(version, Q050_VERSION | T050_VERSION | T051_VERSION);
    Some(Profile { salt, v2: version == VERSION_2, google_frames, google_hello: version == Q050_VERSION })
}

/// Google's versions up to Q049: packets in clear up to the end of the handshake.
pub(super) fn is_google_clear(version: u32) -> bool {
    matches!(version.to_be_bytes(), [b'Q', b'0', b'0'..=b'4', b'0'..=b'9'])
}

/// A version that is only there to make the other end negotiate (RFC 9000 §15).
pub(super) const fn forces_negotiation(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// Zeek's name of a version.
pub(super) fn name(version: u32) -> String {
    match version {
        0x0000_0001 => "1".to_owned(),
        VERSION_2 => "quicv2".to_owned(),
        0xff00_0016..=0xff00_0022 => format!("draft-{}", version & 0xff),
        0xface_b000..=0xface_b0ff if profile(version).is_some() => format!("mvfst ({version:x})"),
        _ => match version.to_be_bytes() {
            [q @ (b'Q' | b'T'), b'0', a @ b'0'..=b'9', b @ b'0'..=b'9'] => {
                [q, b'0', a, b].into_iter().map(char::from).collect()
            }
            _ => format!("unknown-{version:x}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_zeek_does() {
        for (version, want) in [
            (1, "1"),
            (0x6b33_43cf, "quicv2"),
            (0xff00_001d, "draft-29"),
            (0xface_b002, "mvfst (faceb002)"),
            (0x5130_3433, "Q043"),
            (0x1001_0000, "unknown-10010000"),
            (0, "unknown-0"),
        ] {
            assert_eq!(name(version), want);
        }
        assert!(forces_negotiation(0x1a2a_3a4a) && !forces_negotiation(1));
        assert!(is_google_clear(0x5130_3436) && !is_google_clear(0x5130_3530));
    }
}
