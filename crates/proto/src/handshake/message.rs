//! Handshake messages (RFC 8446 §4, RFC 5246 §7.4, and SSL 2 hellos): pure parsing of complete messages.

use super::names::version;
use sekisho_wire::{ParseError, ParseResult, Reader};
use smallvec::SmallVec;

/// Handshake types (IANA TLS HandshakeType).
pub(crate) mod kind {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_RETRY_REQUEST: u8 = 6;
    pub(crate) const END_OF_EARLY_DATA: u8 = 5;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(crate) const FINISHED: u8 = 20;
    pub(crate) const CERTIFICATE_STATUS: u8 = 22;
    pub(crate) const KEY_UPDATE: u8 = 24;
    pub(crate) const COMPRESSED_CERTIFICATE: u8 = 25;
}

/// Extensions (IANA TLS ExtensionType).
pub(crate) mod ext {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(crate) const SUPPORTED_GROUPS: u16 = 10;
    pub(crate) const EC_POINT_FORMATS: u16 = 11;
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(crate) const ALPN: u16 = 16;
    pub(crate) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(crate) const SESSION_TICKET: u16 = 35;
    pub(crate) const PRE_SHARED_KEY: u16 = 41;
    pub(crate) const EARLY_DATA: u16 = 42;
    pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
    /// Key share of the drafts up to 22.
    pub(crate) const KEY_SHARE_OLD: u16 = 40;
    pub(crate) const KEY_SHARE: u16 = 51;
    pub(crate) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Most extensions of one hello that are looked at; browsers send about 20.
pub(crate) const MAX_EXTENSIONS: usize = 256;

/// Most application protocols kept of one hello.
pub(crate) const MAX_ALPN: usize = 32;

/// The random of a hello that asks the client to try again (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A client's hello.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientHello<'a> {
    /// The hello's own version field.
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) session_id: &'a [u8],
    /// Two octets each.
    pub(crate) ciphers: &'a [u8],
    /// Extension types in wire order.
    pub(crate) extensions: SmallVec<[u16; 32]>,
    /// First host name.
    pub(crate) server_name: Option<&'a [u8]>,
    pub(crate) server_name_count: usize,
    pub(crate) alpn: SmallVec<[&'a [u8]; 4]>,
    /// Supported groups, two octets each.
    pub(crate) groups: &'a [u8],
    pub(crate) point_formats: &'a [u8],
    /// Two octets each; `None` without the extension.
    pub(crate) signature_algorithms: Option<&'a [u8]>,
    /// Two octets each.
    pub(crate) supported_versions: &'a [u8],
    pub(crate) session_ticket: bool,
    pub(crate) pre_shared_key: bool,
    pub(crate) ech: bool,
}

/// A server's hello.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerHello<'a> {
    /// The hello's own version field.
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cipher: u16,
    /// Compression method; 0 for none.
    pub(crate) compression: u8,
    /// Extension types in wire order.
    pub(crate) extensions: SmallVec<[u16; 32]>,
    pub(crate) alpn: Option<&'a [u8]>,
    /// From supported_versions.
    pub(crate) selected_version: Option<u16>,
    /// From key_share.
    pub(crate) group: Option<u16>,
    pub(crate) pre_shared_key: bool,
    /// It is a request to try again.
    pub(crate) retry: bool,
    pub(crate) encrypt_then_mac: bool,
}

/// Two-octet numbers of a list.
pub(crate) fn u16s(list: &[u8]) -> impl Iterator<Item = u16> {
    list.as_chunks::<2>().0.iter().map(|c| u16::from_be_bytes(*c))
}

/// Reads the body of a client hello (RFC 8446 §4.1.2); with `dtls` that of RFC 6347 §4.2.1, which has a cookie.
pub(crate) fn client_hello(body: &[u8], dtls: bool) -> ParseResult<ClientHello<'_>> {
    let mut r = Reader::new(body);
    let mut h = ClientHello { version: r.u16(&"client version")?, ..ClientHello::default() };
    h.random = r.array(&"client random")?;
    h.session_id = r.block8(&"session id")?.take_rest();
    if dtls {
        r.block8(&"cookie")?;
    }
    h.ciphers = r.block16(&"cipher suites")?.take_rest();
    if h.ciphers.len() < 2 || !h.ciphers.len().is_multiple_of(2) {
        return Err(ParseError::bad(&"cipher suites"));
    }
    r.block8(&"compression methods")?;
    // What follows is cut off or damaged often enough; what was read before stays valid.
    let Ok(mut list) = r.block16(&"extensions") else { return Ok(h) };
    while let Some((code, data)) = next_extension(&mut list) {
        if h.extensions.len() >= MAX_EXTENSIONS {
            break;
        }
        h.extensions.push(code);
        let _ = h.extension(code, data);
    }
    Ok(h)
}

/// Type and data of the next extension.
fn next_extension<'a>(list: &mut Reader<'a>) -> Option<(u16, Reader<'a>)> {
    let code = list.u16(&"extension type").ok()?;
    Some((code, list.block16(&"extension").ok()?))
}

impl<'a> ClientHello<'a> {
    fn extension(&mut self, code: u16, mut r: Reader<'a>) -> ParseResult<()> {
        match code {
            ext::SERVER_NAME => {
                let mut names = r.block16(&"server names")?;
                while !names.is_empty() {
                    let name_type = names.u8(&"server name type")?;
                    let name = names.block16(&"server name")?.take_rest();
                    if name_type == 0 {
                        self.server_name = self.server_name.or(Some(name));
                        self.server_name_count += 1;
                    }
                }
            }
            ext::SUPPORTED_GROUPS => self.groups = r.block16(&"groups")?.take_rest(),
            ext::EC_POINT_FORMATS => self.point_formats = r.block8(&"point formats")?.take_rest(),
            ext::SIGNATURE_ALGORITHMS => {
                self.signature_algorithms = Some(r.block16(&"signature algorithms")?.take_rest());
            }
            ext::ALPN => {
                let mut list = r.block16(&"protocols")?;
                while !list.is_empty() && self.alpn.len() < MAX_ALPN {
                    self.alpn.push(list.block8(&"protocol")?.take_rest());
                }
            }
            ext::SESSION_TICKET => self.session_ticket = !r.is_empty(),
            ext::PRE_SHARED_KEY => self.pre_shared_key = true,
            ext::SUPPORTED_VERSIONS => self.supported_versions = r.block8(&"supported versions")?.take_rest(),
            ext::ENCRYPTED_CLIENT_HELLO => self.ech = true,
            _ => {}
        }
        Ok(())
    }
}

/// Reads the body of a server hello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3, and the drafts of TLS 1.3, which left out
/// session id and compression up to draft 21).
pub(crate) fn server_hello(body: &[u8]) -> ParseResult<ServerHello<'_>> {
    let mut r = Reader::new(body);
    let mut h = ServerHello { version: r.u16(&"server version")?, ..ServerHello::default() };
    h.random = r.array(&"server random")?;
    h.retry = h.random == RETRY_RANDOM;
    // Drafts up to 15 had the number of the final version here, which itself has that of TLS 1.2.
    let early_draft = h.version / 0xff == 0x7f || h.version == version::TLS13;
    if !early_draft {
        h.session_id = r.block8(&"session id")?.take_rest();
    }
    h.cipher = r.u16(&"cipher suite")?;
    if !early_draft {
        h.compression = r.u8(&"compression method")?;
    }
    let Ok(list) = r.block16(&"extensions") else { return Ok(h) };
    h.extensions(list);
    Ok(h)
}

/// Is a server hello's body a request to try again?
pub(crate) fn asks_again(body: &[u8]) -> bool {
    server_hello(body).is_ok_and(|hello| hello.retry)
}

/// Reads the body of a hello retry request of the drafts up to 21: version, suite (from draft 19) and extensions.
pub(crate) fn draft_retry(body: &[u8]) -> ParseResult<ServerHello<'_>> {
    let mut r = Reader::new(body);
    let mut h = ServerHello { version: r.u16(&"server version")?, retry: true, ..ServerHello::default() };
    if h.version % 0x7f >= 19 {
        h.cipher = r.u16(&"cipher suite")?;
    }
    h.extensions(r.block16(&"extensions")?);
    Ok(h)
}

impl<'a> ServerHello<'a> {
    fn extensions(&mut self, mut list: Reader<'a>) {
        while let Some((code, data)) = next_extension(&mut list) {
            if self.extensions.len() >= MAX_EXTENSIONS {
                break;
            }
            self.extensions.push(code);
            let _ = self.extension(code, data);
        }
    }

    fn extension(&mut self, code: u16, mut r: Reader<'a>) -> ParseResult<()> {
        match code {
            ext::ALPN => self.alpn = Some(r.block16(&"protocols")?.block8(&"protocol")?.take_rest()),
            ext::SUPPORTED_VERSIONS => self.selected_version = Some(r.u16(&"selected version")?),
            ext::KEY_SHARE | ext::KEY_SHARE_OLD => self.group = Some(r.u16(&"group")?),
            ext::PRE_SHARED_KEY => self.pre_shared_key = true,
            ext::ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            _ => {}
        }
        Ok(())
    }
}

/// The protocol chosen in EncryptedExtensions (RFC 8446 §4.3.1).
pub(crate) fn encrypted_alpn(body: &[u8]) -> Option<&[u8]> {
    let mut list = Reader::new(body).block16(&"extensions").ok()?;
    let mut hello = ServerHello::default();
    hello.extensions(Reader::new(list.take_rest()));
    hello.alpn
}

/// Does the server take early data, by its EncryptedExtensions (RFC 8446 §4.2.10)?
pub(crate) fn takes_early_data(body: &[u8]) -> bool {
    let Ok(mut list) = Reader::new(body).block16(&"extensions") else { return false };
    while let (Ok(kind), Ok(_)) = (list.u16(&"extension"), list.block16(&"extension")) {
        if kind == ext::EARLY_DATA {
            return true;
        }
    }
    false
}

/// The first `most` certificates of a Certificate message of TLS 1.3 (RFC 8446 §4.4.2).
pub(crate) fn certificates13(body: &[u8], most: usize) -> ParseResult<Vec<&[u8]>> {
    let mut r = Reader::new(body);
    r.block8(&"request context")?;
    let mut list = r.block24(&"certificates")?;
    let mut out = Vec::new();
    while !list.is_empty() && out.len() < most {
        out.push(list.block24(&"certificate")?.take_rest());
        list.block16(&"certificate extensions")?;
    }
    Ok(out)
}

/// The first `most` certificates of a Certificate message up to TLS 1.2 (RFC 5246 §7.4.2).
pub(crate) fn certificates(body: &[u8], most: usize) -> ParseResult<Vec<&[u8]>> {
    let mut list = Reader::new(body).block24(&"certificates")?;
    let mut out = Vec::new();
    while !list.is_empty() && out.len() < most {
        out.push(list.block24(&"certificate")?.take_rest());
    }
    Ok(out)
}

/// The OCSP response of a CertificateStatus message (RFC 6066 §8).
pub(crate) fn ocsp_response(body: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(body);
    (r.u8(&"status type").ok()? == 1).then_some(())?;
    Some(r.block24(&"response").ok()?.take_rest())
}

/// The named curve of an ECDHE ServerKeyExchange (RFC 8422 §5.4).
pub(crate) fn named_curve(body: &[u8]) -> Option<u16> {
    let mut r = Reader::new(body);
    (r.u8(&"curve type").ok()? == 3).then_some(())?;
    r.u16(&"curve").ok()
}

/// Bits of the prime of a DHE ServerKeyExchange (RFC 5246 §7.4.3).
pub(crate) fn dh_prime_len(body: &[u8]) -> Option<u32> {
    let prime = Reader::new(body).block16(&"prime").ok()?.take_rest();
    let zeros = prime.iter().take_while(|&&b| b == 0).count();
    let digits = prime.get(zeros..)?;
    let len = u32::try_from(digits.len()).ok()?;
    Some(len * 8 - digits.first()?.leading_zeros())
}

/// An SSL 2 client hello: the record's content after the message type.
pub(crate) fn v2_client_hello(body: &[u8]) -> ParseResult<(u16, &[u8])> {
    let mut r = Reader::new(body);
    let version = r.u16(&"client version")?;
    let ciphers_len = r.u16(&"cipher specs length")?;
    let session_len = r.u16(&"session id length")?;
    let challenge_len = r.u16(&"challenge length")?;
    let ciphers = r.take(&"cipher specs", usize::from(ciphers_len))?;
    r.skip(&"session id", usize::from(session_len))?;
    r.skip(&"challenge", usize::from(challenge_len))?;
    Ok((version, ciphers))
}

/// An SSL 2 server hello: certificate and the first cipher kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct V2ServerHello<'a> {
    pub(crate) certificate: &'a [u8],
    pub(crate) cipher: Option<u32>,
}

/// Reads an SSL 2 server hello: the record's content after the message type.
pub(crate) fn v2_server_hello(body: &[u8]) -> ParseResult<V2ServerHello<'_>> {
    let mut r = Reader::new(body);
    r.skip(&"session id hit and certificate type", 2)?;
    if r.u16(&"server version")? != version::SSL2 {
        return Err(ParseError::bad(&"server version"));
    }
    let certificate_len = r.u16(&"certificate length")?;
    let ciphers_len = r.u16(&"cipher specs length")?;
    r.skip(&"connection id length", 2)?;
    let certificate = r.take(&"certificate", usize::from(certificate_len))?;
    let mut ciphers = r.sub(&"cipher specs", usize::from(ciphers_len))?;
    Ok(V2ServerHello { certificate, cipher: ciphers.u24(&"cipher kind").ok() })
}
