//! Names of numbers (MS-RDPBCGR §2.2.1), as Zeek writes them.

/// `name`, or `prefix` and the number.
fn or_number(name: Option<&'static str>, prefix: &str, n: u32) -> String {
    name.map_or_else(|| format!("{prefix}-{n}"), str::to_owned)
}

/// Security chosen (§2.2.1.2.1).
pub(super) fn security_protocol(n: u32) -> String {
    let name = match n {
        0 => Some("RDP"),
        1 => Some("SSL"),
        2 => Some("HYBRID"),
        8 => Some("HYBRID_EX"),
        _ => None,
    };
    or_number(name, "security_protocol", n)
}

/// Security offered, bit by bit (§2.2.1.1.1).
pub(super) fn requested_protocols(bits: u32) -> Vec<&'static str> {
    const NAMES: [(u32, &str); 5] = [(1, "SSL"), (2, "HYBRID"), (4, "RDSTLS"), (8, "HYBRID_EX"), (16, "RDSAAD")];
    if bits == 0 {
        return vec!["RDP"];
    }
    NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

/// Why the server refuses (§2.2.1.2.2).
pub(super) fn failure(n: u32) -> String {
    let name = match n {
        1 => Some("SSL_REQUIRED_BY_SERVER"),
        2 => Some("SSL_NOT_ALLOWED_BY_SERVER"),
        3 => Some("SSL_CERT_NOT_ON_SERVER"),
        4 => Some("INCONSISTENT_FLAGS"),
        5 => Some("HYBRID_REQUIRED_BY_SERVER"),
        6 => Some("SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"),
        _ => None,
    };
    or_number(name, "failure_code", n)
}

/// How the conference was created (T.124 §8.7).
pub(super) fn result(n: u8) -> String {
    let name = match n {
        0 => Some("Success"),
        1 => Some("User rejected"),
        2 => Some("Resources not available"),
        3 => Some("Rejected for symmetry breaking"),
        4 => Some("Locked conference"),
        _ => None,
    };
    or_number(name, "result", u32::from(n))
}

/// The client's version by its build.
pub(super) fn build(n: u32) -> String {
    let name = match n {
        419 => Some("RDP 4.0"),
        2195 | 2221 => Some("RDP 5.0"),
        2600 => Some("RDP 5.1"),
        3790 => Some("RDP 5.2"),
        6000 => Some("RDP 6.0"),
        6001 => Some("RDP 6.1"),
        6002 => Some("RDP 6.2"),
        7600 => Some("RDP 7.0"),
        7601 => Some("RDP 7.1"),
        9200 => Some("RDP 8.0"),
        9600 => Some("RDP 8.1"),
        25189 | 25282 => Some("RDP 8.0 (Mac)"),
        _ => None,
    };
    or_number(name, "client_build", n)
}

/// Colour depth (§2.2.1.3.2, highColorDepth).
pub(super) fn color_depth(n: u16) -> String {
    let name = match n {
        4 => Some("4bit"),
        8 => Some("8bit"),
        15 => Some("15bit"),
        16 => Some("16bit"),
        24 => Some("24bit"),
        _ => None,
    };
    or_number(name, "high_color_depth", u32::from(n))
}

/// Kind of certificate (§2.2.1.4.3.1).
pub(super) fn certificate(n: u32) -> String {
    let name = match n {
        1 => Some("RSA"),
        2 => Some("X.509"),
        _ => None,
    };
    or_number(name, "cert_type", n)
}

/// Method of RDP's own encryption (§2.2.1.4.3); Zeek knows FIPS by 10, the standard by 16.
pub(super) fn method(n: u32) -> String {
    let name = match n {
        0 => Some("None"),
        1 => Some("40bit"),
        2 => Some("128bit"),
        8 => Some("56bit"),
        10 | 16 => Some("FIPS"),
        _ => None,
    };
    or_number(name, "encryption_method", n)
}

/// Level of RDP's own encryption (§2.2.1.4.3).
pub(super) fn level(n: u32) -> String {
    let name = match n {
        0 => Some("None"),
        1 => Some("Low"),
        2 => Some("Client compatible"),
        3 => Some("High"),
        4 => Some("FIPS"),
        _ => None,
    };
    or_number(name, "encryption_level", n)
}
