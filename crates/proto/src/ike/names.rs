//! Names of exchanges and algorithms (IANA: IPsec registry for version 1, IKEv2 parameters for version 2).

/// An exchange's name.
pub fn exchange(n: u8) -> &'static str {
    match n {
        1 => "base",
        2 => "main",
        3 => "authentication-only",
        4 => "aggressive",
        5 => "informational-v1",
        6 => "transaction",
        32 => "quick",
        33 => "new-group",
        34 => "IKE_SA_INIT",
        35 => "IKE_AUTH",
        36 => "CREATE_CHILD_SA",
        37 => "INFORMATIONAL",
        38 => "IKE_SESSION_RESUME",
        43 => "IKE_INTERMEDIATE",
        44 => "IKE_FOLLOWUP_KE",
        _ => "other",
    }
}

/// An encryption algorithm's name with its key length.
pub fn encryption(is_v2: bool, n: u16, bits: Option<u16>) -> String {
    let name = match (is_v2, n) {
        (false, 1) | (true, 2) => "DES-CBC",
        (false, 5) | (true, 3) => "3DES-CBC",
        (false, 6) => "CAST-CBC",
        (false, 7) | (true, 12) => "AES-CBC",
        (true, 13) => "AES-CTR",
        (true, 14..=16) => "AES-CCM",
        (true, 18..=20) => "AES-GCM",
        (true, 23) | (false, 8) => "Camellia-CBC",
        (true, 28) => "ChaCha20-Poly1305",
        (true, 11) => "NULL",
        _ => return format!("unknown-{n}"),
    };
    bits.map_or_else(|| name.to_owned(), |bits| format!("{name}-{bits}"))
}

/// A hash (version 1) or an integrity algorithm (version 2).
pub fn integrity(is_v2: bool, n: u16) -> String {
    let name = match (is_v2, n) {
        (false, 1) => "MD5",
        (false, 2) => "SHA1",
        (false, 4) => "SHA2-256",
        (false, 5) => "SHA2-384",
        (false, 6) => "SHA2-512",
        (true, 0) => "none",
        (true, 1) => "HMAC-MD5-96",
        (true, 2) => "HMAC-SHA1-96",
        (true, 5) => "AES-XCBC-96",
        (true, 12) => "HMAC-SHA2-256-128",
        (true, 13) => "HMAC-SHA2-384-192",
        (true, 14) => "HMAC-SHA2-512-256",
        _ => return format!("unknown-{n}"),
    };
    name.to_owned()
}

/// A pseudo-random function of version 2.
pub fn prf(n: u16) -> String {
    let name = match n {
        1 => "HMAC-MD5",
        2 => "HMAC-SHA1",
        4 => "AES128-XCBC",
        5 => "HMAC-SHA2-256",
        6 => "HMAC-SHA2-384",
        7 => "HMAC-SHA2-512",
        _ => return format!("unknown-{n}"),
    };
    name.to_owned()
}

/// A Diffie-Hellman group or key encapsulation.
pub fn group(n: u16) -> String {
    let name = match n {
        1 => "MODP-768",
        2 => "MODP-1024",
        5 => "MODP-1536",
        14 => "MODP-2048",
        15 => "MODP-3072",
        16 => "MODP-4096",
        17 => "MODP-6144",
        18 => "MODP-8192",
        19 => "ECP-256",
        20 => "ECP-384",
        21 => "ECP-521",
        31 => "Curve25519",
        32 => "Curve448",
        35 => "ML-KEM-512",
        36 => "ML-KEM-768",
        37 => "ML-KEM-1024",
        _ => return format!("group-{n}"),
    };
    name.to_owned()
}

/// How the ends of version 1 prove who they are.
pub fn authentication(n: u16) -> String {
    let name = match n {
        1 => "pre-shared-key",
        2 => "DSS",
        3 => "RSA",
        4 | 5 => "RSA-encryption",
        64221 | 64222 => "hybrid-RSA",
        65001 | 65002 => "XAUTH-pre-shared-key",
        65005 | 65006 => "XAUTH-RSA",
        _ => return format!("unknown-{n}"),
    };
    name.to_owned()
}
