//! What detectors want to know of sessions and certificates beyond `ssl` and `x509`: rows that stand in no log.

use super::message::{ClientHello, ServerHello, u16s};
use super::names::{is_tls13, version};
use crate::Cx;
use sekisho_record::{Digest, Port, Record, Text};
use sekisho_types::{Addr, Timestamp, Uid};
use sekisho_x509::{CertTime, Certificate, key_fingerprint};

/// Names of a certificate that are told; how many there are is told beside them.
const MAX_TOLD_NAMES: usize = 32;

/// Longest exponent of a usual key, in digits; of longer ones the beginning is told.
const MAX_EXPONENT_LEN: usize = 24;

/// End of the random of a server that could do more than it chose (RFC 8446 §4.1.3): TLS 1.2, or less.
const DOWNGRADE: [[u8; 8]; 2] = [*b"DOWNGRD\x01", *b"DOWNGRD\x00"];

/// Octets of a heartbeat message beside its payload: type, the payload's length, and padding (RFC 6520 §4). A message of
/// fewer is to be thrown away; a server that answers it does not look.
const HEARTBEAT_FRAME_LEN: usize = 3 + 16;

/// A session, as detectors see it. Ends are those of the handshake, whoever opened the connection.
#[derive(Clone, Debug, Record)]
#[record(log = "tls_session")]
pub struct TlsSessionRecord {
    /// Time of the first message.
    pub ts: Timestamp,
    /// Flow.
    pub uid: Uid,
    /// The end that sent the client hello, or would have.
    pub client: Addr,
    /// The other end.
    pub server: Addr,
    /// Its port.
    pub server_port: Port,
    /// Version that the server chose, as on the wire.
    pub version: Option<u16>,
    /// Highest version that the client offered, as on the wire.
    pub offered: Option<u16>,
    /// Name of the suite that the server chose.
    pub cipher: Option<Text>,
    /// Bits of the prime of a finite-field key exchange.
    pub dh_len: Option<u32>,
    /// The server chose a compression method.
    pub compression: bool,
    /// The server's random says that it could do TLS 1.3, which the client offered, and yet it chose less.
    pub downgrade: bool,
    /// A heartbeat asked for more than it sent: `tried`, or `answered` if more came back.
    pub heartbleed: Option<&'static str>,
    /// Both ends began to send encrypted data.
    pub established: bool,
    /// Resumed an earlier session.
    pub resumed: bool,
    /// Name that the client asked for.
    pub server_name: Option<Text>,
    /// The server's certificates.
    pub chain: Vec<Digest<32>>,
    /// Verdict on them, in OpenSSL's words.
    pub validation: Option<&'static str>,
    /// Why they lead to no trusted root; see [`sekisho_x509::Fault`].
    pub fault: Option<&'static str>,
    /// They lead to a root that the user added to the public ones.
    pub added_root: bool,
    /// Does the first one cover `server_name` by RFC 9525: `covered`, `common-name` if only by the common name, or `other`?
    pub name_fits: Option<&'static str>,
    /// The alert by which the client refused.
    pub client_alert: Option<u8>,
    /// The client showed a certificate.
    pub client_cert: bool,
    /// Protocol in which TLS was begun; proxies' among them, behind which the server is another.
    pub inside: Option<&'static str>,
}

/// A certificate that an end of a TLS session showed, once.
#[derive(Clone, Debug, Record)]
#[record(log = "tls_cert")]
pub struct TlsCertRecord {
    /// Time it was first seen.
    pub ts: Timestamp,
    /// SHA-256 of the DER.
    pub fingerprint: Digest<32>,
    /// SHA-256 of the SubjectPublicKeyInfo's content.
    pub key: Option<Digest<32>>,
    /// Serial number, upper-case hex.
    pub serial: Text,
    /// Subject, as OpenSSL prints it.
    pub subject: Text,
    /// Issuer, as OpenSSL prints it.
    pub issuer: Text,
    /// Start of validity; unset if it cannot be read.
    pub not_before: Option<Timestamp>,
    /// End of validity; unset if it cannot be read.
    pub not_after: Option<Timestamp>,
    /// Algorithm of the signature.
    pub sig_alg: Text,
    /// `rsa`, `dsa` or `ecdsa`.
    pub key_type: Option<&'static str>,
    /// Bits of the key.
    pub key_len: Option<u32>,
    /// RSA exponent.
    pub exponent: Option<Text>,
    /// Curve.
    pub curve: Option<Text>,
    /// The first DNS names that it covers.
    pub names: Vec<Text>,
    /// DNS names and addresses that it covers.
    pub name_count: u64,
    /// It is an authority.
    pub ca: bool,
    /// Identifier of its key.
    pub key_id: Option<Text>,
    /// Identifier of its issuer's key.
    pub issuer_key_id: Option<Text>,
    /// Subject and issuer are the same.
    pub self_issued: bool,
    /// Embedded proofs of public logging.
    pub sct_count: u32,
}

/// Tells of a certificate, if detectors listen.
pub(super) fn certificate(fp: Digest<32>, der: &[u8], cert: &Certificate, cx: &mut Cx<'_>) {
    if cx.is_judged() {
        let ts = cx.ts;
        cx.emit_once("tls_cert", &fp.0, 0, || cert_row(ts, fp, der, cert));
    }
}

fn cert_row(ts: Timestamp, fingerprint: Digest<32>, der: &[u8], c: &Certificate) -> TlsCertRecord {
    let e = &c.extensions;
    let (dns, ip_count) = e.alt_names.as_ref().map_or((&[][..], 0), |names| (&names.dns[..], names.ip.len()));
    let cut = |text: &String| Text::from(text.as_bytes().get(..MAX_EXPONENT_LEN).unwrap_or(text.as_bytes()));
    TlsCertRecord {
        ts,
        fingerprint,
        key: key_fingerprint(der).map(Digest),
        serial: Text::from(&c.serial),
        subject: Text::from(&c.subject),
        issuer: Text::from(&c.issuer),
        not_before: c.not_before.map(CertTime::to_timestamp),
        not_after: c.not_after.map(CertTime::to_timestamp),
        sig_alg: Text::from(&c.sig_alg),
        key_type: c.key.kind,
        key_len: c.key.length,
        exponent: c.key.exponent.as_ref().map(cut),
        curve: c.key.curve.as_ref().map(Text::from),
        names: dns.iter().take(MAX_TOLD_NAMES).map(Text::from).collect(),
        name_count: (dns.len() + ip_count) as u64,
        ca: e.basic_constraints.is_some_and(|b| b.ca),
        key_id: e.subject_key_id.as_ref().map(Text::from),
        issuer_key_id: e.authority_key_id.as_ref().map(Text::from),
        self_issued: c.self_issued,
        sct_count: e.sct_count.unwrap_or(0),
    }
}

/// What is noted of a session for [`TlsSessionRecord`] alone; kept only while detectors listen.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// The client offered TLS 1.3 as it was published, no draft.
    offers_tls13: bool,
    pub(super) compression: bool,
    pub(super) downgrade: bool,
    pub(super) dh_len: Option<u32>,
    pub(super) client_alert: Option<u8>,
    asked_too_much: bool,
    answered_too_much: bool,
    /// Length of the record that asked for too much.
    request_len: usize,
}

impl Signs {
    pub(super) fn client_hello(&mut self, h: &ClientHello<'_>) {
        self.offers_tls13 |= u16s(h.supported_versions).any(|v| v == version::TLS13);
    }

    pub(super) fn server_hello(&mut self, h: &ServerHello<'_>) {
        let chosen = h.selected_version.unwrap_or(h.version);
        self.compression |= h.compression != 0;
        let marked = h.random.last_chunk::<8>().is_some_and(|end| DOWNGRADE.contains(end));
        self.downgrade |= marked && self.offers_tls13 && !h.retry && !is_tls13(chosen);
    }

    /// A heartbeat in clear: its beginning and the record's length. Heartbeats that ask for more octets than they brought
    /// make a server without the check of RFC 6520 §4 send its memory.
    pub(super) fn heartbeat(&mut self, body: &[u8], len: usize) {
        let &[kind, a, b, ..] = body else { return };
        let claimed = usize::from(u16::from_be_bytes([a, b]));
        match kind {
            1 if claimed + HEARTBEAT_FRAME_LEN > len => {
                self.asked_too_much = true;
                self.request_len = self.request_len.max(len);
            }
            2 if self.asked_too_much && len > self.request_len => self.answered_too_much = true,
            _ => {}
        }
    }

    pub(super) fn heartbleed(&self) -> Option<&'static str> {
        match (self.asked_too_much, self.answered_too_much) {
            (_, true) => Some("answered"),
            (true, false) => Some("tried"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_that_ask_for_too_much() {
        let mut signs = Signs::default();
        signs.heartbeat(&[1, 0, 4, 1, 2, 3, 4], 3 + 4 + 16);
        signs.heartbeat(&[2, 0, 4, 1, 2, 3, 4], 3 + 4 + 16);
        assert_eq!(signs.heartbleed(), None);
        signs.heartbeat(&[1, 0x40, 0], 3);
        assert_eq!(signs.heartbleed(), Some("tried"));
        signs.heartbeat(&[2, 0, 0], 3);
        assert_eq!(signs.heartbleed(), Some("tried"), "nothing beyond what was sent came back");
        signs.heartbeat(&[2, 0x40, 0, 1, 2], 0x4003);
        assert_eq!(signs.heartbleed(), Some("answered"));
        signs.heartbeat(&[], 0);
    }

    #[test]
    fn a_downgrade_is_one_only_from_what_was_offered() {
        let mut marked = ServerHello { version: version::TLS12, ..ServerHello::default() };
        marked.random[24..].copy_from_slice(&DOWNGRADE[0]);
        let told = |offered: &[u8], hello: &ServerHello<'_>| {
            let mut signs = Signs::default();
            signs.client_hello(&ClientHello { supported_versions: offered, ..ClientHello::default() });
            signs.server_hello(hello);
            signs.downgrade
        };
        assert!(told(&[0x0a, 0x0a, 3, 4, 3, 3], &marked));
        assert!(!told(&[3, 3], &marked));
        assert!(!told(&[0x7f, 0x1c, 3, 3], &marked), "a draft is not what the server can do");
        assert!(!told(&[3, 4], &ServerHello { selected_version: Some(version::TLS13), ..marked.clone() }));
        assert!(!told(&[3, 4], &ServerHello { version: version::TLS12, ..ServerHello::default() }));
    }
}
