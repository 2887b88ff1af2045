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

const V1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f,
    0x0a,
];
const V2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e,
    0xd9,
];
const DRAFT_22: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64,
    0x4a,
];
const DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5,
    0x02,
];
const DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8,
    0x99,
];
const Q050: [u8; 20] = [
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b,
    0x45,
];
const T050: [u8; 20] = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83,
    0x10,
];
const T051: [u8; 20] = [
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03,
    0x3d,
];

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
