//! Pure parsing: startup, and fields of the server's messages.

use crate::frames::nul_string;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// What the first message of a connection asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening<'a> {
    /// Cancel what another connection does.
    Cancel { process: u32 },
    /// Encryption with GSSAPI.
    Gss,
    /// TLS.
    Ssl,
    /// A session of protocol 3, with parameters.
    Startup { parameters: &'a [u8] },
}

/// Version 3 of the protocol, minor version left out.
const MAJOR_VERSION: u32 = 3;
/// The requests' numbers in place of a version.
pub(super) const CANCEL: u32 = 80_877_102;
pub(super) const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// Longest startup believed, as the server believes it.
pub(super) const MAX_STARTUP_LEN: u32 = 10_000;

impl<'a> Opening<'a> {
    /// `bytes` is the whole message, its length included.
    pub fn parse(bytes: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let len = r.u32(&"length")?;
        match (r.u32(&"version")?, len) {
            (SSL, 8) => Ok(Self::Ssl),
            (GSS, 8) => Ok(Self::Gss),
            (CANCEL, 16) => Ok(Self::Cancel { process: r.u32(&"process")? }),
            (version, 9..=MAX_STARTUP_LEN) if version >> 16 == MAJOR_VERSION => {
                Ok(Self::Startup { parameters: r.rest() })
            }
            _ => Err(ParseError::bad(&"version")),
        }
    }
}

/// Names and values of a startup's parameters.
pub(super) fn parameters(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (name, rest) = nul_string(bytes);
        let (value, rest) = nul_string(rest);
        bytes = rest;
        (!name.is_empty()).then_some((name, value))
    })
}

/// Codes and values of an error's or notice's fields (§54.8).
pub(super) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (code, rest) = bytes.split_first().filter(|(code, _)| **code != 0)?;
        let (value, rest) = nul_string(rest);
        bytes = rest;
        Some((*code, value))
    })
}

/// `Name=value` of every field, with commas between.
pub(super) fn field_list(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (code, value) in fields(bytes) {
        if !out.is_empty() {
            out.push(b',');
        }
        match field_name(code) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => {
                out.extend_from_slice(b"UnknownErrorId");
                out.push(code);
            }
        }
        out.push(b'=');
        out.extend_from_slice(value);
    }
    out
}

/// Zeek's name of a field.
const fn field_name(code: u8) -> Option<&'static str> {
    Some(match code {
        b'S' => "SeverityLocalized",
        b'V' => "Severity",
        b'C' => "Code",
        b'M' => "Message",
        b'D' => "Detail",
        b'H' => "Hint",
        b'P' => "Position",
        b'p' => "InternalPosition",
        b'q' => "InternalQuery",
        b'W' => "Where",
        b's' => "Schema",
        b't' => "Table",
        b'c' => "Column",
        b'd' => "Data",
        b'n' => "Constraint",
        b'F' => "File",
        b'L' => "Line",
        b'R' => "Routine",
        _ => return None,
    })
}

/// Zeek's name of a method or step of authentication.
pub(super) fn auth_name(method: u32) -> String {
    let name = match method {
        2 => "KerberosV5",
        3 => "CleartextPassword",
        5 => "MD5Password",
        7 => "GSSAPI",
        8 => "GSSAPIContinue",
        9 => "SSPI",
        10 => "SASL",
        11 => "SASLContinue",
        12 => "SASLFinal",
        n => return format!("UnknownAuthId{n}"),
    };
    name.to_owned()
}
