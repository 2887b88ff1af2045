//! Names of versions, groups and alerts as Zeek's ssl.log shows them; numbers without a name are `unknown-N`.

use std::borrow::Cow;

/// Protocol versions (RFC 8446 §4.1.2, RFC 9147).
pub(crate) mod version {
    pub(crate) const SSL2: u16 = 0x0002;
    pub(crate) const SSL3: u16 = 0x0300;
    pub(crate) const TLS10: u16 = 0x0301;
    pub(crate) const TLS11: u16 = 0x0302;
    pub(crate) const TLS12: u16 = 0x0303;
    pub(crate) const TLS13: u16 = 0x0304;
    pub(crate) const DTLS10: u16 = 0xfeff;
    pub(crate) const DTLS12: u16 = 0xfefd;
    pub(crate) const DTLS13: u16 = 0xfefc;
}

/// Is `version` TLS 1.3 or one of its drafts?
pub(crate) const fn is_tls13(version: u16) -> bool {
    version == version::TLS13 || version == version::DTLS13 || version / 0xff == 0x7f
}

pub(crate) fn version_name(v: u16) -> Cow<'static, str> {
    Cow::Borrowed(match v {
        version::SSL2 => "SSLv2",
        version::SSL3 => "SSLv3",
        version::TLS10 => "TLSv10",
        version::TLS11 => "TLSv11",
        version::TLS12 => "TLSv12",
        version::TLS13 => "TLSv13",
        version::DTLS10 => "DTLSv10",
        version::DTLS12 => "DTLSv12",
        version::DTLS13 => "DTLSv13",
        _ if v / 0xff == 0x7f => return Cow::Owned(format!("TLSv13-draft{}", v % 0x7f)),
        _ => return unknown(v),
    })
}

fn unknown(n: u16) -> Cow<'static, str> {
    Cow::Owned(format!("unknown-{n}"))
}

/// Reserved values that clients send to keep servers tolerant (RFC 8701).
pub(crate) const fn is_grease(n: u16) -> bool {
    n & 0x0f0f == 0x0a0a && n >> 8 == n & 0xff
}

/// Groups 1 to 41 of IANA's registry, in its order.
const GROUPS: [&str; 41] = [
    "sect163k1",
    "sect163r1",
    "sect163r2",
    "sect193r1",
    "sect193r2",
    "sect233k1",
    "sect233r1",
    "sect239k1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
    "secp160k1",
    "secp160r1",
    "secp160r2",
    "secp192k1",
    "secp192r1",
    "secp224k1",
    "secp224r1",
    "secp256k1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "x25519",
    "x448",
    "brainpoolP256r1tls13",
    "brainpoolP384r1tls13",
    "brainpoolP512r1tls13",
    "GC256A",
    "GC256B",
    "GC256C",
    "GC256D",
    "GC512A",
    "GC512B",
    "GC512C",
    "curveSM2",
];

pub(crate) fn group_name(group: u16) -> Cow<'static, str> {
    if let Some(name) = usize::from(group).checked_sub(1).and_then(|i| GROUPS.get(i)) {
        return Cow::Borrowed(name);
    }
    Cow::Borrowed(match group {
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        4589 => "SecP384r1MLKEM1024",
        4590 => "curveSM2MLKEM768",
        16696 => "CECPQ2",
        25497 => "X25519Kyber768Draft00",
        25498 => "SecP256r1Kyber768Draft00",
        0xff01 => "arbitrary_explicit_prime_curves",
        0xff02 => "arbitrary_explicit_char2_curves",
        g if is_grease(g) => return Cow::Owned(format!("grease_0x{g:04X}")),
        g => return unknown(g),
    })
}

pub(crate) fn alert_name(description: u16) -> Cow<'static, str> {
    Cow::Borrowed(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        d => return unknown(d),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_groups_and_alerts() {
        assert_eq!(version_name(0x0303), "TLSv12");
        assert_eq!(version_name(0x7f10), "TLSv13-draft16");
        assert_eq!(version_name(0xfb1a), "unknown-64282");
        assert!(is_tls13(0x7f1c) && is_tls13(0x0304) && !is_tls13(0x0303) && !is_tls13(0xfb1a));
        assert_eq!(group_name(23), "secp256r1");
        assert_eq!(group_name(29), "x25519");
        assert_eq!(group_name(41), "curveSM2");
        assert_eq!(group_name(4588), "X25519MLKEM768");
        assert_eq!(group_name(0x2a2a), "grease_0x2A2A");
        assert_eq!(group_name(0), "unknown-0");
        assert_eq!(alert_name(40), "handshake_failure");
        assert_eq!(alert_name(200), "unknown-200");
    }

    #[test]
    fn grease_is_recognised() {
        let all = (0..=u16::MAX).filter(|&n| is_grease(n)).count();
        assert_eq!(all, 16);
        assert!(is_grease(0xfafa) && !is_grease(0x0a1a));
    }
}
