//! JA3 and JA3S (Salesforce, BSD licence) and JA4, the TLS client fingerprint (FoxIO, BSD licence). The other
//! fingerprints of the JA4+ family are under another licence and not here.

use super::message::{ClientHello, ServerHello, ext, u16s};
use super::names::{is_grease, version};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use std::fmt::Write as _;

/// JA3: MD5 of version, ciphers, extensions, groups and point formats in decimal, without GREASE.
pub(crate) fn ja3(h: &ClientHello<'_>) -> [u8; 16] {
    let mut text = String::with_capacity(256);
    let _ = write!(text, "{},", h.version);
    join(&mut text, u16s(h.ciphers));
    text.push(',');
    join(&mut text, h.extensions.iter().copied());
    text.push(',');
    join(&mut text, u16s(h.groups));
    text.push(',');
    join(&mut text, h.point_formats.iter().map(|&b| u16::from(b)));
    Md5::digest(text.as_bytes()).into()
}

/// JA3S: MD5 of version, cipher and extensions in decimal.
pub(crate) fn ja3s(h: &ServerHello<'_>) -> [u8; 16] {
    let mut text = format!("{},{},", h.version, h.cipher);
    join(&mut text, h.extensions.iter().copied());
    Md5::digest(text.as_bytes()).into()
}

fn join(text: &mut String, numbers: impl Iterator<Item = u16>) {
    let mut first = true;
    for n in numbers.filter(|&n| !is_grease(n)) {
        if !std::mem::take(&mut first) {
            text.push('-');
        }
        let _ = write!(text, "{n}");
    }
}

/// What carries the hello, JA4's first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// TCP: `t`.
    Tls,
    /// UDP with DTLS: `d`.
    Dtls,
}

/// JA4: readable head, hash of the sorted ciphers, hash of the sorted extensions with the signature algorithms.
pub(crate) fn ja4(h: &ClientHello<'_>, carrier: Carrier) -> String {
    let mut ciphers: Vec<u16> = u16s(h.ciphers).filter(|&c| !is_grease(c)).collect();
    let mut extensions: Vec<u16> = h.extensions.iter().copied().filter(|&e| !is_grease(e)).collect();
    let alpn = h.alpn.first().copied().unwrap_or(&[]);
    let mut out = String::with_capacity(36);
    let _ = write!(
        out,
        "{}{}{}{:02}{:02}{}_",
        match carrier {
            Carrier::Tls => 't',
            Carrier::Dtls => 'd',
        },
        ja4_version(h),
        if extensions.contains(&ext::SERVER_NAME) { 'd' } else { 'i' },
        ciphers.len().min(99),
        extensions.len().min(99),
        ja4_alpn(alpn),
    );
    ciphers.sort_unstable();
    out.push_str(&short_hash(&hex_list(ciphers.iter().copied())));
    out.push('_');
    extensions.retain(|&e| e != ext::SERVER_NAME && e != ext::ALPN);
    extensions.sort_unstable();
    let mut list = hex_list(extensions.iter().copied());
    let algorithms = hex_list(u16s(h.signature_algorithms.unwrap_or(&[])).filter(|&a| !is_grease(a)));
    if !list.is_empty() && !algorithms.is_empty() {
        list.push('_');
        list.push_str(&algorithms);
    }
    out.push_str(&short_hash(&list));
    out
}

/// Highest version offered.
pub(crate) fn offered_version(h: &ClientHello<'_>) -> u16 {
    let listed = u16s(h.supported_versions).filter(|&v| !is_grease(v));
    // DTLS versions count downwards.
    let best = if h.version >> 8 == 0xfe { listed.min() } else { listed.max() };
    best.unwrap_or(h.version)
}

fn ja4_version(h: &ClientHello<'_>) -> &'static str {
    match offered_version(h) {
        version::TLS13 => "13",
        version::TLS12 => "12",
        version::TLS11 => "11",
        version::TLS10 => "10",
        version::SSL3 => "s3",
        version::SSL2 => "s2",
        version::DTLS10 => "d1",
        version::DTLS12 => "d2",
        version::DTLS13 => "d3",
        _ => "00",
    }
}

/// First and last character of the first protocol; of its hex form if either is not alphanumeric.
fn ja4_alpn(protocol: &[u8]) -> String {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 15)
}

fn hex_list(numbers: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for n in numbers {
        let _ = write!(text, "{}{n:04x}", if text.is_empty() { "" } else { "," });
    }
    text
}

/// First twelve hex digits of SHA-256; zeros for nothing.
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(6).fold(String::with_capacity(12), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the JA4 specification: its ciphers, extensions and algorithms and the hashes it gives for them.
    #[test]
    fn ja4_of_the_specification() {
        let be = |list: &[u16]| list.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
        let ciphers = be(&[
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
            0x002f, 0x0035,
        ]);
        let algorithms = be(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]);
        let versions = be(&[0x0a0a, 0x0304, 0x0303]);
        let extensions = [
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01,
            0x000b, 0x000a, 0x0015, 0x3a3a,
        ];
        let h = ClientHello {
            version: 0x0303,
            ciphers: &ciphers,
            extensions: extensions.into_iter().collect(),
            alpn: [&b"h2"[..]].into_iter().collect(),
            signature_algorithms: Some(&algorithms),
            supported_versions: &versions,
            ..ClientHello::default()
        };
        assert_eq!(ja4(&h, Carrier::Tls), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert!(ja4(&h, Carrier::Dtls).starts_with("d13d"));
    }

    #[test]
    fn ja4_of_little() {
        let h = ClientHello { version: 0x0301, ciphers: &[0x0a, 0x0a], ..ClientHello::default() };
        assert_eq!(ja4(&h, Carrier::Tls), "t10i000000_000000000000_000000000000");
        assert_eq!(ja4_alpn(b"http/1.1"), "h1");
        assert_eq!(ja4_alpn(&[0xab]), "ab");
        assert_eq!(ja4_alpn(&[0x0a, 0x31, 0xcd]), "0d");
    }

    /// The example string of JA3's README: its hash is published there.
    #[test]
    fn ja3_of_the_readme() {
        let be = |list: &[u16]| list.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
        let ciphers = be(&[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99]);
        let h = ClientHello { version: 769, ciphers: &ciphers, ..ClientHello::default() };
        let hex: String = ja3(&h).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "de350869b8c85de67a350c8d186f11e6");
    }
}
