//! What SASL puts around LDAP behind a successful bind (RFC 4513 §5.2, RFC 4752).

use crate::ber::tag;

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
