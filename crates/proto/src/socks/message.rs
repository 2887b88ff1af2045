//! The messages of SOCKS 4 (and 4A) and SOCKS 5 (RFC 1928, RFC 1929).

use sekisho_types::Addr;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Longest user name and host name of SOCKS 4, whose ends are marked by a zero.
const MAX_NAME_LEN: usize = 255;

/// An end that is asked for or told: address, name or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End<'a> {
    pub host: Option<Addr>,
    pub name: Option<&'a [u8]>,
    pub port: u16,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub command: u8,
    pub user: &'a [u8],
    pub end: End<'a>,
}

/// Bytes up to a zero.
fn zero_ended<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let head = r.rest().get(..=MAX_NAME_LEN).unwrap_or(r.rest());
    match memchr::memchr(0, head) {
        Some(at) => {
            let text = r.take(&"name", at)?;
            r.skip(&"name", 1)?;
            Ok(text)
        }
        None if head.len() > MAX_NAME_LEN => Err(ParseError::over_limit(&"name")),
        None => Err(ParseError::missing(&"name")),
    }
}

impl<'a> Request<'a> {
    /// SOCKS 4, version included.
    pub fn parse4(r: &mut Reader<'a>) -> ParseResult<Self> {
        let mut ahead = *r;
        if ahead.u8(&"version")? != 4 {
            return Err(ParseError::bad(&"version"));
        }
        let command = ahead.u8(&"command")?;
        if !(1..=2).contains(&command) {
            return Err(ParseError::bad(&"command"));
        }
        let port = ahead.u16(&"port")?;
        let addr = ahead.array::<4>(&"address")?;
        let user = zero_ended(&mut ahead)?;
        // 0.0.0.x: the proxy shall resolve a name (SOCKS 4A).
        let name = if addr.starts_with(&[0, 0, 0]) && addr != [0; 4] { Some(zero_ended(&mut ahead)?) } else { None };
        *r = ahead;
        Ok(Self { command, user, end: End { host: Some(Addr::v4(addr)), name, port } })
    }

    /// SOCKS 5, RFC 1928 §4.
    pub fn parse5(r: &mut Reader<'a>) -> ParseResult<Self> {
        let mut ahead = *r;
        let command = head5(&mut ahead)?;
        if !(1..=3).contains(&command) {
            return Err(ParseError::bad(&"command"));
        }
        let end = end5(&mut ahead)?;
        *r = ahead;
        Ok(Self { command, user: b"", end })
    }
}

/// A proxy's answer: status and the end that it uses.
pub(super) fn reply4<'a>(r: &mut Reader<'a>) -> ParseResult<(u8, End<'a>)> {
    let mut ahead = *r;
    if ahead.u8(&"reply")? != 0 {
        return Err(ParseError::bad(&"reply"));
    }
    let status = ahead.u8(&"status")?;
    let port = ahead.u16(&"port")?;
    let host = Some(Addr::v4(ahead.array(&"address")?));
    *r = ahead;
    Ok((status, End { host, name: None, port }))
}

/// RFC 1928 §6.
pub(super) fn reply5<'a>(r: &mut Reader<'a>) -> ParseResult<(u8, End<'a>)> {
    let mut ahead = *r;
    let status = head5(&mut ahead)?;
    let end = end5(&mut ahead)?;
    *r = ahead;
    Ok((status, end))
}

/// Version, command or status, and a zero.
fn head5(r: &mut Reader<'_>) -> ParseResult<u8> {
    let [version, what, zero] = r.array(&"message")?;
    if version != 5 {
        return Err(ParseError::bad(&"version"));
    }
    if zero == 0 { Ok(what) } else { Err(ParseError::bad(&"reserved")) }
}

/// RFC 1928 §5.
fn end5<'a>(r: &mut Reader<'a>) -> ParseResult<End<'a>> {
    let (host, name) = match r.u8(&"address type")? {
        1 => (Some(Addr::v4(r.array(&"address")?)), None),
        3 => (None, Some(r.block8(&"name")?.rest())),
        4 => (Some(Addr::v6(r.array(&"address")?)), None),
        _ => return Err(ParseError::bad(&"address type")),
    };
    Ok(End { host, name, port: r.u16(&"port")? })
}

/// The user and the password of a login (RFC 1929 §2).
pub(super) fn login<'a>(r: &mut Reader<'a>) -> ParseResult<(&'a [u8], &'a [u8])> {
    let mut ahead = *r;
    if ahead.u8(&"login version")? != 1 {
        return Err(ParseError::bad(&"login version"));
    }
    let user = ahead.block8(&"user")?.rest();
    let password = ahead.block8(&"password")?.rest();
    *r = ahead;
    Ok((user, password))
}

/// The proxy's verdict over a login.
pub(super) fn verdict(r: &mut Reader<'_>) -> ParseResult<u8> {
    let [version, status] = r.array(&"login reply")?;
    if version == 1 { Ok(status) } else { Err(ParseError::bad(&"login version")) }
}

/// Zeek's words for a status.
pub(super) fn status(version: u8, code: u8) -> String {
    let text = match (version, code) {
        (4, 0x5a) | (5, 0) => "succeeded",
        (4, 0x5b) | (5, 1) => "general SOCKS server failure",
        (4, 0x5c) => "request failed because client is not running identd",
        (4, 0x5d) => "request failed because client's identd could not confirm the user ID string in the request",
        (5, 2) => "connection not allowed by ruleset",
        (5, 3) => "Network unreachable",
        (5, 4) => "Host unreachable",
        (5, 5) => "Connection refused",
        (5, 6) => "TTL expired",
        (5, 7) => "Command not supported",
        (5, 8) => "Address type not supported",
        _ => return format!("unknown-{code}"),
    };
    text.to_owned()
}

/// The name of a command.
pub(super) const fn command(number: u8) -> &'static str {
    match number {
        1 => "CONNECT",
        2 => "BIND",
        _ => "UDP ASSOCIATE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_requests() {
        let r = Request::parse4(&mut Reader::new(b"\x04\x01\0\x50\0\0\0\x01bob\0example.org\0")).unwrap();
        assert_eq!((r.user, r.end.name, r.end.port), (&b"bob"[..], Some(&b"example.org"[..]), 80));
        let r = Request::parse5(&mut Reader::new(b"\x05\x01\0\x03\x03a.b\x01\xbb")).unwrap();
        assert_eq!((r.end.name, r.end.port, r.end.host), (Some(&b"a.b"[..]), 443, None));
    }

    #[test]
    fn rejects_others() {
        assert!(Request::parse5(&mut Reader::new(b"\x05\x01\x01\x01\0\0\0\0\0\0")).is_err());
        assert!(Request::parse5(&mut Reader::new(b"\x05\x09\0\x01\0\0\0\0\0\0")).is_err());
        assert!(
            Request::parse4(&mut Reader::new(
                &[4, 1, 0, 80, 1, 2, 3, 4].iter().copied().chain([b'a'; 300]).collect::<Vec<_>>()
            ))
            .is_err()
        );
    }
}
