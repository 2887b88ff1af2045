//! Certificates as protocols meet them: the x509 row of each, once, and the file that it is.

use crate::cx::day;
use crate::memo::Memo;
use crate::{Cx, FileInfo, FileMeta};
use sekisho_record::{Digest, Port, Record, Text};
use sekisho_types::{Addr, Heap, Timestamp, Uid, seeded_hash};
use sekisho_x509::{CertTime, Certificate, fingerprint};
use std::sync::Arc;

/// Certificates that came lately: those of much used servers come with every connection.
static READ: Memo<Arc<Read>> = Memo::new();

/// Bytes at a certificate's end that choose its place: they are of its signature.
const TAIL_LEN: usize = 32;

/// What was read of a certificate.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) fingerprint: Digest<32>,
    /// `None` if it is none.
    pub(crate) cert: Option<Certificate>,
}

/// Reads a certificate in DER.
pub(crate) fn read(der: &[u8]) -> Arc<Read> {
    let tail = der.last_chunk::<TAIL_LEN>().map_or(der, |tail| tail);
    READ.get(seeded_hash(0, tail), der, || {
        Arc::new(Read { fingerprint: Digest(fingerprint(der)), cert: Certificate::parse(der).ok() })
    })
}

/// A certificate, once per run for each role it was seen in.
#[derive(Clone, Debug, Record)]
#[record(log = "x509")]
pub struct X509Record {
    /// Time it was seen.
    pub ts: Timestamp,
    /// SHA-256 of the DER.
    pub fingerprint: Digest<32>,
    /// Version, usually 3.
    #[record(name = "certificate.version")]
    pub version: u64,
    /// Serial number, upper-case hex.
    #[record(name = "certificate.serial")]
    pub serial: String,
    /// Subject.
    #[record(name = "certificate.subject")]
    pub subject: String,
    /// Issuer.
    #[record(name = "certificate.issuer")]
    pub issuer: String,
    /// Start of validity.
    #[record(name = "certificate.not_valid_before")]
    pub not_valid_before: Timestamp,
    /// End of validity; dates after 2262 are cut.
    #[record(name = "certificate.not_valid_after")]
    pub not_valid_after: Timestamp,
    /// Algorithm of the key.
    #[record(name = "certificate.key_alg")]
    pub key_alg: String,
    /// Algorithm of the signature.
    #[record(name = "certificate.sig_alg")]
    pub sig_alg: String,
    /// `rsa`, `dsa` or `ecdsa`.
    #[record(name = "certificate.key_type")]
    pub key_type: Option<&'static str>,
    /// Bits of the key.
    #[record(name = "certificate.key_length")]
    pub key_length: Option<u32>,
    /// RSA exponent.
    #[record(name = "certificate.exponent")]
    pub exponent: Option<String>,
    /// Curve.
    #[record(name = "certificate.curve")]
    pub curve: Option<String>,
    /// DNS names that it covers.
    #[record(name = "san.dns")]
    pub san_dns: Option<Vec<Text>>,
    /// URIs that it covers.
    #[record(name = "san.uri")]
    pub san_uri: Option<Vec<Text>>,
    /// Mail addresses that it covers.
    #[record(name = "san.email")]
    pub san_email: Option<Vec<Text>>,
    /// Addresses that it covers.
    #[record(name = "san.ip")]
    pub san_ip: Option<Vec<Addr>>,
    /// The subject is an authority.
    #[record(name = "basic_constraints.ca")]
    pub ca: Option<bool>,
    /// Most authorities below it.
    #[record(name = "basic_constraints.path_len")]
    pub path_len: Option<u64>,
    /// It is the first of its chain: the end's own.
    pub host_cert: bool,
    /// A client sent it.
    pub client_cert: bool,
    /// What the key may be used for.
    #[record(ext, name = "certificate.key_usage")]
    pub key_usage: Vec<&'static str>,
    /// What the certificate may be used for.
    #[record(ext, name = "certificate.ext_key_usage")]
    pub ext_key_usage: Vec<String>,
    /// Embedded proofs of public logging.
    #[record(ext, name = "certificate.sct_count")]
    pub sct_count: Option<u32>,
    /// Subject and issuer are the same.
    #[record(ext)]
    pub self_issued: bool,
    /// True if the connection began before the capture; another row of it in a whole connection has its own row.
    #[record(ext)]
    pub midstream: Option<bool>,
}

/// A certificate that a host in the home networks presents, once a day.
#[derive(Clone, Debug, Record)]
#[record(log = "known_certs")]
pub struct KnownCertsRecord {
    /// Time at which a session with it was established.
    pub ts: Timestamp,
    /// The host.
    pub host: Addr,
    /// The port that it serves.
    pub port_num: Port,
    /// Subject of the certificate.
    pub subject: Text,
    /// Its issuer.
    pub issuer_subject: Text,
    /// Its serial number, upper-case hex.
    pub serial: Text,
    /// SHA-256 of the certificate, as in `x509`.
    #[record(ext)]
    pub fingerprint: Digest<32>,
    /// Flow of the session.
    #[record(ext)]
    pub uid: Uid,
}

/// Logs the certificate of a server in the home networks with which a session was established.
pub(crate) fn known(fp: Digest<32>, named: &Named, cx: &mut Cx<'_>) {
    let (ts, uid, tuple) = (cx.ts, cx.flow.uid, cx.flow.tuple);
    let mut key = fp.0;
    // The rest of the digest tells certificates apart as well as all of it.
    key.iter_mut().zip(tuple.resp.octets().iter().copied().chain(day(ts))).for_each(|(k, b)| *k = b);
    cx.emit_once("known_certs", &key, 0, || KnownCertsRecord {
        ts,
        host: tuple.resp,
        port_num: Port(tuple.resp_port),
        subject: named.subject.clone(),
        issuer_subject: named.issuer.clone(),
        serial: named.serial.clone(),
        fingerprint: fp,
        uid,
    });
}

/// What a certificate is known by.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) subject: Text,
    pub(crate) issuer: Text,
    pub(crate) serial: Text,
}

impl Heap for Named {
    fn heap_len(&self) -> usize {
        self.subject.heap_len() + self.issuer.heap_len() + self.serial.heap_len()
    }
}

/// What a protocol's own row says about a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its subject, if it could be read.
    pub(crate) subject: Option<Text>,
    /// Its file id.
    pub(crate) fuid: Option<Uid>,
}

/// Logs an end's own certificate that is part of no TLS session. `source` is Zeek's name for where it was met.
pub(crate) fn log(der: &[u8], source: &'static str, host_cert: bool, is_orig: bool, cx: &mut Cx<'_>) -> Seen {
    let read = read(der);
    let Some(cert) = &read.cert else {
        cx.weird("x509_unparsable_certificate");
        return Seen::default();
    };
    log_once(read.fingerprint, cert, host_cert, is_orig, cx);
    let info = file(der, source, is_orig, cert, cx);
    Seen { subject: Some(cert.subject.clone().into()), fuid: info.row() }
}

/// Logs a certificate unless it was logged in the same role. Tells whether it was logged now. One that was met in a
/// connection that began before the capture counts apart: Zeek's logs lack its row.
pub(crate) fn log_once(
    fp: Digest<32>,
    cert: &Certificate,
    host_cert: bool,
    client_cert: bool,
    cx: &mut Cx<'_>,
) -> bool {
    let (ts, midstream) = (cx.ts, cx.flow.midstream);
    let role = u8::from(host_cert) | u8::from(client_cert) << 1 | u8::from(midstream) << 2;
    let row = || X509Record { midstream: midstream.then_some(true), ..row(ts, fp, cert, host_cert, client_cert) };
    cx.emit_once("x509", &fp.0, role, row)
}

/// A certificate is a file, too; as it has its x509 row, `files` does not list it.
pub(crate) fn file(der: &[u8], source: &'static str, is_orig: bool, cert: &Certificate, cx: &mut Cx<'_>) -> FileInfo {
    let ca = cert.extensions.basic_constraints.is_some_and(|b| b.ca);
    let id = cx.file_open(FileMeta {
        source,
        is_orig,
        analyzers: &["X509"],
        total_len: Some(der.len() as u64),
        known_mime: Some(if ca { "application/x-x509-ca-cert" } else { "application/x-x509-user-cert" }),
        unlogged: true,
        ..FileMeta::default()
    });
    cx.file_data(id, der);
    cx.file_close(id, true)
}

/// The x509 row of a certificate.
fn row(ts: Timestamp, fp: Digest<32>, c: &Certificate, host_cert: bool, client_cert: bool) -> X509Record {
    let e = &c.extensions;
    let names = e.alt_names.as_ref();
    let texts = |list: &Vec<Vec<u8>>| (!list.is_empty()).then(|| list.iter().map(Text::from).collect::<Vec<_>>());
    let time = |t: Option<CertTime>| t.map_or(Timestamp(0), CertTime::to_timestamp);
    X509Record {
        ts,
        fingerprint: fp,
        version: c.version,
        serial: c.serial.clone(),
        subject: c.subject.clone(),
        issuer: c.issuer.clone(),
        not_valid_before: time(c.not_before),
        not_valid_after: time(c.not_after),
        key_alg: c.key.algorithm.clone(),
        sig_alg: c.sig_alg.clone(),
        key_type: c.key.kind,
        key_length: c.key.length,
        exponent: c.key.exponent.clone(),
        curve: c.key.curve.clone(),
        san_dns: names.and_then(|n| texts(&n.dns)),
        san_uri: names.and_then(|n| texts(&n.uri)),
        san_email: names.and_then(|n| texts(&n.email)),
        san_ip: names.filter(|n| !n.ip.is_empty()).map(|n| n.ip.clone()),
        ca: e.basic_constraints.map(|b| b.ca),
        path_len: e.basic_constraints.and_then(|b| b.path_len),
        host_cert,
        client_cert,
        key_usage: e.key_usage.map(|u| u.names().collect()).unwrap_or_default(),
        ext_key_usage: e.ext_key_usage.clone().unwrap_or_default(),
        sct_count: e.sct_count,
        self_issued: c.self_issued,
        midstream: None,
    }
}
