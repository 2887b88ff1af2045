//! What protocols have in common that carry Kerberos 5 (RFC 4120): its messages, the names of numbers, and the record.
//!
//! `krb` speaks it with the key distribution centre; in SMB, DCE/RPC, LDAP and others a client shows its ticket inside
//! GSS-API tokens (see `gssapi`).

pub(crate) mod message;
mod names;
mod record;

pub(crate) use message::Message;
pub use record::KerberosRecord;

use crate::Cx;
use crate::ber::{Ber, tag};

/// Kerberos as a GSS-API mechanism (RFC 4121 §4.1), Microsoft's variant, and user to user, as encoded.
const MECHANISMS: [&[u8]; 3] = [
    b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
    b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02",
    b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03",
];

/// Is `token` one of Kerberos, framed by the mechanism or bare? If so, the service is confirmed, and the first ticket
/// shown (`shown` remembers) gives a row.
pub(crate) fn gss_token(token: &[u8], shown: &mut bool, cx: &mut Cx<'_>) -> bool {
    let Some(message) = unframed(token) else { return false };
    let Ok(message) = Message::parse(message) else { return false };
    cx.confirm("krb");
    if let Message::ApRequest(ticket) = message
        && !std::mem::replace(shown, true)
    {
        let mut row = KerberosRecord::new(cx);
        row.shown(&ticket);
        cx.emit(row);
    }
    true
}

/// The Kerberos message in a token: behind the mechanism's name and the two bytes of the token's kind.
fn unframed(token: &[u8]) -> Option<&[u8]> {
    let first = token.first()?;
    if *first != 0x60 {
        return message::peek(token).is_ok_and(|len| len == Some(token.len())).then_some(token);
    }
    let mut inner = Ber::new(token).enter(&"token", *first).ok()?;
    let mechanism = inner.expect(&"mechanism", tag::OID).ok()?;
    inner.rest().get(2..).filter(|_| MECHANISMS.contains(&mechanism))
}
