//! SPNEGO negotiation (RFC 4178, RFC 2743 §3.1, MS-SPNG): a helper of the protocols that carry it, no protocol itself.
//!
//! Unwraps tokens, hands NTLM messages to [`crate::ntlm`] and recognises Kerberos. A token must come whole. Limits:
//! [`MAX_FIELDS`]. Known gap: the list of offered mechanisms is not logged.

#[cfg(test)]
pub(crate) mod tests;

use crate::Cx;
use crate::ber::{Ber, Element};
use crate::kerberos;
use crate::ntlm::{self, Login};
use sekisho_record::Text;
use sekisho_types::Heap;
use sekisho_wire::{ParseError, ParseResult};

/// Fields of a negotiation token that are looked at; there are four.
const MAX_FIELDS: usize = 8;

/// Identifiers of elements (RFC 4178 §4.2, RFC 2743 §3.1).
mod tag {
    pub(super) use crate::ber::tag::{ENUMERATED, OCTET_STRING, OID, SEQUENCE, application, context};

    pub const INITIAL: u8 = application(0);
    pub const NEG_TOKEN_INIT: u8 = context(0);
    pub const NEG_TOKEN_RESP: u8 = context(1);
    /// Fields of both tokens.
    pub const NEG_STATE: u8 = context(0);
    pub const MECH_TOKEN: u8 = context(2);
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
const KERBEROS_MESSAGES: [u8; 3] = [tag::application(14), tag::application(15), tag::application(30)];

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

/// The NTLM message in a token, or the token if it is one.
pub(crate) fn ntlm_message(token: &[u8]) -> Option<&[u8]> {
    let message = if token.starts_with(ntlm::SIGNATURE) { token } else { parse(token).ok()?.mech_token? };
    message.starts_with(ntlm::SIGNATURE).then_some(message)
}

/// The names of an NTLM login in a token, for rules and EVE.
pub(crate) fn login_names(token: &[u8]) -> Option<ntlm::Names> {
    ntlm::names(ntlm_message(token)?)
}

/// What a token holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Token<'a> {
    /// `accept-completed` 0, `accept-incomplete` 1, `reject` 2, `request-mic` 3.
    state: Option<u8>,
    mech_token: Option<&'a [u8]>,
}

impl Gssapi {
    /// Of a connection in that protocol.
    pub(crate) fn over(protocol: &'static str) -> Self {
        Self { login: Login::over(protocol), ..Self::default() }
    }

    /// A token, or an NTLM message where the protocol left the negotiation out.
    pub(crate) fn token(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if bytes.starts_with(ntlm::SIGNATURE) {
            return self.login.message(bytes, cx);
        }
        if let Some(token) = kerberos_token(bytes) {
            return self.kerberos(&token, cx);
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
            } else if let Some(token) = kerberos_token(inner) {
                self.kerberos(&token, cx);
            }
        }
    }

    /// The first ticket shown gives a row. Zeek knows framed messages only.
    fn kerberos(&mut self, token: &Kerberos<'_>, cx: &mut Cx<'_>) {
        match token {
            Kerberos::Framed(message) => {
                cx.confirm_midstream("krb");
                kerberos::shown(message, &mut self.ticket_shown, cx);
            }
            Kerberos::Bare(message) => {
                cx.recognize("krb");
                kerberos::shown(message, &mut self.ticket_shown, cx);
            }
            Kerberos::Other => cx.recognize("krb"),
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

/// Reads a negotiation token (RFC 4178 §4.2).
fn parse(bytes: &[u8]) -> ParseResult<Token<'_>> {
    let mut choice = Ber::new(bytes);
    if choice.peek() == Some(tag::INITIAL) {
        choice = choice.enter(&"initial token", tag::INITIAL)?;
        if choice.expect(&"mechanism", tag::OID)? != mechanism::SPNEGO {
            return Err(ParseError::bad(&"mechanism"));
        }
    }
    let Element { tag, content } = choice.element(&"negotiation token")?;
    if !matches!(tag, tag::NEG_TOKEN_INIT | tag::NEG_TOKEN_RESP) {
        return Err(ParseError::bad(&"negotiation token"));
    }
    let mut fields = Ber::new(content).enter(&"negotiation token", tag::SEQUENCE)?;
    let mut token = Token::default();
    for _ in 0..MAX_FIELDS {
        if fields.is_empty() {
            break;
        }
        let field = fields.element(&"negotiation field")?;
        let mut value = Ber::new(field.content);
        match field.tag {
            tag::NEG_STATE if tag == tag::NEG_TOKEN_RESP => {
                token.state = value.expect(&"negotiation state", tag::ENUMERATED)?.last().copied();
            }
            tag::MECH_TOKEN => token.mech_token = Some(value.expect(&"mechanism token", tag::OCTET_STRING)?),
            _ => {}
        }
    }
    Ok(token)
}

/// A token of Kerberos.
enum Kerberos<'a> {
    /// A message framed by the mechanism (RFC 4121 §4.1).
    Framed(&'a [u8]),
    /// A bare one (MS-KILE's DCE style).
    Bare(&'a [u8]),
    /// Another token of the mechanism (user to user).
    Other,
}

fn kerberos_token(token: &[u8]) -> Option<Kerberos<'_>> {
    let mut all = Ber::new(token);
    let outer = all.element(&"token").ok()?;
    if outer.tag != tag::INITIAL {
        return (KERBEROS_MESSAGES.contains(&outer.tag) && all.is_empty()).then_some(Kerberos::Bare(token));
    }
    let mut inner = Ber::new(outer.content);
    let oid = inner.expect(&"mechanism", tag::OID).ok()?;
    let known = [mechanism::KERBEROS, mechanism::MS_KERBEROS, mechanism::KERBEROS_USER_TO_USER].contains(&oid);
    // Before the message stand two bytes that say which.
    let message = inner.rest().get(2..).filter(|m| m.first().is_some_and(|tag| KERBEROS_MESSAGES.contains(tag)));
    known.then_some(message.map_or(Kerberos::Other, Kerberos::Framed))
}
