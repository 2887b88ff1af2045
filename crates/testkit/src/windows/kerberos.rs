//! Kerberos (RFC 4120 §5).

use crate::der::{int, nth, octets, seq, tlv};

/// AES with 256 bits, and RC4, as numbers of encryption types.
pub const AES: u8 = 18;
/// See [`AES`].
pub const RC4: u8 = 23;

/// Proof of a client that it knows its key: an encrypted time.
pub const PA_ENC_TIMESTAMP: u32 = 2;
/// A ticket that comes with a request.
const PA_TGS_REQ: u32 = 1;

/// Error: the account is not known; the proof is wrong; proof is needed.
pub const UNKNOWN: u8 = 6;
/// See [`UNKNOWN`].
pub const WRONG: u8 = 24;
/// See [`UNKNOWN`].
pub const PROOF_NEEDED: u8 = 25;

fn string(text: &str) -> Vec<u8> {
    tlv(0x1b, text.as_bytes())
}

fn named(name: &str) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = name.split('/').map(string).collect();
    seq(&[nth(0, &int(1)), nth(1, &seq(&parts))])
}

fn sealed(cipher: u8, text: &[u8]) -> Vec<u8> {
    seq(&[nth(0, &int(cipher.into())), nth(1, &int(2)), nth(2, &octets(text))])
}

/// A ticket of a service, whose cipher text is `text`.
pub fn ticket(realm: &str, service: &str, cipher: u8, text: &[u8]) -> Vec<u8> {
    let parts = [nth(0, &int(5)), nth(1, &string(realm)), nth(2, &named(service)), nth(3, &sealed(cipher, text))];
    tlv(0x61, &seq(&parts))
}

/// An AP-REQ: a ticket and the proof that it is the sender's.
pub fn ap_request(ticket: &[u8]) -> Vec<u8> {
    let options = tlv(3, &[0, 0x20, 0, 0, 0]);
    let parts = [int(5), int(14), options, ticket.to_vec(), sealed(AES, b"authenticator")];
    let parts: Vec<Vec<u8>> = parts.iter().zip(0..).map(|(p, n)| nth(n, p)).collect();
    tlv(0x6e, &seq(&parts))
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Realm of both.
    pub realm: &'a str,
    /// The account.
    pub client: &'a str,
    /// The service, such as `krbtgt/X.ORG`.
    pub service: &'a str,
    /// Encryption types offered.
    pub ciphers: &'a [u8],
    /// A number of its own.
    pub nonce: u32,
}

impl Request<'_> {
    fn message(&self, kind: u8, preauth: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let data: Vec<Vec<u8>> = preauth.iter().map(|(k, v)| seq(&[nth(1, &int(*k)), nth(2, &octets(v))])).collect();
        let ciphers: Vec<Vec<u8>> = self.ciphers.iter().map(|c| int((*c).into())).collect();
        let mut body = vec![nth(0, &tlv(3, &[0, 0x40, 0x80, 0, 0x10]))];
        if kind == 10 {
            body.push(nth(1, &named(self.client)));
        }
        body.extend([
            nth(2, &string(self.realm)),
            nth(3, &named(self.service)),
            nth(5, &tlv(0x18, b"20370913024805Z")),
            nth(7, &int(self.nonce)),
            nth(8, &seq(&ciphers)),
        ]);
        let mut parts = vec![nth(1, &int(5)), nth(2, &int(kind.into()))];
        if !data.is_empty() {
            parts.push(nth(3, &seq(&data)));
        }
        parts.push(nth(4, &seq(&body)));
        tlv(0x60 | kind, &seq(&parts))
    }

    /// AS-REQ, with the encrypted time if there is to be proof.
    pub fn first(&self, proof: bool) -> Vec<u8> {
        let preauth = if proof { vec![(PA_ENC_TIMESTAMP, sealed(AES, b"now"))] } else { Vec::new() };
        self.message(10, &preauth)
    }

    /// TGS-REQ with the ticket-granting ticket.
    pub fn next(&self, granting: &[u8]) -> Vec<u8> {
        self.message(12, &[(PA_TGS_REQ, ap_request(granting))])
    }

    /// AS-REP or TGS-REP (`kind` 11 or 13), with a ticket and the client's part in a type of its own.
    pub fn reply(&self, kind: u8, ticket: &[u8], cipher: u8) -> Vec<u8> {
        let parts = [
            nth(0, &int(5)),
            nth(1, &int(kind.into())),
            nth(3, &string(self.realm)),
            nth(4, &named(self.client)),
            nth(5, ticket),
            nth(6, &sealed(cipher, b"reply")),
        ];
        tlv(0x60 | kind, &seq(&parts))
    }

    /// KRB-ERROR.
    pub fn error(&self, code: u8) -> Vec<u8> {
        let parts = [
            nth(0, &int(5)),
            nth(1, &int(30)),
            nth(4, &tlv(0x18, b"20260302080000Z")),
            nth(5, &int(1)),
            nth(6, &int(code.into())),
            nth(9, &string(self.realm)),
            nth(10, &named(self.service)),
        ];
        tlv(0x7e, &seq(&parts))
    }
}
