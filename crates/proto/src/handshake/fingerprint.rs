//! JA3 and JA3S (Salesforce, BSD licence) and JA4, the TLS client fingerprint (FoxIO, BSD licence). The other
//! fingerprints of the JA4+ family are under another licence and not here.

use super::message::{ClientHello, ServerHello, ext, u16s};
use super::names::{is_grease, version};
use crate::memo::Memo;
use md5::{Digest as _, Md5};
use sekisho_types::seeded_hash;
use sha2::Sha256;

/// Fingerprints of the clients that came lately: most connections are of a few programs, and a fingerprint costs
/// three digests.
static CLIENTS: Memo<([u8; 16], String)> = Memo::new();

/// Room for what the fingerprints of a usual hello are made of.
const USUAL_LEN: usize = 512;

/// JA3 and JA4.
pub(crate) fn client(h: &ClientHello<'_>, carrier: Carrier) -> ([u8; 16], String) {
    let essence = essence(h, carrier);
    CLIENTS.get(seeded_hash(0, &essence), &essence, || (ja3(h), ja4(h, carrier, false)))
}

/// JA3 and JA4 as Suricata has them: it writes the underscore before signature algorithms even if there are none.
pub(crate) fn client_in_suricata(h: &ClientHello<'_>, carrier: Carrier) -> ([u8; 16], String) {
    let (ja3, usual) = client(h, carrier);
    let has_algorithms = h.signature_algorithms.is_some_and(|list| u16s(list).any(|a| !is_grease(a)));
    (ja3, if has_algorithms { usual } else { ja4(h, carrier, true) })
}

/// All that goes into the fingerprints of a hello: lists of numbers without GREASE, which therefore can stand between
/// them.
fn essence(h: &ClientHello<'_>, carrier: Carrier) -> Vec<u8> {
    let mut text = Vec::with_capacity(USUAL_LEN);
    text.push(carrier as u8);
    text.extend_from_slice(&h.version.to_be_bytes());
    let mut add = |n: u16| text.extend_from_slice(&n.to_be_bytes());
    u16s(h.ciphers).filter(|&n| !is_grease(n)).for_each(&mut add);
    add(GREASE);
    h.extensions.iter().copied().filter(|&n| !is_grease(n)).for_each(&mut add);
    add(GREASE);
    u16s(h.groups).filter(|&n| !is_grease(n)).for_each(&mut add);
    add(GREASE);
    u16s(h.signature_algorithms.unwrap_or(&[])).filter(|&n| !is_grease(n)).for_each(&mut add);
    add(GREASE);
    u16s(h.supported_versions).filter(|&n| !is_grease(n)).for_each(&mut add);
    add(GREASE);
    h.point_formats.iter().for_each(|&n| add(n.into()));
    add(GREASE);
    text.extend_from_slice(h.alpn.first().copied().unwrap_or(&[]));
    text
}

/// One of the reserved values.
const GREASE: u16 = 0x0a0a;

/// JA3: MD5 of [`ja3_text`].
fn ja3(h: &ClientHello<'_>) -> [u8; 16] {
    Md5::digest(ja3_text(h)).into()
}

/// Version, ciphers, extensions, groups and point formats in decimal, without GREASE.
pub(crate) fn ja3_text(h: &ClientHello<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    decimal(&mut text, h.version);
    text.push(b',');
    join(&mut text, u16s(h.ciphers));
    text.push(b',');
    join(&mut text, h.extensions.iter().copied());
    text.push(b',');
    join(&mut text, u16s(h.groups));
    text.push(b',');
    join(&mut text, h.point_formats.iter().map(|&b| u16::from(b)));
    text
}

/// JA3S: MD5 of [`ja3s_text`].
pub(crate) fn ja3s(h: &ServerHello<'_>) -> [u8; 16] {
    Md5::digest(ja3s_text(h)).into()
}

/// Version, cipher and extensions in decimal.
pub(crate) fn ja3s_text(h: &ServerHello<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    decimal(&mut text, h.version);
    text.push(b',');
    decimal(&mut text, h.cipher);
    text.push(b',');
    join(&mut text, h.extensions.iter().copied());
    text
}

fn join(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    let mut first = true;
    for n in numbers.filter(|&n| !is_grease(n)) {
        if !std::mem::take(&mut first) {
            text.push(b'-');
        }
        decimal(text, n);
    }
}

/// `n` without leading zeros. By hand, as a hello has a hundred numbers and `fmt` costs 300 instructions for each.
fn decimal(text: &mut Vec<u8>, n: u16) {
    let [_, low] = n.to_be_bytes();
    if n < 10 {
        return text.push(b'0' + low);
    }
    let digit = |divisor: u16| {
        let [_, low] = (n / divisor % 10).to_be_bytes();
        b'0' + low
    };
    let digits = [digit(10_000), digit(1000), digit(100), digit(10), digit(1)];
    let zeros = digits.iter().take_while(|&&d| d == b'0').count();
    text.extend_from_slice(digits.get(zeros..).unwrap_or(&[]));
}

/// What carries the hello, JA4's first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// TCP: `t`.
    Tls,
    /// UDP with DTLS: `d`.
    Dtls,
    /// QUIC: `q`.
    Quic,
}

/// JA4: readable head, hash of the sorted ciphers, hash of the sorted extensions with the signature algorithms, `joined`
/// even if there are none.
fn ja4(h: &ClientHello<'_>, carrier: Carrier, joined: bool) -> String {
    let mut ciphers: Vec<u16> = u16s(h.ciphers).filter(|&c| !is_grease(c)).collect();
    let mut extensions: Vec<u16> = h.extensions.iter().copied().filter(|&e| !is_grease(e)).collect();
    let alpn = h.alpn.first().copied().unwrap_or(&[]);
    let mut out = String::with_capacity(36);
    out.push(match carrier {
        Carrier::Tls => 't',
        Carrier::Dtls => 'd',
        Carrier::Quic => 'q',
    });
    out.push_str(ja4_version(h));
    out.push(if extensions.contains(&ext::SERVER_NAME) { 'd' } else { 'i' });
    push_count(&mut out, ciphers.len());
    push_count(&mut out, extensions.len());
    out.push_str(&ja4_alpn(alpn));
    out.push('_');
    ciphers.sort_unstable();
    let mut list = Vec::with_capacity(512);
    hex_list(&mut list, ciphers.iter().copied());
    push_short_hash(&mut out, &list);
    out.push('_');
    extensions.retain(|&e| e != ext::SERVER_NAME && e != ext::ALPN);
    extensions.sort_unstable();
    list.clear();
    hex_list(&mut list, extensions.iter().copied());
    let mut algorithms = u16s(h.signature_algorithms.unwrap_or(&[])).filter(|&a| !is_grease(a)).peekable();
    if joined || !list.is_empty() && algorithms.peek().is_some() {
        list.push(b'_');
        hex_list(&mut list, algorithms);
    }
    push_short_hash(&mut out, &list);
    out
}

/// Two decimal digits, at most 99.
fn push_count(out: &mut String, count: usize) {
    let count = u8::try_from(count).map_or(99, |n| n.min(99));
    out.push(char::from(b'0' + count / 10));
    out.push(char::from(b'0' + count % 10));
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

/// Adds `numbers` in four hex digits each, with commas between them.
fn hex_list(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    let mut first = true;
    for n in numbers {
        let [high, low] = n.to_be_bytes();
        let ([a, b], [c, d]) = (hex(high), hex(low));
        let item = [b',', a, b, c, d];
        text.extend_from_slice(if std::mem::take(&mut first) { &item[1..] } else { &item });
    }
}

fn hex(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|n| if n < 10 { b'0' + n } else { b'a' + n - 10 })
}

/// Adds the first twelve hex digits of SHA-256; zeros for nothing.
fn push_short_hash(out: &mut String, text: &[u8]) {
    if text.is_empty() {
        return out.push_str("000000000000");
    }
    for &byte in Sha256::digest(text).iter().take(6) {
        let [a, b] = hex(byte);
        out.push(char::from(a));
        out.push(char::from(b));
    }
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
        assert_eq!(ja4(&h, Carrier::Tls, false), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert!(ja4(&h, Carrier::Dtls, false).starts_with("d13d"));
        assert_eq!(ja4(&h, Carrier::Quic, false), "q13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn what_the_fingerprints_are_made_of_tells_hellos_apart() {
        let (a, b) = ([0x13, 0x01, 0x13, 0x02], [0x13, 0x01]);
        let plain = ClientHello { version: 0x0303, ..ClientHello::default() };
        let hellos = [
            plain.clone(),
            ClientHello { version: 0x0301, ..plain.clone() },
            ClientHello { ciphers: &a, ..plain.clone() },
            ClientHello { ciphers: &b, ..plain.clone() },
            ClientHello { groups: &b, ..plain.clone() },
            ClientHello { signature_algorithms: Some(&b), ..plain.clone() },
            ClientHello { supported_versions: &[3, 4], ..plain.clone() },
            ClientHello { point_formats: &[0], ..plain.clone() },
            ClientHello { extensions: [0x1301].into_iter().collect(), ..plain.clone() },
            ClientHello { alpn: [&b"h2"[..]].into_iter().collect(), ..plain.clone() },
        ];
        for (i, one) in hellos.iter().enumerate() {
            for carrier in [Carrier::Tls, Carrier::Quic] {
                assert_eq!(client(one, carrier), (ja3(one), ja4(one, carrier, false)));
                assert_eq!(client(one, carrier), (ja3(one), ja4(one, carrier, false)));
            }
            assert!(hellos.iter().skip(i + 1).all(|other| essence(one, Carrier::Tls) != essence(other, Carrier::Tls)));
        }
        let greased = ClientHello { ciphers: &[0x3a, 0x3a, 0x13, 0x01], ..plain };
        assert_eq!(essence(&greased, Carrier::Tls), essence(&hellos[3], Carrier::Tls));
    }

    #[test]
    fn ja4_of_little() {
        let h = ClientHello { version: 0x0301, ciphers: &[0x0a, 0x0a], ..ClientHello::default() };
        assert_eq!(ja4(&h, Carrier::Tls, false), "t10i000000_000000000000_000000000000");
        assert_eq!(ja4_alpn(b"http/1.1"), "h1");
        assert_eq!(ja4_alpn(&[0xab]), "ab");
        assert_eq!(ja4_alpn(&[0x0a, 0x31, 0xcd]), "0d");
    }

    #[test]
    fn decimals_have_no_leading_zeros() {
        for n in [0u16, 7, 10, 99, 100, 999, 1000, 1010, 9999, 10_000, 65_535] {
            let mut text = Vec::new();
            decimal(&mut text, n);
            assert_eq!(String::from_utf8(text).unwrap(), n.to_string());
        }
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
