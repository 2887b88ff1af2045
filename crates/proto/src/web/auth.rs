//! Logins by NTLM in header fields (RFC 4559, MS-NTHT §2.2).

use crate::gssapi;
use crate::mime::Base64;
use sekisho_types::Dir;

/// Longest token that is decoded.
const MAX_TOKEN_LEN: usize = 16 << 10;

/// The NTLM message in a header field of that direction, if there is one, alone or in SPNEGO's negotiation.
pub(crate) fn ntlm_message(name: &[u8], value: &[u8], dir: Dir) -> Option<Vec<u8>> {
    let names: [&[u8]; 2] = match dir {
        Dir::Orig => [b"authorization", b"proxy-authorization"],
        Dir::Resp => [b"www-authenticate", b"proxy-authenticate"],
    };
    if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
        return None;
    }
    let (scheme, token) = value.split_at_checked(memchr::memchr(b' ', value)?)?;
    let known = [&b"ntlm"[..], b"negotiate"].iter().any(|s| s.eq_ignore_ascii_case(scheme));
    let token = token.trim_ascii();
    if !known || token.is_empty() || token.len() > MAX_TOKEN_LEN {
        return None;
    }
    let mut bytes = Vec::new();
    let mut decoder = Base64::default();
    decoder.push(token, &mut bytes);
    decoder.finish(&mut bytes);
    gssapi::ntlm_message(&bytes).map(<[u8]>::to_vec)
}
