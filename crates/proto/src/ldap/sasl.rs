//! What SASL puts around LDAP (RFC 4513 §5.2, RFC 4752): tokens in binds, and the layer behind a successful one.

use crate::ber::{Ber, tag};
use crate::{Cx, kerberos};
use sekisho_wire::ParseResult;

/// Bytes before a wrapped message: the length and the head of a token.
pub(super) const WRAP_LEN: usize = 4 + 16;
/// Longest buffer that is believed; the length is chosen by each end, in practice below a megabyte.
pub(super) const MAX_BUFFER_LEN: usize = 1 << 24;

/// A SASL buffer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    /// Bytes before the messages inside.
    pub head_len: usize,
    /// Bytes of messages inside; none if they are encrypted.
    pub body_len: usize,
    /// Bytes behind them, or all that is encrypted.
    pub tail_len: usize,
}

/// Reads the head of a SASL buffer; `None` if more bytes are needed, an error if it is none.
pub(super) fn wrapped(bytes: &[u8]) -> Result<Option<Wrapped>, &'static str> {
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
    if len == 0 || len > MAX_BUFFER_LEN {
        return Err("ldap_bad_sasl_buffer");
    }
    let opaque = Wrapped { head_len: 4, body_len: 0, tail_len: len };
    if len < WRAP_LEN - 4 {
        return Ok(Some(opaque));
    }
    let Some(token) = rest.first_chunk::<16>() else { return Ok(None) };
    let inside = len - token.len();
    Ok(Some(match *token {
        // A wrap token (RFC 4121 §4.2.6.2) that is signed, not sealed; its checksum comes last, or first if all was
        // turned round by its length.
        [5, 4, flags, 0xff, e1, e2, r1, r2, ..] if flags & 2 == 0 => {
            let (extra, turned) =
                (usize::from(u16::from_be_bytes([e1, e2])), usize::from(u16::from_be_bytes([r1, r2])));
            match inside.checked_sub(extra) {
                Some(body_len) if turned == 0 => Wrapped { head_len: WRAP_LEN, body_len, tail_len: extra },
                Some(body_len) if turned == extra => Wrapped { head_len: WRAP_LEN + extra, body_len, tail_len: 0 },
                _ => opaque,
            }
        }
        // A signature of NTLM (MS-NLMP §2.2.2.9); what follows says itself whether it is sealed.
        [1, 0, 0, 0, ..] => match rest.get(token.len()) {
            None if inside > 0 => return Ok(None),
            Some(&tag::SEQUENCE) => Wrapped { head_len: WRAP_LEN, body_len: inside, tail_len: 0 },
            _ => opaque,
        },
        _ => opaque,
    }))
}

/// What is known of the mechanisms' own messages.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// The client has shown its Kerberos ticket.
    shown: bool,
}

/// SPNEGO (RFC 4178 §4.2) as encoded.
const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
/// What NTLM messages begin with.
const NTLM: &[u8] = b"NTLMSSP\0";

impl Tokens {
    /// A token of GSS-API, with or without negotiation around it, or an NTLM message.
    pub fn token(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if bytes.starts_with(NTLM) {
            return cx.confirm("ntlm");
        }
        if self.mechanism(bytes, cx) {
            return;
        }
        let Ok(inner) = negotiated(bytes) else { return };
        cx.confirm("gssapi");
        match inner {
            Some(inner) if inner.starts_with(NTLM) => cx.confirm("ntlm"),
            Some(inner) => _ = self.mechanism(inner, cx),
            None => {}
        }
    }

    fn mechanism(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> bool {
        kerberos::gss_token(bytes, &mut self.shown, cx)
    }
}

/// The mechanism's token in one of SPNEGO, if there is one.
fn negotiated(bytes: &[u8]) -> ParseResult<Option<&[u8]>> {
    let mut all = Ber::new(bytes);
    let mut choice = match all.peek() {
        Some(outer @ 0x60) => {
            let mut inner = all.enter(&"initial token", outer)?;
            if inner.expect(&"mechanism", tag::OID)? != SPNEGO {
                return Err(sekisho_wire::ParseError::bad(&"mechanism"));
            }
            inner.enter(&"negotiation", tag::context(0))?
        }
        _ => all.enter(&"negotiation", tag::context(1))?,
    };
    let mut fields = choice.enter(&"negotiation", tag::SEQUENCE)?;
    while !fields.is_empty() {
        let field = fields.element(&"negotiation")?;
        if field.tag == tag::context(2) {
            return Ber::new(field.content).expect(&"mechanism token", tag::OCTET_STRING).map(Some);
        }
    }
    Ok(None)
}
