//! SPNEGO negotiation (RFC 4178, RFC 2743 §3.1, MS-SPNG): a helper of the protocols that carry it, no protocol itself.
//!
//! Unwraps tokens, hands NTLM messages to [`crate::ntlm`] and recognises Kerberos. A token must come whole. Limits:
//! [`MAX_FIELDS`]. Known gap: the list of offered mechanisms is not logged.

#[cfg(test)]
pub(crate) mod tests;

use crate::Cx;
use crate::kerberos;
use crate::ntlm::{self, Login};
use sekisho_record::Text;
use sekisho_types::Heap;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Fields of a negotiation token that are looked at; there are four.
const MAX_FIELDS: usize = 8;

/// DER tags that occur.
mod tag {
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const SEQUENCE: u8 = 0x30;
    /// Initial context token (RFC 2743 §3.1).
    pub const INITIAL: u8 = 0x60;
    pub const NEG_TOKEN_INIT: u8 = 0xa0;
    pub const NEG_TOKEN_RESP: u8 = 0xa1;
    /// Fields of both tokens.
    pub const NEG_STATE: u8 = 0xa0;
    pub const MECH_TOKEN: u8 = 0xa2;
}

/// Object identifiers of mechanisms, as encoded.
mod mechanism {
    pub const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
    pub const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
    /// Microsoft's misspelling of it (MS-SPNG §3.1.5.2).
    pub const MS_KERBEROS: &[u8] = b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02";
    pub const KERBEROS_USER_TO_USER: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03";
}

/// Kerberos messages that begin a token's content (RFC 4120 §5.10): AP-REQ, AP-REP, KRB-ERROR.
const KERBEROS_MESSAGES: [u8; 3] = [0x6e, 0x6f, 0x7e];

/// The negotiations of one connection.
#[derive(Debug, Default)]
pub(crate) struct Gssapi {
    login: Login,
    /// A Kerberos ticket has been logged.
    ticket_shown: bool,
}

impl Heap for Gssapi {
    fn heap_len(&self) -> usize {
        self.login.heap_len()
    }
}

/// What a token holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Token<'a> {
    /// `accept-completed` 0, `accept-incomplete` 1, `reject` 2, `request-mic` 3.
    state: Option<u8>,
    mech_token: Option<&'a [u8]>,
}

impl Gssapi {
    /// A token, or an NTLM message where the protocol left the negotiation out.
    pub(crate) fn token(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if bytes.starts_with(ntlm::SIGNATURE) {
            return self.login.message(bytes, cx);
        }
        if let Some(framed) = kerberos_token(bytes) {
            return self.tell_kerberos(bytes, framed, cx);
        }
        let Ok(token) = parse(bytes) else { return };
        cx.confirm_midstream("gssapi");
        // Zeek's order: the state of the answer first, then the mechanism's own message.
        match token.state {
            Some(0) => self.login.result(true, cx),
            Some(2) => self.login.result(false, cx),
            _ => {}
        }
        if let Some(inner) = token.mech_token {
            if inner.starts_with(ntlm::SIGNATURE) {
                self.login.message(inner, cx);
            } else if let Some(framed) = kerberos_token(inner) {
                self.tell_kerberos(inner, framed, cx);
            }
        }
    }

    /// A token of Kerberos; the first ticket shown gives a row. Zeek looks at framed messages only.
    fn tell_kerberos(&mut self, token: &[u8], framed: bool, cx: &mut Cx<'_>) {
        if framed {
            cx.confirm_midstream("krb");
            kerberos::gss_token(token, &mut self.ticket_shown, cx);
        } else {
            cx.recognize("krb");
        }
    }

    /// An NTLM message without negotiation around it.
    pub(crate) fn ntlm(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        self.login.message(bytes, cx);
    }

    /// The protocol around answered the last token with a status.
    pub(crate) fn status(&mut self, success: bool, status: impl FnOnce() -> Text) {
        self.login.status(success, status);
    }

    /// The connection is over.
    pub(crate) fn end(&mut self, cx: &mut Cx<'_>) {
        self.login.end(cx);
    }
}

/// One DER element: tag and content.
fn element<'a>(r: &mut Reader<'a>) -> ParseResult<(u8, Reader<'a>)> {
    let tag = r.u8(&"DER tag")?;
    let first = r.u8(&"DER length")?;
    let len = match first {
        0..=0x7f => usize::from(first),
        0x81 => usize::from(r.u8(&"DER length")?),
        0x82 => usize::from(r.u16(&"DER length")?),
        0x83 => usize::try_from(r.u24(&"DER length")?).unwrap_or(usize::MAX),
        _ => return Err(ParseError::over_limit(&"DER length")),
    };
    Ok((tag, r.sub(&"DER content", len)?))
}

/// The content of the next element, which must have `tag`.
fn expect<'a>(r: &mut Reader<'a>, tag: u8) -> ParseResult<Reader<'a>> {
    match element(r)? {
        (found, content) if found == tag => Ok(content),
        _ => Err(ParseError::bad(&"DER tag")),
    }
}

/// Reads a negotiation token (RFC 4178 §4.2).
fn parse(bytes: &[u8]) -> ParseResult<Token<'_>> {
    let (outer, mut content) = element(&mut Reader::new(bytes))?;
    let (is_init, mut body) = match outer {
        tag::INITIAL => {
            if expect(&mut content, tag::OID)?.rest() != mechanism::SPNEGO {
                return Err(ParseError::bad(&"mechanism"));
            }
            let (inner, body) = element(&mut content)?;
            (inner == tag::NEG_TOKEN_INIT, body)
        }
        tag::NEG_TOKEN_INIT => (true, content),
        tag::NEG_TOKEN_RESP => (false, content),
        _ => return Err(ParseError::bad(&"negotiation token")),
    };
    let mut fields = expect(&mut body, tag::SEQUENCE)?;
    let mut token = Token::default();
    for _ in 0..MAX_FIELDS {
        if fields.is_empty() {
            break;
        }
        match element(&mut fields)? {
            (tag::NEG_STATE, mut value) if !is_init => {
                token.state = expect(&mut value, tag::ENUMERATED)?.rest().last().copied();
            }
            (tag::MECH_TOKEN, mut value) => token.mech_token = Some(expect(&mut value, tag::OCTET_STRING)?.rest()),
            _ => {}
        }
    }
    Ok(token)
}

/// Is it Kerberos: one of its messages framed by the mechanism (RFC 4121 §4.1, `true`), or a bare one (MS-KILE's DCE
/// style) or another token of the mechanism (user-to-user, `false`)?
fn kerberos_token(token: &[u8]) -> Option<bool> {
    let mut r = Reader::new(token);
    let (tag, mut content) = element(&mut r).ok()?;
    if tag != tag::INITIAL {
        return (KERBEROS_MESSAGES.contains(&tag) && r.is_empty()).then_some(false);
    }
    let oid = expect(&mut content, tag::OID).ok()?;
    let known = [mechanism::KERBEROS, mechanism::MS_KERBEROS, mechanism::KERBEROS_USER_TO_USER].contains(&oid.rest());
    let message = content.rest().get(2).is_some_and(|tag| KERBEROS_MESSAGES.contains(tag));
    known.then_some(message)
}
