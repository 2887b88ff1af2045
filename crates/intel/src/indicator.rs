//! What a list can name.

use sekisho_types::{Addr, Subnet};

/// Broadest networks taken, bits of the prefix: what covers more names nobody in particular.
const MIN_V4_BITS: u8 = 7;
const MIN_V6_BITS: u8 = 16;

/// Longest name (RFC 1035 §2.3.4).
pub(crate) const MAX_NAME_LEN: usize = 253;

/// Longest URL looked for.
pub(crate) const MAX_URL_LEN: usize = 2048;

/// Something with a bad name, in the form in which it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// An address.
    Addr(Addr),
    /// A network.
    Net(Subnet),
    /// A name and all below it: lower case, no dot at the end.
    Domain(String),
    /// A URL and all below it: host and path, without scheme, port and the last slash.
    Url(String),
    /// A file's, certificate's or client's digest, in lower case: MD5 (also JA3), SHA-1 or SHA-256.
    Hash(String),
    /// A TLS client's JA4, in lower case: `t13d1516h2_8daaf6152771_e5627efa2ab1`, or with `*` for the ciphers' digest: any.
    Client(String),
}

impl Indicator {
    /// What `text` is, or why it can't be used. Lists write `hxxp` and `[.]` to keep readers from clicking.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().trim_matches(['"', '\'']);
        let plain = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":");
        if plain.is_empty() {
            return Err("nothing there");
        }
        if let Ok(addr) = plain.parse::<Addr>() {
            return Ok(Self::Addr(addr));
        }
        if let Ok(net) = plain.parse::<Subnet>() {
            return Self::net(net);
        }
        if is_ja4(&plain) {
            return Ok(Self::Client(plain.to_ascii_lowercase()));
        }
        if is_hash(&plain) {
            return Ok(Self::Hash(plain.to_ascii_lowercase()));
        }
        if let Some((_, rest)) = plain.split_once("://") {
            return Self::url(rest).ok_or("not a URL with a host");
        }
        // A port behind an address or a name says where it was seen; the host is what has the bad name.
        let (host, behind) = plain.split_at(plain.find(['/', ':']).unwrap_or(plain.len()));
        match behind.as_bytes().first() {
            Some(b'/') if behind.len() > 1 => Self::url(&plain).ok_or("not a URL with a host"),
            Some(b':') if behind.get(1..).is_some_and(|p| p.parse::<u16>().is_ok()) => Self::host(host),
            None | Some(b'/') => Self::host(host),
            _ => Err("neither address, network, name, URL nor digest"),
        }
    }

    fn net(net: Subnet) -> Result<Self, &'static str> {
        let (v4, bits) = (net.network().is_v4(), net.prefix_len());
        if bits < if v4 { MIN_V4_BITS } else { MIN_V6_BITS } {
            return Err("a network too broad to mean anything");
        }
        if bits == if v4 { 32 } else { 128 } {
            return Ok(Self::Addr(net.network()));
        }
        Ok(Self::Net(net))
    }

    fn host(text: &str) -> Result<Self, &'static str> {
        if let Ok(addr) = text.parse::<Addr>() {
            return Ok(Self::Addr(addr));
        }
        domain(text).map(Self::Domain).ok_or("neither address, network, name, URL nor digest")
    }

    /// A URL behind its scheme.
    pub(crate) fn url(rest: &str) -> Option<Self> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let host = host.rsplit('@').next().unwrap_or(host);
        let key = url_key(host.as_bytes(), path.as_bytes())?;
        let bare = key.split('/').next().unwrap_or("");
        (bare.parse::<Addr>().is_ok() || domain(bare).is_some()).then_some(Self::Url(key))
    }
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 32 | 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Protocol, version, name, numbers of ciphers and extensions, first protocol of ALPN; digests of ciphers and extensions (FoxIO, JA4).
fn is_ja4(text: &str) -> bool {
    let mut parts = text.split('_');
    let (Some(head), Some(ciphers), Some(extensions), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let digest = |part: &str| part.len() == 12 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let numbers = |range| head.get(range).is_some_and(|n: &str| n.bytes().all(|b| b.is_ascii_digit()));
    head.len() == 10
        && head.is_ascii()
        && head.starts_with(['t', 'q', 'd', 'T', 'Q', 'D'])
        && numbers(4..8)
        && (digest(ciphers) || ciphers == "*")
        && digest(extensions)
}

/// A name in the form in which it is looked up; `None`: it is none. Names of one label are left out: no list means them.
pub(crate) fn domain(text: &str) -> Option<String> {
    let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || b >= 0x80;
    let whole = |l: &str| !l.is_empty() && l.len() <= 63 && l.bytes().all(plain);
    let last = text.rsplit('.').next()?;
    let is_name = text.len() <= MAX_NAME_LEN
        && text.contains('.')
        && text.split('.').all(whole)
        && !last.bytes().all(|b| b.is_ascii_digit());
    is_name.then(|| text.to_ascii_lowercase())
}

/// Host and path in the form in which URLs are looked up: the host in lower case without its port, no slash at the end.
pub(crate) fn url_key(host: &[u8], path: &[u8]) -> Option<String> {
    let host = std::str::from_utf8(host).ok()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    let path = path.split(|b| *b == b'#').next()?;
    let path = std::str::from_utf8(path).ok()?;
    if host.is_empty() || host.len() + path.len() > MAX_URL_LEN {
        return None;
    }
    Some(host.to_ascii_lowercase() + path.trim_end_matches('/'))
}
