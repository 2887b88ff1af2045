//! What machines with Windows say to each other: logins by NTLM, file shares and pipes (SMB 2), remote calls (DCE/RPC), Kerberos,
//! LDAP. Messages as functions, and dialogues ([`Smb`], [`Rpc`]) that keep the numbers right.

pub mod kerberos;
pub mod ldap;
pub mod ntlm;
pub mod rpc;
pub mod smb2;

mod dialogue;

pub use dialogue::{Rpc, Smb};
pub use ntlm::Login;

use crate::der::{nth, octets, tlv};

/// A text in the way of Windows.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The client's first SPNEGO token (RFC 4178 §4.2.1), which offers NTLM.
pub fn spnego_init(token: &[u8]) -> Vec<u8> {
    let mechanisms = nth(0, &tlv(0x30, &tlv(0x06, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")));
    let fields = [mechanisms, nth(2, &octets(token))].concat();
    tlv(0x60, &[tlv(0x06, b"\x2b\x06\x01\x05\x05\x02"), nth(0, &tlv(0x30, &fields))].concat())
}

/// A later one (§4.2.2).
pub fn spnego_resp(state: Option<u8>, token: &[u8]) -> Vec<u8> {
    let state = state.map(|s| nth(0, &tlv(0x0a, &[s]))).unwrap_or_default();
    let token = if token.is_empty() { Vec::new() } else { nth(2, &octets(token)) };
    nth(1, &tlv(0x30, &[state, token].concat()))
}
