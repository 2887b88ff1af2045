//! Handshakes of TLS 1.3 (RFC 8446) as far as a watcher can read them.

mod sealed;

pub use sealed::{Sealed, certificate};

/// What a client offers, and so how it can be told apart.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Cipher suites.
    pub ciphers: &'static [u16],
    /// Named groups.
    pub groups: &'static [u16],
    /// Signature algorithms.
    pub signatures: &'static [u16],
    /// Protocols inside.
    pub alpn: &'static [&'static str],
}

/// A browser.
pub const BROWSER: Client = Client {
    ciphers: &[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014],
    groups: &[29, 23, 24],
    signatures: &[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
    alpn: &["h2", "http/1.1"],
};

/// A program that is no browser.
pub const AGENT: Client =
    Client { ciphers: &[0x1302, 0x1301, 0xc030, 0xc02c], groups: &[23, 24], signatures: &[0x0804, 0x0401], alpn: &[] };

fn len8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).expect("short list")], bytes].concat()
}

fn len16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short list").to_be_bytes(), bytes].concat()
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &len16(body)].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32).to_be_bytes();
    record(22, &[&[kind][..], &len[1..], body].concat())
}

/// One record.
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &len16(body)].concat()
}

/// A ClientHello; the key share follows from `random`.
pub fn client_hello(client: &Client, sni: &str, random: &[u8; 32]) -> Vec<u8> {
    let name = [&[0][..], &len16(sni.as_bytes())].concat();
    let protocols: Vec<u8> = client.alpn.iter().flat_map(|p| len8(p.as_bytes())).collect();
    let group = client.groups.first().copied().unwrap_or(29).to_be_bytes();
    let mut extensions = Vec::new();
    if !sni.is_empty() {
        extensions.extend(extension(0, &len16(&name)));
    }
    extensions.extend(extension(10, &len16(&words(client.groups))));
    extensions.extend(extension(13, &len16(&words(client.signatures))));
    if !protocols.is_empty() {
        extensions.extend(extension(16, &len16(&protocols)));
    }
    extensions.extend(extension(43, &len8(&words(&[0x0304, 0x0303]))));
    extensions.extend(extension(51, &len16(&[&group[..], &len16(random)].concat())));
    let ciphers = len16(&words(client.ciphers));
    let body = [&[3, 3][..], random, &len8(random), &ciphers, &[1, 0], &len16(&extensions)].concat();
    handshake(1, &body)
}

/// The server's choice: its hello.
fn server_hello(client: &Client, random: &[u8; 32], session: &[u8; 32]) -> Vec<u8> {
    let group = client.groups.first().copied().unwrap_or(29).to_be_bytes();
    let extensions = [extension(43, &[3, 4]), extension(51, &[&group[..], &len16(random)].concat())].concat();
    let cipher = client.ciphers.first().copied().unwrap_or(0x1301).to_be_bytes();
    let hello = [&[3, 3][..], random, &len8(session), &cipher, &[0], &len16(&extensions)].concat();
    handshake(2, &hello)
}

/// The server's answer, and what it says encrypted in the same flight.
pub fn server_flight(client: &Client, random: &[u8; 32], session: &[u8; 32]) -> Vec<u8> {
    let sealed: Vec<u8> =
        (0..1_400u32).map(|i| random[i as usize % 32] ^ (i.wrapping_mul(0x9e37) >> 5) as u8).collect();
    [server_hello(client, random, session), record(20, &[1]), record(23, &sealed)].concat()
}

/// What the client says before its first data: its Finished.
pub fn finished() -> Vec<u8> {
    [record(20, &[1]), record(23, &[0x5a; 53])].concat()
}
