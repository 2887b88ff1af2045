use sekisho_record::{Digest, Head, Record, Tail, Text};
use sekisho_types::{Addr, Timestamp};

/// A TLS, DTLS or SSL session: what was offered, what was chosen, how far it came.
#[derive(Clone, Debug, Record)]
#[record(log = "ssl")]
pub struct SslRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version that the server chose.
    pub version: Option<String>,
    /// Cipher suite that the server chose.
    pub cipher: Option<String>,
    /// Group of the key exchange.
    pub curve: Option<String>,
    /// Name that the client asked for (SNI).
    pub server_name: Option<Text>,
    /// The session resumed an earlier one.
    pub resumed: bool,
    /// The last alert that was not encrypted.
    pub last_alert: Option<String>,
    /// Application protocol that the server chose (ALPN).
    pub next_protocol: Option<Text>,
    /// Both ends began to send encrypted data.
    pub established: bool,
    /// A letter for each message, upper case from the client; see the manual.
    pub ssl_history: String,
    /// SHA-256 of the server's certificates.
    pub cert_chain_fps: Option<Vec<Digest<32>>>,
    /// SHA-256 of the client's certificates.
    pub client_cert_chain_fps: Option<Vec<Digest<32>>>,
    /// The server's certificate covers `server_name`.
    pub sni_matches_cert: Option<bool>,
    /// Verdict on the server's chain against Mozilla's roots at the time of the capture, in OpenSSL's words.
    #[record(ext)]
    pub validation_status: Option<&'static str>,
    /// JA3 fingerprint of the client hello.
    #[record(ext)]
    pub ja3: Option<Digest<16>>,
    /// JA3S fingerprint of the server hello.
    #[record(ext)]
    pub ja3s: Option<Digest<16>>,
    /// JA4 fingerprint of the client hello.
    #[record(ext)]
    pub ja4: Option<String>,
    /// Application protocols that the client offered.
    #[record(ext)]
    pub client_alpn: Vec<Text>,
    /// Version that the client offered in its hello's first field or, if higher, in supported_versions.
    #[record(ext)]
    pub client_version: Option<String>,
    /// The client hello carries an encrypted one (ECH, RFC 9849): `server_name` is the outer name.
    #[record(ext)]
    pub ech: Option<bool>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
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
}
