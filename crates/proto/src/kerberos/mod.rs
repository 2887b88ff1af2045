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

/// Name of an encryption type.
pub(crate) fn cipher_name(number: i64) -> String {
    names::cipher(number)
}

/// A message outside the talk with the key distribution centre: the first ticket shown (`shown` remembers) gives a row.
pub(crate) fn shown(message: &[u8], shown: &mut bool, cx: &mut Cx<'_>) {
    if let Ok(Message::ApRequest(ticket)) = Message::parse(message)
        && !std::mem::replace(shown, true)
    {
        let mut row = KerberosRecord::new(cx);
        row.shown(&ticket);
        cx.emit(row);
    }
}
